"""Test the REST client against the simulated service."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
import socket
from typing import Any

import aiohttp
from aiohttp import web
import pytest

from custom_components.golioth.client import answers, rest as rest_module
from custom_components.golioth.client.endpoint import Credential, Endpoint
from custom_components.golioth.client.exceptions import (
    GoliothAuthenticationError,
    GoliothConnectionError,
    GoliothError,
    GoliothNotFoundError,
    GoliothResponseError,
    GoliothStatusError,
    GoliothTimeoutError,
    GoliothTooManyRequestsError,
    GoliothUnreachableError,
    GoliothUnreadableError,
)
from custom_components.golioth.client.rest import GoliothRest
from custom_components.golioth.client.wire import HttpWire
from tests import WATER_METER
from tests.simulator import GoliothSimulator, RpcCall

from .raw_service import raw_service, silence


@pytest.mark.parametrize("kind", ["api_key", "jwt"])
async def test_project(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint_with: Callable[[str], Endpoint],
    kind: str,
) -> None:
    """An API key and a JWT can read a project."""
    secret = simulator.api_key if kind == "api_key" else simulator.jwt()
    rest = GoliothRest(HttpWire(session), endpoint_with(secret))
    assert await rest.project() == ("demo", "Demo project")
    assert await rest.projects() == [("demo", "Demo project")]


@pytest.mark.parametrize("numbers_as_text", [False, True])
@pytest.mark.parametrize("omit_defaults", [False, True])
@pytest.mark.parametrize("number", [0, 1, 100, 101, 250])
async def test_devices_of_every_page(
    simulator: GoliothSimulator,
    rest: GoliothRest,
    number: int,
    numbers_as_text: bool,
    omit_defaults: bool,
) -> None:
    """All pages of the list are read, in few requests."""
    simulator.numbers_as_text = numbers_as_text
    simulator.omit_defaults = omit_defaults
    for device_id in list(simulator.devices):
        simulator.remove_device(device_id)
    for index in range(number):
        simulator.add_device(f"device-{index}")
    devices, is_complete = await rest.devices()
    assert is_complete
    assert set(devices) == set(simulator.devices)
    assert {device.name for device in devices.values()} == {
        f"device-{index}" for index in range(number)
    }
    assert len(simulator.requests) <= max(1, -(-number // 100)) + 1


@pytest.mark.parametrize(("total", "is_complete"), [(250, True), (251, False)])
async def test_devices_with_a_wrong_total(
    simulator: GoliothSimulator, rest: GoliothRest, total: int, is_complete: bool
) -> None:
    """A list is complete only if its total agrees."""
    for index in range(248):
        simulator.add_device(f"device-{index}")
    simulator.faults.device_total = total
    listed = await rest.devices()
    assert len(listed.devices) == 250
    assert listed.is_complete is is_complete


async def test_devices_without_end(
    monkeypatch: pytest.MonkeyPatch, simulator: GoliothSimulator, rest: GoliothRest
) -> None:
    """An endless list is cut, and reported as incomplete."""
    monkeypatch.setattr(rest_module, "MAX_DEVICES", 200)
    for index in range(998):
        simulator.add_device(f"device-{index}")
    listed = await rest.devices()
    assert len(listed.devices) == 200
    assert not listed.is_complete
    assert len(simulator.requests) == 2


async def test_rejected_credential(
    simulator: GoliothSimulator, rest: GoliothRest
) -> None:
    """A deleted key is rejected by the next request."""
    simulator.revoke()
    with pytest.raises(GoliothAuthenticationError):
        await rest.project()


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, GoliothNotFoundError), (403, GoliothAuthenticationError)],
)
async def test_project_that_the_key_does_not_open(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    status: int,
    error: type[GoliothError],
) -> None:
    """Not found and permission denied raise different errors."""
    simulator.unknown_project_status = status  # type: ignore[assignment]
    endpoint = Endpoint(simulator.url, "other", Credential(simulator.api_key))
    with pytest.raises(error):
        await GoliothRest(HttpWire(session), endpoint).project()


@pytest.mark.parametrize(
    ("status", "html", "error"),
    [
        (401, False, GoliothAuthenticationError),
        (401, True, GoliothAuthenticationError),
        (403, True, GoliothResponseError),
        (404, False, GoliothNotFoundError),
        (404, True, GoliothResponseError),
        (429, False, GoliothTooManyRequestsError),
        (429, True, GoliothTooManyRequestsError),
        (500, False, GoliothStatusError),
        (502, True, GoliothStatusError),
        (503, False, GoliothStatusError),
        (None, True, GoliothResponseError),
    ],
)
async def test_failing_answers(
    simulator: GoliothSimulator,
    rest: GoliothRest,
    status: int | None,
    html: bool,
    error: type[GoliothError],
) -> None:
    """Failures on the way differ from a rejection."""
    simulator.faults.rest_status = status
    simulator.faults.rest_html = html
    with pytest.raises(error) as caught:
        await rest.project()
    assert type(caught.value) is error
    simulator.faults.clear()
    assert await rest.project()


async def test_service_that_asks_to_wait(
    simulator: GoliothSimulator, rest: GoliothRest
) -> None:
    """The error has the time of Retry-After."""
    simulator.faults.rest_status = 429
    simulator.faults.rest_headers = {"Retry-After": "17"}
    with pytest.raises(GoliothConnectionError) as caught:
        await rest.project()
    assert caught.value.retry_after == 17


@pytest.mark.parametrize(
    ("date", "time_s"),
    [
        ("Mon, 23 Nov 2026 12:00:00 GMT", 1795435200),
        ("Mon, 23 Nov 2026 12:00:00 -0000", None),
        ("a Monday", None),
    ],
)
async def test_time_of_the_service(
    session: aiohttp.ClientSession, aiohttp_server: Any, date: str, time_s: int | None
) -> None:
    """The service's time is what two answers agree on.

    A date without a time zone is ignored.
    """

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(
            {"data": {"id": "demo", "name": "Demo project"}}, headers={"Date": date}
        )

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    server = await aiohttp_server(application)
    rest = GoliothRest(
        HttpWire(session),
        Endpoint(f"http://{server.host}:{server.port}", "demo", Credential("key")),
    )
    times = []
    for _ in range(2):
        await rest.project()
        times.append(rest.server_time_ns)
    # The clock goes on, so compare minutes.
    assert [time_ns and time_ns // 60_000_000_000 * 60 for time_ns in times] == [
        None,
        time_s,
    ]


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 20 Nov 9999999999 12:00:00 GMT",
        "Mon, 20 Nov 2026 12:00:00 +999999999999",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Thu, 01 Jan 0001 00:00:00 GMT",
        ",",
        "",
    ],
)
@pytest.mark.parametrize("parser_error", [None, OverflowError, TypeError])
async def test_date_that_is_no_date(
    monkeypatch: pytest.MonkeyPatch,
    session: aiohttp.ClientSession,
    date: str,
    parser_error: type[Exception] | None,
) -> None:
    """An answer is valid despite an invalid date.

    Whatever Python's parser raises.
    """
    if parser_error is not None:

        def parse(_text: str) -> None:
            raise parser_error

        monkeypatch.setattr(answers, "parsedate_to_datetime", parse)
    body = b'{"data":{"id":"demo","name":"Demo project"}}'
    answer = (
        f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    async with raw_service(silence, answer=answer) as url:
        rest = GoliothRest(HttpWire(session), Endpoint(url, "demo", Credential("key")))
        assert await rest.project() == ("demo", "Demo project")
    assert rest.server_time_ns is None


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b'{"list":["%s"]}', GoliothUnreadableError),
        (200, b"%s", GoliothUnreadableError),
        (401, b'{"code":16,"message":"%s"}', GoliothAuthenticationError),
        (404, b"%s", GoliothResponseError),
        (503, b"%s", GoliothStatusError),
    ],
)
async def test_answer_that_is_too_long(
    session: aiohttp.ClientSession,
    status: int,
    body: bytes,
    error: type[GoliothError],
) -> None:
    """An answer that is too long is unreadable.

    An error is identified by its status.
    """
    body = body % (b"x" * (2 * 1024 * 1024 + 1))
    answer = f"HTTP/1.1 {status} S\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with raw_service(silence, answer=answer + body) as url:
        rest = GoliothRest(HttpWire(session), Endpoint(url, "demo", Credential("key")))
        with pytest.raises(GoliothError) as caught:
            await rest.logs()
    assert type(caught.value) is error


async def test_answer_of_two_mebibytes(session: aiohttp.ClientSession) -> None:
    """An answer just below the limit is read."""
    log = b'{"timestamp":"2026-11-23T12:00:00Z","message":"%s"}' % (b"x" * 20_000)
    body = b'{"list":[' + b",".join([log] * 100) + b"]}"
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with raw_service(silence, answer=answer + body) as url:
        rest = GoliothRest(HttpWire(session), Endpoint(url, "demo", Credential("key")))
        window = await rest.logs()
    assert len(window.entries) == 100


async def test_logs_without_a_time(session: aiohttp.ClientSession) -> None:
    """Untimed logs and other items are separated and counted."""
    listed = [
        '{"timestamp":"2026-11-23T12:00:01Z","message":"b"}',
        '{"timestamp":"soon","message":"untimed"}',
        "1",
        "{}",
        '{"timestamp":"2026-11-23T12:00:00Z","message":"a"}',
    ]
    body = f'{{"list":[{",".join(listed)}],"total":"5","perPage":"5"}}'
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    async with raw_service(silence, answer=answer.encode()) as url:
        rest = GoliothRest(HttpWire(session), Endpoint(url, "demo", Credential("key")))
        window = await rest.logs()
    assert [entry.message for entry in window.entries] == ["a", "b"]
    assert [entry.message for entry in window.untimed] == ["untimed"]
    assert window.bad == 2
    assert window.is_full


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(
    simulator: GoliothSimulator, rest: GoliothRest, status: int
) -> None:
    """The credential is not sent to another origin."""
    async with GoliothSimulator() as other:
        simulator.faults.redirect_to = other.url
        simulator.faults.redirect_status = status
        with pytest.raises(GoliothResponseError):
            await rest.project()
        assert not other.requests


async def test_service_that_is_too_slow(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, endpoint: Endpoint
) -> None:
    """A request has a timeout."""
    simulator.faults.rest_never = True
    with pytest.raises(GoliothConnectionError, match="in time"):
        await GoliothRest(HttpWire(session), endpoint, timeout=0.1).project()


async def test_service_that_is_not_there(
    simulator: GoliothSimulator, rest: GoliothRest
) -> None:
    """A refused connection raises a connection error."""
    await simulator.stop()
    with pytest.raises(GoliothConnectionError):
        await rest.project()


async def test_logs_of_a_module_with_a_term(
    simulator: GoliothSimulator, rest: GoliothRest
) -> None:
    """Filters are sent to the service, percent-encoded."""
    simulator.log("a & b", module="x=y", level="WARN")
    simulator.log("a", module="x=y", level="WARN")
    simulator.log("a & b", module="x", level="WARN")
    window = await rest.logs(level="warn", module="x=y", term="a & b")
    assert [entry.message for entry in window.entries] == ["a & b"]
    assert [entry.module for entry in window.entries] == ["x=y"]


@pytest.mark.parametrize(
    "params", [[], [1, 2.5, "text", True, None], [{"a": [1]}], ["ä\n\u2028"]]
)
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"statusCode": 0, "detail": {"value": 1337}}, (0, {"value": 1337})),
        ({"statusCode": 0, "detail": [1, "a", None]}, (0, [1, "a", None])),
        ({"statusCode": "3", "detail": "bad"}, (3, "bad")),
        ({"statusCode": 12}, (12, None)),
        ({"statusCode": 99, "detail": ""}, (99, "")),
        ({"detail": {}}, (0, {})),
        ({}, (0, None)),
    ],
)
async def test_call(
    simulator: GoliothSimulator,
    rest: GoliothRest,
    params: list[Any],
    answer: dict[str, Any],
    expected: tuple[int, Any],
) -> None:
    """A device is called once, and any answer returned."""
    simulator.on_rpc = lambda _call: answer
    assert await rest.call_rpc(WATER_METER, "reboot", params, timeout=5) == expected
    device = simulator.devices[WATER_METER]
    assert simulator.rpc_calls == [
        RpcCall(device=device, method="reboot", params=params, timeout=5)
    ]
    assert len(simulator.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "soon"},
        {"statusCode": None},
        {"statusCode": -1},
        {"statusCode": "9" * 400},
        {"statusCode": 0, "detail": "x" * 100_000},
    ],
)
async def test_call_that_is_answered_with_nonsense(
    simulator: GoliothSimulator, rest: GoliothRest, answer: dict[str, Any]
) -> None:
    """An invalid answer raises, and the device may have acted."""
    simulator.on_rpc = lambda _call: answer
    with pytest.raises(GoliothResponseError) as caught:
        await rest.call_rpc(WATER_METER, "reboot", [], timeout=5)
    assert not caught.value.nothing_done


async def test_call_that_is_answered_with_deep_nesting(
    simulator: GoliothSimulator, rest: GoliothRest
) -> None:
    """An answer that Home Assistant could not write is invalid."""
    detail: Any = 0
    for _ in range(245):
        detail = [detail]
    simulator.on_rpc = lambda _call: {"statusCode": 0, "detail": detail}
    with pytest.raises(GoliothResponseError):
        await rest.call_rpc(WATER_METER, "reboot", [], timeout=5)


@pytest.mark.parametrize("kind", ["api_key", "jwt"])
@pytest.mark.parametrize("status_code", [0, 13])
async def test_call_that_is_answered_with_the_credential(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint_with: Callable[[str], Endpoint],
    kind: str,
    status_code: int,
) -> None:
    """An answer that echoes the credential is not shown."""
    secret = simulator.api_key if kind == "api_key" else simulator.jwt()
    simulator.on_rpc = lambda _call: {
        "statusCode": status_code,
        "detail": {"echo": [f"got {secret}!"]},
    }
    rest = GoliothRest(HttpWire(session), endpoint_with(secret))
    with pytest.raises(GoliothResponseError) as caught:
        await rest.call_rpc(WATER_METER, "reboot", [], timeout=5)
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "html", "error", "nothing_done"),
    [
        (400, False, GoliothStatusError, True),
        (401, False, GoliothAuthenticationError, None),
        (403, False, GoliothAuthenticationError, None),
        (403, True, GoliothResponseError, True),
        (404, False, GoliothNotFoundError, None),
        (404, True, GoliothResponseError, True),
        (408, False, GoliothStatusError, False),
        (408, True, GoliothResponseError, False),
        (429, False, GoliothTooManyRequestsError, True),
        (429, True, GoliothTooManyRequestsError, True),
        (500, False, GoliothStatusError, False),
        (502, True, GoliothStatusError, False),
        (503, False, GoliothStatusError, False),
        (504, False, GoliothTimeoutError, False),
        (504, True, GoliothStatusError, False),
        (None, True, GoliothResponseError, False),
    ],
)
async def test_call_that_the_service_does_not_answer(
    simulator: GoliothSimulator,
    rest: GoliothRest,
    status: int | None,
    html: bool,
    error: type[GoliothError],
    nothing_done: bool | None,
) -> None:
    """Only a refused call has certainly done nothing."""
    simulator.faults.rest_status = status
    simulator.faults.rest_html = html
    with pytest.raises(error) as caught:
        await rest.call_rpc(WATER_METER, "reboot", [], timeout=5)
    assert type(caught.value) is error
    assert getattr(caught.value, "nothing_done", None) is nothing_done
    assert len(simulator.requests) == 1


async def test_call_of_an_unknown_device(
    simulator: GoliothSimulator, rest: GoliothRest
) -> None:
    """A missing device raises, whatever its ID."""
    for device_id in ("gone", "a/b?c=d#e", "%2e%2e"):
        with pytest.raises(GoliothNotFoundError):
            await rest.call_rpc(device_id, "reboot", [], timeout=5)
    assert not simulator.rpc_calls


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_call_is_not_redirected(
    simulator: GoliothSimulator, rest: GoliothRest, status: int
) -> None:
    """Neither call nor credential is sent to another origin."""
    async with GoliothSimulator() as other:
        simulator.faults.redirect_to = other.url
        simulator.faults.redirect_status = status
        with pytest.raises(GoliothResponseError):
            await rest.call_rpc(WATER_METER, "reboot", [], timeout=5)
        assert not other.requests
    assert len(simulator.requests) == 1


async def test_call_that_takes_too_long(
    simulator: GoliothSimulator, rest: GoliothRest
) -> None:
    """After a timeout, the device may have acted."""

    async def never(_call: RpcCall) -> dict[str, Any]:
        await asyncio.get_running_loop().create_future()
        return {}

    simulator.on_rpc = never
    with pytest.raises(GoliothTimeoutError) as caught:
        await rest.call_rpc(WATER_METER, "reboot", [], timeout=0.2)
    assert not caught.value.nothing_done
    assert len(simulator.rpc_calls) == 1


@pytest.mark.parametrize(
    ("timeout", "sent"), [(0.2, 1), (1, 1), (30.0, 30), (119.5, 120)]
)
async def test_call_sends_its_timeout(
    simulator: GoliothSimulator, rest: GoliothRest, timeout: float, sent: int
) -> None:
    """The service gets the timeout of the call."""

    async def late(_call: RpcCall) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"statusCode": 0}

    simulator.rpc_timeout = 0.01
    simulator.on_rpc = late
    await rest.call_rpc(WATER_METER, "reboot", [], timeout=timeout)
    assert [call.timeout for call in simulator.rpc_calls] == [sent]


@pytest.mark.parametrize("reused", [False, True], ids=["first", "reused"])
async def test_call_whose_connection_breaks(
    simulator: GoliothSimulator, rest: GoliothRest, reused: bool
) -> None:
    """A call is sent once on a reused connection.

    The HTTP client repeats GET requests there.
    """
    if reused:
        await rest.project()
    simulator.faults.rest_cut = True
    requests = len(simulator.requests)
    with pytest.raises(GoliothConnectionError) as caught:
        await rest.call_rpc(WATER_METER, "reboot", [], timeout=5)
    assert not caught.value.nothing_done
    assert len(simulator.rpc_calls) == 1
    assert len(simulator.requests) == requests + 1

    # A GET is repeated after the same fault.
    simulator.faults.clear()
    await rest.project()
    simulator.faults.rest_cut = True
    requests = len(simulator.requests)
    with pytest.raises(GoliothConnectionError):
        await rest.project()
    assert len(simulator.requests) == requests + 2


async def test_call_without_a_service(
    simulator: GoliothSimulator, rest: GoliothRest
) -> None:
    """Without a service, nothing was sent."""
    await simulator.stop()
    with pytest.raises(GoliothConnectionError) as caught:
        await rest.call_rpc(WATER_METER, "reboot", [], timeout=5)
    assert caught.value.nothing_done


async def test_call_of_a_service_that_takes_no_connection(
    session: aiohttp.ClientSession,
) -> None:
    """If connecting times out, nothing was sent.

    It differs from an answer that times out.
    """
    with ExitStack() as stack:
        # A queue that is not served holds two connections; the next ones hang.
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        rest = GoliothRest(HttpWire(session), Endpoint(url, "demo", Credential("key")))
        with pytest.raises(GoliothConnectionError) as caught:
            await rest.call_rpc(WATER_METER, "reboot", [], timeout=0.4)
    assert type(caught.value) is GoliothUnreachableError
    assert caught.value.nothing_done
