"""The one listener to `golioth_log`, shared by all triggers."""

from collections.abc import Callable, Iterable, Mapping
import logging
from typing import Any, Final

import orjson

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..client import log_unexpected
from ..const import DOMAIN, EVENT_GOLIOTH_LOG

_LOGGER = logging.getLogger(__name__)

# Instead of a device's ID.
EVERY_DEVICE: Final = None

# The fields of a log's event.
_FIELDS: Final = (
    ("config_entry_id", str),
    ("project_id", str),
    (ATTR_DEVICE_ID, str),
    ("golioth_device_id", str),
    ("device_name", str),
    ("timestamp", str),
    ("level", str),
    ("module", str),
    ("message", str),
    ("type", str),
    ("metadata", dict),
    ("source", str),
    ("truncated", bool),
)

# In bytes of JSON, as for the recorder. Ours are smaller, whatever their names.
_MAX_SIZE: Final = 32 * 1024

type LogEventListener = Callable[[Event], None]

_DATA_DISPATCHER: HassKey[LogDispatcher] = HassKey(f"{DOMAIN}_log_dispatcher")


@callback
def async_listen_to_logs(
    hass: HomeAssistant, device_ids: Iterable[str | None], listener: LogEventListener
) -> CALLBACK_TYPE:
    """Listen to the logs of some devices.

    It depends on no entry: it works before the first one is set up, and goes on when
    one is reloaded.

    Args:
        hass: Home Assistant.
        device_ids: Home Assistant's IDs of the devices, or `EVERY_DEVICE`.
        listener: Called with the event of each log, in the order of the logs.

    Returns:
        A function that removes the listener.
    """
    dispatcher = hass.data.get(_DATA_DISPATCHER)
    if dispatcher is None:
        dispatcher = hass.data[_DATA_DISPATCHER] = LogDispatcher(hass)
    device_ids = tuple(device_ids)
    dispatcher.async_add(device_ids, listener)

    @callback
    def remove_listener() -> None:
        dispatcher.async_remove(device_ids, listener)

    return remove_listener


class LogDispatcher:
    """Calls the listeners of a log's device.

    The cost of a log does not depend on the number of other devices.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Listen to nothing yet."""
        self._hass = hass
        # The listeners of a device, in order.
        self._listeners: dict[str | None, dict[LogEventListener, None]] = {}
        self._remove_bus_listener: CALLBACK_TYPE | None = None

    @callback
    def async_add(
        self, device_ids: Iterable[str | None], listener: LogEventListener
    ) -> None:
        """Add a listener for some devices."""
        for device_id in device_ids:
            self._listeners.setdefault(device_id, {})[listener] = None
        if self._listeners and self._remove_bus_listener is None:
            self._remove_bus_listener = self._hass.bus.async_listen(
                EVENT_GOLIOTH_LOG, self._async_dispatch
            )

    @callback
    def async_remove(
        self, device_ids: Iterable[str | None], listener: LogEventListener
    ) -> None:
        """Remove a listener for some devices."""
        for device_id in device_ids:
            listeners = self._listeners[device_id]
            del listeners[listener]
            if not listeners:
                del self._listeners[device_id]
        if not self._listeners and self._remove_bus_listener is not None:
            self._remove_bus_listener()
            self._remove_bus_listener = None

    @callback
    def _async_dispatch(self, event: Event) -> None:
        # Anyone can fire an event of this type.
        if not isinstance(of_device := event.data.get(ATTR_DEVICE_ID), str):
            return
        device_ids = [
            each for each in (of_device, EVERY_DEVICE) if each in self._listeners
        ]
        if not device_ids or not _is_log(event.data):
            return
        # Copied, because a listener's action may switch an automation off.
        for device_id in device_ids:
            for listener in tuple(self._listeners.get(device_id, ())):
                # An automation that fails must not keep logs from the others.
                try:
                    listener(event)
                except Exception as err:  # noqa: BLE001
                    log_unexpected(_LOGGER, "A trigger failed with a log", err)


def _is_log(data: Mapping[str, Any]) -> bool:
    """Return whether an event has the fields of a log."""
    if not all(isinstance(data.get(key), kind) for key, kind in _FIELDS):
        return False
    try:
        return len(orjson.dumps(data)) <= _MAX_SIZE
    except orjson.JSONEncodeError:
        return False
