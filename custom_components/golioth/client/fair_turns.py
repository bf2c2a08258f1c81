"""Shares a limited resource fairly between callers."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from .exceptions import GoliothBusyError, GoliothClosedError


class FairTurns:
    """Grants a limited number of turns, alternating between owners."""

    def __init__(
        self,
        *,
        max_waiting: int,
        max_waiting_each: int,
        max_taken: int = 1,
        max_taken_each: int = 1,
    ) -> None:
        """Set the limits.

        Args:
            max_waiting: How many callers may wait.
            max_waiting_each: How many of these may have the same owner.
            max_taken: How many turns may be taken at the same time.
            max_taken_each: How many of these may have the same owner.
        """
        self._max_waiting = max_waiting
        self._max_waiting_each = max_waiting_each
        self._max_taken = max_taken
        self._max_taken_each = max_taken_each
        self._is_closed = False
        # The number of turns by owner, without zeros.
        self._taken: Counter[Hashable] = Counter()
        # The owner of the last turn.
        self._last: Hashable = None
        # The waiting callers by owner, the next owner first.
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def take(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for a turn, and hold it during the block.

        Args:
            owner: Identifies the caller. After each turn, other waiting owners come
                first.

        Raises:
            GoliothBusyError: Too many callers wait.
            GoliothClosedError: Turns are no longer granted.
        """
        await self._wait(owner)
        try:
            yield
        finally:
            self._give_back(owner)

    def close(self) -> None:
        """Grant no more turns, and reject waiting callers."""
        self._is_closed = True
        for waiting in self._waiting.values():
            for future in waiting:
                if not future.done():
                    future.set_exception(GoliothClosedError(nothing_done=True))
        self._waiting.clear()

    async def _wait(self, owner: Hashable) -> None:
        if self._is_closed:
            raise GoliothClosedError(nothing_done=True)
        if self._has_turn_for(owner):
            self._give(owner)
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
                # The turn was granted just as the caller was cancelled.
                self._give_back(owner)
            raise

    def _has_turn_for(self, owner: Hashable) -> bool:
        return (
            self._taken.total() < self._max_taken
            and self._taken[owner] < self._max_taken_each
        )

    def _give(self, owner: Hashable) -> None:
        self._taken[owner] += 1
        self._last = owner

    def _forget(self, owner: Hashable, future: asyncio.Future[None]) -> None:
        waiting = self._waiting.get(owner, deque())
        if future in waiting:
            waiting.remove(future)
        if not waiting:
            self._waiting.pop(owner, None)

    def _give_back(self, owner: Hashable) -> None:
        """Return a turn, and grant free turns to waiting callers."""
        self._taken[owner] -= 1
        if not self._taken[owner]:
            del self._taken[owner]
        while ready := [each for each in self._waiting if self._has_turn_for(each)]:
            others = (each for each in ready if each != self._last)
            chosen = next(others, self._last)
            waiting = self._waiting.pop(chosen)
            future = waiting.popleft()
            if waiting:
                # Move the owner behind all others.
                self._waiting[chosen] = waiting
            if not future.done():
                self._give(chosen)
                future.set_result(None)
