"""Reads and writes of value points: balances of players and clans, memberships, resets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    Integer,
    Text,
    any_,
    bindparam,
    case,
    column,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from haversack.chains.tables import clan_balances, clan_members, value_point_balances, value_point_resets
from haversack.database.engine import Session

_MOMENT = DateTime(timezone=True)
_project = bindparam("project", type_=Integer)
_points = (
    func.unnest(
        bindparam("points", type_=ARRAY(Integer)),
        bindparam("clans", type_=ARRAY(Text)),
        bindparam("starts", type_=ARRAY(_MOMENT)),
        bindparam("amounts", type_=ARRAY(BigInteger)),
    )
    .table_valued(
        column("value_point_id", Integer),
        column("clan", Text),
        column("window_start", _MOMENT),
        column("amount", BigInteger),
        name="points",
    )
    .render_derived()
)
_in_order = (_points.c.value_point_id, _points.c.clan)

_own = insert(value_point_balances).from_select(
    ["project_id", "player_id", "value_point_id", "clan", "window_start", "amount"],
    select(
        _project,
        bindparam("player", type_=value_point_balances.c.player_id.type),
        *_in_order,
        _points.c.window_start,
        _points.c.amount,
    ).order_by(*_in_order),
)
# What lies in an older window is of the past. Where the project's clock went back, points go on in the later one.
ADD_POINTS = _own.on_conflict_do_update(
    index_elements=["project_id", "player_id", "value_point_id", "clan"],
    set_={
        "amount": case(
            (_own.excluded.window_start > value_point_balances.c.window_start, _own.excluded.amount),
            else_=value_point_balances.c.amount + _own.excluded.amount,
        ),
        "window_start": func.greatest(value_point_balances.c.window_start, _own.excluded.window_start),
    },
).returning(value_point_balances.c.value_point_id, value_point_balances.c.clan, value_point_balances.c.window_start)
_all = insert(clan_balances).from_select(
    ["project_id", "value_point_id", "clan", "window_start", "amount"],
    select(_project, *_in_order, _points.c.window_start, _points.c.amount).order_by(*_in_order),
)
# A clan has what its members brought in the newest window of any of them, and nothing of an older one.
ADD_TO_CLANS = _all.on_conflict_do_update(
    index_elements=["project_id", "value_point_id", "clan"],
    set_={
        "amount": case(
            (_all.excluded.window_start > clan_balances.c.window_start, _all.excluded.amount),
            (
                _all.excluded.window_start == clan_balances.c.window_start,
                clan_balances.c.amount + _all.excluded.amount,
            ),
            else_=clan_balances.c.amount,
        ),
        "window_start": func.greatest(clan_balances.c.window_start, _all.excluded.window_start),
    },
)
_same = (
    value_point_balances.c.project_id == _project,
    value_point_balances.c.player_id == bindparam("player"),
)
LOCK_POINTS = (
    select(
        value_point_balances.c.value_point_id,
        value_point_balances.c.clan,
        value_point_balances.c.window_start,
        value_point_balances.c.amount,
    )
    .where(*_same, value_point_balances.c.value_point_id == any_(bindparam("points", type_=ARRAY(Integer))))
    .order_by(value_point_balances.c.value_point_id, value_point_balances.c.clan)
    .with_for_update()
)
TAKE_POINTS = (
    update(value_point_balances)
    .where(
        *_same,
        value_point_balances.c.value_point_id == bindparam("point"),
        value_point_balances.c.clan == bindparam("of_clan"),
    )
    .values(amount=value_point_balances.c.amount - bindparam("taken"))
)
TAKE_FROM_CLAN = (
    update(clan_balances)
    .where(
        clan_balances.c.project_id == _project,
        clan_balances.c.value_point_id == bindparam("point"),
        clan_balances.c.clan == bindparam("of_clan"),
        clan_balances.c.window_start == bindparam("start"),
    )
    .values(amount=clan_balances.c.amount - bindparam("taken"))
)
LIST_RESETS = select(value_point_resets.c.value_point_id, value_point_resets.c.reset_at).where(
    value_point_resets.c.project_id == _project
)
_kept = insert(value_point_resets).values(
    project_id=_project, value_point_id=bindparam("point"), reset_at=bindparam("start")
)
KEEP_RESET = _kept.on_conflict_do_update(
    index_elements=["project_id", "value_point_id"],
    set_={"reset_at": func.greatest(value_point_resets.c.reset_at, _kept.excluded.reset_at)},
)
_of_member = (clan_members.c.project_id == _project, clan_members.c.player_id == bindparam("player"))
FIND_CLAN = select(clan_members.c.clan).where(*_of_member)
_joined = insert(clan_members).values(
    project_id=_project, player_id=bindparam("player"), clan=bindparam("of_clan"), joined_at=bindparam("now")
)
JOIN_CLAN = _joined.on_conflict_do_update(
    index_elements=["project_id", "player_id"],
    set_={"clan": _joined.excluded.clan, "joined_at": _joined.excluded.joined_at},
)
LEAVE_CLAN = delete(clan_members).where(*_of_member)


@dataclass(frozen=True, slots=True)
class Points:
    """An amount of a value point in a window: a player's own, or (`clan` not empty) what they brought to a clan."""

    value_point_id: int
    clan: str
    window_start: datetime
    amount: int


async def add_points(db: Session, project_id: int, player_id: UUID, points: Sequence[Points]) -> list[Points]:
    """Give a player value points, and return them with the windows that they went into. The clans get theirs by
    `add_to_clans`, after all other locks."""
    rows = await db.fetch_all(ADD_POINTS, player=player_id, **_columns(project_id, points))
    windows = {(row["value_point_id"], row["clan"]): row["window_start"] for row in rows}
    return [
        Points(each.value_point_id, each.clan, windows[each.value_point_id, each.clan], each.amount) for each in points
    ]


async def add_to_clans(db: Session, project_id: int, points: Sequence[Points]) -> None:
    """Give clans what a player brought. Whoever does that waits for nothing afterwards: all members of a clan wait for
    each other here."""
    brought = [each for each in points if each.clan]
    if brought:
        await db.execute(ADD_TO_CLANS, **_columns(project_id, brought))


def _columns(project_id: int, points: Sequence[Points]) -> dict[str, object]:
    return {
        "project": project_id,
        "points": [each.value_point_id for each in points],
        "clans": [each.clan for each in points],
        "starts": [each.window_start for each in points],
        "amounts": [each.amount for each in points],
    }


async def take_points(db: Session, project_id: int, player_id: UUID, points: Sequence[Points]) -> list[Points]:
    """Take value points from a player, as many as are left of them in their windows, and return those. The clans lose
    theirs by `take_from_clans`, after all other locks."""
    rows = await db.fetch_all(
        LOCK_POINTS, project=project_id, player=player_id, points=[each.value_point_id for each in points]
    )
    left = {(row["value_point_id"], row["clan"], row["window_start"]): row["amount"] for row in rows}
    taken = []
    for each in points:
        amount = min(each.amount, left.get((each.value_point_id, each.clan, each.window_start), 0))
        taken.append(Points(each.value_point_id, each.clan, each.window_start, amount))
    await db.execute_many(
        TAKE_POINTS,
        [
            {
                "project": project_id,
                "player": player_id,
                "point": each.value_point_id,
                "of_clan": each.clan,
                "taken": each.amount,
            }
            for each in taken
            if each.amount
        ],
    )
    return taken


async def take_from_clans(db: Session, project_id: int, points: Sequence[Points]) -> None:
    """Take from clans what a player lost that they had brought."""
    for each in sorted(points, key=lambda each: (each.value_point_id, each.clan)):
        if each.clan and each.amount:
            await db.execute(
                TAKE_FROM_CLAN,
                project=project_id,
                point=each.value_point_id,
                of_clan=each.clan,
                start=each.window_start,
                taken=each.amount,
            )


async def list_resets(db: Session, project_id: int) -> Mapping[int, datetime]:
    """Since when value points count at the earliest, where a chain that reset them has been deleted."""
    rows = await db.fetch_all(LIST_RESETS, project=project_id)
    return {row["value_point_id"]: row["reset_at"] for row in rows}


async def keep_reset(db: Session, project_id: int, value_point_id: int, reset_at: datetime) -> None:
    """Remember the last reset of a value point by a chain that is being deleted."""
    await db.execute(KEEP_RESET, project=project_id, point=value_point_id, start=reset_at)


async def find_clan(db: Session, project_id: int, player_id: UUID) -> str | None:
    """The clan that a player is in."""
    clan: str | None = await db.fetch_value(FIND_CLAN, project=project_id, player=player_id)
    return clan


async def set_clan(db: Session, project_id: int, player_id: UUID, clan: str | None, *, now: datetime) -> None:
    """Let a player be in a clan, or in none."""
    if clan is None:
        await db.execute(LEAVE_CLAN, project=project_id, player=player_id)
    else:
        await db.execute(JOIN_CLAN, project=project_id, player=player_id, of_clan=clan, now=now)
