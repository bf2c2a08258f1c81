"""Writes down each log that Home Assistant fires, so that even a Home Assistant that is killed has told."""

import os
from typing import Final

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.typing import ConfigType

LOG_FILE: Final = "witness.txt"

# What is written of a log: a number that is unique, in its metadata.
NUMBER_KEY: Final = "number"


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Listen for as long as Home Assistant lives."""
    # Without a buffer, which would die with the process.
    file = os.open(
        hass.config.path(LOG_FILE), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
    )

    @callback
    def write(event: Event) -> None:
        """Write one line."""
        os.write(file, f"{event.data['metadata'][NUMBER_KEY]}\n".encode())

    hass.bus.async_listen("golioth_log", write)
    return True
