"""Changes of value points and of what they come with."""

from collections.abc import Sequence
from dataclasses import replace

from haversack.catalog.items.actions import save_item
from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.items.queries import delete_item, find_known_items, get_item_by_sku, lock_item
from haversack.catalog.records import SELLABLE_KINDS, Details, Item, ItemKind
from haversack.catalog.value_points import queries
from haversack.catalog.versions import touch_catalog
from haversack.chains.queries.chains import list_chains_of_points
from haversack.database.engine import Session
from haversack.errors import ITEM_NOT_FOUND, REWARDED_ITEMS_NOT_FOUND, STORE, VALUE_POINT_IN_USE, Fault
from haversack.http.calls import AdminCall
from haversack.http.problems import invalid

KINDS = (ItemKind.VALUE_POINT,)
SHOWN_MAX = 20


async def update_value_point(call: AdminCall, draft: ItemDraft, *, sku: str, is_clan: bool | None) -> None:
    """Put a draft in the place of a value point. Whether it belongs to clans stays; is_clan None does not say."""
    async with call.db.begin():
        existing = await get_item_by_sku(call.db, call.project_id, sku, KINDS)
        if is_clan is not None and is_clan != existing.details.is_clan:
            faults = [Fault("is_clan", f"stays what it is: {str(existing.details.is_clan).lower()}")]
            raise invalid(STORE.invalid, faults)
        kept = replace(draft, details=Details(is_clan=existing.details.is_clan))
        await save_item(call.db, call.project_id, kept, now=call.now, existing=existing)
        await touch_catalog(call, call.project_id)


async def delete_value_point(call: AdminCall, sku: str) -> None:
    """Delete a value point, or VALUE_POINT_IN_USE where a chain counts it."""
    async with call.db.begin():
        existing = await _lock(call, sku)
        used_by = await list_chains_of_points(call.db, call.project_id, [existing.item_id])
        if used_by:
            named = ", ".join(str(chain.chain_id) for chain in used_by[:SHOWN_MAX])
            raise VALUE_POINT_IN_USE(sku=sku, chains=named)
        await delete_item(call.db, call.project_id, existing.item_id, now=call.now)
        await touch_catalog(call, call.project_id)


async def is_deletable(db: Session, item: Item) -> bool:
    """Whether no chain counts a value point."""
    return not await list_chains_of_points(db, item.project_id, [item.item_id])


async def set_rewards(call: AdminCall, sku: str, given: Sequence[tuple[str, int]], *, keeps_others: bool) -> None:
    """Let so many of a value point come with items, by SKU; 0: none. Of a SKU that is named twice the last counts.

    keeps_others: what is not named keeps its amount, else it has none afterwards.
    """
    async with call.db.begin():
        point = await _lock(call, sku)
        ids = await _rewarded_ids(call, [each for each, _ in given])
        amounts = {ids[each]: amount for each, amount in given}
        if keeps_others:
            gone = [item_id for item_id, amount in amounts.items() if not amount]
            await queries.forget_items(call.db, call.project_id, point.item_id, gone)
        else:
            await queries.forget_all_items(call.db, call.project_id, point.item_id)
        kept = {item_id: amount for item_id, amount in amounts.items() if amount}
        await queries.set_amounts(call.db, call.project_id, point.item_id, kept)
        await touch_catalog(call, call.project_id)


async def _lock(call: AdminCall, sku: str) -> Item:
    found = await lock_item(call.db, call.project_id, KINDS, sku=sku)
    if found is None:
        raise ITEM_NOT_FOUND(project_id=call.project_id, sku=sku)
    return found


async def _rewarded_ids(call: AdminCall, skus: Sequence[str]) -> dict[str, int]:
    known = await find_known_items(call.db, call.project_id, skus)
    unknown = [(place, sku) for place, sku in enumerate(skus) if sku not in known]
    if unknown:
        faults = [Fault(f"{place}.sku", f"there is no item {sku}") for place, sku in unknown]
        raise REWARDED_ITEMS_NOT_FOUND(skus=", ".join(sku for _, sku in unknown[:SHOWN_MAX]), faults=faults)
    faults = [
        Fault(f"{place}.sku", f"{sku} is a {known[sku].kind.value.replace('_', ' ')}, which is not for sale of itself")
        for place, sku in enumerate(skus)
        if known[sku].kind not in SELLABLE_KINDS
    ]
    if faults:
        raise invalid(STORE.invalid, faults)
    return {sku: item.item_id for sku, item in known.items()}
