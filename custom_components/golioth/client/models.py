"""What Golioth sends, made into values that can be trusted: logs, devices, projects."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
import json
from operator import itemgetter
import re
from typing import Any, Final, NamedTuple

import orjson

LEVELS: Final = ("debug", "info", "warn", "error")

# Text of a field other than the message: longer is no name, and every log would carry it to each listener.
_MAX_FIELD_LENGTH: Final = 255

# The published enumeration. Older logs have the number, and a field at its default is left out.
_LEVELS_BY_VALUE: Final[dict[Any, str]] = {
    None: "NONE",
    "": "NONE",
    0: "NONE",
    "0": "NONE",
    "NONE": "NONE",
} | {
    form: level
    for number, level in enumerate(LEVELS, start=1)
    for form in (number, str(number), level, level.upper())
}

# Home Assistant writes JSON with orjson, which stops at 254 levels, and puts a log a few levels deep.
_MAX_DEPTH: Final = 238

# Parsing this many values takes some 30 ms, in which Home Assistant does nothing else. A log has a few dozen.
_MAX_VALUES: Final = 150_000

# A log in the form of all that Golioth sends today.
_get_published_fields: Final = itemgetter(
    "timestamp",
    "type",
    "level",
    "module",
    "moduleId",
    "message",
    "metadata",
    "deviceId",
)

# In so many bytes of JSON around the published fields no name is too long, and metadata cannot be nested too deeply.
_MAX_PLAIN_SIZE: Final = _MAX_FIELD_LENGTH + 120

# The same as JSON once more, at most: 1e15 becomes a number of 18 characters.
MAX_SHORT_LOG_SIZE: Final = 4 * _MAX_PLAIN_SIZE

_FRACTION: Final = re.compile(r"\.([0-9]{1,9})")

_SPACE: Final = re.compile(r"\s*")

# Digits of a number. One of thousands takes long to read, and is none that a device measures.
_MAX_DIGITS: Final = 400

_new_tuple: Final = tuple.__new__

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _parse_int(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


_DECODER: Final = json.JSONDecoder(
    parse_constant=lambda _name: None, parse_int=_parse_int
)


class LogEntry(NamedTuple):
    """One log of one device.

    A tuple, because it cannot change and costs least to make: every log of a fleet becomes one.
    """

    timestamp: str
    """As Golioth sent it: RFC 3339, up to nine fractional digits; empty where it sent none."""
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
        """Return the log with no more than `limit` bytes of message and metadata, and whether anything was cut.

        Metadata get what the message leaves, or half; of these, whole fields are kept, in their order.
        """
        metadata_size = len(orjson.dumps(self.metadata)) if self.metadata else 2
        # A character of JSON takes at most six bytes: most messages need no closer look.
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
    """A log that came in a short frame, as almost every log does: it has at most `MAX_SHORT_LOG_SIZE` bytes of JSON."""

    __slots__ = ()


class StreamError(NamedTuple):
    """An error that the service reports inside of a stream, in the envelope of gRPC-Gateway 1.x or 2.x."""

    grpc_code: int | None


class Device(NamedTuple):
    """A device of the project."""

    id: str
    name: str
    hardware_ids: tuple[str, ...]


class Project(NamedTuple):
    """The project itself."""

    id: str
    name: str


class RpcStatus(IntEnum):
    """The status codes of remote procedure calls, which are those of gRPC."""

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
    """What a device answered to a remote procedure call."""

    status_code: int
    """One of `RpcStatus`, or a code that Golioth invents next."""
    detail: Any
    """Any JSON that Home Assistant can write; None where there is none."""


def parse_frame(data: bytes) -> Iterable[LogEntry | StreamError | None]:
    """Return what a frame of the log stream holds: logs, errors of the service, and None for what is neither.

    A frame holds one JSON document; several, with or without line breaks between them, are taken as well. Never
    raises. Where there are several they are parsed as they are asked for, so that a caller may pause in between.

    Args:
        data: The frame's payload; bytes that are not UTF-8 become replacement characters.
    """
    try:
        document = parse_json(data)
    except ValueError:
        return _parse_documents(data.decode(errors="replace"))
    return (_parse_envelope(document, data),)


def parse_plain_frame(data: bytes) -> LogEntry | None:
    """Return the log of a frame that holds one, short and in the form of all that Golioth sends today.

    This is what `parse_frame` returns of almost every frame, in half of the time. Where it returns None, that one has to look
    closer.
    """
    if len(data) > _MAX_PLAIN_SIZE:
        return None
    try:
        timestamp, kind, level, module, module_id, message, metadata, device_id = (
            _get_published_fields(orjson.loads(data)["result"]["data"])
        )
        level = _LEVELS_BY_VALUE[level]
    except ValueError, LookupError, TypeError:
        return None
    if not (
        kind
        and type(timestamp) is type(kind) is type(module) is type(module_id) is str
        and type(message) is type(device_id) is str
        and type(metadata) is dict
        and len(timestamp) == 30
        and timestamp[29] == "Z"
        and (digits := timestamp[20:29]).isdecimal()
        and (start_ns := _parse_start(timestamp[:20])) is not None
    ):
        return None
    # What the class does, in half of the time.
    return _new_tuple(
        ShortLogEntry,
        (
            timestamp,
            start_ns + int(digits),
            kind,
            level,
            module,
            module_id,
            message,
            metadata,
            device_id,
        ),
    )


def parse_json(text: bytes | str) -> Any:
    """Return what a JSON document holds.

    Raises:
        ValueError: It is none, or would take too long to parse.
    """
    if (
        len(text) > _MAX_VALUES
        and _count(text, ",") + _count(text, "[") + _count(text, "{") > _MAX_VALUES
    ):
        raise ValueError("Too many values")
    return orjson.loads(text)


def parse_log(document: Any, source: bytes | str = b"") -> LogEntry | None:
    """Return the log that a LOG object of the service holds, or None where it is none.

    Every field may be missing, but not all of them. A field of another type than published is kept as text.

    Args:
        document: The object, as parsed by orjson.
        source: The JSON that holds it. Metadata nested too deeply for Home Assistant is kept as this text.
    """
    if type(document) is not dict:
        return None
    get = document.get
    device_id = get("deviceId") or get("device_id")
    message = get("message")
    timestamp = get("timestamp")
    level = get("level")
    if device_id is None and message is None and timestamp is None and level is None:
        return None
    timestamp = _field(timestamp)
    metadata = get("metadata")
    if type(metadata) is not dict:
        metadata = {} if metadata is None else {"value": metadata}
    if metadata and not _is_writable(metadata, source):
        metadata = {
            "json": source
            if isinstance(source, str)
            else source.decode(errors="replace")
        }
    return LogEntry(
        timestamp,
        parse_timestamp(timestamp),
        _field(get("type")) or "LOGGING",
        _parse_level(level),
        _field(get("module")),
        _field(get("moduleId")),
        message if type(message) is str else _text(message),
        metadata,
        _field(device_id),
    )


def parse_timestamp(text: str) -> int | None:
    """Return the nanoseconds since 1970 UTC of an RFC 3339 time, or None where it is none."""
    # As Golioth sends it, and the same second again and again.
    if (
        len(text) == 30
        and text[29] == "Z"
        and (digits := text[20:29]).isdecimal()
        and (start_ns := _parse_start(text[:20])) is not None
    ):
        return start_ns + int(digits)
    start_ns = _parse_whole(text)
    # datetime keeps microseconds; the digits behind these tell the logs of one burst apart.
    found = _FRACTION.match(text, 19)
    fraction = int(found[1].ljust(9, "0")) if found else 0
    return None if start_ns is None else _bounded(start_ns + fraction)


@lru_cache(maxsize=256)
def _parse_start(text: str) -> int | None:
    """Return the nanoseconds of a time in UTC that ends with the point before its fraction, or None where it is none."""
    if (
        text[19] != "."
        or (start_ns := _parse_whole(text[:19] + "Z")) is None
        # With any fraction, it has to be one of the years that count.
        or _bounded(start_ns) is None
        or _bounded(start_ns + 1_000_000_000) is None
    ):
        return None
    return start_ns


@lru_cache(maxsize=256)
def _parse_whole(text: str) -> int | None:
    """Return the nanoseconds of a time without its fraction, or None where it is none."""
    if text[10:11] not in {"T", "t"}:
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.replace(microsecond=0).timestamp()) * 1_000_000_000


def _bounded(time_ns: int) -> int | None:
    """Return a time of the years 1678 to 2262: no JSON encoder of ours writes more than 64 bits."""
    return time_ns if -(2**63) <= time_ns < 2**63 else None


def format_timestamp(time_ns: int) -> str:
    """Return nanoseconds since 1970 UTC as an RFC 3339 time with nine digits."""
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09}Z"


def parse_device(document: Any) -> Device | None:
    """Return the device that a DEVICE object holds, or None where it has no ID."""
    if not isinstance(document, dict) or not (device_id := _field(document.get("id"))):
        return None
    hardware_ids = document.get("hardwareIds")
    return Device(
        device_id,
        _field(document.get("name")) or device_id,
        tuple(_field(each) for each in hardware_ids)
        if isinstance(hardware_ids, list)
        else (),
    )


def parse_project(document: Any) -> Project | None:
    """Return the project that a PROJECT object holds, or None where it has no ID."""
    if not isinstance(document, dict) or not (project_id := _field(document.get("id"))):
        return None
    return Project(project_id, _field(document.get("name")) or project_id)


def parse_rpc_answer(document: dict[str, Any]) -> RpcAnswer | None:
    """Return the answer of a device that an object of the service holds, or None where it is none."""
    # A field at its default may be left out.
    status_code = parse_number(document.get("statusCode", 0))
    detail = document.get("detail")
    if (
        status_code is None
        or not 0 <= status_code < 2**31
        or not _is_writable({"detail": detail}, b"")
    ):
        return None
    return RpcAnswer(status_code, detail)


def parse_number(value: Any) -> int | None:
    """Return a count, which gRPC-Gateway writes as a number or as text; None where it is none."""
    try:
        return int(value)
    except TypeError, ValueError, OverflowError:
        return None


def _parse_envelope(
    document: Any, source: bytes | str
) -> LogEntry | StreamError | None:
    if type(document) is not dict:
        return None
    result = document.get("result")
    if type(result) is dict:
        return parse_log(result.get("data"), source)
    error = document.get("error")
    if type(error) is dict:
        code = error.get("grpcCode")
        return StreamError(parse_number(error.get("code") if code is None else code))
    return None


def _parse_documents(text: str) -> Iterator[LogEntry | StreamError | None]:
    """Take documents one by one: several in a frame, or one that only the standard library can read."""
    for line in text.split("\n"):
        if not line or line.isspace():
            continue
        try:
            document = parse_json(line)
        except orjson.JSONDecodeError:
            yield from _parse_loosely(line)
        except ValueError:
            yield None
        else:
            yield _parse_envelope(document, line)


def _parse_loosely(line: str) -> Iterator[LogEntry | StreamError | None]:
    """Take the documents of one line, with what JSON allows but UTF-8 or a 64-bit number cannot hold."""
    position, end = _skip_space(line, 0), len(line)
    while position < end:
        try:
            value, position = _DECODER.raw_decode(line, position)
            # Lone surrogates become replacement characters, and huge numbers the nearest that there is.
            rewritten = json.dumps(value, ensure_ascii=False).encode(
                "utf-16", "surrogatepass"
            )
            document = orjson.loads(rewritten.decode("utf-16", "replace"))
        except ValueError, RecursionError:
            # Where the next document starts cannot be told: the rest of the line counts as one.
            yield None
            return
        yield _parse_envelope(document, line)
        position = _skip_space(line, position)


def _skip_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _parse_level(value: Any) -> str:
    try:
        return _LEVELS_BY_VALUE[value]
    except KeyError, TypeError:
        text = _field(value)
        return _LEVELS_BY_VALUE.get(text.upper(), text)


def _is_writable(metadata: dict[str, Any], source: bytes | str) -> bool:
    """Whether Home Assistant can write the metadata as JSON, wrapped as it wraps them."""
    if source and (
        len(source) <= _MAX_PLAIN_SIZE
        or _count(source, "{") + _count(source, "[") <= _MAX_DEPTH
    ):
        return True
    wrapped: Any = metadata
    for _ in range(254 - _MAX_DEPTH):
        wrapped = [wrapped]
    try:
        orjson.dumps(wrapped)
    except orjson.JSONEncodeError:
        return False
    return True


def _count(text: bytes | str, character: str) -> int:
    return (
        text.count(character)
        if isinstance(text, str)
        else text.count(character.encode())
    )


def _field(value: Any) -> str:
    """Return the text of a field that is a name."""
    if type(value) is str:
        return value if len(value) <= _MAX_FIELD_LENGTH else value[:_MAX_FIELD_LENGTH]
    return _text(value)[:_MAX_FIELD_LENGTH]


def _text(value: Any) -> str:
    """Return text as it is, nothing as empty, and anything else as JSON."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return ""


def _cut(text: str, limit: int) -> str:
    """Return as much of the text as takes at most `limit` bytes as JSON, ending in an ellipsis where it was cut."""
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
