"""From what a player wants to an order: prepared, and all that it needs is held.

Purchases for a virtual currency that need nothing but numbers take a shorter way (orders/fast_purchase.py) with the
same rules.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from haversack.carts.actions import forget_bought
from haversack.chains.offer.completing import complete_step
from haversack.context import Context
from haversack.database.engine import Session
from haversack.errors import (
    REDEMPTION_LIMIT_REACHED,
    UNPAID_ORDERS_TOO_MANY,
    Refusal,
)
from haversack.inventory.actions import charge
from haversack.inventory.ledger import LedgerRow, write_ledger
from haversack.orders import holding, queries, rules
from haversack.orders.changes import OrderChange, tell_with_commit
from haversack.orders.codes import source_of
from haversack.orders.fast_purchase import buy_at_once
from haversack.orders.fulfilling import give, keeps_owned, tell_paid
from haversack.orders.gates import through_gates
from haversack.orders.preparing import (
    Checkout,
    Prepared,
    prepare_for_free,
    prepare_for_money,
    prepare_for_virtual_currency,
)
from haversack.orders.records import CurrencyType, Order, OrderPromotion, OrderState
from haversack.orders.refusing import told_why
from haversack.projects.records import OrderDestination
from haversack.promotions.rules import title
from haversack.promotions.uses import UsesExhausted, count_uses

# A Backpack holds things one by one.
BACKPACK_ITEMS_MAX = 500
# How often an order is priced anew because the player used a promotion up meanwhile.
ATTEMPTS_MAX = 3


async def order_for_money(context: Context, db: Session, checkout: Checkout) -> Order:
    """Make an order that a payment will pay; it holds what it needs until then. Its state is `new`.

    In the caller's transaction, or in one of its own. Refuses with what stands in the way, all faulty lines named.
    """
    return await _attempting(context, db, checkout, lambda: _order_for_money(context, db, checkout), is_for_money=True)


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

    return await _attempting(context, db, checkout, attempt)


async def order_for_virtual_currency(context: Context, db: Session, checkout: Checkout, currency_sku: str) -> Order:
    """Make an order that is paid from the player's balance of a currency, and finish it: its state is `done`."""

    async def attempt() -> Order:
        prepared = await prepare_for_virtual_currency(context, db, checkout, currency_sku)
        return await _finish(context, db, prepared, CurrencyType.VIRTUAL)

    return await _attempting(context, db, checkout, attempt)


async def _attempting(
    context: Context,
    db: Session,
    checkout: Checkout,
    attempt: Callable[[], Awaitable[Order]],
    *,
    is_for_money: bool = False,
) -> Order:
    """Make an order, or refuse it with all that stands in its way."""
    try:
        return await _with_promotions(attempt)
    except Refusal as refusal:
        raise await told_why(context, db, checkout, refusal, is_for_money=is_for_money) from None


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
            await forget_bought(
                db, done.project_id, done.player_id, done.cart_id, rules.bought(done), rules.codes_used(done)
            )
    return done
