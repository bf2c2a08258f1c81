"""The logs of one device, on their way to its entities."""

from datetime import datetime
import logging
from math import inf
from typing import Final, Protocol

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .client.feed import LogSource
from .client.models import LogEntry
from .turns import SLICE

_LOGGER = logging.getLogger(__name__)

# Between two writes of what a device logged last, in seconds.
SHOW_INTERVAL: Final = 1.0

# Between two times that such writes are looked for, in seconds: a timer for each device of a storm would wake Home Assistant up
# for each write.
TICK: Final = 0.1


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

    __slots__ = ("_followers", "_schedule", "_was_connected", "shown_at")

    def __init__(self, schedule: ShowSchedule) -> None:
        """Begin without followers."""
        self._schedule = schedule
        self._followers: list[LogFollower] = []
        self._was_connected: bool | None = None
        # By the loop's clock.
        self.shown_at = -inf

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
        """Tell it nothing more. With the last one goes what is still to be shown."""
        self._followers.remove(follower)
        if not self._followers:
            self._schedule.async_drop(self)

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
        self._schedule.async_show(self)

    @callback
    def async_show(self) -> None:
        """Show what waits."""
        for follower in self._followers:
            follower.async_show()


class ShowSchedule:
    """Has each device of a project shown at once, but no more than once a second, and the devices of a storm together."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin with nothing to show."""
        self._hass = hass
        self._loop = hass.loop
        self._waiting: dict[DeviceLogs, None] = {}
        self._ticked_at = -inf
        self._tick_at = inf
        self._cancel_tick: CALLBACK_TYPE | None = None
        self._tick_job = HassJob(
            self._async_tick, "Golioth logs to show", cancel_on_shutdown=True
        )

    @callback
    def async_show(self, device: DeviceLogs) -> None:
        """Show a device now, or when it may be."""
        if device in self._waiting:
            return
        show_at = device.shown_at + SHOW_INTERVAL
        if show_at <= self._loop.time():
            self._async_show(device)
            return
        self._waiting[device] = None
        if self._tick_at > max(show_at, self._ticked_at + TICK):
            self._async_schedule()

    @callback
    def async_flush(self) -> None:
        """Show now what waits."""
        self._async_cancel()
        waiting = list(self._waiting)
        self._waiting.clear()
        for device in waiting:
            self._async_show(device)

    @callback
    def async_drop(self, device: DeviceLogs) -> None:
        """Let go of a device that has nothing to show it any more."""
        self._waiting.pop(device, None)
        if not self._waiting:
            self._async_cancel()

    @callback
    def _async_tick(self, _now: datetime) -> None:
        """Show the devices that may be shown again."""
        tick_at = self._tick_at
        self._cancel_tick, self._tick_at = None, inf
        self._ticked_at = self._loop.time()
        due = [
            each for each in self._waiting if each.shown_at + SHOW_INTERVAL <= tick_at
        ]
        for device in due:
            self._waiting.pop(device, None)
            # What is wrong with one device keeps no other from being shown.
            try:
                self._async_show(device)
            except Exception:
                _LOGGER.exception("Unexpected error while a device was shown")
            if self._loop.time() >= self._ticked_at + SLICE:
                # The others in another turn of the loop.
                self._ticked_at = -inf
                break
        self._async_schedule()

    @callback
    def _async_schedule(self) -> None:
        """Tick when the next device may be shown, but not too soon after the last tick."""
        self._async_cancel()
        if self._waiting:
            next_at = min(each.shown_at for each in self._waiting) + SHOW_INTERVAL
            self._tick_at = max(next_at, self._ticked_at + TICK)
            self._cancel_tick = async_call_later(
                self._hass, max(self._tick_at - self._loop.time(), 0.0), self._tick_job
            )

    @callback
    def _async_cancel(self) -> None:
        if self._cancel_tick is not None:
            self._cancel_tick()
            self._cancel_tick, self._tick_at = None, inf

    @callback
    def _async_show(self, device: DeviceLogs) -> None:
        device.shown_at = self._loop.time()
        device.async_show()
