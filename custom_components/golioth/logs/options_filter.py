"""The filter of a project's options."""

from collections.abc import Mapping
from typing import Any, Self

from ..client import LogEntry, storable
from ..options import (
    CONF_EXCLUDE_MODULES,
    CONF_INCLUDE_MODULES,
    CONF_MINIMUM_LEVEL,
    DEFAULT_MINIMUM_LEVEL,
)
from .levels import levels_below


class OptionsFilter:
    """Filters logs by the options of a project.

    Where nothing is set, every log passes.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Take the options of a project."""
        minimum_level = options.get(CONF_MINIMUM_LEVEL, DEFAULT_MINIMUM_LEVEL)
        self._excluded_levels = frozenset(levels_below(minimum_level))
        # As entities show them, from which they may have been copied.
        self._included_modules, self._excluded_modules = (
            frozenset(map(storable, options.get(key, ())))
            for key in (CONF_INCLUDE_MODULES, CONF_EXCLUDE_MODULES)
        )

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self | None:
        """Return a filter; None where every log passes."""
        log_filter = cls(options)
        return log_filter if log_filter.leaves_out_any else None

    @property
    def leaves_out_any(self) -> bool:
        """Whether there may be a log that does not pass."""
        return bool(
            self._excluded_levels or self._included_modules or self._excluded_modules
        )

    def passes(self, entry: LogEntry) -> bool:
        """Return whether a log passes.

        A level that is none of `LEVELS` always does: it may be the worst of all.
        """
        module = storable(entry.module)
        return (
            entry.level not in self._excluded_levels
            and module not in self._excluded_modules
            and (not self._included_modules or module in self._included_modules)
        )
