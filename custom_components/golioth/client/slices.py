"""Divides a span to be read into slices, oldest first."""

from typing import Final, NamedTuple

from .slice_width import SliceWidth, align_down
from .timestamps import MILLISECOND, SECOND, start_of_second

# The maximum of past logs in memory: their order is final.
_MAX_PAST_LOGS: Final = 2_000

# The maximum of present logs in memory: late ones may still come between them.
_MAX_PRESENT_LOGS: Final = 10_000

# Nanoseconds of the first slice: where logs are few, slices soon become wider.
_FIRST_WIDTH: Final = 60 * SECOND

# The minimum of nanoseconds of a past slice: what became the past during the read is
# not worth a request of its own.
_SHORTEST_PAST: Final = 10 * SECOND

# Fewer logs than this make the next slice wider.
_FEW_LOGS: Final = 500


class Slice(NamedTuple):
    """A part of a span that is read at once."""

    start: int
    end: int
    """Not included."""
    max_logs: int
    """The maximum number of its logs."""
    has_past_only: bool
    """Whether late logs can no longer appear in it."""


class Slices:
    """Chooses slices by the present and by earlier slices.

    In the *past*, which ends a margin before now, the order of logs is final: it is
    read in slices of a chosen width. The *present* after it is one slice: a log that
    came late into a slice that was read would be delivered out of order. Where the
    present does not fit into memory, the past is extended by halving the margin.

    Attributes:
        position: Where the unread rest starts, in nanoseconds.
    """

    def __init__(self, start: int, end: int, *, first_width: int, margin: int) -> None:
        """Start with the whole span unread.

        Args:
            start: Where the span starts, in nanoseconds.
            end: Where it ends.
            first_width: Nanoseconds that surely have few logs.
            margin: Nanoseconds by which a log may be late.
        """
        self.position = start
        self._end = end
        self._lateness = margin
        self._width = SliceWidth(
            min(end - start, max(_FIRST_WIDTH, align_down(first_width)))
        )

    @property
    def is_over(self) -> bool:
        """Return whether all of the span was read."""
        return self.position >= self._end

    def next(self, now: int) -> Slice:
        """Return the slice to be read next."""
        start, end = self.position, self._end
        past_end = min(end, start_of_second(now - self._lateness))
        is_past = past_end - start >= _SHORTEST_PAST or start < past_end == end
        if is_past:
            to = min(start + self._width.width, past_end)
            return Slice(start, to, _MAX_PAST_LOGS, has_past_only=True)
        if self._may_wait:
            return Slice(start, end, _MAX_PRESENT_LOGS, has_past_only=False)
        to = min(start + self._width.width, end)
        return Slice(start, to, _MAX_PRESENT_LOGS, has_past_only=False)

    def divide(self, of: Slice, seen_width: int) -> bool:
        """Choose shorter slices after one with too many logs.

        Args:
            of: The slice.
            seen_width: Its nanoseconds that had as many logs as it may have.

        Returns:
            Whether a shorter slice is possible.
        """
        width = of.end - of.start
        if width <= MILLISECOND:
            return False
        if not of.has_past_only and self._may_wait:
            # So many logs cannot wait for others that are this late.
            self._lateness //= 2
        else:
            self._width.width = width
            self._width.narrow(seen_width)
        return True

    def advance(self, of: Slice, number: int) -> None:
        """Go on after a slice with a number of logs."""
        self.position = of.end
        if number < _FEW_LOGS:
            self._width.widen()

    @property
    def _may_wait(self) -> bool:
        """Return whether present logs may still wait for late ones."""
        return self._lateness >= SECOND
