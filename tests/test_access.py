"""Tests of permissions against the table in docs/security.md."""

import asyncio
import re

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.golioth.const import DOMAIN
from custom_components.golioth.issues import async_report_new_start
from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL
from homeassistant.components.http import HomeAssistantView
from homeassistant.components.webhook import async_register as async_register_webhook
from homeassistant.components.websocket_api import (
    async_register_command,
    websocket_command,
)
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.setup import async_setup_component

from . import GREENHOUSE_NODE, WATER_METER
from .access import (
    KINDS,
    NO_LOGIN,
    ROWS,
    WRITES,
    Place,
    as_markdown,
    ours,
    table,
    visitors,
    write_table,
)
from .events import TIMEOUT, LogEvents, wait_for_state
from .registry import registry_id
from .simulator import Device, GoliothSimulator
from .test_repairs import report
from .test_websocket_api import remove_device

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Allow the HTTP server's timer of an ended connection.

    It stays when Home Assistant ends the connection of a client without login.
    """
    return True


@pytest.fixture
async def everything(hass: HomeAssistant, enable_custom_integrations: None) -> None:
    """Set up the components that the table needs."""
    for component in (
        "http",
        "frontend",
        "config",
        "persistent_notification",
        "repairs",
        "diagnostics",
        "system_health",
        "webhook",
    ):
        assert await async_setup_component(hass, component, {})


@pytest.fixture
async def place(
    everything: None,
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    device_registry: dr.DeviceRegistry,
    issue_registry: ir.IssueRegistry,
) -> Place:
    """Return a project with logs, devices, and repairs.

    Its logs come from listed, new, and removed devices.
    """
    removed = simulator.add_device("door-sensor")
    await streaming.runtime_data.async_refresh()
    messages: dict[str, Device | str] = {
        "of the device": GREENHOUSE_NODE,
        "of another": WATER_METER,
        "of one that is gone": removed,
        "of a new one": "invented",
    }
    for message, device in messages.items():
        simulator.log(message, device=device)
    await wait_for_state(hass, "sensor.water_meter_last_log", "of another")
    await log_events.wait_for(4)
    await remove_device(hass, streaming, simulator, removed.id)
    report(hass, streaming, 0, 1)
    await async_report_new_start(hass, streaming)
    url, _again = hass.data[DATA_EXTRA_MODULE_URL].urls
    return Place(
        streaming,
        registry_id(device_registry, streaming, GREENHOUSE_NODE),
        registry_id(device_registry, streaming, WATER_METER),
        registry_id(device_registry, streaming, streaming.entry_id),
        {
            str(issue.translation_key): issue.issue_id
            for issue in issue_registry.issues.values()
            if issue.domain == DOMAIN
        },
        {
            "device": {"of the device"},
            "other": {"of another"},
            "project": {"of one that is gone", "of a new one"},
            "card": {url.rpartition("/")[0]},
        },
    )


@pytest.fixture
def clients(
    hass_client: ClientSessionGenerator, hass_client_no_auth: ClientSessionGenerator
) -> ClientSessionGenerator:
    """Return a function for clients with and without a token."""

    async def client(*token: str):  # type: ignore[no-untyped-def]
        return await (hass_client(*token) if token else hass_client_no_auth())

    return client


async def test_table(
    hass: HomeAssistant, place: Place, clients: ClientSessionGenerator
) -> None:
    """Each kind of user can do what the table says.

    Nothing else is open to it.
    """
    found: dict[tuple[str, str], list[bool]] = {}
    kinds = await visitors(hass, clients, place)
    assert tuple(kinds) == KINDS
    async with asyncio.timeout(TIMEOUT):
        for row in ROWS:
            found[row.way, row.what] = [
                await row.is_open(visitor, place) for visitor in kinds.values()
            ]
    for visitor in kinds.values():
        await visitor.close()
    if WRITES:
        write_table(as_markdown(found))
    assert as_markdown(found) == table()


async def test_table_has_every_way(hass: HomeAssistant, place: Place) -> None:
    """The table has exactly what Home Assistant has registered."""
    assert ours(hass) == {
        row.way for row in ROWS if DOMAIN in row.way and "Event" not in row.way
    } | {row.way for row in ROWS if row.way.startswith("Repair")}


async def test_new_way_is_noticed(hass: HomeAssistant, everything: None) -> None:
    """A new command, action, view, or webhook is noticed."""
    assert await async_setup_component(hass, DOMAIN, {})
    before = ours(hass)

    @websocket_command({"type": "golioth/new"})
    @callback
    def command(*_: object) -> None:
        """Do nothing."""

    @callback
    def action(_: ServiceCall) -> None:
        """Do nothing."""

    async def handle(*_: object) -> None:
        """Do nothing."""

    class View(HomeAssistantView):
        """A view whose address does not name the integration."""

        url = "/api/new"
        name = "api:new"
        __module__ = "custom_components.golioth.new"

        async def get(self, _: object) -> None:
            """Do nothing."""

    async_register_command(hass, command)
    hass.services.async_register(DOMAIN, "new", action)
    hass.http.register_view(View())
    async_register_webhook(hass, DOMAIN, "New", "new", handle)
    assert ours(hass) - before == {
        "`golioth/new`",
        "`golioth.new`",
        "`/api/new`",
        "`webhook`",
    }


def test_no_login_opens_nothing() -> None:
    """Without login, only the program of the card is open."""
    rows = [line for line in table().splitlines() if line.endswith("yes |")]
    assert table().splitlines()[0].endswith(f"| {NO_LOGIN} |")
    assert [re.findall("`(.*?)`", row) for row in rows] == [["/golioth/frontend/…"]]
