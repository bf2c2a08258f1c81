"""The README's pictures."""

from collections.abc import Awaitable, Callable
from typing import Final

from playwright.async_api import Locator

from tests.demo import REPOSITORY

FOLDER: Final = REPOSITORY / "docs" / "images"

# Takes a picture of a part of the page under a name, with the option `--screenshots`.
type TakePicture = Callable[[str, Locator], Awaitable[None]]


async def take_picture(name: str, part: Locator) -> None:
    """Take a picture of a part of the page."""
    await part.screenshot(path=FOLDER / f"{name}.png", animations="disabled")


async def take_no_picture(_name: str, _part: Locator) -> None:
    """Keep the picture as it is."""
