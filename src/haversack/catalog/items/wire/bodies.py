"""What a studio gives of virtual items, currencies, packages and bundles.

A PUT is whole: what is left out falls back to its default. Unknown members are refused, but for those that back ends
read and send back.
"""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.items.rules import with_type
from haversack.catalog.items.wire.parts import (
    LIST_MAX,
    BundlePriceBody,
    ContentBody,
    Count,
    Flag,
    GroupBody,
    MediaBody,
    PeriodBody,
    PreOrderBody,
    PriceBody,
    ReadBackBody,
    RegionRefBody,
    Sku,
    StrictBody,
    VirtualPriceBody,
    Whole,
)
from haversack.catalog.records import Details, Expiration, ItemKind, PreOrder, VirtualItemType
from haversack.catalog.taxonomy.wire import AttributeBody, Link, OptionalTranslationsBody, TranslationsBody
from haversack.http.wire import without
from haversack.limits.wire import LimitsBody

Media = Annotated[list[MediaBody], Field(max_length=LIST_MAX)]
Groups = Annotated[list[GroupBody], Field(max_length=LIST_MAX)]
# How many an item may have is a rule with codes of its own.
Attributes = Annotated[list[AttributeBody], Field(max_length=LIST_MAX)]
Prices = Annotated[list[PriceBody], Field(max_length=LIST_MAX)]
BundlePrices = Annotated[list[BundlePriceBody], Field(max_length=LIST_MAX)]
VirtualPrices = Annotated[list[VirtualPriceBody], Field(max_length=LIST_MAX)]
Regions = Annotated[list[RegionRefBody], Field(max_length=LIST_MAX)]
Periods = Annotated[list[PeriodBody], Field(max_length=LIST_MAX)]
Content = Annotated[list[ContentBody], Field(max_length=LIST_MAX)]
CustomAttributes = Annotated[
    dict[str, Any], Field(description="at most 500 characters as JSON", json_schema_extra={"maxLength": 500})
]


class ItemBody(Protocol):
    """A body of any kind of item."""

    def draft(self, now: datetime) -> ItemDraft:
        """The item as it is given; a schedule of its limits begins at its next reset after `now`."""


class _AnyItemBody(ReadBackBody):
    """What items of every kind have."""

    sku: Sku
    name: TranslationsBody
    long_description: OptionalTranslationsBody = None
    image_url: Link | None = None
    groups: Groups = Field(default_factory=list)
    attributes: Attributes = Field(default_factory=list)
    custom_attributes: CustomAttributes | None = None
    is_free: Flag = False
    is_enabled: Flag = True
    order: Whole = 1
    regions: Regions = Field(default_factory=list)
    limits: LimitsBody | None = None
    periods: Periods | None = None

    def shared(self, now: datetime) -> dict[str, Any]:
        """The members of the draft that every kind has."""
        return {
            "sku": self.sku,
            "name": self.name,
            "long_description": self.long_description,
            "image_url": self.image_url,
            "groups": tuple(group.external_id for group in self.groups),
            "attributes": tuple(attribute.record() for attribute in self.attributes),
            "custom_attributes": self.custom_attributes,
            "is_free": self.is_free,
            "is_enabled": self.is_enabled,
            "sort_order": self.order,
            "region_ids": tuple(region.id for region in self.regions),
            "periods": tuple(period.record() for period in self.periods or ()),
            "limits": None if self.limits is None else self.limits.record(now),
        }


class _PricedBody(_AnyItemBody):
    """What virtual items, currencies and packages share."""

    media_list: Media = Field(default_factory=list)
    vc_prices: VirtualPrices = Field(default_factory=list)
    is_show_in_store: Flag = True
    pre_order: PreOrderBody | None = None
    # Bodies that are made of answers carry it. An item is deleted by its DELETE.
    is_deleted: Literal[False] = False

    def shared(self, now: datetime) -> dict[str, Any]:
        return {
            **super().shared(now),
            "media_list": tuple(one.record() for one in self.media_list),
            "virtual_prices": tuple(price.record() for price in self.vc_prices),
            "is_show_in_store": self.is_show_in_store,
            "pre_order": _pre_order(self.pre_order),
        }


def _pre_order(body: PreOrderBody | None) -> PreOrder | None:
    return None if body is None else body.record()


class ConsumableBody(StrictBody):
    """An item that is used up, after a number of uses."""

    usages_count: Count | None = None


class ExpirationBody(StrictBody):
    """How long an item is owned."""

    type: Literal["minute", "hour", "day", "week", "month", "year"]
    value: Count = 1


class InventoryOptionsBody(StrictBody):
    """What becomes of an item once a player owns it."""

    consumable: ConsumableBody | None = None
    expiration_period: ExpirationBody | None = None

    def record(self) -> Details:
        """The details of an item."""
        expiration, consumable = self.expiration_period, self.consumable
        return Details(
            is_consumable=consumable is not None,
            usages_count=None if consumable is None else consumable.usages_count,
            expiration=None if expiration is None else Expiration(expiration.type, expiration.value),
        )


class _VirtualItemBody(_PricedBody):
    prices: Prices = Field(default_factory=list)
    inventory_options: InventoryOptionsBody | None = None
    virtual_item_type: VirtualItemType | None = None
    is_paid_randomized_reward: Flag = False

    def virtual_item(self, now: datetime, description: dict[str, str] | None) -> ItemDraft:
        """The draft with a description."""
        options = self.inventory_options or InventoryOptionsBody()
        details = with_type(options.record(), self.virtual_item_type)
        return ItemDraft(
            kind=ItemKind.VIRTUAL_GOOD,
            description=description,
            prices=tuple(price.record() for price in self.prices),
            details=replace(details, is_paid_randomized_reward=self.is_paid_randomized_reward),
            **self.shared(now),
        )


class NewVirtualItemBody(_VirtualItemBody):
    """A new virtual item."""

    description: OptionalTranslationsBody = None

    def draft(self, now: datetime) -> ItemDraft:
        """The item as it is given."""
        return self.virtual_item(now, self.description)


class VirtualItemBody(_VirtualItemBody):
    """A virtual item in the place of an older one. The description must be there, if only as null."""

    description: OptionalTranslationsBody

    def draft(self, now: datetime) -> ItemDraft:
        """The item as it is given."""
        return self.virtual_item(now, self.description)


class VirtualCurrencyBody(_PricedBody):
    """A virtual currency."""

    description: OptionalTranslationsBody = None
    prices: Prices = Field(default_factory=list)
    is_hard: Flag = False

    def draft(self, now: datetime) -> ItemDraft:
        """The currency as it is given."""
        return ItemDraft(
            kind=ItemKind.VIRTUAL_CURRENCY,
            description=self.description,
            prices=tuple(price.record() for price in self.prices),
            details=Details(is_hard=self.is_hard),
            **self.shared(now),
        )


class PackageBody(_PricedBody):
    """A package of one virtual currency. It has prices in real or in virtual money, if only none of them."""

    of_answers = _AnyItemBody.of_answers | {"bundle_type"}

    description: TranslationsBody
    prices: Prices = Field(default_factory=list)
    content: Content

    @model_validator(mode="after")
    def prices_are_said(self) -> Self:
        """One of the two lists must be there."""
        if not self.model_fields_set & {"prices", "vc_prices"}:
            missing = PydanticCustomError("prices_missing", "prices or vc_prices must be given")
            raise ValidationError.from_exception_data(
                "package", [InitErrorDetails(type=missing, loc=("prices",), input=None)]
            )
        return self

    def draft(self, now: datetime) -> ItemDraft:
        """The package as it is given."""
        return ItemDraft(
            kind=ItemKind.VIRTUAL_CURRENCY_PACKAGE,
            description=self.description,
            prices=tuple(price.record() for price in self.prices),
            content=tuple(entry.record() for entry in self.content),
            **self.shared(now),
        )


def _price_read(price: Any) -> Any:
    if not isinstance(price, dict):
        return price
    own = without(price, frozenset({"name", "type", "description", "image_url"}))
    amount = own.get("amount")
    return {**own, "amount": int(amount)} if isinstance(amount, str) and amount.isdecimal() else own


class BundleBody(_AnyItemBody):
    """A bundle of items. It is not shown in the store until it is said so."""

    of_answers = _AnyItemBody.of_answers | {"bundle_type", "total_content_price"}

    description: TranslationsBody
    prices: BundlePrices = Field(default_factory=list)
    vc_prices: VirtualPrices | None = None
    media_list: Media | None = None
    content: Content
    is_show_in_store: Flag = False

    @model_validator(mode="before")
    @classmethod
    def take_virtual_prices(cls, given: Any) -> Any:
        """Answers call the prices in virtual currencies by another name, with amounts as text."""
        if not isinstance(given, dict) or "virtual_prices" not in given:
            return given
        read = given["virtual_prices"]
        rest = {name: value for name, value in given.items() if name != "virtual_prices"}
        return {"vc_prices": [_price_read(one) for one in read] if isinstance(read, list) else read, **rest}

    def draft(self, now: datetime) -> ItemDraft:
        """The bundle as it is given."""
        return ItemDraft(
            kind=ItemKind.BUNDLE,
            description=self.description,
            media_list=tuple(one.record() for one in self.media_list or ()),
            prices=tuple(price.record() for price in self.prices),
            virtual_prices=tuple(price.record() for price in self.vc_prices or ()),
            content=tuple(entry.record() for entry in self.content),
            is_show_in_store=self.is_show_in_store,
            **self.shared(now),
        )
