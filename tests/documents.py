"""Read the project's documents, and parse what they show."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
import re
from typing import Any, Final

from homeassistant.util.yaml import parse_yaml

ROOT: Final = Path(__file__).parents[1]

# The pages for users.
PAGES: Final = tuple(
    path.relative_to(ROOT).as_posix()
    for path in (
        ROOT / "README.md",
        ROOT / "SECURITY.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    )
)

_CODE_BLOCK: Final = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_CODE: Final = re.compile(r"`[^`\n]*`")
_LINK: Final = re.compile(r"\]\([^)\s]*\)")
_EMPHASIS: Final = re.compile(r"(?<!\*)(\*{1,2})(?!\*)([^*]+?)\1(?!\*)")
_LEAD_IN: Final = re.compile(r"^ *(?:- )?\*\*[^*]+[.]\*\*", re.MULTILINE)
_TABLE: Final = re.compile(
    r"^\| (?P<header>.+) \|\n\| --- .*\n(?P<rows>(?:\|.*\n)+)", re.MULTILINE
)
_NOT_PROSE: Final = re.compile(r" *(\||<|\[[^\]]+\]: |\S+$)")


@dataclass(frozen=True)
class Table:
    """A table of a document.

    Attributes:
        subject: The heading of the first column.
        firsts: The cells of that column.
    """

    subject: str
    firsts: tuple[str, ...]


def read(page: str) -> str:
    """Return the text of a document."""
    return (ROOT / page).read_text("utf-8")


def yaml_blocks() -> list[str]:
    """Return every block of YAML, each for users to copy."""
    return [
        block
        for page in PAGES
        for block in re.findall(
            r"^```yaml\n(.*?)^```", read(page), re.MULTILINE | re.DOTALL
        )
    ]


def yaml_mappings() -> list[dict[str, Any]]:
    """Return the mapping in each block of YAML."""
    mappings = []
    for block in yaml_blocks():
        mapping = parse_yaml(block)
        assert isinstance(mapping, dict)
        mappings.append(mapping)
    return mappings


def automations() -> list[dict[str, Any]]:
    """Return every automation that a document shows."""
    return [each for each in yaml_mappings() if "alias" in each]


def configuration(key: str) -> dict[str, Any]:
    """Return the example for a key of configuration.yaml."""
    (mapping,) = (each for each in yaml_mappings() if key in each)
    return dict(mapping[key])


def names_on_screens(text: str) -> Iterator[str]:
    """Yield the emphasized texts, which are names on a screen.

    Lead-ins of paragraphs are left out: they are bold, and end with a full stop.
    """
    text = _CODE.sub("`", _CODE_BLOCK.sub("", text))
    text = _LEAD_IN.sub("", _LINK.sub("]", text))
    for _, name in _EMPHASIS.findall(text):
        yield " ".join(name.split())


def tables(text: str) -> Iterator[Table]:
    """Yield the tables of a document."""
    for table in _TABLE.finditer(text):
        yield Table(
            table["header"].split(" | ")[0],
            tuple(
                row.removeprefix("|").split("|")[0].strip()
                for row in table["rows"].splitlines()
            ),
        )


def long_lines(text: str, columns: int) -> Iterator[str]:
    """Yield the lines of prose with more than `columns` characters."""
    text = _CODE_BLOCK.sub("", text)
    for line in text.splitlines():
        if len(line) > columns and not _NOT_PROSE.match(line):
            yield line
