"""Output of the demo, as lines of text."""

# The demo talks to the person in front of it.
# ruff: noqa: T201

from collections.abc import Mapping
import json
import sys
from typing import Any


def say(text: str = "") -> None:
    """Print text at once, also into a pipe."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Print text to standard error."""
    print(text, file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Return text without control characters for the terminal.

    A device may log anything.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text
    )


def log_line(log: Mapping[str, Any]) -> str:
    """Return the data of a golioth_log event as one line."""
    parts = [
        f"{log['timestamp']:<30}",
        f"{log['level'].upper():<5}",
        f"{log['device_name'] or log['golioth_device_id']:<16}",
        f"{log['module']}: {log['message']}" if log["module"] else log["message"],
    ]
    if log["metadata"]:
        parts.append(json.dumps(log["metadata"], ensure_ascii=False))
    if log["source"] != "stream":
        parts.append(f"({log['source']})")
    return printable("  ".join(parts))
