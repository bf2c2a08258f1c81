"""The card in browsers that are older than the one of the tests, which lacks here what they lack."""

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

# Home Assistant has a build of its own for this one.
OLD_CHROME: Final = (
    "Mozilla/5.0 (Linux; Android 8.0.0; Tablet) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/80.0.3987.162 Safari/537.36"
)

# What Chrome 80 did not have, of what programs like to use.
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

# Read by no browser of today either.
UNREADABLE: Final = "class Later { @@ }"


@pytest.fixture(params=["latest", "es5"])
async def build(request: pytest.FixtureRequest, page: Page) -> str:
    """Choose one of the builds of Home Assistant's user interface, by what the browser says that it is."""
    name: str = request.param
    if name == "es5":
        session = await page.context.new_cdp_session(page)
        await session.send("Network.setUserAgentOverride", {"userAgent": OLD_CHROME})
    return name


@pytest.fixture
async def dashboard(
    page: Page, api: HomeAssistantApi, project: str, no_dashboard: None
) -> DashboardPage:
    """Make a dashboard with the card."""
    await make_dashboard(api)
    return DashboardPage(page)


async def open_build(dashboard: DashboardPage, page: Page, build: str) -> None:
    """Open the dashboard in a build of the user interface."""
    async with page.expect_request(re.compile(f"/frontend_{build}/app")):
        await dashboard.open(PATH)


async def test_build_for_older_browsers(
    page: Page, dashboard: DashboardPage, build: str, simulator: GoliothSimulator
) -> None:
    """The card shows logs in both builds of Home Assistant's user interface, without an error."""
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
    """The card shows logs in a browser of early 2020, by what that has of its own and Home Assistant adds."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.setUserAgentOverride", {"userAgent": OLD_CHROME})
    await page.add_init_script(TAKE_AWAY)
    await open_build(dashboard, page, "es5")
    simulator.log("Lid open", device=GREENHOUSE_NODE)
    await expect(dashboard.card.row("Lid open")).to_be_visible()


@pytest.fixture
async def old_card(page: Page, project: str) -> LoneCard:
    """Open a page from which the modules can be loaded, and take away what browsers had not always."""
    await page.goto("/")
    found = re.search(r"/golioth/frontend/\w+", await page.content())
    assert found is not None
    await page.add_init_script(TAKE_AWAY)
    await page.goto(f"{found[0]}/language.js")
    return await LoneCard.on(page, found[0])


async def test_old_methods_alone(old_card: LoneCard) -> None:
    """Nothing that the card does needs more than browsers of early 2020 have of their own."""
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
    # There are rows for what is looked at alone.
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
    """Where the browser cannot read the card, it says that it is too old, and not that something is wrong."""

    async def later(route: Route) -> None:
        await route.fulfill(content_type="text/javascript", body=UNREADABLE)

    await page.route(f"**/golioth/frontend/*/{module}.js", later)
    await open_build(dashboard, page, build)
    await expect(dashboard.card.element).to_contain_text(TOO_OLD)
    await expect(page.locator("hui-error-card")).to_have_count(0)


async def test_browser_without_import(page: Page, dashboard: DashboardPage) -> None:
    """A browser that cannot load modules as they are loaded today says that it is too old."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.setUserAgentOverride", {"userAgent": OLD_CHROME})
    # What tries it cannot say that it works, and Home Assistant's own page loads nothing either.
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
    """That a browser is too old is said in the user's language."""

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
    """Where the browser can read the card, but lacks what that needs, it says that it is too old."""
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
    """A browser that does not get the card is not said to be too old."""
    loads = 0

    def count(_: Page) -> None:
        nonlocal loads
        loads += 1

    page.on("domcontentloaded", count)
    await page.route("**/golioth/frontend/*/logs.js", lambda route: route.abort())
    await dashboard.open(PATH)
    await expect(dashboard.card.element).to_contain_text("cannot be loaded")
    await expect(page.get_by_text("too old")).to_have_count(0)
    # Home Assistant does not take it for a failure of its own either.
    assert loads == 1
