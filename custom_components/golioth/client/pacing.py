"""How long the client waits, and how it spreads requests and work."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from random import Random
from typing import Final

from .exceptions import GoliothConnectionError, GoliothError

# Seconds that work goes on before everything else gets its turn of the loop.
SLICE: Final = 0.005

# More failures do not lengthen a wait, and their power of two is no float one day.
_MAX_DOUBLINGS: Final = 10

# Answers in a row that a way in is missing, before it counts as retired.
_MISSING_ANSWERS: Final = 3


@dataclass(frozen=True, kw_only=True)
class FeedTiming:
    """How long the feed waits, in seconds.

    Attributes:
        heartbeat: Silence after which the other end of the stream is pinged.
        handshake_timeout: What opening the stream may take.
        settling_time: After this a stream that says nothing counts as connected. The
            service upgrades the connection first, and rejects it afterwards.
        lifetime_to_trust: After this a stream that delivered nothing resets the
            back-off.
        shortest_wait: Between two tries to stream, at least.
        longest_random_wait: Of chance on top, at most.
        longest_retry_after: What a service can impose on us, at most.
        request_interval: Between two REST requests, at least.
        margin: How far before the time that is settled REST may still show new logs:
            five minutes, by which a device's clock may be wrong or its log late, and
            one in which REST shows what it has received.
        audit_delay: From a connect to its first audit.
        audit_interval: Between audits.
        audit_grace: What the stream may be slower than REST by.
        rest_patience: How long live logs wait for a REST that fails.
        retired_after: How long the stream must have been missing to be taken for
            retired.
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
    """Spreads REST requests, whoever makes them."""

    def __init__(self, interval: float) -> None:
        """Take the seconds between two requests, at least."""
        self.interval = interval
        self._next_request = 0.0
        self._turn = asyncio.Lock()

    async def wait_for_turn(self) -> None:
        """Wait until the next request is due."""
        loop = asyncio.get_running_loop()
        # One after the other, whenever each wakes up.
        async with self._turn:
            if (wait := self._next_request - loop.time()) > 0:
                await asyncio.sleep(wait)
            self._next_request = loop.time() + self.interval


class BackOff:
    """Chooses how long to wait after a failure."""

    def __init__(self, timing: FeedTiming, random: Random) -> None:
        """Take the limits, and the source of chance."""
        self._timing = timing
        self._random = random

    def wait_after(self, failures: int, reason: GoliothError) -> float:
        """Return the seconds until the next try.

        Args:
            failures: How many tries have failed in a row before the last one.
            reason: Why the last one failed.
        """
        chance = min(
            self._timing.longest_random_wait, 2 ** min(failures, _MAX_DOUBLINGS)
        )
        # At least half of it: in an hour of outage no more than 150 tries are made.
        wait = self._timing.shortest_wait + self._random.uniform(chance / 2, chance)
        return max(wait, self.asked_for(reason))

    def asked_for(self, reason: GoliothError) -> float:
        """Return the seconds that the service asked us to wait, within reason."""
        if not isinstance(reason, GoliothConnectionError):
            return 0.0
        return min(reason.retry_after or 0.0, self._timing.longest_retry_after)


class Retirement:
    """Finds out whether a way in has been retired.

    The evidence is a number of answers in a row, over some time, that it is not there.
    """

    def __init__(self, timing: FeedTiming) -> None:
        """Start without evidence."""
        self._timing = timing
        self._answers = 0
        self._since = 0.0
        self._tries = 0

    def wait_after(self, is_missing: bool, now: float) -> float | None:
        """Record how a try has ended; return the seconds until the next if retired.

        Args:
            is_missing: Whether the answer was that the way in is not there.
            now: When the try was made, in seconds of the loop's clock.
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
    """Yield items, and yield to the event loop during long work."""
    loop = asyncio.get_running_loop()
    pause = loop.time() + SLICE
    for item in items:
        yield item
        if loop.time() >= pause:
            await asyncio.sleep(0)
            pause = loop.time() + SLICE
