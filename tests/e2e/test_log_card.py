"""The log card on a dashboard, used by a person."""

import asyncio
from datetime import UTC, datetime, timedelta
import os
import re
from typing import Final

from playwright.async_api import Page, WebSocketRoute, expect
import pytest

from tests import GREENHOUSE_NODE, WATER_METER
from tests.bench.service import LoadService
from tests.demo.api import HomeAssistantApi
from tests.demo.dashboard import add_dashboard
from tests.demo.home_assistant import DOMAIN, HomeAssistantProcess, Login
from tests.simulator import GoliothSimulator

from .dashboards import PATH, make_dashboard
from .locales import locale
from .pages.dashboard import DashboardPage
from .pages.log_card import MOST_ROWS, LogCard
from .pictures import TakePicture


def log_some(simulator: GoliothSimulator) -> None:
    """Log what devices usually do."""
    for device, level, module, message, metadata in (
        (GREENHOUSE_NODE, "INFO", "sensors", "Soil moisture 31 %", {"zone": 2}),
        (GREENHOUSE_NODE, "DEBUG", "net", "Sent 148 bytes in 2 packets", {}),
        (WATER_METER, "INFO", "meter", "12.4 l since midnight", {"litres": 12.4}),
        (GREENHOUSE_NODE, "WARN", "power", "Battery at 3.41 V", {"voltage": 3.41}),
        (WATER_METER, "DEBUG", "net", "Signal -71 dBm", {"rssi": -71}),
        (GREENHOUSE_NODE, "ERROR", "pump", "Pump blocked", {"current": 2.8}),
        (GREENHOUSE_NODE, "INFO", "pump", "Pump stopped after 4 s", {"seconds": 4}),
        (WATER_METER, "INFO", "meter", "12.5 l since midnight", {"litres": 12.5}),
    ):
        simulator.log(
            message, device=device, level=level, module=module, metadata=metadata
        )


async def test_add_card(
    page: Page,
    simulator: GoliothSimulator,
    project: str,
    no_dashboard: None,
    take_picture: TakePicture,
) -> None:
    """The card picker offers the card, which needs no settings.

    The picker shows it with logs; on the dashboard, it shows a new log within a second.
    """
    log_some(simulator)
    dashboard = DashboardPage(page)
    await dashboard.create("Garden")
    await dashboard.edit()
    entry = await dashboard.find_card("Golioth logs")
    await expect(LogCard(entry).row("12.5 l since midnight")).to_be_visible()

    editor = await dashboard.pick(entry)
    await expect(editor.element).to_contain_text(project)
    for setting in ("Title", "Project", "Devices", "Minimum level", "Modules"):
        await expect(editor.element.get_by_text(setting).first).to_be_visible()
    await expect(editor.preview.row("12.5 l since midnight")).to_be_visible()
    await take_picture("log-card-settings", editor.element.locator("dialog").first)
    await editor.save()
    await dashboard.finish()

    await expect(dashboard.card.row("12.5 l since midnight")).to_be_visible()
    simulator.log("Lid open", device=GREENHOUSE_NODE)
    await expect(dashboard.card.row("Lid open")).to_be_visible(timeout=1_000)


async def test_light_and_dark(
    page: Page, card: LogCard, simulator: GoliothSimulator, take_picture: TakePicture
) -> None:
    """The card is readable in light and dark, on phones."""
    log_some(simulator)
    await expect(card.rows).to_have_count(8)
    await expect(card.list).to_contain_text("There is nothing earlier")
    # Each level has a colour of its own.
    colours = await card.rows.evaluate_all(
        "rows => rows.map(row => getComputedStyle(row).borderLeftColor)"
    )
    assert len(set(colours)) == 4
    await take_picture("log-card", card.element)
    surface = card.element.locator("ha-card")
    light = await surface.evaluate(
        "card => getComputedStyle(card).getPropertyValue('background-color')"
    )
    await page.emulate_media(color_scheme="dark")
    await expect(surface).not_to_have_css("background-color", light)
    await take_picture("log-card-dark", card.element)

    await page.set_viewport_size({"width": 390, "height": 760})
    await card.row("Pump blocked").click()
    await expect(card.details).to_contain_text('"current": 2.8')
    # Nothing is wider than the screen.
    assert await card.list.evaluate("list => list.scrollWidth <= list.clientWidth")
    await take_picture("log-card-phone-dark", card.element)
    await page.emulate_media(color_scheme="light")
    await expect(surface).to_have_css("background-color", light)
    await take_picture("log-card-phone", card.element)


async def test_demo(
    page: Page,
    api: HomeAssistantApi,
    simulator: GoliothSimulator,
    project: str,
    no_dashboard: None,
) -> None:
    """The demo's dashboard shows the card beside a graph.

    The graph is Home Assistant's own, of the number of logs of each level.
    """
    (entry,) = await api.command("config_entries/get", domain=DOMAIN)
    await add_dashboard(api, entry)
    await page.goto("/")
    log_some(simulator)
    card = DashboardPage(page).card
    await expect(card.rows).to_have_count(8)
    graph = page.locator("hui-statistics-graph-card")
    # Made-up statistics of the day before.
    await expect(graph.locator("canvas").first).to_be_visible()
    history = await graph.get_by_role("link").get_attribute("href")
    assert history is not None
    for level in ("error", "warning", "info", "debug"):
        assert f"sensor.demo_project_{level}_logs" in history
    assert await api.command("persistent_notification/get") == []
    left, right = await card.element.bounding_box(), await graph.bounding_box()
    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] <= right["x"]


async def test_filters(card: LogCard, simulator: GoliothSimulator) -> None:
    """Logs are filtered by device, level, module and text.

    New ones as well. Escape clears the filters.
    """
    log_some(simulator)
    await expect(card.rows).to_have_count(8)
    await card.field("Device").select_option("water-meter")
    await expect(card.rows).to_have_count(3)
    await card.field("Module").select_option("meter")
    await card.expect_messages("12.4 l since midnight", "12.5 l since midnight")
    simulator.log("Rain", device=GREENHOUSE_NODE, module="meter")
    simulator.log("Debit", device=WATER_METER, module="meter")
    await card.expect_messages(
        "12.4 l since midnight", "12.5 l since midnight", "Debit"
    )
    # Metadata is searched as well.
    await card.search.fill("12.4")
    await card.expect_messages("12.4 l since midnight")
    await card.search.fill("nothing like that")
    await expect(card.element).to_contain_text("No log matches the filters")
    await card.search.press("Escape")
    await expect(card.rows).to_have_count(10)
    await card.field("Minimum level").select_option("Warning")
    await card.expect_messages("Battery at 3.41 V", "Pump blocked")


async def test_follow_and_pause(card: LogCard, simulator: GoliothSimulator) -> None:
    """The newest log stays in view unless scrolled or paused.

    Then the card shows the number of new logs.
    """
    for number in range(60):
        simulator.log(f"Log {number}", device=GREENHOUSE_NODE)
    await expect(card.row("Log 59")).to_be_in_viewport()
    await card.scroll_to_top()
    await expect(card.row("Log 59")).not_to_be_in_viewport()
    simulator.log("Came since", device=GREENHOUSE_NODE)
    await card.button("1 new log").click()
    await expect(card.row("Came since")).to_be_in_viewport()
    assert await card.is_at_bottom()
    simulator.log("Followed", device=GREENHOUSE_NODE)
    await expect(card.row("Followed")).to_be_in_viewport()

    await card.button("Pause").click()
    await expect(card.status).to_have_text("Paused")
    for number in range(3):
        simulator.log(f"In the pause {number}", device=GREENHOUSE_NODE)
    await expect(card.button("3 new logs")).to_be_visible()
    await expect(card.row("In the pause")).to_have_count(0)
    await card.button("Resume").click()
    await expect(card.row("In the pause 2")).to_be_in_viewport()
    await expect(card.row("In the pause")).to_have_count(3)


async def test_history(
    page: Page, api: HomeAssistantApi, simulator: GoliothSimulator, no_dashboard: None
) -> None:
    """Scrolling up loads all earlier logs, once and in order."""
    start = datetime.now(UTC) - timedelta(hours=20)
    for number in range(300):
        time = start + timedelta(minutes=number)
        simulator.log(
            f"Earlier {number:03}", device=GREENHOUSE_NODE, timestamp=time.isoformat()
        )
    await api.add_project(simulator.project_id, simulator.api_key, simulator.url)
    await simulator.wait_for_streams(1)
    await make_dashboard(api)
    dashboard = DashboardPage(page)
    await dashboard.open(PATH)
    card = dashboard.card
    # Loaded automatically, because there are no live logs yet.
    await expect(card.row("Earlier 299")).to_be_in_viewport()
    simulator.log("Now", device=GREENHOUSE_NODE)
    await expect(card.row("Now")).to_be_in_viewport()

    seen: list[str] = []
    beginning = card.list.get_by_text("There is nothing earlier in the last 30 days")
    await card.scroll_to_top()
    while not await beginning.is_visible() or not await card.row("Earlier 000").count():
        shown = await card.shown_messages()
        assert shown == sorted(shown)
        assert len(shown) <= MOST_ROWS
        seen += shown
        await card.scroll_to_top()
    shown = await card.shown_messages()
    assert shown[0] == "Earlier 000"
    assert {f"Earlier {number:03}" for number in range(300)} <= {*seen, *shown}
    await card.button("Newest logs").click()
    await expect(card.row("Now")).to_be_in_viewport()
    assert (await card.shown_messages())[-2:] == ["Earlier 299", "Now"]


async def test_details(page: Page, card: LogCard, simulator: GoliothSimulator) -> None:
    """A click opens a log, and another closes it."""
    log_some(simulator)
    await card.row("Battery at 3.41 V").click()
    await expect(card.row("Battery at 3.41 V")).to_have_attribute(
        "aria-expanded", "true"
    )
    await expect(card.details).to_contain_text('"voltage": 3.41')
    await card.row("Battery at 3.41 V").click()
    await expect(card.details).to_have_count(0)


async def test_keyboard(page: Page, card: LogCard, simulator: GoliothSimulator) -> None:
    """Every part of the card is usable by keyboard."""
    log_some(simulator)
    await expect(card.rows).to_have_count(8)
    await card.search.focus()
    for name in ("Device", "Minimum level", "Module"):
        await page.keyboard.press("Tab")
        await expect(card.field(name)).to_be_focused()
    focused = card.list.locator(".line:focus")
    # The button for earlier logs, if any, comes before the one log that is a tab stop.
    while not await focused.count():
        await page.keyboard.press("Tab")
    await expect(focused).to_contain_text("12.5 l since midnight")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await expect(focused).to_contain_text("Pump blocked")
    await page.keyboard.press("Enter")
    await expect(card.details).to_contain_text('"current": 2.8')
    await page.keyboard.press("Home")
    await expect(focused).to_contain_text("Soil moisture 31 %")
    await page.keyboard.press("End")
    await expect(focused).to_contain_text("12.5 l since midnight")
    # While the list has the focus, nothing moves.
    simulator.log("Lid open", device=GREENHOUSE_NODE)
    await expect(card.button("1 new log")).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(card.row("Lid open")).to_be_in_viewport()


async def test_copy(page: Page, card: LogCard, simulator: GoliothSimulator) -> None:
    """The shown logs are copied, one line each."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log_some(simulator)
    await card.field("Minimum level").select_option("Warning")
    await expect(card.rows).to_have_count(2)
    await card.button("Copy logs").click()
    await expect(card.status).to_have_text("2 logs copied")
    lines = (await page.evaluate("navigator.clipboard.readText()")).split("\n")
    assert [line.split("\t")[1:] for line in lines] == [
        ["warn", "greenhouse-node", "power", "Battery at 3.41 V", '{"voltage":3.41}'],
        ["error", "greenhouse-node", "pump", "Pump blocked", '{"current":2.8}'],
    ]


async def test_hostile_texts(
    page: Page, card: LogCard, simulator: GoliothSimulator
) -> None:
    """Whatever a device sends is shown as text."""
    simulator.document_limit = None
    image = '<img src=x onerror="window.isHurt = true"><script>isHurt = true</script>'
    simulator.log(image, device=GREENHOUSE_NODE, module=image, metadata={image: image})
    simulator.log("\x1b[31mred\x1b[0m \x07 bell", device=GREENHOUSE_NODE)
    simulator.log("\u202eשלום עולם 🌱👩🏽‍🌾", device=GREENHOUSE_NODE, level="שלום")
    simulator.log("long " + "x" * 1_000_000, device=GREENHOUSE_NODE)
    simulator.log("The last", device=GREENHOUSE_NODE)
    await expect(card.row("The last")).to_be_in_viewport()
    await expect(card.messages.nth(0)).to_have_text(image)
    await expect(card.messages.nth(1)).to_have_text("␛[31mred␛[0m ␇ bell")
    await expect(card.messages.nth(2)).to_have_text("\\u202eשלום עולם 🌱👩🏽‍🌾")
    shown = await card.messages.nth(3).text_content()
    assert shown is not None
    assert shown.startswith("long xxx")
    assert len(shown) < 1_000
    # Text from right to left does not reverse the text around it.
    isolated = "each => getComputedStyle(each).unicodeBidi"
    assert await card.messages.nth(2).evaluate(isolated) == "isolate"

    await card.rows.nth(0).click()
    await expect(card.details).to_contain_text(image)
    await card.rows.nth(0).click()
    await card.rows.nth(3).click()
    await card.details.get_by_role("button", name="Show all").click()
    whole = await card.details.text_content()
    assert whole is not None
    assert len(whole) > 10_000
    await expect(card.details).to_contain_text("Cut, because it was too long")
    assert await card.element.locator("img, script").count() == 0
    assert not await page.evaluate("'isHurt' in window")


async def test_language_and_clock(
    page: Page, api: HomeAssistantApi, card: LogCard, simulator: GoliothSimulator
) -> None:
    """The user's language, clock and time zone are used."""
    simulator.log(
        "Nachmittag", device=GREENHOUSE_NODE, timestamp="2026-07-01T15:04:05.678901Z"
    )
    async with locale(api, language="de", time_format="12"):
        await page.reload()
        await expect(
            card.element.get_by_placeholder("Protokoll durchsuchen")
        ).to_be_visible()
        row = card.row("Nachmittag")
        await expect(row.locator("time")).to_have_text(re.compile(r"^0?3:04:05\sPM$"))
        await row.click()
        await expect(card.details).to_contain_text("Mittwoch, 1. Juli 2026, ")


async def test_lost_connection(
    page: Page,
    api: HomeAssistantApi,
    simulator: GoliothSimulator,
    project: str,
    no_dashboard: None,
) -> None:
    """A lost connection loses no log.

    Logs of that time are shown in order once the browser is back.
    """
    connections: list[WebSocketRoute] = []
    is_reachable = True

    async def connect(connection: WebSocketRoute) -> None:
        if not is_reachable:
            await connection.close()
            return
        connection.connect_to_server()
        connections.append(connection)

    await page.route_web_socket("**/api/websocket", connect)
    await make_dashboard(api)
    dashboard = DashboardPage(page)
    await dashboard.open(PATH)
    card = dashboard.card
    simulator.log("Before", device=GREENHOUSE_NODE)
    await expect(card.row("Before")).to_be_visible()
    is_reachable = False
    await connections[-1].close()
    await expect(card.status).to_have_text("No connection to Home Assistant")
    # Wait until Home Assistant has the log, before the browser is back.
    events = await api.subscribe("golioth_log")
    simulator.log("Meanwhile", device=GREENHOUSE_NODE)
    await anext(events)
    is_reachable = True
    await expect(card.row("Meanwhile")).to_be_visible()
    simulator.log("After", device=GREENHOUSE_NODE)
    await card.expect_messages("Before", "Meanwhile", "After")
    await expect(card.status).to_have_text("")


async def test_restart(
    own_page: Page,
    own_home_assistant: HomeAssistantProcess,
    own_login: Login,
) -> None:
    """A restart of Home Assistant loses and repeats no log."""
    async with GoliothSimulator("allotment-4c1f") as simulator:
        simulator.add_device("greenhouse-node", device_id=GREENHOUSE_NODE)
        url = own_home_assistant.url
        async with HomeAssistantApi(url, own_login.access_token) as api:
            await api.wait_until_running()
            await api.add_project(
                simulator.project_id, simulator.api_key, simulator.url
            )
            await simulator.wait_for_streams(1)
            await make_dashboard(api)
        dashboard = DashboardPage(own_page)
        await dashboard.open(PATH)
        card = dashboard.card
        simulator.log("Before", device=GREENHOUSE_NODE)
        await expect(card.row("Before")).to_be_visible()
        assert await own_home_assistant.stop() == 0
        simulator.log("Meanwhile", device=GREENHOUSE_NODE)
        await own_home_assistant.start()
        await expect(card.row("Meanwhile")).to_be_visible()
        await simulator.wait_for_streams(1)
        simulator.log("After", device=GREENHOUSE_NODE)
        await expect(card.row("After")).to_be_visible()
        await card.expect_messages("Before", "Meanwhile", "After")


# The longest task of the page, in milliseconds. Generous, because here Home Assistant
# and the browser share a machine.
LONGEST_TASK: Final = 200

RATE: Final = 1_000
SECONDS: Final = 60

# Records the length of the page's long tasks, and five times a second the card's rows.
WATCH: Final = """
card => {
  window.watched = {tasks: [], isOrdered: true, mostRows: 0, looks: 0, last: 0, still: 0};
  new PerformanceObserver(list => {
    for (const {duration} of list.getEntries()) window.watched.tasks.push(duration);
  }).observe({type: "longtask"});
  setInterval(() => {
    const messages = [...card.shadowRoot.querySelectorAll(".message")];
    const times = messages.map(each => Number(each.textContent.split(" ").pop()));
    window.watched.isOrdered &&= times.every((time, index) => !index || times[index - 1] < time);
    window.watched.mostRows = Math.max(window.watched.mostRows, times.length);
    window.watched.looks += 1;
    window.watched.still = window.watched.last === times.at(-1) ? window.watched.still + 1 : 0;
    window.watched.last = times.at(-1);
  }, 200);
}
"""


def yield_to_browser(home_assistant: HomeAssistantProcess) -> None:
    """Lower Home Assistant's priority below the browser's.

    Users run the two on different machines.
    """
    assert home_assistant.pid is not None
    os.setpriority(os.PRIO_PGRP, home_assistant.pid, 10)


@pytest.mark.storm
@pytest.mark.timeout(400)
async def test_storm(
    own_page: Page, own_home_assistant: HomeAssistantProcess, own_login: Login
) -> None:
    """The card stays responsive at 1,000 logs a second.

    For a minute: logs stay in order, and the card shows how many were left out.
    """
    url = own_home_assistant.url
    async with (
        LoadService.running() as service,
        HomeAssistantApi(url, own_login.access_token) as api,
    ):
        await api.wait_until_running()
        project = service.project("measured")
        await service.register("measured", 2)
        await api.add_project(project.id, project.api_key, project.url)
        await make_dashboard(api)
        dashboard = DashboardPage(own_page)
        await dashboard.open(PATH)
        card = dashboard.card
        # The first log takes the longest: measure later ones.
        await service.send("measured", 1, devices=1)
        await expect(card.rows).to_have_count(1)
        yield_to_browser(own_home_assistant)
        await card.element.evaluate(WATCH)
        await service.send("measured", RATE * SECONDS, devices=2, rate=RATE)
        # Home Assistant and the browser may still be catching up.
        await own_page.wait_for_function("window.watched.still >= 10")
        watched = await own_page.evaluate("window.watched")
        assert watched["isOrdered"]
        assert watched["looks"] > SECONDS
        assert watched["mostRows"] <= MOST_ROWS
        assert max(watched["tasks"], default=0) <= LONGEST_TASK

        # The last log sent is in view.
        await card.rows.last.click()
        await expect(card.details).to_contain_text(f'"index": {RATE * SECONDS - 1}')
        # Close it and move the focus, or new logs would wait.
        await card.rows.last.click()
        await card.search.click()

        # More at once than Home Assistant sends to a browser.
        await service.send("measured", 5_000, devices=2)
        await expect(card.status).to_have_text(
            re.compile(r"^[\d,]+ logs left out of the view$")
        )
        client = await own_page.context.new_cdp_session(own_page)
        await client.send("HeapProfiler.collectGarbage")
        usage = await client.send("Runtime.getHeapUsage")
        assert usage["usedSize"] < 64 * 1024 * 1024

        # Home Assistant stops only once it has recorded all events, which takes longer.
        async with asyncio.timeout(300):
            while (await api.command("recorder/info"))["backlog"]:  # noqa: ASYNC110
                await asyncio.sleep(0.5)
