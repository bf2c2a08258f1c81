"""Defines validated values for what Golioth sends."""

from enum import IntEnum, StrEnum
from typing import Any, Final, NamedTuple

import orjson

LEVELS: Final = ("debug", "info", "warn", "error")

# Characters of a field other than the message: longer text is no name, and every log
# would carry it to each listener.
MAX_FIELD_LENGTH: Final = 255

# With at most so many bytes of JSON around the published fields, no name is too long
# and metadata cannot be nested too deeply.
MAX_PLAIN_SIZE: Final = MAX_FIELD_LENGTH + 120

# The maximum after writing that as JSON again: 1e15 becomes a number of 18 characters.
MAX_SHORT_LOG_SIZE: Final = 4 * MAX_PLAIN_SIZE


class LogSource(StrEnum):
    """Name the source of a log."""

    STREAM = "stream"
    POLL = "poll"
    CATCH_UP = "catch_up"


class Transport(StrEnum):
    """Name the transport that logs come over now."""

    STREAMING = "streaming"
    POLLING = "polling"


class StreamState(StrEnum):
    """Name the state of the stream, whatever the transport."""

    OPEN = "open"
    CLOSED = "closed"
    """It is tried again soon."""
    RETIRED = "retired"
    """The service reports that there is none: it is tried again now and then."""


class DeepMetadata(dict[str, Any]):
    """Hold metadata nested too deeply for Home Assistant, as text.

    The only field, `json`, is the JSON that held them: the whole frame in the stream,
    the log alone in REST. So these may differ for the same log.
    """

    __slots__ = ()


class LongInteger(str):
    """Hold an integer beyond 64 bits, as its digits.

    Home Assistant cannot write such a number as JSON, and a float has another value.
    """

    __slots__ = ()


def exact_json(value: Any) -> bytes:
    """Return a value as JSON, with long integers as numbers.

    Raises:
        TypeError: JSON cannot hold it.
    """
    return orjson.dumps(value, _as_json, orjson.OPT_PASSTHROUGH_SUBCLASS)


def _as_json(value: Any) -> Any:
    if isinstance(value, LongInteger):
        return orjson.Fragment(value.encode())
    if isinstance(value, DeepMetadata):
        return dict(value)
    raise TypeError


class LogEntry(NamedTuple):
    """Hold one log of one device.

    A tuple is immutable and cheapest to make, and every log of a fleet becomes one.
    """

    timestamp: str
    """As Golioth sent it: RFC 3339, up to nine fractional digits; empty where it sent
    none."""
    timestamp_ns: int | None
    """The same in nanoseconds since 1970 UTC; None where it is invalid."""
    type: str
    """`LOGGING`, `DIAGNOSTICS`, `METRICS`, or a future type."""
    level: str
    """One of `LEVELS`; `NONE` or an unknown one as Golioth sent it."""
    module: str
    module_id: str
    message: str
    metadata: dict[str, Any]
    """Any JSON object that Home Assistant can write. Do not change it."""
    device_id: str
    """Golioth's ID of the device; empty where it sent none."""

    def bounded(self, limit: int) -> tuple[LogEntry, bool]:
        """Return the log cut to a size.

        Metadata get what the message leaves, or half; of these, whole fields are kept,
        in their order.

        Args:
            limit: Bytes that message and metadata may take as JSON.

        Returns:
            The log, and whether it was cut.
        """
        metadata_size = len(orjson.dumps(self.metadata)) if self.metadata else 2
        # A character of JSON takes at most six bytes: most messages need no closer
        # look.
        if metadata_size + len(self.message) * 6 <= limit:
            return self, False
        message_size = len(orjson.dumps(self.message))
        if metadata_size + message_size <= limit:
            return self, False
        room = max(limit // 2, limit - message_size)
        # The braces; each field then takes a colon and a comma as well.
        size = 2
        metadata = {}
        for key, value in self.metadata.items():
            field_size = len(orjson.dumps(key)) + len(orjson.dumps(value)) + 2
            if size + field_size > room:
                break
            metadata[key] = value
            size += field_size
        message = _cut(self.message, limit - size)
        return self._replace(message=message, metadata=metadata), True


class ShortLogEntry(LogEntry):
    """Hold a log of a short frame.

    Almost every log is one.
    It has at most `MAX_SHORT_LOG_SIZE` bytes of JSON and no U+0000, so that any
    database can hold it.
    """

    __slots__ = ()


class PlainLogEntry(ShortLogEntry):
    """Hold a short log with plain metadata.

    Their values are texts, integers, booleans and nulls alone.
    """

    __slots__ = ()


class StreamError(NamedTuple):
    """Hold an error that the service reports in a stream.

    It comes in the envelope of gRPC-Gateway 1.x or 2.x.
    """

    grpc_code: int | None


class Device(NamedTuple):
    """Describe a device of the project."""

    id: str
    name: str
    hardware_ids: tuple[str, ...]


class Project(NamedTuple):
    """Describe a project."""

    id: str
    name: str


class RpcStatus(IntEnum):
    """Name the status codes of calls, as in gRPC."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class RpcAnswer(NamedTuple):
    """Hold a device's answer to a remote procedure call."""

    status_code: int
    """One of `RpcStatus`, or a future code."""
    detail: Any
    """Any JSON that Home Assistant can write; None where there is none."""


def _cut(text: str, limit: int) -> str:
    """Return a text, cut with an ellipsis where needed.

    Args:
        text: The text.
        limit: Bytes that it may take as JSON.
    """
    if len(orjson.dumps(text)) <= limit:
        return text
    low, high = 0, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        if len(orjson.dumps(text[:middle] + "…")) <= limit:
            low = middle
        else:
            high = middle - 1
    return text[:low] + "…"
