"""Home Assistant's integration quality scale, and our page about it."""

from collections.abc import Iterator
import re
from typing import Any, Final

from .repository import INTEGRATION, ROOT, Repository

SCALE: Final = f"{INTEGRATION}/quality_scale.yaml"
PAGE: Final = "docs/quality-scale.md"

_RULES: Final = (
    "https://developers.home-assistant.io/docs/core/integration-quality-scale/rules/"
)
_INTRODUCTION: Final = f"""\
# Quality scale

How this integration keeps the rules of Home Assistant's [integration quality
scale][scale], from bronze to platinum, and what shows it. The scale is for integrations
that are part of Home Assistant: nobody but us has checked this one.

`scripts/quality-scale` makes this page of
`custom_components/golioth/quality_scale.yaml`.

[scale]: {_RULES.removesuffix("rules/")}
"""
# The headings in the file, and what is done with where that is shown.
_TIER: Final = re.compile(r"^  # (\w+)$", re.MULTILINE)
_DONE: Final = re.compile(r"^  ([a-z-]+): done # (.+)$", re.MULTILINE)


def states(repository: Repository) -> dict[str, Any]:
    """Return each rule's status: done, or exempt with a comment."""
    return dict(repository.yaml(SCALE)["rules"])


def places(repository: Repository) -> dict[str, list[str]]:
    """Return the tests, scripts or sections that prove a rule."""
    return {
        rule: shown.split(", ") for rule, shown in _DONE.findall(repository.text(SCALE))
    }


def page(repository: Repository) -> str:
    """Return the page that shows how each rule is kept."""
    return "\n".join([_INTRODUCTION, *_tables(repository)])


def _tables(repository: Repository) -> Iterator[str]:
    """Yield the lines of a table for each tier."""
    kept, shown = states(repository), places(repository)
    _, *tiers = _TIER.split(repository.text(SCALE))
    for tier, part in zip(tiers[::2], tiers[1::2], strict=True):
        yield f"## {tier}\n"
        yield "| Rule | Status | Shown by, or the reason |"
        yield "| --- | --- | --- |"
        for rule in re.findall(r"^  ([a-z-]+):", part, re.MULTILINE):
            match kept[rule]:
                case {"status": state, "comment": reason}:
                    pass
                case state:
                    reason = ", ".join(map(_link, shown.get(rule, ())))
            yield f"| [{rule}]({_RULES}{rule}) | {state} | {reason} |"
        yield ""


def _link(place: str) -> str:
    """Return a link from the page to a place."""
    path, _, name = place.partition("::")
    return f"[{name or path}](../{path})"


if __name__ == "__main__":
    (ROOT / PAGE).write_text(page(Repository.read(ROOT)), "utf-8")
