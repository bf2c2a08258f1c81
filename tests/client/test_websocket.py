"""Tests of one WebSocket connection, against the simulated service."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import web
import pytest

from custom_components.golioth.client.endpoint import Credential, Endpoint
from custom_components.golioth.client.exceptions import (
    GoliothAuthenticationError,
    GoliothConnectionError,
    GoliothError,
    GoliothResponseError,
    GoliothStreamMissingError,
)
from custom_components.golioth.client.models import LogEntry
from custom_components.golioth.client.websocket import LogStream, open_log_stream
from tests import PUBLISHED_FRAMES
from tests.simulator import GoliothSimulator, Retirement


class _ReceivedError(Exception):
    """Ends a stream in a test."""


async def receive(stream: LogStream) -> LogEntry | None:
    """Return the next log, or None for a document that is none."""
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
    """Return why no log can be received."""
    with pytest.raises(GoliothError) as caught:
        async with open_log_stream(session, endpoint, **options) as stream:
            await receive(stream)
    return caught.value


@pytest.mark.parametrize("kind", ["api_key", "jwt"])
async def test_logs(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint_with: Callable[[str], Endpoint],
    kind: str,
) -> None:
    """Logs arrive with an API key or a JWT in the query, under the published name."""
    secret = simulator.api_key if kind == "api_key" else simulator.jwt()
    async with open_log_stream(session, endpoint_with(secret)) as stream:
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
    """Pings of the service are answered with what they hold, and are no logs."""
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
    async with open_log_stream(session, endpoint) as stream:
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
    """A rejection is told, at the handshake or inside of the stream."""
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
    """Golioth's own 403 is told from that of something on the way."""
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
    """An endpoint that is gone is told, in each form in which it can be."""
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
    """Any other answer is trouble on the way, and Retry-After is passed on."""
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
    """The credential goes to no other origin."""
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
    """A handshake ends in time."""
    simulator.faults.handshake_never = True
    error = await failure(session, endpoint, handshake_timeout=0.1)
    assert type(error) is GoliothConnectionError
    assert "in time" in str(error)


async def test_service_that_is_not_there(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, endpoint: Endpoint
) -> None:
    """A refused connection is trouble on the way."""
    await simulator.stop()
    assert type(await failure(session, endpoint)) is GoliothConnectionError


async def test_closed_session(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, endpoint: Endpoint
) -> None:
    """A session that Home Assistant has closed opens nothing."""
    await session.close()
    assert type(await failure(session, endpoint)) is GoliothConnectionError
    assert not simulator.handshakes


@pytest.mark.parametrize("code", [None, 1000, 1001, 1011, 1012, 1013])
async def test_stream_that_ends(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint: Endpoint,
    code: int | None,
) -> None:
    """An end is trouble on the way, whatever its code."""
    async with open_log_stream(session, endpoint) as stream:
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
    """A reset is trouble on the way, in the middle of a frame as well."""
    async with open_log_stream(session, endpoint) as stream:
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
    """A stream whose other end is silent is found by its missing pong."""
    async with open_log_stream(session, endpoint, heartbeat=0.1) as stream:
        await simulator.wait_for_streams(1)
        simulator.stall()
        with pytest.raises(GoliothConnectionError):
            await receive(stream)


async def test_frame_that_is_too_long(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, endpoint: Endpoint
) -> None:
    """A frame beyond the limit ends the stream, and not the memory."""
    async with open_log_stream(session, endpoint) as stream:
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
    """An error envelope means what its code says."""
    simulator.faults.in_band_error = frame
    assert type(await failure(session, endpoint)) is error


async def test_not_found_in_the_middle_is_no_retirement(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, endpoint: Endpoint
) -> None:
    """Only the first frame can say that there is no such stream."""
    async with open_log_stream(session, endpoint) as stream:
        await simulator.wait_for_streams(1)
        simulator.log("first")
        simulator.send_frame("Not Found")
        assert await message(stream) == "first"
        assert await receive(stream) is None
