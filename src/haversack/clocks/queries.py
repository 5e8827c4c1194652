"""Statements of players' own clocks, of the turn to move a project's clock, and of what is kept at a freeze."""

from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import insert

from haversack.clocks.records import Snapshot
from haversack.clocks.tables import clock_snapshots as snapshots
from haversack.clocks.tables import player_clocks
from haversack.database.engine import Session

# One call at a time moves a project's clock; its transaction holds the turn.
TAKE_TURN = text("SELECT pg_try_advisory_xact_lock(hashtextextended('clock', :project))")
_one_player = (
    player_clocks.c.project_id == bindparam("project"),
    player_clocks.c.player_id == bindparam("player"),
)
FIND_OFFSET = select(player_clocks.c.offset_seconds).where(*_one_player)
_set = insert(player_clocks).values(
    project_id=bindparam("project"), player_id=bindparam("player"), offset_seconds=bindparam("seconds")
)
SET_OFFSET = _set.on_conflict_do_update(
    index_elements=["project_id", "player_id"], set_={"offset_seconds": _set.excluded.offset_seconds}
)
FORGET_OFFSET = delete(player_clocks).where(*_one_player)
FIND_SNAPSHOT = select(snapshots).where(snapshots.c.project_id == bindparam("project"))
FORGET_SNAPSHOT = delete(snapshots).where(snapshots.c.project_id == bindparam("project"))
ADD_SNAPSHOT = insert(snapshots).values(
    project_id=bindparam("project"),
    frozen_at=bindparam("now"),
    schema_revision=bindparam("revision"),
    row_count=0,
)
COUNT_ROWS = (
    snapshots.update().where(snapshots.c.project_id == bindparam("project")).values(row_count=bindparam("rows"))
)
# Only this very transaction may delete rows of the project's books (database/migrations, `keep_row`).
BEGIN_RESTORING = text(
    "UPDATE clock_snapshots SET restored_by = pg_current_xact_id()::text WHERE project_id = :project"
)
END_RESTORING = text("UPDATE clock_snapshots SET restored_by = NULL WHERE project_id = :project")


def _snapshot(row: asyncpg.Record) -> Snapshot:
    return Snapshot(row["frozen_at"], row["schema_revision"], row["row_count"])


async def take_turn(db: Session, project_id: int) -> bool:
    """Whether the caller's transaction may move the project's clock, until it ends."""
    return bool(await db.fetch_value(TAKE_TURN, project=project_id))


async def find_offset(db: Session, project_id: int, player_id: UUID) -> int:
    """How many seconds a player's time lies ahead of the project's."""
    return int(await db.fetch_value(FIND_OFFSET, project=project_id, player=player_id) or 0)


async def set_offset(db: Session, project_id: int, player_id: UUID, seconds: int) -> None:
    """Give a player a time of their own; 0 takes it away."""
    if seconds:
        await db.execute(SET_OFFSET, project=project_id, player=player_id, seconds=seconds)
    else:
        await db.execute(FORGET_OFFSET, project=project_id, player=player_id)


async def find_snapshot(db: Session, project_id: int) -> Snapshot | None:
    """What the project can go back to."""
    row = await db.fetch_one(FIND_SNAPSHOT, project=project_id)
    return None if row is None else _snapshot(row)


async def renew_snapshot(db: Session, project_id: int, *, now: datetime, schema_revision: str) -> None:
    """Begin a snapshot in the place of the one before."""
    await db.execute(FORGET_SNAPSHOT, project=project_id)
    await db.execute(ADD_SNAPSHOT, project=project_id, now=now, revision=schema_revision)


async def count_rows(db: Session, project_id: int, rows: int) -> None:
    """Say how many rows a snapshot has."""
    await db.execute(COUNT_ROWS, project=project_id, rows=rows)


async def begin_restoring(db: Session, project_id: int) -> None:
    """Let the caller's transaction, and no other, delete rows of the project's books."""
    await db.execute(BEGIN_RESTORING, project=project_id)


async def end_restoring(db: Session, project_id: int) -> None:
    """Keep the rows again."""
    await db.execute(END_RESTORING, project=project_id)
