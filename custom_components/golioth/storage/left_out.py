"""Which logs were left out until when, for those that arrive late."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, Self

from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..client import SECOND
from ..const import DOMAIN
from ..options import filter_options
from .project_store import ProjectStore

# No log is fetched later than this, in nanoseconds: twice the longest catch-up window.
_KEPT_NS: Final = 48 * 3600 * SECOND

# Changes of the options; of more, the first ones are forgotten.
_MAX_CHANGES: Final = 20


class FormerOptions(NamedTuple):
    """Hold options that are in force no longer."""

    until_ns: int
    """The service's time of the change, in nanoseconds since 1970."""
    options: dict[str, Any]


@dataclass(frozen=True)
class LeftOut:
    """What is left out, and was until lately.

    Attributes:
        muted: Golioth's IDs of the muted devices.
        heard_since: When others were enabled, by the service's time in nanoseconds.
        options: What the options leave out.
        former: What they did before, the earliest first.
    """

    muted: Collection[str] = ()
    heard_since: Mapping[str, int] | None = None
    options: Mapping[str, Any] | None = None
    former: Iterable[FormerOptions] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "muted": sorted(self.muted),
            "heard_since": dict(self.heard_since or {}),
            "options": dict(self.options or {}),
            "former": [list(each) for each in self.former],
        }

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return what `as_dict` returned.

        Raises:
            LookupError: It is something else.
            TypeError: It is something else.
            ValueError: It is something else.
        """
        return cls(
            [str(each) for each in data["muted"]],
            {
                str(each): int(since)
                for each, since in dict(data["heard_since"]).items()
            },
            filter_options(dict(data["options"])),
            [
                FormerOptions(int(until_ns), filter_options(dict(options)))
                for until_ns, options in data["former"]
            ],
        )


class LeftOutLogs:
    """Keeps which devices are muted, and until when something else was left out.

    A log that was sent while it was left out stays so when it arrives late. What is
    kept outlives a reload and a restart; where nothing ever was, there is no file.

    Attributes:
        muted: Golioth's IDs of the devices that are disabled in Home Assistant.
        heard_since: When others were enabled, by the service's time in nanoseconds.
        former: What the options left out before, the earliest first.
    """

    def __init__(
        self, hass: HomeAssistant, entry_id: str, now_ns: Callable[[], int]
    ) -> None:
        """Prepare, without reading what was kept.

        Args:
            hass: Home Assistant.
            entry_id: The ID of the project's entry.
            now_ns: Returns the service's time, in nanoseconds since 1970.
        """
        self._store = _store(hass, entry_id)
        self._now_ns = now_ns
        self._options = filter_options({})
        self.muted: set[str] = set()
        self.heard_since: dict[str, int] = {}
        self.former: list[FormerOptions] = []

    async def async_load(
        self, options: Mapping[str, Any], changed_at: datetime
    ) -> None:
        """Read what was kept, and note whether the options have changed since.

        Args:
            options: The options of the project.
            changed_at: When these were changed at the latest.
        """
        if (kept := await self._store.async_load()) is not None:
            self.muted = set(kept.muted)
            self.heard_since = dict(kept.heard_since or {})
            self._options = filter_options(kept.options or {})
            self.former = list(kept.former)
        options = filter_options(options)
        if options != self._options:
            self.former.append(FormerOptions(self._moment(changed_at), self._options))
            self._options = options
            self._async_schedule_save()

    @callback
    def async_note_disabled(
        self, golioth_ids: Collection[str], disabled: bool, changed_at: datetime
    ) -> None:
        """Mute a device that is disabled, and hear one that is not.

        Args:
            golioth_ids: Golioth's IDs of the device.
            disabled: Whether it is disabled now.
            changed_at: When that was changed at the latest.
        """
        changed = [each for each in golioth_ids if (each in self.muted) is not disabled]
        for golioth_id in changed:
            if disabled:
                self.muted.add(golioth_id)
            else:
                self.muted.remove(golioth_id)
                self.heard_since[golioth_id] = self._moment(changed_at)
        if changed:
            self._async_schedule_save()

    @callback
    def async_forget(self, golioth_ids: Collection[str]) -> None:
        """Mute devices no longer that are gone."""
        if not self.muted.isdisjoint(golioth_ids):
            self.muted.difference_update(golioth_ids)
            self._async_schedule_save()

    async def async_save(self) -> None:
        """Save, if anything has changed."""
        await self._store.async_close(self._left_out)

    def _moment(self, changed_at: datetime) -> int:
        """Return when something was changed, by the service's time."""
        # The host's clock may be wrong, but not about how long ago it was.
        age = max((dt_util.utcnow() - changed_at).total_seconds(), 0.0)
        return self._now_ns() - int(age * SECOND)

    @callback
    def _async_schedule_save(self) -> None:
        oldest = self._now_ns() - _KEPT_NS
        self.heard_since = {
            each: since for each, since in self.heard_since.items() if since > oldest
        }
        self.former = [each for each in self.former if each.until_ns > oldest]
        del self.former[:-_MAX_CHANGES]
        self._store.async_schedule_save(self._left_out)

    @callback
    def _left_out(self) -> LeftOut:
        return LeftOut(
            frozenset(self.muted),
            dict(self.heard_since),
            self._options,
            tuple(self.former),
        )


def _store(hass: HomeAssistant, entry_id: str) -> ProjectStore[LeftOut]:
    return ProjectStore(
        hass,
        f"{DOMAIN}.{entry_id}.left_out",
        LeftOut.from_dict,
        "Logs that were left out when they were sent may fire when they arrive late",
    )


async def async_remove_left_out(hass: HomeAssistant, entry_id: str) -> None:
    """Remove what is kept of a project."""
    await _store(hass, entry_id).async_remove()
