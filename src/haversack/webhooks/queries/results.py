"""Writes of what came of deliveries: attempts, results, and what hangs on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Integer,
    Interval,
    Text,
    and_,
    bindparam,
    column,
    delete,
    func,
    insert,
    select,
    update,
)

from haversack.database.engine import Session
from haversack.projects.tables import project_now, projects
from haversack.webhooks.records import (
    AT_ONCE,
    Attempt,
    DeliveryState,
    DeliveryStatus,
    FailureReason,
    Lane,
    Purpose,
    SettledDelivery,
)
from haversack.webhooks.tables import webhook_attempts as attempts
from haversack.webhooks.tables import webhook_deliveries as deliveries
from haversack.webhooks.tables import webhook_events as events

PRUNED_AT_ONCE_MAX = 1000
PREDECESSOR_FAILED = "The delivery that this one waited for has failed."

_MOMENT = DateTime(timezone=True)

ADD_ATTEMPT = insert(attempts).values(
    project_id=bindparam("project"),
    delivery_id=bindparam("delivery"),
    attempt_no=bindparam("attempt_no"),
    started_at=bindparam("started_at"),
    duration_ms=bindparam("duration_ms"),
    request_url=bindparam("request_url"),
    request_headers=bindparam("request_headers"),
    reply_status=bindparam("reply_status"),
    reply_headers=bindparam("reply_headers"),
    reply_body=bindparam("reply_body"),
    is_private_target=bindparam("is_private_target"),
    failure=bindparam("failure"),
    failure_reason=bindparam("failure_reason"),
)
_changes = (
    func.unnest(
        bindparam("ids", type_=ARRAY(BigInteger)),
        bindparam("statuses", type_=ARRAY(Text)),
        bindparam("reasons", type_=ARRAY(Text)),
        bindparam("codes", type_=ARRAY(Text)),
        bindparam("messages", type_=ARRAY(Text)),
        bindparam("attempts", type_=ARRAY(Integer)),
        bindparam("next_times", type_=ARRAY(_MOMENT)),
        bindparam("settled_times", type_=ARRAY(_MOMENT)),
    )
    .table_valued(
        column("delivery_id", BigInteger),
        column("status", Text),
        column("reason", Text),
        column("code", Text),
        column("message", Text),
        column("attempts_made", Integer),
        column("next_attempt_at", _MOMENT),
        column("settled_at", _MOMENT),
        name="changes",
    )
    .render_derived()
)
SAVE_RESULTS = (
    update(deliveries)
    .where(
        deliveries.c.project_id == bindparam("project"),
        deliveries.c.delivery_id == _changes.c.delivery_id,
        deliveries.c.settled_at.is_(None),
    )
    .values(
        status=_changes.c.status,
        reason=_changes.c.reason,
        code=_changes.c.code,
        message=_changes.c.message,
        attempts_made=_changes.c.attempts_made,
        next_attempt_at=_changes.c.next_attempt_at,
        settled_at=_changes.c.settled_at,
    )
)
_follows = (
    deliveries.c.project_id == bindparam("project"),
    deliveries.c.after_delivery_id == func.any(bindparam("ids", type_=ARRAY(BigInteger))),
    deliveries.c.settled_at.is_(None),
)
RELEASE_FOLLOWERS = (
    update(deliveries)
    .where(*_follows, deliveries.c.status == DeliveryStatus.WITHHELD.value)
    .values(status=DeliveryStatus.PENDING.value, next_attempt_at=AT_ONCE)
)
CANCEL_FOLLOWERS = (
    update(deliveries)
    .where(*_follows, events.c.project_id == deliveries.c.project_id, events.c.event_id == deliveries.c.event_id)
    .values(
        status=DeliveryStatus.CANCELLED.value,
        reason=FailureReason.PREDECESSOR_FAILED.value,
        message=bindparam("message"),
        settled_at=bindparam("now"),
    )
    .returning(
        deliveries.c.delivery_id,
        deliveries.c.event_id,
        deliveries.c.player_key,
        deliveries.c.replay_of,
        events.c.event_type,
        events.c.reference,
    )
)
_old = (
    select(deliveries.c.project_id, deliveries.c.delivery_id, deliveries.c.event_id)
    .where(
        deliveries.c.project_id == projects.c.project_id,
        deliveries.c.settled_at < project_now - bindparam("kept", type_=Interval),
    )
    .order_by(deliveries.c.settled_at)
    .limit(PRUNED_AT_ONCE_MAX)
    .lateral("old")
)
_pruned = select(_old).select_from(projects).limit(PRUNED_AT_ONCE_MAX).cte("pruned")
DELETE_OLD_DELIVERIES = (
    delete(deliveries)
    .where(deliveries.c.project_id == _pruned.c.project_id, deliveries.c.delivery_id == _pruned.c.delivery_id)
    .returning(deliveries.c.project_id, deliveries.c.event_id)
)
_orphans = (
    func.unnest(bindparam("projects", type_=ARRAY(Integer)), bindparam("events", type_=ARRAY(Text)))
    .table_valued(column("project_id", Integer), column("event_id", Text), name="orphans")
    .render_derived()
)
DELETE_EVENTS_WITHOUT_DELIVERIES = delete(events).where(
    events.c.project_id == _orphans.c.project_id,
    events.c.event_id == _orphans.c.event_id,
    ~select(deliveries.c.delivery_id)
    .where(and_(deliveries.c.project_id == events.c.project_id, deliveries.c.event_id == events.c.event_id))
    .exists(),
)


@dataclass(frozen=True, slots=True)
class Change:
    """The new state of a delivery. `next_attempt_at` counts while it is pending; `settled_at` None: it is."""

    delivery_id: int
    state: DeliveryState
    attempts_made: int
    next_attempt_at: datetime
    settled_at: datetime | None


async def add_attempts(db: Session, project_id: int, made: Sequence[tuple[int, Attempt]]) -> None:
    """Keep what was sent and what came back, each with the id of its delivery."""
    await db.execute_many(
        ADD_ATTEMPT,
        [
            {
                "project": project_id,
                "delivery": delivery_id,
                "attempt_no": attempt.attempt_no,
                "started_at": attempt.started_at,
                "duration_ms": attempt.duration_ms,
                "request_url": attempt.request_url,
                "request_headers": dict(attempt.request_headers),
                "reply_status": attempt.reply_status,
                "reply_headers": None if attempt.reply_headers is None else dict(attempt.reply_headers),
                "reply_body": attempt.reply_body,
                "is_private_target": attempt.is_private_target,
                "failure": attempt.failure,
                "failure_reason": attempt.failure_reason,
            }
            for delivery_id, attempt in made
        ],
    )


async def save_results(db: Session, project_id: int, changes: Sequence[Change]) -> int:
    """Change deliveries that are not settled yet; how many were changed."""
    return await db.execute(
        SAVE_RESULTS,
        project=project_id,
        ids=[change.delivery_id for change in changes],
        statuses=[change.state.status.value for change in changes],
        reasons=[None if change.state.reason is None else change.state.reason.value for change in changes],
        codes=[change.state.code for change in changes],
        messages=[change.state.message for change in changes],
        attempts=[change.attempts_made for change in changes],
        next_times=[change.next_attempt_at for change in changes],
        settled_times=[change.settled_at for change in changes],
    )


async def release_followers(db: Session, project_id: int, delivery_ids: Sequence[int]) -> int:
    """Let what waited for these deliveries go; how many."""
    return await db.execute(RELEASE_FOLLOWERS, project=project_id, ids=list(delivery_ids))


async def cancel_followers(
    db: Session, lane: Lane, delivery_ids: Sequence[int], *, now: datetime
) -> list[SettledDelivery]:
    """End what waited for these deliveries, and what waited for that in turn."""
    cancelled: list[SettledDelivery] = []
    ids = list(delivery_ids)
    while ids:
        rows = await db.fetch_all(
            CANCEL_FOLLOWERS, project=lane.project_id, ids=ids, message=PREDECESSOR_FAILED, now=now
        )
        ids = [row["delivery_id"] for row in rows]
        state = DeliveryState(
            DeliveryStatus.CANCELLED, FailureReason.PREDECESSOR_FAILED, code=None, message=PREDECESSOR_FAILED
        )
        cancelled += [
            SettledDelivery(
                project_id=lane.project_id,
                delivery_id=row["delivery_id"],
                event_id=row["event_id"],
                event_type=row["event_type"],
                purpose=Purpose(lane.purpose),
                player_key=row["player_key"],
                reference=row["reference"],
                is_replay=row["replay_of"] is not None,
                state=state,
                settled_at=now,
            )
            for row in rows
        ]
    return cancelled


async def delete_old(db: Session, *, kept: timedelta) -> int:
    """Delete some of the deliveries that were settled longer ago than `kept`, with their attempts, and the
    events that no delivery is left of; how many deliveries."""
    rows = await db.fetch_all(DELETE_OLD_DELIVERIES, kept=kept)
    if rows:
        await db.execute(
            DELETE_EVENTS_WITHOUT_DELIVERIES,
            projects=[row["project_id"] for row in rows],
            events=[row["event_id"] for row in rows],
        )
    return len(rows)
