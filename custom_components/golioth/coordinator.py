"""The coordinator of one Golioth project: its devices, and the feed of their logs."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
import logging
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_DEVICE_ID, CONF_API_KEY, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .client.endpoint import Credential, Endpoint
from .client.exceptions import (
    GoliothAddressError,
    GoliothAuthenticationError,
    GoliothError,
    GoliothNotFoundError,
)
from .client.feed import FeedTiming, LogFeed, LogSource, Transport
from .client.models import Device, LogEntry, Project
from .client.rest import GoliothRest
from .client.resume import ResumePoint
from .const import (
    CONF_API_URL,
    CONF_POLL_INTERVAL,
    CONF_PROJECT_ID,
    DEFAULT_POLL_INTERVAL,
    DOMAIN,
    EVENT_GOLIOTH_LOG,
    MANUFACTURER,
)
from .gap import async_report_gap, catch_up_window
from .listening import async_get_clock
from .resume_store import ResumeStore

_LOGGER = logging.getLogger(__name__)

DEVICE_LIST_INTERVAL: Final = timedelta(minutes=10)

# A device that logs before it is listed is looked up at most this often, in seconds.
UNKNOWN_DEVICE_COOLDOWN: Final = 60.0

# An event, in bytes of JSON: the recorder drops what is above 32 KiB.
MAX_EVENT_SIZE: Final = 24 * 1024

# Message and metadata in the attributes of an entity, in bytes of JSON.
MAX_ATTRIBUTES_SIZE: Final = 4 * 1024

# What an event takes beside the text of the log, and the most that one character takes, in bytes of JSON.
_EVENT_OVERHEAD: Final = 600
_CHARACTER_SIZE: Final = 6

# Devices that have no entities yet, and whose last log waits for these. A service could invent any number of them.
_MAX_LOGS_TO_SHOW: Final = 100

# The feed takes no longer to close its connection, in seconds.
_STOP_TIMEOUT: Final = 10.0

type GoliothConfigEntry = ConfigEntry[GoliothCoordinator]

# Called with a log and how it came: None is one from before the project was set up, which is shown and nothing else.
type LogListener = Callable[[LogEntry, LogSource | None], None]


@dataclass
class KeptLogs:
    """What a device logged last while it had no entities, and since."""

    last: tuple[LogEntry, LogSource | None] | None = None
    last_error: tuple[LogEntry, LogSource | None] | None = None


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
            self._endpoint = Endpoint(
                entry.data[CONF_API_URL],
                self.project_id,
                Credential(entry.data[CONF_API_KEY]),
            )
        except GoliothAddressError as err:
            raise ConfigEntryError(
                translation_domain=DOMAIN, translation_key="invalid_address"
            ) from err
        self._session = async_get_clientsession(hass)
        self._rest = GoliothRest(self._session, self._endpoint)
        self._timing = timing or FeedTiming()
        self._resume_store = ResumeStore(hass, entry.entry_id)
        self._listening = async_get_clock(hass, entry.entry_id)
        self._feed_task: asyncio.Task[None] | None = None
        self._cancel_start: CALLBACK_TYPE | None = None
        self._was_connected: bool | None = None
        self._project_device_id = ""
        self._device_ids: dict[str, str] = {}
        self._log_listeners: dict[str, list[LogListener]] = {}
        self._connection_listeners: list[CALLBACK_TYPE] = []
        self._counter_listeners: list[CALLBACK_TYPE] = []
        self._logs_to_show: dict[str, KeptLogs] = {}
        # Of these devices, the ones that the list has been read for.
        self._looked_up: set[str] = set()
        self._look_up: asyncio.Task[None] | None = None

    @callback
    def async_start(self) -> None:
        """Deliver logs from when Home Assistant has started until `async_stop`.

        Automations are armed only then: a log delivered before would be delivered to nobody.
        """
        self._cancel_start = async_at_started(self.hass, self._async_start_feed)
        # It runs on without a change that would have it saved.
        self.config_entry.async_on_unload(
            self.hass.bus.async_listen_once(
                EVENT_HOMEASSISTANT_STOP, self._async_handle_stop
            )
        )

    async def async_stop(self) -> None:
        """Deliver nothing more, and return when it is saved what has been delivered."""
        if self._cancel_start is not None:
            self._cancel_start()
        if self._feed_task is not None:
            self._feed_task.cancel()
            await asyncio.wait([self._feed_task], timeout=_STOP_TIMEOUT)
        self._listening.async_stop()
        await self._resume_store.async_close(self._resume_point)
        await self._listening.async_save()

    @callback
    def async_add_log_listener(
        self, golioth_device_id: str, listener: LogListener
    ) -> CALLBACK_TYPE:
        """Call `listener` with each log of one device; return what ends that."""
        listeners = self._log_listeners.setdefault(golioth_device_id, [])
        listeners.append(listener)
        # A device that logged before it had entities: they start with what it said last.
        if (kept := self._logs_to_show.get(golioth_device_id)) is not None:
            if kept.last_error is not None:
                listener(*kept.last_error)
            if kept.last is not None:
                listener(*kept.last)

        @callback
        def remove_listener() -> None:
            listeners.remove(listener)
            if not listeners:
                self._log_listeners.pop(golioth_device_id, None)

        return remove_listener

    @callback
    def async_add_connection_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `listener` when the feed's connection or transport has changed; return what ends that."""
        return _async_add(self._connection_listeners, listener)

    @callback
    def async_add_counter_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `listener` when the feed's counters are to be shown; return what ends that."""
        return _async_add(self._counter_listeners, listener)

    @callback
    def async_show_counters(self, _now: datetime) -> None:
        """Have the feed's counters shown."""
        for listener in self._counter_listeners:
            listener()

    @override
    async def _async_setup(self) -> None:
        """Read the project, register its device before anything refers to it, and prepare the feed."""
        self.project = await self._async_call(self._rest.project())
        self._project_device_id = (
            dr.async_get(self.hass)
            .async_get_or_create(
                config_entry_id=self.config_entry.entry_id,
                entry_type=dr.DeviceEntryType.SERVICE,
                identifiers={(DOMAIN, self.config_entry.entry_id)},
                manufacturer=MANUFACTURER,
                name=self.project.name,
            )
            .id
        )
        await self._listening.async_load()
        self.feed = LogFeed(
            self._session,
            self._endpoint,
            self._rest,
            on_log=self._async_handle_log,
            on_history=self._async_handle_history,
            on_connection_change=self._async_handle_connection_change,
            on_gap=self._async_handle_gap,
            on_complete=self._async_handle_complete,
            on_incomplete=self._async_handle_incomplete,
            on_progress=self._async_handle_progress,
            resume_point=await self._resume_store.async_load(),
            poll_interval=float(
                self.config_entry.options.get(CONF_POLL_INTERVAL, DEFAULT_POLL_INTERVAL)
            ),
            catch_up_window=catch_up_window(self.config_entry) * 3600,
            device_ids=lambda: self.data,
            timing=self._timing,
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
        self._looked_up = set(self._logs_to_show)
        self._listening.async_note_devices(devices)
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
    def _async_start_feed(self, _hass: HomeAssistant) -> None:
        self._feed_task = self.config_entry.async_create_background_task(
            self.hass,
            self._async_run_feed(),
            name=f"{DOMAIN} log feed of {self.project_id}",
        )

    async def _async_run_feed(self) -> None:
        """Deliver logs until cancelled, or until the credential is rejected."""
        try:
            await self.feed.run()
        except GoliothAuthenticationError:
            # Every request with this key is in vain: the list of devices is not read any more either.
            await self.async_shutdown()
            self.config_entry.async_start_reauth(self.hass)

    @callback
    def _async_handle_log(self, entry: LogEntry, source: LogSource) -> None:
        """Make a log one event on the bus, and one update of its device's entities."""
        golioth_device_id = entry.device_id
        self._listening.async_note_log(golioth_device_id)
        device = self.data.get(golioth_device_id)
        device_name = golioth_device_id if device is None else device.name
        names = (
            len(device_name)
            + len(golioth_device_id)
            + len(entry.timestamp)
            + len(entry.level)
            + len(entry.module)
            + len(entry.type)
        )
        event_entry, truncated = entry.bounded(
            MAX_EVENT_SIZE - _EVENT_OVERHEAD - names * _CHARACTER_SIZE
        )
        self.hass.bus.async_fire(
            EVENT_GOLIOTH_LOG,
            {
                "config_entry_id": self.config_entry.entry_id,
                "project_id": self.project_id,
                ATTR_DEVICE_ID: self._device_ids.get(
                    golioth_device_id, self._project_device_id
                ),
                "golioth_device_id": golioth_device_id,
                "device_name": device_name,
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
        self._async_show_log(entry, source)

    @callback
    def _async_handle_history(self, entry: LogEntry) -> None:
        """Show a log from before the project was set up."""
        self._async_show_log(entry, None)

    @callback
    def _async_show_log(self, entry: LogEntry, source: LogSource | None) -> None:
        """Hand a log to the entities of its device, and keep it for those to come."""
        golioth_device_id = entry.device_id
        listeners = self._log_listeners.get(golioth_device_id)
        if listeners is not None:
            for listener in listeners:
                listener(entry, source)
        if golioth_device_id and (
            listeners is None or golioth_device_id in self._logs_to_show
        ):
            self._async_keep_log(entry, source)

    @callback
    def _async_keep_log(self, entry: LogEntry, source: LogSource | None) -> None:
        """Keep the last log and the last error of a device without entities, and have it looked up if it is not listed."""
        golioth_device_id = entry.device_id
        entry = entry.bounded(MAX_ATTRIBUTES_SIZE)[0]
        kept = self._logs_to_show.setdefault(golioth_device_id, KeptLogs())
        if is_last(entry, source, kept.last and kept.last[0]):
            kept.last = (entry, source)
        if entry.level == "error" and is_last(
            entry, source, kept.last_error and kept.last_error[0]
        ):
            kept.last_error = (entry, source)
        if len(self._logs_to_show) > _MAX_LOGS_TO_SHOW:
            del self._logs_to_show[next(iter(self._logs_to_show))]
        # Never for a log from before the set-up, because the list is younger.
        if (
            source is not None
            and golioth_device_id not in self.data
            and golioth_device_id not in self._looked_up
            and (self._look_up is None or self._look_up.done())
        ):
            self._look_up = self.config_entry.async_create_background_task(
                self.hass,
                self.async_request_refresh(),
                name=f"{DOMAIN} device list of {self.project_id}",
            )

    @callback
    def _async_handle_connection_change(self, reason: GoliothError | None) -> None:
        """Show the connection and the transport, and say so once when it is lost and once when it is back."""
        connected = self.feed.connected
        if connected is self._was_connected:
            _LOGGER.debug(
                "The logs of %s come by %s",
                self.config_entry.title,
                self.feed.transport,
            )
        elif connected:
            _LOGGER.info("Receiving the logs of %s", self.config_entry.title)
        elif not isinstance(reason, GoliothAuthenticationError):
            _LOGGER.info(
                "Not receiving the logs of %s: %s. Trying again",
                self.config_entry.title,
                reason,
            )
        self._was_connected = connected
        for listener in self._connection_listeners:
            listener()

    @callback
    def _async_handle_gap(self, start: int, end: int) -> None:
        """Tell the user which logs are not delivered."""
        async_report_gap(self.hass, self.config_entry, start, end)

    @callback
    def _async_handle_complete(self, transport: Transport, until: float) -> None:
        """Note that every log until a moment ago was delivered."""
        self._listening.async_run(transport, until)

    @callback
    def _async_handle_incomplete(self) -> None:
        """Note that logs may be missing, until they have been fetched."""
        self._listening.async_stop()

    @callback
    def _async_handle_progress(self) -> None:
        """Save soon how far logs have been delivered, and who logged."""
        self._resume_store.async_schedule_save(self._resume_point)
        self._listening.async_schedule_save()

    @callback
    def _async_handle_stop(self, _event: Event) -> None:
        """Save before Home Assistant ends how long devices have logged nothing."""
        self._listening.async_schedule_save()

    @callback
    def _resume_point(self) -> ResumePoint | None:
        return self.feed.resume_point


def is_last(entry: LogEntry, source: LogSource | None, shown: LogEntry | None) -> bool:
    """Whether a log is the last one, as compared with the one that is shown.

    Last is the last to arrive, because the clock of a device can be wrong. What did not arrive by itself, but was fetched, is
    the last one only if it is not older.
    """
    return (
        source is LogSource.STREAM
        or shown is None
        or entry.timestamp_ns is None
        or shown.timestamp_ns is None
        or entry.timestamp_ns >= shown.timestamp_ns
    )


@callback
def _async_add(
    listeners: list[CALLBACK_TYPE], listener: CALLBACK_TYPE
) -> CALLBACK_TYPE:
    """Add a listener to a list, and return what removes it."""
    listeners.append(listener)

    @callback
    def remove_listener() -> None:
        listeners.remove(listener)

    return remove_listener
