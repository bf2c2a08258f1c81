"""The card that shows logs on a dashboard: its files, for browsers."""

from hashlib import sha256
from pathlib import Path
from typing import Final

from homeassistant.components.frontend import add_extra_js_url
from homeassistant.components.http import StaticPathConfig
from homeassistant.core import HomeAssistant

from .const import DOMAIN

FOLDER: Final = Path(__file__).parent / "frontend"
MODULE: Final = "golioth-log-card.js"


async def async_setup_log_card(hass: HomeAssistant) -> None:
    """Serve the card, and have every page of the user interface load it; without a user interface, there is no card."""
    if "frontend" not in hass.config.components:
        return
    version = await hass.async_add_executor_job(_version)
    # Browsers keep the files of an address for a month.
    address = f"/{DOMAIN}/frontend/{version}"
    await hass.http.async_register_static_paths(
        [StaticPathConfig(address, str(FOLDER), cache_headers=True)]
    )
    add_extra_js_url(hass, f"{address}/{MODULE}")


def _version() -> str:
    """Return a text that changes with any of the files."""
    digest = sha256()
    for path in sorted(FOLDER.glob("*.js")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
