"""The logs that have been delivered of late, so that none is delivered twice."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from math import isfinite
from typing import Any, Final, NamedTuple

import orjson

from .models import DeepMetadata, LogEntry, LongInteger, PlainLogEntry
from .timestamps import MILLISECOND, SECOND

# Bytes of a digest. With 48 bits and 30,000 logs, one in 10¹⁰ logs would be taken for
# another one. It is stored: another one would repeat logs after an update.
DIGEST_SIZE: Final = 6

# Bytes of a text that takes hardly more memory than its digest: of a longer one, the
# digest is kept from the start.
_MAX_TEXT_SIZE: Final = 256

FAR_FUTURE: Final = 86_400
"""Seconds: what is further ahead than this is no time that somebody will read soon."""

# Logs that REST gave, and that the stream may still give: the newest ones.
_MAX_EXPECTED: Final = 30_000

# Logs without a time that are remembered.
_MAX_UNTIMED: Final = 1_000

# Above this, a float does not hold every integer.
_MAX_EXACT: Final = 2**53

_dumps: Final = orjson.dumps

# JSON has a plain log in one form alone, but for integers that are too large for a float:
# what these options refuse.
_EXACT_NUMBERS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def identify(entry: LogEntry) -> bytes:
    """Return what tells a log from another one: a digest of all its fields, of 48 bits.

    Golioth has no log IDs.
    """
    return _as_digest(_text(entry))


def _text(entry: LogEntry) -> bytes:
    """Return what a log says in all its fields.

    The time counts in milliseconds only, because REST may cut it there, and numbers by
    their value, because REST may write them in another way.
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
            # Some integer is large.
            pass
    # Its text depends on what it came in.
    values = None if type(metadata) is DeepMetadata else _by_value(metadata)
    return _dumps(
        (time, kind, level, module, module_id, message, values, device_id),
        None,
        orjson.OPT_SORT_KEYS,
    )


def _by_value(value: Any) -> Any:
    """Return a value with each number in the one form that equal numbers share."""
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
        # Of those that no float holds, each is written in one way alone.
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
    """What was delivered of one second.

    Most seconds are forgotten before anybody asks for a log of them, and so it stays
    with the texts until then.

    Attributes:
        logs: The digest of each log, or its text, which is longer than that.
    """

    __slots__ = ("_counted", "_numbers", "logs")

    def __init__(self, logs: Iterable[bytes] = ()) -> None:
        """Begin with some logs."""
        self.logs = list(logs)
        # How often each digest is among so many of the logs.
        self._numbers: dict[bytes, int] = {}
        self._counted = 0

    def count(self, digest: bytes) -> int:
        """Return how many logs have a digest."""
        logs, numbers = self.logs, self._numbers
        # Of a full second, those that have been counted are not gone through for each
        # log that is read.
        for position in range(self._counted, len(logs)):
            each = logs[position] = _as_digest(logs[position])
            numbers[each] = numbers.get(each, 0) + 1
        self._counted = len(logs)
        return numbers.get(digest, 0)

    def digests(self, number: int) -> list[bytes]:
        """Return the digests of the first logs, from now on without their texts.

        In any thread: logs are only added, and a text is replaced by nothing but its
        digest.
        """
        digests = list(map(_as_digest, self.logs[:number]))
        self.logs[:number] = digests
        return digests


LACKING: Final = -1
"""In place of a number of delivered logs: there surely are others."""


class UntrackedRange(NamedTuple):
    """Seconds of which only the number of delivered logs is known."""

    start: int
    end: int
    """Not included."""
    number: int | None
    """How many logs, or `LACKING`; None where not even that is known."""


class _ExpectedLogs:
    """Logs that REST gave, and that the stream may still give.

    They are forgotten after a while, because the stream does not give everything.

    Attributes:
        is_empty: Whether there is none.
    """

    def __init__(self, waiting: Callable[[], Iterable[LogEntry]]) -> None:
        """Start empty.

        Args:
            waiting: Returns the logs that the stream has given already, but that are not
                delivered. They are not forgotten.
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
        """Take a log that the stream gave; return whether it was expected."""
        for expected in (self._old, self._young):
            if number := expected.get(digest):
                if number > 1:
                    expected[digest] = number - 1
                else:
                    del expected[digest]
                return True
        return False

    def age(self) -> None:
        """Forget what was there at the last call, unless it waits."""
        aged, self._old, self._young = self._old, self._young, {}
        if aged:
            for digest in aged.keys() & set(map(identify, self._waiting())):
                self._old[digest] = self._old.get(digest, 0) + aged[digest]
        self.is_empty = not self._old


class DeliveredLogs:
    """A multiset of the logs that were delivered, by the second of their timestamps.

    Only the overlap of stream and REST is de-duplicated: two equal logs of the stream
    are two logs, and so are two of one REST answer.

    Attributes:
        floor: The second from which on everything that was delivered is known. REST
            delivers nothing that is older.
        untracked: What is not known after all, in order of time.
        forgotten_before: The second before which something was forgotten, or was there
            before the first start: the floor cannot be lowered beyond it.
        began: The second before which everything was there before the first start; 0
            after a restart.
        seconds: What was delivered, by the second.
        size: How many logs that are.
    """

    def __init__(self, waiting: Callable[[], Iterable[LogEntry]] = tuple) -> None:
        """Start empty.

        Args:
            waiting: Returns the logs of the stream that are still to be added.
        """
        self.floor = 0
        self.untracked: list[UntrackedRange] = []
        self.seconds: dict[int, Second] = {}
        self.size = 0
        self.forgotten_before = 0
        self.began = 0
        # Logs of the stream that belong to the seconds.
        self._unwritten: list[LogEntry] = []
        # What REST showed of the time before the first start: should the stream give it
        # as well, it is new.
        self._expected_new = _ExpectedLogs(waiting)
        # What REST delivered before the stream did: should that give it, it is not.
        self._expected_again = _ExpectedLogs(waiting)
        self._untimed: dict[bytes, None] = {}
        # Whether it was not stored what was forgotten, as in earlier releases.
        self._may_have_forgotten = False

    def copy(self) -> DeliveredLogs:
        """Return a copy, of which something can be forgotten apart."""
        copy = DeliveredLogs()
        copy.restore(
            self.floor,
            list(self.untracked),
            dict(self.seconds),
            self.forgotten_before,
        )
        return copy

    def add_streamed(self, entry: LogEntry) -> bool:
        """Record a log of the stream; return whether it is new."""
        # Hot path: runs once per log.
        if not (self._expected_new.is_empty and self._expected_again.is_empty):
            digest = identify(entry)
            # Recorded already, but not delivered.
            if self._expected_new.take(digest):
                return True
            if self._expected_again.take(digest):
                return False
            self._add(_second_of(entry), [digest])
        else:
            # Between pauses, many logs at a time take half of what they take one by
            # one. Whatever else is called does so first.
            self._unwritten.append(entry)
        return True

    def write(self) -> None:
        """Take in what the stream gave since the last time."""
        # Gone from here first: one that fails must not fail again with all that follow.
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
        """Record logs that REST gave, and yield the new ones.

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
            # What the stream has delivered already is counted already.
            if (new := self._find_new(entry, seen)) is not None:
                self._add(_second_of(entry), [new])
                self._expected_new.add(new)

    def count_new(self, entries: Iterable[LogEntry]) -> int:
        """Return how many logs that REST gave are new. Takes what `add_read` takes."""
        seen: dict[bytes, int] = {}
        return sum(self._find_new(entry, seen) is not None for entry in entries)

    def add_untimed(self, entry: LogEntry) -> bool:
        """Record a log without a time that REST gave; return whether it is new."""
        self.write()
        digest = identify(entry)
        is_new = digest not in self._untimed
        self._remember_untimed(digest)
        return is_new

    def count(self, start: int, end: int) -> int:
        """Return how many logs are known from one second on to before another."""
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
        """Return the seconds of a span, in nanoseconds, that have logs."""
        self.write()
        return [
            second
            for second in self.seconds
            if start_ns <= second * SECOND and second * SECOND < end_ns
        ]

    def is_tracked(self, second: int) -> bool:
        """Return whether it is known what was delivered of a second."""
        return second >= self.floor and self._untracked_index(second) is None

    def begin(self, floor: int, *, is_sure: bool) -> None:
        """Have REST deliver nothing from before a second: it was there before.

        Args:
            floor: The second.
            is_sure: Whether it stays so when the service's clock steps back.
        """
        self.raise_floor(floor)
        if is_sure:
            self.began = floor
            self.forgotten_before = max(self.forgotten_before, floor)

    def raise_floor(self, floor: int) -> None:
        """Forget what is before a second."""
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
        """Let REST deliver from an earlier second on, if nothing of it was forgotten."""
        self.floor = min(self.floor, max(floor, self.forgotten_before))

    def restore(
        self,
        floor: int,
        untracked: list[UntrackedRange],
        seconds: dict[int, Second],
        forgotten_before: int | None = None,
    ) -> None:
        """Know what was known when it was stored.

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
        """Take what was stored for true, as far as it can be.

        Nothing can have been forgotten of the future, but what devices sent whose clocks
        are some hours ahead, or all of them before the service's clock stepped back.

        Args:
            now: The second of the service's clock.
            read_from: The second from which on it is not settled what was delivered.
        """
        if self.forgotten_before > now + FAR_FUTURE:
            # The device's clock is years ahead, or the service's was.
            self.forgotten_before = 0
        if self.floor <= now:
            if self._may_have_forgotten:
                # All of what is before the floor, for all that is known.
                self.forgotten_before = max(self.forgotten_before, self.floor)
        else:
            # A wrong clock has raised it over what nobody has delivered. But what was
            # forgotten would be delivered again.
            self.lower_floor(min(read_from, now))
        self.untracked = [
            each
            if each.end <= now + FAR_FUTURE
            else UntrackedRange(each.start, now, None)
            for each in self.untracked
            if each.start < now or each.end <= now + FAR_FUTURE
        ]

    def forget(self, second: int) -> None:
        """Forget a second, whatever comes of it."""
        self.size -= len(self.seconds.pop(second).logs)

    def untrack(self, start: int, end: int) -> None:
        """Forget what was delivered of some seconds, except how many logs it was."""
        self.write()
        dropped = [second for second in self.seconds if start <= second < end]
        touched = sum(
            start <= each.end and each.start <= end for each in self.untracked
        )
        if dropped or touched >= 2:
            self._untrack(start, end, dropped, 0)

    def give_up(self, start: int, end: int) -> None:
        """Untrack some seconds of which something was not delivered."""
        self.write()
        dropped = [second for second in self.seconds if start <= second < end]
        self._untrack(start, end, dropped, LACKING)

    def _untrack(
        self, start: int, end: int, dropped: list[int], count: int | None
    ) -> None:
        for second in dropped:
            known = self.seconds.pop(second)
            self.size -= len(known.logs)
            count = _joined(count, len(known.logs))
        apart = []
        # It becomes one with what it touches.
        for each in self.untracked:
            if each.end < start or end < each.start:
                apart.append(each)
                continue
            start, end = min(start, each.start), max(end, each.end)
            count = _joined(count, each.number)
        self.untracked = sorted([*apart, UntrackedRange(start, end, count)])

    def age(self) -> None:
        """Forget what the stream did not give, of what was there the last time."""
        self._expected_new.age()
        self._expected_again.age()

    def _find_new(self, entry: LogEntry, seen: dict[bytes, int]) -> bytes | None:
        """Return the digest of a log that REST gave if it is new."""
        time_ns = entry.timestamp_ns
        # REST cannot be asked for one without a time.
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
        """Record logs of a second, by text or digest."""
        if second is None:
            for log in logs:
                self._remember_untimed(_as_digest(log))
            return
        # Of a second that is there, everything is known.
        if (known := self.seconds.get(second)) is None:
            if second < self.floor:
                # The floor cannot be lowered beyond it any more.
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
    """Return the number of untracked logs of two ranges."""
    if LACKING in {one, other}:
        return LACKING
    return None if one is None or other is None else one + other
