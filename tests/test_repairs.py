"""Tests of the repair for logs that were not delivered."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.golioth.const import DOMAIN
from custom_components.golioth.issues import Gaps, async_report_gap
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

# Noon of a winter day, when the tests' time zone is 8 hours behind UTC.
NOON = int(datetime(2026, 1, 15, 20, tzinfo=UTC).timestamp()) * 1_000_000_000

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
async def repairs(hass: HomeAssistant) -> RepairsFlowManager:
    """Set up repairs."""
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


def placeholders(
    issue_registry: ir.IssueRegistry, entry: MockConfigEntry
) -> dict[str, str]:
    """Return the placeholders of a project's repair."""
    issue = issue_of(issue_registry, entry)
    assert issue is not None
    assert issue.translation_placeholders is not None
    return issue.translation_placeholders


def times(issue_registry: ir.IssueRegistry, entry: MockConfigEntry) -> list[str]:
    """Return the repair's times of a project.

    Each has the form `start – end`.
    """
    lines = placeholders(issue_registry, entry)["times"].splitlines()
    assert all(line.startswith("- ") for line in lines)
    return [line.removeprefix("- ") for line in lines]


def report(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    start: float,
    end: float,
    *,
    now: float | None = None,
) -> None:
    """Report a gap, in hours after noon.

    By default it is reported one hour after its end.
    """
    moments = (start, end, end + 1 if now is None else now)
    async_report_gap(hass, entry, *(NOON + int(each * HOUR) for each in moments))


def create_old_issue(
    hass: HomeAssistant, entry: MockConfigEntry, **data: str | float | None
) -> None:
    """Create a repair as an earlier version did."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id(entry),
        data={"entry_id": entry.entry_id, **data},
        is_fixable=True,
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key="gap",
        translation_placeholders={
            "project": "Demo project",
            "start": "2026-01-15 12:00:00",
            "end": "2026-01-15 14:00:00",
            "needed": "3",
            "longest": "24",
        },
    )


async def simulate_downtime(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_storage: dict[str, Any],
    hours: float,
) -> None:
    """Unload a project, as if it were hours ago."""
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
    """A gap longer than the window raises the window.

    The repair reports the gap, and offers the window that would have covered it.
    """
    await simulate_downtime(hass, streaming, hass_storage, 2.5)
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
    (told,) = times(issue_registry, streaming)
    start, end = told.split(" – ")
    gap = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    assert timedelta(hours=1.5) <= gap <= timedelta(hours=1.5, seconds=60)

    form = await repairs.async_init(DOMAIN, context={"issue_id": issue_id(streaming)})
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "confirm"
    assert form["description_placeholders"] == {
        "project": "Demo project",
        "times": f"- {start} – {end}",
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
    await simulate_downtime(hass, streaming, hass_storage, 3.5)
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
    """Keeping the window closes the repair."""
    hass.config_entries.async_update_entry(streaming, options={"catch_up_window": 12})
    report(hass, streaming, 0, 1)
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
    """A gap of days offers the longest window.

    The text still names the window that the gap needed.
    """
    report(hass, streaming, 0, 48)
    assert times(issue_registry, streaming) == [
        "2026-01-15 12:00:00 – 2026-01-17 12:00:00"
    ]
    form = await repairs.async_init(DOMAIN, context={"issue_id": issue_id(streaming)})
    assert (form["description_placeholders"] or {})["needed"] == "49"
    data_schema = form["data_schema"]
    assert data_schema is not None
    assert data_schema({}) == {"catch_up_window": 24}


async def test_gaps_that_touch(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """Gaps that touch or overlap are reported as one.

    Their order does not matter.
    """
    report(hass, streaming, 0, 1)
    report(hass, streaming, 1, 2)
    report(hass, streaming, 1.5, 1.75)
    report(hass, streaming, 3, 4)
    assert times(issue_registry, streaming) == [
        "2026-01-15 12:00:00 – 2026-01-15 14:00:00",
        "2026-01-15 15:00:00 – 2026-01-15 16:00:00",
    ]
    report(hass, streaming, 2, 3.5)
    assert times(issue_registry, streaming) == [
        "2026-01-15 12:00:00 – 2026-01-15 16:00:00"
    ]


async def test_gaps_that_are_apart(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    repairs: RepairsFlowManager,
) -> None:
    """One repair lists separate gaps by time."""
    report(hass, streaming, 5, 6 + 1 / 3600)
    report(hass, streaming, 0, 1)
    told = [
        "2026-01-15 12:00:00 – 2026-01-15 13:00:00",
        "2026-01-15 17:00:00 – 2026-01-15 18:00:01",
    ]
    assert times(issue_registry, streaming) == told
    assert len(issue_registry.issues) == 1
    form = await repairs.async_init(DOMAIN, context={"issue_id": issue_id(streaming)})
    shown = form["description_placeholders"]
    assert shown == placeholders(issue_registry, streaming)


async def test_many_gaps(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """At most ten gaps are listed.

    Of more, those with the shortest time between them become one.
    """
    for hour in range(10):
        report(hass, streaming, hour, hour + 0.25)
    apart = times(issue_registry, streaming)
    assert len(apart) == 10
    report(hass, streaming, 4.5, 4.75)
    assert times(issue_registry, streaming) == [
        *apart[:4],
        "2026-01-15 16:00:00 – 2026-01-15 16:45:00",
        *apart[5:],
    ]
    report(hass, streaming, 30, 31)
    assert times(issue_registry, streaming) == [
        *apart[:4],
        "2026-01-15 16:00:00 – 2026-01-15 17:15:00",
        *apart[6:],
        "2026-01-16 18:00:00 – 2026-01-16 19:00:00",
    ]


async def test_window_of_several_gaps(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """The offered window covers all gaps so far.

    These are the gaps of one interruption, and of each one before.
    """
    # Ten hours after the last log, with logs delivered in between.
    for start, end in ((0, 1), (3, 3.5), (8, 9)):
        report(hass, streaming, start, end, now=10)
    assert placeholders(issue_registry, streaming)["needed"] == "10"
    assert len(times(issue_registry, streaming)) == 3
    report(hass, streaming, 50, 51)
    assert placeholders(issue_registry, streaming)["needed"] == "10"
    report(hass, streaming, 60, 74)
    assert placeholders(issue_registry, streaming)["needed"] == "15"


async def test_gap_within_the_window(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    repairs: RepairsFlowManager,
) -> None:
    """A gap within the window offers no longer window."""
    hass.config_entries.async_update_entry(streaming, options={"catch_up_window": 12})
    report(hass, streaming, 0, 1, now=11.5)
    form = await repairs.async_init(DOMAIN, context={"issue_id": issue_id(streaming)})
    data_schema = form["data_schema"]
    assert data_schema is not None
    assert data_schema({}) == {"catch_up_window": 12}


@pytest.mark.parametrize("start", [-HOUR, 0, 9 * 10**30])
async def test_gap_at_any_time(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    start: int,
) -> None:
    """Any time can be reported."""
    async_report_gap(hass, streaming, start, start + HOUR, start + 2 * HOUR)
    assert issue_of(issue_registry, streaming) is not None


async def test_project_that_is_removed(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    repairs: RepairsFlowManager,
) -> None:
    """The repair is removed with its project.

    This holds while its form is open, too.
    """
    report(hass, streaming, 0, 1)
    form = await repairs.async_init(DOMAIN, context={"issue_id": issue_id(streaming)})
    await hass.config_entries.async_remove(streaming.entry_id)
    assert issue_of(issue_registry, streaming) is None
    result = await repairs.async_configure(form["flow_id"], {"catch_up_window": 2})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "gone"
    with pytest.raises(UnknownStep):
        await repairs.async_init(DOMAIN, context={"issue_id": issue_id(streaming)})


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"start": 1, "end": 2},
        {"start": "then", "end": 2, "window": 1},
        {"gaps": "2026-01-15T20:00:00+00:00/2026-01-15T21:00:00+00:00"},
        {"gaps": "2026-01-15T20:00:00+00:00", "needed": 1},
        {"gaps": "then/now", "needed": 1},
        {"gaps": None, "needed": 1},
    ],
)
async def test_repair_that_cannot_be_read(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    repairs: RepairsFlowManager,
    data: dict[str, str | float | None],
) -> None:
    """An unreadable repair can be confirmed.

    The next gap replaces it.
    """
    create_old_issue(hass, streaming, **data)
    form = await repairs.async_init(DOMAIN, context={"issue_id": issue_id(streaming)})
    report(hass, streaming, 0, 1)
    assert times(issue_registry, streaming) == [
        "2026-01-15 12:00:00 – 2026-01-15 13:00:00"
    ]
    result = await repairs.async_configure(form["flow_id"], {})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_repair_of_an_earlier_version(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    repairs: RepairsFlowManager,
) -> None:
    """An old repair is shown in the present text.

    The next gap is added to it.
    """
    noon = NOON // 1_000_000_000
    create_old_issue(hass, streaming, start=noon, end=noon + 2 * 3600, window=1.0)
    form = await repairs.async_init(DOMAIN, context={"issue_id": issue_id(streaming)})
    shown = form["description_placeholders"] or {}
    assert shown["times"] == "- 2026-01-15 12:00:00 – 2026-01-15 14:00:00"
    data_schema = form["data_schema"]
    assert data_schema is not None
    assert data_schema({}) == {"catch_up_window": 3}

    report(hass, streaming, 5, 6)
    assert times(issue_registry, streaming) == [
        "2026-01-15 12:00:00 – 2026-01-15 14:00:00",
        "2026-01-15 17:00:00 – 2026-01-15 18:00:00",
    ]
    assert placeholders(issue_registry, streaming)["needed"] == "3"


async def test_retired_stream(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    issue_registry: ir.IssueRegistry,
) -> None:
    """A stream that Golioth has retired is no repair."""
    simulator.retire()
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await simulator.wait_until(lambda: len(simulator.handshakes) > 4)
    assert not issue_registry.issues


@pytest.mark.parametrize(
    ("seconds", "window", "needed"),
    [(1, 1, 2), (3600, 1, 2), (3601, 1, 3), (1, 0.5, 1), (1800, 0.5, 1), (1, 0, 1)],
)
async def test_needed_window(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    seconds: int,
    window: float,
    needed: int,
) -> None:
    """The window is the shortest that leaves no gap.

    It has whole hours. This holds for repairs of earlier versions, too.
    """
    report(hass, streaming, 0, seconds / 3600, now=seconds / 3600 + window)
    assert placeholders(issue_registry, streaming)["needed"] == str(needed)
    assert (issue := issue_of(issue_registry, streaming)) is not None
    assert Gaps.from_issue(issue.data) == Gaps.from_issue(
        {"start": NOON // 10**9, "end": NOON // 10**9 + seconds, "window": window}
    )
