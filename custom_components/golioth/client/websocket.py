"""One WebSocket connection to the logs of a project."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any, Final, NoReturn

import aiohttp

from .endpoint import Endpoint
from .exceptions import (
    GoliothAuthenticationError,
    GoliothConnectionError,
    GoliothResponseError,
    GoliothStreamMissingError,
)
from .models import LogEntry, StreamError, parse_frame, parse_plain_frame
from .rest import REJECTED_CODES, check_answer, is_redirect, read_limited, retry_after

# Golioth's proxy breaks the stream on a document over 64 KiB; one frame may hold several.
MAX_FRAME_SIZE: Final = 1024 * 1024 + 64 * 1024

# No upgrade, but an answer that knows of none: the endpoint has been retired, or was never there.
_MISSING_STATUSES: Final = frozenset({200, 404, 405, 410, 426, 501})

# gRPC codes (google.rpc.Code): 5 not found, 12 unimplemented.
_MISSING_CODES: Final = frozenset({5, 12})

_MAX_ERROR_SIZE: Final = 64 * 1024

# How long logs are delivered at a stretch, in seconds, before everything else gets its turn.
SLICE: Final = 0.01

# Where a frame is waited for so long, in seconds, everything else has had its turn: what waits already comes in a few µs.
_WAIT: Final = 0.0002

# Looking these up takes longer than comparing them.
_TEXT: Final = aiohttp.WSMsgType.TEXT
_BINARY: Final = aiohttp.WSMsgType.BINARY


class LogStream:
    """An open connection. It only reads: Golioth's log stream has nothing to say back to.

    Attributes:
        heard_at: When the last frame with logs came, by the monotonic clock.
    """

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        """Take over a connection whose handshake is done."""
        self.heard_at = monotonic()
        self._websocket = websocket
        self._is_first = True
        self._heard = True

    async def deliver(
        self, on_log: Callable[[LogEntry], None], on_ignored: Callable[[], None]
    ) -> NoReturn:
        """Call `on_log` with each log until the stream ends, which always raises. What `on_log` raises ends it as well.

        Logs that come after a pause get a turn of the loop each. Of a burst, as many get one together as take some 10 ms.

        Args:
            on_log: Called in the order of the logs.
            on_ignored: Called for each document that is no log.

        Raises:
            GoliothAuthenticationError: The service rejects the credential, inside of the stream.
            GoliothStreamMissingError: The service says, inside of the stream, that there is no such stream.
            GoliothConnectionError: The stream has ended; nobody can tell whether it was cut.
        """
        # Every log of a fleet comes through here: what is not done for each one counts.
        receive = self._websocket.receive
        now = monotonic()
        pause = now + SLICE
        while True:
            # It does not give everything else a turn where a frame waits already.
            message = await receive()
            self._heard = True
            kind = message.type
            if kind is not _TEXT and kind is not _BINARY:
                await self._handle_control(kind, message.data)
                continue
            self.heard_at = heard_at = monotonic()
            # A turn more after each calm log would cost as much as the log.
            if heard_at - now > _WAIT:
                pause = heard_at + SLICE
            if (entry := parse_plain_frame(message.data)) is not None:
                self._is_first = False
                on_log(entry)
                now = monotonic()
            else:
                for document in self._parse(message.data):
                    if isinstance(document, LogEntry):
                        on_log(document)
                    elif document is None:
                        on_ignored()
                    else:
                        _raise(document)
                    if (now := monotonic()) >= pause:
                        await asyncio.sleep(0)
                        pause = monotonic() + SLICE
            if now >= pause:
                await asyncio.sleep(0)
                now = monotonic()
                pause = now + SLICE

    def _parse(self, data: bytes) -> Iterable[LogEntry | StreamError | None]:
        """Return what any frame holds."""
        # What a path that does not exist gets, after an upgrade that looked well.
        if self._is_first and data.strip().lower() == b"not found":
            raise GoliothStreamMissingError(
                "The service has no log stream at this address"
            )
        self._is_first = False
        return parse_frame(data)

    async def _handle_control(self, kind: aiohttp.WSMsgType, data: Any) -> None:
        """Answer a ping, and raise what the end of the connection means."""
        if kind is aiohttp.WSMsgType.PING:
            await self._answer_ping(data)
        elif kind is aiohttp.WSMsgType.CLOSE:
            raise GoliothConnectionError(
                f"The service closed the log stream with code {data}"
            )
        elif kind is aiohttp.WSMsgType.ERROR:
            raise GoliothConnectionError(f"The log stream broke: {type(data).__name__}")
        elif kind is aiohttp.WSMsgType.CLOSING:
            raise GoliothConnectionError("The log stream was given up")
        elif kind is not aiohttp.WSMsgType.PONG:
            raise GoliothConnectionError("The log stream ended")

    async def close(self) -> None:
        """End the connection, and with it `deliver`."""
        await self._websocket.close()

    async def watch(self, heartbeat: float) -> None:
        """Close the connection once its other end answers no ping. Runs until cancelled, beside `deliver`.

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


def _raise(error: StreamError) -> NoReturn:
    """Raise what an error inside of the stream means."""
    if error.grpc_code in REJECTED_CODES:
        raise GoliothAuthenticationError(
            f"The log stream rejects the credential (gRPC {error.grpc_code})"
        )
    if error.grpc_code in _MISSING_CODES:
        raise GoliothStreamMissingError(
            f"The service has no such log stream (gRPC {error.grpc_code})"
        )
    raise GoliothConnectionError(
        f"The service ended the log stream (gRPC {error.grpc_code})"
    )
