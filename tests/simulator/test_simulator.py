"""The simulator follows Golioth's contract, and fails on demand."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from email.utils import parsedate_to_datetime
import json
import logging
import math
from pathlib import Path
import signal
import sys
from typing import Any

import aiohttp
from aiohttp import WSMsgType, WSServerHandshakeError
import jwt
import orjson
import pytest

from .. import GREENHOUSE_NODE, PUBLISHED_FRAMES, WATER_METER
from . import (
    GARBAGE_FRAMES,
    Faults,
    GoliothSimulator,
    GrpcCode,
    Retirement,
    RpcCall,
    grpc_error_v1,
    grpc_error_v2,
)
from .generator import LogGenerator

pytestmark = pytest.mark.usefixtures("socket_enabled")

# Seconds in which nothing must arrive.
SILENCE = 0.05

NOON = 1_700_049_600_000_000_000  # 2023-11-15T12:00:00Z
SECOND = 1_000_000_000


class Clock:
    """A settable clock, in nanoseconds since the epoch."""

    def __init__(self) -> None:
        """Start at noon."""
        self.now = NOON

    def __call__(self) -> int:
        """Return the time."""
        return self.now


class Client:
    """A client of the simulator with its API key."""

    def __init__(
        self, simulator: GoliothSimulator, session: aiohttp.ClientSession
    ) -> None:
        """Use the session."""
        self._simulator = simulator
        self._session = session
        self._websockets: list[aiohttp.ClientWebSocketResponse] = []

    async def close(self) -> None:
        """Close all WebSockets that were opened."""
        for websocket in self._websockets:
            await websocket.close()

    async def connect(
        self,
        path: str = "/v1/ws/projects/demo/logs",
        filters: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket.

        The API key is in the query unless headers or another query are given.
        """
        if query is None:
            query = {} if headers else {"x-api-key": self._simulator.api_key}
        websocket = await self._session.ws_connect(
            self._simulator.url + path,
            params={**query, **(filters or {})},
            headers=headers,
            autoping=False,
            timeout=aiohttp.ClientWSTimeout(ws_close=SILENCE),
        )
        self._websockets.append(websocket)
        return websocket

    async def stream(
        self,
        path: str = "/v1/ws/projects/demo/logs",
        filters: Mapping[str, str] | None = None,
    ) -> aiohttp.ClientWebSocketResponse:
        """Open one more log stream, and wait for it."""
        streams = self._simulator.streams
        websocket = await self.connect(path, filters)
        await self._simulator.wait_for_streams(streams + 1)
        return websocket

    async def get(
        self,
        path: str = "",
        query: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> aiohttp.ClientResponse:
        """Send a REST request with the API key.

        The path is that after `/v1/projects`. Other headers replace the key.
        """
        key = {"x-api-key": self._simulator.api_key}
        response = await self._session.get(
            f"{self._simulator.url}/v1/projects{path}",
            params=query,
            headers=key if headers is None else headers,
        )
        await response.read()
        return response

    async def body(
        self, path: str = "", query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return the body of a successful answer."""
        response = await self.get(path, query)
        assert response.status == 200
        body: dict[str, Any] = await response.json()
        return body

    async def messages(self, query: Mapping[str, str] | None = None) -> list[str]:
        """Return the messages of the logs that REST shows."""
        body = await self.body("/demo/logs", query)
        return [log["message"] for log in body["list"]]

    async def rpc(self, device_id: str, body: bytes) -> aiohttp.ClientResponse:
        """Return the answer to a remote procedure call."""
        return await self._session.post(
            f"{self._simulator.url}/v1/projects/demo/devices/{device_id}/rpc",
            data=body,
            headers={"x-api-key": self._simulator.api_key},
        )


@pytest.fixture
async def client(
    simulator: GoliothSimulator, session: aiohttp.ClientSession
) -> AsyncIterator[Client]:
    """Yield a client of the simulator."""
    client = Client(simulator, session)
    yield client
    await client.close()


@pytest.fixture
def clock() -> Clock:
    """Return the service's clock."""
    return Clock()


@pytest.fixture
async def raw(simulator: GoliothSimulator) -> AsyncIterator[asyncio.StreamReader]:
    """Open a stream on a plain socket.

    Tests see every byte.
    """
    reader, writer = await asyncio.open_connection(*_address(simulator))
    writer.write(
        b"GET /v1/ws/projects/demo/logs HTTP/1.1\r\nHost: simulator\r\n"
        b"x-api-key: %b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        % simulator.api_key.encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    await simulator.wait_for_streams(1)
    yield reader
    writer.close()


def _address(simulator: GoliothSimulator) -> tuple[str, int]:
    """Return host and port."""
    host, port = simulator.url.removeprefix("http://").split(":")
    return host, int(port)


async def _log(websocket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """Return the log of the next frame."""
    log: dict[str, Any] = json.loads(await websocket.receive_str())["result"]["data"]
    return log


async def _ends_without_close_frame(websocket: aiohttp.ClientWebSocketResponse) -> bool:
    """Return whether the connection ends next, without close frame."""
    message = await websocket.receive()
    return message.type is WSMsgType.CLOSED and websocket.close_code == 1006


async def _is_silent(websocket: aiohttp.ClientWebSocketResponse) -> bool:
    """Return whether nothing arrives for a while, even pongs."""
    try:
        await websocket.receive(timeout=SILENCE)
    except TimeoutError:
        return True
    return False


# Life cycle


async def test_it_serves_on_loopback_with_a_good_credential(
    simulator: GoliothSimulator, client: Client
) -> None:
    """The project can be read once the simulator has started."""
    assert simulator.url.startswith("http://127.0.0.1:")
    assert (await client.body())["list"][0]["id"] == simulator.project_id


async def test_it_starts_again_on_the_same_port() -> None:
    """It starts again on the same port.

    A second start or stop does nothing.
    """
    simulator = GoliothSimulator()
    await simulator.start()
    url = simulator.url
    await simulator.start()
    await simulator.stop()
    await simulator.stop()
    async with simulator, aiohttp.ClientSession() as session:
        assert simulator.url == url
        await Client(simulator, session).body()


async def test_it_stops_at_once_and_leaves_nothing_behind(
    simulator: GoliothSimulator, client: Client
) -> None:
    """No waiting client delays a stop."""
    before = asyncio.all_tasks()
    stalled = await client.stream()
    simulator.stall()
    stream = await client.stream()
    await client.body()
    simulator.faults.rest_never = simulator.faults.handshake_never = True
    waiting = [
        asyncio.create_task(client.get()),
        asyncio.create_task(client.connect()),
    ]
    await simulator.wait_until(lambda: len(simulator.handshakes) == 3)
    await simulator.wait_until(lambda: len(simulator.requests) == 2)
    loop = asyncio.get_running_loop()
    start = loop.time()
    await simulator.stop()
    assert loop.time() - start < 0.2
    assert asyncio.all_tasks() - before <= set(waiting)
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(answer, aiohttp.ClientError) for answer in answers)
    assert await _ends_without_close_frame(stream)
    assert await _ends_without_close_frame(stalled)


async def test_every_answer_has_the_date_of_its_clock(
    session: aiohttp.ClientSession, clock: Clock
) -> None:
    """Every answer has the service's own time as Date header."""
    async with GoliothSimulator(clock=clock) as simulator:
        client = Client(simulator, session)
        websocket = await client.connect()
        answers = [
            await client.get(),
            await client.get("/unknown"),
            await client.get(headers={}),
        ]
        clock.now += SECOND
        answers.append(await client.get("/demo/logs"))
    assert [answer.status for answer in answers] == [200, 404, 401, 200]
    dates = [parsedate_to_datetime(answer.headers["Date"]) for answer in answers]
    assert [date.timestamp() - NOON // SECOND for date in dates] == [0, 0, 0, 1]
    assert websocket._response.headers["Date"] == answers[0].headers["Date"]


async def test_it_remembers_what_it_was_asked_but_no_credential(
    simulator: GoliothSimulator, client: Client
) -> None:
    """Handshakes and requests are recorded without credentials."""
    await client.stream(filters={"module": "net"})
    await client.get("/demo/logs", {"level": "INFO"})
    (handshake,) = simulator.handshakes
    (request,) = simulator.requests
    assert handshake.path == "/v1/ws/projects/demo/logs"
    assert handshake.query_keys == ("x-api-key", "module")
    assert handshake.status == 101
    assert (request.method, request.path) == ("GET", "/v1/projects/demo/logs")
    assert request.query == {"level": "INFO"}
    assert request.status == 200
    assert simulator.api_key not in repr((handshake, request))


async def test_it_logs_no_credential(
    simulator: GoliothSimulator, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The simulator causes no credential in any log."""
    caplog.set_level(logging.DEBUG)
    websocket = await client.stream()
    await client.get()
    simulator.reset()
    await websocket.receive()
    simulator.faults.rest_status = 500
    await client.get()
    assert simulator.api_key not in caplog.text
    assert "c2ltdWxhdG9y" not in caplog.text


# Credentials


@pytest.mark.parametrize("form", ["x-api-key", "jwt"])
async def test_a_stream_takes_a_credential_in_its_query(
    simulator: GoliothSimulator, client: Client, form: str
) -> None:
    """A stream takes a key or JWT in its query."""
    credential = simulator.api_key if form == "x-api-key" else simulator.jwt()
    await client.connect(query={form: credential})
    await simulator.wait_for_streams(1)


@pytest.mark.parametrize("form", ["x-api-key", "jwt"])
async def test_a_credential_is_taken_in_the_headers(
    simulator: GoliothSimulator, client: Client, form: str
) -> None:
    """REST and streams take a credential in the headers.

    For REST it is the only place, for a stream the one of Golioth's Python client.
    """
    headers = (
        {"x-api-key": simulator.api_key}
        if form == "x-api-key"
        else {"Authorization": f"Bearer {simulator.jwt()}"}
    )
    await client.connect(headers=headers)
    await simulator.wait_for_streams(1)
    assert (await client.get(headers=headers)).status == 200


async def test_a_key_that_is_not_percent_encoded_is_rejected(
    session: aiohttp.ClientSession,
) -> None:
    """A plus sign in a query is a space."""
    async with GoliothSimulator(api_key="a+b/c==") as simulator:
        client = Client(simulator, session)
        good = await client.connect(
            "/v1/ws/projects/demo/logs?x-api-key=a%2Bb%2Fc%3D%3D", query={}
        )
        await simulator.wait_for_streams(1)
        bad = await client.connect(
            "/v1/ws/projects/demo/logs?x-api-key=a+b/c==", query={}
        )
        assert "error" in await bad.receive_json()
        assert not good.closed


async def test_rest_takes_no_credential_in_its_query(
    simulator: GoliothSimulator, client: Client
) -> None:
    """REST does not look for a credential in the query."""
    query = {"x-api-key": simulator.api_key}
    assert (await client.get(query=query, headers={})).status == 401


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c",
        "é.é.é",
        jwt.encode({"iss": "simulator"}, "another secret of thirty-two bytes"),
        jwt.encode({"iss": "another"}, "a secret that is thirty-two bytes"),
        jwt.encode({"iss": "simulator"}, "", algorithm="none"),
        jwt.encode({"sub": "simulator"}, "a secret that is thirty-two bytes"),
    ],
)
async def test_a_bad_jwt_is_rejected(
    session: aiohttp.ClientSession, token: str
) -> None:
    """Both the signature and the issuer are checked."""
    secret = "a secret that is thirty-two bytes"
    async with GoliothSimulator(jwt_secret=secret) as simulator:
        assert jwt.decode(simulator.jwt(), secret, ["HS256"]) == {"iss": "simulator"}
        client = Client(simulator, session)
        for good in (simulator.jwt(), jwt.encode({"iss": "simulator"}, secret)):
            headers = {"Authorization": f"Bearer {good}"}
            assert (await client.get(headers=headers)).status == 200
        websocket = await client.connect(query={"jwt": token})
        assert "error" in await websocket.receive_json()


async def test_a_bad_credential_is_an_error_frame_after_101(client: Client) -> None:
    """The gateway upgrades before it checks anything, as measured."""
    websocket = await client.connect(query={"x-api-key": "bad"})
    assert await websocket.receive_json() == {
        "error": {
            "grpcCode": 16,
            "httpCode": 401,
            "message": "Invalid credentials",
            "httpStatus": "Unauthorized",
            "details": [],
        }
    }
    assert await _ends_without_close_frame(websocket)


async def test_a_bad_credential_can_be_rejected_at_the_handshake(
    simulator: GoliothSimulator, client: Client
) -> None:
    """Other front ends check the credential before they upgrade."""
    simulator.handshake_checks_credential = True
    with pytest.raises(WSServerHandshakeError) as error:
        await client.connect(query={})
    assert error.value.status == 401
    assert simulator.handshakes[0].status == 401


async def test_rest_answers_a_bad_credential_with_401(client: Client) -> None:
    """The error has the form of the contract."""
    answer = await client.get(headers={"x-api-key": "bad"})
    assert answer.status == 401
    assert await answer.json() == {
        "code": 16,
        "message": "Invalid credentials",
        "details": [],
    }


async def test_a_revoked_key_fails_on_the_next_request_but_its_stream_goes_on(
    simulator: GoliothSimulator, client: Client
) -> None:
    """A revoked key fails on the next request.

    A stream that is open already continues.
    """
    websocket = await client.stream()
    simulator.revoke()
    for token in ("x-api-key", "jwt"):
        credential = simulator.api_key if token == "x-api-key" else simulator.jwt()
        rejected = await client.connect(query={token: credential})
        assert (await rejected.receive_json())["error"]["grpcCode"] == 16
    assert (await client.get()).status == 401
    simulator.log("still here")
    assert (await _log(websocket))["message"] == "still here"


async def test_a_key_can_be_restored_or_replaced(
    simulator: GoliothSimulator, client: Client
) -> None:
    """A key can be restored or replaced by another."""
    old = simulator.api_key
    simulator.revoke()
    simulator.restore()
    assert (await client.get()).status == 200
    simulator.restore("new+key==")
    assert simulator.api_key == "new+key=="
    assert (await client.get()).status == 200
    assert (await client.get(headers={"x-api-key": old})).status == 401


@pytest.mark.parametrize(("status", "code"), [(404, 5), (403, 7)])
async def test_an_unknown_project_is_not_found_or_forbidden(
    simulator: GoliothSimulator, client: Client, status: int, code: int
) -> None:
    """A credential opens its own project only."""
    simulator.unknown_project_status = status  # type: ignore[assignment]
    for path in ("/other", "/other/devices", "/other/logs"):
        answer = await client.get(path)
        assert answer.status == status
        assert (await answer.json())["code"] == code
    websocket = await client.connect("/v1/ws/projects/other/logs")
    assert (await websocket.receive_json())["error"]["grpcCode"] == code
    assert await _ends_without_close_frame(websocket)


# Streams


async def test_a_log_reaches_every_stream_in_one_compact_text_frame(
    simulator: GoliothSimulator, client: Client
) -> None:
    """A log goes to every stream in one text frame."""
    streams = [await client.stream() for _ in range(3)]
    sent = simulator.log(
        "Log 1: 33",
        device=GREENHOUSE_NODE,
        level="DEBUG",
        module="main",
        metadata={"index": 214},
        timestamp="2021-12-01T19:14:07.376256912Z",
    )
    for stream in streams:
        assert await stream.receive_str() == (
            '{"result":{"data":{"timestamp":"2021-12-01T19:14:07.376256912Z",'
            '"type":"LOGGING","level":"DEBUG","module":"main","moduleId":"",'
            '"message":"Log 1: 33","metadata":{"index":214},'
            f'"deviceId":"{GREENHOUSE_NODE}"}}}}}}'
        )
    assert sent["deviceId"] == GREENHOUSE_NODE


async def test_a_log_gets_the_time_of_the_clock_in_nanoseconds(
    session: aiohttp.ClientSession, clock: Clock
) -> None:
    """A log without timestamp gets that of its receipt.

    Nothing else is added to it.
    """
    async with GoliothSimulator(clock=clock) as simulator:
        stream = await Client(simulator, session).stream()
        clock.now += 10
        sent = simulator.send({"message": "tick"})
        assert sent == {
            "timestamp": "2023-11-15T12:00:00.000000010Z",
            "message": "tick",
        }
        assert await _log(stream) == sent


async def test_a_log_without_a_readable_timestamp_is_an_error(
    simulator: GoliothSimulator,
) -> None:
    """The service never stores a log without a readable timestamp."""
    for timestamp in ("", "yesterday", "2021-02-30T00:00:00Z", "2021-12-01T19:14:07"):
        with pytest.raises(ValueError):
            simulator.send({"timestamp": timestamp})


async def test_the_published_frames_are_replayed_byte_for_byte(
    simulator: GoliothSimulator, client: Client
) -> None:
    """The published frames are streamed byte for byte.

    REST shows their logs by timestamp.
    """
    stream = await client.stream()
    logs = simulator.replay()
    published = PUBLISHED_FRAMES.read_text().splitlines()
    assert [await stream.receive_str() for _ in logs] == published
    body = await client.body("/demo/logs", {"start": "2021-12-01T00:00:00Z"})
    key = lambda log: log["timestamp"]  # noqa: E731
    assert body["list"] == sorted(logs, key=key, reverse=True)
    assert body["total"] == 6


async def test_any_file_of_frames_can_be_replayed(
    simulator: GoliothSimulator, client: Client, tmp_path: Path
) -> None:
    """A replayed frame is not rewritten."""
    frame = '{ "result": {"data":{"timestamp":"2021-12-01T19:14:07Z"}}}'
    (tmp_path / "frames.ndjson").write_text(frame)
    stream = await client.stream()
    simulator.replay(tmp_path / "frames.ndjson")
    assert await stream.receive_str() == frame


async def test_frames_of_any_content_can_be_sent(
    simulator: GoliothSimulator, client: Client
) -> None:
    """Text and binary frames of any length can be sent."""
    stream = await client.stream()
    for data in ('{"a":1}\n{"b":2}\n', b'{"c":3}', "x" * 126, b"y" * 70_000):
        simulator.send_frame(data)
        message = await stream.receive()
        assert message.data == data
        is_text = isinstance(data, str)
        assert message.type is (WSMsgType.TEXT if is_text else WSMsgType.BINARY)


async def test_integers_and_surrogates_that_orjson_refuses_are_sent(
    simulator: GoliothSimulator, client: Client
) -> None:
    """A device can send whatever JSON can hold."""
    stream = await client.stream()
    sent = simulator.log("\ud800", metadata={"big": 1 << 70})
    assert await _log(stream) == sent
    simulator.timestamp_digits = 3
    (shown,) = (await client.body("/demo/logs"))["list"]
    assert (shown["message"], shown["metadata"]) == ("\ud800", {"big": 1 << 70})


@pytest.mark.parametrize(
    ("path", "filters", "expected"),
    [
        ("", {}, ["a", "b", "c"]),
        ("", {"module": "net"}, ["a", "c"]),
        ("", {"level": "WARN"}, ["b", "c"]),
        ("", {"level": "NONE"}, ["a", "b", "c"]),
        ("", {"level": "WARN", "module": "net"}, ["c"]),
        (f"/devices/{WATER_METER}", {}, ["b"]),
        (f"/devices/{GREENHOUSE_NODE}", {"level": "INFO"}, ["a"]),
    ],
)
async def test_a_stream_holds_what_its_path_and_filters_say(
    simulator: GoliothSimulator,
    client: Client,
    path: str,
    filters: dict[str, str],
    expected: list[str],
) -> None:
    """Levels match exactly, and a number is a level too."""
    stream = await client.stream(f"/v1/ws/projects/demo{path}/logs", filters)
    simulator.log("a", device=GREENHOUSE_NODE, module="net")
    simulator.log("b", device=WATER_METER, level=3)
    simulator.log("c", level="WARN", module="net")
    simulator.send_frame("end")
    received = []
    while (text := await stream.receive_str()) != "end":
        received.append(json.loads(text)["result"]["data"]["message"])
    assert received == expected


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/ws/projects/demo/logs?level=LOUD", 3),
        ("/v1/ws/projects/demo/devices/none/logs", 5),
    ],
)
async def test_a_bad_subscription_is_an_error_frame_after_101(
    simulator: GoliothSimulator, client: Client, path: str, code: int
) -> None:
    """An unknown device or level is an error after 101."""
    key = {"x-api-key": simulator.api_key}
    websocket = await client.connect(path, headers=key)
    assert (await websocket.receive_json())["error"]["grpcCode"] == code
    assert await _ends_without_close_frame(websocket)


async def test_a_path_that_does_not_exist_is_not_found_after_101(
    client: Client,
) -> None:
    """The proxy upgrades any path."""
    websocket = await client.connect("/v1/ws/projects/demo/events")
    assert await websocket.receive_str() == "Not Found"
    assert await _ends_without_close_frame(websocket)


async def test_a_stream_needs_an_upgrade(
    simulator: GoliothSimulator, client: Client
) -> None:
    """A plain request to a WebSocket endpoint is an error."""
    key = {"x-api-key": simulator.api_key}
    answer = await client.get("/../ws/projects/demo/logs", headers=key)
    assert answer.status == 400
    assert simulator.streams == 0


async def test_pings_are_answered(client: Client) -> None:
    """A pong holds what the ping held."""
    stream = await client.stream()
    await stream.ping(b"hello")
    message = await stream.receive()
    assert (message.type, message.data) == (WSMsgType.PONG, b"hello")


async def test_it_pings_when_asked_to(
    simulator: GoliothSimulator, client: Client
) -> None:
    """The service can ping."""
    simulator.faults.ping_interval = 0.01
    stream = await client.stream()
    assert (await stream.receive()).type is WSMsgType.PING
    assert (await stream.receive()).type is WSMsgType.PING


async def test_a_client_can_close_its_stream(
    simulator: GoliothSimulator, client: Client
) -> None:
    """A client's close frame is answered with its code."""
    stream = await client.stream()
    await stream.close(code=1001)
    assert stream.close_code == 1001
    await simulator.wait_for_streams(0)


async def test_a_document_over_64_kib_breaks_the_streams_it_is_for(
    simulator: GoliothSimulator, client: Client
) -> None:
    """A longer document breaks streams, but not REST."""
    stream = await client.stream()
    other = await client.stream(filters={"module": "other"})
    simulator.log("x" * 65_000)
    assert len((await _log(stream))["message"]) == 65_000
    simulator.log("y" * 66_000)
    assert await _ends_without_close_frame(stream)
    assert simulator.streams == 1
    simulator.document_limit = None
    simulator.log("z" * 66_000, module="other")
    assert len((await _log(other))["message"]) == 66_000
    assert len(await client.messages()) == 3


async def test_a_slow_client_delays_no_other_and_is_reset(
    simulator: GoliothSimulator, client: Client, raw: asyncio.StreamReader
) -> None:
    """The queue of a slow client is bounded."""
    simulator.buffer_limit = 1_000_000
    await client.stream()
    quick = await client.stream()
    for number in range(10):
        for _ in range(100):
            simulator.log("x" * 30_000)
        simulator.log(str(number))
        while (await _log(quick))["message"] != str(number):
            pass
    with pytest.raises(ConnectionResetError):
        await raw.read()


async def test_a_client_that_catches_up_gets_everything_in_order(
    simulator: GoliothSimulator, client: Client
) -> None:
    """A client that catches up gets every log in order."""
    stream = await client.stream()
    for number in range(5_000):
        simulator.log(str(number), metadata={"padding": "x" * 2_000})
    received = [(await _log(stream))["message"] for _ in range(5_000)]
    assert received == [str(number) for number in range(5_000)]


# REST


async def test_the_project_is_listed_and_shown(client: Client) -> None:
    """A key sees its one project."""
    body = await client.body()
    assert (body["page"], body["perPage"], body["total"]) == (0, 100, 1)
    (project,) = body["list"]
    assert (project["id"], project["name"]) == ("demo", "Demo project")
    assert project.keys() >= {"organizationId", "createdAt", "updatedAt"}
    assert await client.body("/demo") == {"data": project}


async def test_a_device_is_shown_with_all_its_fields(
    simulator: GoliothSimulator, client: Client
) -> None:
    """A log counts as a report of its device."""
    log = simulator.log("hello", device=GREENHOUSE_NODE)
    device = (await client.body(f"/demo/devices/{GREENHOUSE_NODE}"))["data"]
    assert device.keys() == {
        "id",
        "name",
        "hardwareIds",
        "tagIds",
        "blueprintId",
        "cohortId",
        "enabled",
        "createdAt",
        "updatedAt",
        "metadata",
    }
    assert (device["id"], device["name"]) == (GREENHOUSE_NODE, "greenhouse-node")
    assert device["metadata"]["lastReport"] >= log["timestamp"]
    assert (await client.get("/demo/devices/none")).status == 404


async def test_devices_come_in_pages(
    simulator: GoliothSimulator, client: Client
) -> None:
    """Every device is on one page.

    A page after the last one is empty.
    """
    for number in range(248):
        simulator.add_device(f"device-{number}")
    assert len({device.id for device in simulator.devices.values()}) == 250
    names = []
    for page in range(4):
        body = await client.body("/demo/devices", {"page": str(page)})
        assert (body["page"], body["perPage"], body["total"]) == (page, 100, 250)
        names.append([device["name"] for device in body["list"]])
    assert [len(page) for page in names] == [100, 100, 50, 0]
    assert len(set().union(*names)) == 250


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"deviceName": "water-meter"}, {"water-meter"}),
        ({"deviceName": "water"}, set()),
        ({"term": "METER"}, {"water-meter"}),
        ({"hardwareId": "AA:BB"}, {"pump"}),
        ({"tags": "wet"}, {"pump"}),
        ({"blueprintId": "b1"}, {"pump"}),
        ({"cohortId": "c1"}, {"pump"}),
        ({"enabled": "false"}, {"pump"}),
        ({"enabled": "true", "term": "e"}, {"water-meter", "greenhouse-node"}),
    ],
)
async def test_devices_are_filtered(
    simulator: GoliothSimulator,
    client: Client,
    query: dict[str, str],
    expected: set[str],
) -> None:
    """All filters of the contract work, alone and together."""
    pump = simulator.add_device("pump")
    pump.hardware_ids, pump.tag_ids = ["AA:BB"], ["wet"]
    pump.blueprint_id, pump.cohort_id, pump.enabled = "b1", "c1", False
    body = await client.body("/demo/devices", query)
    assert {device["name"] for device in body["list"]} == expected
    assert body["total"] == len(expected)


async def test_devices_come_and_go(simulator: GoliothSimulator, client: Client) -> None:
    """Device IDs are unique; changes show at once."""
    device = simulator.add_device("pump", "abc")
    with pytest.raises(ValueError):
        simulator.add_device("other", "abc")
    assert (await client.body("/demo/devices/abc"))["data"]["name"] == "pump"
    device.name = "pump-2"
    assert (await client.body("/demo/devices/abc"))["data"]["name"] == "pump-2"
    simulator.remove_device("abc")
    assert (await client.get("/demo/devices/abc")).status == 404


async def test_logs_come_newest_first_and_capped_with_their_total(
    simulator: GoliothSimulator, client: Client
) -> None:
    """Logs have no pages: a page parameter is ignored."""
    for number in range(250):
        simulator.log(str(number))
    body = await client.body("/demo/logs", {"page": "1"})
    messages = [log["message"] for log in body["list"]]
    assert messages == [str(number) for number in range(249, 149, -1)]
    assert (body["page"], body["perPage"], body["total"]) == (0, 100, 250)
    simulator.log_cap = 7
    assert len(await client.messages()) == 7


async def test_late_logs_are_found_in_the_order_of_their_timestamps(
    simulator: GoliothSimulator, client: Client
) -> None:
    """REST sorts by timestamp, not by receipt."""
    for second in (5, 1, 9, 3, 7, 3):
        simulator.log(str(second), timestamp=f"2021-12-01T19:00:0{second}Z")
    messages = await client.messages({"start": "2021-12-01T00:00:00Z"})
    assert messages == ["9", "7", "5", "3", "3", "1"]


async def test_logs_of_one_timestamp_come_newest_received_first(
    session: aiohttp.ClientSession, clock: Clock
) -> None:
    """Their order does not depend on when they were indexed."""
    async with GoliothSimulator(clock=clock) as simulator:
        client = Client(simulator, session)
        simulator.send({"message": "0"}, indexed_after=1)
        timestamp = simulator.log("1")["timestamp"]
        simulator.log("2")
        simulator.send({"message": "3", "timestamp": timestamp}, indexed_after=2)
        simulator.log("4")
        clock.now += 3 * SECOND
        assert await client.messages() == ["4", "3", "2", "1", "0"]


async def test_a_window_without_a_start_is_the_last_four_hours(
    session: aiohttp.ClientSession, clock: Clock
) -> None:
    """The default window goes by the service's clock."""
    async with GoliothSimulator(clock=clock) as simulator:
        client = Client(simulator, session)
        simulator.log("old")
        clock.now += 60 * SECOND
        simulator.log("new")
        clock.now += (4 * 60 - 1) * 60 * SECOND + 1
        assert await client.messages() == ["new"]


@pytest.mark.parametrize(
    ("start_inclusive", "end_inclusive", "expected"),
    [
        (True, False, "21"),
        (True, True, "321"),
        (False, False, "2"),
        (False, True, "32"),
    ],
)
async def test_the_ends_of_a_window_are_inclusive_or_not(
    simulator: GoliothSimulator,
    client: Client,
    start_inclusive: bool,
    end_inclusive: bool,
    expected: str,
) -> None:
    """Each end of a range can be inclusive or exclusive.

    The contract does not say which it is.
    """
    simulator.start_inclusive = start_inclusive
    simulator.end_inclusive = end_inclusive
    for second in range(5):
        simulator.log(str(second), timestamp=f"2021-12-01T19:00:0{second}Z")
    window = {"start": "2021-12-01T19:00:01Z", "end": "2021-12-01T20:00:03+01:00"}
    body = await client.body("/demo/logs", window)
    assert "".join(log["message"] for log in body["list"]) == expected
    assert body["total"] == len(expected)
    window = {"start": window["end"], "end": window["start"]}
    assert (await client.body("/demo/logs", window))["total"] == 0


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"deviceId": GREENHOUSE_NODE}, "ca"),
        ({"deviceId": "none"}, ""),
        ({"module": "net"}, "cb"),
        ({"level": "ERROR"}, "dc"),
        ({"level": "NONE"}, "dcba"),
        ({"term": "OOM"}, "c"),
        ({"tags": "wet"}, "b"),
        ({"deviceId": GREENHOUSE_NODE, "level": "ERROR"}, "c"),
    ],
)
async def test_logs_are_filtered(
    simulator: GoliothSimulator, client: Client, query: dict[str, str], expected: str
) -> None:
    """The total counts the logs that pass the filters."""
    simulator.devices[WATER_METER].tag_ids = ["wet"]
    simulator.log("a", device=GREENHOUSE_NODE)
    simulator.log("b", device=WATER_METER, module="net")
    simulator.log("c: boom", device=GREENHOUSE_NODE, module="net", level="ERROR")
    simulator.log("d", level=4)
    body = await client.body("/demo/logs", query)
    assert "".join(log["message"][0] for log in body["list"]) == expected
    assert body["total"] == len(expected)


async def test_timestamps_can_be_cut_to_milliseconds_in_answers_alone(
    simulator: GoliothSimulator, client: Client
) -> None:
    """Windows and order still go by all nine digits."""
    simulator.timestamp_digits = 3
    for fraction in ("", ".1", ".123456789", ".123999999"):
        simulator.log("", timestamp=f"2021-12-01T19:00:00{fraction}Z")
    window = {"start": "2021-12-01T19:00:00.05Z", "end": "2021-12-01T19:00:00.1235Z"}
    body = await client.body("/demo/logs", window)
    assert [log["timestamp"] for log in body["list"]] == [
        "2021-12-01T19:00:00.123Z",
        "2021-12-01T19:00:00.1Z",
    ]
    simulator.timestamp_digits = 0
    body = await client.body("/demo/logs", window)
    assert body["list"][0]["timestamp"] == "2021-12-01T19:00:00Z"


async def test_a_log_can_be_indexed_late_or_never(
    session: aiohttp.ClientSession, clock: Clock
) -> None:
    """List and total include a log once it is indexed."""
    async with GoliothSimulator(clock=clock) as simulator:
        client = Client(simulator, session)
        stream = await client.stream()
        simulator.send({"message": "never"}, indexed_after=math.inf)
        simulator.send({"message": "late"}, indexed_after=30.0)
        simulator.send({"message": "now"})
        received = [(await _log(stream))["message"] for _ in range(3)]
        assert received == ["never", "late", "now"]
        clock.now += 30 * SECOND - 1
        assert await client.messages() == ["now"]
        clock.now += 1
        body = await client.body("/demo/logs")
        assert [log["message"] for log in body["list"]] == ["now", "late"]
        assert body["total"] == 2


async def test_a_log_can_be_left_out_of_the_streams(
    simulator: GoliothSimulator, client: Client
) -> None:
    """Only REST shows a log that was not streamed."""
    stream = await client.stream()
    simulator.send({"message": "stored"}, streamed=False)
    simulator.log("streamed")
    assert (await _log(stream))["message"] == "streamed"
    assert await client.messages() == ["streamed", "stored"]


async def test_an_hour_of_a_storm_is_searched(
    session: aiohttp.ClientSession, clock: Clock
) -> None:
    """A range is found quickly among very many logs.

    Of all devices, and of one.
    """
    async with GoliothSimulator(clock=clock) as simulator:
        client = Client(simulator, session)
        for number in range(100_000):
            clock.now += SECOND // 200
            simulator.send({"message": "storm", "deviceId": str(number % 50)})
        simulator.send({"message": "late", "timestamp": "2023-11-15T12:00:01Z"})
        query = {"start": "2023-11-15T12:00:00Z"}
        body = await client.body("/demo/logs", query)
        assert body["total"] == 100_001
        query["deviceId"] = "7"
        body = await client.body("/demo/logs", query)
        assert body["total"] == 2_000


async def test_numbers_of_a_list_can_be_text(
    simulator: GoliothSimulator, client: Client
) -> None:
    """Numbers can be text, as gRPC-Gateway prints 64-bit integers."""
    simulator.numbers_as_text = True
    for path in ("", "/demo/devices", "/demo/logs"):
        body = await client.body(path)
        assert (body["page"], body["perPage"]) == ("0", "100")
        assert body["total"] == str(len(body["list"]))


async def test_fields_at_their_default_can_be_absent(
    simulator: GoliothSimulator, client: Client
) -> None:
    """gRPC-Gateway can omit fields at their default."""
    simulator.omit_defaults = True
    assert await client.body("/demo/logs") == {"perPage": 100}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/demo/logs", {"start": "yesterday"}),
        ("/demo/logs", {"end": "2021-12-01T19:00:00 00:00"}),
        ("/demo/logs", {"level": "LOUD"}),
        ("/demo/devices", {"page": "-1"}),
        ("/demo/devices", {"perPage": "101"}),
        ("/demo/devices", {"perPage": "many"}),
        ("/demo/devices", {"enabled": "maybe"}),
    ],
)
async def test_a_bad_parameter_is_an_error(
    client: Client, path: str, query: dict[str, str]
) -> None:
    """The error names the parameter."""
    answer = await client.get(path, query)
    assert answer.status == 400
    body = await answer.json()
    assert (body["code"], body["details"]) == (3, [])
    assert body["message"].endswith(next(iter(query)))


async def test_a_call_reaches_its_device_and_is_answered(
    simulator: GoliothSimulator, client: Client
) -> None:
    """A test answers for the device, at once or later."""
    body = b'{"method":"reboot","params":[5]}'
    answer = await client.rpc(WATER_METER, body)
    assert await answer.json() == {"statusCode": 0, "detail": {}}
    device = simulator.devices[WATER_METER]
    call = RpcCall(device=device, method="reboot", params=[5])
    assert simulator.rpc_calls == [call]

    simulator.on_rpc = lambda call: {"statusCode": 3, "detail": call.method}
    answer = await client.rpc(WATER_METER, body)
    assert await answer.json() == {"statusCode": 3, "detail": "reboot"}

    async def answer_later(call: RpcCall) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"statusCode": 0, "detail": call.params}

    simulator.on_rpc = answer_later
    answer = await client.rpc(WATER_METER, body)
    assert await answer.json() == {"statusCode": 0, "detail": [5]}


async def test_a_call_ends_where_its_device_does_not_answer(
    simulator: GoliothSimulator, client: Client
) -> None:
    """A call times out as requested, or by default."""

    async def answer_late(_call: RpcCall) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"statusCode": 0}

    simulator.rpc_timeout = 0.01
    simulator.on_rpc = answer_late
    answer = await client.rpc(WATER_METER, b'{"method":"reboot"}')
    assert answer.status == 504
    assert (await answer.json())["code"] == GrpcCode.DEADLINE_EXCEEDED
    # A 64-bit integer may be text.
    for timeout in (b"1", b'"1"'):
        body = b'{"method":"reboot","timeout":%s}' % timeout
        assert (await client.rpc(WATER_METER, body)).status == 200
    assert [call.timeout for call in simulator.rpc_calls] == [None, 1, 1]


async def test_a_call_that_cannot_be_made_is_an_error(
    simulator: GoliothSimulator, client: Client
) -> None:
    """An unknown ID or a bad body calls no device."""
    assert (await client.rpc("none", b'{"method":"reboot"}')).status == 404
    for body in (b"", b"[]", b"{}", b"reboot", b'{"method":"a","timeout":"soon"}'):
        assert (await client.rpc(WATER_METER, body)).status == 400
    assert not simulator.rpc_calls


# Faults of open streams


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 1013])
async def test_streams_are_dropped_with_a_close_code(
    simulator: GoliothSimulator, client: Client, code: int
) -> None:
    """Logs sent before a close frame arrive before it."""
    stream = await client.stream()
    simulator.log("before")
    dropped = asyncio.create_task(simulator.drop(code))
    await _log(stream)
    message = await stream.receive()
    assert (message.type, message.data) == (WSMsgType.CLOSE, code)
    await dropped
    assert simulator.streams == 0


async def test_streams_are_dropped_without_a_close_frame(
    simulator: GoliothSimulator, client: Client
) -> None:
    """The client sees 1006, as when the service ends streams."""
    stream = await client.stream()
    simulator.log("before")
    await simulator.drop(None)
    await _log(stream)
    assert await _ends_without_close_frame(stream)
    assert simulator.streams == 0


async def test_a_drop_ends_streams_whose_client_does_not_answer(
    simulator: GoliothSimulator, raw: asyncio.StreamReader
) -> None:
    """A client that ignores the close frame is disconnected."""
    await simulator.drop(1012)
    assert await raw.read() == b"\x88\x02\x03\xf4"


async def test_streams_are_reset(
    simulator: GoliothSimulator, raw: asyncio.StreamReader
) -> None:
    """The client's socket reports a reset, not an end."""
    simulator.reset()
    assert simulator.streams == 0
    with pytest.raises(ConnectionResetError):
        await raw.read()


async def test_streams_are_reset_in_the_middle_of_a_frame(
    simulator: GoliothSimulator, raw: asyncio.StreamReader
) -> None:
    """The header announces more bytes than arrive."""
    simulator.reset_mid_frame()
    header = await raw.readexactly(4)
    assert header[0] == 0x81
    with pytest.raises(ConnectionResetError):
        await raw.readexactly(int.from_bytes(header[2:]))


async def test_a_stalled_stream_is_silent_until_it_is_resumed(
    simulator: GoliothSimulator, client: Client
) -> None:
    """A stalled stream is silent, and catches up once resumed."""
    simulator.faults.ping_interval = SILENCE / 2
    stalled = await client.stream()
    simulator.stall()
    assert simulator.streams == 0
    simulator.faults.clear()
    healthy = await client.stream()
    simulator.log("during")
    assert (await _log(healthy))["message"] == "during"
    await stalled.ping()
    assert await _is_silent(stalled)
    assert simulator.streams == 1
    simulator.resume()
    assert simulator.streams == 2
    simulator.log("after")
    received: list[str] = []
    while len(received) < 3:
        message = await stalled.receive()
        if message.type is WSMsgType.TEXT:
            received.append(json.loads(message.data)["result"]["data"]["message"])
        elif message.type is WSMsgType.PONG:
            received.append("pong")
    assert sorted(received) == ["after", "during", "pong"]


async def test_a_stalled_stream_does_not_notice_that_its_client_leaves(
    simulator: GoliothSimulator, client: Client
) -> None:
    """A stalled stream notices its client's end once resumed.

    It is not counted before.
    """
    stream = await client.stream()
    simulator.stall()
    closing = asyncio.create_task(stream.close())
    other = await client.stream()
    assert simulator.streams == 1
    simulator.resume()
    await closing
    await simulator.wait_for_streams(1)
    assert not other.closed


async def test_a_stalled_stream_that_overflowed_is_reset_when_it_is_resumed(
    simulator: GoliothSimulator, raw: asyncio.StreamReader
) -> None:
    """Nothing reaches the client before the reset."""
    simulator.stall()
    simulator.buffer_limit = 1_000
    for _ in range(3):
        simulator.log("x" * 1_000)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SILENCE):
            await raw.read()
    simulator.resume()
    with pytest.raises(ConnectionResetError):
        await raw.read()
    await simulator.wait_for_streams(0)


async def test_a_stalled_stream_can_be_dropped(
    simulator: GoliothSimulator, client: Client
) -> None:
    """Dropping a stalled stream discards its queue."""
    stream = await client.stream()
    simulator.stall()
    simulator.log("lost")
    await simulator.drop(None)
    assert await _ends_without_close_frame(stream)


async def test_a_muted_stream_answers_pings_and_loses_logs(
    simulator: GoliothSimulator, client: Client
) -> None:
    """A muted stream looks alive; only REST has its logs."""
    muted = await client.stream()
    simulator.mute()
    healthy = await client.stream()
    simulator.log("lost")
    await muted.ping()
    assert (await muted.receive()).type is WSMsgType.PONG
    assert (await _log(healthy))["message"] == "lost"
    simulator.resume()
    simulator.log("after")
    assert (await _log(muted))["message"] == "after"
    assert await client.messages() == ["after", "lost"]


async def test_garbage_is_sent_on_demand(
    simulator: GoliothSimulator, client: Client
) -> None:
    """Every garbage frame arrives unchanged."""
    stream = await client.stream()
    simulator.send_garbage()
    for frame in GARBAGE_FRAMES:
        assert (await stream.receive()).data == frame


async def test_garbage_follows_every_so_many_logs(
    simulator: GoliothSimulator, client: Client
) -> None:
    """The garbage frames follow one another."""
    stream = await client.stream()
    simulator.faults.garbage = 2
    for number in range(4):
        simulator.log(str(number))
    frames = [(await stream.receive()).data for _ in range(6)]
    assert (frames[2], frames[5]) == GARBAGE_FRAMES[:2]


@pytest.mark.parametrize("frame", GARBAGE_FRAMES, ids=range(len(GARBAGE_FRAMES)))
def test_no_garbage_holds_a_log_an_error_or_a_retired_endpoint(
    frame: str | bytes,
) -> None:
    """A client may ignore every garbage frame."""
    assert frame != "Not Found"
    # Some clients accept bytes that are not UTF-8, and replace them.
    text = frame if isinstance(frame, str) else frame.decode(errors="replace")
    try:
        document = json.loads(text)
    except ValueError, RecursionError:
        return
    assert not isinstance(document, dict) or "error" not in document
    match document:
        case {"result": {"data": dict(log)}}:
            # Only the standard library's parser accepts this much.
            with pytest.raises(orjson.JSONDecodeError):
                orjson.loads(text)
            assert not log


# Faults of handshakes


@pytest.mark.parametrize(
    "status", [401, 403, 404, 405, 410, 426, 429, 500, 501, 502, 503, 200]
)
async def test_a_handshake_is_answered_with_any_status(
    simulator: GoliothSimulator, client: Client, status: int
) -> None:
    """Only the WebSocket fails, until the fault is cleared."""
    simulator.faults.handshake_status = status
    simulator.faults.handshake_headers = {"Retry-After": "7"}
    with pytest.raises(WSServerHandshakeError) as error:
        await client.connect()
    assert error.value.status == status
    assert error.value.headers is not None
    assert error.value.headers["Retry-After"] == "7"
    assert simulator.handshakes[0].status == status
    assert (await client.get()).status == 200
    simulator.faults.clear()
    await client.stream()


async def test_a_refused_handshake_has_a_json_an_html_or_any_body(
    simulator: GoliothSimulator, session: aiohttp.ClientSession
) -> None:
    """The service answers in JSON, a proxy in HTML."""
    url = f"{simulator.url}/v1/ws/projects/demo/logs"
    simulator.faults.handshake_status = 503
    async with session.get(url) as answer:
        assert await answer.json() == {
            "code": 14,
            "message": "Service Unavailable",
            "details": [],
        }
    simulator.faults.handshake_body = "closed"
    async with session.get(url) as answer:
        assert await answer.text() == "closed"
    simulator.faults.handshake_html = True
    async with session.get(url) as answer:
        assert answer.content_type == "text/html"
        assert "503 Service Unavailable" in await answer.text()


async def test_a_handshake_is_never_answered(
    simulator: GoliothSimulator, client: Client
) -> None:
    """The connection is accepted and stays silent."""
    simulator.faults.handshake_never = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SILENCE):
            await client.connect()
    (handshake,) = simulator.handshakes
    assert handshake.status is None
    assert simulator.streams == 0


async def test_a_handshake_is_answered_late(
    simulator: GoliothSimulator, client: Client
) -> None:
    """Apart from the delay, the handshake succeeds."""
    simulator.faults.answer_late = SILENCE
    loop = asyncio.get_running_loop()
    start = loop.time()
    await client.stream()
    assert loop.time() - start >= SILENCE


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_handshakes_and_requests_are_redirected_with_their_credential(
    simulator: GoliothSimulator, session: aiohttp.ClientSession, status: int
) -> None:
    """A client that followed would leak its credential elsewhere."""
    simulator.faults.redirect_to = "http://127.0.0.1:9"
    simulator.faults.redirect_status = status
    for path in (
        "/v1/ws/projects/demo/logs?x-api-key=a%2Bb&module=net",
        "/v1/projects",
    ):
        async with session.get(simulator.url + path, allow_redirects=False) as answer:
            assert answer.status == status
            assert answer.headers["Location"] == f"http://127.0.0.1:9{path}"
    assert [handshake.status for handshake in simulator.handshakes] == [status]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            grpc_error_v1(GrpcCode.UNAVAILABLE, 503, "gone"),
            (
                '{"error":{"grpcCode":14,"httpCode":503,"message":"gone",'
                '"httpStatus":"Service Unavailable","details":[]}}'
            ),
        ),
        (
            grpc_error_v2(8, "slow down"),
            '{"error":{"code":8,"message":"slow down","details":[]}}',
        ),
        ("any text", "any text"),
    ],
)
async def test_an_error_is_sent_in_band_after_101(
    simulator: GoliothSimulator,
    client: Client,
    error: dict[str, Any] | str,
    text: str,
) -> None:
    """Both gateway envelopes and any text can be sent."""
    simulator.faults.in_band_error = error
    websocket = await client.connect()
    assert await websocket.receive_str() == text
    assert await _ends_without_close_frame(websocket)
    assert simulator.handshakes[0].status == 101


async def test_not_found_is_sent_in_band_after_101(
    simulator: GoliothSimulator, client: Client
) -> None:
    """The frame is that of an unknown path."""
    simulator.faults.not_found_after_101 = True
    websocket = await client.connect()
    assert await websocket.receive_str() == "Not Found"
    assert await _ends_without_close_frame(websocket)


@pytest.mark.parametrize("form", Retirement)
async def test_the_websocket_is_retired_and_brought_back(
    simulator: GoliothSimulator, client: Client, form: Retirement
) -> None:
    """Every form ends open streams and leaves REST alone."""
    stream = await client.stream()
    simulator.retire(form)
    assert simulator.streams == 0
    assert await _ends_without_close_frame(stream)
    try:
        retired = await client.connect()
    except WSServerHandshakeError as error:
        answer = str(error.status)
    else:
        answer = await retired.receive_str()
        assert await _ends_without_close_frame(retired)
    assert {
        Retirement.HTTP_404: "404",
        Retirement.HTTP_405: "405",
        Retirement.HTTP_410: "410",
        Retirement.HTTP_426: "426",
        Retirement.HTTP_501: "501",
        Retirement.PLAIN_200: "200",
        Retirement.NOT_FOUND_AFTER_101: "Not Found",
        Retirement.GRPC_UNIMPLEMENTED: '{"error":{"grpcCode":12,"httpCode":501,'
        '"message":"Method not implemented","httpStatus":"Not Implemented",'
        '"details":[]}}',
        Retirement.REJECTED_AT_HANDSHAKE: "401",
        Retirement.REJECTED_AFTER_101: '{"error":{"grpcCode":16,"httpCode":401,'
        '"message":"Invalid credentials","httpStatus":"Unauthorized","details":[]}}',
    }[form] == answer
    assert (await client.get()).status == 200
    simulator.unretire()
    await client.stream()


async def test_connections_are_refused_and_accepted_again(
    simulator: GoliothSimulator, client: Client
) -> None:
    """Open streams continue; a kept-alive connection does not."""
    stream = await client.stream()
    await client.get()
    await simulator.refuse()
    for attempt in (client.get, client.connect):
        with pytest.raises(aiohttp.ClientConnectorError):
            await attempt()
    simulator.log("streamed")
    assert (await _log(stream))["message"] == "streamed"
    await simulator.accept()
    await client.stream()
    assert await client.messages() == ["streamed"]


# Faults of REST


@pytest.mark.parametrize(
    ("status", "code"), [(403, 7), (429, 8), (500, 13), (501, 12), (503, 14), (504, 4)]
)
async def test_rest_answers_with_any_status(
    simulator: GoliothSimulator, client: Client, status: int, code: int
) -> None:
    """The error follows the contract, and streams still work."""
    simulator.faults.rest_status = status
    simulator.faults.rest_headers = {"Retry-After": "7"}
    answer = await client.get("/demo/logs")
    assert answer.status == status
    assert answer.headers["Retry-After"] == "7"
    body = await answer.json()
    assert body.keys() == {"code", "message", "details"}
    assert body["code"] == code
    await client.stream()


@pytest.mark.parametrize("status", [None, 403, 502])
async def test_rest_answers_with_html(
    simulator: GoliothSimulator, client: Client, status: int | None
) -> None:
    """A proxy's HTML page can have any status."""
    simulator.faults.rest_html = True
    simulator.faults.rest_status = status
    answer = await client.get()
    assert answer.status == (status or 200)
    assert answer.content_type == "text/html"


async def test_rest_answers_late(simulator: GoliothSimulator, client: Client) -> None:
    """Apart from the delay, the request succeeds."""
    simulator.faults.rest_delay = SILENCE
    loop = asyncio.get_running_loop()
    start = loop.time()
    assert (await client.get()).status == 200
    assert loop.time() - start >= SILENCE


async def test_rest_never_answers(simulator: GoliothSimulator, client: Client) -> None:
    """The request stays open until the client leaves."""
    simulator.faults.rest_never = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SILENCE):
            await client.get()
    assert simulator.requests[0].status is None
    simulator.faults.clear()
    assert (await client.get()).status == 200


async def test_rest_serves_a_request_and_is_cut_off(
    simulator: GoliothSimulator, client: Client
) -> None:
    """The client cannot know that its request was carried out."""
    simulator.faults.rest_cut = True
    with pytest.raises(aiohttp.ClientError):
        await client.rpc(WATER_METER, b'{"method":"reboot"}')
    assert [call.method for call in simulator.rpc_calls] == ["reboot"]


async def test_rest_ignores_the_bounds_of_logs(
    simulator: GoliothSimulator, client: Client
) -> None:
    """Start and end change nothing."""
    for number in range(150):
        simulator.log(str(number))
    simulator.faults.log_bounds_ignored = True
    query = {"start": "2020-01-01T00:00:00Z", "end": "2020-01-01T00:00:01Z"}
    body = await client.body("/demo/logs", query)
    assert [log["message"] for log in body["list"]] == [
        str(number) for number in range(149, 49, -1)
    ]


@pytest.mark.parametrize("total", [0, 7])
async def test_rest_counts_logs_wrong(
    simulator: GoliothSimulator, client: Client, total: int
) -> None:
    """The total can be any number."""
    simulator.log("one")
    simulator.faults.log_total = total
    body = await client.body("/demo/logs")
    assert len(body["list"]) == 1
    assert body["total"] == total


def test_all_faults_are_off_once_cleared() -> None:
    """No fault remains after clearing."""
    faults = Faults(handshake_status=404, garbage=True, rest_headers={"a": "b"})
    faults.clear()
    assert faults == Faults()


# The generator and the process


async def test_plausible_logs_come_at_the_chosen_rate(
    simulator: GoliothSimulator, client: Client
) -> None:
    """Devices, modules and levels are mixed."""
    stream = await client.stream()
    loop = asyncio.get_running_loop()
    async with simulator.generating(rate=500, seed=1):
        start = loop.time()
        logs = [await _log(stream) for _ in range(100)]
        assert 0.15 < loop.time() - start < 1
    assert {log["module"] for log in logs} == {"sensor", "net", "power", "ota"}
    assert {log["level"] for log in logs} == {"DEBUG", "INFO", "WARN", "ERROR"}
    assert {log["deviceId"] for log in logs} == set(simulator.devices)
    assert all(log["metadata"]["func"] for log in logs)


def test_plausible_logs_are_the_same_for_the_same_seed() -> None:
    """The same seed gives the same logs."""
    first, second, other = (LogGenerator(seed) for seed in (1, 1, 2))
    logs = [first.draw() for _ in range(50)]
    assert logs == [second.draw() for _ in range(50)]
    assert logs != [other.draw() for _ in range(50)]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_it_runs_as_a_process_that_replays_and_ends_cleanly(
    session: aiohttp.ClientSession, ending: signal.Signals
) -> None:
    """The process prints its address, replays and exits cleanly.

    It replays each time the first stream opens.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.simulator", "--rate", "0", "--replay"),
        *("--project-id", "plant", "--api-key", "a+b=="),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    assert (ready["project_id"], ready["api_key"]) == ("plant", "a+b==")
    key = {"x-api-key": "a+b=="}
    published = PUBLISHED_FRAMES.read_text().splitlines()
    for _ in range(2):
        async with session.ws_connect(
            f"{ready['url']}/v1/ws/projects/plant/logs", params=key
        ) as websocket:
            assert [await websocket.receive_str() for _ in published] == published
            assert await _is_silent(websocket)
    async with session.get(
        f"{ready['url']}/v1/projects/plant/devices", headers=key
    ) as answer:
        devices = (await answer.json())["list"]
    assert {device["id"]: device["name"] for device in devices} == {
        GREENHOUSE_NODE: "greenhouse-node",
        WATER_METER: "water-meter",
    }
    process.send_signal(ending)
    output, errors = await process.communicate()
    assert (process.returncode, output, errors) == (0, b"", b"")
