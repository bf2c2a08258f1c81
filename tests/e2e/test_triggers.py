"""Automations on logs, made in the editor."""

from collections.abc import AsyncIterator
import re

from playwright.async_api import Page, expect
import pytest

from tests import GREENHOUSE_NODE, WATER_METER
from tests.demo.api import HomeAssistantApi
from tests.simulator import GoliothSimulator

from .pages.automation_editor import AutomationEditor, Notifications
from .pictures import TakePicture
from .texts import ICONS, TEXTS, text


@pytest.fixture(autouse=True)
async def clean_up(api: HomeAssistantApi) -> AsyncIterator[None]:
    """Delete the test's automations and notifications."""
    yield
    for state in await api.command("get_states"):
        if state["entity_id"].startswith("automation."):
            automation_id = state["attributes"]["id"]
            await api.delete(f"/api/config/automation/config/{automation_id}")
    await api.command(
        "call_service", domain="persistent_notification", service="dismiss_all"
    )


async def test_editor_offers_triggers(page: Page, project: str) -> None:
    """The editor offers each trigger with its icon and texts.

    Also those of its fields.
    """
    editor = AutomationEditor(page)
    for key, trigger in TEXTS["triggers"].items():
        await editor.open()
        offered = await editor.offered_triggers("Golioth")
        await expect(offered).to_have_count(len(TEXTS["triggers"]))
        row = offered.filter(has=page.get_by_text(trigger["name"], exact=True))
        await expect(row).to_contain_text(trigger["description"])
        icon = row.locator("ha-icon")
        await expect(icon).to_have_js_property(
            "icon", ICONS["triggers"][key]["trigger"]
        )
        # A missing icon would be empty.
        await expect(icon.locator("path")).to_have_attribute("d", re.compile("."))
        await row.click()
        for field in trigger["fields"].values():
            await expect(editor.field(field["name"])).to_contain_text(
                field["description"]
            )


async def test_automation_runs(
    page: Page,
    api: HomeAssistantApi,
    simulator: GoliothSimulator,
    project: str,
    take_picture: TakePicture,
) -> None:
    """An automation runs for the chosen device's errors only."""
    editor = AutomationEditor(page)
    await editor.open()
    await editor.add_trigger("Golioth", text("triggers.log_received.name"))
    await editor.add_target_device("greenhouse-node")
    await editor.choose(
        text("triggers.log_received.fields.level.name"),
        text("selector.level.options.error"),
    )
    await expect(editor.triggers).to_contain_text("greenhouse-node")
    await take_picture("automation", editor.element)
    await editor.add_action("Create persistent notification")
    message = "{{ trigger.device_name }}: {{ trigger.message }}"
    await editor.field("Message").get_by_role("textbox").fill(message)
    armed = await api.subscribe("automation_reloaded")
    await editor.save("Tell of errors")
    await anext(armed)

    simulator.log("Tank empty", device=WATER_METER, level="ERROR")
    simulator.log("Pump hot", device=GREENHOUSE_NODE, level="WARN")
    simulator.log("Pump blocked", device=GREENHOUSE_NODE, level="ERROR")
    notifications = Notifications(page)
    await notifications.open()
    # The earlier logs were handled before this one.
    await expect(
        notifications.items.filter(has_text="greenhouse-node: Pump blocked")
    ).to_be_visible()
    await expect(notifications.items).to_have_count(1)
