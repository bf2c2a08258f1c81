"""Log in, set a project up and delete it."""

from playwright.async_api import Page, expect

from tests.demo.api import HomeAssistantApi
from tests.demo.home_assistant import DOMAIN, HomeAssistantProcess, Login
from tests.simulator import GoliothSimulator

from .pages.integrations import IntegrationPage, IntegrationsPage
from .pages.login import LoginPage
from .pictures import TakePicture
from .texts import text


async def test_log_in(stranger: Page, login: Login) -> None:
    """The user interface opens with every component it needs."""
    await LoginPage(stranger).log_in(login.username, login.password)


async def test_add_integration(
    page: Page, simulator: GoliothSimulator, take_picture: TakePicture
) -> None:
    """The right key adds the project; a wrong one fails.

    The error is at the key's field.
    """
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
    await take_picture("wrong-key", flow.window)

    await flow.field("API key").fill(simulator.api_key)
    await flow.submit()
    await flow.finish()

    integration = IntegrationPage(page, DOMAIN)
    await integration.open()
    devices = integration.devices(simulator.project_name)
    await expect(devices).to_contain_text(
        ["greenhouse-node", "water-meter", simulator.project_name]
    )
    # The picture ends below the devices.
    await page.set_viewport_size({"width": 1200, "height": 620})
    await take_picture("integration", integration.element)


async def remains(
    api: HomeAssistantApi, home_assistant: HomeAssistantProcess
) -> dict[str, int]:
    """Return how much Home Assistant has of the integration.

    By kind. Without the file that remembers removed entries, which stays.
    """
    entries = await api.command("config_entries/get", domain=DOMAIN)
    devices = await api.command("config/device_registry/list")
    entities = await api.command("config/entity_registry/list")
    storage = home_assistant.config_dir / ".storage"
    return {
        "entries": len(entries),
        "devices": sum(
            any(domain == DOMAIN for domain, _ in device["identifiers"])
            for device in devices
        ),
        "entities": sum(entity["platform"] == DOMAIN for entity in entities),
        "files": sum(
            each.name != f"{DOMAIN}.removed" for each in storage.glob(f"{DOMAIN}.*")
        ),
    }


async def test_delete(
    page: Page,
    api: HomeAssistantApi,
    home_assistant: HomeAssistantProcess,
    simulator: GoliothSimulator,
    project: str,
) -> None:
    """Deleting a project removes everything, and closes its stream."""
    integration = IntegrationPage(page, DOMAIN)
    await integration.open()
    # The reload stores the position of the delivery, so there is a file.
    await integration.reload(project)
    assert all((await remains(api, home_assistant)).values())

    await integration.delete(project)
    await expect(integration.entry(project)).to_have_count(0)
    await simulator.wait_for_streams(0)
    assert not any((await remains(api, home_assistant)).values())
