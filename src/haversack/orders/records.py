"""What an order is: its states, its lines, what it holds until it ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from haversack.catalog.read_model.records import PointReward
from haversack.catalog.records import Expiration, ItemKind, PreOrder, VirtualItemType
from haversack.projects.records import OrderDestination
from haversack.promotions.records import PromotionKind, TakenUse
from haversack.text import Translations


class OrderState(StrEnum):
    """Where an order stands; `orders.rules.ORDER_MOVES` says what may follow."""

    NEW = "new"
    PAID = "paid"
    DONE = "done"
    CANCELED = "canceled"
    EXPIRED = "expired"


class CurrencyType(StrEnum):
    """What an order is paid in."""

    REAL = "real"
    VIRTUAL = "virtual"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """What a line holds from the order's creation until it is paid, canceled or expires.

    uses: of the player's limit, in the window that began at `uses_window`. codes: (key's item id, code id) of the codes
    that are kept for it.
    """

    stock: int = 0
    uses: int = 0
    uses_window: datetime | None = None
    pre_orders: int = 0
    codes: tuple[tuple[int, int], ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is held."""
        return not (self.stock or self.uses or self.pre_orders or self.codes)


NOTHING_RESERVED = Reserved()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDiscount:
    """Percents that a promotion took off a line, with others or off everything in the cart."""

    promotion_id: int
    percent: Decimal
    is_of_cart: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPromotion:
    """A promotion that applies to an order, as it was when the order was made, and the use of it that the order holds
    or has made. code: what opened it."""

    promotion_id: int
    kind: PromotionKind
    name: str
    external_id: str | None = None
    code: str | None = None
    use: TakenUse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStep:
    """The step of an offer chain that an order is of, in the window in which its player was then."""

    chain_id: int
    step_id: int
    window_start: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """A line with its frozen price. `parent_line_no`: the line of the bundle that contains it; amounts are for the
    whole quantity, None for free lines and contents of bundles.

    virtual_item_type, usages_count, expiration (of virtual goods) and pre_order are as they were when the order was
    made: what is given is what was bought. value_points come with each piece of it that was paid in real money.
    codes_owed: keys of a pre-order whose codes are handed out at its release.
    """

    line_no: int
    parent_line_no: int | None = None
    item_id: int
    sku: str
    kind: ItemKind
    quantity: int
    amount: Decimal | None
    amount_without_discount: Decimal | None
    is_free: bool
    is_bonus: bool = False
    name: Translations
    description: Translations | None
    image_url: str | None
    custom_attributes: Mapping[str, Any] | None = None
    is_pre_order: bool = False
    promotion_ids: tuple[int, ...] = ()
    discounts: tuple[LineDiscount, ...] = ()
    reserved: Reserved = NOTHING_RESERVED
    region_id: int | None = None
    virtual_item_type: VirtualItemType | None = None
    usages_count: int | None = None
    expiration: Expiration | None = None
    pre_order: PreOrder | None = None
    value_points: tuple[PointReward, ...] = ()
    codes_owed: int = 0


@dataclass(frozen=True, slots=True)
class OrderCode:
    """A code that an order gave; `code` is the plain text, for its buyer alone."""

    sku: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order. `currency` is ISO 4217 or the SKU of a virtual currency, None for a free order."""

    project_id: int
    order_id: int
    player_id: UUID
    external_id: str
    is_guest: bool
    state: OrderState
    is_sandbox: bool
    currency_type: CurrencyType
    currency: str | None
    amount: Decimal | None
    amount_without_discount: Decimal | None
    country: str | None
    email: str | None
    locale: str
    platform: str | None
    destination: OrderDestination
    cart_id: str | None
    custom_parameters: Mapping[str, Any] | None
    payment_id: int | None
    comment: str | None
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    ended_at: datetime | None
    delivery_id: int | None
    lines: tuple[OrderLine, ...]
    promotions: tuple[OrderPromotion, ...] = ()
    # Personalization, limits, periods and promotions mean nothing to it then.
    chain_step: ChainStep | None = None

    @property
    def is_free(self) -> bool:
        """Whether nothing was paid for it."""
        return self.currency_type is CurrencyType.FREE
