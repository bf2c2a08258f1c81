"""Run feeds of the simulated service, and record them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from custom_components.golioth.client import (
    Clocks,
    Credential,
    Endpoint,
    FeedTiming,
    GoliothClient,
    GoliothError,
    HttpWire,
    LogEntry,
    LogFeed,
    LogSource,
    ResumePoint,
    Transport,
)
from tests.simulator import GoliothSimulator

# Seconds that only a failing test takes.
TIMEOUT = 50


class Recorder:
    """Records what a feed reports, and waits for it."""

    def __init__(self) -> None:
        """Start empty."""
        self.logs: list[tuple[str, LogSource]] = []
        self.entries: list[LogEntry] = []
        self.history: list[str] = []
        self.changes: list[GoliothError | None] = []
        self.gaps: list[tuple[int, int]] = []
        self.completeness: list[Transport | None] = []
        self.progress = 0
        self._changed = asyncio.Event()

    @property
    def messages(self) -> list[str]:
        """Return the messages of logs in order of delivery."""
        return [message for message, _source in self.logs]

    def on_log(self, entry: LogEntry, source: LogSource) -> None:
        """Record a log."""
        self.entries.append(entry)
        self.logs.append((entry.message, source))
        self._changed.set()

    def on_history(self, entry: LogEntry) -> None:
        """Record a log from before the first start."""
        self.history.append(entry.message)
        self._changed.set()

    def on_connection_change(self, reason: GoliothError | None) -> None:
        """Record a change of the connection."""
        self.changes.append(reason)
        self._changed.set()

    def on_gap(self, start_ns: int, end_ns: int) -> None:
        """Record a gap."""
        self.gaps.append((start_ns, end_ns))
        self._changed.set()

    def on_complete(self, transport: Transport, _until: float) -> None:
        """Record that everything was delivered."""
        self.completeness.append(transport)
        self._changed.set()

    def on_incomplete(self) -> None:
        """Record that logs may be missing."""
        self.completeness.append(None)
        self._changed.set()

    def on_progress(self) -> None:
        """Count reports of progress."""
        self.progress += 1
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on the records holds."""
        async with asyncio.timeout(TIMEOUT):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def running(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    *,
    resume_point: ResumePoint | None = None,
    poll_interval: float = 0.2,
    catch_up_window: float = 3600,
    clocks: Clocks | None = None,
    **timing: Any,
) -> AsyncIterator[tuple[LogFeed, asyncio.Task[None]]]:
    """Run a feed with a hundredth of its usual waits."""
    client = GoliothClient(
        HttpWire(session),
        Endpoint(simulator.url, simulator.project_id, Credential(simulator.api_key)),
        rest_timeout=2,
        clocks=clocks,
        timing=FeedTiming(
            **{
                "settling_time": 0.02,
                "shortest_wait": 0.01,
                "longest_random_wait": 0.35,
                "request_interval": 0.0,
                "audit_delay": 0.3,
                "audit_interval": 3.0,
                "audit_grace": 0.1,
                "rest_patience": 0.3,
                **timing,
            }
        ),
    )
    feed = client.feed(
        recorder,
        resume_point=resume_point,
        poll_interval=poll_interval,
        catch_up_window=catch_up_window,
        device_ids=lambda: simulator.devices,
    )
    task = asyncio.create_task(feed.run())
    try:
        yield feed, task
    finally:
        task.cancel()
        await asyncio.wait({task})
