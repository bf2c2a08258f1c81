"""Tests that greedy users cost little and delay no one.

Home Assistant runs in a process of its own.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import logging
from pathlib import Path
from typing import Any, Final

import pytest

from . import GREENHOUSE_NODE
from .browsers import TIMEOUT, Browser, Message, Watch, make_user
from .demo.api import HomeAssistantApi
from .demo.home_assistant import HomeAssistantProcess
from .simulator import GoliothSimulator, RpcCall

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_LOGGER = logging.getLogger(__name__)

# Logs that fill the 4 MiB of a project's recent logs, and the length of each.
LOGS: Final = 1_900
LENGTH: Final = 1_900

# In MB, and in seconds of processor time before a ping is answered.
MORE_MEMORY: Final = 50
MOST_WORK: Final = 0.5


@dataclass
class Home:
    """Home Assistant with one project full of recent logs."""

    url: str
    api: HomeAssistantApi
    entry_id: str
    admin_token: str
    user_token: str
    watch: Watch

    def subscribe(self, **data: Any) -> Message:
        """Return the command that subscribes to the logs."""
        return {
            "type": "golioth/logs/subscribe",
            "config_entry_id": self.entry_id,
            **data,
        }

    def history(self, **data: Any) -> Message:
        """Return the command that reads the history's last page."""
        return {
            "type": "golioth/logs/history",
            "config_entry_id": self.entry_id,
            "before": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
            **data,
        }

    def get_logs(self, **data: Any) -> Message:
        """Return the command that calls the action which reads logs."""
        return {
            "type": "call_service",
            "domain": "golioth",
            "service": "get_logs",
            "service_data": {"config_entry_id": self.entry_id, **data},
            "return_response": True,
        }

    def user(self, *, compresses: bool = False) -> Any:
        """Connect a browser of the user without administrator rights."""
        return Browser.connect(self.url, self.user_token, compresses=compresses)


@pytest.fixture
async def home(simulator: GoliothSimulator, tmp_path: Path) -> AsyncIterator[Home]:
    """Run Home Assistant with a project full of logs.

    They fill its recent logs.
    """
    async with HomeAssistantProcess(tmp_path) as process:
        await process.start()
        login = await process.create_user("administrator")
        async with (
            HomeAssistantApi(process.url, login.access_token) as api,
            Browser.connect(process.url, login.access_token) as administrator,
            Browser.connect(process.url, login.access_token) as reader,
        ):
            await api.wait_until_running()
            entry = await api.add_project(
                simulator.project_id, simulator.api_key, simulator.url
            )
            await simulator.wait_for_streams(1)
            assert process.pid is not None
            home = Home(
                process.url,
                api,
                entry["entry_id"],
                login.access_token,
                await make_user(api, process.url),
                Watch(process.pid, administrator),
            )
            await reader.send(home.subscribe())
            for number in range(LOGS):
                simulator.log(
                    "x" * LENGTH, device=GREENHOUSE_NODE, metadata={"n": number}
                )
                if number % 50 == 0:
                    await asyncio.sleep(0.1)
            await until_log(reader, LOGS - 1)
            await reader.close()
            await settle(home)
            yield home


async def until_log(browser: Browser, number: int) -> None:
    """Read until the log with this number has come.

    The number is in the metadata.
    """
    while True:
        message = await browser.receive()
        logs = message.get("event", {}).get("logs", [])
        if any(log["metadata"].get("n") == number for log in logs):
            return


async def settle(home: Home) -> None:
    """Wait until the memory of Home Assistant is stable."""
    memory = 0.0
    async with asyncio.timeout(TIMEOUT):
        while abs(memory - home.watch.memory) > 1:
            memory = home.watch.memory
            await asyncio.sleep(2)


@asynccontextmanager
async def bounded(home: Home) -> AsyncIterator[None]:
    """Check the limits during and after the block.

    These are memory, work before a ping is answered, and the memory that stays.
    """
    before = home.watch.memory
    async with home.watch.looking():
        yield
    async with home.watch.looking():
        await settle(home)
        left = home.watch.memory
    _LOGGER.info(
        "%.0f MB, at most %.0f, then %.0f; %.2f s",
        before,
        home.watch.most_memory,
        left,
        home.watch.most_work,
    )
    assert home.watch.most_memory < before + MORE_MEMORY
    assert home.watch.most_work < MOST_WORK
    assert left < before + MORE_MEMORY / 2


async def answers(browser: Browser, number: int) -> list[Message]:
    """Return that many answers, and drop events between them."""
    found: list[Message] = []
    while len(found) < number:
        message = await browser.receive()
        if message["type"] == "result":
            found.append(message)
    return found


@pytest.mark.parametrize("reads", [True, False], ids=["reading", "not reading"])
async def test_many_subscriptions_in_one_frame(home: Home, reads: bool) -> None:
    """One frame makes only a limited number of subscriptions.

    The frame has 600 commands in 60 KB. The limit holds whether or not the browser
    reads the logs, and no memory stays taken.
    """
    async with bounded(home), home.user() as browser:
        await browser.send(*[home.subscribe() for _ in range(600)])
        if not reads:
            await asyncio.sleep(5)
            return
        told: dict[int, list[int]] = {}
        refused: list[Message] = []
        begun: set[int] = set()
        while len(begun) < 20 or len(told) + len(refused) < 600:
            message = await browser.receive()
            if message["type"] == "event":
                event = message["event"]
                told[message["id"]] += [log["number"] for log in event["logs"]]
                assert event["left_out"] == 0
                if not event.get("more"):
                    begun.add(message["id"])
            elif message["success"]:
                told[message["id"]] = []
            else:
                refused.append(message["error"])
        assert len(told) == 20
        assert {error["code"] for error in refused} == {"too_many"}
        assert {error["translation_key"] for error in refused} == {
            "too_many_subscriptions"
        }
        # Each subscription got all recent logs.
        (numbers,) = {tuple(numbers) for numbers in told.values()}
        assert list(numbers) == list(range(numbers[0], numbers[0] + len(numbers)))
        assert len(numbers) > 1_500


@pytest.mark.parametrize("compresses", [True, False], ids=["compressed", "plain"])
async def test_many_connections_of_one_user(home: Home, compresses: bool) -> None:
    """The limit of subscriptions counts all connections of a user.

    Subscriptions are free again when connections close.
    """
    async with bounded(home), AsyncExitStack() as stack:
        browsers = [
            await stack.enter_async_context(home.user(compresses=compresses))
            for _ in range(12)
        ]
        for browser in browsers:
            await browser.send(*[home.subscribe() for _ in range(10)])
        await asyncio.sleep(5)
        for browser in browsers:
            found = await answers(browser, 10)
            is_allowed = browser in browsers[:10]
            assert all(answer["success"] is is_allowed for answer in found)
        # Other users are not affected.
        async with Browser.connect(home.url, home.admin_token) as other:
            assert (await other.ask(**home.subscribe()))["success"]
    async with home.user() as browser:
        assert (await browser.ask(**home.subscribe()))["success"]


async def test_subscribing_again_and_again(home: Home) -> None:
    """Repeated subscribing and unsubscribing costs no memory.

    Many of them are in one frame, before any events arrive.
    """
    async with bounded(home), home.user() as browser:
        for start in range(1, 10_000, 1_000):
            await browser.send(
                *(
                    home.subscribe()
                    if number % 2
                    else {"type": "unsubscribe_events", "subscription": number - 1}
                    for number in range(start, start + 1_000)
                )
            )
            found = await answers(browser, 1_000)
            assert all(answer["success"] for answer in found)


async def test_calls_in_one_frame(home: Home, simulator: GoliothSimulator) -> None:
    """Unanswered calls of one user do not block others.

    The user makes many calls to a device that does not answer, and leaves.
    """

    async def never(_call: RpcCall) -> dict[str, Any]:
        await asyncio.get_running_loop().create_future()
        return {}

    simulator.on_rpc = never
    async with Browser.connect(home.url, home.admin_token) as administrator:
        devices = await administrator.ask(type="config/device_registry/list")
        (device_id,) = (
            device["id"]
            for device in devices["result"]
            if ["golioth", GREENHOUSE_NODE] in device["identifiers"]
        )
        call = {
            "type": "call_service",
            "domain": "golioth",
            "service": "call_rpc",
            "service_data": {
                "device_id": device_id,
                "method": "reboot",
                "parameters": ["x" * 3_000],
                "timeout": 120,
            },
            "return_response": True,
        }
        async with bounded(home):
            async with AsyncExitStack() as stack:
                for number in range(10):
                    browser = await stack.enter_async_context(home.user())
                    await browser.send(*[call] * 200)
                    refused = await answers(browser, 200 if number else 90)
                    assert {each["error"]["translation_key"] for each in refused} == {
                        "rpc_busy"
                    }
            answer = await administrator.ask(**home.get_logs(limit=100))
            assert answer["success"]
    assert len(simulator.rpc_calls) == 10
    assert simulator.streams == 1


async def test_history_in_one_frame(home: Home, simulator: GoliothSimulator) -> None:
    """History requests of one user do not block others.

    The user makes many, and leaves. Removing the project ends all requests.
    """
    simulator.faults.rest_delay = 0.2
    async with home.watch.looking():
        async with home.user() as browser:
            await browser.send(*[home.history() for _ in range(60)])
            refused = await answers(browser, 59)
            assert {answer["error"]["translation_key"] for answer in refused} == {
                "one_page_at_a_time"
            }
            await browser.send(*[home.get_logs(limit=1000) for _ in range(60)])
            refused = await answers(browser, 39)
            assert {answer["error"]["translation_key"] for answer in refused} == {
                "history_busy"
            }
        async with Browser.connect(home.url, home.admin_token) as administrator:
            requests = len(simulator.requests)
            answer = await administrator.ask(**home.get_logs(limit=100))
            assert answer["success"]
            # The reading takes more than ten requests; one of the user comes between.
            assert len(simulator.requests) - requests < 40
    assert home.watch.most_work < MOST_WORK
    simulator.faults.rest_delay = 0
    await home.api.delete(f"/api/config/config_entries/entry/{home.entry_id}")
    requests = len(simulator.requests)
    await asyncio.sleep(5)
    assert len(simulator.requests) == requests
    assert simulator.streams == 0
