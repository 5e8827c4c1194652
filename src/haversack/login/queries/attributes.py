"""Reads and writes of players' attributes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import Boolean, Text, Uuid, any_, bindparam, delete, func, not_, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from haversack.database.engine import Session
from haversack.login.records import Attribute, AttributeType, Permission
from haversack.login.tables import player_attributes as attributes

_place = (
    attributes.c.login_project_id == bindparam("login"),
    attributes.c.project_id == bindparam("project"),
    attributes.c.attr_type == bindparam("of_type"),
)
_of_player = (*_place, attributes.c.player_id == bindparam("player"))
LIST_ATTRIBUTES = (
    select(attributes)
    .where(
        *_of_player,
        or_(
            func.cardinality(bindparam("keys", type_=ARRAY(Text))) == 0,
            attributes.c.key == any_(bindparam("keys", type_=ARRAY(Text))),
        ),
        or_(not_(bindparam("only_public", type_=Boolean)), attributes.c.permission == "public"),
    )
    .order_by(attributes.c.key)
)
_new = insert(attributes).values(
    login_project_id=bindparam("login"),
    player_id=bindparam("player"),
    project_id=bindparam("project"),
    attr_type=bindparam("of_type"),
    key=bindparam("of_key"),
    value=bindparam("new_value"),
    permission=func.coalesce(bindparam("new_permission", type_=Text), "private"),
    data_type=bindparam("new_data_type"),
    description=bindparam("new_description"),
    format=bindparam("new_format"),
    changed_at=bindparam("now"),
)
SAVE_ATTRIBUTE = _new.on_conflict_do_update(
    index_elements=["login_project_id", "player_id", "project_id", "attr_type", "key"],
    set_={
        "value": _new.excluded.value,
        "permission": func.coalesce(bindparam("new_permission", type_=Text), attributes.c.permission),
        "data_type": _new.excluded.data_type,
        "description": func.coalesce(_new.excluded.description, attributes.c.description),
        "format": func.coalesce(_new.excluded.format, attributes.c.format),
        "changed_at": _new.excluded.changed_at,
    },
)
REMOVE_ATTRIBUTES = delete(attributes).where(
    *_of_player, attributes.c.key == any_(bindparam("keys", type_=ARRAY(Text)))
)
COUNT_ATTRIBUTES = select(func.count()).select_from(attributes).where(*_of_player)
FIND_HOLDERS = (
    select(attributes.c.player_id)
    .where(
        *_place,
        attributes.c.key == bindparam("of_key"),
        or_(
            bindparam("of_value", type_=Text).is_(None),
            attributes.c.value == bindparam("of_value", type_=Text),
        ),
        or_(
            bindparam("after", type_=Uuid).is_(None),
            attributes.c.player_id > bindparam("after", type_=Uuid),
        ),
    )
    .order_by(attributes.c.player_id)
    .limit(bindparam("count"))
)
LIST_OF_HOLDERS = (
    select(attributes)
    .where(
        *_place,
        attributes.c.player_id == any_(bindparam("players", type_=ARRAY(Uuid))),
        or_(
            func.cardinality(bindparam("keys", type_=ARRAY(Text))) == 0,
            attributes.c.key == any_(bindparam("keys", type_=ARRAY(Text))),
        ),
    )
    .order_by(attributes.c.player_id, attributes.c.key)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Where attributes stand: in a login project, for one numbered project (0: for none), of one type."""

    login_project_id: UUID
    project_id: int
    attr_type: AttributeType


def _attribute(row: asyncpg.Record) -> Attribute:
    return Attribute(
        key=row["key"],
        value=row["value"],
        permission=Permission(row["permission"]),
        attr_type=AttributeType(row["attr_type"]),
        data_type=row["data_type"],
        description=row["description"],
        format=row["format"],
    )


async def list_attributes(
    db: Session, shelf: Shelf, player_id: UUID, *, keys: Sequence[str], only_public: bool
) -> list[Attribute]:
    """A player's attributes by key; all where no keys are given."""
    rows = await db.fetch_all(
        LIST_ATTRIBUTES,
        login=shelf.login_project_id,
        project=shelf.project_id,
        of_type=shelf.attr_type,
        player=player_id,
        keys=list(keys),
        only_public=only_public,
    )
    return [_attribute(row) for row in rows]


async def save_attribute(
    db: Session,
    shelf: Shelf,
    player_id: UUID,
    *,
    key: str,
    value: str,
    permission: Permission | None,
    data_type: str,
    description: str | None,
    value_format: str | None,
    now: datetime,
) -> None:
    """Set an attribute; a permission of None keeps the present one, and makes a new attribute private."""
    await db.execute(
        SAVE_ATTRIBUTE,
        login=shelf.login_project_id,
        project=shelf.project_id,
        of_type=shelf.attr_type,
        player=player_id,
        of_key=key,
        new_value=value,
        new_permission=permission,
        new_data_type=data_type,
        new_description=description,
        new_format=value_format,
        now=now,
    )


async def remove_attributes(db: Session, shelf: Shelf, player_id: UUID, keys: Sequence[str]) -> None:
    """Remove attributes; keys that are not there do not matter."""
    await db.execute(
        REMOVE_ATTRIBUTES,
        login=shelf.login_project_id,
        project=shelf.project_id,
        of_type=shelf.attr_type,
        player=player_id,
        keys=list(keys),
    )


async def count_attributes(db: Session, shelf: Shelf, player_id: UUID) -> int:
    """How many attributes a player has on a shelf."""
    return int(
        await db.fetch_value(
            COUNT_ATTRIBUTES,
            login=shelf.login_project_id,
            project=shelf.project_id,
            of_type=shelf.attr_type,
            player=player_id,
        )
    )


async def list_holders(
    db: Session, shelf: Shelf, *, key: str, value: str | None, after: UUID | None, limit: int
) -> list[UUID]:
    """The players that have an attribute (with the value, where one is given), in the order of their ids."""
    rows = await db.fetch_all(
        FIND_HOLDERS,
        login=shelf.login_project_id,
        project=shelf.project_id,
        of_type=shelf.attr_type,
        of_key=key,
        of_value=value,
        after=after,
        count=limit,
    )
    return [row["player_id"] for row in rows]


async def list_attributes_of_holders(
    db: Session, shelf: Shelf, player_ids: Sequence[UUID], *, keys: Sequence[str]
) -> dict[UUID, list[Attribute]]:
    """The attributes of several players; all keys where none are given."""
    found: dict[UUID, list[Attribute]] = {player_id: [] for player_id in player_ids}
    rows = await db.fetch_all(
        LIST_OF_HOLDERS,
        login=shelf.login_project_id,
        project=shelf.project_id,
        of_type=shelf.attr_type,
        players=list(player_ids),
        keys=list(keys),
    )
    for row in rows:
        found[row["player_id"]].append(_attribute(row))
    return found
