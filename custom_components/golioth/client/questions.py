"""Asks for nanoseconds, however a service counts and shows them."""

from enum import Enum, auto
from typing import Final, Self

from .exceptions import GoliothUnreadableError
from .log_window import Ask, LogWindow, ask_if_readable

MICROSECOND: Final = 1_000
"""Nanoseconds of a microsecond: many clocks count no finer."""


class CountedBounds(Enum):
    """Which bounds of a question the service counts in, which is not published."""

    NEITHER = auto()
    """From 3 to 5 is the nanosecond 4."""
    ONE = auto()
    """From 3 to 5 is 3 and 4, or else 4 and 5: whichever, questions that begin where the
    one before ended have each nanosecond once."""
    BOTH = auto()
    """From 3 to 5 is 3, 4 and 5."""


class ShownTimes(Enum):
    """How the service shows the times of logs.

    It may cut them to microseconds or milliseconds. Which logs are of a span it decides
    by the times that it was sent nevertheless.
    """

    UNKNOWN = auto()
    """No log was shown."""
    EXACT = auto()
    """One has nanoseconds, so it cuts none."""
    MAYBE_CUT = auto()
    """None has nanoseconds: they are cut, or the clocks of devices count none."""

    @classmethod
    def of(cls, window: LogWindow) -> Self:
        """Return what an answer shows."""
        if not window.entries:
            return cls.UNKNOWN
        if any((entry.timestamp_ns or 0) % MICROSECOND for entry in window.entries):
            return cls.EXACT
        return cls.MAYBE_CUT


class Questions:
    """Asks once, and returns an answer even where nobody can read it."""

    def __init__(self, ask: Ask) -> None:
        """Prepare, without a request.

        Args:
            ask: Asks the service.
        """
        self._ask = ask
        # How times were shown in the answers of one reading.
        self._shown: set[ShownTimes] = set()

    def begin(self, window: LogWindow) -> None:
        """Begin a reading with an answer that is at hand."""
        self._shown.clear()
        self._note(window)

    @property
    def has_changed(self) -> bool:
        """Whether the service began or ceased to cut times in the reading.

        What was asked for by the nanosecond was not to be seen then, or is in no order.
        """
        return len(self._shown) > 1

    async def ask_if_readable(
        self,
        start: int,
        end: int,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Ask as the function does, and note how the answer shows times."""
        window = await ask_if_readable(
            self._ask, start, end, device_id=device_id, level=level
        )
        self._note(window)
        return window

    async def ask_exactly(
        self,
        start: int,
        end: int,
        bounds: CountedBounds,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Ask for each nanosecond of a time once, the end not included.

        Args:
            start: Where it starts; a nanosecond later where only the end is counted in.
            end: Where it ends; the same.
            bounds: Which bounds of a question the service counts in.
            device_id: The only device to ask for.
            level: The only level to ask for.
        """
        try:
            return await self._ask(
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
