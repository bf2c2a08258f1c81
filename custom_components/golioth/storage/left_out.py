"""Past filters of a project, for logs that arrive late."""

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
_LONGEST_DELAY_NS: Final = 48 * 3600 * SECOND

# Of more changes of the options, the first ones are forgotten.
_MAX_CHANGES: Final = 20


class FormerOptions(NamedTuple):
    """Options that are no longer in force."""

    until_ns: int
    """The service's time of the change, in nanoseconds since 1970."""
    options: dict[str, Any]


@dataclass(frozen=True)
class LeftOut:
    """Which logs are left out, and which were until lately.

    Attributes:
        muted: Golioth's IDs of the muted devices.
        enabled_at: When other devices were enabled, by the service's time in
            nanoseconds.
        options: The options that filter logs.
        former: Such options that were in force before, the earliest first.
    """

    muted: Collection[str] = ()
    enabled_at: Mapping[str, int] | None = None
    options: Mapping[str, Any] | None = None
    former: Iterable[FormerOptions] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the filters as JSON data."""
        return {
            "muted": sorted(self.muted),
            "heard_since": dict(self.enabled_at or {}),
            "options": dict(self.options or {}),
            "former": [list(each) for each in self.former],
        }

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return the filters from the data of `as_dict`.

        Raises:
            LookupError: The data are something else.
            TypeError: The data are something else.
            ValueError: The data are something else.
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
    """Tracks muted devices and former options of a project.

    A log that was sent while it was left out stays so when it arrives late. The data
    outlive a reload and a restart; where nothing was ever left out, there is no file.

    Attributes:
        muted: Golioth's IDs of the devices that are disabled in Home Assistant.
        enabled_at: When other devices were enabled, by the service's time in
            nanoseconds.
        former: Filtering options that were in force before, the earliest first.
    """

    def __init__(
        self, hass: HomeAssistant, entry_id: str, now_ns: Callable[[], int]
    ) -> None:
        """Prepare, without reading the file.

        Args:
            hass: Home Assistant.
            entry_id: The ID of the project's entry.
            now_ns: Returns the service's time, in nanoseconds since 1970.
        """
        self._store = _store(hass, entry_id)
        self._now_ns = now_ns
        self._options = filter_options({})
        self.muted: set[str] = set()
        self.enabled_at: dict[str, int] = {}
        self.former: list[FormerOptions] = []

    async def async_load(
        self, options: Mapping[str, Any], changed_at: datetime
    ) -> None:
        """Read the file, and note changed options.

        Args:
            options: The options of the project.
            changed_at: When these were changed at the latest.
        """
        if (stored := await self._store.async_load()) is not None:
            self.muted = set(stored.muted)
            self.enabled_at = dict(stored.enabled_at or {})
            self._options = filter_options(stored.options or {})
            self.former = list(stored.former)
        options = filter_options(options)
        if options != self._options:
            self.former.append(FormerOptions(self._moment(changed_at), self._options))
            self._options = options
            self._async_schedule_save()

    @callback
    def async_note_disabled(
        self, golioth_ids: Collection[str], disabled: bool, changed_at: datetime
    ) -> None:
        """Mute a disabled device, or unmute an enabled one.

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
                self.enabled_at[golioth_id] = self._moment(changed_at)
        if changed:
            self._async_schedule_save()

    @callback
    def async_forget(self, golioth_ids: Collection[str]) -> None:
        """Unmute devices that were removed."""
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
        oldest = self._now_ns() - _LONGEST_DELAY_NS
        self.enabled_at = {
            each: since for each, since in self.enabled_at.items() if since > oldest
        }
        self.former = [each for each in self.former if each.until_ns > oldest]
        del self.former[:-_MAX_CHANGES]
        self._store.async_schedule_save(self._left_out)

    @callback
    def _left_out(self) -> LeftOut:
        return LeftOut(
            frozenset(self.muted),
            dict(self.enabled_at),
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
    """Remove the file of a project."""
    await _store(hass, entry_id).async_remove()
