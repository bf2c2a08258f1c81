"""Tests of the REST client, against the simulated service."""

from collections.abc import Callable

import aiohttp
import pytest

from custom_components.golioth.client import rest as rest_module
from custom_components.golioth.client.endpoint import Credential, Endpoint
from custom_components.golioth.client.exceptions import (
    GoliothAuthenticationError,
    GoliothConnectionError,
    GoliothError,
    GoliothNotFoundError,
    GoliothResponseError,
)
from custom_components.golioth.client.rest import GoliothRest, retry_after
from tests.simulator import GoliothSimulator


@pytest.mark.parametrize("kind", ["api_key", "jwt"])
async def test_project(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    endpoint_with: Callable[[str], Endpoint],
    kind: str,
) -> None:
    """A project is read with an API key or a JWT."""
    secret = simulator.api_key if kind == "api_key" else simulator.jwt()
    rest = GoliothRest(session, endpoint_with(secret))
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
    """The list is whole, whatever it takes, and in no more requests than it must."""
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
async def test_devices_that_do_not_add_up(
    simulator: GoliothSimulator, rest: GoliothRest, total: int, is_complete: bool
) -> None:
    """A list is whole only if it holds as many devices as it says there are."""
    for index in range(248):
        simulator.add_device(f"device-{index}")
    simulator.faults.device_total = total
    listed = await rest.devices()
    assert len(listed.devices) == 250
    assert listed.is_complete is is_complete


async def test_devices_without_end(
    monkeypatch: pytest.MonkeyPatch, simulator: GoliothSimulator, rest: GoliothRest
) -> None:
    """A service that lists ever more devices is not followed for ever, and its list is not taken for a whole one."""
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
    """A deleted key fails on the next request."""
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
    """Not found and permission denied are told apart."""
    simulator.unknown_project_status = status  # type: ignore[assignment]
    endpoint = Endpoint(simulator.url, "other", Credential(simulator.api_key))
    with pytest.raises(error):
        await GoliothRest(session, endpoint).project()


@pytest.mark.parametrize(
    ("status", "html", "error"),
    [
        (401, False, GoliothAuthenticationError),
        (401, True, GoliothAuthenticationError),
        (403, True, GoliothResponseError),
        (404, False, GoliothNotFoundError),
        (404, True, GoliothResponseError),
        (429, False, GoliothConnectionError),
        (429, True, GoliothConnectionError),
        (500, False, GoliothConnectionError),
        (502, True, GoliothConnectionError),
        (503, False, GoliothConnectionError),
        (None, True, GoliothResponseError),
    ],
)
async def test_answers_that_are_none(
    simulator: GoliothSimulator,
    rest: GoliothRest,
    status: int | None,
    html: bool,
    error: type[GoliothError],
) -> None:
    """Trouble on the way is told from a rejection."""
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
    """Retry-After is passed on."""
    simulator.faults.rest_status = 429
    simulator.faults.rest_headers = {"Retry-After": "17"}
    with pytest.raises(GoliothConnectionError) as caught:
        await rest.project()
    assert caught.value.retry_after == 17


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "5"}, 5),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "9" * 400}, None),
        (
            {
                "Retry-After": "Mon, 23 Nov 2026 12:00:30 GMT",
                "Date": "Mon, 23 Nov 2026 12:00:00 GMT",
            },
            30,
        ),
        (
            {
                "Retry-After": "Mon, 23 Nov 2026 12:00:00 GMT",
                "Date": "Mon, 23 Nov 2026 12:00:30 GMT",
            },
            0,
        ),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Retry-After is a number of seconds or a date, measured by the service's own clock."""
    assert retry_after(headers) == seconds


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(
    simulator: GoliothSimulator, rest: GoliothRest, status: int
) -> None:
    """The credential goes to no other origin."""
    async with GoliothSimulator() as other:
        simulator.faults.redirect_to = other.url
        simulator.faults.redirect_status = status
        with pytest.raises(GoliothResponseError):
            await rest.project()
        assert not other.requests


async def test_service_that_is_too_slow(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, endpoint: Endpoint
) -> None:
    """A request ends in time."""
    simulator.faults.rest_never = True
    with pytest.raises(GoliothConnectionError, match="in time"):
        await GoliothRest(session, endpoint, timeout=0.1).project()


async def test_service_that_is_not_there(
    simulator: GoliothSimulator, rest: GoliothRest
) -> None:
    """A refused connection is trouble on the way."""
    await simulator.stop()
    with pytest.raises(GoliothConnectionError):
        await rest.project()
