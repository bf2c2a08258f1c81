"""The log card."""

from playwright.async_api import Locator, Page, expect

# The most rows in the page, however many logs there are.
MOST_ROWS = 240


class LogCard:
    """The only log card of a page or its part."""

    def __init__(self, parent: Page | Locator) -> None:
        """Use the card of a page, or of its part."""
        self.element = parent.locator("golioth-log-card")
        self.list = self.element.get_by_role("log")
        self.rows = self.list.locator(".line")
        self.messages = self.rows.locator(".message")
        self.details = self.list.locator(".details")
        self.search = self.element.get_by_role("searchbox", name="Search logs")
        self.status = self.element.get_by_role("status")

    def row(self, message: str) -> Locator:
        """Return the row of a log."""
        return self.rows.filter(has_text=message)

    def field(self, name: str) -> Locator:
        """Return the filter field for devices, levels or modules."""
        return self.element.get_by_role("combobox", name=name)

    def button(self, name: str) -> Locator:
        """Return a button."""
        return self.element.get_by_role("button", name=name, exact=True)

    async def expect_messages(self, *messages: str) -> None:
        """Wait until exactly these messages are shown, in this order."""
        await expect(self.messages).to_have_text(list(messages))

    async def shown_messages(self) -> list[str]:
        """Return the messages shown together at one moment.

        A locator finds the rows first, and reads them later: by then, the list may show
        others in the same rows.
        """
        messages: list[str] = await self.list.evaluate(
            "list => [...list.querySelectorAll('.line .message')]"
            ".map(each => each.textContent)"
        )
        return messages

    async def scroll_to_top(self) -> None:
        """Scroll to the first row, as a wheel does."""
        await self.list.hover()
        await self.list.page.mouse.wheel(0, -100_000)

    async def is_at_bottom(self) -> bool:
        """Return whether the list is scrolled to its end."""
        return bool(
            await self.list.evaluate(
                "list => list.scrollHeight - list.scrollTop - list.clientHeight <= 4"
            )
        )
