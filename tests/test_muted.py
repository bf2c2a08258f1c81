"""Tests that devices disabled in Home Assistant are muted."""

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.golioth.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from . import GREENHOUSE_NODE, WATER_METER
from .events import (
    LogEvents,
    capture_runs,
    state_of,
    wait_for_begin,
    wait_for_live_logs,
    wait_for_state,
    wait_until,
)
from .registry import Disable, registry_id
from .simulator import GoliothSimulator
from .test_devices import let_pass
from .test_services import messages as returned
from .triggers.test_log_received import automate

LAST_LOG = "sensor.greenhouse_node_last_log"
LOG = "event.greenhouse_node_log"

pytestmark = pytest.mark.usefixtures("impatient")


async def cut_off(entry: MockConfigEntry, simulator: GoliothSimulator) -> None:
    """Close the stream, and let no log arrive."""
    simulator.faults.handshake_status = simulator.faults.rest_status = 503
    await simulator.drop(None)
    await wait_until(lambda: not entry.runtime_data.feed.connected)


@pytest.fixture
def runs(hass: HomeAssistant) -> LogEvents:
    """Return the runs of the automations."""
    return capture_runs(hass)


async def test_muted(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    greenhouse: str,
    disable: Disable,
    runs: LogEvents,
) -> None:
    """A muted device's log fires no event or automation.

    It counts only as received.
    """
    await automate(
        hass,
        {"trigger": "golioth.log_received", "target": {"device_id": greenhouse}},
        {"trigger": "golioth.project_log_received"},
    )
    disable()
    await hass.async_block_till_done(wait_background_tasks=False)
    delivered = streaming.runtime_data.feed.delivered
    fired = sum(streaming.runtime_data.fired.values())
    simulator.log("noise", device=GREENHOUSE_NODE, level="ERROR")
    simulator.log("signal", device=WATER_METER)
    await log_events.wait_for(1)
    await hass.async_block_till_done(wait_background_tasks=False)
    assert log_events.messages == ["signal"]
    assert [(run["automation"], run["message"]) for run in runs] == [(1, "signal")]
    assert hass.states.get(LOG) is None
    assert hass.states.get(LAST_LOG) is None
    assert streaming.runtime_data.feed.delivered == delivered + 2
    assert sum(streaming.runtime_data.fired.values()) == fired + 1


async def test_enabled_again(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    greenhouse: str,
    disable: Disable,
    runs: LogEvents,
) -> None:
    """An enabled device's events are back at once.

    Its entities follow when Home Assistant has reloaded the project.
    """
    await automate(
        hass, {"trigger": "golioth.log_received", "target": {"device_id": greenhouse}}
    )
    disable()
    simulator.log("noise", device=GREENHOUSE_NODE)
    simulator.log("signal", device=WATER_METER)
    await log_events.wait_for(1)
    disable(False)
    simulator.log("at once", device=GREENHOUSE_NODE)
    await log_events.wait_for(2)
    await hass.async_block_till_done(wait_background_tasks=False)
    assert log_events.messages == ["signal", "at once"]
    assert runs.messages == ["at once"]
    await let_pass(hass, 31)
    await simulator.wait_for_streams(1)
    simulator.log("shown", device=GREENHOUSE_NODE)
    await wait_for_state(hass, LAST_LOG, "shown")
    assert state_of(hass, LOG).attributes["message"] == "shown"
    assert log_events.messages[1:] == ["at once", "shown"]


@pytest.mark.parametrize("is_reloaded", [False, True])
async def test_late(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    disable: Disable,
    is_reloaded: bool,
) -> None:
    """Logs from a muted time fire nothing later either."""
    await cut_off(streaming, simulator)
    disable()
    simulator.log("noise", device=GREENHOUSE_NODE)
    simulator.log("signal", device=WATER_METER)
    disable(False)
    simulator.log("heard", device=GREENHOUSE_NODE)
    if is_reloaded:
        assert await hass.config_entries.async_unload(streaming.entry_id)
        simulator.faults.clear()
        assert await hass.config_entries.async_setup(streaming.entry_id)
    else:
        simulator.faults.clear()
    await log_events.wait_for(2)
    await wait_for_live_logs(streaming)
    simulator.log("live", device=GREENHOUSE_NODE)
    await log_events.wait_for(3)
    assert sorted(log_events.messages) == ["heard", "live", "signal"]
    assert {log["source"] for log in log_events[:2]} == {"catch_up"}


async def test_enabled_while_not_loaded(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    disable: Disable,
) -> None:
    """Logs before enabling stay muted while not loaded."""
    disable()
    assert await hass.config_entries.async_unload(streaming.entry_id)
    simulator.log("noise", device=GREENHOUSE_NODE)
    disable(False)
    simulator.log("heard", device=GREENHOUSE_NODE)
    assert await hass.config_entries.async_setup(streaming.entry_id)
    await log_events.wait_for(1)
    await wait_for_live_logs(streaming)
    simulator.log("live", device=GREENHOUSE_NODE)
    await log_events.wait_for(2)
    assert log_events.messages == ["heard", "live"]


async def test_muted_from_the_start(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    disable: Disable,
) -> None:
    """Logs of a disabled device are not caught up."""
    disable()
    assert await hass.config_entries.async_unload(streaming.entry_id)
    simulator.log("noise", device=GREENHOUSE_NODE)
    simulator.log("signal", device=WATER_METER)
    assert await hass.config_entries.async_setup(streaming.entry_id)
    await log_events.wait_for(1)
    simulator.log("more noise", device=GREENHOUSE_NODE)
    simulator.log("more", device=WATER_METER)
    await log_events.wait_for(2)
    assert log_events.messages == ["signal", "more"]


async def test_device_that_comes_back_disabled(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    device_registry: dr.DeviceRegistry,
    disable: Disable,
) -> None:
    """A device that comes back is still disabled."""
    disable()
    device = simulator.devices.pop(GREENHOUSE_NODE)
    await streaming.runtime_data.async_refresh()
    await streaming.runtime_data.async_refresh()
    simulator.devices[GREENHOUSE_NODE] = device
    await streaming.runtime_data.async_refresh()
    found = device_registry.async_get_device_by_identifier(
        (DOMAIN, GREENHOUSE_NODE), streaming.entry_id
    )
    assert found is not None
    assert found.disabled
    simulator.log("noise", device=GREENHOUSE_NODE)
    simulator.log("signal", device=WATER_METER)
    await log_events.wait_for(1)
    assert log_events.messages == ["signal"]


async def test_disabled_project_device(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    device_registry: dr.DeviceRegistry,
) -> None:
    """The project's own device mutes no other device.

    This includes unlisted devices, which it represents meanwhile.
    """
    project = registry_id(device_registry, streaming, streaming.entry_id)
    device_registry.async_update_device(
        project, disabled_by=dr.DeviceEntryDisabler.USER
    )
    simulator.log("listed", device=GREENHOUSE_NODE)
    simulator.log("new", device="invented")
    await log_events.wait_for(2)
    assert log_events.messages == ["listed", "new"]


async def test_first_set_up(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    device_registry: dr.DeviceRegistry,
) -> None:
    """A device disabled before the set-up shows no past log."""
    device_registry.async_get_or_create(
        config_entry_id=config_entry.entry_id,
        identifiers={(DOMAIN, GREENHOUSE_NODE)},
        disabled_by=dr.DeviceEntryDisabler.USER,
    )
    simulator.log("noise", device=GREENHOUSE_NODE)
    simulator.log("signal", device=WATER_METER)
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await wait_for_begin(config_entry)
    await wait_for_state(hass, "sensor.water_meter_last_log", "signal")
    assert not config_entry.runtime_data._logs_to_show
    assert hass.states.get(LAST_LOG) is None
    simulator.log("more noise", device=GREENHOUSE_NODE)
    simulator.log("more", device=WATER_METER)
    await wait_until(lambda: len(log_events) == 1)
    assert log_events.messages == ["more"]


async def test_action_leaves_out_muted_device(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    greenhouse: str,
    project: str,
    disable: Disable,
) -> None:
    """Muted logs are returned only where their device is named.

    They do not count against the limit.
    """
    for number in range(250):
        simulator.log(f"noise {number}", device=GREENHOUSE_NODE)
        if number % 100 == 0:
            simulator.log(f"signal {number}", device=WATER_METER)
    signals = ["signal 0", "signal 100", "signal 200"]
    disable()
    assert await returned(hass, limit=2) == signals[1:]
    assert await returned(hass, limit=3) == signals
    assert await returned(hass, config_entry_id=streaming.entry_id) == signals
    assert await returned(hass, device_id=project) == signals
    named = await returned(hass, device_id=greenhouse, limit=2)
    assert named == ["noise 248", "noise 249"]
