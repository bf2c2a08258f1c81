"""The resume point of one project, kept over restarts of Home Assistant."""

from collections.abc import Callable
import logging
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store

from .client.resume import ResumePoint
from .const import DOMAIN

_LOGGER = logging.getLogger(__name__)

STORAGE_VERSION: Final = 1
STORAGE_MINOR_VERSION: Final = 1

# Seconds from a change to its save. What was delivered in between is delivered again after a hard kill.
SAVE_DELAY: Final = 10


class ResumeStore:
    """Where the resume point of a project is kept, in a file of its own."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Prepare, without reading or writing."""
        self._store = Store[dict[str, Any]](
            hass,
            STORAGE_VERSION,
            f"{DOMAIN}.{entry_id}",
            private=True,
            atomic_writes=True,
            minor_version=STORAGE_MINOR_VERSION,
        )
        self._is_save_pending = False
        self._has_changed = False

    async def async_load(self) -> ResumePoint | None:
        """Return what was saved last, or None where nothing was, or nothing that can be read."""
        try:
            data = await self._store.async_load()
            if not data:
                return None
            resume_point = ResumePoint.from_dict(data)
        except (
            HomeAssistantError,
            NotImplementedError,
            LookupError,
            TypeError,
            ValueError,
        ) as err:
            _LOGGER.debug("Reading %s failed: %r", self._store.path, err)
            resume_point = None
        if resume_point is None:
            _LOGGER.warning(
                "%s cannot be read. Logs from before now are not caught up",
                self._store.path,
            )
        return resume_point

    @callback
    def async_schedule_save(
        self, resume_point_fn: Callable[[], ResumePoint | None]
    ) -> None:
        """Save what the function returns in 10 seconds, or before Home Assistant ends.

        Cheap enough to be called for every log: while a save is pending it does nothing. The store by itself would push a
        pending save back with every call, and save nothing as long as logs come.
        """
        if self._is_save_pending:
            return
        self._is_save_pending = self._has_changed = True

        @callback
        def data() -> dict[str, Any]:
            self._is_save_pending = False
            return _as_dict(resume_point_fn())

        self._store.async_delay_save(data, SAVE_DELAY)

    async def async_close(
        self, resume_point_fn: Callable[[], ResumePoint | None]
    ) -> None:
        """Save what the function returns, unless no save was scheduled since the store was made.

        Returns when it is written. A save that is not pending any more may still be under way, and a reload would read what
        was there before: so something is written in that case as well.
        """
        if self._has_changed:
            self._is_save_pending = False
            await self._store.async_save(_as_dict(resume_point_fn()))

    async def async_remove(self) -> None:
        """Remove what was saved."""
        await self._store.async_remove()


def _as_dict(resume_point: ResumePoint | None) -> dict[str, Any]:
    return {} if resume_point is None else resume_point.as_dict()
