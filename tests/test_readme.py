"""Tests of what the README says: its automations, and the texts that it quotes."""

from collections.abc import Iterator
import json
import re
from typing import Any, Final

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.golioth.const import DOMAIN
from homeassistant.components.automation import DOMAIN as AUTOMATION_DOMAIN
from homeassistant.const import STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml

from . import GREENHOUSE_NODE, README
from .events import wait_for_state
from .simulator import GoliothSimulator

TEXTS: Final[dict[str, Any]] = json.loads(
    (README.parent / "custom_components/golioth/translations/en.json").read_text()
)

MANIFEST: Final[dict[str, Any]] = json.loads(
    (README.parent / "custom_components/golioth/manifest.json").read_text()
)


def messages() -> list[str]:
    """Return every message that tells a user of trouble."""
    return [
        *TEXTS["config"]["error"].values(),
        TEXTS["config"]["abort"]["already_configured"],
        # The text of a notification, which is explained by its title.
        *(
            each["message"]
            for key, each in TEXTS["exceptions"].items()
            if key != "new_start"
        ),
        *(each["title"] for each in TEXTS["issues"].values()),
    ]


def quoted_messages() -> list[str]:
    """Return the messages that the README explains, with dots for what it leaves out."""
    return [
        row.split("|")[1].strip()
        for table in re.findall(
            r"^\| Message \|.*\n\| --- .*\n((?:\|.*\n)+)",
            README.read_text(),
            re.MULTILINE,
        )
        for row in table.splitlines()
    ]


def is_quoted_as(message: str, quote: str) -> bool:
    """Return whether a quote is of a message, the end of which may be left out."""
    pattern = ".*".join(re.escape(piece.strip()) for piece in quote.split("…"))
    return re.match(pattern, message) is not None


def names() -> Iterator[str]:
    """Yield the names of all that a user sees: entities, fields of forms, options, and triggers."""
    for platform in TEXTS["entity"].values():
        yield from (entity["name"] for entity in platform.values())
    for flow in ("config", "options"):
        for step in TEXTS[flow]["step"].values():
            yield from step["data"].values()
            for section in step.get("sections", {}).values():
                yield from (section["name"], *section["data"].values())
    yield from (trigger["name"] for trigger in TEXTS["triggers"].values())


def automations() -> list[dict[str, Any]]:
    """Return every automation that the README shows."""
    blocks = re.findall(
        r"^```yaml\n(alias: .*?)^```", README.read_text(), re.MULTILINE | re.DOTALL
    )
    parsed = [parse_yaml(block) for block in blocks]
    return [each for each in parsed if isinstance(each, dict)]


def test_triggers_and_actions_are_shown() -> None:
    """There is an example for each trigger and action of ours."""
    text = README.read_text()
    for name in ("log_received", "project_log_received", "device_went_silent"):
        assert f"- trigger: golioth.{name}\n" in text
    for name in ("get_logs", "call_rpc"):
        assert f"- action: golioth.{name}\n" in text


@pytest.mark.parametrize("quote", quoted_messages())
def test_message_is_shown(quote: str) -> None:
    """A message that the README explains is one that Home Assistant shows."""
    assert any(is_quoted_as(message, quote) for message in messages())


@pytest.mark.parametrize("message", messages())
def test_message_is_explained(message: str) -> None:
    """The README explains each message that tells of trouble."""
    assert any(is_quoted_as(message, quote) for quote in quoted_messages())


@pytest.mark.parametrize("name", names())
def test_name_is_told(name: str) -> None:
    """The README tells of all that a user sees, by its name."""
    assert name in README.read_text()


def test_buttons() -> None:
    """The buttons lead to the set-up of the integration, and to where it is installed from."""
    text = README.read_text()
    my = "https://my.home-assistant.io/redirect"
    assert f"]: {my}/config_flow_start/?domain={DOMAIN}\n" in text
    home = str(MANIFEST["documentation"]).removeprefix("https://github.com/")
    owner, name = home.split("/")
    query = f"owner={owner}&repository={name}&category=integration"
    assert f"]: {my}/hacs_repository/?{query}\n" in text


@pytest.mark.parametrize("automation", automations(), ids=lambda each: each["alias"])
async def test_automation_is_valid(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    automation: dict[str, Any],
) -> None:
    """It is one that the editor accepts, and that is armed."""
    client = await hass_ws_client()
    await client.send_json_auto_id(
        {
            "type": "validate_config",
            **{
                key: automation[key]
                for key in ("triggers", "conditions", "actions")
                if key in automation
            },
        }
    )
    answer = await client.receive_json()
    assert answer["success"]
    assert all(each["valid"] for each in answer["result"].values()), answer["result"]
    assert await async_setup_component(
        hass, AUTOMATION_DOMAIN, {AUTOMATION_DOMAIN: [automation]}
    )
    (state,) = hass.states.async_all(AUTOMATION_DOMAIN)
    assert state.state == STATE_ON
    # Nothing is left that waits for its time.
    await hass.services.async_call(
        AUTOMATION_DOMAIN, "turn_off", {"entity_id": state.entity_id}, blocking=True
    )


@pytest.mark.parametrize(("level", "runs"), [("WARN", 0), ("ERROR", 1)])
async def test_conditions(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    level: str,
    runs: int,
) -> None:
    """Home Assistant's own conditions do what the README says of them."""
    await wait_for_state(hass, "binary_sensor.demo_project_connection", STATE_ON)
    simulator.log("first", device=GREENHOUSE_NODE, level="ERROR")
    simulator.log("last", device=GREENHOUSE_NODE, level=level)
    await wait_for_state(hass, "sensor.greenhouse_node_last_log", "last")
    (automation,) = (each for each in automations() if "Evening" in each["alias"])
    automation["triggers"] = [{"trigger": "event", "event_type": "evening"}]
    assert await async_setup_component(hass, "persistent_notification", {})
    notifications = async_capture_events(hass, "call_service")
    assert await async_setup_component(
        hass, AUTOMATION_DOMAIN, {AUTOMATION_DOMAIN: [automation]}
    )
    hass.bus.async_fire("evening")
    await hass.async_block_till_done(wait_background_tasks=False)
    assert [each.data["service_data"]["message"] for each in notifications] == [
        "It logged:\n\n    last"
    ] * runs
