"""Storage of a project's resume point."""

from homeassistant.core import HomeAssistant

from ..client import ResumePoint
from ..const import DOMAIN
from .project_store import ProjectStore


class ResumeStore(ProjectStore[ResumePoint]):
    """Stores the resume point of a project."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Prepare, without reading or writing."""
        super().__init__(
            hass,
            f"{DOMAIN}.{entry_id}",
            ResumePoint.from_dict,
            "Logs from before now are not caught up",
        )
