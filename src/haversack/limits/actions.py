"""Changes of what is left: stock when an item is saved, uses when a studio sets a player's limit."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from haversack.catalog.records import Item, ItemLimits
from haversack.database.engine import Session
from haversack.errors import ITEM_LIMIT_OUT_OF_RANGE, ITEM_WITHOUT_USER_LIMIT, STOCK_TOO_SMALL
from haversack.http.calls import AdminCall
from haversack.inventory.ledger import STUDIO, LedgerRow, stock_row, uses_row, write_ledger
from haversack.limits import queries, rules
from haversack.limits.records import Window
from haversack.login.actions import get_player_id


async def save_stock(db: Session, project_id: int, item_id: int, per_item: int | None, *, now: datetime) -> None:
    """Set how many of an item there are, inside the transaction that saves it; None: as many as are wanted.

    What is reserved and sold stays so; a total below that is refused. An item that is no longer limited has nothing
    reserved or sold; one that is limited again has reserved what unpaid orders still hold of it.
    """
    stock = await queries.lock_stock(db, project_id, item_id)
    rows: list[LedgerRow] = []
    if per_item is None:
        if stock is None:
            return
        await queries.drop_stock(db, project_id, item_id)
        rows = [stock_row(item_id, "reserved", -stock.reserved), stock_row(item_id, "sold", -stock.sold)]
    else:
        held = await queries.count_held(db, project_id, item_id) if stock is None else 0
        taken = held if stock is None else stock.reserved + stock.sold
        if taken > per_item:
            raise STOCK_TOO_SMALL(total=per_item, taken=taken)
        is_saved = await queries.save_stock(db, project_id, item_id, total=per_item, reserved=held)
        assert is_saved, "the row is locked, and so is what is held"
        rows = [stock_row(item_id, "reserved", held)]
    await write_ledger(db, project_id=project_id, player_id=STUDIO, source="studio:stock", rows=rows, now=now)


async def find_left(call: AdminCall, item: Item, external_id: str) -> tuple[int, int]:
    """A player's limit of an item: the total and what is left of it."""
    player_id, limit, window = await _player_window(call, item, external_id)
    uses = await queries.find_uses(call.db, call.project_id, player_id, item.item_id)
    return limit, max(0, limit - rules.used_in(uses, window))


async def add_left(call: AdminCall, item: Item, external_id: str, quantity: int) -> tuple[int, int]:
    """Let a player have more (a negative quantity: fewer); refused beyond the limit and below nothing."""
    player_id, limit, window = await _player_window(call, item, external_id)
    async with call.db.begin():
        used = await queries.change_uses(
            call.db,
            call.project_id,
            player_id,
            item.item_id,
            change=-quantity,
            limit=limit,
            window_start=window.start,
        )
        if used is None:
            raise ITEM_LIMIT_OUT_OF_RANGE()
        await _write_uses(call, player_id, [uses_row(item.item_id, window.start, -quantity)])
    return limit, limit - used


async def set_left(call: AdminCall, item: Item, external_id: str, available: int) -> tuple[int, int]:
    """Set what a player may still have; refused beyond the limit."""
    player_id, limit, window = await _player_window(call, item, external_id)
    if available > limit:
        raise ITEM_LIMIT_OUT_OF_RANGE()
    used = limit - available
    async with call.db.begin():
        before = await queries.lock_uses(call.db, call.project_id, player_id, item.item_id, window_start=window.start)
        await queries.set_used(call.db, call.project_id, player_id, item.item_id, used=used, window_start=window.start)
        change = used - (before.used if before.window_start == window.start else 0)
        await _write_uses(call, player_id, [uses_row(item.item_id, window.start, change)])
    return limit, available


async def reset_item(call: AdminCall, item: Item, external_id: str | None) -> None:
    """Let a player begin anew with an item, or everybody."""
    _user_limits(item)
    async with call.db.begin():
        if external_id is None:
            await queries.reset_item(call.db, call.project_id, item.item_id, now=call.now)
        else:
            await _forget(call, await get_player_id(call, external_id), item.item_id)


async def reset_player(call: AdminCall, external_id: str) -> None:
    """Let a player begin anew with every item."""
    async with call.db.begin():
        await _forget(call, await get_player_id(call, external_id), None)


async def _forget(call: AdminCall, player_id: UUID, item_id: int | None) -> None:
    forgotten = await queries.forget_uses(call.db, call.project_id, player_id, item_id)
    rows = [uses_row(item_id, uses.window_start, -uses.used) for item_id, uses in sorted(forgotten.items())]
    await _write_uses(call, player_id, rows)


async def _write_uses(call: AdminCall, player_id: UUID, rows: Sequence[LedgerRow]) -> None:
    await write_ledger(
        call.db, project_id=call.project_id, player_id=player_id, source="studio:limit", rows=rows, now=call.now
    )


def _user_limits(item: Item) -> ItemLimits:
    if item.limits is None or item.limits.per_user is None:
        raise ITEM_WITHOUT_USER_LIMIT()
    return item.limits


async def _player_window(call: AdminCall, item: Item, external_id: str) -> tuple[UUID, int, Window]:
    limits = _user_limits(item)
    assert limits.per_user is not None
    player_id = await get_player_id(call, external_id)
    reset_at: datetime | None = (await queries.list_resets(call.db, call.project_id)).get(item.item_id)
    return player_id, limits.per_user, rules.item_window(limits, call.now, reset_at=reset_at)
