"""Test that every log is delivered exactly once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
import json
from typing import Any

import aiohttp
import pytest

from custom_components.golioth.client import (
    LogFeed,
    LogSource,
    ResumePoint,
    Transport,
    format_timestamp,
)
from tests import GREENHOUSE_NODE, WATER_METER
from tests.simulator import GoliothSimulator

from .feeds import Recorder, running

MINUTE = 60 * 1_000_000_000


def numbered(start: int, end: int) -> list[str]:
    """Return the messages of a range of numbered logs."""
    return [str(number) for number in range(start, end)]


def now_ns(simulator: GoliothSimulator) -> int:
    """Return the service's time in nanoseconds."""
    return simulator._clock()


async def streaming(feed: LogFeed, recorder: Recorder) -> None:
    """Wait until the feed streams and its gap is filled."""
    await recorder.until(
        lambda: feed.transport is Transport.STREAMING and not feed.has_gap
    )


@asynccontextmanager
async def outage(simulator: GoliothSimulator) -> AsyncIterator[None]:
    """Make WebSocket and REST unreachable during the block."""
    simulator.faults.handshake_status = 503
    simulator.faults.rest_status = 503
    await simulator.drop(None)
    yield
    simulator.faults.clear()


async def delivered_once(recorder: Recorder, expected: list[str]) -> None:
    """Wait for logs, each delivered once, in order per source."""
    await recorder.until(lambda: len(recorder.logs) >= len(expected))
    assert Counter(recorder.messages) == Counter(expected)
    for source in LogSource:
        numbers = [int(text) for text, by in recorder.logs if by is source]
        assert numbers == sorted(numbers)


@asynccontextmanager
async def traffic(
    simulator: GoliothSimulator, first: int, rate: int = 500
) -> AsyncIterator[Callable[[], int]]:
    """Send numbered logs during the block.

    Yields a function that returns the next number.
    """
    number = first

    async def send() -> None:
        nonlocal number
        while True:
            for _ in range(rate // 100):
                simulator.log(str(number))
                number += 1
            await asyncio.sleep(0.01)

    task = asyncio.create_task(send())
    try:
        yield lambda: number
    finally:
        task.cancel()
        await asyncio.wait({task})


async def quiet_polls(simulator: GoliothSimulator) -> None:
    """Wait for polls of a single request each."""

    def are_single() -> bool:
        ends = [
            each.query["end"]
            for each in simulator.requests[-4:]
            if each.path.endswith("/logs")
        ]
        # A poll with several requests moves backward in time.
        return len(ends) == 4 and ends == sorted(ends)

    await simulator.wait_until(are_single)


async def audited(simulator: GoliothSimulator, recorder: Recorder, audits: int) -> None:
    """Wait for audits, which would have shown a repetition."""
    requests = len(simulator.requests)
    await simulator.wait_until(lambda: len(simulator.requests) >= requests + audits)


async def test_outage_is_caught_up(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Logs of an outage are delivered after it."""
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        simulator.log("0")
        await recorder.until(lambda: recorder.messages == ["0"])
        async with outage(simulator):
            for message in numbered(1, 50):
                simulator.log(message)
            await recorder.until(lambda: not feed.connected)
        await delivered_once(recorder, numbered(0, 50))
        await streaming(feed, recorder)
        simulator.log("50")
        await delivered_once(recorder, numbered(0, 51))
        assert recorder.logs[-1] == ("50", LogSource.STREAM)


async def test_gap_of_more_logs_than_an_answer_holds(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """A gap is read in slices, however logs are spread."""
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        async with outage(simulator):
            start = now_ns(simulator) - 2 * MINUTE
            for number in range(3000):
                # Dense at first, then sparse.
                offset = number * 1_000_000 if number < 2500 else number * 20_000_000
                simulator.log(str(number), timestamp=format_timestamp(start + offset))
        await delivered_once(recorder, numbered(0, 3000))


@pytest.mark.parametrize("cap", [1, 7, 50])
async def test_gap_with_a_lower_cap(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    cap: int,
) -> None:
    """Answers may hold fewer logs than published."""
    simulator.log_cap = cap
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        async with outage(simulator):
            for number in range(60):
                simulator.log(
                    str(number), timestamp=format_timestamp(now_ns(simulator))
                )
        await delivered_once(recorder, numbered(0, 60))


@pytest.mark.parametrize("spread", [0, 1, 1000], ids=["one", "each", "micro"])
async def test_hundreds_of_logs_in_one_millisecond(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    spread: int,
) -> None:
    """Logs of one time are divided by device and level."""
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        async with outage(simulator):
            moment = now_ns(simulator) // 1_000_000 * 1_000_000
            for number in range(600):
                simulator.log(
                    str(number),
                    device=(GREENHOUSE_NODE, WATER_METER)[number % 2],
                    level=("DEBUG", "INFO", "WARN", "ERROR")[number // 2 % 4],
                    timestamp=format_timestamp(moment + number * spread),
                )
        await recorder.until(lambda: len(recorder.logs) >= 600)
        assert Counter(recorder.messages) == Counter(numbered(0, 600))
        assert feed.unreadable == 0


async def test_service_that_changes_how_it_counts_bounds(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Bounds are found out again after they changed."""
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        for inclusive in (True, False):
            simulator.end_inclusive = inclusive
            async with outage(simulator):
                first = len(recorder.logs)
                moment = format_timestamp(now_ns(simulator) - MINUTE)
                for number in range(first, first + 150):
                    simulator.log(
                        str(number),
                        device=(GREENHOUSE_NODE, WATER_METER)[number % 2],
                        timestamp=moment,
                    )
            await recorder.until(lambda: len(recorder.logs) >= first + 150)  # noqa: B023
            await streaming(feed, recorder)
        assert Counter(recorder.messages) == Counter(numbered(0, 300))
        assert feed.unreadable == 0


async def test_logs_that_no_request_returns(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Logs that no request returns are counted and logged.

    No other log is skipped for them.
    """
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        async with outage(simulator):
            moment = format_timestamp(now_ns(simulator) - MINUTE)
            for number in range(150):
                simulator.log(str(number), device=GREENHOUSE_NODE, timestamp=moment)
            simulator.log("150")
        await recorder.until(lambda: "150" in recorder.messages)
        assert len(set(recorder.messages)) == len(recorder.messages) == 101
        assert feed.unreadable == 50
        # They count as known then: a poll without new logs is one request.
        simulator.retire()
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        await quiet_polls(simulator)
        assert feed.unreadable == 50
    assert caplog.text.count("does not give all logs of one moment") == 1
    assert (
        "Golioth does not give all logs of one moment: 50 cannot be had" in caplog.text
    )


@pytest.mark.parametrize("start_inclusive", [True, False])
@pytest.mark.parametrize("end_inclusive", [True, False])
async def test_bounds_of_a_window(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    start_inclusive: bool,
    end_inclusive: bool,
) -> None:
    """The service may count in a window's bounds or not."""
    simulator.start_inclusive = start_inclusive
    simulator.end_inclusive = end_inclusive
    simulator.log_cap = 5
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        async with outage(simulator):
            # Exactly on the seconds and milliseconds where slices begin.
            second = now_ns(simulator) // 1_000_000_000 * 1_000_000_000 - MINUTE
            for number in range(90):
                step = 1_000_000_000 if number < 30 else 1_000_000
                simulator.log(
                    str(number),
                    timestamp=format_timestamp(
                        second + min(number, 30) * 1_000_000_000
                        if number < 30
                        else second + 30_000_000_000 + (number - 30) * step
                    ),
                )
        await delivered_once(recorder, numbered(0, 90))


@pytest.mark.parametrize("digits", [3, 6, 9])
async def test_timestamps_that_rest_cuts(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    digits: int,
) -> None:
    """A streamed log is recognized although REST cuts its time."""
    simulator.timestamp_digits = digits
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        for message in numbered(0, 40):
            simulator.log(message, device=GREENHOUSE_NODE)
        await recorder.until(lambda: len(recorder.logs) == 40)
        async with outage(simulator):
            # More logs of one millisecond than an answer holds.
            moment = now_ns(simulator) // 1_000_000 * 1_000_000
            for number in range(40, 640):
                simulator.log(
                    str(number),
                    device=GREENHOUSE_NODE,
                    timestamp=format_timestamp(moment + number * 1_559),
                )
        await delivered_once(recorder, numbered(0, 640))
        await streaming(feed, recorder)
        await audited(simulator, recorder, 1)
        await delivered_once(recorder, numbered(0, 640))


async def test_equal_logs(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Equal logs are separate in stream and gap."""
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        streamed = format_timestamp(now_ns(simulator))
        for _ in range(2):
            simulator.log("0", timestamp=streamed)
        await recorder.until(lambda: len(recorder.logs) == 2)
        async with outage(simulator):
            missed = format_timestamp(now_ns(simulator))
            for _ in range(3):
                simulator.log("1", timestamp=missed)
        await delivered_once(recorder, ["0"] * 2 + ["1"] * 3)
        await streaming(feed, recorder)
        await audited(simulator, recorder, 1)
        await delivered_once(recorder, ["0"] * 2 + ["1"] * 3)


async def test_log_that_rest_shows_late(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """The audit finds a log that REST indexes late."""
    async with running(session, simulator, recorder, audit_interval=0.3) as (feed, _):
        await streaming(feed, recorder)
        async with outage(simulator):
            simulator.send({"message": "0"}, indexed_after=1.5)
            simulator.log("1")
        await recorder.until(lambda: len(recorder.logs) == 2)
        assert Counter(recorder.messages) == Counter(["0", "1"])
        assert feed.found_by_audit == 1
        # The log is no evidence against the stream.
        reported = len(recorder.completeness)
        await audited(simulator, recorder, 2)
        assert None not in recorder.completeness[reported:]
        assert len([each for each in simulator.handshakes if each.status == 101]) == 2


async def test_log_that_rest_shows_late_while_polling(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """A poll finds logs that REST indexes late."""
    simulator.retire()
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        simulator.send({"message": "0"}, indexed_after=1)
        simulator.send({"message": "1"})
        await recorder.until(lambda: len(recorder.logs) == 2)
        await audited(simulator, recorder, 3)
        assert recorder.messages == ["1", "0"]


async def test_late_logs_with_older_timestamps(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """A device's clock may be five minutes off either way.

    In the stream, in a gap and while polling.
    """
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)

        def send(first: int) -> None:
            for number, minutes in enumerate((-4.9, 0, 4.9)):
                moment = now_ns(simulator) + int(minutes * MINUTE)
                simulator.log(str(first + number), timestamp=format_timestamp(moment))

        send(0)
        await recorder.until(lambda: len(recorder.logs) == 3)
        async with outage(simulator):
            send(3)
        await recorder.until(lambda: len(recorder.logs) == 6)
        await streaming(feed, recorder)
        simulator.retire()
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        send(6)
        await recorder.until(lambda: len(recorder.logs) == 9)
        await audited(simulator, recorder, 3)
        assert Counter(recorder.messages) == Counter(numbered(0, 9))


async def test_stream_that_answers_pings_and_sends_nothing(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """An audit finds a dead stream behind a proxy."""
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        simulator.mute()
        # Later than the whole second of the service's clock in which the stream opened.
        moment = format_timestamp(now_ns(simulator) + 2_000_000_000)
        for message in numbered(0, 10):
            simulator.log(message, timestamp=moment)
        await delivered_once(recorder, numbered(0, 10))
        assert feed.found_by_audit == 10
        await simulator.wait_until(lambda: len(simulator.handshakes) == 2)
        await streaming(feed, recorder)
        simulator.log("10")
        await delivered_once(recorder, numbered(0, 11))
        assert recorder.logs[-1] == ("10", LogSource.STREAM)


async def test_audit_of_a_stream_that_is_well(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """An audit of a good stream is one request."""
    async with running(
        session, simulator, recorder, audit_interval=0.1, audit_delay=0.1
    ) as (feed, _task):
        await streaming(feed, recorder)
        for message in numbered(0, 500):
            simulator.log(message)
        await delivered_once(recorder, numbered(0, 500))
        # By then, all logs are old enough to be audited.
        await audited(simulator, recorder, 4)
        requests = len(simulator.requests)
        await audited(simulator, recorder, 4)
        await delivered_once(recorder, numbered(0, 500))
        assert feed.found_by_audit == 0
        assert len(simulator.handshakes) == 1
        ends = {each.query["end"] for each in simulator.requests[requests:]}
        assert len(ends) <= len(simulator.requests[requests:])


async def test_poll_of_a_quiet_project_is_one_request(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Known logs are only counted, not read again."""
    simulator.retire()
    async with running(session, simulator, recorder, poll_interval=0.3) as (feed, _):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        for message in numbered(0, 250):
            simulator.log(message)
        await delivered_once(recorder, numbered(0, 250))
        await quiet_polls(simulator)


async def test_moment_of_a_large_fleet(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """A crowded moment costs few requests, not one per device."""
    devices = [simulator.add_device(f"device-{number}") for number in range(500)]
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        async with outage(simulator):
            moment = format_timestamp(now_ns(simulator) - MINUTE)
            for number in range(150):
                simulator.log(
                    str(number),
                    device=devices[number],
                    level=("INFO", "WARN")[number % 2],
                    timestamp=moment,
                )
            requests = len(simulator.requests)
        await recorder.until(lambda: len(recorder.logs) >= 150)
        assert Counter(recorder.messages) == Counter(numbered(0, 150))
        asked = [each for each in simulator.requests[requests:] if each.status == 200]
        assert len(asked) < 80
        assert not any("deviceId" in each.query for each in asked)


async def test_order_while_a_busy_project_is_polled(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Polled logs come in order, even those sent meanwhile.

    Logs of devices whose clocks are ahead come at once.
    """
    simulator.retire()
    async with running(session, simulator, recorder, request_interval=0.02) as (
        feed,
        _,
    ):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        ahead = now_ns(simulator) + 2 * MINUTE
        for number in range(300):
            moment = format_timestamp(ahead + number * 10_000_000)
            simulator.log(f"ahead {number}", timestamp=moment)
        async with traffic(simulator, 0) as next_number:
            await recorder.until(lambda: "1500" in recorder.messages)
        sent = next_number()
        await recorder.until(lambda: len(recorder.logs) >= 300 + sent)
    in_time = [text for text in recorder.messages if text.isdecimal()]
    assert in_time == numbered(0, sent)
    assert len(set(recorder.messages)) == len(recorder.messages) == 300 + sent
    assert recorder.messages.index("ahead 299") < recorder.messages.index("1500")


async def test_crowd_after_a_long_silence(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Logs after a long silence take few requests."""
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        async with outage(simulator):
            moment = now_ns(simulator)
            for number in range(1000):
                simulator.log(
                    str(number), timestamp=format_timestamp(moment + number * 1_000_000)
                )
            requests = len(simulator.requests)
        await delivered_once(recorder, numbered(0, 1000))
        asked = [each for each in simulator.requests[requests:] if each.status == 200]
        # A dozen requests are for the logs themselves.
        assert len(asked) < 60


@pytest.mark.parametrize("digits", [3, 9])
async def test_order_of_a_moment(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    digits: int,
) -> None:
    """A device's logs of one moment keep their order."""
    simulator.timestamp_digits = digits
    devices = [simulator.add_device(f"device-{number}") for number in range(20)]
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        async with outage(simulator):
            moment = format_timestamp(now_ns(simulator) - MINUTE)
            for number in range(360):
                simulator.log(
                    str(number),
                    device=devices[number % 20],
                    level=("DEBUG", "INFO", "WARN", "ERROR")[number // 20 % 4],
                    timestamp=moment,
                )
        await recorder.until(lambda: len(recorder.logs) >= 360)
        numbers = [int(text) for text in recorder.messages]
        for index in range(20):
            of_device = [each for each in numbers if each % 20 == index]
            assert of_device == list(range(index, 360, 20))


async def test_crowd_on_the_end_of_a_slice(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Logs on a slice's end do not hide earlier ones."""
    simulator.end_inclusive = True
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        async with outage(simulator):
            second = now_ns(simulator) // 1_000_000_000 * 1_000_000_000 - MINUTE
            for number in range(5):
                moment = format_timestamp(second - 5 + number)
                simulator.log(str(number), device=GREENHOUSE_NODE, timestamp=moment)
            for number in range(5, 125):
                simulator.log(
                    str(number),
                    device=GREENHOUSE_NODE if number < 105 else WATER_METER,
                    timestamp=format_timestamp(second),
                )
        await recorder.until(lambda: len(recorder.logs) >= 125)
        assert Counter(recorder.messages) == Counter(numbered(0, 125))
        assert feed.unreadable == 0


@pytest.mark.parametrize("age", [0.5, 20, 140], ids=["last", "middle", "first"])
@pytest.mark.parametrize("known", [90, 300, 3000])
async def test_one_log_among_many_that_are_known(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    known: int,
    age: float,
) -> None:
    """One new log is found without reading all known ones."""
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        now = now_ns(simulator)
        for number in range(known):
            moment = now - 150_000_000_000 * (known - number) // known
            simulator.log(str(number), timestamp=format_timestamp(moment))
        await recorder.until(lambda: len(recorder.logs) == known)
        requests = len(simulator.requests)
        async with outage(simulator):
            moment = now - int(age * 1_000_000_000)
            simulator.log(str(known), timestamp=format_timestamp(moment))
        await recorder.until(lambda: len(recorder.logs) == known + 1)
        asked = [each for each in simulator.requests[requests:] if each.status == 200]
        assert len(asked) <= (3 if age < 1 else 24)
        await streaming(feed, recorder)
        assert Counter(recorder.messages) == Counter(numbered(0, known + 1))


async def restarted(feed: LogFeed) -> ResumePoint:
    """Return the feed's resume point, as restored from storage."""
    assert feed.resume_point is not None
    stored = json.dumps(feed.resume_point.as_dict())
    assert len(stored) <= 256 * 1024
    resume_point = ResumePoint.from_dict(json.loads(stored))
    assert resume_point is not None
    return resume_point


async def test_restart(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """A restart loses and repeats no log."""
    async with running(session, simulator, recorder) as (feed, task):
        await streaming(feed, recorder)
        for message in numbered(0, 300):
            simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) == 300)
        task.cancel()
        await asyncio.wait({task})
        resume_point = await restarted(feed)
    for message in numbered(300, 700):
        simulator.log(message)
    async with running(session, simulator, recorder, resume_point=resume_point) as (
        feed,
        _task,
    ):
        await streaming(feed, recorder)
        simulator.log("700")
        await recorder.until(lambda: len(recorder.logs) >= 701)
        await audited(simulator, recorder, 1)
        await delivered_once(recorder, numbered(0, 701))
    assert not recorder.history
    assert not recorder.gaps


async def test_restart_while_the_stream_is_retired(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """A restart over REST alone loses and repeats no log."""
    simulator.retire()
    async with running(session, simulator, recorder) as (feed, task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        for message in numbered(0, 150):
            simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) == 150)
        task.cancel()
        await asyncio.wait({task})
        resume_point = await restarted(feed)
    for message in numbered(150, 300):
        simulator.log(message)
    async with running(session, simulator, recorder, resume_point=resume_point):
        await delivered_once(recorder, numbered(0, 300))
        await audited(simulator, recorder, 3)
        await delivered_once(recorder, numbered(0, 300))


async def test_restart_in_the_middle_of_a_gap(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A restart goes on in a partly read gap."""
    # Otherwise, all of the gap is read before any of it is delivered.
    monkeypatch.setattr(
        "custom_components.golioth.client.slices._MAX_PRESENT_LOGS", 200
    )
    async with running(session, simulator, recorder) as (feed, task):
        await streaming(feed, recorder)
        async with outage(simulator):
            for message in numbered(0, 2000):
                simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) > 300)
        task.cancel()
        await asyncio.wait({task})
        resume_point = await restarted(feed)
    assert len(recorder.logs) < 2000
    async with running(session, simulator, recorder, resume_point=resume_point):
        await delivered_once(recorder, numbered(0, 2000))


def resume_at(time_ns: int, ranges: Sequence[tuple[int, int]] = ()) -> ResumePoint:
    """Return a resume point without logs.

    Args:
        time_ns: Its time.
        ranges: Ranges of seconds that a stream delivered.
    """
    floor = time_ns // 1_000_000_000
    return ResumePoint(
        time_ns, lambda: {"floor": floor, "holes": ranges, "seconds": {}}
    )


async def test_gap_beyond_the_catch_up_window(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """The part of a gap before the window is reported."""
    now = now_ns(simulator)
    for number, minutes in enumerate((110, 62, 50, 10)):
        moment = format_timestamp(now - minutes * MINUTE)
        simulator.log(str(number), timestamp=moment)
    resume_point = resume_at(now - 120 * MINUTE)
    async with running(session, simulator, recorder, resume_point=resume_point):
        await delivered_once(recorder, ["2", "3"])
        ((start, end),) = recorder.gaps
        assert start == now - 120 * MINUTE
        assert abs(end - (now - 60 * MINUTE)) < 5_000_000_000


async def test_what_was_streamed_beyond_the_catch_up_window(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Only undelivered logs are reported as missing.

    None are from the time in which a stream delivered everything.
    """
    now = now_ns(simulator)
    first, last = ((now - minutes * MINUTE) // 1_000_000_000 for minutes in (115, 70))
    for number, minutes in enumerate((118, 100, 10)):
        moment = format_timestamp(now - minutes * MINUTE)
        simulator.log(str(number), timestamp=moment)
    resume_point = resume_at(now - 120 * MINUTE, [(first, last)])
    async with running(session, simulator, recorder, resume_point=resume_point):
        await delivered_once(recorder, ["2"])
    assert recorder.gaps == [(now - 120 * MINUTE, first * 1_000_000_000)]


async def test_gap_beyond_the_catch_up_window_without_logs(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """A long silence is no gap."""
    now = now_ns(simulator)
    simulator.log("0", timestamp=format_timestamp(now - 10 * MINUTE))
    resume_point = resume_at(now - 120 * MINUTE)
    async with running(session, simulator, recorder, resume_point=resume_point):
        await delivered_once(recorder, ["0"])
    assert not recorder.gaps


@pytest.mark.parametrize("retired", [False, True], ids=["streaming", "polling"])
async def test_first_start(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    retired: bool,
) -> None:
    """The first start shows history, and delivers later logs."""
    for message in numbered(0, 30):
        simulator.log(message)
    if retired:
        simulator.retire()
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: bool(recorder.history))
        simulator.log("30")
        await delivered_once(recorder, ["30"])
        await audited(simulator, recorder, 3 if retired else 1)
        await delivered_once(recorder, ["30"])
        assert recorder.history == numbered(0, 30)
        assert feed.delivered == 1


async def test_first_start_with_much_history(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """History beyond one answer is not delivered either."""
    simulator.retire()
    now = now_ns(simulator)
    for number in range(250):
        moment = format_timestamp(now - (250 - number) * 700_000_000)
        simulator.log(str(number), timestamp=moment)
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        simulator.log("250")
        await recorder.until(lambda: bool(recorder.messages))
        await audited(simulator, recorder, 3)
        assert recorder.messages == ["250"]
        assert recorder.history == numbered(150, 250)


async def test_first_start_while_logs_cannot_be_read(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Streamed logs are delivered while REST fails.

    Memory is bounded; history and missed logs follow once REST is back.
    """
    # With some 500 logs a second, because the present second is never given up.
    monkeypatch.setattr("custom_components.golioth.client.progress._MAX_DELIVERED", 400)
    monkeypatch.setattr("custom_components.golioth.client.progress._WRITE_INTERVAL", 10)
    monkeypatch.setattr(
        "custom_components.golioth.client.progress._FORGET_INTERVAL", 10
    )
    earlier = format_timestamp(now_ns(simulator) - 2_000_000_000)
    simulator.log("history", timestamp=earlier)
    simulator.faults.logs_status = 503
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.resume_point is not None)
        async with traffic(simulator, 0) as number:
            await recorder.until(lambda: len(recorder.logs) > 2000)
            # Four times the limit, and the logs before the next check.
            assert feed.remembered <= 1610
        missed = number()
        simulator.mute()
        simulator.log(str(missed))
        await simulator.drop(None)
        simulator.faults.clear()
        await recorder.until(lambda: recorder.history == ["history"])
        await recorder.until(lambda: str(missed) in recorder.messages)
        assert feed.resume_point is not None


async def test_live_logs_wait_for_a_slow_gap(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Live logs come after the gap while REST answers."""
    async with running(session, simulator, recorder, rest_patience=4.0) as (feed, _):
        await streaming(feed, recorder)
        async with outage(simulator):
            for message in numbered(0, 400):
                simulator.log(message)
        simulator.faults.rest_delay = 0.15
        await simulator.wait_for_streams(1)
        simulator.log("400")
        await delivered_once(recorder, numbered(0, 401))
        assert recorder.messages[-1] == "400"


async def test_stream_that_ends_while_its_logs_wait(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Waiting logs are delivered when their stream ends."""
    async with running(session, simulator, recorder, rest_patience=60) as (feed, _):
        await streaming(feed, recorder)
        async with outage(simulator):
            pass
        simulator.faults.rest_delay = 1.0
        await simulator.wait_for_streams(1)
        years_ago = now_ns(simulator) - 20 * 365 * 24 * 60 * MINUTE
        simulator.log("0", timestamp=format_timestamp(years_ago))
        await simulator.drop(None)
        await delivered_once(recorder, ["0"])


@pytest.mark.parametrize("years", [-10, 10])
async def test_wrong_date_in_one_answer(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    years: int,
) -> None:
    """A single answer with a wrong date changes nothing."""
    simulator.retire()
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        simulator.log("0")
        await delivered_once(recorder, ["0"])
        simulator.faults.date_offset = years * 365 * 86400
        simulator.faults.date_answers = 1
        await simulator.wait_until(lambda: (simulator.faults.date_answers or 0) <= 0)
        await audited(simulator, recorder, 2)
        simulator.log("1")
        await delivered_once(recorder, ["0", "1"])
        resume_point = feed.resume_point
        assert resume_point is not None
        assert abs(resume_point.time_ns - now_ns(simulator)) < MINUTE


async def test_clock_that_was_ahead(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Logs hidden by a clock that was ahead are read."""
    simulator.retire()
    simulator.faults.date_offset = 3600.0
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        simulator.log("0")
        await audited(simulator, recorder, 2)
        assert not recorder.messages
        simulator.faults.clear()
        await delivered_once(recorder, ["0"])
        simulator.log("1")
        await delivered_once(recorder, ["0", "1"])


async def test_resume_point_of_the_future(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """A resume point from the future loses no logs."""
    simulator.retire()
    simulator.log("0")
    resume_point = resume_at(now_ns(simulator) + 1440 * MINUTE)
    async with running(session, simulator, recorder, resume_point=resume_point):
        await delivered_once(recorder, ["0"])
        simulator.log("1")
        await delivered_once(recorder, ["0", "1"])


async def test_rest_that_fails_while_the_stream_is_well(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Live logs do not wait for a failing REST."""
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        async with outage(simulator):
            simulator.log("0")
        simulator.faults.rest_status = 503
        await simulator.wait_for_streams(1)
        simulator.log("1")
        progress = recorder.progress
        await recorder.until(lambda: recorder.logs == [("1", LogSource.STREAM)])
        # Progress is reported although the gap before is unread.
        assert recorder.progress == progress + 1
        simulator.faults.clear()
        await recorder.until(lambda: len(recorder.logs) == 2)
        assert recorder.logs[1] == ("0", LogSource.CATCH_UP)
        await streaming(feed, recorder)
        simulator.log("2")
        await recorder.until(lambda: len(recorder.logs) == 3)
        await audited(simulator, recorder, 1)
        assert Counter(recorder.messages) == Counter(numbered(0, 3))


async def test_stream_that_is_faster_than_rest(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Too many waiting logs are delivered before the gap."""
    monkeypatch.setattr("custom_components.golioth.client.live._MAX_WAITING", 100)
    async with running(session, simulator, recorder, rest_patience=60) as (feed, _):
        await streaming(feed, recorder)
        async with outage(simulator):
            for message in numbered(0, 200):
                simulator.log(message)
        simulator.faults.rest_delay = 0.5
        await simulator.wait_for_streams(1)
        for message in numbered(200, 400):
            simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) >= 200)
        assert feed.has_gap
        simulator.faults.clear()
        await delivered_once(recorder, numbered(0, 400))


async def test_long_failure_of_rest(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A gap is filled although more was streamed than remembered."""
    monkeypatch.setattr("custom_components.golioth.client.progress._MAX_DELIVERED", 200)
    async with running(session, simulator, recorder, audit_interval=0.5) as (feed, _):
        await streaming(feed, recorder)
        for message in numbered(0, 20):
            simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) == 20)
        async with outage(simulator):
            for message in numbered(20, 60):
                simulator.log(message)
        simulator.faults.rest_status = 503
        await simulator.wait_for_streams(1)
        async with traffic(simulator, 60, rate=100) as number:
            await recorder.until(lambda: bool(feed._logs.untracked))
        simulator.faults.clear()
        await delivered_once(recorder, numbered(0, number()))
        await streaming(feed, recorder)
        await audited(simulator, recorder, 2)
        await delivered_once(recorder, numbered(0, number()))


@pytest.mark.timeout(180)
async def test_two_gaps_that_wait_for_rest(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A gap between two busy streams is filled.

    Even if both delivered more than can be remembered.
    """
    monkeypatch.setattr("custom_components.golioth.client.progress._MAX_DELIVERED", 200)
    monkeypatch.setattr("custom_components.golioth.client.retention._MOST", 10)
    # Untracked ranges have whole seconds, which are many logs here.
    async with running(session, simulator, recorder) as (feed, _):
        await streaming(feed, recorder)
        number = 0
        for ranges in (1, 2):
            async with outage(simulator):
                for message in numbered(number, number + 40):
                    simulator.log(message)
                # Home Assistant does this to save it.
                assert feed.resume_point is not None
            simulator.faults.rest_status = 503
            await simulator.wait_for_streams(1)
            async with traffic(simulator, number + 40, rate=100) as next_number:
                await recorder.until(lambda: len(feed._logs.untracked) == ranges)  # noqa: B023
            number = next_number()
        assert not recorder.gaps
        simulator.faults.clear()
        await delivered_once(recorder, numbered(0, number))
        await streaming(feed, recorder)
        await audited(simulator, recorder, 2)
        await delivered_once(recorder, numbered(0, number))


async def test_restart_while_a_gap_waits_for_rest(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An unread gap is read after a restart.

    However much was streamed meanwhile.
    """
    # Whether all logs of some seconds around the end were streamed is unknown: these
    # must fit into the storage.
    monkeypatch.setattr("custom_components.golioth.client.progress._MAX_DELIVERED", 600)
    async with running(session, simulator, recorder) as (feed, task):
        await streaming(feed, recorder)
        async with outage(simulator):
            for message in numbered(0, 200):
                simulator.log(message)
        simulator.faults.rest_status = 503
        await simulator.wait_for_streams(1)
        async with traffic(simulator, 200, rate=100) as number:
            await recorder.until(lambda: bool(feed._logs.untracked))
        task.cancel()
        await asyncio.wait({task})
        resume_point = await restarted(feed)
    simulator.faults.clear()
    async with running(session, simulator, recorder, resume_point=resume_point) as (
        feed,
        _task,
    ):
        await delivered_once(recorder, numbered(0, number()))
        await streaming(feed, recorder)
        await audited(simulator, recorder, 1)
        await delivered_once(recorder, numbered(0, number()))


async def test_stream_that_flaps_while_a_gap_is_read(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Logs of a flapping stream displace no unread ones."""
    monkeypatch.setattr("custom_components.golioth.client.progress._MAX_DELIVERED", 300)
    async with running(session, simulator, recorder, rest_patience=60) as (feed, _):
        await streaming(feed, recorder)
        async with outage(simulator):
            for message in numbered(0, 500):
                simulator.log(message)
        simulator.faults.rest_delay = 0.1
        for first in (500, 800):
            await simulator.wait_for_streams(1)
            start = now_ns(simulator)
            for number in range(first, first + 300):
                moment = format_timestamp(start + (number - first) * 10_000_000)
                simulator.log(str(number), timestamp=moment)
            await simulator.drop(None)
        simulator.faults.clear()
        await recorder.until(lambda: len(recorder.logs) >= 1100)
        assert Counter(recorder.messages) == Counter(numbered(0, 1100))


@pytest.mark.parametrize("years", [-30, -1, 1, 30])
async def test_device_without_a_clock(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    years: int,
) -> None:
    """Logs with wrong years are delivered once, affecting no others."""
    async with running(session, simulator, recorder, audit_interval=0.3) as (
        feed,
        task,
    ):
        await streaming(feed, recorder)
        for number in range(0, 20, 2):
            moment = now_ns(simulator) + years * 365 * 24 * 60 * MINUTE
            simulator.log(str(number), timestamp=format_timestamp(moment))
            simulator.log(str(number + 1))
        await recorder.until(lambda: len(recorder.logs) == 20)
        async with outage(simulator):
            simulator.log("20")
        await recorder.until(lambda: len(recorder.logs) == 21)
        await streaming(feed, recorder)
        await audited(simulator, recorder, 2)
        assert Counter(recorder.messages) == Counter(numbered(0, 21))
        task.cancel()
        await asyncio.wait({task})
        resume_point = await restarted(feed)
    simulator.log("21")
    async with running(session, simulator, recorder, resume_point=resume_point) as (
        feed,
        _task,
    ):
        await streaming(feed, recorder)
        await audited(simulator, recorder, 1)
        assert Counter(recorder.messages) == Counter(numbered(0, 22))


async def test_requests_are_spaced(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Reading a gap keeps the request interval."""
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        async with outage(simulator):
            for message in numbered(0, 1500):
                simulator.log(message)
        requests = len(simulator.requests)
        feed._pace.interval = 0.1
        await delivered_once(recorder, numbered(0, 1500))
        times = [
            each.time
            for each in simulator.requests[requests + 1 :]
            if each.path.endswith("/logs")
        ]
        assert len(times) > 10
        # The first request may have been under way for a while.
        assert times[-1] - times[0] > 0.1 * (len(times) - 3)


async def test_rest_that_asks_to_wait(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Retry-After is obeyed, even if the stream changes."""
    simulator.faults.rest_status = 429
    simulator.faults.rest_headers = {"Retry-After": "1"}
    async with running(session, simulator, recorder) as (feed, _task):
        await simulator.wait_until(lambda: len(simulator.requests) == 1)
        await simulator.wait_for_streams(1)
        await simulator.drop()
        await simulator.wait_until(lambda: len(simulator.requests) == 2)
        first, second = simulator.requests
        assert second.time - first.time >= 1
        simulator.faults.clear()
        await streaming(feed, recorder)


@pytest.mark.parametrize("fault", ["html", "slow", "never", "500"])
async def test_rest_that_fails_while_polling(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    fault: str,
) -> None:
    """The next poll makes up for a failed one."""
    simulator.retire()
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        faults: dict[str, dict[str, Any]] = {
            "html": {"rest_html": True},
            "slow": {"rest_delay": 1.0},
            "never": {"rest_never": True},
            "500": {"rest_status": 500},
        }
        for name, value in faults[fault].items():
            setattr(simulator.faults, name, value)
        simulator.log("0")
        if fault != "slow":
            await recorder.until(lambda: not feed.connected)
        simulator.log("1")
        simulator.faults.clear()
        await delivered_once(recorder, ["0", "1"])
        await recorder.until(lambda: feed.connected)


async def test_redirect_gets_nothing(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Another origin receives nothing, and no log is lost."""
    async with (
        GoliothSimulator() as other,
        running(session, simulator, recorder) as (
            feed,
            _task,
        ),
    ):
        await streaming(feed, recorder)
        simulator.faults.redirect_to = other.url
        await simulator.drop()
        simulator.log("0")
        await recorder.until(lambda: not feed.connected)
        simulator.faults.clear()
        await delivered_once(recorder, ["0"])
        assert not other.handshakes
        assert not other.requests
