"""Fixtures: the simulated Golioth service and a real Home Assistant."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import aiohttp
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

from custom_components import golioth
from custom_components.golioth.client import FeedTiming
from custom_components.golioth.const import DOMAIN
from custom_components.golioth.coordinator import GoliothCoordinator
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.entity import Entity

from . import GREENHOUSE_NODE, WATER_METER
from .events import LogEvents, capture_log_events, wait_for_begin
from .registry import Disable, registry_id
from .sessions import Runs
from .simulator import GoliothSimulator

pytest_plugins = ["tests.no_deprecation"]

# The end-to-end tests run in a pytest of their own, without this file.
collect_ignore = ["e2e"]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Report that the end-to-end tests were left out.

    Not if the command line names the tests to run.
    """
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        terminalreporter.write_line(
            "The end-to-end tests were left out: scripts/test --e2e runs them"
        )
        if config.option.markexpr == "not slow":
            terminalreporter.write_line(
                "The slow tests were left out: scripts/test --all runs them"
            )


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
    """Run the simulator with both devices of the published frames."""
    async with GoliothSimulator() as simulator:
        simulator.add_device("greenhouse-node", device_id=GREENHOUSE_NODE)
        simulator.add_device("water-meter", device_id=WATER_METER)
        yield simulator


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[aiohttp.ClientSession]:
    """Return an HTTP session for the client."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def options() -> dict[str, Any]:
    """Return the options of the entry, none by default."""
    return {}


@pytest.fixture
def config_entry(
    hass: HomeAssistant,
    enable_custom_integrations: None,
    simulator: GoliothSimulator,
    options: dict[str, Any],
) -> MockConfigEntry:
    """Add the simulated project's entry, without setting it up."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        # Fixed, because snapshots show it as the identifier of the project's device.
        entry_id="01KADEMOPR0JECT00000000000",
        title="Demo project",
        unique_id=simulator.project_id,
        data={
            "project_id": simulator.project_id,
            "api_key": simulator.api_key,
            "api_url": simulator.url,
        },
        options=options,
    )
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
async def streaming(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> MockConfigEntry:
    """Set up the simulated project, and wait until it streams.

    The logs from before have been read then.
    """
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await hass.async_block_till_done()
    await simulator.wait_for_streams(1)
    await wait_for_begin(config_entry)
    return config_entry


@pytest.fixture
def settling_time() -> float:
    """Return how long an impatient feed distrusts a silent stream.

    In seconds: then it takes the stream for a good one.
    """
    return 0.2


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, settling_time: float) -> None:
    """Shorten the waits of the feed.

    A missing stream counts as retired at once.
    """
    timing = FeedTiming(
        settling_time=settling_time,
        shortest_wait=0.01,
        longest_random_wait=0.35,
        request_interval=0.0,
        handshake_timeout=1.0,
        retired_after=0.0,
        retry_retired=(0.5,),
    )
    monkeypatch.setattr(
        golioth, "GoliothCoordinator", partial(GoliothCoordinator, timing=timing)
    )


@pytest.fixture
def entity_registry_enabled_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enable the entities that are disabled by default."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)


@pytest.fixture
def log_events(hass: HomeAssistant) -> Iterator[LogEvents]:
    """Capture every `golioth_log` event."""
    with capture_log_events(hass) as events:
        yield events


@pytest.fixture
def runs() -> Runs:
    """Return the list of the automation's runs, over all sessions."""
    return Runs()


@pytest.fixture
def disable(device_registry: dr.DeviceRegistry, greenhouse: str) -> Disable:
    """Return a function that disables or enables a device."""

    def disable(disabled: bool = True) -> None:
        by = dr.DeviceEntryDisabler.USER if disabled else None
        device_registry.async_update_device(greenhouse, disabled_by=by)

    return disable


@pytest.fixture
def greenhouse(device_registry: dr.DeviceRegistry, streaming: MockConfigEntry) -> str:
    """Return Home Assistant's ID of `greenhouse-node`."""
    return registry_id(device_registry, streaming, GREENHOUSE_NODE)


@pytest.fixture
def water_meter(device_registry: dr.DeviceRegistry, streaming: MockConfigEntry) -> str:
    """Return Home Assistant's ID of `water-meter`."""
    return registry_id(device_registry, streaming, WATER_METER)


@pytest.fixture
def project(device_registry: dr.DeviceRegistry, streaming: MockConfigEntry) -> str:
    """Return Home Assistant's ID of the project's device."""
    return registry_id(device_registry, streaming, streaming.entry_id)
