"""Reads and writes of the Event API: what a player's game has not taken yet."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import Interval, Text, and_, bindparam, delete, exists, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert

from haversack.database.engine import Session
from haversack.orders.tables import processed_events as processed
from haversack.webhooks.records import DeliveryStatus
from haversack.webhooks.tables import webhook_deliveries as deliveries
from haversack.webhooks.tables import webhook_events as events

LISTED_MAX = 100
# Deliveries are kept for 90 days; what was processed is kept for longer than they are.
PROCESSED_KEPT = timedelta(days=91)

_is_processed = exists().where(
    processed.c.project_id == deliveries.c.project_id, processed.c.delivery_id == deliveries.c.delivery_id
)
_events_of_player = (
    select(deliveries.c.delivery_id, events.c.event_type, events.c.body, events.c.created_at)
    .join_from(
        events,
        deliveries,
        and_(deliveries.c.project_id == events.c.project_id, deliveries.c.event_id == events.c.event_id),
    )
    .where(
        events.c.project_id == bindparam("project"),
        events.c.player_key == bindparam("player"),
        # Written out, so that the planner knows that the partial index serves.
        events.c.event_type.in_([literal_column("'order_paid'", Text), literal_column("'order_canceled'", Text)]),
        # What leaves the Backpack waits for the answer to its webhook, and stays there without one.
        or_(events.c.reference.is_(None), events.c.reference.not_like(literal_column("'backpack:%'", Text))),
        deliveries.c.replay_of.is_(None),
    )
)
LIST_EVENTS = (
    _events_of_player.where(deliveries.c.status != DeliveryStatus.SUCCEEDED.value, ~_is_processed)
    .order_by(deliveries.c.delivery_id)
    .limit(LISTED_MAX)
)
FIND_EVENT = _events_of_player.where(deliveries.c.delivery_id == bindparam("delivery"))
ADD_PROCESSED = (
    insert(processed)
    .values(
        project_id=bindparam("project"),
        delivery_id=bindparam("delivery"),
        player_id=bindparam("player"),
        processed_at=bindparam("now"),
    )
    .on_conflict_do_nothing()
)
DELETE_PROCESSED = delete(processed).where(
    processed.c.processed_at < func.now() - bindparam("kept", type_=Interval),
    ~exists().where(
        deliveries.c.project_id == processed.c.project_id, deliveries.c.delivery_id == processed.c.delivery_id
    ),
)


@dataclass(frozen=True, slots=True)
class PulledEvent:
    """An event as its webhook has it. `event_id` is the number of its first delivery."""

    event_id: int
    event_type: str
    body: dict[str, Any]
    created_at: datetime

    @property
    def order_id(self) -> int:
        """The order that it tells of."""
        return int(self.body["order"]["id"])


def _event(row: asyncpg.Record) -> PulledEvent:
    return PulledEvent(row["delivery_id"], row["event_type"], orjson.loads(row["body"]), row["created_at"])


async def list_events(db: Session, project_id: int, player_id: UUID) -> list[PulledEvent]:
    """What no webhook was accepted for and nobody has processed, the oldest first, up to 100."""
    rows = await db.fetch_all(LIST_EVENTS, project=project_id, player=str(player_id))
    return [_event(row) for row in rows]


async def find_event(db: Session, project_id: int, player_id: UUID, event_id: int) -> PulledEvent | None:
    """An event of the player, processed or not; None: there is none."""
    row = await db.fetch_one(FIND_EVENT, project=project_id, player=str(player_id), delivery=event_id)
    return None if row is None else _event(row)


async def add_processed(db: Session, project_id: int, player_id: UUID, event_id: int, *, now: datetime) -> bool:
    """Remember that an event was processed; False where it was before."""
    return bool(await db.execute(ADD_PROCESSED, project=project_id, delivery=event_id, player=player_id, now=now))


async def prune_processed(db: Session) -> int:
    """Forget what was processed of events that are gone; how many."""
    return await db.execute(DELETE_PROCESSED, kept=PROCESSED_KEPT)
