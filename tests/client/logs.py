"""Make logs for the tests of delivered logs."""

from typing import Final

from custom_components.golioth.client.delivered import DeliveredLogs
from custom_components.golioth.client.models import LogEntry
from custom_components.golioth.client.timestamps import SECOND, format_timestamp

NOW: Final = 1_795_000_000


def log(text: str, second: int = NOW, nanosecond: int = 0) -> LogEntry:
    """Return a log."""
    time_ns = second * SECOND + nanosecond
    return LogEntry(
        format_timestamp(time_ns),
        time_ns,
        "LOGGING",
        "info",
        "",
        "",
        text,
        {},
        "device",
    )


def delivered_by(logs: DeliveredLogs, streamed: list[LogEntry]) -> list[LogEntry]:
    """Return the new ones of a stream's logs."""
    return [entry for entry in streamed if logs.add_streamed(entry)]
