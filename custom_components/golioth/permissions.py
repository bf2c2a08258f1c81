"""Permissions on Golioth's devices and projects."""

from collections.abc import Collection, Mapping
from math import inf
from typing import TYPE_CHECKING, Final

from homeassistant.auth.models import User
from homeassistant.auth.permissions import AbstractPermissions
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .devices import async_get_entities, golioth_id

if TYPE_CHECKING:
    from .coordinator import GoliothConfigEntry

# In seconds. All entities of a large fleet take milliseconds, and many devices of one
# that is too large for Home Assistant have none.
_LOOK_UP_INTERVAL: Final = 0.1

# By the IDs of the user and of the entry.
_LOG_PERMISSIONS: HassKey[dict[tuple[str, str], LogPermission]] = HassKey(
    f"{DOMAIN}_log_permissions"
)


class LogPermission:
    """Checks which logs of a project a user may read.

    For those of a device, the user needs to read all of its entities. Where it has
    none, the user needs to read all entities of the project, which stands for every
    device that Golioth does not list.
    """

    def __init__(
        self, hass: HomeAssistant, user: User, entry: GoliothConfigEntry
    ) -> None:
        """Prepare, without looking anything up."""
        self._hass = hass
        self._user = user
        self._entry = entry
        # Results for the project, the permissions that they rest on, and when they
        # expire.
        self._covers_project: bool | None = None
        self._readable: dict[str, dr.DeviceEntry] | None = None
        self._permissions: AbstractPermissions | None = None
        self._expires_at = -inf

    @property
    def is_expired(self) -> bool:
        """Whether the results for the project have expired."""
        return (
            self._user.permissions is not self._permissions
            or self._hass.loop.time() >= self._expires_at
        )

    @callback
    def async_covers(self, device_id: str | None) -> bool:
        """Return whether the user may read a device's logs.

        Args:
            device_id: Home Assistant's ID of the device; None, or that of the project's
                own device, for the whole project.
        """
        # Looking up the entities of a large fleet for an administrator is needless.
        if self._user.is_admin:
            return True
        if device_id is not None:
            device = dr.async_get(self._hass).async_get(
                device_id, include_child_devices=False
            )
            if device is not None and golioth_id(device, self._entry) is not None:
                entities = async_get_entities(er.async_get(self._hass), device_id)
                if entities:
                    return _has_permission(self._user, entities, POLICY_READ)
        return self._async_covers_project()

    @callback
    def async_readable_devices(self) -> Mapping[str, dr.DeviceEntry]:
        """Return the devices whose logs the user may read.

        They are by Home Assistant's ID, and looked up at most ten times a second.
        """
        self._async_forget_expired()
        if self._readable is None:
            self._readable = {
                device.id: device
                for device in dr.async_entries_for_config_entry(
                    dr.async_get(self._hass), self._entry.entry_id
                )
                if self.async_covers(device.id)
            }
        return self._readable

    @callback
    def _async_covers_project(self) -> bool:
        """Return whether the user may read the whole project.

        That is all of its entities, which are looked up at most ten times a second.
        """
        self._async_forget_expired()
        if self._covers_project is None:
            self._covers_project = _has_permission(
                self._user,
                er.async_entries_for_config_entry(
                    er.async_get(self._hass), self._entry.entry_id
                ),
                POLICY_READ,
            )
        return self._covers_project

    @callback
    def _async_forget_expired(self) -> None:
        if self.is_expired:
            self._covers_project = self._readable = None
            self._permissions = self._user.permissions
            self._expires_at = self._hass.loop.time() + _LOOK_UP_INTERVAL


@callback
def async_get_log_permission(
    hass: HomeAssistant, user: User, entry: GoliothConfigEntry
) -> LogPermission:
    """Return the check of a user's permission on logs.

    It is shared by simultaneous requests: a frame may hold hundreds of commands, which
    are handled in one go.
    """
    every = hass.data.setdefault(_LOG_PERMISSIONS, {})
    key = (user.id, entry.entry_id)
    if (permission := every.get(key)) is None:
        # Forget users and projects that are gone.
        for other in [each for each in every if every[each].is_expired]:
            del every[other]
        permission = every[key] = LogPermission(hass, user, entry)
    return permission


@callback
def async_may_call(hass: HomeAssistant, user: User, device_id: str) -> bool:
    """Return whether a user may call methods of a device.

    The user needs to control all of its entities; where there are none, to be an
    administrator.
    """
    return user.is_admin or _has_permission(
        user, async_get_entities(er.async_get(hass), device_id), POLICY_CONTROL
    )


def _has_permission(
    user: User, entities: Collection[er.RegistryEntry], policy: str
) -> bool:
    """Return whether a user has a permission on each entity.

    Without entities, the user does not.
    """
    permissions = user.permissions
    return bool(entities) and (
        permissions.access_all_entities(policy)
        or all(
            permissions.check_entity(entity.entity_id, policy) for entity in entities
        )
    )
