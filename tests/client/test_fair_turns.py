"""Test the fair sharing of turns."""

import asyncio
from contextlib import suppress

import pytest

from custom_components.golioth.client.exceptions import (
    GoliothBusyError,
    GoliothClosedError,
)
from custom_components.golioth.client.fair_turns import FairTurns


class Users:
    """Callers that take turns.

    Attributes:
        served: The names of callers that had a turn, in order.
    """

    def __init__(self, turns: FairTurns) -> None:
        """Start without callers."""
        self.served: list[str] = []
        self._turns = turns
        self._has_turn = False

    async def _take(self, name: str) -> None:
        async with self._turns.take(name[0]):
            assert not self._has_turn
            self._has_turn = True
            try:
                await asyncio.sleep(0)
                self.served.append(name)
            finally:
                self._has_turn = False

    async def ask(self, *names: str) -> list[asyncio.Task[None]]:
        """Request turns in order; return the waiting tasks.

        Args:
            names: The callers; the first letter of each is its owner.
        """
        tasks = []
        for name in names:
            tasks.append(asyncio.create_task(self._take(name)))
            await asyncio.sleep(0)
        return tasks


@pytest.fixture
def turns() -> FairTurns:
    """Return turns with low limits."""
    return FairTurns(max_waiting=5, max_waiting_each=3)


@pytest.fixture
def users(turns: FairTurns) -> Users:
    """Return the callers."""
    return Users(turns)


async def test_alternately(turns: FairTurns, users: Users) -> None:
    """Turns alternate between owners."""
    async with turns.take("a"):
        tasks = await users.ask("a1", "a2", "a3", "b1", "c1")
    await asyncio.gather(*tasks)
    assert users.served == ["b1", "a1", "c1", "a2", "a3"]
    # The turn is free now.
    await asyncio.gather(*await users.ask("d1"))


async def test_bounded(turns: FairTurns, users: Users) -> None:
    """Too many waiting callers, per owner or in total, fail."""
    async with turns.take("a"):
        tasks = await users.ask("a1", "a2", "a3", "a4", "b1", "b2", "c1", "d1")
        refused = [task for task in tasks if task.done()]
        assert [type(task.exception()) for task in refused] == [GoliothBusyError] * 3
        assert refused == [tasks[3], tasks[6], tasks[7]]
    await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(users.served) == ["a1", "a2", "a3", "b1", "b2"]


@pytest.mark.parametrize("after", [0, 1, 2])
async def test_cancelled_caller(turns: FairTurns, users: Users, after: int) -> None:
    """A cancelled caller frees its turn, and leaves no state.

    It is cancelled while waiting, or when it gets the turn.
    """
    async with turns.take("a"):
        tasks = await users.ask("b1", "b2", "c1")
        if not after:
            tasks[0].cancel()
    for _ in range(after - 1):
        await asyncio.sleep(0)
    tasks[0].cancel()
    with suppress(asyncio.CancelledError):
        await tasks[0]
    await asyncio.gather(*tasks[1:])
    assert set(users.served) >= {"b2", "c1"}
    assert not turns._waiting
    assert not turns._taken


async def test_several_at_a_time() -> None:
    """An owner has only a part of the turns."""
    turns = FairTurns(max_waiting=9, max_waiting_each=9, max_taken=3, max_taken_each=2)
    began: list[str] = []
    may_end = {name: asyncio.Event() for name in ("a1", "a2", "a3", "a4", "b1", "c1")}

    async def take(name: str) -> None:
        async with turns.take(name[0]):
            began.append(name)
            await may_end[name].wait()

    async def let(*names: str) -> None:
        for name in names:
            may_end[name].set()
        for _ in range(5):
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(take(name)) for name in may_end]
    await let()
    assert began == ["a1", "a2", "b1"]
    # The turn of another owner goes to the others, too.
    await let("b1")
    assert began[3:] == ["c1"]
    await let("c1")
    assert not began[4:]
    await let("a1")
    assert began[4:] == ["a3"]
    await let(*may_end)
    await asyncio.gather(*tasks)
    assert began[5:] == ["a4"]
    assert not turns._taken


async def test_all_waiting_callers_cancelled(turns: FairTurns, users: Users) -> None:
    """A turn is free after all waiting callers are cancelled."""
    async with turns.take("a"):
        tasks = await users.ask("b1", "c1")
        for task in tasks:
            task.cancel()
    await asyncio.wait(tasks)
    await asyncio.gather(*await users.ask("d1"))
    assert users.served == ["d1"]


async def test_closed(turns: FairTurns, users: Users) -> None:
    """Closing rejects waiting and new callers at once."""
    async with turns.take("a"):
        tasks = await users.ask("a1", "b1")
        turns.close()
        tasks += await users.ask("c1")
        found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in found] == [GoliothClosedError] * 3
    assert not users.served
