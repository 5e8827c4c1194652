"""What views of items need beside the items: groups and attributes, stock, content, currencies, keys and codes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

from haversack.catalog.items import queries
from haversack.catalog.items.queries import CodeStock
from haversack.catalog.records import Attribute, Group, Item, ItemKind
from haversack.catalog.taxonomy.queries import list_attributes, list_groups
from haversack.database.engine import Session
from haversack.limits.queries import list_stocks
from haversack.limits.records import Stock

_Name = TypeVar("_Name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """The surroundings of some items, by ids; currencies by SKU, keys by the id of their game."""

    groups: Mapping[int, Group] = field(default_factory=dict)
    attributes: Mapping[int, Attribute] = field(default_factory=dict)
    stocks: Mapping[int, Stock] = field(default_factory=dict)
    content: Mapping[int, Item] = field(default_factory=dict)
    currencies: Mapping[str, Item] = field(default_factory=dict)
    keys: Mapping[int, Sequence[Item]] = field(default_factory=dict)
    codes: Mapping[int, CodeStock] = field(default_factory=dict)


async def load_related(db: Session, project_id: int, items: Sequence[Item]) -> Related:
    """Everything that the views of the items need. What no item has is not asked for."""
    games = [item.item_id for item in items if item.kind is ItemKind.GAME]
    keys = await queries.list_keys_of_games(db, project_id, games)
    shown = [*items, *keys]
    groups = await list_groups(db, project_id) if any(item.group_ids for item in shown) else []
    attributes = await list_attributes(db, project_id) if any(item.attributes for item in shown) else []
    limited = [item.item_id for item in shown if item.limits is not None and item.limits.per_item is not None]
    content = _once(entry.item_id for item in shown for entry in item.details.content)
    skus = _once(price.sku for item in shown for price in item.virtual_prices)
    return Related(
        groups={group.group_id: group for group in groups},
        attributes={attribute.attribute_id: attribute for attribute in attributes},
        stocks=await list_stocks(db, project_id, limited) if limited else {},
        content={item.item_id: item for item in await queries.list_items_by_ids(db, project_id, content)},
        currencies={item.sku: item for item in await queries.list_items_by_skus(db, project_id, skus)},
        keys={game: list(own) for game, own in groupby(keys, key=lambda key: key.parent_item_id or 0)},
        codes=await queries.count_codes(db, project_id, [key.item_id for key in keys]),
    )


def _once(named: Iterable[_Name]) -> list[_Name]:
    return list(dict.fromkeys(named))
