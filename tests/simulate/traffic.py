"""Send the regular and irregular logs of a fleet."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from .accountant import HARD, IN_ORDER, PROMISED, Accountant
from .conditions import Conditions
from .loop import Timetable
from .odd import ODD_METADATA, is_frame_readable, is_readable, spoils_answer
from .service import Service
from .store import EPOCH, MILLISECOND, SECOND, StoredLog, format_device_id, format_time

LEVELS: Final = ("DEBUG", "INFO", "WARN", "ERROR")
_MODULES: Final = ("sensor", "net", "power", "ota")
_WORDS: Final = ("ready", "temperature is 21.5", "reconnecting in 5 s", "größer 🌡", "")

# Seconds between two batches of logs at high rates.
_TICK: Final = 0.02

# From this many logs per second on, they come in batches.
_MANY: Final = 20.0

# Seconds by which a device's clock may be off if its log is promised.
_PROMISED_OFFSET: Final = 300.0

# The proxy breaks a stream with a longer document.
_LONGEST_DOCUMENT: Final = 64 * 1024


@dataclass(slots=True)
class Device:
    """One device.

    Attributes:
        number: Its place in the fleet.
        id: Golioth's ID.
        offset: Seconds by which its clock is ahead.
        last_ns: Time of its last log in order.
    """

    number: int
    id: str
    offset: float
    last_ns: int = 0


class Traffic:
    """Sends logs, and records each with the accountant."""

    def __init__(
        self,
        timetable: Timetable,
        service: Service,
        accountant: Accountant,
        conditions: Conditions,
        settings: dict[str, Any],
    ) -> None:
        """Create the devices; nothing is sent yet."""
        self.devices = [
            Device(number, format_device_id(number), offset)
            for number, offset in enumerate(settings["device_offsets"])
        ]
        self._honest = [device for device in self.devices if not device.offset]
        service.device_ids = [device.id for device in self.devices]
        self._timetable = timetable
        self._service = service
        self._accountant = accountant
        self._conditions = conditions
        self._index_delay: float = settings["index_delay"]
        self._limit: int = settings["limit"]
        self._proxy_breaks: bool = settings["proxy_breaks"]
        self._batch: list[bytes] | None = None

    def run(self, rate: float, duration: float, chance: Random) -> Iterator[float]:
        """Send logs at a rate; yield the pauses in seconds."""
        end = self._timetable.now + duration
        if rate < _MANY:
            pause = chance.expovariate(rate)
            while self._timetable.now + pause < end:
                yield pause
                self.send(self._choose(chance), chance)
                pause = chance.expovariate(rate)
            return
        due = 0.0
        while self._timetable.now < end:
            due += rate * _TICK
            number = int(due)
            due -= number
            if number:
                self.send_many(number, chance)
            yield _TICK

    def send_many(self, number: int, chance: Random) -> None:
        """Send several logs at once."""
        self._batch = []
        for _ in range(number):
            self.send(self._choose(chance), chance)
        batch, self._batch = self._batch, None
        self._service.stream(batch)

    def send_tie(
        self, number: int, chance: Random, *, one_device: bool, one_level: bool
    ) -> None:
        """Send logs with the same time."""
        sender = self._choose(chance, honest=True)
        time_ns = self._now_ns(sender)
        # Of one time, device and level, at most one answer's worth can be read.
        alike = number / (1 if one_device else len(self._honest) / 2)
        alike *= 2 if self._conditions.twins else 1
        is_hard = alike / (1 if one_level else len(LEVELS)) > self._limit - 1
        ties: dict[tuple[int, str], list[int]] = {}
        self._batch = []
        for index in range(number):
            device = sender if one_device else self._choose(chance, honest=True)
            level = LEVELS[0 if one_level else index % len(LEVELS)]
            tie = ties.setdefault((device.number, level), [])
            tie.append(self._accountant.next_number)
            self.send(
                device,
                chance,
                time_ns=time_ns,
                level=level,
                kind=PROMISED | (HARD if is_hard else 0),
            )
        if not self._conditions.is_irregular:
            for tie in ties.values():
                self._accountant.add_tie(tie)
        batch, self._batch = self._batch, None
        self._service.stream(batch)

    def send_tie_among_others(self, chance: Random) -> None:
        """Send a tie among others of its millisecond.

        The logs of the tie have one time and level; the others come after it. No answer
        for the level holds all, though each device's does. The first are of devices
        that logged nothing else then.
        """
        one, two, *few = chance.sample(self._honest, len(self._honest))
        millisecond = (self._now_ns(one) // MILLISECOND - 1) * MILLISECOND
        often = self._limit * 3 // 4
        kind = PROMISED | (HARD if self._conditions.twins else 0)
        tie = [(device, 301_411) for device in (*few, *[one] * often, *[two] * often)]
        others = [(one, 400_123 + 1_001 * each) for each in range(self._limit)]
        self._batch = []
        for device, offset in (*tie, *others):
            self.send(
                device, chance, time_ns=millisecond + offset, level="DEBUG", kind=kind
            )
        batch, self._batch = self._batch, None
        self._service.stream(batch)

    def send_huge(self, chance: Random) -> None:
        """Send a log too large for REST answers and frames."""
        size = chance.randrange(2_200_000, 3_000_000)
        self.send(
            self._choose(chance),
            chance,
            text="x" * size,
            kind=PROMISED | HARD,
            is_streamed=False,
        )

    def _choose(self, chance: Random, *, honest: bool = False) -> Device:
        devices = self._honest if honest else self.devices
        return devices[int(chance.random() * len(devices))]

    def _now_ns(self, device: Device) -> int:
        now = self._timetable.now + device.offset + self._conditions.stamp_offset
        return EPOCH + int(now * SECOND)

    def send(
        self,
        device: Device,
        chance: Random,
        *,
        time_ns: int | None = None,
        level: str | None = None,
        text: str | None = None,
        kind: int = PROMISED | IN_ORDER,
        is_streamed: bool = True,
    ) -> None:
        """Send one log, as the conditions change it."""
        conditions = self._conditions
        luck = chance.random()
        if time_ns is None:
            time_ns = self._now_ns(device) - int(luck * 15_000_000)
            if conditions.stamp_offset:
                kind &= ~IN_ORDER
            else:
                if time_ns <= device.last_ns:
                    time_ns = device.last_ns + 1
                device.last_ns = time_ns
        if conditions.is_irregular:
            self._send_irregular(device, chance, time_ns, level, text, kind)
            return
        number = self._accountant.next_number
        document = (
            f'{{"timestamp":"{format_time(time_ns)}","type":"LOGGING",'
            f'"level":"{level or LEVELS[int(luck * 4)]}","module":"{_MODULES[number % 4]}","moduleId":"",'
            f'"message":"{number:08} {_WORDS[number % 5] if text is None else text}",'
            f'"metadata":{{"uptime":{number * 7}}},"deviceId":"{device.id}"}}'
        ).encode()
        self._put(
            device, chance, time_ns, level or LEVELS[int(luck * 4)], document, kind
        )
        if is_streamed:
            self._stream(document)

    def _stream(self, document: bytes) -> None:
        """Send a log to all streams."""
        if len(document) > _LONGEST_DOCUMENT and self._proxy_breaks:
            if self._batch:
                self._service.stream(self._batch)
                self._batch = []
            self._service.break_streams()
            return
        frame = b'{"result":{"data":' + document + b"}}"
        if self._batch is None:
            self._service.stream([frame])
        else:
            self._batch.append(frame)

    def _put(
        self,
        device: Device,
        chance: Random,
        time_ns: int,
        level: str,
        document: bytes,
        kind: int,
        *,
        copies: int = 1,
        is_regular: bool = True,
        is_same: bool = False,
    ) -> None:
        """Index a log, and record it unless a copy."""
        accountant, conditions = self._accountant, self._conditions
        now = self._timetable.now
        number = accountant.next_number - is_same
        log = StoredLog(time_ns, number, device.id, level, document, is_regular)
        shown = now + self._index_delay
        lag: float = 0.0
        if (unindexed := conditions.unindexed) and chance.random() < unindexed[0]:
            lag = chance.uniform(0, unindexed[1])
        lags: list[float] | None = conditions.replica_lag
        if not lag and not lags:
            self._service.index(log, now, shown)
        else:
            kind &= ~IN_ORDER
            # All within the service's promise.
            visible = tuple(
                max(
                    shown,
                    now
                    + min(55.0, lag + (lags[each % len(lags)] if lags else 0.0))
                    * (1.0 if chance.random() < 0.7 else chance.random()),
                )
                for each in range(len(self._service.replicas))
            )
            self._service.index(log, now, visible)
            accountant.visible[number] = visible
        if is_same:
            return
        offset = abs(time_ns - EPOCH - int(now * SECOND)) / SECOND
        if offset > _PROMISED_OFFSET:
            kind &= ~(PROMISED | IN_ORDER)
        accountant.add_sent(now, time_ns, device.number, kind, copies)

    def _send_irregular(
        self,
        device: Device,
        chance: Random,
        time_ns: int,
        level: str | None,
        text: str | None,
        kind: int,
    ) -> None:
        """Send a log while devices send irregular ones."""
        conditions = self._conditions
        if chance.random() < conditions.strange:
            time_ns += chance.choice((-50, -20, -1, 1, 30)) * 365 * 86_400 * SECOND
            kind = 0
        elif chance.random() < conditions.late:
            time_ns -= int(chance.uniform(1, 290) * SECOND)
            kind &= ~IN_ORDER
        elif chance.random() < conditions.early:
            time_ns += int(chance.uniform(1, 290) * SECOND)
            kind &= ~IN_ORDER
        stamp = format_time(time_ns)
        is_regular = True
        if chance.random() < conditions.short_times:
            digits = chance.choice((0, 1, 3, 6))
            unit = 10 ** (9 - digits)
            time_ns -= time_ns % unit
            stamp = format_time(time_ns)[: 20 + digits].removesuffix(".") + "Z"
            is_regular, kind = False, kind & ~IN_ORDER
        elif chance.random() < conditions.leap_seconds:
            time_ns -= time_ns % (60 * SECOND) - int(chance.random() * SECOND)
            before = format_time(time_ns - 60 * SECOND)
            stamp = f"{before[:17]}60{format_time(time_ns)[19:]}"
            is_regular, kind = False, kind & ~IN_ORDER
        number = self._accountant.next_number
        level = level or chance.choice((*LEVELS, *LEVELS, "NONE", "NOTICE"))
        if text is None and chance.random() < conditions.big:
            text = "b" * chance.randrange(20_000, 90_000)
        words = _WORDS[number % 5] if text is None else text
        head = f'{{"timestamp":"{stamp}","type":"LOGGING","level":"{level}"'
        names = f'"module":"{_MODULES[number % 4]}","moduleId":""'
        tail = f'"deviceId":"{device.id}"}}'
        message = f'"message":"{number:08} {words}"'.encode()
        metadata = streamed_metadata = f'{{"uptime":{number}}}'.encode()
        if chance.random() < conditions.spelled:
            metadata = b'{"a":%d.0,"b":{"c":2.50,"d":null}}' % number
            streamed_metadata = b'{"b":{"d":null,"c":2.5},"a":%d}' % number
        is_odd, is_unreadable = chance.random() < conditions.odd, False
        if is_odd:
            odd = chance.choice(ODD_METADATA)
            metadata = streamed_metadata = b'{"odd":' + odd + b"}"

        def make(metadata: bytes) -> bytes:
            return b",".join(
                (
                    head.encode(),
                    names.encode(),
                    message,
                    b'"metadata":' + metadata,
                    tail.encode(),
                )
            )

        document, streamed = make(metadata), make(streamed_metadata)
        if is_odd and not is_readable(document, streamed):
            is_unreadable = spoils_answer(document)
            # An entry that leaves its answer readable is skipped, as anything that is
            # no log.
            kind = (kind & PROMISED) | HARD if is_unreadable else 0
            if not is_frame_readable(streamed):
                self._accountant.unreadable_frames.add(number)
        copies = 2 if chance.random() < conditions.twins else 1
        for copy in range(copies):
            self._put(
                device,
                chance,
                time_ns,
                level,
                document,
                kind,
                copies=copies,
                is_regular=is_regular,
                is_same=copy > 0,
            )
            self._stream(streamed)
        self._accountant.add_alike(
            number,
            level if level in LEVELS else None,
            # A comma follows each.
            size=copies * (len(document) + 1),
            is_unreadable=is_unreadable,
        )
