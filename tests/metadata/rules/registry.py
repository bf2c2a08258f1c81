"""Rules, and the violations that each has to notice."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from tests.metadata.repository import Repository

# Takes a repository, and yields one complaint per violation.
type Rule = Callable[[Repository], Iterator[str]]


class Violation(NamedTuple):
    """A change to the repository, and a rule's complaint.

    Attributes:
        complaint: Words of the complaint.
        path: The file that is changed.
        old: What is replaced once; if it is empty, the new text is put first.
        new: What is put in its place, or None where the file is deleted.
    """

    complaint: str
    path: str
    old: str
    new: str | None


VIOLATIONS: Final[dict[Rule, list[Violation]]] = {}


def violation(
    complaint: str, path: str, old: str = "", new: str | None = None
) -> Callable[[Rule], Rule]:
    """Make a function a rule that notices a violation."""

    def register(rule: Rule) -> Rule:
        VIOLATIONS.setdefault(rule, []).append(Violation(complaint, path, old, new))
        return rule

    return register
