"""Test the width of slices."""

from hypothesis import given, strategies as st

from custom_components.golioth.client.slice_width import SliceWidth, align_down
from custom_components.golioth.client.timestamps import MILLISECOND, SECOND, align_up


def test_width() -> None:
    """Slices start with the whole span, and adapt."""
    width = SliceWidth(3_600 * SECOND)
    assert width.width == 3_600 * SECOND
    width.narrow(1_000 * SECOND)
    assert width.width == 500 * SECOND
    width.widen()
    assert width.width == 2_000 * SECOND


def test_one_answer_is_little_evidence() -> None:
    """One change narrows to a sixteenth at most.

    And to half at least.
    """
    width = SliceWidth(3_600 * SECOND)
    width.narrow(SECOND)
    assert width.width == 225 * SECOND
    width.narrow(225 * SECOND)
    assert width.width == 112 * SECOND


@given(
    width=st.integers(MILLISECOND, 10**19),
    seen=st.lists(st.floats(0, 1), min_size=1, max_size=80),
)
def test_narrower_until_it_is_a_millisecond(width: int, seen: list[float]) -> None:
    """Slices get narrower, down to a millisecond."""
    widths = SliceWidth(align_down(width))
    for share in seen:
        before = widths.width
        widths.narrow(int(before * share))
        assert widths.width < before or widths.width == MILLISECOND
        assert not widths.width % MILLISECOND
        assert widths.width < SECOND or not widths.width % SECOND


@given(time_ns=st.integers(MILLISECOND, 10**19))
def test_alignment(time_ns: int) -> None:
    """Widths have whole seconds, or milliseconds below one."""
    down, up = align_down(time_ns), align_up(time_ns)
    assert 0 < down <= time_ns <= up < time_ns + SECOND
    assert not up % SECOND
    assert not down % (SECOND if time_ns >= SECOND else MILLISECOND)
