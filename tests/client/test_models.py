"""Tests of what Golioth's JSON becomes."""

import json
from typing import Any

from hypothesis import given, strategies as st
import orjson
import pytest

from custom_components.golioth.client.models import (
    MAX_SHORT_LOG_SIZE,
    LogEntry,
    ShortLogEntry,
    StreamError,
    parse_device,
    parse_frame,
    parse_log,
    parse_number,
    parse_plain_frame,
    parse_project,
    parse_timestamp,
)
from tests import PUBLISHED_FRAMES

LOG = {
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


def test_published_frames() -> None:
    """Every field of the published examples arrives as it was published, and times to the nanosecond."""
    frames = PUBLISHED_FRAMES.read_bytes().splitlines()
    assert len(frames) == 6
    for data in frames:
        published = orjson.loads(data)["result"]["data"]
        entry = only_log(data)
        assert entry.timestamp == published["timestamp"]
        assert entry.timestamp_ns is not None
        assert f"{entry.timestamp_ns % 1_000_000_000:09}Z" == entry.timestamp[20:]
        assert entry.timestamp_ns // 1_000_000_000 == 1638386047
        assert entry.type == "LOGGING"
        assert entry.level == published["level"].lower()
        assert entry.module == published["module"]
        assert entry.module_id == ""
        assert entry.message == published["message"]
        assert entry.metadata == published["metadata"]
        assert entry.device_id == published["deviceId"]


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.1Z", 100_000_000),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01T00:00:00.123456789Z", 123_456_789),
        ("1970-01-01T00:00:00.1234567891Z", 123_456_789),
        ("1970-01-01T00:00:00.123456²Z", 123_456_000),
        ("1970-01-01t00:00:01z", 1_000_000_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T01:00:00.5+01:00", 500_000_000),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("2262-04-11T23:47:16.854775807Z", 2**63 - 1),
    ],
)
def test_timestamp(text: str, nanoseconds: int) -> None:
    """A timestamp keeps its nanoseconds."""
    assert parse_timestamp(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2021-12-01",
        "2021-13-01T00:00:00Z",
        "1638386047",
        "T",
        "2262-04-11T23:47:16.854775808Z",
        "0001-01-01T00:00:00Z",
    ],
)
def test_no_timestamp(text: str) -> None:
    """What is no time is kept as text, and is not taken for one."""
    assert parse_timestamp(text) is None
    entry = only_log(frame({**LOG, "timestamp": text}))
    assert entry.timestamp == text
    assert entry.timestamp_ns is None


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("DEBUG", "debug"),
        ("INFO", "info"),
        ("WARN", "warn"),
        ("ERROR", "error"),
        ("error", "error"),
        ("Warn", "warn"),
        (1, "debug"),
        (2, "info"),
        (3, "warn"),
        (4, "error"),
        ("2", "info"),
        (0, "NONE"),
        ("NONE", "NONE"),
        (None, "NONE"),
        ("TRACE", "TRACE"),
        (7, "7"),
        ([], "[]"),
    ],
)
def test_level(level: Any, expected: str) -> None:
    """Levels are names; a number is read by the published enumeration, and what is unknown is kept."""
    assert only_log(frame({**LOG, "level": level})).level == expected


def test_older_name_of_the_device_id() -> None:
    """Older logs and Golioth's own client have `device_id`."""
    log = {key: value for key, value in LOG.items() if key != "deviceId"}
    assert only_log(frame({**log, "device_id": "abc"})).device_id == "abc"


@pytest.mark.parametrize("field", LOG)
def test_missing_field(field: str) -> None:
    """A field at its default may be absent."""
    entry = only_log(frame({key: LOG[key] for key in LOG if key != field}))
    expected = only_log(frame(LOG))._asdict()
    name = {"deviceId": "device_id"}.get(field, field)
    expected[name] = "NONE" if field == "level" else ""
    if field == "timestamp":
        expected["timestamp_ns"] = None
    assert entry._asdict() == expected


def test_fields_of_other_types() -> None:
    """A field of an unpublished type becomes text, and the log is not lost."""
    entry = only_log(
        frame({"message": {"a": 1}, "module": 5, "type": None, "metadata": [1, 2]})
    )
    assert entry.message == '{"a":1}'
    assert entry.module == "5"
    assert entry.type == "LOGGING"
    assert entry.metadata == {"value": [1, 2]}


@pytest.mark.parametrize("separator", [b"\n", b"", b" ", b"\r\n", b"\n\n\n"])
def test_several_documents_in_a_frame(separator: bytes) -> None:
    """Documents are taken one by one, whatever stands between them."""
    data = separator.join(frame({**LOG, "message": str(n)}) for n in range(3))
    messages = [
        entry.message
        for entry in parse_frame(data + b"\n")
        if isinstance(entry, LogEntry)
    ]
    assert messages == ["0", "1", "2"]


def test_log_among_garbage() -> None:
    """A line that is no log costs only itself."""
    documents = list(parse_frame(b"garbage\n" + frame(LOG) + b"\n{\n" + frame(LOG)))
    assert [isinstance(each, LogEntry) for each in documents] == [
        False,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"null",
        b"1",
        b'"text"',
        b"[]",
        b"{}",
        b"Not Found",
        b"\xff\xfe\x00",
        b'{"result":null}',
        b'{"result":[]}',
        b'{"result":{}}',
        b'{"result":{"data":null}}',
        b'{"result":{"data":[]}}',
        b'{"result":{"data":{}}}',
        b'{"result":{"data":{"other":1}}}',
        b'{"error":"text"}',
        b"[" * 100_000,
        b'{"result":{"data":{"message":' + b"1" * 5000 + b"}}}",
        b"[" + b"0," * 200_000 + b"0]",
    ],
    ids=lambda data: repr(data[:40]),
)
def test_no_log(data: bytes) -> None:
    """What is no log counts as one thing ignored."""
    assert list(parse_frame(data)) == [None]


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n \n"])
def test_nothing_in_a_frame(data: bytes) -> None:
    """A frame of nothing but white space holds nothing."""
    assert list(parse_frame(data)) == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            b'{"error":{"grpcCode":16,"httpCode":401,"message":"m","httpStatus":"Unauthorized","details":[]}}',
            StreamError(16),
        ),
        (b'{"error":{"code":7,"message":"m","details":[]}}', StreamError(7)),
        (b'{"error":{"code":"14"}}', StreamError(14)),
        (b'{"error":{}}', StreamError(None)),
    ],
)
def test_error_in_a_frame(data: bytes, expected: StreamError) -> None:
    """An error of the service is told from a log, in the form of either gateway."""
    assert list(parse_frame(data)) == [expected]


@pytest.mark.parametrize(
    ("json", "expected"),
    [
        ('"\\ud800 and on"', "\ufffd and on"),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\u0000"', "\0"),
        ("NaN", None),
        ("123456789012345678901234567890", 1.2345678901234568e29),
        ("-9223372036854775809", -9.223372036854776e18),
    ],
)
def test_values_that_home_assistant_could_not_write(json: str, expected: Any) -> None:
    """A value that JSON allows, but UTF-8 or 64 bits cannot hold, becomes the nearest that they can."""
    data = f'{{"result":{{"data":{{"message":"m","metadata":{{"a":{json}}}}}}}}}'
    entry = only_log(data.encode())
    assert entry.metadata == {"a": expected}
    orjson.dumps(entry.metadata)


@pytest.mark.parametrize("depth", [10, 230, 250, 500, 1000])
def test_depth_that_home_assistant_could_not_write(depth: int) -> None:
    """Metadata nested too deeply are kept as text; all others are kept as they are."""
    nested = "[" * depth + "]" * depth
    data = f'{{"result":{{"data":{{"message":"m","metadata":{{"a":{nested}}}}}}}}}'
    entry = only_log(data.encode())
    assert entry.message == "m"
    if depth <= 230:
        assert orjson.dumps(entry.metadata).decode() == f'{{"a":{nested}}}'
    else:
        assert entry.metadata == {"json": data}
    orjson.dumps({"event": {"data": {"metadata": entry.metadata}}})


def test_text_that_is_not_utf_8() -> None:
    """Bytes that are no text cost only themselves."""
    data = b'{"result":{"data":{"message":"caf\xe9"}}}'
    assert only_log(data).message == "caf\ufffd"


def test_names_are_cut() -> None:
    """No field but the message and the metadata can be long."""
    entry = only_log(
        frame(
            dict.fromkeys(
                ("module", "moduleId", "type", "level", "deviceId"), "x" * 9999
            )
        )
    )
    assert {len(entry.module), len(entry.module_id), len(entry.type)} == {255}
    assert {len(entry.level), len(entry.device_id)} == {255}


def test_bounded_keeps_what_fits() -> None:
    """A log below the limit is kept as it is."""
    entry = only_log(frame({**LOG, "metadata": {"a": 1}}))
    assert entry.bounded(1000) == (entry, False)


@pytest.mark.parametrize("character", ["x", "é", "😀", "\0", '"'])
@pytest.mark.parametrize("limit", [100, 4096, 20480])
def test_bounded_cuts(character: str, limit: int) -> None:
    """Message and metadata share the limit, in bytes of JSON, and the message loses no more than it must."""
    metadata = {f"key {n}": character * 100 for n in range(500)}
    entry = only_log(frame({"message": character * 50_000, "metadata": metadata}))
    bounded, truncated = entry.bounded(limit)
    assert truncated
    size = len(orjson.dumps(bounded.message)) + len(orjson.dumps(bounded.metadata))
    assert limit * 0.4 < size <= limit
    assert bounded.message.endswith("…")
    assert bounded.metadata.items() <= metadata.items()


@pytest.mark.parametrize("value", ["1e15", '"\\u0000"', '"\\/"', '"é"', "0", "1E15"])
def test_short_log(value: str) -> None:
    """A log that came in a short frame is short as JSON as well, however its values are written."""
    template = '{"result":{"data":{"timestamp":"2026-11-25T12:00:00.000000001Z","type":"LOGGING","level":"INFO",'
    template += (
        '"module":"","moduleId":"","message":"","metadata":{"":[%s]},"deviceId":""}}}'
    )
    values = [value]
    while parse_plain_frame((template % ",".join([*values, value])).encode()):
        values.append(value)
    entry = parse_plain_frame((template % ",".join(values)).encode())
    assert isinstance(entry, ShortLogEntry)
    assert len(values) > 20
    assert len(orjson.dumps(tuple(entry))) <= MAX_SHORT_LOG_SIZE


def test_bounded_leaves_a_short_message_whole() -> None:
    """Large metadata do not cut a message that fits."""
    entry = only_log(frame({"message": "short", "metadata": {"a": 1, "b": "x" * 9999}}))
    bounded, truncated = entry.bounded(1000)
    assert truncated
    assert bounded.message == "short"
    assert bounded.metadata == {"a": 1}


def test_log_of_rest_is_that_of_the_stream() -> None:
    """The same object means the same log, wherever it came from."""
    assert parse_log(LOG) == only_log(frame(LOG))


@pytest.mark.parametrize("document", [None, 1, "text", [], {}, {"name": "x"}])
def test_no_device_and_no_project(document: Any) -> None:
    """What has no ID is neither a device nor a project."""
    assert parse_device(document) is None
    assert parse_project(document) is None


def test_device_and_project_without_a_name() -> None:
    """A device or a project without a name is called by its ID."""
    assert parse_device({"id": "abc"}) == ("abc", "abc", ())
    assert parse_project({"id": "abc", "name": ""}) == ("abc", "abc")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, 5), ("5", 5), (None, None), ("x", None), ([], None), (float("inf"), None)],
)
def test_number(value: Any, expected: int | None) -> None:
    """A count is taken as a number or as text."""
    assert parse_number(value) == expected


FIELDS = (
    "timestamp",
    "type",
    "level",
    "module",
    "moduleId",
    "message",
    "metadata",
    "deviceId",
)
_VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=300)


@given(
    values=st.tuples(
        st.sampled_from(["2026-11-25T20:00:00.123456789Z", "", "never"]) | _VALUES,
        st.sampled_from(["LOGGING", ""]) | _VALUES,
        st.sampled_from(["DEBUG", "error", "NONE", "verbose", 3]) | _VALUES,
        _VALUES,
        _VALUES,
        _VALUES,
        st.dictionaries(st.text(max_size=5), _VALUES, max_size=3) | _VALUES,
        st.sampled_from(["61a4cfc9b2b45578105aeca3", ""]) | _VALUES,
    )
)
def test_order_of_fields(values: tuple[Any, ...]) -> None:
    """A log with its fields in the published order, which is parsed faster, is the same as in any other order."""
    document = dict(zip(FIELDS, values, strict=True))
    source = json.dumps(document)
    reordered = dict(reversed(document.items()))
    assert parse_log(document, source) == parse_log(reordered, source)
