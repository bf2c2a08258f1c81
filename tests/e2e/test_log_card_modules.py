"""What the card knows, in cases that a dashboard seldom comes to: its modules, in the browser that they are written for."""

import json
import re
from typing import Any, Final

from playwright.async_api import Page
import pytest

MOST: Final = 2_000

# Runs steps on new `Logs`, and returns what is shown: messages, `{leftOut}` and `{isRestart}`, and what else a step returns.
RUN: Final = """
async ([folder, steps]) => {
  const {Logs} = await import(`${folder}/logs.js`);
  const {LogFilter} = await import(`${folder}/log-filter.js`);
  const logs = new Logs();
  const filter = new LogFilter({});
  const results = [];
  for (const [step, ...values] of steps) {
    if (step === "hold") logs.isHeld = true;
    else if (step === "before") results.push(logs.before);
    else if (step === "countWaiting") results.push(logs.countWaiting(filter));
    else if (step === "hasMore") results.push(logs.history.hasMore);
    else if (step === "shown") results.push(
      logs.shown(filter).map(({log, leftOut, isRestart}) => log?.message ?? leftOut ?? isRestart)
    );
    else logs[step](...values);
  }
  return results;
}
"""


def log(number: int, message: str | None = None, **values: Any) -> dict[str, Any]:
    """Return a log as Home Assistant tells it; its number is also its second."""
    return {
        "number": number,
        "device_id": "device",
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


def begin(life: str, first: int, end: int) -> tuple[str, dict[str, Any]]:
    """Return the step that tells what Home Assistant has."""
    return "begin", {"life": life, "first_number": first, "logs": logs(first, end)}


def add(start: int, end: int, left_out: int = 0) -> tuple[str, dict[str, Any]]:
    """Return the step that tells more."""
    return "add", {"logs": logs(start, end), "left_out": left_out}


def history(
    *told: dict[str, Any], start: str = "2025-12-31T00:00:00Z", more: bool = True
) -> tuple[str, dict[str, Any]]:
    """Return the step that has a page of the history."""
    page = {"logs": list(told), "start": start, "more": more, "complete": True}
    return "addHistory", page


def names(start: int, end: int) -> list[str]:
    """Return the messages of the logs with these numbers."""
    return [f"{number}" for number in range(start, end)]


SHOWN: Final = ("shown",)
HOLD: Final = ("hold",)
RELEASE: Final = ("release",)
COUNT: Final = ("countWaiting",)

EARLIER: Final = [log(0, f"Earlier {number}") for number in range(3)]


@pytest.mark.parametrize(
    ("steps", "results"),
    [
        pytest.param(
            [begin("a", 1, 3), add(3, 5), add(5, 6, 7), add(6, 7), SHOWN],
            [[*names(1, 5), 7, "5", "6"]],
            id="what was left out is said where it is missing",
        ),
        pytest.param(
            [begin("a", 1, 1), add(1, 1, 3), add(1, 1, 4), SHOWN],
            [[7]],
            id="what was left out in a row is said once",
        ),
        pytest.param(
            [begin("a", 1, MOST), add(MOST, MOST + 500), SHOWN],
            [names(500, MOST + 500)],
            id="the oldest go",
        ),
        pytest.param(
            [begin("a", 1, 3), begin("a", 1, 5), begin("a", 2, 6), SHOWN],
            [names(1, 6)],
            id="after a lost connection, what is missing is added",
        ),
        pytest.param(
            [begin("a", 1, 3), history(*EARLIER), begin("a", 9, 12), SHOWN],
            [names(9, 12)],
            id="after a gap, the earlier ones are read anew",
        ),
        pytest.param(
            [begin("a", 1, 3), begin("b", 1, 3), add(3, 4), SHOWN],
            [[True, "1", "2", "3"]],
            id="a restart is said, and numbers begin anew",
        ),
        pytest.param(
            [
                *(begin("a", 1, 3), HOLD, add(3, 6), SHOWN, COUNT, RELEASE),
                *(SHOWN, COUNT),
            ],
            [names(1, 3), 3, names(1, 6), 0],
            id="new ones wait",
        ),
        pytest.param(
            [
                *(begin("a", 1, 3), HOLD, add(3, MOST + 1, 5), add(MOST + 1, MOST + 4)),
                *(COUNT, RELEASE, SHOWN),
            ],
            [MOST + 6, names(4, MOST + 4)],
            id="of too many that wait, the oldest go, and are counted",
        ),
        pytest.param(
            [
                begin("a", 5, 8),
                history(*EARLIER, log(5, timestamp="2026-01-01T00:00:05.123Z")),
                SHOWN,
            ],
            [["Earlier 0", "Earlier 1", "Earlier 2", *names(5, 8)]],
            id="what is known is not shown again, where the history cuts times",
        ),
        pytest.param(
            [
                begin("a", 5, 6),
                history(log(5), log(5, metadata={"b": {"d": 3, "c": 2}, "a": 1})),
                SHOWN,
            ],
            [["5", "5"]],
            id="two that are equal are two",
        ),
        pytest.param(
            [
                begin("a", 1, 1),
                history(*EARLIER, log(7), log(8)),
                add(7, 8),
                SHOWN,
            ],
            [["Earlier 0", "Earlier 1", "Earlier 2", "8", "7"]],
            id="what is caught up after it was read is shown once",
        ),
        pytest.param(
            [
                begin("a", 5, 8),
                ("before",),
                history(*EARLIER, start="2025-12-01T00:00:00Z", more=False),
                *(("before",), ("hasMore",), ("forgetHistory",), ("before",), SHOWN),
            ],
            [
                "2026-01-01T00:00:07.123Z",
                "2025-12-01T00:00:00Z",
                False,
                "2026-01-01T00:00:07.123Z",
                names(5, 8),
            ],
            id="the history is read on from where it was read",
        ),
        pytest.param(
            [begin("a", 1, 3), history(*EARLIER), add(3, MOST + 3), SHOWN],
            [names(3, MOST + 3)],
            id="the history goes where it is not right before any more",
        ),
    ],
)
async def test_logs(
    page: Page, project: str, steps: list[tuple[Any, ...]], results: list[Any]
) -> None:
    """Logs are kept in order, each once, and no more than there is room for."""
    await page.goto("/")
    address = re.search(r"/golioth/frontend/\w+", await page.content())
    assert address is not None
    found = await page.evaluate(RUN, [address[0], json.loads(json.dumps(steps))])
    assert found == results


async def test_long_logs(page: Page, project: str) -> None:
    """Of long logs, fewer are kept: 4 MiB."""
    await page.goto("/")
    address = re.search(r"/golioth/frontend/\w+", await page.content())
    assert address is not None
    long = [log(number, "x" * 24_000) for number in range(1, 400)]
    steps = [
        ("begin", {"life": "a", "first_number": 1, "logs": long}),
        SHOWN,
    ]
    (shown,) = await page.evaluate(RUN, [address[0], json.loads(json.dumps(steps))])
    assert len(shown) == 4 * 1024 * 1024 // 24_029
