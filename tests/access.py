"""Check what each kind of user can see and do.

Every way that a browser has into Home Assistant is tried.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator
from http import HTTPStatus
import json
import os
from pathlib import Path
import re
from typing import Any, Final, NamedTuple

from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient
from pytest_homeassistant_custom_component.common import CLIENT_ID, MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.golioth.const import DOMAIN, EVENT_GOLIOTH_LOG
from custom_components.golioth.log_card import FOLDER, MODULE
from homeassistant.auth.const import GROUP_ID_ADMIN, GROUP_ID_READ_ONLY, GROUP_ID_USER
from homeassistant.auth.models import Group, User
from homeassistant.auth.permissions import PermissionLookup
from homeassistant.components.frontend import DATA_PANELS
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.condition import CONDITIONS
from homeassistant.helpers.http import HomeAssistantView
from homeassistant.helpers.trigger import TRIGGERS

PAGE: Final = Path(__file__).parent.parent / "docs" / "security.md"

# Write the page instead of comparing it.
WRITES: Final = "WRITE_ACCESS_TABLE" in os.environ

_BEGIN: Final = "<!-- What follows is written by scripts/access-table. -->\n"
_END: Final = "<!-- Until here. -->\n"

KINDS: Final = (
    "Administrator",
    "User",
    "Read-only",
    "One device",
    "Project's device",
    "Nothing",
    "No login",
)
NO_LOGIN: Final = KINDS[-1]

_PACKAGE: Final = f"custom_components.{DOMAIN}"


class Place(NamedTuple):
    """Home Assistant's IDs, and the messages that are logged."""

    entry: MockConfigEntry
    device: str
    other_device: str
    project_device: str
    issues: dict[str, str]
    """The IDs by translation key."""
    logs: dict[str, set[str]]
    """The messages by their source in the table."""


class Visitor:
    """A browser, logged in or not."""

    def __init__(self, http: TestClient[Any, Any], token: str | None) -> None:
        """Use a client that sends the token, if any."""
        self._http = http
        self._token = token
        self._id = 0

    async def connect(self) -> None:
        """Open the WebSocket and log in."""
        self.socket = await self._http.ws_connect("/api/websocket")
        assert (await self.socket.receive_json())["type"] == "auth_required"
        if self._token is not None:
            await self.socket.send_json({"type": "auth", "access_token": self._token})
            assert (await self.socket.receive_json())["type"] == "auth_ok"

    async def close(self) -> None:
        """Close the WebSocket."""
        await self.socket.close()

    async def command(
        self, type_: str, accepted: Collection[str] = (), **data: Any
    ) -> dict[str, Any] | None:
        """Return the answer to a command.

        It may be one of the accepted errors. None means that the user is refused.
        """
        if self._token is None:
            # Every command ends a connection without login, so open a new one.
            await self.connect()
        self._id += 1
        await self.socket.send_json({"id": self._id, "type": type_, **data})
        while True:
            answer: dict[str, Any] = await self.socket.receive_json()
            if answer["type"] == "auth_invalid":
                # Home Assistant ends the connection then.
                assert (await self.socket.receive()).type is WSMsgType.CLOSE
                return None
            # Events of subscriptions are skipped.
            if answer["type"] == "result" and answer["id"] == self._id:
                break
        if not answer["success"]:
            error = answer["error"]
            # Actions report it in the message instead of the code.
            refused = "unauthorized" in {error["code"], error["message"].lower()}
            assert refused or error["code"] in accepted, answer
            return None if refused else answer
        return answer

    async def event(self) -> dict[str, Any]:
        """Return the next event of the latest subscription."""
        while True:
            answer = await self.socket.receive_json()
            if answer["type"] == "event" and answer["id"] == self._id:
                event: dict[str, Any] = answer["event"]
                return event

    async def request(self, method: str, path: str, /, **data: Any) -> Any:
        """Return the answer to a request, None if refused."""
        response = await self._http.request(method, path, json=data or None)
        if response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return None
        assert response.status == HTTPStatus.OK, await response.text()
        return await response.read()

    async def act(self, action: str, **data: Any) -> Any:
        """Return the response of an action, None if refused.

        WebSocket and REST must agree.
        """
        answer = await self.command(
            "call_service",
            domain=DOMAIN,
            service=action,
            service_data=data,
            return_response=True,
        )
        body = await self.request(
            "POST", f"/api/services/{DOMAIN}/{action}?return_response", **data
        )
        assert (answer is None) == (body is None)
        return None if answer is None else answer["result"]["response"]


type Probe = Callable[[Visitor, Place], Awaitable[bool]]


class Row(NamedTuple):
    """One way in, and what it is tried for."""

    way: str
    """Names in backticks are those in Home Assistant's registries."""
    what: str
    is_open: Probe


async def visitors(
    hass: HomeAssistant,
    clients: ClientSessionGenerator,
    place: Place,
) -> dict[str, Visitor]:
    """Return a connected visitor of each kind.

    Each has a user of its own.
    """
    # Home Assistant's test package does not load the users, which would set this.
    hass.auth._store._perm_lookup = PermissionLookup(
        er.async_get(hass), dr.async_get(hass)
    )
    groups = {
        KINDS[0]: [GROUP_ID_ADMIN],
        KINDS[1]: [GROUP_ID_USER],
        KINDS[2]: [GROUP_ID_READ_ONLY],
        KINDS[3]: [_add_group(hass, place.device)],
        KINDS[4]: [_add_group(hass, place.project_device)],
        KINDS[5]: [],
    }
    found = {}
    for kind, group_ids in groups.items():
        user = await hass.auth.async_create_user(kind, group_ids=group_ids)
        found[kind] = await _log_in(hass, clients, user)
    found[NO_LOGIN] = Visitor(await clients(), None)
    return found


def _add_group(hass: HomeAssistant, device_id: str) -> str:
    """Return a new group that controls only one device.

    Home Assistant has no form for that.
    """
    group = Group(
        name="Test",
        policy={"entities": {"device_ids": {device_id: True}}},
        id=device_id,
    )
    hass.auth._store._groups[group.id] = group
    return group.id


async def _log_in(
    hass: HomeAssistant, clients: ClientSessionGenerator, user: User
) -> Visitor:
    refresh_token = await hass.auth.async_create_refresh_token(user, CLIENT_ID)
    token = hass.auth.async_create_access_token(refresh_token)
    visitor = Visitor(await clients(token), token)
    await visitor.connect()
    return visitor


# Probes


async def _recent(visitor: Visitor, place: Place, whose: str) -> bool:
    answer = await visitor.command(
        "golioth/logs/subscribe", config_entry_id=place.entry.entry_id
    )
    if answer is None:
        return False
    return _has(await visitor.event(), place, whose)


async def _history(visitor: Visitor, place: Place, whose: str) -> bool:
    answer = await visitor.command(
        "golioth/logs/history",
        config_entry_id=place.entry.entry_id,
        before="2100-01-01T00:00:00Z",
    )
    return answer is not None and _has(answer["result"], place, whose)


def _has(page: dict[str, Any], place: Place, whose: str) -> bool:
    """Return whether all logs of a source are there.

    Some of them would be neither yes nor no.
    """
    found = place.logs[whose] & {log["message"] for log in page["logs"]}
    assert found in (set(), place.logs[whose])
    return bool(found)


def _logs_of(probe: Callable[[Visitor, Place, str], Awaitable[bool]]) -> list[Any]:
    """Return label and probe for each source of logs."""

    def of(whose: str) -> Probe:
        return lambda visitor, place: probe(visitor, place, whose)

    return [
        ("The logs of the device", of("device")),
        ("The logs of another device", of("other")),
        ("The logs of devices that are new or were removed", of("project")),
    ]


def _get_logs(**source: str) -> Probe:
    async def is_open(visitor: Visitor, place: Place) -> bool:
        data = {key: getattr(place, name) for key, name in source.items()}
        return await visitor.act("get_logs", **data) is not None

    return is_open


def _call(device: str) -> Probe:
    async def is_open(visitor: Visitor, place: Place) -> bool:
        data = {"device_id": getattr(place, device), "method": "reboot"}
        return await visitor.act("call_rpc", **data) is not None

    return is_open


def _listen(trigger: str) -> Probe:
    async def is_open(visitor: Visitor, place: Place) -> bool:
        config: dict[str, Any] = {"trigger": f"{DOMAIN}.{trigger}"}
        if trigger != "project_log_received":
            config["target"] = {"device_id": place.device}
        if trigger == "device_went_silent":
            config["options"] = {"for": {"hours": 1}}
        answer = await visitor.command("subscribe_trigger", trigger=config)
        if answer is None:
            return False
        # A subscription that stays leaves a timer.
        return (
            await visitor.command("unsubscribe_events", subscription=answer["id"])
            is not None
        )

    return is_open


async def _listen_to_event(visitor: Visitor, place: Place) -> bool:
    return (
        await visitor.command("subscribe_events", event_type=EVENT_GOLIOTH_LOG)
        is not None
    )


def _state(entity_id: str) -> Probe:
    async def is_open(visitor: Visitor, place: Place) -> bool:
        answer = await visitor.command("get_states")
        return answer is not None and entity_id in {
            state["entity_id"] for state in answer["result"]
        }

    return is_open


def _read_issue(key: str) -> Probe:
    async def is_open(visitor: Visitor, place: Place) -> bool:
        answer = await visitor.command("repairs/list_issues")
        return answer is not None and place.issues[key] in {
            issue["issue_id"] for issue in answer["result"]["issues"]
        }

    return is_open


def _ignore_issue(key: str) -> Probe:
    async def is_open(visitor: Visitor, place: Place) -> bool:
        answer = await visitor.command(
            "repairs/ignore_issue",
            domain=DOMAIN,
            issue_id=place.issues[key],
            ignore=True,
        )
        return answer is not None

    return is_open


def _fix_issue(key: str) -> Probe:
    async def is_open(visitor: Visitor, place: Place) -> bool:
        body = await visitor.request(
            "POST",
            "/api/repairs/issues/fix",
            handler=DOMAIN,
            issue_id=place.issues[key],
        )
        return body is not None

    return is_open


async def _read_notification(visitor: Visitor, place: Place) -> bool:
    answer = await visitor.command("persistent_notification/get")
    return answer is not None and any(
        place.entry.title in each["title"] for each in answer["result"]
    )


def _diagnostics(path: str) -> Probe:
    async def is_open(visitor: Visitor, place: Place) -> bool:
        filled = path.format(entry=place.entry.entry_id, device=place.device)
        return (
            await visitor.request("GET", f"/api/diagnostics/config_entry/{filled}")
            is not None
        )

    return is_open


async def _system_health(visitor: Visitor, place: Place) -> bool:
    if await visitor.command("system_health/info") is None:
        return False
    while (await visitor.event())["type"] != "finish":
        pass
    return True


def _flow(path: str, **handler: str) -> Probe:
    async def is_open(visitor: Visitor, place: Place) -> bool:
        data = {
            key: value.format(entry=place.entry.entry_id)
            for key, value in handler.items()
        }
        body = await visitor.request(
            "POST", f"/api/config/config_entries/{path}", **data
        )
        return body is not None

    return is_open


async def _delete_device(visitor: Visitor, place: Place) -> bool:
    # A device that Golioth lists cannot be deleted: only the permission counts.
    return (
        await visitor.command(
            "config/device_registry/remove",
            accepted=("home_assistant_error",),
            device_id=place.device,
        )
        is not None
    )


async def _names(visitor: Visitor, place: Place) -> bool:
    devices = await visitor.command("config/device_registry/list")
    entries = await visitor.command("config_entries/get", domain=DOMAIN)
    if devices is None or entries is None:
        return False
    assert place.entry.data["api_key"] not in json.dumps([devices, entries])
    return place.device in {each["id"] for each in devices["result"]} and (
        place.entry.title in {each["title"] for each in entries["result"]}
    )


async def _card(visitor: Visitor, place: Place) -> bool:
    (folder,) = place.logs["card"]
    body = await visitor.request("GET", f"{folder}/{MODULE}")
    return bool(body == (FOLDER / MODULE).read_bytes())


ROWS: Final = (
    *(
        Row("`golioth/logs/subscribe`", what, probe)
        for what, probe in _logs_of(_recent)
    ),
    *(Row("`golioth/logs/history`", what, probe) for what, probe in _logs_of(_history)),
    Row("`golioth.get_logs`", "The logs of the device", _get_logs(device_id="device")),
    Row(
        "`golioth.get_logs`",
        "The logs of another device",
        _get_logs(device_id="other_device"),
    ),
    Row(
        "`golioth.get_logs`",
        "All logs of the project",
        _get_logs(device_id="project_device"),
    ),
    Row("`golioth.get_logs`", "The same, with nothing chosen", _get_logs()),
    Row("`golioth.call_rpc`", "Call the device", _call("device")),
    Row("`golioth.call_rpc`", "Call another device", _call("other_device")),
    *(
        Row(f"`golioth.{trigger}`", "Listen to the trigger", _listen(trigger))
        for trigger in ("log_received", "project_log_received", "device_went_silent")
    ),
    Row("Event `golioth_log`", "Listen to all logs", _listen_to_event),
    Row(
        "States",
        "What the device logged last",
        _state("sensor.greenhouse_node_last_log"),
    ),
    Row(
        "States",
        "What another device logged last",
        _state("sensor.water_meter_last_log"),
    ),
    Row(
        "States",
        "Connection and counters of the project",
        _state("binary_sensor.demo_project_connection"),
    ),
    Row("Repair `gap`", "Read", _read_issue("gap")),
    Row("Repair `gap`", "Ignore", _ignore_issue("gap")),
    Row("Repair `gap`", "Fix", _fix_issue("gap")),
    Row("Notification", "That a project started anew", _read_notification),
    Row("Diagnostics", "Of the project", _diagnostics("{entry}")),
    Row("Diagnostics", "Of the device", _diagnostics("{entry}/device/{device}")),
    Row("System health", "Read", _system_health),
    Row("Set-up", "Add a project", _flow("flow", handler=DOMAIN)),
    Row(
        "Set-up",
        "Change key and address",
        _flow("flow", handler=DOMAIN, entry_id="{entry}"),
    ),
    Row("Set-up", "Change the options", _flow("options/flow", handler="{entry}")),
    Row("Set-up", "Delete a device", _delete_device),
    Row("Registries", "Names of projects and devices", _names),
    Row("`/golioth/frontend/…`", "The files of the card, which hold no data", _card),
)


# Ways in that Home Assistant has registered


def ours(hass: HomeAssistant) -> set[str]:
    """Return every way in that Home Assistant has registered.

    Only those that belong to the integration.
    """
    return {f"`{name}`" for name in _registered(hass)} | {
        f"Repair `{key}`" for key in _texts()["issues"]
    }


def _texts() -> dict[str, Any]:
    texts: dict[str, Any] = json.loads(
        (FOLDER.parent / "translations" / "en.json").read_text("utf-8")
    )
    return texts


def _registered(hass: HomeAssistant) -> Iterator[str]:
    for command, (handler, _) in hass.data["websocket_api"].items():
        if command.startswith(DOMAIN) or _is_ours(handler):
            yield command
    yield from (
        f"{DOMAIN}.{name}" for name in hass.services.async_services_for_domain(DOMAIN)
    )
    for domain, services in hass.services.async_services().items():
        for name, service in services.items():
            if domain != DOMAIN and _is_ours(service.job.target):
                yield f"{domain}.{name}"
    for registry in (hass.data[TRIGGERS], hass.data[CONDITIONS]):
        for name, platform in registry.items():
            if platform == DOMAIN:
                yield f"{DOMAIN}.{name.removeprefix(f'{DOMAIN}.')}"
    for webhook in hass.data.get("webhook", {}).values():
        if webhook.domain == DOMAIN:
            yield "webhook"
    for path, panel in hass.data[DATA_PANELS].items():
        if DOMAIN in path or DOMAIN in json.dumps(panel.config, default=str):
            yield f"/{path}"
    for resource in hass.http.app.router.resources():
        # A static path is one resource whose routes have no view.
        if DOMAIN in resource.canonical or any(
            _is_ours(route.handler) for route in resource
        ):
            yield re.sub(r"/\{.*$", "/…", resource.canonical)


def _is_ours(handler: Any) -> bool:
    """Return whether a handler is ours or calls our view."""
    if (getattr(handler, "__module__", None) or "").startswith(_PACKAGE):
        return True
    for cell in getattr(handler, "__closure__", None) or ():
        view = cell.cell_contents
        if isinstance(view, HomeAssistantView):
            return type(view).__module__.startswith(_PACKAGE)
    return False


# The table


def as_markdown(found: dict[tuple[str, str], list[bool]]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        ["Way", "What", *KINDS],
        ["---"] * (2 + len(KINDS)),
        *(
            [way, what, *("yes" if each else "no" for each in cells)]
            for (way, what), cells in found.items()
        ),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def table() -> str:
    """Return the table on the page."""
    _, _, rest = PAGE.read_text("utf-8").partition(_BEGIN)
    shown, _, _ = rest.partition(_END)
    return shown.strip("\n") + "\n"


def write_table(text: str) -> None:
    """Replace the table on the page."""
    before, _, rest = PAGE.read_text("utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    PAGE.write_text(f"{before}{_BEGIN}\n{text}\n{_END}{after}", "utf-8")
