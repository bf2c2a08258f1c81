"""Rules that compare the code with its texts and icons."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
import json
from pathlib import Path
import re
from typing import Any, Final

import hass_frontend

from tests.metadata.repository import (
    INTEGRATION,
    Repository,
    argument,
    placeholders,
    texts,
)

from .registry import violation
from .translations import ENGLISH

ICONS: Final = f"{INTEGRATION}/icons.json"
INIT: Final = f"{INTEGRATION}/__init__.py"
FLOW: Final = f"{INTEGRATION}/config_flow.py"
HEALTH: Final = f"{INTEGRATION}/system_health.py"
ISSUES: Final = f"{INTEGRATION}/issues.py"
OPTIONS: Final = f"{INTEGRATION}/options.py"
REPAIRS: Final = f"{INTEGRATION}/repairs.py"
SERVICES: Final = f"{INTEGRATION}/services.py"

# Exceptions whose message Home Assistant shows to a user.
SHOWN: Final = (
    *("ConfigEntryAuthFailed", "ConfigEntryError", "ConfigEntryNotReady"),
    *("HomeAssistantError", "ServiceValidationError", "UpdateFailed"),
)
# Texts whose keys stand in the code. Those of forms and entities are looked up by
# tests/test_translations.py as they are shown.
KEYS_IN_CODE: Final = re.compile(
    r"(?:(?:config|options)\.(?:error|abort)|exceptions|issues|selector"
    r"|issues\.\w+\.fix_flow\.abort|system_health\.info)\.(\w+)"
)
# With this one, Home Assistant itself ends a flow.
OF_HOME_ASSISTANT: Final = "already_configured"

# Words in the past tense that do not end in "ed".
IRREGULAR_PAST = {"became", "began", "came", "fell", "left", "lost", "sent", "went"}


@violation("__init__.py:1 has no translation_key", INIT, new="UpdateFailed('Lost')\n")
@violation("there is no text mood", SERVICES, '"rpc_busy"', '"mood"')
@violation("rpc_busy does not fill {device}", SERVICES, '{"device": name}', "{}")
def exceptions_are_translated(repository: Repository) -> Iterator[str]:
    """Translate each exception for users, and fill its placeholders."""
    for path, call in repository.calls(*SHOWN):
        for name in ("translation_domain", "translation_key"):
            if argument(call, name) is None:
                yield f"{path}:{call.lineno} has no {name}"
    messages = repository.english["exceptions"]
    for path, call in repository.calls():
        if argument(call, "translation_domain") is None:
            continue
        filled = argument(call, "translation_placeholders")
        for key in _constants(argument(call, "translation_key")):
            if key not in messages:
                yield f"{path}:{call.lineno}: there is no text {key}"
            elif filled is None or isinstance(filled, ast.Dict):
                names = {
                    each
                    for node in getattr(filled, "keys", ())
                    for each in _constants(node)
                }
                for lacking in sorted(placeholders(messages[key]["message"]) - names):
                    yield f"{path}:{call.lineno}: {key} does not fill {{{lacking}}}"


@violation("config.error.x", ENGLISH, '"error": {', '"error": {"x": "No",')
@violation("selector.x", ENGLISH, '"selector": {', '"selector": {"x": {"y": "Y"},')
@violation("no text for x", FLOW, '"too_long"', '"x"')
@violation("no text for x", FLOW, '"too_many_modules"', '"x"')
@violation("no text for x", REPAIRS, 'reason="gone"', 'reason="x"')
@violation("no text for y", OPTIONS, 'key="minimum_level"', 'key="y"')
@violation("no text for x", HEALTH, '"projects_polling"', '"x"')
def texts_are_there_and_used(repository: Repository) -> Iterator[str]:
    """Have exactly the texts that flows and system health use."""
    for key, known in _asked(repository):
        if key not in known:
            yield f"there is no text for {key}"
    used = {OF_HOME_ASSISTANT} | {
        node.value
        for tree in repository.modules.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
    }
    for name in ("services.yaml", "triggers.yaml"):
        used.update(text for _, text in texts(repository.yaml(f"{INTEGRATION}/{name}")))
    for key in repository.language("en"):
        if (match := KEYS_IN_CODE.match(key)) and match[1] not in used:
            yield f"{match[0]} is used nowhere"


@violation("gap cannot be repaired", ISSUES, "is_fixable=True", "is_fixable=False")
@violation("gap asks", ENGLISH, '"fix_flow": {', '"fix_flow": {}, "x": {')
def issues_can_be_repaired(repository: Repository) -> Iterator[str]:
    """Report only problems that a form can mend."""
    for path, call in repository.calls("async_create_issue", "create_issue"):
        for key in _constants(argument(call, "translation_key")):
            fixable = argument(call, "is_fixable")
            if not (isinstance(fixable, ast.Constant) and fixable.value is True):
                yield f"{path}: the issue {key} cannot be repaired"
            flow = repository.english["issues"].get(key, {}).get("fix_flow", {})
            if not any(step.get("data") for step in flow.get("step", {}).values()):
                yield f"{path}: the issue {key} asks for nothing"


@violation("log_comes does not say", ENGLISH, '"log_received": {', '"log_comes": {')
@violation("log_received is named", ENGLISH, '"Device log received"', '"New log"')
def triggers_say_what_happened(repository: Repository) -> Iterator[str]:
    """Name triggers in the past tense, in key and name."""
    for key, trigger in repository.english["triggers"].items():
        words = key.split("_")
        if not any(word.endswith("ed") or word in IRREGULAR_PAST for word in words):
            yield f"{key} does not say what happened"
        if not trigger["name"].casefold().endswith(" ".join(words)):
            yield f"{key} is named otherwise"


@violation("the frontend has no mdi:golioth", ICONS, "mdi:history", "mdi:golioth")
@violation("services.read_mind is not in en.json", ICONS, '"get_logs"', '"read_mind"')
@violation("services.get_logs has no icon", ICONS, '"get_logs"', '"read_mind"')
def icons_are_drawn(repository: Repository) -> Iterator[str]:
    """Choose existing icons, for existing things."""
    icons = repository.json(ICONS)
    for keys, icon in texts(icons):
        if icon.removeprefix("mdi:") not in _drawn():
            yield f"{'.'.join(keys)}: the frontend has no {icon}"
    for kind, named in repository.english.items():
        if kind in ("services", "triggers"):
            for key in sorted(named.keys() - icons[kind].keys()):
                yield f"{kind}.{key} has no icon"
    for keys, _ in texts(icons):
        if not _holds(repository.english, keys[: 3 if keys[0] == "entity" else 2]):
            yield f"{'.'.join(keys[:-1])} is not in en.json"


def _asked(repository: Repository) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield the texts that flows and system health use."""
    english = repository.english
    flows = [english["config"], english["options"]]
    flows += [issue["fix_flow"] for issue in english["issues"].values()]
    for node in ast.walk(repository.modules["config_flow.py"]):
        match node:
            case (
                ast.Dict(values=[value])
                | ast.Assign(targets=[ast.Subscript()], value=value)
            ):
                for key in _constants(value):
                    # An address fills a text.
                    if key.isidentifier():
                        yield (
                            key,
                            [each for flow in flows for each in flow.get("error", ())],
                        )
    for _, call in repository.calls("async_abort"):
        for key in _constants(argument(call, "reason")):
            yield key, [each for flow in flows for each in flow.get("abort", ())]
    for _, call in repository.calls("SelectSelectorConfig"):
        for key in _constants(argument(call, "translation_key")):
            yield key, english["selector"]
    for node in ast.walk(repository.modules["system_health.py"]):
        if isinstance(node, ast.Dict):
            for name in node.keys:
                for key in _constants(name):
                    yield key, english["system_health"]["info"]


def _constants(node: ast.expr | None) -> Iterator[str]:
    """Yield each literal text that an expression may have."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=otherwise):
            yield from _constants(body)
            yield from _constants(otherwise)


def _holds(node: Any, keys: tuple[str, ...]) -> bool:
    """Return whether keys lead to something."""
    for key in keys:
        if key not in node:
            return False
        node = node[key]
    return True


@cache
def _drawn() -> set[str]:
    """Return the names of the icons that the frontend ships."""
    listed = Path(hass_frontend.__file__).parent / "static/mdi/iconList.json"
    return {icon["name"] for icon in json.loads(listed.read_text("utf-8"))}
