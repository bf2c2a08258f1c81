"""Histories: settings and timed actions, drawn from a seed."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
import json
from pathlib import Path
from random import Random
from typing import Any, Final, Self

from .chance import chance as make_chance
from .faults import FAULTS, Fault

HOUR: Final = 3600.0

HISTORIES: Final = Path(__file__).parent / "histories"

# Faults per hour on average, outside of calm times.
_FAULTS_PER_HOUR: Final = 10.0

# Share of the time in storms, and their logs per second.
_STORM_SHARE: Final = 0.0135
_STORM_RATES: Final = (200.0, 205.0, 220.0, 250.0, 400.0)

# The share of the time in which the feed may start without storage.
_EARLY: Final = 0.2

_CALM: Final = 1.5 * HOUR

# Seconds before the end without a storm, as reading it again takes time.
_QUIET_END: Final = 2 * HOUR


@dataclass(slots=True)
class Action:
    """A fault, or a time of traffic.

    Attributes:
        kind: The name of a fault, or `traffic`.
        start: Seconds since the beginning.
        duration: Seconds that it lasts.
        seed: Seed of its random numbers.
        rate: Logs per second of traffic.
    """

    kind: str
    start: float
    duration: float
    seed: int
    rate: float = 0.0

    @property
    def end(self) -> float:
        """Seconds from the beginning to the action's end."""
        return self.start + self.duration


@dataclass(slots=True)
class History:
    """Everything that a simulation depends on."""

    seed: int
    hours: float
    settings: dict[str, Any]
    actions: list[Action] = field(default_factory=list)
    check: str = ""
    """The check that it failed once, if it was kept for that."""

    def to_json(self) -> str:
        """Return the history as JSON."""
        document = asdict(self)
        actions = document.pop("actions")
        for action in actions:
            if not action["rate"]:
                del action["rate"]
        head = json.dumps(document, indent=1).removesuffix("\n}")
        lines = ",\n".join(f"  {json.dumps(each)}" for each in actions)
        return f'{head},\n "actions": [\n{lines}\n ]\n}}\n'

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the history that `to_json` wrote."""
        document = json.loads(text)
        actions = [Action(**each) for each in document.pop("actions")]
        return cls(actions=actions, **document)


def generate(seed: int, hours: float) -> History:
    """Draw a history of that many hours."""
    chance = make_chance(seed, "history")
    settings = _draw_settings(seed, chance)
    seconds = hours * HOUR
    actions = [
        *_draw_traffic(chance, seconds, settings),
        *_draw_faults(chance, seconds),
    ]
    for action in actions:
        action.start = round(action.start, 3)
        action.duration = round(action.duration, 3)
    actions.sort(key=lambda each: each.start)
    return History(seed, hours, settings, actions)


def _draw_settings(seed: int, chance: Random) -> dict[str, Any]:
    offsets = [0.0] * 6
    offsets += [
        round(chance.uniform(3, 10) * chance.choice((1, -1)), 3),
        chance.choice((290.0, -290.0)),
        chance.choice((0.0, 30.0, -100.0, 200.0)),
        chance.choice((0.0, 0.0, 7200.0, -7200.0, -3.2e7, 3.2e7)),
    ]
    limit = chance.choice((100, 100, 100, 100, 100, 100, 50, 30))
    total = chance.choice(("right", "right", "right", "late", "listed", "absent"))
    return {
        "seed": seed,
        "device_offsets": offsets,
        "replica_clocks": [
            round(chance.uniform(-2, 2), 3) for _ in range(chance.randint(1, 3))
        ],
        "index_delay": chance.choice((0.0, 0.0, 0.3, 1.5)),
        "limit": limit,
        # Only a right total reveals a lower limit otherwise.
        "tells_limit": (limit < 100 and total != "right") or chance.random() < 0.5,
        "numbers_as_text": chance.random() < 0.5,
        "leaves_out_defaults": chance.random() < 0.5,
        "start_inclusive": chance.random() < 0.5,
        "end_inclusive": chance.random() < 0.5,
        "total": total,
        "counts_late": True,
        "proxy_breaks": chance.random() < 0.5,
        "poll_interval": chance.choice((10.0, 30.0, 60.0, 300.0)),
        "catch_up_window": chance.choice((1, 4, 24, 24)) * HOUR,
        "elapsed_counts_sleep": chance.random() < 0.8,
        "start": round(chance.uniform(1, 900), 3),
    }


def _draw_traffic(
    chance: Random, seconds: float, settings: dict[str, Any]
) -> Iterator[Action]:
    """Draw consecutive segments of steady traffic, and storms on top."""
    start = 0.0
    while start < seconds:
        duration = min(chance.uniform(0.5, 4) * HOUR, seconds - start)
        rate = chance.choice((1 / 200, 1 / 60, 1 / 20, 0.2, 1.0))
        yield Action("traffic", start, duration, chance.getrandbits(32), round(rate, 4))
        start += duration
    storms = seconds * _STORM_SHARE
    longest = 900.0 if settings["limit"] == 100 else 200.0
    last = max(seconds - _QUIET_END, seconds * 0.5)
    while storms > 1:
        duration = min(storms, chance.choice((20.0, 120.0, 400.0, 900.0)), longest)
        rate = chance.choice(_STORM_RATES)
        # Not before the last start without storage.
        start = chance.uniform(_EARLY * seconds, max(last - duration, 0.0))
        yield Action("traffic", start, duration, chance.getrandbits(32), rate)
        storms -= duration


def _draw_faults(chance: Random, seconds: float) -> Iterator[Action]:
    """Draw faults, except in two calm times.

    No kind repeats before all kinds have come.
    """
    calm = [chance.uniform(0.1, 0.8) * seconds for _ in range(2) if seconds > 8 * _CALM]
    taken: dict[str, list[Action]] = {}
    early = [each for each in FAULTS.values() if each.is_early]
    for fault in early:
        if chance.random() < 0.8:
            start = chance.uniform(0.01, _EARLY / 2) * seconds
            action = _draw(fault, chance, start, seconds)
            taken.setdefault(fault.part, []).append(action)
            yield action
    others = [each for each in FAULTS.values() if not each.is_early]
    deck: list[Fault] = []
    start = chance.expovariate(_FAULTS_PER_HOUR / HOUR)
    while start < seconds:
        if not deck:
            deck = chance.sample(others, len(others))
        fault = deck.pop()
        action = _draw(fault, chance, start, seconds)
        same = taken.setdefault(fault.part, [])
        is_too_early = fault.is_late and start < _EARLY * seconds
        if (
            not is_too_early
            and not any(
                each.start < action.end and action.start < each.end for each in same
            )
            and not any(
                moment - 1800 < action.end and action.start < moment + _CALM
                for moment in calm
            )
        ):
            same.append(action)
            yield action
        else:
            # Later.
            deck.insert(chance.randrange(len(deck) + 1), fault)
        start += chance.expovariate(_FAULTS_PER_HOUR / HOUR)


def _draw(fault: Fault, chance: Random, start: float, seconds: float) -> Action:
    luck = chance.random()
    if luck < 0.6:
        duration = chance.uniform(5, 120)
    elif luck < 0.9:
        duration = chance.uniform(120, 1200)
    else:
        duration = chance.uniform(1200, 3 * HOUR)
    duration = min(max(duration, fault.shortest), fault.longest, seconds - start)
    if fault.shortest >= 1800:
        duration = min(
            chance.uniform(fault.shortest, fault.longest), max(seconds - start, 1.0)
        )
    return Action(fault.name, start, duration, chance.getrandbits(32))
