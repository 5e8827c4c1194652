"""Chooses the items of a project's upsell for a player, from the compiled catalog."""

from collections.abc import Iterator
from datetime import datetime

from haversack.catalog.read_model.filling import known_personal
from haversack.catalog.read_model.records import NOBODY, Ask, Entry
from haversack.catalog.records import ItemKind
from haversack.catalog.selling import Shop, open_shop
from haversack.http.calls import BuyerCall
from haversack.pricing.records import Line
from haversack.promotions.queries import list_promotions
from haversack.promotions.records import PromotionKind
from haversack.promotions.uses import read_situation
from haversack.upsell.queries import find_upsell
from haversack.upsell.records import Upsell, UpsellType
from haversack.upsell.rules import promoted_items

ITEM_PROMOTIONS = (PromotionKind.DISCOUNT, PromotionKind.BONUS)


async def answer(call: BuyerCall, ask: Ask) -> bytes:
    """The body of a page of what is offered to a player; an empty page where nothing is."""
    shop = await open_shop(call.context.catalogs, call.project_id)
    now = call.now
    country = shop.catalog.country_key(ask.country or call.player.country)
    upsell = await find_upsell(call.db, call.project_id)
    chosen: list[Entry] = []
    if upsell is not None and upsell.is_enabled:
        on_sale = _on_sale(shop, ask, country, now)
        chosen = await _choose(call, shop, upsell, on_sale, country)
    used = await call.context.catalogs.uses.read(call.project_id, call.player_id)
    personal = known_personal(shop.catalog, used, now) if used else NOBODY
    return await call.context.catalogs.pages.body_of_chosen(
        ask, shop.catalog, shop.stocks, chosen, personal, country, now
    )


def _on_sale(shop: Shop, ask: Ask, country: str, now: datetime) -> dict[int, Entry]:
    view = shop.catalog.view(
        ask.shelf, None, country=country, now=now, with_inactive=ask.with_inactive, stocks=shop.stocks
    )
    return {entry.item_id: entry for entry in view.entries}


async def _choose(call: BuyerCall, shop: Shop, upsell: Upsell, on_sale: dict[int, Entry], country: str) -> list[Entry]:
    if upsell.type is UpsellType.FIXED_LIST:
        named = (found for item_id in upsell.item_ids for found in _sold_of(shop, item_id))
        return [on_sale[item_id] for item_id in dict.fromkeys(named) if item_id in on_sale]
    if upsell.type is UpsellType.MOST_SELLABLE:
        sold = await call.context.best_sellers.list_items(call.project_id, call.now)
        return [on_sale[item_id] for item_id in sold if item_id in on_sale]
    promotions = await list_promotions(call.db, call.project_id, ITEM_PROMOTIONS)
    if not promotions:
        return []
    situation = await read_situation(call.db, call.project_id, call.player, now=call.now)
    promoted = promoted_items(promotions, situation, _lines(shop, on_sale, country))
    return [entry for item_id, entry in on_sale.items() if item_id in promoted]


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
