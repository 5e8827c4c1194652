"""What the catalog says of an item to whoever sells it: the compiled catalog's entry with its texts and prices read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from haversack.catalog.items.stored_forms import attributes_of, details_of, prices_of, virtual_prices_of
from haversack.catalog.read_model import rules
from haversack.catalog.read_model.compiled import Catalog, is_listed
from haversack.catalog.read_model.live import Held, LiveCatalogs
from haversack.catalog.read_model.queries import DOCUMENT
from haversack.catalog.read_model.records import Entry, Offer, PointReward
from haversack.catalog.records import AttributeLink, Details, ItemKind, ItemLimits, PreOrder, Price, VirtualPrice
from haversack.catalog.versions import find_version
from haversack.database.engine import Session
from haversack.text import Translations

# Bundles hold bundles; a cycle is refused when one is saved, and this bounds what was saved before that.
NESTING_MAX = 20


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What a bundle or package holds of one item."""

    item: "SellableItem"
    quantity: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SellableItem:
    """An item as carts and orders need it. `is_listed`: it is for sale of itself, not only inside of something.

    game_key items carry their game's id in `parent_id`; `content` is one level deep, each with its own content;
    `value_points` come with a purchase of one.
    """

    entry: Entry
    name: Translations
    description: Translations | None
    long_description: Translations | None
    image_url: str | None
    attributes: tuple[AttributeLink, ...]
    custom_attributes: Mapping[str, Any] | None
    prices: tuple[Price, ...]
    virtual_prices: tuple[VirtualPrice, ...]
    details: Details
    content: tuple[Content, ...]
    value_points: tuple[PointReward, ...]
    is_listed: bool

    @property
    def item_id(self) -> int:
        """The item's id."""
        return self.entry.item_id

    @property
    def sku(self) -> str:
        """The item's SKU."""
        return self.entry.sku

    @property
    def kind(self) -> ItemKind:
        """The item's kind."""
        return self.entry.kind

    @property
    def game_id(self) -> int | None:
        """The game of a key."""
        return self.entry.parent_id

    @property
    def is_free(self) -> bool:
        """Whether it is taken by a free order."""
        return self.entry.is_free

    @property
    def limits(self) -> ItemLimits | None:
        """Stock and uses for each player."""
        return self.entry.limits

    @property
    def pre_order(self) -> PreOrder | None:
        """Whether it is sold before it is out."""
        return self.entry.pre_order


class Shop:
    """One project's catalog as it is sold from at a moment: the same version for all that one request looks up."""

    def __init__(self, held: Held) -> None:
        assert held.catalog is not None, "a catalog that was asked for is compiled"
        self.catalog: Catalog = held.catalog
        self.stocks = held.stocks
        self._known = _known.setdefault(self.catalog, {})

    def find_by_sku(self, sku: str) -> SellableItem | None:
        """The item of a SKU, enabled or not; None for one that does not exist or was deleted."""
        entry = self.catalog.by_sku.get(sku)
        return None if entry is None else self._item(entry, depth=0)

    def find_by_id(self, item_id: int) -> SellableItem | None:
        """The item of an id."""
        entry = self.catalog.entries.get(item_id)
        return None if entry is None else self._item(entry, depth=0)

    def is_sold_in(self, item: SellableItem, country: str | None) -> bool:
        """Whether the item's regions have the country; an item without regions is sold everywhere."""
        return rules.is_sold_in(self.catalog.countries_of.get(item.item_id), (country or "").upper())

    def is_on_sale(self, item: SellableItem, now: datetime) -> bool:
        """Whether its periods, if it has any, hold the moment."""
        return rules.is_inside(item.entry.windows, now)

    def price_of(self, item: SellableItem, *, country: str | None, currency: str | None = None) -> Price | None:
        """The price that applies in a country, chosen as the client catalog chooses it; None where there is none.

        currency: only prices in it are looked at.
        """
        if item.is_free:
            return None
        place_of = self.catalog.country_key((country or "").upper())
        offered = [price for price in item.prices if price.is_enabled]
        offers = [Offer(price.country_iso or "", price.currency, price.is_default) for price in offered]
        place = rules.choose_price(offers, country=place_of, currency=currency or self.catalog.currency_of(place_of))
        return None if place is None else offered[place]

    def _item(self, entry: Entry, *, depth: int) -> SellableItem:
        found = self._known.get(entry.item_id)
        if found is not None:
            return found
        document = dict(zip(DOCUMENT, orjson.loads(entry.document), strict=True))
        inner = (
            (self.catalog.entries.get(content.item_id), content.quantity)
            for content in (entry.content if depth < NESTING_MAX else ())
        )
        item = SellableItem(
            entry=entry,
            name=document["name"],
            description=document["description"],
            long_description=document["long_description"],
            image_url=document["image_url"],
            attributes=attributes_of(document["attributes"]),
            custom_attributes=document["custom_attributes"],
            prices=() if entry.is_free else prices_of(document["prices"]),
            virtual_prices=() if entry.is_free else virtual_prices_of(document["virtual_prices"]),
            details=details_of(document["details"]),
            content=tuple(
                Content(self._item(held, depth=depth + 1), quantity) for held, quantity in inner if held is not None
            ),
            value_points=tuple(
                reward
                for reward in self.catalog.value_points.get(entry.item_id, ())
                if (point := self.catalog.entries.get(reward.value_point_id)) is not None and point.is_enabled
            ),
            is_listed=is_listed(entry, self.catalog.entries),
        )
        self._known[entry.item_id] = item
        return item


# Items that were read once, as long as their version of the catalog lives.
_known: WeakKeyDictionary[Catalog, dict[int, SellableItem]] = WeakKeyDictionary()


async def reopen_shop(catalogs: LiveCatalogs, db: Session, project_id: int) -> Shop:
    """The shop with everything that was written before now, by whatever process: for who misses an item in it."""
    return Shop(await catalogs.get_at(project_id, await find_version(db, project_id)))


async def open_shop(catalogs: LiveCatalogs, project_id: int) -> Shop:
    """The shop of a project, as new as a reader in this process may expect; DatabaseAway where it cannot be read."""
    return Shop(catalogs.find_ready(project_id) or await catalogs.get(project_id))
