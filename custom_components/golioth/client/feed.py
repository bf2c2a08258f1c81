"""Orchestrates the feed of a project's logs."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
import logging
import math
from typing import Final, Protocol

from .coverage import Coverage
from .delivered import DeliveredLogs
from .error_report import log_unexpected
from .exceptions import GoliothAuthenticationError, GoliothConnectionError, GoliothError
from .gap_filler import GapFiller, Read
from .live import Live, OpenStream, WayIn
from .models import LogEntry, LogSource, StreamState, Transport
from .pacing import BackOff, FeedTiming, RequestPace, in_slices
from .progress import Progress
from .rest import GoliothRest
from .resume_point import ResumePoint
from .service_clock import ServiceClock
from .span_reader import SpanReader
from .timestamps import SECOND

_LOGGER = logging.getLogger(__name__)

# Seconds between two checks of the clocks, and the difference that means a sleep of the
# host rather than a busy loop.
_WATCH_INTERVAL: Final = 10.0
_SLEEP: Final = 5.0


class FeedListener(Protocol):
    """Receives logs and reports from the feed.

    Exceptions of its methods are logged, and do not stop the feed.
    """

    def on_log(self, entry: LogEntry, source: LogSource) -> None:
        """Receive a log.

        A stream's log comes in the same iteration of the event loop as its frame.
        """

    def on_history(self, entry: LogEntry) -> None:
        """Show a log from before the first start, oldest first."""

    def on_connection_change(self, reason: GoliothError | None) -> None:
        """Handle a change of `connected` or `transport`.

        Also called once if there is no connection from the start.

        Args:
            reason: Why there is no connection; None while there is one.
        """

    def on_gap(self, start_ns: int, end_ns: int) -> None:
        """Handle a span of which logs were not delivered.

        Args:
            start_ns: Nanoseconds since 1970.
            end_ns: The same, not included.
        """

    def on_complete(self, transport: Transport, until: float) -> None:
        """Handle that every log until recently was delivered.

        Called when the gap before an open stream has been filled, and after each poll.

        Args:
            transport: What the next logs will come over.
            until: The time until which all were delivered, by the loop's clock.
        """

    def on_incomplete(self) -> None:
        """Handle that logs may be missing until `on_complete`."""

    def on_progress(self) -> None:
        """Handle a change of `resume_point`, within a second.

        No longer called once the feed has been cancelled.
        """


class LogFeed:
    """Delivers every log of a project exactly once while running.

    A stream delivers logs as it receives them. REST fills the rest: the gap before the
    stream opened, all of the time without one, and, by regular audits, whatever it
    missed.

    Attributes:
        connected: Whether logs arrive, over either transport.
        transport: The transport in use; None while not connected.
        has_gap: Whether logs from before the open stream are still to be read.
        delivered: Logs delivered so far.
        caught_up: Of these, the ones that filled a gap.
        found_by_audit: Of these, the ones found by an audit of a stream.
        ignored: Documents of the stream so far that are no logs.
        opened: Streams opened so far.
        unreadable: Logs so far that REST has but cannot return.
        last_error: Why the last connection or request failed; None since one worked.
    """

    def __init__(
        self,
        rest: GoliothRest,
        way: WayIn,
        listener: FeedListener,
        *,
        clock: ServiceClock,
        pace: RequestPace,
        back_off: BackOff,
        resume_point: ResumePoint | None,
        poll_interval: float,
        catch_up_window: float,
        device_ids: Callable[[], Collection[str]],
        timing: FeedTiming,
    ) -> None:
        """Prepare, without a connection.

        Args:
            rest: The REST API of the project.
            way: The way in that delivers by itself.
            listener: Receives the logs.
            clock: The service's time.
            pace: Spreads the requests.
            back_off: Chooses how long to wait after a failure.
            resume_point: Where an earlier feed ended; None for the very first start.
            poll_interval: Seconds between two reads while there is no stream.
            catch_up_window: Seconds that a gap may reach back.
            device_ids: Returns Golioth's IDs of the project's devices.
            timing: How long the feed waits.
        """
        self.connected = False
        self.transport: Transport | None = None
        self.has_gap = True
        self.delivered = 0
        self.caught_up = 0
        self.found_by_audit = 0
        self.ignored = 0
        self.opened = 0
        self.unreadable = 0
        self.last_error: GoliothError | None = None
        self._rest = rest
        self._listener = listener
        self._on_log = listener.on_log
        self._clock = clock
        self._pace = pace
        self._back_off = back_off
        self._poll_interval = poll_interval
        self._timing = timing
        # Set when the next read is due early.
        self._read_wanted = asyncio.Event()
        self._logs = DeliveredLogs(self._waiting_logs)
        self._coverage = Coverage(timing.margin)
        self._progress = Progress(
            self._logs,
            clock=clock,
            coverage=self._coverage,
            count_delivered=lambda: self.delivered,
            streamed=self._streamed,
            is_waiting=self._is_waiting,
            on_progress=self.on_settled,
            on_many_unread=self._read_wanted.set,
        )
        self._live = Live(
            way,
            self,
            timing=timing,
            back_off=back_off,
            elapsed=clock.clocks.elapsed,
            is_accepted=self._is_accepted_by_rest,
        )
        self._filler = GapFiller(
            rest,
            clock=clock,
            coverage=self._coverage,
            logs=self._logs,
            reader=SpanReader(
                rest,
                logs=self._logs,
                device_ids=device_ids,
                on_answer=self._restart_patience,
                on_missing=self.on_unreadable,
                pace=pace,
            ),
            pace=pace,
            listener=self,
            timing=timing,
            catch_up_window=catch_up_window,
            count_delivered=lambda: self.delivered,
            on_answer=self._restart_patience,
        )
        if resume_point is not None:
            self._progress.resume(resume_point)
        # Whether the next read is the first after an interruption.
        self._is_interrupted = True
        self._is_reported = False
        # Whether the read under way is an audit.
        self._is_audit = False
        self._patience: asyncio.TimerHandle | None = None
        self._release_wanted = asyncio.Event()
        # By how much the clock that counts the host's sleep is ahead of the loop's.
        self._slept = 0.0

    @property
    def resume_point(self) -> ResumePoint | None:
        """Return the resume point; None before the first start.

        This first brings the remembered logs within their bounds.
        """
        return self._progress.resume_point

    @property
    def resume_age(self) -> float | None:
        """Return the seconds that the resume point is behind.

        Behind the service's clock, that is; None while either is unknown.
        """
        resume_time, now = self._coverage.resume_time, self._clock.now_ns
        if resume_time is None or now is None:
            return None
        return (now - resume_time) / SECOND

    @property
    def remembered(self) -> int:
        """Return how many logs are remembered for de-duplication."""
        return self._logs.size

    @property
    def stream_state(self) -> StreamState:
        """Return the state of the stream, whatever the transport."""
        return self._live.state

    async def run(self) -> None:
        """Deliver logs until cancelled.

        Raises:
            GoliothAuthenticationError: Golioth rejects the credential everywhere.
        """
        rejection: BaseException | None = None
        self._slept = self._elapsed() - asyncio.get_running_loop().time()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._live.run())
                tasks.create_task(self._read_forever())
                tasks.create_task(self._release_forever())
                tasks.create_task(self._watch_host())
        except* GoliothAuthenticationError as rejections:
            rejection = rejections.exceptions[0]
        finally:
            self._progress.stop()
            if self._patience is not None:
                self._patience.cancel()
        assert isinstance(rejection, GoliothAuthenticationError)
        self.last_error = rejection
        self._set_transport(None, rejection)
        raise rejection

    # Reports of the way in

    def on_open(self, stream: OpenStream) -> None:
        """Start reading the gap before a stream; its logs wait."""
        self.opened += 1
        self.has_gap = True
        self._restart_patience()
        self._read_wanted.set()
        self._notify(self._listener.on_incomplete)

    def on_live_log(self, stream: OpenStream, entry: LogEntry) -> None:
        """Deliver a stream's log, unless waiting or known."""
        # Hot path: runs once per log.
        if not stream.has_received:
            stream.has_received = True
            self._set_transport(Transport.STREAMING)
        if stream.waiting is None:
            if self._logs.add_streamed(entry):
                self._deliver(entry, LogSource.STREAM)
        elif stream.add_waiting(entry):
            self._release_wanted.set()

    def on_ignored(self) -> None:
        """Count a document that is no log."""
        self.ignored += 1

    def on_lasting(self, stream: OpenStream) -> None:
        """Count a stream as connected, even a silent one."""
        self._set_transport(Transport.STREAMING)

    async def on_close(self, stream: OpenStream) -> None:
        """Deliver waiting logs, and let REST take over."""
        await self._release(stream)
        if (span := self._streamed()) is not None:
            self._coverage.add_streamed(*span)
        self._is_interrupted = True
        self._read_wanted.set()
        self._notify(self._listener.on_incomplete)

    def on_failure(self, reason: GoliothError) -> None:
        """Store why there is no stream."""
        self.last_error = reason

    # Reports of the gap filler

    def on_read_log(self, entry: LogEntry, source: LogSource) -> None:
        """Deliver a log of REST."""
        if not self._clock.is_certain:
            # A sleep of the host looks like a jump of the service's clock.
            source = LogSource.CATCH_UP
        # A new stream may not have settled yet: report the transport before the log.
        if self.transport is None:
            self._set_transport(
                Transport.POLLING if self._live.stream is None else Transport.STREAMING
            )
        if self._is_audit:
            self.found_by_audit += 1
        elif source is LogSource.CATCH_UP:
            self.caught_up += 1
        self._deliver(entry, source)

    def on_history(self, entry: LogEntry) -> None:
        """Show a log from before the first start."""
        self._notify(self._listener.on_history, entry)

    def on_gap(self, start_ns: int, end_ns: int) -> None:
        """Report a span with undelivered logs."""
        self._notify(self._listener.on_gap, start_ns, end_ns)

    def on_unreadable(self, number: int) -> None:
        """Report logs that the service has but cannot return."""
        self.unreadable += number
        _LOGGER.warning(
            "Golioth does not give all logs of one moment: %d cannot be had", number
        )

    def on_settled(self) -> None:
        """Report progress."""
        self._notify(self._listener.on_progress)

    # Reading

    async def _read_forever(self) -> None:
        """Read missing logs whenever there may be some."""
        loop = asyncio.get_running_loop()
        # Subscribe first, so that no log is lost between the gap's end and the stream.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timing.settling_time):
                await self._live.first_try_ended.wait()
        failures = 0
        while True:
            self._read_wanted.clear()
            started = loop.time()
            try:
                is_current = await self._read_once()
            except GoliothAuthenticationError:
                raise
            except GoliothError as err:
                reason = err
            except Exception as err:  # noqa: BLE001
                log_unexpected(_LOGGER, "Unexpected error while logs were read", err)
                reason = GoliothConnectionError("Unexpected error")
            else:
                failures = 0
                self.last_error = None
                if is_current:
                    self._report_complete(started)
                    await self._wait_for_next_read(started)
                continue
            self._note_failed_read(reason)
            wait = min(self._back_off.wait_after(failures, reason), self._poll_interval)
            failures += 1
            _LOGGER.debug("Logs cannot be read (%s): next try in %.1f s", reason, wait)
            # A new stream does not shorten this: the service may have asked for it.
            await asyncio.sleep(max(wait, self._back_off.requested_wait(reason)))

    async def _read_once(self) -> bool:
        """Fill a gap, audit the stream, or poll without one.

        Returns:
            Whether the stream is the same as at the beginning. If one was opened or
            closed meanwhile, another read is needed.

        Raises:
            GoliothError: As by `GoliothRest`. What was read until then was delivered.
        """
        await self._notice_sleep()
        stream = self._live.stream
        is_catching_up = stream is not None or self._is_interrupted
        self._is_audit = stream is not None and not self.has_gap
        self._progress.begin_read()
        was_due = self._elapsed()
        is_missing_logs = await self._filler.run(
            Read(
                LogSource.CATCH_UP if is_catching_up else LogSource.POLL,
                self._is_audit,
                self._live_since,
            )
        )
        self._progress.forget()
        if stream is not self._live.stream:
            return False
        self._is_interrupted = not self._clock.is_certain
        if stream is None:
            return True
        if self.has_gap:
            self.has_gap = False
            await self._release(stream)
        elif was_due >= stream.since + self._timing.audit_delay:
            stream.is_audited = True
        if is_missing_logs:
            _LOGGER.debug("The log stream misses logs: it is opened again")
            await stream.close()
        return True

    def _report_complete(self, started: float) -> None:
        """Report completeness, if all logs were delivered.

        Args:
            started: When the last read began, by the loop's clock.
        """
        if self._live.stream is None:
            self._set_transport(Transport.POLLING)
            self._notify(self._listener.on_complete, Transport.POLLING, started)
        elif not self.has_gap:
            self._notify(self._listener.on_complete, Transport.STREAMING, started)

    def _note_failed_read(self, reason: GoliothError) -> None:
        """Store why a read failed.

        Without a stream, also report that no logs arrive.
        """
        self.last_error = reason
        if self._live.stream is None:
            self._is_interrupted = True
            self._set_transport(None, reason)
            self._notify(self._listener.on_incomplete)

    async def _wait_for_next_read(self, started: float) -> None:
        """Wait for the next read or a stream's change."""
        loop = asyncio.get_running_loop()
        stream = self._live.stream
        if stream is None:
            due = started + self._poll_interval
        elif not stream.is_audited:
            due = (
                loop.time() + stream.since - self._elapsed() + self._timing.audit_delay
            )
        else:
            due = started + self._timing.audit_interval
        with suppress(TimeoutError):
            async with asyncio.timeout_at(max(due, loop.time())):
                await self._read_wanted.wait()

    async def _is_accepted_by_rest(self) -> bool:
        """Return whether REST accepts the credential.

        Raises:
            GoliothAuthenticationError: It does not.
        """
        await self._pace.wait_for_turn()
        try:
            await self._rest.project()
        except GoliothAuthenticationError:
            raise
        except GoliothError:
            return False
        except Exception as err:  # noqa: BLE001
            log_unexpected(_LOGGER, "Unexpected error: the credential", err)
            return False
        return True

    async def _watch_host(self) -> None:
        """Check regularly whether the host has slept."""
        while True:
            await asyncio.sleep(_WATCH_INTERVAL)
            await self._notice_sleep()

    async def _notice_sleep(self) -> None:
        """Reopen the stream if the host has slept.

        What the stream sent meanwhile is lost.
        """
        slept = self._elapsed() - asyncio.get_running_loop().time()
        slept, self._slept = slept - self._slept, slept
        if slept > _SLEEP:
            _LOGGER.debug("The host has slept: the log stream is opened again")
            self._is_interrupted = True
            self._read_wanted.set()
            await self._live.reopen()

    # Live logs that wait

    def _restart_patience(self) -> None:
        """Let live logs wait longer, because REST answers."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self._is_waiting():
            # If REST fails or is slower than the stream, live logs are delivered first.
            self._patience = asyncio.get_running_loop().call_later(
                self._timing.rest_patience, self._release_wanted.set
            )

    async def _release_forever(self) -> None:
        """Deliver waiting logs whenever REST takes too long."""
        while True:
            await self._release_wanted.wait()
            self._release_wanted.clear()
            if (stream := self._live.stream) is not None:
                await self._release(stream)

    async def _release(self, stream: OpenStream) -> None:
        """Deliver waiting logs, and stop further waiting."""
        async for entry in in_slices(stream.take_waiting()):
            if self._logs.add_streamed(entry):
                self._deliver(entry, LogSource.STREAM)
        stream.waiting = None
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _is_waiting(self) -> bool:
        """Return whether logs of the open stream wait."""
        stream = self._live.stream
        return stream is not None and stream.waiting is not None

    def _waiting_logs(self) -> Iterable[LogEntry]:
        """Return the waiting logs of the open stream."""
        stream = self._live.stream
        return () if stream is None else stream.waiting or ()

    def _live_since(self) -> int | None:
        """Return since when the stream delivers at once."""
        stream, now = self._live.stream, self._clock.now_ns
        if stream is None or self._is_waiting() or now is None:
            return None
        return self._surely_open_at(stream, now)

    def _surely_open_at(self, stream: OpenStream, now: int) -> int:
        """Return a time at which the stream was surely open.

        By the service's clock, which has whole seconds.
        """
        open_for = self._elapsed() - stream.since
        return now - int(open_for * SECOND) + SECOND

    def _streamed(self) -> tuple[int, int] | None:
        """Return the span delivered only by the open stream."""
        stream, now = self._live.stream, self._clock.now_ns
        if stream is None or now is None:
            return None
        # Logs sent earlier may be this much younger by their device's clock.
        grace = int(self._timing.audit_grace * SECOND)
        opened = self._surely_open_at(stream, now)
        start = max(self._coverage.verified, opened + grace)
        # It may have died unnoticed since it delivered last.
        silence = asyncio.get_running_loop().time() - stream.received_at
        return start, now - math.ceil(silence) * SECOND

    # Delivery

    def _deliver(self, entry: LogEntry, source: LogSource) -> None:
        # Hot path: runs once per log.
        self.delivered += 1
        try:
            self._on_log(entry, source)
        except Exception as err:  # noqa: BLE001
            # One log that fails must not block the next ones.
            log_unexpected(_LOGGER, "Unexpected error while a log was delivered", err)
        if self.delivered >= self._progress.due_count:
            self._progress.note()

    def _elapsed(self) -> float:
        return self._clock.clocks.elapsed()

    def _set_transport(
        self, transport: Transport | None, reason: GoliothError | None = None
    ) -> None:
        """Store the transport, and report a change."""
        if transport is self.transport and (self._is_reported or transport is not None):
            return
        self.transport = transport
        self.connected = transport is not None
        self._is_reported = True
        self._notify(self._listener.on_connection_change, reason)

    def _notify[*Ts](self, listener: Callable[[*Ts], None], *arguments: *Ts) -> None:
        """Call a listener; its errors must not end the feed."""
        try:
            listener(*arguments)
        except Exception as err:  # noqa: BLE001
            log_unexpected(
                _LOGGER, "Unexpected error while the feed reported its state", err
            )
