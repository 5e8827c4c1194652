"""Reads and writes of stock and uses. What must hold under load is one conditional statement each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Boolean, Integer, and_, any_, bindparam, case, column, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from haversack.database.engine import Session
from haversack.limits.records import Stock, Uses
from haversack.limits.tables import item_limit_resets as resets
from haversack.limits.tables import item_stocks as stocks
from haversack.limits.tables import user_item_uses as uses
from haversack.orders.tables import order_lines, orders

_stock_of = (stocks.c.project_id == bindparam("project"), stocks.c.item_id == bindparam("item"))
_uses_of = (
    uses.c.project_id == bindparam("project"),
    uses.c.player_id == bindparam("player"),
    uses.c.item_id == bindparam("item"),
)

LIST_STOCKS = select(stocks).where(
    stocks.c.project_id == bindparam("project"),
    or_(bindparam("all_items", type_=Boolean), stocks.c.item_id == any_(bindparam("items", type_=ARRAY(Integer)))),
)
LOCK_STOCK = select(stocks).where(*_stock_of).with_for_update()
_new_stock = insert(stocks).values(
    project_id=bindparam("project"),
    item_id=bindparam("item"),
    total=bindparam("of_total"),
    available=bindparam("of_total") - bindparam("of_reserved"),
    reserved=bindparam("of_reserved"),
)
SAVE_STOCK = _new_stock.on_conflict_do_update(
    index_elements=["project_id", "item_id"],
    set_={"total": bindparam("of_total"), "available": bindparam("of_total") - stocks.c.reserved - stocks.c.sold},
    where=stocks.c.reserved + stocks.c.sold <= bindparam("of_total"),
).returning(stocks.c.total)
DROP_STOCK = delete(stocks).where(*_stock_of)
# What unpaid orders have held since an item was limited before counts again. Orders that are just ending are passed
# over: they find no stock to give their units back to.
COUNT_HELD = select(func.coalesce(func.sum(column("stock_reserved", Integer)), 0)).select_from(
    select(order_lines.c.stock_reserved)
    .join(orders, (orders.c.project_id == order_lines.c.project_id) & (orders.c.order_id == order_lines.c.order_id))
    .where(
        order_lines.c.project_id == bindparam("project"),
        order_lines.c.item_id == bindparam("item"),
        order_lines.c.stock_reserved > 0,
        orders.c.state == "new",
    )
    .with_for_update(of=orders, skip_locked=True)
    .subquery()
)
# Giving back and selling move units between columns; the check that they add up holds by itself.
RELEASE_STOCK = (
    update(stocks)
    .where(*_stock_of, stocks.c.reserved >= bindparam("n"))
    .values(available=stocks.c.available + bindparam("n"), reserved=stocks.c.reserved - bindparam("n"))
)
SELL_RESERVED_STOCK = (
    update(stocks)
    .where(*_stock_of, stocks.c.reserved >= bindparam("n"))
    .values(sold=stocks.c.sold + bindparam("n"), reserved=stocks.c.reserved - bindparam("n"))
)

FIND_USES = select(uses.c.window_start, uses.c.used).where(*_uses_of)
LIST_RESETS = select(resets.c.item_id, resets.c.reset_at).where(resets.c.project_id == bindparam("project"))
_of_player: dict[str, Any] = {
    "project_id": bindparam("project"),
    "player_id": bindparam("player"),
    "item_id": bindparam("item"),
    "window_start": bindparam("window"),
}
# What was used before the window does not count in it. A first row is only made for what the limit allows; an existing
# one only changed so far.
_change = bindparam("change", type_=Integer)
_used_then = case((uses.c.window_start < bindparam("window"), 0), else_=uses.c.used) + _change
USE = (
    insert(uses)
    .from_select(
        [*_of_player, "used"],
        select(
            bindparam("project", type_=Integer),
            bindparam("player", type_=uses.c.player_id.type),
            bindparam("item", type_=Integer),
            bindparam("window", type_=uses.c.window_start.type),
            # Never below nothing: a row that is only proposed is checked too.
            func.greatest(_change, 0),
        ).where(
            or_(and_(_change >= 0, _change <= bindparam("most", type_=Integer)), exists(select(uses).where(*_uses_of)))
        ),
    )
    .on_conflict_do_update(
        index_elements=["project_id", "player_id", "item_id"],
        set_={"window_start": bindparam("window"), "used": _used_then},
        where=and_(_used_then >= 0, _used_then <= bindparam("most", type_=Integer)),
    )
    .returning(uses.c.used)
)
_set = insert(uses).values(**_of_player, used=bindparam("n"))
SET_USED = _set.on_conflict_do_update(
    index_elements=["project_id", "player_id", "item_id"],
    set_={"window_start": bindparam("window"), "used": bindparam("n")},
).returning(uses.c.used)
# Making the row and locking it are one step: nobody else can make it in between.
LOCK_USES = (
    insert(uses)
    .values(**_of_player, used=0)
    .on_conflict_do_update(index_elements=["project_id", "player_id", "item_id"], set_={"used": uses.c.used})
    .returning(uses.c.window_start, uses.c.used)
)
_forgotten = (uses.c.item_id, uses.c.window_start, uses.c.used)
FORGET_USES = delete(uses).where(*_uses_of).returning(*_forgotten)
_in_order = (
    select(uses.c.item_id)
    .where(uses.c.project_id == bindparam("project"), uses.c.player_id == bindparam("player"))
    .order_by(uses.c.item_id)
    .with_for_update()
)
FORGET_USES_OF_PLAYER = (
    delete(uses)
    .where(
        uses.c.project_id == bindparam("project"),
        uses.c.player_id == bindparam("player"),
        uses.c.item_id.in_(_in_order),
    )
    .returning(*_forgotten)
)
_new_reset = insert(resets).values(
    project_id=bindparam("project"), item_id=bindparam("item"), reset_at=bindparam("now")
)
RESET_ITEM = _new_reset.on_conflict_do_update(
    index_elements=["project_id", "item_id"], set_={"reset_at": bindparam("now")}
)


def _stock(row: asyncpg.Record) -> Stock:
    return Stock(row["total"], row["available"], row["reserved"], row["sold"])


async def list_stocks(db: Session, project_id: int, item_ids: Sequence[int] | None = None) -> dict[int, Stock]:
    """The stock of each limited item, by item id; of all items where none are named."""
    rows = await db.fetch_all(LIST_STOCKS, project=project_id, all_items=item_ids is None, items=list(item_ids or []))
    return {row["item_id"]: _stock(row) for row in rows}


async def lock_stock(db: Session, project_id: int, item_id: int) -> Stock | None:
    """An item's stock, locked until the transaction ends; None for an unlimited item."""
    row = await db.fetch_one(LOCK_STOCK, project=project_id, item=item_id)
    return None if row is None else _stock(row)


async def save_stock(db: Session, project_id: int, item_id: int, *, total: int, reserved: int = 0) -> bool:
    """Set how many there are; False if more than that are reserved and sold.

    reserved: how many of an item that was not limited are held already; at most `total`.
    """
    saved = await db.fetch_value(SAVE_STOCK, project=project_id, item=item_id, of_total=total, of_reserved=reserved)
    return saved is not None


async def count_held(db: Session, project_id: int, item_id: int) -> int:
    """How many units of an item unpaid orders hold by their lines; they cannot end until the transaction does."""
    return int(await db.fetch_value(COUNT_HELD, project=project_id, item=item_id))


async def drop_stock(db: Session, project_id: int, item_id: int) -> None:
    """Make an item unlimited."""
    await db.execute(DROP_STOCK, project=project_id, item=item_id)


async def release_stock(db: Session, project_id: int, item_id: int, quantity: int) -> bool:
    """Give reserved units back; False if there are not so many."""
    return await db.execute(RELEASE_STOCK, project=project_id, item=item_id, n=quantity) == 1


async def sell_reserved_stock(db: Session, project_id: int, item_id: int, quantity: int) -> bool:
    """Count reserved units as sold; False if there are not so many."""
    return await db.execute(SELL_RESERVED_STOCK, project=project_id, item=item_id, n=quantity) == 1


async def find_uses(db: Session, project_id: int, player_id: UUID, item_id: int) -> Uses | None:
    """What a player has used of an item."""
    row = await db.fetch_one(FIND_USES, project=project_id, player=player_id, item=item_id)
    return None if row is None else Uses(row["window_start"], row["used"])


async def list_resets(db: Session, project_id: int) -> dict[int, datetime]:
    """When the uses of each item were last reset for everybody by hand."""
    return {row["item_id"]: row["reset_at"] for row in await db.fetch_all(LIST_RESETS, project=project_id)}


async def change_uses(
    db: Session, project_id: int, player_id: UUID, item_id: int, *, change: int, limit: int, window_start: datetime
) -> int | None:
    """Count uses of a limit in a window, or take some back (a negative change); the uses then.

    None, and nothing changed, where they would pass the limit or fall below nothing, however many calls come at once.
    """
    used = await db.fetch_value(
        USE,
        project=project_id,
        player=player_id,
        item=item_id,
        window=window_start,
        change=change,
        most=limit,
    )
    return None if used is None else int(used)


async def lock_uses(db: Session, project_id: int, player_id: UUID, item_id: int, *, window_start: datetime) -> Uses:
    """What a player has used of an item, locked until the transaction ends; nothing, in the window, where there was
    nothing."""
    row = await db.fetch_one(LOCK_USES, project=project_id, player=player_id, item=item_id, window=window_start)
    assert row is not None
    return Uses(row["window_start"], row["used"])


async def set_used(
    db: Session, project_id: int, player_id: UUID, item_id: int, *, used: int, window_start: datetime
) -> None:
    """Set what a player has used of an item in a window."""
    await db.execute(SET_USED, project=project_id, player=player_id, item=item_id, window=window_start, n=used)


async def forget_uses(db: Session, project_id: int, player_id: UUID, item_id: int | None) -> dict[int, Uses]:
    """Let a player begin anew with an item, or with all; what was used until then, by item id."""
    if item_id is None:
        rows = await db.fetch_all(FORGET_USES_OF_PLAYER, project=project_id, player=player_id)
    else:
        rows = await db.fetch_all(FORGET_USES, project=project_id, player=player_id, item=item_id)
    return {row["item_id"]: Uses(row["window_start"], row["used"]) for row in rows}


async def reset_item(db: Session, project_id: int, item_id: int, *, now: datetime) -> None:
    """Let everybody begin anew with an item: what was used before this moment counts no more."""
    await db.execute(RESET_ITEM, project=project_id, item=item_id, now=now)
