"""Overviews of orders: what studios look for, what operators list, what sweeps have to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    DateTime,
    Integer,
    Interval,
    Text,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
)

from haversack.database.engine import Session
from haversack.orders.queries import with_lines
from haversack.orders.records import Order, OrderState
from haversack.orders.tables import orders
from haversack.projects.tables import project_now, projects
from haversack.webhooks.tables import webhook_deliveries as deliveries

_MOMENT = DateTime(timezone=True)
STUCK_SHOWN_MAX = 100
ALL_TIME = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
_created = (
    orders.c.project_id == bindparam("project"),
    orders.c.created_at >= bindparam("from_moment", type_=_MOMENT),
    orders.c.created_at <= bindparam("until_moment", type_=_MOMENT),
)
SEARCH = (
    select(orders)
    .where(*_created)
    .order_by(orders.c.created_at, orders.c.order_id)
    .offset(bindparam("skip", type_=Integer))
    .limit(bindparam("most", type_=Integer))
)
COUNT_CREATED = select(func.count()).select_from(orders).where(*_created)
_due = (
    select(orders.c.order_id, orders.c.expires_at)
    .where(
        orders.c.project_id == projects.c.project_id,
        orders.c.state == literal_column("'new'", Text),
        orders.c.expires_at <= project_now,
        or_(
            bindparam("one_project", type_=Integer).is_(None),
            orders.c.project_id == bindparam("one_project", type_=Integer),
        ),
    )
    .order_by(orders.c.expires_at, orders.c.order_id)
    .limit(bindparam("most", type_=Integer))
    .lateral("due")
)
LIST_DUE = (
    select(projects.c.project_id, _due.c.order_id, project_now.label("now"))
    .select_from(projects.join(_due, true()))
    .order_by(_due.c.expires_at)
    .limit(bindparam("most", type_=Integer))
)
FIND_NEXT_END = select(func.min(orders.c.expires_at)).where(
    orders.c.project_id == bindparam("project"),
    orders.c.state == literal_column("'new'", Text),
    orders.c.expires_at > bindparam("after", type_=_MOMENT),
)
LIST_STUCK = (
    select(
        orders.c.project_id,
        orders.c.order_id,
        orders.c.paid_at,
        orders.c.comment,
        deliveries.c.status,
        deliveries.c.message,
    )
    .join(projects, projects.c.project_id == orders.c.project_id)
    .outerjoin(
        deliveries,
        and_(deliveries.c.project_id == orders.c.project_id, deliveries.c.delivery_id == orders.c.delivery_id),
    )
    .where(
        orders.c.state == literal_column("'paid'", Text),
        orders.c.paid_at < project_now - bindparam("of_age", type_=Interval),
    )
    .order_by(orders.c.paid_at)
    .limit(STUCK_SHOWN_MAX)
)
LIST_ORDERS = (
    select(
        orders.c.project_id,
        orders.c.order_id,
        orders.c.state,
        orders.c.currency,
        orders.c.amount,
        orders.c.external_id,
        orders.c.created_at,
    )
    .where(
        or_(bindparam("project", type_=Integer).is_(None), orders.c.project_id == bindparam("project", type_=Integer)),
        or_(bindparam("of_state", type_=Text).is_(None), orders.c.state == bindparam("of_state", type_=Text)),
        or_(bindparam("external", type_=Text).is_(None), orders.c.external_id == bindparam("external", type_=Text)),
    )
    .order_by(orders.c.order_id.desc())
    .limit(bindparam("most", type_=Integer))
)
# One look into the index for each project: numbers are given once, but the key begins with the project.
FIND_PROJECT_OF = (
    select(projects.c.project_id)
    .where(exists().where(orders.c.project_id == projects.c.project_id, orders.c.order_id == bindparam("order")))
    .limit(literal_column("1"))
)
FIND_DELIVERY = select(deliveries.c.status, deliveries.c.message).where(
    deliveries.c.project_id == bindparam("project"), deliveries.c.delivery_id == bindparam("delivery")
)


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Some of the orders that were looked for, how many there are in all, and whether there are some behind these."""

    orders: tuple[Order, ...]
    total: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """An order in a list for the operator."""

    project_id: int
    order_id: int
    state: OrderState
    currency: str | None
    amount: Decimal | None
    external_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """An unpaid order whose time is over, and the time of its project."""

    project_id: int
    order_id: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Stuck:
    """An order that was paid at a moment of its project's time and is not done, and why, as far as it is known."""

    project_id: int
    order_id: int
    paid_at: datetime
    why: str


async def search_orders(
    db: Session,
    project_id: int,
    *,
    created_from: datetime | None,
    created_until: datetime | None,
    offset: int,
    limit: int,
) -> OrderPage:
    """Orders by the time of their creation, oldest first."""
    span = {"from_moment": created_from or ALL_TIME[0], "until_moment": created_until or ALL_TIME[1]}
    rows = await db.fetch_all(SEARCH, project=project_id, skip=offset, most=limit + 1, **span)
    found = await with_lines(db, project_id, rows[:limit])
    # The last page says itself how many there are.
    is_last = len(rows) <= limit and (rows or not offset)
    total = offset + len(rows) if is_last else int(await db.fetch_value(COUNT_CREATED, project=project_id, **span))
    return OrderPage(tuple(found), total, len(rows) > limit)


async def list_due(db: Session, *, limit: int, project_id: int | None = None) -> list[Due]:
    """Unpaid orders of a project, or of all, whose time is over by their projects' clocks, the longest due first."""
    rows = await db.fetch_all(LIST_DUE, most=limit, one_project=project_id)
    return [Due(row["project_id"], row["order_id"], row["now"]) for row in rows]


async def find_next_end(db: Session, project_id: int, *, after: datetime) -> datetime | None:
    """When the next unpaid order of a project ends by itself, later than a moment."""
    found: datetime | None = await db.fetch_value(FIND_NEXT_END, project=project_id, after=after)
    return found


async def list_stuck(db: Session, *, age: timedelta) -> list[Stuck]:
    """Orders that were paid longer ago than `age` by the clocks of their projects and are not done, oldest first."""
    return [
        Stuck(row["project_id"], row["order_id"], row["paid_at"], why_stuck(row))
        for row in await db.fetch_all(LIST_STUCK, of_age=age)
    ]


def why_stuck(row: Mapping[str, Any]) -> str:
    """Why a paid order is not done, from its own comment or the state of its delivery."""
    if row["comment"]:
        return str(row["comment"])
    if row["status"] is None:
        return "its webhook is not in the outbox any more"
    return f"its webhook is {row['status']}" + (f": {row['message']}" if row["message"] else "")


async def why_waiting(db: Session, order: Order) -> str:
    """Why a paid order is not done."""
    row = await db.fetch_one(FIND_DELIVERY, project=order.project_id, delivery=order.delivery_id)
    about = {"status": None, "message": ""} if row is None else dict(row)
    return why_stuck({**about, "comment": order.comment})


async def list_orders(
    db: Session, *, project_id: int | None, state: OrderState | None, external_id: str | None, count: int
) -> list[ListedOrder]:
    """Orders of one project or all, the newest first; None chooses all."""
    rows = await db.fetch_all(
        LIST_ORDERS,
        project=project_id,
        of_state=None if state is None else state.value,
        external=external_id,
        most=count,
    )
    return [
        ListedOrder(
            row["project_id"],
            row["order_id"],
            OrderState(row["state"]),
            row["currency"],
            row["amount"],
            row["external_id"],
            row["created_at"],
        )
        for row in rows
    ]


async def find_project_of(db: Session, order_id: int) -> int | None:
    """The project of an order's number."""
    found: int | None = await db.fetch_value(FIND_PROJECT_OF, order=order_id)
    return found
