"""Find and move the repository's address, in each form.

python -m tests.metadata.address OWNER/NAME
"""

from collections.abc import Iterator
from dataclasses import dataclass
import re
import sys
from typing import Final, Self, override

from .repository import INTEGRATION, ROOT, Repository

# Until the project is published, this stands in place of the owner.
PLACEHOLDER: Final = "OWNER"

_OWNER: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})"
# A dot at the end belongs to the sentence.
_NAME: Final = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"

# Whatever the bytes of a text are, they come back.
_AS_IT_IS: Final = ("utf-8", "surrogateescape")

# A plain link, one inside another link, and one that opens HACS or the Marketplace.
_FORMS: Final = (
    re.compile(rf"(github(?:usercontent)?\.com/)({_OWNER})(/)({_NAME})"),
    re.compile(
        rf"(github(?:usercontent)?\.com%2F)({_OWNER})(%2F)({_NAME})", re.IGNORECASE
    ),
    re.compile(rf"(owner=)({_OWNER})(&repository=)({_NAME})"),
)


@dataclass(frozen=True)
class Address:
    """A repository at GitHub."""

    owner: str
    name: str

    @override
    def __str__(self) -> str:
        """Return it as GitHub writes it."""
        return f"{self.owner}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address as GitHub writes it.

        Raises:
            ValueError: It is none.
        """
        if match := re.fullmatch(rf"({_OWNER})/({_NAME})", text):
            return cls(match[1], match[2])
        raise ValueError(f"{text!r} is not of the form OWNER/NAME")


def home(repository: Repository) -> Address:
    """Return where the repository is, as the manifest has it.

    Raises:
        ValueError: The manifest has no address at GitHub.
    """
    manifest = repository.json(f"{INTEGRATION}/manifest.json")
    documentation = str(manifest.get("documentation", ""))
    for found in addresses(documentation):
        return found
    raise ValueError(f"the manifest links to {documentation!r}, which is not at GitHub")


def addresses(text: str) -> Iterator[Address]:
    """Yield every address at GitHub in a text."""
    for form in _FORMS:
        yield from (Address(match[2], match[4]) for match in form.finditer(text))


def moved(name: str, text: str, old: Address, new: Address) -> str:
    """Return what a file says after the repository has moved.

    Args:
        name: The path of the file in the repository.
        text: What it says.
        old: Where the repository was.
        new: Where it is.
    """

    def replace(match: re.Match[str]) -> str:
        if (match[2], match[4]) != (old.owner, old.name):
            return match[0]
        return f"{match[1]}{new.owner}{match[3]}{new.name}"

    for form in _FORMS:
        text = form.sub(replace, text)
    match name.rpartition("/")[2]:
        case "manifest.json":
            text = text.replace(f'"@{old.owner}"', f'"@{new.owner}"')
        case "LICENSE":
            text = re.sub(
                rf"^( +Copyright .*){re.escape(old.owner)}$",
                rf"\g<1>{new.owner}",
                text,
                flags=re.MULTILINE,
            )
        case "pyproject.toml":
            text = text.replace(f'\nname = "{old.name}"\n', f'\nname = "{new.name}"\n')
    return text


def move(repository: Repository, new: Address) -> Repository:
    """Return the repository as it is at another address."""
    old = home(repository)
    return Repository(
        {
            # What shows that a stray is noticed stays as it is.
            path: content
            if path.startswith("tests/metadata/") or b"\0" in content
            else moved(path, content.decode(*_AS_IT_IS), old, new).encode(*_AS_IT_IS)
            for path, content in repository.files.items()
        }
    )


def main() -> int:
    """Move this file's repository, and return the exit code."""
    try:
        (argument,) = sys.argv[1:]
        new = Address.parse(argument)
    except ValueError as err:
        sys.stderr.write(f"set-repository: {err}\n")
        sys.stderr.write("usage: scripts/set-repository OWNER/NAME\n")
        return 2
    before = Repository.read(ROOT)
    for path, content in move(before, new).files.items():
        if content != before.files[path]:
            (ROOT / path).write_bytes(content)
            sys.stdout.write(f"set-repository: {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
