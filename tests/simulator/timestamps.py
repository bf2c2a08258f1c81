"""RFC 3339 timestamps as whole nanoseconds since the epoch."""

from datetime import UTC, datetime, timedelta
import re

NANOSECONDS = 1_000_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII
)


def format_timestamp(nanoseconds: int) -> str:
    """Return a UTC timestamp with nine fractional digits.

    The argument is nanoseconds since the epoch.
    """
    seconds, fraction = divmod(nanoseconds, NANOSECONDS)
    whole = (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]
    return f"{whole}.{fraction:09}Z"


def parse_timestamp(text: str) -> int:
    """Return the nanoseconds since the epoch of a timestamp.

    It may have 0 to 9 fractional digits.

    Raises:
        ValueError: The text is no RFC 3339 timestamp, or its date does not exist.

    """
    if (match := _TIMESTAMP.fullmatch(text)) is None:
        msg = f"{text!r} is no RFC 3339 timestamp"
        raise ValueError(msg)
    whole, fraction, zone = match.groups()
    seconds = (datetime.fromisoformat(whole + zone) - _EPOCH) // timedelta(seconds=1)
    return seconds * NANOSECONDS + int((fraction or "").ljust(9, "0"))


def cut_timestamp(text: str, digits: int) -> str:
    """Return a UTC timestamp cut to that many fractional digits."""
    whole, point, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}{point}{fraction[:digits]}Z" if digits else f"{whole}Z"
