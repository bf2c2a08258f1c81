"""Judges whether an answer holds all logs of its span."""

from typing import Final

from .log_window import LogWindow

# Answers whose totals are ignored after the first wrong one; each further wrong one
# doubles it.
_FIRST_DOUBT: Final = 20
_LONGEST_DOUBT: Final = 1_000

# A search index counts to a round number and no further.
_ROUND: Final = 1_000


class AnswerSize:
    """Judges answers by the evidence of earlier ones.

    What an answer holds is evidence; its total is a claim, which may be wrong, stale or
    capped. It is believed until it was proved wrong, and again after a while.

    | Asked                    | Yes, where the answer                          |
    | ------------------------ | ---------------------------------------------- |
    | `is_full`                | has as many logs as an answer can hold         |
    | `has_room`               | is readable, and not full                      |
    | `holds_all_since`        | has room, or logs from before the time         |
    | `surely_holds_all_since` | does, and claims no more logs than it has      |

    `total` is the claim where it is believed: `note` takes an answer before its claim
    is read. `report_lie` and `report_cap` take what later answers have proved.
    """

    def __init__(self) -> None:
        """Start with the published limits."""
        # How many logs an answer had that lacked some.
        self._shown_cap: int | None = None
        # Answers whose totals are not believed, the one at hand included.
        self._doubted = 0
        self._next_doubt = _FIRST_DOUBT

    def note(self, window: LogWindow) -> None:
        """Record what an answer claims, before it is judged.

        Only answers with a claim use up the doubt.
        """
        if window.total is None:
            return
        if self._doubted:
            self._doubted -= 1
        if not self._doubted and window.total < window.size:
            self.report_lie()

    def total(self, window: LogWindow) -> int | None:
        """Return the believable number of logs in an answer's span.

        Args:
            window: The answer that was noted last.

        Returns:
            None where the answer claims none, or the claim is in doubt.
        """
        total = window.total
        if total is None or self._doubted:
            return None
        # As many as the answer holds may count just these; a round number may be a cap.
        if (total == window.size and self.is_full(window)) or (
            total and not total % _ROUND
        ):
            return None
        return total

    def is_full(self, window: LogWindow) -> bool:
        """Return whether an answer may be cut at its capacity.

        An answer that holds more than the known cap refutes that cap.
        """
        if self._shown_cap is not None and window.size > self._shown_cap:
            self._shown_cap = None
        return window.is_full or (
            self._shown_cap is not None and window.size >= self._shown_cap
        )

    def has_room(self, window: LogWindow) -> bool:
        """Return whether an answer is readable and below its capacity."""
        return not window.is_unreadable and not self.is_full(window)

    def holds_all_since(self, window: LogWindow, start: int) -> bool:
        """Return whether an answer holds every log since a time.

        It has room for more, or its newest logs reach back before that time.
        """
        return self.has_room(window) or window.reaches(start)

    def surely_holds_all_since(self, window: LogWindow, start: int) -> bool:
        """Return whether an answer holds all since a time.

        Unlike `holds_all_since`, this also requires that it claims no more logs than it
        holds.

        Args:
            window: The answer that was noted last.
            start: Nanoseconds since 1970.
        """
        if not self.holds_all_since(window, start):
            return False
        total = self.total(window)
        return total is None or total <= window.size or window.reaches(start)

    def report_lie(self) -> None:
        """Ignore totals for a while, this wrong one included."""
        self._doubted = self._next_doubt + 1
        self._next_doubt = min(2 * self._next_doubt, _LONGEST_DOUBT)

    def report_cap(self, size: int) -> None:
        """Record the size of an answer that lacked logs."""
        self._shown_cap = max(1, size)
