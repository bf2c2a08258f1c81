"""Times whose logs were not delivered, or may not have been, as repairs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
import logging
import math
from typing import Any, Final, Self

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from .client import FeedTiming
from .const import (
    CONF_CATCH_UP_WINDOW,
    DEFAULT_CATCH_UP_WINDOW,
    DOMAIN,
    MAX_CATCH_UP_WINDOW,
)

_LOGGER = logging.getLogger(__name__)

_NANOSECONDS: Final = 1_000_000_000

# However short the window is, the margin is caught up; in hours.
_LEAST_WINDOW: Final = FeedTiming().margin / 3600

# Later times cannot be shown in every time zone.
_LATEST: Final = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp())


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A time whose logs were not delivered.

    Attributes:
        start: Its first second since 1970.
        end: Its last second since 1970.
        window: The catch-up window at that time, in hours.
    """

    start: int
    end: int
    window: float

    @classmethod
    def from_issue(cls, data: Mapping[str, Any] | None) -> Self | None:
        """Return the gap that a repair is about, or None where its data tell none."""
        try:
            return (
                None
                if data is None
                else cls(
                    start=int(data["start"]),
                    end=int(data["end"]),
                    window=float(data["window"]),
                )
            )
        except LookupError, TypeError, ValueError:
            return None

    @property
    def needed_window(self) -> int:
        """The shortest window that would have left no gap, in whole hours."""
        return math.ceil(
            (self.end - self.start) / 3600 + max(self.window, _LEAST_WINDOW)
        )

    def joined(self, other: Gap) -> Gap:
        """Return both as one, where they touch; otherwise this one."""
        if other.end < self.start or other.start > self.end:
            return self
        return Gap(
            start=min(self.start, other.start),
            end=max(self.end, other.end),
            window=self.window,
        )


def catch_up_window(entry: ConfigEntry) -> float:
    """Return the catch-up window of a project, in hours."""
    return float(entry.options.get(CONF_CATCH_UP_WINDOW, DEFAULT_CATCH_UP_WINDOW))


@callback
def async_report_gap(
    hass: HomeAssistant, entry: ConfigEntry, start: int, end: int
) -> None:
    """Tell the user that logs of a project were not delivered.

    There is one repair for a project. It is about the latest gap, together with the one before where both touch.

    Args:
        hass: Home Assistant.
        entry: The project.
        start: From when, in nanoseconds since 1970.
        end: Until when.
    """
    gap = Gap(
        start=min(max(start // _NANOSECONDS, 0), _LATEST),
        end=min(max(-(-end // _NANOSECONDS), 0), _LATEST),
        window=catch_up_window(entry),
    )
    _LOGGER.info(
        "Logs of %s from %s to %s are not delivered: the catch-up window is %g h",
        entry.title,
        _local_time(gap.start),
        _local_time(gap.end),
        gap.window,
    )
    issue_id = _issue_id(entry.entry_id)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    if issue is not None and (before := Gap.from_issue(issue.data)) is not None:
        gap = gap.joined(before)
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        data={"entry_id": entry.entry_id, **asdict(gap)},
        is_fixable=True,
        # It has happened, whether Home Assistant was restarted since or not.
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key="gap",
        translation_placeholders={
            "project": entry.title,
            "start": _local_time(gap.start),
            "end": _local_time(gap.end),
            "needed": str(gap.needed_window),
            "longest": str(MAX_CATCH_UP_WINDOW),
        },
    )


@callback
def async_report_new_start(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Tell the user that what was kept of a project could not be read, so that nobody knows what was not delivered."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        _new_start_id(entry.entry_id),
        is_fixable=True,
        # As with a gap, it has happened.
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key="new_start",
        translation_placeholders={
            "project": entry.title,
            "time": _local_time(int(dt_util.utcnow().timestamp())),
        },
    )


@callback
def async_forget_gaps(hass: HomeAssistant, entry_id: str) -> None:
    """Tell the user no longer that logs of a project were not delivered, or may not have been."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(entry_id))
    ir.async_delete_issue(hass, DOMAIN, _new_start_id(entry_id))


def _new_start_id(entry_id: str) -> str:
    return f"new_start_{entry_id}"


def _issue_id(entry_id: str) -> str:
    return f"gap_{entry_id}"


def _local_time(timestamp: int) -> str:
    moment = dt_util.as_local(dt_util.utc_from_timestamp(timestamp))
    return moment.strftime("%Y-%m-%d %H:%M:%S")
