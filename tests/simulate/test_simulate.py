"""The simulation is deterministic and finds every failure."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
import os
from pathlib import Path
import subprocess
import sys

import pytest

from custom_components.golioth.client.exceptions import GoliothAuthenticationError

from .accountant import HARD, IN_ORDER, PROMISED, Accountant, Knowledge
from .chance import chance
from .conditions import USUAL, Conditions
from .faults import FAULTS
from .history import HISTORIES, Action, History, generate
from .host import Host, Listener, make_feed
from .loop import DOCUMENT_COST, DeadlockError, SimulatedLoop, Timetable
from .mutations import timing
from .run import run
from .shrink import shrink
from .store import (
    EPOCH,
    SECOND,
    Query,
    Replica,
    StoredLog,
    format_device_id,
    format_time,
    parse_time,
)

WINDOW = 3600.0


@pytest.fixture
def table() -> Timetable:
    """Return an empty timetable."""
    return Timetable()


def run_on[T](table: Timetable, coroutine: Coroutine[None, None, T]) -> T:
    """Run a coroutine on a simulated loop."""
    loop = SimulatedLoop(table)
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


# The loop


def test_time_passes_by_waiting(table: Timetable) -> None:
    """Waiting advances the clock; events happen in between."""
    seen: list[float] = []

    async def wait() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        table.at(100.0, lambda: seen.append(loop.time() - began))
        await asyncio.sleep(86_400)
        return loop.time() - began

    assert run_on(table, wait()) == pytest.approx(86_400)
    assert seen == pytest.approx([100.0])
    assert table.now == pytest.approx(86_400)


def test_loop_sleeps_with_its_host(table: Timetable) -> None:
    """The loop's clock stops during sleep; arrivals come after it."""
    table.at(10.0, table.sleep_host, 1000.0)

    async def wait() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        waiter = loop.create_future()
        table.at(500.0, waiter.set_result, None)
        await waiter
        woken = table.now
        await asyncio.sleep(5)
        return woken, loop.time() - began

    woken, elapsed = run_on(table, wait())
    assert woken == pytest.approx(1010.0)
    assert elapsed == pytest.approx(15.0)
    assert table.slept == pytest.approx(1000.0)


def test_work_takes_time(table: Timetable) -> None:
    """Work advances the clock, and is counted per iteration."""

    async def work() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)
        for _ in range(100):
            loop.do_work()
        await asyncio.sleep(0)
        return loop.most_work

    assert run_on(table, work()) == 100
    assert table.now == pytest.approx(100 * DOCUMENT_COST)


def test_deadlock(table: Timetable) -> None:
    """Waiting for something that never happens ends."""

    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(DeadlockError):
        run_on(table, wait())


# The service


def test_replica() -> None:
    """A replica shows due logs by their time, newest first."""
    replica = Replica(0.0)
    for number, (time, visible) in enumerate(((5, 0), (3, 0), (4, 20), (9, 0))):
        log = StoredLog(
            time, number, f"d{number % 2}", "INFO", b"%d" % number, is_regular=True
        )
        replica.add(log, 1.0, visible)
    query = Query(3, 5, None, None, None)
    assert [each.time_ns for each in replica.newest(query)] == [5, 3]
    replica.show(20)
    assert [each.time_ns for each in replica.newest(query)] == [5, 4, 3]
    assert replica.count(query) == 3
    assert replica.count(query._replace(device_id="d0")) == 2
    assert replica.count(query._replace(start_ns=4, term=b"2")) == 1


def test_times() -> None:
    """Times survive formatting and parsing."""
    for time_ns in (EPOCH, EPOCH + 123, EPOCH - 10**18):
        assert parse_time(format_time(time_ns)) == time_ns


def test_conditions() -> None:
    """The fault that began last sets a condition.

    Faults may end in any order.
    """
    conditions = Conditions()
    first = conditions.begin(rest_status=500)
    second = conditions.begin(rest_status=503)
    assert conditions.rest_status == 503
    conditions.end(second)
    assert conditions.rest_status == 500
    third = conditions.begin(late=0.5)
    was_irregular = conditions.is_irregular
    conditions.end(first)
    conditions.end(third)
    assert (was_irregular, conditions.is_irregular) == (True, False)
    assert {name: getattr(conditions, name) for name in USUAL} == USUAL


# The accountant


@pytest.fixture
def accountant() -> Accountant:
    """Return an accountant of a started run.

    Ten logs were sent, a second apart.
    """
    accountant = Accountant(catch_up_window=WINDOW)
    accountant.begin_run(0.0, Knowledge(), is_first=True)
    accountant.note_start(1.0, is_wall_wrong=False)
    for number in range(10):
        send(accountant, 10.0 + number)
    return accountant


def send(
    accountant: Accountant,
    now: float,
    *,
    kind: int = PROMISED | IN_ORDER,
    copies: int = 1,
    offset: float = 0.0,
) -> int:
    """Send a log, and return its number."""
    number = accountant.next_number
    accountant.add_sent(now, EPOCH + int((now + offset) * SECOND), 0, kind, copies)
    return number


def deliver(
    accountant: Accountant, *numbers: int, source: str = "stream", now: float = 50.0
) -> None:
    """Deliver logs."""
    for number in numbers:
        time_ns = accountant.times_ns[number] if number < accountant.next_number else 0
        device_id = format_device_id(0)
        accountant.add_delivery(f"{number:08} text", device_id, time_ns, source, now)


def failures(accountant: Accountant) -> dict[str, int]:
    """Return the verdict's failures."""
    return dict(accountant.judge(100.0).counts)


def test_no_failure(accountant: Accountant) -> None:
    """Logs that come once, in order by source, are fine."""
    deliver(accountant, 0, 1, 5, 6)
    deliver(accountant, 2, 3, 4, 7, 8, 9, source="catch_up")
    assert failures(accountant) == {}


def test_lost(accountant: Accountant) -> None:
    """A missing log is lost."""
    deliver(accountant, *range(7), 8, 9)
    assert failures(accountant) == {"lost": 1}
    assert accountant.problems[0].number == 7


def test_reported_gap(accountant: Accountant) -> None:
    """A reported log is not lost, unless it was readable."""
    deliver(accountant, *range(9))
    accountant.add_gap(EPOCH + 18 * SECOND, EPOCH + 21 * SECOND, 60.0)
    assert failures(accountant) == {}
    accountant.gaps.clear()
    accountant.add_gap(EPOCH, EPOCH + 200 * SECOND, 300.0)
    assert failures(accountant) == {"lost": 1}


def test_reported_gap_before_the_window(accountant: Accountant) -> None:
    """Before the catch-up window, logs need only be reported."""
    accountant.add_gap(EPOCH, EPOCH + 200 * SECOND, 300.0 + WINDOW)
    assert failures(accountant) == {}


def test_no_start(accountant: Accountant) -> None:
    """A feed that never starts fails only for that."""
    accountant.begin_run(50.0, Knowledge(), is_first=True)
    assert failures(accountant) == {"start": 1}


def test_unsaid(accountant: Accountant) -> None:
    """Unreadable logs have to be counted."""
    deliver(accountant, *range(10))
    send(accountant, 30.0, kind=PROMISED | HARD)
    assert failures(accountant) == {"unsaid": 1}


def test_unreadable(accountant: Accountant) -> None:
    """A counted unreadable log is no failure."""
    deliver(accountant, *range(10))
    send(accountant, 30.0, kind=PROMISED | HARD)
    accountant.add_unreadable(1, 60.0)
    assert failures(accountant) == {}


def test_unreadable_moments(accountant: Accountant) -> None:
    """Counting one moment covers no other, nor anything later."""
    deliver(accountant, *range(10))
    for _ in range(5):
        send(accountant, 30.0, kind=PROMISED | HARD)
    send(accountant, 31.0, kind=PROMISED | HARD)
    accountant.add_unreadable(300, 60.0)
    assert failures(accountant) == {"unsaid": 5}
    accountant.failed.clear()
    accountant.add_unreadable(1, 30.5)
    assert failures(accountant) == {}
    send(accountant, 70.0, kind=PROMISED | HARD)
    accountant.add_unreadable(1, 65.0)
    assert failures(accountant) == {"unsaid": 1}


@pytest.mark.parametrize(("number", "failed"), [(98, {"lost": 1}), (99, {})])
def test_tie(accountant: Accountant, number: int, failed: dict[str, int]) -> None:
    """Of a tie, one answer's worth of logs is required."""
    tie = [send(accountant, 30.0, kind=PROMISED | HARD) for _ in range(150)]
    accountant.add_tie(tie)
    deliver(accountant, *range(10), *tie[:number])
    accountant.add_unreadable(1, 60.0)
    assert failures(accountant) == failed


def test_alike(accountant: Accountant) -> None:
    """A log that differs from an unreadable one is required.

    By time or level.
    """
    deliver(accountant, *range(10))
    for time, level in ((30.0, "INFO"), (30.0, "WARN"), (31.0, "INFO"), (30.0, None)):
        number = send(accountant, time)
        accountant.add_alike(number, level, size=100, is_unreadable=False)
    unreadable = send(accountant, 30.0, kind=0)
    accountant.add_alike(unreadable, "INFO", size=100, is_unreadable=True)
    accountant.add_unreadable(1, 60.0)
    assert failures(accountant) == {"lost": 2}


@pytest.mark.parametrize(
    ("size", "said", "expected"),
    [
        # Two share a query; the one without a level is in the answer for all three.
        (600_000, 0, {"lost": 4}),
        (800_000, 1, {"lost": 3}),
        (1_100_000, 1, {"lost": 1}),
        (1_100_000, 0, {"lost": 1, "unsaid": 3}),
    ],
)
def test_alike_and_too_long(
    accountant: Accountant, size: int, said: int, expected: dict[str, int]
) -> None:
    """Logs are required if their narrowest answer is readable.

    It is unreadable if it is too long.
    """
    deliver(accountant, *range(10))
    for level in ("INFO", "INFO", "WARN", None):
        number = send(accountant, 30.0)
        # The one without a level is short.
        long = 1 if level is None else size
        accountant.add_alike(number, level, size=long, is_unreadable=False)
    for _ in range(said):
        accountant.add_unreadable(1, 60.0)
    assert failures(accountant) == expected


def test_doubled(accountant: Accountant) -> None:
    """Extra deliveries count as doubled, and so do unsent logs."""
    twin = send(accountant, 30.0, copies=2)
    deliver(accountant, *range(10), twin, twin)
    assert failures(accountant) == {}
    deliver(accountant, 3, source="poll")
    deliver(accountant, twin, 999)
    assert failures(accountant) == {"doubled": 3}


def test_swallowed(accountant: Accountant) -> None:
    """A log from a stream must be delivered, even unpromised."""
    for number in (send(accountant, 30.0, kind=0) for _ in range(4)):
        accountant.add_frame(b'{"message":"%08d text"}' % number, 30.0 + number / 10)
    deliver(accountant, *range(11))
    accountant.unreadable_frames.add(11)
    accountant.note_complete(32.25)
    assert failures(accountant) == {"swallowed": 1}
    assert accountant.problems[0].number == 12
    accountant.begin_run(32.4, Knowledge(), is_first=False)
    accountant.note_complete(40.0)
    assert failures(accountant) == {"swallowed": 1}


def test_unsaved(accountant: Accountant) -> None:
    """A kill may repeat the last seconds of deliveries only."""
    accountant.note_unsaved(20.0)
    accountant.note_unsaved(40.0)
    accountant.note_kill(35.0, 35.0)
    assert not accountant.failed
    accountant.note_kill(41.0, 41.0)
    assert accountant.failed == {"unsaved": 1}
    accountant.note_saved()
    accountant.note_kill(60.0, 60.0)
    accountant.note_unsaved(60.0)
    accountant.begin_run(61.0, Knowledge(), is_first=False)
    accountant.note_kill(90.0, 90.0)
    assert accountant.failed == {"unsaved": 1}


def test_history(accountant: Accountant) -> None:
    """Logs long before a start without storage are not delivered.

    They are history.
    """
    old, late, ahead = (send(accountant, 200.0, offset=each) for each in (0, -100, 150))
    recent = send(accountant, 290.0)
    accountant.begin_run(300.0, Knowledge(), is_first=True)
    deliver(accountant, ahead, recent, now=400.0)
    assert not accountant.failed
    deliver(accountant, old, late, source="catch_up", now=400.0)
    assert accountant.failed == {"history": 2}
    before = send(accountant, 0.0)
    accountant.begin_run(500.0, Knowledge(), is_first=False)
    deliver(accountant, recent, late, source="poll", now=600.0)
    assert accountant.failed == {"history": 2}
    accountant.begin_run(700.0, Knowledge(), is_first=True)
    accountant.begin_run(800.0, Knowledge(), is_first=False)
    deliver(accountant, before, now=900.0)
    assert accountant.failed == {"history": 3}


def test_out_of_order(accountant: Accountant) -> None:
    """An older log after a newer one breaks the order.

    In the deliveries of one source.
    """
    deliver(accountant, 0, 2, 1, *range(3, 10), source="poll")
    assert failures(accountant) == {"out_of_order": 1}


def test_altered(accountant: Accountant) -> None:
    """A delivered log has its device and its time.

    REST may cut the time to milliseconds.
    """
    time_ns = accountant.times_ns[0] + 123_456
    for number, device, time in (
        (0, 0, time_ns),
        (1, 1, time_ns + SECOND),
        (2, 0, time_ns + 3 * SECOND),
    ):
        text, device_id = f"{number:08} text", format_device_id(device)
        accountant.add_delivery(text, device_id, time, "stream", 50.0)
    assert accountant.failed == {"altered": 2}
    assert [each.number for each in accountant.problems] == [1, 2]


def test_order_of_a_stream(accountant: Accountant) -> None:
    """Nothing in REST excuses the order of a stream."""
    accountant.is_total_wrong = lambda since: True
    accountant.wrong_clocks.append((0.0, 100.0))
    deliver(accountant, 1, 0, source="poll")
    deliver(accountant, 3, 2, *range(4, 10))
    assert failures(accountant) == {"out_of_order": 1}
    assert accountant.problems[0].number == 2


def test_order_of_rest(accountant: Accountant) -> None:
    """First and repeated reads share one order.

    Except for logs that were given up.
    """
    accountant.add_gap(EPOCH + 10 * SECOND, EPOCH + 12 * SECOND, 20.0)
    deliver(accountant, 3, source="catch_up")
    deliver(accountant, 0, 2, 1, *range(4, 10), source="poll")
    assert failures(accountant) == {"out_of_order": 1}
    assert accountant.problems[0].number == 2


def test_no_order_is_promised(accountant: Accountant) -> None:
    """No order is promised where REST cannot know it."""
    late = send(accountant, 30.0, kind=PROMISED)
    deliver(accountant, 0, 1, late, *range(2, 10), source="poll")
    assert failures(accountant) == {}


@pytest.mark.parametrize(
    ("kind", "offset"), [(0, 0.0), (PROMISED, -40.0)], ids=["by kind", "before start"]
)
def test_unpromised(accountant: Accountant, kind: int, offset: float) -> None:
    """An unpromised log may be lost, but not doubled."""
    number = send(accountant, 30.0, kind=kind, offset=offset)
    deliver(accountant, *range(10))
    assert failures(accountant) == {}
    assert accountant.judge(100.0).unpromised.total() == 1
    deliver(accountant, number, number)
    assert failures(accountant) == {"doubled": 1}


@pytest.mark.parametrize(
    ("number", "failed"),
    [
        (26_000, {}),
        (8_000, {"lost": 1}),
        (7_000, {"lost": 1, "out_of_order": 1}),
    ],
    ids=["more than the memory", "more than in order", "few"],
)
def test_logs_stamped_ahead(
    accountant: Accountant, number: int, failed: dict[str, int]
) -> None:
    """Many logs stamped ahead take room when their time comes."""
    deliver(accountant, *range(10))
    for index in range(number):
        deliver(accountant, send(accountant, 20 + index / 1_000, kind=0, offset=3600))
    late, _lost, sooner = (
        send(accountant, time, offset=-100) for time in (3720, 3721, 3722)
    )
    deliver(accountant, sooner, late, source="poll")
    assert failures(accountant) == failed


def test_logs_stamped_ahead_at_other_times(accountant: Accountant) -> None:
    """Logs stamped ahead take no room at other times."""
    deliver(accountant, *range(10))
    for index in range(26_000):
        number = send(accountant, 20 + index / 1_000, kind=0, offset=3600)
        deliver(accountant, number)
    send(accountant, 4100, offset=-100)
    assert failures(accountant) == {"lost": 1}


def test_unsaved_deliveries_may_repeat(accountant: Accountant) -> None:
    """Only deliveries that the storage lacks may repeat.

    In whichever run they were.
    """
    deliver(accountant, 0, 1, now=20.0)
    stored = accountant.knowledge(21.0)
    deliver(accountant, *range(2, 10), now=25.0)
    accountant.begin_run(30.0, stored, is_first=False)
    deliver(accountant, 2, 3, now=31.0)
    assert failures(accountant) == {}
    stored = accountant.knowledge(32.0)
    accountant.begin_run(40.0, stored, is_first=False)
    deliver(accountant, 4, now=41.0)
    assert failures(accountant) == {}
    deliver(accountant, 1, now=42.0)
    deliver(accountant, 2, 4, now=43.0)
    assert failures(accountant) == {"doubled": 3}


# Histories


def test_every_kind_comes() -> None:
    """Histories have enough of every kind in the long run."""
    kinds: dict[str, int] = dict.fromkeys(FAULTS, 0)
    stormy = 0.0
    for seed in range(100):
        history = generate(seed, 20.0)
        for action in history.actions:
            if action.kind == "traffic":
                stormy += action.duration * (action.rate >= 200)
            else:
                kinds[action.kind] += 1
    assert min(kinds.values()) >= 55, kinds
    assert sum(kinds.values()) >= 5.5 * 2000
    assert stormy >= 0.011 * 2000 * 3600


def test_history_is_written_and_read() -> None:
    """A history survives writing and reading."""
    history = generate(3, 2.0)
    assert History.from_json(history.to_json()) == history


def test_shrink() -> None:
    """Shrinking removes the actions that do not matter."""

    def fails(history: History) -> float | None:
        kinds = [each.kind for each in history.actions]
        return 4000.0 if "mute" in kinds and "reload" in kinds else None

    actions = [Action(kind, 60.0 * place, 30.0, 1) for place, kind in enumerate(FAULTS)]
    history = replace(generate(1, 20.0), actions=actions)
    shortest = shrink(history, fails, seconds=20)
    assert sorted(each.kind for each in shortest.actions) == ["mute", "reload"]
    assert shortest.hours < 2


# The credential


def test_rejection_before_a_sleep() -> None:
    """A rejection counts even if the key works after sleep.

    It was revoked when the feed ended.
    """
    actions = [
        Action("key_revoked", 1000.0, 300.0, 1),
        Action("sleep_reset", 1010.0, 2000.0, 2),
    ]
    result = run(replace(generate(1, 1.0), actions=actions))
    assert result.is_good, result.problems
    assert result.runs == 2


def test_unfounded_rejection() -> None:
    """A rejection that no answer has caused is found.

    In any fault.
    """
    actions = [
        Action("traffic", 0.0, 1200.0, 1, 0.1),
        Action("retired_rejected", 1000.0, 300.0, 2),
    ]
    history = replace(generate(1, 0.5), actions=actions)
    assert run(history).is_good

    def make(host: Host, listener: Listener, resume_point: object) -> object:
        feed = make_feed(host, listener, resume_point)

        async def believe_the_stream() -> bool:
            raise GoliothAuthenticationError("The log stream rejects the credential")

        feed._live._is_accepted = believe_the_stream
        return feed

    assert run(history, feed=make).failed["rejected"]


# The whole


def test_same_seed_is_the_same_run() -> None:
    """One seed gives the same run under any hash seed."""
    program = (
        "from tests.simulate.alone import import_client_alone; import_client_alone();"
        "from tests.simulate.history import generate; from tests.simulate.run import run;"
        "print(run(generate(5, 1.0)).fingerprint)"
    )
    found = {
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1")
    }
    assert found == {run(generate(5, 1.0)).fingerprint + "\n"}


@pytest.mark.parametrize(
    ("rate", "limit", "interval", "failed"),
    [
        (0.2, 30, 300.0, {}),
        (0.2, 30, 120.0, {"calm": 1}),
        # One answer holds all logs of an audit.
        (0.05, 100, 300.0, {}),
        (0.05, 100, 90.0, {"calm": 1}),
    ],
)
def test_requests_of_a_calm_hour(
    rate: float, limit: int, interval: float, failed: dict[str, int]
) -> None:
    """An audit may read more, but not more often.

    More logs than one answer holds have to be read again.
    """
    history = generate(1, 2.0)
    settings = {"limit": limit, "tells_limit": True, "total": "absent", "start": 10.0}
    actions = [Action("traffic", 0.0, 7200.0, 1, rate)]
    history = replace(history, settings=history.settings | settings, actions=actions)
    with timing(audit_interval=interval):
        assert run(history).failed == failed


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "path", sorted(HISTORIES.glob("*.json")), ids=lambda path: path.stem
)
def test_kept_history(path: Path) -> None:
    """A history that failed once does not fail again."""
    result = run(History.from_json(path.read_text()))
    assert result.is_good, result.problems[:3]


def test_chance_depends_on_its_seeds() -> None:
    """Random numbers depend on their seeds only."""
    assert chance(1, "a").random() == chance(1, "a").random() != chance(1, "b").random()


@pytest.mark.parametrize("total", ["right", "late", "absent"])
@pytest.mark.parametrize("limit", [100, 50])
def test_calm_hours_take_few_requests(total: str, limit: int) -> None:
    """An audit does not read again what one answer shows."""
    history = generate(5, 3.2)
    history.actions = [Action("traffic", 0.0, 3.2 * 3600, 7, 0.2)]
    history.settings |= {
        "limit": limit,
        "tells_limit": True,
        "total": total,
        "start": 18.0,
    }
    assert not run(history).failed
