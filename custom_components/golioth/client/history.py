"""The logs that were, for who asks for them: the newest of a span of time, read from REST."""

import asyncio
from contextlib import aclosing
import math
from typing import Final, NamedTuple

from .exceptions import GoliothConnectionError
from .models import LogEntry
from .reader import MILLISECOND, LogReader, TooManyRequestsError
from .rest import GoliothRest, LogWindow

# Eleven answers hold a thousand logs of one level, and some 35 tell many logs of one moment apart. A service that lies would
# take any number.
_MAX_REQUESTS: Final = 80


class LogFilter(NamedTuple):
    """Which logs are wanted: all of them, where nothing is said."""

    device_id: str | None = None
    """Golioth's ID of the device."""
    levels: tuple[str, ...] = ()
    """Some of `LEVELS`."""
    module: str | None = None
    term: str | None = None
    """A text to search for: where, and how, is up to the service."""


class FoundLogs(NamedTuple):
    """The newest logs of a span of time."""

    entries: list[LogEntry]
    """Oldest first."""
    truncated: bool
    """Whether the span has more."""
    has_gaps: bool
    """Whether what it has more may lie between these, and not only before: the service does not give it."""


class LogHistory:
    """Reads the logs that were, of one project.

    Attributes:
        turn: To be held while reading: one after the other, so that many who ask take no more requests a second than one.
    """

    def __init__(
        self, rest: GoliothRest, *, request_interval: float, longest_retry_after: float
    ) -> None:
        """Prepare, without a request.

        Args:
            rest: The project.
            request_interval: Seconds between two requests, at least.
            longest_retry_after: Seconds that the service can impose on us, at most.
        """
        self.turn = asyncio.Lock()
        self._longest_retry_after = longest_retry_after
        # On the loop's clock.
        self._not_before = 0.0
        self._questions = _Questions(rest)
        self._reader = LogReader(
            self._questions,
            # Nothing is left out because it is known.
            count_known=lambda _start, _end: -1,
            # Devices that have not logged need no question.
            device_ids=lambda: (),
            on_answer=lambda: None,
            request_interval=request_interval,
        )

    async def read(
        self, start_ns: int, end_ns: int | None, limit: int, wanted: LogFilter
    ) -> FoundLogs:
        """Return the newest logs of a span.

        Args:
            start_ns: In nanoseconds since 1970: a whole millisecond, because the service may cut the times of logs to these.
            end_ns: A whole millisecond, not included; without it, until now.
            limit: How many logs there may be.
            wanted: Which logs.

        Raises:
            GoliothError: As by `GoliothRest.logs`, or the service has asked to wait before.
        """
        loop = asyncio.get_running_loop()
        if (wait := self._not_before - loop.time()) > 0:
            raise GoliothConnectionError(
                f"Golioth asks to wait another {math.ceil(wait)} s", retry_after=wait
            )
        try:
            return await self._read(start_ns, end_ns, limit, wanted)
        except GoliothConnectionError as err:
            asked_for = min(err.retry_after or 0.0, self._longest_retry_after)
            self._not_before = loop.time() + asked_for
            raise

    async def _read(
        self, start_ns: int, end_ns: int | None, limit: int, wanted: LogFilter
    ) -> FoundLogs:
        questions = self._questions
        questions.wanted = wanted
        questions.left = _MAX_REQUESTS
        entries: list[LogEntry] = []
        truncated = has_gaps = False
        # The service takes one level, or all.
        for level in wanted.levels or (None,):
            questions.level = level
            found = await self._read_level(start_ns, end_ns, limit)
            entries += found.entries
            truncated |= found.truncated
            has_gaps |= found.has_gaps
        # Of the levels that come last there may be nothing, then.
        has_gaps |= truncated and not questions.left and len(wanted.levels) > 1
        entries.sort(key=lambda entry: entry.timestamp_ns or 0)
        return FoundLogs(entries[-limit:], truncated or len(entries) > limit, has_gaps)

    async def _read_level(
        self, start_ns: int, end_ns: int | None, limit: int
    ) -> FoundLogs:
        """Return the newest logs of a span, and a few more where these were at hand."""
        entries: list[LogEntry] = []
        truncated = has_gaps = False
        try:
            async with aclosing(
                self._reader.read_backward(start_ns, end_ns, limit)
            ) as slices:
                async for part in slices:
                    entries = part.entries + entries
                    if part.missing:
                        truncated = True
                        # Others lack what is older than their logs.
                        has_gaps |= part.end_ns - part.start_ns <= MILLISECOND
                    if len(entries) > limit:
                        break
        except TooManyRequestsError:
            truncated = True
        return FoundLogs(entries, truncated, has_gaps)


class _Questions:
    """Asks for the wanted logs alone.

    Attributes:
        wanted: Which logs are wanted.
        level: Their level, if it is one.
        left: How many requests may still be made.
    """

    def __init__(self, rest: GoliothRest) -> None:
        """Prepare, without a request."""
        self.wanted = LogFilter()
        self.level: str | None = None
        self.left = 0
        self._rest = rest

    async def logs(
        self,
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Return what one answer holds of the wanted logs of a span.

        Raises:
            TooManyRequestsError: No request is left.
        """
        wanted = self.wanted
        if level and self.level and level != self.level:
            # No log has two levels.
            return LogWindow([], 0, None)
        if not self.left:
            raise TooManyRequestsError
        self.left -= 1
        return await self._rest.logs(
            start_ns,
            end_ns,
            device_id=device_id or wanted.device_id,
            level=level or self.level,
            module=wanted.module,
            term=wanted.term,
        )
