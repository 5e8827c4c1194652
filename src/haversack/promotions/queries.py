"""Reads and writes of promotions. Codes and uses have modules of their own."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy import (
    Boolean,
    Integer,
    Text,
    and_,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, array

from haversack.catalog.items.stored_forms import periods_form, periods_of
from haversack.catalog.tables import items
from haversack.database.engine import Session
from haversack.promotions.records import Promotion, PromotionKind
from haversack.promotions.rules import is_in_period
from haversack.promotions.stored_forms import (
    condition_form,
    condition_of,
    limits_form,
    limits_of,
    reward_form,
    reward_of,
)
from haversack.promotions.tables import promotion_codes as codes
from haversack.promotions.tables import promotion_totals as totals
from haversack.promotions.tables import promotions

_living = (promotions.c.project_id == bindparam("project"), promotions.c.deleted_at.is_(null()))
_kinds = or_(
    bindparam("any_kind", type_=ARRAY(Text)).is_(null()),
    promotions.c.kind == any_(bindparam("any_kind", type_=ARRAY(Text))),
)
LIST_PROMOTIONS = select(promotions).where(*_living, _kinds).order_by(promotions.c.promotion_id)
_enabled_ones = or_(
    bindparam("only_enabled", type_=Boolean).is_(null()),
    promotions.c.is_enabled == bindparam("only_enabled", type_=Boolean),
)
PAGE_OF_PROMOTIONS = (
    select(promotions)
    .where(*_living, _kinds, _enabled_ones)
    .order_by(promotions.c.promotion_id)
    .limit(bindparam("most", type_=Integer))
    .offset(bindparam("skipped", type_=Integer))
)
LIST_TIMES = select(promotions.c.is_enabled, promotions.c.periods).where(*_living, _kinds)
FIND_PROMOTION = select(promotions).where(*_living, _kinds, promotions.c.promotion_id == bindparam("id"))
FIND_BY_EXTERNAL_ID = select(promotions).where(*_living, _kinds, promotions.c.external_id == bindparam("external"))
FIND_BY_CODE = (
    select(
        promotions,
        (codes.c.used + codes.c.reserved).label("code_uses"),
        func.coalesce(totals.c.used + totals.c.reserved, 0).label("all_uses"),
    )
    .join(codes, (codes.c.project_id == promotions.c.project_id) & (codes.c.promotion_id == promotions.c.promotion_id))
    .outerjoin(
        totals, (totals.c.project_id == promotions.c.project_id) & (totals.c.promotion_id == promotions.c.promotion_id)
    )
    .where(*_living, codes.c.code == bindparam("of_code"))
)
# Who adds codes keeps the promotion from being deleted; its uses go on.
SHARE_BY_EXTERNAL_ID = FIND_BY_EXTERNAL_ID.with_for_update(read=True)
FIND_KNOWN_IDS = select(promotions.c.promotion_id).where(
    *_living, promotions.c.promotion_id == any_(bindparam("ids", type_=ARRAY(Integer)))
)
FIND_ID_OF_EXTERNAL = select(promotions.c.promotion_id).where(
    *_living, promotions.c.external_id == bindparam("external")
)
FIND_SKUS = select(items.c.item_id, items.c.sku).where(
    items.c.project_id == bindparam("project"),
    items.c.deleted_at.is_(null()),
    items.c.item_id == any_(bindparam("ids", type_=ARRAY(Integer))),
)
# Writers of a project's promotions come one after the other: they name each other in what they exclude.
PROMOTIONS_LOCK = 0x70726F6D
LOCK_PROMOTIONS = select(
    func.pg_advisory_xact_lock(literal(PROMOTIONS_LOCK, Integer), bindparam("project", type_=Integer))
)
FORGET_EXCLUDED = (
    update(promotions)
    .where(*_living, promotions.c.excluded_promotion_ids.contains(array([bindparam("id", type_=Integer)])))
    .values(excluded_promotion_ids=func.array_remove(promotions.c.excluded_promotion_ids, bindparam("id")))
)
_JSON = ("name", "periods", "conditions", "rewards", "limits")
_values: dict[str, Any] = {
    **{name: bindparam(f"of_{name}", type_=JSONB) for name in _JSON},
    "external_id": bindparam("external", type_=Text),
    "is_enabled": bindparam("enabled"),
    "excluded_promotion_ids": bindparam("excluded", type_=ARRAY(Integer)),
    "updated_at": bindparam("now"),
}
ADD_PROMOTION = (
    insert(promotions)
    .values(project_id=bindparam("project"), kind=bindparam("of_kind"), created_at=bindparam("now"), **_values)
    .returning(promotions.c.promotion_id)
)
SAVE_PROMOTION = update(promotions).where(*_living, promotions.c.promotion_id == bindparam("id")).values(**_values)
SET_ENABLED = (
    update(promotions)
    .where(*_living, promotions.c.promotion_id == bindparam("id"))
    .values(is_enabled=bindparam("enabled"), updated_at=bindparam("now"))
)
DELETE_PROMOTION = (
    update(promotions)
    .where(*_living, promotions.c.promotion_id == bindparam("id"))
    .values(deleted_at=bindparam("now"), updated_at=bindparam("now"), is_enabled=False)
)
DELETE_CODES = delete(codes).where(
    and_(codes.c.project_id == bindparam("project"), codes.c.promotion_id == bindparam("id"))
)


class FoundCode(NamedTuple):
    """What a code opens. `has_uses_left`: neither the code nor the promotion as a whole has been used up."""

    promotion: Promotion
    has_uses_left: bool


def _promotion(row: asyncpg.Record) -> Promotion:
    return Promotion(
        project_id=row["project_id"],
        promotion_id=row["promotion_id"],
        kind=PromotionKind(row["kind"]),
        external_id=row["external_id"],
        name=row["name"],
        is_enabled=row["is_enabled"],
        periods=periods_of(row["periods"]),
        conditions=tuple(condition_of(form) for form in row["conditions"]),
        rewards=tuple(reward_of(form) for form in row["rewards"]),
        limits=limits_of(row["limits"]),
        excluded_promotion_ids=tuple(row["excluded_promotion_ids"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _kinds_of(kinds: Sequence[PromotionKind] | None) -> list[str] | None:
    return None if kinds is None else [kind.value for kind in kinds]


async def list_promotions(
    db: Session, project_id: int, kinds: Sequence[PromotionKind] | None = None
) -> list[Promotion]:
    """Every promotion of a project, or those of some kinds, by id."""
    rows = await db.fetch_all(LIST_PROMOTIONS, project=project_id, any_kind=_kinds_of(kinds))
    return [_promotion(row) for row in rows]


async def list_page_of_promotions(
    db: Session,
    project_id: int,
    kinds: Sequence[PromotionKind] | None,
    *,
    limit: int,
    offset: int,
    is_enabled: bool | None = None,
) -> list[Promotion]:
    """A page of a project's promotions by id; is_enabled: of those alone that are switched on, or off."""
    rows = await db.fetch_all(
        PAGE_OF_PROMOTIONS,
        project=project_id,
        any_kind=_kinds_of(kinds),
        only_enabled=is_enabled,
        most=limit,
        skipped=offset,
    )
    return [_promotion(row) for row in rows]


async def count_promotions(
    db: Session, project_id: int, kinds: Sequence[PromotionKind] | None, *, now: datetime
) -> tuple[int, int]:
    """How many promotions there are, and how many of them are active: switched on and in a period."""
    rows = await db.fetch_all(LIST_TIMES, project=project_id, any_kind=_kinds_of(kinds))
    active = sum(row["is_enabled"] and is_in_period(periods_of(row["periods"]), now) for row in rows)
    return len(rows), active


async def find_promotion(
    db: Session, project_id: int, promotion_id: int, kind: PromotionKind | None = None
) -> Promotion | None:
    """The promotion of an id, of any kind or of one."""
    kinds = None if kind is None else [kind.value]
    row = await db.fetch_one(FIND_PROMOTION, project=project_id, any_kind=kinds, id=promotion_id)
    return None if row is None else _promotion(row)


async def find_by_external_id(db: Session, project_id: int, kind: PromotionKind, external_id: str) -> Promotion | None:
    """The promotion of a kind that the studio calls so."""
    row = await db.fetch_one(FIND_BY_EXTERNAL_ID, project=project_id, any_kind=[kind.value], external=external_id)
    return None if row is None else _promotion(row)


async def share_by_external_id(db: Session, project_id: int, kind: PromotionKind, external_id: str) -> Promotion | None:
    """The same, which nobody changes or deletes before the transaction ends."""
    row = await db.fetch_one(SHARE_BY_EXTERNAL_ID, project=project_id, any_kind=[kind.value], external=external_id)
    return None if row is None else _promotion(row)


async def find_by_code(db: Session, project_id: int, code: str) -> FoundCode | None:
    """The promotion that a code opens, of whatever kind, and whether it leaves anything to be used; None for no code.
    What a player's own limit leaves is not looked at."""
    row = await db.fetch_one(FIND_BY_CODE, project=project_id, of_code=code)
    if row is None:
        return None
    promotion = _promotion(row)
    limits = promotion.limits
    has_uses_left = (limits.per_code is None or row["code_uses"] < limits.per_code) and (
        limits.total is None or row["all_uses"] < limits.total
    )
    return FoundCode(promotion, has_uses_left)


async def find_known_ids(db: Session, project_id: int, promotion_ids: Sequence[int]) -> set[int]:
    """Which of the ids are promotions of the project."""
    rows = await db.fetch_all(FIND_KNOWN_IDS, project=project_id, ids=list(promotion_ids))
    return {row["promotion_id"] for row in rows}


async def find_id_of_external(db: Session, project_id: int, external_id: str) -> int | None:
    """The promotion, of whatever kind, that the studio calls so."""
    found = await db.fetch_value(FIND_ID_OF_EXTERNAL, project=project_id, external=external_id)
    return None if found is None else int(found)


async def find_skus(db: Session, project_id: int, item_ids: Collection[int]) -> dict[int, str]:
    """The SKUs of items by their ids; deleted ones have none."""
    rows = await db.fetch_all(FIND_SKUS, project=project_id, ids=list(item_ids)) if item_ids else []
    return {row["item_id"]: row["sku"] for row in rows}


async def lock_promotions(db: Session, project_id: int) -> None:
    """Let no other transaction write promotions of the project before this one ends."""
    await db.execute(LOCK_PROMOTIONS, project=project_id)


async def add_promotion(db: Session, promotion: Promotion, *, now: datetime) -> int:
    """Write a new promotion and return its id; that of the record is not looked at."""
    promotion_id = await db.fetch_value(ADD_PROMOTION, of_kind=promotion.kind.value, **_parameters(promotion, now))
    return int(promotion_id)


async def save_promotion(db: Session, promotion: Promotion, *, now: datetime) -> None:
    """Write all of a promotion but its kind."""
    await db.execute(SAVE_PROMOTION, id=promotion.promotion_id, **_parameters(promotion, now))


async def set_enabled(db: Session, project_id: int, promotion_id: int, *, is_enabled: bool, now: datetime) -> None:
    """Switch a promotion on or off."""
    await db.execute(SET_ENABLED, project=project_id, id=promotion_id, enabled=is_enabled, now=now)


async def delete_promotion(db: Session, project_id: int, promotion_id: int, *, now: datetime) -> None:
    """Take a promotion out of the project for good. Its codes may be given to another, and no promotion excludes it."""
    # The row first: it waits for those who are adding codes, so that none of theirs stays behind.
    await db.execute(DELETE_PROMOTION, project=project_id, id=promotion_id, now=now)
    await db.execute(DELETE_CODES, project=project_id, id=promotion_id)
    await db.execute(FORGET_EXCLUDED, project=project_id, id=promotion_id)


def _parameters(promotion: Promotion, now: datetime) -> dict[str, Any]:
    return {
        "project": promotion.project_id,
        "external": promotion.external_id,
        "of_name": dict(promotion.name),
        "enabled": promotion.is_enabled,
        "of_periods": periods_form(promotion.periods),
        "of_conditions": [condition_form(each) for each in promotion.conditions],
        "of_rewards": [reward_form(each) for each in promotion.rewards],
        "of_limits": limits_form(promotion.limits),
        "excluded": list(promotion.excluded_promotion_ids),
        "now": now,
    }
