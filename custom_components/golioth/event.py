"""Events of the Golioth integration."""

from typing import Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .client import LogEntry, LogSource
from .coordinator import GoliothConfigEntry, GoliothCoordinator
from .entity import (
    GoliothDeviceEntity,
    GoliothEntity,
    async_add_device_entities,
    log_attributes,
)
from .logs.last_log import showable
from .logs.levels import ALL_LEVELS, known_level

PARALLEL_UPDATES = 0

LOG: Final = EventEntityDescription(
    key="log", translation_key="log", event_types=list(ALL_LEVELS)
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: GoliothConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the events of present and future devices."""
    await async_add_device_entities(
        hass,
        entry,
        async_add_entities,
        lambda golioth_device_id: [
            GoliothLogEvent(entry.runtime_data, golioth_device_id)
        ],
    )


class GoliothLogEvent(GoliothDeviceEntity, EventEntity):
    """Fires an event for each log of a device."""

    async_entity_id_changed = GoliothEntity.async_entity_id_changed

    _unrecorded_attributes = frozenset({"metadata"})

    entity_description = LOG

    def __init__(self, coordinator: GoliothCoordinator, golioth_device_id: str) -> None:
        """Initialize the event of a device."""
        super().__init__(coordinator, LOG.key, golioth_device_id)

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the logs of the device."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self._device_logs.async_add_listener(self._async_handle_log)
        )

    @callback
    def _async_handle_log(self, entry: LogEntry, source: LogSource) -> None:
        """Trigger the event of a log."""
        attributes = log_attributes(*showable(entry))
        attributes["source"] = str(source)
        self._trigger_event(known_level(entry.level), attributes)
        self.async_write_ha_state()
