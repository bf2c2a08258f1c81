"""Tests of a project's stored data."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import pairwise
import logging
from pathlib import Path
import resource
import threading
from typing import Any, Final

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.golioth.client import LogEntry, ResumePoint
from custom_components.golioth.client.bounds import Needed
from custom_components.golioth.client.delivered import DeliveredLogs
from custom_components.golioth.client.retention import Retention
from custom_components.golioth.const import DOMAIN
from custom_components.golioth.storage import project_store
from custom_components.golioth.storage.project_store import ProjectStore
from custom_components.golioth.storage.resume_store import ResumeStore
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import prepare_save_json

from .. import GREENHOUSE_NODE
from ..events import LogEvents, wait_for_state, wait_until
from ..home_assistant import home_assistant
from ..registry import Disable
from ..sessions import EACH_LOG, Runs, add_project, session
from ..simulator import GoliothSimulator

LAST_LOG = "sensor.greenhouse_node_last_log"


def key_of(entry: MockConfigEntry) -> str:
    """Return the key of a project's file in the storage."""
    return f"golioth.{entry.entry_id}"


class Progress:
    """A resume point that moves with each save.

    It counts how often it was saved.
    """

    def __init__(self) -> None:
        """Start at 0."""
        self.saves = 0

    def __call__(self) -> ResumePoint | None:
        """Return the next resume point."""
        self.saves += 1
        return ResumePoint.from_dict({"time_ns": self.saves, "delivered": {}})


@pytest.fixture
def progress() -> Progress:
    """Return a resume point that moves."""
    return Progress()


async def test_no_change(
    hass: HomeAssistant, hass_storage: dict[str, Any], progress: Progress
) -> None:
    """Nothing is written if nothing has changed."""
    store = ResumeStore(hass, "entry")
    assert await store.async_load() is None
    await store.async_close(progress)
    assert not progress.saves
    assert "golioth.entry" not in hass_storage


async def test_steady_changes(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, progress: Progress
) -> None:
    """Steady changes are saved once in each interval.

    They are saved neither more often nor put off.
    """
    monkeypatch.setattr(project_store, "SAVE_DELAY", 0.2)
    store = ResumeStore(hass, "entry")
    loop = asyncio.get_running_loop()
    end = loop.time() + 1.5
    while loop.time() < end:
        store.async_schedule_save(progress)
        await asyncio.sleep(0.001)
    assert 4 <= progress.saves <= 7
    await store.async_close(progress)


async def test_interval() -> None:
    """The resume point is saved every 10 seconds.

    A hard kill repeats at most 15 seconds of logs, 10 of which come from here.
    """
    assert project_store.SAVE_DELAY == 10


async def test_close(
    hass: HomeAssistant, hass_storage: dict[str, Any], progress: Progress
) -> None:
    """A pending save is written once when closing."""
    store = ResumeStore(hass, "entry")
    store.async_schedule_save(progress)
    await store.async_close(progress)
    assert progress.saves == 1
    assert hass_storage["golioth.entry"] == {
        "version": 1,
        "minor_version": 2,
        "key": "golioth.entry",
        "data": {"time_ns": 1, "delivered": {}},
    }
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    assert progress.saves == 1
    loaded = await ResumeStore(hass, "entry").async_load()
    assert loaded is not None
    assert loaded.as_dict() == {"time_ns": 1, "delivered": {}}


class SlowValue:
    """A value whose content takes until the test allows it.

    It records the thread that made the content.
    """

    def __init__(self, number: int) -> None:
        """Record this thread."""
        self.may_end = threading.Event()
        self.started = asyncio.Event()
        self.thread = threading.get_ident()
        self._number = number
        self._loop = asyncio.get_running_loop()

    def as_dict(self) -> dict[str, Any]:
        """Return the content, once the test allows it."""
        self.thread = threading.get_ident()
        self._loop.call_soon_threadsafe(self.started.set)
        assert self.may_end.wait(60)
        return {"number": self._number}


async def test_large_value(
    hass: HomeAssistant, hass_storage: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large values do not block the event loop.

    An older value is not written after a newer one.
    """
    monkeypatch.setattr(project_store, "SAVE_DELAY", 0)
    store = ProjectStore[SlowValue](hass, "golioth.entry", lambda _: None, "")
    older, newer = SlowValue(1), SlowValue(2)
    store.async_schedule_save(lambda: older)
    await older.started.wait()
    newer.may_end.set()
    taken = asyncio.Event()

    def take() -> SlowValue:
        taken.set()
        return newer

    closing = asyncio.create_task(store.async_close(take))
    await asyncio.sleep(0)
    assert not taken.is_set()
    older.may_end.set()
    await closing
    assert threading.get_ident() not in (older.thread, newer.thread)
    assert hass_storage["golioth.entry"]["data"] == {"number": 2}


async def test_remove_while_a_save_is_pending(
    hass: HomeAssistant, hass_storage: dict[str, Any], progress: Progress
) -> None:
    """A removed file is not saved again."""
    store = ResumeStore(hass, "entry")
    store.async_schedule_save(progress)
    await store.async_close(progress)
    store.async_schedule_save(progress)
    await store.async_remove()
    assert "golioth.entry" not in hass_storage
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    assert "golioth.entry" not in hass_storage


async def test_final_write(
    hass: HomeAssistant, hass_storage: dict[str, Any], progress: Progress
) -> None:
    """A pending save is written when Home Assistant ends."""
    ResumeStore(hass, "entry").async_schedule_save(progress)
    await hass.async_block_till_done()
    assert "golioth.entry" not in hass_storage
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    assert "golioth.entry" in hass_storage
    assert progress.saves == 1


async def test_no_resume_point(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """A feed that has not begun stores nothing unreadable."""
    store = ResumeStore(hass, "entry")
    store.async_schedule_save(lambda: None)
    await store.async_close(lambda: None)
    assert await ResumeStore(hass, "entry").async_load() is None
    assert not [each for each in caplog.records if each.levelname == "WARNING"]


async def test_load(
    hass: HomeAssistant,
    monkeypatch: pytest.MonkeyPatch,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Under load, a project is saved once per interval.

    It is saved once more when it is unloaded.
    """

    def saves() -> int:
        return caplog.text.count(f"Writing data to {key_of(streaming)}:")

    monkeypatch.setattr(project_store, "SAVE_DELAY", 0.5)
    assert await hass.config_entries.async_reload(streaming.entry_id)
    await simulator.wait_for_streams(1)
    before = saves()
    async with simulator.generating(rate=200):
        await log_events.wait_for(400)
        during = saves() - before
    assert 2 <= during <= 6
    assert await hass.config_entries.async_unload(streaming.entry_id)
    assert saves() - before - during in (1, 2)


@pytest.mark.usefixtures("impatient")
async def test_unload(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    hass_storage: dict[str, Any],
) -> None:
    """Reloads neither lose nor repeat a log.

    This holds whatever is sent meanwhile.
    """
    sent = 0
    for _ in range(5):
        for _ in range(20):
            sent += 1
            simulator.log(str(sent), device=GREENHOUSE_NODE)
            await asyncio.sleep(0)
        assert await hass.config_entries.async_unload(streaming.entry_id)
        assert key_of(streaming) in hass_storage
        sent += 1
        simulator.log(str(sent), device=GREENHOUSE_NODE)
        assert await hass.config_entries.async_setup(streaming.entry_id)
        await log_events.wait_for(sent)
    await hass.async_block_till_done()
    assert sorted(log_events.messages, key=int) == [str(n + 1) for n in range(sent)]
    assert {data["source"] for data in log_events} == {"stream", "catch_up"}


async def test_remove(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    streaming: MockConfigEntry,
    disable: Disable,
) -> None:
    """Removing a project leaves only its entry's project ID."""
    disable()
    assert await hass.config_entries.async_unload(streaming.entry_id)
    assert key_of(streaming) in hass_storage
    assert f"{key_of(streaming)}.left_out" in hass_storage
    assert await hass.config_entries.async_setup(streaming.entry_id)
    await hass.config_entries.async_remove(streaming.entry_id)
    await hass.async_block_till_done()
    await hass.async_stop(force=True)
    kept = {key for key in hass_storage if key.startswith(f"{DOMAIN}.")}
    assert kept == {f"{DOMAIN}.removed"}
    assert hass_storage[f"{DOMAIN}.removed"]["data"] == {
        "project_ids": {streaming.entry_id: streaming.data["project_id"]}
    }


@pytest.mark.parametrize(
    "stored",
    [
        {"version": 1, "minor_version": 1, "data": {"time_ns": "soon"}},
        {"version": 1, "minor_version": 1, "data": ["unexpected"]},
        {"version": 1, "minor_version": 9, "data": "unexpected"},
        {"version": 0, "minor_version": 1, "data": {}},
        {"version": 2, "minor_version": 1, "data": {"time_ns": 1, "delivered": {}}},
        {"version": None, "data": None},
    ],
    ids=str,
)
async def test_damage(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    stored: dict[str, Any],
) -> None:
    """Unreadable data is reported once, and the project goes on.

    It goes on from now.
    """
    hass_storage[key_of(config_entry)] = stored
    simulator.log("from before", device=GREENHOUSE_NODE)
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    assert config_entry.state is ConfigEntryState.LOADED
    await wait_for_state(hass, LAST_LOG, "from before")
    simulator.log("live", device=GREENHOUSE_NODE)
    await wait_for_state(hass, LAST_LOG, "live")
    assert log_events.messages == ["live"]
    assert caplog.text.count("cannot be read. Logs from before now") == 1

    assert await hass.config_entries.async_reload(config_entry.entry_id)
    assert caplog.text.count("cannot be read") == 1


async def test_size_on_disk(hass: HomeAssistant) -> None:
    """The largest resume point takes at most 256 KiB.

    It has the most logs over the most seconds, as Home Assistant writes it.
    """
    logs = DeliveredLogs()
    retention = Retention(logs, 30_000)
    for number in range(31_000):
        time_ns = (1_795_000_000 + number % 990) * 1_000_000_000
        logs.add_streamed(
            LogEntry("", time_ns, "LOGGING", "info", "", "", str(number), {}, "device")
        )
    second = 1_795_000_000
    retention.apply(Needed(second, second + 990, second + 990))
    resume_point = ResumePoint(1_795_000_990_000_000_000, retention.freeze())
    store = ResumeStore(hass, "entry")._store
    _mode, content = prepare_save_json(
        {
            "version": store.version,
            "minor_version": store.minor_version,
            "key": store.key,
            "data": resume_point.as_dict(),
        }
    )
    assert 200 * 1024 < len(content) <= 256 * 1024


# The largest file, in bytes, while the disk is full, and the size of one too large.
ROOM: Final = 2 * 1024 * 1024
LARGE: Final = 3 * 1024 * 1024


@contextmanager
def full_disk() -> Iterator[None]:
    """Simulate a full disk by limiting files to `ROOM`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class LargeValue:
    """A value too large for a full disk.

    It records the times of the attempts to save it.
    """

    def __init__(self) -> None:
        """Start without a save."""
        self.saves: list[float] = []
        self._saved = asyncio.Event()

    def __call__(self) -> LargeValue:
        """Record an attempt, and return itself as the value."""
        self.saves.append(asyncio.get_running_loop().time())
        self._saved.set()
        return self

    def as_dict(self) -> dict[str, Any]:
        """Return the content."""
        return {"text": "x" * LARGE, "saves": len(self.saves)}

    async def wait_for(self, number: int) -> None:
        """Wait for that many attempts to save it."""
        async with asyncio.timeout(20):
            while len(self.saves) < number:
                self._saved.clear()
                await self._saved.wait()


@pytest.fixture
async def on_disk(tmp_path: Path) -> AsyncIterator[HomeAssistant]:
    """Run a Home Assistant whose storage is on disk."""
    async with home_assistant(tmp_path) as hass:
        await hass.async_start()
        yield hass


def large_store(hass: HomeAssistant, name: str = "entry") -> ProjectStore[LargeValue]:
    """Return a store for a large value."""
    return ProjectStore(hass, f"golioth.{name}", lambda _: None, "")


def logged(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    """Return the integration's log messages about saving."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == project_store.__name__ and record.levelno == level
    ]


def errors(caplog: pytest.LogCaptureFixture) -> int:
    """Return how many errors anything has logged."""
    return sum(record.levelno >= logging.ERROR for record in caplog.records)


async def test_full_disk(
    on_disk: HomeAssistant,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A full disk is reported once, as is its end.

    Saving is tried again at growing intervals.
    """
    monkeypatch.setattr(project_store, "SAVE_DELAY", 0.1)
    monkeypatch.setattr(project_store, "MAX_RETRY_DELAY", 0.4)
    caplog.set_level(logging.INFO)
    values = {name: LargeValue() for name in ("entry", "other")}
    with full_disk():
        for name, value in values.items():
            store = large_store(on_disk, name)
            store.async_schedule_save(value)
            # Changes meanwhile do not add attempts.
            store.async_schedule_save(value)
        for value in values.values():
            await value.wait_for(5)
    (warning,) = logged(caplog, logging.WARNING)
    assert str(tmp_path / ".storage" / "golioth.") in warning
    assert "the disk may be full" in warning
    assert "logs may be delivered twice" in warning
    assert not logged(caplog)
    # Home Assistant logs more for each attempt, which cannot be prevented.
    assert 0 < errors(caplog) <= 2 * sum(len(each.saves) for each in values.values())
    times = values["entry"].saves
    pauses = [after - before for before, after in pairwise(times[:5])]
    for pause, least in zip(pauses, (0.1, 0.2, 0.4, 0.4), strict=True):
        assert pause >= least

    await wait_until(lambda: bool(logged(caplog)))
    assert logged(caplog) == ["What is kept of the projects is saved again"]
    assert len(logged(caplog, logging.WARNING)) == 1
    for name in values:
        assert (tmp_path / ".storage" / f"golioth.{name}").stat().st_size > LARGE


async def test_longest_pause() -> None:
    """A full disk is retried every five minutes at last.

    Home Assistant logs two errors per file and attempt.
    """
    assert project_store.MAX_RETRY_DELAY == 300


async def test_full_disk_that_has_room_again_at_the_end(
    on_disk: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A save that waits is made when Home Assistant ends."""
    monkeypatch.setattr(project_store, "SAVE_DELAY", 0.01)
    store, value = large_store(on_disk), LargeValue()
    with full_disk():
        store.async_schedule_save(value)
        await value.wait_for(1)
        monkeypatch.setattr(project_store, "SAVE_DELAY", 3600)
        monkeypatch.setattr(project_store, "MAX_RETRY_DELAY", 3600)
        async with store._lock:
            pass
    on_disk.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await on_disk.async_block_till_done()
    assert len(value.saves) == 2
    assert (tmp_path / ".storage" / "golioth.entry").stat().st_size > LARGE


async def test_full_disk_while_a_project_is_unloaded(
    on_disk: HomeAssistant,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A failed last save is not made after the unload.

    By then it would be older than what a reload has saved.
    """
    monkeypatch.setattr(project_store, "SAVE_DELAY", 0.05)
    store, value = large_store(on_disk), LargeValue()
    with full_disk():
        store.async_schedule_save(value)
        await value.wait_for(2)
        await store.async_close(value)
    number = len(value.saves)
    await asyncio.sleep(0.3)
    assert len(value.saves) == number
    assert not (tmp_path / ".storage" / "golioth.entry").exists()

    store = large_store(on_disk)
    store.async_schedule_save(value)
    await store.async_close(value)
    assert (tmp_path / ".storage" / "golioth.entry").exists()
    assert len(logged(caplog, logging.WARNING)) == 1


async def test_storage_that_is_no_folder(
    on_disk: HomeAssistant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A storage folder that is a file ends nothing.

    Home Assistant raises an error for it that it does not catch.
    """
    folder = tmp_path / ".storage"
    folder.rename(tmp_path / "moved away")
    folder.touch()
    store, value = large_store(on_disk), LargeValue()
    store.async_schedule_save(value)
    await store.async_close(value)
    assert len(logged(caplog, logging.WARNING)) == 1
    folder.unlink()
    store.async_schedule_save(value)
    await store.async_close(value)
    assert (folder / "golioth.entry").exists()


@pytest.mark.usefixtures("impatient", "socket_enabled")
async def test_file_that_cannot_be_written(
    tmp_path: Path,
    runs: Runs,
    simulator: GoliothSimulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Logs are delivered while the file cannot be written.

    It is saved as soon as it can be.
    """
    monkeypatch.setattr(project_store, "SAVE_DELAY", 0.2)
    async with session(tmp_path, runs, EACH_LOG) as hass:
        await add_project(hass, simulator, {})
        (entry,) = hass.config_entries.async_entries(DOMAIN)
        file = tmp_path / ".storage" / f"golioth.{entry.entry_id}"
        await wait_until(file.exists)
        file.unlink()
        # Nothing can replace a folder.
        file.mkdir()
        simulator.log("first", device=GREENHOUSE_NODE)
        await wait_until(lambda: bool(logged(caplog, logging.WARNING)))
        simulator.log("second", device=GREENHOUSE_NODE)
        await runs.wait_for(2)
        file.rmdir()
        await wait_until(file.is_file)
    async with session(tmp_path, runs, EACH_LOG) as hass:
        simulator.log("third", device=GREENHOUSE_NODE)
        await runs.wait_for(3)
    assert [message for message, _ in runs] == ["first", "second", "third"]
    assert len(logged(caplog, logging.WARNING)) == 1
