"""From what a player wants to an order: looked up, checked, priced, frozen, and all that it needs is held.

One way for everything that is ordered, so that catalog, cart and order agree; purchases for a virtual currency that
need nothing but numbers take a shorter one (orders/fast_purchase.py) with the same rules.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from haversack.carts.actions import forget_bought
from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.selling import SellableItem, Shop, open_shop
from haversack.chains.offer.completing import complete_step
from haversack.context import Context
from haversack.database.engine import Session
from haversack.errors import (
    CART_EMPTY,
    ITEM_FREE_ORDER_ONLY,
    ITEM_UNAVAILABLE,
    REDEMPTION_LIMIT_REACHED,
    UNPAID_ORDERS_TOO_MANY,
    Refusal,
)
from haversack.inventory.actions import charge
from haversack.inventory.ledger import LedgerRow, write_ledger
from haversack.login.identities import PlayerIdentity
from haversack.orders import holding, queries, rules
from haversack.orders.buyers import Buyer, anybody, find_buyer, uses_of_offers
from haversack.orders.changes import OrderChange, tell_with_commit
from haversack.orders.codes import source_of
from haversack.orders.fast_purchase import Numbers, buy_at_once, numbers_of
from haversack.orders.fulfilling import give, keeps_owned, tell_paid
from haversack.orders.gates import through_gates
from haversack.orders.records import ChainStep, CurrencyType, Order, OrderLine, OrderPromotion, OrderState
from haversack.orders.rules import Looked, Way
from haversack.pricing.lines import virtual_lines_of
from haversack.pricing.purchases import Purchase, price_purchase, price_step
from haversack.pricing.records import PricedCart
from haversack.pricing.rules import price_cart
from haversack.projects.records import OrderDestination, Project
from haversack.promotions.rules import title
from haversack.promotions.uses import Use, UsesExhausted, count_uses

# A Backpack holds things one by one.
BACKPACK_ITEMS_MAX = 500
# How often an order is priced anew because the player used a promotion up meanwhile.
ATTEMPTS_MAX = 3
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


async def order_for_money(context: Context, db: Session, checkout: Checkout) -> Order:
    """Make an order that a payment will pay; it holds what it needs until then. Its state is `new`.

    In the caller's transaction, or in one of its own. Refuses with what stands in the way, all faulty lines named.
    """
    return await _with_promotions(lambda: _order_for_money(context, db, checkout))


async def _order_for_money(context: Context, db: Session, checkout: Checkout) -> Order:
    prepared = await prepare_for_money(context, db, checkout)
    async with through_gates(db, checkout.project.project_id, prepared.limited), db.begin():
        await queries.take_turn(db, checkout.project.project_id, checkout.player.player_id)
        order = await _order(context, db, prepared, CurrencyType.REAL)
        held = await _hold(db, prepared, order)
        order = replace(order, lines=held.lines)
        if any(line.reserved.stock or line.reserved.pre_orders or line.reserved.codes for line in order.lines):
            await _check_holding(db, order)
        order, use_rows = await _count_uses(db, prepared, order)
        await queries.add_order(db, order)
        tell_with_commit(db, OrderChange.of(order))
        await write_ledger(
            db,
            project_id=order.project_id,
            player_id=order.player_id,
            source=source_of(order),
            rows=holding.merged_rows([*held.rows, *use_rows]),
            now=prepared.now,
        )
    return order


async def order_for_free(context: Context, db: Session, checkout: Checkout) -> Order:
    """Make an order of what costs nothing, and finish it: its goods are given, its state is `done`."""

    async def attempt() -> Order:
        return await _finish(context, db, await prepare_for_free(context, db, checkout), CurrencyType.FREE)

    return await _with_promotions(attempt)


async def order_for_virtual_currency(context: Context, db: Session, checkout: Checkout, currency_sku: str) -> Order:
    """Make an order that is paid from the player's balance of a currency, and finish it: its state is `done`."""

    async def attempt() -> Order:
        prepared = await prepare_for_virtual_currency(context, db, checkout, currency_sku)
        return await _finish(context, db, prepared, CurrencyType.VIRTUAL)

    return await _with_promotions(attempt)


async def _with_promotions(attempt: Callable[[], Awaitable[Order]]) -> Order:
    """Make an order; anew where the player used a promotion up meanwhile: it costs then what it costs without it.

    Whoever gave a code that others used up meanwhile is told instead.
    """
    attempts_left = ATTEMPTS_MAX
    while True:
        attempts_left -= 1
        try:
            return await attempt()
        except UsesExhausted as exhausted:
            if exhausted.promotion.kind.has_codes or not attempts_left:
                raise REDEMPTION_LIMIT_REACHED(what=exhausted.what) from exhausted


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
    buyer = await _find_buyer(context, db, shop, checkout, now)
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
    uses = uses_of_offers(shop, buyer, looked)
    return Prepared(checkout=checkout, shop=shop, offer=offer, now=now, uses=uses)


async def _prepare_in_money(context: Context, db: Session, checkout: Checkout, way: Way) -> Prepared:
    shop = await open_shop(context.catalogs, checkout.project.project_id)
    now = checkout.now
    buyer = await _find_buyer(context, db, shop, checkout, now)
    looked = _look_all(shop, checkout, buyer, now)
    about = {"country": checkout.country, "currency": checkout.currency}
    wanted = _wanted_of(looked)
    if checkout.chain_step is not None:
        purchase = price_step(shop, wanted, **about, is_given=way is Way.FREE)
    else:
        purchase = price_purchase(shop, wanted, **about, situation=buyer.situation, chosen_keys=checkout.chosen_keys)
    uses = (
        *(Use(each, buyer.codes.opened.get(each.promotion_id)) for each in purchase.applied.kept),
        *uses_of_offers(shop, buyer, looked),
    )
    offer = _offer_of(shop, purchase, way, now)
    if checkout.chain_step is not None:
        offer.limited = ()
    return Prepared(checkout=checkout, shop=shop, offer=offer, now=now, uses=uses)


async def _find_buyer(context: Context, db: Session, shop: Shop, checkout: Checkout, now: datetime) -> Buyer:
    if checkout.chain_step is not None:
        return anybody(now)
    return await find_buyer(
        context,
        db,
        shop,
        project=checkout.project,
        player=checkout.player,
        country=checkout.country,
        locale=checkout.locale,
        promo_codes=checkout.promo_codes,
        now=now,
    )


def _wanted_of(looked: Sequence[Looked]) -> list[tuple[SellableItem, int]]:
    return [(each.item, each.quantity) for each in looked if each.item is not None]


def _offer_of(shop: Shop, purchase: Purchase, way: Way, now: datetime) -> Offer:
    priced = purchase.priced
    _raise_faults((line.line.sku, rules.find_price_fault(line, priced, way)) for line in priced.lines)
    frozen = rules.freeze(priced, purchase.items, now=now, discounts=purchase.applied.discounts)
    return Offer(priced, purchase.currency, frozen, _limited(shop, frozen))


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
    return Looked(
        sku=wanted.sku if item is None else item.sku,
        quantity=wanted.quantity,
        item=item,
        is_sold_here=item is None or shop.is_sold_in(item, checkout.country),
        is_on_sale=item is None or checkout.chain_step is not None or shop.is_on_sale(item, now),
        is_in_chain=checkout.chain_step is not None,
        is_offered=item is None or item.item_id not in buyer.personal.withheld,
        left=None if item is None else buyer.personal.left.get(item.item_id),
    )


def _raise_faults(found: Any) -> None:
    faults: list[tuple[str, Refusal]] = [(sku, refusal) for sku, refusal in found if refusal is not None]
    if faults:
        raise rules.refusal_of(faults)


async def _order(context: Context, db: Session, prepared: Prepared, currency_type: CurrencyType) -> Order:
    """The order as it begins; nothing is held or stored yet."""
    checkout, now = prepared.checkout, prepared.now
    offer = prepared.offer
    is_free = currency_type is CurrencyType.FREE
    order = Order(
        project_id=checkout.project.project_id,
        order_id=await queries.take_order_id(context.database, db),
        player_id=checkout.player.player_id,
        external_id=checkout.player.name_in_game,
        is_guest=checkout.player.is_guest,
        state=OrderState.NEW,
        is_sandbox=checkout.is_sandbox,
        currency_type=currency_type,
        currency=None if is_free else offer.currency,
        amount=None if is_free else offer.priced.amount,
        amount_without_discount=None if is_free else offer.priced.amount_without_discount,
        country=checkout.country,
        email=checkout.email or checkout.player.email,
        locale=checkout.locale,
        platform=checkout.platform,
        destination=checkout.destination or checkout.project.order_destination,
        cart_id=checkout.cart_id,
        custom_parameters=checkout.custom_parameters,
        payment_id=None,
        comment=None,
        created_at=now,
        expires_at=now + rules.PAYABLE_FOR,
        paid_at=None,
        ended_at=None,
        delivery_id=None,
        lines=offer.lines,
        promotions=tuple(
            OrderPromotion(
                promotion_id=use.promotion.promotion_id,
                kind=use.promotion.kind,
                name=title(use.promotion),
                external_id=use.promotion.external_id,
                code=use.code,
            )
            for use in prepared.uses
        ),
        chain_step=checkout.chain_step,
    )
    if order.destination is OrderDestination.BACKPACK:
        rules.check_fits_backpack(order, most=BACKPACK_ITEMS_MAX)
    return order


async def _hold(db: Session, prepared: Prepared, order: Order) -> holding.Held:
    """Hold what the order needs, and check that what can be owned once is not owned yet."""
    holder = holding.Holder(
        shop=prepared.shop,
        project_id=order.project_id,
        order_id=order.order_id,
        player_id=order.player_id,
        country=order.country,
        now=prepared.now,
        ignores_limits=order.chain_step is not None,
    )
    owned = await _find_owned(db, order)
    lines = rules.without_owned_bonuses(order.lines, owned)
    held = await holding.hold(db, holder, lines)
    faults = [*held.faults, *(() if keeps_owned(order) else rules.owned_faults(lines, owned))]
    if faults:
        raise rules.refusal_of(faults)
    return held


async def _find_owned(db: Session, order: Order) -> frozenset[int]:
    """What the player owns of what can be owned once only. Things in the Backpack are not owned yet."""
    once = rules.owned_once(order.lines)
    if not once or order.destination is OrderDestination.BACKPACK:
        return frozenset()
    return await queries.list_owned(db, order.project_id, order.player_id, list(once))


async def _count_uses(
    db: Session, prepared: Prepared, order: Order, *, is_final: bool = False
) -> tuple[Order, list[LedgerRow]]:
    """Count a use of each promotion that applies, once all else is locked; UsesExhausted where there is none left."""
    if not prepared.uses:
        return order, []
    taken, rows = await count_uses(
        db, order.project_id, order.player_id, prepared.uses, now=prepared.now, is_final=is_final
    )
    of = {each.promotion_id: each for each in taken}
    promotions = tuple(replace(each, use=of.get(each.promotion_id)) for each in order.promotions)
    return replace(order, promotions=promotions), rows


async def _check_holding(db: Session, order: Order) -> None:
    """A player who lets many orders wait would keep limited items from all others (R29)."""
    count = await queries.count_holding(db, order.project_id, order.player_id)
    if count >= rules.HOLDING_ORDERS_MAX:
        raise UNPAID_ORDERS_TOO_MANY(count=count)


async def _finish(context: Context, db: Session, prepared: Prepared, currency_type: CurrencyType) -> Order:
    """Make an order that is paid at once: held, sold, charged, given and told in one transaction."""
    async with through_gates(db, prepared.checkout.project.project_id, prepared.limited):
        return await _finish_now(context, db, prepared, currency_type)


async def _finish_now(context: Context, db: Session, prepared: Prepared, currency_type: CurrencyType) -> Order:
    project, player = prepared.checkout.project, prepared.checkout.player
    now = prepared.now
    order = await _order(context, db, prepared, currency_type)
    is_plain = not prepared.uses and order.chain_step is None
    numbers = prepared.offer.find_numbers(prepared.shop, now) if is_plain else None
    if numbers is not None and order.cart_id is None:
        bought = await buy_at_once(db, order, numbers, project=project)
        if bought is not None:
            return bought
    async with db.begin():
        await queries.take_turn(db, project.project_id, player.player_id)
        held = await _hold(db, prepared, order)
        sold = await holding.sell(db, replace(order, lines=held.lines))
        order, use_rows = await _count_uses(db, prepared, order, is_final=True)
        if order.amount and order.currency is not None:
            await charge(
                db,
                project_id=order.project_id,
                player_id=order.player_id,
                sku=order.currency,
                amount=int(order.amount),
                source=source_of(order),
                now=now,
            )
        paid = replace(
            order,
            state=rules.move(order.state, OrderState.PAID),
            lines=rules.with_codes_owed(sold.lines, now=now),
            paid_at=now,
        )
        await give(db, context, paid, project=project, now=now)
        await complete_step(db, paid, now=now)
        done = await tell_paid(db, project, paid, None, now=now)
        await queries.add_order(db, done)
        tell_with_commit(db, OrderChange.of(done))
        await write_ledger(
            db,
            project_id=order.project_id,
            player_id=order.player_id,
            source=source_of(order),
            rows=holding.merged_rows([*held.rows, *sold.rows, *use_rows]),
            now=now,
        )
        if done.cart_id is not None:
            await forget_bought(db, done.project_id, done.player_id, done.cart_id, rules.bought(done))
    return done
