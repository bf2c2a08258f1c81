"""Cool-downs of triggers.

During its cool-down, a trigger does not fire again for the same device.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
import json
import math
from typing import Any, Final, Self

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.trigger import TriggerConfig
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..storage.project_data import async_of_project
from ..storage.project_store import ProjectStore

# The most cool-downs of one trigger, one for each device, and in a project's file.
_MAX_DEVICES: Final = 20_000
_MAX_STORED: Final = 2_000

# Of a cool-down's key, in hexadecimal digits.
_KEY_LENGTH: Final = 16


@dataclass(frozen=True)
class CoolDown:
    """The cool-down of one trigger for one device.

    Attributes:
        begin: In seconds since 1970.
        duration: In seconds.
    """

    begin: float
    duration: float

    def is_under_way(self, now: float) -> bool:
        """Whether it has not ended.

        A clock that was set back ends it.
        """
        return 0 <= now - self.begin < self.duration


@dataclass(frozen=True)
class CoolDowns:
    """The stored cool-downs of a project's devices."""

    by_key: dict[str, CoolDown]

    def as_dict(self) -> dict[str, Any]:
        """Return the cool-downs as JSON data."""
        return {
            "cool_downs": {
                key: [each.begin, each.duration] for key, each in self.by_key.items()
            }
        }

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return the cool-downs from the data of `as_dict`.

        Raises:
            LookupError: The data are something else.
            TypeError: The data are something else.
            ValueError: The data are something else.
        """
        by_key = {}
        for key, (begin, duration) in dict(data["cool_downs"]).items():
            by_key[key] = cool_down = CoolDown(float(begin), float(duration))
            if not math.isfinite(cool_down.begin + cool_down.duration):
                raise ValueError("No duration")
        return cls(by_key)


class StoredCoolDowns:
    """Tracks a project's cool-downs over reloads and restarts."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Prepare, without reading the file."""
        self._store = ProjectStore(
            hass,
            f"{DOMAIN}.{entry_id}.cool_downs",
            CoolDowns.from_dict,
            "Triggers with a cool-down may fire before it is over",
        )
        self._is_loaded = False
        # The earliest first.
        self._by_key: dict[str, CoolDown] = {}

    def get(self, key: str) -> CoolDown | None:
        """Return the last known cool-down with a key."""
        return self._by_key.get(key)

    @callback
    def async_note(self, key: str, cool_down: CoolDown) -> None:
        """Record that a cool-down has begun, and save soon."""
        _put(self._by_key, key, cool_down, _MAX_STORED)
        self._store.async_schedule_save(self._cool_downs)

    async def async_load(self) -> None:
        """Read the file, once since Home Assistant started."""
        if self._is_loaded:
            return
        stored = await self._store.async_load()
        self._is_loaded = True
        if stored is not None:
            self._by_key = stored.by_key | self._by_key

    async def async_save(self) -> None:
        """Save, if anything has changed."""
        await self._store.async_close(self._cool_downs)

    async def async_remove(self) -> None:
        """Remove the file."""
        await self._store.async_remove()

    @callback
    def _cool_downs(self) -> CoolDowns:
        now = _now()
        return CoolDowns(
            {key: each for key, each in self._by_key.items() if each.is_under_way(now)}
        )


class TriggerCoolDowns:
    """Tracks the cool-downs of one trigger, by device."""

    def __init__(
        self,
        hass: HomeAssistant,
        owner: str,
        config: TriggerConfig,
        duration: timedelta,
    ) -> None:
        """Continue the cool-downs of an equal trigger before.

        Args:
            hass: Home Assistant.
            owner: The ID of the trigger's automation; empty where it has none.
            config: Of the trigger.
            duration: How long a cool-down takes.
        """
        self._hass = hass
        self._duration = duration.total_seconds()
        self._trigger = json.dumps(
            [owner, config.key, config.target, config.options],
            sort_keys=True,
            default=str,
        )
        # A stored cool-down that began later is that of another trigger with equal
        # options.
        self._attached_at = _now()
        # The earliest first.
        self._by_key: dict[str, CoolDown] = {}

    @callback
    def async_begin(self, data: Mapping[str, Any]) -> bool:
        """Begin a device's cool-down, unless one is under way.

        Args:
            data: The data of the event of the device's log.

        Returns:
            Whether it has begun.
        """
        entry_id: str = data["config_entry_id"]
        # Of bounded length: anyone can fire an event with a long ID.
        of = "\0".join((self._trigger, entry_id, data["golioth_device_id"]))
        key = sha256(of.encode()).hexdigest()[:_KEY_LENGTH]
        stored = _async_find(self._hass, entry_id)
        last = self._by_key.get(key)
        if last is None and stored is not None:
            last = stored.get(key)
            if last is not None and last.begin >= self._attached_at:
                last = None
        now = _now()
        if last is not None and last.is_under_way(now):
            return False
        cool_down = CoolDown(now, self._duration)
        _put(self._by_key, key, cool_down, _MAX_DEVICES)
        if stored is not None:
            stored.async_note(key, cool_down)
        return True


def _now() -> float:
    """Return the seconds since 1970.

    No other clock outlives a restart.
    """
    return dt_util.utcnow().timestamp()


def _put(
    by_key: dict[str, CoolDown], key: str, cool_down: CoolDown, maximum: int
) -> None:
    """Add a cool-down at the end.

    Drops those that are over, and the earliest of too many.
    """
    by_key.pop(key, None)
    by_key[key] = cool_down
    while len(by_key) > maximum or not (
        next(iter(by_key.values())).is_under_way(cool_down.begin)
    ):
        del by_key[next(iter(by_key))]


_COOL_DOWNS: HassKey[dict[str, StoredCoolDowns]] = HassKey(f"{DOMAIN}_cool_downs")


@callback
def async_get_cool_downs(hass: HomeAssistant, entry_id: str) -> StoredCoolDowns:
    """Return the cool-downs of a project, loaded or not."""
    return async_of_project(
        hass, _COOL_DOWNS, entry_id, lambda: StoredCoolDowns(hass, entry_id)
    )


async def async_remove_cool_downs(hass: HomeAssistant, entry_id: str) -> None:
    """Remove the cool-downs of a project."""
    await async_get_cool_downs(hass, entry_id).async_remove()
    del hass.data[_COOL_DOWNS][entry_id]


@callback
def _async_find(hass: HomeAssistant, entry_id: str) -> StoredCoolDowns | None:
    """Return the cool-downs of a project.

    None for any other entry: anyone can fire an event that names one.
    """
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is None or entry.domain != DOMAIN:
        return None
    return async_get_cool_downs(hass, entry_id)
