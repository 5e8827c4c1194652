"""What clients send to the catalog, and what its answers hold.

The answers are encoded by `pieces.py`; their forms here are the document's. What only some items or requests have is
NotRequired.
"""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from typing_extensions import TypedDict  # Pydantic reads no other on Python 3.11

from haversack.catalog.read_model.pieces import ADDITIONAL_FIELDS
from haversack.catalog.read_model.records import Ask, Shelf, Subject
from haversack.catalog.read_model.rules import PAGE_SIZE_MAX, clamped
from haversack.text import FALLBACK, language_of


def _country(value: str) -> str | None:
    return value.upper() if len(value) == 2 and value.isascii() and value.isalpha() else None


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _flag(value: object) -> object:
    return {"true": "1", "false": "0", "": "0"}.get(value, value) if isinstance(value, str) else value


class ReadQuery(BaseModel):
    """How a part of the catalog is to be shown. Other parameters are ignored."""

    model_config = ConfigDict(extra="ignore")

    locale: Annotated[
        str, Field(description="language of all texts, of two or five letters; texts that lack it are in English")
    ] = FALLBACK
    country: Annotated[
        str | None,
        BeforeValidator(_none_if_empty),
        Field(description="ISO 3166-1 alpha-2; decides prices and what is sold at all"),
    ] = None
    promo_code: Annotated[
        str | None,
        Field(min_length=1, max_length=128, description="shows the unique offers that it opens"),
    ] = None
    show_inactive_time_limited_items: Annotated[
        int, BeforeValidator(_flag), Field(ge=0, le=1, description="1: items before and after their periods too")
    ] = 0
    with_geo: Annotated[
        bool, Field(description="say in X-User-Locale-Code and X-User-Country-Code whom the answer is for")
    ] = False
    additional_fields: Annotated[
        list[str],
        Field(alias="additional_fields[]", description=f"any of {', '.join(ADDITIONAL_FIELDS)}"),
    ] = []
    additional_fields_plain: Annotated[
        list[str], Field(alias="additional_fields", description="the same without brackets")
    ] = []

    def ask(self, subject: Subject, shelf: Shelf = Shelf.SELLABLE, **about: Any) -> Ask:
        """The request in the read model's words."""
        named = {
            name for value in (*self.additional_fields, *self.additional_fields_plain) for name in value.split(",")
        }
        return Ask(
            subject=subject,
            shelf=shelf,
            language=language_of(self.locale) or FALLBACK,
            country=None if self.country is None else _country(self.country),
            fields=frozenset(named.intersection(ADDITIONAL_FIELDS)),
            with_inactive=bool(self.show_inactive_time_limited_items),
            with_geo=self.with_geo,
            promo_code=self.promo_code,
            **about,
        )


class PageQuery(ReadQuery):
    """A page of a list."""

    limit: Annotated[
        int,
        Field(ge=1, description=f"items on a page; more than {PAGE_SIZE_MAX} give {PAGE_SIZE_MAX}"),
        AfterValidator(clamped),
    ] = PAGE_SIZE_MAX
    offset: Annotated[int, Field(ge=0, description="items before the page")] = 0

    def ask_for_page(self, shelf: Shelf, group: str | None = None) -> Ask:
        """The request in the read model's words."""
        return self.ask(Subject.PAGE, shelf, group=group, limit=self.limit, offset=self.offset)


class ClientGroupRef(TypedDict):
    """A group that an item is in."""

    external_id: str
    name: str


class ClientAttributeValue(TypedDict):
    """A value of an attribute."""

    external_id: str
    value: str


class ClientAttribute(TypedDict):
    """An attribute of an item."""

    external_id: str
    name: str
    values: list[ClientAttributeValue]


class ClientPrice(TypedDict):
    """A price in real money, as decimal numbers."""

    amount: str
    amount_without_discount: str
    currency: str


class ClientCalculatedPrice(TypedDict):
    """A price in virtual currency, as decimal numbers."""

    amount: str
    amount_without_discount: str


class ClientVirtualPrice(TypedDict):
    """A price in a virtual currency, in whole units."""

    item_id: int
    sku: str
    name: str
    type: str
    description: str
    image_url: str | None
    amount: int
    amount_without_discount: int
    calculated_price: ClientCalculatedPrice
    is_default: bool


class ClientConsumable(TypedDict):
    """How often an item can be used."""

    usages_count: int | None


class ClientExpiration(TypedDict):
    """How long an item is owned."""

    type: Literal["minute", "hour", "day", "week", "month", "year"]
    value: int


class ClientInventoryOptions(TypedDict):
    """How an item is used up."""

    consumable: ClientConsumable | None
    expiration_period: ClientExpiration | None


class ClientDiscount(TypedDict):
    """What a promotion takes off."""

    percent: str | None
    value: str | None


class ClientBonus(TypedDict):
    """What a promotion adds."""

    sku: str
    quantity: int
    type: str
    name: str
    image_url: str | None
    bundle_type: NotRequired[str]


class ClientPromotionUses(TypedDict):
    """How often a player may have a promotion."""

    total: int
    available: int


class ClientPromotionLimits(TypedDict):
    """Limits of a promotion."""

    per_user: ClientPromotionUses


class ClientPromotion(TypedDict):
    """A promotion that an item takes part in."""

    name: str
    date_start: str | None
    date_end: str | None
    discount: ClientDiscount | None
    bonus: list[ClientBonus]
    limits: ClientPromotionLimits | None


class ClientReset(TypedDict):
    """When a player's limit begins anew: a Unix time in seconds."""

    interval_type: Literal["hourly", "daily", "weekly", "monthly"]
    reset_next_date: int


# Nullable without a level of its own in the document.
NullableReset = Annotated[
    ClientReset | None,
    WithJsonSchema(
        {
            "type": ["object", "null"],
            "description": "when a player's limit begins anew: a Unix time in seconds",
            "properties": {
                "interval_type": {"type": "string", "enum": ["hourly", "daily", "weekly", "monthly"]},
                "reset_next_date": {"type": "integer"},
            },
            "required": ["interval_type", "reset_next_date"],
        }
    ),
]


class ClientUserLimit(TypedDict):
    """How many a player may have, and may still have."""

    total: int
    available: int
    recurrent_schedule: NullableReset
    limit_exceeded_visibility: Literal["show", "hide"]


class ClientItemLimit(TypedDict):
    """How many there are for everybody. What is reserved and sold is told to the studio alone."""

    total: int
    available: int
    reserved: NotRequired[int]
    sold: NotRequired[int]


class ClientScheduleOfUser(TypedDict):
    """The schedule in the studio's form."""

    interval_type: str
    day_of_week: int | None
    day_of_month: int | None
    time: str
    reset_next_date: int
    displayable_reset_start_date: str
    displayable_reset_next_date: str


class ClientSchedules(TypedDict):
    """Schedules in the studio's form."""

    per_user: ClientScheduleOfUser


class ClientLimits(TypedDict):
    """Limits of an item."""

    per_user: ClientUserLimit | None
    per_item: ClientItemLimit | None
    recurrent_schedule: NotRequired[ClientSchedules | None]


class ClientPeriod(TypedDict):
    """A window of sale; null is open."""

    date_from: str | None
    date_until: str | None


class ClientVpReward(TypedDict):
    """Value points that come with an item."""

    item_id: int
    sku: str
    amount: int
    name: str
    image_url: str | None
    is_clan: bool


class ClientMedia(TypedDict):
    """A picture or video."""

    type: Literal["image", "video"]
    url: str


class _Opening(TypedDict):
    item_id: int
    sku: str
    type: str
    name: str
    description: str
    image_url: str | None
    groups: list[ClientGroupRef]
    attributes: list[ClientAttribute]


class _Sale(TypedDict):
    is_free: bool
    price: ClientPrice | None
    virtual_prices: list[ClientVirtualPrice]
    can_be_bought: bool
    promotions: list[ClientPromotion]
    limits: ClientLimits | None
    periods: list[ClientPeriod]
    vp_rewards: list[ClientVpReward]


class _Additional(TypedDict, total=False):
    media_list: list[ClientMedia]
    order: int
    long_description: str
    custom_attributes: dict[str, Any]
    item_order_in_group: int | None


class ClientVirtualItem(_Opening, _Sale, _Additional):
    """A virtual item."""

    inventory_options: ClientInventoryOptions
    virtual_item_type: Literal["consumable", "non_consumable", "non_renewing_subscription"]


class ClientCurrency(_Opening, _Sale, _Additional):
    """A virtual currency."""

    inventory_options: ClientInventoryOptions


class ClientPackageContent(TypedDict):
    """The currency that a package holds."""

    item_id: int
    sku: str
    name: str
    type: str
    description: str
    image_url: str | None
    quantity: int
    limits: ClientLimits | None
    inventory_options: ClientInventoryOptions


class ClientPackage(_Opening, _Sale, _Additional):
    """A package of virtual currency."""

    bundle_type: str
    content: list[ClientPackageContent]


class ClientBundleContent(_Opening):
    """Something that a bundle holds; a bundle in a bundle has content of its own."""

    quantity: int
    is_free: bool
    price: ClientPrice | None
    virtual_prices: list[ClientVirtualPrice]
    limits: ClientLimits | None
    inventory_options: NotRequired[ClientInventoryOptions]
    virtual_item_type: NotRequired[str]
    bundle_type: NotRequired[str]
    drm_sku: NotRequired[str]
    drm_name: NotRequired[str]
    content: NotRequired[list[dict[str, Any]]]


class ClientBundle(_Opening, _Sale, _Additional):
    """A bundle."""

    bundle_type: str
    total_content_price: ClientPrice | None
    content: list[ClientBundleContent]


class _Key(TypedDict):
    drm_name: str
    drm_sku: str
    has_keys: bool
    is_pre_order: bool
    release_date: str | None


class ClientUnitItem(_Sale, _Key):
    """A game's key for one platform."""

    item_id: int
    sku: str
    type: str
    name: str


class ClientGame(_Opening, _Additional):
    """A game with its keys."""

    unit_type: str
    unit_items: list[ClientUnitItem]
    promotions: list[ClientPromotion]
    vp_rewards: list[ClientVpReward]


class ClientKey(_Opening, _Sale, _Key, _Additional):
    """A game key."""


class ClientSellable(_Opening, _Sale, _Additional):
    """Anything that is sold of itself; what its kind alone has stands only where `type` is that kind."""

    bundle_type: NotRequired[Literal["standard", "virtual_currency_package"]]
    total_content_price: NotRequired[ClientPrice | None]
    # A list of objects; the contract's type is a slip, kept in the document as what nobody sends.
    content: NotRequired[list[ClientBundleContent | list[list[dict[str, Any]]]]]
    inventory_options: NotRequired[ClientInventoryOptions]
    virtual_item_type: NotRequired[Literal["consumable", "non_consumable", "non_renewing_subscription"]]
    drm_name: NotRequired[str]
    drm_sku: NotRequired[str]
    has_keys: NotRequired[bool]
    is_pre_order: NotRequired[bool]
    release_date: NotRequired[str | None]


class _Page(TypedDict):
    has_more: bool
    total_items_count: int


class ClientVirtualItems(_Page):
    """A page of virtual items."""

    items: list[ClientVirtualItem]


class ClientCurrencies(_Page):
    """A page of virtual currencies."""

    items: list[ClientCurrency]


class ClientPackages(_Page):
    """A page of packages."""

    items: list[ClientPackage]


class ClientBundles(_Page):
    """A page of bundles."""

    items: list[ClientBundle]


class ClientGames(_Page):
    """A page of games."""

    items: list[ClientGame]


class ClientKeys(_Page):
    """A page of game keys."""

    items: list[ClientKey]


class ClientSellables(_Page):
    """A page of items of all kinds."""

    items: list[ClientSellable]


class ClientShortItem(TypedDict):
    """A virtual item in short form."""

    sku: str
    name: str
    description: str
    # A list; the contract's type is a slip, kept in the document as what nobody sends.
    groups: list[ClientGroupRef] | ClientGroupRef
    promotions: list[ClientPromotion]


class ClientDirectory(TypedDict):
    """All virtual items in short form."""

    items: list[ClientShortItem]


class _Group(TypedDict):
    external_id: str
    name: str
    description: str
    image_url: str | None
    order: int
    level: int
    parent_external_id: str | None


class ClientDeepGroup(_Group):
    """A group two levels down, or deeper."""

    children: "list[ClientDeepGroup]"


class ClientSubgroup(_Group):
    """A group under one at the top."""

    children: list[ClientDeepGroup]


class ClientGroup(_Group):
    """A group at the top of the tree."""

    children: list[ClientSubgroup]


class ClientGroups(TypedDict):
    """The groups of a project as a tree."""

    groups: list[ClientGroup]


class ClientDrm(TypedDict):
    """A platform that game keys open."""

    sku: str
    name: str
    image: str
    link: str | None
    redeem_instruction_link: str
    drm_id: int


class ClientDrms(TypedDict):
    """The platforms that game keys open."""

    drm: list[ClientDrm]
