"""Test that a long gap is filled in bounded memory.

It is an hour long, with 200 logs a second.
"""

import asyncio
import resource
from typing import override

import aiohttp
import pytest

from custom_components.golioth.client import (
    LogEntry,
    LogFeed,
    LogSource,
    ResumePoint,
    format_timestamp,
)
from tests.simulator import GoliothSimulator

from .feeds import Recorder, running

RATE = 200
SECONDS = 3600
MEGABYTE = 1024 * 1024


class Counter(Recorder):
    """Counts logs, and observes how many the feed remembers."""

    def __init__(self) -> None:
        """Start at zero."""
        super().__init__()
        self.number = 0
        self.remembered = 0
        self.feed: LogFeed | None = None

    @override
    def on_log(self, entry: LogEntry, source: LogSource) -> None:
        """Count a log."""
        assert entry.message == str(self.number)
        self.number += 1
        if self.feed is not None and not self.number % 1000:
            self.remembered = max(self.remembered, self.feed.remembered)
        self._changed.set()


def peak_memory() -> int:
    """Return the peak memory of this process in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_hour_of_logs(
    session: aiohttp.ClientSession, simulator: GoliothSimulator
) -> None:
    """An hour of logs is delivered in bounded memory."""
    device = next(iter(simulator.devices))
    start = (
        simulator._clock() // 1_000_000_000 * 1_000_000_000 - SECONDS * 1_000_000_000
    )
    for number in range(RATE * SECONDS):
        simulator.send(
            {
                "timestamp": format_timestamp(start + number * 1_000_000_000 // RATE),
                "level": "INFO",
                "message": str(number),
                "deviceId": device,
            },
            streamed=False,
        )
    resume_point = ResumePoint(
        start, lambda: {"floor": start // 1_000_000_000, "holes": [], "seconds": {}}
    )
    counter = Counter()
    async with running(
        session,
        simulator,
        counter,
        resume_point=resume_point,
        catch_up_window=2 * SECONDS,
        audit_delay=1000,
    ) as (counter.feed, _task):
        async with asyncio.timeout(900):
            while counter.number < 20_000:
                counter._changed.clear()
                await counter._changed.wait()
            before = peak_memory()
            while counter.number < RATE * SECONDS:
                counter._changed.clear()
                await counter._changed.wait()
        grown = peak_memory() - before
    # The limit, the tenth above it that is forgotten next, and the slice under way.
    assert counter.remembered <= 33_000 + 1_000
    # The simulator in this process remembers 11,000 requests of some 400 bytes.
    assert grown < 40 * MEGABYTE
