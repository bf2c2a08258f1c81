"""Rules for quality_scale.yaml, which hassfest does not read in a custom integration, and for the page that shows it."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
import re

import homeassistant.components
from homeassistant.util.yaml import load_yaml_dict
from tests.metadata.quality_scale import PAGE, TIERS, page, places, scale_of
from tests.metadata.repository import Repository

# Every integration of core that has the file has every rule in it.
ANY_SCALE = Path(homeassistant.components.__path__[0]) / "peblar/quality_scale.yaml"


def scale_has_cores_form(repository: Repository) -> Iterator[str]:
    """Each rule is done, or exempt with a reason: none is left to do."""
    scale = repository.yaml(scale_of(repository))
    if scale.keys() != {"rules"}:
        yield "quality_scale.yaml should hold rules, and nothing else"
    for name, state in scale.get("rules", {}).items():
        match state:
            case "done":
                pass
            case {"status": "exempt", "comment": str(reason), **rest} if (
                reason.strip() and not rest
            ):
                pass
            case _:
                yield f"{name} should be done, or exempt with a comment"


def scale_has_every_rule(repository: Repository) -> Iterator[str]:
    """The rules are those of the scale, by tiers, in core's order."""
    wanted = [rule for tier in TIERS.values() for rule in tier]
    given = list(repository.yaml(scale_of(repository)).get("rules", {}))
    for rule in wanted:
        if rule not in given:
            yield f"{rule} is missing"
    for rule in given:
        if rule not in wanted:
            yield f"{rule} is no rule of the scale"
    if sorted(given) == sorted(wanted) and given != wanted:
        yield f"the order should be {', '.join(wanted)}"
    for rule in sorted(_rules_of_core() - set(wanted)):
        yield f"{rule} is a rule of the installed Home Assistant, and not among ours"


def scale_shows_what_is_done(repository: Repository) -> Iterator[str]:
    """Beside each rule that is done stands where that can be seen, and there is something."""
    shown = places(repository)
    for name, state in repository.yaml(scale_of(repository)).get("rules", {}).items():
        if state == "done" and name not in shown:
            yield f"{name} does not say what shows it"
    for name, found in shown.items():
        for place in found:
            if not _exists(repository, place):
                yield f"{name}: there is no {place}"


def scale_names_what_would_fail(repository: Repository) -> Iterator[str]:
    """What stands beside a rule fails where the rule is broken: a test, a rule of ours, a check, or a link."""
    for name, found in places(repository).items():
        for place in found:
            path, _, rest = place.partition("::")
            # A section of a document is missed by scale_shows_what_is_done.
            if not (rest and path.startswith("tests/")) and not (
                "#" in place or place.startswith("scripts/")
            ):
                yield f"{name}: nothing fails in {place}"


def scale_is_shown(repository: Repository) -> Iterator[str]:
    """The page is what scripts/quality-scale makes of the file."""
    path = repository.root / PAGE
    if not path.is_file() or path.read_text("utf-8") != page(repository):
        yield f"{PAGE} is out of date: run scripts/quality-scale"


@cache
def _rules_of_core() -> set[str]:
    """Return the rules that the installed Home Assistant knows."""
    return set(load_yaml_dict(ANY_SCALE)["rules"])


def _exists(repository: Repository, place: str) -> bool:
    """Return whether there is a file, a function in it, or a section of it."""
    path, _, function = place.partition("::")
    path, _, section = path.partition("#")
    file = repository.root / path
    if not file.is_file():
        return False
    text = file.read_text("utf-8")
    if function:
        return bool(
            re.search(rf"^(async )?def {re.escape(function)}\(", text, re.MULTILINE)
        )
    return not section or section in repository.sections(file)
