"""Tests of the options that leave out logs."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.golioth.client import LEVELS, LogEntry
from custom_components.golioth.logs.options_filter import OptionsFilter
from homeassistant.core import HomeAssistant

from .. import GREENHOUSE_NODE
from ..events import (
    LogEvents,
    state_of,
    wait_for_begin,
    wait_for_live_logs,
    wait_for_state,
)
from ..simulator import GoliothSimulator

LOG = "event.greenhouse_node_log"
LAST_LOG = "sensor.greenhouse_node_last_log"

WARNINGS_OF_NET = {"minimum_level": "warn", "include_modules": ["net"]}


def log(level: str = "info", module: str = "app") -> LogEntry:
    """Return a log with a level and a module."""
    return LogEntry("", None, "LOGGING", level, module, "", "text", {}, "")


async def set_options(
    hass: HomeAssistant, entry: MockConfigEntry, options: dict[str, Any]
) -> None:
    """Change the options as a user does."""
    form = await hass.config_entries.options.async_init(entry.entry_id)
    await hass.config_entries.options.async_configure(
        form["flow_id"], {"poll_interval": 30, "catch_up_window": 1, **options}
    )
    # The change reloads the entry.
    await hass.async_block_till_done()


@pytest.mark.parametrize(
    ("minimum_level", "expected"),
    [
        (None, ["debug", "info", "warn", "error", "NONE", "TRACE"]),
        ("debug", ["debug", "info", "warn", "error", "NONE", "TRACE"]),
        ("info", ["info", "warn", "error", "NONE", "TRACE"]),
        ("warn", ["warn", "error", "NONE", "TRACE"]),
        ("error", ["error", "NONE", "TRACE"]),
    ],
)
def test_minimum_level(minimum_level: str | None, expected: list[str]) -> None:
    """A level that Golioth does not document passes every minimum."""
    options = {} if minimum_level is None else {"minimum_level": minimum_level}
    log_filter = OptionsFilter(options)
    levels = [*LEVELS, "NONE", "TRACE"]
    assert [level for level in levels if log_filter.passes(log(level))] == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["", "net", "Net", "network", "power"]),
        (
            {"include_modules": [], "exclude_modules": []},
            ["", "net", "Net", "network", "power"],
        ),
        ({"include_modules": ["net", "power"]}, ["net", "power"]),
        ({"exclude_modules": ["net"]}, ["", "Net", "network", "power"]),
        (
            {"include_modules": ["net", "power"], "exclude_modules": ["net"]},
            ["power"],
        ),
        ({"include_modules": ["net"], "exclude_modules": ["net"]}, []),
    ],
)
def test_modules(options: dict[str, Any], expected: list[str]) -> None:
    """Module names match exactly, and exclusion wins.

    No included module means all of them.
    """
    log_filter = OptionsFilter(options)
    modules = ["", "net", "Net", "network", "power"]
    assert [
        module for module in modules if log_filter.passes(log(module=module))
    ] == expected


@pytest.mark.parametrize("name", ["net", "net\0"])
def test_module_that_ends_with_nul(name: str) -> None:
    """Module names are compared without U+0000.

    The entities show them without it.
    """
    assert OptionsFilter({"include_modules": [name]}).passes(log(module="net\0"))
    assert not OptionsFilter({"exclude_modules": [name]}).passes(log(module="net\0"))
    assert OptionsFilter({"include_modules": [name]}).passes(log(module="net"))


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@pytest.mark.parametrize("options", [WARNINGS_OF_NET])
async def test_filtered_logs(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """A log that is left out fires no event.

    It is neither shown nor counted, but is delivered.
    """
    for module in ("net", "app"):
        for level in ("DEBUG", "INFO", "WARN", "ERROR"):
            simulator.log(
                f"{module} {level}", device=GREENHOUSE_NODE, level=level, module=module
            )
    simulator.log("unknown", device=simulator.add_device("door-sensor"))
    simulator.log("end", device=GREENHOUSE_NODE, level="WARN", module="net")
    await log_events.wait_for(3)
    await log_events.wait_for(3)
    await wait_for_state(hass, LAST_LOG, "end")
    assert log_events.messages == ["net WARN", "net ERROR", "end"]
    assert state_of(hass, LOG).attributes["message"] == "end"
    assert state_of(hass, "sensor.greenhouse_node_last_error").state == "net ERROR"
    coordinator = streaming.runtime_data
    coordinator.async_show_counters()
    assert state_of(hass, "sensor.greenhouse_node_errors").state == "1"
    assert coordinator.fired == {
        "debug": 0,
        "info": 0,
        "warn": 2,
        "error": 1,
        "other": 0,
    }
    assert coordinator.feed.delivered == 10
    assert not coordinator._logs_to_show


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("options", [WARNINGS_OF_NET])
async def test_past_logs(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """Logs from before the first set-up are filtered as well."""
    simulator.log("wanted", device=GREENHOUSE_NODE, level="WARN", module="net")
    simulator.log("not wanted", device=GREENHOUSE_NODE)
    assert await hass.config_entries.async_setup(config_entry.entry_id)
    await wait_for_begin(config_entry)
    await hass.config_entries.async_reload(config_entry.entry_id)
    await wait_for_state(hass, LAST_LOG, "wanted")


@pytest.mark.parametrize("options", [WARNINGS_OF_NET])
async def test_options_that_are_changed(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
) -> None:
    """Changed options apply to new logs only.

    What was left out does not come back, and what arrives from then on fires at once.
    """
    simulator.log("left out", device=GREENHOUSE_NODE)
    simulator.log("first", device=GREENHOUSE_NODE, level="WARN", module="net")
    await log_events.wait_for(1)
    await set_options(hass, streaming, {})
    await simulator.wait_for_streams(1)
    simulator.log("second", device=GREENHOUSE_NODE)
    await log_events.wait_for(2)
    await log_events.wait_for(2)
    await wait_for_state(hass, LAST_LOG, "second")
    assert log_events.messages == ["first", "second"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("options", "level", "module"),
    [
        ({"minimum_level": "warn"}, "INFO", "net"),
        ({"include_modules": ["net"]}, "WARN", "app"),
        ({"exclude_modules": ["app"]}, "WARN", "app"),
    ],
)
async def test_late(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    level: str,
    module: str,
) -> None:
    """Options apply to logs by when they were sent.

    That holds after several changes, too.
    """

    def send(message: str) -> None:
        simulator.log(message, device=GREENHOUSE_NODE, level=level, module=module)

    simulator.faults.handshake_status = 503
    await simulator.drop(None)
    send("left out")
    simulator.log("first", device=GREENHOUSE_NODE, level="WARN", module="net")
    await set_options(hass, streaming, {})
    await log_events.wait_for(1)
    send("second")
    await hass.config_entries.async_reload(streaming.entry_id)
    await log_events.wait_for(2)
    await set_options(hass, streaming, {"minimum_level": "error"})
    send("left out again")
    simulator.faults.clear()
    await set_options(hass, streaming, {})
    await wait_for_live_logs(streaming)
    simulator.log("live", device=GREENHOUSE_NODE)
    await log_events.wait_for(3)
    assert log_events.messages == ["first", "second", "live"]
