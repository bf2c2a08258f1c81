"""Wraps the HTTP client's requests and WebSockets.

Only this module uses the HTTP client. Its exceptions may hold an address, a header or
words of the server, and so the credential: neither they nor their text leave this
module.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Final, NamedTuple, Protocol, override

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from .exceptions import (
    GoliothConnectionError,
    GoliothError,
    GoliothTimeoutError,
    GoliothUnreachableError,
    GoliothUnreadableError,
)

# The kinds of frames of a WebSocket.
FrameType = aiohttp.WSMsgType

# Bytes to read of an answer without success: an error, or a web page.
_MAX_ERROR_SIZE: Final = 64 * 1024

# Seconds that a regular close of a socket may take.
_CLOSE_TIMEOUT: Final = 2.0


class Answer(NamedTuple):
    """An answer to a request."""

    status: int
    headers: Mapping[str, str]
    """Names are case-insensitive."""
    body: bytes
    """The body; of an error, its beginning."""


class Frame(Protocol):
    """A frame of a WebSocket, or its end."""

    @property
    def type(self) -> aiohttp.WSMsgType:
        """Return the kind of frame."""

    @property
    def data(self) -> Any:
        """Return the payload, or the code of a close.

        The payload of text, binary data and pings is bytes.
        """


class Socket(Protocol):
    """An open WebSocket.

    It does not answer pings by itself. Each call may raise GoliothConnectionError.
    """

    async def receive(self) -> Frame:
        """Return the next frame.

        Does not yield to the event loop if one is waiting.
        """

    async def ping(self, message: bytes = b"") -> None:
        """Send a ping; waits while the other end reads nothing."""

    async def pong(self, message: bytes = b"") -> None:
        """Send a pong; waits while the other end reads nothing."""

    async def close(self) -> None:
        """End the connection within a time limit.

        The limit holds whatever the other end sends.
        """


class Wire(Protocol):
    """Carries requests and WebSockets to the service."""

    async def request(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        timeout: float,
        connect_timeout: float | None = None,
        max_size: int,
    ) -> Answer:
        """Return the answer to a request, whatever its status.

        No redirect is followed.

        Args:
            method: The HTTP method.
            url: The address, already percent-encoded.
            headers: The headers to send.
            body: The body to send, if any.
            timeout: Seconds that the request may take in total.
            connect_timeout: Seconds that connecting may take.
            max_size: Bytes that the body of a good answer may have.

        Raises:
            GoliothTimeoutError: There was no answer in time.
            GoliothUnreadableError: A good answer is longer than `max_size`.
            GoliothUnreachableError: The request was not sent.
            GoliothConnectionError: There was no answer.
        """

    def open_socket(
        self, url: URL, *, timeout: float, max_frame_size: int
    ) -> AbstractAsyncContextManager[Socket]:
        """Open a WebSocket, and close it on exit.

        No redirect is followed.

        Args:
            url: The address, already percent-encoded.
            timeout: Seconds that connecting and the handshake may take.
            max_frame_size: Bytes; a longer frame ends the connection.

        Raises:
            HandshakeRefusedError: The handshake was answered without an upgrade.
            GoliothConnectionError: The handshake was not answered.
        """


class HandshakeRefusedError(GoliothConnectionError):
    """A handshake was answered without an upgrade.

    Attributes:
        answer: The answer, which may hold the credential: never show it.
    """

    def __init__(self, answer: Answer) -> None:
        """Store the answer for the caller to interpret."""
        super().__init__(f"The handshake was refused (HTTP {answer.status})")
        self.answer = answer


class HttpWire:
    """A wire over the connections of an HTTP session."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """Prepare, without a connection.

        Args:
            session: Its connections are used; it is not closed.
        """
        self._session = session

    async def request(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        timeout: float,
        connect_timeout: float | None = None,
        max_size: int,
    ) -> Answer:
        """Return the answer to a request; see `Wire`."""
        try:
            async with (
                asyncio.timeout(timeout),
                self._borrow(aiohttp.ClientTimeout(connect=connect_timeout)) as session,
                session.request(
                    method,
                    url,
                    data=body,
                    headers=headers,
                    # A redirect would send the credential to its target.
                    allow_redirects=False,
                ) as response,
            ):
                return await _read_answer(response, max_size)
        except GoliothError:
            raise
        # First, because these are also of the other kinds: there was no connection to
        # send anything on.
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as err:
            raise GoliothUnreachableError(
                f"Golioth could not be reached: {type(err).__name__}"
            ) from None
        except TimeoutError:
            raise GoliothTimeoutError("Golioth did not answer in time") from None
        # Any exception: the HTTP client's parsers raise more than it documents.
        except Exception as err:  # noqa: BLE001
            raise GoliothConnectionError(
                f"The connection to Golioth broke: {type(err).__name__}"
            ) from None

    @asynccontextmanager
    async def open_socket(
        self, url: URL, *, timeout: float, max_frame_size: int
    ) -> AsyncIterator[Socket]:
        """Open a WebSocket, and close it on exit; see `Wire`."""
        handshake = _Handshake()
        # The HTTP client always follows the redirects of a handshake, but middleware
        # can refuse them.
        async with self._borrow(aiohttp.ClientTimeout(), handshake.check) as session:
            try:
                async with asyncio.timeout(timeout):
                    websocket = await session.ws_connect(
                        url,
                        autoping=False,
                        # If the service closes, an automatic close could block.
                        autoclose=False,
                        max_msg_size=max_frame_size,
                        timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT),
                        # Text that is not UTF-8 would end the connection; as bytes, it
                        # is just a frame that is no log.
                        decode_text=False,
                    )
            except GoliothError:
                raise
            except aiohttp.WSServerHandshakeError as err:
                raise HandshakeRefusedError(
                    Answer(err.status, err.headers or {}, b"")
                ) from None
            except TimeoutError:
                raise handshake.refusal or GoliothConnectionError(
                    "The connection was not opened in time"
                ) from None
            except Exception as err:  # noqa: BLE001
                raise GoliothConnectionError(
                    f"The connection was not opened: {type(err).__name__}"
                ) from None
            socket = _HttpSocket(websocket, handshake)
            try:
                yield socket
            finally:
                await socket.close()

    def _borrow(
        self, timeout: aiohttp.ClientTimeout, *middlewares: aiohttp.ClientMiddlewareType
    ) -> aiohttp.ClientSession:
        """Return a session that shares the given one's connections.

        Raises:
            GoliothUnreachableError: The given session is closed.
        """
        if self._session.closed:
            raise GoliothUnreachableError("The HTTP session is closed")
        return aiohttp.ClientSession(
            connector=self._session.connector,
            connector_owner=False,
            cookie_jar=_NoCookies(),
            headers=self._session.headers,
            middlewares=middlewares,
            timeout=timeout,
        )


class _NoCookies(aiohttp.DummyCookieJar):
    """Ignores cookies, whose text would be logged if malformed."""

    @override
    def update_cookies_from_headers(self, *_: Any) -> None:
        """Ignore the cookies."""


class _Handshake:
    """Checks a handshake's answer before the HTTP client uses it.

    Attributes:
        refusal: The answer where it is no upgrade, as far as it was read.
    """

    def __init__(self) -> None:
        """Start without an answer."""
        self.refusal: HandshakeRefusedError | None = None
        self._response: aiohttp.ClientResponse | None = None
        self._transport: asyncio.Transport | None = None

    async def check(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Return an upgrade, and raise any other answer."""
        self._response = response = await handler(request)
        if response.status == 101:
            if response.connection is not None:
                self._transport = response.connection.transport
            return response
        body = bytearray()
        self.refusal = HandshakeRefusedError(
            Answer(response.status, CIMultiDict(response.headers), b"")
        )
        try:
            # Only the body tells the service's own refusal from a proxy's. The body of
            # any other status may be endless.
            if 400 <= response.status < 500:
                # If the body breaks off, its beginning is used.
                with suppress(Exception):
                    await _read_beginning(response, body, _MAX_ERROR_SIZE)
        finally:
            self.refusal.answer = self.refusal.answer._replace(body=bytes(body))
            self.abort()
        raise self.refusal

    def abort(self) -> None:
        """End the connection immediately.

        If left open, it would be logged with its address, which holds the credential.
        """
        if self._response is not None:
            self._response.close()
        # If the other end never reads, unsent data would keep the connection forever.
        if self._transport is not None:
            self._transport.abort()


class _HttpSocket:
    """A WebSocket of the HTTP client."""

    def __init__(
        self,
        websocket: aiohttp.ClientWebSocketResponse[bool],
        handshake: _Handshake,
    ) -> None:
        """Take over a connection whose handshake is done."""
        self._websocket = websocket
        self._handshake = handshake
        self._receive = websocket.receive

    async def receive(self) -> Frame:
        """Return the next frame; see `Socket`."""
        try:
            return await self._receive()
        except Exception as err:  # noqa: BLE001
            raise _broken(err) from None

    async def ping(self, message: bytes = b"") -> None:
        """Send a ping; see `Socket`."""
        try:
            await self._websocket.ping(message)
        except Exception as err:  # noqa: BLE001
            raise _broken(err) from None

    async def pong(self, message: bytes = b"") -> None:
        """Send a pong; see `Socket`."""
        try:
            await self._websocket.pong(message)
        except Exception as err:  # noqa: BLE001
            raise _broken(err) from None

    async def close(self) -> None:
        """End the connection; see `Socket`."""
        try:
            # The HTTP client waits as long as the other end sends, or does not read.
            # Errors while closing do not matter.
            with suppress(Exception):
                async with asyncio.timeout(_CLOSE_TIMEOUT):
                    await self._websocket.close()
        finally:
            self._handshake.abort()


def _broken(err: Exception) -> GoliothConnectionError:
    return GoliothConnectionError(f"The connection broke: {type(err).__name__}")


async def _read_answer(response: aiohttp.ClientResponse, max_size: int) -> Answer:
    """Return an answer; of an error, only the beginning.

    Raises:
        GoliothUnreadableError: The body of a good answer is longer than `max_size`.
    """
    is_good = 200 <= response.status < 300
    body = bytearray()
    is_whole = await _read_beginning(
        response, body, max_size if is_good else _MAX_ERROR_SIZE
    )
    if is_good and not is_whole:
        raise GoliothUnreadableError("The answer is too long")
    return Answer(response.status, response.headers, bytes(body))


async def _read_beginning(
    response: aiohttp.ClientResponse, body: bytearray, limit: int
) -> bool:
    """Read up to `limit` bytes; return whether that is all."""
    async for chunk in response.content.iter_any():
        body += chunk[: limit - len(body) + 1]
        if len(body) > limit:
            del body[limit:]
            response.close()
            return False
    return True
