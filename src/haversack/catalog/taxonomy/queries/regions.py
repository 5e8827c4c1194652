"""Reads and writes of regions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import asyncpg
from sqlalchemy import Integer, Text, any_, bindparam, delete, exists, insert, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from haversack.catalog.records import Region
from haversack.catalog.tables import items, key_codes, regions
from haversack.database.engine import Session
from haversack.errors import REGION_NOT_FOUND

_project = bindparam("project", type_=Integer)
_region_id = bindparam("region", type_=Integer)

_listed = select(regions).where(regions.c.project_id == _project).order_by(regions.c.region_id)
_named = _listed.where(regions.c.region_id == any_(bindparam("ids", type_=ARRAY(Integer))))
LIST_REGIONS = _listed
# Held while items and codes are given regions: nobody deletes them meanwhile.
LOCK_REGIONS = _named.with_for_update(read=True, key_share=True)
FIND_REGIONS = _named
LOCK_REGION = _named.with_for_update()
ADD_REGION = (
    insert(regions)
    .values(
        project_id=_project,
        name=bindparam("new_name", type_=JSONB),
        countries=bindparam("new_countries", type_=ARRAY(Text)),
        created_at=bindparam("now"),
    )
    .returning(regions.c.region_id)
)
_one = (regions.c.project_id == _project, regions.c.region_id == _region_id)
UPDATE_REGION = (
    update(regions)
    .where(*_one)
    .values(name=bindparam("new_name", type_=JSONB), countries=bindparam("new_countries", type_=ARRAY(Text)))
)
DELETE_REGION = delete(regions).where(*_one)
# Codes that were given out keep the region's number as a note; only those still to be given out hold it.
_codes_left = exists().where(
    key_codes.c.project_id == items.c.project_id,
    key_codes.c.item_id == items.c.item_id,
    key_codes.c.region_id == _region_id,
    key_codes.c.state.in_([literal_column("'available'"), literal_column("'reserved'")]),
)
LIST_USERS = (
    select(items.c.sku)
    .where(
        items.c.project_id == _project,
        items.c.deleted_at.is_(None),
        or_(_region_id == any_(items.c.region_ids), _codes_left),
    )
    .order_by(items.c.sku)
    .limit(bindparam("most", type_=Integer))
)


def _region(row: asyncpg.Record) -> Region:
    return Region(row["region_id"], row["name"], tuple(row["countries"]))


async def list_regions(db: Session, project_id: int) -> list[Region]:
    """The project's regions, in the order in which they were made."""
    return [_region(row) for row in await db.fetch_all(LIST_REGIONS, project=project_id)]


async def get_region(db: Session, project_id: int, region_id: int) -> Region:
    """A region, or REGION_NOT_FOUND."""
    row = await db.fetch_one(FIND_REGIONS, project=project_id, ids=[region_id])
    if row is None:
        raise REGION_NOT_FOUND()
    return _region(row)


async def lock_regions(db: Session, project_id: int, region_ids: Iterable[int]) -> dict[int, Region]:
    """The regions by id, for giving them to items or codes; until the transaction ends nobody deletes them.
    REGION_NOT_FOUND if there is not one of them."""
    wanted = set(region_ids)
    rows = await db.fetch_all(LOCK_REGIONS, project=project_id, ids=sorted(wanted)) if wanted else []
    if len(rows) < len(wanted):
        raise REGION_NOT_FOUND()
    return {row["region_id"]: _region(row) for row in rows}


async def lock_region_for_delete(db: Session, project_id: int, region_id: int) -> Region:
    """A region that nobody can begin to use until the transaction ends, or REGION_NOT_FOUND."""
    row = await db.fetch_one(LOCK_REGION, project=project_id, ids=[region_id])
    if row is None:
        raise REGION_NOT_FOUND()
    return _region(row)


async def list_region_users(db: Session, project_id: int, region_id: int, *, limit: int) -> list[str]:
    """SKUs of items that are sold in the region, or have codes left that are kept for it."""
    rows = await db.fetch_all(LIST_USERS, project=project_id, region=region_id, most=limit)
    return [row["sku"] for row in rows]


async def add_region(
    db: Session, project_id: int, *, name: Mapping[str, str], countries: Sequence[str], now: datetime
) -> int:
    """Make a region and return its id."""
    region_id = await db.fetch_value(
        ADD_REGION, project=project_id, new_name=dict(name), new_countries=list(countries), now=now
    )
    return int(region_id)


async def update_region(
    db: Session, project_id: int, region_id: int, *, name: Mapping[str, str], countries: Sequence[str]
) -> None:
    """Change a region, or REGION_NOT_FOUND."""
    changed = await db.execute(
        UPDATE_REGION,
        project=project_id,
        region=region_id,
        new_name=dict(name),
        new_countries=list(countries),
    )
    if not changed:
        raise REGION_NOT_FOUND()


async def delete_region(db: Session, project_id: int, region_id: int) -> None:
    """Delete a locked region."""
    await db.execute(DELETE_REGION, project=project_id, region=region_id)
