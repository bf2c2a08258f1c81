"""The coordinator of one Golioth project: its devices, and the feed of their logs."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
import logging
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_DEVICE_ID, CONF_API_KEY
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .client.endpoint import Credential, Endpoint
from .client.exceptions import (
    GoliothAddressError,
    GoliothAuthenticationError,
    GoliothError,
    GoliothNotFoundError,
)
from .client.feed import FeedTiming, LogFeed, LogSource
from .client.models import Device, LogEntry, Project
from .client.rest import GoliothRest
from .const import (
    CONF_API_URL,
    CONF_PROJECT_ID,
    DOMAIN,
    EVENT_GOLIOTH_LOG,
    MANUFACTURER,
)

_LOGGER = logging.getLogger(__name__)

DEVICE_LIST_INTERVAL: Final = timedelta(minutes=10)

# A device that logs before it is listed is looked up at most this often, in seconds.
UNKNOWN_DEVICE_COOLDOWN: Final = 60.0

# Message and metadata in the event, in bytes. With every other field at its longest, the event stays below 24 KiB: the
# recorder drops what is above 32.
MAX_EVENT_SIZE: Final = 20 * 1024

# Devices that have no entities yet, and whose last log waits for these. A service could invent any number of them.
_MAX_LOGS_TO_SHOW: Final = 100

type GoliothConfigEntry = ConfigEntry[GoliothCoordinator]
type LogListener = Callable[[LogEntry], None]


class GoliothCoordinator(DataUpdateCoordinator[dict[str, Device]]):
    """Keeps the list of devices by Golioth's ID, and makes each log an event and an update of one device's entities.

    Attributes:
        project: The project, as Golioth names it.
        feed: The logs of the project.
    """

    config_entry: GoliothConfigEntry
    project: Project

    def __init__(
        self,
        hass: HomeAssistant,
        entry: GoliothConfigEntry,
        *,
        timing: FeedTiming | None = None,
    ) -> None:
        """Prepare the connections, without a request.

        Args:
            hass: Home Assistant.
            entry: The project.
            timing: How long the feed waits, if not as usual.

        Raises:
            ConfigEntryError: The address of the API in the entry cannot be used.
        """
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=entry.title,
            update_interval=DEVICE_LIST_INTERVAL,
            request_refresh_debouncer=Debouncer(
                hass, _LOGGER, cooldown=UNKNOWN_DEVICE_COOLDOWN, immediate=True
            ),
        )
        self.project_id: str = entry.data[CONF_PROJECT_ID]
        try:
            endpoint = Endpoint(
                entry.data[CONF_API_URL],
                self.project_id,
                Credential(entry.data[CONF_API_KEY]),
            )
        except GoliothAddressError as err:
            raise ConfigEntryError(
                translation_domain=DOMAIN, translation_key="invalid_address"
            ) from err
        session = async_get_clientsession(hass)
        self._rest = GoliothRest(session, endpoint)
        self.feed = LogFeed(
            session,
            endpoint,
            self._rest,
            on_log=self._async_handle_log,
            on_connection_change=self._async_handle_connection_change,
            timing=timing or FeedTiming(),
        )
        self._project_device_id = ""
        self._device_ids: dict[str, str] = {}
        self._log_listeners: dict[str, list[LogListener]] = {}
        self._connection_listeners: list[CALLBACK_TYPE] = []
        self._logs_to_show: dict[str, LogEntry] = {}

    async def async_run_feed(self) -> None:
        """Deliver logs until cancelled, or until the credential is rejected."""
        try:
            await self.feed.run()
        except GoliothAuthenticationError:
            self.config_entry.async_start_reauth(self.hass)

    @callback
    def async_add_log_listener(
        self, golioth_device_id: str, listener: LogListener
    ) -> CALLBACK_TYPE:
        """Call `listener` with each log of one device; return what ends that."""
        listeners = self._log_listeners.setdefault(golioth_device_id, [])
        listeners.append(listener)
        # A device that logged before it had entities: they start with what it said last.
        if (entry := self._logs_to_show.get(golioth_device_id)) is not None:
            listener(entry)

        @callback
        def remove_listener() -> None:
            listeners.remove(listener)
            if not listeners:
                self._log_listeners.pop(golioth_device_id, None)

        return remove_listener

    @callback
    def async_add_connection_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `listener` when the feed has been connected or disconnected; return what ends that."""
        self._connection_listeners.append(listener)

        @callback
        def remove_listener() -> None:
            self._connection_listeners.remove(listener)

        return remove_listener

    @override
    async def _async_setup(self) -> None:
        """Read the project, and register its device before anything refers to it."""
        self.project = await self._async_call(self._rest.project())
        self._project_device_id = (
            dr.async_get(self.hass)
            .async_get_or_create(
                config_entry_id=self.config_entry.entry_id,
                entry_type=dr.DeviceEntryType.SERVICE,
                identifiers={(DOMAIN, self.project_id)},
                manufacturer=MANUFACTURER,
                name=self.project.name,
            )
            .id
        )

    @override
    async def _async_update_data(self) -> dict[str, Device]:
        """Read the list of devices, and register each before a log of it is fired."""
        devices = await self._async_call(self._rest.devices())
        device_registry = dr.async_get(self.hass)
        for device in devices.values():
            if self.data and self.data.get(device.id) == device:
                continue
            self._device_ids[device.id] = device_registry.async_get_or_create(
                config_entry_id=self.config_entry.entry_id,
                identifiers={(DOMAIN, device.id)},
                name=device.name,
                serial_number=device.hardware_ids[0] if device.hardware_ids else None,
                via_device_id=self._project_device_id,
            ).id
        return devices

    async def _async_call[T](self, call: Awaitable[T]) -> T:
        """Await a call of the REST API, and raise what Home Assistant understands."""
        try:
            return await call
        except GoliothAuthenticationError as err:
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN, translation_key="invalid_auth"
            ) from err
        except GoliothNotFoundError as err:
            raise UpdateFailed(
                translation_domain=DOMAIN, translation_key="project_not_found"
            ) from err
        except GoliothError as err:
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="cannot_connect",
                translation_placeholders={"reason": str(err)},
            ) from err

    @callback
    def _async_handle_log(self, entry: LogEntry, source: LogSource) -> None:
        """Make a log one event on the bus, and one update of its device's entities."""
        golioth_device_id = entry.device_id
        device = self.data.get(golioth_device_id)
        event_entry, truncated = entry.bounded(MAX_EVENT_SIZE)
        self.hass.bus.async_fire(
            EVENT_GOLIOTH_LOG,
            {
                "config_entry_id": self.config_entry.entry_id,
                "project_id": self.project_id,
                ATTR_DEVICE_ID: self._device_ids.get(
                    golioth_device_id, self._project_device_id
                ),
                "golioth_device_id": golioth_device_id,
                "device_name": golioth_device_id if device is None else device.name,
                "timestamp": entry.timestamp,
                "level": entry.level,
                "module": entry.module,
                "message": event_entry.message,
                "type": entry.type,
                "metadata": event_entry.metadata,
                "source": source.value,
                "truncated": truncated,
            },
        )
        if (listeners := self._log_listeners.get(golioth_device_id)) is not None:
            for listener in listeners:
                listener(entry)
        elif golioth_device_id:
            self._async_keep_for_entities(entry)

    @callback
    def _async_keep_for_entities(self, entry: LogEntry) -> None:
        """Keep the last log of a device that has no entities, and have the device looked up if it is not listed."""
        golioth_device_id = entry.device_id
        is_new = golioth_device_id not in self._logs_to_show
        self._logs_to_show[golioth_device_id] = entry
        if len(self._logs_to_show) > _MAX_LOGS_TO_SHOW:
            del self._logs_to_show[next(iter(self._logs_to_show))]
        if is_new and golioth_device_id not in self.data:
            self.config_entry.async_create_background_task(
                self.hass,
                self.async_request_refresh(),
                name=f"{DOMAIN} device list of {self.project_id}",
            )

    @callback
    def _async_handle_connection_change(self, reason: GoliothError | None) -> None:
        """Show that the feed is connected, or is not, and say so once."""
        if reason is None:
            _LOGGER.info("Receiving the logs of %s", self.config_entry.title)
        elif not isinstance(reason, GoliothAuthenticationError):
            _LOGGER.info(
                "Not receiving the logs of %s: %s. Trying again",
                self.config_entry.title,
                reason,
            )
        for listener in self._connection_listeners:
            listener()
