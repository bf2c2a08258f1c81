"""Connect to another process's Home Assistant as a browser does.

Only the WebSocket API is used.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import secrets
from typing import Any, Final, Self

import aiohttp

from .demo.api import HomeAssistantApi
from .memory import cpu_seconds, resident_bytes

type Message = dict[str, Any]

# Seconds that only a failure takes.
TIMEOUT: Final = 60

# Seconds between two measurements of a process.
_LOOK_INTERVAL: Final = 0.02


async def make_user(api: HomeAssistantApi, url: str) -> str:
    """Make a user without administrator rights, and return its token.

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
    """One connection that can send anything, in any frame."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Use a connection that is logged in."""
        self._socket = socket
        self._last_id = 0

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, url: str, token: str, *, compresses: bool = False
    ) -> AsyncIterator[Self]:
        """Log in, and disconnect at the end.

        Real browsers ask for compressed messages.
        """
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
        """Return the answer to a command.

        No other command may be pending.
        """
        await self.send(message)
        while (answer := await self.receive())["id"] != self._last_id:
            pass
        return answer

    async def close(self) -> None:
        """Disconnect."""
        await self._socket.close()


class Watch:
    """Measures Home Assistant's memory, and what its users wait for.

    Attributes:
        most_memory: The highest memory seen, in MB.
        most_work: The most processor time that Home Assistant took before it answered
            an administrator's ping, in seconds. Unlike the time that passed, it does
            not depend on what else the machine does.
    """

    def __init__(self, pid: int, administrator: Browser) -> None:
        """Watch a process over a connection without other users."""
        self.most_memory = 0.0
        self.most_work = 0.0
        self._pid = pid
        self._administrator = administrator

    @property
    def memory(self) -> float:
        """The memory of the process, in MB."""
        return resident_bytes(self._pid) / 1024**2

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Measure until the end of the block."""
        is_over = False

        async def ping() -> None:
            while not is_over:
                before = cpu_seconds(self._pid)
                assert (await self._administrator.ask(type="ping"))["type"] == "pong"
                work = cpu_seconds(self._pid) - before
                self.most_work = max(self.most_work, work)
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
