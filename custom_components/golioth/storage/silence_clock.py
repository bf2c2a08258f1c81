"""Clock of the time for which devices have logged nothing."""

from collections.abc import Collection
from dataclasses import dataclass
import math
from typing import Any, Final, Self

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..client import Transport
from ..const import DOMAIN
from .project_data import async_of_project
from .project_store import ProjectStore

# Devices that Golioth does not list, and whose last log is remembered. A service could
# invent any number of them.
_MAX_UNLISTED: Final = 1000


@dataclass(frozen=True)
class Silence:
    """The silence of a device, on its project's clock.

    Attributes:
        duration: In seconds.
        reported: The longest time, in seconds, for which it was reported to an
            automation; 0 where it was to none.
    """

    duration: float
    reported: float


@dataclass(frozen=True)
class Silences:
    """The stored silences of devices, by Golioth's ID."""

    devices: dict[str, Silence]

    def as_dict(self) -> dict[str, Any]:
        """Return the silences as JSON data."""
        return {
            "devices": {
                golioth_device_id: [round(silence.duration, 3), silence.reported]
                for golioth_device_id, silence in self.devices.items()
            }
        }

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return the silences from the data of `as_dict`.

        Raises:
            LookupError: The data are something else.
            TypeError: The data are something else.
            ValueError: The data are something else.
        """
        devices = {}
        for golioth_device_id, (duration, reported) in dict(data["devices"]).items():
            silence = Silence(float(duration), float(reported))
            if not (silence.duration >= 0 and math.isfinite(silence.duration)):
                raise ValueError("No duration")
            devices[golioth_device_id] = silence
        return cls(devices)


class SilenceClock:
    """Runs while every log of a project arrives.

    It stops while a log may be missing. There is one for each project, which outlives
    the reloads of its entry. It starts from 0 with Home Assistant; silences are stored,
    not times.

    While logs are streamed, it is known of each moment which devices were silent until
    then. While they are polled, that is known of the moments at which a poll began that
    has ended, and of none in between.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Prepare, without reading the file."""
        self._loop = hass.loop
        self._store = ProjectStore(
            hass,
            f"{DOMAIN}.{entry_id}.listening",
            Silences.from_dict,
            "Devices count as silent from their next log on",
        )
        self.is_loaded = False
        self._elapsed = 0.0
        self._running_since: float | None = None
        self._is_streaming = False
        # Until when every log has been delivered.
        self._confirmed = 0.0
        # When each device logged last; and the time of the log after which a silence
        # was reported, with the longest reported duration.
        self._last_logs: dict[str, float] = {}
        self._reported: dict[str, tuple[float, float]] = {}
        self._listed: Collection[str] = ()
        self._listeners: list[CALLBACK_TYPE] = []

    @property
    def now(self) -> float:
        """The seconds for which it has run."""
        if self._running_since is None:
            return self._elapsed
        return self._elapsed + self._loop.time() - self._running_since

    @property
    def is_running(self) -> bool:
        """Whether no log is missing."""
        return self._running_since is not None

    @property
    def is_streaming(self) -> bool:
        """Whether logs arrive as soon as Golioth has them."""
        return self._is_streaming

    @property
    def confirmed(self) -> float:
        """The time on this clock until which logs are complete."""
        return self.now if self._is_streaming else self._confirmed

    def last_log(self, golioth_device_id: str) -> float | None:
        """Return when a device logged last.

        None if it never did. A log from before Home Assistant started has a negative
        time.
        """
        return self._last_logs.get(golioth_device_id)

    def reported(self, golioth_device_id: str) -> float:
        """Return the longest reported silence since a device's last log."""
        last_log, duration = self._reported.get(golioth_device_id, (None, 0.0))
        return duration if last_log == self.last_log(golioth_device_id) else 0.0

    @callback
    def async_add_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Add a listener; return a function that removes it.

        It is called when the file has been loaded, when the clock goes on or stops, and
        when a poll has ended.
        """
        self._listeners.append(listener)

        @callback
        def remove_listener() -> None:
            self._listeners.remove(listener)

        return remove_listener

    @callback
    def async_note_log(self, golioth_device_id: str) -> None:
        """Record that a device has logged."""
        is_new = golioth_device_id not in self._last_logs
        self._last_logs[golioth_device_id] = self.now
        if is_new and len(self._last_logs) > len(self._listed) + _MAX_UNLISTED:
            self._last_logs = {
                listed: last_log
                for listed in self._listed
                if (last_log := self._last_logs.get(listed)) is not None
            }

    @callback
    def async_note_reported(self, golioth_device_id: str, duration: float) -> None:
        """Record that a silence of some seconds was reported."""
        last_log = self.last_log(golioth_device_id)
        if last_log is not None:
            duration = max(duration, self.reported(golioth_device_id))
            self._reported[golioth_device_id] = (last_log, duration)
            self.async_schedule_save()

    @callback
    def async_note_devices(self, golioth_device_ids: Collection[str]) -> None:
        """Record the listed devices, whose silences alone are stored."""
        self._listed = golioth_device_ids

    @callback
    def async_run(self, transport: Transport, until: float) -> None:
        """Run, as every log until recently has been delivered.

        Args:
            transport: How logs arrive.
            until: Until when, by the loop's clock.
        """
        if self._running_since is None:
            self._running_since = self._loop.time()
        self._is_streaming = transport is Transport.STREAMING
        until = self._elapsed + until - self._running_since
        self._confirmed = max(self._confirmed, until)
        self._async_notify()

    @callback
    def async_stop(self) -> None:
        """Stop, as logs may be missing."""
        if self._running_since is None:
            return
        self._confirmed = self.confirmed
        self._elapsed = self.now
        self._running_since = None
        self._is_streaming = False
        self._async_notify()

    async def async_load(self) -> bool:
        """Read the file, once since Home Assistant started.

        Returns:
            Whether there was no file that cannot be read.
        """
        if self.is_loaded:
            return True
        silences = await self._store.async_load()
        self.is_loaded = True
        if silences is not None:
            for golioth_device_id, silence in silences.devices.items():
                last_log = self.now - silence.duration
                self._last_logs[golioth_device_id] = last_log
                self._reported[golioth_device_id] = (last_log, silence.reported)
        self._async_notify()
        return not self._store.is_unreadable

    @callback
    def async_schedule_save(self) -> None:
        """Save soon.

        Cheap enough to be called for every log.
        """
        self._store.async_schedule_save(self._silences)

    async def async_save(self) -> None:
        """Save, if anything has changed."""
        await self._store.async_close(self._silences)

    async def async_remove(self) -> None:
        """Remove the file."""
        await self._store.async_remove()

    @callback
    def _silences(self) -> Silences:
        now = self.now
        return Silences(
            {
                listed: Silence(now - last_log, self.reported(listed))
                for listed in self._listed
                if (last_log := self.last_log(listed)) is not None
            }
        )

    @callback
    def _async_notify(self) -> None:
        for listener in self._listeners.copy():
            listener()


_CLOCKS: HassKey[dict[str, SilenceClock]] = HassKey(f"{DOMAIN}_silence_clocks")


@callback
def async_get_clock(hass: HomeAssistant, entry_id: str) -> SilenceClock:
    """Return the clock of a project, loaded or not."""
    return async_of_project(
        hass, _CLOCKS, entry_id, lambda: SilenceClock(hass, entry_id)
    )


async def async_remove_clock(hass: HomeAssistant, entry_id: str) -> None:
    """Remove the clock of a project, and its file."""
    await async_get_clock(hass, entry_id).async_remove()
    del hass.data[_CLOCKS][entry_id]
