"""Test reads that take longer than the margin."""

from collections import Counter
from collections.abc import Callable

import aiohttp
import pytest

from custom_components.golioth.client import Transport, format_timestamp
from tests.simulator import GoliothSimulator

from .feeds import Recorder, running
from .test_delivery import now_ns, numbered

SECOND = 1_000_000_000
MARGIN = 3


async def test_late_log_between_slices_of_a_slow_read(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A later slice does not settle an earlier, premature one."""
    slices = "custom_components.golioth.client.slices"
    monkeypatch.setattr(f"{slices}._MAX_PRESENT_LOGS", 50)
    monkeypatch.setattr(f"{slices}._FEW_LOGS", 5)
    simulator.retire()
    async with running(
        session, simulator, recorder, margin=MARGIN, request_interval=0.05
    ) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        start = now_ns(simulator)
        for number in range(1, 600):
            moment = start + number * SECOND // 400
            simulator.log(str(number), timestamp=format_timestamp(moment))
        await recorder.until(lambda: len(recorder.logs) > 0)
        # The late log comes in time, before the settled time reaches it.
        assert now_ns(simulator) - start < MARGIN * SECOND
        simulator.log("0", timestamp=format_timestamp(start))
        simulator.faults.rest_delay = 0.5
        await recorder.until(lambda: "599" in recorder.messages)
        simulator.faults.rest_delay = 0.0
        # By then, the last slice on its own could be settled.
        assert now_ns(simulator) - start > (MARGIN + 2) * SECOND
        assert "0" not in recorder.messages
        await recorder.until(lambda: "0" in recorder.messages)
    assert Counter(recorder.messages) == Counter(numbered(0, 600))


async def test_order_around_untracked_range(
    session: aiohttp.ClientSession,
    simulator: GoliothSimulator,
    recorder: Recorder,
) -> None:
    """Both sides of an untracked range are read together.

    Otherwise, a log that comes late into what was read is delivered after newer ones.
    """

    def more_than(requests: int) -> Callable[[], bool]:
        return lambda: len(simulator.requests) > requests

    simulator.retire()
    async with running(
        session, simulator, recorder, margin=60.0, request_interval=0.0
    ) as (feed, _task):
        await recorder.until(lambda: feed.transport is Transport.POLLING)
        before = now_ns(simulator) // SECOND + 1
        feed._logs.untrack(before + 1, before + 2, is_lacking=True)
        simulator.faults.rest_delay = 0.2
        for number in range(10):
            # Both sides of the range are read in turns.
            await simulator.wait_until(more_than(len(simulator.requests)))
            device = simulator.add_device(f"node-{number}").id
            for side, second in (("before", before), ("after", before + 2)):
                moment = second * SECOND + number
                simulator.log(
                    f"{number} {side}",
                    device=device,
                    timestamp=format_timestamp(moment),
                )
        await recorder.until(lambda: len(recorder.logs) == 20)
    place = recorder.messages.index
    for number in range(10):
        assert place(f"{number} before") < place(f"{number} after")
