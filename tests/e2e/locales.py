"""How a user wants to have texts and times, as the user's profile has it."""

from collections.abc import AsyncIterator
import contextlib
from typing import Final

from tests.demo.api import HomeAssistantApi

_DEFAULT: Final = {
    "language": "en",
    "number_format": "language",
    "time_format": "language",
    "date_format": "language",
    "time_zone": "local",
    "first_weekday": "language",
}


@contextlib.asynccontextmanager
async def locale(api: HomeAssistantApi, **settings: str) -> AsyncIterator[None]:
    """Change the settings of the user's profile; a page has them when it is loaded."""
    await api.command(
        "frontend/set_user_data", key="language", value=_DEFAULT | settings
    )
    try:
        yield
    finally:
        await api.command("frontend/set_user_data", key="language", value=None)
