"""Tests of the translations as Home Assistant uses them.

`metadata/` checks the contents of the files.
"""

from collections.abc import Iterator
import json
import logging
from pathlib import Path
import re
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components import golioth
from custom_components.golioth.const import DOMAIN
from custom_components.golioth.issues import async_report_gap
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.helpers.translation import async_get_translations

from .metadata.repository import texts

TRANSLATIONS = Path(golioth.__file__).parent / "translations"

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture(params=sorted(path.stem for path in TRANSLATIONS.glob("*.json")))
def language(hass: HomeAssistant, request: pytest.FixtureRequest) -> str:
    """Set Home Assistant to each of our languages."""
    hass.config.language = request.param
    return hass.config.language


async def loaded(hass: HomeAssistant, category: str) -> dict[str, str]:
    """Return the texts of a category, by their keys.

    Home Assistant's user interface gets the same texts.
    """
    prefix = f"component.{DOMAIN}.{category}."
    found = await async_get_translations(hass, hass.config.language, category, {DOMAIN})
    return {key.removeprefix(prefix): text for key, text in found.items()}


def fields(prefix: str, schema: vol.Schema) -> Iterator[str]:
    """Yield the keys of the texts for a form's fields.

    Each field has a label and a description.
    """
    for field, selector in schema.schema.items():
        if isinstance(selector, section):
            yield f"{prefix}.sections.{field}.name"
            yield from fields(f"{prefix}.sections.{field}", selector.schema)
        else:
            yield f"{prefix}.data.{field}"
            yield f"{prefix}.data_description.{field}"


@pytest.mark.usefixtures("enable_custom_integrations")
async def test_every_text_is_loaded(
    hass: HomeAssistant, language: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Home Assistant loads every text of a language.

    None is replaced by English.
    """
    content = json.loads((TRANSLATIONS / f"{language}.json").read_text("utf-8"))
    for category, node in content.items():
        expected = {".".join(keys): text for keys, text in texts(node)}
        assert await loaded(hass, category) == expected
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


async def test_entities_are_named(
    hass: HomeAssistant,
    language: str,
    entity_registry_enabled_by_default: None,
    streaming: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Each entity has its translated name."""
    shown = await loaded(hass, "entity")
    entities = er.async_entries_for_config_entry(entity_registry, streaming.entry_id)
    for entity in entities:
        key = f"{entity.domain}.{entity.translation_key}.name"
        assert entity.original_name == shown[key]
    # Every `platform.key.name` is used; names of attributes have longer keys.
    named = {f"{entity.domain}.{entity.translation_key}.name" for entity in entities}
    assert named == {key for key in shown if re.fullmatch(r"\w+\.\w+\.name", key)}


async def test_forms_have_texts(
    hass: HomeAssistant, language: str, streaming: MockConfigEntry
) -> None:
    """Each form has its texts, and every text is used.

    All placeholders are filled.
    """
    shown = await loaded(hass, "config")
    forms: list[Any] = [
        await hass.config_entries.flow.async_init(
            DOMAIN, context={"source": SOURCE_USER}
        ),
        await streaming.start_reauth_flow(hass),
        await streaming.start_reconfigure_flow(hass),
    ]
    used: set[str] = set()
    for form in forms:
        prefix = f"step.{form['step_id']}"
        for key in (f"{prefix}.title", f"{prefix}.description"):
            assert shown[key].format(**form["description_placeholders"])
            used.add(key)
        used.update(fields(prefix, form["data_schema"]))
    assert used == {key for key in shown if key.startswith("step.")}


async def test_options_have_texts(
    hass: HomeAssistant, language: str, streaming: MockConfigEntry
) -> None:
    """The options have their texts, and every text is used."""
    shown = await loaded(hass, "options")
    form = await hass.config_entries.options.async_init(streaming.entry_id)
    assert form["data_schema"] is not None
    prefix = f"step.{form['step_id']}"
    assert shown.keys() == {
        "error.module_too_long",
        "error.too_many_modules",
        f"{prefix}.title",
        *fields(prefix, form["data_schema"]),
    }


async def test_error_has_a_text(
    hass: HomeAssistant, language: str, streaming: MockConfigEntry
) -> None:
    """The error of a rejected key has a text."""
    shown = await loaded(hass, "config")
    form = await streaming.start_reauth_flow(hass)
    rejected = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"api_key": "wrong"}
    )
    assert rejected["errors"] is not None
    (error,) = rejected["errors"].values()
    assert shown[f"error.{error}"]


async def test_repair_has_texts(
    hass: HomeAssistant,
    language: str,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """The texts of a repair have their placeholders filled."""
    async_report_gap(hass, streaming, 0, 3_600_000_000_000, 7_200_000_000_000)
    (issue,) = issue_registry.issues.values()
    assert issue.translation_placeholders is not None
    shown = await loaded(hass, "issues")
    title = shown[f"{issue.translation_key}.title"]
    assert streaming.title in title.format(**issue.translation_placeholders)
    for key, text in shown.items():
        if key.startswith(f"{issue.translation_key}."):
            assert text.format(**issue.translation_placeholders)
