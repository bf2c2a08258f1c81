"""The floor: the same logs without the integration.

They are received, parsed, fired and written, with nothing else around.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, cast

import aiohttp
import orjson
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    MockPlatform,
    mock_integration,
    mock_platform,
)

from homeassistant.components.event import EventEntity
from homeassistant.components.sensor import SensorEntity
from homeassistant.config_entries import ConfigEntry, ConfigFlow
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .load import device_id
from .service import BenchProject

DOMAIN: Final = "bare"
EVENT: Final = "bare_log"

LEVELS: Final = ["debug", "info", "warn", "error", "other"]


@asynccontextmanager
async def bare_loop(
    project: BenchProject, on_document: Callable[[Any], None]
) -> AsyncIterator[None]:
    """Receive and parse a project's frames during the context."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(project.endpoint.logs_stream_url) as websocket,
    ):

        async def receive() -> None:
            async for message in websocket:
                on_document(orjson.loads(message.data))

        task = asyncio.create_task(receive())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


class BareFlow(ConfigFlow, domain=DOMAIN):
    """An empty flow: Home Assistant needs one for an entry."""


class BareEvent(EventEntity):
    """A device's event entity, written for each log."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    _attr_name = "Log"
    _attr_event_types = LEVELS
    _unrecorded_attributes = frozenset({"metadata"})

    def __init__(self, golioth_device_id: str) -> None:
        """Belong to a device."""
        self._attr_unique_id = f"{golioth_device_id}_log"
        self._attr_device_info = _device(golioth_device_id)

    @callback
    def async_handle(self, level: str, attributes: dict[str, Any]) -> None:
        """Trigger the event."""
        self._trigger_event(level, attributes)
        self.async_write_ha_state()


class BareSensor(SensorEntity):
    """A sensor of a device."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, golioth_device_id: str, key: str, *, enabled: bool) -> None:
        """Belong to a device; show nothing yet."""
        self.golioth_device_id = golioth_device_id
        self._attr_unique_id = f"{golioth_device_id}_{key}"
        self._attr_name = key
        self._attr_entity_registry_enabled_default = enabled
        self._attr_device_info = _device(golioth_device_id)

    @callback
    def async_show(self, value: str) -> None:
        """Show a value."""
        self._attr_native_value = value
        self.async_write_ha_state()


class BareIntegration:
    """An integration that adds entities and does nothing else.

    Attributes:
        events: Event entities by Golioth's ID of their device.
        shown: Enabled sensors by the same ID.
    """

    def __init__(
        self, hass: HomeAssistant, devices: int, sensors: Iterable[tuple[str, bool]]
    ) -> None:
        """Prepare.

        Args:
            hass: Home Assistant.
            devices: Number of devices.
            sensors: The key of each sensor of a device, and whether it is enabled.
        """
        self.events = {each: BareEvent(each) for each in map(device_id, range(devices))}
        sensors = list(sensors)
        self._sensors = [
            BareSensor(each, key, enabled=enabled)
            for each in self.events
            for key, enabled in sensors
        ]
        self.shown: dict[str, list[BareSensor]] = {each: [] for each in self.events}
        for sensor in self._sensors:
            if sensor.entity_registry_enabled_default:
                self.shown[sensor.golioth_device_id].append(sensor)
        self._hass = hass
        self._entry = MockConfigEntry(domain=DOMAIN, title="Bare")

    async def async_set_up(self) -> None:
        """Add the entities, and wait until they are set up."""
        platforms = [Platform.EVENT, Platform.SENSOR]

        async def async_setup_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
            await hass.config_entries.async_forward_entry_setups(entry, platforms)
            return True

        async def async_add_events(
            _hass: HomeAssistant,
            _entry: ConfigEntry,
            async_add_entities: AddConfigEntryEntitiesCallback,
        ) -> None:
            async_add_entities(self.events.values())

        async def async_add_sensors(
            _hass: HomeAssistant,
            _entry: ConfigEntry,
            async_add_entities: AddConfigEntryEntitiesCallback,
        ) -> None:
            async_add_entities(self._sensors)

        mock_integration(
            self._hass, MockModule(DOMAIN, async_setup_entry=async_setup_entry)
        )
        mock_platform(self._hass, f"{DOMAIN}.config_flow")
        for platform, setup in zip(
            platforms, (async_add_events, async_add_sensors), strict=True
        ):
            mock_platform(
                self._hass,
                f"{DOMAIN}.{platform}",
                # The mock expects the callback of a platform without an entry.
                MockPlatform(async_setup_entry=cast(Any, setup)),
            )
        self._entry.add_to_hass(self._hass)
        assert await self._hass.config_entries.async_setup(self._entry.entry_id)
        await self._hass.async_block_till_done()


class BarePipeline:
    """Fires each document, and writes its device's entities.

    The event entity is written for each, the sensors once a second.
    """

    def __init__(self, hass: HomeAssistant, integration: BareIntegration) -> None:
        """Use the entities of an integration."""
        self._hass = hass
        self._events = integration.events
        self._sensors = integration.shown
        # The last message of each device whose sensors are to be written.
        self._changed: dict[str, str] = {}

    @callback
    def _write_sensors(self) -> None:
        changed, self._changed = self._changed, {}
        for golioth_device_id, message in changed.items():
            for sensor in self._sensors[golioth_device_id]:
                sensor.async_show(message)

    @callback
    def __call__(self, document: Any) -> None:
        """Handle a document.

        The event and the entity get the same data as from the integration.
        """
        log = document["result"]["data"]
        level = log["level"].lower()
        if not self._changed:
            self._hass.loop.call_later(1, self._write_sensors)
        self._changed[log["deviceId"]] = log["message"]
        self._hass.bus.async_fire(
            EVENT,
            {
                "config_entry_id": "01K7ZV1S3X1W8B4T6D2Q9N5R0C",
                "project_id": "floor",
                "device_id": "5f3c2a9d8e7b6a5f4c3d2e1f0a9b8c7d",
                "golioth_device_id": log["deviceId"],
                "device_name": "device-00000",
                "timestamp": log["timestamp"],
                "level": level,
                "module": log["module"],
                "message": log["message"],
                "type": log["type"],
                "metadata": log["metadata"],
                "truncated": False,
                "source": "stream",
            },
        )
        self._events[log["deviceId"]].async_handle(
            level,
            {
                "message": log["message"],
                "level": level,
                "module": log["module"],
                "timestamp": log["timestamp"],
                "type": log["type"],
                "metadata": log["metadata"],
                "source": "stream",
            },
        )


def _device(golioth_device_id: str) -> DeviceInfo:
    return DeviceInfo(
        identifiers={(DOMAIN, golioth_device_id)},
        name=f"device-{golioth_device_id[-5:]}",
        manufacturer="Golioth",
    )
