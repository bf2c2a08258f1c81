"""Test that all logs of a crowded millisecond are found.

However the service counts bounds.
"""

import asyncio
from itertools import pairwise, permutations, product
from typing import Final, NamedTuple

from hypothesis import example, given, settings, strategies as st
import pytest

from custom_components.golioth.client.answer_size import AnswerSize
from custom_components.golioth.client.crowded_moment import CrowdedMoment
from custom_components.golioth.client.delivered import DeliveredLogs
from custom_components.golioth.client.exceptions import (
    GoliothConnectionError,
    GoliothUnreadableError,
)
from custom_components.golioth.client.log_window import LogWindow
from custom_components.golioth.client.models import LogEntry
from custom_components.golioth.client.pacing import RequestPace
from custom_components.golioth.client.same_time import Moment
from custom_components.golioth.client.span_reader import SpanReader
from custom_components.golioth.client.timestamps import MILLISECOND, SECOND

START: Final = 1_764_440_259_000 * MILLISECOND
DEVICES: Final = ("one", "two")
LIMIT: Final = 20

# Whether a service counts in the start of a request, and its end.
BOUNDS: Final = tuple(product((True, False), repeat=2))


class Log(NamedTuple):
    """A log of a service."""

    offset: int
    """Nanoseconds after the start of the millisecond."""
    device: str
    level: str
    is_unreadable: bool


class Service:
    """A service with some unreadable logs."""

    def __init__(
        self,
        logs: list[Log],
        *,
        counts_start: bool,
        counts_end: bool,
        cuts: bool,
        has_total: bool,
    ) -> None:
        """Set the logs, and how the service answers."""
        self.requests = 0
        self.is_down = False
        # Requests at which it begins to count in other bounds: start and end.
        self.changes: dict[int, tuple[bool, bool]] = {}
        self._logs = sorted(enumerate(logs), key=lambda each: each[1].offset)
        self._counts_start = counts_start
        self._counts_end = counts_end
        self._cuts = cuts
        self._has_total = has_total

    async def logs(
        self,
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Answer a request."""
        self.requests += 1
        assert self.requests < 1_000
        if self.requests in self.changes:
            self._counts_start, self._counts_end = self.changes[self.requests]
        assert start_ns is not None
        assert end_ns is not None
        if self.is_down and device_id is None and end_ns <= START:
            raise GoliothConnectionError("down")
        first = start_ns - START + (not self._counts_start)
        last = end_ns - START - (not self._counts_end)
        found = [
            (number, log)
            for number, log in self._logs
            if first <= log.offset <= last
            and device_id in {None, log.device}
            and level in {None, log.level}
        ]
        listed = found[-LIMIT:]
        if any(log.is_unreadable for _, log in listed):
            raise GoliothUnreadableError("unreadable")
        return LogWindow(
            [self._entry(number, log) for number, log in listed],
            len(found) if self._has_total else None,
            LIMIT,
            [],
            0,
        )

    def _entry(self, number: int, log: Log) -> LogEntry:
        time_ns = START + log.offset
        if self._cuts:
            time_ns -= time_ns % MILLISECOND
        return LogEntry(
            str(time_ns),
            time_ns,
            "LOGGING",
            log.level,
            "",
            "",
            str(number),
            {},
            log.device,
        )


def read(service: Service) -> Moment:
    """Read the millisecond after an unreadable answer."""
    crowded = CrowdedMoment(service.logs, AnswerSize(), lambda: DEVICES)
    return asyncio.run(crowded.read(START, LogWindow.unreadable()))


# Adjacent times, on the bounds of the millisecond, and on microseconds.
offsets = st.integers(0, 3).map(lambda each: 301_411 + each) | st.sampled_from(
    (-1, 0, 1, 250_000, 499_999, 500_000, 999_000, 999_998, 999_999, 1_000_000)
)
logs = st.lists(
    st.builds(
        Log,
        offsets,
        st.sampled_from(DEVICES),
        st.sampled_from(("debug", "error")),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(
    logs=logs,
    unreadable=st.integers(1, 999_998),
    counts_start=st.booleans(),
    counts_end=st.booleans(),
    cuts=st.booleans(),
    has_total=st.booleans(),
)
def test_logs_beside_unreadable_ones(
    logs: list[Log],
    unreadable: int,
    counts_start: bool,
    counts_end: bool,
    cuts: bool,
    has_total: bool,
) -> None:
    """Logs that differ from unreadable ones are found.

    They differ in time, device or level.
    """
    logs = [*logs, Log(unreadable, "one", "debug", is_unreadable=True)]
    service = Service(
        logs,
        counts_start=counts_start,
        counts_end=counts_end,
        cuts=cuts,
        has_total=has_total,
    )
    moment = read(service)
    hidden = {each[:3] for each in logs if each.is_unreadable}
    expected = [
        number
        for number, log in enumerate(logs)
        if 0 <= log.offset < MILLISECOND and log[:3] not in hidden
    ]
    found = [int(each.message) for each in moment.entries]
    assert sorted(found) == expected
    times = [logs[number].offset for number in found]
    assert all(first <= second for first, second in pairwise(times))
    # Logs of the adjacent nanoseconds may be counted as well.
    inside = {each for each in hidden if 0 <= each[0] < MILLISECOND}
    assert len(inside) <= moment.missing <= len(hidden)
    assert service.requests <= 50 * len({each[0] for each in hidden}) + 10


@pytest.mark.parametrize(("before", "after"), permutations(BOUNDS, 2))
@pytest.mark.parametrize("lasts", [60, 1_000])
def test_bounds_that_are_counted_no_longer(
    before: tuple[bool, bool], after: tuple[bool, bool], lasts: int
) -> None:
    """Whenever bounds change, each log is found once or missing."""
    logs = [
        Log(301_411 + number, "one", "debug", is_unreadable=number in {3, 5, 6, 9})
        for number in range(12)
    ]

    def read_with(changes: dict[int, tuple[bool, bool]]) -> int:
        service = Service(
            logs,
            counts_start=before[0],
            counts_end=before[1],
            cuts=False,
            has_total=True,
        )
        service.changes = changes
        moment = read(service)
        found = {each.message for each in moment.entries}
        assert len(found) == len(moment.entries)
        assert len(found) + moment.missing >= len(logs)
        return service.requests

    undisturbed = read_with({})
    for changes_at in range(1, undisturbed + 1):
        read_with({changes_at: after, changes_at + lasts: before})


@settings(max_examples=100, deadline=None)
@given(
    crowds=st.lists(
        st.tuples(
            st.sampled_from((301_411, 700_123)).flatmap(
                lambda first: st.integers(first, first + 60)
            ),
            st.sampled_from(("one", "two", "three", "few1", "few2", "few3")),
            st.sampled_from(("debug", "error")),
            # More equal ones than an answer holds could not be separated.
            st.integers(1, LIMIT - 1),
        ),
        min_size=4,
        max_size=40,
        unique_by=lambda crowd: crowd[:3],
    ),
    counts_start=st.booleans(),
    counts_end=st.booleans(),
    cuts=st.booleans(),
    has_total=st.booleans(),
)
@example(  # No answer for the level holds the log of "few1".
    crowds=[
        (301_411, "few1", "debug", 1),
        (301_411, "one", "debug", 15),
        (301_411, "two", "debug", 15),
        *((700_123 + each, "one", "debug", 1) for each in range(LIMIT)),
    ],
    counts_start=True,
    counts_end=False,
    cuts=True,
    has_total=False,
)
def test_logs_close_together(
    crowds: list[tuple[int, str, str, int]],
    counts_start: bool,
    counts_end: bool,
    cuts: bool,
    has_total: bool,
) -> None:
    """Each log is found once, whatever bounds and times."""
    logs = [
        Log(offset, device, level, is_unreadable=False)
        for offset, device, level, number in crowds
        for _ in range(number)
    ]
    service = Service(
        logs,
        counts_start=counts_start,
        counts_end=counts_end,
        cuts=cuts,
        has_total=has_total,
    )
    devices = {log.device for log in logs}
    crowded = CrowdedMoment(service.logs, AnswerSize(), lambda: devices)

    async def read() -> Moment:
        window = await service.logs(START - 1, START + MILLISECOND)
        return await crowded.read(START, window)

    moment = asyncio.run(read())
    found = sorted(int(each.message) for each in moment.entries)
    assert found == list(range(len(logs)))
    assert not moment.missing


async def test_devices_that_are_not_asked() -> None:
    """Logs count as missing where devices are too many."""
    devices = [f"{each:03}" for each in range(300)]
    service = Service(
        [Log(0, device, "debug", is_unreadable=False) for device in devices],
        counts_start=True,
        counts_end=False,
        cuts=False,
        has_total=False,
    )
    crowded = CrowdedMoment(service.logs, AnswerSize(), lambda: devices)
    window = await service.logs(START, START + MILLISECOND)
    moment = await crowded.read(START, window)
    assert LIMIT < len(moment.entries) < len(devices)
    assert moment.missing


async def test_unreadable_logs_of_one_second() -> None:
    """Known unreadable logs of one second are not requested again."""
    offsets = (0, MILLISECOND, 5 * MILLISECOND, 6 * MILLISECOND + 7)
    service = Service(
        [Log(each, "one", "debug", is_unreadable=True) for each in offsets],
        counts_start=True,
        counts_end=False,
        cuts=False,
        has_total=True,
    )
    unreadable: list[int] = []
    reader = SpanReader(
        service,
        logs=DeliveredLogs(),
        device_ids=lambda: DEVICES,
        on_answer=lambda: None,
        on_missing=unreadable.append,
        pace=RequestPace(0.0),
    )
    await reader.read(START - SECOND, START + 2 * SECOND, 100, complete_before=START)
    assert sum(unreadable) == len(offsets)
    service.requests = 0
    await reader.read(START - SECOND, START + 2 * SECOND, 100, complete_before=START)
    assert service.requests <= 2 * len(offsets)
    assert sum(unreadable) == len(offsets)


async def test_reading_that_fails_beside_an_unreadable_log() -> None:
    """Logs of a failed read are kept for the next."""
    service = Service(
        [
            Log(-SECOND // 2, "one", "debug", is_unreadable=False),
            Log(301_411, "one", "debug", is_unreadable=False),
            Log(301_412, "one", "debug", is_unreadable=True),
        ],
        counts_start=False,
        counts_end=True,
        cuts=False,
        has_total=False,
    )
    logs = DeliveredLogs()
    missing: list[int] = []
    reader = SpanReader(
        service,
        logs=logs,
        device_ids=lambda: DEVICES,
        on_answer=lambda: None,
        on_missing=missing.append,
        pace=RequestPace(0),
    )
    start, end = START - SECOND, START + SECOND
    service.is_down = True
    with pytest.raises(GoliothConnectionError):
        await reader.read(start, end, 100, complete_before=end)
    service.is_down, service.requests = False, 0
    for expected in (["0", "1"], []):
        reading = await reader.read(start, end, 100, complete_before=end)
        new = [entry.message for entry in logs.add_read(reading.entries)]
        assert new == expected
    assert missing == [1]
    assert service.requests < 20
