"""Recognize Home Assistant's reports of deprecated use by the integration."""

from pathlib import Path
import re
from typing import Final

REPOSITORY: Final = Path(__file__).parents[1]

DOMAIN: Final = "golioth"

# The words of Home Assistant's helpers. They name the integration, which they find on
# the stack or get from the caller.
_WARNING: Final = re.compile(
    r"\bdeprecated\b|\bDetected that\b|\bwill stop working\b|\bwill be removed\b",
    re.IGNORECASE,
)


def is_deprecation(text: str) -> bool:
    """Return whether a text reports deprecated use by the integration.

    Use of what is not meant to be used counts as well.
    """
    # The checkout's folder may be called golioth, too.
    text = text.replace(str(REPOSITORY), "")
    return DOMAIN in text.lower() and _WARNING.search(text) is not None
