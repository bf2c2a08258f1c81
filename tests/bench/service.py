"""The bench's end of the load process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
import json
import sys
from typing import Any, Final, Self

from custom_components.golioth.client.endpoint import Credential, Endpoint
from tests.demo import REPOSITORY

# Seconds; only a failure takes longer.
_TIMEOUT: Final = 300.0


@dataclass(frozen=True)
class BenchProject:
    """A project of the service."""

    id: str
    url: str
    api_key: str

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint of the project."""
        return Endpoint(self.url, self.id, Credential(self.api_key))


class LoadService:
    """Has logs sent by another process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take over a started process."""
        self._process = process
        self._projects: dict[str, BenchProject] = {}

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Self]:
        """Run the process during the context."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.load"),
            cwd=REPOSITORY,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        service = cls(process)
        try:
            service._projects = {
                name: BenchProject(name, **each)
                for name, each in (await service._answer()).items()
            }
            yield service
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()

    def project(self, name: str) -> BenchProject:
        """Return a project: `measured`, `few` or `floor`."""
        return self._projects[name]

    async def register(self, project: str, number: int) -> None:
        """Register devices until a project has at least that many."""
        await self._command(project=project, register=number)

    async def send(
        self, project: str, number: int, *, devices: int, rate: float | None = None
    ) -> None:
        """Send logs to the one stream of a project.

        The rate is in logs per second; None is as fast as they are read.
        """
        await self._command(project=project, send=number, devices=devices, rate=rate)

    async def flood(self, project: str, kind: str, number: int) -> None:
        """Send frames without a log to a project's one stream."""
        await self._command(project=project, flood=number, kind=kind)

    async def send_loose(self, project: str, kind: str, size: int) -> None:
        """Send one loose frame to a project's one stream."""
        await self._command(project=project, loose=kind, size=size)

    async def store(self, project: str, kind: str, number: int, size: int) -> None:
        """Store logs in REST only, each of `size` bytes."""
        await self._command(project=project, store=number, kind=kind, size=size)

    async def _command(self, **command: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await self._answer()

    async def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        async with asyncio.timeout(_TIMEOUT):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("The load's process has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer
