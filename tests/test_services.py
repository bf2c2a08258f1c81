"""Tests of the actions."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
import json
import re
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
import voluptuous as vol

from custom_components.golioth.const import DOMAIN
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.components.automation import DOMAIN as AUTOMATION_DOMAIN
from homeassistant.components.persistent_notification import (
    DOMAIN as NOTIFICATION_DOMAIN,
)
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import EVENT_CALL_SERVICE
from homeassistant.core import Context, Event, HomeAssistant, callback
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.json import json_bytes
from homeassistant.helpers.service import async_get_all_descriptions
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from . import GREENHOUSE_NODE, WATER_METER
from .documents import automations
from .events import TIMEOUT, LogEvents, wait_until
from .simulator import GoliothSimulator, RpcCall

pytestmark = pytest.mark.usefixtures("impatient")

type Answer = dict[str, Any]


async def act(
    hass: HomeAssistant, action: str, context: Context | None = None, **data: Any
) -> Answer:
    """Return the response of an action."""
    response = await hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True, context=context
    )
    assert response is not None
    # Home Assistant writes the response as JSON for the caller.
    assert len(json_bytes(response)) < 5 * 1024 * 1024
    return dict(response)


async def messages(hass: HomeAssistant, **data: Any) -> list[str]:
    """Return the messages of the returned logs."""
    response = await act(hass, "get_logs", **data)
    return [log["message"] for log in response["logs"]]


async def failure(
    hass: HomeAssistant,
    action: str,
    key: str,
    error: type[HomeAssistantError] = HomeAssistantError,
    **data: Any,
) -> str:
    """Return the error text of an action that fails."""
    with pytest.raises(HomeAssistantError) as caught:
        await act(hass, action, **data)
    assert type(caught.value) is error
    assert caught.value.translation_key == key
    text = str(caught.value)
    assert text != key
    assert not re.search(r"\{\w+\}", text)
    return text


def at(hour: int, minute: int = 0, second: float = 0) -> str:
    """Return a UTC time of one day, as devices send."""
    moment = datetime(2026, 1, 15, tzinfo=UTC) + timedelta(
        hours=hour, minutes=minute, seconds=second
    )
    return moment.isoformat().replace("+00:00", "Z")


# Texts


async def test_actions_are_described(
    hass: HomeAssistant, streaming: MockConfigEntry
) -> None:
    """Each action has a description.

    Its fields have a selector, and an example or a default if they need one.
    """
    actions = (await async_get_all_descriptions(hass))[DOMAIN]
    assert set(actions) == {"get_logs", "call_rpc"}
    assert actions["get_logs"]["response"] == {"optional": False}
    assert actions["call_rpc"]["response"] == {"optional": True}
    required = {
        (action, name)
        for action, description in actions.items()
        for name, field in description["fields"].items()
        if field.get("required")
    }
    assert required == {("call_rpc", "device_id"), ("call_rpc", "method")}


async def test_actions_are_there_without_a_project(
    hass: HomeAssistant, enable_custom_integrations: None
) -> None:
    """The actions exist without a loaded project.

    Automations can be written and checked then.
    """
    assert await async_setup_component(hass, DOMAIN, {})
    text = await failure(
        hass,
        "get_logs",
        "service_found_no_config_entry_for_domain",
        ServiceValidationError,
    )
    assert DOMAIN in text


# Logs


async def test_logs_are_those_of_the_event(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """A returned log has the data of the event."""
    simulator.log("first", device=GREENHOUSE_NODE, metadata={"deep": {"er": [1]}})
    simulator.log("second", device=WATER_METER, level="ERROR", module="m")
    simulator.log("of a device that is not listed", device="invented")
    simulator.log("of no device", type="METRICS")
    await log_events.wait_for(4)
    assert await act(hass, "get_logs") == {
        "logs": [
            {
                key: value
                for key, value in event.items()
                if key not in {"config_entry_id", "project_id", "source"}
            }
            for event in log_events
        ],
        "truncated": False,
    }


async def test_logs_of_a_device_or_a_project(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    greenhouse: str,
    water_meter: str,
    project: str,
) -> None:
    """A device returns its own logs, a project all logs."""
    simulator.log("1", device=GREENHOUSE_NODE)
    simulator.log("2", device=WATER_METER)
    simulator.log("3")
    entry_id = streaming.entry_id
    assert await messages(hass, device_id=greenhouse) == ["1"]
    assert await messages(hass, device_id=water_meter) == ["2"]
    assert await messages(hass, device_id=greenhouse, config_entry_id=entry_id) == ["1"]
    assert await messages(hass, device_id=project) == ["1", "2", "3"]
    assert await messages(hass, config_entry_id=entry_id) == ["1", "2", "3"]
    assert await messages(hass) == ["1", "2", "3"]


async def test_logs_of_several_projects(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    greenhouse: str,
) -> None:
    """With several projects, the project or device is required."""
    simulator.log("1", device=GREENHOUSE_NODE)
    async with GoliothSimulator("second") as second:
        second.log("2")
        entry = MockConfigEntry(
            domain=DOMAIN,
            unique_id="second",
            data={
                "project_id": "second",
                "api_key": second.api_key,
                "api_url": second.url,
            },
        )
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await failure(hass, "get_logs", "several_projects", ServiceValidationError)
        await failure(
            hass,
            "get_logs",
            "device_of_other_project",
            ServiceValidationError,
            device_id=greenhouse,
            config_entry_id=entry.entry_id,
        )
        assert await messages(hass, config_entry_id=entry.entry_id) == ["2"]
        assert await messages(hass, config_entry_id=streaming.entry_id) == ["1"]
        assert await messages(hass, device_id=greenhouse) == ["1"]
        assert await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("action", ["get_logs", "call_rpc"])
async def test_foreign_device(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    device_registry: dr.DeviceRegistry,
    greenhouse: str,
    action: str,
) -> None:
    """Only devices of loaded projects can be used."""
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    foreign = device_registry.async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", "1")}, name="Lamp"
    )
    requests = len(simulator.requests)
    data = {} if action == "get_logs" else {"method": "reboot"}

    async def expect(key: str, device_id: str) -> str:
        return await failure(
            hass, action, key, ServiceValidationError, device_id=device_id, **data
        )

    assert "Lamp" in await expect("service_device_wrong_domain", foreign.id)
    await expect("service_device_not_found", "gone")
    assert await hass.config_entries.async_unload(streaming.entry_id)
    text = await expect("service_config_entry_not_loaded", greenhouse)
    assert "Demo project" in text
    assert len(simulator.requests) == requests


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, ["0", "1", "2", "3"]),
        ({"level": "error"}, ["1", "3"]),
        ({"level": ["error", "debug", "error"]}, ["0", "1", "3"]),
        ({"level": []}, ["0", "1", "2", "3"]),
        ({"module": "wifi"}, ["1", "2"]),
        ({"search_term": "3"}, ["3"]),
        ({"module": "", "search_term": ""}, ["0", "1", "2", "3"]),
        ({"level": ["error"], "module": "wifi", "search_term": "1"}, ["1"]),
        ({"limit": 2}, ["2", "3"]),
        ({"limit": "1"}, ["3"]),
    ],
)
async def test_filters(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    data: dict[str, Any],
    expected: list[str],
) -> None:
    """Level, module, search term, and limit filter the logs."""
    simulator.log("0", level="DEBUG", module="power")
    simulator.log("1", level="ERROR", module="wifi")
    simulator.log("2", level="INFO", module="wifi")
    simulator.log("3", level="ERROR", module="power")
    response = await act(hass, "get_logs", **data)
    assert [log["message"] for log in response["logs"]] == expected
    assert response["truncated"] is ("limit" in data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # The tests' time zone is 8 hours behind UTC.
        (
            {"start_time": "2026-01-15 04:00:00", "end_time": "2026-01-15 04:30:00"},
            ["12:00", "12:00.001", "12:30"],
        ),
        (
            {"start_time": "2026-01-15T12:00:00Z", "end_time": "2026-01-15T12:29:59Z"},
            ["12:00", "12:00.001"],
        ),
        (
            {"end_time": "2026-01-15T13:30:00+01:00"},
            ["11:30", "12:00", "12:00.001", "12:30"],
        ),
        # With a precision as in the event.
        (
            {"end_time": "2026-01-15T12:00:00.001999999Z"},
            ["11:30", "12:00", "12:00.001"],
        ),
        (
            {"end_time": datetime(2026, 1, 15, 12, 0, 0, 500, tzinfo=UTC)},
            ["11:30", "12:00"],
        ),
        ({"start_time": "2026-01-15 04:30:00"}, ["12:30", "13:00"]),
        (
            {"start_time": at(12), "end_time": at(12)},
            ["12:00"],
        ),
        ({"start_time": "1971-01-01 00:00:00", "limit": 1}, ["13:00"]),
    ],
)
async def test_span(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    data: dict[str, Any],
    expected: list[str],
) -> None:
    """Times are local by default, and both are included.

    The start is an hour before the end by default.
    """
    for message, timestamp in (
        ("11:30", at(11, 30)),
        ("12:00", at(12)),
        ("12:00.001", at(12, 0, 0.001)),
        ("12:30", at(12, 30)),
        ("13:00", at(13)),
    ):
        simulator.log(message, timestamp=timestamp)
    assert await messages(hass, **data) == expected


async def test_last_hour(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """The default is the last hour by the service's clock.

    Logs with a later time are included.
    """
    now = datetime.fromtimestamp(simulator._clock() / 1_000_000_000, UTC)
    for minutes in (-62, -58, 0, 2):
        simulator.log(
            str(minutes), timestamp=(now + timedelta(minutes=minutes)).isoformat()
        )
    assert await messages(hass) == ["-58", "0", "2"]


@pytest.mark.parametrize(
    "data",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": "many"},
        {"level": "fatal"},
        {"start_time": "yesterday"},
        {"start_time": "2026-02-30 00:00:00"},
        {"start_time": "0001-01-01 00:00:00"},
        {"end_time": "9999-12-31 23:59:59"},
        {"period": 5},
    ],
)
async def test_invalid_data_for_logs(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    data: dict[str, Any],
) -> None:
    """Invalid data is refused before any request."""
    requests = len(simulator.requests)
    with pytest.raises(vol.Invalid):
        await act(hass, "get_logs", **data)
    assert len(simulator.requests) == requests


async def test_start_after_end(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A start after the end is refused."""
    requests = len(simulator.requests)
    await failure(
        hass,
        "get_logs",
        "start_after_end",
        ServiceValidationError,
        start_time=at(12),
        end_time=at(11),
    )
    assert len(simulator.requests) == requests


async def test_many_logs(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    greenhouse: str,
) -> None:
    """The newest logs are returned, over several pages.

    The response says whether there are more.
    """
    for number in range(1100):
        simulator.log(str(number), device=GREENHOUSE_NODE, level="INFO")
    expected = [str(number) for number in range(1100)]
    for limit in (100, 1000):
        response = await act(hass, "get_logs", device_id=greenhouse, limit=limit)
        assert [log["message"] for log in response["logs"]] == expected[-limit:]
        assert response["truncated"] is True
    response = await act(hass, "get_logs", device_id=greenhouse)
    assert len(response["logs"]) == 100


async def test_long_logs(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A response is limited in size, and cut logs marked."""
    simulator.document_limit = None
    for _ in range(300):
        simulator.log("\0" * 10_000, metadata={"a": "b" * 1000}, module="\0" * 300)
    simulator.log("short")
    response = await act(hass, "get_logs", limit=1000)
    assert len(response["logs"]) == 301
    assert len(json_bytes(response)) < 5 * 1024 * 1024
    *long, short = response["logs"]
    assert all(log["truncated"] for log in long)
    assert not short["truncated"]
    # Fewer logs are cut less.
    response = await act(hass, "get_logs", limit=2)
    assert 20_000 < len(json_bytes(response["logs"][0])) < 24 * 1024


@pytest.mark.parametrize(
    ("faults", "key", "reason"),
    [
        ({"rest_status": 500}, "golioth_status", "problems (HTTP status 500)"),
        (
            {"rest_status": 429},
            "golioth_too_many_requests",
            "too often (HTTP status 429)",
        ),
        (
            {"rest_html": True, "rest_status": 503},
            "golioth_status",
            "problems (HTTP status 503)",
        ),
        ({"rest_html": True}, "golioth_not_there", "other than Golioth"),
        (
            {"redirect_to": "http://127.0.0.1:9"},
            "golioth_not_there",
            "other than Golioth",
        ),
        ({"rest_cut": True}, "golioth_interrupted", "connection to Golioth broke"),
        ({"rest_status": 404}, "golioth_not_found", "does not know"),
    ],
)
async def test_logs_that_cannot_be_read(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    faults: dict[str, Any],
    key: str,
    reason: str,
) -> None:
    """The reason is shown, and the next try works."""
    for name, value in faults.items():
        setattr(simulator.faults, name, value)
    assert reason in await failure(hass, "get_logs", key)
    simulator.faults.clear()
    assert await messages(hass) == []
    assert not list(streaming.async_get_active_flows(hass, {SOURCE_REAUTH}))


@pytest.mark.parametrize("action", ["get_logs", "call_rpc"])
async def test_rejected_key(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    greenhouse: str,
    action: str,
) -> None:
    """A rejected key starts reauthentication, and is not used again.

    That holds for waiting callers as well.
    """
    requests = len(simulator.requests)
    data: dict[str, Any] = {"device_id": greenhouse}
    if action == "call_rpc":
        data["method"] = "reboot"
    simulator.revoke()
    await failure(hass, action, "invalid_auth", **data)
    await hass.async_block_till_done()
    (flow,) = streaming.async_get_active_flows(hass, {SOURCE_REAUTH})
    assert len(simulator.requests) == requests + 1
    for _ in range(3):
        await failure(hass, action, "invalid_auth", **data)
    assert len(simulator.requests) == requests + 1
    assert not simulator.rpc_calls

    simulator.restore()
    result = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"api_key": simulator.api_key}
    )
    assert result["reason"] == "reauth_successful"
    await hass.async_block_till_done()
    await simulator.wait_for_streams(1)
    await act(hass, action, **data)


async def test_many_automations_at_once(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """Calls are served in turn while logs arrive."""
    for number in range(150):
        simulator.log(str(number))
    await log_events.wait_for(150)
    simulator.faults.rest_delay = 0.01
    first = len(simulator.requests)
    open_requests = 0

    def is_done() -> bool:
        nonlocal open_requests
        asked = simulator.requests[first:]
        open_requests = max(
            open_requests, sum(request.status is None for request in asked)
        )
        return False

    watch = asyncio.create_task(simulator.wait_until(is_done))
    calls = [act(hass, "get_logs", limit=1000) for _ in range(10)]
    waiting = asyncio.gather(*calls)
    await simulator.wait_until(lambda: len(simulator.requests) > first)
    simulator.log("live")
    await log_events.wait_for(151)
    responses = await waiting
    watch.cancel()
    assert all(len(response["logs"]) >= 150 for response in responses)
    assert open_requests == 1


# Calls


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, []),
        ({"parameters": [1, 2.5, "text", True, None]}, [1, 2.5, "text", True, None]),
        ({"parameters": [{"a": [1]}, [2]]}, [{"a": [1]}, [2]]),
        ({"parameters": 5}, [5]),
        ({"parameters": "on"}, ["on"]),
        ({"parameters": None}, []),
        ({"parameters": []}, []),
    ],
)
async def test_call(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    greenhouse: str,
    parameters: dict[str, Any],
    expected: list[Any],
) -> None:
    """A device is called once, and its answer returned."""
    simulator.on_rpc = lambda call: {
        "statusCode": 0,
        "detail": {"called": call.method, "with": call.params},
    }
    response = await act(
        hass, "call_rpc", device_id=greenhouse, method="set", **parameters
    )
    assert response == {
        "status_code": 0,
        "detail": {"called": "set", "with": expected},
    }
    device = simulator.devices[GREENHOUSE_NODE]
    assert simulator.rpc_calls == [
        RpcCall(device=device, method="set", params=expected, timeout=30)
    ]


async def test_call_without_a_response(
    hass: HomeAssistant, simulator: GoliothSimulator, greenhouse: str
) -> None:
    """The response is optional."""
    data = {"device_id": greenhouse, "method": "reboot"}
    await hass.services.async_call(DOMAIN, "call_rpc", data, blocking=True)
    assert [call.method for call in simulator.rpc_calls] == ["reboot"]


@pytest.mark.parametrize(
    "data",
    [
        {"method": ""},
        {"method": None},
        {"timeout": 0},
        {"timeout": 121},
        {"parameters": [object()]},
        {"parameters": [2**70]},
        {"parameters": {1, 2}},
        {"device_id": None},
        {"retries": 3},
    ],
)
async def test_invalid_data_for_a_call(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    greenhouse: str,
    data: dict[str, Any],
) -> None:
    """Invalid data is refused before anything is sent."""
    with pytest.raises(vol.Invalid):
        await act(
            hass, "call_rpc", **{"device_id": greenhouse, "method": "reboot", **data}
        )
    assert not simulator.rpc_calls


async def test_call_of_the_project(
    hass: HomeAssistant, simulator: GoliothSimulator, project: str
) -> None:
    """A project cannot be called."""
    await failure(
        hass,
        "call_rpc",
        "device_is_project",
        ServiceValidationError,
        device_id=project,
        method="reboot",
    )
    assert not simulator.rpc_calls


@pytest.mark.parametrize(
    ("answer", "key", "told"),
    [
        ({"statusCode": 1}, "rpc_failed", "1 (CANCELLED)"),
        ({"statusCode": 2, "detail": {}}, "rpc_no_method", "reboot"),
        ({"statusCode": 2}, "rpc_no_method", "reboot"),
        ({"statusCode": 2, "detail": {"why": "busy"}}, "rpc_failed", '{"why":"busy"}'),
        ({"statusCode": 3, "detail": "one"}, "rpc_invalid_argument", '"one"'),
        ({"statusCode": 4, "detail": {}}, "rpc_timeout", "may have acted"),
        ({"statusCode": 12}, "rpc_no_method", "reboot"),
        ({"statusCode": 13, "detail": {}}, "rpc_failed", "13 (INTERNAL)"),
        ({"statusCode": "14"}, "rpc_offline", "online"),
        ({"statusCode": 16}, "rpc_failed", "16 (UNAUTHENTICATED)"),
        ({"statusCode": 99}, "rpc_failed", "99"),
        ({"statusCode": 13, "detail": "x" * 9_999}, "rpc_failed", "xxx…"),
        # Home Assistant logs the text.
        (
            {"statusCode": 13, "detail": "a\u2028b\u202e\x7fc\u200b"},
            "rpc_failed",
            '"a b c"',
        ),
    ],
)
async def test_answer_that_is_an_error(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    greenhouse: str,
    answer: Mapping[str, Any],
    key: str,
    told: str,
) -> None:
    """An error of the device ends the automation.

    The text says why.
    """
    simulator.on_rpc = lambda _call: answer
    text = await failure(hass, "call_rpc", key, device_id=greenhouse, method="reboot")
    assert "greenhouse-node" in text
    assert told in text
    assert len(text) < 400
    assert len(simulator.rpc_calls) == 1
    assert not list(streaming.async_get_active_flows(hass, {SOURCE_REAUTH}))


async def test_name_that_the_user_has_given(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    device_registry: dr.DeviceRegistry,
    greenhouse: str,
) -> None:
    """An error has the user's name for the device."""
    device_registry.async_update_device(greenhouse, name_by_user="Tomatoes {now}")
    simulator.on_rpc = lambda _call: {"statusCode": 14}
    with pytest.raises(HomeAssistantError, match=r"^Tomatoes \{now\} cannot"):
        await act(hass, "call_rpc", device_id=greenhouse, method="reboot")


async def test_call_that_takes_too_long(
    hass: HomeAssistant, simulator: GoliothSimulator, greenhouse: str
) -> None:
    """After a timeout, the device may have acted."""

    async def never(_call: RpcCall) -> Answer:
        await asyncio.get_running_loop().create_future()
        return {}

    simulator.on_rpc = never
    text = await failure(
        hass,
        "call_rpc",
        "rpc_timeout",
        device_id=greenhouse,
        method="reboot",
        timeout=1,
    )
    assert "may have acted" in text
    assert len(simulator.rpc_calls) == 1


async def test_call_that_is_answered_late(
    hass: HomeAssistant, simulator: GoliothSimulator, greenhouse: str
) -> None:
    """A late answer within the timeout is returned.

    The service waits for as long.
    """

    async def late(_call: RpcCall) -> Answer:
        await asyncio.sleep(0.2)
        return {"statusCode": 0, "detail": "late"}

    simulator.rpc_timeout = 0.1
    simulator.on_rpc = late
    response = await act(
        hass, "call_rpc", device_id=greenhouse, method="reboot", timeout=10
    )
    assert response["detail"] == "late"


@pytest.mark.parametrize(
    ("faults", "key"),
    [
        ({"rest_cut": True}, "rpc_interrupted"),
        ({"rest_html": True}, "rpc_no_answer"),
        ({"rest_html": True, "rest_status": 502}, "rpc_status"),
        ({"rest_status": 500}, "rpc_status"),
        ({"rest_status": 504}, "rpc_timeout"),
        ({"redirect_to": "http://127.0.0.1:9"}, "rpc_no_answer"),
        ({"rest_status": 400}, "rpc_refused"),
        ({"rest_status": 429}, "rpc_refused"),
        ({"rest_html": True, "rest_status": 403}, "rpc_refused"),
        ({"rest_status": 404}, "device_not_found"),
    ],
)
async def test_call_without_an_answer(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    greenhouse: str,
    faults: dict[str, Any],
    key: str,
) -> None:
    """The text says whether the device may have acted.

    The call is never sent again.
    """
    requests = len(simulator.requests)
    for name, value in faults.items():
        setattr(simulator.faults, name, value)
    text = await failure(hass, "call_rpc", key, device_id=greenhouse, method="reboot")
    is_known = key in {"rpc_refused", "device_not_found"}
    assert ("may have acted" in text) is not is_known
    assert ("has not acted" in text) is (key == "rpc_refused")
    simulator.faults.clear()
    await hass.async_block_till_done()
    calls = [each for each in simulator.requests[requests:] if each.method == "POST"]
    assert len(calls) == 1
    assert not list(streaming.async_get_active_flows(hass, {SOURCE_REAUTH}))


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": 0, "detail": "x" * 70_000},
        {"statusCode": 0, "detail": json.loads("[" * 250 + "]" * 250)},
        {"statusCode": "none", "detail": None},
    ],
    ids=["long", "deep", "no status"],
)
async def test_call_with_an_answer_that_cannot_be_read(
    hass: HomeAssistant, simulator: GoliothSimulator, greenhouse: str, answer: Answer
) -> None:
    """An unreadable answer is reported as such."""
    simulator.on_rpc = lambda _call: answer
    text = await failure(
        hass, "call_rpc", "rpc_unreadable", device_id=greenhouse, method="dump"
    )
    assert "may have acted" in text
    assert "too long" in text
    assert len(simulator.rpc_calls) == 1


@pytest.mark.parametrize(
    "parameters",
    [
        [float("nan")],
        float("inf"),
        [[1, [-float("inf")]]],
        [{"a": {"b": float("nan")}}],
    ],
    ids=str,
)
async def test_parameter_that_is_not_finite(
    hass: HomeAssistant, simulator: GoliothSimulator, greenhouse: str, parameters: Any
) -> None:
    """Parameters that JSON cannot hold are refused.

    Nothing is sent in their place.
    """
    with pytest.raises(ServiceValidationError) as failed:
        await act(
            hass,
            "call_rpc",
            device_id=greenhouse,
            method="set",
            parameters=parameters,
        )
    assert failed.value.translation_key == "parameter_not_finite"
    assert "not a number" in str(failed.value)
    assert not simulator.rpc_calls


async def test_many_calls(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    streaming: MockConfigEntry,
    greenhouse: str,
    water_meter: str,
    hass_admin_user: MockUser,
    hass_read_only_user: MockUser,
) -> None:
    """Unanswered calls of one user do not block others."""
    may_answer = asyncio.Event()

    async def answer(call: RpcCall) -> Answer:
        if call.method == "sleep":
            await may_answer.wait()
        return {"statusCode": 0}

    simulator.on_rpc = answer
    greedy = Context(user_id=hass_admin_user.id)
    calls = [
        asyncio.create_task(
            act(hass, "call_rpc", greedy, device_id=greenhouse, method="sleep")
        )
        for _ in range(120)
    ]
    await simulator.wait_until(lambda: len(simulator.rpc_calls) == 10)
    refused, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    assert len(refused) == 10
    for each in refused:
        error = each.exception()
        assert isinstance(error, HomeAssistantError)
        assert error.translation_key == "rpc_busy"
        assert "too many calls" in str(error)
    # An automation, and another user who reads logs.
    await act(hass, "call_rpc", device_id=water_meter, method="reboot")
    await act(hass, "get_logs", Context(user_id=hass_read_only_user.id))
    assert len(simulator.rpc_calls) == 11
    assert streaming.runtime_data.feed.connected
    may_answer.set()
    await asyncio.gather(*calls, return_exceptions=True)
    assert len(simulator.rpc_calls) == 111


async def test_call_without_a_service(
    hass: HomeAssistant, simulator: GoliothSimulator, greenhouse: str
) -> None:
    """A call that was not sent has no effect."""
    await simulator.stop()
    text = await failure(
        hass, "call_rpc", "rpc_not_sent", device_id=greenhouse, method="reboot"
    )
    assert "has not acted" in text


# Permissions


def entity_ids(entity_registry: er.EntityRegistry, device_id: str) -> list[str]:
    """Return the entities of a device, disabled ones included."""
    return [
        entity.entity_id
        for entity in er.async_entries_for_device(
            entity_registry, device_id, include_disabled_entities=True
        )
    ]


async def test_call_by_a_user(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    entity_registry: er.EntityRegistry,
    greenhouse: str,
    water_meter: str,
    hass_admin_user: MockUser,
    hass_read_only_user: MockUser,
) -> None:
    """A call needs control over all of a device's entities.

    Disabled entities count as well.
    """

    async def call(user_id: str | None) -> None:
        context = Context(user_id=user_id)
        data = {"device_id": greenhouse, "method": "reboot"}
        await act(hass, "call_rpc", context, **data)

    entities = entity_ids(entity_registry, greenhouse)
    entity_registry.async_update_entity(
        entities[0], disabled_by=er.RegistryEntryDisabler.USER
    )
    control = {entity_id: {POLICY_CONTROL: True} for entity_id in entities}
    read = {entity_id: {POLICY_READ: True} for entity_id in entities}
    others = dict.fromkeys(entity_ids(entity_registry, water_meter), True)
    user = MockUser().add_to_hass(hass)
    for policy in (others, read, dict(list(control.items())[1:])):
        user.mock_policy({"entities": {"entity_ids": policy}})
        with pytest.raises(Unauthorized):
            await call(user.id)
    with pytest.raises(Unauthorized):
        await call(hass_read_only_user.id)
    with pytest.raises(UnknownUser):
        await call("nobody")
    assert not simulator.rpc_calls

    user.mock_policy({"entities": {"entity_ids": control}})
    await call(user.id)
    await call(hass_admin_user.id)
    await call(None)
    assert len(simulator.rpc_calls) == 3


async def test_call_of_a_device_without_entities(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    entity_registry: er.EntityRegistry,
    greenhouse: str,
    hass_admin_user: MockUser,
) -> None:
    """Without entities, only an administrator may call.

    Entities of other integrations do not count.
    """
    for entity_id in entity_ids(entity_registry, greenhouse):
        entity_registry.async_remove(entity_id)
    other = entity_registry.async_get_or_create(
        "sensor", "other", "1", device_id=greenhouse
    )
    assert entity_ids(entity_registry, greenhouse) == [other.entity_id]
    user = MockUser().add_to_hass(hass)
    user.mock_policy({"entities": True})
    data = {"device_id": greenhouse, "method": "reboot"}
    with pytest.raises(Unauthorized):
        await act(hass, "call_rpc", Context(user_id=user.id), **data)
    assert not simulator.rpc_calls
    await act(hass, "call_rpc", Context(user_id=hass_admin_user.id), **data)
    assert len(simulator.rpc_calls) == 1


async def test_logs_for_a_user(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    greenhouse: str,
    water_meter: str,
    project: str,
    hass_read_only_user: MockUser,
) -> None:
    """A user gets only the logs of visible devices."""
    user = MockUser().add_to_hass(hass)
    visible = {
        entity_id: {POLICY_READ: True}
        for device_id in (greenhouse, project)
        for entity_id in entity_ids(entity_registry, device_id)
    }
    user.mock_policy({"entities": {"entity_ids": visible}})
    context = Context(user_id=user.id)
    await act(hass, "get_logs", context, device_id=greenhouse)
    for data in ({}, {"device_id": water_meter}, {"device_id": project}):
        with pytest.raises(Unauthorized):
            await act(hass, "get_logs", context, **data)
    await act(hass, "get_logs", Context(user_id=hass_read_only_user.id))


@pytest.mark.parametrize("action", ["get_logs", "call_rpc"])
async def test_permission_that_is_taken_away_meanwhile(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    streaming: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    greenhouse: str,
    action: str,
) -> None:
    """Permissions are checked when a caller's turn comes."""
    user = MockUser().add_to_hass(hass)
    user.mock_policy(
        {
            "entities": {
                "entity_ids": dict.fromkeys(
                    entity_ids(entity_registry, greenhouse), True
                )
            }
        }
    )
    data: Answer = {"device_id": greenhouse}
    if action == "call_rpc":
        data["method"] = "reboot"
    coordinator = streaming.runtime_data
    turns = (
        coordinator.history.turns if action == "get_logs" else coordinator.call_turns
    )
    async with AsyncExitStack() as held:
        for number in range(40):
            if turns._has_turn_for(number):
                await held.enter_async_context(turns.take(number))
        call = asyncio.create_task(act(hass, action, Context(user_id=user.id), **data))
        await wait_until(lambda: bool(turns._waiting))
        user.mock_policy({})
    with pytest.raises(Unauthorized):
        await call
    assert not simulator.rpc_calls


async def test_over_the_connection_of_a_browser(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    greenhouse: str,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
) -> None:
    """A browser gets the error's translation key."""
    simulator.on_rpc = lambda _call: {"statusCode": 14}
    message = {
        "type": "call_service",
        "domain": DOMAIN,
        "service": "call_rpc",
        "service_data": {"device_id": greenhouse, "method": "reboot"},
        "return_response": True,
    }
    client = await hass_ws_client()
    await client.send_json_auto_id(message)
    error = (await client.receive_json())["error"]
    assert error["translation_domain"] == DOMAIN
    assert error["translation_key"] == "rpc_offline"
    assert error["translation_placeholders"]["device"] == "greenhouse-node"

    client = await hass_ws_client(access_token=hass_read_only_access_token)
    await client.send_json_auto_id(message)
    assert (await client.receive_json())["error"]["message"] == "Unauthorized"
    assert len(simulator.rpc_calls) == 1


# The documents


def example(action: str) -> dict[str, Any]:
    """Return the automation that documents an action."""
    (automation,) = (
        each
        for each in automations()
        if any(step["action"] == action for step in each["actions"])
    )
    return automation


@pytest.fixture
async def notifications(hass: HomeAssistant) -> asyncio.Queue[Answer]:
    """Return a queue of the notifications' data."""
    assert await async_setup_component(hass, NOTIFICATION_DOMAIN, {})
    notifications: asyncio.Queue[Answer] = asyncio.Queue()

    @callback
    def handle_call(event: Event) -> None:
        if event.data["domain"] == NOTIFICATION_DOMAIN:
            notifications.put_nowait(event.data["service_data"])

    hass.bus.async_listen(EVENT_CALL_SERVICE, handle_call)
    return notifications


async def automate(hass: HomeAssistant, automation: dict[str, Any]) -> None:
    """Set up an automation."""
    config = {AUTOMATION_DOMAIN: [automation]}
    assert await async_setup_component(hass, AUTOMATION_DOMAIN, config)
    await hass.async_block_till_done()


def test_every_example_is_run() -> None:
    """The tests below run every documented action."""
    used = {step["action"] for each in automations() for step in each["actions"]}
    assert {each for each in used if each.startswith("golioth.")} == {
        "golioth.get_logs",
        "golioth.call_rpc",
    }


@pytest.mark.usefixtures("streaming")
async def test_example_of_logs(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    notifications: asyncio.Queue[Answer],
) -> None:
    """The documented automation reports what led to an error."""
    await automate(hass, example("golioth.get_logs"))
    now = dt_util.utcnow() - timedelta(minutes=30)
    for number in range(30):
        simulator.log(
            f"step {number}",
            device=GREENHOUSE_NODE,
            timestamp=(now + timedelta(seconds=number)).isoformat(),
        )
    simulator.log("elsewhere", device=WATER_METER, timestamp=now.isoformat())
    simulator.log(
        "it broke",
        device=GREENHOUSE_NODE,
        level="ERROR",
        module="pump",
        timestamp=(now + timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%S.%f123Z"),
    )
    simulator.log("afterwards", device=GREENHOUSE_NODE)
    async with asyncio.timeout(TIMEOUT):
        notification = await notifications.get()
    assert notification["title"] == "Error from greenhouse-node"
    heading, error, *lines = filter(None, notification["message"].splitlines())
    assert heading == "The error and the logs up to it:"
    assert error == "    it broke"
    assert len(lines) == 20
    assert lines[0].endswith("step 11")
    assert lines[-1].endswith("error pump: it broke")


@pytest.mark.usefixtures("streaming")
async def test_example_of_a_call(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    notifications: asyncio.Queue[Answer],
) -> None:
    """The documented automation restarts a device.

    It reports a restart that failed.
    """
    await automate(hass, example("golioth.call_rpc"))
    simulator.on_rpc = lambda _call: {"statusCode": 0, "detail": "in 5 s"}
    simulator.log("all is well", device=GREENHOUSE_NODE, level="ERROR")
    simulator.log("Out of memory", device=GREENHOUSE_NODE, level="WARN")
    simulator.log("Out of memory", device=GREENHOUSE_NODE, level="ERROR")
    async with asyncio.timeout(TIMEOUT):
        assert await notifications.get() == {
            "title": "Out of memory: greenhouse-node",
            "message": "Restarting:\n\n    in 5 s",
        }
    simulator.on_rpc = lambda _call: {"statusCode": 14}
    simulator.log("Out of memory", device=WATER_METER, level="ERROR")
    async with asyncio.timeout(TIMEOUT):
        notification = await notifications.get()
    assert notification["title"] == "Out of memory: water-meter"
    assert notification["message"].startswith("It could not be restarted")

    # Logs of an interruption: one from just now, one older.
    simulator.on_rpc = lambda _call: {"statusCode": 0}
    for device, minutes in ((GREENHOUSE_NODE, 4), (WATER_METER, 1)):
        moment = dt_util.utcnow() - timedelta(minutes=minutes)
        log = {
            "level": "ERROR",
            "message": "Out of memory",
            "deviceId": device,
            "timestamp": moment.isoformat(),
        }
        simulator.send(log, streamed=False)
    await simulator.drop()
    await log_events.wait_for(6)
    assert "stream" not in {event["source"] for event in log_events[4:]}
    async with asyncio.timeout(TIMEOUT):
        assert (await notifications.get())["title"] == "Out of memory: water-meter"
    await hass.async_block_till_done()
    called = [call.device.name for call in simulator.rpc_calls]
    assert called == ["greenhouse-node", "water-meter", "water-meter"]
