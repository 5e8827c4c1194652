"""What comes in and goes out of the calls on orders."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self, get_args

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from haversack.clock import wire_time
from haversack.http.platforms import Platform
from haversack.http.wire import WireModel
from haversack.money import CurrencyCode
from haversack.orders.records import CurrencyType, Order, OrderCode, OrderLine
from haversack.orders.rules import QUANTITY_MAX
from haversack.promotions.records import PromotionKind
from haversack.text import FALLBACK, language_of, reading

PARAMETERS_MAX = 200
PARAMETER_NAME_LENGTH_MAX = 255
OFFSET_MAX = 2**31 - 1
# As clients write it, and left out.
PLATFORM_QUERIES = {b"": "xsolla", **{f"platform={name}".encode(): name for name in get_args(Platform)}}


def _parameters(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """Up to 200 values under names of up to 255 characters; none at all is like nothing said."""
    if not given:
        return None
    if len(given) > PARAMETERS_MAX:
        raise ValueError(f"must have {PARAMETERS_MAX} properties at most")
    if any(not 1 <= len(name) <= PARAMETER_NAME_LENGTH_MAX for name in given):
        raise ValueError(f"names must have 1 to {PARAMETER_NAME_LENGTH_MAX} characters")
    return given


def _locale(given: str) -> str:
    """A language of the wire; what is none is read as English, as the catalog does."""
    return language_of(given) or language_of(given[:2].lower()) or FALLBACK


def _nothing_for_empty(value: Any) -> Any:
    return None if value == "" else value


CustomParameters = Annotated[dict[str, Any] | None, AfterValidator(_parameters)]
Locale = Annotated[str, StringConstraints(max_length=20), AfterValidator(_locale)]
Country = Annotated[str, StringConstraints(pattern="^[A-Za-z]{2}$", to_upper=True)]
Currency = Annotated[CurrencyCode | None, BeforeValidator(_nothing_for_empty)]


class _LenientBody(WireModel):
    """Clients send much beside what the contract has; what is not known is passed over."""

    model_config = ConfigDict(extra="allow")


def _object_or_nothing(value: Any) -> Any:
    return value if isinstance(value, Mapping) else None


def _country_or_nothing(value: Any) -> Any:
    return value if isinstance(value, str) and re.fullmatch("[A-Za-z]{2}", value) else None


class ClientUserBody(WireModel):
    """What a client says of its player. The country alone is read; anything else is passed over."""

    model_config = ConfigDict(extra="ignore")

    country: Annotated[Country | None, BeforeValidator(_country_or_nothing)] = None


# One SDK says the country here, the others at the top of the body.
ClientUser = Annotated[ClientUserBody | None, BeforeValidator(_object_or_nothing)]


def country_said(country: str | None, user: ClientUserBody | None) -> str | None:
    """The country that an order's body names: of itself, else of its user."""
    return country or (None if user is None else user.country)


class FreeOrderBody(_LenientBody):
    """How an order of free items is made. Nothing in it sets a price, a player or a state."""

    currency: Currency = None
    country: Annotated[Country | None, BeforeValidator(_nothing_for_empty)] = None
    user: ClientUser = None
    locale: Locale = FALLBACK
    sandbox: bool = False
    settings: dict[str, Any] | None = None
    custom_parameters: CustomParameters = None


class FreeItemOrderBody(FreeOrderBody):
    """The same for one item."""

    quantity: int = Field(1, ge=1, le=QUANTITY_MAX)
    promo_code: str | None = Field(None, max_length=255)


class VirtualOrderBody(_LenientBody):
    """What may be said of a purchase for a virtual currency. The promo code of a unique offer opens its items."""

    sandbox: bool = False
    custom_parameters: CustomParameters = None
    promo_code: str | None = Field(None, max_length=255)


class OrderSearchBody(WireModel):
    """Which orders are looked for: a page of those created in a span of time."""

    limit: int = Field(10, ge=1, le=10)
    offset: int = Field(0, ge=0, le=OFFSET_MAX)
    created_date_from: datetime | None = None
    created_date_until: datetime | None = None


class OrderIdView(WireModel):
    """The number of an order."""

    order_id: int


class OrderPriceView(WireModel):
    """A sum in real money, or in a virtual currency (digits only)."""

    amount: str
    amount_without_discount: str
    currency: str


class OrderItemView(WireModel):
    """What was ordered; contents of bundles are not listed."""

    sku: str
    quantity: int
    is_free: bool
    price: OrderPriceView | None


class OrderContentView(WireModel):
    """What an order is about."""

    price: OrderPriceView | None
    # Clients look at it only where it is there; `price` they expect in any case.
    virtual_price: Annotated[OrderPriceView | None, Field(exclude_if=lambda price: price is None)]
    is_free: bool
    items: list[OrderItemView]


class OrderCodeView(WireModel):
    """A code that an order gave: which key it is of, and its text."""

    sku: str
    code: str


class OrderView(WireModel):
    """An order as its player sees it."""

    order_id: int
    status: str
    content: OrderContentView
    # The wire has no place where a player reads the codes of keys: it is there where an order gave some.
    codes: Annotated[list[OrderCodeView], Field(exclude_if=lambda codes: not codes)]

    @classmethod
    def of(cls, order: Order, codes: Sequence[OrderCode]) -> Self:
        """The view of an order, with the codes that it gave."""
        price = _price(order, order.amount, order.amount_without_discount)
        is_virtual = order.currency_type is CurrencyType.VIRTUAL
        return cls(
            order_id=order.order_id,
            status=order.state.value,
            content=OrderContentView(
                price=None if is_virtual else price,
                virtual_price=price if is_virtual else None,
                is_free=order.is_free,
                items=[
                    OrderItemView(
                        sku=line.sku,
                        quantity=line.quantity,
                        is_free=line.is_free,
                        price=_price(order, line.amount, line.amount_without_discount),
                    )
                    for line in _top_lines(order)
                ],
            ),
            codes=[OrderCodeView(sku=each.sku, code=each.code) for each in codes],
        )


def _top_lines(order: Order) -> list[OrderLine]:
    return [line for line in order.lines if line.parent_line_no is None]


def _price(order: Order, amount: Decimal | None, before: Decimal | None) -> OrderPriceView | None:
    if amount is None or order.currency is None:
        return None
    return OrderPriceView(
        amount=_amount(order, amount),
        amount_without_discount=_amount(order, amount if before is None else before),
        currency=order.currency,
    )


def _amount(order: Order, amount: Decimal) -> str:
    return str(int(amount)) if order.currency_type is CurrencyType.VIRTUAL else f"{amount:f}"


class FoundPriceView(WireModel):
    """A sum, with four decimals where it is real money."""

    amount: str
    amount_without_discount: str
    currency: str
    is_virtual_currency: bool


class FoundUserView(WireModel):
    """Whose order it is: `id` is how the game calls the player. What is not known of the player is empty."""

    id: str
    country: str
    email: str
    region_id: int | None


class FoundDescriptionView(WireModel):
    """The texts of an item in the order's language."""

    name: str
    image_url: str | None
    description: str


class FoundItemView(WireModel):
    """A line of an order. `order_item_id` counts within the order."""

    order_item_id: int
    item_id: int
    sku: str
    type: str
    quantity: int
    is_free: bool
    is_bonus: bool
    region_id: int | None
    tax_category: str
    price: FoundPriceView | None
    description: FoundDescriptionView | None

    @classmethod
    def of(cls, order: Order, line: OrderLine) -> Self:
        """The view of a line."""
        return cls(
            order_item_id=line.line_no,
            item_id=line.item_id,
            sku=line.sku,
            type=line.kind.wire_type,
            quantity=line.quantity,
            is_free=line.is_free,
            is_bonus=line.is_bonus,
            region_id=line.region_id,
            tax_category="",
            price=_found_price(order, line.amount, line.amount_without_discount),
            description=FoundDescriptionView(
                name=reading(line.name, order.locale),
                image_url=line.image_url,
                description=reading(line.description or {}, order.locale),
            ),
        )


class FoundPromotionView(WireModel):
    """A promotion that an order has used."""

    promotion_id: int


# The search has words of its own for kinds of promotions with codes.
CODE_TYPES = {
    PromotionKind.COUPON: "coupon",
    PromotionKind.PROMO_CODE: "promocode",
    PromotionKind.UNIQUE_OFFER: "unique_catalog_offer",
}


class FoundCouponView(WireModel):
    """A coupon or promo code that an order has used."""

    coupon_id: int
    sku: str
    code: str
    type: str


class FoundOrderView(WireModel):
    """An order as its studio sees it."""

    order_id: int
    project_id: int
    status: str
    date_created: str
    mode: str
    is_free: bool
    invoice_id: str
    price: FoundPriceView | None
    user: FoundUserView
    items: list[FoundItemView]
    promotions: list[FoundPromotionView]
    coupons: list[FoundCouponView]

    @classmethod
    def of(cls, order: Order) -> Self:
        """The view of an order."""
        return cls(
            order_id=order.order_id,
            project_id=order.project_id,
            status=order.state.value,
            date_created=wire_time(order.created_at),
            mode="sandbox" if order.is_sandbox else "default",
            is_free=order.is_free,
            invoice_id="" if order.payment_id is None else str(order.payment_id),
            price=_found_price(order, order.amount, order.amount_without_discount),
            user=FoundUserView(
                id=order.external_id, country=order.country or "", email=order.email or "", region_id=None
            ),
            items=[FoundItemView.of(order, line) for line in _top_lines(order)],
            promotions=[FoundPromotionView(promotion_id=each.promotion_id) for each in order.promotions],
            coupons=[
                FoundCouponView(
                    coupon_id=each.promotion_id, sku=each.external_id or "", code=each.code, type=CODE_TYPES[each.kind]
                )
                for each in order.promotions
                if each.code is not None
            ],
        )


def _found_price(order: Order, amount: Decimal | None, before: Decimal | None) -> FoundPriceView | None:
    if amount is None or order.currency is None:
        return None
    is_virtual = order.currency_type is CurrencyType.VIRTUAL

    def text(value: Decimal) -> str:
        return str(int(value)) if is_virtual else f"{value:.4f}"

    return FoundPriceView(
        amount=text(amount),
        amount_without_discount=text(amount if before is None else before),
        currency=order.currency,
        is_virtual_currency=is_virtual,
    )


class OrdersView(WireModel):
    """A page of orders, oldest first."""

    orders: list[FoundOrderView]
    total_items_count: int
    has_more: bool
