"""Streams the logs of a project over a WebSocket."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, NoReturn

from .answers import REJECTED_CODES, check_answer, is_redirect, retry_after
from .endpoint import Endpoint
from .exceptions import (
    GoliothAuthenticationError,
    GoliothConnectionError,
    GoliothResponseError,
    GoliothStreamMissingError,
)
from .models import LogEntry, StreamError
from .pacing import SLICE
from .parsing import parse_frame, parse_plain_frame
from .wire import Answer, FrameType, HandshakeRefusedError, Socket, Wire

# Golioth's proxy breaks the stream on a document over 64 KiB; one frame may hold
# several.
MAX_FRAME_SIZE: Final = 1024 * 1024 + 64 * 1024

# Answers without an upgrade by which the endpoint is missing: retired, or never there.
_MISSING_STATUSES: Final = frozenset({200, 404, 405, 410, 426, 501})

# gRPC codes (google.rpc.Code): 5 not found, 12 unimplemented.
_MISSING_CODES: Final = frozenset({5, 12})

# Looking these up in the enumeration takes longer than comparing them.
_TEXT: Final = FrameType.TEXT
_BINARY: Final = FrameType.BINARY


class LogStream:
    """An open connection to the log stream.

    It only reads, because the service expects nothing but pongs.

    Attributes:
        received_at: When its last frame with logs came, by the loop's clock.
    """

    def __init__(self, socket: Socket) -> None:
        """Take over a connection whose handshake is done."""
        self._loop = asyncio.get_running_loop()
        self.received_at = self._loop.time()
        self._socket = socket
        self._is_first = True
        # Whether any frame has come since the last check of the heartbeat.
        self._has_received = True
        # The payload of the last ping, until it is answered.
        self._ping: bytes | None = None
        self._pinged = asyncio.Event()

    async def deliver(
        self, on_log: Callable[[LogEntry], None], on_ignored: Callable[[], None]
    ) -> NoReturn:
        """Call `on_log` with each log until the stream ends.

        The end always raises, and exceptions of `on_log` end it as well. After a pause,
        each log gets an iteration of the event loop. In a burst, logs share one for
        some 10 ms.

        Args:
            on_log: Called in the order of the logs.
            on_ignored: Called for each document that is no log. Blank frames hold none.

        Raises:
            GoliothAuthenticationError: The service rejects the credential, inside of
                the stream.
            GoliothStreamMissingError: The service reports, inside of the stream, that
                there is no such stream.
            GoliothConnectionError: The stream has ended; whether it was cut is unknown.
        """
        # Hot path: runs once per log.
        receive = self._socket.receive
        clock = self._loop.time
        now = clock()
        pause = now + SLICE
        while True:
            # This does not yield if a frame is waiting.
            message = await receive()
            self._has_received = True
            kind = message.type
            received_at = clock()
            # Waiting has yielded. Yielding again after each single log would cost as
            # much as the log.
            if received_at - now > SLICE:
                pause = received_at + SLICE
            if kind is not _TEXT and kind is not _BINARY:
                self._handle_control(kind, message.data)
            else:
                self.received_at = received_at
                if (entry := parse_plain_frame(message.data)) is not None:
                    self._is_first = False
                    on_log(entry)
                else:
                    for document in self._parse(message.data):
                        if isinstance(document, LogEntry):
                            on_log(document)
                        elif document is None:
                            on_ignored()
                        else:
                            _raise(document)
                        # One frame can hold as much as many frames.
                        if clock() >= pause:
                            pause = await self._yield()
            # Any frame counts: a flood of empty ones takes time as well.
            if (now := clock()) >= pause:
                pause = await self._yield()

    async def watch(self, heartbeat: float) -> None:
        """Close the connection once a ping is not answered.

        Runs until cancelled, concurrently with `deliver`. It replaces the HTTP client's
        own heartbeat, which leaves a timer behind when the connection is closed.

        Args:
            heartbeat: Seconds of silence after which a ping is sent. Sending it may
                take half as long, and so may its answer.
        """
        with suppress(GoliothConnectionError):
            while self._has_received:
                self._has_received = False
                await asyncio.sleep(heartbeat)
                if not self._has_received:
                    # If the other end does not read, sending a ping blocks.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(heartbeat / 2):
                            await self._socket.ping()
                    await asyncio.sleep(heartbeat / 2)
        await self.close()

    async def answer_pings(self) -> None:
        """Answer the service's pings.

        Runs until cancelled, concurrently with `deliver`. If pings come faster than
        answers can be sent, only the last one is answered, as RFC 6455 allows. If the
        other end does not read the answers, only this blocks.
        """
        # `deliver` reports a broken connection.
        with suppress(GoliothConnectionError):
            while True:
                await self._pinged.wait()
                self._pinged.clear()
                payload, self._ping = self._ping, None
                if payload is not None:
                    await self._socket.pong(payload)

    async def close(self) -> None:
        """End the connection and `deliver` within a time limit."""
        await self._socket.close()

    async def _yield(self) -> float:
        """Yield to the event loop; return when to yield next."""
        await asyncio.sleep(0)
        return self._loop.time() + SLICE

    def _parse(self, data: bytes) -> Iterable[LogEntry | StreamError | None]:
        """Return the documents of any frame."""
        text = data.strip()
        if not text:
            return ()
        # A missing path is answered with this, after a successful upgrade.
        if self._is_first and text.lower() == b"not found":
            raise GoliothStreamMissingError(
                "The service has no log stream at this address"
            )
        self._is_first = False
        return parse_frame(data)

    def _handle_control(self, kind: FrameType, data: Any) -> None:
        """Handle a ping; raise at the end of the connection."""
        if kind is FrameType.PING:
            self._ping = data
            self._pinged.set()
        elif kind is FrameType.CLOSE:
            raise GoliothConnectionError(
                f"The service closed the log stream with code {data}"
            )
        elif kind is FrameType.ERROR:
            raise GoliothConnectionError(f"The log stream broke: {type(data).__name__}")
        elif kind is FrameType.CLOSING:
            raise GoliothConnectionError("The log stream was given up")
        elif kind is not FrameType.PONG:
            raise GoliothConnectionError("The log stream ended")


class WebSocketWay:
    """The way in over a WebSocket."""

    def __init__(
        self,
        wire: Wire,
        endpoint: Endpoint,
        *,
        handshake_timeout: float = 15.0,
        heartbeat: float = 20.0,
    ) -> None:
        """Prepare, without a connection.

        Args:
            wire: Carries the connection.
            endpoint: The project.
            handshake_timeout: Seconds that connecting and upgrading may take.
            heartbeat: Seconds of silence after which the other end is pinged; it has
                half as long to answer.
        """
        self._wire = wire
        self._endpoint = endpoint
        self._handshake_timeout = handshake_timeout
        self._heartbeat = heartbeat

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LogStream]:
        """Open the stream, and close it on exit.

        Both have a time limit.

        Raises:
            GoliothAuthenticationError: The service rejects the credential.
            GoliothStreamMissingError: By the answer to the handshake, the service has
                no such endpoint.
            GoliothConnectionError: Anything else that kept the stream from opening.
        """
        try:
            async with self._wire.open_socket(
                self._endpoint.logs_stream_url,
                timeout=self._handshake_timeout,
                max_frame_size=MAX_FRAME_SIZE,
            ) as socket:
                stream = LogStream(socket)
                tasks = (
                    asyncio.create_task(stream.watch(self._heartbeat)),
                    asyncio.create_task(stream.answer_pings()),
                )
                try:
                    yield stream
                finally:
                    for task in tasks:
                        task.cancel()
        except HandshakeRefusedError as err:
            answer = err.answer
        else:
            return
        # Not in the handler, whose exception would be the context of this one.
        _raise_refusal(answer)


def _raise_refusal(answer: Answer) -> NoReturn:
    """Raise what a refused handshake means."""
    status = answer.status
    if is_redirect(status):
        raise GoliothResponseError(
            "The address redirects elsewhere, which Golioth does not"
        )
    if status == 401:
        raise GoliothAuthenticationError(
            "The log stream rejects the credential (HTTP 401)"
        )
    if status in _MISSING_STATUSES:
        raise GoliothStreamMissingError(
            f"There is no log stream at this address (HTTP {status})"
        )
    # Only the body tells the service's own refusal from a proxy's.
    if status == 403:
        check_answer(answer)
    raise GoliothConnectionError(
        f"The log stream was refused (HTTP {status})",
        retry_after=retry_after(answer.headers),
    )


def _raise(error: StreamError) -> NoReturn:
    """Raise what an error in the stream means."""
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
