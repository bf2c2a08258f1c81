"""The small box in which Home Assistant asks something, or tells it."""

import re

from playwright.async_api import Page, expect


class MessageBox:
    """A text, and the buttons to answer it with."""

    def __init__(self, page: Page) -> None:
        """Look at the box of a page."""
        self._page = page
        self._element = page.locator("dialog-box")

    async def answer(
        self, message: str | re.Pattern[str], button: str | re.Pattern[str]
    ) -> None:
        """Wait for a message, click a button, and wait until it is gone."""
        await expect(self._element.get_by_text(message)).to_be_visible()
        await self._element.get_by_role("button", name=button).click()
        await expect(self._element.get_by_text(message)).to_be_hidden()

    async def take_note(self, message: str) -> None:
        """Wait for a message, which from 2026.11 on is a line at the bottom that goes by itself."""
        # The line is there a second time, for who hears it.
        await expect(self._page.get_by_text(message).first).to_be_visible()
        if await self._element.get_by_text(message).is_visible():
            await self.answer(message, "OK")
