"""Reads a span of time over REST, from its newest log to its oldest."""

from collections.abc import Callable, Collection
from itertools import pairwise
from typing import Final, NamedTuple, Protocol

from .answer_size import AnswerSize
from .crowded_moment import CrowdedMoment, Moment
from .delivered import DeliveredLogs
from .exceptions import GoliothResponseError, GoliothUnreadableError
from .log_window import LogWindow, ask_before
from .models import LogEntry
from .pacing import RequestPace
from .timestamps import (
    MILLISECOND,
    SECOND,
    align_up,
    end_of_millisecond,
    middle_millisecond,
    start_of_millisecond,
    start_of_second,
)

# Unreadable answers in a row, after which it is not for the sake of some log.
_MAX_UNREADABLE_ANSWERS: Final = 64

# Tries at a millisecond that cannot be read: what is on the way may have broken it.
_UNREADABLE_TRIES: Final = 3

# Milliseconds whose unreadable logs are remembered.
_MAX_UNREADABLE: Final = 1_000

# Bytes of answers, whose logs may be in memory together.
_MAX_BYTES: Final = 16 * 1024 * 1024


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
        """


class Reading(NamedTuple):
    """What was read of a span of time."""

    entries: list[LogEntry]
    """Oldest first: each that may be new, with all others of its millisecond."""
    untimed: list[LogEntry]
    """What was among these, without a time."""


class Glance(NamedTuple):
    """What a single answer shows of a span of time."""

    reading: Reading
    start: int
    """From this whole second on, nothing else of the span may be new."""
    is_counted: bool
    """Whether some were left out because the service has as many as are known."""


class TooManyLogsError(Exception):
    """A span has more logs than may be in memory.

    Attributes:
        seen_width: The part of the span, in nanoseconds, that has as many as may be.
    """

    def __init__(self, seen_width: int) -> None:
        """Keep the width."""
        super().__init__()
        self.seen_width = seen_width


class _Part(NamedTuple):
    """A part of a span that is still to be read."""

    start: int
    """A whole second, or what follows an unreadable millisecond."""
    end: int
    total: int | None = None
    """How many logs it has, where an answer for more than this showed it."""


class SpanReader:
    """Reads every log of a span of time that may be new.

    The service answers with the newest logs only, and has no pages: what an answer
    lacks is asked for next. So a device whose clock is constantly off cannot slip a log
    into what was read already, before another one that was read.

    Attributes:
        sizes: Judges whether answers are complete.
    """

    def __init__(
        self,
        service: LogService,
        *,
        logs: DeliveredLogs,
        device_ids: Callable[[], Collection[str]],
        on_answer: Callable[[], None],
        on_missing: Callable[[int], None],
        pace: RequestPace,
    ) -> None:
        """Prepare, without a request.

        Args:
            service: The project.
            logs: What is known. Where the service has as many, they are not read.
            device_ids: Returns the devices that may have logged.
            on_answer: Called after each answer.
            on_missing: Called with the number of logs that the service has, and that no
                question makes it give: once for each, whether or not what else is read
                can be delivered.
            pace: Spreads the requests.
        """
        self._service = service
        self._logs = logs
        self._on_answer = on_answer
        self._on_missing = on_missing
        self._pace = pace
        self.sizes = AnswerSize()
        self._crowded = CrowdedMoment(self.ask, self.sizes, device_ids)
        self._unreadable_answers = 0
        # How many logs of a millisecond cannot be had, by its start.
        self._missing: dict[int, int] = {}
        # What was found beside these, until it has been delivered: a reading that
        # fails later takes it along, and the next one does not ask for it again.
        self._beside: dict[int, list[LogEntry]] = {}

    async def glance(self, start_ns: int, end_ns: int) -> Glance | None:
        """Ask once for a span; return what that shows, or None if it cannot be read.

        Takes and raises what `read` does.
        """
        try:
            window = await self.ask_before(start_ns - 1, end_ns)
        except GoliothUnreadableError:
            return None
        self.sizes.hear(window)
        entries = window.within(start_ns, end_ns)
        if self.sizes.surely_holds_all_since(window, start_ns):
            reading = Reading(entries, window.untimed)
            return Glance(reading, start_ns, is_counted=False)
        boundary = min(_next_second(entries[0]) if entries else end_ns, end_ns)
        newer = [each for each in entries if (each.timestamp_ns or 0) >= boundary]
        is_counted = not self._older(window, start_ns, boundary)
        return Glance(
            Reading(newer, window.untimed),
            start_ns if is_counted else boundary,
            is_counted,
        )

    async def read(self, start_ns: int, end_ns: int, max_logs: int) -> Reading:
        """Read a span.

        Args:
            start_ns: In nanoseconds since 1970: a whole second or millisecond.
            end_ns: A whole second or millisecond, not included.
            max_logs: How many logs may be in memory.

        Raises:
            GoliothError: As by `GoliothRest.logs`.
            TooManyLogsError: The span has more.
        """
        pieces: list[list[LogEntry]] = []
        untimed: list[LogEntry] = []
        number = size = 0
        parts, known_parts = self._divide(start_ns, end_ns)
        while parts:
            start, end, total = part = parts.pop()
            if start >= end:
                continue
            if part in known_parts:
                if beside := self._take_beside(start):
                    pieces.append(beside)
                    number += len(beside)
                continue
            is_whole = not start % SECOND and not end % SECOND
            if total is not None and is_whole:
                known = self.count_known(start, end)
                if total == known:
                    continue
                if halves := self._halve_by_known(part, known):
                    parts += halves
                    continue
            try:
                window = await self.ask_before(start - 1, end)
            except GoliothUnreadableError:
                if end - start > MILLISECOND:
                    middle = max(middle_millisecond(start, end), start + MILLISECOND)
                    parts += (_Part(start, middle), _Part(middle, end))
                    continue
                if (answer := await self._try_again(start, end)) is None:
                    moment = await self._crowded.read(start, LogWindow.unreadable())
                    self._note_missing(start, moment)
                    pieces.append(moment.entries)
                    continue
                window = answer
            untimed += window.untimed
            found = window.within(start, end)
            if not found and not self.sizes.holds_all_since(window, start):
                # It is full of what nobody asked for.
                raise GoliothResponseError(
                    "The service does not keep to the time asked for"
                )
            self.sizes.hear(window)
            if await self._is_complete(window, part):
                new, rest = found, None
            else:
                new, rest = self._split(window, found, part)
                if rest is None:
                    # All of it is of one millisecond.
                    cut = end - MILLISECOND
                    if cut > start:
                        # What was claimed is about more than this.
                        window = await self._ask_if_readable(cut - 1, end)
                    moment = await self._crowded.read(cut, window)
                    self._note_missing(cut, moment)
                    new, rest = moment.entries, _Part(start, cut)
            if is_new := self._logs.count_new(new) > 0:
                pieces.append(new)
                number += len(new)
            if is_new or window.untimed:
                # What is known is not kept, and may be of any size.
                size += window.body_size
            if rest is None or rest.start >= rest.end:
                continue
            if number + (expected := self._count_expected(rest)) > max_logs:
                raise TooManyLogsError(
                    (end_ns - start_ns) * max_logs // (number + expected)
                )
            if number >= max_logs or size > _MAX_BYTES:
                raise TooManyLogsError(end_ns - rest.end)
            parts.append(rest)
        pieces.reverse()
        return Reading([entry for piece in pieces for entry in piece], untimed)

    async def count(self, start_ns: int, end_ns: int) -> int | None:
        """Return how many logs a span has, or None where one answer does not show it.

        Raises:
            GoliothError: As by `GoliothRest.logs`.
        """
        try:
            window = await self.ask_before(start_ns - 1, end_ns)
        except GoliothUnreadableError:
            return None
        self.sizes.hear(window)
        if self.sizes.surely_holds_all_since(window, start_ns):
            return len(window.within(start_ns, end_ns))
        return self.sizes.total(window)

    async def ask(
        self,
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Ask once, in turn. Takes, returns and raises what `GoliothRest.logs` does."""
        await self._pace.wait_for_turn()
        try:
            window = await self._service.logs(
                start_ns, end_ns, device_id=device_id, level=level
            )
        except GoliothUnreadableError:
            # That is an answer, too.
            self._on_answer()
            self._unreadable_answers += 1
            if self._unreadable_answers > _MAX_UNREADABLE_ANSWERS:
                self._unreadable_answers = 0
                raise GoliothResponseError(
                    "No answer of the service can be read"
                ) from None
            raise
        self._unreadable_answers = 0
        self._on_answer()
        return window

    async def ask_before(self, start_ns: int, end_ns: int) -> LogWindow:
        """Ask once for the logs of a span without its end, which the service may count in.

        Raises what `ask` does.
        """
        return await ask_before(self.ask, start_ns, end_ns)

    async def _ask_if_readable(self, start: int, end: int) -> LogWindow:
        """Ask for logs; where the answer cannot be read, return what says so."""
        try:
            return await self.ask_before(start, end)
        except GoliothUnreadableError:
            return LogWindow.unreadable()

    async def _try_again(self, start: int, end: int) -> LogWindow | None:
        """Ask a few times for what cannot be read; None if it really cannot be."""
        for _ in range(_UNREADABLE_TRIES - 1):
            try:
                return await self.ask_before(start - 1, end)
            except GoliothUnreadableError:
                continue
        return None

    async def _is_complete(self, window: LogWindow, part: _Part) -> bool:
        """Return whether an answer holds all of a part, and find out if in doubt."""
        if not self.sizes.holds_all_since(window, part.start):
            return False
        if self.sizes.surely_holds_all_since(window, part.start):
            return True
        # It has more room, but claims more logs: either is wrong.
        found = window.within(part.start, part.end)
        oldest = found[0].timestamp_ns or 0 if found else part.end
        older_end = start_of_millisecond(oldest)
        if not found:
            older_end = (part.start + part.end) // 2
        older = await self.ask_before(part.start - 1, older_end)
        if older.within(part.start, older_end):
            self.sizes.report_cap(window.size)
            return False
        self.sizes.report_lie()
        return True

    def _older(self, window: LogWindow, start: int, boundary: int) -> bool:
        """Return whether there may be new logs before those that an answer holds."""
        total = self.sizes.total(window)
        if total is None or start % SECOND:
            return True
        newer = sum((each.timestamp_ns or 0) >= boundary for each in window.entries)
        return total - newer != self.count_known(start, boundary)

    def _split(
        self, window: LogWindow, found: list[LogEntry], part: _Part
    ) -> tuple[list[LogEntry], _Part | None]:
        """Return what an answer has for sure, and what is left to be read.

        The oldest millisecond of an answer may be cut. Nothing is left if it is the only
        one.
        """
        if not found:
            # It is full of what nobody asked for.
            raise GoliothResponseError(
                "The service does not keep to the time asked for"
            )
        cut = end_of_millisecond(found[0].timestamp_ns or 0)
        total = self.sizes.total(window)
        # Whole seconds can be compared with what is known.
        boundary = _next_second(found[0])
        if total is not None and boundary < part.end and not part.start % SECOND:
            newer = [each for each in found if (each.timestamp_ns or 0) >= boundary]
            left = total - len(newer)
            new = left - self.count_known(part.start, boundary)
            if new < len(found):
                return newer, _Part(part.start, boundary, left)
            total = left - (len(found) - len(newer))
        if cut >= part.end:
            return [], None
        return [each for each in found if (each.timestamp_ns or 0) >= cut], _Part(
            part.start, cut, total
        )

    def _count_expected(self, part: _Part) -> int:
        """Return about how many logs of a part are new, where that is known."""
        if part.total is None:
            return 0
        return max(0, part.total - self.count_known(part.start, align_up(part.end)))

    def _halve_by_known(self, part: _Part, known: int) -> list[_Part]:
        """Return the halves of a part most of which is known, the upper one last.

        What is new is found sooner by counting than by reading all that is known.
        """
        if part.total is None or known < 2 * max(1, part.total - known):
            return []
        number = 0
        for second in sorted(self._logs.seconds_between(part.start, part.end)):
            number += self.count_known(second * SECOND, (second + 1) * SECOND)
            middle = (second + 1) * SECOND
            if number * 2 >= known:
                if part.start < middle < part.end:
                    return [_Part(part.start, middle), _Part(middle, part.end)]
                return []
        return []

    def count_known(self, start_ns: int, end_ns: int) -> int:
        """Return how many logs of whole seconds are known, or cannot be had."""
        start, end = start_ns // SECOND, end_ns // SECOND
        return self._logs.count(start, end) + sum(
            number
            for millisecond, number in self._missing.items()
            if start <= millisecond // SECOND < end
        )

    def _divide(self, start: int, end: int) -> tuple[list[_Part], set[_Part]]:
        """Return the parts of a span, the last one last, and those not to be read.

        These are the milliseconds with unreadable logs, which have been read.
        """
        unreadable = {each for each in self._missing if start <= each < end}
        cuts = {start, end}
        for each in unreadable:
            after = each + MILLISECOND
            # The seconds around it can still be compared with what is known.
            cuts |= {start_of_second(each), each, after, align_up(after)}
        parts = [
            _Part(*each)
            for each in pairwise(sorted(each for each in cuts if start <= each <= end))
        ]
        return parts, {each for each in parts if each.start in unreadable}

    def _take_beside(self, millisecond: int) -> list[LogEntry]:
        """Return what was found beside unreadable logs, if it may be new."""
        beside = self._beside.get(millisecond, [])
        if beside and not self._logs.count_new(beside):
            del self._beside[millisecond]
            return []
        return beside

    def _note_missing(self, millisecond: int, moment: Moment) -> None:
        """Report logs that cannot be had, and were not reported yet."""
        noted, number = self._missing.get(millisecond, 0), moment.missing
        if not number:
            return
        if self._logs.count_new(moment.entries):
            self._beside[millisecond] = moment.entries
        if number <= noted:
            return
        self._missing[millisecond] = number
        if len(self._missing) > _MAX_UNREADABLE:
            forgotten = next(iter(self._missing))
            del self._missing[forgotten]
            self._beside.pop(forgotten, None)
        self._on_missing(number - noted)


def _next_second(entry: LogEntry) -> int:
    """Return the first whole second after a log and all others of its millisecond."""
    return align_up(end_of_millisecond(entry.timestamp_ns or 0))
