"""Test reading the newest logs of a span backward."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import pytest

from custom_components.golioth.client.exceptions import GoliothConnectionError
from custom_components.golioth.client.history import FoundLogs, LogFilter, LogHistory
from custom_components.golioth.client.rest import GoliothRest
from custom_components.golioth.client.timestamps import format_timestamp
from tests import GREENHOUSE_NODE, WATER_METER
from tests.simulator import GoliothSimulator

MILLISECOND = 1_000_000
SECOND = 1_000_000_000

NOON = 1_700_049_600_000_000_000  # 2023-11-15T12:00:00Z
AN_HOUR = 3600 * SECOND

# The limit of one read.
MAX_REQUESTS = 80


@pytest.fixture
def history(rest: GoliothRest) -> LogHistory:
    """Return a history without pauses between requests."""
    return LogHistory(rest, request_interval=0, longest_retry_after=600)


@pytest.fixture(
    params=[
        {},
        {"start_inclusive": False},
        {"end_inclusive": True},
        {"start_inclusive": False, "end_inclusive": True, "timestamp_digits": 3},
        {"timestamp_digits": 3},
        {"numbers_as_text": True, "omit_defaults": True},
    ],
    ids=lambda options: ",".join(options) or "usual",
)
def service(
    simulator: GoliothSimulator, request: pytest.FixtureRequest
) -> GoliothSimulator:
    """Return the service in each variant of its contract."""
    options: dict[str, Any] = request.param
    for name, value in options.items():
        setattr(simulator, name, value)
    return simulator


def send(
    simulator: GoliothSimulator, times: Iterable[int], **log: Any
) -> Callable[[int], list[str]]:
    """Send numbered logs at some times.

    Returns:
        A function that returns the messages of the newest ones, up to a limit.
    """
    messages = []
    for number, time_ns in enumerate(times):
        messages.append(str(number))
        log = {"device": GREENHOUSE_NODE, **log}
        simulator.log(str(number), timestamp=format_timestamp(time_ns), **log)
    return lambda limit: messages[-limit:]


def messages(found: FoundLogs) -> list[str]:
    """Return the messages of logs."""
    return [entry.message for entry in found.entries]


@pytest.mark.parametrize("limit", [1, 20, 99, 100, 101, 250, 1000])
@pytest.mark.parametrize("number", [0, 1, 99, 100, 101, 250])
async def test_newest(
    service: GoliothSimulator, history: LogHistory, number: int, limit: int
) -> None:
    """The newest logs are returned, in order and few requests.

    It is reported whether there are more.
    """
    newest = send(service, [NOON + index * 7_654_321 for index in range(number)])
    found = await history.read(NOON, NOON + AN_HOUR, limit, LogFilter())
    assert messages(found) == newest(limit)
    assert found.truncated is (number > limit)
    assert not found.has_gaps
    assert len(service.requests) <= -(-min(number, limit) // 90) + 1


@pytest.mark.parametrize("limit", [20, 100])
async def test_limit_that_one_answer_holds(
    simulator: GoliothSimulator, history: LogHistory, limit: int
) -> None:
    """One request is enough where the service reports a total."""
    send(simulator, [NOON + index for index in range(500)])
    found = await history.read(NOON, NOON + AN_HOUR, limit, LogFilter())
    assert found.truncated
    assert not found.has_gaps
    assert len(found.entries) == limit
    assert len(simulator.requests) == 1


async def test_span(service: GoliothSimulator, history: LogHistory) -> None:
    """A span includes its start, but not its end."""
    times = [-1, 0, 1, SECOND - 1, SECOND, SECOND + 1]
    send(service, [NOON + time for time in times])
    found = await history.read(NOON, NOON + SECOND, 100, LogFilter())
    assert messages(found) == ["1", "2", "3"]
    assert not found.truncated


async def test_span_without_an_end(
    service: GoliothSimulator, history: LogHistory
) -> None:
    """A span without an end includes logs from ahead clocks."""
    now = service._clock() // MILLISECOND * MILLISECOND
    times = [now - AN_HOUR, now - SECOND, now + SECOND]
    send(service, times)
    found = await history.read(now - 2 * SECOND, None, 100, LogFilter())
    assert messages(found) == ["1", "2"]


@pytest.mark.parametrize(
    ("step", "ahead"),
    [(1000, -2), (1000, 1), (300_001, -2), (300_001, 1), (300_001, 120)],
)
async def test_logs_too_long_for_one_answer(
    service: GoliothSimulator, history: LogHistory, step: int, ahead: int
) -> None:
    """Recent long logs are all returned, whatever the clocks.

    Even many in one millisecond.
    """
    service.document_limit = None
    start = service._clock() // MILLISECOND * MILLISECOND + ahead * SECOND
    times = [start + index * step for index in range(60)]
    newest = send(service, times, metadata={"text": "x" * 60_000})
    found = await history.read(start - AN_HOUR, None, 100, LogFilter())
    assert messages(found) == newest(60)
    assert not found.truncated
    assert len(service.requests) < MAX_REQUESTS


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (LogFilter(device_id=WATER_METER), ["2", "3"]),
        (LogFilter(levels=("error",)), ["1", "3"]),
        (LogFilter(levels=("error", "debug")), ["0", "1", "3"]),
        (LogFilter(levels=("warn",)), []),
        (LogFilter(module="wifi"), ["1", "2"]),
        (LogFilter(term="3"), ["3"]),
        (LogFilter(WATER_METER, ("error",), "power", "3"), ["3"]),
        (LogFilter(WATER_METER, ("error",), "wifi"), []),
    ],
)
async def test_filter(
    service: GoliothSimulator,
    history: LogHistory,
    wanted: LogFilter,
    expected: list[str],
) -> None:
    """Only logs that match the filter are returned."""
    logs = [
        (GREENHOUSE_NODE, "DEBUG", "power"),
        (GREENHOUSE_NODE, "ERROR", "wifi"),
        (WATER_METER, "INFO", "wifi"),
        (WATER_METER, "ERROR", "power"),
    ]
    for number, (device, level, module) in enumerate(logs):
        service.log(
            str(number),
            device=device,
            level=level,
            module=module,
            timestamp=format_timestamp(NOON + number * SECOND),
        )
    found = await history.read(NOON, NOON + AN_HOUR, 100, wanted)
    assert messages(found) == expected
    assert not found.truncated


@pytest.mark.parametrize("limit", [3, 100, 150, 300, 301])
async def test_several_levels(
    service: GoliothSimulator, history: LogHistory, limit: int
) -> None:
    """The newest logs of several levels together are returned."""
    for number in range(450):
        service.log(
            str(number),
            level=("DEBUG", "WARN", "ERROR")[number % 3],
            timestamp=format_timestamp(NOON + number * MILLISECOND),
        )
    wanted = LogFilter(levels=("error", "warn"))
    found = await history.read(NOON, NOON + AN_HOUR, limit, wanted)
    expected = [str(number) for number in range(450) if number % 3]
    assert messages(found) == expected[-limit:]
    assert found.truncated is (limit < 300)


@pytest.mark.parametrize("level", [(), ("info",)], ids=["any level", "one level"])
@pytest.mark.parametrize("device", [None, GREENHOUSE_NODE], ids=["any", "one device"])
@pytest.mark.parametrize("step", [0, 1, 1000], ids=["moment", "ns", "us"])
async def test_many_logs_of_one_millisecond(
    service: GoliothSimulator,
    history: LogHistory,
    step: int,
    device: str | None,
    level: tuple[str, ...],
) -> None:
    """Logs of a crowded millisecond and around it are found."""
    before = [NOON + index * MILLISECOND for index in range(150)]
    burst = [NOON + SECOND + index * step for index in range(90)]
    send(service, [*before, *burst], level="INFO")
    # Logs of other devices and levels in the same moments.
    for time_ns in burst:
        for other_device, other_level in (
            (WATER_METER, "INFO"),
            (WATER_METER, "ERROR"),
            (GREENHOUSE_NODE, "ERROR"),
        ):
            service.log(
                "other",
                device=other_device,
                level=other_level,
                timestamp=format_timestamp(time_ns),
            )
    wanted = LogFilter(device_id=device, levels=level)
    found = await history.read(NOON, NOON + AN_HOUR, 1000, wanted)
    others = {
        (None, ()): 270,
        (None, ("info",)): 90,
        (GREENHOUSE_NODE, ()): 90,
        (GREENHOUSE_NODE, ("info",)): 0,
    }[device, level]
    expected = Counter([str(number) for number in range(240)] + ["other"] * others)
    assert Counter(messages(found)) == expected
    assert not found.truncated
    assert len(service.requests) <= MAX_REQUESTS
    times = [entry.timestamp_ns or 0 for entry in found.entries]
    assert times == sorted(times)


async def test_missing_logs_of_a_moment(
    simulator: GoliothSimulator, history: LogHistory
) -> None:
    """Missing logs of a moment are reported, the others returned."""
    send(simulator, [NOON] * 150, level="INFO")
    simulator.log("before", timestamp=format_timestamp(NOON - SECOND))
    simulator.log("after", timestamp=format_timestamp(NOON + SECOND))
    found = await history.read(NOON - AN_HOUR, NOON + AN_HOUR, 1000, LogFilter())
    assert found.truncated
    assert found.has_gaps
    assert len(found.entries) == 102
    assert messages(found)[0] == "before"
    assert messages(found)[-1] == "after"


@pytest.mark.parametrize("step", [0, 1, MILLISECOND])
@pytest.mark.parametrize("levels", [(), ("info", "error")])
async def test_service_that_does_not_heed_bounds(
    simulator: GoliothSimulator, history: LogHistory, step: int, levels: tuple[str, ...]
) -> None:
    """A read ends, incomplete, if the service ignores bounds."""
    newest = send(simulator, [NOON + index * step for index in range(300)])
    simulator.faults.log_bounds_ignored = True
    wanted = LogFilter(levels=levels)
    found = await history.read(NOON - AN_HOUR, NOON + AN_HOUR, 1000, wanted)
    assert found.truncated
    assert set(messages(found)) <= set(newest(100))
    assert len(simulator.requests) <= MAX_REQUESTS
    # No logs are returned for a span without any.
    found = await history.read(NOON - AN_HOUR, NOON - SECOND, 1000, wanted)
    assert found.entries == []


@pytest.mark.parametrize("total", [0, 1, 50, 10**9])
@pytest.mark.parametrize("number", [0, 50, 100, 250])
async def test_service_that_counts_wrong(
    simulator: GoliothSimulator, history: LogHistory, number: int, total: int
) -> None:
    """Every log is found despite wrong totals."""
    newest = send(simulator, [NOON + index * SECOND for index in range(number)])
    simulator.faults.log_total = total
    found = await history.read(NOON, NOON + AN_HOUR, 1000, LogFilter())
    assert messages(found) == newest(1000)
    assert found.truncated or total < 10**9
    assert not found.truncated or total
    assert len(simulator.requests) <= 5


async def test_level_of_missing_logs(
    simulator: GoliothSimulator, history: LogHistory
) -> None:
    """Searching missing logs returns no logs of other levels."""
    for level in ("INFO", "ERROR"):
        send(simulator, [NOON] * 150, level=level)
    wanted = LogFilter(device_id=GREENHOUSE_NODE, levels=("info",))
    found = await history.read(NOON, NOON + AN_HOUR, 1000, wanted)
    assert found.truncated
    assert [entry.level for entry in found.entries] == ["info"] * 100


async def test_many_moments_with_missing_logs(
    simulator: GoliothSimulator, history: LogHistory
) -> None:
    """A read ends at the limit of requests.

    The logs until then are returned.
    """
    for moment in range(10):
        send(simulator, [NOON + moment * SECOND] * 150, level="INFO")
    found = await history.read(NOON, NOON + AN_HOUR, 1000, LogFilter())
    assert found.truncated
    assert found.has_gaps
    # A hundred of each moment that was reached.
    assert len(found.entries) in range(200, 1000, 100)
    assert len(simulator.requests) == MAX_REQUESTS


async def test_service_that_gives_few_at_a_time(
    simulator: GoliothSimulator, history: LogHistory
) -> None:
    """Small answers end a read at the limit of requests.

    The logs until then are returned.
    """
    simulator.log_cap = 3
    newest = send(simulator, [NOON + index * SECOND for index in range(500)])
    found = await history.read(NOON, NOON + AN_HOUR, 1000, LogFilter())
    assert found.truncated
    assert len(simulator.requests) == MAX_REQUESTS
    assert len(found.entries) > MAX_REQUESTS
    assert messages(found) == newest(len(found.entries))
    assert not found.has_gaps
    # No request is left for the second level.
    wanted = LogFilter(levels=("info", "error"))
    simulator.log("error", level="ERROR", timestamp=format_timestamp(NOON + AN_HOUR))
    found = await history.read(NOON, NOON + 2 * AN_HOUR, 1000, wanted)
    assert "error" not in messages(found)
    assert found.has_gaps


async def test_failure(simulator: GoliothSimulator, history: LogHistory) -> None:
    """A failure raises, and does not affect the next read."""
    newest = send(simulator, [NOON + index * SECOND for index in range(150)])
    simulator.faults.rest_status = 503
    with pytest.raises(GoliothConnectionError):
        await history.read(NOON, NOON + AN_HOUR, 1000, LogFilter())
    simulator.faults.clear()
    found = await history.read(NOON, NOON + AN_HOUR, 1000, LogFilter())
    assert messages(found) == newest(150)


@pytest.mark.parametrize("within_reason", [600, 0.05])
async def test_service_that_asks_to_wait(
    simulator: GoliothSimulator, rest: GoliothRest, within_reason: float
) -> None:
    """No request is sent during a wait by Retry-After.

    The wait is capped.
    """
    history = LogHistory(rest, request_interval=0, longest_retry_after=within_reason)
    simulator.faults.rest_status = 429
    simulator.faults.rest_headers = {"Retry-After": "3600"}
    with pytest.raises(GoliothConnectionError, match="HTTP 429"):
        await history.read(NOON, NOON + AN_HOUR, 1000, LogFilter())
    simulator.faults.clear()
    if within_reason > 1:
        with pytest.raises(GoliothConnectionError, match=r"another (600|599) s$"):
            await history.read(NOON, NOON + AN_HOUR, 1000, LogFilter())
        assert len(simulator.requests) == 1
        return
    while len(simulator.requests) == 1:
        with suppress(GoliothConnectionError):
            await history.read(NOON, NOON + AN_HOUR, 1000, LogFilter())
        await asyncio.sleep(0.01)


async def test_pace(simulator: GoliothSimulator, rest: GoliothRest) -> None:
    """Requests are spaced, within and between reads."""
    history = LogHistory(rest, request_interval=0.05, longest_retry_after=0)
    send(simulator, [NOON + index * SECOND for index in range(150)])
    loop = asyncio.get_running_loop()
    started = loop.time()
    for _ in range(2):
        await history.read(NOON, NOON + AN_HOUR, 1000, LogFilter())
    assert len(simulator.requests) == 4
    assert loop.time() - started >= 3 * 0.05
