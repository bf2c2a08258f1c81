"""Chooses what to forget where more was delivered than may be remembered."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final, NamedTuple

from .delivered import FAR_FUTURE, DeliveredLogs

# Seconds: further ahead than any log whose time is within 5 minutes of its arrival.
_FUTURE: Final = 400

# Seconds that may be stored beside the most logs.
_MAX_SECONDS: Final = 1_000

# Bytes that a log and a second take in the storage.
_LOG_SIZE: Final = 8
_SECOND_SIZE: Final = 22

# Bytes that an untracked range takes there.
_RANGE_SIZE: Final = 60

# The part of all bounds that devices may take whose clocks are ahead.
_FUTURE_SHARE: Final = 1 / 2

# The part of all bounds that is kept of the beginning and the end of what a stream
# delivered: less and less, before a time in which there was none is given up.
_KEPT_SHARES: Final = (1 / 8, 1 / 32, 1 / 128, 0)

# The part of all bounds that is left to what no stream delivered, where that alone is
# above them: beside it, the first of these shares is kept of one stream.
_UNSTREAMED_SHARE: Final = 1 - 2 * _KEPT_SHARES[0]

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


class Bounds:
    """How much may be remembered, and what is given up for it."""

    def __init__(self, limit: int) -> None:
        """Take how many logs that may be."""
        self._limit = limit
        self._max_size = limit * _LOG_SIZE + _MAX_SECONDS * _SECOND_SIZE

    def allow(self, logs: DeliveredLogs) -> bool:
        """Return whether so much may be remembered."""
        return self._allow(logs.size, self._seconds(logs))

    def _seconds(self, logs: DeliveredLogs) -> float:
        """Return how many seconds there are, and ranges as seconds."""
        return len(logs.seconds) + len(logs.untracked) * _RANGE_SIZE / _SECOND_SIZE

    def _allow(self, number: int, seconds: float, share: float = 1) -> bool:
        size = number * _LOG_SIZE + seconds * _SECOND_SIZE
        return number <= self._limit * share and size <= self._max_size * share

    def forget_future(self, logs: DeliveredLogs, now: int | None) -> None:
        """Forget the farthest logs of devices whose clocks are ahead.

        What is more than a day ahead may be repeated, should REST be read then.

        Args:
            logs: What is remembered.
            now: The present second; None where it is not known, and nothing is forgotten.
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
            if second >= before or self._allow(number, seconds):
                break
            number -= len(logs.seconds[second].logs)
            seconds -= 1
            floor = second + 1
        logs.raise_floor(floor)

    def give_up(self, logs: DeliveredLogs, needed: Needed) -> None:
        """Give up logs until the rest is within the limit, and keep their number.

        Of what streams delivered, nothing can have been missed but by these, and what is
        early or late by its device's clock may still come by REST from the beginning
        and the end. So, for as long as there is too much:

        1. the middle of each stream, the one with the most logs first;
        2. the oldest of what REST has shown all of, which is forgotten;
        3. the oldest from before all streams, if that alone is too much;
        4. more of the middle of each stream, in several rounds;
        5. the oldest half of everything, again and again.
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
        """Give up the oldest before all streams, where what is theirs does not suffice.

        Otherwise it would be given up in vain: a restart forgets which streams delivered
        what they did, and that may be far above the limit.
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
        """Give up what a stream delivered, but a share of the bounds at both ends."""
        left = [each for each in seconds if each in logs.seconds]
        first = self._kept(logs, left, share)
        last = self._kept(logs, left[first:][::-1], share)
        if first + last < len(left):
            logs.untrack(left[first], left[len(left) - last - 1] + 1)

    def _kept(self, logs: DeliveredLogs, seconds: Sequence[int], share: float) -> int:
        """Return how many of the first seconds hold a share of the logs."""
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
    """Return the seconds with logs of each stream, the one with the most logs first."""
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
    """Give up the oldest half, where nothing tells what is needed least."""
    seconds = sorted(logs.seconds)
    number = 0
    for index, second in enumerate(seconds):
        number += len(logs.seconds[second].logs)
        if number * 2 >= logs.size or index * 2 >= len(seconds):
            logs.untrack(seconds[0], second + 1)
            break
