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
from homeassistant.helpers.storage import Store

_LOGGER = logging.getLogger(__name__)

# Of every file. A minor version only adds what the ones before it can do without; a major one changes what there is.
STORAGE_VERSION: Final = 1
STORAGE_MINOR_VERSION: Final = 1

# Seconds from a change to its save. What changed in between is not known after a hard kill.
SAVE_DELAY: Final = 10


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

        async def save(_: datetime | Event) -> None:
            await self._async_save(value_fn)

        cancel_timer = async_call_later(self._hass, SAVE_DELAY, save)
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

        Returns when it is written. A save that is not pending any more may still be under way, and a reload would read what
        was there before: so something is written in that case as well.
        """
        if self._has_changed:
            await self._async_save(value_fn)

    async def async_remove(self) -> None:
        """Remove what was saved, and save nothing more that is pending."""
        self._async_cancel_save()
        async with self._lock:
            await self._store.async_remove()

    async def _async_save(self, value_fn: Callable[[], T | None]) -> None:
        """Save now what the function returns, and not what is pending."""
        self._async_cancel_save()
        # What is older must not be written last.
        async with self._lock:
            data: dict[str, Any] = {}
            if (value := value_fn()) is not None:
                # It would hold the loop while logs come.
                data = await self._hass.async_add_executor_job(value.as_dict)
            await self._store.async_save(data)

    @callback
    def _async_cancel_save(self) -> None:
        if self._cancel_save is not None:
            self._cancel_save()
            self._cancel_save = None
