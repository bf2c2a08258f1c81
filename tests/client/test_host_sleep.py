"""Test that a sleep of the host loses no log."""

from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import pytest

from custom_components.golioth.client import LogSource
from tests import GREENHOUSE_NODE
from tests.simulator import GoliothSimulator

from .clocks import SteppedClocks
from .feeds import Recorder, running
from .test_delivery import numbered, streaming, traffic


@pytest.fixture
def clocks() -> SteppedClocks:
    """Return the clocks of the service and the host."""
    return SteppedClocks()


@pytest.fixture
async def simulator(
    socket_enabled: None, clocks: SteppedClocks
) -> AsyncIterator[GoliothSimulator]:
    """Run a service that does not sleep with the host."""
    async with GoliothSimulator(clock=clocks.service_ns) as simulator:
        simulator.add_device("greenhouse-node", device_id=GREENHOUSE_NODE)
        yield simulator


@pytest.mark.parametrize("is_counted", [True, False], ids=["counted", "not_counted"])
@pytest.mark.parametrize("end", ["cut", "refused", "open"])
async def test_host_that_slept(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    clocks: SteppedClocks,
    monkeypatch: pytest.MonkeyPatch,
    is_counted: bool,
    end: str,
) -> None:
    """A sleep of 40 minutes is caught up.

    Whatever happened to the stream. Where no clock of the host counts a sleep, the
    service's time shows that there was one.
    """
    monkeypatch.setattr("custom_components.golioth.client.feed._WATCH_INTERVAL", 0.2)
    async with running(session, simulator, recorder, clocks=clocks.host) as (feed, _):
        await streaming(feed, recorder)
        for message in numbered(0, 5):
            simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) == 5)
        # Nothing yields to the loop here, because a sleeping host runs nothing.
        simulator.mute()
        for message in numbered(5, 45):
            clocks.sleep(60, is_counted=is_counted)
            simulator.log(message)
        if end == "open":
            simulator.resume()
        else:
            if end == "refused":
                simulator.faults.handshake_status = 503
            await simulator.drop(None)
        missed = numbered(5, 45)
        async with traffic(simulator, 45, rate=100) as next_number:
            await recorder.until(lambda: set(missed) <= set(recorder.messages))
            simulator.faults.clear()
        sent = next_number()
        await recorder.until(lambda: len(recorder.logs) >= sent)
    assert Counter(recorder.messages) == Counter(numbered(0, sent))
    assert {by for text, by in recorder.logs if text in missed} == {LogSource.CATCH_UP}
    assert not recorder.gaps


@pytest.mark.parametrize("is_counted", [True, False], ids=["counted", "not_counted"])
async def test_host_that_slept_while_polling(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    clocks: SteppedClocks,
    monkeypatch: pytest.MonkeyPatch,
    is_counted: bool,
) -> None:
    """A sleep while polling is caught up, too.

    A log is sent right after waking.
    """
    monkeypatch.setattr("custom_components.golioth.client.feed._WATCH_INTERVAL", 0.05)
    simulator.retire()
    async with running(
        session, simulator, recorder, clocks=clocks.host, poll_interval=0.5
    ) as (feed, _task):
        await recorder.until(lambda: feed.connected)
        for message in numbered(0, 40):
            clocks.sleep(60, is_counted=is_counted)
            simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) >= 40)
        simulator.log("40")
        await recorder.until(lambda: len(recorder.logs) >= 41)
    assert recorder.messages == numbered(0, 41)
    assert not recorder.gaps


@pytest.mark.parametrize("is_counted", [True, False], ids=["counted", "not_counted"])
async def test_source_after_a_sleep_while_polling(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    clocks: SteppedClocks,
    is_counted: bool,
) -> None:
    """Logs of a sleep have the source `catch_up`.

    Even if a poll comes before the check for a sleep.
    """
    simulator.retire()
    async with running(session, simulator, recorder, clocks=clocks.host) as (feed, _):
        await recorder.until(lambda: feed.connected)
        simulator.log("0")
        await recorder.until(lambda: recorder.messages == ["0"])
        for message in numbered(1, 41):
            clocks.sleep(60, is_counted=is_counted)
            simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) >= 41)
    assert recorder.messages == numbered(0, 41)
    assert {by for _text, by in recorder.logs[1:]} == {LogSource.CATCH_UP}


@pytest.mark.parametrize("is_counted", [True, False], ids=["counted", "not_counted"])
async def test_sleep_beyond_the_catch_up_window(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    clocks: SteppedClocks,
    is_counted: bool,
) -> None:
    """Logs of a sleep before the window are reported."""
    async with running(
        session, simulator, recorder, clocks=clocks.host, catch_up_window=1200
    ) as (feed, _task):
        await streaming(feed, recorder)
        simulator.mute()
        slept_at = clocks.service_ns()
        for message in numbered(0, 40):
            clocks.sleep(60, is_counted=is_counted)
            simulator.log(message)
        await simulator.drop(None)
        await recorder.until(lambda: "39" in recorder.messages)
    assert len(set(recorder.messages)) == len(recorder.messages)
    lost = [
        slept_at + (number + 1) * 60_000_000_000
        for number in range(40)
        if str(number) not in recorder.messages
    ]
    assert 10 <= len(lost) <= 21
    for moment in lost:
        assert any(start <= moment < end for start, end in recorder.gaps)
