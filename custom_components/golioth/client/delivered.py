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
        hole: Seconds from and to which it is not known after all; None where there are none.
    """

    def __init__(self, limit: int) -> None:
        """Start empty.

        Args:
            limit: Logs that are remembered, at most.
        """
        self.floor = 0
        self.hole: tuple[int, int] | None = None
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
        self, before: int, now: int, settled: int, keep_until: int | None = None
    ) -> None:
        """Forget what will not be asked for again, and what is above the limit.

        Args:
            before: The second before which nothing is read again.
            now: The second of the service's clock.
            settled: The second before which everything has been delivered: the floor rises no further, whatever the limit,
                because nothing below it would be delivered any more.
            keep_until: The second before which everything should be kept, because it is still to be read: what is above
                the limit leaves a hole behind it.
        """
        if self.hole is not None and (keep_until is None or self.hole[1] <= before):
            before = max(before, self.hole[1])
            self.hole = None
        self._raise_floor(before)
        # A device whose clock is hours ahead must not push out what is needed now.
        for latest in sorted(self._seconds)[_MAX_SECONDS:]:
            self._drop(latest)
        while self._size > self._limit and len(self._seconds) > 1:
            latest = max(self._seconds)
            if latest > now + _FUTURE:
                self._drop(latest)
                continue
            behind = [
                second
                for second in self._seconds
                if keep_until is not None and second >= keep_until
            ]
            if len(behind) > 1:
                oldest = min(behind)
                self._drop(oldest)
                end = oldest + 1 if self.hole is None else self.hole[1]
                self.hole = (keep_until or 0, max(end, oldest + 1))
            elif (oldest := min(self._seconds)) < settled:
                self._raise_floor(oldest + 1)
            else:
                return

    def as_dict(self) -> dict[str, Any]:
        """Return what is known, for storage: 8 bytes for each log, and some 12 for each second."""
        return {
            "floor": self.floor,
            "hole": self.hole,
            "seconds": {
                str(second - self.floor): b64encode(
                    b"".join(
                        digest.to_bytes(_DIGEST_SIZE) * number
                        for digest, number in logs.items()
                    )
                ).decode()
                for second, logs in self._seconds.items()
            },
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Know what `as_dict` returned.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: It is something else.
        """
        floor = int(data["floor"])
        hole = data["hole"]
        seconds: dict[int, dict[int, int]] = {}
        for offset, text in data["seconds"].items():
            logs = seconds[floor + int(offset)] = {}
            digests = b64decode(text, validate=True)
            for start in range(0, len(digests), _DIGEST_SIZE):
                digest = int.from_bytes(digests[start : start + _DIGEST_SIZE])
                logs[digest] = logs.get(digest, 0) + 1
        self.hole = None if hole is None else (int(hole[0]), int(hole[1]))
        self.floor = floor
        self._seconds = seconds
        self._size = sum(sum(logs.values()) for logs in seconds.values())

    def _raise_floor(self, floor: int) -> None:
        if floor > self.floor:
            self.floor = floor
            for second in [each for each in self._seconds if each < floor]:
                self._drop(second)

    def _is_known(self, second: int) -> bool:
        hole = self.hole
        return second >= self.floor and (
            hole is None or not hole[0] <= second < hole[1]
        )

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
