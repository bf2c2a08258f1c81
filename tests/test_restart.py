"""Tests of a restart of Home Assistant: two lives on one storage, nothing of which is mocked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
)

from custom_components.golioth.const import DOMAIN
from homeassistant import loader
from homeassistant.bootstrap import async_load_base_functionality
from homeassistant.core import CoreState, HomeAssistant, ServiceCall, callback
from homeassistant.helpers import frame, issue_registry as ir
from homeassistant.setup import async_setup_component

from . import GREENHOUSE_NODE
from .events import TIMEOUT, wait_for_begin, wait_for_state
from .simulator import GoliothSimulator

LAST_LOG = "sensor.greenhouse_node_last_log"

# Runs for each log, and leaves a trace of each run.
AUTOMATION = {
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
    """The message and the source of the log of each run of the automation, in order."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self._added = asyncio.Event()

    @callback
    def async_handle_run(self, call: ServiceCall) -> None:
        """Keep a run."""
        self.append((call.data["message"], call.data["source"]))
        self._added.set()

    async def wait_for(self, number: int) -> None:
        """Wait until the automation has run that many times."""
        async with asyncio.timeout(TIMEOUT):
            while len(self) < number:
                self._added.clear()
                await self._added.wait()


@pytest.fixture
def runs() -> Runs:
    """Return the runs of the automation, in every life."""
    return Runs()


@asynccontextmanager
async def life(config_dir: Path, runs: Runs) -> AsyncIterator[HomeAssistant]:
    """Run a Home Assistant with the automation: what it starts with is what the one before has stored."""
    async with async_test_home_assistant(
        # Its own registries would be in memory only.
        load_registries=False,
        config_dir=str(config_dir),
        initial_state=CoreState.not_running,
    ) as hass:
        hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
        frame.async_setup(hass)
        assert await async_load_base_functionality(hass)
        hass.services.async_register("test", "run", runs.async_handle_run)
        try:
            assert await async_setup_component(
                hass, "automation", {"automation": [AUTOMATION]}
            )
            if hass.config_entries.async_entries(DOMAIN):
                assert await async_setup_component(hass, DOMAIN, {})
            await hass.async_start()
            yield hass
        finally:
            await hass.async_stop(force=True)


async def add_project(
    hass: HomeAssistant, simulator: GoliothSimulator, options: dict[str, Any]
) -> None:
    """Set the simulated project up, and wait until its logs are received."""
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


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("retired", [False, True], ids=["streaming", "polling"])
@pytest.mark.parametrize("options", [{"poll_interval": 0.2}])
async def test_logs_while_home_assistant_is_down(
    tmp_path: Path,
    simulator: GoliothSimulator,
    runs: Runs,
    options: dict[str, Any],
    retired: bool,
) -> None:
    """An automation runs once for each log that was sent before, while and after Home Assistant was down, and for none twice."""
    simulator.log("from before the set-up", device=GREENHOUSE_NODE)
    if retired:
        simulator.retire()
    async with life(tmp_path, runs) as hass:
        await add_project(hass, simulator, options)
        for number in range(20):
            simulator.log(f"up {number}", device=GREENHOUSE_NODE)
        await runs.wait_for(20)

    for number in range(150):
        simulator.log(f"down {number}", device=GREENHOUSE_NODE)

    async with life(tmp_path, runs) as hass:
        await runs.wait_for(170)
        await wait_for_state(hass, LAST_LOG, "down 149")
        for number in range(20):
            simulator.log(f"up again {number}", device=GREENHOUSE_NODE)
        await runs.wait_for(190)
        await wait_for_state(hass, LAST_LOG, "up again 19")
        await hass.async_block_till_done()

    assert [message for message, _source in runs] == [
        *(f"up {number}" for number in range(20)),
        *(f"down {number}" for number in range(150)),
        *(f"up again {number}" for number in range(20)),
    ]
    assert {source for _message, source in runs[20:170]} == (
        {"poll"} if retired else {"catch_up"}
    )


@pytest.mark.usefixtures("impatient")
async def test_logs_while_home_assistant_stops(
    tmp_path: Path, simulator: GoliothSimulator, runs: Runs
) -> None:
    """Restarts in the middle of steady traffic neither lose nor repeat a run."""
    sent = 0

    async def send() -> None:
        nonlocal sent
        while True:
            sent += 1
            simulator.log(str(sent), device=GREENHOUSE_NODE)
            await asyncio.sleep(0.005)

    async with life(tmp_path, runs) as hass:
        await add_project(hass, simulator, {})
        traffic = asyncio.create_task(send())
        await runs.wait_for(50)
    for _ in range(2):
        async with life(tmp_path, runs):
            await runs.wait_for(sent + 50)
    traffic.cancel()
    async with life(tmp_path, runs):
        await runs.wait_for(sent)
    assert sorted(int(message) for message, _source in runs) == list(range(1, sent + 1))


@pytest.mark.usefixtures("impatient")
async def test_storage_that_is_damaged(
    tmp_path: Path,
    simulator: GoliothSimulator,
    runs: Runs,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A file that is no JSON any more is said by Home Assistant, and the project goes on from now."""
    async with life(tmp_path, runs) as hass:
        await add_project(hass, simulator, {})
    (stored,) = (tmp_path / ".storage").glob(f"{DOMAIN}.*")
    assert stored.stat().st_mode & 0o077 == 0
    stored.write_bytes(stored.read_bytes()[:20])
    simulator.log("down", device=GREENHOUSE_NODE)

    async with life(tmp_path, runs) as hass:
        await wait_for_state(hass, LAST_LOG, "down")
        simulator.log("up", device=GREENHOUSE_NODE)
        await runs.wait_for(1)
        assert runs == [("up", "stream")]
        assert [
            issue.translation_key for issue in ir.async_get(hass).issues.values()
        ] == ["storage_corruption"]
        (entry,) = hass.config_entries.async_entries(DOMAIN)
        await hass.config_entries.async_remove(entry.entry_id)
    assert not stored.exists()
    assert caplog.text.count("Unrecoverable error decoding storage") == 1
