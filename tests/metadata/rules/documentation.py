"""Rules for the documents that users and contributors read."""

from collections.abc import Iterator
import re
from urllib.parse import unquote

from tests.metadata.address import documents, home
from tests.metadata.repository import DOMAIN, Repository

LINK = re.compile(
    r"""\]\((?P<inline>[^)\s]+)\)|^\[[^\]]+\]: (?P<reference>\S+)$|<img src="(?P<image>[^"]+)\"""",
    re.MULTILINE,
)
# What GitHub has of the repository beside its files.
OTHER_PAGES = {"issues", "security/advisories/new"}
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`|<!--.*?-->", re.MULTILINE | re.DOTALL)


def links_lead_somewhere(repository: Repository) -> Iterator[str]:
    """Every file and section that a document links to is there."""
    for path in repository.files:
        if path.suffix != ".md":
            continue
        for link in LINK.finditer(CODE.sub("", path.read_text("utf-8"))):
            target = link["inline"] or link["reference"] or link["image"]
            if ":" in target:
                continue
            name, _, section = target.partition("#")
            file = path.parent / name if name else path
            if not file.exists():
                yield f"{repository.name(path)} links to {target}, which is not there"
            elif section and section not in repository.sections(file):
                yield f"{repository.name(path)} links to {target}, which has no such section"


def own_addresses_lead_somewhere(repository: Repository) -> Iterator[str]:
    """An address of the repository, wherever it stands, leads to what is there."""
    address = re.compile(
        rf"github\.com/{re.escape(str(home(repository)))}(?P<path>/[\w./-]*[\w-])?(?P<section>#[\w-]+)?"
    )
    for path, text in documents(repository):
        # What shows that a stray is noticed stays as it is.
        if repository.name(path).startswith("tests/"):
            continue
        for found in address.finditer(unquote(text)):
            name = (found["path"] or "").removeprefix("/")
            if name in OTHER_PAGES:
                continue
            name = name.removeprefix("blob/main/") or "README.md"
            section = (found["section"] or "").removeprefix("#")
            file = repository.root / name
            if not file.is_file() or (
                section and section not in repository.sections(file)
            ):
                target = f"{name}#{section}" if section else name
                yield f"{repository.name(path)} leads to {target}, which is not there"


def triggers_have_a_page(repository: Repository) -> Iterator[str]:
    """Each trigger has a page: how to choose it by clicking, its fields, and how to write it.

    A page may leave fields to the options of another one that it links to.
    """
    for key, trigger in repository.english.get("triggers", {}).items():
        path = repository.root / "docs" / "triggers" / f"{key}.md"
        if not path.is_file():
            yield f"{repository.name(path)} is missing"
            continue
        text = path.read_text("utf-8")
        shared = (
            path.parent / name for name in re.findall(r"\((\w+\.md)#options\)", text)
        )
        options = text + "".join(
            each.read_text("utf-8") for each in shared if each.is_file()
        )
        for wanted in (
            f"# {trigger['name']}\n",
            "\n## In the user interface\n\n1. ",
            "\n## In YAML\n",
            f"trigger: {DOMAIN}.{key}\n",
        ):
            if wanted not in text:
                yield f"{repository.name(path)} lacks {wanted.strip()!r}"
        for field, texts in trigger.get("fields", {}).items():
            if (wanted := f"**{texts['name']}** (`{field}`)") not in options:
                yield f"{repository.name(path)} lacks {wanted!r}"


def pictures_are_shown(repository: Repository) -> Iterator[str]:
    """Every picture is in a document."""
    documents = [
        path.read_text("utf-8") for path in repository.files if path.suffix == ".md"
    ]
    for path in sorted((repository.root / "docs" / "images").glob("*")):
        if not any(f"images/{path.name}" in text for text in documents):
            yield f"{repository.name(path)} is shown nowhere"
