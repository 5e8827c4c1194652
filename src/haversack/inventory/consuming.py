"""A player's game uses something up."""

from uuid import UUID

from haversack.catalog.records import ItemKind, VirtualItemType
from haversack.catalog.selling import open_shop
from haversack.errors import (
    CONSUMED_IN_TWO_WAYS,
    CONSUMED_NOTHING_NAMED,
    ITEM_NOT_CONSUMABLE,
    ITEM_NOT_FOUND,
    ITEM_NOT_OWNED,
    Fault,
)
from haversack.http.calls import BuyerCall
from haversack.inventory.holdings import lock_holdings
from haversack.inventory.queries import consuming as queries


async def consume_item(call: BuyerCall, *, sku: str | None, quantity: int | None, instance_id: UUID | None) -> None:
    """Use up a number of an item, or one use of one of its pieces; the two exclude each other.

    A number takes what is stacked first, then uses of pieces, the oldest first; all of it or nothing.
    """
    if sku is None or (quantity is None and instance_id is None):
        raise CONSUMED_NOTHING_NAMED()
    if quantity is not None and instance_id is not None:
        raise CONSUMED_IN_TWO_WAYS(faults=[Fault("instance_id", "either a quantity or an instance is used up")])
    item = (await open_shop(call.context.catalogs, call.project_id)).find_by_sku(sku)
    if item is None or item.kind is not ItemKind.VIRTUAL_GOOD:
        raise ITEM_NOT_FOUND(project_id=call.project_id, sku=sku)
    if item.details.used_up_as is not VirtualItemType.CONSUMABLE:
        raise ITEM_NOT_CONSUMABLE(sku=sku)
    if quantity is not None:
        await _consume_number(call, item.item_id, quantity)
    else:
        assert instance_id is not None
        await _use_piece(call, item.item_id, instance_id)


async def _consume_number(call: BuyerCall, item_id: int, quantity: int) -> None:
    db, project_id, player_id, source = call.db, call.project_id, call.player_id, _source(call)
    now = call.now
    async with db.begin():
        if await queries.consume(
            db, project_id=project_id, player_id=player_id, item_id=item_id, quantity=quantity, source=source, now=now
        ):
            return
        locked = await lock_holdings(db, project_id, currencies=[], items=[(player_id, item_id)], now=now)
        locked.after.consume(player_id, item_id, quantity, source)
        await locked.save(db)
        await locked.write_rows(db)


async def _use_piece(call: BuyerCall, item_id: int, instance_id: UUID) -> None:
    async with call.db.begin():
        is_used = await queries.use_piece(
            call.db,
            project_id=call.project_id,
            player_id=call.player_id,
            item_id=item_id,
            instance_id=instance_id,
            source=_source(call),
            now=call.now,
        )
        if not is_used:
            raise ITEM_NOT_OWNED()


def _source(call: BuyerCall) -> str:
    return f"consume:{call.request_id}"
