"""What Home Assistant says of an integration that uses what is deprecated."""

from pathlib import Path
import re
from typing import Final

REPOSITORY: Final = Path(__file__).parents[1]

DOMAIN: Final = "golioth"

# What Home Assistant's helpers write. They name the integration because they find it on the stack, or were told.
_WARNING: Final = re.compile(
    r"\bdeprecated\b|\bDetected that\b|\bwill stop working\b|\bwill be removed\b",
    re.IGNORECASE,
)


def is_deprecation(text: str) -> bool:
    """Return whether a record in Home Assistant's log says that the integration uses what is deprecated, or not meant to be used."""
    # A checkout may well be called golioth, too.
    text = text.replace(str(REPOSITORY), "")
    return DOMAIN in text.lower() and _WARNING.search(text) is not None
