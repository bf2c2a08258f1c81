"""Home Assistant's REST and WebSocket API for a logged-in user."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Self

import aiohttp

from . import DemoError
from .home_assistant import DOMAIN

type Json = dict[str, Any]

REQUEST_TIMEOUT: Final = 30


class ApiError(DemoError):
    """Home Assistant refused a request, or its connection is gone."""


class EventStream:
    """The events of some types, in the order of firing."""

    def __init__(self) -> None:
        """Start without events."""
        self._queue: asyncio.Queue[Json] = asyncio.Queue()

    def __aiter__(self) -> Self:
        """Return the stream itself, which never ends by itself."""
        return self

    async def __anext__(self) -> Json:
        """Return the next event as soon as there is one.

        Raises:
            ApiError: The connection is gone, and every event was returned.
        """
        try:
            return await self._queue.get()
        except asyncio.QueueShutDown as err:
            raise ApiError("The connection to Home Assistant is gone") from err

    def take_waiting(self) -> list[Json]:
        """Return the events that have arrived already."""
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]

    def put(self, event: Json) -> None:
        """Add an event."""
        self._queue.put_nowait(event)

    def close(self) -> None:
        """Mark the end of the events."""
        self._queue.shutdown()


class HomeAssistantApi:
    """One user's WebSocket connection and REST calls.

    Used with ``async with``, which opens and closes the connection. Requests raise
    ApiError.
    """

    def __init__(self, url: str, access_token: str) -> None:
        """Prepare the connection.

        Args:
            url: The address of Home Assistant, without a path.
            access_token: The token of the user's login.
        """
        self._url = url
        self._access_token = access_token
        self._last_id = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._streams: dict[int, EventStream] = {}

    async def __aenter__(self) -> Self:
        """Connect and log in."""
        self._session = aiohttp.ClientSession(
            self._url,
            headers={"Authorization": f"Bearer {self._access_token}"},
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT),
        )
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                self._socket = await self._session.ws_connect(
                    "/api/websocket", max_msg_size=0
                )
                await self._socket.receive_json()
                await self._socket.send_json(
                    {"type": "auth", "access_token": self._access_token}
                )
                if (answer := await self._socket.receive_json())["type"] != "auth_ok":
                    raise ApiError(
                        f"Home Assistant refused the login: {answer.get('message')}"
                    )
        except BaseException as err:
            await self._session.close()
            if isinstance(err, (aiohttp.ClientError, TimeoutError, TypeError)):
                raise ApiError(
                    f"Home Assistant's WebSocket cannot be opened: {err!r}"
                ) from err
            raise
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()
        await self._session.close()

    async def _read(self) -> None:
        """Dispatch messages until the connection ends."""
        try:
            async for frame in self._socket:
                message = frame.json()
                if message["type"] == "event":
                    self._streams[message["id"]].put(message["event"])
                elif (
                    answer := self._answers.pop(message["id"], None)
                ) is None or answer.done():
                    continue
                elif message["success"]:
                    answer.set_result(message["result"])
                else:
                    answer.set_exception(
                        ApiError(
                            f"Home Assistant refused a command: {message['error']}"
                        )
                    )
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(
                        ApiError("The connection to Home Assistant is gone")
                    )
            self._answers.clear()
            for stream in self._streams.values():
                stream.close()

    async def _send(
        self, command: str, data: Mapping[str, Any], stream: EventStream | None = None
    ) -> Any:
        """Send a command and return its result."""
        self._last_id += 1
        message_id = self._last_id
        if self._reader.done():
            raise ApiError("The connection to Home Assistant is gone")
        if stream is not None:
            self._streams[message_id] = stream
        answer = self._answers[message_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                await self._socket.send_json(
                    {"id": message_id, "type": command, **data}
                )
                return await answer
        except (aiohttp.ClientError, TimeoutError) as err:
            raise ApiError(f"Home Assistant did not answer {command}: {err!r}") from err
        finally:
            self._answers.pop(message_id, None)

    async def command(self, command: str, **data: Any) -> Any:
        """Send a WebSocket command and return its result."""
        return await self._send(command, data)

    async def subscribe(self, *event_types: str) -> EventStream:
        """Return a stream of these types' events from now on."""
        stream = EventStream()
        for event_type in event_types:
            await self._send("subscribe_events", {"event_type": event_type}, stream)
        return stream

    async def post(self, path: str, data: Mapping[str, Any]) -> Json:
        """Send a REST request and return the answer."""
        return await self._request("POST", path, data)

    async def delete(self, path: str) -> Json:
        """Send a DELETE request and return the answer."""
        return await self._request("DELETE", path)

    async def _request(
        self, method: str, path: str, data: Mapping[str, Any] | None = None
    ) -> Json:
        """Send a REST request and return the answer."""
        try:
            async with self._session.request(method, path, json=data) as response:
                if not response.ok:
                    raise ApiError(
                        f"Home Assistant answered {path} with {response.status}: {await response.text()}"
                    )
                answer: Json = await response.json()
                return answer
        except (aiohttp.ClientError, TimeoutError) as err:
            raise ApiError(f"Home Assistant did not answer {path}: {err!r}") from err

    async def wait_until_running(self) -> str:
        """Wait until Home Assistant has started; return its version."""
        started = await self.subscribe("homeassistant_started")
        config = await self.command("get_config")
        if config["recovery_mode"] or config["safe_mode"]:
            raise ApiError(
                "Home Assistant started without its integrations (recovery mode)"
            )
        if config["state"] != "RUNNING":
            await anext(started)
        return str(config["version"])

    async def add_project(self, project_id: str, api_key: str, url: str) -> Json:
        """Set a project up, and return its config entry.

        Args:
            project_id: The ID of the project.
            api_key: Its API key.
            url: The address of the service.

        Raises:
            ApiError: As by `add_integration`.
        """
        return await self.add_integration(
            DOMAIN,
            {
                "project_id": project_id,
                "api_key": api_key,
                "advanced": {"api_url": url},
            },
        )

    async def add_integration(self, domain: str, user_input: Mapping[str, Any]) -> Json:
        """Set an integration up by its config flow.

        This is what the user interface does.

        Args:
            domain: The integration.
            user_input: The input of the flow's first form.

        Returns:
            The config entry.

        Raises:
            ApiError: No entry was made; the message says what the flow answered.
        """
        path = "/api/config/config_entries/flow"
        result = await self.post(
            path, {"handler": domain, "show_advanced_options": False}
        )
        if result["type"] == "form":
            result = await self.post(f"{path}/{result['flow_id']}", user_input)
        match result["type"]:
            case "create_entry":
                entry: Json = result["result"]
                return entry
            case "form":
                errors = ", ".join(
                    f"{field}: {error}"
                    for field, error in (result["errors"] or {}).items()
                )
                said = f"asked again in step {result['step_id']} ({errors or 'no error named'})"
            case "abort":
                said = f"ended with {result['reason']}"
            case other:
                said = f"went on with {other}"
        raise ApiError(f"The config flow of {domain} made no entry: it {said}")
