"""Tests of hostile names in Home Assistant's log."""

from collections.abc import AsyncIterator
import unicodedata

import pytest

from custom_components.golioth.const import DOMAIN
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component

from . import GREENHOUSE_NODE
from .events import LogEvents, wait_for_begin
from .simulator import GoliothSimulator

FORGED = "\n2026-11-30 ERROR (MainThread) [forged]\x1b[31m\u2028\u202e\u2066\u200b"
CLEAN = "2026-11-30 ERROR (MainThread) [forged] [31m"


@pytest.fixture
async def simulator(socket_enabled: None) -> AsyncIterator[GoliothSimulator]:
    """Run a service with hostile names.

    One device has a name without visible characters.
    """
    async with GoliothSimulator("demo", f"Allotment{FORGED}") as simulator:
        simulator.add_device(f"greenhouse{FORGED}", device_id=GREENHOUSE_NODE)
        simulator.add_device("\u200b\n", device_id="0123")
        yield simulator


@pytest.mark.usefixtures("impatient")
async def test_names_forge_no_line_of_the_log(
    hass: HomeAssistant,
    enable_custom_integrations: None,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    device_registry: dr.DeviceRegistry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Hostile names forge no line of the log.

    Each record is one line without control characters; names lose those.
    """
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": {
                "alias": "Any log",
                "triggers": {"trigger": "golioth.project_log_received"},
                "actions": {"stop": "Done"},
            }
        },
    )
    flow = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    await hass.config_entries.flow.async_configure(
        flow["flow_id"],
        {
            "project_id": simulator.project_id,
            "api_key": simulator.api_key,
            "advanced": {"api_url": simulator.url},
        },
    )
    await hass.async_block_till_done()
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    await simulator.wait_for_streams(1)
    await wait_for_begin(entry)
    assert entry.title == f"Allotment {CLEAN}"
    devices = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    assert sorted(device.name or "" for device in devices) == [
        "0123",
        f"Allotment {CLEAN}",
        f"greenhouse {CLEAN}",
    ]

    simulator.log("one", device=GREENHOUSE_NODE, level=f"odd{FORGED}")
    await log_events.wait_for(1)
    # A device that is not listed has only its ID as a name.
    simulator.remove_device("0123")
    stranger = simulator.add_device("stranger", device_id=f"new{FORGED}")
    simulator.log("two", device=stranger.id)
    await log_events.wait_for(2)
    assert log_events[0]["device_name"] == f"greenhouse {CLEAN}"
    assert log_events[0]["level"] == f"odd {CLEAN}"
    assert log_events[1]["device_name"] == f"new {CLEAN}"
    assert log_events[1]["golioth_device_id"] == f"new{FORGED}"
    simulator.faults.rest_status = simulator.faults.handshake_status = 503
    await simulator.drop()
    await simulator.wait_until(lambda: not entry.runtime_data.feed.connected)
    await hass.config_entries.async_unload(entry.entry_id)

    assert "Receiving the logs of Allotment" in caplog.text
    for record in caplog.records:
        # Tracebacks and lists of JSON may have more lines.
        if "forged" in (message := record.getMessage()):
            assert not {"Cc", "Cf", "Zl", "Zp"} & set(
                map(unicodedata.category, message)
            )
