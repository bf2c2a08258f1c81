"""Test the source of logs: polled or caught up."""

import asyncio
from collections import Counter

import aiohttp
import pytest

from custom_components.golioth.client import LogSource, Transport
from tests.simulator import GoliothSimulator

from .feeds import Recorder, running
from .test_delivery import audited, numbered, restarted, streaming

CATCH_UP = LogSource.CATCH_UP


async def polling(recorder: Recorder, simulator: GoliothSimulator) -> None:
    """Wait for some polls."""
    polls = recorder.completeness.count(Transport.POLLING)
    await recorder.until(
        lambda: recorder.completeness.count(Transport.POLLING) > polls + 1
    )


@pytest.mark.parametrize("back_first", ["stream", "rest", "both"])
@pytest.mark.parametrize("down_first", ["stream", "rest", "both"])
async def test_outages_of_a_streaming_project(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    down_first: str,
    back_first: str,
) -> None:
    """Logs of an outage are caught up, whatever recovers first.

    There are three outages, because which way is faster is random.
    """
    faults = simulator.faults
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        expected: list[tuple[str, LogSource]] = []
        for number in range(0, 60, 20):
            if down_first == "rest":
                faults.rest_status = 503
                await simulator.drop(None)
                faults.handshake_status = 503
                await simulator.drop(None)
            else:
                faults.handshake_status = 503
                await simulator.drop(None)
                if down_first == "stream":
                    await polling(recorder, simulator)
                faults.rest_status = 503
            await recorder.until(lambda: not feed.connected)
            for message in numbered(number, number + 20):
                simulator.log(message)
                expected.append((message, CATCH_UP))
            if back_first == "stream":
                faults.handshake_status = None
                await simulator.wait_for_streams(1)
            elif back_first == "rest":
                faults.rest_status = None
                await recorder.until(lambda: len(recorder.logs) >= len(expected))
            faults.clear()
            await recorder.until(lambda: len(recorder.logs) >= len(expected))
            await streaming(feed, recorder)
    assert Counter(recorder.logs) == Counter(expected)


async def test_stream_that_is_opened_again(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Logs between two streams are caught up."""
    async with running(session, simulator, recorder) as (feed, _task):
        for number in range(0, 60, 10):
            await streaming(feed, recorder)
            await simulator.drop(None)
            # This is before a poll or the next stream.
            for message in numbered(number, number + 10):
                simulator.log(message)
            await recorder.until(lambda: len(recorder.logs) >= number + 10)  # noqa: B023
    assert Counter(recorder.messages) == Counter(numbered(0, 60))
    assert LogSource.POLL not in {by for _text, by in recorder.logs}


async def test_stream_that_stays_closed(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Only the first read after an interruption catches up."""
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        simulator.faults.handshake_status = 503
        await simulator.drop(None)
        simulator.log("0")
        await recorder.until(lambda: recorder.messages == ["0"])
        await polling(recorder, simulator)
        simulator.log("1")
        await recorder.until(lambda: len(recorder.logs) == 2)
    assert recorder.logs == [("0", CATCH_UP), ("1", LogSource.POLL)]


async def test_restarts_of_a_polled_project(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Logs before a restart are caught up, later ones polled."""
    simulator.retire()
    resume_point = None
    expected: list[tuple[str, LogSource]] = []
    for number in range(0, 30, 10):
        if number:
            for message in numbered(number, number + 5):
                simulator.log(message)
                expected.append((message, CATCH_UP))
        async with running(session, simulator, recorder, resume_point=resume_point) as (
            feed,
            task,
        ):
            await polling(recorder, simulator)
            await recorder.until(lambda: len(recorder.logs) >= len(expected))
            for message in numbered(number + 5, number + 10):
                simulator.log(message)
                expected.append((message, LogSource.POLL))
            await recorder.until(lambda: len(recorder.logs) >= len(expected))
            await audited(simulator, recorder, 2)
            task.cancel()
            await asyncio.wait({task})
            resume_point = await restarted(feed)
    assert recorder.logs == expected


@pytest.mark.parametrize("fault", ["rest_status", "logs_status", "rest_never"])
async def test_failing_requests_of_a_polled_project(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    fault: str,
) -> None:
    """Logs during failures are caught up, later ones polled."""
    simulator.retire()
    async with running(session, simulator, recorder) as (feed, _task):
        await polling(recorder, simulator)
        simulator.log("0")
        await recorder.until(lambda: recorder.messages == ["0"])
        setattr(simulator.faults, fault, True if fault == "rest_never" else 503)
        await recorder.until(lambda: not feed.connected)
        simulator.log("1")
        simulator.faults.clear()
        await recorder.until(lambda: len(recorder.logs) == 2)
        await polling(recorder, simulator)
        simulator.log("2")
        await recorder.until(lambda: len(recorder.logs) == 3)
    assert recorder.logs == [
        ("0", LogSource.POLL),
        ("1", CATCH_UP),
        ("2", LogSource.POLL),
    ]


async def test_first_start_of_a_polled_project(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Logs after the first start are polled, not caught up."""
    simulator.retire()
    simulator.log("history")
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        simulator.log("0")
        await recorder.until(lambda: bool(recorder.logs))
    assert recorder.logs == [("0", LogSource.POLL)]
