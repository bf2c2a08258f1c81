"""What is kept of a project over restarts of Home Assistant, one file for each thing."""

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

# Of every file. A minor version only adds what the ones before it can do without; a
# major one changes what there is. The second minor one counts the logs of `holes`, and
# has the steps of Golioth's clock and `forgotten_before`.
STORAGE_VERSION: Final = 1
STORAGE_MINOR_VERSION: Final = 2

# Seconds from a change to its save. What changed in between is not known after a hard
# kill.
SAVE_DELAY: Final = 10

# Seconds from a save that failed to the next try, at most.
MAX_RETRY_DELAY: Final = 300

# More failures do not lengthen the wait.
_MAX_DOUBLINGS: Final = 10

# The files that could not be saved the last time.
_UNSAVED: HassKey[set[str]] = HassKey(f"{DOMAIN}_unsaved")


class Storable(Protocol):
    """What can be saved."""

    def as_dict(self) -> dict[str, Any]:
        """Return what is written. It is called in another thread."""


class VersionedStore(Store[dict[str, Any]]):
    """A file that another version of this integration may have written."""

    @override
    async def _async_migrate_func(
        self, old_major_version: int, old_minor_version: int, old_data: dict[str, Any]
    ) -> dict[str, Any]:
        """Return what another version has kept, as this one keeps it. Home Assistant refuses newer major versions by itself.

        Raises:
            NotImplementedError: There was no such version.
        """
        if old_major_version != STORAGE_VERSION:
            raise NotImplementedError
        return old_data


class ProjectStore[T: Storable]:
    """A file in the storage, saved soon after each change, however often there is one.

    A save that fails is tried again, at intervals that become longer. That saving fails
    is logged once for all files of all projects, and once more when it works again.

    Attributes:
        is_unreadable: Whether something was kept that could not be read when it was loaded.
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
            from_dict: Returns what the content stands for; where it cannot, it returns None or raises LookupError, TypeError
                or ValueError.
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
        """Return what was saved last, or None where nothing was, or nothing that can be read."""
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
        """Save what the function returns in 10 seconds, or before Home Assistant ends.

        Cheap enough to be called for every log: while a save is pending it does nothing. The store's own delay would push a
        pending save back with every call, and save nothing as long as logs come.
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
        """Save what the function returns, unless no save was scheduled since the store was made.

        Returns when it is written, or could not be. A save that is not pending any more may still be under way, and a reload
        would read what was there before: so something is written in that case as well.
        """
        # Later, it could overwrite what a reload has saved since.
        self._may_retry = False
        if self._has_changed:
            await self._async_save(value_fn)

    async def async_remove(self) -> None:
        """Remove what was saved, and save nothing more that is pending."""
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
        """Save now what the function returns, and not what is pending."""
        self._async_cancel_save()
        # What is older must not be written last.
        async with self._lock:
            # A save that has just failed has scheduled another one.
            self._async_cancel_save()
            data: JsonObjectType = {}
            if (value := value_fn()) is not None:
                # It would hold the loop while logs come.
                data = await self._hass.async_add_executor_job(_as_json, value)
            is_saved = await self._async_write(data)
            self._async_report(is_saved)
            self._failures = 0 if is_saved else self._failures + 1
            if not is_saved and self._may_retry and not self._hass.is_stopping:
                self.async_schedule_save(value_fn)

    async def _async_write(self, data: JsonObjectType) -> bool:
        """Write what is to be kept; return whether it is kept.

        Home Assistant logs why it cannot be written, and does not say so otherwise: what
        is read again shows it.
        """
        try:
            await self._store.async_save(data)
            return await self._store.async_load() == data
        except (HomeAssistantError, OSError) as err:
            _LOGGER.debug("Saving %s failed: %r", self._store.path, err)
            return False

    @callback
    def _async_report(self, is_saved: bool) -> None:
        """Log that saving has begun to fail, or that all files are saved again."""
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
    """Return what is written, as it will be read."""
    return json_loads_object(json_bytes(value.as_dict()))
