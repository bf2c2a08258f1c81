"""Remembers recently delivered logs, so that none repeats."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from math import isfinite
from typing import Any, Final, NamedTuple

import orjson

from .models import DeepMetadata, LogEntry, LongInteger, PlainLogEntry
from .timestamps import MILLISECOND, SECOND

# Bytes of a digest. With 48 bits and 30,000 logs, one in 10¹⁰ logs would be taken for
# another one. It is stored: a change would repeat logs after an update.
DIGEST_SIZE: Final = 6

# Bytes of a text that takes hardly more memory than its digest. Longer ones are kept as
# their digests from the start.
_MAX_TEXT_SIZE: Final = 256

FAR_FUTURE: Final = 86_400
"""Seconds: times further ahead than this are not read soon."""

# The newest logs from REST that the stream may still deliver.
_MAX_EXPECTED: Final = 30_000

# Logs without a time that are remembered.
_MAX_UNTIMED: Final = 1_000

# Above this, a float does not hold every integer.
_MAX_EXACT: Final = 2**53

_dumps: Final = orjson.dumps

# JSON has one form of a plain log, except for integers that are too large for a float:
# these options refuse them.
_EXACT_NUMBERS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def identify(entry: LogEntry) -> bytes:
    """Return a 48-bit digest of all fields of a log.

    It serves as the log's identity, because Golioth has no log IDs.
    """
    return _as_digest(_text(entry))


def _text(entry: LogEntry) -> bytes:
    """Return all fields of a log as one text.

    The time is cut to milliseconds, because REST may cut it there, and numbers are
    normalized to their value, because REST may write them differently.
    """
    # Hot path: runs once per log.
    timestamp, time_ns, kind, level, module, module_id, message, metadata, device_id = (
        entry
    )
    time = timestamp if time_ns is None else time_ns // MILLISECOND
    if type(entry) is PlainLogEntry:
        try:
            return _dumps(
                (time, kind, level, module, module_id, message, metadata, device_id),
                None,
                _EXACT_NUMBERS,
            )
        except orjson.JSONEncodeError:
            # Some integer is too large for a float.
            pass
    # Its text differs between stream and REST.
    values = None if type(metadata) is DeepMetadata else _by_value(metadata)
    return _dumps(
        (time, kind, level, module, module_id, message, values, device_id),
        None,
        orjson.OPT_SORT_KEYS,
    )


def _by_value(value: Any) -> Any:
    """Return a value with equal numbers in one form."""
    if isinstance(value, dict):
        return {key: _by_value(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_by_value(each) for each in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= _MAX_EXACT:
        return int(value)
    if isinstance(value, LongInteger) or (
        type(value) is int and abs(value) > _MAX_EXACT
    ):
        number = float(value)
        # Numbers beyond floats are written in one form only.
        return number if isfinite(number) else str(value)
    return value


def _second_of(entry: LogEntry) -> int | None:
    return None if (time_ns := entry.timestamp_ns) is None else time_ns // SECOND


def _as_digest(log: bytes) -> bytes:
    """Return the digest of a text, or the digest itself."""
    if len(log) == DIGEST_SIZE:
        return log
    return blake2b(log, digest_size=DIGEST_SIZE).digest()


class Second:
    """The delivered logs of one second.

    Texts are turned into digests when one is looked up: most seconds are forgotten
    before that.

    Attributes:
        logs: The digest of each log, or its text, which is longer than a digest.
    """

    __slots__ = ("_counted", "_numbers", "logs")

    def __init__(self, logs: Iterable[bytes] = ()) -> None:
        """Start with some logs."""
        self.logs = list(logs)
        # How often each digest occurs among the first `_counted` logs.
        self._numbers: dict[bytes, int] = {}
        self._counted = 0

    def count(self, digest: bytes) -> int:
        """Return how many logs have a digest."""
        logs, numbers = self.logs, self._numbers
        # Logs that were counted before are skipped: a second may have many.
        for position in range(self._counted, len(logs)):
            each = logs[position] = _as_digest(logs[position])
            numbers[each] = numbers.get(each, 0) + 1
        self._counted = len(logs)
        return numbers.get(digest, 0)

    def digests(self, number: int) -> list[bytes]:
        """Return the digests of the first logs, replacing their texts.

        Thread-safe: logs are only added, and a text is replaced only by its digest.
        """
        digests = list(map(_as_digest, self.logs[:number]))
        self.logs[:number] = digests
        return digests


LACKING: Final = -1
"""Stands for a number of delivered logs: others surely were not delivered."""


class UntrackedRange(NamedTuple):
    """Seconds of which only the number of logs is known."""

    start: int
    end: int
    """Not included."""
    number: int | None
    """How many logs were delivered, or `LACKING`; None where unknown."""


class _ExpectedLogs:
    """Logs from REST that the stream may still deliver.

    They are forgotten after a while, because the stream does not deliver everything.

    Attributes:
        is_empty: Whether there is none.
    """

    def __init__(self, waiting: Callable[[], Iterable[LogEntry]]) -> None:
        """Start empty.

        Args:
            waiting: Returns the received logs of the stream that wait for delivery.
                They are not forgotten.
        """
        self.is_empty = True
        self._waiting = waiting
        self._young: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}

    def add(self, digest: bytes) -> None:
        """Expect a log from the stream."""
        if len(self._young) >= _MAX_EXPECTED:
            self.age()
        self.is_empty = False
        self._young[digest] = self._young.get(digest, 0) + 1

    def take(self, digest: bytes) -> bool:
        """Remove a stream's log; return whether it was expected."""
        for expected in (self._old, self._young):
            if number := expected.get(digest):
                if number > 1:
                    expected[digest] = number - 1
                else:
                    del expected[digest]
                return True
        return False

    def age(self) -> None:
        """Forget logs from before the last call, except waiting ones."""
        aged, self._old, self._young = self._old, self._young, {}
        if aged:
            for digest in aged.keys() & set(map(identify, self._waiting())):
                self._old[digest] = self._old.get(digest, 0) + aged[digest]
        self.is_empty = not self._old


class DeliveredLogs:
    """A multiset of delivered logs, by second of their timestamps.

    Only the overlap of stream and REST is de-duplicated: two equal logs of the stream
    are two logs, and so are two of one REST answer.

    Attributes:
        floor: The second since which all delivered logs are known. REST delivers
            nothing older.
        untracked: Exceptions to that, in order of time.
        forgotten_before: The second before which some logs were forgotten, or are from
            before the first start: the floor is never lowered beyond it.
        began: The second before which all logs are from before the first start; 0 after
            a restart.
        seconds: The delivered logs by second.
        size: The number of logs in `seconds`.
    """

    def __init__(self, waiting: Callable[[], Iterable[LogEntry]] = tuple) -> None:
        """Start empty.

        Args:
            waiting: Returns the logs of the stream that wait for delivery.
        """
        self.floor = 0
        self.untracked: list[UntrackedRange] = []
        self.seconds: dict[int, Second] = {}
        self.size = 0
        self.forgotten_before = 0
        self.began = 0
        # Logs of the stream that are not in `seconds` yet.
        self._unwritten: list[LogEntry] = []
        # Logs of REST from before the first start: new, should the stream deliver them.
        self._expected_new = _ExpectedLogs(waiting)
        # Logs that REST delivered first: not new, should the stream deliver them.
        self._expected_again = _ExpectedLogs(waiting)
        self._untimed: dict[bytes, None] = {}
        # Whether `forgotten_before` was not stored, as in earlier releases.
        self._may_have_forgotten = False

    def copy(self) -> DeliveredLogs:
        """Return an independent copy of what can be forgotten."""
        copy = DeliveredLogs()
        copy.restore(
            self.floor,
            list(self.untracked),
            dict(self.seconds),
            self.forgotten_before,
        )
        return copy

    def add_streamed(self, entry: LogEntry) -> bool:
        """Record a stream's log; return whether it is new."""
        # Hot path: runs once per log.
        if not (self._expected_new.is_empty and self._expected_again.is_empty):
            digest = identify(entry)
            # Recorded as history, but not delivered.
            if self._expected_new.take(digest):
                return True
            if self._expected_again.take(digest):
                return False
            self._add(_second_of(entry), [digest])
        else:
            # Writing many logs at once takes half the time. Every other method calls
            # `write` first.
            self._unwritten.append(entry)
        return True

    def write(self) -> None:
        """Record the stream's logs since the last call."""
        # Cleared first: a log that fails must not fail again with those that follow.
        unwritten, self._unwritten = self._unwritten, []
        by_second: defaultdict[int | None, list[bytes]] = defaultdict(list)
        try:
            for entry in unwritten:
                text = _text(entry)
                if len(text) > _MAX_TEXT_SIZE:
                    text = _as_digest(text)
                by_second[_second_of(entry)].append(text)
        finally:
            for second, logs in by_second.items():
                self._add(second, logs)

    def add_read(self, entries: Iterable[LogEntry]) -> Iterator[LogEntry]:
        """Record logs of REST, and yield the new ones.

        Args:
            entries: All logs of the milliseconds that they are from.
        """
        seen: dict[bytes, int] = {}
        for entry in entries:
            if (new := self._find_new(entry, seen)) is not None:
                self._add(_second_of(entry), [new])
                self._expected_again.add(new)
                yield entry

    def add_history(self, entries: Iterable[LogEntry]) -> None:
        """Record logs that only the stream may still deliver."""
        seen: dict[bytes, int] = {}
        for entry in entries:
            # Logs that the stream has delivered are recorded already.
            if (new := self._find_new(entry, seen)) is not None:
                self._add(_second_of(entry), [new])
                self._expected_new.add(new)

    def count_new(self, entries: Iterable[LogEntry]) -> int:
        """Return how many logs of REST are new; see `add_read`."""
        seen: dict[bytes, int] = {}
        return sum(self._find_new(entry, seen) is not None for entry in entries)

    def add_untimed(self, entry: LogEntry) -> bool:
        """Record an untimed log; return whether it is new."""
        self.write()
        digest = identify(entry)
        is_new = digest not in self._untimed
        self._remember_untimed(digest)
        return is_new

    def count(self, start: int, end: int) -> int:
        """Return the number of known logs between two seconds.

        The end is not included.
        """
        self.write()
        seconds = self.seconds
        if end - start > len(seconds):
            return sum(
                len(known.logs)
                for second, known in seconds.items()
                if start <= second < end
            )
        return sum(
            len(known.logs)
            for second in range(start, end)
            if (known := seconds.get(second)) is not None
        )

    def seconds_between(self, start_ns: int, end_ns: int) -> list[int]:
        """Return the seconds with logs in a span of nanoseconds."""
        self.write()
        return [
            second
            for second in self.seconds
            if start_ns <= second * SECOND and second * SECOND < end_ns
        ]

    def is_tracked(self, second: int) -> bool:
        """Return whether a second's delivered logs are known."""
        return second >= self.floor and self._untracked_index(second) is None

    def begin(self, floor: int, *, is_sure: bool) -> None:
        """Have REST deliver nothing from before the first start.

        Args:
            floor: The second before which logs are from before the start.
            is_sure: Whether that holds even if the service's clock steps back.
        """
        self.raise_floor(floor)
        if is_sure:
            self.began = floor
            self.forgotten_before = max(self.forgotten_before, floor)

    def raise_floor(self, floor: int) -> None:
        """Forget everything before a second."""
        if floor <= self.floor:
            return
        self.floor = floor
        dropped = [second for second in self.seconds if second < floor]
        for second in dropped:
            self.size -= len(self.seconds.pop(second).logs)
        if dropped:
            self.forgotten_before = max(self.forgotten_before, max(dropped) + 1)
        self.untracked = [
            UntrackedRange(max(each.start, floor), each.end, each.number)
            for each in self.untracked
            if each.end > floor
        ]

    def lower_floor(self, floor: int) -> None:
        """Let REST deliver from an earlier second.

        The floor is not lowered to where something was forgotten.
        """
        self.floor = min(self.floor, max(floor, self.forgotten_before))

    def restore(
        self,
        floor: int,
        untracked: list[UntrackedRange],
        seconds: dict[int, Second],
        forgotten_before: int | None = None,
    ) -> None:
        """Restore a stored state.

        Args:
            floor: As the attribute, to be confirmed by `confirm_stored`.
            untracked: As the attribute.
            seconds: As the attribute.
            forgotten_before: As the attribute; None where it was not stored.
        """
        self._may_have_forgotten = forgotten_before is None
        self.forgotten_before = forgotten_before or 0
        self.floor = floor
        self.untracked = untracked
        self.seconds = seconds
        self.size = sum(len(known.logs) for known in seconds.values())

    def confirm_stored(self, now: int, read_from: int) -> None:
        """Correct the stored state by the service's clock.

        Logs of the future can only have been forgotten if their devices' clocks are
        some hours ahead, or the service's clock has stepped back since.

        Args:
            now: The second of the service's clock.
            read_from: The second since which logs are not settled.
        """
        if self.forgotten_before > now + FAR_FUTURE:
            # A device's clock is years ahead, or the service's was.
            self.forgotten_before = 0
        if self.floor <= now:
            if self._may_have_forgotten:
                # Anything before the floor may have been forgotten.
                self.forgotten_before = max(self.forgotten_before, self.floor)
        else:
            # A wrong clock has raised it over undelivered logs. It is not lowered to
            # forgotten ones, which would be delivered again.
            self.lower_floor(min(read_from, now))
        self.untracked = [
            each
            if each.end <= now + FAR_FUTURE
            else UntrackedRange(each.start, now, None)
            for each in self.untracked
            if each.start < now or each.end <= now + FAR_FUTURE
        ]

    def forget(self, second: int) -> None:
        """Forget a second without keeping its number of logs."""
        self.size -= len(self.seconds.pop(second).logs)

    def untrack(self, start: int, end: int, *, is_lacking: bool = False) -> None:
        """Forget the logs of a range, but keep their number.

        Args:
            start: The first second.
            end: The second after the last one.
            is_lacking: Whether some of its logs were not delivered.
        """
        dropped = self.seconds_between(start * SECOND, end * SECOND)
        touched = sum(
            start <= each.end and each.start <= end for each in self.untracked
        )
        if not dropped and touched < 2 and not is_lacking:
            return
        count: int | None = LACKING if is_lacking else 0
        for second in dropped:
            known = self.seconds.pop(second)
            self.size -= len(known.logs)
            count = _joined(count, len(known.logs))
        apart = []
        # It is merged with the ranges that it touches.
        for each in self.untracked:
            if each.end < start or end < each.start:
                apart.append(each)
                continue
            start, end = min(start, each.start), max(end, each.end)
            count = _joined(count, each.number)
        self.untracked = sorted([*apart, UntrackedRange(start, end, count)])

    def age(self) -> None:
        """Forget logs that the stream did not deliver in time."""
        self._expected_new.age()
        self._expected_again.age()

    def _find_new(self, entry: LogEntry, seen: dict[bytes, int]) -> bytes | None:
        """Return a REST log's digest if the log is new."""
        time_ns = entry.timestamp_ns
        # REST cannot be asked for logs without a time.
        if time_ns is None or not self.is_tracked(second := time_ns // SECOND):
            return None
        digest = identify(entry)
        count = seen[digest] = seen.get(digest, 0) + 1
        if self._unwritten:
            self.write()
        known = self.seconds.get(second)
        return digest if known is None or count > known.count(digest) else None

    def _untracked_index(self, second: int) -> int | None:
        for index, each in enumerate(self.untracked):
            if each.start <= second < each.end:
                return index
        return None

    def _add(self, second: int | None, logs: list[bytes]) -> None:
        """Record logs of a second, as text or digest."""
        if second is None:
            for log in logs:
                self._remember_untimed(_as_digest(log))
            return
        # A known second is neither below the floor nor untracked.
        if (known := self.seconds.get(second)) is None:
            if second < self.floor:
                # The floor must no longer be lowered beyond it.
                self.forgotten_before = max(self.forgotten_before, second + 1)
                return
            if (index := self._untracked_index(second)) is not None:
                each = self.untracked[index]
                self.untracked[index] = each._replace(
                    number=_joined(each.number, len(logs))
                )
                return
            known = self.seconds[second] = Second()
        known.logs += logs
        self.size += len(logs)

    def _remember_untimed(self, digest: bytes) -> None:
        self._untimed.pop(digest, None)
        self._untimed[digest] = None
        if len(self._untimed) > _MAX_UNTIMED:
            del self._untimed[next(iter(self._untimed))]


def _joined(one: int | None, other: int | None) -> int | None:
    """Return the number of logs of two untracked ranges."""
    if LACKING in {one, other}:
        return LACKING
    return None if one is None or other is None else one + other
