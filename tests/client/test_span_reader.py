"""Test reading a span, and the number of requests."""

from collections.abc import Callable

import pytest

from custom_components.golioth.client.delivered import DeliveredLogs
from custom_components.golioth.client.exceptions import (
    GoliothResponseError,
    GoliothUnreadableError,
)
from custom_components.golioth.client.log_window import LogWindow
from custom_components.golioth.client.models import LogEntry
from custom_components.golioth.client.pacing import RequestPace
from custom_components.golioth.client.reading import TooManyLogsError
from custom_components.golioth.client.span_reader import SpanReader
from custom_components.golioth.client.timestamps import MILLISECOND, SECOND

from .logs import NOW, log

_LIMIT = 50


class Service:
    """A service that answers with a span's newest logs.

    It may report a total, and the limit of an answer.
    """

    def __init__(
        self,
        entries: list[LogEntry],
        *,
        has_total: bool = False,
        limit: int = _LIMIT,
        reports_limit: bool = True,
    ) -> None:
        """Set the logs, oldest first."""
        self.requests = 0
        self.unreadable: LogEntry | None = None
        # The number of requests with unreadable answers.
        self.broken = 0
        self.ignores_bounds = False
        self.entries = entries
        self._has_total = has_total
        self._limit = limit
        self._reported_limit = limit if reports_limit else None

    async def logs(
        self,
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Answer a request."""
        self.requests += 1
        if self.requests <= self.broken:
            raise GoliothUnreadableError("unreadable")
        start, end = start_ns or 0, end_ns or (NOW + 1) * SECOND
        found = [
            each
            for each in self.entries
            if (self.ignores_bounds or start < (each.timestamp_ns or 0) < end)
            and device_id in {None, each.device_id}
            and level in {None, each.level}
        ]
        listed = found[-self._limit :]
        if self.unreadable in listed:
            raise GoliothUnreadableError("unreadable")
        total = len(found) if self._has_total else None
        return LogWindow(listed, total, self._reported_limit, [], 0, body_size=10_000)


def reader_of(
    service: Service,
    logs: DeliveredLogs,
    on_missing: Callable[[int], None] = lambda _number: None,
) -> SpanReader:
    """Return a reader of the service."""
    return SpanReader(
        service,
        logs=logs,
        device_ids=lambda: ["device", "other"],
        on_answer=lambda: None,
        on_missing=on_missing,
        pace=RequestPace(0.0),
    )


async def new_of(reader: SpanReader, logs: DeliveredLogs, start: int, end: int) -> int:
    """Return how many new logs a read finds."""
    reading = await reader.read(
        start * SECOND, end * SECOND, 10_000, complete_before=end * SECOND
    )
    return len(list(logs.add_read(reading.entries)))


@pytest.fixture
def entries() -> list[LogEntry]:
    """Return logs of ten minutes."""
    return [log(str(number), NOW - 600 + number) for number in range(600)]


async def test_known_logs_take_no_memory(
    entries: list[LogEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known logs do not count toward the limit of memory."""
    monkeypatch.setattr("custom_components.golioth.client.reading._MAX_BYTES", 50_000)
    logs = DeliveredLogs()
    service = Service(entries)
    reader = reader_of(service, logs)
    start, end = (NOW - 600) * SECOND, NOW * SECOND
    with pytest.raises(TooManyLogsError):
        await reader.read(start, end, 10_000, complete_before=end)
    for entry in entries[1:]:
        logs.add_streamed(entry)
    reading = await reader.read(start, end, 10_000, complete_before=end)
    assert logs.count_new(reading.entries) == 1


async def test_glance_at_a_cut_answer(entries: list[LogEntry]) -> None:
    """A cut answer has all logs after its oldest second."""
    logs = DeliveredLogs()
    service = Service(entries)
    glance = await reader_of(service, logs).glance((NOW - 600) * SECOND, NOW * SECOND)
    assert glance is not None
    assert glance.start == (NOW - _LIMIT + 1) * SECOND
    assert glance.reading.entries == entries[-_LIMIT + 1 :]
    assert service.requests == 1


async def test_whole_reading_of_a_crowded_moment() -> None:
    """A complete reading may exceed the limit of logs."""
    entries = [log(str(each), NOW, 1 + each) for each in range(2 * _LIMIT)]
    reader = reader_of(Service(entries), DeliveredLogs())
    start = NOW * SECOND
    reading = await reader.read(
        start, start + MILLISECOND, _LIMIT, complete_before=start
    )
    assert reading.entries == entries


async def test_crowded_moment_at_the_end_of_a_second() -> None:
    """The oldest millisecond of an answer may be incomplete."""
    known = [log(f"known {each}", NOW - 60 + each % 40) for each in range(_LIMIT)]
    crowd = [log(str(each), NOW - 1, 999 * MILLISECOND + each) for each in range(100)]
    logs = DeliveredLogs()
    for entry in known:
        logs.add_streamed(entry)
    service = Service([*sorted(known), *crowd], has_total=True, limit=100)
    reader = reader_of(service, logs)
    assert await new_of(reader, logs, NOW - 60, NOW + 1) == len(crowd)


@pytest.mark.parametrize("has_levels", [True, False])
async def test_unreported_limit(*, has_levels: bool) -> None:
    """A total above the answer's size shows an unreported limit."""
    levels = ("debug", "info") if has_levels else ("info",)
    crowd = [
        log(str(each), NOW, each)._replace(level=levels[each % len(levels)])
        for each in range(80)
    ]
    logs = DeliveredLogs()
    service = Service(crowd, has_total=True, limit=_LIMIT, reports_limit=False)
    reader = reader_of(service, logs)
    assert await new_of(reader, logs, NOW - 60, NOW + 1) == len(crowd)


@pytest.mark.parametrize(("number", "others"), [(1, 0), (1, 20), (_LIMIT // 2, 20)])
async def test_total_that_is_wrong(number: int, others: int) -> None:
    """A wrong total costs a few requests, and no log."""
    entries = [log(str(each), NOW, each) for each in range(number)]
    older = [log(f"older {each}", NOW - 30 + each) for each in range(others)]
    missing: list[int] = []
    logs = DeliveredLogs()
    service = Service([*older, *entries], has_total=False, limit=_LIMIT)
    logs_of = service.logs

    async def lie(
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        window = await logs_of(start_ns, end_ns, device_id=device_id, level=level)
        return window._replace(total=80)

    service.logs = lie  # type: ignore[method-assign]
    reader = reader_of(service, logs, missing.append)
    assert await new_of(reader, logs, NOW - 60, NOW + 1) == number + len(older)
    assert not missing
    assert service.requests <= 4


async def test_log_that_is_shown_late_beside_an_unreadable_one() -> None:
    """A moment with an unreadable log is read again later."""
    unreadable = log("unreadable", NOW, 500)
    late = log("late", NOW, 700)._replace(device_id="other")
    missing: list[int] = []
    logs = DeliveredLogs()
    service = Service([unreadable])
    service.unreadable = unreadable
    reader = reader_of(service, logs, missing.append)
    start, end = (NOW - 1) * SECOND, (NOW + 1) * SECOND

    async def read(complete_before: int) -> list[LogEntry]:
        service.requests = 0
        reading = await reader.read(start, end, 100, complete_before=complete_before)
        return list(logs.add_read(reading.entries))

    assert await read(start) == []
    service.entries.append(late)
    assert await read(start) == []
    # Until its time is complete, it is not requested again.
    assert service.requests <= 2
    assert await read(end) == [late]
    assert await read(end) == []
    assert service.requests <= 2
    assert missing == [1]


async def test_service_that_ignores_the_time(entries: list[LogEntry]) -> None:
    """Logs of another time are an invalid answer."""
    service = Service(entries)
    service.ignores_bounds = True
    reader = reader_of(service, DeliveredLogs())
    start, end = (NOW - 900) * SECOND, (NOW - 700) * SECOND
    with pytest.raises(GoliothResponseError, match="time asked for"):
        await reader.read(start, end, 100, complete_before=end)


async def test_service_of_which_nothing_can_be_read(entries: list[LogEntry]) -> None:
    """A service without readable answers makes the read fail.

    No log is to blame, so none counts as missing.
    """
    missing: list[int] = []
    service = Service(entries)
    service.broken = 1_000
    reader = reader_of(service, DeliveredLogs(), missing.append)
    start, end = (NOW - 600) * SECOND, NOW * SECOND
    with pytest.raises(GoliothResponseError, match="No answer"):
        await reader.read(start, end, 100, complete_before=end)
    assert not missing
    assert service.requests < service.broken


async def test_answer_that_is_broken_on_its_way() -> None:
    """A millisecond that is readable later has no missing log."""
    entry = log("one", NOW)
    missing: list[int] = []
    service = Service([entry])
    service.broken = 1
    reader = reader_of(service, DeliveredLogs(), missing.append)
    start, end = NOW * SECOND, NOW * SECOND + MILLISECOND
    reading = await reader.read(start, end, 100, complete_before=end)
    assert reading.entries == [entry]
    assert not missing
