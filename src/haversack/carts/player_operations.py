"""Carts of players and guests: the current one, and others under ids that clients make up."""

from typing import Annotated, Any

from fastapi import Query
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

from haversack.carts import actions
from haversack.carts.actions import Owner, Wanted
from haversack.carts.answering import CartAsk, FillingShow, answer, answer_hot, country_of
from haversack.carts.rules import checked_quantity
from haversack.carts.wire import CartAnswer, CartQuery, FillBody, PutBody
from haversack.catalog.selling import Shop
from haversack.errors import (
    CART_FULL,
    CART_INVALID,
    ITEM_KIND_NOT_SOLD,
    ITEM_NOT_FOUND,
    ITEM_NOT_IN_CART,
    PROJECT_NOT_FOUND,
    QUANTITY_INVALID,
    STORE,
)
from haversack.http.area import Area
from haversack.http.calls import ShopperCall
from haversack.http.known_queries import query_reader

area = Area("cart-client-side", family=STORE, prefix="/api/v2/project/{project_id}/cart")

Shown = Annotated[CartQuery, Query()]
SEEN = (CART_INVALID, PROJECT_NOT_FOUND)
FILLED = (*SEEN, QUANTITY_INVALID, CART_FULL)
PUT = (*FILLED, ITEM_NOT_FOUND, ITEM_KIND_NOT_SOLD)
TAKEN_OUT = (*SEEN, ITEM_NOT_FOUND, ITEM_NOT_IN_CART)

_read_query = query_reader(CartQuery)


@area.get("", errors=SEEN, answer=CartAnswer, hot=answer_hot)
async def get_user_cart(call: ShopperCall, shown: Shown) -> Response:
    """Show the current cart."""
    return await answer(call, _ask(None, shown))


@area.get("/{cart_id}", errors=SEEN, answer=CartAnswer, hot=answer_hot)
async def get_cart_by_id(call: ShopperCall, cart_id: str, shown: Shown) -> Response:
    """Show a cart. One that was never filled is empty."""
    return await answer(call, _ask(cart_id, shown))


async def _bind_fill(request: Request) -> dict[str, Any] | None:
    """The parameters of a fill without faults."""
    shown = _read_query(request.scope["query_string"])
    if shown is None:
        return None
    try:
        body = FillBody.model_validate(await request.json())
    except (ValueError, RequestValidationError):
        return None
    named = {"cart_id": request.path_params["cart_id"]} if "cart_id" in request.path_params else {}
    return {**named, "body": body, "shown": shown}


@area.put("/fill", errors=FILLED, answer=CartAnswer, bind=_bind_fill)
async def cart_fill(call: ShopperCall, body: FillBody, shown: Shown) -> bytes:
    """Set the quantities of items in the current cart, and leave its other items."""
    return await _fill(call, None, body, shown)


@area.put("/{cart_id}/fill", errors=FILLED, answer=CartAnswer, bind=_bind_fill)
async def cart_fill_by_id(call: ShopperCall, cart_id: str, body: FillBody, shown: Shown) -> bytes:
    """Set the quantities of items in a cart, and leave its other items. The cart is made where there is none."""
    return await _fill(call, cart_id, body, shown)


@area.put("/item/{item_sku}", status=204, errors=PUT)
async def put_item(call: ShopperCall, item_sku: str, body: PutBody, shown: Shown) -> None:
    """Set the quantity of an item in the current cart."""
    await _put(call, None, item_sku, body, shown)


@area.put("/{cart_id}/item/{item_sku}", status=204, errors=PUT)
async def put_item_by_cart_id(call: ShopperCall, cart_id: str, item_sku: str, body: PutBody, shown: Shown) -> None:
    """Set the quantity of an item in a cart. The cart is made where there is none."""
    await _put(call, cart_id, item_sku, body, shown)


@area.delete("/item/{item_sku}", status=204, errors=TAKEN_OUT)
async def delete_item_from_cart(call: ShopperCall, item_sku: str) -> None:
    """Take an item out of the current cart."""
    await actions.take_out(call.db, await _shop(call), _owner(call, None), item_sku)


@area.delete("/{cart_id}/item/{item_sku}", status=204, errors=TAKEN_OUT)
async def delete_item_by_cart_id(call: ShopperCall, cart_id: str, item_sku: str) -> None:
    """Take an item out of a cart."""
    await actions.take_out(call.db, await _shop(call), _owner(call, cart_id), item_sku)


@area.put("/clear", status=204, errors=SEEN)
async def cart_clear(call: ShopperCall) -> None:
    """Take everything out of the current cart."""
    await actions.clear(call.db, _owner(call, None))


@area.put("/{cart_id}/clear", status=204, errors=SEEN)
async def cart_clear_by_id(call: ShopperCall, cart_id: str) -> None:
    """Take everything out of a cart."""
    await actions.clear(call.db, _owner(call, cart_id))


def _ask(cart_id: str | None, shown: CartQuery) -> CartAsk:
    return CartAsk(cart_id=cart_id, language=shown.language, country=shown.country, currency=shown.currency)


def _owner(call: ShopperCall, cart_id: str | None, shown: CartQuery | None = None) -> Owner:
    ask = _ask(cart_id, shown or CartQuery())
    return Owner(
        project_id=call.project_id,
        owner_id=call.player_id,
        cart_id=cart_id,
        country=country_of(ask, call.player, call.request.headers.get("x-user-country", "")),
        currency=ask.currency,
        player=call.player,
    )


async def _shop(call: ShopperCall) -> Shop:
    return Shop(await call.context.catalogs.get(call.project_id))


async def _fill(call: ShopperCall, cart_id: str | None, body: FillBody, shown: CartQuery) -> bytes:
    owner = _owner(call, cart_id, shown)
    wanted = [Wanted(line.sku, checked_quantity(line.quantity)) for line in body.items]
    held = await call.context.catalogs.get(call.project_id)
    show = FillingShow(call, held, owner, shown.language)
    filled, warnings = await actions.fill(call.db, Shop(held), owner, wanted, show.foresee)
    return await show.show(filled, warnings)


async def _put(call: ShopperCall, cart_id: str | None, sku: str, body: PutBody, shown: CartQuery) -> None:
    wanted = Wanted(sku, checked_quantity(body.quantity))
    await actions.put(call.db, await _shop(call), _owner(call, cart_id, shown), wanted)
