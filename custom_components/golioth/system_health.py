"""System health of the Golioth integration."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

from homeassistant.components import system_health
from homeassistant.core import HomeAssistant, callback

from .client import DEFAULT_API_URL, Transport
from .const import CONF_API_URL, DOMAIN
from .coordinator import GoliothConfigEntry


@callback
def async_register(
    hass: HomeAssistant, register: system_health.SystemHealthRegistration
) -> None:
    """Register the system health information."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return how the logs of all projects arrive.

    It is copied into public reports, and so it names no project.
    """
    entries: list[GoliothConfigEntry] = hass.config_entries.async_entries(
        DOMAIN, include_disabled=False
    )
    loaded: list[GoliothConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    coordinators = [entry.runtime_data for entry in loaded]
    transports = Counter(coordinator.feed.transport for coordinator in coordinators)
    streaming, polling = transports[Transport.STREAMING], transports[Transport.POLLING]
    # An entry of a newer release may have no address.
    addresses = {
        entry.data.get(CONF_API_URL, DEFAULT_API_URL) for entry in entries
    } or {DEFAULT_API_URL}
    return {
        "can_reach_server": _async_can_reach(hass, addresses),
        "projects_streaming": streaming,
        "projects_polling": polling,
        "projects_disconnected": len(entries) - streaming - polling,
        "devices": sum(len(coordinator.data) for coordinator in coordinators),
        "logs_delivered": sum(
            coordinator.feed.delivered for coordinator in coordinators
        ),
    }


async def _async_can_reach(
    hass: HomeAssistant, addresses: Iterable[str]
) -> str | dict[str, str]:
    """Return whether every address answers, or an error.

    The credential is not sent.
    """
    results = await asyncio.gather(
        *(
            system_health.async_check_can_reach_url(hass, address)
            for address in addresses
        )
    )
    return next((result for result in results if result != "ok"), "ok")
