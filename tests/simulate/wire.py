"""The client's `Wire`, connected to the service in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
import math
from random import Random
from typing import Any, Final

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from custom_components.golioth.client.exceptions import (
    GoliothConnectionError,
    GoliothError,
    GoliothTimeoutError,
    GoliothUnreadableError,
)
from custom_components.golioth.client.wire import Answer, HandshakeRefusedError

from .conditions import Conditions
from .loop import SimulatedLoop, Timetable
from .service import HOST, KEY, PROJECT, RawAnswer, Service
from .sockets import ClientSocket, ServerSocket, text

# Seconds one way, at least and at most.
_LATENCY: Final = (0.005, 0.12)


def _answer(raw: RawAnswer) -> Answer:
    status, headers, body = raw
    return Answer(status, CIMultiDictProxy(CIMultiDict(headers)), body)


class SimulatedWire:
    """Connects a client with the service.

    Attributes:
        sockets: The streams that the client has not closed.
        rejected_at: When REST last rejected a credential, on the host's monotonic
            clock.
        on_frame: Called with each frame that a stream hands to the client.
    """

    def __init__(
        self,
        loop: SimulatedLoop,
        timetable: Timetable,
        service: Service,
        conditions: Conditions,
        chance: Random,
    ) -> None:
        """Start without a connection."""
        self.sockets: list[ClientSocket] = []
        self.rejected_at = -math.inf
        self.on_frame: Callable[[bytes], None] = lambda _: None
        self._loop = loop
        self._timetable = timetable
        self._service = service
        self._conditions = conditions
        self._chance = chance

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
        """Return the answer to a request, as `Wire.request` does."""
        self._service.requests.append((self._timetable.now, url.raw_path))
        if self._conditions.refused:
            await asyncio.sleep(0.01)
            raise GoliothConnectionError("Refused", nothing_done=True)
        waiter: asyncio.Future[RawAnswer] = self._loop.create_future()
        self._timetable.after(
            self._chance.uniform(*_LATENCY), self._arrive, waiter, method, url, headers
        )
        try:
            async with asyncio.timeout(timeout):
                raw = await waiter
        except TimeoutError:
            raise GoliothTimeoutError("Golioth did not answer in time") from None
        if raw[0] == 401:
            self.rejected_at = self._loop.time()
        if 200 <= raw[0] < 300 and len(raw[2]) > max_size:
            raise GoliothUnreadableError("The answer is too long")
        return _answer(raw)

    def _arrive(
        self,
        waiter: asyncio.Future[RawAnswer],
        method: str,
        url: URL,
        headers: Mapping[str, str],
    ) -> None:
        """Have the service answer a request."""
        conditions = self._conditions
        if conditions.rest_never or (
            conditions.logs_never and url.raw_path.endswith("/logs")
        ):
            return
        delay = self._chance.uniform(*_LATENCY)
        if conditions.rest_delay:
            delay += self._chance.uniform(*conditions.rest_delay)
        if conditions.rest_broken:
            self._timetable.after(delay, _break, waiter)
            return
        raw = self._service.answer(method, url, headers)
        self._timetable.after(delay, _resolve, waiter, raw)

    @asynccontextmanager
    async def open_socket(
        self, url: URL, *, timeout: float, max_frame_size: int
    ) -> AsyncIterator[Any]:
        """Open a stream, as `Wire.open_socket` does."""
        waiter: asyncio.Future[ClientSocket] = self._loop.create_future()
        if self._conditions.refused:
            await asyncio.sleep(0.01)
            raise GoliothConnectionError("Refused", nothing_done=True)
        self._timetable.after(
            self._chance.uniform(*_LATENCY) * 2, self._connect, waiter, url
        )
        try:
            async with asyncio.timeout(timeout):
                socket = await waiter
        except TimeoutError:
            raise GoliothTimeoutError("The log stream did not open in time") from None
        self.sockets.append(socket)
        try:
            yield socket
        finally:
            self.sockets.remove(socket)
            socket.abandon()

    def _connect(self, waiter: asyncio.Future[ClientSocket], url: URL) -> None:
        """Have the service answer a handshake."""
        conditions, service = self._conditions, self._service
        if waiter.done() or conditions.handshake_never:
            return
        refusal: RawAnswer | None = conditions.handshake
        if conditions.redirect:
            refusal = (conditions.redirect, {"Location": "https://example.com/"}, b"")
        if url.host != HOST or url.raw_path != f"/v1/ws/projects/{PROJECT}/logs":
            refusal = (404, {}, b"")
        if refusal is not None:
            waiter.set_exception(HandshakeRefusedError(_answer(refusal)))
            return
        server = ServerSocket(
            self._loop,
            self._timetable,
            conditions,
            self._chance,
            service.sockets.remove,
            self.on_frame,
        )
        service.sockets.append(server)
        waiter.set_result(server.client)
        first: bytes | None = conditions.first_frame
        if url.query.get("x-api-key") != KEY or conditions.key_revoked:
            first = b'{"error":{"grpcCode":16,"httpCode":401,"message":"no"}}'
        if first is not None:
            server.send([text(first)])
            server.end(None)

    def drop_all(self) -> None:
        """Abandon all streams silently, as a killed process does."""
        for socket in list(self.sockets):
            socket.abandon()


def _resolve(waiter: asyncio.Future[RawAnswer], raw: RawAnswer) -> None:
    if not waiter.done():
        waiter.set_result(raw)


def _break(waiter: asyncio.Future[RawAnswer]) -> None:
    error: GoliothError = GoliothConnectionError("The connection to Golioth broke")
    if not waiter.done():
        waiter.set_exception(error)
