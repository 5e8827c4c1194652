"""Statements over many items at once, and the record of imports."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import Integer, Interval, Text, any_, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from haversack.catalog.items import queries as item_queries
from haversack.catalog.items.stored_forms import details_of
from haversack.catalog.records import Item, ItemKind
from haversack.catalog.tables import imports, item_group_members, item_groups, items
from haversack.catalog.transfer.records import ImportMode, ImportRecord, ImportStatus, RowFault, TakenSku
from haversack.database.engine import Session
from haversack.limits.queries import SAVE_STOCK

# Encoding rows for the database holds the event loop: so many take a few milliseconds.
ROWS_AT_ONCE = 40

_Row = TypeVar("_Row")

# Longer than any statement may take: an import that has not moved for so long has nobody who works on it.
ABANDONED_AFTER = timedelta(seconds=60)

_project = bindparam("project", type_=Integer)
_skus = bindparam("skus", type_=ARRAY(Text))
_ids = bindparam("ids", type_=ARRAY(Integer))
_of_project = (items.c.project_id == _project, items.c.deleted_at.is_(None))

FIND_TAKEN = select(
    items.c.sku,
    items.c.item_id,
    items.c.kind,
    items.c.parent_item_id,
    items.c.deleted_at.is_not(None).label("is_deleted"),
).where(items.c.project_id == _project, items.c.sku == any_(_skus))
LIST_BUNDLES = select(items.c.item_id, items.c.sku, items.c.details).where(*_of_project, items.c.kind == "bundle")
LOCK_ITEMS = (
    select(items.c.item_id)
    .where(*_of_project, items.c.item_id == any_(_ids))
    .order_by(items.c.item_id)
    .with_for_update()
)
NEW_ITEM_IDS = select(func.nextval(func.pg_get_serial_sequence("items", "item_id"))).select_from(
    func.generate_series(1, bindparam("count", type_=Integer))
)
ADD_ITEM_WITH_ID = item_queries.ADD_ITEM.values(item_id=bindparam("id"))
# A database plans the checks of foreign keys by what it last counted, and keeps the plans: where it has never counted a
# table, it reads all of it for each row that points into it.
ROWS_COUNTED = text("SELECT reltuples FROM pg_class WHERE oid = 'items'::regclass")
COUNT_ROWS = text("ANALYZE items")
COUNTED_ENOUGH = 1_000
ONE_MOMENT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
COUNT_ITEMS = select(func.count()).select_from(items).where(*_of_project, items.c.item_id == any_(_ids))
ADD_MEMBERS = insert(item_group_members).from_select(
    ["project_id", "group_id", "item_id"],
    select(_project, func.unnest(bindparam("groups", type_=ARRAY(Integer))), func.unnest(_ids)),
)
_missing = (
    select(items.c.item_id)
    .where(
        *_of_project,
        items.c.kind == any_(bindparam("kinds", type_=ARRAY(Text))),
        items.c.sku != func.all(_skus),
        items.c.is_enabled,
        items.c.is_show_in_store,
    )
    .order_by(items.c.item_id)
    .with_for_update()
    .cte("missing")
)
HIDE_MISSING = (
    update(items)
    .where(items.c.project_id == _project, items.c.item_id == _missing.c.item_id)
    .values(is_show_in_store=False, updated_at=bindparam("now"))
)
LIST_PLACES = (
    select(item_groups.c.external_id, items.c.sku, item_group_members.c.position)
    .join(
        item_groups,
        (item_groups.c.project_id == item_group_members.c.project_id)
        & (item_groups.c.group_id == item_group_members.c.group_id),
    )
    .join(
        items,
        (items.c.project_id == item_group_members.c.project_id) & (items.c.item_id == item_group_members.c.item_id),
    )
    .where(*_of_project, item_group_members.c.position.is_not(None))
    .order_by(item_groups.c.group_id, item_group_members.c.position, items.c.item_id)
)
SET_PARENT = (
    update(item_groups)
    .where(item_groups.c.project_id == _project, item_groups.c.group_id == bindparam("group", type_=Integer))
    .values(parent_group_id=bindparam("parent", type_=Integer))
)

_one = (imports.c.project_id == _project, imports.c.import_id == bindparam("id"))
ADD_IMPORT = insert(imports).values(
    project_id=_project,
    import_id=bindparam("id"),
    file_url=bindparam("url"),
    mode=bindparam("of_mode"),
    status=ImportStatus.INITIALIZED.value,
    created_at=func.now(),
    updated_at=func.now(),
)
SAVE_PROGRESS = (
    update(imports)
    .where(*_one)
    .values(status=ImportStatus.PROCESS.value, progress=bindparam("percent"), updated_at=func.now())
)
END_IMPORT = (
    update(imports)
    .where(*_one)
    .values(
        status=bindparam("of_status"),
        progress=bindparam("percent"),
        error=bindparam("of_error"),
        error_code=bindparam("of_code"),
        result=bindparam("of_result", type_=imports.c.result.type),
        updated_at=func.now(),
        completed_at=func.now(),
    )
)
FIND_LAST_IMPORT = (
    select(
        imports,
        (imports.c.updated_at < func.now() - bindparam("abandoned", type_=Interval)).label("is_abandoned"),
    )
    .where(imports.c.project_id == _project)
    .order_by(imports.c.created_at.desc(), imports.c.import_id)
    .limit(1)
)

BROKEN_OFF = "The import was broken off: the process that worked on it has ended. Send it again: what is done is kept."


async def read_one_moment(db: Session) -> None:
    """Have all reads of the transaction that has just begun see the database as it is now, whatever others write."""
    await db.execute(ONE_MOMENT)


# -- Items ----------------------------------------------------------------------------------------------------------


async def find_taken(db: Session, project_id: int, skus: Iterable[str]) -> dict[str, TakenSku]:
    """Who has the SKUs, deleted items too."""
    rows = await db.fetch_all(FIND_TAKEN, project=project_id, skus=list(skus))
    return {
        row["sku"]: TakenSku(row["item_id"], ItemKind(row["kind"]), row["parent_item_id"], row["is_deleted"])
        for row in rows
    }


async def list_bundles(db: Session, project_id: int) -> dict[str, tuple[int, list[int]]]:
    """The id and the ids of the content of each bundle, by SKU."""
    rows = await db.fetch_all(LIST_BUNDLES, project=project_id)
    return {
        row["sku"]: (row["item_id"], [entry.item_id for entry in details_of(row["details"]).content]) for row in rows
    }


async def lock_items(db: Session, project_id: int, item_ids: Iterable[int]) -> set[int]:
    """Those of the items that there are, held against other writers until the transaction ends."""
    return {row["item_id"] for row in await db.fetch_all(LOCK_ITEMS, project=project_id, ids=list(item_ids))}


async def new_item_ids(db: Session, count: int) -> list[int]:
    """Ids for items that are made later, in rising order."""
    return sorted(row[0] for row in await db.fetch_all(NEW_ITEM_IDS, count=count))


async def add_items(db: Session, project_id: int, new: Sequence[Item]) -> bool:
    """Store new items under the ids that they have; False if a SKU was taken meanwhile, and some are not stored."""
    for some in _written_at_once(new):
        rows = (
            {
                "project": project_id,
                "id": item.item_id,
                "new_sku": item.sku,
                "new_kind": item.kind,
                "parent": item.parent_item_id,
                "now": item.created_at,
                **item_queries.values_of(item),
            }
            for item in some
        )
        await db.execute_many(ADD_ITEM_WITH_ID, rows)
    if await db.fetch_value(COUNT_ITEMS, project=project_id, ids=[item.item_id for item in new]) != len(new):
        return False
    pairs = [(group_id, item.item_id) for item in new for group_id in item.group_ids]
    if pairs:
        groups, ids = zip(*pairs, strict=True)
        await db.execute(ADD_MEMBERS, project=project_id, groups=list(groups), ids=list(ids))
    stocks = [
        # Nobody can hold anything of an item that was not there.
        {"project": project_id, "item": item.item_id, "of_total": item.limits.per_item, "of_reserved": 0}
        for item in new
        if item.limits and item.limits.per_item
    ]
    await db.execute_many(SAVE_STOCK, stocks)
    return True


async def replace_items(db: Session, project_id: int, changed: Sequence[tuple[Item, Item]]) -> None:
    """Store items in place of what they were, given as pairs of the old and the new."""
    for some in _written_at_once(changed):
        rows = (
            {"project": project_id, "id": new.item_id, "now": new.updated_at, **item_queries.values_of(new)}
            for _, new in some
        )
        await db.execute_many(item_queries.REPLACE_ITEM, rows)
    for old, new in changed:
        groups = list(new.group_ids)
        if set(old.group_ids) != set(groups):
            ids = [new.item_id]
            await db.execute(item_queries.LEAVE_GROUPS, project=project_id, ids=ids, kept=groups)
            await db.execute(item_queries.JOIN_GROUPS, project=project_id, id=new.item_id, groups=groups)


def _written_at_once(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[start : start + ROWS_AT_ONCE]


async def let_rows_be_counted(db: Session) -> None:
    """Have the database count the items, where it has counted few or none so far: before many more come."""
    if await db.fetch_value(ROWS_COUNTED) < COUNTED_ENOUGH:
        await db.execute(COUNT_ROWS)


async def hide_missing(
    db: Session, project_id: int, kinds: Iterable[ItemKind], skus: Iterable[str], *, now: datetime
) -> int:
    """Show those items of the kinds no longer in the store that have none of the SKUs; how many."""
    names = [kind.value for kind in kinds]
    return await db.execute(HIDE_MISSING, project=project_id, kinds=names, skus=list(skus), now=now)


# -- Groups ---------------------------------------------------------------------------------------------------------


async def list_places(db: Session, project_id: int) -> dict[str, dict[str, int]]:
    """The places that items were given by hand, by the group's external id and the item's SKU, in their order."""
    places: dict[str, dict[str, int]] = {}
    for row in await db.fetch_all(LIST_PLACES, project=project_id):
        places.setdefault(row["external_id"], {})[row["sku"]] = row["position"]
    return places


async def set_parent(db: Session, project_id: int, group_id: int, parent_group_id: int | None) -> None:
    """Put a group below another, or at the top."""
    await db.execute(SET_PARENT, project=project_id, group=group_id, parent=parent_group_id)


# -- Imports --------------------------------------------------------------------------------------------------------


async def add_import(db: Session, project_id: int, import_id: UUID, *, file_url: str, mode: ImportMode) -> None:
    """Record that an import is wanted."""
    await db.execute(ADD_IMPORT, project=project_id, id=import_id, url=file_url, of_mode=mode.value)


async def save_progress(db: Session, project_id: int, import_id: UUID, percent: int) -> None:
    """Record that somebody works on an import, and how far it is."""
    await db.execute(SAVE_PROGRESS, project=project_id, id=import_id, percent=percent)


async def end_import(
    db: Session,
    project_id: int,
    import_id: UUID,
    *,
    status: ImportStatus,
    percent: int,
    total: int = 0,
    faults: Sequence[RowFault] = (),
    error: str | None = None,
    error_code: int | None = None,
) -> None:
    """Record how an import came out."""
    result = {
        "total": total,
        "faults": [[fault.sku, fault.type, fault.code, fault.message] for fault in faults],
    }
    await db.execute(
        END_IMPORT,
        project=project_id,
        id=import_id,
        of_status=status.value,
        percent=percent,
        of_error=error,
        of_code=error_code,
        of_result=result,
    )


async def find_last_import(
    db: Session, project_id: int, *, abandoned_after: timedelta = ABANDONED_AFTER
) -> ImportRecord | None:
    """The import that was begun last. One that nobody works on any more has come out as an error."""
    row = await db.fetch_one(FIND_LAST_IMPORT, project=project_id, abandoned=abandoned_after)
    return None if row is None else _import(row)


def _import(row: asyncpg.Record) -> ImportRecord:
    status, error = ImportStatus(row["status"]), row["error"]
    if row["is_abandoned"] and status in (ImportStatus.INITIALIZED, ImportStatus.PROCESS):
        status, error = ImportStatus.ERROR, BROKEN_OFF
    result: Mapping[str, Any] = row["result"] or {"total": 0, "faults": []}
    return ImportRecord(
        import_id=row["import_id"],
        status=status,
        progress=row["progress"],
        error=error,
        error_code=row["error_code"],
        faults=tuple(RowFault(*fault) for fault in result["faults"]),
        total=result["total"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        completed_at=row["completed_at"],
    )
