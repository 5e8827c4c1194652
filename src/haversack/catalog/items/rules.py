"""What must hold for an item before it is written, and what follows from its parts."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import orjson

from haversack.catalog.items.drafts import ContentDraft, ItemDraft, Known
from haversack.catalog.records import (
    Details,
    Item,
    ItemKind,
    Period,
    Price,
    VirtualItemType,
    VirtualPrice,
)
from haversack.errors import Fault
from haversack.money import exponent, has_too_many_decimals

CUSTOM_ATTRIBUTES_LENGTH_MAX = 500
# What a bundle may hold. Games go in by the keys of chosen platforms.
BUNDLED_KINDS = (
    ItemKind.VIRTUAL_GOOD,
    ItemKind.VIRTUAL_CURRENCY,
    ItemKind.VIRTUAL_CURRENCY_PACKAGE,
    ItemKind.BUNDLE,
    ItemKind.GAME_KEY,
)


# -- Prices ---------------------------------------------------------------------------------------------------------


def price_faults(prices: Sequence[Price]) -> Iterator[Fault]:
    """What is wrong with prices in real money. That there is no default is not among it: it has a code of its own."""
    default: int | None = None
    places: dict[tuple[str | None, str], int] = {}
    for index, price in enumerate(prices):
        at = f"prices.{index}"
        if has_too_many_decimals(price.amount, price.currency):
            yield Fault(f"{at}.amount", f"has more decimals than {price.currency} has")
        if price.is_default and price.country_iso is not None:
            yield Fault(f"{at}.country_iso", "the default price is for every country: it has no country")
        if price.is_default and default is not None:
            yield Fault(f"{at}.is_default", f"only one price is the default, and prices.{default} is")
        if price.is_default and default is None:
            default = index
        place = (price.country_iso, price.currency)
        if place in places:
            country = price.country_iso or "every country"
            yield Fault(at, f"prices.{places[place]} is a price in {price.currency} for {country} already")
        places.setdefault(place, index)


def lacks_default_price(prices: Sequence[Price]) -> bool:
    """Whether there are prices and none of them is the default."""
    return bool(prices) and not any(price.is_default for price in prices)


def virtual_price_faults(prices: Sequence[VirtualPrice], sku: str, known: Known) -> Iterator[Fault]:
    """What is wrong with prices in virtual currencies."""
    default: int | None = None
    places: dict[str, int] = {}
    for index, price in enumerate(prices):
        at = f"vc_prices.{index}"
        currency = known.items.get(price.sku)
        if price.sku == sku:
            yield Fault(f"{at}.sku", "an item has no price in itself")
        elif currency is None or currency.kind is not ItemKind.VIRTUAL_CURRENCY:
            yield Fault(f"{at}.sku", f"there is no virtual currency {price.sku}")
        if price.is_default and default is not None:
            yield Fault(f"{at}.is_default", f"only one price is the default, and vc_prices.{default} is")
        if price.is_default and default is None:
            default = index
        if price.sku in places:
            yield Fault(f"{at}.sku", f"vc_prices.{places[price.sku]} is a price in {price.sku} already")
        places.setdefault(price.sku, index)


# -- Content --------------------------------------------------------------------------------------------------------


def content_faults(draft: ItemDraft, known: Known, own_id: int | None) -> Iterator[Fault]:
    """What is wrong with the content of a bundle or package. `own_id` is the item's own, if it exists already."""
    if draft.kind is ItemKind.VIRTUAL_CURRENCY_PACKAGE:
        yield from _package_faults(draft.content, known)
    elif draft.kind is ItemKind.BUNDLE:
        yield from _bundle_faults(draft, known, own_id)


def _package_faults(content: Sequence[ContentDraft], known: Known) -> Iterator[Fault]:
    if len(content) != 1:
        yield Fault("content", "a package contains exactly one virtual currency")
    for index, entry in enumerate(content):
        found = known.items.get(entry.sku)
        if found is None or found.kind is not ItemKind.VIRTUAL_CURRENCY:
            yield Fault(f"content.{index}.sku", f"there is no virtual currency {entry.sku}")


def _bundle_faults(draft: ItemDraft, known: Known, own_id: int | None) -> Iterator[Fault]:
    if not draft.content:
        yield Fault("content", "a bundle contains one item at least")
    places: dict[str, int] = {}
    is_cyclic = own_id is not None and own_id in known.item_ids_inside
    for index, entry in enumerate(draft.content):
        at = f"content.{index}.sku"
        found = known.items.get(entry.sku)
        if entry.sku == draft.sku:
            yield Fault(at, "a bundle cannot contain itself")
        elif found is None:
            yield Fault(at, f"there is no item {entry.sku}")
        elif found.kind is ItemKind.GAME:
            yield Fault(at, f"{entry.sku} is a game: a bundle contains its keys")
        elif found.kind not in BUNDLED_KINDS:
            yield Fault(at, f"{entry.sku} is a {found.kind}, which a bundle cannot contain")
        if entry.sku in places:
            yield Fault(at, f"content.{places[entry.sku]} is {entry.sku} already: add their quantities")
        places.setdefault(entry.sku, index)
    if is_cyclic and draft.sku not in places:
        yield Fault("content", f"contains {draft.sku} itself, through the bundles in it")


# -- The whole ------------------------------------------------------------------------------------------------------


def draft_faults(draft: ItemDraft, known: Known, own_id: int | None = None) -> list[Fault]:
    """Every faulty field of a draft, those of a game's keys under `unit_items`."""
    faults = [*_own_faults(draft, known, own_id)]
    places: dict[str, int] = {draft.sku: -1}
    for index, key in enumerate(draft.keys):
        at = f"unit_items.{index}"
        faults += [Fault(f"{at}.{fault.property}", fault.message) for fault in _own_faults(key, known, None)]
        if key.sku in places:
            taken = "the game" if places[key.sku] < 0 else f"unit_items.{places[key.sku]}"
            faults.append(Fault(f"{at}.sku", f"{taken} has this SKU already"))
        places.setdefault(key.sku, index)
    return faults


def _own_faults(draft: ItemDraft, known: Known, own_id: int | None) -> Iterator[Fault]:
    yield from price_faults(draft.prices)
    yield from virtual_price_faults(draft.virtual_prices, draft.sku, known)
    yield from period_faults(draft.periods)
    yield from content_faults(draft, known, own_id)
    if draft.custom_attributes is not None:
        length = len(orjson.dumps(draft.custom_attributes).decode())
        if length > CUSTOM_ATTRIBUTES_LENGTH_MAX:
            limit = CUSTOM_ATTRIBUTES_LENGTH_MAX
            yield Fault("custom_attributes", f"has {length} characters as JSON, more than {limit}")
    is_subscription = draft.details.virtual_item_type is VirtualItemType.NON_RENEWING_SUBSCRIPTION
    if is_subscription and draft.details.expiration is None:
        yield Fault("inventory_options.expiration_period", "a non_renewing_subscription must expire")


def period_faults(periods: Sequence[Period]) -> Iterator[Fault]:
    """Windows that end before they begin."""
    for index, period in enumerate(periods):
        starts_at, ends_at = period.starts_at, period.ends_at
        if starts_at is not None and ends_at is not None and ends_at <= starts_at:
            yield Fault(f"periods.{index}.date_until", "must be after date_from")


def region_faults(draft: ItemDraft, region_ids: Collection[int]) -> list[Fault]:
    """The regions of a draft and its keys that are not among those there are."""
    return [
        Fault(f"{prefix}regions.{index}.id", f"there is no region {region_id}")
        for prefix, one in _with_keys(draft)
        for index, region_id in enumerate(one.region_ids)
        if region_id not in region_ids
    ]


def default_price_faults(draft: ItemDraft) -> list[tuple[str, Fault]]:
    """The SKUs of a draft and its keys whose prices have no default, with their places."""
    return [
        (one.sku, Fault(f"{prefix}prices", "one price must be the default"))
        for prefix, one in _with_keys(draft)
        if lacks_default_price(one.prices)
    ]


def _with_keys(draft: ItemDraft) -> Iterator[tuple[str, ItemDraft]]:
    yield "", draft
    for index, key in enumerate(draft.keys):
        yield f"unit_items.{index}.", key


# -- What follows ---------------------------------------------------------------------------------------------------


def with_type(details: Details, given: VirtualItemType | None) -> Details:
    """The details of a virtual item that was given a type outright: it wins over what its inventory options say."""
    if given is None:
        return details
    if given is VirtualItemType.CONSUMABLE:
        return replace(details, virtual_item_type=given, is_consumable=True)
    if given is VirtualItemType.NON_CONSUMABLE:
        return replace(details, virtual_item_type=given, is_consumable=False, usages_count=None)
    return replace(details, virtual_item_type=given)


def content_price(item: Item, items: Mapping[int, Item]) -> tuple[Decimal, str] | None:
    """What a bundle's content would cost by itself, at default prices, and in which currency.

    None where a price is missing, or the prices are in several currencies. What has been deleted since is left out.
    """
    total, currencies = Decimal(0), set()
    for entry in item.details.content:
        part = items.get(entry.item_id)
        if part is None or part.is_free:
            continue
        price = next((price for price in part.prices if price.is_default and price.is_enabled), None)
        if price is None:
            return None
        total += price.amount * entry.quantity
        currencies.add(price.currency)
    if len(currencies) != 1:
        return None
    (currency,) = currencies
    return total.quantize(Decimal(1).scaleb(-(exponent(currency) or 0))), currency


def named_skus(drafts: Iterable[ItemDraft]) -> list[str]:
    """The SKUs that drafts name: of the currencies of their prices and of their content, each once."""
    named: dict[str, None] = {}
    for draft in drafts:
        named.update(dict.fromkeys(price.sku for price in draft.virtual_prices))
        named.update(dict.fromkeys(entry.sku for entry in draft.content))
    return list(named)
