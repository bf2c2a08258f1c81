"""One open log WebSocket."""

import asyncio
import contextlib
from dataclasses import dataclass
import socket
import struct

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from .frames import HALF_FRAME, PING_FRAME, encode_close_frame
from .log_store import StoredLog
from .options import ServiceOptions

# SO_LINGER on, for 0 seconds: closing the socket resets the connection.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, kw_only=True)
class StreamFilter:
    """The logs that a client subscribed to.

    None and "" do not filter.
    """

    device_id: str | None = None
    module: str | None = None
    level: str | None = None

    def matches(self, log: StoredLog) -> bool:
        """Return whether a log passes the filter."""
        return (
            (not self.device_id or log.device_id == self.device_id)
            and (not self.module or log.module == self.module)
            and (not self.level or log.level == self.level)
        )


class LogStream:
    """A log WebSocket that can fail in several ways.

    Sending never waits. A frame goes straight to the socket while the client keeps up,
    and into a queue while it does not, or while the stream is stalled. A queue of more
    than `buffer_limit` bytes ends the connection with a reset, as a service does to a
    client that is too slow; a stalled stream is reset when it is resumed, because
    nothing may reach the client before.
    """

    def __init__(
        self,
        websocket: web.WebSocketResponse,
        writer: AbstractStreamWriter,
        transport: asyncio.Transport,
        *,
        wanted: StreamFilter,
        options: ServiceOptions,
        ping_interval: float | None,
    ) -> None:
        """Take over an upgraded connection; `ping_interval` is in seconds."""
        self.wanted = wanted
        self.transport = transport
        self.muted = False
        self.stalled = False
        self.ended = asyncio.Event()
        self._websocket = websocket
        self._writer = writer
        self._options = options
        self._ping_interval = ping_interval
        self._queue: list[bytes] = []
        self._queued_bytes = 0
        self._overflowed = False
        self._backlog = asyncio.Event()
        self._close_sent = False
        # The transport buffers one write at most, so that the queue above is the only
        # one to bound.
        transport.set_write_buffer_limits(high=0)

    async def run(self) -> None:
        """Read until the connection has ended; only pings are answered."""
        try:
            async with asyncio.TaskGroup() as helpers:
                backlog = helpers.create_task(self._send_backlog())
                pings = helpers.create_task(self._send_pings())
                try:
                    async for _ in self._websocket:
                        pass
                    # The client has closed, unless this side ended the connection
                    # before.
                    if not self._close_sent and not self._websocket.closed:
                        self._write(
                            encode_close_frame(self._websocket.close_code or 1000)
                        )
                finally:
                    backlog.cancel()
                    pings.cancel()
                    self.transport.close()
        finally:
            self.ended.set()

    def send(self, frame: bytes) -> None:
        """Send or queue a frame; a muted stream loses it."""
        if self.muted or self._overflowed:
            return
        if (
            not self.stalled
            and not self._queue
            and not self.transport.get_write_buffer_size()
        ):
            self._write(frame)
            return
        self._queue.append(frame)
        self._queued_bytes += len(frame)
        if self._queued_bytes > self._options.buffer_limit:
            self._overflowed = True
            self._discard_queue()
            if not self.stalled:
                self.reset()
        elif not self.stalled:
            self._backlog.set()

    def stall(self) -> None:
        """Stop reading and writing, as a half-open connection.

        Not even the end of the connection is noticed.
        """
        if not self.transport.is_closing():
            self.stalled = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Send again, first the frames queued during a stall.

        Frames lost while muted stay lost.
        """
        self.muted = False
        if self.stalled:
            self.stalled = False
            self.transport.resume_reading()
        if self._overflowed:
            self.reset()
        elif self._queue:
            self._backlog.set()

    def close(self, code: int) -> None:
        """Send the queue and a close frame.

        The client is expected to answer it.
        """
        self._wake()
        self._write(b"".join((*self._queue, encode_close_frame(code))))
        self._discard_queue()
        self._close_sent = True

    def end(self) -> None:
        """Send the queue and end without a close frame."""
        self._wake()
        if self._queue:
            self._write(b"".join(self._queue))
            self._discard_queue()
        self.transport.close()

    def reset(self) -> None:
        """Reset the connection.

        Data that the client has not read yet may be lost.
        """
        if not self.transport.is_closing():
            connection: socket.socket = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()

    def reset_mid_frame(self) -> None:
        """Reset the connection after half a frame."""
        self._wake()
        self._write(HALF_FRAME)
        self.reset()

    async def _send_backlog(self) -> None:
        """Send the queue whenever the client has caught up."""
        with contextlib.suppress(ConnectionError):
            while await self._backlog.wait():
                await self._writer.drain()
                self._backlog.clear()
                if self._queue and not self.stalled:
                    self._write(b"".join(self._queue))
                    self._discard_queue()

    async def _send_pings(self) -> None:
        """Ping at each interval, if one is set."""
        while self._ping_interval is not None:
            await asyncio.sleep(self._ping_interval)
            if not self.stalled:
                self._write(PING_FRAME)

    def _wake(self) -> None:
        """End a stall and discard its queue.

        So does a service that gives up on a connection.
        """
        if self.stalled:
            self._discard_queue()
            self.stalled = False
            self.transport.resume_reading()

    def _discard_queue(self) -> None:
        """Discard the frames that were not written."""
        self._queue.clear()
        self._queued_bytes = 0

    def _write(self, data: bytes) -> None:
        """Write to the transport unless the connection has ended."""
        if not self.transport.is_closing():
            self.transport.write(data)
