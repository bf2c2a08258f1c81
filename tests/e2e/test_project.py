"""A project after its set-up, as a person uses it."""

import json

from playwright.async_api import Page, expect

from tests import GREENHOUSE_NODE, WATER_METER
from tests.demo.api import HomeAssistantApi
from tests.demo.home_assistant import DOMAIN
from tests.simulator import GoliothSimulator

from .pages.integrations import IntegrationPage
from .pages.message_box import MessageBox
from .pictures import TakePicture
from .texts import text

OPTIONS = "options.step.init.data"
MINIMUM_LEVEL = text(f"{OPTIONS}.minimum_level")
INCLUDE_MODULES = text(f"{OPTIONS}.include_modules")
EXCLUDE_MODULES = text(f"{OPTIONS}.exclude_modules")
POLL_INTERVAL = text(f"{OPTIONS}.poll_interval")
CATCH_UP_WINDOW = text(f"{OPTIONS}.catch_up_window")


async def wait_for_new_stream(simulator: GoliothSimulator, handshakes: int) -> None:
    """Wait until a stream opens after a number of handshakes."""
    await simulator.wait_until(
        lambda: len(simulator.handshakes) > handshakes and simulator.streams == 1
    )


async def test_device_shows_last_log(
    page: Page, simulator: GoliothSimulator, project: str, take_picture: TakePicture
) -> None:
    """A device's page shows a new log at once."""
    simulator.log("Pump blocked", device=GREENHOUSE_NODE, level="ERROR", module="pump")
    integration = IntegrationPage(page, DOMAIN)
    await integration.open()
    device = await integration.open_device(project, "greenhouse-node")
    await device.expect_state("Last log", "Pump blocked")

    # A reload of the page would remove this.
    await page.evaluate("window.isStillThere = true")
    simulator.log("Soil moisture 31 %", device=GREENHOUSE_NODE, module="sensors")
    await device.expect_state("Last log", "Soil moisture 31 %")
    await expect(device.activity).to_contain_text("Soil moisture 31 %")
    assert await page.evaluate("window.isStillThere")
    await take_picture("device", device.element)


async def test_options(
    page: Page,
    api: HomeAssistantApi,
    simulator: GoliothSimulator,
    project: str,
    take_picture: TakePicture,
) -> None:
    """Changed options are used, and shown again."""
    integration = IntegrationPage(page, DOMAIN)
    await integration.open()
    options = await integration.configure(project)
    await options.expect_title(text("options.step.init.title"))
    await expect(options.dropdown(MINIMUM_LEVEL)).to_contain_text(
        text("selector.minimum_level.options.debug")
    )
    await options.expect_list(INCLUDE_MODULES)
    await options.expect_list(EXCLUDE_MODULES)
    await expect(options.number(POLL_INTERVAL)).to_have_value("30")
    await expect(options.number(CATCH_UP_WINDOW)).to_have_value("1")
    # The descriptions are loaded after the fields, and move them.
    description = text("options.step.init.data_description.catch_up_window")
    await options.expect_message(description)

    warning = text("selector.minimum_level.options.warn")
    await options.choose(MINIMUM_LEVEL, warning)
    for module in ("pump", "power", "net"):
        await options.add(INCLUDE_MODULES, module)
    await options.add(EXCLUDE_MODULES, "net")
    await options.number(POLL_INTERVAL).fill("45")
    await options.number(CATCH_UP_WINDOW).fill("2.5")
    handshakes = len(simulator.handshakes)
    await options.submit()
    await options.finish()
    await wait_for_new_stream(simulator, handshakes)

    events = await api.subscribe("golioth_log")
    for level, module in (
        ("INFO", "pump"),
        ("ERROR", "sensors"),
        ("ERROR", "net"),
        ("WARN", "power"),
    ):
        simulator.log("Low", device=GREENHOUSE_NODE, level=level, module=module)
    # The first log that passes the options.
    event = await anext(events)
    assert (event["data"]["level"], event["data"]["module"]) == ("warn", "power")

    options = await integration.configure(project)
    await expect(options.dropdown(MINIMUM_LEVEL)).to_contain_text(warning)
    await options.expect_list(INCLUDE_MODULES, "pump", "power", "net")
    await options.expect_list(EXCLUDE_MODULES, "net")
    await expect(options.number(POLL_INTERVAL)).to_have_value("45")
    await expect(options.number(CATCH_UP_WINDOW)).to_have_value("2.5")
    # The picture shows the whole form.
    await page.set_viewport_size({"width": 1200, "height": 1000})
    await options.expect_message(description)
    await take_picture("options", options.window)


async def test_sign_in_again(
    page: Page, simulator: GoliothSimulator, project: str
) -> None:
    """A revoked key is asked for, and logs arrive again."""
    simulator.revoke()
    await simulator.drop()
    integration = IntegrationPage(page, DOMAIN)
    await integration.open()
    flow = await integration.attend_to(project)
    await flow.expect_title(text("config.step.reauth_confirm.title", project=project))
    await flow.field("API key").fill(simulator.api_key)
    await flow.submit()
    await flow.expect_error("API key", text("config.error.invalid_auth"))

    simulator.restore(f"{simulator.api_key}new")
    await flow.field("API key").fill(simulator.api_key)
    await flow.submit()
    await flow.expect_message("Re-authentication was successful")
    await flow.close()
    await simulator.wait_for_streams(1)
    await expect(integration.attention(project)).to_have_count(0)
    simulator.log("Back again", device=GREENHOUSE_NODE)
    device = await integration.open_device(project, "greenhouse-node")
    await device.expect_state("Last log", "Back again")


async def test_reconfigure(
    page: Page, simulator: GoliothSimulator, project: str
) -> None:
    """The key and address can be changed at any time.

    A wrong key is refused, and logs continue to arrive.
    """
    integration = IntegrationPage(page, DOMAIN)
    await integration.open()
    flow = await integration.reconfigure(project)
    await flow.expect_title(text("config.step.reconfigure.title", project=project))
    await expect(flow.field("API address")).to_have_value(simulator.url)
    await expect(flow.field("API key")).to_have_value("")
    simulator.restore(f"{simulator.api_key}new")
    await flow.submit()
    await flow.expect_error("API key", text("config.error.invalid_auth"))

    address = simulator.url.replace("127.0.0.1", "localhost")
    await flow.field("API key").fill(simulator.api_key)
    await flow.field("API address").fill(address)
    handshakes = len(simulator.handshakes)
    await flow.submit()
    await flow.expect_message("Reconfiguration was successful")
    await flow.close()
    await wait_for_new_stream(simulator, handshakes)

    flow = await integration.reconfigure(project)
    await expect(flow.field("API address")).to_have_value(address)
    await flow.close()
    simulator.log("From there", device=GREENHOUSE_NODE)
    device = await integration.open_device(project, "greenhouse-node")
    await device.expect_state("Last log", "From there")


async def test_diagnostics(
    page: Page, api: HomeAssistantApi, simulator: GoliothSimulator, project: str
) -> None:
    """Diagnostics describe the delivery, without secrets.

    They hold no key, project, device or message.
    """
    events = await api.subscribe("golioth_log")
    simulator.log("Pump blocked", device=GREENHOUSE_NODE)
    await anext(events)
    integration = IntegrationPage(page, DOMAIN)
    await integration.open()
    of_project = await integration.download_diagnostics(project)
    device = await integration.open_device(project, "greenhouse-node")
    await device.expect_state("Last log", "Pump blocked")
    of_device = await device.download_diagnostics()
    for file in (of_project, of_device):
        assert json.loads(file)["data"]["project"]["transport"] == "streaming"
        for secret in (
            simulator.api_key,
            simulator.project_id,
            simulator.project_name,
            GREENHOUSE_NODE,
            "Pump blocked",
        ):
            assert secret not in file
    assert json.loads(of_device)["data"]["device"]["is_listed"]


async def test_delete_device(
    page: Page, api: HomeAssistantApi, simulator: GoliothSimulator, project: str
) -> None:
    """A device can be deleted once removed from Golioth."""
    integration = IntegrationPage(page, DOMAIN)
    await integration.open()
    device = await integration.open_device(project, "water-meter")
    await device.delete()
    await MessageBox(page).answer(
        "Failed to remove device entry, rejected by integration", "OK"
    )

    simulator.remove_device(WATER_METER)
    (entry,) = await api.command("config_entries/get", domain=DOMAIN)
    await api.post(
        f"/api/config/config_entries/entry/{entry['entry_id']}/reload", data={}
    )
    await device.delete()
    await device.expect_gone()
    await integration.open()
    await expect(integration.devices(project)).to_contain_text(
        ["greenhouse-node", project]
    )
