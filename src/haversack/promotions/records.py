"""What a promotion is: two vocabularies, conditions and rewards, with periods, limits and exclusions around them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias

from haversack.catalog.records import Period, Schedule
from haversack.limits.records import Uses
from haversack.personalization.records import AttributeCondition, Attributes


class PromotionKind(StrEnum):
    """The kinds of the wire, by the word that the common list has for them in `type`."""

    DISCOUNT = "item_discount"
    BONUS = "item_bonus"
    COUPON = "coupon_bonus"
    PROMO_CODE = "promo_code"
    UNIQUE_OFFER = "unique_catalog_offer"

    @property
    def has_codes(self) -> bool:
        """Whether it is opened by codes."""
        return self in (PromotionKind.COUPON, PromotionKind.PROMO_CODE, PromotionKind.UNIQUE_OFFER)


@dataclass(frozen=True, slots=True)
class Comparison:
    """An amount compared with a price: `ge gt le lt eq ne`."""

    operator: str
    value: Decimal


# -- Conditions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HasItems:
    """All these items are in the purchase (ids)."""

    item_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ItemPrice:
    """The unit price of an item, before discounts, fits every comparison: it chooses items."""

    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class CartPrice:
    """The sum of the cart, before discounts, fits every comparison."""

    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class UserAttributes:
    """The player's attributes meet every condition."""

    conditions: tuple[AttributeCondition, ...]


@dataclass(frozen=True, slots=True)
class HasCode:
    """One of the promotion's codes was given."""


Condition: TypeAlias = HasItems | ItemPrice | CartPrice | UserAttributes | HasCode

# -- Rewards --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ItemPercent:
    """Percents off these items; None: off every item that the promotion's ItemPrice chooses. `items`: the same as a
    set."""

    percent: Decimal
    item_ids: tuple[int, ...] | None
    items: frozenset[int] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", None if self.item_ids is None else frozenset(self.item_ids))


@dataclass(frozen=True, slots=True)
class CartPercent:
    """Percents off everything in the cart."""

    percent: Decimal


@dataclass(frozen=True, slots=True)
class BonusItems:
    """Items that are given on top: (item id, quantity)."""

    items: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class RevealedItems:
    """Items that stay out of the catalog until the code is given."""

    item_ids: tuple[int, ...]


Reward: TypeAlias = ItemPercent | CartPercent | BonusItems | RevealedItems


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionLimits:
    """How often it may be used; None is without a limit. `schedule` resets the uses of each player."""

    per_user: int | None = None
    schedule: Schedule | None = None
    total: int | None = None
    per_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A promotion of any kind. Names are kept under five-letter codes, as the wire has them for promotions alone."""

    project_id: int
    promotion_id: int
    kind: PromotionKind
    external_id: str | None
    name: Mapping[str, str]
    is_enabled: bool
    periods: tuple[Period, ...] = ()
    conditions: tuple[Condition, ...] = ()
    rewards: tuple[Reward, ...] = ()
    limits: PromotionLimits = field(default_factory=PromotionLimits)
    excluded_promotion_ids: tuple[int, ...] = ()
    created_at: datetime
    updated_at: datetime


# -- Applying -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Who buys, when, with which codes, and what was used before.

    attributes None: nobody is signed in, so that limits show their most and personal promotions do not apply.
    code_promotion_ids: the promotions whose codes were given. uses: promotion id -> uses of this player; totals:
    promotion id -> uses by all. resets: promotion id -> when uses were last reset by hand for everybody.
    """

    now: datetime
    attributes: Attributes | None
    code_promotion_ids: frozenset[int] = frozenset()
    uses: Mapping[int, Uses] = field(default_factory=dict)
    totals: Mapping[int, int] = field(default_factory=dict)
    resets: Mapping[int, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Codes:
    """What is known of codes that were given: which promotions they open, by which code, and the uses by all of those.

    A code that has been used as often as it may be opens nothing.
    """

    opened: Mapping[int, str] = field(default_factory=dict)
    totals: Mapping[int, int] = field(default_factory=dict)

    @property
    def promotion_ids(self) -> frozenset[int]:
        """The promotions that are opened."""
        return frozenset(self.opened)


NO_CODES = Codes()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a promotion applied, and why or why not in words."""

    promotion_id: int
    name: str
    is_kept: bool
    why: str


@dataclass(frozen=True, slots=True)
class Bonus:
    """What a promotion puts into the purchase."""

    promotion_id: int
    item_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class TakenUse:
    """A use that was counted, as an order keeps it: for the player in a window, for a code, for everybody."""

    promotion_id: int
    window_start: datetime
    code: str | None
    is_in_total: bool

    def form(self) -> dict[str, Any]:
        """The use as JSON."""
        return {
            "promotion_id": self.promotion_id,
            "window_start": self.window_start.isoformat(),
            "code": self.code,
            "is_in_total": self.is_in_total,
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "TakenUse":
        """The use that `form` made."""
        window = datetime.fromisoformat(stored["window_start"])
        return cls(stored["promotion_id"], window, stored["code"], stored["is_in_total"])
