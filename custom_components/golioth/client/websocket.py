"""One WebSocket connection to the logs of a project."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Final

import aiohttp

from .endpoint import Endpoint
from .exceptions import (
    GoliothAuthenticationError,
    GoliothConnectionError,
    GoliothResponseError,
    GoliothStreamMissingError,
)
from .models import LogEntry, StreamError, parse_frame
from .rest import REJECTED_CODES, check_answer, is_redirect, read_limited, retry_after

# Golioth's proxy breaks the stream on a document over 64 KiB; one frame may hold several.
MAX_FRAME_SIZE: Final = 1024 * 1024 + 64 * 1024

# No upgrade, but an answer that knows of none: the endpoint has been retired, or was never there.
_MISSING_STATUSES: Final = frozenset({200, 404, 405, 410, 426, 501})

# gRPC codes (google.rpc.Code): 5 not found, 12 unimplemented.
_MISSING_CODES: Final = frozenset({5, 12})

_MAX_ERROR_SIZE: Final = 64 * 1024


class LogStream:
    """An open connection. It only reads: Golioth's log stream has nothing to say back to.

    Attributes:
        heard_at: When the last message was there to be read, by the loop's clock.
    """

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        """Take over a connection whose handshake is done."""
        self._loop = asyncio.get_running_loop()
        self.heard_at = self._loop.time()
        self._websocket = websocket
        self._is_first = True
        self._heard = True

    async def receive(self) -> Iterable[LogEntry | None]:
        """Return what the next frame holds: logs, and None for each document that is none.

        Iterating may raise what this raises.

        Raises:
            GoliothAuthenticationError: The service rejects the credential, inside of the stream.
            GoliothStreamMissingError: The service says, inside of the stream, that there is no such stream.
            GoliothConnectionError: The stream has ended; nobody can tell whether it was cut.
        """
        while True:
            message = await self._websocket.receive()
            self.heard_at = self._loop.time()
            kind = message.type
            self._heard = True
            if kind is aiohttp.WSMsgType.TEXT or kind is aiohttp.WSMsgType.BINARY:
                data: bytes = message.data
                # What a path that does not exist gets, after an upgrade that looked well.
                if self._is_first and data.strip().lower() == b"not found":
                    raise GoliothStreamMissingError(
                        "The service has no log stream at this address"
                    )
                self._is_first = False
                documents = parse_frame(data)
                # One log, as almost every frame is.
                if type(documents) is tuple and type(documents[0]) is LogEntry:
                    return documents
                return _raise_errors(documents)
            if kind is aiohttp.WSMsgType.PING:
                await self._answer_ping(message.data)
            elif kind is aiohttp.WSMsgType.CLOSE:
                raise GoliothConnectionError(
                    f"The service closed the log stream with code {message.data}"
                )
            elif kind is aiohttp.WSMsgType.ERROR:
                raise GoliothConnectionError(
                    f"The log stream broke: {type(message.data).__name__}"
                )
            elif kind is aiohttp.WSMsgType.CLOSING:
                raise GoliothConnectionError("The log stream was given up")
            elif kind is not aiohttp.WSMsgType.PONG:
                raise GoliothConnectionError("The log stream ended")

    async def close(self) -> None:
        """End the connection, and with it what waits in `receive`."""
        await self._websocket.close()

    async def watch(self, heartbeat: float) -> None:
        """Close the connection once its other end answers no ping. Runs until cancelled, beside `receive`.

        This is what aiohttp's own heartbeat does, which leaves a timer behind when the connection is closed.

        Args:
            heartbeat: Seconds of silence after which a ping is sent; its answer may take half as long.
        """
        with suppress(aiohttp.ClientError, OSError):
            while self._heard:
                self._heard = False
                await asyncio.sleep(heartbeat)
                if not self._heard:
                    await self._websocket.ping()
                    await asyncio.sleep(heartbeat / 2)
        await self.close()

    async def _answer_ping(self, payload: bytes) -> None:
        try:
            await self._websocket.pong(payload)
        except (aiohttp.ClientError, OSError) as err:
            raise GoliothConnectionError(
                f"The log stream broke: {type(err).__name__}"
            ) from None


@asynccontextmanager
async def open_log_stream(
    session: aiohttp.ClientSession,
    endpoint: Endpoint,
    *,
    handshake_timeout: float = 15.0,
    heartbeat: float = 20.0,
) -> AsyncIterator[LogStream]:
    """Open the stream of every log of a project, and close it in the end.

    Args:
        session: Its connections are used; it stays open.
        endpoint: The project.
        handshake_timeout: Seconds that connecting and upgrading may take.
        heartbeat: Seconds of silence after which the other end is pinged; it has half as long to answer.

    Raises:
        GoliothAuthenticationError: The handshake was answered with 401.
        GoliothStreamMissingError: The handshake was answered as by a service that has no such endpoint.
        GoliothConnectionError: Anything else that kept the stream from opening.
    """
    if session.closed:
        raise GoliothConnectionError("The HTTP session is closed")
    # aiohttp follows the redirects of a handshake, and has no switch for it. Middleware can refuse them, but belongs to a
    # session: this one borrows the connections of the given one.
    async with aiohttp.ClientSession(
        connector=session.connector,
        connector_owner=False,
        headers=session.headers,
        middlewares=(_check_handshake,),
        timeout=aiohttp.ClientTimeout(total=handshake_timeout),
    ) as handshake_session:
        websocket = await _connect(handshake_session, endpoint)
        stream = LogStream(websocket)
        watch = asyncio.create_task(stream.watch(heartbeat))
        try:
            yield stream
        finally:
            watch.cancel()
            await stream.close()


async def _connect(
    session: aiohttp.ClientSession, endpoint: Endpoint
) -> aiohttp.ClientWebSocketResponse[bool]:
    # Exceptions of aiohttp may hold the address, and with it the credential: none of their text goes on.
    try:
        return await session.ws_connect(
            endpoint.logs_stream_url,
            autoping=False,
            max_msg_size=MAX_FRAME_SIZE,
            timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
            # Text that is not UTF-8 would end the connection: here it is one frame that is no log.
            decode_text=False,
        )
    except aiohttp.WSServerHandshakeError as err:
        status = err.status
        if status == 401:
            raise GoliothAuthenticationError(
                "The log stream rejects the credential (HTTP 401)"
            ) from None
        if status in _MISSING_STATUSES:
            raise GoliothStreamMissingError(
                f"There is no log stream at this address (HTTP {status})"
            ) from None
        raise GoliothConnectionError(
            f"The log stream was refused (HTTP {status})",
            retry_after=retry_after(err.headers),
        ) from None
    except TimeoutError:
        raise GoliothConnectionError("The log stream did not open in time") from None
    except (aiohttp.ClientError, OSError, ValueError) as err:
        raise GoliothConnectionError(
            f"The log stream did not open: {type(err).__name__}"
        ) from None


async def _check_handshake(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Look at the answer to a handshake before aiohttp acts on it."""
    response = await handler(request)
    # No redirect may carry the credential to wherever it points.
    if is_redirect(response.status):
        response.close()
        raise GoliothResponseError(
            "The address redirects elsewhere, which Golioth does not"
        )
    # Only the body tells Golioth's own refusal from that of something on the way.
    if response.status == 403:
        try:
            body = await read_limited(response, _MAX_ERROR_SIZE)
            check_answer(response.status, response.headers, body)
        finally:
            # Left open, it would be reported with its address, which holds the credential.
            response.close()
    return response


def _raise_errors(
    documents: Iterable[LogEntry | StreamError | None],
) -> Iterable[LogEntry | None]:
    for document in documents:
        if isinstance(document, StreamError):
            if document.grpc_code in REJECTED_CODES:
                raise GoliothAuthenticationError(
                    f"The log stream rejects the credential (gRPC {document.grpc_code})"
                )
            if document.grpc_code in _MISSING_CODES:
                raise GoliothStreamMissingError(
                    f"The service has no such log stream (gRPC {document.grpc_code})"
                )
            raise GoliothConnectionError(
                f"The service ended the log stream (gRPC {document.grpc_code})"
            )
        yield document
