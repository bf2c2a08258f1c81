"""Tests that this release continues with older releases' files.

Home Assistant is real: nothing is mocked.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import json
from pathlib import Path
import re
import shutil
import time
from typing import Any, Final

from awesomeversion import AwesomeVersion
import pytest

from custom_components.golioth.const import DOMAIN
from custom_components.golioth.issues import async_report_new_start
from homeassistant.components import persistent_notification
from homeassistant.config_entries import SOURCE_USER, ConfigEntry, ConfigEntryState
from homeassistant.const import ATTR_RESTORED
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er, issue_registry as ir

from . import GREENHOUSE_NODE, WATER_METER
from .events import wait_for_state
from .sessions import EACH_LOG, Runs, session
from .simulator import GoliothSimulator
from .simulator.timestamps import NANOSECONDS, format_timestamp, parse_timestamp

# The files of each release that changed their format, in a folder named by its version.
RELEASES: Final = sorted(
    (Path(__file__).parent / "fixtures" / "releases").iterdir(),
    key=lambda folder: AwesomeVersion(folder.name),
)
FILES: Final = (
    "core.config_entries",
    "core.device_registry",
    "core.entity_registry",
    f"{DOMAIN}.*",
)

# When the recorded service began. Only its own clock counts.
BEGIN: Final = parse_timestamp("2026-11-01T12:00:00Z")

LAST_LOG: Final = "sensor.greenhouse_node_last_log"

OPTIONS: Final = {
    "minimum_level": "info",
    "include_modules": ["app", "power"],
    "exclude_modules": ["noise"],
    "poll_interval": 45,
    "catch_up_window": 2.5,
}

# Keys that are names, not IDs or numbers.
NAME: Final = re.compile(r"[a-z_]+")

pytestmark = pytest.mark.usefixtures("impatient", "socket_enabled")


@asynccontextmanager
async def service(seconds: int = 0) -> AsyncIterator[GoliothSimulator]:
    """Run the Golioth service, some seconds after it began."""
    ahead = BEGIN + seconds * NANOSECONDS - time.time_ns()
    async with GoliothSimulator(clock=lambda: time.time_ns() + ahead) as simulator:
        simulator.add_device("greenhouse-node", device_id=GREENHOUSE_NODE)
        simulator.add_device("water-meter", device_id=WATER_METER)
        yield simulator


def log(simulator: GoliothSimulator, message: str, seconds: int = 0) -> None:
    """Send a log with a timestamp after the service's begin."""
    simulator.log(
        message,
        device=GREENHOUSE_NODE,
        module="power",
        metadata={"voltage": 3.3, "cells": [1, 2]},
        timestamp=format_timestamp(BEGIN + seconds * NANOSECONDS),
    )


def log_delivered(simulator: GoliothSimulator) -> None:
    """Send the logs that the stored files count as delivered.

    Two of these are equal.
    """
    for message in ("first", "twin", "twin", "last"):
        log(simulator, message)


async def set_up(hass: HomeAssistant, simulator: GoliothSimulator) -> None:
    """Set up the project as a user, with every option."""
    flows = hass.config_entries.flow
    form = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flows.async_configure(
        form["flow_id"],
        {
            "project_id": simulator.project_id,
            "api_key": simulator.api_key,
            "advanced": {"api_url": simulator.url},
        },
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await wait_for_state(hass, "binary_sensor.demo_project_connection", "on")
    handshakes = len(simulator.handshakes)
    options = hass.config_entries.options
    form = await options.async_init(result["result"].entry_id)
    changed = await options.async_configure(form["flow_id"], OPTIONS)
    assert changed["type"] is FlowResultType.CREATE_ENTRY
    await simulator.wait_until(lambda: len(simulator.handshakes) > handshakes)
    await simulator.wait_for_streams(1)


def restore(release: Path, config_dir: Path, simulator: GoliothSimulator) -> None:
    """Restore a release's files, with the simulator's address."""
    shutil.copytree(release, config_dir / ".storage")
    entry_of(config_dir, {"data": {"api_url": simulator.url}})


def notifications_of(
    hass: HomeAssistant,
) -> list[persistent_notification.Notification]:
    """Return the user's notifications."""
    return [*persistent_notification._async_get_or_create_notifications(hass).values()]


def change(path: Path, changes: dict[str, Any]) -> None:
    """Change a stored file."""
    stored = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(_merged(stored, changes)), "utf-8")


def entry_of(config_dir: Path, changes: dict[str, Any]) -> dict[str, Any]:
    """Change the project's stored entry, and return it."""
    path = config_dir / ".storage" / "core.config_entries"
    stored = json.loads(path.read_text("utf-8"))
    (entry,) = stored["data"]["entries"]
    stored["data"]["entries"] = [_merged(entry, changes)]
    path.write_text(json.dumps(stored), "utf-8")
    return dict(stored["data"]["entries"][0])


def _merged(content: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return content | {
        key: _merged(content[key], value)
        if isinstance(value, dict) and key in content
        else value
        for key, value in changes.items()
    }


def stored_files(config_dir: Path) -> list[Path]:
    """Return the project's files: resume point and silences."""
    return sorted((config_dir / ".storage").glob(f"{DOMAIN}.*"))


def loaded_entry(hass: HomeAssistant) -> ConfigEntry:
    """Return the project's entry, which is loaded."""
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert entry.state is ConfigEntryState.LOADED
    return entry


async def expect_continuation(
    config_dir: Path, runs: Runs, simulator: GoliothSimulator
) -> None:
    """Check that delivery continues from the stored files.

    Each log since is delivered and none from before; devices and entities stay.
    """
    log_delivered(simulator)
    for number in range(3):
        log(simulator, f"down {number}", seconds=30 + number)
    async with session(config_dir, runs, EACH_LOG) as hass:
        await wait_for_state(hass, LAST_LOG, "down 2")
        await simulator.wait_for_streams(1)
        log(simulator, "live", seconds=120)
        await wait_for_state(hass, LAST_LOG, "live")
        await hass.async_block_till_done()
        assert runs == [
            *((f"down {number}", "catch_up") for number in range(3)),
            ("live", "stream"),
        ]
        assert not ir.async_get(hass).issues
        entry = loaded_entry(hass)
        assert dict(entry.options) == OPTIONS
        for entity in er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        ):
            state = hass.states.get(entity.entity_id)
            if entity.disabled_by is None:
                assert state is not None
                assert ATTR_RESTORED not in state.attributes, entity
            assert not entity.entity_id.endswith("_2")


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
async def test_release(tmp_path: Path, runs: Runs, release: Path) -> None:
    """Delivery continues from a release's files.

    No log is lost or repeated.
    """
    async with service(seconds=120) as simulator:
        restore(release, tmp_path, simulator)
        await expect_continuation(tmp_path, runs, simulator)


async def test_range_that_was_not_counted(
    tmp_path: Path, runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    """Ranges that 0.1.0 gave up count as delivered.

    It did not count their logs.
    """
    second = BEGIN // NANOSECONDS
    async with service(seconds=120) as simulator:
        restore(RELEASES[0], tmp_path, simulator)
        resume_point, _listening = stored_files(tmp_path)
        holes = [[second - 200, second - 100]]
        change(resume_point, {"data": {"delivered": {"holes": holes}}})
        log(simulator, "of that time", seconds=-150)
        await expect_continuation(tmp_path, runs, simulator)
    assert "unusable" not in caplog.text


def form(value: Any, key: str = "") -> Any:
    """Return the structure of stored data.

    It has names and types, and the values of versions.
    """
    match value:
        case dict():
            return {
                (name if NAME.fullmatch(name) else "*"): form(each, name)
                for name, each in value.items()
            }
        case list():
            return [form(each) for each in value]
        case _ if key in ("version", "minor_version"):
            return value
        case _:
            return type(value).__name__


def forms(storage: Path) -> list[Any]:
    """Return the structures of a project's entry and files."""
    stored = json.loads((storage / "core.config_entries").read_text("utf-8"))
    (entry,) = stored["data"]["entries"]
    own = ("version", "minor_version", "unique_id", "data", "options")
    kept = [
        json.loads(path.read_text("utf-8"))
        for path in sorted(storage.glob(f"{DOMAIN}.*"))
    ]
    return [form(each) for each in ({key: entry[key] for key in own}, *kept)]


async def test_present_form(tmp_path: Path, runs: Runs) -> None:
    """Stored data has the structure of the newest release."""
    async with service() as simulator, session(tmp_path, runs, EACH_LOG) as hass:
        await set_up(hass, simulator)
        log_delivered(simulator)
        await runs.wait_for(4)
        await wait_for_state(hass, LAST_LOG, "last")
    record = tmp_path / "release"
    record.mkdir()
    for pattern in FILES:
        for path in (tmp_path / ".storage").glob(pattern):
            shutil.copy(path, record)
    assert forms(record) == forms(RELEASES[-1]), (
        "What is stored has changed. Raise its version, migrate what earlier releases have stored, and copy"
        f" {record} to {RELEASES[-1].parent}, named by the version of the integration"
    )


async def test_newer_minor_version(tmp_path: Path, runs: Runs) -> None:
    """A newer minor version stops nothing."""
    async with service(seconds=120) as simulator:
        restore(RELEASES[-1], tmp_path, simulator)
        entry_of(tmp_path, {"minor_version": 9, "data": {"region": "eu"}})
        for path in stored_files(tmp_path):
            change(path, {"minor_version": 9, "data": {"region": "eu"}})
        await expect_continuation(tmp_path, runs, simulator)


@pytest.mark.parametrize("version", [0, 2])
async def test_other_version_of_the_entry(
    tmp_path: Path, runs: Runs, version: int, caplog: pytest.LogCaptureFixture
) -> None:
    """An entry of an unknown version is left alone.

    Its files stay as well, so that another release can continue.
    """
    async with service(seconds=120) as simulator:
        restore(RELEASES[-1], tmp_path, simulator)
        stored = entry_of(tmp_path, {"version": version})
        kept = [path.read_text("utf-8") for path in stored_files(tmp_path)]
        async with session(tmp_path, runs, EACH_LOG) as hass:
            (entry,) = hass.config_entries.async_entries(DOMAIN)
            assert entry.state is ConfigEntryState.MIGRATION_ERROR
        assert entry_of(tmp_path, {}) == stored
        assert [path.read_text("utf-8") for path in stored_files(tmp_path)] == kept
        assert not simulator.requests
        assert not simulator.handshakes
    if version > 1:
        assert "has version 2 which is higher than the current version 1" in caplog.text


async def test_newer_version_of_the_files(
    tmp_path: Path, runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    """Files of a newer version start the project anew.

    A notification reports it.
    """
    async with service(seconds=120) as simulator:
        restore(RELEASES[-1], tmp_path, simulator)
        files = list(stored_files(tmp_path))
        for path in files:
            change(path, {"version": 2})
        log(simulator, "down", seconds=30)
        async with session(tmp_path, runs, EACH_LOG) as hass:
            await wait_for_state(hass, LAST_LOG, "down")
            entry = loaded_entry(hass)
            await simulator.wait_for_streams(1)
            log(simulator, "live", seconds=120)
            await runs.wait_for(1)
            assert runs == [("live", "stream")]
            assert caplog.text.count("cannot be read") == len(files) == 3

            # The user can repair nothing.
            assert not ir.async_get(hass).issues
            (notification,) = notifications_of(hass)
            assert notification["title"] == (
                f"Logs of {entry.title} may not have been delivered"
            )
            assert "Home Assistant started anew" in notification["message"]
            assert entry.title not in notification["message"]

        # The new files are read again.
        log(simulator, "down again", seconds=121)
        async with session(tmp_path, runs, EACH_LOG) as hass:
            await runs.wait_for(2)
            assert runs == [("live", "stream"), ("down again", "catch_up")]
            assert not notifications_of(hass)


async def test_notification_in_the_language_of_the_server(
    tmp_path: Path, runs: Runs
) -> None:
    """The notification is in Home Assistant's language."""
    async with service(seconds=120) as simulator:
        restore(RELEASES[-1], tmp_path, simulator)
        for path in stored_files(tmp_path):
            change(path, {"version": 2})
        async with session(tmp_path, runs, EACH_LOG) as hass:
            (entry,) = hass.config_entries.async_entries(DOMAIN)
            hass.config.language = "de"
            await async_report_new_start(hass, entry)
            (notification,) = notifications_of(hass)
            assert notification["title"] == (
                f"Protokolleinträge von {entry.title} wurden möglicherweise nicht zugestellt"
            )


async def test_notification_of_a_project_that_is_removed(
    tmp_path: Path, runs: Runs
) -> None:
    """The notification is removed with the project."""
    async with service(seconds=120) as simulator:
        restore(RELEASES[-1], tmp_path, simulator)
        for path in stored_files(tmp_path):
            change(path, {"version": 2})
        async with session(tmp_path, runs, EACH_LOG) as hass:
            assert len(notifications_of(hass)) == 1
            await hass.config_entries.async_remove(loaded_entry(hass).entry_id)
            assert not notifications_of(hass)
        assert [each.name for each in stored_files(tmp_path)] == [f"{DOMAIN}.removed"]
