"""Sensors of the Golioth integration."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
)
from homeassistant.const import MAX_LENGTH_STATE_STATE
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.restore_state import ExtraStoredData, RestoreEntity
from homeassistant.helpers.typing import StateType

from .client.models import LEVELS, LogEntry
from .coordinator import GoliothConfigEntry, GoliothCoordinator
from .entity import GoliothDeviceEntity

PARALLEL_UPDATES = 0

# A level that Golioth does not publish, or none.
OTHER_LEVEL: Final = "other"

# Message and metadata in the attributes, in bytes.
MAX_ATTRIBUTES_SIZE: Final = 4 * 1024


@dataclass(frozen=True, kw_only=True)
class GoliothLogSensorEntityDescription(SensorEntityDescription):
    """What a sensor shows of the last log that is one for it."""

    applies_fn: Callable[[LogEntry], bool] = lambda _entry: True
    value_fn: Callable[[LogEntry], StateType | datetime]
    attributes_fn: Callable[[LogEntry], dict[str, Any]] | None = None


def _message(entry: LogEntry) -> str:
    """Return as much of the message as a state can hold."""
    message = entry.message
    return (
        message
        if len(message) <= MAX_LENGTH_STATE_STATE
        else f"{message[: MAX_LENGTH_STATE_STATE - 1]}…"
    )


def _time(entry: LogEntry) -> datetime | None:
    """Return when the device logged, if its clock gave a time."""
    if entry.timestamp_ns is None:
        return None
    try:
        return datetime.fromtimestamp(entry.timestamp_ns // 1_000_000_000, UTC)
    except OverflowError, OSError, ValueError:
        return None


def _attributes(entry: LogEntry) -> dict[str, Any]:
    """Return the whole log, as far as attributes should hold it."""
    bounded, truncated = entry.bounded(MAX_ATTRIBUTES_SIZE)
    attributes: dict[str, Any] = {
        "message": bounded.message,
        "level": entry.level,
        "module": entry.module,
        "timestamp": entry.timestamp,
        "type": entry.type,
        "metadata": bounded.metadata,
    }
    if truncated:
        attributes["truncated"] = True
    return attributes


LOG_SENSORS: Final = (
    GoliothLogSensorEntityDescription(
        key="last_log",
        translation_key="last_log",
        value_fn=_message,
        attributes_fn=_attributes,
    ),
    GoliothLogSensorEntityDescription(
        key="last_log_level",
        translation_key="last_log_level",
        device_class=SensorDeviceClass.ENUM,
        options=[*LEVELS, OTHER_LEVEL],
        value_fn=lambda entry: entry.level if entry.level in LEVELS else OTHER_LEVEL,
    ),
    GoliothLogSensorEntityDescription(
        key="last_log_time",
        translation_key="last_log_time",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=_time,
    ),
    GoliothLogSensorEntityDescription(
        key="last_error",
        translation_key="last_error",
        applies_fn=lambda entry: entry.level == "error",
        value_fn=_message,
        attributes_fn=_attributes,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: GoliothConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of every device, and of those to come."""
    coordinator = entry.runtime_data
    added: set[str] = set()

    @callback
    def add_devices() -> None:
        new = coordinator.data.keys() - added
        added.update(new)
        async_add_entities(
            GoliothLogSensor(coordinator, golioth_device_id, description)
            for golioth_device_id in sorted(new)
            for description in LOG_SENSORS
        )

    add_devices()
    entry.async_on_unload(coordinator.async_add_listener(add_devices))


@dataclass(frozen=True, slots=True)
class StoredLog(ExtraStoredData):
    """The log that a sensor shows, kept over a restart."""

    entry: LogEntry

    @override
    def as_dict(self) -> dict[str, Any]:
        """Return the log for the storage."""
        return self.entry.bounded(MAX_ATTRIBUTES_SIZE)[0]._asdict()


class GoliothLogSensor(GoliothDeviceEntity, SensorEntity, RestoreEntity):
    """Something of the last log of a device."""

    _unrecorded_attributes = frozenset({"metadata"})

    entity_description: GoliothLogSensorEntityDescription

    def __init__(
        self,
        coordinator: GoliothCoordinator,
        golioth_device_id: str,
        description: GoliothLogSensorEntityDescription,
    ) -> None:
        """Belong to a device."""
        super().__init__(coordinator, golioth_device_id, description.key)
        self.entity_description = description
        self._entry: LogEntry | None = None

    @property
    @override
    def extra_restore_state_data(self) -> ExtraStoredData | None:
        """The log that is shown."""
        return None if self._entry is None else StoredLog(self._entry)

    @override
    async def async_added_to_hass(self) -> None:
        """Show what was shown before, until the next log."""
        if (stored := await self.async_get_last_extra_data()) is not None:
            # What another version has stored may not fit: then there is nothing to show until the next log.
            with suppress(TypeError):
                self._show(LogEntry(**stored.as_dict()))
        await super().async_added_to_hass()

    @override
    @callback
    def _async_handle_log(self, entry: LogEntry) -> None:
        """Show the log, if it is one for this sensor."""
        if self.entity_description.applies_fn(entry):
            self._show(entry)
            self.async_write_ha_state()

    def _show(self, entry: LogEntry) -> None:
        self._entry = entry
        self._attr_native_value = self.entity_description.value_fn(entry)
        if self.entity_description.attributes_fn is not None:
            self._attr_extra_state_attributes = self.entity_description.attributes_fn(
                entry
            )
