"""The drawer with Home Assistant's notifications."""

from playwright.async_api import Locator, Page

from .navigation import go_to
from .text import click_text


class NotificationDrawer:
    """The notifications that were not dismissed."""

    def __init__(self, page: Page) -> None:
        """Use a page."""
        self._page = page

    async def open(self) -> None:
        """Open the drawer, from any page."""
        await go_to(self._page, "/")
        await click_text(self._page, "Notifications", exact=True)

    def notification(self, title: str) -> Locator:
        """Return the notification with a title."""
        return self._page.locator("persistent-notification-item").filter(
            has=self._page.get_by_text(title, exact=True)
        )
