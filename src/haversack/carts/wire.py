"""What clients and servers send to carts, and what a cart looks like to them."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict  # Pydantic reads no other on Python 3.11

from haversack.carts.records import LINES_MAX
from haversack.catalog.read_model.wire.parts import (
    ClientAttribute,
    ClientGroupRef,
    ClientInventoryOptions,
    ClientLimits,
    ClientPeriod,
    ClientPrice,
    ClientPromotion,
    ClientVirtualPrice,
    ClientVpReward,
)
from haversack.http.wire import WireModel
from haversack.money import CurrencyCode
from haversack.text import FALLBACK, language_of

SKU_LENGTH_MAX = 255


def _upper(value: object) -> object:
    """Clients send parameters that they have no value for; then they mean none."""
    return (value.upper() or None) if isinstance(value, str) else value


def _country(value: object) -> object:
    """As the client catalog has it: what is no country is none."""
    upper = _upper(value)
    return upper if isinstance(upper, str) and len(upper) == 2 and upper.isascii() and upper.isalpha() else None


def _number(value: object) -> object:
    """2.0 is 2. Whether the number can be a quantity is a refusal of its own."""
    # A boolean is an integer to Python.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    return int(value) if value == value // 1 else value


Quantity = Annotated[
    Any, BeforeValidator(_number), Field(json_schema_extra={"type": "number", "minimum": 0, "multipleOf": 1})
]
Sku = Annotated[str, StringConstraints(min_length=1, max_length=SKU_LENGTH_MAX)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class LanguageQuery(WireModel):
    """How a cart is to be shown. Other parameters are ignored."""

    model_config = ConfigDict(extra="ignore")

    locale: Annotated[str, Field(description="language of all texts, of two or five letters")] = FALLBACK

    @property
    def language(self) -> str:
        """The language; English where there is no such one."""
        return language_of(self.locale) or FALLBACK


class CartQuery(LanguageQuery):
    """How a player's cart is to be shown."""

    currency: Annotated[
        CurrencyCode | None,
        BeforeValidator(_upper),
        Field(description="ISO 4217; by default what the catalog shows the country: USD where the prices are in USD"),
    ] = None
    country: Annotated[
        str | None,
        BeforeValidator(_country),
        Field(description="ISO 3166-1 alpha-2; decides prices and what is sold at all"),
    ] = None


class PutBody(WireModel):
    """So many of an item; 0 takes it out. Other members are ignored."""

    model_config = ConfigDict(extra="ignore")

    quantity: Quantity = 1


class FillLine(WireModel):
    """So many of an item; 0 takes it out."""

    model_config = ConfigDict(extra="ignore")

    sku: Sku
    quantity: Quantity


class FillBody(WireModel):
    """What a cart is to hold of these items. What it holds of others stays."""

    model_config = ConfigDict(extra="ignore")

    items: Annotated[list[FillLine], Field(min_length=1, max_length=LINES_MAX)]


class AdminFillLine(WireModel):
    """So many of an item."""

    model_config = ConfigDict(extra="forbid")

    sku: Sku
    quantity: Quantity


class AdminFillBody(WireModel):
    """What a player's cart is to hold of these items; country and currency are those of the answer's prices."""

    model_config = ConfigDict(extra="forbid")

    country: Annotated[Country | None, BeforeValidator(_upper)] = None
    currency: Annotated[CurrencyCode | None, BeforeValidator(_upper)] = None
    items: Annotated[list[AdminFillLine], Field(min_length=1, max_length=LINES_MAX)]


class CartItemAnswer(TypedDict):
    """A line of a cart. `name` is null for an item that was deleted. The price is that of the whole line."""

    item_id: int
    sku: str
    type: str
    name: str | None
    description: str
    image_url: str
    groups: list[ClientGroupRef]
    attributes: list[ClientAttribute]
    bundle_type: NotRequired[str]
    inventory_options: ClientInventoryOptions
    virtual_item_type: NotRequired[Literal["consumable", "non_consumable", "non_renewing_subscription"]]
    virtual_prices: list[ClientVirtualPrice]
    promotions: list[ClientPromotion]
    vp_rewards: list[ClientVpReward]
    limits: ClientLimits | None
    periods: list[ClientPeriod]
    quantity: int
    is_free: bool
    is_bonus: bool
    can_be_bought: bool
    price: ClientPrice | None


class CartWarning(TypedDict):
    """What is to be known of a line, or of a SKU that was not put in."""

    sku: str
    quantity: int
    errorCode: int
    errorMessage: str


class CartAnswer(TypedDict):
    """A cart. `price` is the sum of its lines' prices, null where none has one."""

    cart_id: str
    is_free: bool
    price: ClientPrice | None
    items: list[CartItemAnswer]
    promotions: list[ClientPromotion]
    warnings: list[CartWarning]
