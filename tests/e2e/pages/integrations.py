"""The pages under Settings > Devices & services."""

import re

from playwright.async_api import Error, Locator, Page

from .device import DevicePage
from .download import download
from .flow_dialog import FlowDialog
from .message_box import MessageBox
from .settings import SettingsPage


class IntegrationsPage:
    """The list of all integrations."""

    def __init__(self, page: Page) -> None:
        """Look at a page."""
        self._page = page

    async def open(self) -> None:
        """Go there from anywhere, as a person does."""
        await self._page.goto("/")
        await SettingsPage(self._page).open()
        await self._page.get_by_role("link", name="Devices & services").click()

    async def add(self, name: str) -> FlowDialog:
        """Start to add an integration, and return the dialog for it."""
        await self._page.get_by_role("button", name="Add integration").click()
        brands = self._page.locator("dialog-add-integration")
        # Each release asks for something else: a brand name, or brands and integrations.
        await brands.get_by_placeholder(re.compile("^Search ")).fill(name)
        await brands.get_by_role("button", name=name, exact=True).click()
        return FlowDialog(self._page)


class IntegrationPage:
    """What was set up of one integration."""

    def __init__(self, page: Page, domain: str) -> None:
        """Look at a page."""
        self._page = page
        self._domain = domain
        self.element = page.locator("ha-config-integration-page")

    async def open(self) -> None:
        """Go there."""
        address = f"/config/integrations/integration/{self._domain}"
        try:
            await self._page.goto(address)
        except Error as err:
            # A dialog that is about to close goes back by itself, which takes the place of what was asked for.
            if "ERR_ABORTED" not in str(err):
                raise
            await self._page.goto(address)

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

    def attention(self, title: str) -> Locator:
        """Return the row that says that it needs attention."""
        return self._page.locator("ha-list-item-base").filter(has_text=title)

    async def attend_to(self, title: str) -> FlowDialog:
        """Begin with what needs attention, and return the dialog for it."""
        await self.attention(title).get_by_role("button", name="Reconfigure").click()
        return FlowDialog(self._page)

    async def open_device(self, title: str, name: str) -> DevicePage:
        """Go to the page of a device."""
        await self.devices(title).filter(has_text=name).click()
        return DevicePage(self._page)

    async def reload(self, title: str) -> None:
        """Reload what was set up, and wait until that is done."""
        await (await self._menu_item(title, "Reload")).click()
        await MessageBox(self._page).take_note("The integration was reloaded")

    async def reconfigure(self, title: str) -> FlowDialog:
        """Begin to change how it was set up, and return the dialog for it."""
        await (await self._menu_item(title, "Reconfigure")).click()
        return FlowDialog(self._page)

    async def download_diagnostics(self, title: str) -> str:
        """Download the diagnostics of what was set up, and return what is in the file."""
        item = await self._menu_item(title, "Download diagnostics")
        return await download(self._page, item)

    async def delete(self, title: str) -> None:
        """Delete what was set up, and confirm that."""
        await (await self._menu_item(title, "Delete")).click()
        await MessageBox(self._page).answer(f"Delete {title}?", "Delete")

    async def _menu_item(self, title: str, item: str) -> Locator:
        """Open the menu of what was set up, and return an item of it."""
        entry = self.entry(title)
        await entry.get_by_role("button", name="Menu").first.click()
        return entry.get_by_role("menuitem", name=item)
