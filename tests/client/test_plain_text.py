"""Tests of what is left of a text of the service in a log and in a name."""

import unicodedata

from hypothesis import given, strategies as st
import pytest

from custom_components.golioth.client import one_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("greenhouse-node", "greenhouse-node"),
        ("Gewächshaus 温室 №1 (süd) – 5 µ", "Gewächshaus 温室 №1 (süd) – 5 µ"),
        ("first\nsecond\r\nthird", "first second third"),
        ("\t a \t b \t", "a b"),
        ("a\u2028b\u2029c\x85d\x0be", "a b c d e"),
        ("a\u00a0\u3000b", "a b"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("a\x00b\x7fc\x9bd", "a b c d"),
        ("gpj.\u202eevil\u202c", "gpj.evil"),
        ("\u2066a\u2069\u200b\u200d\ufeff\u00ad", "a"),
        ("a\ud800b", "ab"),
        ("\U000e0041", ""),
        (" \n\u200b\u202e", ""),
        ("", ""),
    ],
)
def test_one_line(text: str, expected: str) -> None:
    """What breaks a line becomes a space, and what is invisible goes."""
    assert one_line(text) == expected


@given(st.text(st.characters(codec=None), max_size=300))
def test_any_text(text: str) -> None:
    """Nothing is left that moves the cursor, turns the direction or is invisible."""
    line = one_line(text)
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & set(map(unicodedata.category, line))
    assert len(line) <= len(text)
    assert line.splitlines() == ([line] if line else [])
    assert line == " ".join(line.split()) == one_line(line)
