"""What a test can make go wrong with new handshakes and requests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Faults:
    """Faults, all off at first, of the handshakes and requests while they are set.

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
        logs_need_start: REST fails where it is asked for logs without a start.
        date_offset: Seconds by which the date of REST answers is off.
        date_answers: How many answers that is so for; None for all of them.
        date_text: What the date of REST answers is in place of a time; empty where they
            have none.
        rest_cut: The connection of a REST request is reset when what was asked has been
            done, in place of the answer.
        log_bounds_ignored: REST returns logs as if it had not been told a start and an
            end.
        log_total: What REST says is the number of logs, whatever it is: a number, or a
            function of the true one and of how many are listed, which returns None
            where REST says nothing.
        device_total: How many devices a list says there are, however many it holds.

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
