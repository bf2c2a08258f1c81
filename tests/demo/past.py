"""A made-up day before the demo, for its graph."""

from datetime import UTC, datetime, timedelta
from typing import Final

from .api import HomeAssistantApi

HOURS: Final = 24

# Usual logs of each level per hour from a few devices, and the hourly variation.
_USUAL: Final = {
    "error_logs": (2, 3),
    "warn_logs": (9, 7),
    "info_logs": (60, 23),
    "debug_logs": (110, 41),
}


def counts(counter: str) -> list[int]:
    """Return the hourly counts of a counter, always the same."""
    usual, change = _USUAL[counter]
    return [usual + hour * 7 % (change + 1) for hour in range(HOURS)]


async def add_past(api: HomeAssistantApi, counters: dict[str, str]) -> None:
    """Add long-term statistics of the hours before this one.

    Args:
        api: The API of an administrator.
        counters: The entities by their translation keys.
    """
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for counter in _USUAL:
        hourly = counts(counter)
        # Home Assistant starts its sum at 0, so the past has to end there: otherwise
        # the first hour would be below zero.
        total = -sum(hourly)
        stats = []
        for hour, count in enumerate([0, *hourly], start=-HOURS - 1):
            total += count
            start = this_hour + timedelta(hours=hour)
            stats.append({"start": start.isoformat(), "state": total, "sum": total})
        await api.command(
            "recorder/import_statistics",
            metadata={
                "has_sum": True,
                "mean_type": 0,
                "name": None,
                "source": "recorder",
                "statistic_id": counters[counter],
                "unit_class": None,
                "unit_of_measurement": None,
            },
            stats=stats,
        )
