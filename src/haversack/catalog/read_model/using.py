"""Reads what players have used: one statement for all who ask while the one before is under way."""

import asyncio
from uuid import UUID

from haversack.catalog.read_model.queries import list_player_uses
from haversack.catalog.read_model.records import PlayerUses
from haversack.database.engine import Database

PLAYERS_AT_ONCE_MAX = 200


class UsesReader:
    """Reads of one project's uses. Nobody gets what was read before they asked."""

    def __init__(self, database: Database, project_id: int) -> None:
        self._database = database
        self._project_id = project_id
        self._waiting: dict[UUID, list[asyncio.Future[dict[int, PlayerUses]]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def read(self, player_id: UUID) -> dict[int, PlayerUses]:
        """What a player has used, by item id."""
        future: asyncio.Future[dict[int, PlayerUses]] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(player_id, []).append(future)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_waiting(), name="uses of limits")
        return await future

    async def _read_waiting(self) -> None:
        try:
            while self._waiting:
                chosen = list(self._waiting)[:PLAYERS_AT_ONCE_MAX]
                asked = [(player_id, future) for player_id in chosen for future in self._waiting.pop(player_id)]
                try:
                    found = await list_player_uses(self._database.session(), self._project_id, chosen)
                except Exception as error:
                    for _, future in asked:
                        if not future.done():
                            future.set_exception(error)
                else:
                    for player_id, future in asked:
                        # Whoever has gone meanwhile waits no more.
                        if not future.done():
                            future.set_result(found.get(player_id, {}))
        finally:
            self._reading = None
