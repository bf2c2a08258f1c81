"""Tests of when the logs of devices are shown."""

from datetime import timedelta

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.golioth import device_logs
from custom_components.golioth.client.feed import LogSource
from custom_components.golioth.client.models import LogEntry
from custom_components.golioth.device_logs import DeviceLogs, ShowSchedule
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

LOG = LogEntry("", None, "LOGGING", "info", "", "", "text", {}, "")


class Follower:
    """Counts how often it is shown, and can fail."""

    def __init__(self) -> None:
        """Begin unshown."""
        self.shown = 0
        self.fails = False

    def async_show(self) -> None:
        """Count, or fail."""
        self.shown += 1
        if self.fails:
            raise ValueError("No state")

    def async_show_connection(self) -> None:
        """Show nothing of it."""


async def test_device_that_cannot_be_shown(
    hass: HomeAssistant,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is wrong with the entities of one device keeps no other from being shown after a storm."""
    monkeypatch.setattr(device_logs, "SHOW_INTERVAL", 3600)
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
    assert "No state" in caplog.text
    caplog.clear()
