"""Dropdown fields of Home Assistant's forms."""

from playwright.async_api import Locator

_WATCH = """
dropdown => {
    dropdown.shown = new Promise(
        resolve => dropdown.addEventListener("wa-after-show", () => resolve(), {once: true})
    );
}
"""


async def choose(dropdown: Locator, option: str) -> None:
    """Choose an option of a dropdown field."""
    await dropdown.evaluate(_WATCH)
    await dropdown.click()
    # A menu that is still opening ignores clicks.
    await dropdown.evaluate("dropdown => dropdown.shown")
    await dropdown.get_by_role("menuitem", name=option).click()
