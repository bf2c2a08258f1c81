"""The logs that have been delivered of late, so that none is delivered twice."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import Any, Final

import orjson

from .models import LogEntry

SECOND: Final = 1_000_000_000

# Bytes of a digest. With 48 bits and 30,000 logs, one in 10¹⁰ logs would be taken for another one.
_DIGEST_SIZE: Final = 6

# Bytes of a text that takes hardly more memory than its digest: of a longer one, the digest is kept from the start.
_MAX_TEXT_SIZE: Final = 256

# Seconds: further ahead than any log whose time is within 5 minutes of its arrival.
_FUTURE: Final = 400

# Seconds that logs are remembered of, at most: those around now, and some of devices whose clocks are ahead.
_MAX_SECONDS: Final = 1_000

# What may be remembered beyond the limit while it is still needed, in limits.
_MOST: Final = 4


def identify(entry: LogEntry) -> bytes:
    """Return what tells a log from another one, as Golioth has no log IDs: a digest of all its fields, of 48 bits."""
    return _as_digest(_text(entry))


def _text(entry: LogEntry) -> bytes:
    """Return what a log says in all its fields.

    The time counts in milliseconds only, because REST may cut it there: what two equal texts of one millisecond are is
    told by their number.
    """
    timestamp, time_ns, kind, level, module, module_id, message, metadata, device_id = (
        entry
    )
    time = timestamp if time_ns is None else time_ns // 1_000_000
    return orjson.dumps(
        (time, kind, level, module, module_id, message, metadata, device_id),
        None,
        orjson.OPT_SORT_KEYS,
    )


def _as_digest(log: bytes) -> bytes:
    """Return the digest of a text, or the digest itself. It is stored: another one would repeat logs after an update."""
    if len(log) == _DIGEST_SIZE:
        return log
    return blake2b(log, digest_size=_DIGEST_SIZE).digest()


def _take(expected: dict[bytes, int], digest: bytes) -> bool:
    """Take a log from those that are expected; return whether it is one of them."""
    if not (number := expected.get(digest)):
        return False
    if number > 1:
        expected[digest] = number - 1
    else:
        del expected[digest]
    return True


class _Second:
    """What was delivered of one second.

    Most seconds are forgotten before anybody asks for a log of them, and so it stays with the texts until then.

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
        # Of a full second, those that have been counted are not gone through for each log that is read.
        for position in range(self._counted, len(logs)):
            each = logs[position] = _as_digest(logs[position])
            numbers[each] = numbers.get(each, 0) + 1
        self._counted = len(logs)
        return numbers.get(digest, 0)

    def digests(self, number: int) -> list[bytes]:
        """Return the digests of the first logs, from now on without their texts.

        In any thread: logs are only added, and a text is replaced by nothing but its digest.
        """
        digests = list(map(_as_digest, self.logs[:number]))
        self.logs[:number] = digests
        return digests


class DeliveredLogs:
    """A multiset of the logs that were delivered, by the second of their timestamps, bounded.

    Only the overlap of stream and REST is de-duplicated: two equal logs of the stream are two logs, and so are two of one
    REST answer.

    Attributes:
        floor: The second from which on everything that was delivered is known.
        holes: Seconds from and to which it is not known after all, in their order.
    """

    def __init__(self, limit: int) -> None:
        """Start empty.

        Args:
            limit: Logs that are remembered, at most.
        """
        self.floor = 0
        self.holes: list[tuple[int, int]] = []
        self._limit = limit
        # When it was counted last.
        self._size = 0
        self._settled = 0
        self._streamed: list[tuple[int, int]] = []
        self._seconds: dict[int, _Second] = {}
        # Logs of the stream that belong there.
        self._unwritten: list[LogEntry] = []
        # What was there before the first start: at most one answer.
        self._history: dict[bytes, int] = {}
        # What REST gave before the stream did, if that ever does.
        self._ahead_of_stream: dict[bytes, int] = {}

    def add_streamed(self, entry: LogEntry) -> bool:
        """Note a log of the stream, until `write` is called; return whether it is new."""
        if self._history or self._ahead_of_stream:
            digest = identify(entry)
            # Counted already, but not delivered.
            if _take(self._history, digest):
                return True
            if _take(self._ahead_of_stream, digest):
                return False
            self._add(entry.timestamp_ns, digest)
        else:
            self._unwritten.append(entry)
        return True

    def write(self) -> None:
        """Take in what has been noted of the stream: between pauses, many logs at a time take half of what they take one by one.

        Whatever else is called does so first.
        """
        # Gone from here first: one that fails must not fail again with all that follow.
        unwritten, self._unwritten = self._unwritten, []
        # What `_text` and `_add` do, without two calls for each log of a storm.
        for (
            timestamp,
            time_ns,
            kind,
            level,
            module,
            module_id,
            message,
            metadata,
            device_id,
        ) in unwritten:
            time = timestamp if time_ns is None else time_ns // 1_000_000
            text = orjson.dumps(
                (time, kind, level, module, module_id, message, metadata, device_id),
                None,
                orjson.OPT_SORT_KEYS,
            )
            log = text if len(text) <= _MAX_TEXT_SIZE else _as_digest(text)
            if (
                time_ns is None
                or (known := self._seconds.get(time_ns // SECOND)) is None
            ):
                self._add(time_ns, log)
            else:
                known.logs.append(log)

    def add_read(self, entries: Iterable[LogEntry]) -> Iterator[LogEntry]:
        """Note logs that REST gave, and yield the new ones.

        Args:
            entries: All logs of the milliseconds that they are from.
        """
        seen: dict[bytes, int] = {}
        for entry in entries:
            time_ns = entry.timestamp_ns
            # REST cannot be asked for one without a time.
            if time_ns is None or not self._is_known(second := time_ns // SECOND):
                continue
            digest = identify(entry)
            count = seen[digest] = seen.get(digest, 0) + 1
            if count > self._number(second, digest):
                self._add(time_ns, digest)
                self._ahead_of_stream[digest] = self._ahead_of_stream.get(digest, 0) + 1
                yield entry

    def count(self, start: int, end: int) -> int:
        """Return how many logs are known from one second on to before another."""
        self.write()
        if end - start > len(self._seconds):
            return sum(
                self._count(each) for each in self._seconds if start <= each < end
            )
        return sum(map(self._count, range(start, end)))

    def add_history(self, entries: Iterable[LogEntry]) -> None:
        """Note logs that REST gave and that nobody shall get from REST any more; the stream may still give them."""
        seen: dict[bytes, int] = {}
        for entry in entries:
            time_ns = entry.timestamp_ns
            if time_ns is None or not self._is_known(second := time_ns // SECOND):
                continue
            digest = identify(entry)
            count = seen[digest] = seen.get(digest, 0) + 1
            # What the stream has delivered already is counted already.
            if count > self._number(second, digest):
                self._add(time_ns, digest)
                self._history[digest] = self._history.get(digest, 0) + 1

    def forget(
        self,
        before: int,
        now: int | None,
        settled: int,
        streamed: Iterable[tuple[int, int]] = (),
    ) -> None:
        """Forget what will not be asked for again, and what is above the limit.

        Args:
            before: The second before which nothing is read again.
            now: The second of the service's clock; None while it is not known.
            settled: The second before which everything has been delivered: the floor rises no further, whatever the limit,
                because nothing below it would be delivered any more.
            streamed: Seconds from and to which a stream has delivered everything, in their order, while something before them
                is still to be read. Beside the first and the newest logs, up to the limit each, they become holes: a log that
                is late or early by its device's clock may still come from there by REST.
        """
        self._count_all()
        self._raise_floor(before)
        self._settled = settled
        # Before the others, there is nothing to be read any more.
        self._streamed = [span for span in streamed if span[0] >= settled]
        # A device whose clock is hours ahead must not push out what is needed now.
        ahead = sorted(
            second
            for second in self._seconds
            if now is not None and second > now + _FUTURE
        )
        while ahead and self._is_above_limit:
            self._drop(ahead.pop())
        self._give_up_settled(self._count_settled() - self._limit)
        last = self._start_of_last()
        number = self._limit
        for start, end in self._streamed:
            first_end, number = self._end_of_first(start, end, number)
            self._make_hole(first_end, min(end, last))
        # What cannot be forgotten without harm is limited as well. It may be repeated.
        while self._size > _MOST * self._limit:
            self._drop_fullest()

    def clear(self, floor: int) -> None:
        """Forget everything, and know what is delivered from a second on."""
        self.floor = floor
        self.holes = []
        self._size = 0
        self._unwritten.clear()
        self._seconds.clear()
        self._history.clear()
        self._ahead_of_stream.clear()

    def freeze(self) -> Callable[[], dict[str, Any]]:
        """Return what returns what is known now, for storage: 8 bytes for each log up to the limit, and some 20 for each second.

        It takes its time, and may be called in another thread meanwhile.
        """
        self._count_all()
        if self._is_above_limit:
            stored = DeliveredLogs(self._limit)
            stored.floor = self.floor
            stored.holes = self.holes
            stored._seconds = dict(self._seconds)
            stored._settled = self._settled
            stored._streamed = self._streamed
            stored._count_all()
            stored._shrink()
            return stored.freeze()
        floor, holes = self.floor, self.holes
        seconds = [
            (str(second - floor), known, len(known.logs))
            for second, known in self._seconds.items()
        ]

        def as_dict() -> dict[str, Any]:
            return {
                "floor": floor,
                "holes": holes,
                "seconds": {
                    offset: b64encode(b"".join(known.digests(number))).decode()
                    for offset, known, number in seconds
                },
            }

        return as_dict

    def restore(self, data: dict[str, Any]) -> None:
        """Know what was known when `freeze` was called.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: It is something else.
        """
        floor = int(data["floor"])
        holes = [(int(start), int(end)) for start, end in data["holes"]]
        seconds: dict[int, _Second] = {}
        for offset, text in data["seconds"].items():
            digests = b64decode(text, validate=True)
            if len(digests) % _DIGEST_SIZE:
                raise ValueError("No digests")
            seconds[floor + int(offset)] = _Second(
                digests[start : start + _DIGEST_SIZE]
                for start in range(0, len(digests), _DIGEST_SIZE)
            )
        self.holes = holes
        self.floor = floor
        self._seconds = seconds

    def _raise_floor(self, floor: int) -> None:
        if floor > self.floor:
            self.floor = floor
            self.holes = [hole for hole in self.holes if hole[1] > floor]
            for second in [each for each in self._seconds if each < floor]:
                self._drop(second)

    def _end_of_first(self, start: int, end: int, number: int) -> tuple[int, int]:
        """Return the second where the first logs of a span end, or the hole after them begins, and what is left of their number."""
        end = min([end, *(hole[0] for hole in self.holes if start <= hole[0] < end)])
        for second in sorted(each for each in self._seconds if start <= each < end):
            if number <= 0:
                return second, 0
            number -= self._count(second)
        return end, number

    def _start_of_last(self) -> int:
        """Return the second where the last logs begin."""
        seconds = sorted(self._seconds)[-_MAX_SECONDS:]
        number = 0
        for second in reversed(seconds):
            number += self._count(second)
            if number >= self._limit:
                return second
        return seconds[0] if seconds else 0

    def _make_hole(self, start: int, end: int) -> None:
        """Forget what was delivered of some seconds, and that all of it is known."""
        seconds = [second for second in self._seconds if start <= second < end]
        if not seconds:
            return
        for second in seconds:
            self._drop(second)
        apart = []
        # It becomes one with what it touches.
        for hole in self.holes:
            if hole[1] < start or end < hole[0]:
                apart.append(hole)
            else:
                start, end = min(start, hole[0]), max(end, hole[1])
        self.holes = sorted([*apart, (start, end)])

    def _shrink(self) -> None:
        """Forget what is above the limit, all in all, with as little harm as can be."""
        self._give_up_settled(
            min(self._size - self._limit, self._count_settled() - self._limit // 2)
        )
        for start, end in self._streamed:
            for second in sorted(each for each in self._seconds if start <= each < end):
                if self._is_above_limit:
                    self._make_hole(start, second + 1)
        self._give_up_settled(self._size - self._limit)
        while self._is_above_limit:
            self._drop_fullest()

    @property
    def _is_above_limit(self) -> bool:
        return self._size > self._limit or len(self._seconds) > _MAX_SECONDS

    def _count_settled(self) -> int:
        return sum(self._count(each) for each in self._seconds if each < self._settled)

    def _give_up_settled(self, number: int) -> None:
        """Raise the floor over so many logs before which everything has been delivered, and not over the last second."""
        floor = self.floor
        for second in sorted(self._seconds)[:-1]:
            if number <= 0 or second >= self._settled:
                break
            number -= self._count(second)
            floor = second + 1
        self._raise_floor(floor)

    def _drop_fullest(self) -> None:
        self._drop(max(self._seconds, key=self._count))

    def _is_known(self, second: int) -> bool:
        return second >= self.floor and not (
            self.holes and any(start <= second < end for start, end in self.holes)
        )

    def _count_all(self) -> None:
        self.write()
        self._size = sum(len(known.logs) for known in self._seconds.values())

    def _count(self, second: int) -> int:
        known = self._seconds.get(second)
        return 0 if known is None else len(known.logs)

    def _number(self, second: int, digest: bytes) -> int:
        self.write()
        known = self._seconds.get(second)
        return 0 if known is None else known.count(digest)

    def _add(self, time_ns: int | None, log: bytes) -> None:
        if time_ns is None:
            return
        second = time_ns // SECOND
        # Of a second that is there, everything is known.
        if (known := self._seconds.get(second)) is None:
            if not self._is_known(second):
                return
            known = self._seconds[second] = _Second()
        known.logs.append(log)

    def _drop(self, second: int) -> None:
        known = self._seconds.pop(second)
        self._size -= len(known.logs)
        if self._history or self._ahead_of_stream:
            for digest in known.digests(len(known.logs)):
                self._history.pop(digest, None)
                self._ahead_of_stream.pop(digest, None)
