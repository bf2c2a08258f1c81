"""Test the service's time and its certainty."""

import time

from hypothesis import given, strategies as st
import pytest

from custom_components.golioth.client.service_clock import Clocks, ServiceClock
from custom_components.golioth.client.timestamps import SECOND

START = 1_795_000_000 * SECOND


class Host:
    """A host with clocks that the test sets.

    Attributes:
        elapsed: Seconds by the clock that never steps.
        wall: Seconds since 1970 by the host's clock.
        service: Seconds since the service's clock showed `START`.
    """

    def __init__(self) -> None:
        """Start with a wall clock that is an hour behind."""
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
        """Record a time of the service, in whole seconds."""
        self.clock.note(START + int(self.service + later) * SECOND)

    def now_ns(self) -> int | None:
        """Return the believed time."""
        return self.clock.now_ns

    def is_certain(self) -> bool:
        """Return whether the last answer agreed."""
        return self.clock.is_certain

    @property
    def behind(self) -> float:
        """Return the seconds that the believed time is behind."""
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
    """A time is believed once two answers agree."""
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
    """The time advances with the elapsed clock."""
    host = agreed()
    host.wait(7_200)
    assert host.is_certain()
    assert 0 <= host.behind <= 1.5


def test_earliest_of_three_answers() -> None:
    """The earliest of the last three answers is believed."""
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
    """A single wrong answer only makes the time uncertain."""
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
    """Wrong answers that disagree are not believed."""
    host = agreed()
    for later in (1_000, -1_000, 5_000, -5_000):
        host.answer(later)
        assert not host.is_certain()
        assert 0 <= host.behind <= 1.5


@pytest.mark.parametrize("step", [-86_400.0, -61.0, 61.0, 86_400.0])
def test_step(step: float) -> None:
    """A step in either direction is believed after two answers."""
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
    """A difference of a minute between servers is no step.

    The earlier time is believed.
    """
    host = agreed()
    host.answer(step)
    assert host.is_certain()
    assert host.behind == pytest.approx(max(0.0, -step), abs=1.5)


def test_sleep_that_the_elapsed_clock_counts() -> None:
    """A counted sleep does not make the time uncertain."""
    host = agreed()
    host.wait(2_400)
    host.answer()
    assert host.is_certain()
    assert 0 <= host.behind <= 1


def test_sleep_that_the_elapsed_clock_does_not_count() -> None:
    """Two answers reveal a sleep that was not counted."""
    host = agreed()
    host.wall += 2_400
    host.service += 2_400
    host.answer()
    assert not host.is_certain()
    host.answer()
    assert host.is_certain()
    assert 0 <= host.behind <= 1


def test_clock_of_the_host_does_not_matter() -> None:
    """The wall clock does not matter while answers have times."""
    host = agreed()
    host.wall += 1_000_000
    assert 0 <= host.behind <= 1
    host.answer()
    assert host.is_certain()
    assert 0 <= host.behind <= 1


def test_service_that_never_reports_its_time() -> None:
    """The host's clock is used after answers without times."""
    host = Host()
    for _ in range(3):
        host.clock.note(None)
        assert host.now_ns() is None
        host.wait(1)
    host.clock.note(None)
    assert host.is_certain()
    assert host.behind == pytest.approx(3_600, abs=2)


def test_answers_without_a_time_now_and_then() -> None:
    """An occasional time is preferred to the host's clock."""
    host = agreed()
    for _ in range(10):
        host.clock.note(None)
        host.wait(1)
        host.clock.note(None)
        host.wait(1)
        host.answer()
        assert host.is_certain()
        assert 0 <= host.behind <= 1.5


def test_service_that_stops_to_report_its_time() -> None:
    """The believed time goes on once answers have none.

    The host's clock agrees with it here.
    """
    host = agreed()
    host.wall += 3_600
    for _ in range(6):
        host.clock.note(None)
        host.wait(1)
        assert host.is_certain()
        assert 0 <= host.behind <= 2


@given(
    seconds=st.lists(st.floats(0, 1_000), min_size=2),
    delays=st.lists(st.floats(0, 15), min_size=2),
)
def test_never_ahead(seconds: list[float], delays: list[float]) -> None:
    """The believed time is never ahead, however late answers are."""
    host = Host()
    for pause, delay in zip(seconds, delays, strict=False):
        host.wait(pause)
        time_ns = START + int(host.service) * SECOND
        host.wait(delay)
        host.clock.note(time_ns)
        if host.now_ns() is not None:
            assert -1e-3 <= host.behind <= 16 + 1e-3


@given(
    steps=st.lists(st.sampled_from([-1_000, -70, 70, 1_000])),
    lies=st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_steps_are_followed(steps: list[int], lies: list[bool]) -> None:
    """Two right answers in a row are always believed."""
    host = Host()
    lie = iter(lies)
    for step in steps[:20]:
        host.service += step
        if next(lie):
            host.answer(later=500_000)
        if next(lie):
            host.clock.note(None)
        for _ in range(2):
            host.wait(3)
            host.answer()
        assert host.is_certain()
        assert 0 <= host.behind <= 1.5


def test_clocks_of_this_host() -> None:
    """The host's clocks are the usual ones."""
    clocks = Clocks.of_host()
    before = clocks.elapsed()
    time.sleep(0.01)  # noqa: TID251
    assert 0.01 <= clocks.elapsed() - before < 10
    assert abs(clocks.wall() - time.time()) < 1


def test_host_without_a_clock_that_counts_a_sleep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The monotonic clock is the fallback."""
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    clocks = Clocks.of_host()
    assert abs(clocks.elapsed() - time.monotonic()) < 1
