"""The card's modules in the browser, in unusual cases."""

from datetime import UTC, datetime, timedelta
import json
import re
from typing import Any, Final

from playwright.async_api import Page
import pytest

MOST: Final = 2_000

# Runs steps on new `Logs`, and returns their results. The shown items are messages,
# numbers of logs left out, and `true` for a restart.
RUN: Final = """
async ([folder, steps]) => {
  const {Logs} = await import(`${folder}/logs.js`);
  const {LogFilter} = await import(`${folder}/log-filter.js`);
  const logs = new Logs(new LogFilter({}));
  const results = [];
  for (const [step, ...values] of steps) {
    if (step === "hold") logs.isHeld = true;
    else if (step === "filterBy") logs.filterBy(new LogFilter(...values));
    else if (step === "beginPage") results.push(logs.beginPage());
    else if (step === "countWaiting") results.push(logs.countWaiting());
    else if (step === "hasMore") results.push(logs.history.hasMore);
    else if (step === "isHistoryFull") results.push(logs.isHistoryFull);
    else if (step === "shown") results.push(
      logs.shown().map(({log, leftOut, isRestart}) => log?.message ?? leftOut ?? isRestart)
    );
    else logs[step](...values);
  }
  return results;
}
"""


def log(number: int, message: str | None = None, **values: Any) -> dict[str, Any]:
    """Return a log as Home Assistant sends it.

    Its number is also its second.
    """
    return {
        "number": number,
        "device_id": "device",
        "golioth_device_id": "golioth-device",
        "device_name": "Device",
        "timestamp": f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.123456789Z",
        "level": "info",
        "module": "app",
        "type": "LOGGING",
        "message": message or f"{number}",
        "metadata": {"a": 1, "b": {"c": 2, "d": 3}},
        "truncated": False,
        "source": "stream",
    } | values


def logs(start: int, end: int) -> list[dict[str, Any]]:
    """Return the logs with these numbers."""
    return [log(number) for number in range(start, end)]


def begin(session: str, first: int, end: int) -> tuple[str, dict[str, Any]]:
    """Return the step that sends recent logs."""
    return "begin", {
        "session": session,
        "first_number": first,
        "logs": logs(first, end),
    }


def begin_with(*sent: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the step that sends these recent logs."""
    return "begin", {"session": "a", "first_number": 1, "logs": list(sent)}


def add(start: int, end: int, left_out: int = 0) -> tuple[str, dict[str, Any]]:
    """Return the step that sends new logs."""
    return "add", {"logs": logs(start, end), "left_out": left_out}


def history(
    *sent: dict[str, Any], start: str = "2025-12-31T00:00:00Z", more: bool = True
) -> tuple[str, dict[str, Any]]:
    """Return the step that adds a page of history."""
    # Only live logs have a number.
    found = [
        {key: value for key, value in each.items() if key != "number"} for each in sent
    ]
    page = {"logs": found, "start": start, "more": more, "complete": True}
    return "addHistory", page


def names(start: int, end: int) -> list[str]:
    """Return the messages of the logs with these numbers."""
    return [f"{number}" for number in range(start, end)]


SHOWN: Final = ("shown",)
HOLD: Final = ("hold",)
RELEASE: Final = ("release",)
COUNT: Final = ("countWaiting",)
NEXT_PAGE_END: Final = ("beginPage",)
FULL: Final = ("isHistoryFull",)

# Stands for the next day, where no log has a plausible time to read the history from.
TOMORROW: Final = object()

EARLIER: Final = [log(0, f"Earlier {number}") for number in range(3)]


@pytest.mark.parametrize(
    ("steps", "results"),
    [
        pytest.param(
            [begin("a", 1, 3), add(3, 5), add(5, 6, 7), add(6, 7), SHOWN],
            [[*names(1, 5), 7, "5", "6"]],
            id="a notice of logs left out is where they are missing",
        ),
        pytest.param(
            [begin("a", 1, 1), add(1, 1, 3), add(1, 1, 4), SHOWN],
            [[7]],
            id="consecutive notices of logs left out are one",
        ),
        pytest.param(
            [begin("a", 1, MOST), add(MOST, MOST + 500), SHOWN],
            [names(500, MOST + 500)],
            id="the oldest logs are dropped",
        ),
        pytest.param(
            [begin("a", 1, 3), begin("a", 1, 5), begin("a", 2, 6), SHOWN],
            [names(1, 6)],
            id="after a lost connection, missing logs are added",
        ),
        pytest.param(
            [begin("a", 1, 3), history(*EARLIER), begin("a", 9, 12), SHOWN],
            [names(9, 12)],
            id="after a gap, the history is read again",
        ),
        pytest.param(
            [begin("a", 1, 3), begin("b", 1, 3), add(3, 4), SHOWN],
            [[True, "1", "2", "3"]],
            id="after a restart, there is a notice and numbers restart",
        ),
        pytest.param(
            [
                *(begin("a", 1, 3), HOLD, add(3, 6), SHOWN, COUNT, RELEASE),
                *(SHOWN, COUNT),
            ],
            [names(1, 3), 3, names(1, 6), 0],
            id="held logs wait",
        ),
        pytest.param(
            [
                *(begin("a", 1, 3), HOLD, add(3, MOST + 1, 5), add(MOST + 1, MOST + 4)),
                *(COUNT, RELEASE, SHOWN),
            ],
            [MOST + 1, names(4, MOST + 4)],
            id="the oldest of too many held logs are dropped, and counted",
        ),
        pytest.param(
            [
                begin("a", 5, 8),
                history(*EARLIER, log(5, timestamp="2026-01-01T00:00:05.123Z")),
                SHOWN,
            ],
            [["Earlier 0", "Earlier 1", "Earlier 2", *names(5, 8)]],
            id="a live log in the history is shown once, despite cut times",
        ),
        pytest.param(
            [
                begin("a", 5, 6),
                history(log(5), log(5, metadata={"b": {"d": 3, "c": 2}, "a": 1})),
                SHOWN,
            ],
            [["5", "5"]],
            id="two equal logs are two",
        ),
        pytest.param(
            [
                begin("a", 1, 1),
                history(*EARLIER, log(7), log(8)),
                add(7, 8),
                SHOWN,
            ],
            [["Earlier 0", "Earlier 1", "Earlier 2", "8", "7"]],
            id="a log caught up after it was read is shown once",
        ),
        pytest.param(
            [
                begin("a", 5, 8),
                NEXT_PAGE_END,
                history(*EARLIER, start="2025-12-01T00:00:00Z", more=False),
                *(
                    NEXT_PAGE_END,
                    ("hasMore",),
                    ("forgetHistory",),
                    NEXT_PAGE_END,
                    SHOWN,
                ),
            ],
            [
                "2026-01-01T00:00:07.123Z",
                "2025-12-01T00:00:00Z",
                False,
                "2026-01-01T00:00:07.123Z",
                names(5, 8),
            ],
            id="the next page ends where the last one started",
        ),
        pytest.param(
            [
                *(begin("a", 1, 3), NEXT_PAGE_END, history(*EARLIER), add(3, MOST + 3)),
                *(FULL, SHOWN),
            ],
            [
                "2026-01-01T00:00:02.123Z",
                False,
                ["Earlier 0", "Earlier 1", "Earlier 2", *names(1, MOST + 3)],
            ],
            id="live logs dropped after a page move to the history",
        ),
        pytest.param(
            [
                *(begin("a", 1, 3), NEXT_PAGE_END, add(3, MOST + 3)),
                *(history(*EARLIER, log(1)), SHOWN),
            ],
            [
                "2026-01-01T00:00:02.123Z",
                ["Earlier 0", "Earlier 1", "Earlier 2", *names(1, MOST + 3)],
            ],
            id="live logs dropped during a request move to the history",
        ),
        pytest.param(
            [
                *(begin("a", 1, 3), NEXT_PAGE_END, history(*EARLIER, more=False)),
                *(add(3, 2 * MOST + 2), FULL, ("hasMore",), history(*EARLIER), SHOWN),
            ],
            ["2026-01-01T00:00:02.123Z", True, True, names(2, 2 * MOST + 2)],
            id="the oldest logs of a full history are dropped, and no more is read",
        ),
        pytest.param(
            [
                ("filterBy", {"minimum_level": "error"}),
                begin_with(log(1, level="error"), log(2)),
                NEXT_PAGE_END,
                history(log(0, "Before", level="error"), log(0)),
                *(add(3, 2 * MOST + 3), FULL, SHOWN),
            ],
            ["2026-01-01T00:00:02.123Z", False, ["Before", "1"]],
            id="logs that do not match displace no matching ones",
        ),
        pytest.param(
            [
                ("filterBy", {"minimum_level": "error"}),
                begin_with(log(1, level="error")),
                *(NEXT_PAGE_END, history(more=False)),
                *(add(2, 4, 5), add(4, 6, 7), add(6, MOST + 8), SHOWN),
            ],
            ["2026-01-01T00:00:01.123Z", ["1", 12]],
            id="a storm without matches leaves one notice",
        ),
        pytest.param(
            [
                ("filterBy", {"modules": ["net", "app"]}),
                *(begin("a", 1, 1), NEXT_PAGE_END),
                history(*(log(0, module="other"),) * MOST),
                FULL,
            ],
            [TOMORROW, False],
            id="logs that do not match take no room in the history",
        ),
        pytest.param(
            [
                ("filterBy", {"modules": ["net", "app"]}, {"module": "other"}),
                begin_with(log(1, module="other"), log(2, module="net")),
                SHOWN,
                ("filterBy", {"modules": ["net", "app"]}, {"module": "net"}),
                SHOWN,
            ],
            [[], ["2"]],
            id="the user's filter never widens the configured one",
        ),
        pytest.param(
            [
                begin_with(log(10), log(20), log(30)),
                NEXT_PAGE_END,
                history(log(5), log(10), log(15), log(20), log(25), log(30)),
                SHOWN,
                history(log(1), log(2)),
                SHOWN,
            ],
            [
                "2026-01-01T00:00:30.123Z",
                ["5", "10", "15", "20", "25", "30"],
                ["1", "2", "5", "10", "15", "20", "25", "30"],
            ],
            id="logs of the history are sorted into live logs by time",
        ),
        pytest.param(
            [
                begin_with(log(1, "1970", timestamp="1970-01-01T00:00:01Z"), log(10)),
                NEXT_PAGE_END,
                history(log(4), log(5), log(10)),
                SHOWN,
            ],
            ["2026-01-01T00:00:10.123Z", ["4", "5", "1970", "10"]],
            id="a log with a wrong clock does not stop the sorting",
        ),
        pytest.param(
            [
                *(begin("a", 1, 3), add(8, 10, 5), NEXT_PAGE_END),
                *(history(*EARLIER, log(1), log(2)), SHOWN),
            ],
            [
                "2026-01-01T00:00:02.123Z",
                ["Earlier 0", "Earlier 1", "Earlier 2", "1", "2", 5, "8", "9"],
            ],
            id="the history ends before the first gap",
        ),
        pytest.param(
            [HOLD, begin("a", 1, 3), SHOWN, add(3, 4), COUNT, begin("a", 9, 12), SHOWN],
            [["1", "2"], 1, names(9, 12)],
            id="in an empty view, held logs are shown",
        ),
        pytest.param(
            [
                ("filterBy", {"minimum_level": "error"}),
                *(begin("a", 1, 2), HOLD, add(2, MOST + 2, 999)),
                (
                    "add",
                    {"logs": [log(MOST + 2, level="error")], "left_out": 0},
                ),
                COUNT,
                *(add(MOST + 3, 2 * MOST + 4), COUNT, RELEASE, COUNT, SHOWN),
            ],
            [1, 1, 0, []],
            id="only matching new logs are counted, also dropped ones",
        ),
        pytest.param(
            [begin("a", 1, 3), add(1, 4), add(2, 5), SHOWN],
            [names(1, 5)],
            id="a log sent twice is shown once",
        ),
        pytest.param(
            [begin("a", 1, 3), begin("b", 1, 3), begin("b", 1, 4), SHOWN],
            [[True, "1", "2", "3"]],
            id="after a restart, a lost connection repeats nothing",
        ),
        pytest.param(
            [
                begin("a", 5, 6),
                history(log(5, device_id="registered", device_name="Other")),
                SHOWN,
            ],
            [["5"]],
            id="a log of a device registered since is the same",
        ),
        pytest.param(
            [
                *(
                    begin("a", 1, 3),
                    NEXT_PAGE_END,
                    history(log(2, "Other")),
                    add(3, MOST + 2),
                ),
                (
                    "add",
                    {"logs": [log(1) | {"number": MOST + 2}], "left_out": 0},
                ),
                SHOWN,
            ],
            ["2026-01-01T00:00:02.123Z", ["Other", *names(1, MOST + 2), "1"]],
            id="a live log moved to the history is another log",
        ),
        *(
            pytest.param(
                [
                    begin_with(log(1, timestamp=timestamp)),
                    NEXT_PAGE_END,
                ],
                [TOMORROW],
                id=f"an implausible time does not end the first page: {timestamp}",
            )
            for timestamp in (
                "1970-01-01T00:00:01Z",
                "soon",
                "2262-01-01T00:00:00Z",
            )
        ),
    ],
)
async def test_logs(
    page: Page, project: str, steps: list[tuple[Any, ...]], results: list[Any]
) -> None:
    """Logs are kept in order, once, up to a limit."""
    await page.goto("/")
    address = re.search(r"/golioth/frontend/\w+", await page.content())
    assert address is not None
    before = datetime.now(UTC)
    found = await page.evaluate(RUN, [address[0], json.loads(json.dumps(steps))])
    for index, result in enumerate(results):
        if result is TOMORROW:
            moment = datetime.fromisoformat(found[index]) - timedelta(days=1)
            assert abs(moment - before) < timedelta(minutes=1)
            found[index] = TOMORROW
    assert found == results


async def test_long_logs(page: Page, project: str) -> None:
    """Logs of at most 4 MiB are kept."""
    await page.goto("/")
    address = re.search(r"/golioth/frontend/\w+", await page.content())
    assert address is not None
    long = [log(number, "x" * 24_000) for number in range(1, 400)]
    steps = [
        begin_with(*long),
        SHOWN,
    ]
    (shown,) = await page.evaluate(RUN, [address[0], json.loads(json.dumps(steps))])
    assert len(shown) == 4 * 1024 * 1024 // 24_029


# Logs by message, and the messages that each search finds.
NUMBERS: Final = {
    "thousand": {"metadata": {"a": 1000}},
    "three": {"metadata": {"volts": 3}},
    "objects": {"metadata": {"b": [{"c": [3]}, -0.5]}},
    "text": {"metadata": {"a": "b:c"}},
}
NUMBER_SEARCHES: Final[dict[str, list[str]]] = {
    "1e3": ["thousand"],
    "1000.0": ["thousand"],
    "1E+3": ["thousand"],
    "3.0": ["three", "objects"],
    "3": ["three", "objects"],
    "-0.50": ["objects"],
    "0.5": ["objects"],
    "3e0 V": [],
    # Metadata as it is shown, and as it is copied.
    '"volts": 3': ["three"],
    '"volts":3': ["three"],
    '"volts": 4': [],
}

# Home Assistant sends metadata as JSON where it has integers that no float holds.
LARGE_NUMBERS: Final = {
    "large": {"metadata": {"a": 9007199254740992}},
    "odd": {"metadata": '{"a":9007199254740993}'},
    "float": {"metadata": {"a": 1e16}},
    "integer": {"metadata": '{"a":[{"b":10000000000000000}]}'},
    "next": {"metadata": '{"a":10000000000000001}'},
    "below": {"metadata": '{"a":-1e16}'},
    "huge": {"metadata": {"a": 1e23}},
    "both": {"metadata": '{"a":18446744073709551616,"b":1e21}'},
}
LARGE_NUMBER_SEARCHES: Final[dict[str, list[str]]] = {
    # As in a trigger: a float is found by every text that rounds to it, a long integer
    # exactly.
    "9007199254740993.0": ["large", "odd"],
    "9007199254740992": ["large"],
    "9007199254740994": [],
    "1e16": ["float", "integer"],
    "1E+16": ["float", "integer"],
    # Also a part of the text "-10000000000000000".
    "10000000000000000": ["float", "integer", "below"],
    "10000000000000000.0": ["float", "integer"],
    "0.1e17": ["float", "integer"],
    "10000000000000001": ["float", "next"],
    "1.0000000000000001e16": ["float", "next"],
    "10000000000000002": [],
    "-1e16": ["below"],
    "-10000000000000000": ["below"],
    "1e+23": ["huge"],
    "100000000000000000000000": ["huge"],
    "1e22": [],
    "18446744073709551616": ["both"],
    "1.8446744073709551616e19": ["both"],
    "1000000000000000000000": ["both"],
    "1e309": [],
    f"1{'0' * 250}1": [],
}

UNSEEN_TEXT: Final = {
    "lid\nopen": {},
    "\x1b[31mred": {},
    "\u202eneerg": {},
    "module": {"module": "net\t1"},
    "name": {"device_name": "Pump\u200b"},
    "metadata": {"metadata": {"\u2066": "C:\\temp", "b": ["\x1b\x07"]}},
}
UNSEEN_TEXT_SEARCHES: Final[dict[str, list[str]]] = {
    "lid␊open": ["lid\nopen"],
    "lid\nopen": ["lid\nopen"],
    "␛[31m": ["\x1b[31mred"],
    "\x1b[31M": ["\x1b[31mred"],
    "\\u202E": ["\u202eneerg"],
    "\u202eneerg": ["\u202eneerg"],
    "net␉1": ["module"],
    "net\t1": ["module"],
    "pump\\u200b": ["name"],
    "pump\u200b": ["name"],
    "\\u2066": ["metadata"],
    "\u2066": ["metadata"],
    "c:\\temp": ["metadata"],
    "c:\\\\temp": ["metadata"],
    "\\u001b": ["metadata"],
    "\x1b\x07": ["metadata"],
    "a␊b": [],
}


@pytest.mark.parametrize(
    ("sent", "searches"),
    [
        pytest.param(NUMBERS, NUMBER_SEARCHES, id="numbers"),
        pytest.param(LARGE_NUMBERS, LARGE_NUMBER_SEARCHES, id="large numbers"),
        pytest.param(UNSEEN_TEXT, UNSEEN_TEXT_SEARCHES, id="invisible text"),
    ],
)
async def test_search(
    page: Page,
    project: str,
    sent: dict[str, dict[str, Any]],
    searches: dict[str, list[str]],
) -> None:
    """Search finds numbers by value, and text shown or sent."""
    await page.goto("/")
    address = re.search(r"/golioth/frontend/\w+", await page.content())
    assert address is not None
    steps: list[tuple[Any, ...]] = [
        begin_with(
            *(
                log(number, message, **values)
                for number, (message, values) in enumerate(sent.items(), 1)
            )
        )
    ]
    for search in searches:
        steps += [("filterBy", {}, {"text": search}), SHOWN]
    shown = await page.evaluate(RUN, [address[0], json.loads(json.dumps(steps))])
    assert dict(zip(searches, shown, strict=True)) == searches
