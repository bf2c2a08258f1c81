"""The settings page, with repairs at the top."""

from playwright.async_api import Locator, Page

from .flow_dialog import FlowDialog
from .text import click_text


class SettingsPage:
    """The list of all settings."""

    def __init__(self, page: Page) -> None:
        """Use a page."""
        self._page = page

    async def open(self) -> None:
        """Open the settings, from any page."""
        await self._page.get_by_role("link", name="Settings").click()

    def repair(self, title: str) -> Locator:
        """Return the repair with a title."""
        return self._page.locator("ha-config-repairs").get_by_text(title)

    async def begin_repair(self, title: str) -> FlowDialog:
        """Start a repair, and return its dialog."""
        await click_text(self._page.locator("ha-config-repairs"), title)
        return FlowDialog(self._page)
