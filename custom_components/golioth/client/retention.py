"""Bounds and stores the remembered logs."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, Final

from .bounds import Bounds, Needed
from .delivered import DIGEST_SIZE, DeliveredLogs, Second, UntrackedRange

# The maximum of seconds from the floor to the first log, where these are settled.
_LONGEST_OFFSET: Final = 10_000

# The limit in memory of logs that are needed, as a multiple of the storage's limit.
_MOST: Final = 4


class Retention:
    """Keeps the remembered logs within bounds, and stores them.

    Forgotten logs are never delivered by REST again. Where logs may have been missed,
    the number of delivered ones is kept, so that this can be reported. Memory may hold
    more logs than the storage, as long as they are needed.
    """

    def __init__(self, logs: DeliveredLogs, limit: int) -> None:
        """Set the remembered logs, and how many may be stored."""
        self._logs = logs
        self._limit = limit
        self._stored = Bounds(limit)
        self._in_memory = Bounds(_MOST * limit)
        self._needed = Needed(0, 0, None)

    def apply(self, needed: Needed) -> None:
        """Forget logs beyond the limits, the least needed first."""
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
            # Enough logs of the time before stay remembered to recognize late ones.
            self._stored.forget_oldest(logs, needed.verified)
        self._in_memory.give_up(logs, needed)

    def freeze(self) -> Callable[[], dict[str, Any]]:
        """Return a function that returns the present state as JSON.

        The function takes its time, and may be called in another thread. The needs that
        `apply` received last decide what is left out beyond the limits.
        """
        logs = self._logs
        logs.write()
        if not self._stored.allow(logs):
            logs = logs.copy()
            self._stored.forget_future(logs, self._needed.now)
            self._stored.give_up(logs, self._needed)
        # Nothing that much older is read, and short offsets save space. But unsettled
        # logs are still to be read, however much later a stream has delivered.
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
        """Restore the state that `freeze` returned.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: It is something else.
        """
        floor = int(data["floor"])
        ranges = [(int(start), int(end)) for start, end in data["holes"]]
        # Earlier releases did not store these numbers.
        counts = data.get("hole_counts") or [None] * len(ranges)
        untracked = [
            UntrackedRange(start, end, None if count is None else int(count))
            for (start, end), count in zip(ranges, counts, strict=True)
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
