"""Paces waits, requests and work."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from random import Random
from typing import Final

from .exceptions import GoliothConnectionError, GoliothError

# Seconds of work before yielding to the event loop.
SLICE: Final = 0.005

# More failures do not lengthen a wait, and their power of two would overflow a float.
_MAX_DOUBLINGS: Final = 10

# Answers in a row reporting that a way in is missing, before it counts as retired.
_MISSING_ANSWERS: Final = 3


@dataclass(frozen=True, kw_only=True)
class FeedTiming:
    """Durations of the feed, in seconds.

    Attributes:
        heartbeat: Silence after which the other end of the stream is pinged.
        handshake_timeout: The limit for opening the stream.
        settling_time: After this, a silent stream counts as connected. The service
            upgrades the connection first, and rejects it afterwards.
        lifetime_to_trust: After this, a stream that delivered nothing resets the
            back-off.
        shortest_wait: The minimum between two tries to stream.
        longest_random_wait: The maximum of the random part on top.
        longest_retry_after: The maximum wait that the service can impose.
        request_interval: The minimum between two REST requests.
        margin: How far before the present REST may still show new logs: five minutes,
            by which a device's clock may be wrong or its log late, and one in which
            REST shows what it has received.
        audit_delay: From a connect to its first audit.
        audit_interval: Between audits.
        audit_grace: How much slower than REST the stream may be.
        rest_patience: How long live logs wait for a failing REST.
        retired_after: How long the stream must have been missing to count as retired.
        retry_retired: Between tries to stream after that: the first, the second, and
            all later ones.
    """

    heartbeat: float = 20.0
    handshake_timeout: float = 15.0
    settling_time: float = 1.0
    lifetime_to_trust: float = 60.0
    shortest_wait: float = 1.0
    longest_random_wait: float = 35.0
    longest_retry_after: float = 600.0
    request_interval: float = 0.5
    margin: float = 360.0
    audit_delay: float = 30.0
    audit_interval: float = 300.0
    audit_grace: float = 10.0
    rest_patience: float = 10.0
    retired_after: float = 300.0
    retry_retired: tuple[float, ...] = (600.0, 3600.0, 14400.0)


class RequestPace:
    """Spreads REST requests of all callers."""

    def __init__(self, interval: float) -> None:
        """Set the minimum of seconds between two requests."""
        self.interval = interval
        self._next_request = 0.0
        self._turn = asyncio.Lock()

    async def wait_for_turn(self) -> None:
        """Wait until the next request is due."""
        loop = asyncio.get_running_loop()
        # Callers proceed one after the other, whenever each wakes up.
        async with self._turn:
            if (wait := self._next_request - loop.time()) > 0:
                await asyncio.sleep(wait)
            self._next_request = loop.time() + self.interval


class BackOff:
    """Chooses how long to wait after a failure."""

    def __init__(self, timing: FeedTiming, random: Random) -> None:
        """Set the limits and the source of randomness."""
        self._timing = timing
        self._random = random

    def wait_after(self, failures: int, reason: GoliothError) -> float:
        """Return the seconds until the next try.

        Args:
            failures: How many tries in a row failed before the last one.
            reason: Why the last one failed.
        """
        chance = min(
            self._timing.longest_random_wait, 2 ** min(failures, _MAX_DOUBLINGS)
        )
        # At least half of it, so that an hour of outage has at most 150 tries.
        wait = self._timing.shortest_wait + self._random.uniform(chance / 2, chance)
        return max(wait, self.requested_wait(reason))

    def requested_wait(self, reason: GoliothError) -> float:
        """Return the seconds that the service asked to wait.

        They are capped at `longest_retry_after`.
        """
        if not isinstance(reason, GoliothConnectionError):
            return 0.0
        return min(reason.retry_after or 0.0, self._timing.longest_retry_after)


class Retirement:
    """Detects that a way in has been retired.

    The evidence is a number of answers in a row, over some time, that it is missing.
    """

    def __init__(self, timing: FeedTiming) -> None:
        """Start without evidence."""
        self._timing = timing
        self._answers = 0
        self._since = 0.0
        self._tries = 0

    def wait_after(self, is_missing: bool, now: float) -> float | None:
        """Record the result of a try.

        Args:
            is_missing: Whether the answer was that the way in is missing.
            now: When the try was made, in seconds of the loop's clock.

        Returns:
            The seconds until the next try if retired, or else None.
        """
        if not is_missing:
            self._answers = self._tries = 0
            return None
        if not self._answers:
            self._since = now
        self._answers += 1
        if (
            self._answers < _MISSING_ANSWERS
            or now - self._since < self._timing.retired_after
        ):
            return None
        waits = self._timing.retry_retired
        self._tries += 1
        return waits[min(self._tries, len(waits)) - 1]


async def in_slices[T](items: Iterable[T]) -> AsyncIterator[T]:
    """Yield items, with regular yields to the event loop."""
    loop = asyncio.get_running_loop()
    pause = loop.time() + SLICE
    for item in items:
        yield item
        if loop.time() >= pause:
            await asyncio.sleep(0)
            pause = loop.time() + SLICE
