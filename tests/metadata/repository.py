"""The files of a repository, as the rules read them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
import importlib
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.util.yaml import load_yaml_dict

DOMAIN = "golioth"

# What tools leave behind starts with a dot; these are ours all the same.
OUR_HIDDEN_FOLDERS = {".ci", ".devcontainer", ".github"}

# What npm writes.
NODE_MODULES = "node_modules"
LOCK_FILE = "package-lock.json"


@dataclass(frozen=True)
class Repository:
    """A checkout of the project, or a copy of one."""

    root: Path

    @property
    def integration(self) -> Path:
        """The folder that Home Assistant loads."""
        return self.root / "custom_components" / DOMAIN

    @property
    def translations(self) -> Path:
        """The folder with one file per language."""
        return self.integration / "translations"

    @cached_property
    def files(self) -> list[Path]:
        """Every file that belongs to the project."""
        found: list[Path] = []
        for folder, subfolders, names in self.root.walk():
            subfolders[:] = sorted(
                name
                for name in subfolders
                if name in OUR_HIDDEN_FOLDERS
                or not (name.startswith(".") or name in ("__pycache__", NODE_MODULES))
            )
            found.extend(folder / name for name in sorted(names) if name != LOCK_FILE)
        return found

    @cached_property
    def programs(self) -> dict[str, ast.Module]:
        """Every Python file of the project, scripts without a suffix included, by its path."""
        return {
            self.name(path): _parse(path.read_text("utf-8"))
            for path in self.files
            if path.suffix == ".py" or (not path.suffix and _is_python_script(path))
        }

    @cached_property
    def modules(self) -> dict[str, ast.Module]:
        """The Python files of the integration, by their path within it."""
        home = f"{self.name(self.integration)}/"
        return {
            path.removeprefix(home): tree
            for path, tree in self.programs.items()
            if path.startswith(home)
        }

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest of the integration."""
        return self.json(self.integration / "manifest.json")

    @cached_property
    def english(self) -> dict[str, Any]:
        """The texts that every other language translates."""
        return self.json(self.translations / "en.json")

    @cached_property
    def icons(self) -> dict[str, Any]:
        """The icons of entities, actions, triggers and conditions."""
        return self.json(self.integration / "icons.json")

    def name(self, path: Path) -> str:
        """Return the path as a reader of the repository knows it."""
        return path.relative_to(self.root).as_posix()

    def json(self, path: Path) -> dict[str, Any]:
        """Return the object in a JSON file.

        Raises:
            ValueError: The file is not a JSON object.
        """
        content = json.loads(path.read_text("utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"{self.name(path)} is not a JSON object")  # noqa: TRY004
        return content

    def yaml(self, path: Path) -> dict[str, Any]:
        """Return the mapping in a YAML file, empty where there is no such file.

        Raises:
            homeassistant.exceptions.HomeAssistantError: The file is not a YAML mapping.
        """
        return load_yaml_dict(path) if path.is_file() else {}

    def sections(self, path: Path) -> set[str]:
        """Return the anchors of the headings in a Markdown file, as GitHub makes them."""
        headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
        return {
            re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in headings
        }

    def strings(self, node: ast.expr | None, module: str) -> set[str]:
        """Return the texts that an expression in a module of the integration can stand for.

        Constants are followed to where they are defined, in the integration or in Home Assistant. What only a
        running program could tell is left out.
        """
        match node:
            case ast.Constant(value=str(text)):
                return {text}
            case ast.Name(id=name):
                return self._constant(name, module)
            case ast.IfExp(body=body, orelse=otherwise):
                return self.strings(body, module) | self.strings(otherwise, module)
            case ast.BoolOp(values=values):
                return {
                    text for value in values for text in self.strings(value, module)
                }
            case ast.Dict(values=values):
                return {
                    text for value in values for text in self.strings(value, module)
                }
            case ast.Subscript(value=value):
                return self.strings(value, module)
            case ast.Attribute(value=ast.Name(id=name), attr=member):
                return _texts(
                    getattr(_imported(self.modules[module], name), member, None)
                )
            case _:
                return set()

    def _constant(self, name: str, module: str) -> set[str]:
        """Return what a name at the top of a module stands for."""
        for statement in self.modules[module].body:
            match statement:
                case (
                    ast.Assign(targets=[ast.Name(id=target)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=target), value=value)
                ) if target == name:
                    return self.strings(value, module)
                case ast.ImportFrom(level=level, module=str(source), names=aliases) if (
                    level
                ):
                    above = Path(module).parents[level - 1]
                    neighbour = (above / f"{source.replace('.', '/')}.py").as_posix()
                    for alias in aliases:
                        if name == (alias.asname or alias.name):
                            return self._constant(alias.name, neighbour)
        return _texts(_imported(self.modules[module], name))


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Yield the calls of functions or methods of these names."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if (
                name in names
            ):
                yield node


def argument(call: ast.Call, name: str) -> ast.expr | None:
    """Return what a call passes under a name."""
    return next((word.value for word in call.keywords if word.arg == name), None)


def texts(
    node: Any, keys: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every text with the keys that lead to it."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from texts(value, (*keys, key))
    else:
        yield keys, str(node)


@cache
def _parse(program: str) -> ast.Module:
    """Return a program as a tree, parsed once however many copies of it there are."""
    return ast.parse(program)


def _is_python_script(path: Path) -> bool:
    """Return whether the first line of a file asks for Python."""
    with path.open("rb") as file:
        first = file.readline()
    return first.startswith(b"#!") and b"python" in first


def _imported(tree: ast.Module, name: str) -> object:
    """Return what a module imports from Home Assistant under a name."""
    for statement in tree.body:
        match statement:
            case ast.ImportFrom(level=0, module=str(source), names=aliases) if (
                source.startswith("homeassistant")
            ):
                for alias in aliases:
                    if name == (alias.asname or alias.name):
                        return getattr(importlib.import_module(source), alias.name)
    return None


def _texts(value: object) -> set[str]:
    """Return the value where it is a text."""
    return {str(value)} if isinstance(value, str) else set()
