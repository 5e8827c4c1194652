"""What an item is to the rest of the server: one record for every kind, with small values for its parts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from haversack.text import Translations


class ItemKind(StrEnum):
    """The kinds of items. `type` and `bundle_type` of the wire follow from it."""

    VIRTUAL_GOOD = "virtual_good"
    VIRTUAL_CURRENCY = "virtual_currency"
    VIRTUAL_CURRENCY_PACKAGE = "virtual_currency_package"
    BUNDLE = "bundle"
    GAME = "game"
    GAME_KEY = "game_key"
    PHYSICAL_GOOD = "physical_good"
    VALUE_POINT = "value_point"

    @property
    def wire_type(self) -> str:
        """The `type` of the wire: packages are bundles there, games are units."""
        return {"virtual_currency_package": "bundle", "game": "unit"}.get(self.value, self.value)

    @property
    def bundle_type(self) -> str | None:
        """The `bundle_type` of the wire; None for what is no bundle."""
        return {"bundle": "standard", "virtual_currency_package": "virtual_currency_package"}.get(self.value)


# What the mixed client lists hold. Games appear there by their keys.
SELLABLE_KINDS = (
    ItemKind.VIRTUAL_GOOD,
    ItemKind.VIRTUAL_CURRENCY,
    ItemKind.VIRTUAL_CURRENCY_PACKAGE,
    ItemKind.BUNDLE,
    ItemKind.GAME_KEY,
    ItemKind.PHYSICAL_GOOD,
)


class VirtualItemType(StrEnum):
    """How a virtual item is used up."""

    CONSUMABLE = "consumable"
    NON_CONSUMABLE = "non_consumable"
    NON_RENEWING_SUBSCRIPTION = "non_renewing_subscription"


@dataclass(frozen=True, slots=True)
class Price:
    """A price in real money, for one country or by default. Enabled prices alone are looked at."""

    amount: Decimal
    currency: str
    country_iso: str | None = None
    is_default: bool = False
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class VirtualPrice:
    """A price in a virtual currency, in whole units."""

    sku: str
    amount: int
    is_default: bool = False
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or video of an item."""

    type: str
    url: str


@dataclass(frozen=True, slots=True)
class AttributeLink:
    """An attribute of an item, with the values it has."""

    attribute_id: int
    value_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Period:
    """A window of sale. The texts keep the offsets as they were given; None is open."""

    date_from: str | None
    date_until: str | None

    @property
    def starts_at(self) -> datetime | None:
        """When it begins, as a moment."""
        return None if self.date_from is None else datetime.fromisoformat(self.date_from)

    @property
    def ends_at(self) -> datetime | None:
        """When it is over, as a moment."""
        return None if self.date_until is None else datetime.fromisoformat(self.date_until)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a player's limit begins anew. `time` is `HH:00:00±HH:MM`; days are 1=Monday to 7, and 1 to 31."""

    interval_type: str
    time: str
    day_of_week: int | None = None
    day_of_month: int | None = None
    # The first reset after the schedule was written (`displayable_reset_start_date`).
    started_at: datetime | None = None
    # Of hourly schedules of offer chains.
    interval_hours: int = 1


@dataclass(frozen=True, slots=True)
class ItemLimits:
    """How many of an item there are (`per_item`), and how many a player may have (`per_user`)."""

    per_item: int | None = None
    per_user: int | None = None
    limit_exceeded_visibility: str = "show"
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True)
class PreOrder:
    """An item that is sold before it is out. `release_date` None: not announced."""

    release_date: datetime | None
    is_enabled: bool
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ContentEntry:
    """What a bundle or package contains. Held by id, so that a content's SKU is looked up in one place."""

    item_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Expiration:
    """How long an item is owned: a number of minutes, hours, days, weeks, months or years."""

    type: str
    value: int


@dataclass(frozen=True, slots=True)
class Details:
    """What only some kinds have. Each kind reads its own; the others are empty."""

    # Virtual goods.
    is_consumable: bool = False
    usages_count: int | None = None
    expiration: Expiration | None = None
    virtual_item_type: VirtualItemType | None = None
    is_paid_randomized_reward: bool = False
    # Bundles and packages.
    content: tuple[ContentEntry, ...] = ()
    # Game keys.
    drm_sku: str | None = None
    # Virtual currencies.
    is_hard: bool = False
    # Value points.
    is_clan: bool = False

    @property
    def used_up_as(self) -> VirtualItemType:
        """How a virtual good is used up: said outright, or as its inventory options say."""
        if self.virtual_item_type is not None:
            return self.virtual_item_type
        if self.expiration is not None:
            return VirtualItemType.NON_RENEWING_SUBSCRIPTION
        return VirtualItemType.CONSUMABLE if self.is_consumable else VirtualItemType.NON_CONSUMABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item of any kind. `details` holds what its kind alone has."""

    project_id: int
    item_id: int
    sku: str
    kind: ItemKind
    parent_item_id: int | None = None
    name: Translations
    description: Translations | None = None
    long_description: Translations | None = None
    image_url: str | None = None
    media_list: tuple[Media, ...] = ()
    attributes: tuple[AttributeLink, ...] = ()
    custom_attributes: Mapping[str, Any] | None = None
    group_ids: tuple[int, ...] = ()
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
    created_at: datetime
    updated_at: datetime

    @property
    def virtual_item_type(self) -> VirtualItemType:
        """How it is used up: said outright, or as its inventory options say."""
        return self.details.used_up_as


@dataclass(frozen=True, slots=True)
class Group:
    """A group of items; groups nest."""

    group_id: int
    external_id: str
    parent_group_id: int | None
    name: Translations
    description: Translations | None
    image_url: str | None
    is_enabled: bool
    sort_order: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """A value that an attribute may have."""

    value_id: int
    external_id: str
    value: Translations


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something that items of a project are described by."""

    attribute_id: int
    external_id: str
    name: Translations
    values: tuple[AttributeValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """Countries in which an item may be sold. `name` has five-letter keys."""

    region_id: int
    name: Mapping[str, str]
    countries: tuple[str, ...]
