"""Changes of how many of an item may be ordered before it is out."""

from haversack.catalog.keys.actions.codes import tell_stock
from haversack.catalog.keys.queries import pre_orders as queries
from haversack.catalog.records import Item
from haversack.errors import PRE_ORDERS_TOO_FEW, STORE, Fault
from haversack.http.calls import AdminCall
from haversack.http.problems import invalid


async def add_pre_orders(call: AdminCall, item: Item, quantity: int) -> None:
    """Let more be ordered."""
    async with call.db.begin():
        if not await queries.add_pre_orders(call.db, call.project_id, item.item_id, quantity):
            fault = Fault("quantity", f"would make more than {queries.LIMIT_MAX} of them")
            raise invalid(STORE.invalid, [fault])
        await tell_stock(call)


async def set_pre_orders(call: AdminCall, item: Item, quantity: int) -> None:
    """Set how many may still be ordered."""
    async with call.db.begin():
        await queries.set_pre_orders(call.db, call.project_id, item.item_id, quantity)
        await tell_stock(call)


async def remove_pre_orders(call: AdminCall, item: Item, quantity: int) -> None:
    """Let fewer be ordered; PRE_ORDERS_TOO_FEW, and nothing changed, where that would be below nothing."""
    async with call.db.begin():
        if not await queries.remove_pre_orders(call.db, call.project_id, item.item_id, quantity):
            raise PRE_ORDERS_TOO_FEW(quantity=quantity)
        await tell_stock(call)


async def enable_limit(call: AdminCall, item: Item, *, is_enabled: bool) -> None:
    """Switch an item's limit on or off."""
    async with call.db.begin():
        await queries.enable_limit(call.db, call.project_id, item.item_id, is_enabled=is_enabled)
        await tell_stock(call)
