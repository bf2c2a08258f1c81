"""One simulation, from a history to its result."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
import gc
from hashlib import blake2b
import logging
import math
from time import perf_counter
from typing import Any, Final, cast, override

from .accountant import Accountant, Problem
from .chance import chance as make_chance
from .conditions import Conditions
from .faults import FAULTS, Stage
from .history import HOUR, History
from .host import Host, MakeFeed, make_feed
from .loop import DeadlockError, SimulatedLoop, Timetable
from .service import KEY, Service
from .traffic import Traffic
from .wire import SimulatedWire

# Seconds of a simulation after the last fault has ended.
SETTLING: Final = 1200.0

# Documents that the feed may handle before it yields.
_MAX_WORK: Final = 5000

# Seconds of a span, and requests in it at most; requests of a calm hour at most.
_PACE_SPAN: Final = 10.0
_MAX_PACE: Final = 21
_MAX_CALM_REQUESTS: Final = 30

# Audits of a calm hour, and the seconds that each reads again: the margin of six
# minutes, and the time until the next audit.
_AUDITS: Final = 12
_AUDITED: Final = 660.0

# Answers that cover all of an audit, up to which a calm hour stays within its limit.
# With more, each part that is read apart (settled, present, newest) may leave an answer
# partly empty.
_CHEAP_ANSWERS: Final = 2

# The log message of the client about unreadable logs.
_UNREADABLE: Final = "Golioth does not give all logs of one moment: %d cannot be had"

_INTEGRATION: Final = "custom_components.golioth"

# Real seconds after which a simulation is considered endless.
_PATIENCE: Final = 1800.0


@dataclass(slots=True)
class Result:
    """The result of a simulation, which can be pickled."""

    seed: int
    hours: float
    logs: int = 0
    delivered: int = 0
    requests: int = 0
    runs: int = 0
    said: int = 0
    unpromised: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    stormy_hours: float = 0.0
    took: float = 0.0
    fingerprint: str = ""
    failed: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    descriptions: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    first_failure: float | None = None

    @property
    def is_good(self) -> bool:
        """Whether no check failed."""
        return not self.failed


class _Watch(logging.Handler):
    """Checks the integration's logs for credentials and errors."""

    def __init__(
        self,
        accountant: Accountant,
        timetable: Timetable,
        tail: int,
        until: float,
    ) -> None:
        super().__init__(logging.DEBUG)
        self._until = until
        self.lines: deque[str] = deque(maxlen=tail)
        self._accountant = accountant
        self._timetable = timetable
        self._formatter = logging.Formatter("%(levelname)s %(name)s: %(message)s")

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Check a record."""
        text = self._formatter.format(record)
        now = self._timetable.now
        if KEY in text or KEY.replace("+", "%2B") in text or KEY[:14] in text:
            self._accountant.fail("secret", now, "the credential is logged")
        if record.levelno >= logging.ERROR:
            self._accountant.fail("error", now, text)
        if record.msg == _UNREADABLE:
            self._accountant.add_unreadable(*cast("tuple[int]", record.args), now)
        self.add(text.removeprefix(f"DEBUG {_INTEGRATION}."))

    def add(self, text: str) -> None:
        """Keep a line."""
        if self.lines.maxlen and self._timetable.now <= self._until:
            self.lines.append(f"{self._timetable.now:12.3f} {text}")


def run(
    history: History,
    *,
    feed: MakeFeed = make_feed,
    trace: int = 0,
    until: float = math.inf,
    stop_at_failure: bool = False,
    on_line: Callable[[str], None] | None = None,
) -> Result:
    """Run a simulation.

    Args:
        history: Settings and actions.
        feed: Makes a feed.
        trace: Number of the client's last log lines to keep.
        until: Simulated second after which no lines are kept.
        stop_at_failure: Whether the first failure ends the simulation.
        on_line: Called with each line when the client logs it.
    """
    return _Simulation(history, feed, trace, until, stop_at_failure, on_line).run()


class _Simulation:
    """One simulation."""

    def __init__(
        self,
        history: History,
        feed: MakeFeed,
        trace: int,
        until: float,
        stop_at_failure: bool,
        on_line: Callable[[str], None] | None,
    ) -> None:
        settings = history.settings
        seed = settings["seed"]
        self._history = history
        self._stop_at_failure = stop_at_failure
        self.timetable = table = Timetable()
        self.loop = loop = SimulatedLoop(table)
        self.conditions = Conditions()
        self.accountant = Accountant(
            catch_up_window=settings["catch_up_window"], limit=settings["limit"]
        )
        self.service = service = Service(
            table, self.conditions, settings, make_chance(seed, "service")
        )
        self.accountant.is_total_wrong = lambda since: service.wrong_total_at >= since
        self.traffic = Traffic(
            table, self.service, self.accountant, self.conditions, settings
        )
        self.wire = SimulatedWire(
            loop, table, self.service, self.conditions, make_chance(seed, "wire")
        )
        self.wire.on_frame = lambda data: self.accountant.add_frame(data, table.now)
        self.watch = _Watch(self.accountant, table, trace, until)
        if on_line is not None:
            add, self.watch.lines = self.watch.add, deque(maxlen=1)

            def pass_on(text: str) -> None:
                add(text)
                on_line(self.watch.lines[-1])

            self.watch.add = pass_on  # type: ignore[method-assign]
        self.host = Host(
            loop,
            table,
            self.wire,
            self.service,
            self.conditions,
            self.accountant,
            settings,
            feed=feed,
            trace=self.watch.add,
        )
        self.stage = Stage(
            loop=loop,
            timetable=table,
            conditions=self.conditions,
            service=self.service,
            wire=self.wire,
            traffic=self.traffic,
            host=self.host,
            accountant=self.accountant,
        )
        self.kinds: Counter[str] = Counter()
        self.stormy = 0.0

    def run(self) -> Result:
        """Run the simulation, and return its result."""
        history, table = self._history, self.timetable
        began = perf_counter()
        end = history.hours * HOUR
        for action in history.actions:
            table.at(action.start, self._begin, action)
        table.at(end, self.conditions.end_all)
        table.at(end + SETTLING, self.host.end_once_complete)
        table.at(60.0, self._look)
        logger = logging.getLogger(_INTEGRATION)
        level, propagate = logger.level, logger.propagate
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        logger.addHandler(self.watch)
        self.loop.set_exception_handler(self._handle_exception)
        gc.disable()
        try:
            self.loop.run_until_complete(self._run())
        except DeadlockError as err:
            self.accountant.fail("deadlock", table.now, str(err))
        finally:
            gc.enable()
            logger.removeHandler(self.watch)
            logger.setLevel(level)
            logger.propagate = propagate
            self.loop.close()
        return self._judge(perf_counter() - began)

    async def _run(self) -> None:
        await asyncio.sleep(self._history.settings["start"])
        await self.host.run()

    def _begin(self, action: Any) -> None:
        """Begin an action."""
        chance = make_chance(action.seed)
        if action.kind == "traffic":
            if action.rate >= 200:
                self.stormy += action.duration
            self.timetable.play(self.traffic.run(action.rate, action.duration, chance))
            return
        if action.start >= self._history.hours * HOUR:
            return
        self.kinds[action.kind] += 1
        self.watch.add(f"fault {action.kind} for {action.duration:.1f} s")
        self.timetable.play(
            FAULTS[action.kind].act(self.stage, chance, action.duration)
        )

    def _look(self) -> None:
        """Check at intervals what must stay within bounds."""
        self.timetable.after(60.0, self._look)
        gc.collect(0)
        if self.loop.most_work > _MAX_WORK:
            self.accountant.fail(
                "turn", self.timetable.now, f"{self.loop.most_work} documents in a turn"
            )
            self.loop.most_work = 0
        if self._stop_at_failure and self.accountant.failed:
            self.host.end()

    def _handle_exception(
        self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]
    ) -> None:
        self.accountant.fail(
            "exception",
            self.timetable.now,
            f"{context.get('message')}: {context.get('exception')!r}",
        )

    def _judge(self, took: float) -> Result:
        accountant, history = self.accountant, self._history
        self._check_pace()
        verdict = accountant.judge(self.timetable.now)
        digest = blake2b(digest_size=8)
        for numbers in (
            accountant.received,
            accountant.delivered_at,
            accountant.counts,
        ):
            digest.update(numbers.tobytes())
        digest.update(repr([each[0] for each in self.service.requests]).encode())
        digest.update(repr(accountant.gaps).encode())
        problems = sorted(accountant.problems, key=lambda each: each.time)
        return Result(
            history.seed,
            history.hours,
            logs=verdict.sent,
            delivered=accountant.delivered,
            requests=len(self.service.requests),
            runs=self.host.runs,
            said=verdict.said,
            unpromised=verdict.unpromised,
            unreadable=accountant.unreadable,
            stormy_hours=self.stormy / HOUR,
            took=took,
            fingerprint=digest.hexdigest(),
            failed=verdict.counts,
            kinds=self.kinds,
            problems=problems,
            descriptions=[accountant.describe(each.number) for each in problems[:40]],
            trace=list(self.watch.lines),
            first_failure=min((each.time for each in problems), default=None),
        )

    def _check_pace(self) -> None:
        """Check the pace of requests."""
        times = [time for time, path in self.service.requests if path.endswith("/logs")]
        starts = self.host.starts
        first = 0
        for last, time in enumerate(times):
            while time - times[first] > _PACE_SPAN:
                first += 1
            if (number := last - first + 1) > _MAX_PACE:
                begun = sum(time - _PACE_SPAN <= each <= time for each in starts)
                if number > _MAX_PACE + 3 * begun:
                    self.accountant.fail(
                        "pace", time, f"{number} requests in {_PACE_SPAN:g} s"
                    )
        self._check_calm()

    def _allowed_in_calm(self, hour: float) -> int:
        """Return the maximum of requests in a calm hour.

        A feed that gets no right total has to read every log.
        """
        settings = self._history.settings
        rate = max(
            (
                each.rate
                for each in self._history.actions
                if each.kind == "traffic"
                and each.start < hour + HOUR
                and hour - _AUDITED < each.end
            ),
            default=0.0,
        )
        limit: int = settings["limit"]
        answers = math.ceil(rate * _AUDITED / limit)
        if settings["total"] == "right" or answers <= _CHEAP_ANSWERS:
            return _MAX_CALM_REQUESTS
        return _AUDITS * (answers + _CHEAP_ANSWERS)

    def _check_calm(self) -> None:
        """Check that calm hours take few requests."""
        busy = [
            (
                each.start - 60,
                each.end
                + (
                    4 * HOUR
                    if "retired" in each.kind or "handshake" in each.kind
                    else 1800
                ),
            )
            for each in self._history.actions
            if each.kind != "traffic" or each.rate > 0.5
        ]
        times = [time for time, _ in self.service.requests]
        hour = self._history.settings["start"] + 1800
        while hour + HOUR < self._history.hours * HOUR:
            if not any(start < hour + HOUR and hour < end for start, end in busy):
                number = sum(hour <= each < hour + HOUR for each in times)
                if number > self._allowed_in_calm(hour):
                    self.accountant.fail(
                        "calm", hour, f"{number} requests in a calm hour"
                    )
                hour += HOUR
            else:
                hour += 600
