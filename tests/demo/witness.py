"""Write each log that Home Assistant fires to a file.

The file has every log even if Home Assistant is killed.
"""

import os
from typing import Final

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.typing import ConfigType

LOG_FILE: Final = "witness.txt"

# The key in a log's metadata of the unique number that is written.
NUMBER_KEY: Final = "number"


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Listen until Home Assistant ends."""
    # Without a buffer, which would be lost with the process.
    file = os.open(
        hass.config.path(LOG_FILE), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
    )

    @callback
    def write(event: Event) -> None:
        """Write one line."""
        os.write(file, f"{event.data['metadata'][NUMBER_KEY]}\n".encode())

    hass.bus.async_listen("golioth_log", write)
    return True
