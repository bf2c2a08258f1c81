"""The small dialog with a question or a message."""

import re

from playwright.async_api import Page, expect


class MessageBox:
    """A text, with buttons to answer it."""

    def __init__(self, page: Page) -> None:
        """Use the dialog of a page."""
        self._page = page
        self._element = page.locator("dialog-box")

    async def answer(
        self, message: str | re.Pattern[str], button: str | re.Pattern[str]
    ) -> None:
        """Wait for a message, click a button, await its end."""
        await expect(self._element.get_by_text(message)).to_be_visible()
        await self._element.get_by_role("button", name=button).click()
        await expect(self._element.get_by_text(message)).to_be_hidden()

    async def acknowledge(self, message: str) -> None:
        """Wait for a message, and close it.

        From 2026.11 on, it is a line at the bottom that disappears by itself.
        """
        # The line is there a second time, for screen readers.
        await expect(self._page.get_by_text(message).first).to_be_visible()
        if await self._element.get_by_text(message).is_visible():
            await self.answer(message, "OK")
