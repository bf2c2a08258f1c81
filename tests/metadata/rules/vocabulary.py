"""A rule that holds our texts against Home Assistant's own."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
import json
from pathlib import Path
import re
from typing import Final

import hass_frontend

from homeassistant import components
from tests.metadata.repository import Repository, texts

from .registry import violation
from .translations import DUTCH, ENGLISH, FRENCH, LANGUAGES

# Where Home Assistant says something: a component and a key, with FRONTEND for the
# frontend. Every one is in 2026.10 and 2026.11, in all our languages, and the same in
# both. What to press to save is not: Dutch has another word for it in 2026.10.4 than in
# 2026.10.0. Nor is the level Debug, for which German there has what somebody does.
_LEVEL: Final = "logger:selector.level.options"
_UI: Final = "FRONTEND:ui"

# Our texts that say the same, as patterns of their keys.
LABELS: Final = {
    # Levels: those of the action that sets the level of Home Assistant's own log.
    "entity.*.state.info": f"{_LEVEL}.info",
    "selector.*level.options.info": f"{_LEVEL}.info",
    "entity.*.state.warn": f"{_LEVEL}.warning",
    "selector.*level.options.warn": f"{_LEVEL}.warning",
    "entity.*.state.error": f"{_LEVEL}.error",
    "selector.*level.options.error": f"{_LEVEL}.error",
    "entity.event.log.state_attributes.event_type.name": "logger:services.set_default_level.fields.level.name",
    "services.get_logs.fields.level.name": "logger:services.set_default_level.fields.level.name",
    # Entities
    "entity.binary_sensor.connection.name": "device_tracker:entity_component._.state_attributes.tracking_type.state.connection",
    "entity.event.log.name": f"{_UI}.panel.config.apps.panel.log",
    "entity.sensor.transport.state.polling": "telegram_bot:selector.platforms.options.polling",
    # Forms and fields
    "config.step.*.data.api_key": "openai_conversation:config.step.user.data.api_key",
    "options.step.init.title": "irm_kmi:options.step.init.title",
    "services.*.fields.device_id.name": "aranet:config.step.user.data.address",
    "*.fields.config_entry_id.name": "todoist:services.new_task.fields.project.name",
    "triggers.*.fields.for.name": "light:triggers.turned_on.fields.for.name",
    "services.call_rpc.fields.timeout.name": "remote:services.learn_command.fields.timeout.name",
    "services.call_rpc.fields.parameters.name": "isy994:services.send_raw_node_command.fields.parameters.name",
}

# What our English texts speak of, as a regular expression, with every form of the word.
WORDS: Final = {
    "Connected": ["binary_sensor:entity_component.connectivity.state.on"],
    "API key": ["openai_conversation:config.step.user.data.api_key"],
    "Unexpected error": ["shelly:config.error.unknown"],
    "Already configured": ["homeassistant:config.abort.single_instance_allowed"],
    "Devices?": [f"{_UI}.components.device-picker.device", f"{_UI}.components.target-picker.type.devices"],
    "Integrations?": [f"{_UI}.components.related-items.integration", f"{_UI}.panel.config.integrations.caption"],
    "Automation": ["automation:entity_component._.name"],
    "Firmware": ["update:entity_component.firmware.name"],
    "Project": ["todoist:services.new_task.fields.project.name"],
    # What to press, and where
    "Settings(?= >)": ["FRONTEND:panel.config"],
    "Devices & services": [f"{_UI}.panel.config.dashboard.devices.main"],
    "Reconfigure": [f"{_UI}.panel.config.integrations.config_entry.reconfigure"],
}  # fmt: skip


@violation("nl: entity.event.log.name is not Logboek", DUTCH, '"Logboek"', '"Regel"')
@violation("reauth_confirm.data.api_key is not API key", ENGLISH, '"API key"', '"Key"')
@violation("polling is in no text", ENGLISH, '"polling": "P', '"asking": "P')
@violation("does not say Appareils et", FRENCH, "Appareils et", "Appareils &")
def words_are_home_assistants(repository: Repository) -> Iterator[str]:
    """Use Home Assistant's words, in every language."""
    ours = {each: repository.language(each) for each in ("en", *LANGUAGES)}
    for pattern, source in LABELS.items():
        if not (keys := [key for key in ours["en"] if fnmatchcase(key, pattern)]):
            yield f"{pattern} is in no text"
        for language, said in ours.items():
            for key in keys:
                if said.get(key) not in (None, word := _word(source, language)):
                    yield f"{language}: {key} is not {word}"
    for about, sources in WORDS.items():
        pattern = rf"(?i)\b(?:{about})"
        keys = [
            key for key, text in ours["en"].items() if re.search(pattern, _own(text))
        ]
        for language, said in ours.items():
            forms = [_word(source, language) for source in sources]
            for key in keys:
                text = _own(said.get(key, forms[0])).lower()
                if not any(form.lower() in text for form in forms):
                    yield f"{language}: {key} does not say {' or '.join(forms)}"


def _own(text: str) -> str:
    """Return a text without its placeholders."""
    return re.sub(r"\{\w+\}", "", text)


def _word(source: str, language: str) -> str:
    """Return the first sentence of what Home Assistant says somewhere.

    Raises:
        KeyError: It says nothing there any more: another key is to be found.
    """
    component, _, key = source.partition(":")
    return _theirs(component, language)[key].partition(". ")[0]


@cache
def _theirs(component: str, language: str) -> dict[str, str]:
    """Return the texts of core or the frontend, by key."""
    if component != "FRONTEND":
        folder = Path(components.__path__[0]) / component / "translations"
        paths = [folder / f"{language}.json"]
    else:
        folder = Path(hass_frontend.__file__).parent / "static/translations"
        # The names end with a digest. Of the pages, we speak of the settings alone.
        name = f"{language}-{'[0-9a-f]' * 32}.json"
        paths = [*folder.glob(name), *folder.glob(f"config/{name}")]
    return {
        ".".join(keys): text
        for path in paths
        for keys, text in texts(json.loads(path.read_text("utf-8")))
    }
