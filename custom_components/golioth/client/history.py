"""Reads the newest logs of a span over REST.

It serves an action and the card.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing, suppress
from typing import Final, NamedTuple

from .answer_size import AnswerSize
from .crowded_moment import CrowdedMoment
from .exceptions import GoliothConnectionError, GoliothUnreadableError, GoliothWaitError
from .fair_turns import FairTurns
from .log_window import LogWindow, request_before
from .models import LogEntry
from .pacing import RequestPace
from .rest import GoliothRest
from .slice_width import WIDER
from .timestamps import (
    MILLISECOND,
    SECOND,
    end_of_millisecond,
    middle_millisecond,
    start_of_second,
)

# Eleven answers hold a thousand logs of one level, and some 35 separate many logs of
# one moment. A faulty service could cause any number.
_MAX_REQUESTS: Final = 80

# Reads that wait for their turn, in total and per caller. One takes at most 40 s where
# the service answers at once.
MAX_WAITING: Final = 60
_MAX_WAITING_EACH: Final = 20

# Later than any log.
_END_OF_TIME: Final = 2**63


class LogFilter(NamedTuple):
    """Selects logs; all of them by default."""

    device_id: str | None = None
    """Golioth's ID of the device."""
    levels: tuple[str, ...] = ()
    """Some of `LEVELS`."""
    module: str | None = None
    term: str | None = None
    """A text to search for; the service decides where and how."""
    without_devices: Collection[str] = ()
    """Golioth's IDs of devices that are filtered out of answers."""

    def of(self, entries: list[LogEntry]) -> list[LogEntry]:
        """Return the logs whose devices are not left out."""
        if not self.without_devices:
            return entries
        return [each for each in entries if each.device_id not in self.without_devices]


class FoundLogs(NamedTuple):
    """The newest logs of a span."""

    entries: list[LogEntry]
    """Oldest first."""
    truncated: bool
    """Whether the span has more."""
    has_gaps: bool
    """Whether logs may be missing between these, not only before: the service does not
    return them."""
    read_from_ns: int | None = None
    """Since when all logs were read, where the limit of requests was reached; None
    where it was not."""


class _Slice(NamedTuple):
    """All logs of a span, in nanoseconds since 1970."""

    start_ns: int
    end_ns: int
    entries: list[LogEntry]
    """Oldest first."""
    missing: int = 0
    """Logs that the service has but did not return, or that were not requested."""


class _TooManyRequestsError(Exception):
    """The limit of requests is reached."""


class LogHistory:
    """Reads past logs of one project.

    Attributes:
        turns: Hold one while reading: reads follow one another, so that many callers
            cause no more requests a second than one.
    """

    def __init__(
        self, rest: GoliothRest, *, request_interval: float, longest_retry_after: float
    ) -> None:
        """Prepare, without a request.

        Args:
            rest: The project.
            request_interval: Seconds between two requests, at least.
            longest_retry_after: Seconds that the service can make the client wait, at
                most.
        """
        self.turns = FairTurns(
            max_waiting=MAX_WAITING, max_waiting_each=_MAX_WAITING_EACH
        )
        self._longest_retry_after = longest_retry_after
        # On the loop's clock.
        self._not_before = 0.0
        self._rest = rest
        self._pace = RequestPace(request_interval)
        self._sizes = AnswerSize()

    async def read(
        self, start_ns: int, end_ns: int | None, limit: int, wanted: LogFilter
    ) -> FoundLogs:
        """Return the newest logs of a span.

        Args:
            start_ns: Nanoseconds since 1970: a whole millisecond, because the service
                may cut the times of logs to these.
            end_ns: A whole millisecond, not included; without it, until now.
            limit: The maximum number of logs.
            wanted: Selects the logs.

        Raises:
            GoliothError: As by `GoliothRest.logs`, or the service asked to wait
                earlier.
        """
        loop = asyncio.get_running_loop()
        if (wait := self._not_before - loop.time()) > 0:
            raise GoliothWaitError(wait)
        reading = _HistoryReading(self._rest, self._pace, self._sizes, wanted)
        try:
            return await reading.read(start_ns, end_ns, limit)
        except GoliothConnectionError as err:
            asked_for = min(err.retry_after or 0.0, self._longest_retry_after)
            self._not_before = loop.time() + asked_for
            raise


class _Cursor:
    """The part to request next, moving backward through a span.

    Attributes:
        start: Where it starts, in nanoseconds.
        end: Where it ends, not included: later logs have been read. `_END_OF_TIME` for
            everything that the service has until now.
    """

    def __init__(self, start: int, end: int | None, now: int) -> None:
        """Start with all of a span.

        Args:
            start: Where it starts.
            end: Where it ends; None for the present.
            now: The service's time.
        """
        self.start = start
        self.end = _END_OF_TIME if end is None else end
        self._first = start
        # The start of the last unreadable part.
        self._too_long = _END_OF_TIME
        # The width of a part, once an answer was unreadable.
        self._width = _END_OF_TIME
        # Later than the service's time, which has whole seconds, and than devices'
        # clocks that are ahead.
        self._latest, self._ahead = start_of_second(now) + SECOND, SECOND

    @property
    def is_over(self) -> bool:
        """Return whether all of the span has been read."""
        return self.end <= self._first

    @property
    def is_all(self) -> bool:
        """Return whether this is the last part."""
        return self.start == self._first

    @property
    def is_moment(self) -> bool:
        """Return whether it is too short to be divided."""
        return self.end < _END_OF_TIME and self.end - self.start <= MILLISECOND

    @property
    def end_or_now(self) -> int | None:
        """Return where it ends; None for the present."""
        return self.end if self.end < _END_OF_TIME else None

    def shorten(self) -> None:
        """Narrow to the latest part after an unreadable answer."""
        self._too_long = self.start
        if self.end < _END_OF_TIME:
            self.start = max(
                self.start + MILLISECOND, middle_millisecond(self.start, self.end)
            )
        else:
            self.start = max(self.start, self._latest)
            self._latest = self.start + self._ahead
            self._ahead *= WIDER
        self._width = self.end - self.start

    def go_on(self, *, has_logs: bool) -> None:
        """Move backward after an answer that held everything.

        Args:
            has_logs: Whether the answer held any logs.
        """
        self.end = self.start
        if self._too_long < self.end:
            # The unreadable part is so because of its rest, or no longer.
            self.start = (
                self._too_long
                if has_logs
                else middle_millisecond(self._too_long, self.end)
            )
        else:
            self.start = max(self._first, self.start - self._width)
        self._width = (self.end - self.start) * WIDER

    def go_on_after_moment(self) -> None:
        """Move backward past a moment that no answer holds."""
        self.end = self.start
        self.start = max(self._first, self._too_long, self.start - self._width)

    def end_at(self, time: int) -> None:
        """Leave out later logs, which have been read."""
        self.end = time


class _HistoryReading:
    """Performs one read of the history."""

    def __init__(
        self, rest: GoliothRest, pace: RequestPace, sizes: AnswerSize, wanted: LogFilter
    ) -> None:
        """Prepare, without a request.

        Args:
            rest: The project.
            pace: Spreads the requests.
            sizes: Judges whether answers are complete.
            wanted: Selects the logs.
        """
        self._rest = rest
        self._pace = pace
        self._wanted = wanted
        # The level that is being read; None for all.
        self._level: str | None = None
        # The number of requests left.
        self._left = _MAX_REQUESTS
        # Only devices found in answers are requested.
        self._crowded = CrowdedMoment(self._request, sizes, lambda: ())

    async def read(self, start_ns: int, end_ns: int | None, limit: int) -> FoundLogs:
        """Return the newest logs of a span; see `LogHistory.read`."""
        wanted = self._wanted
        entries: list[LogEntry] = []
        truncated = has_gaps = False
        read_from: int | None = None
        # A request is for one level, or all.
        for level in wanted.levels or (None,):
            self._level = level
            found = await self._read_level(start_ns, end_ns, limit)
            entries += found.entries
            truncated |= found.truncated
            has_gaps |= found.has_gaps
            if found.read_from_ns is not None:
                read_from = max(read_from or 0, found.read_from_ns)
        # The last levels may have no logs at all then.
        has_gaps |= truncated and not self._left and len(wanted.levels) > 1
        entries.sort(key=lambda entry: entry.timestamp_ns or 0)
        if len(entries) > limit:
            return FoundLogs(entries[-limit:], True, has_gaps)
        return FoundLogs(entries, truncated, has_gaps, read_from)

    async def _read_level(
        self, start_ns: int, end_ns: int | None, limit: int
    ) -> FoundLogs:
        """Return at least the newest logs of a span.

        There may be a few more than the limit.
        """
        entries: list[LogEntry] = []
        truncated = has_gaps = False
        read_from = _END_OF_TIME if end_ns is None else end_ns
        try:
            async with aclosing(self._read_backward(start_ns, end_ns, limit)) as slices:
                async for part in slices:
                    entries = self._wanted.of(part.entries) + entries
                    read_from = part.start_ns
                    if part.missing:
                        truncated = True
                        # Wider slices lack only older logs.
                        has_gaps |= part.end_ns - part.start_ns <= MILLISECOND
                    if len(entries) > limit:
                        break
        except _TooManyRequestsError:
            return FoundLogs(entries, True, has_gaps, read_from)
        return FoundLogs(entries, truncated, has_gaps)

    async def _read_backward(
        self, start_ns: int, end_ns: int | None, limit: int
    ) -> AsyncGenerator[_Slice]:
        """Yield a span's slices, newest first, until the limit.

        A slice that ends the reading early has at least one missing log.

        Args:
            start_ns: A whole millisecond.
            end_ns: A whole millisecond; without it, whatever the service has until now.
            limit: The number of logs that is enough.

        Raises:
            GoliothError: As by `GoliothRest.logs`; the yielded slices are complete.
            _TooManyRequestsError: No request is left.
        """
        part = _Cursor(start_ns, end_ns, self._now_ns())
        left = limit
        while not part.is_over:
            start, end = part.start, part.end
            try:
                window = await self._request_before(start - 1, part.end_or_now)
            except GoliothUnreadableError:
                if part.is_moment:
                    moment = await self._crowded.read(start, LogWindow.unreadable())
                    yield _Slice(start, end, moment.entries, moment.missing)
                    left -= len(self._wanted.of(moment.entries))
                    part.go_on_after_moment()
                else:
                    part.shorten()
                continue
            found = window.within(start, end)
            if window.is_complete or window.reaches(start):
                yield _Slice(start, end, found)
                if part.is_all:
                    return
                left -= len(self._wanted.of(found))
                part.go_on(has_logs=bool(found))
                continue
            others = (window.total or 0) - window.size
            number = len(self._wanted.of(found))
            # The answer holds none of the logs that it counts, or there are enough.
            if not found or number > left or (number == left and others > 0):
                yield _Slice(start, end, found, missing=max(1, others))
                return
            # The answer has the newest logs: only the millisecond of the oldest one,
            # and earlier ones, may lack logs.
            cut = end_of_millisecond(found[0].timestamp_ns or 0)
            if cut < end:
                newest = _Slice(cut, end, window.within(cut, end))
                part.end_at(cut)
            else:
                first = cut - MILLISECOND
                newest = _Slice(
                    first, cut, window.within(first, cut), missing=max(1, others)
                )
                # An answer that is not full has all that the service returns, whatever
                # its total.
                if window.is_full:
                    with suppress(_TooManyRequestsError):
                        newest = await self._read_millisecond(first)
                part.end_at(first)
            left -= len(self._wanted.of(newest.entries))
            yield newest

    async def _read_millisecond(self, start: int) -> _Slice:
        """Read a millisecond, even if no answer holds it."""
        end = start + MILLISECOND
        window = await self._request_before(start - 1, end)
        if window.is_complete or window.reaches(start):
            return _Slice(start, end, window.within(start, end))
        moment = await self._crowded.read(start, window)
        return _Slice(start, end, moment.entries, moment.missing)

    def _now_ns(self) -> int:
        """Return the service's time, or the host's while unknown."""
        now = self._rest.server_time_ns
        return now or int(self._rest.clock.clocks.wall()) * SECOND

    async def _request_before(self, start: int, end: int | None) -> LogWindow:
        if end is None:
            return await self._request(start, None)
        return await request_before(self._request, start, end)

    async def _request(
        self,
        start_ns: int,
        end_ns: int | None,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Request the wanted logs of a span once.

        Raises:
            GoliothError: As by `GoliothRest.logs`.
            _TooManyRequestsError: No request is left.
        """
        wanted = self._wanted
        if level and self._level and level != self._level:
            # No log has two levels.
            return LogWindow.nothing()
        if not self._left:
            raise _TooManyRequestsError
        await self._pace.wait_for_turn()
        self._left -= 1
        return await self._rest.logs(
            start_ns,
            end_ns,
            device_id=device_id or wanted.device_id,
            level=level or self._level,
            module=wanted.module,
            term=wanted.term,
        )
