"""A device of the simulated project."""

from dataclasses import dataclass, field
from typing import Any

from .timestamps import format_timestamp


@dataclass(kw_only=True)
class Device:
    """A Golioth device; times are ns since the epoch.

    A test may change any field.
    """

    id: str
    name: str
    created_at: int
    hardware_ids: list[str] = field(default_factory=list)
    tag_ids: list[str] = field(default_factory=list)
    blueprint_id: str = ""
    cohort_id: str = ""
    enabled: bool = True
    last_report: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the device as REST shows it."""
        last_report = (
            None if self.last_report is None else format_timestamp(self.last_report)
        )
        return {
            "id": self.id,
            "name": self.name,
            "hardwareIds": self.hardware_ids,
            "tagIds": self.tag_ids,
            "blueprintId": self.blueprint_id,
            "cohortId": self.cohort_id,
            "enabled": self.enabled,
            "createdAt": format_timestamp(self.created_at),
            "updatedAt": format_timestamp(self.created_at),
            "metadata": {
                "lastReport": last_report,
                "lastSeenOnline": last_report,
                "update": {},
            },
        }
