"""Reads and writes of groups and of the places that items have in them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import Boolean, Integer, Text, any_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from haversack.catalog.records import Group, ItemKind
from haversack.catalog.tables import item_group_members as members
from haversack.catalog.tables import item_groups as groups
from haversack.catalog.tables import items
from haversack.catalog.taxonomy.records import GroupFill, NewGroup
from haversack.catalog.taxonomy.rules import group_missing
from haversack.database.engine import Session

_project = bindparam("project", type_=Integer)
_group_id = bindparam("group", type_=Integer)
_externals = bindparam("externals", type_=ARRAY(Text))
_ids = bindparam("ids", type_=ARRAY(Integer))

_listed_groups = select(groups).where(groups.c.project_id == _project)
# The smallest order first, the newest of equals first.
LIST_GROUPS = _listed_groups.order_by(groups.c.sort_order, groups.c.group_id.desc())
FIND_GROUPS = _listed_groups.where(groups.c.external_id == any_(_externals))
# Held while items are put into groups: nobody deletes them meanwhile.
LOCK_GROUPS = FIND_GROUPS.order_by(groups.c.group_id).with_for_update(read=True, key_share=True)
LOCK_GROUP = FIND_GROUPS.order_by(groups.c.group_id).with_for_update()
LOCK_GROUP_BY_ID = _listed_groups.where(groups.c.group_id == _group_id).order_by(groups.c.group_id).with_for_update()
COUNT_ITEMS_OF_GROUPS = (
    select(
        members.c.group_id,
        func.count().label("in_all"),
        func.count().filter(items.c.kind == any_(bindparam("kinds", type_=ARRAY(Text)))).label("of_kinds"),
    )
    .join(items, (items.c.project_id == members.c.project_id) & (items.c.item_id == members.c.item_id))
    .where(
        members.c.project_id == _project,
        items.c.deleted_at.is_(None),
        or_(bindparam("any_group", type_=Boolean), members.c.group_id == _group_id),
    )
    .group_by(members.c.group_id)
)
_group_values: dict[str, Any] = {
    "external_id": bindparam("new_external"),
    "name": bindparam("new_name", type_=JSONB),
    "description": bindparam("new_description", type_=JSONB),
    "image_url": bindparam("image"),
    "is_enabled": bindparam("enabled"),
    "sort_order": bindparam("place"),
}
ADD_GROUP = (
    insert(groups)
    .values(project_id=_project, created_at=bindparam("now"), **_group_values)
    .on_conflict_do_nothing(index_elements=["project_id", "external_id"])
    .returning(groups.c.group_id)
)
UPDATE_GROUP = (
    update(groups).where(groups.c.project_id == _project, groups.c.group_id == _group_id).values(**_group_values)
)
RAISE_CHILDREN = (
    update(groups)
    .where(groups.c.project_id == _project, groups.c.parent_group_id == _group_id)
    .values(parent_group_id=None)
)
DELETE_GROUP = delete(groups).where(groups.c.project_id == _project, groups.c.group_id == _group_id)
LOCK_MEMBERS = (
    select(members.c.item_id)
    .join(items, (items.c.project_id == members.c.project_id) & (items.c.item_id == members.c.item_id))
    .where(
        members.c.project_id == _project,
        members.c.group_id == _group_id,
        members.c.item_id == any_(_ids),
        items.c.deleted_at.is_(None),
    )
    .order_by(members.c.item_id)
    .with_for_update(of=members)
)
_new_places = (
    func.unnest(_ids, bindparam("places", type_=ARRAY(Integer)))
    .table_valued("item_id", "place", name="given")
    .render_derived()
)
SAVE_PLACES = (
    update(members)
    .where(
        members.c.project_id == _project,
        members.c.group_id == _group_id,
        members.c.item_id == _new_places.c.item_id,
    )
    .values(position=_new_places.c.place)
)


def _group(row: asyncpg.Record) -> Group:
    return Group(
        group_id=row["group_id"],
        external_id=row["external_id"],
        parent_group_id=row["parent_group_id"],
        name=row["name"],
        description=row["description"],
        image_url=row["image_url"],
        is_enabled=row["is_enabled"],
        sort_order=row["sort_order"],
        created_at=row["created_at"],
    )


async def list_groups(db: Session, project_id: int) -> list[Group]:
    """The project's groups, disabled ones too, in the order of lists."""
    return [_group(row) for row in await db.fetch_all(LIST_GROUPS, project=project_id)]


async def find_groups(db: Session, project_id: int, external_ids: Iterable[str]) -> dict[str, Group]:
    """Those of the named groups that there are, by external id."""
    rows = await db.fetch_all(FIND_GROUPS, project=project_id, externals=list(external_ids))
    return {row["external_id"]: _group(row) for row in rows}


async def get_group(db: Session, project_id: int, external_id: str) -> Group:
    """A group, or GROUP_NOT_FOUND."""
    found = await find_groups(db, project_id, [external_id])
    if external_id not in found:
        raise group_missing(project_id, external_ids=[external_id])
    return found[external_id]


async def lock_groups(db: Session, project_id: int, external_ids: Iterable[str]) -> dict[str, Group]:
    """The named groups by external id, for putting items into them; until the transaction ends nobody deletes them.
    GROUP_NOT_FOUND names all that there are not."""
    wanted = list(dict.fromkeys(external_ids))
    rows = await db.fetch_all(LOCK_GROUPS, project=project_id, externals=wanted) if wanted else []
    found = {row["external_id"]: _group(row) for row in rows}
    missing = [each for each in wanted if each not in found]
    if missing:
        raise group_missing(project_id, external_ids=missing)
    return found


async def lock_group(db: Session, project_id: int, external_id: str) -> Group:
    """A group for changing it, or GROUP_NOT_FOUND."""
    row = await db.fetch_one(LOCK_GROUP, project=project_id, externals=[external_id])
    if row is None:
        raise group_missing(project_id, external_ids=[external_id])
    return _group(row)


async def lock_group_by_id(db: Session, project_id: int, group_id: int) -> Group:
    """A group for changing it, or GROUP_NOT_FOUND."""
    row = await db.fetch_one(LOCK_GROUP_BY_ID, project=project_id, group=group_id)
    if row is None:
        raise group_missing(project_id, group_ids=[group_id])
    return _group(row)


async def count_items_of_groups(
    db: Session, project_id: int, *, kinds: Iterable[ItemKind] = ItemKind, group_id: int | None = None
) -> dict[int, GroupFill]:
    """How many items of the kinds are in each group, or in the one that is asked for. Empty groups are left out."""
    rows = await db.fetch_all(
        COUNT_ITEMS_OF_GROUPS,
        project=project_id,
        kinds=[kind.value for kind in kinds],
        any_group=group_id is None,
        group=group_id,
    )
    return {row["group_id"]: GroupFill(row["of_kinds"], has_items=row["in_all"] > 0) for row in rows}


async def add_group(db: Session, project_id: int, new: NewGroup, now: datetime) -> int | None:
    """Make a group and return its id; None if one with this external id exists."""
    group_id = await db.fetch_value(ADD_GROUP, project=project_id, now=now, **_values(new))
    return None if group_id is None else int(group_id)


async def update_group(db: Session, project_id: int, group_id: int, new: NewGroup) -> None:
    """Change a locked group; asyncpg.UniqueViolationError if another one has the external id."""
    await db.execute(UPDATE_GROUP, project=project_id, group=group_id, **_values(new))


async def delete_group(db: Session, project_id: int, group_id: int) -> None:
    """Delete a locked group. Its items leave it and stay; its children move to the top."""
    await db.execute(RAISE_CHILDREN, project=project_id, group=group_id)
    await db.execute(DELETE_GROUP, project=project_id, group=group_id)


async def lock_members(db: Session, project_id: int, group_id: int, item_ids: Iterable[int]) -> set[int]:
    """Which of the items are in a group; until the transaction ends they stay there."""
    rows = await db.fetch_all(LOCK_MEMBERS, project=project_id, group=group_id, ids=list(item_ids))
    return {row["item_id"] for row in rows}


async def save_places(db: Session, project_id: int, group_id: int, places: Mapping[int, int]) -> None:
    """Put items of a group at places, by item id. The others stay where they are."""
    await db.execute(SAVE_PLACES, project=project_id, group=group_id, ids=list(places), places=list(places.values()))


def _values(new: NewGroup) -> dict[str, Any]:
    return {
        "new_external": new.external_id,
        "new_name": dict(new.name),
        "new_description": None if new.description is None else dict(new.description),
        "image": new.image_url,
        "enabled": new.is_enabled,
        "place": new.sort_order,
    }
