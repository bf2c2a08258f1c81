"""The integration's English texts and its icons.

Read from the files that Home Assistant's user interface gets them from.
"""

import json
from typing import Any, Final

from tests.demo import REPOSITORY

_INTEGRATION: Final = REPOSITORY / "custom_components" / "golioth"

TEXTS: Final[dict[str, Any]] = json.loads(
    (_INTEGRATION / "translations" / "en.json").read_text()
)
ICONS: Final[dict[str, Any]] = json.loads((_INTEGRATION / "icons.json").read_text())


def text(key: str, **placeholders: str) -> str:
    """Return the text of a translation key, such as `config.error.invalid_auth`."""
    found: Any = TEXTS
    for part in key.split("."):
        found = found[part]
    return str(found).format(**placeholders)
