"""The REST API of Golioth, as far as logs and their devices need it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import aiohttp
import orjson

from .endpoint import Endpoint
from .exceptions import (
    GoliothAuthenticationError,
    GoliothConnectionError,
    GoliothNotFoundError,
    GoliothResponseError,
    GoliothTimeoutError,
)
from .models import (
    Device,
    LogEntry,
    Project,
    RpcAnswer,
    format_timestamp,
    parse_device,
    parse_json,
    parse_log,
    parse_number,
    parse_project,
    parse_rpc_answer,
)

# gRPC codes (google.rpc.Code) of a rejected credential: 7 permission denied, 16 unauthenticated.
REJECTED_CODES: Final = frozenset({7, 16})

# gRPC code of what does not exist. A 404 without it is that of another service.
_NOT_FOUND_CODE: Final = 5

# An answer holds at most 100 objects, and a log at most 64 KiB.
_MAX_ANSWER_SIZE: Final = 8 * 1024 * 1024

# A device answers a call in a packet or a few.
_MAX_RPC_ANSWER_SIZE: Final = 64 * 1024

# HTTP statuses of 4xx after which it is open whether anything was done: given up by the service, or by what is before it.
_GIVEN_UP: Final = frozenset({408, 499})

_DEVICES_PER_PAGE: Final = 100
_LOGS_PER_ANSWER: Final = 100

# More than any fleet on one Home Assistant; a service that invents devices is not followed for ever.
MAX_DEVICES: Final = 20_000


class DeviceList(NamedTuple):
    """What the service lists of the project's devices."""

    devices: dict[str, Device]
    """By their IDs."""
    is_complete: bool
    """Whether no device is missing: the list may change while it is read, and is not followed beyond `MAX_DEVICES`."""


# Nanoseconds by which the clocks of a service's servers may differ.
_CLOCK_TOLERANCE: Final = 60 * 1_000_000_000


class _HeardTime(NamedTuple):
    """A time that the service told, in nanoseconds since 1970, and when that was by our monotonic clock, in seconds."""

    time_ns: int
    heard_at: float

    @property
    def now_ns(self) -> int:
        """What the service's clock shows by now."""
        return self.time_ns + int((monotonic() - self.heard_at) * 1_000_000_000)


class LogWindow(NamedTuple):
    """What one answer holds of the logs of a span of time."""

    entries: list[LogEntry]
    """Oldest first."""
    total: int | None
    """How many logs the span has, if the service told."""
    limit: int | None
    """How many logs an answer has at most, if the service told."""

    @property
    def is_full(self) -> bool:
        """Whether it may be cut, because an answer does not hold more."""
        limit = min(self.limit or _LOGS_PER_ANSWER, _LOGS_PER_ANSWER)
        return len(self.entries) >= limit

    @property
    def is_complete(self) -> bool:
        """Whether no log of the span is missing. A full answer may be cut, whatever its total says."""
        return not self.is_full and len(self.entries) >= (self.total or 0)


class GoliothRest:
    """The REST API of one project. Every call is one request, or says how many; none is tried again.

    Every call may raise:
        GoliothAuthenticationError: The service rejects the credential.
        GoliothNotFoundError: The service does not know the project, or what was asked for.
        GoliothResponseError: The answer is none of the Golioth API.
        GoliothConnectionError: No answer, or one that says to try again.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        endpoint: Endpoint,
        *,
        timeout: float = 15.0,
    ) -> None:
        """Prepare, without a request.

        Args:
            session: Its connections are used; it stays open.
            endpoint: The project.
            timeout: Seconds that one request may take. Golioth's own client waits for 10.
        """
        self._session = session
        self._endpoint = endpoint
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._server_time: _HeardTime | None = None
        self._doubtful_time: _HeardTime | None = None

    async def projects(self) -> list[Project]:
        """Return the projects that the credential opens; for an API key that is the one it belongs to."""
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
        """Return the devices of the project. One request for each hundred of them."""
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
            # A page that adds nothing is the last one, whatever the total says: the list may shrink while it is read.
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
        """Return what one answer holds of the logs of a span of time; the newest, where that is not all of them.

        Whether the service counts its bounds in is not published: ask for a little more, and leave out the rest.

        Args:
            start_ns: Nanoseconds since 1970; without it, the last hours.
            end_ns: Nanoseconds since 1970; without it, until now.
            device_id: Golioth's ID of the only device to ask for.
            level: The only level to ask for, one of `LEVELS`.
            module: The only module to ask for.
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
        answer = await self._get(
            f"{self._endpoint.project_path}/logs",
            urlencode(
                {key: value for key, value in query.items() if value is not None}
            ),
        )
        entries = [
            entry
            for each in reversed(_list(answer))
            if (entry := parse_log(each)) is not None
        ]
        # Newest first is promised; in which order those of one moment come is not, so they keep it.
        entries.sort(key=lambda entry: entry.timestamp_ns or 0)
        return LogWindow(
            entries,
            parse_number(answer.get("total")),
            parse_number(answer.get("perPage")),
        )

    async def call_rpc(
        self, device_id: str, method: str, params: list[Any], *, timeout: float
    ) -> RpcAnswer:
        """Call a method of a device, and return what the device answered, success or not.

        The call is sent once. Where a `GoliothConnectionError` does not say that nothing was done, the device may have acted.

        Args:
            device_id: Golioth's ID of the device.
            method: The name of the method.
            params: What the method is called with: any JSON.
            timeout: Seconds that it may take in all. If the service is not reached in half of it, the call is not sent.

        Raises:
            GoliothTimeoutError: There was no answer in time.
        """
        # aiohttp sends a POST once: what it repeats on a connection that turns out to be closed are idempotent methods.
        document = await self._request(
            "POST",
            f"{self._endpoint.project_path}/devices/{quote(device_id, safe='')}/rpc",
            body=orjson.dumps({"method": method, "params": params}),
            timeout=aiohttp.ClientTimeout(total=timeout, connect=timeout / 2),
            max_size=_MAX_RPC_ANSWER_SIZE,
        )
        answer = parse_rpc_answer(document)
        if answer is None:
            raise GoliothResponseError("The answer is none to a call")
        # It is shown to whoever called.
        if self._endpoint.credential.is_in(orjson.dumps(answer.detail).decode()):
            raise GoliothResponseError("The answer holds the credential")
        return answer

    @property
    def server_time_ns(self) -> int | None:
        """The time of the service's own clock, in nanoseconds since 1970; None before it has told it.

        It tells whole seconds, so that this is up to a second behind, and never ahead. A time is believed once two answers in
        a row agree on it: a single wrong one may be years off.
        """
        return None if self._server_time is None else self._server_time.now_ns

    async def _get(self, path: str, query: str = "") -> dict[str, Any]:
        """Return the JSON object that a question is answered with."""
        return await self._request("GET", path, query, timeout=self._timeout)

    async def _request(
        self,
        method: str,
        path: str,
        query: str = "",
        *,
        body: bytes | None = None,
        timeout: aiohttp.ClientTimeout,
        max_size: int = _MAX_ANSWER_SIZE,
    ) -> dict[str, Any]:
        """Return the JSON object that a request is answered with."""
        headers = {
            **self._endpoint.credential.headers,
            "Accept": "application/json",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        # Exceptions of aiohttp may hold an address or a header: none of their text goes on.
        try:
            async with self._session.request(
                method,
                self._endpoint.url(path, query),
                data=body,
                headers=headers,
                # aiohttp would send the credential along to wherever a redirect points.
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                content = await read_limited(response, max_size)
                status, answer_headers = response.status, response.headers
        # Before the others, as they are of these kinds as well: there was no connection to send anything on.
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as err:
            raise GoliothConnectionError(
                f"Golioth could not be reached: {type(err).__name__}",
                nothing_done=True,
            ) from None
        except TimeoutError:
            raise GoliothTimeoutError("Golioth did not answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as err:
            raise GoliothConnectionError(
                f"The connection to Golioth broke: {type(err).__name__}"
            ) from None
        answer = check_answer(status, answer_headers, content)
        # Not that of a proxy or a captive portal, which may be years off.
        self._hear_time(answer_headers)
        return answer

    def _hear_time(self, headers: Mapping[str, str]) -> None:
        try:
            moment = parsedate_to_datetime(headers.get("Date", ""))
        except ValueError:
            return
        if moment.tzinfo is None:
            return
        heard = _HeardTime(int(moment.timestamp()) * 1_000_000_000, monotonic())
        if any(
            known is not None and abs(known.now_ns - heard.time_ns) <= _CLOCK_TOLERANCE
            for known in (self._server_time, self._doubtful_time)
        ):
            self._server_time, self._doubtful_time = heard, None
        else:
            self._doubtful_time = heard


async def read_limited(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the body of an answer.

    Raises:
        GoliothResponseError: It is longer than `limit` bytes.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise GoliothResponseError("The answer is too long")
    return bytes(body)


def check_answer(
    status: int, headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """Return the JSON object of a good answer, and raise what any other one means.

    Raises:
        GoliothAuthenticationError: HTTP 401, or gRPC code 7 or 16 in a JSON body.
        GoliothNotFoundError: gRPC code 5 in a JSON body.
        GoliothResponseError: A redirect, or no JSON where an answer is due.
        GoliothConnectionError: Every other status but success.
    """
    try:
        answer = parse_json(body)
    except ValueError:
        answer = None
    document: dict[str, Any] | None = answer if isinstance(answer, dict) else None
    is_refused = 400 <= status < 500 and status not in _GIVEN_UP
    code = None if document is None else parse_number(document.get("code"))
    if 200 <= status < 300:
        if document is None:
            raise GoliothResponseError(
                "The answer is none of the Golioth API: no JSON object"
            )
        return document
    if status == 401 or (status != 429 and status < 500 and code in REJECTED_CODES):
        raise GoliothAuthenticationError(
            f"Golioth rejects the credential (HTTP {status})"
        )
    if is_redirect(status):
        raise GoliothResponseError(
            "The address redirects elsewhere, which Golioth does not"
        )
    if status < 500 and code == _NOT_FOUND_CODE:
        raise GoliothNotFoundError(
            "Golioth does not know what was asked for (HTTP 404)"
        )
    if status < 500 and status != 429 and code is None:
        raise GoliothResponseError(
            f"The answer is none of the Golioth API (HTTP {status})",
            nothing_done=is_refused,
        )
    raise GoliothConnectionError(
        f"Golioth answered HTTP {status}",
        retry_after=retry_after(headers),
        nothing_done=is_refused,
    )


def is_redirect(status: int) -> bool:
    """Whether an answer points elsewhere."""
    return 300 <= status < 400


def retry_after(headers: Mapping[str, str] | None) -> float | None:
    """Return the seconds that `Retry-After` asks to wait, given as a number or a date; None where it does not."""
    text = (headers or {}).get("Retry-After", "").strip()
    if text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    # Compared with the service's own clock where it tells it: the local one may be wrong.
    try:
        now = parsedate_to_datetime((headers or {}).get("Date", ""))
    except ValueError:
        now = datetime.now(UTC)
    if moment.tzinfo is None or now.tzinfo is None:
        return None
    return max(0.0, (moment - now).total_seconds())


def _list(answer: dict[str, Any]) -> list[Any]:
    """Return the list of an answer; empty where it is left out, as the service does with defaults."""
    found = answer.get("list")
    return found if isinstance(found, list) else []
