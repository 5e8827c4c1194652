"""Which open payments of a project come to their end by themselves, and when: for jumps of the project's clock."""

from datetime import datetime, timedelta

from sqlalchemy import DateTime, Interval, and_, bindparam, func, literal, or_, select

from haversack.database.engine import Session
from haversack.payments.rules import TOKEN_LIFE
from haversack.payments.tables import payments
from haversack.payments.tables import sandbox_charges as charges

_MOMENT = DateTime(timezone=True)
# A payment is given up once its token's life is over, not at its last moment.
_GIVEN_UP_AFTER = literal(TOKEN_LIFE + timedelta(microseconds=1), Interval)
_due_at = func.least(payments.c.created_at + _GIVEN_UP_AFTER, charges.c.settles_at).label("due_at")
_open = (
    select(payments.c.payment_id, _due_at)
    .select_from(
        payments.outerjoin(
            charges,
            and_(
                charges.c.project_id == payments.c.project_id,
                charges.c.payment_id == payments.c.payment_id,
                charges.c.state == "pending",
            ),
        )
    )
    .where(
        payments.c.project_id == bindparam("project"),
        or_(*(payments.c.state == state for state in ("created", "processing"))),
    )
    .subquery("open_payments")
)
FIND_NEXT = select(func.min(_open.c.due_at)).where(_open.c.due_at > bindparam("after", type_=_MOMENT))
LIST_DUE = (
    select(_open.c.payment_id)
    .where(_open.c.due_at <= bindparam("now", type_=_MOMENT))
    .order_by(_open.c.due_at, _open.c.payment_id)
)


async def find_next_end(db: Session, project_id: int, *, after: datetime) -> datetime | None:
    """When the next open payment of a project ends by itself, later than a moment of the project's time."""
    found: datetime | None = await db.fetch_value(FIND_NEXT, project=project_id, after=after)
    return found


async def list_due(db: Session, project_id: int, *, now: datetime) -> list[int]:
    """The open payments of a project whose end has come, the longest due first."""
    return [row["payment_id"] for row in await db.fetch_all(LIST_DUE, project=project_id, now=now)]
