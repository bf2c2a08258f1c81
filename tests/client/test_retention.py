"""Test bounding and storing the remembered logs."""

from collections import Counter
from collections.abc import Sequence
import json
from typing import Any, Final, NamedTuple

from hypothesis import given, strategies as st
import pytest

from custom_components.golioth.client.bounds import Needed
from custom_components.golioth.client.delivered import DeliveredLogs, UntrackedRange
from custom_components.golioth.client.models import LogEntry
from custom_components.golioth.client.resume_point import ClockStep, ResumePoint
from custom_components.golioth.client.retention import Retention
from custom_components.golioth.client.timestamps import SECOND
from homeassistant.helpers.json import prepare_save_json

from .logs import NOW, delivered_by, log

# The limit of the feed.
LIMIT: Final = 30_000

MAX_STORED_SIZE: Final = 256 * 1024


class Memory:
    """Remembered logs within a limit."""

    def __init__(self, limit: int = 100) -> None:
        """Start empty."""
        self.limit = limit
        self.logs = DeliveredLogs()
        self.retention = Retention(self.logs, limit)

    def stream(self, entries: Sequence[LogEntry]) -> list[LogEntry]:
        """Return the new ones of a stream's logs."""
        return delivered_by(self.logs, list(entries))

    def read(self, entries: Sequence[LogEntry]) -> list[LogEntry]:
        """Return the new logs of an answer."""
        return list(self.logs.add_read(entries))

    def apply(
        self,
        settled: int,
        now: int | None,
        streamed: Sequence[tuple[int, int]] = (),
        *,
        verified: int | None = None,
    ) -> None:
        """Apply the limit; `verified` defaults to `settled`."""
        self.retention.apply(
            Needed(
                settled=settled,
                verified=settled if verified is None else verified,
                now=now,
                streamed=streamed,
            )
        )

    def stored(self) -> Any:
        """Return the stored state."""
        return json.loads(json.dumps(self.retention.freeze()()))

    def restarted(self) -> Memory:
        """Return the state after a restart."""
        again = Memory(self.limit)
        again.retention.restore(self.stored())
        return again

    @property
    def accounted(self) -> int:
        """Return how many logs are known, or counted in ranges."""
        return self.logs.count(0, 10**11) + sum(
            each.number or 0 for each in self.logs.untracked
        )


def stored_size(retention: Retention) -> int:
    """Return the size of Home Assistant's file in bytes."""
    # The maximum number of clock steps.
    steps = [ClockStep(-((NOW + each) * 10**9), NOW * 10**9) for each in range(10)]
    resume_point = ResumePoint((NOW + 1) * 10**9 - 1, retention.freeze(), steps)
    _mode, content = prepare_save_json(
        {
            "version": 1,
            "minor_version": 1,
            "key": "golioth.01K7ZV1S3X1W8B4T6D2Q9N5R0C",
            "data": resume_point.as_dict(),
        }
    )
    return len(content)


# The storage


@given(
    texts=st.lists(st.sampled_from("abc"), max_size=12),
    seconds=st.lists(st.integers(-5, 5), min_size=12, max_size=12),
)
def test_storage(texts: list[str], seconds: list[int]) -> None:
    """Stored logs are known after a restart."""
    entries = [
        log(text, NOW + second) for text, second in zip(texts, seconds, strict=False)
    ]
    memory = Memory()
    memory.logs.raise_floor(NOW - 10)
    memory.stream(entries)
    again = memory.restarted()
    assert again.logs.floor == NOW - 10
    assert not again.read(entries)
    assert again.logs.count(NOW - 10, NOW + 10) == again.logs.size == len(entries)
    assert len(again.read([*entries, log("new")])) == 1


def test_what_is_stored_while_logs_come() -> None:
    """Storing takes the state at the call of `freeze`.

    Later logs are not stored, and logs forgotten later are.
    """
    memory = Memory()
    before = [log("a", NOW), log("b", NOW + 1)]
    memory.stream(before)
    as_dict = memory.retention.freeze()
    after = [log("c", NOW + 1), log("d", NOW + 2)]
    memory.stream(after)
    memory.logs.write()
    memory.logs.raise_floor(NOW + 1)
    again = Memory()
    again.retention.restore(json.loads(json.dumps(as_dict())))
    assert again.read([*before, *after]) == after
    # The running state is unchanged.
    assert not memory.read([*before, *after])


def test_untracked_ranges_are_stored() -> None:
    """Untracked ranges and their numbers are stored."""
    memory = Memory()
    entries = [log("a", NOW + second) for second in range(20)]
    memory.stream(entries)
    memory.logs.untrack(NOW + 5, NOW + 15)
    again = memory.restarted()
    assert again.logs.untracked == [UntrackedRange(NOW + 5, NOW + 15, 10)]
    assert not again.read(entries)
    assert again.stored() == memory.stored()
    assert again.read([log("b", NOW + 4), log("b", NOW + 5)]) == [log("b", NOW + 4)]


def test_storage_of_an_earlier_release() -> None:
    """Stored ranges without numbers are accepted as unknown."""
    memory = Memory()
    memory.stream([log("a", NOW), log("a", NOW + 30)])
    stored = memory.stored()
    stored["holes"] = [[NOW + 10, NOW + 20], [NOW + 22, NOW + 25]]
    del stored["hole_counts"], stored["forgotten_before"]
    again = Memory()
    again.retention.restore(stored)
    assert again.logs.untracked == [
        UntrackedRange(NOW + 10, NOW + 20, None),
        UntrackedRange(NOW + 22, NOW + 25, None),
    ]
    assert not again.read([log("a", NOW), log("b", NOW + 15), log("a", NOW + 30)])
    # They are stored as such from now on.
    assert again.restarted().logs.untracked == again.logs.untracked


def test_storage_is_understood_by_an_earlier_release() -> None:
    """An earlier release can read the storage."""
    memory = Memory()
    memory.logs.raise_floor(NOW)
    memory.stream([log("a", NOW + second) for second in range(20)])
    memory.logs.untrack(NOW + 5, NOW + 15)
    stored = memory.stored()
    assert stored["floor"] == NOW
    assert stored["holes"] == [[NOW + 5, NOW + 15]]
    assert list(stored["seconds"]) == [str(n) for n in (*range(5), *range(15, 20))]
    assert {len(digests) for digests in stored["seconds"].values()} == {8}


def test_long_gap_before_what_was_streamed() -> None:
    """A long unread gap is delivered after a restart."""
    memory = Memory()
    memory.logs.raise_floor(NOW)
    memory.stream([log("streamed", NOW + 50_000)])
    memory.apply(NOW, NOW + 50_000)
    gap = [log("in the gap", NOW + each) for each in (0, 39_999, 49_999)]
    again = memory.restarted()
    assert again.read(gap) == gap
    assert not again.read([log("settled", NOW - 1)])
    # Once the gap is settled, the stored floor follows.
    memory.apply(NOW + 50_000, NOW + 50_000)
    assert list(memory.stored()["seconds"]) == ["10000"]


@pytest.mark.parametrize("behind", [100, 50_000])
def test_clock_that_has_stepped_back_before_a_restart(behind: int) -> None:
    """Forgotten logs are not repeated after the clock steps back."""
    memory = Memory()
    entries = [log(str(n), NOW + n) for n in range(500)]
    memory.stream(entries)
    memory.apply(NOW + 500, NOW + 500)
    assert memory.logs.floor == memory.logs.forgotten_before == NOW + 400
    again = memory.restarted()
    again.logs.confirm_stored(NOW + 300 - behind, NOW - 60 - behind)
    again.logs.lower_floor(NOW - behind)
    assert not again.read(entries)
    assert again.read([log("new", NOW + 400)])


def test_floor_of_a_clock_that_was_ahead() -> None:
    """Logs before a floor from the future are delivered."""
    memory = Memory()
    memory.logs.raise_floor(NOW + 50_000)
    again = memory.restarted()
    again.logs.confirm_stored(NOW, NOW - 360)
    assert again.read([log("new", NOW - 300)])


def test_what_was_forgotten_years_ahead() -> None:
    """Forgotten logs from years ahead block no present ones."""
    memory = Memory()
    memory.stream([log(str(n), NOW + 10_000_000 + n) for n in range(500)])
    memory.logs.raise_floor(NOW + 10_000_400)
    again = memory.restarted()
    again.logs.confirm_stored(NOW, NOW - 360)
    assert again.read([log("new", NOW)])


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"floor": "unexpected", "holes": [], "seconds": {}},
        {"floor": None, "holes": [], "seconds": {}},
        {"floor": 0, "holes": None, "seconds": {}},
        {"floor": 0, "holes": [1], "seconds": {}},
        {"floor": 0, "holes": [[1, 2, 3]], "seconds": {}},
        {"floor": 0, "holes": [[1, 2]], "hole_counts": [1, 2], "seconds": {}},
        {"floor": 0, "holes": [[1, 2]], "hole_counts": ["x"], "seconds": {}},
        {"floor": 0, "forgotten_before": None, "holes": [], "seconds": {}},
        {"floor": 0, "holes": [], "seconds": []},
        {"floor": 0, "holes": [], "seconds": {"x": ""}},
        {"floor": 0, "holes": [], "seconds": {"1": "AAAA"}},
        {"floor": 0, "holes": [], "seconds": {"1": "%"}},
        {"floor": 0, "holes": [], "seconds": {"1": 1}},
    ],
    ids=json.dumps,
)
def test_damage(stored: Any) -> None:
    """Damaged storage is refused, and changes nothing."""
    memory = Memory()
    memory.stream([log("a")])
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        memory.retention.restore(stored)
    assert not memory.read([log("a")])
    assert memory.logs.size == 1


@pytest.mark.parametrize(
    "stored", [None, [], {}, {"time_ns": 1}, {"time_ns": "1", "delivered": {}}]
)
def test_invalid_resume_point(stored: Any) -> None:
    """An invalid resume point is None."""
    assert ResumePoint.from_dict(stored) is None


def test_resume_point() -> None:
    """A stored resume point is restored."""
    memory = Memory()
    memory.stream([log("a")])
    steps = [ClockStep(-5, 3), ClockStep(2, 7)]
    resume_point = ResumePoint(17, memory.retention.freeze(), steps)
    again = ResumePoint.from_dict(json.loads(json.dumps(resume_point.as_dict())))
    assert again is not None
    assert again.time_ns == 17
    assert again.clock_steps == [ClockStep(-5, 3), ClockStep(2, 7)]
    assert again.as_dict() == {
        "time_ns": 17,
        "clock_steps": [[-5, 3], [2, 7]],
        "delivered": memory.stored(),
    }


@pytest.mark.parametrize("steps", [None, 1, [1], [["a", 1]], [[1]], [[1, None]]])
def test_invalid_clock_steps(steps: Any) -> None:
    """Invalid clock steps are ignored."""
    stored = {"time_ns": 1, "delivered": {}, "clock_steps": steps}
    resume_point = ResumePoint.from_dict(stored)
    assert resume_point is not None
    assert resume_point.clock_steps == []


# Bounds


def test_bounds() -> None:
    """Memory is bounded, and forgotten seconds are not known."""
    memory = Memory()
    for second in range(50):
        memory.stream([log(str(n), NOW + second) for n in range(10)])
        memory.apply(NOW + second, NOW + second)
    assert memory.logs.floor == NOW + 40
    assert memory.logs.count(NOW, NOW + 50) == memory.logs.size == 100
    # These may have been delivered, so they are not delivered again.
    assert not memory.read([log("other", NOW + 39)])
    assert len(memory.read([log("other", NOW + 40)])) == 1


def test_nothing_is_forgotten_below_the_limit() -> None:
    """Logs below the limit are kept, however old."""
    memory = Memory()
    memory.stream([log(str(n), NOW - n * 10_000) for n in range(100)])
    memory.apply(NOW, NOW)
    assert memory.logs.size == 100
    assert not memory.logs.floor


def test_what_is_not_verified_is_not_given_up() -> None:
    """The floor never rises above unverified logs."""
    memory = Memory()
    memory.stream([log(str(n), NOW + n // 200) for n in range(400)])
    memory.apply(NOW + 1, NOW + 10)
    assert memory.logs.floor == NOW + 1
    assert not memory.logs.untracked
    assert len(memory.read([log("new", NOW + 1)])) == 1


def test_too_much_that_is_not_verified() -> None:
    """Too many unverified logs are untracked and counted.

    The limit is four times that of the storage. So more logs of REST can be reported.
    """
    memory = Memory()
    memory.stream([log(str(n), NOW + n // 500) for n in range(1_000)])
    memory.apply(NOW + 1, NOW + 10)
    assert memory.logs.floor == NOW + 1
    assert memory.logs.untracked == [UntrackedRange(NOW + 1, NOW + 2, 500)]
    assert not memory.read([log("new", NOW + 1)])


def test_streamed_range() -> None:
    """The middle of streamed logs after a gap is untracked.

    The rest remains to recognize early and late logs.
    """
    memory = Memory(25)
    memory.stream([log(str(n), NOW) for n in range(20)])
    for second in range(10, 60):
        memory.stream([log(str(n), NOW + second) for n in range(10)])
        memory.apply(NOW, NOW + second, [(NOW + 5, NOW + second)])
    ((start, end, number),) = memory.logs.untracked
    assert start == NOW + 12
    assert NOW + 50 <= end <= NOW + 58
    assert number == 10 * (end - start)
    assert memory.logs.size <= 100
    assert memory.logs.count(NOW, NOW + 5) == 20
    streamed = [log("1", second) for second in (start, start + 9, end - 1, end)]
    assert not memory.read([log("0", NOW), *streamed])
    new = [log("new", second) for second in (NOW + 2, start - 1, end)]
    assert memory.read([log("0", NOW), *new]) == new
    memory.logs.raise_floor(end)
    assert not memory.logs.untracked


def test_two_streamed_ranges() -> None:
    """Everything between two streams stays tracked."""
    memory = Memory(25)
    memory.stream([log(str(n), NOW + n) for n in range(500)])
    memory.apply(NOW, NOW + 500, [(NOW + 10, NOW + 200), (NOW + 220, NOW + 500)])
    assert memory.logs.untracked == [
        UntrackedRange(NOW + 23, NOW + 187, 164),
        UntrackedRange(NOW + 233, NOW + 487, 254),
    ]
    missed = [log("missed", NOW + each) for each in (9, 22, 187, 219, 232, 487)]
    streamed = [log("streamed", NOW + each) for each in (23, 186, 233, 486)]
    assert memory.read([*missed, *streamed]) == missed
    memory.logs.raise_floor(NOW + 205)
    assert memory.logs.untracked == [UntrackedRange(NOW + 233, NOW + 487, 254)]


def test_middle_of_a_long_streamed_range() -> None:
    """The middle is untracked first, where no late logs come.

    Late logs are within 5 minutes.
    """
    memory = Memory(250)
    memory.stream([log(str(n), NOW + n) for n in range(2_000)])
    memory.apply(NOW, NOW + 2_000, [(NOW + 10, NOW + 1_990)])
    assert memory.logs.untracked == [UntrackedRange(NOW + 410, NOW + 1_589, 1_179)]
    early_and_late = [log("new", NOW + each) for each in (10, 409, 1_589, 1_989)]
    assert memory.read(early_and_late) == early_and_late


def test_verified_logs_before_those_that_are_not() -> None:
    """Verified logs are forgotten before others are untracked."""
    memory = Memory()
    memory.stream([log(str(n), NOW + n) for n in range(350)])
    memory.apply(NOW + 50, NOW + 350, verified=NOW + 300)
    assert memory.logs.floor == NOW + 50
    memory.stream([log(str(n), NOW + 350 + n) for n in range(200)])
    memory.apply(NOW + 50, NOW + 550, verified=NOW + 300)
    assert memory.logs.floor == NOW + 150
    assert not memory.logs.untracked


def test_as_few_streamed_ranges_as_needed() -> None:
    """The fullest streamed range is untracked first.

    Others follow only if needed.
    """
    memory = Memory()
    memory.stream([log(str(n), NOW + n) for n in range(500)])
    memory.apply(NOW, NOW + 500, [(NOW + 10, NOW + 200), (NOW + 220, NOW + 500)])
    assert memory.logs.untracked == [UntrackedRange(NOW + 271, NOW + 449, 178)]


def test_storage_holds_less_than_memory() -> None:
    """More streamed logs are untracked in storage than memory."""
    memory = Memory()
    memory.stream([log(str(n), NOW + n) for n in range(380)])
    memory.apply(NOW, NOW + 380, [(NOW + 10, NOW + 200), (NOW + 220, NOW + 380)])
    assert not memory.logs.untracked
    again = memory.restarted()
    assert again.logs.untracked == [
        UntrackedRange(NOW + 23, NOW + 187, 164),
        UntrackedRange(NOW + 233, NOW + 367, 134),
    ]
    assert again.logs.size <= 100
    assert not again.read([log(str(n), NOW + n) for n in range(380)])
    # The running state is unchanged.
    assert not memory.logs.untracked
    assert memory.logs.size == memory.logs.count(NOW, NOW + 380) == 380


def restarted_after_a_stream(before: int) -> tuple[Memory, list[LogEntry]]:
    """Return the state after a stream and a restart.

    Args:
        before: How many logs come before the twenty of the stream.

    Returns:
        The state, and all logs.
    """
    memory = Memory()
    entries = [
        *(log(str(n), NOW + n // 10) for n in range(before)),
        *(log(str(n), NOW + 100 + n) for n in range(20)),
    ]
    memory.stream(entries)
    memory.apply(NOW, NOW + 120, [(NOW + 100, NOW + 120)])
    return memory.restarted(), entries


def test_oldest_logs_go_before_streamed_ones() -> None:
    """The oldest logs go where untracking a stream is useless."""
    again, entries = restarted_after_a_stream(150)
    assert again.logs.untracked == [UntrackedRange(NOW, NOW + 8, 80)]
    assert not again.read(entries)
    missed = [log("missed", NOW + each) for each in (8, 99, 100, 110, 119)]
    assert again.read(missed) == missed


def test_streamed_logs_are_given_up_before_others() -> None:
    """Logs before the stream are kept where possible."""
    again, _entries = restarted_after_a_stream(90)
    ((start, end, _),) = again.logs.untracked
    assert start >= NOW + 100
    assert end <= NOW + 120


def test_storage_without_a_stream() -> None:
    """Without a stream, the oldest logs are untracked."""
    memory = Memory()
    memory.stream([log(str(n), NOW + n // 10) for n in range(150)])
    memory.apply(NOW, NOW + 15)
    again = memory.restarted()
    assert again.logs.untracked == [UntrackedRange(NOW, NOW + 8, 80)]
    assert not again.read([log(str(n), NOW + n // 10) for n in range(150)])
    assert not memory.logs.untracked


def test_no_range_where_everything_was_read() -> None:
    """Without a gap, the oldest logs are forgotten."""
    memory = Memory()
    memory.stream([log(str(n), NOW + n) for n in range(500)])
    memory.apply(NOW + 490, NOW + 500, [(NOW + 10, NOW + 200), (NOW + 220, NOW + 500)])
    assert not memory.logs.untracked
    assert memory.logs.floor == NOW + 400
    assert memory.read([log("late", NOW + 400)])


def test_what_is_still_needed_is_bounded() -> None:
    """At most four times the limit is remembered."""
    memory = Memory()
    for number in range(1_000):
        memory.stream([log(str(number), NOW + number % 3)])
        memory.apply(NOW - 300, NOW)
        assert memory.logs.size <= 400
    assert memory.accounted == 1_000


def test_clocks_that_are_years_ahead() -> None:
    """Logs from years ahead displace no present ones."""
    memory = Memory()
    memory.stream([log(str(n), NOW) for n in range(50)])
    memory.stream([log(str(n), NOW + 10_000_000 + n) for n in range(5_000)])
    memory.apply(NOW - 300, NOW)
    assert memory.logs.count(NOW, NOW + 1) == 50
    assert memory.logs.count(NOW + 1, NOW + 20_000_000) <= 200
    stored = memory.restarted()
    assert stored.logs.count(NOW, NOW + 1) == 50
    assert stored.logs.count(NOW + 1, NOW + 20_000_000) <= 50
    assert len(json.dumps(memory.stored())) < 10_000


def test_clocks_that_are_an_hour_ahead() -> None:
    """Logs from an hour ahead take at most half."""
    memory = Memory()
    memory.stream([log(str(n), NOW) for n in range(40)])
    memory.stream([log(str(n), NOW + 3_600 + n) for n in range(100)])
    memory.apply(NOW - 300, NOW)
    # Memory has room for all of them.
    assert memory.logs.untracked == []
    stored = memory.restarted()
    assert stored.logs.count(NOW, NOW + 1) == 40
    assert stored.logs.untracked == [(NOW + 3_650, NOW + 3_700, 50)]
    assert not stored.read([log(str(n), NOW + 3_600 + n) for n in range(100)])
    memory.stream([log(str(n), NOW + 3_700 + n) for n in range(300)])
    memory.apply(NOW - 300, NOW)
    assert memory.logs.count(NOW, NOW + 1) == 40
    assert memory.logs.untracked == [(NOW + 3_800, NOW + 4_000, 200)]
    assert not memory.read([log(str(n), NOW + 3_700 + n) for n in range(300)])


def test_many_seconds() -> None:
    """One log in each of many seconds fits the storage."""
    memory = Memory(LIMIT)
    memory.logs.raise_floor(NOW)
    for second in range(20_000):
        memory.stream([log("a", NOW + second)])
        if not second % 500:
            memory.apply(NOW + second, NOW + second)
            assert stored_size(memory.retention) <= MAX_STORED_SIZE
    assert memory.logs.size > 5_000
    assert memory.logs.floor > NOW


# Sizes


@pytest.mark.parametrize("seconds", [1, 1_000, 10_000])
@pytest.mark.parametrize("verified", [0, NOW + 10_000])
def test_size_in_storage(seconds: int, verified: int) -> None:
    """The storage stays below 256 KiB, over any time."""
    memory = Memory(LIMIT)
    memory.logs.raise_floor(NOW)
    for number in range(3 * LIMIT):
        memory.stream([log(str(number), NOW + number * seconds // (3 * LIMIT))])
        if not number % 3_000:
            memory.apply(verified, NOW + seconds)
    memory.apply(verified, NOW + seconds)
    assert memory.logs.size <= 4 * LIMIT
    assert stored_size(memory.retention) <= MAX_STORED_SIZE


def test_size_of_many_ranges() -> None:
    """Many untracked ranges and logs fit the storage."""
    memory = Memory(LIMIT)
    memory.logs.raise_floor(NOW)
    for each in range(100):
        memory.stream([log("a", NOW + 2 * each)] * 1_000)
        memory.logs.untrack(NOW + 2 * each, NOW + 2 * each + 1)
    for number in range(LIMIT - 100):
        memory.stream([log(str(number), NOW + 200 + number % 1_036)])
    memory.apply(0, NOW + 6_000)
    assert len(memory.logs.untracked) == 100
    assert stored_size(memory.retention) <= MAX_STORED_SIZE


@pytest.mark.parametrize("ahead", [0, 3_600])
def test_size_of_what_is_needed(ahead: int) -> None:
    """Needed logs beyond the limit fit the storage.

    Many logs in few seconds, and few in many.
    """
    memory = Memory(LIMIT)
    memory.logs.raise_floor(NOW)
    memory.stream([log(str(n), NOW + ahead + n // 1_000) for n in range(31_000)])
    memory.stream([log(str(n), NOW + ahead + 31 + n // 14) for n in range(29_000)])
    memory.apply(NOW, NOW if ahead else NOW + 3_000)
    assert memory.logs.size == 60_000
    assert stored_size(memory.retention) <= MAX_STORED_SIZE
    assert memory.restarted().accounted == 60_000


def test_ranges_are_bounded() -> None:
    """The number of untracked ranges is bounded."""
    memory = Memory(3)
    for each in range(2_000):
        memory.stream([log(str(n), NOW + 10 * each) for n in range(11)])
        memory.apply(NOW, NOW + 10 * each)
    assert len(memory.logs.untracked) <= 101
    assert memory.accounted == 22_000


# Properties


class Batch(NamedTuple):
    """Logs that come together, and the needs after them."""

    start: int
    """The second of the first one, from `NOW`."""
    pace: int
    """Seconds from one to the next."""
    number: int
    is_read: bool
    """Whether they are read, and not streamed."""
    verified: int
    now: int | None
    streamed: list[tuple[int, int]]

    def entries(self, text: str) -> list[LogEntry]:
        """Return the logs."""
        return [
            log(f"{text} {n}", NOW + self.start + n * self.pace)
            for n in range(self.number)
        ]

    def apply(self, memory: Memory) -> None:
        """Apply the needs to a memory."""
        memory.apply(
            NOW + self.verified,
            None if self.now is None else NOW + self.now,
            [(NOW + start, NOW + end) for start, end in self.streamed],
        )


def _in_order(bounds: list[int]) -> list[tuple[int, int]]:
    ordered = sorted(bounds)
    return list(zip(ordered[::2], ordered[1::2], strict=False))


SECONDS = st.integers(-20, 20)
BATCHES = st.lists(
    st.builds(
        Batch,
        start=SECONDS,
        pace=st.integers(0, 3),
        number=st.integers(1, 60),
        is_read=st.booleans(),
        verified=st.integers(-30, 30),
        now=st.none() | st.sampled_from([-1_000, -410, 0, 10]),
        streamed=st.lists(SECONDS, max_size=6).map(_in_order),
    ),
    max_size=20,
)


@given(batches=BATCHES)
def test_bounds_and_repetitions(batches: list[Batch]) -> None:
    """Bounds hold, and no log is repeated.

    Undelivered logs stay new, unless they are before the floor or in an untracked
    range.
    """
    memory = Memory(10)
    delivered: Counter[str] = Counter()
    shown: list[LogEntry] = []
    for number, batch in enumerate(batches):
        entries = batch.entries(str(number))
        shown += entries
        new = memory.read(entries) if batch.is_read else memory.stream(entries)
        delivered.update(entry.message for entry in new)
        batch.apply(memory)
        assert memory.logs.size <= 40
        again = memory.restarted()
        assert again.logs.size <= 10
        assert not again.logs.count_new([e for e in shown if delivered[e.message]])
    new = memory.read(shown)
    delivered.update(entry.message for entry in new)
    assert not delivered or max(delivered.values()) == 1
    for entry in shown:
        second = (entry.timestamp_ns or 0) // SECOND
        assert delivered[entry.message] or not memory.logs.is_tracked(second)


@given(batches=BATCHES)
def test_unverified_logs_are_counted(batches: list[Batch]) -> None:
    """Unverified logs are known or counted, after restarts too."""
    memory = Memory(10)
    verified = -1_000
    sent: Counter[int] = Counter()
    for number, batch in enumerate(batches):
        entries = batch.entries(str(number))
        memory.stream(entries)
        sent.update((entry.timestamp_ns or 0) // SECOND for entry in entries)
        verified = max(verified, batch.verified)
        batch._replace(verified=verified).apply(memory)
        assert memory.logs.floor <= NOW + verified
        for each in (memory, again := memory.restarted()):
            expected = sum(
                times
                for second, times in sent.items()
                if second >= max(NOW + verified, each.logs.floor)
            )
            assert each.accounted >= expected
        assert again.accounted == memory.accounted
