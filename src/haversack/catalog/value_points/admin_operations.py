"""The studio's operations on value points, and on how many of them come with items."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query
from pydantic import Field

from haversack.catalog.items.actions import create_item
from haversack.catalog.items.queries import get_item_by_sku, list_page
from haversack.catalog.records import ItemKind
from haversack.catalog.value_points import actions
from haversack.catalog.value_points.queries import list_rewarded
from haversack.catalog.value_points.wire import (
    ListedValuePointView,
    MadeValuePointView,
    PatchedRewards,
    RewardBody,
    RewardedItemListView,
    RewardedItemView,
    ValuePointBody,
    ValuePointListView,
    ValuePointView,
    WholeRewards,
)
from haversack.errors import (
    ITEM_EXISTS,
    ITEM_NOT_FOUND,
    REWARDED_ITEMS_NOT_FOUND,
    STORE,
    VALUE_POINT_IN_USE,
)
from haversack.http.area import Area
from haversack.http.calls import AdminCall
from haversack.http.wire import WireModel

area = Area("reward-chain-value-points-admin", family=STORE, prefix="/api")

ROOT = "/v2/project/{project_id}/admin/items"
POINTS = f"{ROOT}/value_points"
REWARDS = f"{ROOT}/{{value_point_sku}}/value_points/rewards"
PAGE_MAX = 50
INT32_MAX = 2**31 - 1


class ValuePointPageQuery(WireModel):
    """Which page of the list; at most 50 value points at once."""

    limit: int = Field(default=PAGE_MAX, ge=1)
    offset: int = Field(default=0, ge=0, le=INT32_MAX)


@area.get(POINTS)
async def admin_get_value_points_list(
    call: AdminCall, page: Annotated[ValuePointPageQuery, Query()]
) -> ValuePointListView:
    """Get a page of the value points, in their order."""
    limit = min(page.limit, PAGE_MAX)
    found = await list_page(call.db, call.project_id, ItemKind.VALUE_POINT, limit=limit, offset=page.offset)
    return ValuePointListView(items=[ListedValuePointView.of(item) for item in found])


@area.post(POINTS, status=201, errors=(ITEM_EXISTS,), audit="value point created")
async def admin_create_value_points(call: AdminCall, body: ValuePointBody) -> MadeValuePointView:
    """Create a value point, of players or of clans."""
    return MadeValuePointView(item_id=await create_item(call, body.draft(call.now)), sku=body.sku)


@area.get(f"{POINTS}/sku/{{item_sku}}", errors=(ITEM_NOT_FOUND,))
async def admin_get_value_point(call: AdminCall, item_sku: str) -> ValuePointView:
    """Get a value point."""
    item = await get_item_by_sku(call.db, call.project_id, item_sku, actions.KINDS)
    return ValuePointView.of_one(item, can_delete=await actions.is_deletable(call.db, item))


@area.put(f"{POINTS}/sku/{{item_sku}}", status=204, errors=(ITEM_NOT_FOUND,), audit="value point replaced")
async def admin_update_value_point(call: AdminCall, item_sku: str, body: ValuePointBody) -> None:
    """Replace a value point. What is left out falls back to its default."""
    await actions.update_value_point(call, body.draft(call.now), sku=item_sku, is_clan=body.is_clan)


@area.delete(
    f"{POINTS}/sku/{{item_sku}}",
    status=204,
    errors=(ITEM_NOT_FOUND, VALUE_POINT_IN_USE),
    audit="value point deleted",
)
async def admin_delete_value_point(call: AdminCall, item_sku: str) -> None:
    """Delete a value point that no chain counts. Its SKU stays taken."""
    await actions.delete_value_point(call, item_sku)


@area.get(REWARDS, errors=(ITEM_NOT_FOUND,))
async def admin_get_items_value_point_reward(call: AdminCall, value_point_sku: str) -> RewardedItemListView:
    """List the items that a value point comes with."""
    item = await get_item_by_sku(call.db, call.project_id, value_point_sku, actions.KINDS)
    found = await list_rewarded(call.db, call.project_id, item.item_id)
    return RewardedItemListView(items=[RewardedItemView.of(each) for each in found])


@area.put(REWARDS, status=204, errors=(ITEM_NOT_FOUND, REWARDED_ITEMS_NOT_FOUND), audit="value point rewards replaced")
async def admin_set_items_value_point_reward(call: AdminCall, value_point_sku: str, body: WholeRewards) -> None:
    """Say which items a value point comes with; it comes with no others any more."""
    await actions.set_rewards(call, value_point_sku, _amounts(body), keeps_others=False)


@area.patch(REWARDS, status=204, errors=(ITEM_NOT_FOUND, REWARDED_ITEMS_NOT_FOUND), audit="value point rewards changed")
async def admin_patch_items_value_point_reward(call: AdminCall, value_point_sku: str, body: PatchedRewards) -> None:
    """Change with how many of a value point some items come; 0: with none."""
    await actions.set_rewards(call, value_point_sku, _amounts(body), keeps_others=True)


@area.delete(REWARDS, status=204, errors=(ITEM_NOT_FOUND,), audit="value point rewards deleted")
async def admin_delete_items_value_point_reward(call: AdminCall, value_point_sku: str) -> None:
    """Let a value point come with nothing."""
    await actions.set_rewards(call, value_point_sku, (), keeps_others=False)


def _amounts(body: Sequence[RewardBody]) -> list[tuple[str, int]]:
    return [(reward.sku, reward.amount) for reward in body]
