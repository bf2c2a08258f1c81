"""Tests of text that databases cannot store.

A device or the service may send it in any field.
"""

from collections.abc import AsyncIterator
import re
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    mock_restore_cache_with_extra_data,
)

from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import device_registry as dr, entity_registry as er

from . import GREENHOUSE_NODE, WATER_METER
from .events import LogEvents, state_of, wait_for_state
from .simulator import GoliothSimulator

LOG = "event.greenhouse_node_log"
LAST_LOG = "sensor.greenhouse_node_last_log"
LAST_ERROR = "sensor.greenhouse_node_last_error"

# Every text field of a log except its device ID, and its time, which would become none.
UNSTORABLE: dict[str, Any] = {
    "message": "v1.2.3\0\0",
    "level": "ERROR",
    "module": "net\0work",
    "type": "LOG\0GING",
    "metadata": {"a\0": "b\0c", "d": [{"\0e": ["\0"]}], "f": 1.0},
}
STORABLE: dict[str, Any] = {
    "message": "v1.2.3",
    "level": "error",
    "module": "network",
    "type": "LOGGING",
    "metadata": {"a": "bc", "d": [{"e": [""]}], "f": 1.0},
}

pytestmark = pytest.mark.usefixtures("entity_registry_enabled_by_default")


@pytest.fixture
async def simulator(socket_enabled: None) -> AsyncIterator[GoliothSimulator]:
    """Run a service with U+0000 in its names."""
    async with GoliothSimulator("demo", "Demo\0project\0") as simulator:
        device = simulator.add_device("greenhouse\0node\0", device_id=GREENHOUSE_NODE)
        device.hardware_ids.append("28:6f\0")
        simulator.add_device("\0", device_id=WATER_METER)
        yield simulator


def unstorable(value: Any) -> bool:
    """Return whether a value holds U+0000 or lone surrogates.

    Keys of mappings are included.
    """
    return re.search(r"\\x00|\\ud[89a-f]", repr(value)) is not None


def shown(hass: HomeAssistant) -> dict[str, Any]:
    """Return the states and attributes of all entities."""
    return {
        state.entity_id: [state.state, dict(state.attributes)]
        for state in hass.states.async_all()
    }


@pytest.mark.parametrize("size", [0, 400, 10_000], ids=["short", "long", "cut"])
@pytest.mark.parametrize("way", ["stream", "rest"])
async def test_log(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    size: int,
    way: str,
) -> None:
    """States and attributes hold only text that databases store.

    The event holds whatever JSON can, except for its keys.
    """
    padding = {"padding": "\0x" * size} if size else {}
    log = UNSTORABLE | {"metadata": UNSTORABLE["metadata"] | padding}
    if way == "stream":
        simulator.log(**log, device=GREENHOUSE_NODE)
        await log_events.wait_for(1)
        (event,) = log_events
        for key in ("message", "module", "type"):
            assert event[key] == UNSTORABLE[key]
        metadata = event["metadata"]
        assert metadata["a"] == "b\0c"
        assert metadata["d"] == [{"e": ["\0"]}]
    else:
        # From before the set-up, so that only entities get it.
        assert await hass.config_entries.async_remove(streaming.entry_id)
        simulator.log(**log, device=GREENHOUSE_NODE)
        entry = MockConfigEntry(domain=streaming.domain, data=dict(streaming.data))
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
    for entity_id in (LAST_LOG, LAST_ERROR):
        await wait_for_state(hass, entity_id, "v1.2.3")
    entities = [LAST_LOG, LAST_ERROR, *([LOG] if way == "stream" else [])]
    for entity_id in entities:
        attributes = dict(state_of(hass, entity_id).attributes)
        assert attributes["metadata"].pop("padding", "") == (
            "x" * size if size == 400 else ""
        )
        assert attributes.get("truncated", False) is (size > 400)
        for key, value in STORABLE.items():
            assert attributes[key] == value, key
    assert not unstorable(shown(hass))


@pytest.mark.parametrize("surrogate", [b"\\ud800", b"\\udfff", b"\xed\xa0\x80"])
async def test_lone_surrogate(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    surrogate: bytes,
) -> None:
    """Lone surrogates are replaced everywhere.

    JSON that holds them is invalid, so that the event has none either.
    """
    log = b'{"result":{"data":{"level":"ERROR","module":"%b","message":"a%b","metadata":{"%b":["%b"]},"deviceId":"%b"}}}'
    device_id = GREENHOUSE_NODE.encode()
    simulator.send_frame(log % (surrogate, surrogate, surrogate, surrogate, device_id))
    await log_events.wait_for(1)
    await wait_for_state(
        hass, LAST_LOG, lambda state: state.state.startswith("a\ufffd")
    )
    assert not unstorable(shown(hass))
    assert not unstorable(log_events)


async def test_names(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Names in the registries hold only storable text."""
    devices = dr.async_entries_for_config_entry(device_registry, streaming.entry_id)
    assert sorted(device.name or "" for device in devices) == [
        WATER_METER,
        "Demo project",
        "greenhouse node",
    ]
    assert {device.serial_number for device in devices} == {None, "28:6f"}
    entities = er.async_entries_for_config_entry(entity_registry, streaming.entry_id)
    assert len(entities) > 10
    assert not unstorable([device.dict_repr for device in devices])
    assert not unstorable([entity.extended_dict for entity in entities])


async def test_restored_logs(
    hass: HomeAssistant, config_entry: MockConfigEntry
) -> None:
    """Text restored from an earlier version becomes storable."""
    log = UNSTORABLE | {
        "timestamp": "then\0",
        "timestamp_ns": None,
        "module_id": "",
        "device_id": GREENHOUSE_NODE,
    }
    mock_restore_cache_with_extra_data(
        hass,
        [
            (State(entity_id, "unavailable"), log)
            for entity_id in (LAST_LOG, LAST_ERROR)
        ],
    )
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await wait_for_state(hass, LAST_LOG, "v1.2.3")
    assert state_of(hass, LAST_ERROR).attributes["metadata"] == STORABLE["metadata"]
    assert not unstorable(shown(hass))
