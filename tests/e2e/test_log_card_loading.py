"""Loading the card in a browser without a cache."""

import asyncio
import re
from typing import Final

from playwright.async_api import Page, Route, expect
import pytest

from tests import GREENHOUSE_NODE
from tests.demo.api import HomeAssistantApi
from tests.simulator import GoliothSimulator

from .dashboards import PATH, make_dashboard
from .locales import locale
from .pages.dashboard import DashboardPage
from .pages.log_card import LogCard
from .test_log_card_old_browsers import OLD_CHROME, open_build

# In Home Assistant's page where it loads extra modules only after its own code.
WAITS_ITSELF: Final = "__haLoadExtraModules"

# Home Assistant's own code, which replaces the registry of elements.
APP: Final = re.compile(r"/frontend_(latest|es5)/app\.\w+\.js")

ENTRY: Final = re.compile(r"/golioth/frontend/\w+/golioth-log-card\.js")

# Three megabits a second, as over a phone.
NETWORK: Final = {
    "offline": False,
    "latency": 100,
    "downloadThroughput": 3_000_000 / 8,
    "uploadThroughput": 3_000_000 / 8,
}


@pytest.fixture
async def dashboard(
    page: Page,
    api: HomeAssistantApi,
    simulator: GoliothSimulator,
    project: str,
    no_dashboard: None,
) -> DashboardPage:
    """Create a dashboard with the card and a log."""
    await make_dashboard(api)
    events = await api.subscribe("golioth_log")
    simulator.log("Lid open", device=GREENHOUSE_NODE)
    await anext(events)
    return DashboardPage(page)


async def expect_logs(card: LogCard) -> None:
    """Wait for the log, and check for no error."""
    await expect(card.row("Lid open")).to_be_visible()
    await expect(card.element.page.locator("hui-error-card")).to_have_count(0)


def count_loads(page: Page) -> list[Page]:
    """Return a list that grows with each page load."""
    loads: list[Page] = []

    def note(loaded: Page) -> None:
        loads.append(loaded)

    page.on("domcontentloaded", note)
    return loads


async def test_card_before_home_assistant(page: Page, dashboard: DashboardPage) -> None:
    """The card may be loaded before Home Assistant's own code."""
    html = await (await page.request.get("/")).text()
    entry = asyncio.Event()

    def note(url: str) -> None:
        if ENTRY.search(url):
            entry.set()

    page.on("requestfinished", lambda request: note(request.url))

    async def after_card(route: Route) -> None:
        if WAITS_ITSELF not in html:
            await entry.wait()
            # A second import resolves once the first has run.
            found = ENTRY.search(html)
            assert found is not None
            await page.evaluate("url => import(url).then(() => null)", found[0])
        await route.continue_()

    await page.route(APP, after_card)
    await dashboard.open(PATH)
    await expect_logs(dashboard.card)


@pytest.mark.parametrize("late", ["golioth-log-card", "log-card", "english", "*"])
async def test_card_after_time_out(
    page: Page, dashboard: DashboardPage, late: str
) -> None:
    """The card may be loaded after Home Assistant's time-out."""
    given_up = asyncio.Event()

    async def after_home_assistant(route: Route) -> None:
        await given_up.wait()
        await route.continue_()

    await page.route(f"**/golioth/frontend/*/{late}.js*", after_home_assistant)
    await dashboard.open(PATH)
    await expect(page.locator("hui-error-card")).to_be_visible()
    given_up.set()
    await expect_logs(dashboard.card)


@pytest.mark.parametrize(
    ("build", "module"),
    [
        ("latest", "golioth-log-card"),
        ("latest", "define-card"),
        ("latest", "exact-json"),
        ("es5", "legacy"),
        ("es5", "define-card"),
    ],
)
async def test_request_fails(
    page: Page, dashboard: DashboardPage, build: str, module: str
) -> None:
    """A module that fails to load is loaded again.

    Without a reload of the page.
    """
    failed = 0

    async def fail_once(route: Route) -> None:
        nonlocal failed
        failed += 1
        if failed == 1:
            await route.abort()
        else:
            await route.continue_()

    await page.route(f"**/golioth/frontend/*/{module}.js*", fail_once)
    loads = count_loads(page)
    if build == "es5":
        session = await page.context.new_cdp_session(page)
        await session.send("Network.setUserAgentOverride", {"userAgent": OLD_CHROME})
    await open_build(dashboard, page, build)
    await expect_logs(dashboard.card)
    assert failed >= 2
    assert len(loads) == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "The Golioth log card cannot be loaded"), ("de", "Es wird automatisch")],
)
async def test_home_assistant_does_not_answer(
    page: Page,
    api: HomeAssistantApi,
    dashboard: DashboardPage,
    language: str,
    said: str,
) -> None:
    """A card that cannot be loaded says so, and retries."""
    is_away = True
    asked: list[str] = []

    async def refuse(route: Route) -> None:
        asked.append(route.request.url)
        if is_away:
            await route.fulfill(status=503)
        else:
            await route.continue_()

    # A module that others import: all of them have to be requested again.
    await page.route("**/golioth/frontend/*/log-list.js", refuse)
    loads = count_loads(page)
    async with locale(api, language=language):
        await dashboard.open(PATH)
        await expect(dashboard.card.element).to_contain_text(said)
        await expect(page.locator("hui-error-card")).to_have_count(0)
        # The delay grows each time.
        assert 2 <= len(asked) <= 5
        is_away = False
        await expect(dashboard.card.row("Lid open")).to_be_visible()
    await expect(dashboard.card.element).not_to_contain_text(said)
    assert len(set(asked)) == len(asked)
    assert len(loads) == 1


async def test_stand_in_becomes_the_card(page: Page, dashboard: DashboardPage) -> None:
    """A card that was loaded late works fully.

    It can be edited, and its view be left and entered.
    """
    is_away = True

    async def refuse(route: Route) -> None:
        if is_away:
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/golioth/frontend/**/define-card.js*", refuse)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    await dashboard.open(PATH)
    await expect(dashboard.card.element).to_contain_text("cannot be loaded")
    # A second card, which never becomes part of the dashboard.
    await page.evaluate(
        "window.old = document.createElement('golioth-log-card');"
        "document.body.append(old); old.setConfig({})"
    )
    is_away = False
    await expect_logs(dashboard.card)
    await page.evaluate("old.setConfig({}); old.remove(); document.body.append(old)")
    await page.evaluate("old.remove()")
    await dashboard.edit()
    editor = await dashboard.edit_card()
    await editor.preview.expect_messages("Lid open")
    await editor.choose("Minimum level", "Warning")
    await editor.preview.expect_messages()
    await editor.save()
    await dashboard.finish()
    await dashboard.card.expect_messages()
    assert errors == []


async def test_slow_network(page: Page, dashboard: DashboardPage) -> None:
    """The card loads over a slow network."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Network.emulateNetworkConditions", NETWORK)
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    await dashboard.open(PATH)
    await expect(dashboard.card.row("Lid open")).to_be_visible(timeout=90_000)
    await expect_logs(dashboard.card)


async def test_language_without_a_card(
    page: Page, api: HomeAssistantApi, project: str, no_dashboard: None
) -> None:
    """Show the card's name, form and mistakes translated.

    Before any card was loaded.
    """
    async with locale(api, language="de"):
        await page.goto("/profile/general")
        await page.wait_for_function(
            "window.customCards?.some(({name}) => name === 'Golioth-Protokoll')"
        )
        label = await page.evaluate(
            "customElements.get('golioth-log-card').getConfigForm()"
            ".computeLabel({name: 'device_ids'})"
        )
        assert label == "Geräte"
        said = await page.evaluate(
            """() => {
              const card = document.createElement("golioth-log-card");
              try {
                card.setConfig({minimum_level: "loud"});
              } catch ({message}) {
                return message;
              }
            }"""
        )
        assert "muss eines davon sein" in said
