"""What there is once for each project, whether or not its entry is loaded."""

from collections.abc import Callable

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey


@callback
def async_of_project[T](
    hass: HomeAssistant,
    key: HassKey[dict[str, T]],
    entry_id: str,
    make: Callable[[], T],
) -> T:
    """Return what a project has, and make it the first time.

    Args:
        hass: Home Assistant.
        key: Where it is kept, by the entries' IDs.
        entry_id: The ID of the project's entry.
        make: Makes it.
    """
    projects = hass.data.setdefault(key, {})
    if (found := projects.get(entry_id)) is None:
        found = projects[entry_id] = make()
    return found
