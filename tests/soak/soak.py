"""One soak, from its first log to the verdict."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
import logging
import math
import random
import socket
import tempfile
from typing import Any, Final, override

from custom_components.golioth.client import FeedTiming
from tests.demo.terminal import complain
from tests.simulator import GoliothSimulator

from .clock import WallClock, true_time_ns
from .faults import BLOCKING_REST, Fault, Stage
from .ledger import Ledger, Verdict
from .schedule import Planned
from .sessions import Sessions
from .traffic import Traffic

# The waits of the integration that are shortened; no others are.
TIMING: Final = FeedTiming(
    heartbeat=1.0,
    handshake_timeout=3.0,
    settling_time=0.2,
    lifetime_to_trust=2.0,
    shortest_wait=0.1,
    longest_random_wait=0.9,
    longest_retry_after=1.0,
    request_interval=0.01,
    audit_delay=1.0,
    audit_interval=4.0,
    audit_grace=1.0,
    rest_patience=1.5,
    retired_after=1.0,
    retry_retired=(0.5, 1.0, 2.0),
)
OPTIONS: Final = {"poll_interval": 1.0, "catch_up_window": 1.0}

# Seconds after the last fault in which everything has to arrive, and the stream to
# open.
_DEADLINE: Final = 90.0

# Seconds after that in which nothing more may come: two audits, and late logs of REST.
_SETTLING: Final = 2 * TIMING.audit_interval + TIMING.audit_delay

# Seconds after a fault in which the logs that it held up are read, and no others.
_RECOVERY: Final = 5.0

# Seconds between two progress lines.
_PROGRESS: Final = 10.0

# Seconds between two checks of a condition.
_PAUSE: Final = 0.05

# Logs that the feed remembers: older ones cannot be told from delivered ones.
_REMEMBERED: Final = 30_000

# A device's clock may be off by five minutes.
_LONGEST_LATENESS: Final = 290.0

_LONGEST_INDEXING: Final = 30.0

_HISTORY: Final = 300

# Lines of the integration's log, and logs, that are shown after a failure.
_TAIL: Final = 60
_SHOWN: Final = 15

# A client that connects to a port without a listener can, by bad luck, be given that
# very port, which blocks it. These ports are not given to clients.
_PORTS: Final = range(20_000, 32_000)


class SoakError(Exception):
    """The soak could not be run to its end."""


class _Tail(logging.Handler):
    """Keeps the last records of the integration.

    With the seconds since the start.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Start empty."""
        super().__init__(logging.DEBUG)
        self.lines: deque[str] = deque(maxlen=_TAIL)
        self.complaints: Counter[str] = Counter()
        self._now = now
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, and count errors."""
        line = f"{self._now():8.2f} {self.format(record)}"
        self.lines.append(line)
        if record.levelno >= logging.ERROR:
            self.complaints[line.partition(" ")[2].splitlines()[0].strip()] += 1
            complain(line)


class Soak:
    """The integration under load, while planned faults occur.

    Attributes:
        ledger: The sent and delivered logs.
        simulator: The service.
        sessions: Home Assistant.
        leaked: Number of requests that another origin received, which must be 0.
        streaming_after: Seconds from the last fault until a stream was open.
        complaints: Errors that the integration logged, and how often.
    """

    def __init__(self, planned: Sequence[Planned], *, rate: float, seed: int) -> None:
        """Prepare; nothing is started yet.

        Args:
            planned: The faults.
            rate: Logs per second.
            seed: Seed of the devices' logs.
        """
        self.ledger = Ledger()
        self.leaked = 0
        self.streaming_after = 0.0
        self._planned = planned
        self._rate = rate
        self._seed = seed
        self._started = 0.0
        # Fault by fault, when it was on, in seconds since the start.
        self._history: list[tuple[Fault, float, float]] = []
        self._tail = _Tail(self._now)
        self.simulator = GoliothSimulator(clock=true_time_ns)
        self.sessions: Sessions

    @property
    def complaints(self) -> Counter[str]:
        """The logged errors, and how often each was logged."""
        return self._tail.complaints

    async def run(self, seconds: float) -> Verdict:
        """Run for a time, and until everything has arrived.

        Raises:
            SoakError: Something outside of the plan stopped it.
        """
        self._started = asyncio.get_running_loop().time()
        clock = WallClock()
        async with AsyncExitStack() as stack:
            stack.enter_context(self._logging())
            stack.enter_context(clock.installed())
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-"))
            other = await stack.enter_async_context(GoliothSimulator())
            await self.simulator.start(_free_port())
            stack.push_async_callback(self.simulator.stop)
            # A late log that REST shows late is as old as both together.
            remembered = _REMEMBERED / self._rate
            traffic = Traffic(
                self.simulator,
                self.ledger,
                rate=self._rate,
                seed=self._seed,
                longest_lateness=min(_LONGEST_LATENESS, remembered * 2 / 3),
                longest_indexing=min(_LONGEST_INDEXING, seconds / 4, remembered / 5),
            )
            traffic.send_history(_HISTORY)
            self.sessions = Sessions(
                folder,
                self.simulator,
                timing=TIMING,
                options=OPTIONS,
                on_log=lambda data, session: self.ledger.add_delivery(
                    data, time=asyncio.get_running_loop().time(), session=session
                ),
            )
            stack.push_async_callback(self.sessions.stop)
            await self.sessions.start()
            clock.spread()
            await self._wait_for(lambda: self.simulator.streams == 1, _DEADLINE)
            await asyncio.sleep(TIMING.settling_time * 2)
            stage = Stage(
                simulator=self.simulator,
                other=other,
                traffic=traffic,
                sessions=self.sessions,
                clock=clock,
            )
            async with _beside(self.sessions.keep_loaded(), self._report_progress()):
                async with _beside(traffic.run()):
                    await self._carry_out(stage, seconds)
                await self._wait_for_rest()
            self.leaked = len(other.handshakes) + len(other.requests)
        return self.ledger.verdict(is_fair=self._is_rest_available)

    async def _carry_out(self, stage: Stage, seconds: float) -> None:
        """Carry out the faults; return when the service is well."""
        start = self._now()
        async with asyncio.TaskGroup() as tasks:
            for planned in self._planned:
                tasks.create_task(self._act(stage, planned, start))
            await asyncio.sleep(seconds)

    async def _act(self, stage: Stage, planned: Planned, start: float) -> None:
        """Carry out one fault at its time."""
        await asyncio.sleep(max(0.0, start + planned.start - self._now()))
        began = self._now()
        index = len(self._history)
        self._history.append((planned.fault, began, math.inf))
        await planned.fault.act(
            stage,
            random.Random(planned.seed),  # noqa: S311
            planned.duration,
        )
        self._history[index] = (planned.fault, began, self._now())

    async def _wait_for_rest(self) -> None:
        """Wait for all deliveries, and for a while after that."""
        well = self._now()
        complain(
            f"{well:7.1f} s: the service is well, {self.ledger.due} logs are missing"
        )
        try:
            async with asyncio.timeout(_DEADLINE):
                await self._wait_for(lambda: self.simulator.streams == 1)
                self.streaming_after = self._now() - well
                await self._wait_for(lambda: not self.ledger.due)
        except TimeoutError:
            return
        complain(f"{self._now():7.1f} s: everything was delivered")
        await asyncio.sleep(_SETTLING)

    async def _wait_for(
        self, condition: Callable[[], bool], timeout: float | None = None
    ) -> None:
        """Wait until a condition holds."""
        async with asyncio.timeout(timeout):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(_PAUSE)

    async def _report_progress(self) -> None:
        """Report the progress at intervals."""
        while True:
            await asyncio.sleep(_PROGRESS)
            on = ", ".join(self._fault_names_at(self._now())) or "nothing"
            complain(
                f"{self._now():7.1f} s: {len(self.ledger.sent)} logs, {self.ledger.due} under way; wrong: {on}"
            )

    def report(self, verdict: Verdict) -> None:
        """Report the results, and details of each failure."""
        for source, (took, slowest) in sorted(verdict.longest.items()):
            complain(
                f"longest by {source} while REST works: {took:.1f} s, {self._describe(slowest)}"
            )
        complain(
            f"handshakes: {len(self.simulator.handshakes)}; REST requests: {len(self.simulator.requests)};"
            f" sessions: {self.sessions.number}; reloads: {self.sessions.reloads};"
            f" streaming {self.streaming_after:.1f} s after the last fault"
        )
        for complaint, times in self.complaints.most_common(_SHOWN):
            complain(f"logged {times} times: {complaint}")
        if self.leaked:
            complain(f"another origin received {self.leaked} requests")
        wrong: tuple[tuple[str, list[int | None]], ...] = (
            ("lost", list(verdict.lost)),
            ("duplicated", list(verdict.duplicated)),
            ("out of order", [each.number for each in verdict.out_of_order]),
        )
        for title, numbers in wrong:
            for number in numbers[:_SHOWN]:
                complain(f"{title}: {self._describe(number)}")
            if len(numbers) > _SHOWN:
                complain(f"{title}: and {len(numbers) - _SHOWN} more")
        if not verdict.is_good:
            complain("The faults:")
            for fault, start, end in self._history:
                complain(f"    {start:8.2f} to {end:8.2f} {fault.name}")
            complain("The last lines of the integration's log:")
            for line in self._tail.lines:
                complain(f"    {line}")

    def _describe(self, number: int | None) -> str:
        """Return everything known about a log."""
        deliveries = ", ".join(
            f"{self._since(each.time):.2f} s by {each.source} in session {each.session}"
            for each in self.ledger.deliveries
            if each.number == number
        )
        sent = None if number is None else self.ledger.sent.get(number)
        if sent is None:
            return f"something that nobody sent, at {deliveries}"
        time = self._since(sent.time)
        return (
            f"log {number} of {sent.timestamp}, {sent.sequence} of {sent.device_id}, {sent.copies} copies,"
            f" {'' if sent.in_order else 'not '}in order, sent at {time:.2f} s"
            f" during {', '.join(self._fault_names_at(time)) or 'nothing'}; delivered at {deliveries or 'no time'}"
        )

    def _fault_names_at(self, time: float) -> Iterator[str]:
        """Yield the names of the faults at a time."""
        return (
            fault.name for fault, start, end in self._history if start <= time <= end
        )

    def _is_rest_available(self, start: float, end: float) -> bool:
        """Return whether nothing kept Home Assistant from REST.

        Between two times of the event loop.
        """
        return not any(
            fault.parts & BLOCKING_REST
            and began < self._since(end)
            and ended + _RECOVERY > self._since(start)
            for fault, began, ended in self._history
        )

    def _now(self) -> float:
        """Return the seconds since the start."""
        return self._since(asyncio.get_running_loop().time())

    def _since(self, time: float) -> float:
        """Return a loop time as seconds since the start."""
        return time - self._started

    @contextmanager
    def _logging(self) -> Iterator[None]:
        """Keep the end of the integration's log, and every error."""
        ours, root = logging.getLogger("custom_components.golioth"), logging.getLogger()
        ours.setLevel(logging.DEBUG)
        ours.addHandler(self._tail)
        ours.propagate = False
        errors = logging.StreamHandler()
        errors.setLevel(logging.ERROR)
        root.addHandler(errors)
        try:
            yield
        finally:
            root.removeHandler(errors)
            ours.propagate = True
            ours.removeHandler(self._tail)
            ours.setLevel(logging.NOTSET)


@asynccontextmanager
async def _beside(*coroutines: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run coroutines during the context, which fails if one does."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(coroutine) for coroutine in coroutines]
        yield
        for task in tasks:
            task.cancel()


def _free_port() -> int:
    """Return a free port of loopback."""
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SoakError("No port is free")
