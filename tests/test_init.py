"""Tests of set-up, unload, and reload of a project."""

import asyncio
from datetime import timedelta
import json
from pathlib import Path

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from syrupy.assertion import SnapshotAssertion

from custom_components import golioth
from custom_components.golioth.const import DOMAIN
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util

from .events import LogEvents, wait_for_state
from .simulator import GoliothSimulator

ICONS = Path(golioth.__file__).parent / "icons.json"

CONNECTION = "binary_sensor.demo_project_connection"


async def test_unload_closes_the_stream(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """Unloading closes the stream and leaves no task."""
    assert await hass.config_entries.async_unload(streaming.entry_id)
    await simulator.wait_for_streams(0)
    assert streaming.state is ConfigEntryState.NOT_LOADED
    assert not [
        task
        for task in asyncio.all_tasks()
        if DOMAIN in task.get_name() and not task.done()
    ]


async def test_reload_opens_one_stream(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """A reloaded entry receives each log once."""
    for _ in range(3):
        assert await hass.config_entries.async_reload(streaming.entry_id)
        await simulator.wait_for_streams(1)
    simulator.log("after")
    await log_events.wait_for(1)
    await hass.async_block_till_done()
    assert log_events.messages == ["after"]
    assert simulator.streams == 1


async def test_feed_starts_with_home_assistant(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """The feed starts only when automations are armed."""
    hass.set_state(CoreState.starting)
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await hass.async_block_till_done()
    assert config_entry.state is ConfigEntryState.LOADED
    assert not simulator.handshakes

    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await simulator.wait_for_streams(1)


async def test_unload_before_home_assistant_has_started(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """An entry unloaded before the start does not start."""
    hass.set_state(CoreState.starting)
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    assert await hass.config_entries.async_unload(config_entry.entry_id)
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()
    assert not simulator.handshakes


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_setup_is_tried_again(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    status: int,
) -> None:
    """Set-up is tried again after a temporary error."""
    simulator.faults.rest_status = status
    assert not await hass.config_entries.async_setup(config_entry.entry_id)
    assert config_entry.state is ConfigEntryState.SETUP_RETRY
    assert config_entry.reason is not None
    assert f"(HTTP status {status})" in config_entry.reason


async def test_setup_of_a_project_that_is_gone(
    hass: HomeAssistant, config_entry: MockConfigEntry
) -> None:
    """Set-up of an unknown project is tried again.

    The reason is shown.
    """
    hass.config_entries.async_update_entry(
        config_entry, data={**config_entry.data, "project_id": "gone"}
    )
    assert not await hass.config_entries.async_setup(config_entry.entry_id)
    assert config_entry.state is ConfigEntryState.SETUP_RETRY
    assert config_entry.reason is not None
    assert config_entry.reason.startswith("Golioth does not know this project")


async def test_setup_with_a_rejected_key(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A key rejected at set-up starts reauthentication."""
    simulator.revoke()
    assert not await hass.config_entries.async_setup(config_entry.entry_id)
    assert config_entry.state is ConfigEntryState.SETUP_ERROR
    assert config_entry.reason is not None
    assert config_entry.reason.startswith("Golioth does not accept the API key")
    (flow,) = config_entry.async_get_active_flows(hass, {SOURCE_REAUTH})
    assert flow["step_id"] == "reauth_confirm"


async def test_setup_with_an_address_in_the_clear(
    hass: HomeAssistant, config_entry: MockConfigEntry
) -> None:
    """Nothing is sent to an address that is not allowed."""
    hass.config_entries.async_update_entry(
        config_entry, data={**config_entry.data, "api_url": "http://example.com"}
    )
    assert not await hass.config_entries.async_setup(config_entry.entry_id)
    assert config_entry.state is ConfigEntryState.SETUP_ERROR
    assert config_entry.reason is not None
    assert config_entry.reason.startswith("The API address of this project cannot be")


async def test_key_that_is_revoked_while_streaming(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A revoked key ends the traffic and starts reauthentication."""
    await wait_for_state(hass, CONNECTION, "on")
    simulator.revoke()
    await simulator.drop()
    await wait_for_state(hass, CONNECTION, "off")
    while not (flows := list(streaming.async_get_active_flows(hass, {SOURCE_REAUTH}))):
        await hass.async_block_till_done(wait_background_tasks=True)
    assert len(flows) == 1
    handshakes = len(simulator.handshakes)

    simulator.restore(api_key="bmV3LWtleQ==")
    result = await hass.config_entries.flow.async_configure(
        flows[0]["flow_id"], {"api_key": "bmV3LWtleQ=="}
    )
    assert result["reason"] == "reauth_successful"
    await simulator.wait_for_streams(1)
    assert len(simulator.handshakes) == handshakes + 1


async def test_rejected_key_is_not_tried_again(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A rejected key is not used again.

    This includes the list of devices.
    """
    await wait_for_state(hass, CONNECTION, "on")
    simulator.revoke()
    await simulator.drop()
    await wait_for_state(hass, CONNECTION, "off")
    await hass.async_block_till_done(wait_background_tasks=True)
    requests, handshakes = len(simulator.requests), len(simulator.handshakes)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=5))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(simulator.requests) == requests
    assert len(simulator.handshakes) == handshakes


async def test_two_projects(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """Two projects may have devices with the same ID."""
    async with GoliothSimulator("second", "Second project") as second:
        second.add_device("twin", device_id=next(iter(simulator.devices)))
        entry = MockConfigEntry(
            domain=DOMAIN,
            title="Second project",
            unique_id="second",
            data={
                "project_id": "second",
                "api_key": second.api_key,
                "api_url": second.url,
            },
        )
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await second.wait_for_streams(1)
        simulator.log("first", device=next(iter(simulator.devices)))
        await log_events.wait_for(1)
        second.log("second", device=next(iter(second.devices)))
        await log_events.wait_for(2)
        assert [data["config_entry_id"] for data in log_events] == [
            streaming.entry_id,
            entry.entry_id,
        ]
        assert log_events[0]["device_id"] != log_events[1]["device_id"]
        assert (state := hass.states.get("sensor.greenhouse_node_last_log"))
        assert state.state == "first"
        assert (state := hass.states.get("sensor.twin_last_log"))
        assert state.state == "second"
        assert await hass.config_entries.async_unload(entry.entry_id)
        await second.wait_for_streams(0)


async def test_devices_and_entities(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    """Devices and entities are registered as in the snapshot."""
    devices = dr.async_entries_for_config_entry(device_registry, streaming.entry_id)
    assert sorted(devices, key=lambda device: device.name or "") == snapshot(
        name="devices"
    )
    entities = er.async_entries_for_config_entry(entity_registry, streaming.entry_id)
    assert sorted(entities, key=lambda entity: entity.entity_id) == snapshot(
        name="entities"
    )


async def test_icon_of_each_entity(
    streaming: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    """Each entity has its own icon or a device class."""
    icons = json.loads(ICONS.read_text("utf-8"))["entity"]
    entities = er.async_entries_for_config_entry(entity_registry, streaming.entry_id)
    assert entities
    for entity in entities:
        has_icon = entity.translation_key in icons.get(entity.domain, {})
        assert has_icon or entity.original_device_class, entity.entity_id
