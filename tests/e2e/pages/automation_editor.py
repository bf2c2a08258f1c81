"""The editor of automations."""

from playwright.async_api import Locator, Page, expect

from .navigation import go_to


class AutomationEditor:
    """A new automation.

    Its triggers and actions are on one side, the selected one's settings on the other.
    """

    def __init__(self, page: Page) -> None:
        """Use a page."""
        self._page = page
        self.element = page.locator("ha-automation-editor")
        self.selected = self.element.locator("ha-automation-sidebar")
        self.triggers = self.element.locator("ha-automation-trigger-row")
        self._choices = page.locator("add-automation-element-dialog")

    async def open(self) -> None:
        """Begin a new automation."""
        await go_to(self._page, "/config/automation/edit/new")

    async def offered_triggers(self, integration: str) -> Locator:
        """Open an integration's triggers, and return their rows."""
        await self.element.get_by_role("button", name="Add trigger").click()
        await self._choices.get_by_role("button", name="By type").click()
        await self._choices.get_by_role("button", name=integration, exact=True).click()
        return self._choices.locator("ha-automation-add-items ha-list-item-button")

    async def add_trigger(self, integration: str, name: str) -> None:
        """Add a trigger, and wait until it is selected."""
        offered = await self.offered_triggers(integration)
        await offered.filter(has=self._page.get_by_text(name, exact=True)).click()
        await expect(self.selected).to_contain_text(name)

    async def add_target_device(self, name: str) -> None:
        """Add a device to the selected one's targets."""
        await self.selected.get_by_role("button", name="Add target").click()
        targets = self.selected.locator("ha-target-picker")
        await targets.get_by_role("button", name="Devices").click()
        await targets.locator("ha-combo-box-item").filter(has_text=name).click()

    def field(self, name: str) -> Locator:
        """Return a field of the selected one, with its description."""
        label = self._page.get_by_text(name, exact=True)
        return self.selected.locator("ha-settings-row").filter(has=label)

    async def choose(self, field: str, option: str) -> None:
        """Enable an optional field, and choose an option."""
        row = self.field(field)
        await row.get_by_text(field, exact=True).click()
        await row.get_by_role("radio", name=option).click()

    async def add_action(self, name: str) -> None:
        """Add an action, and wait until it is selected."""
        await self.element.get_by_role("button", name="Add action").click()
        await self._choices.get_by_placeholder("Search").fill(name)
        await self._choices.locator("ha-combo-box-item").filter(has_text=name).click()
        await expect(self.selected).to_contain_text(name)

    async def save(self, name: str) -> None:
        """Save the automation under a name."""
        await self.element.get_by_role("button", name="Save").click()
        question = self._page.locator("ha-dialog-automation-save")
        await question.get_by_role("textbox", name="Name").fill(name)
        await question.get_by_role("button", name="Save").click()
        await expect(self.element.get_by_text(name, exact=True)).to_be_visible()


class Notifications:
    """The drawer with Home Assistant's notifications."""

    def __init__(self, page: Page) -> None:
        """Use a page."""
        self._page = page
        self.items = page.locator("persistent-notification-item")

    async def open(self) -> None:
        """Open the drawer."""
        await self._page.get_by_role("button", name="Notifications").click()
