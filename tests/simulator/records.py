"""Records of handshakes and requests, without credentials."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(kw_only=True)
class Handshake:
    """A WebSocket handshake.

    Attributes:
        time: Seconds of the event loop's clock, which is monotonic.
        path: Path of the URL, without the query.
        query_keys: Names of the query parameters.
        status: HTTP status of the answer, or None as long as there is none.

    """

    time: float
    path: str
    query_keys: tuple[str, ...]
    status: int | None = None


@dataclass(kw_only=True)
class RestRequest:
    """A REST request.

    Attributes:
        time: Seconds of the event loop's clock, which is monotonic.
        method: HTTP method.
        path: Path of the URL, without the query.
        query: Query parameters, percent-decoded.
        status: HTTP status of the answer, or None as long as there is none.

    """

    time: float
    method: str
    path: str
    query: Mapping[str, str]
    status: int | None = None
