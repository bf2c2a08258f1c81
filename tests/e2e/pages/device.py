"""The page of a device."""

import re

from playwright.async_api import Page, expect

from .download import download
from .message_box import MessageBox


class DevicePage:
    """A device with its entities."""

    def __init__(self, page: Page) -> None:
        """Use a page."""
        self._page = page
        self.element = page.locator("ha-config-device-page")
        self.activity = self.element.locator("ha-logbook")

    async def expect_state(self, entity: str, state: str) -> None:
        """Wait until an entity's row shows a state."""
        name = self._page.get_by_text(entity, exact=True)
        row = self.element.locator("hui-generic-entity-row").filter(has=name)
        await expect(row).to_contain_text(state)

    async def download_diagnostics(self) -> str:
        """Download the device's diagnostics, and return the content."""
        button = self.element.get_by_role("button", name="Download diagnostics")
        return await download(self._page, button)

    async def delete(self) -> None:
        """Delete the device, and confirm."""
        # The first menu is the page's.
        await self.element.get_by_role("button", name="Menu").nth(1).click()
        # Newer releases say "remove".
        await self.element.get_by_role(
            "menuitem", name=re.compile("^(Delete|Remove device)$")
        ).click()
        await MessageBox(self._page).answer(
            re.compile(r"Are you sure you want to (delete|remove) this device\?"),
            re.compile("^(Delete|Remove|Remove device)$"),
        )

    async def expect_gone(self) -> None:
        """Wait until the device is gone."""
        await expect(
            self._page.get_by_text("Device / service not found.")
        ).to_be_visible()
