"""Waiting for a condition on the simulator's state."""

import asyncio
from collections.abc import Callable


class Watch:
    """Wakes who waits for a condition, in the moment that it comes true."""

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def changed(self) -> None:
        """Look at every condition again."""
        for condition, met in self._waiting:
            if not met.done() and condition():
                met.set_result(None)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds, or has held for a moment since the call."""
        if condition():
            return
        waiting = (condition, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            await waiting[1]
        finally:
            self._waiting.remove(waiting)
