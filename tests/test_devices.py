"""Tests of how devices come, and of what they logged before."""

from datetime import timedelta

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util

from .events import LogEvents, wait_for_state
from .simulator import GoliothSimulator

LAST_LOG = "sensor.door_sensor_last_log"
LAST_ERROR = "sensor.door_sensor_last_error"


def lists(simulator: GoliothSimulator) -> int:
    """Return how often the list of devices has been read."""
    return len([each for each in simulator.requests if each.path.endswith("/devices")])


async def let_pass(hass: HomeAssistant, seconds: float) -> None:
    """Let time pass for Home Assistant."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await hass.async_block_till_done(wait_background_tasks=False)


async def test_new_device_is_listed(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A new device appears within ten minutes, without a log."""
    simulator.add_device("door-sensor")
    before = lists(simulator)
    await let_pass(hass, 9 * 60)
    assert lists(simulator) == before
    await let_pass(hass, 10 * 60 + 1)
    await wait_for_state(hass, LAST_LOG, "unknown")
    assert lists(simulator) == before + 1


async def test_invented_devices_are_looked_up_once_a_minute(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    device_registry: dr.DeviceRegistry,
) -> None:
    """However many IDs a service invents, the list is read once a minute, and little is kept."""
    before = lists(simulator)
    for number in range(500):
        simulator.log("hello", device=f"invented-{number}")
    await log_events.wait_for(500)
    await simulator.wait_until(lambda: lists(simulator) == before + 1)
    for number in range(500):
        simulator.log("hello", device=f"invented-again-{number}")
    await log_events.wait_for(1000)
    await hass.async_block_till_done(wait_background_tasks=False)
    assert lists(simulator) == before + 1
    await let_pass(hass, 61)
    await simulator.wait_until(lambda: lists(simulator) == before + 2)
    assert len(device_registry.devices) == 3
    assert len(streaming.runtime_data._logs_to_show) <= 100


async def test_look_up_that_fails_is_made_up_for(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """A device whose look-up failed is looked up again when it logs."""
    device = simulator.add_device("door-sensor")
    before = lists(simulator)
    simulator.faults.rest_status = 503
    simulator.log("first", device=device)
    await simulator.wait_until(lambda: lists(simulator) == before + 1)
    await log_events.wait_for(1)
    simulator.faults.clear()
    simulator.log("second", device=device)
    await log_events.wait_for(2)
    await let_pass(hass, 61)
    await wait_for_state(hass, LAST_LOG, "second")


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_what_a_new_device_logged_is_shown(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """The entities of a new device start with its last log and its last error."""
    device = simulator.add_device("door-sensor")
    simulator.log("broken", device=device, level="ERROR")
    simulator.log("fine", device=device)
    await wait_for_state(hass, LAST_ERROR, "broken")
    await wait_for_state(hass, LAST_LOG, "fine")


async def test_renamed_entity_shows_its_last_log(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    entity_registry: er.EntityRegistry,
) -> None:
    """Renaming an entity does not bring an old log back."""
    device = simulator.add_device("door-sensor")
    simulator.log("first", device=device)
    await wait_for_state(hass, LAST_LOG, "first")
    simulator.log("second", device=device)
    await wait_for_state(hass, LAST_LOG, "second")
    entity_registry.async_update_entity(LAST_LOG, new_entity_id="sensor.renamed")
    await hass.async_block_till_done()
    await wait_for_state(hass, "sensor.renamed", "second")


async def test_device_with_the_id_of_the_project(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    device_registry: dr.DeviceRegistry,
) -> None:
    """IDs are the service's business: one that is there twice mixes nothing up."""
    device = simulator.add_device("door-sensor", device_id=simulator.project_id)
    simulator.log("opened", device=device)
    await wait_for_state(hass, LAST_LOG, "opened")
    assert hass.states.get("binary_sensor.demo_project_connection") is not None
    assert len(device_registry.devices) == 4
