"""Constants of the Golioth integration."""

from typing import Final

DOMAIN: Final = "golioth"

EVENT_GOLIOTH_LOG: Final = "golioth_log"

CONF_API_URL: Final = "api_url"
CONF_PROJECT_ID: Final = "project_id"
SECTION_ADVANCED: Final = "advanced"

# In seconds.
CONF_POLL_INTERVAL: Final = "poll_interval"
MIN_POLL_INTERVAL: Final = 10
MAX_POLL_INTERVAL: Final = 600
DEFAULT_POLL_INTERVAL: Final = 30

# In hours.
CONF_CATCH_UP_WINDOW: Final = "catch_up_window"
MAX_CATCH_UP_WINDOW: Final = 24
DEFAULT_CATCH_UP_WINDOW: Final = 1

# Stands for a level that Golioth does not publish, or none.
OTHER_LEVEL: Final = "other"

# The lowest level of a log that is not left out.
CONF_MINIMUM_LEVEL: Final = "minimum_level"
DEFAULT_MINIMUM_LEVEL: Final = "debug"

# Names of modules. Where none is included, all are.
CONF_INCLUDE_MODULES: Final = "include_modules"
CONF_EXCLUDE_MODULES: Final = "exclude_modules"

MANUFACTURER: Final = "Golioth"
