"""Make a text of the service safe to log and to show in one line."""

from typing import Final
import unicodedata

# What breaks a line or commands a terminal, by its general category.
_SPACES: Final = frozenset({"Cc", "Zl", "Zp"})
# What is invisible: direction marks, zero widths, halves of a character.
_DROPPED: Final = frozenset({"Cf", "Cs"})


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


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in _SPACES:
        return " "
    return "" if category in _DROPPED else character
