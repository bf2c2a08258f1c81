"""Removal of what Home Assistant stores of removed entities."""

from collections.abc import Iterable
from itertools import batched
from typing import TYPE_CHECKING, Final

from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntryChange
from homeassistant.const import ATTR_ENTITY_ID, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er, restore_state
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util

if TYPE_CHECKING:
    from ..coordinator import GoliothConfigEntry

_RECORDER: Final = "recorder"
_PURGE: Final = "purge_entities"

# A query of the recorder has room for some 30,000.
_ENTITIES_AT_ONCE: Final = 500


@callback
def async_forget_states(hass: HomeAssistant, entity_ids: Iterable[str]) -> None:
    """Forget the stored states of removed entities.

    Home Assistant would restore them for a week: the last logs of their devices, with
    the metadata. It writes the stored states every 15 minutes.
    """
    gone = set(entity_ids)
    for stored in restore_state.async_get(hass).async_get_stored_states():
        if (entity_id := stored.state.entity_id) in gone:
            stored.state = State(entity_id, STATE_UNKNOWN)
            stored.extra_data = None
            # States as old as that are no longer written.
            stored.last_seen = dt_util.utc_from_timestamp(0)


@callback
def async_forget_entities(hass: HomeAssistant, entry: GoliothConfigEntry) -> None:
    """Remove stored data of a project's entities after their removal.

    That is what would be restored, and what the recorder has of their states and
    statistics; it does not remove events. Entities that were removed before, as with a
    device that left Golioth, are among them.
    """
    registry = er.async_get(hass)
    entities = er.async_entries_for_config_entry(registry, entry.entry_id)
    entity_ids = [entity.entity_id for entity in entities]
    entity_ids += {
        removed.entity_id
        for removed in registry.deleted_entities.values()
        if removed.config_entry_id == entry.entry_id
        # The ID may be another entity's by now.
        and registry.async_get(removed.entity_id) is None
        and hass.states.get(removed.entity_id) is None
    }

    async def async_forget() -> None:
        async_forget_states(hass, entity_ids)
        await restore_state.RestoreStateData.async_save_persistent_states(hass)
        if not hass.services.has_service(_RECORDER, _PURGE):
            return
        for some in batched(entity_ids, _ENTITIES_AT_ONCE, strict=False):
            get_instance(hass).async_clear_statistics(list(some))
            await hass.services.async_call(
                _RECORDER, _PURGE, {ATTR_ENTITY_ID: list(some)}
            )

    @callback
    def async_handle_change(
        change: ConfigEntryChange, changed: GoliothConfigEntry
    ) -> None:
        if change is ConfigEntryChange.REMOVED and changed is entry:
            stop_listening()
            hass.async_create_task(async_forget(), f"What is left of {entry.entry_id}")

    stop_listening = async_dispatcher_connect(
        hass, SIGNAL_CONFIG_ENTRY_CHANGED, async_handle_change
    )
