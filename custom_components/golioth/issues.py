"""Reports of logs that were not delivered.

They are repairs, or notifications where it is unknown whether logs are missing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
import logging
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from homeassistant.components import persistent_notification
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from .client import SECOND, FeedTiming
from .const import DOMAIN
from .options import MAX_CATCH_UP_WINDOW, catch_up_window
from .reasons import async_server_text

if TYPE_CHECKING:
    from .coordinator import GoliothConfigEntry

_LOGGER = logging.getLogger(__name__)

# In hours: the margin is always caught up, however short the window is.
_LEAST_WINDOW: Final = FeedTiming().margin / 3600

# Gaps that a repair lists one by one.
_MAX_GAPS: Final = 10

# Later times cannot be shown in every time zone.
_LATEST: Final = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp())


class Gap(NamedTuple):
    """A time whose logs were not delivered."""

    start: int
    """Its first second since 1970."""
    end: int
    """Its last second since 1970."""


@dataclass(frozen=True)
class Gaps:
    """The gaps that a repair reports.

    Attributes:
        times: The gaps, in order of time. No two touch.
        needed: The shortest catch-up window, in whole hours, that would have reached
            back to the start of each gap when it was reported. A gap that lies within
            the window, because too much was delivered to know all of it, needs no
            longer one than that in whole hours.
    """

    times: tuple[Gap, ...]
    needed: int

    @classmethod
    def from_issue(cls, data: Mapping[str, Any] | None) -> Self | None:
        """Return the gaps of a repair; None without valid data."""
        data = data or {}
        try:
            if "gaps" in data:
                return cls(_parse(str(data["gaps"])), int(data["needed"]))
            # An earlier version reported one gap, which ended where the window began.
            gap = Gap(int(data["start"]), int(data["end"]))
            window = max(float(data["window"]), _LEAST_WINDOW)
            return cls((gap,), _whole_hours(gap.end - gap.start + window * 3600))
        except LookupError, TypeError, ValueError:
            return None

    def as_data(self) -> dict[str, str | int | float | None]:
        """Return the data of a repair, for `from_issue`.

        The gaps are ISO 8601 intervals in UTC, with spaces between them.
        """
        return {
            "gaps": " ".join(
                "/".join(dt_util.utc_from_timestamp(each).isoformat() for each in gap)
                for gap in self.times
            ),
            "needed": self.needed,
        }

    @property
    def text(self) -> str:
        """The gaps in local time, as a list in Markdown."""
        return "\n".join(
            f"- {_local_time(start)} – {_local_time(end)}" for start, end in self.times
        )

    def joined(self, other: Gaps) -> Gaps:
        """Return the gaps of both."""
        return Gaps(
            tuple(_merged([*self.times, *other.times])), max(self.needed, other.needed)
        )


@callback
def async_report_gap(
    hass: HomeAssistant, entry: GoliothConfigEntry, start: int, end: int, now: int
) -> None:
    """Report a gap in the logs of a project.

    There is one repair for a project. It lists every gap since it was opened.

    Args:
        hass: Home Assistant.
        entry: The project.
        start: From when, in nanoseconds since 1970.
        end: Until when.
        now: The time, by the same clock.
    """
    gap = Gap(
        min(max(start // SECOND, 0), _LATEST),
        min(max(-(-end // SECOND), 0), _LATEST),
    )
    # Not by its end: of several gaps of one interruption, only the last may end where
    # the window begins.
    gaps = Gaps((gap,), _whole_hours(now // SECOND - gap.start))
    _LOGGER.info(
        "Logs of %s from %s to %s are not delivered: the catch-up window is %g h",
        entry.title,
        _local_time(gap.start),
        _local_time(gap.end),
        catch_up_window(entry),
    )
    issue_id = _issue_id(entry.entry_id)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    if issue is not None and (before := Gaps.from_issue(issue.data)) is not None:
        gaps = before.joined(gaps)
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        data={"entry_id": entry.entry_id, **gaps.as_data()},
        is_fixable=True,
        # The gap stays, also when Home Assistant is restarted.
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key="gap",
        translation_placeholders={
            "project": entry.title,
            "times": gaps.text,
            "needed": str(gaps.needed),
            "longest": str(MAX_CATCH_UP_WINDOW),
        },
    )


async def async_report_new_start(
    hass: HomeAssistant, entry: GoliothConfigEntry
) -> None:
    """Report that a project's stored data cannot be read.

    It is a notification, because a user could repair nothing: it is unknown which logs
    were not delivered.
    """
    time = _local_time(int(dt_util.utcnow().timestamp()))
    title = await async_server_text(
        hass,
        translation_domain=DOMAIN,
        translation_key="new_start_title",
        translation_placeholders={"project": entry.title},
    )
    message = await async_server_text(
        hass,
        translation_domain=DOMAIN,
        translation_key="new_start",
        translation_placeholders={"time": time},
    )
    persistent_notification.async_create(
        hass, message, title, _new_start_id(entry.entry_id)
    )


@callback
def async_forget_gaps(hass: HomeAssistant, entry_id: str) -> None:
    """Remove all reports on a project."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(entry_id))
    persistent_notification.async_dismiss(hass, _new_start_id(entry_id))


def _new_start_id(entry_id: str) -> str:
    return f"{DOMAIN}_new_start_{entry_id}"


def _issue_id(entry_id: str) -> str:
    return f"gap_{entry_id}"


def _parse(intervals: str) -> tuple[Gap, ...]:
    """Return the gaps from the text of `Gaps.as_data`.

    Raises:
        ValueError: It is something else.
    """
    gaps: list[Gap] = []
    for interval in intervals.split():
        start, end = map(datetime.fromisoformat, interval.split("/"))
        gaps.append(Gap(int(start.timestamp()), int(end.timestamp())))
    return tuple(gaps)


def _merged(gaps: Iterable[Gap]) -> list[Gap]:
    """Return gaps in order of time, few enough to read.

    Gaps that touch become one. Of too many, those with the least time in between do.
    """
    merged: list[Gap] = []
    for gap in sorted(gaps):
        if merged and gap.start <= merged[-1].end:
            merged[-1] = Gap(merged[-1].start, max(merged[-1].end, gap.end))
        else:
            merged.append(gap)
    while len(merged) > _MAX_GAPS:
        # The repair will list the time between two gaps as well, so it should be short.
        index = min(
            range(len(merged) - 1),
            key=lambda each: merged[each + 1].start - merged[each].end,
        )
        merged[index : index + 2] = [Gap(merged[index].start, merged[index + 1].end)]
    return merged


def _whole_hours(seconds: float) -> int:
    """Return seconds in whole hours, rounded up: one at least."""
    return max(math.ceil(seconds / 3600), 1)


def _local_time(timestamp: int) -> str:
    moment = dt_util.as_local(dt_util.utc_from_timestamp(timestamp))
    return moment.strftime("%Y-%m-%d %H:%M:%S")
