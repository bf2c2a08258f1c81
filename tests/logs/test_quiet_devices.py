"""Tests of the past logs that quiet devices show."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.golioth.client.history import MAX_WAITING
from custom_components.golioth.logs import quiet_devices
from custom_components.golioth.logs.quiet_devices import MAX_QUIET_DEVICES
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

from .. import GREENHOUSE_NODE, WATER_METER
from ..events import (
    LogEvents,
    capture_states,
    state_of,
    wait_for_begin,
    wait_for_state,
    wait_until,
)
from ..simulator import GoliothSimulator, RestRequest

LAST_LOG = "sensor.greenhouse_node_last_log"
LAST_ERROR = "sensor.greenhouse_node_last_error"
LAST_LOG_OF_QUIET = "sensor.water_meter_last_log"
LAST_ERROR_OF_QUIET = "sensor.water_meter_last_error"


def ago(**time: float) -> str:
    """Return a time in the past, as Golioth writes it."""
    return (datetime.now(UTC) - timedelta(**time)).isoformat().replace("+00:00", "Z")


def past_requests(simulator: GoliothSimulator) -> list[RestRequest]:
    """Return the requests for past logs.

    These reach back more than 20 days, further than the feed's own requests.
    """
    return [
        each
        for each in simulator.requests
        if each.path.endswith("/logs") and each.query.get("start", "9") < ago(days=20)
    ]


def requested_devices(simulator: GoliothSimulator) -> list[str | None]:
    """Return the devices of the requests for past logs.

    None stands for all devices.
    """
    return [each.query.get("deviceId") for each in past_requests(simulator)]


async def set_up_until_requested(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    simulator: GoliothSimulator,
    number: int = 1,
) -> None:
    """Set up a project until that many requests are pending.

    They are requests for past logs.
    """
    simulator.faults.rest_delay = 0.2
    assert await hass.config_entries.async_setup(entry.entry_id)
    await simulator.wait_until(lambda: len(past_requests(simulator)) == number)


@pytest.fixture
def busy(simulator: GoliothSimulator) -> None:
    """Fill an answer with logs of one device.

    The other device has logged long before.
    """
    for number in range(3):
        simulator.log(
            f"Litre {number}", device=WATER_METER, timestamp=ago(days=2 + 3 - number)
        )
    for number in range(150):
        simulator.log(
            f"Rain {number}",
            device=GREENHOUSE_NODE,
            timestamp=ago(seconds=200 - number),
        )


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set up a project, and wait for its past logs."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await wait_for_begin(entry)


@pytest.mark.usefixtures("impatient", "busy")
async def test_quiet_device_of_a_busy_project(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """A quiet device shows only its last log.

    It shows no older one before, and fires nothing.
    """
    states = capture_states(hass, LAST_LOG_OF_QUIET)
    await set_up(hass, config_entry)
    await wait_for_state(hass, LAST_LOG_OF_QUIET, "Litre 2")
    await wait_for_state(hass, LAST_LOG, "Rain 149")
    assert requested_devices(simulator) == [None, WATER_METER]
    simulator.log("live", device=WATER_METER)
    await log_events.wait_for(1)
    await wait_for_state(hass, LAST_LOG_OF_QUIET, "live")
    assert log_events.messages == ["live"]
    known = [each.state for each in states if each.state.startswith("Litre")]
    assert set(known) == {"Litre 2"}


@pytest.mark.usefixtures("impatient", "busy", "entity_registry_enabled_by_default")
async def test_error_before_many_other_logs(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """The last error is shown, however many logs have followed."""
    for number in range(2):
        simulator.log(
            f"flood {number}",
            device=GREENHOUSE_NODE,
            level="ERROR",
            timestamp=ago(hours=2 - number),
        )
    await set_up(hass, config_entry)
    await wait_for_state(hass, LAST_ERROR, "flood 1")
    await wait_for_state(hass, LAST_LOG, "Rain 149")
    assert state_of(hass, LAST_ERROR_OF_QUIET).state == "unknown"
    assert not log_events


@pytest.mark.usefixtures("impatient", "busy")
async def test_last_error_that_is_enabled_later(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    entity_registry: er.EntityRegistry,
) -> None:
    """An entity that is enabled later shows the last error.

    Golioth is not asked for errors before that.
    """
    simulator.log(
        "flood", device=GREENHOUSE_NODE, level="ERROR", timestamp=ago(hours=1)
    )
    await set_up(hass, config_entry)
    assert requested_devices(simulator) == [None, WATER_METER]
    entity_registry.async_update_entity(LAST_ERROR, disabled_by=None)
    await hass.config_entries.async_reload(config_entry.entry_id)
    await wait_for_state(hass, LAST_ERROR, "flood")
    assert requested_devices(simulator) == [None, WATER_METER, None]
    assert not log_events


@pytest.mark.usefixtures("impatient", "entity_registry_enabled_by_default")
async def test_quiet_project(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A quiet project needs two requests for all its devices.

    One is for the logs, one for the errors of the devices that have none yet.
    """
    simulator.log("old", device=GREENHOUSE_NODE, timestamp=ago(days=12))
    simulator.log("leak", device=WATER_METER, level="ERROR", timestamp=ago(days=4))
    simulator.log("dry", device=WATER_METER, timestamp=ago(days=3))
    await set_up(hass, config_entry)
    await wait_for_state(hass, LAST_LOG, "old")
    await wait_for_state(hass, LAST_LOG_OF_QUIET, "dry")
    await wait_for_state(hass, LAST_ERROR_OF_QUIET, "leak")
    assert requested_devices(simulator) == [None, None]


@pytest.mark.usefixtures("impatient")
async def test_project_in_which_all_have_logged(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """No request is needed where every device has logged lately."""
    for device in (GREENHOUSE_NODE, WATER_METER):
        simulator.log("new", device=device)
    await set_up(hass, config_entry)
    await wait_for_state(hass, LAST_LOG_OF_QUIET, "new")
    assert past_requests(simulator) == []


@pytest.mark.usefixtures("impatient", "busy")
async def test_log_that_comes_meanwhile(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A streamed log is not replaced, whatever its timestamp."""
    simulator.faults.rest_delay = 0.2
    states = capture_states(hass, LAST_LOG_OF_QUIET)
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await simulator.wait_until(
        lambda: requested_devices(simulator) == [None, WATER_METER]
    )
    simulator.log("wrong clock", device=WATER_METER, timestamp=ago(days=300))
    await wait_for_state(hass, LAST_LOG_OF_QUIET, "wrong clock")
    await wait_for_begin(config_entry)
    assert state_of(hass, LAST_LOG_OF_QUIET).state == "wrong clock"
    assert not [each for each in states if each.state.startswith("Litre")]


@pytest.mark.usefixtures("impatient")
async def test_many_quiet_devices(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """At most a hundred devices are asked for, each once.

    The others show nothing until they log.
    """
    names = [f"quiet-{number}" for number in range(MAX_QUIET_DEVICES + 20)]
    for name in names:
        simulator.add_device(name, device_id=name)
        simulator.log(f"last of {name}", device=name, timestamp=ago(days=1))
    for _ in range(100):
        for device in (GREENHOUSE_NODE, WATER_METER):
            simulator.log("busy", device=device)
    await set_up(hass, config_entry)
    _, *found = requested_devices(simulator)
    assert len(found) == len(set(found)) == MAX_QUIET_DEVICES
    shown = {
        name
        for name in names
        if state_of(hass, f"sensor.{name.replace('-', '_')}_last_log").state
        == f"last of {name}"
    }
    assert shown == set(found)


@pytest.mark.usefixtures("busy")
async def test_pace(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """Golioth is asked at most twice a second."""
    simulator.add_device("third", device_id="third")
    await set_up(hass, config_entry)
    times = [each.time for each in past_requests(simulator)]
    assert len(times) == 3
    assert times[1] - times[0] > 0.45
    assert times[2] - times[1] > 0.45


@pytest.mark.usefixtures("impatient", "busy")
@pytest.mark.parametrize("fails", [1, 2])
async def test_service_in_trouble(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    fails: int,
) -> None:
    """A request that fails is repeated after the `Retry-After` time."""
    await set_up_until_requested(hass, config_entry, simulator)
    simulator.faults.logs_status = 503
    simulator.faults.rest_headers = {"Retry-After": "0"}
    await simulator.wait_until(lambda: len(past_requests(simulator)) == fails + 1)
    simulator.faults.clear()
    await wait_for_state(hass, LAST_LOG_OF_QUIET, "Litre 2")


@pytest.mark.usefixtures("impatient", "busy")
async def test_service_that_stays_in_trouble(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """After three failed requests, the past is given up.

    New logs arrive.
    """
    await set_up_until_requested(hass, config_entry, simulator)
    simulator.faults.logs_status = 503
    simulator.faults.rest_headers = {"Retry-After": "0"}
    await wait_until(lambda: not config_entry.runtime_data.is_new)
    assert requested_devices(simulator) == [None] * 3
    simulator.log("live", device=WATER_METER)
    await wait_for_state(hass, LAST_LOG_OF_QUIET, "live")


@pytest.mark.usefixtures("impatient", "busy")
async def test_unknown_device(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A device unknown to Golioth stops no other request.

    Golioth knew it before.
    """
    simulator.add_device("third", device_id="third")
    simulator.log("other", device="third", timestamp=ago(days=1))
    await set_up_until_requested(hass, config_entry, simulator, 2)
    simulator.faults.logs_status = 404
    await simulator.wait_until(lambda: len(past_requests(simulator)) == 3)
    simulator.faults.clear()
    await wait_for_begin(config_entry)
    shown = [
        state_of(hass, entity_id).state
        for entity_id in (LAST_LOG_OF_QUIET, "sensor.third_last_log")
    ]
    assert sorted(shown) in (["Litre 2", "unknown"], ["other", "unknown"])


@pytest.mark.usefixtures("impatient", "busy")
async def test_reload_meanwhile(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A reload starts interrupted requests again, but not completed ones."""
    await set_up_until_requested(hass, config_entry, simulator)
    assert await hass.config_entries.async_reload(config_entry.entry_id)
    await wait_for_state(hass, LAST_LOG_OF_QUIET, "Litre 2")
    await wait_for_begin(config_entry)

    # Completed requests are not repeated.
    before = len(past_requests(simulator))
    assert await hass.config_entries.async_reload(config_entry.entry_id)
    await simulator.wait_for_streams(1)
    await wait_until(lambda: not config_entry.runtime_data.feed.has_gap)
    assert len(past_requests(simulator)) == before


@pytest.mark.usefixtures("impatient", "busy")
async def test_removed_meanwhile(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """No request follows the removal of the project."""
    await set_up_until_requested(hass, config_entry, simulator)
    coordinator = config_entry.runtime_data
    await hass.config_entries.async_remove(config_entry.entry_id)
    assert not coordinator.is_new
    number = len(simulator.requests)
    with pytest.raises(HomeAssistantError):
        await hass.services.async_call(
            "golioth", "get_logs", {}, blocking=True, return_response=True
        )
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(simulator.requests) == number


@pytest.mark.usefixtures("busy")
async def test_user_reads_meanwhile(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A user waits for at most one of these requests."""
    for number in range(10):
        simulator.add_device(f"quiet-{number}", device_id=f"quiet-{number}")
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await simulator.wait_until(lambda: len(past_requests(simulator)) == 2)
    await hass.services.async_call(
        "golioth",
        "get_logs",
        {"limit": 1},
        blocking=True,
        return_response=True,
    )
    assert len(past_requests(simulator)) <= 4
    assert config_entry.runtime_data.is_new


@pytest.mark.usefixtures("impatient", "busy")
async def test_many_users_read_meanwhile(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full queue of users' reads delays these requests."""
    monkeypatch.setattr(quiet_devices, "_WAIT", 0.1)
    simulator.faults.rest_delay = 0.2
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    turns = config_entry.runtime_data.history.turns
    released = asyncio.Event()

    async def ask(user: int) -> None:
        async with turns.take(user):
            await released.wait()

    async with asyncio.TaskGroup() as tasks:
        # One user has the turn, and the others wait for it.
        for user in range(1 + MAX_WAITING):
            tasks.create_task(ask(user))
        await wait_until(lambda: not config_entry.runtime_data.feed.has_gap)
        # Long enough for several tries.
        await asyncio.sleep(0.5)
        assert past_requests(simulator) == []
        released.set()
    await wait_for_state(hass, LAST_LOG_OF_QUIET, "Litre 2")
