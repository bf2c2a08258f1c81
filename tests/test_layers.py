"""Tests that modules import only from lower layers."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

INTEGRATION: Final = Path(__file__).parents[1] / "custom_components" / "golioth"

# Packages and modules by layer, from the top.
LAYERS: Final = (
    {"__init__"},
    {
        *("binary_sensor", "event", "sensor", "trigger"),
        *("config_flow", "repairs", "diagnostics", "system_health"),
        *("services", "websocket_api", "log_card"),
    },
    {"entity"},
    {"coordinator"},
    {"triggers", "permissions", "issues"},
    {"logs", "devices"},
    {"storage"},
    {"options", "reasons", "reauth", "limits"},
    {"const"},
    {"client"},
)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield all nested statements, except those for types only."""
    for statement in body:
        match statement:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case ast.stmt():
                yield statement
        for field in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, field, []))


def imported(program: str, package: tuple[str, ...]) -> set[str]:
    """Return the modules of the integration that a program imports.

    Args:
        program: The source of a module.
        package: The package that holds it, within the integration.
    """
    found = set()
    for statement in _statements(ast.parse(program).body):
        if isinstance(statement, ast.ImportFrom) and statement.level:
            above = package[: len(package) - statement.level + 1]
            path = (*above, *(statement.module or "").split("."))
            for name in statement.names:
                module = ".".join(filter(None, path))
                inner = ".".join(filter(None, (*path, name.name)))
                found.add(inner if _file(inner).exists() else module)
    return found


def upward(module: str, targets: set[str]) -> set[str]:
    """Return imports from the module's own layer or above."""
    return {
        target
        for target in targets
        if _room(target) != _room(module) and _layer(target) <= _layer(module)
    }


def _file(module: str) -> Path:
    return INTEGRATION.joinpath(*module.split(".")).with_suffix(".py")


def _room(module: str) -> str:
    return module.partition(".")[0]


def _layer(module: str) -> int:
    (layer,) = (
        number for number, modules in enumerate(LAYERS) if _room(module) in modules
    )
    return layer


def _imports() -> dict[str, set[str]]:
    """Return what each module imports."""
    found = {}
    for file in INTEGRATION.rglob("*.py"):
        *package, name = file.relative_to(INTEGRATION).with_suffix("").parts
        module = ".".join(
            package if package and name == "__init__" else (*package, name)
        )
        found[module] = imported(file.read_text(), tuple(package))
    return found


def test_arrows_point_down() -> None:
    """Modules import only from lower layers and their package."""
    imports = _imports()
    assert len(imports) > 50
    assert {
        module: found
        for module, targets in imports.items()
        if (found := upward(module, targets))
    } == {}


def test_no_circles() -> None:
    """No modules import each other.

    This holds within a package as well.
    """
    TopologicalSorter(_imports()).prepare()


@pytest.mark.parametrize(
    ("module", "program", "found"),
    [
        ("storage.project_store", "from ..logs.recent import x", {"logs.recent"}),
        ("client.feed", "from ..const import DOMAIN", {"const"}),
        ("coordinator", "def f():\n  from .entity import x", {"entity"}),
        ("devices", "try:\n  from .logs import recent\nfinally: pass", {"logs.recent"}),
        ("logs.recent", "from ..client import x\nfrom .pump import y", set()),
        ("logs.history", "if TYPE_CHECKING:\n  from ..coordinator import x", set()),
    ],
)
def test_violations_are_found(module: str, program: str, found: set[str]) -> None:
    """An import is found anywhere, except for types only."""
    package = tuple(module.split(".")[:-1])
    assert upward(module, imported(program, package)) == found
