"""Sessions of Home Assistant on one storage.

Every start is a new core.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final
from unittest.mock import patch

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components import golioth
from custom_components.golioth.client import FeedTiming
from custom_components.golioth.const import DOMAIN, EVENT_GOLIOTH_LOG
from custom_components.golioth.coordinator import GoliothCoordinator
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.setup import async_setup_component
from tests.home_assistant import home_assistant
from tests.simulator import GoliothSimulator

type OnLog = Callable[[Mapping[str, Any], int], None]

# Seconds between two checks of an entry that could not be set up.
_PAUSE: Final = 0.3


class Sessions:
    """Home Assistant with the integration, on storage that outlives it.

    Attributes:
        number: Number of starts.
        reloads: Number of reloads of the entry.
    """

    def __init__(
        self,
        config_dir: str,
        simulator: GoliothSimulator,
        *,
        timing: FeedTiming,
        options: Mapping[str, Any],
        on_log: OnLog,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            config_dir: An existing folder for the storage.
            simulator: The project that is set up.
            timing: The waits of the feed.
            options: The options of the entry.
            on_log: Called with the data of each log event, and the session's number.
        """
        self.number = 0
        self.reloads = 0
        self._config_dir = config_dir
        self._simulator = simulator
        self._timing = timing
        self._options = options
        self._on_log = on_log
        self._hass: HomeAssistant | None = None
        self._exit_stack = AsyncExitStack()
        # One operation at a time: no reload during a start or a stop.
        self._lock = asyncio.Lock()

    @property
    def state(self) -> ConfigEntryState | None:
        """The state of the entry; None without Home Assistant."""
        if self._hass is None:
            return None
        (entry,) = self._hass.config_entries.async_entries(DOMAIN)
        return entry.state

    async def start(self) -> None:
        """Start Home Assistant; add the project the first time."""
        self.number += 1
        async with AsyncExitStack() as stack:
            stack.enter_context(
                patch.object(
                    golioth,
                    "GoliothCoordinator",
                    partial(GoliothCoordinator, timing=self._timing),
                )
            )
            hass = await stack.enter_async_context(home_assistant(self._config_dir))
            self._listen(hass)
            if self.number == 1:
                await hass.config_entries.async_add(
                    MockConfigEntry(
                        domain=DOMAIN,
                        title="Soak",
                        unique_id=self._simulator.project_id,
                        data={
                            "project_id": self._simulator.project_id,
                            "api_key": self._simulator.api_key,
                            "api_url": self._simulator.url,
                        },
                        options=dict(self._options),
                    )
                )
            else:
                assert await async_setup_component(hass, DOMAIN, {})
            await hass.async_start()
            self._hass = hass
            self._exit_stack = stack.pop_all()

    async def stop(self) -> None:
        """Stop Home Assistant as a restart does.

        Everything to be stored has been written.
        """
        self._hass = None
        await self._exit_stack.aclose()

    async def restart(self, pause: float) -> None:
        """Stop, and start again after a pause in seconds."""
        async with self._lock:
            await self.stop()
            await asyncio.sleep(pause)
            await self.start()

    async def reload(self) -> None:
        """Reload the entry."""
        async with self._lock:
            assert self._hass is not None
            self.reloads += 1
            (entry,) = self._hass.config_entries.async_entries(DOMAIN)
            await self._hass.config_entries.async_reload(entry.entry_id)

    async def keep_loaded(self) -> None:
        """Reload the entry whenever its setup failed, until cancelled.

        Home Assistant's own retry would take longer.
        """
        while True:
            if self.state is ConfigEntryState.SETUP_RETRY:
                await self.reload()
            await asyncio.sleep(_PAUSE)

    def _listen(self, hass: HomeAssistant) -> None:
        """Pass on every log of a session."""
        session = self.number

        @callback
        def handle_event(event: Event) -> None:
            self._on_log(event.data, session)

        hass.bus.async_listen(EVENT_GOLIOTH_LOG, handle_event)
