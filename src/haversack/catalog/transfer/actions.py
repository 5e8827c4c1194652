"""Brings a whole catalog into a project: what stands below the items first, then the items in batches."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from haversack.catalog.items.drafts import ItemDraft, Known, KnownItem
from haversack.catalog.taxonomy.queries import list_groups, list_regions
from haversack.catalog.transfer import queries, rules, sections
from haversack.catalog.transfer.batches import ATTEMPTS_MAX, BATCH, DISTURBED, Target, write_items
from haversack.catalog.transfer.records import CatalogDraft, ImportMode, RowFault, TakenSku
from haversack.catalog.transfer.rules import Surroundings
from haversack.catalog.versions import CATALOG_CHANGED, HERE, find_version, raise_version
from haversack.context import Context
from haversack.database.engine import Session
from haversack.turns import Turns

# Told after each step: how many rows are done, and of how many.
Progress = Callable[[int, int], Awaitable[None]]

SKUS_AT_ONCE = 1_000

_Row = TypeVar("_Row")
_Result = TypeVar("_Result")


async def write_catalog(
    context: Context,
    project_id: int,
    catalog: CatalogDraft,
    *,
    mode: ImportMode = ImportMode.CREATE_AND_UPDATE,
    now: datetime,
    progress: Progress | None = None,
) -> list[RowFault]:
    """Write a catalog into a project, and say which rows were refused; the others are in it.

    Each item is written whole or not at all. Writing the same again changes nothing, so that what was broken off can
    be sent again. `now` is the project's time.
    """
    db = context.database.session()
    faults = list(catalog.faults)
    drafts, below_faults = await _write_below(db, project_id, catalog, mode, now)
    faults += below_faults
    # What looks at all rows at once takes some milliseconds for ten thousand of them: one at a time.
    await asyncio.sleep(0)
    drafts, repeated = rules.first_of_each_sku(drafts)
    await asyncio.sleep(0)
    faults += repeated
    target = Target(project_id=project_id, mode=mode, now=now)
    ordered, unfit = await _plan(db, target, drafts)
    faults += unfit
    done = catalog.total - len(ordered)
    for number, batch in enumerate(_slices(ordered, BATCH)):
        if number == 1:
            await queries.let_rows_be_counted(db)
        if progress is not None:
            await progress(done, catalog.total)
        faults += await write_items(db, target, batch)
        done += len(batch)
    await _finish(db, target, catalog)
    await _show_here(context, db, project_id)
    return faults


async def _show_here(context: Context, db: Session, project_id: int) -> None:
    """From here on the readers of this process see all that was written."""
    version = await find_version(db, project_id)
    context.notifications.publish_locally(CATALOG_CHANGED, f"{project_id}:{version}:{HERE}")


async def _write_below(
    db: Session, project_id: int, catalog: CatalogDraft, mode: ImportMode, now: datetime
) -> tuple[list[ItemDraft], list[RowFault]]:
    """Write regions, attributes and groups; the items with the project's regions in them, and what was refused."""
    if not (catalog.regions or catalog.attributes or catalog.groups):
        return list(catalog.items), []

    async def work() -> tuple[dict[int, int], list[RowFault]]:
        region_ids = await sections.save_regions(db, project_id, catalog.regions or (), mode, now)
        faults = await sections.save_attributes(db, project_id, catalog.attributes, mode, now)
        faults += await sections.save_groups(db, project_id, catalog.groups, mode, now)
        await raise_version(db, project_id)
        return region_ids, faults

    region_ids, faults = await _in_transaction(db, work)
    if catalog.regions is None:
        return list(catalog.items), faults
    return [_with_regions(draft, region_ids) for draft in catalog.items], faults


def _with_regions(draft: ItemDraft, region_ids: Mapping[int, int]) -> ItemDraft:
    """The draft with ids of the project in place of the file's numbers; a number that the file does not explain is
    no region's id (0) and is refused as one that there is not."""
    if not draft.region_ids and not draft.keys:
        return draft
    return replace(
        draft,
        region_ids=tuple(region_ids.get(number, 0) for number in draft.region_ids),
        keys=tuple(_with_regions(key, region_ids) for key in draft.keys),
    )


async def _plan(db: Session, target: Target, drafts: Sequence[ItemDraft]) -> tuple[list[ItemDraft], list[RowFault]]:
    """The drafts that can be written, each behind its content, and the faults of the others. Gives `target` its ids."""
    project_id = target.project_id
    taken: dict[str, TakenSku] = {}
    for skus in _slices(rules.skus_in(drafts), SKUS_AT_ONCE):
        taken |= await queries.find_taken(db, project_id, skus)
    present = {sku: KnownItem(one.item_id, one.kind) for sku, one in taken.items() if not one.is_deleted}
    around = Surroundings(
        project_id=project_id,
        groups={group.external_id for group in await list_groups(db, project_id)},
        region_ids={region.region_id for region in await list_regions(db, project_id)},
        taken=taken,
    )
    bundles = await queries.list_bundles(db, project_id)
    skus_by_id = {item_id: sku for sku, (item_id, _) in bundles.items()}
    contents = {
        sku: [skus_by_id[each] for each in content if each in skus_by_id] for sku, (_, content) in bundles.items()
    }
    fit, faults = await _sift(drafts, present, around)
    while True:
        await asyncio.sleep(0)
        ordered, in_circles = rules.write_order(fit, contents)
        await asyncio.sleep(0)
        if not in_circles:
            break
        faults += in_circles
        refused = {fault.sku for fault in in_circles}
        # What contains one of these may not be writable without it.
        fit, more = await _sift([draft for draft in fit if draft.sku not in refused], present, around)
        faults += more
    target.ids.update(present)
    await _give_ids(db, target, fit)
    return ordered, faults


async def _sift(
    drafts: Sequence[ItemDraft], present: Mapping[str, KnownItem], around: Surroundings
) -> tuple[list[ItemDraft], list[RowFault]]:
    """The drafts that fit with each other and the project, and the faults of the others.

    Items may name each other however they stand in a file; where one is refused, those that need it are too.
    """
    known = dict(present)
    for draft in drafts:
        for part in (draft, *draft.keys):
            known.setdefault(part.sku, KnownItem(0, part.kind))
    await asyncio.sleep(0)
    naming = rules.named_by(drafts)
    await asyncio.sleep(0)
    faults: dict[str, RowFault] = {}
    waiting = list(reversed(drafts))
    turns = Turns()
    while waiting:
        await turns.offer()
        draft = waiting.pop()
        if draft.sku in faults:
            continue
        refusal = rules.find_refusal(draft, Known(known), around)
        if refusal is None:
            continue
        faults[draft.sku] = rules.row_fault(draft, refusal)
        for sku in rules.skus_of(draft):
            if sku not in present:
                known.pop(sku, None)
                waiting += naming.get(sku, [])
    return [draft for draft in drafts if draft.sku not in faults], list(faults.values())


async def _give_ids(db: Session, target: Target, drafts: Sequence[ItemDraft]) -> None:
    """Ids for all new items at once, in the order of the file: lists show the newest of equals first."""
    new = [part for draft in drafts for part in (draft, *draft.keys) if part.sku not in target.ids]
    ids = await queries.new_item_ids(db, len(new)) if new else []
    for part, item_id in zip(new, ids, strict=True):
        target.ids[part.sku] = KnownItem(item_id, part.kind)


async def _finish(db: Session, target: Target, catalog: CatalogDraft) -> None:
    """Put items at their places in groups, and hide what the file does not have where it shall be so."""
    places = [draft for draft in catalog.groups if draft.places]
    is_sync = target.mode is ImportMode.SYNC
    if not places and not is_sync:
        return

    async def work() -> None:
        hidden = 0
        if is_sync:
            skus = {*catalog.named, *(sku for draft in catalog.items for sku in rules.skus_of(draft))}
            hidden = await queries.hide_missing(db, target.project_id, catalog.kinds, skus, now=target.now)
        is_moved = await sections.save_places(db, target.project_id, places)
        if hidden or is_moved:
            await raise_version(db, target.project_id)

    await _in_transaction(db, work)


async def _in_transaction(db: Session, work: Callable[[], Awaitable[_Result]]) -> _Result:
    """Do something in one transaction, and again where another writer got in its way."""
    attempt = 0
    while True:
        attempt += 1
        try:
            async with db.begin():
                return await work()
        except DISTURBED:
            if attempt == ATTEMPTS_MAX:
                raise


def _slices(rows: Sequence[_Row], size: int) -> Iterator[Sequence[_Row]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
