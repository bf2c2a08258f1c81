"""The logs of a project as one unending feed: the policy over the connections."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
import logging
import random
from typing import Final

import aiohttp

from .endpoint import Endpoint
from .exceptions import GoliothAuthenticationError, GoliothConnectionError, GoliothError
from .models import LogEntry
from .rest import GoliothRest
from .websocket import open_log_stream

_LOGGER = logging.getLogger(__name__)

# How long logs are delivered at a stretch, in seconds, before everything else gets its turn.
_SLICE: Final = 0.01


class LogSource(StrEnum):
    """How a log came to us."""

    STREAM = "stream"
    POLL = "poll"
    CATCH_UP = "catch_up"


@dataclass(frozen=True, kw_only=True)
class FeedTiming:
    """How long the feed waits, in seconds.

    Attributes:
        heartbeat: Silence after which the other end is pinged.
        settling_time: After this a stream that says nothing counts as connected. The service upgrades the connection
            first, and rejects it afterwards.
        lifetime_to_trust: After this a stream that delivered nothing resets the back-off.
        shortest_wait: Between two tries, at least.
        longest_random_wait: Of chance on top, at most.
        longest_retry_after: What a service can impose on us, at most.
    """

    heartbeat: float = 20.0
    settling_time: float = 1.0
    lifetime_to_trust: float = 60.0
    shortest_wait: float = 1.0
    longest_random_wait: float = 29.0
    longest_retry_after: float = 600.0


class LogFeed:
    """Delivers the logs of a project for as long as it runs.

    Attributes:
        connected: Whether logs arrive at present.
        delivered: Logs delivered so far.
        ignored: Documents of the stream so far that were no logs.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        endpoint: Endpoint,
        rest: GoliothRest,
        *,
        on_log: Callable[[LogEntry, LogSource], None],
        on_connection_change: Callable[[GoliothError | None], None],
        timing: FeedTiming,
    ) -> None:
        """Prepare, without a connection.

        Args:
            session: Its connections are used; it stays open.
            endpoint: The project.
            rest: The REST API of the same project.
            on_log: Called for each log, in the loop turn of its frame.
            on_connection_change: Called after `connected` has changed, and after the first try if that failed; with the reason when
                there is no connection.
            timing: How long it waits.
        """
        self.connected = False
        self.delivered = 0
        self.ignored = 0
        self._session = session
        self._endpoint = endpoint
        self._rest = rest
        self._on_log = on_log
        self._on_connection_change = on_connection_change
        self._timing = timing

    async def run(self) -> None:
        """Deliver logs until cancelled.

        Raises:
            GoliothAuthenticationError: Golioth rejects the credential, over WebSocket and over REST.
        """
        loop = asyncio.get_running_loop()
        failures = 0
        told = False
        while True:
            opened, delivered = loop.time(), self.delivered
            reason: GoliothError
            try:
                await self._stream()
            except GoliothAuthenticationError as err:
                reason = await self._confirm_rejection(err)
            except GoliothError as err:
                reason = err
            except Exception:
                # Not to be expected, and no reason to leave the user without logs.
                _LOGGER.exception("Unexpected error in the log feed")
                reason = GoliothConnectionError("Unexpected error")
            if self.connected or not told:
                self.connected, told = False, True
                self._on_connection_change(reason)
            if isinstance(reason, GoliothAuthenticationError):
                raise reason
            if (
                self.delivered > delivered
                or loop.time() - opened >= self._timing.lifetime_to_trust
            ):
                failures = 0
            wait = self._wait_after(failures, reason)
            _LOGGER.debug("No log stream (%s): next try in %.1f s", reason, wait)
            failures += 1
            await asyncio.sleep(wait)

    async def _stream(self) -> None:
        """Deliver the logs of one connection until it ends, which always raises."""
        loop = asyncio.get_running_loop()
        async with open_log_stream(
            self._session, self._endpoint, heartbeat=self._timing.heartbeat
        ) as stream:
            settling = loop.call_later(self._timing.settling_time, self._connect)
            try:
                pause = loop.time() + _SLICE
                while True:
                    for entry in await stream.receive():
                        if entry is None:
                            self.ignored += 1
                        else:
                            self._connect()
                            self._deliver(entry, LogSource.STREAM)
                        # Frames that wait already are received without a turn of the loop: a burst would hold it.
                        if loop.time() >= pause:
                            await asyncio.sleep(0)
                            pause = loop.time() + _SLICE
            finally:
                settling.cancel()

    def _connect(self) -> None:
        """Take the stream for connected, if it is not yet."""
        if not self.connected:
            self.connected = True
            self._on_connection_change(None)

    def _deliver(self, entry: LogEntry, source: LogSource) -> None:
        self.delivered += 1
        try:
            self._on_log(entry, source)
        except Exception:
            # One log that nobody can digest must not keep the next ones away.
            _LOGGER.exception("Unexpected error while a log was delivered")

    async def _confirm_rejection(
        self, rejection: GoliothAuthenticationError
    ) -> GoliothError:
        """Ask REST whether the credential is really rejected: a front end may reject what it no longer serves."""
        try:
            await self._rest.project()
        except GoliothError as err:
            return err
        return GoliothConnectionError(f"{rejection}, but the REST API takes it")

    def _wait_after(self, failures: int, reason: GoliothError) -> float:
        """Return the seconds until the next try."""
        # More failures than that do not lengthen the wait, and their power of two is no float one day.
        longest = min(self._timing.longest_random_wait, 2 ** min(failures, 10))
        wait = self._timing.shortest_wait + random.uniform(0, longest)  # noqa: S311
        asked_for = (
            reason.retry_after if isinstance(reason, GoliothConnectionError) else None
        )
        return max(wait, min(asked_for or 0.0, self._timing.longest_retry_after))
