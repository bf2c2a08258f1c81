"""Tests of scripts/ on a machine with few programs."""

from collections.abc import Callable, Sequence
from pathlib import Path
import shutil
import subprocess
from typing import Final

import pytest

REPOSITORY: Final = Path(__file__).parents[1]

# The tools that every machine has.
TOOLS: Final = (
    *("bash", "basename", "cat", "chmod", "cksum", "dirname", "env", "find", "grep"),
    *("id", "mkdir", "mv", "rm", "sed", "sort", "tee", "touch"),
)

RECORD: Final = 'echo "$(basename "$0") $*" >>"$RECORD"\n'


class Machine:
    """A copy of the scripts, and the programs they find."""

    def __init__(self, folder: Path) -> None:
        """Start with the tools that every machine has."""
        self.folder = folder / "repository"
        self._bin = folder / "bin"
        self._record = folder / "record"
        for each in (self.folder / "scripts", self._bin):
            each.mkdir(parents=True)
        for tool in TOOLS:
            path = shutil.which(tool)
            assert path is not None
            (self._bin / tool).symlink_to(path)
        for pins in REPOSITORY.glob("requirements_*.txt"):
            shutil.copy(pins, self.folder)
        for pins in REPOSITORY.glob("package*.json"):
            shutil.copy(pins, self.folder)

    def add_script(self, name: str) -> None:
        """Add one of our scripts, unchanged."""
        shutil.copy(REPOSITORY / "scripts" / name, self.folder / "scripts")

    def add_program(self, name: str, text: str = "") -> None:
        """Add a program that records each call."""
        path = self.folder / name if "/" in name else self._bin / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/usr/bin/env bash\n{RECORD}{text}")
        path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """The recorded calls, with their arguments."""
        return self._record.read_text().splitlines() if self._record.exists() else []

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a script."""
        return subprocess.run(  # noqa: S603
            [self._bin / "bash", self.folder / "scripts" / script, *arguments],
            cwd=self.folder,
            env={
                "PATH": str(self._bin),
                "RECORD": str(self._record),
                "POSTGRESQL_COMMON": str(self.folder / "postgresql-common"),
            },
            capture_output=True,
            text=True,
            check=False,
        )


# How the tests run in two processes.
TWO = "--numprocesses 2 --dist worksteal"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine."""
    return Machine(tmp_path)


@pytest.fixture
def run_tests(machine: Machine) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs scripts/test.

    Every environment is set up.
    """
    machine.add_script("test")
    machine.add_program("scripts/setup")
    for release in ("", "-oldest", "-latest", "-next"):
        machine.add_program(f".venv{release}/bin/python", 'echo "${0#"$PWD"/} $*"\n')
    return lambda *arguments: machine.run("test", *arguments)


@pytest.mark.parametrize(
    ("arguments", "setup", "python"),
    [
        (("tests/a.py",), "--ha newest", ".venv/bin/python -m pytest tests/a.py"),
        (("-k", "x y", "--ha", "oldest"), "--ha oldest", ".venv-oldest/bin/python -m pytest -k x y"),
        (("--e2e",), "--ha newest", f".venv/bin/python -m pytest tests/e2e {TWO}"),
        (("--e2e", "--ha", "oldest"), "--ha oldest", f".venv-oldest/bin/python -m pytest tests/e2e {TWO}"),
        (("--ha", "latest", "--e2e", "-k", "x"), "--ha latest", ".venv-latest/bin/python -m pytest tests/e2e -k x"),
        (("--e2e", "--ha", "next"), "--ha next", f".venv-next/bin/python -m pytest tests/e2e {TWO}"),
    ],
)  # fmt: skip
def test_release(
    machine: Machine,
    run_tests: Callable[..., subprocess.CompletedProcess[str]],
    arguments: tuple[str, ...],
    setup: str,
    python: str,
) -> None:
    """Tests run on the chosen release.

    Those in a browser run on every release.
    """
    result = run_tests(*arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.strip() == python
    assert machine.calls[0] == f"setup {setup}"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--ha", "latest"), "only the tests with --e2e run on it"),
        (("--ha", "next", "tests"), "only the tests with --e2e run on it"),
        (("--ha", "2026.1"), "not on '2026.1'"),
        (("--e2e", "--ha"), "--ha takes oldest, newest, latest or next"),
    ],
)
def test_no_such_release(
    machine: Machine,
    run_tests: Callable[..., subprocess.CompletedProcess[str]],
    arguments: tuple[str, ...],
    complaint: str,
) -> None:
    """Invalid choices are refused before anything is installed."""
    result = run_tests(*arguments)
    assert result.returncode == 1
    assert complaint in result.stderr
    assert machine.calls == []


UV: Final = """
case "$1 ${2:-}" in
    "python find") exit 1 ;;
    "python install") echo "error: Failed to download: tunnel error" >&2; exit 1 ;;
esac
"""


def test_reason_of_a_failed_download(machine: Machine) -> None:
    """A failed download of Python shows the reason."""
    machine.add_script("setup")
    machine.add_script("python-from-debian")
    machine.add_script("component-requirements")
    machine.add_program("uv", UV)
    result = machine.run("setup")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "setup: Python 3.14.2 or newer is missing. Install it; it cannot be downloaded:"
        " error: Failed to download: tunnel error\n"
    )


def test_python_of_debian(machine: Machine) -> None:
    """Python from Debian is used without further messages."""
    machine.add_script("setup")
    machine.add_script("component-requirements")
    machine.add_program("uv", UV)
    machine.add_program("apt-get")
    python = machine.folder / ".python" / "root" / "usr" / "bin" / "python3.14"
    machine.add_program(
        "scripts/python-from-debian", "echo 0123456789abcdef python.deb\n"
    )
    machine.add_program(
        ".venv/bin/python", '[ "$1" = -c ] && echo 3 || echo package==1\n'
    )
    result = machine.run("setup")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0].startswith("setup: ")
    assert f"uv venv --quiet --clear --no-project --python {python} .venv" in (
        machine.calls
    )


@pytest.mark.parametrize(
    ("programs", "call"),
    [
        (
            ("apt-get", "apt-cache"),
            "apt-get -qq --yes --no-install-recommends install chromium-headless-shell postgresql",
        ),
        (
            ("apt-get",),
            "apt-get -qq --yes --no-install-recommends install chromium postgresql",
        ),
        (("dnf",), "dnf --quiet --assumeyes install chromium postgresql-server"),
        (("brew",), "brew install --quiet --cask google-chrome"),
    ],
)
def test_browser(machine: Machine, programs: Sequence[str], call: str) -> None:
    """Browser and database come from the machine's package manager."""
    machine.add_script("setup-e2e")
    machine.add_program("scripts/setup")
    machine.add_program("sudo", '"$@"\n')
    for program in programs:
        machine.add_program(program, 'touch "$RECORD.installed"\n')
    machine.add_program(
        ".venv/bin/python", '[ -e "$RECORD.installed" ] && echo /bin/browser\n'
    )
    result = machine.run("setup-e2e")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "setup-e2e: /bin/browser and /bin/browser\n"
    assert call in machine.calls


def test_browser_that_nothing_installs(machine: Machine) -> None:
    """Without a package manager, the missing programs are named."""
    machine.add_script("setup-e2e")
    machine.add_program("scripts/setup")
    machine.add_program(".venv/bin/python", "exit 1\n")
    result = machine.run("setup-e2e")
    assert result.returncode == 1
    assert (
        "install Chromium or Google Chrome, and PostgreSQL, yourself" in result.stderr
    )


@pytest.mark.parametrize("version", ["v20.19.0", "v22.13.1", "v24.0.0", "v31.2.0"])
def test_checks_of_the_card(machine: Machine, version: str) -> None:
    """The card's checks are installed once per pinned version."""
    machine.add_script("setup-frontend")
    machine.add_program("node", f"echo {version}\n")
    machine.add_program("npm", "mkdir -p node_modules\n")
    result = machine.run("setup-frontend")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"setup-frontend: node_modules, with Node.js {version}\n"
    installs = ["npm ci --silent --ignore-scripts"]
    assert [call for call in machine.calls if "npm" in call] == installs
    machine.run("setup-frontend")
    assert [call for call in machine.calls if "npm" in call] == installs
    with (machine.folder / "package-lock.json").open("a") as lock:
        lock.write("\n")
    machine.run("setup-frontend")
    assert [call for call in machine.calls if "npm" in call] == installs * 2


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        ({}, "node is missing: install Node.js 22.13 or newer, with npm"),
        ({"node": "echo v22.13.0"}, "npm is missing: install Node.js"),
        ({"node": "echo v18.20.8", "npm": ""}, "node is v18.20.8, which ESLint"),
        ({"node": "echo v20.18.3", "npm": ""}, "node is v20.18.3, which ESLint"),
        ({"node": "echo v22.9.0", "npm": ""}, "node is v22.9.0, which ESLint"),
        ({"node": "echo v22.13.0", "npm": "exit 1"}, "cannot be installed: check the"),
    ],
)
def test_checks_of_the_card_cannot_be_installed(
    machine: Machine, programs: dict[str, str], said: str
) -> None:
    """Missing or old programs are named."""
    machine.add_script("setup-frontend")
    for name, text in programs.items():
        machine.add_program(name, f"{text}\n")
    result = machine.run("setup-frontend")
    assert result.returncode == 1
    assert said in result.stderr
    assert not (machine.folder / "node_modules" / ".setup").exists()
