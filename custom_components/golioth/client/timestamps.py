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

# RFC 3339 allows a space in place of the T for readability. It does not allow a time
# without an offset, which can only mean UTC here.
_TIMESTAMP: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([01][0-9]|2[0-3]):([0-5][0-9]):"
    r"([0-5][0-9]|60)(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))?"
)


def parse_timestamp(text: str) -> int | None:
    """Return the nanoseconds since 1970 UTC of a time.

    Digits after the ninth of a fraction are cut. The leap second 23:59:60 becomes the
    first one of the next minute, because the host's clocks do not count it.

    Returns:
        None where the text is no time by RFC 3339, or one before 1678 or after 2262.
        Never raises.
    """
    # Golioth's format, mostly of a cached second.
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
    """Return a time's nanoseconds, given without its fraction.

    Args:
        text: The first twenty characters of a time in UTC, up to the decimal point.

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
    """Format nanoseconds since 1970 UTC as RFC 3339.

    The fraction has nine digits.
    """
    seconds, nanoseconds = divmod(time_ns, SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09}Z"


def _bounded(time_ns: int) -> int | None:
    """Return a time within 64 bits, or else None.

    The JSON encoders in use write no more.
    """
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
    """Return the first whole second at or after a time."""
    return time_ns + -time_ns % SECOND
