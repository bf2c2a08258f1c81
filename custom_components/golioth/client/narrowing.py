"""Limits the time spent on unreadable logs."""

import asyncio
from typing import Final

from .timestamps import MILLISECOND, SECOND

# Seconds of each period in which unreadable logs are found one by one. One takes some
# 80 requests.
_BUDGET: Final = 120.0
_PERIOD: Final = 600.0

# Seconds that each new log next to them is worth.
_WORTH: Final = 0.03

# Seconds above the budget that double the width to give up at once, and the maximum of
# such doublings, for a width of 8 seconds.
_DOUBLING: Final = 20.0
_MAX_DOUBLINGS: Final = 13


class NarrowingBudget:
    """Decides when to give up a part with unreadable logs.

    Usually there are few, and they are found one by one, so that no other log is lost.
    In a storm of them, all other logs would wait for hours. So once the budget is
    spent, their surroundings are given up as well: the longer it lasts, the more.
    """

    def __init__(self) -> None:
        """Start with the whole budget."""
        self._left = _BUDGET
        self._renewed = 0.0

    @property
    def left(self) -> float:
        """Return the seconds left; negative where overspent."""
        now = asyncio.get_running_loop().time()
        if now - self._renewed > _PERIOD:
            self._renewed = now
            self._left = _BUDGET
        return self._left

    @property
    def width(self) -> int:
        """Return the nanoseconds to give up at once, at most."""
        if (left := self.left) > 0:
            return 0
        return int(MILLISECOND * 2 ** min(-left / _DOUBLING, _MAX_DOUBLINGS))

    def spend(self, seconds: float, width: int) -> None:
        """Charge the time of an unreadable part.

        Args:
            seconds: The time spent.
            width: The nanoseconds of the part. Parts of more than a second are free
                within the budget: their answers may just have been too long.
        """
        if width <= SECOND or self._left <= 0:
            self._left -= seconds

    def earn(self, logs: int) -> None:
        """Credit new logs that were read."""
        self._left = min(_BUDGET, self._left + logs * _WORTH)
