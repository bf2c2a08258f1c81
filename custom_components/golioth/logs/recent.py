"""The recent logs of a project, for browsers."""

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

# Logs of a project, and their bytes of JSON.
MAX_LOGS: Final = 2_000
MAX_SIZE: Final = 4 * 1024 * 1024

# Without a subscription, the newest ones are not serialized yet, up to this number.
_MAX_UNSERIALIZED: Final = 50

# In one event, in logs and in bytes of JSON: Home Assistant holds it until the browser
# takes it.
MAX_LOGS_SENT: Final = 200
MAX_SIZE_SENT: Final = 128 * 1024

# Seconds between two events of a subscription.
SEND_INTERVAL: Final = 0.1

# Seconds between two checks whether a browser takes what it was sent.
_HOLD_INTERVAL: Final = 0.05

# The cost of a look at a log, and of a look-up whether a device is wanted, in bytes
# that could be sent meanwhile.
_LOOK_COST: Final = 64
_LOOK_UP_COST: Final = 1024

_RECENT_LOGS: HassKey[dict[str, RecentLogs]] = HassKey(f"{DOMAIN}_recent_logs")


# A log that was fired: Home Assistant's ID of its device, its JSON, and the bytes of
# that. A tuple, because the garbage collector looks at instances of a class again and
# again.
type RecentLog = tuple[str, json_fragment, int]

# For browsers, which make a float of each number.
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
    """Return metadata of another class as a dict.

    Raises:
        TypeError: It is something else, such as a long integer.
    """
    if isinstance(value, dict):
        return dict(value)
    raise TypeError


class RecentLogs:
    """Holds the recent logs of a project, for subscriptions.

    Each is there once, as JSON. There is one object for each project, which outlives
    the reloads of its entry.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Start empty."""
        self._hass = hass
        # Identifies this object to browsers: the numbers of logs begin anew with each.
        self._session_id = random_uuid_hex()
        self._number = 0
        self._unserialized: list[Mapping[str, Any]] = []
        self._logs: deque[RecentLog] = deque()
        self._size = 0
        self._subscriptions: dict[LogSubscription, None] = {}

    @property
    def session_id(self) -> str:
        """The ID of the session that the numbers belong to."""
        return self._session_id

    @property
    def first_number(self) -> int:
        """The number of the first log that is held.

        That of the next one, where none is.
        """
        return self._number - len(self._logs) + 1

    @property
    def last_number(self) -> int:
        """The number of the last log."""
        return self._number

    def since(self, number: int) -> islice[RecentLog]:
        """Return the logs from a number on."""
        return islice(self._logs, max(0, number - self.first_number), None)

    @callback
    def async_add(self, log: Mapping[str, Any]) -> None:
        """Add a log for all subscriptions.

        It must not change afterwards.
        """
        self._unserialized.append(log)
        # Serializing many together takes half of the time.
        if self._subscriptions or len(self._unserialized) >= _MAX_UNSERIALIZED:
            self._async_serialize()

    @callback
    def _async_serialize(self) -> None:
        """Serialize the added logs, and hand them to subscriptions.

        Their sizes are known only then.
        """
        for log in self._unserialized:
            self._number += 1
            json = b'{"number":%d,%b' % (self._number, log_json(log)[1:])
            recent_log = (log[ATTR_DEVICE_ID], json_fragment(json), len(json))
            self._logs.append(recent_log)
            self._size += len(json)
            for subscription in self._subscriptions:
                subscription.async_add(self._number, recent_log)
        self._unserialized.clear()
        while len(self._logs) > MAX_LOGS or self._size > MAX_SIZE:
            number = self.first_number
            dropped = self._logs.popleft()
            self._size -= dropped[2]
            for subscription in self._subscriptions:
                subscription.async_leave_out(number, dropped)

    @callback
    def async_subscribe(
        self,
        send: Callable[[dict[str, Any]], None],
        is_wanted: Callable[[str], bool],
        *,
        user_id: str = "",
        is_behind: Callable[[], bool] = lambda: False,
    ) -> CALLBACK_TYPE:
        """Send the recent logs and each further one.

        Args:
            send: Called with events: of the recent logs in pieces, then at most ten a
                second.
            is_wanted: Returns whether the logs of a device, by Home Assistant's ID, are
                wanted.
            user_id: The user who receives them: users are served alternately.
            is_behind: Returns whether the browser has not taken the last event yet.
                Nothing is sent until it has.

        Returns:
            A function that ends the subscription.
        """
        self._async_serialize()
        subscription = LogSubscription(
            self._hass, self, send, is_wanted, user_id, is_behind
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
        """Report the removal of the project, and end all subscriptions."""
        for subscription in self._subscriptions:
            subscription.async_end()
        self._subscriptions.clear()


class LogSubscription:
    """Sends the wanted logs to a browser.

    It holds no logs: they are those of `RecentLogs`. Wanted logs that were dropped
    there before they were sent are counted.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        recent_logs: RecentLogs,
        send: Callable[[dict[str, Any]], None],
        is_wanted: Callable[[str], bool],
        user_id: str,
        is_behind: Callable[[], bool],
    ) -> None:
        """Prepare, as for `RecentLogs.async_subscribe`."""
        self._loop = hass.loop
        self._pump: LogPump = async_get_pump(hass)
        self._recent_logs = recent_logs
        self._send = send
        self._is_wanted = is_wanted
        self._user_id = user_id
        self._is_behind = is_behind
        # Whether devices are wanted, since the last event or for a moment only:
        # permissions can change.
        self._wanted: dict[str, bool] = {}
        self._forget_wanted_at = -inf
        self._cost = 0
        # The number of the next log to send, and of the last one that was there at
        # first.
        self._next = recent_logs.first_number
        self._backlog_end = recent_logs.last_number
        self._has_sent_any = False
        self._has_backlog = True
        self._left_out = 0
        self._sent_at = -inf
        # Whether everything has been sent, so that nothing is scheduled.
        self._is_idle = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def user_id(self) -> str:
        """The user who receives the logs."""
        return self._user_id

    @callback
    def async_start(self) -> None:
        """Send the recent logs."""
        self._pump.async_request(self)

    @callback
    def async_add(self, number: int, log: RecentLog) -> None:
        """Send a new log soon, if it is wanted."""
        if not self._is_idle:
            return
        if self._wants(log):
            # At the next iteration of the event loop, where that is over already: a
            # frame may hold several logs.
            self._async_request_at(self._sent_at + SEND_INTERVAL)
        else:
            self._next = number + 1

    @callback
    def async_leave_out(self, number: int, log: RecentLog) -> None:
        """Count a dropped log, if it should have been sent."""
        if number >= self._next:
            self._next = number + 1
            self._left_out += self._wants(log)

    @callback
    def async_send(self) -> int:
        """Send the next piece, unless the browser is behind.

        Returns:
            The cost in bytes.
        """
        if self._is_behind():
            self._async_request_at(self._loop.time() + _HOLD_INTERVAL)
            return _LOOK_COST
        cost = self._async_send_piece()
        if self._has_backlog:
            self._pump.async_request(self)
        elif self._next <= self._recent_logs.last_number:
            self._async_request_at(self._sent_at + SEND_INTERVAL)
        else:
            self._is_idle = True
        return cost

    @callback
    def async_end(self) -> None:
        """Report the removal of the project, and stop.

        Before that, it sends as many of the remaining logs as one event holds.
        """
        self.async_stop()
        if not self._is_idle and not self._is_behind():
            self._async_send_piece()
        self._send({"removed": True})

    @callback
    def async_stop(self) -> None:
        """Stop sending."""
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
            self._forget_wanted_at = now + SEND_INTERVAL
        wanted = self._wanted.get(device_id)
        if wanted is None:
            wanted = self._wanted[device_id] = self._is_wanted(device_id)
            self._cost += _LOOK_UP_COST
        return wanted

    @callback
    def _async_send_piece(self) -> int:
        """Send as many logs as one event holds, if any.

        Returns:
            The cost in bytes.
        """
        header: dict[str, Any] = {}
        if not self._has_sent_any:
            header["session"] = self._recent_logs.session_id
            header["first_number"] = self._next
            # Nothing is missing before the first event.
            self._left_out = 0
        logs: list[json_fragment] = []
        size = 0
        self._cost = 0
        for log in self._recent_logs.since(self._next):
            if self._wants(log):
                if len(logs) == MAX_LOGS_SENT or (
                    logs and size + log[2] > MAX_SIZE_SENT
                ):
                    break
                logs.append(log[1])
                size += log[2]
            self._next += 1
            self._cost += _LOOK_COST
            if self._cost > MAX_SIZE_SENT:
                break
        had_backlog = self._has_backlog
        self._has_backlog = had_backlog and self._next <= self._backlog_end
        if self._has_backlog:
            header["more"] = True
        if logs or had_backlog:
            self._has_sent_any = True
            self._sent_at = self._loop.time()
            self._wanted.clear()
            left_out, self._left_out = self._left_out, 0
            self._send({**header, "logs": logs, "left_out": left_out})
        return size + self._cost


@callback
def async_get_recent_logs(hass: HomeAssistant, entry_id: str) -> RecentLogs:
    """Return the recent logs of a project, loaded or not."""
    return async_of_project(hass, _RECENT_LOGS, entry_id, lambda: RecentLogs(hass))


@callback
def async_remove_recent_logs(hass: HomeAssistant, entry_id: str) -> None:
    """Remove the recent logs of a removed project."""
    async_get_recent_logs(hass, entry_id).async_remove()
    del hass.data[_RECENT_LOGS][entry_id]
