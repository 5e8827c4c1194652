"""What is found of an item by whoever looks at it in the compiled catalog: where it is sold, when, how much is left.

These findings may be told to players: the catalog shows what they are made of. Rules on attributes and unique offers
are not among them.
"""

from collections.abc import Iterator, Sequence

from haversack.carts.looking import Onlooker
from haversack.catalog.read_model import rules as catalog_rules
from haversack.catalog.read_model.pieces import Hole, HoleKind
from haversack.catalog.records import ItemKind
from haversack.catalog.selling import SellableItem
from haversack.explain.records import Finding, Topic
from haversack.explain.rules import price_findings, span
from haversack.text import reading


def hindrances(item: SellableItem, quantity: int, eyes: Onlooker, *, is_for_money: bool) -> Sequence[Finding]:
    """What stands in the way of so many of an item; of one that is bought for money also why it has no price."""
    has_no_price = not item.is_free and eyes.shop.price_of(item, country=eyes.country, currency=eyes.currency) is None
    found = (
        region_finding(item, eyes),
        period_finding(item, eyes),
        *limit_findings(item, quantity, eyes),
        *stock_findings(item, quantity, eyes),
        *content_findings(item, eyes),
        *(offered_price_findings(item, eyes) if is_for_money and has_no_price else ()),
    )
    return [finding for finding in found if not finding.is_kept]


def region_finding(item: SellableItem, eyes: Onlooker) -> Finding:
    """Whether it is sold in the country."""
    is_sold, country = eyes.shop.is_sold_in(item, eyes.country), eyes.country
    regions = [region for region in eyes.shop.catalog.taxonomy.regions if region.region_id in item.entry.region_ids]
    named = ", ".join(f"{region.region_id} ({reading(region.name, eyes.language)})" for region in regions)
    if not item.entry.region_ids:
        why = "It has no regions: it is sold everywhere."
    elif is_sold:
        why = f"{country} is in one of its regions: {named}."
    elif country is None:
        why = f"No country is known, and it is sold in regions alone: {named}."
    else:
        why = f"{country} is in none of its regions: {named}."
    return Finding(Topic.REGION, "regions", is_sold, why)


def period_finding(item: SellableItem, eyes: Onlooker) -> Finding:
    """Whether it is on sale at the time."""
    windows, now = item.entry.windows, eyes.filler.now
    is_on_sale = eyes.shop.is_on_sale(item, now)
    if not windows:
        return Finding(Topic.PERIOD, "periods", is_on_sale, "It has no periods: it is always on sale.")
    holding = [window for window in windows if catalog_rules.is_inside((window,), now)]
    said = "; ".join(span(window.start, window.end) for window in holding or windows)
    why = f"It is on sale: {said}." if is_on_sale else f"{now.isoformat()} is in none of its periods: {said}."
    return Finding(Topic.PERIOD, "periods", is_on_sale, why)


def limit_findings(item: SellableItem, quantity: int, eyes: Onlooker) -> Iterator[Finding]:
    """What the player may still have of it."""
    limits, personal = item.limits, eyes.filler.personal
    if limits is None or limits.per_user is None:
        yield Finding(Topic.LIMIT, "per_user", True, "It has no limit for each player.")
        return
    left = personal.left.get(item.item_id, limits.per_user)
    reset = eyes.shop.catalog.window_of(limits.schedule, eyes.filler.now).next
    until = "" if reset is None else f", until it begins anew at {reset.isoformat()}"
    is_nobody = eyes.situation.attributes is None
    who = "nobody has used any, since nobody is signed in" if is_nobody else f"{left} are left to the player"
    yield Finding(Topic.LIMIT, "per_user", left >= quantity, f"The limit is {limits.per_user}, and {who}{until}.")
    if left == 0 and item.item_id in personal.hidden - personal.withheld:
        yield Finding(Topic.LIMIT, "limit_exceeded_visibility", False, "It is hidden from players who have used it up.")


def stock_findings(item: SellableItem, quantity: int, eyes: Onlooker) -> Iterator[Finding]:
    """What is left of it for everybody, and whether there is a code of a key."""
    filler = eyes.filler
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
        is_early = catalog_rules.is_before_release(item.pre_order, eyes.filler.now)
        left = filler.stocks.pre_orders.get(item.item_id)
        is_had = catalog_rules.is_key_deliverable(has_code=has_code, is_pre_order=is_early, pre_orders_left=left)
        code = "There is a code for the country." if has_code else "There is no code for the country."
        early = f" Its release lies ahead, and {'any number' if left is None else left} may be ordered before it."
        yield Finding(Topic.STOCK, "codes", is_had, code + (early if is_early else ""))


def content_findings(item: SellableItem, eyes: Onlooker) -> Iterator[Finding]:
    """What a bundle or package holds, and whether that can be had."""
    filler, personal = eyes.filler, eyes.filler.personal
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


def offered_price_findings(item: SellableItem, eyes: Onlooker) -> Iterator[Finding]:
    """Which of its prices applies."""
    if item.is_free:
        yield Finding(Topic.PRICE, "is_free", True, "It is free.")
        return
    catalog = eyes.shop.catalog
    place = catalog.country_key(eyes.country)
    chosen = eyes.shop.price_of(item, country=eyes.country, currency=eyes.currency)
    yield from price_findings(
        item.prices,
        chosen,
        country=eyes.country or "",
        currency=eyes.currency or catalog.currency_of(place),
        is_asked_for=eyes.currency is not None,
    )
    for price in item.virtual_prices:
        why = "It can be bought for it." if price.is_enabled else "It is switched off."
        yield Finding(Topic.PRICE, f"{price.amount} {price.sku}", price.is_enabled, why)
    if chosen is None and item.prices:
        yield Finding(Topic.PRICE, "real money", False, "No price in real money applies.")
    elif not item.prices and not item.virtual_prices:
        why = "It is its keys that have prices." if item.kind is ItemKind.GAME else "It has no price at all."
        yield Finding(Topic.PRICE, "prices", False, why)
