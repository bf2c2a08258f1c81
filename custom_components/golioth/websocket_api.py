"""WebSocket commands for recent and earlier logs."""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple

import voluptuous as vol

from homeassistant.components import websocket_api
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import service
from homeassistant.helpers.http import current_request
from homeassistant.helpers.json import json_fragment
from homeassistant.util.hass_dict import HassKey

from .client import LEVELS, LogFilter, format_timestamp
from .const import DOMAIN
from .coordinator import GoliothConfigEntry
from .devices import async_is_muted, golioth_id
from .limits import (
    MAX_DEVICES,
    MAX_ID_LENGTH,
    MAX_ITEMS,
    MAX_NAME_LENGTH,
    MAX_SEARCH_LENGTH,
)
from .logs.history import async_answer_data, async_read_page, moment
from .logs.recent import async_get_recent_logs, log_json
from .permissions import LogPermission, async_get_log_permission
from .storage.removed_projects import async_find_entry

# Logs of one answer.
MAX_PAGE: Final = 200

# In bytes of JSON.
MAX_ANSWER_SIZE: Final = 8 * 1024 * 1024

# Simultaneous subscriptions: of one connection, and of all connections of a user. A
# dozen cards in a few windows need less.
MAX_SUBSCRIPTIONS: Final = 20
MAX_SUBSCRIPTIONS_OF_USER: Final = 100

ERR_TOO_MANY: Final = "too_many"

# Bytes that wait to be sent to a browser, above which the next piece is held back: up
# to there, asyncio lets Home Assistant go on writing, so that nothing of ours is left
# in its queue.
_MAX_UNSENT: Final = 16 * 1024

_OPEN: HassKey[Counter[Hashable]] = HassKey(f"{DOMAIN}_open_subscriptions")
_READING: HassKey[set[websocket_api.ActiveConnection]] = HassKey(f"{DOMAIN}_reading")

_ID: Final = vol.All(str, vol.Length(max=MAX_ID_LENGTH))
# The length first: an error lists every wrong item.
_DEVICE_IDS: Final = vol.All(list, vol.Length(max=MAX_DEVICES), [_ID])

type DeviceFilter = Callable[[str], bool]


@callback
def async_setup_websocket_api(hass: HomeAssistant) -> None:
    """Register the commands."""
    websocket_api.async_register_command(hass, _async_subscribe)
    websocket_api.async_register_command(hass, _async_get_history)


@websocket_api.websocket_command(
    {
        vol.Required("type"): "golioth/logs/subscribe",
        vol.Required("config_entry_id"): _ID,
        vol.Optional("device_ids", default=[]): _DEVICE_IDS,
    }
)
@callback
def _async_subscribe(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    msg: dict[str, Any],
) -> None:
    """Send the recent and all further logs of a project.

    That ends when the browser disconnects or unsubscribes.
    """
    request = _async_check(hass, connection, msg)
    if request is None:
        return
    close = _async_open(hass, connection)
    if close is None:
        # Raised, it would be logged as an error each time.
        _send_error(
            connection,
            msg["id"],
            HomeAssistantError(
                translation_domain=DOMAIN, translation_key="too_many_subscriptions"
            ),
            ERR_TOO_MANY,
        )
        return

    @callback
    def send(event: dict[str, Any]) -> None:
        if "session" in event:
            # Not always the requested one.
            event["config_entry_id"] = request.entry.entry_id
        connection.send_event(msg["id"], event)

    connection.send_result(msg["id"])
    unsubscribe = async_get_recent_logs(hass, request.entry.entry_id).async_subscribe(
        send,
        request.is_wanted,
        user_id=connection.user.id,
        is_behind=_async_is_behind(),
    )

    @callback
    def end() -> None:
        unsubscribe()
        close()

    connection.subscriptions[msg["id"]] = end


@callback
def _async_open(
    hass: HomeAssistant, connection: websocket_api.ActiveConnection
) -> CALLBACK_TYPE | None:
    """Count one more subscription.

    Returns:
        A function that ends it; None where no more are allowed.
    """
    count = hass.data.setdefault(_OPEN, Counter())
    user_id = connection.user.id
    if (
        count[connection] >= MAX_SUBSCRIPTIONS
        or count[user_id] >= MAX_SUBSCRIPTIONS_OF_USER
    ):
        return None
    count.update((connection, user_id))
    is_open = True

    @callback
    def close() -> None:
        nonlocal is_open
        if not is_open:
            return
        is_open = False
        for each in (connection, user_id):
            count[each] -= 1
            if not count[each]:
                del count[each]

    return close


@callback
def _async_is_behind() -> Callable[[], bool]:
    """Return a check whether the browser lags behind.

    It does while it has not taken what it was sent.
    """
    request = current_request.get()

    def is_behind() -> bool:
        # Without a connection to look at, only the rate bounds what is sent.
        transport = None if request is None else request.transport
        return transport is not None and transport.get_write_buffer_size() > _MAX_UNSENT

    return is_behind


@websocket_api.websocket_command(
    {
        vol.Required("type"): "golioth/logs/history",
        vol.Required("config_entry_id"): _ID,
        vol.Optional("device_ids", default=[]): _DEVICE_IDS,
        vol.Optional("levels", default=[]): vol.All(
            list, vol.Length(max=MAX_ITEMS), [vol.In(LEVELS)]
        ),
        vol.Optional("module", default=""): vol.All(
            str, vol.Length(max=MAX_NAME_LENGTH)
        ),
        vol.Optional("search", default=""): vol.All(
            str, vol.Length(max=MAX_SEARCH_LENGTH)
        ),
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
    """Answer with a page of logs until a time.

    A connection reads one page at a time, because each takes many requests to Golioth:
    a card needs one before it can request the next, and the cards of a window take
    turns. Reading ends when its browser no longer wants the page.
    """
    request = _async_check(hass, connection, msg)
    if request is None:
        return
    reading = hass.data.setdefault(_READING, set())
    task = asyncio.current_task()
    assert task is not None
    if connection in reading:
        _send_error(
            connection,
            msg["id"],
            HomeAssistantError(
                translation_domain=DOMAIN, translation_key="one_page_at_a_time"
            ),
            ERR_TOO_MANY,
        )
        return
    reading.add(connection)
    connection.subscriptions[msg["id"]] = task.cancel
    try:
        await _async_answer_with_page(hass, connection, msg, request)
    finally:
        reading.discard(connection)
        connection.subscriptions.pop(msg["id"], None)


async def _async_answer_with_page(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    msg: dict[str, Any],
    request: _Request,
) -> None:
    """Read a page of the history, and answer with it."""
    try:
        entry: GoliothConfigEntry = service.async_get_config_entry(
            hass, DOMAIN, request.entry.entry_id
        )
        # The entry may be unloaded later, and has no coordinator then.
        coordinator = entry.runtime_data
        page = await async_read_page(
            coordinator,
            connection.user.id,
            msg["before"],
            msg["limit"],
            LogFilter(
                levels=tuple(dict.fromkeys(msg["levels"])),
                module=msg["module"] or None,
                term=msg["search"] or None,
                without_devices=(
                    () if msg["device_ids"] else frozenset(coordinator.muted)
                ),
            ),
            request.golioth_device_ids,
        )
    except HomeAssistantError as err:
        # Raised, it would be logged as an error each time that a browser requests
        # earlier logs in vain.
        _send_error(connection, msg["id"], err)
        return
    wanted: dict[str, bool] = {}
    logs: list[json_fragment] = []
    async for log in async_answer_data(coordinator, page.entries, MAX_ANSWER_SIZE):
        device_id = log[ATTR_DEVICE_ID]
        if device_id not in wanted:
            wanted[device_id] = request.is_wanted(device_id)
        if wanted[device_id]:
            logs.append(json_fragment(log_json(log)))
    connection.send_result(
        msg["id"],
        {
            "logs": logs,
            "start": format_timestamp(page.start_ns),
            "more": page.has_more,
            "complete": page.has_all,
        },
    )


@callback
def _send_error(
    connection: websocket_api.ActiveConnection,
    msg_id: int,
    err: HomeAssistantError,
    code: str = websocket_api.ERR_HOME_ASSISTANT_ERROR,
) -> None:
    connection.send_error(
        msg_id,
        code,
        str(err),
        translation_domain=err.translation_domain,
        translation_key=err.translation_key,
        translation_placeholders=err.translation_placeholders,
    )


class _Request(NamedTuple):
    """The request of a command."""

    entry: GoliothConfigEntry
    is_wanted: DeviceFilter
    golioth_device_ids: tuple[str, ...] | None
    """Golioth's IDs of the devices to read.

    None where all logs are read.
    """


@callback
def _async_check(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    msg: dict[str, Any],
) -> _Request | None:
    """Return the request of a command.

    Where it names no project or device, or the user may read none of them, this is
    answered with an error.
    """
    entry = async_find_entry(hass, msg["config_entry_id"])
    if entry is None or entry.domain != DOMAIN:
        connection.send_error(
            msg["id"], websocket_api.ERR_NOT_FOUND, "There is no such project"
        )
        return None
    permission = async_get_log_permission(hass, connection.user, entry)
    is_wanted = _device_filter(hass, entry, permission, msg["device_ids"])
    covers_project = permission.async_covers(None)
    if not msg["device_ids"] and covers_project:
        return _Request(entry, is_wanted, None)
    readable = permission.async_readable_devices()
    devices = [
        readable[device_id]
        for device_id in dict.fromkeys(msg["device_ids"] or readable)
        if device_id in readable
    ]
    if not devices and not connection.user.is_admin:
        # Raised, it would be logged as an error each time that such a user opens a
        # dashboard.
        connection.send_error(
            msg["id"],
            websocket_api.ERR_UNAUTHORIZED,
            "The user may not read these logs",
        )
        return None
    if not devices:
        connection.send_error(
            msg["id"],
            websocket_api.ERR_NOT_FOUND,
            "The project has none of these devices",
        )
        return None
    golioth_ids: tuple[str, ...] | None = tuple(
        filter(
            None,
            (
                golioth_id(device, entry)
                for device in devices
                # A muted device is left out unless it is named.
                if msg["device_ids"] or not device.disabled
            ),
        )
    )
    if covers_project and (len(devices) > 1 or not golioth_ids):
        # Reading all takes fewer requests, and the user may know what others logged.
        golioth_ids = None
    return _Request(entry, is_wanted, golioth_ids)


def _device_filter(
    hass: HomeAssistant,
    entry: GoliothConfigEntry,
    permission: LogPermission,
    device_ids: list[str],
) -> DeviceFilter:
    """Return a check whether logs of a device are requested.

    The user has to be allowed to read them. No device means all that are not disabled.
    """
    requested = frozenset(device_ids)

    @callback
    def is_wanted(device_id: str) -> bool:
        is_requested = (
            device_id in requested
            if requested
            else not async_is_muted(hass, entry, device_id)
        )
        return is_requested and permission.async_covers(device_id)

    return is_wanted
