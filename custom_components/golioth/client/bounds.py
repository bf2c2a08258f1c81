"""Chooses which delivered logs to forget."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final, NamedTuple

from .delivered import FAR_FUTURE, DeliveredLogs

# Seconds: further ahead than any log whose timestamp is within 5 minutes of its
# arrival.
_FUTURE: Final = 400

# Seconds that may be stored together with the maximum number of logs.
_MAX_SECONDS: Final = 1_000

# Bytes that a log and a second take in the storage.
_LOG_SIZE: Final = 8
_SECOND_SIZE: Final = 22

# Bytes that an untracked range takes there.
_RANGE_SIZE: Final = 60

# The share of all bounds for devices whose clocks are ahead.
_FUTURE_SHARE: Final = 1 / 2

# The share of all bounds that is kept at each end of what a stream delivered: less and
# less, before a span without a stream is given up.
_KEPT_SHARES: Final = (1 / 8, 1 / 32, 1 / 128, 0)

# The share of all bounds for what no stream delivered, where that alone exceeds them:
# besides, the first of the kept shares remains for both ends of one stream.
_UNSTREAMED_SHARE: Final = 1 - 2 * _KEPT_SHARES[0]

# Beyond this, ranges are merged, together with what lies between them.
_MAX_UNTRACKED: Final = 100


class Needed(NamedTuple):
    """The spans that are still needed, in seconds since 1970."""

    settled: int
    """Before this, no new logs can appear: it is forgotten first."""
    verified: int
    """Before this, everything that REST showed has been delivered."""
    now: int | None
    """The latest second of the service's clock so far; None while unknown."""
    streamed: Sequence[tuple[int, int]] = ()
    """Spans that streams delivered while an earlier gap is still to be read, in order
    of time."""


class Bounds:
    """Limits how many logs are remembered."""

    def __init__(self, limit: int) -> None:
        """Set the maximum number of logs."""
        self._limit = limit
        self._max_size = limit * _LOG_SIZE + _MAX_SECONDS * _SECOND_SIZE

    def allow(self, logs: DeliveredLogs) -> bool:
        """Return whether logs are within the bounds."""
        return self._allow(logs.size, self._seconds(logs))

    def _seconds(self, logs: DeliveredLogs) -> float:
        """Return the number of seconds, ranges converted by their size."""
        return len(logs.seconds) + len(logs.untracked) * _RANGE_SIZE / _SECOND_SIZE

    def _allow(self, number: int, seconds: float, share: float = 1) -> bool:
        size = number * _LOG_SIZE + seconds * _SECOND_SIZE
        return number <= self._limit * share and size <= self._max_size * share

    def forget_future(self, logs: DeliveredLogs, now: int | None) -> None:
        """Forget the farthest logs of devices whose clocks are ahead.

        Logs more than a day ahead may be repeated, should REST be read then.

        Args:
            logs: The remembered logs.
            now: The present second; None where unknown: then nothing is forgotten.
        """
        if now is None or self.allow(logs):
            return
        future = sorted(second for second in logs.seconds if second > now + _FUTURE)
        number = sum(len(logs.seconds[second].logs) for second in future)
        while (
            future
            and future[-1] > now + FAR_FUTURE
            and not self._allow(number, len(future), _FUTURE_SHARE)
        ):
            number -= len(logs.seconds[future[-1]].logs)
            logs.forget(future.pop())
        while future and not self._allow(number, len(future), _FUTURE_SHARE):
            # The service's clock may be behind instead.
            half = len(future) // 2
            logs.untrack(future[half], future[-1] + 1)
            del future[half:]
            number = sum(len(logs.seconds[second].logs) for second in future)

    def forget_oldest(self, logs: DeliveredLogs, before: int) -> None:
        """Raise the floor until the logs are within the bounds.

        The floor rises to `before` at most, and never past the last second.
        """
        number, seconds = logs.size, self._seconds(logs)
        floor = logs.floor
        for second in sorted(logs.seconds)[:-1]:
            if second >= before or self._allow(number, seconds):
                break
            number -= len(logs.seconds[second].logs)
            seconds -= 1
            floor = second + 1
        logs.raise_floor(floor)

    def give_up(self, logs: DeliveredLogs, needed: Needed) -> None:
        """Untrack logs until the rest is within the limit.

        Only their number is kept. In the middle of a stream's span, only that stream
        can have missed logs; near both ends, REST may still show logs that are early or
        late by their device's clock. So, while the limit is exceeded, in this order:

        1. Untrack the middle of each stream, the one with the most logs first.
        2. Forget the oldest seconds that REST has shown completely.
        3. Untrack the oldest seconds before all streams, if these alone exceed the
           limit.
        4. Untrack more of the middle of each stream, in several rounds.
        5. Untrack the oldest half of everything, repeatedly.
        """
        if self.allow(logs):
            return
        streams = _seconds_of_streams(logs, needed.streamed)
        for seconds in streams:
            start, end = seconds[0] + _FUTURE, seconds[-1] - _FUTURE
            if start < end and not self.allow(logs):
                logs.untrack(start, end)
        self.forget_oldest(logs, needed.verified)
        self._untrack_before(logs, streams)
        for share, seconds in product(_KEPT_SHARES, streams):
            if self.allow(logs):
                break
            self._untrack_middle(logs, seconds, share)
        while logs.seconds and not self.allow(logs):
            _untrack_oldest(logs)
        if len(logs.untracked) > _MAX_UNTRACKED:
            first, last = logs.untracked[0], logs.untracked[-_MAX_UNTRACKED // 2]
            logs.untrack(first.start, last.end)

    def _untrack_before(
        self, logs: DeliveredLogs, streams: Sequence[Sequence[int]]
    ) -> None:
        """Untrack the oldest seconds before all streams.

        Only where untracking the streams' own logs would not suffice: a restart forgets
        which logs streams delivered, so these may be far above the limit.
        """
        streamed = {
            each: len(logs.seconds[each].logs)
            for seconds in streams
            for each in seconds
            if each in logs.seconds
        }
        number = logs.size - sum(streamed.values())
        left = self._seconds(logs) - len(streamed)
        if not streamed or self._allow(number, left):
            return
        first_streamed = min(streamed)
        before = sorted(each for each in logs.seconds if each < first_streamed)
        for second in before:
            number -= len(logs.seconds[second].logs)
            left -= 1
            if self._allow(number, left, _UNSTREAMED_SHARE):
                logs.untrack(before[0], second + 1)
                return

    def _untrack_middle(
        self, logs: DeliveredLogs, seconds: Sequence[int], share: float
    ) -> None:
        """Untrack a stream's logs, except a share at both ends."""
        left = [each for each in seconds if each in logs.seconds]
        first = self._kept(logs, left, share)
        last = self._kept(logs, left[first:][::-1], share)
        if first + last < len(left):
            logs.untrack(left[first], left[len(left) - last - 1] + 1)

    def _kept(self, logs: DeliveredLogs, seconds: Sequence[int], share: float) -> int:
        """Return how many leading seconds hold a share of logs."""
        number = 0
        most = int(_MAX_SECONDS * share)
        for index, second in enumerate(seconds[:most]):
            number += len(logs.seconds[second].logs)
            if number > self._limit * share:
                return index + 1
        return min(len(seconds), most)


def _seconds_of_streams(
    logs: DeliveredLogs, spans: Iterable[tuple[int, int]]
) -> list[list[int]]:
    """Return each stream's seconds with logs, the largest first."""
    streams = (
        sorted(each for each in logs.seconds if start <= each < end)
        for start, end in spans
    )
    return sorted(
        (seconds for seconds in streams if seconds),
        key=lambda seconds: sum(len(logs.seconds[each].logs) for each in seconds),
        reverse=True,
    )


def _untrack_oldest(logs: DeliveredLogs) -> None:
    """Untrack the oldest half of all logs."""
    seconds = sorted(logs.seconds)
    number = 0
    for index, second in enumerate(seconds):
        number += len(logs.seconds[second].logs)
        if number * 2 >= logs.size or index * 2 >= len(seconds):
            logs.untrack(seconds[0], second + 1)
            break
