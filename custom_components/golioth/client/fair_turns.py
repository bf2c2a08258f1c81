"""Gives turns, so that nobody waits for all that somebody else asks for."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from .exceptions import GoliothBusyError, GoliothClosedError


class FairTurns:
    """Gives turns one after the other, and to those who wait alternately."""

    def __init__(self, *, max_waiting: int, max_waiting_each: int) -> None:
        """Start without anybody.

        Args:
            max_waiting: How many turns may be waited for.
            max_waiting_each: How many of these may be of one who asks.
        """
        self._max_waiting = max_waiting
        self._max_waiting_each = max_waiting_each
        self._is_closed = False
        self._is_taken = False
        # Who has the turn, or had it last.
        self._owner: Hashable = None
        # By who waits, the next one first.
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def take(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for a turn, and have it for as long as the block takes.

        Args:
            owner: Who asks. Others who wait come first after each turn of theirs.

        Raises:
            GoliothBusyError: Too many turns are waited for.
            GoliothClosedError: There are none any more.
        """
        await self._wait(owner)
        try:
            yield
        finally:
            self._pass_on()

    def close(self) -> None:
        """Give no more turns; who waits is told at once."""
        self._is_closed = True
        for waiting in self._waiting.values():
            for future in waiting:
                if not future.done():
                    future.set_exception(GoliothClosedError(nothing_done=True))
        self._waiting.clear()

    async def _wait(self, owner: Hashable) -> None:
        if self._is_closed:
            raise GoliothClosedError(nothing_done=True)
        if not self._is_taken:
            self._is_taken = True
            self._owner = owner
            return
        if (
            sum(map(len, self._waiting.values())) >= self._max_waiting
            or len(self._waiting.get(owner, ())) >= self._max_waiting_each
        ):
            raise GoliothBusyError("Too many reads of the history wait")
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.cancelled():
                self._forget(owner, future)
            elif future.exception() is None:
                # It was given the turn in the moment in which it went.
                self._pass_on()
            raise

    def _forget(self, owner: Hashable, future: asyncio.Future[None]) -> None:
        waiting = self._waiting.get(owner, deque())
        if future in waiting:
            waiting.remove(future)
        if not waiting:
            self._waiting.pop(owner, None)

    def _pass_on(self) -> None:
        """Give the turn to the next one, or to nobody."""
        while self._waiting:
            others = (owner for owner in self._waiting if owner != self._owner)
            owner = next(others, self._owner)
            waiting = self._waiting.pop(owner)
            future = waiting.popleft()
            if waiting:
                # Behind all others.
                self._waiting[owner] = waiting
            if not future.done():
                self._owner = owner
                future.set_result(None)
                return
        self._is_taken = False
