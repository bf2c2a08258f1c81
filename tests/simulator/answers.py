"""HTTP answers that the WebSocket and REST share."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from .encoding import encode_json
from .errors import GrpcCode, error_body

_NO_HEADERS: Mapping[str, str] = {}


def json_answer(
    value: object, status: int = 200, headers: Mapping[str, str] = _NO_HEADERS
) -> web.Response:
    """Return an answer with a JSON body."""
    return web.Response(
        status=status,
        headers=headers,
        body=encode_json(value),
        content_type="application/json",
    )


def error_answer(status: int, headers: Mapping[str, str] = _NO_HEADERS) -> web.Response:
    """Return the JSON error that goes with an HTTP status."""
    return json_answer(
        error_body(GrpcCode.of_http_status(status), HTTPStatus(status).phrase),
        status,
        headers,
    )


def html_answer(status: int, headers: Mapping[str, str] = _NO_HEADERS) -> web.Response:
    """Return the HTML page of a proxy."""
    title = f"{status} {HTTPStatus(status).phrase}"
    page = f"<html><head><title>{title}</title></head><body>{title}</body></html>"
    return web.Response(
        status=status, headers=headers, text=page, content_type="text/html"
    )


def redirect_headers(request: web.Request, origin: str) -> Mapping[str, str]:
    """Return the Location that a canonicalising proxy redirects to.

    Path and query stay the same.
    """
    return {"Location": f"{origin}{request.raw_path}"}
