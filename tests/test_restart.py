"""Tests of restarts with two sessions on one storage.

Nothing is mocked.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from custom_components.golioth.const import DOMAIN
from homeassistant.helpers import issue_registry as ir

from . import GREENHOUSE_NODE
from .events import wait_for_state
from .sessions import EACH_LOG, Runs, add_project, session
from .simulator import GoliothSimulator

LAST_LOG = "sensor.greenhouse_node_last_log"


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
    """A restart delivers each log once.

    An automation runs for those before, during, and after the downtime.
    """
    simulator.log("from before the set-up", device=GREENHOUSE_NODE)
    if retired:
        simulator.retire()
    async with session(tmp_path, runs, EACH_LOG) as hass:
        await add_project(hass, simulator, options)
        for number in range(20):
            simulator.log(f"up {number}", device=GREENHOUSE_NODE)
        await runs.wait_for(20)

    for number in range(150):
        simulator.log(f"down {number}", device=GREENHOUSE_NODE)

    async with session(tmp_path, runs, EACH_LOG) as hass:
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
    assert {source for _message, source in runs[20:170]} == {"catch_up"}
    if retired:
        regular = runs[:20] + runs[170:]
        assert {source for _message, source in regular} == {"poll"}


@pytest.mark.usefixtures("impatient")
async def test_logs_while_home_assistant_stops(
    tmp_path: Path, simulator: GoliothSimulator, runs: Runs
) -> None:
    """Restarts during traffic neither lose nor repeat a log."""
    sent = 0

    async def send() -> None:
        nonlocal sent
        while True:
            sent += 1
            simulator.log(str(sent), device=GREENHOUSE_NODE)
            await asyncio.sleep(0.005)

    async with session(tmp_path, runs, EACH_LOG) as hass:
        await add_project(hass, simulator, {})
        traffic = asyncio.create_task(send())
        await runs.wait_for(50)
    for _ in range(2):
        async with session(tmp_path, runs, EACH_LOG):
            await runs.wait_for(sent + 50)
    traffic.cancel()
    async with session(tmp_path, runs, EACH_LOG):
        await runs.wait_for(sent)
    assert sorted(int(message) for message, _source in runs) == list(range(1, sent + 1))


@pytest.mark.usefixtures("impatient")
async def test_storage_that_is_damaged(
    tmp_path: Path,
    simulator: GoliothSimulator,
    runs: Runs,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A damaged file is reported, and the project goes on.

    Home Assistant reports a file that is no longer JSON. The project goes on from now.
    """
    async with session(tmp_path, runs, EACH_LOG) as hass:
        await add_project(hass, simulator, {})
    stored, _listening = sorted((tmp_path / ".storage").glob(f"{DOMAIN}.*"))
    assert stored.stat().st_mode & 0o077 == 0
    stored.write_bytes(stored.read_bytes()[:20])
    simulator.log("down", device=GREENHOUSE_NODE)

    async with session(tmp_path, runs, EACH_LOG) as hass:
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
