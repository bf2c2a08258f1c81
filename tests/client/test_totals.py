"""Test that wrong totals of REST lose no log."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final

import aiohttp
import pytest

from custom_components.golioth.client import Transport, format_timestamp
from tests.simulator import GoliothSimulator

from .feeds import Recorder, running
from .test_delivery import audited, now_ns, numbered, outage, streaming

_RANDOM: Final = Random(16)  # noqa: S311

TOTALS: Final[dict[str, Callable[[int, int], int | None]]] = {
    "zero": lambda _total, _listed: 0,
    "capped": lambda _total, _listed: 10_000,
    "project_wide": lambda _total, _listed: 123_457,
    "random": lambda _total, _listed: _RANDOM.randrange(2_000),
    "absent": lambda _total, _listed: None,
    "listed": lambda _total, listed: listed,
    "too_many": lambda total, _listed: total + 7,
    "too_few": lambda total, _listed: max(0, total - 7),
}

# Three times as many as one answer holds; such a gap takes some ten requests.
LOGS: Final = 300
MAX_REQUESTS: Final = 100


@pytest.mark.parametrize("total", TOTALS.values(), ids=TOTALS)
async def test_gap_with_any_total(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    total: Callable[[int, int], int | None],
) -> None:
    """Logs of a gap are delivered once, in few requests."""
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        simulator.log("0")
        await recorder.until(lambda: recorder.messages == ["0"])
        async with outage(simulator):
            start = now_ns(simulator) - 60_000_000_000
            for number in range(1, LOGS):
                moment = format_timestamp(start + number * 100_000_000)
                simulator.log(str(number), timestamp=moment)
        simulator.faults.log_total = total
        requests = len(simulator.requests)
        await recorder.until(lambda: len(recorder.logs) >= LOGS)
        await streaming(feed, recorder)
        asked = [each for each in simulator.requests[requests:] if each.status == 200]
        assert len(asked) < MAX_REQUESTS
        await audited(simulator, recorder, 1)
        assert feed.unreadable == 0
    assert Counter(recorder.messages) == Counter(numbered(0, LOGS))


@pytest.mark.parametrize("total", TOTALS.values(), ids=TOTALS)
async def test_polls_with_any_total(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    total: Callable[[int, int], int | None],
) -> None:
    """Polled logs since the first start are delivered once."""
    simulator.retire()
    simulator.faults.log_total = total
    async with running(session, simulator, recorder, poll_interval=0.5) as (
        feed,
        _task,
    ):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        requests = len(simulator.requests)
        for message in numbered(0, LOGS):
            simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) >= LOGS)
        assert len(simulator.requests) - requests < MAX_REQUESTS
        simulator.log(str(LOGS))
        await recorder.until(lambda: len(recorder.logs) > LOGS)
        await audited(simulator, recorder, 3)
        assert feed.unreadable == 0
    assert recorder.messages == numbered(0, LOGS + 1)


@pytest.mark.parametrize("total", TOTALS.values(), ids=TOTALS)
async def test_audit_with_any_total(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    total: Callable[[int, int], int | None],
) -> None:
    """An audit finds a missed log, and repeats none."""
    simulator.faults.log_total = total
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        for message in numbered(0, 30):
            simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) == 30)
        simulator.mute()
        simulator.log("30")
        simulator.resume()
        await recorder.until(lambda: len(recorder.logs) >= 31)
        await audited(simulator, recorder, 1)
        assert feed.found_by_audit == 1
    assert Counter(recorder.messages) == Counter(numbered(0, 31))
