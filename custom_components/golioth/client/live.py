"""Keeps a way in open: connects, backs off, retires it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
import logging
from typing import Final, NoReturn, Protocol

import orjson

from .error_report import log_unexpected
from .exceptions import (
    GoliothAuthenticationError,
    GoliothConnectionError,
    GoliothError,
    GoliothStreamMissingError,
)
from .models import LogEntry, StreamState
from .pacing import BackOff, FeedTiming, Retirement

_LOGGER = logging.getLogger(__name__)

# Live logs that wait while a gap is read, and their bytes.
_MAX_WAITING: Final = 10_000
_MAX_WAITING_SIZE: Final = 16 * 1024 * 1024


class Connection(Protocol):
    """An open way in."""

    @property
    def received_at(self) -> float:
        """Return when logs last came, by the loop's clock."""

    async def deliver(
        self, on_log: Callable[[LogEntry], None], on_ignored: Callable[[], None]
    ) -> NoReturn:
        """Call `on_log` with each log until the connection ends.

        The end always raises.

        Raises:
            GoliothAuthenticationError: The service rejects the credential.
            GoliothStreamMissingError: The service has no such way in.
            GoliothConnectionError: The connection has ended.
        """

    async def close(self) -> None:
        """End the connection and `deliver` within a time limit."""


class WayIn(Protocol):
    """A way over which the service delivers by itself."""

    def open(self) -> AbstractAsyncContextManager[Connection]:
        """Open a connection, and close it on exit.

        Raises:
            GoliothAuthenticationError: The service rejects the credential.
            GoliothStreamMissingError: The service has no such way in.
            GoliothConnectionError: It did not open.
        """


class LiveListener(Protocol):
    """Receives logs and reports from a way in."""

    def on_open(self, stream: OpenStream) -> None:
        """Handle that it is open, with an unread gap before."""

    def on_live_log(self, stream: OpenStream, entry: LogEntry) -> None:
        """Receive a log, in the loop's iteration of its frame."""

    def on_ignored(self) -> None:
        """Count a document that is no log."""

    def on_lasting(self, stream: OpenStream) -> None:
        """Handle that it has stayed open, even if silent."""

    async def on_close(self, stream: OpenStream) -> None:
        """Deliver waiting logs: only the stream may have them."""

    def on_failure(self, reason: GoliothError) -> None:
        """Handle that a try has ended, and why."""


class OpenStream:
    """An open stream, with what the feed knows of it.

    Attributes:
        since: When it was opened, by the elapsed clock.
        has_received: Whether it has delivered a log.
        is_audited: Whether it has been audited.
        waiting: Its logs while the gap before it is read; None once they need not wait.
    """

    def __init__(self, connection: Connection, since: float) -> None:
        """Take over an open connection."""
        self.since = since
        self.has_received = False
        self.is_audited = False
        self.waiting: deque[LogEntry] | None = deque()
        self._connection = connection
        self._waiting_size = 0

    @property
    def received_at(self) -> float:
        """Return when logs last came, by the loop's clock."""
        return self._connection.received_at

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

    def take_waiting(self) -> Iterator[LogEntry]:
        """Remove and yield the waiting logs.

        Several callers may do so at the same time.
        """
        while self.waiting:
            yield self.waiting.popleft()

    def add_waiting(self, entry: LogEntry) -> bool:
        """Let a log wait; return whether too many wait."""
        assert self.waiting is not None
        self.waiting.append(entry)
        self._waiting_size += len(orjson.dumps(entry[1:]))
        return (
            len(self.waiting) > _MAX_WAITING or self._waiting_size > _MAX_WAITING_SIZE
        )


class Live:
    """Keeps one way in open.

    Attributes:
        stream: The open stream; None while there is none.
        first_try_ended: Set once the first try has succeeded or failed.
    """

    def __init__(
        self,
        way: WayIn,
        listener: LiveListener,
        *,
        timing: FeedTiming,
        back_off: BackOff,
        elapsed: Callable[[], float],
        is_accepted: Callable[[], Awaitable[bool]],
    ) -> None:
        """Prepare, without a connection.

        Args:
            way: The way in.
            listener: Receives its logs and reports.
            timing: How long to wait.
            back_off: Chooses how long to wait after a failure.
            elapsed: The clock that goes on while the host sleeps, in seconds.
            is_accepted: Returns whether REST accepts the credential, because a front
                end may reject requests that it no longer serves; raises
                GoliothAuthenticationError where it does not.
        """
        self.stream: OpenStream | None = None
        self.first_try_ended = asyncio.Event()
        self._way = way
        self._listener = listener
        self._timing = timing
        self._back_off = back_off
        self._elapsed = elapsed
        self._is_accepted = is_accepted
        self._is_retired = False

    @property
    def state(self) -> StreamState:
        """Return its state."""
        if self.stream is not None:
            return StreamState.OPEN
        return StreamState.RETIRED if self._is_retired else StreamState.CLOSED

    async def run(self) -> None:
        """Keep it open until cancelled.

        Raises:
            GoliothAuthenticationError: The service rejects the credential.
        """
        loop = asyncio.get_running_loop()
        retirement = Retirement(self._timing)
        failures = 0
        while True:
            tried_at = loop.time()
            is_missing = False
            reason: GoliothError
            try:
                await self._run_once()
            except GoliothAuthenticationError as err:
                is_missing, reason = await self._is_accepted(), err
            except GoliothStreamMissingError as err:
                is_missing, reason = True, err
            except GoliothError as err:
                reason = err
            except Exception as err:  # noqa: BLE001
                # Even an unexpected error must not leave the user without logs.
                log_unexpected(_LOGGER, "Unexpected error in the log stream", err)
                reason = GoliothConnectionError("Unexpected error")
            self.first_try_ended.set()
            if (stream := self.stream) is not None:
                if (
                    stream.has_received
                    or self._elapsed() - stream.since >= self._timing.lifetime_to_trust
                ):
                    failures = 0
                # It is still set, because the listener looks at what it delivered.
                await self._listener.on_close(stream)
                self.stream = None
            wait = retirement.wait_after(is_missing, tried_at)
            self._is_retired = wait is not None
            if wait is None:
                wait = self._back_off.wait_after(failures, reason)
            self._listener.on_failure(reason)
            _LOGGER.debug("No log stream (%s): next try in %.1f s", reason, wait)
            failures += 1
            await asyncio.sleep(wait)

    async def reopen(self) -> None:
        """Close the open stream, if any, so that another opens."""
        if self.stream is not None:
            await self.stream.close()

    async def _run_once(self) -> None:
        """Receive until the connection ends, which always raises."""
        listener = self._listener
        async with self._way.open() as connection:
            self.stream = stream = OpenStream(connection, self._elapsed())
            self.first_try_ended.set()
            listener.on_open(stream)
            settling = asyncio.get_running_loop().call_later(
                self._timing.settling_time, listener.on_lasting, stream
            )
            try:
                await connection.deliver(
                    partial(listener.on_live_log, stream), listener.on_ignored
                )
            finally:
                settling.cancel()
