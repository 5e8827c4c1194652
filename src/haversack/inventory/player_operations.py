"""Operations with which a player's game reads what the player owns, and uses it up."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from haversack.errors import (
    CONSUMED_IN_TWO_WAYS,
    CONSUMED_NOTHING_NAMED,
    ITEM_NOT_CONSUMABLE,
    ITEM_NOT_FOUND,
    ITEM_NOT_OWNED,
    STORE,
)
from haversack.http.area import Area
from haversack.http.calls import BuyerCall
from haversack.inventory import consuming
from haversack.inventory.reading import answer, balances_body, hot_answer, owned_body, time_limited_body
from haversack.inventory.wire import (
    BalancesView,
    ConsumeBody,
    ConsumeQuery,
    InventoryQuery,
    InventoryView,
    TextQuery,
    TimeLimitedView,
)

area = Area("inventory", family=STORE, prefix="/api/v2/project/{project_id}/user")


@area.get("/inventory/items", answer=InventoryView, hot=hot_answer(InventoryQuery, owned_body))
async def get_user_inventory(call: BuyerCall, asked: Annotated[InventoryQuery, Query()]) -> Response:
    """List what the player has: items that stack with their number, others piece by piece."""
    return await answer(call, asked, owned_body)


@area.get("/virtual_currency_balance", answer=BalancesView, hot=hot_answer(TextQuery, balances_body))
async def get_user_virtual_balance(call: BuyerCall, asked: Annotated[TextQuery, Query()]) -> Response:
    """List the shop's virtual currencies with what the player has of each."""
    return await answer(call, asked, balances_body)


@area.get("/time_limited_items", answer=TimeLimitedView, hot=hot_answer(TextQuery, time_limited_body))
async def get_user_time_limited_items(call: BuyerCall, asked: Annotated[TextQuery, Query()]) -> Response:
    """List the player's time-limited items with their ends, those that have run out too."""
    return await answer(call, asked, time_limited_body)


@area.post(
    "/inventory/item/consume",
    errors=(CONSUMED_NOTHING_NAMED, CONSUMED_IN_TWO_WAYS, ITEM_NOT_FOUND, ITEM_NOT_OWNED, ITEM_NOT_CONSUMABLE),
)
async def consume_item(call: BuyerCall, asked: Annotated[ConsumeQuery, Query()], body: ConsumeBody) -> None:
    """Use up a number of a consumable item, or one use of one of its pieces."""
    await consuming.consume_item(call, sku=body.sku, quantity=body.quantity, instance_id=body.instance_id)
