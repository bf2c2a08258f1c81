"""Bounds the time that is spent on logs that nobody can read."""

import asyncio
from typing import Final

from .timestamps import MILLISECOND, SECOND

# Seconds of each period in which they are found one by one. One takes some 80 requests.
_BUDGET: Final = 120.0
_PERIOD: Final = 600.0

# Seconds that each new log beside them is worth.
_WORTH: Final = 0.03

# Seconds above the budget after which twice as much is given up at once, and how often
# that is: up to 8 seconds.
_DOUBLING: Final = 20.0
_MAX_DOUBLINGS: Final = 13


class NarrowingBudget:
    """Says when to give up a part of time that has unreadable logs.

    Usually they are few, and are found one by one, so that nothing else is lost. Of a
    storm of them, that would keep all other logs waiting for hours. So once the budget
    is spent, what is beside them is given up as well: the longer it goes on, the more.
    """

    def __init__(self) -> None:
        """Start with the whole budget."""
        self._left = _BUDGET
        self._renewed = 0.0

    @property
    def left(self) -> float:
        """How many seconds may still be spent; less than 0 where too many were."""
        now = asyncio.get_running_loop().time()
        if now - self._renewed > _PERIOD:
            self._renewed = now
            self._left = _BUDGET
        return self._left

    @property
    def width(self) -> int:
        """How many nanoseconds are to be given up at once, at most."""
        if (left := self.left) > 0:
            return 0
        return int(MILLISECOND * 2 ** min(-left / _DOUBLING, _MAX_DOUBLINGS))

    def spend(self, seconds: float, width: int) -> None:
        """Note what an unreadable part has taken.

        Args:
            seconds: How long.
            width: The nanoseconds of the part. The budget is not for more than a second:
                an answer may just have been too long.
        """
        if width <= SECOND or self._left <= 0:
            self._left -= seconds

    def earn(self, logs: int) -> None:
        """Note new logs that were read."""
        self._left = min(_BUDGET, self._left + logs * _WORTH)
