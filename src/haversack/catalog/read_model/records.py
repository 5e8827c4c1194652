"""What the read model is made of: items as it holds them, what a client asks for, what a player has used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple, NewType

from haversack.catalog.records import SELLABLE_KINDS, ContentEntry, ItemKind, ItemLimits, PreOrder
from haversack.limits.records import Uses

ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


class Offer(NamedTuple):
    """Where an enabled price in real money applies; its amount stays in the item's document. "": in no country."""

    country: str
    currency: str
    is_default: bool


class Window(NamedTuple):
    """A period of sale, from `start` up to but without `end`; None is open."""

    start: datetime | None
    end: datetime | None


class PointReward(NamedTuple):
    """How many of a value point, an item by its id, come with a purchase."""

    value_point_id: int
    amount: int


# The enabled prices of an item; many items share one such tuple.
PriceShape = tuple[Offer, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Entry:
    """An item as the read model holds it: what decides who sees it, and its texts and prices as one JSON document
    that is read only when a wire form is made of it.

    `rank` orders items; `row_mark` changes with each change of the item's row.
    """

    item_id: int
    sku: str
    kind: ItemKind
    parent_id: int | None
    rank: tuple[int, int, int]
    is_free: bool
    is_enabled: bool
    is_shown: bool
    region_ids: tuple[int, ...]
    windows: tuple[Window, ...]
    limits: ItemLimits | None
    pre_order: PreOrder | None
    shape: PriceShape
    currencies: tuple[str, ...]
    content: tuple[ContentEntry, ...]
    document: bytes
    row_mark: int


class Shelf(StrEnum):
    """The lists that clients read. `DIRECTORY` is the list of all virtual items in short form."""

    VIRTUAL_ITEMS = "virtual_items"
    DIRECTORY = "directory"
    CURRENCIES = "currencies"
    PACKAGES = "packages"
    BUNDLES = "bundles"
    GAMES = "games"
    KEYS = "keys"
    SELLABLE = "sellable"

    @property
    def kinds(self) -> tuple[ItemKind, ...]:
        """The kinds that stand on the shelf."""
        return _KINDS[self]


_KINDS = {
    Shelf.VIRTUAL_ITEMS: (ItemKind.VIRTUAL_GOOD,),
    Shelf.DIRECTORY: (ItemKind.VIRTUAL_GOOD,),
    Shelf.CURRENCIES: (ItemKind.VIRTUAL_CURRENCY,),
    Shelf.PACKAGES: (ItemKind.VIRTUAL_CURRENCY_PACKAGE,),
    Shelf.BUNDLES: (ItemKind.BUNDLE,),
    Shelf.GAMES: (ItemKind.GAME,),
    Shelf.KEYS: (ItemKind.GAME_KEY,),
    Shelf.SELLABLE: SELLABLE_KINDS,
}


class Subject(StrEnum):
    """What an answer is about."""

    PAGE = "page"
    ITEM_BY_SKU = "item by SKU"
    ITEM_BY_ID = "item by id"
    GROUPS = "groups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A checked request for a part of the catalog: what is asked, and how it is to be shown.

    group: external id; skus: of a list, empty for all; sku, item_id: of single reads. country is the query's. `limit`
    None: all. The promo code opens unique offers to signed-in players: what everybody gets does not depend on it.
    """

    subject: Subject
    shelf: Shelf = Shelf.SELLABLE
    group: str | None = None
    skus: frozenset[str] = frozenset()
    sku: str | None = None
    item_id: int | None = None
    language: str = "en"
    country: str | None = None
    limit: int | None = None
    offset: int = 0
    fields: frozenset[str] = frozenset()
    with_inactive: bool = False
    with_geo: bool = False
    promo_code: str | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What the answer depends on, beside project, country and time."""
        return (
            self.subject,
            self.shelf,
            self.group,
            self.skus,
            self.sku,
            self.item_id,
            self.language,
            self.limit,
            self.offset,
            self.fields,
            self.with_inactive,
        )


@dataclass(frozen=True, slots=True)
class Stocks:
    """What is left for everybody, apart from the items because it changes with every purchase.

    units: item id -> (total, available) of items that are limited for all. codes: item id -> regions whose pool has a
    free code, None for the codes of no region. pre_orders: item id -> how many may still be ordered before release.
    """

    units: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    codes: Mapping[int, frozenset[int | None]] = field(default_factory=dict)
    pre_orders: Mapping[int, int] = field(default_factory=dict)
    # Another number for each state that differs from the one before.
    stamp: int = field(default=0, compare=False)


class PlayerUses(NamedTuple):
    """What a player has used of an item's limit, and when the studio last reset the item for everybody."""

    uses: Uses
    reset_at: datetime | None


# All that is known of a player, as one text from the database: equal texts say the same, and most are never taken
# apart.
PackedUses = NewType("PackedUses", str)


class Standing(NamedTuple):
    """What is known of a player: uses of items and of promotions by their ids, and attributes by name."""

    items: Mapping[int, PlayerUses]
    promotions: Mapping[int, PlayerUses]
    attributes: Mapping[str, str]


# The state of a promotion that is not for a player, although it may be for others.
NOT_FOR_PLAYER = -1


@dataclass(frozen=True, slots=True)
class Personal:
    """What the catalog is to a player, or to everybody who is not signed in, from `since` up to `until`.

    left: item id -> how many more; hidden: items that this player does not see; withheld: those of them that are not
    offered to this player at all, by rules and unique offers; touched: every item whose wire form differs from the
    anonymous one. promotions: id -> how often it may still be used (None: without a limit) or
    NOT_FOR_PLAYER, of those alone that are not as they are to somebody who is not signed in. attributes None: nobody
    is signed in.
    """

    left: Mapping[int, int] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()
    touched: frozenset[int] = frozenset()
    since: datetime = ALWAYS[0]
    until: datetime = ALWAYS[1]
    withheld: frozenset[int] = frozenset()
    promotions: Mapping[int, int | None] = field(default_factory=dict)
    promotion_uses: Mapping[int, Uses] = field(default_factory=dict)
    promotion_resets: Mapping[int, datetime] = field(default_factory=dict)
    attributes: Mapping[str, str] | None = None
    # The player's share in items, by id, made when it is first asked for.
    shares: dict[int, tuple[object, ...]] = field(default_factory=dict, init=False, compare=False)


NOBODY = Personal()
