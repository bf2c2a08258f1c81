"""Tests of the ring of recent logs, and of who is told of them."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import orjson
import pytest

from custom_components.golioth.recent_logs import (
    MAX_LOGS,
    MAX_LOGS_TOLD,
    MAX_SIZE,
    MAX_SIZE_TOLD,
    TELL_INTERVAL,
    RecentLogs,
    async_get_recent_logs,
    async_remove_recent_logs,
)
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.json import json_bytes

from .events import TIMEOUT

type Event = dict[str, Any]


def a_log(message: str, device_id: str = "device") -> dict[str, Any]:
    """Return a log as the coordinator tells it."""
    return {"device_id": device_id, "message": message}


class Browser:
    """Somebody who looks at the logs.

    Attributes:
        events: What was told so far.
        times: When, on the loop's clock.
        devices: The devices whose logs are wanted; None for all.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Look at nothing yet."""
        self.events: list[Event] = []
        self.times: list[float] = []
        self.devices: set[str] | None = None
        self.unsubscribe: CALLBACK_TYPE | None = None
        self._hass = hass
        self._told = asyncio.Event()

    def subscribe(self, recent_logs: RecentLogs) -> None:
        """Look at the logs."""
        self.unsubscribe = recent_logs.async_subscribe(self.tell, self.wants)

    @callback
    def tell(self, event: Event) -> None:
        """Take an event."""
        self.events.append(event)
        self.times.append(self._hass.loop.time())
        self._told.set()

    @callback
    def wants(self, device_id: str) -> bool:
        """Whether the logs of a device are wanted."""
        return self.devices is None or device_id in self.devices

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until the events are as expected."""
        async with asyncio.timeout(TIMEOUT):
            while not condition():
                self._told.clear()
                await self._told.wait()

    @property
    def logs(self) -> list[dict[str, Any]]:
        """The logs of all events, in order."""
        return [
            log
            for event in orjson.loads(json_bytes(self.events))
            for log in event.get("logs", [])
        ]

    @property
    def messages(self) -> list[str]:
        """Their messages."""
        return [log["message"] for log in self.logs]

    @property
    def left_out(self) -> int:
        """How many logs were left out."""
        return sum(event.get("left_out", 0) for event in self.events)


@pytest.fixture
def recent_logs(hass: HomeAssistant) -> RecentLogs:
    """Return the logs of a project that has none yet."""
    return RecentLogs(hass)


@pytest.fixture
def browser(hass: HomeAssistant) -> Iterator[Browser]:
    """Return who will look at them, and goes in the end."""
    browser = Browser(hass)
    yield browser
    if browser.unsubscribe is not None:
        browser.unsubscribe()


def test_what_there_is(recent_logs: RecentLogs, browser: Browser) -> None:
    """Who comes is told the logs that there are, at once, numbered from when the ring was made."""
    browser.subscribe(recent_logs)
    (empty,) = browser.events
    assert empty == {
        "life": empty["life"],
        "first_number": 1,
        "logs": [],
        "left_out": 0,
    }
    assert browser.unsubscribe is not None
    browser.unsubscribe()
    browser.events.clear()
    recent_logs.async_add(a_log("a"))
    recent_logs.async_add(a_log("b"))
    browser.subscribe(recent_logs)
    (event,) = browser.events
    assert event["life"] == empty["life"]
    assert event["first_number"] == 1
    assert browser.logs == [
        {"number": 1, "device_id": "device", "message": "a"},
        {"number": 2, "device_id": "device", "message": "b"},
    ]
    assert RecentLogs(recent_logs._hass)._life != empty["life"]


async def test_calm_log(recent_logs: RecentLogs, browser: Browser) -> None:
    """A log that comes alone is told in the next turn, together with what came with it."""
    browser.subscribe(recent_logs)
    await browser.wait_until(lambda: len(browser.events) == 1)
    browser.events.clear()
    recent_logs.async_add(a_log("1"))
    recent_logs.async_add(a_log("2"))
    assert not browser.events
    await browser.wait_until(lambda: bool(browser.events))
    assert len(browser.events) == 1
    assert browser.messages == ["1", "2"]


async def test_too_many_at_once(recent_logs: RecentLogs, browser: Browser) -> None:
    """Of more than one event can hold, the newest are told, and how many were left out."""
    browser.subscribe(recent_logs)
    for number in range(MAX_LOGS + 500):
        recent_logs.async_add(a_log(str(number)))
    await browser.wait_until(lambda: len(browser.events) == 2)
    event = browser.events[1]
    assert len(event["logs"]) == MAX_LOGS_TOLD
    assert event["left_out"] == MAX_LOGS + 500 - MAX_LOGS_TOLD
    expected = range(MAX_LOGS + 500 - MAX_LOGS_TOLD, MAX_LOGS + 500)
    assert browser.messages == [str(number) for number in expected]
    # What was left out once is not counted again.
    recent_logs.async_add(a_log("after"))
    await browser.wait_until(lambda: len(browser.events) == 3)
    assert browser.events[2]["left_out"] == 0


async def test_long_logs_at_once(recent_logs: RecentLogs, browser: Browser) -> None:
    """An event is bounded in bytes as well."""
    browser.subscribe(recent_logs)
    for number in range(50):
        recent_logs.async_add(a_log(f"{number} " + "x" * 20_000))
    await browser.wait_until(lambda: len(browser.events) == 2)
    size = len(json_bytes(browser.events[1]))
    assert MAX_SIZE_TOLD - 21_000 < size < MAX_SIZE_TOLD + 100
    assert browser.messages[-1].startswith("49 ")
    assert browser.left_out == 50 - len(browser.logs)


async def test_ten_times_a_second(recent_logs: RecentLogs, browser: Browser) -> None:
    """However many logs come, nobody is told more often, nothing is out of order, and everything is accounted for."""
    browser.subscribe(recent_logs)
    added = 0
    while len(browser.events) < 6:
        for _ in range(50):
            recent_logs.async_add(a_log(str(added)))
            added += 1
        await asyncio.sleep(0)
    recent_logs.async_add(a_log("last"))
    await browser.wait_until(lambda: browser.messages[-1:] == ["last"])
    pauses = [after - before for before, after in pairwise(browser.times)]
    # The loop may be ahead of a timer by its resolution.
    assert min(pauses) >= TELL_INTERVAL - 0.001
    numbers = [log["number"] for log in browser.logs]
    assert numbers == sorted(set(numbers))
    assert len(numbers) + browser.left_out == added + 1
    assert browser.left_out > 0


def test_number_of_logs_is_bounded(recent_logs: RecentLogs, browser: Browser) -> None:
    """The ring has the last logs, and says with which number they begin."""
    for number in range(MAX_LOGS + 3):
        recent_logs.async_add(a_log(str(number)))
    browser.subscribe(recent_logs)
    assert browser.messages == [str(number) for number in range(3, MAX_LOGS + 3)]
    assert browser.events[0]["first_number"] == browser.logs[0]["number"] == 4
    assert browser.events[0]["left_out"] == 0


def test_size_is_bounded(recent_logs: RecentLogs, browser: Browser) -> None:
    """The ring holds no more than so many bytes of JSON, in whatever characters."""
    for number in range(400):
        recent_logs.async_add(a_log(f"{number} " + "\0" * 4_000))
    browser.subscribe(recent_logs)
    sizes = [len(json_bytes(log)) for log in browser.events[0]["logs"]]
    assert MAX_SIZE - max(sizes) < sum(sizes) <= MAX_SIZE
    assert recent_logs._size == sum(sizes)
    assert browser.messages[-1].startswith("399 ")
    # Short ones come in for it.
    for number in range(MAX_LOGS):
        recent_logs.async_add(a_log(str(number)))
    assert len(recent_logs._logs) == MAX_LOGS
    assert recent_logs._size == sum(size for *_, size in recent_logs._logs)


async def test_json_is_made_once(
    hass: HomeAssistant, recent_logs: RecentLogs, browser: Browser
) -> None:
    """However many look, and however often, they are given the same bytes."""
    other, late = Browser(hass), Browser(hass)
    browser.subscribe(recent_logs)
    other.subscribe(recent_logs)
    recent_logs.async_add(a_log("1"))
    await browser.wait_until(lambda: len(browser.events) == 2)
    await other.wait_until(lambda: len(other.events) == 2)
    late.subscribe(recent_logs)
    (log,) = browser.events[1]["logs"]
    assert other.events[1]["logs"][0] is log
    assert late.events[0]["logs"][0] is log


async def test_what_is_not_wanted(recent_logs: RecentLogs, browser: Browser) -> None:
    """What is not wanted is neither told nor counted, and makes no event; what is wanted can change."""
    recent_logs.async_add(a_log("1", "a"))
    recent_logs.async_add(a_log("2", "b"))
    browser.devices = {"b"}
    browser.subscribe(recent_logs)
    assert browser.messages == ["2"]
    for _ in range(MAX_LOGS + 1):
        recent_logs.async_add(a_log("not wanted", "a"))
    recent_logs.async_add(a_log("3", "b"))
    await browser.wait_until(lambda: len(browser.events) == 2)
    assert browser.messages == ["2", "3"]
    assert browser.left_out == 0
    browser.devices = {"a"}
    recent_logs.async_add(a_log("4", "b"))
    recent_logs.async_add(a_log("5", "a"))
    await browser.wait_until(lambda: len(browser.events) == 3)
    assert browser.messages == ["2", "3", "5"]


async def test_gone(
    hass: HomeAssistant, recent_logs: RecentLogs, browser: Browser
) -> None:
    """Who has gone is told nothing, what was waiting neither, and leaves no timer."""
    staying = Browser(hass)
    staying.subscribe(recent_logs)
    browser.subscribe(recent_logs)
    assert browser.unsubscribe is not None
    recent_logs.async_add(a_log("1"))
    browser.unsubscribe()
    recent_logs.async_add(a_log("2"))
    await staying.wait_until(lambda: staying.messages == ["1", "2"])
    assert browser.messages == []
    assert len(recent_logs._subscriptions) == 1
    # Home Assistant does so when a connection is closed after all.
    browser.unsubscribe()


async def test_removed(
    hass: HomeAssistant, recent_logs: RecentLogs, browser: Browser
) -> None:
    """When the project is removed, that is told after what was waiting, and nothing follows."""
    recent_logs = async_get_recent_logs(hass, "entry")
    browser.subscribe(recent_logs)
    calm = Browser(hass)
    calm.devices = set()
    calm.subscribe(recent_logs)
    recent_logs.async_add(a_log("1"))
    async_remove_recent_logs(hass, "entry")
    assert browser.messages == ["1"]
    assert browser.events[2:] == [{"removed": True}]
    assert calm.events[1:] == [{"removed": True}]
    recent_logs.async_add(a_log("2"))
    assert browser.unsubscribe is not None
    browser.unsubscribe()
    watcher = Browser(hass)
    watcher.subscribe(recent_logs)
    recent_logs.async_add(a_log("3"))
    await watcher.wait_until(lambda: watcher.messages == ["1", "2", "3"])
    assert len(browser.events) == 3
    assert async_get_recent_logs(hass, "entry") is not recent_logs
