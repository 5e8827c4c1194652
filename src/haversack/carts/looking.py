"""Looks at a cart as it can be bought now: what each line costs, why it cannot be bought, what has changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from haversack.carts.records import Cart, CartLine
from haversack.catalog.read_model.filling import Filler
from haversack.catalog.read_model.live import Held
from haversack.catalog.read_model.personal import buying, with_partner
from haversack.catalog.read_model.pieces import Piece
from haversack.catalog.read_model.records import Entry, Personal
from haversack.catalog.read_model.rules import interval_at
from haversack.catalog.records import SELLABLE_KINDS, ItemKind, VirtualItemType
from haversack.catalog.selling import SellableItem, Shop
from haversack.errors import (
    CODES_TOO_FEW,
    GAME_NOT_IN_COUNTRY,
    ITEM_IS_FREE,
    ITEM_KIND_NOT_SOLD,
    ITEM_UNAVAILABLE,
    KEYS_TOO_FEW,
    NON_CONSUMABLE_OWNED,
    PRICE_NOT_FOUND,
    USER_LIMIT_EXCEEDED,
    Refusal,
)
from haversack.personalization.partner_view import partner_view
from haversack.personalization.records import PartnerAnswer
from haversack.pricing.purchases import price_purchase
from haversack.pricing.records import PricedCart, PricedLine
from haversack.pricing.rules import rounded
from haversack.promotions.records import Codes, Situation
from haversack.promotions.rules import Applied

# Nothing documented says it; the code is that of a wrong item in a cart.
PRICE_CHANGED_CODE = 1402
NOT_OFFERED = "it is not offered to this player"


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """What the owner is told of a line or of a SKU that was to be put in."""

    sku: str
    quantity: int
    code: int | str
    message: str


@dataclass(frozen=True, slots=True)
class LookedLine:
    """A line of a cart, or a bonus. `item` None: it is gone, and has no price. `fault`: why it cannot be bought."""

    line: CartLine
    item: SellableItem | None
    priced: PricedLine | None
    fault: Refusal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedCart:
    """A cart as it can be bought now, what promotions do to it, what is to be told of it, and the unit prices that its
    owner sees for the first time: by item id, and by currency with the codes that were given."""

    cart: Cart
    lines: Sequence[LookedLine]
    priced: PricedCart
    applied: Applied
    warnings: Sequence[Warned]
    seen: Mapping[int, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Whom a cart is shown to, when, and in which version of the catalog. The filler notes how long what it has said
    holds."""

    shop: Shop
    filler: Filler
    country: str | None
    currency: str | None
    situation: Situation

    @property
    def language(self) -> str:
        """The language of all texts."""
        return self.filler.language


def onlooker(
    held: Held,
    personal: Personal,
    codes: Codes,
    partner: PartnerAnswer | None = None,
    *,
    country: str | None,
    currency: str | None,
    language: str,
    now: datetime,
) -> Onlooker:
    """The one who looks at a cart, with the codes that were given for it; partner: what the game says of them, where it
    is asked."""
    shop = Shop(held)
    personal, situation = buying(shop.catalog, personal, codes, now)
    if partner is not None:
        personal = with_partner(shop.catalog, personal, partner_view(shop.catalog, partner, now))
    return eyes_of(shop, personal, situation, country=country, currency=currency, language=language, now=now)


def eyes_of(
    shop: Shop,
    personal: Personal,
    situation: Situation,
    *,
    country: str | None,
    currency: str | None,
    language: str,
    now: datetime,
) -> Onlooker:
    """The one who looks at things to buy, of whom everything is known."""
    place = shop.catalog.country_key(country)
    since, until = interval_at(shop.catalog.edges, now)
    since, until = max(since, personal.since), min(until, personal.until)
    filler = Filler(shop.catalog, shop.stocks, now, place, personal, None, False, _no_units, since, until, language)
    return Onlooker(shop, filler, country, currency, situation)


def _no_units(entry: Entry) -> Piece:
    raise AssertionError(f"no cart holds a game: {entry.sku}")


def look(cart: Cart, eyes: Onlooker) -> LookedCart:
    """Price a cart and find what is to be told of it. Bonuses stand behind its lines."""
    found = [(line, eyes.shop.find_by_id(line.item_id)) for line in cart.lines]
    wanted = [(item, line.quantity) for line, item in found if item is not None]
    purchase = price_purchase(eyes.shop, wanted, country=eyes.country, currency=eyes.currency, situation=eyes.situation)
    priced, prices = purchase.priced, iter(purchase.priced.lines)
    looked = []
    warnings: list[Warned] = []
    seen: dict[int, dict[str, str]] = {}
    for line, item in found:
        price = None if item is None else next(prices)
        fault = find_fault(line, item, price, eyes)
        looked.append(LookedLine(line, item, price, fault))
        if fault is not None:
            warnings.append(told(line.sku, line.quantity, fault))
        elif item is not None and item.is_free and priced.amount is not None:
            # It can be had, but by an order of its own.
            warnings.append(told(line.sku, line.quantity, ITEM_IS_FREE()))
        if price is not None and price.unit_amount is not None:
            assert price.currency is not None
            # Whoever gives a code knows that prices change by it.
            key = " ".join((price.currency, *cart.promo_codes))
            _compare(line, price.unit_amount, price.currency, key, warnings, seen)
    for item, price in zip(purchase.items[len(wanted) :], prices, strict=True):
        bonus = CartLine(item.item_id, item.sku, item.kind, price.line.quantity, {})
        # Wherever it is given, it is not bought; but it counts against its limits.
        fault = _find_shortage(bonus, item, eyes.filler)
        looked.append(LookedLine(bonus, item, price, fault))
        if fault is not None:
            warnings.append(told(bonus.sku, bonus.quantity, fault))
    return LookedCart(cart=cart, lines=looked, priced=priced, applied=purchase.applied, warnings=warnings, seen=seen)


def told(sku: str, quantity: int, refusal: Refusal) -> Warned:
    """A refusal as a warning."""
    return Warned(sku=sku, quantity=quantity, code=refusal.kind.code, message=refusal.message)


def _compare(
    line: CartLine,
    amount: Decimal,
    currency: str,
    key: str,
    warnings: list[Warned],
    seen: dict[int, dict[str, str]],
) -> None:
    """Tell of a price that is another than the owner saw last, and note what is seen for the first time."""
    known = line.shown.get(key)
    shown = str(amount)
    if known == shown:
        return
    seen[line.item_id] = {key: shown}
    if known is not None and Decimal(known) != amount:
        message = (
            f"[0401-{PRICE_CHANGED_CODE}]: The price of item {line.sku} has changed "
            f"from {_written(Decimal(known), currency)} to {_written(amount, currency)} {currency}."
        )
        warnings.append(Warned(sku=line.sku, quantity=line.quantity, code=PRICE_CHANGED_CODE, message=message))


def _written(amount: Decimal, currency: str) -> Decimal:
    """With the decimals of its currency, or its own where it is finer."""
    return rounded(amount, currency) if amount == rounded(amount, currency) else amount


def find_fault(line: CartLine, item: SellableItem | None, price: PricedLine | None, eyes: Onlooker) -> Refusal | None:
    """Why a line cannot be bought now; None where it can."""
    sku = line.sku
    if item is None or not item.is_listed:
        return ITEM_UNAVAILABLE(sku=sku, reason="it is not for sale any more")
    if item.kind not in SELLABLE_KINDS:
        return ITEM_KIND_NOT_SOLD()
    if not eyes.shop.is_sold_in(item, eyes.country):
        return GAME_NOT_IN_COUNTRY(sku=sku, country=eyes.country or "an unknown country")
    if not eyes.shop.is_on_sale(item, eyes.filler.now):
        return ITEM_UNAVAILABLE(sku=sku, reason="it is not on sale at this time")
    if item.item_id in eyes.filler.personal.withheld:
        return ITEM_UNAVAILABLE(sku=sku, reason=NOT_OFFERED)
    if price is not None and price.amount is None and not price.line.costs_nothing:
        return PRICE_NOT_FOUND()
    if (
        line.quantity > 1
        and item.kind is ItemKind.VIRTUAL_GOOD
        and item.details.used_up_as is VirtualItemType.NON_CONSUMABLE
    ):
        return NON_CONSUMABLE_OWNED(sku=sku)
    return _find_shortage(line, item, eyes.filler)


def _find_shortage(line: CartLine, item: SellableItem, filler: Filler) -> Refusal | None:
    """Why there is not so much of it for this owner. Of what a bundle holds it is only asked whether any is left."""
    sku, quantity, is_key = line.sku, line.quantity, item.kind is ItemKind.GAME_KEY
    allowed = None if item.limits is None else item.limits.per_user
    left = filler.personal.left.get(item.item_id, allowed)
    if left is not None and quantity > left:
        return USER_LIMIT_EXCEEDED(sku=sku)
    units = filler.stocks.units.get(item.item_id)
    if units is not None and quantity > units[1]:
        if is_key:
            return KEYS_TOO_FEW(quantity=quantity, sku=sku)
        return ITEM_UNAVAILABLE(sku=sku, reason=f"fewer than {quantity} of it are left")
    if filler.can_be_bought(item.entry):
        return None
    return CODES_TOO_FEW(quantity=quantity) if is_key else ITEM_UNAVAILABLE(sku=sku, reason="what it holds is sold out")
