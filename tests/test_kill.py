"""Test that a killed Home Assistant loses no log.

Few logs are repeated.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
import signal
import time
from typing import Final

import pytest

from .demo import witness
from .demo.api import HomeAssistantApi
from .demo.home_assistant import HomeAssistantProcess
from .demo.process import run_beside
from .simulator import GoliothSimulator

# Logs per second.
RATE: Final = 50

# Seconds of traffic before the kill and after the restart. The first is no multiple of
# the resume point's save interval, so that some logs have not been saved.
BEFORE: Final = 18
AFTER: Final = 3

# Seconds of logs that a kill may repeat.
REPEATED: Final = 15

# Seconds that only a failure takes.
TIMEOUT: Final = 60


class Traffic:
    """Steady logs, each with a number.

    Attributes:
        sent: When each number was sent, in seconds of a monotonic clock.
    """

    def __init__(self, simulator: GoliothSimulator) -> None:
        """Prepare without sending."""
        self.sent: dict[int, float] = {}
        self._simulator = simulator

    async def run(self) -> None:
        """Send until cancelled."""
        devices = list(self._simulator.devices.values())
        start = time.monotonic()
        for number in count():
            await asyncio.sleep(start + number / RATE - time.monotonic())
            self.sent[number] = time.monotonic()
            self._simulator.log(
                f"log {number}",
                device=devices[number % len(devices)],
                metadata={witness.NUMBER_KEY: number},
            )


def seen_by_witness(home_assistant: HomeAssistantProcess) -> Counter[int]:
    """Return how often each log was fired, by its number."""
    file = home_assistant.config_dir / witness.LOG_FILE
    return Counter(int(line) for line in file.read_text().splitlines())


async def until(condition: Callable[[], bool]) -> None:
    """Poll until a condition on another process holds."""
    async with asyncio.timeout(TIMEOUT):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def set_up(
    home_assistant: HomeAssistantProcess, simulator: GoliothSimulator
) -> None:
    """Add the project as a user does.

    Its logs are streamed then.
    """
    login = await home_assistant.create_user("kill")
    async with HomeAssistantApi(home_assistant.url, login.access_token) as api:
        await api.wait_until_running()
        await api.add_project(simulator.project_id, simulator.api_key, simulator.url)
    await simulator.wait_for_streams(1)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_kill_loses_nothing(simulator: GoliothSimulator, tmp_path: Path) -> None:
    """A kill during traffic loses no log.

    Traffic goes on while Home Assistant is started again.
    """
    traffic = Traffic(simulator)
    async with HomeAssistantProcess(tmp_path, Path(witness.__file__)) as home_assistant:
        await home_assistant.start()
        await run_beside(set_up(home_assistant, simulator), home_assistant)
        # The feed must have begun: logs before that are history.
        simulator.log("first", metadata={witness.NUMBER_KEY: -1})
        await until(lambda: -1 in seen_by_witness(home_assistant))

        sending = asyncio.create_task(traffic.run())
        await asyncio.sleep(BEFORE)
        before = seen_by_witness(home_assistant)
        home_assistant.kill()
        killed = time.monotonic()
        assert await home_assistant.stop() == -signal.SIGKILL

        await home_assistant.start()
        await simulator.wait_for_streams(1)
        await asyncio.sleep(AFTER)
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
        await until(
            lambda: traffic.sent.keys() <= seen_by_witness(home_assistant).keys()
        )
        # Repeated logs could still come with the first audit.
        await asyncio.sleep(2)
        seen = seen_by_witness(home_assistant)

    assert len(before) > BEFORE * RATE * 0.9, (
        "the kill was not in the middle of traffic"
    )
    assert len(traffic.sent) > (BEFORE + AFTER) * RATE
    assert traffic.sent.keys() <= seen.keys()
    repeated = {number for number, times in seen.items() if times > 1}
    assert {number: seen[number] for number in repeated if seen[number] > 2} == {}
    too_old = [
        number for number in repeated if killed - traffic.sent[number] > REPEATED
    ]
    assert not too_old, (
        f"{len(too_old)} logs were repeated, of up to {killed - traffic.sent[min(too_old)]:.1f} s before the kill"
    )
    assert all(traffic.sent[number] <= killed for number in repeated)
