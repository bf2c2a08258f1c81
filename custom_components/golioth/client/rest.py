"""Calls the REST API of Golioth for logs and devices."""

import math
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import orjson

from .answers import check_answer, parse_http_date
from .endpoint import Endpoint
from .exceptions import GoliothResponseError, GoliothUnreadableError
from .log_window import LogWindow
from .models import Device, LogEntry, Project, RpcAnswer
from .pacing import in_slices
from .parsing import (
    parse_device,
    parse_log,
    parse_number,
    parse_project,
    parse_rpc_answer,
)
from .service_clock import Clocks, ServiceClock
from .timestamps import format_timestamp
from .wire import Wire

# An answer holds at most 100 objects, and few logs come near the maximum of 64 KiB: if
# an answer is too long, fewer are requested.
MAX_ANSWER_SIZE: Final = 2 * 1024 * 1024

# A device answers a call in a few packets.
_MAX_RPC_ANSWER_SIZE: Final = 64 * 1024

_DEVICES_PER_PAGE: Final = 100

# More than any fleet on one Home Assistant; a faulty service could list devices
# forever.
MAX_DEVICES: Final = 20_000


class DeviceList(NamedTuple):
    """The devices of a project, as the service lists them."""

    devices: dict[str, Device]
    """By their IDs."""
    is_complete: bool
    """Whether no device is missing.

    The list may change while it is read, and is not followed beyond `MAX_DEVICES`.
    """


class GoliothRest:
    """Calls the REST API for one project.

    Every call makes one request unless documented, and none is retried.

    Every call may raise:
        GoliothAuthenticationError: The service rejects the credential.
        GoliothNotFoundError: The project, or something requested of it, does not exist.
        GoliothUnreadableError: The answer is too long, or cannot be parsed.
        GoliothResponseError: The answer is not from the Golioth API.
        GoliothConnectionError: There was no answer, or one of a failure that may pass.

    Attributes:
        clock: The service's time, as its answers report it.
    """

    def __init__(
        self,
        wire: Wire,
        endpoint: Endpoint,
        clock: ServiceClock | None = None,
        *,
        timeout: float = 15.0,
    ) -> None:
        """Prepare, without a request.

        Args:
            wire: Carries the requests.
            endpoint: The project.
            clock: Receives the times of answers; a new one unless given.
            timeout: Seconds that one request may take. Golioth's own client waits for
                10.
        """
        self.clock = ServiceClock(Clocks.of_host()) if clock is None else clock
        self._wire = wire
        self._endpoint = endpoint
        self._timeout = timeout

    async def projects(self) -> list[Project]:
        """Return the projects that the credential gives access to.

        For an API key, this is the one it belongs to.
        """
        return [
            project
            for each in _list(await self._get("/v1/projects"))
            if (project := parse_project(each))
        ]

    async def project(self) -> Project:
        """Return the project."""
        project = parse_project(
            (await self._get(self._endpoint.project_path)).get("data")
        )
        if project is None:
            raise GoliothResponseError("The service answered without a project")
        return project

    async def devices(self) -> DeviceList:
        """Return the devices of the project.

        Makes one request per hundred devices.
        """
        devices: dict[str, Device] = {}
        page = 0
        while True:
            answer = await self._get(
                f"{self._endpoint.project_path}/devices",
                f"page={page}&perPage={_DEVICES_PER_PAGE}",
            )
            found = [device for each in _list(answer) if (device := parse_device(each))]
            known = len(devices)
            devices.update((device.id, device) for device in found)
            total = parse_number(answer.get("total"))
            # A page that adds nothing is the last one, whatever the total: the list may
            # shrink while it is read.
            if len(devices) in {known, total} or (
                total is None and len(found) < _DEVICES_PER_PAGE
            ):
                return DeviceList(devices, is_complete=total in {None, len(devices)})
            if len(devices) >= MAX_DEVICES:
                return DeviceList(devices, is_complete=False)
            page += 1

    async def logs(
        self,
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        device_id: str | None = None,
        level: str | None = None,
        module: str | None = None,
        term: str | None = None,
    ) -> LogWindow:
        """Return the newest logs of a span, from one answer.

        Whether the service counts in the bounds of a request is not published: request
        a little more, and leave out the rest.

        Args:
            start_ns: Nanoseconds since 1970; without it, the last hours.
            end_ns: Nanoseconds since 1970; without it, until now.
            device_id: Golioth's ID of the only device to request.
            level: The only level to request, one of `LEVELS`.
            module: The only module to request.
            term: A text to search for.
        """
        query = {
            "start": None if start_ns is None else format_timestamp(start_ns),
            "end": None if end_ns is None else format_timestamp(end_ns),
            "deviceId": device_id,
            "level": None if level is None else level.upper(),
            "module": module,
            "term": term,
        }
        answer, size = await self._request(
            "GET",
            f"{self._endpoint.project_path}/logs",
            urlencode(
                {key: value for key, value in query.items() if value is not None}
            ),
            timeout=self._timeout,
        )
        entries: list[LogEntry] = []
        untimed: list[LogEntry] = []
        bad = 0
        async for each in in_slices(reversed(_list(answer))):
            if (entry := parse_log(each)) is None:
                bad += 1
            elif entry.timestamp_ns is None:
                untimed.append(entry)
            else:
                entries.append(entry)
        # The API specifies newest first, but no order within a moment, so that is kept.
        entries.sort(key=lambda entry: entry.timestamp_ns or 0)
        return LogWindow(
            entries,
            parse_number(answer.get("total")),
            parse_number(answer.get("perPage")),
            untimed,
            bad,
            size,
        )

    async def call_rpc(
        self, device_id: str, method: str, params: list[Any], *, timeout: float
    ) -> RpcAnswer:
        """Call a device's method and return its answer.

        The answer may report a failure. The call is sent once. Unless a
        `GoliothConnectionError` has `nothing_done`, the device may have acted.

        Args:
            device_id: Golioth's ID of the device.
            method: The name of the method.
            params: The arguments of the method: any JSON.
            timeout: Seconds that it may take in total, also sent to the service, whose
                default is 5. If no connection opens in half of them, the call is not
                sent.

        Raises:
            GoliothTimeoutError: There was no answer in time.
        """
        # The HTTP client sends a POST once: on a connection that turns out to be
        # closed, it only repeats idempotent methods.
        document, _ = await self._request(
            "POST",
            f"{self._endpoint.project_path}/devices/{quote(device_id, safe='')}/rpc",
            body=orjson.dumps(
                {"method": method, "params": params, "timeout": math.ceil(timeout)}
            ),
            timeout=timeout,
            connect_timeout=timeout / 2,
            max_size=_MAX_RPC_ANSWER_SIZE,
        )
        answer = parse_rpc_answer(document)
        if answer is None:
            raise GoliothUnreadableError("The answer to a call cannot be read")
        # The detail is shown to the caller.
        if self._endpoint.credential.is_in(orjson.dumps(answer.detail).decode()):
            raise GoliothResponseError("The answer holds the credential")
        return answer

    @property
    def server_time_ns(self) -> int | None:
        """Return the service's time in nanoseconds since 1970.

        None before it is known.
        """
        return self.clock.now_ns

    async def _get(self, path: str, query: str = "") -> dict[str, Any]:
        """Return the JSON object of an answer to a GET."""
        document, _ = await self._request("GET", path, query, timeout=self._timeout)
        return document

    async def _request(
        self,
        method: str,
        path: str,
        query: str = "",
        *,
        body: bytes | None = None,
        timeout: float,
        connect_timeout: float | None = None,
        max_size: int = MAX_ANSWER_SIZE,
    ) -> tuple[dict[str, Any], int]:
        """Return an answer's JSON object and size in bytes."""
        headers = {
            **self._endpoint.credential.headers,
            "Accept": "application/json",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = await self._wire.request(
            method,
            self._endpoint.url(path, query),
            headers=headers,
            body=body,
            timeout=timeout,
            connect_timeout=connect_timeout,
            max_size=max_size,
        )
        document = check_answer(answer)
        # Only after the check: the time of a proxy or captive portal may be years off.
        self.clock.note(parse_http_date(answer.headers.get("Date", "")))
        return document, len(answer.body)


def _list(answer: dict[str, Any]) -> list[Any]:
    """Return an answer's list, which is left out if empty."""
    found = answer.get("list")
    return found if isinstance(found, list) else []
