"""Serve connections in ways that no HTTP server does."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
import hashlib
import re
import socket
from typing import Final

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY: Final = re.compile(rb"^sec-websocket-key: *(\S+)", re.IGNORECASE | re.MULTILINE)

# Bytes that the system buffers for a service that does not read, at least.
_BUFFER: Final = 4096


type Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_service(
    serve: Serve, *, answer: bytes | None = None
) -> AsyncIterator[str]:
    """Answer and serve each connection; yield the address.

    Args:
        serve: Called with reader and writer of a connection; raises OSError where the
            other end is gone. The connection is closed when it returns.
        answer: The answer to the request; an upgrade to a WebSocket unless given.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    tasks: set[asyncio.Task[None]] = set()

    async def connected(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_upgrade(head) if answer is None else answer)
                await serve(reader, writer)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    def start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(connected(reader, writer)))

    server = await asyncio.start_server(start, sock=listener, limit=_BUFFER)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        # Aborted connections are closed in the next iteration of the loop.
        await asyncio.sleep(0)


async def silence(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Neither read nor send anything."""
    await asyncio.get_running_loop().create_future()


def send(frames: bytes, *, forever: bool = False) -> Serve:
    """Return a function that sends frames and reads nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(frames)
            await writer.drain()
            await asyncio.sleep(0)
            if not forever:
                break
        await silence(reader, writer)

    return serve


def _upgrade(head: bytes) -> bytes:
    key = _KEY.search(head)
    assert key is not None
    accepted = b64encode(hashlib.sha1(key[1] + _GUID).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accepted + b"\r\n\r\n"
    )
