"""Base entities of the Golioth integration."""

from collections.abc import Callable, Iterable
from itertools import batched
from typing import Any, Final, override

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .client import LogEntry, in_slices
from .const import DOMAIN
from .coordinator import GoliothConfigEntry, GoliothCoordinator
from .logs.last_log import DeviceLogs

# Devices whose entities are added at once: each time takes a task of its own.
_DEVICES_AT_ONCE: Final = 5


class GoliothEntity(Entity):
    """Base entity of a project or device."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(
        self,
        coordinator: GoliothCoordinator,
        key: str,
        golioth_device_id: str | None = None,
    ) -> None:
        """Initialize the entity.

        Args:
            coordinator: The project, which has registered the device.
            key: What the entity is, unique for the device.
            golioth_device_id: Golioth's ID of the device; None for the project.
        """
        self.coordinator = coordinator
        project_id = coordinator.project_id
        self._attr_unique_id = f"{project_id}_{golioth_device_id or project_id}_{key}"
        # No ID that a service gives its devices is mistaken for the project.
        identifier = golioth_device_id or coordinator.config_entry.entry_id
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, identifier)})

    @callback
    def async_entity_id_changed(self, old_entity_id: str) -> None:
        """Stay added under another entity ID.

        Nothing here depends on the entity ID. Home Assistant 2026.11 and later calls
        this, and takes an entity away and adds it again where a class that does
        something when it is added has no such method of its own.
        """


class GoliothConnectionEntity(GoliothEntity):
    """Base entity that shows the connection."""

    async_entity_id_changed = GoliothEntity.async_entity_id_changed

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the connection."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self.coordinator.async_add_connection_listener(self.async_write_ha_state)
        )


class GoliothDeviceEntity(GoliothEntity):
    """Base entity of a Golioth device.

    It follows the logs of that device only.
    """

    async_entity_id_changed = GoliothEntity.async_entity_id_changed

    _device_logs: DeviceLogs

    def __init__(
        self, coordinator: GoliothCoordinator, key: str, golioth_device_id: str
    ) -> None:
        """Initialize the entity of a device."""
        super().__init__(coordinator, key, golioth_device_id)
        self._golioth_device_id = golioth_device_id

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the logs of the device."""
        self._device_logs, end = self.coordinator.async_follow_logs(
            self._golioth_device_id, self
        )
        self.async_on_remove(end)
        self._attr_available = self.coordinator.feed.connected
        await super().async_added_to_hass()

    @callback
    def async_show(self) -> None:
        """Write the state, if logs have changed it."""

    @callback
    def async_show_connection(self) -> None:
        """Write the availability: whether logs would arrive."""
        self._attr_available = self.coordinator.feed.connected
        self.async_write_ha_state()


def log_attributes(entry: LogEntry, truncated: bool) -> dict[str, Any]:
    """Return a log as the attributes of an entity.

    Args:
        entry: The log, cut to what attributes can hold.
        truncated: Whether anything was cut.
    """
    attributes = {
        "message": entry.message,
        "level": entry.level,
        "module": entry.module,
        "timestamp": entry.timestamp,
        "type": entry.type,
        "metadata": entry.metadata,
    }
    return attributes | {"truncated": True} if truncated else attributes


async def async_add_device_entities(
    hass: HomeAssistant,
    entry: GoliothConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    entities_of: Callable[[str], Iterable[Entity]],
) -> None:
    """Add the entities of present and future devices.

    Args:
        hass: Home Assistant.
        entry: The project.
        async_add_entities: Adds entities.
        entities_of: Returns the entities of a device, by Golioth's ID.
    """
    coordinator = entry.runtime_data
    added: set[str] = set()

    async def add_new_devices() -> None:
        # A removed device may come back.
        added.intersection_update(coordinator.data)
        new = sorted(coordinator.data.keys() - added)
        added.update(new)
        stretches = batched(new, _DEVICES_AT_ONCE, strict=False)
        async for golioth_device_ids in in_slices(stretches):
            async_add_entities(
                entity
                for golioth_device_id in golioth_device_ids
                if golioth_device_id in coordinator.data
                for entity in entities_of(golioth_device_id)
            )

    @callback
    def handle_update() -> None:
        entry.async_create_task(hass, add_new_devices())

    entry.async_on_unload(coordinator.async_add_listener(handle_update))
    await add_new_devices()
