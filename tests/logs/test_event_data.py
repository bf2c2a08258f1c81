"""Tests of the `golioth_log` event."""

import orjson
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.golioth.client import LEVELS
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.json import json_bytes

from .. import GREENHOUSE_NODE, PUBLISHED_FRAMES, WATER_METER
from ..events import LogEvents, wait_for_state
from ..registry import registry_id
from ..simulator import GARBAGE_FRAMES, GoliothSimulator


async def test_published_frames(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    device_registry: dr.DeviceRegistry,
) -> None:
    """The six published frames fire six equal events."""
    simulator.replay()
    await log_events.wait_for(6)
    published = [
        orjson.loads(frame)["result"]["data"]
        for frame in PUBLISHED_FRAMES.read_bytes().splitlines()
    ]
    names = {GREENHOUSE_NODE: "greenhouse-node", WATER_METER: "water-meter"}
    assert list(log_events) == [
        {
            "config_entry_id": streaming.entry_id,
            "project_id": "demo",
            "device_id": registry_id(device_registry, streaming, log["deviceId"]),
            "golioth_device_id": log["deviceId"],
            "device_name": names[log["deviceId"]],
            "timestamp": log["timestamp"],
            "level": log["level"].lower(),
            "module": log["module"],
            "message": log["message"],
            "type": log["type"],
            "metadata": log["metadata"],
            "source": "stream",
            "truncated": False,
        }
        for log in published
    ]


async def test_order_and_number(
    streaming: MockConfigEntry, simulator: GoliothSimulator, log_events: LogEvents
) -> None:
    """A burst arrives complete and in order, equal logs included."""
    for number in range(2000):
        simulator.log(str(number // 2), timestamp="2026-11-23T00:00:00.000000001Z")
    await log_events.wait_for(2000)
    assert log_events.messages == [str(number // 2) for number in range(2000)]


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
async def test_several_documents_in_a_frame(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    binary: bool,
) -> None:
    """A frame may hold several logs, as text or binary."""
    data = PUBLISHED_FRAMES.read_bytes() + b"\n"
    simulator.send_frame(data if binary else data.decode())
    await log_events.wait_for(6)
    assert log_events.messages[-1] == "Warn: 33"


async def test_garbage_leaves_the_stream_running(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Garbage is counted and ignored, and the stream goes on."""
    feed = streaming.runtime_data.feed
    for number, garbage in enumerate(GARBAGE_FRAMES, start=1):
        simulator.send_frame(garbage)
        simulator.log(f"after {number}")
    await log_events.wait_for(len(GARBAGE_FRAMES))
    after = [text for text in log_events.messages if text.startswith("after")]
    assert after == [f"after {n}" for n in range(1, len(GARBAGE_FRAMES) + 1)]
    assert len(simulator.handshakes) == 1
    assert feed.ignored > 0
    assert feed.delivered == len(log_events)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_log_without_a_device(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    device_registry: dr.DeviceRegistry,
) -> None:
    """A log that names no device belongs to the project."""
    simulator.log("from nowhere")
    await log_events.wait_for(1)
    (data,) = log_events
    assert data["golioth_device_id"] == ""
    assert data["device_id"] == registry_id(
        device_registry, streaming, streaming.entry_id
    )


async def test_log_of_a_device_that_is_not_listed_yet(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    device_registry: dr.DeviceRegistry,
) -> None:
    """A new device's first log fires at once.

    Its entities show it as soon as Golioth lists the device.
    """
    device = simulator.add_device("door-sensor")
    simulator.log("opened", device=device)
    await log_events.wait_for(1)
    assert log_events[0]["golioth_device_id"] == device.id
    assert log_events[0]["device_name"] == device.id
    assert log_events[0]["device_id"] == registry_id(
        device_registry, streaming, streaming.entry_id
    )

    await wait_for_state(hass, "sensor.door_sensor_last_log", "opened")
    simulator.log("closed", device=device)
    await log_events.wait_for(2)
    assert log_events[1]["device_name"] == "door-sensor"
    assert log_events[1]["device_id"] == registry_id(
        device_registry, streaming, device.id
    )
    await wait_for_state(hass, "sensor.door_sensor_last_log", "closed")


@pytest.mark.parametrize("level", [*LEVELS, "NONE", "TRACE"])
async def test_level(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    level: str,
) -> None:
    """Published levels are lower case, others stay as sent."""
    simulator.log("text", level=level.upper())
    await log_events.wait_for(1)
    assert log_events[0]["level"] == level


async def test_long_log(
    streaming: MockConfigEntry, simulator: GoliothSimulator, log_events: LogEvents
) -> None:
    """A log too long for the recorder is cut."""
    simulator.document_limit = None
    simulator.log("x" * 1_000_000, metadata={"a": "y" * 100, "b": "z" * 100_000})
    await log_events.wait_for(1)
    (data,) = log_events
    assert data["truncated"] is True
    assert data["message"].startswith("xxx")
    assert data["metadata"] == {"a": "y" * 100}
    assert 23_000 < len(json_bytes(data)) < 24 * 1024


async def test_longest_event(
    streaming: MockConfigEntry, simulator: GoliothSimulator, log_events: LogEvents
) -> None:
    """No log makes an event too large for the recorder."""
    hostile = "\0" * 10_000
    simulator.document_limit = None
    simulator.send(
        {
            "level": hostile,
            "module": hostile,
            "type": hostile,
            "message": hostile,
            "deviceId": hostile,
            "metadata": {hostile: hostile},
        }
    )
    await log_events.wait_for(1)
    assert len(json_bytes(log_events[0])) < 24 * 1024
