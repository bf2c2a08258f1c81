"""A simulated event loop, and the timetable around it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context
import heapq
from itertools import count
import math
from typing import Any, Final, override

# The host's monotonic clock starts with the host, not with the integration.
_UPTIME: Final = 1000.0

# Seconds for one document; without it, a loop that yields after some milliseconds would
# never yield.
DOCUMENT_COST: Final = 20e-6


class DeadlockError(Exception):
    """Nothing is left that could ever happen."""


class Timetable:
    """Events outside of the host, in true time.

    Attributes:
        now: Seconds since the start.
        slept: Seconds that the host has slept until now.
    """

    def __init__(self) -> None:
        """Start without events."""
        self.now = 0.0
        self.slept = 0.0
        self.asleep_until = 0.0
        self._events: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]]
        self._events = []
        self._numbers = count()

    def at(
        self, time: float, callback: Callable[..., object], *arguments: object
    ) -> None:
        """Schedule a call at a time."""
        entry = (time, next(self._numbers), callback, arguments)
        heapq.heappush(self._events, entry)

    def after(
        self, delay: float, callback: Callable[..., object], *arguments: object
    ) -> None:
        """Schedule a call after a delay in seconds."""
        self.at(self.now + delay, callback, *arguments)

    def play(self, steps: Iterable[float]) -> None:
        """Run a generator that yields pauses in seconds."""
        iterator = iter(steps)

        def step() -> None:
            pause = next(iterator, None)
            if pause is not None:
                self.after(pause, step)

        step()

    def sleep_host(self, duration: float) -> None:
        """Put the host to sleep while the world continues."""
        self.asleep_until = max(self.asleep_until, self.now + duration)

    @property
    def is_asleep(self) -> bool:
        """Whether the host sleeps."""
        return self.now < self.asleep_until

    def next_time(self) -> float:
        """Return the time of the next event, or infinity."""
        return self._events[0][0] if self._events else math.inf

    def run_next(self) -> None:
        """Advance to the next event, and run it."""
        time, _, callback, arguments = heapq.heappop(self._events)
        self.now = max(self.now, time)
        callback(*arguments)


class _Selector:
    """Replaces the operating system: waiting makes time pass."""

    def __init__(self, loop: SimulatedLoop, timetable: Timetable) -> None:
        self._loop = loop
        self._timetable = timetable

    def select(self, timeout: float | None) -> list[Any]:
        """Advance until a timer is due or something is ready."""
        table, loop = self._timetable, self._loop
        loop.end_iteration()
        target = math.inf if timeout is None else table.now + timeout
        ready = loop.ready
        while True:
            if table.now < table.asleep_until:
                target += self._sleep()
                if ready:
                    return []
            due = table.next_time()
            if due > target:
                break
            if due == math.inf:
                raise DeadlockError("Nothing is left to happen")
            table.run_next()
            if ready and table.now >= table.asleep_until and timeout != 0:
                return []
        table.now = max(table.now, target)
        return []

    def _sleep(self) -> float:
        """Advance until the host wakes; return the seconds slept."""
        table = self._timetable
        began = table.now
        while table.next_time() <= table.asleep_until:
            table.run_next()
        table.now = max(table.now, table.asleep_until)
        slept = table.now - began
        table.slept += slept
        return slept


class _Task[T](asyncio.Task[T]):
    """A task whose hash depends on its order of creation.

    Its place in a set is the same in every process then.
    """

    _numbers = count(1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._number = next(_Task._numbers)
        super().__init__(*args, **kwargs)

    @override
    def __hash__(self) -> int:
        return self._number

    @override
    def __eq__(self, other: object) -> bool:
        return self is other


class SimulatedLoop(asyncio.BaseEventLoop):
    """An event loop whose time passes by waiting.

    A little passes by working, too.

    Attributes:
        work: Documents handled in this iteration.
        most_work: Documents of the busiest iteration so far.
        iterations: Iterations so far.
    """

    _ready: Any
    _clock_resolution: float

    def __init__(self, timetable: Timetable) -> None:
        """Start with the world's clock."""
        super().__init__()
        self._timetable = timetable
        self._selector = _Selector(self, timetable)
        self._clock_resolution = 1e-9
        self.ready = self._ready
        self.work = 0
        self.most_work = 0
        self.iterations = 0
        self._after_iterations: list[tuple[int, Callable[[], object]]] = []
        self.set_task_factory(_make_task)

    @override
    def time(self) -> float:
        """Return the host's monotonic clock, which stops during sleep."""
        return _UPTIME + self._timetable.now - self._timetable.slept

    def do_work(self) -> None:
        """Count one document, and advance by its cost."""
        self.work += 1
        self._timetable.now += DOCUMENT_COST

    def end_iteration(self) -> None:
        """Count an iteration, and run the calls due after it."""
        self.iterations += 1
        if self.work:
            self.most_work = max(self.most_work, self.work)
            self.work = 0
        if self._after_iterations:
            due = [
                each for each in self._after_iterations if each[0] <= self.iterations
            ]
            if due:
                self._after_iterations = [
                    each for each in self._after_iterations if each[0] > self.iterations
                ]
                for _, callback in due:
                    callback()

    def after_iterations(self, iterations: int, callback: Callable[[], object]) -> None:
        """Schedule a call after some iterations, outside of any task."""
        self._after_iterations.append((self.iterations + iterations, callback))

    def _process_events(self, _events: list[Any]) -> None:
        """Do nothing: there is no input."""

    def _write_to_self(self) -> None:
        """Do nothing: there are no other threads."""


def _make_task(
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, Any],
    *,
    name: str | None = None,
    context: Context | None = None,
    eager_start: bool | None = None,
) -> _Task[Any]:
    return _Task(
        coroutine, loop=loop, name=name, context=context, eager_start=eager_start
    )
