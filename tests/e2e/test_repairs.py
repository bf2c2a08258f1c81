"""The repair of a gap."""

from playwright.async_api import Page, expect
import pytest

from tests.demo.api import HomeAssistantApi
from tests.demo.home_assistant import DOMAIN
from tests.simulator import GoliothSimulator

from .gaps import TIME_AGO, make_gap
from .pages.integrations import IntegrationPage
from .pages.settings import SettingsPage
from .pictures import TakePicture
from .texts import text

STEP = "issues.gap.fix_flow.step.confirm"


@pytest.fixture
def simulator(simulator: GoliothSimulator) -> GoliothSimulator:
    """Run a service whose clock is 2.5 hours behind."""
    simulator.faults.date_offset = -TIME_AGO.total_seconds()
    return simulator


async def test_gap(
    page: Page,
    api: HomeAssistantApi,
    simulator: GoliothSimulator,
    project: str,
    take_picture: TakePicture,
) -> None:
    """A repair reports undelivered logs, and extends the catch-up window."""
    await make_gap(api, simulator)
    integration = IntegrationPage(page, DOMAIN)
    await integration.open()
    await integration.reload(project)

    settings = SettingsPage(page)
    await settings.open()
    title = text("issues.gap.title", project=project)
    repair = await settings.begin_repair(title)
    window = repair.number(text(f"{STEP}.data.catch_up_window"))
    await expect(window).to_have_value("3")
    await repair.expect_message("Logs from these times")
    await repair.expect_message(text(f"{STEP}.data_description.catch_up_window"))
    await take_picture("repair", repair.window)
    await window.fill("4")
    await repair.submit(text(f"{STEP}.submit"))
    await repair.expect_message("The issue is repaired!")
    await repair.finish()
    await expect(settings.repair(title)).to_have_count(0)

    await integration.open()
    options = await integration.configure(project)
    await expect(
        options.number(text("options.step.init.data.catch_up_window"))
    ).to_have_value("4")
