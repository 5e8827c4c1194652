"""What is found of an item in the compiled catalog: by the functions that catalog, carts and orders decide with."""

from collections.abc import Iterator

from haversack.carts.looking import find_fault
from haversack.carts.records import CartLine
from haversack.catalog.records import SELLABLE_KINDS, ItemKind
from haversack.catalog.selling import SellableItem
from haversack.errors import Refusal
from haversack.explain.facts import Facts
from haversack.explain.records import Finding, Topic
from haversack.explain.rules import filter_findings, partner_findings
from haversack.personalization.partner_view import partner_view
from haversack.pricing.records import PricedLine
from haversack.promotions.rules import hindrance, title


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
