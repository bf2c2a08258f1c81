"""Coordinator of a project's devices and logs."""

import asyncio
from collections.abc import Awaitable, Collection
from contextlib import suppress
from datetime import datetime, timedelta
import logging
from time import time_ns
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_API_KEY, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .client import (
    SECOND,
    Credential,
    Device,
    Endpoint,
    FeedTiming,
    GoliothAddressError,
    GoliothAuthenticationError,
    GoliothClient,
    GoliothClosedError,
    GoliothError,
    GoliothNotFoundError,
    GoliothRest,
    HttpWire,
    LogEntry,
    LogSource,
    Project,
    ResumePoint,
    Transport,
    in_slices,
)
from .const import CONF_API_URL, CONF_PROJECT_ID, DOMAIN, EVENT_GOLIOTH_LOG
from .devices import RegisteredDevices
from .issues import async_report_gap, async_report_new_start
from .logs.event_data import MAX_EVENT_SIZE, event_data
from .logs.last_log import DeviceLogs, LogFollower, ShowSchedule
from .logs.levels import ALL_LEVELS, known_level
from .logs.options_filter import OptionsFilter
from .logs.quiet_devices import (
    async_forget_new_project,
    async_is_new_project,
    async_note_new_project,
    async_read_last_logs,
)
from .logs.recent import async_get_recent_logs
from .options import catch_up_window, poll_interval
from .reasons import translated
from .storage.left_out import LeftOutLogs
from .storage.resume_store import ResumeStore
from .storage.silence_clock import async_get_clock
from .triggers.cool_down import async_get_cool_downs

_LOGGER = logging.getLogger(__name__)

DEVICE_LIST_INTERVAL: Final = timedelta(minutes=10)

# Seconds between two look-ups of devices that log before they are listed.
UNKNOWN_DEVICE_COOLDOWN: Final = 60.0

# Devices without entities whose last log waits for these. A service could invent any
# number of them.
_MAX_LOGS_TO_SHOW: Final = 100

# Seconds that the feed may take to close its connection, and a request to end.
_STOP_TIMEOUT: Final = 10.0

type GoliothConfigEntry = ConfigEntry[GoliothCoordinator]

# Keyed by what removes it: in a list, the entities of a large fleet would have to be
# searched.
type Listeners = dict[CALLBACK_TYPE, CALLBACK_TYPE]


class GoliothCoordinator(DataUpdateCoordinator[dict[str, Device]]):
    """Manages the devices and logs of a project.

    Its data are the devices by Golioth's ID. A device that a list lacks stays until the
    next one lacks it as well. Each log becomes one event, and one update of its
    device's entities.

    Attributes:
        project: The project, as Golioth names it.
        feed: The logs of the project.
        history: Reads earlier logs.
        fired: How many logs of each level, and of others, were fired since the project
            was set up.
    """

    config_entry: GoliothConfigEntry
    project: Project
    _registered: RegisteredDevices

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
        self._entry_id = entry.entry_id
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
        self._client = GoliothClient(
            HttpWire(async_get_clientsession(hass)), endpoint, timing=timing
        )
        # Also where the set-up fails, and there is nothing to stop yet.
        entry.async_on_unload(self._client.close)
        self._rest = self._client.rest
        self.history = self._client.history
        self.call_turns = self._client.call_turns
        self._resume_store = ResumeStore(hass, entry.entry_id)
        self._silence_clock = async_get_clock(hass, entry.entry_id)
        self._cool_downs = async_get_cool_downs(hass, entry.entry_id)
        self._recent_logs = async_get_recent_logs(hass, entry.entry_id)
        self._feed_task: asyncio.Task[None] | None = None
        self._cancel_start: CALLBACK_TYPE | None = None
        self._was_connected: bool | None = None
        self.data = {}
        self.fired = dict.fromkeys(ALL_LEVELS, 0)
        self._filter = OptionsFilter.from_options(entry.options)
        self._former_filters: list[tuple[int, OptionsFilter]] = []
        self._left_out = LeftOutLogs(hass, entry.entry_id, self._service_time_ns)
        self._show_schedule = ShowSchedule(hass)
        self._device_logs: dict[str, DeviceLogs] = {}
        self._show_connection: asyncio.Task[None] | None = None
        self._connection_listeners: Listeners = {}
        self._counter_listeners: Listeners = {}
        self._logs_to_show: dict[str, DeviceLogs] = {}
        # The devices in `_logs_to_show` for which the list was read.
        self._looked_up: set[str] = set()
        self._look_up: asyncio.Task[None] | None = None
        self._last_logs: asyncio.Task[None] | None = None

    @property
    def is_new(self) -> bool:
        """Whether devices may need their logs from before set-up."""
        return async_is_new_project(self.hass, self._entry_id)

    @property
    def rest(self) -> GoliothRest:
        """The REST API of the project."""
        return self._rest

    @property
    def muted(self) -> Collection[str]:
        """Golioth's IDs of the muted devices.

        They are disabled in Home Assistant, and their logs left out.
        """
        return self._left_out.muted

    @callback
    def async_start(self) -> None:
        """Deliver logs from when Home Assistant has started.

        Automations are armed only then: a log delivered earlier would reach none of
        them.
        """
        self._cancel_start = async_at_started(self.hass, self._async_start_feed)
        # Home Assistant does not unload entries when it stops.
        self.config_entry.async_on_unload(
            self.hass.bus.async_listen(
                EVENT_HOMEASSISTANT_STOP, self._async_handle_stop
            )
        )

    async def async_stop(self) -> None:
        """Stop delivery, save its progress, and end all requests.

        When it returns, no request of any caller is under way.
        """
        if self._cancel_start is not None:
            self._cancel_start()
        if self._feed_task is not None:
            self._feed_task.cancel()
            await asyncio.wait([self._feed_task], timeout=_STOP_TIMEOUT)
        self._client.close()
        self._async_flush()
        self._silence_clock.async_stop()
        await self._resume_store.async_close(self._resume_point)
        await self._silence_clock.async_save()
        await self._cool_downs.async_save()
        await self._left_out.async_save()
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_TIMEOUT):
                await self._client.wait_closed()

    @callback
    def async_follow_logs(
        self, golioth_device_id: str, follower: LogFollower
    ) -> tuple[DeviceLogs, CALLBACK_TYPE]:
        """Show the logs of a device with a follower.

        Returns:
            The logs of the device, and a function that ends this.
        """
        logs = self._device_logs.get(golioth_device_id)
        if logs is None:
            # The entities show what the device logged before they were added.
            logs = self._logs_to_show.pop(golioth_device_id, None) or DeviceLogs(
                self._show_schedule
            )
            self._device_logs[golioth_device_id] = logs
        logs.async_add_follower(follower)

        @callback
        def end() -> None:
            logs.async_remove_follower(follower)
            if not logs.is_followed:
                self._device_logs.pop(golioth_device_id, None)

        return logs, end

    @callback
    def async_add_connection_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Add a listener to changes of the connection or transport.

        The returned function removes it.
        """
        return _async_add(self._connection_listeners, listener)

    @callback
    def async_add_counter_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Add a listener that shows the counters.

        The returned function removes it.
        """
        return _async_add(self._counter_listeners, listener)

    @callback
    def async_show_counters(self, _now: datetime | None = None) -> None:
        """Show the counters."""
        for listener in self._counter_listeners.values():
            listener()

    @callback
    def async_forget_device(self, device: dr.AnyDeviceEntry) -> bool:
        """Forget a device that is deleted by hand.

        Returns:
            Whether it may be deleted.
        """
        if not (golioth_device_ids := self._registered.async_forget(device)):
            return False
        self.data = {
            each: known
            for each, known in self.data.items()
            if each not in golioth_device_ids
        }
        # If it comes back, it is new to the platforms as well.
        self.async_update_listeners()
        return True

    @override
    async def _async_setup(self) -> None:
        """Read the project, and prepare the feed.

        The project's device is registered before anything refers to it.
        """
        self.project = await self._async_call(self._rest.project())
        await self._left_out.async_load(
            self.config_entry.options, self.config_entry.modified_at
        )
        self._former_filters = [
            (until_ns, OptionsFilter(options))
            for until_ns, options in self._left_out.former
        ]
        self._registered = RegisteredDevices(
            self.hass, self.config_entry, self.project, self._left_out
        )
        await self._cool_downs.async_load()
        is_readable = await self._silence_clock.async_load()
        resume_point = await self._resume_store.async_load()
        if resume_point is None:
            async_note_new_project(self.hass, self._entry_id)
        if not is_readable or self._resume_store.is_unreadable:
            await async_report_new_start(self.hass, self.config_entry)
        self.feed = self._client.feed(
            self,
            resume_point=resume_point,
            poll_interval=poll_interval(self.config_entry),
            catch_up_window=catch_up_window(self.config_entry) * 3600,
            device_ids=lambda: self.data,
        )

    @override
    async def _async_update_data(self) -> dict[str, Device]:
        """Read the list of devices, and update the registry.

        Each device is registered before a log of it is fired.
        """
        looked_up = set(self._logs_to_show)
        listed = await self._async_call(self._rest.devices())
        self._looked_up = looked_up
        devices = await self._registered.async_update(listed, self.data)
        self._silence_clock.async_note_devices(devices)
        return devices

    async def _async_call[T](self, call: Awaitable[T]) -> T:
        """Await a request; raise what Home Assistant understands."""
        try:
            return await call
        except GoliothClosedError as err:
            # This is no failure, and deserves no line in the log.
            raise asyncio.CancelledError from err
        except GoliothAuthenticationError as err:
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN, translation_key="invalid_auth"
            ) from err
        except GoliothNotFoundError as err:
            raise UpdateFailed(
                translation_domain=DOMAIN, translation_key="project_not_found"
            ) from err
        except GoliothError as err:
            raise translated(UpdateFailed, err) from err

    @callback
    def _async_start_feed(self, _hass: HomeAssistant) -> None:
        self._feed_task = self.config_entry.async_create_background_task(
            self.hass,
            self._async_run_feed(),
            name=f"{DOMAIN} log feed of {self.project_id}",
        )

    async def _async_run_feed(self) -> None:
        """Deliver logs until cancelled, or the credential is rejected."""
        try:
            await self.feed.run()
        except GoliothAuthenticationError:
            # Devices are not silent because delivery has ended.
            self._silence_clock.async_stop()
            # Every request with this key would fail: the list of devices is no longer
            # read either.
            await self.async_shutdown()
            self.config_entry.async_start_reauth(self.hass)

    def log_data(
        self, entry: LogEntry, max_size: int, source: str | None = None
    ) -> dict[str, Any]:
        """Return the event data of a log.

        Args:
            entry: The log.
            max_size: Bytes of JSON that the data take at most, unless its names take
                more.
            source: How it arrived; None for one that a user has searched for.
        """
        golioth_device_id = entry.device_id
        device = self.data.get(golioth_device_id)
        return event_data(
            entry,
            max_size,
            source,
            config_entry_id=self._entry_id,
            project_id=self.project_id,
            device_id=self._registered.get(golioth_device_id),
            device_name=None if device is None else device.name,
        )

    @callback
    def on_log(self, entry: LogEntry, source: LogSource) -> None:
        """Fire a log's event, and update its device's entities."""
        # Hot path: runs once per log.
        golioth_device_id = entry.device_id
        # A device whose logs are left out is not silent.
        self._silence_clock.async_note_log(golioth_device_id)
        if (
            golioth_device_id in self._left_out.muted
            or (self._filter is not None and not self._filter.passes(entry))
            or (source is not LogSource.STREAM and self._was_left_out(entry))
        ):
            return
        self.fired[known_level(entry.level)] += 1
        log = self.log_data(entry, MAX_EVENT_SIZE, str(source))
        self.hass.bus.async_fire(EVENT_GOLIOTH_LOG, log)
        self._recent_logs.async_add(log)
        self._async_show_log(entry, source)

    @callback
    def on_history(self, entry: LogEntry) -> None:
        """Show a log from before the project was set up."""
        if (
            entry.device_id not in self._left_out.muted
            and (self._filter is None or self._filter.passes(entry))
            and not self._was_left_out(entry)
        ):
            self._async_show_log(entry, None)

    def _was_left_out(self, entry: LogEntry) -> bool:
        """Return whether a late log was left out when sent."""
        sent_ns = entry.timestamp_ns
        if sent_ns is None:
            return False
        if sent_ns < self._left_out.enabled_at.get(entry.device_id, sent_ns):
            return True
        for until_ns, former in self._former_filters:
            if sent_ns < until_ns:
                return not former.passes(entry)
        return False

    def _service_time_ns(self) -> int:
        """Return the service's time.

        Its answers have whole seconds only.
        """
        now_ns = time_ns()
        if (server_ns := self.rest.server_time_ns) is None:
            return now_ns
        # A correct clock of the host has the fraction.
        return min(max(now_ns, server_ns), server_ns + SECOND)

    @callback
    def _async_show_log(self, entry: LogEntry, source: LogSource | None) -> None:
        """Show a log with the entities of its device.

        Where there are none yet, the log waits for them.
        """
        golioth_device_id = entry.device_id
        device_logs = self._device_logs.get(golioth_device_id)
        if device_logs is None:
            if not golioth_device_id:
                return
            device_logs = self._async_waiting_logs(golioth_device_id, source)
        device_logs.async_handle_log(entry, source, self.feed.connected)

    @callback
    def _async_waiting_logs(
        self, golioth_device_id: str, source: LogSource | None
    ) -> DeviceLogs:
        """Return the logs of a device without entities.

        If it is not listed, it is looked up.
        """
        waiting = self._logs_to_show.get(golioth_device_id)
        if waiting is None:
            waiting = self._logs_to_show[golioth_device_id] = DeviceLogs(
                self._show_schedule
            )
            if len(self._logs_to_show) > _MAX_LOGS_TO_SHOW:
                del self._logs_to_show[next(iter(self._logs_to_show))]
        # Not for a log from before the set-up: the list is newer.
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
        return waiting

    @callback
    def on_connection_change(self, reason: GoliothError | None) -> None:
        """Show the connection and the transport.

        That the connection is lost or back is logged once each.
        """
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
        for listener in self._connection_listeners.values():
            listener()
        if self._show_connection is not None:
            self._show_connection.cancel()
        self._show_connection = self.config_entry.async_create_background_task(
            self.hass,
            self._async_show_connection(),
            name=f"{DOMAIN} connection of {self.project_id}",
        )

    async def _async_show_connection(self) -> None:
        """Show the connection with the entities of all devices.

        It yields to the event loop, as there may be thousands.
        """
        async for device_logs in in_slices(list(self._device_logs.values())):
            device_logs.async_handle_connection(self.feed.connected)

    @callback
    def _async_flush(self) -> None:
        """Show everything that waits."""
        self._show_schedule.async_flush()
        self.async_show_counters()

    @callback
    def on_gap(self, start_ns: int, end_ns: int) -> None:
        """Report which logs are not delivered."""
        now_ns = self.rest.server_time_ns or time_ns()
        async_report_gap(self.hass, self.config_entry, start_ns, end_ns, now_ns)

    @callback
    def on_complete(self, transport: Transport, until: float) -> None:
        """Note that every log until recently was delivered."""
        self._silence_clock.async_run(transport, until)
        if self._last_logs is None and (self.is_new or self._async_without_error()):
            self._last_logs = self.config_entry.async_create_background_task(
                self.hass,
                self._async_read_last_logs(),
                name=f"{DOMAIN} last logs of {self.project_id}",
            )

    async def _async_read_last_logs(self) -> None:
        """Read the last log and error of devices without one.

        The newest logs of the project may have none of these devices.
        """
        now_ns = self.rest.server_time_ns or time_ns()
        try:
            if self.is_new:
                await async_read_last_logs(
                    self.history, now_ns, self._async_quiet_devices, self.on_history
                )
            # Also for an entity that was enabled since.
            await async_read_last_logs(
                self.history,
                now_ns,
                self._async_without_error,
                self.on_history,
                ("error",),
            )
        except GoliothError:
            # This is tried again when the project is loaded again.
            return
        async_forget_new_project(self.hass, self._entry_id)

    @callback
    def _async_quiet_devices(self) -> list[str]:
        """Return Golioth's IDs of devices without a log to show.

        They have entities.
        """
        return [
            golioth_device_id
            for golioth_device_id, logs in self._device_logs.items()
            if logs.last.shown is None
        ]

    @callback
    def _async_without_error(self) -> list[str]:
        """Return Golioth's IDs of devices without an error to show.

        They have an entity for it.
        """
        return [
            golioth_device_id
            for golioth_device_id, logs in self._device_logs.items()
            if logs.shows_error and logs.last_error.shown is None
        ]

    @callback
    def on_incomplete(self) -> None:
        """Note that logs may be missing, until they are fetched."""
        self._silence_clock.async_stop()

    @callback
    def on_progress(self) -> None:
        """Save soon how far logs are delivered, and who logged.

        When Home Assistant stops, a save is under way already.
        """
        if self.hass.is_running:
            self._async_schedule_save()

    @callback
    def _async_schedule_save(self) -> None:
        self._resume_store.async_schedule_save(self._resume_point)
        self._silence_clock.async_schedule_save()

    @callback
    def _async_handle_stop(self, _event: Event) -> None:
        """Show everything that waits, and save all progress.

        That includes progress that the feed has not reported yet, and the silences of
        devices.
        """
        self._async_flush()
        self._async_schedule_save()

    @callback
    def _resume_point(self) -> ResumePoint | None:
        return self.feed.resume_point


@callback
def _async_add(listeners: Listeners, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
    """Add a listener; return a function that removes it."""

    @callback
    def remove_listener() -> None:
        del listeners[remove_listener]

    listeners[remove_listener] = listener
    return remove_listener
