"""Check that the published logs arrive in Home Assistant.

As events, and in the sensors of their devices.
"""

import asyncio
import json
from pathlib import Path
import re
from typing import Final
from urllib.parse import quote

from tests.deprecations import is_deprecation

from . import REPOSITORY, DemoError
from .api import EventStream, HomeAssistantApi, Json
from .devices import Device, read_devices
from .home_assistant import DOMAIN
from .terminal import log_line, printable, say

PUBLISHED_FRAMES: Final = REPOSITORY / "tests/fixtures/log_frames.ndjson"

LOGS_TIMEOUT: Final = 30
SENSORS_TIMEOUT: Final = 15

# Home Assistant 2026.11 and newer log the time zone, too.
_RECORD: Final = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}(?:[+-]\d\d:\d\d)? ([A-Z]+) \("
)


def published_logs() -> list[Json]:
    """Return the expected events of the published frames, in order."""
    logs = []
    for frame in PUBLISHED_FRAMES.read_text().splitlines():
        data = json.loads(frame)["result"]["data"]
        logs.append(
            {
                "golioth_device_id": data["deviceId"],
                "timestamp": data["timestamp"],
                "level": data["level"].lower(),
                "module": data["module"],
                "message": data["message"],
                "metadata": data["metadata"],
                "type": data["type"],
            }
        )
    return logs


def differences(
    seen: list[Json], published: list[Json], entry: Json, project_id: str
) -> list[str]:
    """Return the differences of the events from the published logs.

    Both have the same number. The logs of a device have to keep their order; those of
    two devices may overtake each other.
    """
    common = {
        "config_entry_id": entry["entry_id"],
        "project_id": project_id,
        "truncated": False,
    }

    def by_device(log: Json) -> str:
        return str(log["golioth_device_id"])

    return [
        f"{log['message']!r}: {key} is {event.get(key)!r}, not {value!r}"
        for event, log in zip(
            sorted(seen, key=by_device), sorted(published, key=by_device), strict=True
        )
        for key, value in (log | common).items()
        if event.get(key) != value
    ]


def complaints(log_path: Path) -> list[str]:
    """Return records of Home Assistant's log about the integration.

    Errors, exceptions and deprecations that name it.
    """
    try:
        log = log_path.read_text(errors="replace")
    except FileNotFoundError:
        return []
    records: list[tuple[str, list[str]]] = [("", [])]
    for line in log.splitlines():
        if match := _RECORD.match(line):
            records.append((match[1], []))
        records[-1][1].append(line)
    found = []
    for level, lines in records:
        # The checkout's folder may be called golioth, too.
        text = "\n".join(lines).replace(str(REPOSITORY), "")
        bad = (
            level in ("ERROR", "CRITICAL")
            or "Traceback (most recent call last)" in text
        )
        if (bad and DOMAIN in text.lower()) or is_deprecation(text):
            found.append(text)
    return found


async def _wait_for_logs(
    api: HomeAssistantApi, events: EventStream, published: list[Json]
) -> list[Json]:
    """Return the data of as many events as published logs."""
    seen: list[Json] = []
    try:
        async with asyncio.timeout(LOGS_TIMEOUT):
            while len(seen) < len(published):
                seen.append((await anext(events))["data"])
                say(f"  {log_line(seen[-1])}")
    except TimeoutError as err:
        entries = await api.command("config_entries/get", domain=DOMAIN)
        states = [
            " ".join(filter(None, (entry["state"], entry["reason"])))
            for entry in entries
        ]
        raise DemoError(
            f"{len(seen)} of {len(published)} logs were seen as events within {LOGS_TIMEOUT} s;"
            f" the config entry is {', '.join(states) or 'gone'}"
        ) from err
    return seen


def _missing(devices: list[Device], last_logs: dict[str, str]) -> list[str]:
    """Return the deviations of the sensors."""
    missing = []
    for device_id, message in last_logs.items():
        device = next((d for d in devices if device_id in d.identifiers), None)
        if device is None:
            missing.append(f"there is no device {device_id}")
        elif (state := device.state_of("last_log")) != message:
            missing.append(
                f"the last log of {device.name} is {state!r}, not {message!r}"
            )
    connections = [
        entity.state
        for device in devices
        if device.service
        for entity in device.entities
        if entity.device_class == "connectivity"
    ]
    if connections != ["on"]:
        missing.append(f"the project's connectivity is {connections}, not ['on']")
    return missing


async def _wait_for_sensors(
    api: HomeAssistantApi,
    changes: EventStream,
    entry_id: str,
    last_logs: dict[str, str],
) -> list[Device]:
    """Return the devices once their sensors show the last logs."""
    missing: list[str] = []
    try:
        async with asyncio.timeout(SENSORS_TIMEOUT):
            while True:
                changes.take_waiting()
                devices = await read_devices(api, entry_id)
                if not (missing := _missing(devices, last_logs)):
                    return devices
                await anext(changes)
    except TimeoutError as err:
        raise DemoError(
            f"The sensors do not show the last logs after {SENSORS_TIMEOUT} s: {'; '.join(missing)}"
        ) from err


def _print_devices(devices: list[Device]) -> None:
    """Print the entities of each device and their states."""
    width = max(
        (len(entity.entity_id) for device in devices for entity in device.entities),
        default=0,
    )
    for device in devices:
        say(f"\n{printable(device.name)}")
        for entity in device.entities:
            say(f"  {entity.entity_id:<{width}}  {entity.shown_state}")


async def check_logs(
    api: HomeAssistantApi,
    events: EventStream,
    changes: EventStream,
    entry: Json,
    project_id: str,
) -> None:
    """Wait until the published logs arrived, and print them.

    Args:
        api: Home Assistant.
        events: The golioth_log events since before the integration was set up.
        changes: The DEVICE_CHANGES since then.
        entry: The integration's config entry.
        project_id: The project of the published logs.

    Raises:
        DemoError: They did not arrive, or not as they were published.
    """
    published = published_logs()
    say("\nThe published logs, as Home Assistant fired them:\n")
    seen = await _wait_for_logs(api, events, published)
    if different := differences(seen, published, entry, project_id):
        raise DemoError(
            "The events are not what was published:\n  " + "\n  ".join(different)
        )
    # A later log of a device replaces the one before.
    last_logs = {
        str(log["golioth_device_id"]): str(log["message"]) for log in published
    }
    _print_devices(await _wait_for_sensors(api, changes, entry["entry_id"], last_logs))
    # Without an answer to this, the user interface never gets past its launch screen.
    await api.command("get_services")
    # Users see Home Assistant's notifications first.
    if notifications := await api.command("persistent_notification/get"):
        texts = "\n  ".join(
            f"{each['title']}: {each['message']}" for each in notifications
        )
        raise DemoError(f"Home Assistant shows notifications:\n  {texts}")
    if more := events.take_waiting():
        lines = "\n  ".join(log_line(event["data"]) for event in more)
        raise DemoError(f"More logs came than were published:\n  {lines}")


def check_log_file(path: Path, api_key: str) -> None:
    """Check that Home Assistant's log is clean.

    Raises:
        DemoError: It names the integration in an error, an exception or a deprecation,
            or holds the credential.
    """
    if found := complaints(path):
        raise DemoError(
            "Home Assistant's log has errors or deprecations that name the integration:\n"
            + "\n".join(found)
        )
    log = path.read_text(errors="replace")
    if api_key in log or quote(api_key, safe="") in log:
        raise DemoError("Home Assistant's log holds the API key")
