"""Reads of what players own: one statement for as many players as are asked for."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import DateTime, Integer, any_, bindparam, cast, column, func, null, or_, select, true, union_all
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as UUID_COLUMN

from haversack.catalog.tables import items
from haversack.database.engine import Session
from haversack.inventory.tables import balances, item_instances, owned_items

_project = bindparam("project", type_=Integer)
_uuid = UUID_COLUMN(as_uuid=True)
_players = bindparam("players", type_=ARRAY(_uuid))

LIST_BALANCES = select(balances.c.player_id, balances.c.sku, balances.c.amount).where(
    balances.c.project_id == _project, balances.c.player_id == any_(_players), balances.c.amount > 0
)
_wanted = func.unnest(_players).table_valued(column("player_id", _uuid), name="wanted").render_derived("wanted")
_stacked = select(
    owned_items.c.item_id,
    owned_items.c.quantity,
    cast(null(), _uuid).label("instance_id"),
    cast(null(), Integer).label("remaining_uses"),
    cast(null(), DateTime(timezone=True)).label("received_at"),
).where(
    owned_items.c.project_id == _project,
    owned_items.c.player_id == _wanted.c.player_id,
    owned_items.c.quantity > 0,
    # What has run out is shown among the time-limited items alone.
    or_(
        owned_items.c.expires_at.is_(null()),
        owned_items.c.expires_at > bindparam("now", type_=DateTime(timezone=True)),
    ),
)
_pieces = select(
    item_instances.c.item_id,
    cast(null(), Integer).label("quantity"),
    item_instances.c.instance_id,
    item_instances.c.remaining_uses,
    item_instances.c.received_at,
).where(item_instances.c.project_id == _project, item_instances.c.player_id == _wanted.c.player_id)
_owned = union_all(_stacked.correlate(_wanted), _pieces.correlate(_wanted)).lateral("owned")
_order = (_owned.c.item_id, _owned.c.received_at.asc().nulls_first(), _owned.c.instance_id)
# What was deleted from the catalog has no name any more. It is left out here, so that only the last page is short.
_page = (
    select(_owned.c.item_id, _owned.c.quantity, _owned.c.instance_id, _owned.c.remaining_uses)
    .join(items, (items.c.project_id == _project) & (items.c.item_id == _owned.c.item_id))
    .where(items.c.deleted_at.is_(null()))
    .order_by(*_order)
    .limit(bindparam("most", type_=Integer))
    .offset(bindparam("skipped", type_=Integer))
    .lateral("page")
)
LIST_OWNED = select(
    _wanted.c.player_id, _page.c.item_id, _page.c.quantity, _page.c.instance_id, _page.c.remaining_uses
).select_from(_wanted.join(_page, true()))
LIST_ENDS = (
    select(owned_items.c.player_id, owned_items.c.item_id, owned_items.c.expires_at)
    .where(
        owned_items.c.project_id == _project,
        owned_items.c.player_id == any_(_players),
        owned_items.c.quantity > 0,
    )
    .order_by(owned_items.c.player_id, owned_items.c.item_id)
)


async def list_balances(db: Session, project_id: int, player_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Balances by SKU, without those that are empty."""
    found: dict[UUID, dict[str, int]] = {}
    for row in await db.fetch_all(LIST_BALANCES, project=project_id, players=player_ids):
        found.setdefault(row["player_id"], {})[row["sku"]] = row["amount"]
    return found


async def list_owned(
    db: Session, project_id: int, player_ids: Sequence[UUID], *, limit: int, offset: int, now: datetime
) -> dict[UUID, list[asyncpg.Record]]:
    """A page of each player's inventory, as rows of item_id, quantity (of what stacks), instance_id and remaining_uses
    (of pieces); the oldest piece of an item first."""
    found: dict[UUID, list[asyncpg.Record]] = {}
    for row in await db.fetch_all(
        LIST_OWNED, project=project_id, players=player_ids, now=now, most=limit, skipped=offset
    ):
        found.setdefault(row["player_id"], []).append(row)
    return found


async def list_ends(db: Session, project_id: int, player_ids: Sequence[UUID]) -> dict[UUID, dict[int, datetime | None]]:
    """Until when players have each item, past or not; None: without end."""
    found: dict[UUID, dict[int, datetime | None]] = {}
    for row in await db.fetch_all(LIST_ENDS, project=project_id, players=player_ids):
        found.setdefault(row["player_id"], {})[row["item_id"]] = row["expires_at"]
    return found
