"""Where to go on after a restart."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Up to when logs have been delivered, and which ones around that time."""

    time_ns: int
    """Nanoseconds since 1970, by the service's clock."""
    delivered: Callable[[], dict[str, Any]]
    """Returns what `DeliveredLogs` knew then. It takes up to some 50 ms, in any thread."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON, of at most 256 KiB. It takes as long as `delivered`."""
        return {"time_ns": self.time_ns, "delivered": self.delivered()}

    @classmethod
    def from_dict(cls, data: Any) -> Self | None:
        """Return what `as_dict` returned, or None where it is something else."""
        if (
            isinstance(data, dict)
            and isinstance(time_ns := data.get("time_ns"), int)
            and isinstance(delivered := data.get("delivered"), dict)
        ):
            return cls(time_ns, lambda: delivered)
        return None
