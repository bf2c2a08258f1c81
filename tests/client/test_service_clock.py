"""Tests of the service's time, and of how certain it is."""

import time

from hypothesis import given, strategies as st
import pytest

from custom_components.golioth.client.service_clock import Clocks, ServiceClock
from custom_components.golioth.client.timestamps import SECOND

START = 1_795_000_000 * SECOND


class Host:
    """A host whose clocks are set by hand.

    Attributes:
        elapsed: Seconds by the clock that never steps.
        wall: Seconds since 1970, as the host has it.
        service: Seconds since the service's clock showed `START`.
    """

    def __init__(self) -> None:
        """Start with a host whose clock is an hour behind."""
        self.elapsed = 1_000.0
        self.wall = START / SECOND - 3_600
        self.service = 0.0
        self.clock = ServiceClock(Clocks(lambda: self.elapsed, lambda: self.wall))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.elapsed += seconds
        self.wall += seconds
        self.service += seconds

    def answer(self, later: float = 0.0) -> None:
        """Hear the time as the service reports it: in whole seconds."""
        self.clock.hear(START + int(self.service + later) * SECOND)

    def now_ns(self) -> int | None:
        """Return the time that is believed."""
        return self.clock.now_ns

    def is_certain(self) -> bool:
        """Return whether the last answer agreed with it."""
        return self.clock.is_certain

    @property
    def behind(self) -> float:
        """Seconds by which the clock is behind the service's."""
        assert self.clock.now_ns is not None
        return (START - self.clock.now_ns) / SECOND + self.service


def agreed() -> Host:
    """Return a host that knows the service's time."""
    host = Host()
    for _ in range(2):
        host.answer()
        host.wait(0.5)
    return host


def test_two_answers_in_a_row() -> None:
    """A single answer is not believed, two that agree are."""
    host = Host()
    assert host.now_ns() is None
    host.answer()
    assert host.now_ns() is None
    assert not host.is_certain()
    host.wait(0.5)
    host.answer()
    assert host.is_certain()
    assert 0 <= host.behind <= 1


def test_time_passes_between_answers() -> None:
    """The elapsed clock carries the time on."""
    host = agreed()
    host.wait(7_200)
    assert host.is_certain()
    assert 0 <= host.behind <= 1.5


def test_earliest_of_three_answers() -> None:
    """Of the last answers the earliest is believed, and older ones are forgotten."""
    host = agreed()
    host.answer()
    early = host.now_ns()
    assert early is not None
    host.answer(later=30)
    assert host.now_ns() == early
    for _ in range(2):
        host.answer(later=30)
    assert -30 <= host.behind <= -29
    host.answer()
    assert 0 <= host.behind <= 1


def test_single_wrong_answer() -> None:
    """An answer that is years off changes nothing, except that it is doubted."""
    host = agreed()
    for later in (-100_000_000, 100_000_000):
        before = host.now_ns()
        host.answer(later)
        assert not host.is_certain()
        assert host.now_ns() == before
        host.answer()
        assert host.is_certain()
        assert 0 <= host.behind <= 1.5


def test_two_wrong_answers_that_disagree() -> None:
    """Answers that agree with nothing are not believed, however many come."""
    host = agreed()
    for later in (1_000, -1_000, 5_000, -5_000):
        host.answer(later)
        assert not host.is_certain()
        assert 0 <= host.behind <= 1.5


@pytest.mark.parametrize("step", [-86_400.0, -61.0, 61.0, 86_400.0])
def test_step(step: float) -> None:
    """A clock that steps is believed with the second answer, whichever way it went."""
    host = agreed()
    host.service += step
    host.answer()
    assert not host.is_certain()
    assert host.behind == pytest.approx(step, abs=1.5)
    host.wait(10)
    host.answer()
    assert host.is_certain()
    assert 0 <= host.behind <= 1


@pytest.mark.parametrize("step", [-58.0, 58.0])
def test_servers_whose_clocks_differ(step: float) -> None:
    """A minute between two servers is no step: it is certain, and the earlier one."""
    host = agreed()
    host.answer(step)
    assert host.is_certain()
    assert host.behind == pytest.approx(max(0.0, -step), abs=1.5)


def test_sleep_that_the_elapsed_clock_counts() -> None:
    """After a sleep of the host the first right answer agrees at once."""
    host = agreed()
    host.wait(2_400)
    host.answer()
    assert host.is_certain()
    assert 0 <= host.behind <= 1


def test_sleep_that_the_elapsed_clock_does_not_count() -> None:
    """Where the elapsed clock stood still, two answers show that there was a sleep."""
    host = agreed()
    host.wall += 2_400
    host.service += 2_400
    host.answer()
    assert not host.is_certain()
    host.answer()
    assert host.is_certain()
    assert 0 <= host.behind <= 1


def test_clock_of_the_host_does_not_matter() -> None:
    """A step of the wall clock moves nothing while the service reports its time."""
    host = agreed()
    host.wall += 1_000_000
    assert 0 <= host.behind <= 1
    host.answer()
    assert host.is_certain()
    assert 0 <= host.behind <= 1


def test_service_that_never_reports_its_time() -> None:
    """After a few answers without a time, the host's own clock has to do."""
    host = Host()
    for _ in range(3):
        host.clock.hear(None)
        assert host.now_ns() is None
        host.wait(1)
    host.clock.hear(None)
    assert host.is_certain()
    assert host.behind == pytest.approx(3_600, abs=2)


def test_answers_without_a_time_now_and_then() -> None:
    """A time that comes in between is believed over the host's."""
    host = agreed()
    for _ in range(10):
        host.clock.hear(None)
        host.wait(1)
        host.clock.hear(None)
        host.wait(1)
        host.answer()
        assert host.is_certain()
        assert 0 <= host.behind <= 1.5


def test_service_that_stops_to_report_its_time() -> None:
    """What was believed is carried on where the host's clock agrees with it."""
    host = agreed()
    host.wall += 3_600
    for _ in range(6):
        host.clock.hear(None)
        host.wait(1)
        assert host.is_certain()
        assert 0 <= host.behind <= 2


@given(
    seconds=st.lists(st.floats(0, 1_000), min_size=2),
    delays=st.lists(st.floats(0, 15), min_size=2),
)
def test_never_ahead(seconds: list[float], delays: list[float]) -> None:
    """However late answers arrive, the time is never ahead of the service's."""
    host = Host()
    for pause, delay in zip(seconds, delays, strict=False):
        host.wait(pause)
        time_ns = START + int(host.service) * SECOND
        host.wait(delay)
        host.clock.hear(time_ns)
        if host.now_ns() is not None:
            assert -1e-3 <= host.behind <= 16 + 1e-3


@given(
    steps=st.lists(st.sampled_from([-1_000, -70, 70, 1_000])),
    lies=st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_steps_are_followed(steps: list[int], lies: list[bool]) -> None:
    """Whatever came before, two right answers in a row are believed."""
    host = Host()
    lie = iter(lies)
    for step in steps[:20]:
        host.service += step
        if next(lie):
            host.answer(later=500_000)
        if next(lie):
            host.clock.hear(None)
        for _ in range(2):
            host.wait(3)
            host.answer()
        assert host.is_certain()
        assert 0 <= host.behind <= 1.5


def test_clocks_of_this_host() -> None:
    """The elapsed clock goes on, and the wall clock is that of everybody."""
    clocks = Clocks.of_host()
    before = clocks.elapsed()
    time.sleep(0.01)  # noqa: TID251
    assert 0.01 <= clocks.elapsed() - before < 10
    assert abs(clocks.wall() - time.time()) < 1


def test_host_without_a_clock_that_counts_a_sleep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where there is no such clock, the monotonic one has to do."""
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    clocks = Clocks.of_host()
    assert abs(clocks.elapsed() - time.monotonic()) < 1
