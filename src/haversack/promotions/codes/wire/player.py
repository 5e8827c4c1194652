"""What players send to redeem codes, and what they read of what codes give. Unknown members of a body are ignored."""

from typing import Annotated, Literal, NotRequired

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict  # Pydantic reads no other on Python 3.11

from haversack.carts.wire import CartAnswer
from haversack.catalog.read_model.wire.parts import (
    ClientAttribute,
    ClientGroupRef,
    ClientInventoryOptions,
    ClientPrice,
    ClientVirtualPrice,
)
from haversack.http.wire import WireModel, few_members
from haversack.promotions.codes.rules import CODE_LENGTH_MAX

CHOICES_MAX = 1_000

# Whatever can be no code is one that nobody has: it is not told apart.
GivenCode = Annotated[str, Field(min_length=1, max_length=CODE_LENGTH_MAX)]
ChosenKeys = Annotated[
    dict[str, str],
    few_members(CHOICES_MAX),
    Field(max_length=CHOICES_MAX, description="the key that is wanted of each game that is given, by their SKUs"),
]


class RedeemCouponBody(WireModel):
    """A coupon's code."""

    model_config = ConfigDict(extra="ignore")

    coupon_code: GivenCode
    selected_unit_items: ChosenKeys | None = None


class CartRefBody(WireModel):
    """Which cart is meant; `current` is the current one."""

    model_config = ConfigDict(extra="ignore")

    id: str


class RedeemPromoCodeBody(WireModel):
    """A promo code, and the cart that it is for; without one it is the current cart."""

    model_config = ConfigDict(extra="ignore")

    coupon_code: GivenCode
    cart: CartRefBody | None = None
    selected_unit_items: ChosenKeys | None = None

    @property
    def cart_id(self) -> str | None:
        """The cart's id; None for the current one."""
        return None if self.cart is None else self.cart.id


class RemovePromoCodeBody(WireModel):
    """Which cart the code is taken off. Some clients name the cart by `id` alone."""

    model_config = ConfigDict(extra="ignore")

    cart: CartRefBody | None = None
    id: str | None = None

    @property
    def cart_id(self) -> str | None:
        """The cart's id; None for the current one."""
        return self.id if self.cart is None else self.cart.id


class RedeemedItem(TypedDict):
    """What a coupon has given. It costs nothing, so that it has no price."""

    sku: str
    type: str
    name: str
    description: str
    image_url: str | None
    groups: list[ClientGroupRef]
    attributes: list[ClientAttribute]
    bundle_type: NotRequired[str]
    virtual_item_type: NotRequired[Literal["consumable", "non_consumable", "non_renewing_subscription"]]
    inventory_options: ClientInventoryOptions
    quantity: int
    is_free: bool
    price: ClientPrice | None
    virtual_prices: list[ClientVirtualPrice]


class RedeemedAnswer(TypedDict):
    """All that a coupon has given."""

    items: list[RedeemedItem]


class RewardKey(TypedDict):
    """A key of a game, one of which is given."""

    sku: str
    type: str
    is_free: bool
    name: str
    drm_name: str
    drm_sku: str


class RewardContent(TypedDict):
    """What a bundle that is given holds."""

    sku: str
    name: str
    type: str
    description: str
    image_url: str | None
    quantity: int


class RewardItem(TypedDict):
    """An item that a code gives or makes cheaper. `unit_items`: of a game, its keys."""

    sku: str
    name: str
    type: str
    description: str
    image_url: str | None
    inventory_options: NotRequired[ClientInventoryOptions]
    bundle_type: NotRequired[str]
    content: NotRequired[list[RewardContent]]
    unit_items: NotRequired[list[RewardKey]]


class RewardBonus(TypedDict):
    """An item that a code gives, with how many."""

    item: RewardItem
    quantity: int


class RewardDiscount(TypedDict):
    """Percents off."""

    percent: str


class DiscountedItem(RewardItem):
    """An item with the percents off it."""

    discount: RewardDiscount


class BonusRewards(TypedDict):
    """What a coupon gives. `is_selectable`: the player has to choose a key of a game."""

    bonus: list[RewardBonus]
    is_selectable: bool


class CouponRewards(BonusRewards):
    """What a coupon gives; its discount is always null."""

    discount: RewardDiscount | None


class PromoCodeRewards(CouponRewards):
    """What a promo code gives, and what it makes cheaper: the whole cart, or some items."""

    discounted_items: list[DiscountedItem] | None


class PromoCodeCart(CartAnswer):
    """A cart with its code, and what the code gives."""

    rewards: PromoCodeRewards


class VerifiedAnswer(TypedDict):
    """What kind of code it is, and what it gives."""

    type: Literal["coupon", "promo_code", "unique_catalog_offer"]
    code: str
    rewards: PromoCodeRewards | BonusRewards
