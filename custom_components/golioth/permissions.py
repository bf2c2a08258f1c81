"""What a user may do with Golioth's devices: what the user may do with all of their entities."""

from collections.abc import Iterable

from homeassistant.auth.models import User
from homeassistant.helpers import entity_registry as er


def is_permitted(user: User, entities: Iterable[er.RegistryEntry], policy: str) -> bool:
    """Whether a user has a permission on each of the entities; without any entity, only an administrator has."""
    if user.is_admin:
        return True
    allowed = [
        user.permissions.check_entity(entity.entity_id, policy) for entity in entities
    ]
    return bool(allowed) and all(allowed)
