"""Fuzz the parser: it yields only valid logs.

Home Assistant can write each of them as JSON.
"""

from collections.abc import Iterable
import json
import math
import random
import re
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st
import orjson
import pytest

from custom_components.golioth.client.delivered import identify
from custom_components.golioth.client.models import DeepMetadata, LogEntry, StreamError
from custom_components.golioth.client.parsing import (
    parse_answer,
    parse_frame,
    parse_log,
    parse_number,
)
from homeassistant.helpers.json import json_bytes
from tests import PUBLISHED_FRAMES

FRAMES = 100_000

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(alphabet=st.characters(exclude_categories=())),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.text(alphabet=st.characters(exclude_categories=()), max_size=5),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)

LOGS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        (
            "timestamp",
            "type",
            "level",
            "module",
            "moduleId",
            "message",
            "metadata",
            "deviceId",
            "device_id",
            "unknown",
        ),
        VALUES,
    ),
)


# JSON as text, with parts that only some parsers accept.
_TEXT_PARTS = st.sampled_from(
    [
        b"a",
        b" ",
        "é😀".encode(),
        b"\\ud800",
        b"\\uDBFF",
        b"\\udc00",
        b"\\uDFff",
        b"\\ud83d\\ude00",
        b"\\u0000",
        b"\\u005c",
        b"\\u0022",
        b"\\\\",
        b'\\"',
        b"\\/",
        b"\\n",
        b"ud800",
        b"NaN",
        b"-Infinity",
        b",1e400,",
        b"9" * 310,
        b"}{",
        b'}{\\"result\\":',
        b"[]",
        b"\xff",
        b"\xfe\xfe",
        b"\xff\xff",
        b"\xed\xa0\x80",
        b"\xe2\x82",
        b"\xc0\x80",
        b"\xf4\x90\x80\x80",
        "\ufffd".encode(),
        "\u2028".encode(),
    ]
)
_TEXTS = st.lists(_TEXT_PARTS, max_size=6).map(
    lambda parts: b'"' + b"".join(parts) + b'"'
)
_NUMBERS = st.sampled_from(
    [
        b"0",
        b"-0",
        b"-0.0",
        b"1",
        b"1.0",
        b"100000000000000000000",
        b"9223372036854775808",
        b"-9223372036854775809",
        b"18446744073709551616",
        b"1e15",
        b"1E+15",
        b"0.1e-7",
        b"1e-999",
        b"0e999",
        b"0.0E+9999",
        b"1e308",
        b"1.8e308",
        b"1e309",
        b"-1E+400",
        b"1.5e99999999999999999999",
        b"0." + b"0" * 400 + b"1e450",
        b"0." + b"0" * 400 + b"1e850",
        b"1" * 309,
        b"-" + b"9" * 309,
        b"9" * 309 + b".5",
        b"9" * 309 + b"e-5",
        b"9" * 309 + b"E-0",
        b"9" * 290 + b"e50",
        b"9" * 290 + b".25e5",
        b"NaN",
        b"Infinity",
        b"-Infinity",
    ]
) | st.sampled_from([b"", b"0."]).map(lambda start: start + b"1" * 5000)
_NESTED = st.sampled_from([1, 200, 230, 240, 260, 1000]).map(
    lambda depth: b'[{"":' * (depth // 2) + b"1" + b"}]" * (depth // 2)
)
_SPACES = st.sampled_from([b"", b"", b"", b" ", b"\t", b"\r"])


def _joined(parts: Iterable[bytes], brackets: bytes) -> bytes:
    return brackets[:1] + b",".join(parts) + brackets[1:]


def _members(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(
        st.tuples(_SPACES, _TEXTS, _SPACES, values, _SPACES).map(
            lambda parts: b"%b%b%b:%b%b" % parts
        ),
        max_size=4,
    ).map(lambda members: _joined(members, b"{}"))


NASTY_VALUES = st.recursive(
    st.sampled_from([b"null", b"true", b"false"]) | _NUMBERS | _TEXTS | _NESTED,
    lambda children: (
        st.lists(children, max_size=4).map(lambda parts: _joined(parts, b"[]"))
        | _members(children)
    ),
    max_leaves=8,
)

_NASTY_FIELDS = {
    "timestamp": st.just(b'"2026-11-25T20:00:00.123456789Z"') | NASTY_VALUES,
    "level": st.just(b'"INFO"') | NASTY_VALUES,
    "metadata": _members(NASTY_VALUES) | NASTY_VALUES,
} | dict.fromkeys(
    ("type", "module", "moduleId", "message", "deviceId", "device_id", "other"),
    _TEXTS | NASTY_VALUES,
)

NASTY_LOGS = st.fixed_dictionaries({}, optional=_NASTY_FIELDS).map(
    lambda fields: _joined(
        (b'"%b":%b' % (name.encode(), value) for name, value in fields.items()), b"{}"
    )
)


def comparable(entry: LogEntry | StreamError | None) -> Any:
    """Return a log as a value that compares exactly."""
    if not isinstance(entry, LogEntry):
        return entry
    if isinstance(entry.metadata, DeepMetadata):
        assert list(entry.metadata) == ["json"]
        entry = entry._replace(metadata={"": "deep"})
    return tuple(entry), orjson.dumps(tuple(entry))


def tame(value: Any) -> Any:
    """Return a value of the standard library as expected."""
    match value:
        case str():
            return re.sub("[\ud800-\udfff]", "\ufffd", value)
        case float():
            return value if math.isfinite(value) else None
        case list():
            return [tame(each) for each in value]
        case dict():
            return {tame(key): tame(each) for key, each in value.items()}
    return value


def parse_int(digits: str) -> int | str:
    """Return an integer, as its digits if beyond 64 bits."""
    if len(digits) > 25 or not -(2**63) <= int(digits) < 2**64:
        return digits
    return int(digits)


def check(data: bytes) -> int:
    """Check a frame's logs; return their number."""
    number = 0
    for entry in parse_frame(data):
        if not isinstance(entry, LogEntry):
            assert entry is None or isinstance(entry, StreamError)
            continue
        number += 1
        identify(entry)
        # Nested as deeply as in Home Assistant.
        json_bytes([{"event": {"data": {"log": entry._asdict()}}}])
        bounded, _truncated = entry.bounded(4096)
        size = len(orjson.dumps(bounded.message)) + len(orjson.dumps(bounded.metadata))
        assert size <= 4096
        assert max(map(len, (entry.level, entry.module, entry.type))) <= 255
    return number


def encoded(document: Any) -> bytes:
    """Return JSON with surrogates, huge numbers and NaN.

    Only the standard library writes these.
    """
    return json.dumps(document).encode()


@given(log=LOGS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_log(log: dict[str, Any]) -> None:
    """An object with any log's field is one log."""
    is_log = any(
        log.get(field) is not None for field in ("timestamp", "level", "message")
    ) or bool(log.get("deviceId") or log.get("device_id"))
    number = check(encoded({"result": {"data": log}}))
    assert number <= 1
    # Invalid numbers of JSON become null.
    if is_log and "inf" not in repr(log) and "nan" not in repr(log):
        assert number == 1


@given(document=VALUES)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_document(document: Any) -> None:
    """No JSON raises an exception."""
    check(encoded(document))
    check(encoded({"result": document}))
    check(encoded({"error": document}))


@given(data=st.binary())
def test_any_bytes(data: bytes) -> None:
    """No bytes raise an exception."""
    check(data)


@given(logs=st.lists(NASTY_LOGS, min_size=1, max_size=3))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_log_by_any_way(logs: list[bytes]) -> None:
    """A log is the same from stream and REST.

    Whether alone or with others.
    """
    frames = [b'{"result":{"data":%b}}' % log for log in logs]
    streamed = []
    for frame in frames:
        (entry,) = parse_frame(frame)
        streamed.append(comparable(entry))
    for separator in (b"\n", b"", b" "):
        together = parse_frame(separator.join(frames))
        assert [comparable(entry) for entry in together] == streamed
    for log, expected in zip(logs, streamed, strict=True):
        answer = parse_answer(b'{"list":[%b],"total":"1"}' % log)
        assert answer is not None
        (document,) = answer["list"]
        assert comparable(parse_log(document)) == expected
    answer = parse_answer(b'{"list":[%b],"total":"9"}' % b",".join(logs))
    assert answer is not None
    assert [comparable(parse_log(each)) for each in answer["list"]] == streamed
    # Another, unusual log changes nothing.
    answer = parse_answer(
        b'{"list":[{"message":"\xff\\udc00","metadata":{"a":NaN}},%b]}'
        % b",".join(logs)
    )
    assert answer is not None
    assert [comparable(parse_log(each)) for each in answer["list"][1:]] == streamed


@given(document=NASTY_VALUES)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_answer(document: bytes) -> None:
    """Answers have the same value as by the standard library."""
    document = b'{"":%b}' % document
    text = document.decode(errors="replace")
    expected = tame(json.loads(text, parse_int=parse_int))
    found = parse_answer(document)
    assert found == expected
    orjson.loads(json.dumps(found))


@given(data=st.binary() | st.binary().map(b'{"a":"%b"}'.__mod__))
def test_any_bytes_of_an_answer(data: bytes) -> None:
    """Any bytes are parsed as an object or None."""
    found = parse_answer(data)
    assert found is None or type(found) is dict


@given(value=VALUES)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_number(value: Any) -> None:
    """Any value is parsed as a count or None."""
    number = parse_number(value)
    assert number is None or 0 <= number < 2**63


@pytest.mark.slow
@pytest.mark.fuzz
@pytest.mark.timeout(600)
def test_mutated_frames() -> None:
    """Mutated frames raise nothing, and yield valid logs."""
    chance = random.Random(2021)  # noqa: S311
    frames = PUBLISHED_FRAMES.read_bytes().splitlines()
    parts = [
        b"\x00",
        b"\xff",
        b"\\ud800",
        b"\\udc00\\ud800",
        b'"',
        b"{",
        b"}",
        b"[" * 300,
        b"]" * 300,
        b"9" * 30,
        b"9" * 5000,
        b"-1e999",
        b"NaN",
        b"\n",
        b"null",
        b'"error":{"code":16},',
        b"\xed\xa0\x80",
        "²٣".encode(),
        b"," * 20,
    ]
    logs = 0
    for _ in range(FRAMES):
        data = bytearray(chance.choice(frames))
        for _ in range(chance.randrange(4)):
            position = chance.randrange(len(data) + 1)
            what = chance.randrange(4)
            if what == 0:
                del data[position : position + chance.randrange(1, 40)]
            elif what == 1:
                data[position:position] = chance.choice(parts)
            elif what == 2:
                data[position:position] = chance.choice(frames)
            elif data:
                data[position % len(data)] = chance.randrange(256)
        logs += check(bytes(data))
    # Enough frames must still hold logs for a meaningful test.
    assert logs > FRAMES / 4
