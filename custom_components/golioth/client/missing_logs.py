"""Remembers which logs cannot be had, and what was found beside them."""

from collections.abc import Callable
from typing import Final

from .delivered import DeliveredLogs
from .models import LogEntry
from .same_time import Moment
from .timestamps import SECOND

# Milliseconds whose missing logs are remembered.
_MAX_MILLISECONDS: Final = 1_000


class MissingLogs:
    """Keeps milliseconds with missing logs from being read, and reported, twice."""

    def __init__(self, logs: DeliveredLogs, on_missing: Callable[[int], None]) -> None:
        """Start with nothing missing.

        Args:
            logs: What is known.
            on_missing: Called with the number of logs that turned out to be missing.
        """
        self._logs = logs
        self._on_missing = on_missing
        # How many logs of a millisecond cannot be had, by its start.
        self._missing: dict[int, int] = {}
        # What was found beside these, until it has been delivered: a reading that
        # fails later takes it along, and the next one does not ask for it again.
        self._beside: dict[int, list[LogEntry]] = {}

    def note(self, millisecond: int, moment: Moment) -> None:
        """Report logs that cannot be had, and were not reported yet."""
        noted, number = self._missing.get(millisecond, 0), moment.missing
        if not number:
            return
        if self._logs.count_new(moment.entries):
            self._beside[millisecond] = moment.entries
        if number <= noted:
            return
        self._missing[millisecond] = number
        if len(self._missing) > _MAX_MILLISECONDS:
            forgotten = next(iter(self._missing))
            del self._missing[forgotten]
            self._beside.pop(forgotten, None)
        self._on_missing(number - noted)

    def milliseconds(self, start_ns: int, end_ns: int) -> set[int]:
        """Return where the milliseconds of a span start that have missing logs."""
        return {each for each in self._missing if start_ns <= each < end_ns}

    def count(self, start_second: int, end_second: int) -> int:
        """Return how many logs of some seconds are missing."""
        return sum(
            number
            for millisecond, number in self._missing.items()
            if start_second <= millisecond // SECOND < end_second
        )

    def take_beside(self, millisecond: int) -> list[LogEntry]:
        """Return what was found beside missing logs; forget it once it is known."""
        beside = self._beside.get(millisecond, [])
        if beside and not self._logs.count_new(beside):
            del self._beside[millisecond]
            return []
        return beside
