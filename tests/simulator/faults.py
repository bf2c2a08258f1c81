"""Faults of new handshakes and requests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Faults:
    """Faults of handshakes and requests, all off at first.

    They hold for the handshakes and requests that come while they are set.

    Attributes:
        handshake_status: HTTP status that answers the WebSocket handshake; 200 is a
            plain 200.
        handshake_headers: Headers of that answer, such as Retry-After.
        handshake_body: Body of that answer in place of the JSON error.
        handshake_html: Whether the body is a proxy's HTML page.
        handshake_never: The handshake is never answered.
        answer_late: Seconds until the handshake is answered.
        redirect_to: Origin that handshakes and REST requests are redirected to, path
            and query kept.
        redirect_status: HTTP status of the redirect.
        in_band_error: Text frame that ends the stream after 101, without a close frame:
            an error envelope or text.
        not_found_after_101: The same with the text `Not Found`, as on a path that does
            not exist.
        ping_interval: Seconds between the service's own pings; None for no pings.
        garbage: A frame that holds no log follows every log (1 or True), or every so
            many logs.
        rest_status: HTTP status that answers REST requests.
        rest_headers: Headers of that answer, such as Retry-After.
        rest_html: REST answers with a proxy's HTML page, and 200 unless `rest_status`
            is set.
        rest_delay: Seconds until REST answers.
        rest_never: REST never answers.
        logs_status: HTTP status that answers requests for logs alone.
        logs_never: REST never answers requests for logs.
        logs_need_start: REST answers a request for logs without a start with 503.
        date_offset: Seconds by which the date of REST answers is off.
        date_answers: The number of answers with that offset; None for all of them.
        date_text: Text of the Date header in place of a time; empty for no header.
        rest_cut: A REST request is carried out, but its connection is reset in place of
            the answer.
        log_bounds_ignored: REST ignores the start and end of a request for logs.
        log_total: The total of logs that REST reports: a number, or a function of the
            true total and the number listed, which returns None for no total.
        device_total: The total that a list of devices reports.

    """

    handshake_status: int | None = None
    handshake_headers: Mapping[str, str] = field(default_factory=dict)
    handshake_body: str | None = None
    handshake_html: bool = False
    handshake_never: bool = False
    answer_late: float = 0.0
    redirect_to: str | None = None
    redirect_status: int = 302
    in_band_error: Mapping[str, Any] | str | None = None
    not_found_after_101: bool = False
    ping_interval: float | None = None
    garbage: int = 0
    rest_status: int | None = None
    rest_headers: Mapping[str, str] = field(default_factory=dict)
    rest_html: bool = False
    rest_delay: float = 0.0
    rest_never: bool = False
    logs_status: int | None = None
    logs_never: bool = False
    logs_need_start: bool = False
    date_offset: float = 0.0
    date_answers: int | None = None
    date_text: str | None = None
    rest_cut: bool = False
    log_bounds_ignored: bool = False
    log_total: int | Callable[[int, int], int | None] | None = None
    device_total: int | None = None

    def clear(self) -> None:
        """Turn every fault off."""
        vars(self).update(vars(Faults()))
