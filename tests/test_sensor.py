"""Tests of the sensors and the connection."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    mock_restore_cache_with_extra_data,
)

from custom_components.golioth import sensor
from custom_components.golioth.const import EVENT_GOLIOTH_LOG
from custom_components.golioth.logs import last_log
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er, restore_state
from homeassistant.helpers.json import json_dumps
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import get_scheduled_timer_handles

from . import GREENHOUSE_NODE, WATER_METER
from .events import (
    LogEvents,
    capture_states,
    state_of,
    wait_for_live_logs,
    wait_for_state,
)
from .simulator import GoliothSimulator, Retirement

LAST_LOG = "sensor.greenhouse_node_last_log"
LAST_LOG_LEVEL = "sensor.greenhouse_node_last_log_level"
LAST_LOG_TIME = "sensor.greenhouse_node_last_log_time"
LAST_ERROR = "sensor.greenhouse_node_last_error"
CONNECTION = "binary_sensor.demo_project_connection"
TRANSPORT = "sensor.demo_project_transport"
COUNTERS = (
    "logs_received",
    "missed_logs_recovered",
    "logs_found_by_audit",
    "frames_ignored",
)

LEVELS_AND_OTHER = ("debug", "info", "warning", "error", "other")

QUICK_POLLS = [{"poll_interval": 0.2}]


def counter(hass: HomeAssistant, key: str) -> str:
    """Return the state of a project's counter."""
    return state_of(hass, f"sensor.demo_project_{key}").state


def ago(**time: float) -> str:
    """Return a time in the past, as Golioth writes it."""
    return (datetime.now(UTC) - timedelta(**time)).isoformat().replace("+00:00", "Z")


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_published_frames(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """The sensors show each device's last published log."""
    simulator.replay()
    await log_events.wait_for(6)
    await wait_for_state(hass, LAST_LOG, "Err: 33")
    await wait_for_state(hass, "sensor.water_meter_last_log", "Warn: 33")
    assert state_of(hass, LAST_LOG_LEVEL).state == "error"
    assert state_of(hass, LAST_LOG_TIME).state == "2021-12-01T19:14:07+00:00"
    assert state_of(hass, LAST_ERROR).state == "Err: 33"
    assert state_of(hass, "sensor.water_meter_last_log_level").state == "warn"
    assert state_of(hass, "sensor.water_meter_last_error").state == "unknown"
    attributes = state_of(hass, LAST_LOG).attributes
    assert attributes["message"] == "Err: 33"
    assert attributes["level"] == "error"
    assert attributes["module"] == "monitoring"
    assert attributes["timestamp"] == "2021-12-01T19:14:07.376104727Z"
    assert attributes["type"] == "LOGGING"
    assert attributes["metadata"] == {"index": 217, "uptime": 172271000}


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_last_error_outlives_other_logs(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """The last error stays until the next one."""
    simulator.log("broken", device=GREENHOUSE_NODE, level="ERROR")
    simulator.log("fine", device=GREENHOUSE_NODE)
    await wait_for_state(hass, LAST_LOG, "fine")
    assert state_of(hass, LAST_ERROR).state == "broken"


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_last_is_last_to_arrive(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """The last log is the last to arrive.

    A device's clock may be wrong.
    """
    simulator.log("now", device=GREENHOUSE_NODE)
    simulator.log("past", device=GREENHOUSE_NODE, timestamp="1970-01-01T00:00:00Z")
    await wait_for_state(hass, LAST_LOG, "past")
    assert state_of(hass, LAST_LOG_TIME).state == "1970-01-01T00:00:00+00:00"


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@pytest.mark.parametrize("timestamp", ["", "soon", "9999-99-99T00:00:00Z"])
async def test_log_without_a_time(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    timestamp: str,
) -> None:
    """A log without a valid time shows none."""
    log = {"message": "when?", "timestamp": timestamp, "deviceId": GREENHOUSE_NODE}
    simulator.send_frame(json_dumps({"result": {"data": log}}))
    await wait_for_state(hass, LAST_LOG, "when?")
    assert state_of(hass, LAST_LOG_TIME).state == "unknown"


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@pytest.mark.parametrize("level", ["NONE", "TRACE"])
async def test_level_that_is_not_published(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    level: str,
) -> None:
    """An unknown level is shown as `other`.

    The log's attributes have it unchanged.
    """
    simulator.log("text", device=GREENHOUSE_NODE, level=level)
    await wait_for_state(hass, LAST_LOG, "text")
    assert state_of(hass, LAST_LOG_LEVEL).state == "other"
    assert state_of(hass, LAST_LOG).attributes["level"] == level


async def test_long_message(
    hass: HomeAssistant, streaming: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A long message is cut for the state and attributes."""
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
    """A log updates no entity of another device."""
    simulator.log("before", device=WATER_METER)
    await wait_for_state(hass, "sensor.water_meter_last_log", "before")
    before = state_of(hass, "sensor.water_meter_last_log").last_reported
    simulator.log("text", device=GREENHOUSE_NODE)
    await wait_for_state(hass, LAST_LOG, "text")
    assert state_of(hass, "sensor.water_meter_last_log").last_reported == before


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_burst(
    hass: HomeAssistant,
    monkeypatch: pytest.MonkeyPatch,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """In a burst, sensors show the first and last log.

    The first is shown at once, the last at the end, and none in between.
    """
    monkeypatch.setattr(last_log, "SHOW_INTERVAL", 3600)
    await wait_for_state(hass, CONNECTION, "on")
    written = {
        entity_id: capture_states(hass, entity_id)
        for entity_id in (LAST_LOG, LAST_LOG_LEVEL, LAST_LOG_TIME, LAST_ERROR)
    }
    for number in range(200):
        simulator.log(f"log {number}", device=GREENHOUSE_NODE, level="ERROR")
    simulator.log("calm", device=WATER_METER)
    await log_events.wait_for(201)
    await wait_for_state(hass, "sensor.water_meter_last_log", "calm")
    assert [state.state for state in written[LAST_LOG]] == ["log 0"]
    assert {len(states) for states in written.values()} == {1}

    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=1))
    await wait_for_state(hass, LAST_LOG, "log 199")
    assert [state.state for state in written[LAST_LOG]] == ["log 0", "log 199"]
    assert state_of(hass, LAST_LOG).attributes["message"] == "log 199"
    assert state_of(hass, LAST_ERROR).state == "log 199"
    assert [state.state for state in written[LAST_LOG_LEVEL]] == ["error"]


async def test_single_log(
    hass: HomeAssistant,
    monkeypatch: pytest.MonkeyPatch,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """A single log is shown without a timer.

    That happens in the log's own iteration of the event loop.
    """
    shown: list[str] = []

    @callback
    def look(_event: Event) -> None:
        hass.loop.call_soon(lambda: shown.append(state_of(hass, LAST_LOG).state))

    hass.bus.async_listen(EVENT_GOLIOTH_LOG, look)
    monkeypatch.setattr(last_log, "SHOW_INTERVAL", 3600)
    simulator.log("first", device=GREENHOUSE_NODE)
    await log_events.wait_for(1)
    # As if the interval had passed.
    monkeypatch.setattr(last_log, "SHOW_INTERVAL", 0)
    simulator.log("second", device=GREENHOUSE_NODE)
    await log_events.wait_for(2)
    monkeypatch.setattr(last_log, "SHOW_INTERVAL", 3600)
    simulator.log("third", device=GREENHOUSE_NODE)
    await log_events.wait_for(3)
    await hass.async_block_till_done()
    assert shown == ["first", "second", "second"]


@pytest.mark.parametrize("end", ["unload", "stop", "disable", "remove"])
async def test_end_of_a_burst(
    hass: HomeAssistant,
    monkeypatch: pytest.MonkeyPatch,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    entity_registry: er.EntityRegistry,
    end: str,
) -> None:
    """The last log of a burst is finally shown.

    It is shown before the project is unloaded or Home Assistant stops. No timer stays.
    """
    monkeypatch.setattr(last_log, "SHOW_INTERVAL", 3600)
    await wait_for_state(hass, CONNECTION, "on")
    written = capture_states(hass, LAST_LOG)
    for number in range(10):
        simulator.log(f"log {number}", device=GREENHOUSE_NODE)
    await log_events.wait_for(10)
    # Home Assistant stores the last log from time to time, even if it is not shown yet.
    stored = {
        each.state.entity_id: each.extra_data
        for each in restore_state.async_get(hass).async_get_stored_states()
    }
    assert (kept := stored[LAST_LOG]) is not None
    assert kept.as_dict()["message"] == "log 9"
    if end == "unload":
        assert await hass.config_entries.async_unload(streaming.entry_id)
        expected = ["log 0", "log 9", "unavailable"]
    elif end == "stop":
        hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
        expected = ["log 0", "log 9"]
    else:
        expected = ["log 0"]
        if end == "disable":
            entity_registry.async_update_entity(
                LAST_LOG, disabled_by=er.RegistryEntryDisabler.USER
            )
        else:
            simulator.remove_device(GREENHOUSE_NODE)
            await streaming.runtime_data.async_refresh()
            await streaming.runtime_data.async_refresh()
        await hass.async_block_till_done()
        assert hass.states.get(LAST_LOG) is None
    assert [state.state for state in written] == expected
    timers = [
        timer
        for timer in get_scheduled_timer_handles(hass.loop)
        if not timer.cancelled() and "ShowSchedule" in str(timer._args)
    ]
    # The device still has another entity, even if one is disabled.
    assert len(timers) == (end == "disable")
    if end == "stop":
        assert counter(hass, "info_logs") == "10"


@pytest.mark.usefixtures("impatient")
async def test_lost_connection(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A lost connection shows, and comes back by itself.

    It is logged once each way.
    """
    simulator.log("before", device=GREENHOUSE_NODE)
    await wait_for_state(hass, LAST_LOG, "before")
    await wait_for_state(hass, CONNECTION, "on")
    caplog.clear()

    simulator.faults.handshake_status = 503
    simulator.faults.rest_status = 503
    await simulator.drop(1011)
    await wait_for_state(hass, CONNECTION, "off")
    await wait_for_state(hass, TRANSPORT, "unavailable")
    await wait_for_state(hass, LAST_LOG, "unavailable")
    handshakes = len(simulator.handshakes)
    await simulator.wait_until(lambda: len(simulator.handshakes) >= handshakes + 2)

    simulator.faults.clear()
    await simulator.wait_for_streams(1)
    await wait_for_state(hass, CONNECTION, "on")
    await wait_for_state(hass, TRANSPORT, "streaming")
    await wait_for_state(hass, LAST_LOG, "before")
    simulator.log("after", device=GREENHOUSE_NODE)
    await wait_for_state(hass, LAST_LOG, "after")
    said = [
        (record.levelname, record.getMessage().partition(" Demo project")[0])
        for record in caplog.records
        if "eceiving the logs of" in record.getMessage()
    ]
    assert said == [
        ("INFO", "Not receiving the logs of"),
        ("INFO", "Receiving the logs of"),
    ]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("options", QUICK_POLLS)
async def test_stream_that_is_lost(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Polling replaces a lost stream.

    The transport shows it, and nothing becomes unavailable.
    """
    await wait_for_state(hass, TRANSPORT, "streaming")
    caplog.clear()
    simulator.faults.handshake_status = 503
    await simulator.drop(1011)
    await wait_for_state(hass, TRANSPORT, "polling")
    assert state_of(hass, CONNECTION).state == "on"
    simulator.log("polled", device=GREENHOUSE_NODE)
    await log_events.wait_for(1)
    await wait_for_state(hass, LAST_LOG, "polled")
    assert log_events[-1]["source"] == "poll"

    simulator.faults.clear()
    await wait_for_state(hass, TRANSPORT, "streaming")
    assert "eceiving the logs of" not in caplog.text


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("options", QUICK_POLLS)
async def test_stream_that_is_retired(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """Without the WebSocket, logs are polled.

    They are streamed when it is back.
    """
    simulator.retire(Retirement.HTTP_410)
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await wait_for_state(hass, TRANSPORT, "polling")
    simulator.log("polled", device=GREENHOUSE_NODE)
    # Past logs of quiet devices are read meanwhile, and may show it before it fires.
    await log_events.wait_for(1)
    await wait_for_state(hass, LAST_LOG, "polled")

    simulator.unretire()
    await wait_for_state(hass, TRANSPORT, "streaming")
    await wait_for_live_logs(config_entry)
    simulator.log("streamed", device=GREENHOUSE_NODE)
    await wait_for_state(hass, LAST_LOG, "streamed")
    assert [data["source"] for data in log_events] == ["poll", "stream"]


@pytest.mark.usefixtures("impatient", "entity_registry_enabled_by_default")
@pytest.mark.parametrize("options", QUICK_POLLS)
async def test_polled_log_that_is_older(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """A fetched log always fires, but replaces no newer log."""
    simulator.log("live", device=GREENHOUSE_NODE, timestamp=ago(seconds=30))
    await wait_for_state(hass, LAST_LOG, "live")

    simulator.faults.handshake_status = 503
    await simulator.drop(1011)
    await wait_for_state(hass, TRANSPORT, "polling")
    simulator.log("older", device=GREENHOUSE_NODE, timestamp=ago(seconds=60))
    simulator.log(
        "old error",
        device=GREENHOUSE_NODE,
        level="ERROR",
        timestamp=ago(seconds=50),
    )
    await log_events.wait_for(3)
    assert log_events.messages == ["live", "older", "old error"]
    # Older than the last log, but the last error.
    await wait_for_state(hass, LAST_ERROR, "old error")
    assert state_of(hass, LAST_LOG).state == "live"

    simulator.log("newer", device=GREENHOUSE_NODE, timestamp=ago(seconds=20))
    await wait_for_state(hass, LAST_LOG, "newer")


@pytest.mark.usefixtures("impatient")
async def test_log_that_is_caught_up(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """A missed log fires as caught up, and is shown."""
    await wait_for_state(hass, TRANSPORT, "streaming")
    simulator.faults.handshake_status = 503
    simulator.faults.rest_status = 503
    await simulator.drop(1011)
    await wait_for_state(hass, CONNECTION, "off")
    simulator.log("missed", device=GREENHOUSE_NODE)
    simulator.faults.handshake_status = None
    await wait_for_state(hass, CONNECTION, "on")
    simulator.faults.clear()
    await log_events.wait_for(1)
    await wait_for_state(hass, LAST_LOG, "missed")
    assert [data["source"] for data in log_events] == ["catch_up"]
    assert streaming.runtime_data.feed.caught_up == 1


@pytest.mark.usefixtures("impatient", "entity_registry_enabled_by_default")
async def test_history(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """Logs from before the first set-up fire nothing.

    They are shown.
    """
    simulator.log("first", device=GREENHOUSE_NODE, timestamp=ago(minutes=3))
    simulator.log(
        "broken", device=GREENHOUSE_NODE, level="ERROR", timestamp=ago(minutes=2)
    )
    simulator.log("last", device=GREENHOUSE_NODE, timestamp=ago(minutes=1))
    simulator.log("from a device that is gone", device="gone")
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await wait_for_state(hass, LAST_LOG, "last")
    assert state_of(hass, LAST_ERROR).state == "broken"
    assert state_of(hass, "sensor.water_meter_last_log").state == "unknown"
    simulator.log("live", device=WATER_METER)
    await log_events.wait_for(1)
    await wait_for_state(hass, "sensor.water_meter_last_log", "live")
    assert log_events.messages == ["live"]
    assert config_entry.runtime_data.feed.delivered == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("options", QUICK_POLLS)
async def test_log_while_history_is_read(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """A live log fires once while the history is read.

    The history has it as well, and it hides no log that follows.
    """
    simulator.faults.rest_delay = 0.3
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await simulator.wait_for_streams(1)
    simulator.log("live", device=GREENHOUSE_NODE)
    await wait_for_state(hass, LAST_LOG, "live")
    await log_events.wait_for(1)

    simulator.faults.handshake_status = 503
    await simulator.drop(1011)
    await wait_for_state(hass, TRANSPORT, "polling")
    simulator.log("polled", device=GREENHOUSE_NODE)
    await log_events.wait_for(2)
    await wait_for_state(hass, LAST_LOG, "polled")
    assert log_events.messages == ["live", "polled"]


async def test_counters_of_levels(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """The project counts its logs by level.

    Those from before the first set-up do not count.
    """
    simulator.log("from before", device=GREENHOUSE_NODE, level="ERROR")
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await wait_for_state(hass, LAST_LOG, "from before")
    for number, level in enumerate(("DEBUG", "INFO", "WARN", "ERROR", "NONE"), start=1):
        for _ in range(number):
            simulator.log("text", device=GREENHOUSE_NODE, level=level)
    simulator.log("text", device="unknown", level="TRACE")
    await log_events.wait_for(16)
    config_entry.runtime_data.async_show_counters()
    assert {level: counter(hass, f"{level}_logs") for level in LEVELS_AND_OTHER} == {
        "debug": "1",
        "info": "2",
        "warning": "3",
        "error": "4",
        "other": "6",
    }
    state = state_of(hass, "sensor.demo_project_warning_logs")
    assert state.attributes == {
        "friendly_name": "Demo project Warning logs",
        "state_class": "total_increasing",
        "unit_of_measurement": "logs",
    }


@pytest.mark.usefixtures("entity_registry_enabled_by_default", "impatient")
async def test_errors_of_a_device(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """Each device counts its errors, even without a connection.

    Those from before the first set-up do not count.
    """
    simulator.log("from before", device=GREENHOUSE_NODE, level="ERROR")
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await wait_for_state(hass, LAST_LOG, "from before")
    await wait_for_state(hass, CONNECTION, "on")
    for level in ("ERROR", "WARN", "NONE", "ERROR"):
        simulator.log("text", device=GREENHOUSE_NODE, level=level)
    await log_events.wait_for(4)
    assert state_of(hass, "sensor.greenhouse_node_errors").state == "0"
    config_entry.runtime_data.async_show_counters()
    assert state_of(hass, "sensor.greenhouse_node_errors").state == "2"
    assert state_of(hass, "sensor.water_meter_errors").state == "0"
    simulator.faults.handshake_status = 503
    simulator.faults.rest_status = 503
    await simulator.drop(1011)
    await wait_for_state(hass, LAST_LOG, "unavailable")
    assert state_of(hass, "sensor.greenhouse_node_errors").state == "2"


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_counters(
    hass: HomeAssistant,
    monkeypatch: pytest.MonkeyPatch,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """Counters are updated at intervals, and only when changed."""
    monkeypatch.setattr(sensor, "COUNTER_INTERVAL", timedelta(seconds=0.5))
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await simulator.wait_for_streams(1)
    await wait_for_state(hass, CONNECTION, "on")
    assert [counter(hass, key) for key in COUNTERS] == ["0", "0", "0", "0"]
    simulator.send_frame("{}")
    for _ in range(100):
        simulator.log("text", device=GREENHOUSE_NODE)
    await log_events.wait_for(100)
    assert counter(hass, "logs_received") == "0"
    caught_up = state_of(
        hass, "sensor.demo_project_missed_logs_recovered"
    ).last_reported

    await wait_for_state(hass, "sensor.demo_project_logs_received", "100")
    assert [counter(hass, key) for key in COUNTERS] == ["100", "0", "0", "1"]
    state = state_of(hass, "sensor.demo_project_logs_received")
    assert state.attributes["unit_of_measurement"] == "logs"
    assert state.attributes["state_class"] == "total_increasing"
    assert (
        state_of(hass, "sensor.demo_project_missed_logs_recovered").last_reported
        == caught_up
    )


@pytest.mark.usefixtures("impatient", "entity_registry_enabled_by_default")
@pytest.mark.parametrize("options", QUICK_POLLS)
async def test_logs_that_golioth_does_not_give(
    hass: HomeAssistant,
    monkeypatch: pytest.MonkeyPatch,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """Logs that no request can return are counted."""
    monkeypatch.setattr(sensor, "COUNTER_INTERVAL", timedelta(seconds=0.5))
    simulator.retire()
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await wait_for_state(hass, TRANSPORT, "polling")
    assert counter(hass, "logs_unreadable") == "0"
    moment = ago(seconds=1)
    for number in range(150):
        simulator.log(str(number), device=GREENHOUSE_NODE, timestamp=moment)
    await log_events.wait_for(100)
    await wait_for_state(hass, "sensor.demo_project_logs_unreadable", "50")


async def test_what_few_look_at(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Entities for few users are disabled by default."""
    disabled = {
        entry.entity_id
        for entry in er.async_entries_for_config_entry(
            entity_registry, streaming.entry_id
        )
        if entry.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    }
    assert disabled == {
        "sensor.demo_project_frames_ignored",
        "sensor.demo_project_logs_found_by_audit",
        "sensor.demo_project_logs_unreadable",
        *(
            f"sensor.{device}_{key}"
            for device in ("greenhouse_node", "water_meter")
            for key in ("last_log_level", "last_log_time", "last_error", "errors")
        ),
    }
    assert not disabled & set(hass.states.async_entity_ids())


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_restart(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A restart shows the last log with its attributes."""
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
    """The next list of devices renames a device."""
    simulator.remove_device(GREENHOUSE_NODE)
    simulator.add_device("orangery-node", device_id=GREENHOUSE_NODE)
    await streaming.runtime_data.async_refresh()
    await wait_for_state(
        hass, LAST_LOG, lambda state: state.name == "orangery-node Last log"
    )
