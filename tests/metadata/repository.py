"""The files of a repository, in memory: copies cost nothing."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
import json
from pathlib import Path
import re
from string import Formatter
from typing import Any, Final, Self

from homeassistant.util.yaml import parse_yaml

DOMAIN: Final = "golioth"
INTEGRATION: Final = f"custom_components/{DOMAIN}"
TRANSLATIONS: Final = f"{INTEGRATION}/translations"
ROOT: Final = Path(__file__).parents[2]

# What tools leave behind starts with a dot; these folders are ours all the same.
_OUR_HIDDEN_FOLDERS: Final = {".ci", ".devcontainer", ".github"}
_OF_TOOLS: Final = {"__pycache__", "node_modules", "package-lock.json"}


@dataclass(frozen=True)
class Repository:
    """The content of each file, by its path."""

    files: Mapping[str, bytes]

    @classmethod
    def read(cls, root: Path) -> Self:
        """Read every file that belongs to the project."""
        files: dict[str, bytes] = {}
        for folder, subfolders, names in root.walk():
            subfolders[:] = sorted(
                name
                for name in subfolders
                if name in _OUR_HIDDEN_FOLDERS
                or not (name.startswith(".") or name in _OF_TOOLS)
            )
            for name in sorted(set(names) - _OF_TOOLS):
                path = folder / name
                if not path.is_file():
                    # A link to a folder, as an environment may be.
                    continue
                files[path.relative_to(root).as_posix()] = path.read_bytes()
        return cls(files)

    def changed(self, path: str, old: str, new: str | None) -> Self:
        """Return a copy with a changed or deleted file.

        Args:
            path: The file, which is added where it is not there.
            old: What to replace; if it is empty, the new text is put first.
            new: What to put in its place, or None to delete the file.
        """
        if new is None:
            assert path in self.files and not old, path
            rest = {name: text for name, text in self.files.items() if name != path}
            return type(self)(rest)
        text = self.text(path)
        assert old in text, f"{path} does not have {old!r}"
        return type(self)({**self.files, path: text.replace(old, new, 1).encode()})

    def paths(self, pattern: str) -> list[str]:
        """Return the files that match a pattern: * is anything."""
        return [path for path in self.files if fnmatchcase(path, pattern)]

    def text(self, path: str) -> str:
        """Return a file's text, empty without the file."""
        return self.files.get(path, b"").decode()

    def json(self, path: str) -> dict[str, Any]:
        """Return a JSON file's object, empty without the file."""
        return dict(_parse_json(self.files.get(path, b"{}")))

    def yaml(self, path: str) -> dict[str, Any]:
        """Return a YAML file's mapping, empty without the file."""
        content = parse_yaml(self.text(path))
        assert isinstance(content, dict), path
        return content

    def program(self, path: str) -> ast.Module:
        """Return a Python file as a tree."""
        return _parse_python(self.files[path])

    @cached_property
    def modules(self) -> dict[str, ast.Module]:
        """The integration's Python files, by their paths in it."""
        return {
            path.removeprefix(f"{INTEGRATION}/"): _parse_python(self.files[path])
            for path in self.paths(f"{INTEGRATION}/*.py")
        }

    @property
    def english(self) -> dict[str, Any]:
        """The texts that every other language translates."""
        return self.json(f"{TRANSLATIONS}/en.json")

    def language(self, language: str) -> dict[str, str]:
        """Return the texts of a language, by their dotted keys."""
        content = self.json(f"{TRANSLATIONS}/{language}.json")
        return {".".join(keys): text for keys, text in texts(content)}

    def sections(self, path: str) -> set[str]:
        """Return the anchors that GitHub makes of a document's headings."""
        headings = re.findall(r"^#+ (.+)$", self.text(path), re.MULTILINE)
        return {
            re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in headings
        }

    def calls(self, *names: str) -> Iterator[tuple[str, ast.Call]]:
        """Yield calls, all or of some names, with their modules."""
        for path, tree in self.modules.items():
            for node in ast.walk(tree):
                match node:
                    case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                        if name in names or not names:
                            yield path, node


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


def placeholders(text: str) -> set[str]:
    """Return the names of the placeholders in a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@cache
def _parse_json(content: bytes) -> Any:
    """Return a JSON file's content, parsed once."""
    return json.loads(content)


@cache
def _parse_python(content: bytes) -> ast.Module:
    """Return a program as a tree, parsed once."""
    return ast.parse(content)
