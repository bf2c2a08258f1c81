"""The Golioth service in memory: REST with replicas, and streams."""

from collections.abc import Callable, Mapping
from math import inf
from random import Random
from typing import Any, Final
from urllib.parse import parse_qs

from yarl import URL

from .conditions import Conditions
from .loop import Timetable
from .sockets import ServerSocket
from .store import EPOCH, SECOND, Query, Replica, StoredLog, format_date, parse_time

HOST: Final = "api.golioth.io"
PROJECT: Final = "simulated"
KEY: Final = "7hWkQ+s/ecretOf4Simulation=="

_HTML: Final = b"<html><head><title>502</title></head><body>Bad Gateway</body></html>"

# Nanoseconds of the default time range.
_DEFAULT_WINDOW: Final = 4 * 3600 * SECOND

# Seconds by which a total may be behind.
_TOTAL_LAG: Final = 20.0

# Totals that match the number of known logs now and then, by chance.
_WRONG_TOTALS: Final = frozenset({"late", "random"})

type RawAnswer = tuple[int, dict[str, str], bytes]


class Service:
    """Answers requests, and sends logs to open streams.

    Attributes:
        replicas: The copies of the index, of which any may answer.
        sockets: The streams that the service considers open.
        device_ids: Golioth's IDs of the devices.
        requests: When requests arrived, and their paths.
        wrong_total_at: When the service last reported a total that may match the number
            of known logs by chance.
    """

    def __init__(
        self,
        timetable: Timetable,
        conditions: Conditions,
        settings: dict[str, Any],
        chance: Random,
    ) -> None:
        """Start without logs."""
        self.replicas = [Replica(clock) for clock in settings["replica_clocks"]]
        self.sockets: list[ServerSocket] = []
        self.device_ids: list[str] = []
        self.requests: list[tuple[float, str]] = []
        self.on_trace: Callable[[str], None] | None = None
        self.wrong_total_at = -inf
        self._counting = Replica(0.0)
        self._timetable = timetable
        self._conditions = conditions
        self._settings = settings
        self._chance = chance

    # Logs

    def index(
        self, log: StoredLog, now: float, visible: float | tuple[float, ...]
    ) -> None:
        """Make each replica show a log from a time on."""
        if isinstance(visible, tuple):
            for replica, time in zip(self.replicas, visible, strict=True):
                replica.add(log, now, time)
        else:
            for replica in self.replicas:
                replica.add(log, now, visible)
        if self._settings["counts_late"]:
            self._counting.add(log, now, now + _TOTAL_LAG)

    def stream(self, frames: list[bytes]) -> None:
        """Send frames of one log each to every stream."""
        if not frames or not self.sockets:
            return
        for socket in self.sockets:
            socket.send_logs(frames)

    def break_streams(self) -> None:
        """Break every stream, as the proxy does on long documents."""
        for socket in list(self.sockets):
            socket.end(None)

    # REST

    def answer(self, method: str, url: URL, headers: Mapping[str, str]) -> RawAnswer:
        """Return status, headers and body of an answer."""
        conditions, chance = self._conditions, self._chance
        replica = self.replicas[int(chance.random() * len(self.replicas))]
        answer_headers = {"Content-Type": "application/json"}
        self._add_date(answer_headers, replica)
        if url.host != HOST:
            return 500, {}, b"a request to elsewhere"
        if conditions.redirect:
            answer_headers["Location"] = "https://example.com/"
            return conditions.redirect, answer_headers, b""
        if conditions.rest_html:
            return conditions.rest_status or 200, {"Content-Type": "text/html"}, _HTML
        if conditions.rest_status:
            if conditions.retry_after:
                answer_headers["Retry-After"] = str(conditions.retry_after)
            return (
                conditions.rest_status,
                answer_headers,
                b'{"code":14,"message":"not now","details":[]}',
            )
        if headers.get("x-api-key") != KEY or conditions.key_revoked:
            body = b'{"code":16,"message":"Unauthenticated","details":[]}'
            return 401, answer_headers, body
        path = url.raw_path
        if method == "GET" and path == f"/v1/projects/{PROJECT}":
            body = b'{"data":{"id":"%b","name":"Simulated","organizationId":"org"}}'
            return 200, answer_headers, body % PROJECT.encode()
        if method == "GET" and path == f"/v1/projects/{PROJECT}/logs":
            return 200, answer_headers, self._logs(replica, url.raw_query_string)
        return 404, answer_headers, b'{"code":5,"message":"Not Found","details":[]}'

    def _add_date(self, headers: dict[str, str], replica: Replica) -> None:
        conditions = self._conditions
        if conditions.no_date:
            return
        offset = replica.clock + conditions.date_offset
        if (wrong := conditions.wrong_dates) and self._chance.random() < wrong[0]:
            offset += self._chance.choice(wrong[1])
        headers["Date"] = format_date(
            EPOCH + int((self._timetable.now + offset) * SECOND)
        )

    def _logs(self, replica: Replica, raw_query: str) -> bytes:
        """Return the body of an answer with logs."""
        conditions, settings, now = (
            self._conditions,
            self._settings,
            self._timetable.now,
        )
        replica.show(now)
        fields = {
            name: values[-1]
            for name, values in parse_qs(raw_query, strict_parsing=False).items()
        }
        now_ns = EPOCH + int(now * SECOND)
        end_ns = parse_time(fields["end"]) if "end" in fields else now_ns
        start_ns = (
            parse_time(fields["start"])
            if "start" in fields
            else end_ns - _DEFAULT_WINDOW
        )
        includes_start = conditions.start_inclusive
        if includes_start is None:
            includes_start = settings["start_inclusive"]
        includes_end = conditions.end_inclusive
        if includes_end is None:
            includes_end = settings["end_inclusive"]
        level = fields.get("level")
        query = Query(
            start_ns + (not includes_start),
            end_ns - (not includes_end),
            fields.get("deviceId"),
            None if level == "NONE" else level,
            fields["term"].encode() if "term" in fields else None,
        )
        limit: int = settings["limit"]
        documents: list[bytes] = []
        cuts = conditions.milliseconds
        for log in replica.newest(query):
            if len(documents) >= limit:
                break
            document = log.document
            if cuts and log.is_regular:
                document = b"%bZ%b" % (document[:37], document[44:])
            documents.append(document)
        return self._envelope(
            documents, self._total(replica, query, len(documents), now), limit
        )

    def _total(
        self, replica: Replica, query: Query, listed: int, now: float
    ) -> int | None:
        """Return the total that the service reports, or None."""
        mode = self._conditions.total or self._settings["total"]
        if mode in _WRONG_TOTALS:
            self.wrong_total_at = now
        match mode:
            case "right":
                return replica.count(query)
            case "late" if self._settings["counts_late"]:
                self._counting.show(now)
                return self._counting.count(query)
            case "zero":
                return 0
            case "capped":
                return min(10_000, replica.count(query))
            case "project":
                return replica.size
            case "random":
                return self._chance.randrange(20_000)
            case "listed":
                return listed
            case _:
                return None

    def _envelope(self, documents: list[bytes], total: int | None, limit: int) -> bytes:
        """Return the gateway's JSON.

        Depending on the settings, it omits fields at their default.
        """
        settings = self._settings
        quote = '"' if settings["numbers_as_text"] else ""
        fields = []
        if documents or not settings["leaves_out_defaults"]:
            fields.append(b'"list":[' + b",".join(documents) + b"]")
        if settings["tells_limit"]:
            fields.append(f'"page":0,"perPage":{quote}{limit}{quote}'.encode())
        if total is not None and (total or not settings["leaves_out_defaults"]):
            fields.append(f'"total":{quote}{total}{quote}'.encode())
        return b"{" + b",".join(fields) + b"}"
