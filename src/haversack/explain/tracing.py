"""Makes traces: of one item, and of a cart with all of its lines."""

from collections.abc import Sequence

from haversack.carts.queries import find_cart
from haversack.carts.records import Cart
from haversack.carts.rules import cart_key, current_cart_id
from haversack.catalog.selling import SellableItem
from haversack.context import Context
from haversack.errors import CART_NOT_FOUND, ITEM_SKU_NOT_FOUND
from haversack.explain import findings, item_findings
from haversack.explain.facts import Facts, player_of, read_facts
from haversack.explain.records import Asked, Cost, Finding, LineTrace, Topic, Trace
from haversack.explain.rules import line_findings, verdict_finding
from haversack.pricing.purchases import Purchase, price_purchase
from haversack.pricing.records import PricedCart, PricedLine
from haversack.projects.records import Project
from haversack.promotions.rules import apply_promotions
from haversack.text import reading


async def explain_item(context: Context, project: Project, sku: str, asked: Asked) -> Trace:
    """Why one of an item is shown, sold and priced as it is; ITEM_SKU_NOT_FOUND. Not to be called in a transaction: it
    may ask the game."""
    facts = await read_facts(context, project, asked)
    item = facts.eyes.shop.find_by_sku(sku)
    if item is None:
        raise ITEM_SKU_NOT_FOUND(sku=sku)
    purchase = _price([(item, 1)], facts)
    line = trace_line(item, 1, purchase.priced.lines[0], facts)
    return Trace(
        project_id=project.project_id,
        cart_id=None,
        asked=asked,
        lines=(line,),
        findings=promotion_findings(purchase, 1, facts),
        cost=line.cost,
    )


async def explain_cart(context: Context, project: Project, cart_id: str, asked: Asked) -> Trace:
    """Why each line of a player's cart can be bought or not, and why it costs what it does; CART_NOT_FOUND for a cart
    that was never filled, CART_INVALID for what is no id. Not to be called in a transaction."""
    assert asked.player is not None, "a cart has an owner"
    cart = await _get_cart(context, project, cart_id, asked.player)
    facts = await read_facts(context, project, asked, cart.promo_codes)
    found = [(line, facts.eyes.shop.find_by_id(line.item_id)) for line in cart.lines]
    wanted = [(item, line.quantity) for line, item in found if item is not None]
    purchase = _price(wanted, facts)
    prices = iter(purchase.priced.lines)
    lines = tuple(
        _gone(line.sku, line.quantity) if item is None else trace_line(item, line.quantity, next(prices), facts)
        for line, item in found
    )
    return Trace(
        project_id=project.project_id,
        cart_id=cart.cart_id,
        asked=asked,
        lines=lines,
        findings=promotion_findings(purchase, len(wanted), facts),
        cost=_cost(purchase.priced),
    )


async def _get_cart(context: Context, project: Project, cart_id: str, player: str) -> Cart:
    owner_id = player_of(project, player).player_id
    key = cart_key(project.project_id, owner_id, cart_id)
    cart = await find_cart(context.database.session(), project.project_id, owner_id, key)
    if cart is None:
        # The current one always exists.
        if key != current_cart_id(project.project_id, owner_id):
            raise CART_NOT_FOUND(user=player)
        return Cart(cart_id=key)
    return cart


def _price(wanted: Sequence[tuple[SellableItem, int]], facts: Facts) -> Purchase:
    asked = facts.asked
    return price_purchase(
        facts.eyes.shop, wanted, country=asked.country, currency=asked.currency, situation=facts.situation
    )


def _cost(priced: PricedCart | PricedLine) -> Cost | None:
    if priced.amount is None or priced.amount_without_discount is None or priced.currency is None:
        return None
    return Cost(priced.amount, priced.amount_without_discount, priced.currency)


def trace_line(item: SellableItem, quantity: int, priced: PricedLine, facts: Facts) -> LineTrace:
    """What becomes of so many of an item."""
    eyes = facts.eyes
    is_let, game_lets, personal = findings.personal_findings(item, facts)
    refusal = findings.find_refusal(item, quantity, priced, facts)
    is_bought, why = refusal is None, "It can be bought." if refusal is None else refusal.message
    if is_bought and not is_let:
        is_bought, why = False, "The game does not offer it to the player."
    elif is_bought and game_lets is not None and quantity > game_lets:
        is_bought, why = False, f"The game lets the player buy {game_lets or 'none'} of it."
    return LineTrace(
        sku=item.sku,
        item_id=item.item_id,
        name=reading(item.name, facts.asked.language),
        quantity=quantity,
        is_shown=is_let and findings.is_shown(item, facts),
        can_be_bought=is_bought,
        cost=_cost(priced),
        findings=(
            *findings.visibility_findings(item, facts),
            item_findings.region_finding(item, eyes),
            item_findings.period_finding(item, eyes),
            *findings.offer_findings(item, facts),
            *personal,
            *item_findings.limit_findings(item, quantity, eyes),
            *item_findings.stock_findings(item, quantity, eyes),
            *item_findings.content_findings(item, eyes),
            *item_findings.offered_price_findings(item, eyes),
            *line_findings(priced),
            Finding(Topic.PURCHASE, "order", is_bought, why),
        ),
    )


def _gone(sku: str, quantity: int) -> LineTrace:
    why = "It is not in the catalog any more."
    return LineTrace(
        sku=sku,
        item_id=None,
        name="",
        quantity=quantity,
        is_shown=False,
        can_be_bought=False,
        cost=None,
        findings=(Finding(Topic.VISIBILITY, "deleted", False, why),),
    )


def promotion_findings(purchase: Purchase, bought: int, facts: Facts) -> tuple[Finding, ...]:
    """What became of each promotion, and what the kept ones give on top. The purchase has its verdict on those that may
    touch what is bought, which are so many lines; the others get theirs from the same function."""
    lines = [priced.line for priced in purchase.priced.lines[:bought]]
    applied = apply_promotions(facts.promotions, lines, facts.situation, currency=purchase.currency)
    gifts = []
    for bonus in purchase.applied.bonuses:
        entry = facts.catalog.bonus_entry(bonus.item_id)
        sku = "an item that is gone" if entry is None else entry.sku
        why = f"Promotion {bonus.promotion_id} gives {bonus.quantity} of it on top."
        gifts.append(Finding(Topic.PROMOTION, f"bonus {sku}", entry is not None, why))
    return (*map(verdict_finding, applied.verdicts), *gifts)
