"""The card on a dashboard, with seeded random hostile logs.

They come through the service and Home Assistant.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
import json
from random import Random
import re
from typing import Any, Final
import unicodedata

from playwright.async_api import Page, expect
import pytest

from tests import GREENHOUSE_NODE, WATER_METER
from tests.demo.api import HomeAssistantApi
from tests.simulator import GoliothSimulator

from .dashboards import PATH, make_dashboard
from .pages.dashboard import DashboardPage
from .pages.log_card import LogCard

COUNT: Final = 200

# Logs that one message to the browser holds.
BATCH: Final = 10

NO_MATCH: Final = "No log matches the filters"

# Pieces of text with a meaning to spreadsheets, terminals, browsers or programs.
PIECES: Final = (
    *("=1+1", "+1", "-5 dB", "@SUM(1)", '"', "'", "\t", "\r", "\n", "\r\n=1", "|", ";"),
    *("\u2028", "\u2029", "\u202e", "\u2066", "\u2069", "\u200b", "\u200d", "\ufeff"),
    *("\x00", "\x1b[31m", "\x1b]8;;http://a\x07", "\x7f", "\x85", "\x9b", "\xad"),
    *("\U000e0041", "\U000e0100", "\ufe0f", "\u3164", "\u061c", "\ufff9", "\U0001d173"),
    *("\uff1d1", "\uff0b", "\uff0d", "\uff20", "\u00a0=1", "\u3000@"),
    *("<img src=x onerror='isHurt=1'>", "<script>isHurt=1</script>", "&lt;", "]]>"),
    *("javascript:isHurt=1", "url(x)", "{{ 1 }}", "${1}", "{reason}", "$&", "%s"),
    *("__proto__", "constructor", "toString", "[object Object]", "null", "undefined"),
    *(
        "1e400",
        "-0",
        "NaN",
        "שלום",
        "مرحبا",
        "👩🏽‍🌾",
        "e\u0301" * 20,
        "𝔘",
        "  ",
        "a_b",
    ),
)

NAMES: Final = (
    *("__proto__", "constructor", "prototype", "toString", "valueOf", "toJSON", "then"),
    *("hasOwnProperty", "length", "", "0", "Symbol.toPrimitive", "log", "isUnreadable"),
)

TIMES: Final = (
    *(
        "soon",
        "",
        "1970-01-01T00:00:00Z",
        "2026-13-45T99:99:99Z",
        "0001-01-01T00:00:00Z",
    ),
    *(
        "9999-12-31T23:59:59.999999999Z",
        "+275760-09-13T00:00:00Z",
        "=1+1",
        "\u202e2026",
    ),
)


def hostile_text(random: Random) -> str:
    """Return any text, seldom a long one."""
    text = "".join(random.choices(PIECES, k=random.randrange(6)))
    return text * (random.randrange(50) == 0) * 300 + text


def hostile_value(random: Random, depth: int = 0) -> Any:
    """Return any value of JSON."""
    kind = random.randrange(9 if depth < 5 else 6)
    if kind == 6:
        value: Any = 1
        for level in range(random.choice([1, 5, 200])):
            value = [value] if level % 2 else {random.choice(NAMES): value}
        return value
    if kind == 7:
        return [hostile_value(random, depth + 1) for _ in range(random.randrange(5))]
    if kind == 8:
        return hostile_metadata(random, depth + 1)
    return (
        hostile_text(random),
        random.choice([None, True, False]),
        random.choice([0, -0.0, 1e308, 2**53 + 1, 2**63, -1, 5e-324]),
        random.choice(NAMES),
        {"toString": 1, "valueOf": None, "toJSON": {}},
        [],
    )[kind]


def hostile_metadata(random: Random, depth: int = 0) -> dict[str, Any]:
    """Return any metadata."""
    if depth == 0 and random.randrange(50) == 0:
        return {f"{number}": {"toString": number} for number in range(1_000)}
    return {
        random.choice(NAMES + PIECES): hostile_value(random, depth)
        for _ in range(random.randrange(8))
    }


def hostile_logs(seed: int) -> Iterator[dict[str, Any]]:
    """Return logs as the service sends them.

    The `index` in their metadata identifies them.
    """
    random = Random(seed)  # noqa: S311
    for index in range(COUNT):
        yield {
            "deviceId": random.choice([GREENHOUSE_NODE, WATER_METER]),
            "type": random.choice(["LOGGING", hostile_text(random), {"toString": 1}]),
            "level": random.choice(
                ["INFO", "ERROR", 3, hostile_text(random), {"toString": 1}, [1], None]
            ),
            "module": random.choice(
                ["app", hostile_text(random), {"toString": {}}, [[]], 1, None]
            ),
            "message": random.choice(
                [hostile_text(random), hostile_text(random), {"toString": 1}, None, -5]
            ),
            "metadata": {"index": index, **hostile_metadata(random)},
        }


async def check_copied(page: Page, card: LogCard, count: int) -> None:
    """Check that each log is copied once, in a line.

    No cell is a formula or has invisible characters.
    """
    await card.button("Copy logs").click()
    await expect(card.status).to_have_text(f"{count} logs copied")
    lines = (await page.evaluate("navigator.clipboard.readText()")).split("\n")
    found = []
    for line in lines:
        cells = line.split("\t")
        assert len(cells) == 6
        found.append(json.loads(cells[5])["index"])
        for cell in cells:
            assert not re.match(r"\s*[\"=+\-@＝＋－＠]", cell), cell
            unseen = {
                character
                for character in cell
                if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs")
            }
            # The zero-width joiner joins parts of emoji.
            assert unseen <= {"\u200d"}, cell
    assert sorted(found) == list(range(count))


async def check_rows(page: Page, card: LogCard) -> None:
    """Open some logs, and check that all are shown.

    Nothing in them is rendered as markup or executed.
    """
    await card.rows.last.focus()
    await page.keyboard.press("Home")
    opened = card.list.locator(".line[aria-expanded=true]")
    for _ in range(20):
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(card.details).to_contain_text("Metadata")
        if await card.details.get_by_role("button", name="Show all").count():
            await card.details.get_by_role("button", name="Show all").click()
        await opened.click()
        await expect(card.details).to_have_count(0)
    seen = await card.list.text_content()
    assert seen is not None
    assert "cannot be shown" not in seen
    assert "could not be loaded" not in seen
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u2028\u2029\x1b]", seen)
    assert await card.element.locator("img, script, a").count() == 0
    assert not await page.evaluate("'isHurt' in window")


async def check_filters(card: LogCard) -> None:
    """Check the filters, also with odd modules."""
    await expect(card.field("Module").get_by_role("option")).not_to_have_count(1)
    options = card.field("Module").get_by_role("option")
    for text in await options.all_text_contents():
        assert len(text) < 400
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\n\x1b]", text)
    modules = await options.evaluate_all("all => all.map(each => each.value)")
    for module in modules[1:10]:
        await card.field("Module").select_option(module)
        # The service does not find every module; then the card says so.
        await expect(
            card.rows.or_(card.element.get_by_text(NO_MATCH)).first
        ).to_be_visible()
        await expect(card.list).not_to_contain_text("could not be loaded")
        # Resetting the filter offers all modules again.
        await card.field("Module").select_option("")
    for name in ("greenhouse-node", "water-meter"):
        await card.field("Device").select_option(name)
        await expect(card.rows).not_to_have_count(0)
    await card.field("Device").select_option("")
    await card.search.fill("nothing like that")
    await expect(card.element).to_contain_text(NO_MATCH)
    await card.search.fill("")
    await expect(card.rows).not_to_have_count(0)


async def check_all(page: Page, card: LogCard, count: int) -> None:
    """Check a number of logs, once earlier ones are loaded."""
    beginning = card.list.get_by_text("There is nothing earlier in the last 30 days")
    await expect(beginning).to_be_attached()
    await check_copied(page, card, count)
    await check_rows(page, card)
    await check_filters(card)


@pytest.fixture
def raised(page: Page) -> list[str]:
    """Return the page's uncaught errors."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(f"{error.stack}"))
    return found


@pytest.mark.parametrize("seed", [1, 2])
async def test_live(
    page: Page, raised: list[str], card: LogCard, simulator: GoliothSimulator, seed: int
) -> None:
    """200 hostile live logs are all shown, copied and found."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    random = Random(-seed)  # noqa: S311
    count = COUNT
    for number, log in enumerate(hostile_logs(seed), 1):
        if random.randrange(3) == 0:
            log["timestamp"] = random.choice(TIMES)
            simulator.send_frame(json.dumps({"result": {"data": log}}))
        else:
            simulator.send(log)
        # Wait, because some of too many logs at once would be left out.
        if number % BATCH == 0:
            last = f"Until {number}"
            simulator.log(last, device=GREENHOUSE_NODE, metadata={"index": count})
            await expect(card.row(last)).to_be_in_viewport()
            count += 1
    await check_all(page, card, count)
    assert raised == []


@pytest.mark.parametrize("seed", [3, 4])
async def test_history(
    page: Page,
    raised: list[str],
    api: HomeAssistantApi,
    simulator: GoliothSimulator,
    no_dashboard: None,
    seed: int,
) -> None:
    """200 hostile earlier logs are all shown, copied and found."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    start = datetime.now(UTC) - timedelta(hours=20)
    for number, log in enumerate(hostile_logs(seed)):
        time = start + timedelta(minutes=number)
        simulator.send({**log, "timestamp": time.isoformat()})
    await api.add_project(simulator.project_id, simulator.api_key, simulator.url)
    await simulator.wait_for_streams(1)
    await make_dashboard(api)
    card = await DashboardPage(page).open_card(PATH)
    await expect(card.rows).not_to_have_count(0)
    await card.scroll_to_top()
    await check_all(page, card, COUNT)
    assert raised == []
