"""Payment operations that a player calls: orders that are paid with money, and purchases without an order."""

from collections.abc import Sequence
from typing import Any

from haversack.carts.records import WantedCart
from haversack.errors import ITEM_NOT_FOUND, PROJECT_NOT_FOUND, PROMO_CODE_UNKNOWN, STORE, Fault
from haversack.http.area import Area, Repeat
from haversack.http.calls import BuyerCall, ShopperCall
from haversack.http.problems import invalid
from haversack.orders.player_operations import CART_ERRORS, MONEY_ERRORS, cart_of, check_code, country_of, of_cart
from haversack.orders.preparing import Checkout, Wanted
from haversack.orders.records import ChainStep
from haversack.orders.wire import country_said
from haversack.payments.ordering import order_with_token
from haversack.payments.rules import moves_no_money
from haversack.payments.tokens import issue_token
from haversack.payments.wire.orders import (
    CartOrderBody,
    ItemOrderBody,
    OrderTokenView,
    SimplePurchaseBody,
    TokenView,
)
from haversack.payments.wire.settings import stored_settings

area = Area("payment-client-side", family=STORE, prefix="/api/v2/project/{project_id}/payment")

# An item that is gone from a cart is unavailable, not unknown.
BY_CART = tuple(kind for kind in (*MONEY_ERRORS, *CART_ERRORS, PROJECT_NOT_FOUND) if kind is not ITEM_NOT_FOUND)
NO_SANDBOX = "this project takes real money: only its server may make sandbox orders"


def _is_sandbox(call: BuyerCall, *, wanted: bool) -> bool:
    """Whether no money moves. A player who could choose that would pay with test cards, so outside of development it is
    for the project and its server to say."""
    if moves_no_money(call.project):
        return True
    if wanted and not call.context.settings.is_development:
        raise invalid(STORE.invalid, [Fault("sandbox", NO_SANDBOX)])
    return wanted


def _user_details(call: BuyerCall, country: str | None) -> dict[str, Any]:
    details: dict[str, Any] = {"country": {"value": country, "allow_modify": False}}
    if call.player.email is not None:
        details["email"] = call.player.email
    if call.player.name is not None:
        details["name"] = call.player.name
    return details


async def order_for_token(
    call: BuyerCall,
    body: CartOrderBody,
    wanted: list[Wanted],
    *,
    cart: WantedCart | None = None,
    promo_codes: Sequence[str] = (),
    chain_step: ChainStep | None = None,
) -> OrderTokenView:
    """Order for money what is wanted, by itself, out of a cart or as a step of an offer chain, with its token."""
    country = country_of(call, country_said(body.country, body.user))
    checkout = Checkout(
        project=call.project,
        player=call.player,
        wanted=wanted,
        currency=body.currency,
        country=country,
        locale=body.locale,
        is_sandbox=_is_sandbox(call, wanted=body.sandbox),
        promo_codes=promo_codes,
        custom_parameters=body.custom_parameters,
        chain_step=chain_step,
    )
    if cart is not None:
        checkout = of_cart(checkout, cart)
    settings = {"language": body.locale, **stored_settings(body.settings)}
    async with call.db.begin():
        order, token = await order_with_token(
            call, checkout, user_details=_user_details(call, country), settings=settings
        )
    return OrderTokenView(order_id=order.order_id, token=token)


@area.post("/item/{item_sku}", errors=(*MONEY_ERRORS, PROMO_CODE_UNKNOWN))
async def create_order_with_item(call: BuyerCall, item_sku: str, body: ItemOrderBody | None = None) -> OrderTokenView:
    """Order an item for money. The token opens the payment page for it, for 24 hours."""
    asked = body or ItemOrderBody()
    await check_code(call, asked.promo_code)
    promo_codes = [asked.promo_code] if asked.promo_code else []
    return await order_for_token(call, asked, [Wanted(item_sku, asked.quantity)], promo_codes=promo_codes)


@area.post("/cart", errors=BY_CART)
async def create_order(call: ShopperCall, body: CartOrderBody | None = None) -> OrderTokenView:
    """Order what is in the current cart for money."""
    return await _order_cart(call, None, body)


@area.post("/cart/{cart_id}", errors=BY_CART)
async def create_order_by_cart_id(call: ShopperCall, cart_id: str, body: CartOrderBody | None = None) -> OrderTokenView:
    """Order what is in a cart for money."""
    return await _order_cart(call, cart_id, body)


async def _order_cart(call: ShopperCall, cart_id: str | None, body: CartOrderBody | None) -> OrderTokenView:
    return await order_for_token(call, body or CartOrderBody(), [], cart=await cart_of(call, cart_id))


@area.post("", repeat=Repeat.NEVER)
async def create_simple_payment(call: BuyerCall, body: SimplePurchaseBody) -> TokenView:
    """Make a token for a sum, without an order. The game gives what was bought when its webhook hears of the payment,
    and must compare the sum with its own price: the player's game has named it."""
    country = country_of(call)
    token = await issue_token(
        call.db,
        call.project,
        order=None,
        player_id=call.player_id,
        external_id=call.player.name_in_game,
        is_sandbox=_is_sandbox(call, wanted=body.wants_sandbox),
        user_details=_user_details(call, country),
        purchase=body.purchase.stored(),
        settings=stored_settings(body.settings),
        custom_parameters=body.custom_parameters,
        now=call.now,
    )
    return TokenView(token=token)
