"""Home Assistant's integration quality scale, and the page that shows how it is kept."""

from collections.abc import Iterator
import re
from typing import Any, Final

from .repository import INTEGRATION, ROOT, Repository

# The rules of each tier, in the order in which core lists them.
TIERS: Final = {
    "Bronze": [
        "action-setup",
        "appropriate-polling",
        "brands",
        "common-modules",
        "config-flow-test-coverage",
        "config-flow",
        "dependency-transparency",
        "docs-actions",
        "docs-conditions",
        "docs-high-level-description",
        "docs-installation-instructions",
        "docs-removal-instructions",
        "docs-triggers",
        "entity-event-setup",
        "entity-unique-id",
        "has-entity-name",
        "runtime-data",
        "test-before-configure",
        "test-before-setup",
        "unique-config-entry",
    ],
    "Silver": [
        "action-exceptions",
        "config-entry-unloading",
        "docs-configuration-parameters",
        "docs-installation-parameters",
        "entity-unavailable",
        "integration-owner",
        "log-when-unavailable",
        "parallel-updates",
        "reauthentication-flow",
        "test-coverage",
    ],
    "Gold": [
        "devices",
        "diagnostics",
        "discovery-update-info",
        "discovery",
        "docs-data-update",
        "docs-examples",
        "docs-known-limitations",
        "docs-supported-devices",
        "docs-supported-functions",
        "docs-troubleshooting",
        "docs-use-cases",
        "dynamic-devices",
        "entity-category",
        "entity-device-class",
        "entity-disabled-by-default",
        "entity-translations",
        "exception-translations",
        "icon-translations",
        "reconfiguration-flow",
        "repair-issues",
        "stale-devices",
    ],
    "Platinum": ["async-dependency", "inject-websession", "strict-typing"],
}

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
_DONE: Final = re.compile(r"^  ([a-z-]+): done # (.+)$", re.MULTILINE)


def states(repository: Repository) -> dict[str, Any]:
    """Return how each rule is kept: done, or exempt with a comment."""
    return dict(repository.yaml(SCALE)["rules"])


def places(repository: Repository) -> dict[str, list[str]]:
    """Return where a rule that is done is shown to be: a test, a script or a section."""
    return {
        rule: shown.split(", ") for rule, shown in _DONE.findall(repository.text(SCALE))
    }


def page(repository: Repository) -> str:
    """Return the page that shows how each rule is kept."""
    return "\n".join([_INTRODUCTION, *_tables(repository)])


def _tables(repository: Repository) -> Iterator[str]:
    """Yield the lines of a table for each tier."""
    shown = places(repository)
    for tier, rules in TIERS.items():
        yield f"## {tier}\n"
        yield "| Rule | Status | Shown by, or the reason |"
        yield "| --- | --- | --- |"
        for rule in rules:
            match states(repository).get(rule):
                case {"status": state, "comment": reason}:
                    pass
                case state:
                    reason = ", ".join(map(_link, shown.get(rule, [])))
            yield f"| [{rule}]({_RULES}{rule}) | {state} | {reason} |"
        yield ""


def _link(place: str) -> str:
    """Return a link from the page to a place."""
    path, _, name = place.partition("::")
    return f"[{name or path}](../{path})"


if __name__ == "__main__":
    (ROOT / PAGE).write_text(page(Repository.read(ROOT)), "utf-8")
