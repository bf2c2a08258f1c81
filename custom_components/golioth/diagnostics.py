"""Diagnostics of the Golioth integration."""

import time
from typing import Any, Final

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .client import DEFAULT_API_URL, SECOND, GoliothError
from .const import CONF_API_URL, DOMAIN
from .coordinator import GoliothConfigEntry, GoliothCoordinator
from .devices import async_get_entities, golioth_id
from .storage.silence_clock import async_get_clock

# Entities that show logs of a device: the file may be attached to a public report.
TO_REDACT: Final = {"log", "last_log", "last_log_level", "last_log_time", "last_error"}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: GoliothConfigEntry
) -> dict[str, Any]:
    """Return diagnostics of a project.

    Home Assistant adds the versions.
    """
    # They are most needed for a project that could not be set up: the reason is there.
    is_loaded = entry.state is ConfigEntryState.LOADED
    return {
        "entry": _entry(entry),
        "project": _project(hass, entry.runtime_data) if is_loaded else None,
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: GoliothConfigEntry, device: dr.AnyDeviceEntry
) -> dict[str, Any]:
    """Return diagnostics of a project and one of its devices.

    The device may be the project's own.
    """
    return {
        **await async_get_config_entry_diagnostics(hass, entry),
        "device": _device(hass, entry, device),
    }


def _entry(entry: GoliothConfigEntry) -> dict[str, Any]:
    """Return the set-up of a project, and its state."""
    # Only data that are named here: the credential is among the others, and any release
    # may have stored more.
    return {
        "entry_id": entry.entry_id,
        "version": entry.version,
        "minor_version": entry.minor_version,
        "source": entry.source,
        "disabled_by": entry.disabled_by,
        "created_at": entry.created_at.isoformat(),
        "modified_at": entry.modified_at.isoformat(),
        # Another address may identify the user.
        "is_default_api_url": entry.data.get(CONF_API_URL) == DEFAULT_API_URL,
        "options": dict(entry.options),
        "state": entry.state.value,
        # Not its text: that of an unexpected error may hold anything.
        "reason": entry.error_reason_translation_key,
        "reason_placeholders": (
            entry.error_reason_translation_placeholders
            if entry.error_reason_translation_domain == DOMAIN
            else None
        ),
    }


def _project(hass: HomeAssistant, coordinator: GoliothCoordinator) -> dict[str, Any]:
    """Return how logs arrive, and the counters since set-up."""
    feed = coordinator.feed
    server_time_ns = coordinator.rest.server_time_ns
    return {
        "connected": feed.connected,
        "transport": feed.transport,
        "stream": feed.stream_state,
        "streams_opened": feed.opened,
        "last_error": _error(feed.last_error),
        "is_listening": async_get_clock(
            hass, coordinator.config_entry.entry_id
        ).is_running,
        "logs": {
            "delivered": feed.delivered,
            "caught_up": feed.caught_up,
            "found_by_audit": feed.found_by_audit,
            "unreadable": feed.unreadable,
            "frames_ignored": feed.ignored,
            "fired": coordinator.fired,
        },
        "devices": len(coordinator.data),
        "muted_devices": len(coordinator.muted),
        "device_list_error": (
            None
            if coordinator.last_update_success
            else _error(coordinator.last_exception)
        ),
        # In seconds: the age of the last poll or audit after which nothing was missing.
        # Streaming alone does not renew it.
        "resume_point_age": _rounded(feed.resume_age),
        # In seconds, by which Golioth's clock is ahead of this one.
        "service_clock_offset": (
            None
            if server_time_ns is None
            else _rounded(server_time_ns / SECOND - time.time())
        ),
    }


def _device(
    hass: HomeAssistant, entry: GoliothConfigEntry, device: dr.AnyDeviceEntry
) -> dict[str, Any]:
    """Return the state of a device.

    That is whether Golioth has it, how long it has been silent, and its entities'
    states.
    """
    golioth_device_id = golioth_id(device, entry)
    clock = async_get_clock(hass, entry.entry_id)
    last_log = None if golioth_device_id is None else clock.last_log(golioth_device_id)
    states = {
        entity.translation_key: hass.states.get(entity.entity_id)
        for entity in async_get_entities(er.async_get(hass), device.id)
    }
    return {
        "is_project": golioth_device_id is None,
        "is_listed": (
            entry.state is ConfigEntryState.LOADED
            and golioth_device_id in entry.runtime_data.data
        ),
        # In seconds; None where it is not known.
        "silent_for": None if last_log is None else _rounded(clock.now - last_log),
        # By translation key; None for one that is disabled.
        "entities": async_redact_data(
            {key: state and state.state for key, state in states.items()}, TO_REDACT
        ),
    }


def _error(error: BaseException | None) -> dict[str, str | None] | None:
    """Return the type and text of an error.

    The text is that of our own errors only: any other may hold an address, and with it
    the key.
    """
    if error is None:
        return None
    if isinstance(error.__cause__, GoliothError):
        error = error.__cause__
    return {
        "type": type(error).__name__,
        "text": str(error) if isinstance(error, GoliothError) else None,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
