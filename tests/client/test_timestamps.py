"""Test RFC 3339 times."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, strategies as st
import pytest

from custom_components.golioth.client.timestamps import (
    SECOND,
    format_timestamp,
    parse_timestamp,
)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.1Z", 100_000_000),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01T00:00:00.123456789Z", 123_456_789),
        ("1970-01-01T00:00:00.1234567891Z", 123_456_789),
        ("1970-01-01t00:00:01z", 1_000_000_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T01:00:00.5+01:00", 500_000_000),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("1970-01-01T00:00:00.123456789999999999999999999999Z", 123_456_789),
        ("1970-01-01 00:00:01Z", 1_000_000_000),
        ("1970-01-01T00:00:01", 1_000_000_000),
        ("1970-01-01T00:00:00-00:00", 0),
        ("1970-01-01T23:59:00+23:59", 0),
        ("1969-12-31T00:01:00-23:59", 0),
        ("1970-01-01T00:00:60Z", 60_000_000_000),
        ("2262-04-11T23:47:16.854775807Z", 2**63 - 1),
        ("1677-09-21T00:12:43.145224192Z", -(2**63)),
    ],
)
def test_timestamp(text: str, nanoseconds: int) -> None:
    """A timestamp keeps its nanoseconds."""
    assert parse_timestamp(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "T",
        "yesterday",
        "1638386047",
        "2021-12-01",
        "2021-12-01T19:14Z",
        "2021-12-01T19:14:07.Z",
        "2021-12-01T19:14:07,5Z",
        "2021-12-01T19:14:07Z\n",
        " 2021-12-01T19:14:07Z",
        "2021-12-01_19:14:07Z",
        "20211201T191407Z",
        "2021-W48-3T19:14:07Z",
        "2021-13-01T00:00:00Z",
        "2021-00-01T00:00:00Z",
        "2021-02-29T00:00:00Z",
        "2021-12-01T24:00:00Z",
        "2021-12-01T23:60:00Z",
        "2021-12-01T23:59:61Z",
        "2021-12-01T19:14:07+24:00",
        "2021-12-01T19:14:07+01:60",
        "2021-12-01T19:14:07+1:00",
        "2021-12-01T19:14:07.376256912+01",
        "2021-12-01T19:14:07.376256912Z+01:00",
        "2021-12-01T19:14:07.-76256912Z",
        "2021-12-01T19:14:07.37625691_Z",
        # Digits that are not ASCII.
        "1970-01-01T00:00:00.123456²Z",
        "2021-12-01T19:14:07.37625691٣Z",
        "2021-12-01T19:14:0٣.376256912Z",
        "٢٠٢١-12-01T19:14:07.376256912Z",
        "2021-12-01T19:14:07.٣٣٣٣٣٣٣٣٣Z",
        # Years out of range.
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999999999-23:59",
        "9999-12-31T23:59:60Z",
        "10000-01-01T00:00:00Z",
        "2262-04-11T23:47:16.854775808Z",
        "1677-09-21T00:12:43.145224191Z",
    ],
)
def test_no_timestamp(text: str) -> None:
    """Invalid or out-of-range text is no time.

    By RFC 3339, and 64 bits of nanoseconds.
    """
    assert parse_timestamp(text) is None


@pytest.mark.parametrize("fraction", ["", ".5", ".000000001", ".123456789"])
@pytest.mark.parametrize(
    ("leap", "following"),
    [
        ("2016-12-31T23:59:60{}Z", "2017-01-01T00:00:00{}Z"),
        ("2016-12-31t23:59:60{}z", "2017-01-01T00:00:00{}Z"),
        ("1990-12-31T15:59:60{}-08:00", "1991-01-01T00:00:00{}Z"),
        ("2021-12-01T19:14:60{}Z", "2021-12-01T19:15:00{}Z"),
    ],
)
def test_leap_second(leap: str, following: str, fraction: str) -> None:
    """A leap second is the next minute's first one."""
    expected = parse_timestamp(following.format(fraction))
    assert expected is not None
    assert parse_timestamp(leap.format(fraction)) == expected


@given(
    moment=st.datetimes(datetime(1678, 1, 1), datetime(2262, 1, 1)),  # noqa: DTZ001
    nanoseconds=st.integers(0, SECOND - 1),
    digits=st.integers(0, 12),
    offset=st.integers(-1439, 1439),
)
def test_any_time(moment: datetime, nanoseconds: int, digits: int, offset: int) -> None:
    """Every time is parsed exactly, and formatted back."""
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    fraction = f"{nanoseconds:09}".ljust(12, "7")[:digits]
    local = moment.astimezone(timezone(timedelta(minutes=offset)))
    text = f"{local:%Y-%m-%dT%H:%M:%S}{'.' * bool(digits)}{fraction}"
    text += f"{'+-'[offset < 0]}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    expected = int(moment.timestamp()) * SECOND + int(fraction[:9].ljust(9, "0"))
    assert parse_timestamp(text) == expected
    assert parse_timestamp(format_timestamp(expected)) == expected


_CHARACTERS = st.sampled_from("0123456789.:+-TtZz _eE²٣\0\n\ud800")


@given(text=st.text(max_size=40) | st.text(_CHARACTERS, max_size=40))
def test_any_text(text: str) -> None:
    """Any text is parsed as a 64-bit time or None."""
    for each in (
        text,
        f"2021-12-01T19:14:07.{text}",
        f"2021-12-01T19:14:07.1234567{text}Z",
        f"2021-12-01T19:14:07{text}",
        f"{text}-12-01T19:14:07Z",
        f"9999-12-31T23:59:60{text}",
        f"{text}T19:14:07.376256912Z",
    ):
        found = parse_timestamp(each)
        assert found is None or -(2**63) <= found < 2**63
        assert found is None or each.isascii()


@given(
    text=st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,12})?"
        r"([Zz]|[+-][0-9]{2}:[0-9]{2})",
        fullmatch=True,
    )
)
def test_any_form_of_time(text: str) -> None:
    """Text in the form of a time raises nothing."""
    found = parse_timestamp(text)
    assert found is None or -(2**63) <= found < 2**63
