"""Ends all traffic of a project."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from yarl import URL

from .exceptions import GoliothClosedError
from .wire import Answer, Socket, Wire


class ClosableWire:
    """Carries requests and WebSockets until it is closed.

    All traffic of one project goes through one of these. Once `wait_closed` has
    returned, nothing is under way, and nothing is sent again.
    """

    def __init__(self, wire: Wire) -> None:
        """Wrap a wire, which is not closed."""
        self._wire = wire
        self._is_closed = False
        # One for each request and socket under way.
        self._scopes: set[asyncio.Timeout] = set()
        self._ended = asyncio.Event()

    def close(self) -> None:
        """Refuse new requests, and interrupt those under way."""
        if self._is_closed:
            return
        self._is_closed = True
        for scope in self._scopes:
            scope.reschedule(asyncio.get_running_loop().time())

    async def wait_closed(self) -> None:
        """Close, and wait until no request is under way."""
        self.close()
        while self._scopes:
            self._ended.clear()
            await self._ended.wait()

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
        """Return the answer to a request; see `Wire`.

        Raises:
            GoliothClosedError: The wire was closed, before the call or before an
                answer.
        """
        async with self._until_closed():
            return await self._wire.request(
                method,
                url,
                headers=headers,
                body=body,
                timeout=timeout,
                connect_timeout=connect_timeout,
                max_size=max_size,
            )

    @asynccontextmanager
    async def open_socket(
        self, url: URL, *, timeout: float, max_frame_size: int
    ) -> AsyncIterator[Socket]:
        """Open a WebSocket, and close it on exit; see `Wire`.

        Raises:
            GoliothClosedError: The wire was closed, before or while the socket was
                open.
        """
        async with (
            self._until_closed(),
            self._wire.open_socket(
                url, timeout=timeout, max_frame_size=max_frame_size
            ) as socket,
        ):
            yield socket

    @asynccontextmanager
    async def _until_closed(self) -> AsyncIterator[None]:
        if self._is_closed:
            raise GoliothClosedError(nothing_done=True)
        # It has no deadline until `close` sets one in the present.
        scope = asyncio.timeout(None)
        try:
            async with scope:
                self._scopes.add(scope)
                try:
                    yield
                finally:
                    self._scopes.discard(scope)
                    self._ended.set()
        except TimeoutError:
            if not scope.expired():
                raise
            raise GoliothClosedError from None
