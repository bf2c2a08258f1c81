"""All faults of a soak, by name."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from itertools import product
import random
from typing import Any, Final

from tests.simulator import (
    Faults,
    GoliothSimulator,
    GrpcCode,
    Retirement,
    grpc_error_v1,
    grpc_error_v2,
)
from tests.simulator.encoding import encode_json

from .clock import WallClock
from .sessions import Sessions
from .traffic import Traffic

_HOUR: Final = 3600.0

# Numbers of logs far above the 100 that one answer of REST holds.
_BURST: Final = (300, 1200)
_TIE: Final = (150, 400)


class Part(Enum):
    """A part that a fault affects.

    Two faults that share a part never overlap.
    """

    STREAMS = auto()
    HANDSHAKES = auto()
    REST = auto()
    LISTENING = auto()
    FRAMES = auto()
    WINDOWS = auto()
    DIGITS = auto()
    TIMESTAMPS = auto()
    TWINS = auto()
    INDEX = auto()
    VOLUME = auto()
    SESSION = auto()
    CLOCK = auto()


# Parts that keep Home Assistant from REST, or REST busy.
BLOCKING_REST: Final = frozenset({Part.REST, Part.LISTENING, Part.SESSION, Part.VOLUME})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The parts of a soak that faults act on.

    Attributes:
        simulator: The service.
        other: Another origin, which must never receive anything.
        traffic: The logs of the devices.
        sessions: The sessions of Home Assistant.
        clock: Home Assistant's wall clock.
    """

    simulator: GoliothSimulator
    other: GoliothSimulator
    traffic: Traffic
    sessions: Sessions
    clock: WallClock


type Act = Callable[[Stage, random.Random, float], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: Its name.
        parts: The parts that it affects.
        act: Turns it on, waits for a number of seconds, and turns it off; draws random
            numbers from its generator only.
        breaks: Whether it takes logs away. The others make logs that are read again
            harder to distinguish, and run beside those.
    """

    name: str
    parts: frozenset[Part]
    act: Act
    breaks: bool = True


def _all() -> Iterator[Fault]:
    """Yield every kind of fault."""
    for code in (1000, 1001, 1011, 1012, 1013):
        yield _fault(f"close_{code}", _closing(code), Part.STREAMS)
    yield _fault("cut", _closing(None), Part.STREAMS)
    yield _fault("reset", _reset, Part.STREAMS)
    yield _fault("reset_mid_frame", _reset_mid_frame, Part.STREAMS)
    yield _fault("half_open", _stall, Part.STREAMS)
    yield _fault("mute", _mute, Part.STREAMS)
    yield _fault("error_frame", _error_frame, Part.STREAMS, Part.HANDSHAKES)
    yield _fault("garbage", _garbage, Part.FRAMES)
    yield _fault("refused", _refuse, Part.LISTENING, Part.STREAMS)
    for status in (429, 500, 502, 503):
        yield _fault(f"handshake_{status}", _handshake_status(status), Part.HANDSHAKES)
    yield _fault("handshake_never", _handshake_never, Part.HANDSHAKES)
    for form in Retirement:
        yield _fault(f"retired_{form.name.lower()}", _retirement(form), Part.HANDSHAKES)
    for status in (429, 500):
        yield _fault(f"rest_{status}", _rest_status(status), Part.REST)
    yield _fault("rest_slow", _rest_slow, Part.REST)
    yield _fault("rest_stuck", _rest_stuck, Part.REST)
    yield _fault("rest_html", _rest_html, Part.REST)
    yield _fault("redirect", _redirect, Part.HANDSHAKES, Part.REST)
    yield _fault("reload", _reload, Part.SESSION)
    yield _fault("restart", _restart, Part.SESSION)
    yield _fault("clock_ahead", _clock_shift(_HOUR), Part.CLOCK)
    yield _fault("clock_behind", _clock_shift(-_HOUR), Part.CLOCK)

    for start, end in product((True, False), repeat=2):
        name = f"windows_{_bound(start)}_{_bound(end)}"
        yield _fault(name, _windows(start, end), Part.WINDOWS, breaks=False)
    yield _fault("milliseconds", _milliseconds, Part.DIGITS, breaks=False)
    yield _fault("indexed_late", _share("unindexed", 0.3), Part.INDEX, breaks=False)
    yield _fault("late_logs", _share("late", 0.3), Part.TIMESTAMPS, breaks=False)
    yield _fault("early_logs", _share("ahead", 0.3), Part.TIMESTAMPS, breaks=False)
    yield _fault(
        "years_off_logs", _share("strange", 0.05), Part.TIMESTAMPS, breaks=False
    )
    yield _fault("twins", _share("twins", 0.3), Part.TWINS, breaks=False)
    yield _fault("burst", _burst, Part.VOLUME, breaks=False)
    yield _fault("tie", _tie, Part.VOLUME, breaks=False)
    yield _fault("tie_of_one_device", _tie_of_one_device, Part.VOLUME, breaks=False)


def _fault(name: str, act: Act, *parts: Part, breaks: bool = True) -> Fault:
    """Return a kind of fault."""
    return Fault(name=name, parts=frozenset(parts), act=act, breaks=breaks)


def _bound(inclusive: bool) -> str:
    """Return the name of a range's bound."""
    return "inclusive" if inclusive else "exclusive"


# Streams


def _closing(code: int | None) -> Act:
    """Close every stream at intervals."""

    async def act(stage: Stage, chance: random.Random, duration: float) -> None:
        async for _ in _now_and_then(chance, duration):
            await stage.simulator.drop(code)

    return act


async def _reset(stage: Stage, chance: random.Random, duration: float) -> None:
    """Reset every stream at intervals."""
    async for _ in _now_and_then(chance, duration):
        stage.simulator.reset()


async def _reset_mid_frame(
    stage: Stage, chance: random.Random, duration: float
) -> None:
    """Reset every stream after half a frame, at intervals."""
    async for _ in _now_and_then(chance, duration):
        stage.simulator.reset_mid_frame()


async def _stall(stage: Stage, chance: random.Random, duration: float) -> None:
    """Stall the streams; resume them at the end, or never."""
    stage.simulator.stall()
    await asyncio.sleep(duration)
    if chance.random() < 0.5:
        stage.simulator.resume()


async def _mute(stage: Stage, chance: random.Random, duration: float) -> None:
    """Mute the streams; resume them at the end, or never.

    Muted streams answer pings and lose every log.
    """
    stage.simulator.mute()
    await asyncio.sleep(duration)
    if chance.random() < 0.5:
        stage.simulator.resume()


async def _error_frame(stage: Stage, chance: random.Random, duration: float) -> None:
    """End current and new streams with an error."""
    code, status = chance.choice(
        (
            (GrpcCode.UNAVAILABLE, 503),
            (GrpcCode.INTERNAL, 500),
            (GrpcCode.RESOURCE_EXHAUSTED, 429),
        )
    )
    text = "the service is not itself"
    error = chance.choice(
        (grpc_error_v1(code, status, text), grpc_error_v2(code, text))
    )
    stage.simulator.send_frame(encode_json(error).decode())
    await stage.simulator.drop(None)
    with _set(stage.simulator.faults, in_band_error=error):
        await asyncio.sleep(duration)


async def _garbage(stage: Stage, _chance: random.Random, duration: float) -> None:
    """Send a frame without a log after each log."""
    with _set(stage.simulator.faults, garbage=1):
        stage.simulator.send_garbage()
        await asyncio.sleep(duration)


# Handshakes


async def _refuse(stage: Stage, chance: random.Random, duration: float) -> None:
    """Refuse connections; open streams go on, or not."""
    await stage.simulator.refuse()
    try:
        if chance.random() < 0.7:
            _end_streams(stage, chance)
        await asyncio.sleep(duration)
    finally:
        await stage.simulator.accept()


def _handshake_status(status: int) -> Act:
    """End the streams, and answer new handshakes with a status."""

    async def act(stage: Stage, chance: random.Random, duration: float) -> None:
        headers = {"Retry-After": "1"} if status == 429 else {}
        with _set(
            stage.simulator.faults,
            handshake_status=status,
            handshake_headers=headers,
            handshake_html=chance.random() < 0.5,
        ):
            _end_streams(stage, chance)
            await asyncio.sleep(duration)

    return act


async def _handshake_never(
    stage: Stage, chance: random.Random, duration: float
) -> None:
    """End the streams, and never answer new handshakes."""
    with _set(stage.simulator.faults, handshake_never=True):
        _end_streams(stage, chance)
        await asyncio.sleep(duration)


def _retirement(form: Retirement) -> Act:
    """Retire the WebSocket, and bring it back."""

    async def act(stage: Stage, _chance: random.Random, duration: float) -> None:
        stage.simulator.retire(form)
        try:
            await asyncio.sleep(duration)
        finally:
            stage.simulator.unretire()

    return act


# REST


def _rest_status(status: int) -> Act:
    """Answer REST with a status, while streams end."""

    async def act(stage: Stage, chance: random.Random, duration: float) -> None:
        headers = {"Retry-After": "1"} if status == 429 else {}
        with _set(stage.simulator.faults, rest_status=status, rest_headers=headers):
            await _keep_ending_streams(stage, chance, duration)

    return act


async def _rest_slow(stage: Stage, chance: random.Random, duration: float) -> None:
    """Answer REST late, while streams end."""
    with _set(stage.simulator.faults, rest_delay=chance.uniform(0.3, 2)):
        await _keep_ending_streams(stage, chance, duration)


async def _rest_stuck(stage: Stage, chance: random.Random, duration: float) -> None:
    """Answer REST too late, while streams end.

    Answers come when the fault is over, or after any patience.
    """
    with _set(stage.simulator.faults, rest_delay=min(duration, 5.0)):
        await _keep_ending_streams(stage, chance, duration)


async def _rest_html(stage: Stage, chance: random.Random, duration: float) -> None:
    """Answer REST with a web page, while streams end."""
    with _set(
        stage.simulator.faults,
        rest_html=True,
        rest_status=chance.choice((None, 403, 502)),
    ):
        await _keep_ending_streams(stage, chance, duration)


async def _redirect(stage: Stage, chance: random.Random, duration: float) -> None:
    """Redirect everything to another origin, while streams end."""
    with _set(
        stage.simulator.faults,
        redirect_to=stage.other.url,
        redirect_status=chance.choice((301, 302, 303, 307, 308)),
    ):
        await _keep_ending_streams(stage, chance, duration)


# Home Assistant


async def _reload(stage: Stage, chance: random.Random, duration: float) -> None:
    """Reload the entry at intervals."""
    async for _ in _now_and_then(chance, duration):
        await stage.sessions.reload()


async def _restart(stage: Stage, _chance: random.Random, duration: float) -> None:
    """Stop Home Assistant, and start it on the same storage."""
    await stage.sessions.restart(duration)


def _clock_shift(seconds: float) -> Act:
    """Shift Home Assistant's clock, and set it right again."""

    async def act(stage: Stage, _chance: random.Random, duration: float) -> None:
        stage.clock.spread()
        stage.clock.offset = seconds
        try:
            await asyncio.sleep(duration)
        finally:
            stage.clock.offset = 0.0

    return act


# What the service allows itself, and what devices send


def _windows(start: bool, end: bool) -> Act:
    """Include or exclude logs at the bounds of ranges."""

    async def act(stage: Stage, _chance: random.Random, duration: float) -> None:
        with _set(stage.simulator, start_inclusive=start, end_inclusive=end):
            await asyncio.sleep(duration)

    return act


async def _milliseconds(stage: Stage, _chance: random.Random, duration: float) -> None:
    """Cut the timestamps of REST to milliseconds."""
    with _set(stage.simulator, timestamp_digits=3):
        await asyncio.sleep(duration)


def _share(name: str, share: float) -> Act:
    """Set a share of special logs."""

    async def act(stage: Stage, _chance: random.Random, duration: float) -> None:
        with _set(stage.traffic, **{name: share}):
            await asyncio.sleep(duration)

    return act


async def _burst(stage: Stage, chance: random.Random, duration: float) -> None:
    """Send a burst of logs, while streams end.

    It is far larger than one answer.
    """
    for moment in range(2):
        if moment:
            _end_streams(stage, chance)
        stage.traffic.send_burst(chance.randint(*_BURST))
        await asyncio.sleep(duration / 2)


async def _tie(stage: Stage, chance: random.Random, duration: float) -> None:
    """Send ties of hundreds of logs, while streams end.

    The second tie comes after the end of the streams.
    """
    for moment in range(2):
        if moment:
            _end_streams(stage, chance)
        stage.traffic.send_tie(chance.randint(*_TIE))
        await asyncio.sleep(duration / 2)


async def _tie_of_one_device(
    stage: Stage, chance: random.Random, duration: float
) -> None:
    """Send ties of one device, while streams end.

    At most as many logs of each level as one answer holds.
    """
    for moment in range(2):
        if moment:
            _end_streams(stage, chance)
        stage.traffic.send_tie(chance.randint(*_TIE), stage.traffic.choose_device())
        await asyncio.sleep(duration / 2)


@contextmanager
def _set(target: Any, **values: Any) -> Iterator[None]:
    """Set attributes, and restore their default values afterwards."""
    usual = Faults() if isinstance(target, Faults) else type(target)
    for name, value in values.items():
        setattr(target, name, value)
    try:
        yield
    finally:
        for name, value in values.items():
            # A later fault of the same kind has set it anew, and restores it.
            if getattr(target, name) is value:
                setattr(target, name, getattr(usual, name))


async def _now_and_then(chance: random.Random, duration: float) -> AsyncIterator[None]:
    """Yield at random intervals for a duration, first at once."""
    loop = asyncio.get_running_loop()
    end = loop.time() + duration
    while True:
        yield
        pause = chance.uniform(0.1, 1.5)
        if loop.time() + pause > end:
            await asyncio.sleep(max(0.0, end - loop.time()))
            return
        await asyncio.sleep(pause)


async def _keep_ending_streams(
    stage: Stage, chance: random.Random, duration: float
) -> None:
    """End every stream at intervals."""
    async for _ in _now_and_then(chance, duration):
        _end_streams(stage, chance)


def _end_streams(stage: Stage, chance: random.Random) -> None:
    """End every stream in one of the quick ways."""
    chance.choice((stage.simulator.reset, stage.simulator.reset_mid_frame))()


FAULTS: Final = tuple(_all())
