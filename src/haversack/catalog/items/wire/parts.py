"""Parts that items of several kinds have on the wire: prices, media, periods, groups, regions, pre-orders, content."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from haversack.catalog.items.drafts import ContentDraft
from haversack.catalog.records import Item, Media, Period, PreOrder, Price, VirtualPrice
from haversack.catalog.taxonomy.wire import CountryCode, GroupId, Link, TranslationsView
from haversack.http.wire import WireModel, without
from haversack.money import AMOUNT_MAX, CurrencyCode, NumberOnWire

INT32_MAX = 2**31 - 1
LIST_MAX = 1_000

Sku = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_\-.]{1,255}$")]
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True, ge=-INT32_MAX - 1, le=INT32_MAX)]
Count = Annotated[int, Field(strict=True, ge=1, le=INT32_MAX)]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
# Room on both sides for every offset there is.
YEARS = range(1970, 9999)


def _no_text(value: Any) -> Any:
    if isinstance(value, str | bool):
        raise ValueError("must be a number")
    return value


def _plain_number(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and not re.fullmatch(r"\d{1,15}(\.\d{1,15})?", value)):
        raise ValueError("must be a number, or one as text, such as 9.99")
    return value


def _moment(value: str) -> str:
    problem = "must be a date and time with an offset, such as 2026-11-21T10:00:00+03:00"
    if not _MOMENT.fullmatch(value):
        raise ValueError(problem)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(problem) from None
    if moment.year not in YEARS:
        raise ValueError(f"must lie in the years {YEARS[0]} to {YEARS[-1]}")
    return value


_BOUNDS = Field(gt=0, lt=AMOUNT_MAX, max_digits=15, allow_inf_nan=False)
Amount = Annotated[
    Decimal,
    BeforeValidator(_no_text),
    _BOUNDS,
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0}),
]
AmountOrText = Annotated[
    Decimal,
    BeforeValidator(_plain_number),
    _BOUNDS,
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}),
]
# Kept as it was given, with its offset.
MomentText = Annotated[str, AfterValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]


class StrictBody(WireModel):
    """A write: members that it does not know are refused."""

    model_config = ConfigDict(extra="forbid")


class ReadBackBody(StrictBody):
    """A write that back ends make of what they read: what answers alone say is passed over, not refused."""

    of_answers: ClassVar[frozenset[str]] = frozenset({"item_id", "type"})

    @model_validator(mode="before")
    @classmethod
    def pass_over(cls, given: Any) -> Any:
        """The members that are a studio's to set."""
        return without(given, cls.of_answers)


# -- Prices ---------------------------------------------------------------------------------------------------------


class PriceBody(StrictBody):
    """A price in real money, for a country or, as the default, for every one."""

    amount: Amount
    currency: CurrencyCode
    country_iso: CountryCode | None = None
    is_default: Flag = False
    is_enabled: Flag = True

    def record(self) -> Price:
        """The price."""
        return Price(self.amount, self.currency, self.country_iso, self.is_default, self.is_enabled)


class GamePriceBody(PriceBody):
    """A price in real money of a game key. Nothing has a default but the country."""

    is_default: Flag
    is_enabled: Flag


class BundlePriceBody(GamePriceBody):
    """A price in real money of a bundle, as number or as text."""

    amount: AmountOrText


class VirtualPriceBody(StrictBody):
    """A price in a virtual currency of the project, in whole units."""

    sku: Sku
    amount: Count
    is_default: Flag = False
    is_enabled: Flag = True

    def record(self) -> VirtualPrice:
        """The price."""
        return VirtualPrice(self.sku, self.amount, self.is_default, self.is_enabled)


def _is_none(value: object) -> bool:
    return value is None


# Left out where the price is for every country.
OptionalCountry = Annotated[str | None, Field(exclude_if=_is_none)]


class PriceView(WireModel):
    """A price in real money."""

    amount: NumberOnWire
    currency: str
    country_iso: OptionalCountry
    is_default: bool
    is_enabled: bool

    @classmethod
    def of(cls, price: Price) -> Self:
        """The view of a price."""
        return cls(amount=price.amount, **_price_fields(price))


class TextPriceView(WireModel):
    """A price in real money of a bundle, as text."""

    amount: str
    currency: str
    country_iso: OptionalCountry
    is_default: bool
    is_enabled: bool

    @classmethod
    def of(cls, price: Price) -> Self:
        """The view of a price."""
        return cls(amount=f"{price.amount:f}", **_price_fields(price))


def _price_fields(price: Price) -> dict[str, Any]:
    return {
        "currency": price.currency,
        "country_iso": price.country_iso,
        "is_default": price.is_default,
        "is_enabled": price.is_enabled,
    }


class VirtualPriceView(WireModel):
    """A price in a virtual currency, by its SKU."""

    sku: str
    amount: int
    is_default: bool
    is_enabled: bool

    @classmethod
    def of(cls, price: VirtualPrice) -> Self:
        """The view of a price."""
        return cls(sku=price.sku, amount=price.amount, is_default=price.is_default, is_enabled=price.is_enabled)


class NamedVirtualPriceView(WireModel):
    """A price of a game key in a virtual currency, with what the currency is."""

    sku: str
    name: TranslationsView
    type: str
    description: TranslationsView | None
    image_url: str | None
    amount: int
    is_default: bool
    is_enabled: bool

    @classmethod
    def of_prices(cls, prices: Iterable[VirtualPrice], currencies: Mapping[str, Item]) -> list[Self]:
        """The prices in currencies that have not been deleted since; `currencies` are by SKU."""
        return [
            cls(amount=price.amount, **_currency_fields(price, currencies[price.sku]))
            for price in prices
            if price.sku in currencies
        ]


class TextVirtualPriceView(WireModel):
    """A price of a bundle in a virtual currency, as text, with what the currency is."""

    sku: str
    name: TranslationsView
    type: str
    description: TranslationsView | None
    image_url: str | None
    amount: str
    is_default: bool
    is_enabled: bool

    @classmethod
    def of_prices(cls, prices: Iterable[VirtualPrice], currencies: Mapping[str, Item]) -> list[Self]:
        """The prices in currencies that have not been deleted since; `currencies` are by SKU."""
        return [
            cls(amount=str(price.amount), **_currency_fields(price, currencies[price.sku]))
            for price in prices
            if price.sku in currencies
        ]


def _currency_fields(price: VirtualPrice, currency: Item) -> dict[str, Any]:
    return {
        "sku": price.sku,
        "name": dict(currency.name),
        "type": currency.kind.wire_type,
        "description": currency.description,
        "image_url": currency.image_url,
        "is_default": price.is_default,
        "is_enabled": price.is_enabled,
    }


# -- Media, periods, regions, groups --------------------------------------------------------------------------------


class MediaBody(StrictBody):
    """A picture or video."""

    type: Literal["image", "video"]
    url: Annotated[Link, Field(min_length=1)]

    def record(self) -> Media:
        """The picture or video."""
        return Media(self.type, self.url)


class MediaView(WireModel):
    """A picture or video."""

    type: str
    url: str

    @classmethod
    def of(cls, media: Media) -> Self:
        """The view of a picture or video."""
        return cls(type=media.type, url=media.url)


class PeriodBody(StrictBody):
    """A window of sale. An end that is null or missing is open."""

    date_from: MomentText | None = None
    date_until: MomentText | None = None

    def record(self) -> Period:
        """The window."""
        return Period(self.date_from, self.date_until)


class PeriodView(WireModel):
    """A window of sale, with the offsets as they were given."""

    date_from: str | None
    date_until: str | None

    @classmethod
    def of(cls, period: Period) -> Self:
        """The view of a window."""
        return cls(date_from=period.date_from, date_until=period.date_until)


class RegionRefBody(StrictBody):
    """A region of the project, by its id."""

    id: Count


class RegionRefView(WireModel):
    """A region, by its id."""

    id: int


class GroupRefBody(StrictBody):
    """A group of the project, by its external id. Its name is not looked at: bodies made of answers carry it."""

    external_id: GroupId
    name: str | dict[str, str | None] | None = None


def _external_id(given: Any) -> Any:
    return {"external_id": given} if isinstance(given, str) else given


# A group may be named by its external id alone, or by an object that holds it.
GroupBody = Annotated[
    GroupRefBody,
    BeforeValidator(_external_id, json_schema_input_type=str | GroupRefBody),
]

# -- Content --------------------------------------------------------------------------------------------------------


class ContentBody(StrictBody):
    """What a bundle or package contains."""

    sku: Sku
    quantity: Count = 1

    def record(self) -> ContentDraft:
        """The entry."""
        return ContentDraft(self.sku, self.quantity)


class ContentView(WireModel):
    """What a bundle or package contains."""

    sku: str
    name: TranslationsView
    type: str
    description: TranslationsView | None
    image_url: str | None
    quantity: int

    @classmethod
    def of_content(cls, item: Item, items: Mapping[int, Item]) -> list[Self]:
        """The content of an item, without what has been deleted since; `items` are by id."""
        return [
            cls(
                sku=part.sku,
                name=dict(part.name),
                type=part.kind.wire_type,
                description=part.description,
                image_url=part.image_url,
                quantity=entry.quantity,
            )
            for entry in item.details.content
            if (part := items.get(entry.item_id)) is not None
        ]


# -- Pre-orders -----------------------------------------------------------------------------------------------------


class PreOrderBody(StrictBody):
    """An item that is sold before it is out. Without a date it is announced later."""

    release_date: MomentText | None
    is_enabled: Flag
    description: Annotated[str, Field(max_length=10_000)] | None = None

    def record(self) -> PreOrder:
        """The pre-order."""
        release = None if self.release_date is None else datetime.fromisoformat(self.release_date)
        return PreOrder(release, self.is_enabled, self.description)


class PreOrderView(WireModel):
    """An item that is sold before it is out."""

    release_date: str | None
    is_enabled: bool
    description: str | None

    @classmethod
    def of(cls, pre_order: PreOrder | None) -> Self:
        """The view of a pre-order; one that is off where there is none."""
        if pre_order is None:
            return cls(release_date=None, is_enabled=False, description=None)
        release = pre_order.release_date
        return cls(
            release_date=None if release is None else release.isoformat(),
            is_enabled=pre_order.is_enabled,
            description=pre_order.description,
        )
