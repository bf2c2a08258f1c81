"""Test storages that were written by a wrong clock."""

from collections import Counter
from typing import Any, Final

import aiohttp
import pytest

from custom_components.golioth.client import ResumePoint, Transport, format_timestamp
from tests.simulator import GoliothSimulator

from .clocks import SteppedClocks
from .feeds import Recorder, running
from .test_delivery import MINUTE, audited, now_ns, numbered, streaming

SECOND: Final = 1_000_000_000
DAY: Final = 86_400


def stored(
    time_ns: int, floor: int, ranges: list[list[int]], counts: list[int | None]
) -> ResumePoint:
    """Return a resume point as restored from storage."""
    delivered: dict[str, Any] = {"floor": floor, "holes": ranges, "seconds": {}}
    if counts:
        delivered["hole_counts"] = counts
    resume_point = ResumePoint.from_dict({"time_ns": time_ns, "delivered": delivered})
    assert resume_point is not None
    return resume_point


@pytest.mark.parametrize("retired", [False, True], ids=["streaming", "polling"])
@pytest.mark.parametrize("is_time_right", [True, False], ids=["right", "future"])
@pytest.mark.parametrize("years", [1 / 365, 1, 100])
async def test_floor_of_the_future(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    retired: bool,
    is_time_right: bool,
    years: float,
) -> None:
    """A floor from the future stops no delivery."""
    if retired:
        simulator.retire()
    now = now_ns(simulator)
    floor = now // SECOND + int(years * 365 * DAY)
    time_ns = now - MINUTE if is_time_right else floor * SECOND
    # If the stored time is right, all logs since then are new.
    sent = now - 30 * SECOND if is_time_right else now
    simulator.log("0", timestamp=format_timestamp(sent))
    resume_point = stored(time_ns, floor, [], [])
    async with running(session, simulator, recorder, resume_point=resume_point) as (
        feed,
        _task,
    ):
        await recorder.until(lambda: recorder.messages == ["0"])
        await recorder.until(lambda: feed.connected)
        for message in numbered(1, 30):
            simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) >= 30)
        await audited(simulator, recorder, 2)
    assert Counter(recorder.messages) == Counter(numbered(0, 30))


@pytest.mark.parametrize("counts", [[], [5], [None]], ids=["old", "counted", "unknown"])
@pytest.mark.parametrize("retired", [False, True], ids=["streaming", "polling"])
async def test_untracked_range_of_the_future(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    retired: bool,
    counts: list[int | None],
) -> None:
    """A range that ends in the future stops no delivery."""
    if retired:
        simulator.retire()
    now = now_ns(simulator)
    second = now // SECOND
    simulator.log("0", timestamp=format_timestamp(now - 30 * SECOND))
    resume_point = stored(
        now - MINUTE, second - 360, [[second + 1, second + 3650 * DAY]], counts
    )
    async with running(session, simulator, recorder, resume_point=resume_point) as (
        feed,
        _task,
    ):
        await recorder.until(lambda: recorder.messages == ["0"])
        if retired:
            await recorder.until(lambda: feed.transport is Transport.POLLING)
        else:
            await streaming(feed, recorder)
        # A time in the range.
        moment = now + 3 * SECOND
        simulator.mute()
        for message in numbered(1, 30):
            simulator.log(message, timestamp=format_timestamp(moment))
        simulator.resume()
        await recorder.until(lambda: len(recorder.logs) >= 30)
        await audited(simulator, recorder, 2)
    assert Counter(recorder.messages) == Counter(numbered(0, 30))


async def test_range_that_is_checked_later(
    session: aiohttp.ClientSession,
    recorder: Recorder,
    socket_enabled: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A range is checked later, however many logs follow it."""
    monkeypatch.setattr("custom_components.golioth.client.progress._MAX_DELIVERED", 100)
    clocks = SteppedClocks()
    async with GoliothSimulator(clock=clocks.service_ns) as simulator:
        second = now_ns(simulator) // SECOND
        for message in numbered(0, 8):
            moment = format_timestamp((second - 30) * SECOND)
            simulator.log(message, timestamp=moment)
        resume_point = stored(
            second * SECOND, second - 360, [[second - 40, second - 20]], [5]
        )
        async with running(
            session,
            simulator,
            recorder,
            resume_point=resume_point,
            clocks=clocks.host,
            audit_interval=0.3,
        ) as (feed, _task):
            await streaming(feed, recorder)
            for number, message in enumerate(numbered(0, 300)):
                moment = format_timestamp((second - 10 + number // 60) * SECOND)
                simulator.log(message, timestamp=moment)
            await recorder.until(lambda: len(recorder.logs) == 300)
            await audited(simulator, recorder, 3)
            assert not recorder.gaps
            clocks.sleep(400)
            await recorder.until(lambda: bool(recorder.gaps))
    assert recorder.gaps == [((second - 40) * SECOND, (second - 20) * SECOND)]
    assert Counter(recorder.messages) == Counter(numbered(0, 300))
