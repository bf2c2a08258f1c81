"""Tests of the last log, and when devices show it."""

import asyncio
from datetime import timedelta

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.golioth.client import LogEntry, LogSource
from custom_components.golioth.logs import last_log
from custom_components.golioth.logs.last_log import (
    DeviceLogs,
    LastLog,
    ShownLog,
    ShowSchedule,
)
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

LOG = LogEntry("", None, "LOGGING", "info", "", "", "text", {}, "")


class Follower:
    """Counts its updates, also of its connection, and can fail."""

    def __init__(self) -> None:
        """Start with nothing shown."""
        self.shown = 0
        self.connections = 0
        self.fails = False

    def async_show(self) -> None:
        """Count, or raise ValueError."""
        self.shown += 1
        if self.fails:
            raise ValueError("No state")

    def async_show_connection(self) -> None:
        """Count."""
        self.connections += 1


def log(message: str, timestamp_ns: int) -> LogEntry:
    """Return a log."""
    return LOG._replace(message=message, timestamp_ns=timestamp_ns)


def shown(last: LastLog) -> str | None:
    """Return the shown message, None without a log."""
    return None if last.shown is None else last.shown.entry.message


def test_last_log() -> None:
    """A streamed log always replaces the last log.

    The clock of its device does not matter. A fetched log replaces it unless it is
    older.
    """
    last = LastLog()
    assert shown(last) is None
    last.restore(ShownLog.of(log("of last time", 5)))
    assert shown(last) == "of last time"
    last.add_fetched(log("fetched, older", 4))
    assert shown(last) == "of last time"
    last.add_fetched(log("fetched", 5))
    assert shown(last) == "fetched"
    last.next = log("streamed, by a clock that is late", 1)
    last.add_fetched(log("older than this", 0))
    assert shown(last) == "streamed, by a clock that is late"
    last.add_fetched(LOG)
    assert shown(last) == "text"
    last.restore(ShownLog.of(log("of last time", 5)))
    assert shown(last) == "text"


async def test_device_that_cannot_be_shown(
    hass: HomeAssistant,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A device that fails stops no other from being shown.

    They are shown after a burst of logs.
    """
    monkeypatch.setattr(last_log, "SHOW_INTERVAL", 3600)
    schedule = ShowSchedule(hass)
    followers = [Follower() for _ in range(3)]
    for follower in followers:
        device = DeviceLogs(schedule)
        device.async_add_follower(follower)
        for _ in range(2):
            device.async_handle_log(LOG, LogSource.STREAM, connected=True)
    assert [follower.shown for follower in followers] == [1, 1, 1]
    followers[0].fails = True
    # One tick for each, because they were shown one after the other.
    for _ in followers:
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=1, seconds=1))
        await hass.async_block_till_done()
    assert [follower.shown for follower in followers] == [2, 2, 2]
    assert "Unexpected error while a device was shown: ValueError" in caplog.text
    # The text of an unexpected error may hold private data.
    assert "No state" not in caplog.text
    caplog.clear()


async def test_many_devices_are_shown_with_pauses(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Showing many due devices does not delay a new log."""
    monkeypatch.setattr(last_log, "SHOW_INTERVAL", 3600)
    monkeypatch.setattr(last_log, "_STRETCH", 0)
    schedule = ShowSchedule(hass)
    followers = [Follower() for _ in range(10)]
    devices = [DeviceLogs(schedule) for _ in followers]
    for device, follower in zip(devices, followers, strict=True):
        device.async_add_follower(follower)
        device.async_handle_log(LOG, LogSource.STREAM, connected=True)
        device.shown_at = devices[0].shown_at
        device.async_handle_log(LOG, LogSource.STREAM, connected=True)

    def numbers() -> list[int]:
        return [follower.shown for follower in followers]

    assert numbers() == [1] * 10
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=1, seconds=1))
    await asyncio.sleep(0)
    assert numbers() == [2] + [1] * 9
    # One device leaves, and one logs again, before they are shown.
    devices[5].async_remove_follower(followers[5])
    devices[6].async_handle_log(LOG, LogSource.STREAM, connected=True)
    while schedule.waiting:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert numbers() == [2] * 5 + [1] + [2] * 4


async def test_flush_while_devices_are_shown(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flush shows each due device once, without delay."""
    monkeypatch.setattr(last_log, "SHOW_INTERVAL", 3600)
    monkeypatch.setattr(last_log, "_STRETCH", 0)
    schedule = ShowSchedule(hass)
    followers = [Follower() for _ in range(10)]
    devices = [DeviceLogs(schedule) for _ in followers]
    for device, follower in zip(devices, followers, strict=True):
        device.async_add_follower(follower)
        device.async_handle_log(LOG, LogSource.STREAM, connected=True)
        device.shown_at = devices[0].shown_at
        device.async_handle_log(LOG, LogSource.STREAM, connected=True)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=1, seconds=1))
    await asyncio.sleep(0)
    schedule.async_flush()
    assert [follower.shown for follower in followers] == [2] * 10
    await asyncio.sleep(0.02)
    assert [follower.shown for follower in followers] == [2] * 10


def test_connection_that_is_lost_while_a_device_is_added(hass: HomeAssistant) -> None:
    """A new entity shows a lost connection as others do."""
    device = DeviceLogs(ShowSchedule(hass))
    first, second = Follower(), Follower()
    device.async_add_follower(first)
    for _ in range(2):
        device.async_handle_connection(False)
    assert first.connections == 1
    device.async_add_follower(second)
    device.async_handle_connection(False)
    assert second.connections == 1
