"""Makes a gap that is longer than the catch-up window."""

from datetime import UTC, datetime, timedelta

from tests import GREENHOUSE_NODE
from tests.demo.api import HomeAssistantApi
from tests.simulator import GoliothSimulator

# To be set as `faults.date_offset` of a service before its project is set up.
TIME_AGO = timedelta(hours=2.5)


async def make_gap(api: HomeAssistantApi, simulator: GoliothSimulator) -> None:
    """Have a project whose last log was two and a half hours ago, and miss one since.

    The gap is noticed once the project is reloaded.
    """
    events = await api.subscribe("golioth_log")
    simulator.log("Pump on", device=GREENHOUSE_NODE, timestamp=_ago(TIME_AGO))
    await anext(events)
    # From here on, that was the last log for two and a half hours.
    simulator.faults.clear()
    simulator.mute()
    simulator.log(
        "Pump hot", device=GREENHOUSE_NODE, timestamp=_ago(timedelta(hours=2))
    )


def _ago(time: timedelta) -> str:
    """Return a time in the past, as Golioth writes it."""
    return (datetime.now(UTC) - time).isoformat().replace("+00:00", "Z")
