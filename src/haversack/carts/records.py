"""What a cart is: its lines in the order in which they were put in, and what their owner saw of them last."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from haversack.catalog.read_model.records import PackedUses
from haversack.catalog.records import ItemKind

LINES_MAX = 200
QUANTITY_MAX = 1_000_000
CARTS_MAX = 50
CART_ID_LENGTH_MAX = 128


class CartLine(NamedTuple):
    """So many of an item. `sku` and `kind` are what it was when it was put in: an item may be gone meanwhile.

    shown: the unit price after discounts that the owner saw last, as a decimal number, by currency: `USD`, and
    `USD SUMMER26` for a cart with that code.
    """

    item_id: int
    sku: str
    kind: ItemKind
    quantity: int
    shown: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """A cart; one that nobody has filled yet is empty. `promo_codes`: what its owner has given for it, at most one;
    `chosen_keys`: which key is wanted of each game that a code gives (SKUs)."""

    cart_id: str
    lines: tuple[CartLine, ...] = ()
    promo_codes: tuple[str, ...] = ()
    chosen_keys: Mapping[str, str] = field(default_factory=dict)


class FilledCart(NamedTuple):
    """A cart after a change, and what its owner has used of limits (empty where it was not asked for)."""

    cart: Cart
    uses: PackedUses
    is_new: bool


class WantedCart(NamedTuple):
    """What a cart wants: item ids with quantities, in its order; the codes that were given for it, and the keys that
    were chosen with them."""

    cart_id: str
    lines: tuple[tuple[int, int], ...] = ()
    promo_codes: tuple[str, ...] = ()
    chosen_keys: Mapping[str, str] = MappingProxyType({})


class StoredCart(NamedTuple):
    """A cart as it is stored, and what its owner has used of limits. Equal ones look the same. `version`: changes with
    every change of the cart; NEVER_FILLED of one that nobody has filled."""

    version: int
    cart: Cart
    uses: PackedUses


NEVER_FILLED = 0
