"""Plausible logs of a fleet of IoT devices."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
import random
from typing import Any


@dataclass(frozen=True, kw_only=True)
class _Template:
    """A kind of log that firmware writes.

    Attributes:
        module: Part of the firmware.
        level: Level of the log.
        weight: Frequency relative to the others.
        message: Text with the values in braces.
        function: Function that writes it.
        values: Lowest and highest of each value; a value is whole if both are.

    """

    module: str
    level: str
    weight: int
    message: str
    function: str
    values: Mapping[str, tuple[float, float]]


_TEMPLATES = (
    _Template(
        module="sensor",
        level="DEBUG",
        weight=30,
        message="Sampled {temperature} °C, {humidity} % relative humidity",
        function="sensor_sample",
        values={"temperature": (-5.0, 38.0), "humidity": (20.0, 95.0)},
    ),
    _Template(
        module="sensor",
        level="WARN",
        weight=3,
        message="Reading took {duration} ms, retry {retry}",
        function="sensor_read",
        values={"duration": (200, 900), "retry": (1, 3)},
    ),
    _Template(
        module="sensor",
        level="ERROR",
        weight=1,
        message="I2C bus did not answer: -{errno}",
        function="sensor_read",
        values={"errno": (5, 116)},
    ),
    _Template(
        module="net",
        level="INFO",
        weight=16,
        message="Signal {rsrp} dBm on band {band}",
        function="modem_report",
        values={"rsrp": (-120, -70), "band": (1, 28)},
    ),
    _Template(
        module="net",
        level="DEBUG",
        weight=18,
        message="Sent {bytes} bytes in {duration} ms",
        function="coap_send",
        values={"bytes": (24, 1024), "duration": (60, 2500)},
    ),
    _Template(
        module="net",
        level="WARN",
        weight=4,
        message="No acknowledgement, attempt {attempt}",
        function="coap_retransmit",
        values={"attempt": (1, 4)},
    ),
    _Template(
        module="net",
        level="ERROR",
        weight=2,
        message="DTLS handshake failed: -0x{code:04x}",
        function="dtls_connect",
        values={"code": (0x1000, 0x7FFF)},
    ),
    _Template(
        module="power",
        level="INFO",
        weight=14,
        message="Battery {voltage} V, {percent} %",
        function="battery_report",
        values={"voltage": (3.3, 4.2), "percent": (5, 100)},
    ),
    _Template(
        module="power",
        level="WARN",
        weight=3,
        message="Battery low: {percent} %",
        function="battery_report",
        values={"percent": (1, 14)},
    ),
    _Template(
        module="ota",
        level="INFO",
        weight=6,
        message="Firmware block {block} of {blocks}",
        function="ota_block",
        values={"block": (1, 400), "blocks": (400, 900)},
    ),
    _Template(
        module="ota",
        level="ERROR",
        weight=1,
        message="Firmware block {block} has a wrong checksum",
        function="ota_verify",
        values={"block": (1, 400)},
    ),
)


class LogGenerator:
    """Draws logs; the same seed gives the same logs."""

    def __init__(self, seed: int) -> None:
        """Start at the first log of a seed."""
        self._random = random.Random(seed)  # noqa: S311
        self._index = count(1)

    def choose[T](self, options: list[T]) -> T | None:
        """Return one of the options, or None without any."""
        return self._random.choice(options) if options else None

    def draw(self) -> dict[str, Any]:
        """Return module, level, message and metadata of the next log."""
        (template,) = self._random.choices(
            _TEMPLATES, weights=[template.weight for template in _TEMPLATES]
        )
        values = {
            name: self._value(*bounds) for name, bounds in template.values.items()
        }
        return {
            "module": template.module,
            "level": template.level,
            "message": template.message.format(**values),
            "metadata": {
                "func": template.function,
                "index": next(self._index),
                **values,
            },
        }

    def _value(self, lowest: float, highest: float) -> float:
        """Return a value between two bounds, whole if both are."""
        if isinstance(lowest, int) and isinstance(highest, int):
            return self._random.randint(lowest, highest)
        return round(self._random.uniform(lowest, highest), 1)
