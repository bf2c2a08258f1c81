"""The soak detects failures, and its faults are as described."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
import time
from typing import Any

import pytest

from custom_components.golioth.client import timestamps
from homeassistant.util import dt as dt_util
from tests.simulator import GoliothSimulator, Retirement

from .clock import WallClock, true_time_ns
from .faults import FAULTS, Part
from .ledger import ID_KEY, Ledger, SentLog, Verdict
from .schedule import plan
from .traffic import Traffic

DEVICE = "device"


def verdict(
    sent: Sequence[SentLog], delivered: Sequence[tuple[int | None, str]]
) -> Verdict:
    """Return the verdict on sent and delivered logs.

    Deliveries are given by number and source.
    """
    ledger = Ledger()
    for log in sent:
        ledger.add_sent(log)
    for moment, (number, source) in enumerate(delivered):
        metadata = {} if number is None else {ID_KEY: number}
        data = {"metadata": metadata, "golioth_device_id": DEVICE, "source": source}
        ledger.add_delivery(data, time=moment, session=1)
    assert ledger.due == ledger.verdict().lost.total()
    return ledger.verdict()


def log(number: int, **values: Any) -> SentLog:
    """Return a sent log with defaults for its number."""
    defaults = {
        "number": number,
        "device_id": DEVICE,
        "sequence": number,
        "time": 0.0,
        "indexed": 0.0,
        "timestamp": "",
    }
    return SentLog(**{**defaults, **values})


def test_exactly_once_is_good() -> None:
    """Logs that come once and in order are good.

    Equal logs come as often as they were sent. The order counts by source.
    """
    found = verdict(
        [log(1), log(2, copies=2), log(3), log(4)],
        [(1, "stream"), (4, "stream"), (2, "catch_up"), (2, "catch_up"), (3, "poll")],
    )
    assert found.is_good
    assert (found.sent, found.delivered) == (5, 5)


def test_lost_log_is_seen() -> None:
    """A missing log or copy is lost."""
    found = verdict([log(1), log(2, copies=2), log(3)], [(2, "stream"), (3, "stream")])
    assert found.lost == {1: 1, 2: 1}
    assert not found.is_good


def test_duplicate_is_seen() -> None:
    """An extra delivery is duplicated, but not out of order.

    Whichever source it has.
    """
    found = verdict(
        [log(1), log(2), log(3, copies=2)],
        [(1, "stream"), (2, "stream"), (1, "stream"), *[(3, "catch_up")] * 3],
    )
    assert found.duplicated == {1: 1, 3: 1}
    assert not found.out_of_order
    assert not found.is_good


@pytest.mark.parametrize("number", [None, 2, 3])
def test_unexpected_log_is_seen(number: int | None) -> None:
    """Unsent logs and logs from before the setup are duplicates."""
    found = verdict([log(1), log(2, copies=0)], [(1, "stream"), (number, "stream")])
    assert found.duplicated == {number: 1}


def test_unpromised_log() -> None:
    """An unpromised log may be lost, but not doubled."""
    sent = [log(1, promised=False)]
    assert verdict(sent, []).is_good
    assert verdict(sent, [(1, "stream")]).is_good
    assert verdict(sent, [(1, "stream"), (1, "poll")]).duplicated == {1: 1}


@pytest.mark.parametrize("source", ["stream", "poll", "catch_up"])
def test_wrong_order_is_seen(source: str) -> None:
    """An older log after a newer one breaks the order.

    In the deliveries of one source.
    """
    found = verdict(
        [log(1), log(2), log(3)], [(number, source) for number in (2, 1, 3)]
    )
    assert [each.number for each in found.out_of_order] == [1]
    assert not found.is_good


def test_order_counts_by_device_and_source() -> None:
    """Devices and sources may overtake each other."""
    other = log(3, device_id="other", sequence=1)
    sent = [log(1), log(2), other, log(4)]
    delivered = [(4, "stream"), (2, "catch_up"), (3, "catch_up"), (1, "poll")]
    assert verdict(sent, delivered).is_good


def test_order_of_logs_that_rest_cannot_order() -> None:
    """Logs that REST cannot order have their order streamed only."""
    sent = [log(1), log(2, in_order=False), log(3)]
    assert verdict(sent, [(1, "poll"), (3, "poll"), (2, "poll")]).is_good
    late = [(1, "stream"), (3, "stream"), (2, "stream")]
    assert len(verdict(sent, late).out_of_order) == 1


def test_longest_time_to_delivery() -> None:
    """The time begins when the source could give the log."""
    sent = [log(1, indexed=2.5), log(2), log(3, indexed=2.5)]
    delivered = [(2, "stream"), (2, "poll"), (3, "poll"), (1, "stream")]
    assert verdict(sent, delivered).longest == {"stream": (3, 1), "poll": (-0.5, 3)}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("seconds", [60, 120, 600])
def test_plan(seconds: float, seed: int) -> None:
    """Every kind comes in time, and none disturbs another."""
    planned = plan(seconds, seed, FAULTS)
    assert planned == plan(seconds, seed, FAULTS)
    assert planned != plan(seconds, seed + 1, FAULTS)
    assert all(0 < each.start < each.end <= seconds for each in planned)
    for one, other in combinations(planned, 2):
        if one.fault.parts & other.fault.parts:
            assert one.end <= other.start
    if seconds >= 120:
        kinds = Counter(each.fault.name for each in planned)
        assert kinds.keys() == {fault.name for fault in FAULTS}
    assert any(
        one.end > other.start
        for one, other in combinations(planned, 2)
        if one.fault.breaks and other.fault.breaks
    )


def test_kinds() -> None:
    """Kinds have unique names, and cover every form of retirement."""
    names = {fault.name for fault in FAULTS}
    assert len(names) == len(FAULTS)
    assert names >= {f"retired_{form.name.lower()}" for form in Retirement}
    assert {part for fault in FAULTS for part in fault.parts} == set(Part)


def test_clock_shift_is_limited_to_home_assistant() -> None:
    """Home Assistant sees the shifted clock, the service does not.

    Datetimes that the integration makes are plain ones.
    """
    before = datetime.now(UTC)
    utcnow, hour = dt_util.utcnow, timedelta(hours=1)
    clock = WallClock()
    with clock.installed():
        clock.offset = hour.total_seconds()
        seen = (
            dt_util.utcnow(),
            dt_util.now(),
            timestamps.datetime.now(UTC),
            datetime.fromtimestamp(time.time(), UTC),
            datetime.fromtimestamp(time.time_ns() / 1e9, UTC),
        )
        assert all(before < moment - hour < datetime.now(UTC) for moment in seen)
        assert before.timestamp() * 1e9 < true_time_ns() < time.time_ns() - 3.5e12
        parsed = timestamps.datetime.fromisoformat("2026-01-01T00:00:00+00:00")
        assert type(parsed) is datetime
        assert isinstance(before, timestamps.datetime)
    assert timestamps.datetime is datetime
    assert dt_util.utcnow is utcnow
    assert abs(time.time() - before.timestamp()) < 60


async def test_traffic_is_what_the_ledger_says() -> None:
    """The service has the logs of the ledger.

    Twins come twice, and late logs late.
    """
    simulator = GoliothSimulator()
    ledger = Ledger()
    traffic = Traffic(
        simulator, ledger, rate=1, seed=1, longest_lateness=100, longest_indexing=0
    )
    traffic.send_history(3)
    traffic.send_burst(10)
    traffic.twins = traffic.late = 1.0
    traffic.send_burst(10)
    traffic.twins = traffic.late = 0.0
    traffic.strange = 1.0
    traffic.send_burst(5)
    traffic.strange = 0.0
    traffic.send_tie(200)
    traffic.send_tie(50, traffic.choose_device())
    promised = [each for each in ledger.sent.values() if each.promised]
    assert sum(each.copies for each in promised) == ledger.due == 10 + 20 + 5 + 250
    assert len(ledger.sent) == 3 + 10 + 10 + 10 + 250
    assert len({each.timestamp for each in promised if each.in_order}) == 10 + 5 + 1
    assert sum(not each.in_order for each in promised) == 10 + 50
    for device_id in simulator.devices:
        sequences = [
            each.sequence
            for each in ledger.sent.values()
            if each.device_id == device_id
        ]
        assert sequences == list(range(1, len(sequences) + 1))
