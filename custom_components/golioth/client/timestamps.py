"""Read and write RFC 3339 times to the nanosecond."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
import re
from typing import Final

MILLISECOND: Final = 1_000_000
"""Nanoseconds of a millisecond."""

SECOND: Final = 1_000_000_000
"""Nanoseconds of a second."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()

# A space in place of the T is what RFC 3339 allows to be written for readability. A
# time without an offset is none by the RFC, and can mean only UTC here.
_TIMESTAMP: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([01][0-9]|2[0-3]):([0-5][0-9]):"
    r"([0-5][0-9]|60)(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))?"
)


def parse_timestamp(text: str) -> int | None:
    """Return the nanoseconds since 1970 UTC of a time.

    Digits after the ninth of a fraction are cut. The leap second 23:59:60 is the first
    one of the next minute, as no clock of ours counts it.

    Returns:
        None where the text is no time by RFC 3339, or one before 1678 or after 2262.
        Never raises.
    """
    # As Golioth sends it, and the same second again and again.
    if (
        len(text) == 30
        and text[29] == "Z"
        and text.isascii()
        and (digits := text[20:29]).isdecimal()
        and (start_ns := parse_start(text[:20])) is not None
    ):
        return start_ns + int(digits)
    if (found := _TIMESTAMP.fullmatch(text)) is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = found.groups()[6:]
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    if sign:
        offset = (int(offset_hours) * 60 + int(offset_minutes)) * 60
        seconds += -offset if sign == "+" else offset
    nanoseconds = int(fraction[:9].ljust(9, "0")) if fraction else 0
    return _bounded(seconds * SECOND + nanoseconds)


@lru_cache(maxsize=256)
def parse_start(text: str) -> int | None:
    """Return the nanoseconds of a time that ends with its decimal point.

    Args:
        text: The first twenty characters of a time in UTC with a fraction.

    Returns:
        None where it is no time, or where any fraction could make it one before 1678 or
        after 2262.
    """
    if (
        text[19:] != "."
        or (start_ns := parse_timestamp(text[:19] + "Z")) is None
        or _bounded(start_ns + SECOND) is None
    ):
        return None
    return start_ns


def format_timestamp(time_ns: int) -> str:
    """Return nanoseconds since 1970 UTC as RFC 3339, with nine digits."""
    seconds, nanoseconds = divmod(time_ns, SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09}Z"


def _bounded(time_ns: int) -> int | None:
    """Return a time of 64 bits: no JSON encoder of ours writes more."""
    return time_ns if -(2**63) <= time_ns < 2**63 else None


def start_of_second(time_ns: int) -> int:
    """Return the whole second in which a time lies."""
    return time_ns - time_ns % SECOND


def start_of_millisecond(time_ns: int) -> int:
    """Return the whole millisecond in which a time lies."""
    return time_ns - time_ns % MILLISECOND


def end_of_millisecond(time_ns: int) -> int:
    """Return the first whole millisecond after a time."""
    return start_of_millisecond(time_ns) + MILLISECOND


def middle_millisecond(start_ns: int, end_ns: int) -> int:
    """Return the whole millisecond in the middle of a span."""
    return start_of_millisecond((start_ns + end_ns) // 2)


def align_up(time_ns: int) -> int:
    """Return the first whole second that is not before a time."""
    return time_ns + -time_ns % SECOND
