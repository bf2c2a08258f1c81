"""Sensors of the Golioth integration."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import MAX_LENGTH_STATE_STATE, EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.restore_state import ExtraStoredData, RestoreEntity
from homeassistant.helpers.typing import StateType

from .client.feed import LogFeed, LogSource, Transport
from .client.models import LEVELS, LogEntry
from .coordinator import (
    MAX_ATTRIBUTES_SIZE,
    GoliothConfigEntry,
    GoliothCoordinator,
    is_last,
)
from .entity import GoliothConnectionEntity, GoliothDeviceEntity, GoliothEntity

PARALLEL_UPDATES = 0

# A level that Golioth does not publish, or none.
OTHER_LEVEL: Final = "other"

# Counters move with every log: they are shown no more often than this.
COUNTER_INTERVAL: Final = timedelta(seconds=30)


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
    """Return the whole log."""
    return {
        "message": entry.message,
        "level": entry.level,
        "module": entry.module,
        "timestamp": entry.timestamp,
        "type": entry.type,
        "metadata": entry.metadata,
    }


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


TRANSPORT: Final = SensorEntityDescription(
    key="transport",
    translation_key="transport",
    device_class=SensorDeviceClass.ENUM,
    entity_category=EntityCategory.DIAGNOSTIC,
    options=[transport.value for transport in Transport],
)


@dataclass(frozen=True, kw_only=True)
class GoliothCounterSensorEntityDescription(SensorEntityDescription):
    """What a sensor shows of the feed's counters, which start at 0 with each set-up."""

    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    state_class: SensorStateClass | None = SensorStateClass.TOTAL_INCREASING
    value_fn: Callable[[LogFeed], int]


COUNTERS: Final = (
    GoliothCounterSensorEntityDescription(
        key="logs_delivered",
        translation_key="logs_delivered",
        value_fn=lambda feed: feed.delivered,
    ),
    GoliothCounterSensorEntityDescription(
        key="logs_caught_up",
        translation_key="logs_caught_up",
        value_fn=lambda feed: feed.caught_up,
    ),
    GoliothCounterSensorEntityDescription(
        key="logs_found_by_audit",
        translation_key="logs_found_by_audit",
        entity_registry_enabled_default=False,
        value_fn=lambda feed: feed.found_by_audit,
    ),
    GoliothCounterSensorEntityDescription(
        key="frames_ignored",
        translation_key="frames_ignored",
        entity_registry_enabled_default=False,
        value_fn=lambda feed: feed.ignored,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: GoliothConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of the project, of every device, and of those to come."""
    coordinator = entry.runtime_data
    async_add_entities(
        [
            GoliothTransportSensor(coordinator),
            *(GoliothCounterSensor(coordinator, counter) for counter in COUNTERS),
        ]
    )
    entry.async_on_unload(
        async_track_time_interval(
            hass,
            coordinator.async_show_counters,
            COUNTER_INTERVAL,
            cancel_on_shutdown=True,
        )
    )
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


class GoliothTransportSensor(GoliothConnectionEntity, SensorEntity):
    """How the logs of the project arrive at present."""

    entity_description = TRANSPORT

    def __init__(self, coordinator: GoliothCoordinator) -> None:
        """Belong to the project."""
        super().__init__(coordinator, TRANSPORT.key)

    @property
    @override
    def available(self) -> bool:
        """Whether there is a transport."""
        return self.coordinator.feed.transport is not None

    @property
    @override
    def native_value(self) -> str | None:
        """The transport in use."""
        return self.coordinator.feed.transport


class GoliothCounterSensor(GoliothEntity, SensorEntity):
    """One of the feed's counters."""

    entity_description: GoliothCounterSensorEntityDescription

    def __init__(
        self,
        coordinator: GoliothCoordinator,
        description: GoliothCounterSensorEntityDescription,
    ) -> None:
        """Belong to the project."""
        super().__init__(coordinator, description.key)
        self.entity_description = description
        self._attr_native_value = description.value_fn(coordinator.feed)

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the counter."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self.coordinator.async_add_counter_listener(self._async_show)
        )

    @callback
    def _async_show(self) -> None:
        """Write the state, if the counter has moved."""
        value = self.entity_description.value_fn(self.coordinator.feed)
        if value != self._attr_native_value:
            self._attr_native_value = value
            self.async_write_ha_state()


@dataclass(frozen=True, slots=True)
class ShownLog(ExtraStoredData):
    """The log that a sensor shows, cut to what attributes can hold, and kept over a restart."""

    entry: LogEntry
    truncated: bool

    @override
    def as_dict(self) -> dict[str, Any]:
        """Return the log for the storage."""
        return {**self.entry._asdict(), "truncated": self.truncated}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return what `as_dict` returned; raises TypeError where it is something else."""
        fields = dict(data)
        truncated = bool(fields.pop("truncated", False))
        return cls(LogEntry(**fields), truncated)


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
        super().__init__(coordinator, description.key, golioth_device_id)
        self.entity_description = description
        self._shown: ShownLog | None = None

    @property
    @override
    def extra_restore_state_data(self) -> ExtraStoredData | None:
        """The log that is shown."""
        return self._shown

    @override
    async def async_added_to_hass(self) -> None:
        """Show what was shown before, until the next log."""
        if (stored := await self.async_get_last_extra_data()) is not None:
            # What another version has stored may not fit: then there is nothing to show until the next log.
            with suppress(TypeError):
                self._show(ShownLog.from_dict(stored.as_dict()))
        await super().async_added_to_hass()

    @override
    @callback
    def _async_handle_log(self, entry: LogEntry, source: LogSource | None) -> None:
        """Show the log, if it is one for this sensor and the last one."""
        if self.entity_description.applies_fn(entry) and is_last(
            entry, source, None if self._shown is None else self._shown.entry
        ):
            self._show(ShownLog(*entry.bounded(MAX_ATTRIBUTES_SIZE)))
            self.async_write_ha_state()

    def _show(self, shown: ShownLog) -> None:
        self._shown = shown
        description = self.entity_description
        self._attr_native_value = description.value_fn(shown.entry)
        if description.attributes_fn is not None:
            self._attr_extra_state_attributes = description.attributes_fn(shown.entry)
            if shown.truncated:
                self._attr_extra_state_attributes["truncated"] = True
