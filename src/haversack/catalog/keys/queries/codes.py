"""Reads and writes of codes. Handing codes out is one conditional statement: nobody gets one that another gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    Integer,
    LargeBinary,
    Text,
    any_,
    bindparam,
    func,
    literal,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from haversack.catalog.items.stored_forms import pre_order_of
from haversack.catalog.keys.records import REDEEMABLE, CodeState, FoundCode
from haversack.catalog.records import ItemKind
from haversack.catalog.tables import items, key_codes
from haversack.database.engine import Session
from haversack.sealing import Sealer

# How many codes are read, sealed or opened at once.
SLICE = 10_000
# Uploads to one key take turns, slice by slice: two files with the same codes in different order would lock each other.
UPLOADS_LOCK = 0x6B657973

_project = bindparam("project", type_=Integer)
_item = bindparam("item", type_=Integer)
_region = bindparam("region", type_=Integer)
_binaries = ARRAY(LargeBinary)
_hashes = bindparam("hashes", type_=_binaries)

LOCK_UPLOADS = select(func.pg_advisory_xact_lock(literal(UPLOADS_LOCK, Integer), _item))
ADD_CODES = (
    insert(key_codes)
    .from_select(
        ["project_id", "item_id", "region_id", "code_sealed", "code_hash", "uploaded_at"],
        select(
            _project,
            _item,
            _region,
            func.unnest(bindparam("sealed", type_=_binaries), type_=LargeBinary),
            func.unnest(_hashes, type_=LargeBinary),
            bindparam("now", type_=DateTime(timezone=True)),
        ),
    )
    .on_conflict_do_nothing()
)
# What was deleted from stock comes back, into the pool of the upload.
BRING_CODES_BACK = (
    update(key_codes)
    .where(
        key_codes.c.project_id == _project,
        key_codes.c.item_id == _item,
        key_codes.c.code_hash == any_(_hashes),
        key_codes.c.state == CodeState.DELETED.value,
    )
    .values(
        state=CodeState.AVAILABLE.value,
        region_id=_region,
        uploaded_at=bindparam("now"),
        player_id=null(),
        source=null(),
        given_at=null(),
    )
)


# Written out, not as a parameter: only so does the planner know that the index of free codes serves.
_AVAILABLE = literal_column(f"'{CodeState.AVAILABLE.value}'", Text)
_pool = key_codes.alias("pool")


def _take(in_pool: ColumnElement[bool]) -> Any:
    oldest = (
        select(literal_column("pool.ctid"))
        .select_from(_pool)
        .where(
            _pool.c.project_id == _project,
            _pool.c.item_id == _item,
            in_pool,
            _pool.c.state == _AVAILABLE,
            _pool.c.code_id > bindparam("after", type_=BigInteger),
        )
        # All of a pool have one region; named here, `IS NULL` too lets the index give the order.
        .order_by(_pool.c.region_id, _pool.c.code_id)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    # By their places, which locked rows keep: a join of the two would be planned by statistics, and right after an
    # upload of a million codes these know nothing of them.
    taken = (
        update(key_codes)
        .where(
            key_codes.c.project_id == _project,
            key_codes.c.item_id == _item,
            literal_column("key_codes.ctid") == any_(func.array(oldest, type_=ARRAY(NullType))),
        )
        .values(
            state=bindparam("new_state", type_=Text),
            player_id=bindparam("player", type_=key_codes.c.player_id.type),
            source=bindparam("of_source", type_=Text),
            given_at=bindparam("now", type_=DateTime(timezone=True)),
        )
        .returning(key_codes.c.code_id, key_codes.c.code_sealed)
        .cte("taken")
    )
    return select(taken.c.code_id, taken.c.code_sealed).order_by(taken.c.code_id)


# The oldest free codes of a pool; those that another transaction is taking are passed over. An index serves `=` and
# `IS NULL`, but no comparison that means both.
TAKE_OF_REGION = _take(_pool.c.region_id == _region)
TAKE_OF_NO_REGION = _take(_pool.c.region_id.is_(None))

_games = items.alias("games")
_FOUND = (
    select(
        key_codes.c.code_id,
        key_codes.c.item_id,
        key_codes.c.state,
        items.c.details["drm_sku"].astext.label("drm_sku"),
        items.c.pre_order,
        items.c.region_ids,
        key_codes.c.region_id,
        _games.c.sku.label("game_sku"),
    )
    .join(items, (items.c.project_id == key_codes.c.project_id) & (items.c.item_id == key_codes.c.item_id))
    .join(_games, (_games.c.project_id == items.c.project_id) & (_games.c.item_id == items.c.parent_item_id))
    .where(
        key_codes.c.project_id == _project,
        key_codes.c.code_hash == bindparam("hash", type_=LargeBinary),
    )
)
_keys = items.alias("keys")
_living_keys = (
    select(_keys.c.item_id)
    .join(_games, (_games.c.project_id == _keys.c.project_id) & (_games.c.item_id == _keys.c.parent_item_id))
    .where(
        _keys.c.project_id == _project,
        _keys.c.kind == ItemKind.GAME_KEY.value,
        _keys.c.deleted_at.is_(None),
        _games.c.deleted_at.is_(None),
    )
    .scalar_subquery()
)
# Looked for key by key: the index of hashes begins with the key.
FIND_CODES = _FOUND.where(key_codes.c.item_id == any_(func.array(_living_keys, type_=ARRAY(Integer)))).order_by(
    key_codes.c.item_id
)
FIND_CODES_OF_ITEM = _FOUND.where(key_codes.c.item_id == _item)
USE_CODE = (
    update(key_codes)
    .where(
        key_codes.c.project_id == _project,
        key_codes.c.item_id == _item,
        key_codes.c.code_id == bindparam("code"),
        key_codes.c.state == any_(bindparam("redeemable", type_=ARRAY(Text))),
    )
    .values(
        state=CodeState.USED.value,
        player_id=bindparam("player"),
        source=bindparam("of_source"),
        given_at=bindparam("now"),
    )
)


@dataclass(frozen=True, slots=True)
class SealedCodes:
    """Codes as they are stored: encrypted, and the hashes that tell them apart, in one order."""

    sealed: Sequence[bytes]
    hashes: Sequence[bytes]


async def add_codes(
    db: Session, project_id: int, item_id: int, region_id: int | None, codes: SealedCodes, *, now: datetime
) -> int:
    """Put codes into a pool, and return how many of them were not known. No hash may stand twice among them."""
    assert db.in_transaction, "the turn of an upload lasts as long as its transaction"
    await db.execute(LOCK_UPLOADS, item=item_id)
    given = {"project": project_id, "item": item_id, "region": region_id, "now": now}
    added = await db.execute(ADD_CODES, sealed=codes.sealed, hashes=codes.hashes, **given)
    if added < len(codes.hashes):
        added += await db.execute(BRING_CODES_BACK, hashes=codes.hashes, **given)
    return added


async def take_sealed_codes(
    db: Session,
    project_id: int,
    item_id: int,
    region_id: int | None,
    *,
    quantity: int,
    state: CodeState,
    source: str,
    player_id: UUID | None,
    now: datetime,
    after: int = 0,
) -> list[tuple[int, bytes]]:
    """Take up to so many of the oldest free codes out of a pool: their ids and sealed texts, oldest first.

    after: the last id that this transaction has taken before; without it the index leads through all of them again.
    """
    pool: dict[str, Any] = {} if region_id is None else {"region": region_id}
    rows = await db.fetch_all(
        TAKE_OF_NO_REGION if region_id is None else TAKE_OF_REGION,
        project=project_id,
        item=item_id,
        most=quantity,
        new_state=state.value,
        player=player_id,
        of_source=source,
        now=now,
        after=after,
        **pool,
    )
    return [(row["code_id"], row["code_sealed"]) for row in rows]


async def take_code(
    db: Session,
    sealer: Sealer,
    project_id: int,
    item_id: int,
    region_id: int | None,
    *,
    player_id: UUID | None,
    source: str,
    state: CodeState,
    now: datetime,
) -> tuple[int, str] | None:
    """Take the oldest free code out of a pool for somebody: its id and text, None where the pool is empty.

    source: what it is given for, such as `order:1000001`. However many ask at once, each code goes to one of them. The
    caller says with `actions.codes.note_stock` that there is one less.
    """
    taken = await take_sealed_codes(
        db,
        project_id,
        item_id,
        region_id,
        quantity=1,
        state=state,
        source=source,
        player_id=player_id,
        now=now,
    )
    return (taken[0][0], sealer.open_text(taken[0][1])) if taken else None


async def find_codes(db: Session, project_id: int, code_hash: bytes, *, item_id: int | None = None) -> list[FoundCode]:
    """The codes with one hash: of all keys of the project's games, or of one key."""
    if item_id is None:
        rows = await db.fetch_all(FIND_CODES, project=project_id, hash=code_hash)
    else:
        rows = await db.fetch_all(FIND_CODES_OF_ITEM, project=project_id, hash=code_hash, item=item_id)
    return [
        FoundCode(
            row["code_id"],
            row["item_id"],
            CodeState(row["state"]),
            row["drm_sku"],
            pre_order_of(row["pre_order"]),
            row["game_sku"],
            tuple(row["region_ids"]) if row["region_id"] is None else (row["region_id"],),
        )
        for row in rows
    ]


async def use_code(
    db: Session, project_id: int, code: FoundCode, *, player_id: UUID, source: str, now: datetime
) -> bool:
    """Give a known code to a player; False if somebody was faster."""
    used = await db.execute(
        USE_CODE,
        project=project_id,
        item=code.item_id,
        code=code.code_id,
        redeemable=list(REDEEMABLE),
        player=player_id,
        of_source=source,
        now=now,
    )
    return used == 1
