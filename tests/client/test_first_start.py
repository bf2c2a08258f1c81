"""Test the first start while REST cannot read logs."""

from collections import Counter

import aiohttp
import pytest

from custom_components.golioth.client import Transport, format_timestamp
from tests.simulator import GoliothSimulator

from .feeds import Recorder, running
from .test_delivery import audited, now_ns, numbered, streaming, traffic


@pytest.mark.parametrize("fault", ["times_out", "fails"])
async def test_logs_that_are_streamed_meanwhile(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    fault: str,
) -> None:
    """Streamed logs are delivered once; history is only shown."""
    for number in range(7):
        moment = format_timestamp(now_ns(simulator) - (20 - number) * 1_000_000_000)
        simulator.log(f"history {number}", timestamp=moment)
    if fault == "times_out":
        simulator.faults.logs_never = True
    else:
        simulator.faults.logs_status = 503
    async with running(session, simulator, recorder, audit_interval=0.3) as (feed, _):
        await simulator.wait_for_streams(1)
        async with traffic(simulator, 0, rate=100) as next_number:
            await recorder.until(lambda: feed.resume_point is not None)
            begun = len(recorder.logs)
            await recorder.until(lambda: len(recorder.logs) > begun + 50)
        sent = next_number()
        simulator.faults.clear()
        await streaming(feed, recorder)
        simulator.log(str(sent))
        await recorder.until(lambda: str(sent) in recorder.messages)
        await simulator.drop(None)
        await streaming(feed, recorder)
        await audited(simulator, recorder, 2)
    assert Counter(recorder.messages) == Counter(numbered(0, sent + 1))
    assert recorder.history[:7] == [f"history {number}" for number in range(7)]
    assert not recorder.gaps


@pytest.mark.parametrize("fault", ["times_out", "fails"])
async def test_polled_project(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    fault: str,
) -> None:
    """Without a stream, logs since the start are delivered once."""
    moment = format_timestamp(now_ns(simulator) - 20_000_000_000)
    simulator.log("history", timestamp=moment)
    simulator.retire()
    if fault == "times_out":
        simulator.faults.logs_never = True
    else:
        simulator.faults.logs_status = 503
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.resume_point is not None)
        for message in numbered(0, 30):
            simulator.log(message)
        simulator.faults.clear()
        simulator.retire()
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        await recorder.until(lambda: len(recorder.logs) >= 30)
        await audited(simulator, recorder, 4)
    assert recorder.messages == numbered(0, 30)
    assert recorder.history[:1] == ["history"]


async def test_history_that_cannot_be_read(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Unreadable history does not stop delivery or connection."""
    moment = format_timestamp(now_ns(simulator) - 20_000_000_000)
    simulator.log("history", timestamp=moment)
    simulator.retire()
    simulator.faults.logs_need_start = True
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        for message in numbered(0, 30):
            simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) >= 30)
        await recorder.until(lambda: bool(recorder.history))
        changes = len(recorder.changes)
        await audited(simulator, recorder, 4)
        assert len(recorder.changes) == changes
    assert recorder.messages == numbered(0, 30)
    assert recorder.history == ["history"]
