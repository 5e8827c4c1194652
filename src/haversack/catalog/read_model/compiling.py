"""Compiles catalogs: whole from the database, or from the version before and what has changed since.

Everything here gives way to waiting requests every few milliseconds.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

import asyncpg

from haversack.catalog.read_model import queries, rules
from haversack.catalog.read_model.compiled import Catalog, Taxonomy, by_rank
from haversack.catalog.read_model.queries import EntryReader, Members
from haversack.catalog.read_model.records import Entry
from haversack.catalog.records import ItemKind
from haversack.catalog.taxonomy.queries import list_attributes, list_groups, list_regions
from haversack.catalog.versions import find_version
from haversack.database.engine import Session

# Items between two chances for others to run: about two milliseconds of work.
SLICE = 250
# Beyond this share of changed items everything is read anew: it costs no more.
CHANGED_SHARE_MAX = 0.25

# Numbers that no two states of items share in this process.
_new_stamp = count(1).__next__

Each = TypeVar("Each")


async def compile_catalog(db: Session, project_id: int, old: Catalog | None) -> Catalog:
    """The catalog as it is now. `old` is an earlier version of it: what is the same is taken over.

    The version is read first: whatever is written while the rest is read raises it, and is read again.
    """
    version = await find_version(db, project_id)
    entries = await _read_entries(db, project_id, old)
    taxonomy = Taxonomy(
        tuple(await list_groups(db, project_id)),
        tuple(await list_attributes(db, project_id)),
        tuple(await list_regions(db, project_id)),
    )
    members = await queries.list_members(db, project_id)
    return await _assemble(project_id, version, entries, taxonomy, members, old)


async def _read_entries(db: Session, project_id: int, old: Catalog | None) -> dict[int, Entry]:
    if old is None:
        return await _made(await queries.list_entry_rows(db, project_id))
    marks = await queries.list_row_marks(db, project_id)
    known = old.entries
    kept: dict[int, Entry] = {}
    changed: list[int] = []
    async for item_id in _in_slices(marks, size=SLICE * 20):
        entry = known.get(item_id)
        if entry is not None and entry.row_mark == marks[item_id]:
            kept[item_id] = entry
        else:
            changed.append(item_id)
    if len(changed) > CHANGED_SHARE_MAX * len(marks):
        return await _made(await queries.list_entry_rows(db, project_id))
    if changed:
        kept.update(await _made(await queries.list_entry_rows(db, project_id, changed)))
    return kept


async def _made(rows: Sequence[asyncpg.Record]) -> dict[int, Entry]:
    reader = EntryReader()
    made: dict[int, Entry] = {}
    async for row in _in_slices(rows):
        entry = reader.entry(row)
        made[entry.item_id] = entry
    return made


async def _in_slices(values: Iterable[Each], *, size: int = SLICE) -> AsyncIterator[Each]:
    """The values, with a chance for waiting requests after each `size` of them."""
    for number, value in enumerate(values, start=1):
        yield value
        if number % size == 0:
            await asyncio.sleep(0)


@dataclass(slots=True)
class _Links:
    """What items have to do with each other."""

    keys: dict[int, tuple[Entry, ...]]
    # Item -> the bundles and packages that hold it, however deep, and the game of a key.
    containers: dict[int, frozenset[int]]


async def _assemble(
    project_id: int,
    version: int,
    entries: dict[int, Entry],
    taxonomy: Taxonomy,
    members: Mapping[int, Members],
    old: Catalog | None,
) -> Catalog:
    ordered = sorted(entries.values(), key=by_rank)
    await asyncio.sleep(0)
    links = _links_of(ordered)
    groups_of = await _groups_of(taxonomy, members, old)
    forest = rules.group_forest(
        {group.group_id: group.parent_group_id for group in taxonomy.groups},
        [group.group_id for group in taxonomy.groups if group.is_enabled],
    )
    shown = {group_id for siblings in forest.values() for group_id in siblings}
    groups = {group.group_id: group for group in taxonomy.groups if group.group_id in shown}
    countries_of = _countries_of(ordered, taxonomy)
    limited = {entry.item_id for entry in ordered if entry.limits is not None and entry.limits.per_user is not None}
    await asyncio.sleep(0)
    catalog = Catalog(
        project_id=project_id,
        version=version,
        entries=entries,
        taxonomy=taxonomy,
        members=members,
        by_sku={entry.sku: entry for entry in ordered},
        listed=(),
        groups_of=groups_of,
        keys_of=links.keys,
        countries_of=countries_of,
        holders={
            item_id: frozenset((item_id, *links.containers.get(item_id, ())))
            for item_id in _shown_in(limited, links.containers)
        },
        stamps={},
        edges=rules.edges_of(
            (window for entry in ordered for window in entry.windows),
            (
                entry.pre_order.release_date
                for entry in ordered
                if entry.pre_order is not None and entry.pre_order.release_date is not None
            ),
        ),
        shapes=(),
        countries=frozenset(
            country for shape in {entry.shape for entry in ordered} for country, _, _ in shape if country
        ).union(*(region.countries for region in taxonomy.regions)),
        has_player_limits=bool(limited),
        has_stocks=any(
            entry.kind is ItemKind.GAME_KEY or (entry.limits is not None and entry.limits.per_item is not None)
            for entry in ordered
        ),
        groups=groups,
        attributes={attribute.attribute_id: attribute for attribute in taxonomy.attributes},
        forest=forest,
        _groups_by_name={group.external_id: group for group in groups.values()},
    )
    await asyncio.sleep(0)
    catalog.listed = tuple(entry for entry in ordered if catalog.is_listed(entry))
    # In the catalog's order: the first item's default currency counts.
    catalog.shapes = tuple(dict.fromkeys(entry.shape for entry in catalog.listed if entry.shape))
    await asyncio.sleep(0)
    catalog.stamps = await _stamps_of(catalog, links, old)
    return catalog


def _links_of(ordered: Sequence[Entry]) -> _Links:
    keys: dict[int, list[Entry]] = {}
    holding: dict[int, set[int]] = {}
    for entry in ordered:
        if entry.parent_id is not None:
            keys.setdefault(entry.parent_id, []).append(entry)
            holding.setdefault(entry.item_id, set()).add(entry.parent_id)
        for content in entry.content:
            holding.setdefault(content.item_id, set()).add(entry.item_id)
    return _Links(
        # Keys of a game stand in the order in which they were given, unless their own order says otherwise.
        {game: tuple(sorted(found, key=lambda key: (key.rank[0], key.item_id))) for game, found in keys.items()},
        {item_id: frozenset(_ancestors(item_id, holding)) for item_id in holding},
    )


def _ancestors(item_id: int, holding: Mapping[int, set[int]]) -> set[int]:
    found: set[int] = set()
    pending = list(holding.get(item_id, ()))
    while pending:
        each = pending.pop()
        if each not in found:
            found.add(each)
            pending.extend(holding.get(each, ()))
    return found


def _shown_in(limited: set[int], containers: Mapping[int, frozenset[int]]) -> set[int]:
    """The items that have a limit for each player, or show one of what they hold."""
    return limited.union(*(containers.get(item_id, frozenset()) for item_id in limited))


async def _groups_of(
    taxonomy: Taxonomy, members: Mapping[int, Members], old: Catalog | None
) -> Mapping[int, tuple[int, ...]]:
    """The groups of each item, in the groups' order."""
    if old is not None and old.members == members and _order(old.taxonomy) == _order(taxonomy):
        return old.groups_of
    found: dict[int, list[int]] = {}
    for group in taxonomy.groups:
        for item_id in members[group.group_id].items if group.group_id in members else ():
            found.setdefault(item_id, []).append(group.group_id)
        await asyncio.sleep(0)
    shared: dict[tuple[int, ...], tuple[int, ...]] = {}
    return {item_id: shared.setdefault(tuple(ids), tuple(ids)) for item_id, ids in found.items()}


def _order(taxonomy: Taxonomy) -> list[int]:
    return [group.group_id for group in taxonomy.groups]


def _countries_of(ordered: Sequence[Entry], taxonomy: Taxonomy) -> dict[int, frozenset[str]]:
    """Where each item is sold that is not sold everywhere; keys without regions of their own are sold as their game."""
    by_region = {region.region_id: frozenset(region.countries) for region in taxonomy.regions}
    shared: dict[tuple[int, ...], frozenset[str]] = {}
    found: dict[int, frozenset[str]] = {}
    for entry in ordered:
        if entry.region_ids:
            if entry.region_ids not in shared:
                shared[entry.region_ids] = frozenset().union(
                    *(by_region.get(region_id, frozenset()) for region_id in entry.region_ids)
                )
            found[entry.item_id] = shared[entry.region_ids]
    for entry in ordered:
        if entry.parent_id is not None and not entry.region_ids and entry.parent_id in found:
            found[entry.item_id] = found[entry.parent_id]
    return found


async def _stamps_of(catalog: Catalog, links: _Links, old: Catalog | None) -> dict[int, int]:
    """A number for each state of each item: the old one where nothing that its wire forms show has changed."""
    if old is None or old.taxonomy != catalog.taxonomy:
        return {item_id: _new_stamp() for item_id in catalog.entries}
    stale = {item_id for item_id in old.entries if item_id not in catalog.entries}
    async for item_id in _in_slices(catalog.entries, size=SLICE * 20):
        if catalog.entries[item_id] is not old.entries.get(item_id):
            stale.add(item_id)
    if catalog.groups_of is not old.groups_of:
        stale.update(
            item_id for item_id in catalog.entries if catalog.groups_of.get(item_id) != old.groups_of.get(item_id)
        )
    stamps = dict(old.stamps)
    for item_id in stale:
        stamps.pop(item_id, None)
    skus = {each.sku for item_id in stale for each in (old.entries.get(item_id), catalog.entries.get(item_id)) if each}
    stale |= {entry.item_id for entry in catalog.listed if not skus.isdisjoint(entry.currencies)}
    containing = [links.containers.get(item_id, frozenset()) for item_id in stale]
    # What a priced or contained item shows of another changes with it.
    for item_id in stale.union(*containing):
        if item_id in catalog.entries:
            stamps[item_id] = _new_stamp()
    return stamps
