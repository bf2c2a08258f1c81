"""Test a WebSocket connection to the simulated service."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
import logging
import traceback
from typing import Any

import aiohttp
from aiohttp import web
import pytest

from custom_components.golioth.client import answers, websocket as websocket_module
from custom_components.golioth.client.endpoint import Credential, Endpoint
from custom_components.golioth.client.exceptions import (
    GoliothAuthenticationError,
    GoliothConnectionError,
    GoliothError,
    GoliothResponseError,
    GoliothStreamMissingError,
    GoliothUnreachableError,
)
from custom_components.golioth.client.models import LogEntry
from custom_components.golioth.client.websocket import LogStream, WebSocketWay
from custom_components.golioth.client.wire import HttpWire
from tests import PUBLISHED_FRAMES
from tests.simulator import GoliothSimulator, Retirement
from tests.simulator.frames import (
    PING_FRAME,
    encode_close_frame,
    encode_frame,
    encode_text_frame,
)

from .raw_service import raw_service, send, silence


class _ReceivedError(Exception):
    """An error that ends a stream in a test."""


async def receive(stream: LogStream) -> LogEntry | None:
    """Return the next log, or None for another document."""
    documents: list[LogEntry | None] = []

    def take(entry: LogEntry | None = None) -> None:
        documents.append(entry)
        raise _ReceivedError

    with suppress(_ReceivedError):
        await stream.deliver(take, take)
    (document,) = documents
    return document


async def message(stream: LogStream) -> str:
    """Return the message of the next log."""
    entry = await receive(stream)
    assert entry is not None
    return entry.message


async def failure(
    session: aiohttp.ClientSession, endpoint: Endpoint, **options: float
) -> GoliothError:
    """Return the error of opening or receiving."""
    with pytest.raises(GoliothError) as caught:
        async with WebSocketWay(
            HttpWire(session), endpoint, **options
        ).open() as stream:
            await receive(stream)
    return caught.value


@pytest.mark.parametrize("kind", ["api_key", "jwt"])
async def test_logs(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint_with: Callable[[str], Endpoint],
    kind: str,
) -> None:
    """Logs arrive with an API key or a JWT."""
    secret = simulator.api_key if kind == "api_key" else simulator.jwt()
    async with WebSocketWay(HttpWire(session), endpoint_with(secret)).open() as stream:
        await simulator.wait_for_streams(1)
        simulator.log("hello")
        assert await message(stream) == "hello"
    await simulator.wait_for_streams(0)
    (handshake,) = simulator.handshakes
    assert handshake.path == "/v1/ws/projects/demo/logs"
    assert handshake.query_keys == ("x-api-key" if kind == "api_key" else "jwt",)


async def test_service_that_pings(
    session: aiohttp.ClientSession, aiohttp_server: Any
) -> None:
    """Pings of the service are answered, and are no logs."""
    answers = []

    async def serve(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(autoping=False)
        await websocket.prepare(request)
        await websocket.ping(b"are you there?")
        answers.append(await websocket.receive())
        await websocket.send_str(PUBLISHED_FRAMES.read_text().splitlines()[0])
        await websocket.close()
        return websocket

    application = web.Application()
    application.router.add_get("/{path:.*}", serve)
    server = await aiohttp_server(application)
    endpoint = Endpoint(
        f"http://{server.host}:{server.port}", "demo", Credential("key")
    )
    async with WebSocketWay(HttpWire(session), endpoint).open() as stream:
        assert await message(stream) == "Log 1: 33"
    (answer,) = answers
    assert (answer.type, answer.data) == (aiohttp.WSMsgType.PONG, b"are you there?")


@pytest.mark.parametrize("in_band", [True, False])
async def test_rejected_credential(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint_with: Callable[[str], Endpoint],
    in_band: bool,
) -> None:
    """A rejection raises at the handshake or in the stream."""
    simulator.handshake_checks_credential = not in_band
    error = await failure(session, endpoint_with("wrong"))
    assert type(error) is GoliothAuthenticationError


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ('{"code":7,"message":"no"}', GoliothAuthenticationError),
        ("<html>no</html>", GoliothResponseError),
        ("x" * 1_000_000, GoliothResponseError),
    ],
    ids=["golioth", "proxy", "flood"],
)
async def test_forbidden(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    body: str,
    error: type[GoliothError],
) -> None:
    """Golioth's own 403 differs from a proxy's."""
    simulator.faults.handshake_status = 403
    simulator.faults.handshake_body = body
    assert type(await failure(session, endpoint)) is error


@pytest.mark.parametrize(
    "form", [form for form in Retirement if not form.name.startswith("REJECTED")]
)
async def test_retired_stream(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    form: Retirement,
) -> None:
    """Each form of a retired endpoint raises."""
    simulator.retire(form)
    error = await failure(session, endpoint)
    assert type(error) is GoliothStreamMissingError


@pytest.mark.parametrize("status", [400, 429, 500, 502, 503, 504])
async def test_refused_handshake(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    status: int,
) -> None:
    """Other answers raise a connection error with Retry-After."""
    simulator.faults.handshake_status = status
    simulator.faults.handshake_headers = {"Retry-After": "17"}
    error = await failure(session, endpoint)
    assert type(error) is GoliothConnectionError
    assert error.retry_after == 17


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    status: int,
) -> None:
    """The credential is not sent to another origin."""
    async with GoliothSimulator() as other:
        simulator.faults.redirect_to = other.url
        simulator.faults.redirect_status = status
        error = await failure(session, endpoint)
        assert type(error) is GoliothResponseError
        assert not other.handshakes
        assert not other.requests


async def test_handshake_that_is_never_answered(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, endpoint: Endpoint
) -> None:
    """A handshake has a timeout."""
    simulator.faults.handshake_never = True
    error = await failure(session, endpoint, handshake_timeout=0.1)
    assert type(error) is GoliothConnectionError
    assert "in time" in str(error)


async def test_service_that_is_not_there(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, endpoint: Endpoint
) -> None:
    """A refused connection raises a connection error."""
    await simulator.stop()
    assert type(await failure(session, endpoint)) is GoliothConnectionError


async def test_closed_session(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, endpoint: Endpoint
) -> None:
    """A closed HTTP session opens nothing."""
    await session.close()
    assert type(await failure(session, endpoint)) is GoliothUnreachableError
    assert not simulator.handshakes


@pytest.mark.parametrize("code", [None, 1000, 1001, 1011, 1012, 1013])
async def test_stream_that_ends(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    code: int | None,
) -> None:
    """Any close of the stream raises a connection error."""
    async with WebSocketWay(HttpWire(session), endpoint).open() as stream:
        await simulator.wait_for_streams(1)
        simulator.log("last")
        dropped = asyncio.create_task(simulator.drop(code))
        assert await message(stream) == "last"
        with pytest.raises(GoliothConnectionError):
            await receive(stream)
        await dropped


@pytest.mark.parametrize("mid_frame", [False, True])
async def test_stream_that_is_reset(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    mid_frame: bool,
) -> None:
    """A reset raises a connection error, even mid-frame."""
    async with WebSocketWay(HttpWire(session), endpoint).open() as stream:
        await simulator.wait_for_streams(1)
        if mid_frame:
            simulator.reset_mid_frame()
        else:
            simulator.reset()
        with pytest.raises(GoliothConnectionError):
            await receive(stream)


async def test_half_open_stream(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, endpoint: Endpoint
) -> None:
    """A missing pong reveals a half-open stream."""
    async with WebSocketWay(
        HttpWire(session), endpoint, heartbeat=0.1
    ).open() as stream:
        await simulator.wait_for_streams(1)
        simulator.stall()
        with pytest.raises(GoliothConnectionError):
            await receive(stream)


async def test_frame_that_is_too_long(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, endpoint: Endpoint
) -> None:
    """A frame that is too long ends the stream."""
    async with WebSocketWay(HttpWire(session), endpoint).open() as stream:
        await simulator.wait_for_streams(1)
        simulator.send_frame("x" * 3_000_000)
        with pytest.raises(GoliothConnectionError):
            await receive(stream)


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        ('{"error":{"code":8,"message":"m"}}', GoliothConnectionError),
        ('{"error":{"code":13,"message":"m"}}', GoliothConnectionError),
        ('{"error":{"code":14,"message":"m"}}', GoliothConnectionError),
        ('{"error":{"code":16,"message":"m"}}', GoliothAuthenticationError),
        ('{"error":{"grpcCode":7,"httpCode":403}}', GoliothAuthenticationError),
        ('{"error":{"code":12,"message":"m"}}', GoliothStreamMissingError),
    ],
)
async def test_error_inside_of_the_stream(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    frame: str,
    error: type[GoliothError],
) -> None:
    """An error in the stream raises by its code."""
    simulator.faults.in_band_error = frame
    assert type(await failure(session, endpoint)) is error


async def test_not_found_in_the_middle_is_no_retirement(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, endpoint: Endpoint
) -> None:
    """Only the first frame can report a missing stream."""
    async with WebSocketWay(HttpWire(session), endpoint).open() as stream:
        await simulator.wait_for_streams(1)
        simulator.log("first")
        simulator.send_frame("Not Found")
        assert await message(stream) == "first"
        assert await receive(stream) is None


@pytest.mark.parametrize("status", [400, 403, 429, 503])
@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "Mon, 20 Nov 9999999999 12:00:00 GMT"},
        {
            "Retry-After": "Mon, 23 Nov 2026 12:00:00 GMT",
            "Date": "Mon, 20 Nov 9999999999 12:00:00 GMT",
        },
    ],
    ids=["retry-after", "date"],
)
@pytest.mark.parametrize(
    "parser_error", [None, OverflowError, ValueError, TypeError, IndexError]
)
async def test_retry_after_that_no_date_holds(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    status: int,
    headers: dict[str, str],
    parser_error: type[Exception] | None,
) -> None:
    """A refusal with invalid dates raises, without the credential.

    Whatever Python's parser raises.
    """
    caplog.set_level(logging.DEBUG)
    if parser_error is not None:

        def parse(_text: str) -> None:
            raise parser_error(simulator.api_key)

        monkeypatch.setattr(answers, "parsedate_to_datetime", parse)
    simulator.faults.handshake_status = status
    simulator.faults.handshake_headers = headers
    error = await failure(session, endpoint)
    if status == 403:
        assert type(error) is GoliothAuthenticationError
    else:
        assert type(error) is GoliothConnectionError
        if parser_error is not None:
            assert error.retry_after is None
    logging.getLogger(__name__).error("It failed", exc_info=error)
    shown = f"{caplog.text}{error!r}{traceback.format_exception(error)}"
    assert "It failed" in shown
    for form in (simulator.api_key, simulator.api_key.rstrip("=")):
        assert form not in shown


def raw_way(session: aiohttp.ClientSession, url: str, **options: float) -> WebSocketWay:
    """Return the way in to a raw service."""
    endpoint = Endpoint(url, "demo", Credential("key"))
    return WebSocketWay(HttpWire(session), endpoint, **options)


async def test_close_of_a_peer_that_keeps_sending(
    session: aiohttp.ClientSession,
) -> None:
    """Closing ends the stream in time, whatever the peer sends."""
    frame = encode_text_frame(PUBLISHED_FRAMES.read_bytes().splitlines()[0])
    has_log = asyncio.Event()
    async with (
        raw_service(send(frame * 100, forever=True)) as url,
        asyncio.timeout(20),
        raw_way(session, url).open() as stream,
    ):
        delivery = asyncio.create_task(
            stream.deliver(lambda _entry: has_log.set(), lambda: None)
        )
        await has_log.wait()
        await stream.close()
        with pytest.raises(GoliothConnectionError):
            await delivery


async def fill(stream: LogStream) -> None:
    """Send pongs until sending blocks."""
    with suppress(TimeoutError):
        while True:
            async with asyncio.timeout(0.3):
                await stream._socket.pong(b"x" * 100_000)


async def test_close_of_a_peer_that_pings_and_never_reads(
    session: aiohttp.ClientSession,
) -> None:
    """Unanswerable pings block neither logs nor closing."""
    frame = encode_text_frame(PUBLISHED_FRAMES.read_bytes().splitlines()[0])
    is_full = asyncio.Event()
    has_log = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await is_full.wait()
        await send(PING_FRAME * 100 + frame, forever=True)(reader, writer)

    async with (
        raw_service(serve) as url,
        asyncio.timeout(20),
        raw_way(session, url).open() as stream,
    ):
        await fill(stream)
        is_full.set()
        delivery = asyncio.create_task(
            stream.deliver(lambda _entry: has_log.set(), lambda: None)
        )
        await has_log.wait()
        has_log.clear()
        await has_log.wait()
        await stream.close()
        with pytest.raises(GoliothConnectionError):
            await delivery


class StuckSocket:
    """A socket whose other end neither reads nor sends."""

    def __init__(self) -> None:
        """Start open."""
        self._is_closed = asyncio.Event()

    async def receive(self) -> aiohttp.WSMessage:
        """Wait for the end of the connection."""
        await self._is_closed.wait()
        return aiohttp.WSMessage(aiohttp.WSMsgType.CLOSED, None, None)

    async def ping(self, message: bytes = b"") -> None:
        """Wait for the end, because nothing can be sent."""
        await self._is_closed.wait()

    async def pong(self, message: bytes = b"") -> None:
        """Wait for the end, because nothing can be sent."""
        await self._is_closed.wait()

    async def close(self) -> None:
        """Close the connection."""
        self._is_closed.set()


async def test_peer_that_accepts_no_ping() -> None:
    """A stream is dead if no ping can be sent."""
    stream = LogStream(StuckSocket())
    async with asyncio.timeout(20):
        watch = asyncio.create_task(stream.watch(0.1))
        with pytest.raises(GoliothConnectionError):
            await receive(stream)
        await watch


async def test_silent_peer_that_never_reads(session: aiohttp.ClientSession) -> None:
    """A stream is dead if sending a ping blocks."""
    async with (
        raw_service(silence) as url,
        asyncio.timeout(20),
        raw_way(session, url).open() as stream,
    ):
        await fill(stream)
        watch = asyncio.create_task(stream.watch(0.1))
        with pytest.raises(GoliothConnectionError):
            await receive(stream)
        await watch


@pytest.mark.parametrize(
    "frame",
    [
        PING_FRAME,
        b"\x8a\x00",
        encode_text_frame(b""),
        encode_text_frame(b" \n"),
        encode_frame(b""),
        # A message of two frames.
        b"\x01\x00\x80\x00",
        encode_text_frame(b"x"),
        encode_text_frame(b"{}"),
        encode_text_frame(PUBLISHED_FRAMES.read_bytes().splitlines()[0]),
    ],
    ids=[
        "ping",
        "pong",
        "empty",
        "blank",
        "binary",
        "pieces",
        "garbage",
        "ignored",
        "log",
    ],
)
async def test_flood_yields_to_the_loop(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, frame: bytes
) -> None:
    """A flood of any frames yields to the loop."""
    monkeypatch.setattr(websocket_module, "SLICE", 0.0)
    number = 3000
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    handled = [0]

    def count(*_: Any) -> None:
        handled[0] += 1

    frames = frame * number + encode_close_frame(1000)
    async with (
        raw_service(send(frames)) as url,
        asyncio.timeout(30),
        raw_way(session, url).open() as stream,
    ):
        # Wait until all frames have arrived.
        await asyncio.sleep(0.2)
        others = asyncio.create_task(take_turns())
        with pytest.raises(GoliothConnectionError, match="closed"):
            await stream.deliver(count, count)
        others.cancel()
    assert turns >= number
    assert handled[0] in {0, number}


async def test_flood_of_documents_yields_to_the_loop(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame with many documents yields to the loop."""
    monkeypatch.setattr(websocket_module, "SLICE", 0.0)
    turns = handled = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def count(*_: Any) -> None:
        nonlocal handled
        handled += 1

    frames = encode_text_frame(b"x\n" * 3000) + encode_close_frame(1000)
    async with (
        raw_service(send(frames)) as url,
        asyncio.timeout(30),
        raw_way(session, url).open() as stream,
    ):
        others = asyncio.create_task(take_turns())
        with pytest.raises(GoliothConnectionError, match="closed"):
            await stream.deliver(count, count)
        others.cancel()
    assert handled == 3000
    assert turns >= 3000


async def test_flood_of_pings_is_answered_once(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the last of many pings is answered."""
    monkeypatch.setattr(websocket_module, "SLICE", 60.0)
    answers_received = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(PING_FRAME * 400 + b"\x89\x04last")
        answers_received.extend(await reader.read(65536))
        writer.write(encode_close_frame(1000))

    async with raw_service(serve) as url, raw_way(session, url).open() as stream:
        await asyncio.sleep(0.2)
        with pytest.raises(GoliothConnectionError, match="closed"):
            await stream.deliver(lambda _entry: None, lambda: None)
    # A header, a mask and the payload of the last ping.
    assert len(answers_received) == 2 + 4 + 4
