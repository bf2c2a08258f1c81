"""Holds what one answer has of a time range, and asks for it."""

from collections.abc import Awaitable
from typing import Final, NamedTuple, Protocol, Self

from .exceptions import GoliothUnreadableError
from .models import LogEntry

# Logs that an answer holds at most, unless the service says less.
_LOGS_PER_ANSWER: Final = 100


class LogWindow(NamedTuple):
    """What one answer holds of the logs of a span of time: the newest."""

    entries: list[LogEntry]
    """Oldest first."""
    total: int | None
    """How many logs the span has, if the service says so."""
    limit: int | None
    """How many logs an answer has at most, if the service says so."""
    untimed: list[LogEntry]
    """Those whose timestamp is no time, in the order of the answer, reversed."""
    bad: int
    """How many things are listed that are no logs at all."""
    body_size: int = 0
    """How many bytes the answer takes."""
    is_unreadable: bool = False
    """Whether there was an answer that nobody can read."""

    @classmethod
    def nothing(cls) -> Self:
        """Return an answer that has no logs, and says so."""
        return cls([], 0, None, [], 0)

    @classmethod
    def unreadable(cls) -> Self:
        """Return what stands for an answer that nobody can read."""
        return cls([], None, None, [], 0, is_unreadable=True)

    @property
    def size(self) -> int:
        """How many things the answer lists."""
        return len(self.entries) + len(self.untimed) + self.bad

    @property
    def is_full(self) -> bool:
        """Whether it may be cut, because an answer does not hold more."""
        limit = min(self.limit or _LOGS_PER_ANSWER, _LOGS_PER_ANSWER)
        return self.size >= limit

    @property
    def is_complete(self) -> bool:
        """Whether no log of the span is missing, by what the answer itself says.

        A full answer may be cut, whatever its total says.
        """
        return not self.is_full and self.size >= (self.total or 0)

    def reaches(self, start_ns: int) -> bool:
        """Return whether it has a log from before a time, and so all that are later.

        An answer has the newest logs.
        """
        return (
            bool(self.entries) and (self.entries[0].timestamp_ns or start_ns) < start_ns
        )

    def within(self, start_ns: int, end_ns: int) -> list[LogEntry]:
        """Return the logs from one time on to before another.

        A time that REST cut to milliseconds is still in its millisecond.
        """
        return [
            entry
            for entry in self.entries
            if entry.timestamp_ns is not None
            and start_ns <= entry.timestamp_ns < end_ns
        ]


class Ask(Protocol):
    """Asks once for the logs of a time range, as `GoliothRest.logs` does."""

    def __call__(
        self,
        start_ns: int,
        end_ns: int,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> Awaitable[LogWindow]:
        """Return what one answer holds."""


async def ask_before(
    ask: Ask,
    start_ns: int,
    end_ns: int,
    *,
    device_id: str | None = None,
    level: str | None = None,
) -> LogWindow:
    """Ask for the logs before an end, which the service may count in.

    The logs of the end itself are the newest, and crowd out the others.
    """
    window = await ask(start_ns, end_ns, device_id=device_id, level=level)
    if any((entry.timestamp_ns or 0) == end_ns for entry in window.entries):
        window = await ask(start_ns, end_ns - 1, device_id=device_id, level=level)
    return window


async def ask_if_readable(
    ask: Ask,
    start_ns: int,
    end_ns: int,
    *,
    device_id: str | None = None,
    level: str | None = None,
) -> LogWindow:
    """Ask as `ask_before` does; an unreadable answer is returned as one that says so."""
    try:
        return await ask_before(ask, start_ns, end_ns, device_id=device_id, level=level)
    except GoliothUnreadableError:
        return LogWindow.unreadable()
