"""Wait for a condition on the simulator's state."""

import asyncio
from collections.abc import Callable


class Watch:
    """Wakes each waiter as soon as its condition is true."""

    def __init__(self) -> None:
        """Start without waiters."""
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def changed(self) -> None:
        """Check every condition again."""
        for condition, met in self._waiting:
            if not met.done() and condition():
                met.set_result(None)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds.

        It need not hold any longer when this returns.
        """
        if condition():
            return
        waiting = (condition, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            await waiting[1]
        finally:
            self._waiting.remove(waiting)
