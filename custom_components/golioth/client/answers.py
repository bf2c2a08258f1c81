"""Interpret the HTTP answers of the service."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
import time
from typing import Any, Final

from .exceptions import (
    GoliothAuthenticationError,
    GoliothNotFoundError,
    GoliothResponseError,
    GoliothStatusError,
    GoliothTimeoutError,
    GoliothTooManyRequestsError,
    GoliothUnreadableError,
)
from .parsing import parse_answer, parse_number
from .timestamps import SECOND
from .wire import Answer

# gRPC codes (google.rpc.Code) of a rejected credential: 7 permission denied, 16
# unauthenticated.
REJECTED_CODES: Final = frozenset({7, 16})

# gRPC code: not found. A 404 without it comes from another service.
_NOT_FOUND_CODE: Final = 5

# gRPC code: deadline exceeded, such as by a device that does not answer.
_DEADLINE_EXCEEDED_CODE: Final = 4

# HTTP statuses of 4xx by which the service, or a proxy, gave up: the request may have
# been carried out.
_GIVEN_UP: Final = frozenset({408, 499})

# Digits of a number of seconds: up to 30 years.
_MAX_DIGITS: Final = 9

# A date has some 30 characters.
_MAX_DATE_LENGTH: Final = 64

# No time zone is further from UTC, in seconds.
_MAX_OFFSET: Final = 14 * 3600


def check_answer(answer: Answer) -> dict[str, Any]:
    """Return an answer's JSON object, or raise what it means.

    Raises:
        GoliothAuthenticationError: HTTP 401, or gRPC code 7 or 16 in a JSON body.
        GoliothNotFoundError: gRPC code 5 in a JSON body.
        GoliothUnreadableError: A JSON object is due, begins, and cannot be parsed.
        GoliothResponseError: A redirect, or no JSON where an answer is due.
        GoliothTimeoutError: gRPC code 4 in a JSON body, with a status of 5xx.
        GoliothTooManyRequestsError: HTTP 429.
        GoliothStatusError: Every other status but success.
    """
    status = answer.status
    document = parse_answer(answer.body)
    if 200 <= status < 300:
        if document is not None:
            return document
        if answer.body.lstrip().startswith(b"{"):
            raise GoliothUnreadableError("The answer cannot be read")
        raise GoliothResponseError(
            "The answer is none of the Golioth API: no JSON object"
        )
    is_refused = 400 <= status < 500 and status not in _GIVEN_UP
    code = None if document is None else parse_number(document.get("code"))
    if status == 401 or (status != 429 and status < 500 and code in REJECTED_CODES):
        raise GoliothAuthenticationError(
            f"Golioth rejects the credential (HTTP {status})"
        )
    if is_redirect(status):
        raise GoliothResponseError(
            "The address redirects elsewhere, which Golioth does not"
        )
    if status < 500 and code == _NOT_FOUND_CODE:
        raise GoliothNotFoundError(
            "Golioth does not know what was asked for (HTTP 404)"
        )
    if status < 500 and status != 429 and code is None:
        raise GoliothResponseError(
            f"The answer is none of the Golioth API (HTTP {status})",
            nothing_done=is_refused,
            status=status,
        )
    if status >= 500 and code == _DEADLINE_EXCEEDED_CODE:
        raise GoliothTimeoutError(
            f"Golioth did not answer in time (HTTP {status})",
            retry_after=retry_after(answer.headers),
        )
    error = GoliothTooManyRequestsError if status == 429 else GoliothStatusError
    raise error(
        f"Golioth answered HTTP {status}",
        retry_after=retry_after(answer.headers),
        nothing_done=is_refused,
        status=status,
    )


def is_redirect(status: int) -> bool:
    """Return whether a status is a redirect."""
    return 300 <= status < 400


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` asks to wait.

    The header holds a number of seconds or a date.

    Returns:
        At least 0, and finite; None where there is neither.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text) if len(text) <= _MAX_DIGITS else None
    if (moment_ns := parse_http_date(text)) is None:
        return None
    # The service's own clock is preferred: the host's may be wrong.
    now_ns = parse_http_date(headers.get("Date", ""))
    if now_ns is None:
        now_ns = time.time_ns()
    return max(0.0, (moment_ns - now_ns) / SECOND)


def parse_http_date(text: str) -> int | None:
    """Return an HTTP date in nanoseconds since 1970.

    Returns:
        None where the text is no date, or has no time zone. Never raises.
    """
    if len(text) > _MAX_DATE_LENGTH or not text.isascii():
        return None
    try:
        moment = parsedate_to_datetime(text)
    # What it raises depends on the version of Python: only ValueError is documented.
    except Exception:  # noqa: BLE001
        return None
    offset = moment.utcoffset()
    if offset is None or abs(offset.total_seconds()) > _MAX_OFFSET:
        return None
    time_ns = int(moment.timestamp()) * SECOND
    # Until the year 2262, like all timestamps of logs.
    return time_ns if 0 <= time_ns < 2**63 else None
