"""Reads undelivered logs from REST.

This includes the first start, gaps, polls and audits.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
import logging
from typing import Final, NamedTuple, Protocol

from .coverage import Coverage
from .delivered import DeliveredLogs, UntrackedRange
from .exceptions import (
    GoliothAuthenticationError,
    GoliothError,
    GoliothResponseError,
    GoliothUnreadableError,
)
from .lost_logs import GapListener, LostLogs, divide
from .models import LogEntry, LogSource
from .pacing import FeedTiming, RequestPace, in_slices
from .reading import Reading, TooManyLogsError
from .rest import GoliothRest
from .service_clock import ServiceClock
from .slice_width import WIDER
from .slices import Slices
from .span_reader import Glance, SpanReader
from .timestamps import SECOND

_LOGGER = logging.getLogger(__name__)

# The share of the margin in which REST shows what it has received.
_INDEX_SHARE: Final = 1 / 6

# The share of the margin by which a device's clock may be wrong.
_DEVICE_SHARE: Final = 5 / 6

# By how much the clocks of service and host differ at most, where both are right.
_AGREEMENT: Final = 300 * SECOND

# Seconds of history before the first start to request, until one succeeds: as far back
# as the service goes by default, then less.
_HISTORY_SPANS: Final = (None, 3_600, 60)

# Requests for the time, until two answers in a row agree.
_MAX_TIME_REQUESTS: Final = 4


class ReadListener(GapListener, Protocol):
    """Receives logs and reports from the gap filler."""

    def on_read_log(self, entry: LogEntry, source: LogSource) -> None:
        """Deliver a log; within a read, in order of time."""

    def on_history(self, entry: LogEntry) -> None:
        """Show a log from before the first start, without delivery."""

    def on_unreadable(self, number: int) -> None:
        """Report logs that the service has but cannot return."""


class Read(NamedTuple):
    """The options of one read."""

    source: LogSource
    is_audit: bool
    """Whether a stream delivers, with no gap before it."""
    live_since: Callable[[], int | None]
    """Returns since when a stream delivers at once, by the service's clock; None where
    none does. What it has not delivered after a grace period, it has missed."""
    may_start_over: bool = True
    """Whether to start over if the service's clock turns out to be uncertain."""


class _ClockDoubtError(Exception):
    """An answer disagrees with the believed time of the service."""


class GapFiller:
    """Reads all new logs from REST, and accounts for them."""

    def __init__(
        self,
        rest: GoliothRest,
        *,
        clock: ServiceClock,
        coverage: Coverage,
        logs: DeliveredLogs,
        reader: SpanReader,
        pace: RequestPace,
        listener: ReadListener,
        timing: FeedTiming,
        catch_up_window: float,
        count_delivered: Callable[[], int],
        on_answer: Callable[[], None],
    ) -> None:
        """Prepare, without a request.

        Args:
            rest: The REST API of the project.
            clock: The service's time.
            coverage: What was surely delivered.
            logs: The recently delivered logs.
            reader: Reads a span of time.
            pace: Spreads the requests.
            listener: Receives logs and reports.
            timing: How long to wait.
            catch_up_window: Seconds that a gap may reach back.
            count_delivered: Returns how many logs were delivered so far, over any way.
            on_answer: Called after each answer.
        """
        self._rest = rest
        self._clock = clock
        self._coverage = coverage
        self._logs = logs
        self._reader = reader
        self._pace = pace
        self._listener = listener
        self._timing = timing
        self._lost = LostLogs(
            coverage=coverage,
            logs=logs,
            reader=reader,
            listener=listener,
            catch_up_window=catch_up_window,
        )
        self._count_delivered = count_delivered
        self._on_answer = on_answer
        # The end of the history that is still to be shown, None once it was, and how
        # often that has failed.
        self._history_end: int | None = None
        self._history_failures = 0
        # Whether the present read found logs that the stream missed.
        self._has_missed = False
        # By how much the service's clock was ahead of the elapsed one when last noted.
        self._offset = 0
        # Whether nothing has been read yet.
        self._is_first = True
        # The last seen number of delivered logs, and since when it is unchanged, by the
        # elapsed clock: REST needs a while to show the last log.
        self._count_seen = -1
        self._count_seen_at = 0.0

    async def run(self, read: Read) -> bool:
        """Deliver every undelivered log of REST.

        The very first time, show recent logs and deliver only what comes from now on.

        Returns:
            Whether an open stream missed some of them.

        Raises:
            GoliothError: As by `GoliothRest`. What was read until then was delivered.
        """
        now = await self._service_time()
        if self._coverage.settled is None:
            await self._begin(now)
            return False
        self._has_missed = False
        try:
            await self._read_all(read, now)
        except _ClockDoubtError:
            # A clock that was ahead has hidden older logs, which have to come first. A
            # sleep of the host looks like a jump of the service's clock.
            now = await self._service_time()
            read = read._replace(source=LogSource.CATCH_UP, may_start_over=False)
            await self._read_all(read, now)
        if self._history_end is not None:
            await self._show_history(self._history_end)
        return self._has_missed

    async def _read_all(self, read: Read, now: int) -> None:
        """Deliver new logs since the settled time.

        One request is enough where a glance shows everything. Otherwise, read slice by
        slice, the oldest first, and check untracked ranges by their number of logs.
        """
        self._note_clock(now)
        await self._lost.give_up(now)
        coverage, logs = self._coverage, self._logs
        start = max(coverage.start_of_read(), logs.floor * SECOND)
        end = coverage.end_of_read(now)
        untracked = [
            each
            for each in logs.untracked
            if each.start * SECOND < end and start < each.end * SECOND
        ]
        glance = (
            None
            if untracked
            else await self._reader.glance(
                start, end, counted_before=self._counted_before(read)
            )
        )
        if glance is not None:
            await self._read_before(glance, start, read, now)
            return
        is_settling = True
        for part_start, part_end, unchecked in divide(start, end, untracked):
            if unchecked is None and part_end > coverage.settled_at(now):
                # Late logs may still come before and after untracked ranges: the order
                # is right only if all of these are read together.
                await self._read_part(
                    part_start,
                    end,
                    read,
                    is_settling=is_settling,
                    is_contiguous=not untracked,
                    untracked=untracked,
                )
                break
            if unchecked is None:
                is_settling = await self._read_part(
                    part_start,
                    part_end,
                    read,
                    is_settling=is_settling,
                    is_contiguous=not untracked,
                )
            elif (
                is_settling
                and unchecked.end * SECOND <= coverage.settled_at(now)
                and self._before_unchecked(part_end) == unchecked.start * SECOND
            ):
                await self._lost.check_untracked(unchecked)
                if coverage.settle(part_end, now):
                    self._listener.on_settled()
            else:
                # The range is checked once all of it is settled.
                is_settling = False
        self._finish(now)

    async def _read_before(
        self, glance: Glance, start: int, read: Read, now: int
    ) -> None:
        """Deliver the logs before a glance, then those in it.

        Args:
            glance: The glance at the whole span.
            start: Where the whole span starts.
            read: The options.
            now: A time before the glance.
        """
        coverage = self._coverage
        settled = coverage.settled_at(now)
        reading = glance.reading
        if glance.start <= start:
            # The count may lack a log that REST does not show yet.
            is_sure = not glance.is_counted or self._has_index_caught_up()
            if is_sure or not coverage.needs_settling(now):
                await self._deliver(reading, read)
                if is_sure:
                    self._settle(settled, now)
                self._finish(now)
                return
        # Up to the glance, or to the settled time if that is later: what may still
        # change is not read twice.
        await self._read_part(
            start,
            max(glance.start, settled),
            read,
            is_settling=True,
            is_contiguous=True,
            # The glance shows that such a span has fewer logs than a slice may have.
            first_width=WIDER * (now - glance.start),
        )
        await self._deliver(reading, read)
        self._finish(now)

    def _finish(self, now: int) -> None:
        """Account for everything that REST showed as read."""
        self._verify(now)
        self._coverage.finish_read(now)
        self._listener.on_settled()

    def _counted_before(self, read: Read) -> int | None:
        """Return until when counting finds new logs."""
        return None if read.is_audit else self._coverage.counted_before()

    def _settle(self, position: int, now: int) -> None:
        if self._coverage.settle(self._before_unchecked(position), now):
            self._listener.on_settled()

    def _verify(self, position: int) -> None:
        self._coverage.verify(self._before_unchecked(position))

    def _before_unchecked(self, position: int) -> int:
        """Return a position, limited by the first unchecked range.

        An untracked range is accounted for once it was checked. It may be new since the
        read began.
        """
        settled = self._coverage.settled or 0
        starts = (
            each.start * SECOND
            for each in self._logs.untracked
            if each.end * SECOND > settled
        )
        return min(position, next(starts, position))

    def _has_index_caught_up(self) -> bool:
        """Return whether REST surely shows every delivered log."""
        elapsed = self._clock.clocks.elapsed()
        if self._count_delivered() != self._count_seen:
            self._count_seen, self._count_seen_at = self._count_delivered(), elapsed
        return elapsed - self._count_seen_at > self._timing.margin * _INDEX_SHARE

    async def _read_part(
        self,
        start: int,
        end: int,
        read: Read,
        *,
        is_settling: bool,
        is_contiguous: bool,
        first_width: int = 0,
        untracked: Sequence[UntrackedRange] = (),
    ) -> bool:
        """Deliver a part slice by slice, the oldest first.

        Args:
            start: Where it starts.
            end: Where it ends.
            read: The options.
            is_settling: Whether everything before it is settled.
            is_contiguous: Whether everything before it was read: there is no untracked
                range in the whole read.
            first_width: Nanoseconds that surely have few logs.
            untracked: Ranges in it that are not read.

        | `is_settling` | `is_contiguous` | After each slice                         |
        | ------------- | --------------- | ---------------------------------------- |
        | yes           | yes             | settled and verified                     |
        | yes           | no              | settled, up to the first untracked range |
        | no            | yes             | verified                                 |
        | no            | no              | only delivered                           |

        Returns:
            Whether what follows may be settled.
        """
        skipped = [(each.start * SECOND, each.end * SECOND) for each in untracked]
        slices = Slices(
            start,
            end,
            first_width=first_width,
            margin=int(self._timing.margin * SECOND),
        )
        while not slices.is_over:
            now = self._now()
            part = slices.next(now)
            try:
                reading = await self._reader.read(
                    part.start,
                    part.end,
                    part.max_logs,
                    complete_before=self._coverage.settled_at(now),
                    counted_before=self._counted_before(read),
                    skipped=skipped,
                )
            except TooManyLogsError as err:
                if not slices.divide(part, err.seen_width):
                    raise GoliothResponseError("A moment has too many logs") from None
                continue
            await self._deliver(reading, read)
            for given_up in reading.given_up:
                self._lost.give_up_part(*given_up, now)
            slices.advance(part, len(reading.entries))
            if is_settling:
                # Some may be counted, not read: before the margin, counts are right.
                self._settle(part.end, now)
                # A later read does not settle what was read before it was final.
                is_settling = part.end <= self._coverage.settled_at(now)
            if is_contiguous:
                self._verify(min(part.end, now))
        return is_settling

    async def _deliver(self, reading: Reading, read: Read) -> None:
        """Deliver the new logs of a reading.

        An open stream first gets time to deliver them itself.

        Raises:
            _ClockDoubtError: The time that the reading was based on may be wrong.
        """
        if read.may_start_over and not self._clock.is_certain:
            raise _ClockDoubtError
        logs, listener = self._logs, self._listener
        entries = reading.entries
        since = read.live_since()
        if since is not None and not self._has_missed:
            # A log sent since then may be older by its device's clock.
            oldest = since - int(self._timing.margin * _DEVICE_SHARE * SECOND)
            racing = [each for each in entries if (each.timestamp_ns or 0) >= oldest]
            if logs.count_new(racing):
                await asyncio.sleep(self._timing.audit_grace)
                since = read.live_since()
        async for entry in in_slices(logs.add_read(entries)):
            # A log from before the stream may just have been indexed late.
            if since is not None and (entry.timestamp_ns or 0) >= since:
                self._has_missed = True
            listener.on_read_log(entry, read.source)
        if untimed := sum(logs.add_untimed(entry) for entry in reading.untimed):
            listener.on_unreadable(untimed)

    # First start

    async def _begin(self, now: int) -> None:
        """Show recent logs, and start delivering from now on.

        Raises:
            GoliothError: As by `GoliothRest.logs`. The feed has started nevertheless,
                because only then the stream's logs can be kept within bounds.
        """
        try:
            window = await self._reader.request()
        except GoliothUnreadableError:
            # There are logs, but they cannot be shown.
            self._start_at(now, now // SECOND)
            return
        except GoliothError:
            self._history_end = now
            self._start_at(now, now // SECOND)
            raise
        now = await self._service_time()
        # How far back these logs are complete: late ones since then are recognized.
        floor = 0
        sizes = self._reader.sizes
        sizes.note(window)
        if window.entries and not sizes.surely_holds_all_since(window, 0):
            floor = (window.entries[0].timestamp_ns or 0) // SECOND + 1
        self._start_at(now, floor)
        self._logs.add_history(window.entries)
        for entry in window.entries:
            self._listener.on_history(entry)
        self._listener.on_settled()

    def _start_at(self, now: int, known_from: int) -> None:
        """Start, and deliver nothing older over REST.

        Args:
            now: The service's time.
            known_from: The second since which all existing logs are known.
        """
        self._is_first = False
        self._coverage.begin(now)
        self._note_clock(now)
        floor = max(known_from, self._coverage.start_of_read() // SECOND)
        # If the clocks disagree, the service's may be the wrong one, and be ahead.
        is_sure = abs(now - int(self._clock.clocks.wall() * SECOND)) <= _AGREEMENT
        self._logs.begin(min(floor, now // SECOND), is_sure=is_sure)
        self._listener.on_settled()

    async def _show_history(self, end: int) -> None:
        """Show the history that was unreadable at the start.

        Even if this fails, the logs read before were delivered. The next read tries
        again with a request that is easier to answer.

        Raises:
            GoliothAuthenticationError: The service rejects the credential.
        """
        span = _HISTORY_SPANS[self._history_failures]
        start = None if span is None else end - span * SECOND
        entries: list[LogEntry] = []
        try:
            # Some may be unreadable.
            with suppress(GoliothUnreadableError):
                entries = (await self._reader.request(start, end)).entries
        except GoliothAuthenticationError:
            raise
        except GoliothError as err:
            self._history_failures += 1
            _LOGGER.debug("The logs before the first start cannot be read (%s)", err)
            if self._history_failures < len(_HISTORY_SPANS):
                return
        self._history_end = None
        for entry in entries:
            if (entry.timestamp_ns or 0) < end:
                self._listener.on_history(entry)

    # Time

    async def _service_time(self) -> int:
        """Return the service's time, requesting it until certain.

        Raises:
            GoliothError: As by `GoliothRest.project`, or the service reports no time.
        """
        for _ in range(_MAX_TIME_REQUESTS):
            if self._clock.is_certain:
                break
            await self._pace.wait_for_turn()
            await self._rest.project()
            self._on_answer()
        if (now := self._clock.now_ns) is None:
            raise GoliothResponseError("The service does not report its time")
        return now

    def _now(self) -> int:
        """Return the service's time during a read.

        A step forward during the read counts from the next one: only noted steps can be
        undone.
        """
        noted = self._offset + int(self._clock.clocks.elapsed() * SECOND)
        return min(self._clock.now_ns or 0, noted)

    def _note_clock(self, now: int) -> None:
        """Note the service's clock, and undo one that was ahead.

        What that clock settled is read again. The first time, also check the stored
        state.
        """
        self._offset = now - int(self._clock.clocks.elapsed() * SECOND)
        is_back = self._coverage.step(now, self._offset)
        read_from = self._coverage.start_of_read() // SECOND
        if self._is_first:
            self._logs.confirm_stored(now // SECOND, read_from)
        if is_back:
            _LOGGER.debug("Golioth's clock was ahead: recent logs are read again")
            self._logs.lower_floor(read_from)
            lost_from = max(read_from, self._logs.began)
            if lost_from < (floor := self._logs.floor):
                # Some of its logs were forgotten, so REST delivers none of it.
                self._listener.on_gap(lost_from * SECOND, floor * SECOND)
            self._listener.on_settled()
        self._is_first = False
