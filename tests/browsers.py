"""Browsers of a Home Assistant in a process of its own, as far as the WebSocket API sees them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import secrets
import time
from typing import Any, Final, Self

import aiohttp

from .demo.api import HomeAssistantApi
from .memory import resident_bytes

type Message = dict[str, Any]

# Only a failure takes so long, in seconds.
TIMEOUT: Final = 60

# Between two looks at a process, in seconds.
_LOOK_INTERVAL: Final = 0.02


async def make_user(api: HomeAssistantApi, url: str) -> str:
    """Make a user who is no administrator, and return what opens the API to the user.

    Args:
        api: The API of an administrator.
        url: The address of Home Assistant.
    """
    name, password = "user", secrets.token_hex(8)
    made = await api.command(
        "config/auth/create", name=name, group_ids=["system-users"]
    )
    assert not made["user"]["is_owner"]
    await api.command(
        "config/auth_provider/homeassistant/create",
        user_id=made["user"]["id"],
        username=name,
        password=password,
    )
    client_id = f"{url}/"
    async with aiohttp.ClientSession(url, raise_for_status=True) as session:
        flow = {
            "client_id": client_id,
            "handler": ["homeassistant", None],
            "redirect_uri": f"{url}/?auth_callback=1",
        }
        async with session.post("/auth/login_flow", json=flow) as response:
            flow_id = (await response.json())["flow_id"]
        login = {"client_id": client_id, "username": name, "password": password}
        async with session.post(f"/auth/login_flow/{flow_id}", json=login) as response:
            code = (await response.json())["result"]
        grant = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": client_id,
        }
        async with session.post("/auth/token", data=grant) as response:
            token: str = (await response.json())["access_token"]
    return token


class Browser:
    """One connection, over which anything can be sent, in any frame."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Take a connection that is logged in."""
        self._socket = socket
        self._last_id = 0

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, url: str, token: str, *, compresses: bool = False
    ) -> AsyncIterator[Self]:
        """Log in, and disconnect in the end; browsers have what they are sent compressed."""
        async with (
            aiohttp.ClientSession(url) as session,
            session.ws_connect(
                "/api/websocket", max_msg_size=0, compress=15 if compresses else 0
            ) as socket,
        ):
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": token})
            assert (await socket.receive_json())["type"] == "auth_ok"
            yield cls(socket)

    def _numbered(self, message: Message) -> Message:
        self._last_id += 1
        return {"id": self._last_id, **message}

    async def send(self, *messages: Message) -> None:
        """Send messages in one frame, without waiting for an answer."""
        numbered = [self._numbered(message) for message in messages]
        await self._socket.send_json(numbered if len(numbered) > 1 else numbered[0])

    async def receive(self) -> Message:
        """Return the next message."""
        async with asyncio.timeout(TIMEOUT):
            message: Message = await self._socket.receive_json()
        return message

    async def ask(self, **message: Any) -> Message:
        """Return the answer to a command; nothing else may be under way."""
        await self.send(message)
        while (answer := await self.receive())["id"] != self._last_id:
            pass
        return answer

    async def close(self) -> None:
        """Disconnect."""
        await self._socket.close()


class Watch:
    """What Home Assistant costs, and how quick it is, in all times that it is looked at.

    Attributes:
        most_memory: In MB.
        longest_ping: The seconds that it took to answer an administrator's ping, at most.
    """

    def __init__(self, pid: int, administrator: Browser) -> None:
        """Look at a process, over a connection that nobody else uses meanwhile."""
        self.most_memory = 0.0
        self.longest_ping = 0.0
        self._pid = pid
        self._administrator = administrator

    @property
    def memory(self) -> float:
        """The memory of the process, in MB."""
        return resident_bytes(self._pid) / 1024**2

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Look until the end of the block."""
        is_over = False

        async def ping() -> None:
            while not is_over:
                start = time.monotonic()
                assert (await self._administrator.ask(type="ping"))["type"] == "pong"
                self.longest_ping = max(self.longest_ping, time.monotonic() - start)
                await asyncio.sleep(_LOOK_INTERVAL)

        async def look() -> None:
            while not is_over:
                self.most_memory = max(self.most_memory, self.memory)
                await asyncio.sleep(_LOOK_INTERVAL)

        tasks = [asyncio.create_task(ping()), asyncio.create_task(look())]
        try:
            yield
        finally:
            is_over = True
            await asyncio.gather(*tasks)
