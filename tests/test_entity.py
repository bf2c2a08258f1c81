"""Tests of what holds for every entity."""

from functools import cache
import json
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components import golioth
from custom_components.golioth.entity import GoliothEntity
from homeassistant.components.event import ATTR_EVENT_TYPES
from homeassistant.components.sensor import (
    ATTR_OPTIONS,
    ATTR_STATE_CLASS,
    SensorDeviceClass,
)
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, EntityCategory, Platform
from homeassistant.core import HomeAssistant, split_entity_id
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_component import DATA_INSTANCES

from .events import state_of

pytestmark = pytest.mark.usefixtures("entity_registry_enabled_by_default")

# Device classes that give each state an icon.
WITH_ICONS = {"connectivity"}


@cache
def texts_and_icons() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return texts and icons by platform and translation key."""
    integration = Path(golioth.__path__[0])
    texts = json.loads((integration / "translations/en.json").read_text("utf-8"))
    icons = json.loads((integration / "icons.json").read_text("utf-8"))
    return texts["entity"], icons["entity"]


@pytest.fixture
def entities(
    streaming: MockConfigEntry, entity_registry: er.EntityRegistry
) -> list[er.RegistryEntry]:
    """Return every entity of a project and its devices."""
    entities = er.async_entries_for_config_entry(entity_registry, streaming.entry_id)
    assert {Platform(entity.domain) for entity in entities} == set(golioth.PLATFORMS)
    return entities


async def test_every_entity_has_a_name_and_an_icon(
    entities: list[er.RegistryEntry],
) -> None:
    """Every entity has a translated name and an icon."""
    texts, icons = texts_and_icons()
    for entity in entities:
        assert entity.has_entity_name
        assert entity.translation_key is not None
        assert texts[entity.domain][entity.translation_key]["name"]
        icon = icons.get(entity.domain, {}).get(entity.translation_key, {})
        assert "default" in icon or entity.original_device_class in WITH_ICONS, entity


async def test_every_state_has_a_text(
    hass: HomeAssistant, entities: list[er.RegistryEntry]
) -> None:
    """Every enumerated state is translated."""
    texts, _icons = texts_and_icons()
    translated = set()
    for entity in entities:
        assert entity.translation_key is not None
        words = texts[entity.domain][entity.translation_key]
        attributes = state_of(hass, entity.entity_id).attributes
        if entity.original_device_class == SensorDeviceClass.ENUM:
            assert words["state"].keys() == set(attributes[ATTR_OPTIONS])
            translated.add(entity.translation_key)
        elif entity.domain == Platform.EVENT:
            event_type = words["state_attributes"]["event_type"]
            assert event_type["state"].keys() == set(attributes[ATTR_EVENT_TYPES])
            translated.add(entity.translation_key)
    assert translated == {"log", "last_log_level", "transport"}


async def test_every_number_has_a_unit(
    hass: HomeAssistant, entities: list[er.RegistryEntry]
) -> None:
    """Every number with statistics has a unit."""
    counters = [
        attributes
        for entity in entities
        if ATTR_STATE_CLASS
        in (attributes := state_of(hass, entity.entity_id).attributes)
    ]
    assert len(counters) == 10 + 2
    for attributes in counters:
        assert attributes[ATTR_UNIT_OF_MEASUREMENT] in {"logs", "frames", "errors"}


async def test_connection_entities_are_diagnostic(
    entities: list[er.RegistryEntry],
    device_registry: dr.DeviceRegistry,
    streaming: MockConfigEntry,
) -> None:
    """Entities about the connection are diagnostic.

    Automatic dashboards then show the devices' logs only.
    """
    project = device_registry.async_get_device_by_identifier(
        ("golioth", streaming.entry_id), streaming.entry_id
    )
    assert project is not None
    diagnostic = {
        split_entity_id(entity.entity_id)[1].removeprefix("demo_project_")
        for entity in entities
        if entity.entity_category is EntityCategory.DIAGNOSTIC
        and entity.device_id == project.id
    }
    assert diagnostic == {
        "connection",
        "transport",
        "logs_received",
        "missed_logs_recovered",
        "logs_found_by_audit",
        "logs_unreadable",
        "frames_ignored",
    }
    assert {
        entity.entity_category for entity in entities if entity.device_id != project.id
    } == {None}


def golioth_classes() -> list[type[GoliothEntity]]:
    """Return every class of our entities."""
    found: list[type[GoliothEntity]] = [GoliothEntity]
    for each in found:
        found += each.__subclasses__()
    return found


# Methods that run when an entity is added or removed.
COME_AND_GO = {
    "async_prepare_to_add_to_hass",
    "async_added_to_hass",
    "async_will_remove_from_hass",
}


def test_renaming_takes_no_entity_away() -> None:
    """Every such class handles a change of entity ID.

    Home Assistant 2026.11 and later renames such entities in place.
    """
    following = [each for each in golioth_classes() if COME_AND_GO & vars(each).keys()]
    assert len(following) >= 5
    for each in following:
        assert "async_entity_id_changed" in vars(each), each


@pytest.mark.skipif(
    not hasattr(Entity, "async_entity_id_changed"),
    reason="Home Assistant renames in place from 2026.11 on",
)
async def test_renamed_entity_stays(
    hass: HomeAssistant,
    entities: list[er.RegistryEntry],
    entity_registry: er.EntityRegistry,
) -> None:
    """A renamed entity stays the same object.

    No other is added in its place.
    """
    for entity in entities:
        component = hass.data[DATA_INSTANCES][entity.domain]
        before = component.get_entity(entity.entity_id)
        renamed = f"{entity.entity_id}_renamed"
        entity_registry.async_update_entity(entity.entity_id, new_entity_id=renamed)
        assert component.get_entity(renamed) is before
        assert hass.states.get(entity.entity_id) is None
        assert hass.states.get(renamed) is not None
