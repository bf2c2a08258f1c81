"""Wait for what Home Assistant does with a log."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from custom_components.golioth.client import StreamState
from custom_components.golioth.const import EVENT_GOLIOTH_LOG
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import (
    Event,
    EventStateChangedData,
    HomeAssistant,
    ServiceCall,
    State,
    callback,
)
from homeassistant.helpers.event import async_track_state_change_event

# In seconds. Nothing awaited here takes that long, except for a failure.
TIMEOUT = 50


class LogEvents(list[dict[str, Any]]):
    """The data of `golioth_log` events or automation runs, in order."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self._arrived = asyncio.Event()

    @property
    def messages(self) -> list[str]:
        """The messages of the logs."""
        return [data["message"] for data in self]

    @callback
    def async_handle_event(self, event: Event | ServiceCall) -> None:
        """Keep the data of an event or an automation's action."""
        self.append(dict(event.data))
        self._arrived.set()

    async def wait_for(self, number: int) -> None:
        """Wait until that many events have been fired."""
        try:
            async with asyncio.timeout(TIMEOUT):
                while len(self) < number:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            pytest.fail(f"{len(self)} events, not {number}: {self.messages[-10:]}")


def capture_runs(hass: HomeAssistant) -> LogEvents:
    """Capture the runs of automations with the action `test.run`.

    The action awaits, as most do.
    """
    runs = LogEvents()

    async def run(call: ServiceCall) -> None:
        await asyncio.sleep(0)
        runs.async_handle_event(call)

    hass.services.async_register("test", "run", run)
    return runs


@contextmanager
def capture_log_events(hass: HomeAssistant) -> Iterator[LogEvents]:
    """Capture `golioth_log` events until the end of the block."""
    events = LogEvents()
    remove = hass.bus.async_listen(EVENT_GOLIOTH_LOG, events.async_handle_event)
    try:
        yield events
    finally:
        remove()


def capture_states(hass: HomeAssistant, entity_id: str) -> list[State]:
    """Return a list that collects an entity's new states."""
    states: list[State] = []

    @callback
    def handle_change(event: Event[EventStateChangedData]) -> None:
        if (state := event.data["new_state"]) is not None:
            states.append(state)

    async_track_state_change_event(hass, entity_id, handle_change)
    return states


def state_of(hass: HomeAssistant, entity_id: str) -> State:
    """Return the state of an entity that must exist."""
    state = hass.states.get(entity_id)
    assert state is not None
    return state


async def wait_for_state(
    hass: HomeAssistant, entity_id: str, expected: str | Callable[[State], bool]
) -> State:
    """Return an entity's state, once it is as expected."""
    found = asyncio.Event()

    def is_expected(state: State | None) -> bool:
        if state is None:
            return False
        return expected(state) if callable(expected) else state.state == expected

    @callback
    def handle_change(event: Event[EventStateChangedData]) -> None:
        if is_expected(event.data["new_state"]):
            found.set()

    remove = async_track_state_change_event(hass, entity_id, handle_change)
    try:
        if not is_expected(hass.states.get(entity_id)):
            async with asyncio.timeout(TIMEOUT):
                await found.wait()
    finally:
        remove()
    return state_of(hass, entity_id)


async def wait_until(condition: Callable[[], bool]) -> None:
    """Poll until a condition holds that nothing reports."""
    async with asyncio.timeout(TIMEOUT):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def wait_for_begin(entry: ConfigEntry) -> None:
    """Wait until a new project has read its past logs.

    From now on it delivers logs.
    """
    coordinator = entry.runtime_data
    await wait_until(
        lambda: coordinator.feed.resume_point is not None and not coordinator.is_new
    )


async def wait_for_live_logs(entry: ConfigEntry) -> None:
    """Wait for an open stream and no gap.

    The next log comes over the stream.
    """
    feed = entry.runtime_data.feed
    await wait_until(lambda: feed.stream_state is StreamState.OPEN and not feed.has_gap)
