"""Base entities of the Golioth integration."""

from typing import override

from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity

from .client.feed import LogSource
from .client.models import LogEntry
from .const import DOMAIN
from .coordinator import GoliothCoordinator


class GoliothEntity(Entity):
    """An entity of a project, or of one of its devices."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(
        self,
        coordinator: GoliothCoordinator,
        key: str,
        golioth_device_id: str | None = None,
    ) -> None:
        """Belong to a device, or to the project itself.

        Args:
            coordinator: The project, which has registered the device.
            key: What the entity is, unique for the device.
            golioth_device_id: Golioth's ID of the device; None for the project.
        """
        self.coordinator = coordinator
        project_id = coordinator.project_id
        self._attr_unique_id = f"{project_id}_{golioth_device_id or project_id}_{key}"
        # What a service calls its devices cannot be taken for the project.
        identifier = golioth_device_id or coordinator.config_entry.entry_id
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, identifier)})


class GoliothConnectionEntity(GoliothEntity):
    """An entity that follows the connection."""

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the connection."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self.coordinator.async_add_connection_listener(self.async_write_ha_state)
        )


class GoliothDeviceEntity(GoliothConnectionEntity):
    """An entity of a Golioth device: it follows the logs of that device, and of no other."""

    def __init__(
        self, coordinator: GoliothCoordinator, key: str, golioth_device_id: str
    ) -> None:
        """Belong to a device."""
        super().__init__(coordinator, key, golioth_device_id)
        self._golioth_device_id = golioth_device_id

    @property
    @override
    def available(self) -> bool:
        """Whether a log of the device would be seen."""
        return self.coordinator.feed.connected

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the logs of the device."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self.coordinator.async_add_log_listener(
                self._golioth_device_id, self._async_handle_log
            )
        )

    @callback
    def _async_handle_log(self, entry: LogEntry, source: LogSource | None) -> None:
        """Take a log in, and write the state if the log changed it."""
        raise NotImplementedError
