"""The pages under Settings > Devices & services."""

from playwright.async_api import Locator, Page, expect

from .device import DevicePage
from .flow_dialog import FlowDialog


class IntegrationsPage:
    """The list of all integrations."""

    def __init__(self, page: Page) -> None:
        """Look at a page."""
        self._page = page

    async def open(self) -> None:
        """Go there from anywhere, as a person does."""
        await self._page.goto("/")
        await self._page.get_by_role("link", name="Settings").click()
        await self._page.get_by_role("link", name="Devices & services").click()

    async def add(self, name: str) -> FlowDialog:
        """Start to add an integration, and return the dialog for it."""
        await self._page.get_by_role("button", name="Add integration").click()
        brands = self._page.locator("dialog-add-integration")
        await brands.get_by_placeholder("Search for a brand name").fill(name)
        await brands.get_by_role("button", name=name, exact=True).click()
        return FlowDialog(self._page)


class IntegrationPage:
    """What was set up of one integration."""

    def __init__(self, page: Page, domain: str) -> None:
        """Look at a page."""
        self._page = page
        self._domain = domain

    async def open(self) -> None:
        """Go there."""
        await self._page.goto(f"/config/integrations/integration/{self._domain}")

    def entry(self, title: str) -> Locator:
        """Return the row of what was set up under this title."""
        return self._page.locator("ha-config-entry-row").filter(has_text=title)

    def devices(self, title: str) -> Locator:
        """Return the rows of the devices that came with it."""
        return self.entry(title).locator("ha-config-entry-device-row")

    async def configure(self, title: str) -> FlowDialog:
        """Open the options, and return the dialog with them."""
        await self.entry(title).get_by_role("button", name="Configure").click()
        return FlowDialog(self._page)

    async def attend_to(self, title: str) -> FlowDialog:
        """Begin with what needs attention, and return the dialog for it."""
        row = self._page.locator("ha-list-item-base").filter(has_text=title)
        await row.get_by_role("button", name="Reconfigure").click()
        return FlowDialog(self._page)

    async def open_device(self, title: str, name: str) -> DevicePage:
        """Go to the page of a device."""
        await self.devices(title).filter(has_text=name).click()
        return DevicePage(self._page)

    async def delete(self, title: str) -> None:
        """Delete what was set up, and confirm that."""
        await self.entry(title).get_by_role("button", name="Menu").first.click()
        await self.entry(title).get_by_role("menuitem", name="Delete").click()
        question = self._page.locator("dialog-box")
        await expect(question.get_by_text(f"Delete {title}?")).to_be_visible()
        await question.get_by_role("button", name="Delete").click()
