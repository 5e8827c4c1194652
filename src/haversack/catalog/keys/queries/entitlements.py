"""Reads and writes of players' rights to games."""

from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from haversack.catalog.items.stored_forms import attributes_of, pre_order_of
from haversack.catalog.keys.records import FreeKey, HeldGame, Mode
from haversack.catalog.keys.rules import DRM_FREE
from haversack.catalog.tables import entitlements, items
from haversack.database.engine import Session

_games = items.alias("games")
_with_game = (_games.c.project_id == items.c.project_id) & (_games.c.item_id == items.c.parent_item_id)
# A right goes on when its game is deleted from the catalog, so deleted ones are found too.
LIST_FREE_KEYS = (
    select(items.c.item_id, items.c.region_ids, items.c.deleted_at)
    .join(_games, _with_game)
    .where(
        items.c.project_id == bindparam("project"),
        _games.c.sku == bindparam("game_sku"),
        items.c.details["drm_sku"].astext == DRM_FREE,
    )
    .order_by(items.c.item_id)
)
# Simultaneous grants of one right meet in its unique index: one of them makes a row.
ADD_ENTITLEMENT = (
    insert(entitlements)
    .values(
        project_id=bindparam("project"),
        player_id=bindparam("player"),
        item_id=bindparam("item"),
        code_id=bindparam("code"),
        mode=bindparam("of_mode"),
        source=bindparam("of_source"),
        granted_at=bindparam("now"),
    )
    .on_conflict_do_nothing()
    .returning(entitlements.c.entitlement_id)
)
REVOKE_ENTITLEMENT = (
    update(entitlements)
    .where(
        entitlements.c.project_id == bindparam("project"),
        entitlements.c.player_id == bindparam("player"),
        entitlements.c.item_id == bindparam("item"),
        entitlements.c.mode == bindparam("of_mode"),
        entitlements.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
    .returning(entitlements.c.entitlement_id)
)
REVOKE_BY_ID = (
    update(entitlements)
    .where(
        entitlements.c.project_id == bindparam("project"),
        entitlements.c.player_id == bindparam("player"),
        entitlements.c.entitlement_id == bindparam("entitlement"),
        entitlements.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
)
_held = (
    entitlements.c.project_id == bindparam("project"),
    entitlements.c.player_id == bindparam("player"),
    entitlements.c.mode == bindparam("of_mode"),
    entitlements.c.revoked_at.is_(None),
)
LIST_HELD_GAMES = (
    select(
        entitlements.c.project_id,
        _games.c.sku,
        _games.c.name,
        _games.c.description,
        _games.c.image_url,
        _games.c.attributes,
        items.c.pre_order,
        items.c.details["drm_sku"].astext.label("drm_sku"),
    )
    .join(
        items,
        (items.c.project_id == entitlements.c.project_id) & (items.c.item_id == entitlements.c.item_id),
    )
    .join(_games, _with_game)
    .where(*_held)
    .order_by(entitlements.c.entitlement_id.desc())
    .limit(bindparam("most"))
    .offset(bindparam("skipped"))
)
COUNT_HELD_GAMES = select(func.count()).select_from(entitlements).where(*_held)


def _held_game(row: asyncpg.Record) -> HeldGame:
    return HeldGame(
        project_id=row["project_id"],
        game_sku=row["sku"],
        name=row["name"],
        description=row["description"],
        image_url=row["image_url"],
        drm_sku=row["drm_sku"],
        pre_order=pre_order_of(row["pre_order"]),
        attributes=attributes_of(row["attributes"]),
    )


async def list_free_keys(db: Session, project_id: int, game_sku: str) -> list[FreeKey]:
    """The keys of a game that need no platform, those that were deleted too."""
    rows = await db.fetch_all(LIST_FREE_KEYS, project=project_id, game_sku=game_sku)
    return [FreeKey(row["item_id"], tuple(row["region_ids"]), row["deleted_at"] is not None) for row in rows]


async def add_entitlement(
    db: Session,
    project_id: int,
    player_id: UUID,
    *,
    item_id: int,
    code_id: int | None,
    mode: Mode,
    source: str,
    now: datetime,
) -> int | None:
    """Give a player the right to a game's key, and return the right's id; None if the player has it already."""
    entitlement_id: int | None = await db.fetch_value(
        ADD_ENTITLEMENT,
        project=project_id,
        player=player_id,
        item=item_id,
        code=code_id,
        of_mode=mode.value,
        of_source=source,
        now=now,
    )
    return entitlement_id


async def revoke_entitlement(
    db: Session, project_id: int, player_id: UUID, *, item_id: int, mode: Mode, now: datetime
) -> int | None:
    """Take a right away, and return its id; None where the player does not have it."""
    entitlement_id: int | None = await db.fetch_value(
        REVOKE_ENTITLEMENT, project=project_id, player=player_id, item=item_id, of_mode=mode.value, now=now
    )
    return entitlement_id


async def revoke_entitlement_by_id(
    db: Session, project_id: int, player_id: UUID, entitlement_id: int, *, now: datetime
) -> bool:
    """Take one right away; False where it is taken away already."""
    revoked = await db.execute(REVOKE_BY_ID, project=project_id, player=player_id, entitlement=entitlement_id, now=now)
    return revoked == 1


async def list_held_games(
    db: Session, project_id: int, player_id: UUID, *, mode: Mode, limit: int, offset: int
) -> list[HeldGame]:
    """The games that a player has a right to, the newest right first."""
    rows = await db.fetch_all(
        LIST_HELD_GAMES,
        project=project_id,
        player=player_id,
        of_mode=mode.value,
        most=limit,
        skipped=offset,
    )
    return [_held_game(row) for row in rows]


async def count_held_games(db: Session, project_id: int, player_id: UUID, *, mode: Mode) -> int:
    """How many games a player has a right to."""
    return int(await db.fetch_value(COUNT_HELD_GAMES, project=project_id, player=player_id, of_mode=mode.value))
