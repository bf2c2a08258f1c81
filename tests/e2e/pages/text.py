"""Texts that a person clicks."""

from playwright.async_api import Locator, expect


async def click_text(text: Locator) -> None:
    """Click a text, whether it takes the click itself or, as in newer releases, a button over it."""
    await expect(text).to_be_visible()
    await text.click(force=True)
