"""Test how the completeness of answers is judged."""

from hypothesis import given, strategies as st
import pytest

from custom_components.golioth.client.answer_size import AnswerSize
from custom_components.golioth.client.log_window import LogWindow
from custom_components.golioth.client.models import LogEntry

ENTRY = LogEntry("", 0, "LOGGING", "info", "", "", "", {}, "")

# Answers whose totals are ignored after the first wrong one.
FIRST_DOUBT = 20


def window(
    entries: int, total: int | None = None, limit: int | None = None, others: int = 0
) -> LogWindow:
    """Return an answer with numbers of logs and other items."""
    return LogWindow([ENTRY] * entries, total, limit, [], others)


def note_total(sizes: AnswerSize, answer: LogWindow) -> int | None:
    """Record an answer, and return its believable total."""
    sizes.note(answer)
    return sizes.total(answer)


@pytest.mark.parametrize(
    ("answer", "is_full"),
    [
        (window(0), False),
        (window(99), False),
        (window(100), True),
        (window(101), True),
        # A limit of the service counts unless it is above the published one.
        (window(9, limit=10), False),
        (window(10, limit=10), True),
        (window(100, limit=1_000), True),
        (window(99, limit=0), False),
        # Items that are no logs count as well.
        (window(60, others=40), True),
    ],
)
def test_full(answer: LogWindow, is_full: bool) -> None:
    """An answer at the limit may be cut."""
    assert AnswerSize().is_full(answer) is is_full


def test_cap_that_was_shown() -> None:
    """A cut answer shows a cap, until a larger one."""
    sizes = AnswerSize()
    assert not sizes.is_full(window(25))
    sizes.report_cap(25)
    assert sizes.is_full(window(25))
    assert not sizes.is_full(window(24))
    assert not sizes.is_full(window(26))
    assert not sizes.is_full(window(25))


def test_cap_of_nothing() -> None:
    """An empty answer is never full.

    Even if it lacked logs.
    """
    sizes = AnswerSize()
    sizes.report_cap(0)
    assert sizes.is_full(window(1))
    assert not sizes.is_full(window(0))


@pytest.mark.parametrize(
    ("answer", "believed"),
    [
        (window(3), None),
        (window(0, total=0), 0),
        (window(3, total=3), 3),
        (window(100, total=345), 345),
        # It may count only the logs of the answer.
        (window(100, total=100), None),
        (window(10, total=10, limit=10), None),
        # The service may count no further.
        (window(100, total=1_000), None),
        (window(100, total=10_000), None),
        (window(100, total=10_001), 10_001),
    ],
)
def test_total(answer: LogWindow, believed: int | None) -> None:
    """A total is believed unless it may be capped."""
    assert note_total(AnswerSize(), answer) == believed


def test_total_that_contradicts_the_list() -> None:
    """A total below the answer's size casts doubt on others."""
    sizes = AnswerSize()
    assert note_total(sizes, window(3, total=2)) is None
    for _ in range(FIRST_DOUBT):
        assert note_total(sizes, window(3, total=3)) is None
    assert note_total(sizes, window(3, total=3)) == 3


def test_answers_without_a_total_keep_the_doubt() -> None:
    """Only answers with a total use up the doubt."""
    sizes = AnswerSize()
    sizes.report_lie()
    for _ in range(100):
        assert note_total(sizes, window(3)) is None
    assert note_total(sizes, window(3, total=3)) is None


def test_doubt_grows() -> None:
    """Repeated wrong totals lengthen the doubt, up to a limit."""
    sizes = AnswerSize()
    doubts = []
    for _ in range(10):
        sizes.report_lie()
        number = 0
        while note_total(sizes, window(1, total=1)) is None:
            number += 1
        doubts.append(number)
    assert doubts[:3] == [20, 40, 80]
    assert doubts[-1] == max(doubts) == 1_000


def test_judging_uses_up_no_doubt() -> None:
    """Judging an answer repeatedly does not use up doubt."""
    sizes = AnswerSize()
    sizes.report_lie()
    answer = window(3, total=3)
    for _ in range(FIRST_DOUBT):
        sizes.note(answer)
        for _ in range(5):
            assert sizes.total(answer) is None
            assert sizes.surely_holds_all_since(answer, 0)
    assert note_total(sizes, answer) == 3


@given(
    answers=st.lists(
        st.tuples(st.integers(0, 120), st.none() | st.integers(0, 3_000)), max_size=60
    )
)
def test_a_total_never_takes_a_log_away(answers: list[tuple[int, int | None]]) -> None:
    """A believed total is never below the answer's size."""
    sizes = AnswerSize()
    for number, total in answers:
        believed = note_total(sizes, window(number, total))
        assert believed is None or believed >= number
