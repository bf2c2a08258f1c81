"""The logs that have been delivered of late, so that none is delivered twice."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import orjson

from .models import LogEntry

SECOND: Final = 1_000_000_000

# Bytes of a digest. With 48 bits and 30,000 logs, one in 10¹⁰ logs would be taken for another one.
_DIGEST_SIZE: Final = 6

# Seconds: further ahead than any log whose time is within 5 minutes of its arrival.
_FUTURE: Final = 400

# Seconds that logs are remembered of, at most: those around now, and some of devices whose clocks are ahead.
_MAX_SECONDS: Final = 1_000

# What may be remembered beyond the limit while it is still needed, in limits.
_MOST: Final = 4


class Identity(NamedTuple):
    """What tells a log from another one, as Golioth has no log IDs: all of its fields."""

    digest: int
    second: int | None
    """The second of its timestamp, since 1970; None where it has none, so that REST cannot be asked for it."""
    size: int
    """The bytes that were digested: about what the log takes in memory."""


def identify(entry: LogEntry) -> Identity:
    """Return the identity of a log.

    The time counts in milliseconds only, because REST may cut it there: what two equal texts of one millisecond are is
    told by their number.
    """
    time_ns = entry.timestamp_ns
    text = orjson.dumps(
        (
            entry.timestamp if time_ns is None else time_ns // 1_000_000,
            entry.type,
            entry.level,
            entry.module,
            entry.module_id,
            entry.message,
            entry.metadata,
            entry.device_id,
        ),
        option=orjson.OPT_SORT_KEYS,
    )
    return Identity(
        int.from_bytes(blake2b(text, digest_size=_DIGEST_SIZE).digest()),
        None if time_ns is None else time_ns // SECOND,
        len(text),
    )


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
        self._size = 0
        self._seconds: dict[int, dict[int, int]] = {}
        # What was there before the first start: at most one answer.
        self._history: dict[int, int] = {}
        # What REST gave before the stream did, if that ever does.
        self._ahead_of_stream: dict[int, int] = {}

    @property
    def is_overfull(self) -> bool:
        """Whether so much is above the limit that `forget` is due."""
        return self._size > self._limit * 1.1

    def add_streamed(self, identity: Identity) -> bool:
        """Note a log of the stream; return whether it is new."""
        if self._history and (number := self._history.get(identity.digest)):
            # Counted already, but not delivered.
            self._history[identity.digest] = number - 1
            return True
        if (ahead := self._ahead_of_stream.get(identity.digest)) is not None:
            if ahead > 1:
                self._ahead_of_stream[identity.digest] = ahead - 1
            else:
                del self._ahead_of_stream[identity.digest]
            return False
        self._add(identity)
        return True

    def add_read(self, entries: Iterable[LogEntry]) -> Iterator[LogEntry]:
        """Note logs that REST gave, and yield the new ones.

        Args:
            entries: All logs of the milliseconds that they are from.
        """
        seen: dict[int, int] = {}
        for entry in entries:
            identity = identify(entry)
            second = identity.second
            if second is None or not self._is_known(second):
                continue
            digest = identity.digest
            count = seen[digest] = seen.get(digest, 0) + 1
            if count > self._seconds.get(second, {}).get(digest, 0):
                self._add(identity)
                self._ahead_of_stream[digest] = self._ahead_of_stream.get(digest, 0) + 1
                yield entry

    def count(self, start: int, end: int) -> int:
        """Return how many logs are known from one second on to before another."""
        if end - start > len(self._seconds):
            return sum(
                sum(logs.values())
                for second, logs in self._seconds.items()
                if start <= second < end
            )
        return sum(
            sum(logs.values())
            for second in range(start, end)
            if (logs := self._seconds.get(second))
        )

    def add_history(self, entries: Iterable[LogEntry]) -> None:
        """Note logs that REST gave and that nobody shall get from REST any more; the stream may still give them."""
        seen: dict[int, int] = {}
        for entry in entries:
            identity = identify(entry)
            digest = identity.digest
            count = seen[digest] = seen.get(digest, 0) + 1
            # What the stream has delivered already is counted already.
            if count > self._seconds.get(identity.second or 0, {}).get(digest, 0):
                self._add(identity)
                self._history[digest] = self._history.get(digest, 0) + 1

    def forget(
        self,
        before: int,
        now: int,
        settled: int,
        streamed: Iterable[tuple[int, int]] = (),
    ) -> None:
        """Forget what will not be asked for again, and what is above the limit.

        Args:
            before: The second before which nothing is read again.
            now: The second of the service's clock.
            settled: The second before which everything has been delivered: the floor rises no further, whatever the limit,
                because nothing below it would be delivered any more.
            streamed: Seconds from and to which a stream has delivered everything, in their order: where something before them
                is still to be read, what is above the limit leaves holes in them first.
        """
        self._raise_floor(before)
        seconds = sorted(self._seconds)
        # A device whose clock is hours ahead must not push out what is needed now.
        while len(seconds) > _MAX_SECONDS or (
            self._size > self._limit
            and len(seconds) > 1
            and seconds[-1] > now + _FUTURE
        ):
            self._drop(seconds.pop())
        if self._size <= self._limit:
            return
        for start, end in streamed:
            if start < settled:
                # Nothing before it is still to be read: the floor may rise into it.
                continue
            self._make_hole(start, (each for each in seconds if start <= each < end))
        floor = self.floor
        size = self._size
        # Not the last second: logs of it are still coming.
        for second in seconds[:-1]:
            if size <= self._limit or second >= settled:
                break
            size -= self._count(second) if second in self._seconds else 0
            floor = second + 1
        self._raise_floor(floor)
        # What cannot be forgotten without harm is limited as well. It may be repeated.
        while self._size > _MOST * self._limit:
            self._drop(max(self._seconds, key=self._count))

    def clear(self, floor: int) -> None:
        """Forget everything, and know what is delivered from a second on."""
        self.floor = floor
        self.holes = []
        self._size = 0
        for logs in (self._seconds, self._history, self._ahead_of_stream):
            logs.clear()

    def as_dict(self) -> dict[str, Any]:
        """Return what is known, for storage: 8 bytes for each log, and some 20 for each second."""
        seconds = dict(self._seconds)
        excess = self._size - self._limit
        while excess > 0:
            # What was kept beyond the limit may be repeated after a restart.
            second = max(seconds, key=self._count)
            excess -= self._count(second)
            del seconds[second]
        return {
            "floor": self.floor,
            "holes": self.holes,
            "seconds": {
                str(second - self.floor): b64encode(
                    b"".join(
                        digest.to_bytes(_DIGEST_SIZE) * number
                        for digest, number in logs.items()
                    )
                ).decode()
                for second, logs in seconds.items()
            },
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Know what `as_dict` returned.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: It is something else.
        """
        floor = int(data["floor"])
        holes = [(int(start), int(end)) for start, end in data["holes"]]
        seconds: dict[int, dict[int, int]] = {}
        for offset, text in data["seconds"].items():
            logs = seconds[floor + int(offset)] = {}
            digests = b64decode(text, validate=True)
            for start in range(0, len(digests), _DIGEST_SIZE):
                digest = int.from_bytes(digests[start : start + _DIGEST_SIZE])
                logs[digest] = logs.get(digest, 0) + 1
        self.holes = holes
        self.floor = floor
        self._seconds = seconds
        self._size = sum(sum(logs.values()) for logs in seconds.values())

    def _raise_floor(self, floor: int) -> None:
        if floor > self.floor:
            self.floor = floor
            self.holes = [hole for hole in self.holes if hole[1] > floor]
            for second in [each for each in self._seconds if each < floor]:
                self._drop(second)

    def _make_hole(self, start: int, seconds: Iterable[int]) -> None:
        """Forget as many seconds as is needed, from the first one on, and that everything from the start until there is known."""
        end = start
        for second in seconds:
            if self._size <= self._limit:
                break
            self._drop(second)
            end = second + 1
        if end > start:
            # One that begins there already ends there as well, or before.
            self.holes = sorted(
                [*(hole for hole in self.holes if hole[0] != start), (start, end)]
            )

    def _is_known(self, second: int) -> bool:
        return second >= self.floor and not any(
            start <= second < end for start, end in self.holes
        )

    def _count(self, second: int) -> int:
        return sum(self._seconds[second].values())

    def _add(self, identity: Identity) -> None:
        second = identity.second
        if second is None or not self._is_known(second):
            return
        logs = self._seconds.setdefault(second, {})
        logs[identity.digest] = logs.get(identity.digest, 0) + 1
        self._size += 1

    def _drop(self, second: int) -> None:
        logs = self._seconds.pop(second)
        self._size -= sum(logs.values())
        for digest in logs:
            self._ahead_of_stream.pop(digest, None)
