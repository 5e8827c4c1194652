"""What promotions make of an item in the catalog: its price for one of it, and what it says of them.

The same functions as in carts and orders decide, for a purchase of one of the item alone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import orjson

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.personal import situation_of
from haversack.catalog.read_model.pieces import price_at, price_form
from haversack.catalog.read_model.queries import DOCUMENT
from haversack.catalog.read_model.records import Entry, Personal
from haversack.catalog.read_model.rules import interval_at
from haversack.catalog.records import ItemKind
from haversack.pricing.records import Line, PricedCart, PricedLine
from haversack.pricing.rules import price_cart, rounded
from haversack.promotions.records import (
    BonusItems,
    CartPercent,
    HasItems,
    ItemPercent,
    Promotion,
    Situation,
)
from haversack.promotions.rules import (
    Applied,
    apply_promotions,
    hindrance,
    left_to_player,
    name_in,
    named_in,
    shown_period,
)
from haversack.text import reading

PROMOTED_KEPT_MAX = 50_000
# The member itself is never null: the iOS SDK could not read the whole page.
NO_DISCOUNT: Mapping[str, str | None] = {"percent": None, "value": None}


class Promoted(NamedTuple):
    """The members `price` and `promotions` of an item."""

    price: bytes
    promotions: bytes


class Reading(NamedTuple):
    """Who reads: in a language, a country ("": none), at a time."""

    language: str
    country: str
    now: datetime


def share_of(catalog: Catalog, entry: Entry, personal: Personal) -> tuple[object, ...]:
    """A player's share in an item: what is left of its limit, and the promotions that are not as they are to all."""
    left = personal.left.get(entry.item_id)
    if not personal.promotions:
        return (left,)
    share = personal.shares.get(entry.item_id)
    if share is None:
        promotion_ids = catalog.promotions.of_item(entry.item_id, entry.parent_id)
        own = ((each, personal.promotions[each]) for each in promotion_ids if each in personal.promotions)
        share = personal.shares[entry.item_id] = (left, *own)
    return share


def promoted(catalog: Catalog, entry: Entry, personal: Personal, at: Reading) -> Promoted:
    """What promotions make of an item for a reader; made once for all to whom it is the same."""
    since, _ = interval_at(catalog.edges, at.now)
    _, *share = share_of(catalog, entry, personal)
    key = (entry.item_id, at.language, at.country, since, *share)
    found: Promoted | None = catalog.promoted.get(key)
    if found is None:
        if len(catalog.promoted) >= PROMOTED_KEPT_MAX:
            catalog.promoted.clear()
        promotion_ids = catalog.promotions.of_item(entry.item_id, entry.parent_id)
        candidates = [catalog.promotions.by_id[each] for each in promotion_ids]
        found = catalog.promoted[key] = _promoted(catalog, entry, personal, at, candidates)
    return found


def _promoted(
    catalog: Catalog, entry: Entry, personal: Personal, at: Reading, candidates: Sequence[Promotion]
) -> Promoted:
    document = dict(zip(DOCUMENT, orjson.loads(entry.document), strict=True))
    price = None if entry.is_free else price_at(catalog, document, at.country)
    amount, currency = (None, None) if price is None else price
    line = Line(
        item_id=entry.item_id,
        sku=entry.sku,
        quantity=1,
        unit_amount=amount,
        is_free=entry.is_free,
        game_id=entry.parent_id,
    )
    if price is None and not entry.is_free:
        # It is not to be had for money, and promotions are about nothing else.
        return Promoted(b"null", b"[]")
    situation = situation_of(personal, at.now)
    applied = apply_promotions(candidates, [line], situation, currency=currency)
    priced = price_cart([line], currency=currency, discounts=applied.discounts).lines[0]
    shown = [*applied.kept, *(each for each in candidates if _is_waiting(each, applied, line, situation))]
    forms = orjson.dumps([promotion_form(catalog, each, priced, situation, at) for each in shown])
    if price is None:
        return Promoted(b"null", forms)
    final = priced.amount if applied.discounts else None
    return Promoted(orjson.dumps(price_form(*price, discounted=final)), forms)


def _is_waiting(promotion: Promotion, applied: Applied, line: Line, situation: Situation) -> bool:
    """Whether a promotion asks for the item with others, and nothing else stands in its way."""
    rest = tuple(each for each in promotion.conditions if not isinstance(each, HasItems))
    if promotion in applied.kept or len(rest) == len(promotion.conditions):
        return False
    by_itself = replace(promotion, conditions=rest)
    total = line.unit_amount
    is_met = hindrance(promotion, situation, [line], total=total) is None
    return not is_met and hindrance(by_itself, situation, [line], total=total) is None


def promotion_form(
    catalog: Catalog, promotion: Promotion, priced: PricedLine, situation: Situation, at: Reading
) -> dict[str, object]:
    """What a line says of a promotion that applies to it."""
    return _form(catalog, promotion, _discount(promotion, priced), situation, at)


def cart_promotion_form(
    catalog: Catalog, promotion: Promotion, priced: PricedCart, situation: Situation, at: Reading
) -> dict[str, object]:
    """What a cart says of a promotion that is about no item of its own."""
    percents = [each.percent for each in promotion.rewards if isinstance(each, CartPercent)]
    discount = NO_DISCOUNT
    if percents and priced.amount_without_discount is not None and priced.currency is not None:
        discount = _discount_form(percents[0], priced.amount_without_discount, priced.currency)
    return _form(catalog, promotion, discount, situation, at)


def _form(
    catalog: Catalog, promotion: Promotion, discount: Mapping[str, str | None], situation: Situation, at: Reading
) -> dict[str, object]:
    period = shown_period(promotion.periods, at.now)
    limit = promotion.limits.per_user
    left = left_to_player(promotion, situation) if situation.attributes is not None else limit
    form: dict[str, object] = {
        "name": name_in(promotion, at.language),
        "date_start": period.date_from,
        "date_end": period.date_until,
        "discount": discount,
        "bonus": [
            given
            for reward in promotion.rewards
            if isinstance(reward, BonusItems)
            for item_id, quantity in reward.items
            if (given := _bonus(catalog, item_id, quantity, at.language)) is not None
        ],
    }
    if limit is not None:
        form["limits"] = {"per_user": {"total": limit, "available": left}}
    return form


def is_about_items(promotion: Promotion, priced: PricedLine) -> bool:
    """Whether a promotion is told of at a line of a cart: it names the line's item, or took something off it alone."""
    line = priced.line
    named: list[Collection[int]] = [each.item_ids for each in promotion.conditions if isinstance(each, HasItems)]
    named += [each.items or () for each in promotion.rewards if isinstance(each, ItemPercent)]
    if any(named_in(item_ids, [line]) for item_ids in named):
        return True
    is_off_items = any(isinstance(each, ItemPercent) for each in promotion.rewards)
    return is_off_items and promotion.promotion_id in priced.promotion_ids


def _discount(promotion: Promotion, priced: PricedLine) -> Mapping[str, str | None]:
    """Percents of the line's item, and what they are of one of it before other discounts."""
    amount, currency = priced.line.unit_amount, priced.currency
    if amount is None or currency is None:
        return NO_DISCOUNT
    for reward in promotion.rewards:
        if isinstance(reward, ItemPercent) and (reward.items is None or named_in(reward.items, [priced.line])):
            return _discount_form(reward.percent, amount, currency)
    return NO_DISCOUNT


def _discount_form(percent: Decimal, amount: Decimal, currency: str) -> dict[str, str | None]:
    return {"percent": f"{percent:.2f}", "value": f"{rounded(amount * percent / 100, currency):f}"}


def _bonus(catalog: Catalog, item_id: int, quantity: int, language: str) -> dict[str, object] | None:
    """What is given on top; None for an item that is gone. A game is given by its first key."""
    entry = catalog.bonus_entry(item_id)
    if entry is None:
        return None
    document = dict(zip(DOCUMENT, orjson.loads(entry.document), strict=True))
    form: dict[str, object] = {
        "sku": entry.sku,
        "quantity": quantity,
        "type": entry.kind.wire_type,
        "name": reading(document["name"], language) if document["name"] else "",
        "image_url": document["image_url"] or "",
    }
    if entry.kind is ItemKind.PHYSICAL_GOOD:
        # The documents show it without them.
        del form["name"], form["image_url"]
    if entry.kind.bundle_type is not None:
        form["bundle_type"] = entry.kind.bundle_type
    return form
