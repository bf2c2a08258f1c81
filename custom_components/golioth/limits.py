"""Bounds of user input."""

from datetime import timedelta
from math import isfinite
from typing import Any, Final

import orjson
import voluptuous as vol

from homeassistant.helpers import config_validation as cv

# In characters: an ID of Home Assistant's or shorter, and a name. Golioth has no longer
# names.
MAX_ID_LENGTH: Final = 64
MAX_NAME_LENGTH: Final = 255

# A search term, in characters. It is sent as a part of an address, where each may take
# twelve.
MAX_SEARCH_LENGTH: Final = 255

# A filter on the message of a log or a field of its metadata, in characters.
MAX_FILTER_LENGTH: Final = 1000

# Entries of a list: of a fleet's devices, and of anything that a user types in.
MAX_DEVICES: Final = 500
MAX_ITEMS: Final = 100

# Parameters of a device's method, which fit in a packet or a few. The size is in bytes
# of JSON.
MAX_PARAMETERS_SIZE: Final = 16 * 1024
MAX_PARAMETERS_DEPTH: Final = 32

# Units of a period: days, hours, and so on. No longer period is needed.
_MAX_UNITS: Final = 5
LONGEST_PERIOD: Final = timedelta(days=366)

# In characters: an address, and a credential. A JWT takes some hundred.
MAX_ADDRESS_LENGTH: Final = 1000
MAX_CREDENTIAL_LENGTH: Final = 8000


def short(value: Any) -> Any:
    """Refuse anything but short texts, numbers and times.

    Home Assistant's errors repeat the wrong value.
    """
    if isinstance(value, list | tuple | dict) or (
        isinstance(value, str) and len(value) > MAX_ID_LENGTH
    ):
        raise vol.Invalid("expected something short")
    return value


def time_period(value: Any) -> timedelta:
    """Validate a period.

    It may have any form that Home Assistant knows.
    """
    if isinstance(value, dict):
        if len(value) > _MAX_UNITS:
            raise vol.Invalid("expected hours, minutes and seconds")
        for each in (*value, *value.values()):
            short(each)
    else:
        short(value)
    try:
        period: timedelta = cv.positive_time_period(value)
    except OverflowError:
        raise vol.Invalid("this is too long") from None
    return period


def visible(value: str) -> str:
    """Refuse a text with invisible characters.

    Home Assistant's errors repeat it in its log.
    """
    if not value.isprintable():
        raise vol.Invalid("expected visible characters in one line")
    return value


# Texts within these bounds.
ID: Final = vol.All(cv.string, vol.Length(max=MAX_ID_LENGTH), visible)
NAME: Final = vol.All(cv.string, vol.Length(max=MAX_NAME_LENGTH))
SEARCH: Final = vol.All(cv.string, vol.Length(max=MAX_SEARCH_LENGTH))


def whole_number(minimum: int, maximum: int) -> vol.All:
    """Return a validator of whole numbers.

    Both the minimum and the maximum are valid.
    """
    return vol.All(vol.Coerce(int), vol.Range(min=minimum, max=maximum))


def list_of(validator: Any, maximum: int = MAX_ITEMS) -> vol.All:
    """Return a validator of a list, or of one item."""
    return vol.All(_given, cv.ensure_list, vol.Length(max=maximum), [validator])


def _given(value: Any) -> Any:
    """Refuse None.

    A line of YAML with a name alone has it. It would become an empty list, which
    filters nothing.
    """
    if value is None:
        raise vol.Invalid("expected a value; leave the line out to take everything")
    return value


def parameters(value: Any) -> list[Any]:
    """Validate the parameters of a method.

    Anything but a list is the only parameter.
    """
    values = cv.ensure_list(value)
    _check_depth(values)
    try:
        size = len(orjson.dumps(values))
    except orjson.JSONEncodeError:
        raise vol.Invalid("Only what JSON can hold is sent to a device") from None
    if size > MAX_PARAMETERS_SIZE:
        raise vol.Invalid(
            f"A device is sent at most {MAX_PARAMETERS_SIZE} bytes of JSON"
        )
    return values


def are_finite(value: Any) -> bool:
    """Return whether all numbers in a value are finite.

    NaN and infinity would become null in JSON.
    """
    match value:
        case dict():
            return all(map(are_finite, value.values()))
        case list() | tuple():
            return all(map(are_finite, value))
        case float():
            return isfinite(value)
    return True


def _check_depth(values: list[Any]) -> None:
    """Refuse values that are nested too deep, or too large.

    YAML may hold one value many times.
    """
    waiting = [(each, 1) for each in values]
    seen = 0
    while waiting:
        value, depth = waiting.pop()
        # Each value takes a byte of JSON at least.
        seen += 1
        if isinstance(value, dict):
            inner = list(value.values())
        elif isinstance(value, list | tuple):
            inner = list(value)
        else:
            continue
        if depth > MAX_PARAMETERS_DEPTH or seen + len(inner) > MAX_PARAMETERS_SIZE:
            raise vol.Invalid(
                f"A device is sent at most {MAX_PARAMETERS_SIZE} bytes of JSON,"
                f" nested {MAX_PARAMETERS_DEPTH} deep"
            )
        waiting += [(each, depth + 1) for each in inner]
