"""What makes an order that is paid with money, or a purchase without an order, and the token of its payment page."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from haversack.http.wire import WireModel, few_members
from haversack.money import AMOUNT_MAX, CurrencyCode, has_too_many_decimals
from haversack.orders.rules import QUANTITY_MAX
from haversack.orders.wire import ClientUser, Currency, CustomParameters, Locale
from haversack.orders.wire import Country as GivenCountry
from haversack.payments.wire.settings import (
    INT32_MAX,
    ClientSettings,
    StrictModel,
    SumSettings,
    TokenSettingsBody,
    without_unknown,
)
from haversack.personalization.claims import ATTRIBUTE_LENGTH_MAX, ATTRIBUTES_MAX, readable_attributes
from haversack.projects.records import OrderDestination
from haversack.text import FALLBACK

ITEMS_MAX = 500
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def _upper(value: object) -> object:
    """Clients send members that they have no value for; then they mean none."""
    return (value.upper() or None) if isinstance(value, str) else value


Country = Annotated[str, BeforeValidator(_upper), Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
Quantity = Annotated[int, Field(ge=1, le=QUANTITY_MAX)]


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError("must be an e-mail address")
    return value


Email = Annotated[
    str,
    AfterValidator(_email),
    Field(min_length=3, max_length=255, json_schema_extra={"format": "email"}),
]


class CartOrderBody(WireModel):
    """An order of what is in a cart. Other members are ignored: a client sets no price, no player and no state."""

    model_config = ConfigDict(extra="ignore")

    currency: Currency = None
    locale: Locale = FALLBACK
    country: Annotated[GivenCountry | None, BeforeValidator(_upper)] = None
    user: ClientUser = None
    sandbox: bool = False
    settings: ClientSettings = None
    custom_parameters: CustomParameters = None


class ItemOrderBody(CartOrderBody):
    """An order of one item."""

    quantity: Quantity = 1
    promo_code: Annotated[str, Field(max_length=255)] | None = None


class OrderTokenView(WireModel):
    """A new order and the token that opens the payment page for it."""

    order_id: int
    token: str


class TokenView(WireModel):
    """A token that opens the payment page."""

    token: str


class UserIdBody(StrictModel):
    """The player, as the game calls it."""

    value: Annotated[str, Field(min_length=1, max_length=255)]


class UserNameBody(StrictModel):
    """The player's name."""

    value: Annotated[str, Field(min_length=1, max_length=255)] | None = None


class UserEmailBody(StrictModel):
    """The player's e-mail address."""

    value: Email | None = None


class UserCountryBody(StrictModel):
    """The player's country, and whether the player may change it on the page."""

    value: Annotated[Country | None, BeforeValidator(_upper)] = None
    allow_modify: bool = False


class UserPhoneBody(StrictModel):
    """The player's phone number."""

    value: Annotated[str, Field(max_length=255)]
    allow_modify: bool = False
    hidden: bool = True


class TrackingIdBody(StrictModel):
    """Whom the studio follows."""

    value: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{32}$")]


class SteamIdBody(StrictModel):
    """The player's account with Steam."""

    value: Annotated[str, Field(pattern=r"^[0-9]{17}$")]


class LegalBody(StrictModel):
    """The company that buys."""

    name: Annotated[str, Field(max_length=255)] | None = None
    address: Annotated[str, Field(max_length=1000)] | None = None
    vat_id: Annotated[str, Field(max_length=255)] | None = None
    country: Annotated[str, Field(max_length=255)] | None = None


AttributeName = Annotated[str, Field(min_length=1, max_length=ATTRIBUTE_LENGTH_MAX)]
AttributeValue = Annotated[str, Field(max_length=ATTRIBUTE_LENGTH_MAX)] | bool | int | float
# What is known of the player, for conditions of promotions and personalization; it counts before what Login keeps.
UserAttributes = dict[AttributeName, AttributeValue]


class UserBody(StrictModel):
    """For whom a token is made."""

    id: UserIdBody
    name: UserNameBody | None = None
    email: UserEmailBody | None = None
    country: UserCountryBody | None = None
    age: Annotated[int, Field(ge=0, le=1000)] | None = None
    phone: UserPhoneBody | None = None
    tracking_id: TrackingIdBody | None = None
    steam_id: SteamIdBody | None = None
    is_legal: bool | None = None
    legal: LegalBody | None = None
    attributes: (
        Annotated[UserAttributes, few_members(ATTRIBUTES_MAX), Field(min_length=1, max_length=ATTRIBUTES_MAX)] | None
    ) = None

    @property
    def country_code(self) -> str | None:
        """The country that was said."""
        return None if self.country is None else self.country.value

    @property
    def email_address(self) -> str | None:
        """The address that was said."""
        return None if self.email is None else self.email.value

    def stored(self, country: str | None) -> dict[str, Any]:
        """What a token keeps of its player."""
        allows = self.country is not None and self.country.allow_modify
        details: dict[str, Any] = {"country": {"value": country, "allow_modify": allows}}
        if self.email_address is not None:
            details["email"] = self.email_address
        if self.name is not None and self.name.value is not None:
            details["name"] = self.name.value
        if self.phone is not None:
            details["phone"] = self.phone.value
        if self.attributes:
            details["attributes"] = dict(self.told)
        return details

    @property
    def told(self) -> tuple[tuple[str, str], ...]:
        """What is said of the player, as attributes are kept."""
        return readable_attributes(self.attributes or {})


class WantedBody(StrictModel):
    """So many of an item."""

    sku: Annotated[str, Field(min_length=1, max_length=255)]
    quantity: Quantity


class PurchaseBody(StrictModel):
    """What is bought."""

    items: Annotated[list[WantedBody], Field(min_length=1, max_length=ITEMS_MAX)]


class AdminTokenBody(StrictModel):
    """An order that a server makes for a player. Members that are not documented are refused."""

    sandbox: bool = False
    user: UserBody
    purchase: PurchaseBody
    settings: TokenSettingsBody | None = None
    custom_parameters: CustomParameters = None
    destination: Annotated[
        OrderDestination | None,
        Field(description="where the goods go; not of the wire, and left out it is the project's setting"),
    ] = None


def amount_of(value: object) -> object:
    """What is read as an amount."""
    # A JSON number is read by its shortest decimal form: 9.99 is 9.99.
    return str(value) if isinstance(value, float) else value


class CheckoutBody(WireModel):
    """A sum of money."""

    model_config = ConfigDict(extra="ignore")

    amount: Annotated[Decimal, BeforeValidator(amount_of), Field(gt=0, lt=AMOUNT_MAX)]
    currency: Annotated[CurrencyCode, BeforeValidator(_upper)]


class DescriptionBody(WireModel):
    """What the sum is for."""

    model_config = ConfigDict(extra="ignore")

    value: Annotated[str, Field(max_length=1000)] = ""


def _exact(purchase: "SumBody") -> "SumBody":
    checkout = purchase.checkout
    if has_too_many_decimals(checkout.amount, checkout.currency):
        raise ValueError(f"checkout.amount has more decimals than {checkout.currency}")
    return purchase


class SumBody(WireModel):
    """A purchase without an order: a sum and what it is for. The game gives what was bought when it hears of the
    payment, and must compare the sum with its own price."""

    model_config = ConfigDict(extra="ignore")

    checkout: CheckoutBody
    description: DescriptionBody | None = None

    def stored(self) -> dict[str, Any]:
        """What a token keeps of it."""
        description = "" if self.description is None else self.description.value
        return {
            "amount": f"{self.checkout.amount:f}",
            "currency": self.checkout.currency,
            "description": description,
        }


ExactSum = Annotated[SumBody, AfterValidator(_exact)]


class SimplePurchaseBody(WireModel):
    """A purchase of a sum, by a player's game. Other members are ignored."""

    model_config = ConfigDict(extra="ignore")

    purchase: ExactSum
    sandbox: bool = False
    settings: SumSettings = None
    custom_parameters: CustomParameters = None

    @property
    def wants_sandbox(self) -> bool:
        """Whether no money shall move, wherever that is said."""
        return self.sandbox or (self.settings is not None and self.settings.sandbox)


class MerchantSettingsBody(TokenSettingsBody):
    """Settings of a token of the merchant API: which project, and whether no money moves."""

    project_id: Annotated[int, Field(ge=1, le=INT32_MAX)]
    mode: Annotated[str, Field(max_length=32)] | None = None

    def stored(self) -> dict[str, Any]:
        """What is kept of them: the members that were said and that the page reads."""
        return self.model_dump(exclude_none=True, exclude={"project_id", "mode"})


def _merchant_settings(value: Any) -> Any:
    return without_unknown(value, MerchantSettingsBody)


def _merchant_user(value: Any) -> Any:
    return without_unknown(value, UserBody)


class MerchantTokenBody(WireModel):
    """A token that a server makes by the merchant API, without an order. Members beside these are ignored."""

    model_config = ConfigDict(extra="ignore")

    user: Annotated[UserBody, BeforeValidator(_merchant_user)]
    settings: Annotated[MerchantSettingsBody, BeforeValidator(_merchant_settings)]
    purchase: ExactSum
    custom_parameters: CustomParameters = None
