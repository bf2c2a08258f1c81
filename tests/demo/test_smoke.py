"""The smoke check detects failures."""

from pathlib import Path

import pytest

from . import REPOSITORY
from .api import Json
from .smoke import complaints, differences, published_logs
from .terminal import log_line, printable

ENTRY = {"entry_id": "entry"}
PROJECT_ID = "project"

FINE = (
    "2026-01-01 00:00:00.000 INFO (MainThread) [homeassistant.setup] Setting up golioth"
)
CUSTOM = "2026-01-01 00:00:00.000 WARNING (MainThread) [homeassistant.loader] a custom integration golioth"


def _events() -> list[Json]:
    """Return the events of the published logs."""
    common = {"config_entry_id": "entry", "project_id": PROJECT_ID, "truncated": False}
    return [log | common for log in published_logs()]


def test_published_events_pass() -> None:
    """The published logs pass, even if one device overtakes another."""
    published = published_logs()
    assert len(published) == 6
    events = _events()
    assert differences(events, published, ENTRY, PROJECT_ID) == []
    # The second and the third are of two devices.
    events[1], events[2] = events[2], events[1]
    assert differences(events, published, ENTRY, PROJECT_ID) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("timestamp", "2021-12-01T19:14:07.376256Z"),
        ("level", "DEBUG"),
        ("module", ""),
        ("message", "Log 1: 34"),
        ("metadata", {"func": "func_1", "index": 214}),
        ("type", None),
        ("golioth_device_id", "61a4cfdfb2b45578105aeca5"),
        ("config_entry_id", "other"),
        ("project_id", "other"),
        ("truncated", True),
    ],
)
def test_wrong_value_is_found(key: str, value: object) -> None:
    """A single different value is found."""
    events = _events()
    events[0][key] = value
    assert differences(events, published_logs(), ENTRY, PROJECT_ID)


def test_wrong_order_is_found() -> None:
    """The logs of one device keep their order."""
    events = _events()
    events[0], events[1] = events[1], events[0]
    assert differences(events, published_logs(), ENTRY, PROJECT_ID)


@pytest.mark.parametrize(
    "record",
    [
        "2026-01-01 00:00:00.000 ERROR (MainThread) [custom_components.golioth] Boom",
        (
            "2026-01-01 00:00:00.000 ERROR (MainThread) [homeassistant] Boom\nTraceback (most recent call last):\n"
            '  File "custom_components/golioth/sensor.py", line 1, in f'
        ),
        (
            "2026-01-01 00:00:00.000 WARNING (MainThread) [py.warnings] Boom\nTraceback (most recent call last):\n"
            '  File "custom_components/golioth/sensor.py", line 1, in f'
        ),
        (
            "2026-01-01 00:00:00.000 WARNING (MainThread) [homeassistant.helpers.frame] Detected that custom integration"
            " 'golioth' boils. This will stop working in Home Assistant 2099.1"
        ),
    ],
)
@pytest.mark.parametrize("zone", ["", "+00:00", "-08:00"])
def test_complaint_is_found(tmp_path: Path, record: str, zone: str) -> None:
    """A record about the integration is found, and no other.

    It is an error, an exception or a deprecation.
    """
    lines = [line.replace(".000 ", f".000{zone} ") for line in (FINE, record, CUSTOM)]
    log = tmp_path / "home-assistant.log"
    log.write_text("\n".join(lines) + "\n")
    assert complaints(log) == [lines[1]]


def test_other_records_are_no_complaint(tmp_path: Path) -> None:
    """Errors of others are ignored.

    Even if the checkout is named like the integration.
    """
    other = f"2026-01-01 00:00:00.000 ERROR (MainThread) [homeassistant] Boom in {REPOSITORY}/.venv"
    log = tmp_path / "home-assistant.log"
    log.write_text(f"{FINE}\n{other}\n{CUSTOM}\n")
    assert complaints(log) == []
    assert complaints(tmp_path / "absent.log") == []


def test_log_cannot_steer_the_terminal() -> None:
    """Control characters are escaped, other languages are not."""
    assert printable("\x1b[31mß\n") == "\\x1b[31mß\\n"
    log = _events()[0] | {"device_name": "\x07", "source": "poll"}
    line = log_line(log)
    assert line.isprintable()
    assert line.endswith("(poll)")
