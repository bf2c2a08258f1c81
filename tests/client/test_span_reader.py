"""Tests of what is read of a span of time, and for how many requests."""

import pytest

from custom_components.golioth.client.delivered import DeliveredLogs
from custom_components.golioth.client.log_window import LogWindow
from custom_components.golioth.client.models import LogEntry
from custom_components.golioth.client.pacing import RequestPace
from custom_components.golioth.client.reading import TooManyLogsError
from custom_components.golioth.client.span_reader import SpanReader
from custom_components.golioth.client.timestamps import MILLISECOND, SECOND

from .logs import NOW, log

_LIMIT = 50


class Service:
    """Answers with the newest logs of a span, and does not say how many there are."""

    def __init__(self, entries: list[LogEntry]) -> None:
        """Take the logs, oldest first."""
        self.requests = 0
        self._entries = entries

    async def logs(
        self,
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        device_id: str | None = None,
        level: str | None = None,
    ) -> LogWindow:
        """Answer."""
        self.requests += 1
        found = [
            each
            for each in self._entries
            if (start_ns or 0)
            < (each.timestamp_ns or 0)
            < (end_ns or (NOW + 1) * SECOND)
        ]
        return LogWindow(found[-_LIMIT:], None, _LIMIT, [], 0, body_size=10_000)


def reader_of(service: Service, logs: DeliveredLogs) -> SpanReader:
    """Return a reader of the service."""
    return SpanReader(
        service,
        logs=logs,
        device_ids=list,
        on_answer=lambda: None,
        on_missing=lambda _number: None,
        pace=RequestPace(0.0),
    )


@pytest.fixture
def entries() -> list[LogEntry]:
    """Return logs of ten minutes."""
    return [log(str(number), NOW - 600 + number) for number in range(600)]


async def test_known_logs_take_no_memory(
    entries: list[LogEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known may have any size: only what is kept of the answers is limited."""
    monkeypatch.setattr("custom_components.golioth.client.reading._MAX_BYTES", 50_000)
    logs = DeliveredLogs()
    service = Service(entries)
    reader = reader_of(service, logs)
    start, end = (NOW - 600) * SECOND, NOW * SECOND
    with pytest.raises(TooManyLogsError):
        await reader.read(start, end, 10_000)
    for entry in entries[1:]:
        logs.add_streamed(entry)
    reading = await reader.read(start, end, 10_000)
    assert logs.count_new(reading.entries) == 1


async def test_glance_tells_since_when_it_has_all(entries: list[LogEntry]) -> None:
    """An answer that is cut has all logs after its oldest second."""
    logs = DeliveredLogs()
    service = Service(entries)
    glance = await reader_of(service, logs).glance((NOW - 600) * SECOND, NOW * SECOND)
    assert glance is not None
    assert glance.start == (NOW - _LIMIT + 1) * SECOND
    assert glance.reading.entries == entries[-_LIMIT + 1 :]
    assert service.requests == 1


async def test_whole_reading_of_a_crowded_moment() -> None:
    """A reading that lacks nothing is returned, however many logs it has."""
    entries = [log(str(each), NOW, 1 + each) for each in range(2 * _LIMIT)]
    reader = reader_of(Service(entries), DeliveredLogs())
    start = NOW * SECOND
    reading = await reader.read(start, start + MILLISECOND, _LIMIT)
    assert reading.entries == entries
