"""The Golioth service on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Set as AbstractSet
import contextlib
from email.utils import formatdate
from pathlib import Path
import time
from typing import Any, Self

from aiohttp import web
import orjson

from tests import PUBLISHED_FRAMES

from .access import Access
from .credentials import Credentials
from .device import Device
from .encoding import encode_json
from .faults import Faults
from .garbage import GARBAGE_FRAMES
from .generator import LogGenerator
from .log_store import Log
from .log_streams import LogStreams
from .options import RpcCall, ServiceOptions
from .project import Project
from .records import Handshake, RestRequest
from .rest_api import RestApi
from .retirement import Retirement
from .timestamps import NANOSECONDS, format_timestamp
from .watch import Watch
from .websocket_api import WebSocketApi

# Seconds between two sends of a generator at least; at a high rate it sends several
# logs at once.
_SHORTEST_PAUSE = 0.005

# Seconds to wait for aborted connections to end.
_CUT_TIME = 0.3

_ENVELOPE = b'{"result":{"data":%b}}'


class GoliothSimulator(ServiceOptions):
    """One Golioth project with REST, WebSocket and faults.

    Everything on the wire follows the service's published contract. All methods must be
    called on the event loop that `start` ran on.
    """

    def __init__(
        self,
        project_id: str = "demo",
        project_name: str = "Demo project",
        *,
        api_key: str = "c2ltdWxhdG9yLWtleS8rLw==",
        jwt_key: str = "simulator",
        jwt_secret: str = "c2ltdWxhdG9yLXNlY3JldA==",
        clock: Callable[[], int] = time.time_ns,
        handshake_checks_credential: bool = False,
    ) -> None:
        """Hold an empty project.

        `clock` is the service's, in ns since the epoch.
        """
        super().__init__()
        self.handshake_checks_credential = handshake_checks_credential
        self._faults = Faults()
        self._clock = clock
        self._credentials = Credentials(api_key, jwt_key, jwt_secret)
        self._project = Project(project_id, project_name, clock)
        self._watch = Watch()
        self._streams = LogStreams(self._faults, self._watch)
        access = Access(self._project, self._credentials, self)
        self._rest = RestApi(self._project, access, self._faults, self, self._watch)
        self._websocket = WebSocketApi(
            access, self._streams, self._faults, self, self._watch
        )
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._host = "127.0.0.1"
        self._port = 0

    # Life cycle

    async def start(self, port: int = 0, *, host: str = "127.0.0.1") -> None:
        """Serve until `stop`; do nothing while already serving.

        Port 0 is any free one at the first start, and the same one at later starts.
        Raises OSError if the port is not available.
        """
        if self._runner is not None:
            return
        self._host = host
        self._port = port or self._port
        application = web.Application()
        application.router.add_route(
            "GET", "/v1/ws/{endpoint:.*}", self._websocket.handle
        )
        application.router.add_route("*", "/{endpoint:.*}", self._rest.handle)
        application.on_response_prepare.append(self._set_date)
        # No access log: its lines would hold the credential of a query. A waiting
        # handler is cancelled when its client leaves, so that nothing outlives it.
        self._runner = web.AppRunner(
            application,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=0.1,
        )
        await self._runner.setup()
        try:
            await self.accept()
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop serving.

        Every connection is aborted, and no task or timer is left.
        """
        if self._runner is None:
            return
        await self.refuse()
        self._cut_connections()
        # aiohttp forgets a connection when its task has ended, some iterations of the
        # loop after its transport.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CUT_TIME):
                while self._connections:  # noqa: ASYNC110
                    await asyncio.sleep(0)
        await self._runner.cleanup()
        self._runner = None

    async def __aenter__(self) -> Self:
        """Start on any free port."""
        await self.start()
        return self

    async def __aexit__(self, *_exc_info: object) -> None:
        """Stop."""
        await self.stop()

    @property
    def url(self) -> str:
        """The base URL, which stays the same after a stop."""
        return f"http://{self._host}:{self._port}"

    # Credentials

    @property
    def project_id(self) -> str:
        """The ID of the project."""
        return self._project.id

    @property
    def project_name(self) -> str:
        """The name of the project."""
        return self._project.name

    @property
    def api_key(self) -> str:
        """The API key."""
        return self._credentials.api_key

    def jwt(self) -> str:
        """Return a JWT that opens the project."""
        return self._credentials.jwt()

    def revoke(self) -> None:
        """Reject every credential from now on; open streams continue."""
        self._credentials.revoke()

    def restore(self, api_key: str | None = None) -> None:
        """Accept credentials again, with a new API key if given."""
        self._credentials.restore(api_key)

    # Devices

    @property
    def devices(self) -> dict[str, Device]:
        """The devices by ID."""
        return self._project.devices

    def add_device(self, name: str, device_id: str | None = None) -> Device:
        """Add a device; raises ValueError if the ID is taken."""
        return self._project.add_device(name, device_id)

    def remove_device(self, device_id: str) -> None:
        """Remove a device but not its logs.

        Raises KeyError if there is none.
        """
        del self._project.devices[device_id]

    @property
    def rpc_calls(self) -> list[RpcCall]:
        """The remote procedure calls so far; `on_rpc` answers them."""
        return self._rest.rpc_calls

    # Logs

    def send(
        self,
        log: Mapping[str, Any],
        *,
        indexed_after: float = 0.0,
        streamed: bool = True,
        shown: bytes | None = None,
    ) -> Log:
        """Receive a log from a device.

        It goes to REST and to the streams.

        Args:
            log: Published field names; a missing timestamp is that of the clock.
            indexed_after: Seconds on the clock until REST shows it.
            streamed: Whether it goes to the streams.
            shown: What REST shows of it, byte for byte, JSON or not.

        Returns:
            The log as it is sent.

        Raises:
            ValueError: The timestamp is no RFC 3339 timestamp.

        """
        sent = (
            dict(log)
            if "timestamp" in log
            else {"timestamp": format_timestamp(self._clock()), **log}
        )
        document = encode_json(sent)
        self._receive(
            sent,
            document if shown is None else shown,
            _ENVELOPE % document if streamed else None,
            indexed_after=indexed_after,
        )
        return sent

    def log(
        self,
        message: str,
        *,
        device: Device | str | None = None,
        level: str | int = "INFO",
        module: str = "app",
        metadata: Mapping[str, Any] | None = None,
        timestamp: str | None = None,
        type: str = "LOGGING",  # noqa: A002
    ) -> Log:
        """Send a log with all its fields, and return it.

        `device` is None for a log without a device.
        """
        log = {
            "timestamp": timestamp or format_timestamp(self._clock()),
            "type": type,
            "level": level,
            "module": module,
            "moduleId": "",
            "message": message,
            "metadata": dict(metadata or {}),
        }
        if device is not None:
            log["deviceId"] = device.id if isinstance(device, Device) else device
        return self.send(log)

    def send_frame(self, data: str | bytes) -> None:
        """Send a frame to every stream, but not to REST.

        A str is a text frame, bytes are a binary one.
        """
        self._streams.send(data)

    def send_garbage(self) -> None:
        """Send every garbage frame to every stream."""
        for frame in GARBAGE_FRAMES:
            self.send_frame(frame)

    def replay(self, path: Path = PUBLISHED_FRAMES) -> list[Log]:
        """Send each line of a file as a frame.

        The bytes are unchanged. Returns the logs of the frames.
        """
        frames = path.read_bytes().splitlines()
        logs: list[Log] = [orjson.loads(frame)["result"]["data"] for frame in frames]
        for frame, log in zip(frames, logs, strict=True):
            self._receive(log, encode_json(log), frame)
        return logs

    @contextlib.asynccontextmanager
    async def generating(self, rate: float, seed: int = 0) -> AsyncIterator[None]:
        """Send plausible logs at a rate while the context lasts.

        The rate is in logs per second. The same seed gives the same logs, apart from
        their timestamps, as long as the devices are the same.
        """
        task = asyncio.create_task(self._generate(rate, LogGenerator(seed)))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    # Streams

    @property
    def streams(self) -> int:
        """The number of open log WebSockets, without stalled ones."""
        return len(self._streams)

    @property
    def handshakes(self) -> list[Handshake]:
        """The WebSocket handshakes so far."""
        return self._websocket.handshakes

    @property
    def requests(self) -> list[RestRequest]:
        """The REST requests so far."""
        return self._rest.requests

    async def wait_for_streams(self, number: int) -> None:
        """Wait until exactly that many streams are open."""
        await self.wait_until(lambda: self.streams == number)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on streams, handshakes or requests holds."""
        await self._watch.until(condition)

    # Faults

    @property
    def faults(self) -> Faults:
        """The faults of new handshakes and REST requests.

        A test sets them. Faults of open streams are in the methods below.
        """
        return self._faults

    async def drop(self, code: int | None = 1000) -> None:
        """End all streams with a close code.

        For None, they end without a close frame (1006). Returns when the connections
        have ended; a client that does not answer is aborted.
        """
        await self._streams.close(code)

    def reset(self) -> None:
        """Reset the connections of all streams."""
        self._streams.reset()

    def reset_mid_frame(self) -> None:
        """Reset the connections of all streams after half a frame."""
        self._streams.reset_mid_frame()

    def stall(self) -> None:
        """Make all streams half-open until `resume`.

        Nothing is read or written.
        """
        self._streams.stall()

    def mute(self) -> None:
        """Make all streams lose new logs.

        They still answer pings.
        """
        self._streams.mute()

    def resume(self) -> None:
        """Undo `stall` and `mute` on the streams still open."""
        self._streams.resume()

    async def refuse(self) -> None:
        """Refuse new connections.

        Open streams continue; all other connections are aborted.
        """
        if self._site is None:
            return
        await self._site.stop()
        self._site = None
        self._cut_connections(but=self._streams.transports)

    async def accept(self) -> None:
        """Accept connections again, on the same port.

        Raises OSError if the port is taken.
        """
        if self._runner is None or self._site is not None:
            return
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._site = site
        self._port = site.port

    def retire(self, form: Retirement = Retirement.HTTP_404) -> None:
        """Retire the WebSocket.

        Open streams end, REST continues.
        """
        self._websocket.retirement = form
        self._streams.end()

    def unretire(self) -> None:
        """Bring the WebSocket back."""
        self._websocket.retirement = None

    @property
    def _connections(self) -> list[web.RequestHandler]:
        """The connections that have not ended."""
        return (
            []
            if self._runner is None or self._runner.server is None
            else self._runner.server.connections
        )

    def _cut_connections(
        self, *, but: AbstractSet[asyncio.Transport] = frozenset()
    ) -> None:
        """Abort all connections but some."""
        for connection in self._connections:
            if connection.transport is not None and connection.transport not in but:
                connection.transport.abort()

    def _receive(
        self,
        log: Log,
        document: bytes,
        frame: bytes | None,
        *,
        indexed_after: float = 0.0,
    ) -> None:
        """Store a log, and send its frame if any."""
        stored = self._project.logs.add(log, document, indexed_after=indexed_after)
        if (device := self.devices.get(stored.device_id or "")) is not None:
            device.last_report = self._clock()
        if frame is not None:
            self._streams.publish(stored, frame, limit=self.document_limit)

    async def _generate(self, rate: float, generator: LogGenerator) -> None:
        """Send logs at a rate that holds on average.

        Pauses of the event loop are made up for.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        sent = 0
        while True:
            await asyncio.sleep(max(1 / rate, _SHORTEST_PAUSE))
            while sent < int((loop.time() - start) * rate):
                device = generator.choose(list(self.devices.values()))
                self.log(device=device, **generator.draw())
                sent += 1

    async def _set_date(
        self, request: web.Request, response: web.StreamResponse
    ) -> None:
        """Set the Date header: the clock's time, or a fault."""
        text = self._faults.date_text
        if text is not None and not request.path.startswith("/v1/ws/"):
            response.headers["Date"] = text
            if not text:
                del response.headers["Date"]
            return
        offset, left = self._faults.date_offset, self._faults.date_answers
        if left is not None and not request.path.startswith("/v1/ws/"):
            self._faults.date_answers = left - 1
            offset = offset if left > 0 else 0.0
        response.headers["Date"] = formatdate(
            self._clock() / NANOSECONDS + offset, usegmt=True
        )
