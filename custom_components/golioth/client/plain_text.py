"""Make texts safe to log, show and store."""

import re
from typing import Any, Final
import unicodedata

# Categories of characters that break a line or control a terminal.
_SPACES: Final = frozenset({"Cc", "Zl", "Zp"})
# Categories of invisible ones: direction marks, zero widths, surrogates.
_DROPPED: Final = frozenset({"Cf", "Cs"})

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def one_line(text: str) -> str:
    """Return a text in one line, without invisible characters.

    Control characters and line ends become spaces, white space is collapsed, and format
    characters are dropped, joiners of emoji included: a name can neither forge a line
    of a log nor reverse the direction of text around it.

    Returns:
        A text that is not longer; empty where nothing of it is visible.
    """
    if not text.isprintable():
        text = "".join(map(_visible, text))
    return " ".join(text.split())


def storable(value: Any) -> Any:
    """Return a JSON value whose texts any database can hold.

    PostgreSQL cannot hold U+0000, and UTF-8 cannot hold a lone surrogate. U+0000 is
    dropped, because it mostly ends a text in C; a lone surrogate becomes a replacement
    character. This includes keys: of two that become the same, the last one counts.
    """
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, dict):
        return {storable(key): storable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [storable(each) for each in value]
    return value


def with_storable_keys(value: Any) -> Any:
    """Return a JSON value with only its keys made `storable`."""
    if isinstance(value, dict):
        return {storable(key): with_storable_keys(each) for key, each in value.items()}
    if isinstance(value, list):
        return [with_storable_keys(each) for each in value]
    return value


def _storable_text(text: str) -> str:
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in _SPACES:
        return " "
    return "" if category in _DROPPED else character
