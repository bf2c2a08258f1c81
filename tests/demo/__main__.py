"""Run the demo: `python -m tests.demo [--smoke]`.

It shows Golioth's logs arriving in a real Home Assistant.
"""

import argparse
import asyncio
import faulthandler
import os
from pathlib import Path
import shutil
import signal
import sys
import tempfile
import time
from typing import Final

from . import DemoError
from .api import EventStream, HomeAssistantApi
from .dashboard import add_dashboard
from .devices import DEVICE_CHANGES
from .home_assistant import DOMAIN, HomeAssistantProcess
from .process import run_beside
from .simulator import SimulatedProject, SimulatorProcess
from .smoke import check_log_file, check_logs, complaints
from .terminal import complain, log_line, say

USERNAME: Final = "demo"

# Seconds of the three minutes that the check may take; the rest is for stopping.
SMOKE_TIMEOUT: Final = 145
# Seconds after which even a stuck event loop is killed.
SMOKE_HARD_TIMEOUT: Final = 178


def _parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Starts a simulated Golioth service and a real Home Assistant with the integration, and prints"
        " each golioth_log event until Ctrl-C.",
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="check that the published example logs arrive as events and in the sensors, then end",
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=0.5,
        metavar="LOGS",
        help="logs per second that the simulated devices make (default: %(default)s; --smoke: none)",
    )
    return parser.parse_args()


class Demo:
    """The simulator and Home Assistant in a temporary folder."""

    def __init__(self, *, smoke: bool, rate: float) -> None:
        """Make the folder; nothing is started yet."""
        self._smoke = smoke
        self._rate = 0 if smoke else rate
        # Not named after the integration, as Home Assistant's log is searched for that.
        self.folder = Path(tempfile.mkdtemp(prefix="home-assistant-demo-"))
        self.simulator = SimulatorProcess(self.folder)
        self.home_assistant = HomeAssistantProcess(self.folder)

    async def run(self) -> None:
        """Run until checked or cancelled, and stop everything.

        Raises:
            DemoError: Something did not work.
        """
        log_path = self.home_assistant.log_path
        try:
            async with self.simulator, self.home_assistant:
                project = await self._run_in_time()
                if (code := await self.home_assistant.stop()) != 0:
                    raise DemoError(
                        f"Home Assistant did not stop cleanly (exit code {code})"
                    )
        except DemoError as err:
            if not (found := complaints(log_path)):
                raise
            raise DemoError(
                "\n".join((f"{err}\nHome Assistant's log says:", *found))
            ) from err
        check_log_file(log_path, project.api_key)
        say(
            "\nHome Assistant stopped cleanly, and its log has no error or deprecation that names the integration."
        )

    async def _run_in_time(self) -> SimulatedProject:
        """Start everything and show the logs, within the time limit."""
        limit = asyncio.timeout(SMOKE_TIMEOUT if self._smoke else None)
        try:
            async with limit:
                return await self._show()
        except TimeoutError as err:
            if not limit.expired():
                raise
            raise DemoError(f"The check took longer than {SMOKE_TIMEOUT} s") from err

    async def _show(self) -> SimulatedProject:
        """Start everything and show the logs."""
        say(
            "Starting the simulator and Home Assistant; this takes some 10 seconds, and longer the first time."
        )
        project = await self.simulator.start(rate=self._rate)
        await self.home_assistant.start()
        await run_beside(self._log_in(project), self.simulator, self.home_assistant)
        return project

    async def _log_in(self, project: SimulatedProject) -> None:
        """Log in, set the integration up, and show the logs."""
        login = await self.home_assistant.create_user(USERNAME)
        async with HomeAssistantApi(self.home_assistant.url, login.access_token) as api:
            version = await api.wait_until_running()
            # Before the setup, so that no event is missed.
            events = await api.subscribe(f"{DOMAIN}_log")
            changes = await api.subscribe(*DEVICE_CHANGES) if self._smoke else None
            entry = await api.add_project(
                project.project_id, project.api_key, project.url
            )
            say(f"\nHome Assistant {version} runs at {self.home_assistant.url}")
            say(
                "It opens with the logs; the graph beside them begins with a day that was made up"
            )
            say(f"Log in as {login.username} with the password {login.password}")
            say(
                f"Project {project.project_id} was set up by the config flow: {entry['title']}"
            )
            await add_dashboard(api, entry)
            if changes is not None:
                await check_logs(api, events, changes, entry, project.project_id)
            else:
                await self._print_logs(events)

    async def _print_logs(self, events: EventStream) -> None:
        """Print each log until cancelled."""
        say("Ctrl-C ends it. Each log, as Home Assistant fires it:\n")
        async for event in events:
            say(log_line(event["data"]))

    def kill(self) -> None:
        """Kill both processes."""
        self.home_assistant.kill()
        self.simulator.kill()


async def _run(*, smoke: bool, rate: float) -> int:
    """Run the demo, clean up, and return the exit code."""
    started = time.monotonic()
    demo = Demo(smoke=smoke, rate=rate)
    task = asyncio.ensure_future(demo.run())
    signals = 0

    def interrupt() -> None:
        nonlocal signals
        signals += 1
        if signals > 1:
            demo.kill()
            return
        task.cancel()
        complain("\nStopping Home Assistant; again to kill it.")

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(signum, interrupt)

    keep = True
    try:
        await task
        keep = False
        say(f"The check passed. It took {time.monotonic() - started:.1f} s.")
    except DemoError as err:
        complain(f"\nIt failed after {time.monotonic() - started:.1f} s. {err}")
        return 1
    except asyncio.CancelledError:
        keep = False
        # Stopping is how the demo ends; a check that is stopped has not passed.
        return 128 + signal.SIGINT if smoke or signals > 1 else 0
    except BrokenPipeError:
        keep = False
        # The reader of the output has gone. Python would fail again on its last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    finally:
        if keep:
            logs = " and ".join(str(path) for path in sorted(demo.folder.glob("*.log")))
            complain(f"\nKept: {logs or demo.folder}")
        else:
            shutil.rmtree(demo.folder, ignore_errors=True)
    return 0


def main() -> int:
    """Run the demo and return the exit code."""
    options = _parse_arguments()
    if options.smoke:
        faulthandler.dump_traceback_later(SMOKE_HARD_TIMEOUT, exit=True)
    return asyncio.run(_run(smoke=options.smoke, rate=options.rate))


if __name__ == "__main__":
    sys.exit(main())
