"""The logs of one device, on their way to its entities."""

from datetime import datetime
from math import inf
from typing import Final, Protocol

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .client.feed import LogSource
from .client.models import LogEntry

# Between two writes of what a device logged last, in seconds.
SHOW_INTERVAL: Final = 1.0


class LogFollower(Protocol):
    """What is told of the logs of a device."""

    @callback
    def async_handle_log(self, entry: LogEntry, source: LogSource | None) -> None:
        """Take a log in. One without a source is from before the project was set up: it is shown, and nothing else."""

    @callback
    def async_show(self) -> None:
        """Write what the logs since the last time have changed."""

    @callback
    def async_show_connection(self) -> None:
        """Write that the connection was lost or is back."""


class DeviceLogs:
    """Hands on every log of a device, and says when to show them: at once, but in a storm once a second."""

    __slots__ = (
        "_cancel_show",
        "_followers",
        "_hass",
        "_shown_at",
        "_was_connected",
    )

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin without followers."""
        self._hass = hass
        self._followers: list[LogFollower] = []
        self._was_connected: bool | None = None
        self._shown_at = -inf
        self._cancel_show: CALLBACK_TYPE | None = None

    @property
    def is_followed(self) -> bool:
        """Whether there are followers."""
        return bool(self._followers)

    @callback
    def async_add_follower(self, follower: LogFollower) -> None:
        """Tell it of each log from now on."""
        self._followers.append(follower)

    @callback
    def async_remove_follower(self, follower: LogFollower) -> None:
        """Tell it nothing more. With the last one goes the timer."""
        self._followers.remove(follower)
        if not self._followers:
            self.async_flush()

    @callback
    def async_handle_connection(self, connected: bool) -> None:
        """Have it shown that the connection was lost or is back, unless it is already."""
        if connected is self._was_connected:
            return
        self._was_connected = connected
        for follower in self._followers:
            follower.async_show_connection()

    @callback
    def async_handle_log(self, entry: LogEntry, source: LogSource | None) -> None:
        """Hand a log on, and have it shown now or in a second."""
        for follower in self._followers:
            follower.async_handle_log(entry, source)
        if self._cancel_show is not None:
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
        """Have shown now what is still to be."""
        if self._cancel_show is not None:
            self._cancel_show()
            self._async_show()

    @callback
    def _async_show(self, _now: datetime | None = None) -> None:
        self._cancel_show = None
        self._shown_at = self._hass.loop.time()
        for follower in self._followers:
            follower.async_show()
