"""Reports logs that were lost and will not be read."""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import pairwise
from typing import Protocol

from .coverage import Coverage
from .delivered import LACKING, DeliveredLogs, UntrackedRange
from .span_reader import SpanReader
from .timestamps import SECOND, align_up, start_of_second


class GapListener(Protocol):
    """Receives reports of lost logs."""

    def on_gap(self, start_ns: int, end_ns: int) -> None:
        """Report a span of undelivered logs, in nanoseconds since 1970."""

    def on_settled(self) -> None:
        """Handle progress that may be worth saving."""


class LostLogs:
    """Reports spans that are not read but lack logs.

    It compares what the service has with what was delivered.
    """

    def __init__(
        self,
        *,
        coverage: Coverage,
        logs: DeliveredLogs,
        reader: SpanReader,
        listener: GapListener,
        catch_up_window: float,
    ) -> None:
        """Prepare, without a request.

        Args:
            coverage: What was surely delivered.
            logs: The recently delivered logs.
            reader: Reads a span of time.
            listener: Receives reports of lost logs.
            catch_up_window: Seconds that a gap may reach back: earlier logs are lost.
        """
        self._coverage = coverage
        self._logs = logs
        self._reader = reader
        self._listener = listener
        self._catch_up_window = catch_up_window

    async def give_up(self, now: int) -> None:
        """Report lost logs before the catch-up window, and skip them.

        Raises:
            GoliothError: As by `GoliothRest.logs`. Nothing has been reported then.
        """
        earliest = self._coverage.lost_before(now, self._catch_up_window)
        if earliest is None:
            return
        for start, end in [span async for span in self._find_lost(earliest)]:
            self._listener.on_gap(start, end)
        # Delivered logs are not forgotten: the clock may have been wrong.
        self._coverage.give_up(earliest)
        self._listener.on_settled()

    async def _find_lost(self, earliest: int) -> AsyncIterator[tuple[int, int]]:
        """Yield the spans before a time with undelivered logs."""
        coverage, logs = self._coverage, self._logs
        assert coverage.resume_time is not None
        start = max(coverage.start_of_read(), logs.floor * SECOND)
        # Separate what was delivered by streams or read from what was not, in whole
        # seconds, for which the number of delivered logs is known.
        resume_second = start_of_second(coverage.resume_time)
        bounds = {resume_second}
        for streamed in coverage.streamed:
            bounds |= {align_up(streamed.start), start_of_second(streamed.end)}
        for part_start, part_end, untracked in divide(start, earliest, logs.untracked):
            if untracked is not None:
                if await self._lacks_untracked(untracked):
                    yield untracked.start * SECOND, untracked.end * SECOND
                continue
            inside = {each for each in bounds if part_start < each < part_end}
            for lost_start, lost_end in pairwise(
                sorted({part_start, part_end, *inside})
            ):
                if await self._has_lost(lost_start, lost_end):
                    if lost_start == resume_second:
                        lost_start = coverage.resume_time
                    yield lost_start, lost_end

    async def _has_lost(self, start: int, end: int) -> bool:
        """Return whether the service has undelivered logs of a span."""
        window = await self._reader.request_if_readable(start - 1, end)
        if window.is_unreadable:
            return True
        if self._logs.count_new(window.within(start, end)):
            return True
        sizes = self._reader.sizes
        sizes.note(window)
        if sizes.surely_holds_all_since(window, start):
            return False
        total = sizes.total(window)
        return total is None or total > self._reader.count_known(start, end)

    def give_up_part(self, start: int, end: int, now: int) -> None:
        """Report an unread part, at once or when settled.

        Until then it is not read again, because its logs would be out of order.

        Args:
            start: Where it starts.
            end: Where it ends.
            now: When REST was asked.
        """
        if end <= self._coverage.settled_at(now):
            self._listener.on_gap(start, end)
        else:
            self._logs.untrack(
                start // SECOND, align_up(end) // SECOND, is_lacking=True
            )

    async def check_untracked(self, untracked: UntrackedRange) -> None:
        """Report an untracked range that lacks logs."""
        if await self._lacks_untracked(untracked):
            self._listener.on_gap(untracked.start * SECOND, untracked.end * SECOND)

    async def _lacks_untracked(self, untracked: UntrackedRange) -> bool:
        """Return whether the service has undelivered logs of a range."""
        if untracked.number is None:
            # An earlier release did not count: its stream delivered all of the range.
            return False
        if untracked.number == LACKING:
            return True
        number = await self._reader.count(
            untracked.start * SECOND, untracked.end * SECOND
        )
        return number is None or number > untracked.number


def divide(
    start: int, end: int, untracked: Sequence[UntrackedRange]
) -> Iterator[tuple[int, int, UntrackedRange | None]]:
    """Yield a span's parts, split at untracked ranges.

    Each comes with its untracked range, if any.
    """
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
