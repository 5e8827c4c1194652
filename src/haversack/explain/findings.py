"""What is found of an item in the compiled catalog: by the functions that catalog, carts and orders decide with."""

from collections.abc import Iterator

from haversack.carts.looking import find_fault
from haversack.carts.records import CartLine
from haversack.catalog.read_model import rules as catalog_rules
from haversack.catalog.read_model.pieces import Hole, HoleKind
from haversack.catalog.records import SELLABLE_KINDS, ItemKind
from haversack.catalog.selling import SellableItem
from haversack.errors import Refusal
from haversack.explain.facts import Facts
from haversack.explain.records import Finding, Topic
from haversack.explain.rules import filter_findings, partner_findings, price_findings, span
from haversack.personalization.partner_view import partner_view
from haversack.pricing.records import PricedLine
from haversack.promotions.rules import hindrance, title
from haversack.text import reading


def is_shown(item: SellableItem, facts: Facts) -> bool:
    """Whether the client catalog shows an item, as far as the game does not hide it."""
    catalog, asked = facts.catalog, facts.asked
    place = catalog.country_key(asked.country)
    return (
        item.is_listed
        and item.kind in (*SELLABLE_KINDS, ItemKind.GAME)
        and catalog.is_visible(
            item.entry, country=place, now=asked.at, with_inactive=False, stocks=facts.eyes.shop.stocks
        )
        and item.item_id not in facts.eyes.filler.personal.hidden
    )


def find_refusal(item: SellableItem, quantity: int, priced: PricedLine | None, facts: Facts) -> Refusal | None:
    """Why so many of an item cannot be bought, as carts and orders say it; None where they can."""
    return find_fault(CartLine(item.item_id, item.sku, item.kind, quantity, {}), item, priced, facts.eyes)


def visibility_findings(item: SellableItem, facts: Facts) -> Iterator[Finding]:
    """Whether it is switched on, shown, and something that is sold."""
    entry, catalog = item.entry, facts.catalog
    on = "It is switched on." if entry.is_enabled else "It is switched off: nobody sees it, and bundles leave it out."
    yield Finding(Topic.VISIBILITY, "is_enabled", entry.is_enabled, on)
    shown = (
        "It is shown in the store." if entry.is_shown else "It is not in the store: it comes inside of others alone."
    )
    yield Finding(Topic.VISIBILITY, "is_show_in_store", entry.is_shown, shown)
    if entry.kind is ItemKind.GAME_KEY:
        game = catalog.entries.get(entry.parent_id or 0)
        is_there = game is not None and game.is_enabled and game.is_shown
        name = "deleted" if game is None else game.sku
        why = f"Its game ({name}) is {'in the store' if is_there else 'not in the store, and its keys neither'}."
        yield Finding(Topic.VISIBILITY, "game", is_there, why)
    is_sold = entry.kind in (*SELLABLE_KINDS, ItemKind.GAME)
    kind = entry.kind.value.replace("_", " ")
    why = f"It is a {kind}." if is_sold else f"It is a {kind}, which is never sold."
    yield Finding(Topic.VISIBILITY, "kind", is_sold, why)


def region_finding(item: SellableItem, facts: Facts) -> Finding:
    """Whether it is sold in the country."""
    is_sold, country = facts.eyes.shop.is_sold_in(item, facts.asked.country), facts.asked.country
    regions = [region for region in facts.catalog.taxonomy.regions if region.region_id in item.entry.region_ids]
    named = ", ".join(f"{region.region_id} ({reading(region.name, facts.asked.language)})" for region in regions)
    if not item.entry.region_ids:
        why = "It has no regions: it is sold everywhere."
    elif is_sold:
        why = f"{country} is in one of its regions: {named}."
    elif country is None:
        why = f"No country is known, and it is sold in regions alone: {named}."
    else:
        why = f"{country} is in none of its regions: {named}."
    return Finding(Topic.REGION, "regions", is_sold, why)


def period_finding(item: SellableItem, facts: Facts) -> Finding:
    """Whether it is on sale at the time."""
    windows, now = item.entry.windows, facts.asked.at
    is_on_sale = facts.eyes.shop.is_on_sale(item, now)
    if not windows:
        return Finding(Topic.PERIOD, "periods", is_on_sale, "It has no periods: it is always on sale.")
    holding = [window for window in windows if catalog_rules.is_inside((window,), now)]
    said = "; ".join(span(window.start, window.end) for window in holding or windows)
    why = f"It is on sale: {said}." if is_on_sale else f"{now.isoformat()} is in none of its periods: {said}."
    return Finding(Topic.PERIOD, "periods", is_on_sale, why)


def offer_findings(item: SellableItem, facts: Facts) -> Iterator[Finding]:
    """Whether it is kept back until the code of a unique offer is given."""
    catalog = facts.catalog
    if item.item_id not in catalog.kept_back:
        return
    offers = [
        promotion
        for promotion in facts.promotions
        if item.item_id in catalog.with_keys(catalog.promotions.kept_back.get(promotion.promotion_id, ()))
    ]
    hindrances = {offer.promotion_id: hindrance(offer, facts.situation, [], total=None) for offer in offers}
    for offer in offers:
        why_not = hindrances[offer.promotion_id]
        rule = f"promotion {offer.promotion_id} ({title(offer)})"
        yield Finding(Topic.OFFER, rule, why_not is None, why_not or "Its code reveals the item.")
    is_nobody = facts.asked.player is None
    is_revealed = not is_nobody and any(why_not is None for why_not in hindrances.values())
    why = "A code reveals it to this player." if is_revealed else "It is kept back, and no code reveals it."
    if is_nobody:
        why = "It is kept back, and codes reveal nothing to those who are not signed in."
    yield Finding(Topic.OFFER, "kept back", is_revealed, why)


def personal_findings(item: SellableItem, facts: Facts) -> tuple[bool, int | None, list[Finding]]:
    """Whether personalization shows it, how many of it the game lets be bought (None: any number), and why."""
    if facts.partner is not None:
        view = partner_view(facts.catalog, facts.partner, facts.asked.at)
        is_hidden = item.item_id in view.hidden
        found = partner_findings(facts.partner, view.named.get(item.item_id), is_hidden=is_hidden)
        return not is_hidden, view.left.get(item.item_id), found
    is_let, findings = filter_findings(facts.rules, facts.situation.attributes, item.item_id)
    return is_let, None, findings


def limit_findings(item: SellableItem, quantity: int, facts: Facts) -> Iterator[Finding]:
    """What the player may still have of it."""
    limits, personal = item.limits, facts.eyes.filler.personal
    if limits is None or limits.per_user is None:
        yield Finding(Topic.LIMIT, "per_user", True, "It has no limit for each player.")
        return
    left = personal.left.get(item.item_id, limits.per_user)
    reset = facts.catalog.window_of(limits.schedule, facts.asked.at).next
    until = "" if reset is None else f", until it begins anew at {reset.isoformat()}"
    is_nobody = facts.asked.player is None
    who = "nobody has used any, since nobody is signed in" if is_nobody else f"{left} are left to the player"
    yield Finding(Topic.LIMIT, "per_user", left >= quantity, f"The limit is {limits.per_user}, and {who}{until}.")
    if left == 0 and item.item_id in personal.hidden - personal.withheld:
        yield Finding(Topic.LIMIT, "limit_exceeded_visibility", False, "It is hidden from players who have used it up.")


def stock_findings(item: SellableItem, quantity: int, facts: Facts) -> Iterator[Finding]:
    """What is left of it for everybody, and whether there is a code of a key."""
    filler = facts.eyes.filler
    units = filler.stocks.units.get(item.item_id)
    if units is None:
        yield Finding(Topic.STOCK, "per_item", True, "There are as many as are wanted.")
    else:
        yield Finding(
            Topic.STOCK, "per_item", units[1] >= quantity, f"{units[1]} of {units[0]} are left for everybody."
        )
    if item.kind is ItemKind.GAME_KEY:
        # The catalog fills this hole where it says `has_keys`.
        has_code = filler.fill((b"", Hole(HoleKind.HAS_KEYS, item.item_id))) == b"true"
        is_early = catalog_rules.is_before_release(item.pre_order, facts.asked.at)
        left = filler.stocks.pre_orders.get(item.item_id)
        is_had = catalog_rules.is_key_deliverable(has_code=has_code, is_pre_order=is_early, pre_orders_left=left)
        code = "There is a code for the country." if has_code else "There is no code for the country."
        early = f" Its release lies ahead, and {'any number' if left is None else left} may be ordered before it."
        yield Finding(Topic.STOCK, "codes", is_had, code + (early if is_early else ""))


def content_findings(item: SellableItem, facts: Facts) -> Iterator[Finding]:
    """What a bundle or package holds, and whether that can be had."""
    filler, personal = facts.eyes.filler, facts.eyes.filler.personal
    for held in item.content:
        inner, units = held.item, filler.stocks.units.get(held.item.item_id)
        why = f"{held.quantity} of it are inside."
        is_there = inner.entry.is_enabled
        if not is_there:
            why = "It is switched off: it is left out."
        elif personal.left.get(inner.item_id, 1) == 0:
            is_there, why = False, "The player has used up its limit."
        elif units is not None and units[1] == 0:
            is_there, why = False, "It is sold out."
        yield Finding(Topic.CONTENT, inner.sku, is_there, why)
    if item.content:
        can_be_had = filler.can_be_bought(item.entry)
        why = "The item and what it holds can be had." if can_be_had else "The item, or something in it, cannot be had."
        yield Finding(Topic.CONTENT, "all of it", can_be_had, why)


def offered_price_findings(item: SellableItem, facts: Facts) -> Iterator[Finding]:
    """Which of its prices applies."""
    if item.is_free:
        yield Finding(Topic.PRICE, "is_free", True, "It is free.")
        return
    catalog, asked = facts.catalog, facts.asked
    place = catalog.country_key(asked.country)
    chosen = facts.eyes.shop.price_of(item, country=asked.country, currency=asked.currency)
    yield from price_findings(
        item.prices,
        chosen,
        country=asked.country or "",
        currency=asked.currency or catalog.currency_of(place),
        is_asked_for=asked.currency is not None,
    )
    for price in item.virtual_prices:
        why = "It can be bought for it." if price.is_enabled else "It is switched off."
        yield Finding(Topic.PRICE, f"{price.amount} {price.sku}", price.is_enabled, why)
    if chosen is None and item.prices:
        yield Finding(Topic.PRICE, "real money", False, "No price in real money applies.")
    elif not item.prices and not item.virtual_prices:
        why = "It is its keys that have prices." if item.kind is ItemKind.GAME else "It has no price at all."
        yield Finding(Topic.PRICE, "prices", False, why)
