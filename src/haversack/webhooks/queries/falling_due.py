"""What stands at the heads of a project's lanes and when it is due: for jumps of the project's clock."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from haversack.database.engine import Session
from haversack.webhooks.records import Lane, Purpose

# What may be sent next: the first of each lane, or in native mode the first of each player of it.
_HEADS = """
SELECT purpose, delivery_id, attempts_made,
       CASE WHEN is_native THEN greatest(next_attempt_at, paused_until) ELSE next_attempt_at END AS due_at
FROM (
    SELECT DISTINCT ON (waiting.purpose, CASE WHEN mode.is_native THEN waiting.player_key END)
           waiting.purpose, waiting.delivery_id, waiting.attempts_made, waiting.next_attempt_at,
           mode.is_native, lane.paused_until
    FROM webhook_deliveries AS waiting
    JOIN (SELECT project_id, delivery_mode = 'native' AS is_native FROM projects) AS mode USING (project_id)
    LEFT JOIN webhook_lanes AS lane USING (project_id, purpose)
    WHERE waiting.project_id = :project AND waiting.settled_at IS NULL
    ORDER BY waiting.purpose, CASE WHEN mode.is_native THEN waiting.player_key END, waiting.delivery_id
) AS heads
"""
FIND_NEXT = text(f"SELECT min(due_at) FROM ({_HEADS}) AS due WHERE due_at > CAST(:after AS timestamptz)")  # noqa: S608
LIST_DUE = text(
    f"SELECT purpose, delivery_id, attempts_made FROM ({_HEADS}) AS due"  # noqa: S608
    " WHERE due_at <= CAST(:now AS timestamptz) ORDER BY due_at, delivery_id"
)


@dataclass(frozen=True, slots=True)
class DueHead:
    """A delivery that is due and before which nothing waits."""

    lane: Lane
    delivery_id: int
    attempts_made: int


async def find_next_delivery(db: Session, project_id: int, *, after: datetime) -> datetime | None:
    """When the next delivery of a project is due, later than a moment of the project's time."""
    found: datetime | None = await db.fetch_value(FIND_NEXT, project=project_id, after=after)
    return found


async def list_due_heads(db: Session, project_id: int, *, now: datetime) -> list[DueHead]:
    """What of a project is due at a moment, the longest due first."""
    rows = await db.fetch_all(LIST_DUE, project=project_id, now=now)
    return [
        DueHead(Lane(project_id, Purpose(row["purpose"])), row["delivery_id"], row["attempts_made"]) for row in rows
    ]
