"""The options of a project: forms, defaults and values."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import voluptuous as vol

from homeassistant.const import UnitOfTime
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from .client import LEVELS, storable

if TYPE_CHECKING:
    from .coordinator import GoliothConfigEntry

# In seconds.
CONF_POLL_INTERVAL: Final = "poll_interval"
MIN_POLL_INTERVAL: Final = 10
MAX_POLL_INTERVAL: Final = 600
DEFAULT_POLL_INTERVAL: Final = 30

# In hours.
CONF_CATCH_UP_WINDOW: Final = "catch_up_window"
MAX_CATCH_UP_WINDOW: Final = 24
DEFAULT_CATCH_UP_WINDOW: Final = 1

# Logs of lower levels are left out.
CONF_MINIMUM_LEVEL: Final = "minimum_level"
DEFAULT_MINIMUM_LEVEL: Final = "debug"

# Names of modules. Where none is included, all are.
CONF_INCLUDE_MODULES: Final = "include_modules"
CONF_EXCLUDE_MODULES: Final = "exclude_modules"

# The selector accepts "nan", which is neither less nor more than any number; the range
# does not.
CATCH_UP_WINDOW_SELECTOR: Final = vol.All(
    NumberSelector(
        NumberSelectorConfig(
            min=0,
            max=MAX_CATCH_UP_WINDOW,
            step=0.5,
            unit_of_measurement=UnitOfTime.HOURS,
            mode=NumberSelectorMode.BOX,
        )
    ),
    vol.Range(min=0, max=MAX_CATCH_UP_WINDOW),
)

# Golioth does not list modules: their names are typed in.
MODULES_SELECTOR: Final = SelectSelector(
    SelectSelectorConfig(options=[], multiple=True, custom_value=True)
)

OPTIONS_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_MINIMUM_LEVEL, default=DEFAULT_MINIMUM_LEVEL): SelectSelector(
            SelectSelectorConfig(
                options=list(LEVELS),
                mode=SelectSelectorMode.DROPDOWN,
                translation_key="minimum_level",
            )
        ),
        vol.Optional(CONF_INCLUDE_MODULES, default=[]): MODULES_SELECTOR,
        vol.Optional(CONF_EXCLUDE_MODULES, default=[]): MODULES_SELECTOR,
        vol.Required(CONF_POLL_INTERVAL, default=DEFAULT_POLL_INTERVAL): vol.All(
            NumberSelector(
                NumberSelectorConfig(
                    min=MIN_POLL_INTERVAL,
                    max=MAX_POLL_INTERVAL,
                    step=1,
                    unit_of_measurement=UnitOfTime.SECONDS,
                    mode=NumberSelectorMode.BOX,
                )
            ),
            vol.Range(min=MIN_POLL_INTERVAL, max=MAX_POLL_INTERVAL),
        ),
        vol.Required(
            CONF_CATCH_UP_WINDOW, default=DEFAULT_CATCH_UP_WINDOW
        ): CATCH_UP_WINDOW_SELECTOR,
    }
)


def poll_interval(entry: GoliothConfigEntry) -> float:
    """Return the poll interval of a project, in seconds."""
    return float(entry.options.get(CONF_POLL_INTERVAL, DEFAULT_POLL_INTERVAL))


def catch_up_window(entry: GoliothConfigEntry) -> float:
    """Return the catch-up window of a project, in hours."""
    return float(entry.options.get(CONF_CATCH_UP_WINDOW, DEFAULT_CATCH_UP_WINDOW))


def filter_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that filter logs, defaults included."""
    return {
        CONF_MINIMUM_LEVEL: options.get(CONF_MINIMUM_LEVEL, DEFAULT_MINIMUM_LEVEL),
        CONF_INCLUDE_MODULES: list(options.get(CONF_INCLUDE_MODULES, ())),
        CONF_EXCLUDE_MODULES: list(options.get(CONF_EXCLUDE_MODULES, ())),
    }


def clean_names(texts: list[str]) -> list[str]:
    """Return typed names without spaces around them, each once."""
    return list(
        dict.fromkeys(name for text in texts if (name := storable(text).strip()))
    )
