"""Which lanes have something due, who works them, and what waits in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    Integer,
    Interval,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    column,
    func,
    literal_column,
    or_,
    select,
    true,
    update,
    values,
)
from sqlalchemy.dialects.postgresql import insert

from haversack.clock import Clock
from haversack.database.engine import Session
from haversack.projects.records import DeliveryMode
from haversack.projects.tables import project_now, projects
from haversack.sealing import Sealer
from haversack.webhooks.queries.endpoints import endpoint_of
from haversack.webhooks.records import DeliveryStatus, Lane, LaneView, Purpose, Waiting
from haversack.webhooks.tables import webhook_deliveries as deliveries
from haversack.webhooks.tables import webhook_endpoints as endpoints
from haversack.webhooks.tables import webhook_events as events
from haversack.webhooks.tables import webhook_lanes as lanes

# A follower waits at least as long as the delivery before it, and is looked at again this often while that
# one is withheld.
WITHHELD_LOOKED_AT_EVERY = timedelta(minutes=1)
PUSHED_MAX = 1000
# Deliveries fetched at once.
BATCH_MAX = 50
# Due deliveries among which the first of each player are looked for, and how many of those are enough.
LOOKED_AT_MAX = 500
HEADS_ENOUGH = 16

_is_waiting = deliveries.c.settled_at.is_(None)
# Written out: a plan made for an unknown LIMIT may sort what the index has in order.
_ONE = literal_column("1", Integer)
_BATCH = literal_column(str(BATCH_MAX), Integer)
_LOOKED_AT = literal_column(str(LOOKED_AT_MAX), Integer)
_is_in_order = projects.c.delivery_mode == DeliveryMode.XSOLLA.value


@dataclass(frozen=True, slots=True)
class DueLane:
    """A lane with something to send. `is_failing`: its last attempt failed, so it may take long."""

    lane: Lane
    is_failing: bool


@dataclass(frozen=True, slots=True)
class ClaimedLane:
    """A lane leased to the holder of the token."""

    lane: Lane
    token: UUID


def _due(source: Any) -> Select[Any]:
    """The lanes of the source's projects that have something due, unless leased or paused: one look into an
    index for the head of each lane, and one for the earliest due time in native mode."""
    purpose = values(column("purpose", Text), name="purposes").data([(each.value,) for each in Purpose])
    of_lane = (
        deliveries.c.project_id == projects.c.project_id,
        deliveries.c.purpose == purpose.c.purpose,
        _is_waiting,
    )
    head = (
        select(deliveries.c.next_attempt_at, deliveries.c.attempts_made)
        .where(*of_lane)
        .order_by(deliveries.c.delivery_id)
        .limit(_ONE)
        .lateral("head")
    )
    earliest = (
        select(deliveries.c.next_attempt_at)
        .where(*of_lane)
        .order_by(deliveries.c.next_attempt_at)
        .limit(_ONE)
        .scalar_subquery()
    )
    is_lanes_row = and_(lanes.c.project_id == projects.c.project_id, lanes.c.purpose == purpose.c.purpose)
    is_endpoint = and_(endpoints.c.project_id == projects.c.project_id, endpoints.c.purpose == purpose.c.purpose)
    return (
        select(
            projects.c.project_id,
            purpose.c.purpose,
            or_(head.c.attempts_made > 0, endpoints.c.failing_since.is_not(None)).label("is_failing"),
        )
        .select_from(
            projects.join(source, source.c.project_id == projects.c.project_id)
            .join(purpose, true())
            .join(head, true())
            .outerjoin(lanes, is_lanes_row)
            .outerjoin(endpoints, is_endpoint)
        )
        .where(
            or_(lanes.c.leased_until.is_(None), lanes.c.leased_until < func.now()),
            or_(_is_in_order, lanes.c.paused_until.is_(None), lanes.c.paused_until <= project_now),
            case((_is_in_order, head.c.next_attempt_at), else_=earliest) <= project_now,
        )
    )


def _projects_with_waiting() -> Any:
    """The projects that have anything waiting, each found by one step in the partial index."""
    found = select(func.min(deliveries.c.project_id).label("project_id")).where(_is_waiting)
    walk = found.cte("waiting_projects", recursive=True)
    following = (
        select(func.min(deliveries.c.project_id))
        .where(_is_waiting, deliveries.c.project_id > walk.c.project_id)
        .scalar_subquery()
    )
    return walk.union_all(select(following).where(walk.c.project_id.is_not(None)))


LIST_DUE_LANES = _due(_projects_with_waiting())
LIST_DUE_LANES_OF = _due(
    func.unnest(bindparam("projects", type_=ARRAY(Integer)))
    .table_valued(column("project_id", Integer), name="named")
    .render_derived()
)

_named = (
    func.unnest(bindparam("projects", type_=ARRAY(Integer)), bindparam("purposes", type_=ARRAY(Text)))
    .table_valued(column("project_id", Integer), column("purpose", Text), name="named")
    .render_derived()
)
ADD_LANES = (
    insert(lanes)
    .from_select(["project_id", "purpose"], select(_named.c.project_id, _named.c.purpose))
    .on_conflict_do_nothing()
)
_free = (
    select(lanes.c.project_id, lanes.c.purpose)
    .join(_named, and_(_named.c.project_id == lanes.c.project_id, _named.c.purpose == lanes.c.purpose))
    .where(or_(lanes.c.leased_until.is_(None), lanes.c.leased_until < func.now()))
    .with_for_update(of=lanes, skip_locked=True)
    .cte("free")
)
_lease_end = func.now() + bindparam("lease", type_=Interval)
CLAIM_LANES = (
    update(lanes)
    .where(lanes.c.project_id == _free.c.project_id, lanes.c.purpose == _free.c.purpose)
    .values(lease_token=func.gen_random_uuid(), leased_until=_lease_end)
    .returning(lanes.c.project_id, lanes.c.purpose, lanes.c.lease_token)
)
_held = lanes.c.lease_token == func.any(bindparam("tokens", type_=ARRAY(Uuid)))
RENEW_LEASES = update(lanes).where(_held).values(leased_until=_lease_end).returning(lanes.c.lease_token)
RELEASE_LEASE = (
    update(lanes)
    .where(
        lanes.c.project_id == bindparam("project"),
        lanes.c.purpose == bindparam("purpose_"),
        lanes.c.lease_token == bindparam("token"),
    )
    .values(lease_token=None, leased_until=None)
)
RENEW_LEASE = (
    update(lanes)
    .where(
        lanes.c.project_id == bindparam("project"),
        lanes.c.purpose == bindparam("purpose_"),
        lanes.c.lease_token == bindparam("token"),
    )
    .values(leased_until=_lease_end)
)
PAUSE_LANE = (
    update(lanes)
    .where(lanes.c.project_id == bindparam("project"), lanes.c.purpose == bindparam("purpose_"))
    .values(paused_until=bindparam("until"))
)

VIEW_LANE = (
    select(
        projects.c.delivery_mode,
        projects.c.clock_offset,
        projects.c.clock_frozen_at,
        lanes.c.paused_until,
        endpoints,
    )
    .select_from(
        projects.outerjoin(
            endpoints,
            and_(
                endpoints.c.project_id == projects.c.project_id,
                endpoints.c.purpose == bindparam("purpose_", type_=Text),
            ),
        ).outerjoin(
            lanes,
            and_(lanes.c.project_id == projects.c.project_id, lanes.c.purpose == bindparam("purpose_", type_=Text)),
        )
    )
    .where(projects.c.project_id == bindparam("project"))
)

_of_lane = (
    deliveries.c.project_id == bindparam("project"),
    deliveries.c.purpose == bindparam("purpose_"),
    _is_waiting,
)
_waiting = select(deliveries, events.c.event_type, events.c.body, events.c.reference).join_from(
    deliveries,
    events,
    and_(events.c.project_id == deliveries.c.project_id, events.c.event_id == deliveries.c.event_id),
)
LIST_WAITING = _waiting.where(*_of_lane).order_by(deliveries.c.delivery_id).limit(_BATCH)

_earlier = deliveries.alias("earlier")
_of_same_player = and_(
    _earlier.c.project_id == deliveries.c.project_id,
    _earlier.c.purpose == deliveries.c.purpose,
    _earlier.c.player_key == deliveries.c.player_key,
    _earlier.c.settled_at.is_(None),
)


def _heads_among(chosen: Any) -> Any:
    """Those of the chosen deliveries before which no other of the same player waits."""
    first = (
        select(_earlier.c.delivery_id)
        .where(
            _earlier.c.project_id == chosen.c.project_id,
            _earlier.c.purpose == chosen.c.purpose,
            _earlier.c.player_key == chosen.c.player_key,
            _earlier.c.settled_at.is_(None),
        )
        .order_by(_earlier.c.delivery_id)
        .limit(_ONE)
        .scalar_subquery()
    )
    return select(chosen).where(chosen.c.delivery_id == first).limit(_BATCH).subquery("due_heads")


def _head_of_player(wanted: Any) -> Any:
    """A column of the first waiting delivery of the same player. As a subquery with a limit it is always one step in
    the index; written as NOT EXISTS it was seen to become a join of everything with everything."""
    return select(wanted).where(_of_same_player).order_by(_earlier.c.delivery_id).limit(_ONE).scalar_subquery()


_is_due = deliveries.c.next_attempt_at <= bindparam("now")
_is_of_free_player = deliveries.c.player_key != func.all(bindparam("busy", type_=ARRAY(Text)))


def _with_events(heads: Any) -> Any:
    return (
        select(heads, events.c.event_type, events.c.body, events.c.reference)
        .join(events, and_(events.c.project_id == heads.c.project_id, events.c.event_id == heads.c.event_id))
        .order_by(heads.c.next_attempt_at, heads.c.delivery_id)
    )


# Most often the heads are among what has been due for longest.
_longest_due = (
    select(deliveries)
    .where(*_of_lane, _is_due, _is_of_free_player)
    .order_by(deliveries.c.next_attempt_at, deliveries.c.delivery_id)
    .limit(_LOOKED_AT)
    .subquery("longest_due")
)
LIST_DUE_HEADS = _with_events(_heads_among(_longest_due))


def _walk_over_players() -> Any:
    """Each player with something waiting, found by one step in the index; nobody where few deliveries are due."""
    found = func.min(deliveries.c.player_key)
    count_due = select(func.count()).select_from(_longest_due).scalar_subquery()
    walk = select(found.label("player_key")).where(*_of_lane, count_due == LOOKED_AT_MAX).cte("players", recursive=True)
    following = select(found).where(*_of_lane, deliveries.c.player_key > walk.c.player_key).scalar_subquery()
    return walk.union_all(select(following).where(walk.c.player_key.is_not(None)))


_players = _walk_over_players()
_head = (
    select(deliveries)
    .where(*_of_lane, deliveries.c.player_key == _players.c.player_key)
    .order_by(deliveries.c.delivery_id)
    .limit(_ONE)
    .lateral("head")
)
# Behind the long queues of few players the heads of others stand far back, and so does a head that was tried before.
LIST_DUE_HEADS_BY_PLAYER = _with_events(
    select(_head)
    .select_from(_players.join(_head, true()))
    .where(
        _head.c.next_attempt_at <= bindparam("now"),
        _head.c.player_key != func.all(bindparam("busy", type_=ARRAY(Text))),
    )
    .limit(_BATCH)
    .subquery("due_heads")
)
_head_time = _head_of_player(_earlier.c.next_attempt_at)
_blocked = (
    select(deliveries.c.delivery_id, _head_time.label("head_time"))
    .where(*_of_lane, deliveries.c.next_attempt_at <= bindparam("now"), _head_time > bindparam("now"))
    .limit(PUSHED_MAX)
    .cte("blocked")
)
PUSH_BLOCKED = (
    update(deliveries)
    .where(
        deliveries.c.project_id == bindparam("project"),
        deliveries.c.delivery_id == _blocked.c.delivery_id,
        deliveries.c.status == DeliveryStatus.PENDING.value,
    )
    .values(
        next_attempt_at=func.least(_blocked.c.head_time, bindparam("latest", type_=deliveries.c.next_attempt_at.type))
    )
)


def _due_lane(row: asyncpg.Record) -> DueLane:
    return DueLane(Lane(row["project_id"], Purpose(row["purpose"])), bool(row["is_failing"]))


def _waiting_delivery(row: asyncpg.Record) -> Waiting:
    return Waiting(
        delivery_id=row["delivery_id"],
        event_id=row["event_id"],
        event_type=row["event_type"],
        body=row["body"],
        player_key=row["player_key"],
        reference=row["reference"],
        status=DeliveryStatus(row["status"]),
        attempts_made=row["attempts_made"],
        next_attempt_at=row["next_attempt_at"],
        is_replay=row["replay_of"] is not None,
    )


async def list_due_lanes(db: Session, project_ids: Sequence[int] | None = None) -> list[DueLane]:
    """The free lanes that have something to send now, of the given projects or of all."""
    if project_ids is None:
        rows = await db.fetch_all(LIST_DUE_LANES)
    else:
        rows = await db.fetch_all(LIST_DUE_LANES_OF, projects=list(project_ids))
    return [_due_lane(row) for row in rows]


async def claim_lanes(db: Session, wanted: Sequence[Lane], *, lease: timedelta) -> list[ClaimedLane]:
    """Lease those of the lanes that nobody holds, for a length of real time."""
    named = {
        "projects": [lane.project_id for lane in wanted],
        "purposes": [lane.purpose.value for lane in wanted],
    }
    rows = await db.fetch_all(CLAIM_LANES, lease=lease, **named)
    if len(rows) < len(wanted) and await db.execute(ADD_LANES, **named):
        rows += await db.fetch_all(CLAIM_LANES, lease=lease, **named)
    return [ClaimedLane(Lane(row["project_id"], Purpose(row["purpose"])), row["lease_token"]) for row in rows]


async def renew_leases(db: Session, tokens: Sequence[UUID], *, lease: timedelta) -> set[UUID]:
    """Lengthen leases; those that are still held."""
    return {row["lease_token"] for row in await db.fetch_all(RENEW_LEASES, tokens=list(tokens), lease=lease)}


async def renew_lease(db: Session, claimed: ClaimedLane, *, lease: timedelta) -> bool:
    """Lengthen one lease and hold its row until the transaction ends. Whether it was still held."""
    lane = claimed.lane
    return (
        await db.execute(RENEW_LEASE, project=lane.project_id, purpose_=lane.purpose, token=claimed.token, lease=lease)
        == 1
    )


async def release_lease(db: Session, claimed: ClaimedLane) -> None:
    """Give a lane back."""
    lane = claimed.lane
    await db.execute(RELEASE_LEASE, project=lane.project_id, purpose_=lane.purpose, token=claimed.token)


async def pause_lane(db: Session, lane: Lane, *, until: datetime) -> None:
    """Send nothing of the lane before a moment of the project's time (native mode)."""
    await db.execute(PAUSE_LANE, project=lane.project_id, purpose_=lane.purpose, until=until)


async def get_lane_view(db: Session, sealer: Sealer, lane: Lane) -> LaneView:
    """How and where the lane's deliveries go at the moment."""
    row = await db.fetch_one(VIEW_LANE, project=lane.project_id, purpose_=lane.purpose)
    assert row is not None, "a lane belongs to a project"
    return LaneView(
        lane=lane,
        mode=DeliveryMode(row["delivery_mode"]),
        clock=Clock(offset=row["clock_offset"], frozen_at=row["clock_frozen_at"]),
        endpoint=None if row["url"] is None else endpoint_of(row, sealer),
        paused_until=row["paused_until"],
    )


async def list_waiting(db: Session, lane: Lane) -> list[Waiting]:
    """The first deliveries of the lane that are not settled, in order."""
    rows = await db.fetch_all(LIST_WAITING, project=lane.project_id, purpose_=lane.purpose)
    return [_waiting_delivery(row) for row in rows]


async def list_due_heads(db: Session, lane: Lane, *, now: datetime, busy_players: Sequence[str]) -> list[Waiting]:
    """For each player that is not busy the first delivery that waits, if it is due."""
    values = {
        "project": lane.project_id,
        "purpose_": lane.purpose,
        "now": now,
        "busy": list(busy_players),
    }
    rows = await db.fetch_all(LIST_DUE_HEADS, **values)
    if len(rows) < HEADS_ENOUGH:
        rows = await db.fetch_all(LIST_DUE_HEADS_BY_PLAYER, **values) or rows
    return [_waiting_delivery(row) for row in rows]


async def push_blocked(db: Session, lane: Lane, *, now: datetime) -> int:
    """Let what is due behind a delivery that is not due wait as long as that one; how many were moved.

    Without this a lane with blocked deliveries would look as if it had something to send.
    """
    return await db.execute(
        PUSH_BLOCKED,
        project=lane.project_id,
        purpose_=lane.purpose,
        now=now,
        latest=now + WITHHELD_LOOKED_AT_EVERY,
    )
