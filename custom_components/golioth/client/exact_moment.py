"""Reads a short span by exact nanoseconds."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, NamedTuple

from .answer_size import AnswerSize
from .log_window import LogWindow
from .models import LogEntry
from .rest import MAX_ANSWER_SIZE
from .same_time import Moment, SameTime, SameTimeReader
from .span_requests import CountedBounds, ShownTimes, SpanRequests

# Bytes of an answer that is long enough to keep: a longer one may be unreadable only
# for its length, not for a log.
_LONG_ANSWER: Final = MAX_ANSWER_SIZE // 4

# Reads until the service counts in the same bounds throughout.
_MAX_READS: Final = 3


class _Prefix(NamedTuple):
    """The longest start of a span in one answer.

    Or a shorter one that is long enough to keep.
    """

    window: LogWindow
    end: int
    """Where it ends, and the next read starts."""
    beyond: int
    """The next end that failed, at least a nanosecond later."""

    @property
    def is_long(self) -> bool:
        """Return whether what follows may be readable by itself."""
        return self.window.body_size >= _LONG_ANSWER


class ExactMoment:
    """Reads a short span with unreadable or crowded logs.

    An answer with an unreadable log holds nothing else, so requests have to end right
    before it and begin right after it. Where many logs lie close together and their
    times may be cut, requests begin and end on logs. Either way, which bounds of a
    request the service counts in has to be found out.
    """

    def __init__(
        self, requests: SpanRequests, sizes: AnswerSize, same_time: SameTimeReader
    ) -> None:
        """Prepare, without a request.

        Args:
            requests: Sends requests.
            sizes: Judges whether answers are complete.
            same_time: Reads nanoseconds with unreadable or too many logs.
        """
        self._requests = requests
        self._sizes = sizes
        self._same_time = same_time

    async def read(self, start: int, end: int) -> Moment:
        """Return all retrievable logs of a span.

        1. Find out which bounds the service counts in.
        2. Read accordingly.
        3. If they changed meanwhile, start over.

        Args:
            start: Where it starts; the answer for the whole span is unreadable or full.
            end: Where it ends, not included.

        Raises:
            GoliothError: As by `GoliothRest.logs`.
        """
        moment = Moment([], 0)
        for _ in range(_MAX_READS):
            first = await self._find_first(start, end)
            bounds = await self._bounds_at(first)
            is_same = partial(self._is_same, bounds, start, first)
            moment, is_sure = await self._read_by(bounds, start, end, is_same)
            if is_sure and await is_same():
                return moment
        # Some logs may be missing.
        return moment._replace(missing=moment.missing + 1)

    async def _read_by(
        self,
        bounds: CountedBounds,
        start: int,
        end: int,
        is_same: Callable[[], Awaitable[bool]],
    ) -> tuple[Moment, bool]:
        """Read a span with known bounds.

        1. Request all that is left. If one answer holds it, stop.
        2. Read the longest start that one answer holds, found by halving.
        3. Read the nanosecond after that by level and by device. Go on with 1.

        Args:
            bounds: The bounds that the service counts in.
            start: As for `read`.
            end: As for `read`.
            is_same: Returns whether the bounds are unchanged.

        Returns:
            What was found, and whether the bounds were unchanged at each check.
        """
        entries: list[LogEntry] = []
        missing = 0
        is_sure = True
        # Where one bound counts, it may be the end: then all times shift by one.
        position = start - (bounds is CountedBounds.ONE)
        while position < end:
            window = await self._requests.request_exactly(position, end, bounds)
            if self._sizes.has_room(window):
                entries += window.within(*_shown(window, start, end, position, end))
                break
            prefix = await self._read_prefix(position, end, bounds)
            entries += prefix.window.within(
                *_shown(prefix.window, start, end, position, prefix.beyond)
            )
            position = prefix.end
            if not prefix.is_long:
                moment = await self._read_nanosecond(position, (start, end), bounds)
                entries += moment.entries
                missing += moment.missing
                # What was passed is not requested again, so check now.
                is_sure = is_sure and await is_same()
                position += 1
        return Moment(entries, missing), is_sure

    async def _read_prefix(
        self, start: int, end: int, bounds: CountedBounds
    ) -> _Prefix:
        """Return the longest start of a span in one answer."""
        prefix = _Prefix(LogWindow.nothing(), start, end)
        while prefix.beyond - prefix.end > 1 and not prefix.is_long:
            middle = (prefix.end + prefix.beyond) // 2
            window = await self._requests.request_exactly(start, middle, bounds)
            if self._sizes.has_room(window):
                prefix = _Prefix(window, middle, prefix.beyond)
            else:
                prefix = prefix._replace(beyond=middle)
        return prefix

    async def _read_nanosecond(
        self, start: int, shown: tuple[int, int], bounds: CountedBounds
    ) -> Moment:
        """Return the logs of a nanosecond, by level and device."""
        time = SameTime.exactly(self._requests, start, start + 1, shown, bounds)
        return await self._same_time.read(time, await time.request())

    async def _find_first(self, start: int, end: int) -> int:
        """Return the first end with an unreadable or full answer.

        There is a log at this end if it is counted in, or else right before it. With an
        unreadable log at 7, and a request from 3 to some end:

            end             4  5  6  7  8  9
            end counts      -  -  -  X  X  X    the first is 7
            end counts not  -  -  -  -  X  X    the first is 8

        Args:
            start: Where the span of unreadable or too many logs starts.
            end: Where it ends.
        """
        request = self._requests.request_exactly
        # A request that ends before it starts has no logs, whichever bounds count: it
        # is sent from `start - 1`, as if neither did.
        low, high = start - 2, end
        while high - low > 1:
            middle = (low + high) // 2
            if self._sizes.has_room(
                await request(start, middle, CountedBounds.NEITHER)
            ):
                low = middle
            else:
                high = middle
        return high

    async def _is_same(self, bounds: CountedBounds, start: int, first: int) -> bool:
        """Return whether the service still counts in the same bounds.

        Where one counts, it may be the start or the end: the first end with an
        unreadable or full answer shows which.

        Args:
            bounds: What `_bounds_at` returned.
            start: What `_find_first` took.
            first: What `_find_first` returned.
        """
        if await self._bounds_at(first) is not bounds:
            return False
        if bounds is not CountedBounds.ONE:
            return True
        request = self._requests.request_exactly
        before = await request(start, first - 1, CountedBounds.NEITHER)
        window = await request(start, first, CountedBounds.NEITHER)
        return self._sizes.has_room(before) and not self._sizes.has_room(window)

    async def _bounds_at(self, end: int) -> CountedBounds:
        """Return which bounds of a request the service counts in.

        Requests the end alone, and the span from the nanosecond before to the end: both
        answers are empty where neither bound counts.

        Args:
            end: What `_find_first` returned.
        """
        request = self._requests.request_exactly
        if not _is_empty(await request(end, end + 1, CountedBounds.BOTH)):
            return CountedBounds.BOTH
        if not _is_empty(await request(end - 1, end, CountedBounds.ONE)):
            return CountedBounds.ONE
        return CountedBounds.NEITHER


def _is_empty(window: LogWindow) -> bool:
    return not window.is_unreadable and not window.entries


def _shown(
    window: LogWindow, start: int, end: int, first: int, last: int
) -> tuple[int, int]:
    """Return the span of logs by their shown times.

    Args:
        window: The answer that holds them.
        start: Where the millisecond starts.
        end: Where it ends.
        first: Where the requested part starts.
        last: Where the requested part ends, or a nanosecond later.
    """
    if ShownTimes.of(window) is ShownTimes.MAYBE_CUT:
        return start, end
    return max(start, first), min(end, last)
