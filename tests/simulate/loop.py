"""An event loop whose clock is simulated, and the timetable of the world around it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context
import heapq
from itertools import count
import math
from typing import Any, Final, override

# Where the host's monotonic clock begins: it starts with the host, not with the integration.
_UPTIME: Final = 1000.0

# What one document costs, in seconds: a loop that yields after so many milliseconds would never do so otherwise.
DOCUMENT_COST: Final = 20e-6


class DeadlockError(Exception):
    """Nothing is left that could ever happen."""


class Timetable:
    """What happens in the world outside of the host, in its true time.

    Attributes:
        now: Seconds since the start.
        slept: How long the host has slept until now.
    """

    def __init__(self) -> None:
        """Start with nothing to come."""
        self.now = 0.0
        self.slept = 0.0
        self.asleep_until = 0.0
        self._events: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]]
        self._events = []
        self._numbers = count()

    def at(
        self, time: float, callback: Callable[..., object], *arguments: object
    ) -> None:
        """Call something at a time."""
        entry = (time, next(self._numbers), callback, arguments)
        heapq.heappush(self._events, entry)

    def after(
        self, delay: float, callback: Callable[..., object], *arguments: object
    ) -> None:
        """Call something in so many seconds."""
        self.at(self.now + delay, callback, *arguments)

    def play(self, steps: Iterable[float]) -> None:
        """Run a generator that yields the seconds until it goes on."""
        iterator = iter(steps)

        def step() -> None:
            pause = next(iterator, None)
            if pause is not None:
                self.after(pause, step)

        step()

    def sleep_host(self, duration: float) -> None:
        """Let the host sleep from now on, while the world goes on."""
        self.asleep_until = max(self.asleep_until, self.now + duration)

    @property
    def is_asleep(self) -> bool:
        """Whether the host sleeps."""
        return self.now < self.asleep_until

    def next_time(self) -> float:
        """Return when something happens next."""
        return self._events[0][0] if self._events else math.inf

    def run_next(self) -> None:
        """Go on to what happens next, and let it happen."""
        time, _, callback, arguments = heapq.heappop(self._events)
        self.now = max(self.now, time)
        callback(*arguments)


class _Selector:
    """Stands in for the operating system: waiting is what makes time pass."""

    def __init__(self, loop: SimulatedLoop, timetable: Timetable) -> None:
        self._loop = loop
        self._timetable = timetable

    def select(self, timeout: float | None) -> list[Any]:
        """Let the world go on until a timer of the loop is due, or something is ready."""
        table, loop = self._timetable, self._loop
        loop.end_turn()
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
        """Let the world go on until the host wakes up; return how long that took."""
        table = self._timetable
        began = table.now
        while table.next_time() <= table.asleep_until:
            table.run_next()
        table.now = max(table.now, table.asleep_until)
        slept = table.now - began
        table.slept += slept
        return slept


class _Task[T](asyncio.Task[T]):
    """A task whose place in a set depends on when it was made, not on where."""

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
    """An event loop in which time passes only by waiting, and a little by working.

    Attributes:
        work: Documents handled in the present turn.
        most_work: The most of any turn so far.
        turns: Turns so far.
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
        self.turns = 0
        self._after_turns: list[tuple[int, Callable[[], object]]] = []
        self.set_task_factory(_make_task)

    @override
    def time(self) -> float:
        """Return the host's monotonic clock, which stands still while it sleeps."""
        return _UPTIME + self._timetable.now - self._timetable.slept

    def do_work(self) -> None:
        """Count one document, and let the time pass that it takes."""
        self.work += 1
        self._timetable.now += DOCUMENT_COST

    def end_turn(self) -> None:
        """Close the account of a turn, and do what is due after it."""
        self.turns += 1
        if self.work:
            self.most_work = max(self.most_work, self.work)
            self.work = 0
        if self._after_turns:
            due = [each for each in self._after_turns if each[0] <= self.turns]
            if due:
                self._after_turns = [
                    each for each in self._after_turns if each[0] > self.turns
                ]
                for _, callback in due:
                    callback()

    def after_turns(self, turns: int, callback: Callable[[], object]) -> None:
        """Call something after so many turns, outside of any task."""
        self._after_turns.append((self.turns + turns, callback))

    def _process_events(self, _events: list[Any]) -> None:
        """There is no input."""

    def _write_to_self(self) -> None:
        """There are no other threads."""


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
