"""A handshake that does not open a stream."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

from aiohttp import web

from .answers import error_answer, html_answer
from .encoding import encode_json
from .errors import ServiceError, grpc_error_v1


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The answer to a handshake that opens no stream.

    An HTTP answer or, for status 101, the one text frame before the end.

    Attributes:
        status: HTTP status of the answer.
        headers: Headers of an HTTP answer.
        body: Body of an HTTP answer in place of the JSON error.
        html: Whether the body is a proxy's HTML page.
        frame: What the text frame holds: an error envelope, or text.

    """

    status: int = HTTPStatus.SWITCHING_PROTOCOLS
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    html: bool = False
    frame: Mapping[str, Any] | str = ""

    @classmethod
    def of_error(cls, error: ServiceError, *, at_handshake: bool) -> Self:
        """Return the refusal for an error.

        It is an HTTP answer, or a frame after 101.
        """
        status = error.code.http_status
        return (
            cls(status=status)
            if at_handshake
            else cls(frame=grpc_error_v1(error.code, status, error.message))
        )

    @property
    def upgrades(self) -> bool:
        """Whether the handshake still upgrades to a WebSocket."""
        return self.status == HTTPStatus.SWITCHING_PROTOCOLS

    @property
    def text(self) -> str:
        """The text of the frame."""
        return (
            self.frame
            if isinstance(self.frame, str)
            else encode_json(self.frame).decode()
        )

    def answer(self) -> web.Response:
        """Return the HTTP answer of a refusal without upgrade."""
        if self.html:
            return html_answer(self.status, self.headers)
        if self.body is not None:
            return web.Response(
                status=self.status, headers=self.headers, text=self.body
            )
        return error_answer(self.status, self.headers)
