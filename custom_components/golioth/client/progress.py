"""Maintains the resume point, and reports when to store it."""

import asyncio
from collections.abc import Callable
import logging
from typing import Final

from .bounds import Needed
from .coverage import Coverage
from .delivered import DeliveredLogs
from .resume_point import ResumePoint
from .retention import Retention
from .service_clock import ServiceClock
from .timestamps import SECOND

_LOGGER = logging.getLogger(__name__)

# Logs to remember, so that reading them again delivers none twice.
_MAX_DELIVERED: Final = 30_000

# The share of these that a stream may deliver before it is audited.
_UNAUDITED_SHARE: Final = 1 / 2

# Logs after which they are recorded, and after which old ones are forgotten, where they
# come in less than a second.
_WRITE_INTERVAL: Final = 50
_FORGET_INTERVAL: Final = 3_000

# Seconds between two reports of progress.
_REPORT_INTERVAL: Final = 1.0

# Seconds after which the stream is no longer expected to deliver logs of REST.
_EXPECTED_FOR: Final = 300.0


class Progress:
    """Reports progress, and forgets logs that are not needed.

    Attributes:
        due_count: The number of delivered logs at which `note` is to be called next: at
            once where no report is pending.
    """

    def __init__(
        self,
        logs: DeliveredLogs,
        *,
        clock: ServiceClock,
        coverage: Coverage,
        count_delivered: Callable[[], int],
        streamed: Callable[[], tuple[int, int] | None],
        is_waiting: Callable[[], bool],
        on_progress: Callable[[], None],
        on_many_unread: Callable[[], None],
    ) -> None:
        """Start without remembered logs.

        Args:
            logs: The delivered logs.
            clock: The service's time.
            coverage: The account of what was surely delivered.
            count_delivered: Returns how many logs have been delivered.
            streamed: Returns the span that only the open stream has delivered, in
                nanoseconds, if any.
            is_waiting: Returns whether logs of that stream wait.
            on_progress: Called when there is something new to store, at once or within
                a second.
            on_many_unread: Called when a read is due early: later, the stream's logs
                could no longer be remembered.
        """
        self.due_count = 0
        self._logs = logs
        self._retention = Retention(logs, _MAX_DELIVERED)
        self._clock = clock
        self._coverage = coverage
        self._count_delivered = count_delivered
        self._streamed = streamed
        self._is_waiting = is_waiting
        self._on_progress = on_progress
        self._on_many_unread = on_many_unread
        self._timer: asyncio.TimerHandle | None = None
        # The number of delivered logs at the last read, and at the last report.
        self._count_at_read = 0
        self._count_at_report = 0
        # The number of delivered logs at which to forget old ones.
        self._count_to_forget = 0
        self._expected_since = 0.0
        # The latest time of the service's clock.
        self._latest = 0

    @property
    def resume_point(self) -> ResumePoint | None:
        """Return the resume point; None before the first start.

        This first brings the remembered logs within their bounds.
        """
        if (time_ns := self._coverage.resume_time) is None:
            return None
        self.forget()
        return ResumePoint(
            time_ns,
            self._retention.freeze(),
            self._coverage.steps_by(self._clock.clocks.wall_ahead),
        )

    def resume(self, resume_point: ResumePoint) -> None:
        """Restore a stored resume point."""
        self._coverage.resume(
            resume_point.time_ns,
            resume_point.clock_steps,
            self._clock.clocks.wall_ahead,
        )
        try:
            self._retention.restore(resume_point.delivered())
        except ValueError, KeyError, TypeError, AttributeError:
            _LOGGER.warning("The stored logs are unusable: some may be repeated")
            # But none from before the settled time.
            floor = self._coverage.start_of_read() // SECOND
            self._logs.restore(floor, [], {})
        newest = max(self._logs.seconds, default=0) * SECOND
        self._coverage.arrived_until = max(resume_point.time_ns, newest)

    def begin_read(self) -> None:
        """Record that a read begins."""
        self._count_at_read = self._count_delivered()

    def note(self) -> None:
        """Report progress, unless a report is pending."""
        if self._timer is None:
            self._report()
            return
        delivered = self._count_delivered()
        self.due_count = delivered + _WRITE_INTERVAL
        if delivered >= self._count_to_forget:
            self.forget()
        else:
            self._logs.write()
        if delivered - self._count_at_read > _MAX_DELIVERED * _UNAUDITED_SHARE:
            self._count_at_read = delivered
            self._on_many_unread()

    def forget(self) -> None:
        """Keep the remembered logs within their bounds."""
        self._count_to_forget = self._count_delivered() + _FORGET_INTERVAL
        # After a step back of the clock, the logs before do not count as future ones.
        self._latest = max(self._latest, self._clock.now_ns or 0)
        spans: list[tuple[int, int]] = list(self._coverage.streamed)
        if (span := self._streamed()) is not None:
            spans.append(span)
        self._retention.apply(
            Needed(
                (self._coverage.settled or 0) // SECOND,
                self._coverage.verified // SECOND,
                self._latest // SECOND or None,
                [(-(-start // SECOND), end // SECOND) for start, end in spans],
            )
        )
        elapsed = self._clock.clocks.elapsed()
        if not self._is_waiting() and elapsed - self._expected_since > _EXPECTED_FOR:
            self._expected_since = elapsed
            self._logs.age()

    def stop(self) -> None:
        """Stop reporting."""
        if self._timer is not None:
            self._timer.cancel()

    def _report(self) -> None:
        """Report progress, at most once a second."""
        self._timer = None
        self.due_count = 0
        delivered = self._count_delivered()
        # Even if the resume time is the same, the remembered logs have changed.
        if delivered != self._count_at_report:
            self._count_at_report = delivered
            self.forget()
            self._on_progress()
            self._timer = asyncio.get_running_loop().call_later(
                _REPORT_INTERVAL, self._report
            )
            self.due_count = delivered + _WRITE_INTERVAL
