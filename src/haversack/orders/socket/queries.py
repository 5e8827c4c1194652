"""Reads of what a channel has told."""

from uuid import UUID

from sqlalchemy import BigInteger, bindparam, case, cast, func, select

from haversack.database.engine import Session
from haversack.orders.records import OrderState
from haversack.orders.socket.rules import PROGRESS, TrackedOrder
from haversack.orders.tables import orders

# So many of a player's orders are listed; an order that is not among them is told of when it moves, but never again.
ORDERS_LISTED_MAX = 100

_progress = case({state.value: progress for state, progress in PROGRESS.items()}, value=orders.c.state)
LIST_TRACKED = (
    select(
        orders.c.order_id,
        orders.c.state,
        orders.c.created_at,
        orders.c.paid_at,
        orders.c.ended_at,
        # Over all of the player's orders: it is counted before the limit.
        cast(func.sum(_progress).over(), BigInteger).label("channel_offset"),
    )
    .where(orders.c.project_id == bindparam("project"), orders.c.player_id == bindparam("player"))
    .order_by(orders.c.order_id.desc())
    .limit(ORDERS_LISTED_MAX)
)


async def list_tracked(db: Session, project_id: int, player_id: UUID) -> tuple[list[TrackedOrder], int]:
    """A player's last orders, the newest first, and the offset of the channel."""
    rows = await db.fetch_all(LIST_TRACKED, project=project_id, player=player_id)
    tracked = [
        TrackedOrder(row["order_id"], OrderState(row["state"]), row["created_at"], row["paid_at"], row["ended_at"])
        for row in rows
    ]
    return tracked, rows[0]["channel_offset"] if rows else 0
