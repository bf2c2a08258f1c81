"""Reports logs that were lost and will not be read."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol

from .coverage import Coverage
from .delivered import DeliveredLogs, UntrackedRange
from .span_reader import SpanReader
from .timestamps import SECOND, align_up, start_of_second


class GapListener(Protocol):
    """Takes what was lost."""

    def on_gap(self, start_ns: int, end_ns: int) -> None:
        """Report a span, in nanoseconds since 1970, of which logs were not delivered."""

    def on_settled(self) -> None:
        """Note that there is progress worth saving."""


class LostLogs:
    """Compares what the service has with what was delivered, where it is not read."""

    def __init__(
        self,
        *,
        coverage: Coverage,
        logs: DeliveredLogs,
        reader: SpanReader,
        listener: GapListener,
        window: float,
    ) -> None:
        """Prepare, without a request.

        Args:
            coverage: What was surely delivered.
            logs: What was delivered of late.
            reader: Reads a span of time.
            listener: Takes what was lost.
            window: Seconds that a gap may reach back: what lies before is lost.
        """
        self._coverage = coverage
        self._logs = logs
        self._reader = reader
        self._listener = listener
        self._window = window

    async def give_up(self, now: int) -> None:
        """Report what lies before the catch-up window, and go on from there."""
        coverage, logs = self._coverage, self._logs
        earliest = coverage.lost_before(now, self._window)
        if earliest is None:
            return
        assert coverage.resume_time is not None
        start = max(coverage.start_of_read(), logs.floor * SECOND)
        # What a stream delivered, and what was read before, is apart from what was not.
        # In whole seconds, because of these it is known how many logs were delivered.
        resume_second = start_of_second(coverage.resume_time)
        bounds = {resume_second}
        for streamed in coverage.streamed:
            bounds |= {align_up(streamed.start), start_of_second(streamed.end)}
        for part_start, part_end, known in divide(start, earliest, logs.untracked):
            if known is not None:
                await self.check_untracked(known)
                continue
            inside = {each for each in bounds if part_start < each < part_end}
            for lost_start, lost_end in pairwise(
                sorted({part_start, part_end, *inside})
            ):
                if await self._has_lost(lost_start, lost_end):
                    if lost_start == resume_second:
                        lost_start = coverage.resume_time
                    self._listener.on_gap(lost_start, lost_end)
        # What is known of it is not forgotten: the clock may have been wrong.
        coverage.give_up(earliest)
        self._listener.on_settled()

    async def _has_lost(self, start: int, end: int) -> bool:
        """Return whether the service has logs of a span that were not delivered."""
        window = await self._reader.ask_if_readable(start - 1, end)
        if window.is_unreadable:
            return True
        if self._logs.count_new(window.within(start, end)):
            return True
        sizes = self._reader.sizes
        sizes.hear(window)
        if sizes.surely_holds_all_since(window, start):
            return False
        total = sizes.total(window)
        return total is None or total > self._reader.count_known(start, end)

    async def check_untracked(self, known: UntrackedRange) -> None:
        """Report an untracked range if the service has more of it than was delivered."""
        if known.number is None:
            # An earlier release has not counted: its stream delivered all of it.
            return
        start, end = known.start * SECOND, known.end * SECOND
        number = await self._reader.count(start, end)
        if number is None or number > known.number:
            self._listener.on_gap(start, end)


def divide(
    start: int, end: int, untracked: Sequence[UntrackedRange]
) -> Iterator[tuple[int, int, UntrackedRange | None]]:
    """Yield the parts of a span, each with the untracked range that it is of, if any."""
    for each in untracked:
        each_start, each_end = each.start * SECOND, each.end * SECOND
        if each_end <= start or end <= each_start:
            continue
        if start < each_start:
            yield start, each_start, None
        yield max(start, each_start), min(end, each_end), each
        start = each_end
    if start < end:
        yield start, end, None
