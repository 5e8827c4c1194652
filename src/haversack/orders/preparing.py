"""What a player wants to order: looked up, checked, priced and frozen, before anything is held for it.

One way for everything that is ordered, so that catalog, cart and order agree.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.personal import buying, known_personal, with_partner
from haversack.catalog.read_model.queries import Knowing, list_players, told_by
from haversack.catalog.read_model.records import NOBODY, PackedUses, Personal
from haversack.catalog.selling import SellableItem, Shop, open_shop
from haversack.context import Context
from haversack.database.engine import Session
from haversack.errors import (
    CART_EMPTY,
    ITEM_FREE_ORDER_ONLY,
    ITEM_UNAVAILABLE,
    PROMO_CODE_UNKNOWN,
    REDEMPTION_LIMIT_REACHED,
    Refusal,
)
from haversack.login.identities import PlayerIdentity
from haversack.orders import rules
from haversack.orders.fast_purchase import Numbers, numbers_of
from haversack.orders.records import ChainStep, OrderLine
from haversack.orders.rules import Looked, Way
from haversack.personalization.partner_view import partner_view
from haversack.pricing.lines import virtual_lines_of
from haversack.pricing.purchases import Purchase, price_purchase, price_step
from haversack.pricing.records import PricedCart
from haversack.pricing.rules import price_cart
from haversack.projects.records import OrderDestination, Project
from haversack.promotions.records import NO_CODES, Codes, PromotionKind, Situation
from haversack.promotions.rules import left_to_player
from haversack.promotions.use_queries import read_codes
from haversack.promotions.uses import WORDS, Use

# Offers for a virtual currency that are remembered of each version of a catalog.
OFFERS_KEPT_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many of an item, by its SKU; by its id where it comes out of a cart."""

    sku: str
    quantity: int
    item_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """What a player wants, and in what circumstances.

    currency: ISO 4217, None for the one that prices have in the country. platform: of the purchase, where it is told.
    destination None: as the project has it. promo_codes: what was given, with the item or for its cart; chosen_keys:
    which key is wanted of each game that a code gives (SKUs). chain_step: it is the item of a step of an offer chain,
    for which personalization, limits, periods and promotions mean nothing; ordered for free it is free whatever it
    costs.
    """

    project: Project
    player: PlayerIdentity
    wanted: Sequence[Wanted]
    currency: str | None = None
    country: str | None = None
    locale: str = "en"
    is_sandbox: bool = False
    cart_id: str | None = None
    promo_codes: Sequence[str] = ()
    chosen_keys: Mapping[str, str] | None = None
    custom_parameters: Mapping[str, Any] | None = None
    email: str | None = None
    platform: str | None = None
    destination: OrderDestination | None = None
    chain_step: ChainStep | None = None

    @property
    def now(self) -> datetime:
        """The project's time."""
        return self.project.clock.now()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An order that the catalog allows, before anything is held for it."""

    checkout: Checkout
    shop: Shop
    offer: "Offer"
    now: datetime
    # What promotions do to it, and what opened those that have codes.
    uses: tuple[Use, ...] = ()

    @property
    def limited(self) -> tuple[int, ...]:
        """The items of which there is only so much, those inside of bundles too."""
        return self.offer.limited


@dataclass(slots=True)
class Offer:
    """What is wanted, priced and frozen. `numbers`: what the short way needs to know of it, once it was asked for."""

    priced: PricedCart
    currency: str | None
    lines: tuple[OrderLine, ...]
    limited: tuple[int, ...]
    numbers: Numbers | None = None
    is_general: bool = False

    def find_numbers(self, shop: Shop, now: datetime) -> Numbers | None:
        """What the lines change where that is nothing but numbers.

        Several lines take the general way: it names each faulty one.
        """
        if self.is_general or len(self.priced.lines) > 1:
            return None
        if self.numbers is None or not self.numbers.holds(now):
            self.numbers = numbers_of(self.lines, shop, now)
            self.is_general = self.numbers is None
        return self.numbers


_offers: WeakKeyDictionary[Catalog, dict[tuple[Any, ...], Offer]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Buyer:
    """What is known of who buys, as far as the catalog asks for it."""

    personal: Personal
    situation: Situation
    codes: Codes


async def prepare_for_money(context: Context, db: Session, checkout: Checkout) -> Prepared:
    """Check and price in real money, as far as the catalog and what is known of the player say."""
    prepared = await _prepare_in_money(context, db, checkout, Way.MONEY)
    priced = prepared.offer.priced
    if priced.is_free:
        raise ITEM_FREE_ORDER_ONLY(sku=priced.lines[0].line.sku)
    return prepared


async def prepare_for_free(context: Context, db: Session, checkout: Checkout) -> Prepared:
    """Check that what is wanted costs nothing, as far as the catalog and what is known of the player say."""
    return await _prepare_in_money(context, db, checkout, Way.FREE)


async def prepare_for_virtual_currency(
    context: Context, db: Session, checkout: Checkout, currency_sku: str
) -> Prepared:
    """Check and price in a virtual currency, as far as the catalog and what is known of the player say.

    Promotions never touch such prices, and give nothing on top of them.
    """
    shop = await open_shop(context.catalogs, checkout.project.project_id)
    now = checkout.now
    buyer = await find_buyer(context, db, shop, checkout, now)
    looked = _look_all(shop, checkout, buyer, now)
    offers = _offers.setdefault(shop.catalog, {})
    key = (currency_sku, *checkout.wanted)
    offer = offers.get(key)
    if offer is None:
        wanted = _wanted_of(looked)
        lines = virtual_lines_of(wanted, currency_sku=currency_sku)
        priced = price_cart(lines, currency=currency_sku, is_virtual=True)
        purchase = Purchase(priced, tuple(item for item, _ in wanted), currency_sku)
        offer = _offer_of(shop, purchase, Way.VIRTUAL_CURRENCY, now)
        # A release that lies ahead is a matter of time.
        if all(line.pre_order is None for line in offer.lines):
            if len(offers) >= OFFERS_KEPT_MAX:
                offers.clear()
            offers[key] = offer
    uses = _uses_of_offers(shop, buyer, looked)
    return Prepared(checkout=checkout, shop=shop, offer=offer, now=now, uses=uses)


async def _prepare_in_money(context: Context, db: Session, checkout: Checkout, way: Way) -> Prepared:
    shop = await open_shop(context.catalogs, checkout.project.project_id)
    now = checkout.now
    buyer = await find_buyer(context, db, shop, checkout, now)
    looked = _look_all(shop, checkout, buyer, now)
    purchase = _price(shop, checkout, buyer, looked, way)
    uses = (
        *(Use(each, buyer.codes.opened.get(each.promotion_id)) for each in purchase.applied.kept),
        *_uses_of_offers(shop, buyer, looked),
    )
    if checkout.cart_id is None:
        _check_codes(shop, buyer, purchase)
    offer = _offer_of(shop, purchase, way, now, is_in_chain=checkout.chain_step is not None)
    return Prepared(checkout=checkout, shop=shop, offer=offer, now=now, uses=uses)


def _check_codes(shop: Shop, buyer: Buyer, purchase: Purchase) -> None:
    """Refuse an order of one item whose promo code does nothing for it: nobody looked at its price before."""
    kept = {each.promotion_id for each in purchase.applied.kept}
    for promotion_id in buyer.codes.opened.keys() - kept:
        promotion = shop.catalog.promotions.by_id.get(promotion_id)
        if promotion is None:
            raise PROMO_CODE_UNKNOWN()
        if promotion.kind is PromotionKind.PROMO_CODE:
            if left_to_player(promotion, buyer.situation) == 0:
                raise REDEMPTION_LIMIT_REACHED(what=WORDS[promotion.kind])
            raise PROMO_CODE_UNKNOWN()


def _price(shop: Shop, checkout: Checkout, buyer: Buyer, looked: Sequence[Looked], way: Way) -> Purchase:
    wanted = _wanted_of(looked)
    if checkout.chain_step is None:
        return price_purchase(
            shop,
            wanted,
            country=checkout.country,
            currency=checkout.currency,
            situation=buyer.situation,
            chosen_keys=checkout.chosen_keys,
        )
    return price_step(shop, wanted, country=checkout.country, currency=checkout.currency, is_given=way is Way.FREE)


async def find_buyer(
    context: Context, db: Session, shop: Shop, checkout: Checkout, now: datetime, *, with_uses: bool = False
) -> Buyer:
    """Who buys. What they are is read anew at each purchase, where anything in the catalog depends on it; with_uses:
    in any case, with what they have used of limits."""
    catalog, project, player = shop.catalog, checkout.project, checkout.player
    nobody = Buyer(NOBODY, Situation(now=now, attributes={}), NO_CODES)
    if checkout.chain_step is not None:
        return nobody
    partner = await context.partner_catalog.read_for(db, project, player, checkout.country, checkout.locale)
    if not (with_uses or catalog.depends_on_player or checkout.promo_codes or partner is not None):
        return nobody
    knowing = Knowing(project.project_id, project.login_project_id)
    known = (await list_players(db, knowing, [player.player_id])).get(player.player_id, PackedUses(""))
    known = told_by(known, player.attributes)
    codes = await read_codes(db, project.project_id, checkout.promo_codes)
    personal, situation = buying(catalog, known_personal(catalog, known, now), codes, now)
    if partner is not None:
        personal = with_partner(catalog, personal, partner_view(catalog, partner, now))
    return Buyer(personal, situation, codes)


def _uses_of_offers(shop: Shop, buyer: Buyer, looked: Sequence[Looked]) -> tuple[Use, ...]:
    """The unique offers that reveal what is bought."""
    promotions = shop.catalog.promotions
    wanted = {item_id for each in looked if each.item is not None for item_id in (each.item.item_id, each.item.game_id)}
    return tuple(
        Use(promotions.by_id[promotion_id], code)
        for promotion_id, code in buyer.codes.opened.items()
        if promotion_id in promotions.by_id and not wanted.isdisjoint(promotions.kept_back.get(promotion_id, ()))
    )


def _wanted_of(looked: Sequence[Looked]) -> list[tuple[SellableItem, int]]:
    return [(each.item, each.quantity) for each in looked if each.item is not None]


def _offer_of(shop: Shop, purchase: Purchase, way: Way, now: datetime, *, is_in_chain: bool = False) -> Offer:
    priced = purchase.priced
    _raise_faults((line.line.sku, rules.find_price_fault(line, priced, way)) for line in priced.lines)
    frozen = rules.freeze(priced, purchase.items, now=now, discounts=purchase.applied.discounts)
    return Offer(priced, purchase.currency, frozen, () if is_in_chain else _limited(shop, frozen))


def _limited(shop: Shop, lines: Sequence[OrderLine]) -> tuple[int, ...]:
    found = ((line.item_id, shop.find_by_id(line.item_id)) for line in lines)
    return tuple(
        item_id
        for item_id, item in found
        if item is not None and item.limits is not None and item.limits.per_item is not None
    )


def _look_all(shop: Shop, checkout: Checkout, buyer: Buyer, now: datetime) -> list[Looked]:
    if not checkout.wanted:
        raise CART_EMPTY()
    looked = [_look(shop, wanted, checkout, buyer, now) for wanted in checkout.wanted]
    project_id = checkout.project.project_id
    _raise_faults(
        (each.sku, rules.find_fault(each, project_id=project_id, country=checkout.country)) for each in looked
    )
    return looked


def _look(shop: Shop, wanted: Wanted, checkout: Checkout, buyer: Buyer, now: datetime) -> Looked:
    item = shop.find_by_sku(wanted.sku) if wanted.item_id is None else shop.find_by_id(wanted.item_id)
    if item is None and wanted.item_id is not None:
        # It was there when it was put into the cart.
        raise ITEM_UNAVAILABLE(sku=wanted.sku or wanted.item_id, reason="it does not exist any more")
    if item is None:
        return Looked(sku=wanted.sku, quantity=wanted.quantity, item=None)
    return rules.look_at(
        shop,
        item,
        wanted.quantity,
        country=checkout.country,
        personal=buyer.personal,
        now=now,
        is_in_chain=checkout.chain_step is not None,
    )


def _raise_faults(found: Iterable[tuple[str, Refusal | None]]) -> None:
    faults = [(sku, refusal) for sku, refusal in found if refusal is not None]
    if faults:
        raise rules.refusal_of(faults)
