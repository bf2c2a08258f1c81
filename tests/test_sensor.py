"""Tests of what the entities show."""

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    mock_restore_cache_with_extra_data,
)

from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.json import json_dumps

from . import GREENHOUSE_NODE, WATER_METER
from .events import LogEvents, wait_for_state
from .simulator import GoliothSimulator

LAST_LOG = "sensor.greenhouse_node_last_log"
LAST_LOG_LEVEL = "sensor.greenhouse_node_last_log_level"
LAST_LOG_TIME = "sensor.greenhouse_node_last_log_time"
LAST_ERROR = "sensor.greenhouse_node_last_error"
CONNECTION = "binary_sensor.demo_project_connection"


def state_of(hass: HomeAssistant, entity_id: str) -> State:
    """Return the state of an entity that must be there."""
    state = hass.states.get(entity_id)
    assert state is not None
    return state


async def test_published_frames(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """The sensors show the last of the published logs of each device."""
    simulator.replay()
    await log_events.wait_for(6)
    await hass.async_block_till_done()
    assert state_of(hass, LAST_LOG).state == "Err: 33"
    assert state_of(hass, LAST_LOG_LEVEL).state == "error"
    assert state_of(hass, LAST_LOG_TIME).state == "2021-12-01T19:14:07+00:00"
    assert state_of(hass, LAST_ERROR).state == "Err: 33"
    assert state_of(hass, "sensor.water_meter_last_log").state == "Warn: 33"
    assert state_of(hass, "sensor.water_meter_last_log_level").state == "warn"
    assert state_of(hass, "sensor.water_meter_last_error").state == "unknown"
    attributes = state_of(hass, LAST_LOG).attributes
    assert attributes["message"] == "Err: 33"
    assert attributes["level"] == "error"
    assert attributes["module"] == "monitoring"
    assert attributes["timestamp"] == "2021-12-01T19:14:07.376104727Z"
    assert attributes["type"] == "LOGGING"
    assert attributes["metadata"] == {"index": 217, "uptime": 172271000}


async def test_last_error_outlives_other_logs(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """The last error stays until the next one."""
    simulator.log("broken", device=GREENHOUSE_NODE, level="ERROR")
    simulator.log("fine", device=GREENHOUSE_NODE)
    await wait_for_state(hass, LAST_LOG, "fine")
    assert state_of(hass, LAST_ERROR).state == "broken"


async def test_last_is_last_to_arrive(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A device's clock may be wrong, and a log of its past is still its last one."""
    simulator.log("now", device=GREENHOUSE_NODE)
    simulator.log("past", device=GREENHOUSE_NODE, timestamp="1970-01-01T00:00:00Z")
    await wait_for_state(hass, LAST_LOG, "past")
    assert state_of(hass, LAST_LOG_TIME).state == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize("timestamp", ["", "soon", "9999-99-99T00:00:00Z"])
async def test_log_without_a_time(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    timestamp: str,
) -> None:
    """A log whose time is none is shown without one."""
    log = {"message": "when?", "timestamp": timestamp, "deviceId": GREENHOUSE_NODE}
    simulator.send_frame(json_dumps({"result": {"data": log}}))
    await wait_for_state(hass, LAST_LOG, "when?")
    assert state_of(hass, LAST_LOG_TIME).state == "unknown"


@pytest.mark.parametrize("level", ["NONE", "TRACE"])
async def test_level_that_is_not_published(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    level: str,
) -> None:
    """An unknown level is shown as other; the log's attributes have it."""
    simulator.log("text", device=GREENHOUSE_NODE, level=level)
    await wait_for_state(hass, LAST_LOG, "text")
    assert state_of(hass, LAST_LOG_LEVEL).state == "other"
    assert state_of(hass, LAST_LOG).attributes["level"] == level


async def test_long_message(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A message is cut to what a state and its attributes can hold."""
    simulator.log("x" * 10_000, device=GREENHOUSE_NODE)
    await wait_for_state(hass, LAST_LOG, "x" * 254 + "…")
    attributes = state_of(hass, LAST_LOG).attributes
    assert 3_900 < len(attributes["message"]) <= 4_096
    assert attributes["truncated"] is True
    simulator.log("x" * 255, device=GREENHOUSE_NODE)
    await wait_for_state(hass, LAST_LOG, "x" * 255)
    assert "truncated" not in state_of(hass, LAST_LOG).attributes


async def test_log_touches_its_device_alone(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """No entity of another device is written for a log."""
    simulator.log("before", device=WATER_METER)
    await wait_for_state(hass, "sensor.water_meter_last_log", "before")
    before = state_of(hass, "sensor.water_meter_last_log").last_reported
    simulator.log("text", device=GREENHOUSE_NODE)
    await wait_for_state(hass, LAST_LOG, "text")
    assert state_of(hass, "sensor.water_meter_last_log").last_reported == before


async def test_lost_connection(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A lost connection shows, is logged once each way, and comes back by itself."""
    simulator.log("before", device=GREENHOUSE_NODE)
    await wait_for_state(hass, LAST_LOG, "before")
    assert state_of(hass, CONNECTION).state == "on"

    simulator.faults.handshake_status = 503
    await simulator.drop(1011)
    await wait_for_state(hass, CONNECTION, "off")
    await wait_for_state(hass, LAST_LOG, "unavailable")
    handshakes = len(simulator.handshakes)
    await simulator.wait_until(lambda: len(simulator.handshakes) >= handshakes + 2)

    simulator.faults.clear()
    await simulator.wait_for_streams(1)
    await wait_for_state(hass, CONNECTION, "on")
    await wait_for_state(hass, LAST_LOG, "before")
    simulator.log("after", device=GREENHOUSE_NODE)
    await wait_for_state(hass, LAST_LOG, "after")
    assert caplog.text.count("Not receiving the logs of Demo project") == 1
    assert caplog.text.count("Receiving the logs of Demo project") == 2


async def test_restart(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """After a restart the last log is shown again, with its attributes."""
    log = {
        "timestamp": "2026-11-23T12:00:00.123456789Z",
        "timestamp_ns": 1795435200123456789,
        "type": "LOGGING",
        "level": "error",
        "module": "net",
        "module_id": "",
        "message": "from before",
        "metadata": {"a": 1},
        "device_id": GREENHOUSE_NODE,
    }
    mock_restore_cache_with_extra_data(
        hass,
        [
            (State(entity_id, "unavailable"), log)
            for entity_id in (LAST_LOG, LAST_LOG_LEVEL, LAST_LOG_TIME)
        ]
        + [(State(LAST_ERROR, "unavailable"), {"of": "another version"})],
    )
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await wait_for_state(hass, LAST_LOG, "from before")
    assert state_of(hass, LAST_LOG).attributes["metadata"] == {"a": 1}
    assert state_of(hass, LAST_LOG_LEVEL).state == "error"
    assert state_of(hass, LAST_LOG_TIME).state == "2026-11-23T12:00:00+00:00"
    assert state_of(hass, LAST_ERROR).state == "unknown"


async def test_device_is_renamed(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A device that Golioth renames has its new name with the next list."""
    simulator.remove_device(GREENHOUSE_NODE)
    simulator.add_device("orangery-node", device_id=GREENHOUSE_NODE)
    await streaming.runtime_data.async_refresh()
    await wait_for_state(
        hass, LAST_LOG, lambda state: state.name == "orangery-node Last log"
    )
