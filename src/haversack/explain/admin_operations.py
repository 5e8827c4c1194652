"""Explanations for a studio: why an item or a cart is what it is for a player. Our own, not of the wire."""

from typing import Annotated

from fastapi import Path, Query

from haversack.errors import CART_INVALID, CART_NOT_FOUND, ITEM_SKU_NOT_FOUND, STORE
from haversack.explain.tracing import explain_cart, explain_item
from haversack.explain.wire import CartQuery, CartTraceView, ItemQuery, ItemTraceView
from haversack.http.area import Area
from haversack.http.calls import AdminCall

area = Area("explain", family=STORE, prefix="/api/v2/project/{project_id}/admin/explain")

CartIdPath = Annotated[str, Path(description="`current`: the player's current cart")]


@area.get("/item/{sku}", errors=(ITEM_SKU_NOT_FOUND,))
async def get_item_explanation(call: AdminCall, sku: str, about: Annotated[ItemQuery, Query()]) -> ItemTraceView:
    """Say why an item is shown, sold and priced as it is: each rule that was looked at, kept or dropped, and why."""
    return ItemTraceView.of(await explain_item(call.context, call.project, sku, about.asked(call.now)))


@area.get("/cart/{cart_id}", errors=(CART_INVALID, CART_NOT_FOUND))
async def get_cart_explanation(
    call: AdminCall, cart_id: CartIdPath, about: Annotated[CartQuery, Query()]
) -> CartTraceView:
    """Say why each line of a player's cart can be bought or not, and why it costs what it does."""
    return CartTraceView.of(await explain_cart(call.context, call.project, cart_id, about.asked(call.now)))
