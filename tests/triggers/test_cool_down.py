"""Tests of the triggers' cool-down in running automations."""

import json
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.golioth.const import DOMAIN, EVENT_GOLIOTH_LOG
from custom_components.golioth.triggers import cool_down
from custom_components.golioth.triggers.cool_down import async_get_cool_downs
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.typing import ConfigType
from homeassistant.setup import async_setup_component

from .. import GREENHOUSE_NODE, WATER_METER
from ..events import LogEvents, capture_runs, wait_for_live_logs
from ..sessions import Runs, add_project, session
from ..simulator import GoliothSimulator
from .test_log_received import OF_DEVICE, OF_PROJECT, automate, wait_for_runs

BOTH_DEVICES: ConfigType = {
    "trigger": "golioth.log_received",
    "target": {
        "entity_id": ["sensor.greenhouse_node_last_log", "sensor.water_meter_last_log"]
    },
}
both_triggers = pytest.mark.parametrize(
    "trigger", [BOTH_DEVICES, OF_PROJECT], ids=["device", "project"]
)


@pytest.fixture
def ran(hass: HomeAssistant) -> LogEvents:
    """Return the runs of the automations."""
    return capture_runs(hass)


def with_cool_down(trigger: ConfigType, duration: Any, **options: Any) -> ConfigType:
    """Return a trigger with a cool-down."""
    return {**trigger, "options": {"cool_down": duration, **options}}


@both_triggers
@pytest.mark.parametrize(
    "duration",
    [
        "00:10:00",
        "0:10",
        600,
        600.0,
        "600",
        {"minutes": 10},
        {"minutes": "10"},
        {"hours": 0, "minutes": 9, "seconds": 59, "milliseconds": 1000},
    ],
    ids=str,
)
async def test_each_device(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    ran: LogEvents,
    freezer: FrozenDateTimeFactory,
    trigger: ConfigType,
    duration: Any,
) -> None:
    """A trigger fires once per device and cool-down.

    The duration may have any form.
    """
    await automate(hass, with_cool_down(trigger, duration, level="warn"))

    async def log(message: str, device: str, level: str = "ERROR") -> None:
        simulator.log(message, device=device, level=level)
        await wait_for_runs(hass, log_events, len(log_events) + 1)

    await log("not wanted", GREENHOUSE_NODE, "INFO")
    await log("pump", GREENHOUSE_NODE)
    await log("pump again", GREENHOUSE_NODE)
    await log("tank", WATER_METER, "WARN")
    assert ran.messages == ["pump", "tank"]
    freezer.tick(599)
    await log("pump, too early", GREENHOUSE_NODE)
    freezer.tick(1)
    await log("pump, later", GREENHOUSE_NODE)
    await log("pump, later again", GREENHOUSE_NODE)
    await log("tank, later", WATER_METER)
    assert ran.messages == ["pump", "tank", "pump, later", "tank, later"]


async def test_no_duration(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    ran: LogEvents,
) -> None:
    """A cool-down of zero has no effect."""
    duration = {"hours": 0, "minutes": 0, "seconds": 0}
    await automate(hass, with_cool_down(OF_DEVICE, duration))
    for message in ("one", "two"):
        simulator.log(message, device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 2)
    assert ran.messages == ["one", "two"]


async def test_automations_with_the_same_trigger(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    ran: LogEvents,
) -> None:
    """Automations with equal triggers have separate cool-downs.

    These stay when automations are switched off and on, or the project is reloaded.
    """
    trigger = with_cool_down(OF_DEVICE, 600)
    await automate(hass, trigger, trigger, with_cool_down(OF_DEVICE, 700))
    simulator.log("one", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 1)
    assert sorted(run["automation"] for run in ran) == [0, 1, 2]
    for action in ("turn_off", "turn_on"):
        await hass.services.async_call(
            "automation", action, {"entity_id": "all"}, blocking=True
        )
    simulator.log("two", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 2)
    assert await hass.config_entries.async_reload(streaming.entry_id)
    await simulator.wait_for_streams(1)
    await wait_for_live_logs(streaming)
    simulator.log("three", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 3)
    assert len(ran) == 3


@pytest.mark.parametrize("has_id", [False, True])
async def test_automation_that_is_added_later(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    ran: LogEvents,
    has_id: bool,
) -> None:
    """A cool-down belongs to one automation.

    It stays with it over a reload of automations.
    """

    def automation(number: int, mode: str) -> ConfigType:
        return {
            **({"id": str(number)} if has_id else {}),
            "alias": f"Automation {number}",
            "triggers": [with_cool_down(OF_DEVICE, 600)],
            "actions": [
                {
                    "action": "test.run",
                    "data": {"message": "{{ trigger.message }}", "automation": number},
                }
            ],
            "mode": mode,
        }

    async def reload(*automations: ConfigType) -> None:
        # JSON is YAML.
        path = Path(hass.config.path("configuration.yaml"))
        config = json.dumps({"automation": automations})
        await hass.async_add_executor_job(path.write_text, config)
        await hass.services.async_call("automation", "reload", blocking=True)

    assert await async_setup_component(
        hass, "automation", {"automation": [automation(1, "queued")]}
    )
    simulator.log("one", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 1)
    # Automations that have changed are created again.
    await reload(automation(2, "queued"), automation(1, "restart"))
    simulator.log("two", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 2)
    await reload(automation(1, "queued"), automation(2, "restart"))
    simulator.log("three", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 3)
    assert [(run["message"], run["automation"]) for run in ran] == [
        ("one", 1),
        ("two", 2),
    ]


async def test_clock_that_is_set_back(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    ran: LogEvents,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A cool-down that began in the future is over."""
    await automate(hass, with_cool_down(OF_DEVICE, 600))
    simulator.log("one", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 1)
    freezer.tick(-3600)
    simulator.log("two", device=GREENHOUSE_NODE)
    simulator.log("three", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 3)
    assert ran.messages == ["one", "two"]


@pytest.mark.usefixtures("impatient")
async def test_restart(tmp_path: Path, simulator: GoliothSimulator) -> None:
    """A cool-down survives a restart, but not its project."""
    each_run = Runs()
    automation = {
        "alias": "Cool-down",
        "triggers": [with_cool_down(BOTH_DEVICES, {"hours": "1"})],
        "actions": [
            {
                "action": "test.run",
                "data": {"message": "{{ trigger.message }}", "source": ""},
            }
        ],
        "mode": "queued",
    }
    async with session(tmp_path, each_run, automation) as hass:
        await add_project(hass, simulator, {})
        simulator.log("pump", device=GREENHOUSE_NODE)
        await each_run.wait_for(1)
    (kept,) = (tmp_path / ".storage").glob(f"{DOMAIN}.*.cool_downs")
    assert kept.stat().st_mode & 0o077 == 0
    assert GREENHOUSE_NODE not in kept.read_text("utf-8")
    async with session(tmp_path, each_run, automation) as hass:
        (entry,) = hass.config_entries.async_entries(DOMAIN)
        await wait_for_live_logs(entry)
        simulator.log("pump again", device=GREENHOUSE_NODE)
        simulator.log("tank", device=WATER_METER)
        await each_run.wait_for(2)
        assert [message for message, _ in each_run] == ["pump", "tank"]
        await hass.config_entries.async_remove(entry.entry_id)
    assert not kept.exists()


async def test_bounds(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    log_events: LogEvents,
    ran: LogEvents,
    simulator: GoliothSimulator,
    monkeypatch: pytest.MonkeyPatch,
    hass_storage: dict[str, Any],
) -> None:
    """The number of stored cool-downs is limited.

    Devices may be invented by anyone; unknown projects have no cool-downs.
    """
    monkeypatch.setattr(cool_down, "_MAX_STORED", 20)
    monkeypatch.setattr(cool_down, "_MAX_DEVICES", 30)
    await automate(hass, with_cool_down(OF_PROJECT, 600))
    simulator.log("known", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 1)
    log = log_events[0]
    for number in range(40):
        device = {"golioth_device_id": f"{number}" + "x" * 10_000}
        hass.bus.async_fire(EVENT_GOLIOTH_LOG, log | device)
    unknown = {"config_entry_id": "../../unknown"}
    hass.bus.async_fire(EVENT_GOLIOTH_LOG, log | unknown)
    hass.bus.async_fire(EVENT_GOLIOTH_LOG, log | unknown)
    await wait_for_runs(hass, log_events, 43)
    assert len(ran) == 42
    assert hass.data[cool_down._COOL_DOWNS].keys() == {streaming.entry_id}
    assert await hass.config_entries.async_unload(streaming.entry_id)
    stored = hass_storage[f"golioth.{streaming.entry_id}.cool_downs"]["data"]
    assert len(stored["cool_downs"]) == 20
    assert len(str(stored)) < 20 * 100


@pytest.mark.parametrize(
    "data",
    [
        ["unexpected"],
        {"unexpected": 1},
        {"cool_downs": ["unexpected"]},
        {"cool_downs": {"0": 1}},
        {"cool_downs": {"0": ["now", 600]}},
        {"cool_downs": {"0": [0, float("inf")]}},
    ],
    ids=str,
)
async def test_damage(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    data: Any,
) -> None:
    """Unreadable data is reported once, and the project works."""
    hass_storage[f"golioth.{config_entry.entry_id}.cool_downs"] = {
        "version": 1,
        "minor_version": 1,
        "data": data,
    }
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    assert config_entry.state is ConfigEntryState.LOADED
    assert async_get_cool_downs(hass, config_entry.entry_id).get("0") is None
    assert await hass.config_entries.async_reload(config_entry.entry_id)
    assert caplog.text.count("Triggers with a cool-down may fire") == 1
