"""Chooses the width of slices."""

from typing import Final

from .timestamps import MILLISECOND, SECOND

# The maximum factors of one change: a single answer is little evidence.
_NARROWER: Final = 16
WIDER: Final = 4


class SliceWidth:
    """Chooses the width of the next slice, in nanoseconds."""

    def __init__(self, width: int) -> None:
        """Start with a width."""
        self.width = width

    def narrow(self, seen_width: int) -> None:
        """Narrow the slice after one with too many logs.

        Args:
            seen_width: The nanoseconds that had as many logs as a slice may have.
        """
        narrower = max(seen_width // 2, self.width // _NARROWER)
        self.width = align_down(min(narrower, self.width // 2))

    def widen(self) -> None:
        """Widen the slice after one with few logs."""
        self.width *= WIDER


def align_down(width: int) -> int:
    """Round a width down to whole seconds or milliseconds.

    REST may cut times to milliseconds.
    """
    unit = SECOND if width >= SECOND else MILLISECOND
    return max(unit, width // unit * unit)
