"""The compiled catalog of a project: immutable, ordered, indexed. What readers derive is made when first asked."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from haversack.catalog.read_model import rules
from haversack.catalog.read_model.queries import Members
from haversack.catalog.read_model.records import (
    NOBODY,
    Entry,
    PackedUses,
    Personal,
    PointReward,
    PriceShape,
    Shelf,
    Stocks,
)
from haversack.catalog.records import Attribute, Group, ItemKind, Region, Schedule
from haversack.limits.records import FOR_EVER
from haversack.limits.records import Window as LimitWindow
from haversack.limits.schedule import window_of
from haversack.personalization.records import FilterRule
from haversack.promotions.compiled import NO_PROMOTIONS, Promotions

ALL_GROUPS = "all"
ONLY_WINDOW = LimitWindow(FOR_EVER, None)
# Lists for other countries, times and groups are made anew when they are asked for again.
VIEWS_KEPT_MAX = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class ShelfView:
    """What stands on a shelf for a country at a time, in order, before what depends on who asks."""

    entries: tuple[Entry, ...]
    # Places of the items that are not for every player as they are for everybody.
    places: Mapping[int, int]

    def only(self, skus: Collection[str]) -> "ShelfView":
        """What of it has one of these SKUs, in the same order."""
        entries = tuple(entry for entry in self.entries if entry.sku in skus)
        places = {entry.item_id: place for place, entry in enumerate(entries) if entry.item_id in self.places}
        return ShelfView(entries, places)


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Groups (in order), attributes and regions of a project."""

    groups: Sequence[Group]
    attributes: Sequence[Attribute]
    regions: Sequence[Region]


@dataclass(slots=True, weakref_slot=True, eq=False, kw_only=True)
class Catalog:
    """One version of a project's catalog. Nothing in it changes once it is compiled but what it remembers of its own
    derivations.

    entries: every item by id; ordered: all of them in order; listed: those that are for sale of themselves. limited:
    items with a limit for each player. value_points: item -> what comes with a purchase of it. containers: item -> what
    holds it. holders: what shows something of such limits -> itself and what holds it. stamps: numbers that change with
    anything a wire form of the item is made of.
    is_partner_side: the game says what each player sees. kept_back: items that only the code of a unique offer reveals.
    for_everybody: the catalog to who is not signed in.
    own_ids: items that are not for every player as they are for everybody. edges: when the catalog changes of itself;
    item_edges: those of them that items bring.
    """

    project_id: int
    version: int
    entries: Mapping[int, Entry]
    taxonomy: Taxonomy
    members: Mapping[int, Members]
    by_sku: Mapping[str, Entry]
    ordered: Sequence[Entry]
    listed: Sequence[Entry]
    groups_of: Mapping[int, tuple[int, ...]]
    keys_of: Mapping[int, tuple[Entry, ...]]
    containers: Mapping[int, frozenset[int]]
    countries_of: Mapping[int, frozenset[str]]
    limited: frozenset[int]
    value_points: Mapping[int, tuple[PointReward, ...]]
    holders: Mapping[int, frozenset[int]]
    stamps: Mapping[int, int]
    edges: Sequence[datetime]
    shapes: Sequence[PriceShape]
    countries: frozenset[str]
    has_stocks: bool
    groups: Mapping[int, Group]
    attributes: Mapping[int, Attribute]
    # Group id -> its children, for the groups that clients see.
    forest: Mapping[int | None, Sequence[int]]
    _groups_by_name: Mapping[str, Group]
    promotions: Promotions = NO_PROMOTIONS
    filter_rules: Sequence[FilterRule] = ()
    is_partner_side: bool = False
    kept_back: frozenset[int] = frozenset()
    for_everybody: Personal = NOBODY
    own_ids: Collection[int] = ()
    item_edges: Sequence[datetime] = ()
    # Of promotions that are not for every player the same: the items whose wire forms they change.
    _touched: Mapping[int, frozenset[int]] = field(default_factory=dict)
    _views: dict[Any, ShelfView] = field(default_factory=dict)
    _currencies: dict[str, str | None] = field(default_factory=dict)
    texts: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    # What limits say around what is left, by the identity of the limits, for the window they were last made in.
    limit_texts: dict[int, tuple[LimitWindow, tuple[bytes, bytes]]] = field(default_factory=dict)
    # What promotions make of items, by item, reader, time and the player's share in them.
    promoted: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    # What the catalog is to players, for the time they were last asked for in.
    personals: dict[PackedUses, Personal] = field(default_factory=dict)
    _windows: dict[int, LimitWindow] = field(default_factory=dict)

    @property
    def depends_on_player(self) -> bool:
        """Whether players see it otherwise than by their limits: by promotions, rules or offers."""
        return bool(self.promotions.depends_on_player or self.filter_rules or self.kept_back)

    def touched_by(self, promotion_id: int) -> frozenset[int]:
        """The items whose wire forms a promotion changes that is not for every player the same."""
        return self._touched.get(promotion_id, frozenset())

    def with_keys(self, item_ids: Iterable[int]) -> frozenset[int]:
        """Items, with the keys of those that are games."""
        found = frozenset(item_ids)
        return found.union(key.item_id for item_id in found for key in self.keys_of.get(item_id, ()))

    def bonus_entry(self, item_id: int, chosen_keys: Mapping[str, str] | None = None) -> Entry | None:
        """The item that is given where promotions give one: of a game the key that was chosen (SKUs), else its first.
        None where it is gone."""
        entry = self.entries.get(item_id)
        if entry is not None and entry.kind is ItemKind.GAME:
            keys = [key for key in self.keys_of.get(item_id, ()) if key.is_enabled]
            chosen = (chosen_keys or {}).get(entry.sku)
            entry = next((key for key in keys if key.sku == chosen), keys[0] if keys else None)
        return entry if entry is not None and entry.is_enabled else None

    def country_key(self, country: str | None) -> str:
        """The country where it matters to this catalog, "" where it does not."""
        return country if country is not None and country in self.countries else ""

    def currency_of(self, country: str) -> str | None:
        """The one currency that a country sees all prices in, where its prices would be in several."""
        if country not in self._currencies:
            self._currencies[country] = rules.common_currency(self.shapes, country=country)
        return self._currencies[country]

    def window_of(self, schedule: Schedule | None, now: datetime) -> LimitWindow:
        """The window of a player's limit at a time; items share their schedules."""
        if schedule is None:
            return ONLY_WINDOW
        # Schedules live as long as the catalog, so that their identity is a key.
        found = self._windows.get(id(schedule))
        if found is None or found.next is None or not found.start <= now < found.next:
            found = self._windows[id(schedule)] = window_of(schedule, now)
        return found

    def knows_group(self, external_id: str) -> bool:
        """Whether a group may be asked for; `all` stands for every item unless a group has that name."""
        return external_id in self._groups_by_name or external_id == ALL_GROUPS

    def is_visible(self, entry: Entry, *, country: str, now: datetime, with_inactive: bool, stocks: Stocks) -> bool:
        """Whether an item is shown to a country at a time, as far as it does not depend on who asks."""
        if not rules.is_sold_in(self.countries_of.get(entry.item_id), country):
            return False
        if not with_inactive and not rules.is_inside(entry.windows, now):
            return False
        units = stocks.units.get(entry.item_id)
        return units is None or units[1] > 0

    def view(
        self, shelf: Shelf, group: str | None, *, country: str, now: datetime, with_inactive: bool, stocks: Stocks
    ) -> ShelfView:
        """What stands on a shelf, or in a group's part of it."""
        since = rules.interval_at(self.edges, now)[0]
        key = (shelf, group, country, since, with_inactive, stocks.stamp)
        found = self._views.get(key)
        if found is None:
            entries = tuple(
                entry
                for entry in self._on_shelf(shelf, group)
                if self.is_visible(entry, country=country, now=now, with_inactive=with_inactive, stocks=stocks)
            )
            places = {entry.item_id: place for place, entry in enumerate(entries) if entry.item_id in self.own_ids}
            found = ShelfView(entries, places)
            if len(self._views) >= VIEWS_KEPT_MAX:
                self._views.clear()
            self._views[key] = found
        return found

    def _on_shelf(self, shelf: Shelf, group: str | None) -> Iterator[Entry]:
        kinds = frozenset(shelf.kinds)
        found = None if group is None else self._groups_by_name.get(group)
        listed = self.listed if found is None else self.in_group(found.group_id)
        return (entry for entry in listed if entry.kind in kinds)

    def in_group(self, group_id: int) -> list[Entry]:
        """The listed items of a group: those with a place by hand first, then by their own order."""
        found = self.members.get(group_id)
        if found is None:
            return []
        placed = [
            ((position is None, position or 0), self.entries[item_id])
            for item_id, position in zip(found.items, found.positions, strict=True)
            if item_id in self.entries and is_listed(self.entries[item_id], self.entries)
        ]
        placed.sort(key=lambda each: (each[0], each[1].rank))
        return [entry for _, entry in placed]

    def position_in(self, group: str | None, item_id: int) -> int | None:
        """The place that was set by hand for an item in a group."""
        found = None if group is None else self._groups_by_name.get(group)
        members = None if found is None else self.members.get(found.group_id)
        if members is None or item_id not in members.items:
            return None
        return members.positions[members.items.index(item_id)]


by_rank = attrgetter("rank")


def is_listed(entry: Entry, entries: Mapping[int, Entry]) -> bool:
    """Whether an item is for sale of itself. Keys are not where their game is not."""
    if not (entry.is_enabled and entry.is_shown):
        return False
    if entry.kind is not ItemKind.GAME_KEY:
        return True
    game = entries.get(entry.parent_id or 0)
    return game is not None and game.is_enabled and game.is_shown
