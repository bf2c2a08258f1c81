"""Make a text of the service safe to log, to show in one line, and to store."""

import re
from typing import Any, Final
import unicodedata

# What breaks a line or commands a terminal, by its general category.
_SPACES: Final = frozenset({"Cc", "Zl", "Zp"})
# What is invisible: direction marks, zero widths, halves of a character.
_DROPPED: Final = frozenset({"Cf", "Cs"})

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def one_line(text: str) -> str:
    """Return a text in one line, without what is invisible.

    Control characters and line ends become spaces, white space is collapsed, and format
    characters are dropped: a name can neither forge a line of a log nor turn the
    direction of a text around it. Such as joins emoji goes as well.

    Returns:
        No longer text than `text`; empty where nothing of it is visible.
    """
    if not text.isprintable():
        text = "".join(map(_visible, text))
    return " ".join(text.split())


def storable(value: Any) -> Any:
    """Return a JSON value whose texts any database can hold.

    PostgreSQL holds no text with U+0000, and nothing that is UTF-8 holds half of a
    character. U+0000 is dropped, because it mostly ends a text in C; a lone surrogate
    becomes a replacement character. Keys are texts as well: of two that become the
    same, the last one counts.
    """
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, dict):
        return {storable(key): storable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [storable(each) for each in value]
    return value


def with_storable_keys(value: Any) -> Any:
    """Return a JSON value with `storable` keys, and all else as it is."""
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
