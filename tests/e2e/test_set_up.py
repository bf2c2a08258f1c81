"""Logging in, setting a project up and deleting it, as a person does."""

from playwright.async_api import Page, expect

from tests.demo.home_assistant import DOMAIN, Login
from tests.simulator import GoliothSimulator

from .pages.integrations import IntegrationPage, IntegrationsPage
from .pages.login import LoginPage
from .pictures import TakePicture
from .texts import text


async def test_log_in(stranger: Page, login: Login) -> None:
    """The user interface opens for the user, with every component that it needs."""
    await LoginPage(stranger).log_in(login.username, login.password)


async def test_add_integration(
    page: Page, simulator: GoliothSimulator, take_picture: TakePicture
) -> None:
    """A wrong key is refused at its field, the right one sets the project up with its devices."""
    integrations = IntegrationsPage(page)
    await integrations.open()
    flow = await integrations.add("Golioth")
    await flow.expect_title(text("config.step.user.title"))
    await take_picture("set-up", flow.window)

    await flow.field("Project ID").fill(simulator.project_id)
    await flow.field("API key").fill("wrong")
    await flow.open_section("Advanced settings")
    await flow.field("API address").fill(simulator.url)
    await flow.submit()
    await flow.expect_error("API key", text("config.error.invalid_auth"))

    await flow.field("API key").fill(simulator.api_key)
    await flow.submit()
    await flow.finish()

    integration = IntegrationPage(page, DOMAIN)
    await integration.open()
    devices = integration.devices(simulator.project_name)
    await expect(devices).to_contain_text(
        ["greenhouse-node", "water-meter", simulator.project_name]
    )


async def test_delete(page: Page, simulator: GoliothSimulator, project: str) -> None:
    """What was set up goes with its devices, and Golioth hears no more of it."""
    integration = IntegrationPage(page, DOMAIN)
    await integration.open()
    await integration.delete(project)
    await expect(integration.entry(project)).to_have_count(0)
    await simulator.wait_for_streams(0)
