"""Orders that players make and look at: free ones, those for a virtual currency, and what has become of an order."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Query
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request

from haversack.carts.queries import wanted_of_cart
from haversack.carts.records import WantedCart
from haversack.errors import (
    CART_EMPTY,
    CART_INVALID,
    CART_NOT_FOUND,
    CODES_TOO_FEW,
    GAME_NOT_IN_COUNTRY,
    ITEM_FREE_ORDER_ONLY,
    ITEM_IS_FREE,
    ITEM_KIND_NOT_SOLD,
    ITEM_NOT_FOUND,
    ITEM_NOT_FREE,
    ITEM_UNAVAILABLE,
    KEYS_TOO_FEW,
    NON_CONSUMABLE_OWNED,
    NOT_ENOUGH_CURRENCY,
    ORDER_NOT_FOUND,
    OWNED_TOO_MANY,
    PRICE_NOT_FOUND,
    PROMO_CODE_UNKNOWN,
    REDEMPTION_LIMIT_REACHED,
    STORE,
    UNPAID_ORDERS_TOO_MANY,
    USER_LIMIT_EXCEEDED,
)
from haversack.http.area import Area
from haversack.http.calls import BuyerCall, GuestCall, ShopperCall
from haversack.http.platforms import Platform
from haversack.orders import answering, queries
from haversack.orders.changes import note_order
from haversack.orders.checkout import order_for_free, order_for_virtual_currency
from haversack.orders.codes import list_codes
from haversack.orders.preparing import Checkout, Wanted
from haversack.orders.records import Order
from haversack.orders.wire import (
    PLATFORM_QUERIES,
    FreeItemOrderBody,
    FreeOrderBody,
    OrderIdView,
    OrderView,
    VirtualOrderBody,
    country_said,
)
from haversack.promotions.codes.guessing import Guess
from haversack.promotions.use_queries import read_codes
from haversack.webhooks.actions import announce

free_area = Area("free-item", family=STORE, prefix="/api")
virtual_area = Area("virtual-payment", family=STORE, prefix="/api")
order_area = Area("order", family=STORE, prefix="/api")

ORDER_ID_MAX = 2**31 - 1

# What may stand in the way of an order, whatever it is paid with.
CHECKOUT_ERRORS = (
    ITEM_NOT_FOUND,
    ITEM_KIND_NOT_SOLD,
    ITEM_UNAVAILABLE,
    GAME_NOT_IN_COUNTRY,
    CODES_TOO_FEW,
    KEYS_TOO_FEW,
    USER_LIMIT_EXCEEDED,
    NON_CONSUMABLE_OWNED,
    REDEMPTION_LIMIT_REACHED,
)
# Beside these, for orders that a payment pays.
MONEY_ERRORS = (*CHECKOUT_ERRORS, ITEM_IS_FREE, ITEM_FREE_ORDER_ONLY, PRICE_NOT_FOUND, UNPAID_ORDERS_TOO_MANY)
CART_ERRORS = (CART_NOT_FOUND, CART_INVALID, CART_EMPTY)
FREE_ERRORS = (*CHECKOUT_ERRORS, ITEM_NOT_FREE, OWNED_TOO_MANY)
VIRTUAL_ERRORS = (
    *CHECKOUT_ERRORS,
    PROMO_CODE_UNKNOWN,
    ITEM_FREE_ORDER_ONLY,
    PRICE_NOT_FOUND,
    NOT_ENOUGH_CURRENCY,
    OWNED_TOO_MANY,
)


def country_of(call: BuyerCall | GuestCall, given: str | None = None) -> str | None:
    """The country whose prices and regions hold: the token's, else the one given, else the header's, as in the
    catalog."""
    if call.player is not None and call.player.country is not None:
        return call.player.country
    return given or answering.country_of(call.player, call.request.headers.get("x-user-country", ""))


async def check_code(call: BuyerCall, code: str | None) -> None:
    """PROMO_CODE_UNKNOWN for a code that opens nothing: who has given one is not charged more in silence. Too many such
    are refused (429)."""
    if not code:
        return
    guess = Guess.of(call)
    guess.check()
    if not (await read_codes(call.db, call.project_id, [code])).opened:
        guess.missed()
        raise PROMO_CODE_UNKNOWN()
    guess.check()


def tell_of(call: BuyerCall, order: Order) -> OrderIdView:
    """Wake who waits for the order, after the commit, and answer with its number."""
    call.after_commit.append(lambda: note_order(call, order.project_id, order.player_id, order.order_id, order.state))
    if order.delivery_id is not None:
        call.after_commit.append(lambda: announce(call.context, order.project_id))
    return OrderIdView(order_id=order.order_id)


async def cart_of(call: ShopperCall, cart_id: str | None) -> WantedCart:
    """What a cart of the caller wants, or CART_NOT_FOUND; CART_EMPTY is left to the checkout."""
    return await wanted_of_cart(call.db, call.project_id, call.player_id, cart_id, name=call.player.name_in_game)


def of_cart(checkout: Checkout, cart: WantedCart) -> Checkout:
    """The checkout of what a cart wants, with the codes that were given for it."""
    return replace(
        checkout,
        wanted=[Wanted("", quantity, item_id) for item_id, quantity in cart.lines],
        cart_id=cart.cart_id,
        promo_codes=cart.promo_codes,
        chosen_keys=cart.chosen_keys,
    )


def _checkout(
    call: BuyerCall, body: FreeOrderBody, wanted: list[Wanted], *, promo_codes: Sequence[str] = ()
) -> Checkout:
    return Checkout(
        project=call.project,
        player=call.player,
        wanted=wanted,
        currency=body.currency,
        country=country_of(call, country_said(body.country, body.user)),
        locale=body.locale,
        is_sandbox=body.sandbox or call.project.is_sandbox,
        promo_codes=promo_codes,
        custom_parameters=body.custom_parameters,
    )


@free_area.post("/v2/project/{project_id}/free/item/{item_sku}", errors=(*FREE_ERRORS, PROMO_CODE_UNKNOWN))
async def create_free_order_with_item(
    call: BuyerCall, item_sku: str, body: FreeItemOrderBody | None = None
) -> OrderIdView:
    """Order an item that costs nothing. It is given at once."""
    asked = body or FreeItemOrderBody()
    await check_code(call, asked.promo_code)
    promo_codes = [asked.promo_code] if asked.promo_code else []
    checkout = _checkout(call, asked, [Wanted(item_sku, asked.quantity)], promo_codes=promo_codes)
    return tell_of(call, await order_for_free(call.context, call.db, checkout))


@free_area.post("/v2/project/{project_id}/free/cart", errors=(*FREE_ERRORS, *CART_ERRORS))
async def create_free_order(call: ShopperCall, body: FreeOrderBody | None = None) -> OrderIdView:
    """Order what is in the current cart, all of which costs nothing."""
    return await _order_free_cart(call, None, body)


@free_area.post("/v2/project/{project_id}/free/cart/{cart_id}", errors=(*FREE_ERRORS, *CART_ERRORS))
async def create_free_order_by_cart_id(
    call: ShopperCall, cart_id: str, body: FreeOrderBody | None = None
) -> OrderIdView:
    """Order what is in a cart, all of which costs nothing."""
    return await _order_free_cart(call, cart_id, body)


async def _order_free_cart(call: ShopperCall, cart_id: str | None, body: FreeOrderBody | None) -> OrderIdView:
    cart = await cart_of(call, cart_id)
    checkout = of_cart(_checkout(call, body or FreeOrderBody(), []), cart)
    return tell_of(call, await order_for_free(call.context, call.db, checkout))


async def _bind_virtual_order(request: Request) -> dict[str, Any] | None:
    """The parameters of a purchase as clients send them: no query or the platform alone, a small body or none."""
    platform = PLATFORM_QUERIES.get(request.scope["query_string"])
    if platform is None:
        return None
    raw = await request.body()
    try:
        body = VirtualOrderBody.model_validate(await request.json()) if raw else None
    except (ValueError, RequestValidationError):
        return None
    path = request.path_params
    return {
        "item_sku": path["item_sku"],
        "virtual_currency_sku": path["virtual_currency_sku"],
        "platform": platform,
        "body": body,
    }


@virtual_area.post(
    "/v2/project/{project_id}/payment/item/{item_sku}/virtual/{virtual_currency_sku}",
    errors=VIRTUAL_ERRORS,
    bind=_bind_virtual_order,
    hot=answering.buy_hot,
)
async def create_order_with_item_for_virtual_currency(
    call: BuyerCall,
    item_sku: str,
    virtual_currency_sku: str,
    platform: Annotated[Platform, Query(description="where the game runs")] = "xsolla",
    body: VirtualOrderBody | None = None,
) -> OrderIdView:
    """Buy one of an item for a virtual currency. The balance is charged and the item given at once."""
    asked = body or VirtualOrderBody()
    await check_code(call, asked.promo_code)
    checkout = Checkout(
        project=call.project,
        player=call.player,
        wanted=[Wanted(item_sku, 1)],
        country=country_of(call),
        is_sandbox=asked.sandbox or call.project.is_sandbox,
        custom_parameters=asked.custom_parameters,
        platform=platform,
        promo_codes=[asked.promo_code] if asked.promo_code else [],
    )
    return tell_of(call, await order_for_virtual_currency(call.context, call.db, checkout, virtual_currency_sku))


@order_area.get("/v2/project/{project_id}/order/{order_id}", errors=(ORDER_NOT_FOUND,))
async def get_order(call: ShopperCall, order_id: str) -> OrderView:
    """Show how far an order of the caller is, and once it is done the codes of the keys in it."""
    is_number = order_id.isascii() and order_id.isdigit() and len(order_id) <= 10
    if not is_number or int(order_id) > ORDER_ID_MAX:
        raise ORDER_NOT_FOUND()
    order = await queries.get_order(call.db, call.project_id, int(order_id))
    if order.player_id != call.player_id:
        # Whose order it is says nothing about whether it exists.
        raise ORDER_NOT_FOUND()
    return OrderView.of(order, await list_codes(call.db, call.context.sealer, order))
