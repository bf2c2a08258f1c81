"""Triggers on logs of devices, and of whole projects."""

from typing import Final, cast, override

import voluptuous as vol

from homeassistant.const import CONF_OPTIONS, CONF_TARGET
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.trigger import (
    Trigger,
    TriggerAction,
    TriggerActionPayloadBuilder,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType

from ..client import one_line
from ..const import CONF_PROJECT_ID
from ..limits import ID
from ..storage.removed_projects import async_get_removed_projects
from .cool_down import TriggerCoolDowns
from .dispatcher import EVERY_DEVICE, LogEventListener, async_listen_to_logs
from .log_options import CONF_COOL_DOWN, LogMatcher, async_check_metadata, filter_schema
from .targets import TARGET_SCHEMA, TargetDevices

CONF_CONFIG_ENTRY_ID: Final = "config_entry_id"

_LOG_RECEIVED_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_TARGET): TARGET_SCHEMA,
        vol.Optional(CONF_OPTIONS, default=dict): filter_schema({}),
    }
)
_PROJECT_LOG_RECEIVED_SCHEMA: Final = vol.Schema(
    {
        vol.Optional(CONF_OPTIONS, default=dict): filter_schema(
            {vol.Optional(CONF_CONFIG_ENTRY_ID): vol.All(ID, vol.Length(min=1))}
        ),
    }
)


class LogTrigger(Trigger):
    """Triggers on each log that its options match."""

    _schema: vol.Schema

    @override
    @classmethod
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Validate the target and the options.

        They do not depend on a project that is set up.
        """
        await async_check_metadata(hass, config.get(CONF_OPTIONS))
        return cast(ConfigType, cls._schema(config))

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Prepare the filter."""
        super().__init__(hass, config)
        self._config = config
        self._options = config.options or {}
        self._filter = LogMatcher(self._options)
        self._owner = ""

    @override
    async def async_attach_action(
        self,
        action: TriggerAction,
        action_payload_builder: TriggerActionPayloadBuilder,
        *,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Run the action for each matching log, for its automation."""
        owner = getattr(action, "__self__", None)
        if isinstance(owner, Entity):
            self._owner = str(owner.unique_id or owner.entity_id)
        return await super().async_attach_action(
            action, action_payload_builder, did_not_trigger=did_not_trigger
        )

    def _is_wanted(self, event: Event) -> bool:
        """Return whether the trigger fires for a log."""
        return self._filter.matches(event.data)

    def _listener(self, run_action: TriggerActionRunner) -> LogEventListener:
        """Return a listener that runs the action for matching logs.

        The action starts before the listener returns.
        """
        cool_downs = None
        if duration := self._options.get(CONF_COOL_DOWN):
            cool_downs = TriggerCoolDowns(
                self._hass, self._owner, self._config, duration
            )

        @callback
        def async_handle_log(event: Event) -> None:
            if self._is_wanted(event) and (
                cool_downs is None or cool_downs.async_begin(event.data)
            ):
                run_action(
                    dict(event.data),
                    # Home Assistant logs this text.
                    f"log of {one_line(event.data['device_name'])}",
                    event.context,
                )

        return async_handle_log


class LogReceivedTrigger(LogTrigger):
    """Triggers on logs of the devices of its target."""

    _schema = _LOG_RECEIVED_SCHEMA

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Take the target."""
        super().__init__(hass, config)
        assert config.target is not None
        self._target = config.target

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Run the action for each matching log.

        The returned function ends this.
        """
        listener = self._listener(run_action)
        remove_listener: CALLBACK_TYPE | None = None

        @callback
        def async_follow_devices() -> None:
            nonlocal remove_listener
            if remove_listener is not None:
                remove_listener()
            remove_listener = async_listen_to_logs(
                self._hass, devices.device_ids, listener
            )

        devices = TargetDevices(self._hass, self._target, async_follow_devices)
        devices.async_start()

        @callback
        def async_detach() -> None:
            devices.async_stop()
            if remove_listener is not None:
                remove_listener()

        return async_detach


class ProjectLogReceivedTrigger(LogTrigger):
    """Triggers on logs of one project, or of all projects."""

    _schema = _PROJECT_LOG_RECEIVED_SCHEMA

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Take the project."""
        super().__init__(hass, config)
        self._removed_projects = async_get_removed_projects(hass)

    @override
    def _is_wanted(self, event: Event) -> bool:
        """Return whether a log is of the project, and matches."""
        config_entry_id = self._options.get(CONF_CONFIG_ENTRY_ID)
        return (
            config_entry_id is None
            or event.data[CONF_CONFIG_ENTRY_ID] == config_entry_id
            # The project may have been removed and added again.
            or event.data[CONF_PROJECT_ID]
            == self._removed_projects.async_project_id(config_entry_id)
        ) and super()._is_wanted(event)

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Run the action for each matching log.

        The returned function ends this.
        """
        return async_listen_to_logs(
            self._hass, (EVERY_DEVICE,), self._listener(run_action)
        )
