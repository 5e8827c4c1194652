"""What pricing takes and gives: lines with their prices, and the priced cart with the reasons of each amount."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Step(StrEnum):
    """A rule that made an amount what it is."""

    LIST_PRICE = "list price"
    FREE = "free"
    NO_PRICE = "no price"
    ITEM_DISCOUNT = "item discount"
    CART_DISCOUNT = "cart discount"
    ROUNDING = "rounding"


class Reason(NamedTuple):
    """One step of a line's price: what rule, what it says, and the amount for the whole line after it."""

    step: Step
    text: str
    amount: Decimal | None


class Line(NamedTuple):
    """Something that is to be priced. `unit_amount` None: it has no price in the cart's currency.

    is_bonus: a promotion put it in; it costs nothing, and given_by has the promotions. game_id: the game of a key;
    promotions name either.
    """

    item_id: int
    sku: str
    quantity: int
    unit_amount: Decimal | None
    is_free: bool = False
    is_bonus: bool = False
    given_by: tuple[int, ...] = ()
    game_id: int | None = None

    @property
    def costs_nothing(self) -> bool:
        """Whether it is given away, so that it needs no price."""
        return self.is_free or self.is_bonus


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """Percents (0 to 100) off: of the items named, or (None) of everything in the cart. Applied in the order given."""

    promotion_id: int
    name: str
    percent: Decimal
    item_ids: frozenset[int] | None

    # What is left of an amount.
    factor: Decimal = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        assert 0 <= self.percent <= 100, f"a discount of {self.percent} %"
        object.__setattr__(self, "factor", (100 - self.percent).scaleb(-2).normalize())


class PricedLine(NamedTuple):
    """A line with what it costs as a whole, before and after discounts; None where it has no price.

    unit_amount: what one of it costs after discounts, to the last digit. currency: the cart's, also where the line has
    no price in it. `pricing.rules.reasons_of` says why it is so.
    """

    line: Line
    currency: str | None
    amount: Decimal | None
    amount_without_discount: Decimal | None
    unit_amount: Decimal | None = None
    discounts: tuple[Discount, ...] = ()
    is_virtual: bool = False

    @property
    def promotion_ids(self) -> tuple[int, ...]:
        """The promotions that took something off, or of a bonus those that give it."""
        return self.line.given_by or tuple(discount.promotion_id for discount in self.discounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedCart:
    """Lines and their sums. `currency` None and sums None: there is nothing that has a price.

    currency: ISO 4217, or the SKU of a virtual currency.
    """

    lines: tuple[PricedLine, ...]
    currency: str | None
    amount: Decimal | None
    amount_without_discount: Decimal | None

    @property
    def is_free(self) -> bool:
        """Whether it holds something and all of it is free, be it by a discount of 100 %."""
        return (
            bool(self.lines)
            and not self.amount
            and all(line.amount is not None or line.line.costs_nothing for line in self.lines)
        )
