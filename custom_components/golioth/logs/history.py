"""Logs from Golioth's history, for actions and browsers."""

from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime, timedelta
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import voluptuous as vol

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from ..client import (
    MILLISECOND,
    FoundLogs,
    GoliothError,
    LogEntry,
    LogFilter,
    in_slices,
)
from ..const import DOMAIN
from ..limits import short
from ..reasons import translated
from ..reauth import reauth_where_rejected
from .event_data import MAX_EVENT_SIZE

if TYPE_CHECKING:
    from ..coordinator import GoliothCoordinator

# Logs of one answer at most.
MAX_LIMIT: Final = 1000

# So that reading backward ends.
LONGEST_SPAN: Final = timedelta(days=30)

# Each device takes a request at least: that is half a minute of them.
MAX_DEVICES_OF_PAGE: Final = 50

# Logs in one answer of Golioth's, but for the one that shows that there are more.
_ONE_ANSWER: Final = 99

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_MILLISECOND: Final = timedelta(milliseconds=1)


def moment(value: Any) -> datetime:
    """Validate a time.

    Without a time zone it is local.
    """
    time = cv.datetime(short(value))
    # Other years cannot be shown in every time zone, or in nanoseconds.
    if not 1970 < time.year < 2200:
        raise vol.Invalid("Only the years 1971 to 2199 are known")
    return dt_util.as_utc(time)


def milliseconds(time: datetime) -> int:
    """Return the whole milliseconds since 1970.

    Golioth may cut the times of logs to these.
    """
    return (time - _EPOCH) // _ONE_MILLISECOND


async def async_read_logs(
    coordinator: GoliothCoordinator,
    user_id: str | None,
    start_ns: int,
    end_ns: int | None,
    limit: int,
    wanted: LogFilter,
) -> FoundLogs:
    """Return the newest logs of a time range.

    It waits for its turn: users are served alternately.

    Args:
        coordinator: The project.
        user_id: The user who asks; None for automations, which take turns as one user.
        start_ns: As by `LogHistory.read`.
        end_ns: As by `LogHistory.read`.
        limit: How many logs there may be.
        wanted: Which logs.

    Raises:
        HomeAssistantError: Golioth does not answer with them, or rejects the key; too
            many requests wait already; or the project is no longer loaded.
    """
    history = coordinator.history
    try:
        async with history.turns.take(user_id):
            with reauth_where_rejected(coordinator.hass, coordinator.config_entry):
                return await history.read(start_ns, end_ns, limit, wanted)
    except GoliothError as err:
        raise translated(HomeAssistantError, err) from err


async def async_answer_data(
    coordinator: GoliothCoordinator, entries: Collection[LogEntry], max_size: int
) -> AsyncIterator[dict[str, Any]]:
    """Yield the data of logs, which share one answer.

    None has more than in its event, so that a log that was sent before is recognised.

    Args:
        coordinator: The project.
        entries: The logs.
        max_size: Bytes of JSON that the answer takes at most.
    """
    share = min(MAX_EVENT_SIZE, max_size // max(len(entries), 1))
    # A thousand long logs would block the event loop for too long.
    async for entry in in_slices(entries):
        yield coordinator.log_data(entry, share)


class LogPage(NamedTuple):
    """A page of logs, for reading backward."""

    entries: list[LogEntry]
    """Oldest first."""
    first: int
    """The first millisecond since 1970 that was read.

    All later ones were, too.
    """
    has_more: bool
    """Whether there are older logs."""
    has_all: bool
    """Whether it has all logs of its time.

    Golioth may have some that it does not return.
    """

    @property
    def start_ns(self) -> int:
        """Where older logs begin, in nanoseconds since 1970."""
        return self.first * MILLISECOND - self.has_more


async def async_read_page(
    coordinator: GoliothCoordinator,
    user_id: str | None,
    before: datetime,
    limit: int,
    wanted: LogFilter,
    device_ids: Collection[str] | None = None,
) -> LogPage:
    """Return a page of the newest logs until a time.

    Pages are of whole milliseconds, the last of which is that of the time itself. No
    log is lost between two pages, and none is in both.

    Args:
        coordinator: As by `async_read_logs`.
        user_id: As by `async_read_logs`.
        before: Until when.
        limit: How many logs there may be. There are more where so many are of one
            millisecond.
        wanted: Which logs, of any device.
        device_ids: Golioth's IDs of the devices; None for the whole project. Each
            device is read by itself, so that the logs of others do not affect the page,
            not even where it begins.

    Raises:
        HomeAssistantError: As by `async_read_logs`; or these are too many devices.
    """
    devices = (None,) if device_ids is None else tuple(device_ids)
    if len(devices) > MAX_DEVICES_OF_PAGE:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="too_many_devices",
            translation_placeholders={
                "devices": str(len(devices)),
                "max_devices": str(MAX_DEVICES_OF_PAGE),
            },
        )
    now_ns = coordinator.rest.server_time_ns or time_ns()
    first = now_ns // MILLISECOND - LONGEST_SPAN // _ONE_MILLISECOND
    end = milliseconds(before) + 1
    if end <= first:
        return LogPage([], end, has_more=False, has_all=True)
    page = LogPage([], first, has_more=False, has_all=True)
    limit_each = limit if len(devices) == 1 else min(limit, _ONE_ANSWER)
    for device_id in devices:
        part = await _async_read_part(
            coordinator,
            user_id,
            # Older logs are on another page anyway.
            page.first,
            end,
            limit_each,
            wanted._replace(device_id=device_id),
        )
        page = _join(page, part, limit)
    return page


async def _async_read_part(
    coordinator: GoliothCoordinator,
    user_id: str | None,
    first: int,
    end: int,
    limit: int,
    wanted: LogFilter,
) -> LogPage:
    """Return the newest logs of a time range in milliseconds.

    Its end is not part of it.
    """
    oldest = first
    entries: list[LogEntry] = []
    for number in (limit + 1, MAX_LIMIT):
        found = await async_read_logs(
            coordinator,
            user_id,
            first * MILLISECOND,
            end * MILLISECOND,
            number,
            wanted,
        )
        entries = found.entries
        if not found.truncated:
            return LogPage(entries, first, has_more=False, has_all=True)
        if (
            found.read_from_ns is not None
            and found.read_from_ns < end * MILLISECOND
            and len(entries) <= limit
        ):
            # Most of the older logs may have been left out.
            oldest = -(-found.read_from_ns // MILLISECOND)
            return LogPage(
                _after(oldest - 1, entries),
                oldest,
                has_more=True,
                has_all=not found.has_gaps,
            )
        if not entries:
            return LogPage(entries, first, has_more=False, has_all=False)
        # The millisecond of the oldest may have more.
        oldest = _millisecond(entries[0])
        if whole := _after(oldest, entries):
            return LogPage(whole, oldest + 1, has_more=True, has_all=not found.has_gaps)
    return LogPage(entries, oldest, has_more=True, has_all=False)


def _join(page: LogPage, part: LogPage, limit: int) -> LogPage:
    """Return the newest logs of a page and another."""
    has_more = page.has_more or part.has_more
    has_all = page.has_all and part.has_all
    first = part.first
    entries = _after(first - 1, [*page.entries, *part.entries])
    entries.sort(key=lambda entry: entry.timestamp_ns or 0)
    if len(entries) > limit:
        oldest = _millisecond(entries[-limit - 1])
        if whole := _after(oldest, entries):
            return LogPage(whole, oldest + 1, has_more=True, has_all=has_all)
        # Those of one millisecond stay together.
        whole = _after(oldest - 1, entries)
        if len(whole) < len(entries):
            return LogPage(whole, oldest, has_more=True, has_all=has_all)
    return LogPage(entries, first, has_more, has_all)


def _after(millisecond: int, entries: list[LogEntry]) -> list[LogEntry]:
    """Return the logs after a millisecond."""
    return [each for each in entries if _millisecond(each) > millisecond]


def _millisecond(entry: LogEntry) -> int:
    return (entry.timestamp_ns or 0) // MILLISECOND
