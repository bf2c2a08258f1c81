"""Tests of the repair for logs that were not delivered."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.golioth.const import DOMAIN
from custom_components.golioth.gap import Gap, async_report_gap
from homeassistant.components.repairs import (
    DOMAIN as REPAIRS_DOMAIN,
    RepairsFlowManager,
    repairs_flow_manager,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData, UnknownStep
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from . import GREENHOUSE_NODE
from .events import LogEvents
from .simulator import GoliothSimulator

HOUR = 3_600_000_000_000

# Noon of a day in winter, when the tests' time zone is 8 hours behind UTC.
NOON = int(datetime(2026, 1, 15, 20, tzinfo=UTC).timestamp()) * 1_000_000_000

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
async def repairs(hass: HomeAssistant) -> RepairsFlowManager:
    """Set repairs up."""
    assert await async_setup_component(hass, REPAIRS_DOMAIN, {})
    manager = repairs_flow_manager(hass)
    assert manager is not None
    return manager


def issue_id(entry: MockConfigEntry) -> str:
    """Return the ID of a project's repair."""
    return f"gap_{entry.entry_id}"


def issue_of(
    issue_registry: ir.IssueRegistry, entry: MockConfigEntry
) -> ir.IssueEntry | None:
    """Return the repair of a project, if it has one."""
    return issue_registry.async_get_issue(DOMAIN, issue_id(entry))


def times(issue_registry: ir.IssueRegistry, entry: MockConfigEntry) -> tuple[str, str]:
    """Return from when to when the repair of a project says that logs were not delivered."""
    issue = issue_of(issue_registry, entry)
    assert issue is not None
    assert issue.translation_placeholders is not None
    return (
        issue.translation_placeholders["start"],
        issue.translation_placeholders["end"],
    )


async def be_down(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_storage: dict[str, Any],
    hours: float,
) -> None:
    """Unload a project, and let it look as if that had been hours ago."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    data = hass_storage[f"golioth.{entry.entry_id}"]["data"]
    data["time_ns"] -= int(hours * HOUR)
    data["delivered"] = {"floor": 0, "holes": [], "seconds": {}}


def ago(hours: float) -> str:
    """Return a time in the past, as Golioth writes it."""
    moment = datetime.now(UTC) - timedelta(hours=hours)
    return moment.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("options", [{"exclude_modules": ["noise"]}])
async def test_gap(
    hass: HomeAssistant,
    options: dict[str, Any],
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    hass_storage: dict[str, Any],
    issue_registry: ir.IssueRegistry,
    repairs: RepairsFlowManager,
) -> None:
    """A gap that is larger than the window is told, and the window raised to what it would have taken."""
    await be_down(hass, streaming, hass_storage, 2.5)
    simulator.log("too old", device=GREENHOUSE_NODE, timestamp=ago(2))
    simulator.log("caught up", device=GREENHOUSE_NODE, timestamp=ago(0.5))
    assert await hass.config_entries.async_setup(streaming.entry_id)
    await log_events.wait_for(1)
    assert log_events.messages == ["caught up"]
    assert log_events[0]["source"] == "catch_up"

    issue = issue_of(issue_registry, streaming)
    assert issue is not None
    assert issue.severity is ir.IssueSeverity.WARNING
    assert issue.is_fixable
    assert issue.is_persistent
    start, end = times(issue_registry, streaming)
    gap = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    assert timedelta(hours=1.5) <= gap <= timedelta(hours=1.5, seconds=60)

    form = await repairs.async_init(DOMAIN, context={"issue_id": issue_id(streaming)})
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "confirm"
    assert form["description_placeholders"] == {
        "project": "Demo project",
        "start": start,
        "end": end,
        "needed": "3",
        "longest": "24",
    }
    data_schema = form["data_schema"]
    assert data_schema is not None
    assert data_schema({}) == {"catch_up_window": 3}
    for window in (-1, 25):
        with pytest.raises(InvalidData):
            await repairs.async_configure(form["flow_id"], {"catch_up_window": window})

    handshakes = len(simulator.handshakes)
    result = await repairs.async_configure(form["flow_id"], {"catch_up_window": 4})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert issue_of(issue_registry, streaming) is None
    assert streaming.options == options | {"catch_up_window": 4}
    await simulator.wait_until(lambda: len(simulator.handshakes) > handshakes)
    await hass.async_block_till_done()

    # The next time, the same interruption leaves no gap.
    await be_down(hass, streaming, hass_storage, 3.5)
    simulator.log("old", device=GREENHOUSE_NODE, timestamp=ago(3))
    assert await hass.config_entries.async_setup(streaming.entry_id)
    await log_events.wait_for(2)
    assert "old" in log_events.messages
    assert issue_of(issue_registry, streaming) is None


async def test_window_that_is_not_changed(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    issue_registry: ir.IssueRegistry,
    repairs: RepairsFlowManager,
) -> None:
    """Who leaves the window as it is has read what there was to tell."""
    hass.config_entries.async_update_entry(streaming, options={"catch_up_window": 12})
    async_report_gap(hass, streaming, NOON, NOON + HOUR)
    form = await repairs.async_init(DOMAIN, context={"issue_id": issue_id(streaming)})
    handshakes = len(simulator.handshakes)
    await repairs.async_configure(form["flow_id"], {"catch_up_window": 12})
    await hass.async_block_till_done()
    assert issue_of(issue_registry, streaming) is None
    assert len(simulator.handshakes) == handshakes


async def test_gap_of_days(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    repairs: RepairsFlowManager,
) -> None:
    """Where no window would have held the gap, the longest one is offered, and what is said stays true."""
    async_report_gap(hass, streaming, NOON, NOON + 48 * HOUR)
    assert times(issue_registry, streaming) == (
        "2026-01-15 12:00:00",
        "2026-01-17 12:00:00",
    )
    form = await repairs.async_init(DOMAIN, context={"issue_id": issue_id(streaming)})
    assert (form["description_placeholders"] or {})["needed"] == "49"
    data_schema = form["data_schema"]
    assert data_schema is not None
    assert data_schema({}) == {"catch_up_window": 24}


async def test_two_gaps(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """A gap that touches the one before is told together with it; another one takes its place."""
    async_report_gap(hass, streaming, NOON, NOON + HOUR)
    async_report_gap(hass, streaming, NOON + HOUR, NOON + 2 * HOUR)
    assert times(issue_registry, streaming) == (
        "2026-01-15 12:00:00",
        "2026-01-15 14:00:00",
    )
    async_report_gap(hass, streaming, NOON + 5 * HOUR, NOON + 6 * HOUR + 1)
    assert times(issue_registry, streaming) == (
        "2026-01-15 17:00:00",
        "2026-01-15 18:00:01",
    )
    assert len(issue_registry.issues) == 1


@pytest.mark.parametrize("start", [-HOUR, 0, 9 * 10**30])
async def test_gap_at_no_time(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    start: int,
) -> None:
    """No time is too far off to be told."""
    async_report_gap(hass, streaming, start, start + HOUR)
    assert issue_of(issue_registry, streaming) is not None


async def test_project_that_is_removed(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    repairs: RepairsFlowManager,
) -> None:
    """The repair goes with its project, also when its form is open."""
    async_report_gap(hass, streaming, NOON, NOON + HOUR)
    form = await repairs.async_init(DOMAIN, context={"issue_id": issue_id(streaming)})
    await hass.config_entries.async_remove(streaming.entry_id)
    assert issue_of(issue_registry, streaming) is None
    result = await repairs.async_configure(form["flow_id"], {"catch_up_window": 2})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "gone"
    with pytest.raises(UnknownStep):
        await repairs.async_init(DOMAIN, context={"issue_id": issue_id(streaming)})


async def test_repair_of_another_version(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    repairs: RepairsFlowManager,
) -> None:
    """A repair whose data cannot be read can be confirmed, and is replaced by the next gap."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id(streaming),
        data={"entry_id": streaming.entry_id},
        is_fixable=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key="gap",
    )
    form = await repairs.async_init(DOMAIN, context={"issue_id": issue_id(streaming)})
    async_report_gap(hass, streaming, NOON, NOON + HOUR)
    assert times(issue_registry, streaming)[0] == "2026-01-15 12:00:00"
    result = await repairs.async_configure(form["flow_id"], {})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_retired_stream(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    issue_registry: ir.IssueRegistry,
) -> None:
    """Nobody is told to repair what only Golioth could."""
    simulator.retire()
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await simulator.wait_until(lambda: len(simulator.handshakes) > 4)
    assert not issue_registry.issues


@pytest.mark.parametrize(
    ("seconds", "window", "needed"),
    [(1, 1, 2), (3600, 1, 2), (3601, 1, 3), (1, 0.5, 1), (1800, 0.5, 1), (1, 0, 1)],
)
def test_needed_window(seconds: int, window: float, needed: int) -> None:
    """It is the shortest whole number of hours that leaves no gap."""
    assert Gap(start=0, end=seconds, window=window).needed_window == needed
