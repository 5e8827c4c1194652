"""Reads and writes of how many of a value point come with items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, Integer, any_, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from haversack.catalog.tables import items
from haversack.catalog.tables import value_point_rewards as rewards
from haversack.database.engine import Session
from haversack.text import Translations

_of_point = (rewards.c.project_id == bindparam("project"), rewards.c.value_point_id == bindparam("point"))
LIST_REWARDED = (
    select(items.c.item_id, items.c.sku, items.c.name, items.c.image_url, rewards.c.amount)
    .join(rewards, (rewards.c.project_id == items.c.project_id) & (rewards.c.item_id == items.c.item_id))
    .where(*_of_point, items.c.deleted_at.is_(None))
    .order_by(items.c.item_id)
)
_new = insert(rewards).from_select(
    ["project_id", "value_point_id", "item_id", "amount"],
    select(
        bindparam("project", type_=Integer),
        bindparam("point", type_=Integer),
        func.unnest(bindparam("items", type_=ARRAY(Integer))),
        func.unnest(bindparam("amounts", type_=ARRAY(Integer))),
    ),
)
SET_AMOUNTS = _new.on_conflict_do_update(
    index_elements=["project_id", "value_point_id", "item_id"], set_={"amount": _new.excluded.amount}
)
FORGET = delete(rewards).where(*_of_point, rewards.c.item_id == any_(bindparam("items", type_=ARRAY(Integer))))
FORGET_ALL = delete(rewards).where(*_of_point)


@dataclass(frozen=True, slots=True)
class Rewarded:
    """An item that a value point comes with, and how many."""

    item_id: int
    sku: str
    name: Translations
    image_url: str | None
    amount: int


async def list_rewarded(db: Session, project_id: int, value_point_id: int) -> list[Rewarded]:
    """The items that a value point comes with, by id."""
    rows = await db.fetch_all(LIST_REWARDED, project=project_id, point=value_point_id)
    return [Rewarded(row["item_id"], row["sku"], row["name"], row["image_url"], row["amount"]) for row in rows]


async def set_amounts(db: Session, project_id: int, value_point_id: int, amounts: Mapping[int, int]) -> None:
    """Let a value point come with items, by id; other items keep what they have."""
    await db.execute(
        SET_AMOUNTS,
        project=project_id,
        point=value_point_id,
        items=list(amounts),
        amounts=list(amounts.values()),
    )


async def forget_items(db: Session, project_id: int, value_point_id: int, item_ids: Sequence[int]) -> None:
    """Let a value point come with some items no more."""
    await db.execute(FORGET, project=project_id, point=value_point_id, items=list(item_ids))


async def forget_all_items(db: Session, project_id: int, value_point_id: int) -> None:
    """Let a value point come with nothing."""
    await db.execute(FORGET_ALL, project=project_id, point=value_point_id)
