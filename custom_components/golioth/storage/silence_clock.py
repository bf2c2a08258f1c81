"""How long a project has been listened to, and how long each of its devices has logged nothing meanwhile."""

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

# Devices that Golioth does not list, and whose last log is remembered. A service could invent any number of them.
_MAX_UNLISTED: Final = 1000


@dataclass(frozen=True)
class Silence:
    """How long a device has logged nothing, while it was listened to.

    Attributes:
        duration: In seconds.
        told: The longest time, in seconds, for which an automation has been told of it; 0 where none has.
    """

    duration: float
    told: float


@dataclass(frozen=True)
class Silences:
    """The silences of a project's devices, by Golioth's ID, as they are kept over a restart."""

    devices: dict[str, Silence]

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "devices": {
                golioth_device_id: [round(silence.duration, 3), silence.told]
                for golioth_device_id, silence in self.devices.items()
            }
        }

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return what `as_dict` returned.

        Raises:
            LookupError: It is something else.
            TypeError: It is something else.
            ValueError: It is something else.
        """
        devices = {}
        for golioth_device_id, (duration, told) in dict(data["devices"]).items():
            silence = Silence(float(duration), float(told))
            if not (silence.duration >= 0 and math.isfinite(silence.duration)):
                raise ValueError("No duration")
            devices[golioth_device_id] = silence
        return cls(devices)


class ListeningClock:
    """A clock that runs while every log of a project arrives, and stops while one may be missing.

    There is one for each project, which outlives the reloads of its entry. It starts from 0 with Home Assistant; what is kept
    are silences, not times.

    While logs are streamed, it is known of each moment which devices were silent until then. While they are polled, that is
    known of the moments at which a poll began that has ended, and of none in between.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Prepare, without reading what was kept."""
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
        # When each device logged last, and of which of these logs it has been told that nothing followed for how long.
        self._last_logs: dict[str, float] = {}
        self._told: dict[str, tuple[float, float]] = {}
        self._listed: Collection[str] = ()
        self._listeners: list[CALLBACK_TYPE] = []

    @property
    def now(self) -> float:
        """The seconds that it has run."""
        if self._running_since is None:
            return self._elapsed
        return self._elapsed + self._loop.time() - self._running_since

    @property
    def is_running(self) -> bool:
        """Whether no log is missing."""
        return self._running_since is not None

    @property
    def is_streaming(self) -> bool:
        """Whether a log would arrive in the moment that Golioth has it."""
        return self._is_streaming

    @property
    def confirmed(self) -> float:
        """The time on this clock until which every log has been delivered."""
        return self.now if self._is_streaming else self._confirmed

    def last_log(self, golioth_device_id: str) -> float | None:
        """Return when a device logged last; None if it never did. What was before Home Assistant started is negative."""
        return self._last_logs.get(golioth_device_id)

    def told(self, golioth_device_id: str) -> float:
        """Return the longest time for which an automation has been told that nothing followed a device's last log."""
        last_log, duration = self._told.get(golioth_device_id, (None, 0.0))
        return duration if last_log == self.last_log(golioth_device_id) else 0.0

    @callback
    def async_add_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `listener` when it has been loaded, goes on, stops, or a poll has ended; return what ends that."""
        self._listeners.append(listener)

        @callback
        def remove_listener() -> None:
            self._listeners.remove(listener)

        return remove_listener

    @callback
    def async_note_log(self, golioth_device_id: str) -> None:
        """Note that a device has logged."""
        is_new = golioth_device_id not in self._last_logs
        self._last_logs[golioth_device_id] = self.now
        if is_new and len(self._last_logs) > len(self._listed) + _MAX_UNLISTED:
            self._last_logs = {
                listed: last_log
                for listed in self._listed
                if (last_log := self._last_logs.get(listed)) is not None
            }

    @callback
    def async_note_told(self, golioth_device_id: str, duration: float) -> None:
        """Note that an automation has been told that a device has logged nothing for some seconds."""
        last_log = self.last_log(golioth_device_id)
        if last_log is not None:
            duration = max(duration, self.told(golioth_device_id))
            self._told[golioth_device_id] = (last_log, duration)
            self.async_schedule_save()

    @callback
    def async_note_devices(self, golioth_device_ids: Collection[str]) -> None:
        """Note which devices the project has: of these alone the silence is kept."""
        self._listed = golioth_device_ids

    @callback
    def async_run(self, transport: Transport, until: float) -> None:
        """Run, because every log until a moment ago, by the loop's clock, has been delivered."""
        if self._running_since is None:
            self._running_since = self._loop.time()
        self._is_streaming = transport is Transport.STREAMING
        until = self._elapsed + until - self._running_since
        self._confirmed = max(self._confirmed, until)
        self._async_tell()

    @callback
    def async_stop(self) -> None:
        """Stop, because logs may be missing."""
        if self._running_since is None:
            return
        self._confirmed = self.confirmed
        self._elapsed = self.now
        self._running_since = None
        self._is_streaming = False
        self._async_tell()

    async def async_load(self) -> bool:
        """Go on from what was kept, unless that has been done since Home Assistant started.

        Returns:
            Whether nothing was found that cannot be read.
        """
        if self.is_loaded:
            return True
        silences = await self._store.async_load()
        self.is_loaded = True
        if silences is not None:
            for golioth_device_id, silence in silences.devices.items():
                last_log = self.now - silence.duration
                self._last_logs[golioth_device_id] = last_log
                self._told[golioth_device_id] = (last_log, silence.told)
        self._async_tell()
        return not self._store.is_unreadable

    @callback
    def async_schedule_save(self) -> None:
        """Save soon. Cheap enough to be called for every log."""
        self._store.async_schedule_save(self._silences)

    async def async_save(self) -> None:
        """Save, if anything has changed."""
        await self._store.async_close(self._silences)

    async def async_remove(self) -> None:
        """Remove what was saved."""
        await self._store.async_remove()

    @callback
    def _silences(self) -> Silences:
        now = self.now
        return Silences(
            {
                listed: Silence(now - last_log, self.told(listed))
                for listed in self._listed
                if (last_log := self.last_log(listed)) is not None
            }
        )

    @callback
    def _async_tell(self) -> None:
        for listener in self._listeners.copy():
            listener()


_CLOCKS: HassKey[dict[str, ListeningClock]] = HassKey(f"{DOMAIN}_listening")


@callback
def async_get_clock(hass: HomeAssistant, entry_id: str) -> ListeningClock:
    """Return the clock of a project, whether or not its entry has been set up."""
    return async_of_project(
        hass, _CLOCKS, entry_id, lambda: ListeningClock(hass, entry_id)
    )


async def async_remove_clock(hass: HomeAssistant, entry_id: str) -> None:
    """Remove the clock of a project, and what is kept of it."""
    await async_get_clock(hass, entry_id).async_remove()
    del hass.data[_CLOCKS][entry_id]
