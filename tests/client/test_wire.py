"""Test requests and WebSockets over real connections."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
import gc
import logging
import socket
import traceback
from typing import Any, Final, cast, override

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
import pytest
from yarl import URL

from custom_components.golioth.client.exceptions import (
    GoliothConnectionError,
    GoliothError,
)
from custom_components.golioth.client.wire import (
    FrameType,
    HandshakeRefusedError,
    HttpWire,
    Socket,
    _HttpSocket,
)
from tests.simulator.frames import PING_FRAME, encode_frame

from .raw_service import raw_service, send, silence

SECRET: Final = "tHeSeCrEt"


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Return everything logged at DEBUG.

    This includes reports of unclosed objects.
    """
    caplog.set_level(logging.DEBUG)

    def read() -> str:
        gc.collect()
        return caplog.text

    return read


class BrokenResolver(AbstractResolver):
    """A resolver that raises an unexpected error."""

    def __init__(self, error: Exception) -> None:
        """Set the error."""
        self._error = error

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise self._error

    @override
    async def close(self) -> None:
        pass


@pytest.fixture
async def broken_wire(
    request: pytest.FixtureRequest, socket_enabled: None
) -> AsyncIterator[HttpWire]:
    """Return a wire whose HTTP client raises an exception."""
    resolver = BrokenResolver(request.param)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=resolver)
    ) as session:
        yield HttpWire(session)


def shown(err: BaseException) -> str:
    """Return every text form of an exception."""
    return "".join([*traceback.format_exception(err), repr(err), repr(vars(err))])


def address(url: str) -> URL:
    """Return an address that holds the credential."""
    return URL(f"{url}/v1?x-api-key={SECRET}")


async def open_and_close(wire: HttpWire, url: str) -> None:
    """Open a socket, and close it at once."""
    async with wire.open_socket(address(url), timeout=5, max_frame_size=1000):
        pass


@pytest.mark.parametrize(
    "broken_wire",
    [
        OverflowError(SECRET),
        ValueError(SECRET),
        TypeError(SECRET),
        RuntimeError(SECRET),
        OSError(SECRET),
        aiohttp.ClientError(SECRET),
        ExceptionGroup(SECRET, [ValueError(SECRET)]),
    ],
    indirect=True,
    ids=lambda error: type(error).__name__,
)
async def test_any_exception_of_the_http_client(broken_wire: HttpWire) -> None:
    """Any exception becomes the client's own, without its text."""
    with pytest.raises(GoliothConnectionError) as requested:
        await broken_wire.request(
            "GET",
            address("http://localhost"),
            headers={"x-api-key": SECRET},
            timeout=5,
            max_size=1000,
        )
    assert SECRET not in shown(requested.value)
    with pytest.raises(GoliothConnectionError) as opened:
        await open_and_close(broken_wire, "http://localhost")
    assert SECRET not in shown(opened.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 99999999999999999999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\nno\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 101 S\r\n\r\n",
    ],
    ids=range(10),
)
async def test_answer_that_is_no_http(
    session: aiohttp.ClientSession,
    everything_logged: Callable[[], str],
    answer: bytes,
) -> None:
    """An invalid answer raises, without the address."""
    asyncio.get_running_loop().set_debug(True)

    async def end(*_: Any) -> None:
        await asyncio.sleep(0.05)

    echo = answer.replace(b"nonsense", SECRET.encode())
    async with raw_service(end, answer=echo) as url:
        wire = HttpWire(session)
        with pytest.raises(GoliothConnectionError) as opened:
            await open_and_close(wire, url)
        assert SECRET not in shown(opened.value)
        # For a request, an upgrade is an answer.
        with suppress(GoliothConnectionError):
            answered = await wire.request(
                "GET", address(url), headers={}, timeout=5, max_size=1000
            )
            assert answered.status == 101
    del opened
    assert SECRET not in everything_logged()


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 429, 503])
@pytest.mark.parametrize("length", [0, 10, 1_000_000])
async def test_refused_handshake(
    session: aiohttp.ClientSession,
    everything_logged: Callable[[], str],
    status: int,
    length: int,
) -> None:
    """A refusal has the limited answer, and leaks nothing."""
    asyncio.get_running_loop().set_debug(True)
    body = b"x" * length
    answer = (
        f"HTTP/1.1 {status} S\r\nretry-after: 5\r\nSet-Cookie: {SECRET}\\=1\r\n"
        f"Location: http://127.0.0.1:1\r\nContent-Length: {length}\r\n\r\n"
    ).encode() + body
    async with raw_service(silence, answer=answer) as url:
        with pytest.raises(HandshakeRefusedError) as caught:
            await open_and_close(HttpWire(session), url)
    read = caught.value.answer
    assert read.status == status
    assert read.headers["Retry-After"] == "5"
    assert read.body == (body[: 64 * 1024] if 400 <= status < 500 else b"")
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    del caught, read
    assert SECRET not in everything_logged()
    assert "Unclosed" not in everything_logged()


async def test_refused_handshake_whose_body_has_no_end(
    session: aiohttp.ClientSession,
) -> None:
    """A refusal's body is cut at the timeout."""
    answer = b'HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\n{"code":7'
    async with raw_service(silence, answer=answer) as url:
        with pytest.raises(HandshakeRefusedError) as caught:
            async with HttpWire(session).open_socket(
                address(url), timeout=0.2, max_frame_size=1000
            ):
                pass
    assert caught.value.answer.status == 403
    assert caught.value.answer.body == b'{"code":7'


async def test_cookie_is_not_looked_at(
    socket_enabled: None, everything_logged: Callable[[], str]
) -> None:
    """Cookies are ignored, so that none is logged."""
    answer = (
        f"HTTP/1.1 200 OK\r\nSet-Cookie: {SECRET}\\=1\r\nSet-Cookie: a=b\r\n"
        "Connection: close\r\nContent-Length: 2\r\n\r\n{}"
    )
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(family=socket.AF_INET)
        ) as session,
        raw_service(silence, answer=answer.encode()) as url,
    ):
        # An IP address has no cookies.
        url = url.replace("127.0.0.1", "localhost")
        wire = HttpWire(session)
        await wire.request("GET", address(url), headers={}, timeout=5, max_size=1000)
        with pytest.raises(HandshakeRefusedError):
            await open_and_close(wire, url)
        assert not list(session.cookie_jar)
    assert SECRET not in everything_logged()


async def closed(opened: _HttpSocket) -> None:
    """Wait until the connection is closed."""
    transport = opened._handshake._transport
    assert transport is not None
    for _ in range(1000):
        if transport.get_extra_info("socket").fileno() == -1:
            return
        await asyncio.sleep(0.01)
    pytest.fail("The connection is still open")


@pytest.mark.parametrize("is_receiving", [False, True])
@pytest.mark.parametrize("cancellations", [0, 1, 2])
async def test_close_of_a_peer_that_keeps_sending(
    session: aiohttp.ClientSession,
    everything_logged: Callable[[], str],
    is_receiving: bool,
    cancellations: int,
) -> None:
    """Closing ends in time, and leaves nothing open."""
    asyncio.get_running_loop().set_debug(True)
    sockets: list[Socket] = []
    is_open = asyncio.Event()

    async def receive(opened: Socket) -> None:
        with suppress(GoliothError):
            while True:
                if (await opened.receive()).type is not FrameType.TEXT:
                    return
                await asyncio.sleep(0)

    async def hold() -> None:
        async with HttpWire(session).open_socket(
            address(url), timeout=5, max_frame_size=1000
        ) as opened:
            assert (await opened.receive()).type is FrameType.TEXT
            sockets.append(opened)
            is_open.set()
            if is_receiving:
                # This ends with the connection.
                await receive(opened)

    async with (
        raw_service(send(encode_frame("x" * 100) * 100, forever=True)) as url,
        asyncio.timeout(20),
    ):
        task = asyncio.create_task(hold())
        await is_open.wait()
        closing = asyncio.create_task(sockets[0].close()) if is_receiving else None
        await asyncio.sleep(0.05)
        for _ in range(cancellations):
            # The second cancellation comes while it closes.
            task.cancel()
            await asyncio.sleep(0.05)
        await asyncio.wait({task})
        if closing is not None:
            await closing
        await closed(cast(_HttpSocket, sockets[0]))
    del task
    sockets.clear()
    assert "Unclosed" not in everything_logged()
    assert SECRET not in everything_logged()


@pytest.mark.parametrize("frames", [b"", PING_FRAME * 1000], ids=["silent", "pings"])
async def test_close_of_a_peer_that_never_reads(
    session: aiohttp.ClientSession,
    everything_logged: Callable[[], str],
    frames: bytes,
) -> None:
    """Unsent data does not keep a connection open."""
    async with (
        raw_service(send(frames, forever=bool(frames))) as url,
        asyncio.timeout(20),
        HttpWire(session).open_socket(
            address(url), timeout=5, max_frame_size=1000
        ) as opened,
    ):
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(0.5):
                    await opened.pong(b"x" * 100_000)
        await opened.close()
        await closed(cast(_HttpSocket, opened))
    del opened
    assert "Unclosed" not in everything_logged()
