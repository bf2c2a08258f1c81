"""Remembers logs that cannot be retrieved."""

from collections.abc import Callable
from typing import Final

from .delivered import DeliveredLogs
from .models import LogEntry
from .same_time import Moment
from .timestamps import SECOND

# Milliseconds whose missing logs are remembered.
_MAX_MILLISECONDS: Final = 1_000


class MissingLogs:
    """Avoids reporting missing logs, or reading their milliseconds, twice.

    Reading such a millisecond takes many requests. It is read when found, and once more
    when the service surely shows all of it: other logs may have come meanwhile.
    """

    def __init__(self, logs: DeliveredLogs, on_missing: Callable[[int], None]) -> None:
        """Start without missing logs.

        Args:
            logs: The known logs.
            on_missing: Called with the number of logs found to be missing.
        """
        self._logs = logs
        self._on_missing = on_missing
        # The number of missing logs of each millisecond, by its start.
        self._missing: dict[int, int] = {}
        # Milliseconds that were read when they were complete.
        self._final: set[int] = set()
        # Logs found next to missing ones, until delivered: if the read fails later, the
        # next one delivers them without another request.
        self._beside: dict[int, list[LogEntry]] = {}

    def note(self, millisecond: int, moment: Moment, *, is_final: bool) -> None:
        """Record a millisecond, and report newly missing logs.

        Args:
            millisecond: Where it starts, in nanoseconds since 1970.
            moment: What was read of it.
            is_final: Whether the service no longer shows new logs of it.
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
        """Return the milliseconds of a span with missing logs.

        Args:
            start_ns: Where it starts.
            end_ns: Where it ends, not included.
            complete_before: As for `SpanReader.read`.

        Returns:
            The start of each, and whether it needs no request now.
        """
        return {
            each: each >= complete_before or each in self._final
            for each in self._missing
            if start_ns <= each < end_ns
        }

    def count(self, start_second: int, end_second: int) -> int:
        """Return the number of missing logs between two seconds."""
        return sum(
            number
            for millisecond, number in self._missing.items()
            if start_second <= millisecond // SECOND < end_second
        )

    def take_beside(self, millisecond: int) -> list[LogEntry]:
        """Return logs next to missing ones; forget delivered ones."""
        beside = self._beside.get(millisecond, [])
        if beside and not self._logs.count_new(beside):
            del self._beside[millisecond]
            return []
        return beside
