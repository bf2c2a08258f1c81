"""Find the devices of a project in Home Assistant's registry."""

from collections.abc import Callable

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.golioth.const import DOMAIN
from homeassistant.helpers import device_registry as dr

# Disables a device; False enables it.
type Disable = Callable[..., None]


def registry_id(
    device_registry: dr.DeviceRegistry, entry: MockConfigEntry, golioth_id: str
) -> str:
    """Return Home Assistant's ID of a device."""
    device = device_registry.async_get_device_by_identifier(
        (DOMAIN, golioth_id), entry.entry_id
    )
    assert device is not None
    return device.id
