"""Tests of what devices say in notifications, which Home Assistant renders as Markdown."""

from collections.abc import Iterator
import re
from typing import Any, Final

from hypothesis import HealthCheck, example, given, settings, strategies as st
import pytest

from homeassistant.core import HomeAssistant
from homeassistant.helpers.template import Template
from homeassistant.util.yaml import parse_yaml

from .documents import automations
from .test_blueprints import BLUEPRINTS, FOLDER

LAST_LOG: Final = "sensor.greenhouse_node_last_log"

# What would be more than text in Markdown, in HTML or in a template, and what ends a line somewhere.
PIECES: Final = (
    *("\n", "\n\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1e", "\x85"),
    *("\u2028", "\u2029", "\u200b", "\u202e", "\x00", "\t", " ", "    "),
    *("```", "~~~", "`", "***", "**", "_", "a_b", "~~", "# ", "- ", "1. ", "> "),
    *("![x](http://e.example/x.png)", "[a](b)", "[a]", "[a]: http://b.example"),
    *("<img src=http://e.example/x.png>", "</code></pre>", "<ha-alert>", "<!--"),
    *("https://e.example", "www.e.example", "a@b.example", "<http://e.example>"),
    *("&lt;", "&#60;", "\\", "|", "| - |", "---", "===", "- [ ] ", "$$", ":::"),
    *("{{ 1 / 0 }}", "{% raw %}", "{#", "%s", "{0}"),
)
HOSTILE: Final = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.text(st.characters(exclude_categories=["Cs"])),
)


# Text that Home Assistant makes something else of, if it is all that a template renders.
LOOKALIKES: Final = (
    *("None", "...", "True", "1", "1.50", "007", "0x10", "1_000", "1e3", "-1"),
    *("[1, 2]", "{'a': 1}", "()", "b'x'", "None # of it", "[1] # of it"),
)


def templates(part: str) -> Iterator[tuple[str, str]]:
    """Yield the title or the message of each notification that we offer, and where it is."""
    for name in BLUEPRINTS:
        blueprint = parse_yaml((FOLDER / name).read_text().replace("!input", "input "))
        assert isinstance(blueprint, dict)
        if part in (texts := blueprint["variables"]):
            yield name, texts[part]
    for automation in automations():
        for action in automation["actions"]:
            if action.get("action") == "persistent_notification.create":
                yield automation["alias"], action["data"][part]


def variables(message: str, level: str, device: str) -> dict[str, Any]:
    """Return what the templates are given of a log."""
    log: dict[str, Any] = {
        "device_name": device,
        "timestamp": "2026-11-30T00:00:00Z",
        "level": level,
        "module": level,
        "message": message,
        "metadata": {"voltage": message},
    }
    return {
        "trigger": log | {"event": {"data": log}, "for": "0:30:00"},
        "history": {"logs": [log, log]},
        "answer": {"detail": message},
    }


def in_block(message: str) -> str:
    """Return what a message has in its only block of code, which Markdown shows as it is."""
    own, separator, block = message.partition("\n\n    ")
    # The words before it are ours, or a level of which nothing but letters is left.
    assert re.fullmatch(r"[A-Za-z0-9_ .:]*", own), message
    lines = block.split("\n")
    # Nothing but another line ends it, and no other character is the end of a line.
    assert block.splitlines() == lines[: len(block.splitlines())]
    assert all(not line or line.startswith("    ") for line in lines[1:]), message
    return separator and "\n".join([lines[0], *(line[4:] for line in lines[1:])])


@pytest.mark.parametrize(
    "template", [pytest.param(text, id=name) for name, text in templates("message")]
)
async def test_text_of_a_device_is_no_markdown(
    hass: HomeAssistant, template: str
) -> None:
    """It is in a block of code that it cannot end, and all of it can be read there."""
    rendered = Template(template, hass)

    @settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(HOSTILE, HOSTILE)
    @example("a_b **c** `d` <e> & f\n  g | h", "warn")
    @example("\n\n\n\ntext", "[error](http://e.example)")
    def check(message: str, level: str) -> None:
        hass.states.async_set(LAST_LOG, message[:255])
        shown = rendered.async_render(variables(message, level, "greenhouse-node"))
        # Actions render it again.
        shown = str(Template("{{ message }}", hass).async_render({"message": shown}))
        block = in_block(shown)
        if "message" in template or "states" in template:
            # All but the white space.
            text = "".join(message[:255].split())
            assert text in "".join(block.split())

    check()


@pytest.mark.parametrize("text", LOOKALIKES)
@pytest.mark.parametrize(
    "template",
    [
        pytest.param(text, id=f"{name}: {part}")
        for part in ("title", "message")
        for name, text in templates(part)
    ],
)
async def test_text_is_taken_for_nothing_else(
    hass: HomeAssistant, template: str, text: str
) -> None:
    """A log, a level or a name that looks like a number, a list or nothing is shown as it is."""
    hass.states.async_set(LAST_LOG, text)
    shown = Template(template, hass).async_render(variables(text, text, text))
    assert isinstance(shown, str)
    # Actions render it again.
    shown = Template("{{ message }}", hass).async_render({"message": shown})
    assert isinstance(shown, str)
    if any(each in template for each in ("device_name", "message", "states", "detail")):
        assert text in shown
