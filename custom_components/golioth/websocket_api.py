"""Commands of a browser that shows logs: those of now, and those that were."""

from collections.abc import Callable
from itertools import islice
from typing import Any, Final, NamedTuple

import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_READ
from homeassistant.components import websocket_api
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er, service

from .client import LEVELS, LogFilter, format_timestamp
from .const import DOMAIN
from .coordinator import MAX_EVENT_SIZE, GoliothConfigEntry
from .devices import async_get_entities, golioth_id
from .past_logs import async_read_page, moment
from .permissions import is_permitted
from .recent_logs import async_get_recent_logs
from .turns import in_turns

# The logs of one answer.
MAX_PAGE: Final = 200

# In bytes of JSON.
MAX_ANSWER_SIZE: Final = 8 * 1024 * 1024

type DeviceFilter = Callable[[str], bool]


@callback
def async_setup_websocket_api(hass: HomeAssistant) -> None:
    """Register the commands."""
    websocket_api.async_register_command(hass, _async_subscribe)
    websocket_api.async_register_command(hass, _async_get_history)


@websocket_api.websocket_command(
    {
        vol.Required("type"): "golioth/logs/subscribe",
        vol.Required("config_entry_id"): str,
        vol.Optional("device_ids", default=[]): [str],
    }
)
@callback
def _async_subscribe(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    msg: dict[str, Any],
) -> None:
    """Tell the recent logs of a project, and then each one, until the browser goes or does not want them any more."""
    request = _async_check(hass, connection, msg)
    if request is None:
        return

    @callback
    def tell(event: dict[str, Any]) -> None:
        connection.send_event(msg["id"], event)

    connection.send_result(msg["id"])
    connection.subscriptions[msg["id"]] = async_get_recent_logs(
        hass, request.entry.entry_id
    ).async_subscribe(tell, request.is_wanted)


@websocket_api.websocket_command(
    {
        vol.Required("type"): "golioth/logs/history",
        vol.Required("config_entry_id"): str,
        vol.Optional("device_ids", default=[]): [str],
        vol.Optional("levels", default=[]): [vol.In(LEVELS)],
        vol.Optional("module", default=""): str,
        vol.Optional("search", default=""): str,
        vol.Required("before"): moment,
        vol.Optional("limit", default=MAX_PAGE): vol.All(
            int, vol.Range(min=1, max=MAX_PAGE)
        ),
    }
)
@websocket_api.async_response
async def _async_get_history(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    msg: dict[str, Any],
) -> None:
    """Answer with the newest logs until a time."""
    request = _async_check(hass, connection, msg)
    if request is None:
        return
    try:
        entry: GoliothConfigEntry = service.async_get_config_entry(
            hass, DOMAIN, request.entry.entry_id
        )
        # The entry has none, once it is unloaded meanwhile.
        coordinator = entry.runtime_data
        page = await async_read_page(
            hass,
            entry,
            msg["before"],
            msg["limit"],
            LogFilter(
                device_id=request.golioth_device_id,
                levels=tuple(dict.fromkeys(msg["levels"])),
                module=msg["module"] or None,
                term=msg["search"] or None,
            ),
        )
    except HomeAssistantError as err:
        # Raised, it would be an error in the log, each time that a browser looks for earlier logs in vain.
        connection.send_error(
            msg["id"],
            websocket_api.ERR_HOME_ASSISTANT_ERROR,
            str(err),
            translation_domain=err.translation_domain,
            translation_key=err.translation_key,
            translation_placeholders=err.translation_placeholders,
        )
        return
    wanted: dict[str, bool] = {}
    # As long as those of an event, so that a log that has been told is recognised.
    max_size = min(MAX_EVENT_SIZE, MAX_ANSWER_SIZE // max(len(page.entries), 1))
    logs: list[dict[str, Any]] = []
    async for log_entry in in_turns(page.entries):
        log = coordinator.log_data(log_entry, max_size)
        device_id = log[ATTR_DEVICE_ID]
        if device_id not in wanted:
            wanted[device_id] = request.is_wanted(device_id)
        if wanted[device_id]:
            logs.append(log)
    connection.send_result(
        msg["id"],
        {
            "logs": logs,
            "start": format_timestamp(page.start_ns),
            "more": page.has_more,
            "complete": page.has_all,
        },
    )


class _Request(NamedTuple):
    """What a command asks for."""

    entry: GoliothConfigEntry
    is_wanted: DeviceFilter
    golioth_device_id: str | None
    """Of the only device; None where there are several, or it is the project."""


@callback
def _async_check(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    msg: dict[str, Any],
) -> _Request | None:
    """Return what a command asks for. Where there is no such thing, or the user may read nothing of it, that is answered."""
    entry = hass.config_entries.async_get_entry(msg["config_entry_id"])
    if entry is None or entry.domain != DOMAIN:
        connection.send_error(
            msg["id"], websocket_api.ERR_NOT_FOUND, "There is no such project"
        )
        return None
    user = connection.user
    is_wanted = _device_filter(hass, user, msg["device_ids"])
    if user.is_admin and not msg["device_ids"]:
        return _Request(entry, is_wanted, None)
    found = (
        device
        for device in dr.async_entries_for_config_entry(
            dr.async_get(hass), entry.entry_id
        )
        if is_wanted(device.id)
    )
    # More need not be known: a fleet may be large.
    first_two = list(islice(found, 2))
    if not first_two and not user.is_admin:
        # Raised, it would be an error in the log, each time that such a user looks at a dashboard.
        connection.send_error(
            msg["id"],
            websocket_api.ERR_UNAUTHORIZED,
            "The user may not read these logs",
        )
        return None
    if not first_two:
        connection.send_error(
            msg["id"],
            websocket_api.ERR_NOT_FOUND,
            "The project has none of these devices",
        )
        return None
    return _Request(
        entry,
        is_wanted,
        golioth_id(first_two[0], entry) if len(first_two) == 1 else None,
    )


def _device_filter(
    hass: HomeAssistant, user: User, device_ids: list[str]
) -> DeviceFilter:
    """Return what tells whether the logs of a device are asked for, where no device means all, and may be read."""
    entity_registry = er.async_get(hass)
    asked_for = frozenset(device_ids)

    @callback
    def is_wanted(device_id: str) -> bool:
        # For an administrator, the entities of a large fleet need not be looked at.
        return (not asked_for or device_id in asked_for) and (
            user.is_admin
            or is_permitted(
                user, async_get_entities(entity_registry, device_id), POLICY_READ
            )
        )

    return is_wanted
