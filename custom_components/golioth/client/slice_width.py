"""Chooses how wide a slice of time may be."""

from typing import Final

from .timestamps import MILLISECOND, SECOND

# A slice becomes no narrower, and no wider, than this at one stretch: one answer is
# little evidence.
_NARROWER: Final = 16
WIDER: Final = 4


class SliceWidth:
    """Chooses the width of the next slice of a time range, in nanoseconds."""

    def __init__(self, width: int) -> None:
        """Start with all of it."""
        self.width = width

    def narrow(self, seen_width: int) -> None:
        """Choose less, because there was too much.

        Args:
            seen_width: The part, in nanoseconds, that had as much as there may be.
        """
        narrower = max(seen_width // 2, self.width // _NARROWER)
        self.width = align_down(min(narrower, self.width // 2))

    def widen(self) -> None:
        """Choose more, because there was little."""
        self.width *= WIDER


def align_down(width: int) -> int:
    """Cut to whole seconds, or milliseconds, which REST may cut times to."""
    unit = SECOND if width >= SECOND else MILLISECOND
    return max(unit, width // unit * unit)
