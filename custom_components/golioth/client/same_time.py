"""Reads logs of the same time, by level and device."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple, Protocol, Self

from .answer_size import AnswerSize
from .delivered import identify
from .log_window import LogWindow
from .models import LEVELS, LogEntry
from .span_requests import CountedBounds, SpanRequests

# Devices that are requested one by one for the same moment: at two requests a second,
# it takes a minute.
_MAX_DEVICES: Final = 100


class Moment(NamedTuple):
    """The logs found in a short span."""

    entries: list[LogEntry]
    """Oldest first."""
    missing: int
    """The number of logs that the service has but that no request returns."""


class RequestSome(Protocol):
    """Requests some logs of a fixed span."""

    def __call__(
        self, *, device_id: str | None = None, level: str | None = None
    ) -> Awaitable[LogWindow]:
        """Return the answer."""


class SameTime(NamedTuple):
    """A span that is no longer divided by time.

    It holds how to request the span, and how its times are shown.
    """

    start: int
    """Where it starts, in nanoseconds since 1970."""
    shown: tuple[int, int]
    """Start and end of its logs, by the times that the service shows."""
    request: RequestSome
    older: Callable[[], Awaitable[LogWindow]] | None
    """Requests the nanosecond before the span, which `request` covers as well; None
    where it does not."""

    @classmethod
    def roughly(cls, requests: SpanRequests, start: int, end: int) -> Self:
        """Return a span requested with the nanosecond before it.

        Args:
            requests: Sends the requests.
            start: Where it starts, by real and shown times.
            end: Where it ends, not included; the same.
        """
        return cls(
            start,
            (start, end),
            partial(requests.request_if_readable, start - 1, end),
            partial(requests.request_if_readable, start - 2, start),
        )

    @classmethod
    def exactly(
        cls,
        requests: SpanRequests,
        start: int,
        end: int,
        shown: tuple[int, int],
        bounds: CountedBounds,
    ) -> Self:
        """Return a span that is requested exactly.

        Args:
            requests: Sends the requests.
            start: As for `SpanRequests.request_exactly`.
            end: The same.
            shown: Start and end of its logs, by the shown times.
            bounds: The bounds of a request that the service counts in.
        """
        return cls(
            start,
            shown,
            partial(requests.request_exactly, start, end, bounds),
            None,
        )


@dataclass
class _Search:
    """The state of reading one span."""

    entries: list[LogEntry]
    total: int | None
    """The believable number of logs."""
    cut_levels: list[str] = field(default_factory=list)
    """Levels that one answer does not hold completely."""
    unreadable: int = 0
    """Unreadable answers for a device and a level: each has an unreadable log."""
    is_cut_short: bool = False
    """Whether some request was not made, or its answer is incomplete."""

    @property
    def is_over(self) -> bool:
        """Return whether all logs were found."""
        if self.total is not None:
            return len(self.entries) >= self.total
        return not self.cut_levels and all(
            entry.level in LEVELS for entry in self.entries
        )

    def add_device(self, device_id: str, found: list[LogEntry]) -> None:
        """Merge the logs of a device, in their answer's order."""
        of_device = [each for each in self.entries if each.device_id == device_id]
        others = (each for each in self.entries if each.device_id != device_id)
        self.entries = [*others, *union(found, of_device)]


class SameTimeReader:
    """Reads a span by level, and by device."""

    def __init__(
        self,
        sizes: AnswerSize,
        device_ids: Callable[[], Collection[str]],
    ) -> None:
        """Prepare, without a request.

        Args:
            sizes: Judges whether answers are complete.
            device_ids: Returns the devices that may have logged.
        """
        self._sizes = sizes
        self._device_ids = device_ids

    async def read(self, time: SameTime, window: LogWindow) -> Moment:
        """Return all retrievable logs of a span.

        1. Request each level.
        2. Request each device, as long as logs may be missing. If one answer does not
           hold all of the device, request it by each incomplete level.
        3. Count the logs that are still missing, as one where their number is unknown.

        Args:
            time: The span.
            window: An answer with logs of it, and maybe others.

        Raises:
            GoliothError: As by `GoliothRest.logs`.
        """
        self._sizes.note(window)
        search = _Search(window.within(*time.shown), self._sizes.total(window))
        await self._request_by_level(time, search)
        await self._request_by_device(time, search)
        search.entries.sort(key=lambda entry: entry.timestamp_ns or 0)
        if window.is_unreadable:
            # At least one, because the answer was unreadable.
            missing = max(1, search.unreadable)
        elif search.total is None:
            # Their number is unknown.
            missing = int(search.is_cut_short)
        else:
            missing = await self._count_missing(time, search.total, search.entries)
        return Moment(search.entries, missing)

    async def _request_by_level(self, time: SameTime, search: _Search) -> None:
        for level in LEVELS:
            answer = await time.request(level=level)
            search.entries = union(search.entries, answer.within(*time.shown))
            if not self._holds_all(time, answer):
                search.cut_levels.append(level)

    async def _request_by_device(self, time: SameTime, search: _Search) -> None:
        """Request devices with several logs, then others.

        Only an answer for a device has its logs in their order. So devices with several
        logs are requested even if all logs were found.
        """
        numbers = Counter(each.device_id for each in search.entries if each.device_id)
        several = [device_id for device_id, number in numbers.items() if number > 1]
        others = {*numbers, *self._device_ids()}.difference(several)
        devices = [*several, *sorted(others)]
        for device_id in devices[:_MAX_DEVICES]:
            if device_id in others and search.is_over:
                break
            search.add_device(
                device_id, await self._request_device(time, device_id, search)
            )
        if len(devices) > _MAX_DEVICES and search.cut_levels:
            search.is_cut_short = True

    async def _request_device(
        self, time: SameTime, device_id: str, search: _Search
    ) -> list[LogEntry]:
        """Return the logs of a device, and note incomplete answers."""
        answer = await time.request(device_id=device_id)
        found = answer.within(*time.shown)
        if self._holds_all(time, answer):
            return found
        for level in search.cut_levels:
            answer = await time.request(device_id=device_id, level=level)
            found = union(found, answer.within(*time.shown))
            search.unreadable += answer.is_unreadable
            if not self._holds_all(time, answer):
                search.is_cut_short = True
        return found

    def _holds_all(self, time: SameTime, answer: LogWindow) -> bool:
        """Return whether an answer holds all logs of a span.

        Logs shown before the span are older than all of its logs.
        """
        return self._sizes.holds_all_since(answer, time.shown[0])

    async def _count_missing(
        self, time: SameTime, total: int, entries: list[LogEntry]
    ) -> int:
        """Return how many claimed logs were not found."""
        missing = total - len(entries)
        if missing > 0 and time.older is not None:
            # Logs of the nanosecond before were counted as well.
            older = await time.older()
            missing -= sum(
                (entry.timestamp_ns or 0) < time.start for entry in older.entries
            )
        return max(0, missing)


def union(some: list[LogEntry], others: list[LogEntry]) -> list[LogEntry]:
    """Return the union of two lists as multisets.

    It has each log as often as the list that has it most often. Logs of `others` alone
    come first, because an incomplete answer lacks the oldest logs.
    """
    # Not compared as texts, because a service may begin to cut times between two
    # answers.
    left = Counter(map(identify, some))
    older = []
    for entry in others:
        identity = identify(entry)
        if left[identity]:
            left[identity] -= 1
        else:
            older.append(entry)
    return [*older, *some]
