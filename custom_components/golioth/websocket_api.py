"""Commands of a browser that shows logs: those of now, and those that were."""

from collections.abc import Callable
from typing import Any, Final

import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import CAT_ENTITIES, POLICY_READ
from homeassistant.components import websocket_api
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import device_registry as dr, entity_registry as er, service

from .client.history import LogFilter
from .client.models import LEVELS, format_timestamp
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
    entry = _async_find_entry(hass, connection, msg)
    if entry is None:
        return
    _async_check_permission(hass, connection, msg)
    is_wanted = _device_filter(hass, connection.user, msg["device_ids"])

    @callback
    def tell(event: dict[str, Any]) -> None:
        connection.send_event(msg["id"], event)

    connection.send_result(msg["id"])
    connection.subscriptions[msg["id"]] = async_get_recent_logs(
        hass, entry.entry_id
    ).async_subscribe(tell, is_wanted)


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
    entry = _async_find_entry(hass, connection, msg)
    if entry is None:
        return
    devices = _async_check_permission(hass, connection, msg)
    entry = service.async_get_config_entry(hass, DOMAIN, entry.entry_id)
    coordinator = entry.runtime_data
    is_restricted = msg["device_ids"] or not connection.user.is_admin
    page = await async_read_page(
        hass,
        entry,
        msg["before"],
        msg["limit"],
        LogFilter(
            device_id=(
                golioth_id(devices[0], entry)
                if is_restricted and len(devices) == 1
                else None
            ),
            levels=tuple(dict.fromkeys(msg["levels"])),
            module=msg["module"] or None,
            term=msg["search"] or None,
        ),
    )
    is_wanted = _device_filter(hass, connection.user, msg["device_ids"])
    wanted: dict[str, bool] = {}
    # As long as those of an event, so that a log that has been told is recognised.
    max_size = min(MAX_EVENT_SIZE, MAX_ANSWER_SIZE // max(len(page.entries), 1))
    logs: list[dict[str, Any]] = []
    async for log_entry in in_turns(page.entries):
        log = coordinator.log_data(log_entry, max_size)
        device_id = log[ATTR_DEVICE_ID]
        if device_id not in wanted:
            wanted[device_id] = is_wanted(device_id)
        if wanted[device_id]:
            logs.append({**log, "source": None})
    connection.send_result(
        msg["id"],
        {
            "logs": logs,
            "start": format_timestamp(page.start_ns),
            "more": page.has_more,
            "complete": page.is_complete,
        },
    )


@callback
def _async_find_entry(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    msg: dict[str, Any],
) -> GoliothConfigEntry | None:
    """Return the project that a command is about; where there is none, that is answered."""
    entry = hass.config_entries.async_get_entry(msg["config_entry_id"])
    if entry is None or entry.domain != DOMAIN:
        connection.send_error(
            msg["id"], websocket_api.ERR_NOT_FOUND, "There is no such project"
        )
        return None
    return entry


@callback
def _async_check_permission(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    msg: dict[str, Any],
) -> list[dr.DeviceEntry]:
    """Return the devices whose logs are asked for, and that the user may read.

    Raises:
        Unauthorized: The user may read none of them.
    """
    is_wanted = _device_filter(hass, connection.user, msg["device_ids"])
    devices = [
        device
        for device in dr.async_entries_for_config_entry(
            dr.async_get(hass), msg["config_entry_id"]
        )
        if is_wanted(device.id)
    ]
    if not devices and not connection.user.is_admin:
        raise Unauthorized(
            context=connection.context(msg),
            permission=POLICY_READ,
            perm_category=CAT_ENTITIES,
        )
    return devices


def _device_filter(
    hass: HomeAssistant, user: User, device_ids: list[str]
) -> DeviceFilter:
    """Return what tells whether the logs of a device are asked for, where no device is all of them, and may be read."""
    entity_registry = er.async_get(hass)

    @callback
    def is_wanted(device_id: str) -> bool:
        return (not device_ids or device_id in device_ids) and is_permitted(
            user, async_get_entities(entity_registry, device_id), POLICY_READ
        )

    return is_wanted
