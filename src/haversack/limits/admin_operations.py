"""Operations with which a studio looks at and changes what a player may still have of an item."""

from typing import Annotated

from fastapi import Query

from haversack.catalog.items.queries import find_item_by_sku
from haversack.catalog.records import Item
from haversack.errors import (
    ITEM_LIMIT_OUT_OF_RANGE,
    ITEM_SKU_NOT_FOUND,
    ITEM_WITHOUT_USER_LIMIT,
    PLAYER_UNKNOWN,
    STORE,
)
from haversack.http.area import Area
from haversack.http.calls import AdminCall
from haversack.limits import actions
from haversack.limits.wire import (
    AddBody,
    ExternalId,
    ResetAllBody,
    ResetItemBody,
    SetBody,
    UserLimitView,
)

area = Area("user-limits-admin", family=STORE, prefix="/api/v2/project/{project_id}/admin/user/limit/item")

REFUSALS = (ITEM_SKU_NOT_FOUND, ITEM_WITHOUT_USER_LIMIT, PLAYER_UNKNOWN)


async def _item(call: AdminCall, sku: str) -> Item:
    item = await find_item_by_sku(call.db, call.project_id, sku)
    if item is None:
        raise ITEM_SKU_NOT_FOUND(sku=sku)
    return item


@area.get("/sku/{item_sku}", errors=REFUSALS)
async def get_user_item_limit(
    call: AdminCall, item_sku: str, user_external_id: Annotated[ExternalId, Query()]
) -> UserLimitView:
    """Show what a player may still have of an item."""
    item = await _item(call, item_sku)
    return UserLimitView.of(await actions.find_left(call, item, user_external_id))


@area.post("/sku/{item_sku}", errors=(*REFUSALS, ITEM_LIMIT_OUT_OF_RANGE), audit="user limit of an item raised")
async def add_user_item_limit(call: AdminCall, item_sku: str, body: AddBody) -> UserLimitView:
    """Let a player have more of an item."""
    item = await _item(call, item_sku)
    return UserLimitView.of(await actions.add_left(call, item, body.user.user_external_id, body.available))


@area.put("/sku/{item_sku}", errors=(*REFUSALS, ITEM_LIMIT_OUT_OF_RANGE), audit="user limit of an item set")
async def set_user_item_limit(call: AdminCall, item_sku: str, body: SetBody) -> UserLimitView:
    """Set what a player may still have of an item."""
    item = await _item(call, item_sku)
    return UserLimitView.of(await actions.set_left(call, item, body.user.user_external_id, body.available))


@area.delete("/sku/{item_sku}", errors=(*REFUSALS, ITEM_LIMIT_OUT_OF_RANGE), audit="user limit of an item lowered")
async def remove_user_item_limit(call: AdminCall, item_sku: str, body: AddBody) -> UserLimitView:
    """Let a player have fewer of an item."""
    item = await _item(call, item_sku)
    return UserLimitView.of(await actions.add_left(call, item, body.user.user_external_id, -body.available))


@area.delete("/sku/{item_sku}/all", errors=REFUSALS, audit="user limit of an item reset")
async def reset_user_item_limit(call: AdminCall, item_sku: str, body: ResetItemBody) -> None:
    """Let a player begin anew with an item; without a user, everybody."""
    item = await _item(call, item_sku)
    await actions.reset_item(call, item, body.user.user_external_id if body.user else None)


@area.delete("/all", errors=(PLAYER_UNKNOWN,), audit="user limits of all items reset")
async def reset_all_user_items_limit(call: AdminCall, body: ResetAllBody) -> None:
    """Let a player begin anew with every item."""
    await actions.reset_player(call, body.user.user_external_id)
