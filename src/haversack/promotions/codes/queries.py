"""Reads and writes of the codes of promotions, and of what was used of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg
from sqlalchemy import Integer, Text, any_, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from haversack.database.engine import Session
from haversack.promotions.tables import promotion_codes as codes
from haversack.promotions.tables import promotion_totals as totals

# Two who add one code at once meet in its key: one of them makes the row.
ADD_CODE = (
    insert(codes)
    .values(
        project_id=bindparam("project"),
        promotion_id=bindparam("promotion"),
        code=bindparam("of_code"),
        created_at=bindparam("now"),
    )
    .on_conflict_do_nothing()
    .returning(codes.c.code_no)
)
_named = bindparam("named", type_=ARRAY(Text))
_of_promotion = (
    codes.c.project_id == bindparam("project", type_=Integer),
    codes.c.promotion_id == bindparam("promotion", type_=Integer),
    or_(_named.is_(None), codes.c.code == any_(_named)),
)
PAGE_OF_CODES = (
    select(codes.c.code, codes.c.used, codes.c.reserved)
    .where(*_of_promotion)
    .order_by(codes.c.code_no)
    .limit(bindparam("most", type_=Integer))
    .offset(bindparam("skipped", type_=Integer))
)
COUNT_CODES = select(func.count()).select_from(codes).where(*_of_promotion)
LIST_TOTALS = select(totals.c.promotion_id, totals.c.used, totals.c.reserved).where(
    totals.c.project_id == bindparam("project", type_=Integer),
    totals.c.promotion_id == any_(bindparam("ids", type_=ARRAY(Integer))),
)
COLUMNS = ("project_id", "promotion_id", "code", "created_at")


class CodeUses(NamedTuple):
    """A code, how often it has been used, and how often unpaid orders hold it."""

    code: str
    used: int
    reserved: int


async def add_code(db: Session, project_id: int, promotion_id: int, code: str, *, now: datetime) -> bool:
    """Add a code to a promotion; False where one of the project's promotions has it already."""
    code_no = await db.fetch_value(ADD_CODE, project=project_id, promotion=promotion_id, of_code=code, now=now)
    return code_no is not None


async def copy_codes(db: Session, project_id: int, promotion_id: int, added: Iterable[str], *, now: datetime) -> bool:
    """Add many codes, all or nothing: False where the project has one of them already."""
    try:
        async with db.begin():
            rows = ((project_id, promotion_id, code, now) for code in added)
            await db.copy(codes.name, COLUMNS, rows)
    except asyncpg.UniqueViolationError:
        return False
    return True


async def list_page_of_codes(
    db: Session, project_id: int, promotion_id: int, *, limit: int, offset: int, named: Sequence[str] | None = None
) -> list[CodeUses]:
    """A page of a promotion's codes in the order in which they were added; `named`: of these alone."""
    rows = await db.fetch_all(
        PAGE_OF_CODES,
        project=project_id,
        promotion=promotion_id,
        named=None if named is None else list(named),
        most=limit,
        skipped=offset,
    )
    return [CodeUses(*row) for row in rows]


async def count_codes(db: Session, project_id: int, promotion_id: int, *, named: Sequence[str] | None = None) -> int:
    """How many codes a promotion has; `named`: of these alone."""
    names = None if named is None else list(named)
    return int(await db.fetch_value(COUNT_CODES, project=project_id, promotion=promotion_id, named=names))


async def list_totals(db: Session, project_id: int, promotion_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """How often promotions have been used, and how often unpaid orders hold them; those never used are missing."""
    rows = await db.fetch_all(LIST_TOTALS, project=project_id, ids=list(promotion_ids))
    return {row["promotion_id"]: (row["used"], row["reserved"]) for row in rows}
