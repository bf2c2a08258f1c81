"""The logs of a project that were fired lately, for who looks at them."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from math import inf
from typing import Any, Final

import orjson

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.json import json_fragment
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.uuid import random_uuid_hex

from ..client import exact_json
from ..const import DOMAIN
from ..storage.project_data import async_of_project
from .pump import LogPump, async_get_pump

# What is kept of a project, in logs and in bytes of JSON.
MAX_LOGS: Final = 2_000
MAX_SIZE: Final = 4 * 1024 * 1024

# Of these, the last ones that are kept as they were fired for as long as nobody looks.
_MAX_UNWRITTEN: Final = 50

# What is told at once, in logs and in bytes of JSON: Home Assistant holds it until the browser takes it.
MAX_LOGS_TOLD: Final = 200
MAX_SIZE_TOLD: Final = 128 * 1024

# Between two times that somebody is told of new logs, in seconds.
TELL_INTERVAL: Final = 0.1

# Until it is looked again whether a browser takes what it was sent, in seconds.
_HOLD_INTERVAL: Final = 0.05

# What it costs to look at a log, and to look up whether a device is wanted, in bytes that could be sent meanwhile.
_LOOK_COST: Final = 64
_LOOK_UP_COST: Final = 1024

_RECENT_LOGS: HassKey[dict[str, RecentLogs]] = HassKey(f"{DOMAIN}_recent_logs")


# A log that was fired: Home Assistant's ID of its device, all of it as JSON, and the bytes of that. It has no class of its own,
# because the garbage collector looks at objects of a class again and again.
type RecentLog = tuple[str, json_fragment, int]

# What a browser reads as it is: it makes a float of each number.
_READABLE: Final = orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_SUBCLASS


def log_json(log: Mapping[str, Any]) -> bytes:
    """Return a log as JSON for a browser.

    Where its metadata has integers that no float holds, they are JSON as a text.
    """
    # Hot path: runs once per log.
    try:
        return orjson.dumps(log, _as_dict, _READABLE)
    except orjson.JSONEncodeError:
        metadata = exact_json(log["metadata"]).decode()
        return orjson.dumps({**log, "metadata": metadata})


def _as_dict(value: Any) -> dict[str, Any]:
    """Return metadata of another class; refuse a long integer."""
    if isinstance(value, dict):
        return dict(value)
    raise TypeError


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

    @property
    def life(self) -> str:
        """What the numbers belong to."""
        return self._life

    @property
    def first_number(self) -> int:
        """The number of the first log that is kept, or of the next one, where there is none."""
        return self._number - len(self._logs) + 1

    @property
    def last_number(self) -> int:
        """The number of the last log."""
        return self._number

    def since(self, number: int) -> islice[RecentLog]:
        """Return the logs that are kept, from a number on."""
        return islice(self._logs, max(0, number - self.first_number), None)

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
            json = b'{"number":%d,%b' % (self._number, log_json(log)[1:])
            recent_log = (log[ATTR_DEVICE_ID], json_fragment(json), len(json))
            self._logs.append(recent_log)
            self._size += len(json)
            for subscription in self._subscriptions:
                subscription.async_add(self._number, recent_log)
        self._unwritten.clear()
        while len(self._logs) > MAX_LOGS or self._size > MAX_SIZE:
            number = self.first_number
            gone = self._logs.popleft()
            self._size -= gone[2]
            for subscription in self._subscriptions:
                subscription.async_leave_out(number, gone)

    @callback
    def async_subscribe(
        self,
        tell: Callable[[dict[str, Any]], None],
        is_wanted: Callable[[str], bool],
        *,
        user_id: str = "",
        is_behind: Callable[[], bool] = lambda: False,
    ) -> CALLBACK_TYPE:
        """Tell the logs that there are, and then each one, until what is returned is called.

        Args:
            tell: Called with all that are kept, in pieces, and then at most ten times a second.
            is_wanted: Returns whether the logs of a device, by Home Assistant's ID, are to be told.
            user_id: Who is told: users are served alternately.
            is_behind: Returns whether what was told before has not been taken yet. As long as it has not, nothing is told.
        """
        self._async_write()
        subscription = LogSubscription(
            self._hass, self, tell, is_wanted, user_id, is_behind
        )
        self._subscriptions[subscription] = None
        subscription.async_start()

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
    """Tells somebody the logs that are wanted, from a number on.

    It holds no logs: they are those of the ring. The wanted ones that have left it before they were told are counted.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        recent_logs: RecentLogs,
        tell: Callable[[dict[str, Any]], None],
        is_wanted: Callable[[str], bool],
        user_id: str,
        is_behind: Callable[[], bool],
    ) -> None:
        """Prepare, as `RecentLogs.async_subscribe` has it."""
        self._loop = hass.loop
        self._pump: LogPump = async_get_pump(hass)
        self._recent_logs = recent_logs
        self._tell = tell
        self._is_wanted = is_wanted
        self._user_id = user_id
        self._is_behind = is_behind
        # What was found of the devices that have logged since something was told, or in the last moment: a permission can be
        # taken away, or given.
        self._wanted: dict[str, bool] = {}
        self._forget_wanted_at = -inf
        self._cost = 0
        # What is told next, and the last of what there was at first.
        self._next = recent_logs.first_number
        self._begin_end = recent_logs.last_number
        self._is_begun = False
        self._is_beginning = True
        self._left_out = 0
        self._told_at = -inf
        # Whether everything has been told, so that there is nothing to wait for.
        self._is_idle = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def user_id(self) -> str:
        """Who is told."""
        return self._user_id

    @callback
    def async_start(self) -> None:
        """Tell what there is."""
        self._pump.async_request(self)

    @callback
    def async_add(self, number: int, log: RecentLog) -> None:
        """Have a new log told, if it is wanted, now or within a tenth of a second."""
        if not self._is_idle:
            return
        if self._wants(log):
            # In the next turn, where that is over already: a frame may hold several logs.
            self._async_request_at(self._told_at + TELL_INTERVAL)
        else:
            self._next = number + 1

    @callback
    def async_leave_out(self, number: int, log: RecentLog) -> None:
        """Count a log that is kept no longer, if it should have been told."""
        if number >= self._next:
            self._next = number + 1
            self._left_out += self._wants(log)

    @callback
    def async_send(self) -> int:
        """Tell the next piece, unless the last one has not been taken yet; return what that cost."""
        if self._is_behind():
            self._async_request_at(self._loop.time() + _HOLD_INTERVAL)
            return _LOOK_COST
        cost = self._async_tell_piece()
        if self._is_beginning:
            self._pump.async_request(self)
        elif self._next <= self._recent_logs.last_number:
            self._async_request_at(self._told_at + TELL_INTERVAL)
        else:
            self._is_idle = True
        return cost

    @callback
    def async_end(self) -> None:
        """Tell that there will be nothing more, and before that, of what is left, what one event holds."""
        self.async_stop()
        if not self._is_idle and not self._is_behind():
            self._async_tell_piece()
        self._tell({"removed": True})

    @callback
    def async_stop(self) -> None:
        """Tell nothing more."""
        self._pump.async_cancel(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @callback
    def _async_request_at(self, time: float) -> None:
        self._is_idle = False
        self._timer = self._loop.call_at(time, self._async_request)

    @callback
    def _async_request(self) -> None:
        self._timer = None
        self._pump.async_request(self)

    def _wants(self, log: RecentLog) -> bool:
        device_id = log[0]
        if (now := self._loop.time()) >= self._forget_wanted_at:
            self._wanted.clear()
            self._forget_wanted_at = now + TELL_INTERVAL
        wanted = self._wanted.get(device_id)
        if wanted is None:
            wanted = self._wanted[device_id] = self._is_wanted(device_id)
            self._cost += _LOOK_UP_COST
        return wanted

    @callback
    def _async_tell_piece(self) -> int:
        """Tell as many logs as one event holds, where there are any; return what that cost."""
        about: dict[str, Any] = {}
        if not self._is_begun:
            about["life"] = self._recent_logs.life
            about["first_number"] = self._next
            # Before the first, nothing is missing.
            self._left_out = 0
        logs: list[json_fragment] = []
        size = 0
        self._cost = 0
        for log in self._recent_logs.since(self._next):
            if self._wants(log):
                if len(logs) == MAX_LOGS_TOLD or (
                    logs and size + log[2] > MAX_SIZE_TOLD
                ):
                    break
                logs.append(log[1])
                size += log[2]
            self._next += 1
            self._cost += _LOOK_COST
            if self._cost > MAX_SIZE_TOLD:
                break
        was_beginning = self._is_beginning
        self._is_beginning = was_beginning and self._next <= self._begin_end
        if self._is_beginning:
            about["more"] = True
        if logs or was_beginning:
            self._is_begun = True
            self._told_at = self._loop.time()
            self._wanted.clear()
            left_out, self._left_out = self._left_out, 0
            self._tell({**about, "logs": logs, "left_out": left_out})
        return size + self._cost


@callback
def async_get_recent_logs(hass: HomeAssistant, entry_id: str) -> RecentLogs:
    """Return the recent logs of a project, whether or not its entry has been set up."""
    return async_of_project(hass, _RECENT_LOGS, entry_id, lambda: RecentLogs(hass))


@callback
def async_remove_recent_logs(hass: HomeAssistant, entry_id: str) -> None:
    """Let go of the recent logs of a project that is removed."""
    async_get_recent_logs(hass, entry_id).async_remove()
    del hass.data[_RECENT_LOGS][entry_id]
