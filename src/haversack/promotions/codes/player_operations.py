"""The operations with which players look at codes and redeem them."""

from typing import Annotated, Any

import orjson
from fastapi import Path
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request

from haversack.carts.actions import Owner
from haversack.carts.answering import CartAsk, FillingShow, country_of
from haversack.carts.wire import CartAnswer
from haversack.errors import (
    AUTHORIZATION_NOT_SENT,
    CART_INVALID,
    CART_NOT_FOUND,
    CODE_EXPIRED,
    CODE_NOT_FOUND,
    CODE_NOT_IN_REGION,
    COUPON_CODE_UNKNOWN,
    KEYS_TOO_FEW,
    NON_CONSUMABLE_OWNED,
    OWNED_TOO_MANY,
    PROJECT_NOT_FOUND,
    PROMO_CODE_UNKNOWN,
    REDEMPTION_LIMIT_REACHED,
    STORE,
)
from haversack.http.area import Area
from haversack.http.calls import BuyerCall, ShopperCall
from haversack.promotions.codes.opening import open_code
from haversack.promotions.codes.redeeming import put_promo_code, redeem_coupon_code, take_promo_code
from haversack.promotions.codes.rules import CODE_LENGTH_MAX
from haversack.promotions.codes.showing import bonus_rewards, coupon_rewards, promo_code_rewards
from haversack.promotions.codes.wire.player import (
    CouponRewards,
    PromoCodeCart,
    PromoCodeRewards,
    RedeemCouponBody,
    RedeemedAnswer,
    RedeemPromoCodeBody,
    RemovePromoCodeBody,
    VerifiedAnswer,
)
from haversack.promotions.records import PromotionKind
from haversack.text import FALLBACK

coupons_area = Area("promotions-coupons", family=STORE, prefix="/api/v2/project/{project_id}/coupon")
promo_codes_area = Area("promotions-promo-codes", family=STORE, prefix="/api/v2/project/{project_id}/promocode")
common_area = Area("promotions-common", family=STORE, prefix="/api/v2/project/{project_id}/promotion")

CodePath = Annotated[str, Path(min_length=1, max_length=CODE_LENGTH_MAX)]
OPENED = (CODE_EXPIRED, CODE_NOT_IN_REGION, REDEMPTION_LIMIT_REACHED)
CART = (AUTHORIZATION_NOT_SENT, CART_INVALID, CART_NOT_FOUND, PROJECT_NOT_FOUND)
CODED_KINDS = tuple(kind for kind in PromotionKind if kind.has_codes)


def _country(call: BuyerCall) -> str | None:
    header = call.request.headers.get("x-user-country", "")
    return country_of(CartAsk(cart_id=None, language=FALLBACK), call.player, header)


def _owner(call: ShopperCall, cart_id: str | None) -> Owner:
    return Owner(
        project_id=call.project_id, owner_id=call.player_id, cart_id=cart_id, country=_country(call), player=call.player
    )


async def _bind_redeem(request: Request) -> dict[str, Any] | None:
    """The parameters of a redemption as clients send them: no query, a body without faults."""
    if request.scope["query_string"]:
        return None
    try:
        return {"body": RedeemCouponBody.model_validate(await request.json())}
    except (ValueError, RequestValidationError):
        return None


@coupons_area.post(
    "/redeem",
    errors=(
        AUTHORIZATION_NOT_SENT,
        COUPON_CODE_UNKNOWN,
        *OPENED,
        KEYS_TOO_FEW,
        NON_CONSUMABLE_OWNED,
        OWNED_TOO_MANY,
    ),
    bind=_bind_redeem,
)
async def redeem_coupon(call: BuyerCall, body: RedeemCouponBody) -> RedeemedAnswer:
    """Get what a coupon gives. Codes that open nothing are told alike, and only so many may be tried."""
    chosen = body.selected_unit_items
    return {"items": await redeem_coupon_code(call, body.coupon_code, chosen, country=_country(call))}


@coupons_area.get("/code/{coupon_code}/rewards", errors=(AUTHORIZATION_NOT_SENT, COUPON_CODE_UNKNOWN, *OPENED))
async def get_coupon_rewards_by_code(call: BuyerCall, coupon_code: CodePath) -> CouponRewards:
    """Show what a coupon would give, without using it."""
    kinds = (PromotionKind.COUPON,)
    opened = await open_code(call, coupon_code, kinds, country=_country(call), unknown=COUPON_CODE_UNKNOWN)
    return coupon_rewards(opened)


@promo_codes_area.post("/redeem", errors=(PROMO_CODE_UNKNOWN, *OPENED, *CART))
async def redeem_promo_code(call: ShopperCall, body: RedeemPromoCodeBody) -> PromoCodeCart:
    """Put a promo code to a cart, in the place of the one that it has. It is used up when the cart's order is paid."""
    owner = _owner(call, body.cart_id)
    opened, filled = await put_promo_code(call, owner, body.coupon_code, body.selected_unit_items)
    held = await call.context.catalogs.get(call.project_id)
    cart: CartAnswer = orjson.loads(await FillingShow(call, held, owner, FALLBACK).show(filled))
    return {**cart, "rewards": promo_code_rewards(opened)}


@promo_codes_area.put("/remove", errors=CART, answer=CartAnswer)
async def remove_cart_promo_code(call: ShopperCall, body: RemovePromoCodeBody) -> bytes:
    """Take the promo code off a cart, if it has one."""
    owner = _owner(call, body.cart_id)
    filled = await take_promo_code(call, owner)
    held = await call.context.catalogs.get(call.project_id)
    return await FillingShow(call, held, owner, FALLBACK).show(filled)


@promo_codes_area.get("/code/{promocode_code}/rewards", errors=(AUTHORIZATION_NOT_SENT, PROMO_CODE_UNKNOWN, *OPENED))
async def get_promo_code_rewards_by_code(call: BuyerCall, promocode_code: CodePath) -> PromoCodeRewards:
    """Show what a promo code would give and make cheaper, without using it."""
    kinds = (PromotionKind.PROMO_CODE,)
    opened = await open_code(call, promocode_code, kinds, country=_country(call), unknown=PROMO_CODE_UNKNOWN)
    return promo_code_rewards(opened)


@common_area.get("/code/{code}/verify", errors=(AUTHORIZATION_NOT_SENT, CODE_NOT_FOUND, *OPENED))
async def verify_promotion_code(call: BuyerCall, code: CodePath) -> VerifiedAnswer:
    """Say what kind of code it is and what it would do for the player, without using it."""
    opened = await open_code(call, code, CODED_KINDS, country=_country(call), unknown=CODE_NOT_FOUND)
    match opened.promotion.kind:
        case PromotionKind.COUPON:
            return {"type": "coupon", "code": code, "rewards": bonus_rewards(opened)}
        case PromotionKind.PROMO_CODE:
            return {"type": "promo_code", "code": code, "rewards": promo_code_rewards(opened)}
        case _:
            return {"type": "unique_catalog_offer", "code": code, "rewards": bonus_rewards(opened)}
