"""Test what a feed writes to Home Assistant's log."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
import logging
import time
from typing import Final
from urllib.parse import quote

import aiohttp
import pytest

from custom_components.golioth.client import StreamState, Transport
from tests.simulator import GoliothSimulator

from .feeds import Recorder, running
from .test_delivery import numbered, outage, streaming

NO_DATE: Final = "Mon, 20 Nov 9999999999 12:00:00 GMT"


def parse_as_before(text: str) -> datetime:
    """Parse a date like versions of Python with undocumented errors."""
    if text == NO_DATE:
        raise OverflowError("signed integer is greater than maximum")
    return parsedate_to_datetime(text)


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": NO_DATE},
        {"Retry-After": NO_DATE, "Date": NO_DATE},
        {"Retry-After": "1" * 5000},
        {"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT", "Date": NO_DATE},
    ],
    ids=["retry_after", "both", "digits", "date"],
)
@pytest.mark.parametrize("is_old_python", [True, False], ids=["raises", "does_not"])
async def test_invalid_date_in_headers(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    headers: Mapping[str, str],
    is_old_python: bool,
) -> None:
    """Invalid dates lose no log and show no key."""
    caplog.set_level(logging.DEBUG)
    if is_old_python:
        monkeypatch.setattr(
            "custom_components.golioth.client.answers.parsedate_to_datetime",
            parse_as_before,
        )
    faults = simulator.faults
    faults.handshake_status = 503
    faults.handshake_headers = headers
    faults.date_text = NO_DATE
    async with running(session, simulator, recorder, longest_retry_after=0.1) as (
        feed,
        _task,
    ):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        simulator.log("0")
        await recorder.until(lambda: recorder.messages == ["0"])
        handshakes = len(simulator.handshakes)
        await simulator.wait_until(lambda: len(simulator.handshakes) > handshakes + 1)
        faults.rest_status = 503
        faults.rest_headers = headers
        await recorder.until(lambda: not feed.connected)
        faults.clear()
        await streaming(feed, recorder)
        simulator.log("1")
        await recorder.until(lambda: len(recorder.logs) == 2)
    assert recorder.messages == numbered(0, 2)
    assert simulator.api_key not in caplog.text
    assert quote(simulator.api_key, safe="") not in caplog.text
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


async def test_patience_that_ends_with_the_feed(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is logged if patience ends along with the feed."""
    async with running(session, simulator, recorder, rest_patience=0.2) as (feed, task):
        await streaming(feed, recorder)
        async with outage(simulator):
            simulator.log("0")
        simulator.faults.rest_never = True
        await recorder.until(lambda: feed.stream_state is StreamState.OPEN)
        simulator.log("1")
        # Block the loop, so that both come in its next iteration, the cancel first.
        time.sleep(0.3)  # noqa: ASYNC251, TID251
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]
