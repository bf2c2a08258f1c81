"""Make a gap longer than the catch-up window."""

from datetime import UTC, datetime, timedelta

from tests import GREENHOUSE_NODE
from tests.demo.api import HomeAssistantApi
from tests.simulator import GoliothSimulator

# Set this as `faults.date_offset` before the project is set up.
TIME_AGO = timedelta(hours=2.5)


async def make_gap(api: HomeAssistantApi, simulator: GoliothSimulator) -> None:
    """Log once 2.5 hours ago, then miss a log.

    The gap is noticed once the project is reloaded.
    """
    events = await api.subscribe("golioth_log")
    simulator.log("Pump on", device=GREENHOUSE_NODE, timestamp=_ago(TIME_AGO))
    await anext(events)
    # From here on, the service's clock shows the last log as 2.5 hours old.
    simulator.faults.clear()
    simulator.mute()
    simulator.log(
        "Pump hot", device=GREENHOUSE_NODE, timestamp=_ago(timedelta(hours=2))
    )


def _ago(time: timedelta) -> str:
    """Return a past time in Golioth's format."""
    return (datetime.now(UTC) - time).isoformat().replace("+00:00", "Z")
