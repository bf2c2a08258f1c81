"""The logs that REST queries, by timestamp."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
import heapq
from itertools import count, islice
import json
from typing import Any

from .encoding import encode_json
from .timestamps import NANOSECONDS, cut_timestamp, parse_timestamp

type Log = dict[str, Any]
"""A LOG of the service, as in a frame's `result.data`."""

# By number, as in the published enumeration.
LEVELS = ("NONE", "DEBUG", "INFO", "WARN", "ERROR")


@dataclass(slots=True, eq=False)
class StoredLog:
    """One log: its JSON document and its search keys.

    Kept as a document, which is a fraction of the size of its objects: an hour of a
    storm must fit into the memory of a test.
    """

    timestamp: int
    sequence: int
    device_id: str | None
    module: str | None
    level: str | None
    document: bytes

    def cut(self, digits: int) -> bytes:
        """Return the document with a shorter timestamp.

        The timestamp is cut, not rounded, to that many fractional digits.
        """
        log = json.loads(self.document)
        return encode_json(log | {"timestamp": cut_timestamp(log["timestamp"], digits)})

    def mentions(self, term: str) -> bool:
        """Return whether the message contains a text, ignoring case."""
        return (
            term.casefold()
            in str(json.loads(self.document).get("message", "")).casefold()
        )


@dataclass(frozen=True, kw_only=True)
class LogQuery:
    """A time range in ns since the epoch, and filters.

    None and "" do not filter.
    """

    start: int
    end: int | None = None
    device_id: str | None = None
    device_ids: Collection[str] | None = None
    module: str | None = None
    level: str | None = None
    term: str | None = None

    def matches(self, log: StoredLog) -> bool:
        """Return whether a log passes the filters without an index."""
        return (
            (not self.module or log.module == self.module)
            and (not self.level or log.level == self.level)
            and (self.device_ids is None or log.device_id in self.device_ids)
            and (not self.term or log.mentions(self.term))
        )

    @property
    def needs_scan(self) -> bool:
        """Whether each log of the range has to be examined."""
        return bool(
            self.module or self.level or self.term or self.device_ids is not None
        )


class _Index:
    """Logs by timestamp, then by receipt."""

    def __init__(self) -> None:
        """Start empty."""
        self._timestamps: list[int] = []
        self._logs: list[StoredLog] = []

    def insert(self, log: StoredLog) -> None:
        """Insert a log at its place: the end, unless late."""
        position = bisect_right(self._timestamps, log.timestamp)
        # One that was indexed late may have been received before others of its
        # timestamp.
        while (
            position and (before := self._logs[position - 1]).timestamp == log.timestamp
        ):
            if before.sequence < log.sequence:
                break
            position -= 1
        self._timestamps.insert(position, log.timestamp)
        self._logs.insert(position, log)

    def window(
        self, query: LogQuery, *, start_inclusive: bool, end_inclusive: bool
    ) -> range:
        """Return the positions of the logs between start and end."""
        low = (bisect_left if start_inclusive else bisect_right)(
            self._timestamps, query.start
        )
        if query.end is None:
            return range(low, len(self._logs))
        return range(
            low,
            (bisect_right if end_inclusive else bisect_left)(
                self._timestamps, query.end
            ),
        )

    def newest(self, window: range, limit: int) -> list[StoredLog]:
        """Return the newest logs of these positions, newest first."""
        return [self._logs[position] for position in islice(reversed(window), limit)]


class LogStore:
    """Every log that was sent, indexed overall and by device.

    A query of a time range costs the same however many logs are stored, unless it
    filters by more than the device.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        """Start empty; `clock` gives nanoseconds since the epoch."""
        self._clock = clock
        self._all = _Index()
        self._by_device: defaultdict[str | None, _Index] = defaultdict(_Index)
        # A heap of logs that REST does not show yet, by when it will.
        self._waiting: list[tuple[float, int, StoredLog]] = []
        self._sequence = count()

    def add(
        self, log: Log, document: bytes, *, indexed_after: float = 0.0
    ) -> StoredLog:
        """Store a log that has a timestamp.

        Args:
            log: The log.
            document: The log as JSON.
            indexed_after: Seconds on the clock until it can be found.

        Raises:
            ValueError: The timestamp cannot be read.

        """
        stored = StoredLog(
            timestamp=parse_timestamp(log["timestamp"]),
            sequence=next(self._sequence),
            device_id=log.get("deviceId", log.get("device_id")),
            module=log.get("module"),
            level=_level_name(log.get("level")),
            # A copy, because what orjson returns occupies a kilobyte at least.
            document=bytes(memoryview(document)),
        )
        if indexed_after:
            heapq.heappush(
                self._waiting,
                (self._clock() + indexed_after * NANOSECONDS, stored.sequence, stored),
            )
        else:
            self._insert(stored)
        return stored

    def find(
        self, query: LogQuery, limit: int, *, start_inclusive: bool, end_inclusive: bool
    ) -> tuple[list[StoredLog], int]:
        """Return the newest logs of a range, and their number.

        The logs are newest first and at most `limit`; the number counts all of the
        range.
        """
        while self._waiting and self._waiting[0][0] <= self._clock():
            self._insert(heapq.heappop(self._waiting)[2])
        index = (
            self._by_device.get(query.device_id, _Index())
            if query.device_id
            else self._all
        )
        window = index.window(
            query, start_inclusive=start_inclusive, end_inclusive=end_inclusive
        )
        if not query.needs_scan:
            return index.newest(window, limit), len(window)
        matching = [
            log for log in index.newest(window, len(window)) if query.matches(log)
        ]
        return matching[:limit], len(matching)

    def _insert(self, log: StoredLog) -> None:
        """Add a log to both indexes."""
        self._all.insert(log)
        self._by_device[log.device_id].insert(log)


def _level_name(level: object) -> str | None:
    """Return the name of a level.

    Older logs have a number in its place.
    """
    if isinstance(level, int) and level in range(len(LEVELS)):
        return LEVELS[level]
    return level if isinstance(level, str) else None
