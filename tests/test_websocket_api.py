"""Tests of the WebSocket commands of the log card."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
import json
import logging
import random
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    CLIENT_ID,
    MockConfigEntry,
    MockUser,
)
from pytest_homeassistant_custom_component.typing import (
    MockHAClientWebSocket,
    WebSocketGenerator,
)

from custom_components.golioth.client import history
from custom_components.golioth.const import DOMAIN
from custom_components.golioth.logs.event_data import MAX_EVENT_SIZE
from custom_components.golioth.logs.recent import async_get_recent_logs
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.json import json_bytes

from . import GREENHOUSE_NODE, WATER_METER
from .events import TIMEOUT, LogEvents, wait_for_live_logs, wait_for_state, wait_until
from .registry import Disable
from .simulator import GARBAGE_FRAMES, GoliothSimulator
from .test_services import act, entity_ids

pytestmark = pytest.mark.usefixtures("impatient")

type Answer = dict[str, Any]
type LogIn = Callable[[MockUser], Awaitable[Browser]]

HOSTILE_TEXTS = [
    "<img src=x onerror=\"alert('1')\">",
    "</script><script>alert(1)</script>",
    "\x1b[31mred\x1b[0m\x07\x00\x7f\x85",
    "\u202etxt.exe\u2066 שלום مرحبا \u200f",
    "🧑\u200d🚒 🏳️\u200d🌈 e\u0301 \u2028\u2029\ufeff\ufffe",
    '{"number":1}\\"]}\n\r\t',
    "",
    "x" * 600_000,
    "\0" * 100_000,
]


class Browser:
    """A browser that is connected to Home Assistant.

    Attributes:
        client: Its connection.
    """

    def __init__(self, client: MockHAClientWebSocket) -> None:
        """Use a connection without any command so far."""
        self.client = client

    async def receive(self) -> Answer:
        """Return the next message."""
        async with asyncio.timeout(TIMEOUT):
            message: Answer = await self.client.receive_json()
        return message

    async def ask(self, command: str, **data: Any) -> Answer:
        """Return the answer to a command."""
        await self.client.send_json_auto_id({"type": command, **data})
        message = await self.receive()
        assert message["type"] == "result"
        return message

    async def error(self, command: str, **data: Any) -> Answer:
        """Return the error of a command that fails."""
        message = await self.ask(command, **data)
        assert not message["success"]
        error: Answer = message["error"]
        return error

    async def subscribe(self, entry: MockConfigEntry, **data: Any) -> Answer:
        """Subscribe to a project's logs, and return the first event.

        Events that continue the first one are merged into it.
        """
        message = await self.ask(
            "golioth/logs/subscribe", config_entry_id=entry.entry_id, **data
        )
        assert message["success"]
        assert message["result"] is None
        first = await self.event()
        more = first.pop("more", False)
        while more:
            event = await self.event()
            assert event["left_out"] == 0
            first["logs"] += event["logs"]
            more = event.get("more", False)
        return first

    async def event(self) -> Answer:
        """Return the next event."""
        message = await self.receive()
        assert message["type"] == "event"
        event: Answer = message["event"]
        return event

    async def logs_until(self, message: str) -> list[Answer]:
        """Return new logs up to the one with a message.

        None may be left out.
        """
        logs: list[Answer] = []
        while not logs or logs[-1]["message"] != message:
            event = await self.event()
            assert event["left_out"] == 0
            logs += event["logs"]
        return logs

    async def history(self, entry: MockConfigEntry, **data: Any) -> Answer:
        """Return a page of a project's history.

        By default it is the last page.
        """
        message = await self.ask(
            "golioth/logs/history",
            **{"config_entry_id": entry.entry_id, "before": at(days=1), **data},
        )
        assert message["success"], message
        page: Answer = message["result"]
        assert set(page) == {"logs", "start", "more", "complete"}
        return page


@pytest.fixture
async def browser(hass_ws_client: WebSocketGenerator) -> Browser:
    """Return the browser of an administrator."""
    return Browser(await hass_ws_client())


@pytest.fixture
def log_in(hass: HomeAssistant, hass_ws_client: WebSocketGenerator) -> LogIn:
    """Return a function that gives a user a browser."""

    async def log_in(user: MockUser) -> Browser:
        token = await hass.auth.async_create_refresh_token(user, CLIENT_ID)
        return Browser(
            await hass_ws_client(
                access_token=hass.auth.async_create_access_token(token)
            )
        )

    return log_in


@pytest.fixture
def user(hass: HomeAssistant) -> MockUser:
    """Return a user without permissions."""
    user = MockUser().add_to_hass(hass)
    user.mock_policy({})
    return user


@pytest.fixture
def now() -> datetime:
    """Return a time when devices have logged."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def at(**ago: float) -> str:
    """Return a time relative to now, as devices send."""
    return (datetime.now(UTC) + timedelta(**ago)).isoformat().replace("+00:00", "Z")


def messages(logs: list[Answer]) -> list[str]:
    """Return the messages of logs."""
    return [log["message"] for log in logs]


def policy(
    entity_registry: er.EntityRegistry, *device_ids: str, to: str = POLICY_READ
) -> dict[str, Any]:
    """Return the permission on all entities of some devices."""
    return {
        "entities": {
            "entity_ids": {
                entity_id: {to: True}
                for device_id in device_ids
                for entity_id in entity_ids(entity_registry, device_id)
            }
        }
    }


def requested_devices(simulator: GoliothSimulator) -> set[str]:
    """Return the devices named in requests, and forget those.

    The feed names none.
    """
    devices = {
        request.query["deviceId"]
        for request in simulator.requests
        if "deviceId" in request.query
    }
    simulator.requests.clear()
    return devices


async def remove_device(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    simulator: GoliothSimulator,
    golioth_device_id: str,
) -> None:
    """Remove a device at Golioth and in Home Assistant."""
    device_id = entry.runtime_data._registered.get(golioth_device_id)
    del simulator.devices[golioth_device_id]
    while dr.async_get(hass).async_get(device_id) is not None:
        await entry.runtime_data.async_refresh()
    await hass.async_block_till_done(wait_background_tasks=False)


async def all_pages(
    browser: Browser, entry: MockConfigEntry, **data: Any
) -> tuple[list[Answer], list[Answer]]:
    """Return all pages of a history, and their logs.

    Pages are newest first, logs oldest first.
    """
    pages = [await browser.history(entry, **data)]
    while pages[-1]["more"]:
        data["before"] = pages[-1]["start"]
        pages.append(await browser.history(entry, **data))
        assert pages[-1]["start"] < pages[-2]["start"]
    return pages, [log for page in reversed(pages) for log in page["logs"]]


# New logs


async def test_logs_are_those_of_the_event(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    browser: Browser,
) -> None:
    """A browser gets logs with the data of the event.

    Each has a number. Recent logs come first, then each new one.
    """
    simulator.log("first", device=GREENHOUSE_NODE, metadata={"deep": {"er": [1]}})
    simulator.log("second", device="invented", level="ERROR", module="m")
    await log_events.wait_for(2)
    first = await browser.subscribe(streaming)
    assert first["first_number"] == 1
    assert first["left_out"] == 0
    simulator.log("third", device=WATER_METER, level="FATAL", type="METRICS")
    simulator.log("fourth")
    logs = first["logs"] + await browser.logs_until("fourth")
    assert logs == [
        {"number": number, **event} for number, event in enumerate(log_events, start=1)
    ]


async def test_large_integers(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    browser: Browser,
) -> None:
    """Metadata with large integers is sent as JSON text.

    These are integers that no float holds. New logs and the history have the same text.
    """
    await browser.subscribe(streaming)
    sent = (
        {"largest": 2**53 - 1, "smallest": 1 - 2**53, "float": 1e300},
        {"one": 2**53 + 1},
        {"in": [{"a": [-(2**63), 2**64 - 1]}], "text": "1e400", "float": 1.5},
        {"more": [2**64, {"a": -(10**30)}], "digits": str(2**64)},
    )
    for metadata in sent:
        simulator.log("large", device=GREENHOUSE_NODE, metadata=metadata)
    simulator.log("end", device=GREENHOUSE_NODE)
    told = await browser.logs_until("end")
    page = await browser.history(streaming)
    for logs in (told, page["logs"]):
        first, *large, _end = (log["metadata"] for log in logs)
        assert first == sent[0]
        assert large == [json.dumps(each, separators=(",", ":")) for each in sent[1:]]
    assert [event["metadata"] for event in log_events][1:4] == [
        *sent[1:3],
        {"more": [str(2**64), {"a": str(-(10**30))}], "digits": str(2**64)},
    ]


async def test_hostile_texts(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    browser: Browser,
) -> None:
    """Hostile text is sent unchanged, except for its length.

    New logs and the history have the same text.
    """
    simulator.document_limit = None
    await browser.subscribe(streaming)
    for text in HOSTILE_TEXTS:
        simulator.log(text, module=text, metadata={text[:1000]: text})
    simulator.log("end")
    told = await browser.logs_until("end")
    assert len(told) == len(HOSTILE_TEXTS) + 1
    for log, text in zip(told, HOSTILE_TEXTS, strict=False):
        assert len(json_bytes(log)) < MAX_EVENT_SIZE + 100
        if len(text) < 1000:
            assert log["message"] == text
            # A key loses U+0000, because no database can store it.
            assert log["metadata"] == {text.replace("\0", ""): text}
        assert text.startswith(log["message"].removesuffix("…"))
        assert log["truncated"] is (len(text) > 1000)
    page = await browser.history(streaming)
    for log in page["logs"]:
        del log["source"]
    assert page["logs"] == [{key: log[key] for key in page["logs"][0]} for log in told]


async def test_garbage(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    browser: Browser,
) -> None:
    """Garbage from the service keeps no log from a browser."""
    await browser.subscribe(streaming)
    for garbage in GARBAGE_FRAMES:
        simulator.send_frame(garbage)
    simulator.log("end")
    told = await browser.logs_until("end")
    assert messages(told) == log_events.messages


async def test_burst(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    browser: Browser,
) -> None:
    """In a burst, each event has the newest logs.

    They are in order, and the event counts those left out.
    """
    first = await browser.subscribe(streaming)
    for number in range(5_000):
        simulator.log(str(number), device=GREENHOUSE_NODE, metadata={"n": number})
    told = list(first["logs"])
    left_out = 0
    while not told or told[-1]["message"] != "4999":
        event = await browser.event()
        assert 0 < len(event["logs"]) <= 200
        assert (
            event["logs"][0]["number"] == len(told) + left_out + event["left_out"] + 1
        )
        told += event["logs"]
        left_out += event["left_out"]
    assert len(told) + left_out == 5_000
    assert [log["number"] - 1 for log in told] == [int(text) for text in messages(told)]
    # Later subscribers get the last logs.
    last = await browser.subscribe(streaming)
    assert len(last["logs"]) == 2_000
    assert last["first_number"] == 3_001
    assert messages(last["logs"]) == log_events.messages[3_000:]


async def test_devices(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    browser: Browser,
    greenhouse: str,
    water_meter: str,
    project: str,
) -> None:
    """A subscription can be limited to devices.

    Logs of a device that is not registered belong to the project.
    """
    simulator.log("1", device=GREENHOUSE_NODE)
    simulator.log("2", device=WATER_METER)
    simulator.log("3", device="invented")
    simulator.log("4")
    await log_events.wait_for(4)

    async def told(*device_ids: str) -> list[str]:
        event = await browser.subscribe(streaming, device_ids=list(device_ids))
        return messages(event["logs"])

    assert await told(greenhouse) == ["1"]
    assert await told(water_meter, project) == ["2", "3", "4"]
    assert await told() == ["1", "2", "3", "4"]
    assert await told(greenhouse, "gone") == ["1"]


async def test_reload(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    browser: Browser,
) -> None:
    """A reload loses no recent log.

    Subscriptions go on, and new ones get the logs from before.
    """
    first = await browser.subscribe(streaming)
    simulator.log("before")
    (before,) = await browser.logs_until("before")
    assert await hass.config_entries.async_unload(streaming.entry_id)
    # Subscribing works while the project is not loaded.
    second = await browser.subscribe(streaming)
    assert messages(second["logs"]) == ["before"]
    await browser.client.send_json_auto_id(
        {"type": "unsubscribe_events", "subscription": 2}
    )
    assert (await browser.receive())["success"]
    assert await hass.config_entries.async_setup(streaming.entry_id)
    await simulator.wait_for_streams(1)
    await wait_for_live_logs(streaming)
    simulator.log("after")
    (after,) = await browser.logs_until("after")
    assert (before["number"], after["number"]) == (1, 2)
    third = await browser.subscribe(streaming)
    assert messages(third["logs"]) == ["before", "after"]
    assert first["session"] == second["session"] == third["session"]


async def test_removed(
    hass: HomeAssistant, streaming: MockConfigEntry, browser: Browser
) -> None:
    """Removing a project is reported, and ends its commands."""
    await browser.subscribe(streaming)
    await hass.config_entries.async_remove(streaming.entry_id)
    assert await browser.event() == {"removed": True}
    for command in ("golioth/logs/subscribe", "golioth/logs/history"):
        error = await browser.error(
            command,
            config_entry_id=streaming.entry_id,
            **({"before": at()} if command.endswith("history") else {}),
        )
        assert error["code"] == "not_found"


async def test_browser_goes(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    browser: Browser,
    log_in: LogIn,
    hass_admin_user: MockUser,
) -> None:
    """A browser that leaves keeps no subscription.

    It may unsubscribe or just disconnect. Others go on.
    """
    subscriptions = async_get_recent_logs(hass, streaming.entry_id)._subscriptions
    other = await log_in(hass_admin_user)
    await browser.subscribe(streaming)
    await browser.subscribe(streaming)
    await other.subscribe(streaming)
    assert len(subscriptions) == 3
    await browser.client.send_json_auto_id(
        {"type": "unsubscribe_events", "subscription": 1}
    )
    assert (await browser.receive())["success"]
    assert len(subscriptions) == 2
    simulator.log("1")
    await log_events.wait_for(1)
    await browser.client.close()
    await simulator.wait_until(lambda: len(subscriptions) == 1)
    simulator.log("2")
    assert messages(await other.logs_until("2")) == ["1", "2"]


# Permissions and invalid commands


@pytest.mark.parametrize(
    ("command", "data"),
    [
        ("golioth/logs/subscribe", {}),
        ("golioth/logs/history", {"before": "2026-01-15T12:00:00Z"}),
    ],
)
async def test_unknown_project_or_device(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    browser: Browser,
    command: str,
    data: dict[str, Any],
) -> None:
    """Only projects and their devices have logs."""
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    requests = len(simulator.requests)
    for asked in (
        {"config_entry_id": "gone"},
        {"config_entry_id": other.entry_id},
        {"config_entry_id": streaming.entry_id, "device_ids": ["gone"]},
    ):
        error = await browser.error(command, **data, **asked)
        assert error["code"] == "not_found"
    assert len(simulator.requests) == requests


@pytest.mark.parametrize(
    ("command", "data"),
    [
        ("golioth/logs/subscribe", {"config_entry_id": None}),
        ("golioth/logs/subscribe", {"device_ids": "all"}),
        ("golioth/logs/subscribe", {"level": "error"}),
        ("golioth/logs/history", {}),
        ("golioth/logs/history", {"before": "yesterday"}),
        ("golioth/logs/history", {"before": "0001-01-01T00:00:00Z"}),
        ("golioth/logs/history", {"before": 5}),
        ("golioth/logs/history", {"before": "2026-01-15T12:00:00Z", "limit": 0}),
        ("golioth/logs/history", {"before": "2026-01-15T12:00:00Z", "limit": 201}),
        ("golioth/logs/history", {"before": "2026-01-15T12:00:00Z", "levels": ["x"]}),
    ],
)
async def test_invalid_data(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    browser: Browser,
    command: str,
    data: dict[str, Any],
) -> None:
    """Invalid data is refused before any request."""
    requests = len(simulator.requests)
    error = await browser.error(
        command, **{"config_entry_id": streaming.entry_id, **data}
    )
    assert error["code"] == "invalid_format"
    assert len(simulator.requests) == requests


async def test_user_who_may_read_some(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    entity_registry: er.EntityRegistry,
    user: MockUser,
    log_in: LogIn,
    greenhouse: str,
    water_meter: str,
    project: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A user gets logs only of readable devices.

    All entities of the device must be readable, disabled ones included.
    """
    for number, device in enumerate((GREENHOUSE_NODE, WATER_METER, "invented", None)):
        simulator.log(str(number), device=device)
    await log_events.wait_for(4)
    browser = await log_in(user)
    entities = entity_ids(entity_registry, greenhouse)
    entity_registry.async_update_entity(
        entities[0], disabled_by=er.RegistryEntryDisabler.USER
    )
    readable = policy(entity_registry, greenhouse)
    all_but_one = {"entities": {"entity_ids": {**readable["entities"]["entity_ids"]}}}
    del all_but_one["entities"]["entity_ids"][entities[0]]
    for refused in (
        {},
        all_but_one,
        policy(entity_registry, greenhouse, project, to=POLICY_CONTROL),
    ):
        user.mock_policy(refused)
        for command, data in (
            ("golioth/logs/subscribe", {}),
            ("golioth/logs/history", {"before": at(days=1)}),
        ):
            error = await browser.error(
                command, config_entry_id=streaming.entry_id, **data
            )
            assert error["code"] == "unauthorized"
    # A dashboard without permission is no error for the log.
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]

    async def told(**data: Any) -> list[str]:
        event = await browser.subscribe(streaming, **data)
        page = await browser.history(streaming, **data)
        assert messages(page["logs"]) == messages(event["logs"])
        return messages(event["logs"])

    user.mock_policy(readable)
    assert await told() == ["0"]
    assert await told(device_ids=[greenhouse, water_meter, project]) == ["0"]
    assert requested_devices(simulator) == {GREENHOUSE_NODE}
    for device_ids in ([water_meter], [project], [water_meter, project]):
        error = await browser.error(
            "golioth/logs/subscribe",
            config_entry_id=streaming.entry_id,
            device_ids=device_ids,
        )
        assert error["code"] == "unauthorized"
    user.mock_policy(policy(entity_registry, greenhouse, project))
    assert await told() == ["0"]
    assert requested_devices(simulator) == {GREENHOUSE_NODE}
    for everything in (
        policy(entity_registry, greenhouse, water_meter, project),
        {"entities": {"all": {POLICY_READ: True}}},
    ):
        user.mock_policy(everything)
        assert await told() == ["0", "1", "2", "3"]
        assert await told(device_ids=[project]) == ["2", "3"]
    assert not requested_devices(simulator)


async def test_project_opens_no_logs_of_devices(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    entity_registry: er.EntityRegistry,
    user: MockUser,
    log_in: LogIn,
    greenhouse: str,
    water_meter: str,
    project: str,
) -> None:
    """Permission for the project opens no device's logs.

    This holds for new and for removed devices.
    """
    # The user may still not read this device.
    simulator.add_device("door-sensor")
    await streaming.runtime_data.async_refresh()
    simulator.log("removed", device=WATER_METER)
    simulator.log("new", device="invented")
    await log_events.wait_for(2)
    await remove_device(hass, streaming, simulator, WATER_METER)
    simulator.log("removed long ago", device=WATER_METER)
    await log_events.wait_for(3)
    browser = await log_in(user)
    user.mock_policy(policy(entity_registry, project))
    for data in ({}, {"device_ids": [project]}, {"device_ids": [water_meter]}):
        for command, more in (
            ("golioth/logs/subscribe", {}),
            ("golioth/logs/history", {"before": at(days=1)}),
        ):
            error = await browser.error(
                command, config_entry_id=streaming.entry_id, **data, **more
            )
            assert error["code"] == "unauthorized"
    for source in ({}, {"device_id": project}):
        with pytest.raises(Unauthorized):
            await act(hass, "get_logs", Context(user_id=user.id), **source)

    # The same with permission for a device.
    user.mock_policy(policy(entity_registry, greenhouse, project))
    assert not (await browser.subscribe(streaming))["logs"]
    assert not (await browser.history(streaming))["logs"]
    simulator.log("new", device="invented")
    simulator.log("removed", device=WATER_METER)
    simulator.log("own", device=GREENHOUSE_NODE)
    assert messages(await browser.logs_until("own")) == ["own"]


async def test_removed_device_while_subscribed(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    entity_registry: er.EntityRegistry,
    user: MockUser,
    log_in: LogIn,
    greenhouse: str,
    water_meter: str,
) -> None:
    """Logs of a removed device belong to the project.

    This includes its logs from before.
    """
    everyone = MockUser().add_to_hass(hass)
    everyone.mock_policy({"entities": {"all": {POLICY_READ: True}}})
    user.mock_policy(policy(entity_registry, greenhouse, water_meter))
    browser, reader = await log_in(user), await log_in(everyone)
    await browser.subscribe(streaming)
    await reader.subscribe(streaming)
    simulator.log("before", device=WATER_METER)
    assert messages(await browser.logs_until("before")) == ["before"]
    await remove_device(hass, streaming, simulator, WATER_METER)
    simulator.log("after", device=WATER_METER)
    simulator.log("own", device=GREENHOUSE_NODE)
    assert messages(await browser.logs_until("own")) == ["own"]
    all_three = ["before", "after", "own"]
    assert messages(await reader.logs_until("own")) == all_three
    for client, expected in ((browser, ["own"]), (reader, all_three)):
        assert messages((await client.subscribe(streaming))["logs"]) == expected
        assert messages((await client.history(streaming))["logs"]) == expected


async def test_new_device_while_subscribed(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    entity_registry: er.EntityRegistry,
    user: MockUser,
    log_in: LogIn,
    greenhouse: str,
    water_meter: str,
    project: str,
) -> None:
    """Logs of a new device first belong to the project.

    Once it is registered, they belong to the device. A user who may read everything
    misses none.
    """
    everyone = MockUser().add_to_hass(hass)
    everyone.mock_policy({"entities": {"all": {POLICY_READ: True}}})
    # All present devices.
    user.mock_policy(policy(entity_registry, greenhouse, water_meter, project))
    browser, reader = await log_in(user), await log_in(everyone)
    await browser.subscribe(streaming)
    await reader.subscribe(streaming)
    simulator.log("1", device="61a4d0000000000000000001")
    assert messages(await browser.logs_until("1")) == ["1"]
    # Permissions count when logs are sent, not when they arrive.
    new = simulator.add_device("door-sensor", "61a4d0000000000000000001")
    await streaming.runtime_data.async_refresh()
    await wait_for_state(hass, "sensor.door_sensor_last_log", "1")
    simulator.log("2", device=new)
    simulator.log("3", device=GREENHOUSE_NODE)
    assert messages(await browser.logs_until("3")) == ["3"]
    assert messages(await reader.logs_until("3")) == ["1", "2", "3"]
    # The user can no longer read everything: soon no log of the project arrives.
    told = ["new"]
    async with asyncio.timeout(TIMEOUT):
        while "new" in told:
            simulator.log("new", device="invented")
            simulator.log("own", device=GREENHOUSE_NODE)
            told = messages(await browser.logs_until("own"))
    for logs in (
        (await browser.subscribe(streaming))["logs"],
        (await browser.history(streaming))["logs"],
    ):
        assert set(messages(logs)) == {"3", "own"}


async def test_permission_on_the_project_that_is_taken_away(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    entity_registry: er.EntityRegistry,
    user: MockUser,
    log_in: LogIn,
    greenhouse: str,
    project: str,
) -> None:
    """Without permission for everything, project logs stop."""
    user.mock_policy({"entities": True})
    browser = await log_in(user)
    await browser.subscribe(streaming)
    simulator.log("1", device="invented")
    assert messages(await browser.logs_until("1")) == ["1"]
    user.mock_policy(policy(entity_registry, greenhouse, project))
    simulator.log("2", device="invented")
    simulator.log("3", device=GREENHOUSE_NODE)
    assert messages(await browser.logs_until("3")) == ["3"]


async def test_permission_that_changes(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    entity_registry: er.EntityRegistry,
    user: MockUser,
    log_in: LogIn,
    greenhouse: str,
    water_meter: str,
) -> None:
    """Changed permissions apply to the next log."""
    user.mock_policy(policy(entity_registry, greenhouse))
    browser = await log_in(user)
    await browser.subscribe(streaming)
    simulator.log("1", device=WATER_METER)
    simulator.log("2", device=GREENHOUSE_NODE)
    assert messages(await browser.logs_until("2")) == ["2"]
    user.mock_policy(policy(entity_registry, water_meter))
    simulator.log("3", device=GREENHOUSE_NODE)
    simulator.log("4", device=WATER_METER)
    assert messages(await browser.logs_until("4")) == ["4"]


async def test_permission_that_is_given(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    entity_registry: er.EntityRegistry,
    user: MockUser,
    log_in: LogIn,
    greenhouse: str,
    water_meter: str,
) -> None:
    """A new permission takes effect after a refused log."""
    user.mock_policy(policy(entity_registry, greenhouse))
    browser = await log_in(user)
    await browser.subscribe(streaming)
    simulator.log("refused", device=WATER_METER)
    await log_events.wait_for(1)
    user.mock_policy(policy(entity_registry, water_meter))
    event = asyncio.create_task(browser.event())
    while not event.done():
        simulator.log("allowed", device=WATER_METER)
        await asyncio.wait([event], timeout=0.02)
    assert set(messages(event.result()["logs"])) == {"allowed"}


async def test_read_only_user(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
) -> None:
    """A read-only user can read logs."""
    browser = Browser(await hass_ws_client(access_token=hass_read_only_access_token))
    await browser.subscribe(streaming)
    simulator.log("1", device=GREENHOUSE_NODE)
    assert messages(await browser.logs_until("1")) == ["1"]
    assert messages((await browser.history(streaming))["logs"]) == ["1"]


async def test_devices_without_entities(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    entity_registry: er.EntityRegistry,
    user: MockUser,
    log_in: LogIn,
    greenhouse: str,
    water_meter: str,
    project: str,
) -> None:
    """Devices without entities need permission for the project.

    If that has no entities either, only an administrator may read.
    """
    for entity_id in entity_ids(entity_registry, greenhouse):
        entity_registry.async_remove(entity_id)
    browser = await log_in(user)
    asked = {"config_entry_id": streaming.entry_id, "device_ids": [greenhouse]}
    user.mock_policy(policy(entity_registry, project))
    error = await browser.error("golioth/logs/subscribe", **asked)
    assert error["code"] == "unauthorized"
    user.mock_policy(policy(entity_registry, project, water_meter))
    await browser.subscribe(streaming, device_ids=[greenhouse])
    simulator.log("1", device=GREENHOUSE_NODE)
    assert messages(await browser.logs_until("1")) == ["1"]

    for device_id in (water_meter, project):
        for entity_id in entity_ids(entity_registry, device_id):
            entity_registry.async_remove(entity_id)
    user.mock_policy({"entities": True})
    error = await browser.error("golioth/logs/subscribe", **asked)
    assert error["code"] == "unauthorized"
    with pytest.raises(Unauthorized):
        await act(hass, "get_logs", Context(user_id=user.id))


# History


@pytest.mark.parametrize("digits", [9, 3])
async def test_pages(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    browser: Browser,
    now: datetime,
    digits: int,
) -> None:
    """Pages neither lose nor repeat a log.

    This holds whether or not Golioth truncates timestamps.
    """
    simulator.timestamp_digits = digits
    for number in range(300):
        # Five in each millisecond, two of them with equal timestamps.
        moment = now + timedelta(milliseconds=number // 5)
        nanoseconds = (number % 5 or 1) * 1_111
        simulator.log(
            str(number),
            timestamp=f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}{nanoseconds:06}Z",
        )
    pages, logs = await all_pages(browser, streaming, limit=23)
    assert sorted(messages(logs), key=int) == [str(number) for number in range(300)]
    assert [log["timestamp"] for log in logs] == sorted(
        log["timestamp"] for log in logs
    )
    # A page has whole milliseconds only.
    assert [len(page["logs"]) for page in pages] == [20] * 15
    assert all(page["complete"] for page in pages)
    assert all(log["source"] is None and "number" not in log for log in logs)


async def test_history_begins_where_the_ring_ends(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    browser: Browser,
    now: datetime,
) -> None:
    """A page ends with its `before` time's millisecond.

    Logs of the same millisecond are included, later ones are not.
    """
    for number in range(6):
        moment = now + timedelta(milliseconds=number // 3)
        simulator.log(
            str(number),
            timestamp=f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}00{number}000Z",
        )
    await log_events.wait_for(6)
    event = await browser.subscribe(streaming)
    oldest = event["logs"][1]
    page = await browser.history(streaming, before=oldest["timestamp"])
    assert messages(page["logs"]) == ["0", "1", "2"]
    assert not page["more"]


async def test_calm_milliseconds_at_the_end(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    browser: Browser,
    now: datetime,
) -> None:
    """A page's oldest millisecond moves to the next page.

    It stays if the page has no other.
    """
    stamp = f"{now:%Y-%m-%dT%H:%M:%S}"
    for number in range(160):
        simulator.log(f"crowd {number}", timestamp=f"{stamp}.000{number:06}Z")
    simulator.log("last", timestamp=f"{stamp}.001000000Z")
    pages, logs = await all_pages(browser, streaming, limit=10)
    assert [len(page["logs"]) for page in pages] == [1, 160]
    assert messages(logs) == [*(f"crowd {number}" for number in range(160)), "last"]
    assert all(page["complete"] for page in pages)


async def test_crowded_millisecond(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    browser: Browser,
    now: datetime,
) -> None:
    """A millisecond with too many logs makes pages incomplete.

    Older logs can still be read.
    """
    stamp = f"{now:%Y-%m-%dT%H:%M:%S}"
    simulator.log("before", timestamp=f"{stamp}.000000000Z")
    for number in range(1_200):
        simulator.log(str(number), timestamp=f"{stamp}.001{number:06}Z")
    pages, logs = await all_pages(browser, streaming)
    assert [page["complete"] for page in pages] == [False, True]
    assert messages(logs) == ["before", *(str(number) for number in range(200, 1_200))]


async def test_withheld_logs(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    browser: Browser,
    now: datetime,
) -> None:
    """A page is incomplete if Golioth withholds logs."""
    for second in range(3):
        moment = now + timedelta(seconds=second)
        simulator.log(f"before {second}", timestamp=moment.isoformat())
        for _ in range(150 if second == 1 else 0):
            simulator.log("crowd", timestamp=moment.isoformat())
    pages, logs = await all_pages(browser, streaming, limit=150)
    assert messages(logs).count("crowd") in {99, 100}
    assert [message for message in messages(logs) if message[-1] in "02"] == [
        "before 0",
        "before 2",
    ]
    assert not all(page["complete"] for page in pages)


async def test_thirty_days(
    streaming: MockConfigEntry, simulator: GoliothSimulator, browser: Browser
) -> None:
    """The history ends after 30 days."""
    for days in (-31, -29, 0):
        simulator.log(str(days), timestamp=at(days=days))
    page = await browser.history(streaming)
    assert messages(page["logs"]) == ["-29", "0"]
    assert not page["more"]
    assert at(days=-30, minutes=-1) < page["start"] < at(days=-30, minutes=1)
    requests = len(simulator.requests)
    page = await browser.history(streaming, before=at(days=-30, minutes=-5))
    assert page["logs"] == []
    assert not page["more"]
    assert len(simulator.requests) == requests


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, ["0", "1", "2", "3"]),
        ({"levels": ["error"]}, ["1", "3"]),
        ({"levels": ["error", "debug", "error"]}, ["0", "1", "3"]),
        ({"module": "wifi"}, ["1", "2"]),
        ({"search": "3"}, ["3"]),
        (
            {"levels": [], "module": "", "search": "", "device_ids": []},
            ["0", "1", "2", "3"],
        ),
        ({"levels": ["error"], "module": "wifi", "search": "1"}, ["1"]),
        ({"limit": 2}, ["2", "3"]),
        ({"limit": 1}, ["3"]),
    ],
)
async def test_filters(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    browser: Browser,
    data: dict[str, Any],
    expected: list[str],
) -> None:
    """Golioth is asked only for logs that pass the filters."""
    for number, (level, module) in enumerate(
        [("DEBUG", "power"), ("ERROR", "wifi"), ("INFO", "wifi"), ("ERROR", "power")]
    ):
        simulator.log(
            str(number),
            level=level,
            module=module,
            timestamp=at(minutes=-10, seconds=number),
        )
    page = await browser.history(streaming, **data)
    assert messages(page["logs"]) == expected
    assert page["more"] is ("limit" in data)


async def test_history_of_devices(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    browser: Browser,
    greenhouse: str,
    water_meter: str,
    project: str,
) -> None:
    """The history of one device asks Golioth only for that.

    For several with the project's, it asks for all logs.
    """
    for number, device in enumerate((GREENHOUSE_NODE, WATER_METER, "invented", None)):
        simulator.log(str(number), device=device)

    async def told(*device_ids: str) -> list[str]:
        page = await browser.history(streaming, device_ids=list(device_ids))
        return messages(page["logs"])

    assert await told(greenhouse, "gone") == ["0"]
    assert requested_devices(simulator) == {GREENHOUSE_NODE}
    assert await told(greenhouse, project) == ["0", "2", "3"]
    assert not requested_devices(simulator)
    assert await told(project) == ["2", "3"]


@pytest.mark.parametrize("search", ["", "needle"])
async def test_page_tells_nothing_of_other_devices(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    entity_registry: er.EntityRegistry,
    user: MockUser,
    log_in: LogIn,
    greenhouse: str,
    water_meter: str,
    now: datetime,
    search: str,
) -> None:
    """Pages reveal nothing about an unreadable device.

    A user with two devices of three gets the same pages whatever the third logs, even
    if it matches the search.
    """
    other = simulator.add_device("door-sensor")
    await streaming.runtime_data.async_refresh()
    user.mock_policy(policy(entity_registry, greenhouse, water_meter))
    browser = await log_in(user)

    def at_second(second: float) -> str:
        return (now + timedelta(seconds=second)).isoformat()

    for number in range(20):
        simulator.log(
            f"needle {number}",
            device=WATER_METER if number % 3 else GREENHOUSE_NODE,
            timestamp=at_second(number),
        )

    async def told() -> list[Any]:
        """Return the pages without the start of the oldest.

        That start is 30 days ago.
        """
        pages, _ = await all_pages(browser, streaming, limit=5, search=search)
        return [
            (messages(page["logs"]), page["start"] * page["more"], page["complete"])
            for page in pages
        ]

    alone = await told()
    assert [message for page, _, _ in reversed(alone) for message in page] == [
        f"needle {number}" for number in range(20)
    ]
    for number in range(300):
        simulator.log(
            f"needle {number}", device=other, timestamp=at_second(number / 10)
        )
    # With more equal timestamps than can be read, too.
    for _ in range(150):
        simulator.log("needle", device=other, timestamp=at_second(10))
    requested_devices(simulator)
    assert await told() == alone
    assert requested_devices(simulator) == {GREENHOUSE_NODE, WATER_METER}


@pytest.mark.parametrize("seed", range(8))
async def test_pages_of_several_devices(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    entity_registry: er.EntityRegistry,
    user: MockUser,
    log_in: LogIn,
    greenhouse: str,
    water_meter: str,
    now: datetime,
    seed: int,
) -> None:
    """Pages of several devices neither lose nor repeat logs.

    They are in order.
    """
    chance = random.Random(seed)  # noqa: S311
    simulator.timestamp_digits = chance.choice([3, 9])
    other = simulator.add_device("door-sensor")
    await streaming.runtime_data.async_refresh()
    user.mock_policy(policy(entity_registry, greenhouse, water_meter))
    browser = await log_in(user)
    # A span so short that milliseconds have logs of several devices, some more than a
    # page.
    span = chance.choice([3, 100, 10_000])
    logs: list[tuple[datetime, str]] = []
    for device, most in ((GREENHOUSE_NODE, 250), (WATER_METER, 30), (other, 100)):
        for number in range(chance.randrange(most)):
            moment = now + timedelta(milliseconds=chance.randrange(span))
            simulator.log(
                f"{device} {number}",
                device=device,
                timestamp=f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
            )
            if device != other:
                logs.append((moment, f"{device} {number}"))
    limit = chance.choice([1, 7, 99, 100, 200])
    pages, told = await all_pages(browser, streaming, limit=limit)
    assert sorted(messages(told)) == sorted(message for _, message in logs)
    stamps = [log["timestamp"] for log in told]
    assert stamps == sorted(stamps)
    if span > 1_000:
        assert all(len(page["logs"]) <= limit + 3 for page in pages)


async def test_history_behind_a_muted_device(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    disable: Disable,
    browser: Browser,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A muted device with many logs makes empty pages.

    It has more logs than can be read at once: the next page begins before them.
    """
    monkeypatch.setattr(history, "_MAX_REQUESTS", 3)

    def log(message: str, device: str, seconds: int) -> None:
        time = (now + timedelta(seconds=seconds)).isoformat()
        simulator.log(message, device=device, timestamp=time)

    log("first", WATER_METER, 0)
    for number in range(1, 1000):
        log(f"noise {number}", GREENHOUSE_NODE, number)
    log("last", WATER_METER, 1000)
    disable()
    pages, logs = await all_pages(browser, streaming)
    assert messages(logs) == ["first", "last"]
    assert any(not page["logs"] for page in pages)
    assert all(page["complete"] for page in pages)


async def test_muted_device(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    greenhouse: str,
    disable: Disable,
    browser: Browser,
) -> None:
    """Logs of a muted device need the device's name.

    This holds for those that it fired before.
    """
    simulator.log("before", device=GREENHOUSE_NODE)
    simulator.log("signal", device=WATER_METER)
    await log_events.wait_for(2)
    first = await browser.subscribe(streaming)
    assert messages(first["logs"]) == ["before", "signal"]
    disable()
    simulator.log("noise", device=GREENHOUSE_NODE)
    simulator.log("more", device=WATER_METER)
    assert messages(await browser.logs_until("more")) == ["more"]
    again = await browser.subscribe(streaming)
    assert messages(again["logs"]) == ["signal", "more"]
    named = await browser.subscribe(streaming, device_ids=[greenhouse])
    assert messages(named["logs"]) == ["before"]
    disable(False)
    again = await browser.subscribe(streaming)
    assert messages(again["logs"]) == ["before", "signal", "more"]


async def test_user_who_may_read_a_muted_device(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    entity_registry: er.EntityRegistry,
    greenhouse: str,
    water_meter: str,
    disable: Disable,
    user: MockUser,
    log_in: LogIn,
) -> None:
    """Muted devices are left out for limited users, too.

    A user without other devices has a view without logs.
    """
    simulator.log("noise", device=GREENHOUSE_NODE)
    simulator.log("signal", device=WATER_METER)
    disable()
    user.mock_policy(policy(entity_registry, greenhouse, water_meter))
    browser = await log_in(user)
    page = await browser.history(streaming)
    assert messages(page["logs"]) == ["signal"]
    page = await browser.history(streaming, device_ids=[greenhouse, water_meter])
    assert messages(page["logs"]) == ["noise", "signal"]
    user.mock_policy(policy(entity_registry, greenhouse))
    browser = await log_in(user)
    page = await browser.history(streaming)
    assert (page["logs"], page["more"], page["complete"]) == ([], False, True)
    assert (await browser.subscribe(streaming))["logs"] == []


async def test_history_of_too_many_devices(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    entity_registry: er.EntityRegistry,
    device_registry: dr.DeviceRegistry,
    user: MockUser,
    log_in: LogIn,
) -> None:
    """A user with many devices must choose some.

    Each one takes a request, unless the user may read all.
    """
    for number in range(60):
        simulator.add_device(f"device-{number}")
    await streaming.runtime_data.async_refresh()
    await hass.async_block_till_done(wait_background_tasks=False)
    readable = [
        device.id
        for device in dr.async_entries_for_config_entry(
            device_registry, streaming.entry_id
        )
        if (device.name or "").startswith("device-")
    ]
    user.mock_policy(policy(entity_registry, *readable))
    simulator.log("1", timestamp=at(minutes=-1))
    browser = await log_in(user)
    simulator.requests.clear()
    for asked in ({}, {"device_ids": readable[:51]}):
        error = await browser.error(
            "golioth/logs/history",
            config_entry_id=streaming.entry_id,
            before=at(),
            **asked,
        )
        assert error["translation_key"] == "too_many_devices"
    assert not requested_devices(simulator)
    page = await browser.history(streaming, device_ids=readable[:50])
    assert page["logs"] == []
    assert not page["more"]
    assert len(requested_devices(simulator)) == 50


# Errors


@pytest.mark.parametrize(
    ("status", "html", "key", "placeholders"),
    [
        (500, False, "golioth_status", {"status": "500"}),
        (429, False, "golioth_too_many_requests", {"status": "429"}),
        (None, True, "golioth_not_there", {}),
    ],
)
async def test_history_that_cannot_be_read(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    browser: Browser,
    status: int | None,
    html: bool,
    key: str,
    placeholders: dict[str, str],
) -> None:
    """The reason has a translation key, and retrying works."""
    simulator.faults.rest_status = status
    simulator.faults.rest_html = html
    error = await browser.error(
        "golioth/logs/history", config_entry_id=streaming.entry_id, before=at()
    )
    assert error["code"] == "home_assistant_error"
    assert error["translation_domain"] == DOMAIN
    assert error["translation_key"] == key
    assert error["translation_placeholders"] == placeholders
    simulator.faults.clear()
    assert (await browser.history(streaming))["logs"] == []
    assert not list(streaming.async_get_active_flows(hass, {SOURCE_REAUTH}))


async def test_rejected_key(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    browser: Browser,
) -> None:
    """A rejected key starts reauthentication, and is not used again."""
    requests = len(simulator.requests)
    simulator.revoke()
    for _ in range(3):
        error = await browser.error(
            "golioth/logs/history", config_entry_id=streaming.entry_id, before=at()
        )
        assert error["code"] == "home_assistant_error"
        assert error["translation_domain"] == DOMAIN
        assert error["translation_key"] == "invalid_auth"
    await hass.async_block_till_done()
    assert len(simulator.requests) == requests + 1
    assert len(list(streaming.async_get_active_flows(hass, {SOURCE_REAUTH}))) == 1


async def test_history_of_a_project_that_is_not_loaded(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    browser: Browser,
) -> None:
    """The history of an unloaded project is an error.

    Golioth is not asked.
    """
    assert await hass.config_entries.async_unload(streaming.entry_id)
    requests = len(simulator.requests)
    error = await browser.error(
        "golioth/logs/history", config_entry_id=streaming.entry_id, before=at()
    )
    assert error["translation_key"] == "service_config_entry_not_loaded"
    assert "Demo project" in error["message"]
    assert len(simulator.requests) == requests


async def test_project_that_is_unloaded_meanwhile(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    browser: Browser,
) -> None:
    """Unloading ends a request under way with an error."""
    simulator.log("1")
    simulator.faults.rest_delay = 0.2
    requests = len(simulator.requests)
    answer = asyncio.create_task(
        browser.error(
            "golioth/logs/history",
            config_entry_id=streaming.entry_id,
            before=at(days=1),
        )
    )
    await simulator.wait_until(lambda: len(simulator.requests) > requests)
    assert await hass.config_entries.async_unload(streaming.entry_id)
    assert (await answer)["translation_key"] == "project_unloaded"


# Limits


async def test_too_many_subscriptions(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    browser: Browser,
    log_in: LogIn,
    hass_admin_user: MockUser,
    user: MockUser,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A connection has twenty subscriptions, a user a hundred.

    Each one that ends makes room for another.
    """
    user.mock_policy({"entities": True})
    mine = [browser, *[await log_in(hass_admin_user) for _ in range(5)]]

    async def refused(browser: Browser) -> str:
        error = await browser.error(
            "golioth/logs/subscribe", config_entry_id=streaming.entry_id
        )
        assert error["code"] == "too_many"
        assert error["translation_domain"] == DOMAIN
        key: str = error["translation_key"]
        return key

    for each in mine[:5]:
        for _ in range(20):
            await each.subscribe(streaming)
        assert await refused(each) == "too_many_subscriptions"
    assert await refused(mine[5]) == "too_many_subscriptions"
    await (await log_in(user)).subscribe(streaming)
    await mine[0].client.send_json_auto_id(
        {"type": "unsubscribe_events", "subscription": 1}
    )
    assert (await mine[0].receive())["success"]
    await mine[5].subscribe(streaming)
    assert await refused(mine[0]) == "too_many_subscriptions"
    await mine[1].client.close()
    await wait_until(
        lambda: len(async_get_recent_logs(hass, streaming.entry_id)._subscriptions) < 90
    )
    await mine[0].subscribe(streaming)
    # The log has no errors.
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


async def test_one_page_at_a_time(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    browser: Browser,
    log_in: LogIn,
    hass_admin_user: MockUser,
) -> None:
    """A second page of one connection is refused.

    Those of other connections wait. The next is read after the first.
    """
    ask = {
        "type": "golioth/logs/history",
        "config_entry_id": streaming.entry_id,
        "before": at(days=1),
    }
    other = await log_in(hass_admin_user)
    simulator.faults.rest_delay = 0.2
    for each in (browser, browser, other):
        await each.client.send_json_auto_id(ask)
    refused, first = await browser.receive(), await browser.receive()
    assert (refused["id"], first["id"]) == (2, 1)
    assert refused["error"]["code"] == "too_many"
    assert refused["error"]["translation_key"] == "one_page_at_a_time"
    assert first["success"]
    assert (await other.receive())["success"]
    await browser.history(streaming)


async def test_many_refused_commands_in_one_frame(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    entity_registry: er.EntityRegistry,
    device_registry: dr.DeviceRegistry,
    user: MockUser,
    log_in: LogIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refused commands check a fleet's entities only once.

    Further checks come at most ten times a second.
    """
    for number in range(50):
        simulator.add_device(f"device-{number}")
    await streaming.runtime_data.async_refresh()
    await hass.async_block_till_done(wait_background_tasks=False)
    device_ids = [
        device.id
        for device in dr.async_entries_for_config_entry(
            device_registry, streaming.entry_id
        )
    ]
    assert all(entity_ids(entity_registry, device_id) for device_id in device_ids)
    is_permitted, looks = user.permissions.check_entity, 0

    def check_entity(entity_id: str, key: str) -> bool:
        nonlocal looks
        looks += 1
        return is_permitted(entity_id, key)

    monkeypatch.setattr(user.permissions, "check_entity", check_entity)
    browser = await log_in(user)
    project = {"config_entry_id": streaming.entry_id}
    commands: list[dict[str, Any]] = [
        {"type": "golioth/logs/subscribe", **project},
        {"type": "golioth/logs/subscribe", "device_ids": device_ids, **project},
        {"type": "golioth/logs/history", "before": at(), **project},
        {
            "type": "call_service",
            "domain": DOMAIN,
            "service": "get_logs",
            "service_data": project,
            "return_response": True,
        },
    ] * 50
    started = hass.loop.time()
    await browser.client.send_json(
        [{"id": number, **command} for number, command in enumerate(commands, start=1)]
    )
    for _ in commands:
        assert not (await browser.receive())["success"]
    # If that takes long, they are checked ten times a second.
    times = 1 + (hass.loop.time() - started) / 0.1
    # The last two are for the project itself.
    assert looks <= times * (len(device_ids) + 2)


@pytest.mark.parametrize("goes", [True, False], ids=["gone", "unsubscribed"])
async def test_page_without_a_reader(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    browser: Browser,
    log_in: LogIn,
    hass_admin_user: MockUser,
    goes: bool,
) -> None:
    """A page without a reader is not read further.

    The browser has disconnected or unsubscribed. This holds for waiting requests, too.
    """
    ask = {
        "type": "golioth/logs/history",
        "config_entry_id": streaming.entry_id,
        "before": at(days=1),
    }
    other = await log_in(hass_admin_user)
    turns = streaming.runtime_data.history.turns
    requests = len(simulator.requests)
    simulator.faults.rest_never = True
    await browser.client.send_json_auto_id(ask)
    await simulator.wait_until(lambda: len(simulator.requests) > requests)
    await other.client.send_json_auto_id(ask)
    await wait_until(lambda: bool(turns._waiting))
    for each in (other, browser):
        if goes:
            await each.client.close()
        else:
            await each.client.send_json_auto_id(
                {"type": "unsubscribe_events", "subscription": 1}
            )
            assert (await each.receive())["success"]
    await wait_until(lambda: not turns._taken)
    assert not turns._waiting
    assert len(simulator.requests) == requests + 1
    simulator.faults.clear()
    await (await log_in(hass_admin_user)).history(streaming)


async def test_reload_between_events(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    browser: Browser,
) -> None:
    """A reload loses no event of the beginning."""
    simulator.document_limit = None
    for number in range(300):
        simulator.log(f"{number} " + "x" * 10_000)
    await log_events.wait_for(300)
    await browser.client.send_json_auto_id(
        {"type": "golioth/logs/subscribe", "config_entry_id": streaming.entry_id}
    )
    assert await hass.config_entries.async_reload(streaming.entry_id)
    assert (await browser.receive())["success"]
    numbers: list[int] = []
    more = True
    while more:
        event = await browser.event()
        numbers += [log["number"] for log in event["logs"]]
        more = event.get("more", False)
    assert numbers == list(range(1, 301))
