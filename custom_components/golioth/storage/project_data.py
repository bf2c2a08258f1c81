"""Objects of a project, which outlive its reloads."""

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
    """Return the object of a project, creating it if needed.

    Args:
        hass: Home Assistant.
        key: Where the objects lie in `hass.data`, by the entries' IDs.
        entry_id: The ID of the project's entry.
        make: Creates the object.
    """
    projects = hass.data.setdefault(key, {})
    if (found := projects.get(entry_id)) is None:
        found = projects[entry_id] = make()
    return found
