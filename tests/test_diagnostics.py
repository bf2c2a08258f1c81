"""Tests of the diagnostics file."""

from collections.abc import AsyncIterator
import json
from typing import Any
from unittest.mock import ANY

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.golioth.client import GoliothRest
from custom_components.golioth.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import __version__
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from . import GREENHOUSE_NODE, WATER_METER
from .events import LogEvents, wait_for_live_logs, wait_for_state
from .health import download_diagnostics
from .simulator import GoliothSimulator, grpc_error_v2

CONNECTION = "binary_sensor.brewery_connection"

PROJECT_ID = "project-5b1c77e0"
HARDWARE_ID = "28:6f:b9:00:d1:5e"


@pytest.fixture
async def simulator(socket_enabled: None) -> AsyncIterator[GoliothSimulator]:
    """Run a project whose names occur nowhere else."""
    async with GoliothSimulator(PROJECT_ID, "Brewery") as simulator:
        simulator.add_device("greenhouse-node", device_id=GREENHOUSE_NODE)
        device = simulator.add_device("water-meter", device_id=WATER_METER)
        device.hardware_ids.append(HARDWARE_ID)
        yield simulator


@pytest.fixture
def options() -> dict[str, Any]:
    """Return options that differ from the defaults."""
    return {"minimum_level": "info", "poll_interval": 10}


def device_of(
    device_registry: dr.DeviceRegistry, entry: MockConfigEntry, identifier: str
) -> dr.DeviceEntry:
    """Return a device that must be registered."""
    device = device_registry.async_get_device_by_identifier(
        (DOMAIN, identifier), entry.entry_id
    )
    assert isinstance(device, dr.DeviceEntry)
    return device


async def test_project(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """The file has versions, options, connection, and counters.

    Logs are counted by level.
    """
    await wait_for_live_logs(streaming)
    simulator.log("hidden", device=GREENHOUSE_NODE, level="DEBUG")
    for level in ("INFO", "WARN", "WARN", "ERROR", "TRACE"):
        simulator.log("shown", device=GREENHOUSE_NODE, level=level)
    simulator.send_frame("{}")
    simulator.log("last", device=WATER_METER)
    await log_events.wait_for(6)

    file = json.loads(await download_diagnostics(hass, hass_client, streaming))
    assert file["home_assistant"]["version"] == __version__
    assert file["integration_manifest"]["version"]
    assert file["data"] == {
        "entry": {
            "created_at": ANY,
            "disabled_by": None,
            "entry_id": streaming.entry_id,
            "is_default_api_url": False,
            "minor_version": 1,
            "modified_at": ANY,
            "options": {"minimum_level": "info", "poll_interval": 10},
            "source": "user",
            "version": 1,
            "state": "loaded",
            "reason": None,
            "reason_placeholders": None,
        },
        "project": {
            "connected": True,
            "transport": "streaming",
            "stream": "open",
            "streams_opened": 1,
            "last_error": None,
            "is_listening": True,
            "logs": {
                "delivered": 7,
                "caught_up": 0,
                "found_by_audit": 0,
                "unreadable": 0,
                "frames_ignored": 1,
                "fired": {"debug": 0, "info": 2, "warn": 2, "error": 1, "other": 1},
            },
            "devices": 2,
            "muted_devices": 0,
            "device_list_error": None,
            "resume_point_age": ANY,
            "service_clock_offset": ANY,
        },
    }
    project = file["data"]["project"]
    assert -1 <= project["resume_point_age"] < 60
    assert -60 < project["service_clock_offset"] < 60


async def test_address_of_golioth(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    streaming: MockConfigEntry,
) -> None:
    """The file shows only whether the address is the default.

    Another address may identify the user.
    """
    hass.config_entries.async_update_entry(
        streaming, data={**streaming.data, "api_url": "https://api.golioth.io"}
    )
    file = json.loads(await download_diagnostics(hass, hass_client, streaming))
    assert file["data"]["entry"]["is_default_api_url"] is True


@pytest.mark.usefixtures("enable_custom_integrations")
async def test_entry_of_a_newer_release(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> None:
    """The file hides what only a newer release knows."""
    entry = MockConfigEntry(
        domain=DOMAIN, version=2, data={"jwt_key": "topsecret", "account": "grower"}
    )
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    text = await download_diagnostics(hass, hass_client, entry)
    assert "topsecret" not in text
    assert "grower" not in text
    assert json.loads(text)["data"]["entry"]["state"] == "migration_error"


@pytest.mark.usefixtures("impatient")
async def test_clock_that_is_wrong(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
) -> None:
    """The file shows the offset between service and local clock."""
    simulator.faults.date_offset = 3600
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await wait_for_live_logs(config_entry)
    file = json.loads(await download_diagnostics(hass, hass_client, config_entry))
    assert 3500 < file["data"]["project"]["service_clock_offset"] < 3700


@pytest.mark.usefixtures("impatient")
async def test_trouble(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
) -> None:
    """The file shows errors, in our own words."""
    await wait_for_state(hass, CONNECTION, "on")
    simulator.faults.rest_status = 503
    simulator.faults.handshake_status = 503
    await simulator.drop()
    await wait_for_state(hass, CONNECTION, "off")
    await streaming.runtime_data.async_refresh()
    file = json.loads(await download_diagnostics(hass, hass_client, streaming))
    project = file["data"]["project"]
    assert project["connected"] is False
    assert project["transport"] is None
    assert project["stream"] == "closed"
    assert project["is_listening"] is False
    assert project["last_error"] in (
        {"type": "GoliothStatusError", "text": "Golioth answered HTTP 503"},
        {
            "type": "GoliothConnectionError",
            "text": "The log stream was refused (HTTP 503)",
        },
    )
    assert project["device_list_error"] == {
        "type": "GoliothStatusError",
        "text": "Golioth answered HTTP 503",
    }

    simulator.faults.clear()
    await streaming.runtime_data.async_refresh()
    file = json.loads(await download_diagnostics(hass, hass_client, streaming))
    assert file["data"]["project"]["device_list_error"] is None


async def test_project_that_cannot_be_set_up(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
) -> None:
    """The file shows why a project cannot be set up."""
    simulator.faults.rest_status = 500
    assert not await hass.config_entries.async_setup(config_entry.entry_id)
    file = json.loads(await download_diagnostics(hass, hass_client, config_entry))
    entry = file["data"]["entry"]
    assert entry["state"] == "setup_retry"
    assert entry["reason"] == "golioth_status"
    assert entry["reason_placeholders"] == {"status": "500"}
    assert file["data"]["project"] is None


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_device(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    device_registry: dr.DeviceRegistry,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """The file of a device shows its entities' states.

    What the device has logged is redacted.
    """
    await wait_for_live_logs(streaming)
    simulator.log(
        "secret",
        device=GREENHOUSE_NODE,
        level="ERROR",
        timestamp="2026-01-15T12:00:00.5Z",
    )
    await log_events.wait_for(1)
    await wait_for_state(hass, "sensor.greenhouse_node_last_log", "secret")
    streaming.runtime_data.async_show_counters()
    device = device_of(device_registry, streaming, GREENHOUSE_NODE)
    file = json.loads(await download_diagnostics(hass, hass_client, streaming, device))
    assert file["data"].keys() == {"entry", "project", "device"}
    assert file["data"]["device"] == {
        "is_project": False,
        "is_listed": True,
        "silent_for": ANY,
        "entities": {
            "log": "**REDACTED**",
            "last_log": "**REDACTED**",
            "last_log_level": "**REDACTED**",
            "last_log_time": "**REDACTED**",
            "last_error": "**REDACTED**",
            "errors": "1",
        },
    }
    assert 0 <= file["data"]["device"]["silent_for"] < 60
    # It is unknown how long a device without logs has been silent.
    device = device_of(device_registry, streaming, WATER_METER)
    file = json.loads(await download_diagnostics(hass, hass_client, streaming, device))
    assert file["data"]["device"]["silent_for"] is None


async def test_device_of_the_project(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    device_registry: dr.DeviceRegistry,
    streaming: MockConfigEntry,
) -> None:
    """The project's own device has a file as well.

    Disabled entities show nothing.
    """
    await wait_for_state(hass, CONNECTION, "on")
    device = device_of(device_registry, streaming, streaming.entry_id)
    file = json.loads(await download_diagnostics(hass, hass_client, streaming, device))
    found = file["data"]["device"]
    assert found["is_project"] is True
    assert found["is_listed"] is False
    assert found["silent_for"] is None
    assert found["entities"]["connection"] == "on"
    assert found["entities"]["transport"] == "streaming"
    assert found["entities"]["frames_ignored"] is None


@pytest.mark.usefixtures("impatient", "entity_registry_enabled_by_default")
async def test_secrets(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    device_registry: dr.DeviceRegistry,
    monkeypatch: pytest.MonkeyPatch,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
) -> None:
    """No file holds secrets, whatever the error.

    These are the key, the identity of the project and its devices, and their logs.
    """
    api_key = simulator.api_key
    secrets = [
        api_key,
        api_key.rstrip("="),
        PROJECT_ID,
        "Brewery",
        "Demo project",
        simulator.url,
        GREENHOUSE_NODE,
        WATER_METER,
        "greenhouse-node",
        "water-meter",
        HARDWARE_ID,
        "boiling over",
        "kettle",
    ]
    files: list[str] = []

    async def download() -> None:
        files.append(await download_diagnostics(hass, hass_client, config_entry))
        files.extend(
            [
                await download_diagnostics(hass, hass_client, config_entry, device)
                for device in dr.async_entries_for_config_entry(
                    device_registry, config_entry.entry_id
                )
            ]
        )

    async def raise_unexpected_error(_rest: GoliothRest) -> None:
        raise RuntimeError(f"{simulator.url}?x-api-key={api_key}")

    # The text of an unexpected error may hold anything.
    with monkeypatch.context() as broken:
        broken.setattr(GoliothRest, "project", raise_unexpected_error)
        assert not await hass.config_entries.async_setup(config_entry.entry_id)
    assert config_entry.reason is not None
    assert api_key in config_entry.reason
    await download()

    assert await hass.config_entries.async_reload(config_entry.entry_id)
    await wait_for_live_logs(config_entry)
    for device in (GREENHOUSE_NODE, WATER_METER):
        simulator.log(
            f"boiling over {api_key}",
            device=device,
            level="ERROR",
            module="kettle",
            metadata={"key": api_key, "hardware": HARDWARE_ID},
        )
    await wait_for_state(hass, "sensor.water_meter_last_log", f"boiling over {api_key}")
    await download()

    with monkeypatch.context() as broken:
        broken.setattr(GoliothRest, "devices", raise_unexpected_error)
        await config_entry.runtime_data.async_refresh()
    assert api_key in str(config_entry.runtime_data.last_exception)
    await download()

    simulator.faults.in_band_error = grpc_error_v2(16, f"no {api_key}")
    simulator.faults.rest_status = 500
    simulator.faults.rest_headers = {"X-Echo": api_key}
    await simulator.drop()
    await wait_for_state(hass, CONNECTION, "off")
    await download()

    simulator.faults.clear()
    await wait_for_state(hass, CONNECTION, "on")
    simulator.revoke()
    await simulator.drop()
    await wait_for_state(hass, CONNECTION, "off")
    await download()
    assert '"GoliothAuthenticationError"' in files[-1]
    assert await hass.config_entries.async_unload(config_entry.entry_id)
    assert config_entry.state is ConfigEntryState.NOT_LOADED
    await download()

    assert len(files) == 1 + 5 * 4
    for file in files:
        assert config_entry.entry_id in file
        for secret in secrets:
            assert secret not in file
