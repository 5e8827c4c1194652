"""Reads and writes of what was used of promotions. What must hold under load is one conditional statement each.

Rows are touched in one order, whoever writes: uses of the player by promotion, codes, totals by promotion.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Integer,
    Text,
    any_,
    bindparam,
    cast,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from haversack.database.engine import Session
from haversack.limits.records import Uses
from haversack.promotions.records import Codes
from haversack.promotions.tables import promotion_codes as codes
from haversack.promotions.tables import promotion_totals as totals
from haversack.promotions.tables import promotion_uses as uses
from haversack.promotions.tables import promotions

UNLIMITED = 2**31 - 1

_moment = DateTime(timezone=True)
_project = bindparam("project", type_=Integer)
_promotion = bindparam("promotion", type_=Integer)
_uses_of = (
    uses.c.project_id == _project,
    uses.c.promotion_id == _promotion,
    uses.c.player_id == bindparam("player"),
)

# A code that has been used as often as it may be is as good as none.
_per_code = cast(promotions.c.limits["per_code"].astext, Integer)
READ_STANDING = union_all(
    select(
        literal("uses").label("what"), uses.c.promotion_id, uses.c.window_start.label("moment"), uses.c.used.label("n")
    ).where(uses.c.project_id == _project, uses.c.player_id == bindparam("player", type_=uses.c.player_id.type)),
    select(literal("total"), totals.c.promotion_id, totals.c.reset_at, totals.c.used + totals.c.reserved)
    .join(
        promotions,
        (promotions.c.project_id == totals.c.project_id) & (promotions.c.promotion_id == totals.c.promotion_id),
    )
    .where(totals.c.project_id == _project, promotions.c.deleted_at.is_(null())),
    select(literal("code"), codes.c.promotion_id, cast(null(), _moment), codes.c.used + codes.c.reserved)
    .join(
        promotions,
        (promotions.c.project_id == codes.c.project_id) & (promotions.c.promotion_id == codes.c.promotion_id),
    )
    .where(
        codes.c.project_id == _project,
        codes.c.code == any_(bindparam("codes", type_=ARRAY(Text))),
        or_(_per_code.is_(null()), codes.c.used + codes.c.reserved < _per_code),
    ),
)

READ_CODES = (
    select(codes.c.promotion_id, codes.c.code, func.coalesce(totals.c.used + totals.c.reserved, 0).label("total"))
    .join(
        promotions,
        (promotions.c.project_id == codes.c.project_id) & (promotions.c.promotion_id == codes.c.promotion_id),
    )
    .outerjoin(totals, (totals.c.project_id == codes.c.project_id) & (totals.c.promotion_id == codes.c.promotion_id))
    .where(
        codes.c.project_id == _project,
        codes.c.code == any_(bindparam("codes", type_=ARRAY(Text))),
        promotions.c.deleted_at.is_(null()),
        or_(_per_code.is_(null()), codes.c.used + codes.c.reserved < _per_code),
    )
)

# What was used before the window does not count in it. A reset for everybody begins a window of its own.
TAKE_USES = text("""
WITH wanted AS (
    SELECT * FROM unnest(CAST(:ids AS integer[]), CAST(:windows AS timestamptz[]), CAST(:mosts AS integer[]))
        AS wanted (promotion_id, window_start, most)
)
INSERT INTO promotion_uses AS held (project_id, promotion_id, player_id, window_start, used)
SELECT CAST(:project AS integer), wanted.promotion_id, CAST(:player AS uuid),
       CASE WHEN totals.reset_at > wanted.window_start AND totals.reset_at <= CAST(:now AS timestamptz)
            THEN totals.reset_at ELSE wanted.window_start END, 1
FROM wanted
LEFT JOIN promotion_totals AS totals
    ON totals.project_id = CAST(:project AS integer) AND totals.promotion_id = wanted.promotion_id
WHERE wanted.most > 0
ORDER BY wanted.promotion_id
ON CONFLICT (project_id, promotion_id, player_id) DO UPDATE SET
    window_start = EXCLUDED.window_start,
    used = CASE WHEN held.window_start < EXCLUDED.window_start THEN 0 ELSE held.used END + 1
WHERE CASE WHEN held.window_start < EXCLUDED.window_start THEN 0 ELSE held.used END
    < (SELECT most FROM wanted WHERE wanted.promotion_id = held.promotion_id)
RETURNING promotion_id, window_start
""")
TAKE_TOTALS = text("""
WITH wanted AS (
    SELECT * FROM unnest(CAST(:ids AS integer[]), CAST(:mosts AS integer[])) AS wanted (promotion_id, most)
)
INSERT INTO promotion_totals AS held (project_id, promotion_id, used, reserved)
SELECT CAST(:project AS integer), promotion_id, CAST(:of_used AS integer), CAST(:of_reserved AS integer)
FROM wanted WHERE most > 0 ORDER BY promotion_id
ON CONFLICT (project_id, promotion_id) DO UPDATE SET
    used = held.used + EXCLUDED.used, reserved = held.reserved + EXCLUDED.reserved
WHERE held.used + held.reserved < (SELECT most FROM wanted WHERE wanted.promotion_id = held.promotion_id)
RETURNING promotion_id
""")
_code_of = (codes.c.project_id == _project, codes.c.code == bindparam("of_code"), codes.c.promotion_id == _promotion)
TAKE_CODE = (
    update(codes)
    .where(*_code_of, codes.c.used + codes.c.reserved < bindparam("most", type_=Integer))
    .values(
        used=codes.c.used + bindparam("of_used", type_=Integer),
        reserved=codes.c.reserved + bindparam("of_reserved", type_=Integer),
    )
    .returning(codes.c.code_no)
)
# What the studio has set anew meanwhile, or another window, is left alone.
GIVE_BACK_USE = (
    update(uses)
    .where(*_uses_of, uses.c.window_start == bindparam("window"), uses.c.used >= 1)
    .values(used=uses.c.used - 1)
)
_settled = bindparam("of_used", type_=Integer)
# A reserved use ends: given back (of_used 0), or used (1).
END_CODE = (
    update(codes)
    .where(*_code_of, codes.c.reserved >= 1)
    .values(reserved=codes.c.reserved - 1, used=codes.c.used + _settled)
    .returning(codes.c.code_no)
)
END_TOTAL = (
    update(totals)
    .where(totals.c.project_id == _project, totals.c.promotion_id == _promotion, totals.c.reserved >= 1)
    .values(reserved=totals.c.reserved - 1, used=totals.c.used + _settled)
)

FIND_USES = select(uses.c.window_start, uses.c.used).where(*_uses_of)
FIND_RESET = select(totals.c.reset_at).where(totals.c.project_id == _project, totals.c.promotion_id == _promotion)
_window = bindparam("window", type_=_moment)
# Making the row and locking it are one step: nobody else can make it in between.
LOCK_USES = (
    insert(uses)
    .values(project_id=_project, promotion_id=_promotion, player_id=bindparam("player"), window_start=_window, used=0)
    .on_conflict_do_update(index_elements=["project_id", "promotion_id", "player_id"], set_={"used": uses.c.used})
    .returning(uses.c.window_start, uses.c.used)
)
SET_USED = update(uses).where(*_uses_of).values(window_start=_window, used=bindparam("n", type_=Integer))
_in_order = (
    select(uses.c.promotion_id)
    .where(
        uses.c.project_id == _project,
        uses.c.player_id == bindparam("player"),
        or_(bindparam("only", type_=Integer).is_(null()), uses.c.promotion_id == bindparam("only", type_=Integer)),
    )
    .order_by(uses.c.promotion_id)
    .with_for_update()
)
FORGET_USES = (
    delete(uses)
    .where(uses.c.project_id == _project, uses.c.player_id == bindparam("player"), uses.c.promotion_id.in_(_in_order))
    .returning(uses.c.promotion_id, uses.c.window_start, uses.c.used)
)
_new_reset = insert(totals).values(project_id=_project, promotion_id=_promotion, reset_at=bindparam("now"))
RESET_PROMOTION = _new_reset.on_conflict_do_update(
    index_elements=["project_id", "promotion_id"], set_={"reset_at": bindparam("now")}
)
FIND_TOTAL = select(totals.c.used, totals.c.reserved).where(
    totals.c.project_id == _project, totals.c.promotion_id == _promotion
)


class Standing(NamedTuple):
    """What was used before: by a player (`uses`), by everybody (`totals`, with resets by hand), and which promotions
    have one of the codes that were given."""

    uses: Mapping[int, Uses]
    totals: Mapping[int, int]
    resets: Mapping[int, datetime]
    code_promotion_ids: frozenset[int]


class Take(NamedTuple):
    """One use of a promotion by a player, in a window that holds at most so many."""

    promotion_id: int
    window_start: datetime
    most: int


async def read_standing(db: Session, project_id: int, player_id: UUID | None, codes_given: Sequence[str]) -> Standing:
    """All that was used of the project's promotions, as far as it concerns a player; in one statement."""
    used: dict[int, Uses] = {}
    total: dict[int, int] = {}
    reset: dict[int, datetime] = {}
    opened: set[int] = set()
    rows = await db.fetch_all(READ_STANDING, project=project_id, player=player_id, codes=list(codes_given))
    for what, promotion_id, moment, number in rows:
        if what == "uses":
            used[promotion_id] = Uses(moment, number)
        elif what == "code":
            opened.add(promotion_id)
        else:
            total[promotion_id] = number
            if moment is not None:
                reset[promotion_id] = moment
    return Standing(used, total, reset, frozenset(opened))


async def read_codes(db: Session, project_id: int, codes_given: Sequence[str]) -> Codes:
    """What is known of codes that were given, in one statement."""
    rows = await db.fetch_all(READ_CODES, project=project_id, codes=list(codes_given)) if codes_given else []
    return Codes(
        {row["promotion_id"]: row["code"] for row in rows}, {row["promotion_id"]: row["total"] for row in rows}
    )


async def take_uses(
    db: Session, project_id: int, player_id: UUID, takes: Sequence[Take], *, now: datetime
) -> dict[int, datetime]:
    """Count a use of each promotion for a player; the windows that they count in, by promotion id.

    A promotion whose uses would pass their limit is missing in it, however many calls come at once.
    """
    rows = await db.fetch_all(
        TAKE_USES,
        project=project_id,
        player=player_id,
        ids=[take.promotion_id for take in takes],
        windows=[take.window_start for take in takes],
        mosts=[take.most for take in takes],
        now=now,
    )
    return {row["promotion_id"]: row["window_start"] for row in rows}


async def take_code(
    db: Session, project_id: int, promotion_id: int, code: str, *, most: int, is_final: bool
) -> int | None:
    """Count a use of a code; its number, or None where there is no such code or it has been used up.

    is_final: it is used; otherwise it is reserved.
    """
    found = await db.fetch_value(
        TAKE_CODE,
        project=project_id,
        promotion=promotion_id,
        of_code=code,
        most=most,
        of_used=int(is_final),
        of_reserved=int(not is_final),
    )
    return None if found is None else int(found)


async def take_totals(db: Session, project_id: int, mosts: Mapping[int, int], *, is_final: bool) -> set[int]:
    """Count a use by anybody of promotions, each with the most that it may have; those that it did not pass."""
    ids = sorted(mosts)
    rows = await db.fetch_all(
        TAKE_TOTALS,
        project=project_id,
        ids=ids,
        mosts=[mosts[promotion_id] for promotion_id in ids],
        of_used=int(is_final),
        of_reserved=int(not is_final),
    )
    return {row["promotion_id"] for row in rows}


async def give_back_use(
    db: Session, project_id: int, promotion_id: int, player_id: UUID, *, window_start: datetime
) -> bool:
    """Take a player's use of a window back; False where the player's uses are of another window by now."""
    changed = await db.execute(
        GIVE_BACK_USE, project=project_id, promotion=promotion_id, player=player_id, window=window_start
    )
    return changed == 1


async def end_code(db: Session, project_id: int, promotion_id: int, code: str, *, is_used: bool) -> int | None:
    """End a reserved use of a code, used or given back; its number, or None where it is gone."""
    found = await db.fetch_value(
        END_CODE, project=project_id, promotion=promotion_id, of_code=code, of_used=int(is_used)
    )
    return None if found is None else int(found)


async def end_total(db: Session, project_id: int, promotion_id: int, *, is_used: bool) -> bool:
    """End a reserved use by anybody, used or given back."""
    return await db.execute(END_TOTAL, project=project_id, promotion=promotion_id, of_used=int(is_used)) == 1


async def find_uses(db: Session, project_id: int, promotion_id: int, player_id: UUID) -> Uses | None:
    """What a player has used of a promotion."""
    row = await db.fetch_one(FIND_USES, project=project_id, promotion=promotion_id, player=player_id)
    return None if row is None else Uses(row["window_start"], row["used"])


async def find_reset(db: Session, project_id: int, promotion_id: int) -> datetime | None:
    """When the uses of a promotion were last reset for everybody by hand."""
    found: datetime | None = await db.fetch_value(FIND_RESET, project=project_id, promotion=promotion_id)
    return found


async def find_total(db: Session, project_id: int, promotion_id: int) -> tuple[int, int]:
    """How often a promotion has been used, and how often unpaid orders hold it."""
    row = await db.fetch_one(FIND_TOTAL, project=project_id, promotion=promotion_id)
    return (0, 0) if row is None else (row["used"], row["reserved"])


async def lock_uses(db: Session, project_id: int, promotion_id: int, player_id: UUID, *, window: datetime) -> Uses:
    """What a player has used of a promotion, locked until the transaction ends; nothing, in the window, where there
    was nothing."""
    row = await db.fetch_one(LOCK_USES, project=project_id, promotion=promotion_id, player=player_id, window=window)
    assert row is not None
    return Uses(row["window_start"], row["used"])


async def set_used(
    db: Session, project_id: int, promotion_id: int, player_id: UUID, *, used: int, window: datetime
) -> None:
    """Set what a player has used of a promotion in a window; the row is there and locked."""
    await db.execute(SET_USED, project=project_id, promotion=promotion_id, player=player_id, window=window, n=used)


async def forget_uses(db: Session, project_id: int, player_id: UUID, promotion_id: int | None) -> dict[int, Uses]:
    """Let a player begin anew with a promotion, or with all; what was used until then, by promotion id."""
    rows = await db.fetch_all(FORGET_USES, project=project_id, player=player_id, only=promotion_id)
    return {row["promotion_id"]: Uses(row["window_start"], row["used"]) for row in rows}


async def reset_promotion(db: Session, project_id: int, promotion_id: int, *, now: datetime) -> None:
    """Let everybody begin anew with a promotion: what players used before this moment counts no more."""
    await db.execute(RESET_PROMOTION, project=project_id, promotion=promotion_id, now=now)
