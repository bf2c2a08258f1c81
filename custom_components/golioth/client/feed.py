"""The logs of a project as one unending feed: the policy over the connections."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from contextlib import aclosing, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
import logging
import math
import random
from time import monotonic
from typing import Final

import aiohttp
import orjson

from .delivered import SECOND, DeliveredLogs
from .endpoint import Endpoint
from .exceptions import (
    GoliothAuthenticationError,
    GoliothConnectionError,
    GoliothError,
    GoliothResponseError,
    GoliothStreamMissingError,
)
from .models import LogEntry
from .reader import LogReader
from .rest import GoliothRest
from .resume import ResumePoint
from .websocket import SLICE, LogStream, open_log_stream

_LOGGER = logging.getLogger(__name__)

# Logs that are remembered, so that they can be read again: the margin ends where these end.
_MAX_DELIVERED: Final = 30_000

# Logs after which these are noted for good, and those after which all that is remembered is looked through, where they come in
# less than a second.
_WRITE_INTERVAL: Final = 50
_FORGET_INTERVAL: Final = 3_000

# Live logs that wait for the end of a gap, and their bytes.
_MAX_WAITING: Final = 10_000
_MAX_WAITING_SIZE: Final = 16 * 1024 * 1024

# Seconds between two times that progress is told.
_PROGRESS_INTERVAL: Final = 1.0

# Nanoseconds by which the service's clock may go back, without having been wrong.
_MAX_STEP_BACK: Final = 60 * SECOND

# Streams that were there while the gaps before them could not be read.
_MAX_STREAMED: Final = 100


class LogSource(StrEnum):
    """How a log came to us."""

    STREAM = "stream"
    POLL = "poll"
    CATCH_UP = "catch_up"


class Transport(StrEnum):
    """What logs come over at present."""

    STREAMING = "streaming"
    POLLING = "polling"


class StreamState(StrEnum):
    """Where the stream is, whatever logs come over."""

    OPEN = "open"
    CLOSED = "closed"
    """It is tried again soon."""
    RETIRED = "retired"
    """The service says that there is none: it is tried again now and then."""


@dataclass(frozen=True, kw_only=True)
class FeedTiming:
    """How long the feed waits, in seconds.

    Attributes:
        heartbeat: Silence after which the other end of the stream is pinged.
        handshake_timeout: What opening the stream may take.
        settling_time: After this a stream that says nothing counts as connected. The service upgrades the connection
            first, and rejects it afterwards.
        lifetime_to_trust: After this a stream that delivered nothing resets the back-off.
        shortest_wait: Between two tries to stream, at least.
        longest_random_wait: Of chance on top, at most.
        longest_retry_after: What a service can impose on us, at most.
        request_interval: Between two REST requests of a gap, at least.
        margin: How far before the resume point is read again: five minutes, by which a device's clock may be wrong or
            its log late, and one in which REST shows what it has received.
        audit_delay: From a connect to its first audit.
        audit_interval: Between audits.
        audit_grace: The age from which on an audit expects that the stream has delivered what REST shows.
        rest_patience: How long live logs wait for a REST that fails.
        retired_after: How long the stream must have been missing to be taken for retired.
        retry_retired: Between tries to stream after that: the first, the second, and all later ones.
    """

    heartbeat: float = 20.0
    handshake_timeout: float = 15.0
    settling_time: float = 1.0
    lifetime_to_trust: float = 60.0
    shortest_wait: float = 1.0
    longest_random_wait: float = 35.0
    longest_retry_after: float = 600.0
    request_interval: float = 0.5
    margin: float = 360.0
    audit_delay: float = 30.0
    audit_interval: float = 300.0
    audit_grace: float = 10.0
    rest_patience: float = 10.0
    retired_after: float = 300.0
    retry_retired: tuple[float, ...] = (600.0, 3600.0, 14400.0)


class _Retirement:
    """Finds out whether the stream has been retired: answers in a row, over some time, that it is not there."""

    def __init__(self, timing: FeedTiming) -> None:
        self._timing = timing
        self._answers = 0
        self._since = 0.0
        self._tries = 0

    def wait_after(self, is_missing: bool, now: float) -> float | None:
        """Note how a try has ended; return the seconds until the next one if the stream has been retired."""
        if not is_missing:
            self._answers = self._tries = 0
            return None
        if not self._answers:
            self._since = now
        self._answers += 1
        if self._answers < 3 or now - self._since < self._timing.retired_after:
            return None
        waits = self._timing.retry_retired
        self._tries += 1
        return waits[min(self._tries, len(waits)) - 1]


class _OpenStream:
    """A stream while it is open.

    Attributes:
        since: When it was opened, by the loop's clock.
        has_received: Whether it has given a log.
        is_audited: Whether it has been audited.
        waiting: Its logs while the gap before it is read; None where they need not wait.
        is_released: Whether its logs wait only for those before them.
        complete_from: The second since 1970 from which on it has delivered everything, noted once something before it has
            to be read later; None before that.
        patience: Ends the waiting where REST fails.
    """

    def __init__(self, stream: LogStream, since: float) -> None:
        self.since = since
        self.has_received = False
        self.is_audited = False
        self.waiting: deque[LogEntry] | None = deque()
        self.is_released = False
        self.complete_from: int | None = None
        self.patience: asyncio.TimerHandle | None = None
        self._stream = stream
        self._waiting_size = 0

    @property
    def heard_at(self) -> float:
        """When its last log came, by the monotonic clock."""
        return self._stream.heard_at

    async def close(self) -> None:
        """End it."""
        await self._stream.close()

    def add_waiting(self, entry: LogEntry) -> bool:
        """Let a log wait; return whether more wait than should."""
        assert self.waiting is not None
        self.waiting.append(entry)
        self._waiting_size += len(orjson.dumps(entry[1:]))
        return (
            len(self.waiting) > _MAX_WAITING or self._waiting_size > _MAX_WAITING_SIZE
        )


class LogFeed:
    """Delivers every log of a project exactly once, for as long as it runs.

    The stream delivers as it receives. REST fills what the stream cannot have delivered: the gap before it opened, all
    of the time while there is none, and, asked again and again, whatever it missed.

    Attributes:
        connected: Whether logs arrive, over either transport.
        transport: The transport in use; None while not connected.
        delivered: Logs delivered so far.
        caught_up: Of these, the ones that filled a gap before a stream.
        found_by_audit: Of these, the ones that an audit found.
        ignored: Documents of the stream so far that were no logs.
        opened: Streams opened so far.
        unreadable: Logs so far that REST has, but cannot be made to give.
        last_error: Why the last connection or request failed; None since one has worked.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        endpoint: Endpoint,
        rest: GoliothRest,
        *,
        on_log: Callable[[LogEntry, LogSource], None],
        on_history: Callable[[LogEntry], None],
        on_connection_change: Callable[[GoliothError | None], None],
        on_gap: Callable[[int, int], None],
        on_complete: Callable[[Transport, float], None],
        on_incomplete: Callable[[], None],
        on_progress: Callable[[], None],
        resume_point: ResumePoint | None,
        poll_interval: float,
        catch_up_window: float,
        device_ids: Callable[[], Collection[str]] = tuple,
        timing: FeedTiming,
    ) -> None:
        """Prepare, without a connection.

        Args:
            session: Its connections are used; it stays open.
            endpoint: The project.
            rest: The REST API of the same project.
            on_log: Called for each log; where the stream delivers, in the loop turn of its frame.
            on_history: Called for recent logs before the very first start, oldest first: these are for display only.
            on_connection_change: Called when `connected` or `transport` has changed, and once if there was no connection
                from the start; with the reason while there is none.
            on_gap: Called with two times, in nanoseconds since 1970, between which logs were not delivered, because they
                lie before the catch-up window.
            on_complete: Called when every log until a moment ago has been delivered, with what the next ones will come over,
                and with that moment by the loop's clock: when nothing is missing before an open stream any more, and after each
                poll.
            on_incomplete: Called when that cannot be said any more, until `on_complete` is called: when a stream is opened or
                closed, and when logs cannot be read while there is none.
            on_progress: Called when `resume_point` has changed, at once or within a second; not any more when the feed has
                been cancelled.
            resume_point: Where an earlier feed ended; None for the very first start.
            poll_interval: Seconds between two reads while there is no stream.
            catch_up_window: Seconds that a gap may reach back.
            device_ids: Returns Golioth's IDs of the project's devices.
            timing: How long it waits.
        """
        self.connected = False
        self.transport: Transport | None = None
        self.delivered = 0
        self.caught_up = 0
        self.found_by_audit = 0
        self.ignored = 0
        self.opened = 0
        self.unreadable = 0
        self.last_error: GoliothError | None = None
        self._session = session
        self._endpoint = endpoint
        self._rest = rest
        self._on_log = on_log
        self._on_history = on_history
        self._on_connection_change = on_connection_change
        self._on_gap = on_gap
        self._on_complete = on_complete
        self._on_incomplete = on_incomplete
        self._on_progress = on_progress
        self._poll_interval = poll_interval
        self._catch_up_window = catch_up_window
        self._timing = timing
        self._logs = DeliveredLogs(_MAX_DELIVERED)
        self._reader = LogReader(
            rest,
            count_known=self._logs.count,
            device_ids=device_ids,
            on_answer=self._on_rest_answer,
            request_interval=timing.request_interval,
        )
        self._is_told = False
        # Until when everything has been delivered, in nanoseconds of the service's clock.
        self._resume_ns: int | None = None
        # Until when logs from before the beginning are still to be shown; None where they have been.
        self._history_end_ns: int | None = None
        # The seconds from and to which earlier streams delivered everything, while something before them was still to be read.
        self._streamed: deque[tuple[int, int]] = deque(maxlen=_MAX_STREAMED)
        if resume_point is not None:
            self._resume_ns = resume_point.time_ns
            try:
                self._logs.restore(resume_point.delivered())
            except ValueError, KeyError, TypeError, AttributeError:
                _LOGGER.warning("The stored logs are unusable: some may be repeated")
            self._streamed.extend(self._logs.holes)
        self._stream: _OpenStream | None = None
        self._is_retired = False
        # Whether something before the open stream is still to be read.
        self._has_gap = True
        self._stream_tried = asyncio.Event()
        self._stream_changed = asyncio.Event()
        # The time of the newest log that says where to go on, which the resume point has not moved to yet.
        self._streamed_until_ns = 0
        # How many logs had been delivered when progress was told last.
        self._told = 0
        self._progress_timer: asyncio.TimerHandle | None = None
        # How many logs will have been delivered when there is something to do about them, at once where no timer runs, and when
        # what is remembered is to be looked through.
        self._progress_at = 0
        self._forget_at = 0
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def resume_point(self) -> ResumePoint | None:
        """Where to go on after a restart; None before the first start."""
        if self._resume_ns is None:
            return None
        self._forget()
        return ResumePoint(self._resume_ns, self._logs.freeze())

    @property
    def resume_age(self) -> float | None:
        """How far the resume point is behind the service's clock, in seconds; None while either is not known."""
        now_ns = self._rest.server_time_ns
        if self._resume_ns is None or now_ns is None:
            return None
        return (now_ns - self._resume_ns) / SECOND

    @property
    def stream_state(self) -> StreamState:
        """Where the stream is."""
        if self._stream is not None:
            return StreamState.OPEN
        return StreamState.RETIRED if self._is_retired else StreamState.CLOSED

    async def run(self) -> None:
        """Deliver logs until cancelled.

        Raises:
            GoliothAuthenticationError: Golioth rejects the credential, over WebSocket and over REST.
        """
        rejection: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._stream_forever())
                self._tasks.create_task(self._read_forever())
        except* GoliothAuthenticationError as rejections:
            rejection = rejections.exceptions[0]
        finally:
            if self._progress_timer is not None:
                self._progress_timer.cancel()
        assert isinstance(rejection, GoliothAuthenticationError)
        self.last_error = rejection
        self._set_transport(None, rejection)
        raise rejection

    # The stream

    async def _stream_forever(self) -> None:
        """Keep a stream open."""
        loop = asyncio.get_running_loop()
        retirement = _Retirement(self._timing)
        failures = 0
        while True:
            tried_at = loop.time()
            is_missing = False
            reason: GoliothError
            try:
                await self._stream_once()
            except GoliothAuthenticationError as err:
                is_missing, reason = await self._is_accepted_by_rest(), err
            except GoliothStreamMissingError as err:
                is_missing, reason = True, err
            except GoliothError as err:
                reason = err
            except Exception:
                # Not to be expected, and no reason to leave the user without logs.
                _LOGGER.exception("Unexpected error in the log stream")
                reason = GoliothConnectionError("Unexpected error")
            self.last_error = reason
            self._stream_tried.set()
            if (stream := self._stream) is not None:
                if (
                    stream.has_received
                    or loop.time() - stream.since >= self._timing.lifetime_to_trust
                ):
                    failures = 0
                await self._close_stream(stream)
            wait = retirement.wait_after(is_missing, tried_at)
            self._is_retired = wait is not None
            if wait is None:
                wait = self._wait_after(failures, reason)
            _LOGGER.debug("No log stream (%s): next try in %.1f s", reason, wait)
            failures += 1
            await asyncio.sleep(wait)

    async def _stream_once(self) -> None:
        """Receive the logs of one stream until it ends, which always raises."""
        loop = asyncio.get_running_loop()
        async with open_log_stream(
            self._session,
            self._endpoint,
            handshake_timeout=self._timing.handshake_timeout,
            heartbeat=self._timing.heartbeat,
        ) as connection:
            stream = self._open_stream(connection)
            settling = loop.call_later(
                self._timing.settling_time, self._set_transport, Transport.STREAMING
            )
            try:
                await connection.deliver(partial(self._receive, stream), self._ignore)
            finally:
                settling.cancel()
                if stream.patience is not None:
                    stream.patience.cancel()

    def _open_stream(self, connection: LogStream) -> _OpenStream:
        """Have the gap before the stream read, while its logs wait."""
        now = asyncio.get_running_loop().time()
        self._stream = stream = _OpenStream(connection, now)
        self.opened += 1
        self._has_gap = True
        self._restart_patience()
        self._stream_tried.set()
        self._stream_changed.set()
        self._tell(self._on_incomplete)
        return stream

    async def _close_stream(self, stream: _OpenStream) -> None:
        """Deliver what waits, because only the stream may have had it, and have REST take over."""
        self._settle()
        if self._has_gap:
            self._keep_gap(stream)
        await self._release(stream)
        if (span := self._streamed_by(stream)) is not None:
            self._streamed.append(span)
        self._stream = None
        self._stream_changed.set()
        self._tell(self._on_incomplete)

    def _ignore(self) -> None:
        """Count a document that is no log."""
        self.ignored += 1

    def _receive(
        self, stream: _OpenStream, entry: LogEntry, *, is_due: bool = False
    ) -> None:
        """Deliver a log of the stream, unless REST was faster.

        Args:
            stream: Where it came from.
            entry: The log.
            is_due: Whether it need not wait any more, although others may.
        """
        # Every log of a fleet comes through here: what is not done for each one counts.
        if not stream.has_received:
            stream.has_received = True
            self._set_transport(Transport.STREAMING)
        if stream.waiting is not None and not is_due:
            if stream.add_waiting(entry):
                self._lose_patience(stream)
            return
        if not self._logs.add_streamed(entry):
            return
        # As long as there is a gap before it, a log says nothing of where to go on.
        if (
            not self._has_gap
            and (time_ns := entry.timestamp_ns) is not None
            and time_ns > self._streamed_until_ns
        ):
            self._streamed_until_ns = time_ns
        # What `_deliver` does, without another call.
        self.delivered += 1
        try:
            self._on_log(entry, LogSource.STREAM)
        except Exception:
            _LOGGER.exception("Unexpected error while a log was delivered")
        if self.delivered >= self._progress_at:
            self._progress()

    async def _release(self, stream: _OpenStream) -> None:
        """Deliver the logs that wait, and let no more wait."""
        loop = asyncio.get_running_loop()
        pause = loop.time() + SLICE
        while stream.waiting:
            self._receive(stream, stream.waiting.popleft(), is_due=True)
            if loop.time() >= pause:
                await asyncio.sleep(0)
                pause = loop.time() + SLICE
        stream.waiting = None
        if stream.patience is not None:
            stream.patience.cancel()

    async def _is_accepted_by_rest(self) -> bool:
        """Ask REST whether the credential is good, because a front end may reject what it no longer serves.

        Raises:
            GoliothAuthenticationError: It is not.
        """
        await self._reader.wait_for_turn()
        try:
            await self._rest.project()
        except GoliothAuthenticationError:
            raise
        except GoliothError:
            return False
        except Exception:
            _LOGGER.exception("Unexpected error while the credential was checked")
            return False
        return True

    def _wait_after(self, failures: int, reason: GoliothError) -> float:
        """Return the seconds until the next try."""
        # More failures than that do not lengthen the wait, and their power of two is no float one day.
        chance = min(self._timing.longest_random_wait, 2 ** min(failures, 10))
        # At least half of it, because in an hour of outage no more than 150 tries may be made.
        wait = self._timing.shortest_wait + random.uniform(chance / 2, chance)  # noqa: S311
        return max(wait, self._asked_to_wait(reason))

    # REST

    async def _read_forever(self) -> None:
        """Read what the stream has not delivered, whenever that may be something."""
        loop = asyncio.get_running_loop()
        # Subscribe first: then nothing can be lost between the end of the gap and the first live log.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timing.settling_time):
                await self._stream_tried.wait()
        failures = 0
        while True:
            self._stream_changed.clear()
            started = loop.time()
            try:
                await self._read_missing()
            except GoliothAuthenticationError:
                raise
            except GoliothError as err:
                reason = err
            except Exception:
                _LOGGER.exception("Unexpected error while logs were read")
                reason = GoliothConnectionError("Unexpected error")
            else:
                failures = 0
                self.last_error = None
                if self._stream is None:
                    self._set_transport(Transport.POLLING)
                    self._tell(self._on_complete, Transport.POLLING, started)
                elif not self._has_gap:
                    self._tell(self._on_complete, Transport.STREAMING, started)
                await self._wait_for_next_read(started)
                continue
            self.last_error = reason
            if self._stream is None:
                self._set_transport(None, reason)
                self._tell(self._on_incomplete)
            failures += 1
            wait = min(self._wait_after(failures, reason), self._poll_interval)
            _LOGGER.debug("Logs cannot be read (%s): next try in %.1f s", reason, wait)
            # Not even a new stream makes this shorter: the service may have asked for it.
            await asyncio.sleep(max(wait, self._asked_to_wait(reason)))

    async def _wait_for_next_read(self, started: float) -> None:
        """Wait until the next read is due, or the stream has been opened or closed."""
        loop = asyncio.get_running_loop()
        stream = self._stream
        if stream is None:
            due = started + self._poll_interval
        elif not stream.is_audited:
            due = stream.since + self._timing.audit_delay
        else:
            due = started + self._timing.audit_interval
        with suppress(TimeoutError):
            async with asyncio.timeout_at(max(due, loop.time())):
                await self._stream_changed.wait()

    async def _read_missing(self) -> None:
        """Fill the gap before the stream, audit the stream, or poll where there is none.

        Raises:
            GoliothError: As by `GoliothRest`. What was read until then has been delivered.
        """
        stream = self._stream
        now_ns = await self._server_time_ns()
        self._settle()
        if self._resume_ns is None:
            await self._begin(now_ns)
        else:
            if self._resume_ns > now_ns + _MAX_STEP_BACK:
                self._go_back(now_ns)
            if stream is None:
                await self._fill_gap(None, now_ns, LogSource.POLL)
            elif self._has_gap:
                await self._fill_gap(stream, now_ns, LogSource.CATCH_UP)
            else:
                await self._audit(stream, now_ns)
            if self._history_end_ns is not None:
                await self._show_history(self._history_end_ns)
        if stream is None or stream is not self._stream:
            return
        self._has_gap = False
        await self._release(stream)

    async def _begin(self, now_ns: int) -> None:
        """Show recent logs, without an event, and begin with what comes from now on.

        Raises:
            GoliothError: As by `GoliothRest.logs`. It has begun nevertheless, because what the stream delivers can only be
                kept within bounds from then on.
        """
        try:
            window = await self._reader.ask()
        except GoliothError:
            self._history_end_ns = now_ns
            self._logs.clear(now_ns // SECOND)
            self._resume_ns = now_ns
            self._tell(self._on_progress)
            raise
        now = await self._server_time_ns() // SECOND
        # What these logs are known back to: late ones of that time will be told from them.
        floor = now - int(self._timing.margin)
        if not window.is_complete and window.entries:
            floor = max(floor, (window.entries[0].timestamp_ns or 0) // SECOND + 1)
        self._logs.forget(floor, now, now)
        self._logs.add_history(window.entries)
        self._resume_ns = now * SECOND
        for entry in window.entries:
            self._tell(self._on_history, entry)
        self._tell(self._on_progress)

    async def _show_history(self, end_ns: int) -> None:
        """Show the logs from before the beginning, which could not be read then."""
        window = await self._reader.ask(None, end_ns)
        self._history_end_ns = None
        for entry in window.entries:
            if (entry.timestamp_ns or 0) < end_ns:
                self._tell(self._on_history, entry)

    def _go_back(self, now_ns: int) -> None:
        """Read the margin again, because the service's clock was ahead: nothing from before it is known."""
        _LOGGER.debug("Golioth's clock was ahead: recent logs are read again")
        self._logs.clear((now_ns - int(self._timing.margin * SECOND)) // SECOND)
        self._streamed.clear()
        self._resume_ns = now_ns
        self._tell(self._on_progress)

    async def _fill_gap(
        self, stream: _OpenStream | None, now_ns: int, source: LogSource
    ) -> None:
        """Deliver everything from the resume point until now."""
        start_ns = await self._start_of_gap(now_ns)
        # A device's clock may be ahead. Where live logs do not wait, they race with REST: these are left to the audit.
        is_racing = stream is not None and stream.waiting is None
        reach = -self._timing.audit_grace if is_racing else self._timing.margin + 2
        end_ns = now_ns + int(reach * SECOND)

        def deliver(entry: LogEntry) -> None:
            self.caught_up += source is LogSource.CATCH_UP
            self._deliver(entry, source)

        # While there is a stream, what comes meanwhile comes by it.
        clock = self._now_ns if stream is None else None
        await self._read(start_ns, end_ns, deliver, clock)
        self._advance(min(now_ns, end_ns))
        self._forget()

    async def _audit(self, stream: _OpenStream, now_ns: int) -> None:
        """Deliver what the stream should have delivered, and open it again if it has missed anything."""
        loop = asyncio.get_running_loop()
        start_ns = await self._start_of_gap(now_ns)
        grace_ns = int(self._timing.audit_grace * SECOND)
        has_missed = False
        since_ns = self._opened_before_ns(stream, now_ns)

        def deliver(entry: LogEntry) -> None:
            nonlocal has_missed
            self.found_by_audit += 1
            self._deliver(entry, LogSource.CATCH_UP)
            # A log from before the stream may only have been indexed late.
            has_missed |= (entry.timestamp_ns or 0) > since_ns

        await self._read(start_ns, now_ns - grace_ns, deliver)
        self._advance(now_ns - grace_ns)
        if loop.time() >= stream.since + self._timing.audit_delay:
            stream.is_audited = True
        if has_missed and stream is self._stream:
            _LOGGER.debug("The log stream misses logs: it is opened again")
            await stream.close()

    async def _start_of_gap(self, now_ns: int) -> int:
        """Return the time to read from, and tell what lies before the catch-up window."""
        assert self._resume_ns is not None
        margin = self._timing.margin
        # What is within the margin is read again anyway.
        window = max(self._catch_up_window, margin)
        earliest_ns = now_ns - int(window * SECOND)
        if self._resume_ns < earliest_ns:
            await self._tell_lost(self._resume_ns, earliest_ns)
            self._resume_ns = earliest_ns
            self._forget(earliest_ns // SECOND)
        start = max(
            (self._resume_ns - int(margin * SECOND)) // SECOND, self._logs.floor
        )
        return start * SECOND

    async def _tell_lost(self, start_ns: int, end_ns: int) -> None:
        """Tell between which times of a span there are logs that were not delivered."""
        for streamed_from, streamed_until in [*self._spans(), (end_ns // SECOND, 0)]:
            until_ns = min(streamed_from * SECOND, end_ns)
            if start_ns < until_ns:
                lost = await self._reader.ask(start_ns, until_ns)
                if lost.entries or lost.total:
                    self._tell(self._on_gap, start_ns, until_ns)
            start_ns = max(start_ns, streamed_until * SECOND)

    async def _read(
        self,
        start_ns: int,
        end_ns: int,
        deliver: Callable[[LogEntry], None],
        clock: Callable[[], int] | None = None,
    ) -> None:
        """Deliver the logs of a span that have not been delivered. The clock is the one of `LogReader.read`."""
        loop = asyncio.get_running_loop()
        position = start_ns
        end_ns += -end_ns % SECOND
        while position < end_ns:
            end = end_ns
            # What a stream delivered meanwhile, and is not remembered.
            for hole_start, hole_end in self._logs.holes:
                if position < hole_end * SECOND:
                    if position >= hole_start * SECOND:
                        position = hole_end * SECOND
                    else:
                        end = min(end, hole_start * SECOND)
            if position >= end:
                continue
            async with aclosing(self._reader.read(position, end, clock)) as slices:
                async for part in slices:
                    pause = loop.time() + SLICE
                    for entry in self._logs.add_read(part.entries):
                        deliver(entry)
                        if loop.time() >= pause:
                            await asyncio.sleep(0)
                            pause = loop.time() + SLICE
                    if part.missing:
                        self.unreadable += part.missing
                        _LOGGER.warning(
                            "Golioth has %d logs of one moment that it does not give",
                            part.missing,
                        )
                    position = part.end_ns
                    if part.is_whole:
                        self._advance(position)

    async def _server_time_ns(self) -> int:
        """Return the time of the service's clock, and ask for it if it has not told it yet.

        Raises:
            GoliothError: As by `GoliothRest.project`, or the service does not tell it.
        """
        # It takes two answers to be sure.
        for _ in range(2):
            if self._rest.server_time_ns is None:
                await self._reader.wait_for_turn()
                await self._rest.project()
                self._on_rest_answer()
        if (time_ns := self._rest.server_time_ns) is None:
            raise GoliothResponseError("The service does not tell its time")
        return time_ns

    def _now_ns(self) -> int:
        """Return the time of the service's clock, or the beginning of time where it is not known."""
        return self._rest.server_time_ns or 0

    def _on_rest_answer(self) -> None:
        """Be patient for longer, because REST does answer."""
        self._restart_patience()

    def _restart_patience(self) -> None:
        stream = self._stream
        if stream is None or stream.waiting is None:
            return
        if stream.patience is not None:
            stream.patience.cancel()
        stream.patience = asyncio.get_running_loop().call_later(
            self._timing.rest_patience, self._lose_patience, stream
        )

    def _lose_patience(self, stream: _OpenStream) -> None:
        """Deliver live logs before the gap: REST fails, or is slower than the logs come."""
        if stream.waiting is None or stream.is_released or self._tasks is None:
            return
        stream.is_released = True
        self._keep_gap(stream)
        self._tasks.create_task(self._release(stream))

    def _keep_gap(self, stream: _OpenStream) -> None:
        """Remember what else than this stream's own logs is delivered, as long as the gap before it is still to be read."""
        now_ns = self._rest.server_time_ns
        if now_ns is not None and stream.complete_from is None:
            # What was sent before the stream was opened may be this much younger by its device's clock.
            grace_ns = int(self._timing.audit_grace * SECOND)
            opened_ns = self._opened_before_ns(stream, now_ns) + grace_ns
            stream.complete_from = -(-opened_ns // SECOND)

    def _opened_before_ns(self, stream: _OpenStream, now_ns: int) -> int:
        """Return a time by which the stream was open for sure, by the service's clock, which tells whole seconds."""
        open_for = asyncio.get_running_loop().time() - stream.since
        return now_ns - int(open_for * SECOND) + SECOND

    # What is common to both

    def _deliver(self, entry: LogEntry, source: LogSource) -> None:
        # A log that was read before a new stream has settled: that logs arrive is told before the log.
        if self.transport is None:
            self._set_transport(
                Transport.POLLING if self._stream is None else Transport.STREAMING
            )
        self.delivered += 1
        try:
            self._on_log(entry, source)
        except Exception:
            # One log that nobody can digest must not keep the next ones away.
            _LOGGER.exception("Unexpected error while a log was delivered")
        if self.delivered >= self._progress_at:
            self._progress()

    def _progress(self) -> None:
        """Tell of the logs since the last time, unless that is to wait, and keep what is remembered in order."""
        if self._progress_timer is None:
            self._tell_progress()
        elif self.delivered >= self._forget_at:
            self._forget()
        else:
            self._logs.write()
            self._progress_at = self.delivered + _WRITE_INTERVAL

    def _tell_progress(self) -> None:
        """Tell of the logs since the last time, now, and of those to come in a second at the earliest."""
        self._progress_timer = None
        self._progress_at = 0
        # Even where the resume point stays where it is, what is known around it has changed.
        if self.delivered != self._told:
            self._told = self.delivered
            self._forget()
            self._tell(self._on_progress)
            self._progress_timer = asyncio.get_running_loop().call_later(
                _PROGRESS_INTERVAL, self._tell_progress
            )
            self._progress_at = self.delivered + _WRITE_INTERVAL

    def _settle(self) -> None:
        """Move the resume point to the last log of the stream, but never back, nor past the service's own clock."""
        server_time_ns = self._rest.server_time_ns
        if self._resume_ns is not None and server_time_ns is not None:
            time_ns = min(self._streamed_until_ns, server_time_ns)
            self._resume_ns = max(self._resume_ns, time_ns)
        # It must not move on with the service's clock, once there is a gap.
        self._streamed_until_ns = 0

    def _advance(self, time_ns: int) -> None:
        """Move the resume point, but never back, nor past the service's own clock."""
        server_time_ns = self._rest.server_time_ns
        if self._resume_ns is None or server_time_ns is None:
            return
        if (time_ns := min(time_ns, server_time_ns)) > self._resume_ns:
            self._resume_ns = time_ns
            self._tell(self._on_progress)

    def _forget(self, before: int = 0) -> None:
        """Keep what is remembered within its bounds, and nothing from before a second."""
        self._forget_at = self.delivered + _FORGET_INTERVAL
        if self._progress_timer is not None:
            self._progress_at = self.delivered + _WRITE_INTERVAL
        self._settle()
        now_ns = self._rest.server_time_ns
        resume = (self._resume_ns or 0) // SECOND
        self._logs.forget(
            max(before, resume - int(self._timing.margin)),
            None if now_ns is None else now_ns // SECOND,
            resume,
            self._spans(),
        )

    def _spans(self) -> list[tuple[int, int]]:
        """Return the seconds from and to which streams delivered everything while something before them was to be read."""
        spans = list(self._streamed)
        if (stream := self._stream) is not None and (
            span := self._streamed_by(stream)
        ) is not None:
            spans.append(span)
        return spans

    def _streamed_by(self, stream: _OpenStream) -> tuple[int, int] | None:
        """Return from and to which second a stream has delivered everything, if that is known."""
        now_ns = self._rest.server_time_ns
        if stream.complete_from is None or now_ns is None:
            return None
        # Nobody can tell whether it has ended, but what it has delivered last.
        silence = monotonic() - stream.heard_at
        return stream.complete_from, now_ns // SECOND - math.ceil(silence)

    def _set_transport(
        self, transport: Transport | None, reason: GoliothError | None = None
    ) -> None:
        """Tell what logs come over, where that has changed."""
        if transport is self.transport and (self._is_told or transport is not None):
            return
        self.transport = transport
        self.connected = transport is not None
        self._is_told = True
        self._tell(self._on_connection_change, reason)

    def _tell[*Ts](self, listener: Callable[[*Ts], None], *arguments: *Ts) -> None:
        """Tell a listener, whose mistakes must not end the feed."""
        try:
            listener(*arguments)
        except Exception:
            _LOGGER.exception("Unexpected error while the state of the feed was told")

    def _asked_to_wait(self, reason: GoliothError) -> float:
        """Return the seconds that the service asked us to wait, within reason."""
        asked_for = (
            reason.retry_after if isinstance(reason, GoliothConnectionError) else None
        )
        return min(asked_for or 0.0, self._timing.longest_retry_after)
