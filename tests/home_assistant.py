"""Home Assistant's core, started on a folder as a user starts it."""

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
    """Resolves this machine's names alone: Home Assistant's asks by multicast."""

    async def real_close(self) -> None:
        """Close, which is what Home Assistant calls it."""
        await self.close()


@asynccontextmanager
async def home_assistant(config_dir: Path | str) -> AsyncIterator[HomeAssistant]:
    """Run a Home Assistant on a folder, and stop it as a restart does.

    It begins with what the one before has stored there, and stores what it has at the
    end. What shall be there when it starts is to be set up before `async_start`.

    Args:
        config_dir: An existing folder.
    """
    with patch(
        "homeassistant.helpers.aiohttp_client._async_make_resolver",
        lambda _hass: _Resolver(),
    ):
        async with async_test_home_assistant(
            # Its own registries would be in memory only.
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
