"""Generated frames: whatever arrives, nothing but logs comes out, and Home Assistant can write them."""

import json
import random
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st
import orjson
import pytest

from custom_components.golioth.client.delivered import identify
from custom_components.golioth.client.models import (
    LogEntry,
    StreamError,
    parse_frame,
    parse_timestamp,
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


def check(data: bytes) -> int:
    """Parse a frame, and return how many logs it held."""
    number = 0
    for entry in parse_frame(data):
        if not isinstance(entry, LogEntry):
            assert entry is None or isinstance(entry, StreamError)
            continue
        number += 1
        identify(entry)
        # As deep as Home Assistant puts it.
        json_bytes([{"event": {"data": {"log": entry._asdict()}}}])
        bounded, _truncated = entry.bounded(4096)
        size = len(orjson.dumps(bounded.message)) + len(orjson.dumps(bounded.metadata))
        assert size <= 4096
        assert max(map(len, (entry.level, entry.module, entry.type))) <= 255
    return number


def encoded(document: Any) -> bytes:
    """Return JSON as only the standard library writes it: surrogates, huge numbers and NaN included."""
    return json.dumps(document).encode()


@given(log=LOGS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_log(log: dict[str, Any]) -> None:
    """A log with any field at all comes out as one log, if it has one of a log's fields."""
    is_log = any(
        log.get(field) is not None for field in ("timestamp", "level", "message")
    ) or bool(log.get("deviceId") or log.get("device_id"))
    number = check(encoded({"result": {"data": log}}))
    assert number <= 1
    # What is no JSON number counts as nothing.
    if is_log and "inf" not in repr(log) and "nan" not in repr(log):
        assert number == 1


@given(document=VALUES)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_document(document: Any) -> None:
    """Any JSON at all is taken without an exception."""
    check(encoded(document))
    check(encoded({"result": document}))
    check(encoded({"error": document}))


@given(data=st.binary())
def test_any_bytes(data: bytes) -> None:
    """Any bytes at all are taken without an exception."""
    check(data)


@given(text=st.text(max_size=40))
def test_any_timestamp(text: str) -> None:
    """Any text at all is a time or none."""
    parse_timestamp(text)
    parse_timestamp(f"2021-12-01T19:14:07.{text}")
    parse_timestamp(f"2021-12-01T19:14:07.1234567{text}Z")


@pytest.mark.fuzz
@pytest.mark.timeout(600)
def test_mutated_frames() -> None:
    """Published frames with anything done to them: no exception, and logs that can be written."""
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
    # Enough of them were still logs for this to mean something.
    assert logs > FRAMES / 4
