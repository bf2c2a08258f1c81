"""Rules for what automations are built of: services.yaml, triggers.yaml and conditions.yaml."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import voluptuous as vol

from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import TargetSelector, validate_selector
from tests.metadata.repository import Repository, calls

REGISTER_ACTION = (
    "async_register_admin_service",
    "async_register_batched_entity_service",
    "async_register_entity_service",
    "async_register_platform_entity_service",
)

# Words in the past tense that do not end in "ed".
IRREGULAR_PAST = {"became", "began", "came", "fell", "left", "lost", "sent", "went"}


@dataclass(frozen=True)
class Kind:
    """One kind of building block."""

    name: str
    icon: str

    @property
    def file(self) -> str:
        """The file that describes those of this kind."""
        return f"{self.name}.yaml"


ACTIONS = Kind("services", "service")
TRIGGERS = Kind("triggers", "trigger")
CONDITIONS = Kind("conditions", "condition")
KINDS = (ACTIONS, TRIGGERS, CONDITIONS)

FIELD = vol.Schema(
    {
        vol.Required("selector"): validate_selector,
        vol.Optional("advanced"): bool,
        vol.Optional("context"): {str: str},
        vol.Optional("default"): vol.NotIn([None]),
        vol.Optional("example"): vol.NotIn([None]),
        vol.Optional("filter"): dict,
        vol.Optional("required"): bool,
    }
)
SECTION = vol.Schema(
    {vol.Required("fields"): {cv.slug: FIELD}, vol.Optional("collapsed"): bool}
)
STRUCTURE = vol.Schema(
    {
        cv.slug: vol.Any(
            None,
            {
                vol.Optional("target"): TargetSelector.CONFIG_SCHEMA,
                vol.Optional("fields"): {cv.slug: vol.Any(FIELD, SECTION)},
            },
        )
    }
)


def registered_actions_are_described(repository: Repository) -> Iterator[str]:
    """Without services.yaml the editor shows an action by its bare name."""
    for path, tree in repository.modules.items():
        if _registers_actions(tree) and not _exists(repository, ACTIONS):
            yield f"{path} registers an action, and there is no services.yaml"


def registered_triggers_are_described(repository: Repository) -> Iterator[str]:
    """Without triggers.yaml the editor does not show a trigger at all."""
    yield from _without_description(
        repository, "trigger.py", "async_get_triggers", TRIGGERS
    )


def registered_conditions_are_described(repository: Repository) -> Iterator[str]:
    """Without conditions.yaml the editor does not show a condition at all."""
    yield from _without_description(
        repository, "condition.py", "async_get_conditions", CONDITIONS
    )


def descriptions_have_the_known_structure(repository: Repository) -> Iterator[str]:
    """Targets, fields and selectors are what the editor can show."""
    for kind in KINDS:
        try:
            STRUCTURE(_described(repository, kind))
        except vol.MultipleInvalid as invalid:
            for error in invalid.errors:
                yield f"{kind.file}: {'.'.join(map(str, error.path))}: {error.msg}"


def descriptions_are_translated(repository: Repository) -> Iterator[str]:
    """Each action, trigger and condition has a name and a description in en.json, and so has each field."""
    for kind in KINDS:
        texts = repository.english.get(kind.name, {})
        for key, description in _described(repository, kind).items():
            if key not in texts:
                yield f"{kind.name}.{key} is not in en.json"
                continue
            fields, sections = _fields(description)
            for part, wanted in (("fields", fields.keys()), ("sections", sections)):
                given = texts[key].get(part, {}).keys()
                for name in sorted(wanted - given):
                    yield f"{kind.name}.{key}.{part}.{name} is not in en.json"
                for name in sorted(given - wanted):
                    yield f"{kind.name}.{key}.{part}.{name} is only in en.json"
        for key in sorted(texts.keys() - _described(repository, kind).keys()):
            yield f"{kind.name}.{key} is only in en.json"


def triggers_say_what_happened(repository: Repository) -> Iterator[str]:
    """Name an event in the past tense, in the key and at the end of the name."""
    for key in _described(repository, TRIGGERS):
        words = key.split("_")
        if not any(word.endswith("ed") or word in IRREGULAR_PAST for word in words):
            yield f"triggers.{key} does not say what happened"
        name = repository.english.get("triggers", {}).get(key, {}).get("name", "")
        if not name.casefold().endswith(" ".join(words)):
            yield f"triggers.{key}.name does not end in the words of the key"


def descriptions_have_icons(repository: Repository) -> Iterator[str]:
    """Each action, trigger and condition has an icon, as in core."""
    for kind in KINDS:
        for key in _described(repository, kind):
            if kind.icon not in repository.icons.get(kind.name, {}).get(key, {}):
                yield f"{kind.name}.{key} has no icon"


def selectors_are_translated(repository: Repository) -> Iterator[str]:
    """A select field with a translation key has a text for each of its options."""
    for kind in KINDS:
        for key, description in _described(repository, kind).items():
            for name, field in _fields(description)[0].items():
                select = (field.get("selector") or {}).get("select") or {}
                if not (translation_key := select.get("translation_key")):
                    continue
                texts = repository.english.get("selector", {}).get(translation_key)
                where = f"{kind.name}.{key}.fields.{name}: selector.{translation_key}"
                if texts is None:
                    yield f"{where} is not in en.json"
                    continue
                for option in select.get("options", []):
                    if option not in texts["options"]:
                        yield f"{where}.options.{option} is not in en.json"


def _exists(repository: Repository, kind: Kind) -> bool:
    """Return whether there is a file that describes a kind."""
    return (repository.integration / kind.file).is_file()


def _described(repository: Repository, kind: Kind) -> dict[str, Any]:
    """Return the descriptions of a kind; what starts with a dot is only there to be referred to."""
    described = repository.yaml(repository.integration / kind.file)
    return {key: value for key, value in described.items() if not key.startswith(".")}


def _fields(description: dict[str, Any] | None) -> tuple[dict[str, Any], set[str]]:
    """Return the fields of a description, those within sections included, and the names of the sections."""
    fields: dict[str, Any] = {}
    sections: set[str] = set()
    for name, field in ((description or {}).get("fields") or {}).items():
        if "fields" in field:
            sections.add(name)
            fields |= field["fields"]
        else:
            fields[name] = field
    return fields, sections


def _registers_actions(tree: ast.Module) -> bool:
    """Return whether a module registers an action, by a helper or at `hass.services`."""
    if next(calls(tree, *REGISTER_ACTION), None):
        return True
    return any(
        isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Attribute)
        and call.func.value.attr == "services"
        for call in calls(tree, "async_register", "register")
    )


def _without_description(
    repository: Repository, path: str, function: str, kind: Kind
) -> Iterator[str]:
    """Yield a complaint where a module has the function and the kind has no file."""
    tree = repository.modules.get(path)
    if tree is None or _exists(repository, kind):
        return
    if any(
        isinstance(node, ast.AsyncFunctionDef) and node.name == function
        for node in tree.body
    ):
        yield f"{path} has {function}, and there is no {kind.file}"
