"""The page on which a user logs in."""

from playwright.async_api import Page, expect


class LoginPage:
    """The form that Home Assistant shows to whom it does not know."""

    def __init__(self, page: Page) -> None:
        """Look at a page, which has not been opened yet."""
        self._page = page

    async def log_in(self, username: str, password: str) -> None:
        """Open Home Assistant, fill the form in, and wait until the user is in."""
        await self._page.goto("/")
        await self._page.get_by_label("Username").fill(username)
        await self._page.get_by_label("Password", exact=True).fill(password)
        await self._page.get_by_role("button", name="Log in").click()
        # Not everybody has the same in it.
        await expect(self._page.locator("ha-sidebar")).to_be_visible()
