"""Rules for quality_scale.yaml and its page, which hassfest ignores."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from homeassistant import components
from homeassistant.util.yaml import load_yaml_dict
from tests.metadata.quality_scale import PAGE, SCALE, page, places, states
from tests.metadata.repository import Repository

from .registry import violation

# Every integration of core that has the file has every rule in it.
ANY_SCALE: Final = Path(components.__path__[0]) / "peblar/quality_scale.yaml"


@violation("brands should be done", SCALE, "brands: done", "brands: todo")
@violation("brands should be done", SCALE, "brands: done", "brands: {status: exempt}")
@violation("the rules should be action-setup,", SCALE, "brands:", "good-mood:")
@violation("the rules should be ", SCALE, "rules:", "rules:\n  devices: done")
@violation("brands: nothing shows it", SCALE, "brands: done #", "brands: done\n#")
@violation("there is no tests/test_sensor.py::", "tests/test_sensor.py")
@violation("devices: there is no", "tests/test_init.py", "test_devices_and", "test_")
@violation("shooting: there is no", "docs/troubleshooting.md", "# Trouble", "# X")
@violation("nothing fails in LICENSE", SCALE, "done # ", "done # LICENSE, ")
@violation("nothing fails in tests/test_in", SCALE, "::test_devices_and_entities", "")
def quality_scale_names_what_would_fail(repository: Repository) -> Iterator[str]:
    """Name for each rule what proves it, or why not.

    That is a test, a rule of ours, a check, or a section that a document would lack.
    """
    kept, shown = states(repository), places(repository)
    known = _rules_of_core()
    # Another release may have more of them.
    if [rule for rule in kept if rule in known] != known:
        yield f"the rules should be {', '.join(known)}"
    for rule, state in kept.items():
        match state:
            case "done":
                if rule not in shown:
                    yield f"{rule}: nothing shows it"
            case {"status": "exempt", "comment": str(reason)} if reason.strip():
                pass
            case _:
                yield f"{rule} should be done, or exempt with a comment"
        for place in shown.get(rule, ()):
            path, _, function = place.partition("::")
            path, _, section = path.partition("#")
            if (
                path not in repository.files
                or (section and section not in repository.sections(path))
                or (function and f"def {function}(" not in repository.text(path))
            ):
                yield f"{rule}: there is no {place}"
            if not (function or section or path.startswith("scripts/")):
                yield f"{rule}: nothing fails in {place}"


@violation("is out of date", SCALE, "::test_devices_and_entities", "::test_x")
@violation("is out of date", PAGE, "# Quality scale", "# Scale")
def quality_scale_is_shown(repository: Repository) -> Iterator[str]:
    """Show on the page what the file has."""
    if repository.text(PAGE) != page(repository):
        yield f"{PAGE} is out of date: run scripts/quality-scale"


@cache
def _rules_of_core() -> list[str]:
    """Return the installed Home Assistant's rules, in its order."""
    return list(load_yaml_dict(ANY_SCALE)["rules"])
