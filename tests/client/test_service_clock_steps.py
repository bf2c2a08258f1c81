"""Test services whose `Date` steps or is missing."""

import asyncio
from collections import Counter
from typing import override

import aiohttp
import pytest

from custom_components.golioth.client import (
    LogEntry,
    LogSource,
    ResumePoint,
    Transport,
    format_timestamp,
)
from tests.simulator import GoliothSimulator

from .feeds import Recorder, running
from .test_delivery import audited, now_ns, numbered, outage, restarted, streaming


@pytest.mark.parametrize("retired", [False, True], ids=["streaming", "polling"])
@pytest.mark.parametrize(
    ("before", "after"), [(0, -120), (150, 0), (0, -61)], ids=["wrong", "right", "just"]
)
async def test_date_that_steps_back(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    retired: bool,
    before: float,
    after: float,
) -> None:
    """Steps back and forth lose and repeat no log."""
    if retired:
        simulator.retire()
    simulator.faults.date_offset = before
    async with running(session, simulator, recorder, audit_interval=0.3) as (feed, _):
        await recorder.until(lambda: feed.connected)
        number = 0
        for offset in (before, after, before, after):
            simulator.faults.date_offset = offset
            for message in numbered(number, number + 30):
                simulator.log(message)
            number += 30
            await recorder.until(lambda: len(recorder.logs) >= number)  # noqa: B023
            await audited(simulator, recorder, 8)
            assert Counter(recorder.messages) == Counter(numbered(0, number))
    assert not recorder.gaps


async def test_date_that_steps_back_after_the_first_start(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """A step back does not deliver history."""
    now = now_ns(simulator)
    for number in range(300):
        moment = format_timestamp(now - (1_800 - number) * 1_000_000_000)
        simulator.log(str(number), timestamp=moment)
    async with running(session, simulator, recorder, audit_interval=0.3) as (feed, _):
        await streaming(feed, recorder)
        for offset in (-3_600, 0):
            simulator.faults.date_offset = offset
            await audited(simulator, recorder, 8)
        simulator.log("new")
        await recorder.until(lambda: bool(recorder.logs))
        await audited(simulator, recorder, 2)
    assert recorder.messages == ["new"]
    assert not recorder.gaps


async def test_date_that_was_ahead_while_much_was_forgotten(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Spans with forgotten logs are reported after a step back.

    REST delivers none of it, because these may have been delivered.
    """
    monkeypatch.setattr("custom_components.golioth.client.progress._MAX_DELIVERED", 100)
    hour = 3_600_000_000_000

    def log(message: str, offset: int = 0) -> None:
        moment = format_timestamp(now_ns(simulator) + offset)
        simulator.log(message, timestamp=moment)

    async with running(session, simulator, recorder, audit_interval=0.3) as (feed, _):
        await streaming(feed, recorder)
        simulator.faults.date_offset = 3_600
        await audited(simulator, recorder, 2)
        for number in range(300):
            log(str(number), hour - (300 - number) * 1_000_000_000)
        await recorder.until(lambda: len(recorder.logs) == 300)
        await audited(simulator, recorder, 8)
        assert not recorder.gaps
        simulator.faults.date_offset = 0
        # The stream misses the next log.
        simulator.mute()
        log("lost")
        sent = now_ns(simulator)
        await recorder.until(lambda: bool(recorder.gaps))
        await audited(simulator, recorder, 2)
    assert recorder.messages == numbered(0, 300)
    ((start, end),) = recorder.gaps
    assert start <= sent < end <= sent + hour


async def test_date_that_steps_back_during_an_outage(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """A gap is filled once, despite a step back."""
    async with running(session, simulator, recorder) as (feed, _task):
        await streaming(feed, recorder)
        for message in numbered(0, 20):
            simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) == 20)
        await audited(simulator, recorder, 1)
        async with outage(simulator):
            for message in numbered(20, 40):
                simulator.log(message)
        simulator.faults.date_offset = -120
        await streaming(feed, recorder)
        await recorder.until(lambda: len(recorder.logs) >= 40)
        simulator.faults.date_offset = 0
        await simulator.drop(None)
        await streaming(feed, recorder)
        simulator.log("40")
        await recorder.until(lambda: len(recorder.logs) >= 41)
        await audited(simulator, recorder, 2)
    assert Counter(recorder.messages) == Counter(numbered(0, 41))


@pytest.mark.parametrize("answers", range(2, 6))
async def test_date_that_is_wrong_in_the_middle_of_a_read(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, answers: int
) -> None:
    """Late logs are delivered despite wrong dates during a read."""

    class Disturber(Recorder):
        """Sets the date a day ahead after the first log.

        For a few answers.
        """

        @override
        def on_log(self, entry: LogEntry, source: LogSource) -> None:
            if not self.logs:
                simulator.faults.date_offset = 86_400
                simulator.faults.date_answers = answers
            super().on_log(entry, source)

    recorder = Disturber()
    now = now_ns(simulator)
    for age in range(900, 0, -1):
        simulator.log(
            str(900 - age), timestamp=format_timestamp(now - age * 1_000_000_000)
        )
    start = now - 1_000 * 1_000_000_000
    resume_point = ResumePoint(
        start, lambda: {"floor": start // 1_000_000_000, "holes": [], "seconds": {}}
    )
    async with running(
        session, simulator, recorder, resume_point=resume_point, audit_interval=0.3
    ) as (feed, _task):
        await streaming(feed, recorder)
        await audited(simulator, recorder, 3)
        moment = format_timestamp(now - 200 * 1_000_000_000)
        simulator.send(
            {"timestamp": moment, "level": "INFO", "message": "900"}, streamed=False
        )
        await recorder.until(lambda: len(recorder.logs) > 900)
    assert Counter(recorder.messages) == Counter(numbered(0, 901))


async def test_order_when_a_date_that_was_ahead_is_right(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Logs hidden by a date ahead come before later ones."""
    simulator.retire()
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        simulator.faults.date_offset = 600
        await audited(simulator, recorder, 8)
        # By the wrong date, only the second log is not in the past.
        for message, later in (("0", 0), ("1", 300)):
            moment = now_ns(simulator) + later * 1_000_000_000
            simulator.log(message, timestamp=format_timestamp(moment))
        simulator.faults.date_offset = 0
        await recorder.until(lambda: len(recorder.logs) >= 2)
    assert recorder.messages == ["0", "1"]


@pytest.mark.parametrize("text", ["", "soon"], ids=["none", "no_date"])
async def test_polling_without_a_date(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    text: str,
) -> None:
    """Without a date, polling uses the host's clock."""
    simulator.faults.date_text = text
    simulator.retire()
    async with running(session, simulator, recorder) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        for message in numbered(0, 150):
            simulator.log(message)
        await recorder.until(lambda: len(recorder.logs) >= 150)
        await audited(simulator, recorder, 3)
    assert recorder.messages == numbered(0, 150)


async def test_gap_and_audit_without_a_date(
    session: aiohttp.ClientSession, simulator: GoliothSimulator, recorder: Recorder
) -> None:
    """Without a date, gaps are filled and streams audited."""
    simulator.faults.date_text = ""
    async with running(session, simulator, recorder, audit_interval=0.3) as (
        feed,
        task,
    ):
        await streaming(feed, recorder)
        simulator.log("0")
        await recorder.until(lambda: recorder.messages == ["0"])
        async with outage(simulator):
            for message in numbered(1, 150):
                simulator.log(message)
            await recorder.until(lambda: not feed.connected)
        simulator.faults.date_text = ""
        await recorder.until(lambda: len(recorder.logs) >= 150)
        await streaming(feed, recorder)
        simulator.mute()
        # Later than the whole second in which the stream opened.
        moment = format_timestamp(now_ns(simulator) + 2_000_000_000)
        simulator.log("150", timestamp=moment)
        await recorder.until(lambda: len(recorder.logs) >= 151)
        assert recorder.logs[-1] == ("150", LogSource.CATCH_UP)
        await streaming(feed, recorder)
        task.cancel()
        await asyncio.wait({task})
        resume_point = await restarted(feed)
    simulator.log("151")
    async with running(session, simulator, recorder, resume_point=resume_point) as (
        feed,
        _task,
    ):
        await recorder.until(lambda: len(recorder.logs) >= 152)
        await streaming(feed, recorder)
    assert Counter(recorder.messages) == Counter(numbered(0, 152))
