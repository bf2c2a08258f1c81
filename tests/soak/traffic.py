"""Send the logs of a fleet in a soak.

They are steady, apart from the faults.
"""

import asyncio
from itertools import count
import random
from typing import Any, Final

from tests.simulator import Device, GoliothSimulator
from tests.simulator.timestamps import NANOSECONDS, format_timestamp

from .clock import true_time_ns
from .ledger import ID_KEY, Ledger, SentLog

DEVICES: Final = 50

_LEVELS: Final = ("DEBUG", "INFO", "WARN", "ERROR")
_MODULES: Final = ("sensor", "net", "power", "ota")

# Seconds between two sends at least; at a high rate several logs are sent at once.
_PAUSE: Final = 0.005


class Traffic:
    """Sends logs, and records each in the ledger.

    Attributes:
        late: Share of logs that are up to `longest_lateness` seconds old.
        ahead: Share of logs from clocks that are up to that much ahead.
        strange: Share of logs from clocks that are years off, on top of the others.
        twins: Share of logs that come twice.
        unindexed: Share of logs that REST shows late, within `longest_indexing`
            seconds.
    """

    late: float = 0.0
    ahead: float = 0.0
    strange: float = 0.0
    twins: float = 0.0
    unindexed: float = 0.0

    def __init__(
        self,
        simulator: GoliothSimulator,
        ledger: Ledger,
        *,
        rate: float,
        seed: int,
        longest_lateness: float,
        longest_indexing: float,
    ) -> None:
        """Add the devices; nothing is sent yet.

        Args:
            simulator: Receives the logs.
            ledger: Records the logs.
            rate: Logs per second.
            seed: Seed of the random numbers. Logs still depend on the time at which a
                fault comes.
            longest_lateness: Seconds between a log and its receipt at most.
            longest_indexing: Seconds until REST shows a log at most.
        """
        self._simulator = simulator
        self._ledger = ledger
        self._rate = rate
        self._random = random.Random(seed)  # noqa: S311
        self._longest_lateness = longest_lateness
        self._longest_indexing = longest_indexing
        self._devices = [
            simulator.add_device(f"device-{number}") for number in range(DEVICES)
        ]
        self._sequences = {device.id: count(1) for device in self._devices}
        self._numbers = count(1)
        self._last_timestamp = 0

    async def run(self) -> None:
        """Send logs at an average rate until cancelled.

        Pauses of the event loop are made up for.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        sent = 0
        while True:
            await asyncio.sleep(max(1 / self._rate, _PAUSE))
            while sent < int((loop.time() - start) * self._rate):
                self.send_one()
                sent += 1

    def send_history(self, number: int) -> None:
        """Send logs from before the setup, which are history."""
        for index in range(number):
            age = (number - index) * NANOSECONDS
            self._send(
                self.choose_device(), self._now() - age, copies=0, promised=False
            )

    def send_burst(self, number: int) -> None:
        """Send more logs at once than one answer holds."""
        for _ in range(number):
            self.send_one()

    def send_tie(self, number: int, device: Device | None = None) -> None:
        """Send logs with one timestamp, of one device or all.

        The logs of one device have all levels in turn, and REST cannot give the order
        within a level.
        """
        timestamp = self._now()
        for index in range(number):
            self._send(
                device or self.choose_device(),
                timestamp,
                level=_LEVELS[index % len(_LEVELS)],
                in_order=device is None,
            )

    def send_one(self) -> None:
        """Send one log, as the shares decide."""
        device, timestamp, in_order = self.choose_device(), self._now(), True
        if self._is_one_of(self.strange):
            years = self._random.choice((-50, -20, -1, 1, 30))
            self._send(
                device,
                timestamp + years * 365 * 86_400 * NANOSECONDS,
                promised=False,
                in_order=False,
            )
        if self._is_one_of(self.late):
            timestamp -= self._nanoseconds(1, self._longest_lateness)
            in_order = False
        elif self._is_one_of(self.ahead):
            timestamp += self._nanoseconds(1, self._longest_lateness)
            in_order = False
        copies = 2 if self._is_one_of(self.twins) else 1
        self._send(device, timestamp, copies=copies, in_order=in_order)

    def _send(
        self,
        device: Device,
        timestamp: int,
        *,
        copies: int = 1,
        promised: bool = True,
        in_order: bool = True,
        level: str | None = None,
    ) -> None:
        """Send a log and its copies, and record it.

        A log that must not be delivered is sent once.
        """
        number = next(self._numbers)
        delay = 0.0
        if self._is_one_of(self.unindexed):
            delay = self._random.uniform(0, self._longest_indexing)
        log: dict[str, Any] = {
            "timestamp": format_timestamp(timestamp),
            "type": "LOGGING",
            "level": level or self._random.choice(_LEVELS),
            "module": self._random.choice(_MODULES),
            "moduleId": "",
            "message": f"log {number}",
            "metadata": {ID_KEY: number},
            "deviceId": device.id,
        }
        now = asyncio.get_running_loop().time()
        self._ledger.add_sent(
            SentLog(
                number=number,
                device_id=device.id,
                sequence=next(self._sequences[device.id]),
                time=now,
                indexed=now + delay,
                timestamp=log["timestamp"],
                copies=copies,
                promised=promised,
                in_order=in_order and not delay,
            )
        )
        # Half of the twins are equal to the nanosecond, the others once REST cuts to
        # milliseconds.
        apart = self._random.choice((0, self._random.randrange(1, 400)))
        for copy in range(max(copies, 1)):
            log["timestamp"] = format_timestamp(timestamp + copy * apart)
            self._simulator.send(log, indexed_after=delay)
        if in_order:
            self._last_timestamp = max(self._last_timestamp, timestamp + apart)

    def _now(self) -> int:
        """Return the service's time, later than all timely logs."""
        return max(true_time_ns(), self._last_timestamp + 1)

    def choose_device(self) -> Device:
        """Return any device."""
        return self._random.choice(self._devices)

    def _is_one_of(self, share: float) -> bool:
        """Return true for a share of the calls."""
        return bool(share) and self._random.random() < share

    def _nanoseconds(self, least: float, most: float) -> int:
        """Return a random time between two numbers of seconds."""
        return int(self._random.uniform(least, most) * NANOSECONDS)
