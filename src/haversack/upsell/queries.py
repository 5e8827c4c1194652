"""Statements of upsells, and of what sells most."""

from datetime import datetime, timedelta

from sqlalchemy import Integer, bindparam, false, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from haversack.database.engine import Session
from haversack.orders.tables import order_lines, orders
from haversack.upsell.records import Upsell, UpsellType
from haversack.upsell.tables import upsells

# An order is paid within a day of being made: with this room the index of orders by their creation finds the paid ones.
PAID_AFTER_MAX = timedelta(days=2)
SOLD_LISTED_MAX = 500

FIND = select(upsells).where(upsells.c.project_id == bindparam("project"))
_save = insert(upsells).values(
    project_id=bindparam("project"),
    type=bindparam("of_type"),
    is_enabled=bindparam("enabled"),
    item_ids=bindparam("items", type_=ARRAY(Integer)),
    updated_at=bindparam("now"),
)
SAVE = _save.on_conflict_do_update(
    index_elements=["project_id"],
    set_={name: _save.excluded[name] for name in ("type", "is_enabled", "item_ids", "updated_at")},
)
SWITCH = (
    update(upsells)
    .where(upsells.c.project_id == bindparam("project"))
    .values(is_enabled=bindparam("enabled"), updated_at=bindparam("now"))
)
_sold = func.sum(order_lines.c.quantity)
LIST_MOST_SOLD = (
    select(order_lines.c.item_id)
    .select_from(orders)
    .join(
        order_lines,
        (order_lines.c.project_id == orders.c.project_id) & (order_lines.c.order_id == orders.c.order_id),
    )
    .where(
        orders.c.project_id == bindparam("project"),
        orders.c.created_at >= bindparam("made_since"),
        orders.c.paid_at >= bindparam("paid_since"),
        or_(*(orders.c.state == state for state in ("paid", "done"))),
        order_lines.c.parent_line_no.is_(None),
        order_lines.c.is_bonus.is_(false()),
    )
    .group_by(order_lines.c.item_id)
    .order_by(_sold.desc(), order_lines.c.item_id)
    .limit(literal_column(str(SOLD_LISTED_MAX)))
)


async def find_upsell(db: Session, project_id: int) -> Upsell | None:
    """The project's upsell, or None where none was ever set up."""
    row = await db.fetch_one(FIND, project=project_id)
    return None if row is None else Upsell(UpsellType(row["type"]), row["is_enabled"], tuple(row["item_ids"]))


async def save_upsell(db: Session, project_id: int, upsell: Upsell, *, now: datetime) -> None:
    """Set up the project's upsell in the place of the one before."""
    await db.execute(
        SAVE,
        project=project_id,
        of_type=upsell.type.value,
        enabled=upsell.is_enabled,
        items=list(upsell.item_ids),
        now=now,
    )


async def switch_upsell(db: Session, project_id: int, *, is_enabled: bool, now: datetime) -> bool:
    """Switch the upsell on or off; false where there is none."""
    return await db.execute(SWITCH, project=project_id, enabled=is_enabled, now=now) == 1


async def list_most_sold(db: Session, project_id: int, *, since: datetime) -> tuple[int, ...]:
    """The items that were paid for since a moment, those of which most pieces were sold first."""
    rows = await db.fetch_all(LIST_MOST_SOLD, project=project_id, made_since=since - PAID_AFTER_MAX, paid_since=since)
    return tuple(row["item_id"] for row in rows)
