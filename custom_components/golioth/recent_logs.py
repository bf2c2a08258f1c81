"""The logs of a project that were fired lately, for who looks at them."""

from collections import deque
from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Final

import orjson

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.json import json_fragment
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.uuid import random_uuid_hex

from .const import DOMAIN

# What is kept of a project, in logs and in bytes of JSON.
MAX_LOGS: Final = 2_000
MAX_SIZE: Final = 4 * 1024 * 1024

# Of these, the last ones that are kept as they were fired for as long as nobody looks.
_MAX_UNWRITTEN: Final = 50

# What is told at once, in logs and in bytes of JSON: a browser that does not keep up makes Home Assistant hold it.
MAX_LOGS_TOLD: Final = 200
MAX_SIZE_TOLD: Final = 128 * 1024

# Between two times that somebody is told, in seconds.
TELL_INTERVAL: Final = 0.1

_RECENT_LOGS: HassKey[dict[str, RecentLogs]] = HassKey(f"{DOMAIN}_recent_logs")


# A log that was fired: Home Assistant's ID of its device, all of it as JSON, and the bytes of that. It has no class of its own,
# because the garbage collector looks at objects of a class again and again.
type RecentLog = tuple[str, json_fragment, int]


class RecentLogs:
    """Keeps the last logs of a project, each of them once and as JSON, and tells them to who subscribes.

    There is one for each project, which outlives the reloads of its entry.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Start empty."""
        self._hass = hass
        # Numbers begin anew with it.
        self._life = random_uuid_hex()
        self._number = 0
        self._unwritten: list[Mapping[str, Any]] = []
        self._logs: deque[RecentLog] = deque()
        self._size = 0
        self._subscriptions: dict[LogSubscription, None] = {}

    @callback
    def async_add(self, log: Mapping[str, Any]) -> None:
        """Keep a log, which does not change any more, and tell it."""
        self._unwritten.append(log)
        # Many together take half of the time.
        if self._subscriptions or len(self._unwritten) >= _MAX_UNWRITTEN:
            self._async_write()

    @callback
    def _async_write(self) -> None:
        """Make JSON of the logs that are kept, which tells how long they are, and tell them."""
        for log in self._unwritten:
            self._number += 1
            json = b'{"number":%d,%b' % (self._number, orjson.dumps(log)[1:])
            recent_log = (log[ATTR_DEVICE_ID], json_fragment(json), len(json))
            self._logs.append(recent_log)
            self._size += len(json)
            for subscription in self._subscriptions:
                subscription.async_add(recent_log)
        self._unwritten.clear()
        while len(self._logs) > MAX_LOGS or self._size > MAX_SIZE:
            self._size -= self._logs.popleft()[2]

    @callback
    def async_subscribe(
        self,
        tell: Callable[[dict[str, Any]], None],
        is_wanted: Callable[[str], bool],
    ) -> CALLBACK_TYPE:
        """Tell the logs that there are, and then each one, until what is returned is called.

        Args:
            tell: Called at once with all that are kept, and then at most ten times a second.
            is_wanted: Returns whether the logs of a device, by Home Assistant's ID, are to be told.
        """
        self._async_write()
        subscription = LogSubscription(self._hass, tell, is_wanted)
        subscription.async_start(
            self._logs,
            {"life": self._life, "first_number": self._number - len(self._logs) + 1},
        )
        self._subscriptions[subscription] = None

        @callback
        def unsubscribe() -> None:
            subscription.async_stop()
            self._subscriptions.pop(subscription, None)

        return unsubscribe

    @callback
    def async_remove(self) -> None:
        """Tell everybody that the project is removed, and nothing more."""
        for subscription in self._subscriptions:
            subscription.async_end()
        self._subscriptions.clear()


class LogSubscription:
    """Tells the logs that somebody wants: one at once, and many together. Of too many, the oldest are left out, and counted."""

    def __init__(
        self,
        hass: HomeAssistant,
        tell: Callable[[dict[str, Any]], None],
        is_wanted: Callable[[str], bool],
    ) -> None:
        """Prepare, as `RecentLogs.async_subscribe` has it."""
        self._loop = hass.loop
        self._tell = tell
        self._is_wanted = is_wanted
        # What was found of the devices that have logged since something was told, or in the last moment: a permission can be
        # taken away, or given.
        self._wanted: dict[str, bool] = {}
        self._forget_wanted_at = -inf
        self._waiting: deque[RecentLog] = deque()
        self._size = 0
        self._left_out = 0
        self._told_at = -inf
        self._cancel_tell: CALLBACK_TYPE | None = None

    @callback
    def async_start(self, logs: deque[RecentLog], about: dict[str, Any]) -> None:
        """Tell what there is."""
        self._async_tell([log for log in logs if self._wants(log)], about)

    @callback
    def async_add(self, log: RecentLog) -> None:
        """Tell a log, if it is wanted, now or within a tenth of a second."""
        if not self._wants(log):
            return
        self._waiting.append(log)
        self._size += log[2]
        while len(self._waiting) > MAX_LOGS_TOLD or self._size > MAX_SIZE_TOLD:
            self._size -= self._waiting.popleft()[2]
            self._left_out += 1
        if self._cancel_tell is None:
            # In the next turn, where that is over already: a frame may hold several logs.
            self._cancel_tell = self._loop.call_at(
                self._told_at + TELL_INTERVAL, self._async_tell_waiting
            ).cancel

    @callback
    def async_end(self) -> None:
        """Tell that there will be nothing more."""
        if self._cancel_tell is not None:
            self._cancel_tell()
            self._async_tell_waiting()
        self._tell({"removed": True})

    @callback
    def async_stop(self) -> None:
        """Tell nothing more."""
        if self._cancel_tell is not None:
            self._cancel_tell()
            self._cancel_tell = None

    def _wants(self, log: RecentLog) -> bool:
        device_id = log[0]
        if (now := self._loop.time()) >= self._forget_wanted_at:
            self._wanted.clear()
            self._forget_wanted_at = now + TELL_INTERVAL
        wanted = self._wanted.get(device_id)
        if wanted is None:
            wanted = self._wanted[device_id] = self._is_wanted(device_id)
        return wanted

    @callback
    def _async_tell_waiting(self) -> None:
        self._cancel_tell = None
        waiting, left_out = list(self._waiting), self._left_out
        self._waiting.clear()
        self._size = self._left_out = 0
        self._async_tell(waiting, {}, left_out)

    @callback
    def _async_tell(
        self, logs: list[RecentLog], about: dict[str, Any], left_out: int = 0
    ) -> None:
        self._told_at = self._loop.time()
        self._wanted.clear()
        self._tell(
            {
                **about,
                "logs": [json for _device_id, json, _size in logs],
                "left_out": left_out,
            }
        )


@callback
def async_get_recent_logs(hass: HomeAssistant, entry_id: str) -> RecentLogs:
    """Return the recent logs of a project, whether or not its entry has been set up."""
    every = hass.data.setdefault(_RECENT_LOGS, {})
    if (recent_logs := every.get(entry_id)) is None:
        recent_logs = every[entry_id] = RecentLogs(hass)
    return recent_logs


@callback
def async_remove_recent_logs(hass: HomeAssistant, entry_id: str) -> None:
    """Let go of the recent logs of a project that is removed."""
    async_get_recent_logs(hass, entry_id).async_remove()
    del hass.data[_RECENT_LOGS][entry_id]
