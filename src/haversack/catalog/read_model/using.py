"""Reads what players have used: one statement for all who ask while the one before is under way."""

import asyncio
from itertools import islice
from uuid import UUID

from haversack.catalog.read_model.queries import list_player_uses
from haversack.catalog.read_model.records import PackedUses
from haversack.database.engine import Database

PLAYERS_AT_ONCE_MAX = 200
NOTHING = PackedUses("")


class UsesReader:
    """Reads of one project's uses. Nobody gets what was read before they asked."""

    def __init__(self, database: Database, project_id: int) -> None:
        self._database = database
        self._project_id = project_id
        self._waiting: dict[UUID, list[asyncio.Future[PackedUses]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def read(self, player_id: UUID) -> PackedUses:
        """What a player has used; empty for nothing."""
        future: asyncio.Future[PackedUses] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(player_id, []).append(future)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_waiting(), name="uses of limits")
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
                    found = await list_player_uses(db, self._project_id, chosen)
                    for player_id, future in asked:
                        # Whoever has gone meanwhile waits no more.
                        if not future.done():
                            future.set_result(found.get(player_id, NOTHING))
                    asked = []
        except Exception as error:
            for _, future in asked or self._take_waiting()[1]:
                if not future.done():
                    future.set_exception(error)

    def _take_waiting(self) -> tuple[list[UUID], "_Asked"]:
        """As many players as are read at once, and who asks for them."""
        chosen = list(islice(self._waiting, PLAYERS_AT_ONCE_MAX))
        return chosen, [(player_id, future) for player_id in chosen for future in self._waiting.pop(player_id)]


_Asked = list[tuple[UUID, "asyncio.Future[PackedUses]"]]
