"""Rules about the shape of the code, and its checks."""

import ast
from collections.abc import Iterator
import re
import tomllib
from typing import Final

from homeassistant.const import Platform
from tests.metadata.repository import DOMAIN, INTEGRATION, Repository

from .registry import violation

REST: Final = f"{INTEGRATION}/client/rest.py"
COORDINATOR: Final = f"{INTEGRATION}/coordinator.py"
INIT: Final = f"{INTEGRATION}/__init__.py"

# Of what ruff looks for, what core has it look for, at least in part.
RUFF_OF_CORE: Final = frozenset(
    [
        "A",
        "ASYNC",
        "B",
        "BLE",
        "C",
        "COM818",
        "D",
        "DTZ",
        "E",
        "F",
        "FLY",
        "FURB",
        "G",
        "I",
        "ICN",
        "INP",
        "ISC",
        "LOG",
        "N",
        "PERF",
        "PGH",
        "PIE",
        "PL",
        "PT",
        "PTH",
        "PYI",
        "RET",
        "RSE",
        "RUF",
        "S102",
        "S103",
        "S107",
        "S108",
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
    ]
)
# What would wait for the network, and with it all of Home Assistant.
BLOCKING: Final = {"requests", "urllib3", "urllib.request", "http.client", "time.sleep"}
# Of the first line of a docstring.
_MOST_WORDS: Final = 10
# What has to be run on all of the code.
CHECKS: Final = (
    *("ruff format --check", "ruff check", "mypy", "python -m pytest"),
    *("shellcheck", "actionlint"),
)


@violation("rest.py imports homeassistant", REST, new="import homeassistant.core\n")
@violation("imports ..const", REST, new="if x:\n    from ..const import DOMAIN\n")
def client_knows_nothing_of_home_assistant(repository: Repository) -> Iterator[str]:
    """Let the client import only itself, as if published alone.

    For types either: tests/test_layers.py leaves those out.
    """
    outside = re.compile(
        r"^\s*(?:from|import) (homeassistant|custom_components|\.\.\w*)", re.MULTILINE
    )
    for path in repository.paths(f"{INTEGRATION}/client/*.py"):
        for name in outside.findall(repository.text(path)):
            yield f"{path} imports {name}"


@violation(
    "has 11 words",
    INIT,
    new='"""One two three four five six seven eight nine ten 11."""\n',
)
def docstrings_begin_shortly(repository: Repository) -> Iterator[str]:
    """Begin a docstring with at most ten words."""
    for path in repository.paths("*.py"):
        for node in ast.walk(repository.program(path)):
            if isinstance(
                node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
            ):
                first, _, _ = (ast.get_docstring(node) or "").partition("\n\n")
                if (number := len(first.split())) > _MOST_WORDS:
                    yield f"{path}: {first!r} has {number} words"


@violation("takes an entry without our type", INIT, new="x: list[ConfigEntry[Any]]\n")
@violation("keeps something under our domain", INIT, new="hass.data[DOMAIN] = 1\n")
@violation("under our domain", INIT, new='hass.data.setdefault("golioth", {})\n')
def entries_have_our_type(repository: Repository) -> Iterator[str]:
    """Keep a project's data in its entry, of our type."""
    for path, tree in repository.modules.items():
        aliases = {
            id(name)
            for node in tree.body
            if isinstance(node, ast.TypeAlias)
            for name in ast.walk(node)
        }
        for node in ast.walk(tree):
            match node:
                case ast.Name(id="ConfigEntry", lineno=line) if id(node) not in aliases:
                    yield f"{path}:{line} takes an entry without our type"
                case (
                    ast.Subscript(
                        value=ast.Attribute(attr="data"), slice=key, lineno=line
                    )
                    | ast.Call(
                        func=ast.Attribute(value=ast.Attribute(attr="data")),
                        args=[key, *_],
                        lineno=line,
                    )
                ) if ast.unparse(key) in ("DOMAIN", repr(DOMAIN)):
                    yield f"{path}:{line} keeps something under our domain"


@violation("makes a session", INIT, new="session = aiohttp.ClientSession()\n")
@violation("another session", COORDINATOR, "async_get_clientsession(hass)", "session")
def sessions_are_home_assistants(repository: Repository) -> Iterator[str]:
    """Give the client Home Assistant's session wherever it is made."""
    for path, call in repository.calls("ClientSession", "async_create_clientsession"):
        # The client makes one that it can close, with the connector of the given one.
        if not path.startswith("client/"):
            yield f"{path}:{call.lineno} makes a session"
    for path, call in repository.calls("HttpWire"):
        if "async_get_clientsession(" not in ast.unparse(call):
            yield f"{path}:{call.lineno} gives the client another session"


@violation("event.py does not", f"{INTEGRATION}/event.py", "PARALLEL_UPDATES = 0", "")
def platforms_say_how_many_updates_run_at_once(
    repository: Repository,
) -> Iterator[str]:
    """Say it, because Home Assistant would guess."""
    for platform in Platform:
        path = f"{INTEGRATION}/{platform}.py"
        text = repository.text(path)
        if text and not re.search(r"^PARALLEL_UPDATES = \d", text, re.MULTILINE):
            yield f"{path} does not say it"


@violation("ruff does not look for BLE", "pyproject.toml", '"BLE",', "")
@violation("ruff lets time.sleep be", "pyproject.toml", '"time.sleep"', '"x"')
@violation("Google's style", "pyproject.toml", '"google"', '"numpy"')
@violation("mypy is not strict", "pyproject.toml", "strict = true", "strict = false")
@violation("@override", "pyproject.toml", '"explicit-override",', "")
@violation("does not run mypy", "scripts/lint", ".venv/bin/mypy", "true")
def checks_are_as_strict_as_those_of_core(repository: Repository) -> Iterator[str]:
    """Check as core does, and run every check."""
    tools = tomllib.loads(repository.text("pyproject.toml"))["tool"]
    lint, mypy = tools["ruff"]["lint"], tools["mypy"]
    for family in sorted(RUFF_OF_CORE - set(lint["select"])):
        yield f"ruff does not look for {family}"
    for name in sorted(BLOCKING - lint["flake8-tidy-imports"]["banned-api"].keys()):
        yield f"ruff lets {name} be used"
    if lint["pydocstyle"]["convention"] != "google":
        yield "ruff does not ask for docstrings in Google's style"
    if not mypy["strict"]:
        yield "mypy is not strict"
    if "explicit-override" not in mypy["enable_error_code"]:
        yield "mypy does not ask for @override"
    for check in CHECKS:
        if f"\n.venv/bin/{check}" not in repository.text("scripts/lint"):
            yield f"scripts/lint does not run {check}"
