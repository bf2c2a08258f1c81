"""Shrink a failing history while it fails the same check."""

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

from .history import HOUR, Action, History

type Fails = Callable[[History], float | None]


def shrink(
    history: History,
    fails: Fails,
    *,
    seconds: float,
    on_step: Callable[[History], None] = lambda _: None,
) -> History:
    """Return the shortest failing history found.

    Args:
        history: A failing history.
        fails: Returns the simulated second at which a history fails, or None.
        seconds: Real seconds to search.
        on_step: Called with each shorter history.
    """
    deadline = perf_counter() + seconds
    best = history

    def attempt(candidate: History) -> bool:
        nonlocal best
        if perf_counter() >= deadline or fails(candidate) is None:
            return False
        best = candidate
        on_step(candidate)
        return True

    if (moment := fails(history)) is None:
        return history
    # Nothing after the failure can have caused it.
    for hours in (
        moment / HOUR + 0.02,
        moment / HOUR + 0.5,
        moment / HOUR + 2,
    ):
        if hours < best.hours and attempt(_cut(best, hours)):
            break
    is_shorter = True
    while is_shorter and perf_counter() < deadline:
        before = len(best.actions), best.hours
        _remove_actions(lambda: best, attempt, deadline)
        _shorten_actions(lambda: best, attempt, deadline)
        for share in (0.5, 0.8):
            attempt(_cut(best, best.hours * share))
            attempt(_begin_earlier(best, share))
        is_shorter = (len(best.actions), best.hours) != before
    return best


def _cut(history: History, hours: float) -> History:
    """Return a history without everything after some hours."""
    hours = round(hours, 3)
    seconds = hours * HOUR
    actions = [
        replace(each, duration=round(min(each.duration, seconds - each.start), 3))
        for each in history.actions
        if each.start < seconds
    ]
    return replace(history, hours=hours, actions=actions)


def _begin_earlier(history: History, share: float) -> History:
    """Return a history with less time before its first action."""
    settings = history.settings
    first = min((each.start for each in history.actions), default=0.0)
    shift = round(max(first - settings["start"] - 1, 0.0) * share, 3)
    actions = [
        replace(each, start=round(each.start - shift, 3)) for each in history.actions
    ]
    hours = round(history.hours - shift / HOUR, 3)
    return replace(history, hours=hours, actions=actions)


def _remove_actions(
    best: Callable[[], History], attempt: Callable[[History], bool], deadline: float
) -> None:
    """Remove actions, many at first and then one by one."""
    size = max(len(best().actions) // 2, 1)
    while perf_counter() < deadline:
        start = 0
        while start < len(best().actions) and perf_counter() < deadline:
            actions = best().actions
            kept = actions[:start] + actions[start + size :]
            if not attempt(replace(best(), actions=kept)):
                start += size
        if size == 1:
            return
        size = max(size // 2, 1)


def _shorten_actions(
    best: Callable[[], History], attempt: Callable[[History], bool], deadline: float
) -> None:
    """Shorten actions, and reduce traffic."""
    for index in range(len(best().actions)):
        if perf_counter() >= deadline:
            return
        action = best().actions[index]
        for shorter in _shorter(action):
            actions = list(best().actions)
            actions[index] = shorter
            if attempt(replace(best(), actions=actions)):
                break


def _shorter(action: Action) -> list[Action]:
    found = []
    if action.duration > 4:
        found.append(replace(action, duration=round(action.duration / 4, 3)))
    if action.rate > 1:
        found.append(replace(action, rate=round(action.rate / 10, 4)))
    return found
