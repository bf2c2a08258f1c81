"""The one project of the service, in memory."""

from collections.abc import Callable
from typing import Any

from .device import Device
from .log_store import LogStore
from .timestamps import format_timestamp

_FIRST_DEVICE_ID = 0x61A4D0000000000000000001


class Project:
    """A project with its devices and logs."""

    def __init__(self, project_id: str, name: str, clock: Callable[[], int]) -> None:
        """Start empty; `clock` gives nanoseconds since the epoch."""
        self.id = project_id
        self.name = name
        self.clock = clock
        self.devices: dict[str, Device] = {}
        self.logs = LogStore(clock)
        self._created_at = clock()
        self._devices_added = 0

    def add_device(self, name: str, device_id: str | None = None) -> Device:
        """Add a device; without an ID, generate 24 hex digits.

        Raises:
            ValueError: The ID is taken.

        """
        if device_id is None:
            device_id = f"{_FIRST_DEVICE_ID + self._devices_added:024x}"
            self._devices_added += 1
        if device_id in self.devices:
            msg = f"The project has a device {device_id} already"
            raise ValueError(msg)
        device = Device(id=device_id, name=name, created_at=self.clock())
        self.devices[device_id] = device
        return device

    def as_json(self) -> dict[str, Any]:
        """Return the project as REST shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "organizationId": "simulated",
            "createdAt": format_timestamp(self._created_at),
            "updatedAt": format_timestamp(self._created_at),
        }
