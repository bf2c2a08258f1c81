"""Keeps what is remembered of delivered logs within bounds, and stores it."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, Final

from .bounds import Bounds, Needed
from .delivered import DIGEST_SIZE, DeliveredLogs, Second, UntrackedRange

# Seconds from the floor to the first log, at most, where what is between is settled.
_LONGEST_OFFSET: Final = 10_000

# What may be in memory as long as it is needed, in limits of the storage.
_MOST: Final = 4


class Retention:
    """Keeps what is remembered within bounds, in memory and in the storage.

    What is forgotten is never delivered by REST again. Where something of it may have
    been missed, the number of logs is kept, so that this can be reported. In memory,
    what is still needed may be more than what is stored.
    """

    def __init__(self, logs: DeliveredLogs, limit: int) -> None:
        """Take what is remembered, and how many logs of it may be stored."""
        self._logs = logs
        self._limit = limit
        self._stored = Bounds(limit)
        self._in_memory = Bounds(_MOST * limit)
        self._needed = Needed(0, 0, None)

    def apply(self, needed: Needed) -> None:
        """Forget what is above the limits, with as little harm as can be."""
        logs = self._logs
        self._needed = needed
        logs.write()
        if self._stored.allow(logs):
            return
        self._in_memory.forget_future(logs, needed.now)
        self._stored.forget_oldest(logs, needed.settled)
        unread = sum(
            len(known.logs)
            for second, known in logs.seconds.items()
            if second >= needed.verified
        )
        if unread * 2 < self._limit:
            # What is remembered of the time before is enough for late logs.
            self._stored.forget_oldest(logs, needed.verified)
        self._in_memory.give_up(logs, needed)

    def freeze(self) -> Callable[[], dict[str, Any]]:
        """Return what returns what is known now, for the storage.

        That takes its time, and may be called in another thread meanwhile. What is above
        the limits is judged by what `apply` was told last.
        """
        logs = self._logs
        logs.write()
        if not self._stored.allow(logs):
            logs = logs.copy()
            self._stored.forget_future(logs, self._needed.now)
            self._stored.give_up(logs, self._needed)
        # Nobody asks for what is that much older, and the offsets are short. But what is
        # not settled is still to be read, however much later a stream has delivered.
        oldest = min(logs.seconds, default=0) - _LONGEST_OFFSET
        oldest = min(oldest, self._needed.settled)
        floor, untracked = max(logs.floor, oldest), list(logs.untracked)
        forgotten_before = logs.forgotten_before
        seconds = [
            (second - floor, known, len(known.logs))
            for second, known in logs.seconds.items()
        ]

        def as_dict() -> dict[str, Any]:
            return {
                "floor": floor,
                "forgotten_before": forgotten_before,
                "holes": [(each.start, each.end) for each in untracked],
                "hole_counts": [each.number for each in untracked],
                "seconds": {
                    str(offset): b64encode(b"".join(known.digests(number))).decode()
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
        # Earlier releases did not count.
        counts = data.get("hole_counts") or [None] * len(holes)
        untracked = [
            UntrackedRange(start, end, None if count is None else int(count))
            for (start, end), count in zip(holes, counts, strict=True)
        ]
        # Nor did they store this.
        forgotten_before = (
            int(data["forgotten_before"]) if "forgotten_before" in data else None
        )
        seconds: dict[int, Second] = {}
        for offset, text in data["seconds"].items():
            digests = b64decode(text, validate=True)
            if len(digests) % DIGEST_SIZE:
                raise ValueError("No digests")
            seconds[floor + int(offset)] = Second(
                digests[start : start + DIGEST_SIZE]
                for start in range(0, len(digests), DIGEST_SIZE)
            )
        self._logs.restore(floor, sorted(untracked), seconds, forgotten_before)
