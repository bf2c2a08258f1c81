"""Test how the feed keeps its stream open."""

import asyncio
import logging
from random import Random
import time

import aiohttp
import pytest

from custom_components.golioth.client import (
    FeedTiming,
    GoliothAuthenticationError,
    GoliothConnectionError,
    LogEntry,
    LogSource,
    ResumePoint,
    StreamState,
    Transport,
)
from custom_components.golioth.client.pacing import BackOff
from tests.simulator import GoliothSimulator, Retirement

from .feeds import Recorder, running


async def test_quiet_project_is_connected(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
) -> None:
    """A silent stream counts as connected after a while."""
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: recorder.changes == [None])
        assert feed.connected


async def test_first_log_connects(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
) -> None:
    """The first log proves the connection, which is reported first."""
    async with running(session, simulator, recorder, settling_time=60) as (feed, _task):
        await simulator.wait_for_streams(1)
        assert not feed.connected
        simulator.log("hello")
        await recorder.until(lambda: recorder.messages == ["hello"])
        assert recorder.changes == [None]
        assert feed.delivered == 1


async def test_stored_logs_that_are_damaged(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Damaged stored logs cause repetitions, never losses.

    This is logged.
    """
    simulator.log("before")
    resume_point = ResumePoint(time.time_ns(), lambda: {"floor": "unexpected"})
    async with running(session, simulator, recorder, resume_point=resume_point):
        await simulator.wait_for_streams(1)
        simulator.log("after")
        await recorder.until(lambda: recorder.messages == ["before", "after"])
    assert "The stored logs are unusable" in caplog.text


@pytest.mark.parametrize("end", ["close", "cut", "reset", "reset_mid_frame"])
async def test_reconnects(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    end: str,
) -> None:
    """A new stream opens, however the last one ended."""
    async with running(session, simulator, recorder):
        for number in range(3):
            await simulator.wait_for_streams(1)
            simulator.log(str(number))
            await recorder.until(lambda: len(recorder.messages) > number)  # noqa: B023
            if end == "close":
                await simulator.drop(1012)
            elif end == "cut":
                await simulator.drop(None)
            elif end == "reset":
                simulator.reset()
            else:
                simulator.reset_mid_frame()
            await simulator.wait_for_streams(0)
        await simulator.wait_for_streams(1)
        assert recorder.messages == ["0", "1", "2"]
        # Polling bridges the time between: no lost connection is reported.
        assert not any(recorder.changes)


async def test_half_open_stream(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
) -> None:
    """A stream without answers to pings is reopened."""
    async with running(session, simulator, recorder, heartbeat=0.1):
        await recorder.until(lambda: recorder.changes == [None])
        simulator.stall()
        await simulator.wait_until(lambda: len(simulator.handshakes) == 2)


async def test_rejected_credential_ends_it(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
) -> None:
    """A rejection confirmed by REST ends all traffic."""
    simulator.revoke()
    async with running(session, simulator, recorder) as (feed, task):
        with pytest.raises(GoliothAuthenticationError):
            await task
        assert not feed.connected
        assert isinstance(feed.last_error, GoliothAuthenticationError)
    assert len(simulator.handshakes) == 1
    assert len(simulator.requests) <= 2
    (reason,) = recorder.changes
    assert isinstance(reason, GoliothAuthenticationError)


async def test_credential_that_is_rejected_later(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
) -> None:
    """An audit detects a deleted key, even if streaming."""
    async with running(session, simulator, recorder) as (_feed, task):
        await recorder.until(lambda: bool(recorder.changes))
        simulator.revoke()
        with pytest.raises(GoliothAuthenticationError):
            await task


@pytest.mark.parametrize(
    "form", [Retirement.REJECTED_AFTER_101, Retirement.REJECTED_AT_HANDSHAKE]
)
async def test_rejection_that_rest_does_not_confirm(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    form: Retirement,
) -> None:
    """A rejection by the stream alone is a passing failure."""
    simulator.retire(form)
    async with running(session, simulator, recorder):
        await simulator.wait_until(lambda: len(simulator.handshakes) == 3)
        simulator.unretire()
        await simulator.wait_for_streams(1)
        simulator.log("back")
        await recorder.until(lambda: recorder.messages == ["back"])
    assert not any(
        isinstance(reason, GoliothAuthenticationError) for reason in recorder.changes
    )


async def test_rejection_while_rest_is_down(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
) -> None:
    """A rejection counts only once REST confirms it."""
    simulator.revoke()
    simulator.faults.rest_status = 503
    async with running(session, simulator, recorder) as (_feed, task):
        await simulator.wait_until(lambda: len(simulator.handshakes) == 3)
        assert not task.done()
        simulator.faults.clear()
        with pytest.raises(GoliothAuthenticationError):
            await task


@pytest.mark.parametrize("status", [403, 404, 429, 500, 502, 503])
async def test_failure_is_reported_once(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    status: int,
) -> None:
    """Only the first failure, and then success, is reported."""
    simulator.faults.handshake_status = status
    simulator.faults.handshake_html = True
    simulator.faults.rest_status = 503
    async with running(session, simulator, recorder) as (feed, _task):
        await simulator.wait_until(lambda: len(simulator.handshakes) == 3)
        await simulator.wait_until(lambda: len(simulator.requests) >= 3)
        assert len(recorder.changes) == 1
        assert isinstance(recorder.changes[0], GoliothConnectionError)
        assert not feed.connected
        simulator.faults.clear()
        await recorder.until(lambda: len(recorder.changes) == 2)
        assert recorder.changes[1] is None
        assert feed.connected


async def test_polling_bridges_an_outage_of_the_stream(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
) -> None:
    """Polling delivers logs until the stream is back."""
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.STREAMING)
        simulator.faults.handshake_status = 503
        await simulator.drop()
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        assert feed.connected
        simulator.log("polled")
        await recorder.until(lambda: bool(recorder.logs))
        simulator.faults.clear()
        # Until everything is read, the log may wait for the gap.
        await recorder.until(lambda: recorder.completeness[-1] is Transport.STREAMING)
        simulator.log("streamed")
        await recorder.until(lambda: len(recorder.logs) == 2)
    assert recorder.logs == [
        ("polled", LogSource.POLL),
        ("streamed", LogSource.STREAM),
    ]
    assert not any(recorder.changes)


@pytest.mark.parametrize("form", Retirement)
async def test_retired_stream(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    caplog: pytest.LogCaptureFixture,
    form: Retirement,
) -> None:
    """A retired stream is rarely retried, until it is back.

    Three answers in a row that it is missing retire it.
    """
    caplog.set_level(logging.DEBUG, "custom_components.golioth.client.feed")
    simulator.retire(form)
    async with running(
        session, simulator, recorder, retired_after=0.1, retry_retired=(0.5, 1.5)
    ) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        simulator.log("polled")
        await recorder.until(lambda: recorder.messages == ["polled"])

        def waits() -> list[float]:
            return [
                record.args[1]
                for record in caplog.records
                if record.msg.startswith("No log stream")
                and isinstance(record.args, tuple)
                and isinstance(record.args[1], float)
            ]

        await simulator.wait_until(lambda: 1.5 in waits())
        rare = waits().index(0.5)
        assert rare >= 2
        assert max(waits()[:rare]) < 0.5
        assert waits()[rare + 1] == 1.5
        await simulator.wait_until(lambda: len(simulator.handshakes) >= rare + 3)
        times = [handshake.time for handshake in simulator.handshakes]
        assert times[rare + 1] - times[rare] >= 0.5
        assert times[rare + 2] - times[rare + 1] >= 1.5
        simulator.unretire()
        await recorder.until(lambda: feed.transport is Transport.STREAMING)
        simulator.log("streamed")
        await recorder.until(lambda: recorder.messages == ["polled", "streamed"])
    assert not any(recorder.changes)


async def test_state_of_the_stream(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
) -> None:
    """The stream is open, closed for now, or retired."""
    simulator.faults.handshake_status = 503
    async with running(
        session, simulator, recorder, retired_after=0.0, retry_retired=(60.0,)
    ) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        states = [(feed.stream_state, feed.opened)]
        simulator.faults.clear()
        await recorder.until(lambda: feed.transport is Transport.STREAMING)
        states.append((feed.stream_state, feed.opened))
        simulator.retire()
        await recorder.until(lambda: feed.stream_state is StreamState.RETIRED)
        states.append((feed.stream_state, feed.opened))
    assert states == [
        (StreamState.CLOSED, 0),
        (StreamState.OPEN, 1),
        (StreamState.RETIRED, 1),
    ]


async def test_age_of_the_resume_point(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
) -> None:
    """The age grows while logs cannot be read.

    It is unknown before the start.
    """
    async with running(session, simulator, recorder) as (feed, _task):
        age_before = feed.resume_age
        await recorder.until(lambda: feed.resume_age is not None)
        await recorder.until(lambda: feed.transport is Transport.STREAMING)
        simulator.faults.rest_status = 500
        simulator.retire()
        await recorder.until(lambda: feed.transport is None)
        age = feed.resume_age or 0.0
        await recorder.until(lambda: (feed.resume_age or 0.0) > age)
    assert age_before is None


async def test_trouble_is_no_retirement(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
) -> None:
    """Other answers restart the count to retirement."""
    async with running(
        session, simulator, recorder, retired_after=0, retry_retired=(60,)
    ) as (feed, _task):
        for number in range(1, 6):
            simulator.faults.handshake_status = 404 if number % 3 else 503
            handshakes = len(simulator.handshakes)
            await simulator.drop()
            await simulator.wait_until(
                lambda: len(simulator.handshakes) > handshakes  # noqa: B023
            )
        simulator.faults.clear()
        await recorder.until(lambda: feed.transport is Transport.STREAMING)


def wait_of(failures: int, retry_after: float | None = None) -> float:
    """Return one wait of a feed with default timing."""
    return BackOff(FeedTiming(), Random()).wait_after(  # noqa: S311
        failures, GoliothConnectionError("", retry_after=retry_after)
    )


def test_waits_grow_and_are_jittered() -> None:
    """Waits grow with failures, up to a limit, at random.

    They are 1 s plus a random 0.5 to 1 s, 1 to 2 s, 2 to 4 s … 17.5 to 35 s.
    """
    for failures in range(2000):
        longest = min(35, 2**failures)
        waits = [wait_of(failures) for _ in range(20)]
        assert len(set(waits)) == 20
        assert all(1 + longest / 2 <= wait <= 1 + longest for wait in waits)
        assert max(waits) - min(waits) > longest / 8


def test_tries_in_an_hour() -> None:
    """An hour of outage has at most 150 handshakes.

    Two of them are at least a second apart.
    """
    for _ in range(200):
        waits = [wait_of(failures) for failures in range(150)]
        assert min(waits) >= 1
        assert sum(waits) > 3600


@pytest.mark.parametrize(
    ("asked_for", "waited"), [(None, 2), (0, 2), (5, 5), (600, 600), (86_400, 600)]
)
def test_wait_that_the_service_asks_for(asked_for: float | None, waited: float) -> None:
    """Retry-After makes a wait longer, up to ten minutes."""
    assert waited - 0.5 <= wait_of(0, asked_for) <= waited


async def test_delivery_resets_the_wait(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
) -> None:
    """Only a stream that delivered resets the wait."""

    async def waits(number: int, *, deliver: bool) -> list[float]:
        found = []
        for _ in range(number):
            await simulator.wait_for_streams(1)
            if deliver:
                logs = len(recorder.logs)
                simulator.log("x", device=str(logs))
                await recorder.until(lambda: len(recorder.logs) > logs)  # noqa: B023
            await simulator.drop(None)
            dropped = asyncio.get_running_loop().time()
            await simulator.wait_for_streams(1)
            found.append(simulator.handshakes[-1].time - dropped)
        return found

    async with running(
        session, simulator, recorder, shortest_wait=0, longest_random_wait=3
    ):
        assert max(await waits(2, deliver=True)) <= 1.2
        assert max(await waits(3, deliver=False)) > 1.4
        assert max((await waits(3, deliver=True))[1:]) <= 1.2


async def test_asked_to_wait(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
) -> None:
    """Retry-After is obeyed."""
    simulator.faults.handshake_status = 429
    simulator.faults.handshake_headers = {"Retry-After": "1"}
    async with running(session, simulator, recorder):
        await simulator.wait_until(lambda: len(simulator.handshakes) == 2)
    first, second = simulator.handshakes
    assert second.time - first.time >= 1


async def test_listener_that_fails_loses_no_log(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A listener's error is logged, and loses no log."""
    keep = recorder.on_log

    def fail_once(entry: LogEntry, source: LogSource) -> None:
        keep(entry, source)
        if entry.message == "poison":
            raise ValueError(entry.message)

    monkeypatch.setattr(recorder, "on_log", fail_once)
    async with running(session, simulator, recorder):
        await simulator.wait_for_streams(1)
        for message in ("before", "poison", "after"):
            simulator.log(message)
        await recorder.until(lambda: recorder.messages == ["before", "poison", "after"])
    assert "Unexpected error while a log was delivered" in caplog.text
    assert len(simulator.handshakes) == 1


async def test_burst_yields_to_the_loop(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
) -> None:
    """A burst yields to the event loop."""
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with running(session, simulator, recorder):
        await simulator.wait_for_streams(1)
        frame = b'{"result":{"data":{"message":"burst"}}}\n' * 20_000
        simulator.send_frame(frame.decode())
        others = asyncio.create_task(take_turns())
        await recorder.until(lambda: bool(recorder.messages))
        turns = 0
        await recorder.until(lambda: len(recorder.messages) == 20_000)
        others.cancel()
    assert turns > 1


async def test_completeness(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Completeness and its transport are reported, and its end."""
    async with running(session, simulator, recorder):
        await recorder.until(lambda: Transport.STREAMING in recorder.completeness)
        await simulator.refuse()
        simulator.reset()
        await recorder.until(lambda: recorder.completeness[-1] is None)
        await recorder.until(lambda: any(recorder.changes))
        assert recorder.completeness[-1] is None
        simulator.retire(Retirement.HTTP_404)
        await simulator.accept()
        await recorder.until(lambda: recorder.completeness[-1] is Transport.POLLING)
        simulator.unretire()
        await recorder.until(lambda: recorder.completeness[-1] is Transport.STREAMING)
