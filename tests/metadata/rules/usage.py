"""Rules that hold the code against en.json: every text that the code asks for is there, and no other."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from string import Formatter
from typing import Any

from homeassistant.const import Platform
from tests.metadata.repository import Repository, argument, calls

CONFIG_FLOW = "config_flow.py"
REPAIRS = "repairs.py"
# Where the fields of the flows' forms are.
FORMS = (CONFIG_FLOW, "options.py")
# Which part of en.json a flow reads, by the name of its base class.
FLOWS = {
    "ConfigFlow": "config",
    "OptionsFlow": "options",
    "OptionsFlowWithReload": "options",
}
# Exceptions whose message Home Assistant shows to a user.
SHOWN_EXCEPTIONS = (
    "ConfigEntryAuthFailed",
    "ConfigEntryError",
    "ConfigEntryNotReady",
    "HomeAssistantError",
    "ServiceValidationError",
    "UpdateFailed",
)
# What a method of the config flow aborts with if it is not told otherwise.
REASONS = {
    "_abort_if_unique_id_configured": "already_configured",
    "_abort_if_unique_id_mismatch": "unique_id_mismatch",
    "_async_abort_entries_match": "already_configured",
}


def flow_steps_are_translated(repository: Repository) -> Iterator[str]:
    """Every step that is shown has texts."""
    for flow, tree in _flows(repository):
        shown = {
            step
            for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call))
            for step in repository.strings(argument(call, "step_id"), CONFIG_FLOW)
        }
        texts = repository.english.get(flow, {}).get("step", {})
        yield from _compare(f"{flow}.step", shown, texts)


def flow_fields_are_translated(repository: Repository) -> Iterator[str]:
    """Every field and section of a form has a label."""
    fields = {
        key
        for module in FORMS
        if (tree := repository.modules.get(module)) is not None
        for call in calls(tree, "Required", "Optional")
        for node in call.args[:1]
        for key in repository.strings(node, module)
    }
    labels: set[str] = set()
    for flow in set(FLOWS.values()):
        for step in repository.english.get(flow, {}).get("step", {}).values():
            sections = step.get("sections", {})
            labels.update(step.get("data", {}), sections)
            for section in sections.values():
                labels.update(section.get("data", {}))
    yield from _compare("config.step.*.data", fields, labels)


def flow_errors_are_translated(repository: Repository) -> Iterator[str]:
    """Every error that a form can show has a text."""
    if (tree := repository.modules.get(CONFIG_FLOW)) is None:
        return
    errors = {
        error
        for node in _error_values(tree)
        for error in repository.strings(node, CONFIG_FLOW)
    }
    texts = {
        key
        for flow in set(FLOWS.values())
        for key in repository.english.get(flow, {}).get("error", {})
    }
    yield from _compare("config.error", errors, texts, _constants(tree))


def flow_aborts_are_translated(repository: Repository) -> Iterator[str]:
    """Every reason to end a flow has a text, but those that core has a text for and shows."""
    for flow, tree in _flows(repository):
        reasons: set[str] = set()
        for call in calls(tree, "async_abort", "AbortFlow"):
            node = argument(call, "reason") or next(iter(call.args), None)
            reasons |= repository.strings(node, CONFIG_FLOW)
        for method, default in REASONS.items():
            for call in calls(tree, method):
                node = argument(call, "reason") or argument(call, "error")
                reasons |= repository.strings(node, CONFIG_FLOW) or {default}
        for call in calls(
            tree, "async_update_reload_and_abort", "async_update_and_abort"
        ):
            reasons |= repository.strings(argument(call, "reason"), CONFIG_FLOW)
        texts = repository.english.get(flow, {}).get("abort", {})
        yield from _compare(f"{flow}.abort", reasons, texts, _constants(tree))


def entities_are_translated(repository: Repository) -> Iterator[str]:
    """Every translation key of an entity has texts."""
    for platform in Platform:
        used: set[str] = set()
        path = f"{platform}.py"
        if path in repository.modules:
            for node in ast.walk(repository.modules[path]):
                match node:
                    case ast.Call(keywords=keywords) if not _names(
                        keywords, "translation_domain"
                    ):
                        key = argument(node, "translation_key")
                        used |= repository.strings(key, path)
                    case (
                        ast.Assign(targets=[target], value=value)
                        | ast.AnnAssign(target=target, value=value)
                    ) if ast.unparse(target).endswith("_attr_translation_key"):
                        used |= repository.strings(value, path)
        texts = repository.english.get("entity", {}).get(platform, {})
        yield from _compare(f"entity.{platform}", used, texts)


def exceptions_are_translated(repository: Repository) -> Iterator[str]:
    """Every exception that is shown to a user has a message, and fills its placeholders."""
    texts = repository.english.get("exceptions", {})
    used: set[str] = set()
    for path, call in _every_call(repository):
        if _is_issue(call) or argument(call, "translation_domain") is None:
            continue
        for key in repository.strings(argument(call, "translation_key"), path):
            used.add(key)
            yield from _compare_placeholders(
                f"exceptions.{key}", call, texts.get(key, {})
            )
    yield from _compare("exceptions", used, texts)


def exceptions_name_their_message(repository: Repository) -> Iterator[str]:
    """No exception that is shown to a user has a text of its own, which nobody could translate."""
    for path, tree in repository.modules.items():
        for call in calls(tree, *SHOWN_EXCEPTIONS):
            for name in ("translation_domain", "translation_key"):
                if argument(call, name) is None:
                    yield f"{path}: {ast.unparse(call.func)} has no {name}"


def issues_are_translated(repository: Repository) -> Iterator[str]:
    """Every repair has a title and a description, and fills its placeholders."""
    texts = repository.english.get("issues", {})
    used: set[str] = set()
    for path, call in _every_call(repository):
        if not _is_issue(call):
            continue
        for key in repository.strings(argument(call, "translation_key"), path):
            used.add(key)
            yield from _compare_placeholders(f"issues.{key}", call, texts.get(key, {}))
    yield from _compare("issues", used, texts)


def issues_can_be_repaired(repository: Repository) -> Iterator[str]:
    """A repair is for what a user can do something about: its form asks for something that is done then."""
    for path, call in _every_call(repository):
        if not _is_issue(call):
            continue
        for key in repository.strings(argument(call, "translation_key"), path):
            fixable = argument(call, "is_fixable")
            if not (isinstance(fixable, ast.Constant) and fixable.value is True):
                yield f"{path}: the issue {key} cannot be repaired"
            steps = (
                repository.english.get("issues", {})
                .get(key, {})
                .get("fix_flow", {})
                .get("step", {})
            )
            if not any(step.get("data") for step in steps.values()):
                yield f"issues.{key} asks for nothing"


def repair_flows_are_translated(repository: Repository) -> Iterator[str]:
    """Every step, field and reason to end of the flows that repair something has a text."""
    if (tree := repository.modules.get(REPAIRS)) is None:
        return
    flows = [
        issue["fix_flow"]
        for issue in repository.english.get("issues", {}).values()
        if "fix_flow" in issue
    ]
    where = "issues.*.fix_flow"
    yield from _compare(
        f"{where}.step",
        _arguments(repository, tree, "async_show_form", "step_id"),
        {step for flow in flows for step in flow["step"]},
    )
    yield from _compare(
        f"{where}.step.*.data",
        {
            key
            for call in calls(tree, "Required", "Optional")
            for node in call.args[:1]
            for key in repository.strings(node, REPAIRS)
        },
        {
            key
            for flow in flows
            for step in flow["step"].values()
            for key in step.get("data", {})
        },
    )
    yield from _compare(
        f"{where}.abort",
        _arguments(repository, tree, "async_abort", "reason"),
        {reason for flow in flows for reason in flow.get("abort", {})},
    )


def devices_are_translated(repository: Repository) -> Iterator[str]:
    """Every translation key of a device has a name."""
    used = {
        key
        for path, tree in repository.modules.items()
        for call in calls(tree, "DeviceInfo", "ChildDeviceInfo", "async_get_or_create")
        for key in repository.strings(argument(call, "translation_key"), path)
    }
    yield from _compare("device", used, repository.english.get("device", {}))


def selectors_of_flows_are_translated(repository: Repository) -> Iterator[str]:
    """Every translation key of a select field has texts; those of services.yaml and the like count as used."""
    used = {
        key
        for path, tree in repository.modules.items()
        for call in calls(tree, "SelectSelectorConfig")
        for key in repository.strings(argument(call, "translation_key"), path)
    }
    described = {
        key
        for name in ("services.yaml", "triggers.yaml", "conditions.yaml")
        for key in _values(
            repository.yaml(repository.integration / name), "translation_key"
        )
    }
    texts = repository.english.get("selector", {})
    yield from _compare("selector", used, texts, described)


def system_health_is_translated(repository: Repository) -> Iterator[str]:
    """Every line of the system health page has a label."""
    tree = repository.modules.get("system_health.py", ast.Module([], []))
    used = {
        key
        for node in ast.walk(tree)
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Dict)
        for name in node.value.keys
        for key in repository.strings(name, "system_health.py")
    }
    texts = repository.english.get("system_health", {}).get("info", {})
    yield from _compare("system_health.info", used, texts, _constants(tree))


def _flows(repository: Repository) -> Iterator[tuple[str, ast.Module]]:
    """Yield each part of en.json that flows read, with the classes of these flows."""
    classes: defaultdict[str, list[ast.stmt]] = defaultdict(list)
    if CONFIG_FLOW in repository.modules:
        for node in repository.modules[CONFIG_FLOW].body:
            if isinstance(node, ast.ClassDef):
                for base in node.bases:
                    name = ast.unparse(base).rpartition(".")[2]
                    if name in FLOWS:
                        classes[FLOWS[name]].append(node)
    for flow, body in classes.items():
        yield flow, ast.Module(body, [])


def _arguments(
    repository: Repository, tree: ast.Module, function: str, name: str
) -> set[str]:
    """Return the texts that repairs pass to a function under a name."""
    return {
        text
        for call in calls(tree, function)
        for text in repository.strings(argument(call, name), REPAIRS)
    }


def _error_values(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield what is assigned to a key of `errors`, and the values of every mapping that may become `errors`."""
    arguments = {
        word.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg != "errors"
    } | {
        value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for value in node.args
    }
    for node in ast.walk(tree):
        match node:
            case ast.Dict(values=values) if node not in arguments:
                yield from values
            case ast.Assign(
                targets=[ast.Subscript(value=ast.Name(id="errors"))], value=value
            ):
                yield value


def _every_call(repository: Repository) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with the module that it is in."""
    for path, tree in repository.modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield path, node


def _is_issue(call: ast.Call) -> bool:
    """Return whether a call reports something that the user can repair."""
    return ast.unparse(call.func).rpartition(".")[2] in (
        "async_create_issue",
        "create_issue",
    )


def _names(keywords: Iterable[ast.keyword], name: str) -> bool:
    """Return whether a call passes something under a name."""
    return any(word.arg == name for word in keywords)


def _constants(tree: ast.AST) -> set[str]:
    """Return every text that stands in a program."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _values(node: Any, name: str) -> Iterator[str]:
    """Yield what stands under a name, however deep."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield value
            yield from _values(value, name)


def _compare(
    where: str,
    used: set[str],
    translated: Iterable[str],
    perhaps_used: Iterable[str] = (),
) -> Iterator[str]:
    """Yield what is used and not translated, and what is translated and not used."""
    for key in sorted(used - set(translated)):
        yield f"{where}.{key} is used, and not in en.json"
    for key in sorted(set(translated) - used - set(perhaps_used)):
        yield f"{where}.{key} is in en.json, and not used"


def _compare_placeholders(
    where: str, call: ast.Call, texts: dict[str, Any]
) -> Iterator[str]:
    """Yield the placeholders that a text has and a call does not fill."""
    match argument(call, "translation_placeholders"):
        case None:
            filled: set[str] = set()
        case ast.Dict(keys=keys):
            filled = {str(key.value) for key in keys if isinstance(key, ast.Constant)}
        case _:
            return
    for text in _leaves(texts):
        for _, name, _, _ in Formatter().parse(text):
            if name and name not in filled:
                yield f"{where} has {{{name}}}, which is not filled"


def _leaves(node: Any) -> Iterator[str]:
    """Yield every text."""
    if isinstance(node, dict):
        for value in node.values():
            yield from _leaves(value)
    else:
        yield str(node)
