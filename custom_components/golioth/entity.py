"""Base entities of the Golioth integration."""

from typing import override

from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity

from .client.models import LogEntry
from .const import DOMAIN
from .coordinator import GoliothCoordinator


class GoliothEntity(Entity):
    """An entity of a project: it follows the connection."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(
        self, coordinator: GoliothCoordinator, golioth_id: str, key: str
    ) -> None:
        """Belong to a device, or to the project itself.

        Args:
            coordinator: The project.
            golioth_id: Golioth's ID of the device or the project, whose device the coordinator has registered.
            key: What the entity is, unique for the device.
        """
        self.coordinator = coordinator
        self._attr_unique_id = f"{coordinator.project_id}_{golioth_id}_{key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, golioth_id)})

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the connection."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self.coordinator.async_add_connection_listener(self.async_write_ha_state)
        )


class GoliothDeviceEntity(GoliothEntity):
    """An entity of a Golioth device: it follows the logs of that device, and of no other."""

    def __init__(
        self, coordinator: GoliothCoordinator, golioth_device_id: str, key: str
    ) -> None:
        """Belong to a device."""
        super().__init__(coordinator, golioth_device_id, key)
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
    def _async_handle_log(self, entry: LogEntry) -> None:
        """Take a log in, and write the state if the log changed it."""
        raise NotImplementedError
