"""Tests of the system health."""

from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.golioth import system_health
from custom_components.golioth.const import DOMAIN
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from . import GREENHOUSE_NODE
from .events import LogEvents, wait_for_live_logs, wait_for_state
from .health import read_system_health
from .simulator import GoliothSimulator

CONNECTION = "binary_sensor.demo_project_connection"
TRANSPORT = "sensor.demo_project_transport"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("options", [{"poll_interval": 0.2}])
async def test_project(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """The system health follows the state of a project.

    It goes from streaming over polling to disconnected.
    """
    await wait_for_live_logs(streaming)
    await wait_for_state(hass, CONNECTION, "on")
    simulator.log("one", device=GREENHOUSE_NODE)
    await log_events.wait_for(1)
    expected = {
        "can_reach_server": "ok",
        "projects_streaming": 1,
        "projects_polling": 0,
        "projects_disconnected": 0,
        "devices": 2,
        "logs_delivered": 1,
    }
    assert await read_system_health(hass) == expected

    simulator.retire()
    await wait_for_state(hass, TRANSPORT, "polling")
    expected |= {"projects_streaming": 0, "projects_polling": 1}
    assert await read_system_health(hass) == expected

    await simulator.stop()
    await wait_for_state(hass, CONNECTION, "off")
    expected |= {
        "can_reach_server": {"type": "failed", "error": "unreachable"},
        "projects_polling": 0,
        "projects_disconnected": 1,
    }
    assert await read_system_health(hass) == expected


async def test_several_projects(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """Every address is checked, except for disabled projects.

    That includes projects that could not be set up.
    """
    await wait_for_state(hass, CONNECTION, "on")
    async with GoliothSimulator("second", "Second project") as second:
        second.faults.rest_status = 500
        entry = MockConfigEntry(
            domain=DOMAIN,
            data={
                "project_id": "second",
                "api_key": second.api_key,
                "api_url": second.url,
            },
        )
        entry.add_to_hass(hass)
        assert not await hass.config_entries.async_setup(entry.entry_id)
        assert entry.state is ConfigEntryState.SETUP_RETRY
        health = await read_system_health(hass)
        assert health["can_reach_server"] == "ok"
        assert health["projects_streaming"] == 1
        assert health["projects_disconnected"] == 1
        asked = [request.path for request in second.requests]
        assert asked[-1] == "/"
    health = await read_system_health(hass)
    assert health["can_reach_server"] == {"type": "failed", "error": "unreachable"}
    await hass.config_entries.async_set_disabled_by(
        entry.entry_id, ConfigEntryDisabler.USER
    )
    health = await read_system_health(hass)
    assert health["can_reach_server"] == "ok"
    assert health["projects_disconnected"] == 0


async def test_no_credential_is_sent(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """The check for reachability sends no key.

    The address may lead anywhere.
    """
    requests: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        requests.append(f"{request.path_qs} {request.raw_headers}")
        return web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    async with TestServer(app) as server:
        hass.config_entries.async_update_entry(
            streaming, data={**streaming.data, "api_url": str(server.make_url(""))}
        )
        health = await read_system_health(hass)
    assert health["can_reach_server"] == "ok"
    assert len(requests) == 1
    assert simulator.api_key.rstrip("=") not in requests[0]
    assert "api-key" not in requests[0]


@pytest.mark.usefixtures("enable_custom_integrations")
async def test_entry_of_a_newer_release(
    hass: HomeAssistant, simulator: GoliothSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project of a newer release counts as disconnected.

    Its address is unknown.
    """
    monkeypatch.setattr(system_health, "DEFAULT_API_URL", simulator.url)
    entry = MockConfigEntry(domain=DOMAIN, version=2, data={})
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    health = await read_system_health(hass)
    assert health["can_reach_server"] == "ok"
    assert health["projects_disconnected"] == 1


@pytest.mark.usefixtures("enable_custom_integrations")
async def test_without_a_project(
    hass: HomeAssistant, simulator: GoliothSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a project, only Golioth's own address is checked."""
    # No test uses the Internet.
    monkeypatch.setattr(system_health, "DEFAULT_API_URL", simulator.url)
    assert await async_setup_component(hass, DOMAIN, {})
    assert await read_system_health(hass) == {
        "can_reach_server": "ok",
        "projects_streaming": 0,
        "projects_polling": 0,
        "projects_disconnected": 0,
        "devices": 0,
        "logs_delivered": 0,
    }
    assert [request.path for request in simulator.requests] == ["/"]
