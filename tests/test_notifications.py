"""Tests of devices' texts in Markdown notifications."""

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

# Pieces with a meaning in Markdown, HTML, or templates, and all ends of lines.
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


# Texts that Home Assistant converts if they are all that a template renders.
LOOKALIKES: Final = (
    *("None", "...", "True", "1", "1.50", "007", "0x10", "1_000", "1e3", "-1"),
    *("[1, 2]", "{'a': 1}", "()", "b'x'", "None # of it", "[1] # of it"),
)


def templates(part: str) -> Iterator[tuple[str, str]]:
    """Yield all notifications' titles or messages, and their source."""
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
    """Return the variables of the templates for a log."""
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
    """Return the text in the message's only code block."""
    own, separator, block = message.partition("\n\n    ")
    # Before it are only our words, or the letters of a level.
    assert re.fullmatch(r"[A-Za-z0-9_ .:]*", own), message
    lines = block.split("\n")
    # Only an unindented line ends the block, and only "\n" ends a line.
    assert block.splitlines() == lines[: len(block.splitlines())]
    assert all(not line or line.startswith("    ") for line in lines[1:]), message
    return separator and "\n".join([lines[0], *(line[4:] for line in lines[1:])])


@pytest.mark.parametrize(
    "template", [pytest.param(text, id=name) for name, text in templates("message")]
)
async def test_text_of_a_device_is_no_markdown(
    hass: HomeAssistant, template: str
) -> None:
    """Device texts stay in a code block.

    They cannot end it, and can be read completely.
    """
    rendered = Template(template, hass)

    @settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(HOSTILE, HOSTILE)
    @example("a_b **c** `d` <e> & f\n  g | h", "warn")
    @example("\n\n\n\ntext", "[error](http://e.example)")
    def check(message: str, level: str) -> None:
        hass.states.async_set(LAST_LOG, message[:255])
        shown = rendered.async_render(variables(message, level, "greenhouse-node"))
        # Actions render the message again.
        shown = str(Template("{{ message }}", hass).async_render({"message": shown}))
        block = in_block(shown)
        if "message" in template or "states" in template:
            # White space may differ.
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
    """Texts that look like other values are shown unchanged.

    They look like a number, a list, or nothing.
    """
    hass.states.async_set(LAST_LOG, text)
    shown = Template(template, hass).async_render(variables(text, text, text))
    assert isinstance(shown, str)
    # Actions render the text again.
    shown = Template("{{ message }}", hass).async_render({"message": shown})
    assert isinstance(shown, str)
    if any(each in template for each in ("device_name", "message", "states", "detail")):
        assert text in shown
