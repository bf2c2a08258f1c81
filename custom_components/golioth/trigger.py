"""Triggers of the Golioth integration."""

from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.trigger import Trigger

from .triggers.device_silent import DeviceWentSilentTrigger
from .triggers.log_received import LogReceivedTrigger, ProjectLogReceivedTrigger

TRIGGERS: Final[dict[str, type[Trigger]]] = {
    "device_went_silent": DeviceWentSilentTrigger,
    "log_received": LogReceivedTrigger,
    "project_log_received": ProjectLogReceivedTrigger,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers of the integration."""
    return TRIGGERS
