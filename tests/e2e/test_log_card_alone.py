"""The card by itself, with a faked connection and clock.

They show what the card requests, and when.
"""

from datetime import UTC, datetime, timedelta
import json
import re
from typing import Any, Final, Self
import unicodedata

from playwright.async_api import Page, expect
import pytest

from .locales import card_texts
from .pages.log_card import LogCard
from .test_log_card_modules import log, logs

# Creates the card. Its requests wait in `requests` and `subscriptions`, unless there is
# an `answer` or a `refusal`.
MAKE: Final = """
async ([folder, config, texts]) => {
  await import(`${folder}/golioth-log-card.js`);
  await customElements.whenDefined("golioth-log-card");
  window.requests = [];
  window.subscriptions = [];
  window.answer = null;
  window.refusal = null;
  window.translationRequests = [];
  window.giveTexts = ({category, language, resolve}) => {
    const given = category === "exceptions" ? exceptions : texts;
    resolve({resources: {...given.en, ...given[language]}});
  };
  window.onTranslationRequest = giveTexts;
  window.exceptions = {
    en: {"component.golioth.exceptions.away.message": "{who} is away."},
    de: {"component.golioth.exceptions.away.message": "{who} ist weg."},
  };
  const listeners = {ready: new Set(), disconnected: new Set()};
  window.connection = {
    connected: true,
    addEventListener: (name, listener) => listeners[name].add(listener),
    removeEventListener: (name, listener) => listeners[name].delete(listener),
    fire(name) {
      this.connected = name === "ready";
      for (const listener of [...listeners[name]]) listener();
    },
    subscribeMessage: (send, request) => new Promise((resolve, reject) => {
      const subscription = {send, request, reject, isEnded: false};
      subscription.resolve = () => resolve(async () => { subscription.isEnded = true; });
      subscriptions.push(subscription);
    }),
    sendMessagePromise: (request) => new Promise((resolve, reject) => {
      if (request.type === "frontend/get_translations") {
        const requested = {...request, resolve, reject};
        translationRequests.push(requested);
        onTranslationRequest?.(requested);
        return;
      }
      requests.push({...request, resolve, reject});
      if (refusal) reject(refusal);
      else if (answer) resolve(answer);
    }),
  };
  window.card = document.createElement("golioth-log-card");
  card.style.height = "400px";
  card.setConfig(config);
  card.hass = {
    connection,
    devices: {},
    locale: {language: "en", time_format: "24", time_zone: "local"},
    config: {time_zone: "UTC"},
  };
  document.body.textContent = "";
  document.body.append(card);
}
"""

NOTHING: Final = {
    "logs": [],
    "start": "2025-12-31T00:00:00Z",
    "more": True,
    "complete": True,
}


# An error of Home Assistant; its message is English in every language.
AWAY: Final = {
    "code": "home_assistant_error",
    "message": "Golioth was gone",
    "translation_domain": "golioth",
    "translation_key": "away",
    "translation_placeholders": {"who": "Golioth"},
}


class LoneCard(LogCard):
    """A card alone on a page."""

    def __init__(self, page: Page, folder: str) -> None:
        """Use a page that has no card yet."""
        super().__init__(page)
        self.page = page
        self._folder = folder

    @classmethod
    async def on(cls, page: Page, folder: str) -> Self:
        """Return the card of a page with a stopped clock.

        Time passes only where a test lets it.
        """
        now = datetime.now(UTC)
        # The clock runs once installed, until it is paused.
        await page.clock.install(time=now - timedelta(hours=1))
        await page.clock.pause_at(now)
        return cls(page, folder)

    async def make(self, **config: Any) -> None:
        """Create the card on the page."""
        await self.page.evaluate(
            MAKE, [self._folder, {"config_entry_id": "a"} | config, card_texts()]
        )

    async def run(self, code: str, *values: Any) -> Any:
        """Run a script with the test's values, as `values`."""
        # As JSON text, which may be nested as deeply as messages of a WebSocket.
        return await self.page.evaluate(
            f"async json => {{ const values = JSON.parse(json); {code} }}",
            json.dumps(values),
        )

    async def begin(self, *sent: dict[str, Any], first: int = 1) -> None:
        """Accept the last subscription, and send the recent logs."""
        await self.run(
            "const [last] = subscriptions.slice(-1); last.resolve(); last.send(values[0])",
            {"session": "a", "first_number": first, "logs": sent},
        )
        await self.pass_time(1)

    async def send(self, *sent: dict[str, Any]) -> None:
        """Send new logs."""
        await self.run(
            "subscriptions.slice(-1)[0].send(values[0])", {"logs": sent, "left_out": 0}
        )
        await self.pass_time(0.5)

    async def answer(self, **page: Any) -> None:
        """Set the answer to requests for the history."""
        await self.run("answer = values[0]", NOTHING | page)

    async def requests(self) -> list[dict[str, Any]]:
        """Return the requests for the history."""
        found: list[dict[str, Any]] = await self.run(
            "return JSON.parse(JSON.stringify(requests))"
        )
        return found

    async def pass_time(self, seconds: float) -> None:
        """Let time pass in small steps."""
        # In steps, between which the browser does what does not depend on the clock.
        for _ in range(round(seconds / 0.1)):
            await self.page.clock.run_for(100)

    async def pass_long(self, seconds: int) -> None:
        """Let much time pass."""
        for _ in range(seconds // 60):
            await self.page.clock.run_for(60_000)
        for _ in range(seconds % 60):
            await self.page.clock.run_for(1_000)

    async def watch_errors(self) -> None:
        """Record uncaught errors and rejections from now on."""
        await self.run("""
          window.raised = [];
          addEventListener("error", ({message}) => raised.push(message));
          addEventListener("unhandledrejection", ({reason}) => raised.push(`${reason}`));
        """)

    async def errors(self) -> list[str]:
        """Return the recorded errors."""
        found: list[str] = await self.run("return raised")
        return found

    async def copy(self) -> str:
        """Copy all logs, and return the text."""
        await self.run("""
          window.copied = null;
          Object.defineProperty(navigator, "clipboard", {
            configurable: true,
            value: {writeText: async text => { copied = text; }},
          });
        """)
        await self.button("Copy logs").click()
        await self.page.wait_for_function("copied !== null")
        text: str = await self.run("return copied")
        return text


@pytest.fixture
async def card(page: Page, project: str) -> LoneCard:
    """Open a page that can load the card's modules."""
    await page.goto("/")
    found = re.search(r"/golioth/frontend/\w+", await page.content())
    assert found is not None
    await page.goto(f"{found[0]}/language.js")
    return await LoneCard.on(page, found[0])


async def test_no_permission(card: LoneCard) -> None:
    """Without permission, the card says so, and reads no history."""
    await card.make()
    await card.run('subscriptions.at(-1).reject({code: "unauthorized"})')
    await card.pass_time(20)
    assert not await card.requests()
    await expect(card.element).to_contain_text("You may not see these logs")


@pytest.mark.parametrize("code", ["unauthorized", "not_found"])
async def test_retry_after_refusal(card: LoneCard, code: str) -> None:
    """A refused card retries every 15 seconds until accepted.

    After a lost connection, it retries at once.
    """
    await card.make()
    await card.answer(more=False)
    requested = 1
    for _ in range(3):
        await card.run("subscriptions.at(-1).reject({code: values[0]})", code)
        await card.pass_long(14)
        assert await card.run("return subscriptions.length") == requested
        await card.pass_long(2)
        requested += 1
        assert await card.run("return subscriptions.length") == requested
    await card.begin(*logs(1, 3))
    await card.expect_messages("1", "2")
    await expect(card.element).not_to_contain_text("You may not see these logs")
    await card.pass_long(60)
    assert await card.run("return subscriptions.length") == requested
    # A lost connection is no refusal: the card subscribes at once when it is back.
    await card.run('connection.fire("disconnected")')
    await card.pass_long(60)
    assert await card.run("return subscriptions.length") == requested
    await card.run('connection.fire("ready")')
    await card.run("subscriptions.at(-1).reject({code: values[0]})", code)
    await card.run('connection.fire("disconnected")')
    await card.pass_long(60)
    assert await card.run("return subscriptions.length") == requested + 1
    await card.run('connection.fire("ready")')
    await card.begin(*logs(1, 4))
    await card.expect_messages("1", "2", "3")


async def test_retry_after_removal(card: LoneCard) -> None:
    """The card retries for a removed project, even without devices.

    Its old subscription is ended.
    """
    await card.make()
    await card.answer(more=False)
    await card.begin(log(1))
    await card.run("subscriptions.at(-1).send({removed: true})")
    await card.pass_long(16)
    assert await card.run("return subscriptions.map(each => each.isEnded)") == [
        True,
        False,
    ]
    await card.run(
        "subscriptions.at(-1).resolve(); subscriptions.at(-1).send(values[0])",
        {"session": "b", "first_number": 1, "logs": [log(1, "Again")]},
    )
    await card.pass_time(1)
    await card.expect_messages("Again")


async def test_removed(card: LoneCard) -> None:
    """A removed project hides the logs."""
    await card.make()
    await card.answer(more=False)
    await card.begin(*logs(1, 30))
    await expect(card.row("29")).to_be_visible()
    await card.run("subscriptions.at(-1).send({removed: true})")
    await card.pass_time(1)
    await expect(card.element).to_contain_text("This project or its devices are not")
    await expect(card.list).to_be_hidden()
    await card.run('connection.fire("disconnected"); connection.fire("ready")')
    await card.begin(*logs(1, 30))
    # The hidden list had no height; now its rows fill the view again.
    await expect(card.row("29")).to_be_in_viewport()
    await expect(card.rows).to_have_count(29)


async def test_added_again(card: LoneCard) -> None:
    """Changed devices make the card look for a removed project.

    It then has the devices of the new config entry.
    """

    async def see_devices(**entry_ids: str) -> None:
        await card.run(
            "card.hass = {...card._hass, devices: values[0]}",
            {
                key: {
                    "id": key,
                    "name": key,
                    "name_by_user": None,
                    "config_entry_id": value,
                    "disabled_by": None,
                }
                for key, value in entry_ids.items()
            },
        )
        await card.pass_time(1)

    await card.make()
    await card.answer(more=False)
    await card.begin(log(1))
    await see_devices(pump="a")
    assert await card.run("return subscriptions.length") == 1
    await card.run("subscriptions.at(-1).send({removed: true})")
    await see_devices()
    await card.run('subscriptions.at(-1).reject({code: "not_found"})')
    await card.pass_time(1)
    await expect(card.element).to_contain_text("This project or its devices are not")
    assert await card.run("return subscriptions.length") == 2

    await see_devices(tank="b")
    assert await card.run("return subscriptions.length") == 3
    await card.run(
        "subscriptions.at(-1).resolve(); subscriptions.at(-1).send(values[0])",
        {"session": "b", "config_entry_id": "b", "first_number": 1, "logs": [log(2)]},
    )
    await card.pass_time(1)
    await card.expect_messages("2")
    options = card.field("Device").get_by_role("option")
    assert (await options.all_text_contents())[1:] == ["tank"]


async def test_automatic_pages_end(card: LoneCard) -> None:
    """Without matches, only five pages are loaded automatically.

    The user can load more.
    """
    await card.make()
    await card.answer()
    await card.begin()
    await card.pass_time(20)
    assert len(await card.requests()) == 5
    await card.button("Load earlier logs").click()
    await card.pass_time(20)
    assert len(await card.requests()) == 10


async def test_matching_logs_stay(card: LoneCard) -> None:
    """Logs that do not match displace no earlier ones.

    The history is not read again.
    """
    await card.make(minimum_level="error")
    await card.answer(logs=[log(0, "Pump blocked", level="error")], more=False)
    await card.begin(*logs(1, 1_990))
    await expect(card.row("Pump blocked")).to_be_visible()
    for number in range(1_990, 2_200, 10):
        await card.send(*logs(number, number + 10))
        await expect(card.row("Pump blocked")).to_be_visible()
    assert len(await card.requests()) == 1


async def test_when_history_is_read(card: LoneCard) -> None:
    """The history is read once for each filter.

    Not before the first logs are there, not for each typed letter, and not for a
    setting that changes no filter.
    """
    await card.make()
    await card.pass_time(5)
    assert not await card.requests()
    await card.answer(more=False)
    await card.begin(*logs(1, 3))
    (first,) = await card.requests()
    assert first["before"] == "2026-01-01T00:00:02.123Z"

    await card.search.focus()
    for character in "pump":
        await card.page.keyboard.press(character)
        await card.pass_time(0.2)
    await card.pass_time(5)
    _first, second = await card.requests()
    assert second["search"] == "pump"

    await card.run("card.setConfig({config_entry_id: 'a', title: 'Garden'})")
    await card.pass_time(5)
    await expect(card.element.get_by_role("heading")).to_have_text("Garden")
    assert len(await card.requests()) == 2
    assert await card.run("return subscriptions.length") == 1
    await card.run("card.setConfig({config_entry_id: 'b'})")
    assert await card.run("return subscriptions.map(each => each.isEnded)") == [
        True,
        False,
    ]


async def test_one_request_at_a_time(card: LoneCard) -> None:
    """A page is requested only after the last was answered.

    Then for the latest filter.
    """
    await card.make()
    await card.begin(*logs(1, 3))
    for level in ("Info", "Warning", "Error"):
        await card.field("Minimum level").select_option(level)
        await card.pass_time(5)
    assert len(await card.requests()) == 1
    await card.answer(logs=[log(0, "Pump blocked", level="error")], more=False)
    await card.run("requests[0].resolve({...answer, logs: []})")
    await card.pass_time(5)
    _first, second = await card.requests()
    assert second["levels"] == ["error"]
    await card.expect_messages("Pump blocked")


async def test_errors(card: LoneCard) -> None:
    """The history's error stays until a page is read.

    A lost connection is no such error.
    """
    await card.make()
    await card.begin(*logs(1, 3))
    lost = (
        '{type: "result", success: false, error: {code: 3, message: "Connection lost"}}'
    )
    for reason, delay in (("3", 5), (lost, 10)):
        await card.run(f"requests.at(-1).reject({reason})")
        await card.pass_time(delay + 1)
        await expect(card.list).not_to_contain_text("could not be loaded")
    await card.run("requests.at(-1).reject(values[0])", AWAY)
    error = card.list.get_by_text("Earlier logs could not be loaded. Golioth is away.")
    await card.pass_time(1)
    await expect(error).to_be_visible()
    await card.pass_time(20)
    assert len(await card.requests()) == 4
    await expect(error).to_be_visible()
    await card.run("requests.at(-1).resolve(values[0])", NOTHING | {"more": False})
    await card.pass_time(1)
    await expect(error).to_be_hidden()
    await expect(card.list).to_contain_text("There is nothing earlier")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"code": "home_assistant_error", "message": "Gone"}, "own log may say why"),
        ({"code": "unknown_error", "message": "Unknown error"}, "own log may say why"),
        ({"code": "unauthorized", "message": "No"}, "You may not see these logs"),
        ({"code": "invalid_format", "message": "expected str"}, "check its project"),
        (AWAY | {"translation_key": "unknown"}, "own log may say why"),
        (AWAY | {"translation_domain": "other"}, "own log may say why"),
    ],
)
async def test_error_without_a_translation(
    card: LoneCard, error: dict[str, Any], said: str
) -> None:
    """An error without a translation gets the card's own text."""
    await card.make()
    await card.begin(*logs(1, 3))
    await card.run("requests.at(-1).reject(values[0])", error)
    await card.pass_time(1)
    await expect(card.list).to_contain_text(said)
    await expect(card.list).not_to_contain_text(error["message"])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("invalid_format", "check its project and devices"),
        ("unknown_error", "own log may say why"),
        ("home_assistant_error", "own log may say why"),
    ],
)
async def test_refused_subscription(card: LoneCard, code: str, said: str) -> None:
    """A refused subscription is explained, not shown as a code."""
    await card.make()
    await card.run(f'subscriptions.at(-1).reject({{code: "{code}"}})')
    await card.pass_time(1)
    await expect(card.element.get_by_text(said)).to_be_visible()


async def test_retries_end(card: LoneCard) -> None:
    """Retries of the history become rarer, and end.

    After eight failures, only the user retries.
    """
    await card.make()
    await card.run("refusal = values[0]", AWAY)
    # The first request fails at once, three seconds before the loop.
    await card.begin(*logs(1, 3))
    await card.pass_time(2)
    requested = 1
    assert len(await card.requests()) == requested
    for delay in (5, 10, 20, 40, 80, 160, 300):
        await card.pass_long(delay - 4)
        assert len(await card.requests()) == requested
        await card.pass_long(4)
        requested += 1
        assert len(await card.requests()) == requested
    await expect(card.list).to_contain_text("this is not tried again automatically")
    await expect(card.list).to_contain_text("Golioth is away.")
    await card.pass_long(3_600)
    # Neither new logs, nor scrolling, nor another connection starts retries again.
    await card.send(*logs(3, 30))
    await card.scroll_to_top()
    await card.run('connection.fire("disconnected"); connection.fire("ready")')
    await card.begin(*logs(1, 30))
    await card.pass_long(600)
    assert len(await card.requests()) == requested

    await card.button("Try again").click()
    await card.pass_time(2)
    assert len(await card.requests()) == requested + 1
    # Delays are short again.
    await card.pass_time(5)
    assert len(await card.requests()) == requested + 2
    await card.run("refusal = null")
    await card.answer(logs=[log(0, "Earlier")], more=False)
    await card.button("Try again").click()
    await card.pass_time(2)
    await expect(card.list).not_to_contain_text("could not be loaded")
    await card.scroll_to_top()
    await expect(card.row("Earlier")).to_be_visible()


async def test_hostile_reason(card: LoneCard) -> None:
    """The reason of an error is shown as limited text."""
    await card.make()
    await card.begin(*logs(1, 3))
    who = "\u202e\x1b" + "x" * 9_000
    await card.run(
        "requests.at(-1).reject(values[0])",
        AWAY | {"translation_placeholders": {"who": who}},
    )
    await card.pass_time(1)
    await expect(card.list).to_contain_text("could not be loaded. \\u202e␛xxx")
    shown = await card.list.locator(".top").text_content()
    assert shown is not None
    assert len(shown) < 1_000
    await card.pass_time(5)
    for reason in ({"toString": 1}, ["a"], 7, None):
        await card.run(
            "requests.at(-1).reject(values[0])",
            AWAY
            | {
                "code": reason,
                "message": reason,
                "translation_domain": reason,
                "translation_key": reason,
                "translation_placeholders": reason,
            },
        )
        await card.pass_time(1)
        await expect(card.row("2")).to_be_visible()
        await card.button("Load earlier logs").click()
        await card.pass_time(1)


# Names with a meaning for objects in a browser.
NAMES: Final = (
    *("__proto__", "constructor", "prototype", "toString", "valueOf", "toJSON"),
    *("then", "hasOwnProperty", "length", "Symbol.toPrimitive", "", "0", "-1", "log"),
)


def nested(depth: int) -> Any:
    """Return lists and objects nested in each other."""
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"toString": value}
    return value


HOSTILE_METADATA: Final = {
    "a name of objects as an object": {"state": {"toString": 1}, "n": 2},
    "every such name": {
        name: {each: {each: 1, "n": None} for each in NAMES} for name in NAMES
    },
    "every such name as a text": dict.fromkeys(NAMES, "__proto__"),
    "deep": {"deep": nested(235), "n": 1},
    "long names": {"k" * 9_000: 1, "k" * 9_001: {"toString": {}}},
    "many names": {f"{number}": {"valueOf": number} for number in range(10_000)},
    "lists": {"a": [[], [[{}]], [None, {"toString": None}]], "b": [], "c": {}},
    "nothing": {"a": None, "": None},
    "numbers": {
        "a": "1e400",
        "b": "-0",
        "c": -0.0,
        "d": 2**63,
        "e": "0x10",
        "f": 1e308,
    },
    "texts": {"<b>": "\u202e\u2066\u200b\u2028\x1b\x00\x7f\x85", "\u202e": "\ufeff"},
}


@pytest.mark.parametrize("metadata", HOSTILE_METADATA.values(), ids=HOSTILE_METADATA)
async def test_hostile_metadata(card: LoneCard, metadata: dict[str, Any]) -> None:
    """A log with any metadata is shown, copied and found.

    In the history, it is recognized as the same log.
    """
    await card.watch_errors()
    await card.make()
    hostile = {"metadata": metadata}
    earlier = [log(number, f"Earlier {number}", **hostile) for number in (0, 1)]
    for each in earlier:
        del each["number"]
    again = log(2, "Again", **hostile)
    await card.answer(
        logs=[*earlier, {key: again[key] for key in again if key != "number"}],
        more=False,
    )
    await card.begin(again, log(3, "Plain"))
    await card.send(log(4, "Live", **hostile))
    await card.pass_time(6)
    messages = ("Earlier 0", "Earlier 1", "Again", "Plain", "Live")
    await card.expect_messages(*messages)
    assert len(await card.requests()) == 1
    await card.row("Live").click()
    await expect(card.details).to_contain_text("Metadata")
    await card.row("Live").click()
    copied = await card.copy()
    assert [line.split("\t")[4] for line in copied.split("\n")] == list(messages)
    found = [line.split("\t")[5] for line in copied.split("\n") if "Plain" not in line]
    # The JSON is unchanged, except for large integers, which the browser rounds.
    if "d" not in metadata:
        assert [json.loads(each) for each in found] == [metadata] * 4
    await card.search.fill("live")
    await card.pass_time(1)
    await card.expect_messages("Live")
    assert await card.errors() == []


# Values that no field of a log has.
BAD_VALUES: Final = (None, 1, True, [{"toString": 1}], {"toString": 1, "length": -1})


@pytest.mark.parametrize(
    ("field", "values"),
    [
        *(
            (name, BAD_VALUES)
            for name in (
                *("level", "module", "device_name", "message", "type", "timestamp"),
                "golioth_device_id",
            )
        ),
        ("metadata", (None, 1, True, "a")),
    ],
)
async def test_log_that_cannot_be_shown(
    card: LoneCard, field: str, values: tuple[Any, ...]
) -> None:
    """A log with a bad field costs only itself.

    Its row says that it cannot be shown.
    """
    await card.watch_errors()
    await card.make()
    count = len(values)
    await card.answer(
        logs=[
            *(log(number) | {field: each} for number, each in enumerate(values)),
            log(count, "Earlier"),
        ],
        more=False,
    )
    await card.begin(log(20, "First"), first=20)
    await card.send(
        *(log(number) | {field: each} for number, each in enumerate(values, 21)),
        log(30, "Last", module="net"),
    )
    await card.pass_time(6)
    bad = "This log cannot be shown"
    shown = await card.shown_messages()
    assert sorted(shown) == sorted(["Earlier", "First", "Last", *[bad] * 2 * count])
    assert len(await card.requests()) == 1
    await card.row(bad).last.click()
    await expect(card.details).to_be_visible()
    await card.row(bad).last.click()
    copied = (await card.copy()).split("\n")
    assert [line.split("\t")[4] for line in copied] == shown
    await card.search.fill("last")
    await card.pass_time(1)
    await card.expect_messages("Last")
    await card.search.fill("")
    await card.field("Module").select_option("net")
    await card.pass_time(1)
    await card.expect_messages("Last")
    assert await card.errors() == []


async def test_deeper_than_home_assistant_sends(card: LoneCard) -> None:
    """Metadata deeper than the browser's stack costs only its log.

    Its row says so in the user's language.
    """
    await card.watch_errors()
    await card.make()
    await card.run(
        "card.hass = {...card._hass, locale: {...card._hass.locale, language: 'de'}}"
    )
    # Made in the page, because no value nested so deeply can be passed to it.
    deep = """
      let metadata = {};
      for (let depth = 0; depth < 100000; depth++) metadata = {metadata};
      const bad = {...values[0], metadata};
    """
    await card.run(f"{deep} answer = {{...values[1], logs: [bad]}}", log(0), NOTHING)
    await card.begin(log(2, "First"))
    await card.run(
        f"{deep} subscriptions.at(-1).send({{logs: [bad, null, values[1]], left_out: 0}})",
        log(3),
        log(4, "Last"),
    )
    await card.pass_time(6)
    bad = "Dieser Eintrag kann nicht angezeigt werden"
    await card.expect_messages(bad, "First", bad, "Last")
    assert await card.errors() == []


async def test_deep_list(card: LoneCard) -> None:
    """Deeply nested values are shown without deep indentation."""
    await card.make()
    await card.answer(more=False)
    metadata: Any = list(range(4_000))
    for _ in range(230):
        metadata = {"a": metadata}
    await card.begin(log(1, metadata=metadata))
    await card.rows.click()
    await card.details.get_by_role("button", name="Show all").click()
    shown = await card.details.text_content()
    assert shown is not None
    assert "3999" in shown
    assert len(shown) < 2 * len(json.dumps(metadata))


# Integers that no float holds, as Home Assistant sends them, and the same metadata as
# Golioth's history may return it.
LARGE: Final = (
    '{"serial":9007199254740993,"deep":[{"id":-9223372036854775808}],'
    '"more":18446744073709551617,"text":"\\"9007199254740993:\\\\","float":1.5,"small":7}'
)
LARGE_AGAIN: Final = (
    '{"small":7.0,"float":1.5,"text":"\\"9007199254740993:\\\\","serial":9007199254740993,'
    '"more":1.8446744073709552e+19,"deep":[{"id":-9223372036854775808}]}'
)


async def test_large_integers(card: LoneCard) -> None:
    """Integers that no float holds stay exact.

    They are shown, found, copied and recognized in the history.
    """
    await card.watch_errors()
    await card.make()
    again = log(2, "Sent", metadata=LARGE_AGAIN)
    other = log(2, "Other", metadata='{"serial":9007199254740995}')
    for each in (again, other):
        del each["number"]
    await card.answer(logs=[other, again], more=False)
    await card.begin(log(2, "Sent", metadata=LARGE), log(3, "Plain"))
    await card.pass_time(6)
    await card.expect_messages("Other", "Sent", "Plain")
    copied = [line.split("\t") for line in (await card.copy()).split("\n")]
    assert copied[0][5] == other["metadata"]
    assert copied[1][5] == LARGE
    await card.row("Sent").click()
    shown = await card.details.locator("dd").last.text_content()
    assert shown is not None
    assert json.loads(shown) == json.loads(LARGE)
    await card.row("Sent").click()
    await card.search.fill("9007199254740993,")
    await card.pass_time(1)
    await card.expect_messages("Sent")
    await card.search.fill("-9223372036854775808")
    await card.pass_time(1)
    await card.expect_messages("Sent")
    assert await card.errors() == []


async def test_device_names(card: LoneCard) -> None:
    """The filters offer odd names in one visible line.

    Choosing one filters by the original name.
    """
    await card.make()
    await card.answer(more=False)
    name = "\u202eesuoh\n\u200b\x1b[31m" + "x" * 500
    await card.begin(log(1, module=name, device_id="odd"), log(2))
    await card.run(
        "card.hass = {...card._hass, devices: values[0]}",
        {
            key: {
                "id": key,
                "name": name,
                "name_by_user": None,
                "config_entry_id": "a",
            }
            for key in ("odd", "__proto__", "constructor")
        },
    )
    for field in ("Device", "Module"):
        options = card.field(field).get_by_role("option")
        for shown in (await options.all_text_contents())[1:]:
            assert shown == "app" or shown.startswith("\\u202eesuoh␊\\u200b␛[31mxxx")
            assert len(shown) < 100
    await card.field("Module").select_option(name)
    await card.pass_time(1)
    await card.expect_messages("1")
    await card.field("Device").select_option("constructor")
    await card.pass_time(1)
    await card.expect_messages()


async def test_disabled_devices(card: LoneCard) -> None:
    """Disabled devices are neither offered nor subscribed to.

    Unless all configured ones are disabled. Each change restarts the subscription.
    """

    async def see_devices(**disabled_by: str | None) -> None:
        await card.run(
            "card.hass = {...card._hass, devices: values[0]}",
            {
                key: {
                    "id": key,
                    "name": key,
                    "name_by_user": None,
                    "config_entry_id": "other" if key == "elsewhere" else "a",
                    "disabled_by": value,
                }
                for key, value in disabled_by.items()
            },
        )
        await card.pass_time(1)

    async def subscribed_devices() -> list[list[str]]:
        found: list[list[str]] = await card.run(
            "return subscriptions.map(({request}) => request.device_ids)"
        )
        return found

    await card.make(device_ids=["pump", "tank"])
    await card.answer(more=False)
    await see_devices(pump=None, tank=None, elsewhere=None)
    await card.begin(log(1, device_id="pump"), log(2, device_id="tank"))
    await card.expect_messages("1", "2")
    await see_devices(pump=None, tank=None, elsewhere="user")
    assert await subscribed_devices() == [["pump", "tank"]]

    await see_devices(pump="user", tank=None, elsewhere=None)
    await card.begin(log(2, device_id="tank"))
    await card.expect_messages("2")
    options = card.field("Device").get_by_role("option")
    assert (await options.all_text_contents())[1:] == ["tank"]
    assert (await card.requests())[-1]["device_ids"] == ["tank"]

    await see_devices(pump="user", tank="user")
    await see_devices(pump=None, tank=None)
    both = ["pump", "tank"]
    assert await subscribed_devices() == [both, ["tank"], both, both]


# Texts that a spreadsheet could read as a formula, or as a cell that continues in the
# next one, and how they are copied.
CELLS: Final = {
    "=1+1": "'=1+1",
    "+1+1": "'+1+1",
    "-5 dB": "'-5 dB",
    "-71": "'-71",
    "@SUM(1)": "'@SUM(1)",
    "  =1": "'  =1",
    "\u00a0\u3000=1": "'\u00a0\u3000=1",
    "\u200b=1": "\\u200b=1",
    "\ufeff=1": "\\ufeff=1",
    "\t=1": "␉=1",
    "\r=1": "␍=1",
    "\n=1": "␊=1",
    "\uff1d1": "'\uff1d1",
    "\uff0b1": "'\uff0b1",
    "\uff0d1": "'\uff0d1",
    "\uff201": "'\uff201",
    '"=1"': '\'"=1"',
    'Said "=1"': 'Said "=1"',
    "Signal -71 dBm, a=b": "Signal -71 dBm, a=b",
    "a@b.example": "a@b.example",
    "'=1": "'=1",
    "": "",
}


async def test_copied_cells(card: LoneCard) -> None:
    """No copied cell is a formula.

    Other texts are copied unchanged.
    """
    await card.make()
    await card.answer(more=False)
    texts = list(CELLS)
    await card.begin(
        *(
            log(number)
            | dict.fromkeys(("message", "module", "device_name", "level"), text)
            | {"metadata": {}}
            for number, text in enumerate(texts, 1)
        )
    )
    lines = [line.split("\t") for line in (await card.copy()).split("\n")]
    for text, line in zip(texts, lines, strict=True):
        assert line[1:] == [CELLS[text]] * 4


# Characters that are invisible or change the text around them.
UNSEEN: Final = [
    character
    for code in range(0x110000)
    if unicodedata.category(character := chr(code)) in ("Cc", "Cf", "Zl", "Zp")
]


async def test_unseen_characters(card: LoneCard) -> None:
    """Control and format characters are made visible, and copied so."""
    await card.make()
    await card.answer(more=False)
    everything = "".join(f"{character}a" for character in UNSEEN)
    await card.begin(
        *(
            log(
                number,
                everything[start : start + 200],
                module=everything[start : start + 50],
                device_name=everything[start : start + 50],
                level=everything[start : start + 50],
                timestamp=everything[start : start + 50],
                metadata={
                    everything[start : start + 50]: everything[start : start + 200]
                },
            )
            for number, start in enumerate(range(0, len(everything), 200), 1)
        )
    )
    await card.rows.last.click()
    await card.pass_time(1)
    shown = await card.list.evaluate(
        "list => [...list.querySelectorAll('.line > *, .details dd')].map(each => each.textContent)"
    )
    assert len(shown) > 10
    texts = [*shown, *re.split(r"[\t\n]", await card.copy())]
    allowed = set("\n") if "\n" in "".join(shown) else set()
    for text in texts:
        assert not set(text) & (set(UNSEEN) - allowed), text
    joined = "".join(texts)
    for sign in ("␛", "\\u202e", "\\u2066", "\\u2028", "\\u2029", "\\u200b", "\\ufeff"):
        assert sign in joined


async def test_emoji(card: LoneCard) -> None:
    """Emoji stay unchanged, also those of several characters."""
    await card.make()
    await card.answer(more=False)
    emoji = "🌱 👩🏽‍🌾 🏳️‍🌈 ❤️‍🔥 ⚠️ 1️⃣ 🇳🇴 é ñ שלום 你好"
    await card.begin(log(1, emoji, metadata={}))
    await expect(card.messages).to_have_text(emoji)
    assert (await card.copy()).split("\t")[4] == emoji


async def test_incomplete_history(card: LoneCard) -> None:
    """The card shows that Golioth did not return all logs."""
    await card.make()
    await card.answer(logs=logs(0, 1) * 200, complete=False)
    await card.begin()
    await card.pass_time(5)
    await expect(card.list).to_contain_text("Golioth has more logs of this time")


async def test_pause_survives(card: LoneCard) -> None:
    """A paused card is complete when its view returns."""
    await card.make()
    await card.begin(*logs(1, 3))
    await card.button("Pause").click()
    await card.run("card.remove(); document.body.append(card)")
    await card.begin(*logs(1, 4))
    await card.expect_messages("1", "2", "3")
    await card.send(log(4))
    await expect(card.button("1 new log")).to_be_visible()


async def test_connection_restored_outside_view(card: LoneCard) -> None:
    """A card outside the view notices a restored connection."""
    await card.make()
    await card.begin(*logs(1, 3))
    await card.run('connection.fire("disconnected")')
    await card.pass_time(1)
    await expect(card.status).to_have_text("No connection to Home Assistant")
    await card.run(
        "card.remove(); connection.connected = true; document.body.append(card)"
    )
    await card.begin(*logs(1, 3))
    await expect(card.status).to_have_text("")


async def test_subscriptions(card: LoneCard) -> None:
    """Of two subscriptions, only the last counts.

    A lost connection can lead to two; the first one is ended.
    """
    await card.make()
    await card.run('connection.fire("ready")')
    await card.run("subscriptions[0].resolve()")
    await card.begin(*logs(1, 3))
    assert await card.run("return subscriptions.map(each => each.isEnded)") == [
        True,
        False,
    ]
    await card.run(
        "subscriptions[0].send(values[0])", {"logs": logs(3, 9), "left_out": 0}
    )
    await card.send(log(3))
    await card.expect_messages("1", "2", "3")


async def test_late_subscription(card: LoneCard) -> None:
    """A subscription that is no longer wanted changes nothing."""
    await card.make()
    await card.run("card.setConfig({config_entry_id: ''}); subscriptions[0].resolve()")
    await card.pass_time(1)
    await expect(card.element).to_contain_text("Choose a project in the settings")


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"modules": "net"}, "“modules” has to be a list of texts"),
        ({"modules": [1]}, "“modules” has to be a list of texts"),
        ({"device_ids": "device"}, "“device_ids” has to be a list of texts"),
        (
            {"minimum_level": "warning"},
            "“minimum_level” has to be one of these: debug, info, warn, error",
        ),
        ({"modules": None, "device_ids": [], "minimum_level": ""}, None),
    ],
)
async def test_invalid_settings(
    card: LoneCard, config: dict[str, Any], error: str | None
) -> None:
    """A mistake in YAML is reported."""
    await card.make()
    assert error == await card.run(
        "try { card.setConfig(values[0]); return null; } catch ({message}) { return message; }",
        {"config_entry_id": "a"} | config,
    )


# Misspelled settings, and the setting that is meant.
MISSPELLED: Final = {
    "devices": "device_ids",
    "device": "device_ids",
    "device_id": "device_ids",
    "deviceIds": "device_ids",
    "Device_IDs": "device_ids",
    "devcie_ids": "device_ids",
    "module": "modules",
    "moduels": "modules",
    "exclude-modules": "modules",
    "level": "minimum_level",
    "min_level": "minimum_level",
    "log_levels": "minimum_level",
    "minimun_level": "minimum_level",
    "project": "config_entry_id",
    "entry_id": "config_entry_id",
    "titel": "title",
}

# Settings of any card: Home Assistant's, those of extensions, and unknown ones.
OF_ANY_CARD: Final = (
    *("type", "grid_options", "layout_options", "view_layout", "visibility"),
    *("disabled", "hidden", "column_span", "card_mod", "mod_card", "uix", "style"),
    *("styles", "theme", "entity", "entities", "variables", "id", "name", "icon"),
    *("panel", "index", "constructor", "__proto__", "toString", ""),
)


async def test_misspelled_settings(card: LoneCard) -> None:
    """A misspelled setting is refused, with the right name.

    Settings of any card are accepted.
    """
    await card.make()
    said = await card.run(
        """
        return values.map(name => {
          try {
            card.setConfig(JSON.parse(`{"config_entry_id": "a", ${JSON.stringify(name)}: null}`));
          } catch ({message}) {
            return message;
          }
          return null;
        });
        """,
        *MISSPELLED,
        *OF_ANY_CARD,
    )
    assert said == [
        *(
            f"“{name}” is no setting of this card. Use “{meant}” instead."
            for name, meant in MISSPELLED.items()
        ),
        *[None] * len(OF_ANY_CARD),
    ]


async def test_configured_modules(card: LoneCard) -> None:
    """The filter offers only the configured modules."""
    await card.make(modules=["app", "net"])
    await card.begin(log(1), log(2, module="net"), log(3, module="other"))
    await expect(card.field("Module").get_by_role("option")).to_have_text(
        ["All modules", "app", "net"]
    )
    await card.expect_messages("1", "2")
    # Another language does not offer all modules.
    await card.run(
        "card.hass = {...card._hass, locale: {...card._hass.locale, language: 'de'}}"
    )
    await expect(card.element.get_by_label("Modul").get_by_role("option")).to_have_text(
        ["Alle Module", "app", "net"]
    )


@pytest.mark.parametrize(
    ("language", "zone", "search", "time"),
    [
        pytest.param("en", "Mars/Olympus_Mons", "Search logs", "00:00:01", id="zone"),
        pytest.param("en", "", "Search logs", "00:00:01", id="no zone"),
        pytest.param("en", None, "Search logs", "00:00:01", id="zone missing"),
        pytest.param("en", "Asia/Kolkata", "Search logs", "05:30:01", id="known zone"),
        pytest.param("de_CH", "UTC", "Protokoll durchsuchen", "00:00:01", id="POSIX"),
        *(
            pytest.param(language, "UTC", "Search logs", "00:00:01", id=f"{language}")
            for language in (
                *("", "e", "en-", "english-speaking", "en_GB", "tlh-Piqd", "zz"),
                *("*", "C.UTF-8", "constructor", "__proto__", None, 7),
            )
        ),
    ],
)
async def test_unknown_locale(
    card: LoneCard,
    language: str | int | None,
    zone: str | None,
    search: str,
    time: str,
) -> None:
    """For an unknown locale, the browser's or English is used."""
    await card.watch_errors()
    await card.make()
    await card.run("document.documentElement.lang = values[0]", language)
    await card.run(
        """
        const locale = {...card._hass.locale, language: values[0], time_zone: "server"};
        card.hass = {...card._hass, locale, config: {time_zone: values[1]}};
        """,
        language,
        zone,
    )
    await card.answer(more=False)
    await card.begin(*logs(1, 4))
    # In the browser's language, an hour may have one digit.
    await expect(card.row("1").locator("time")).to_have_text(
        re.compile(f"^0?{time.removeprefix('0')}$")
    )
    await card.row("1").click()
    await expect(card.details).to_contain_text("2026")
    field = card.element.get_by_role("searchbox", name=search, exact=True)
    await expect(field).to_be_visible()
    assert await card.run("return customCards[0].name")
    assert await card.errors() == []


async def set_language(card: LoneCard, language: str) -> None:
    """Change the user's language."""
    await card.run(
        "card.hass = {...card._hass, locale: {...card._hass.locale, language: values[0]}}",
        language,
    )


async def requested_languages(
    card: LoneCard, category: str = "config_panel"
) -> list[str]:
    """Return the languages whose texts were requested."""
    found: list[str] = await card.run(
        "return translationRequests.filter(({category}) => category === values[0])"
        ".map(({language}) => language)",
        category,
    )
    return found


async def test_texts_come_late(card: LoneCard) -> None:
    """The card is English until translations are loaded."""
    await card.watch_errors()
    await card.make()
    await card.answer(more=False)
    await card.run("onTranslationRequest = null")
    await set_language(card, "de")
    await card.begin(log(1), log(2, level="error"))
    await card.field("Minimum level").select_option("Error")
    await card.pass_time(1)
    await card.expect_messages("2")
    await expect(card.list).to_contain_text("There is nothing earlier")
    await card.run("translationRequests.forEach(giveTexts)")
    await card.pass_time(1)
    await card.expect_messages("2")
    await expect(card.list).to_contain_text("In den letzten 30 Tagen")
    await expect(card.field("Mindeststufe")).to_have_value("error")
    await expect(card.rows.locator(".level")).to_have_text("Fehler")
    assert await card.run("return customCards[0].name") == "Golioth logs"
    await card.run("document.documentElement.lang = 'de'")
    assert await card.run("return customCards[0].name") == "Golioth-Protokoll"
    assert await card.errors() == []


async def test_texts_cannot_be_loaded(card: LoneCard) -> None:
    """The card is English while translations cannot be loaded.

    It requests them again after a lost connection.
    """
    await card.watch_errors()
    await card.make()
    await card.answer(more=False)
    await card.run("onTranslationRequest = ({reject}) => reject(3)")
    await set_language(card, "fr")
    await card.begin(log(1))
    await card.expect_messages("1")
    await expect(card.element.get_by_placeholder("Search logs")).to_be_visible()
    await card.run("onTranslationRequest = ({resolve}) => resolve(null)")
    await card.run('connection.fire("disconnected"); connection.fire("ready")')
    await card.pass_time(1)
    await expect(card.element.get_by_placeholder("Search logs")).to_be_visible()
    await card.run("onTranslationRequest = giveTexts")
    await card.run('connection.fire("disconnected"); connection.fire("ready")')
    await card.pass_time(1)
    await expect(
        card.element.get_by_placeholder("Rechercher dans les journaux")
    ).to_be_visible()
    assert await requested_languages(card) == ["fr"] * 3
    assert await card.errors() == []


async def test_language_of_a_region(card: LoneCard) -> None:
    """A region without texts has those of its language."""
    await card.make()
    await set_language(card, "es-419")
    await expect(
        card.element.get_by_placeholder("Buscar en los registros")
    ).to_be_visible()
    assert await requested_languages(card) == ["es-419", "es"]


async def test_missing_text(card: LoneCard) -> None:
    """A missing text, as after an update, is English."""
    await card.make()
    await card.run(
        "onTranslationRequest = ({resolve}) => resolve({resources: values[0]})",
        {"component.golioth.config_panel.log_card.pause": "Anhalten"},
    )
    await set_language(card, "de")
    await card.pass_time(1)
    await expect(card.button("Anhalten")).to_be_visible()
    await expect(card.element.get_by_placeholder("Search logs")).to_be_visible()


async def add_card(card: LoneCard) -> None:
    """Add another card to the page."""
    await card.run(
        """
        const other = document.createElement("golioth-log-card");
        other.setConfig({config_entry_id: "b"});
        other.hass = card._hass;
        document.body.append(other);
        """
    )


async def test_texts_of_two_cards(card: LoneCard) -> None:
    """A page's cards request texts once."""
    await card.make()
    await card.run("onTranslationRequest = null")
    await set_language(card, "nl")
    await add_card(card)
    assert await requested_languages(card) == ["nl"]
    await card.run("translationRequests.forEach(giveTexts)")
    await expect(card.page.get_by_placeholder("Zoeken in logs")).to_have_count(2)


async def test_reasons_of_two_cards(card: LoneCard) -> None:
    """A page's cards request the texts of errors once."""
    await card.make()
    await set_language(card, "de-CH")
    await card.run("onTranslationRequest = null; refusal = values[0]", AWAY)
    await card.begin(log(1))
    await add_card(card)
    await card.begin(log(1))
    await card.pass_time(1)
    assert await requested_languages(card, "exceptions") == ["de-CH"]
    await card.run(
        "onTranslationRequest = giveTexts;"
        " translationRequests.filter(each => each.category === 'exceptions').forEach(giveTexts)"
    )
    await card.pass_time(1)
    await expect(card.page.get_by_text("Golioth ist weg.")).to_have_count(2)
    # A region has no texts of its own here.
    assert await requested_languages(card, "exceptions") == ["de-CH", "en", "de"]


async def test_reasons_cannot_be_loaded(card: LoneCard) -> None:
    """Texts of errors are requested again after a failure."""
    await card.make()
    await set_language(card, "de")
    await card.run(
        "onTranslationRequest = ({reject}) => reject(3); refusal = values[0]", AWAY
    )
    await card.begin(log(1))
    await card.pass_time(1)
    await expect(card.list).to_contain_text("seinem Protokoll")
    await card.run("onTranslationRequest = giveTexts")
    await card.pass_time(6)
    await expect(card.list).to_contain_text("Golioth ist weg.")
    assert await requested_languages(card, "exceptions") == ["de", "de"]


async def test_slow_scroll(card: LoneCard) -> None:
    """Scrolling up slowly also stops following the newest log."""
    await card.make()
    await card.answer(more=False)
    await card.begin(*logs(1, 100))
    scroll = """
      const list = card.shadowRoot.querySelector(".logs");
      const scrolled = new Promise(resolve => list.addEventListener("scroll", resolve, {once: true}));
      list.scrollTop -= 3;
      await scrolled;
    """
    for _ in range(5):
        await card.run(scroll)
    assert not await card.is_at_bottom()
    await card.send(log(100))
    await expect(card.button("1 new log")).to_be_visible()


async def test_open_log(card: LoneCard) -> None:
    """While an open log is in view, nothing moves.

    Wherever the focus is.
    """
    await card.make()
    await card.answer(more=False)
    await card.begin(*logs(1, 3), log(3, "long " + "x" * 3_000))
    await card.row("long").click()
    await card.search.focus()
    await card.send(log(4))
    await expect(card.row("4")).to_have_count(0)
    show_all = card.details.get_by_role("button", name="Show all")
    await show_all.click()
    # The button has disappeared, and its row has the focus.
    await expect(card.row("long")).to_be_focused()
    await card.row("long").click()
    await card.search.focus()
    await card.pass_time(1)
    await expect(card.rows).to_have_count(4)

    await card.row("long").click()
    await card.send(log(5))
    await card.button("1 new log").click()
    await card.send(log(6))
    await expect(card.rows).to_have_count(6)


async def test_focus_stays(card: LoneCard) -> None:
    """The button for earlier logs keeps the focus while loading.

    When it disappears, a log gets the focus.
    """
    await card.make()
    await card.begin(*logs(1, 3))
    await card.run("requests[0].resolve(values[0])", NOTHING | {"logs": [log(0)]})
    await card.pass_time(0.1)
    load = card.element.get_by_role("button", name=re.compile("earlier logs"))
    await load.focus()
    await card.pass_time(1)
    await card.page.keyboard.press("Enter")
    await expect(load).to_have_text("Loading earlier logs…")
    await expect(load).to_be_focused()
    await card.run("requests.at(-1).resolve(values[0])", NOTHING | {"more": False})
    await card.pass_time(1)
    await expect(load).to_be_hidden()
    await expect(card.row("2")).to_be_focused()


async def test_first_day(card: LoneCard) -> None:
    """The first log shows its day unless it is today.

    Later logs show it where it changes, also after logs left out.
    """
    await card.make()
    await card.answer(more=False)
    await card.begin(*logs(1, 3))
    days = card.list.locator(".day")
    await expect(days).to_have_text(["Thursday, January 1, 2026"])
    await card.run(
        "subscriptions.at(-1).send(values[0])", {"logs": logs(9, 10), "left_out": 6}
    )
    await card.pass_time(1)
    await expect(card.list).to_contain_text("6 logs left out")
    await expect(days).to_have_count(1)


async def test_copy(card: LoneCard) -> None:
    """Logs are copied without the clipboard API.

    One line each, whatever they hold; the focus stays.
    """
    await card.make()
    await card.answer(more=False)
    await card.begin(log(1, "a\nb\tc\x1b[31m", metadata={}), log(2, metadata={}))
    await card.run("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    copy = card.button("Copy logs")
    await copy.click()
    await expect(card.status).to_have_text("2 logs copied")
    await expect(copy).to_be_focused()
    await card.run(
        "const area = document.createElement('textarea'); document.body.append(area); area.focus()"
    )
    await card.page.keyboard.press("Control+V")
    pasted = await card.page.locator("body > textarea").input_value()
    assert [line.split("\t")[1:] for line in pasted.split("\n")] == [
        ["info", "Device", "app", "a␊b␉c␛[31m"],
        ["info", "Device", "app", "2"],
    ]
    # The report ends when the view is left.
    await card.run("card.remove(); document.body.append(card)")
    await card.begin(*logs(1, 3))
    await expect(card.status).to_have_text("")


async def send_pieces(card: LoneCard, *pieces: dict[str, Any]) -> None:
    """Accept the subscription, and send recent logs in pieces."""
    await card.run(
        "subscriptions.at(-1).resolve(); for (const each of values) subscriptions.at(-1).send(each)",
        {"session": "a", "first_number": 1, "left_out": 0, **pieces[0]},
        *({"left_out": 0, **piece} for piece in pieces[1:]),
    )
    await card.pass_time(1)


async def test_recent_logs_in_pieces(card: LoneCard) -> None:
    """Recent logs in pieces are shown at once when complete.

    None of them counts as new.
    """
    await card.make()
    await card.answer(more=False)
    await card.pass_time(1)
    # In a pause, new logs would wait for the user.
    await card.button("Pause").click()
    await send_pieces(
        card,
        {"logs": logs(1, 201), "more": True},
        {"logs": logs(201, 401), "more": True},
    )
    await expect(card.rows).to_have_count(0)
    assert not await card.requests()
    await card.run(
        "subscriptions.at(-1).send(values[0])", {"logs": logs(401, 451), "left_out": 0}
    )
    await card.pass_time(1)
    await expect(card.row("450")).to_be_in_viewport()
    await expect(card.element).not_to_contain_text("new log")
    # Later logs count as new.
    await card.send(*logs(451, 453))
    await expect(card.element).to_contain_text("2 new logs")


async def test_recent_logs_left_out(card: LoneCard) -> None:
    """Recent logs begin after those left out.

    The history has the earlier ones.
    """
    await card.make()
    await card.answer(more=False)
    await send_pieces(
        card,
        {"logs": logs(1, 201), "more": True},
        {"logs": logs(301, 320), "left_out": 100},
    )
    await expect(card.row("319")).to_be_in_viewport()
    await expect(card.rows).to_have_count(19)
    await expect(card.element).not_to_contain_text("left out")
    (request,) = await card.requests()
    assert request["before"] == log(310)["timestamp"][:-7] + "Z"


async def test_connection_lost_between_pieces(card: LoneCard) -> None:
    """Pieces before a lost connection are dropped.

    Later, it adds only what is missing.
    """
    await card.make()
    await card.answer(more=False)
    await send_pieces(card, {"logs": logs(1, 201), "more": True})
    await card.run('connection.fire("disconnected"); connection.fire("ready")')
    await send_pieces(card, {"logs": logs(1, 11), "more": True}, {"logs": logs(11, 16)})
    await expect(card.rows).to_have_count(15)
    await card.run('connection.fire("disconnected"); connection.fire("ready")')
    await send_pieces(card, {"logs": logs(1, 11), "more": True}, {"logs": logs(11, 18)})
    await expect(card.rows).to_have_count(17)
    await expect(card.row("17")).to_be_in_viewport()
    await expect(card.element).not_to_contain_text("left out")
    assert len(await card.requests()) == 1


async def test_too_many_views(card: LoneCard) -> None:
    """The card reports too many views, and retries."""
    await card.make()
    await card.run('subscriptions.at(-1).reject({code: "too_many"})')
    await card.pass_time(1)
    await expect(card.element).to_contain_text("Too many views of logs are open")
    assert await card.run("return subscriptions.length") == 1
    await card.pass_time(15)
    assert await card.run("return subscriptions.length") == 2
    await card.begin(*logs(1, 3))
    await expect(card.row("2")).to_be_visible()


async def test_cards_take_turns(card: LoneCard) -> None:
    """A page's cards read the history one after another.

    Also after one of them fails.
    """
    await card.make()
    await card.begin(*logs(1, 3))
    await card.run(
        """
        const {connection} = window;
        const other = document.createElement("golioth-log-card");
        other.setConfig({config_entry_id: "b"});
        other.hass = {...card.hass ?? card._hass, connection};
        document.body.append(other);
        """
    )
    await card.begin(*logs(1, 3))
    (first,) = await card.requests()
    assert first["config_entry_id"] == "a"
    await card.run('requests[0].reject({message: "HTTP 500"})')
    await card.pass_time(1)
    _first, second = await card.requests()
    assert second["config_entry_id"] == "b"
    await card.run("requests[1].resolve(values[0])", NOTHING | {"more": False})
    await card.pass_time(6)
    assert [each["config_entry_id"] for each in await card.requests()] == [
        "a",
        "b",
        "a",
    ]


async def test_long_search(card: LoneCard) -> None:
    """A search is cut to what Home Assistant accepts."""
    await card.make()
    await card.answer(more=False)
    await card.begin(*logs(1, 3))
    # In lower case, each one is two characters.
    await card.search.fill("\u0130" * 300)
    await card.pass_time(2)
    assert len((await card.requests())[-1]["search"]) == 255


@pytest.mark.parametrize(
    ("text", "requested"),
    [
        ("pump", "pump"),
        ("lid␊is open", "is open"),
        ("pump \\u202Eon\\u202c", "pump "),
        ("␛[31mred", "[31mred"),
        ("c:\\temp", "temp"),
        ("\\u20", None),
        ("␛", None),
        ("␛\\u202e", None),
    ],
)
async def test_search_for_what_is_shown(
    card: LoneCard, text: str, requested: str | None
) -> None:
    """Golioth is asked for the text around invisible characters.

    It does not know the pictures that the card shows for them.
    """
    await card.make()
    await card.answer(more=False)
    await card.begin(*logs(1, 3))
    await card.search.fill(text)
    await card.pass_time(2)
    assert (await card.requests())[-1].get("search") == requested


async def test_copied_text_is_found(card: LoneCard) -> None:
    """A log's copied text finds exactly that log.

    Both live and in the history.
    """
    await card.make()
    odd = "Lid\x1b\u202e\nopen"
    earlier = log(0, odd)
    del earlier["number"]
    await card.answer(logs=[earlier], more=False)
    await card.begin(log(1, "Lid open"), log(2, odd))
    await card.pass_time(2)
    copied = (await card.copy()).split("\t")[4]
    await card.search.fill(copied)
    await card.pass_time(2)
    await card.expect_messages(copied, copied)
