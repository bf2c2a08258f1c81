"""Reads a short time nanosecond by nanosecond, as the service counts them."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, NamedTuple

from .answer_size import AnswerSize
from .log_window import LogWindow
from .models import LogEntry
from .questions import CountedBounds, Questions, ShownTimes
from .rest import MAX_ANSWER_SIZE
from .same_time import Moment, SameTime, SameTimeReader

# Bytes of an answer that is worth having by itself: it may be for its length, and not for
# the sake of a log, that a longer one cannot be read.
_LONG_ANSWER: Final = MAX_ANSWER_SIZE // 4

# How often it is read, until the service counts the same bounds in all the time.
_MAX_READS: Final = 3


class _Prefix(NamedTuple):
    """The longest beginning of a time that one answer holds, or that is worth having."""

    window: LogWindow
    end: int
    """Where it ends: what follows is to be read next."""
    beyond: int
    """The next end that was tried in vain, a nanosecond later or more."""

    @property
    def is_long(self) -> bool:
        """Whether what follows may be readable by itself."""
        return self.window.body_size >= _LONG_ANSWER


class ExactMoment:
    """Reads a short time with unreadable logs, or with many whose times may be cut.

    An answer with an unreadable log holds nothing else. So questions have to end right
    before it and begin right after it. Where many logs lie close together, questions
    begin and end on logs. Either way each nanosecond counts: it is to be known which
    bounds of a question the service counts in.
    """

    def __init__(
        self, questions: Questions, sizes: AnswerSize, same_time: SameTimeReader
    ) -> None:
        """Prepare, without a request.

        Args:
            questions: Asks the service.
            sizes: Judges whether answers are complete.
            same_time: Reads nanoseconds of unreadable logs, or of too many.
        """
        self._questions = questions
        self._sizes = sizes
        self._same_time = same_time

    async def read(self, start: int, end: int) -> Moment:
        """Return all logs of a time that can be had.

        1. Find out which bounds are counted in.
        2. Read by these.
        3. If they were not the same all the time, start over.

        Args:
            start: Where it starts; no question that begins there can be read, or the
                answer is full.
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
        # Something may be missing.
        return moment._replace(missing=moment.missing + 1)

    async def _read_by(
        self,
        bounds: CountedBounds,
        start: int,
        end: int,
        is_same: Callable[[], Awaitable[bool]],
    ) -> tuple[Moment, bool]:
        """Read where it is known which bounds are counted in.

        1. Ask for all that is left. Where the answer holds it, this is the end.
        2. Read as far as one answer does hold, by halving.
        3. Read the nanosecond after that by level and by device. Go on with 1.

        Args:
            bounds: Which bounds these are.
            start: As `read` takes it.
            end: The same.
            is_same: Returns whether they are counted still.

        Returns:
            What was found, and whether they were counted whenever that was checked.
        """
        entries: list[LogEntry] = []
        missing = 0
        is_sure = True
        # Where one bound counts, it may be the end: then all times are one later.
        position = start - (bounds is CountedBounds.ONE)
        while position < end:
            window = await self._questions.ask_exactly(position, end, bounds)
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
                # What is passed by is asked for no more.
                is_sure = is_sure and await is_same()
                position += 1
        return Moment(entries, missing), is_sure

    async def _read_prefix(
        self, start: int, end: int, bounds: CountedBounds
    ) -> _Prefix:
        """Return the longest beginning of a time that one answer holds."""
        prefix = _Prefix(LogWindow.nothing(), start, end)
        while prefix.beyond - prefix.end > 1 and not prefix.is_long:
            middle = (prefix.end + prefix.beyond) // 2
            window = await self._questions.ask_exactly(start, middle, bounds)
            if self._sizes.has_room(window):
                prefix = _Prefix(window, middle, prefix.beyond)
            else:
                prefix = prefix._replace(beyond=middle)
        return prefix

    async def _read_nanosecond(
        self, start: int, shown: tuple[int, int], bounds: CountedBounds
    ) -> Moment:
        """Return the logs of a nanosecond, by level and by device."""
        time = SameTime.exactly(self._questions, start, start + 1, shown, bounds)
        return await self._same_time.read(time, await time.ask())

    async def _find_first(self, start: int, end: int) -> int:
        """Return the first end at which an answer cannot be read or is full.

        There is a log at this end if it is counted in, or else right before it. With an
        unreadable log at 7, and a question that asks from 3 to some end:

            end             4  5  6  7  8  9
            end counts      -  -  -  X  X  X    the first is 7
            end counts not  -  -  -  -  X  X    the first is 8

        Args:
            start: Where a time starts whose logs are unreadable, or too many.
            end: Where it ends.
        """
        ask = self._questions.ask_exactly
        # Nothing is in a question from `start - 1` to where it starts, whatever counts:
        # asked as if neither bound did, it is sent with a start a nanosecond earlier.
        low, high = start - 2, end
        while high - low > 1:
            middle = (low + high) // 2
            if self._sizes.has_room(await ask(start, middle, CountedBounds.NEITHER)):
                low = middle
            else:
                high = middle
        return high

    async def _is_same(self, bounds: CountedBounds, start: int, first: int) -> bool:
        """Return whether the service counts the same bounds in as before.

        Where one counts, it may be the start as well as the end: that shows by the first
        end at which an answer cannot be read or is full.

        Args:
            bounds: What `_bounds_at` returned.
            start: As `_find_first` took it.
            first: What that returned.
        """
        if await self._bounds_at(first) is not bounds:
            return False
        if bounds is not CountedBounds.ONE:
            return True
        ask = self._questions.ask_exactly
        before = await ask(start, first - 1, CountedBounds.NEITHER)
        window = await ask(start, first, CountedBounds.NEITHER)
        return self._sizes.has_room(before) and not self._sizes.has_room(window)

    async def _bounds_at(self, end: int) -> CountedBounds:
        """Return which bounds of a question the service counts in.

        Asks for an end alone, and for the nanosecond between it and the one before: both
        have nothing where the bounds do not count.

        Args:
            end: What `_find_first` returned.
        """
        ask = self._questions.ask_exactly
        if not _is_empty(await ask(end, end + 1, CountedBounds.BOTH)):
            return CountedBounds.BOTH
        if not _is_empty(await ask(end - 1, end, CountedBounds.ONE)):
            return CountedBounds.ONE
        return CountedBounds.NEITHER


def _is_empty(window: LogWindow) -> bool:
    return not window.is_unreadable and not window.entries


def _shown(
    window: LogWindow, start: int, end: int, first: int, last: int
) -> tuple[int, int]:
    """Return where logs are by the times that the service shows.

    Args:
        window: What holds them.
        start: Where the millisecond starts.
        end: Where it ends.
        first: Where the part of it starts that was asked for.
        last: Where that ends, or a nanosecond later.
    """
    if ShownTimes.of(window) is ShownTimes.MAYBE_CUT:
        return start, end
    return max(start, first), min(end, last)
