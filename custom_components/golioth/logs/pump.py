"""Paces what is sent to browsers, for all projects together."""

import asyncio
from typing import Final, Protocol

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN

# Bytes a second. The size of one piece takes 20 ms: Home Assistant compresses what it
# sends, and may need a part of that.
_RATE: Final = 128 * 1024 / 0.02


class Piecewise(Protocol):
    """A sender of data in pieces."""

    @property
    def user_id(self) -> str:
        """The ID of the user who receives it."""

    def async_send(self) -> int:
        """Send the next piece, and return its cost in bytes."""


class LogPump:
    """Sends pieces at a bounded rate, to users alternately.

    That bounds what Home Assistant queues, whatever browsers ask for. A small piece is
    sent at once.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start with nothing to send."""
        self._loop = loop
        # By user, the next one first.
        self._waiting: dict[str, dict[Piecewise, None]] = {}
        self._free_at = 0.0
        self._is_sending = False
        self._timer: asyncio.TimerHandle | None = None

    @callback
    def async_request(self, piecewise: Piecewise) -> None:
        """Send one piece, now or soon."""
        self._waiting.setdefault(piecewise.user_id, {})[piecewise] = None
        if self._timer is None and not self._is_sending:
            self._async_send()

    @callback
    def async_cancel(self, piecewise: Piecewise) -> None:
        """Cancel the requested piece."""
        if (waiting := self._waiting.get(piecewise.user_id)) is None:
            return
        waiting.pop(piecewise, None)
        if not waiting:
            del self._waiting[piecewise.user_id]
        if not self._waiting and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @callback
    def _async_send(self) -> None:
        self._timer = None
        self._is_sending = True
        try:
            while self._waiting and (now := self._loop.time()) >= self._free_at:
                user_id, waiting = next(iter(self._waiting.items()))
                del self._waiting[user_id]
                piecewise = next(iter(waiting))
                del waiting[piecewise]
                if waiting:
                    # Behind all others.
                    self._waiting[user_id] = waiting
                self._free_at = now + piecewise.async_send() / _RATE
        finally:
            self._is_sending = False
            if self._waiting:
                self._timer = self._loop.call_at(self._free_at, self._async_send)


_PUMP: HassKey[LogPump] = HassKey(f"{DOMAIN}_log_pump")


@callback
def async_get_pump(hass: HomeAssistant) -> LogPump:
    """Return the pump of all projects."""
    if (pump := hass.data.get(_PUMP)) is None:
        pump = hass.data[_PUMP] = LogPump(hass.loop)
    return pump
