"""Keeps the rush for one limited item, or of one player, from taking all connections of a process.

Orders of a limited item wait for each other at its row in the database, one commit after another. Without a gate each
of them would wait there with a connection of its own, and everything else in the process, the catalog of other projects
too, would find none.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID
from weakref import WeakKeyDictionary

from haversack.database.engine import Database, DatabaseAway, Session

# Orders of one item that are in the database at once: one changes the row, the others are on their way to it.
AT_ONCE = 4
SECONDS_MAX = 30.0


@dataclass(slots=True)
class _Gate:
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    users: int = 0
    # What those who went through have done, for those who still wait.
    done: set[Hashable] = field(default_factory=set)


# By project and item, or player.
_Key = tuple[int, int | UUID]
_gates: WeakKeyDictionary[Database, dict[_Key, _Gate]] = WeakKeyDictionary()


@asynccontextmanager
async def through_gates(db: Session, project_id: int, item_ids: Sequence[int]) -> AsyncIterator[None]:
    """Wait until few enough others are at work for these limited items, in the order of arrival; DatabaseAway after
    half a minute. Who holds a connection already must not keep it here, and goes through."""
    if not item_ids or db.in_transaction:
        yield
        return
    gates = _gates.setdefault(db.database, {})
    async with AsyncExitStack() as entered:
        try:
            async with asyncio.timeout(SECONDS_MAX):
                for item_id in sorted(set(item_ids)):
                    await entered.enter_async_context(_through(gates, (project_id, item_id)))
        except TimeoutError:
            raise DatabaseAway("too many orders wait for one limited item") from None
        yield


@asynccontextmanager
async def through_player_gate(db: Session, project_id: int, player_id: UUID) -> AsyncIterator[set[Hashable]]:
    """The same for what takes a player's turn and comes in numbers: a button that is pressed a thousand times.

    Gives what was done by others while somebody waited here, so that who wants the same need not ask the database.
    """
    if db.in_transaction:
        # Who holds a connection already must not keep it here.
        yield set()
        return
    gates = _gates.setdefault(db.database, {})
    async with AsyncExitStack() as entered:
        try:
            async with asyncio.timeout(SECONDS_MAX):
                done = await entered.enter_async_context(_through(gates, (project_id, player_id)))
        except TimeoutError:
            raise DatabaseAway("too many calls wait for one player's turn") from None
        yield done


@asynccontextmanager
async def _through(gates: dict[_Key, _Gate], key: _Key) -> AsyncIterator[set[Hashable]]:
    gate = gates.setdefault(key, _Gate())
    gate.users += 1
    try:
        async with gate.places:
            yield gate.done
    finally:
        gate.users -= 1
        if not gate.users:
            del gates[key]
