"""Defines the point to resume from after a restart."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Self


class ClockStep(NamedTuple):
    """A step of the service's clock."""

    offset: int
    """By how much the service's clock was ahead of another one after the step."""
    settled: int
    """The settled time when the step was noticed."""


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """The point to resume from after a restart."""

    time_ns: int
    """A margin after the settled time, by the service's clock, in nanoseconds since
    1970: logs sent until then were delivered, as far as REST had shown them."""
    delivered: Callable[[], dict[str, Any]]
    """Returns the remembered delivered logs. It takes up to 50 ms, in any thread."""
    clock_steps: Sequence[ClockStep] = ()
    """Steps of the service's clock, relative to the host's."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON, of at most 256 KiB.

        It takes as long as `delivered`.
        """
        steps = [list(each) for each in self.clock_steps]
        return {
            "time_ns": self.time_ns,
            **({"clock_steps": steps} if steps else {}),
            "delivered": self.delivered(),
        }

    @classmethod
    def from_dict(cls, data: Any) -> Self | None:
        """Restore what `as_dict` returned; None for anything else."""
        if (
            isinstance(data, dict)
            and isinstance(time_ns := data.get("time_ns"), int)
            and isinstance(delivered := data.get("delivered"), dict)
        ):
            return cls(time_ns, lambda: delivered, _clock_steps(data))
        return None


def _clock_steps(data: dict[str, Any]) -> list[ClockStep]:
    """Return the stored clock steps.

    Some releases stored none.
    """
    steps = data.get("clock_steps")
    with suppress(TypeError, ValueError):
        return [ClockStep(int(offset), int(settled)) for offset, settled in steps or ()]
    return []
