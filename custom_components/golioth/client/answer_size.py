"""Judges whether an answer holds all logs of its time."""

from typing import Final

from .log_window import LogWindow

# Answers whose totals are not believed after the first lie; each further one doubles
# it.
_FIRST_DOUBT: Final = 20
_LONGEST_DOUBT: Final = 1_000

# A search index counts to a round number and no further.
_ROUND: Final = 1_000


class AnswerSize:
    """Judges answers by those before.

    What an answer holds is evidence; its total is a claim, which may be wrong, stale or
    capped. It is believed until it was proved wrong, and again after a while.

    | Asked                    | Yes, where the answer                          |
    | ------------------------ | ---------------------------------------------- |
    | `is_full`                | has as many logs as an answer can hold         |
    | `has_room`               | is readable, and not full                      |
    | `holds_all_since`        | has room, or logs from before the time         |
    | `surely_holds_all_since` | does, and claims no more logs than it has      |

    `total` is the claim where it is believed: `hear` takes an answer before its claim
    is asked for. `report_lie` and `report_cap` are told what later answers have shown.
    """

    def __init__(self) -> None:
        """Start with what is published."""
        # How many logs an answer had that lacked some.
        self._shown_cap: int | None = None
        # Answers whose totals are not believed, the one at hand included.
        self._doubted = 0
        self._next_doubt = _FIRST_DOUBT

    def hear(self, window: LogWindow) -> None:
        """Take in what an answer claims, before it is judged by that.

        Only claims use a doubt up.
        """
        if window.total is None:
            return
        if self._doubted:
            self._doubted -= 1
        if not self._doubted and window.total < window.size:
            self.report_lie()

    def total(self, window: LogWindow) -> int | None:
        """Return how many logs the time of an answer has, if that can be believed.

        Args:
            window: The answer that was heard last.
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
        """Return whether an answer may be cut, because it holds no more.

        One that holds more than was shown to be the most refutes that, for all others.
        """
        if self._shown_cap is not None and window.size > self._shown_cap:
            self._shown_cap = None
        return window.is_full or (
            self._shown_cap is not None and window.size >= self._shown_cap
        )

    def has_room(self, window: LogWindow) -> bool:
        """Return whether an answer surely lacks nothing: it could hold more."""
        return not window.is_unreadable and not self.is_full(window)

    def holds_all_since(self, window: LogWindow, start: int) -> bool:
        """Return whether an answer lacks no log since a time, by what it holds.

        It has room for more, or has the newest logs back to before that time.
        """
        return self.has_room(window) or window.reaches(start)

    def surely_holds_all_since(self, window: LogWindow, start: int) -> bool:
        """Return whether it lacks none, and does not claim more logs than it holds.

        Args:
            window: The answer that was heard last.
            start: Nanoseconds since 1970.
        """
        if not self.holds_all_since(window, start):
            return False
        total = self.total(window)
        return total is None or total <= window.size or window.reaches(start)

    def report_lie(self) -> None:
        """Believe no totals for a while, nor this one, which was wrong."""
        self._doubted = self._next_doubt + 1
        self._next_doubt = min(2 * self._next_doubt, _LONGEST_DOUBT)

    def report_cap(self, size: int) -> None:
        """Learn that answers hold no more logs than one did, which lacked some."""
        self._shown_cap = max(1, size)
