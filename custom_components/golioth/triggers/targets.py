"""The Golioth devices of a target."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import voluptuous as vol

from homeassistant.const import CONF_EXCLUDE
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import (
    area_registry as ar,
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    label_registry as lr,
)
from homeassistant.helpers.target import (
    TargetSelection,
    async_extract_referenced_entity_ids,
)
from homeassistant.helpers.typing import ConfigType

from ..const import DOMAIN

_REGISTRY_EVENTS: Final = (
    ar.EVENT_AREA_REGISTRY_UPDATED,
    dr.EVENT_DEVICE_REGISTRY_UPDATED,
    er.EVENT_ENTITY_REGISTRY_UPDATED,
    fr.EVENT_FLOOR_REGISTRY_UPDATED,
    lr.EVENT_LABEL_REGISTRY_UPDATED,
)


def _has_target(target: ConfigType) -> ConfigType:
    """Refuse an empty target."""
    if not TargetSelection(target).has_any_target:
        raise vol.Invalid("choose at least one device, entity, area, floor or label")
    return target


TARGET_SCHEMA: Final = vol.All(vol.Schema(cv.TARGET_FIELDS), _has_target)


def is_ours(device: dr.DeviceEntry) -> bool:
    """Return whether a device is Golioth's."""
    return any(identifier[0] == DOMAIN for identifier in device.identifiers)


class TargetDevices:
    """Tracks the Golioth devices of a target.

    An entity stands for its device, however it is targeted or excluded: by itself, by
    its label, or by its area.

    Attributes:
        device_ids: Home Assistant's IDs of the devices.
    """

    device_ids: frozenset[str]

    def __init__(
        self, hass: HomeAssistant, target: ConfigType, on_change: Callable[[], None]
    ) -> None:
        """Prepare, without looking anything up.

        Args:
            hass: Home Assistant.
            target: Validated by `cv.TARGET_FIELDS`.
            on_change: Called when `device_ids` has changed. It is empty before the
                start.
        """
        self.device_ids = frozenset()
        self._hass = hass
        self._selection = TargetSelection(target)
        # Only Home Assistant 2026.11 and later lets a target leave something out.
        self._exclude = TargetSelection(target.get(CONF_EXCLUDE, {}))
        self._on_change = on_change
        self._remove_listeners: list[CALLBACK_TYPE] = []

    @callback
    def async_start(self) -> None:
        """Follow the target until `async_stop`.

        A change of a registry takes effect at once.
        """
        # These registries change all the time, mostly for other integrations.
        event_filters = {
            dr.EVENT_DEVICE_REGISTRY_UPDATED: self._async_is_of_our_device,
            er.EVENT_ENTITY_REGISTRY_UPDATED: self._async_is_of_our_entity,
        }
        self._remove_listeners = [
            self._hass.bus.async_listen(
                event_type,
                self._async_update,
                event_filter=event_filters.get(event_type),
            )
            for event_type in _REGISTRY_EVENTS
        ]
        self._async_update()

    @callback
    def async_stop(self) -> None:
        """Stop following the registries."""
        for remove_listener in self._remove_listeners:
            remove_listener()
        self._remove_listeners.clear()

    @callback
    def _async_update(self, _event: Event[Any] | None = None) -> None:
        device_ids = self._async_look_up()
        if device_ids != self.device_ids:
            self.device_ids = device_ids
            self._on_change()

    @callback
    def _async_is_of_our_device(self, data: Mapping[str, Any]) -> bool:
        device = dr.async_get(self._hass).async_get(
            data["device_id"], include_child_devices=False
        )
        # A removed device is ours if it was before.
        return (
            data["device_id"] in self.device_ids if device is None else is_ours(device)
        )

    @callback
    def _async_is_of_our_entity(self, data: Mapping[str, Any]) -> bool:
        entry = er.async_get(self._hass).async_get(data["entity_id"])
        return entry is None or entry.platform == DOMAIN

    @callback
    def _async_look_up(self) -> frozenset[str]:
        selected = async_extract_referenced_entity_ids(
            self._hass,
            self._selection,
            expand_group=False,
            primary_entities_only=False,
        )
        device_registry = dr.async_get(self._hass)
        device_ids = selected.referenced_devices | self._devices_of(
            selected.referenced | selected.indirectly_referenced
        )
        return frozenset(
            device_id
            for device_id in device_ids - self._excluded_devices()
            if (
                device := device_registry.async_get(
                    device_id, include_child_devices=False
                )
            )
            is not None
            and is_ours(device)
            # A disabled device is muted, also where the target names it.
            and not device.disabled
        )

    def _excluded_devices(self) -> set[str]:
        """Return the excluded devices.

        Hidden entities of an area or label exclude theirs as well.
        """
        if not self._exclude.has_any_target:
            return set()
        excluded = async_extract_referenced_entity_ids(
            self._hass,
            self._exclude,
            expand_group=False,
            primary_entities_only=False,
        )
        entity_registry = er.async_get(self._hass)
        entries = [
            entry
            for label_id in self._exclude.label_ids
            for entry in er.async_entries_for_label(entity_registry, label_id)
        ] + [
            entry
            for area_id in excluded.referenced_areas
            for entry in er.async_entries_for_area(entity_registry, area_id)
        ]
        return excluded.referenced_devices | self._devices_of(
            self._exclude.entity_ids | {entry.entity_id for entry in entries}
        )

    def _devices_of(self, entity_ids: set[str]) -> set[str]:
        """Return the devices of those entities that are ours."""
        entity_registry = er.async_get(self._hass)
        return {
            entry.device_id
            for entity_id in entity_ids
            if (entry := entity_registry.async_get(entity_id)) is not None
            and entry.platform == DOMAIN
            and entry.device_id is not None
        }
