"""The simulation itself: the same seed is the same run, and nothing that is missing is overlooked."""

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
    """A day takes no time, and what happens in the world happens in between."""
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
    """Its clock stands still meanwhile, and what arrived then is found afterwards."""
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
    """What never waits does not stop the clock, and is counted by the turn."""

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
    """Waiting for what can never happen ends."""

    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(DeadlockError):
        run_on(table, wait())


# The service


def test_replica() -> None:
    """It shows logs by their time, newest first, from when it may."""
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
    """What is written is read."""
    for time_ns in (EPOCH, EPOCH + 123, EPOCH - 10**18):
        assert parse_time(format_time(time_ns)) == time_ns


def test_conditions() -> None:
    """Of several faults, the last one to begin holds, in whatever order they end."""
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
    """Return one that has ten logs sent, a second apart, in a run that has started."""
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
    """Have a log sent, and return its number."""
    number = accountant.next_number
    accountant.add_sent(now, EPOCH + int((now + offset) * SECOND), 0, kind, copies)
    return number


def deliver(
    accountant: Accountant, *numbers: int, source: str = "stream", now: float = 50.0
) -> None:
    """Have logs delivered."""
    for number in numbers:
        time_ns = accountant.times_ns[number] if number < accountant.next_number else 0
        device_id = format_device_id(0)
        accountant.add_delivery(f"{number:08} text", device_id, time_ns, source, now)


def failures(accountant: Accountant) -> dict[str, int]:
    """Return what the verdict is."""
    return dict(accountant.judge(100.0).counts)


def test_all_is_well(accountant: Accountant) -> None:
    """Nothing fails where each log comes once, in order by source."""
    deliver(accountant, 0, 1, 5, 6)
    deliver(accountant, 2, 3, 4, 7, 8, 9, source="catch_up")
    assert failures(accountant) == {}


def test_lost(accountant: Accountant) -> None:
    """A log that did not come is missed."""
    deliver(accountant, *range(7), 8, 9)
    assert failures(accountant) == {"lost": 1}
    assert accountant.problems[0].number == 7


def test_said(accountant: Accountant) -> None:
    """Not where it was said, unless it could have been read."""
    deliver(accountant, *range(9))
    accountant.add_gap(EPOCH + 18 * SECOND, EPOCH + 21 * SECOND, 60.0)
    assert failures(accountant) == {}
    accountant.gaps.clear()
    accountant.add_gap(EPOCH, EPOCH + 200 * SECOND, 300.0)
    assert failures(accountant) == {"lost": 1}


def test_said_after_the_window(accountant: Accountant) -> None:
    """What lies before the catch-up window need only be said."""
    accountant.add_gap(EPOCH, EPOCH + 200 * SECOND, 300.0 + WINDOW)
    assert failures(accountant) == {}


def test_no_start(accountant: Accountant) -> None:
    """Whoever never starts is promised nothing, but is to start."""
    accountant.begin_run(50.0, Knowledge(), is_first=True)
    assert failures(accountant) == {"start": 1}


def test_unsaid(accountant: Accountant) -> None:
    """What cannot be had has to be counted."""
    deliver(accountant, *range(10))
    send(accountant, 30.0, kind=PROMISED | HARD)
    assert failures(accountant) == {"unsaid": 1}


def test_unreadable(accountant: Accountant) -> None:
    """Then it is said."""
    deliver(accountant, *range(10))
    send(accountant, 30.0, kind=PROMISED | HARD)
    accountant.add_unreadable(1, 60.0)
    assert failures(accountant) == {}


def test_unreadable_moments(accountant: Accountant) -> None:
    """That one has many does not say that others have any, nor what comes later."""
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
    """Of more logs of one moment than an answer holds, it holds as many as it can."""
    tie = [send(accountant, 30.0, kind=PROMISED | HARD) for _ in range(150)]
    accountant.add_tie(tie)
    deliver(accountant, *range(10), *tie[:number])
    accountant.add_unreadable(1, 60.0)
    assert failures(accountant) == failed


def test_alike(accountant: Accountant) -> None:
    """What differs in time and level from an unreadable log has to be had."""
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
        # Two are of one question; without a level to ask for, it is for all three.
        (600_000, 0, {"lost": 4}),
        (800_000, 1, {"lost": 3}),
        (1_100_000, 1, {"lost": 1}),
        (1_100_000, 0, {"lost": 1, "unsaid": 3}),
    ],
)
def test_alike_and_too_long(
    accountant: Accountant, size: int, said: int, expected: dict[str, int]
) -> None:
    """So has what the narrowest question for it gives in an answer that is not too long."""
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
    """A log that came too often is, whichever way it came; so is one that nobody sent."""
    twin = send(accountant, 30.0, copies=2)
    deliver(accountant, *range(10), twin, twin)
    assert failures(accountant) == {}
    deliver(accountant, 3, source="poll")
    deliver(accountant, twin, 999)
    assert failures(accountant) == {"doubled": 3}


def test_swallowed(accountant: Accountant) -> None:
    """What a stream has handed over is delivered, whether it is promised or not."""
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
    """A kill repeats what was delivered in the last seconds before it, and no more."""
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
    """What was long before a start without storage is not delivered, but shown."""
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
    """A log that one source gives after a later one is."""
    deliver(accountant, 0, 2, 1, *range(3, 10), source="poll")
    assert failures(accountant) == {"out_of_order": 1}


def test_altered(accountant: Accountant) -> None:
    """A log is of its device, and of its time, but for what REST may cut."""
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
    """Nothing that REST says excuses another order of a stream."""
    accountant.is_total_wrong = lambda since: True
    accountant.wrong_clocks.append((0.0, 100.0))
    deliver(accountant, 1, 0, source="poll")
    deliver(accountant, 3, 2, *range(4, 10))
    assert failures(accountant) == {"out_of_order": 1}
    assert accountant.problems[0].number == 2


def test_order_of_rest(accountant: Accountant) -> None:
    """It is one, whether something is read for the first time or again, but for what was given up."""
    accountant.add_gap(EPOCH + 10 * SECOND, EPOCH + 12 * SECOND, 20.0)
    deliver(accountant, 3, source="catch_up")
    deliver(accountant, 0, 2, 1, *range(4, 10), source="poll")
    assert failures(accountant) == {"out_of_order": 1}
    assert accountant.problems[0].number == 2


def test_no_order_is_promised(accountant: Accountant) -> None:
    """Not where REST cannot know the order."""
    late = send(accountant, 30.0, kind=PROMISED)
    deliver(accountant, 0, 1, late, *range(2, 10), source="poll")
    assert failures(accountant) == {}


@pytest.mark.parametrize(
    ("kind", "offset"), [(0, 0.0), (PROMISED, -40.0)], ids=["by kind", "before start"]
)
def test_unpromised(accountant: Accountant, kind: int, offset: float) -> None:
    """What is not promised may be lost, but must not come twice."""
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
def test_storm_of_an_hour_ago(
    accountant: Accountant, number: int, failed: dict[str, int]
) -> None:
    """What was stamped an hour ahead takes room when its time comes, if it is much."""
    deliver(accountant, *range(10))
    for index in range(number):
        deliver(accountant, send(accountant, 20 + index / 1_000, kind=0, offset=3600))
    late, _lost, sooner = (
        send(accountant, time, offset=-100) for time in (3720, 3721, 3722)
    )
    deliver(accountant, sooner, late, source="poll")
    assert failures(accountant) == failed


def test_storm_of_another_time(accountant: Accountant) -> None:
    """It takes no room of what is not near that time."""
    deliver(accountant, *range(10))
    for index in range(26_000):
        number = send(accountant, 20 + index / 1_000, kind=0, offset=3600)
        deliver(accountant, number)
    send(accountant, 4100, offset=-100)
    assert failures(accountant) == {"lost": 1}


def test_what_a_storage_lacks_may_repeat(accountant: Accountant) -> None:
    """But nothing that it has, in whichever run it was delivered."""
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
    """Enough of everything happens, as long as it is looked at for long enough."""
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
    """Nothing is lost on the way."""
    history = generate(3, 2.0)
    assert History.from_json(history.to_json()) == history


def test_shrink() -> None:
    """What does not matter is left out."""

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
    """The key is good again when the host wakes up, but was not when the feed ended."""
    actions = [
        Action("key_revoked", 1000.0, 300.0, 1),
        Action("sleep_reset", 1010.0, 2000.0, 2),
    ]
    result = run(replace(generate(1, 1.0), actions=actions))
    assert result.is_good, result.problems
    assert result.runs == 2


def test_rejection_for_nothing() -> None:
    """A feed that ends without an answer that says so is found, in any fault."""
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
    """Whatever the order of hashes is, and however often it runs."""
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
        # One answer holds all that an audit asks for.
        (0.05, 100, 300.0, {}),
        (0.05, 100, 90.0, {"calm": 1}),
    ],
)
def test_requests_of_a_calm_hour(
    rate: float, limit: int, interval: float, failed: dict[str, int]
) -> None:
    """An audit may read again what is in no single answer, but no oftener than agreed."""
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
    """What once failed does not fail again."""
    result = run(History.from_json(path.read_text()))
    assert result.is_good, result.problems[:3]


def test_chance_depends_on_its_seeds() -> None:
    """And on nothing else."""
    assert chance(1, "a").random() == chance(1, "a").random() != chance(1, "b").random()


@pytest.mark.parametrize("total", ["right", "late", "absent"])
@pytest.mark.parametrize("limit", [100, 50])
def test_calm_hours_take_few_requests(total: str, limit: int) -> None:
    """What an audit has seen at a glance, it does not read again."""
    history = generate(5, 3.2)
    history.actions = [Action("traffic", 0.0, 3.2 * 3600, 7, 0.2)]
    history.settings |= {
        "limit": limit,
        "tells_limit": True,
        "total": total,
        "start": 18.0,
    }
    assert not run(history).failed
