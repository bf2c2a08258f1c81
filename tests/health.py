"""Read what users attach to a report.

These are the diagnostics and the system health.
"""

from http import HTTPStatus
from typing import Any

from pytest_homeassistant_custom_component.common import get_system_health_info
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.golioth.const import DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component


async def download_diagnostics(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    entry: ConfigEntry,
    device: dr.DeviceEntry | None = None,
) -> str:
    """Return the diagnostics file of a project or one device."""
    assert await async_setup_component(hass, "diagnostics", {})
    path = f"/api/diagnostics/config_entry/{entry.entry_id}"
    if device is not None:
        path += f"/device/{device.id}"
    client = await hass_client()
    response = await client.get(path)
    assert response.status == HTTPStatus.OK
    return await response.text()


async def read_system_health(hass: HomeAssistant) -> dict[str, Any]:
    """Return the final contents of the system health."""
    assert await async_setup_component(hass, "system_health", {})
    info = await get_system_health_info(hass, DOMAIN)
    return info | {"can_reach_server": await info["can_reach_server"]}
