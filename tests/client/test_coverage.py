"""Test the account of what was surely delivered."""

from dataclasses import dataclass
from itertools import pairwise
import json
from typing import Any, Final, override

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
import pytest

from custom_components.golioth.client.bounds import Needed
from custom_components.golioth.client.coverage import Coverage, Streamed
from custom_components.golioth.client.delivered import DeliveredLogs
from custom_components.golioth.client.lost_logs import divide
from custom_components.golioth.client.models import LogEntry
from custom_components.golioth.client.retention import Retention
from custom_components.golioth.client.timestamps import SECOND

from .logs import NOW, log

# The feed's defaults, in seconds.
MARGIN: Final = 360
DEVICE_MARGIN: Final = 300
INDEX_MARGIN: Final = 60
GRACE: Final = 10


def at(second: float) -> int:
    """Return a time relative to `NOW`, in nanoseconds."""
    return int((NOW + second) * SECOND)


def settled_since_now(coverage: Coverage) -> float:
    """Return the settled time, in seconds from `NOW`."""
    assert coverage.settled is not None
    return coverage.settled / SECOND - NOW


def begun(second: float = 0) -> Coverage:
    """Return the account of a feed started at a second."""
    coverage = Coverage(MARGIN)
    coverage.begin(at(second))
    coverage.step(at(second), 0)
    return coverage


# The events of the module's table


def test_before_the_first_start() -> None:
    """Nothing is settled before the first start."""
    coverage = Coverage(MARGIN)
    assert coverage.settled is None
    assert coverage.resume_time is None


def test_first_start() -> None:
    """The first start settles until the margin before it."""
    coverage = begun()
    assert settled_since_now(coverage) == -MARGIN
    assert coverage.start_of_read() == at(-MARGIN)
    assert coverage.verified == at(0)


def test_slices() -> None:
    """Slices settle to their end, but not into the margin."""
    coverage = begun()
    assert coverage.settle(at(-100), at(1_000))
    assert settled_since_now(coverage) == -100
    assert not coverage.settle(at(-200), at(1_000))
    assert not coverage.settle(at(-100), at(2_000))
    assert coverage.settle(at(900), at(1_000))
    assert settled_since_now(coverage) == 1_000 - MARGIN
    assert coverage.start_of_read() == at(1_000 - MARGIN)
    # Settled times are verified, too.
    assert coverage.verified == coverage.settled


def test_everything() -> None:
    """A complete read settles to the margin before it."""
    coverage = begun()
    assert coverage.settle(coverage.end_of_read(at(500.5)), at(500.5))
    coverage.verify(at(500.5))
    assert settled_since_now(coverage) == 500 - MARGIN
    assert coverage.verified == at(500.5)


def test_count() -> None:
    """Counting verifies, but settles nothing."""
    coverage = begun()
    coverage.add_streamed(at(10), at(20))
    assert not coverage.settle(0, at(500))
    coverage.verify(at(500))
    assert settled_since_now(coverage) == -MARGIN
    assert coverage.verified == at(500)
    assert not coverage.streamed


@pytest.mark.parametrize(("second", "needs"), [(119, False), (120, False), (121, True)])
def test_worth_a_request(second: int, needs: bool) -> None:
    """The settled time may lag by two minutes plus margin."""
    assert begun().needs_settling(at(second)) is needs


def test_stream() -> None:
    """A stream settles nothing; its span is kept until verified."""
    coverage = begun()
    coverage.add_streamed(at(10), at(20))
    coverage.add_streamed(at(30), at(30))
    coverage.add_streamed(at(40), at(50))
    assert settled_since_now(coverage) == -MARGIN
    assert list(coverage.streamed) == [
        Streamed(at(10), at(20)),
        Streamed(at(40), at(50)),
    ]
    coverage.verify(at(45))
    assert list(coverage.streamed) == [Streamed(at(40), at(50))]


def test_streams_are_bounded() -> None:
    """The spans of an unstable stream take bounded memory."""
    coverage = begun()
    for number in range(5_000):
        coverage.add_streamed(at(2 * number), at(2 * number + 1))
    assert len(coverage.streamed) <= 1_000
    coverage.verify(at(2))
    for number in range(5_000):
        coverage.add_streamed(at(2 * number), at(2 * number + 1))
    assert len(coverage.streamed) <= 1_000


@pytest.mark.parametrize(
    ("second", "window", "lost_before"),
    [
        (3_600, 3_600, None),
        (3_601, 3_600, 1),
        (100_000, 3_600, 96_400),
        (100_000.7, 3_600, 96_400),
        # The margin was read before the start, and is read again anyway.
        (300, 0, None),
        (361, 0, 1),
        (1_000, 0, 640),
    ],
)
def test_window(second: float, window: float, lost_before: int | None) -> None:
    """Logs before the window are lost, except within the margin."""
    found = begun().lost_before(at(second), window)
    assert found == (None if lost_before is None else at(lost_before))


def test_give_up() -> None:
    """Reported spans are settled."""
    coverage = begun()
    coverage.give_up(at(5_000))
    assert settled_since_now(coverage) == 5_000
    assert coverage.verified == at(5_000)
    assert coverage.lost_before(at(8_600), 3_600) is None


@pytest.mark.parametrize("offset", [-60, -1, 0, 1, 60])
def test_clock_that_is_a_little_off(offset: int) -> None:
    """A difference of a minute is no step."""
    coverage = begun()
    assert not coverage.step(at(1_000 + offset), offset * SECOND)
    assert settled_since_now(coverage) == -MARGIN


@pytest.mark.parametrize("drift", [-0.1, 0.1])
def test_clocks_that_drift_apart(drift: float) -> None:
    """Slow drift between clocks is no step."""
    coverage = begun()
    seconds = range(0, 1_000_000, 300)
    for second in seconds:
        offset = int(second * drift / 300 * SECOND)
        assert not coverage.step(at(second) + offset, offset)
        coverage.settle(at(second), at(second) + offset)
    last = seconds[-1] * (1 + drift / 300)
    assert settled_since_now(coverage) >= last - MARGIN - 1


@pytest.mark.parametrize("offset", [-10, -1, 0, 1, 60])
def test_clock_that_steps_forward_and_back(offset: int) -> None:
    """A right clock restores the settled time of before."""
    coverage = begun()
    coverage.settle(at(1_000), at(500))
    assert not coverage.step(at(510 + 7_200), 7_200 * SECOND)
    assert coverage.settle(at(10_000), at(510 + 7_200))
    assert settled_since_now(coverage) == 510 + 7_200 - MARGIN
    assert coverage.step(at(600 + offset), offset * SECOND)
    assert settled_since_now(coverage) == 500 - MARGIN
    assert coverage.verified == coverage.settled
    assert not coverage.step(at(610 + offset), offset * SECOND)


def test_clock_that_steps_back_in_parts() -> None:
    """Several steps back restore the right settled time."""
    coverage = begun()
    coverage.settle(at(1_000), at(500))
    for elapsed, offset in ((510, 3_600), (520, 7_200), (530, 5_400), (540, 1_800)):
        coverage.step(at(elapsed + offset), offset * SECOND)
        coverage.settle(at(100_000), at(elapsed + offset))
    assert coverage.step(at(550), 0)
    assert settled_since_now(coverage) == 500 - MARGIN


def test_clock_that_was_right_and_steps_back() -> None:
    """A step back without one forward resets to the start.

    Which of the times was right is unknown.
    """
    coverage = begun()
    coverage.settle(at(1_000), at(1_000))
    assert coverage.step(at(1_000 - 500), -500 * SECOND)
    assert settled_since_now(coverage) == -MARGIN
    coverage.settle(at(2_000), at(1_010 - 500))
    # After a step forward, it goes on from there.
    assert not coverage.step(at(1_020), 0)
    assert settled_since_now(coverage) == 510 - MARGIN


def test_clock_that_steps_back_after_a_sleep() -> None:
    """The time of a host's sleep is read again."""
    coverage = begun()
    coverage.settle(at(10_000), at(500))
    assert coverage.step(at(1_500 - 3_600), -3_600 * SECOND)
    assert settled_since_now(coverage) == 500 - 3_600 - MARGIN


def test_clock_that_steps_back_before_anything_is_settled() -> None:
    """What the right clock settled remains settled."""
    coverage = begun()
    coverage.settle(at(10_000), at(500))
    assert not coverage.step(at(510 + 7_200), 7_200 * SECOND)
    assert coverage.step(at(600), 0)
    assert settled_since_now(coverage) == 500 - MARGIN


def test_stored_time_from_the_future() -> None:
    """A stored time from the future is corrected."""
    coverage = Coverage(MARGIN)
    coverage.resume(at(86_400))
    assert coverage.step(at(0), 0)
    assert settled_since_now(coverage) == -MARGIN


def test_restart() -> None:
    """A restart goes on from the stored time."""
    coverage = begun()
    coverage.settle(at(900), at(1_000))
    assert coverage.resume_time is not None
    again = Coverage(MARGIN)
    again.resume(coverage.resume_time)
    assert again.settled == coverage.settled
    assert not again.step(at(2_000), 17)
    assert again.settled == coverage.settled


def test_restart_while_the_clock_is_wrong() -> None:
    """A restart does not hide that the clock was wrong."""
    coverage = begun()
    coverage.settle(at(1_000), at(500))
    coverage.step(at(510 + 3_600), 3_600 * SECOND)
    coverage.settle(at(10_000), at(510 + 3_600))
    assert coverage.resume_time is not None
    # The elapsed clock restarts 700 s later.
    again = Coverage(MARGIN)
    again.resume(coverage.resume_time, coverage.steps_by(0), 700 * SECOND)
    assert settled_since_now(again) == 510 + 3_600 - MARGIN
    assert again.step(at(5_000), 700 * SECOND)
    assert settled_since_now(again) == 500 - MARGIN


# Comparison with a model that remembers everything


@dataclass
class Sent:
    """A log sent by a device.

    Attributes:
        entry: The log.
        received: The second in which the service received it.
        visible: The second from which REST shows it.
        is_promised: Whether it has to be delivered, or reported as missing.
        times: How often it was delivered.
        may_repeat: How often it may repeat, because its delivery was not stored.
    """

    entry: LogEntry
    received: int
    visible: int
    is_promised: bool
    times: int = 0
    may_repeat: int = 0

    @property
    def time_ns(self) -> int:
        """Return its timestamp in nanoseconds."""
        assert self.entry.timestamp_ns is not None
        return self.entry.timestamp_ns


class Feed:
    """A model of the feed without waits, requests and failures.

    It works like `gap_filler`, but looks directly at the service. Times are in seconds
    of the model.
    """

    def __init__(self, service: Service, *, limit: int, window: int) -> None:
        """Initialize for the very first start."""
        self._service = service
        self._window = window
        self.logs = DeliveredLogs()
        self.retention = Retention(self.logs, limit)
        self.coverage = Coverage(MARGIN)
        self.stream_since: int | None = None
        self.streamed_at = 0
        self._is_first = True
        self._seen = -1
        self._seen_at = 0

    def restore(self, stored: Any) -> None:
        """Restore a stored state."""
        self.coverage.resume(
            stored["time_ns"], stored["clock_steps"], self._service.wall_ahead
        )
        self.retention.restore(stored["delivered"])

    def stored(self) -> Any:
        """Return the state to store; None before the first start."""
        if self.coverage.resume_time is None:
            return None
        self.forget()
        return {
            "time_ns": self.coverage.resume_time,
            "clock_steps": self.coverage.steps_by(self._service.wall_ahead),
            "delivered": json.loads(json.dumps(self.retention.freeze()())),
        }

    def close_stream(self) -> None:
        """Account for the stream that ended."""
        if (span := self._streamed()) is not None:
            self.coverage.add_streamed(*span)
        self.stream_since = None

    def stream(self, sent: Sent) -> None:
        """Receive a log of the stream."""
        self.streamed_at = self._service.now
        if self.logs.add_streamed(sent.entry):
            sent.times += 1

    def read(
        self, widths: list[int], fail_at: int, cap: int, *, by_count: bool
    ) -> bool:
        """Read what REST shows; return whether the read finished.

        Args:
            widths: Seconds of the slices, alternating.
            fail_at: The slice at which the read fails.
            cap: Logs that an answer holds at most.
            by_count: Whether only the newest logs are read where counts agree.
        """
        now = self._service.shown_now
        self._service.latest = max(self._service.latest, now)
        coverage = self.coverage
        if coverage.settled is None:
            self._begin(now)
            return True
        self._note_clock(now)
        self._give_up_lost(now, cap)
        start = max(coverage.start_of_read(), self.logs.floor * SECOND)
        end = coverage.end_of_read(now)
        untracked = [
            each
            for each in self.logs.untracked
            if each.start * SECOND < end and start < each.end * SECOND
        ]
        if not untracked and by_count and self._glance(start, end, cap):
            is_sure = self._is_quiet()
            if is_sure or not coverage.needs_settling(now):
                coverage.settle(coverage.settled_at(now) if is_sure else 0, now)
                coverage.verify(now)
                return True
        is_settling = True
        for part_start, part_end, known in divide(start, end, untracked):
            if known is None:
                position = part_start
                while position < part_end:
                    if not fail_at:
                        return False
                    fail_at -= 1
                    width = widths[fail_at % len(widths)] * SECOND
                    to = min(position + width, part_end)
                    self._deliver(position, to)
                    position = to
                    if is_settling:
                        coverage.settle(position, now)
            elif is_settling and known.end * SECOND <= coverage.settled_at(now):
                self._check(known)
                coverage.settle(part_end, now)
            else:
                is_settling = False
        coverage.settle(end if is_settling else 0, now)
        coverage.verify(now)
        return True

    def forget(self) -> None:
        """Keep the remembered logs within their bounds."""
        floor = self.logs.floor
        spans: list[tuple[int, int]] = list(self.coverage.streamed)
        if (span := self._streamed()) is not None:
            spans.append(span)
        self.retention.apply(
            Needed(
                settled=(self.coverage.settled or 0) // SECOND,
                verified=self.coverage.verified // SECOND,
                now=self._service.latest // SECOND,
                streamed=[(-(-start // SECOND), end // SECOND) for start, end in spans],
            )
        )
        if self.logs.floor > floor:
            self._service.note_forgotten(self.logs.floor, self.coverage.verified)

    def _streamed(self) -> tuple[int, int] | None:
        if self.stream_since is None:
            return None
        service = self._service
        open_for = service.now - self.stream_since
        opened = service.shown_now - open_for * SECOND + SECOND
        silence = service.now - self.streamed_at
        return (
            max(self.coverage.verified, opened + GRACE * SECOND),
            service.shown_now - silence * SECOND,
        )

    def _is_quiet(self) -> bool:
        now, delivered = self._service.now, self._service.delivered
        if delivered != self._seen:
            self._seen, self._seen_at = delivered, now
        return now - self._seen_at > MARGIN / 6

    def _begin(self, now: int) -> None:
        coverage, service = self.coverage, self._service
        window = service.shown()[-100:]
        coverage.begin(now)
        self._note_clock(now)
        floor = coverage.start_of_read() // SECOND
        if len(window) >= 100:
            floor = max(floor, window[0].time_ns // SECOND + 1)
        self.logs.raise_floor(min(floor, now // SECOND))
        self.logs.add_history([sent.entry for sent in window])
        service.note_begin()

    def _note_clock(self, now: int) -> None:
        coverage = self.coverage
        is_back = coverage.step(now, now - self._service.elapsed * SECOND)
        read_from = coverage.start_of_read() // SECOND
        if self._is_first:
            self.logs.confirm_stored(now // SECOND, read_from)
        if is_back:
            self.logs.lower_floor(read_from)
        self._is_first = False

    def _glance(self, start: int, end: int, cap: int) -> bool:
        """Read the newest logs, if counting covers the others."""
        shown = self._service.shown(start, end)
        newest = shown[-cap:]
        boundary = newest[0].time_ns if newest else end
        boundary += -boundary % SECOND + SECOND
        if len(shown) == len(newest):
            boundary = start
        older = sum(sent.time_ns < boundary for sent in shown)
        if older != self.logs.count(start // SECOND, boundary // SECOND):
            return False
        self._deliver(boundary, end)
        return True

    def _deliver(self, start: int, end: int) -> None:
        shown = self._service.shown(start, end)
        by_entry = {sent.entry.message: sent for sent in shown}
        for entry in self.logs.add_read([sent.entry for sent in shown]):
            by_entry[entry.message].times += 1

    def _check(self, known: Any) -> None:
        start, end = known.start * SECOND, known.end * SECOND
        if len(self._service.shown(start, end)) > known.number:
            self._service.gaps.append((start, end))

    def _give_up_lost(self, now: int, cap: int) -> None:
        coverage, logs = self.coverage, self.logs
        if (earliest := coverage.lost_before(now, self._window)) is None:
            return
        assert coverage.resume_time is not None
        start = max(coverage.start_of_read(), logs.floor * SECOND)
        bounds = {coverage.resume_time - coverage.resume_time % SECOND}
        for streamed in coverage.streamed:
            bounds |= {
                streamed.start + -streamed.start % SECOND,
                streamed.end - streamed.end % SECOND,
            }
        for part_start, part_end, known in divide(start, earliest, logs.untracked):
            if known is not None:
                self._check(known)
                continue
            inside = {each for each in bounds if part_start < each < part_end}
            for lost_start, lost_end in pairwise(
                sorted({part_start, part_end, *inside})
            ):
                shown = self._service.shown(lost_start, lost_end)
                newest = [sent.entry for sent in shown[-cap:]]
                if logs.count_new(newest) or len(shown) > logs.count(
                    lost_start // SECOND, lost_end // SECOND
                ):
                    self._service.gaps.append((lost_start, lost_end))
        coverage.give_up(earliest)


class Service:
    """A model of the service that also tracks deliveries.

    Attributes:
        now: The second, from 0.
        offset: Seconds by which its shown clock is ahead.
        latest: The latest time that a read has seen, in nanoseconds.
        slept: Seconds that the host's elapsed clock did not count.
        logs: All logs that were sent.
        gaps: The spans reported as missing, in nanoseconds.
    """

    def __init__(self) -> None:
        """Start without a log."""
        self.now = 0
        self.offset = 0
        self.latest = 0
        self.slept = 0
        self.logs: list[Sent] = []
        self.gaps: list[tuple[int, int]] = []

    @property
    def shown_now(self) -> int:
        """Return the time of its clock, in nanoseconds."""
        return at(self.now + self.offset)

    @property
    def elapsed(self) -> int:
        """Return the elapsed clock of the host."""
        return self.now - self.slept

    @property
    def wall_ahead(self) -> int:
        """Return the nanoseconds from the elapsed to the wall clock.

        The wall clock is right.
        """
        return self.slept * SECOND

    @property
    def delivered(self) -> int:
        """Return how many logs were delivered so far."""
        return sum(sent.times for sent in self.logs)

    def shown(self, start: int = 0, end: int = 10**20) -> list[Sent]:
        """Return REST's logs of a span, oldest first."""
        return sorted(
            (
                sent
                for sent in self.logs
                if sent.visible <= self.now and start <= sent.time_ns < end
            ),
            key=lambda sent: sent.time_ns,
        )

    def note_begin(self) -> None:
        """Promise no logs received before the first start."""
        for sent in self.logs:
            sent.is_promised = False

    def note_forgotten(self, floor: int, verified: int) -> None:
        """Check the logs forgotten for lack of memory.

        Logs that REST did not show at the last complete read may be missed.
        """
        assert floor * SECOND <= verified
        for sent in self.missing(floor * SECOND):
            assert at(sent.visible) >= verified, f"{sent} was forgotten"
            sent.is_promised = False

    def missing(self, before: int) -> list[Sent]:
        """Return promised logs neither delivered nor reported before a time."""
        return [
            sent
            for sent in self.logs
            if sent.is_promised
            and not sent.times
            and sent.time_ns < before
            and not any(start <= sent.time_ns < end for start, end in self.gaps)
        ]


class CoverageMachine(RuleBasedStateMachine):
    """Sends and delivers logs, and checks the account."""

    limit = 10_000
    window = 86_400
    has_steps = True

    def __init__(self) -> None:
        """Start with an empty service and a new feed."""
        super().__init__()
        self.service = Service()
        self.feed = self._new_feed()
        self.stored: Any = None
        # How often each log had been delivered at that time.
        self.stored_times: list[int] = []
        # The offset of the clock that the account has noted.
        self.noted_offset = 0

    @property
    def is_right(self) -> bool:
        """Return whether the service's clock is right and was noted."""
        return not self.service.offset and not self.noted_offset

    def _new_feed(self) -> Feed:
        return Feed(self.service, limit=self.limit, window=self.window)

    @initialize(number=st.integers(0, 120))
    def begin(self, number: int) -> None:
        """Start with some history."""
        for each in range(number):
            self._send(each - 130, 0, is_streamed=False)
        self.feed.read([1_000], -1, 100, by_count=False)

    @rule(seconds=st.sampled_from([1, 2, 5, 10, 30, 60, 120, 400, 900]))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.service.now += seconds

    @precondition(lambda self: not self.service.offset)
    @rule(seconds=st.sampled_from([3_000, 20_000, 100_000]))
    def wait_long(self, seconds: int) -> None:
        """Let hours pass."""
        self.service.now += seconds

    @rule(
        number=st.integers(1, 8),
        late=st.integers(-DEVICE_MARGIN, DEVICE_MARGIN),
        delay=st.integers(0, INDEX_MARGIN - 1),
        is_streamed=st.booleans(),
    )
    def send(self, number: int, late: int, delay: int, is_streamed: bool) -> None:
        """Send promised logs, over the stream or missed by it."""
        for each in range(number):
            self._send(
                -late + (each if late > 8 else 0), delay, is_streamed=is_streamed
            )

    @rule(
        time=st.sampled_from([-1_000_000, -4_000, -500, 500, 4_000, 100_000]),
        delay=st.integers(0, 4_000),
        is_streamed=st.booleans(),
    )
    def send_odd(self, time: int, delay: int, is_streamed: bool) -> None:
        """Send an unpromised log, which must not repeat either."""
        self._send(time, delay, is_streamed=is_streamed, is_promised=False)

    @precondition(lambda self: self.feed.stream_since is None)
    @rule()
    def open_stream(self) -> None:
        """Open the stream."""
        self.feed.stream_since = self.feed.streamed_at = self.service.now

    @precondition(lambda self: self.feed.stream_since is not None)
    @rule()
    def close_stream(self) -> None:
        """Close the stream."""
        self.feed.close_stream()

    @rule(
        widths=st.lists(st.integers(1, 2_000), min_size=1, max_size=3),
        fail_at=st.just(-1) | st.integers(0, 5),
        cap=st.sampled_from([1, 3, 100]),
        by_count=st.booleans(),
    )
    def read(self, widths: list[int], fail_at: int, cap: int, by_count: bool) -> None:
        """Read until the end or a failure."""
        self.feed.read(widths, fail_at, cap, by_count=by_count)
        self.noted_offset = self.service.offset
        self._check()

    @precondition(lambda self: self.feed.stream_since is not None)
    @rule()
    def read_where_counts_agree(self) -> None:
        """Read where as many logs are unindexed as missed.

        Then the counts agree by chance.
        """
        service = self.service
        missed = len(service.missing(at(service.now)))
        for _ in range(missed):
            self._send(0, INDEX_MARGIN - 1, is_streamed=True)
        self.read([1_000], -1, 1, by_count=True)

    @rule()
    def forget(self) -> None:
        """Keep the remembered logs within their bounds."""
        self.feed.forget()

    @rule()
    def save(self) -> None:
        """Store the feed's state."""
        self.stored = self.feed.stored()
        self.stored_times = [sent.times for sent in self.service.logs]

    @rule(is_saved=st.booleans())
    def restart(self, is_saved: bool) -> None:
        """Stop or kill the feed, and restore the state."""
        if is_saved:
            self.save()
        if self.stored is None:
            return
        for number, sent in enumerate(self.service.logs):
            known = self.stored_times[number] if number < len(self.stored_times) else 0
            sent.may_repeat += sent.times - known
        self.feed = self._new_feed()
        self.feed.restore(self.stored)

    @precondition(lambda self: self.has_steps)
    @rule(offset=st.sampled_from([-7_200, -600, 0, 120, 600, 7_200]))
    def step(self, offset: int) -> None:
        """Step the service's clock."""
        self.service.offset = offset

    # A step back during the sleep would look like no sleep.
    @precondition(lambda self: self.has_steps and self.is_right)
    @rule(seconds=st.sampled_from([30, 600, 2_400]))
    def sleep(self, seconds: int) -> None:
        """Let the host sleep without its elapsed clock counting."""
        if self.feed.stream_since is not None:
            self.feed.close_stream()
        self.service.now += seconds
        self.service.slept += seconds

    @override
    def teardown(self) -> None:
        """Read everything in the end."""
        self.service.offset = 0
        if self.feed.stream_since is not None:
            self.feed.close_stream()
        for seconds in (1, 700, 700):
            self.service.now += seconds
            self.feed.read([100_000], -1, 100, by_count=False)
            self.noted_offset = 0
            self._check()
        end = at(self.service.now - MARGIN)
        settled = self.feed.coverage.settled
        assert settled == end
        assert not self.service.missing(end)

    def _send(
        self, time: int, delay: int, *, is_streamed: bool, is_promised: bool = True
    ) -> None:
        service = self.service
        sent = Sent(
            log(str(len(service.logs)), NOW + service.now + time),
            service.now,
            service.now + delay,
            is_promised,
        )
        if sent.time_ns < self.feed.logs.floor * SECOND:
            # It is older than all remembered logs.
            sent.is_promised = False
        service.logs.append(sent)
        if is_streamed and self.feed.stream_since is not None:
            self.feed.stream(sent)
        self._check()

    def _check(self) -> None:
        coverage = self.feed.coverage
        for sent in self.service.logs:
            assert sent.times <= 1 + sent.may_repeat, f"{sent} was doubled"
        # A clock that is ahead settles future times, until it is right again.
        if (
            coverage.settled is not None
            and max(self.service.offset, self.noted_offset) <= 0
        ):
            missing = self.service.missing(coverage.settled)
            assert not missing, f"{missing} are missing"


class SmallMemoryMachine(CoverageMachine):
    """The same with hardly any memory."""

    limit = 4
    has_steps = False


class ShortWindowMachine(CoverageMachine):
    """The same with a short catch-up window."""

    window = 900
    has_steps = False


SETTINGS: Final = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    # Reproducible: scripts/simulate searches for new failures.
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.parametrize(
    "machine", [CoverageMachine, SmallMemoryMachine, ShortWindowMachine]
)
def test_nothing_is_lost_or_doubled(machine: type[CoverageMachine]) -> None:
    """Settled logs were delivered once, or reported as missing."""
    run_state_machine_as_test(machine, settings=SETTINGS)


def test_stored_logs_of_the_future_have_not_arrived() -> None:
    """A stored log of the future hides no gap."""
    coverage = Coverage(360)
    coverage.resume(1_000_000 * SECOND)
    coverage.arrived_until = 2_000_000 * SECOND
    coverage.step(1_000_100 * SECOND, 0)
    assert coverage.counted_before() == 1_000_100 * SECOND
