"""Setting a project's upsell up."""

from collections.abc import Sequence

from haversack.catalog.items.queries import find_known_items
from haversack.catalog.records import SELLABLE_KINDS, ItemKind
from haversack.errors import STORE, UPSELL_ITEMS_NOT_FOUND, Fault
from haversack.http.calls import AdminCall
from haversack.http.problems import invalid
from haversack.upsell import queries
from haversack.upsell.records import Upsell, UpsellType

OFFERED_KINDS = (*SELLABLE_KINDS, ItemKind.GAME)


async def save_upsell(call: AdminCall, type_: UpsellType, *, is_enabled: bool, skus: Sequence[str]) -> None:
    """Set the project's upsell up, in the place of the one before; UPSELL_ITEMS_NOT_FOUND names the unknown SKUs."""
    async with call.db.begin():
        known = await find_known_items(call.db, call.project_id, skus)
        missing = [sku for sku in skus if sku not in known or known[sku].kind not in OFFERED_KINDS]
        if missing:
            raise UPSELL_ITEMS_NOT_FOUND(skus=", ".join(missing))
        upsell = Upsell(type_, is_enabled, tuple(known[sku].item_id for sku in skus))
        await queries.save_upsell(call.db, call.project_id, upsell, now=call.now)


async def switch_upsell(call: AdminCall, *, is_enabled: bool) -> None:
    """Switch the project's upsell on or off."""
    async with call.db.begin():
        if not await queries.switch_upsell(call.db, call.project_id, is_enabled=is_enabled, now=call.now):
            raise invalid(STORE.invalid, [Fault("toggle", "there is no upsell to switch: set one up first")])
