"""A span of time read from REST, in slices that one answer can hold: forward, or backward from its end."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import suppress
from typing import Final, NamedTuple, Protocol

from .delivered import SECOND, identify
from .models import LEVELS, LogEntry
from .rest import LogWindow

# In nanoseconds.
MILLISECOND: Final = 1_000_000
_MICROSECOND: Final = 1_000

# Later than any log.
_END_OF_TIME: Final = 2**63

# An answer holds 100 logs: slices are cut for a few less, because logs do not come evenly.
_LOGS_PER_SLICE: Final = 70

# After a slice with fewer the next one is no more than four times as long.
_FEW_LOGS: Final = 18

# Devices that are asked for one by one, for what they logged at one moment: at two requests a second it takes a minute.
_MAX_DEVICES: Final = 100

# Moments whose unreadable logs are remembered.
_MAX_UNREADABLE: Final = 1_000


class LogSlice(NamedTuple):
    """All logs from one time on to before another, in nanoseconds since 1970."""

    start_ns: int
    end_ns: int
    entries: list[LogEntry]
    """Oldest first; empty as well where the number of logs showed that all of them are known."""
    missing: int = 0
    """Logs that the service has, and that no question makes it give, or that were not asked for. `read` tells each once."""
    is_whole: bool = True
    """Whether it has all logs of its time, and not only those that are ahead of the service's clock."""


class TooManyRequestsError(Exception):
    """No more requests may be made."""


class LogService(Protocol):
    """What logs are asked of, as `GoliothRest.logs` has it."""

    async def logs(
        self,
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Return what one answer holds of the logs of a span of time.

        Raises:
            GoliothError: As by `GoliothRest.logs`.
            TooManyRequestsError: Reading has to end here.
        """


class LogReader:
    """Reads every log of a span of time.

    The service answers with the newest logs only, and has no pages. So a slice that is not answered whole is asked for
    again in parts.
    """

    def __init__(
        self,
        rest: LogService,
        *,
        count_known: Callable[[int, int], int],
        device_ids: Callable[[], Collection[str]],
        on_answer: Callable[[], None],
        request_interval: float,
    ) -> None:
        """Prepare, without a request.

        Args:
            rest: The project.
            count_known: Returns how many logs are known from one second since 1970 on to before another. Where the service
                has as many, they are not read.
            device_ids: Returns the devices that may have logged.
            on_answer: Called after each answer.
            request_interval: Seconds between two requests, at least.
        """
        self._rest = rest
        self._count_known = count_known
        self._device_ids = device_ids
        self._on_answer = on_answer
        self._request_interval = request_interval
        self._next_request = 0.0
        # Whether an answer had no time with nanoseconds, since it was last looked at.
        self._has_cut_times = False
        # How many logs of a millisecond cannot be had, by its start, and whether that is for sure.
        self._unreadable: dict[int, tuple[int, bool]] = {}

    async def read(
        self, start_ns: int, end_ns: int, clock: Callable[[], int] | None = None
    ) -> AsyncGenerator[LogSlice]:
        """Yield the slices of a span, one after the other.

        With a clock, slices of the present are read once their time is over: what came to one of them later would be read after
        what came later still. What is more than two seconds ahead is from a device whose clock is: of that, and of that alone,
        slices are read at once. What is left of the present is for the next time. All of this only where one answer does not
        hold the rest.

        Args:
            start_ns: A whole second.
            end_ns: A whole second.
            clock: Returns the service's time in nanoseconds since 1970, which may be up to two seconds behind; None where
                what comes meanwhile comes by other means.

        Raises:
            GoliothError: As by `GoliothRest.logs`; what was yielded is complete.
        """
        position = start_ns
        # Whatever the service has by now, save for what is ahead, is from before this.
        present_ns = end_ns
        if clock is not None:
            present_ns = min(end_ns, _align_up(clock()) + 2 * SECOND)
        width = end_ns - start_ns
        # Until where the numbers differ, so that some log before it is not known; and whether most of them are.
        suspect_end = position
        is_mostly_known = False
        # Whether the last slice had next to nothing, so that the others are crowded somewhere.
        is_sparse = False
        is_whole = True
        while position < end_ns:
            end = min(position + width, end_ns)
            if clock is not None and end < end_ns and position < present_ns:
                end = min(end, present_ns)
                await asyncio.sleep(max(0, end - clock()) / SECOND)
            # Counted before the question: what the stream delivers meanwhile may not be in the answer.
            known = None
            if not position % SECOND and not end % SECOND:
                known = self._count(position // SECOND, end // SECOND)
            # From a nanosecond earlier, because the service may leave its bounds out.
            window = await self._ask(position - 1, end)
            if window.total is not None and window.total == known:
                part = LogSlice(position, end, [])
                is_sparse = not known
                # The difference is in the other half, then.
                rest = suspect_end - end
                width = _halve(rest) if rest > 0 else end_ns - end
            elif _is_complete(window, position):
                part = LogSlice(position, end, _within(window, position, end))
                is_sparse = len(window.entries) < _FEW_LOGS
                density = max(len(window.entries), _FEW_LOGS)
                width = _align((end - position) * _LOGS_PER_SLICE // density)
                if is_mostly_known:
                    # Back to whole seconds, and then to what may be known again.
                    rest = -end % SECOND
                    width = min(width, rest) if rest else end_ns - end
            elif (
                newest := self._newest_if_others_are_known(window, position, end)
            ) is not None:
                part = LogSlice(position, end, _within(newest, position, end))
                width = end_ns - end
            elif width > MILLISECOND:
                is_mostly_known = (known or 0) * 2 >= (window.total or 1)
                suspect_end = end
                width = end - position
                half = _halve(width)
                if window.total and not is_mostly_known and not is_sparse:
                    half = min(half, _align(width * _LOGS_PER_SLICE // window.total))
                width = half
                continue
            else:
                part = self._note_missing(
                    await self._read_millisecond(position, end, window),
                    # Where times may have been cut, what lies on a bound cannot be told from what lies beside it.
                    is_exact=not _is_cut(window),
                )
                width = SECOND - end % SECOND
            is_whole = is_whole and (position < present_ns or end == end_ns)
            if clock is not None and not is_whole:
                ahead = _from(part.entries, clock() + 2 * SECOND)
                part = part._replace(entries=ahead, is_whole=False)
            yield part
            position = end

    async def read_backward(
        self, start_ns: int, end_ns: int | None, limit: int
    ) -> AsyncGenerator[LogSlice]:
        """Yield the slices of a span, the last one first, until there are enough logs.

        What is known is not left out. A slice that ends the reading early tells of at least one missing log.

        Args:
            start_ns: A whole millisecond.
            end_ns: A whole millisecond; without it, whatever the service has until now.
            limit: How many logs are enough.

        Raises:
            GoliothError: As by `GoliothRest.logs`; what was yielded is complete.
            TooManyRequestsError: As by the service.
        """
        end = _END_OF_TIME if end_ns is None else end_ns
        left = limit
        while start_ns < end:
            window = await self._ask(start_ns - 1, end if end < _END_OF_TIME else None)
            found = _within(window, start_ns, end)
            if _is_complete(window, start_ns):
                yield LogSlice(start_ns, end, found)
                return
            others = (window.total or 0) - len(window.entries)
            # It gives none of the logs that it counts, or there are enough.
            if not found or len(found) > left or (len(found) == left and others > 0):
                yield LogSlice(start_ns, end, found, missing=max(1, others))
                return
            # The answer has the newest logs: it lacks none but in the millisecond of the oldest one, and before.
            oldest = found[0].timestamp_ns or 0
            cut = oldest - oldest % MILLISECOND + MILLISECOND
            if cut < end:
                part = LogSlice(cut, end, _within(window, cut, end))
                left -= len(part.entries)
                yield part
                end = cut
                continue
            end = cut - MILLISECOND
            part = LogSlice(end, cut, _within(window, end, cut), missing=max(1, others))
            # An answer that is not full has all that the service gives, whatever it counts.
            if window.is_full:
                with suppress(TooManyRequestsError):
                    part = await self._read_any_millisecond(end, cut)
            left -= len(part.entries)
            yield part

    def _newest_if_others_are_known(
        self, window: LogWindow, start: int, end: int
    ) -> LogWindow | None:
        """Return the newest logs of an answer, if by their number all older ones are known."""
        if window.total is None or start % SECOND or not window.entries:
            return None
        # The oldest second of the answer may be cut.
        second = (window.entries[0].timestamp_ns or 0) // SECOND + 1
        if second * SECOND > end:
            return None
        newest = [
            entry
            for entry in window.entries
            if (entry.timestamp_ns or 0) >= second * SECOND
        ]
        older = self._count(start // SECOND, second)
        if older + len(newest) != window.total:
            return None
        return window._replace(entries=newest)

    def _count(self, start: int, end: int) -> int:
        """Return how many logs from one second on to before another are known, or cannot be had."""
        return self._count_known(start, end) + sum(
            number
            for millisecond, (number, is_exact) in self._unreadable.items()
            if is_exact and start <= millisecond // SECOND < end
        )

    async def _read_any_millisecond(self, start: int, end: int) -> LogSlice:
        """Read a millisecond, whether one answer holds it or not."""
        window = await self._ask(start - 1, end)
        if _is_complete(window, start):
            return LogSlice(start, end, _within(window, start, end))
        return await self._read_millisecond(start, end, window)

    async def _read_millisecond(
        self, start: int, end: int, window: LogWindow
    ) -> LogSlice:
        """Read a millisecond that one answer does not hold."""
        self._has_cut_times = False
        part = await self._read_millisecond_once(start, end, window)
        if self._has_cut_times and not _is_cut(window):
            # The service has begun to cut times meanwhile: what was asked for by the nanosecond was not to be seen.
            window = await self._ask(start - 1, end)
            part = await self._read_millisecond_once(start, end, window)
        return part

    async def _read_millisecond_once(
        self, start: int, end: int, window: LogWindow
    ) -> LogSlice:
        is_cut = _is_cut(window)
        if any((entry.timestamp_ns or 0) % MILLISECOND for entry in window.entries):
            return await self._read_nanoseconds(start, end, is_cut=is_cut)
        # All of them may be of one moment.
        found = await self._read_moment(start, end, window)
        if found.missing:
            found = min(
                found,
                await self._read_nanoseconds(start, end, is_cut=is_cut),
                key=lambda each: each.missing,
            )
        return found

    async def _read_nanoseconds(
        self, start: int, end: int, *, is_cut: bool
    ) -> LogSlice:
        """Read a millisecond whose logs have distinct nanoseconds, even if the answers do not show them."""
        entries: list[LogEntry] = []
        missing = 0
        # Nothing happens at an odd nanosecond more often than at another one: with cut times, what is on a bound cannot be
        # told from what is beside it.
        position, width = start, (end - start) // 2 - 163
        while position < end:
            to = min(position + width, end)
            first = position - 1 if position == start or not is_cut else position
            window = await self._ask(first, to)
            if window.is_complete or (not is_cut and _is_complete(window, position)):
                entries += _within(
                    window, *((start, end) if is_cut else (position, to))
                )
                position, width = to, width * 2
            elif to - position > 1:
                times = {entry.timestamp_ns or 0 for entry in window.entries}
                if len(times) == 1 and not is_cut:
                    # So many of one moment: it is the one to be read by itself.
                    width = max(1, times.pop() - position)
                else:
                    width = (to - position) // 2
            else:
                moment = await self._read_moment(position, to, window)
                entries += moment.entries
                missing += moment.missing
                position, width = to, end - to
        return LogSlice(start, end, entries, missing)

    async def _read_moment(self, start: int, end: int, window: LogWindow) -> LogSlice:
        """Read a moment that time cannot divide any more: by level, and by device."""
        found = _within(window, start, end)
        cut_levels = []
        for level in LEVELS:
            answer = await self._ask(start - 1, end, level=level)
            found = _union(found, _within(answer, start, end))
            if not _is_complete(answer, start):
                cut_levels.append(level)
        # Only an answer for a device has its logs in their order.
        numbers = Counter(entry.device_id for entry in found if entry.device_id)
        several = [device_id for device_id, number in numbers.items() if number > 1]
        others = {*numbers, *self._device_ids()}.difference(several)
        for device_id in [*several, *sorted(others)][:_MAX_DEVICES]:
            if device_id in others and _is_all(found, window, cut_levels):
                break
            answer = await self._ask(start - 1, end, device_id=device_id)
            of_device = _within(answer, start, end)
            if not _is_complete(answer, start):
                for level in cut_levels:
                    answer = await self._ask(
                        start - 1, end, device_id=device_id, level=level
                    )
                    of_device = _union(of_device, _within(answer, start, end))
            found = [
                *(entry for entry in found if entry.device_id != device_id),
                *_union(
                    of_device,
                    [entry for entry in found if entry.device_id == device_id],
                ),
            ]
        found.sort(key=lambda entry: entry.timestamp_ns or 0)
        missing = (window.total or 0) - len(found)
        if missing > 0:
            # The question began a nanosecond earlier: what the service counted there is not missing.
            before = await self._ask(start - 2, start)
            missing -= sum(
                (entry.timestamp_ns or 0) < start for entry in before.entries
            )
        return LogSlice(start, end, found, max(0, missing))

    def _note_missing(self, part: LogSlice, *, is_exact: bool) -> LogSlice:
        """Note how many logs of a slice cannot be had, and tell only those that were not noted yet."""
        noted, _is_exact = self._unreadable.get(part.start_ns, (0, False))
        if part.missing <= noted:
            return part._replace(missing=0)
        self._unreadable[part.start_ns] = part.missing, is_exact
        if len(self._unreadable) > _MAX_UNREADABLE:
            del self._unreadable[next(iter(self._unreadable))]
        return part._replace(missing=part.missing - noted)

    async def _ask(
        self,
        start: int,
        end: int | None,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Ask for the logs before an end, which the service may count in."""
        window = await self.ask(start, end, device_id=device_id, level=level)
        if end is not None and any(
            (entry.timestamp_ns or 0) == end for entry in window.entries
        ):
            # The logs of the end itself are the newest, and crowd out the others.
            window = await self.ask(start, end - 1, device_id=device_id, level=level)
        return window

    async def ask(
        self,
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Ask once, in turn. Takes, returns and raises what `GoliothRest.logs` does."""
        await self.wait_for_turn()
        window = await self._rest.logs(
            start_ns, end_ns, device_id=device_id, level=level
        )
        self._on_answer()
        self._has_cut_times |= bool(window.entries) and _is_cut(window)
        return window

    async def wait_for_turn(self) -> None:
        """Wait until the next request is due."""
        loop = asyncio.get_running_loop()
        due = max(self._next_request, loop.time())
        self._next_request = due + self._request_interval
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
            # Sleep ends late, and never early.
            self._next_request = max(
                self._next_request, loop.time() + self._request_interval
            )


def _is_complete(window: LogWindow, start: int) -> bool:
    """Whether no log is missing. The answer has the newest ones: with one from before the start, it has all of them."""
    return window.is_complete or (
        bool(window.entries) and (window.entries[0].timestamp_ns or start) < start
    )


def _is_cut(window: LogWindow) -> bool:
    """Whether times may have been cut, though the service still goes by all digits: none has nanoseconds."""
    return not any((entry.timestamp_ns or 0) % _MICROSECOND for entry in window.entries)


def _within(window: LogWindow, start: int, end: int) -> list[LogEntry]:
    """Leave out what was asked for too much. A time that REST cut to milliseconds is still in its millisecond."""
    return [
        entry
        for entry in window.entries
        if entry.timestamp_ns is not None and start <= entry.timestamp_ns < end
    ]


def _union(some: list[LogEntry], others: list[LogEntry]) -> list[LogEntry]:
    """Return what either answer holds: a log as often as the answer that has it most often."""
    union = list(some)
    # Not by their text, because a service may begin to cut times between two answers.
    left = Counter(map(identify, some))
    for entry in others:
        identity = identify(entry)
        if left[identity]:
            left[identity] -= 1
        else:
            union.append(entry)
    return union


def _is_all(found: list[LogEntry], window: LogWindow, cut_levels: list[str]) -> bool:
    """Whether all logs of a moment were found, after each level was asked for."""
    if window.total is not None:
        return len(found) >= window.total
    return not cut_levels and all(entry.level in LEVELS for entry in found)


def _from(entries: list[LogEntry], time_ns: int) -> list[LogEntry]:
    """Leave out what is from before a time, and from its millisecond."""
    time_ns += -time_ns % MILLISECOND
    return [entry for entry in entries if (entry.timestamp_ns or 0) >= time_ns]


def _align_up(time_ns: int) -> int:
    return time_ns + -time_ns % SECOND


def _halve(width: int) -> int:
    return _align(width // 2) if width > MILLISECOND else width


def _align(width: int) -> int:
    """Cut to whole seconds, whose known logs can be counted, or to milliseconds, which REST may cut times to."""
    if width >= SECOND:
        return width - width % SECOND
    return max(MILLISECOND, width - width % MILLISECOND)
