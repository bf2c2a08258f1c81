"""Tests of a device's event entity."""

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    mock_restore_cache_with_extra_data,
)

from custom_components.golioth.client import LEVELS, pacing
from homeassistant.core import HomeAssistant, State
from homeassistant.setup import async_setup_component

from . import GREENHOUSE_NODE, WATER_METER
from .events import (
    LogEvents,
    capture_states,
    state_of,
    wait_for_live_logs,
    wait_for_state,
)
from .simulator import GoliothSimulator

LOG = "event.greenhouse_node_log"
LAST_LOG = "sensor.greenhouse_node_last_log"
CONNECTION = "binary_sensor.demo_project_connection"


@pytest.fixture
def states(hass: HomeAssistant) -> list[State]:
    """Capture every state of the event entity."""
    return capture_states(hass, LOG)


@pytest.fixture
async def received(hass: HomeAssistant) -> LogEvents:
    """Capture runs of an automation on `event.received`.

    It runs for errors and for other levels.
    """
    received = LogEvents()
    hass.bus.async_listen("received", received.async_handle_event)
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": {
                "triggers": {
                    "trigger": "event.received",
                    "target": {"entity_id": LOG},
                    "options": {"event_type": ["error", "other"]},
                },
                "actions": [
                    # Each run waits for something, so that runs overlap.
                    {"delay": {"milliseconds": 10}},
                    {
                        "event": "received",
                        "event_data": {
                            "message": "{{ trigger.to_state.attributes.message }}",
                            "level": "{{ trigger.to_state.attributes.level }}",
                            "source": "{{ trigger.to_state.attributes.source }}",
                        },
                    },
                ],
                "mode": "queued",
                "max": 1000,
            }
        },
    )
    return received


@pytest.mark.parametrize("level", LEVELS)
async def test_published_levels(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    level: str,
) -> None:
    """The event type is the level, the attributes the log."""
    simulator.log(
        "text",
        device=GREENHOUSE_NODE,
        level=level.upper(),
        module="net",
        metadata={"a": [1, 2]},
        timestamp="2026-11-23T12:00:00.123456789Z",
    )
    state = await wait_for_state(
        hass, LOG, lambda state: state.attributes.get("event_type") == level
    )
    attributes = dict(state.attributes)
    assert attributes.pop("friendly_name") == "greenhouse-node Log"
    assert attributes == {
        "event_types": ["debug", "info", "warn", "error", "other"],
        "event_type": level,
        "message": "text",
        "level": level,
        "module": "net",
        "timestamp": "2026-11-23T12:00:00.123456789Z",
        "type": "LOGGING",
        "metadata": {"a": [1, 2]},
        "source": "stream",
    }
    assert (other := hass.states.get("event.water_meter_log"))
    assert other.attributes["event_type"] is None


@pytest.mark.parametrize("level", ["NONE", "TRACE", "other", "DEBUG2"])
async def test_other_levels(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    level: str,
) -> None:
    """Any other level has the event type `other`.

    The attributes have the level as it was sent.
    """
    simulator.log("text", device=GREENHOUSE_NODE, level=level)
    state = await wait_for_state(
        hass, LOG, lambda state: state.attributes.get("event_type") == "other"
    )
    assert state.attributes["level"] == level


async def test_long_log(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """Message and metadata are cut to fit, and marked.

    The limit is what attributes can hold.
    """
    simulator.log("x" * 10_000, device=GREENHOUSE_NODE, metadata={"a": "y" * 3_000})
    state = await wait_for_state(
        hass, LOG, lambda state: state.attributes.get("event_type") == "info"
    )
    assert 3_900 < len(state.attributes["message"]) <= 4_096
    assert state.attributes["metadata"] == {}
    assert state.attributes["truncated"] is True


async def test_every_log_is_an_event(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    states: list[State],
) -> None:
    """Each log is an event of its own, in order.

    This holds for bursts and equal logs.
    """
    for number in range(500):
        simulator.log(
            str(number // 2),
            device=GREENHOUSE_NODE,
            timestamp="2026-11-23T00:00:00.000000001Z",
        )
    await log_events.wait_for(500)
    await hass.async_block_till_done()
    events = [state for state in states if state.attributes.get("event_type")]
    assert [state.attributes["message"] for state in events] == log_events.messages
    assert len({state.state for state in events}) == 500


async def test_automation_in_a_burst(
    hass: HomeAssistant,
    received: LogEvents,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """An automation runs once for each log of its levels.

    It uses Home Assistant's own trigger.
    """
    levels = ["DEBUG", "INFO", "WARN", "ERROR", "NONE"]
    for number in range(500):
        simulator.log(
            f"log {number}",
            device=GREENHOUSE_NODE,
            level=levels[number % len(levels)],
        )
        simulator.log("of another device", device=WATER_METER, level="ERROR")
    await log_events.wait_for(1000)
    expected = [f"log {number}" for number in range(500) if number % 5 in (3, 4)]
    await received.wait_for(len(expected))
    await hass.async_block_till_done()
    assert received.messages == expected
    assert [data["level"] for data in received[:2]] == ["error", "NONE"]


@pytest.fixture
def yield_between_devices(
    monkeypatch: pytest.MonkeyPatch, simulator: GoliothSimulator
) -> None:
    """Yield to the event loop between devices.

    A device that gets updates first stands for a fleet of thousands.
    """
    monkeypatch.setattr(pacing, "SLICE", -1)
    simulator.add_device("first", device_id="0")


# The long settling time lets only a log prove that a stream works.
@pytest.mark.usefixtures("impatient", "yield_between_devices")
@pytest.mark.parametrize("settling_time", [30.0])
@pytest.mark.parametrize("way", ["stream", "before_stream", "poll"])
async def test_first_log_after_the_connection_is_back(
    hass: HomeAssistant,
    received: LogEvents,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    states: list[State],
    way: str,
) -> None:
    """The first log after an outage runs an automation.

    The entity becomes available just before.
    """
    simulator.log("before", device=GREENHOUSE_NODE, level="ERROR")
    await received.wait_for(1)
    simulator.faults.handshake_status = 503
    simulator.faults.rest_status = 503
    await simulator.drop(1011)
    await wait_for_state(hass, LOG, "unavailable")
    states.clear()
    if way != "stream":
        simulator.log("after", device=GREENHOUSE_NODE, level="ERROR")
    if way != "poll":
        simulator.faults.handshake_status = None
        await simulator.wait_for_streams(1)
    if way == "before_stream":
        # A poll that began before the stream opened goes on.
        requests = len(simulator.requests)
        await simulator.wait_until(lambda: len(simulator.requests) > requests + 1)
    simulator.faults.rest_status = None
    if way == "stream":
        await wait_for_live_logs(streaming)
        assert state_of(hass, CONNECTION).state == "off"
        simulator.log("after", device=GREENHOUSE_NODE, level="ERROR")
    await received.wait_for(2)
    assert received.messages == ["before", "after"]
    # The first logs fetched after an outage count as caught up, whatever fetched them.
    assert log_events[-1]["source"] == ("stream" if way == "stream" else "catch_up")
    assert [state.attributes["message"] for state in states] == ["before", "after"]
    assert state_of(hass, CONNECTION).state == "on"


@pytest.mark.usefixtures("impatient")
async def test_history_is_no_event(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    received: LogEvents,
    states: list[State],
) -> None:
    """A log from before the set-up is no event.

    The sensor shows it.
    """
    simulator.log("from before", device=GREENHOUSE_NODE, level="ERROR")
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await wait_for_state(hass, LAST_LOG, "from before")
    await wait_for_state(hass, CONNECTION, "on")
    assert state_of(hass, LOG).state == "unknown"
    simulator.log("live", device=GREENHOUSE_NODE, level="ERROR")
    await received.wait_for(1)
    await hass.async_block_till_done()
    assert received.messages == ["live"]
    assert {state.attributes.get("message") for state in states} == {None, "live"}


async def test_restart(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    received: LogEvents,
) -> None:
    """A restart shows the last event, without firing it.

    The next log is a new event.
    """
    mock_restore_cache_with_extra_data(
        hass,
        [
            (
                State(LOG, "2026-11-23T12:00:00.123+00:00"),
                {
                    "last_event_type": "error",
                    "last_event_attributes": {"message": "from before"},
                },
            )
        ],
    )
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await wait_for_state(hass, LOG, "2026-11-23T12:00:00.123+00:00")
    state = state_of(hass, LOG)
    assert state.attributes.get("event_type") == "error"
    assert state.attributes["message"] == "from before"
    simulator.log("after", device=GREENHOUSE_NODE, level="ERROR")
    await received.wait_for(1)
    assert received.messages == ["after"]


async def test_reload(
    hass: HomeAssistant,
    received: LogEvents,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
) -> None:
    """An automation goes on after a reload.

    It gets the log that is caught up then.
    """
    simulator.log("before", device=GREENHOUSE_NODE, level="ERROR")
    await received.wait_for(1)
    assert await hass.config_entries.async_unload(streaming.entry_id)
    simulator.log("meanwhile", device=GREENHOUSE_NODE, level="ERROR")
    assert await hass.config_entries.async_setup(streaming.entry_id)
    await received.wait_for(2)
    simulator.log("after", device=GREENHOUSE_NODE, level="ERROR")
    await received.wait_for(3)
    assert received.messages == ["before", "meanwhile", "after"]
