"""All faults, by name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
import json
from random import Random
from typing import Any, Final

from tests.simulator.garbage import GARBAGE_FRAMES

from .accountant import Accountant
from .conditions import Conditions
from .host import Host, Storage
from .loop import SimulatedLoop, Timetable
from .service import RawAnswer, Service
from .sockets import text
from .traffic import Traffic
from .wire import SimulatedWire

_HOUR: Final = 3600.0

# "Not Found" reports that the endpoint is retired.
_GARBAGE: Final = tuple(
    each.encode("utf-8", "surrogatepass") if isinstance(each, str) else each
    for each in GARBAGE_FRAMES
    if each != "Not Found"
)

_HTML: Final = b"<html><body>Forbidden</body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The parts of a simulation that faults act on."""

    loop: SimulatedLoop
    timetable: Timetable
    conditions: Conditions
    service: Service
    wire: SimulatedWire
    traffic: Traffic
    host: Host
    accountant: Accountant


type Act = Callable[[Stage, Random, float], Iterator[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: Its name in histories.
        act: Yields the pauses in seconds; draws random numbers from its generator only.
        part: The part it affects: two faults of one part never overlap.
        shortest: Seconds that it lasts at least.
        longest: Seconds that it lasts at most.
        is_early: Whether it comes at the beginning only: logs from before it are no
            longer promised.
        is_late: Whether it never comes at the beginning: nothing is promised before a
            start.
    """

    name: str
    act: Act
    part: str
    shortest: float = 5.0
    longest: float = 3 * _HOUR
    is_early: bool = False
    is_late: bool = False


def _all() -> Iterator[Fault]:
    for code in (1000, 1001, 1011, 1012, 1013):
        yield _fault(f"close_{code}", _closing(code), "streams", longest=600)
    yield _fault("cut", _closing(None), "streams", longest=600)
    yield _fault("reset_mid_frame", _reset_mid_frame, "streams", longest=600)
    yield _fault("half_open", _half_open, "streams")
    yield _fault("mute", _mute, "streams")
    yield _fault("lossy", _setting(loss=(0.01, 0.5)), "frames")
    yield _fault("never_closes", _never_closes, "closing", longest=1200)
    yield _fault("error_frame", _error_frame, "streams", longest=1200)
    yield _fault("garbage", _always(garbage=_GARBAGE), "frames", longest=1800)
    yield _fault("joined_frames", _always(joined=True), "frames")
    yield _fault("binary_frames", _always(binary=True), "frames")
    yield _fault("slow_stream", _setting(latency=(0.5, 20.0)), "latency")
    yield _fault("server_pings", _server_pings, "pings", longest=1800)

    yield _fault("refused", _refused, "all", longest=1800)
    yield _fault("redirect", _redirect, "all", longest=1800)
    yield _fault(
        "outage", _outage, "all", shortest=600, longest=6 * _HOUR, is_late=True
    )
    for status in (429, 500, 502, 503):
        yield _fault(f"handshake_{status}", _handshake(status), "handshake")
    yield _fault("handshake_403_html", _handshake(403), "handshake")
    yield _fault("handshake_never", _handshake_never, "handshake")
    for status in (200, 401, 404, 405, 410, 426, 501):
        yield _fault(f"retired_{status}", _handshake(status), "handshake", shortest=60)
    for name, frame in (
        ("not_found", b"Not Found"),
        ("unimplemented", b'{"error":{"grpcCode":12,"httpCode":501,"message":"no"}}'),
        ("rejected", b'{"error":{"code":16,"message":"no","details":[]}}'),
    ):
        yield _fault(f"retired_{name}", _first_frame(frame), "handshake", shortest=60)

    for status in (429, 500, 503):
        yield _fault(f"rest_{status}", _rest_status(status), "rest")
    yield _fault("rest_slow", _rest_slow, "rest")
    yield _fault("rest_never", _rest(rest_never=True), "rest")
    yield _fault("rest_logs_never", _rest(logs_never=True), "rest")
    yield _fault("rest_broken", _rest(rest_broken=True), "rest")
    yield _fault("rest_html", _rest_html, "rest")
    yield _fault(
        "rest_outage",
        _rest(rest_status=503, rest_html=False),
        "rest",
        shortest=_HOUR,
        longest=6 * _HOUR,
        is_late=True,
    )
    yield _fault("key_revoked", _key_revoked, "all", longest=1800)

    for start, end in product((True, False), repeat=2):
        name = f"windows_{_bound(start)}_{_bound(end)}"
        yield _fault(name, _always(start_inclusive=start, end_inclusive=end), "windows")
    yield _fault("milliseconds", _always(milliseconds=True), "digits")
    yield _fault("indexed_late", _indexed_late, "index")
    yield _fault("replica_lag", _replica_lag, "replicas")
    for mode in ("late", "zero", "capped", "project", "random", "listed", "absent"):
        yield _fault(f"total_{mode}", _always(total=mode), "total")

    yield _fault("late_logs", _always(late=0.3), "late")
    yield _fault("early_logs", _always(early=0.3), "early")
    yield _fault("years_off_logs", _always(strange=0.05), "strange")
    yield _fault("twins", _always(twins=0.3), "twins")
    yield _fault("odd_logs", _always(odd=0.2), "odd")
    yield _fault("big_logs", _always(big=0.5), "big", longest=1800)
    yield _fault("spelled_otherwise", _always(spelled=0.5), "spelled")
    yield _fault("short_times", _always(short_times=0.4), "times")
    yield _fault("leap_seconds", _always(leap_seconds=0.2), "times")
    yield _fault("burst", _burst, "volume", longest=60)
    yield _fault("many_big_logs", _many_big, "volume", longest=60)
    yield _fault("huge_log", _huge, "volume", longest=60)
    yield _fault("tie", _tie(one_device=False), "volume", longest=60)
    yield _fault("tie_of_one_device", _tie(one_device=True), "volume", longest=60)
    yield _fault(
        "tie_of_one_level",
        _tie(one_device=True, one_level=True),
        "volume",
        longest=60,
    )
    yield _fault("tie_among_others", _tie_among_others, "volume", longest=120)

    yield _fault("wrong_date_once", _wrong_date_once, "date", longest=60)
    yield _fault("wrong_dates", _wrong_dates, "date", longest=1800)
    yield _fault("no_date", _always(no_date=True), "date")
    yield _fault("service_ahead", _date_step(1), "date", shortest=120)
    yield _fault("service_behind", _date_step(-1), "date", shortest=120)
    yield _fault("stamps_ahead", _stamp_step(1), "date", shortest=120, longest=_HOUR)
    yield _fault("stamps_behind", _stamp_step(-1), "date", shortest=120, longest=_HOUR)
    yield _fault("wall_ahead", _setting(wall_offset=(60, 1e5)), "wall")
    yield _fault("wall_behind", _setting(wall_offset=(-1e5, -60)), "wall")
    for fate in ("alive", "reset", "half_open", "lossy"):
        yield _fault(
            f"sleep_{fate}", _sleep(fate), "host", shortest=30, longest=4 * _HOUR
        )

    yield _fault("reload", _restart("reload"), "host", longest=60)
    yield _fault("restart", _restart("restart"), "host", longest=_HOUR)
    yield _fault("restart_anywhere", _restart("anywhere"), "host", longest=120)
    yield _fault("restarts_in_a_row", _restarts, "host", longest=300)
    yield _fault("kill", _restart("kill"), "host", longest=1800)
    yield _fault("disk_full", _disk_full, "disk")
    yield _fault("old_storage", _restart("old"), "host", longest=300)
    yield _fault("missing_storage", _restart("missing"), "host", 300, is_early=True)
    yield _fault("damaged_storage", _restart("damaged"), "host", 300, is_early=True)
    yield _fault("start_in_outage", _start_in_outage, "all", 1800, is_early=True)


def _fault(
    name: str, act: Act, part: str, longest: float = 3 * _HOUR, **values: Any
) -> Fault:
    return Fault(name=name, act=act, part=part, longest=longest, **values)


def _bound(inclusive: bool) -> str:
    return "inclusive" if inclusive else "exclusive"


# Conditions


def _with(stage: Stage, duration: float, **values: Any) -> Iterator[float]:
    """Change conditions for a duration."""
    token = stage.conditions.begin(**values)
    yield duration
    stage.conditions.end(token)


def _always(**values: Any) -> Act:
    """Return an act that sets conditions to fixed values."""

    def act(stage: Stage, _chance: Random, duration: float) -> Iterator[float]:
        return _with(stage, duration, **values)

    return act


def _setting(**bounds: tuple[float, float]) -> Act:
    """Return an act that sets conditions within bounds."""

    def act(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
        values = {name: chance.uniform(*each) for name, each in bounds.items()}
        return _with(stage, duration, **values)

    return act


# Streams


def _now_and_then(chance: Random, duration: float) -> Iterator[float]:
    """Yield random pauses that add up to a duration."""
    left = duration
    while left > 0:
        pause = min(left, chance.expovariate(1 / 20))
        left -= pause
        yield pause


def _end_streams(stage: Stage, chance: Random) -> None:
    """End every stream in a random way."""
    code = chance.choice((None, None, 1000, 1006, 1011))
    for socket in list(stage.service.sockets):
        socket.end(code)


def _keep_ending_streams(
    stage: Stage, chance: Random, duration: float
) -> Iterator[float]:
    _end_streams(stage, chance)
    for pause in _now_and_then(chance, duration):
        yield pause
        if chance.random() < 0.5:
            _end_streams(stage, chance)


def _closing(code: int | None) -> Act:
    def act(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
        for pause in _now_and_then(chance, duration):
            for socket in list(stage.service.sockets):
                socket.end(code)
            yield pause

    return act


def _reset_mid_frame(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    for pause in _now_and_then(chance, duration):
        for socket in list(stage.service.sockets):
            socket.end(None, ConnectionResetError("reset"))
        yield pause


def _half_open(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    sockets = list(stage.service.sockets)
    for socket in sockets:
        socket.is_stalled = True
    yield duration
    fate = chance.random()
    for socket in sockets:
        if fate < 0.5:
            socket.resume(loses=fate < 0.25)


def _mute(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    sockets = list(stage.service.sockets)
    for socket in sockets:
        socket.is_muted = True
    yield duration
    if chance.random() < 0.5:
        for socket in sockets:
            socket.resume(loses=True)


def _never_closes(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    token = stage.conditions.begin(never_closes=True)
    for pause in _now_and_then(chance, duration):
        for socket in list(stage.service.sockets):
            socket.is_muted = True
        yield pause
    stage.conditions.end(token)


def _error_frame(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    code, status = chance.choice(((14, 503), (13, 500), (8, 429)))
    error: dict[str, Any] = {"message": "the service is not itself", "details": []}
    if chance.random() < 0.5:
        error |= {"grpcCode": code, "httpCode": status, "httpStatus": "Error"}
    else:
        error |= {"code": code}
    frame = json.dumps({"error": error}).encode()
    for socket in list(stage.service.sockets):
        socket.send([text(frame)])
        socket.end(None)
    yield from _with(stage, duration, first_frame=frame)


def _server_pings(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    for pause in _now_and_then(chance, duration):
        for socket in stage.service.sockets:
            socket.ping()
        yield pause


# Handshakes


def _refused(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    if chance.random() < 0.7:
        _end_streams(stage, chance)
    yield from _with(stage, duration, refused=True)


def _redirect(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    _end_streams(stage, chance)
    status = chance.choice((301, 302, 303, 307, 308))
    yield from _with(stage, duration, redirect=status)


def _outage(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    """Leave everything without an answer, and streams half-open."""
    for socket in stage.service.sockets:
        socket.is_stalled = True
    kind = chance.choice(({"rest_never": True}, {"rest_broken": True}))
    yield from _with(stage, duration, handshake_never=True, **kind)


def _handshake(status: int) -> Act:
    def act(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
        headers = {}
        body = b'{"code":14,"message":"not now","details":[]}'
        if status in {403, 200} or chance.random() < 0.5:
            headers["Content-Type"] = "text/html"
            body = _HTML
        if status in {429, 503} and chance.random() < 0.7:
            headers["Retry-After"] = str(chance.choice((1, 5, 30, 120)))
        _end_streams(stage, chance)
        answer: RawAnswer = (status, headers, body)
        yield from _with(stage, duration, handshake=answer)

    return act


def _handshake_never(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    _end_streams(stage, chance)
    yield from _with(stage, duration, handshake_never=True)


def _first_frame(frame: bytes) -> Act:
    def act(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
        _end_streams(stage, chance)
        yield from _with(stage, duration, first_frame=frame)

    return act


# REST


def _while(
    stage: Stage, chance: Random, duration: float, **values: Any
) -> Iterator[float]:
    """Change conditions; in half of the cases, keep ending streams."""
    token = stage.conditions.begin(**values)
    if chance.random() < 0.5:
        yield from _keep_ending_streams(stage, chance, duration)
    else:
        yield duration
    stage.conditions.end(token)


def _rest(**values: Any) -> Act:
    def act(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
        return _while(stage, chance, duration, **values)

    return act


def _rest_status(status: int) -> Act:
    def act(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
        retry_after = chance.choice((None, 1, 10, 60, 300)) if status != 500 else None
        return _while(
            stage, chance, duration, rest_status=status, retry_after=retry_after
        )

    return act


def _rest_slow(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    most = chance.choice((1.0, 4.0, 20.0))
    return _while(stage, chance, duration, rest_delay=(0.3, most))


def _rest_html(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    status = chance.choice((None, 403, 502))
    return _while(stage, chance, duration, rest_html=True, rest_status=status)


def _key_revoked(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    _end_streams(stage, chance)
    yield from _with(stage, duration, key_revoked=True)


# What the service shows


def _indexed_late(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    share = (chance.choice((0.02, 0.3, 1.0)), chance.choice((2.0, 20.0, 55.0)))
    return _with(stage, duration, unindexed=share)


def _replica_lag(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    lags = [chance.choice((0.0, chance.uniform(0.5, 55))) for _ in range(4)]
    return _with(stage, duration, replica_lag=lags)


# What devices send


def _burst(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    for _ in range(2):
        stage.traffic.send_many(chance.randint(300, 1200), chance)
        yield duration / 2
        _end_streams(stage, chance)


def _many_big(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    token = stage.conditions.begin(big=0.9)
    for _ in range(2):
        stage.traffic.send_many(chance.randint(40, 160), chance)
        yield duration / 2
        _end_streams(stage, chance)
    stage.conditions.end(token)


def _huge(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    for _ in range(chance.randint(1, 3)):
        stage.traffic.send_huge(chance)
        yield duration / 3


def _tie(*, one_device: bool, one_level: bool = False) -> Act:
    def act(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
        for moment in range(2):
            if moment:
                _end_streams(stage, chance)
            stage.traffic.send_tie(
                chance.randint(150, 400),
                chance,
                one_device=one_device,
                one_level=one_level,
            )
            yield duration / 2

    return act


def _tie_among_others(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    """Hide exact times and the total of a tie.

    Times have milliseconds only.
    """
    token = stage.conditions.begin(milliseconds=True, total="absent")
    _end_streams(stage, chance)
    stage.traffic.send_tie_among_others(chance)
    yield duration
    stage.conditions.end(token)


# Clocks


def _offset(chance: Random) -> float:
    return chance.choice((70.0, 400.0, 3600.0, 86_400.0, 1e8))


def _wrong_date_once(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    """Give a few answers wrong dates, each a different one."""
    offsets = tuple(_offset(chance) * chance.choice((1, -1)) for _ in range(8))
    return _with(stage, duration, wrong_dates=(0.2, offsets))


def _wrong_dates(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    """Give one of several servers a slightly wrong clock.

    The error lasts long, and is within the tolerance.
    """
    offset = chance.uniform(2, 20) * chance.choice((1, -1))
    return _with(stage, duration, wrong_dates=(0.3, (offset,)))


def _date_step(sign: int) -> Act:
    def act(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
        offset = sign * chance.choice((90.0, 300.0, 1200.0, 3600.0))
        began = stage.timetable.now
        stage.accountant.wrong_clocks.append((began, began + duration))
        yield from _with(stage, duration, date_offset=offset)

    return act


def _stamp_step(sign: int) -> Act:
    """Step the service's clock and its timestamps."""

    def act(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
        offset = sign * chance.choice((90.0, 300.0, 1200.0, 3600.0))
        began = stage.timetable.now
        stage.accountant.wrong_clocks.append((began, began + duration))
        yield from _with(stage, duration, date_offset=offset, stamp_offset=offset)

    return act


def _sleep(fate: str) -> Act:
    """Let the host sleep, and choose its streams' fate."""

    def act(stage: Stage, _chance: Random, duration: float) -> Iterator[float]:
        sockets = list(stage.service.sockets)
        stage.timetable.sleep_host(duration)
        for socket in sockets:
            if fate == "half_open":
                socket.is_stalled = True
            elif fate == "lossy":
                socket.is_muted = True
        yield duration
        for socket in sockets:
            if fate == "reset":
                socket.end(None)
            elif fate == "lossy":
                socket.resume(loses=True)

    return act


# The host


def _restart(kind: str) -> Act:
    def act(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
        storage = Storage.KEPT
        if kind in {"old", "missing", "damaged"}:
            storage = Storage(kind)
        is_kill = kind == "kill" or (kind == "old" and chance.random() < 0.5)
        luck = chance.random()

        def restart() -> None:
            stage.host.restart(
                pause=0.0 if kind == "reload" else duration,
                is_kill=is_kill,
                storage=storage,
                luck=luck,
            )

        if kind == "anywhere":
            # In the middle of whatever the feed does.
            stage.loop.after_iterations(chance.randrange(200), restart)
        else:
            restart()
        yield duration

    return act


def _restarts(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    for pause in _now_and_then(chance, duration):
        stage.host.restart(
            pause=chance.uniform(0, 3),
            is_kill=chance.random() < 0.3,
            storage=Storage.KEPT,
            luck=chance.random(),
        )
        yield pause


def _disk_full(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    token = stage.conditions.begin(disk_full=True)
    yield duration * 0.9
    if chance.random() < 0.7:
        stage.host.restart(
            pause=chance.uniform(0, 60),
            is_kill=chance.random() < 0.5,
            storage=Storage.KEPT,
            luck=0.0,
        )
    yield duration * 0.1
    stage.conditions.end(token)


def _start_in_outage(stage: Stage, chance: Random, duration: float) -> Iterator[float]:
    """Start without storage while logs cannot be read."""
    kind = chance.choice(
        ({"logs_never": True}, {"rest_status": 500}, {"rest_delay": (3.0, 20.0)})
    )
    token = stage.conditions.begin(**kind)
    stage.host.restart(
        pause=0.0, is_kill=False, storage=Storage.MISSING, luck=chance.random()
    )
    yield duration
    stage.conditions.end(token)


FAULTS: Final = {fault.name: fault for fault in _all()}
