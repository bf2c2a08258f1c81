"""Tests of the feed's policy, against the simulated service."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import aiohttp
import pytest

from custom_components.golioth.client.endpoint import Endpoint
from custom_components.golioth.client.exceptions import (
    GoliothAuthenticationError,
    GoliothConnectionError,
    GoliothError,
)
from custom_components.golioth.client.feed import FeedTiming, LogFeed, LogSource
from custom_components.golioth.client.models import LogEntry
from custom_components.golioth.client.rest import GoliothRest
from tests.simulator import GoliothSimulator, Retirement, grpc_error_v2

TIMEOUT = 20


class Recorder:
    """What a feed told, and waiting for it."""

    def __init__(self) -> None:
        """Start empty."""
        self.messages: list[str] = []
        self.changes: list[GoliothError | None] = []
        self._changed = asyncio.Event()

    def on_log(self, entry: LogEntry, source: LogSource) -> None:
        """Keep a log."""
        assert source is LogSource.STREAM
        self.messages.append(entry.message)
        self._changed.set()

    def on_connection_change(self, reason: GoliothError | None) -> None:
        """Keep a change."""
        self.changes.append(reason)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on what was told holds."""
        async with asyncio.timeout(TIMEOUT):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
def recorder() -> Recorder:
    """Record what the feed tells."""
    return Recorder()


@asynccontextmanager
async def running(
    session: aiohttp.ClientSession,
    endpoint: Endpoint,
    recorder: Recorder,
    **timing: float,
) -> AsyncIterator[tuple[LogFeed, asyncio.Task[None]]]:
    """Run a feed that waits a hundredth of what it usually does."""
    feed = LogFeed(
        session,
        endpoint,
        GoliothRest(session, endpoint),
        on_log=recorder.on_log,
        on_connection_change=recorder.on_connection_change,
        timing=FeedTiming(
            **{
                "settling_time": 0.01,
                "shortest_wait": 0.01,
                "longest_random_wait": 0.29,
                **timing,
            }
        ),
    )
    task = asyncio.create_task(feed.run())
    try:
        yield feed, task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_quiet_project_is_connected(
    session: aiohttp.ClientSession,
    endpoint: Endpoint,
    recorder: Recorder,
) -> None:
    """A stream that says nothing counts as connected after a while."""
    async with running(session, endpoint, recorder) as (feed, _task):
        await recorder.until(lambda: recorder.changes == [None])
        assert feed.connected


async def test_first_log_connects(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    recorder: Recorder,
) -> None:
    """A log proves the connection, and is delivered when that has been told."""
    async with running(session, endpoint, recorder, settling_time=60) as (feed, _task):
        await simulator.wait_for_streams(1)
        assert not feed.connected
        simulator.log("hello")
        await recorder.until(lambda: recorder.messages == ["hello"])
        assert recorder.changes == [None]
        assert feed.delivered == 1


@pytest.mark.parametrize("end", ["close", "cut", "reset", "reset_mid_frame"])
async def test_reconnects(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    recorder: Recorder,
    end: str,
) -> None:
    """However a stream ends, the next one follows."""
    async with running(session, endpoint, recorder):
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
        assert recorder.messages == ["0", "1", "2"]
        await recorder.until(lambda: len(recorder.changes) == 6)
        assert [reason is None for reason in recorder.changes] == [True, False] * 3


async def test_half_open_stream(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    recorder: Recorder,
) -> None:
    """A stream whose other end answers no ping is given up."""
    async with running(session, endpoint, recorder, heartbeat=0.1):
        await recorder.until(lambda: recorder.changes == [None])
        simulator.stall()
        await simulator.wait_until(lambda: len(simulator.handshakes) == 2)
        await recorder.until(lambda: len(recorder.changes) == 3)


async def test_rejected_credential_ends_it(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    recorder: Recorder,
) -> None:
    """A rejection that REST confirms ends the feed, after one request."""
    simulator.revoke()
    async with running(session, endpoint, recorder) as (feed, task):
        with pytest.raises(GoliothAuthenticationError):
            await task
        assert not feed.connected
    assert len(simulator.handshakes) == 1
    assert len(simulator.requests) == 1
    (reason,) = recorder.changes
    assert isinstance(reason, GoliothAuthenticationError)


@pytest.mark.parametrize(
    "form", [Retirement.REJECTED_AFTER_101, Retirement.REJECTED_AT_HANDSHAKE]
)
async def test_rejection_that_rest_does_not_confirm(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    recorder: Recorder,
    form: Retirement,
) -> None:
    """A stream that rejects a good key is trouble on the way."""
    simulator.retire(form)
    async with running(session, endpoint, recorder):
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
    endpoint: Endpoint,
    recorder: Recorder,
) -> None:
    """Nobody is asked for a new key as long as only one side rejects the old one."""
    simulator.revoke()
    simulator.faults.rest_status = 503
    async with running(session, endpoint, recorder) as (_feed, task):
        await simulator.wait_until(lambda: len(simulator.handshakes) == 3)
        assert not task.done()
        simulator.faults.clear()
        with pytest.raises(GoliothAuthenticationError):
            await task


@pytest.mark.parametrize("status", [403, 404, 429, 500, 502, 503])
async def test_trouble_is_told_once(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    recorder: Recorder,
    status: int,
) -> None:
    """The first failure is told, the next ones are not, and a success is."""
    simulator.faults.handshake_status = status
    simulator.faults.handshake_html = True
    async with running(session, endpoint, recorder):
        await simulator.wait_until(lambda: len(simulator.handshakes) == 3)
        assert len(recorder.changes) == 1
        assert isinstance(recorder.changes[0], GoliothConnectionError)
        simulator.faults.clear()
        await recorder.until(lambda: len(recorder.changes) == 2)
        assert recorder.changes[1] is None


async def test_waits_grow_and_are_jittered(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    recorder: Recorder,
) -> None:
    """Tries become rare: 1 s, and up to 1, 2, 4 … 29 s of chance on top, here at a fiftieth of that."""
    scale = 1 / 50
    simulator.faults.in_band_error = grpc_error_v2(14, "unavailable")
    async with running(
        session,
        endpoint,
        recorder,
        shortest_wait=scale,
        longest_random_wait=29 * scale,
        settling_time=60,
    ):
        await simulator.wait_until(lambda: len(simulator.handshakes) == 12)
    times = [handshake.time for handshake in simulator.handshakes]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert min(waits) >= scale
    assert len({round(wait, 4) for wait in waits}) > 6
    assert max(waits) > 5 * scale


async def test_asked_to_wait(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    recorder: Recorder,
) -> None:
    """Retry-After is obeyed."""
    simulator.faults.handshake_status = 429
    simulator.faults.handshake_headers = {"Retry-After": "1"}
    async with running(session, endpoint, recorder):
        await simulator.wait_until(lambda: len(simulator.handshakes) == 2)
    first, second = simulator.handshakes
    assert second.time - first.time >= 1


async def test_listener_that_fails_loses_no_log(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A log that its receiver cannot digest is logged, and does not stop the next ones."""
    keep = recorder.on_log

    def fail_once(entry: LogEntry, source: LogSource) -> None:
        keep(entry, source)
        if entry.message == "poison":
            raise ValueError(entry.message)

    monkeypatch.setattr(recorder, "on_log", fail_once)
    async with running(session, endpoint, recorder):
        await simulator.wait_for_streams(1)
        for message in ("before", "poison", "after"):
            simulator.log(message)
        await recorder.until(lambda: recorder.messages == ["before", "poison", "after"])
    assert "Unexpected error while a log was delivered" in caplog.text
    assert len(simulator.handshakes) == 1


async def test_burst_leaves_the_loop_its_turns(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    recorder: Recorder,
) -> None:
    """Everything else goes on while a burst is delivered."""
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with running(session, endpoint, recorder):
        await simulator.wait_for_streams(1)
        frame = b'{"result":{"data":{"message":"burst"}}}\n' * 20_000
        simulator.send_frame(frame.decode())
        await recorder.until(lambda: bool(recorder.messages))
        others = asyncio.create_task(take_turns())
        await recorder.until(lambda: len(recorder.messages) == 20_000)
        others.cancel()
    assert turns > 1
