"""Writes what items of a file stand on: its regions, attributes and groups, and afterwards the places in groups."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from haversack.catalog.records import Attribute, Group
from haversack.catalog.taxonomy import rules as taxonomy_rules
from haversack.catalog.taxonomy.queries import attributes as attribute_queries
from haversack.catalog.taxonomy.queries import groups as group_queries
from haversack.catalog.taxonomy.queries import regions as region_queries
from haversack.catalog.taxonomy.records import GivenAttribute, NewGroup
from haversack.catalog.transfer import queries, rules
from haversack.catalog.transfer.records import GroupDraft, ImportMode, RegionDraft, RowFault
from haversack.database.engine import Session
from haversack.errors import Refusal
from haversack.text import FALLBACK


async def save_regions(
    db: Session, project_id: int, regions: Sequence[RegionDraft], mode: ImportMode, now: datetime
) -> dict[int, int]:
    """Write the regions of a file; the ids of the project's regions by their numbers in the file.

    A region has no id of its own outside its project: one is known again by its name, the second of a name by being the
    second.
    """
    known: dict[tuple[tuple[str, str], ...], list[tuple[int, tuple[str, ...]]]] = {}
    for region in await region_queries.list_regions(db, project_id):
        known.setdefault(_key(region.name), []).append((region.region_id, region.countries))
    ids: dict[int, int] = {}
    for draft in regions:
        of_name = known.get(_key(draft.name), [])
        if not of_name:
            ids[draft.number] = await region_queries.add_region(
                db, project_id, name=draft.name, countries=draft.countries, now=now
            )
            continue
        region_id, countries = of_name.pop(0)
        ids[draft.number] = region_id
        if countries != draft.countries and mode is not ImportMode.CREATE:
            await region_queries.update_region(db, project_id, region_id, name=draft.name, countries=draft.countries)
    return ids


def _key(name: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(name.items()))


async def save_attributes(
    db: Session, project_id: int, attributes: Sequence[GivenAttribute], mode: ImportMode, now: datetime
) -> list[RowFault]:
    """Write the attributes of a file and their values, in the file's order; those with too many values are faulty."""
    external_ids = [attribute.external_id for attribute in attributes]
    known = await attribute_queries.lock_attributes_for_values(db, project_id, external_ids)
    faults = []
    for given in attributes:
        had = known.get(given.external_id)
        if had is None:
            # One by one: their order is that of being made.
            name = given.name or {FALLBACK: given.external_id}
            await attribute_queries.add_attributes(db, project_id, {given.external_id: name}, now)
            known |= await attribute_queries.find_attributes(db, project_id, [given.external_id])
        try:
            await _save_values(db, project_id, known[given.external_id], given, mode, now)
        except Refusal as refusal:
            faults.append(RowFault(given.external_id, "attribute", int(refusal.kind.code), refusal.message))
    return faults


async def _save_values(
    db: Session, project_id: int, known: Attribute, given: GivenAttribute, mode: ImportMode, now: datetime
) -> None:
    attribute_id = known.attribute_id
    texts = taxonomy_rules.new_values(given, known)
    if texts:
        await attribute_queries.add_values(db, project_id, attribute_id, texts, now)
    if mode is ImportMode.CREATE:
        return
    if given.name is not None and given.name != known.name:
        await attribute_queries.update_attribute(
            db, project_id, attribute_id, external_id=given.external_id, name=given.name
        )
    had = {value.external_id: value for value in known.values}
    for value in given.values:
        old = had.get(value.external_id)
        if old is not None and old.value != value.value:
            await attribute_queries.update_value(
                db, project_id, attribute_id, old.value_id, external_id=value.external_id, value=value.value
            )


async def save_groups(
    db: Session, project_id: int, groups: Sequence[GroupDraft], mode: ImportMode, now: datetime
) -> list[RowFault]:
    """Write the groups of a file and put them below their parents, in the file's order; faulty ones are left out."""
    known = {group.external_id: group for group in await group_queries.list_groups(db, project_id)}
    names = {group.group_id: group.external_id for group in known.values()}
    parents = {each: names.get(group.parent_group_id or 0) for each, group in known.items()}
    faults = rules.group_faults(groups, parents)
    faulty = {fault.sku for fault in faults}
    written = [draft for draft in groups if draft.group.external_id not in faulty]
    for draft in written:
        had = known.get(draft.group.external_id)
        if had is None:
            await group_queries.add_group(db, project_id, draft.group, now)
        elif mode is not ImportMode.CREATE and _as_given(had) != draft.group:
            await group_queries.update_group(db, project_id, had.group_id, draft.group)
    found = {group.external_id: group for group in await group_queries.list_groups(db, project_id)}
    for draft in written:
        group = found.get(draft.group.external_id)
        if group is None:  # deleted by somebody else at this moment
            continue
        parent = found.get(draft.parent_external_id or "")
        parent_id = None if parent is None else parent.group_id
        is_new = draft.group.external_id not in known
        if group.parent_group_id != parent_id and (is_new or mode is not ImportMode.CREATE):
            await queries.set_parent(db, project_id, group.group_id, parent_id)
    return faults


def _as_given(group: Group) -> NewGroup:
    return NewGroup(
        external_id=group.external_id,
        name=group.name,
        description=group.description,
        image_url=group.image_url,
        is_enabled=group.is_enabled,
        sort_order=group.sort_order,
    )


async def save_places(db: Session, project_id: int, groups: Sequence[GroupDraft]) -> bool:
    """Put items at the places in their groups that a file says, those that are in them; whether any was put."""
    had = await queries.list_places(db, project_id)
    changed = False
    for draft in groups:
        old = had.get(draft.group.external_id, {})
        moved = {sku: place for sku, place in draft.places.items() if old.get(sku) != place}
        group = (await group_queries.find_groups(db, project_id, [draft.group.external_id])) if moved else {}
        if not group:
            continue
        taken = await queries.find_taken(db, project_id, moved)
        places = {taken[sku].item_id: place for sku, place in moved.items() if sku in taken}
        group_id = group[draft.group.external_id].group_id
        members = await group_queries.lock_members(db, project_id, group_id, places)
        kept = {item_id: place for item_id, place in places.items() if item_id in members}
        if kept:
            await group_queries.save_places(db, project_id, group_id, kept)
            changed = True
    return changed
