"""Reads of what players own: one statement for all who ask while the one before is under way.

A read of its own costs three times what its statement does: taking a connection, and going there and back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar
from uuid import UUID

from haversack.database.engine import Database, Session

PLAYERS_AT_ONCE_MAX = 200

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

# Reads for several players what one key asks for; players who have nothing may be missing.
ReadAll = Callable[[Session, Key, Sequence[UUID]], Awaitable[Mapping[UUID, Value]]]


class SharedReads(Generic[Key, Value]):
    """Reads of one kind. Players who ask with one key (a project, a page) are read together; nobody gets what was read
    before they asked."""

    def __init__(self, database: Database, read_all: ReadAll[Key, Value], *, nothing: Value) -> None:
        self._database = database
        self._read_all = read_all
        self._nothing = nothing
        self._waiting: dict[Key, dict[UUID, list[asyncio.Future[Value]]]] = {}
        self._reading: dict[Key, asyncio.Task[None]] = {}

    async def read(self, key: Key, player_id: UUID) -> Value:
        """What a player has."""
        future: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, {}).setdefault(player_id, []).append(future)
        if key not in self._reading:
            self._reading[key] = asyncio.create_task(self._read_waiting(key), name="reads of inventories")
        return await future

    async def _read_waiting(self, key: Key) -> None:
        try:
            while self._waiting.get(key):
                await self._read_on_one_connection(key)
        finally:
            self._waiting.pop(key, None)
            del self._reading[key]

    async def _read_on_one_connection(self, key: Key) -> None:
        """Read until nobody waits. An error is for those whom it was met for, or who wait for a connection."""
        db = self._database.session()
        asked: list[tuple[UUID, asyncio.Future[Value]]] = []
        try:
            async with db.keep_connection():
                while self._waiting[key]:
                    chosen, asked = self._take_waiting(key)
                    found = await self._read_all(db, key, chosen)
                    for player_id, future in asked:
                        # Whoever has gone meanwhile waits no more.
                        if not future.done():
                            future.set_result(found.get(player_id, self._nothing))
                    asked = []
        except Exception as error:
            for _, future in asked or self._take_waiting(key)[1]:
                if not future.done():
                    future.set_exception(error)

    def _take_waiting(self, key: Key) -> "tuple[list[UUID], list[tuple[UUID, asyncio.Future[Value]]]]":
        """As many players as are read at once, and who asks for them."""
        waiting = self._waiting[key]
        chosen = list(islice(waiting, PLAYERS_AT_ONCE_MAX))
        return chosen, [(player_id, future) for player_id in chosen for future in waiting.pop(player_id)]
