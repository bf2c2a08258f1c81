"""Test making texts safe to log, show and store."""

from typing import Any
import unicodedata

from hypothesis import given, strategies as st
import pytest

from custom_components.golioth.client import one_line, storable, with_storable_keys


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
    """Line breaks become spaces, invisible characters are dropped."""
    assert one_line(text) == expected


@given(st.text(st.characters(codec=None), max_size=300))
def test_any_text(text: str) -> None:
    """No control, direction or invisible characters remain."""
    line = one_line(text)
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & set(map(unicodedata.category, line))
    assert len(line) <= len(text)
    assert line.splitlines() == ([line] if line else [])
    assert line == " ".join(line.split()) == one_line(line)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("v1.2.3\0\0", "v1.2.3"),
        ("\0a\0b", "ab"),
        ("\0", ""),
        ("a\ud800b\udfff", "a\ufffdb\ufffd"),
        ("Gewächshaus 温室 😀\n\x01\uffff", "Gewächshaus 温室 😀\n\x01\uffff"),
        (
            {"a\0": ["b\0", {"\udc00": 1, "c": None}], "d": True},
            {"a": ["b", {"\ufffd": 1, "c": None}], "d": True},
        ),
        ({"a": 1, "a\0": 2}, {"a": 2}),
        (1.5, 1.5),
        (None, None),
    ],
)
def test_storable(value: Any, expected: Any) -> None:
    """Only U+0000 and lone surrogates change, at any depth."""
    assert storable(value) == expected


def test_storable_keys() -> None:
    """Only keys are changed, at any depth."""
    value = {"a\0": ["b\0", {"\udc00": "c\0"}], "d": 1}
    assert with_storable_keys(value) == {"a": ["b\0", {"\ufffd": "c\0"}], "d": 1}
    deep: Any = "\0"
    for _ in range(240):
        deep = {"\0": [deep]}
    assert "\0" not in str(storable(deep))


@given(st.text(st.characters(codec=None), max_size=300))
def test_any_text_is_storable(text: str) -> None:
    """The result can be encoded as UTF-8, and is stable."""
    stored = storable(text)
    assert b"\0" not in stored.encode()
    assert stored == storable(stored)
