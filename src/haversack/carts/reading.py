"""Reads carts: one statement for all who ask while the one before is under way."""

import asyncio
from itertools import islice
from uuid import UUID
from weakref import WeakKeyDictionary

from haversack.carts.queries import list_stored_carts
from haversack.carts.records import NEVER_FILLED, StoredCart
from haversack.database.engine import Database

CARTS_AT_ONCE_MAX = 200

_Key = tuple[UUID, str]


class CartReader:
    """Reads of one project's carts. Nobody gets what was read before they asked."""

    def __init__(self, database: Database, project_id: int) -> None:
        self._database = database
        self._project_id = project_id
        self._waiting: dict[_Key, list[asyncio.Future[StoredCart]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def read(self, owner_id: UUID, cart_id: str) -> StoredCart:
        """A cart with its owner's uses of limits."""
        future: asyncio.Future[StoredCart] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault((owner_id, cart_id), []).append(future)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_waiting(), name="carts")
        return await future

    async def _read_waiting(self) -> None:
        try:
            while self._waiting:
                await self._read_on_one_connection()
        finally:
            self._reading = None

    async def _read_on_one_connection(self) -> None:
        """Read until nobody waits. An error is for those whom it was met for, or who wait for a connection."""
        db = self._database.session()
        asked: _Asked = []
        try:
            async with db.keep_connection():
                while self._waiting:
                    chosen, asked = self._take_waiting()
                    found = await list_stored_carts(db, self._project_id, chosen)
                    for key, future in asked:
                        # Whoever has gone meanwhile waits no more.
                        if not future.done():
                            future.set_result(found.get(key, NEVER_FILLED))
                    asked = []
        except Exception as error:
            for _, future in asked or self._take_waiting()[1]:
                if not future.done():
                    future.set_exception(error)

    def _take_waiting(self) -> tuple[list[_Key], "_Asked"]:
        """As many carts as are read at once, and who asks for them."""
        chosen = list(islice(self._waiting, CARTS_AT_ONCE_MAX))
        return chosen, [(key, future) for key in chosen for future in self._waiting.pop(key)]


_Asked = list[tuple[_Key, "asyncio.Future[StoredCart]"]]
_readers: WeakKeyDictionary[Database, dict[int, CartReader]] = WeakKeyDictionary()


def cart_reader(database: Database, project_id: int) -> CartReader:
    """The reader of a project's carts in this process."""
    readers = _readers.get(database)
    if readers is None:
        readers = _readers[database] = {}
    found = readers.get(project_id)
    if found is None:
        found = readers[project_id] = CartReader(database, project_id)
    return found
