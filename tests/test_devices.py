"""Tests of new and removed devices, and their past logs."""

from datetime import timedelta

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.golioth import devices
from custom_components.golioth.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from . import GREENHOUSE_NODE, WATER_METER
from .events import LogEvents, state_of, wait_for_state
from .simulator import GoliothSimulator

LAST_LOG = "sensor.door_sensor_last_log"
LAST_ERROR = "sensor.door_sensor_last_error"


def lists(simulator: GoliothSimulator) -> int:
    """Return how often the list of devices has been read."""
    return len([each for each in simulator.requests if each.path.endswith("/devices")])


def find(
    device_registry: dr.DeviceRegistry, entry: MockConfigEntry, golioth_device_id: str
) -> dr.DeviceEntry | None:
    """Return a device of the registry, None without one."""
    return device_registry.async_get_device_by_identifier(
        (DOMAIN, golioth_device_id), entry.entry_id
    )


async def refresh(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Read the list of devices, and update the entities."""
    await entry.runtime_data.async_refresh()
    await hass.async_block_till_done(wait_background_tasks=False)


def largest_collection(of: object) -> int:
    """Return the size of the largest collection of an object."""
    return max(
        len(value)
        for value in vars(of).values()
        if isinstance(value, (dict, list, set, frozenset))
    )


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
    """Unknown devices cause one read of the list per minute.

    Few of their logs are kept, however many IDs a service invents.
    """
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


async def test_invented_devices_fill_nothing(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Invented device IDs leave nothing behind.

    Each of 20,000 logs with an ID of its own fires.
    """
    entities = len(entity_registry.entities)
    for number in range(20_000):
        simulator.log("hello", device=f"invented-{number}", level="ERROR")
    await log_events.wait_for(20_000)
    project = device_registry.async_get_device_by_identifier(
        (DOMAIN, streaming.entry_id), streaming.entry_id
    )
    assert project is not None
    assert {data["device_id"] for data in log_events} == {project.id}
    assert len(device_registry.devices) == 3
    assert not device_registry._deleted_devices
    assert len(entity_registry.entities) == entities
    assert largest_collection(streaming.runtime_data) <= 100
    assert largest_collection(streaming.runtime_data._registered) == 2


async def test_list_that_changes_wholly(
    hass: HomeAssistant,
    monkeypatch: pytest.MonkeyPatch,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Ever new devices in the list are limited.

    Deleted devices count as well.
    """
    monkeypatch.setattr(devices, "MAX_DEVICES", 252)
    real = dict(simulator.devices)
    for number in range(10):
        simulator.devices.clear()
        for each in range(100):
            simulator.add_device(f"invented-{number}-{each}")
        await refresh(hass, streaming)
    assert len(device_registry.devices) + len(device_registry._deleted_devices) == 253
    # Only the project's own device.
    assert len(device_registry.devices) == 1
    per_device = 6
    assert (
        len(entity_registry.entities) + len(entity_registry.deleted_entities)
        <= 252 * per_device + 20
    )
    assert len(hass.states.async_entity_ids("event")) == 0
    coordinator = streaming.runtime_data
    assert coordinator.data == {}
    assert largest_collection(coordinator) <= 100
    assert largest_collection(coordinator._registered) == 252
    assert caplog.text.count("more than 252 different devices") == 1

    simulator.devices.clear()
    simulator.devices.update(real)
    await refresh(hass, streaming)
    simulator.log("still there", device=GREENHOUSE_NODE)
    await wait_for_state(hass, "sensor.greenhouse_node_last_log", "still there")


async def test_removed_device(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    device_registry: dr.DeviceRegistry,
) -> None:
    """A device is removed when two lists lack it."""
    device = find(device_registry, streaming, GREENHOUSE_NODE)
    project = find(device_registry, streaming, streaming.entry_id)
    assert device is not None
    assert project is not None
    removed = simulator.devices.pop(GREENHOUSE_NODE)
    await refresh(hass, streaming)
    assert find(device_registry, streaming, GREENHOUSE_NODE) == device
    simulator.log("still known", device=GREENHOUSE_NODE)
    await wait_for_state(hass, "sensor.greenhouse_node_last_log", "still known")

    await refresh(hass, streaming)
    assert find(device_registry, streaming, GREENHOUSE_NODE) is None
    assert not [
        entity_id
        for entity_id in hass.states.async_entity_ids()
        if "greenhouse" in entity_id
    ]
    simulator.log("gone", device=GREENHOUSE_NODE)
    await log_events.wait_for(2)
    assert [data["device_id"] for data in log_events] == [device.id, project.id]

    simulator.devices[GREENHOUSE_NODE] = removed
    await refresh(hass, streaming)
    simulator.log("back", device=GREENHOUSE_NODE)
    await wait_for_state(hass, "sensor.greenhouse_node_last_log", "back")
    assert state_of(hass, "event.greenhouse_node_log").attributes["message"] == "back"


@pytest.mark.parametrize("fault", ["incomplete", "failed", "back"])
async def test_device_that_stays(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    device_registry: dr.DeviceRegistry,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    """Only complete lists in a row count against a device."""
    removed = simulator.devices.pop(GREENHOUSE_NODE)
    await refresh(hass, streaming)
    if fault == "incomplete":
        simulator.faults.device_total = 2
    elif fault == "failed":
        simulator.faults.rest_status = 503
    else:
        simulator.devices[GREENHOUSE_NODE] = removed
    for _ in range(3):
        await refresh(hass, streaming)
    simulator.faults.clear()
    if fault == "back":
        del simulator.devices[GREENHOUSE_NODE]
        await refresh(hass, streaming)
    simulator.log("still known", device=GREENHOUSE_NODE)
    await wait_for_state(hass, "sensor.greenhouse_node_last_log", "still known")
    assert "already exists" not in caplog.text

    await refresh(hass, streaming)
    assert find(device_registry, streaming, GREENHOUSE_NODE) is None


async def test_device_removed_while_unloaded(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    device_registry: dr.DeviceRegistry,
) -> None:
    """A device missing at start goes with the second list.

    The first list is that after the restart.
    """
    assert await hass.config_entries.async_unload(streaming.entry_id)
    del simulator.devices[GREENHOUSE_NODE]
    assert await hass.config_entries.async_setup(streaming.entry_id)
    await hass.async_block_till_done(wait_background_tasks=False)
    assert find(device_registry, streaming, GREENHOUSE_NODE) is not None
    await refresh(hass, streaming)
    assert find(device_registry, streaming, GREENHOUSE_NODE) is None


async def test_delete_by_hand(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    device_registry: dr.DeviceRegistry,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Users can delete a device that Golioth does not list.

    It gets its name and entities again when it comes back.
    """
    assert await async_setup_component(hass, "config", {})
    client = await hass_ws_client(hass)

    async def delete(golioth_device_id: str) -> bool:
        device = find(device_registry, streaming, golioth_device_id)
        assert device is not None
        answer = await client.remove_device(device.id)
        assert answer["success"] is (
            find(device_registry, streaming, golioth_device_id) is None
        )
        if not answer["success"]:
            assert "rejected by integration" in answer["error"]["message"]
        return bool(answer["success"])

    assert not await delete(GREENHOUSE_NODE)
    assert not await delete(streaming.entry_id)
    simulator.log("still there", device=GREENHOUSE_NODE)
    await wait_for_state(hass, "sensor.greenhouse_node_last_log", "still there")

    device = find(device_registry, streaming, GREENHOUSE_NODE)
    assert device is not None
    device_registry.async_update_device(device.id, name_by_user="Orangery")
    removed = simulator.devices.pop(GREENHOUSE_NODE)
    await refresh(hass, streaming)
    assert await delete(GREENHOUSE_NODE)
    await hass.async_block_till_done(wait_background_tasks=False)
    assert hass.states.get("event.greenhouse_node_log") is None
    assert streaming.runtime_data.data.keys() == {WATER_METER}

    simulator.devices[GREENHOUSE_NODE] = removed
    await refresh(hass, streaming)
    device = find(device_registry, streaming, GREENHOUSE_NODE)
    assert device is not None
    assert device.name_by_user == "Orangery"
    simulator.log("back", device=GREENHOUSE_NODE)
    await wait_for_state(hass, "sensor.greenhouse_node_last_log", "back")
    assert state_of(hass, "event.greenhouse_node_log").attributes["message"] == "back"
    # It is listed again.
    assert not await delete(GREENHOUSE_NODE)

    assert await hass.config_entries.async_unload(streaming.entry_id)
    del simulator.devices[GREENHOUSE_NODE]
    assert not await delete(GREENHOUSE_NODE)


async def test_new_device_has_all_entities(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """A new device gets its entities without a reload.

    The sensor shows its first log, the event entity the next one.
    """
    device = simulator.add_device("door-sensor")
    simulator.log("first", device=device)
    await wait_for_state(hass, LAST_LOG, "first")
    assert state_of(hass, "event.door_sensor_log").state == "unknown"
    simulator.log("second", device=device)
    await log_events.wait_for(2)
    assert state_of(hass, "event.door_sensor_log").attributes["message"] == "second"


async def test_unknown_device_is_looked_up_once(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """An unknown device is looked up only once.

    The next regular list is early enough.
    """
    before = lists(simulator)
    simulator.log("first", device="unknown")
    await simulator.wait_until(lambda: lists(simulator) == before + 1)
    look_up = streaming.runtime_data._look_up
    assert look_up is not None
    await look_up
    await let_pass(hass, 61)
    simulator.log("second", device="unknown")
    await log_events.wait_for(2)
    await hass.async_block_till_done(wait_background_tasks=False)
    assert lists(simulator) == before + 1


async def test_look_up_that_fails_is_made_up_for(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """A device is looked up again after a failure.

    That happens when it logs.
    """
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
async def test_new_device_shows_its_logs(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A new device shows its last log and last error."""
    device = simulator.add_device("door-sensor")
    simulator.log("broken", device=device, level="ERROR")
    simulator.log("fine", device=device)
    await wait_for_state(hass, LAST_ERROR, "broken")
    await wait_for_state(hass, LAST_LOG, "fine")
    await wait_for_state(hass, "sensor.door_sensor_errors", "1")


async def test_renamed_entity_shows_its_last_log(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    entity_registry: er.EntityRegistry,
) -> None:
    """A renamed entity still shows the newest log."""
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
    """A device may have the project's ID.

    IDs are the service's business.
    """
    device = simulator.add_device("door-sensor", device_id=simulator.project_id)
    simulator.log("opened", device=device)
    await wait_for_state(hass, LAST_LOG, "opened")
    assert hass.states.get("binary_sensor.demo_project_connection") is not None
    assert len(device_registry.devices) == 4
