"""The service of the load: `python -m tests.bench.load`.

A process of its own. It reads commands, one JSON object a line, and answers each with a
line when it is done.
"""

import asyncio
from collections.abc import Callable
import json
import math
import sys
import time
from typing import Any, Final

import orjson

from tests.simulator import GoliothSimulator
from tests.simulator.frames import PING_FRAME, encode_text_frame
from tests.simulator.timestamps import format_timestamp

# Bytes that wait in a connection at most: more would measure the memory of this
# process, not the speed of the other.
_MAX_BUFFER: Final = 1024 * 1024

_BATCH: Final = 500

# Fillers of frames and answers, the slowest first: none is parsed on the fast path.
_FILLERS: Final[dict[str, Callable[[int], dict[str, Any]]]] = {
    "not_finite": lambda size: {"metadata": {"a": [math.inf] * (size // 9)}},
    "objects": lambda size: {"metadata": {"a": [math.nan, *[{}] * (size // 3)]}},
    "numbers": lambda size: {"metadata": {"a": [math.nan, *[1.5] * (size // 4)]}},
    "escapes": lambda size: {"message": "\ud800" * (size // 6)},
    "texts": lambda size: {"metadata": {"a": ["y" * 4] * (size // 7)}},
    "text": lambda size: {"message": "x" * size},
}
LOOSE_KINDS: Final = (*_FILLERS, "documents", "depth", "quotes", "no_json")
ANSWER_KINDS: Final = tuple(_FILLERS)

# Frames without a log.
FLOODS: Final = {
    "pings": PING_FRAME,
    "pongs": b"\x8a\x00",
    "empty": encode_text_frame(b""),
}

# No randomness: the floor and the measured project get the same logs.
_LEVELS: Final = ("DEBUG", "INFO", "DEBUG", "WARN", "INFO", "DEBUG", "ERROR", "INFO")
_MODULES: Final = ("sensor", "net", "power", "ota")


def device_id(number: int) -> str:
    """Return Golioth's ID of a device by number."""
    return f"61a4d0{number:018x}"


def _frame(number: int, device: str) -> bytes:
    """Return the frame of a log.

    Its message ends with the time of its sending, on the machine's monotonic clock.
    """
    log = {
        "timestamp": format_timestamp(time.time_ns()),
        "type": "LOGGING",
        "level": _LEVELS[number % len(_LEVELS)],
        "module": _MODULES[number % len(_MODULES)],
        "moduleId": "",
        "message": f"Sampled {number % 40} °C after {time.monotonic_ns()}",
        "metadata": {
            "func": "sensor_sample",
            "index": number,
            "uptime": 172_271_000 + number,
        },
        "deviceId": device,
    }
    return encode_text_frame(orjson.dumps({"result": {"data": log}}))


def _filled(
    time_ns: int, device: str, kind: str, size: int
) -> tuple[dict[str, Any], bytes]:
    """Return a log of about `size` bytes, and its JSON.

    It is not parsed on the fast path.
    """
    log = {
        "timestamp": format_timestamp(time_ns),
        "level": "INFO",
        "message": "Long",
        "deviceId": device,
        **_FILLERS[kind](size),
    }
    # Unlike orjson, devices write numbers that are not finite; so does json.
    return log, json.dumps(log, separators=(",", ":")).encode()


def _loose_frame(kind: str, device: str, size: int) -> bytes:
    """Return a frame that is parsed loosely, or no log.

    It has about `size` bytes.
    """
    if kind == "documents":
        document = orjson.dumps({"result": {"data": {"message": "x"}}})
        return encode_text_frame(document * (size // len(document)))
    if kind == "depth":
        return encode_text_frame(
            b'{"result":{"data":{"message":"x","metadata":{"a":' + b"[" * size
        )
    if kind == "quotes":
        return encode_text_frame(b'{"result":"' + b'\\"' * (size // 2))
    if kind == "no_json":
        return encode_text_frame(b"{" * size)
    return encode_text_frame(
        b'{"result":{"data":%b}}' % _filled(time.time_ns(), device, kind, size)[1]
    )


class Load:
    """The service's projects: two to measure, one for the floor."""

    def __init__(self) -> None:
        """Start without devices."""
        self.projects = {
            name: GoliothSimulator(name) for name in ("measured", "few", "floor")
        }

    async def handle(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carry out a command.

        Args:
            command: `project`, and one of: `register`, the number of devices that the
                project has; `store`, a number of logs in REST only, each of `size`
                bytes of a `kind`; `flood`, a number of frames of a `kind`; `loose`, the
                `kind` of a frame of `size` bytes; `send`, a number of logs from
                `devices` at a `rate` per second, or as fast as they are read for None.
        """
        simulator = self.projects[command["project"]]
        if (number := command.get("register")) is not None:
            for each in range(len(simulator.devices), number):
                simulator.add_device(f"device-{each:05}", device_id(each))
            return {}
        if (number := command.get("store")) is not None:
            now = time.time_ns()
            for each in range(number):
                log, shown = _filled(
                    # Each in a millisecond of its own.
                    now - each * 1_000_000,
                    device_id(0),
                    command["kind"],
                    command["size"],
                )
                simulator.send(log, streamed=False, shown=shown)
            return {}
        await simulator.wait_for_streams(1)
        (transport,) = simulator._streams.transports
        if (number := command.get("flood")) is not None:
            await self._flood(transport, FLOODS[command["kind"]], number)
            return {}
        if (kind := command.get("loose")) is not None:
            transport.write(_loose_frame(kind, device_id(0), command["size"]))
            return {}
        await self._send(
            transport, command["send"], command["devices"], command["rate"]
        )
        return {}

    async def _flood(
        self, transport: asyncio.Transport, frame: bytes, number: int
    ) -> None:
        while number > 0:
            transport.write(frame * min(number, 10_000))
            number -= 10_000
            while transport.get_write_buffer_size() > _MAX_BUFFER:  # noqa: ASYNC110
                await asyncio.sleep(0.0005)

    async def _send(
        self,
        transport: asyncio.Transport,
        number: int,
        devices: int,
        rate: float | None,
    ) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        sent = 0
        ids = [device_id(each) for each in range(devices)]
        while sent < number:
            due = min(number, sent + _BATCH)
            if rate is not None:
                await asyncio.sleep(0.001)
                due = min(number, int((loop.time() - started) * rate))
            frames = [_frame(each, ids[each % devices]) for each in range(sent, due)]
            if frames:
                transport.write(b"".join(frames))
            sent = due
            while transport.get_write_buffer_size() > _MAX_BUFFER:  # noqa: ASYNC110
                await asyncio.sleep(0.0005)


async def _serve() -> None:
    """Serve until the input ends."""
    load = Load()
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    for simulator in load.projects.values():
        await simulator.start()
    answer: Any = {
        name: {"url": simulator.url, "api_key": simulator.api_key}
        for name, simulator in load.projects.items()
    }
    while True:
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()
        if not (line := await commands.readline()):
            break
        answer = await load.handle(orjson.loads(line))
    for simulator in load.projects.values():
        await simulator.stop()


if __name__ == "__main__":
    asyncio.run(_serve())
