"""Levels of logs, for entities, counters and options."""

from typing import Final

from ..client import LEVELS

OTHER_LEVEL: Final = "other"
"""Stands for a level that Golioth does not publish, or none."""

ALL_LEVELS: Final = (*LEVELS, OTHER_LEVEL)


def known_level(level: str) -> str:
    """Return a level, or `OTHER_LEVEL` for an unpublished one."""
    return level if level in LEVELS else OTHER_LEVEL


def levels_below(level: str) -> tuple[str, ...]:
    """Return the published levels below one of them.

    No other level is below any, because its severity is unknown.
    """
    return LEVELS[: LEVELS.index(level)]
