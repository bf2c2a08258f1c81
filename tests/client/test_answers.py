"""Test the interpretation of HTTP answers."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
import math

from hypothesis import given, strategies as st
import pytest

from custom_components.golioth.client import answers
from custom_components.golioth.client.answers import (
    check_answer,
    parse_http_date,
    retry_after,
)
from custom_components.golioth.client.exceptions import (
    GoliothError,
    GoliothResponseError,
    GoliothUnreadableError,
)
from custom_components.golioth.client.wire import Answer

_YEAR_9999999999 = "Mon, 20 Nov 9999999999 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "5"}, 5),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "9" * 400}, None),
        (
            {
                "Retry-After": "Mon, 23 Nov 2026 12:00:30 GMT",
                "Date": "Mon, 23 Nov 2026 12:00:00 GMT",
            },
            30,
        ),
        (
            {
                "Retry-After": "Mon, 23 Nov 2026 12:00:00 GMT",
                "Date": "Mon, 23 Nov 2026 12:00:30 GMT",
            },
            0,
        ),
        # Without a Date header, the host's clock counts.
        ({"Retry-After": "Mon, 23 Nov 2026 12:01:00 GMT"}, 60),
        ({"Retry-After": "Mon, 23 Nov 2026 12:01:00 GMT", "Date": "now"}, 60),
        # A date without a time zone is invalid.
        ({"Retry-After": "Mon, 23 Nov 2026 12:01:00 -0000"}, None),
    ],
)
@pytest.mark.freeze_time("2026-11-23 12:00:00")
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Retry-After is a number of seconds or a date.

    A date is compared with the service's own clock.
    """
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "٣",
        "²",
        "1.5",
        "1e9",
        "nan",
        "inf",
        "-inf",
        "+5",
        "5, 6",
        "0" * 5000,
        _YEAR_9999999999,
        "Mon, 20 Nov 2026 12:00:00 +999999999999",
    ],
)
def test_retry_after_that_is_none(text: str) -> None:
    """An invalid Retry-After is ignored."""
    assert retry_after({"Retry-After": text}) is None
    assert retry_after({"Retry-After": text, "Date": text}) is None


@given(st.text(), st.text())
def test_retry_after_of_any_text(text: str, date: str) -> None:
    """Any headers result in a finite time or none."""
    for headers in (
        {"Retry-After": text},
        {"Retry-After": text, "Date": date},
        {"Retry-After": "Mon, 23 Nov 2026 12:01:00 GMT", "Date": date},
    ):
        seconds = retry_after(headers)
        assert seconds is None or (math.isfinite(seconds) and seconds >= 0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Mon, 23 Nov 2026 12:00:00 GMT", 1795435200),
        ("23 Nov 2026 13:00:00 +0100", 1795435200),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
        ("Mon, 23 Nov 2026 12:00:00 -0000", None),
        ("Wed, 31 Dec 1969 23:59:59 GMT", None),
        ("Wed, 01 Jan 2262 00:00:00 GMT", 9214646400),
        ("Thu, 01 Jan 2263 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
        ("Mon, 23 Nov 2026 12:00:00 +2359", None),
        ("Mon, 23 Nov 2026 12:00:00 +9999", None),
        ("Mon, ٢٣ Nov 2026 12:00:00 GMT", None),
        ("Mon, 31 Feb 2026 12:00:00 GMT", None),
        ("Mon, 23 Nov 2026 12:00:60 GMT", None),
        ("Mon, 23 Nov 2026 12:00:00 GMT" + " " * 8000, None),
        (_YEAR_9999999999, None),
        ("", None),
        (",", None),
        ("a Monday", None),
    ],
)
def test_http_date(text: str, seconds: int | None) -> None:
    """A date is between 1970 and 2262 with time zone."""
    assert parse_http_date(text) == (
        None if seconds is None else seconds * 1_000_000_000
    )


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2262, 1, 1)),  # noqa: DTZ001
    st.integers(-12 * 60, 14 * 60),
)
def test_http_date_of_any_time(moment: datetime, minutes: int) -> None:
    """Every date of these years can be parsed."""
    moment = moment.replace(
        microsecond=0, tzinfo=timezone(timedelta(minutes=minutes), "zone")
    )
    time_ns = int(moment.timestamp()) * 1_000_000_000
    assert parse_http_date(format_datetime(moment)) == time_ns
    utc = moment.astimezone(UTC)
    assert parse_http_date(format_datetime(utc, usegmt=True)) == time_ns


_NUMBER = st.integers(-(10**12), 10**12).map(str) | st.text(max_size=5)
_DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Mon", "", "x"]),
    _NUMBER,
    st.sampled_from(["Nov", "x", ""]),
    _NUMBER,
    _NUMBER,
    _NUMBER,
    _NUMBER,
    st.sampled_from(["GMT", "EST", "-0000", ""]) | _NUMBER,
)


@given(st.text() | _DATES)
def test_http_date_of_any_text(text: str) -> None:
    """No text raises an exception."""
    time_ns = parse_http_date(text)
    assert time_ns is None or 0 <= time_ns < 2**63


@pytest.mark.parametrize(
    "error", [ValueError, OverflowError, TypeError, IndexError, AttributeError]
)
def test_date_parser_that_raises(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Any exception of Python's parser is handled.

    They differ between versions.
    """

    def parse(_text: str) -> datetime:
        raise error

    monkeypatch.setattr(answers, "parsedate_to_datetime", parse)
    assert parse_http_date(_YEAR_9999999999) is None
    assert retry_after({"Retry-After": _YEAR_9999999999, "Date": "now"}) is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"list":[', GoliothUnreadableError),
        (b' \n{"list"', GoliothUnreadableError),
        (b"<html>{}</html>", GoliothResponseError),
        (b"[]", GoliothResponseError),
        (b"", GoliothResponseError),
    ],
)
def test_good_answer_that_cannot_be_parsed(
    body: bytes, error: type[GoliothError]
) -> None:
    """A malformed object differs from an answer of another service."""
    with pytest.raises(GoliothError) as caught:
        check_answer(Answer(200, {}, body))
    assert type(caught.value) is error
