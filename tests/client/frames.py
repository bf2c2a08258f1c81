"""Make and parse frames of the log stream."""

from typing import Any, Final

import orjson

from custom_components.golioth.client.models import LogEntry
from custom_components.golioth.client.parsing import parse_frame

LOG: Final = {
    "timestamp": "2021-12-01T19:14:07.376256912Z",
    "level": "INFO",
    "module": "net",
    "message": "Up",
    "deviceId": "61a4cfc9b2b45578105aeca3",
}


def frame(log: Any) -> bytes:
    """Return the frame of a log."""
    return orjson.dumps({"result": {"data": log}})


def only_log(data: bytes) -> LogEntry:
    """Return the one log of a frame."""
    (entry,) = parse_frame(data)
    assert isinstance(entry, LogEntry)
    return entry
