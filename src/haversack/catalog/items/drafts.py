"""What a writer says of an item, before the project's catalog is asked: everything is named by SKU and external id."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from haversack.catalog.records import (
    Details,
    ItemKind,
    ItemLimits,
    Media,
    Period,
    PreOrder,
    Price,
    VirtualPrice,
)
from haversack.catalog.taxonomy.records import GivenAttribute
from haversack.text import Translations


@dataclass(frozen=True, slots=True)
class ContentDraft:
    """What a bundle or package shall contain."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDraft:
    """An item as a studio, an import or a seed gives it, whole: what is left out has its default.

    `details` holds no content: that stands in `content`, by SKU. `keys` are the keys of a game.
    """

    kind: ItemKind
    sku: str
    name: Translations
    description: Translations | None = None
    long_description: Translations | None = None
    image_url: str | None = None
    media_list: tuple[Media, ...] = ()
    groups: tuple[str, ...] = ()
    attributes: tuple[GivenAttribute, ...] = ()
    custom_attributes: Mapping[str, Any] | None = None
    prices: tuple[Price, ...] = ()
    virtual_prices: tuple[VirtualPrice, ...] = ()
    is_free: bool = False
    is_enabled: bool = True
    is_show_in_store: bool = True
    sort_order: int = 1
    region_ids: tuple[int, ...] = ()
    periods: tuple[Period, ...] = ()
    limits: ItemLimits | None = None
    pre_order: PreOrder | None = None
    details: Details = field(default_factory=Details)
    content: tuple[ContentDraft, ...] = ()
    keys: "tuple[ItemDraft, ...]" = ()


@dataclass(frozen=True, slots=True)
class KnownItem:
    """An item that a draft names by its SKU."""

    item_id: int
    kind: ItemKind


@dataclass(frozen=True, slots=True)
class Known:
    """The items that a draft names, by their SKUs, and everything that its content holds, however deep."""

    items: Mapping[str, KnownItem]
    item_ids_inside: frozenset[int] = frozenset()
