"""The service's end and the client's end of a stream."""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Final

import aiohttp
from aiohttp import WSMsgType

from custom_components.golioth.client.exceptions import GoliothConnectionError

from .conditions import Conditions
from .loop import SimulatedLoop, Timetable

_TEXT: Final = WSMsgType.TEXT
_CLOSED: Final = aiohttp.WSMessage(WSMsgType.CLOSED, None, None)
_CLOSING: Final = aiohttp.WSMessage(WSMsgType.CLOSING, None, None)

# Frames that may wait for a client that does not read; with more, the service drops the
# stream.
_MAX_WAITING: Final = 20_000

type Message = aiohttp.WSMessage


def text(data: bytes) -> Message:
    """Return a text frame as the client receives it."""
    return aiohttp.WSMessage(_TEXT, data, None)


class ServerSocket:
    """One stream, and the way between service and client.

    Attributes:
        client: The client's end.
        is_muted: Whether logs are lost while pings are answered.
        is_stalled: Whether nothing arrives in either direction.
    """

    def __init__(
        self,
        loop: SimulatedLoop,
        timetable: Timetable,
        conditions: Conditions,
        chance: Random,
        on_end: Callable[[ServerSocket], None],
        on_frame: Callable[[bytes], None],
    ) -> None:
        """Open the stream."""
        self.client = ClientSocket(loop, self, on_frame)
        self.is_muted = False
        self.is_stalled = False
        self.has_ended = False
        self._held: list[Message] = []
        self._timetable = timetable
        self._conditions = conditions
        self._chance = chance
        self._on_end = on_end
        self._arrives_at = 0.0

    @property
    def never_closes(self) -> bool:
        """Whether the service ignores that the client closes."""
        return bool(self._conditions.never_closes)

    def send_logs(self, frames: list[bytes]) -> None:
        """Send frames of one log each, changed by the conditions."""
        conditions = self._conditions
        if self.is_muted:
            return
        if loss := conditions.loss:
            frames = [each for each in frames if self._chance.random() >= loss]
        if conditions.garbage:
            mixed: list[Message] = []
            for frame in frames:
                mixed.append(text(frame))
                garbage = self._chance.choice(conditions.garbage)
                mixed.append(
                    text(garbage)
                    if self._chance.random() < 0.5
                    else aiohttp.WSMessage(WSMsgType.BINARY, garbage, None)
                )
            self.send(mixed)
        elif conditions.joined:
            self.send([text(b"\n".join(frames) + b"\n")])
        elif conditions.binary:
            self.send(
                [aiohttp.WSMessage(WSMsgType.BINARY, each, None) for each in frames]
            )
        else:
            self.send([aiohttp.WSMessage(_TEXT, each, None) for each in frames])

    def send(self, messages: list[Message]) -> None:
        """Send frames in order."""
        if self.has_ended or not messages:
            return
        if self.is_stalled:
            if len(self._held) < _MAX_WAITING:
                self._held += messages
            return
        now = self._timetable.now
        latency = self._conditions.latency
        if latency or self._arrives_at > now:
            self._arrives_at = max(
                self._arrives_at, now + latency * self._chance.random()
            )
            self._timetable.at(self._arrives_at, self._arrive, messages)
        else:
            self._arrive(messages)

    def _arrive(self, messages: list[Message]) -> None:
        has_room = self.client.push(messages, _MAX_WAITING)
        # The end arrives even if there is no room.
        if not has_room and messages[-1] is not _CLOSED:
            self.end(None)

    def answer_ping(self, data: bytes) -> None:
        """Answer a ping, if it arrives."""
        if not self.is_stalled and not self.has_ended:
            pong = aiohttp.WSMessage(WSMsgType.PONG, data, None)
            self._timetable.after(0.04, self.send, [pong])

    def ping(self) -> None:
        """Ping the client."""
        self.send([aiohttp.WSMessage(WSMsgType.PING, b"ping", None)])

    def resume(self, *, loses: bool) -> None:
        """Resume a stalled or muted stream.

        `loses` drops the frames that were held up.
        """
        self.is_muted = False
        if self.is_stalled:
            self.is_stalled = False
            held, self._held = self._held, []
            if not loses:
                self.send(held)

    def end(self, code: int | None, error: BaseException | None = None) -> None:
        """End the stream, with a code, an error or neither."""
        if self.has_ended:
            return
        if code is not None:
            self.send([aiohttp.WSMessage(WSMsgType.CLOSE, code, "")])
        elif error is not None:
            self.send([aiohttp.WSMessage(WSMsgType.ERROR, error, None)])
        # In order after frames that are still on their way.
        self.send([_CLOSED])
        self.forget()

    def forget(self) -> None:
        """Forget the stream in the service only.

        The client may still consider it open.
        """
        if not self.has_ended:
            self.has_ended = True
            self._on_end(self)


class ClientSocket:
    """The client's end: the part of aiohttp's API in use."""

    def __init__(
        self,
        loop: SimulatedLoop,
        server: ServerSocket,
        on_frame: Callable[[bytes], None],
    ) -> None:
        """Start without frames."""
        self._loop = loop
        self._on_frame = on_frame
        self._server = server
        self._received: deque[Message] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._is_closed = False

    def push(self, messages: list[Message], limit: int) -> bool:
        """Receive frames; return whether there is room for more."""
        if self._is_closed and not self._server.never_closes:
            return True
        self._received += messages
        self._wake()
        return len(self._received) < limit

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def receive(self) -> Any:
        """Return the next frame, without a pause if available."""
        while not self._received:
            if self._is_closed:
                return _CLOSED
            assert self._waiter is None, "two receivers"
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message = self._received.popleft()
        if message is _CLOSED or message is _CLOSING:
            self._is_closed = True
        else:
            self._loop.do_work()
            if message.type is _TEXT or message.type is WSMsgType.BINARY:
                self._on_frame(message.data)
        return message

    async def ping(self, message: bytes = b"") -> None:
        """Send a ping."""
        self._check()
        self._server.answer_ping(message)

    async def pong(self, message: bytes = b"") -> None:
        """Send a pong."""
        self._check()

    def _check(self) -> None:
        if self._is_closed:
            raise GoliothConnectionError("The connection broke")

    async def close(self) -> None:
        """Close within a time limit."""
        if self._is_closed:
            return
        never_closes = self._server.never_closes
        if not never_closes:
            self._is_closed = True
            self._received.clear()
        self._received.append(_CLOSING)
        self._wake()
        # A peer that keeps sending or does not answer takes until the limit.
        await asyncio.sleep(2.0 if never_closes or self._server.is_stalled else 0.02)
        self._is_closed = True
        self._received.append(_CLOSED)
        self._wake()
        self._server.forget()

    def abandon(self) -> None:
        """Abandon the stream silently, as a killed process does."""
        self._is_closed = True
        self._server.forget()
