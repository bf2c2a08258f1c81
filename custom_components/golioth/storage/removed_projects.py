"""Projects of removed entries, for references to these."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import CONF_PROJECT_ID, DOMAIN
from .project_store import ProjectStore

if TYPE_CHECKING:
    from ..coordinator import GoliothConfigEntry

# Of more entries, those that were removed first are forgotten.
MAX_REMOVED: Final = 100


@dataclass(frozen=True)
class ProjectIds:
    """Holds project IDs by removed entry, the latest removal last."""

    by_entry: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return the IDs as JSON data."""
        return {"project_ids": dict(self.by_entry)}

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return the IDs from the data of `as_dict`.

        Raises:
            LookupError: The data are something else.
            TypeError: The data are something else.
            ValueError: The data are something else.
        """
        by_entry = dict(data["project_ids"])
        if not all(isinstance(each, str) for each in by_entry.values()):
            raise TypeError("No project ID")
        return cls(by_entry)


class RemovedProjects:
    """Remembers the projects of removed entries over restarts."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Prepare, without reading the file."""
        self._store = ProjectStore(
            hass,
            f"{DOMAIN}.removed",
            ProjectIds.from_dict,
            "Cards and automations of a project that was removed do not find it when it is"
            " added again",
        )
        self._is_loaded = False
        self._project_ids: dict[str, str] = {}

    async def async_load(self) -> None:
        """Read the file, once."""
        if self._is_loaded:
            return
        stored = await self._store.async_load()
        # An entry may have been removed while the file was read.
        if not self._is_loaded:
            self._is_loaded = True
            if stored is not None:
                self._project_ids = {**stored.by_entry, **self._project_ids}

    async def async_add(self, entry: GoliothConfigEntry) -> None:
        """Remember an entry that is removed."""
        await self.async_load()
        # An entry of a newer release may have none.
        if (project_id := entry.data.get(CONF_PROJECT_ID)) is None:
            return
        self._project_ids[entry.entry_id] = project_id
        for entry_id in list(self._project_ids)[:-MAX_REMOVED]:
            del self._project_ids[entry_id]
        self._store.async_schedule_save(lambda: ProjectIds(dict(self._project_ids)))

    @callback
    def async_project_id(self, entry_id: str) -> str | None:
        """Return Golioth's ID of a removed entry's project."""
        return self._project_ids.get(entry_id)

    @callback
    def async_last_entry_id(self, project_id: str) -> str | None:
        """Return the project's entry that was removed last."""
        return next(
            (
                entry_id
                for entry_id, each in reversed(self._project_ids.items())
                if each == project_id
            ),
            None,
        )


_REMOVED: HassKey[RemovedProjects] = HassKey(f"{DOMAIN}_removed_projects")


@callback
def async_get_removed_projects(hass: HomeAssistant) -> RemovedProjects:
    """Return the removed projects."""
    if (removed := hass.data.get(_REMOVED)) is None:
        removed = hass.data[_REMOVED] = RemovedProjects(hass)
    return removed


@callback
def async_find_entry(hass: HomeAssistant, entry_id: str) -> GoliothConfigEntry | None:
    """Return an entry by its ID.

    For a removed one, it is the entry that its project has now.
    """
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is not None:
        return entry
    project_id = async_get_removed_projects(hass).async_project_id(entry_id)
    if project_id is None:
        return None
    return hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, project_id)
