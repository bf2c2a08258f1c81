"""Tests that the documents match the integration."""

from collections.abc import Iterator
from functools import cache
import json
from pathlib import Path
import re
import time
from typing import Any, Final

import hass_frontend
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.golioth.client import format_timestamp
from custom_components.golioth.const import DOMAIN
from homeassistant import components
from homeassistant.components.automation import DOMAIN as AUTOMATION_DOMAIN
from homeassistant.const import STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import slugify

from . import GREENHOUSE_NODE
from .documents import (
    PAGES,
    ROOT,
    automations,
    long_lines,
    names_on_screens,
    read,
    tables,
    yaml_blocks,
)
from .events import LogEvents, wait_for_live_logs, wait_for_state, wait_until
from .simulator import GoliothSimulator

INTEGRATION: Final = ROOT / "custom_components" / DOMAIN
TEXTS: Final[dict[str, Any]] = json.loads(
    (INTEGRATION / "translations/en.json").read_text("utf-8")
)
MANIFEST: Final[dict[str, Any]] = json.loads(
    (INTEGRATION / "manifest.json").read_text("utf-8")
)

# Texts on screens of others than the integration and the installed Home Assistant.
ELSEWHERE: Final = {
    # The name of the integration in its manifest.
    "Golioth",
    # Home Assistant's Marketplace, from 2026.11 on.
    "Marketplace",
    "Add from link",
    # HACS.
    "Custom repositories",
    # GitHub.
    "Security",
    "Report a vulnerability",
    # Home Assistant's answer to a user without permission.
    "Unauthorized",
}
# The components of Home Assistant whose texts the documents name.
COMPONENTS: Final = ("event", "recorder")

# An entity ID, but no part of a template or a trigger.
ENTITY_ID: Final = re.compile(
    r"(?<![\w.])(sensor|binary_sensor|event)\.((?:\*|[a-z0-9]+)_[a-z0-9_]+)"
)

COLUMNS: Final = 88
README_LINES: Final = 200


def values(node: Any) -> Iterator[str]:
    """Yield every text of translations."""
    if isinstance(node, dict):
        for value in node.values():
            yield from values(value)
    else:
        yield str(node)


def fields(group: str) -> Iterator[tuple[str, str]]:
    """Yield key and name of the actions' or triggers' fields."""
    for each in TEXTS[group].values():
        for key, field in each.get("fields", {}).items():
            yield key, field["name"]


def entities() -> set[str]:
    """Return the names of the entities."""
    return {
        entity["name"]
        for platform in TEXTS["entity"].values()
        for entity in platform.values()
    }


def form_fields(*flows: str) -> set[str]:
    """Return the names of fields and sections in flows' forms."""
    names: set[str] = set()
    for flow in flows:
        for step in TEXTS[flow]["step"].values():
            names.update(step["data"].values())
            for section in step.get("sections", {}).values():
                names.update((section["name"], *section["data"].values()))
    return names


@cache
def own_texts() -> frozenset[str]:
    """Return every text of the integration, in English."""
    return frozenset(values(TEXTS))


@cache
def texts_on_screens() -> frozenset[str]:
    """Return every text that a user may see."""
    folder = Path(hass_frontend.__file__).parent / "static/translations"
    # Their names end with a digest.
    paths = list(folder.rglob(f"en-{'[0-9a-f]' * 32}.json"))
    assert paths
    core = Path(components.__path__[0])
    paths += [core / each / "translations/en.json" for each in COMPONENTS]
    theirs = (values(json.loads(path.read_text("utf-8"))) for path in paths)
    return own_texts().union(*theirs) | ELSEWHERE


# The names that the first column of a table may have, by its heading.
SUBJECTS: Final = {
    "Entity": entities(),
    "Trigger": {each["name"] for each in TEXTS["triggers"].values()},
    "Option": form_fields("options") | {name for _, name in fields("triggers")},
    "Field": form_fields("config") | {name for _, name in fields("services")},
    "Setting": own_texts(),
}
NAMES: Final = sorted(
    entities()
    | form_fields("config", "options")
    | {name for group in ("triggers", "services") for _, name in fields(group)}
    | {
        each["name"]
        for group in ("triggers", "services")
        for each in TEXTS[group].values()
    }
)


def complaints(text: str) -> Iterator[str]:
    """Yield each name in a document that does not exist."""
    for name in names_on_screens(text):
        if name not in texts_on_screens():
            yield f"{name} is on no screen"
    for table in tables(text):
        for first in table.firsts:
            if table.subject in SUBJECTS and not (
                named := set(names_on_screens(f"{first} "))
            ) <= (known := SUBJECTS[table.subject]):
                yield f"{named - known} is no {table.subject.lower()}"
            elif table.subject in SUBJECTS and not named:
                yield f"{first} is not emphasized"
    known_fields = {*fields("triggers"), *fields("services")}
    for name, key in re.findall(r"\*\*([^*]+)\*\* \(`(\w+)`\)", text):
        if (key, name) not in known_fields:
            yield f"{name} is not the field {key}"
    text = re.sub(r"https?:\S+", "", text)
    for name in re.findall(r"(?<![\w.@/])golioth\.([a-z_]+)\b", text):
        # `golioth.removed` is a file in the storage.
        if name not in {*TEXTS["triggers"], *TEXTS["services"], "removed"}:
            yield f"there is no golioth.{name}"
    for platform, entity in re.findall(ENTITY_ID, text):
        known = {slugify(each["name"]) for each in TEXTS["entity"][platform].values()}
        if not any(entity.endswith(f"_{name}") for name in known):
            yield f"there is no {platform}.{entity}"


def messages() -> list[str]:
    """Return every message that reports a problem to users."""
    return [
        *TEXTS["config"]["error"].values(),
        *TEXTS["options"]["error"].values(),
        TEXTS["config"]["abort"]["already_configured"],
        # Without the text of a notification, which its title explains.
        *(
            each["message"]
            for key, each in TEXTS["exceptions"].items()
            if key != "new_start"
        ),
        *(each["title"] for each in TEXTS["issues"].values()),
        *(
            text
            for each in TEXTS["issues"].values()
            for text in each["fix_flow"]["abort"].values()
        ),
    ]


def quoted_messages() -> list[str]:
    """Return the messages that the documents explain.

    Dots stand for what they leave out.
    """
    return [
        message
        for page in PAGES
        for table in tables(read(page))
        if table.subject == "Message"
        for message in table.firsts
    ]


def is_quoted_as(message: str, quote: str) -> bool:
    """Return whether a message matches a quote.

    The quote may leave out the end.
    """
    pattern = ".*".join(re.escape(piece.strip()) for piece in quote.split("…"))
    return re.match(pattern, message) is not None


def test_triggers_and_actions_are_shown() -> None:
    """The documents have an automation for each trigger and action."""
    text = "".join(block for block in yaml_blocks() if block.startswith("alias: "))
    for name in TEXTS["triggers"]:
        assert f"- trigger: golioth.{name}\n" in text
    for name in TEXTS["services"]:
        assert f"- action: golioth.{name}\n" in text


@pytest.mark.parametrize("page", PAGES)
def test_names_on_a_page_exist(page: str) -> None:
    """Every name in a document exists.

    These are buttons, options, fields, entities, and actions.
    """
    assert list(complaints(read(page))) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Choose **Set it up**.", "Set it up is on no screen"),
        ("Choose **Add\n  mood**.", "Add mood is on no screen"),
        ("- **Moods.** Choose *Moods*.", "Moods is on no screen"),
        (
            "| Entity | What |\n| --- | --- |\n| **Title** | x |\n",
            "{'Title'} is no entity",
        ),
        (
            "| Option | What |\n| --- | --- |\n| **Log** | x |\n",
            "{'Log'} is no option",
        ),
        ("| Field | What |\n| --- | --- |\n| Limit | x |\n", "Limit is not emphasized"),
        ("**Limit** (`level`)", "Limit is not the field level"),
        ("Run `golioth.get_moods`.", "there is no golioth.get_moods"),
        ("entity_id: sensor.meter_last_mood", "there is no sensor.meter_last_mood"),
    ],
)
def test_wrong_name_is_noticed(text: str, complaint: str) -> None:
    """A wrong name is found wherever it may be."""
    assert list(complaints(text)) == [complaint]


@pytest.mark.parametrize("quote", quoted_messages())
def test_message_is_shown(quote: str) -> None:
    """Home Assistant shows each message that a document explains."""
    assert any(is_quoted_as(message, quote) for message in messages())


@pytest.mark.parametrize("message", messages())
def test_message_is_explained(message: str) -> None:
    """A document explains each message about a problem."""
    assert any(is_quoted_as(message, quote) for quote in quoted_messages())


@pytest.mark.parametrize("name", NAMES)
def test_name_is_documented(name: str) -> None:
    """A document names everything that a user sees."""
    assert any(name in names_on_screens(read(page)) for page in PAGES)


async def test_fields_of_the_event(
    simulator: GoliothSimulator, streaming: MockConfigEntry, log_events: LogEvents
) -> None:
    """The event's table has the fields of a fired event."""
    simulator.log("one", device=GREENHOUSE_NODE)
    await log_events.wait_for(1)
    (table,) = (
        each
        for each in tables(read("docs/entities-and-events.md"))
        if each.subject == "Data"
    )
    assert sorted(table.firsts) == sorted(f"`{field}`" for field in log_events[0])


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md"])
def test_prose_wraps(page: str) -> None:
    """Prose is no wider than code."""
    assert list(long_lines(read(page), COLUMNS)) == []


def test_long_line_is_noticed() -> None:
    """Only prose is checked for its width."""
    long = "word " * 20
    text = f"{long}\n```yaml\n{long}\n```\n| {long}|\n- {long}\n[x]: {long}\n"
    assert list(long_lines(text, COLUMNS)) == [long, f"- {long}"]


@pytest.mark.parametrize(
    "path",
    re.findall(
        r"`((?:custom_components|docs|tests)/[^` ]+|[A-Z]+\.md)`",
        read("CONTRIBUTING.md").partition("\n## How to add")[2],
    ),
)
def test_contributing_names_files(path: str) -> None:
    """Every file that CONTRIBUTING.md names for additions exists."""
    assert list(ROOT.glob(path))


def test_readme_is_short() -> None:
    """The README is short: the rest is in docs/."""
    assert len(read("README.md").splitlines()) <= README_LINES


def test_readme_leads_to_every_page() -> None:
    """Each page can be reached from the README.

    At most one other page lies between.
    """
    reached = {"README.md"}
    for _ in range(2):
        reached |= {
            (ROOT / page).parent.joinpath(link).resolve().relative_to(ROOT).as_posix()
            for page in reached
            if page in PAGES
            for link in re.findall(r"\]\(([\w./-]+\.md)(?:#[^)]*)?\)", read(page))
        }
    assert set(PAGES) <= reached


def test_buttons() -> None:
    """The buttons open the set-up and the installation."""
    text = read("README.md")
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
    """The editor accepts each automation, and it is armed."""
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
    # No timer may stay.
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
    """Home Assistant's own conditions work as documented."""
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


@pytest.mark.parametrize(
    "sent",
    [None, "1970-01-01T00:00:12.5Z", "", "0001-01-01T00:00:00Z", "uptime 12"],
    ids=str,
)
async def test_what_led_to_it(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    sent: str | None,
) -> None:
    """The logs before an error are shown.

    The clock of the device does not matter.
    """
    await wait_for_live_logs(streaming)
    (automation,) = (each for each in automations() if "what led" in each["alias"])
    assert await async_setup_component(hass, "persistent_notification", {})
    notifications = async_capture_events(hass, "call_service")
    assert await async_setup_component(
        hass, AUTOMATION_DOMAIN, {AUTOMATION_DOMAIN: [automation]}
    )
    simulator.log("before", device=GREENHOUSE_NODE)
    log = {
        "deviceId": GREENHOUSE_NODE,
        "level": "ERROR",
        "message": "error",
        "timestamp": format_timestamp(time.time_ns()) if sent is None else sent,
    }
    simulator.send_frame(json.dumps({"result": {"data": log}}))
    await wait_until(
        lambda: any(
            each.data["domain"] == "persistent_notification" for each in notifications
        )
    )
    message = notifications[-1].data["service_data"]["message"]
    assert "    error\n" in message
    assert ": before" in message
