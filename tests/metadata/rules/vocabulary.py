"""Rules that hold our texts against Home Assistant's own: what it has a word for is called by that word, in every language."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
import json
from pathlib import Path
import re

import hass_frontend

from homeassistant import components
from tests.metadata.repository import Repository, texts

from .translations import LANGUAGES

FRONTEND = "frontend"
PLACEHOLDER = re.compile(r"\{\w+\}")


@dataclass(frozen=True)
class Word:
    """Something that Home Assistant has a word for.

    Attributes:
        source: The component of core that says it, or the frontend.
        keys: Where it does. Of the text there, the first sentence counts; further keys are further forms, such as the plural.
        same: Our texts that say the same, as patterns of their keys.
        within: Our texts that hold the word are those whose English does, as a regular expression.
    """

    source: str
    keys: tuple[str, ...]
    same: tuple[str, ...] = ()
    within: str | None = None


# Every one of these is in Home Assistant 2026.10 and 2026.11, in all our languages, and the same in both. What to press to save is not:
# Dutch has another word for it in 2026.10.4 than in 2026.10.0.
WORDS = (
    # Levels: those of the action that sets the level of Home Assistant's own log. Not Debug: German there has "Debugging" for it, which
    # is what somebody does.
    Word(
        "logger",
        ("selector.level.options.info",),
        same=("entity.*.state.info", "selector.*level.options.info"),
    ),
    Word(
        "logger",
        ("selector.level.options.warning",),
        same=("entity.*.state.warn", "selector.*level.options.warn"),
    ),
    Word(
        "logger",
        ("selector.level.options.error",),
        same=("entity.*.state.error", "selector.*level.options.error"),
    ),
    Word(
        "logger",
        ("services.set_default_level.fields.level.name",),
        same=(
            "entity.event.log.state_attributes.event_type.name",
            "services.get_logs.fields.level.name",
        ),
    ),
    # States
    Word(
        "binary_sensor",
        ("entity_component.connectivity.state.on",),
        within="Connected",
    ),
    Word(
        "device_tracker",
        ("entity_component._.state_attributes.tracking_type.state.connection",),
        same=("entity.binary_sensor.connection.name",),
    ),
    Word(
        "telegram_bot",
        ("selector.platforms.options.polling",),
        same=("entity.sensor.transport.state.polling",),
    ),
    # Set-up
    Word(
        "openai_conversation",
        ("config.step.user.data.api_key",),
        same=("config.step.*.data.api_key",),
        within="API key",
    ),
    Word("shelly", ("config.error.unknown",), within="Unexpected error"),
    Word(
        "homeassistant",
        ("config.abort.single_instance_allowed",),
        within="Already configured",
    ),
    Word(
        "irm_kmi",
        ("options.step.init.title",),
        same=("options.step.init.title",),
    ),
    # Things
    Word(
        "aranet",
        ("config.step.user.data.address",),
        same=("services.*.fields.device_id.name",),
    ),
    Word(
        FRONTEND,
        (
            "ui.components.device-picker.device",
            "ui.components.target-picker.type.devices",
        ),
        within="Devices?",
    ),
    Word(
        FRONTEND,
        (
            "ui.components.related-items.integration",
            "ui.panel.config.integrations.caption",
        ),
        within="Integrations?",
    ),
    Word("automation", ("entity_component._.name",), within="Automation"),
    Word("update", ("entity_component.firmware.name",), within="Firmware"),
    Word(
        "todoist",
        ("services.new_task.fields.project.name",),
        same=("*.fields.config_entry_id.name",),
        within="Project",
    ),
    Word(
        FRONTEND, ("ui.panel.config.apps.panel.log",), same=("entity.event.log.name",)
    ),
    # Fields
    Word(
        "light",
        ("triggers.turned_on.fields.for.name",),
        same=("triggers.*.fields.for.name",),
    ),
    Word(
        "remote",
        ("services.learn_command.fields.timeout.name",),
        same=("services.call_rpc.fields.timeout.name",),
    ),
    Word(
        "isy994",
        ("services.send_raw_node_command.fields.parameters.name",),
        same=("services.call_rpc.fields.parameters.name",),
    ),
    # What to press, and where
    Word(FRONTEND, ("panel.config",), within="Settings(?= >)"),
    Word(
        FRONTEND,
        ("ui.panel.config.dashboard.devices.main",),
        within="Devices & services",
    ),
    Word(
        FRONTEND,
        ("ui.panel.config.integrations.config_entry.reconfigure",),
        within="Reconfigure",
    ),
)


def labels_of_home_assistant_are_used(repository: Repository) -> Iterator[str]:
    """What Home Assistant has a label for has the same one here."""
    ours = _ours(repository)
    for word in WORDS:
        for pattern in word.same:
            labels = [key for key in ours["en"] if fnmatchcase(key, pattern)]
            if not labels:
                yield f"{pattern} is in no text"
            for language, texts_of_language in ours.items():
                expected = _forms(word, language)[0]
                for key in labels:
                    if texts_of_language.get(key, expected) != expected:
                        yield f"{language}.json: {key} is {expected} in Home Assistant"


def words_of_home_assistant_are_used(repository: Repository) -> Iterator[str]:
    """A text about something that Home Assistant has a word for holds that word."""
    ours = _ours(repository)
    for word in WORDS:
        if word.within is None:
            continue
        about = re.compile(rf"\b(?:{word.within})", re.IGNORECASE)
        keys = [
            key
            for key, text in ours["en"].items()
            if about.search(PLACEHOLDER.sub("", text))
        ]
        for language, texts_of_language in ours.items():
            forms = _forms(word, language)
            for key in keys:
                text = texts_of_language.get(key, forms[0])
                said = PLACEHOLDER.sub("", text).lower()
                if not any(form.lower() in said for form in forms):
                    yield f"{language}.json: {key} does not say {' or '.join(forms)}"


def _ours(repository: Repository) -> dict[str, dict[str, str]]:
    """Return our texts by their keys, by the languages that are promised."""
    return {
        language: _by_key(repository.translations / f"{language}.json")
        for language in ("en", *LANGUAGES)
    }


def _forms(word: Word, language: str) -> list[str]:
    """Return what Home Assistant calls something.

    Raises:
        KeyError: It does not say so there any more, or not in this language: another key is to be found.
    """
    theirs = _theirs(word.source, language)
    return [theirs[key].partition(". ")[0] for key in word.keys]


@cache
def _theirs(source: str, language: str) -> dict[str, str]:
    """Return the texts of a component of core, or of the frontend, by their keys."""
    if source != FRONTEND:
        folder = Path(components.__path__[0]) / source / "translations"
        return _by_key(folder / f"{language}.json")
    folder = Path(hass_frontend.__file__).parent / "static/translations"
    # The names end with a digest. Of the pages, we speak of the settings alone.
    name = f"{language}-{'[0-9a-f]' * 32}.json"
    paths = [*folder.glob(name), *folder.glob(f"config/{name}")]
    return {key: text for path in paths for key, text in _by_key(path).items()}


def _by_key(path: Path) -> dict[str, str]:
    """Return the texts of a file by the keys that lead to them, with dots between them."""
    content = json.loads(path.read_text("utf-8"))
    return {".".join(keys): text for keys, text in texts(content)}
