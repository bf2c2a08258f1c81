"""Last logs of devices that were silent at set-up."""

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

# Devices that are read one by one: a minute of requests. The others show nothing until
# they log.
MAX_QUIET_DEVICES: Final = 100

# Golioth keeps logs for two weeks, or longer in a paid plan.
_SPAN_NS: Final = timedelta(days=30) // timedelta(seconds=1) * SECOND

# Logs of one answer, but for the one that shows that there are more.
_ONE_ANSWER: Final = 99

# Tries of one request, and seconds between them, if the service does not say.
_TRIES: Final = 3
_WAIT: Final = 10.0
_LONGEST_WAIT: Final = 600.0

# Entries that were set up for the first time, until all last logs were read: a reload
# begins anew.
_NEW: HassKey[set[str]] = HassKey(f"{DOMAIN}_new")


@callback
def async_note_new_project(hass: HomeAssistant, entry_id: str) -> None:
    """Note that the last logs of a project are needed."""
    hass.data.setdefault(_NEW, set()).add(entry_id)


@callback
def async_is_new_project(hass: HomeAssistant, entry_id: str) -> bool:
    """Return whether the last logs of a project are needed."""
    return entry_id in hass.data.get(_NEW, ())


@callback
def async_forget_new_project(hass: HomeAssistant, entry_id: str) -> None:
    """Note that the last logs are no longer needed."""
    hass.data.get(_NEW, set()).discard(entry_id)


async def async_read_last_logs(
    history: LogHistory,
    now_ns: int,
    quiet: Callable[[], list[str]],
    show: Callable[[LogEntry], None],
    levels: tuple[str, ...] = (),
) -> None:
    """Read the last log of each device without one.

    The whole project is read first, which is enough where it has few logs. Then each
    device is, after waiting users, and no longer than Golioth answers.

    Args:
        history: Of the project.
        now_ns: The service's time.
        quiet: Returns Golioth's IDs of the devices without a log to show.
        show: Takes logs, the newest of a device first.
        levels: Of the logs that are wanted; all where there are none.

    Raises:
        GoliothError: No more requests are possible: the key was rejected, or the
            project is unloaded.
    """
    start_ns = now_ns // SECOND * SECOND - _SPAN_NS

    async def read(device_id: str | None) -> FoundLogs | None:
        found = await _read(
            history, start_ns, LogFilter(device_id=device_id, levels=levels)
        )
        if found is not None:
            # Not of devices that have logged meanwhile.
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
    """Return the newest logs since a time.

    None where Golioth does not answer with them.
    """
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
