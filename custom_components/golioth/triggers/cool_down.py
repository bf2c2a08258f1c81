"""Cool-downs of triggers: for how long none fires again for a device."""

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

# The devices of a fleet, for one trigger, and what is kept of a project over a restart.
_MAX_DEVICES: Final = 20_000
_MAX_KEPT: Final = 2_000

# In hexadecimal digits: of what a cool-down is of.
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
        """Whether it has not ended; a clock that was set back ends it."""
        return 0 <= now - self.begin < self.duration


@dataclass(frozen=True)
class CoolDowns:
    """The cool-downs of a project's devices, as they are kept over a restart."""

    by_key: dict[str, CoolDown]

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "cool_downs": {
                key: [each.begin, each.duration] for key, each in self.by_key.items()
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
        by_key = {}
        for key, (begin, duration) in dict(data["cool_downs"]).items():
            by_key[key] = cool_down = CoolDown(float(begin), float(duration))
            if not math.isfinite(cool_down.begin + cool_down.duration):
                raise ValueError("No duration")
        return cls(by_key)


class KeptCoolDowns:
    """The cool-downs of a project's devices, which outlive a reload and a restart."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Prepare, without reading what was kept."""
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
        """Return the last cool-down of a trigger for a device, if it is known."""
        return self._by_key.get(key)

    @callback
    def async_note(self, key: str, cool_down: CoolDown) -> None:
        """Note that a cool-down has begun, and save soon."""
        _put(self._by_key, key, cool_down, _MAX_KEPT)
        self._store.async_schedule_save(self._cool_downs)

    async def async_load(self) -> None:
        """Read what was kept, unless that has been done since Home Assistant started."""
        if self._is_loaded:
            return
        kept = await self._store.async_load()
        self._is_loaded = True
        if kept is not None:
            self._by_key = kept.by_key | self._by_key

    async def async_save(self) -> None:
        """Save, if anything has changed."""
        await self._store.async_close(self._cool_downs)

    async def async_remove(self) -> None:
        """Remove what was saved."""
        await self._store.async_remove()

    @callback
    def _cool_downs(self) -> CoolDowns:
        now = _now()
        return CoolDowns(
            {key: each for key, each in self._by_key.items() if each.is_under_way(now)}
        )


class TriggerCoolDowns:
    """The cool-downs that one trigger has begun, one for each device."""

    def __init__(
        self,
        hass: HomeAssistant,
        owner: str,
        config: TriggerConfig,
        duration: timedelta,
    ) -> None:
        """Begin none yet, and go on with those of the same trigger before.

        Args:
            hass: Home Assistant.
            owner: The ID of its automation; empty where it is of something else.
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
        # What has begun since is that of another one with the same trigger.
        self._attached_at = _now()
        # The earliest first.
        self._by_key: dict[str, CoolDown] = {}

    @callback
    def async_begin(self, data: Mapping[str, Any]) -> bool:
        """Begin the cool-down of a log's device; return False while one is under way.

        Args:
            data: The data of the log's event.
        """
        entry_id: str = data["config_entry_id"]
        # Of bounded length, whoever has fired the event.
        of = "\0".join((self._trigger, entry_id, data["golioth_device_id"]))
        key = sha256(of.encode()).hexdigest()[:_KEY_LENGTH]
        kept = _async_find(self._hass, entry_id)
        last = self._by_key.get(key)
        if last is None and kept is not None:
            last = kept.get(key)
            if last is not None and last.begin >= self._attached_at:
                last = None
        now = _now()
        if last is not None and last.is_under_way(now):
            return False
        cool_down = CoolDown(now, self._duration)
        _put(self._by_key, key, cool_down, _MAX_DEVICES)
        if kept is not None:
            kept.async_note(key, cool_down)
        return True


def _now() -> float:
    """Return the seconds since 1970: what outlives a restart has no other clock."""
    return dt_util.utcnow().timestamp()


def _put(
    by_key: dict[str, CoolDown], key: str, cool_down: CoolDown, maximum: int
) -> None:
    """Put a cool-down at the end, and drop what is over, and the earliest of too many."""
    by_key.pop(key, None)
    by_key[key] = cool_down
    while len(by_key) > maximum or not (
        next(iter(by_key.values())).is_under_way(cool_down.begin)
    ):
        del by_key[next(iter(by_key))]


_COOL_DOWNS: HassKey[dict[str, KeptCoolDowns]] = HassKey(f"{DOMAIN}_cool_downs")


@callback
def async_get_cool_downs(hass: HomeAssistant, entry_id: str) -> KeptCoolDowns:
    """Return the cool-downs of a project, whether or not its entry is loaded."""
    return async_of_project(
        hass, _COOL_DOWNS, entry_id, lambda: KeptCoolDowns(hass, entry_id)
    )


async def async_remove_cool_downs(hass: HomeAssistant, entry_id: str) -> None:
    """Remove the cool-downs of a project."""
    await async_get_cool_downs(hass, entry_id).async_remove()
    del hass.data[_COOL_DOWNS][entry_id]


@callback
def _async_find(hass: HomeAssistant, entry_id: str) -> KeptCoolDowns | None:
    """Return the cool-downs of a project, or None: anybody can fire an event of another."""
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is None or entry.domain != DOMAIN:
        return None
    return async_get_cool_downs(hass, entry_id)
