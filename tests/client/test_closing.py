"""Test that a closed client sends nothing."""

import asyncio
from collections.abc import Awaitable, Callable
import inspect
from typing import Any

import aiohttp
import pytest

from custom_components.golioth.client import (
    Endpoint,
    FeedTiming,
    GoliothClient,
    GoliothClosedError,
    HttpWire,
    LogFilter,
)
from custom_components.golioth.client.rest import GoliothRest
from tests import GREENHOUSE_NODE
from tests.simulator import GoliothSimulator

from .feeds import TIMEOUT, Recorder

NOON = 1_700_049_600_000_000_000

type Ask = Callable[[GoliothClient], Awaitable[Any]]

# Each way to send, by its name, including all coroutines of the REST API.
ASK: dict[str, Ask] = {
    "projects": lambda client: client.rest.projects(),
    "project": lambda client: client.rest.project(),
    "devices": lambda client: client.rest.devices(),
    "logs": lambda client: client.rest.logs(),
    "call_rpc": lambda client: client.rest.call_rpc(
        GREENHOUSE_NODE, "reboot", [], timeout=30
    ),
    "history": lambda client: client.history.read(NOON, None, 10, LogFilter()),
}


@pytest.fixture
def client(session: aiohttp.ClientSession, endpoint: Endpoint) -> GoliothClient:
    """Return a client of the simulated project without waits."""
    return GoliothClient(
        HttpWire(session),
        endpoint,
        timing=FeedTiming(request_interval=0, shortest_wait=0.01, settling_time=0.02),
    )


def test_every_way_is_listed() -> None:
    """Every coroutine of the REST API is tested here."""
    public = {
        name
        for name, _ in inspect.getmembers(GoliothRest, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
    assert public == ASK.keys() - {"history"}


@pytest.mark.parametrize("name", ASK)
async def test_nothing_is_sent_afterwards(
    simulator: GoliothSimulator, client: GoliothClient, name: str
) -> None:
    """A closed client raises before anything is sent."""
    client.close()
    with pytest.raises(GoliothClosedError) as raised:
        await ASK[name](client)
    assert raised.value.nothing_done
    assert not simulator.requests
    # Closing again is harmless.
    await client.wait_closed()


@pytest.mark.parametrize("name", ASK)
async def test_requests_under_way(
    simulator: GoliothSimulator, client: GoliothClient, name: str
) -> None:
    """Requests under way are interrupted, with an uncertain result."""
    simulator.faults.rest_never = True
    asking = asyncio.ensure_future(ASK[name](client))
    await simulator.wait_until(lambda: len(simulator.requests) == 1)
    async with asyncio.timeout(1):
        await client.wait_closed()
        with pytest.raises(GoliothClosedError) as raised:
            await asking
    assert not raised.value.nothing_done
    assert len(simulator.requests) == 1


async def test_caller_cancelled_while_closing(
    simulator: GoliothSimulator, client: GoliothClient
) -> None:
    """A caller cancelled at the same time just sees that."""
    simulator.faults.rest_never = True
    asking = asyncio.ensure_future(client.rest.project())
    await simulator.wait_until(lambda: len(simulator.requests) == 1)
    client.close()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await client.wait_closed()


async def test_requests_that_wait(
    simulator: GoliothSimulator, session: aiohttp.ClientSession, endpoint: Endpoint
) -> None:
    """Reads of the history end at once, waiting ones included."""
    client = GoliothClient(
        HttpWire(session), endpoint, timing=FeedTiming(request_interval=0.3)
    )
    for number in range(500):
        simulator.log("x", timestamp=f"2023-11-15T12:00:00.{number:03}Z")

    async def read(owner: str) -> None:
        async with client.history.turns.take(owner):
            await client.history.read(NOON, None, 500, LogFilter())

    reads = [asyncio.ensure_future(read(owner)) for owner in "aab"]
    await simulator.wait_until(lambda: len(simulator.requests) == 1)
    client.close()
    async with asyncio.timeout(1):
        found = await asyncio.gather(*reads, return_exceptions=True)
    assert [type(each) for each in found] == [GoliothClosedError] * 3
    assert len(simulator.requests) == 1


async def test_stream(
    simulator: GoliothSimulator, client: GoliothClient, recorder: Recorder
) -> None:
    """The stream ends, and a running feed sends nothing."""
    feed = client.feed(
        recorder, resume_point=None, poll_interval=0.1, catch_up_window=3600
    )
    task = asyncio.create_task(feed.run())
    await simulator.wait_for_streams(1)
    async with asyncio.timeout(TIMEOUT):
        await client.wait_closed()
    await simulator.wait_for_streams(0)
    requests, handshakes = len(simulator.requests), len(simulator.handshakes)
    await recorder.until(lambda: bool(recorder.changes and recorder.changes[-1]))
    # Enough for several tries.
    await asyncio.sleep(2)
    assert not task.done()
    assert (len(simulator.requests), len(simulator.handshakes)) == (
        requests,
        handshakes,
    )
    task.cancel()
    await asyncio.wait([task])
