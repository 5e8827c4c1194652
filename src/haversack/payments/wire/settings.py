"""`settings` of every call that makes a payment token: how the page looks and where it leads."""

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from haversack.http.wire import WireModel
from haversack.money import CurrencyCode

INT32_MAX = 2**31 - 1
RETURN_URL_LENGTH_MAX = 1000

Condition = Literal["none", "successful", "successful_or_canceled", "any"]
ManualCondition = Literal["none", "vc", "successful", "successful_or_canceled", "any"]


class StrictModel(WireModel):
    """Refuses members that are not documented. Clients' calls take them out first: `without_unknown`."""

    model_config = ConfigDict(extra="forbid")


def _uri(value: str) -> str:
    if not urlsplit(value).scheme or any(ord(letter) < 33 for letter in value):
        raise ValueError("must be a URI with its scheme, such as https://example.com/back")
    return value


Flag = bool | None
ReturnUrl = Annotated[str, Field(max_length=RETURN_URL_LENGTH_MAX, json_schema_extra={"format": "uri"})]


class HeaderBody(StrictModel):
    """The header on desktops."""

    is_visible: Flag = None
    visible_logo: Flag = None
    visible_name: Flag = None
    visible_purchase: Flag = None
    type: Literal["compact", "normal"] | None = None
    close_button: Flag = None


class DesktopBody(StrictModel):
    """The page on desktops."""

    header: HeaderBody | None = None


class MobileHeaderBody(StrictModel):
    """The header on phones."""

    close_button: Flag = None


class MobileBody(StrictModel):
    """The page on phones."""

    header: MobileHeaderBody | None = None


class BalanceHeaderBody(StrictModel):
    """What the header tells of the player's balance."""

    visible_virtual_currency_balance: Flag = None


class EnableBody(StrictModel):
    """A section of the player's account."""

    enable: bool


class OrderedBody(StrictModel):
    """A section of the player's account, with its place."""

    enable: bool
    order: Annotated[int, Field(ge=1, le=INT32_MAX)]


class UserAccountBody(StrictModel):
    """Sections of the player's account."""

    payment_accounts: EnableBody | None = None
    info: OrderedBody | None = None
    subscriptions: OrderedBody | None = None


class UiBody(StrictModel):
    """How the payment page looks. `theme` is one of two ids, or what older SDKs send in their place."""

    theme: Annotated[str, Field(max_length=255)] | None = None
    desktop: DesktopBody | None = None
    mode: Literal["user_account"] | None = None
    user_account: UserAccountBody | None = None
    header: BalanceHeaderBody | None = None
    mobile: MobileBody | None = None
    is_prevent_external_link_open: Flag = None
    is_payment_methods_list_mode: Flag = None
    is_independent_windows: Flag = None
    currency_format: Annotated[str, Field(max_length=255)] | None = None
    is_show_close_widget_warning: Flag = None
    layout: Literal["embed", "column_reverse", "embed_column_reverse"] | None = None
    is_three_ds_independent_windows: Flag = None
    is_cart_open_by_default: Flag = None


class RedirectPolicyBody(StrictModel):
    """When the player goes back by himself or by a button. Older forms have `return_url` here too."""

    redirect_conditions: Condition | None = None
    delay: Annotated[int, Field(ge=0, le=INT32_MAX)] | None = None
    status_for_manual_redirection: ManualCondition | None = None
    redirect_button_caption: Annotated[str, Field(max_length=255)] | None = None
    autoredirect_from_status_page: bool | None = None
    return_url: Annotated[ReturnUrl, AfterValidator(_uri)] | None = None


class SettingsBody(StrictModel):
    """How the payment page looks and where it leads."""

    ui: UiBody | None = None
    payment_method: Annotated[int, Field(ge=1, le=INT32_MAX)] | None = None
    return_url: Annotated[ReturnUrl, AfterValidator(_uri)] | None = None
    redirect_policy: RedirectPolicyBody | None = None
    external_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None

    def stored(self) -> dict[str, Any]:
        """What is kept of them: the members that were said."""
        return self.model_dump(exclude_none=True)


class TokenSettingsBody(SettingsBody):
    """The same, with the currency and language that servers choose for their players."""

    currency: CurrencyCode | None = None
    language: Annotated[str, Field(max_length=35)] | None = None


class SumSettingsBody(TokenSettingsBody):
    """Settings of a token for a sum. What orders have at the top of their body, SDKs put in here: the language and
    whether no money moves."""

    locale: Annotated[str, Field(max_length=35)] | None = None
    sandbox: bool = False

    def stored(self) -> dict[str, Any]:
        """What is kept of them: the members that were said and that the page reads."""
        return self.model_dump(exclude_none=True, exclude={"sandbox"})


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, be it optional."""
    origin = get_origin(annotation)
    if origin is Annotated or origin is Union or origin is UnionType:
        return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def without_unknown(value: Any, model: type[BaseModel]) -> Any:
    """The value without the members that the model does not know, at any depth: SDKs send many."""
    if not isinstance(value, Mapping):
        return value
    kept = {}
    for name, field in model.model_fields.items():
        if name in value:
            inner = _model_in(field.annotation)
            kept[name] = value[name] if inner is None else without_unknown(value[name], inner)
    return kept


def _without_empty(value: Any) -> Any:
    """The value without empty texts, at any depth: SDKs send fields that the game's developer has left empty."""
    if not isinstance(value, Mapping):
        return value
    return {name: _without_empty(member) for name, member in value.items() if member != ""}


def _said_by_client(value: Any, model: type[BaseModel]) -> Any:
    # An empty list is what PHP and some SDKs make of an empty object.
    return None if value == [] else _without_empty(without_unknown(value, model))


def _client_settings(value: Any) -> Any:
    return _said_by_client(value, SettingsBody)


def _sum_settings(value: Any) -> Any:
    return _said_by_client(value, SumSettingsBody)


ClientSettings = Annotated[SettingsBody | None, BeforeValidator(_client_settings)]
SumSettings = Annotated[SumSettingsBody | None, BeforeValidator(_sum_settings)]


def stored_settings(settings: SettingsBody | None) -> dict[str, Any]:
    """What is kept of settings that may be absent."""
    return {} if settings is None else settings.stored()
