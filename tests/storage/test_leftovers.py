"""Tests that removed projects and devices leave nothing behind."""

import json
from pathlib import Path

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.golioth.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, restore_state
from homeassistant.setup import async_setup_component

from .. import GREENHOUSE_NODE, WATER_METER
from ..events import wait_for_begin, wait_for_state
from ..sessions import EACH_LOG, Runs, add_project, session
from ..simulator import GoliothSimulator

LAST_LOG = "sensor.greenhouse_node_last_log"
LAST_LOG_OF_WATER_METER = "sensor.water_meter_last_log"


def stored_states(hass: HomeAssistant) -> str:
    """Return everything that a restart would restore, as JSON."""
    stored = restore_state.async_get(hass).async_get_stored_states()
    return json.dumps(
        [
            [each.state.as_dict(), each.extra_data and each.extra_data.as_dict()]
            for each in stored
        ],
        default=str,
    )


async def show_secrets(hass: HomeAssistant, simulator: GoliothSimulator) -> None:
    """Send a log of each device, and wait for both."""
    for device in (GREENHOUSE_NODE, WATER_METER):
        simulator.log(
            f"boiling over {device}",
            device=device,
            level="ERROR",
            module="kettle",
            metadata={"brew": "stout"},
        )
    await wait_for_state(hass, LAST_LOG, f"boiling over {GREENHOUSE_NODE}")
    await wait_for_state(hass, LAST_LOG_OF_WATER_METER, f"boiling over {WATER_METER}")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("restarts", [False, True])
async def test_states_of_a_project(
    tmp_path: Path, simulator: GoliothSimulator, runs: Runs, restarts: bool
) -> None:
    """Removing a project deletes its logs from the storage.

    That happens at once, also for entities that were disabled.
    """
    stored = tmp_path / ".storage" / restore_state.STORAGE_KEY

    async def remove(hass: HomeAssistant) -> None:
        (entry,) = hass.config_entries.async_entries(DOMAIN)
        er.async_get(hass).async_update_entity(
            LAST_LOG, disabled_by=er.RegistryEntryDisabler.USER
        )
        await hass.async_block_till_done()
        assert await hass.config_entries.async_unload(entry.entry_id)
        await restore_state.RestoreStateData.async_save_persistent_states(hass)
        assert "stout" in stored.read_text("utf-8")
        await hass.config_entries.async_remove(entry.entry_id)
        await hass.async_block_till_done()
        for word in ("boiling over", "kettle", "stout"):
            assert word not in stored.read_text("utf-8")

    async with session(tmp_path, runs, EACH_LOG) as hass:
        await add_project(hass, simulator, {})
        await show_secrets(hass, simulator)
        if not restarts:
            await remove(hass)
    if restarts:
        async with session(tmp_path, runs, EACH_LOG) as hass:
            await wait_for_state(hass, LAST_LOG, f"boiling over {GREENHOUSE_NODE}")
            await remove(hass)
    assert "stout" not in stored.read_text("utf-8")


async def test_states_of_a_project_that_is_added_again(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """New entities of the same names show nothing old."""
    log = {"message": "boiling over", "level": "ERROR", "deviceId": GREENHOUSE_NODE}
    # The history does not have it yet, so that only a stored state could show it.
    simulator.send(log, indexed_after=3600)
    await wait_for_state(hass, LAST_LOG, "boiling over")
    await hass.config_entries.async_remove(streaming.entry_id)
    await hass.async_block_till_done()
    assert "boiling over" not in stored_states(hass)
    entry = MockConfigEntry(domain=DOMAIN, data=dict(streaming.data))
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await wait_for_begin(entry)
    await wait_for_state(hass, LAST_LOG, "unknown")
    assert "boiling over" not in stored_states(hass)


@pytest.mark.parametrize("by_hand", [False, True])
async def test_states_of_a_device(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    greenhouse: str,
    hass_ws_client: WebSocketGenerator,
    by_hand: bool,
) -> None:
    """Removing a device deletes its own logs only."""
    assert await async_setup_component(hass, "config", {})
    client = await hass_ws_client(hass)
    await show_secrets(hass, simulator)
    simulator.remove_device(GREENHOUSE_NODE)
    await streaming.runtime_data.async_refresh()
    if by_hand:
        assert (await client.remove_device(greenhouse))["success"]
    else:
        await streaming.runtime_data.async_refresh()
    await hass.async_block_till_done(wait_background_tasks=False)
    assert hass.states.get(LAST_LOG) is None
    stored = stored_states(hass)
    assert f"boiling over {GREENHOUSE_NODE}" not in stored
    assert f"boiling over {WATER_METER}" in stored
