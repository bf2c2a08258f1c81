"""Tests that nothing is sent for an ended project.

It was unloaded or removed, with requests waiting or under way.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
import logging
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.golioth.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import UnknownFlow
from homeassistant.exceptions import HomeAssistantError

from .events import wait_until
from .registry import registry_id
from .simulator import GoliothSimulator
from .test_websocket_api import Browser, at

from . import GREENHOUSE_NODE  # isort: skip

pytestmark = pytest.mark.usefixtures("impatient")

# Seconds in which a request that was not cancelled would be repeated: the waits are
# short here.
LATER = 1.5


class Requester:
    """Makes requests to Golioth in each way."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: MockConfigEntry,
        device_id: str,
        browser: Browser,
    ) -> None:
        """Start without a request."""
        self._hass = hass
        self._entry = entry
        self._device_id = device_id
        self._browser = browser

    async def _act(self, action: str, **data: Any) -> str | None:
        try:
            await self._hass.services.async_call(
                DOMAIN,
                action,
                {"device_id": self._device_id, **data},
                blocking=True,
                return_response=True,
            )
        except HomeAssistantError as err:
            return err.translation_key
        return ""

    async def get_logs(self) -> str | None:
        """Call the action, and return the key of its error."""
        return await self._act("get_logs")

    async def call_rpc(self) -> str | None:
        """Call the action, and return the key of its error."""
        return await self._act("call_rpc", method="reboot")

    async def history(self) -> str | None:
        """Read a page, and return the key of the error."""
        error = await self._browser.error(
            "golioth/logs/history",
            config_entry_id=self._entry.entry_id,
            before=at(days=1),
        )
        key: str = error.get("translation_key") or error["code"]
        return key

    async def device_list(self) -> None:
        """Read the list of devices."""
        await self._entry.runtime_data.async_refresh()

    async def reconfigure(self) -> None:
        """Check another key of the project."""
        form = await self._entry.start_reconfigure_flow(self._hass)
        try:
            await self._hass.config_entries.flow.async_configure(
                form["flow_id"],
                {
                    "api_url": self._entry.data["api_url"],
                    "api_key": "bm90IHRoZSBrZXk=",
                },
            )
        except Exception:  # noqa: BLE001
            # The form no longer exists.
            return


@pytest.fixture
async def requester(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    device_registry: Any,
    hass_ws_client: WebSocketGenerator,
) -> Requester:
    """Return an object that makes requests for the project."""
    return Requester(
        hass,
        streaming,
        registry_id(device_registry, streaming, GREENHOUSE_NODE),
        Browser(await hass_ws_client()),
    )


@pytest.fixture(params=["unload", "remove"])
def end(
    hass: HomeAssistant, streaming: MockConfigEntry, request: pytest.FixtureRequest
) -> Callable[[], Awaitable[Any]]:
    """Return a function that ends the project.

    It unloads or removes it.
    """
    config_entries = hass.config_entries
    if request.param == "unload":
        return lambda: config_entries.async_unload(streaming.entry_id)
    return lambda: config_entries.async_remove(streaming.entry_id)


@pytest.fixture
def no_errors_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check that nothing is logged as an error."""
    yield
    errors = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert not errors, errors


@pytest.fixture
async def quiet(simulator: GoliothSimulator) -> AsyncIterator[Callable[[], None]]:
    """Return a function that begins a time without requests.

    Until the end of the test, Golioth must get no request.
    """
    asked: list[int] = []

    def begin() -> None:
        simulator.faults.clear()
        asked[:] = [len(simulator.requests), len(simulator.handshakes)]

    yield begin
    assert asked
    await asyncio.sleep(LATER)
    assert [len(simulator.requests), len(simulator.handshakes)] == asked
    assert simulator.streams == 0


@pytest.mark.usefixtures("no_errors_logged")
@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("get_logs", {"project_unloaded"}),
        ("history", {"project_unloaded"}),
        ("call_rpc", {"rpc_unloaded"}),
        ("device_list", {None}),
    ],
)
async def test_under_way(
    simulator: GoliothSimulator,
    requester: Requester,
    end: Callable[[], Awaitable[Any]],
    quiet: Callable[[], None],
    way: str,
    told: set[str | None],
) -> None:
    """The end interrupts a request, and reports that.

    Nothing follows it.
    """
    requests = len(simulator.requests)
    simulator.faults.rest_never = True
    task = asyncio.ensure_future(getattr(requester, way)())
    await simulator.wait_until(lambda: len(simulator.requests) > requests)
    async with asyncio.timeout(5):
        await end()
        quiet()
        assert {await task} == told


@pytest.mark.usefixtures("no_errors_logged")
@pytest.mark.parametrize("way", ["get_logs", "history"])
async def test_waiting(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    streaming: MockConfigEntry,
    requester: Requester,
    end: Callable[[], Awaitable[Any]],
    quiet: Callable[[], None],
    way: str,
) -> None:
    """Waiting callers get an error, and send no request."""
    requests = len(simulator.requests)
    turns = streaming.runtime_data.history.turns
    simulator.faults.rest_never = True
    first = [asyncio.ensure_future(requester.get_logs()) for _ in range(10)]
    await simulator.wait_until(lambda: len(simulator.requests) > requests)
    tasks = [*first, asyncio.ensure_future(getattr(requester, way)())]
    await wait_until(lambda: sum(map(len, turns._waiting.values())) == 10)
    async with asyncio.timeout(5):
        await end()
        quiet()
        assert set(await asyncio.gather(*tasks)) == {"project_unloaded"}


async def test_polling_and_retries(
    simulator: GoliothSimulator,
    requester: Requester,
    end: Callable[[], Awaitable[Any]],
    quiet: Callable[[], None],
) -> None:
    """A feed stops its retries."""
    simulator.faults.rest_status = 500
    simulator.faults.handshake_status = 503
    await simulator.drop()
    handshakes = len(simulator.handshakes)
    await simulator.wait_until(lambda: len(simulator.handshakes) > handshakes + 1)
    await end()
    quiet()


async def test_check_of_a_removed_project(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    streaming: MockConfigEntry,
    requester: Requester,
    quiet: Callable[[], None],
) -> None:
    """Removing a project stops the check of new input.

    The second request of the check is not sent.
    """
    requests = len(simulator.requests)
    simulator.faults.rest_delay = 0.5
    task = asyncio.ensure_future(requester.reconfigure())
    await simulator.wait_until(lambda: len(simulator.requests) > requests)
    await hass.config_entries.async_remove(streaming.entry_id)
    quiet()
    await task
    assert not list(hass.config_entries.flow.async_progress())


@pytest.mark.usefixtures("no_errors_logged")
async def test_options_of_a_removed_project(
    hass: HomeAssistant, streaming: MockConfigEntry
) -> None:
    """An open form is closed."""
    options = hass.config_entries.options
    form = await options.async_init(streaming.entry_id)
    await hass.config_entries.async_remove(streaming.entry_id)
    with pytest.raises(UnknownFlow):
        await options.async_configure(form["flow_id"], {})
    assert not options.async_progress()


@pytest.mark.usefixtures("no_errors_logged")
@pytest.mark.parametrize("way", ["get_logs", "history", "call_rpc"])
async def test_afterwards(
    requester: Requester,
    end: Callable[[], Awaitable[Any]],
    quiet: Callable[[], None],
    way: str,
) -> None:
    """Later callers get an error, and send no request."""
    await end()
    quiet()
    assert await getattr(requester, way)()


async def test_set_up_that_fails(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    config_entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A failed set-up leaves nothing that sends requests."""

    async def fail(*_: Any) -> None:
        raise HomeAssistantError("no platforms")

    monkeypatch.setattr(hass.config_entries, "async_forward_entry_setups", fail)
    await hass.config_entries.async_setup(config_entry.entry_id)
    requests = len(simulator.requests)
    with pytest.raises(asyncio.CancelledError):
        await config_entry.runtime_data._async_call(
            config_entry.runtime_data.rest.project()
        )
    assert len(simulator.requests) == requests


async def test_reload_in_the_middle(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    streaming: MockConfigEntry,
    requester: Requester,
) -> None:
    """A reload ends a request under way with an error.

    Later requests are answered.
    """
    requests = len(simulator.requests)
    simulator.faults.rest_never = True
    task = asyncio.ensure_future(requester.get_logs())
    await simulator.wait_until(lambda: len(simulator.requests) > requests)
    unloading = asyncio.ensure_future(
        hass.config_entries.async_unload(streaming.entry_id)
    )
    assert await task == "project_unloaded"
    assert await unloading
    simulator.faults.clear()
    assert await hass.config_entries.async_setup(streaming.entry_id)
    await simulator.wait_for_streams(1)
    assert await requester.get_logs() == ""
