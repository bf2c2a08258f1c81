"""The account of what was surely delivered: pure, no clock, no network.

Every time here is one by the service's clock, in nanoseconds since 1970. *Settled* is
a time of which nothing new can come: each log with an earlier timestamp was delivered,
or reported as missing. REST may still show logs with timestamps from the *margin*
before the present, because a device's clock may be wrong, a log late, or an index slow.

The words on its time line, the earliest time first:

| Word | What it says | Unit |
| --- | --- | --- |
| `began` of `delivered` | what is earlier was there before the first start | s |
| `forgotten_before` of `delivered` | something earlier was delivered, and forgotten | s |
| `floor` of `delivered` | REST delivers nothing that is earlier | s |
| untracked ranges of `delivered` | only the number of delivered logs is known of these | s |
| `settled` here | as above | ns |
| `resume_time` here | settled and the margin: this is stored | ns |
| `verified` here | what is earlier, and what REST showed, was delivered | ns |
| `streamed` here | streams alone delivered in these spans | ns |
| `arrived_until` here | since then logs have not arrived, but for an open stream | ns |
| `live_since` of a `Read` | the open stream delivers what is sent from now on | ns |

| What happens | What is settled then | What is read next |
| --- | --- | --- |
| first start | until the margin before it | from there |
| all logs of some slices were delivered | to their end, not into the margin | from there |
| everything was delivered, as REST shows it | to the margin before it was asked | from there |
| by count: the service has as many as known | as if they were delivered, once REST surely shows all of these; nothing before | from there |
| a stream delivers | nothing: only REST shows whether it misses logs | the same |
| a read fails, or a host sleeps | nothing | the same |
| the catch-up window ends after it | to the window; what lies before is reported | from there |
| the service's clock steps back | as before it had stepped forward | the margin again |
| it steps back after a time without reads | as when it was read last | from there |
| a restart | as it was stored | from there |
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from .resume_point import ClockStep
from .service_clock import TOLERANCE
from .timestamps import SECOND, align_up, start_of_second

# A service that reports whole seconds may be this much later than it says.
_LATER: Final = 2 * SECOND

# How long the settled time may stay where it is before it is worth a request.
_MAX_UNSETTLED: Final = 120 * SECOND

# Streams that delivered while something before them was to be read.
_MAX_STREAMED: Final = 1_000

# Steps of the service's clock that are remembered.
_MAX_STEPS: Final = 10


class Streamed(NamedTuple):
    """A span in which a stream delivered what was not read from REST."""

    start: int
    end: int


class Coverage:
    """Accounts for what was surely delivered.

    Attributes:
        settled: Each log with an earlier timestamp was delivered or reported.
        verified: Until when all that REST showed was delivered, whether it can still
            show more or not: never before what is settled. What is later, streams alone
            have delivered.
        streamed: Spans since then in which streams delivered, in order of time.
        arrived_until: When logs arrived last, over a stream or from REST. What is later
            is a gap, unless a stream is open.
    """

    def __init__(self, margin: float) -> None:
        """Start before the first start.

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
        """The time to be stored: from its margin on is read again."""
        return None if self.settled is None else self.settled + self._margin

    def steps_by(self, ahead: int) -> list[ClockStep]:
        """Return the steps of the service's clock by another clock, to be stored.

        Args:
            ahead: By how much that is ahead of the one that never steps.
        """
        return [each._replace(offset=each.offset - ahead) for each in self._steps]

    def counted_before(self) -> int:
        """Return the second before which what is new may be found by its number.

        What came in a gap is not: REST may not show yet as many logs of a stream that
        has delivered them, so that the numbers are the same.
        """
        return start_of_second(max(self.verified, self.arrived_until))

    def resume(
        self, time: int, steps: Iterable[ClockStep] = (), ahead: int = 0
    ) -> None:
        """Go on from a stored time.

        Args:
            time: What `resume_time` was.
            steps: What `steps_by` returned, perhaps by a clock that has stepped since:
                then more is read again.
            ahead: By how much that clock is ahead of the one that never steps now.
        """
        self.settled = time - self._margin
        self.verified = self.settled
        self._steps.extend(each._replace(offset=each.offset + ahead) for each in steps)

    def begin(self, now: int) -> None:
        """Start for the first time: what was before is nobody's to be delivered."""
        self.settled = now - self._margin
        self.verified = self.arrived_until = now

    def start_of_read(self) -> int:
        """Return the whole second to read from."""
        assert self.settled is not None
        return start_of_second(self.settled)

    def end_of_read(self, now: int) -> int:
        """Return the whole second to read to: some devices' clocks are ahead."""
        return align_up(now + self._margin + _LATER)

    def settled_at(self, now: int) -> int:
        """Return the whole second before which nothing new can be shown any more."""
        return start_of_second(now - self._margin)

    def needs_settling(self, now: int) -> bool:
        """Return whether it is worth a request to know for sure what is settled."""
        assert self.settled is not None
        return now - self._margin - self.settled > _MAX_UNSETTLED

    def settle(self, time: int, now: int) -> bool:
        """Account for all logs before a time; return whether that is progress.

        Args:
            time: Everything with an earlier timestamp that REST shows was delivered.
            now: When it was asked.
        """
        assert self.settled is not None
        settled = min(time, self.settled_at(now))
        if settled <= self.settled:
            return False
        self.settled = settled
        self.verified = max(self.verified, settled)
        return True

    def verify(self, time: int) -> None:
        """Account for all that REST showed until a time."""
        self.verified = max(self.verified, time)
        self.streamed = deque(
            (each for each in self.streamed if each.end > time), _MAX_STREAMED
        )

    def finish_read(self, now: int) -> None:
        """Account for a read that has delivered everything until a time."""
        self.arrived_until = max(self.arrived_until, now)

    def add_streamed(self, start: int, end: int) -> None:
        """Account for a stream that has ended, before what was before it was read."""
        if start < end:
            self.streamed.append(Streamed(start, end))
            self.arrived_until = max(self.arrived_until, end)

    def lost_before(self, now: int, window: float) -> int | None:
        """Return until when logs are not delivered any more; None where all are.

        Args:
            now: The time.
            window: Seconds that may be caught up.
        """
        assert self.settled is not None
        # What is within the margin is read again anyway.
        earliest = start_of_second(now - max(int(window * SECOND), self._margin))
        # The margin was read already, unless there was a gap.
        return earliest if self.settled + self._margin < earliest else None

    def give_up(self, time: int) -> None:
        """Account for logs before a time that were reported as missing."""
        self.settled = time
        self.verified = max(self.verified, time)

    def step(self, now: int, offset: int) -> bool:
        """Account for the service's clock; return whether it has stepped back.

        Args:
            now: The time that it shows.
            offset: By how much it is ahead of a clock that never steps.
        """
        assert self.settled is not None
        if not self._steps:
            # What was stored when the clock was wrong.
            is_back = self.settled + self._margin > now + TOLERANCE
        else:
            last = self._steps[-1].offset
            if abs(offset - last) <= _LATER:
                # In weeks, a clock that is a little fast comes to more than that.
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
            self.arrived_until = min(self.arrived_until, now)
        return is_back

    def _undo_steps(self, offset: int) -> None:
        """Take back what was settled by a clock that was ahead."""
        assert self.settled is not None
        last = self._steps[-1]
        if self.settled != last.settled:
            # It was settled by the clock of before, and not up to the present: a host
            # may have slept since then.
            self.settled += offset - last.offset
        # A clock that is ahead of this one by no more than the tolerance was as right
        # as this one: servers differ, and times are whole seconds.
        while self._steps and self._steps[-1].offset > offset + TOLERANCE:
            self.settled = min(self.settled, self._steps.pop().settled)
