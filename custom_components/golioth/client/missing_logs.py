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
    """Keeps missing logs from being reported twice, and their milliseconds from being read.

    To read such a millisecond takes many requests. It is read when it is found, and once
    more when the service shows all of it for sure: others may have come meanwhile.
    """

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
        # Those that were read when they were complete.
        self._final: set[int] = set()
        # What was found beside these, until it has been delivered: a reading that
        # fails later takes it along, and the next one does not ask for it again.
        self._beside: dict[int, list[LogEntry]] = {}

    def note(self, millisecond: int, moment: Moment, *, is_final: bool) -> None:
        """Report logs that cannot be had, and were not reported yet.

        Args:
            millisecond: Where it starts, in nanoseconds since 1970.
            moment: What was read of it.
            is_final: Whether the service shows no new logs of it any more.
        """
        noted, number = self._missing.get(millisecond, 0), moment.missing
        if is_final and (noted or number):
            self._final.add(millisecond)
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
            self._final.discard(forgotten)
            self._beside.pop(forgotten, None)
        self._on_missing(number - noted)

    def milliseconds(
        self, start_ns: int, end_ns: int, complete_before: int
    ) -> dict[int, bool]:
        """Return where the milliseconds of a span start that have missing logs.

        Args:
            start_ns: Where it starts.
            end_ns: Where it ends, not included.
            complete_before: As `SpanReader.read` takes it.

        Returns:
            For each, whether it needs no question now.
        """
        return {
            each: each >= complete_before or each in self._final
            for each in self._missing
            if start_ns <= each < end_ns
        }

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
