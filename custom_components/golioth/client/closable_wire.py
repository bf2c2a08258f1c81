"""Ends all traffic of a project, whoever causes it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from yarl import URL

from .exceptions import GoliothClosedError
from .wire import Answer, Socket, Wire


class ClosableWire:
    """Carries what is sent until it is closed.

    Everything of one project goes through one of these. Once `wait_closed` has
    returned, nothing is under way, and nothing is sent any more.
    """

    def __init__(self, wire: Wire) -> None:
        """Take what carries; it stays open."""
        self._wire = wire
        self._is_closed = False
        # One for each request and socket that is under way.
        self._scopes: set[asyncio.Timeout] = set()
        self._ended = asyncio.Event()

    def close(self) -> None:
        """Refuse what is asked from now on, and interrupt what is under way."""
        if self._is_closed:
            return
        self._is_closed = True
        for scope in self._scopes:
            scope.reschedule(asyncio.get_running_loop().time())

    async def wait_closed(self) -> None:
        """Close, and wait until nothing is under way any more."""
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
            GoliothClosedError: This is closed, or was before there was an answer.
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
        """Open a WebSocket, and close it in the end; see `Wire`.

        Raises:
            GoliothClosedError: This is closed, or was while the socket was open.
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
        # It has no limit until there is one: that it is over already.
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
