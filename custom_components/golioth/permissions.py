"""Who may do what with Golioth's devices and projects, by the permissions on their entities."""

from collections.abc import Collection
from math import inf
from typing import Final

from homeassistant.auth.models import User
from homeassistant.auth.permissions import AbstractPermissions
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .devices import async_get_entities, golioth_id

# In seconds. All entities of a large fleet take milliseconds, and many devices of one that
# is too large for Home Assistant have none.
_LOOK_UP_INTERVAL: Final = 0.1


class LogPermission:
    """Tells which logs of a project a user may read.

    For those of a device, the user needs to read all of its entities. Where it has none, the user needs to read all entities of
    the project, which stands for every device that Golioth does not list yet, or any more.
    """

    def __init__(self, hass: HomeAssistant, user: User, entry: ConfigEntry) -> None:
        """Look nothing up yet."""
        self._hass = hass
        self._user = user
        self._entry = entry
        # The answer for the whole project, what it was found with, and until when it holds.
        self._covers_project = False
        self._permissions: AbstractPermissions | None = None
        self._expires_at = -inf

    @callback
    def async_covers(self, device_id: str | None) -> bool:
        """Return whether the user may read the logs of a device, at present.

        Args:
            device_id: Home Assistant's ID of the device; None, or that of the project's own device, for the whole project.
        """
        # For an administrator, the entities of a large fleet need not be looked at.
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
    def _async_covers_project(self) -> bool:
        """Return whether the user may read all entities of the project, looked up ten times a second at most."""
        permissions = self._user.permissions
        now = self._hass.loop.time()
        if permissions is not self._permissions or now >= self._expires_at:
            self._covers_project = _has_permission(
                self._user,
                er.async_entries_for_config_entry(
                    er.async_get(self._hass), self._entry.entry_id
                ),
                POLICY_READ,
            )
            self._permissions = permissions
            self._expires_at = now + _LOOK_UP_INTERVAL
        return self._covers_project


@callback
def async_may_call(hass: HomeAssistant, user: User, device_id: str) -> bool:
    """Return whether a user may call methods of a device.

    Needed is to control all of its entities; where there are none, to be an administrator.
    """
    return user.is_admin or _has_permission(
        user, async_get_entities(er.async_get(hass), device_id), POLICY_CONTROL
    )


def _has_permission(
    user: User, entities: Collection[er.RegistryEntry], policy: str
) -> bool:
    """Return whether a user has a permission on each entity; none gives no right."""
    permissions = user.permissions
    return bool(entities) and (
        permissions.access_all_entities(policy)
        or all(
            permissions.check_entity(entity.entity_id, policy) for entity in entities
        )
    )
