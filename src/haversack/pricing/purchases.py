"""A purchase with all that promotions make of it: what carts show, what orders freeze, what is explained."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from haversack.catalog.selling import SellableItem, Shop
from haversack.pricing.lines import lines_of
from haversack.pricing.records import Line, PricedCart
from haversack.pricing.rules import price_cart
from haversack.promotions.records import Bonus, Situation
from haversack.promotions.rules import NOTHING_APPLIED, Applied, apply_promotions


@dataclass(frozen=True, slots=True)
class Purchase:
    """Priced lines in the order in which they were wanted, behind them the bonuses, with the item of each line; and
    what promotions did."""

    priced: PricedCart
    items: tuple[SellableItem, ...]
    currency: str | None
    applied: Applied = NOTHING_APPLIED


def price_purchase(
    shop: Shop,
    wanted: Sequence[tuple[SellableItem, int]],
    *,
    country: str | None,
    currency: str | None,
    situation: Situation,
    chosen_keys: Mapping[str, str] | None = None,
) -> Purchase:
    """Price items and quantities in real money for somebody; currency None: the one that the country sees.

    chosen_keys: which key is wanted of each game that is given on top (SKUs)."""
    lines, shown = lines_of(shop, wanted, country=country, currency=currency)
    items = tuple(item for item, _ in wanted)
    candidates = shop.catalog.promotions.of_lines(lines, situation.code_promotion_ids)
    if not candidates:
        return Purchase(price_cart(lines, currency=shown), items, shown)
    applied = apply_promotions(candidates, lines, situation, currency=shown)
    bonuses = list(_bonus_lines(shop, applied.bonuses, chosen_keys))
    priced = price_cart([*lines, *(line for _, line in bonuses)], currency=shown, discounts=applied.discounts)
    return Purchase(priced, (*items, *(item for item, _ in bonuses)), shown, applied)


def price_step(
    shop: Shop,
    wanted: Sequence[tuple[SellableItem, int]],
    *,
    country: str | None,
    currency: str | None,
    is_given: bool,
) -> Purchase:
    """Price what a step of an offer chain gives: promotions mean nothing to it, and what is given costs nothing."""
    items = tuple(item for item, _ in wanted)
    if not is_given:
        lines, shown = lines_of(shop, wanted, country=country, currency=currency)
        return Purchase(price_cart(lines, currency=shown), items, shown)
    free = [
        Line(item_id=item.item_id, sku=item.sku, quantity=quantity, unit_amount=None, is_free=True)
        for item, quantity in wanted
    ]
    return Purchase(price_cart(free, currency=None), items, None)


def _bonus_lines(
    shop: Shop, bonuses: Sequence[Bonus], chosen_keys: Mapping[str, str] | None
) -> Iterable[tuple[SellableItem, Line]]:
    """One line for each item that is given; what is gone or switched off is not."""
    given: dict[int, list[Bonus]] = {}
    for bonus in bonuses:
        entry = shop.catalog.bonus_entry(bonus.item_id, chosen_keys)
        if entry is not None:
            given.setdefault(entry.item_id, []).append(bonus)
    for item_id, of_item in given.items():
        item = shop.find_by_id(item_id)
        assert item is not None, "what the catalog has can be found in it"
        yield (
            item,
            Line(
                item_id=item_id,
                sku=item.sku,
                quantity=sum(bonus.quantity for bonus in of_item),
                unit_amount=None,
                is_bonus=True,
                given_by=tuple(bonus.promotion_id for bonus in of_item),
                game_id=item.entry.parent_id,
            ),
        )
