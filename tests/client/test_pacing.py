"""Test the pace of requests, tries and work."""

import asyncio
from random import Random
from typing import override

from hypothesis import given, strategies as st
import pytest

from custom_components.golioth.client.exceptions import (
    GoliothConnectionError,
    GoliothError,
    GoliothTimeoutError,
)
from custom_components.golioth.client.pacing import (
    SLICE,
    BackOff,
    FeedTiming,
    RequestPace,
    Retirement,
    in_slices,
)


class Longest(Random):
    """A random source that always returns the maximum."""

    @override
    def uniform(self, a: float, b: float) -> float:
        """Return the upper bound."""
        return b


class Shortest(Random):
    """A random source that always returns the minimum."""

    @override
    def uniform(self, a: float, b: float) -> float:
        """Return the lower bound."""
        return a


@pytest.mark.parametrize(
    ("failures", "shortest", "longest"),
    [(0, 1.5, 2), (1, 2, 3), (2, 3, 5), (5, 17, 33), (6, 18.5, 36), (10**9, 18.5, 36)],
)
def test_bounds_of_a_wait(failures: int, shortest: float, longest: float) -> None:
    """A wait is a second plus a random, doubling time.

    It is between half and all of that time, which is up to 35 s.
    """
    timing = FeedTiming()
    reason = GoliothConnectionError("")
    assert BackOff(timing, Shortest()).wait_after(failures, reason) == shortest
    assert BackOff(timing, Longest()).wait_after(failures, reason) == longest


@pytest.mark.parametrize(
    ("reason", "required"),
    [
        (GoliothConnectionError(""), 0),
        (GoliothConnectionError("", retry_after=90), 90),
        (GoliothConnectionError("", retry_after=1e9), 600),
        (GoliothTimeoutError(""), 0),
        (GoliothError(""), 0),
    ],
)
def test_wait_that_was_asked_for(reason: GoliothError, required: float) -> None:
    """The wait that a service asks for is capped."""
    back_off = BackOff(FeedTiming(), Longest())
    assert back_off.requested_wait(reason) == required
    assert back_off.wait_after(0, reason) == max(required, 2)


def test_retirement() -> None:
    """Three answers over five minutes retire a way in."""
    retirement = Retirement(FeedTiming())
    assert retirement.wait_after(True, 1_000) is None
    assert retirement.wait_after(True, 1_001) is None
    # Three answers, but within too short a time.
    assert retirement.wait_after(True, 1_299) is None
    waits = [retirement.wait_after(True, 1_300 + number) for number in range(5)]
    assert waits == [600, 3_600, 14_400, 14_400, 14_400]


def test_long_ago_is_not_enough() -> None:
    """Two answers do not retire, however far apart."""
    retirement = Retirement(FeedTiming())
    assert retirement.wait_after(True, 0) is None
    assert retirement.wait_after(True, 100_000) is None
    assert retirement.wait_after(True, 100_001) == 600


def test_another_answer_begins_the_count_again() -> None:
    """Any other answer restarts the count."""
    retirement = Retirement(FeedTiming())
    for start in (0, 10_000):
        waits = [retirement.wait_after(True, start + each) for each in (0, 200, 400)]
        assert waits == [None, None, 600]
        assert retirement.wait_after(False, start + 500) is None


@pytest.fixture
def loop_clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the loop's clock by one that only sleeping moves.

    Returns:
        The times until which it slept.
    """
    now = 100.0
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        assert seconds > 0
        now += seconds
        slept.append(now)

    class Loop:
        def time(self) -> float:
            return now

    monkeypatch.setattr(asyncio, "get_running_loop", Loop)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return slept


def run_alone(turns: int, interval: float) -> None:
    """Wait for some turns, without an event loop."""
    pace = RequestPace(interval)
    for _ in range(turns):
        with pytest.raises(StopIteration):
            pace.wait_for_turn().send(None)


def test_pace(loop_clock: list[float]) -> None:
    """Requests are an interval apart, the first at once."""
    run_alone(5, 0.5)
    assert loop_clock == [100.5, 101, 101.5, 102]


def test_pace_of_zero(loop_clock: list[float]) -> None:
    """Without an interval, requests do not wait."""
    run_alone(100, 0)
    assert not loop_clock


async def test_pace_of_many_at_once() -> None:
    """Concurrent callers share the pace."""
    pace = RequestPace(0.02)
    loop = asyncio.get_running_loop()
    times = []

    async def ask() -> None:
        for _ in range(3):
            await pace.wait_for_turn()
            times.append(loop.time())

    await asyncio.gather(*(ask() for _ in range(5)))
    assert len(times) == 15
    # A caller that wakes up late does not delay those that wait.
    assert all(
        time - times[0] >= number * 0.02 - 0.001
        for number, time in enumerate(sorted(times))
    )


async def test_pace_after_one_that_was_cancelled() -> None:
    """A cancelled turn delays others by at most one interval."""
    pace = RequestPace(0.05)
    await pace.wait_for_turn()
    waiting = asyncio.create_task(pace.wait_for_turn())
    await asyncio.sleep(0)
    waiting.cancel()
    loop = asyncio.get_running_loop()
    started = loop.time()
    await pace.wait_for_turn()
    assert loop.time() - started < 5


@given(numbers=st.lists(st.integers(), max_size=20))
def test_slices_keep_everything(numbers: list[int]) -> None:
    """All items are yielded in order."""

    async def collect() -> list[int]:
        return [number async for number in in_slices(numbers)]

    assert asyncio.run(collect()) == numbers


async def test_slices_yield_to_the_loop() -> None:
    """Long work yields to the event loop."""
    loop = asyncio.get_running_loop()
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    others = asyncio.create_task(take_turns())
    async for _ in in_slices(range(5)):
        end = loop.time() + SLICE
        while loop.time() < end:
            pass
    others.cancel()
    assert turns >= 4


async def test_short_work_does_not_yield() -> None:
    """Work shorter than a slice does not yield."""
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    others = asyncio.create_task(take_turns())
    async for _ in in_slices(range(3)):
        pass
    assert not turns
    others.cancel()
