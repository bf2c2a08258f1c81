"""Constants of the Golioth integration."""

from typing import Final

DOMAIN: Final = "golioth"

EVENT_GOLIOTH_LOG: Final = "golioth_log"

CONF_API_URL: Final = "api_url"
CONF_PROJECT_ID: Final = "project_id"
SECTION_ADVANCED: Final = "advanced"

MANUFACTURER: Final = "Golioth"
