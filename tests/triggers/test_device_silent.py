"""Tests of the trigger for silent devices."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
import voluptuous as vol

from custom_components.golioth.client import Transport
from custom_components.golioth.const import DOMAIN
from custom_components.golioth.storage import project_store
from custom_components.golioth.storage.silence_clock import (
    SilenceClock,
    async_get_clock,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    config_validation as cv,
    device_registry as dr,
)
from homeassistant.helpers.trigger import async_validate_trigger_config
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .. import GREENHOUSE_NODE, WATER_METER
from ..events import TIMEOUT, LogEvents, wait_for_state
from ..registry import Disable
from ..sessions import Runs, add_project, session
from ..simulator import GoliothSimulator

GREENHOUSE = "sensor.greenhouse_node_last_log"
WATER = "sensor.water_meter_last_log"
CONNECTION = "binary_sensor.demo_project_connection"

SILENT = "test_silent"

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
def silences(hass: HomeAssistant) -> LogEvents:
    """Return the reported silences.

    The message of each event names the device.
    """
    events = LogEvents()
    hass.bus.async_listen(SILENT, events.async_handle_event)
    return events


@pytest.fixture
def clock(hass: HomeAssistant, config_entry: MockConfigEntry) -> SilenceClock:
    """Return the clock of the simulated project."""
    return async_get_clock(hass, config_entry.entry_id)


def automation(
    target: dict[str, Any], milliseconds: int, alias: str = "Silence"
) -> dict[str, Any]:
    """Return an automation that reports silences."""
    return {
        "alias": alias,
        "mode": "queued",
        "max": 100,
        "triggers": [
            {
                "trigger": "golioth.device_went_silent",
                "target": target,
                "options": {"for": {"milliseconds": milliseconds}},
            }
        ],
        "actions": [
            {
                "event": SILENT,
                "event_data": {
                    "message": "{{ trigger.device_name }}",
                    "automation": alias,
                },
            }
        ],
    }


async def automate(hass: HomeAssistant, *automations: dict[str, Any]) -> None:
    """Set up automations."""
    assert await async_setup_component(
        hass, "automation", {"automation": list(automations)}
    )


async def until(condition: Callable[[], bool]) -> None:
    """Poll until a condition holds that nothing reports."""
    async with asyncio.timeout(TIMEOUT):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def outlast(milliseconds: int) -> None:
    """Wait twice a time, in which nothing may happen."""
    await asyncio.sleep(2 * milliseconds / 1000)


async def disconnect(simulator: GoliothSimulator, clock: SilenceClock) -> None:
    """Disconnect after the catch-up, until the simulator accepts again."""
    await until(lambda: clock.is_running)
    await simulator.refuse()
    simulator.reset()
    await until(lambda: not clock.is_running)


@asynccontextmanager
async def logging(simulator: GoliothSimulator, device: str) -> AsyncIterator[None]:
    """Let a device log continuously."""

    async def log() -> None:
        while True:
            simulator.log("again", device=device, level="DEBUG")
            await asyncio.sleep(0.02)

    task = asyncio.create_task(log())
    try:
        yield
    finally:
        task.cancel()


@pytest.mark.parametrize(
    "config",
    [
        {"options": {"for": "00:01:00"}},
        {"target": {}, "options": {"for": "00:01:00"}},
        {"target": {"entity_id": WATER}},
        {"target": {"entity_id": WATER}, "options": {}},
        {"target": {"entity_id": WATER}, "options": {"for": 0}},
        {"target": {"entity_id": WATER}, "options": {"for": "-00:01:00"}},
    ],
    ids=str,
)
async def test_configuration(
    hass: HomeAssistant, enable_custom_integrations: None, config: dict[str, Any]
) -> None:
    """A target and a time are required."""
    with pytest.raises(vol.Invalid):
        await async_validate_trigger_config(
            hass,
            cv.TRIGGER_SCHEMA([{"trigger": "golioth.device_went_silent", **config}]),
        )


async def test_data(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    silences: LogEvents,
) -> None:
    """The trigger data identifies the device and the time."""
    keys = (
        "config_entry_id",
        "project_id",
        "device_id",
        "golioth_device_id",
        "device_name",
        "for",
        "description",
    )
    config = automation({"entity_id": [WATER]}, 100)
    config["actions"][0]["event_data"] |= {
        key: f"{{{{ trigger['{key}'] }}}}" for key in keys
    }
    await automate(hass, config)
    await silences.wait_for(1)
    device = device_registry.async_get_device_by_identifier(
        (DOMAIN, WATER_METER), streaming.entry_id
    )
    assert device is not None
    assert {key: silences[0][key] for key in keys} == {
        "config_entry_id": streaming.entry_id,
        "project_id": "demo",
        "device_id": device.id,
        "golioth_device_id": WATER_METER,
        "device_name": "water-meter",
        "for": "0:00:00.100000",
        "description": "no log from water-meter for 0:00:00.100000",
    }


async def test_device_that_never_logged(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    clock: SilenceClock,
    silences: LogEvents,
) -> None:
    """Without a log, silence counts from the automation's start.

    It does not count from when the project began to listen.
    """
    await until(lambda: clock.now > 0.4)
    started = clock.now
    await automate(hass, automation({"entity_id": [WATER]}, 400))
    await silences.wait_for(1)
    assert clock.now >= started + 0.4
    await outlast(400)
    assert silences.messages == ["water-meter"]


async def test_once_per_silence(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    clock: SilenceClock,
    silences: LogEvents,
    log_events: LogEvents,
) -> None:
    """A silence is reported once, and ends with a log.

    It runs from the last log.
    """
    await automate(hass, automation({"entity_id": [GREENHOUSE]}, 300))
    for number in range(1, 4):
        simulator.log("here", device=GREENHOUSE_NODE)
        await log_events.wait_for(number)
        told = len(silences)
        await silences.wait_for(told + 1)
        last_log = clock.last_log(GREENHOUSE_NODE)
        assert last_log is not None
        assert clock.now >= last_log + 0.3
        await outlast(300)
        assert len(silences) == told + 1


@pytest.mark.parametrize("options", [{"minimum_level": "error"}])
async def test_every_log_counts(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    silences: LogEvents,
    log_events: LogEvents,
) -> None:
    """Logs that are left out end a silence, too."""
    async with logging(simulator, GREENHOUSE_NODE):
        await automate(hass, automation({"entity_id": [GREENHOUSE, WATER]}, 1000))
        await silences.wait_for(1)
        await outlast(500)
        assert silences.messages == ["water-meter"]
    await silences.wait_for(2)
    assert silences.messages == ["water-meter", "greenhouse-node"]
    assert not log_events


async def test_pause_while_not_connected(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    clock: SilenceClock,
    silences: LogEvents,
) -> None:
    """Time without a connection does not count."""
    await disconnect(simulator, clock)
    paused_at = clock.now
    await automate(hass, automation({"entity_id": [WATER]}, 500))
    await outlast(500)
    assert clock.now == paused_at
    assert not silences

    await simulator.accept()
    await silences.wait_for(1)
    assert clock.now >= paused_at + 0.5


async def test_pause_until_catch_up_ends(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    clock: SilenceClock,
    silences: LogEvents,
    log_events: LogEvents,
) -> None:
    """A caught-up log ends a silence before its report."""
    await disconnect(simulator, clock)
    paused_at = clock.now
    await automate(hass, automation({"entity_id": [GREENHOUSE]}, 300))
    simulator.log("meanwhile", device=GREENHOUSE_NODE)
    simulator.faults.rest_delay = 2.0
    await simulator.accept()
    await simulator.wait_for_streams(1)
    await wait_for_state(hass, CONNECTION, "on")
    await outlast(300)
    assert clock.now == paused_at
    assert not silences
    assert not log_events

    simulator.faults.clear()
    await silences.wait_for(1)
    assert log_events.messages == ["meanwhile"]
    assert clock.last_log(GREENHOUSE_NODE) == paused_at
    assert clock.now >= paused_at + 0.3


@pytest.mark.parametrize("options", [{"poll_interval": 1.5}])
async def test_long_poll_interval(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    silences: LogEvents,
    log_events: LogEvents,
) -> None:
    """Silence is concluded only at polls.

    A device that logs all the time is not silent between two of them.
    """
    simulator.retire()
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await wait_for_state(hass, "sensor.demo_project_transport", "polling")
    async with logging(simulator, GREENHOUSE_NODE):
        # A poll has delivered logs, so that the next one is an interval away.
        await log_events.wait_for(1)
        await automate(hass, automation({"entity_id": [GREENHOUSE, WATER]}, 500))
        await silences.wait_for(1)
        polled = len(log_events)
        await log_events.wait_for(polled + 1)
        assert silences.messages == ["water-meter"]
    await silences.wait_for(2)
    assert silences.messages == ["water-meter", "greenhouse-node"]


async def test_slow_poll(clock: SilenceClock) -> None:
    """A poll confirms only the time before it began."""
    loop = asyncio.get_running_loop()
    clock.async_run(Transport.POLLING, loop.time())
    begun_at = loop.time()
    clock_at_begin = clock.now
    await until(lambda: clock.now > clock_at_begin + 0.1)
    clock.async_run(Transport.POLLING, begun_at)
    assert clock.confirmed <= clock_at_begin
    clock.async_run(Transport.STREAMING, begun_at)
    assert clock.confirmed > clock_at_begin + 0.1


@pytest.mark.parametrize("is_removed", [True, False], ids=["removed", "moved"])
async def test_devices_come_and_go(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    device_registry: dr.DeviceRegistry,
    area_registry: ar.AreaRegistry,
    silences: LogEvents,
    is_removed: bool,
) -> None:
    """Devices that leave a target are no longer watched.

    Those that enter it are. Removal counts as leaving.
    """
    greenhouse, water = (
        device_registry.async_get_device_by_identifier(
            (DOMAIN, golioth_device_id), streaming.entry_id
        )
        for golioth_device_id in (GREENHOUSE_NODE, WATER_METER)
    )
    assert greenhouse is not None
    assert water is not None
    area_id = area_registry.async_create("Garden").id
    device_registry.async_update_device(greenhouse.id, area_id=area_id)
    await automate(hass, automation({"area_id": [area_id]}, 500))
    device_registry.async_update_device(water.id, area_id=area_id)
    if is_removed:
        device_registry.async_remove_device(greenhouse.id)
    else:
        device_registry.async_update_device(greenhouse.id, area_id=None)
    await silences.wait_for(1)
    await outlast(500)
    assert silences.messages == ["water-meter"]


async def test_silence_of_a_muted_device(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    greenhouse: str,
    water_meter: str,
    disable: Disable,
    silences: LogEvents,
) -> None:
    """A disabled device is not silent, even if named.

    Enabled again, it is watched again.
    """
    disable()
    await automate(hass, automation({"device_id": [greenhouse, water_meter]}, 300))
    await silences.wait_for(1)
    await outlast(300)
    assert silences.messages == ["water-meter"]
    disable(False)
    await silences.wait_for(2)
    assert silences.messages == ["water-meter", "greenhouse-node"]


async def test_project_device(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    silences: LogEvents,
) -> None:
    """The project's own device is never silent."""
    await automate(hass, automation({"entity_id": [CONNECTION, WATER]}, 100))
    await silences.wait_for(1)
    await outlast(200)
    assert silences.messages == ["water-meter"]


async def test_automation_before_the_project(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    silences: LogEvents,
) -> None:
    """An automation works once the project is set up.

    It also works after a reload.
    """
    await automate(hass, automation({"entity_id": [GREENHOUSE]}, 300))
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await silences.wait_for(1)
    assert await hass.config_entries.async_reload(config_entry.entry_id)
    await wait_for_state(hass, CONNECTION, "on")
    await outlast(300)
    assert len(silences) == 1
    simulator.log("here", device=GREENHOUSE_NODE)
    await silences.wait_for(2)


async def test_pause_while_unloaded(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    clock: SilenceClock,
    silences: LogEvents,
) -> None:
    """Time while a project is not loaded does not count."""
    await automate(hass, automation({"entity_id": [WATER]}, 500))
    assert await hass.config_entries.async_unload(streaming.entry_id)
    paused_at = clock.now
    await outlast(500)
    assert clock.now == paused_at
    assert not silences
    assert await hass.config_entries.async_setup(streaming.entry_id)
    await silences.wait_for(1)


async def test_automation_that_is_restarted(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    silences: LogEvents,
) -> None:
    """A restarted automation does not report a silence again.

    Each automation reports it; one with a longer time still does after a restart.
    """
    simulator.log("here", device=GREENHOUSE_NODE)
    await wait_for_state(hass, GREENHOUSE, "here")
    target = {"entity_id": [GREENHOUSE]}
    await automate(
        hass,
        automation(target, 300, "One"),
        automation(target, 300, "Two"),
        automation(target, 2000, "Three"),
    )
    await silences.wait_for(2)
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "all"}, blocking=True
    )
    await hass.services.async_call(
        "automation", "turn_on", {"entity_id": "all"}, blocking=True
    )
    await silences.wait_for(3)
    assert sorted(data["automation"] for data in silences[:2]) == ["One", "Two"]
    assert [data["automation"] for data in silences[2:]] == ["Three"]
    simulator.log("here again", device=GREENHOUSE_NODE)
    await silences.wait_for(5)


async def test_restart(
    tmp_path: Path, simulator: GoliothSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silence continues over a restart, and is reported once.

    The downtime does not count.
    """
    # Saving happens long before the session ends.
    monkeypatch.setattr(project_store, "SAVE_DELAY", 0.05)
    runs = Runs()
    config = automation({"entity_id": [GREENHOUSE]}, 1500)
    config["actions"] = [
        {
            "action": "test.run",
            "data": {"message": "{{ trigger.device_name }}", "source": ""},
        }
    ]

    def clock_of(hass: HomeAssistant) -> SilenceClock:
        (entry,) = hass.config_entries.async_entries(DOMAIN)
        return async_get_clock(hass, entry.entry_id)

    async with session(tmp_path, runs, config) as hass:
        await add_project(hass, simulator, {})
        simulator.log("here", device=GREENHOUSE_NODE)
        await wait_for_state(hass, GREENHOUSE, "here")
        clock = clock_of(hass)
        last_log = clock.last_log(GREENHOUSE_NODE)
        assert last_log is not None
        await until(lambda: clock.now > last_log + 0.5)
        assert not runs
    async with session(tmp_path, runs, config) as hass:
        clock = clock_of(hass)
        restored = clock.last_log(GREENHOUSE_NODE)
        assert restored is not None
        assert restored <= -0.5
        await runs.wait_for(1)
        assert clock.now >= restored + 1.5
    async with session(tmp_path, runs, config) as hass:
        clock = clock_of(hass)
        await until(lambda: clock.now > 0.5)
        assert len(runs) == 1
        simulator.log("here again", device=GREENHOUSE_NODE)
        await runs.wait_for(2)


async def test_storage(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    clock: SilenceClock,
    log_events: LogEvents,
    hass_storage: dict[str, Any],
) -> None:
    """Only listed devices are stored.

    Nothing is stored of a project that is removed.
    """
    simulator.log("here", device=GREENHOUSE_NODE)
    for number in range(2500):
        simulator.log("invented", device=f"invented-{number}")
    await log_events.wait_for(2501)
    assert len(clock._last_logs) <= 1002
    assert await hass.config_entries.async_unload(streaming.entry_id)
    key = f"golioth.{streaming.entry_id}.listening"
    assert list(hass_storage[key]["data"]["devices"]) == [GREENHOUSE_NODE]
    await hass.config_entries.async_remove(streaming.entry_id)
    await hass.async_block_till_done()
    assert key not in hass_storage


@pytest.mark.parametrize(
    "data",
    [
        ["unexpected"],
        {"unexpected": 1},
        {"devices": ["unexpected"]},
        {"devices": {GREENHOUSE_NODE: 1}},
        {"devices": {GREENHOUSE_NODE: ["long", 0]}},
        {"devices": {GREENHOUSE_NODE: [float("inf"), 0]}},
    ],
    ids=str,
)
async def test_damage(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    clock: SilenceClock,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    data: Any,
) -> None:
    """Unreadable data is reported once, and the project works."""
    hass_storage[f"golioth.{config_entry.entry_id}.listening"] = {
        "version": 1,
        "minor_version": 1,
        "data": data,
    }
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    assert config_entry.state is ConfigEntryState.LOADED
    assert clock.last_log(GREENHOUSE_NODE) is None
    assert await hass.config_entries.async_reload(config_entry.entry_id)
    assert caplog.text.count("cannot be read. Devices count") == 1


def both_devices(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, Any]:
    """Return a target of both devices."""
    device_registry = dr.async_get(hass)
    devices = [
        device_registry.async_get_device_by_identifier((DOMAIN, each), entry.entry_id)
        for each in (GREENHOUSE_NODE, WATER_METER)
    ]
    return {"device_id": [device.id for device in devices if device is not None]}


async def test_automation_that_ends_itself(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    silences: LogEvents,
    clock: SilenceClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An automation may switch itself off.

    It does so at the first of two devices that fell silent together.
    """
    config = automation(both_devices(hass, streaming), 300)
    switch_off = {
        "action": "automation.turn_off",
        "target": {"entity_id": "automation.silence"},
        "data": {"stop_actions": False},
    }
    config["actions"] = [switch_off, *config["actions"]]
    await until(lambda: clock.is_running)
    await automate(hass, config)
    await silences.wait_for(1)
    await hass.async_block_till_done(wait_background_tasks=False)
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


async def test_automation_that_is_broken(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    silences: LogEvents,
    clock: SilenceClock,
) -> None:
    """A broken automation does not stop other reports."""
    broken = automation(both_devices(hass, streaming), 300)
    broken["triggers"][0]["variables"] = {
        "x": "{{ 1 / 0 if trigger.device_name == 'greenhouse-node' else 1 }}"
    }
    await until(lambda: clock.is_running)
    await automate(
        hass, broken, automation(both_devices(hass, streaming), 300, alias="Other")
    )
    await silences.wait_for(3)


async def test_rejected_key(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    clock: SilenceClock,
) -> None:
    """The end of the feed is no silence.

    An audit finds the key rejected.
    """
    await wait_for_state(hass, CONNECTION, "on")
    await until(lambda: clock.is_running)
    simulator.revoke()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=40))
    await wait_for_state(hass, CONNECTION, "off")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not clock.is_running
