"""Tests that old entry IDs find a project added again."""

import logging
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.golioth.const import DOMAIN
from custom_components.golioth.storage.removed_projects import (
    MAX_REMOVED,
    RemovedProjects,
    async_find_entry,
    async_get_removed_projects,
)
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component

from .. import GREENHOUSE_NODE, WATER_METER
from ..events import LogEvents, wait_for_begin, wait_for_live_logs, wait_for_state
from ..registry import registry_id
from ..sessions import Runs, session
from ..simulator import GoliothSimulator
from ..test_services import failure, messages
from ..test_websocket_api import Browser

pytestmark = pytest.mark.usefixtures("impatient")

KEY = f"{DOMAIN}.removed"


def new_entry(simulator: GoliothSimulator, **values: Any) -> MockConfigEntry:
    """Return an entry of the simulated project."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="Demo project",
        unique_id=simulator.project_id,
        data={
            "project_id": simulator.project_id,
            "api_key": simulator.api_key,
            "api_url": simulator.url,
        },
        **values,
    )


async def add_again(
    hass: HomeAssistant, entry: MockConfigEntry, simulator: GoliothSimulator
) -> MockConfigEntry:
    """Remove a project, add it again, and return its entry.

    Its logs are received then.
    """
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    added = new_entry(simulator)
    await hass.config_entries.async_add(added)
    await wait_for_begin(added)
    await wait_for_live_logs(added)
    assert added.entry_id != entry.entry_id
    return added


def automation(**trigger: Any) -> dict[str, Any]:
    """Return an automation that records each log."""
    return {
        "alias": "Each log",
        "triggers": [trigger],
        "actions": [
            {
                "action": "test.run",
                "data": {
                    "message": "{{ trigger.message }}",
                    "source": "{{ trigger.source }}",
                },
            }
        ],
        "mode": "queued",
        "max": 100,
    }


@pytest.mark.parametrize("times", [1, 3])
async def test_trigger(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    times: int,
) -> None:
    """A trigger with an old entry ID follows its project.

    This holds however often the project is added again, and for no other project.
    """
    hass.services.async_register("test", "run", (runs := Runs()).async_handle_run)
    config = automation(
        trigger="golioth.project_log_received",
        options={"config_entry_id": streaming.entry_id},
    )
    assert await async_setup_component(hass, "automation", {"automation": [config]})
    entry = streaming
    for _ in range(times):
        entry = await add_again(hass, entry, simulator)
    async with GoliothSimulator("second") as second:
        other = MockConfigEntry(
            domain=DOMAIN,
            unique_id="second",
            data={
                "project_id": "second",
                "api_key": second.api_key,
                "api_url": second.url,
            },
        )
        await hass.config_entries.async_add(other)
        await wait_for_begin(other)
        await wait_for_live_logs(other)
        second.log("of another")
        await log_events.wait_for(1)
        simulator.log("again", device=GREENHOUSE_NODE)
        await runs.wait_for(1)
        assert runs == [("again", "stream")]
        assert await hass.config_entries.async_unload(other.entry_id)


async def test_action(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    greenhouse: str,
) -> None:
    """An action with an old entry ID reads the project.

    It fails if the project is gone.
    """
    entry_id = streaming.entry_id
    entry = await add_again(hass, streaming, simulator)
    simulator.log("again", device=GREENHOUSE_NODE)
    assert await messages(hass, config_entry_id=entry_id) == ["again"]
    named = {"config_entry_id": entry_id, "device_id": greenhouse}
    assert await messages(hass, **named) == ["again"]
    await hass.config_entries.async_remove(entry.entry_id)
    await failure(
        hass,
        "get_logs",
        "service_config_entry_not_found",
        ServiceValidationError,
        config_entry_id=entry_id,
    )


async def test_browser(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    greenhouse: str,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Cards with an old entry ID get the project's logs.

    They are told the new entry ID.
    """
    browser = Browser(await hass_ws_client())
    first = await browser.subscribe(streaming)
    assert first["config_entry_id"] == streaming.entry_id
    entry = await add_again(hass, streaming, simulator)
    assert await browser.event() == {"removed": True}
    simulator.log("again", device=GREENHOUSE_NODE)
    simulator.log("of another device", device=WATER_METER)
    await log_events.wait_for(2)
    first = await browser.subscribe(streaming, device_ids=[greenhouse])
    assert first["config_entry_id"] == entry.entry_id
    assert [log["message"] for log in first["logs"]] == ["again"]
    page = await browser.history(streaming, device_ids=[greenhouse])
    assert [log["message"] for log in page["logs"]] == ["again"]


async def test_devices(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
    project: str,
    greenhouse: str,
    water_meter: str,
) -> None:
    """Devices and entities keep their IDs.

    So does the project's own device.
    """
    device_registry.async_update_device(project, name_by_user="Garden")
    identifiers = (None, GREENHOUSE_NODE, WATER_METER)
    before = set(hass.states.async_entity_ids())
    entry = streaming
    for _ in range(2):
        entry = await add_again(hass, entry, simulator)
        await wait_for_state(hass, "binary_sensor.demo_project_connection", "on")
        assert set(hass.states.async_entity_ids()) == before
        found = [
            registry_id(device_registry, entry, each or entry.entry_id)
            for each in identifiers
        ]
        assert found == [project, greenhouse, water_meter]
        device = device_registry.async_get(project, include_child_devices=False)
        assert device is not None
        assert device.identifiers == {(DOMAIN, entry.entry_id)}
        assert device.name_by_user == "Garden"
        assert device.entry_type is dr.DeviceEntryType.SERVICE
        connection = entity_registry.async_get("binary_sensor.demo_project_connection")
        assert connection is not None
        assert connection.device_id == project


@pytest.mark.parametrize("second_first", [False, True])
async def test_devices_with_equal_ids(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    device_registry: dr.DeviceRegistry,
    greenhouse: str,
    water_meter: str,
    second_first: bool,
) -> None:
    """Devices of two projects keep their IDs.

    This holds even if Golioth's IDs are equal.
    """
    async with GoliothSimulator("second") as second:
        second.add_device("greenhouse-node", device_id=GREENHOUSE_NODE)
        services = [simulator, second]
        other = new_entry(second)
        await hass.config_entries.async_add(other)
        await wait_for_begin(other)
        others = registry_id(device_registry, other, GREENHOUSE_NODE)
        entries = [streaming, other]
        for _ in range(2):
            for entry in entries:
                await hass.config_entries.async_remove(entry.entry_id)
            await hass.async_block_till_done()
            entries = [new_entry(each) for each in services]
            for entry in reversed(entries) if second_first else entries:
                await hass.config_entries.async_add(entry)
                await wait_for_begin(entry)
            first, other = entries
            assert registry_id(device_registry, first, GREENHOUSE_NODE) == greenhouse
            assert registry_id(device_registry, first, WATER_METER) == water_meter
            assert registry_id(device_registry, other, GREENHOUSE_NODE) == others
            device = device_registry.async_get(greenhouse, include_child_devices=False)
            assert device is not None
            assert device.identifiers == {(DOMAIN, GREENHOUSE_NODE)}
        for entry in entries:
            assert await hass.config_entries.async_unload(entry.entry_id)


async def test_restart(simulator: GoliothSimulator, tmp_path: Path) -> None:
    """Removed entries are remembered over a restart."""
    entry = new_entry(simulator, entry_id="first")
    runs = Runs()
    config = automation(
        trigger="golioth.project_log_received", options={"config_entry_id": "first"}
    )
    async with session(tmp_path, runs, config) as hass:
        await hass.config_entries.async_add(entry)
        await wait_for_begin(entry)
        await hass.config_entries.async_remove(entry.entry_id)
    async with session(tmp_path, runs, config) as hass:
        added = new_entry(simulator, entry_id="second")
        await hass.config_entries.async_add(added)
        await wait_for_begin(added)
        await wait_for_live_logs(added)
        simulator.log("again", device=GREENHOUSE_NODE)
        await runs.wait_for(1)
    assert runs == [("again", "stream")]


async def test_entry_that_was_never_loaded(
    hass: HomeAssistant,
    enable_custom_integrations: None,
    simulator: GoliothSimulator,
    hass_storage: dict[str, Any],
) -> None:
    """An entry that never loaded is remembered when removed.

    Those already stored stay.
    """
    hass_storage[KEY] = {"version": 1, "data": {"project_ids": {"a": "b"}}}
    entry = new_entry(simulator, disabled_by=ConfigEntryDisabler.USER)
    entry.add_to_hass(hass)
    await hass.config_entries.async_remove(entry.entry_id)
    removed = async_get_removed_projects(hass)
    assert removed.async_project_id("a") == "b"
    assert removed.async_project_id(entry.entry_id) == simulator.project_id
    assert async_find_entry(hass, entry.entry_id) is None
    added = new_entry(simulator)
    added.add_to_hass(hass)
    assert async_find_entry(hass, entry.entry_id) is added


async def test_bound(hass: HomeAssistant, simulator: GoliothSimulator) -> None:
    """Only the latest removed entries are remembered.

    The file does not grow without end.
    """
    removed = RemovedProjects(hass)
    entries = [new_entry(simulator) for _ in range(2 * MAX_REMOVED)]
    for entry in entries:
        await removed.async_add(entry)
    known = [
        entry
        for entry in entries
        if removed.async_project_id(entry.entry_id) is not None
    ]
    assert known == entries[-MAX_REMOVED:]
    # An entry of a newer release may have no project ID.
    await removed.async_add(MockConfigEntry(domain=DOMAIN))
    await hass.async_stop(force=True)
    again = RemovedProjects(hass)
    await again.async_load()
    assert again.async_last_entry_id(simulator.project_id) == entries[-1].entry_id
    assert again.async_project_id(entries[0].entry_id) is None


@pytest.mark.parametrize(
    "data", [[], {"project_ids": {"a": 1}}, {"project_ids": 1}, {"other": {}}], ids=str
)
async def test_damage(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    data: Any,
) -> None:
    """Unreadable data is reported, and stops no project.

    It can be set up and removed.
    """
    hass_storage[KEY] = {"version": 1, "minor_version": 1, "data": data}
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    assert await hass.config_entries.async_remove(config_entry.entry_id)
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert ("cannot be read. Cards and automations" in caplog.text) is bool(data)
    removed = async_get_removed_projects(hass)
    assert removed.async_project_id(config_entry.entry_id) is not None
