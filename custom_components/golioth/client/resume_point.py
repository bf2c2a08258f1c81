"""Stores where to go on after a restart."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Self


class ClockStep(NamedTuple):
    """A step of the service's clock."""

    offset: int
    """By how much the service's clock was ahead of another one after it."""
    settled: int
    """What was settled when it was seen."""


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where to go on after a restart."""

    time_ns: int
    """A margin after what is settled, by the service's clock, in nanoseconds since
    1970: what was sent until then has been delivered, as far as REST had shown it."""
    delivered: Callable[[], dict[str, Any]]
    """Returns what was known of delivered logs. It takes up to 50 ms, in any thread."""
    clock_steps: Sequence[ClockStep] = ()
    """Steps of the service's clock, by the host's."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON, of at most 256 KiB. It takes as long as `delivered`."""
        steps = [list(each) for each in self.clock_steps]
        return {
            "time_ns": self.time_ns,
            **({"clock_steps": steps} if steps else {}),
            "delivered": self.delivered(),
        }

    @classmethod
    def from_dict(cls, data: Any) -> Self | None:
        """Return what `as_dict` returned, or None where it is something else."""
        if (
            isinstance(data, dict)
            and isinstance(time_ns := data.get("time_ns"), int)
            and isinstance(delivered := data.get("delivered"), dict)
        ):
            return cls(time_ns, lambda: delivered, _clock_steps(data))
        return None


def _clock_steps(data: dict[str, Any]) -> list[ClockStep]:
    """Return the steps of the clock that were stored; some releases stored none."""
    steps = data.get("clock_steps")
    with suppress(TypeError, ValueError):
        return [ClockStep(int(offset), int(settled)) for offset, settled in steps or ()]
    return []
