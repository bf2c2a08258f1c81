"""Test that odd logs affect no others, and are reported."""

import asyncio
from collections import Counter
import json
from typing import Final

import aiohttp
import pytest

from custom_components.golioth.client import LogSource, Transport, format_timestamp
from tests import GREENHOUSE_NODE, WATER_METER
from tests.simulator import GoliothSimulator

from .feeds import Recorder, running
from .test_delivery import (
    audited,
    now_ns,
    numbered,
    outage,
    restarted,
    resume_at,
    streaming,
)

SECOND: Final = 1_000_000_000
MEBIBYTE: Final = 1024 * 1024

# Values that a device can have in its metadata, and the service may show unchanged.
READABLE: Final = {
    "nan": b"NaN",
    "infinity": b"Infinity",
    "minus_infinity": b"-Infinity",
    "1e400": b"1e400",
    "long_integer": b"9" * 400,
    "surrogate": rb'"\ud800"',
    "invalid_utf8": b'"\xff\xfe"',
    "depth_300": b"[" * 300 + b"]" * 300,
}

# Values that cannot be parsed, or would block the event loop.
UNREADABLE: Final = {
    "depth_2000": b"[" * 2000 + b"]" * 2000,
    "cut_off": b'{"',
    "9_mebibytes": b'"' + b"x" * (9 * MEBIBYTE) + b'"',
}


def send_odd(
    simulator: GoliothSimulator,
    message: str,
    value: bytes,
    time_ns: int,
    *,
    streamed: bool = False,
) -> None:
    """Send a log with any value in its metadata.

    REST shows the value, and the stream, too, if wanted.
    """
    timestamp = format_timestamp(time_ns)
    log = {
        "timestamp": timestamp,
        "level": "INFO",
        "message": message,
        "deviceId": GREENHOUSE_NODE,
    }
    document = json.dumps(log).encode()[:-1] + b',"metadata":{"odd":' + value + b"}}"
    simulator.send(log, streamed=False, shown=document)
    if streamed:
        simulator.send_frame(b'{"result":{"data":' + document + b"}}")


def send_around(
    simulator: GoliothSimulator, first: int, number: int, odd: bytes
) -> None:
    """Send logs of the last minute, including an odd one.

    REST shows the one in the middle with an odd value.
    """
    start = now_ns(simulator) - 60 * SECOND
    for each in range(first, first + number):
        moment = start + (each - first) * 50 * SECOND // number
        if each == first + number // 2:
            send_odd(simulator, str(each), odd, moment)
        else:
            simulator.log(str(each), timestamp=format_timestamp(moment))


@pytest.mark.parametrize("value", READABLE.values(), ids=READABLE)
async def test_readable_log_in_a_gap(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    value: bytes,
) -> None:
    """A readable odd log is equal from stream and REST."""
    async with running(session, simulator, recorder, audit_interval=0.3) as (feed, _):
        await streaming(feed, recorder)
        send_odd(simulator, "0", value, now_ns(simulator), streamed=True)
        await recorder.until(lambda: recorder.messages == ["0"])
        async with outage(simulator):
            send_around(simulator, 1, 250, value)
        await recorder.until(lambda: len(recorder.logs) >= 251)
        await streaming(feed, recorder)
        await audited(simulator, recorder, 2)
        assert feed.unreadable == 0
    assert recorder.logs[0] == ("0", LogSource.STREAM)
    assert Counter(recorder.messages) == Counter(numbered(0, 251))


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE)
async def test_unreadable_log_in_a_gap(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    caplog: pytest.LogCaptureFixture,
    value: bytes,
) -> None:
    """An unreadable log is counted once and skipped.

    Also in later gaps and after a restart.
    """

    def others(end: int) -> list[str]:
        return [text for text in numbered(0, end) if text != "20"]

    async with running(session, simulator, recorder, audit_interval=0.3) as (
        feed,
        task,
    ):
        await streaming(feed, recorder)
        async with outage(simulator):
            send_around(simulator, 0, 40, value)
        await recorder.until(lambda: len(recorder.logs) >= 39)
        await streaming(feed, recorder)
        assert feed.unreadable == 1
        async with outage(simulator):
            for message in numbered(40, 60):
                simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) >= 59)
        await streaming(feed, recorder)
        await audited(simulator, recorder, 4)
        assert feed.unreadable == 1
        assert Counter(recorder.messages) == Counter(others(60))
        task.cancel()
        await asyncio.wait({task})
        resume_point = await restarted(feed)
    assert caplog.text.count("does not give all logs of one moment") == 1
    for message in numbered(60, 80):
        simulator.log(message)
    async with running(session, simulator, recorder, resume_point=resume_point) as (
        feed,
        _task,
    ):
        await recorder.until(lambda: len(recorder.logs) >= 79)
        await streaming(feed, recorder)
        await audited(simulator, recorder, 1)
        assert feed.unreadable <= 1
    assert Counter(recorder.messages) == Counter(others(80))
    assert not recorder.gaps


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE)
async def test_unreadable_log_while_polling(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    value: bytes,
) -> None:
    """An unreadable log does not stop polls.

    In the end, they are one request each again.
    """
    simulator.retire()
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        send_around(simulator, 0, 40, value)
        await recorder.until(lambda: len(recorder.logs) >= 39)
        simulator.log("40")
        await recorder.until(lambda: len(recorder.logs) >= 40)
        assert feed.unreadable == 1
        requests = len(simulator.requests)
        await audited(simulator, recorder, 20)
        assert feed.unreadable == 1
        assert len(simulator.requests) >= requests + 20
    assert Counter(recorder.messages) == Counter(
        text for text in numbered(0, 41) if text != "20"
    )


async def test_answer_that_is_too_long(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Fewer logs are requested where an answer is too long.

    100 logs of 86 KiB are too long.
    """
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        async with outage(simulator):
            start = now_ns(simulator) - 60 * SECOND
            for number in range(100):
                send_odd(
                    simulator,
                    str(number),
                    b'"' + b"x" * (86 * 1024) + b'"',
                    start + number * SECOND // 2,
                )
        requests = len(simulator.requests)
        await recorder.until(lambda: len(recorder.logs) >= 100)
        await streaming(feed, recorder)
        assert len(simulator.requests) - requests < 100
        assert feed.unreadable == 0
    assert recorder.messages == numbered(0, 100)


async def test_logs_with_many_values(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Logs with too many values together are read separately.

    Six logs of 60 KiB would block the event loop.
    """
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        async with outage(simulator):
            start = now_ns(simulator) - 60 * SECOND
            for number in range(6):
                send_odd(
                    simulator,
                    str(number),
                    b"[" + b"0," * (30 * 1024) + b"0]",
                    start + number * SECOND,
                )
        await recorder.until(lambda: len(recorder.logs) >= 6)
        assert feed.unreadable == 0
    assert recorder.messages == numbered(0, 6)


async def test_several_unreadable_logs_of_one_moment(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Readable logs of the same millisecond are delivered."""
    async with running(session, simulator, recorder, audit_interval=0.3) as (feed, _):
        await streaming(feed, recorder)
        async with outage(simulator):
            moment = now_ns(simulator) // 1_000_000 * 1_000_000 - 30 * SECOND
            for number in range(6):
                simulator.log(
                    str(number),
                    level=("DEBUG", "WARN", "ERROR")[number % 3],
                    timestamp=format_timestamp(moment + number),
                )
            send_odd(simulator, "6", UNREADABLE["depth_2000"], moment + 500_000)
            simulator.log("7")
        await recorder.until(lambda: len(recorder.logs) >= 7)
        await streaming(feed, recorder)
        await audited(simulator, recorder, 2)
        assert feed.unreadable == 1
    assert Counter(recorder.messages) == Counter([*numbered(0, 6), "7"])


@pytest.mark.parametrize("margin", [2.0, 30.0], ids=["settled", "not_settled"])
async def test_storm_of_unreadable_logs(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    margin: float,
) -> None:
    """A storm of unreadable logs only affects nearby ones.

    These are given up and reported; all others are delivered.
    """
    narrowing = "custom_components.golioth.client.narrowing"
    for name, value in ("BUDGET", 2.0), ("DOUBLING", 0.2), ("WORTH", 0.001):
        monkeypatch.setattr(f"{narrowing}._{name}", value)
    storm = range(20, 420)
    unreadable = {*storm[::4]}
    start = now_ns(simulator) - 60 * SECOND
    moments = {each: start + each * SECOND // 10 for each in range(440)}
    for each, moment in moments.items():
        if each in unreadable:
            send_odd(simulator, str(each), UNREADABLE["depth_2000"], moment)
        else:
            simulator.log(str(each), timestamp=format_timestamp(moment))
    async with running(
        session,
        simulator,
        recorder,
        resume_point=resume_at(start),
        request_interval=0.005,
        margin=margin,
    ) as (feed, _task):
        # Unsettled spans are reported once they are settled.
        await recorder.until(
            lambda: max(end for _, end in [(0, 0), *recorder.gaps]) >= moments[400]
        )
        simulator.log("440")
        await recorder.until(lambda: recorder.messages[-1] == "440")
        reported = {
            each
            for each, moment in moments.items()
            if any(first <= moment < end for first, end in recorder.gaps)
        }
        # Unreadable logs outside of gaps are counted.
        assert feed.unreadable >= len(unreadable - reported)
    delivered = Counter(map(int, recorder.messages))
    assert delivered.total() == len(delivered)
    assert {*range(441)} - delivered.keys() <= reported | unreadable
    # Only nearby logs are given up.
    assert reported <= {*range(storm[0] - 80, storm[-1] + 80)}


async def test_log_that_is_shown_late_beside_an_unreadable_one(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """A late log next to an unreadable one is delivered."""
    simulator.retire()
    async with running(session, simulator, recorder, margin=3.0) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        moment = now_ns(simulator)
        send_odd(simulator, "0", UNREADABLE["depth_2000"], moment)
        await simulator.wait_until(lambda: feed.unreadable == 1)
        await audited(simulator, recorder, 2)
        simulator.log("1", device=WATER_METER, timestamp=format_timestamp(moment))
        await recorder.until(lambda: recorder.messages == ["1"])
        await audited(simulator, recorder, 3)
        assert feed.unreadable == 1
    assert recorder.messages == ["1"]


async def test_first_start_with_an_unreadable_log(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """An unreadable log does not stop the first start."""
    send_odd(
        simulator, "before", UNREADABLE["depth_2000"], now_ns(simulator) - 30 * SECOND
    )
    simulator.retire()
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        for message in numbered(0, 20):
            simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) >= 20)
        await audited(simulator, recorder, 3)
    assert recorder.messages == numbered(0, 20)


async def test_logs_without_a_time(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """A log of REST without a time is counted once.

    It cannot be requested.
    """
    simulator.retire()
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        simulator.send(
            {"message": "untimed"},
            shown=b'{"message":"untimed","timestamp":"yesterday","level":"INFO"}',
        )
        simulator.log("0")
        await recorder.until(lambda: recorder.messages == ["0"])
        await audited(simulator, recorder, 3)
        assert feed.unreadable == 1
        simulator.log("1")
        await recorder.until(lambda: len(recorder.logs) == 2)
        await audited(simulator, recorder, 3)
        assert feed.unreadable == 1
    assert recorder.messages == ["0", "1"]


async def test_leap_second(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """A leap second is the same time over either way."""
    minute = now_ns(simulator) // (60 * SECOND) * 60 * SECOND
    leap = format_timestamp(minute - SECOND).replace(":59.", ":60.")
    log = {"message": "0", "level": "INFO", "deviceId": GREENHOUSE_NODE}
    async with running(session, simulator, recorder, audit_interval=0.3) as (feed, _):
        await streaming(feed, recorder)
        async with outage(simulator):
            simulator.send(
                log | {"timestamp": format_timestamp(minute)},
                shown=json.dumps(log | {"timestamp": leap}).encode(),
            )
        await recorder.until(lambda: recorder.messages == ["0"])
        await streaming(feed, recorder)
        await audited(simulator, recorder, 2)
        assert feed.unreadable == 0
    assert recorder.messages == ["0"]


@pytest.mark.parametrize(
    ("streamed", "shown"),
    [
        (b"1", b"1.0"),
        (b"1.0", b"1"),
        (b"1e2", b"100"),
        (b"-0.0", b"0"),
        (b"12345678901234567890", b"12345678901234567000"),
        (b'[1,{"a":2.0}]', b'[1.0,{"a":2}]'),
    ],
)
async def test_numbers_that_rest_writes_differently(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    streamed: bytes,
    shown: bytes,
) -> None:
    """Logs with differently written numbers are the same."""
    async with running(session, simulator, recorder, audit_interval=0.3) as (feed, _):
        await streaming(feed, recorder)
        log = {
            "timestamp": format_timestamp(now_ns(simulator)),
            "level": "INFO",
            "message": "0",
            "deviceId": GREENHOUSE_NODE,
        }
        start = json.dumps(log).encode()[:-1]
        simulator.send(
            log,
            streamed=False,
            shown=start + b',"metadata":{"value":' + shown + b"}}",
        )
        simulator.send_frame(
            b'{"result":{"data":'
            + start
            + b',"metadata":{"value":'
            + streamed
            + b"}}}}"
        )
        await recorder.until(lambda: recorder.messages == ["0"])
        await simulator.drop(None)
        await simulator.wait_for_streams(1)
        # Logs are only compared where the numbers differ.
        async with outage(simulator):
            simulator.log("1")
        await recorder.until(lambda: "1" in recorder.messages)
        await streaming(feed, recorder)
        await audited(simulator, recorder, 2)
        assert feed.found_by_audit == 0
    assert recorder.messages == ["0", "1"]
