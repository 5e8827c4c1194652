"""Uses codes: a coupon gives its items at once, a promo code is put to a cart and used when its order is paid."""

from collections.abc import Mapping

from haversack.carts.actions import Owner
from haversack.carts.queries import set_codes
from haversack.carts.records import Cart, FilledCart
from haversack.carts.rules import current_cart_id
from haversack.catalog.keys.actions.codes import note_stock
from haversack.catalog.read_model.records import PackedUses
from haversack.catalog.selling import SellableItem
from haversack.clock import real_now
from haversack.errors import (
    CART_NOT_FOUND,
    COUPON_CODE_UNKNOWN,
    PROMO_CODE_UNKNOWN,
    REDEMPTION_LIMIT_REACHED,
)
from haversack.http.calls import BuyerCall
from haversack.inventory.actions import grant, simple_of
from haversack.inventory.ledger import write_ledger
from haversack.inventory.records import Granted, KeyGrant
from haversack.inventory.rules import merged, unfold
from haversack.orders.gates import through_gates
from haversack.promotions.codes.fast_redeeming import redeem_at_once
from haversack.promotions.codes.opening import Opened, open_code
from haversack.promotions.records import PromotionKind
from haversack.promotions.uses import WORDS, Use, UsesExhausted, count_uses


async def redeem_coupon_code(
    call: BuyerCall, code: str, chosen: Mapping[str, str] | None, *, country: str | None
) -> tuple[Opened, list[tuple[SellableItem, int]]]:
    """Give the player what a coupon gives, and count its use, both or neither. COUPON_CODE_UNKNOWN also for who comes
    too late for the last use."""
    opened = await open_code(
        call,
        code,
        (PromotionKind.COUPON,),
        country=country,
        unknown=COUPON_CODE_UNKNOWN,
        is_used_now=True,
    )
    given = opened.given(opened.choose(chosen))
    content = merged([each for item, quantity in given for each in unfold(item, quantity, country=country)])
    if not content:
        # All that it gave is gone from the catalog.
        raise COUPON_CODE_UNKNOWN()
    try:
        # All who redeem a coupon wait for each other at its row: not with a connection each.
        async with through_gates(call.db, call.project_id, [-opened.promotion.promotion_id]):
            await _give(call, opened, content)
    except UsesExhausted as error:
        if error.is_players:
            raise REDEMPTION_LIMIT_REACHED(what=error.what) from None
        raise COUPON_CODE_UNKNOWN() from None
    if any(isinstance(each, KeyGrant) for each in content):
        note_stock(call, call.project_id)
    return opened, given


async def _give(call: BuyerCall, opened: Opened, content: tuple[Granted, ...]) -> None:
    project_id, player_id, now, promotion = call.project_id, call.player_id, call.now, opened.promotion
    # A player may redeem a coupon several times, as far as its limits go: each call is a reason of its own.
    source = f"{WORDS[PromotionKind.COUPON]}:{promotion.promotion_id}:{call.request_id}"
    simple = simple_of(content)
    if simple is not None and await redeem_at_once(
        call.db, promotion, opened.code, player_id, simple, source=source, now=now
    ):
        return

    async def give() -> None:
        is_first = await grant(
            call.db, project_id=project_id, player_id=player_id, source=source, content=content, now=now
        )
        assert is_first, "a request is one reason"

    async with call.db.begin():
        uses = [Use(promotion, opened.code)]
        _, rows = await count_uses(call.db, project_id, player_id, uses, now=now, is_final=True, before_shared=give)
        await write_ledger(call.db, project_id=project_id, player_id=player_id, source=source, rows=rows, now=now)


async def put_promo_code(
    call: BuyerCall, owner: Owner, code: str, chosen: Mapping[str, str] | None
) -> tuple[Opened, FilledCart]:
    """Put a promo code to a cart, in the place of the one that it has. CART_NOT_FOUND for a cart that is not there."""
    opened = await open_code(call, code, (PromotionKind.PROMO_CODE,), country=owner.country, unknown=PROMO_CODE_UNKNOWN)
    filled = await _set_codes(call, owner, {code: opened.choose(chosen)})
    return opened, filled


async def take_promo_code(call: BuyerCall, owner: Owner) -> FilledCart:
    """Take the code off a cart, if it has one; CART_NOT_FOUND for a cart that is not there."""
    return await _set_codes(call, owner, {})


async def _set_codes(call: BuyerCall, owner: Owner, codes: Mapping[str, Mapping[str, str]]) -> FilledCart:
    key = owner.key
    filled = await set_codes(call.db, owner.project_id, owner.owner_id, key, codes, today=real_now().date())
    if filled is not None:
        return filled
    if key != current_cart_id(owner.project_id, owner.owner_id):
        raise CART_NOT_FOUND(user=owner.owner_id)
    return FilledCart(Cart(cart_id=key), PackedUses(""), False)
