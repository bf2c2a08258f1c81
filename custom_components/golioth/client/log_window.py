"""Requests the logs of a span, and holds the answer."""

from collections.abc import Awaitable
from typing import Final, NamedTuple, Protocol, Self

from .exceptions import GoliothUnreadableError
from .models import LogEntry

# Logs that an answer holds at most, unless the service reports less.
_LOGS_PER_ANSWER: Final = 100


class LogWindow(NamedTuple):
    """One answer of the service: a span's newest logs."""

    entries: list[LogEntry]
    """Oldest first."""
    total: int | None
    """How many logs the span has, if the service reports that."""
    limit: int | None
    """How many logs an answer has at most, if the service reports that."""
    untimed: list[LogEntry]
    """Those without a valid timestamp, in the reversed order of the answer."""
    bad: int
    """How many listed items are no logs at all."""
    body_size: int = 0
    """The bytes of the answer."""
    is_unreadable: bool = False
    """Whether the answer could not be read."""

    @classmethod
    def nothing(cls) -> Self:
        """Return an answer with a total of no logs."""
        return cls([], 0, None, [], 0)

    @classmethod
    def unreadable(cls) -> Self:
        """Return a placeholder for an unreadable answer."""
        return cls([], None, None, [], 0, is_unreadable=True)

    @property
    def size(self) -> int:
        """Return how many items the answer lists."""
        return len(self.entries) + len(self.untimed) + self.bad

    @property
    def is_full(self) -> bool:
        """Return whether it may be cut at the limit."""
        limit = min(self.limit or _LOGS_PER_ANSWER, _LOGS_PER_ANSWER)
        return self.size >= limit

    @property
    def is_complete(self) -> bool:
        """Return whether it claims and may hold all logs.

        A full answer may be cut, whatever its total.
        """
        return not self.is_full and self.size >= (self.total or 0)

    def reaches(self, start_ns: int) -> bool:
        """Return whether it has a log from before a time.

        Then it has all later logs, because an answer has the newest ones.
        """
        return (
            bool(self.entries) and (self.entries[0].timestamp_ns or start_ns) < start_ns
        )

    def within(self, start_ns: int, end_ns: int) -> list[LogEntry]:
        """Return the logs of a span, its end not included.

        A time that REST cut to milliseconds is still in its millisecond.
        """
        return [
            entry
            for entry in self.entries
            if entry.timestamp_ns is not None
            and start_ns <= entry.timestamp_ns < end_ns
        ]


class RequestLogs(Protocol):
    """Requests the logs of a span once, like `GoliothRest.logs`."""

    def __call__(
        self,
        start_ns: int,
        end_ns: int,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> Awaitable[LogWindow]:
        """Return the answer."""


async def request_before(
    request: RequestLogs,
    start_ns: int,
    end_ns: int,
    *,
    device_id: str | None = None,
    level: str | None = None,
) -> LogWindow:
    """Request the logs before an end, which is not included.

    The service may count the end in, and its logs are the newest: they would crowd out
    the others.
    """
    window = await request(start_ns, end_ns, device_id=device_id, level=level)
    if any((entry.timestamp_ns or 0) == end_ns for entry in window.entries):
        window = await request(start_ns, end_ns - 1, device_id=device_id, level=level)
    return window


async def request_if_readable(
    request: RequestLogs,
    start_ns: int,
    end_ns: int,
    *,
    device_id: str | None = None,
    level: str | None = None,
) -> LogWindow:
    """Request as `request_before` does, but return unreadable answers."""
    try:
        return await request_before(
            request, start_ns, end_ns, device_id=device_id, level=level
        )
    except GoliothUnreadableError:
        return LogWindow.unreadable()
