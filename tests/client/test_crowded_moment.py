"""Tests of one millisecond that has more than an answer can show."""

from itertools import product
from typing import Final

from hypothesis import example, given, settings, strategies as st
import pytest

from custom_components.golioth.client.crowded_moment import CrowdedMoment, Moment
from custom_components.golioth.client.exceptions import GoliothUnreadableError
from custom_components.golioth.client.models import LogEntry
from custom_components.golioth.client.rest import LogWindow
from custom_components.golioth.client.slice_width import AnswerSize
from custom_components.golioth.client.timestamps import MILLISECOND, SECOND

from .logs import NOW, log

# The first nanosecond that has a log.
FIRST: Final = 123_456

# More questions than any millisecond is worth.
MAX_REQUESTS: Final = 600

# How a service counts the start and the end of what it is asked for.
BOUNDS: Final = list(product([True, False], repeat=2))


class Service:
    """A service with some logs, of which no answer can have some."""

    def __init__(self, *, counts_start: bool, counts_end: bool, unit: int = 1) -> None:
        """Start without logs; times are shown as multiples of so many nanoseconds."""
        self.logs: list[LogEntry] = []
        self.unreadable: set[int] = set()
        self.requests = 0
        self._unit = unit
        self._counts_start = counts_start
        self._counts_end = counts_end

    async def ask(
        self,
        start_ns: int,
        end_ns: int,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Answer as `SpanReader.ask` does."""
        self.requests += 1
        assert self.requests <= MAX_REQUESTS
        first = start_ns + (not self._counts_start)
        last = end_ns - (not self._counts_end)
        if level in {None, "info"} and any(
            first <= time <= last for time in self.unreadable
        ):
            raise GoliothUnreadableError("The answer is too long")
        entries = [
            entry._replace(timestamp_ns=time_ns - time_ns % self._unit)
            for entry in self.logs
            if first <= (time_ns := entry.timestamp_ns or 0) <= last
            and device_id in {None, entry.device_id}
            and level in {None, entry.level}
        ]
        return LogWindow(entries, len(entries), 100, [], 0)


async def read(service: Service) -> Moment:
    """Read the millisecond, which is known to be unreadable as a whole."""
    reader = CrowdedMoment(service.ask, AnswerSize(), lambda: ["device"])
    return await reader.read(NOW * SECOND, LogWindow.unreadable())


@pytest.mark.parametrize(("counts_start", "counts_end"), BOUNDS)
async def test_logs_beside_unreadable_ones(
    *, counts_start: bool, counts_end: bool
) -> None:
    """Each readable log is found, whatever of the nanoseconds beside it is unreadable."""
    for kinds in product(["unreadable", "nothing", "readable"], repeat=4):
        service = Service(counts_start=counts_start, counts_end=counts_end)
        for nanosecond, kind in enumerate(kinds, FIRST):
            if kind == "unreadable":
                service.unreadable.add(NOW * SECOND + nanosecond)
            elif kind == "readable":
                service.logs.append(log(str(nanosecond), nanosecond=nanosecond))
        found = await read(service)
        assert found.entries == service.logs, kinds
        unreadable = len(service.unreadable)
        # A bound that is counted in twice may be counted twice.
        is_vague = counts_start and counts_end
        assert found.missing == unreadable or (
            is_vague and found.missing > unreadable
        ), kinds


@pytest.mark.parametrize("unit", [1, 1_000, MILLISECOND])
@pytest.mark.parametrize(("counts_start", "counts_end"), BOUNDS)
@settings(max_examples=30, deadline=None, derandomize=True)
@example(unreadable=621_361, others=[])
# On the microsecond that a bound is moved off.
@example(unreadable=252_000, others=[])
@example(unreadable=252_000, others=[761_000])
@given(
    unreadable=st.integers(0, MILLISECOND - 1),
    others=st.lists(st.integers(0, MILLISECOND - 1), max_size=5, unique=True),
)
async def test_unreadable_log_is_counted(
    *,
    counts_start: bool,
    counts_end: bool,
    unit: int,
    unreadable: int,
    others: list[int],
) -> None:
    """Whatever the service shows of a time, the others are found as well."""
    service = Service(counts_start=counts_start, counts_end=counts_end, unit=unit)
    service.unreadable.add(NOW * SECOND + unreadable)
    service.logs = [
        log(str(each), nanosecond=each)
        for each in sorted(others)
        # A bound beside it cannot be told from the log itself.
        if abs(each - unreadable) > 2
    ]
    found = await read(service)
    assert [each.message for each in found.entries] == [
        each.message for each in service.logs
    ]
    # A bound that is counted in twice may be counted twice.
    assert found.missing in ({1, 2} if counts_start and counts_end else {1})
