"""Tests of scripts/set-repository, which moves the repository's address."""

from typing import Final

import pytest

from .address import PLACEHOLDER, Address, addresses, home, move
from .repository import INTEGRATION, ROOT, Repository
from .rules import VIOLATIONS

REPOSITORY: Final = Repository.read(ROOT)
ELSEWHERE: Final = Address("example-org", "golioth.logs")


def test_move() -> None:
    """A moved repository keeps every rule, and no old address."""
    old = home(REPOSITORY)
    moved = move(REPOSITORY, ELSEWHERE)
    assert home(moved) == ELSEWHERE
    manifest = moved.json(f"{INTEGRATION}/manifest.json")
    assert manifest["codeowners"] == [f"@{ELSEWHERE.owner}"]
    assert f" {ELSEWHERE.owner}\n" in moved.text("LICENSE")
    assert [complaint for rule in VIOLATIONS for complaint in rule(moved)] == []
    for path, content in moved.files.items():
        if not path.startswith("tests/"):
            assert str(old).encode() not in content, path
            assert f"@{old.owner}".encode() not in content, path


def test_move_back() -> None:
    """Moving there and back changes no byte."""
    there = move(REPOSITORY, ELSEWHERE)
    assert move(there, home(REPOSITORY)).files == REPOSITORY.files


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
    """Each form of an address is found, and no more."""
    assert [str(address) for address in addresses(text)] == found


@pytest.mark.parametrize("text", ["", "a", "a/", "/b", "a/b/c", "-a/b", "a b/c", "a/."])
def test_no_address(text: str) -> None:
    """What is no address of a repository is refused."""
    with pytest.raises(ValueError, match="not of the form OWNER/NAME"):
        Address.parse(text)


def test_placeholder_is_an_owner() -> None:
    """An unpublished project can be moved as well."""
    assert Address.parse(f"{PLACEHOLDER}/x") == Address(PLACEHOLDER, "x")
