"""Re-authentication where Golioth rejects the key."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .client import GoliothAuthenticationError
from .const import DOMAIN

if TYPE_CHECKING:
    from .coordinator import GoliothConfigEntry


@contextmanager
def reauth_where_rejected(
    hass: HomeAssistant, entry: GoliothConfigEntry
) -> Iterator[None]:
    """Start re-authentication if Golioth rejects the key.

    No requests are made with a rejected key.

    Raises:
        HomeAssistantError: Golioth rejects the key, or has done so before.
    """
    try:
        if any(entry.async_get_active_flows(hass, {SOURCE_REAUTH})):
            raise GoliothAuthenticationError("Golioth has rejected the credential")
        yield
    except GoliothAuthenticationError as err:
        entry.async_start_reauth(hass)
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="invalid_auth"
        ) from err
