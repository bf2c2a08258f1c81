"""Rules for icons.json."""

from collections.abc import Iterator
from functools import cache
import json
from pathlib import Path
from typing import Any

import hass_frontend
import voluptuous as vol

from tests.metadata.repository import Repository

STATES = {str: str}
ENTITY = {
    vol.Optional("default"): str,
    vol.Optional("state"): STATES,
    vol.Optional("state_attributes"): {
        str: {vol.Required("default"): str, vol.Optional("state"): STATES}
    },
}
STRUCTURE = vol.Schema(
    {
        vol.Optional("entity"): {str: {str: ENTITY}},
        vol.Optional("services"): {
            str: {
                vol.Required("service"): str,
                vol.Optional("sections"): {str: str},
            }
        },
        vol.Optional("triggers"): {str: {vol.Required("trigger"): str}},
        vol.Optional("conditions"): {str: {vol.Required("condition"): str}},
    }
)


def icons_have_the_known_structure(repository: Repository) -> Iterator[str]:
    """The file holds the sections that Home Assistant reads, and nothing else."""
    try:
        STRUCTURE(repository.icons)
    except vol.MultipleInvalid as invalid:
        for error in invalid.errors:
            yield f"{'.'.join(map(str, error.path))}: {error.msg}"


def icons_exist(repository: Repository) -> Iterator[str]:
    """Every icon is one that the installed frontend can draw."""
    for where, icon in _icons(repository.icons):
        prefix, _, name = icon.partition(":")
        if prefix != "mdi":
            yield f"{where}: {icon} does not start with mdi:"
        elif name not in _known_icons():
            yield f"{where}: the frontend has no {icon}"


def icons_of_states_differ_from_the_default(repository: Repository) -> Iterator[str]:
    """A state with the default icon needs no entry."""
    for platform, entities in repository.icons.get("entity", {}).items():
        for key, entity in entities.items():
            for state, icon in entity.get("state", {}).items():
                if icon == entity.get("default"):
                    yield f"entity.{platform}.{key}.state.{state} is the default icon"


def icons_belong_to_translated_things(repository: Repository) -> Iterator[str]:
    """An icon is for an entity, action, trigger or condition that en.json names."""
    for platform, entities in repository.icons.get("entity", {}).items():
        named = repository.english.get("entity", {}).get(platform, {})
        for key in sorted(entities.keys() - named.keys()):
            yield f"entity.{platform}.{key} is not in en.json"
    for kind in ("services", "triggers", "conditions"):
        named = repository.english.get(kind, {})
        for key in sorted(repository.icons.get(kind, {}).keys() - named.keys()):
            yield f"{kind}.{key} is not in en.json"


@cache
def _known_icons() -> set[str]:
    """Return the names of the icons that the frontend ships."""
    listed = Path(hass_frontend.__file__).parent / "static/mdi/iconList.json"
    return {icon["name"] for icon in json.loads(listed.read_text("utf-8"))}


def _icons(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield every icon with the key that it stands at."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _icons(value, (*path, key))
    else:
        yield ".".join(path), str(node)
