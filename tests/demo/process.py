"""Programs that run beside the demo, and that never outlive it."""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
import ctypes
import os
from pathlib import Path
import pwd
import signal
import sys
from typing import Any, Final, Self

from . import REPOSITORY, DemoError

TAIL_LINES: Final = 25

_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG: Final = 1


def _die_with_parent() -> None:
    """Have Linux kill this process when its parent is gone, even if that one was killed itself."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class ProcessEndedError(DemoError):
    """A program ended that should have kept running; the message has its last words."""


class ChildProcess:
    """One program in a process group of its own, with its output in a file.

    The group of its own keeps the terminal's Ctrl-C away from it, so that the programs end one after the other
    and not all at once.
    """

    def __init__(self, name: str, log_path: Path, *, stop_timeout: float) -> None:
        """Prepare a program; nothing is started yet.

        Args:
            name: What messages call it, at the start of a sentence.
            log_path: The file that its output is appended to.
            stop_timeout: Seconds it is given to end by itself.
        """
        self.name = name
        self.log_path = log_path
        self._stop_timeout = stop_timeout
        self._process: asyncio.subprocess.Process | None = None
        self._killable = False

    async def __aenter__(self) -> Self:
        """Return the program, which is stopped at the end of the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the program."""
        await self.stop()

    async def spawn(
        self,
        *command: str,
        cwd: Path = REPOSITORY,
        env: Mapping[str, str] | None = None,
        pipe_stdout: bool = False,
        user: str | None = None,
    ) -> asyncio.subprocess.Process:
        """Start the program, and return its process.

        Args:
            command: The program and its arguments.
            cwd: Its working directory.
            env: What is added to its environment.
            pipe_stdout: Whether the caller reads its standard output; else that goes into the log, too.
            user: Who runs it, where that is not who runs this, who has to be root.
        """
        as_user: dict[str, Any] = {}
        if user is not None:
            group = pwd.getpwnam(user).pw_gid
            as_user = {"user": user, "group": group, "extra_groups": ()}
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if pipe_stdout else log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
                **as_user,
            )
        self._killable = True
        return self._process

    async def watch(self) -> None:
        """Wait until the program ends, which is an error: whoever ends it on purpose stops watching first.

        Raises:
            ProcessEndedError: The program has ended.
        """
        assert self._process is not None
        await self._process.wait()
        raise self.ended()

    def ended(self) -> ProcessEndedError:
        """Return the error that says how the program ended, and what it said last."""
        assert self._process is not None
        code = self._process.returncode
        how = (
            f"exit code {code}"
            if code is None or code >= 0
            else signal.Signals(-code).name
        )
        lines = self.log_path.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        tail = "\n".join(f"    {line}" for line in lines) or "    (nothing)"
        return ProcessEndedError(
            f"{self.name} ended by itself ({how}). Its last lines:\n{tail}"
        )

    @property
    def pid(self) -> int | None:
        """The ID of the process, which is also that of its group; None if it was never started."""
        return None if self._process is None else self._process.pid

    async def stop(self) -> int | None:
        """End the program as Ctrl-C would, or kill it when it does not end in time.

        Returns:
            Its exit code, negative if a signal killed it; None if it was never started.
        """
        if self._process is None:
            return None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(self._stop_timeout):
                await self._process.wait()
        except TimeoutError:
            pass
        finally:
            # Also what it may have started and left behind.
            self.kill()
        await self._process.wait()
        # Its group is empty now, and the number may belong to another one soon.
        self._killable = False
        return self._process.returncode

    def kill(self) -> None:
        """Kill the program and all that it started."""
        if self._process is None or not self._killable:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


async def run_beside[ResultT](
    work: Coroutine[Any, Any, ResultT], *processes: ChildProcess
) -> ResultT:
    """Do some work for which programs have to keep running, and return its result.

    Raises:
        ProcessEndedError: One of the programs ended; the work was cancelled.
    """
    task = asyncio.ensure_future(work)
    watchers = [asyncio.ensure_future(process.watch()) for process in processes]
    try:
        await asyncio.wait([task, *watchers], return_when=asyncio.FIRST_COMPLETED)
        if task.done() and not task.cancelled() and task.exception() is not None:
            # A program that dies breaks the work's connections: say the cause, which may be noticed a little later.
            await asyncio.wait(watchers, timeout=1, return_when=asyncio.FIRST_COMPLETED)
        for watcher in watchers:
            if watcher.done():
                watcher.result()
        return await task
    finally:
        for other in (task, *watchers):
            other.cancel()
        await asyncio.gather(task, *watchers, return_exceptions=True)
