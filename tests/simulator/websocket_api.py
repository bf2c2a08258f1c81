"""The WebSocket endpoints: `/v1/ws/…`."""

import asyncio

from aiohttp import web

from .access import Access
from .answers import error_answer, redirect_headers
from .errors import ServiceError
from .faults import Faults
from .frames import encode_frame
from .log_stream import LogStream, StreamFilter
from .log_streams import LogStreams
from .options import ServiceOptions
from .parameters import level_parameter
from .records import Handshake
from .refusal import Refusal
from .retirement import Retirement
from .watch import Watch

_NOT_FOUND = Refusal(frame="Not Found")


class WebSocketApi:
    """Answers handshakes and opens streams.

    Behaves as a gRPC-Gateway behind a WebSocket proxy: a handshake is accepted before
    anything is checked, an error is reported in a text frame, and the connection ends
    without a close frame.
    """

    def __init__(
        self,
        access: Access,
        streams: LogStreams,
        faults: Faults,
        options: ServiceOptions,
        watch: Watch,
    ) -> None:
        """Open streams; `watch` is notified of each handshake."""
        self.handshakes: list[Handshake] = []
        self.retirement: Retirement | None = None
        self._access = access
        self._streams = streams
        self._faults = faults
        self._options = options
        self._watch = watch

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a handshake, and serve its stream until it ends."""
        loop = asyncio.get_running_loop()
        handshake = Handshake(
            time=loop.time(), path=request.path, query_keys=tuple(request.query)
        )
        self.handshakes.append(handshake)
        self._watch.changed()
        if self._faults.handshake_never:
            await loop.create_future()
        if self._faults.answer_late:
            await asyncio.sleep(self._faults.answer_late)

        decision = self._decide(request)
        # As the proxy in front of the service, it does not compress.
        websocket = web.WebSocketResponse(autoclose=False, compress=False)
        if isinstance(decision, Refusal) and not decision.upgrades:
            answer = decision.answer()
        elif not websocket.can_prepare(request):
            answer = error_answer(400)
        else:
            writer = await websocket.prepare(request)
            transport = _transport(request)
            self._record(handshake, websocket.status)
            if isinstance(decision, Refusal):
                transport.write(encode_frame(decision.text))
                transport.close()
            else:
                stream = LogStream(
                    websocket,
                    writer,
                    transport,
                    wanted=decision,
                    options=self._options,
                    ping_interval=self._faults.ping_interval,
                )
                await self._streams.run(stream)
            return websocket
        self._record(handshake, answer.status)
        return answer

    def _decide(self, request: web.Request) -> StreamFilter | Refusal:
        """Return the stream's filter, or the refusal."""
        if (refusal := self._fault(request)) is not None:
            return refusal
        if self.retirement is not None:
            return self.retirement.value
        match request.path.split("/")[1:]:
            case ["v1", "ws", "projects", project_id, "logs"]:
                return self._subscribe(request, project_id, None)
            case ["v1", "ws", "projects", project_id, "devices", device_id, "logs"]:
                return self._subscribe(request, project_id, device_id)
            case _:
                return _NOT_FOUND

    def _subscribe(
        self, request: web.Request, project_id: str, device_id: str | None
    ) -> StreamFilter | Refusal:
        """Return the filter of a subscription, or its refusal."""
        query = request.query
        try:
            self._access.authenticate(request.headers, query)
            if device_id is None:
                self._access.open_project(project_id)
            else:
                self._access.open_device(project_id, device_id)
            return StreamFilter(
                device_id=device_id,
                module=query.get("module"),
                level=level_parameter(query),
            )
        except ServiceError as err:
            return Refusal.of_error(
                err, at_handshake=self._options.handshake_checks_credential
            )

    def _fault(self, request: web.Request) -> Refusal | None:
        """Return the refusal of an active fault, if any."""
        faults = self._faults
        if faults.redirect_to is not None:
            headers = redirect_headers(request, faults.redirect_to)
            return Refusal(status=faults.redirect_status, headers=headers, html=True)
        if faults.handshake_status is not None:
            return Refusal(
                status=faults.handshake_status,
                headers=faults.handshake_headers,
                body=faults.handshake_body,
                html=faults.handshake_html,
            )
        if faults.in_band_error is not None:
            return Refusal(frame=faults.in_band_error)
        return _NOT_FOUND if faults.not_found_after_101 else None

    def _record(self, handshake: Handshake, status: int) -> None:
        """Record the status of an answered handshake."""
        handshake.status = status
        self._watch.changed()


def _transport(request: web.Request) -> asyncio.Transport:
    """Return the transport of a request.

    Raises ConnectionResetError if the connection has ended.
    """
    if request.transport is None:
        raise ConnectionResetError
    return request.transport
