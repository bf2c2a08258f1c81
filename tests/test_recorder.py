"""Tests of logs in the recorder, Activity, and statistics."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
    get_start_time,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import func, select

from custom_components.golioth.const import DOMAIN
from custom_components.golioth.logs import last_log
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.db_schema import (
    Events,
    EventTypes,
    StateAttributes,
    States,
    StatesMeta,
    StatisticsMeta,
)
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.components.recorder.util import session_scope
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from . import GREENHOUSE_NODE, WATER_METER
from .documents import configuration
from .events import LogEvents, wait_for_begin, wait_for_live_logs, wait_for_state
from .simulator import GoliothSimulator

LOG = "event.greenhouse_node_log"
LAST_LOG = "sensor.greenhouse_node_last_log"
CONNECTION = "binary_sensor.demo_project_connection"
OTHERS = "sensor.others"

LEVELS = ("DEBUG", "INFO", "WARN", "ERROR", "NONE")

# The recorder has to come first, to record from the start.
pytestmark = pytest.mark.usefixtures("recorder_mock")


@pytest.fixture
def recorder_config() -> dict[str, Any]:
    """Let the recorder write many rows at once, as usual."""
    return {"commit_interval": 1}


async def recorded(hass: HomeAssistant) -> tuple[Counter[str], Counter[str]]:
    """Count the recorder's rows by event type and by entity."""
    await async_wait_recording_done(hass)

    def read() -> tuple[Counter[str], Counter[str]]:
        with session_scope(hass=hass, read_only=True) as session:
            events = session.execute(
                select(EventTypes.event_type, func.count())
                .join(Events, Events.event_type_id == EventTypes.event_type_id)
                .group_by(EventTypes.event_type)
            )
            states = session.execute(
                select(StatesMeta.entity_id, func.count())
                .join(States, States.metadata_id == StatesMeta.metadata_id)
                .group_by(StatesMeta.entity_id)
            )
            return (
                Counter({str(event_type): number for event_type, number in events}),
                Counter({str(entity_id): number for entity_id, number in states}),
            )

    return await get_instance(hass).async_add_executor_job(read)


async def activity(
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    start: datetime,
    **target: list[str],
) -> Counter[str]:
    """Count Activity's rows by entity, or "none"."""
    client = await hass_ws_client(hass)
    await client.send_json_auto_id(
        {"type": "logbook/get_events", "start_time": start.isoformat(), **target}
    )
    answer = await client.receive_json()
    assert answer["success"]
    return Counter(row.get("entity_id", "none") for row in answer["result"])


def device_page(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, list[str]]:
    """Return what the device page requests from Activity."""
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, GREENHOUSE_NODE), entry.entry_id
    )
    assert device is not None
    entities = er.async_entries_for_device(er.async_get(hass), device.id)
    return {
        "entity_ids": [entity.entity_id for entity in entities],
        "device_ids": [device.id],
    }


async def log_a_lot(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    number: int,
) -> float:
    """Send logs of all levels, and return the seconds taken."""
    await wait_for_state(hass, CONNECTION, "on")
    start = hass.loop.time()
    for index in range(number):
        simulator.log(
            f"log {index}",
            device=GREENHOUSE_NODE,
            level=LEVELS[index % len(LEVELS)],
            module=f"module {index % 7}",
            metadata={"index": index},
        )
    await log_events.wait_for(number)
    await wait_for_state(hass, LAST_LOG, f"log {number - 1}")
    return hass.loop.time() - start


@pytest.mark.parametrize("interval", [last_log.SHOW_INTERVAL, 0.0])
async def test_rows(
    hass: HomeAssistant,
    monkeypatch: pytest.MonkeyPatch,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    hass_ws_client: WebSocketGenerator,
    interval: float,
) -> None:
    """Each log has two rows in Activity and the recorder.

    One is the event, one its entity. In a burst the sensor has one row a second.
    """
    # Without an interval, each log is shown at once.
    monkeypatch.setattr(last_log, "SHOW_INTERVAL", interval)
    assert await async_setup_component(hass, "logbook", {})
    await wait_for_state(hass, CONNECTION, "on")
    _, before = await recorded(hass)
    start = dt_util.utcnow()
    took = await log_a_lot(hass, simulator, log_events, 1000)
    events, states = await recorded(hass)
    states.subtract(before)
    assert events["golioth_log"] == 1000
    assert states[LOG] == 1000
    shown = states[LAST_LOG]
    assert shown == 1000 if interval == 0 else shown <= took / interval + 2
    # The others are the project's counters, updated every 30 seconds.
    del states[LOG], states[LAST_LOG]
    assert max(states.values()) <= took / 30 + 1

    rows = await activity(hass, hass_ws_client, start, **device_page(hass, streaming))
    assert rows[LOG] == 1000
    assert rows[LAST_LOG] == shown
    assert rows.total() <= 2000


async def test_metadata_is_not_recorded(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """The recorder stores an entity's message, not its metadata.

    The event has the metadata.
    """
    await wait_for_state(hass, CONNECTION, "on")
    simulator.log("text", device=GREENHOUSE_NODE, metadata={"secret": "of the device"})
    await wait_for_state(hass, LAST_LOG, "text")
    await async_wait_recording_done(hass)

    def read() -> list[str]:
        with session_scope(hass=hass, read_only=True) as session:
            return [
                attributes
                for attributes in session.scalars(select(StateAttributes.shared_attrs))
                if attributes is not None and '"message"' in attributes
            ]

    attributes = await get_instance(hass).async_add_executor_job(read)
    assert len(attributes) == 2
    assert not [each for each in attributes if "secret" in each]


@pytest.mark.parametrize("recorder_config", [configuration("recorder")])
async def test_leaving_out_of_the_recorder(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """The documented lines keep logs out of the recorder.

    Activity does not show them either, and each log still fires.
    """
    assert await async_setup_component(hass, "logbook", {})
    start = dt_util.utcnow()
    await log_a_lot(hass, simulator, log_events, 20)
    events, states = await recorded(hass)
    assert events["golioth_log"] == 0
    assert states[LOG] == 0
    assert states[LAST_LOG] == 0
    assert states[CONNECTION] > 0
    assert not await activity(
        hass, hass_ws_client, start, **device_page(hass, streaming)
    )


@pytest.mark.parametrize("recorder_config", [configuration("recorder")])
async def test_leaving_out_of_any_name(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    entity_registry: er.EntityRegistry,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """The documented lines work for any device name.

    This includes equal names.
    """
    assert await async_setup_component(
        hass, "logbook", {"logbook": configuration("logbook")}
    )
    for name in ("water-meter", "greenhouse-node", "!!!", "???", "", "4", "Zähler"):
        simulator.add_device(name)
    for number in range(12):
        simulator.add_device("pump", f"pump-{number}")
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await wait_for_begin(config_entry)
    await wait_for_live_logs(config_entry)
    start = dt_util.utcnow()
    for device in simulator.devices:
        simulator.log("one", device=device)
    await log_events.wait_for(len(simulator.devices))
    shown = [
        entity.entity_id
        for entity in er.async_entries_for_config_entry(
            entity_registry, config_entry.entry_id
        )
        if entity.unique_id.endswith(("_last_log", "_log"))
    ]
    assert len(shown) == 2 * len(simulator.devices)
    assert {"event.log", "event.log_2", "sensor.pump_last_log_12"} <= set(shown)
    for entity_id in shown:
        if entity_id.startswith("sensor."):
            await wait_for_state(hass, entity_id, "one")
    _, states = await recorded(hass)
    assert states[CONNECTION] > 0
    assert not states.keys() & set(shown)
    rows = await activity(hass, hass_ws_client, start)
    assert not [each for each in rows if each in shown and each.startswith("sensor.")]


async def test_leaving_out_of_activity(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """The documented lines leave one Activity row per log.

    The recorder goes on as before.
    """
    assert await async_setup_component(
        hass, "logbook", {"logbook": configuration("logbook")}
    )
    start = dt_util.utcnow()
    await log_a_lot(hass, simulator, log_events, 20)
    _, states = await recorded(hass)
    assert states[LAST_LOG] > 0
    rows = await activity(hass, hass_ws_client, start)
    assert rows[LOG] >= 20
    assert rows[LAST_LOG] == 0


async def test_statistics_over_a_reload(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """The statistics' sum includes every log over reloads.

    The counters start again with each set-up.
    """
    assert await async_setup_component(hass, "sensor", {})
    await async_wait_recording_done(hass)
    start = get_start_time(dt_util.utcnow())
    expected = 0
    for number in (5, 7, 1):
        for _ in range(number):
            simulator.log("broken", device=WATER_METER, level="ERROR")
        expected += number
        await log_events.wait_for(expected)
        assert await hass.config_entries.async_reload(streaming.entry_id)
    await async_wait_recording_done(hass)
    # The test may run over the end of a five-minute period.
    period = start
    while period <= dt_util.utcnow():
        do_adhoc_statistics(hass, start=period)
        period += timedelta(minutes=5)
    await async_wait_recording_done(hass)
    statistic = "sensor.demo_project_error_logs"
    found = await get_instance(hass).async_add_executor_job(
        lambda: statistics_during_period(
            hass, start, None, {statistic}, "5minute", None, {"sum"}
        )
    )
    assert found[statistic][-1].get("sum") == expected


async def with_statistics(hass: HomeAssistant) -> set[str]:
    """Return the entities that have statistics."""
    await async_wait_recording_done(hass)

    def read() -> set[str]:
        with session_scope(hass=hass, read_only=True) as session:
            return set(map(str, session.scalars(select(StatisticsMeta.statistic_id))))

    return await get_instance(hass).async_add_executor_job(read)


async def test_removed_project(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    entity_registry: er.EntityRegistry,
) -> None:
    """Removing a project removes its rows except for events.

    A reload keeps all rows. Those of others stay.
    """
    assert await async_setup_component(hass, "sensor", {})
    hass.states.async_set(
        OTHERS, "1", {"state_class": "measurement", "unit_of_measurement": "m"}
    )
    await log_a_lot(hass, simulator, log_events, 10)
    streaming.runtime_data.async_show_counters()
    await async_wait_recording_done(hass)
    do_adhoc_statistics(hass, start=get_start_time(dt_util.utcnow()))
    assert await hass.config_entries.async_reload(streaming.entry_id)
    entities = er.async_entries_for_config_entry(entity_registry, streaming.entry_id)
    ours = {entity.entity_id for entity in entities}
    statistics = await with_statistics(hass)
    _, states = await recorded(hass)
    assert states.keys() >= {OTHERS, LOG, LAST_LOG, CONNECTION}
    assert statistics >= {OTHERS, "sensor.demo_project_error_logs"}

    await hass.config_entries.async_remove(streaming.entry_id)
    await hass.async_block_till_done()
    statistics = await with_statistics(hass)
    events, states = await recorded(hass)
    assert not ours & states.keys()
    assert not ours & statistics
    assert states[OTHERS] == 1
    assert OTHERS in statistics
    assert events["golioth_log"] == 10


@pytest.mark.parametrize("taken_by", [None, "registered", "not registered"])
@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_removed_project_of_a_device_that_left(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    entity_registry: er.EntityRegistry,
    taken_by: str | None,
) -> None:
    """Removing a project removes rows of its former devices.

    Rows stay if the entity's name has a new owner.
    """
    assert await async_setup_component(hass, "sensor", {})
    await log_a_lot(hass, simulator, log_events, 10)
    errors = "sensor.greenhouse_node_errors"
    streaming.runtime_data.async_show_counters()
    await async_wait_recording_done(hass)
    do_adhoc_statistics(hass, start=get_start_time(dt_util.utcnow()))
    assert errors in await with_statistics(hass)
    simulator.remove_device(GREENHOUSE_NODE)
    await streaming.runtime_data.async_refresh()
    await streaming.runtime_data.async_refresh()
    assert hass.states.get(LAST_LOG) is None
    if taken_by == "registered":
        for name in (LAST_LOG, errors):
            entity_registry.async_get_or_create(
                "sensor", "other", name, suggested_object_id=name.partition(".")[2]
            )
    elif taken_by is not None:
        hass.states.async_set(LAST_LOG, "1")
        hass.states.async_set(errors, "1")

    await hass.config_entries.async_remove(streaming.entry_id)
    await hass.async_block_till_done()
    statistics = await with_statistics(hass)
    _, states = await recorded(hass)
    assert LOG not in states
    is_taken = taken_by is not None
    assert (LAST_LOG in states) is is_taken
    assert (errors in statistics) is is_taken
