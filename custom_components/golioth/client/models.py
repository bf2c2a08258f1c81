"""Values that hold what Golioth sends, made so that they can be trusted."""

from enum import IntEnum, StrEnum
from typing import Any, Final, NamedTuple

import orjson

LEVELS: Final = ("debug", "info", "warn", "error")

# Text of a field other than the message: longer is no name, and every log would carry
# it to each listener.
MAX_FIELD_LENGTH: Final = 255

# In so many bytes of JSON around the published fields no name is too long, and metadata
# cannot be nested too deeply.
MAX_PLAIN_SIZE: Final = MAX_FIELD_LENGTH + 120

# The same as JSON once more, at most: 1e15 becomes a number of 18 characters.
MAX_SHORT_LOG_SIZE: Final = 4 * MAX_PLAIN_SIZE


class LogSource(StrEnum):
    """Name how a log came to us."""

    STREAM = "stream"
    POLL = "poll"
    CATCH_UP = "catch_up"


class Transport(StrEnum):
    """Name what logs come over at present."""

    STREAMING = "streaming"
    POLLING = "polling"


class StreamState(StrEnum):
    """Name where the stream is, whatever logs come over."""

    OPEN = "open"
    CLOSED = "closed"
    """It is tried again soon."""
    RETIRED = "retired"
    """The service says that there is none: it is tried again now and then."""


class DeepMetadata(dict[str, Any]):
    """Hold metadata nested too deeply for Home Assistant, as text.

    The only field, `json`, is the JSON that held them: all of the frame in the stream,
    the log alone in REST. So two of one log need not be equal.
    """

    __slots__ = ()


class LongInteger(str):
    """Hold an integer that takes more than 64 bits, as its digits.

    Home Assistant cannot write such a number as JSON, and a float is another one.
    """

    __slots__ = ()


def exact_json(value: Any) -> bytes:
    """Return a value as JSON, long integers as the numbers that they are.

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

    A tuple, because it cannot change and costs least to make: every log of a fleet
    becomes one.
    """

    timestamp: str
    """As Golioth sent it: RFC 3339, up to nine fractional digits; empty where it sent
    none."""
    timestamp_ns: int | None
    """The same in nanoseconds since 1970 UTC; None where it is no time."""
    type: str
    """`LOGGING`, `DIAGNOSTICS`, `METRICS`, or what Golioth invents next."""
    level: str
    """One of `LEVELS`; `NONE` or an unknown one as Golioth sent it."""
    module: str
    module_id: str
    message: str
    metadata: dict[str, Any]
    """Any JSON object that Home Assistant can write. Not to be changed."""
    device_id: str
    """Golioth's ID of the device; empty where it sent none."""

    def bounded(self, limit: int) -> tuple[LogEntry, bool]:
        """Return the log cut to a size, and whether it was.

        Metadata get what the message leaves, or half; of these, whole fields are kept,
        in their order.

        Args:
            limit: Bytes that message and metadata may take as JSON.
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
    """Hold a log of a short frame, as almost every log is.

    It has at most `MAX_SHORT_LOG_SIZE` bytes of JSON, and any database can hold it:
    there is no U+0000 in it.
    """

    __slots__ = ()


class PlainLogEntry(ShortLogEntry):
    """Hold such a log whose metadata are texts, integers, booleans and nulls alone."""

    __slots__ = ()


class StreamError(NamedTuple):
    """Hold an error that the service reports inside of a stream.

    It comes in the envelope of gRPC-Gateway 1.x or 2.x.
    """

    grpc_code: int | None


class Device(NamedTuple):
    """Describe a device of the project."""

    id: str
    name: str
    hardware_ids: tuple[str, ...]


class Project(NamedTuple):
    """Describe the project itself."""

    id: str
    name: str


class RpcStatus(IntEnum):
    """Name the status codes of calls, which are those of gRPC."""

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
    """Hold what a device answered to a remote procedure call."""

    status_code: int
    """One of `RpcStatus`, or a code that Golioth invents next."""
    detail: Any
    """Any JSON that Home Assistant can write; None where there is none."""


def _cut(text: str, limit: int) -> str:
    """Return as much of a text as fits, ending in an ellipsis if cut.

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
