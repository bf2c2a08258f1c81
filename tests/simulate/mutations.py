"""Mutations of the feed, each of which must be found."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from custom_components.golioth.client import (
    answer_size,
    client,
    coverage,
    delivered,
    feed,
    gap_filler,
    live,
    pacing,
    progress,
    retention,
    same_time,
)
from custom_components.golioth.client.models import LogSource

from .store import SECOND

type Mutation = Callable[[], AbstractContextManager[None]]

MUTATIONS: Final[dict[str, Mutation]] = {}


def mutation(make: Callable[[], Iterator[None]]) -> Mutation:
    """Register a mutation: a generator that applies and reverts it."""
    made = contextmanager(make)
    MUTATIONS[make.__name__] = made
    return made


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Replace an attribute during the context."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def timing(**values: float) -> Iterator[None]:
    """Change the feed's timing during the context."""
    init = client.GoliothClient.__init__

    def mutated(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **{**kwargs, "timing": pacing.FeedTiming(**values)})  # type: ignore[arg-type]

    with replaced(client.GoliothClient, "__init__", mutated):
        yield


def _nothing(*_: Any, **__: Any) -> None:
    """Do nothing."""


@mutation
def forgets_its_storage() -> Iterator[None]:
    """Restore no delivered logs."""
    with replaced(retention.Retention, "restore", _nothing):
        yield


@mutation
def streams_what_was_read() -> Iterator[None]:
    """Deliver streamed logs that REST was faster with."""
    add = delivered.DeliveredLogs.add_streamed

    def mutated(self: Any, entry: Any) -> bool:
        add(self, entry)
        return True

    with replaced(delivered.DeliveredLogs, "add_streamed", mutated):
        yield


@mutation
def takes_twins_for_one() -> Iterator[None]:
    """Check only whether a log was delivered, not how often."""
    count = delivered.Second.count

    def mutated(self: Any, digest: bytes) -> int:
        return 1_000_000 if count(self, digest) else 0

    with replaced(delivered.Second, "count", mutated):
        yield


@mutation
def compares_nanoseconds() -> Iterator[None]:
    """Distinguish logs by the digits that REST may cut."""
    text = delivered._text

    def mutated(entry: Any) -> bytes:
        return text(entry) + str(entry.timestamp_ns).encode()

    with replaced(delivered, "_text", mutated):
        yield


@mutation
def compares_spellings() -> Iterator[None]:
    """Distinguish `1` from `1.0`."""
    with replaced(delivered, "_by_value", lambda value: value):
        yield


@mutation
def believes_full_answers() -> Iterator[None]:
    """Take a full answer for all logs."""
    with replaced(answer_size.AnswerSize, "is_full", lambda *_: False):
        yield


@mutation
def reads_no_margin() -> Iterator[None]:
    """Read no time again in which REST was late."""
    with timing(margin=3.0):
        yield


@mutation
def never_audits() -> Iterator[None]:
    """Trust an open stream."""
    with timing(audit_delay=1e9, audit_interval=1e9):
        yield


@mutation
def swallows_gaps() -> Iterator[None]:
    """Give up the time before the catch-up window unreported."""
    with replaced(feed.LogFeed, "on_gap", _nothing):
        yield


@mutation
def swallows_unreadable_logs() -> Iterator[None]:
    """Skip unreadable logs without counting them."""
    with replaced(feed.LogFeed, "on_unreadable", _nothing):
        yield


@mutation
def settles_what_was_not_read() -> Iterator[None]:
    """Settle everything until now once a part is delivered."""
    settle = coverage.Coverage.settle

    def mutated(self: Any, _time: int, now: int) -> bool:
        return settle(self, now, now)

    with replaced(coverage.Coverage, "settle", mutated):
        yield


@mutation
def shuffles_what_waits() -> Iterator[None]:
    """Shuffle live logs that waited for a gap."""
    add = live.OpenStream.add_waiting

    def mutated(self: Any, entry: Any) -> bool:
        is_full = add(self, entry)
        if self.waiting is not None:
            self.waiting.rotate(1)
        return is_full

    with replaced(live.OpenStream, "add_waiting", mutated):
        yield


@mutation
def ignores_clock_steps() -> Iterator[None]:
    """Ignore steps of the service's clock."""
    with replaced(gap_filler.GapFiller, "_note_clock", _nothing):
        yield


@mutation
def gives_up_crowded_moments() -> Iterator[None]:
    """Take one answer for all logs of a moment."""

    async def mutated(_self: Any, time: Any, window: Any) -> Any:
        return same_time.Moment(window.within(*time.shown), 0)

    with replaced(same_time.SameTimeReader, "read", mutated):
        yield


@mutation
def swallows_far_times() -> Iterator[None]:
    """Drop streamed logs of a distant time.

    REST does not promise these.
    """
    take = feed.LogFeed.on_live_log

    def mutated(self: Any, stream: Any, entry: Any) -> None:
        now = self._clock.now_ns
        if now is None or abs(entry.timestamp_ns - now) < 3600 * SECOND:
            take(self, stream, entry)

    with replaced(feed.LogFeed, "on_live_log", mutated):
        yield


@mutation
def never_reports_progress() -> Iterator[None]:
    """Store nothing that a stream delivers.

    Until something is read.
    """
    with replaced(progress.Progress, "_report", _nothing):
        yield


@mutation
def skips_single_logs_unsaid() -> Iterator[None]:
    """Skip single unreadable logs without counting them.

    Several at once are counted.
    """
    note = feed.LogFeed.on_unreadable

    def mutated(self: Any, number: int) -> None:
        if number > 1:
            note(self, number)

    with replaced(feed.LogFeed, "on_unreadable", mutated):
        yield


@mutation
def fires_history() -> Iterator[None]:
    """Deliver logs from before the first start."""

    def mutated(self: Any, entry: Any) -> None:
        self.on_read_log(entry, LogSource.CATCH_UP)

    with replaced(feed.LogFeed, "on_history", mutated):
        yield


@mutation
def never_starts() -> Iterator[None]:
    """Wait forever for a certain service time."""

    async def mutated(_self: Any) -> int:
        await asyncio.Event().wait()
        return 0

    with replaced(gap_filler.GapFiller, "_service_time", mutated):
        yield


@mutation
def mixes_up_devices() -> Iterator[None]:
    """Give a log from REST the previous log's device."""
    take = feed.LogFeed.on_read_log
    before: list[str | None] = []

    def mutated(self: Any, entry: Any, source: LogSource) -> None:
        device_id = before.pop() if before else entry.device_id
        before.append(entry.device_id)
        take(self, entry._replace(device_id=device_id), source)

    with replaced(feed.LogFeed, "on_read_log", mutated):
        yield
