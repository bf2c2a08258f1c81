"""Test that saves stay cheap during a long gap."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
import json
import sys
from typing import Final

import aiohttp
import pytest

from custom_components.golioth.client import LogFeed, ResumePoint
from tests import GREENHOUSE_NODE
from tests.simulator import GoliothSimulator

from .clocks import SteppedClocks
from .feeds import Recorder, running
from .test_delivery import numbered, outage, streaming

HOURS: Final = 4
SECONDS: Final = HOURS * 3600

# Seconds of logs between two saves.
SAVE_INTERVAL: Final = 600

# Calls and iterations that a save may take per remembered log; it takes some 17.
MAX_STEPS: Final = 30

# An ID that no other monitoring tool of a test run uses.
_TOOL: Final = 4


@pytest.fixture
def clocks() -> SteppedClocks:
    """Return the clocks of the service and the host."""
    return SteppedClocks()


@pytest.fixture
async def simulator(
    socket_enabled: None, clocks: SteppedClocks
) -> AsyncIterator[GoliothSimulator]:
    """Run a service with a clock that the test moves."""
    async with GoliothSimulator(clock=clocks.service_ns) as simulator:
        simulator.add_device("greenhouse-node", device_id=GREENHOUSE_NODE)
        yield simulator


@contextmanager
def counted_steps() -> Iterator[Callable[[], int]]:
    """Count calls and iterations; yield a function returning them."""
    monitoring = sys.monitoring
    events = monitoring.events
    kinds = (events.PY_START, events.PY_RESUME, events.CALL, events.JUMP)
    number = 0

    def count(*_details: object) -> None:
        nonlocal number
        number += 1

    monitoring.use_tool_id(_TOOL, "counted_steps")
    try:
        for kind in kinds:
            monitoring.register_callback(_TOOL, kind, count)
        monitoring.set_events(_TOOL, sum(kinds))
        yield lambda: number
    finally:
        monitoring.set_events(_TOOL, 0)
        monitoring.free_tool_id(_TOOL)


def save(feed: LogFeed) -> tuple[ResumePoint, int]:
    """Save and restore; return the resume point and steps taken."""
    with counted_steps() as steps:
        resume_point = feed.resume_point
        assert resume_point is not None
        stored = resume_point.as_dict()
        taken = steps()
    text = json.dumps(stored)
    assert len(text) <= 256 * 1024
    restored = ResumePoint.from_dict(json.loads(text))
    assert restored is not None
    return restored, taken


async def test_hours_of_a_gap_that_cannot_be_filled(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    clocks: SteppedClocks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Saves stay cheap while REST is down for hours.

    There is a log a second. The gap is filled later.
    """
    # The hours must not count as a sleep of the host.
    monkeypatch.setattr("custom_components.golioth.client.feed._SLEEP", 1e9)
    async with running(
        session,
        simulator,
        recorder,
        clocks=clocks.host,
        catch_up_window=2 * SECONDS,
    ) as (feed, task):
        await streaming(feed, recorder)
        async with outage(simulator):
            for message in numbered(0, 20):
                simulator.log(message)
        simulator.faults.rest_status = 503
        await simulator.wait_for_streams(1)
        number = 20
        most = 0.0
        resume_point: ResumePoint | None = None
        while number < SECONDS:
            for message in numbered(number, number + SAVE_INTERVAL):
                clocks.sleep(1)
                simulator.log(message)
            number += SAVE_INTERVAL
            await recorder.until(lambda: len(recorder.logs) >= number - 20)  # noqa: B023
            resume_point, steps = save(feed)
            most = max(most, steps / feed.remembered)
        # The cost per remembered log does not grow.
        assert most <= MAX_STEPS
        task.cancel()
        await asyncio.wait({task})
    simulator.faults.clear()
    async with running(
        session,
        simulator,
        recorder,
        clocks=clocks.host,
        resume_point=resume_point,
        catch_up_window=2 * SECONDS,
    ) as (feed, _task):
        await recorder.until(lambda: len(recorder.logs) >= number)
        await streaming(feed, recorder)
    assert Counter(recorder.messages) == Counter(numbered(0, number))
    assert not recorder.gaps
