"""Moves the addresses of the demo's pictures to where its server runs now, and knows what the demo has had."""

from typing import Any

from sqlalchemy import Column, Text, bindparam, cast, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.dml import Update

from haversack.backpack.tables import backpack_games, backpack_items
from haversack.catalog.tables import item_groups, items
from haversack.chains.tables import chains
from haversack.database.engine import Session

_old = bindparam("old", type_=Text)
_new = bindparam("new", type_=Text)


def _moved(text: Any) -> Any:
    return func.replace(text, _old, _new)


def _move(*columns: Column[Any]) -> Update:
    table = columns[0].table
    texts = {column: cast(column, Text) if isinstance(column.type, JSONB) else column for column in columns}
    return (
        update(table)
        .where(
            table.c.project_id == bindparam("project"), or_(*(func.strpos(text, _old) > 0 for text in texts.values()))
        )
        .values({column: cast(_moved(text), column.type) for column, text in texts.items()})
    )


MOVES = (
    _move(items.c.image_url, items.c.media_list),
    _move(item_groups.c.image_url),
    _move(chains.c.image_url),
    _move(backpack_items.c.image_url, backpack_items.c.game_image_url),
    _move(backpack_games.c.game_image_url),
)
HAS_EVER_HAD = select(exists().where(items.c.project_id == bindparam("project"), items.c.sku == bindparam("of_sku")))


async def has_ever_had(db: Session, project_id: int, sku: str) -> bool:
    """Whether the project has an item of a SKU, or had one that was deleted since."""
    return bool(await db.fetch_value(HAS_EVER_HAD, project=project_id, of_sku=sku))


async def move_pictures(db: Session, project_id: int, *, old: str, new: str) -> None:
    """Put one beginning of addresses in place of another, wherever the demo shows pictures."""
    for statement in MOVES:
        await db.execute(statement, project=project_id, old=old, new=new)
