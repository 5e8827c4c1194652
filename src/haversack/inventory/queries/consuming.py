"""Using up what a player owns: each way is one conditional statement, with its row in the ledger."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Integer, Text, bindparam, cast, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import UUID as UUID_COLUMN
from sqlalchemy.dialects.postgresql import insert

from haversack.database.engine import Session
from haversack.inventory.ledger import INSTANCE, ITEM
from haversack.inventory.tables import item_instances, ledger, owned_items

_project = bindparam("project", type_=Integer)
_player = bindparam("player", type_=UUID_COLUMN(as_uuid=True))
_item = bindparam("item", type_=Integer)
_source = bindparam("of_source", type_=Text)
_now = bindparam("now", type_=DateTime(timezone=True))
_quantity = bindparam("n", type_=Integer)
_LEDGER = ["project_id", "player_id", "kind", "subject", "change", "detail", "source", "changed_at"]

_consumed = (
    update(owned_items)
    .where(
        owned_items.c.project_id == _project,
        owned_items.c.player_id == _player,
        owned_items.c.item_id == _item,
        owned_items.c.quantity >= _quantity,
    )
    .values(quantity=owned_items.c.quantity - _quantity, changed_at=_now)
    .returning(owned_items.c.item_id)
    .cte("consumed")
)
CONSUME = insert(ledger).from_select(
    _LEDGER,
    select(
        _project,
        _player,
        literal(ITEM, Text),
        cast(_consumed.c.item_id, Text),
        -cast(_quantity, BigInteger),
        literal("", Text),
        _source,
        _now,
    ),
)
_piece_of = (
    item_instances.c.project_id == _project,
    item_instances.c.player_id == _player,
    item_instances.c.instance_id == bindparam("piece", type_=UUID_COLUMN(as_uuid=True)),
    item_instances.c.item_id == _item,
)
_used = (
    update(item_instances)
    .where(*_piece_of, item_instances.c.remaining_uses > 1)
    .values(remaining_uses=item_instances.c.remaining_uses - 1)
    .returning(item_instances.c.instance_id, item_instances.c.item_id)
    .cte("used")
)
_used_up = (
    delete(item_instances)
    .where(*_piece_of, item_instances.c.remaining_uses == 1)
    .returning(item_instances.c.instance_id, item_instances.c.item_id)
    .cte("used_up")
)
USE_PIECE, USE_PIECE_UP = (
    insert(ledger).from_select(
        _LEDGER,
        select(
            _project,
            _player,
            literal(INSTANCE, Text),
            func.replace(cast(used.c.instance_id, Text), "-", ""),
            literal(-1, BigInteger),
            cast(used.c.item_id, Text),
            _source,
            _now,
        ),
    )
    for used in (_used, _used_up)
)


async def consume(
    db: Session, *, project_id: int, player_id: UUID, item_id: int, quantity: int, source: str, now: datetime
) -> bool:
    """Use up so many of an item that stacks; False, and nothing changed, where there are fewer."""
    consumed = await db.execute(
        CONSUME, project=project_id, player=player_id, item=item_id, n=quantity, of_source=source, now=now
    )
    return consumed == 1


async def use_piece(
    db: Session, *, project_id: int, player_id: UUID, item_id: int, instance_id: UUID, source: str, now: datetime
) -> bool:
    """Use a piece of an item once; with its last use it is gone. False where the player has no such piece."""
    for statement in (USE_PIECE, USE_PIECE_UP):
        used = await db.execute(
            statement,
            project=project_id,
            player=player_id,
            item=item_id,
            piece=instance_id,
            of_source=source,
            now=now,
        )
        if used == 1:
            return True
    return False
