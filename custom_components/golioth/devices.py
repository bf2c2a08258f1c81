"""The devices of a project in the device registry."""

from collections.abc import Mapping
import logging
from typing import TYPE_CHECKING, Any

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .client import MAX_DEVICES, Device, DeviceList, Project, in_slices
from .const import CONF_PROJECT_ID, DOMAIN, MANUFACTURER
from .storage.left_out import LeftOutLogs
from .storage.leftovers import async_forget_states
from .storage.removed_projects import async_get_removed_projects

if TYPE_CHECKING:
    from .coordinator import GoliothConfigEntry

_LOGGER = logging.getLogger(__name__)


class RegisteredDevices:
    """Manages the registered devices of a project.

    Listed devices are registered; those that two complete lists in a row lack are
    removed.

    Attributes:
        project_device_id: Home Assistant's ID of the project's own device.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: GoliothConfigEntry,
        project: Project,
        left_out: LeftOutLogs,
    ) -> None:
        """Register the project's device, and read the registered others.

        Args:
            hass: Home Assistant.
            entry: The project's entry.
            project: The project.
            left_out: Records which devices are disabled in Home Assistant.
        """
        self._hass = hass
        self._entry_id = entry.entry_id
        self._registry = dr.async_get(hass)
        self._project_id = project.id
        self._was_removed = self._async_restore_project(hass, project)
        self.project_device_id = self._registry.async_get_or_create(
            config_entry_id=self._entry_id,
            entry_type=dr.DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, self._entry_id)},
            manufacturer=MANUFACTURER,
            name=project.name,
        ).id
        self._left_out = left_out
        # Home Assistant's IDs by Golioth's.
        self._ids: dict[str, str] = {}
        for device in dr.async_entries_for_config_entry(self._registry, self._entry_id):
            if device.id != self.project_device_id:
                self._ids |= dict.fromkeys(_golioth_ids(device), device.id)
                self._note_disabled(device)
        left_out.async_forget(left_out.muted - self._ids.keys())
        entry.async_on_unload(
            hass.bus.async_listen(
                dr.EVENT_DEVICE_REGISTRY_UPDATED,
                self._async_handle_update,
                event_filter=self._async_is_about_disabling,
            )
        )
        # Registered devices that the last complete list lacked.
        self._missing: set[str] = set()
        # Home Assistant remembers removed devices, too: a service that always lists
        # others would fill its storage.
        self._ever_registered = set(self._ids)
        self._has_warned = False

    @callback
    def _async_restore_project(self, hass: HomeAssistant, project: Project) -> bool:
        """Restore the device of a project that is added again.

        Home Assistant restores other removed devices by their identifiers, but that of
        the project changes with the entry.

        Returns:
            Whether the project is added again.
        """
        identifier = (DOMAIN, self._entry_id)
        before = async_get_removed_projects(hass).async_last_entry_id(project.id)
        if before is None:
            return False
        if self._registry.async_get_device_by_identifier(identifier, self._entry_id):
            return True
        device = self._registry.async_get_or_create(
            config_entry_id=self._entry_id, identifiers={identifier, (DOMAIN, before)}
        )
        self._registry.async_update_device(device.id, new_identifiers={identifier})
        return True

    def get(self, golioth_device_id: str) -> str:
        """Return Home Assistant's ID of a device.

        That of the project's own, where the device is not registered.
        """
        return self._ids.get(golioth_device_id, self.project_device_id)

    async def async_update(
        self, listed: DeviceList, known: dict[str, Device]
    ) -> dict[str, Device]:
        """Update the registry from a list.

        Args:
            listed: What Golioth lists.
            known: What was returned for the list before.

        Returns:
            The devices by Golioth's ID: those of the list, and missing ones that are
                not removed yet.
        """
        devices: dict[str, Device] = {}
        async for device in in_slices(listed.devices.values()):
            if known.get(device.id) == device or self._register(device):
                devices[device.id] = device
        missing = self._ids.keys() - devices.keys()
        gone = missing & self._missing if listed.is_complete else set()
        self._missing = (
            missing - gone if listed.is_complete else missing & self._missing
        )
        entity_ids: list[str] = []
        async for golioth_device_id in in_slices(gone):
            entity_ids += self._remove(golioth_device_id)
        if entity_ids:
            async_forget_states(self._hass, entity_ids)
        missing_for_now = self._ids.keys() & known.keys() - devices.keys()
        return devices | {each: known[each] for each in missing_for_now}

    @callback
    def async_forget(self, device: dr.AnyDeviceEntry) -> set[str]:
        """Forget a device that is deleted by hand.

        Returns:
            Golioth's IDs of it. None, where it should not be deleted: the project's own
                device, and one that Golioth lists, because it would come back.
        """
        golioth_ids = _golioth_ids(device)
        if device.id == self.project_device_id or any(
            each in self._ids and each not in self._missing for each in golioth_ids
        ):
            return set()
        for each in golioth_ids:
            self._ids.pop(each, None)
        self._left_out.async_forget(golioth_ids)
        # Home Assistant removes the device right after this.
        self._hass.loop.call_soon(
            async_forget_states, self._hass, self._entity_ids(device.id)
        )
        return golioth_ids

    def _register(self, device: Device) -> bool:
        """Register or update a device; return whether there is room."""
        if device.id not in self._ever_registered:
            if len(self._ever_registered) >= MAX_DEVICES:
                if not self._has_warned:
                    self._has_warned = True
                    _LOGGER.warning(
                        "Golioth has listed more than %d different devices. Further ones are not added until this project is"
                        " reloaded",
                        MAX_DEVICES,
                    )
                return False
            self._ever_registered.add(device.id)
        identifiers = {(DOMAIN, device.id)}
        removed_identifier = _removed_identifier(self._project_id, device.id)
        registered = self._registry.async_get_or_create(
            config_entry_id=self._entry_id,
            identifiers=(
                identifiers | {removed_identifier}
                if self._was_removed and device.id not in self._ids
                else identifiers
            ),
            name=device.name,
            serial_number=device.hardware_ids[0] if device.hardware_ids else None,
            via_device_id=self.project_device_id,
        )
        if removed_identifier in registered.identifiers:
            self._registry.async_update_device(
                registered.id, new_identifiers=identifiers
            )
        self._ids[device.id] = registered.id
        # One that comes back may have been disabled before.
        self._note_disabled(registered)
        return True

    @callback
    def _async_is_about_disabling(self, data: Mapping[str, Any]) -> bool:
        return data["action"] == "update" and "disabled_by" in data["changes"]

    @callback
    def _async_handle_update(
        self, event: Event[dr.EventDeviceRegistryUpdatedData]
    ) -> None:
        """Mute a device that is disabled, or unmute it."""
        device = self._registry.async_get(
            event.data["device_id"], include_child_devices=False
        )
        if (
            device is not None
            and device.config_entry_id == self._entry_id
            and device.id != self.project_device_id
        ):
            self._note_disabled(device)

    def _note_disabled(self, device: dr.DeviceEntry) -> None:
        self._left_out.async_note_disabled(
            _golioth_ids(device), device.disabled, device.modified_at
        )

    def _remove(self, golioth_device_id: str) -> list[str]:
        """Remove a device; return the IDs of its entities."""
        self._left_out.async_forget({golioth_device_id})
        device_id = self._ids.pop(golioth_device_id, None)
        if device_id is None or self._registry.async_get(device_id) is None:
            return []
        entity_ids = self._entity_ids(device_id)
        self._registry.async_remove_device(device_id)
        return entity_ids

    def _entity_ids(self, device_id: str) -> list[str]:
        entities = async_get_entities(er.async_get(self._hass), device_id)
        return [entity.entity_id for entity in entities]


def golioth_id(device: dr.AnyDeviceEntry, entry: GoliothConfigEntry) -> str | None:
    """Return Golioth's ID of a device; None for the project's."""
    if (DOMAIN, entry.entry_id) in device.identifiers:
        return None
    return next(
        identifier for domain, identifier in device.identifiers if domain == DOMAIN
    )


async def async_mark_removed(hass: HomeAssistant, entry: GoliothConfigEntry) -> None:
    """Give devices of a removed project identifiers of their own.

    Home Assistant remembers removed devices by their identifiers, for when they come
    back, and of those with equal ones only the last: without this, that might be a
    device of another project.
    """
    # An entry of a newer release may have none.
    if (project_id := entry.data.get(CONF_PROJECT_ID)) is None:
        return
    registry = dr.async_get(hass)
    devices = dr.async_entries_for_config_entry(registry, entry.entry_id)
    async for device in in_slices(devices):
        if (DOMAIN, entry.entry_id) not in device.identifiers:
            registry.async_update_device(
                device.id,
                new_identifiers={
                    _removed_identifier(project_id, each)
                    for each in _golioth_ids(device)
                },
            )


@callback
def async_is_muted(
    hass: HomeAssistant, entry: GoliothConfigEntry, device_id: str
) -> bool:
    """Return whether a device is disabled.

    The project's own mutes no other.
    """
    device = dr.async_get(hass).async_get(device_id, include_child_devices=False)
    return (
        device is not None and device.disabled and golioth_id(device, entry) is not None
    )


@callback
def async_get_entities(
    entity_registry: er.EntityRegistry, device_id: str
) -> list[er.RegistryEntry]:
    """Return our entities of a device."""
    return [
        entity
        for entity in er.async_entries_for_device(
            entity_registry, device_id, include_disabled_entities=True
        )
        if entity.platform == DOMAIN
    ]


def _golioth_ids(device: dr.AnyDeviceEntry) -> set[str]:
    return {each for domain, each in device.identifiers if domain == DOMAIN}


def _removed_identifier(project_id: str, golioth_device_id: str) -> tuple[str, str]:
    """Return the identifier of a removed project's device."""
    return DOMAIN, f"{project_id}/{golioth_device_id}"
