"""Tests of the log triggers in running automations."""

from collections.abc import Callable
from functools import partial
from typing import Any, override

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.golioth.const import DOMAIN, EVENT_GOLIOTH_LOG
from custom_components.golioth.trigger import TRIGGERS
from custom_components.golioth.triggers.dispatcher import async_listen_to_logs
from custom_components.golioth.triggers.log_options import FILTER_FIELDS
from custom_components.golioth.triggers.targets import TargetDevices
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    label_registry as lr,
)
from homeassistant.helpers.translation import async_get_translations
from homeassistant.helpers.trigger import async_get_all_descriptions
from homeassistant.helpers.typing import ConfigType
from homeassistant.setup import async_setup_component

from .. import GREENHOUSE_NODE, WATER_METER
from ..events import (
    LogEvents,
    capture_runs,
    wait_for_begin,
    wait_for_live_logs,
    wait_for_state,
)
from ..registry import registry_id
from ..simulator import GoliothSimulator

LAST_LOG = "sensor.greenhouse_node_last_log"

# An entity as the target works without the device.
OF_DEVICE: ConfigType = {
    "trigger": "golioth.log_received",
    "target": {"entity_id": LAST_LOG},
}
OF_PROJECT: ConfigType = {"trigger": "golioth.project_log_received"}

# Match the 137 logs that `send_burst` returns.
BURST_TRIGGERS = [
    {**OF_DEVICE, "options": {"level": "error", "module": "power"}},
    {
        **OF_PROJECT,
        "options": {"level": "error", "module": "power", "metadata_field": "wanted"},
    },
]
both_triggers = pytest.mark.parametrize(
    "trigger", [OF_DEVICE, OF_PROJECT], ids=["device", "project"]
)


@pytest.fixture
def runs(hass: HomeAssistant) -> LogEvents:
    """Return the runs of the automation."""
    return capture_runs(hass)


async def automate(hass: HomeAssistant, *triggers: ConfigType) -> None:
    """Set up an automation for each trigger.

    Each run records the number of its automation.
    """
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": [
                {
                    "alias": f"Automation {number}",
                    "triggers": [trigger],
                    "actions": [
                        {
                            "action": "test.run",
                            "data": {
                                "automation": number,
                                "message": "{{ trigger.message }}",
                                "trigger": "{{ trigger }}",
                            },
                        }
                    ],
                    "mode": "queued",
                    "max": 200,
                }
                for number, trigger in enumerate(triggers)
            ]
        },
    )
    await hass.async_block_till_done(wait_background_tasks=False)
    for number in range(len(triggers)):
        state = hass.states.get(f"automation.automation_{number}")
        assert state is not None
        assert state.state == "on"


async def wait_for_runs(
    hass: HomeAssistant, log_events: LogEvents, number: int
) -> None:
    """Wait for that many logs, and the runs they started."""
    await log_events.wait_for(number)
    await hass.async_block_till_done(wait_background_tasks=False)


async def validation_error(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, *triggers: ConfigType
) -> str | None:
    """Return what the automation editor says about triggers."""
    client = await hass_ws_client(hass)
    await client.send_json_auto_id({"type": "validate_config", "triggers": triggers})
    result = (await client.receive_json())["result"]["triggers"]
    error: str | None = result["error"]
    assert result["valid"] is (error is None)
    return error


def send_burst(simulator: GoliothSimulator, name: str) -> list[str]:
    """Send 1,000 logs, and return 137 matching messages."""
    matching: list[str] = []
    for number in range(1000):
        message = f"{name} {number}"
        if number % 7 == 3 and len(matching) < 137:
            matching.append(message)
            simulator.log(
                message,
                device=GREENHOUSE_NODE,
                level="ERROR",
                module="power",
                metadata={"wanted": True},
            )
        elif number % 3 == 0:
            simulator.log(message, device=WATER_METER, level="ERROR", module="power")
        elif number % 3 == 1:
            simulator.log(message, device=GREENHOUSE_NODE, module="power")
        else:
            simulator.log(message, device=GREENHOUSE_NODE, level="ERROR")
    assert len(matching) == 137
    return matching


@pytest.mark.parametrize("trigger", BURST_TRIGGERS, ids=["device", "project"])
async def test_burst(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    runs: LogEvents,
    trigger: ConfigType,
) -> None:
    """In a burst, exactly the matching logs run the automation.

    These are 137 of 1,000, in order.
    """
    await automate(hass, trigger)
    matching = send_burst(simulator, "burst")
    await wait_for_runs(hass, log_events, 1000)
    assert runs.messages == matching


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("trigger", BURST_TRIGGERS, ids=["device", "project"])
async def test_automation_before_the_integration_and_across_a_reload(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    runs: LogEvents,
    trigger: ConfigType,
) -> None:
    """An automation set up first gets every log.

    This includes logs after a reload.
    """
    await automate(hass, trigger)
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await hass.async_block_till_done()
    await simulator.wait_for_streams(1)
    await wait_for_begin(config_entry)
    matching = send_burst(simulator, "before")
    await wait_for_runs(hass, log_events, 1000)
    assert runs.messages == matching

    assert await hass.config_entries.async_reload(config_entry.entry_id)
    await simulator.wait_for_streams(1)
    matching += send_burst(simulator, "after")
    await wait_for_runs(hass, log_events, 2000)
    assert runs.messages == matching


# Options, a log that passes them, and one that does not.
OPTIONS: list[tuple[ConfigType, dict[str, Any], dict[str, Any]]] = [
    ({"level": "warn"}, {"level": "WARN"}, {"level": "INFO"}),
    ({"level": "warn"}, {"level": "ERROR"}, {"level": "DEBUG"}),
    ({"level": "error"}, {"level": "NONE"}, {"level": "WARN"}),
    ({"level": "error"}, {"level": "TRACE"}, {"level": "WARN"}),
    ({"module": "power"}, {"module": "power"}, {"module": "power2"}),
    ({"module": "power"}, {"module": "power"}, {"module": "Power"}),
    ({"module": ["a", "power"]}, {"module": "power"}, {"module": "b"}),
    ({"module": [""]}, {"module": ""}, {"module": "a"}),
    ({"message": "LOW"}, {"message": "Battery low!"}, {"message": "l o w"}),
    ({"message": ["low", "GROSS"]}, {"message": "groß"}, {"message": "gro"}),
    ({"message": ".*"}, {"message": "a.*b"}, {"message": "ab"}),
    ({"type": "diagnostics"}, {"type": "DIAGNOSTICS"}, {"type": "LOGGING"}),
    ({"type": ["METRICS", "New"]}, {"type": "NEW"}, {"type": "LOGGING"}),
    # Entities show no U+0000.
    ({"module": "power"}, {"module": "power\0"}, {"module": "power\0s"}),
    ({"message": "a b"}, {"message": "a\0 B"}, {"message": "a\0"}),
    ({"type": "new"}, {"type": "NEW\0"}, {"type": "NEW\0S"}),
    *(
        (options, {"metadata": matching}, {"metadata": other})
        for options, matching, other in (
            ({"metadata_field": "a"}, {"a": None}, {"b": 1}),
            ({"metadata_field": "a.b"}, {"a": {"b": 0}}, {"a": {"c": 0}}),
            ({"metadata_field": "a.b"}, {"a\0": {"\0b": 0}}, {"a\0": 0}),
            ({"metadata_field": "a.b"}, {"a.b": 0}, {"a": "b"}),
            (
                {"metadata_field": "a.b", "metadata_value": "1"},
                {"a.b": 1, "a": {"b": 2}},
                {"a.b": 2, "a": {"b": 1}},
            ),
        )
    ),
    *(
        (
            {"metadata_field": "a", "metadata_value": value},
            {"metadata": {"a": matching}},
            {"metadata": {"a": other}},
        )
        for value, matching, other in (
            ("x", "x", "X"),
            ("33", 33, 33.5),
            (33, "33", 3),
            ("33.5", 33.5, 33),
            ("true", True, False),
            (True, True, 1),
            ("null", None, ""),
            ("", "", None),
            ('{"b":[1]}', {"b": [1]}, {"b": [2]}),
            # Numbers are compared by value.
            ("3", 3.0, 3.5),
            ("3.0", 3, "3"),
            (3, 3.0, 30),
            (3.0, 3, "3"),
            ("1e3", 1000.0, 1e4),
            ("1E+3", 1000, 1e-3),
            ("-0.0", 0, 1),
            ("0.1", 0.1, 0.10000000000000002),
            ("0.10", 0.1, True),
            ("1e-7", 1e-7, 0),
            ("9007199254740993", 9007199254740993, 9007199254740992),
            ("9007199254740993.0", 9007199254740993, 9007199254740992),
            ("1e400", "1e400", 1e308),
            ("1", 1.0, True),
            ("0", 0.0, False),
            ("true", True, 1.0),
            # JSON is compared by value, whatever its order and spaces.
            ('{ "c": [1, 2.0],\n  "b": 1e1 }', {"b": 10, "c": [1.0, 2]}, {"b": 10}),
            ("[1]", [1.0], [1, 1]),
            ("[1]", [1], {"1": 1}),
            ("[true]", [True], [1]),
            ('{"b":{}}', {"b": {}}, {"b": []}),
            ('"ok"', "ok", "OK"),
            ('"ok"', '"ok"', 'ok"'),
            # Not JSON, therefore plain text.
            ("NaN", "NaN", 1),
            ("03", "03", 3),
            ("3 V", "3 V", 3),
            ("[1", "[1", [1]),
            ("[" * 999, "[" * 999, []),
            ("1e" + "9" * 99, "1e" + "9" * 99, 1e308),
            # As entities show it.
            ("1.2.3", "1.2.3\0\0", "1.2.3 "),
        )
    ),
    (
        {"level": "warn", "module": ["power"], "message": ["low"]},
        {"level": "WARN", "module": "power", "message": "low"},
        {"level": "WARN", "module": "power", "message": "high"},
    ),
]


@both_triggers
async def test_options(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    runs: LogEvents,
    hass_ws_client: WebSocketGenerator,
    trigger: ConfigType,
) -> None:
    """Each option passes exactly what it names."""
    triggers = [{**trigger, "options": options} for options, _, _ in OPTIONS]
    assert await validation_error(hass, hass_ws_client, *triggers) is None
    await automate(hass, *triggers)
    log = {"message": "text", "device": GREENHOUSE_NODE}
    wanted = {
        (number, simulator.log(**(log | matching))["timestamp"])
        for number, (_, matching, _) in enumerate(OPTIONS)
    }
    unwanted = {
        (number, simulator.log(**(log | other))["timestamp"])
        for number, (_, _, other) in enumerate(OPTIONS)
    }
    await wait_for_runs(hass, log_events, len(OPTIONS) * 2)
    ran = {(run["automation"], run["trigger"]["timestamp"]) for run in runs}
    assert wanted - ran == set()
    assert unwanted & ran == set()


@both_triggers
async def test_no_options(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    runs: LogEvents,
    hass_ws_client: WebSocketGenerator,
    trigger: ConfigType,
) -> None:
    """Without options, every log runs the automation.

    Empty lists have the same effect.
    """
    triggers = [
        trigger,
        {**trigger, "options": {"module": [], "message": [], "type": []}},
    ]
    assert await validation_error(hass, hass_ws_client, *triggers) is None
    await automate(hass, *triggers)
    for level in ("DEBUG", "INFO", "WARN", "ERROR", "NONE"):
        simulator.log(level, device=GREENHOUSE_NODE, level=level)
    await wait_for_runs(hass, log_events, 5)
    assert len(runs) == 10


@both_triggers
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"level": "fatal"}, "level"),
        ({"message": [""]}, "message"),
        ({"metadata_field": ""}, "metadata_field"),
        ({"metadata_field": "a", "metadata_value": ["x"]}, "metadata_value"),
        ({"caught_up": "perhaps"}, "caught_up"),
        ({"regex": "(a+)+$"}, "regex"),
        # YAML gives None for a key without a value.
        ({"level": None}, "level"),
        ({"module": None}, "module"),
        ({"message": None}, "message"),
        ({"type": None}, "type"),
        ({"metadata_field": None}, "metadata_field"),
        ({"metadata_field": "a", "metadata_value": None}, "metadata_value"),
        ({"caught_up": None}, "caught_up"),
        ({"cool_down": None}, "cool_down"),
    ],
)
async def test_options_that_are_refused(
    hass: HomeAssistant,
    enable_custom_integrations: None,
    hass_ws_client: WebSocketGenerator,
    socket_enabled: None,
    trigger: ConfigType,
    options: ConfigType,
    error: str,
) -> None:
    """The editor names the invalid option."""
    said = await validation_error(hass, hass_ws_client, {**trigger, "options": options})
    assert said is not None
    assert error in said


@both_triggers
@pytest.mark.parametrize("options", [{}, {"metadata_field": ""}], ids=str)
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "The metadata value needs a metadata field. Enter the name"),
        ("de", "Zum Metadatenwert fehlt das Metadatenfeld. Gib den Namen"),
        ("it", "The metadata value needs a metadata field. Enter the name"),
    ],
)
async def test_metadata_value_without_its_field(
    hass: HomeAssistant,
    enable_custom_integrations: None,
    hass_client: ClientSessionGenerator,
    hass_ws_client: WebSocketGenerator,
    socket_enabled: None,
    trigger: ConfigType,
    options: ConfigType,
    language: str,
    said: str,
) -> None:
    """The editor explains the missing field.

    It does so while editing and when saving.
    """
    hass.config.language = language
    assert await async_setup_component(hass, "config", {})
    assert await async_setup_component(hass, "automation", {"automation": []})
    config = {**trigger, "options": {**options, "metadata_value": "x"}}
    error = await validation_error(hass, hass_ws_client, config)
    assert error is not None
    assert error.startswith(said)
    # A schema's error would end with its path in the YAML.
    assert "@" not in error
    client = await hass_client()
    response = await client.post(
        "/api/config/automation/config/1",
        json={"alias": "x", "triggers": [config], "actions": []},
    )
    assert response.status == 400
    assert said in (await response.json())["message"]


@pytest.mark.parametrize(
    "trigger",
    [
        {"trigger": "golioth.log_received"},
        {"trigger": "golioth.log_received", "target": {}},
        {"trigger": "golioth.log_received", "target": {"device_id": []}},
        {**OF_PROJECT, "target": {"device_id": "x"}},
        {**OF_DEVICE, "options": {"config_entry_id": "x"}},
        {**OF_PROJECT, "options": {"config_entry_id": None}},
        {**OF_PROJECT, "options": {"config_entry_id": ""}},
    ],
)
async def test_targets_that_are_refused(
    hass: HomeAssistant,
    enable_custom_integrations: None,
    hass_ws_client: WebSocketGenerator,
    socket_enabled: None,
    trigger: ConfigType,
) -> None:
    """Device triggers need a target, project triggers have none."""
    assert await validation_error(hass, hass_ws_client, trigger) is not None


async def test_valid_without_an_entry(
    hass: HomeAssistant,
    enable_custom_integrations: None,
    hass_ws_client: WebSocketGenerator,
    socket_enabled: None,
) -> None:
    """Triggers are valid before a project is set up.

    The project need not exist.
    """
    assert (
        await validation_error(
            hass,
            hass_ws_client,
            {**OF_DEVICE, "target": {"device_id": "x"}},
            {**OF_PROJECT, "options": {"config_entry_id": "x"}},
        )
        is None
    )


async def test_trigger_data(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    runs: LogEvents,
) -> None:
    """An automation gets the event's data and context."""
    contexts = []

    @callback
    def keep_context(event: Event) -> None:
        contexts.append(event.context)

    hass.bus.async_listen(EVENT_GOLIOTH_LOG, keep_context)
    await automate(hass, OF_DEVICE)
    simulator.log("text", device=GREENHOUSE_NODE, metadata={"a": {"b": [1, None]}})
    await wait_for_runs(hass, log_events, 1)
    (run,) = runs
    trigger = dict(run["trigger"])
    assert trigger.pop("platform") == "golioth.log_received"
    assert trigger.pop("description") == "log of greenhouse-node"
    assert {key: trigger[key] for key in log_events[0]} == log_events[0]
    state = hass.states.get("automation.automation_0")
    assert state is not None
    assert state.context.parent_id == contexts[0].id


type Change = Callable[[], object]


def _area_of_device(
    hass: HomeAssistant, device_id: str
) -> tuple[ConfigType, Change, Change]:
    area = ar.async_get(hass).async_create("Garden").id
    update = partial(dr.async_get(hass).async_update_device, device_id)
    return (
        {"area_id": area},
        partial(update, area_id=area),
        partial(update, area_id=None),
    )


def _area_of_entity(
    hass: HomeAssistant, device_id: str
) -> tuple[ConfigType, Change, Change]:
    area = ar.async_get(hass).async_create("Garden").id
    update = partial(er.async_get(hass).async_update_entity, LAST_LOG)
    return (
        {"area_id": area},
        partial(update, area_id=area),
        partial(update, area_id=None),
    )


def _area_that_is_removed(
    hass: HomeAssistant, device_id: str
) -> tuple[ConfigType, Change, Change]:
    areas = ar.async_get(hass)
    area = areas.async_create("Garden").id
    put = partial(dr.async_get(hass).async_update_device, device_id, area_id=area)
    return {"area_id": area}, put, partial(areas.async_delete, area)


def _floor(hass: HomeAssistant, device_id: str) -> tuple[ConfigType, Change, Change]:
    floor = fr.async_get(hass).async_create("Ground floor").floor_id
    areas = ar.async_get(hass)
    area = areas.async_create("Garden").id
    dr.async_get(hass).async_update_device(device_id, area_id=area)
    update = partial(areas.async_update, area)
    return (
        {"floor_id": floor},
        partial(update, floor_id=floor),
        partial(update, floor_id=None),
    )


def _label_of_device(
    hass: HomeAssistant, device_id: str
) -> tuple[ConfigType, Change, Change]:
    label = lr.async_get(hass).async_create("Outside").label_id
    update = partial(dr.async_get(hass).async_update_device, device_id)
    return (
        {"label_id": label},
        partial(update, labels={label}),
        partial(update, labels=set()),
    )


def _label_of_entity(
    hass: HomeAssistant, device_id: str
) -> tuple[ConfigType, Change, Change]:
    label = lr.async_get(hass).async_create("Outside").label_id
    update = partial(er.async_get(hass).async_update_entity, LAST_LOG)
    return (
        {"label_id": label},
        partial(update, labels={label}),
        partial(update, labels=set()),
    )


def _label_of_area(
    hass: HomeAssistant, device_id: str
) -> tuple[ConfigType, Change, Change]:
    label = lr.async_get(hass).async_create("Outside").label_id
    areas = ar.async_get(hass)
    area = areas.async_create("Garden").id
    dr.async_get(hass).async_update_device(device_id, area_id=area)
    update = partial(areas.async_update, area)
    return (
        {"label_id": label},
        partial(update, labels={label}),
        partial(update, labels=set()),
    )


def _label_that_is_removed(
    hass: HomeAssistant, device_id: str
) -> tuple[ConfigType, Change, Change]:
    labels = lr.async_get(hass)
    label = labels.async_create("Outside").label_id
    put = partial(dr.async_get(hass).async_update_device, device_id, labels={label})
    return {"label_id": label}, put, partial(labels.async_delete, label)


def _entity(hass: HomeAssistant, device_id: str) -> tuple[ConfigType, Change, Change]:
    registry = er.async_get(hass)
    name, back = "sensor.renamed", LAST_LOG
    return (
        {"entity_id": [name]},
        partial(registry.async_update_entity, back, new_entity_id=name),
        partial(registry.async_update_entity, name, new_entity_id=back),
    )


every_kind = pytest.mark.parametrize(
    "kind",
    [
        _area_of_device,
        _area_of_entity,
        _area_that_is_removed,
        _floor,
        _label_of_device,
        _label_of_entity,
        _label_of_area,
        _label_that_is_removed,
        _entity,
    ],
)


@every_kind
async def test_target_follows_the_registries(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    runs: LogEvents,
    device_registry: dr.DeviceRegistry,
    kind: Callable[[HomeAssistant, str], tuple[ConfigType, Change, Change]],
) -> None:
    """A target follows changes of the registries at once."""
    device_id = registry_id(device_registry, streaming, GREENHOUSE_NODE)
    target, put_in, take_out = kind(hass, device_id)
    await automate(hass, {**OF_DEVICE, "target": target})

    simulator.log("before", device=GREENHOUSE_NODE)
    simulator.log("of another", device=WATER_METER)
    await wait_for_runs(hass, log_events, 2)
    log = log_events[0]
    put_in()
    hass.bus.async_fire(EVENT_GOLIOTH_LOG, {**log, "message": "in that moment"})
    simulator.log("while", device=GREENHOUSE_NODE)
    simulator.log("of another", device=WATER_METER)
    await wait_for_runs(hass, log_events, 5)
    take_out()
    hass.bus.async_fire(EVENT_GOLIOTH_LOG, {**log, "message": "no more"})
    simulator.log("after", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 7)
    assert runs.messages == ["in that moment", "while"]


class CountingTargetDevices(TargetDevices):
    """The devices of a target, counting their look-ups."""

    look_ups = 0

    @override
    @callback
    def _async_look_up(self) -> frozenset[str]:
        self.look_ups += 1
        return super()._async_look_up()


async def test_target_is_not_looked_up_for_others(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Other integrations' changes cause no look-up of a target."""
    device_id = registry_id(device_registry, streaming, GREENHOUSE_NODE)
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    devices = CountingTargetDevices(hass, {"device_id": [device_id]}, lambda: None)
    devices.async_start()
    assert devices.look_ups == 1
    device = device_registry.async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", "1")}
    )
    entity_registry.async_get_or_create(
        "sensor", "other", "1", config_entry=other, device_id=device.id
    )
    device_registry.async_update_device(device.id, name_by_user="Renamed")
    await hass.async_block_till_done(wait_background_tasks=False)
    assert devices.look_ups == 1
    entity_registry.async_update_entity(LAST_LOG, name="Renamed")
    device_registry.async_update_device(device_id, name_by_user="Renamed")
    await hass.async_block_till_done(wait_background_tasks=False)
    assert devices.look_ups == 3
    device_registry.async_remove_device(device_id)
    await hass.async_block_till_done(wait_background_tasks=False)
    assert not devices.device_ids
    devices.async_stop()


@every_kind
@pytest.mark.parametrize("is_hidden", [False, True], ids=["shown", "hidden"])
async def test_target_with_exclusion(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    kind: Callable[[HomeAssistant, str], tuple[ConfigType, Change, Change]],
    is_hidden: bool,
) -> None:
    """An exclusion means the same devices as a target.

    It also means those of hidden entities, and follows changes at once.
    """
    device_ids = [
        registry_id(device_registry, streaming, each)
        for each in (GREENHOUSE_NODE, WATER_METER)
    ]
    if is_hidden:
        er.async_get(hass).async_update_entity(
            LAST_LOG, hidden_by=er.RegistryEntryHider.USER
        )
    exclude, put_in, take_out = kind(hass, device_ids[0])
    # The form of Home Assistant 2026.11.
    target = {"device_id": device_ids, "exclude": exclude}
    devices = TargetDevices(hass, target, lambda: None)
    devices.async_start()
    assert devices.device_ids == set(device_ids)
    put_in()
    assert devices.device_ids == {device_ids[1]}
    take_out()
    assert devices.device_ids == set(device_ids)
    devices.async_stop()


async def test_target_device(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    runs: LogEvents,
    device_registry: dr.DeviceRegistry,
) -> None:
    """A device is a target, another integration's entity is not.

    That entity belongs to the same device.
    """
    device_id = registry_id(device_registry, streaming, GREENHOUSE_NODE)
    helper = er.async_get(hass).async_get_or_create(
        "sensor", "template", "helper", device_id=device_id
    )
    await automate(
        hass,
        {**OF_DEVICE, "target": {"device_id": [device_id, "not there"]}},
        {**OF_DEVICE, "target": {"entity_id": helper.entity_id}},
    )
    simulator.log("one", device=GREENHOUSE_NODE)
    simulator.log("of another", device=WATER_METER)
    await wait_for_runs(hass, log_events, 2)
    assert [(run["automation"], run["message"]) for run in runs] == [(0, "one")]


async def test_device_targeted_twice(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    runs: LogEvents,
    device_registry: dr.DeviceRegistry,
) -> None:
    """A device targeted twice fires once per log."""
    device_ids = [
        registry_id(device_registry, streaming, golioth_id)
        for golioth_id in (GREENHOUSE_NODE, WATER_METER)
    ]
    await automate(
        hass, {**OF_DEVICE, "target": {"entity_id": LAST_LOG, "device_id": device_ids}}
    )
    simulator.log("one", device=GREENHOUSE_NODE)
    simulator.log("two", device=WATER_METER)
    await wait_for_runs(hass, log_events, 2)
    assert runs.messages == ["one", "two"]


async def test_device_that_appears_later(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    runs: LogEvents,
    device_registry: dr.DeviceRegistry,
) -> None:
    """A new device runs an automation of its project.

    Those for areas and labels follow when it has these.
    """
    area = ar.async_get(hass).async_create("Garden").id
    label = lr.async_get(hass).async_create("Outside").label_id
    await automate(
        hass,
        OF_PROJECT,
        {**OF_DEVICE, "target": {"area_id": area}},
        {**OF_DEVICE, "target": {"label_id": label}},
    )
    device = simulator.add_device("door-sensor")
    simulator.log("first", device=device)
    await wait_for_state(hass, "sensor.door_sensor_last_log", "first")
    device_registry.async_update_device(
        registry_id(device_registry, streaming, device.id),
        area_id=area,
        labels={label},
    )
    simulator.log("second", device=device)
    await wait_for_runs(hass, log_events, 2)
    assert sorted((run["automation"], run["message"]) for run in runs) == [
        (0, "first"),
        (0, "second"),
        (1, "second"),
        (2, "second"),
    ]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("options", [{"poll_interval": 0.2}])
@pytest.mark.parametrize("retired", [False, True], ids=["streaming", "polling"])
async def test_caught_up(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    runs: LogEvents,
    retired: bool,
) -> None:
    """Caught-up logs can be left out.

    Logs from regular polls do not count as caught up.
    """
    await automate(
        hass,
        OF_DEVICE,
        {**OF_DEVICE, "options": {"caught_up": True}},
        {**OF_DEVICE, "options": {"caught_up": False}},
        {**OF_PROJECT, "options": {"caught_up": False}},
    )
    assert await hass.config_entries.async_unload(streaming.entry_id)
    if retired:
        simulator.retire()
    simulator.log("meanwhile", device=GREENHOUSE_NODE)
    assert await hass.config_entries.async_setup(streaming.entry_id)
    await wait_for_runs(hass, log_events, 1)
    assert log_events[0]["source"] == "catch_up"
    assert {run["automation"] for run in runs} == {0, 1}
    if not retired:
        await wait_for_live_logs(streaming)
    simulator.log("now", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 2)
    assert log_events[1]["source"] == ("poll" if retired else "stream")
    assert {run["automation"] for run in runs if run["message"] == "now"} == {
        0,
        1,
        2,
        3,
    }


async def test_several_projects(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    runs: LogEvents,
) -> None:
    """A trigger is for one project or all."""
    async with GoliothSimulator("second", "Second project") as second:
        twin = second.add_device("twin", device_id=GREENHOUSE_NODE)
        entry = MockConfigEntry(
            domain=DOMAIN,
            title="Second project",
            unique_id="second",
            data={
                "project_id": "second",
                "api_key": second.api_key,
                "api_url": second.url,
            },
        )
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await second.wait_for_streams(1)
        await automate(
            hass,
            OF_PROJECT,
            {**OF_PROJECT, "options": {"config_entry_id": streaming.entry_id}},
            {**OF_PROJECT, "options": {"config_entry_id": entry.entry_id}},
            OF_DEVICE,
        )
        simulator.log("first", device=GREENHOUSE_NODE)
        await wait_for_runs(hass, log_events, 1)
        second.log("second", device=twin)
        await wait_for_runs(hass, log_events, 2)
    assert sorted((run["automation"], run["message"]) for run in runs) == [
        (0, "first"),
        (0, "second"),
        (1, "first"),
        (2, "second"),
        (3, "first"),
    ]


async def test_one_listener(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    runs: LogEvents,
) -> None:
    """All triggers share one listener on the bus.

    It is removed with the last of them.
    """
    await automate(hass, OF_DEVICE, OF_PROJECT, OF_DEVICE)
    for number in range(3):
        assert hass.bus.async_listeners()[EVENT_GOLIOTH_LOG] == 1
        await hass.services.async_call(
            "automation",
            "turn_off",
            {"entity_id": f"automation.automation_{number}"},
            blocking=True,
        )
    assert EVENT_GOLIOTH_LOG not in hass.bus.async_listeners()
    await hass.services.async_call(
        "automation", "turn_on", {"entity_id": "automation.automation_0"}, blocking=True
    )
    simulator.log("again", device=GREENHOUSE_NODE)
    await runs.wait_for(1)


async def test_automation_that_is_broken(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    runs: LogEvents,
) -> None:
    """A broken automation keeps no log from others."""
    broken = {"variables": {"broken": "{{ 1 / 0 }}"}}
    await automate(hass, OF_DEVICE | broken, OF_DEVICE, OF_PROJECT | broken, OF_PROJECT)
    simulator.log("one", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 1)
    assert [run["automation"] for run in runs] == [1, 3]


async def test_triggers_that_end_during_a_log(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    device_registry: dr.DeviceRegistry,
) -> None:
    """A trigger that ends keeps no log from others.

    It ends while the log is delivered.
    """
    device_id = registry_id(device_registry, streaming, GREENHOUSE_NODE)
    remove_listeners: list[CALLBACK_TYPE] = []
    seen = []

    @callback
    def listen(event: Event) -> None:
        seen.append(event.data["message"])
        remove_listeners.pop()()

    remove_listeners.extend(
        async_listen_to_logs(hass, [device_id], partial(listen)) for _ in range(3)
    )
    simulator.log("one", device=GREENHOUSE_NODE)
    await log_events.wait_for(1)
    await hass.async_block_till_done(wait_background_tasks=False)
    assert seen == ["one"] * 3


def _nested(depth: int) -> dict[str, Any]:
    """Return metadata with a number of levels."""
    metadata: dict[str, Any] = {}
    for _ in range(depth):
        metadata = {"a": metadata}
    return metadata


def _circular() -> dict[str, Any]:
    """Return metadata that contains itself."""
    metadata: dict[str, Any] = {}
    metadata["a"] = metadata
    return metadata


# Invalid values of a text field; `...` stands for a missing field.
NO_TEXTS: list[Any] = [
    ...,
    None,
    1,
    True,
    ["text"],
    {"a": "text"},
    b"text",
    "\ud800",
    "x" * 10**6,
]
HOSTILE_FIELDS: dict[str, list[Any]] = {
    "config_entry_id": NO_TEXTS,
    "project_id": NO_TEXTS,
    "device_id": NO_TEXTS,
    "golioth_device_id": NO_TEXTS,
    "device_name": NO_TEXTS,
    "timestamp": NO_TEXTS,
    "level": NO_TEXTS,
    "module": NO_TEXTS,
    "message": NO_TEXTS,
    "type": NO_TEXTS,
    "source": NO_TEXTS,
    "metadata": [
        ...,
        None,
        "a",
        [{"a": 1}],
        {1: 2},
        {"a": object()},
        {"a": {1, 2}},
        {"a": "x" * 10**6},
        {f"key{number}": number for number in range(10_000)},
        _nested(300),
        _nested(100_000),
        _circular(),
    ],
    "truncated": [..., None, 0, "no", []],
}


async def test_foreign_events(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    runs: LogEvents,
    device_registry: dr.DeviceRegistry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Foreign events are dropped quietly.

    They may hold anything. Triggers go on to fire for logs.
    """
    target = {"device_id": registry_id(device_registry, streaming, GREENHOUSE_NODE)}
    options = {
        "level": "debug",
        "module": "text",
        "message": "o",
        "type": "logging",
        "metadata_field": "a",
    }
    with_value = options | {"metadata_value": "text"}
    await automate(
        hass,
        {**OF_DEVICE, "target": target},
        {**OF_DEVICE, "target": target, "options": options},
        OF_PROJECT,
        {**OF_PROJECT, "options": options},
        {**OF_PROJECT, "options": with_value},
        {**OF_PROJECT, "options": {"config_entry_id": streaming.entry_id}},
        {
            "trigger": "golioth.device_went_silent",
            "target": target,
            "options": {"for": {"hours": 1}},
        },
    )
    send = partial(
        simulator.log, device=GREENHOUSE_NODE, module="text", metadata={"a": "text"}
    )
    send("one")
    await wait_for_runs(hass, log_events, 1)
    assert len(runs) == 6
    log = log_events[0]
    assert set(log) == set(HOSTILE_FIELDS)

    caplog.clear()
    hass.bus.async_fire(EVENT_GOLIOTH_LOG)
    hass.bus.async_fire(EVENT_GOLIOTH_LOG, {"more": "x" * 10**6} | log)
    for field, values in HOSTILE_FIELDS.items():
        for value in values:
            event = {**log, field: value}
            if value is ...:
                del event[field]
            hass.bus.async_fire(EVENT_GOLIOTH_LOG, event)
    await hass.async_block_till_done(wait_background_tasks=False)
    # Neither messages of ours nor of Home Assistant about us.
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []
    assert "Traceback" not in caplog.text
    assert len(runs) == 6

    # A complete event is a log: users fire one to try an automation.
    hass.bus.async_fire(EVENT_GOLIOTH_LOG, log)
    send("two")
    await log_events.wait_for(len(log_events) + 1)
    await hass.async_block_till_done(wait_background_tasks=False)
    assert runs.messages[6:] == ["one"] * 6 + ["two"] * 6


async def test_editor_lists_the_triggers(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """The editor lists the triggers with all texts.

    Each field and choice has a text.
    """
    client = await hass_ws_client(hass)
    await client.send_json_auto_id({"type": "trigger_platforms/subscribe"})
    assert (await client.receive_json())["success"]
    described = (await client.receive_json())["event"]
    triggers = {key: described[f"golioth.{key}"] for key in TRIGGERS}
    assert triggers["log_received"]["target"] == {"entity": [{"domain": ["event"]}]}
    assert "target" not in triggers["project_log_received"]

    texts = await async_get_translations(hass, "en", "triggers", {DOMAIN})
    choices = await async_get_translations(hass, "en", "selector", {DOMAIN})
    for key, description in triggers.items():
        prefix = f"component.golioth.triggers.{key}"
        assert texts[f"{prefix}.name"]
        assert texts[f"{prefix}.description"]
        for name, field in description["fields"].items():
            assert texts[f"{prefix}.fields.{name}.name"]
            assert texts[f"{prefix}.fields.{name}.description"]
            select = field["selector"].get("select", {})
            for option in select.get("options", []):
                assert choices[
                    f"component.golioth.selector.{select['translation_key']}.options.{option}"
                ]


@both_triggers
async def test_editor_offers_every_option(
    hass: HomeAssistant, streaming: MockConfigEntry, trigger: ConfigType
) -> None:
    """The editor offers every option."""
    descriptions = await async_get_all_descriptions(hass)
    description = descriptions[trigger["trigger"]]
    assert description is not None
    options = {str(key) for key in FILTER_FIELDS}
    if trigger is OF_PROJECT:
        options.add("config_entry_id")
    assert description["fields"].keys() == options
