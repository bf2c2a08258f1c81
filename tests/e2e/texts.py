"""What the integration says, in English: the same file that Home Assistant's user interface takes it from."""

import json
from typing import Any, Final

from tests.demo import REPOSITORY

_TEXTS: Final[dict[str, Any]] = json.loads(
    (REPOSITORY / "custom_components/golioth/translations/en.json").read_text()
)


def text(key: str, **placeholders: str) -> str:
    """Return the text of a translation key, such as `config.error.invalid_auth`."""
    found: Any = _TEXTS
    for part in key.split("."):
        found = found[part]
    return str(found).format(**placeholders)
