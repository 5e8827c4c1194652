"""Reads and writes of items of every kind. What has been deleted is in none of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    Text,
    any_,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from haversack.catalog.items import stored_forms as forms
from haversack.catalog.items.drafts import KnownItem
from haversack.catalog.records import Item, ItemKind
from haversack.catalog.tables import item_group_members, items, key_codes
from haversack.database.engine import Session
from haversack.errors import ITEM_NOT_FOUND, ErrorKind

# How many rows are turned into records at once, so that nobody waits long for it.
SLICE = 500

members = item_group_members
_PROJECT = items.c.project_id == bindparam("project")
_ALIVE = items.c.deleted_at.is_(None)
_OF_KINDS = items.c.kind == any_(bindparam("kinds", type_=ARRAY(Text)))
_group_ids = (
    select(func.array_agg(members.c.group_id.op("ORDER BY")(members.c.group_id)))
    .where(members.c.project_id == items.c.project_id, members.c.item_id == items.c.item_id)
    .correlate(items)
    .scalar_subquery()
    .label("group_ids")
)
_ITEMS = select(items, _group_ids).where(_PROJECT, _ALIVE)

LIST_SLICE = _ITEMS.where(items.c.item_id > bindparam("after")).order_by(items.c.item_id).limit(bindparam("most"))
FIND_BY_SKU = _ITEMS.where(items.c.sku == bindparam("sku"), _OF_KINDS)
FIND_BY_ID = _ITEMS.where(items.c.item_id == bindparam("id"), _OF_KINDS)
LIST_BY_IDS = _ITEMS.where(items.c.item_id == any_(bindparam("ids", type_=ARRAY(Integer)))).order_by(items.c.item_id)
LIST_BY_SKUS = _ITEMS.where(items.c.sku == any_(bindparam("skus", type_=ARRAY(Text)))).order_by(items.c.item_id)
LIST_KEYS = _ITEMS.where(items.c.parent_item_id == any_(bindparam("games", type_=ARRAY(Integer)))).order_by(
    items.c.parent_item_id, items.c.sort_order, items.c.item_id
)
LOCK_ITEM = (
    _ITEMS.where(
        or_(items.c.sku == bindparam("sku", type_=Text), items.c.item_id == bindparam("id", type_=Integer)),
        _OF_KINDS,
    )
    .order_by(items.c.item_id)
    .with_for_update(of=items)
)
LOCK_KEYS = (
    _ITEMS.where(items.c.parent_item_id == bindparam("game")).order_by(items.c.item_id).with_for_update(of=items)
)
# Writers of bundles take turns in a project: two of them could close a circle that neither sees alone.
BUNDLES_LOCK = 0x62756E64
LOCK_BUNDLES = select(func.pg_advisory_xact_lock(literal(BUNDLES_LOCK, Integer), bindparam("project", type_=Integer)))

_OF_KIND = (_PROJECT, _ALIVE, items.c.kind == bindparam("kind"))
# Newest first where the order is the same; the id makes the order total.
_BY_ORDER: tuple[ColumnElement[Any], ...] = (items.c.sort_order, items.c.item_id.desc())
_in_group = members.select().where(
    members.c.project_id == items.c.project_id,
    members.c.item_id == items.c.item_id,
    members.c.group_id == bindparam("group"),
)


def _paged(rows: Select[Any]) -> Select[Any]:
    return rows.limit(bindparam("most")).offset(bindparam("skipped"))


LIST_PAGE = _paged(_ITEMS.where(items.c.kind == bindparam("kind")).order_by(*_BY_ORDER))
LIST_GROUP_PAGE = _paged(
    _ITEMS.join(members, (members.c.project_id == items.c.project_id) & (members.c.item_id == items.c.item_id))
    .where(items.c.kind == bindparam("kind"), members.c.group_id == bindparam("group"))
    .order_by(members.c.position.asc().nulls_last(), *_BY_ORDER)
)
COUNT_OF_KIND = select(func.count()).select_from(items).where(*_OF_KIND)
COUNT_IN_GROUP = select(func.count()).select_from(items).where(*_OF_KIND, _in_group.exists())

LIST_CONTENTS = select(items.c.item_id, items.c.details).where(
    _PROJECT, items.c.item_id == any_(bindparam("ids", type_=ARRAY(Integer))), items.c.kind == "bundle"
)
FIND_KNOWN = select(items.c.sku, items.c.item_id, items.c.kind).where(
    _PROJECT, _ALIVE, items.c.sku == any_(bindparam("skus", type_=ARRAY(Text)))
)
_codes_of_keys = (
    key_codes.c.project_id == bindparam("project"),
    key_codes.c.item_id == any_(bindparam("ids", type_=ARRAY(Integer))),
)
# Written out, not as parameters: only so does the planner know that the two indexes of codes serve. Of a million codes
# they give the counts in less than half the time that the rows take.
_FREE = literal_column("'available'", Text)
COUNT_CODES = union_all(
    select(key_codes.c.item_id, _FREE.label("state"), func.count().label("number"))
    .where(*_codes_of_keys, key_codes.c.state == _FREE)
    .group_by(key_codes.c.item_id),
    select(key_codes.c.item_id, key_codes.c.state, func.count())
    .where(*_codes_of_keys, key_codes.c.state != _FREE)
    .group_by(key_codes.c.item_id, key_codes.c.state),
)

# What each write of an item sets. SKU, kind, game and the date of making are given once.
_WRITTEN = (
    "name",
    "description",
    "long_description",
    "image_url",
    "media_list",
    "attributes",
    "custom_attributes",
    "prices",
    "virtual_prices",
    "is_free",
    "is_enabled",
    "is_show_in_store",
    "sort_order",
    "region_ids",
    "periods",
    "limits",
    "pre_order",
    "details",
)
ADD_ITEM = (
    insert(items)
    .values(
        project_id=bindparam("project"),
        sku=bindparam("new_sku"),
        kind=bindparam("new_kind"),
        parent_item_id=bindparam("parent"),
        created_at=bindparam("now"),
        updated_at=bindparam("now"),
        **{name: bindparam(f"new_{name}", type_=items.c[name].type) for name in _WRITTEN},
    )
    .on_conflict_do_nothing(index_elements=["project_id", "sku"])
    .returning(items.c.item_id)
)
REPLACE_ITEM = (
    update(items)
    .where(_PROJECT, items.c.item_id == bindparam("id"))
    .values(
        updated_at=bindparam("now"),
        **{name: bindparam(f"new_{name}", type_=items.c[name].type) for name in _WRITTEN},
    )
)
SHOW_ITEM = (
    update(items)
    .where(_PROJECT, _ALIVE, items.c.sku == bindparam("of_sku"), items.c.kind == bindparam("of_kind"))
    .values(is_show_in_store=bindparam("shown"), updated_at=bindparam("now"))
)
# A game goes with its keys.
DELETE_ITEMS = (
    update(items)
    .where(_PROJECT, _ALIVE, or_(items.c.item_id == bindparam("id"), items.c.parent_item_id == bindparam("id")))
    .values(deleted_at=bindparam("now"), updated_at=bindparam("now"))
    .returning(items.c.item_id)
)
LEAVE_GROUPS = delete(members).where(
    members.c.project_id == bindparam("project"),
    members.c.item_id == any_(bindparam("ids", type_=ARRAY(Integer))),
    members.c.group_id != func.all(bindparam("kept", type_=ARRAY(Integer))),
)
# An item that stays in a group keeps its place there.
JOIN_GROUPS = (
    insert(members)
    .from_select(
        ["project_id", "group_id", "item_id"],
        select(
            bindparam("project", type_=Integer),
            func.unnest(bindparam("groups", type_=ARRAY(Integer))),
            bindparam("id", type_=Integer),
        ),
    )
    .on_conflict_do_nothing()
)

EVERY_KIND = tuple(ItemKind)


@dataclass(frozen=True, slots=True)
class CodeStock:
    """The codes of a game key: all that were uploaded and not deleted, those left, those that players hold."""

    total: int
    available: int
    sold: int


def _item(row: asyncpg.Record) -> Item:
    return Item(
        project_id=row["project_id"],
        item_id=row["item_id"],
        sku=row["sku"],
        kind=ItemKind(row["kind"]),
        parent_item_id=row["parent_item_id"],
        name=row["name"],
        description=row["description"],
        long_description=row["long_description"],
        image_url=row["image_url"],
        media_list=forms.media_of(row["media_list"]),
        attributes=forms.attributes_of(row["attributes"]),
        custom_attributes=row["custom_attributes"],
        group_ids=tuple(row["group_ids"] or ()),
        prices=forms.prices_of(row["prices"]),
        virtual_prices=forms.virtual_prices_of(row["virtual_prices"]),
        is_free=row["is_free"],
        is_enabled=row["is_enabled"],
        is_show_in_store=row["is_show_in_store"],
        sort_order=row["sort_order"],
        region_ids=tuple(row["region_ids"]),
        periods=forms.periods_of(row["periods"]),
        limits=forms.limits_of(row["limits"]),
        pre_order=forms.pre_order_of(row["pre_order"]),
        details=forms.details_of(row["details"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def values_of(item: Item) -> Mapping[str, Any]:
    """What is written of an item beside its key and its groups, as the statements that write items name it."""
    values = {
        "name": dict(item.name),
        "description": item.description,
        "long_description": item.long_description,
        "image_url": item.image_url,
        "media_list": forms.media_form(item.media_list),
        "attributes": forms.attributes_form(item.attributes),
        "custom_attributes": item.custom_attributes,
        "prices": forms.prices_form(item.prices),
        "virtual_prices": forms.virtual_prices_form(item.virtual_prices),
        "is_free": item.is_free,
        "is_enabled": item.is_enabled,
        "is_show_in_store": item.is_show_in_store,
        "sort_order": item.sort_order,
        "region_ids": list(item.region_ids),
        "periods": forms.periods_form(item.periods),
        "limits": forms.limits_form(item.limits),
        "pre_order": forms.pre_order_form(item.pre_order),
        "details": forms.details_form(item.details),
    }
    return {f"new_{name}": value for name, value in values.items()}


# -- Reads ----------------------------------------------------------------------------------------------------------


async def list_items(db: Session, project_id: int) -> list[Item]:
    """Every item of a project, by id; for the read model and for exports. Reads and converts in slices, so that other
    requests of the process go on in between."""
    found: list[Item] = []
    after = 0
    while True:
        rows = await db.fetch_all(LIST_SLICE, project=project_id, after=after, most=SLICE)
        found += map(_item, rows)
        if len(rows) < SLICE:
            return found
        after = rows[-1]["item_id"]
        await asyncio.sleep(0)


async def find_item_by_sku(
    db: Session, project_id: int, sku: str, kinds: Sequence[ItemKind] | None = None
) -> Item | None:
    """The item with a SKU, if it is of one of the kinds."""
    row = await db.fetch_one(FIND_BY_SKU, project=project_id, sku=sku, kinds=list(kinds or EVERY_KIND))
    return None if row is None else _item(row)


async def get_item_by_sku(
    db: Session,
    project_id: int,
    sku: str,
    kinds: Sequence[ItemKind] | None = None,
    *,
    missing: ErrorKind = ITEM_NOT_FOUND,
) -> Item:
    """The item with a SKU, or `missing`, whose sentence may name the project and the SKU."""
    item = await find_item_by_sku(db, project_id, sku, kinds)
    if item is None:
        raise missing(project_id=project_id, sku=sku)
    return item


async def find_item_by_id(
    db: Session, project_id: int, item_id: int, kinds: Sequence[ItemKind] | None = None
) -> Item | None:
    """The item with an id, if it is of one of the kinds."""
    row = await db.fetch_one(FIND_BY_ID, project=project_id, id=item_id, kinds=list(kinds or EVERY_KIND))
    return None if row is None else _item(row)


async def list_items_by_ids(db: Session, project_id: int, item_ids: Sequence[int]) -> list[Item]:
    """The items that have one of the ids."""
    rows = await db.fetch_all(LIST_BY_IDS, project=project_id, ids=list(item_ids)) if item_ids else []
    return [_item(row) for row in rows]


async def list_items_by_skus(db: Session, project_id: int, skus: Sequence[str]) -> list[Item]:
    """The items that have one of the SKUs."""
    rows = await db.fetch_all(LIST_BY_SKUS, project=project_id, skus=list(skus)) if skus else []
    return [_item(row) for row in rows]


async def list_keys_of_games(db: Session, project_id: int, game_ids: Sequence[int]) -> list[Item]:
    """The keys of games, in their order."""
    rows = await db.fetch_all(LIST_KEYS, project=project_id, games=list(game_ids)) if game_ids else []
    return [_item(row) for row in rows]


async def list_page(
    db: Session, project_id: int, kind: ItemKind, *, limit: int, offset: int, group_id: int | None = None
) -> list[Item]:
    """A page of the items of a kind, or of those in a group, in their order there."""
    if group_id is None:
        rows = await db.fetch_all(LIST_PAGE, project=project_id, kind=kind, most=limit, skipped=offset)
    else:
        rows = await db.fetch_all(
            LIST_GROUP_PAGE, project=project_id, kind=kind, group=group_id, most=limit, skipped=offset
        )
    return [_item(row) for row in rows]


async def count_items(db: Session, project_id: int, kind: ItemKind, *, group_id: int | None = None) -> int:
    """How many items of a kind there are, or how many of them in a group."""
    if group_id is None:
        return int(await db.fetch_value(COUNT_OF_KIND, project=project_id, kind=kind))
    return int(await db.fetch_value(COUNT_IN_GROUP, project=project_id, kind=kind, group=group_id))


async def find_known_items(db: Session, project_id: int, skus: Sequence[str]) -> dict[str, KnownItem]:
    """Ids and kinds of the items that have one of the SKUs, by their SKUs."""
    rows = await db.fetch_all(FIND_KNOWN, project=project_id, skus=list(skus)) if skus else []
    return {row["sku"]: KnownItem(row["item_id"], ItemKind(row["kind"])) for row in rows}


async def find_item_ids_inside(db: Session, project_id: int, item_ids: Sequence[int]) -> set[int]:
    """The items themselves and all that bundles among them contain, however deep; a level at a time."""
    inside: set[int] = set()
    level = set(item_ids)
    while level := level - inside:
        inside |= level
        rows = await db.fetch_all(LIST_CONTENTS, project=project_id, ids=list(level))
        level = {entry.item_id for row in rows for entry in forms.details_of(row["details"]).content}
    return inside


async def count_codes(db: Session, project_id: int, item_ids: Sequence[int]) -> dict[int, CodeStock]:
    """The codes of game keys, by the keys' ids. A key without codes is not in it."""
    counts: dict[int, dict[str, int]] = {}
    for row in await db.fetch_all(COUNT_CODES, project=project_id, ids=list(item_ids)) if item_ids else []:
        if row["state"] != "deleted":
            counts.setdefault(row["item_id"], {})[row["state"]] = row["number"]
    return {
        item_id: CodeStock(sum(found.values()), found.get("available", 0), found.get("used", 0))
        for item_id, found in counts.items()
    }


# -- Writes ---------------------------------------------------------------------------------------------------------


async def lock_item(
    db: Session,
    project_id: int,
    kinds: Sequence[ItemKind],
    *,
    sku: str | None = None,
    item_id: int | None = None,
) -> Item | None:
    """The item with a SKU or an id, held against other writers until the transaction ends."""
    row = await db.fetch_one(LOCK_ITEM, project=project_id, sku=sku, id=item_id, kinds=list(kinds))
    return None if row is None else _item(row)


async def lock_keys_of_game(db: Session, project_id: int, game_id: int) -> list[Item]:
    """The keys of a game, held against other writers until the transaction ends."""
    return [_item(row) for row in await db.fetch_all(LOCK_KEYS, project=project_id, game=game_id)]


async def lock_bundles(db: Session, project_id: int) -> None:
    """Let no other transaction change what bundles of the project contain before this one ends."""
    await db.execute(LOCK_BUNDLES, project=project_id)


async def add_item(db: Session, item: Item) -> int | None:
    """Store a new item and return its id; None if its SKU is or was another's. The record's own id is not looked at."""
    item_id: int | None = await db.fetch_value(
        ADD_ITEM,
        project=item.project_id,
        new_sku=item.sku,
        new_kind=item.kind,
        parent=item.parent_item_id,
        now=item.created_at,
        **values_of(item),
    )
    if item_id is not None and item.group_ids:
        await db.execute(JOIN_GROUPS, project=item.project_id, id=item_id, groups=list(item.group_ids))
    return item_id


async def replace_item(db: Session, item: Item) -> None:
    """Store an item in place of what it was. SKU, kind, game and date of making stay."""
    await db.execute(REPLACE_ITEM, project=item.project_id, id=item.item_id, now=item.updated_at, **values_of(item))
    groups = list(item.group_ids)
    await db.execute(LEAVE_GROUPS, project=item.project_id, ids=[item.item_id], kept=groups)
    if groups:
        await db.execute(JOIN_GROUPS, project=item.project_id, id=item.item_id, groups=groups)


async def show_item(db: Session, project_id: int, sku: str, kind: ItemKind, *, is_shown: bool, now: datetime) -> bool:
    """Show an item in the store or hide it; False if there is none."""
    changed = await db.execute(SHOW_ITEM, project=project_id, of_sku=sku, of_kind=kind, shown=is_shown, now=now)
    return changed > 0


async def delete_item(db: Session, project_id: int, item_id: int, *, now: datetime) -> None:
    """Delete an item, a game with its keys. Its SKU stays taken, and it leaves its groups."""
    rows = await db.fetch_all(DELETE_ITEMS, project=project_id, id=item_id, now=now)
    await db.execute(LEAVE_GROUPS, project=project_id, ids=[row["item_id"] for row in rows], kept=[])
