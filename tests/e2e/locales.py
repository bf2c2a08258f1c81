"""The user's locale, and the card's texts in each language."""

from collections.abc import AsyncIterator
import contextlib
import json
from typing import Final

from tests.demo import REPOSITORY
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
    """Change the locale in the user's profile.

    A page applies it when it is loaded.
    """
    await api.command(
        "frontend/set_user_data", key="language", value=_DEFAULT | settings
    )
    try:
        yield
    finally:
        await api.command("frontend/set_user_data", key="language", value=None)


def card_texts() -> dict[str, dict[str, str]]:
    """Return the card's texts by language.

    Their keys are those that Home Assistant sends.
    """
    folder = REPOSITORY / "custom_components" / "golioth" / "translations"
    return {
        path.stem: {
            f"component.golioth.config_panel.log_card.{key}": text
            for key, text in json.loads(path.read_text("utf-8"))["config_panel"][
                "log_card"
            ].items()
        }
        for path in sorted(folder.glob("*.json"))
    }
