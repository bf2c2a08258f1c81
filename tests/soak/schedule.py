"""Plan the faults of a soak from a seed."""

from collections.abc import Sequence
from dataclasses import dataclass
import random
from typing import Final

from .faults import Fault

# Share of the faults that begin before the previous one has ended.
_OVERLAPPING: Final = 0.3

# Seconds from one fault to the next. In two minutes, every kind comes at least once.
_SHORTEST_TURN: Final = 1.5
_LONGEST_TURN: Final = 5.0

# Seconds of a fault, in turns: most are short; some outlast waits and patience.
_SHORT: Final = (0.1, 0.9)
_LONG: Final = (2.0, 4.0)
_LONG_SHARE: Final = 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One fault at its time.

    Attributes:
        fault: The fault.
        start: Seconds from the start of the soak.
        duration: Seconds that it lasts.
        seed: Seed of its random numbers.
    """

    fault: Fault
    start: float
    duration: float
    seed: int

    @property
    def end(self) -> float:
        """Seconds from the start of the soak to its end."""
        return self.start + self.duration


def plan(seconds: float, seed: int, faults: Sequence[Fault]) -> list[Planned]:
    """Return the faults of a soak, in order.

    Faults that break something take turns, and the next one sometimes begins before the
    last one has ended. Faults that make logs harder to distinguish take turns of their
    own beside those. Faults that affect the same part never overlap. No kind repeats in
    its turns before all kinds have come.
    """
    chance = random.Random(seed)  # noqa: S311
    breaking = [fault for fault in faults if fault.breaks]
    others = [fault for fault in faults if not fault.breaks]
    planned = [
        *_take_turns(seconds, breaking, chance, overlapping=_OVERLAPPING),
        *_take_turns(seconds, others, chance, overlapping=0.0),
    ]
    return sorted(planned, key=lambda each: each.start)


def _take_turns(
    seconds: float, faults: list[Fault], chance: random.Random, *, overlapping: float
) -> list[Planned]:
    """Return faults one after the other."""
    planned: list[Planned] = []
    if not faults:
        return planned
    turn = min(max(_SHORTEST_TURN, seconds / (len(faults) + 3)), _LONGEST_TURN)
    deck: list[Fault] = []
    start = turn * chance.uniform(0.2, 0.8)
    while start < seconds - turn * _SHORT[0]:
        if not deck:
            deck = chance.sample(faults, len(faults))
        fault, start = _draw(deck, planned, start)
        if start >= seconds:
            break
        bounds = _LONG if chance.random() < _LONG_SHARE else _SHORT
        duration = min(turn * chance.uniform(*bounds), seconds - start)
        planned.append(
            Planned(
                fault=fault, start=start, duration=duration, seed=chance.getrandbits(32)
            )
        )
        start += turn * (
            chance.uniform(0.2, 0.8) if chance.random() < overlapping else 1
        )
    return planned


def _draw(
    deck: list[Fault], planned: list[Planned], start: float
) -> tuple[Fault, float]:
    """Take a kind whose parts are free, and its start.

    If there is none, take the next kind and wait for its parts.
    """
    taken = [each for each in planned if each.end > start]
    for index in reversed(range(len(deck))):
        if not any(each.fault.parts & deck[index].parts for each in taken):
            return deck.pop(index), start
    fault = deck.pop()
    return fault, max(each.end for each in taken if each.fault.parts & fault.parts)
