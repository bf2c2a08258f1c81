"""The page Settings, which shows what is to be repaired on top."""

from playwright.async_api import Locator, Page

from .flow_dialog import FlowDialog
from .text import click_text


class SettingsPage:
    """The list of all settings."""

    def __init__(self, page: Page) -> None:
        """Look at a page."""
        self._page = page

    async def open(self) -> None:
        """Go there from anywhere, as a person does."""
        await self._page.get_by_role("link", name="Settings").click()

    def repair(self, title: str) -> Locator:
        """Return what is to be repaired under this title."""
        return self._page.locator("ha-config-repairs").get_by_text(title)

    async def begin_repair(self, title: str) -> FlowDialog:
        """Begin a repair, and return the dialog for it."""
        await click_text(self._page.locator("ha-config-repairs"), title)
        return FlowDialog(self._page)
