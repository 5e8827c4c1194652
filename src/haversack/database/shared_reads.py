"""Reads what many ask for at once: one statement for all who ask while the one before is under way.

A read of its own costs three times what its statement does: taking a connection, and going there and back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar

from haversack.database.engine import Database, Session

READ_AT_ONCE_MAX = 200

Key = TypeVar("Key", bound=Hashable)
Asked = TypeVar("Asked", bound=Hashable)
Value = TypeVar("Value")

# Reads for several what one key asks for, each row by its key; those who have nothing may be missing.
ReadAll = Callable[[Session, Key, Sequence[Asked]], Awaitable[Mapping[Asked, Value]]]


class SharedReads(Generic[Key, Asked, Value]):
    """Reads of one kind. What is asked for with one key (a project, a page) is read together; nobody gets what was read
    before they asked."""

    def __init__(self, database: Database, read_all: ReadAll[Key, Asked, Value], *, nothing: Value) -> None:
        self._database = database
        self._read_all = read_all
        self._nothing = nothing
        self._waiting: dict[Key, dict[Asked, list[asyncio.Future[Value]]]] = {}
        self._reading: dict[Key, asyncio.Task[None]] = {}

    async def read(self, key: Key, asked: Asked) -> Value:
        """What there is of it; `nothing` where there is nothing."""
        future: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, {}).setdefault(asked, []).append(future)
        if key not in self._reading:
            self._reading[key] = asyncio.create_task(self._read_waiting(key), name="shared reads")
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
        taken: list[tuple[Asked, asyncio.Future[Value]]] = []
        try:
            async with db.keep_connection(reads_by_keys=True):
                while self._waiting[key]:
                    # Whoever is asking in this turn of the loop too shares the statement.
                    await asyncio.sleep(0)
                    chosen, taken = self._take_waiting(key)
                    found = await self._read_all(db, key, chosen)
                    for asked, future in taken:
                        # Whoever has gone meanwhile waits no more.
                        if not future.done():
                            future.set_result(found.get(asked, self._nothing))
                    taken = []
        except Exception as error:
            for _, future in taken or self._take_waiting(key)[1]:
                if not future.done():
                    future.set_exception(error)

    def _take_waiting(self, key: Key) -> "tuple[list[Asked], list[tuple[Asked, asyncio.Future[Value]]]]":
        """As much as is read at once, and who asks for it."""
        waiting = self._waiting[key]
        chosen = list(islice(waiting, READ_AT_ONCE_MAX))
        return chosen, [(asked, future) for asked in chosen for future in waiting.pop(asked)]
