"""Run the simulator as a process: `python -m tests.simulator`."""

import argparse
import asyncio
import contextlib
import signal
import sys

import orjson

from tests import GREENHOUSE_NODE, WATER_METER

from .simulator import GoliothSimulator

# The devices of the published logs, and the rest of a small fleet.
_PUBLISHED_DEVICES = {
    GREENHOUSE_NODE: "greenhouse-node",
    WATER_METER: "water-meter",
}
_MORE_DEVICES = ("weather-station", "cold-room-3", "pump-controller")


async def _replay(simulator: GoliothSimulator) -> None:
    """Send the published frames each time the first stream opens."""
    while True:
        await simulator.wait_until(lambda: simulator.streams > 0)
        simulator.replay()
        await simulator.wait_for_streams(0)


async def _serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, stopped.set)
    simulator = GoliothSimulator(arguments.project_id, api_key=arguments.api_key)
    for device_id, name in _PUBLISHED_DEVICES.items():
        simulator.add_device(name, device_id)
    async with contextlib.AsyncExitStack() as stack:
        await simulator.start(arguments.port, host=arguments.host)
        stack.push_async_callback(simulator.stop)
        if arguments.rate:
            for name in _MORE_DEVICES:
                simulator.add_device(name)
            await stack.enter_async_context(simulator.generating(arguments.rate))
        if arguments.replay:
            stack.callback(asyncio.create_task(_replay(simulator)).cancel)
        ready = {
            "url": simulator.url,
            "project_id": simulator.project_id,
            "api_key": simulator.api_key,
        }
        sys.stdout.write(orjson.dumps(ready, option=orjson.OPT_APPEND_NEWLINE).decode())
        sys.stdout.flush()
        await stopped.wait()


def main() -> None:
    """Read the arguments and serve."""
    defaults = GoliothSimulator()
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator", description=__doc__
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        help="port to listen on, any free one unless given",
    )
    parser.add_argument(
        "--rate", type=float, default=1.0, help="plausible logs a second, 0 for none"
    )
    parser.add_argument(
        "--replay",
        action="store_true",
        help="send the published logs when the first stream opens",
    )
    parser.add_argument("--project-id", default=defaults.project_id)
    parser.add_argument("--api-key", default=defaults.api_key)
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
