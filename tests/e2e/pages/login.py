"""The login page."""

from playwright.async_api import Page, expect


class LoginPage:
    """The form that Home Assistant shows without a login."""

    def __init__(self, page: Page) -> None:
        """Use a page that was not opened yet."""
        self._page = page

    async def log_in(self, username: str, password: str) -> None:
        """Open Home Assistant, log in, and wait until done."""
        await self._page.goto("/")
        await self._page.get_by_label("Username").fill(username)
        await self._page.get_by_label("Password", exact=True).fill(password)
        await self._page.get_by_role("button", name="Log in").click()
        # The sidebar's content depends on the user.
        await expect(self._page.locator("ha-sidebar")).to_be_visible()
