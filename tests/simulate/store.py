"""The service's logs by time, as each replica shows them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
import heapq
from operator import attrgetter
from typing import Any, Final, NamedTuple

from sortedcontainers import SortedKeyList  # type: ignore[import-untyped]

SECOND: Final = 1_000_000_000
MILLISECOND: Final = 1_000_000

# When every simulation begins, in nanoseconds since 1970.
EPOCH: Final = int(datetime(2026, 11, 29, 18, 17, 39, tzinfo=UTC).timestamp()) * SECOND

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]


class StoredLog(NamedTuple):
    """A log in REST."""

    time_ns: int
    number: int
    device_id: str
    level: str
    document: bytes
    """Begins with `{"timestamp":"` and a time of nine digits, unless irregular."""
    is_regular: bool


class Query(NamedTuple):
    """A query for logs."""

    start_ns: int
    end_ns: int
    device_id: str | None
    level: str | None
    term: bytes | None


class Replica:
    """One copy of the index, with visibility of its own.

    Attributes:
        clock: Seconds by which its clock is ahead.
        size: Number of visible logs.
    """

    def __init__(self, clock: float) -> None:
        """Start empty."""
        self.clock = clock
        # Late logs are inserted all over a long list.
        self._logs: SortedKeyList = SortedKeyList(key=attrgetter("time_ns"))
        self._pending: list[tuple[float, int, StoredLog]] = []

    @property
    def size(self) -> int:
        """The number of visible logs."""
        return len(self._logs)

    def add(self, log: StoredLog, now: float, visible_at: float) -> None:
        """Add a log that is visible from a time on."""
        if visible_at > now:
            heapq.heappush(self._pending, (visible_at, log.number, log))
            return
        self._logs.add(log)

    def show(self, now: float) -> None:
        """Make logs visible that are due."""
        pending = self._pending
        while pending and pending[0][0] <= now:
            visible_at, _, log = heapq.heappop(pending)
            self.add(log, visible_at, visible_at)

    def bounds(self, query: Query) -> tuple[int, int]:
        """Return the positions of a time range, both ends inclusive."""
        first: int = self._logs.bisect_key_left(query.start_ns)
        # No log where the end is before the start.
        return first, max(first, self._logs.bisect_key_right(query.end_ns))

    def newest(self, query: Query) -> Iterator[StoredLog]:
        """Return the matching logs, newest first."""
        first, last = self.bounds(query)
        _, _, device_id, level, term = query
        for log in self._logs.islice(first, last, reverse=True):
            if (
                (device_id is None or log.device_id == device_id)
                and (level is None or log.level == level)
                and (term is None or term in log.document)
            ):
                yield log

    def count(self, query: Query) -> int:
        """Count the matching logs."""
        if query.device_id is None and query.level is None and query.term is None:
            first, last = self.bounds(query)
            return last - first
        return sum(1 for _ in self.newest(query))


def format_device_id(number: int) -> str:
    """Return Golioth's ID of a device."""
    return f"61a4cfc9b2b4557810{number:06x}"


_seconds: dict[int, str] = {}


def format_time(time_ns: int) -> str:
    """Return an RFC 3339 time of nine digits."""
    second, nanoseconds = divmod(time_ns, SECOND)
    text = _seconds.get(second)
    if text is None:
        if len(_seconds) > 10_000:
            _seconds.clear()
        moment = _START + timedelta(seconds=second)
        text = _seconds[second] = f"{moment:%Y-%m-%dT%H:%M:%S}."
    return f"{text}{nanoseconds:09}Z"


def parse_time(text: str) -> int:
    """Return the nanoseconds of an RFC 3339 time in UTC."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    moment = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    elapsed = moment - _START
    return (elapsed.days * 86_400 + elapsed.seconds) * SECOND + int(
        fraction.ljust(9, "0")[:9] or 0
    )


def format_date(time_ns: int) -> str:
    """Return the value of a `Date` header."""
    moment = _START + timedelta(seconds=time_ns // SECOND)
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day:02} {_MONTHS[moment.month - 1]}"
        f" {moment.year} {moment:%H:%M:%S} GMT"
    )


type Json = dict[str, Any]
