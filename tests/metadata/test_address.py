"""Tests of scripts/set-repository: it finds every place that names the repository."""

from pathlib import Path
import shutil

import pytest

from .address import PLACEHOLDER, Address, addresses, home, move
from .repository import Repository
from .rules import RULES

REPOSITORY = Repository(Path(__file__).parents[2])
ELSEWHERE = Address("example-org", "golioth.logs")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the repository, for a test to move."""
    for path in REPOSITORY.files:
        target = tmp_path / REPOSITORY.name(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return tmp_path


def contents(root: Path) -> dict[str, bytes]:
    """Return what is in each file."""
    repository = Repository(root)
    return {repository.name(path): path.read_bytes() for path in repository.files}


def test_move(copy: Path) -> None:
    """A moved repository keeps every rule, and nothing of where it was is left."""
    old = home(REPOSITORY)
    changed = move(Repository(copy), ELSEWHERE)
    moved = Repository(copy)
    assert home(moved) == ELSEWHERE
    assert moved.manifest["codeowners"] == [f"@{ELSEWHERE.owner}"]
    assert "LICENSE" in changed
    assert [complaint for rule in RULES for complaint in rule(moved)] == []
    for name, content in contents(copy).items():
        if not name.startswith("tests/"):
            assert str(old).encode() not in content, name
            assert f"@{old.owner}".encode() not in content, name
    before = contents(REPOSITORY.root)
    assert [name for name, content in contents(copy).items() if content != before[name]]


def test_move_back(copy: Path) -> None:
    """What was moved and moved back is, byte by byte, as it was."""
    move(Repository(copy), ELSEWHERE)
    move(Repository(copy), home(REPOSITORY))
    assert contents(copy) == contents(REPOSITORY.root)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("See https://github.com/a-b/c.d.", ["a-b/c.d"]),
        ("git@github.com/a/b.git", ["a/b.git"]),
        ("https://raw.githubusercontent.com/a/b/main/x", ["a/b"]),
        ("https://my.org/?blueprint_url=https%3A%2F%2Fgithub.com%2Fa%2Fb%2Fblob", ["a/b"]),
        ("https://my.org/?owner=a&repository=b&category=integration", ["a/b"]),
        ("https://grpc.github.io/grpc/core, https://github.com/", []),
    ],
)  # fmt: skip
def test_addresses(text: str, found: list[str]) -> None:
    """Each form of an address is found, without what follows it."""
    assert [str(address) for address in addresses(text)] == found


@pytest.mark.parametrize("text", ["", "a", "a/", "/b", "a/b/c", "-a/b", "a b/c", "a/."])
def test_no_address(text: str) -> None:
    """What is no address of a repository is refused."""
    with pytest.raises(ValueError, match="not of the form OWNER/NAME"):
        Address.parse(text)


def test_placeholder_is_an_owner() -> None:
    """A project that is not published yet can be moved as well."""
    assert Address.parse(f"{PLACEHOLDER}/x") == Address(PLACEHOLDER, "x")
