"""Test that audits find logs that a stream missed."""

from collections import Counter

import aiohttp
import pytest

from custom_components.golioth.client import LogSource, format_timestamp
from tests.simulator import GoliothSimulator

from .feeds import Recorder, running
from .test_delivery import audited, now_ns, numbered, streaming, traffic


def lose(simulator: GoliothSimulator, *, age: float = 0.0) -> None:
    """Have the stream miss a log.

    Args:
        simulator: The service.
        age: Seconds by which the device's clock is behind.
    """
    simulator.mute()
    moment = now_ns(simulator) - int(age * 1_000_000_000)
    simulator.log("missed", timestamp=format_timestamp(moment))
    simulator.resume()


def is_found(recorder: Recorder) -> bool:
    """Return whether the missed log was delivered."""
    return "missed" in recorder.messages


async def test_missed_log_of_a_device_that_is_behind(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """An audit begins where the last one ended."""
    async with running(
        session, simulator, recorder, margin=5.0, audit_interval=4.0
    ) as (feed, _task):
        await streaming(feed, recorder)
        # After the first audit, the next one comes when the log is old.
        await audited(simulator, recorder, 1)
        async with traffic(simulator, 0, rate=100) as next_number:
            await recorder.until(lambda: len(recorder.logs) > 20)
            lose(simulator, age=3.5)
            await recorder.until(lambda: is_found(recorder))
        sent = next_number()
        await recorder.until(lambda: len(recorder.logs) >= sent + 1)
    assert Counter(recorder.messages) == Counter([*numbered(0, sent), "missed"])
    assert ("missed", LogSource.CATCH_UP) in recorder.logs
    assert feed.found_by_audit >= 1


async def test_missed_log_while_rest_is_down(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """An audit finds logs after a long outage of REST.

    It is longer than the margin and some audits together.
    """
    async with running(
        session, simulator, recorder, margin=1.0, audit_interval=0.5
    ) as (feed, _task):
        await streaming(feed, recorder)
        await audited(simulator, recorder, 2)
        simulator.faults.rest_status = 503
        lose(simulator)
        async with traffic(simulator, 0, rate=100) as next_number:
            # By then, the stream has delivered for longer than the margin.
            await recorder.until(lambda: len(recorder.logs) > 450)
            assert not is_found(recorder)
            simulator.faults.clear()
            await recorder.until(lambda: is_found(recorder))
        sent = next_number()
        await recorder.until(lambda: len(recorder.logs) >= sent + 1)
        await streaming(feed, recorder)
        await audited(simulator, recorder, 2)
    assert Counter(recorder.messages) == Counter([*numbered(0, sent), "missed"])


async def test_missed_log_at_a_high_rate(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An audit comes sooner where memory is short."""
    monkeypatch.setattr(
        "custom_components.golioth.client.progress._MAX_DELIVERED", 1000
    )
    async with running(session, simulator, recorder, audit_interval=20.0) as (feed, _):
        await streaming(feed, recorder)
        await audited(simulator, recorder, 1)
        async with traffic(simulator, 0, rate=300) as next_number:
            await recorder.until(lambda: len(recorder.logs) > 20)
            lose(simulator)
            # Ten times the logs that are remembered.
            await recorder.until(
                lambda: is_found(recorder) or len(recorder.logs) > 10_000
            )
            assert is_found(recorder)
            assert feed.remembered <= 1_400
        sent = next_number()
        await recorder.until(lambda: len(recorder.logs) >= sent + 1)
    assert Counter(recorder.messages) == Counter([*numbered(0, sent), "missed"])


async def test_audits_of_a_busy_stream_are_few(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Early audits of a busy stream are few."""
    monkeypatch.setattr(
        "custom_components.golioth.client.progress._MAX_DELIVERED", 1000
    )
    async with running(session, simulator, recorder, audit_interval=20.0) as (feed, _):
        await streaming(feed, recorder)
        await audited(simulator, recorder, 1)
        requests = len(simulator.requests)
        async with traffic(simulator, 0, rate=300):
            await recorder.until(lambda: len(recorder.logs) > 2_000)
        # Every 500 logs, with a few requests each.
        assert len(simulator.requests) - requests <= 40
        assert feed.found_by_audit == 0
        assert feed.opened == 1
