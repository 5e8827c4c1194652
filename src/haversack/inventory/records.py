"""What is given to players, and what they own of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from haversack.catalog.records import Expiration, PreOrder, VirtualItemType


@dataclass(frozen=True, slots=True)
class CurrencyGrant:
    """An amount of a virtual currency, in whole units."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ItemGrant:
    """A virtual item. `usages_count`: how often each piece can be used, None where it stacks; `expiration` is that of
    time-limited items, once for each of the quantity."""

    item_id: int
    sku: str
    quantity: int
    virtual_item_type: VirtualItemType
    usages_count: int | None = None
    expiration: Expiration | None = None


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """Codes of a game's key, of a pool that the country may have (is_anywhere: of any), and the right to the game.
    Before the game is out there is the right alone."""

    item_id: int
    sku: str
    quantity: int
    country: str | None
    pre_order: PreOrder | None = None
    is_anywhere: bool = False


Granted: TypeAlias = CurrencyGrant | ItemGrant | KeyGrant


@dataclass(frozen=True, slots=True)
class Owned:
    """How many a player has of what stacks, and until when where it is limited in time."""

    quantity: int = 0
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """One of the pieces of an item that is used up in several uses."""

    instance_id: UUID
    remaining_uses: int
