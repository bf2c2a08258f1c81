"""Rules for the code: those of hassfest that read it, and those of our own that keep its shape."""

import ast
from collections.abc import Iterator
from pathlib import Path

import homeassistant.components
from homeassistant.const import Platform
from tests.metadata.repository import DOMAIN, Repository

COMPONENTS = Path(homeassistant.components.__path__[0])
# May be imported without being a dependency.
FREE_COMPONENTS = {*Platform, "frontend", "webhook"}


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
    if defined & {"async_setup", "setup"} and "CONFIG_SCHEMA" not in _assigned(tree):
        yield "__init__.py has async_setup and no CONFIG_SCHEMA"


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
