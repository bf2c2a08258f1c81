"""The logs of a device, on their way to entities."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
import logging
from math import inf
from typing import Any, Final, Protocol, Self, override

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.restore_state import ExtraStoredData

from ..client import LogEntry, LogSource, ShortLogEntry, log_unexpected, storable

_LOGGER = logging.getLogger(__name__)

# Message and metadata in the attributes of an entity, in bytes of JSON.
MAX_ATTRIBUTES_SIZE: Final = 4 * 1024

# Seconds between two writes of a device's last log.
SHOW_INTERVAL: Final = 1.0

# Seconds between two looks for such writes: a timer for each device of a storm would
# wake Home Assistant up for each write.
TICK: Final = 0.1

# Seconds of writing at a stretch, while arriving logs wait, and of the pause after it:
# the devices of a storm, which began together, are due together again each second.
_STRETCH: Final = 0.001
_PAUSE: Final = 0.001

# Called for each log as it is delivered.
type LogListener = Callable[[LogEntry, LogSource], None]


class LogFollower(Protocol):
    """An entity that shows the logs of a device."""

    @callback
    def async_show(self) -> None:
        """Write the state, if logs have changed it."""

    @callback
    def async_show_connection(self) -> None:
        """Write the availability."""


@dataclass(frozen=True, slots=True)
class ShownLog(ExtraStoredData):
    """A log as states and attributes show it.

    It is cut to the size of attributes, and stored over a restart.
    """

    entry: LogEntry
    truncated: bool

    @classmethod
    def of(cls, entry: LogEntry) -> Self:
        """Return what can be shown of a log."""
        return cls(*showable(entry))

    @override
    def as_dict(self) -> dict[str, Any]:
        """Return the log as JSON data."""
        return {**self.entry._asdict(), "truncated": self.truncated}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the log from the data of `as_dict`.

        Raises:
            TypeError: The data are something else.
        """
        fields = dict(data)
        truncated = bool(fields.pop("truncated", False))
        # An earlier version has stored logs as they came.
        return cls(_storable(LogEntry(**fields)), truncated)


def showable(entry: LogEntry) -> tuple[LogEntry, bool]:
    """Return a log for states and attributes.

    Returns:
        The log, and whether it was cut.
    """
    # Hot path: almost every log of a fleet is a short one.
    if isinstance(entry, ShortLogEntry):
        return entry, False
    entry, truncated = entry.bounded(MAX_ATTRIBUTES_SIZE)
    return _storable(entry), truncated


def _storable(entry: LogEntry) -> LogEntry:
    return LogEntry._make(map(storable, entry))


class LastLog:
    """The last of some logs of a device.

    Last is the last to arrive, because the clock of a device can be wrong. A log that
    was fetched, instead of arriving by itself, is the last one only if it is not older.

    Attributes:
        next: A log that arrived by itself, and has not been cut yet: in a storm, most
            are never shown.
    """

    __slots__ = ("_shown", "next")

    def __init__(self) -> None:
        """Start without a log."""
        self.next: LogEntry | None = None
        self._shown: ShownLog | None = None

    @property
    def shown(self) -> ShownLog | None:
        """The log to show."""
        if self.next is not None:
            self._shown = ShownLog.of(self.next)
            self.next = None
        return self._shown

    def add_fetched(self, entry: LogEntry) -> None:
        """Add a log that was fetched."""
        shown = self.shown
        if (
            shown is None
            or entry.timestamp_ns is None
            or shown.entry.timestamp_ns is None
            or entry.timestamp_ns >= shown.entry.timestamp_ns
        ):
            self._shown = ShownLog.of(entry)

    def restore(self, shown: ShownLog) -> None:
        """Restore the log of before, if none arrived since."""
        if self.shown is None:
            self._shown = shown


class DeviceLogs:
    """Distributes the logs of a device.

    The last log is shown at once, but in a storm once a second.

    Attributes:
        last: The last log.
        last_error: The last log that is an error.
        errors: How many errors there were since the project was set up.
        shows_error: Whether an entity shows the last error.
        shown_at: When the last log was shown, by the loop's clock.
    """

    __slots__ = (
        "_followers",
        "_listeners",
        "_schedule",
        "_was_connected",
        "errors",
        "last",
        "last_error",
        "shown_at",
        "shows_error",
    )

    def __init__(self, schedule: ShowSchedule) -> None:
        """Start without followers."""
        self._schedule = schedule
        self._followers: list[LogFollower] = []
        self._listeners: list[LogListener] = []
        self._was_connected: bool | None = None
        self.last = LastLog()
        self.last_error = LastLog()
        self.errors = 0
        self.shows_error = False
        self.shown_at = -inf

    @property
    def is_followed(self) -> bool:
        """Whether there are followers."""
        return bool(self._followers)

    @callback
    def async_add_follower(self, follower: LogFollower) -> None:
        """Show the logs from now on with a follower."""
        self._followers.append(follower)
        # It may not know what the others do.
        self._was_connected = None

    @callback
    def async_remove_follower(self, follower: LogFollower) -> None:
        """Remove a follower.

        The last one takes along the log that is still to be shown.
        """
        self._followers.remove(follower)
        if not self._followers:
            self._schedule.async_drop(self)

    @callback
    def async_add_listener(self, listener: LogListener) -> CALLBACK_TYPE:
        """Call a listener with each log that is delivered.

        The returned function removes it.
        """
        self._listeners.append(listener)

        @callback
        def remove_listener() -> None:
            self._listeners.remove(listener)

        return remove_listener

    @callback
    def async_handle_connection(self, connected: bool) -> None:
        """Show that the connection was lost or is back.

        Does nothing where that is shown already.
        """
        if connected is self._was_connected:
            return
        self._was_connected = connected
        for follower in self._followers:
            follower.async_show_connection()

    @callback
    def async_handle_log(
        self, entry: LogEntry, source: LogSource | None, connected: bool
    ) -> None:
        """Distribute a log, and show it within a second.

        Args:
            entry: The log.
            source: How it arrived; None for one from before the project was set up,
                which is only shown.
            connected: Whether logs arrive.
        """
        # Hot path: runs once per log.
        if source is LogSource.STREAM:
            self.last.next = entry
        else:
            self.last.add_fetched(entry)
        if entry.level == "error":
            self._note_error(entry, source)
        # Before the log: triggers ignore changes of an entity that was unavailable.
        if connected is not self._was_connected:
            self.async_handle_connection(connected)
        if source is not None:
            for listener in self._listeners:
                listener(entry, source)
        if self not in self._schedule.waiting:
            self._schedule.async_show(self)

    @callback
    def async_show(self) -> None:
        """Show the last logs."""
        # Logs without followers are cut as well: there may be thousands of devices.
        _ = self.last.shown, self.last_error.shown
        for follower in self._followers:
            follower.async_show()

    def _note_error(self, entry: LogEntry, source: LogSource | None) -> None:
        self.errors += source is not None
        if source is LogSource.STREAM:
            self.last_error.next = entry
        else:
            self.last_error.add_fetched(entry)


class ShowSchedule:
    """Schedules when each device of a project is shown.

    That is at once, but no more than once a second, and for the devices of a storm
    together.

    Attributes:
        waiting: The devices that are still to be shown.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Start with nothing to show."""
        self._hass = hass
        self._loop = hass.loop
        self.waiting: dict[DeviceLogs, None] = {}
        # The waiting devices to show next.
        self._due: deque[DeviceLogs] = deque()
        self._ticked_at = -inf
        self._tick_at = inf
        self._cancel_tick: CALLBACK_TYPE | None = None
        self._tick_job = HassJob(
            self._async_tick, "Golioth logs to show", cancel_on_shutdown=True
        )

    @callback
    def async_show(self, device: DeviceLogs) -> None:
        """Show a device that does not wait, now or later."""
        show_at = device.shown_at + SHOW_INTERVAL
        if show_at <= self._loop.time():
            self._async_show(device)
            return
        self.waiting[device] = None
        if self._tick_at > max(show_at, self._ticked_at + TICK):
            self._async_schedule()

    @callback
    def async_flush(self) -> None:
        """Show all waiting devices now."""
        self._async_cancel()
        waiting = list(self.waiting)
        self.waiting.clear()
        for device in waiting:
            self._async_show(device)

    @callback
    def async_drop(self, device: DeviceLogs) -> None:
        """Remove a device without followers."""
        self.waiting.pop(device, None)
        if not self.waiting:
            self._async_cancel()

    @callback
    def _async_tick(self, _now: datetime) -> None:
        """Show the devices that may be shown again."""
        tick_at = self._tick_at
        self._ticked_at = self._loop.time()
        # No other tick until these have been shown.
        self._tick_at = -inf
        self._due.extend(
            each for each in self.waiting if each.shown_at + SHOW_INTERVAL <= tick_at
        )
        self._async_show_due()

    @callback
    def _async_show_due(self) -> None:
        """Show the due devices, with pauses."""
        self._cancel_tick = None
        pause = self._loop.time() + _STRETCH
        while self._due:
            device = self._due.popleft()
            # It may have been shown or dropped since.
            if device not in self.waiting:
                continue
            del self.waiting[device]
            # A device that fails must not keep the others from being shown.
            try:
                self._async_show(device)
            except Exception as err:  # noqa: BLE001
                log_unexpected(
                    _LOGGER, "Unexpected error while a device was shown", err
                )
            if self._loop.time() >= pause and self._due:
                self._cancel_tick = self._loop.call_later(
                    _PAUSE, self._async_show_due
                ).cancel
                return
        self._async_schedule()

    @callback
    def _async_schedule(self) -> None:
        """Schedule a tick for the next device.

        It is not too soon after the last tick.
        """
        self._async_cancel()
        if self.waiting:
            next_at = min(each.shown_at for each in self.waiting) + SHOW_INTERVAL
            self._tick_at = max(next_at, self._ticked_at + TICK)
            self._cancel_tick = async_call_later(
                self._hass, max(self._tick_at - self._loop.time(), 0.0), self._tick_job
            )

    @callback
    def _async_cancel(self) -> None:
        if self._cancel_tick is not None:
            self._cancel_tick()
            self._cancel_tick = None
        self._tick_at = inf
        self._due.clear()

    @callback
    def _async_show(self, device: DeviceLogs) -> None:
        device.shown_at = self._loop.time()
        device.async_show()
