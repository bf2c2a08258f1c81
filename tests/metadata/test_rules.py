"""The repository keeps every rule, and every rule notices a breach."""

from pathlib import Path
import shutil

import pytest

from .breaches import ADDITIONS, BREACHES, Addition, Breach
from .repository import Repository
from .rules import RULES, Rule

REPOSITORY = Repository(Path(__file__).parents[2])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the repository, for a test to change."""
    for path in REPOSITORY.files:
        target = tmp_path / REPOSITORY.name(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return tmp_path


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_repository_keeps(rule: Rule) -> None:
    """The files of this repository give no reason to complain."""
    assert list(rule(REPOSITORY)) == []


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: breach.name)
def test_breach_is_noticed(copy: Path, breach: Breach) -> None:
    """A change that breaks a rule brings the complaint that names it."""
    before = set(breach.rule(Repository(copy)))
    breach.change(copy)
    complaints = set(breach.rule(Repository(copy))) - before
    assert any(breach.complaint in complaint for complaint in complaints), complaints


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda addition: addition.name)
def test_addition_is_accepted(copy: Path, addition: Addition) -> None:
    """A change that keeps the rules brings no complaint."""
    before = Repository(copy)
    known = {(rule, complaint) for rule in RULES for complaint in rule(before)}
    addition.change(copy)
    after = Repository(copy)
    complaints = {(rule, complaint) for rule in RULES for complaint in rule(after)}
    assert complaints <= known


def test_every_rule_can_be_broken() -> None:
    """No rule is there without a breach that proves it."""
    assert {breach.rule for breach in BREACHES} == set(RULES)
