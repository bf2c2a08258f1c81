"""Divides a time that is read into slices, the oldest first."""

from typing import Final, NamedTuple

from .slice_width import SliceWidth, align_down
from .timestamps import MILLISECOND, SECOND, start_of_second

# Logs of the past that may be in memory together: their order is final.
_MAX_PAST_LOGS: Final = 2_000

# Logs of the present that may be: of these, late ones may still come in between.
_MAX_PRESENT_LOGS: Final = 10_000

# Nanoseconds of the first slice: what has few logs is soon read in wider ones.
_FIRST_WIDTH: Final = 60 * SECOND

# Nanoseconds of a slice of the past, at least: what became the past while the rest of it
# was read is worth no request of its own.
_SHORTEST_PAST: Final = 10 * SECOND

# Fewer logs than this make the next slice wider.
_FEW_LOGS: Final = 500


class Slice(NamedTuple):
    """A part that is read at once."""

    start: int
    end: int
    """Not included."""
    max_logs: int
    """How many logs it may have."""
    has_past_only: bool
    """Whether no late log can come into it any more."""


class Slices:
    """Chooses the next slice by the present, and by what was found of those before.

    In the *past*, which ends a margin before now, the order is final: it is read in
    slices of a chosen width. The *present* after it is one slice: a log that comes late
    into a slice that was read would be delivered after what was sent after it. Where it
    does not fit into memory, the past is made longer, in halves of the margin.

    Attributes:
        position: Where what is still to be read starts, in nanoseconds.
    """

    def __init__(self, start: int, end: int, *, first_width: int, margin: int) -> None:
        """Start with nothing read.

        Args:
            start: Where all of it starts, in nanoseconds.
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
        """Whether all of it was read."""
        return self.position >= self._end

    def next(self, now: int) -> Slice:
        """Return what is to be read next."""
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
        """Choose less, because a slice has more logs than it may have.

        Args:
            of: The slice.
            seen_width: The part, in nanoseconds, that had as many as there may be.

        Returns:
            Whether there is less than that.
        """
        width = of.end - of.start
        if width <= MILLISECOND:
            return False
        if not of.has_past_only and self._may_wait:
            # So many logs cannot wait for ones that are this late.
            self._lateness //= 2
        else:
            self._width.width = width
            self._width.narrow(seen_width)
        return True

    def advance(self, of: Slice, number: int) -> None:
        """Go on after a slice, of which so many logs were read."""
        self.position = of.end
        if number < _FEW_LOGS:
            self._width.widen()

    @property
    def _may_wait(self) -> bool:
        """Whether all logs of the present may wait for the latest of them."""
        return self._lateness >= SECOND
