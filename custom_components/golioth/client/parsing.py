"""Parse what Golioth sends, the same for every way in.

A log has to have the same values from the stream and from REST, because it is
identified by these. So there is one parser of JSON, orjson. Input that it refuses but a
device can cause is first rewritten: bytes that are not UTF-8 and lone surrogates become
replacement characters, and numbers that are not finite become null. Integers beyond 64
bits, which orjson turns into floats or, where no float holds them, refuses, are kept as
their digits.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
import json
from math import isfinite
from operator import itemgetter
import re
from typing import Any, Final

import orjson

from .models import (
    LEVELS,
    MAX_FIELD_LENGTH,
    MAX_PLAIN_SIZE,
    DeepMetadata,
    Device,
    LogEntry,
    LongInteger,
    PlainLogEntry,
    Project,
    RpcAnswer,
    ShortLogEntry,
    StreamError,
    exact_json,
)
from .plain_text import one_line
from .timestamps import parse_start, parse_timestamp

# The published enumeration. Older logs have the number, and a field with its default
# value is left out.
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

# The fields of every log that Golioth sends today.
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

_new_tuple: Final = tuple.__new__

# Bytes are searched for a number much faster than for other bytes.
_BACKSLASH_CODE: Final = ord("\\")

# Home Assistant writes JSON with orjson, which stops at 254 levels, and wraps a log in
# a few levels.
_MAX_DEPTH: Final = 238

# Parsing blocks the event loop, for some 20 ms at these limits. No log of 64 KiB
# exceeds them, whatever it holds, and longer answers can be requested in parts.
_MAX_VALUES: Final = 50_000
"""Commas and opening brackets, for the number of values."""
_MAX_REPLACED: Final = 66_000
"""Bytes or surrogates that become replacement characters."""
_MAX_BACKSLASHES: Final = 256 * 1024
"""Backslashes of a document with something to replace."""
_MAX_INFINITE: Final = 20_000
"""Numbers that become null."""
_MAX_OUTSIDE: Final = 256 * 1024
"""Bytes outside of texts, which are searched for such numbers."""
_MAX_RUN_VALUES: Final = 10_000
"""Values of a line of several documents, which are parsed twice."""

# Matches the boundary of two documents. In well-formed JSON, it cannot be part of a
# text: the quotation mark would end the text, before a bare word.
_BOUNDARY: Final = re.compile(rb'\}\s*+(?=\{\s*+"(?:result|error)"\s*+:)')

_LINE: Final = re.compile(rb"\S[^\n]*")
_SPACE: Final = re.compile(r"\s*")

# Bytes that UTF-8 never has stand for an escaped backslash and an escaped quotation
# mark during rewriting, so that any other backslash begins an escape, and any other
# quotation mark a text.
_BACKSLASH: Final = b"\xff\xff"
_QUOTE: Final = b"\xfe\xfe"

_LONE_SURROGATE: Final = re.compile(
    rb"\\u[dD](?:"
    rb"[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD])[c-fC-F][0-9a-fA-F]{2}"
    rb")"
)

# Numbers that may not be finite: all others have fewer digits, or a shorter exponent.
_MAYBE_INFINITE: Final = re.compile(
    rb"NaN|-?Infinity"
    rb"|(?<![0-9.eE+-])-?[0-9]++(?:"
    rb"(?:\.[0-9]++)?[eE]\+?[0-9]{3,}+"
    rb"|(?<=[0-9]{200})(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
    rb")"
)

# Only floats and nested values can come from a longer integer.
_are_plain: Final = frozenset({str, int, bool, type(None)}).issuperset

# An integer beyond 64 bits has at least so many digits. Translating each digit to zero
# first costs less than a search for any digits.
_MANY_DIGITS: Final = b"0" * 19
_AS_ZEROS: Final = bytes.maketrans(b"123456789", b"0" * 9)

# An integer that no float holds has at least so many digits.
_MOST_DIGITS: Final = b"0" * 309

_FEW_DIGITS: Final = 20
"""Digits and sign of the longest integer of 64 bits."""


def parse_frame(data: bytes) -> Iterable[LogEntry | StreamError | None]:
    """Return the logs and errors of a frame.

    A frame holds one JSON document; several, with or without line breaks between them,
    are accepted as well. They are parsed lazily, so that a caller may pause in between.
    Never raises.

    Args:
        data: The frame's payload; bytes that are not UTF-8 become replacement
            characters.

    Returns:
        Logs, errors of the service, and None for each document that is neither.
    """
    try:
        document = parse_json(data)
    except ValueError:
        return _parse_lines(data)
    return (_parse_envelope(document, data),)


def parse_plain_frame(data: bytes) -> LogEntry | None:
    """Return the log of a short frame in today's form.

    For almost every frame, this returns what `parse_frame` does, in half the time.

    Returns:
        None where `parse_frame` has to be used.
    """
    # In JSON, U+0000 is always an escape.
    if len(data) > MAX_PLAIN_SIZE or (_BACKSLASH_CODE in data and b"\\u0000" in data):
        return None
    try:
        log = orjson.loads(data)["result"]["data"]
        timestamp, kind, level, module, module_id, message, metadata, device_id = (
            _get_published_fields(log)
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
        and timestamp.isascii()
        and (digits := timestamp[20:29]).isdecimal()
        and (start_ns := parse_start(timestamp[:20])) is not None
        and (device_id or "device_id" not in log)
    ):
        return None
    if _are_plain(map(type, metadata.values())):
        kind_of_log: type[LogEntry] = PlainLogEntry
    elif _MANY_DIGITS in data.translate(_AS_ZEROS):
        return None
    else:
        kind_of_log = ShortLogEntry
    # Same as calling the class, in half the time.
    return _new_tuple(
        kind_of_log,
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


def parse_answer(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a REST answer.

    An unusual log does not change the others.

    Returns:
        None where there is none, or where it takes too long to parse or is nested too
        deeply. Never raises.
    """
    try:
        document = parse_json(body)
    except orjson.JSONDecodeError:
        try:
            document = _load_rewritten(_rewrite(body))
        except ValueError:
            return None
    except ValueError:
        return None
    return document if type(document) is dict else None


def parse_json(text: bytes | str) -> Any:
    """Return the value of a JSON document.

    Raises:
        ValueError: It is invalid, or takes too long to parse.
    """
    if len(text) > _MAX_VALUES and _count_values(text) > _MAX_VALUES:
        raise ValueError("Too many values")
    return _load(text)


def _load(text: bytes | str) -> Any:
    """Return the value of a document, long integers included.

    Raises:
        orjson.JSONDecodeError: It is invalid.
    """
    document = orjson.loads(text)
    data = text.encode() if isinstance(text, str) else text
    if _MANY_DIGITS not in data.translate(_AS_ZEROS):
        return document
    try:
        return _EXACT_DECODER.decode(data.decode())
    except RecursionError:
        return document


def _load_rewritten(data: bytes) -> Any:
    """Return the value of a rewritten document.

    It may have integers that no float holds.

    Raises:
        ValueError: It is invalid.
    """
    try:
        return _load(data)
    except orjson.JSONDecodeError:
        if _MOST_DIGITS not in data.translate(_AS_ZEROS):
            raise
    # If it is valid without such integers, it is valid with them.
    document = _load(_rewrite(data, _replace_infinite))
    try:
        return _EXACT_DECODER.decode(data.decode())
    except RecursionError, ValueError:
        return document


def _parse_integer(digits: str) -> Any:
    """Return an integer, as its digits if beyond 64 bits."""
    if len(digits) > _FEW_DIGITS:
        return LongInteger(digits)
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else LongInteger(digits)


_EXACT_DECODER: Final = json.JSONDecoder(parse_int=_parse_integer)


def parse_log(document: Any, source: bytes | str = b"") -> LogEntry | None:
    """Return the log of a LOG object of the service.

    Any field may be missing, but not all of device, message, time and level. A field of
    another type than published is kept as text.

    Args:
        document: The object, as parsed by this module.
        source: The JSON that holds it. Metadata nested too deeply for Home Assistant
            are kept as this text; without it, as the JSON of the object.

    Returns:
        None where the object is no log.
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
        metadata = DeepMetadata(json=_as_text(document, source))
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


def parse_device(document: Any) -> Device | None:
    """Return the device of an object; None without an ID."""
    if not isinstance(document, dict) or not (device_id := _field(document.get("id"))):
        return None
    hardware_ids = document.get("hardwareIds")
    return Device(
        device_id,
        _name(document, device_id),
        tuple(name for each in hardware_ids if (name := one_line(_field(each))))
        if isinstance(hardware_ids, list)
        else (),
    )


def parse_project(document: Any) -> Project | None:
    """Return the project of an object; None without an ID."""
    if not isinstance(document, dict) or not (project_id := _field(document.get("id"))):
        return None
    return Project(project_id, _name(document, project_id))


def parse_rpc_answer(document: dict[str, Any]) -> RpcAnswer | None:
    """Return a device's answer to a call; None if invalid."""
    # A field with its default value may be left out.
    status_code = parse_number(document.get("statusCode", 0))
    detail = document.get("detail")
    if (
        status_code is None
        or status_code >= 2**31
        or not _is_writable({"detail": detail}, b"")
    ):
        return None
    return RpcAnswer(status_code, detail)


def parse_number(value: Any) -> int | None:
    """Return a count, which gRPC-Gateway writes as number or text.

    Returns:
        None where it is no number of 63 bits, or a negative one. Never raises.
    """
    match value:
        case bool():
            return None
        case int():
            number = value
        case float() if isfinite(value):
            number = int(value)
        # Digits of other scripts are decimal as well.
        case str() if len(value) < 20 and value.isascii() and value.isdecimal():
            number = int(value)
        case _:
            return None
    return number if 0 <= number < 2**63 else None


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


def _parse_lines(data: bytes) -> Iterator[LogEntry | StreamError | None]:
    """Yield the documents of a frame."""
    for line in _LINE.finditer(data):
        start, end = line.span()
        position = start
        for boundary in _BOUNDARY.finditer(data, start, end):
            yield from _parse_piece(data[position : boundary.start() + 1])
            position = boundary.end()
        yield from _parse_piece(data[position:end])


def _parse_piece(piece: bytes) -> Iterator[LogEntry | StreamError | None]:
    """Yield the documents of what should be one."""
    try:
        document = parse_json(piece)
    except orjson.JSONDecodeError:
        yield from _parse_rewritten(piece)
    except ValueError:
        yield None
    else:
        yield _parse_envelope(document, piece)


def _parse_rewritten(piece: bytes) -> Iterator[LogEntry | StreamError | None]:
    """Yield the documents of what orjson refuses."""
    try:
        rewritten = _rewrite(piece)
    except ValueError:
        yield None
        return
    try:
        document = _load_rewritten(rewritten)
    except ValueError:
        yield from _parse_run(rewritten.decode())
    else:
        yield _parse_envelope(document, piece)


def _parse_run(text: str) -> Iterator[LogEntry | StreamError | None]:
    """Yield the documents of a line of several."""
    if _count_values(text) > _MAX_RUN_VALUES:
        yield None
        return
    position, end = _skip_space(text, 0), len(text)
    while position < end:
        start = position
        try:
            # Only to find the end of the document.
            _, position = _EXACT_DECODER.raw_decode(text, start)
            source = text[start:position]
            document = _load_rewritten(source.encode())
        except ValueError, RecursionError:
            # The start of the next document is unknown: the rest counts as one.
            yield None
            return
        yield _parse_envelope(document, source)
        position = _skip_space(text, position)


def _skip_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _rewrite(data: bytes, replace: Callable[[bytes], bytes] | None = None) -> bytes:
    """Replace what JSON allows and orjson refuses.

    Args:
        data: The document.
        replace: Replaces numbers; without it, those that are not finite become null,
            except integers.

    Raises:
        ValueError: It would take too long.
    """
    text = data.decode(errors="replace")
    if text.count("\ufffd") > _MAX_REPLACED:
        raise ValueError("Too many bytes that are no text")
    data = text.encode()
    if data.count(b"\\") > _MAX_BACKSLASHES:
        raise ValueError("Too many backslashes")
    data = data.replace(rb"\\", _BACKSLASH)
    surrogates = data.count(rb"\ud") + data.count(rb"\uD")
    if surrogates > _MAX_REPLACED:
        raise ValueError("Too many surrogates")
    if surrogates:
        data = _LONE_SURROGATE.sub(rb"\\ufffd", data)
    data = _rewrite_numbers(data.replace(rb"\"", _QUOTE), replace or _replace_inexact)
    return data.replace(_QUOTE, rb"\"").replace(_BACKSLASH, rb"\\")


def _rewrite_numbers(data: bytes, replace: Callable[[bytes], bytes]) -> bytes:
    """Replace numbers that are not finite, outside of all texts."""
    # More texts than any document within the limits has: it is no JSON.
    if data.count(b'"') > 4 * (_MAX_VALUES + 1):
        raise ValueError("Too many texts")
    parts = data.split(b'"')
    outside = b'"'.join(parts[::2])
    if len(outside) > _MAX_OUTSIDE:
        raise ValueError("Too much that is no text")
    parts[::2] = replace(outside).split(b'"')
    return b'"'.join(parts)


def _replace_number(found: re.Match[bytes]) -> bytes:
    number = found[0]
    return number if isfinite(float(number)) else b"null"


def _replace_fraction(found: re.Match[bytes]) -> bytes:
    """Replace a number, unless it is an integer."""
    number = found[0]
    return number if number.removeprefix(b"-").isdigit() else _replace_number(found)


# orjson refuses the numbers beyond the count.
_replace_infinite: Final = partial(
    _MAYBE_INFINITE.sub, _replace_number, count=_MAX_INFINITE
)
_replace_inexact: Final = partial(
    _MAYBE_INFINITE.sub, _replace_fraction, count=_MAX_INFINITE
)


def _count_values(text: bytes | str) -> int:
    return _count(text, ",") + _count(text, "[") + _count(text, "{")


def _parse_level(value: Any) -> str:
    try:
        return _LEVELS_BY_VALUE[value]
    except KeyError, TypeError:
        text = one_line(_field(value))
        return _LEVELS_BY_VALUE.get(text.upper(), text)


def _is_writable(metadata: dict[str, Any], source: bytes | str) -> bool:
    """Return whether Home Assistant can write metadata as JSON.

    They are wrapped in as many levels as it adds.
    """
    if source and (
        len(source) <= MAX_PLAIN_SIZE
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


def _as_text(document: dict[str, Any], source: bytes | str) -> str:
    """Return the JSON of a log, its source if known."""
    if isinstance(source, bytes) and source:
        return source.decode(errors="replace")
    if source:
        return str(source)
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return ""


def _count(text: bytes | str, character: str) -> int:
    return (
        text.count(character)
        if isinstance(text, str)
        else text.count(character.encode())
    )


def _field(value: Any) -> str:
    """Return a field as text of bounded length."""
    if type(value) is str:
        return value if len(value) <= MAX_FIELD_LENGTH else value[:MAX_FIELD_LENGTH]
    return _text(value)[:MAX_FIELD_LENGTH]


def _name(document: dict[str, Any], its_id: str) -> str:
    """Return an object's name, or its ID: never empty."""
    name = one_line(_field(document.get("name"))) or one_line(its_id)
    return name or ascii(its_id)[:MAX_FIELD_LENGTH]


def _text(value: Any) -> str:
    """Return text unchanged, None as empty, others as JSON."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    try:
        return exact_json(value).decode()
    except orjson.JSONEncodeError:
        return ""
