"""The trigger on devices that log nothing for some time."""

from datetime import datetime, timedelta
import logging
import math
from typing import Final, cast, override

import voluptuous as vol

from homeassistant.const import ATTR_DEVICE_ID, CONF_FOR, CONF_OPTIONS, CONF_TARGET
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.trigger import (
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType

from ..client import log_unexpected
from ..const import CONF_PROJECT_ID, DOMAIN
from ..limits import LONGEST_PERIOD, time_period
from ..storage.silence_clock import SilenceClock, async_get_clock
from .targets import TARGET_SCHEMA, TargetDevices

_LOGGER = logging.getLogger(__name__)

# Least seconds between two checks of the devices, or least part of the trigger's time,
# whichever is less.
_SHORTEST_WAIT: Final = 1.0
_SHORTEST_WAIT_PART: Final = 0.05

_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_TARGET): TARGET_SCHEMA,
        vol.Required(CONF_OPTIONS): {
            vol.Required(CONF_FOR): vol.All(
                time_period,
                vol.Range(min=timedelta(0), min_included=False, max=LONGEST_PERIOD),
            ),
        },
    }
)


class DeviceWentSilentTrigger(Trigger):
    """Triggers when a device has logged nothing for some time.

    The time runs from the device's last log, or for a device that never logged from
    when the trigger was attached. It stops while logs of the project may be missing.

    Each silence is reported once: not again when the automation is reloaded or Home
    Assistant restarts, if at least the same time has been reported to this or another
    automation before. A device that has never logged is the exception: its time starts
    anew.
    """

    _target: ConfigType
    _duration: timedelta

    @override
    @classmethod
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Validate the target and the time."""
        return cast(ConfigType, _SCHEMA(config))

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Prepare, without a timer."""
        super().__init__(hass, config)
        assert config.target is not None
        assert config.options is not None
        self._target = config.target
        self._duration = config.options[CONF_FOR]

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Run the action for each silence.

        The returned function ends this.
        """
        watch = _Watch(self._hass, self._target, self._duration, run_action)
        watch.async_start()
        return watch.async_stop


class _WatchedDevice:
    """Tracks the silences of a device for one trigger."""

    def __init__(
        self, clock: SilenceClock, golioth_device_id: str, duration: float
    ) -> None:
        """Count from now, if the device never logged.

        Args:
            clock: The clock of its project.
            golioth_device_id: Golioth's ID of the device.
            duration: The seconds after which a silence is reported.
        """
        self.clock = clock
        self.golioth_device_id = golioth_device_id
        self._duration = duration
        self._watched_since = clock.now
        self._is_prepared = False
        # When the silence began that was reported last.
        self._reported_start: float | None = None

    @property
    def wait(self) -> float:
        """The seconds until there may be a silence to report.

        0 or less where there is one now; infinity where only a change of the clock can
        show it.
        """
        if not self.clock.is_running:
            return math.inf
        if self._reported_start == self._start:
            # It may log any moment, and be silent from then on.
            wait = self._duration
        else:
            wait = self._start + self._duration - self.clock.confirmed
        return wait if wait <= 0 or self.clock.is_streaming else math.inf

    @callback
    def async_prepare(self) -> None:
        """Skip a silence that was reported before.

        Does nothing until the clock's file is loaded, which shows that.
        """
        if self.clock.is_loaded and not self._is_prepared:
            self._is_prepared = True
            if self.clock.reported(self.golioth_device_id) >= self._duration:
                self._reported_start = self._start

    @callback
    def async_note_reported(self) -> None:
        """Record that its present silence is reported."""
        self._reported_start = self._start
        self.clock.async_note_reported(self.golioth_device_id, self._duration)

    @property
    def _start(self) -> float:
        """When its present silence began, on the clock."""
        last_log = self.clock.last_log(self.golioth_device_id)
        return self._watched_since if last_log is None else last_log


class _Watch:
    """Watches the devices of a target with one timer.

    Nothing runs for a log.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        target: ConfigType,
        duration: timedelta,
        run_action: TriggerActionRunner,
    ) -> None:
        """Prepare, without a timer."""
        self._hass = hass
        self._duration = duration
        self._seconds = duration.total_seconds()
        self._shortest_wait = min(_SHORTEST_WAIT, self._seconds * _SHORTEST_WAIT_PART)
        self._run_action = run_action
        self._target_devices = TargetDevices(hass, target, self._async_update)
        self._devices: dict[str, _WatchedDevice] = {}
        self._clock_listeners: dict[SilenceClock, CALLBACK_TYPE] = {}
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._check_job = HassJob(
            self._async_check_at, f"{DOMAIN} silence", cancel_on_shutdown=True
        )

    @callback
    def async_start(self) -> None:
        """Watch until `async_stop`."""
        self._target_devices.async_start()

    @callback
    def async_stop(self) -> None:
        """Stop watching."""
        self._target_devices.async_stop()
        self._devices.clear()
        self._async_follow_clocks()
        self._async_check()

    @callback
    def _async_update(self) -> None:
        """Watch the devices of the target as it is now.

        Devices that it had before keep their state.
        """
        device_registry = dr.async_get(self._hass)
        devices = {}
        for device_id in self._target_devices.device_ids:
            device = self._devices.get(device_id)
            if device is None:
                device = self._async_watched_device(
                    device_registry.async_get(device_id, include_child_devices=False)
                )
            if device is not None:
                devices[device_id] = device
        self._devices = devices
        self._async_follow_clocks()
        self._async_check()

    @callback
    def _async_watched_device(
        self, device: dr.DeviceEntry | None
    ) -> _WatchedDevice | None:
        """Return a tracker of a device's silences.

        None for the device of the project, which does not log.
        """
        if device is None or (DOMAIN, device.config_entry_id) in device.identifiers:
            return None
        for domain, golioth_device_id in device.identifiers:
            if domain == DOMAIN:
                clock = async_get_clock(self._hass, device.config_entry_id)
                return _WatchedDevice(clock, golioth_device_id, self._seconds)
        return None

    @callback
    def _async_follow_clocks(self) -> None:
        """Follow the clocks of the watched devices only."""
        clocks = {device.clock for device in self._devices.values()}
        for clock in self._clock_listeners.keys() - clocks:
            self._clock_listeners.pop(clock)()
        for clock in clocks - self._clock_listeners.keys():
            self._clock_listeners[clock] = clock.async_add_listener(self._async_check)

    @callback
    def _async_check_at(self, _now: datetime) -> None:
        self._async_check()

    @callback
    def _async_check(self) -> None:
        """Report silent devices, and schedule the next check."""
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None
        for device in self._devices.values():
            device.async_prepare()
        if not self._hass.is_running:
            # A report while Home Assistant stops might reach no automation.
            return
        silent = [each for each in self._devices.items() if each[1].wait <= 0]
        for _device_id, device in silent:
            device.async_note_reported()
        next_wait = min(
            (each.wait for each in self._devices.values()), default=math.inf
        )
        if next_wait < math.inf:
            self._cancel_timer = async_call_later(
                self._hass, max(next_wait, self._shortest_wait), self._check_job
            )
        # At the end, because an automation may switch itself off, or fail.
        for device_id, device in silent:
            try:
                self._async_report(device_id, device)
            except Exception as err:  # noqa: BLE001
                log_unexpected(_LOGGER, "A trigger failed with a silent device", err)

    @callback
    def _async_report(self, device_id: str, device: _WatchedDevice) -> None:
        """Run the action for a silence."""
        entry = dr.async_get(self._hass).async_get(device_id)
        if entry is None:
            return
        config_entry = self._hass.config_entries.async_get_entry(entry.config_entry_id)
        if config_entry is None:
            return
        self._run_action(
            {
                "config_entry_id": config_entry.entry_id,
                "project_id": config_entry.data[CONF_PROJECT_ID],
                ATTR_DEVICE_ID: device_id,
                "golioth_device_id": device.golioth_device_id,
                "device_name": entry.name,
                CONF_FOR: self._duration,
            },
            f"no log from {entry.name} for {self._duration}",
        )
