"""The rows of the table: what is measured, beside its floor, in turns."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
import gc
import os
import statistics
import time
from typing import Any, Final, NoReturn

import aiohttp

from custom_components.golioth.client import (
    SECOND,
    Clocks,
    Credential,
    Endpoint,
    FeedTiming,
    GoliothClient,
    GoliothError,
    HttpWire,
    LogEntry,
    LogFeed,
    LogSource,
    ResumePoint,
    Transport,
    format_timestamp,
)
from custom_components.golioth.client.live import OpenStream
from custom_components.golioth.const import DOMAIN
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.trigger import (
    async_initialize_triggers,
    async_validate_trigger_config,
)
from tests.memory import resident_bytes

from .floor import EVENT, BareIntegration, BarePipeline, bare_loop
from .home_assistant import Count, empty_home_assistant, listen, set_up, wait_for_stream
from .load import ANSWER_KINDS, FLOODS, LOOSE_KINDS, device_id
from .service import LoadService

# The sensors of a device, and whether they are enabled, as the integration has them.
SENSORS: Final = (
    ("last_log", True),
    ("last_log_level", False),
    ("last_log_time", False),
    ("last_error", False),
    ("errors", False),
)

# Logs a second of the rows where devices log as devices do: 100 of them, 20 a second each.
_DEVICES: Final = 100
_RATE: Final = 2_000.0

# What is offered at once: a frame, and an answer of 100 logs.
_LOOSE_SIZE: Final = 1024 * 1024
_ANSWER_LOGS: Final = 100
_ANSWER_LOG_SIZE: Final = 84 * 1024

# Seconds that a gap is not filled.
_GAP_SECONDS: Final = 4 * 3600

# Seconds: only what is broken takes longer.
_TIMEOUT: Final = 300.0

# As users have it, and without pauses where nothing but requests is measured.
_TIMING: Final = FeedTiming()
_UNPACED: Final = FeedTiming(request_interval=0.0)

# Seconds after the last log in which the sensors show it.
_SHOWN: Final = 1.2


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured.

    Attributes:
        turns: How often each row takes turns with its floor.
        pipeline_turns: How often the pipeline does, whose target is near.
        client_turns: How often the client does: short turns, because other machines on the same processor come and go.
        client_logs: Logs of a turn of the client.
        pipeline_logs: Logs of a turn of the rows that go through Home Assistant.
        fleet: Devices of the large fleet.
        burst_turns: How often a burst is sent.
        hold_turns: How often each kind of what may hold the loop is sent.
        flood_frames: Frames of a flood.
        answer_kinds: How many kinds of long answers there are.
        saves: How often is saved.
        latency_turns: How often the latency is measured: short turns, as those of the client.
        latency_logs: Logs of a turn of the latency.
        warm_up_logs: Logs before the memory is looked at: until it has seen its fullest moments, in which logs are saved.
        memory_logs: Logs after that.
        startup_turns: How often a project is set up.
    """

    turns: int
    pipeline_turns: int
    client_turns: int
    client_logs: int
    pipeline_logs: int
    fleet: int
    burst_turns: int
    hold_turns: int
    flood_frames: int
    answer_kinds: int
    saves: int
    latency_turns: int
    latency_logs: int
    warm_up_logs: int
    memory_logs: int
    startup_turns: int


FULL: Final = Size(
    turns=13,
    pipeline_turns=25,
    client_turns=40,
    client_logs=20_000,
    pipeline_logs=6_000,
    fleet=10_000,
    burst_turns=3,
    hold_turns=3,
    flood_frames=200_000,
    answer_kinds=len(ANSWER_KINDS),
    saves=20,
    latency_turns=15,
    latency_logs=3_400,
    warm_up_logs=600_000,
    memory_logs=1_000_000,
    startup_turns=25,
)
QUICK: Final = Size(
    turns=2,
    pipeline_turns=2,
    client_turns=10,
    client_logs=4_000,
    pipeline_logs=1_500,
    fleet=500,
    burst_turns=1,
    hold_turns=1,
    flood_frames=100_000,
    answer_kinds=1,
    saves=3,
    latency_turns=2,
    latency_logs=1_000,
    warm_up_logs=15_000,
    memory_logs=15_000,
    startup_turns=1,
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table.

    Attributes:
        name: What was measured.
        unit: Of the figures.
        measured: A figure for each turn.
        floor: The floor of the same turn; empty where the target is absolute.
        target: What the ratio, or the figure itself, may be at most.
    """

    name: str
    unit: str
    measured: list[float]
    floor: list[float]
    target: float

    @property
    def ratios(self) -> list[float]:
        """The ratio of each turn."""
        return [
            measured / floor
            for measured, floor in zip(
                self.measured, self.floor, strict=bool(self.floor)
            )
        ]

    @property
    def result(self) -> float:
        """What the target is for: the median ratio, or the worst figure."""
        return statistics.median(self.ratios) if self.floor else max(self.measured)

    @property
    def is_met(self) -> bool:
        """Whether the target is met."""
        return self.result <= self.target


type MeasureRow = Callable[[LoadService, Size], Awaitable[Row]]


async def client(service: LoadService, size: Size) -> Row:
    """CPU of a log, from its frame until the feed gives it, beside the bare loop."""
    floor = Count()
    async with (
        _feed(service, "measured") as listener,
        bare_loop(service.project("floor"), floor.add),
    ):
        return await _in_turns(
            "client",
            lambda: _cpu(service, "measured", listener.count, size.client_logs),
            lambda: _cpu(service, "floor", floor, size.client_logs),
            turns=size.client_turns,
            target=2.0,
        )


async def pipeline(service: LoadService, size: Size) -> Row:
    """CPU of a log until it is an event, and its device's entities are written, beside the same without the integration."""
    floor = Count()
    async with _pipeline(service, "measured", _DEVICES) as (hass, measured):
        bare = BareIntegration(hass, _DEVICES, SENSORS)
        await bare.async_set_up()
        hass.bus.async_listen(EVENT, floor.add)
        async with bare_loop(service.project("floor"), BarePipeline(hass, bare)):
            return await _in_turns(
                "pipeline",
                lambda: _paced_cpu(service, "measured", measured, size, _DEVICES),
                lambda: _paced_cpu(service, "floor", floor, size, _DEVICES),
                turns=size.pipeline_turns,
                target=1.3,
            )


async def fleet(service: LoadService, size: Size) -> Row:
    """CPU of a log of ten devices where there are thousands, beside that where there are ten."""
    async with (
        _pipeline(service, "few", 10) as (_few, floor),
        _pipeline(service, "measured", size.fleet) as (_many, measured),
    ):
        return await _in_turns(
            "fleet",
            lambda: _paced_cpu(service, "measured", measured, size, 10),
            lambda: _paced_cpu(service, "few", floor, size, 10),
            turns=size.turns,
            target=1.2,
        )


async def triggers(service: LoadService, size: Size) -> Row:
    """CPU of a log where 50 devices have a trigger each, beside that where none has."""
    async with _pipeline(service, "measured", _DEVICES) as (hass, count):
        device_registry = dr.async_get(hass)
        (entry,) = hass.config_entries.async_entries(DOMAIN)
        config = await async_validate_trigger_config(
            hass,
            cv.TRIGGER_SCHEMA(
                [
                    {
                        "trigger": f"{DOMAIN}.log_received",
                        "target": {"device_id": device.id},
                    }
                    for each in range(50)
                    if (
                        device := device_registry.async_get_device_by_identifier(
                            (DOMAIN, device_id(each)), entry.entry_id
                        )
                    )
                ]
            ),
        )
        assert len(config) == 50

        async def ignore(*_: Any) -> None:
            pass

        async def with_triggers() -> float:
            remove = await async_initialize_triggers(
                hass, config, ignore, DOMAIN, "bench", lambda *_args, **_kwargs: None
            )
            assert remove is not None
            try:
                return await _paced_cpu(service, "measured", count, size, _DEVICES)
            finally:
                remove()

        return await _in_turns(
            "triggers",
            with_triggers,
            lambda: _paced_cpu(service, "measured", count, size, _DEVICES),
            turns=size.turns,
            target=1.5,
        )


async def burst(service: LoadService, size: Size) -> Row:
    """The longest time that Home Assistant's loop is held while 50,000 logs come at once.

    Now and then Python's garbage collector looks at all that there is in Home Assistant, for 130 ms and more, whatever runs. It
    has done so before, so that it is not due meanwhile.
    """
    async with _pipeline(service, "measured", _DEVICES) as (_hass, count):

        async def burst_once() -> None:
            await _sent(service, "measured", count, 50_000)
            await asyncio.sleep(_SHOWN)

        held = [await _held(burst_once()) for _ in range(size.burst_turns)]
    return Row(name="burst", unit="ms", measured=held, floor=[], target=50.0)


async def floods(service: LoadService, size: Size) -> Row:
    """The longest time that the loop is held by pings, pongs, or empty frames."""
    async with _feed(service, "measured") as listener:

        async def flood(kind: str) -> None:
            await service.flood("measured", kind, size.flood_frames)
            # It comes after them.
            await _sent(service, "measured", listener.count, 1)

        held = [
            await _held(flood(kind)) for kind in FLOODS for _ in range(size.hold_turns)
        ]
    return Row(name="floods", unit="ms", measured=held, floor=[], target=50.0)


async def loose_frame(service: LoadService, size: Size) -> Row:
    """The longest time that the loop is held by a frame of 1 MiB that is not plain."""
    async with _feed(service, "measured") as listener:

        async def send(kind: str) -> None:
            await service.send_loose("measured", kind, _LOOSE_SIZE)
            await _sent(service, "measured", listener.count, 1)
            # It may hold thousands of logs, of which each one counts.
            await listener.until_quiet()

        held = [
            await _held(send(kind))
            for kind in LOOSE_KINDS
            for _ in range(size.hold_turns)
        ]
    return Row(name="loose_frame", unit="ms", measured=held, floor=[], target=50.0)


async def large_answer(service: LoadService, size: Size) -> Row:
    """The longest time that the loop is held where REST offers an answer of 8 MiB.

    It is read in parts, until every log was delivered or counted as unreadable.
    """
    held = []
    for kind in ANSWER_KINDS[: size.answer_kinds]:
        for _ in range(size.hold_turns):
            start = time.time_ns() // SECOND + 1
            await asyncio.sleep(start + 0.2 - time.time())
            await service.store("measured", kind, _ANSWER_LOGS, _ANSWER_LOG_SIZE)
            resume_point = ResumePoint(
                start * SECOND,
                lambda: {"floor": start, "holes": [], "seconds": {}},  # noqa: B023
            )

            async def read(resume_point: ResumePoint) -> None:
                async with _feed(
                    service, "measured", resume_point, _UNPACED
                ) as listener:
                    assert listener.feed is not None
                    read = listener.count.number + listener.feed.unreadable
                    assert read >= _ANSWER_LOGS, (kind, read)  # noqa: B023

            held.append(await _held(read(resume_point)))
    return Row(name="large_answer", unit="ms", measured=held, floor=[], target=50.0)


async def save(_service: LoadService, size: Size) -> Row:
    """The longest time that the loop is held by saves after hours of an unfilled gap.

    A log a second was streamed meanwhile.
    """
    loop = asyncio.get_running_loop()
    elapsed = 0.0
    start = 1_795_000_000
    listener = _Listener()
    async with aiohttp.ClientSession() as session:
        project = GoliothClient(
            HttpWire(session),
            Endpoint("https://golioth.invalid", "bench", Credential("key")),
            clocks=Clocks(lambda: elapsed, lambda: start + elapsed),
        )
        feed = listener.feed = project.feed(
            listener,
            resume_point=ResumePoint(
                (start - 3_600) * SECOND,
                lambda: {"floor": start - 7_200, "holes": [], "seconds": {}},
            ),
            poll_interval=30.0,
            catch_up_window=86_400.0,
        )
        stream = OpenStream(_Silence(), 0.0)
        stream.waiting = None
        feed._live.stream = stream

        def receive() -> None:
            nonlocal elapsed
            elapsed += 1
            if elapsed % 600 < 2:
                project.clock.hear(int(start + elapsed) * SECOND)
            time_ns = int(start + elapsed) * SECOND
            entry = LogEntry(
                format_timestamp(time_ns),
                time_ns,
                "LOGGING",
                "info",
                "sensor",
                "",
                f"Sampled {elapsed % 40} °C",
                {"index": int(elapsed)},
                device_id(int(elapsed) % 10),
            )
            feed.on_live_log(stream, entry)

        for _ in range(_GAP_SECONDS):
            receive()
            if not elapsed % 100:
                await asyncio.sleep(0)

        async def save_once() -> None:
            for _ in range(10):
                receive()
                await asyncio.sleep(0)
            resume_point = feed.resume_point
            assert resume_point is not None
            # As the integration does.
            await loop.run_in_executor(None, resume_point.as_dict)

        held = [await _held(save_once()) for _ in range(size.saves)]
        feed._progress.stop()
        if feed._patience is not None:
            feed._patience.cancel()
    return Row(name="save", unit="ms", measured=held, floor=[], target=50.0)


async def latency(service: LoadService, size: Size) -> Row:
    """The time from the sending of a log to its event, as 99 of 100 have it.

    Beside it, the same without the integration.
    """
    times: list[float] = []

    @callback
    def note(event: Event) -> None:
        sent_ns = int(event.data["message"].rpartition(" ")[2])
        times.append(time.monotonic_ns() - sent_ns)

    floor = Count()
    async with _pipeline(service, "measured", _DEVICES) as (hass, measured):
        bare = BareIntegration(hass, _DEVICES, SENSORS)
        await bare.async_set_up()
        hass.bus.async_listen(EVENT, floor.add)
        hass.bus.async_listen(EVENT, note)
        listen(hass, note)

        async def percentile(project: str, count: Count) -> float:
            times.clear()
            # As for a burst.
            gc.collect()
            await _sent(
                service,
                project,
                count,
                size.latency_logs,
                devices=_DEVICES,
                rate=1_000.0,
            )
            return statistics.quantiles(times, n=100)[98] / 1e6

        async with bare_loop(service.project("floor"), BarePipeline(hass, bare)):
            return await _in_turns(
                "latency",
                lambda: percentile("measured", measured),
                lambda: percentile("floor", floor),
                turns=size.latency_turns,
                target=1.3,
                unit="ms",
            )


async def memory(service: LoadService, size: Size) -> Row:
    """How much the process grows over a million logs, after it has warmed up."""
    async with _pipeline(service, "measured", 1_000) as (_hass, count):
        await _sent(service, "measured", count, size.warm_up_logs, devices=1_000)
        await asyncio.sleep(_SHOWN)
        before = _resident()
        await _sent(service, "measured", count, size.memory_logs, devices=1_000)
        await asyncio.sleep(_SHOWN)
        grown = (_resident() - before) / 1024**2
    return Row(name="memory", unit="MiB", measured=[grown], floor=[], target=10.0)


async def startup(service: LoadService, size: Size) -> Row:
    """The time that a project with 1,000 devices takes to be set up, beside that of adding the same entities."""
    await service.register("few", 1_000)
    project = service.project("few")

    async def integration() -> float:
        async with empty_home_assistant() as hass:
            # What the turn before has left is no part of it.
            gc.collect()
            started = time.perf_counter()
            entry = await set_up(hass, project)
            taken = time.perf_counter() - started
            assert len(entry.runtime_data.data) == 1_000
            return taken

    async def bare() -> float:
        async with empty_home_assistant() as hass:
            floor = BareIntegration(hass, 1_000, SENSORS)
            gc.collect()
            started = time.perf_counter()
            await floor.async_set_up()
            return time.perf_counter() - started

    # The first ones import what the others need.
    await integration()
    await bare()
    return await _in_turns(
        "startup", integration, bare, turns=size.startup_turns, target=1.3, unit="s"
    )


ROWS: Final[tuple[MeasureRow, ...]] = (
    client,
    pipeline,
    fleet,
    triggers,
    burst,
    floods,
    loose_frame,
    large_answer,
    save,
    latency,
    memory,
    startup,
)


class _Listener:
    """Counts logs, and waits for what a feed reports.

    Attributes:
        count: The logs.
        feed: The feed.
    """

    def __init__(self) -> None:
        """Start at nothing."""
        self.count = Count()
        # Nothing in between, as every log comes through here.
        self.on_log: Callable[[LogEntry, LogSource], None] = self.count.add
        self.feed: LogFeed | None = None
        self._is_complete = asyncio.Event()

    def on_history(self, entry: LogEntry) -> None:
        """Ignore what was there before."""

    def on_connection_change(self, reason: GoliothError | None) -> None:
        """Ignore it: without a connection, nothing is complete."""

    def on_gap(self, start_ns: int, end_ns: int) -> None:
        """Refuse to lose a log."""
        raise AssertionError

    def on_complete(self, transport: Transport, until: float) -> None:
        """Note that everything is delivered, and logs arrive as they come."""
        if transport is Transport.STREAMING:
            self._is_complete.set()

    def on_incomplete(self) -> None:
        """Ignore it: nothing was waited for yet."""

    def on_progress(self) -> None:
        """Ignore it: nothing is saved."""

    async def until_complete(self) -> None:
        """Wait until everything is delivered."""
        async with asyncio.timeout(_TIMEOUT):
            await self._is_complete.wait()

    async def until_quiet(self) -> None:
        """Wait until no more logs come."""
        number = -1
        while number != self.count.number:
            number = self.count.number
            await asyncio.sleep(0.05)


class _Silence:
    """A connection that says nothing."""

    @property
    def heard_at(self) -> float:
        """The present, as if it did."""
        return asyncio.get_running_loop().time()

    async def deliver(
        self, on_log: Callable[[LogEntry], None], on_ignored: Callable[[], None]
    ) -> NoReturn:
        """Refuse to deliver: the bench does that."""
        raise AssertionError

    async def close(self) -> None:
        """Do nothing."""


@asynccontextmanager
async def _feed(
    service: LoadService,
    name: str,
    resume_point: ResumePoint | None = None,
    timing: FeedTiming = _TIMING,
) -> AsyncIterator[_Listener]:
    """Run the feed of a project, from when nothing is missing."""
    project = service.project(name)
    listener = _Listener()
    async with aiohttp.ClientSession() as session:
        feed = listener.feed = GoliothClient(
            HttpWire(session),
            project.endpoint,
            timing=timing,
        ).feed(
            listener,
            resume_point=resume_point,
            poll_interval=30.0,
            catch_up_window=3600.0,
        )
        task = asyncio.create_task(feed.run())
        try:
            await listener.until_complete()
            yield listener
        finally:
            task.cancel()
            await asyncio.wait({task})


@asynccontextmanager
async def _pipeline(
    service: LoadService, project: str, devices: int
) -> AsyncIterator[tuple[HomeAssistant, Count]]:
    """Run Home Assistant with a project, and count its events."""
    await service.register(project, devices)
    count = Count()
    async with empty_home_assistant() as hass:
        listen(hass, count.add)
        entry = await set_up(hass, service.project(project))
        await wait_for_stream(entry)
        yield hass, count


async def _in_turns(
    name: str,
    measure: Callable[[], Awaitable[float]],
    measure_floor: Callable[[], Awaitable[float]],
    *,
    turns: int,
    target: float,
    unit: str = "µs",
) -> Row:
    """Measure both, again and again, and each of them as often first: what the machine does meanwhile hits both alike."""
    measured, floor = [], []
    for turn in range(turns):
        if turn % 2:
            measured.append(await measure())
            floor.append(await measure_floor())
        else:
            floor.append(await measure_floor())
            measured.append(await measure())
    return Row(name=name, unit=unit, measured=measured, floor=floor, target=target)


async def _sent(
    service: LoadService,
    project: str,
    count: Count,
    number: int,
    *,
    devices: int = _DEVICES,
    rate: float | None = None,
) -> None:
    """Send logs, and wait until all have arrived: none may be lost."""
    await asyncio.gather(
        count.wait_for_more(number),
        service.send(project, number, devices=devices, rate=rate),
    )


async def _cpu(service: LoadService, project: str, count: Count, number: int) -> float:
    """Return the microseconds of CPU that a log costs this process, where they come as fast as they are taken."""
    gc.collect()
    started = time.process_time()
    await _sent(service, project, count, number)
    return (time.process_time() - started) / number * 1e6


async def _paced_cpu(
    service: LoadService, project: str, count: Count, size: Size, devices: int
) -> float:
    """Return the microseconds of CPU that a log costs this process, where they come as from a fleet.

    The sensors are written at once, and then each second. What is to be shown when the logs end is left to the time after
    them, as if there were more to come.
    """
    number = size.pipeline_logs
    gc.collect()
    started = time.process_time()
    await _sent(service, project, count, number, devices=devices, rate=_RATE)
    taken = time.process_time() - started
    await asyncio.sleep(_SHOWN)
    return taken / number * 1e6


async def _held(work: Coroutine[Any, Any, None]) -> float:
    """Return the longest time that the loop is held by some work, in milliseconds."""
    # As for a burst.
    gc.collect()
    watch = asyncio.create_task(_longest_hold())
    await work
    await asyncio.sleep(0)
    watch.cancel()
    return await watch * 1000


async def _longest_hold() -> float:
    """Watch the loop until cancelled, and return the longest time between two of its turns, in seconds."""
    loop = asyncio.get_running_loop()
    longest = 0.0
    last = loop.time()
    try:
        while True:
            await asyncio.sleep(0)
            now = loop.time()
            longest = max(longest, now - last)
            last = now
    except asyncio.CancelledError:
        return longest


def _resident() -> int:
    """Return the bytes of this process that are in memory."""
    gc.collect()
    return resident_bytes(os.getpid())
