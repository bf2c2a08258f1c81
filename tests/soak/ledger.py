"""The ledger of sent and delivered logs, and its verdict."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# The key in a log's metadata that identifies it.
ID_KEY: Final = "soak"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentLog:
    """A log that the service received, or several equal ones.

    Attributes:
        number: Unique in the soak; equal logs share it.
        device_id: Golioth's ID of the device.
        sequence: Position among the logs of the device, in the order of their receipt.
        time: When the service received it, in seconds of the event loop's clock.
        indexed: When REST began to show it, on the same clock.
        timestamp: The log's own timestamp.
        copies: Number of deliveries required: as often as it was received, or 0 for a
            log from before the setup.
        promised: Whether it has to be delivered whatever goes wrong; otherwise it may
            be lost, but must not come too often.
        in_order: Whether REST gives it in the order of `sequence`: it was indexed at
            once, its timestamp is the time of its receipt, and no more logs of its
            device share this than one answer holds.
    """

    number: int
    device_id: str
    sequence: int
    time: float
    indexed: float
    timestamp: str
    copies: int = 1
    promised: bool = True
    in_order: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A log on Home Assistant's bus.

    The time is the event loop's.
    """

    number: int | None
    device_id: str
    source: str
    time: float
    session: int


@dataclass(slots=True)
class Verdict:
    """The outcome for all sent logs.

    Attributes:
        sent: Copies of logs that have to be delivered.
        delivered: Deliveries of these.
        lost: Copies that were not delivered, by their log's number.
        duplicated: Deliveries beyond the copies, by number; None for logs never sent.
        out_of_order: Deliveries that came too late, see `Ledger.verdict`.
        longest: By source, the longest time in seconds from when the source could have
            given a log until its delivery, and the number of that log.
    """

    sent: int = 0
    delivered: int = 0
    lost: Counter[int] = field(default_factory=Counter)
    duplicated: Counter[int | None] = field(default_factory=Counter)
    out_of_order: list[Delivery] = field(default_factory=list)
    longest: dict[str, tuple[float, int]] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether each log came exactly once, in order."""
        return not self.lost and not self.duplicated and not self.out_of_order


class Ledger:
    """Records sent logs, and delivered logs of all sessions."""

    def __init__(self) -> None:
        """Start empty."""
        self.sent: dict[int, SentLog] = {}
        self.deliveries: list[Delivery] = []
        self._due: Counter[int] = Counter()

    def add_sent(self, log: SentLog) -> None:
        """Record a log that the service received."""
        self.sent[log.number] = log
        if log.promised:
            self._due[log.number] = log.copies

    def add_delivery(
        self, event_data: Mapping[str, Any], *, time: float, session: int
    ) -> None:
        """Record a delivered log."""
        number = event_data["metadata"].get(ID_KEY)
        self.deliveries.append(
            Delivery(
                number=number,
                device_id=event_data["golioth_device_id"],
                source=event_data["source"],
                time=time,
                session=session,
            )
        )
        if (due := self._due.get(number, 0)) > 1:
            self._due[number] = due - 1
        elif due:
            del self._due[number]

    @property
    def due(self) -> int:
        """The number of copies that are not delivered yet."""
        return self._due.total()

    def verdict(
        self, is_fair: Callable[[float, float], bool] = lambda _start, _end: True
    ) -> Verdict:
        """Compare the delivered logs with the sent ones.

        A delivery of a device's log is out of order after one with a later `sequence`
        from the same source. In the stream this holds for every log, as they are sent
        in the order of their receipt; in REST (`poll` and `catch_up`) only for those
        that are `in_order`, as others come at another place or time. A delivery beyond
        a log's copies is a duplicate and nothing else.

        Args:
            is_fair: Returns whether the time between two moments counts for `longest`.
        """
        verdict = Verdict()
        seen: Counter[int | None] = Counter()
        latest: defaultdict[tuple[str, str], int] = defaultdict(int)
        for delivery in self.deliveries:
            sent = None if delivery.number is None else self.sent.get(delivery.number)
            seen[delivery.number] += 1
            if sent is None or seen[delivery.number] > sent.copies:
                verdict.duplicated[delivery.number] += 1
                continue
            if sent.in_order or delivery.source == "stream":
                place = (sent.device_id, delivery.source)
                if sent.sequence < latest[place]:
                    verdict.out_of_order.append(delivery)
                latest[place] = max(latest[place], sent.sequence)
            began = sent.time if delivery.source == "stream" else sent.indexed
            took = delivery.time - began
            if took > verdict.longest.get(delivery.source, (-1.0, 0))[0] and is_fair(
                began, delivery.time
            ):
                verdict.longest[delivery.source] = (took, sent.number)
        for number, sent in self.sent.items():
            if sent.promised:
                verdict.sent += sent.copies
                verdict.delivered += seen[number]
                if seen[number] < sent.copies:
                    verdict.lost[number] = sent.copies - seen[number]
        return verdict
