"""Reads logs that no time tells apart: by level, and by device."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple, Protocol, Self

from .answer_size import AnswerSize
from .delivered import identify
from .log_window import LogWindow
from .models import LEVELS, LogEntry
from .questions import CountedBounds, Questions

# Devices that are asked for one by one, for what they logged at one moment: at two
# requests a second it takes a minute.
_MAX_DEVICES: Final = 100


class Moment(NamedTuple):
    """What was found of a short time."""

    entries: list[LogEntry]
    """Oldest first."""
    missing: int
    """Logs that the service has, and that no question makes it give."""


class AskForSome(Protocol):
    """Asks for some logs of a time that is settled."""

    def __call__(
        self, *, device_id: str | None = None, level: str | None = None
    ) -> Awaitable[LogWindow]:
        """Return what one answer holds."""


class SameTime(NamedTuple):
    """A time that is not divided any more: how to ask for it, how it is shown."""

    start: int
    """Where it starts, in nanoseconds since 1970."""
    shown: tuple[int, int]
    """From when to before when its logs are by the times that the service shows."""
    ask: AskForSome
    older: Callable[[], Awaitable[LogWindow]] | None
    """Asks for what `ask` is about as well, a nanosecond before the time; None where it
    is about nothing else."""

    @classmethod
    def roughly(cls, questions: Questions, start: int, end: int) -> Self:
        """Return a time that is asked for with the nanosecond before it.

        Args:
            questions: Asks for it.
            start: Where it starts, by the times that are shown as well.
            end: Where it ends, not included; the same.
        """
        return cls(
            start,
            (start, end),
            partial(questions.ask_if_readable, start - 1, end),
            partial(questions.ask_if_readable, start - 2, start),
        )

    @classmethod
    def exactly(
        cls,
        questions: Questions,
        start: int,
        end: int,
        shown: tuple[int, int],
        bounds: CountedBounds,
    ) -> Self:
        """Return a time that is asked for by itself, once it is known how.

        Args:
            questions: Asks for it.
            start: As `Questions.ask_exactly` takes it.
            end: The same.
            shown: Where its logs are shown.
            bounds: Which bounds of a question the service counts in.
        """
        return cls(
            start,
            shown,
            partial(questions.ask_exactly, start, end, bounds),
            None,
        )


@dataclass
class _Search:
    """What was found so far of a time."""

    entries: list[LogEntry]
    total: int | None
    """How many logs there are, if that can be believed."""
    cut_levels: list[str] = field(default_factory=list)
    """Levels of which one answer does not hold all."""
    unreadable: int = 0
    """Answers for a device and a level that nobody can read: each has such a log."""
    is_cut_short: bool = False
    """Whether some question was not asked, or its answer does not hold all."""

    @property
    def is_over(self) -> bool:
        """Whether all logs were found."""
        if self.total is not None:
            return len(self.entries) >= self.total
        return not self.cut_levels and all(
            entry.level in LEVELS for entry in self.entries
        )

    def add_device(self, device_id: str, found: list[LogEntry]) -> None:
        """Take what an answer has of a device, in its order, before what others have."""
        of_device = [each for each in self.entries if each.device_id == device_id]
        others = (each for each in self.entries if each.device_id != device_id)
        self.entries = [*others, *union(found, of_device)]


class SameTimeReader:
    """Reads by level, and by device."""

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
        """Return all logs of a time that can be had.

        1. Each level is asked for.
        2. Each device is, as long as logs may be missing; and for each level of which
           not all was given, where one answer does not hold all of the device.
        3. What is still missing is counted, or it is said that something is.

        Args:
            time: The time.
            window: What one answer held of it, maybe with others.

        Raises:
            GoliothError: As by `GoliothRest.logs`.
        """
        self._sizes.hear(window)
        search = _Search(window.within(*time.shown), self._sizes.total(window))
        await self._ask_by_level(time, search)
        await self._ask_by_device(time, search)
        search.entries.sort(key=lambda entry: entry.timestamp_ns or 0)
        if window.is_unreadable:
            # One at least, or nobody would have found it unreadable.
            missing = max(1, search.unreadable)
        elif search.total is None:
            # How many cannot be told.
            missing = int(search.is_cut_short)
        else:
            missing = await self._count_missing(time, search.total, search.entries)
        return Moment(search.entries, missing)

    async def _ask_by_level(self, time: SameTime, search: _Search) -> None:
        for level in LEVELS:
            answer = await time.ask(level=level)
            search.entries = union(search.entries, answer.within(*time.shown))
            if not self._holds_all(time, answer):
                search.cut_levels.append(level)

    async def _ask_by_device(self, time: SameTime, search: _Search) -> None:
        """Ask for the devices that logged several times, then for others.

        Only an answer for a device has its logs in their order. So those with several
        are asked for even if all logs were found.
        """
        numbers = Counter(each.device_id for each in search.entries if each.device_id)
        several = [device_id for device_id, number in numbers.items() if number > 1]
        others = {*numbers, *self._device_ids()}.difference(several)
        devices = [*several, *sorted(others)]
        for device_id in devices[:_MAX_DEVICES]:
            if device_id in others and search.is_over:
                break
            search.add_device(
                device_id, await self._ask_device(time, device_id, search)
            )
        if len(devices) > _MAX_DEVICES and search.cut_levels:
            search.is_cut_short = True

    async def _ask_device(
        self, time: SameTime, device_id: str, search: _Search
    ) -> list[LogEntry]:
        """Return the logs of a device, and note what it does not give of them."""
        answer = await time.ask(device_id=device_id)
        found = answer.within(*time.shown)
        if self._holds_all(time, answer):
            return found
        for level in search.cut_levels:
            answer = await time.ask(device_id=device_id, level=level)
            found = union(found, answer.within(*time.shown))
            search.unreadable += answer.is_unreadable
            if not self._holds_all(time, answer):
                search.is_cut_short = True
        return found

    def _holds_all(self, time: SameTime, answer: LogWindow) -> bool:
        """Return whether an answer about a time lacks none of its logs.

        What is shown before any of these is older than all of them.
        """
        return self._sizes.holds_all_since(answer, time.shown[0])

    async def _count_missing(
        self, time: SameTime, total: int, entries: list[LogEntry]
    ) -> int:
        """Return how many logs were claimed, and not found."""
        missing = total - len(entries)
        if missing > 0 and time.older is not None:
            # What the service counted of the nanosecond before is not missing.
            older = await time.older()
            missing -= sum(
                (entry.timestamp_ns or 0) < time.start for entry in older.entries
            )
        return max(0, missing)


def union(some: list[LogEntry], others: list[LogEntry]) -> list[LogEntry]:
    """Return each log as often as the list that has it most often.

    What only the others have comes first: an answer that lacks some lacks the oldest.
    """
    # Not by their text, because a service may begin to cut times between two answers.
    left = Counter(map(identify, some))
    older = []
    for entry in others:
        identity = identify(entry)
        if left[identity]:
            left[identity] -= 1
        else:
            older.append(entry)
    return [*older, *some]
