"""Data of a log's event, within its bounds."""

from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID

from ..client import (
    MAX_SHORT_LOG_SIZE,
    LogEntry,
    ShortLogEntry,
    one_line,
    with_storable_keys,
)

# An event, in bytes of JSON: the recorder drops what is above 32 KiB.
MAX_EVENT_SIZE: Final = 24 * 1024

# In bytes of JSON: what an event takes beside the text of the log, and the most that
# one character takes.
_EVENT_OVERHEAD: Final = 600
_CHARACTER_SIZE: Final = 6
_MAX_NAMES_SIZE: Final = 6 * 255 * _CHARACTER_SIZE

# An event of a short log, beside the longest name of its device.
_MAX_SHORT_SIZE: Final = MAX_SHORT_LOG_SIZE + _EVENT_OVERHEAD + 255 * _CHARACTER_SIZE


def event_data(
    entry: LogEntry,
    max_size: int,
    source: str | None,
    *,
    config_entry_id: str,
    project_id: str,
    device_id: str | None,
    device_name: str | None,
) -> dict[str, Any]:
    """Return the event data of a log.

    Args:
        entry: The log.
        max_size: Bytes of JSON that the data take at most, unless its names take more.
        source: How the log arrived; None for one that a user has searched for.
        config_entry_id: The project, by Home Assistant's ID.
        project_id: The project, by Golioth's ID.
        device_id: The device, by Home Assistant's ID; None where it is not registered.
        device_name: Its name at Golioth; None where it is not listed.
    """
    # Hot path: runs once per log.
    timestamp, _, kind, level, module, _, message, metadata, golioth_device_id = entry
    if device_name is None:
        device_name = one_line(golioth_device_id)
    truncated = False
    # Most logs have come in a short frame.
    if max_size < _MAX_SHORT_SIZE or not isinstance(entry, ShortLogEntry):
        room = max_size - _EVENT_OVERHEAD
        # Of the others, most fit beside the longest names.
        _, truncated = entry.bounded(room - _MAX_NAMES_SIZE)
        if truncated:
            names = device_name + golioth_device_id + timestamp + level + module + kind
            bounded, truncated = entry.bounded(room - len(names) * _CHARACTER_SIZE)
            message, metadata = bounded.message, bounded.metadata
        # With U+0000 in a key, PostgreSQL reads no event that it lies beside: the
        # recorder handles texts alone.
        metadata = with_storable_keys(metadata)
    return {
        "config_entry_id": config_entry_id,
        "project_id": project_id,
        ATTR_DEVICE_ID: device_id,
        "golioth_device_id": golioth_device_id,
        "device_name": device_name,
        "timestamp": timestamp,
        "level": level,
        "module": module,
        "message": message,
        "type": kind,
        "metadata": metadata,
        "truncated": truncated,
        "source": source,
    }
