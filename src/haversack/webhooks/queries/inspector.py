"""Reads for whoever looks at deliveries: one with everything about it, lists, and how far one is."""

from collections.abc import Mapping
from datetime import datetime

import asyncpg
from sqlalchemy import BigInteger, DateTime, Integer, Text, and_, bindparam, or_, select

from haversack.database.engine import Session
from haversack.webhooks.records import (
    Attempt,
    DeliveryRow,
    DeliveryState,
    DeliveryStatus,
    FailureReason,
    Inspected,
    Lane,
    Purpose,
)
from haversack.webhooks.tables import webhook_attempts as attempts
from haversack.webhooks.tables import webhook_deliveries as deliveries
from haversack.webhooks.tables import webhook_events as events

_MOMENT = DateTime(timezone=True)

FIND_STATE = select(
    deliveries.c.purpose, deliveries.c.status, deliveries.c.reason, deliveries.c.code, deliveries.c.message
).where(deliveries.c.project_id == bindparam("project"), deliveries.c.delivery_id == bindparam("delivery"))
_delivery_and_event = select(deliveries, events.c.event_type, events.c.reference).join_from(
    deliveries,
    events,
    and_(events.c.project_id == deliveries.c.project_id, events.c.event_id == deliveries.c.event_id),
)
LIST_DELIVERIES = (
    _delivery_and_event.where(
        or_(
            bindparam("project", type_=Integer).is_(None),
            deliveries.c.project_id == bindparam("project", type_=Integer),
        ),
        or_(
            bindparam("wanted_status", type_=Text).is_(None),
            deliveries.c.status == bindparam("wanted_status", type_=Text),
        ),
        or_(
            bindparam("since", type_=_MOMENT).is_(None),
            deliveries.c.created_at >= bindparam("since", type_=_MOMENT),
        ),
    )
    .order_by(deliveries.c.delivery_id.desc())
    .limit(bindparam("count", type_=Integer))
)
# Delivery ids come from one sequence, so an operator may name one without its project.
FIND_DELIVERY = _delivery_and_event.add_columns(events.c.body).where(
    or_(
        bindparam("project", type_=Integer).is_(None),
        deliveries.c.project_id == bindparam("project", type_=Integer),
    ),
    deliveries.c.delivery_id == bindparam("delivery", type_=BigInteger),
)
LIST_ATTEMPTS = (
    select(attempts)
    .where(attempts.c.project_id == bindparam("project"), attempts.c.delivery_id == bindparam("delivery"))
    .order_by(attempts.c.attempt_no)
)


def _row(row: asyncpg.Record) -> DeliveryRow:
    return DeliveryRow(
        project_id=row["project_id"],
        delivery_id=row["delivery_id"],
        event_id=row["event_id"],
        event_type=row["event_type"],
        purpose=Purpose(row["purpose"]),
        player_key=row["player_key"],
        reference=row["reference"],
        status=DeliveryStatus(row["status"]),
        reason=None if row["reason"] is None else FailureReason(row["reason"]),
        code=row["code"],
        message=row["message"],
        attempts_made=row["attempts_made"],
        next_attempt_at=row["next_attempt_at"],
        after_delivery_id=row["after_delivery_id"],
        replay_of=row["replay_of"],
        created_at=row["created_at"],
        settled_at=row["settled_at"],
    )


def _attempt(row: asyncpg.Record) -> Attempt:
    headers: Mapping[str, str] = row["request_headers"]
    return Attempt(
        attempt_no=row["attempt_no"],
        started_at=row["started_at"],
        duration_ms=row["duration_ms"],
        request_url=row["request_url"],
        request_headers=headers,
        reply_status=row["reply_status"],
        reply_headers=row["reply_headers"],
        reply_body=row["reply_body"],
        is_private_target=row["is_private_target"],
        failure=row["failure"],
        failure_reason=row["failure_reason"],
    )


async def find_state(db: Session, project_id: int, delivery_id: int) -> tuple[Lane, DeliveryState] | None:
    """How far a delivery is and in which lane, or None where there is none of this id."""
    row = await db.fetch_one(FIND_STATE, project=project_id, delivery=delivery_id)
    if row is None:
        return None
    reason = None if row["reason"] is None else FailureReason(row["reason"])
    state = DeliveryState(DeliveryStatus(row["status"]), reason, row["code"], row["message"])
    return Lane(project_id, Purpose(row["purpose"])), state


async def list_deliveries(
    db: Session,
    *,
    project_id: int | None = None,
    status: DeliveryStatus | None = None,
    since: datetime | None = None,
    count: int,
) -> list[DeliveryRow]:
    """The newest deliveries first, of one project or of all, of one status, made since then."""
    rows = await db.fetch_all(LIST_DELIVERIES, project=project_id, wanted_status=status, since=since, count=count)
    return [_row(row) for row in rows]


async def find_delivery(db: Session, delivery_id: int, *, project_id: int | None = None) -> Inspected | None:
    """A delivery with its body and every attempt, or None."""
    row = await db.fetch_one(FIND_DELIVERY, project=project_id, delivery=delivery_id)
    if row is None:
        return None
    found = await db.fetch_all(LIST_ATTEMPTS, project=row["project_id"], delivery=delivery_id)
    return Inspected(_row(row), row["body"], tuple(_attempt(each) for each in found))
