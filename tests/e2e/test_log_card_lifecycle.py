"""An open log card while users, projects and devices change."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import re
from typing import Any, Final

from playwright.async_api import Page, WebSocket, expect
import pytest

from tests import GREENHOUSE_NODE, WATER_METER
from tests.demo.api import HomeAssistantApi
from tests.demo.home_assistant import DOMAIN, Login
from tests.simulator import GoliothSimulator, RestRequest

from .chromium import PLAIN_HOST
from .dashboards import PATH, make_dashboard
from .locales import locale
from .pages.dashboard import DashboardPage
from .pages.log_card import LogCard
from .pages.login import LoginPage

# The most logs that Home Assistant keeps for a card, and that a card shows live.
MOST: Final = 2_000

REMOVED: Final = "This project or its devices are not there any more"


async def entry_id(api: HomeAssistantApi) -> str:
    """Return the config entry ID of the only project."""
    (entry,) = await api.command("config_entries/get", domain=DOMAIN)
    return str(entry["entry_id"])


def log_earlier(simulator: GoliothSimulator, *messages: str, **values: Any) -> None:
    """Log 20 hours ago, one minute apart."""
    start = datetime.now(UTC) - timedelta(hours=20)
    for number, message in enumerate(messages):
        time = start + timedelta(minutes=number)
        simulator.log(
            message, device=GREENHOUSE_NODE, timestamp=time.isoformat(), **values
        )


@pytest.mark.parametrize("time_zone", ["Pacific/Auckland"], ids=["Auckland"])
async def test_time_zone(
    page: Page, api: HomeAssistantApi, card: LogCard, simulator: GoliothSimulator
) -> None:
    """Times are in the time zone of the user's profile.

    Either the browser's or Home Assistant's.
    """
    simulator.log("Lid open", device=GREENHOUSE_NODE, timestamp="2026-07-01T22:04:05Z")
    row = card.row("Lid open")
    for setting, time, day in (
        ("local", "10:04:05", "Thursday, 2 July 2026, 10:04:05.000"),
        ("server", "22:04:05", "Wednesday, 1 July 2026, 22:04:05.000"),
    ):
        async with locale(api, language="en-GB", time_format="24", time_zone=setting):
            await page.reload()
            await expect(row.locator("time")).to_have_text(time)
            await row.click()
            await expect(card.details).to_contain_text(day)


async def test_large_integers(
    page: Page, card: LogCard, simulator: GoliothSimulator
) -> None:
    """Integers reach the card exactly, live and from the history.

    Also those of more than 64 bits.
    """
    metadata = {"serial": 9007199254740993, "counter": 2**64 + 1}
    log_earlier(simulator, "Earlier", metadata=metadata)
    simulator.log("Live", device=GREENHOUSE_NODE, metadata=metadata)
    await expect(card.row("Live")).to_be_visible()
    await page.reload()
    for message in ("Earlier", "Live"):
        row = card.row(message)
        await row.click()
        for shown in ('"serial": 9007199254740993', '"counter": 18446744073709551617'):
            await expect(card.details).to_contain_text(shown)
        await row.click()


async def test_filtered_history(
    page: Page, api: HomeAssistantApi, simulator: GoliothSimulator, no_dashboard: None
) -> None:
    """Errors of the history are read once, and stay.

    However many logs come that the card does not show.
    """

    def asked() -> list[RestRequest]:
        return [each for each in simulator.requests if "level" in each.query]

    log_earlier(simulator, "Pump blocked", "Lid open", level="ERROR")
    log_earlier(simulator, "Soil moisture 31 %", "Rain")
    await api.add_project(simulator.project_id, simulator.api_key, simulator.url)
    await simulator.wait_for_streams(1)
    events = await api.subscribe("golioth_log")
    for number in range(MOST):
        simulator.log(f"Log {number}", device=GREENHOUSE_NODE)
    for _ in range(MOST):
        await anext(events)
    await make_dashboard(api, {"minimum_level": "error"})
    card = await DashboardPage(page).open_card(PATH)
    shown = ["Pump blocked", "Lid open"]
    await card.expect_messages(*shown)
    await expect(card.list).to_contain_text("There is nothing earlier")
    first = asked()
    # From now on, each log displaces an older one.
    for number in range(3):
        simulator.log("Sent 148 bytes", device=GREENHOUSE_NODE)
        shown.append(f"Battery at {number} %")
        simulator.log(shown[-1], device=GREENHOUSE_NODE, level="ERROR")
        await expect(card.row(shown[-1])).to_be_visible()
        await card.expect_messages(*shown)
    assert asked() == first


@pytest.fixture
async def guest(stranger: Page, api: HomeAssistantApi) -> AsyncIterator[Page]:
    """Open a page for a user without permissions."""
    created = await api.command("config/auth/create", name="Guest", group_ids=[])
    user_id = created["user"]["id"]
    await api.command(
        "config/auth_provider/homeassistant/create",
        user_id=user_id,
        username="guest",
        password="guest",
    )
    await LoginPage(stranger).log_in("guest", "guest")
    yield stranger
    await api.command("config/auth/delete", user_id=user_id)


async def test_user_without_permission(
    api: HomeAssistantApi,
    simulator: GoliothSimulator,
    project: str,
    guest: Page,
    no_dashboard: None,
) -> None:
    """Without permission, the card says so, and stops asking.

    Nothing is logged as an error.
    """
    asked: list[str | bytes] = []

    def keep(frame: str | bytes) -> None:
        asked.append(frame)

    def watch(connection: WebSocket) -> None:
        connection.on("framesent", keep)

    def history() -> list[str | bytes]:
        return [frame for frame in asked if "golioth/logs/history" in str(frame)]

    guest.on("websocket", watch)
    log_earlier(simulator, "Pump blocked")
    await make_dashboard(api)
    errors = await api.command("system_log/list")
    card = await DashboardPage(guest).open_card(PATH)
    await expect(card.element).to_contain_text("You may not see these logs")
    assert any("golioth/logs/subscribe" in str(frame) for frame in asked)
    before = history()
    # No action of the user requests the history.
    await card.search.fill("Pump")
    await card.button("Pause").click()
    await expect(card.status).to_have_text("Paused")
    await expect(card.rows).to_have_count(0)
    assert history() == before
    assert await api.command("system_log/list") == errors


async def test_permission_comes_later(
    api: HomeAssistantApi,
    simulator: GoliothSimulator,
    project: str,
    guest: Page,
    no_dashboard: None,
) -> None:
    """A granted permission makes an open card show logs."""
    events = await api.subscribe("golioth_log")
    simulator.log("Lid open", device=GREENHOUSE_NODE)
    await anext(events)
    await make_dashboard(api)
    card = await DashboardPage(guest).open_card(PATH)
    await expect(card.element).to_contain_text("You may not see these logs")
    users = await api.command("config/auth/list")
    (user_id,) = (user["id"] for user in users if user["name"] == "Guest")
    await api.command("config/auth/update", user_id=user_id, group_ids=["system-users"])
    await card.expect_messages("Lid open")
    await expect(card.element).not_to_contain_text("You may not see these logs")


async def test_view_left_in_pause(
    page: Page, api: HomeAssistantApi, card: LogCard, simulator: GoliothSimulator
) -> None:
    """A card stays paused when its view is left.

    On return, it shows the logs until then.
    """
    config = await api.command("lovelace/config", url_path=PATH)
    config["views"].append({"title": "Other"})
    await api.command("lovelace/config/save", url_path=PATH, config=config)
    await page.reload()
    simulator.log("Before", device=GREENHOUSE_NODE)
    await expect(card.row("Before")).to_be_visible()
    await card.button("Pause").click()
    await page.get_by_role("tab").nth(1).click()
    await expect(card.element).to_have_count(0)
    events = await api.subscribe("golioth_log")
    simulator.log("Meanwhile", device=GREENHOUSE_NODE)
    await anext(events)
    await page.get_by_role("tab").nth(0).click()
    await card.expect_messages("Before", "Meanwhile")
    simulator.log("After", device=GREENHOUSE_NODE)
    await expect(card.button("1 new log")).to_be_visible()
    await card.button("Resume").click()
    await card.expect_messages("Before", "Meanwhile", "After")


async def test_settings_changed(
    page: Page, card: LogCard, simulator: GoliothSimulator
) -> None:
    """The editor previews changed settings, and saving applies them."""
    simulator.log("Lid open", device=GREENHOUSE_NODE)
    simulator.log("Pump blocked", device=GREENHOUSE_NODE, level="ERROR")
    await expect(card.rows).to_have_count(2)
    dashboard = DashboardPage(page)
    await dashboard.edit()
    editor = await dashboard.edit_card()
    await editor.preview.expect_messages("Lid open", "Pump blocked")
    await editor.choose("Minimum level", "Warning")
    await editor.preview.expect_messages("Pump blocked")
    simulator.log("Lid closed", device=GREENHOUSE_NODE)
    simulator.log("Pump stuck", device=GREENHOUSE_NODE, level="ERROR")
    await editor.preview.expect_messages("Pump blocked", "Pump stuck")
    await editor.save()
    await dashboard.finish()
    await card.expect_messages("Pump blocked", "Pump stuck")
    simulator.log("Battery empty", device=GREENHOUSE_NODE, level="WARN")
    await card.expect_messages("Pump blocked", "Pump stuck", "Battery empty")


async def test_reload(
    api: HomeAssistantApi, card: LogCard, simulator: GoliothSimulator
) -> None:
    """A reload of the project loses and repeats no log."""
    simulator.log("Before", device=GREENHOUSE_NODE)
    await expect(card.row("Before")).to_be_visible()
    handshakes = len(simulator.handshakes)
    entry = f"/api/config/config_entries/entry/{await entry_id(api)}"
    await api.post(f"{entry}/reload", {})
    simulator.log("Meanwhile", device=GREENHOUSE_NODE)
    await simulator.wait_until(
        lambda: len(simulator.handshakes) > handshakes and simulator.streams == 1
    )
    await expect(card.row("Meanwhile")).to_be_visible()
    simulator.log("After", device=GREENHOUSE_NODE)
    await card.expect_messages("Before", "Meanwhile", "After")


async def test_removal(
    api: HomeAssistantApi, card: LogCard, simulator: GoliothSimulator
) -> None:
    """The card reports that its project was removed."""
    simulator.log("Before", device=GREENHOUSE_NODE)
    await expect(card.row("Before")).to_be_visible()
    await api.delete(f"/api/config/config_entries/entry/{await entry_id(api)}")
    await expect(card.element).to_contain_text(REMOVED)


async def test_added_again(
    page: Page, api: HomeAssistantApi, card: LogCard, simulator: GoliothSimulator
) -> None:
    """A card goes on when its project is added again.

    Whether it stays open or is opened later.
    """
    simulator.log("Before", device=GREENHOUSE_NODE)
    await expect(card.row("Before")).to_be_visible()
    for message in ("Once more", "And again"):
        await api.delete(f"/api/config/config_entries/entry/{await entry_id(api)}")
        await expect(card.element).to_contain_text(REMOVED)
        await api.add_project(simulator.project_id, simulator.api_key, simulator.url)
        simulator.log(message, device=GREENHOUSE_NODE)
        await expect(card.row(message)).to_be_visible()
        options = card.field("Device").get_by_role("option")
        await expect(options.filter(has_text="greenhouse-node")).to_have_count(1)
    await page.reload()
    await expect(card.row("And again")).to_be_visible()
    simulator.log("After", device=GREENHOUSE_NODE)
    await expect(card.row("After")).to_be_visible()


async def test_disabled_device(
    api: HomeAssistantApi, card: LogCard, simulator: GoliothSimulator
) -> None:
    """A disabled device's logs are hidden until it is enabled."""
    simulator.log("Noise", device=GREENHOUSE_NODE)
    simulator.log("Lid open", device=WATER_METER)
    await card.expect_messages("Noise", "Lid open")
    (device_id,) = (
        device["id"]
        for device in await api.command("config/device_registry/list")
        if device["name"] == "greenhouse-node"
    )
    update = "config/device_registry/update"
    await api.command(update, device_id=device_id, disabled_by="user")
    await card.expect_messages("Lid open")
    simulator.log("More noise", device=GREENHOUSE_NODE)
    simulator.log("Lid closed", device=WATER_METER)
    await card.expect_messages("Lid open", "Lid closed")
    await api.command(update, device_id=device_id, disabled_by=None)
    simulator.log("Rain", device=GREENHOUSE_NODE)
    await expect(card.row("Rain")).to_be_visible()


async def rename(api: HomeAssistantApi, device_id: str, name: str | None) -> None:
    """Rename a device in Home Assistant, or reset its name."""
    await api.command(
        "config/device_registry/update", device_id=device_id, name_by_user=name
    )


@pytest.fixture
async def golioth_names(
    api: HomeAssistantApi, simulator: GoliothSimulator
) -> AsyncIterator[None]:
    """Reset the names of devices afterwards.

    Home Assistant remembers names of removed devices.
    """
    yield
    for device in await api.command("config/device_registry/list"):
        if device["name_by_user"]:
            await rename(api, device["id"], None)


@pytest.mark.usefixtures("golioth_names")
async def test_renamed_device(
    page: Page,
    api: HomeAssistantApi,
    simulator: GoliothSimulator,
    no_dashboard: None,
) -> None:
    """A device has Home Assistant's name everywhere in the card.

    Also in logs from before it was renamed.
    """
    log_earlier(simulator, "Earlier")
    await api.add_project(simulator.project_id, simulator.api_key, simulator.url)
    await simulator.wait_for_streams(1)
    await make_dashboard(api)
    card = await DashboardPage(page).open_card(PATH)
    simulator.log("Before", device=GREENHOUSE_NODE)
    simulator.log("Other", device=WATER_METER)
    simulator.log("Unknown", device="invented")
    await card.expect_messages("Earlier", "Before", "Other", "Unknown")
    (device_id,) = (
        device["id"]
        for device in await api.command("config/device_registry/list")
        if device["name"] == "greenhouse-node"
    )
    names = card.rows.locator(".device")
    old_names = await names.all_text_contents()
    assert old_names[:3] == ["greenhouse-node", "greenhouse-node", "water-meter"]
    await card.row("Before").click()
    await rename(api, device_id, "Glasshouse")
    await expect(names).to_have_text(["Glasshouse", "Glasshouse", *old_names[2:]])
    await expect(
        card.details.locator("dd").filter(has_text="Glasshouse")
    ).to_have_count(1)
    await card.row("Before").click()
    # While a row has the focus, new logs wait.
    await card.search.focus()
    simulator.log("After", device=GREENHOUSE_NODE)
    await expect(names).to_have_text(
        ["Glasshouse", "Glasshouse", *old_names[2:], "Glasshouse"]
    )
    await expect(card.field("Device").get_by_role("option")).to_contain_text(
        ["All devices", "Glasshouse", "water-meter"]
    )
    await card.search.fill("glasshouse")
    await card.expect_messages("Before", "After")
    await card.search.fill("greenhouse-node")
    await card.expect_messages()
    await card.search.fill("")
    await page.reload()
    await expect(names).to_have_text(
        ["Glasshouse", "Glasshouse", *old_names[2:], "Glasshouse"]
    )
    await rename(api, device_id, None)
    await expect(names.first).to_have_text("greenhouse-node")
    await expect(card.element).not_to_contain_text("Glasshouse")


async def test_two_cards(
    page: Page,
    api: HomeAssistantApi,
    simulator: GoliothSimulator,
    project: str,
    no_dashboard: None,
) -> None:
    """Two cards each show their own device."""
    devices = {
        device["name"]: device["id"]
        for device in await api.command("config/device_registry/list")
    }
    names = ("greenhouse-node", "water-meter")
    await make_dashboard(
        api, *({"title": name, "device_ids": [devices[name]]} for name in names)
    )
    await DashboardPage(page).open(PATH)
    greenhouse, water = (
        LogCard(page.locator("hui-card").filter(has_text=name)) for name in names
    )
    for number in range(2):
        simulator.log(f"Rain {number}", device=GREENHOUSE_NODE)
        simulator.log(f"Litre {number}", device=WATER_METER)
        await greenhouse.expect_messages(
            *(f"Rain {each}" for each in range(number + 1))
        )
        await water.expect_messages(*(f"Litre {each}" for each in range(number + 1)))
    await greenhouse.button("Pause").click()
    simulator.log("Rain 2", device=GREENHOUSE_NODE)
    simulator.log("Litre 2", device=WATER_METER)
    await expect(greenhouse.button("1 new log")).to_be_visible()
    await water.expect_messages("Litre 0", "Litre 1", "Litre 2")


@pytest.mark.parametrize(
    ("language", "said", "again"),
    [
        (
            "en",
            (
                "Earlier logs could not be loaded. "
                "Golioth is having problems (HTTP status 503). Try again later."
            ),
            "Try again",
        ),
        (
            "de",
            (
                "Frühere Einträge konnten nicht geladen werden. "
                "Golioth ist gestört (HTTP-Status 503). Versuche es später erneut."
            ),
            "Erneut versuchen",
        ),
    ],
)
async def test_history_fails(
    page: Page,
    api: HomeAssistantApi,
    simulator: GoliothSimulator,
    no_dashboard: None,
    language: str,
    said: str,
    again: str,
) -> None:
    """The card says why earlier logs cannot be read.

    In the user's language; "Try again" then reads them.
    """
    log_earlier(simulator, "Pump blocked")
    await api.add_project(simulator.project_id, simulator.api_key, simulator.url)
    await simulator.wait_for_streams(1)
    await make_dashboard(api)
    simulator.faults.logs_status = 503
    async with locale(api, language=language):
        card = await DashboardPage(page).open_card(PATH)
        await expect(card.list).to_contain_text(said)
        simulator.faults.clear()
        await card.button(again).click()
        # The automatic retry would come seconds later.
        await expect(card.row("Pump blocked")).to_be_visible(timeout=2_000)


@pytest.mark.parametrize("host", [PLAIN_HOST])
async def test_copy_without_tls(
    stranger: Page,
    api: HomeAssistantApi,
    login: Login,
    simulator: GoliothSimulator,
    project: str,
    no_dashboard: None,
) -> None:
    """Logs are copied over plain HTTP.

    There, the browser has no clipboard API.
    """
    await LoginPage(stranger).log_in(login.username, login.password)
    await make_dashboard(api)
    card = await DashboardPage(stranger).open_card(PATH)
    assert not await stranger.evaluate("isSecureContext || 'clipboard' in navigator")
    simulator.log("Pump blocked", device=GREENHOUSE_NODE, level="ERROR", module="pump")
    await expect(card.rows).to_have_count(1)
    await card.button("Copy logs").click()
    await expect(card.status).to_have_text("1 log copied")
    await card.search.focus()
    await stranger.keyboard.press("Control+V")
    await expect(card.search).to_have_value(
        re.compile(r"Z\terror\tgreenhouse-node\tpump\tPump blocked$")
    )
