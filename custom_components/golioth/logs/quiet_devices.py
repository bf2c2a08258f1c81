"""The last log of devices that were quiet when their project is set up."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..client import (
    SECOND,
    FoundLogs,
    GoliothBusyError,
    GoliothClosedError,
    GoliothConnectionError,
    GoliothNotFoundError,
    LogEntry,
    LogFilter,
    LogHistory,
)
from ..const import DOMAIN

# Devices that are asked for one by one: a minute of requests. The others show nothing
# until they log.
MAX_QUIET_DEVICES: Final = 100

# Golioth keeps logs for two weeks, unless it is paid for more.
_SPAN_NS: Final = timedelta(days=30) // timedelta(seconds=1) * SECOND

# As many as one answer has, but for the one that tells of more.
_ONE_ANSWER: Final = 99

# Tries at one question, and seconds between them, if the service does not say.
_TRIES: Final = 3
_WAIT: Final = 10.0
_LONGEST_WAIT: Final = 600.0

# The entries that were set up for the first time, until all of this was read: a reload
# begins it anew.
_NEW: HassKey[set[str]] = HassKey(f"{DOMAIN}_new")


@callback
def async_note_new_project(hass: HomeAssistant, entry_id: str) -> None:
    """Have the last logs of a project read that is set up for the first time."""
    hass.data.setdefault(_NEW, set()).add(entry_id)


@callback
def async_is_new_project(hass: HomeAssistant, entry_id: str) -> bool:
    """Return whether the last logs of a project are still to be read."""
    return entry_id in hass.data.get(_NEW, ())


@callback
def async_forget_new_project(hass: HomeAssistant, entry_id: str) -> None:
    """Have nothing read any more."""
    hass.data.get(_NEW, set()).discard(entry_id)


async def async_read_last_logs(
    history: LogHistory,
    now_ns: int,
    quiet: Callable[[], list[str]],
    show: Callable[[LogEntry], None],
    levels: tuple[str, ...] = (),
) -> None:
    """Read the last log of each device that has none to show yet.

    The whole project is asked for first, which is enough where it has few logs. Then
    each device is, after the users who wait, and no longer than Golioth answers.

    Args:
        history: Of the project.
        now_ns: The service's time.
        quiet: Returns Golioth's IDs of the devices that have none to show.
        show: Takes logs, the newest of a device first.
        levels: Of the logs that are wanted; all where there are none.

    Raises:
        GoliothError: Nothing more can be asked: the key was rejected, or the project is
            unloaded.
    """
    start_ns = now_ns // SECOND * SECOND - _SPAN_NS

    async def read(device_id: str | None) -> FoundLogs | None:
        found = await _read(
            history, start_ns, LogFilter(device_id=device_id, levels=levels)
        )
        if found is not None:
            # Not of those that have logged meanwhile.
            devices = frozenset(quiet())
            for entry in reversed(found.entries):
                if entry.device_id in devices:
                    show(entry)
        return found

    if not quiet():
        return
    found = await read(None)
    if found is None or not found.truncated:
        return
    for device_id in quiet()[:MAX_QUIET_DEVICES]:
        if device_id in quiet() and await read(device_id) is None:
            return


async def _read(
    history: LogHistory, start_ns: int, wanted: LogFilter
) -> FoundLogs | None:
    """Return the newest logs of a span; None where Golioth does not give them."""
    failures = 0
    while failures < _TRIES:
        try:
            async with history.turns.take(DOMAIN):
                return await history.read(start_ns, None, _ONE_ANSWER, wanted)
        except GoliothNotFoundError:
            # The device is gone.
            return FoundLogs([], truncated=True, has_gaps=False)
        except GoliothClosedError:
            raise
        except GoliothBusyError:
            # Users come first, however many.
            await asyncio.sleep(_WAIT)
        except GoliothConnectionError as err:
            failures += 1
            wait = _WAIT if err.retry_after is None else err.retry_after
            await asyncio.sleep(min(wait, _LONGEST_WAIT))
    return None
