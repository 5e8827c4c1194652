"""What one of each item costs, and in which one currency: the lines that `price_cart` is given.

Carts and orders have their lines from here, so that they agree.
"""

from collections.abc import Sequence
from decimal import Decimal
from weakref import WeakKeyDictionary

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.selling import SellableItem, Shop
from haversack.pricing.records import Line

PRICES_KEPT_MAX = 20_000

UnitPrice = tuple[Decimal, str] | None
_Prices = dict[tuple[int, str, str | None], UnitPrice]

# Amounts and currencies by item, country and the currency asked for, as long as their version of the catalog lives.
_prices: WeakKeyDictionary[Catalog, _Prices] = WeakKeyDictionary()


def unit_prices(
    shop: Shop, items: Sequence[SellableItem], *, country: str | None, currency: str | None
) -> list[UnitPrice]:
    """What one of each item costs in a country: the price in the currency asked for, or without one the price that the
    catalog shows. None where it has no such price, or is free."""
    known = _prices.get(shop.catalog)
    if known is None:
        known = _prices[shop.catalog] = {}
    place = shop.catalog.country_key((country or "").upper())
    found = []
    for item in items:
        key = (item.entry.item_id, place, currency)
        if key not in known:
            if len(known) >= PRICES_KEPT_MAX:
                known.clear()
            price = shop.price_of(item, country=country, currency=currency)
            known[key] = None if price is None else (price.amount, price.currency)
        found.append(known[key])
    return found


def lines_of(
    shop: Shop, wanted: Sequence[tuple[SellableItem, int]], *, country: str | None, currency: str | None = None
) -> tuple[tuple[Line, ...], str | None]:
    """Items and quantities as lines with their unit prices, and the one currency of all of them.

    It is the one asked for, else that in which the catalog shows the items to the country; None where nothing has a
    price. What has no price in it has none.
    """
    amounts, shown = amounts_of(shop, [item for item, _ in wanted], country=country, currency=currency)
    return tuple(_line(item, quantity, amount) for (item, quantity), amount in zip(wanted, amounts, strict=True)), shown


def amounts_of(
    shop: Shop, items: Sequence[SellableItem], *, country: str | None, currency: str | None = None
) -> tuple[list[Decimal | None], str | None]:
    """What one of each item costs in the one currency of all of them, and that currency, as `lines_of` has it."""
    prices = unit_prices(shop, items, country=country, currency=currency)
    shown = next((price[1] for price in prices if price is not None), currency)
    return [price[0] if price is not None and price[1] == shown else None for price in prices], shown


def virtual_lines_of(wanted: Sequence[tuple[SellableItem, int]], *, currency_sku: str) -> tuple[Line, ...]:
    """Items and quantities as lines with their unit prices in a virtual currency."""
    return tuple(_line(item, quantity, _virtual_price(item, currency_sku)) for item, quantity in wanted)


def _virtual_price(item: SellableItem, currency_sku: str) -> Decimal | None:
    found = next((each for each in item.virtual_prices if each.is_enabled and each.sku == currency_sku), None)
    return None if found is None else Decimal(found.amount)


def _line(item: SellableItem, quantity: int, unit_amount: Decimal | None) -> Line:
    return Line(
        item_id=item.entry.item_id,
        sku=item.entry.sku,
        quantity=quantity,
        unit_amount=unit_amount,
        is_free=item.entry.is_free,
        game_id=item.entry.parent_id,
    )
