"""Options of the triggers on logs, and how they match."""

from collections.abc import Mapping
from decimal import Decimal
import json
from typing import Any, Final, Never

import voluptuous as vol

from homeassistant.const import CONF_TYPE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType, VolDictType

from ..client import LEVELS, LogSource, storable
from ..const import DOMAIN
from ..limits import (
    LONGEST_PERIOD,
    MAX_FILTER_LENGTH,
    NAME,
    list_of,
    short,
    time_period,
)
from ..logs.levels import levels_below
from ..reasons import async_server_text

CONF_CAUGHT_UP: Final = "caught_up"
CONF_COOL_DOWN: Final = "cool_down"
CONF_LEVEL: Final = "level"
CONF_MESSAGE: Final = "message"
CONF_METADATA_FIELD: Final = "metadata_field"
CONF_METADATA_VALUE: Final = "metadata_value"
CONF_MODULE: Final = "module"


def _as_text(value: Any) -> str:
    """Return a value of the metadata as text.

    A text stays as it is; anything else becomes JSON.
    """
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


async def async_check_metadata(hass: HomeAssistant, options: Any) -> None:
    """Refuse a metadata value without a metadata field.

    The editor shows the error as it is, so it is in the language of Home Assistant.

    Args:
        hass: Home Assistant.
        options: Not validated yet.

    Raises:
        HomeAssistantError: The field is missing or empty.
    """
    if (
        not isinstance(options, Mapping)
        or options.get(CONF_METADATA_VALUE) is None
        or options.get(CONF_METADATA_FIELD)
    ):
        return
    text = await async_server_text(
        hass,
        translation_domain=DOMAIN,
        translation_key="metadata_value_without_field",
    )
    raise HomeAssistantError(
        text,
        translation_domain=DOMAIN,
        translation_key="metadata_value_without_field",
    )


_TEXT: Final = vol.All(cv.string, vol.Length(min=1, max=MAX_FILTER_LENGTH))

FILTER_FIELDS: Final[VolDictType] = {
    vol.Optional(CONF_LEVEL): vol.In(LEVELS),
    # A log can have no module.
    vol.Optional(CONF_MODULE): list_of(NAME),
    vol.Optional(CONF_MESSAGE): list_of(_TEXT),
    vol.Optional(CONF_TYPE): list_of(_TEXT),
    vol.Optional(CONF_METADATA_FIELD): _TEXT,
    vol.Optional(CONF_METADATA_VALUE): vol.All(
        vol.Any(str, bool, int, float), _as_text, vol.Length(max=MAX_FILTER_LENGTH)
    ),
    vol.Optional(CONF_CAUGHT_UP, default=True): vol.All(short, cv.boolean),
    vol.Optional(CONF_COOL_DOWN): vol.All(time_period, vol.Range(max=LONGEST_PERIOD)),
}


def filter_schema(fields: VolDictType) -> vol.Schema:
    """Return the schema of filter options and further fields."""
    return vol.Schema({**FILTER_FIELDS, **fields})


class LogMatcher:
    """Matches logs with the options of a trigger.

    An option that is not set matches all.
    """

    def __init__(self, options: ConfigType) -> None:
        """Take validated options."""
        self._unwanted_levels: tuple[str, ...] = ()
        if (level := options.get(CONF_LEVEL)) is not None:
            self._unwanted_levels = levels_below(level)
        self._modules: list[str] = storable(options.get(CONF_MODULE, []))
        # The keys of translations are in lower case, and Golioth's types in upper case.
        self._types = [_folded(text) for text in options.get(CONF_TYPE, [])]
        self._texts = [_folded(text) for text in options.get(CONF_MESSAGE, [])]
        self._metadata_field: str | None = storable(options.get(CONF_METADATA_FIELD))
        self._metadata_value = (
            MetadataValue(options[CONF_METADATA_VALUE])
            if CONF_METADATA_VALUE in options
            else None
        )
        self._caught_up: bool = options[CONF_CAUGHT_UP]

    def matches(self, data: Mapping[str, Any]) -> bool:
        """Return whether the data of an event match."""
        return (
            (self._caught_up or data["source"] != LogSource.CATCH_UP)
            and data["level"] not in self._unwanted_levels
            and (not self._modules or storable(data["module"]) in self._modules)
            and (not self._types or _folded(data["type"]) in self._types)
            and self._matches_metadata(data["metadata"])
            and self._matches_message(data["message"])
        )

    def _matches_message(self, message: str) -> bool:
        if not self._texts:
            return True
        message = _folded(message)
        return any(text in message for text in self._texts)

    def _matches_metadata(self, metadata: Any) -> bool:
        if self._metadata_field is None:
            return True
        found, value = _find(metadata, self._metadata_field)
        return found and (
            self._metadata_value is None or self._metadata_value.matches(value)
        )


class MetadataValue:
    """Matches values of the metadata with a text.

    That is the text itself, and its value as JSON: a number matches in whatever way
    it is written, as the card may show it in another way than the log.
    """

    def __init__(self, text: str) -> None:
        """Take the text that was typed in."""
        self._text = storable(text)
        try:
            self._values = [
                json.loads(
                    text,
                    parse_float=Decimal,
                    parse_int=Decimal,
                    parse_constant=_refuse_constant,
                )
            ]
        except ArithmeticError, RecursionError, ValueError:
            # The text is no JSON.
            self._values = []

    def matches(self, value: Any) -> bool:
        """Return whether a value matches."""
        return (isinstance(value, str) and storable(value) == self._text) or any(
            _is_same(value, each) for each in self._values
        )


def _folded(text: str) -> str:
    """Return a text for comparison.

    It is as entities show it, and the same in upper and lower case.
    """
    folded: str = storable(text).casefold()
    return folded


def _refuse_constant(name: str) -> Never:
    """Refuse NaN and infinity, which JSON does not have."""
    raise ValueError(name)


def _is_same(value: Any, wanted: Any) -> bool:
    """Return whether a value of the metadata is wanted.

    The numbers of `wanted` are `Decimal`.
    """
    match wanted:
        case Decimal():
            if isinstance(value, float):
                # Rounded as the value was: most decimal fractions are no float.
                return value == float(wanted)
            return type(value) is int and value == wanted
        case dict():
            return (
                isinstance(value, Mapping)
                and value.keys() == wanted.keys()
                and all(_is_same(value[key], each) for key, each in wanted.items())
            )
        case list():
            return (
                isinstance(value, list)
                and len(value) == len(wanted)
                and all(map(_is_same, value, wanted, strict=True))
            )
        case _:
            return type(value) is type(wanted) and value == wanted


def _find(metadata: Any, field: str) -> tuple[bool, Any]:
    """Return whether there is a field, and its value.

    A field with that name comes before the one at the end of a dotted path.
    """
    if isinstance(metadata, Mapping) and field in metadata:
        return True, metadata[field]
    value = metadata
    for key in field.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return False, None
        value = value[key]
    return True, value
