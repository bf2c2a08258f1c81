"""Sensors of the Golioth integration."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, override

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

from .client import SECOND, LogEntry, Transport
from .coordinator import GoliothConfigEntry, GoliothCoordinator
from .entity import (
    GoliothConnectionEntity,
    GoliothDeviceEntity,
    GoliothEntity,
    async_add_device_entities,
    log_attributes,
)
from .logs.last_log import DeviceLogs, LastLog, ShownLog
from .logs.levels import ALL_LEVELS, OTHER_LEVEL, known_level

PARALLEL_UPDATES = 0

# Counters change with every log, and are shown at most this often.
COUNTER_INTERVAL: Final = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class GoliothLogSensorEntityDescription(SensorEntityDescription):
    """Describes a sensor of a device's last log."""

    last_fn: Callable[[DeviceLogs], LastLog] = lambda logs: logs.last
    value_fn: Callable[[LogEntry], StateType | datetime]
    has_attributes: bool = False


def _message(entry: LogEntry) -> str:
    """Return the message, cut to what a state can hold."""
    message = entry.message
    return (
        message
        if len(message) <= MAX_LENGTH_STATE_STATE
        else f"{message[: MAX_LENGTH_STATE_STATE - 1]}…"
    )


def _time(entry: LogEntry) -> datetime | None:
    """Return the time of a log, if it is valid."""
    if entry.timestamp_ns is None:
        return None
    try:
        return datetime.fromtimestamp(entry.timestamp_ns // SECOND, UTC)
    except OverflowError, OSError, ValueError:
        return None


LOG_SENSORS: Final = (
    GoliothLogSensorEntityDescription(
        key="last_log",
        translation_key="last_log",
        value_fn=_message,
        has_attributes=True,
    ),
    GoliothLogSensorEntityDescription(
        key="last_log_level",
        translation_key="last_log_level",
        device_class=SensorDeviceClass.ENUM,
        entity_registry_enabled_default=False,
        options=list(ALL_LEVELS),
        value_fn=lambda entry: known_level(entry.level),
    ),
    GoliothLogSensorEntityDescription(
        key="last_log_time",
        translation_key="last_log_time",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_registry_enabled_default=False,
        value_fn=_time,
    ),
    GoliothLogSensorEntityDescription(
        key="last_error",
        translation_key="last_error",
        entity_registry_enabled_default=False,
        last_fn=lambda logs: logs.last_error,
        value_fn=_message,
        has_attributes=True,
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
    """Describes a sensor of a project's counter.

    Counters start at 0 with each set-up.
    """

    state_class: SensorStateClass | None = SensorStateClass.TOTAL_INCREASING
    value_fn: Callable[[GoliothCoordinator], int]


COUNTERS: Final = (
    GoliothCounterSensorEntityDescription(
        key="debug_logs",
        translation_key="debug_logs",
        value_fn=lambda coordinator: coordinator.fired["debug"],
    ),
    GoliothCounterSensorEntityDescription(
        key="info_logs",
        translation_key="info_logs",
        value_fn=lambda coordinator: coordinator.fired["info"],
    ),
    GoliothCounterSensorEntityDescription(
        key="warn_logs",
        translation_key="warn_logs",
        value_fn=lambda coordinator: coordinator.fired["warn"],
    ),
    GoliothCounterSensorEntityDescription(
        key="error_logs",
        translation_key="error_logs",
        value_fn=lambda coordinator: coordinator.fired["error"],
    ),
    GoliothCounterSensorEntityDescription(
        key="other_logs",
        translation_key="other_logs",
        value_fn=lambda coordinator: coordinator.fired[OTHER_LEVEL],
    ),
    GoliothCounterSensorEntityDescription(
        key="logs_delivered",
        translation_key="logs_delivered",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda coordinator: coordinator.feed.delivered,
    ),
    GoliothCounterSensorEntityDescription(
        key="logs_caught_up",
        translation_key="logs_caught_up",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda coordinator: coordinator.feed.caught_up,
    ),
    GoliothCounterSensorEntityDescription(
        key="logs_found_by_audit",
        translation_key="logs_found_by_audit",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda coordinator: coordinator.feed.found_by_audit,
    ),
    GoliothCounterSensorEntityDescription(
        key="logs_unreadable",
        translation_key="logs_unreadable",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda coordinator: coordinator.feed.unreadable,
    ),
    GoliothCounterSensorEntityDescription(
        key="frames_ignored",
        translation_key="frames_ignored",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda coordinator: coordinator.feed.ignored,
    ),
)

ERRORS: Final = SensorEntityDescription(
    key="errors",
    translation_key="errors",
    entity_registry_enabled_default=False,
    state_class=SensorStateClass.TOTAL_INCREASING,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: GoliothConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up sensors of the project and of all devices."""
    coordinator = entry.runtime_data
    async_add_entities(
        [
            GoliothTransportSensor(coordinator),
            *(GoliothProjectCounter(coordinator, counter) for counter in COUNTERS),
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

    def sensors_of(golioth_device_id: str) -> list[SensorEntity]:
        return [
            *(
                GoliothLogSensor(coordinator, golioth_device_id, description)
                for description in LOG_SENSORS
            ),
            GoliothErrorCounter(coordinator, golioth_device_id),
        ]

    await async_add_device_entities(hass, entry, async_add_entities, sensors_of)


class GoliothTransportSensor(GoliothConnectionEntity, SensorEntity):
    """Shows how the logs of a project arrive."""

    entity_description = TRANSPORT

    def __init__(self, coordinator: GoliothCoordinator) -> None:
        """Initialize the sensor of a project."""
        super().__init__(coordinator, TRANSPORT.key)

    @property
    @override
    def available(self) -> bool:
        """Return whether there is a transport."""
        return self.coordinator.feed.transport is not None

    @property
    @override
    def native_value(self) -> str | None:
        """Return the transport in use."""
        return self.coordinator.feed.transport


class GoliothCounter(GoliothEntity, SensorEntity):
    """Base entity of a counter.

    It starts at 0 with each set-up, and is shown at intervals.
    """

    async_entity_id_changed = GoliothEntity.async_entity_id_changed

    @property
    def count(self) -> int:
        """The present count."""
        raise NotImplementedError

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the counter."""
        await super().async_added_to_hass()
        self._attr_native_value = self.count
        self.async_on_remove(
            self.coordinator.async_add_counter_listener(self._async_show_count)
        )

    @callback
    def _async_show_count(self) -> None:
        """Write the state, if the counter has changed."""
        if self._attr_native_value != (count := self.count):
            self._attr_native_value = count
            self.async_write_ha_state()


class GoliothProjectCounter(GoliothCounter):
    """Shows one of the project's counters."""

    entity_description: GoliothCounterSensorEntityDescription

    def __init__(
        self,
        coordinator: GoliothCoordinator,
        description: GoliothCounterSensorEntityDescription,
    ) -> None:
        """Initialize the sensor of a project."""
        super().__init__(coordinator, description.key)
        self.entity_description = description

    @property
    @override
    def count(self) -> int:
        """The present count of the project."""
        return self.entity_description.value_fn(self.coordinator)


class GoliothErrorCounter(GoliothDeviceEntity, GoliothCounter):
    """Counts the errors of a device."""

    entity_description = ERRORS

    def __init__(self, coordinator: GoliothCoordinator, golioth_device_id: str) -> None:
        """Initialize the sensor of a device."""
        super().__init__(coordinator, ERRORS.key, golioth_device_id)

    @property
    @override
    def available(self) -> bool:
        """Return True.

        Counts are correct without a connection as well.
        """
        return True

    @property
    @override
    def count(self) -> int:
        """The errors so far."""
        return self._device_logs.errors

    @override
    @callback
    def async_show_connection(self) -> None:
        """Do nothing: counts do not depend on the connection."""


class GoliothLogSensor(GoliothDeviceEntity, SensorEntity, RestoreEntity):
    """Shows a part of a device's last log."""

    async_entity_id_changed = GoliothEntity.async_entity_id_changed

    _unrecorded_attributes = frozenset({"metadata"})

    entity_description: GoliothLogSensorEntityDescription

    def __init__(
        self,
        coordinator: GoliothCoordinator,
        golioth_device_id: str,
        description: GoliothLogSensorEntityDescription,
    ) -> None:
        """Initialize the sensor of a device."""
        super().__init__(coordinator, description.key, golioth_device_id)
        self.entity_description = description
        self._shown: ShownLog | None = None

    @property
    @override
    def extra_restore_state_data(self) -> ExtraStoredData | None:
        """Return the last log, shown or not, to be restored."""
        return self._last.shown

    @override
    async def async_added_to_hass(self) -> None:
        """Show the device's last log.

        Without one, it is the log that was shown before, until the next log.
        """
        await super().async_added_to_hass()
        if (stored := await self.async_get_last_extra_data()) is not None:
            # The data of another version may not fit: nothing is shown then until the
            # next log.
            with suppress(TypeError):
                self._last.restore(ShownLog.from_dict(stored.as_dict()))
        self._take_last()
        if self._last is self._device_logs.last_error:
            self._device_logs.shows_error = True

    @override
    @callback
    def async_show(self) -> None:
        """Write the state, if there is another log to show."""
        if self._take_last():
            self.async_write_ha_state()

    @property
    def _last(self) -> LastLog:
        return self.entity_description.last_fn(self._device_logs)

    def _take_last(self) -> bool:
        """Take the last log; return whether it is another one."""
        shown = self._last.shown
        if shown is None or shown is self._shown:
            return False
        self._shown = shown
        description = self.entity_description
        self._attr_native_value = description.value_fn(shown.entry)
        if description.has_attributes:
            self._attr_extra_state_attributes = log_attributes(
                shown.entry, shown.truncated
            )
        return True
