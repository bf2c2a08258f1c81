"""The repository keeps the rules, and these notice violations."""

from types import FunctionType
from typing import Final

import pytest

from .repository import ROOT, Repository
from .rules import MODULES, VIOLATIONS, Rule, Violation

REPOSITORY: Final = Repository.read(ROOT)


@pytest.mark.parametrize("rule", VIOLATIONS, ids=lambda rule: rule.__name__)
def test_rule_is_kept(rule: Rule) -> None:
    """The files of this repository give no reason to complain."""
    assert list(rule(REPOSITORY)) == []


@pytest.mark.parametrize(
    ("rule", "violation"),
    [
        pytest.param(rule, each, id=f"{rule.__name__}: {each.complaint}")
        for rule, violations in VIOLATIONS.items()
        for each in violations
    ],
)
def test_violation_is_noticed(rule: Rule, violation: Violation) -> None:
    """Each violation brings the complaint that names it."""
    copy = REPOSITORY.changed(violation.path, violation.old, violation.new)
    complaints = list(rule(copy))
    assert any(violation.complaint in each for each in complaints), complaints


def test_every_rule_has_a_violation() -> None:
    """No rule is left out, or passes whatever is done."""
    assert {rule.__qualname__ for rule in VIOLATIONS} == {
        name
        for module in MODULES
        for name, value in vars(module).items()
        if isinstance(value, FunctionType)
        if value.__module__ == module.__name__ and not name.startswith("_")
    }
