"""Locking what players own, and writing back what has become of it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Integer, Text, bindparam, column, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql import UUID as UUID_COLUMN
from sqlalchemy.sql.selectable import TableValuedAlias

from haversack.database.engine import Session
from haversack.inventory.records import Owned, Piece
from haversack.inventory.tables import balances, item_instances, owned_items

_project = bindparam("project", type_=Integer)
_now = bindparam("now", type_=DateTime(timezone=True))

Balances = dict[tuple[UUID, str], int]
Items = dict[tuple[UUID, int], Owned]
Pieces = dict[tuple[UUID, int], list[Piece]]


def _table(name: str, **columns: Any) -> TableValuedAlias:
    """Arrays of equal length, side by side; each is a parameter named after its column."""
    arrays = (bindparam(f"{each}s", type_=ARRAY(type_)) for each, type_ in columns.items())
    named = (column(each, type_) for each, type_ in columns.items())
    return func.unnest(*arrays).table_valued(*named, name=name).render_derived()


_uuid = UUID_COLUMN(as_uuid=True)
_wanted_balances = _table("wanted", player=_uuid, sku=Text)
# Making the row and locking it are one step: nobody else can make it in between.
LOCK_BALANCES = (
    insert(balances)
    .from_select(
        ["project_id", "player_id", "sku", "amount"],
        select(_project, _wanted_balances.c.player, _wanted_balances.c.sku, literal(0)).order_by(
            _wanted_balances.c.player, _wanted_balances.c.sku
        ),
    )
    .on_conflict_do_update(index_elements=["project_id", "player_id", "sku"], set_={"amount": balances.c.amount})
    .returning(balances.c.player_id, balances.c.sku, balances.c.amount)
)
_new_balances = _table("news", player=_uuid, sku=Text, amount=BigInteger)
SAVE_BALANCES = (
    update(balances)
    .where(
        balances.c.project_id == _project,
        balances.c.player_id == _new_balances.c.player,
        balances.c.sku == _new_balances.c.sku,
    )
    .values(amount=_new_balances.c.amount)
)
_wanted_items = _table("wanted", player=_uuid, item=Integer)
LOCK_ITEMS = (
    insert(owned_items)
    .from_select(
        ["project_id", "player_id", "item_id", "quantity", "changed_at"],
        select(_project, _wanted_items.c.player, _wanted_items.c.item, literal(0), _now).order_by(
            _wanted_items.c.player, _wanted_items.c.item
        ),
    )
    .on_conflict_do_update(index_elements=["project_id", "player_id", "item_id"], set_={"changed_at": _now})
    .returning(owned_items.c.player_id, owned_items.c.item_id, owned_items.c.quantity, owned_items.c.expires_at)
)
_new_items = _table("news", player=_uuid, item=Integer, quantity=Integer, end=DateTime(timezone=True))
SAVE_ITEMS = (
    update(owned_items)
    .where(
        owned_items.c.project_id == _project,
        owned_items.c.player_id == _new_items.c.player,
        owned_items.c.item_id == _new_items.c.item,
    )
    .values(quantity=_new_items.c.quantity, expires_at=_new_items.c.end)
)
# The rows of LOCK_ITEMS stand for the pieces that do not exist yet.
LOCK_PIECES = (
    select(
        item_instances.c.player_id,
        item_instances.c.item_id,
        item_instances.c.instance_id,
        item_instances.c.remaining_uses,
    )
    .join(
        _wanted_items,
        (item_instances.c.player_id == _wanted_items.c.player) & (item_instances.c.item_id == _wanted_items.c.item),
    )
    .where(item_instances.c.project_id == _project)
    .order_by(
        item_instances.c.player_id,
        item_instances.c.item_id,
        item_instances.c.received_at,
        item_instances.c.instance_id,
    )
    .with_for_update(of=item_instances)
)
_new_pieces = _table("news", player=_uuid, item=Integer, piece=_uuid, use=Integer)
ADD_PIECES = insert(item_instances).from_select(
    ["project_id", "player_id", "instance_id", "item_id", "remaining_uses", "received_at"],
    select(_project, _new_pieces.c.player, _new_pieces.c.piece, _new_pieces.c.item, _new_pieces.c.use, _now),
)
_used_pieces = _table("used", player=_uuid, piece=_uuid, use=Integer)
SAVE_PIECES = (
    update(item_instances)
    .where(
        item_instances.c.project_id == _project,
        item_instances.c.player_id == _used_pieces.c.player,
        item_instances.c.instance_id == _used_pieces.c.piece,
    )
    .values(remaining_uses=_used_pieces.c.use)
)
_gone_pieces = _table("gone", player=_uuid, piece=_uuid)
DROP_PIECES = delete(item_instances).where(
    item_instances.c.project_id == _project,
    item_instances.c.player_id == _gone_pieces.c.player,
    item_instances.c.instance_id == _gone_pieces.c.piece,
)


async def lock_balances(db: Session, project_id: int, wanted: Collection[tuple[UUID, str]]) -> Balances:
    """The balances of players in currencies, locked until the transaction ends; one that never was is 0."""
    if not wanted:
        return {}
    rows = await db.fetch_all(
        LOCK_BALANCES, project=project_id, players=[each[0] for each in wanted], skus=[each[1] for each in wanted]
    )
    return {(row["player_id"], row["sku"]): row["amount"] for row in rows}


async def lock_items(
    db: Session, project_id: int, wanted: Collection[tuple[UUID, int]], now: datetime
) -> tuple[Items, Pieces]:
    """What players have of items, in number and in pieces (the oldest first), locked until the transaction ends."""
    items: Items = {}
    pieces: Pieces = {each: [] for each in wanted}
    if not wanted:
        return items, pieces
    of_items: dict[str, Any] = {"players": [each[0] for each in wanted], "items": [each[1] for each in wanted]}
    for row in await db.fetch_all(LOCK_ITEMS, project=project_id, now=now, **of_items):
        items[row["player_id"], row["item_id"]] = Owned(row["quantity"], row["expires_at"])
    for row in await db.fetch_all(LOCK_PIECES, project=project_id, **of_items):
        pieces[row["player_id"], row["item_id"]].append(Piece(row["instance_id"], row["remaining_uses"]))
    return items, pieces


async def save_balances(db: Session, project_id: int, changed: Mapping[tuple[UUID, str], int]) -> None:
    """Write locked balances back."""
    if changed:
        await db.execute(
            SAVE_BALANCES,
            project=project_id,
            players=[each[0] for each in changed],
            skus=[each[1] for each in changed],
            amounts=list(changed.values()),
        )


async def save_items(db: Session, project_id: int, changed: Mapping[tuple[UUID, int], Owned]) -> None:
    """Write locked numbers and ends back."""
    if changed:
        await db.execute(
            SAVE_ITEMS,
            project=project_id,
            players=[each[0] for each in changed],
            items=[each[1] for each in changed],
            quantitys=[owned.quantity for owned in changed.values()],
            ends=[owned.expires_at for owned in changed.values()],
        )


async def save_pieces(db: Session, project_id: int, before: Pieces, after: Pieces, now: datetime) -> None:
    """Write locked pieces back: those that are new, those that are used, those that are gone."""
    new: list[tuple[UUID, int, Piece]] = []
    used: list[tuple[UUID, Piece]] = []
    gone: list[tuple[UUID, UUID]] = []
    for (player_id, item_id), pieces in after.items():
        known = {piece.instance_id: piece for piece in before[player_id, item_id]}
        left = {piece.instance_id for piece in pieces}
        new += [(player_id, item_id, piece) for piece in pieces if piece.instance_id not in known]
        used += [(player_id, piece) for piece in pieces if known.get(piece.instance_id, piece) != piece]
        gone += [(player_id, instance_id) for instance_id in known if instance_id not in left]
    if new:
        await db.execute(
            ADD_PIECES,
            project=project_id,
            now=now,
            players=[player_id for player_id, _, _ in new],
            items=[item_id for _, item_id, _ in new],
            pieces=[piece.instance_id for _, _, piece in new],
            uses=[piece.remaining_uses for _, _, piece in new],
        )
    if used:
        await db.execute(
            SAVE_PIECES,
            project=project_id,
            players=[player_id for player_id, _ in used],
            pieces=[piece.instance_id for _, piece in used],
            uses=[piece.remaining_uses for _, piece in used],
        )
    if gone:
        await db.execute(
            DROP_PIECES,
            project=project_id,
            players=[player_id for player_id, _ in gone],
            pieces=[instance_id for _, instance_id in gone],
        )
