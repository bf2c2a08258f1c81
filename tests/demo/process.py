"""Programs beside the demo, which never outlive it."""

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
    """Have Linux kill this process with its parent.

    Even if the parent was killed itself.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class ProcessEndedError(DemoError):
    """A program ended that should have kept running.

    The message has its last output.
    """


class ChildProcess:
    """A program in a process group of its own.

    Its output goes to a file. The group keeps the terminal's Ctrl-C away, so that the
    programs end one after the other and not all at once.
    """

    def __init__(self, name: str, log_path: Path, *, stop_timeout: float) -> None:
        """Prepare a program; nothing is started yet.

        Args:
            name: Its name in messages, at the start of a sentence.
            log_path: The file that its output is appended to.
            stop_timeout: Seconds in which it may end by itself.
        """
        self.name = name
        self.log_path = log_path
        self._stop_timeout = stop_timeout
        self._process: asyncio.subprocess.Process | None = None
        self._killable = False

    async def __aenter__(self) -> Self:
        """Return the program, which stops with the context."""
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
            env: Additions to its environment.
            pipe_stdout: Whether the caller reads its standard output; otherwise that
                goes to the log, too.
            user: The user who runs it, by default the current one. To run it as another
                user takes root.
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
        """Wait until the program ends, which is an error.

        To end it on purpose, stop watching first.

        Raises:
            ProcessEndedError: The program has ended.
        """
        assert self._process is not None
        await self._process.wait()
        raise self.ended()

    def ended(self) -> ProcessEndedError:
        """Return the error with the exit code and last output."""
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
        """The ID of the process and its group.

        None if it was never started.
        """
        return None if self._process is None else self._process.pid

    async def stop(self) -> int | None:
        """End the program as Ctrl-C would; kill on timeout.

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
            # Also kills what it may have started and left behind.
            self.kill()
        await self._process.wait()
        # Its group is empty now, and another process may get the number soon.
        self._killable = False
        return self._process.returncode

    def kill(self) -> None:
        """Kill the program and everything that it started."""
        if self._process is None or not self._killable:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


async def run_beside[ResultT](
    work: Coroutine[Any, Any, ResultT], *processes: ChildProcess
) -> ResultT:
    """Do work that needs running programs; return its result.

    Raises:
        ProcessEndedError: One of the programs ended; the work was cancelled.
    """
    task = asyncio.ensure_future(work)
    watchers = [asyncio.ensure_future(process.watch()) for process in processes]
    try:
        await asyncio.wait([task, *watchers], return_when=asyncio.FIRST_COMPLETED)
        if task.done() and not task.cancelled() and task.exception() is not None:
            # A program that dies breaks the work's connections. Its end, noticed a
            # little later, is the cause to report.
            await asyncio.wait(watchers, timeout=1, return_when=asyncio.FIRST_COMPLETED)
        for watcher in watchers:
            if watcher.done():
                watcher.result()
        return await task
    finally:
        for other in (task, *watchers):
            other.cancel()
        await asyncio.gather(task, *watchers, return_exceptions=True)
