"""The pages under Settings > Devices & services."""

import re

from playwright.async_api import Locator, Page

from .device import DevicePage
from .download import download
from .flow_dialog import FlowDialog
from .message_box import MessageBox
from .navigation import go_to
from .settings import SettingsPage


class IntegrationsPage:
    """The list of all integrations."""

    def __init__(self, page: Page) -> None:
        """Use a page."""
        self._page = page

    async def open(self) -> None:
        """Open the page, starting anywhere."""
        await go_to(self._page, "/")
        await SettingsPage(self._page).open()
        await self._page.get_by_role("link", name="Devices & services").click()

    async def add(self, name: str) -> FlowDialog:
        """Start to add an integration, and return its dialog."""
        await self._page.get_by_role("button", name="Add integration").click()
        brands = self._page.locator("dialog-add-integration")
        # The placeholder's text differs between releases.
        await brands.get_by_placeholder(re.compile("^Search ")).fill(name)
        await brands.get_by_role("button", name=name, exact=True).click()
        return FlowDialog(self._page)


class IntegrationPage:
    """The config entries of an integration."""

    def __init__(self, page: Page, domain: str) -> None:
        """Use a page."""
        self._page = page
        self._domain = domain
        self.element = page.locator("ha-config-integration-page")

    async def open(self) -> None:
        """Open the page."""
        await go_to(self._page, f"/config/integrations/integration/{self._domain}")

    def entry(self, title: str) -> Locator:
        """Return the row of a config entry."""
        return self._page.locator("ha-config-entry-row").filter(has_text=title)

    def devices(self, title: str) -> Locator:
        """Return the rows of an entry's devices."""
        return self.entry(title).locator("ha-config-entry-device-row")

    async def configure(self, title: str) -> FlowDialog:
        """Open an entry's options."""
        await self.entry(title).get_by_role("button", name="Configure").click()
        return FlowDialog(self._page)

    def attention(self, title: str) -> Locator:
        """Return the row of an entry that needs attention."""
        return self._page.locator("ha-list-item-base").filter(has_text=title)

    async def attend_to(self, title: str) -> FlowDialog:
        """Start to fix an entry that needs attention."""
        await self.attention(title).get_by_role("button", name="Reconfigure").click()
        return FlowDialog(self._page)

    async def open_device(self, title: str, name: str) -> DevicePage:
        """Open the page of a device."""
        await self.devices(title).filter(has_text=name).click()
        return DevicePage(self._page)

    async def reload(self, title: str) -> None:
        """Reload an entry, and wait until that is done."""
        await (await self._menu_item(title, "Reload")).click()
        await MessageBox(self._page).acknowledge("The integration was reloaded")

    async def reconfigure(self, title: str) -> FlowDialog:
        """Start to reconfigure an entry."""
        await (await self._menu_item(title, "Reconfigure")).click()
        return FlowDialog(self._page)

    async def download_diagnostics(self, title: str) -> str:
        """Download an entry's diagnostics, and return the content."""
        item = await self._menu_item(title, "Download diagnostics")
        return await download(self._page, item)

    async def delete(self, title: str) -> None:
        """Delete an entry, and confirm."""
        await (await self._menu_item(title, "Delete")).click()
        await MessageBox(self._page).answer(f"Delete {title}?", "Delete")

    async def _menu_item(self, title: str, item: str) -> Locator:
        """Open an entry's menu, and return an item."""
        entry = self.entry(title)
        await entry.get_by_role("button", name="Menu").first.click()
        return entry.get_by_role("menuitem", name=item)
