"""The simulator of the Golioth service, in its own process."""

import asyncio
from dataclasses import dataclass
import json
from pathlib import Path
import sys
from typing import Final, override

from . import DemoError
from .process import ChildProcess

START_TIMEOUT: Final = 30
STOP_TIMEOUT: Final = 5


@dataclass(frozen=True, slots=True)
class SimulatedProject:
    """The address and the credential of the simulated project."""

    url: str
    project_id: str
    api_key: str


class SimulatorProcess(ChildProcess):
    """The simulator on a free port of 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        """Prepare the simulator, with its log in a folder."""
        super().__init__(
            "The simulator", folder / "simulator.log", stop_timeout=STOP_TIMEOUT
        )
        self._drain: asyncio.Task[bytes] | None = None

    async def start(self, *, rate: float) -> SimulatedProject:
        """Start the simulator, and return its project once reachable.

        The published frames are sent when the first stream opens.

        Args:
            rate: Generated logs per second, 0 for none.

        Raises:
            DemoError: It ended, or did not report its address in time.
        """
        process = await self.spawn(
            *(sys.executable, "-m", "tests.simulator"),
            *("--port", "0", "--rate", str(rate), "--replay"),
            pipe_stdout=True,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_TIMEOUT):
                line = await process.stdout.readline()
                if not line:
                    await self.watch()
        except TimeoutError as err:
            raise DemoError(
                f"The simulator was not ready within {START_TIMEOUT} s"
            ) from err
        # A full pipe that nothing reads would stop the simulator.
        self._drain = asyncio.create_task(process.stdout.read())
        try:
            ready = json.loads(line)
            return SimulatedProject(ready["url"], ready["project_id"], ready["api_key"])
        except (ValueError, TypeError, KeyError) as err:
            raise DemoError(
                f"The simulator did not say where it is, but {line!r}"
            ) from err

    @override
    async def stop(self) -> int | None:
        """Stop the simulator."""
        try:
            return await super().stop()
        finally:
            if self._drain is not None:
                self._drain.cancel()
