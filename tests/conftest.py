"""What the tests stand on: the Golioth service on loopback, and a real Home Assistant core."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

import aiohttp
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

from custom_components import golioth
from custom_components.golioth.client.feed import FeedTiming
from custom_components.golioth.const import DOMAIN
from custom_components.golioth.coordinator import GoliothCoordinator
from homeassistant.core import HomeAssistant

from . import GREENHOUSE_NODE, WATER_METER
from .events import LogEvents, capture_log_events
from .simulator import GoliothSimulator


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Give each test a configuration folder of its own."""
    return hass_tmp_config_dir


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Write snapshots as Home Assistant does."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
async def simulator(socket_enabled: None) -> AsyncIterator[GoliothSimulator]:
    """Run the Golioth service, with the two devices of the published logs."""
    async with GoliothSimulator() as simulator:
        simulator.add_device("greenhouse-node", device_id=GREENHOUSE_NODE)
        simulator.add_device("water-meter", device_id=WATER_METER)
        yield simulator


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[aiohttp.ClientSession]:
    """Give the client an HTTP session."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def config_entry(
    hass: HomeAssistant, enable_custom_integrations: None, simulator: GoliothSimulator
) -> MockConfigEntry:
    """Add the entry of the simulated project, which is not set up yet."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Demo project",
        unique_id=simulator.project_id,
        data={
            "project_id": simulator.project_id,
            "api_key": simulator.api_key,
            "api_url": simulator.url,
        },
    )
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
async def streaming(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> MockConfigEntry:
    """Set up the simulated project, and wait until its logs are streamed."""
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await hass.async_block_till_done()
    await simulator.wait_for_streams(1)
    return config_entry


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the feed wait a hundredth of what it usually does."""
    timing = FeedTiming(
        settling_time=0.01, shortest_wait=0.01, longest_random_wait=0.29
    )
    monkeypatch.setattr(
        golioth, "GoliothCoordinator", partial(GoliothCoordinator, timing=timing)
    )


@pytest.fixture
def log_events(hass: HomeAssistant) -> Iterator[LogEvents]:
    """Capture every `golioth_log` event."""
    with capture_log_events(hass) as events:
        yield events
