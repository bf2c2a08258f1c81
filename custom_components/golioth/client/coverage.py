"""Accounts for what was surely delivered, without clock or network.

All times are by the service's clock, in nanoseconds since 1970. A time is *settled*
once each log with an earlier timestamp was delivered or reported as missing. Within the
*margin* before the present, REST may still show new logs, because a device's clock may
be wrong, a log late, or an index slow.

Terms, the earliest time first; those without a prefix are attributes of `Coverage`:

| Term | Meaning | Unit |
| --- | --- | --- |
| `delivered.began` | earlier logs are from before the first start | s |
| `delivered.forgotten_before` | some earlier logs were delivered and forgotten | s |
| `delivered.floor` | REST delivers no earlier logs | s |
| `delivered.untracked` | ranges of which only the number of logs is known | s |
| `settled` | as above | ns |
| `resume_time` | settled and the margin: this is stored | ns |
| `verified` | all earlier logs that REST showed were delivered | ns |
| `streamed` | spans in which only streams delivered | ns |
| `arrived_until` | no logs arrived since, except over an open stream | ns |
| `Read.live_since` | since then the open stream delivers at once | ns |

| Event | Settled then | Next read from |
| --- | --- | --- |
| first start | until the margin before it | there |
| all logs of some slices delivered | to their end, not into the margin | there |
| everything delivered that REST shows | to the margin before the request | there |
| REST counts as many as known | the same, but only once REST surely has all | there |
| a stream delivers | nothing: only REST shows what it missed | the same |
| a read fails, or the host sleeps | nothing | the same |
| it is before the catch-up window | to the window, the rest is reported | there |
| the service's clock steps back | as before its step forward | the margin again |
| it steps back after a time without reads | as at the last read | there |
| a restart | as stored | there |
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from .resume_point import ClockStep
from .service_clock import TOLERANCE
from .timestamps import SECOND, align_up, start_of_second

# A service that reports whole seconds may be this much ahead of what it reports.
_LATER: Final = 2 * SECOND

# How far the settled time may lag before that is worth a request.
_MAX_UNSETTLED: Final = 120 * SECOND

# Streams that delivered while a gap before them was still to be read.
_MAX_STREAMED: Final = 1_000

# Steps of the service's clock that are remembered.
_MAX_STEPS: Final = 10


class Streamed(NamedTuple):
    """A span in which only a stream delivered logs."""

    start: int
    end: int


class Coverage:
    """Accounts for what was surely delivered.

    Attributes:
        settled: Each log with an earlier timestamp was delivered or reported.
        verified: Until when all that REST showed was delivered, even if it may show
            more later; at least `settled`. Later logs were delivered by streams alone.
        streamed: Spans since then in which streams delivered, in order of time.
        arrived_until: When logs last arrived, over a stream or from REST. Later is a
            gap, unless a stream is open.
    """

    def __init__(self, margin: float) -> None:
        """Initialize for the very first start.

        Args:
            margin: Seconds before the present in which REST may show new logs.
        """
        self.settled: int | None = None
        self.verified = 0
        self.arrived_until = 0
        self.streamed: deque[Streamed] = deque(maxlen=_MAX_STREAMED)
        self._margin = int(margin * SECOND)
        # The oldest first.
        self._steps: deque[ClockStep] = deque(maxlen=_MAX_STEPS)

    @property
    def resume_time(self) -> int | None:
        """Return the time to store, a margin after `settled`.

        Reading goes on from the settled time.
        """
        return None if self.settled is None else self.settled + self._margin

    def steps_by(self, ahead: int) -> list[ClockStep]:
        """Return the service clock's steps relative to another clock.

        They are to be stored.

        Args:
            ahead: By how much the other clock is ahead of the one that never steps.
        """
        return [each._replace(offset=each.offset - ahead) for each in self._steps]

    def counted_before(self) -> int:
        """Return the second before which counting finds new logs.

        Counting cannot be used in a gap: REST may not show all logs of a stream yet, so
        that new logs of the gap may leave the numbers the same.
        """
        return start_of_second(max(self.verified, self.arrived_until))

    def resume(
        self, time: int, steps: Iterable[ClockStep] = (), ahead: int = 0
    ) -> None:
        """Go on from a stored time.

        Args:
            time: What `resume_time` was.
            steps: What `steps_by` returned. If that clock has stepped since, more is
                read again.
            ahead: By how much that clock is ahead of the one that never steps now.
        """
        self.settled = time - self._margin
        self.verified = self.settled
        self._steps.extend(each._replace(offset=each.offset + ahead) for each in steps)

    def begin(self, now: int) -> None:
        """Start for the first time: earlier logs are not delivered."""
        self.settled = now - self._margin
        self.verified = self.arrived_until = now

    def start_of_read(self) -> int:
        """Return the whole second to read from."""
        assert self.settled is not None
        return start_of_second(self.settled)

    def end_of_read(self, now: int) -> int:
        """Return the whole second to read to.

        It is in the future, because some devices' clocks are ahead.
        """
        return align_up(now + self._margin + _LATER)

    def settled_at(self, now: int) -> int:
        """Return the whole second before which no new logs appear."""
        return start_of_second(now - self._margin)

    def needs_settling(self, now: int) -> bool:
        """Return whether settling for sure is worth a request."""
        assert self.settled is not None
        return now - self._margin - self.settled > _MAX_UNSETTLED

    def settle(self, time: int, now: int) -> bool:
        """Account for all logs before a time as delivered.

        Args:
            time: Everything with an earlier timestamp that REST shows was delivered.
            now: When REST was asked.

        Returns:
            Whether that is progress.
        """
        assert self.settled is not None
        settled = min(time, self.settled_at(now))
        if settled <= self.settled:
            return False
        self.settled = settled
        self.verified = max(self.verified, settled)
        return True

    def verify(self, time: int) -> None:
        """Account for everything that REST showed until a time."""
        self.verified = max(self.verified, time)
        self.streamed = deque(
            (each for each in self.streamed if each.end > time), _MAX_STREAMED
        )

    def finish_read(self, now: int) -> None:
        """Account for a read that delivered everything until a time."""
        self.arrived_until = max(self.arrived_until, now)

    def add_streamed(self, start: int, end: int) -> None:
        """Account for a stream that ended with its gap unread."""
        if start < end:
            self.streamed.append(Streamed(start, end))
            self.arrived_until = max(self.arrived_until, end)

    def lost_before(self, now: int, window: float) -> int | None:
        """Return the time before which logs are no longer delivered.

        Args:
            now: The time.
            window: Seconds that may be caught up.

        Returns:
            None where all are delivered.
        """
        assert self.settled is not None
        # The margin is read again anyway.
        earliest = start_of_second(now - max(int(window * SECOND), self._margin))
        # The margin was read already, unless there was a gap.
        return earliest if self.settled + self._margin < earliest else None

    def give_up(self, time: int) -> None:
        """Account for earlier logs that were reported as missing."""
        self.settled = time
        self.verified = max(self.verified, time)

    def step(self, now: int, offset: int) -> bool:
        """Account for a step of the service's clock.

        Args:
            now: The time that it shows.
            offset: By how much it is ahead of a clock that never steps.

        Returns:
            Whether it has stepped back.
        """
        assert self.settled is not None
        # What was stored may have logs of clocks that were ahead.
        self.arrived_until = min(self.arrived_until, now)
        if not self._steps:
            # The stored time may be by a wrong clock.
            is_back = self.settled + self._margin > now + TOLERANCE
        else:
            last = self._steps[-1].offset
            if abs(offset - last) <= _LATER:
                # Over weeks, a slightly fast clock drifts by more than the tolerance.
                self._steps[-1] = self._steps[-1]._replace(offset=offset)
            if abs(offset - last) <= TOLERANCE:
                return False
            is_back = offset < last
            if is_back:
                self._undo_steps(offset)
        self._steps.append(ClockStep(offset, self.settled))
        if is_back:
            self.settled = min(self.settled, now - self._margin)
            self.verified = min(self.verified, self.settled)
        return is_back

    def _undo_steps(self, offset: int) -> None:
        """Undo what was settled by a clock that was ahead."""
        assert self.settled is not None
        last = self._steps[-1]
        if self.settled != last.settled:
            # It was settled by the clock before the step, maybe long ago: the host may
            # have slept since then.
            self.settled += offset - last.offset
        # A clock ahead by at most the tolerance was as right as this one: servers
        # differ, and times are whole seconds.
        while self._steps and self._steps[-1].offset > offset + TOLERANCE:
            self.settled = min(self.settled, self._steps.pop().settled)
