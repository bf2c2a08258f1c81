"""Keeps the service's time, and whether it is certain."""

from collections import deque
from collections.abc import Callable
import time
from typing import Final, NamedTuple, Self

from .timestamps import SECOND

TOLERANCE: Final = 60 * SECOND
"""Nanoseconds by which the clocks of a service's servers may differ."""

# Answers whose times are compared: the earliest is believed, to be on the safe side.
_COMPARED: Final = 3

# Answers in a row without a time, after which the host's clock is used instead.
_MAX_SILENT: Final = 3


class Clocks(NamedTuple):
    """The clocks of the host."""

    elapsed: Callable[[], float]
    """Seconds. It is unaffected by steps of the wall clock, and goes on while the host
    sleeps."""
    wall: Callable[[], float]
    """Seconds since 1970, which may be wrong."""

    @property
    def wall_ahead(self) -> int:
        """Return the nanoseconds from the elapsed to the wall clock."""
        return int((self.wall() - self.elapsed()) * SECOND)

    @classmethod
    def of_host(cls) -> Self:
        """Return the clocks of this host.

        Where it has no clock that counts a sleep, the service's time shows that there
        was one.
        """
        # Linux has one, other systems do not.
        clock_id = getattr(time, "CLOCK_BOOTTIME", None)
        if clock_id is None:
            return cls(time.monotonic, time.time)
        return cls(lambda: time.clock_gettime(clock_id), time.time)


class _ReportedTime(NamedTuple):
    """A reported time, and when it was received.

    The latter is by the elapsed clock.
    """

    time_ns: int
    received_at: float

    def at(self, elapsed: float) -> int:
        """Return the service's time at an elapsed time."""
        return self.time_ns + int((elapsed - self.received_at) * SECOND)


class ServiceClock:
    """Keeps the time that the service's answers report.

    The service reports whole seconds, so that this is up to a second behind. A time is
    believed once two answers in a row agree on it, because a single wrong one may be
    years off. The user of the clock decides what a believed jump means.

    Attributes:
        is_certain: Whether the last answer agreed with the believed time.
    """

    def __init__(self, clocks: Clocks) -> None:
        """Start without a time."""
        self.is_certain = False
        self.clocks = clocks
        self._reported: deque[_ReportedTime] = deque(maxlen=_COMPARED)
        self._doubtful: _ReportedTime | None = None
        self._silent = 0

    @property
    def now_ns(self) -> int | None:
        """Return the service's time in nanoseconds since 1970.

        None before it is known.
        """
        if not self._reported:
            return None
        elapsed = self.clocks.elapsed()
        return min(each.at(elapsed) for each in self._reported)

    def note(self, time_ns: int | None) -> None:
        """Record the time of an answer.

        Args:
            time_ns: Nanoseconds since 1970; None where the answer had none. After a few
                of these, the host's clock is used instead.
        """
        if time_ns is None:
            self._silent += 1
            if self._silent < _MAX_SILENT:
                return
            time_ns = int(self.clocks.wall()) * SECOND
        else:
            self._silent = 0
        elapsed = self.clocks.elapsed()
        reported = _ReportedTime(time_ns, elapsed)
        if (
            self._reported
            and abs(self._reported[-1].at(elapsed) - time_ns) <= TOLERANCE
        ):
            self._reported.append(reported)
        elif (
            self._doubtful is not None
            and abs(self._doubtful.at(elapsed) - time_ns) <= TOLERANCE
        ):
            self._reported.clear()
            self._reported.extend((self._doubtful, reported))
        else:
            self._doubtful = reported
            self.is_certain = False
            return
        self._doubtful = None
        self.is_certain = True
