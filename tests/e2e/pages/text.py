"""Texts that a person clicks."""

from playwright.async_api import Locator, Page


async def click_text(parent: Page | Locator, text: str, *, exact: bool = False) -> None:
    """Click a text, or the button around it.

    Newer releases have such a button, which takes the click.
    """
    page = parent if isinstance(parent, Page) else parent.page
    button = parent.locator("ha-list-item-button")
    around = button.filter(has=page.get_by_text(text, exact=exact))
    # The first one is the button, which comes before its text.
    await around.or_(parent.get_by_text(text, exact=exact)).first.click()
