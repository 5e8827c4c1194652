"""Attributes, groups and regions, as a studio's back end reads and changes them."""

from typing import Annotated, Literal

from fastapi import Path, Query

from haversack.catalog.taxonomy import actions, rules
from haversack.catalog.taxonomy.queries import attributes as attribute_queries
from haversack.catalog.taxonomy.queries import groups as group_queries
from haversack.catalog.taxonomy.queries import regions as region_queries
from haversack.catalog.taxonomy.records import GroupFill, NewGroup
from haversack.catalog.taxonomy.wire import (
    INT32_MAX,
    AttributeListView,
    AttributeValueBody,
    AttributeView,
    DefinitionBody,
    ExternalIdView,
    GroupBody,
    GroupListView,
    GroupOfTypeListView,
    GroupOfTypeView,
    GroupPlaces,
    GroupView,
    RegionBody,
    RegionIdView,
    RegionListView,
    RegionView,
)
from haversack.errors import (
    ATTRIBUTE_NOT_FOUND,
    ATTRIBUTE_VALUE_EXISTS,
    ATTRIBUTE_VALUE_INVALID,
    ATTRIBUTE_VALUE_NOT_FOUND,
    ATTRIBUTE_VALUES_USED_UP,
    AUTHORIZATION_NOT_SENT,
    GROUP_NOT_FOUND,
    REGION_IN_USE,
    REGION_NOT_FOUND,
    STORE,
)
from haversack.http.area import Area
from haversack.http.calls import AdminCall

attributes_area = Area("attribute-admin", family=STORE, prefix="/api")
groups_area = Area("item-groups-admin", family=STORE, prefix="/api")
regions_area = Area("common-regions", family=STORE, prefix="/api")
# The same calls under paths that the document cannot name: types of items that are written with a slash.
slashed_area = Area("item-groups-admin", family=STORE, prefix="/api", in_document=False)

ADMIN = "/v2/project/{project_id}/admin"
PAGE_MAX = 50
NO_ITEMS = GroupFill(0, has_items=False)

Id = Annotated[int, Path(ge=1, le=INT32_MAX)]
Limit = Annotated[int, Query(ge=1, description=f"above {PAGE_MAX}: {PAGE_MAX}")]
Offset = Annotated[int, Query(ge=0, le=INT32_MAX)]
ItemType = Literal[
    "virtual_items",
    "virtual_currency",
    "virtual_currency/package",
    "game/key",
    "bundle",
    "game",
    "value_points",
    "subscription_plans",
]

# -- Attributes -----------------------------------------------------------------------------------------------------


@attributes_area.get(f"{ADMIN}/attribute")
async def admin_get_attribute_list(call: AdminCall, limit: Limit = PAGE_MAX, offset: Offset = 0) -> AttributeListView:
    """List the attributes of the project, without their values."""
    size = min(limit, PAGE_MAX)
    shown, total = await attribute_queries.page_of_attributes(call.db, call.project_id, offset=offset, limit=size)
    return AttributeListView.of(shown, total=total, has_more=offset + len(shown) < total)


@attributes_area.post(f"{ADMIN}/attribute", status=201, audit="attribute created")
async def admin_create_attribute(call: AdminCall, body: DefinitionBody) -> ExternalIdView:
    """Create an attribute that items can be described by."""
    await actions.create_attribute(call, external_id=body.external_id, name=body.name)
    return ExternalIdView(external_id=body.external_id)


@attributes_area.get(f"{ADMIN}/attribute/{{external_id}}", errors=(ATTRIBUTE_NOT_FOUND,))
async def admin_get_attribute(call: AdminCall, external_id: str) -> AttributeView:
    """Get an attribute with its values."""
    return AttributeView.of(await attribute_queries.get_attribute(call.db, call.project_id, external_id))


@attributes_area.put(
    f"{ADMIN}/attribute/{{external_id}}", status=204, errors=(ATTRIBUTE_NOT_FOUND,), audit="attribute updated"
)
async def admin_update_attribute(call: AdminCall, external_id: str, body: DefinitionBody) -> None:
    """Give an attribute another name or external id; its values stay."""
    await actions.update_attribute(call, external_id, new_external_id=body.external_id, name=body.name)


@attributes_area.delete(
    f"{ADMIN}/attribute/{{external_id}}", status=204, errors=(ATTRIBUTE_NOT_FOUND,), audit="attribute deleted"
)
async def delete_attribute(call: AdminCall, external_id: str) -> None:
    """Delete an attribute with its values, and take it off all items."""
    await actions.delete_attribute(call, external_id)


@attributes_area.post(
    f"{ADMIN}/attribute/{{external_id}}/value",
    status=201,
    errors=(
        ATTRIBUTE_NOT_FOUND,
        ATTRIBUTE_VALUE_EXISTS,
        ATTRIBUTE_VALUES_USED_UP,
        AUTHORIZATION_NOT_SENT,
    ),
    invalid=ATTRIBUTE_VALUE_INVALID,
    audit="attribute value created",
)
async def admin_create_attribute_value(call: AdminCall, external_id: str, body: AttributeValueBody) -> ExternalIdView:
    """Give an attribute a value; it can have 20."""
    await actions.create_value(call, external_id, body.record())
    return ExternalIdView(external_id=body.external_id)


@attributes_area.delete(
    f"{ADMIN}/attribute/{{external_id}}/value",
    status=204,
    errors=(ATTRIBUTE_NOT_FOUND, AUTHORIZATION_NOT_SENT),
    audit="all values of an attribute deleted",
)
async def admin_delete_all_attribute_value(call: AdminCall, external_id: str) -> None:
    """Delete all values of an attribute, and take it off all items."""
    await actions.delete_values(call, external_id)


@attributes_area.put(
    f"{ADMIN}/attribute/{{external_id}}/value/{{value_external_id}}",
    status=204,
    errors=(
        ATTRIBUTE_NOT_FOUND,
        ATTRIBUTE_VALUE_NOT_FOUND,
        ATTRIBUTE_VALUE_EXISTS,
        AUTHORIZATION_NOT_SENT,
    ),
    invalid=ATTRIBUTE_VALUE_INVALID,
    audit="attribute value updated",
)
async def admin_update_attribute_value(
    call: AdminCall, external_id: str, value_external_id: str, body: AttributeValueBody
) -> None:
    """Give a value another text or external id."""
    await actions.update_value(call, external_id, value_external_id, body.record())


@attributes_area.delete(
    f"{ADMIN}/attribute/{{external_id}}/value/{{value_external_id}}",
    status=204,
    errors=(ATTRIBUTE_NOT_FOUND, ATTRIBUTE_VALUE_NOT_FOUND, AUTHORIZATION_NOT_SENT),
    audit="attribute value deleted",
)
async def admin_delete_attribute_value(call: AdminCall, external_id: str, value_external_id: str) -> None:
    """Delete a value of an attribute, and take it off all items."""
    await actions.delete_value(call, external_id, value_external_id)


# -- Groups ---------------------------------------------------------------------------------------------------------


@groups_area.get(f"{ADMIN}/items/groups")
async def admin_get_item_group_list(call: AdminCall) -> GroupListView:
    """List the groups of the project, disabled ones too."""
    groups = await group_queries.list_groups(call.db, call.project_id)
    fills = await group_queries.count_items_of_groups(call.db, call.project_id)
    return GroupListView.of([GroupView.of(group, fills.get(group.group_id, NO_ITEMS)) for group in groups])


@groups_area.post(f"{ADMIN}/items/groups", status=201, audit="item group created")
async def admin_create_item_group(call: AdminCall, body: GroupBody) -> ExternalIdView:
    """Create a group of items."""
    await actions.create_group(call, _new_group(body))
    return ExternalIdView(external_id=body.external_id)


@groups_area.get(f"{ADMIN}/items/groups/{{external_id}}", errors=(GROUP_NOT_FOUND,))
async def admin_get_item_group(call: AdminCall, external_id: str) -> GroupView:
    """Get a group."""
    group = await group_queries.get_group(call.db, call.project_id, external_id)
    fills = await group_queries.count_items_of_groups(call.db, call.project_id, group_id=group.group_id)
    return GroupView.of(group, fills.get(group.group_id, NO_ITEMS))


@groups_area.put(
    f"{ADMIN}/items/groups/{{external_id}}",
    status=204,
    errors=(GROUP_NOT_FOUND,),
    audit="item group updated",
)
async def admin_update_item_group(call: AdminCall, external_id: str, body: GroupBody) -> None:
    """Describe a group anew, under another external id if the body has one."""
    await actions.update_group(call, external_id, _new_group(body))


@groups_area.delete(
    f"{ADMIN}/items/groups/{{external_id}}",
    status=204,
    errors=(GROUP_NOT_FOUND,),
    audit="item group deleted",
)
async def admin_delete_item_group(call: AdminCall, external_id: str) -> None:
    """Delete a group; its items stay, and its children move to the top."""
    await actions.delete_group(call, external_id)


@groups_area.get(f"{ADMIN}/items/{{item_type}}/groups")
async def admin_get_item_group_list_by_item_type(call: AdminCall, item_type: ItemType) -> GroupOfTypeListView:
    """List the groups of the project with how many items of a type are in each."""
    return await _groups_of_type(call, item_type)


@groups_area.get(f"{ADMIN}/items/{{item_type}}/groups/{{external_id}}", errors=(GROUP_NOT_FOUND,))
async def admin_get_item_group_by_item_type(call: AdminCall, item_type: ItemType, external_id: str) -> GroupOfTypeView:
    """Get a group with how many items of a type are in it."""
    return await _group_of_type(call, item_type, external_id)


@slashed_area.get(f"{ADMIN}/items/virtual_currency/package/groups")
async def admin_get_item_group_list_of_packages(call: AdminCall) -> GroupOfTypeListView:
    """List the groups of the project with how many currency packages are in each."""
    return await _groups_of_type(call, "virtual_currency/package")


@slashed_area.get(f"{ADMIN}/items/virtual_currency/package/groups/{{external_id}}", errors=(GROUP_NOT_FOUND,))
async def admin_get_item_group_of_packages(call: AdminCall, external_id: str) -> GroupOfTypeView:
    """Get a group with how many currency packages are in it."""
    return await _group_of_type(call, "virtual_currency/package", external_id)


@slashed_area.get(f"{ADMIN}/items/game/key/groups")
async def admin_get_item_group_list_of_game_keys(call: AdminCall) -> GroupOfTypeListView:
    """List the groups of the project with how many game keys are in each."""
    return await _groups_of_type(call, "game/key")


@slashed_area.get(f"{ADMIN}/items/game/key/groups/{{external_id}}", errors=(GROUP_NOT_FOUND,))
async def admin_get_item_group_of_game_keys(call: AdminCall, external_id: str) -> GroupOfTypeView:
    """Get a group with how many game keys are in it."""
    return await _group_of_type(call, "game/key", external_id)


@groups_area.put(
    f"{ADMIN}/group/id/{{id}}/order/item",
    status=204,
    errors=(GROUP_NOT_FOUND,),
    audit="items of a group put in order",
)
async def admin_reorder_items_in_group_by_id(
    call: AdminCall, group_id: Annotated[int, Path(alias="id", ge=1, le=INT32_MAX)], body: GroupPlaces
) -> None:
    """Put items of a group in order, all or nothing; those that are not named stay where they are."""
    await actions.order_items_of_group(call, group_id, [(place.item_id, place.order) for place in body])


@groups_area.put(
    f"{ADMIN}/group/{{external_id}}/order/item",
    status=204,
    errors=(GROUP_NOT_FOUND,),
    audit="items of a group put in order",
)
async def admin_reorder_items_in_group(call: AdminCall, external_id: str, body: GroupPlaces) -> None:
    """Put items of a group in order, all or nothing; those that are not named stay where they are."""
    await actions.order_items_of_group(call, external_id, [(place.item_id, place.order) for place in body])


def _new_group(body: GroupBody) -> NewGroup:
    return NewGroup(
        external_id=body.external_id,
        name=body.name,
        description=body.description,
        image_url=body.iconUrl,
        is_enabled=body.isEnabled,
        sort_order=body.order,
    )


async def _groups_of_type(call: AdminCall, item_type: ItemType) -> GroupOfTypeListView:
    groups = await group_queries.list_groups(call.db, call.project_id)
    fills = await group_queries.count_items_of_groups(call.db, call.project_id, kinds=rules.KINDS_OF_PATH[item_type])
    return GroupOfTypeListView.of([GroupOfTypeView.of(group, fills.get(group.group_id, NO_ITEMS)) for group in groups])


async def _group_of_type(call: AdminCall, item_type: ItemType, external_id: str) -> GroupOfTypeView:
    group = await group_queries.get_group(call.db, call.project_id, external_id)
    fills = await group_queries.count_items_of_groups(
        call.db, call.project_id, kinds=rules.KINDS_OF_PATH[item_type], group_id=group.group_id
    )
    return GroupOfTypeView.of(group, fills.get(group.group_id, NO_ITEMS))


# -- Regions --------------------------------------------------------------------------------------------------------


@regions_area.get(f"{ADMIN}/region")
async def admin_get_regions(call: AdminCall) -> RegionListView:
    """List the regions of the project."""
    return RegionListView.of(await region_queries.list_regions(call.db, call.project_id))


@regions_area.post(f"{ADMIN}/region", status=201, audit="region created")
async def admin_create_region(call: AdminCall, body: RegionBody) -> RegionIdView:
    """Create a region of countries in which items can be sold."""
    region_id = await actions.create_region(call, name=body.name, countries=body.countries)
    return RegionIdView(region_id=region_id)


@regions_area.get(f"{ADMIN}/region/{{region_id}}", errors=(REGION_NOT_FOUND,))
async def admin_get_region(call: AdminCall, region_id: Id) -> RegionView:
    """Get a region with its countries."""
    return RegionView.of(await region_queries.get_region(call.db, call.project_id, region_id))


@regions_area.put(f"{ADMIN}/region/{{region_id}}", status=204, errors=(REGION_NOT_FOUND,), audit="region updated")
async def admin_update_region(call: AdminCall, region_id: Id, body: RegionBody) -> None:
    """Change a region, for the items that are sold in it too."""
    await actions.update_region(call, region_id, name=body.name, countries=body.countries)


@regions_area.delete(
    f"{ADMIN}/region/{{region_id}}",
    status=204,
    errors=(REGION_NOT_FOUND, REGION_IN_USE),
    audit="region deleted",
)
async def admin_delete_region(call: AdminCall, region_id: Id) -> None:
    """Delete a region that no item is sold in and no codes are kept for."""
    await actions.delete_region(call, region_id)
