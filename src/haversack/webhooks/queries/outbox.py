"""Writes into the outbox: events, their deliveries, and replays."""

from datetime import datetime

from sqlalchemy import Text, and_, bindparam, func, insert, literal, or_, select
from sqlalchemy.types import BigInteger, DateTime

from haversack.database.engine import Session
from haversack.webhooks.events import QUESTIONS
from haversack.webhooks.records import AT_ONCE, NEVER, DeliveryStatus, FailureReason, Purpose
from haversack.webhooks.tables import webhook_deliveries as deliveries
from haversack.webhooks.tables import webhook_endpoints as endpoints
from haversack.webhooks.tables import webhook_events as events

_MOMENT = DateTime(timezone=True)

_new_event = (
    insert(events)
    .values(
        project_id=bindparam("project"),
        event_id=bindparam("event"),
        event_type=bindparam("type"),
        body=bindparam("body"),
        player_key=bindparam("player"),
        reference=bindparam("reference"),
        created_at=bindparam("now"),
    )
    .returning(events.c.project_id, events.c.event_id, events.c.player_key, events.c.created_at)
    .cte("new_event")
)
# Event and delivery in one statement: publishing stands in the transactions of every purchase.
ADD_EVENT_AND_DELIVERY = (
    insert(deliveries)
    .from_select(
        [
            "project_id",
            "event_id",
            "player_key",
            "created_at",
            "purpose",
            "status",
            "reason",
            "code",
            "message",
            "attempts_made",
            "next_attempt_at",
            "after_delivery_id",
            "settled_at",
        ],
        select(
            _new_event,
            bindparam("purpose", type_=Text),
            bindparam("status", type_=Text),
            bindparam("reason", type_=Text),
            bindparam("code", type_=Text),
            bindparam("message", type_=Text),
            bindparam("attempts_made", type_=deliveries.c.attempts_made.type),
            bindparam("next_attempt_at", type_=_MOMENT),
            bindparam("after", type_=BigInteger),
            bindparam("settled_at", type_=_MOMENT),
        ),
    )
    .returning(deliveries.c.delivery_id)
)
# The lock waits for the worker that may be recording the result right now.
LOCK_STATUS = (
    select(deliveries.c.status, deliveries.c.purpose)
    .where(deliveries.c.project_id == bindparam("project"), deliveries.c.delivery_id == bindparam("delivery"))
    .with_for_update(read=True)
)
_own = (
    select(endpoints.c.purpose)
    .where(endpoints.c.project_id == deliveries.c.project_id, endpoints.c.purpose == deliveries.c.purpose)
    .scalar_subquery()
)
_chosen = and_(
    deliveries.c.project_id == bindparam("project"),
    or_(
        bindparam("delivery", type_=BigInteger).is_(None),
        deliveries.c.delivery_id >= bindparam("delivery", type_=BigInteger),
    ),
    or_(
        bindparam("last_delivery", type_=BigInteger).is_(None),
        deliveries.c.delivery_id <= bindparam("last_delivery", type_=BigInteger),
    ),
    or_(
        bindparam("since", type_=_MOMENT).is_(None),
        deliveries.c.created_at >= bindparam("since", type_=_MOMENT),
    ),
    or_(
        bindparam("wanted_status", type_=Text).is_(None),
        deliveries.c.status == bindparam("wanted_status", type_=Text),
    ),
    # What still waits will be sent anyway; questions are asked anew by the request that needs them.
    deliveries.c.settled_at.is_not(None),
    *(events.c.event_type != question.name for question in QUESTIONS),
)
ADD_REPLAYS = (
    insert(deliveries)
    .from_select(
        [
            "project_id",
            "event_id",
            "player_key",
            "purpose",
            "status",
            "next_attempt_at",
            "replay_of",
            "created_at",
        ],
        select(
            deliveries.c.project_id,
            deliveries.c.event_id,
            deliveries.c.player_key,
            func.coalesce(_own, Purpose.STORE.value),
            literal(DeliveryStatus.PENDING.value),
            literal(AT_ONCE, type_=_MOMENT),
            deliveries.c.delivery_id,
            bindparam("now", type_=_MOMENT),
        )
        .join_from(
            deliveries,
            events,
            and_(events.c.project_id == deliveries.c.project_id, events.c.event_id == deliveries.c.event_id),
        )
        .where(_chosen)
        .order_by(deliveries.c.delivery_id),
    )
    .returning(deliveries.c.delivery_id)
)


async def add_delivery(
    db: Session,
    *,
    project_id: int,
    event_id: str,
    event_type: str,
    body: bytes,
    player_key: str,
    reference: str | None,
    purpose: Purpose,
    now: datetime,
    status: DeliveryStatus = DeliveryStatus.PENDING,
    reason: FailureReason | None = None,
    code: str | None = None,
    message: str = "",
    after: int | None = None,
    attempts_made: int = 0,
) -> int:
    """Add an event with its delivery, due at once unless it is withheld, and return the delivery's id."""
    is_settled = status not in (DeliveryStatus.PENDING, DeliveryStatus.WITHHELD)
    return int(
        await db.fetch_value(
            ADD_EVENT_AND_DELIVERY,
            project=project_id,
            event=event_id,
            type=event_type,
            body=body,
            player=player_key,
            reference=reference,
            now=now,
            purpose=purpose,
            status=status,
            reason=reason,
            code=code,
            message=message,
            attempts_made=attempts_made,
            next_attempt_at=NEVER if status is DeliveryStatus.WITHHELD else AT_ONCE,
            after=after,
            settled_at=now if is_settled else None,
        )
    )


async def lock_status(db: Session, project_id: int, delivery_id: int) -> tuple[DeliveryStatus, Purpose] | None:
    """How far a delivery is and in which lane, not to change before this transaction ends; None: unknown."""
    row = await db.fetch_one(LOCK_STATUS, project=project_id, delivery=delivery_id)
    return None if row is None else (DeliveryStatus(row["status"]), Purpose(row["purpose"]))


async def add_replays(
    db: Session,
    project_id: int,
    *,
    now: datetime,
    first_delivery_id: int | None = None,
    last_delivery_id: int | None = None,
    since: datetime | None = None,
    status: DeliveryStatus | None = None,
) -> list[int]:
    """Send settled events of a project again, under their old ids and in their old order; return the new deliveries.

    Chosen are the deliveries between two ids, made since a moment of the project's time, of a status; None
    chooses all. Questions are not replayed: nobody waits for the answer any more.
    """
    rows = await db.fetch_all(
        ADD_REPLAYS,
        project=project_id,
        delivery=first_delivery_id,
        last_delivery=last_delivery_id,
        since=since,
        wanted_status=status,
        now=now,
    )
    return [int(row["delivery_id"]) for row in rows]
