"""Start Home Assistant's core on a folder, as users do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

from aiohttp import ThreadedResolver
from pytest_homeassistant_custom_component.common import async_test_home_assistant

from homeassistant import loader
from homeassistant.bootstrap import async_load_base_functionality
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import frame


class _Resolver(ThreadedResolver):
    """Resolves only this machine's names.

    Home Assistant's own resolver sends multicasts.
    """

    async def real_close(self) -> None:
        """Close, under the name that Home Assistant calls."""
        await self.close()


@asynccontextmanager
async def home_assistant(config_dir: Path | str) -> AsyncIterator[HomeAssistant]:
    """Run Home Assistant on a folder and stop it.

    It stops as for a restart: it loads what the run before has stored there, and stores
    its own data at the end. Components that must be there at the start have to be set
    up before `async_start`.

    Args:
        config_dir: An existing folder.
    """
    with patch(
        "homeassistant.helpers.aiohttp_client._async_make_resolver",
        lambda _hass: _Resolver(),
    ):
        async with async_test_home_assistant(
            # They would be in memory only.
            load_registries=False,
            config_dir=str(config_dir),
            initial_state=CoreState.not_running,
        ) as hass:
            hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
            frame.async_setup(hass)
            assert await async_load_base_functionality(hass)
            try:
                yield hass
            finally:
                await hass.async_stop(force=True)
