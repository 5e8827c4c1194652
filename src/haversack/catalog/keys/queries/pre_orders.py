"""Reads and writes of pre-order limits. Each change is one conditional statement, so that simultaneous ones add up."""

from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from haversack.catalog.keys.records import PreOrderLimit
from haversack.catalog.tables import pre_order_limits as limits
from haversack.database.engine import Session

LIMIT_MAX = 2**31 - 1

_limit = (limits.c.project_id == bindparam("project"), limits.c.item_id == bindparam("item"))
_key: dict[str, Any] = {"project_id": bindparam("project"), "item_id": bindparam("item")}
_quantity = bindparam("quantity", type_=limits.c.available.type)

FIND_LIMIT = select(limits.c.is_enabled, limits.c.available, limits.c.reserved, limits.c.sold).where(*_limit)
_first = insert(limits).values(**_key, available=_quantity)
ADD_PRE_ORDERS = _first.on_conflict_do_update(
    index_elements=["project_id", "item_id"],
    set_={"available": limits.c.available + _quantity},
    where=limits.c.available <= LIMIT_MAX - _quantity,
).returning(limits.c.available)
SET_PRE_ORDERS = _first.on_conflict_do_update(index_elements=["project_id", "item_id"], set_={"available": _quantity})
REMOVE_PRE_ORDERS = (
    update(limits).where(*_limit, limits.c.available >= _quantity).values(available=limits.c.available - _quantity)
)
_switched = insert(limits).values(**_key, is_enabled=bindparam("enabled"))
ENABLE_LIMIT = _switched.on_conflict_do_update(
    index_elements=["project_id", "item_id"], set_={"is_enabled": bindparam("enabled")}
)


async def find_limit(db: Session, project_id: int, item_id: int) -> PreOrderLimit:
    """An item's limit; one that was never set is off and empty."""
    row = await db.fetch_one(FIND_LIMIT, project=project_id, item=item_id)
    if row is None:
        return PreOrderLimit()
    return PreOrderLimit(row["is_enabled"], row["available"], row["reserved"], row["sold"])


async def add_pre_orders(db: Session, project_id: int, item_id: int, quantity: int) -> bool:
    """Let more be ordered; False if there would be more than can be counted."""
    return await db.fetch_value(ADD_PRE_ORDERS, project=project_id, item=item_id, quantity=quantity) is not None


async def set_pre_orders(db: Session, project_id: int, item_id: int, quantity: int) -> None:
    """Set how many may still be ordered."""
    await db.execute(SET_PRE_ORDERS, project=project_id, item=item_id, quantity=quantity)


async def remove_pre_orders(db: Session, project_id: int, item_id: int, quantity: int) -> bool:
    """Let fewer be ordered; False if there are not so many left."""
    return await db.execute(REMOVE_PRE_ORDERS, project=project_id, item=item_id, quantity=quantity) == 1


async def enable_limit(db: Session, project_id: int, item_id: int, *, is_enabled: bool) -> None:
    """Switch a limit on or off."""
    await db.execute(ENABLE_LIMIT, project=project_id, item=item_id, enabled=is_enabled)
