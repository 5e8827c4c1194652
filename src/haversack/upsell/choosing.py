"""Chooses the items of a project's upsell for a player, from the compiled catalog."""

from collections.abc import Iterator
from datetime import datetime

from haversack.catalog.read_model.answering import read_personal
from haversack.catalog.read_model.personal import situation_of
from haversack.catalog.read_model.records import Ask, Entry, Personal
from haversack.catalog.records import ItemKind
from haversack.catalog.selling import Shop, open_shop
from haversack.http.calls import BuyerCall
from haversack.pricing.records import Line
from haversack.promotions.records import PromotionKind
from haversack.upsell.queries import find_upsell
from haversack.upsell.records import Upsell, UpsellType
from haversack.upsell.rules import promoted_items

ITEM_PROMOTIONS = (PromotionKind.DISCOUNT, PromotionKind.BONUS)


async def answer(call: BuyerCall, ask: Ask) -> bytes:
    """The body of a page of what is offered to a player; an empty page where nothing is."""
    shop = await open_shop(call.context.catalogs, call.project_id)
    catalog, now, country = shop.catalog, call.now, ask.country or call.player.country
    place = catalog.country_key(country)
    personal = await read_personal(call.context, call.project, call.player, ask, catalog, country, now)
    upsell = await find_upsell(call.db, call.project_id)
    chosen: list[Entry] = []
    if upsell is not None and upsell.is_enabled:
        chosen = await _choose(call, shop, upsell, _on_sale(shop, ask, place, now), personal, place)
    return await call.context.catalogs.pages.body_of_chosen(ask, catalog, shop.stocks, chosen, personal, place, now)


def _on_sale(shop: Shop, ask: Ask, country: str, now: datetime) -> dict[int, Entry]:
    view = shop.catalog.view(
        ask.shelf, None, country=country, now=now, with_inactive=ask.with_inactive, stocks=shop.stocks
    )
    return {entry.item_id: entry for entry in view.entries}


async def _choose(
    call: BuyerCall, shop: Shop, upsell: Upsell, on_sale: dict[int, Entry], personal: Personal, country: str
) -> list[Entry]:
    if upsell.type is UpsellType.FIXED_LIST:
        named = (found for item_id in upsell.item_ids for found in _sold_of(shop, item_id))
        return [on_sale[item_id] for item_id in dict.fromkeys(named) if item_id in on_sale]
    if upsell.type is UpsellType.MOST_SELLABLE:
        sold = await call.context.best_sellers.list_items(call.project_id, call.now)
        return [on_sale[item_id] for item_id in sold if item_id in on_sale]
    promotions = [each for each in shop.catalog.promotions.by_id.values() if each.kind in ITEM_PROMOTIONS]
    if not promotions:
        return []
    promoted = promoted_items(promotions, situation_of(personal, call.now), _lines(shop, on_sale, country))
    # A promotion that names a game is about its keys.
    return [entry for entry in on_sale.values() if not promoted.isdisjoint((entry.item_id, entry.parent_id))]


def _sold_of(shop: Shop, item_id: int) -> Iterator[int]:
    """What is sold of a named item: of a game, its keys."""
    entry = shop.catalog.entries.get(item_id)
    if entry is not None and entry.kind is ItemKind.GAME:
        yield from (key.item_id for key in shop.catalog.keys_of.get(item_id, ()))
    else:
        yield item_id


def _lines(shop: Shop, on_sale: dict[int, Entry], country: str) -> list[Line]:
    """One of each item on sale at its price, for promotions that choose items by their prices."""
    lines = []
    for item_id in on_sale:
        item = shop.find_by_id(item_id)
        assert item is not None, "what is on sale is in the catalog"
        price = shop.price_of(item, country=country)
        lines.append(
            Line(
                item_id=item_id,
                sku=item.sku,
                quantity=1,
                unit_amount=None if price is None else price.amount,
                is_free=item.is_free,
            )
        )
    return lines
