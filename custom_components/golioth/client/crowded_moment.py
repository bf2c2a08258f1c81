"""Reads a millisecond with more logs than one answer holds.

The service answers with the newest logs of a span, up to a hundred, and has no pages.
It takes spans by the nanosecond, but may cut the times that it shows to milliseconds.
So all other code reads whole milliseconds; where one answer does not hold one of these,
it is read here. The logs of a burst mostly differ in their nanoseconds, so they are
divided by these first. Logs of one nanosecond can only be divided by level and device;
what neither separates cannot be retrieved, and is counted.

`requests` sends the requests, `same_time` reads by level and device, and
`exact_moment` reads where no nanosecond may be requested twice: next to unreadable
logs, and between many logs whose times may be cut.
"""

from collections.abc import Callable, Collection
from typing import Final

from .answer_size import AnswerSize
from .exact_moment import ExactMoment
from .log_window import LogWindow, RequestLogs
from .models import LogEntry
from .same_time import Moment, SameTime, SameTimeReader
from .span_requests import MICROSECOND, ShownTimes, SpanRequests
from .timestamps import MILLISECOND

# Nanoseconds of the first step: near half a millisecond, and odd, so that bounds made
# from it by halving and doubling are unlikely to be times that a clock shows.
_FIRST_STEP: Final = 499_837

# Nanoseconds of a crowded step at which a bound is likely to be on a log. Where times
# are cut, such a log could be read twice, or not at all.
_DENSE: Final = 10 * MICROSECOND


class CrowdedMoment:
    """Reads one millisecond by nanosecond, level and device."""

    def __init__(
        self,
        request: RequestLogs,
        sizes: AnswerSize,
        device_ids: Callable[[], Collection[str]],
    ) -> None:
        """Prepare, without a request.

        Args:
            request: Sends a request to the service.
            sizes: Judges whether answers are complete.
            device_ids: Returns the devices that may have logged.
        """
        self._sizes = sizes
        self._requests = SpanRequests(request)
        self._same_time = SameTimeReader(sizes, device_ids)
        self._exact = ExactMoment(self._requests, sizes, self._same_time)

    async def read(self, start: int, window: LogWindow) -> Moment:
        """Return all retrievable logs of a millisecond.

        Args:
            start: Where it starts.
            window: What one answer held of it, or an unreadable answer.

        Raises:
            GoliothError: As by `GoliothRest.logs`.
        """
        requests = self._requests
        requests.begin(window)
        found = await self._read_once(start, window)
        if requests.has_changed:
            window = await requests.request_if_readable(start - 1, start + MILLISECOND)
            found = await self._read_once(start, window)
        return found

    async def _read_once(self, start: int, window: LogWindow) -> Moment:
        """Read once, assuming that the service shows times consistently.

        The answer says how to begin:

        - It is unreadable: some log may be the cause.
        - It shows several times: divide by nanoseconds.
        - It shows one time: all logs may be of it, so divide by level and device first.
          If some are missing then, the time may have been cut, so try nanoseconds too.
        """
        end = start + MILLISECOND
        if window.is_unreadable:
            return await self._exact.read(start, end)
        times = ShownTimes.of(window)
        if len({entry.timestamp_ns for entry in window.entries}) != 1:
            return await self._read_by_nanoseconds(start, end, times)
        found = await self._same_time.read(
            SameTime.roughly(self._requests, start, end), window
        )
        if not found.missing:
            return found
        return max(
            found,
            await self._read_by_nanoseconds(start, end, times),
            key=lambda each: (len(each.entries), -each.missing),
        )

    async def _read_by_nanoseconds(
        self, start: int, end: int, times: ShownTimes
    ) -> Moment:
        """Read a span whose logs have distinct nanoseconds.

        The service may show these or not. The span is read in steps, from its start:

        1. Request a step.
        2. If the answer holds all of it, make the next step twice as wide.
        3. If not, make the step narrower.
        4. If it cannot be narrower, read it by level and by device, and make the
           next step as wide as what is left.

        If an answer is unreadable, or times may be cut and logs lie close together,
        start over with exact nanoseconds.

        Args:
            start: Where it starts.
            end: Where it ends.
            times: How the service shows times, as far as known.
        """
        entries: list[LogEntry] = []
        missing = 0
        position, width = start, _FIRST_STEP
        while position < end:
            to = _end_of_step(min(position + width, end), end, times)
            window = await self._request_step(start, position, to, times)
            if times is ShownTimes.UNKNOWN:
                times = ShownTimes.of(window)
            may_be_cut = times is ShownTimes.MAYBE_CUT
            holds_all = self._holds_step(window, position, times)
            is_dense = may_be_cut and not holds_all and to - position <= _DENSE
            if window.is_unreadable or is_dense:
                return await self._exact.read(start, end)
            if holds_all:
                entries += window.within(
                    *((start, end) if may_be_cut else (position, to))
                )
                position, width = to, width * 2
            elif to - position > 1:
                width = _narrower(window, position, to, times)
            else:
                time = SameTime.roughly(self._requests, position, to)
                moment = await self._same_time.read(time, window)
                entries += moment.entries
                missing += moment.missing
                position, width = to, end - to
        return Moment(entries, missing)

    async def _request_step(
        self, start: int, position: int, to: int, times: ShownTimes
    ) -> LogWindow:
        """Request a step, with the nanosecond before it where possible.

        The service may not count the start of a request in. Where times may be cut,
        logs of that nanosecond cannot be told from those of the step, unless it lies
        before the millisecond; on later bounds, no log is likely then.
        """
        if position == start or times is ShownTimes.EXACT:
            return await self._requests.request_if_readable(position - 1, to)
        return await self._requests.request_if_readable(position, to)

    def _holds_step(self, window: LogWindow, position: int, times: ShownTimes) -> bool:
        """Return whether an answer holds all of a step.

        A log from before the step proves that only where times are not cut.
        """
        if times is ShownTimes.MAYBE_CUT:
            return self._sizes.has_room(window)
        return self._sizes.holds_all_since(window, position)


def _end_of_step(to: int, end: int, times: ShownTimes) -> int:
    """Return a step's end, moved to an unlikely time.

    Where times are cut, a log on a bound cannot be told from logs next to it. Clocks
    that count microseconds put no logs between these.
    """
    if times is not ShownTimes.EXACT and not to % MICROSECOND and to < end:
        return to + 1
    return to


def _narrower(window: LogWindow, position: int, to: int, times: ShownTimes) -> int:
    """Return a smaller width for a step that was cut."""
    shown = {entry.timestamp_ns or 0 for entry in window.entries}
    if len(shown) == 1 and times is not ShownTimes.MAYBE_CUT:
        # All are of one nanosecond, which is then read by itself.
        return max(1, shown.pop() - position)
    return (to - position) // 2
