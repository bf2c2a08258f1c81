"""The rows of the table.

Each is measured in turns with its floor.
"""

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

# The integration's sensors of a device, and whether they are enabled.
SENSORS: Final = (
    ("last_log", True),
    ("last_log_level", False),
    ("last_log_time", False),
    ("last_error", False),
    ("errors", False),
)

# Devices, and logs per second in all, of the rows with realistic traffic: 20 a second
# each.
_DEVICES: Final = 100
_RATE: Final = 2_000.0

# Bytes of a loose frame, and logs and their bytes in an answer.
_LOOSE_SIZE: Final = 1024 * 1024
_ANSWER_LOGS: Final = 100
_ANSWER_LOG_SIZE: Final = 84 * 1024

# Seconds for which a gap is not filled.
_GAP_SECONDS: Final = 4 * 3600

# Seconds; only a failure takes longer.
_TIMEOUT: Final = 300.0

# The defaults, and without pauses where only requests are measured.
_TIMING: Final = FeedTiming()
_UNPACED: Final = FeedTiming(request_interval=0.0)

# Seconds after the last log until the sensors show it.
_SHOWN: Final = 1.2


@dataclass(frozen=True, kw_only=True)
class Size:
    """The amount of measurements.

    Attributes:
        turns: Turns of a row, each with one of its floor.
        pipeline_turns: Turns of the pipeline, which is close to its target.
        client_turns: Turns of the client: short ones, as the load of other machines on
            the same processor comes and goes.
        client_logs: Logs of a turn of the client.
        pipeline_logs: Logs of a turn of the rows that go through Home Assistant.
        fleet: Devices of the large fleet.
        burst_turns: Number of bursts.
        hold_turns: Number of times that each kind of hold is caused.
        flood_frames: Frames of a flood.
        answer_kinds: Number of kinds of long answers.
        saves: Number of saves.
        latency_turns: Turns of the latency: short ones, as those of the client.
        latency_logs: Logs of a turn of the latency.
        warm_up_logs: Logs before the memory is measured: enough for its highest use,
            while logs are saved.
        memory_logs: Logs after that.
        startup_turns: Number of setups of a project.
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
    """A row of the table.

    Attributes:
        name: Name of the row.
        unit: Unit of the figures.
        measured: A figure for each turn.
        floor: The floor of each turn; empty if the target is absolute.
        target: Maximum of the ratio, or of the figure itself.
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
        """The figure for the target: median ratio or worst figure."""
        return statistics.median(self.ratios) if self.floor else max(self.measured)

    @property
    def is_met(self) -> bool:
        """Whether the target is met."""
        return self.result <= self.target


type MeasureRow = Callable[[LoadService, Size], Awaitable[Row]]


async def client(service: LoadService, size: Size) -> Row:
    """Measure CPU per log from frame to feed listener.

    Beside the bare loop.
    """
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
    """Measure CPU per log until its entities are written.

    It is an event then, too. Beside the same without the integration.
    """
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
    """Measure CPU per log with thousands of devices.

    Ten devices log. Beside that with ten devices.
    """
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
    """Measure CPU per log while 50 devices have triggers.

    One trigger each. Beside that without triggers.
    """
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
    """Measure the longest hold of the loop during 50,000 logs.

    They come at once to Home Assistant. Now and then Python's garbage collector
    examines all of Home Assistant, for 130 ms and more, whatever runs. It is run
    before, so that it is not due meanwhile.
    """
    async with _pipeline(service, "measured", _DEVICES) as (_hass, count):

        async def burst_once() -> None:
            await _send_and_wait(service, "measured", count, 50_000)
            await asyncio.sleep(_SHOWN)

        held = [await _measure_hold(burst_once()) for _ in range(size.burst_turns)]
    return Row(name="burst", unit="ms", measured=held, floor=[], target=50.0)


async def floods(service: LoadService, size: Size) -> Row:
    """Measure the longest hold of the loop by floods.

    Of pings, pongs, or empty frames.
    """
    async with _feed(service, "measured") as listener:

        async def flood(kind: str) -> None:
            await service.flood("measured", kind, size.flood_frames)
            # It comes after them.
            await _send_and_wait(service, "measured", listener.count, 1)

        held = [
            await _measure_hold(flood(kind))
            for kind in FLOODS
            for _ in range(size.hold_turns)
        ]
    return Row(name="floods", unit="ms", measured=held, floor=[], target=50.0)


async def loose_frame(service: LoadService, size: Size) -> Row:
    """Measure the longest hold of the loop by loose frames.

    A frame has 1 MiB.
    """
    async with _feed(service, "measured") as listener:

        async def send(kind: str) -> None:
            await service.send_loose("measured", kind, _LOOSE_SIZE)
            await _send_and_wait(service, "measured", listener.count, 1)
            # It may hold thousands of logs, each of which counts.
            await listener.until_quiet()

        held = [
            await _measure_hold(send(kind))
            for kind in LOOSE_KINDS
            for _ in range(size.hold_turns)
        ]
    return Row(name="loose_frame", unit="ms", measured=held, floor=[], target=50.0)


async def large_answer(service: LoadService, size: Size) -> Row:
    """Measure the longest hold of the loop by REST answers.

    An answer of 8 MiB is offered. It is read in parts, until every log was delivered or
    counted as unreadable.
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

            held.append(await _measure_hold(read(resume_point)))
    return Row(name="large_answer", unit="ms", measured=held, floor=[], target=50.0)


async def save(_service: LoadService, size: Size) -> Row:
    """Measure the longest hold of the loop by saves.

    After hours of an unfilled gap, in which a log a second was streamed.
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
                project.clock.note(int(start + elapsed) * SECOND)
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

        held = [await _measure_hold(save_once()) for _ in range(size.saves)]
        feed._progress.stop()
        if feed._patience is not None:
            feed._patience.cancel()
    return Row(name="save", unit="ms", measured=held, floor=[], target=50.0)


async def latency(service: LoadService, size: Size) -> Row:
    """Measure the 99th percentile of the latency of logs.

    From the sending of a log to its event. Beside the same without the integration.
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
            await _send_and_wait(
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
    """Measure the growth of memory over a million logs.

    After a warm-up.
    """
    async with _pipeline(service, "measured", 1_000) as (_hass, count):
        await _send_and_wait(
            service, "measured", count, size.warm_up_logs, devices=1_000
        )
        await asyncio.sleep(_SHOWN)
        before = _resident()
        await _send_and_wait(
            service, "measured", count, size.memory_logs, devices=1_000
        )
        await asyncio.sleep(_SHOWN)
        grown = (_resident() - before) / 1024**2
    return Row(name="memory", unit="MiB", measured=[grown], floor=[], target=10.0)


async def startup(service: LoadService, size: Size) -> Row:
    """Measure the setup of a project with 1,000 devices.

    Beside that of adding the same entities.
    """
    await service.register("few", 1_000)
    project = service.project("few")

    async def integration() -> float:
        async with empty_home_assistant() as hass:
            # Garbage of the previous turn does not count.
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

    # The first ones import modules that the others need.
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
    """Counts logs, and waits for reports of a feed.

    Attributes:
        count: The logs.
        feed: The feed.
    """

    def __init__(self) -> None:
        """Start at 0."""
        self.count = Count()
        # Called directly, as every log passes through here.
        self.on_log: Callable[[LogEntry, LogSource], None] = self.count.add
        self.feed: LogFeed | None = None
        self._is_complete = asyncio.Event()

    def on_history(self, entry: LogEntry) -> None:
        """Ignore history."""

    def on_connection_change(self, reason: GoliothError | None) -> None:
        """Ignore the change: without a connection, nothing is complete."""

    def on_gap(self, start_ns: int, end_ns: int) -> None:
        """Fail: no log may be lost."""
        raise AssertionError

    def on_complete(self, transport: Transport, until: float) -> None:
        """Note that everything is delivered, and logs are live."""
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
    """A connection that never sends anything."""

    @property
    def received_at(self) -> float:
        """The present, as if data had just come."""
        return asyncio.get_running_loop().time()

    async def deliver(
        self, on_log: Callable[[LogEntry], None], on_ignored: Callable[[], None]
    ) -> NoReturn:
        """Fail: the bench delivers the logs."""
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
    """Run a project's feed; yield once nothing is missing."""
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
    """Measure both in turns, each equally often first.

    Other load of the machine hits both alike.
    """
    measured, floor = [], []
    for turn in range(turns):
        if turn % 2:
            measured.append(await measure())
            floor.append(await measure_floor())
        else:
            floor.append(await measure_floor())
            measured.append(await measure())
    return Row(name=name, unit=unit, measured=measured, floor=floor, target=target)


async def _send_and_wait(
    service: LoadService,
    project: str,
    count: Count,
    number: int,
    *,
    devices: int = _DEVICES,
    rate: float | None = None,
) -> None:
    """Send logs, and wait until all have arrived.

    None may be lost.
    """
    await asyncio.gather(
        count.wait_for_more(number),
        service.send(project, number, devices=devices, rate=rate),
    )


async def _cpu(service: LoadService, project: str, count: Count, number: int) -> float:
    """Return the microseconds of CPU per log at full speed.

    The CPU of this process; logs come as fast as they are read.
    """
    gc.collect()
    started = time.process_time()
    await _send_and_wait(service, project, count, number)
    return (time.process_time() - started) / number * 1e6


async def _paced_cpu(
    service: LoadService, project: str, count: Count, size: Size, devices: int
) -> float:
    """Return the microseconds of CPU per log at fleet rate.

    The CPU of this process. The sensors are written at once, and then each second.
    Their last write is left out, as if more logs were to come.
    """
    number = size.pipeline_logs
    gc.collect()
    started = time.process_time()
    await _send_and_wait(service, project, count, number, devices=devices, rate=_RATE)
    taken = time.process_time() - started
    await asyncio.sleep(_SHOWN)
    return taken / number * 1e6


async def _measure_hold(work: Coroutine[Any, Any, None]) -> float:
    """Return the longest hold of the loop in milliseconds."""
    # As for a burst.
    gc.collect()
    watch = asyncio.create_task(_longest_hold())
    await work
    await asyncio.sleep(0)
    watch.cancel()
    return await watch * 1000


async def _longest_hold() -> float:
    """Return the longest time between iterations, in seconds.

    Watches the loop until cancelled.
    """
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
