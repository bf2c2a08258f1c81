"""The REST endpoints: `/v1/…`."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
import inspect
from typing import Any

from aiohttp import web
import orjson

from .access import Access
from .answers import error_answer, html_answer, json_answer, redirect_headers
from .device import Device
from .errors import GrpcCode, ServiceError, error_body
from .faults import Faults
from .log_store import LogQuery
from .options import RpcCall, ServiceOptions
from .parameters import (
    boolean_parameter,
    level_parameter,
    page_parameters,
    timestamp_parameter,
)
from .project import Project
from .records import RestRequest
from .timestamps import NANOSECONDS
from .watch import Watch

# The time range of a request for logs without a start.
_DEFAULT_WINDOW = 4 * 60 * 60 * NANOSECONDS

_DEVICE_FILTERS: Mapping[str, Callable[[Device, str], bool]] = {
    "deviceName": lambda device, name: device.name == name,
    "hardwareId": lambda device, hardware_id: hardware_id in device.hardware_ids,
    "tags": lambda device, tag_id: tag_id in device.tag_ids,
    "blueprintId": lambda device, blueprint_id: device.blueprint_id == blueprint_id,
    "cohortId": lambda device, cohort_id: device.cohort_id == cohort_id,
    "enabled": lambda device, enabled: (
        device.enabled is boolean_parameter(enabled, "enabled")
    ),
    "term": lambda device, term: any(
        term.casefold() in text.casefold()
        for text in (device.name, device.id, *device.hardware_ids)
    ),
}


class RestApi:
    """Answers REST requests about the project."""

    def __init__(
        self,
        project: Project,
        access: Access,
        faults: Faults,
        options: ServiceOptions,
        watch: Watch,
    ) -> None:
        """Serve a project; `watch` is notified of each request."""
        self.requests: list[RestRequest] = []
        self.rpc_calls: list[RpcCall] = []
        self._project = project
        self._access = access
        self._faults = faults
        self._options = options
        self._watch = watch

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        record = RestRequest(
            time=asyncio.get_running_loop().time(),
            method=request.method,
            path=request.path,
            query=dict(request.query),
        )
        self.requests.append(record)
        self._watch.changed()
        if self._faults.rest_never or (
            self._faults.logs_never and request.path.endswith("/logs")
        ):
            await asyncio.get_running_loop().create_future()
        if self._faults.rest_delay:
            await asyncio.sleep(self._faults.rest_delay)
        try:
            answer = self._fault(request) or json_answer(await self._serve(request))
        except ServiceError as err:
            answer = json_answer(
                error_body(err.code, err.message), err.code.http_status
            )
        if self._faults.rest_cut and request.transport is not None:
            request.transport.abort()
        record.status = answer.status
        self._watch.changed()
        return answer

    def _fault(self, request: web.Request) -> web.Response | None:
        """Return the answer of an active fault, if any."""
        faults = self._faults
        if faults.redirect_to is not None:
            return html_answer(
                faults.redirect_status, redirect_headers(request, faults.redirect_to)
            )
        if faults.rest_html:
            return html_answer(faults.rest_status or HTTPStatus.OK, faults.rest_headers)
        if faults.rest_status is not None:
            return error_answer(faults.rest_status, faults.rest_headers)
        if faults.logs_status is not None and request.path.endswith("/logs"):
            return error_answer(faults.logs_status, faults.rest_headers)
        if (
            faults.logs_need_start
            and request.path.endswith("/logs")
            and "start" not in request.query
        ):
            return error_answer(HTTPStatus.SERVICE_UNAVAILABLE, faults.rest_headers)
        return None

    async def _serve(self, request: web.Request) -> Mapping[str, Any]:
        """Return the body of an answer, or raise ServiceError."""
        self._access.authenticate(request.headers)
        match request.method, request.path.split("/")[1:]:
            case "GET", ["v1", "projects"]:
                return self._page([self._project], request)
            case "GET", ["v1", "projects", project_id]:
                self._access.open_project(project_id)
                return {"data": self._project.as_json()}
            case "GET", ["v1", "projects", project_id, "devices"]:
                self._access.open_project(project_id)
                return self._devices(request)
            case "GET", ["v1", "projects", project_id, "devices", device_id]:
                return {
                    "data": self._access.open_device(project_id, device_id).as_json()
                }
            case "GET", ["v1", "projects", project_id, "logs"]:
                self._access.open_project(project_id)
                return self._logs(request)
            case "POST", ["v1", "projects", project_id, "devices", device_id, "rpc"]:
                return await self._call(
                    self._access.open_device(project_id, device_id),
                    await request.read(),
                )
            case _:
                raise ServiceError(GrpcCode.NOT_FOUND, "Not Found")

    def _devices(self, request: web.Request) -> Mapping[str, Any]:
        """Return a page of the devices that pass the filters."""
        query = request.query
        filters = [
            (matches, value)
            for name, matches in _DEVICE_FILTERS.items()
            for value in query.getall(name, [])
        ]
        devices = [
            device
            for device in self._project.devices.values()
            if all(matches(device, value) for matches, value in filters)
        ]
        return self._page(devices, request, self._faults.device_total)

    def _logs(self, request: web.Request) -> Mapping[str, Any]:
        """Return the newest logs of a range, and its total."""
        query = request.query
        start = timestamp_parameter(query, "start")
        end = timestamp_parameter(query, "end")
        if self._faults.log_bounds_ignored:
            start, end = 0, None
        tags = query.getall("tags", [])
        logs, total = self._project.logs.find(
            LogQuery(
                start=self._project.clock() - _DEFAULT_WINDOW
                if start is None
                else start,
                end=end,
                device_id=query.get("deviceId"),
                device_ids=self._tagged(tags) if tags else None,
                module=query.get("module"),
                level=level_parameter(query),
                term=query.get("term"),
            ),
            self._options.log_cap,
            start_inclusive=self._options.start_inclusive,
            end_inclusive=self._options.end_inclusive,
        )
        digits = self._options.timestamp_digits
        documents = [log.document if digits >= 9 else log.cut(digits) for log in logs]
        return self._list(
            [orjson.Fragment(document) for document in documents],
            0,
            self._options.log_cap,
            self._claimed(total, len(documents)),
        )

    def _claimed(self, total: int, listed: int) -> int | None:
        """Return the total to report, or None to omit it."""
        claim = self._faults.log_total
        if claim is None:
            return total
        return claim(total, listed) if callable(claim) else claim

    def _tagged(self, tags: list[str]) -> set[str]:
        """Return the IDs of devices that have all tags."""
        return {
            device.id
            for device in self._project.devices.values()
            if set(tags) <= set(device.tag_ids)
        }

    async def _call(self, device: Device, body: bytes) -> Mapping[str, Any]:
        """Return the device's answer to a remote procedure call."""
        try:
            request = orjson.loads(body)
            call = RpcCall(
                device=device,
                method=request["method"],
                params=request.get("params", []),
                # As in Protocol Buffers, a 64-bit integer may be text.
                timeout=int(timeout) if (timeout := request.get("timeout")) else None,
            )
        except (ValueError, TypeError, KeyError, AttributeError) as err:
            raise ServiceError(
                GrpcCode.INVALID_ARGUMENT, "The body is no remote procedure call"
            ) from err
        self.rpc_calls.append(call)
        answer = self._options.on_rpc(call)
        if not inspect.isawaitable(answer):
            return answer
        try:
            async with asyncio.timeout(call.timeout or self._options.rpc_timeout):
                return await answer
        except TimeoutError as err:
            raise ServiceError(
                GrpcCode.DEADLINE_EXCEEDED, "The device did not answer in time"
            ) from err

    def _page(
        self,
        entries: Sequence[Device | Project],
        request: web.Request,
        total: int | None = None,
    ) -> Mapping[str, Any]:
        """Return the requested page of a list.

        `total` replaces the true number of entries.
        """
        page, per_page = page_parameters(request.query)
        shown = entries[page * per_page : (page + 1) * per_page]
        return self._list(
            [entry.as_json() for entry in shown],
            page,
            per_page,
            len(entries) if total is None else total,
        )

    def _list(
        self, entries: list[Any], page: int, per_page: int, total: int | None
    ) -> Mapping[str, Any]:
        """Return the body of a list, as the options say."""
        body: dict[str, Any] = {
            "list": entries,
            "page": page,
            "perPage": per_page,
            "total": total,
        }
        if total is None:
            del body["total"]
        if self._options.omit_defaults:
            body = {name: value for name, value in body.items() if value}
        if self._options.numbers_as_text:
            body = {
                name: str(value) if isinstance(value, int) else value
                for name, value in body.items()
            }
        return body
