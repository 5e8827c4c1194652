"""The items of the client catalog, each kind in its own form."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict  # Pydantic reads no other on Python 3.11

from haversack.catalog.read_model.wire.parts import (
    ClientAttribute,
    ClientGroupRef,
    ClientInventoryOptions,
    ClientLimits,
    ClientMedia,
    ClientPeriod,
    ClientPrice,
    ClientPromotion,
    ClientVirtualPrice,
    ClientVpReward,
)


class _Opening(TypedDict):
    item_id: int
    sku: str
    type: str
    name: str
    description: str
    image_url: str
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
    image_url: str
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
    content: NotRequired[list[ClientBundleContent | ClientPackageContent | list[list[dict[str, Any]]]]]
    inventory_options: NotRequired[ClientInventoryOptions]
    virtual_item_type: NotRequired[Literal["consumable", "non_consumable", "non_renewing_subscription"]]
    drm_name: NotRequired[str]
    drm_sku: NotRequired[str]
    has_keys: NotRequired[bool]
    is_pre_order: NotRequired[bool]
    release_date: NotRequired[str | None]
