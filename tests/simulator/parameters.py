"""Parse query parameters.

Raises ServiceError for values that the service rejects.
"""

from collections.abc import Mapping

from .errors import GrpcCode, ServiceError
from .log_store import LEVELS
from .timestamps import parse_timestamp

_MAX_PER_PAGE = 100


def number_parameter(
    query: Mapping[str, str], name: str, default: int, *, maximum: int | None = None
) -> int:
    """Return a whole number, or the default without the parameter.

    The number is from 0 to the maximum.
    """
    text = query.get(name, str(default))
    if (
        not text.isascii()
        or not text.isdigit()
        or (maximum is not None and int(text) > maximum)
    ):
        raise _invalid(name)
    return int(text)


def page_parameters(query: Mapping[str, str]) -> tuple[int, int]:
    """Return the page, from 0, and its size."""
    per_page = number_parameter(query, "perPage", _MAX_PER_PAGE, maximum=_MAX_PER_PAGE)
    return number_parameter(query, "page", 0), per_page or _MAX_PER_PAGE


def timestamp_parameter(query: Mapping[str, str], name: str) -> int | None:
    """Return nanoseconds since the epoch, or None without the parameter."""
    if not (text := query.get(name)):
        return None
    try:
        return parse_timestamp(text)
    except ValueError as err:
        raise _invalid(name) from err


def level_parameter(query: Mapping[str, str]) -> str | None:
    """Return the level to filter by, or None for all."""
    level = query.get("level") or LEVELS[0]
    if level not in LEVELS:
        raise _invalid("level")
    return None if level == LEVELS[0] else level


def boolean_parameter(text: str, name: str) -> bool:
    """Return the boolean that a parameter's text stands for."""
    if text not in ("true", "false"):
        raise _invalid(name)
    return text == "true"


def _invalid(name: str) -> ServiceError:
    """Return the error of a parameter.

    It does not repeat the value, which may be secret.
    """
    return ServiceError(GrpcCode.INVALID_ARGUMENT, f"type mismatch, parameter: {name}")
