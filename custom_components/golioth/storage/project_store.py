"""Files with a project's data that outlive restarts."""

import asyncio
from collections.abc import Callable
from datetime import datetime
import logging
from typing import Any, Final, Protocol, override

from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.json import json_bytes
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.json import JsonObjectType, json_loads_object

from ..const import DOMAIN

_LOGGER = logging.getLogger(__name__)

# Of every file. A minor version only adds data that earlier ones can do without; a
# major one changes data. Minor version 2 counts the logs of `holes`, and has the steps
# of Golioth's clock and `forgotten_before`.
STORAGE_VERSION: Final = 1
STORAGE_MINOR_VERSION: Final = 2

# Seconds from a change to its save: a hard kill loses what changed in between.
SAVE_DELAY: Final = 10

# At most, in seconds, from a save that failed to the next try.
MAX_RETRY_DELAY: Final = 300

# More failures do not lengthen the wait.
_MAX_DOUBLINGS: Final = 10

# The files whose last save failed.
_UNSAVED: HassKey[set[str]] = HassKey(f"{DOMAIN}_unsaved")


class Storable(Protocol):
    """Data that can be saved."""

    def as_dict(self) -> dict[str, Any]:
        """Return the data to write.

        It is called in another thread.
        """


class VersionedStore(Store[dict[str, Any]]):
    """A file that another release may have written."""

    @override
    async def _async_migrate_func(
        self, old_major_version: int, old_minor_version: int, old_data: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the data of another version for this one.

        Home Assistant refuses newer major versions by itself.

        Raises:
            NotImplementedError: There was no such version.
        """
        if old_major_version != STORAGE_VERSION:
            raise NotImplementedError
        return old_data


class ProjectStore[T: Storable]:
    """Stores data in a file, soon after each change.

    A save that fails is tried again, at intervals that become longer. That saving fails
    is logged once for all files of all projects, and once more when it works again.

    Attributes:
        is_unreadable: Whether there was a file that could not be read.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        key: str,
        from_dict: Callable[[Any], T | None],
        consequence: str,
    ) -> None:
        """Prepare, without reading or writing.

        Args:
            hass: Home Assistant.
            key: The name of the file.
            from_dict: Returns the value of the file's content; where it cannot, it
                returns None or raises LookupError, TypeError or ValueError.
            consequence: What follows for the user if the file cannot be read.
        """
        self._store = VersionedStore(
            hass,
            STORAGE_VERSION,
            key,
            private=True,
            atomic_writes=True,
            minor_version=STORAGE_MINOR_VERSION,
        )
        self._from_dict = from_dict
        self._consequence = consequence
        self.is_unreadable = False
        self._hass = hass
        self._lock = asyncio.Lock()
        self._cancel_save: CALLBACK_TYPE | None = None
        self._has_changed = False
        # Whether a save that fails may be tried again.
        self._may_retry = False
        self._failures = 0

    async def async_load(self) -> T | None:
        """Return the saved value; None without a readable one."""
        try:
            data = await self._store.async_load()
            if not data:
                return None
            value = self._from_dict(data)
        except (
            HomeAssistantError,
            NotImplementedError,
            LookupError,
            TypeError,
            ValueError,
        ) as err:
            _LOGGER.debug("Reading %s failed: %r", self._store.path, err)
            value = None
        if value is None:
            self.is_unreadable = True
            _LOGGER.warning(
                "%s cannot be read. %s", self._store.path, self._consequence
            )
        return value

    @callback
    def async_schedule_save(self, value_fn: Callable[[], T | None]) -> None:
        """Save the function's value within 10 seconds, or at shutdown.

        Cheap enough to be called for every log: while a save is pending, it does
        nothing. The store's own delay would push a pending save back with every call,
        and save nothing as long as logs come. After failures, it takes up to 5 minutes.
        """
        if self._cancel_save is not None:
            return
        self._has_changed = True
        self._may_retry = True

        async def save(_: datetime | Event) -> None:
            await self._async_save(value_fn)

        cancel_timer = async_call_later(self._hass, self._save_delay, save)
        stop_listening = self._hass.bus.async_listen(
            EVENT_HOMEASSISTANT_FINAL_WRITE, save
        )

        @callback
        def cancel() -> None:
            cancel_timer()
            stop_listening()

        self._cancel_save = cancel

    async def async_close(self, value_fn: Callable[[], T | None]) -> None:
        """Save the function's value, if any save was ever scheduled.

        Returns when it is written, or could not be. A save that is no longer pending
        may still be under way, and a reload would read the earlier data: so the value
        is written in that case as well.
        """
        # A later try could overwrite what a reload has saved since.
        self._may_retry = False
        if self._has_changed:
            await self._async_save(value_fn)

    async def async_remove(self) -> None:
        """Remove the file, and cancel a pending save."""
        self._may_retry = False
        async with self._lock:
            self._async_cancel_save()
            await self._store.async_remove()
        self._hass.data.get(_UNSAVED, set()).discard(self._store.path)

    @property
    def _save_delay(self) -> float:
        """Return the seconds until the next save."""
        doublings = min(max(self._failures - 1, 0), _MAX_DOUBLINGS)
        return min(SAVE_DELAY * 2.0**doublings, MAX_RETRY_DELAY)

    async def _async_save(self, value_fn: Callable[[], T | None]) -> None:
        """Save the function's value now, and cancel a pending save."""
        self._async_cancel_save()
        # Older data must not be written last.
        async with self._lock:
            # A save that has just failed has scheduled another one.
            self._async_cancel_save()
            data: JsonObjectType = {}
            if (value := value_fn()) is not None:
                # It would block the event loop while logs come.
                data = await self._hass.async_add_executor_job(_as_json, value)
            is_saved = await self._async_write(data)
            self._async_report(is_saved)
            self._failures = 0 if is_saved else self._failures + 1
            if not is_saved and self._may_retry and not self._hass.is_stopping:
                self.async_schedule_save(value_fn)

    async def _async_write(self, data: JsonObjectType) -> bool:
        """Write data; return whether they are in the file.

        Home Assistant logs why data cannot be written, and does not report it
        otherwise: only reading them again shows it.
        """
        try:
            await self._store.async_save(data)
            return await self._store.async_load() == data
        except (HomeAssistantError, OSError) as err:
            _LOGGER.debug("Saving %s failed: %r", self._store.path, err)
            return False

    @callback
    def _async_report(self, is_saved: bool) -> None:
        """Log when saves begin to fail, or all work again."""
        unsaved = self._hass.data.setdefault(_UNSAVED, set())
        path = self._store.path
        if is_saved:
            if path in unsaved:
                unsaved.remove(path)
                if not unsaved:
                    _LOGGER.info("What is kept of the projects is saved again")
            return
        if not unsaved:
            _LOGGER.warning(
                "%s cannot be saved: the disk may be full, or may not be written to."
                " After a restart or a reload, logs may be delivered twice. Free some"
                " space, or allow it to be written; it is tried again by itself",
                path,
            )
        unsaved.add(path)

    @callback
    def _async_cancel_save(self) -> None:
        if self._cancel_save is not None:
            self._cancel_save()
            self._cancel_save = None


def _as_json(value: Storable) -> JsonObjectType:
    """Return the data as they will be read."""
    return json_loads_object(json_bytes(value.as_dict()))
