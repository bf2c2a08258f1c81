"""How wide a slice of time may be, and how far what answers claim can be believed."""

from typing import Final

from .rest import LogWindow
from .timestamps import MILLISECOND, SECOND

# Logs that an answer holds at most, unless the service says or shows less.
_LOGS_PER_ANSWER: Final = 100

# Answers for which totals are not believed after the first lie; each further one
# doubles it.
_FIRST_DOUBT: Final = 20
_LONGEST_DOUBT: Final = 1_000

# A search index counts to a round number and no further.
_ROUND: Final = 1_000

# A slice becomes no narrower, and no wider, than this at one stretch: one answer is
# little evidence.
_NARROWER: Final = 16
WIDER: Final = 4


class AnswerSize:
    """Judges whether answers hold all logs of their time.

    What an answer holds is evidence; its total is a claim, which may be wrong, stale or
    capped. It is believed until it was proved wrong, and again after a while.
    """

    def __init__(self) -> None:
        """Start with what is published."""
        self._shown_cap: int | None = None
        self._doubt = 0
        self._next_doubt = _FIRST_DOUBT

    def total(self, window: LogWindow) -> int | None:
        """Return how many logs the time of an answer has, if that can be believed."""
        total = window.total
        if total is None:
            return None
        if self._doubt:
            self._doubt -= 1
            return None
        if total < window.size:
            self.report_lie()
            return None
        # As many as the answer holds may count just these; a round number may be a cap.
        if (total == window.size and self.is_full(window)) or (
            total and not total % _ROUND
        ):
            return None
        return total

    def is_full(self, window: LogWindow) -> bool:
        """Return whether an answer may be cut, because it holds no more."""
        if self._shown_cap is not None and window.size > self._shown_cap:
            self._shown_cap = None
        cap = min(
            window.limit or _LOGS_PER_ANSWER,
            self._shown_cap or _LOGS_PER_ANSWER,
            _LOGS_PER_ANSWER,
        )
        return window.size >= cap

    def report_lie(self) -> None:
        """Believe no totals for a while: one was wrong."""
        self._doubt = self._next_doubt
        self._next_doubt = min(2 * self._next_doubt, _LONGEST_DOUBT)

    def report_cap(self, size: int) -> None:
        """Learn that answers hold no more logs than one did, which lacked some."""
        self._shown_cap = max(1, size)


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
    if width >= SECOND:
        return width - width % SECOND
    return max(MILLISECOND, width - width % MILLISECOND)
