"""Rules for the documents that users and contributors read."""

from collections.abc import Iterator
from posixpath import dirname, join, normpath
import re
from typing import Final
from urllib.parse import unquote

from tests.metadata.address import home
from tests.metadata.repository import DOMAIN, Repository

from .registry import violation
from .translations import ENGLISH

LINK: Final = re.compile(
    r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$|<img src=\"([^\"]+)\"", re.MULTILINE
)
CODE: Final = re.compile(r"^```.*?^```$|`[^`\n]+`|<!--.*?-->", re.MULTILINE | re.DOTALL)
# What GitHub has of the repository beside its files.
OTHER_PAGES: Final = {"issues", "security/advisories/new"}

BLUEPRINT: Final = "blueprints/automation/golioth/notify_on_log.yaml"
PAGE: Final = "docs/triggers/log_received.md"
IMAGES: Final = "docs/images"


@violation("README.md leads to docs/x.md", "README.md", new="See [this](docs/x.md).")
@violation("SECURITY.md leads to README.md#x", "SECURITY.md", new="[x](README.md#x)")
@violation(f"leads to {BLUEPRINT}", BLUEPRINT)
@violation("to docs/actions.md#goliothget_logs", "docs/actions.md", "get_logs`", "`")
@violation(f"{IMAGES}/x.png is shown nowhere", f"{IMAGES}/x.png", new="x")
def links_lead_somewhere(repository: Repository) -> Iterator[str]:
    """Link to existing files and sections, and show every picture."""
    shown = set()
    for path, target in _links(repository):
        name, _, section = target.partition("#")
        shown.add(name)
        if not (name in repository.files or repository.paths(f"{name}/*")) or (
            section and section not in repository.sections(name)
        ):
            yield f"{path} leads to {target}, which is not there"
    for picture in sorted({*repository.paths(f"{IMAGES}/*")} - shown):
        yield f"{picture} is shown nowhere"


@violation(f"{PAGE} lacks '# Device", PAGE)
@violation(f"{PAGE} lacks '## In YAML'", PAGE, "## In YAML", "## X")
@violation("project_log_received.md lacks '**Type", PAGE, "**Type**", "Type")
@violation("**Mood** (`x`)", ENGLISH, '"for": {', '"x": {"name": "Mood"}, "for": {')
def triggers_have_a_page(repository: Repository) -> Iterator[str]:
    """Explain each trigger: by clicking, its fields, and in YAML.

    A page may leave fields to the options of another one that it links to.
    """
    for key, trigger in repository.english["triggers"].items():
        path = f"docs/triggers/{key}.md"
        text = repository.text(path)
        shared = re.findall(r"\((\w+\.md)#options\)", text)
        options = text + "".join(
            repository.text(f"docs/triggers/{each}") for each in shared
        )
        for wanted in (
            f"# {trigger['name']}\n",
            "\n## In the user interface\n\n1. ",
            "\n## In YAML\n",
            f"trigger: {DOMAIN}.{key}\n",
        ):
            if wanted not in text:
                yield f"{path} lacks {wanted.strip()!r}"
        for field, texts in trigger["fields"].items():
            if (wanted := f"**{texts['name']}** (`{field}`)") not in options:
                yield f"{path} lacks {wanted!r}"


def _links(repository: Repository) -> Iterator[tuple[str, str]]:
    """Yield each document's links and own addresses, as paths."""
    for path in repository.paths("*.md"):
        for groups in LINK.findall(CODE.sub("", repository.text(path))):
            target = "".join(groups)
            if ":" not in target:
                file, _, section = target.partition("#")
                name = normpath(join(dirname(path), file)) if file else path
                yield path, f"{name}#{section}" if section else name
    address = re.compile(
        rf"github\.com/{re.escape(str(home(repository)))}((?:/[\w./-]*[\w-])?)((?:#[\w-]+)?)"
    )
    for path, content in repository.files.items():
        # Tests name what is not there.
        if path.startswith("tests/") or b"\0" in content:
            continue
        for page, section in address.findall(unquote(content.decode())):
            if (name := page.removeprefix("/")) not in OTHER_PAGES:
                yield path, (name.removeprefix("blob/main/") or "README.md") + section
