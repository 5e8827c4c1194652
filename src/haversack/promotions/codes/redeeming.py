"""Uses codes: a coupon gives its items at once, a promo code is put to a cart and used when its order is paid."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import datetime
from typing import NamedTuple, TypedDict
from weakref import WeakKeyDictionary

from haversack.carts.actions import Owner
from haversack.carts.queries import set_codes
from haversack.carts.records import Cart, FilledCart
from haversack.carts.rules import current_cart_id
from haversack.catalog.keys.actions.codes import note_stock
from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.records import PackedUses
from haversack.catalog.selling import open_shop
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
from haversack.promotions.codes.fast_redeeming import Coupon, redeem_at_once, redeem_together
from haversack.promotions.codes.guessing import Guess
from haversack.promotions.codes.opening import Opened, open_code
from haversack.promotions.codes.rules import fault_of
from haversack.promotions.codes.showing import redeemed_items
from haversack.promotions.codes.wire.player import RedeemedItem
from haversack.promotions.records import Promotion, PromotionKind
from haversack.promotions.rules import needs_attributes
from haversack.promotions.uses import Use, UsesExhausted, count_uses

READY_MAX = 1_000


class _Ready(NamedTuple):
    """A coupon that has been redeemed: what it gives to everybody in a country. Whether it still stands is asked of the
    database in the same step."""

    coupon: Coupon
    items: list[RedeemedItem]


# By code and country, as long as their version of the catalog lives: whoever changes a promotion makes a new one. Must
# hold nothing that leads to the catalog.
_ready: WeakKeyDictionary[Catalog, dict[tuple[str, str | None], _Ready]] = WeakKeyDictionary()

# Nothing on the wire says how a cart is told of a unique offer; its items can only be bought with its code.
CART_KINDS = (PromotionKind.PROMO_CODE, PromotionKind.UNIQUE_OFFER)


async def redeem_coupon_code(
    call: BuyerCall, code: str, chosen: Mapping[str, str] | None, *, country: str | None
) -> list[RedeemedItem]:
    """Give the player what a coupon gives, and count its use, both or neither; what was given. COUPON_CODE_UNKNOWN also
    for who comes too late for the last use."""
    guess = Guess.of(call)
    guess.check()
    catalog = (await open_shop(call.context.catalogs, call.project_id)).catalog
    ready = None if chosen else _ready.get(catalog, {}).get((code, country))
    if ready is not None and fault_of(ready.coupon.promotion, None, now=call.now) is None:
        with _refusing(guess):
            if await _redeem_ready(call, ready.coupon):
                return ready.items
    opened = await open_code(
        call,
        code,
        (PromotionKind.COUPON,),
        country=country,
        unknown=COUPON_CODE_UNKNOWN,
        is_used_now=True,
    )
    return await _redeem(call, guess, opened, chosen)


async def _redeem(
    call: BuyerCall, guess: Guess, opened: Opened, chosen: Mapping[str, str] | None
) -> list[RedeemedItem]:
    catalog, promotion, country = opened.shop.catalog, opened.promotion, opened.country
    given = opened.given(opened.choose(chosen))
    content = merged([each for item, quantity in given for each in unfold(item, quantity, country=country)])
    if not content:
        # All that it gave is gone from the catalog.
        raise COUPON_CODE_UNKNOWN()
    simple, items = simple_of(content), redeemed_items(catalog, given)
    coupon = None if simple is None else Coupon(promotion, opened.code, simple)
    with _refusing(guess):
        async with _gate(call, promotion):
            if coupon is None or not await redeem_at_once(call.db, coupon, call.player_id, **_reason(call)):
                await _give(call, opened, content)
    if coupon is not None and not opened.keys and not needs_attributes(promotion):
        known = _ready.setdefault(catalog, {})
        if len(known) >= READY_MAX:
            known.clear()
        known[opened.code, country] = _Ready(coupon, items)
    if any(isinstance(each, KeyGrant) for each in content):
        note_stock(call, call.project_id)
    return items


async def _redeem_ready(call: BuyerCall, coupon: Coupon) -> bool:
    # What is given together is given at one time, and counted in one window.
    if call.db.in_transaction or call.player_id in call.project.player_offsets:
        return await redeem_at_once(call.db, coupon, call.player_id, **_reason(call))
    return await redeem_together(call.db.database, coupon, call.player_id, **_reason(call))


class _Reason(TypedDict):
    source: str
    now: datetime


def _reason(call: BuyerCall) -> _Reason:
    """What is given for. A player may redeem a coupon several times, as far as its limits go: each call is a reason of
    its own."""
    return {"source": f"coupon:{call.player_id.hex}:{call.request_id}", "now": call.now}


def _gate(call: BuyerCall, promotion: Promotion) -> AbstractAsyncContextManager[None]:
    """All who redeem a coupon wait for each other at its row: not with a connection each. Items have ids above zero."""
    return through_gates(call.db, call.project_id, [-promotion.promotion_id])


@contextmanager
def _refusing(guess: Guess) -> Iterator[None]:
    """Say that nothing is left as it is said of any code."""
    try:
        yield
    except UsesExhausted as error:
        if error.is_players:
            raise REDEMPTION_LIMIT_REACHED(what=error.what) from None
        guess.missed()
        raise COUPON_CODE_UNKNOWN() from None


async def _give(call: BuyerCall, opened: Opened, content: tuple[Granted, ...]) -> None:
    """Give statement by statement what is more than numbers."""
    project_id, player_id, reason = call.project_id, call.player_id, _reason(call)

    async def give() -> None:
        is_first = await grant(call.db, project_id=project_id, player_id=player_id, content=content, **reason)
        assert is_first, "a request is one reason"

    async with call.db.begin():
        uses = [Use(opened.promotion, opened.code)]
        _, rows = await count_uses(
            call.db, project_id, player_id, uses, now=reason["now"], is_final=True, before_shared=give
        )
        await write_ledger(call.db, project_id=project_id, player_id=player_id, rows=rows, **reason)


async def put_promo_code(
    call: BuyerCall, owner: Owner, code: str, chosen: Mapping[str, str] | None
) -> tuple[Opened, FilledCart]:
    """Put a promo code to a cart, or the code of a unique offer that opens its items, in the place of the one that it
    has. CART_NOT_FOUND for a cart that is not there."""
    opened = await open_code(call, code, CART_KINDS, country=owner.country, unknown=PROMO_CODE_UNKNOWN)
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
