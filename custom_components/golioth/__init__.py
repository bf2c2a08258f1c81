"""The Golioth integration: the logs of a project's devices, for automations."""

from typing import Final

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.start import async_at_started

from .const import DOMAIN
from .coordinator import GoliothConfigEntry, GoliothCoordinator

PLATFORMS: Final = [Platform.BINARY_SENSOR, Platform.SENSOR]


async def async_setup_entry(hass: HomeAssistant, entry: GoliothConfigEntry) -> bool:
    """Set up a Golioth project."""
    coordinator = GoliothCoordinator(hass, entry)
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)

    @callback
    def start_feed(hass: HomeAssistant) -> None:
        entry.async_create_background_task(
            hass,
            coordinator.async_run_feed(),
            name=f"{DOMAIN} log feed of {coordinator.project_id}",
        )

    # Automations are armed once Home Assistant has started: a log delivered before is delivered to nobody.
    entry.async_on_unload(async_at_started(hass, start_feed))
    return True


async def async_unload_entry(hass: HomeAssistant, entry: GoliothConfigEntry) -> bool:
    """Unload a Golioth project."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
