"""Requests nanoseconds, however the service treats them."""

from enum import Enum, auto
from typing import Final, Self

from .exceptions import GoliothUnreadableError
from .log_window import LogWindow, RequestLogs, request_if_readable

MICROSECOND: Final = 1_000
"""Nanoseconds of a microsecond: many clocks count no finer."""


class CountedBounds(Enum):
    """The bounds of a request that the service counts in.

    This is not published.
    """

    NEITHER = auto()
    """From 3 to 5 is the nanosecond 4."""
    ONE = auto()
    """From 3 to 5 is 3 and 4, or else 4 and 5: either way, requests that begin where
    the previous one ended have each nanosecond once."""
    BOTH = auto()
    """From 3 to 5 is 3, 4 and 5."""


class ShownTimes(Enum):
    """How the service shows the times of logs.

    It may cut them to microseconds or milliseconds. It still selects the logs of a span
    by their uncut times.
    """

    UNKNOWN = auto()
    """No log was shown."""
    EXACT = auto()
    """One has nanoseconds, so none is cut."""
    MAYBE_CUT = auto()
    """None has nanoseconds: they are cut, or the devices' clocks have none."""

    @classmethod
    def of(cls, window: LogWindow) -> Self:
        """Return how an answer shows times."""
        if not window.entries:
            return cls.UNKNOWN
        if any((entry.timestamp_ns or 0) % MICROSECOND for entry in window.entries):
            return cls.EXACT
        return cls.MAYBE_CUT


class SpanRequests:
    """Sends requests, returning even unreadable answers."""

    def __init__(self, request: RequestLogs) -> None:
        """Prepare, without a request.

        Args:
            request: Sends a request to the service.
        """
        self._request = request
        # How the answers of one reading showed times.
        self._shown: set[ShownTimes] = set()

    def begin(self, window: LogWindow) -> None:
        """Begin a reading with an answer that is at hand."""
        self._shown.clear()
        self._note(window)

    @property
    def has_changed(self) -> bool:
        """Return whether the service changed how it shows times.

        Nanoseconds that were requested may not have been shown then, or are out of
        order.
        """
        return len(self._shown) > 1

    async def request_if_readable(
        self,
        start: int,
        end: int,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Request, and note how the answer shows times.

        See the function of the same name.
        """
        window = await request_if_readable(
            self._request, start, end, device_id=device_id, level=level
        )
        self._note(window)
        return window

    async def request_exactly(
        self,
        start: int,
        end: int,
        bounds: CountedBounds,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Request a span exactly, the end not included.

        Consecutive spans have each nanosecond once.

        Args:
            start: Where it starts; a nanosecond later where only the end is counted in.
            end: Where it ends; the same.
            bounds: The bounds of a request that the service counts in.
            device_id: The only device to request.
            level: The only level to request.
        """
        try:
            return await self._request(
                start - (bounds is CountedBounds.NEITHER),
                end - (bounds is CountedBounds.BOTH),
                device_id=device_id,
                level=level,
            )
        except GoliothUnreadableError:
            return LogWindow.unreadable()

    def _note(self, window: LogWindow) -> None:
        if window.entries:
            self._shown.add(ShownTimes.of(window))
