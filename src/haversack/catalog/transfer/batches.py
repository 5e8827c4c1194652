"""Writes many items in one transaction: set by set where the catalog is as it was planned, item by item where not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import asyncpg

from haversack.catalog.items import actions as item_actions
from haversack.catalog.items import queries as item_queries
from haversack.catalog.items.drafts import ItemDraft, KnownItem
from haversack.catalog.records import Attribute, AttributeLink, Group, Item, ItemKind
from haversack.catalog.taxonomy import rules as taxonomy_rules
from haversack.catalog.taxonomy.actions import resolve_attributes
from haversack.catalog.taxonomy.queries import find_attributes, lock_groups, lock_regions
from haversack.catalog.taxonomy.queries.attributes import lock_attributes_for_links
from haversack.catalog.transfer import queries, rules
from haversack.catalog.transfer.records import ImportMode, RowFault, TakenSku
from haversack.catalog.versions import raise_version
from haversack.database.engine import Session
from haversack.errors import Refusal
from haversack.limits.actions import save_stock
from haversack.limits.queries import list_stocks

# Items of one transaction: few enough that neither other writers nor other requests of the process wait for long.
BATCH = 200
ATTEMPTS_MAX = 3
# What another writer may do to a batch; after it, the batch is looked at anew.
DISTURBED = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class Unforeseen(Exception):
    """The catalog is not as the batch was planned: its items are written one by one, which says what is wrong."""


@dataclass(slots=True, kw_only=True)
class Target:
    """Where items go. `ids` has the id of each SKU that items may name, of those that are written later too."""

    project_id: int
    mode: ImportMode
    now: datetime
    ids: dict[str, KnownItem] = field(default_factory=dict)


async def write_items(db: Session, target: Target, drafts: Sequence[ItemDraft]) -> list[RowFault]:
    """Write a batch of items, each whole or not at all, and say which were refused. What they contain is written."""
    for _ in range(ATTEMPTS_MAX):
        try:
            async with db.begin():
                if await _write_together(db, target, drafts):
                    await raise_version(db, target.project_id)
            return []
        except DISTURBED:
            continue
        except (Refusal, Unforeseen):
            break
    return await _write_singly(db, target, drafts)


async def _write_singly(db: Session, target: Target, drafts: Sequence[ItemDraft]) -> list[RowFault]:
    """Write items as the studio's own calls do, one after another."""
    attempt = 0
    while True:
        attempt += 1
        faults = []
        try:
            async with db.begin():
                for draft in drafts:
                    try:
                        async with db.begin():
                            await _write_one(db, target, draft)
                    except Refusal as refusal:
                        faults.append(rules.row_fault(draft, refusal))
                await raise_version(db, target.project_id)
            await _look_up(db, target, drafts)
            return faults
        except DISTURBED:
            if attempt == ATTEMPTS_MAX:
                raise


async def _look_up(db: Session, target: Target, drafts: Sequence[ItemDraft]) -> None:
    """Learn which ids the items of some drafts really have; what was refused and is not there has none."""
    skus = [sku for draft in drafts for sku in rules.skus_of(draft)]
    taken = await queries.find_taken(db, target.project_id, skus)
    for sku in skus:
        found = taken.get(sku)
        if found is None or found.is_deleted:
            target.ids.pop(sku, None)
        else:
            target.ids[sku] = KnownItem(found.item_id, found.kind)


async def _write_one(db: Session, target: Target, draft: ItemDraft) -> None:
    existing = await item_queries.find_item_by_sku(db, target.project_id, draft.sku, (draft.kind,))
    if existing is not None and target.mode is ImportMode.CREATE:
        return
    await item_actions.save_item(db, target.project_id, draft, now=target.now, existing=existing)


async def _write_together(db: Session, target: Target, drafts: Sequence[ItemDraft]) -> bool:
    """Write all of a batch; whether anything was to be written. Refusal or Unforeseen where one of them has a fault."""
    project_id = target.project_id
    if any(draft.kind is ItemKind.BUNDLE for draft in drafts):
        await item_queries.lock_bundles(db, project_id)
    parts = [part for draft in drafts for part in (draft, *draft.keys)]
    # In the order in which the studio's own calls lock.
    groups = await lock_groups(db, project_id, [group for part in parts for group in part.groups])
    await lock_regions(db, project_id, {region_id for part in parts for region_id in part.region_ids})
    links = await _links(db, target, parts)
    taken = await queries.find_taken(db, project_id, [part.sku for part in parts])
    _check_taken(drafts, taken)
    target.ids.update({sku: KnownItem(one.item_id, one.kind) for sku, one in taken.items()})
    made = {part.sku: _item(part, target, links, groups) for part in parts}
    await _check_circles(db, project_id, [made[draft.sku] for draft in drafts])
    old, new = _sorted(drafts, taken)
    if target.mode is not ImportMode.CREATE:
        written = await _write_existing(db, target, old, made)
    else:
        written = False
    added = [item for draft in new for item in _with_keys(draft, made)]
    if added and not await queries.add_items(db, project_id, added):
        raise Unforeseen
    return written or bool(added)


def _check_taken(drafts: Sequence[ItemDraft], taken: Mapping[str, TakenSku]) -> None:
    for draft in drafts:
        own = taken.get(draft.sku)
        game_id = None if own is None else own.item_id
        for part in (draft, *draft.keys):
            found = taken.get(part.sku)
            parent = game_id if part is not draft else None
            if found and (found.is_deleted or found.kind is not part.kind or found.parent_item_id != parent):
                raise Unforeseen
    # Such keys get their ids when they are written.
    added = {key.sku for draft in drafts if draft.sku in taken for key in draft.keys if key.sku not in taken}
    if any(entry.sku in added for draft in drafts for entry in draft.content):
        raise Unforeseen


def _sorted(drafts: Sequence[ItemDraft], taken: Mapping[str, TakenSku]) -> tuple[list[ItemDraft], list[ItemDraft]]:
    """Those whose items exist, and the new ones."""
    old = [draft for draft in drafts if draft.sku in taken]
    return old, [draft for draft in drafts if draft.sku not in taken]


def _with_keys(draft: ItemDraft, made: Mapping[str, Item]) -> list[Item]:
    game = made[draft.sku]
    return [game, *(replace(made[key.sku], parent_item_id=game.item_id) for key in draft.keys)]


def _item(
    draft: ItemDraft,
    target: Target,
    links: Mapping[str, tuple[AttributeLink, ...]],
    groups: Mapping[str, Group],
) -> Item:
    if any(entry.sku not in target.ids for entry in draft.content):
        raise Unforeseen
    item = item_actions.item_of(
        draft, target.project_id, links=links[draft.sku], groups=groups, known=target.ids, now=target.now
    )
    return replace(item, item_id=target.ids[draft.sku].item_id)


async def _links(db: Session, target: Target, parts: Sequence[ItemDraft]) -> dict[str, tuple[AttributeLink, ...]]:
    """The attributes of each draft by its SKU. What the project does not know yet is made."""
    folded = {part.sku: taxonomy_rules.fold_attributes(part.attributes) for part in parts}
    wanted = sorted({given.external_id for each in folded.values() for given in each})
    known: dict[str, Attribute] = {}
    if wanted:
        known = await lock_attributes_for_links(db, target.project_id, wanted)
    links = {}
    for sku, each in folded.items():
        is_news = taxonomy_rules.new_names(each, known) or any(
            taxonomy_rules.new_values(given, known[given.external_id]) for given in each
        )
        if is_news:
            await resolve_attributes(db, target.project_id, each, target.now)
            known |= await find_attributes(db, target.project_id, [given.external_id for given in each])
        links[sku] = tuple(taxonomy_rules.link_of(given, known[given.external_id]) for given in each)
    return links


async def _check_circles(db: Session, project_id: int, made: Sequence[Item]) -> None:
    """Unforeseen where a bundle of the batch would contain itself, as other writers have left the catalog."""
    bundles = {item.item_id: item for item in made if item.kind is ItemKind.BUNDLE}
    if not bundles:
        return
    inside = dict((await queries.list_bundles(db, project_id)).values())
    inside |= {item_id: [entry.item_id for entry in item.details.content] for item_id, item in bundles.items()}
    for item_id in bundles:
        seen: set[int] = set()
        level = set(inside[item_id])
        while level := level - seen:
            seen |= level
            level = {each for held in level for each in inside.get(held, ())}
        if item_id in seen:
            raise Unforeseen


async def _write_existing(db: Session, target: Target, drafts: Sequence[ItemDraft], made: Mapping[str, Item]) -> bool:
    """Put drafts in the place of the items that have their SKUs; whether any of them changes anything."""
    if not drafts:
        return False
    project_id = target.project_id
    item_ids = [made[draft.sku].item_id for draft in drafts]
    if len(await queries.lock_items(db, project_id, item_ids)) != len(item_ids):
        raise Unforeseen
    existing = {item.item_id: item for item in await item_queries.list_items_by_ids(db, project_id, item_ids)}
    games = [item_id for item_id, item in existing.items() if item.kind is ItemKind.GAME]
    keys: dict[int, dict[str, Item]] = {}
    for key in await item_queries.list_keys_of_games(db, project_id, games):
        keys.setdefault(key.parent_item_id or 0, {})[key.sku] = key
    stocked = await list_stocks(db, project_id, item_ids)
    changed: list[tuple[Item, Item]] = []
    is_written = False
    for draft in drafts:
        item = made[draft.sku]
        old = existing[item.item_id]
        if _is_unchanged(draft, made, old, keys.get(item.item_id, {})):
            continue
        is_written = True
        if draft.kind is ItemKind.GAME:
            await item_actions.save_item(db, project_id, draft, now=target.now, existing=old)
            await _look_up(db, target, [draft])
            continue
        per_item = None if item.limits is None else item.limits.per_item
        if per_item is not None or item.item_id in stocked:
            await save_stock(db, project_id, item.item_id, per_item, now=item.updated_at)
        changed.append((old, item))
    await queries.replace_items(db, project_id, changed)
    return is_written


def _is_unchanged(draft: ItemDraft, made: Mapping[str, Item], old: Item, keys: Mapping[str, Item]) -> bool:
    if not rules.is_same(old, made[draft.sku]) or len(keys) != len(draft.keys):
        return False
    return all(key.sku in keys and rules.is_same(keys[key.sku], made[key.sku]) for key in draft.keys)
