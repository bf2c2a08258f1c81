"""An integration's devices and entities in Home Assistant."""

from dataclasses import dataclass, field
from typing import Final

from .api import HomeAssistantApi
from .terminal import printable

# Events after which read_devices() may return something else.
DEVICE_CHANGES: Final = (
    "state_changed",
    "device_registry_updated",
    "entity_registry_updated",
)


@dataclass(frozen=True, slots=True)
class Entity:
    """A device's entity in the registry and the state machine."""

    entity_id: str
    translation_key: str | None
    device_class: str | None
    state: str | None
    disabled: bool

    @property
    def shown_state(self) -> str:
        """Return the state for display."""
        if self.state is None:
            return "(disabled)" if self.disabled else "(no state)"
        return printable(self.state)


@dataclass(frozen=True, slots=True)
class Device:
    """A device of one config entry with its entities."""

    name: str
    identifiers: tuple[str, ...]
    service: bool
    entities: list[Entity] = field(default_factory=list)

    def state_of(self, translation_key: str) -> str | None:
        """Return the state of the entity with a translation key.

        None if there is no such entity or state.
        """
        for entity in self.entities:
            if entity.translation_key == translation_key:
                return entity.state
        return None


async def read_devices(api: HomeAssistantApi, entry_id: str) -> list[Device]:
    """Return a config entry's devices, the project's own first."""
    devices: dict[str, Device] = {
        item["id"]: Device(
            name=item["name_by_user"] or item["name"] or "(no name)",
            identifiers=tuple(identifier[1] for identifier in item["identifiers"]),
            service=item["entry_type"] == "service",
        )
        for item in await api.command("config/device_registry/list")
        if item["config_entry_id"] == entry_id
    }
    registered = await api.command("config/entity_registry/list")
    states = {state["entity_id"]: state for state in await api.command("get_states")}
    for item in sorted(registered, key=lambda item: str(item["entity_id"])):
        if item["config_entry_id"] != entry_id or item["device_id"] not in devices:
            continue
        state = states.get(item["entity_id"], {})
        devices[item["device_id"]].entities.append(
            Entity(
                entity_id=item["entity_id"],
                translation_key=item["translation_key"],
                device_class=state.get("attributes", {}).get("device_class"),
                state=state.get("state"),
                disabled=item["disabled_by"] is not None,
            )
        )
    return sorted(
        devices.values(), key=lambda device: (not device.service, device.name)
    )
