"""Tests of the recent logs and their subscriptions."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import pairwise
import tracemalloc
from typing import Any

import orjson
import pytest

from custom_components.golioth.logs.pump import async_get_pump
from custom_components.golioth.logs.recent import (
    MAX_LOGS,
    MAX_LOGS_SENT,
    MAX_SIZE,
    MAX_SIZE_SENT,
    SEND_INTERVAL,
    RecentLogs,
    async_get_recent_logs,
    async_remove_recent_logs,
)
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.json import json_bytes

from ..events import TIMEOUT

type Event = dict[str, Any]


def make_log(message: str, device_id: str = "device") -> dict[str, Any]:
    """Return a log as the coordinator reports it."""
    return {"device_id": device_id, "message": message}


class Browser:
    """A subscriber to the recent logs.

    Attributes:
        events: The events received so far.
        times: When they came, on the loop's clock.
        devices: The devices whose logs are wanted; None for all.
        is_behind: Whether events sent to it are still waiting.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Start without a subscription."""
        self.events: list[Event] = []
        self.times: list[float] = []
        self.devices: set[str] | None = None
        self.is_behind = False
        self.unsubscribe: CALLBACK_TYPE | None = None
        self._hass = hass
        self._received = asyncio.Event()

    def subscribe(self, recent_logs: RecentLogs, user_id: str = "user") -> None:
        """Subscribe to the logs."""
        self.unsubscribe = recent_logs.async_subscribe(
            self.receive,
            self.wants,
            user_id=user_id,
            is_behind=lambda: self.is_behind,
        )

    @callback
    def receive(self, event: Event) -> None:
        """Receive an event."""
        self.events.append(event)
        self.times.append(self._hass.loop.time())
        self._received.set()

    @callback
    def wants(self, device_id: str) -> bool:
        """Return whether the logs of a device are wanted."""
        return self.devices is None or device_id in self.devices

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until the events are as expected."""
        async with asyncio.timeout(TIMEOUT):
            while not condition():
                self._received.clear()
                await self._received.wait()

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
        """The messages of these logs."""
        return [log["message"] for log in self.logs]

    @property
    def is_begun(self) -> bool:
        """Whether all logs of the beginning have arrived."""
        return bool(self.events) and "more" not in self.events[-1]

    @property
    def left_out(self) -> int:
        """How many logs were left out."""
        return sum(event.get("left_out", 0) for event in self.events)


@pytest.fixture
def recent_logs(hass: HomeAssistant) -> RecentLogs:
    """Return the recent logs of a project, none so far."""
    return RecentLogs(hass)


@pytest.fixture
def browser(hass: HomeAssistant) -> Iterator[Browser]:
    """Return a subscriber, which unsubscribes at the end."""
    browser = Browser(hass)
    yield browser
    if browser.unsubscribe is not None:
        browser.unsubscribe()


def test_first_event(recent_logs: RecentLogs, browser: Browser) -> None:
    """A subscriber gets the recent logs at once.

    They are numbered from when the ring was made.
    """
    browser.subscribe(recent_logs)
    (empty,) = browser.events
    assert empty == {
        "session": empty["session"],
        "first_number": 1,
        "logs": [],
        "left_out": 0,
    }
    assert browser.unsubscribe is not None
    browser.unsubscribe()
    browser.events.clear()
    recent_logs.async_add(make_log("a"))
    recent_logs.async_add(make_log("b"))
    browser.subscribe(recent_logs)
    (event,) = browser.events
    assert event["session"] == empty["session"]
    assert event["first_number"] == 1
    assert browser.logs == [
        {"number": 1, "device_id": "device", "message": "a"},
        {"number": 2, "device_id": "device", "message": "b"},
    ]
    assert RecentLogs(recent_logs._hass)._session_id != empty["session"]


async def test_single_log(recent_logs: RecentLogs, browser: Browser) -> None:
    """A single log is reported at the next loop iteration.

    So are logs that come together with it.
    """
    browser.subscribe(recent_logs)
    await browser.wait_until(lambda: len(browser.events) == 1)
    browser.events.clear()
    recent_logs.async_add(make_log("1"))
    recent_logs.async_add(make_log("2"))
    assert not browser.events
    await browser.wait_until(lambda: bool(browser.events))
    assert len(browser.events) == 1
    assert browser.messages == ["1", "2"]


async def test_too_many_at_once(recent_logs: RecentLogs, browser: Browser) -> None:
    """A burst larger than the ring reports its last logs.

    The number of those left out comes with them.
    """
    browser.subscribe(recent_logs)
    for number in range(MAX_LOGS + 500):
        recent_logs.async_add(make_log(str(number)))
    recent_logs.async_add(make_log("last"))
    await browser.wait_until(lambda: browser.messages[-1:] == ["last"])
    assert [len(event["logs"]) for event in browser.events[1:]] == [MAX_LOGS_SENT] * 10
    # They are counted once, in the first event after them.
    assert [event["left_out"] for event in browser.events[1:]] == [501] + [0] * 9
    expected = [*(str(number) for number in range(501, MAX_LOGS + 500)), "last"]
    assert browser.messages == expected


async def test_long_logs_at_once(recent_logs: RecentLogs, browser: Browser) -> None:
    """An event is limited in bytes as well."""
    browser.subscribe(recent_logs)
    for number in range(50):
        recent_logs.async_add(make_log(f"{number} " + "x" * 20_000))
    await browser.wait_until(lambda: len(browser.logs) == 50)
    sizes = [len(json_bytes(event)) for event in browser.events]
    assert all(
        MAX_SIZE_SENT - 21_000 < size < MAX_SIZE_SENT + 100 for size in sizes[1:-1]
    )
    assert sizes[-1] < MAX_SIZE_SENT
    assert browser.left_out == 0


async def test_ten_times_a_second(recent_logs: RecentLogs, browser: Browser) -> None:
    """Logs are reported at most ten times a second.

    They stay in order, and each one is either reported or counted as left out.
    """
    browser.subscribe(recent_logs)
    added = 0
    while len(browser.events) < 6:
        for _ in range(500):
            recent_logs.async_add(make_log(str(added)))
            added += 1
        await asyncio.sleep(0)
    recent_logs.async_add(make_log("last"))
    await browser.wait_until(lambda: browser.messages[-1:] == ["last"])
    pauses = [after - before for before, after in pairwise(browser.times)]
    # The loop may be ahead of a timer by its resolution.
    assert min(pauses) >= SEND_INTERVAL - 0.001
    numbers = [log["number"] for log in browser.logs]
    assert numbers == sorted(set(numbers))
    assert len(numbers) + browser.left_out == added + 1
    assert browser.left_out > 0


async def test_number_of_logs_is_bounded(
    recent_logs: RecentLogs, browser: Browser
) -> None:
    """The ring holds the last logs, whose numbers are kept.

    They arrive in several events, and the last of these is marked as such.
    """
    for number in range(MAX_LOGS + 3):
        recent_logs.async_add(make_log(str(number)))
    browser.subscribe(recent_logs)
    await browser.wait_until(lambda: browser.is_begun)
    assert browser.messages == [str(number) for number in range(3, MAX_LOGS + 3)]
    assert browser.events[0]["first_number"] == browser.logs[0]["number"] == 4
    assert all(len(event["logs"]) == MAX_LOGS_SENT for event in browser.events)
    assert [event.get("more") for event in browser.events] == [True] * 9 + [None]
    assert browser.left_out == 0
    # The logs of the beginning come faster than new ones.
    assert browser.times[-1] - browser.times[0] < 5 * SEND_INTERVAL


async def test_size_is_bounded(recent_logs: RecentLogs, browser: Browser) -> None:
    """The ring is limited in bytes of JSON.

    This holds whatever the characters.
    """
    for number in range(400):
        recent_logs.async_add(make_log(f"{number} " + "\0" * 4_000))
    browser.subscribe(recent_logs)
    await browser.wait_until(lambda: browser.is_begun)
    sizes = [len(json_bytes(log)) for event in browser.events for log in event["logs"]]
    assert MAX_SIZE - max(sizes) < sum(sizes) <= MAX_SIZE
    assert recent_logs._size == sum(sizes)
    assert browser.messages[-1].startswith("399 ")
    # Short logs replace them.
    for number in range(MAX_LOGS):
        recent_logs.async_add(make_log(str(number)))
    assert len(recent_logs._logs) == MAX_LOGS
    assert recent_logs._size == sum(size for *_, size in recent_logs._logs)


async def test_json_is_made_once(
    hass: HomeAssistant, recent_logs: RecentLogs, browser: Browser
) -> None:
    """All subscribers get the same bytes of a log."""
    other, late = Browser(hass), Browser(hass)
    browser.subscribe(recent_logs)
    other.subscribe(recent_logs)
    recent_logs.async_add(make_log("1"))
    await browser.wait_until(lambda: len(browser.events) == 2)
    await other.wait_until(lambda: len(other.events) == 2)
    late.subscribe(recent_logs)
    # The pump may still wait because of what the others were sent.
    await late.wait_until(lambda: late.is_begun)
    (log,) = browser.events[1]["logs"]
    assert other.events[1]["logs"][0] is log
    assert late.events[0]["logs"][0] is log


async def test_unwanted_logs(recent_logs: RecentLogs, browser: Browser) -> None:
    """Unwanted logs are neither reported nor counted.

    They make no event. What is wanted can change.
    """
    recent_logs.async_add(make_log("1", "a"))
    recent_logs.async_add(make_log("2", "b"))
    browser.devices = {"b"}
    browser.subscribe(recent_logs)
    assert browser.messages == ["2"]
    for _ in range(MAX_LOGS + 1):
        recent_logs.async_add(make_log("not wanted", "a"))
    recent_logs.async_add(make_log("3", "b"))
    await browser.wait_until(lambda: len(browser.events) == 2)
    assert browser.messages == ["2", "3"]
    assert browser.left_out == 0
    browser.devices = {"a"}
    recent_logs.async_add(make_log("4", "b"))
    recent_logs.async_add(make_log("5", "a"))
    await browser.wait_until(lambda: len(browser.events) == 3)
    assert browser.messages == ["2", "3", "5"]


async def test_unsubscribe(
    hass: HomeAssistant, recent_logs: RecentLogs, browser: Browser
) -> None:
    """After unsubscribing, nothing arrives and no timer stays.

    That includes logs that were waiting.
    """
    staying = Browser(hass)
    staying.subscribe(recent_logs)
    browser.subscribe(recent_logs)
    assert browser.unsubscribe is not None
    recent_logs.async_add(make_log("1"))
    browser.unsubscribe()
    recent_logs.async_add(make_log("2"))
    await staying.wait_until(lambda: staying.messages == ["1", "2"])
    assert browser.messages == []
    assert len(recent_logs._subscriptions) == 1
    # Home Assistant unsubscribes once more when the connection closes.
    browser.unsubscribe()


async def test_removed(
    hass: HomeAssistant, recent_logs: RecentLogs, browser: Browser
) -> None:
    """The removal is reported after the waiting logs.

    Nothing follows it.
    """
    recent_logs = async_get_recent_logs(hass, "entry")
    browser.subscribe(recent_logs)
    calm = Browser(hass)
    calm.devices = set()
    calm.subscribe(recent_logs)
    recent_logs.async_add(make_log("1"))
    async_remove_recent_logs(hass, "entry")
    assert browser.messages == ["1"]
    assert browser.events[2:] == [{"removed": True}]
    assert calm.events[1:] == [{"removed": True}]
    recent_logs.async_add(make_log("2"))
    assert browser.unsubscribe is not None
    browser.unsubscribe()
    watcher = Browser(hass)
    watcher.subscribe(recent_logs)
    recent_logs.async_add(make_log("3"))
    await watcher.wait_until(lambda: watcher.messages == ["1", "2", "3"])
    assert len(browser.events) == 3
    assert async_get_recent_logs(hass, "entry") is not recent_logs


# Slow subscribers


async def test_slow_reader(
    hass: HomeAssistant, recent_logs: RecentLogs, browser: Browser
) -> None:
    """A slow subscriber gets nothing until it catches up.

    Then it gets the logs that are still in the ring, and the number of the others.
    """
    for number in range(600):
        recent_logs.async_add(make_log(str(number)))
    browser.is_behind = True
    browser.subscribe(recent_logs)
    other = Browser(hass)
    other.subscribe(recent_logs)
    await other.wait_until(lambda: other.is_begun)
    assert not browser.events
    browser.is_behind = False
    await browser.wait_until(lambda: browser.is_begun)
    assert browser.messages == other.messages
    browser.is_behind = True
    for number in range(600, 600 + MAX_LOGS + 10):
        recent_logs.async_add(make_log(str(number)))
    recent_logs.async_add(make_log("last"))
    await other.wait_until(lambda: other.messages[-1] == "last")
    assert len(browser.logs) == 600
    browser.is_behind = False
    await browser.wait_until(lambda: browser.messages[-1] == "last")
    assert browser.left_out == 11
    assert len(browser.logs) + browser.left_out == 600 + MAX_LOGS + 11
    numbers = [log["number"] for log in browser.logs]
    assert numbers == sorted(set(numbers))
    assert other.unsubscribe is not None
    other.unsubscribe()


async def test_overtaken_before_the_first(
    recent_logs: RecentLogs, browser: Browser
) -> None:
    """A delayed first event begins with the oldest log.

    Nothing counts as left out before anything was reported.
    """
    recent_logs.async_add(make_log("0"))
    browser.is_behind = True
    browser.subscribe(recent_logs)
    for number in range(1, MAX_LOGS + 5):
        recent_logs.async_add(make_log(str(number)))
    browser.is_behind = False
    await browser.wait_until(lambda: len(browser.logs) == MAX_LOGS)
    assert browser.events[0]["first_number"] == browser.logs[0]["number"] == 6
    assert browser.left_out == 0


async def test_not_wanted_while_behind(
    recent_logs: RecentLogs, browser: Browser
) -> None:
    """Only wanted logs that left the ring are counted."""
    browser.devices = {"b"}
    browser.subscribe(recent_logs)
    browser.is_behind = True
    recent_logs.async_add(make_log("1", "b"))
    recent_logs.async_add(make_log("2", "b"))
    for _ in range(MAX_LOGS):
        recent_logs.async_add(make_log("not wanted", "a"))
    for _ in range(MAX_LOGS):
        recent_logs.async_add(make_log("not wanted", "a"))
    browser.is_behind = False
    recent_logs.async_add(make_log("3", "b"))
    await browser.wait_until(lambda: browser.messages == ["3"])
    assert browser.left_out == 2


async def test_unsubscribe_between_events(
    hass: HomeAssistant, recent_logs: RecentLogs, browser: Browser
) -> None:
    """Unsubscribing between two events stops the rest."""
    for number in range(MAX_LOGS):
        recent_logs.async_add(make_log(f"{number} " + "x" * 2_000))
    browser.subscribe(recent_logs)
    assert browser.events[-1]["more"]
    assert browser.unsubscribe is not None
    told = len(browser.events)
    browser.unsubscribe()
    other = Browser(hass)
    other.subscribe(recent_logs)
    await other.wait_until(lambda: other.is_begun)
    assert len(browser.events) == told
    assert other.unsubscribe is not None
    other.unsubscribe()
    assert not async_get_pump(hass)._waiting


async def test_removed_between_events(
    hass: HomeAssistant, recent_logs: RecentLogs, browser: Browser
) -> None:
    """A removal is reported before the remaining events.

    None of these follows.
    """
    recent_logs = async_get_recent_logs(hass, "entry")
    for number in range(MAX_LOGS):
        recent_logs.async_add(make_log(f"{number} " + "x" * 2_000))
    browser.subscribe(recent_logs)
    async_remove_recent_logs(hass, "entry")
    told = len(browser.events)
    assert browser.events[-1] == {"removed": True}
    await asyncio.sleep(3 * SEND_INTERVAL)
    assert len(browser.events) == told
    assert not async_get_pump(hass)._waiting


async def test_users_are_served_alternately(
    hass: HomeAssistant, recent_logs: RecentLogs, browser: Browser
) -> None:
    """Users are served in turn, one event each.

    Many subscriptions of one user delay others by one event at a time. The total rate
    is limited.
    """
    for number in range(MAX_LOGS):
        recent_logs.async_add(make_log(f"{number} " + "x" * 2_000))
    greedy = [Browser(hass) for _ in range(20)]
    for each in greedy:
        each.subscribe(recent_logs, user_id="greedy")
    start = hass.loop.time()
    browser.subscribe(recent_logs, user_id="other")
    await browser.wait_until(lambda: browser.is_begun)
    told = sum(len(each.events) for each in greedy)
    assert told <= len(browser.events) + 1
    size = sum(len(json_bytes(each.events)) for each in (*greedy, browser))
    assert size < (hass.loop.time() - start + 0.1) * 128 * 1024 / 0.02
    for each in greedy:
        assert each.unsubscribe is not None
        each.unsubscribe()


async def test_memory_of_a_subscription(
    hass: HomeAssistant, recent_logs: RecentLogs
) -> None:
    """A subscription that nobody reads holds no logs."""
    for number in range(MAX_LOGS):
        recent_logs.async_add(make_log(f"{number} " + "x" * 2_000))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        stuck = [Browser(hass) for _ in range(100)]
        for each in stuck:
            each.is_behind = True
            each.subscribe(recent_logs)
        await asyncio.sleep(3 * SEND_INTERVAL)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100 * 10_000
    for each in stuck:
        assert not each.events
        assert each.unsubscribe is not None
        each.unsubscribe()
