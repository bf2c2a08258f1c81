"""The editor in which a person makes an automation."""

from playwright.async_api import Locator, Page, expect


class AutomationEditor:
    """A new automation: triggers and actions on one side, the one that is selected on the other."""

    def __init__(self, page: Page) -> None:
        """Look at a page."""
        self._page = page
        self.element = page.locator("ha-automation-editor")
        self.selected = self.element.locator("ha-automation-sidebar")
        self.triggers = self.element.locator("ha-automation-trigger-row")
        self._choices = page.locator("add-automation-element-dialog")

    async def open(self) -> None:
        """Begin a new automation."""
        await self._page.goto("/config/automation/edit/new")

    async def offered_triggers(self, integration: str) -> Locator:
        """Open the list of an integration's triggers, and return its rows."""
        await self.element.get_by_role("button", name="Add trigger").click()
        await self._choices.get_by_role("button", name="By type").click()
        await self._choices.get_by_role("button", name=integration, exact=True).click()
        return self._choices.locator("ha-automation-add-items ha-list-item-button")

    async def add_trigger(self, integration: str, name: str) -> None:
        """Add a trigger, which is selected then."""
        offered = await self.offered_triggers(integration)
        await offered.filter(has=self._page.get_by_text(name, exact=True)).click()
        await expect(self.selected).to_contain_text(name)

    async def add_target_device(self, name: str) -> None:
        """Add a device to the targets of what is selected."""
        await self.selected.get_by_role("button", name="Add target").click()
        targets = self.selected.locator("ha-target-picker")
        await targets.get_by_role("button", name="Devices").click()
        await targets.locator("ha-combo-box-item").filter(has_text=name).click()

    def field(self, name: str) -> Locator:
        """Return a field of what is selected, with its name and description."""
        label = self._page.get_by_text(name, exact=True)
        return self.selected.locator("ha-settings-row").filter(has=label)

    async def choose(self, field: str, option: str) -> None:
        """Choose an option of a field that is left out at first: its name brings it in."""
        row = self.field(field)
        await row.get_by_text(field, exact=True).click()
        await row.get_by_role("radio", name=option).click()

    async def add_action(self, name: str) -> None:
        """Add an action, which is selected then."""
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
        """Look at a page."""
        self._page = page
        self.items = page.locator("persistent-notification-item")

    async def open(self) -> None:
        """Open the drawer."""
        await self._page.get_by_role("button", name="Notifications").click()
