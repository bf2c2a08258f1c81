"""Changes to a copy of the repository: those that break a rule, and those that keep them all."""

from collections.abc import Callable
from dataclasses import dataclass
import json
from pathlib import Path
import shutil
from typing import Any

from .repository import DOMAIN
from .rules import (
    Rule,
    actions,
    code,
    distribution,
    documentation,
    icons,
    manifest,
    quality_scale,
    scripts,
    translations,
    usage,
    vocabulary,
)

type Change = Callable[[Path], object]

INTEGRATION = f"custom_components/{DOMAIN}"
BRAND = f"{INTEGRATION}/brand"
CONDITIONS = f"{INTEGRATION}/conditions.yaml"
CONFIG_FLOW = f"{INTEGRATION}/config_flow.py"
DUTCH = f"{INTEGRATION}/translations/nl.json"
ENGLISH = f"{INTEGRATION}/translations/en.json"
FRENCH = f"{INTEGRATION}/translations/fr.json"
ICONS = f"{INTEGRATION}/icons.json"
INIT = f"{INTEGRATION}/__init__.py"
MANIFEST = f"{INTEGRATION}/manifest.json"
QUALITY_SCALE = f"{INTEGRATION}/quality_scale.yaml"
REPAIRS = f"{INTEGRATION}/repairs.py"
SERVICES = f"{INTEGRATION}/services.yaml"
TRIGGER_MODULE = f"{INTEGRATION}/trigger.py"
TRIGGERS = f"{INTEGRATION}/triggers.yaml"
TEST_WORKFLOW = ".github/workflows/test.yml"
VALIDATE_WORKFLOW = ".github/workflows/validate.yml"

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True)
class Breach:
    """A change, the rule that it breaks, and words of the complaint."""

    name: str
    rule: Rule
    change: Change
    complaint: str


@dataclass(frozen=True)
class Addition:
    """A change that breaks no rule."""

    name: str
    change: Change


def _merge(name: str, **values: Any) -> Change:
    """Merge values into a JSON file; a key with dots leads into it, and None takes a key out."""

    def change(root: Path) -> None:
        path = root / name
        content = json.loads(path.read_text("utf-8")) if path.exists() else {}
        for dotted, value in values.items():
            *parents, key = dotted.split(".")
            node = content
            for parent in parents:
                node = node.setdefault(parent, {})
            if value is None:
                del node[key]
            else:
                node[key] = value
        path.write_text(json.dumps(content), "utf-8")

    return change


def _say(**values: Any) -> Change:
    """Merge texts into every language."""

    def change(root: Path) -> None:
        for path in (root / INTEGRATION / "translations").glob("*.json"):
            language = "" if path.stem == "en" else f"{path.stem}: "
            said = {key: _prefixed(language, value) for key, value in values.items()}
            _merge(path.relative_to(root).as_posix(), **said)(root)

    return change


def _prefixed(prefix: str, node: Any) -> Any:
    """Return texts that all begin with the same."""
    if isinstance(node, dict):
        return {key: _prefixed(prefix, value) for key, value in node.items()}
    return f"{prefix}{node}"


def _translated(language: str) -> Change:
    """Add a language of which nothing is known."""

    def change(root: Path) -> None:
        english = json.loads((root / ENGLISH).read_text("utf-8"))
        _write(
            f"{INTEGRATION}/translations/{language}.json",
            json.dumps(_prefixed(f"{language}: ", english)),
        )(root)

    return change


def _write(name: str, text: str) -> Change:
    """Write a file."""

    def change(root: Path) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    return change


def _append(name: str, text: str) -> Change:
    """Add lines to the end of a file, which need not be there."""

    def change(root: Path) -> None:
        path = root / name
        before = path.read_text("utf-8") if path.exists() else ""
        path.write_text(f"{before}\n{text}\n", "utf-8")

    return change


def _replace(name: str, old: str, new: str) -> Change:
    """Replace a text that is in a file."""

    def change(root: Path) -> None:
        path = root / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    return change


def _delete(name: str) -> Change:
    """Delete a file, if it is there."""
    return lambda root: (root / name).unlink(missing_ok=True)


def _all(*changes: Change) -> Change:
    """Make several changes."""
    return lambda root: [change(root) for change in changes]


def _copy(source: str, target: str) -> Change:
    """Copy a file."""
    return lambda root: shutil.copyfile(root / source, root / target)


def _opaque(root: Path) -> None:
    """Take the transparency out of the icon."""
    path = root / BRAND / "icon.png"
    content = bytearray(path.read_bytes())
    # The colour type, after signature, length and type of the chunk, width, height and depth.
    content[25] = 2
    path.write_bytes(content)


def _misordered_manifest(root: Path) -> None:
    """Put the last key first."""
    path = root / MANIFEST
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(dict(reversed(content.items()))), "utf-8")


def _depend_on_mqtt(key: str) -> Change:
    """Declare a dependency, with the keys in order."""

    def change(root: Path) -> None:
        path = root / MANIFEST
        content = json.loads(path.read_text("utf-8"))
        content[key] = [*content.get(key, []), "mqtt"]
        order = sorted(content, key=lambda key: (key != "domain", key != "name", key))
        path.write_text(json.dumps({key: content[key] for key in order}), "utf-8")

    return change


def _trigger_field(text: str) -> Change:
    """Put a description of a field into triggers.yaml."""
    return _write(TRIGGERS, f"mood_changed:\n  fields:\n    level:\n      {text}\n")


ACTION = """
def _register(hass):
    hass.services.async_register("golioth", "read_mind", print)
"""
TRIGGER = '''"""Triggers."""


async def async_get_triggers(hass):
    return {}
'''
TRIGGER_PAGE = """# Mood changed

## In the user interface

1. Choose **Mood changed**.

## In YAML

```yaml
triggers:
  - trigger: golioth.mood_changed
```
"""
CONDITION = TRIGGER.replace("triggers", "conditions").replace("Trig", "Cond")
EXCEPTION = """
raise RuntimeError(translation_domain=DOMAIN, translation_key="lost_mood", translation_placeholders={"name": "x"})
"""
ISSUE = """
async_create_issue(hass, DOMAIN, "x", is_fixable=True, translation_key="bad_mood", translation_placeholders={"from": "x"})
"""
OPTIONS_FLOW = """
class MoodOptionsFlow(OptionsFlowWithReload):
    async def async_step_mood(self, user_input=None):
        return self.async_show_form(
            step_id="mood", data_schema=vol.Schema({vol.Optional("mood"): str})
        )
"""

REPAIR_FLOW = """
class MoodRepairFlow(RepairsFlow):
    async def async_step_mood(self, user_input=None):
        return self.async_show_form(
            step_id="mood", data_schema=vol.Schema({vol.Optional("colour"): str})
        )
"""

BREACHES = (
    # manifest.json
    Breach(
        "keys out of order",
        manifest.manifest_keys_are_in_order,
        _misordered_manifest,
        "domain, name, after_dependencies",
    ),
    Breach(
        "no version",
        manifest.manifest_has_every_required_key,
        _merge(MANIFEST, version=None),
        "version is missing",
    ),
    Breach(
        "no issue tracker",
        manifest.manifest_has_every_required_key,
        _merge(MANIFEST, issue_tracker=None),
        "issue_tracker is missing",
    ),
    Breach(
        "minimum Home Assistant in the manifest",
        manifest.manifest_has_only_allowed_keys,
        _merge(MANIFEST, homeassistant="2026.10.0"),
        "homeassistant is not allowed",
    ),
    Breach(
        "package that Home Assistant does not ship",
        manifest.manifest_needs_no_package,
        _merge(MANIFEST, requirements=["golioth==1.0"]),
        "golioth==1.0 is required",
    ),
    Breach(
        "domain of another folder",
        manifest.manifest_names_the_folder,
        _merge(MANIFEST, domain="goliath"),
        "domain should be golioth",
    ),
    Breach(
        "code owner without @",
        manifest.manifest_has_code_owners,
        _merge(MANIFEST, codeowners=["OWNER"]),
        "OWNER should start with @",
    ),
    Breach(
        "documentation over http",
        manifest.manifest_links_over_https,
        _merge(MANIFEST, documentation="http://example.com"),
        "documentation is not an https address",
    ),
    Breach(
        "documentation at home-assistant.io",
        manifest.manifest_links_over_https,
        _merge(
            MANIFEST, documentation="https://www.home-assistant.io/integrations/golioth"
        ),
        "documents core only",
    ),
    Breach(
        "unknown IoT class",
        manifest.manifest_classifies_the_integration,
        _merge(MANIFEST, iot_class="cloud_streaming"),
        "iot_class cloud_streaming is unknown",
    ),
    Breach(
        "unknown integration type",
        manifest.manifest_classifies_the_integration,
        _merge(MANIFEST, integration_type="fleet"),
        "integration_type fleet is unknown",
    ),
    Breach(
        "version that cannot be compared",
        manifest.manifest_version_can_be_compared,
        _merge(MANIFEST, version="newest"),
        "version newest is not",
    ),
    # Code
    Breach(
        "import of a component that is no dependency",
        code.dependencies_match_the_imports,
        _append(INIT, "from homeassistant.components import mqtt"),
        "__init__.py imports mqtt",
    ),
    Breach(
        "import from within a component that is no dependency",
        code.dependencies_match_the_imports,
        _append(
            INIT, "def f():\n    from homeassistant.components.mqtt.const import DOMAIN"
        ),
        "__init__.py imports mqtt",
    ),
    Breach(
        "dependency that does not exist",
        code.dependencies_exist,
        _merge(MANIFEST, dependencies=["carrier_pigeon"]),
        "Home Assistant has no carrier_pigeon",
    ),
    Breach(
        "config flow that is missing",
        code.config_flow_is_declared_and_there,
        _delete(CONFIG_FLOW),
        "config_flow.py is missing",
    ),
    Breach(
        "config flow that is not declared",
        code.config_flow_is_declared_and_there,
        _merge(MANIFEST, config_flow=None),
        "config_flow in manifest.json is not true",
    ),
    Breach(
        "config flow that is not registered",
        code.config_flow_is_declared_and_there,
        _replace(CONFIG_FLOW, ", domain=DOMAIN)", ")"),
        "registers no flow",
    ),
    Breach(
        "async_setup without CONFIG_SCHEMA",
        code.setup_without_yaml_says_so,
        _write(INIT, "async def async_setup(hass, config): return True"),
        "async_setup, and no CONFIG_SCHEMA",
    ),
    Breach(
        "async_setup with a CONFIG_SCHEMA that takes YAML",
        code.setup_without_yaml_says_so,
        _replace(INIT, "cv.config_entry_only_config_schema(DOMAIN)", "vol.Schema({})"),
        "async_setup, and no CONFIG_SCHEMA",
    ),
    Breach(
        "schema of the engine behind voluptuous",
        code.schemas_are_made_with_voluptuous,
        _append(INIT, "import probatio as vol"),
        "__init__.py imports probatio: import voluptuous as vol",
    ),
    Breach(
        "less to look for than core has",
        code.checks_are_as_strict_as_those_of_core,
        _replace("pyproject.toml", '"BLE",', ""),
        "ruff does not look for BLE",
    ),
    Breach(
        "docstrings of another style",
        code.checks_are_as_strict_as_those_of_core,
        _replace("pyproject.toml", 'convention = "google"', 'convention = "numpy"'),
        "ruff does not ask for docstrings in Google's style",
    ),
    Breach(
        "types that are not strict",
        code.checks_are_as_strict_as_those_of_core,
        _replace("pyproject.toml", "strict = true", "strict = false"),
        "mypy is not strict",
    ),
    Breach(
        "overriding that nobody has to say",
        code.checks_are_as_strict_as_those_of_core,
        _replace("pyproject.toml", '"explicit-override",', ""),
        "mypy does not ask for @override",
    ),
    Breach(
        "check that is not run",
        code.checks_are_as_strict_as_those_of_core,
        _replace("scripts/lint", ".venv/bin/mypy", "true"),
        "scripts/lint does not run mypy",
    ),
    Breach(
        "platform without PARALLEL_UPDATES",
        code.platforms_say_how_many_updates_run_at_once,
        _replace(f"{INTEGRATION}/event.py", "PARALLEL_UPDATES = 0", ""),
        "event.py has no PARALLEL_UPDATES",
    ),
    Breach(
        "client that imports Home Assistant",
        code.client_knows_nothing_of_home_assistant,
        _append(f"{INTEGRATION}/client/rest.py", "import homeassistant.core"),
        "client/rest.py imports homeassistant.core",
    ),
    Breach(
        "client that imports the integration around it",
        code.client_knows_nothing_of_home_assistant,
        _append(f"{INTEGRATION}/client/rest.py", "from ..const import DOMAIN"),
        "client/rest.py imports custom_components.golioth.const.DOMAIN",
    ),
    Breach(
        "client that imports Home Assistant for types",
        code.client_knows_nothing_of_home_assistant,
        _append(
            f"{INTEGRATION}/client/rest.py",
            "if TYPE_CHECKING:\n    from homeassistant.core import HomeAssistant",
        ),
        "client/rest.py imports homeassistant.core.HomeAssistant",
    ),
    Breach(
        "annotations from __future__",
        code.annotations_need_no_future,
        _append(INIT, "from __future__ import annotations"),
        "__init__.py imports annotations from __future__",
    ),
    Breach(
        "annotations from __future__ in a script",
        code.annotations_need_no_future,
        _write(
            "scripts/new", "#!/usr/bin/env python3\nfrom __future__ import annotations"
        ),
        "scripts/new imports annotations from __future__",
    ),
    Breach(
        "coordinator elsewhere",
        code.shared_code_has_its_modules,
        _replace(
            f"{INTEGRATION}/coordinator.py", "(DataUpdateCoordinator[", "(dict[str, "
        ),
        "coordinator.py has no coordinator",
    ),
    Breach(
        "entity without a base of ours",
        code.shared_code_has_its_modules,
        _replace(
            f"{INTEGRATION}/event.py",
            "(GoliothDeviceEntity, EventEntity)",
            "(EventEntity)",
        ),
        "event.py: GoliothLogEvent has no base of entity.py",
    ),
    Breach(
        "base of the entities elsewhere",
        code.shared_code_has_its_modules,
        _write(f"{INTEGRATION}/entity.py", ""),
        "entity.py has no entity",
    ),
    Breach(
        "entry without our type",
        code.entries_have_our_type,
        _append(INIT, "def f(entry: ConfigEntry) -> None: ..."),
        "takes a ConfigEntry without our type",
    ),
    Breach(
        "entry with any runtime data",
        code.entries_have_our_type,
        _append(INIT, "def f(entries: list[ConfigEntry[Any]]) -> None: ..."),
        "takes a ConfigEntry without our type",
    ),
    Breach(
        "project that is kept elsewhere",
        code.runtime_data_is_kept_in_the_entry,
        _replace(INIT, "entry.runtime_data = coordinator", "x = coordinator"),
        "__init__.py keeps nothing in runtime_data",
    ),
    Breach(
        "something under the domain",
        code.runtime_data_is_kept_in_the_entry,
        _append(INIT, "def f(hass): hass.data.setdefault(DOMAIN, {})"),
        "keeps something under DOMAIN",
    ),
    Breach(
        "something under the name of the domain",
        code.runtime_data_is_kept_in_the_entry,
        _append(INIT, 'def f(hass): hass.data["golioth"] = 1'),
        "keeps something under DOMAIN",
    ),
    Breach(
        "session of our own",
        code.connections_are_home_assistants,
        _append(INIT, "session = aiohttp.ClientSession()"),
        "makes a session of its own",
    ),
    Breach(
        "client with another session",
        code.connections_are_home_assistants,
        _replace(CONFIG_FLOW, "async_get_clientsession(self.hass)", "session"),
        "config_flow.py:",
    ),
    Breach(
        "library that blocks",
        code.nothing_blocks_the_event_loop,
        _append(f"{INTEGRATION}/client/rest.py", "import requests"),
        "client/rest.py imports requests",
    ),
    Breach(
        "sleep that blocks",
        code.nothing_blocks_the_event_loop,
        _append(f"{INTEGRATION}/client/rest.py", "time.sleep(1)"),
        "sleeps",
    ),
    # translations/
    Breach(
        "strings.json",
        translations.translations_come_without_strings_json,
        _copy(ENGLISH, f"{INTEGRATION}/strings.json"),
        "strings.json is not read",
    ),
    Breach(
        "no English",
        translations.translations_are_valid_json,
        _delete(ENGLISH),
        "en.json is missing",
    ),
    Breach(
        "language that is not JSON",
        translations.translations_are_valid_json,
        _write(DUTCH, "{"),
        "nl.json: Expecting",
    ),
    Breach(
        "language that is no object",
        translations.translations_are_valid_json,
        _write(DUTCH, "[]"),
        "nl.json",
    ),
    Breach(
        "file that is no language",
        translations.translations_are_valid_json,
        _write(f"{INTEGRATION}/translations/en.yaml", ""),
        "en.yaml is no translation",
    ),
    Breach(
        "unknown section",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, **{"config.title": "Golioth"}),
        "config.title",
    ),
    Breach(
        "flow without steps",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, options={"error": {"unknown": "Unknown"}}),
        "options.step",
    ),
    Breach(
        "issue with neither description nor fix flow",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, **{"issues.bad_mood": {"title": "Mood"}}),
        "issues.bad_mood",
    ),
    Breach(
        "issue with both description and fix flow",
        translations.translations_have_the_known_structure,
        _merge(
            ENGLISH,
            **{
                "issues.bad_mood": {
                    "title": "a",
                    "description": "b",
                    "fix_flow": {"step": {}},
                }
            },
        ),
        "issues.bad_mood",
    ),
    Breach(
        "action without description",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, **{"services.read_mind": {"name": "Read mind"}}),
        "services.read_mind.description",
    ),
    Breach(
        "exception without message",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, **{"exceptions.lost_mood": {}}),
        "exceptions.lost_mood.message",
    ),
    Breach(
        "unknown text of a step",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, **{"config.step.user.hint": "Hint"}),
        "config.step.user.hint",
    ),
    Breach(
        "unknown text of an entity",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, **{"entity.sensor.last_log.hint": "Hint"}),
        "entity.sensor.last_log.hint",
    ),
    Breach(
        "entity of a platform that does not exist",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, **{"entity.mood.last_mood.name": "Last mood"}),
        "entity.mood",
    ),
    Breach(
        "issue without a title",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, **{"issues.bad_mood": {"description": "Mood"}}),
        "issues.bad_mood.title",
    ),
    Breach(
        "field of an action without description",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, **{"services.get_logs.fields.limit": {"name": "Limit"}}),
        "services.get_logs.fields.limit.description",
    ),
    Breach(
        "trigger without a name",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, **{"triggers.mood_changed": {"description": "Mood"}}),
        "triggers.mood_changed.name",
    ),
    Breach(
        "condition without a description",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, **{"conditions.is_moody": {"name": "Mood"}}),
        "conditions.is_moody.description",
    ),
    Breach(
        "select field without options",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, **{"selector.mood": {"name": "Mood"}}),
        "selector.mood",
    ),
    Breach(
        "name of a device that is no name",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, **{"device.mood": {"title": "Mood"}}),
        "device.mood",
    ),
    Breach(
        "system health without lines",
        translations.translations_have_the_known_structure,
        _merge(ENGLISH, system_health={"title": "Health"}),
        "system_health",
    ),
    Breach(
        "key in capitals",
        translations.translation_keys_are_slugs,
        _merge(ENGLISH, **{"config.error.badKey": "No"}),
        "badKey is not a valid key",
    ),
    Breach(
        "reference to core's texts",
        translations.translations_refer_to_no_other_key,
        _merge(
            ENGLISH, **{"config.error.x": "[%key:common::config_flow::error::unknown%]"}
        ),
        "en.json: config.error.x refers",
    ),
    Breach(
        "HTML",
        translations.translations_hold_no_html,
        _merge(ENGLISH, **{"config.error.x": "<b>No</b>"}),
        "en.json: config.error.x holds HTML",
    ),
    Breach(
        "URL",
        translations.translations_hold_no_url,
        _merge(ENGLISH, **{"config.error.x": "See https://golioth.io"}),
        "en.json: config.error.x holds a URL",
    ),
    Breach(
        "URL without a scheme, in another language",
        translations.translations_hold_no_url,
        _merge(DUTCH, **{"config.error.x": "Zie www.golioth.io"}),
        "nl.json: config.error.x holds a URL",
    ),
    Breach(
        "white space at the end",
        translations.translations_are_trimmed,
        _merge(ENGLISH, **{"config.error.x": "No "}),
        "en.json: config.error.x starts or ends",
    ),
    Breach(
        "placeholder in single quotes",
        translations.translations_quote_no_placeholder,
        _merge(ENGLISH, **{"config.error.x": "No '{name}'"}),
        "en.json: config.error.x has an apostrophe before a brace",
    ),
    Breach(
        "placeholder after an elision",
        translations.translations_quote_no_placeholder,
        _merge(FRENCH, **{"config.error.x": "Pas d'{name}"}),
        "fr.json: config.error.x has an apostrophe before a brace",
    ),
    Breach(
        "sentences that do not end",
        translations.several_sentences_end_with_a_full_stop,
        _merge(ENGLISH, **{"config.error.x": "This is wrong. Try another one"}),
        "en.json: config.error.x has several sentences",
    ),
    Breach(
        "sentences of another language that do not end",
        translations.several_sentences_end_with_a_full_stop,
        _merge(FRENCH, **{"config.error.x": "C'est faux. Écrivez autre chose"}),
        "fr.json: config.error.x has several sentences",
    ),
    Breach(
        "placeholder that is no name",
        translations.translation_placeholders_are_names,
        _merge(ENGLISH, **{"config.error.x": "No {first name}"}),
        "{first name} is not a name",
    ),
    Breach(
        "brace without its pair",
        translations.translation_placeholders_are_names,
        _merge(ENGLISH, **{"config.error.x": "No {name"}),
        "en.json: config.error.x: expected '}'",
    ),
    Breach(
        "foreign text in Markdown",
        translations.translations_hold_no_foreign_markdown,
        _merge(ENGLISH, **{"config.step.user.description": "Of {project}"}),
        "config.step.user.description has {project}, which would be Markdown",
    ),
    Breach(
        "placeholder in a state",
        translations.translated_states_have_no_placeholder,
        _merge(ENGLISH, **{"entity.sensor.x.state.on": "On {name}"}),
        "entity.sensor.x.state.on has a placeholder",
    ),
    Breach(
        "placeholder in a state of an attribute",
        translations.translated_states_have_no_placeholder,
        _merge(
            ENGLISH, **{"entity.event.x.state_attributes.event_type.state.on": "{name}"}
        ),
        "entity.event.x.state_attributes.event_type.state.on has a placeholder",
    ),
    Breach(
        "description of a field that is not there",
        translations.data_descriptions_describe_data,
        _merge(ENGLISH, **{"config.step.user.data_description.x": "X"}),
        "config.step.user: x is described",
    ),
    Breach(
        "description of a field that is not in its section",
        translations.data_descriptions_describe_data,
        _merge(
            ENGLISH, **{"config.step.user.sections.advanced.data_description.x": "X"}
        ),
        "config.step.user.sections.advanced: x is described",
    ),
    Breach(
        "text that English does not have",
        translations.translations_follow_english,
        _merge(DUTCH, **{"config.error.x": "Nee"}),
        "nl.json: config.error.x is not in English",
    ),
    Breach(
        "placeholder that English does not have",
        translations.translations_follow_english,
        _all(
            _merge(ENGLISH, **{"config.error.x": "No {name}"}),
            _merge(DUTCH, **{"config.error.x": "Geen {naam}"}),
        ),
        "nl.json: config.error.x has other placeholders",
    ),
    Breach(
        "text that a language lacks",
        translations.languages_are_complete,
        _merge(DUTCH, **{"config.error.unknown": None}),
        "nl.json: config.error.unknown is missing",
    ),
    Breach(
        "text that all other languages lack",
        translations.languages_are_complete,
        _merge(ENGLISH, **{"config.error.x": "No"}),
        "de.json: config.error.x is missing",
    ),
    Breach(
        "language that is gone",
        translations.languages_are_complete,
        _delete(DUTCH),
        "translations/nl.json is missing",
    ),
    Breach(
        "text that nobody has translated",
        translations.languages_are_translated,
        _copy(ENGLISH, DUTCH),
        "nl.json: config.step.user.title is in English",
    ),
    Breach(
        "sentence that a language has lost",
        translations.languages_end_texts_as_english,
        _merge(DUTCH, **{"config.error.unknown": "Onverwachte fout"}),
        "nl.json: config.error.unknown does not end as in English",
    ),
    # Words that are Home Assistant's own
    Breach(
        "level with a name of its own",
        vocabulary.labels_of_home_assistant_are_used,
        _merge(DUTCH, **{"entity.sensor.last_log_level.state.warn": "Let op"}),
        "nl.json: entity.sensor.last_log_level.state.warn is Waarschuwing in Home",
    ),
    Breach(
        "label with a name of its own, in English",
        vocabulary.labels_of_home_assistant_are_used,
        _merge(ENGLISH, **{"config.step.user.data.api_key": "Secret"}),
        "en.json: config.step.user.data.api_key is API key in Home Assistant",
    ),
    Breach(
        "label that is gone",
        vocabulary.labels_of_home_assistant_are_used,
        _merge(ENGLISH, **{"entity.sensor.transport.state.polling": None}),
        "entity.sensor.transport.state.polling is in no text",
    ),
    Breach(
        "device by another name",
        vocabulary.words_of_home_assistant_are_used,
        _merge(
            DUTCH,
            **{"exceptions.several_projects.message": "Kies een toestel of project."},
        ),
        "nl.json: exceptions.several_projects.message does not say Apparaat or Apparaten",
    ),
    Breach(
        "page of Home Assistant by another name",
        vocabulary.words_of_home_assistant_are_used,
        _replace(FRENCH, "Appareils et services", "Appareils & services"),
        "fr.json: exceptions.invalid_auth.message does not say Appareils et services",
    ),
    # Texts that the code asks for
    Breach(
        "step without texts",
        usage.flow_steps_are_translated,
        _merge(ENGLISH, **{"config.step.user": None}),
        "config.step.user is used",
    ),
    Breach(
        "step of the options without texts",
        usage.flow_steps_are_translated,
        _append(CONFIG_FLOW, OPTIONS_FLOW),
        "options.step.mood is used",
    ),
    Breach(
        "texts of a step that is gone",
        usage.flow_steps_are_translated,
        _merge(ENGLISH, **{"config.step.link": {"title": "Link"}}),
        "config.step.link is in en.json, and not used",
    ),
    Breach(
        "field without a label",
        usage.flow_fields_are_translated,
        _merge(ENGLISH, **{"config.step.user.data.project_id": None}),
        "project_id is used",
    ),
    Breach(
        "label of a field that is gone",
        usage.flow_fields_are_translated,
        _merge(ENGLISH, **{"config.step.user.data.host": "Host"}),
        "host is in en.json, and not used",
    ),
    Breach(
        "error without a text",
        usage.flow_errors_are_translated,
        _merge(ENGLISH, **{"config.error.invalid_auth": None}),
        "config.error.invalid_auth is used",
    ),
    Breach(
        "error that is assigned, without a text",
        usage.flow_errors_are_translated,
        _append(CONFIG_FLOW, 'errors["base"] = "too_moody"'),
        "config.error.too_moody is used",
    ),
    Breach(
        "text of an error that is gone",
        usage.flow_errors_are_translated,
        _merge(ENGLISH, **{"config.error.too_moody": "Moody"}),
        "config.error.too_moody is in en.json, and not used",
    ),
    Breach(
        "reason without a text",
        usage.flow_aborts_are_translated,
        _merge(ENGLISH, **{"config.abort.already_configured": None}),
        "config.abort.already_configured is used",
    ),
    Breach(
        "text of a reason that is gone",
        usage.flow_aborts_are_translated,
        _merge(ENGLISH, **{"config.abort.no_devices": "None"}),
        "config.abort.no_devices is in en.json, and not used",
    ),
    Breach(
        "text of a reason that core shows a text for",
        usage.flow_aborts_are_translated,
        _merge(ENGLISH, **{"config.abort.reauth_successful": "Done"}),
        "config.abort.reauth_successful is in en.json, and not used",
    ),
    Breach(
        "entity without texts",
        usage.entities_are_translated,
        _append(
            f"{INTEGRATION}/sensor.py",
            'SensorEntityDescription(translation_key="mood")',
        ),
        "entity.sensor.mood is used",
    ),
    Breach(
        "entity with its key in an attribute, without texts",
        usage.entities_are_translated,
        _append(f"{INTEGRATION}/sensor.py", '_attr_translation_key = "mood"'),
        "entity.sensor.mood is used",
    ),
    Breach(
        "texts of an entity that is gone",
        usage.entities_are_translated,
        _merge(ENGLISH, **{"entity.event.mood": {"name": "Mood"}}),
        "entity.event.mood is in en.json, and not used",
    ),
    Breach(
        "exception without a message",
        usage.exceptions_are_translated,
        _append(INIT, EXCEPTION),
        "exceptions.lost_mood is used",
    ),
    Breach(
        "message of an exception that is gone",
        usage.exceptions_are_translated,
        _merge(ENGLISH, **{"exceptions.lost_mood.message": "Lost"}),
        "exceptions.lost_mood is in en.json, and not used",
    ),
    Breach(
        "placeholder of an exception that is not filled",
        usage.exceptions_are_translated,
        _all(
            _append(INIT, EXCEPTION),
            _merge(
                ENGLISH,
                **{"exceptions.lost_mood.message": "{name} of {project} is lost"},
            ),
        ),
        "exceptions.lost_mood has {project}, which is not filled",
    ),
    Breach(
        "exception with a text of its own",
        usage.exceptions_name_their_message,
        _append(INIT, 'raise HomeAssistantError("Lost")'),
        "__init__.py: HomeAssistantError has no translation_key",
    ),
    Breach(
        "repair that nobody can fix",
        usage.issues_can_be_repaired,
        _replace(f"{INTEGRATION}/issues.py", "is_fixable=True", "is_fixable=False"),
        "the issue gap cannot be repaired",
    ),
    Breach(
        "repair with nothing to do",
        usage.issues_can_be_repaired,
        _merge(
            ENGLISH,
            **{"issues.gap.fix_flow.step": {"confirm": {"title": "x"}}},
        ),
        "issues.gap asks for nothing",
    ),
    Breach(
        "repair without texts",
        usage.issues_are_translated,
        _append(INIT, ISSUE),
        "issues.bad_mood is used",
    ),
    Breach(
        "placeholder of a repair that is not filled",
        usage.issues_are_translated,
        _all(
            _append(INIT, ISSUE),
            _merge(
                ENGLISH, **{"issues.bad_mood": {"title": "Mood", "description": "{to}"}}
            ),
        ),
        "issues.bad_mood has {to}, which is not filled",
    ),
    Breach(
        "step of a repair without texts",
        usage.repair_flows_are_translated,
        _append(REPAIRS, REPAIR_FLOW),
        "issues.*.fix_flow.step.mood is used",
    ),
    Breach(
        "field of a repair without a label",
        usage.repair_flows_are_translated,
        _append(REPAIRS, REPAIR_FLOW),
        "issues.*.fix_flow.step.*.data.colour is used",
    ),
    Breach(
        "end of a repair that is gone",
        usage.repair_flows_are_translated,
        _merge(ENGLISH, **{"issues.gap.fix_flow.abort.bored": "Bored"}),
        "issues.*.fix_flow.abort.bored is in en.json, and not used",
    ),
    Breach(
        "device without a name",
        usage.devices_are_translated,
        _append(INIT, 'DeviceInfo(translation_key="mood")'),
        "device.mood is used",
    ),
    Breach(
        "select field without texts",
        usage.selectors_of_flows_are_translated,
        _append(
            CONFIG_FLOW, 'SelectSelectorConfig(options=[], translation_key="mood")'
        ),
        "selector.mood is used",
    ),
    Breach(
        "texts of a select field that is gone",
        usage.selectors_of_flows_are_translated,
        _merge(ENGLISH, **{"selector.colour.options.red": "Red"}),
        "selector.colour is in en.json, and not used",
    ),
    Breach(
        "line of the system health without a label",
        usage.system_health_is_translated,
        _write(
            f"{INTEGRATION}/system_health.py",
            '"""Health."""\n\n\ndef info():\n    return {"mood": 1}\n',
        ),
        "system_health.info.mood is used",
    ),
    # icons.json
    Breach(
        "icon of a condition without its kind",
        icons.icons_have_the_known_structure,
        _merge(ICONS, **{"conditions.is_moody": "mdi:text"}),
        "conditions.is_moody",
    ),
    Breach(
        "unknown section of icons",
        icons.icons_have_the_known_structure,
        _merge(ICONS, **{"devices.project": "mdi:cloud"}),
        "devices",
    ),
    Breach(
        "icon of an action without its kind",
        icons.icons_have_the_known_structure,
        _merge(ICONS, **{"services.read_mind": "mdi:text"}),
        "services.read_mind",
    ),
    Breach(
        "icon that does not exist",
        icons.icons_exist,
        _merge(ICONS, **{"entity.sensor.last_log.default": "mdi:golioth"}),
        "the frontend has no mdi:golioth",
    ),
    Breach(
        "icon of another set",
        icons.icons_exist,
        _merge(ICONS, **{"entity.sensor.last_log.default": "fa:cloud"}),
        "fa:cloud does not start with mdi:",
    ),
    Breach(
        "icon of a state that is the default",
        icons.icons_of_states_differ_from_the_default,
        _merge(
            ICONS,
            **{"entity.sensor.x": {"default": "mdi:text", "state": {"on": "mdi:text"}}},
        ),
        "entity.sensor.x.state.on is the default icon",
    ),
    Breach(
        "icon of an entity that is gone",
        icons.icons_belong_to_translated_things,
        _merge(ICONS, **{"entity.sensor.mood.default": "mdi:clock"}),
        "entity.sensor.mood is not in en.json",
    ),
    Breach(
        "icon of a trigger that is gone",
        icons.icons_belong_to_translated_things,
        _merge(ICONS, **{"triggers.mood_changed.trigger": "mdi:clock"}),
        "triggers.mood_changed is not in en.json",
    ),
    # services.yaml, triggers.yaml, conditions.yaml
    Breach(
        "action without services.yaml",
        actions.registered_actions_are_described,
        _all(_delete(SERVICES), _append(INIT, ACTION)),
        "registers an action, and there is no services.yaml",
    ),
    Breach(
        "trigger without triggers.yaml",
        actions.registered_triggers_are_described,
        _all(_delete(TRIGGERS), _write(TRIGGER_MODULE, TRIGGER)),
        "there is no triggers.yaml",
    ),
    Breach(
        "condition without conditions.yaml",
        actions.registered_conditions_are_described,
        _all(_delete(CONDITIONS), _write(f"{INTEGRATION}/condition.py", CONDITION)),
        "there is no conditions.yaml",
    ),
    Breach(
        "selector that does not exist",
        actions.descriptions_have_the_known_structure,
        _trigger_field("selector: {colour_wheel: {}}"),
        "triggers.yaml: mood_changed.fields.level",
    ),
    Breach(
        "selector with an unknown setting",
        actions.descriptions_have_the_known_structure,
        _trigger_field("selector: {boolean: {colour: red}}"),
        "triggers.yaml: mood_changed.fields.level",
    ),
    Breach(
        "unknown key in a description",
        actions.descriptions_have_the_known_structure,
        _write(TRIGGERS, "mood_changed: {colour: red}"),
        "triggers.yaml: mood_changed",
    ),
    Breach(
        "trigger named by a state",
        actions.triggers_say_what_happened,
        _append(TRIGGERS, "device_moody:"),
        "triggers.device_moody does not say what happened",
    ),
    Breach(
        "trigger whose name says something else than its key",
        actions.triggers_say_what_happened,
        _all(
            _append(TRIGGERS, "mood_changed:"),
            _say(**{"triggers.mood_changed": {"name": "Mood", "description": "M."}}),
        ),
        "triggers.mood_changed.name does not end in the words of the key",
    ),
    Breach(
        "description without texts",
        actions.descriptions_are_translated,
        _write(SERVICES, "read_mind:"),
        "services.read_mind is not in en.json",
    ),
    Breach(
        "field without texts",
        actions.descriptions_are_translated,
        _all(
            _write(SERVICES, "read_mind: {fields: {of: {selector: {text: }}}}"),
            _merge(
                ENGLISH, **{"services.read_mind": {"name": "a", "description": "b"}}
            ),
        ),
        "services.read_mind.fields.of is not in en.json",
    ),
    Breach(
        "texts of an action that is gone",
        actions.descriptions_are_translated,
        _merge(ENGLISH, **{"services.read_mind": {"name": "a", "description": "b"}}),
        "services.read_mind is only in en.json",
    ),
    Breach(
        "action without an icon",
        actions.descriptions_have_icons,
        _write(SERVICES, "read_mind:"),
        "services.read_mind has no icon",
    ),
    Breach(
        "select field of a trigger without texts",
        actions.selectors_are_translated,
        _trigger_field("selector: {select: {options: [warn], translation_key: mood}}"),
        "selector.mood is not in en.json",
    ),
    Breach(
        "option without a text",
        actions.selectors_are_translated,
        _all(
            _trigger_field(
                "selector: {select: {options: [warn, shout], translation_key: mood}}"
            ),
            _merge(ENGLISH, **{"selector.mood.options": {"warn": "Warning"}}),
        ),
        "selector.mood.options.shout is not in en.json",
    ),
    # The repository
    Breach(
        "second integration",
        distribution.repository_has_one_integration,
        _write("custom_components/goliath/__init__.py", ""),
        "goliath is a second folder",
    ),
    Breach(
        "fixture named manifest.json",
        distribution.repository_has_one_manifest,
        _write("tests/fixtures/manifest.json", "{}"),
        "tests/fixtures/manifest.json would be taken for an integration",
    ),
    Breach(
        "no hacs.json",
        distribution.hacs_has_only_allowed_keys,
        _delete("hacs.json"),
        "name is missing",
    ),
    Breach(
        "unknown key in hacs.json",
        distribution.hacs_has_only_allowed_keys,
        _merge("hacs.json", domains=["sensor"]),
        "domains is not allowed",
    ),
    Breach(
        "wrong type in hacs.json",
        distribution.hacs_has_only_allowed_keys,
        _merge("hacs.json", render_readme="yes"),
        "render_readme has the wrong type",
    ),
    Breach(
        "Home Assistant that shows no brand images",
        distribution.hacs_installs_where_it_works,
        _merge("hacs.json", homeassistant="2026.2.3"),
        "at least 2026.3.0",
    ),
    Breach(
        "Home Assistant that nothing was tested with",
        distribution.hacs_installs_where_it_works,
        _merge("hacs.json", homeassistant="2026.9.0"),
        "homeassistant is 2026.9.0, which requirements_oldest.txt does not pin",
    ),
    Breach(
        "no icon",
        distribution.brand_has_its_images,
        _delete(f"{BRAND}/icon.png"),
        "icon.png is missing",
    ),
    Breach(
        "image that is never shown",
        distribution.brand_has_its_images,
        _copy(f"{BRAND}/icon.png", f"{BRAND}/banner.png"),
        "banner.png is never shown",
    ),
    Breach(
        "icon of the wrong size",
        distribution.brand_images_have_the_right_size,
        _copy(f"{BRAND}/icon@2x.png", f"{BRAND}/icon.png"),
        "icon.png should be 256 pixels square",
    ),
    Breach(
        "logo that is too high",
        distribution.brand_images_have_the_right_size,
        _copy(f"{BRAND}/icon@2x.png", f"{BRAND}/logo.png"),
        "logo.png: the shorter side",
    ),
    Breach(
        "@2x of another shape",
        distribution.brand_images_have_the_right_size,
        _copy(f"{BRAND}/icon@2x.png", f"{BRAND}/logo@2x.png"),
        "logo@2x.png should be 2 times",
    ),
    Breach(
        "icon that is no PNG",
        distribution.brand_images_have_the_right_size,
        _write(f"{BRAND}/icon.png", "<svg/>"),
        "icon.png should be 256 pixels square",
    ),
    Breach(
        "opaque icon",
        distribution.brand_images_suit_any_background,
        _opaque,
        "icon.png has no transparency",
    ),
    Breach(
        "other licence",
        distribution.licence_is_apache_2,
        _write("LICENSE", "MIT License"),
        "LICENSE is not the Apache License 2.0",
    ),
    Breach(
        "licence cut short",
        distribution.licence_is_apache_2,
        _replace("LICENSE", "   7. Disclaimer of Warranty.", ""),
        "LICENSE has no section 7",
    ),
    Breach(
        "no README",
        distribution.readme_exists,
        _delete("README.md"),
        "README.md is missing",
    ),
    Breach(
        "workflow that is not YAML",
        distribution.workflows_are_valid,
        _write(".github/workflows/new.yml", "on: [push\njobs:"),
        "new.yml says not when it runs",
    ),
    Breach(
        "job without steps",
        distribution.workflows_are_valid,
        _write(".github/workflows/new.yml", "on: push\njobs:\n  test:\n    runs-on: x"),
        "new.yml: job test has no steps",
    ),
    Breach(
        "action at a tag",
        distribution.workflows_pin_actions,
        _replace(TEST_WORKFLOW, "actions/checkout@", "actions/checkout@v7 #"),
        "actions/checkout@v7 is not pinned",
    ),
    Breach(
        "release that nothing checks",
        distribution.workflows_release_what_may_be_released,
        _replace(".github/workflows/release.yml", "scripts/release-notes", "echo"),
        "release.yml: job test does not check the release",
    ),
    Breach(
        "form that does not ask for diagnostics",
        distribution.issue_forms_ask_for_what_helps,
        _replace(".github/ISSUE_TEMPLATE/problem.yml", "id: diagnostics", "id: x"),
        "no issue form asks for diagnostics",
    ),
    Breach(
        "issue without a form",
        distribution.issue_forms_ask_for_what_helps,
        _replace(
            ".github/ISSUE_TEMPLATE/config.yml", "blank_issues_enabled: false", ""
        ),
        "config.yml lets issues be opened without a form",
    ),
    Breach(
        "form without a body",
        distribution.issue_forms_ask_for_what_helps,
        _write(".github/ISSUE_TEMPLATE/new.yml", "name: x\ndescription: x"),
        "new.yml has no body",
    ),
    Breach(
        "actions that nobody updates",
        distribution.dependabot_watches_actions_and_tools,
        _replace(".github/dependabot.yml", "github-actions", "npm"),
        "Dependabot does not watch github-actions",
    ),
    Breach(
        "pin that is moved by two",
        distribution.dependabot_watches_actions_and_tools,
        _replace(
            ".github/dependabot.yml",
            "- dependency-name: homeassistant\n",
            "- dependency-name: x\n",
        ),
        "homeassistant is moved by both",
    ),
    Breach(
        "pin that is moved by nothing",
        distribution.dependabot_watches_actions_and_tools,
        _append(".github/dependabot.yml", "      - dependency-name: ruff"),
        "ruff is moved by nothing",
    ),
    Breach(
        "container without a browser",
        distribution.devcontainer_sets_everything_up,
        _replace(".devcontainer/devcontainer.json", " && scripts/setup-e2e", ""),
        "devcontainer.json does not run scripts/setup-e2e",
    ),
    Breach(
        "no hassfest",
        distribution.workflows_run_the_validators,
        _replace(
            VALIDATE_WORKFLOW, "home-assistant/actions/hassfest", "actions/checkout"
        ),
        "no workflow uses home-assistant/actions/hassfest",
    ),
    Breach(
        "tests that no workflow runs",
        distribution.workflows_run_the_validators,
        _delete(TEST_WORKFLOW),
        "no workflow runs .ci/run for a pull request",
    ),
    Breach(
        "link to another address of ours",
        distribution.address_is_the_same_everywhere,
        _write("docs/new.md", "See https://github.com/SOMEONE/ha-golioth/issues."),
        "docs/new.md links to SOMEONE/ha-golioth, the manifest to",
    ),
    Breach(
        "link to a repository that was renamed",
        distribution.address_is_the_same_everywhere,
        _write("tests/new.py", '"""See https://github.com/SOMEONE/golioth."""'),
        "tests/new.py links to SOMEONE/golioth, the manifest to",
    ),
    Breach(
        "address of others inside another one",
        distribution.address_is_the_same_everywhere,
        _append("README.md", "[Import](https://x.org/?url=github.com%2FSOMEONE%2Fx)"),
        "README.md links to SOMEONE/x, the manifest to",
    ),
    Breach(
        "link that opens HACS for another address",
        distribution.address_is_the_same_everywhere,
        _append("README.md", "[HACS](https://x.org/?owner=SOMEONE&repository=x)"),
        "README.md links to SOMEONE/x, the manifest to",
    ),
    Breach(
        "documentation that is not at GitHub",
        distribution.address_is_the_same_everywhere,
        _merge(MANIFEST, documentation="https://example.com"),
        "the manifest links to 'https://example.com'",
    ),
    Breach(
        "code owner who is a placeholder",
        distribution.address_is_the_same_everywhere,
        _merge(
            MANIFEST,
            codeowners=["@OWNER"],
            documentation="https://github.com/SOMEONE/ha-golioth",
        ),
        "the code owner is still OWNER",
    ),
    Breach(
        "licence of a placeholder",
        distribution.address_is_the_same_everywhere,
        _all(
            _append("LICENSE", "   Copyright 2026 OWNER"),
            _merge(MANIFEST, documentation="https://github.com/SOMEONE/ha-golioth"),
        ),
        "LICENSE still names OWNER",
    ),
    Breach(
        "project of another name",
        distribution.address_is_the_same_everywhere,
        _merge(MANIFEST, documentation="https://github.com/SOMEONE/renamed"),
        "the manifest renamed",
    ),
    Breach(
        "licence of nobody",
        distribution.licence_names_its_owner,
        _append("LICENSE", "   Copyright [yyyy] [name of copyright owner]"),
        "LICENSE does not say whose it is",
    ),
    # quality_scale.yaml
    Breach(
        "no quality scale",
        quality_scale.scale_has_cores_form,
        _write(QUALITY_SCALE, "tiers: {}"),
        "quality_scale.yaml should hold rules",
    ),
    Breach(
        "exemption without a reason",
        quality_scale.scale_has_cores_form,
        _write(QUALITY_SCALE, "rules: {brands: {status: exempt}}"),
        "brands should be done, or exempt",
    ),
    Breach(
        "exemption with an empty reason",
        quality_scale.scale_has_cores_form,
        _write(QUALITY_SCALE, 'rules: {brands: {status: exempt, comment: " "}}'),
        "brands should be done, or exempt",
    ),
    Breach(
        "rule that is still to do",
        quality_scale.scale_has_cores_form,
        _replace(QUALITY_SCALE, "brands: done", "brands: todo"),
        "brands should be done, or exempt",
    ),
    Breach(
        "rule that is left out",
        quality_scale.scale_has_every_rule,
        _replace(QUALITY_SCALE, "  brands: done", "  #"),
        "brands is missing",
    ),
    Breach(
        "rule that the scale does not have",
        quality_scale.scale_has_every_rule,
        _append(QUALITY_SCALE, "  good-mood: done # LICENSE"),
        "good-mood is no rule of the scale",
    ),
    Breach(
        "rules out of order",
        quality_scale.scale_has_every_rule,
        _all(
            _replace(QUALITY_SCALE, "  devices: done", "  x: done"),
            _replace(QUALITY_SCALE, "  diagnostics: done", "  devices: done"),
            _replace(QUALITY_SCALE, "  x: done", "  diagnostics: done"),
        ),
        "the order should be action-setup, ",
    ),
    Breach(
        "rule that nothing shows to be kept",
        quality_scale.scale_shows_what_is_done,
        _replace(QUALITY_SCALE, "brands: done #", "brands: done\n  #"),
        "brands does not say what shows it",
    ),
    Breach(
        "rule that a file shows which is gone",
        quality_scale.scale_shows_what_is_done,
        _delete("tests/test_init.py"),
        "devices: there is no tests/test_init.py::test_devices_and_entities",
    ),
    Breach(
        "rule that a test shows which is gone",
        quality_scale.scale_shows_what_is_done,
        _replace("tests/test_init.py", "test_devices_and_entities", "test_moods"),
        "devices: there is no tests/test_init.py::test_devices_and_entities",
    ),
    Breach(
        "rule that a section of a document shows which is gone",
        quality_scale.scale_shows_what_is_done,
        _replace("docs/troubleshooting.md", "# Troubleshooting", "# Moods"),
        "docs-troubleshooting: there is no docs/troubleshooting.md#troubleshooting",
    ),
    Breach(
        "rule that only code shows",
        quality_scale.scale_names_what_would_fail,
        _replace(
            QUALITY_SCALE,
            "brands: done #",
            "brands: done # custom_components/golioth/const.py,",
        ),
        "brands: nothing fails in custom_components/golioth/const.py",
    ),
    Breach(
        "rule that a whole file shows",
        quality_scale.scale_names_what_would_fail,
        _replace(QUALITY_SCALE, "brands: done #", "brands: done # tests/test_init.py,"),
        "brands: nothing fails in tests/test_init.py",
    ),
    Breach(
        "page that is older than the scale",
        quality_scale.scale_is_shown,
        _replace(
            QUALITY_SCALE, "tests/test_init.py::test_devices_and_entities", "LICENSE"
        ),
        "docs/quality-scale.md is out of date",
    ),
    # The documents
    Breach(
        "link to a file that is gone",
        documentation.links_lead_somewhere,
        _append("README.md", "See [this](docs/moods.md)."),
        "README.md links to docs/moods.md, which is not there",
    ),
    Breach(
        "picture that is gone",
        documentation.links_lead_somewhere,
        _delete("docs/images/device.png"),
        "docs/entities-and-events.md links to images/device.png, which is not there",
    ),
    Breach(
        "link to a section that is gone",
        documentation.links_lead_somewhere,
        _append("CONTRIBUTING.md", "See [this](README.md#moods)."),
        "CONTRIBUTING.md links to README.md#moods, which has no such section",
    ),
    Breach(
        "address of a file that is gone",
        documentation.own_addresses_lead_somewhere,
        _delete("blueprints/automation/golioth/notify_on_log.yaml"),
        "docs/automations.md leads to blueprints/automation/golioth/notify_on_log.yaml",
    ),
    Breach(
        "address of a section that is gone",
        documentation.own_addresses_lead_somewhere,
        _replace("docs/troubleshooting.md", "# Troubleshooting", "# Moods"),
        "config.yml leads to docs/troubleshooting.md#troubleshooting, which is not there",
    ),
    Breach(
        "address of a section of the README that is gone",
        documentation.own_addresses_lead_somewhere,
        _append(INIT, "# See https://github.com/OWNER/ha-golioth#moods"),
        "__init__.py leads to README.md#moods, which is not there",
    ),
    Breach(
        "address of a page that the service does not have",
        documentation.own_addresses_lead_somewhere,
        _append(INIT, "# See https://github.com/OWNER/ha-golioth/wiki"),
        "__init__.py leads to wiki, which is not there",
    ),
    Breach(
        "trigger without a page",
        documentation.triggers_have_a_page,
        _delete("docs/triggers/log_received.md"),
        "docs/triggers/log_received.md is missing",
    ),
    Breach(
        "trigger whose page tells not how to click it",
        documentation.triggers_have_a_page,
        _replace("docs/triggers/log_received.md", "## In the user interface", "## X"),
        "docs/triggers/log_received.md lacks '## In the user interface",
    ),
    Breach(
        "field of a trigger that its page leaves out",
        documentation.triggers_have_a_page,
        _merge(
            ENGLISH,
            **{
                "triggers.log_received.fields.mood": {
                    "name": "Mood",
                    "description": "x",
                }
            },
        ),
        "docs/triggers/log_received.md lacks '**Mood** (`mood`)'",
    ),
    Breach(
        "field of a trigger that the page it shares options with leaves out",
        documentation.triggers_have_a_page,
        _replace("docs/triggers/log_received.md", "**Module** (`module`)", "Module"),
        "docs/triggers/project_log_received.md lacks '**Module** (`module`)'",
    ),
    Breach(
        "picture that nothing shows",
        documentation.pictures_are_shown,
        _write("docs/images/mood.png", ""),
        "docs/images/mood.png is shown nowhere",
    ),
    # scripts/
    *(
        Breach(
            f"script with {what}",
            scripts.scripts_run_on_macos,
            _write("scripts/new", f"#!/usr/bin/env bash\n{line}\n"),
            f"scripts/new:2 uses {what}",
        )
        for what, line in {
            "mapfile": "mapfile -t lines <file",
            "an associative array": "declare -A ages",
            "upper and lower case": 'echo "${name,,}"',
            "sed -i": 'sed -i "s/a/b/" file',
            "a sum of GNU": "cat file | sha256sum",
            "readlink -f or realpath": 'cd "$(readlink -f "$0")"',
            "timeout": "timeout 5 sleep 9",
            "/proc": "cat /proc/cpuinfo",
        }.items()
    ),
    Breach(
        "array that may be empty",
        scripts.scripts_expand_empty_arrays,
        _write("scripts/new", '#!/usr/bin/env bash\nx=()\necho "${x[@]}"\n'),
        "scripts/new:3 expands x, which may be empty",
    ),
)

ADDITIONS = (
    Addition(
        "action, with a field in a section",
        _all(
            _append(INIT, ACTION),
            _append(
                SERVICES,
                "read_mind: {fields: {more: {fields: {level: {selector: {select: "
                "{options: [warn], translation_key: mood}}}}}}}",
            ),
            _say(
                **{
                    "services.read_mind": {
                        "name": "Read mind",
                        "description": "Reads a mind.",
                        "fields": {
                            "level": {"name": "Level", "description": "Lowest level."}
                        },
                        "sections": {"more": {"name": "More"}},
                    },
                    "selector.mood.options": {"warn": "Warning"},
                },
            ),
            _merge(ICONS, **{"services.read_mind.service": "mdi:text-search"}),
        ),
    ),
    Addition(
        "trigger, with a target",
        _all(
            _append(TRIGGER_MODULE, TRIGGER),
            _append(TRIGGERS, "mood_changed: {target: {entity: [{domain: event}]}}"),
            _say(
                **{
                    "triggers.mood_changed": {
                        "name": "Mood changed",
                        "description": "Triggers.",
                    }
                },
            ),
            _merge(ICONS, **{"triggers.mood_changed.trigger": "mdi:text"}),
            _write("docs/triggers/mood_changed.md", TRIGGER_PAGE),
        ),
    ),
    Addition(
        "options flow",
        _all(
            _append(CONFIG_FLOW, OPTIONS_FLOW),
            _say(
                **{
                    "options.step.mood": {
                        "title": "Options",
                        "data": {"mood": "Mood"},
                    }
                },
            ),
        ),
    ),
    Addition(
        "repair and exception, with their placeholders",
        _all(
            _append(INIT, EXCEPTION),
            _append(INIT, ISSUE),
            _say(
                **{
                    "exceptions.lost_mood.message": "{name} is lost",
                    "issues.bad_mood": {
                        "title": "Mood of {from}",
                        "fix_flow": {
                            "step": {
                                "confirm": {
                                    "title": "Mood",
                                    "data": {"catch_up_window": "Mood"},
                                }
                            }
                        },
                    },
                },
            ),
        ),
    ),
    Addition(
        "another language",
        _translated("it"),
    ),
    Addition(
        "platform of another component, and its import",
        _append(
            f"{INTEGRATION}/diagnostics.py",
            '"""Diagnostics."""\n\nfrom homeassistant.components.diagnostics import REDACTED\n',
        ),
    ),
    Addition(
        "import of a component for types",
        _append(
            INIT, "if TYPE_CHECKING:\n    from homeassistant.components import mqtt"
        ),
    ),
    Addition(
        "declared dependency",
        _all(
            _depend_on_mqtt("dependencies"),
            _append(INIT, "from homeassistant.components import mqtt"),
        ),
    ),
    Addition(
        "dependency that is set up before, if it is there",
        _all(
            _depend_on_mqtt("after_dependencies"),
            _append(INIT, "from homeassistant.components import mqtt"),
        ),
    ),
    Addition(
        "imports that need no dependency",
        _append(INIT, "from homeassistant.components import frontend, webhook"),
    ),
    Addition(
        "pinned action",
        _write(
            ".github/workflows/new.yml",
            f"on: push\njobs: {{x: {{runs-on: y, steps: [{{uses: a/b@{COMMIT}}}]}}}}",
        ),
    ),
)
