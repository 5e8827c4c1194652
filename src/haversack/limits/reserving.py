"""Single conditional statements by which orders hold what is limited, give it back, and have it sold."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Integer, Text, any_, bindparam, exists, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from haversack.catalog.keys.queries.codes import take_sealed_codes
from haversack.catalog.keys.records import CodeState
from haversack.catalog.tables import key_codes
from haversack.catalog.tables import pre_order_limits as pre_orders
from haversack.database.engine import Session
from haversack.limits.tables import item_limit_resets as resets
from haversack.limits.tables import item_stocks as stocks
from haversack.limits.tables import user_item_uses as uses

_n = bindparam("n", type_=Integer)
_stock_of = (stocks.c.project_id == bindparam("project"), stocks.c.item_id == bindparam("item"))
_pre_order_of = (pre_orders.c.project_id == bindparam("project"), pre_orders.c.item_id == bindparam("item"))
_uses_of = (
    uses.c.project_id == bindparam("project"),
    uses.c.player_id == bindparam("player"),
    uses.c.item_id == bindparam("item"),
)

LIST_RESETS_OF = select(resets.c.item_id, resets.c.reset_at).where(
    resets.c.project_id == bindparam("project"),
    resets.c.item_id == any_(bindparam("items", type_=ARRAY(Integer))),
)
_held_stock = (
    update(stocks)
    .where(*_stock_of, stocks.c.available >= _n)
    .values(available=stocks.c.available - _n, reserved=stocks.c.reserved + _n)
    .returning(stocks.c.item_id)
    .cte("held")
)
# Whether there is a limit is read as it was before the statement; the update waits for whoever changes the row.
HOLD_STOCK = select(
    exists(select(stocks).where(*_stock_of)).label("is_limited"), exists(select(_held_stock)).label("is_held")
)
_held_pre_orders = (
    update(pre_orders)
    .where(*_pre_order_of, pre_orders.c.is_enabled, pre_orders.c.available >= _n)
    .values(available=pre_orders.c.available - _n, reserved=pre_orders.c.reserved + _n)
    .returning(pre_orders.c.item_id)
    .cte("held")
)
HOLD_PRE_ORDERS = select(
    exists(select(pre_orders).where(*_pre_order_of, pre_orders.c.is_enabled)).label("is_limited"),
    exists(select(_held_pre_orders)).label("is_held"),
)
_several = bindparam("items", type_=ARRAY(Integer))
LOCK_STOCKS = (
    select(stocks.c.item_id)
    .where(stocks.c.project_id == bindparam("project"), stocks.c.item_id == any_(_several))
    .order_by(stocks.c.item_id)
    .with_for_update()
)
LOCK_PRE_ORDERS = (
    select(pre_orders.c.item_id)
    .where(pre_orders.c.project_id == bindparam("project"), pre_orders.c.item_id == any_(_several))
    .order_by(pre_orders.c.item_id)
    .with_for_update()
)
GIVE_BACK_PRE_ORDERS = (
    update(pre_orders)
    .where(*_pre_order_of, pre_orders.c.reserved >= _n)
    .values(available=pre_orders.c.available + _n, reserved=pre_orders.c.reserved - _n)
)
SELL_HELD_PRE_ORDERS = (
    update(pre_orders)
    .where(*_pre_order_of, pre_orders.c.reserved >= _n)
    .values(sold=pre_orders.c.sold + _n, reserved=pre_orders.c.reserved - _n)
)
RETURN_SOLD_STOCK = (
    update(stocks)
    .where(*_stock_of, stocks.c.sold >= _n)
    .values(available=stocks.c.available + _n, sold=stocks.c.sold - _n)
)
RETURN_SOLD_PRE_ORDERS = (
    update(pre_orders)
    .where(*_pre_order_of, pre_orders.c.sold >= _n)
    .values(available=pre_orders.c.available + _n, sold=pre_orders.c.sold - _n)
)
# What the studio has set anew meanwhile, or another window, is left alone.
GIVE_BACK_USES = (
    update(uses)
    .where(*_uses_of, uses.c.window_start == bindparam("window"), uses.c.used >= _n)
    .values(used=uses.c.used - _n)
)
_codes = (
    key_codes.c.project_id == bindparam("project"),
    key_codes.c.item_id == bindparam("item"),
    key_codes.c.code_id == any_(bindparam("codes", type_=ARRAY(BigInteger))),
    key_codes.c.state == bindparam("from_state", type_=Text),
)
FREE_CODES = (
    update(key_codes).where(*_codes).values(state=CodeState.AVAILABLE.value, player_id=None, source=None, given_at=None)
)


async def list_resets_of(db: Session, project_id: int, item_ids: Sequence[int]) -> dict[int, datetime]:
    """When the uses of these items were last reset for everybody by hand."""
    rows = await db.fetch_all(LIST_RESETS_OF, project=project_id, items=list(item_ids))
    return {row["item_id"]: row["reset_at"] for row in rows}


async def lock_limited(db: Session, project_id: int, item_ids: Sequence[int]) -> None:
    """Lock what is left of items, in the order of all: for who changes it in several steps that have an order of their
    own."""
    await db.fetch_all(LOCK_STOCKS, project=project_id, items=list(item_ids))
    await db.fetch_all(LOCK_PRE_ORDERS, project=project_id, items=list(item_ids))


async def hold_stock(db: Session, project_id: int, item_id: int, quantity: int) -> bool | None:
    """Take units out of what is available; False if there are not so many, None if the item is unlimited."""
    row = await db.fetch_one(HOLD_STOCK, project=project_id, item=item_id, n=quantity)
    assert row is not None
    return bool(row["is_held"]) if row["is_limited"] else None


async def hold_pre_orders(db: Session, project_id: int, item_id: int, quantity: int) -> bool | None:
    """Take pre-orders out of what is available; False if there are not so many, None if they are not limited."""
    row = await db.fetch_one(HOLD_PRE_ORDERS, project=project_id, item=item_id, n=quantity)
    assert row is not None
    return bool(row["is_held"]) if row["is_limited"] else None


async def give_back_pre_orders(db: Session, project_id: int, item_id: int, quantity: int) -> bool:
    """Give held pre-orders back; False if there are not so many."""
    return await db.execute(GIVE_BACK_PRE_ORDERS, project=project_id, item=item_id, n=quantity) == 1


async def sell_held_pre_orders(db: Session, project_id: int, item_id: int, quantity: int) -> bool:
    """Count held pre-orders as sold; False if there are not so many."""
    return await db.execute(SELL_HELD_PRE_ORDERS, project=project_id, item=item_id, n=quantity) == 1


async def return_sold_stock(db: Session, project_id: int, item_id: int, quantity: int) -> bool:
    """Put units that were sold back for sale; False if there are not so many."""
    return await db.execute(RETURN_SOLD_STOCK, project=project_id, item=item_id, n=quantity) == 1


async def return_sold_pre_orders(db: Session, project_id: int, item_id: int, quantity: int) -> bool:
    """Put pre-orders that were sold back for sale; False if there are not so many."""
    return await db.execute(RETURN_SOLD_PRE_ORDERS, project=project_id, item=item_id, n=quantity) == 1


async def give_back_uses(
    db: Session, project_id: int, player_id: UUID, item_id: int, quantity: int, *, window_start: datetime
) -> bool:
    """Take uses of a window back; False, and nothing changed, where the player's uses are of another window by now."""
    changed = await db.execute(
        GIVE_BACK_USES, project=project_id, player=player_id, item=item_id, n=quantity, window=window_start
    )
    return changed == 1


async def hold_codes(
    db: Session,
    project_id: int,
    item_id: int,
    pools: Sequence[int | None],
    *,
    quantity: int,
    source: str,
    player_id: UUID,
    now: datetime,
) -> list[int] | None:
    """Keep free codes for somebody, out of the pools in their order (a region's id, None: of no region); their ids.

    None where there are too few in all of them; what was taken until then is undone with the caller's transaction.
    """
    taken: list[int] = []
    for pool in pools:
        found = await take_sealed_codes(
            db,
            project_id,
            item_id,
            pool,
            quantity=quantity - len(taken),
            state=CodeState.RESERVED,
            source=source,
            player_id=player_id,
            now=now,
        )
        taken += [code_id for code_id, _ in found]
        if len(taken) == quantity:
            return taken
    return None


async def free_codes(db: Session, project_id: int, item_id: int, code_ids: Sequence[int]) -> int:
    """Put kept codes back into their pools; how many."""
    return await db.execute(
        FREE_CODES, project=project_id, item=item_id, codes=list(code_ids), from_state=CodeState.RESERVED.value
    )
