"""A project that was set up, as a person sees and changes it."""

from playwright.async_api import Page, expect

from tests import GREENHOUSE_NODE
from tests.demo.home_assistant import DOMAIN
from tests.simulator import GoliothSimulator

from .pages.integrations import IntegrationPage
from .pictures import TakePicture
from .texts import text


async def test_device_shows_last_log(
    page: Page, simulator: GoliothSimulator, project: str, take_picture: TakePicture
) -> None:
    """The page of a device changes in the moment that the device logs."""
    simulator.log("Pump blocked", device=GREENHOUSE_NODE, level="ERROR", module="pump")
    integration = IntegrationPage(page, DOMAIN)
    await integration.open()
    device = await integration.open_device(project, "greenhouse-node")
    await device.expect_state("Last log", "Pump blocked")

    simulator.log("Soil moisture 31 %", device=GREENHOUSE_NODE, module="sensors")
    await device.expect_state("Last log", "Soil moisture 31 %")
    await expect(device.activity).to_contain_text("Soil moisture 31 %")
    await take_picture("device", device.element)


async def test_options(page: Page, project: str) -> None:
    """A changed option is used, and shown the next time."""
    integration = IntegrationPage(page, DOMAIN)
    await integration.open()
    options = await integration.configure(project)
    await options.expect_title(text("options.step.init.title"))
    await expect(options.number("Poll interval")).to_have_value("30")
    await options.number("Poll interval").fill("45")
    await options.submit()
    await options.finish()

    await integration.open()
    options = await integration.configure(project)
    await expect(options.number("Poll interval")).to_have_value("45")


async def test_sign_in_again(
    page: Page, simulator: GoliothSimulator, project: str
) -> None:
    """A key that is revoked is asked for again, and with a new one the logs arrive again."""
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
