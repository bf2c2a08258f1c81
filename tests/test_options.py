"""Tests of the options of a project."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData

from .events import LogEvents
from .simulator import GoliothSimulator

DEFAULTS = {
    "minimum_level": "debug",
    "include_modules": [],
    "exclude_modules": [],
    "poll_interval": 30,
    "catch_up_window": 1,
}


def shown(form: Any) -> dict[str, Any]:
    """Return the initial values of a form's fields."""
    return {
        str(key): (key.description or {}).get("suggested_value", key.default())
        for key in form["data_schema"].schema
    }


async def test_defaults(hass: HomeAssistant, streaming: MockConfigEntry) -> None:
    """The form shows the defaults."""
    form = await hass.config_entries.options.async_init(streaming.entry_id)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "init"
    assert shown(form) == DEFAULTS
    feed = streaming.runtime_data.feed
    assert (feed._poll_interval, feed._filler._lost._catch_up_window) == (30, 3600)


async def test_change(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """Changed options apply at once and are shown again."""
    options = {
        "minimum_level": "warn",
        "include_modules": ["net", "Net"],
        "exclude_modules": ["power"],
        "poll_interval": 10,
        "catch_up_window": 2.5,
    }
    handshakes = len(simulator.handshakes)
    form = await hass.config_entries.options.async_init(streaming.entry_id)
    result = await hass.config_entries.options.async_configure(form["flow_id"], options)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert streaming.options == options
    await simulator.wait_until(lambda: len(simulator.handshakes) > handshakes)
    await simulator.wait_for_streams(1)
    feed = streaming.runtime_data.feed
    assert (feed._poll_interval, feed._filler._lost._catch_up_window) == (10, 9000)
    simulator.log("left out", module="net")
    simulator.log("wanted", module="net", level="WARN")
    await log_events.wait_for(1)
    assert log_events.messages == ["wanted"]

    form = await hass.config_entries.options.async_init(streaming.entry_id)
    assert shown(form) == options


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("options", "polls"),
    [({}, range(1, 3)), ({"poll_interval": 0.1}, range(10, 100))],
)
async def test_poll_interval(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    polls: range,
) -> None:
    """Logs are polled at the interval in the options."""
    simulator.retire()
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    # This many attempts to stream take some two seconds.
    await simulator.wait_until(lambda: len(simulator.handshakes) > 5)
    found = [each for each in simulator.requests if each.path.endswith("/logs")]
    assert len(found) in polls


@pytest.mark.parametrize(
    "options",
    [
        {"poll_interval": 9, "catch_up_window": 1},
        {"poll_interval": 601, "catch_up_window": 1},
        {"poll_interval": 30, "catch_up_window": -1},
        {"poll_interval": 30, "catch_up_window": 24.5},
        DEFAULTS | {"minimum_level": "NONE"},
        DEFAULTS | {"include_modules": "net"},
        DEFAULTS | {"exclude_modules": [1]},
    ],
    ids=str,
)
async def test_out_of_range(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    options: dict[str, Any],
) -> None:
    """Values out of range are refused.

    The form can be sent again.
    """
    hass.config_entries.async_update_entry(config_entry, options={})
    form = await hass.config_entries.options.async_init(config_entry.entry_id)
    with pytest.raises(InvalidData):
        await hass.config_entries.options.async_configure(form["flow_id"], options)
    assert config_entry.options == {}

    result = await hass.config_entries.options.async_configure(
        form["flow_id"], {"poll_interval": 600, "catch_up_window": 24}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    "options",
    [
        {"poll_interval": 10, "catch_up_window": 0},
        {"poll_interval": 600, "catch_up_window": 24},
    ],
    ids=str,
)
async def test_limits(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    options: dict[str, float],
) -> None:
    """The ends of the ranges are allowed."""
    hass.config_entries.async_update_entry(config_entry, options={})
    form = await hass.config_entries.options.async_init(config_entry.entry_id)
    await hass.config_entries.options.async_configure(form["flow_id"], options)
    assert config_entry.options == DEFAULTS | options


async def test_names_of_modules(
    hass: HomeAssistant, config_entry: MockConfigEntry
) -> None:
    """Module names are stored as typed, and once.

    Characters that are invisible or cannot be stored are removed.
    """
    form = await hass.config_entries.options.async_init(config_entry.entry_id)
    await hass.config_entries.options.async_configure(
        form["flow_id"],
        DEFAULTS
        | {
            "include_modules": [" net", "Net", "net ", "  ", "net\0", "\0"],
            "exclude_modules": ["my module", "a\ud800"],
        },
    )
    assert config_entry.options["include_modules"] == ["net", "Net"]
    assert config_entry.options["exclude_modules"] == ["my module", "a\ufffd"]


async def test_modules_that_are_taken_out(
    hass: HomeAssistant, config_entry: MockConfigEntry
) -> None:
    """A list of modules can be emptied again.

    This holds even if the form does not send it. Other options stay.
    """
    hass.config_entries.async_update_entry(
        config_entry,
        options={"include_modules": ["net"], "of_another_version": True},
    )
    form = await hass.config_entries.options.async_init(config_entry.entry_id)
    assert shown(form) == DEFAULTS | {"include_modules": ["net"]}
    await hass.config_entries.options.async_configure(
        form["flow_id"],
        {"minimum_level": "debug", "poll_interval": 30, "catch_up_window": 1},
    )
    assert config_entry.options == DEFAULTS | {"of_another_version": True}
