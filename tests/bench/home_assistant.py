"""Home Assistant's core with the integration and one listener."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
import tempfile
from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.golioth.const import DOMAIN, EVENT_GOLIOTH_LOG
from homeassistant.core import Event, HomeAssistant, callback
from tests.home_assistant import home_assistant

from .service import BenchProject

# Seconds; only a failure takes longer.
_TIMEOUT = 600.0


class Count:
    """Counts arrivals, and waits for a number of them."""

    def __init__(self) -> None:
        """Start at 0."""
        self.number = 0
        self._awaited = 0
        self._arrived = asyncio.Event()

    @callback
    def add(self, *_: Any) -> None:
        """Count one more."""
        self.number += 1
        if self.number == self._awaited:
            self._arrived.set()

    async def wait_for_more(self, number: int) -> None:
        """Wait until that many more have arrived."""
        self._awaited = self.number + number
        self._arrived.clear()
        async with asyncio.timeout(_TIMEOUT):
            await self._arrived.wait()


@asynccontextmanager
async def empty_home_assistant() -> AsyncIterator[HomeAssistant]:
    """Run Home Assistant on an empty folder during the context."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with home_assistant(folder) as hass:
            await hass.async_start()
            yield hass


async def set_up(hass: HomeAssistant, project: BenchProject) -> MockConfigEntry:
    """Set a project up, and return once it has devices.

    `wait_for_stream` waits for its logs.
    """
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=project.id,
        unique_id=project.id,
        data={
            "project_id": project.id,
            "api_key": project.api_key,
            "api_url": project.url,
        },
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def wait_for_stream(entry: MockConfigEntry) -> None:
    """Wait until logs are delivered live."""
    feed = entry.runtime_data.feed
    async with asyncio.timeout(_TIMEOUT):
        while (  # noqa: ASYNC110
            feed.resume_point is None
            or feed._live.stream is None
            or feed._live.stream.waiting is not None
            or not feed.connected
        ):
            await asyncio.sleep(0.05)


@callback
def listen(hass: HomeAssistant, listener: Callable[[Event], None]) -> None:
    """Add a listener to the events of all logs.

    The listener is a callback.
    """
    hass.bus.async_listen(EVENT_GOLIOTH_LOG, listener)
