"""Run Home Assistant sessions on one storage, without mocks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.golioth.const import DOMAIN
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.setup import async_setup_component

from .events import TIMEOUT, wait_for_begin, wait_for_state
from .home_assistant import home_assistant
from .simulator import GoliothSimulator

# Records each log in a run.
EACH_LOG: Final = {
    "id": "each_log",
    "alias": "Each log",
    "triggers": [{"trigger": "event", "event_type": "golioth_log"}],
    "actions": [
        {
            "action": "test.run",
            "data": {
                "message": "{{ trigger.event.data.message }}",
                "source": "{{ trigger.event.data.source }}",
            },
        }
    ],
    "mode": "queued",
    "max": 1000,
}


class Runs(list[tuple[str, str]]):
    """Message and source of each automation run's log, in order."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self._added = asyncio.Event()

    @callback
    def async_handle_run(self, call: ServiceCall) -> None:
        """Add a run."""
        self.append((call.data["message"], call.data["source"]))
        self._added.set()

    async def wait_for(self, number: int) -> None:
        """Wait until the automation has run that many times."""
        async with asyncio.timeout(TIMEOUT):
            while len(self) < number:
                self._added.clear()
                await self._added.wait()


@asynccontextmanager
async def session(
    config_dir: Path, runs: Runs, automation: dict[str, Any]
) -> AsyncIterator[HomeAssistant]:
    """Run Home Assistant with one automation whose runs are recorded.

    It starts with what the session before has stored.
    """
    async with home_assistant(config_dir) as hass:
        hass.services.async_register("test", "run", runs.async_handle_run)
        assert await async_setup_component(
            hass, "automation", {"automation": [automation]}
        )
        if hass.config_entries.async_entries(DOMAIN):
            assert await async_setup_component(hass, DOMAIN, {})
        await hass.async_start()
        yield hass


async def add_project(
    hass: HomeAssistant, simulator: GoliothSimulator, options: dict[str, Any]
) -> None:
    """Set the simulated project up, and wait for its stream.

    Its past logs have been read then.
    """
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Demo project",
        unique_id=simulator.project_id,
        data={
            "project_id": simulator.project_id,
            "api_key": simulator.api_key,
            "api_url": simulator.url,
        },
        options=options,
    )
    await hass.config_entries.async_add(entry)
    await wait_for_state(hass, "binary_sensor.demo_project_connection", "on")
    await wait_for_begin(entry)
