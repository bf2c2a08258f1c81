"""Goes to addresses of Home Assistant."""

from playwright.async_api import Page


async def go_to(page: Page, address: str) -> None:
    """Go to an address once no dialog is closing.

    A closing dialog goes back in the browser's history, even after it has
    disappeared, which would replace the page at the address.
    """
    await page.wait_for_function("!window.history.state?.dialog")
    await page.goto(address)
