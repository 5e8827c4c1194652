"""Digests of the books: at intervals the heads that have moved go into one hash, chained to the digest before."""

from datetime import datetime

from sqlalchemy import text

from haversack.database.engine import Session

EVERY_SECONDS = 600.0
# Heads of one digest: their players wait while it is made.
HEADS_MAX = 10_000

LIST_PROJECTS = text("SELECT DISTINCT project_id FROM ledger_heads WHERE seq > digested ORDER BY project_id")
# Digests of a project follow each other, whichever process makes them.
TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended('ledger digest', :project))")
# Heads that are being moved are passed over: the next digest has them. Nobody is waited for, so nothing can lock up.
WRITE_DIGEST = text(
    """
    WITH moved AS (
        SELECT player_id FROM ledger_heads
        WHERE project_id = :project AND seq > digested
        ORDER BY player_id LIMIT :most FOR UPDATE SKIP LOCKED
    ), heads AS (
        UPDATE ledger_heads AS head SET digested = head.seq FROM moved
        WHERE head.project_id = :project AND head.player_id = moved.player_id
        RETURNING head.player_id, head.seq, head.hash
    )
    INSERT INTO ledger_digests (project_id, made_at, players, seqs, digest)
    SELECT :project, :now, array_agg(player_id ORDER BY player_id), array_agg(seq ORDER BY player_id),
           sha256(
               coalesce((SELECT digest FROM ledger_digests WHERE project_id = :project
                         ORDER BY digest_id DESC LIMIT 1), ''::bytea)
               || string_agg(uuid_send(player_id) || int8send(seq) || hash, ''::bytea ORDER BY player_id))
    FROM heads HAVING count(*) > 0
    RETURNING cardinality(players)
    """
)


async def write_digests(db: Session, now: datetime) -> int:
    """Write digests of all projects whose books have moved; how many. Harmless to run in several processes."""
    written = 0
    for row in await db.fetch_all(LIST_PROJECTS):
        written += await _write(db, row["project_id"], now)
    return written


async def _write(db: Session, project_id: int, now: datetime) -> int:
    written = 0
    while True:
        async with db.begin():
            if not await db.fetch_value(TRY_LOCK, project=project_id):
                return written
            count = await db.fetch_value(WRITE_DIGEST, project=project_id, most=HEADS_MAX, now=now)
        written += count is not None
        if count != HEADS_MAX:
            return written
