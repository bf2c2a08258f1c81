"""The card in older browsers, simulated by removing features."""

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
from .test_log_card_alone import LoneCard
from .test_log_card_modules import log, logs

# Home Assistant serves its legacy build to this browser.
OLD_CHROME: Final = (
    "Mozilla/5.0 (Linux; Android 8.0.0; Tablet) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/80.0.3987.162 Safari/537.36"
)

# Removes popular features that Chrome 80 did not have.
TAKE_AWAY: Final = """
const take = (object, ...names) => { for (const name of names) delete object[name]; };
take(Array, "fromAsync");
take(
  Array.prototype,
  "at", "findLast", "findLastIndex", "toReversed", "toSorted", "toSpliced", "with",
);
take(String.prototype, "at", "isWellFormed", "replaceAll", "toWellFormed");
take(Object, "groupBy", "hasOwn");
take(Map, "groupBy");
take(Promise, "any", "try", "withResolvers");
take(Set.prototype, "difference", "intersection", "isSubsetOf", "union");
take(Intl, "DisplayNames", "DurationFormat", "ListFormat", "Segmenter", "supportedValuesOf");
take(window, "AggregateError", "FinalizationRegistry", "Iterator", "WeakRef", "structuredClone");
take(Crypto.prototype, "randomUUID");
take(AbortSignal, "any", "timeout");
for (const {prototype} of [Element, Document, DocumentFragment])
  take(prototype, "replaceChildren", "moveBefore");
take(Element.prototype, "checkVisibility", "getHTML", "setHTML", "setHTMLUnsafe");
"""

TOO_OLD: Final = "This browser is too old to show Golioth logs."

# No browser can parse this.
UNREADABLE: Final = "class Later { @@ }"


@pytest.fixture(params=["latest", "es5"])
async def build(request: pytest.FixtureRequest, page: Page) -> str:
    """Choose Home Assistant's modern or legacy build.

    By the user agent.
    """
    name: str = request.param
    if name == "es5":
        session = await page.context.new_cdp_session(page)
        await session.send("Network.setUserAgentOverride", {"userAgent": OLD_CHROME})
    return name


@pytest.fixture
async def dashboard(
    page: Page, api: HomeAssistantApi, project: str, no_dashboard: None
) -> DashboardPage:
    """Create a dashboard with the card."""
    await make_dashboard(api)
    return DashboardPage(page)


async def open_build(dashboard: DashboardPage, page: Page, build: str) -> None:
    """Open the dashboard in a build of the user interface."""
    async with page.expect_request(re.compile(f"/frontend_{build}/app")):
        await dashboard.open(PATH)


async def test_build_for_older_browsers(
    page: Page, dashboard: DashboardPage, build: str, simulator: GoliothSimulator
) -> None:
    """The card works without errors in both builds."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    await open_build(dashboard, page, build)
    simulator.log("Lid open", device=GREENHOUSE_NODE)
    await dashboard.card.row("Lid open").click()
    await expect(dashboard.card.details).to_be_visible()
    assert errors == []


async def test_old_methods(
    page: Page, dashboard: DashboardPage, simulator: GoliothSimulator
) -> None:
    """The card works with the features of early 2020.

    And with what Home Assistant adds to them.
    """
    session = await page.context.new_cdp_session(page)
    await session.send("Network.setUserAgentOverride", {"userAgent": OLD_CHROME})
    await page.add_init_script(TAKE_AWAY)
    await open_build(dashboard, page, "es5")
    simulator.log("Lid open", device=GREENHOUSE_NODE)
    await expect(dashboard.card.row("Lid open")).to_be_visible()


@pytest.fixture
async def old_card(page: Page, project: str) -> LoneCard:
    """Open a page that lacks the features of newer browsers.

    It can load the card's modules.
    """
    await page.goto("/")
    found = re.search(r"/golioth/frontend/\w+", await page.content())
    assert found is not None
    await page.add_init_script(TAKE_AWAY)
    await page.goto(f"{found[0]}/language.js")
    return await LoneCard.on(page, found[0])


async def test_old_methods_alone(old_card: LoneCard) -> None:
    """All of the card works with features of early 2020."""
    card = old_card
    assert await card.run("return Array.prototype.findLast === undefined")
    await card.watch_errors()
    await card.make()
    earlier = [log(number, f"Earlier {number}") for number in (0, 1)]
    for each in earlier:
        del each["number"]
    await card.answer(logs=earlier, more=False)
    await card.begin(*logs(2, 60))
    await card.send(log(60, "Pump blocked", level="error"), log(61, module="net"))
    # Only the logs near the view have rows.
    for _ in range(3):
        await card.scroll_to_top()
        await card.pass_time(1)
    await expect(card.row("Earlier 0")).to_be_visible()
    await card.row("Earlier 0").click()
    await expect(card.details).to_be_visible()
    await card.page.keyboard.press("End")
    await card.button("Pause").click()
    await card.send(*logs(62, 80))
    await card.button("18 new logs").click()
    await card.field("Minimum level").select_option("Error")
    await card.pass_time(1)
    await expect(card.row("Pump blocked")).to_be_visible()
    assert "Pump blocked" in await card.copy()
    await card.run('connection.fire("disconnected"); connection.fire("ready")')
    await card.begin(*logs(2, 90))
    await card.run("card.remove(); document.body.append(card)")
    assert await card.errors() == []


@pytest.mark.parametrize("module", ["define-card", "logs", "visible-text"])
async def test_browser_that_cannot_read_it(
    page: Page, dashboard: DashboardPage, build: str, module: str
) -> None:
    """A browser that cannot parse the card is too old.

    The card says that, and shows no other error.
    """

    async def later(route: Route) -> None:
        await route.fulfill(content_type="text/javascript", body=UNREADABLE)

    await page.route(f"**/golioth/frontend/*/{module}.js", later)
    await open_build(dashboard, page, build)
    await expect(dashboard.card.element).to_contain_text(TOO_OLD)
    await expect(page.locator("hui-error-card")).to_have_count(0)


async def test_browser_without_import(page: Page, dashboard: DashboardPage) -> None:
    """A browser that cannot import modules is too old."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.setUserAgentOverride", {"userAgent": OLD_CHROME})
    # `legacy.js` cannot set its test for `import()`, and the page's own import fails.
    await page.add_init_script(
        "Object.defineProperty(window, 'goliothImport', {value: undefined})"
    )
    await page.route(
        "**/golioth/frontend/*/golioth-log-card.js*", lambda route: route.abort()
    )
    await open_build(dashboard, page, "es5")
    await expect(dashboard.card.element).to_contain_text(TOO_OLD)


async def test_language(
    page: Page, api: HomeAssistantApi, dashboard: DashboardPage
) -> None:
    """The notice of an old browser is translated."""

    async def later(route: Route) -> None:
        await route.fulfill(content_type="text/javascript", body=UNREADABLE)

    await page.route("**/golioth/frontend/*/logs.js", later)
    async with locale(api, language="de"):
        await dashboard.open(PATH)
        await expect(dashboard.card.element).to_contain_text("ist zu alt")


@pytest.mark.parametrize(
    "missing",
    [
        *("Object.entries", "Object.fromEntries", "Intl.PluralRules"),
        *("window.ResizeObserver", "Element.prototype.append"),
        "Element.prototype.closest",
    ],
)
async def test_browser_that_lacks_something(
    page: Page, project: str, missing: str
) -> None:
    """A browser without a needed feature is too old."""
    await page.goto("/")
    found = re.search(r"/golioth/frontend/\w+", await page.content())
    assert found is not None
    await page.goto(f"{found[0]}/language.js")
    shown = await page.evaluate(
        f"""async folder => {{
          delete {missing};
          await import(`${{folder}}/golioth-log-card.js`);
          await customElements.whenDefined("golioth-log-card");
          const card = document.createElement("golioth-log-card");
          card.setConfig({{}});
          card.hass = {{}};
          document.body.replaceChildren(card);
          return card.textContent;
        }}""",
        found[0],
    )
    assert TOO_OLD in shown


async def test_lost_connection_is_no_old_browser(
    page: Page, dashboard: DashboardPage
) -> None:
    """A card that cannot be loaded blames no old browser."""
    loads = 0

    def count(_: Page) -> None:
        nonlocal loads
        loads += 1

    page.on("domcontentloaded", count)
    await page.route("**/golioth/frontend/*/logs.js", lambda route: route.abort())
    await dashboard.open(PATH)
    await expect(dashboard.card.element).to_contain_text("cannot be loaded")
    await expect(page.get_by_text("too old")).to_have_count(0)
    # Home Assistant does not reload the page, as it does for errors of its own.
    assert loads == 1
