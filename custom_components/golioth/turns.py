"""Long work, in turns with everything else."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final

# How long one turn takes, in seconds.
SLICE: Final = 0.01


async def in_turns[T](items: Iterable[T]) -> AsyncIterator[T]:
    """Yield each item, and give everything else its turn whenever some time has been spent on them."""
    loop = asyncio.get_running_loop()
    pause = loop.time() + SLICE
    for item in items:
        yield item
        if loop.time() >= pause:
            await asyncio.sleep(0)
            pause = loop.time() + SLICE
