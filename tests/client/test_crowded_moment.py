"""Tests of one millisecond that has more than an answer can show."""

from itertools import product
from typing import Final

import pytest

from custom_components.golioth.client.crowded_moment import CrowdedMoment, Moment
from custom_components.golioth.client.exceptions import GoliothUnreadableError
from custom_components.golioth.client.models import LogEntry
from custom_components.golioth.client.rest import LogWindow
from custom_components.golioth.client.slice_width import AnswerSize
from custom_components.golioth.client.timestamps import SECOND

from .logs import NOW, log

# The first nanosecond that has a log.
FIRST: Final = 123_456

# How a service counts the start and the end of what it is asked for.
BOUNDS: Final = list(product([True, False], repeat=2))


class Service:
    """A service with some logs, of which no answer can have some."""

    def __init__(self, *, counts_start: bool, counts_end: bool) -> None:
        """Start without logs."""
        self.logs: list[LogEntry] = []
        self.unreadable: set[int] = set()
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
        first = start_ns + (not self._counts_start)
        last = end_ns - (not self._counts_end)
        if level in {None, "info"} and any(
            first <= time <= last for time in self.unreadable
        ):
            raise GoliothUnreadableError("The answer is too long")
        entries = [
            entry
            for entry in self.logs
            if first <= (entry.timestamp_ns or 0) <= last
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
