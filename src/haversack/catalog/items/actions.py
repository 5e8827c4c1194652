"""Changes of items: what is checked, made and written when a studio, an import or a seed gives one."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from haversack.catalog.items import queries, rules
from haversack.catalog.items.drafts import ItemDraft, Known, KnownItem
from haversack.catalog.records import AttributeLink, ContentEntry, Group, Item, ItemKind
from haversack.catalog.taxonomy.actions import resolve_attributes
from haversack.catalog.taxonomy.queries import list_regions, lock_groups, lock_regions
from haversack.catalog.versions import touch_catalog
from haversack.database.engine import Session
from haversack.errors import (
    ATTRIBUTE_VALUES_USED_UP,
    DEFAULT_PRICE_MISSING,
    GROUP_NOT_FOUND,
    ITEM_EXISTS,
    ITEM_NOT_FOUND,
    REGION_NOT_FOUND,
    STOCK_TOO_SMALL,
    STORE,
    TOO_MANY_ITEM_ATTRIBUTE_VALUES,
    TOO_MANY_ITEM_ATTRIBUTES,
    ErrorKind,
    Fault,
)
from haversack.http.calls import AdminCall
from haversack.http.problems import invalid
from haversack.limits.actions import save_stock

# What a write of an item may be refused for, beside faults of its fields.
WRITE_ERRORS = (
    ITEM_EXISTS,
    DEFAULT_PRICE_MISSING,
    GROUP_NOT_FOUND,
    REGION_NOT_FOUND,
    TOO_MANY_ITEM_ATTRIBUTES,
    TOO_MANY_ITEM_ATTRIBUTE_VALUES,
    ATTRIBUTE_VALUES_USED_UP,
)
# Making an item has no stock that could be reserved or sold already.
UPDATE_ERRORS = (*WRITE_ERRORS, STOCK_TOO_SMALL)


async def create_item(call: AdminCall, draft: ItemDraft) -> int:
    """Make an item, a game with its keys, and return its id."""
    async with call.db.begin():
        item_id = await save_item(call.db, call.project_id, draft, now=call.now)
        await touch_catalog(call, call.project_id)
    return item_id


async def update_item(
    call: AdminCall,
    draft: ItemDraft,
    *,
    sku: str | None = None,
    item_id: int | None = None,
    missing: ErrorKind = ITEM_NOT_FOUND,
) -> None:
    """Put a draft in the place of the item that has a SKU or an id and is of the draft's kind, or `missing`."""
    async with call.db.begin():
        existing = await _get(call, draft.kind, sku=sku, item_id=item_id, missing=missing)
        await save_item(call.db, call.project_id, draft, now=call.now, existing=existing, missing=missing)
        await touch_catalog(call, call.project_id)


async def delete_item(
    call: AdminCall,
    kind: ItemKind,
    *,
    sku: str | None = None,
    item_id: int | None = None,
    missing: ErrorKind = ITEM_NOT_FOUND,
) -> None:
    """Delete the item of a kind that has a SKU or an id, a game with its keys, or `missing`."""
    async with call.db.begin():
        existing = await queries.lock_item(call.db, call.project_id, (kind,), sku=sku, item_id=item_id)
        if existing is None:
            raise missing(project_id=call.project_id, sku=sku, item_id=item_id)
        await queries.delete_item(call.db, call.project_id, existing.item_id, now=call.now)
        await touch_catalog(call, call.project_id)


async def show_item(call: AdminCall, kind: ItemKind, sku: str, *, is_shown: bool) -> None:
    """Show an item in the store or hide it, or ITEM_NOT_FOUND."""
    async with call.db.begin():
        if not await queries.show_item(call.db, call.project_id, sku, kind, is_shown=is_shown, now=call.now):
            raise ITEM_NOT_FOUND(project_id=call.project_id, sku=sku)
        await touch_catalog(call, call.project_id)


async def save_item(
    db: Session,
    project_id: int,
    draft: ItemDraft,
    *,
    now: datetime,
    existing: Item | None = None,
    missing: ErrorKind = ITEM_NOT_FOUND,
) -> int:
    """Write an item, a game with its keys, inside the caller's transaction, and return its id.

    existing: the item that is replaced, whole; None makes a new one. Faulty fields are refused together (1102), then a
    missing default price, unknown groups and regions, too many attributes, a SKU that is taken. The caller says with
    `touch_catalog` that the catalog has changed.
    """
    assert db.in_transaction, "an item is written whole or not at all"
    if draft.kind is ItemKind.BUNDLE:
        await queries.lock_bundles(db, project_id)
    known = await _known(db, project_id, draft, existing)
    _check(draft, known, existing)
    drafts = (draft, *draft.keys)
    # Groups, regions and attributes are locked before items, as their own changes do it.
    groups = await lock_groups(db, project_id, [group for one in drafts for group in one.groups])
    await _lock_regions(db, project_id, draft)
    links = [await resolve_attributes(db, project_id, one.attributes, now) for one in drafts]
    records = [
        item_of(one, project_id, links=own, groups=groups, known=known.items, now=now)
        for one, own in zip(drafts, links, strict=True)
    ]
    if existing is not None:
        locked = await queries.lock_item(db, project_id, (draft.kind,), item_id=existing.item_id)
        if locked is None:
            raise missing(project_id=project_id, sku=existing.sku, item_id=existing.item_id)
    item_id = await _write(db, records[0], existing)
    if draft.kind is ItemKind.GAME:
        await _write_keys(db, project_id, item_id, records[1:], now)
    return item_id


async def _get(call: AdminCall, kind: ItemKind, *, sku: str | None, item_id: int | None, missing: ErrorKind) -> Item:
    if sku is not None:
        return await queries.get_item_by_sku(call.db, call.project_id, sku, (kind,), missing=missing)
    assert item_id is not None
    found = await queries.find_item_by_id(call.db, call.project_id, item_id, (kind,))
    if found is None:
        raise missing(item_id=item_id)
    return found


async def _known(db: Session, project_id: int, draft: ItemDraft, existing: Item | None) -> Known:
    items = await queries.find_known_items(db, project_id, rules.named_skus((draft, *draft.keys)))
    # A new bundle is in no other, so that it closes no circle.
    if draft.kind is not ItemKind.BUNDLE or existing is None:
        return Known(items)
    content = [items[entry.sku].item_id for entry in draft.content if entry.sku in items]
    return Known(items, frozenset(await queries.find_item_ids_inside(db, project_id, content)))


def _check(draft: ItemDraft, known: Known, existing: Item | None) -> None:
    faults = rules.draft_faults(draft, known, None if existing is None else existing.item_id)
    if existing is not None and draft.sku != existing.sku:
        faults.insert(0, Fault("sku", f"the SKU of an item stays what it is: {existing.sku}"))
    if faults:
        raise invalid(STORE.invalid, faults)
    without_default = rules.default_price_faults(draft)
    if without_default:
        skus = ", ".join(sku for sku, _ in without_default)
        raise DEFAULT_PRICE_MISSING(sku=skus, faults=[fault for _, fault in without_default])


async def _lock_regions(db: Session, project_id: int, draft: ItemDraft) -> None:
    wanted = {region_id for one in (draft, *draft.keys) for region_id in one.region_ids}
    if not wanted:
        return
    faults = rules.region_faults(draft, {region.region_id for region in await list_regions(db, project_id)})
    if faults:
        raise REGION_NOT_FOUND(faults=faults)
    await lock_regions(db, project_id, wanted)


def item_of(
    draft: ItemDraft,
    project_id: int,
    *,
    links: tuple[AttributeLink, ...],
    groups: Mapping[str, Group],
    known: Mapping[str, KnownItem],
    now: datetime,
) -> Item:
    """The item that a draft makes; its id is given when it is stored."""
    content = tuple(ContentEntry(known[entry.sku].item_id, entry.quantity) for entry in draft.content)
    return Item(
        project_id=project_id,
        item_id=0,
        sku=draft.sku,
        kind=draft.kind,
        name=draft.name,
        description=draft.description,
        long_description=draft.long_description,
        image_url=draft.image_url,
        media_list=draft.media_list,
        attributes=links,
        custom_attributes=draft.custom_attributes or None,
        group_ids=tuple(groups[group].group_id for group in dict.fromkeys(draft.groups)),
        prices=draft.prices,
        virtual_prices=draft.virtual_prices,
        is_free=draft.is_free,
        is_enabled=draft.is_enabled,
        is_show_in_store=draft.is_show_in_store,
        sort_order=draft.sort_order,
        region_ids=tuple(dict.fromkeys(draft.region_ids)),
        periods=draft.periods,
        limits=draft.limits,
        pre_order=draft.pre_order,
        details=replace(draft.details, content=content),
        created_at=now,
        updated_at=now,
    )


async def _write(db: Session, item: Item, existing: Item | None) -> int:
    if existing is None:
        item_id = await queries.add_item(db, item)
        if item_id is None:
            raise ITEM_EXISTS(project_id=item.project_id, sku=item.sku, faults=[Fault("sku", "is taken")])
    else:
        item_id = existing.item_id
        await queries.replace_item(db, replace(item, item_id=item_id))
    per_item = None if item.limits is None else item.limits.per_item
    if existing is not None or per_item is not None:
        await save_stock(db, item.project_id, item_id, per_item, now=item.updated_at)
    return item_id


async def _write_keys(db: Session, project_id: int, game_id: int, keys: Iterable[Item], now: datetime) -> None:
    """Bring the keys of a game to those given: by SKU some are changed, some are new, and the others go."""
    left = {key.sku: key for key in await queries.lock_keys_of_game(db, project_id, game_id)}
    for key in keys:
        await _write(db, replace(key, parent_item_id=game_id), left.pop(key.sku, None))
    for gone in left.values():
        await queries.delete_item(db, project_id, gone.item_id, now=now)
