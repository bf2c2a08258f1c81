"""Test the reports of logs that are lost."""

import pytest

from custom_components.golioth.client.coverage import Coverage
from custom_components.golioth.client.delivered import DeliveredLogs, UntrackedRange
from custom_components.golioth.client.exceptions import (
    GoliothConnectionError,
    GoliothUnreadableError,
)
from custom_components.golioth.client.log_window import LogWindow
from custom_components.golioth.client.lost_logs import LostLogs, divide
from custom_components.golioth.client.pacing import RequestPace
from custom_components.golioth.client.span_reader import SpanReader
from custom_components.golioth.client.timestamps import SECOND

from .logs import NOW, log

HOUR = 3600


class Service:
    """A service with the same answer to every request."""

    def __init__(self, answer: LogWindow | None) -> None:
        """Set the answer; None is unreadable."""
        self.requests = 0
        # The request that fails.
        self.fails_at = 0
        self._answer = answer

    async def logs(
        self,
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Return the answer."""
        self.requests += 1
        if self.requests == self.fails_at:
            raise GoliothConnectionError("The service is down")
        if self._answer is None:
            raise GoliothUnreadableError("The answer cannot be read")
        return self._answer


class Listener:
    """Records reports."""

    def __init__(self) -> None:
        """Start without reports."""
        self.gaps: list[tuple[int, int]] = []

    def on_gap(self, start_ns: int, end_ns: int) -> None:
        """Record a gap."""
        self.gaps.append((start_ns, end_ns))

    def on_settled(self) -> None:
        """Ignore progress, because nothing is saved."""


def lost_logs(
    service: Service, listener: Listener, logs: DeliveredLogs, coverage: Coverage
) -> LostLogs:
    """Return the reporter of lost logs."""
    return LostLogs(
        coverage=coverage,
        logs=logs,
        reader=SpanReader(
            service,
            logs=logs,
            device_ids=list,
            on_answer=lambda: None,
            on_missing=lambda _number: None,
            pace=RequestPace(0.0),
        ),
        listener=listener,
        catch_up_window=HOUR,
    )


# A full answer of one moment with only known logs; the service has more of the span.
FULL = [log("known", NOW - 90 * 60) for _ in range(100)]


@pytest.mark.parametrize(
    ("answer", "is_lost"),
    [
        pytest.param(None, True, id="unreadable"),
        pytest.param(LogWindow(FULL, 101, 100, [], 0), True, id="more_than_known"),
        pytest.param(LogWindow(FULL, None, 100, [], 0), True, id="without_total"),
        pytest.param(LogWindow([], 0, 100, [], 0), False, id="nothing"),
    ],
)
async def test_before_the_window(answer: LogWindow | None, is_lost: bool) -> None:
    """Lost logs before the window are reported, if any."""
    logs, listener, coverage = DeliveredLogs(), Listener(), Coverage(360.0)
    coverage.resume((NOW - 2 * HOUR) * SECOND)
    for entry in FULL:
        logs.add_streamed(entry)
    await lost_logs(Service(answer), listener, logs, coverage).give_up(NOW * SECOND)
    assert bool(listener.gaps) is is_lost
    assert coverage.settled == (NOW - HOUR) * SECOND


async def test_comparison_that_fails_is_repeated() -> None:
    """A repeated comparison reports no span twice."""
    logs, listener, coverage = DeliveredLogs(), Listener(), Coverage(360.0)
    coverage.resume((NOW - 2 * HOUR) * SECOND)
    service = Service(None)
    lost = lost_logs(service, listener, logs, coverage)
    service.fails_at = 2
    with pytest.raises(GoliothConnectionError):
        await lost.give_up(NOW * SECOND)
    await lost.give_up(NOW * SECOND)
    assert len(listener.gaps) == len(set(listener.gaps)) == 2


async def test_range_without_a_number_is_not_requested() -> None:
    """A range without a number of logs takes no request."""
    service, listener = Service(None), Listener()
    lost = lost_logs(service, listener, DeliveredLogs(), Coverage(360.0))
    await lost.check_untracked(UntrackedRange(NOW - 20, NOW - 10, None))
    assert (service.requests, listener.gaps) == (0, [])
    await lost.check_untracked(UntrackedRange(NOW - 20, NOW - 10, 3))
    assert listener.gaps == [((NOW - 20) * SECOND, (NOW - 10) * SECOND)]


async def test_untracked_range_before_the_window() -> None:
    """An untracked range is reported if it lacks logs."""
    logs, listener, coverage = DeliveredLogs(), Listener(), Coverage(360.0)
    coverage.resume((NOW - 2 * HOUR) * SECOND)
    for entry in FULL:
        logs.add_streamed(entry)
    logs.write()
    logs.untrack(NOW - 90 * 60, NOW - 90 * 60 + 1)
    answer = LogWindow(FULL, 101, 100, [], 0)
    await lost_logs(Service(answer), listener, logs, coverage).give_up(NOW * SECOND)
    start = (NOW - 90 * 60) * SECOND
    assert (start, start + SECOND) in listener.gaps


def test_ranges_outside_a_span() -> None:
    """Ranges outside a span do not divide it."""
    ranges = [
        UntrackedRange(10, 20, 1),
        UntrackedRange(25, 27, 1),
        UntrackedRange(30, 40, 1),
    ]
    assert list(divide(20 * SECOND, 30 * SECOND, ranges)) == [
        (20 * SECOND, 25 * SECOND, None),
        (25 * SECOND, 27 * SECOND, ranges[1]),
        (27 * SECOND, 30 * SECOND, None),
    ]
