"""Reads a millisecond that has more logs than one answer holds."""

from collections import Counter
from collections.abc import Callable, Collection
from functools import partial
from typing import Final, NamedTuple

from .answer_size import AnswerSize
from .delivered import identify
from .exceptions import GoliothUnreadableError
from .log_window import Ask, LogWindow, ask_before
from .models import LEVELS, LogEntry
from .rest import MAX_ANSWER_SIZE
from .timestamps import MILLISECOND

_MICROSECOND: Final = 1_000

# Bytes of an answer that is worth having by itself: it may be for its length, and not for
# the sake of a log, that a longer one cannot be read.
_LONG_ANSWER: Final = MAX_ANSWER_SIZE // 4

# Devices that are asked for one by one, for what they logged at one moment: at two
# requests a second it takes a minute.
_MAX_DEVICES: Final = 100


class Moment(NamedTuple):
    """What was found of a short time."""

    entries: list[LogEntry]
    """Oldest first."""
    missing: int
    """Logs that the service has, and that no question makes it give."""


class CrowdedMoment:
    """Reads one millisecond by nanoseconds, by level and by device."""

    def __init__(
        self,
        ask: Ask,
        sizes: AnswerSize,
        device_ids: Callable[[], Collection[str]],
    ) -> None:
        """Prepare, without a request.

        Args:
            ask: Asks the service.
            sizes: Judges whether answers are complete.
            device_ids: Returns the devices that may have logged.
        """
        self._ask_service = ask
        self._sizes = sizes
        self._device_ids = device_ids
        # Whether times may have been cut, in the answers of the present reading.
        self._seen: set[bool] = set()

    async def read(self, start: int, window: LogWindow) -> Moment:
        """Return all logs of a millisecond that can be had.

        Args:
            start: Where it starts.
            window: What one answer held of it; empty where that could not be read.

        Raises:
            GoliothError: As by `GoliothRest.logs`.
        """
        self._seen.clear()
        found = await self._read_once(start, window)
        if window.entries:
            self._seen.add(_is_cut(window))
        if len(self._seen) > 1:
            # The service has begun to cut times meanwhile, or has ceased to: what was
            # asked for by the nanosecond was not to be seen, or is in no order.
            window = await self._ask(start - 1, start + MILLISECOND)
            found = await self._read_once(start, window)
        return found

    async def _read_once(self, start: int, window: LogWindow) -> Moment:
        end = start + MILLISECOND
        if window.is_unreadable:
            return await self._read_around_unreadable(start, end)
        cut = _is_cut(window) if window.entries else None
        times = {entry.timestamp_ns for entry in window.entries}
        if len(times) != 1:
            return await self._read_nanoseconds(start, end, cut=cut)
        # All of them may be of one moment.
        found = await self._read_moment(start, end, window)
        if found.missing:
            found = max(
                found,
                await self._read_nanoseconds(start, end, cut=cut),
                key=lambda each: (len(each.entries), -each.missing),
            )
        return found

    async def _read_around_unreadable(self, start: int, end: int) -> Moment:
        """Read a time with an unreadable log, and each log beside that one.

        Beside it, each nanosecond counts. So first of all it shows whether the service
        counts the bounds of a question in: the rest is asked for without a gap and
        without an overlap, whether times are shown as they are or not.
        """
        included = await self._count_bounds(start, end)
        entries: list[LogEntry] = []
        missing = 0
        # Where one bound counts, it may be the end: then all times are one later.
        position = start - (included == 1)
        window = await self._ask_exactly(position, end, included)
        while not self._sizes.has_room(window):
            # As far as all can be read, and then the one nanosecond that cannot be.
            low, high, before = position, end, LogWindow.nothing()
            while high - low > 1 and before.body_size < _LONG_ANSWER:
                middle = (low + high) // 2
                window = await self._ask_exactly(position, middle, included)
                if self._sizes.has_room(window):
                    low, before = middle, window
                else:
                    high = middle
            entries += before.within(*_shown(before, start, end, position, high))
            position = low
            if before.body_size < _LONG_ANSWER:
                moment = await self._read_moment(
                    low,
                    high,
                    await self._ask_exactly(low, high, included),
                    (start, end),
                    included,
                )
                entries += moment.entries
                missing += moment.missing
                position = high
                if position >= end:
                    return Moment(entries, missing)
            window = await self._ask_exactly(position, end, included)
        entries += window.within(*_shown(window, start, end, position, end))
        return Moment(entries, missing)

    async def _count_bounds(self, start: int, end: int) -> int:
        """Return how many bounds of a question the service counts in.

        Args:
            start: Where a time starts whose logs are unreadable, or too many.
            end: Where it ends.
        """
        low, high = start - 2, end
        while high - low > 1:
            middle = (low + high) // 2
            if self._sizes.has_room(await self._ask_exactly(start, middle, 0)):
                low = middle
            else:
                high = middle
        # There is a log at this end, or right before it.
        if not _is_empty(await self._ask_exactly(high, high + 1, 2)):
            return 2
        return int(not _is_empty(await self._ask_exactly(high - 1, high, 1)))

    async def _read_nanoseconds(
        self, start: int, end: int, *, cut: bool | None
    ) -> Moment:
        """Read a time whose logs have distinct nanoseconds, shown or not.

        Args:
            start: Where it starts.
            end: Where it ends.
            cut: Whether the service may have cut times; None where the first answer
                with logs is to tell.
        """
        entries: list[LogEntry] = []
        missing = 0
        # With cut times, what is on a bound cannot be told from what is beside it. Clocks
        # that count microseconds put nothing on other bounds than these.
        position, width = start, (end - start) // 2 - 163
        while position < end:
            to = min(position + width, end)
            if cut is not False and not to % _MICROSECOND and to < end:
                to += 1
            first = position - 1 if position == start or cut is False else position
            window = await self._ask(first, to)
            if window.is_unreadable:
                return await self._read_around_unreadable(start, end)
            if cut is None and window.entries:
                cut = _is_cut(window)
            if self._sizes.has_room(window) or (
                not cut and self._sizes.holds_all_since(window, position)
            ):
                entries += window.within(*((start, end) if cut else (position, to)))
                position, width = to, width * 2
            elif to - position > (2 if cut else 1):
                times = {entry.timestamp_ns or 0 for entry in window.entries}
                if len(times) == 1 and not cut:
                    # So many of one moment: it is the one to be read by itself.
                    width = max(1, times.pop() - position)
                else:
                    width = (to - position) // 2
            else:
                moment = await self._read_moment(
                    position, to, window, (start, end) if cut else None
                )
                entries += moment.entries
                missing += moment.missing
                position, width = to, end - to
        return Moment(entries, missing)

    async def _read_moment(
        self,
        start: int,
        end: int,
        window: LogWindow,
        shown: tuple[int, int] | None = None,
        included: int | None = None,
    ) -> Moment:
        """Read a moment that time cannot divide any more: by level, and by device.

        Args:
            start: Where it starts.
            end: Where it ends.
            window: What one answer held of it.
            shown: Where its logs are by the times that the service shows, if elsewhere.
            included: How many bounds of a question the service counts in, if known.
        """
        if included is None:
            first = start if shown and shown[0] < start else start - 1
            ask = partial(self._ask, first, end)
        else:
            ask = partial(self._ask_exactly, start, end, included)
        shown = shown or (start, end)
        oldest = start if included is None else shown[0]
        self._sizes.hear(window)
        total = self._sizes.total(window)
        found = window.within(*shown)
        # Some answer for a device and a level was cut as well.
        is_cut_short = False
        unreadable = 0
        cut_levels = []
        for level in LEVELS:
            answer = await ask(level=level)
            found = union(found, answer.within(*shown))
            if not self._sizes.holds_all_since(answer, oldest):
                cut_levels.append(level)
        # Only an answer for a device has its logs in their order.
        numbers = Counter(entry.device_id for entry in found if entry.device_id)
        several = [device_id for device_id, number in numbers.items() if number > 1]
        others = {*numbers, *self._device_ids()}.difference(several)
        asked = [*several, *sorted(others)]
        for device_id in asked[:_MAX_DEVICES]:
            if device_id in others and _is_all(found, total, cut_levels):
                break
            answer = await ask(device_id=device_id)
            of_device = answer.within(*shown)
            if not self._sizes.holds_all_since(answer, oldest):
                for level in cut_levels:
                    answer = await ask(device_id=device_id, level=level)
                    of_device = union(of_device, answer.within(*shown))
                    unreadable += answer.is_unreadable
                    is_cut_short |= not self._sizes.holds_all_since(answer, oldest)
            found = [
                *(entry for entry in found if entry.device_id != device_id),
                *union(
                    of_device,
                    [entry for entry in found if entry.device_id == device_id],
                ),
            ]
        found.sort(key=lambda entry: entry.timestamp_ns or 0)
        if window.is_unreadable:
            # One at least, or nobody would have found it unreadable.
            return Moment(found, max(1, unreadable))
        if total is None:
            # How many cannot be told.
            is_cut_short |= len(asked) > _MAX_DEVICES and bool(cut_levels)
            return Moment(found, int(is_cut_short))
        missing = total - len(found)
        if missing > 0 and included is None:
            # The question began a nanosecond earlier: what the service counted there is
            # not missing.
            before = await self._ask(start - 2, start)
            missing -= sum(
                (entry.timestamp_ns or 0) < start for entry in before.entries
            )
        return Moment(found, max(0, missing))

    async def _ask(
        self,
        start: int,
        end: int,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        try:
            window = await ask_before(
                self._ask_service, start, end, device_id=device_id, level=level
            )
        except GoliothUnreadableError:
            return LogWindow.unreadable()
        if window.entries:
            self._seen.add(_is_cut(window))
        return window

    async def _ask_exactly(
        self,
        start: int,
        end: int,
        included: int,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Ask for each nanosecond of a time once, the end not included.

        Args:
            start: Where it starts; a nanosecond later where only the end is counted in.
            end: Where it ends; the same.
            included: How many bounds of a question the service counts in.
            device_id: The only device to ask for.
            level: The only level to ask for.
        """
        try:
            return await self._ask_service(
                start - (included == 0),
                end - (included == 2),
                device_id=device_id,
                level=level,
            )
        except GoliothUnreadableError:
            return LogWindow.unreadable()


def _is_cut(window: LogWindow) -> bool:
    """Return whether the service may have cut times: none has nanoseconds."""
    return not window.is_unreadable and not any(
        (entry.timestamp_ns or 0) % _MICROSECOND for entry in window.entries
    )


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
    return (start, end) if _is_cut(window) else (max(start, first), min(end, last))


def union(some: list[LogEntry], others: list[LogEntry]) -> list[LogEntry]:
    """Return each log as often as the list that has it most often.

    What only the others have comes first: an answer that lacks some lacks the oldest.
    """
    # Not by their text, because a service may begin to cut times between two answers.
    left = Counter(map(identify, some))
    older = []
    for entry in others:
        identity = identify(entry)
        if left[identity]:
            left[identity] -= 1
        else:
            older.append(entry)
    return [*older, *some]


def _is_all(found: list[LogEntry], total: int | None, cut_levels: list[str]) -> bool:
    """Return whether all logs of a moment were found, by level."""
    if total is not None:
        return len(found) >= total
    return not cut_levels and all(entry.level in LEVELS for entry in found)
