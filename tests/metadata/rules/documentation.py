"""Rules for the documents that users and contributors read."""

from collections.abc import Iterator
import re

from tests.metadata.repository import DOMAIN, Repository

LINK = re.compile(
    r"""\]\((?P<inline>[^)\s]+)\)|^\[[^\]]+\]: (?P<reference>\S+)$|<img src="(?P<image>[^"]+)\"""",
    re.MULTILINE,
)
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


def triggers_have_a_page(repository: Repository) -> Iterator[str]:
    """Each trigger has a page, which tells of all its fields, how to choose it by clicking, and how to write it."""
    for key, trigger in repository.english.get("triggers", {}).items():
        path = repository.root / "docs" / "triggers" / f"{key}.md"
        if not path.is_file():
            yield f"{repository.name(path)} is missing"
            continue
        text = path.read_text("utf-8")
        for wanted in (
            f"# {trigger['name']}\n",
            "\n## In the user interface\n\n1. ",
            "\n## In YAML\n",
            f"trigger: {DOMAIN}.{key}\n",
            *(f"**{field['name']}**" for field in trigger.get("fields", {}).values()),
            *(f"`{field}`" for field in trigger.get("fields", {})),
        ):
            if wanted not in text:
                yield f"{repository.name(path)} lacks {wanted.strip()!r}"


def pictures_are_shown(repository: Repository) -> Iterator[str]:
    """Every picture is in a document."""
    documents = [
        path.read_text("utf-8") for path in repository.files if path.suffix == ".md"
    ]
    for path in sorted((repository.root / "docs" / "images").glob("*")):
        if not any(f"images/{path.name}" in text for text in documents):
            yield f"{repository.name(path)} is shown nowhere"
