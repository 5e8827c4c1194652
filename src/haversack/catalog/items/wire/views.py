"""What a studio reads of virtual items, currencies, packages and bundles."""

from datetime import datetime
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel

from haversack.catalog.items.related import Related
from haversack.catalog.items.rules import content_price
from haversack.catalog.items.wire.parts import (
    ContentView,
    MediaView,
    PeriodView,
    PreOrderView,
    PriceView,
    RegionRefView,
    TextPriceView,
    TextVirtualPriceView,
    VirtualPriceView,
)
from haversack.catalog.records import Details, Item, VirtualItemType
from haversack.catalog.taxonomy.wire import AttributeView, GroupRefView, TranslationsView
from haversack.http.wire import WireModel
from haversack.limits.wire import AdminLimitsView

View = TypeVar("View", bound=BaseModel)


class PageView(WireModel, Generic[View]):
    """A page of items."""

    items: list[View]
    has_more: bool
    total_items_count: int


class SkuView(WireModel):
    """What was made, by its SKU."""

    sku: str


class _AnyItemView(WireModel):
    """What items of every kind have."""

    item_id: int
    sku: str
    type: str
    name: TranslationsView
    description: TranslationsView | None
    long_description: TranslationsView | None
    image_url: str | None
    media_list: list[MediaView]
    groups: list[GroupRefView]
    attributes: list[AttributeView]
    custom_attributes: dict[str, Any]
    is_free: bool
    is_enabled: bool
    is_show_in_store: bool
    order: int
    regions: list[RegionRefView]
    limits: AdminLimitsView
    periods: list[PeriodView]


def shared_fields(item: Item, related: Related, now: datetime) -> dict[str, Any]:
    """The members of the views of every kind."""
    groups = [related.groups[group_id] for group_id in item.group_ids if group_id in related.groups]
    return {
        "item_id": item.item_id,
        "sku": item.sku,
        "type": item.kind.wire_type,
        "name": dict(item.name),
        "description": item.description,
        "long_description": item.long_description,
        "image_url": item.image_url,
        "media_list": [MediaView.of(media) for media in item.media_list],
        "groups": [GroupRefView.of(group) for group in groups],
        "attributes": AttributeView.of_links(item.attributes, related.attributes),
        "custom_attributes": dict(item.custom_attributes or {}),
        "is_free": item.is_free,
        "is_enabled": item.is_enabled,
        "is_show_in_store": item.is_show_in_store,
        "order": item.sort_order,
        "regions": [RegionRefView(id=region_id) for region_id in item.region_ids],
        "limits": AdminLimitsView.of(item.limits, related.stocks.get(item.item_id), now),
        "periods": [PeriodView.of(period) for period in item.periods],
    }


def _priced_fields(item: Item) -> dict[str, Any]:
    return {
        "prices": [PriceView.of(price) for price in item.prices],
        "vc_prices": [VirtualPriceView.of(price) for price in item.virtual_prices],
        "pre_order": None if item.pre_order is None else PreOrderView.of(item.pre_order),
    }


class ConsumableView(WireModel):
    """An item that is used up, after a number of uses."""

    usages_count: int | None


class ExpirationView(WireModel):
    """How long an item is owned."""

    type: str
    value: int


class InventoryOptionsView(WireModel):
    """What becomes of an item once a player owns it."""

    consumable: ConsumableView | None
    expiration_period: ExpirationView | None

    @classmethod
    def of(cls, details: Details) -> Self:
        """The view of an item's details."""
        expiration = details.expiration
        return cls(
            consumable=ConsumableView(usages_count=details.usages_count) if details.is_consumable else None,
            expiration_period=None
            if expiration is None
            else ExpirationView(type=expiration.type, value=expiration.value),
        )


class VirtualItemView(_AnyItemView):
    """A virtual item."""

    prices: list[PriceView]
    vc_prices: list[VirtualPriceView]
    inventory_options: InventoryOptionsView
    virtual_item_type: VirtualItemType
    is_paid_randomized_reward: bool
    pre_order: PreOrderView | None

    @classmethod
    def of(cls, item: Item, related: Related, now: datetime) -> Self:
        """The view of a virtual item."""
        return cls(
            inventory_options=InventoryOptionsView.of(item.details),
            virtual_item_type=item.virtual_item_type,
            is_paid_randomized_reward=item.details.is_paid_randomized_reward,
            **_priced_fields(item),
            **shared_fields(item, related, now),
        )


class VirtualCurrencyView(_AnyItemView):
    """A virtual currency."""

    prices: list[PriceView]
    vc_prices: list[VirtualPriceView]
    is_hard: bool
    pre_order: PreOrderView | None

    @classmethod
    def of(cls, item: Item, related: Related, now: datetime) -> Self:
        """The view of a virtual currency."""
        return cls(is_hard=item.details.is_hard, **_priced_fields(item), **shared_fields(item, related, now))


class PackageView(_AnyItemView):
    """A package of a virtual currency."""

    bundle_type: Literal["virtual_currency_package"]
    prices: list[PriceView]
    vc_prices: list[VirtualPriceView]
    content: list[ContentView]
    pre_order: PreOrderView | None

    @classmethod
    def of(cls, item: Item, related: Related, now: datetime) -> Self:
        """The view of a package."""
        return cls(
            bundle_type="virtual_currency_package",
            content=ContentView.of_content(item, related.content),
            **_priced_fields(item),
            **shared_fields(item, related, now),
        )


class ContentPriceView(WireModel):
    """What a bundle's content would cost by itself."""

    amount: str
    amount_without_discount: str
    currency: str

    @classmethod
    def of(cls, item: Item, related: Related) -> Self | None:
        """The view of the sum, or None where a price is missing."""
        found = content_price(item, related.content)
        if found is None:
            return None
        amount, currency = found
        return cls(amount=f"{amount:f}", amount_without_discount=f"{amount:f}", currency=currency)


class BundleView(_AnyItemView):
    """A bundle of items."""

    bundle_type: Literal["standard"]
    prices: list[TextPriceView]
    virtual_prices: list[TextVirtualPriceView]
    content: list[ContentView]
    total_content_price: ContentPriceView | None

    @classmethod
    def of(cls, item: Item, related: Related, now: datetime) -> Self:
        """The view of a bundle."""
        return cls(
            bundle_type="standard",
            prices=[TextPriceView.of(price) for price in item.prices],
            virtual_prices=TextVirtualPriceView.of_prices(item.virtual_prices, related.currencies),
            content=ContentView.of_content(item, related.content),
            total_content_price=ContentPriceView.of(item, related),
            **shared_fields(item, related, now),
        )
