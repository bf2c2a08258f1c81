"""How much is remembered of what was delivered, and what is stored of it."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, NamedTuple, Self

from .coverage import ClockStep
from .delivered import DIGEST_SIZE, DeliveredLogs, Second, UntrackedRange

# Seconds: further ahead than any log whose time is within 5 minutes of its arrival.
_FUTURE: Final = 400

# Seconds that may be stored beside the most logs.
_MAX_SECONDS: Final = 1_000

# Bytes that a log and a second take in the storage.
_LOG_SIZE: Final = 8
_SECOND_SIZE: Final = 22

# Bytes that an untracked range takes there.
_RANGE_SIZE: Final = 60

# Seconds from the floor to the first log, at most, where what is between is settled.
_LONGEST_OFFSET: Final = 10_000

# Seconds: what is further ahead will not be read soon.
_FAR_FUTURE: Final = 86_400

# The part of all bounds that devices may take whose clocks are ahead.
_FUTURE_SHARE: Final = 1 / 2

# The part of all bounds that is kept of the beginning and the end of what a stream
# delivered: less and less, before a time in which there was none is given up.
_KEPT_SHARES: Final = (1 / 8, 1 / 32, 1 / 128, 0)

# The part of all bounds that is left to what no stream delivered, where that alone is
# above them: beside it, the first of these shares is kept of one stream.
_UNSTREAMED_SHARE: Final = 1 - 2 * _KEPT_SHARES[0]

# What may be in memory as long as it is needed, in limits of the storage.
_MOST: Final = 4

# More ranges are made one, together with what is between them.
_MAX_UNTRACKED: Final = 100


class Needed(NamedTuple):
    """What is needed of what was delivered, in seconds since 1970."""

    settled: int
    """Before this, nothing new can come: it is forgotten first."""
    verified: int
    """Before this, everything that was there has been delivered."""
    now: int | None
    """The latest second of the service's clock so far; None while it is not known."""
    streamed: Sequence[tuple[int, int]] = ()
    """From and to when streams delivered everything while something before them is
    still to be read, in order of time."""


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where to go on after a restart."""

    time_ns: int
    """The time, by the service's clock in nanoseconds since 1970, until which
    everything has been delivered. What REST may show later is from the margin before
    it."""
    delivered: Callable[[], dict[str, Any]]
    """Returns what was known of delivered logs. It takes up to 50 ms, in any thread."""
    clock_steps: Sequence[ClockStep] = ()
    """Steps of the service's clock, by the host's."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON, of at most 256 KiB. It takes as long as `delivered`."""
        steps = [list(each) for each in self.clock_steps]
        return {
            "time_ns": self.time_ns,
            **({"clock_steps": steps} if steps else {}),
            "delivered": self.delivered(),
        }

    @classmethod
    def from_dict(cls, data: Any) -> Self | None:
        """Return what `as_dict` returned, or None where it is something else."""
        if (
            isinstance(data, dict)
            and isinstance(time_ns := data.get("time_ns"), int)
            and isinstance(delivered := data.get("delivered"), dict)
        ):
            return cls(time_ns, lambda: delivered, _clock_steps(data))
        return None


def _clock_steps(data: dict[str, Any]) -> list[ClockStep]:
    """Return the steps of the clock that were stored; some releases stored none."""
    steps = data.get("clock_steps")
    with suppress(TypeError, ValueError):
        return [ClockStep(int(offset), int(settled)) for offset, settled in steps or ()]
    return []


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
        self._stored = _Bounds(limit)
        self._in_memory = _Bounds(_MOST * limit)
        self._needed = Needed(0, 0, None)

    def apply(self, needed: Needed) -> None:
        """Forget what is above the limits, with as little harm as can be."""
        logs = self._logs
        self._needed = needed
        logs.write()
        if self._stored.hold(logs):
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

        That takes its time, and may be called in another thread meanwhile.
        """
        logs = self._logs
        logs.write()
        if not self._stored.hold(logs):
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
        forgotten_before = int(data.get("forgotten_before", 0))
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


class _Bounds:
    """How much may be remembered, and what is given up for it."""

    def __init__(self, limit: int) -> None:
        """Take how many logs that may be."""
        self._limit = limit
        self._max_size = limit * _LOG_SIZE + _MAX_SECONDS * _SECOND_SIZE

    def hold(self, logs: DeliveredLogs) -> bool:
        """Return whether that is kept to."""
        return self._hold(logs.size, self._seconds(logs))

    def _seconds(self, logs: DeliveredLogs) -> float:
        """Return how many seconds there are, and ranges as seconds."""
        return len(logs.seconds) + len(logs.untracked) * _RANGE_SIZE / _SECOND_SIZE

    def _hold(self, number: int, seconds: float, share: float = 1) -> bool:
        size = number * _LOG_SIZE + seconds * _SECOND_SIZE
        return number <= self._limit * share and size <= self._max_size * share

    def forget_future(self, logs: DeliveredLogs, now: int | None) -> None:
        """Forget the farthest logs of devices whose clocks are ahead.

        What is more than a day ahead may be repeated, should REST be read then.

        Args:
            logs: What is remembered.
            now: The present second; None where it is not known, and nothing is forgotten.
        """
        if now is None or self.hold(logs):
            return
        future = sorted(second for second in logs.seconds if second > now + _FUTURE)
        number = sum(len(logs.seconds[second].logs) for second in future)
        while (
            future
            and future[-1] > now + _FAR_FUTURE
            and not self._hold(number, len(future), _FUTURE_SHARE)
        ):
            number -= len(logs.seconds[future[-1]].logs)
            logs.forget(future.pop())
        while future and not self._hold(number, len(future), _FUTURE_SHARE):
            # It may be the service's clock that is behind.
            half = len(future) // 2
            logs.untrack(future[half], future[-1] + 1)
            del future[half:]
            number = sum(len(logs.seconds[second].logs) for second in future)

    def forget_oldest(self, logs: DeliveredLogs, before: int) -> None:
        """Raise the floor, no further than to a second and not over the last one."""
        number, seconds = logs.size, self._seconds(logs)
        floor = logs.floor
        for second in sorted(logs.seconds)[:-1]:
            if second >= before or self._hold(number, seconds):
                break
            number -= len(logs.seconds[second].logs)
            seconds -= 1
            floor = second + 1
        logs.raise_floor(floor)

    def give_up(self, logs: DeliveredLogs, needed: Needed) -> None:
        """Give up what is above the limit, except how many logs that was.

        First of all the middle of what streams delivered, which nothing can have missed
        but these: what is early or late by its device's clock may still come by REST
        from the beginning and the end. Where most of the logs are, the least time is
        given up.
        """
        if self.hold(logs):
            return
        spans = [
            sorted(each for each in logs.seconds if start <= each < end)
            for start, end in needed.streamed
        ]
        spans.sort(
            key=lambda span: sum(len(logs.seconds[each].logs) for each in span),
            reverse=True,
        )
        for span in spans:
            if span and not self.hold(logs):
                logs.untrack(span[0] + _FUTURE, span[-1] - _FUTURE)
        self.forget_oldest(logs, needed.verified)
        self._untrack_before(logs, spans)
        for share, span in product(_KEPT_SHARES, spans):
            if self.hold(logs):
                break
            left = [each for each in span if each in logs.seconds]
            first = self._kept(logs, left, share)
            last = self._kept(logs, left[first:][::-1], share)
            if first + last < len(left):
                logs.untrack(left[first], left[len(left) - last - 1] + 1)
        while logs.seconds and not self.hold(logs):
            self._untrack_oldest(logs)
        if len(logs.untracked) > _MAX_UNTRACKED:
            first_range, last_range = (
                logs.untracked[0],
                logs.untracked[-_MAX_UNTRACKED // 2],
            )
            logs.untrack(first_range.start, last_range.end)

    def _untrack_before(
        self, logs: DeliveredLogs, spans: Sequence[Sequence[int]]
    ) -> None:
        """Give up the oldest before all streams, where what is theirs does not suffice.

        Otherwise it would be given up in vain: a restart forgets which streams delivered
        what they did, and that may be far above the limit.
        """
        streamed = {
            each: len(logs.seconds[each].logs)
            for span in spans
            for each in span
            if each in logs.seconds
        }
        number = logs.size - sum(streamed.values())
        seconds = self._seconds(logs) - len(streamed)
        if not streamed or self._hold(number, seconds):
            return
        first_streamed = min(streamed)
        before = sorted(each for each in logs.seconds if each < first_streamed)
        for second in before:
            number -= len(logs.seconds[second].logs)
            seconds -= 1
            if self._hold(number, seconds, _UNSTREAMED_SHARE):
                logs.untrack(before[0], second + 1)
                return

    def _kept(self, logs: DeliveredLogs, seconds: Sequence[int], share: float) -> int:
        """Return how many of the first seconds hold a share of the logs."""
        number = 0
        most = int(_MAX_SECONDS * share)
        for index, second in enumerate(seconds[:most]):
            number += len(logs.seconds[second].logs)
            if number > self._limit * share:
                return index + 1
        return min(len(seconds), most)

    def _untrack_oldest(self, logs: DeliveredLogs) -> None:
        """Give up the oldest half, where nothing tells what is needed least."""
        seconds = sorted(logs.seconds)
        number = 0
        for index, second in enumerate(seconds):
            number += len(logs.seconds[second].logs)
            if number * 2 >= logs.size or index * 2 >= len(seconds):
                logs.untrack(seconds[0], second + 1)
                break
