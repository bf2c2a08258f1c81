"""Reads a span over REST, newest logs first."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple, Protocol

from .answer_size import AnswerSize
from .crowded_moment import CrowdedMoment
from .delivered import DeliveredLogs
from .exceptions import GoliothResponseError, GoliothUnreadableError
from .log_window import LogWindow, request_before, request_if_readable
from .missing_logs import MissingLogs
from .models import LogEntry
from .narrowing import NarrowingBudget
from .pacing import RequestPace
from .reading import Part, Reading, ReadingUnderWay
from .timestamps import (
    MILLISECOND,
    SECOND,
    align_up,
    end_of_millisecond,
    start_of_millisecond,
)

# No service limits answers to fewer logs than this: if one claims more, it has not
# indexed them yet.
_SMALLEST_LIMIT: Final = 10

# Unreadable answers in a row, after which no single log is the cause.
_MAX_UNREADABLE_ANSWERS: Final = 64

# Tries at an unreadable millisecond: a proxy may have broken the answer.
_UNREADABLE_TRIES: Final = 3

# The error for a full answer without any logs of the requested span.
_WRONG_TIME: Final = "The service does not keep to the time asked for"


class LogService(Protocol):
    """A service with the interface of `GoliothRest.logs`."""

    async def logs(
        self,
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Return one answer with the logs of a span.

        Raises:
            GoliothError: As by `GoliothRest.logs`.
        """


class Glance(NamedTuple):
    """What a single answer shows of a span."""

    reading: Reading
    start: int
    """From this whole second on, no other log of the span is new."""
    is_counted: bool
    """Whether the answer is incomplete, but the service has no more logs before these
    than are known: that none is new was counted, not seen."""


class SpanReader:
    """Reads every log of a span that may be new.

    The service answers with the newest logs only, and has no pages: the missing older
    part is requested next. So a device whose clock is constantly off cannot slip a log
    into a part that was read already, before another one of its logs.

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
            logs: The known logs. Where the service has as many, they are not read.
            device_ids: Returns the devices that may have logged.
            on_answer: Called after each answer.
            on_missing: Called with the number of logs that the service has but that no
                request returns: once for each, even if the rest of the read fails.
            pace: Spreads the requests.
        """
        self._service = service
        self._logs = logs
        self._on_answer = on_answer
        self._pace = pace
        self.sizes = AnswerSize()
        self._crowded = CrowdedMoment(self.request, self.sizes, device_ids)
        self._unreadable_answers = 0
        self._budget = NarrowingBudget()
        self._missing = MissingLogs(logs, on_missing)

    async def glance(
        self, start_ns: int, end_ns: int, *, counted_before: int | None = None
    ) -> Glance | None:
        """Request a span once; return None if unreadable.

        Args:
            start_ns: As for `read`.
            end_ns: As for `read`.
            counted_before: As for `read`.

        Raises:
            GoliothError: As by `GoliothRest.logs`.
        """
        window = await self.request_if_readable(start_ns - 1, end_ns)
        if window.is_unreadable:
            return None
        self.sizes.note(window)
        entries = window.within(start_ns, end_ns)
        if self.sizes.surely_holds_all_since(window, start_ns):
            reading = Reading(entries, window.untimed)
            return Glance(reading, start_ns, is_counted=False)
        boundary = min(_next_second(entries[0]) if entries else end_ns, end_ns)
        newer = _since(boundary, entries)
        is_counted = (
            counted_before is None or boundary <= counted_before
        ) and not self._may_have_new_before(window, start_ns, boundary)
        return Glance(
            Reading(newer, window.untimed),
            start_ns if is_counted else boundary,
            is_counted,
        )

    async def read(
        self,
        start_ns: int,
        end_ns: int,
        max_logs: int,
        *,
        complete_before: int,
        counted_before: int | None = None,
        skipped: Sequence[tuple[int, int]] = (),
    ) -> Reading:
        """Read a span.

        Args:
            start_ns: Nanoseconds since 1970: a whole second or millisecond.
            end_ns: A whole second or millisecond, not included.
            max_logs: How many logs may be in memory.
            complete_before: The time before which the service no longer shows new logs,
                in nanoseconds.
            counted_before: The time before which logs are not read where the service
                has as many as are known; later ones are always read. None for no such
                limit.
            skipped: Starts and ends of what is not read.

        Raises:
            GoliothError: As by `GoliothRest.logs`.
            TooManyLogsError: The span has more.
        """
        reading = ReadingUnderWay(
            start_ns,
            end_ns,
            max_logs,
            self._missing.milliseconds(start_ns, end_ns, complete_before),
            complete_before,
            counted_before,
            skipped,
        )
        while reading.parts:
            await self._read_part(reading.parts.pop(), reading)
        return reading.result()

    async def count(self, start_ns: int, end_ns: int) -> int | None:
        """Return a span's number of logs, from one answer.

        Returns:
            None where the answer does not show it.

        Raises:
            GoliothError: As by `GoliothRest.logs`.
        """
        window = await self.request_if_readable(start_ns - 1, end_ns)
        if window.is_unreadable:
            return None
        self.sizes.note(window)
        if self.sizes.surely_holds_all_since(window, start_ns):
            return len(window.within(start_ns, end_ns))
        return self.sizes.total(window)

    def count_known(self, start_ns: int, end_ns: int) -> int:
        """Return a span's number of known and missing logs.

        The span has whole seconds.
        """
        start, end = start_ns // SECOND, end_ns // SECOND
        return self._logs.count(start, end) + self._missing.count(start, end)

    async def request(
        self,
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Request logs once, at the pace of requests.

        Takes, returns and raises what `GoliothRest.logs` does.
        """
        await self._pace.wait_for_turn()
        try:
            window = await self._service.logs(
                start_ns, end_ns, device_id=device_id, level=level
            )
        except GoliothUnreadableError:
            # An unreadable answer counts as one, too.
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

    async def request_if_readable(self, start_ns: int, end_ns: int) -> LogWindow:
        """Request logs once, as the function of this name does."""
        return await request_if_readable(self.request, start_ns, end_ns)

    async def _read_part(self, part: Part, reading: ReadingUnderWay) -> None:
        """Read a part's newest logs, and leave the rest.

        1. Skip the request where the part was read before, or its logs are known by
           number.
        2. Send the request. If the answer is unreadable, narrow down the log that
           causes it, or give the part up.
        3. Keep the logs of which the answer surely holds all.
        4. If there are none, the newest millisecond is crowded: read it by itself.

        Raises what `read` does.
        """
        if part.was_read:
            reading.keep(self._missing.take_beside(part.start))
            return
        if self._settle_by_count(part, reading):
            return
        sent_at = asyncio.get_running_loop().time()
        window = await self.request_if_readable(part.start - 1, part.end)
        if window.is_unreadable:
            try:
                readable = await self._read_unreadable(part, reading)
            finally:
                took = asyncio.get_running_loop().time() - sent_at
                self._budget.spend(took, part.end - part.start)
            if readable is None:
                return
            window = readable
        reading.untimed += window.untimed
        found = window.within(part.start, part.end)
        if not found and not self.sizes.holds_all_since(window, part.start):
            raise GoliothResponseError(_WRONG_TIME)
        self.sizes.note(window)
        left: Part | None = None
        if not await self._is_complete(window, part, found):
            if (split := self._split(window, part, found)) is not None:
                found, left = split
            else:
                left = Part(part.start, part.end - MILLISECOND)
                if left.start < left.end:
                    # The total is about more than the millisecond.
                    window = await self.request_if_readable(left.end - 1, part.end)
                found = await self._read_crowded(left.end, window, reading)
        self._keep(found, window, reading)
        if left is not None:
            reading.leave(left, self._count_expected(left))

    def _settle_by_count(self, part: Part, reading: ReadingUnderWay) -> bool:
        """Return whether counting makes a request unnecessary.

        Either no log of the part is new, or it was halved.
        """
        if part.total is None or not reading.is_counted(part):
            return False
        known = self.count_known(part.start, part.end)
        if part.total == known:
            return True
        halves = self._halve_by_known(part, part.total, known)
        reading.parts += halves
        return bool(halves)

    async def _read_unreadable(
        self, part: Part, reading: ReadingUnderWay
    ) -> LogWindow | None:
        """Halve an unreadable part, or read around its logs.

        A millisecond is not halved: the logs next to the unreadable ones are read.
        Where too much time was spent on unreadable logs, the part is given up.

        Returns:
            An answer, where a millisecond turns out to be readable after all.
        """
        is_too_much = part.end - part.start <= self._budget.width
        if is_too_much and await self._is_answered_near(part):
            reading.given_up.append((part.start, part.end))
            return None
        if not part.is_millisecond:
            reading.parts += part.halves()
            return None
        left = self._budget.left
        try:
            async with asyncio.timeout(left if left > 0 else None):
                return await self._read_beside(part, reading)
        except TimeoutError:
            # The next attempt gives it up.
            reading.parts.append(part)
            return None

    async def _is_answered_near(self, part: Part) -> bool:
        """Return whether an answer for a tiny span is readable.

        Otherwise, the logs are not the cause.
        """
        window = await self.request_if_readable(part.start - 2, part.start - 1)
        return not window.is_unreadable

    async def _read_beside(
        self, part: Part, reading: ReadingUnderWay
    ) -> LogWindow | None:
        """Read the logs next to unreadable ones in a millisecond.

        Returns:
            An answer, where the millisecond turns out to be readable after all.
        """
        for _ in range(_UNREADABLE_TRIES - 1):
            window = await self.request_if_readable(part.start - 1, part.end)
            if not window.is_unreadable:
                return window
        # These are few, and do not count toward the maximum.
        reading.pieces.append(
            await self._read_crowded(part.start, LogWindow.unreadable(), reading)
        )
        return None

    async def _read_crowded(
        self, start: int, window: LogWindow, reading: ReadingUnderWay
    ) -> list[LogEntry]:
        """Return a millisecond's logs, and report missing ones."""
        moment = await self._crowded.read(start, window)
        self._missing.note(start, moment, is_final=start < reading.complete_before)
        return moment.entries

    def _keep(
        self, found: list[LogEntry], window: LogWindow, reading: ReadingUnderWay
    ) -> None:
        """Keep logs if some are new.

        Known logs may be of any size, and take no memory.
        """
        new = self._logs.count_new(found)
        self._budget.earn(new)
        if new:
            reading.keep(found)
        if new or window.untimed:
            reading.count_bytes(window.body_size)

    async def _is_complete(
        self, window: LogWindow, part: Part, found: list[LogEntry]
    ) -> bool:
        """Return whether an answer holds all of a part.

        If in doubt, more requests find out.
        """
        if not self.sizes.holds_all_since(window, part.start):
            return False
        if self.sizes.surely_holds_all_since(window, part.start):
            return True
        # It has room, but claims more logs: one of these is wrong.
        if found:
            older_end = start_of_millisecond(found[0].timestamp_ns or 0)
        else:
            older_end = (part.start + part.end) // 2
        older = await request_before(self.request, part.start - 1, older_end)
        if older.within(part.start, older_end):
            self.sizes.report_cap(window.size)
            if not found:
                raise GoliothResponseError(_WRONG_TIME)
            return False
        self.sizes.report_lie()
        if not await self._is_cut(window, found):
            return True
        # The next read shows the rest: the total is not believable.
        self.sizes.report_cap(window.size)
        return False

    async def _is_cut(self, window: LogWindow, found: list[LogEntry]) -> bool:
        """Return whether an answer's oldest millisecond may be cut.

        Args:
            window: An answer that claims more logs than it holds.
            found: The logs of the part that it holds; the part has no older ones.
        """
        if window.size < _SMALLEST_LIMIT or not found:
            return False
        start = start_of_millisecond(found[0].timestamp_ns or 0)
        end = start + MILLISECOND
        alone = await self.request_if_readable(start - 1, end)
        logs = alone.within(start, end)
        # An equal number may be the limit of answers.
        return len(logs) >= window.size or len(logs) > sum(
            (each.timestamp_ns or 0) < end for each in found
        )

    def _split(
        self, window: LogWindow, part: Part, found: list[LogEntry]
    ) -> tuple[list[LogEntry], Part] | None:
        """Split a part into complete logs and the unread rest.

        An answer has the newest logs of the part, and its oldest millisecond may be
        cut. For example, of 10:00:00 to 10:01:00, it has 100 logs since 10:00:42.1234.

        - It surely has all since 10:00:42.124. The part before that is left.
        - If it claims 500, and has 80 since 10:00:43, there are 420 before that. If 390
          of these are known, 30 are new: fewer than one answer has. So the part before
          10:00:43 is left, because whole seconds can still be compared by number, and
          the other 20 logs are returned again.

        Returns:
            None where no log is sure to be complete: all are of the last millisecond.
        """
        cut = end_of_millisecond(found[0].timestamp_ns or 0)
        boundary = align_up(cut)
        total = self.sizes.total(window)
        if total is not None and boundary < part.end and not part.start % SECOND:
            newer = _since(boundary, found)
            older = total - len(newer)
            if older - self.count_known(part.start, boundary) < len(found):
                return newer, Part(part.start, boundary, older)
        if cut >= part.end:
            return None
        sure = _since(cut, found)
        left = None if total is None else total - len(sure)
        return sure, Part(part.start, cut, left)

    def _may_have_new_before(
        self, window: LogWindow, start: int, boundary: int
    ) -> bool:
        """Return whether a cut answer may hide new logs."""
        total = self.sizes.total(window)
        if total is None or start % SECOND:
            return True
        newer = len(_since(boundary, window.entries))
        return total - newer != self.count_known(start, boundary)

    def _count_expected(self, part: Part) -> int:
        """Return about how many logs of a part are new.

        0 where unknown.
        """
        if part.total is None:
            return 0
        return max(0, part.total - self.count_known(part.start, align_up(part.end)))

    def _halve_by_known(self, part: Part, total: int, known: int) -> list[Part]:
        """Return the halves of a mostly known part, if any.

        The upper one is last. Counting finds new logs sooner than reading all known
        ones.
        """
        if known < 2 * max(1, total - known):
            return []
        number = 0
        for second in sorted(self._logs.seconds_between(part.start, part.end)):
            number += self.count_known(second * SECOND, (second + 1) * SECOND)
            middle = (second + 1) * SECOND
            if number * 2 >= known:
                if part.start < middle < part.end:
                    return [Part(part.start, middle), Part(middle, part.end)]
                return []
        return []


def _since(time_ns: int, entries: list[LogEntry]) -> list[LogEntry]:
    """Return the logs since a time."""
    return [each for each in entries if (each.timestamp_ns or 0) >= time_ns]


def _next_second(entry: LogEntry) -> int:
    """Return the first whole second after a log's millisecond."""
    return align_up(end_of_millisecond(entry.timestamp_ns or 0))
