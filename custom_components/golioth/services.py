"""Actions of the Golioth integration."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from time import time_ns
from typing import Final

import orjson
import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import (
    CAT_ENTITIES,
    POLICY_CONTROL,
    POLICY_READ,
)
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.helpers import device_registry as dr, service
from homeassistant.util.json import JsonValueType

from .client import (
    LEVELS,
    MILLISECOND,
    GoliothBusyError,
    GoliothConnectionError,
    GoliothNotFoundError,
    GoliothTimeoutError,
    LogFilter,
    RpcAnswer,
    RpcStatus,
    one_line,
)
from .const import DOMAIN
from .coordinator import GoliothConfigEntry
from .devices import golioth_id
from .limits import (
    ID,
    NAME,
    SEARCH,
    are_finite,
    list_of,
    parameters,
    visible,
    whole_number,
)
from .logs.history import (
    MAX_LIMIT,
    async_answer_data,
    async_read_logs,
    milliseconds,
    moment,
)
from .permissions import async_get_log_permission, async_may_call
from .reasons import failed_call
from .reauth import reauth_where_rejected
from .storage.removed_projects import async_find_entry

SERVICE_GET_LOGS: Final = "get_logs"
ATTR_START_TIME: Final = "start_time"
ATTR_END_TIME: Final = "end_time"
ATTR_LEVEL: Final = "level"
ATTR_MODULE: Final = "module"
ATTR_SEARCH_TERM: Final = "search_term"
ATTR_LIMIT: Final = "limit"

SERVICE_CALL_RPC: Final = "call_rpc"
ATTR_METHOD: Final = "method"
ATTR_PARAMETERS: Final = "parameters"
ATTR_TIMEOUT: Final = "timeout"

DEFAULT_SPAN: Final = timedelta(hours=1)
DEFAULT_LIMIT: Final = 100

# In seconds.
DEFAULT_TIMEOUT: Final = 30
MAX_TIMEOUT: Final = 120

# The logs of one response, in bytes of JSON: the automation holds it, and so do its
# traces.
MAX_RESPONSE_SIZE: Final = 4 * 1024 * 1024

# Fields of an event that are needless in a response.
_KNOWN_FIELDS: Final = frozenset({"config_entry_id", "project_id", "source"})

# A device's details of an error, in characters of a message.
_MAX_DETAIL_LENGTH: Final = 200

_STATUS_NAMES: Final = {
    status.value: f"{status.value} ({status.name})" for status in RpcStatus
}


GET_LOGS_SCHEMA: Final = vol.Schema(
    {
        vol.Optional(ATTR_DEVICE_ID): ID,
        vol.Optional(ATTR_CONFIG_ENTRY_ID): ID,
        vol.Optional(ATTR_START_TIME): moment,
        vol.Optional(ATTR_END_TIME): moment,
        vol.Optional(ATTR_LEVEL, default=[]): list_of(vol.In(LEVELS)),
        vol.Optional(ATTR_MODULE): NAME,
        vol.Optional(ATTR_SEARCH_TERM): SEARCH,
        vol.Optional(ATTR_LIMIT, default=DEFAULT_LIMIT): whole_number(1, MAX_LIMIT),
    }
)

CALL_RPC_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_DEVICE_ID): ID,
        vol.Required(ATTR_METHOD): vol.All(NAME, vol.Length(min=1), visible),
        vol.Optional(ATTR_PARAMETERS, default=[]): parameters,
        vol.Optional(ATTR_TIMEOUT, default=DEFAULT_TIMEOUT): whole_number(
            1, MAX_TIMEOUT
        ),
    }
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN,
        SERVICE_GET_LOGS,
        _async_get_logs,
        schema=GET_LOGS_SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_CALL_RPC,
        _async_call_rpc,
        schema=CALL_RPC_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )


async def _async_get_logs(call: ServiceCall) -> ServiceResponse:
    """Return the newest logs of a device or project."""
    device, entry = _async_get_source(call)
    # The entry may be unloaded later, and has no coordinator then.
    coordinator = entry.runtime_data
    golioth_device_id = None if device is None else golioth_id(device, entry)
    check_permission = partial(
        _async_check_permission,
        call,
        lambda user: async_get_log_permission(call.hass, user, entry).async_covers(
            None if device is None else device.id
        ),
        POLICY_READ,
    )
    await check_permission()
    start_ns, end_ns = _span(call, coordinator.rest.server_time_ns or time_ns())
    found = await async_read_logs(
        coordinator,
        call.context.user_id,
        start_ns,
        end_ns,
        call.data[ATTR_LIMIT],
        LogFilter(
            device_id=golioth_device_id,
            levels=tuple(dict.fromkeys(call.data[ATTR_LEVEL])),
            module=call.data.get(ATTR_MODULE) or None,
            term=call.data.get(ATTR_SEARCH_TERM) or None,
            without_devices=(
                frozenset(coordinator.muted) if golioth_device_id is None else ()
            ),
        ),
    )
    # Permission may have been revoked while others were served.
    await check_permission()
    logs: list[JsonValueType] = [
        {key: value for key, value in log.items() if key not in _KNOWN_FIELDS}
        async for log in async_answer_data(
            coordinator, found.entries, MAX_RESPONSE_SIZE
        )
    ]
    return {"logs": logs, "truncated": found.truncated}


async def _async_call_rpc(call: ServiceCall) -> ServiceResponse:
    """Call a method of a device, and return its answer."""
    entry: GoliothConfigEntry
    device, entry = service.async_get_device_and_config_entry(
        call.hass, DOMAIN, call.data[ATTR_DEVICE_ID], include_child_devices=False
    )
    # The entry may be unloaded later, and has no coordinator then.
    coordinator = entry.runtime_data
    check_permission = partial(
        _async_check_permission,
        call,
        lambda user: async_may_call(call.hass, user, device.id),
        POLICY_CONTROL,
    )
    await check_permission()
    golioth_device_id = golioth_id(device, entry)
    if golioth_device_id is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="device_is_project"
        )
    if not are_finite(call.data[ATTR_PARAMETERS]):
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="parameter_not_finite"
        )
    method: str = call.data[ATTR_METHOD]
    name = device.name_by_user or device.name or one_line(golioth_device_id)
    try:
        async with coordinator.call_turns.take(call.context.user_id):
            # Permission may have been revoked while others were served.
            await check_permission()
            with reauth_where_rejected(call.hass, entry):
                answer = await coordinator.rest.call_rpc(
                    golioth_device_id,
                    method,
                    call.data[ATTR_PARAMETERS],
                    timeout=call.data[ATTR_TIMEOUT],
                )
    except GoliothBusyError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="rpc_busy",
            translation_placeholders={"device": name},
        ) from err
    except GoliothNotFoundError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="device_not_found",
            translation_placeholders={"device": name},
        ) from err
    except GoliothTimeoutError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="rpc_timeout",
            translation_placeholders={"device": name, "method": method},
        ) from err
    except GoliothConnectionError as err:
        raise failed_call(err, name, method) from err
    if answer.status_code != RpcStatus.OK:
        raise _rpc_error(name, method, answer)
    return {"status_code": answer.status_code, "detail": answer.detail}


@callback
def _async_get_source(
    call: ServiceCall,
) -> tuple[dr.DeviceEntry | None, GoliothConfigEntry]:
    """Return the device and project of an action.

    Raises:
        ServiceValidationError: It names none of ours or several projects, or the
            project is not loaded.
    """
    hass = call.hass
    entry: GoliothConfigEntry
    entry_id: str | None = call.data.get(ATTR_CONFIG_ENTRY_ID)
    if entry_id is not None and (found := async_find_entry(hass, entry_id)) is not None:
        entry_id = found.entry_id
    device_id: str | None = call.data.get(ATTR_DEVICE_ID)
    if device_id is None:
        projects = hass.config_entries.async_entries(
            DOMAIN, include_ignore=False, include_disabled=False
        )
        if entry_id is None and len(projects) > 1:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="several_projects"
            )
        entry = service.async_get_config_entry(hass, DOMAIN, entry_id)
        return None, entry
    device, entry = service.async_get_device_and_config_entry(
        hass, DOMAIN, device_id, include_child_devices=False
    )
    if entry_id not in {None, entry.entry_id}:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="device_of_other_project"
        )
    return device, entry


async def _async_check_permission(
    call: ServiceCall, is_permitted: Callable[[User], bool], policy: str
) -> None:
    """Refuse a user who lacks the permission.

    An automation acts for no user, and has every permission.

    Raises:
        Unauthorized: The user lacks it.
        UnknownUser: The user was deleted.
    """
    if call.context.user_id is None:
        return
    user = await call.hass.auth.async_get_user(call.context.user_id)
    if user is None:
        raise UnknownUser(
            context=call.context, permission=policy, perm_category=CAT_ENTITIES
        )
    if not is_permitted(user):
        raise Unauthorized(
            context=call.context, permission=policy, perm_category=CAT_ENTITIES
        )


def _span(call: ServiceCall, now_ns: int) -> tuple[int, int | None]:
    """Return the start and end of the time to read.

    Both are whole milliseconds in nanoseconds. The end is not part of it, but the
    millisecond of the last time is; the end is None where that is now.

    Raises:
        ServiceValidationError: The end is before the start.
    """
    end: datetime | None = call.data.get(ATTR_END_TIME)
    last = now_ns // MILLISECOND if end is None else milliseconds(end)
    start: datetime | None = call.data.get(ATTR_START_TIME)
    if start is None:
        first = last - DEFAULT_SPAN // timedelta(milliseconds=1)
    else:
        first = milliseconds(start)
    if end is None:
        return first * MILLISECOND, None
    if first > last:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="start_after_end"
        )
    return first * MILLISECOND, (last + 1) * MILLISECOND


def _rpc_error(device: str, method: str, answer: RpcAnswer) -> HomeAssistantError:
    """Return an exception for an answer that is no success."""
    status = answer.status_code
    # Golioth's firmware SDK answers with an unknown status and nothing else, where it
    # has no such method.
    has_no_method = status == RpcStatus.UNIMPLEMENTED or (
        status == RpcStatus.UNKNOWN and not answer.detail
    )
    # Home Assistant logs the error.
    detail = one_line(orjson.dumps(answer.detail).decode())
    if len(detail) > _MAX_DETAIL_LENGTH:
        detail = f"{detail[:_MAX_DETAIL_LENGTH]}…"
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=(
            "rpc_no_method"
            if has_no_method
            else "rpc_invalid_argument"
            if status == RpcStatus.INVALID_ARGUMENT
            else "rpc_timeout"
            if status == RpcStatus.DEADLINE_EXCEEDED
            else "rpc_offline"
            if status == RpcStatus.UNAVAILABLE
            else "rpc_failed"
        ),
        translation_placeholders={
            "device": device,
            "method": method,
            "status": _STATUS_NAMES.get(status, str(status)),
            "detail": detail,
        },
    )
