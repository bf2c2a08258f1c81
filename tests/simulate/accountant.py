"""Account for every log: sent, delivered or reported missing."""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
import math
import re
from typing import Final

from .store import EPOCH, MILLISECOND, SECOND, format_device_id

# Properties of a log, as bits.
PROMISED: Final = 1
IN_ORDER: Final = 2
HARD: Final = 4
"""REST may be unable to return it: reporting it as unreadable is enough."""

# Logs that the feed promises to remember, with a reserve.
_MEMORY: Final = 30_000 * 0.8

# Logs that the feed can store if each has another second.
_STORED: Final = 8_000

# Seconds by which a device's clock may be wrong.
_DEVICE_CLOCKS: Final = 600.0

# Seconds ahead of now up to which the feed reads: logs further ahead, by their device's
# clock or by Golioth's, are read and remembered when their time comes.
_READ_AHEAD: Final = 360.0

# Logs that the feed may hold in memory to sort them: a slice of the present.
_IN_ORDER: Final = 10_000 * 0.8

# Bytes of an answer that the feed promises to read.
_LONGEST_ANSWER: Final = 2 * 1024 * 1024

# Logs before and after one that may share its millisecond.
_NEARBY: Final = 2_000

# Seconds that a log may take from a device to REST.
_REST_LAG: Final = 1.0

# Seconds around a time in which the service's clock was wrong.
_CLOCK_RESERVE: Final = 600.0

# Seconds. A gap up to this long is a crowded moment; a longer one is the time before
# the catch-up window.
_LONG_GAP: Final = 60.0
_WINDOW_RESERVE: Final = 900.0

# Seconds in which the client delivers what a stream hands over, if nothing has to wait.
_IN_HAND: Final = 1.0

# Seconds of deliveries that a kill may repeat.
_LONGEST_UNSAVED: Final = 15.0

# Seconds before the settled time that are read again.
_MARGIN: Final = 360.0

# Seconds before a first start, the time that a log may take, that are no history yet.
_RECENT: Final = 60.0

_NUMBER_IN_FRAME: Final = re.compile(rb'"message":"(\d{8}) ')

_STREAM: Final = 0
_SOURCES: Final = {"stream": _STREAM, "poll": 1, "catch_up": 2, "push": 3}


@dataclass(slots=True)
class Problem:
    """A log that is missing or should not have come."""

    check: str
    number: int
    time: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The deliveries that a stored state knows, by time range."""

    spans: tuple[tuple[float, float], ...] = ()

    def until(self, start: float, end: float) -> Knowledge:
        """Return the knowledge of a state that a run stores.

        The run began with this knowledge at `start`, and stores at `end`.
        """
        return Knowledge((*self.spans, (start, end)))

    def has(self, time: float) -> bool:
        """Return whether a delivery at a time is known."""
        return any(start <= time <= end for start, end in reversed(self.spans))


@dataclass(slots=True)
class _Gap:
    start_ns: int
    end_ns: int
    time: float


@dataclass(slots=True)
class Verdict:
    """The outcome for all logs of a simulation."""

    sent: int = 0
    said: int = 0
    unpromised: Counter[str] = field(default_factory=Counter)
    """By reason."""
    counts: Counter[str] = field(default_factory=Counter)


class Accountant:
    """Compares the delivered logs with the sent ones.

    Attributes:
        problems: Failures in the order found; at most some hundreds are kept.
        failed: How often each check failed.
    """

    def __init__(self, *, catch_up_window: float, limit: int = 100) -> None:
        """Start before anything was sent.

        Args:
            catch_up_window: Seconds that a gap may reach back.
            limit: Logs that an answer of REST holds.
        """
        self._limit = limit
        # Whether a total was wrong since a time: logs that seemed known may be read
        # later then.
        self.is_total_wrong: Callable[[float], bool] = lambda since: False
        self.problems: list[Problem] = []
        self.failed: Counter[str] = Counter()
        self.received = array("d")
        self.times_ns = array("q")
        self.devices = bytearray()
        self.kinds = bytearray()
        self.copies = bytearray()
        self.counts = array("H")
        self.delivered_at = array("d")
        self.visible: dict[int, tuple[float, ...]] = {}
        # Since when a delivery is not stored, on a clock that stops during sleep.
        self._unsaved_since: float | None = None
        # Logs that the streams of this run have handed over, and when, until checked.
        self._in_hand: list[tuple[float, int]] = []
        self.unreadable_frames: set[int] = set()
        # Logs of one time, device and level: where one of them is unreadable, or they
        # are too long together, no query returns the others without it.
        self._alike: dict[tuple[int, int, str | None], list[int]] = {}
        self._unreadable: set[tuple[int, int, str | None]] = set()
        # Their bytes in an answer.
        self._answer_sizes: Counter[tuple[int, int, str | None]] = Counter()
        self.traced: dict[int, list[str]] = {}
        # Times of logs that were sent long before these times, sorted.
        self._far_ahead: list[float] = []
        self.delivered = 0
        self.gaps: list[_Gap] = []
        self.unreadable = 0
        # Logs of one time, device and level, of which an answer holds all but the
        # oldest.
        self._ties: list[list[int]] = []
        # When logs of a moment were reported unreadable.
        self._said_at: list[float] = []
        self.wrong_clocks: list[tuple[float, float]] = []
        # Logs are promised from this time on; None before the first start.
        self.promised_from: float | None = None
        self._catch_up_window = catch_up_window
        # All deliveries of logs that came, or have to come, more than once.
        self._repeated: dict[int, list[float]] = {}
        self._latest: dict[tuple[int, bool], int] = {}
        self._knowledge = Knowledge()
        self._run_began = 0.0
        self._last_delivery = 0.0
        # When the last run without storage began.
        self._first_began = 0.0

    # Sent logs

    @property
    def next_number(self) -> int:
        """The number of the next log."""
        return len(self.received)

    def add_sent(
        self, now: float, time_ns: int, device: int, kind: int, copies: int = 1
    ) -> None:
        """Record a log that the service has received."""
        self.received.append(now)
        self.times_ns.append(time_ns)
        self.devices.append(device)
        self.kinds.append(kind)
        self.copies.append(copies)
        self.counts.append(0)
        self.delivered_at.append(-1.0)
        if (time := (time_ns - EPOCH) / SECOND) > now + _READ_AHEAD:
            insort(self._far_ahead, time)

    def add_alike(
        self, number: int, level: str | None, *, size: int, is_unreadable: bool
    ) -> None:
        """Record which logs no query can separate.

        Args:
            number: A log that was sent.
            level: Its level; None where REST cannot filter by it.
            size: Its bytes in an answer, with its copies.
            is_unreadable: Whether an answer with it cannot be read.
        """
        time_ns, device = self.times_ns[number], self.devices[number]
        alike = (time_ns, device, level)
        self._alike.setdefault(alike, []).append(number)
        # A log without a level to query is in the answers for its device only.
        for answer in {alike, (time_ns, device, None)}:
            self._answer_sizes[answer] += size
            if is_unreadable or self._answer_sizes[answer] > _LONGEST_ANSWER:
                self._unreadable.add(answer)

    def add_tie(self, numbers: list[int]) -> None:
        """Record logs of one time, device and level.

        REST returns as many of them as an answer holds.
        """
        self._ties.append(numbers)

    # Events of a run

    def begin_run(self, now: float, knowledge: Knowledge, *, is_first: bool) -> None:
        """Begin a run of the feed with its storage's knowledge.

        Args:
            now: The time.
            knowledge: The deliveries that the storage knows.
            is_first: Whether it starts without any storage.
        """
        if not knowledge.has(self._last_delivery):
            # It repeats deliveries that were not stored, and with them logs given up
            # before.
            self._latest.clear()
        self._knowledge = knowledge
        self._run_began = now
        self._in_hand.clear()
        self._unsaved_since = None
        if is_first:
            self.promised_from = None
            self._first_began = now
        elif not knowledge.spans:
            # The record that separates history from logs read again is damaged: some
            # may repeat.
            self._first_began -= _MARGIN
        else:
            # A storage from the past may predate the last start without any.
            self._first_began = min(self._first_began, knowledge.spans[0][0])

    def note_start(self, now: float, *, is_wall_wrong: bool) -> None:
        """Record from when on logs are promised.

        Args:
            now: When the feed has started.
            is_wall_wrong: Whether the host's clock was wrong then.
        """
        if self.promised_from is None:
            self.promised_from = now
            if is_wall_wrong or self.is_clock_wrong(now):
                # With a wrong clock, history cannot be recognized.
                self._first_began = 0.0

    def knowledge(self, now: float) -> Knowledge:
        """Return the knowledge of a state that is stored now."""
        return self._knowledge.until(self._run_began, now)

    def add_delivery(
        self, text: str, device_id: str, time_ns: int, source: str, now: float
    ) -> None:
        """Check a delivered log.

        Args:
            text: Its message, which begins with its number.
            device_id: The device of the delivered log.
            time_ns: The timestamp of the delivered log.
            source: The source of the log.
            now: The time of the delivery.
        """
        self.delivered += 1
        self._last_delivery = now
        try:
            number = int(text[:8])
            device = self.devices[number]
        except ValueError, IndexError:
            self._fail("doubled", -1, now, f"nobody sent {text[:40]!r}")
            return
        if device_id != format_device_id(device):
            self._fail("altered", number, now, f"it is said to be of {device_id}")
        # REST may cut times to milliseconds.
        if time_ns // MILLISECOND != self.times_ns[number] // MILLISECOND:
            self._fail("altered", number, now, f"it is said to be of {time_ns}")
        if self._is_history(number):
            self._fail("history", number, now, f"by {source}")
        count = self.counts[number] + 1
        self.counts[number] = count
        copies = self.copies[number]
        if count > 1 and self._is_repeated(number, copies, now):
            return
        self.delivered_at[number] = now
        where = _SOURCES[source]
        if where == _STREAM or self.kinds[number] & IN_ORDER:
            # REST returns the logs of a device in order, both first and again.
            key = (device, where == _STREAM)
            latest = self._latest.get(key, -1)
            if number < latest:
                # The order of a stream does not depend on REST.
                if where != _STREAM and (
                    self.is_clock_wrong(now)
                    or self.is_total_wrong(self.received[number])
                    or self._was_given_up(number)
                    or self._is_crowded(number)
                ):
                    return
                self._fail(
                    "out_of_order", number, now, f"by {source} after {latest:08}"
                )
            else:
                self._latest[key] = number

    def note_unsaved(self, awake: float) -> None:
        """Record a delivery that is not stored."""
        if self._unsaved_since is None:
            self._unsaved_since = awake

    def note_saved(self) -> None:
        """Record that every delivery is stored, or excused from storing."""
        self._unsaved_since = None

    def note_kill(self, awake: float, now: float) -> None:
        """Check that a kill repeats few deliveries."""
        since = self._unsaved_since
        if since is not None and awake - since > _LONGEST_UNSAVED:
            self._fail("unsaved", -1, now, f"{awake - since:.1f} s before a kill")

    def add_frame(self, data: bytes, now: float) -> None:
        """Record which logs a stream has handed to the client."""
        for number in _NUMBER_IN_FRAME.findall(data):
            self._in_hand.append((now, int(number)))

    def note_complete(self, now: float) -> None:
        """Check that no log in the client's hands was lost.

        No exception to the promises excuses that.
        """
        for received, number in self._in_hand:
            if (
                received <= now - _IN_HAND
                and not self.counts[number]
                and number not in self.unreadable_frames
            ):
                self._fail("swallowed", number, now, f"in hand at {received:.3f}")
        self._in_hand = [each for each in self._in_hand if each[0] > now - _IN_HAND]

    def _is_history(self, number: int) -> bool:
        """Return whether a log is history.

        It is long before the first start, by its timestamp and by its receipt.
        """
        received = self.received[number]
        latest = max(received, (self.times_ns[number] - EPOCH) / SECOND)
        return latest < self._first_began - _RECENT and not self.is_clock_wrong(
            received
        )

    def _is_repeated(self, number: int, copies: int, now: float) -> bool:
        """Record a repeated delivery of a log.

        Returns whether it had been delivered often enough before.
        """
        times = self._repeated.setdefault(number, [self.delivered_at[number]])
        times.append(now)
        known = sum(
            self._run_began <= time or self._knowledge.has(time) for time in times
        )
        if known > copies:
            self._fail("doubled", number, now, f"{known} times")
            return True
        # It repeats a delivery that its storage lacks, which says nothing about the
        # order.
        return len(times) > copies

    def add_gap(self, start_ns: int, end_ns: int, now: float) -> None:
        """Record that logs of a time range were reported missing."""
        self.gaps.append(_Gap(start_ns, end_ns, now))
        if end_ns < start_ns:
            self._fail("gap", -1, now, "a gap that ends before it begins")

    def add_unreadable(self, number: int, now: float) -> None:
        """Record that unreadable logs of one moment were counted."""
        self.unreadable += number
        self._said_at.append(now)

    def fail(self, check: str, now: float, text: str) -> None:
        """Record another failure."""
        self._fail(check, -1, now, text)

    def _fail(self, check: str, number: int, now: float, text: str) -> None:
        self.failed[check] += 1
        if self.failed[check] <= 100:
            self.problems.append(Problem(check, number, now, text))

    # The verdict

    def judge(self, now: float) -> Verdict:
        """Look for logs neither delivered nor reported missing."""
        verdict = Verdict(sent=sum(self.copies))
        started = self.promised_from
        if started is None:
            self._fail("start", -1, now, "it never started, though all is well by now")
        hard: list[int] = []
        for alike in self._unreadable:
            for number in self._alike.get(alike, ()):
                self.kinds[number] |= HARD
        for number, (count, copies) in enumerate(
            zip(self.counts, self.copies, strict=True)
        ):
            if count >= copies:
                continue
            if reason := self._why_unpromised(number, started):
                verdict.unpromised[reason] += copies - count
                continue
            if self._is_said(number):
                verdict.said += copies - count
            elif self.kinds[number] & HARD:
                hard.extend([number] * (copies - count))
            else:
                for _ in range(copies - count):
                    self._fail("lost", number, now, "")
        missing = set(hard)
        for tie in self._ties:
            absent = [number for number in tie if number in missing]
            for number in absent[max(0, len(tie) - self._limit + 1) :]:
                self._fail("lost", number, now, "an answer holds so many of a moment")
        unsaid = self._find_unsaid(hard)
        for number in hard:
            if self.times_ns[number] // MILLISECOND in unsaid:
                self._fail("unsaid", number, now, "")
        verdict.counts = self.failed
        return verdict

    def _find_unsaid(self, hard: list[int]) -> set[int]:
        """Return the milliseconds with unreadable logs that nothing reported.

        Their number is unknown where the service gives no total. But each report is
        about one millisecond, and about logs that came before it.
        """
        came: dict[int, float] = {}
        for number in hard:
            moment = self.times_ns[number] // MILLISECOND
            came[moment] = min(came.get(moment, math.inf), self.received[number])
        said_at = sorted(self._said_at)
        unsaid = set()
        for moment in sorted(came, key=lambda each: came[each], reverse=True):
            if said_at and said_at[-1] >= came[moment]:
                said_at.pop()
            else:
                unsaid.add(moment)
        return unsaid

    def _why_unpromised(self, number: int, started: float | None) -> str | None:
        """Return why a log need not be delivered, or None."""
        received = self.received[number]
        time = (self.times_ns[number] - EPOCH) / SECOND
        if not self.kinds[number] & PROMISED:
            return "kind"
        if started is None or received <= started + 1 or time <= started:
            return "start"
        if self.is_clock_wrong(received):
            return "clock"
        shown = self.visible.get(number)
        lateness = abs(received - time) + (max(shown) - received if shown else 0.0)
        if lateness < 10:
            return None
        # Everything as far away has to be remembered meanwhile.
        around = bisect_right(self.received, received + lateness) - bisect_left(
            self.received, received - lateness
        )
        # So have logs that came long before, and are read now for their time.
        around += self._count_far_ahead(time, received + _READ_AHEAD)
        return "memory" if around >= _MEMORY else None

    def _count_far_ahead(self, start: float, end: float) -> int:
        """Count logs of a time range that came long before.

        REST knows times only: the feed has to read them all at once, however few came
        at a time.
        """
        first = bisect_left(self._far_ahead, start)
        return bisect_right(self._far_ahead, end) - first

    def _is_crowded(self, number: int) -> bool:
        """Return whether more logs came than the feed can sort.

        Counted while this log was late.
        """
        millisecond = self.times_ns[number] // MILLISECOND
        nearby = range(
            max(0, number - _NEARBY), min(self.next_number, number + _NEARBY)
        )
        if (
            sum(
                self.times_ns[each] // MILLISECOND == millisecond
                and self.devices[each] == self.devices[number]
                for each in nearby
            )
            > self._limit
        ):
            # Where times are cut, REST does not know their order.
            return True
        received = self.received[number]
        time = (self.times_ns[number] - EPOCH) / SECOND
        start, end = min(received, time) - _REST_LAG, max(received, time)
        came = bisect_right(self.received, end) - bisect_left(self.received, start)
        return came + self._count_far_ahead(start, end) >= _IN_ORDER

    def is_clock_wrong(self, time: float) -> bool:
        """Return whether the service's clock was wrong around a time."""
        return any(
            start - _CLOCK_RESERVE <= time <= end + _CLOCK_RESERVE
            for start, end in self.wrong_clocks
        )

    def _was_given_up(self, number: int) -> bool:
        """Return whether a log is in a reported gap.

        It comes late if it can be read after all.
        """
        time_ns = self.times_ns[number]
        return any(gap.start_ns <= time_ns < gap.end_ns for gap in self.gaps)

    def _is_said(self, number: int) -> bool:
        time_ns = self.times_ns[number]
        is_hard = self.kinds[number] & HARD
        for gap in self.gaps:
            if gap.start_ns - SECOND <= time_ns <= gap.end_ns + SECOND:
                width = (gap.end_ns - gap.start_ns) / SECOND
                age = gap.time - (time_ns - EPOCH) / SECOND
                # A log that could have been read is no gap, whatever is reported.
                if (
                    is_hard
                    or width <= _LONG_GAP
                    or self._is_beyond_storage(gap)
                    or age >= self._catch_up_window - _WINDOW_RESERVE
                ):
                    return True
        return False

    def _is_beyond_storage(self, gap: _Gap) -> bool:
        """Return whether more logs came than can be stored.

        Counted since the gap, or long before for its time. Of logs ahead of now, half
        as many are stored.
        """
        since = (gap.start_ns - EPOCH) / SECOND - _DEVICE_CLOCKS
        first, last = (
            bisect_left(self.received, since),
            bisect_right(self.received, gap.time),
        )
        if last - first >= _STORED:
            return True
        far_ahead = self._count_far_ahead(
            (gap.start_ns - EPOCH) / SECOND, (gap.end_ns - EPOCH) / SECOND
        )
        return far_ahead >= _STORED / 2

    def describe(self, number: int) -> str:
        """Return everything known about a log."""
        if number < 0:
            return "no log"
        time = (self.times_ns[number] - EPOCH) / SECOND
        kinds = self.kinds[number]
        names = [
            name
            for bit, name in (
                (PROMISED, "promised"),
                (IN_ORDER, "in order"),
                (HARD, "hard"),
            )
            if kinds & bit
        ]
        lines = [
            (
                f"log {number:08} of device {self.devices[number]} ({', '.join(names)}):"
                f" time {time:.6f}, received {self.received[number]:.3f}, copies {self.copies[number]},"
                f" delivered {self.counts[number]} times, first at {self.delivered_at[number]:.3f}"
            )
        ]
        if shown := self.visible.get(number):
            lines.append(f"  visible {', '.join(f'{each:.3f}' for each in shown)}")
        if times := self._repeated.get(number):
            lines.append(f"  delivered {', '.join(f'{each:.3f}' for each in times)}")
        lines.extend(f"  {each}" for each in self.traced.get(number, ()))
        return "\n".join(lines)
