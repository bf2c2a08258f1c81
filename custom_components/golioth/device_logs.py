"""The logs of one device, on their way to its entities."""

from collections.abc import Callable
from datetime import datetime
from math import inf
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .client.feed import LogSource
from .client.models import LogEntry

# Between two writes of what a device logged last, in seconds.
SHOW_INTERVAL: Final = 1.0

# Called with a log and how it came: None is one from before the project was set up, which is shown and nothing else.
type LogListener = Callable[[LogEntry, LogSource | None], None]


class DeviceLogs:
    """Hands on every log of a device, and says when to show the last one: at once, but in a storm once a second."""

    __slots__ = (
        "_cancel_show",
        "_hass",
        "_log_listeners",
        "_show_listeners",
        "_shown_at",
    )

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin without listeners."""
        self._hass = hass
        self._log_listeners: list[LogListener] = []
        self._show_listeners: list[CALLBACK_TYPE] = []
        self._shown_at = -inf
        self._cancel_show: CALLBACK_TYPE | None = None

    @property
    def is_followed(self) -> bool:
        """Whether there are listeners."""
        return bool(self._log_listeners)

    @callback
    def async_add_listener(
        self, listener: LogListener, show: CALLBACK_TYPE | None
    ) -> CALLBACK_TYPE:
        """Call `listener` with each log, and `show` when it is time to show what they changed; return what ends that."""
        self._log_listeners.append(listener)
        if show is not None:
            self._show_listeners.append(show)

        @callback
        def remove_listener() -> None:
            self._log_listeners.remove(listener)
            if show is not None:
                self._show_listeners.remove(show)
                if not self._show_listeners:
                    # No timer is left behind.
                    self.async_flush()

        return remove_listener

    @callback
    def async_handle_log(self, entry: LogEntry, source: LogSource | None) -> None:
        """Hand a log on, and have it shown now or in a second."""
        for listener in self._log_listeners:
            listener(entry, source)
        if self._cancel_show is not None or not self._show_listeners:
            return
        wait = self._shown_at + SHOW_INTERVAL - self._hass.loop.time()
        if wait <= 0:
            self._async_show()
        else:
            self._cancel_show = async_call_later(
                self._hass, wait, HassJob(self._async_show, cancel_on_shutdown=True)
            )

    @callback
    def async_flush(self) -> None:
        """Have the last log shown now, if it is still to be."""
        if self._cancel_show is not None:
            self._cancel_show()
            self._async_show()

    @callback
    def _async_show(self, _now: datetime | None = None) -> None:
        self._cancel_show = None
        self._shown_at = self._hass.loop.time()
        for show in self._show_listeners:
            show()
