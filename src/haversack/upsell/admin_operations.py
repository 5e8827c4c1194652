"""Operations with which a studio sets the project's upsell up."""

from haversack.catalog.items.queries import list_items_by_ids
from haversack.catalog.items.related import load_related
from haversack.errors import AUTHORIZATION_MISSING, STORE, UPSELL_ITEMS_NOT_FOUND, Fault
from haversack.http.area import Area
from haversack.http.calls import AdminCall
from haversack.http.problems import invalid
from haversack.upsell import actions
from haversack.upsell.queries import find_upsell
from haversack.upsell.wire import UpsellBody, UpsellView

area = Area("upsell-admin", family=STORE, prefix="/api/v2/project/{project_id}/admin/items/upsell")

TOGGLES = {"activate": True, "deactivate": False}


@area.get("", errors=(AUTHORIZATION_MISSING,))
async def get_upsell_configurations_for_project_admin(call: AdminCall) -> list[UpsellView]:
    """Get the project's upsell: a list of one, or of none."""
    upsell = await find_upsell(call.db, call.project_id)
    if upsell is None:
        return []
    items = await list_items_by_ids(call.db, call.project_id, upsell.item_ids)
    related = await load_related(call.db, call.project_id, items)
    return [UpsellView.of(upsell, {item.item_id: item for item in items}, related)]


async def _save(call: AdminCall, body: UpsellBody) -> None:
    await actions.save_upsell(call, body.type, is_enabled=body.is_enabled, skus=body.skus())


@area.post("", status=202, errors=(AUTHORIZATION_MISSING, UPSELL_ITEMS_NOT_FOUND), audit="upsell set up")
async def post_upsell(call: AdminCall, body: UpsellBody) -> None:
    """Set the project's upsell up; it takes the place of the one before."""
    await _save(call, body)


@area.put("", status=202, errors=(AUTHORIZATION_MISSING, UPSELL_ITEMS_NOT_FOUND), audit="upsell changed")
async def put_upsell(call: AdminCall, body: UpsellBody) -> None:
    """Set the project's upsell anew."""
    await _save(call, body)


@area.put("/{toggle}", status=202, errors=(AUTHORIZATION_MISSING,), audit="upsell switched")
async def put_upsell_toggle_active_inactive(call: AdminCall, toggle: str) -> None:
    """Switch the project's upsell on (`activate`) or off (`deactivate`)."""
    if toggle not in TOGGLES:
        raise invalid(STORE.invalid, [Fault("toggle", "must be activate or deactivate")])
    await actions.switch_upsell(call, is_enabled=TOGGLES[toggle])
