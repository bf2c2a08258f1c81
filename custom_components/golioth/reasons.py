"""Translated reasons of errors."""

import math
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.translation import async_get_translations

from .client import (
    GoliothAddressError,
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
from .const import DOMAIN

# A sentence for each class; any other class has that of its nearest base.
KEYS: Final[dict[type[BaseException], str]] = {
    GoliothAddressError: "invalid_address",
    GoliothAuthenticationError: "invalid_auth",
    GoliothBusyError: "history_busy",
    GoliothClosedError: "project_unloaded",
    GoliothConnectionError: "golioth_interrupted",
    GoliothError: "golioth_interrupted",
    GoliothNotFoundError: "golioth_not_found",
    GoliothResponseError: "golioth_not_there",
    GoliothStatusError: "golioth_status",
    GoliothTimeoutError: "golioth_timeout",
    GoliothTooManyRequestsError: "golioth_too_many_requests",
    GoliothUnreachableError: "golioth_unreachable",
    GoliothUnreadableError: "golioth_unreadable",
    GoliothWaitError: "golioth_wait",
}


def translated[E: HomeAssistantError](kind: type[E], err: GoliothError) -> E:
    """Return an exception with the reason of a client's error."""
    placeholders: dict[str, str] = {}
    if isinstance(err, GoliothStatusError):
        placeholders["status"] = str(err.status)
    if isinstance(err, GoliothWaitError):
        placeholders["seconds"] = str(math.ceil(err.retry_after or 0))
    known = next(each for each in type(err).__mro__ if each in KEYS)
    return kind(
        translation_domain=DOMAIN,
        translation_key=KEYS[known],
        translation_placeholders=placeholders,
    )


def failed_call(
    err: GoliothConnectionError, device: str, method: str
) -> HomeAssistantError:
    """Return an exception for a failed call of a device.

    It says whether the device may have acted.
    """
    placeholders = {"device": device, "method": method}
    if err.status is not None:
        placeholders["status"] = str(err.status)
    if err.nothing_done:
        return HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key=(
                "project_unloaded"
                if isinstance(err, GoliothClosedError)
                else "rpc_not_sent"
                if err.status is None
                else "rpc_refused"
            ),
            translation_placeholders=placeholders,
        )
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=(
            "rpc_unloaded"
            if isinstance(err, GoliothClosedError)
            else "rpc_status"
            if isinstance(err, GoliothStatusError)
            else "rpc_unreadable"
            if isinstance(err, GoliothUnreadableError)
            else "rpc_no_answer"
            if isinstance(err, GoliothResponseError)
            else "rpc_interrupted"
        ),
        translation_placeholders=placeholders,
    )


async def async_server_text(
    hass: HomeAssistant,
    *,
    translation_domain: str,
    translation_key: str,
    translation_placeholders: dict[str, str] | None = None,
) -> str:
    """Return a text in the language of the server.

    It is for texts that are shown without translation. The arguments are named as those
    of an exception, whose text it is.
    """
    texts = await async_get_translations(
        hass, hass.config.language, "exceptions", {translation_domain}
    )
    key = f"component.{translation_domain}.exceptions.{translation_key}.message"
    return texts[key].format(**(translation_placeholders or {}))
