"""What the upsell of a project is: how its items are chosen, and which they are where a studio names them."""

from dataclasses import dataclass
from enum import StrEnum


class UpsellType(StrEnum):
    """How the items are chosen."""

    FIXED_LIST = "fixed_list"  # the studio names them, in order
    MOST_SELLABLE = "most_sellable"  # what was paid for most often of late
    ONLY_PROMOTIONS = "only_promotions"  # what is in a promotion of items now


@dataclass(frozen=True, slots=True)
class Upsell:
    """A project's upsell. `item_ids` are those of a fixed list, in its order; the other types need none."""

    type: UpsellType
    is_enabled: bool
    item_ids: tuple[int, ...]
