"""Rules for the code: those of hassfest that read it, and those of our own that keep its shape."""

import ast
from collections.abc import Iterator
from pathlib import Path
import tomllib

import homeassistant.components
from homeassistant.const import Platform
from tests.metadata.repository import DOMAIN, Repository, calls

COMPONENTS = Path(homeassistant.components.__path__[0])
# May be imported without being a dependency.
FREE_COMPONENTS = {*Platform, "frontend", "persistent_notification", "webhook"}
CONFIG_SCHEMA = "cv.config_entry_only_config_schema(DOMAIN)"
# Of what ruff looks for, what core has it look for, at least in part.
RUFF_OF_CORE = {
    *("A", "ASYNC", "B", "BLE", "C", "COM818", "D", "DTZ", "E", "F", "FLY", "FURB"),
    *("G", "I", "ICN", "INP", "ISC", "LOG", "N", "PERF", "PGH", "PIE", "PL", "PT"),
    *("PTH", "PYI", "RET", "RSE", "RUF", "S102", "S103", "S107", "S108"),
    *(
        "S301",
        "S306",
        "S307",
        "S31",
        "S6",
        "SIM",
        "SLF",
        "SLOT",
        "T10",
        "T20",
        "TC",
        "TID",
        "TRY",
        "UP",
        "W",
    ),
}
# Waits for the network, and with it all of Home Assistant.
BLOCKING = (
    "ftplib.",
    "http.client.",
    "requests.",
    "smtplib.",
    "socket.",
    "subprocess.",
    "urllib.request.",
    "urllib3.",
)
# What has to be run on all of the code.
CHECKS = (
    "ruff format --check",
    "ruff check",
    "mypy",
    "python -m pytest",
    "shellcheck",
    "actionlint",
)


def dependencies_match_the_imports(repository: Repository) -> Iterator[str]:
    """A component that is imported is set up first, unless it is a platform of ours."""
    declared = {
        *repository.manifest.get("dependencies", []),
        *repository.manifest.get("after_dependencies", []),
    }
    own_platforms = {Path(path).stem for path in repository.modules}
    for path, tree in repository.modules.items():
        imported = {
            name.split(".")[2]
            for name in _imports(tree)
            if name.startswith("homeassistant.components.")
        }
        for component in sorted(imported - declared - FREE_COMPONENTS - own_platforms):
            yield f"{path} imports {component}, which is not in dependencies or after_dependencies"


def dependencies_exist(repository: Repository) -> Iterator[str]:
    """Home Assistant has every component that we depend on."""
    for key in ("dependencies", "after_dependencies"):
        for component in repository.manifest.get(key, []):
            if not (COMPONENTS / component).is_dir():
                yield f"Home Assistant has no {component}"


def config_flow_is_declared_and_there(repository: Repository) -> Iterator[str]:
    """`config_flow: true` and config_flow.py need each other."""
    declared = repository.manifest.get("config_flow", False)
    tree = repository.modules.get("config_flow.py")
    if declared and tree is None:
        yield "config_flow.py is missing"
    if tree is not None and not declared:
        yield "config_flow in manifest.json is not true"
    if tree is not None and not any(
        word.arg == "domain"
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for word in node.keywords
    ):
        yield "config_flow.py registers no flow: a class needs domain=DOMAIN"


def setup_without_yaml_says_so(repository: Repository) -> Iterator[str]:
    """Where there is an `async_setup`, a `CONFIG_SCHEMA` tells who writes YAML that none is read."""
    tree = repository.modules["__init__.py"]
    defined = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    schemas = [
        ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id == "CONFIG_SCHEMA"
    ]
    if defined & {"async_setup", "setup"} and schemas != [CONFIG_SCHEMA]:
        yield f"__init__.py has async_setup, and no CONFIG_SCHEMA that is {CONFIG_SCHEMA}"


def platforms_say_how_many_updates_run_at_once(
    repository: Repository,
) -> Iterator[str]:
    """Each platform tells Home Assistant, which would guess."""
    for platform in Platform:
        tree = repository.modules.get(f"{platform}.py")
        if tree is not None and "PARALLEL_UPDATES" not in _assigned(tree):
            yield f"{platform}.py has no PARALLEL_UPDATES"


def client_knows_nothing_of_home_assistant(repository: Repository) -> Iterator[str]:
    """The client could be published on its own: it imports neither Home Assistant nor the integration around it."""
    home = f"custom_components.{DOMAIN}"
    for path, tree in repository.modules.items():
        if not path.startswith("client/"):
            continue
        package = [*home.split("."), *Path(path).parent.parts]
        for name in _imports(tree, package, with_types=True):
            if name.split(".")[0] == "homeassistant" or (
                f"{name}.".startswith(f"{home}.")
                and not f"{name}.".startswith(f"{home}.client.")
            ):
                yield f"{path} imports {name}"


def annotations_need_no_future(repository: Repository) -> Iterator[str]:
    """Python 3.14 evaluates annotations lazily by itself."""
    for path, tree in repository.programs.items():
        if "__future__.annotations" in _imports(tree):
            yield f"{path} imports annotations from __future__"


def schemas_are_made_with_voluptuous(repository: Repository) -> Iterator[str]:
    """Home Assistant puts its own engine behind that name: what imports the engine by its own works on few releases."""
    for path, tree in repository.modules.items():
        for name in _imports(tree):
            if name.split(".")[0] == "probatio":
                yield f"{path} imports {name}: import voluptuous as vol"


def checks_are_as_strict_as_those_of_core(repository: Repository) -> Iterator[str]:
    """Ruff looks for what core has it look for, mypy is strict and wants `@override`, and scripts/lint runs both."""
    tools = tomllib.loads((repository.root / "pyproject.toml").read_text("utf-8"))[
        "tool"
    ]
    lint = tools.get("ruff", {}).get("lint", {})
    for family in sorted(RUFF_OF_CORE - set(lint.get("select", []))):
        yield f"ruff does not look for {family}"
    if lint.get("pydocstyle", {}).get("convention") != "google":
        yield "ruff does not ask for docstrings in Google's style"
    mypy = tools.get("mypy", {})
    if mypy.get("strict") is not True:
        yield "mypy is not strict"
    if "explicit-override" not in mypy.get("enable_error_code", []):
        yield "mypy does not ask for @override"
    script = (repository.root / "scripts" / "lint").read_text("utf-8")
    for check in CHECKS:
        if f"\n.venv/bin/{check}" not in script:
            yield f"scripts/lint does not run {check}"


def shared_code_has_its_modules(repository: Repository) -> Iterator[str]:
    """The coordinator and the base of all entities are where readers of Home Assistant's code look for them."""
    coordinators = {
        node.name
        for node in _classes(repository, "coordinator.py")
        if any("DataUpdateCoordinator" in ast.unparse(base) for base in node.bases)
    }
    if not coordinators:
        yield "coordinator.py has no coordinator"
    bases = {node.name for node in _classes(repository, "entity.py")}
    if not bases:
        yield "entity.py has no entity"
    for platform in Platform:
        known = set(bases)
        for node in _classes(repository, f"{platform}.py"):
            parents = [ast.unparse(base) for base in node.bases]
            if known & set(parents):
                known.add(node.name)
            elif any(parent.endswith("Entity") for parent in parents):
                yield f"{platform}.py: {node.name} has no base of entity.py"


def entries_have_our_type(repository: Repository) -> Iterator[str]:
    """An entry is a `GoliothConfigEntry`, whose runtime data is known: a plain `ConfigEntry` has any."""
    for path, tree in repository.modules.items():
        aliases = {
            id(name)
            for node in ast.walk(tree)
            if isinstance(node, ast.TypeAlias)
            for name in ast.walk(node)
        }
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Name)
                and node.id == "ConfigEntry"
                and id(node) not in aliases
            ):
                yield f"{path}:{node.lineno} takes a ConfigEntry without our type"


def runtime_data_is_kept_in_the_entry(repository: Repository) -> Iterator[str]:
    """What a loaded project needs is in its entry, and nothing is kept in Home Assistant under our domain alone."""
    if "entry.runtime_data = " not in ast.unparse(repository.modules["__init__.py"]):
        yield "__init__.py keeps nothing in runtime_data"
    for path, tree in repository.modules.items():
        for node in ast.walk(tree):
            match node:
                case (
                    ast.Subscript(value=ast.Attribute(attr="data"), slice=key)
                    | ast.Call(
                        func=ast.Attribute(value=ast.Attribute(attr="data")),
                        args=[key, *_],
                    )
                ) if ast.unparse(key) in ("DOMAIN", repr(DOMAIN)):
                    yield f"{path}:{node.lineno} keeps something under DOMAIN"


def connections_are_home_assistants(repository: Repository) -> Iterator[str]:
    """The client is given Home Assistant's session wherever it is made."""
    found = False
    for path, tree in repository.modules.items():
        if path.startswith("client/"):
            continue
        for call in calls(tree, "ClientSession"):
            yield f"{path}:{call.lineno} makes a session of its own"
        for call in calls(tree, "HttpWire"):
            found = True
            if not any(calls(call, "async_get_clientsession")):
                yield f"{path}:{call.lineno} gives the client another session"
    if not found:
        yield "nothing gives the client a session"


def nothing_blocks_the_event_loop(repository: Repository) -> Iterator[str]:
    """No module imports what waits for the network, and none sleeps in place of the event loop."""
    for path, tree in repository.modules.items():
        for name in _imports(tree):
            if f"{name}.".startswith(BLOCKING):
                yield f"{path} imports {name}"
        for call in calls(tree, "sleep"):
            if ast.unparse(call.func) in ("sleep", "time.sleep"):
                yield f"{path}:{call.lineno} sleeps"


def _classes(repository: Repository, path: str) -> Iterator[ast.ClassDef]:
    """Yield the classes at the top of a module, none where it is missing."""
    for node in repository.modules.get(path, ast.Module([], [])).body:
        if isinstance(node, ast.ClassDef):
            yield node


def _assigned(tree: ast.Module) -> set[str]:
    """Return the names that a module assigns at its top."""
    return {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }


def _imports(
    tree: ast.Module, package: list[str] | None = None, *, with_types: bool = False
) -> Iterator[str]:
    """Yield the full names that a module imports.

    Args:
        tree: The module.
        package: The package that relative imports start from; without it they are left out.
        with_types: Include what only a type checker imports.
    """
    open_nodes: list[ast.AST] = [tree]
    while open_nodes:
        node = open_nodes.pop()
        match node:
            case ast.If(
                test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")
            ) if not with_types:
                open_nodes.extend(node.orelse)
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(level=0, module=str(source), names=aliases):
                yield from (f"{source}.{alias.name}" for alias in aliases)
            case ast.ImportFrom(level=level, module=source, names=aliases) if package:
                base = [*package[: len(package) - level + 1], *filter(None, [source])]
                yield from (".".join([*base, alias.name]) for alias in aliases)
            case _:
                open_nodes.extend(ast.iter_child_nodes(node))
