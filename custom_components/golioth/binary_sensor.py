"""Binary sensors of the Golioth integration."""

from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import GoliothConfigEntry, GoliothCoordinator
from .entity import GoliothConnectionEntity

PARALLEL_UPDATES = 0

CONNECTION = BinarySensorEntityDescription(
    key="connection",
    translation_key="connection",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: GoliothConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensor of a project."""
    async_add_entities([GoliothConnectionSensor(entry.runtime_data)])


class GoliothConnectionSensor(GoliothConnectionEntity, BinarySensorEntity):
    """Shows whether the logs of a project arrive."""

    entity_description = CONNECTION

    def __init__(self, coordinator: GoliothCoordinator) -> None:
        """Initialize the sensor of a project."""
        super().__init__(coordinator, CONNECTION.key)

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the feed is connected."""
        return self.coordinator.feed.connected
