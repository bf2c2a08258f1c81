"""Tests of the texts for errors of the client."""

from collections.abc import Iterator
import json
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from custom_components import golioth
from custom_components.golioth.client import (
    GoliothAuthenticationError,
    GoliothBusyError,
    GoliothClosedError,
    GoliothConnectionError,
    GoliothError,
    GoliothNotFoundError,
    GoliothResponseError,
    GoliothStatusError,
    GoliothTimeoutError,
    GoliothTooManyRequestsError,
    GoliothUnreachableError,
    GoliothUnreadableError,
    GoliothWaitError,
)
from custom_components.golioth.reasons import KEYS, failed_call, translated
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.update_coordinator import UpdateFailed

TRANSLATIONS = sorted((Path(golioth.__file__).parent / "translations").glob("*.json"))

# One of each class that ends a request.
ERRORS = (
    GoliothAuthenticationError("english"),
    GoliothBusyError("english"),
    GoliothClosedError(),
    GoliothConnectionError("english"),
    GoliothNotFoundError("english"),
    GoliothResponseError("english"),
    GoliothStatusError("english", status=503),
    GoliothTimeoutError("english"),
    GoliothTooManyRequestsError("english", status=429),
    GoliothUnreachableError("english"),
    GoliothUnreadableError("english"),
    GoliothWaitError(12.3),
)


def classes(base: type[GoliothError] = GoliothError) -> Iterator[type[GoliothError]]:
    """Yield every class of errors."""
    yield base
    for each in base.__subclasses__():
        yield from classes(each)


def sentence(language: Path, error: HomeAssistantError) -> str:
    """Return an exception's text in a language."""
    assert error.translation_domain == "golioth"
    texts: dict[str, Any] = json.loads(language.read_text("utf-8"))["exceptions"]
    text: str = texts[str(error.translation_key)]["message"]
    placeholders = error.translation_placeholders or {}
    assert {name for _, name, _, _ in Formatter().parse(text) if name} <= set(
        placeholders
    )
    return text.format(**placeholders)


def test_each_class_has_a_sentence() -> None:
    """Each class has its own text, with few exceptions."""
    shared = {each.__name__ for each in classes() if each not in KEYS}
    assert shared == {
        # Errors of the WebSocket, which are not shown.
        "GoliothStreamMissingError",
        "HandshakeRefusedError",
        # The set-up form has a text for it.
        "GoliothInsecureAddressError",
    }
    assert {type(each) for each in ERRORS} <= set(KEYS)


@pytest.mark.parametrize("language", TRANSLATIONS, ids=lambda path: path.stem)
def test_sentences(language: Path) -> None:
    """Each text is complete and unique in each language.

    The client's own words do not occur.
    """
    found = [
        sentence(language, translated(HomeAssistantError, each)) for each in ERRORS
    ]
    assert len(set(found)) == len(found)
    assert not [each for each in found if "english" in each]
    if language.stem != "en":
        english = language.with_stem("en")
        for each, text in zip(ERRORS, found, strict=True):
            assert text != sentence(english, translated(HomeAssistantError, each))


def test_kind() -> None:
    """The exception has the requested class."""
    error = translated(UpdateFailed, GoliothWaitError(12.3))
    assert type(error) is UpdateFailed
    assert error.translation_key == "golioth_wait"
    assert error.translation_placeholders == {"seconds": "13"}


@pytest.mark.parametrize("language", TRANSLATIONS, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "error",
    [
        GoliothClosedError(nothing_done=True),
        GoliothClosedError(nothing_done=False),
        GoliothConnectionError("english"),
        GoliothConnectionError("english", nothing_done=True),
        GoliothResponseError("english"),
        GoliothResponseError("english", nothing_done=True, status=403),
        GoliothStatusError("english", status=503),
        GoliothStatusError("english", nothing_done=True, status=400),
        GoliothTooManyRequestsError("english", nothing_done=True, status=429),
        GoliothUnreachableError("english"),
        GoliothUnreadableError("english"),
    ],
    ids=lambda error: f"{type(error).__name__}-{error.nothing_done}",
)
def test_failed_call(language: Path, error: GoliothConnectionError) -> None:
    """A failed call is explained in each language.

    The text says whether the device may have acted.
    """
    text = sentence(language, failed_call(error, "Pump", "reboot"))
    assert "english" not in text
    if language.stem == "en":
        assert ("may have acted" in text) is not error.nothing_done
