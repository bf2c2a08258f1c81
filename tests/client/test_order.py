"""Test that the logs of a device keep their order."""

import asyncio
from collections import Counter, defaultdict

import aiohttp
import pytest

from custom_components.golioth.client import Transport, format_timestamp
from custom_components.golioth.client.timestamps import SECOND, align_up
from tests.simulator import GoliothSimulator

from .feeds import Recorder, running
from .test_delivery import now_ns, outage, streaming

# Seconds by which the clocks of the devices are off, each constantly.
OFFSETS = (0.0, 3.0, -3.0, 5.5, -5.5, 8.0, -8.0, 10.0, -10.0)


def out_of_order(recorder: Recorder) -> int:
    """Return how many logs came out of their device's order."""
    number = 0
    newest: defaultdict[str, int] = defaultdict(lambda: -1)
    for entry in recorder.entries:
        sequence = int(entry.message)
        number += sequence < newest[entry.device_id]
        newest[entry.device_id] = max(newest[entry.device_id], sequence)
    return number


@pytest.mark.parametrize("poll_interval", [0.1, 1.0])
@pytest.mark.parametrize("request_interval", [0.0, 0.05], ids=["fast", "slow"])
async def test_devices_that_are_ahead_and_behind_while_polling(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    poll_interval: float,
    request_interval: float,
) -> None:
    """Polled logs keep their order with clocks 10 s off."""
    simulator.retire()
    devices = [simulator.add_device(f"device-{number}") for number in range(9)]
    async with running(
        session,
        simulator,
        recorder,
        poll_interval=poll_interval,
        request_interval=request_interval,
    ) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        for number in range(0, 1350, 3):
            for each in range(number, number + 3):
                moment = now_ns(simulator) + int(OFFSETS[each % 9] * 1_000_000_000)
                simulator.log(
                    str(each),
                    device=devices[each % 9],
                    timestamp=format_timestamp(moment),
                )
            # Some 300 logs a second.
            await asyncio.sleep(0.01)
        await recorder.until(lambda: len(recorder.logs) >= 1350)
    assert Counter(recorder.messages) == Counter(map(str, range(1350)))
    assert out_of_order(recorder) == 0


async def test_devices_that_are_ahead_and_behind_in_a_gap(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Logs of a gap keep their order before streamed ones."""
    devices = [simulator.add_device(f"device-{number}") for number in range(9)]

    def send(first: int, number: int) -> None:
        for each in range(first, first + number):
            moment = now_ns(simulator) + int(OFFSETS[each % 9] * 1_000_000_000)
            simulator.log(
                str(each), device=devices[each % 9], timestamp=format_timestamp(moment)
            )

    async with running(session, simulator, recorder, rest_patience=20.0) as (feed, _):
        await streaming(feed, recorder)
        async with outage(simulator):
            send(0, 1350)
        await simulator.wait_for_streams(1)
        send(1350, 90)
        await recorder.until(lambda: len(recorder.logs) >= 1440)
    assert Counter(recorder.messages) == Counter(map(str, range(1440)))
    assert out_of_order(recorder) == 0


async def test_gap_with_as_many_logs_as_rest_does_not_show_yet(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Logs of a gap are read although the counts agree."""
    device = simulator.add_device("device").id
    second = align_up(now_ns(simulator))

    def send(first: int, number: int, *, after: float, indexed: float = 0.0) -> None:
        timestamp = format_timestamp(second + int(after * SECOND))
        for each in range(first, first + number):
            log = {"message": str(each), "deviceId": device, "timestamp": timestamp}
            simulator.send(log, indexed_after=indexed)

    async with running(session, simulator, recorder) as (feed, _):
        await streaming(feed, recorder)
        send(0, 100, after=0.2)
        send(100, 2, after=0.3, indexed=1000.0)
        await recorder.until(lambda: len(recorder.logs) == 102)
        async with outage(simulator):
            send(102, 2, after=0.4)
            send(104, 50, after=1.5)
        await recorder.until(lambda: "153" in recorder.messages)
    assert recorder.messages == [str(number) for number in range(154)]
