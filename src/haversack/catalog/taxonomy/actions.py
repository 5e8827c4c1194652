"""Changes of attributes, groups and regions, and the making of attributes that items bring with them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from haversack.catalog.records import Attribute, AttributeLink, AttributeValue, Group
from haversack.catalog.taxonomy import rules
from haversack.catalog.taxonomy.queries import attributes as attribute_queries
from haversack.catalog.taxonomy.queries import groups as group_queries
from haversack.catalog.taxonomy.queries import regions as region_queries
from haversack.catalog.taxonomy.records import GivenAttribute, GivenValue, NewGroup
from haversack.catalog.versions import touch_catalog
from haversack.database.engine import Session
from haversack.errors import (
    ATTRIBUTE_VALUE_EXISTS,
    ATTRIBUTE_VALUE_NOT_FOUND,
    REGION_IN_USE,
    STORE,
    Fault,
    Refusal,
)
from haversack.http.calls import AdminCall
from haversack.http.problems import invalid
from haversack.text import Translations

REGION_USERS_SHOWN_MAX = 20


def _taken(what: str) -> Refusal:
    return invalid(STORE.invalid, [Fault("external_id", f"is taken by another {what} of the project")])


# -- Attributes -----------------------------------------------------------------------------------------------------


async def resolve_attributes(
    db: Session, project_id: int, given: Sequence[GivenAttribute], now: datetime
) -> tuple[AttributeLink, ...]:
    """The links of an item to its attributes. Missing attributes and values are made; known ones keep their texts.

    Works in the caller's transaction, and holds the attributes against deletion until it ends: call it before locking
    items, as deleting an attribute does. TOO_MANY_ITEM_ATTRIBUTES, TOO_MANY_ITEM_ATTRIBUTE_VALUES,
    ATTRIBUTE_VALUES_USED_UP.
    """
    wanted = rules.fold_attributes(given)
    if not wanted:
        return ()
    assert db.in_transaction, "the links belong to the transaction of the item"
    external_ids = [each.external_id for each in wanted]
    known = await attribute_queries.lock_attributes_for_links(db, project_id, external_ids)
    while names := rules.new_names(wanted, known):
        # One that somebody else makes or deletes at this moment is looked at again.
        await attribute_queries.add_attributes(db, project_id, names, now)
        known = await attribute_queries.lock_attributes_for_links(db, project_id, external_ids)
    growing = [each.external_id for each in wanted if rules.new_values(each, known[each.external_id])]
    if growing:
        known |= await attribute_queries.lock_attributes_for_values(db, project_id, growing)
        for each in wanted:
            attribute = known[each.external_id]
            texts = rules.new_values(each, attribute)
            if texts:
                await attribute_queries.add_values(db, project_id, attribute.attribute_id, texts, now)
        known |= await attribute_queries.find_attributes(db, project_id, growing)
    return tuple(rules.link_of(each, known[each.external_id]) for each in wanted)


async def create_attribute(call: AdminCall, *, external_id: str, name: Translations) -> None:
    """Make an attribute without values."""
    async with call.db.begin():
        if not await attribute_queries.add_attributes(call.db, call.project_id, {external_id: name}, call.now):
            raise _taken("attribute")
        await touch_catalog(call, call.project_id)


async def update_attribute(call: AdminCall, external_id: str, *, new_external_id: str, name: Translations) -> None:
    """Give an attribute another name or external id. Its values and the links of items stay."""
    async with call.db.begin():
        attribute = await attribute_queries.lock_attribute_for_values(call.db, call.project_id, external_id)
        try:
            async with call.db.begin():
                await attribute_queries.update_attribute(
                    call.db,
                    call.project_id,
                    attribute.attribute_id,
                    external_id=new_external_id,
                    name=name,
                )
        except asyncpg.UniqueViolationError:
            raise _taken("attribute") from None
        await touch_catalog(call, call.project_id)


async def delete_attribute(call: AdminCall, external_id: str) -> None:
    """Delete an attribute, its values and the links that items have to it."""
    async with call.db.begin():
        attribute = await attribute_queries.lock_attribute_for_delete(call.db, call.project_id, external_id)
        await _unlink(call, attribute, None)
        await attribute_queries.delete_attribute(call.db, call.project_id, attribute.attribute_id)
        await touch_catalog(call, call.project_id)


async def create_value(call: AdminCall, attribute_external_id: str, given: GivenValue) -> None:
    """Give an attribute a value more."""
    async with call.db.begin():
        attribute = await attribute_queries.lock_attribute_for_values(call.db, call.project_id, attribute_external_id)
        texts = rules.new_values(GivenAttribute(attribute_external_id, None, (given,)), attribute)
        if not texts:
            raise ATTRIBUTE_VALUE_EXISTS()
        await attribute_queries.add_values(call.db, call.project_id, attribute.attribute_id, texts, call.now)
        await touch_catalog(call, call.project_id)


async def update_value(call: AdminCall, attribute_external_id: str, external_id: str, given: GivenValue) -> None:
    """Give a value another text or external id. The links of items stay."""
    async with call.db.begin():
        attribute = await attribute_queries.lock_attribute_for_values(call.db, call.project_id, attribute_external_id)
        value = _value(attribute, external_id)
        if given.external_id != external_id and _find_value(attribute, given.external_id):
            raise ATTRIBUTE_VALUE_EXISTS()
        await attribute_queries.update_value(
            call.db,
            call.project_id,
            attribute.attribute_id,
            value.value_id,
            external_id=given.external_id,
            value=given.value,
        )
        await touch_catalog(call, call.project_id)


async def delete_value(call: AdminCall, attribute_external_id: str, external_id: str) -> None:
    """Delete a value and the links that items have to it."""
    async with call.db.begin():
        attribute = await attribute_queries.lock_attribute_for_delete(call.db, call.project_id, attribute_external_id)
        value = _value(attribute, external_id)
        await _unlink(call, attribute, value)
        await attribute_queries.delete_value(call.db, call.project_id, attribute.attribute_id, value.value_id)
        await touch_catalog(call, call.project_id)


async def delete_values(call: AdminCall, attribute_external_id: str) -> None:
    """Delete all values of an attribute and the links that items have to it. The attribute stays."""
    async with call.db.begin():
        attribute = await attribute_queries.lock_attribute_for_delete(call.db, call.project_id, attribute_external_id)
        await _unlink(call, attribute, None)
        await attribute_queries.delete_values(call.db, call.project_id, attribute.attribute_id)
        await touch_catalog(call, call.project_id)


async def _unlink(call: AdminCall, attribute: Attribute, value: AttributeValue | None) -> None:
    """Take an attribute, or one value of it, off every item."""
    attribute_id = attribute.attribute_id
    if value is None:
        linked = await attribute_queries.lock_linked_items(call.db, call.project_id, attribute_id)
        left = {id_: rules.without_attribute(links, attribute_id) for id_, links in linked.items()}
    else:
        linked = await attribute_queries.lock_linked_items(call.db, call.project_id, attribute_id, value.value_id)
        left = {id_: rules.without_value(links, attribute_id, value.value_id) for id_, links in linked.items()}
    if left:
        await attribute_queries.save_links(call.db, call.project_id, left, call.now)


def _find_value(attribute: Attribute, external_id: str) -> AttributeValue | None:
    return next((value for value in attribute.values if value.external_id == external_id), None)


def _value(attribute: Attribute, external_id: str) -> AttributeValue:
    value = _find_value(attribute, external_id)
    if value is None:
        raise ATTRIBUTE_VALUE_NOT_FOUND()
    return value


# -- Groups ---------------------------------------------------------------------------------------------------------


async def create_group(call: AdminCall, new: NewGroup) -> None:
    """Make a group at the top."""
    async with call.db.begin():
        if await group_queries.add_group(call.db, call.project_id, new, call.now) is None:
            raise _taken("group")
        await touch_catalog(call, call.project_id)


async def update_group(call: AdminCall, external_id: str, new: NewGroup) -> None:
    """Describe a group anew, under another external id too. Its items and its place in the tree stay."""
    async with call.db.begin():
        group = await group_queries.lock_group(call.db, call.project_id, external_id)
        try:
            async with call.db.begin():
                await group_queries.update_group(call.db, call.project_id, group.group_id, new)
        except asyncpg.UniqueViolationError:
            raise _taken("group") from None
        await touch_catalog(call, call.project_id)


async def delete_group(call: AdminCall, external_id: str) -> None:
    """Delete a group. Its items stay and leave it; its children move to the top."""
    async with call.db.begin():
        group = await group_queries.lock_group(call.db, call.project_id, external_id)
        await group_queries.delete_group(call.db, call.project_id, group.group_id)
        await touch_catalog(call, call.project_id)


async def order_items_of_group(call: AdminCall, group: str | int, places: Sequence[tuple[int, int]]) -> None:
    """Put items of a group, named by its external id or its number, at places: pairs of an item's id and its place.

    All or nothing. Items that are not named stay where they are.
    """
    async with call.db.begin():
        found = await _lock_group(call, group)
        item_ids = [item_id for item_id, _ in places]
        members = await group_queries.lock_members(call.db, call.project_id, found.group_id, item_ids)
        faults = rules.faults_of_places(item_ids, members)
        if faults:
            raise invalid(STORE.invalid, faults)
        await group_queries.save_places(call.db, call.project_id, found.group_id, dict(places))
        await touch_catalog(call, call.project_id)


async def _lock_group(call: AdminCall, group: str | int) -> Group:
    if isinstance(group, int):
        return await group_queries.lock_group_by_id(call.db, call.project_id, group)
    return await group_queries.lock_group(call.db, call.project_id, group)


# -- Regions --------------------------------------------------------------------------------------------------------


async def create_region(call: AdminCall, *, name: Mapping[str, str], countries: Sequence[str]) -> int:
    """Make a region and return its id."""
    async with call.db.begin():
        region_id = await region_queries.add_region(
            call.db, call.project_id, name=name, countries=countries, now=call.now
        )
        await touch_catalog(call, call.project_id)
    return region_id


async def update_region(call: AdminCall, region_id: int, *, name: Mapping[str, str], countries: Sequence[str]) -> None:
    """Change a region, for the items that are sold in it too."""
    async with call.db.begin():
        await region_queries.update_region(call.db, call.project_id, region_id, name=name, countries=countries)
        await touch_catalog(call, call.project_id)


async def delete_region(call: AdminCall, region_id: int) -> None:
    """Delete a region that nothing uses.

    One in use is refused: an item that lost its last region would be sold everywhere, and codes that are kept for a
    region could be given to nobody.
    """
    async with call.db.begin():
        await region_queries.lock_region_for_delete(call.db, call.project_id, region_id)
        skus = await region_queries.list_region_users(
            call.db, call.project_id, region_id, limit=REGION_USERS_SHOWN_MAX + 1
        )
        if skus:
            shown = ", ".join(skus[:REGION_USERS_SHOWN_MAX])
            more = " and more" if len(skus) > REGION_USERS_SHOWN_MAX else ""
            raise REGION_IN_USE(region_id=region_id, users=shown + more)
        await region_queries.delete_region(call.db, call.project_id, region_id)
        await touch_catalog(call, call.project_id)
