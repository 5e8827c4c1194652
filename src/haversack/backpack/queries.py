"""Reads and writes of the Backpack."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import (
    BigInteger,
    Boolean,
    Integer,
    Interval,
    LargeBinary,
    Text,
    any_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as pg_insert

from haversack.backpack.records import Game, Item, ItemState, ItemType
from haversack.backpack.rules import HELD_STATES
from haversack.backpack.tables import backpack_games as games
from haversack.backpack.tables import backpack_items as items
from haversack.database.engine import Session
from haversack.errors import BACKPACK_ITEM_NOT_FOUND
from haversack.orders.tables import order_ids
from haversack.projects.tables import projects
from haversack.sealing import Sealer

_NEW_COLUMNS = (
    "project_id",
    "player_id",
    "item_id",
    "item_type",
    "item_sku",
    "item_name",
    "image_url",
    "description",
    "price",
    "currency",
    "quantity",
    "platform",
    "game_id",
    "external_game_id",
    "game_name",
    "game_image_url",
    "is_external_vc",
    "created_at",
)
_new_values = attrgetter(*_NEW_COLUMNS)
# A look-up takes a tenth of the time of calling the enumeration, and lists are full of them.
_TYPE_OF = {each.value: each for each in ItemType}
_STATE_OF = {each.value: each for each in ItemState}

_held = items.c.state.in_([literal_column(f"'{state}'") for state in HELD_STATES])
_shown = (
    select(
        items,
        projects.c.merchant_id,
        func.coalesce(games.c.game_name, items.c.game_name).label("shown_game_name"),
        func.coalesce(games.c.game_image_url, items.c.game_image_url).label("shown_game_image_url"),
        func.coalesce(items.c.busy_until > func.now(), False).label("is_busy"),
    )
    .join(projects, projects.c.project_id == items.c.project_id)
    .outerjoin(games, (games.c.project_id == items.c.project_id) & (games.c.game_id == items.c.game_id))
)
_newest_first = (items.c.created_at.desc(), items.c.sequence.desc())
LIST_FOR_PROJECT = (
    _shown.where(items.c.project_id == bindparam("project"), items.c.player_id == bindparam("player"), _held)
    .order_by(*_newest_first)
    .offset(bindparam("skip", type_=BigInteger))
    .limit(bindparam("most", type_=BigInteger))
)
_in_projects = items.c.project_id == any_(bindparam("projects", type_=ARRAY(Integer)))
LIST_FOR_PLAYER = (
    _shown.where(
        items.c.player_id == bindparam("player"),
        _in_projects,
        _held,
        or_(
            bindparam("any_type", type_=Boolean),
            items.c.item_type == any_(bindparam("types", type_=ARRAY(Text))),
        ),
    )
    .order_by(*_newest_first)
    .offset(bindparam("skip", type_=BigInteger))
    .limit(bindparam("most", type_=BigInteger))
)
COUNT_FOR_PLAYER = (
    select(items.c.item_type, func.count().label("number"))
    .where(items.c.player_id == bindparam("player"), _in_projects, _held)
    .group_by(items.c.item_type)
)
_of_player = (items.c.item_id == bindparam("item"), items.c.player_id == bindparam("player"), _in_projects)
FIND_FOR_PLAYER = _shown.where(*_of_player, _held)
LOCK_FOR_PLAYER = _shown.where(*_of_player).with_for_update(of=items)
MOVE = (
    update(items)
    .where(
        items.c.project_id == bindparam("project"),
        items.c.item_id == bindparam("item"),
        items.c.state == any_(bindparam("from_states", type_=ARRAY(Text))),
        or_(bindparam("any_token", type_=Boolean), items.c.busy_token == bindparam("of_token")),
    )
    .values(
        state=bindparam("to_state", type_=Text),
        busy_token=bindparam("token"),
        busy_until=func.now() + bindparam("busy_for", type_=Interval),
        # A hold has its own holder, or none; who has held an item goes on to have received it.
        held_by=case(
            (bindparam("to_state", type_=Text) == ItemState.CHECKING.value, bindparam("holder", type_=LargeBinary)),
            else_=items.c.held_by,
        ),
        user_game_id=func.coalesce(bindparam("account", type_=Text), items.c.user_game_id),
        delivery_id=bindparam("delivery"),
        settled_at=bindparam("settled"),
    )
)
TAKE_ORDER_ID = (
    update(items)
    .where(
        items.c.project_id == bindparam("project"),
        items.c.item_id == bindparam("item"),
        items.c.state == ItemState.CHECKING.value,
        items.c.busy_token == bindparam("of_token"),
    )
    .values(order_id=func.coalesce(items.c.order_id, order_ids.next_value()))
    .returning(items.c.order_id)
)
FORGET_CODE = (
    update(items)
    .where(items.c.project_id == bindparam("project"), items.c.item_id == bindparam("item"))
    .values(code_sealed=null())
)

ADD_GAMES = (
    pg_insert(games)
    .values(
        project_id=bindparam("project"),
        game_id=bindparam("id"),
        external_game_id=bindparam("external"),
        game_name=bindparam("name"),
        game_image_url=bindparam("image"),
        created_at=bindparam("now"),
    )
    .on_conflict_do_nothing(index_elements=["project_id", "external_game_id"])
    .returning(games.c.game_id)
)
LIST_GAMES = (
    select(games)
    .where(games.c.project_id == bindparam("project"))
    .order_by(games.c.created_at, games.c.external_game_id)
)
FIND_GAMES = select(games).where(
    games.c.project_id == bindparam("project"),
    games.c.external_game_id == any_(bindparam("externals", type_=ARRAY(Text))),
)
UPDATE_GAME = (
    update(games)
    .where(games.c.project_id == bindparam("project"), games.c.external_game_id == bindparam("external"))
    .values(
        game_name=func.coalesce(bindparam("name", type_=Text), games.c.game_name),
        game_image_url=func.coalesce(bindparam("image", type_=Text), games.c.game_image_url),
    )
)


def _item(row: asyncpg.Record, sealer: Sealer) -> Item:
    return Item(
        project_id=row["project_id"],
        merchant_id=row["merchant_id"],
        item_id=row["item_id"],
        player_id=row["player_id"],
        item_type=_TYPE_OF[row["item_type"]],
        item_sku=row["item_sku"],
        item_name=row["item_name"],
        image_url=row["image_url"],
        description=row["description"],
        code="" if row["code_sealed"] is None else sealer.open_text(row["code_sealed"]),
        price=row["price"],
        currency=row["currency"],
        quantity=row["quantity"],
        platform=row["platform"],
        game_id=row["game_id"],
        external_game_id=row["external_game_id"],
        game_name=row["shown_game_name"],
        game_image_url=row["shown_game_image_url"],
        is_external_vc=row["is_external_vc"],
        state=_STATE_OF[row["state"]],
        is_busy=row["is_busy"],
        user_game_id=row["user_game_id"],
        delivery_id=row["delivery_id"],
        held_by=row["held_by"],
        created_at=row["created_at"],
    )


def _game(row: asyncpg.Record) -> Game:
    return Game(row["game_id"], row["external_game_id"], row["game_name"], row["game_image_url"])


async def add_items(db: Session, sealer: Sealer, items_to_add: Sequence[Item]) -> None:
    """Store new items by COPY: as the arrays of one statement they take asyncpg half as long again."""
    # The first element of a call is the newest of its moment, so a list shows a call in its own order.
    rows = [(*_new_values(item), sealer.seal_text(item.code) if item.code else None) for item in reversed(items_to_add)]
    await db.copy(items.name, (*_NEW_COLUMNS, "code_sealed"), rows)


async def list_items_for_project(
    db: Session, sealer: Sealer, *, project_id: int, player_id: UUID, offset: int, limit: int | None
) -> list[Item]:
    """What a player holds of one project, newest first; all of it without a limit."""
    rows = await db.fetch_all(LIST_FOR_PROJECT, project=project_id, player=player_id, skip=offset, most=limit)
    return [_item(row, sealer) for row in rows]


async def list_items_for_player(
    db: Session,
    sealer: Sealer,
    *,
    project_ids: Sequence[int],
    player_id: UUID,
    item_types: Sequence[ItemType],
    offset: int,
    limit: int,
) -> list[Item]:
    """What a player holds over the projects of one login project, newest first."""
    rows = await db.fetch_all(
        LIST_FOR_PLAYER,
        projects=list(project_ids),
        player=player_id,
        any_type=not item_types,
        types=[str(each) for each in item_types],
        skip=offset,
        most=limit,
    )
    return [_item(row, sealer) for row in rows]


async def count_items_for_player(db: Session, *, project_ids: Sequence[int], player_id: UUID) -> dict[ItemType, int]:
    """How many items of each type a player holds."""
    rows = await db.fetch_all(COUNT_FOR_PLAYER, projects=list(project_ids), player=player_id)
    return {ItemType(row["item_type"]): row["number"] for row in rows}


async def get_item_for_player(
    db: Session, sealer: Sealer, *, project_ids: Sequence[int], player_id: UUID, item_id: UUID
) -> Item:
    """An item in the player's Backpack, or BACKPACK_ITEM_NOT_FOUND."""
    row = await db.fetch_one(FIND_FOR_PLAYER, projects=list(project_ids), player=player_id, item=item_id)
    if row is None:
        raise BACKPACK_ITEM_NOT_FOUND(item_id=item_id)
    return _item(row, sealer)


async def lock_item_for_player(
    db: Session, sealer: Sealer, *, project_ids: Sequence[int], player_id: UUID, item_id: UUID
) -> Item:
    """An item of the player in whatever state, locked until the transaction ends, or BACKPACK_ITEM_NOT_FOUND."""
    row = await db.fetch_one(LOCK_FOR_PLAYER, projects=list(project_ids), player=player_id, item=item_id)
    if row is None:
        raise BACKPACK_ITEM_NOT_FOUND(item_id=item_id)
    return _item(row, sealer)


async def move_item(
    db: Session,
    *,
    project_id: int,
    item_id: UUID,
    from_states: Sequence[ItemState],
    to_state: ItemState,
    held_token: UUID | None = None,
    token: UUID | None = None,
    held_by: bytes | None = None,
    busy_for: timedelta | None = None,
    user_game_id: str | None = None,
    delivery_id: int | None = None,
    settled_at: datetime | None = None,
) -> bool:
    """Move an item if it stands in one of the states (and is held with `held_token`, where given)."""
    moved = await db.execute(
        MOVE,
        project=project_id,
        item=item_id,
        from_states=[str(state) for state in from_states],
        any_token=held_token is None,
        of_token=held_token,
        to_state=to_state,
        token=token,
        holder=held_by,
        busy_for=busy_for,
        account=user_game_id,
        delivery=delivery_id,
        settled=settled_at,
    )
    return moved == 1


async def take_order_id(db: Session, *, project_id: int, item_id: UUID, held_token: UUID) -> int | None:
    """The item's order number, given once; None if the item is no longer held with the token."""
    order_id = await db.fetch_value(TAKE_ORDER_ID, project=project_id, item=item_id, of_token=held_token)
    return None if order_id is None else int(order_id)


async def forget_code(db: Session, *, project_id: int, item_id: UUID) -> None:
    """Remove the key or code of a deleted item."""
    await db.execute(FORGET_CODE, project=project_id, item=item_id)


async def add_game(
    db: Session, *, project_id: int, external_game_id: str, game_name: str, game_image_url: str, now: datetime
) -> UUID | None:
    """Make a game and return its id; None if one with this external id exists."""
    row = await db.fetch_one(
        ADD_GAMES,
        project=project_id,
        id=uuid4(),
        external=external_game_id,
        name=game_name,
        image=game_image_url,
        now=now,
    )
    return None if row is None else row["game_id"]


async def list_games(db: Session, project_id: int) -> list[Game]:
    """The games of a project in the order they were made."""
    return [_game(row) for row in await db.fetch_all(LIST_GAMES, project=project_id)]


async def find_games(db: Session, *, project_id: int, external_game_ids: Sequence[str]) -> list[Game]:
    """The games with these external ids."""
    rows = await db.fetch_all(FIND_GAMES, project=project_id, externals=list(external_game_ids))
    return [_game(row) for row in rows]


async def update_game(
    db: Session, *, project_id: int, external_game_id: str, game_name: str | None, game_image_url: str | None
) -> bool:
    """Change the given details; False if there is no such game."""
    changed = await db.execute(
        UPDATE_GAME, project=project_id, external=external_game_id, name=game_name, image=game_image_url
    )
    return changed == 1
