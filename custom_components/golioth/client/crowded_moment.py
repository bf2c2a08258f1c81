"""Reads a millisecond that has more logs than one answer holds."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Final, NamedTuple, Protocol

from .delivered import identify
from .exceptions import GoliothConnectionError, GoliothUnreadableError
from .models import LEVELS, LogEntry
from .rest import MAX_ANSWER_SIZE, LogWindow
from .slice_width import AnswerSize
from .timestamps import MILLISECOND

_MICROSECOND: Final = 1_000

# Devices that are asked for one by one, for what they logged at one moment: at two
# requests a second it takes a minute.
_MAX_DEVICES: Final = 100


class Ask(Protocol):
    """Asks once for the logs of a time range, as `SpanReader.ask` does."""

    def __call__(
        self,
        start_ns: int,
        end_ns: int,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> Awaitable[LogWindow]:
        """Return what one answer holds."""


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
        # Whether the start and the end were seen to be counted in by one of them.
        self._counts_start = self._counts_end = False

    async def read(self, start: int, window: LogWindow) -> Moment:
        """Return all logs of a millisecond that can be had.

        Args:
            start: Where it starts.
            window: What one answer held of it; empty where that could not be read.

        Raises:
            GoliothError: As by `GoliothRest.logs`.
        """
        self._seen.clear()
        self._counts_start = self._counts_end = False
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
        # What could not be read does not tell.
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
        # Whether an unreadable log at the nanosecond before would be counted again,
        # because the service counts the start in.
        is_after_unreadable = False
        # The last question that could not be answered, and why is not known yet.
        failed: tuple[int, int] | None = None
        # Bytes of the answers since.
        size = 0
        while position < end or failed:
            if failed and position >= failed[1]:
                # If all that it asked for was short, an unreadable log is on a bound,
                # which the service counts to neither side.
                if size < MAX_ANSWER_SIZE:
                    missing += (await self._ask(*failed)).is_unreadable
                failed = None
                continue
            to = min(position + width, end)
            is_single = cut is None and width == 1
            if (
                cut is not False
                and not is_single
                and not to % _MICROSECOND
                and to < end
            ):
                to += 1
            is_early = position == start or not (cut or is_after_unreadable)
            first = position - 1 if is_early else position
            window = await self._ask(first, to)
            size += window.body_size
            if cut is None and window.entries:
                cut = _is_cut(window)
            is_short = not window.is_unreadable and not self._sizes.is_full(window)
            if is_short or (not cut and self._is_complete(window, position)):
                entries += within(window, *((start, end) if cut else (position, to)))
                position, width = to, width * 2
                is_after_unreadable = False
            elif to - position > (2 if cut else 1):
                if window.is_unreadable:
                    failed, size = (first, to), 0
                times = {entry.timestamp_ns or 0 for entry in window.entries}
                if len(times) == 1 and not cut:
                    # So many of one moment: it is the one to be read by itself.
                    width = max(1, times.pop() - position)
                else:
                    width = (to - position) // 2
            elif window.is_unreadable and not cut:
                failed = None
                moment, is_after_unreadable = await self._read_unreadable(
                    position, window
                )
                entries += moment.entries
                missing += moment.missing
                position, width = to, end - to
            else:
                moment = await self._read_moment(
                    position, to, window, (start, end) if cut else None
                )
                entries += moment.entries
                missing += moment.missing
                if window.is_unreadable:
                    failed = None
                    again = await self._ask(position, to)
                    is_after_unreadable = again.is_unreadable
                position, width = to, end - to
        return Moment(entries, missing)

    async def _read_unreadable(
        self, time: int, window: LogWindow
    ) -> tuple[Moment, bool]:
        """Read a nanosecond of which an answer cannot be read.

        That may be for the sake of a log beside it, because nobody knows whether the
        service counts the bounds in. Each of the questions here is the exact one for
        some service.

        Args:
            time: The nanosecond.
            window: What can't be read: the answer for it and, maybe, those beside it.

        Returns:
            What was found, and whether to ask from the next nanosecond on, because a
            question that starts at this one cannot be read, either.
        """
        before = await self._ask_once(time - 1, time)
        after = await self._ask_once(time, time + 1)
        alone = LogWindow.unreadable()
        if before.is_unreadable and after.is_unreadable:
            # Who counts neither in may refuse this one.
            with suppress(GoliothConnectionError):
                alone = await self._ask_once(time, time)
        bounds, exact, other = None, window, window
        if self._counts_start and self._counts_end:
            bounds, exact, other = (time, time), alone, after
            if not after.is_unreadable:
                exact, other = after, before
            elif not before.is_unreadable:
                exact = before
        elif self._counts_end:
            bounds, exact, other = (time - 1, time), before, after
        elif self._counts_start:
            bounds, exact, other = (time, time + 1), after, before
        found = within(before, time, time + 1)
        for answer in (after, alone):
            found = union(found, within(answer, time, time + 1))
        if not found and not other.is_unreadable:
            # Nothing beside it is to blame, or the service counts in another way now.
            moment = await self._read_moment(time, time + 1, window)
        elif self._is_complete(exact, time):
            return Moment(found, 0), False
        else:
            moment = await self._read_moment(time, time + 1, exact, bounds=bounds)
        return Moment(union(moment.entries, found), moment.missing), (
            after.is_unreadable and (self._counts_start or not self._counts_end)
        )

    async def _read_moment(
        self,
        start: int,
        end: int,
        window: LogWindow,
        shown: tuple[int, int] | None = None,
        *,
        bounds: tuple[int, int] | None = None,
    ) -> Moment:
        """Read a moment that time cannot divide any more: by level, and by device.

        Args:
            start: Where it starts.
            end: Where it ends.
            window: What one answer held of it.
            shown: Where its logs are by the times that the service shows, if elsewhere.
            bounds: What to ask for, where it is known how the service counts these.
        """
        first = start if shown and shown[0] < start else start - 1
        ask, asked = (self._ask_once, bounds) if bounds else (self._ask, (first, end))
        shown = shown or (start, end)
        total = None if window.is_unreadable else self._sizes.total(window)
        found = within(window, *shown)
        # Some answer for a device and a level was cut as well.
        is_cut_short = False
        unreadable = 0
        cut_levels = []
        for level in LEVELS:
            answer = await ask(*asked, level=level)
            found = union(found, within(answer, *shown))
            if not self._is_complete(answer, start):
                cut_levels.append(level)
        # Only an answer for a device has its logs in their order.
        numbers = Counter(entry.device_id for entry in found if entry.device_id)
        several = [device_id for device_id, number in numbers.items() if number > 1]
        others = {*numbers, *self._device_ids()}.difference(several)
        for device_id in [*several, *sorted(others)][:_MAX_DEVICES]:
            if device_id in others and _is_all(found, total, cut_levels):
                break
            answer = await ask(*asked, device_id=device_id)
            of_device = within(answer, *shown)
            if not self._is_complete(answer, start):
                for level in cut_levels:
                    answer = await ask(*asked, device_id=device_id, level=level)
                    of_device = union(of_device, within(answer, *shown))
                    unreadable += answer.is_unreadable
                    is_cut_short |= not self._is_complete(answer, start)
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
            return Moment(found, int(is_cut_short))
        missing = total - len(found)
        if missing > 0 and bounds is None:
            # The question began a nanosecond earlier: what the service counted there is
            # not missing.
            before = await self._ask(start - 2, start)
            missing -= sum(
                (entry.timestamp_ns or 0) < start for entry in before.entries
            )
        return Moment(found, max(0, missing))

    def _is_complete(self, window: LogWindow, start: int) -> bool:
        return not window.is_unreadable and is_complete(self._sizes, window, start)

    async def _ask(
        self,
        start: int,
        end: int,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        try:
            return await ask_before(
                self._ask_and_note, start, end, device_id=device_id, level=level
            )
        except GoliothUnreadableError:
            return LogWindow.unreadable()

    async def _ask_once(
        self,
        start: int,
        end: int,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Ask with the end as the service counts it."""
        try:
            return await self._ask_and_note(
                start, end, device_id=device_id, level=level
            )
        except GoliothUnreadableError:
            return LogWindow.unreadable()

    async def _ask_and_note(
        self,
        start_ns: int,
        end_ns: int,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Ask, and note what the answer shows of how the service counts."""
        window = await self._ask_service(
            start_ns, end_ns, device_id=device_id, level=level
        )
        if window.entries:
            self._seen.add(_is_cut(window))
        # A time that is cut may look like a bound.
        times = {
            entry.timestamp_ns
            for entry in window.entries
            if (entry.timestamp_ns or 0) % MILLISECOND
        }
        self._counts_start |= start_ns in times
        self._counts_end |= end_ns in times
        return window


async def ask_before(
    ask: Ask,
    start_ns: int,
    end_ns: int,
    *,
    device_id: str | None = None,
    level: str | None = None,
) -> LogWindow:
    """Ask for the logs before an end, which the service may count in.

    The logs of the end itself are the newest, and crowd out the others.
    """
    window = await ask(start_ns, end_ns, device_id=device_id, level=level)
    if any((entry.timestamp_ns or 0) == end_ns for entry in window.entries):
        window = await ask(start_ns, end_ns - 1, device_id=device_id, level=level)
    return window


def is_complete(sizes: AnswerSize, window: LogWindow, start: int) -> bool:
    """Return whether an answer lacks no log since a time, by what it holds."""
    return not sizes.is_full(window) or window.reaches(start)


def _is_cut(window: LogWindow) -> bool:
    """Return whether the service may have cut times: none has nanoseconds."""
    return not window.is_unreadable and not any(
        (entry.timestamp_ns or 0) % _MICROSECOND for entry in window.entries
    )


def within(window: LogWindow, start: int, end: int) -> list[LogEntry]:
    """Leave out what was asked for too much.

    A time that REST cut to milliseconds is still in its millisecond.
    """
    return [
        entry
        for entry in window.entries
        if entry.timestamp_ns is not None and start <= entry.timestamp_ns < end
    ]


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
