"""The Golioth integration."""

from typing import Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.typing import ConfigType

from .config_flow import GoliothConfigFlow
from .const import DOMAIN
from .coordinator import GoliothConfigEntry, GoliothCoordinator
from .devices import async_mark_removed
from .issues import async_forget_gaps
from .log_card import async_setup_log_card
from .logs.quiet_devices import async_forget_new_project
from .logs.recent import async_remove_recent_logs
from .services import async_setup_services
from .storage.left_out import async_remove_left_out
from .storage.leftovers import async_forget_entities
from .storage.removed_projects import async_get_removed_projects
from .storage.resume_store import ResumeStore
from .storage.silence_clock import async_remove_clock
from .triggers.cool_down import async_remove_cool_downs
from .websocket_api import async_setup_websocket_api

PLATFORMS: Final = [Platform.BINARY_SENSOR, Platform.EVENT, Platform.SENSOR]

CONFIG_SCHEMA: Final = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up the actions, the WebSocket commands and the card.

    They do not depend on a project that is loaded.
    """
    await async_get_removed_projects(hass).async_load()
    async_setup_services(hass)
    async_setup_websocket_api(hass)
    await async_setup_log_card(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: GoliothConfigEntry) -> bool:
    """Set up a Golioth project."""
    coordinator = GoliothCoordinator(hass, entry)
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    # After the platforms, so that the first log finds its entities.
    coordinator.async_start()
    return True


async def async_migrate_entry(hass: HomeAssistant, entry: GoliothConfigEntry) -> bool:
    """Migrate an entry of another release.

    A newer minor version only adds data that this one can do without, and no older one
    was released. A newer major version is refused, by Home Assistant before it comes
    here.
    """
    return entry.version == GoliothConfigFlow.VERSION


async def async_unload_entry(hass: HomeAssistant, entry: GoliothConfigEntry) -> bool:
    """Unload a Golioth project."""
    # Before the platforms, so that the entities have seen every log that was delivered.
    await entry.runtime_data.async_stop()
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: GoliothConfigEntry) -> None:
    """Remove all data of a Golioth project.

    Only which project the entry was of is remembered.
    """
    await async_get_removed_projects(hass).async_add(entry)
    # Home Assistant ends only some of these flows, and later. They check no more input.
    flows = hass.config_entries.flow
    for flow in flows.async_progress_by_handler(
        DOMAIN,
        include_uninitialized=True,
        match_context={"entry_id": entry.entry_id},
    ):
        flows.async_abort(flow["flow_id"])
    options = hass.config_entries.options
    for option_flow in options.async_progress_by_handler(
        entry.entry_id, include_uninitialized=True
    ):
        options.async_abort(option_flow["flow_id"])
    async_forget_entities(hass, entry)
    await async_mark_removed(hass, entry)
    await ResumeStore(hass, entry.entry_id).async_remove()
    await async_remove_clock(hass, entry.entry_id)
    await async_remove_cool_downs(hass, entry.entry_id)
    await async_remove_left_out(hass, entry.entry_id)
    async_forget_gaps(hass, entry.entry_id)
    async_remove_recent_logs(hass, entry.entry_id)
    async_forget_new_project(hass, entry.entry_id)


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: GoliothConfigEntry, device: dr.AnyDeviceEntry
) -> bool:
    """Allow deleting a device that Golioth no longer lists."""
    # While the project is not loaded, it is unknown what Golioth lists.
    return (
        entry.state is ConfigEntryState.LOADED
        and entry.runtime_data.async_forget_device(device)
    )
