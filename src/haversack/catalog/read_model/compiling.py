"""Compiles catalogs: whole from the database, or from the version before and what has changed since.

Everything here gives way to waiting requests every few milliseconds.
"""

import asyncio
from bisect import insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count

import asyncpg

from haversack.catalog.read_model import queries, rules
from haversack.catalog.read_model.compiled import Catalog, Taxonomy, by_rank, is_listed
from haversack.catalog.read_model.queries import EntryReader, Members
from haversack.catalog.read_model.records import Entry, Personal, PointReward
from haversack.catalog.records import ItemKind
from haversack.catalog.taxonomy.queries import list_attributes, list_groups, list_regions
from haversack.catalog.versions import find_version
from haversack.database.engine import Session
from haversack.personalization.queries import is_partner_side, list_enabled_rules
from haversack.personalization.records import FilterRule
from haversack.personalization.rules import hidden_items
from haversack.promotions.compiled import NO_PROMOTIONS, Promotions, compile_promotions
from haversack.promotions.queries import list_promotions

# Items between two chances for others to run: about two milliseconds of work.
SLICE = 100
ROWS_AT_ONCE = 500
LINKS_SLICE = 2_000
# Beyond so many changed items everything is put together anew: it costs no more.
CHANGED_MAX = 500

# Numbers that no two states of items share in this process.
_new_stamp = count(1).__next__


@dataclass(slots=True)
class _Change:
    """The items as they are now, and what makes them differ from before.

    touched: the entries that were and those that took their place; None where everything is to be looked at.
    """

    entries: Mapping[int, Entry]
    touched: Sequence[Entry] | None

    @property
    def ids(self) -> set[int]:
        """The items that were touched."""
        return {entry.item_id for entry in self.touched or ()}

    def has(self, trait: Callable[[Entry], object]) -> bool:
        """Whether anything touched has a trait, so that what is made of it must be made anew."""
        return self.touched is None or any(trait(entry) for entry in self.touched)


@dataclass(frozen=True, slots=True)
class _LiveOps:
    """What decides about items beside themselves: promotions, rules on who sees them, the game's own say, and value
    points that come with them."""

    promotions: Promotions
    filter_rules: tuple[FilterRule, ...]
    is_partner_side: bool
    value_points: Mapping[int, tuple[PointReward, ...]]


async def compile_catalog(db: Session, project_id: int, old: Catalog | None) -> Catalog:
    """The catalog as it is now. `old` is an earlier version of it: what is the same is taken over.

    The version is read first: whatever is written while the rest is read raises it, and is read again.
    """
    version = await find_version(db, project_id)
    change = await _read_entries(db, project_id, old)
    taxonomy = Taxonomy(
        tuple(await list_groups(db, project_id)),
        tuple(await list_attributes(db, project_id)),
        tuple(await list_regions(db, project_id)),
    )
    members = await queries.list_members(db, project_id)
    promotions = compile_promotions(await list_promotions(db, project_id))
    await asyncio.sleep(0)
    live = _LiveOps(
        promotions,
        tuple(await list_enabled_rules(db, project_id)),
        await is_partner_side(db, project_id),
        await queries.list_point_rewards(db, project_id),
    )
    return await _assemble(project_id, version, change, taxonomy, members, live, old)


async def _read_entries(db: Session, project_id: int, old: Catalog | None) -> _Change:
    marks = await queries.list_row_marks(db, project_id)
    known: Mapping[int, Entry] = {} if old is None else old.entries
    changed = [item_id for item_id, mark in marks.items() if item_id not in known or known[item_id].row_mark != mark]
    changed.sort()
    made = await _read_all(db, project_id, changed)
    # What was deleted between the two reads is in neither.
    gone = [item_id for item_id in chain(known.keys() - marks.keys(), changed) if item_id not in made]
    entries = dict(known)
    for item_id in gone:
        entries.pop(item_id, None)
    entries.update(made)
    was = [known[item_id] for item_id in chain(gone, made) if item_id in known]
    is_small = len(was) + len(made) <= CHANGED_MAX
    return _Change(entries, [*was, *made.values()] if is_small else None)


async def _read_all(db: Session, project_id: int, item_ids: Sequence[int]) -> dict[int, Entry]:
    """In pieces: so many rows at once would take several times the memory of what is made of them."""
    reader = EntryReader()
    made: dict[int, Entry] = {}
    for start in range(0, len(item_ids), ROWS_AT_ONCE):
        rows = await queries.list_entry_rows(db, project_id, item_ids[start : start + ROWS_AT_ONCE])
        await _make_entries(rows, reader, made)
    return made


async def _make_entries(rows: Sequence[asyncpg.Record], reader: EntryReader, made: dict[int, Entry]) -> None:
    for number, row in enumerate(rows, start=1):
        entry = reader.entry(row)
        made[entry.item_id] = entry
        if number % SLICE == 0:
            await asyncio.sleep(0)


async def _assemble(
    project_id: int,
    version: int,
    change: _Change,
    taxonomy: Taxonomy,
    members: Mapping[int, Members],
    live: _LiveOps,
    old: Catalog | None,
) -> Catalog:
    ordered = _put_in_order(change, old)
    await asyncio.sleep(0)
    keys_of, containers = await _links(ordered, change, old)
    groups_of = await _groups_of(taxonomy, members, old)
    forest = rules.group_forest(
        {group.group_id: group.parent_group_id for group in taxonomy.groups},
        [group.group_id for group in taxonomy.groups if group.is_enabled],
    )
    shown = {group_id for siblings in forest.values() for group_id in siblings}
    groups = {group.group_id: group for group in taxonomy.groups if group.group_id in shown}
    listed = _listed(ordered, change, keys_of, old)
    await asyncio.sleep(0)
    shapes = tuple(dict.fromkeys(entry.shape for entry in listed if entry.shape))
    await asyncio.sleep(0)
    limited = _limited(ordered, change, old)
    holders = _holders(limited, containers, old)
    await asyncio.sleep(0)
    countries_of = _countries_of(ordered, taxonomy, change, old)
    await asyncio.sleep(0)
    item_edges = _item_edges(ordered, change, old)
    has_stocks = _has_stocks(ordered, change, old)
    await asyncio.sleep(0)
    by_sku = _by_sku(change, old)
    await asyncio.sleep(0)
    catalog = Catalog(
        project_id=project_id,
        version=version,
        entries=change.entries,
        ordered=ordered,
        listed=listed,
        taxonomy=taxonomy,
        members=members,
        by_sku=by_sku,
        groups_of=groups_of,
        keys_of=keys_of,
        containers=containers,
        countries_of=countries_of,
        limited=limited,
        value_points=live.value_points,
        holders=holders,
        stamps={},
        edges=sorted({*item_edges, *live.promotions.edges}),
        item_edges=item_edges,
        promotions=live.promotions,
        filter_rules=live.filter_rules,
        is_partner_side=live.is_partner_side,
        # In the catalog's order: the first item's default currency counts.
        shapes=shapes,
        countries=frozenset(offer.country for shape in shapes for offer in shape if offer.country).union(
            *(region.countries for region in taxonomy.regions)
        ),
        has_stocks=has_stocks,
        groups=groups,
        attributes={attribute.attribute_id: attribute for attribute in taxonomy.attributes},
        forest=forest,
        _groups_by_name={group.external_id: group for group in groups.values()},
    )
    _look_at_players(catalog)
    await asyncio.sleep(0)
    catalog.stamps = await _stamps_of(catalog, change, old)
    return catalog


def _look_at_players(catalog: Catalog) -> None:
    """Find out what is not for every player as it is for everybody."""
    promotions = catalog.promotions
    kept_back = catalog.with_keys(chain.from_iterable(promotions.kept_back.values()))
    named: dict[int, list[int]] = {}
    for item_id, promotion_ids in promotions.by_item.items():
        for promotion_id in promotion_ids:
            named.setdefault(promotion_id, []).append(item_id)
    all_items = frozenset(catalog.entries)
    touched = {
        promotion_id: all_items if promotion_id in promotions.unbound else _showing(catalog, named[promotion_id])
        for promotion_id in promotions.personal | promotions.limited
        if promotion_id in named or promotion_id in promotions.unbound
    }
    ruled = frozenset(chain.from_iterable(rule.item_ids for rule in catalog.filter_rules))
    catalog.kept_back = kept_back
    withheld = hidden_items(catalog.filter_rules, None) | kept_back
    catalog.for_everybody = Personal(hidden=withheld, withheld=withheld)
    own = frozenset(catalog.holders).union(ruled, kept_back, *touched.values())
    catalog.own_ids = all_items if catalog.is_partner_side else own
    catalog._touched = touched


def _showing(catalog: Catalog, item_ids: Iterable[int]) -> frozenset[int]:
    """What shows the prices of items: themselves, of games the keys, of keys the game."""
    found = catalog.with_keys(item_ids)
    games = (catalog.entries[item_id].parent_id for item_id in found if item_id in catalog.entries)
    return found.union(game_id for game_id in games if game_id is not None)


def _put_in_order(change: _Change, old: Catalog | None) -> list[Entry]:
    if old is None or change.touched is None:
        return sorted(change.entries.values(), key=by_rank)
    return _replaced(old.ordered, change.ids, change.entries)


def _replaced(ordered: Sequence[Entry], ids: set[int], entries: Mapping[int, Entry]) -> list[Entry]:
    """The list with some items put anew into their order, those that are left."""
    kept = [entry for entry in ordered if entry.item_id not in ids]
    for item_id in ids:
        if item_id in entries:
            insort(kept, entries[item_id], key=by_rank)
    return kept


def _listed(
    ordered: Sequence[Entry], change: _Change, keys_of: Mapping[int, Sequence[Entry]], old: Catalog | None
) -> list[Entry]:
    """What is for sale of itself, in order."""
    entries = change.entries
    if old is None or change.touched is None:
        return [entry for entry in ordered if is_listed(entry, entries)]
    # Keys are listed only where their game is.
    ids = change.ids
    ids |= {key.item_id for game_id in ids for key in keys_of.get(game_id, ())}
    return _replaced(
        old.listed,
        ids,
        {item_id: entries[item_id] for item_id in ids if item_id in entries and is_listed(entries[item_id], entries)},
    )


def _by_sku(change: _Change, old: Catalog | None) -> Mapping[str, Entry]:
    if old is None or change.touched is None:
        return {entry.sku: entry for entry in change.entries.values()}
    by_sku = dict(old.by_sku)
    for entry in change.touched:
        by_sku.pop(entry.sku, None)
    by_sku.update({entry.sku: entry for entry in change.touched if change.entries.get(entry.item_id) is entry})
    return by_sku


async def _links(
    ordered: Sequence[Entry], change: _Change, old: Catalog | None
) -> tuple[Mapping[int, tuple[Entry, ...]], Mapping[int, frozenset[int]]]:
    """The keys of each game, and for each item what holds it, however deep: bundles, packages, the game of a key."""
    if old is not None and not change.has(lambda entry: entry.content or entry.parent_id):
        return old.keys_of, old.containers
    keys: dict[int, list[Entry]] = {}
    holding: dict[int, set[int]] = {}
    for number, entry in enumerate(ordered):
        if number % LINKS_SLICE == 0:
            await asyncio.sleep(0)
        if entry.parent_id is not None:
            keys.setdefault(entry.parent_id, []).append(entry)
            holding.setdefault(entry.item_id, set()).add(entry.parent_id)
        for content in entry.content:
            holding.setdefault(content.item_id, set()).add(entry.item_id)
    containers: dict[int, frozenset[int]] = {}
    for number, item_id in enumerate(holding):
        if number % LINKS_SLICE == 0:
            await asyncio.sleep(0)
        containers[item_id] = frozenset(_ancestors(item_id, holding))
    # Keys of a game stand in the order in which they were given, unless their own order says otherwise.
    return {
        game: tuple(sorted(found, key=lambda key: (key.rank[0], key.item_id))) for game, found in keys.items()
    }, containers


def _ancestors(item_id: int, holding: Mapping[int, set[int]]) -> set[int]:
    found: set[int] = set()
    pending = list(holding[item_id])
    while pending:
        each = pending.pop()
        if each not in found:
            found.add(each)
            pending.extend(holding.get(each, ()))
    return found


def _has_limit(entry: Entry) -> bool:
    return entry.limits is not None and entry.limits.per_user is not None


def _limited(ordered: Sequence[Entry], change: _Change, old: Catalog | None) -> frozenset[int]:
    """The items that each player may have only so many of."""
    if old is not None and not change.has(_has_limit):
        return old.limited
    return frozenset(entry.item_id for entry in ordered if _has_limit(entry))


def _holders(
    limited: frozenset[int], containers: Mapping[int, frozenset[int]], old: Catalog | None
) -> Mapping[int, frozenset[int]]:
    """For what shows something of a player's limits: itself and what holds it."""
    if old is not None and limited is old.limited and containers is old.containers:
        return old.holders
    showing = limited.union(*(containers.get(item_id, frozenset()) for item_id in limited))
    return {item_id: containers.get(item_id, frozenset()) | {item_id} for item_id in showing}


async def _groups_of(
    taxonomy: Taxonomy, members: Mapping[int, Members], old: Catalog | None
) -> Mapping[int, tuple[int, ...]]:
    """The groups of each item, in the groups' order."""
    if old is not None and old.members == members and _ids(old.taxonomy) == _ids(taxonomy):
        return old.groups_of
    found: dict[int, list[int]] = {}
    for group in taxonomy.groups:
        for item_id in members[group.group_id].items if group.group_id in members else ():
            found.setdefault(item_id, []).append(group.group_id)
        await asyncio.sleep(0)
    shared: dict[tuple[int, ...], tuple[int, ...]] = {}
    return {item_id: shared.setdefault(tuple(ids), tuple(ids)) for item_id, ids in found.items()}


def _ids(taxonomy: Taxonomy) -> list[int]:
    return [group.group_id for group in taxonomy.groups]


def _countries_of(
    ordered: Sequence[Entry], taxonomy: Taxonomy, change: _Change, old: Catalog | None
) -> Mapping[int, frozenset[str]]:
    """Where each item is sold that is not sold everywhere; keys without regions of their own are sold as their game."""
    is_same = old is not None and old.taxonomy.regions == taxonomy.regions
    if old is not None and is_same and not change.has(lambda entry: entry.region_ids or entry.parent_id):
        return old.countries_of
    by_region = {region.region_id: frozenset(region.countries) for region in taxonomy.regions}
    shared: dict[tuple[int, ...], frozenset[str]] = {}
    found: dict[int, frozenset[str]] = {}
    for entry in ordered:
        if entry.region_ids:
            if entry.region_ids not in shared:
                shared[entry.region_ids] = frozenset[str]().union(
                    *(by_region.get(region_id, frozenset()) for region_id in entry.region_ids)
                )
            found[entry.item_id] = shared[entry.region_ids]
    for entry in ordered:
        if entry.parent_id is not None and not entry.region_ids and entry.parent_id in found:
            found[entry.item_id] = found[entry.parent_id]
    return found


def _item_edges(ordered: Sequence[Entry], change: _Change, old: Catalog | None) -> Sequence[datetime]:
    """When items appear and disappear of themselves."""
    if old is not None and not change.has(lambda entry: entry.windows or entry.pre_order):
        return old.item_edges
    return rules.edges_of(
        (window for entry in ordered for window in entry.windows),
        (
            entry.pre_order.release_date
            for entry in ordered
            if entry.pre_order is not None and entry.pre_order.release_date is not None
        ),
    )


def _has_stocks(ordered: Sequence[Entry], change: _Change, old: Catalog | None) -> bool:
    def is_counted(entry: Entry) -> bool:
        has_total = entry.limits is not None and entry.limits.per_item is not None
        return has_total or entry.kind is ItemKind.GAME_KEY

    if old is not None and not change.has(is_counted):
        return old.has_stocks
    return any(is_counted(entry) for entry in ordered)


async def _stamps_of(catalog: Catalog, change: _Change, old: Catalog | None) -> dict[int, int]:
    """A number for each state of each item: the old one where nothing that its wire forms show has changed."""
    promotions, known = catalog.promotions, NO_PROMOTIONS if old is None else old.promotions
    if old is None or old.taxonomy != catalog.taxonomy or bool(promotions.unbound) != bool(known.unbound):
        return {item_id: _new_stamp() for item_id in catalog.entries}
    stale = change.ids
    if change.touched is None:
        stale = {item_id for item_id, entry in catalog.entries.items() if old.entries.get(item_id) is not entry}
        stale |= old.entries.keys() - catalog.entries.keys()
    # What promotions may touch has room for them where others have their price.
    stale |= catalog.with_keys(promotions.by_item.keys() ^ known.by_item.keys())
    if catalog.groups_of is not old.groups_of:
        await asyncio.sleep(0)
        stale |= {
            item_id for item_id in catalog.entries if catalog.groups_of.get(item_id) != old.groups_of.get(item_id)
        }
    points, old_points = catalog.value_points, old.value_points
    named = points.keys() | old_points.keys()
    stale |= {item_id for item_id in named if points.get(item_id) != old_points.get(item_id)}
    touched = [found for each in stale for found in (old.entries.get(each), catalog.entries.get(each)) if found]
    # What is priced in a currency shows the currency's name; what holds an item, or a game its keys, shows it whole.
    currencies = {entry.sku for entry in touched if entry.kind is ItemKind.VIRTUAL_CURRENCY}
    if currencies:
        stale |= {entry.item_id for entry in catalog.ordered if not currencies.isdisjoint(entry.currencies)}
    shown = {entry.item_id for entry in touched if entry.kind is ItemKind.VALUE_POINT}
    if shown:
        stale |= {
            item_id for item_id, rewards in points.items() if any(reward.value_point_id in shown for reward in rewards)
        }
    holding = [
        links[item_id] for links in (catalog.containers, old.containers) for item_id in stale if item_id in links
    ]
    stamps = dict(old.stamps)
    for item_id in stale.union(*holding):
        stamps.pop(item_id, None)
        if item_id in catalog.entries:
            stamps[item_id] = _new_stamp()
    return stamps
