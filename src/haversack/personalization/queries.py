"""Reads and writes of filter rules."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import (
    Boolean,
    Executable,
    Integer,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from haversack.catalog.tables import items
from haversack.database.engine import Session
from haversack.errors import FILTER_RULE_NOT_FOUND
from haversack.personalization.records import FilterRule
from haversack.personalization.stored_forms import attribute_conditions_form, attribute_conditions_of
from haversack.personalization.tables import filter_rules as rules
from haversack.projects.records import Personalization
from haversack.projects.tables import projects

_project = rules.c.project_id == bindparam("project")
_one = (_project, rules.c.rule_id == bindparam("id"))
_enabled_ones = or_(
    bindparam("only_enabled", type_=Boolean).is_(null()),
    rules.c.is_enabled == bindparam("only_enabled", type_=Boolean),
)
LIST_RULES = select(rules).where(_project, _enabled_ones).order_by(rules.c.rule_id)
# Where the game says what players see, the rules do not hold.
LIST_HOLDING_RULES = LIST_RULES.join(projects, projects.c.project_id == rules.c.project_id).where(
    projects.c.personalization == literal_column(f"'{Personalization.PLATFORM.value}'")
)
IS_PARTNER_SIDE = select(projects.c.personalization == literal_column(f"'{Personalization.PARTNER.value}'")).where(
    projects.c.project_id == bindparam("project")
)
PAGE_OF_RULES = LIST_RULES.limit(bindparam("most", type_=Integer)).offset(bindparam("skipped", type_=Integer))
COUNT_RULES = select(func.count()).select_from(rules).where(_project, _enabled_ones)
FIND_RULE = select(rules).where(*_one)
LOCK_RULE = FIND_RULE.with_for_update()
LIST_KEYS_OF_GAMES = select(items.c.parent_item_id, items.c.item_id).where(
    items.c.project_id == bindparam("project"),
    items.c.deleted_at.is_(null()),
    items.c.parent_item_id == any_(bindparam("ids", type_=ARRAY(Integer))),
)
_values: dict[str, Any] = {
    "name": bindparam("of_name"),
    "is_enabled": bindparam("enabled"),
    "conditions": bindparam("of_conditions", type_=JSONB),
    "item_ids": bindparam("of_items", type_=ARRAY(Integer)),
    "is_satisfied_for_unauth": bindparam("unauth"),
    "updated_at": bindparam("now"),
}
ADD_RULE = (
    insert(rules)
    .values(project_id=bindparam("project"), created_at=bindparam("now"), **_values)
    .returning(rules.c.rule_id)
)
SAVE_RULE = update(rules).where(*_one).values(**_values)
DELETE_RULE = delete(rules).where(*_one).returning(rules.c.rule_id)


def _rule(row: asyncpg.Record) -> FilterRule:
    return FilterRule(
        project_id=row["project_id"],
        rule_id=row["rule_id"],
        name=row["name"],
        is_enabled=row["is_enabled"],
        conditions=attribute_conditions_of(row["conditions"]),
        item_ids=tuple(row["item_ids"]),
        is_satisfied_for_unauth=row["is_satisfied_for_unauth"],
    )


async def list_enabled_rules(db: Session, project_id: int) -> Sequence[FilterRule]:
    """The rules that hold, by their ids, as the catalog applies them: a game stands for its keys too. There are none
    where the game says what players see."""
    return await _list_applied(db, project_id, LIST_HOLDING_RULES, is_enabled=True)


async def list_disabled_rules(db: Session, project_id: int) -> Sequence[FilterRule]:
    """Those that are switched off, likewise: for who wants to know why they do nothing."""
    return await _list_applied(db, project_id, LIST_RULES, is_enabled=False)


async def _list_applied(
    db: Session, project_id: int, statement: Executable, *, is_enabled: bool
) -> Sequence[FilterRule]:
    found = [_rule(row) for row in await db.fetch_all(statement, project=project_id, only_enabled=is_enabled)]
    named = {item_id for rule in found for item_id in rule.item_ids}
    keys: dict[int, list[int]] = {}
    for row in await db.fetch_all(LIST_KEYS_OF_GAMES, project=project_id, ids=list(named)) if named else []:
        keys.setdefault(row["parent_item_id"], []).append(row["item_id"])
    return [replace(rule, item_ids=_with_keys(rule.item_ids, keys)) for rule in found] if keys else found


def _with_keys(item_ids: tuple[int, ...], keys: dict[int, list[int]]) -> tuple[int, ...]:
    return (*item_ids, *(key_id for item_id in item_ids for key_id in keys.get(item_id, ())))


async def is_partner_side(db: Session, project_id: int) -> bool:
    """Whether the game says what players see."""
    return bool(await db.fetch_value(IS_PARTNER_SIDE, project=project_id))


async def list_rules(db: Session, project_id: int) -> list[FilterRule]:
    """Every rule of the project, by id."""
    return [_rule(row) for row in await db.fetch_all(LIST_RULES, project=project_id, only_enabled=None)]


async def list_page_of_rules(
    db: Session, project_id: int, *, limit: int, offset: int, is_enabled: bool | None
) -> list[FilterRule]:
    """A page of the rules, by id; all of them, or those that are enabled or not."""
    rows = await db.fetch_all(PAGE_OF_RULES, project=project_id, only_enabled=is_enabled, most=limit, skipped=offset)
    return [_rule(row) for row in rows]


async def count_rules(db: Session, project_id: int, *, is_enabled: bool | None) -> int:
    """How many rules there are; all of them, or those that are enabled or not."""
    return int(await db.fetch_value(COUNT_RULES, project=project_id, only_enabled=is_enabled))


async def get_rule(db: Session, project_id: int, rule_id: int) -> FilterRule:
    """A rule of the project."""
    return _found(await db.fetch_one(FIND_RULE, project=project_id, id=rule_id), rule_id)


async def lock_rule(db: Session, project_id: int, rule_id: int) -> FilterRule:
    """A rule of the project, locked until the transaction ends."""
    return _found(await db.fetch_one(LOCK_RULE, project=project_id, id=rule_id), rule_id)


def _found(row: asyncpg.Record | None, rule_id: int) -> FilterRule:
    if row is None:
        raise FILTER_RULE_NOT_FOUND(rule_id=rule_id)
    return _rule(row)


async def add_rule(db: Session, rule: FilterRule, *, now: datetime) -> int:
    """Write a new rule and return its id; that of the record is not looked at."""
    return int(await db.fetch_value(ADD_RULE, **_parameters(rule, now)))


async def save_rule(db: Session, rule: FilterRule, *, now: datetime) -> None:
    """Write all of a rule."""
    await db.execute(SAVE_RULE, id=rule.rule_id, **_parameters(rule, now))


async def delete_rule(db: Session, project_id: int, rule_id: int) -> None:
    """Take a rule out of the project."""
    if await db.fetch_value(DELETE_RULE, project=project_id, id=rule_id) is None:
        raise FILTER_RULE_NOT_FOUND(rule_id=rule_id)


def _parameters(rule: FilterRule, now: datetime) -> dict[str, Any]:
    return {
        "project": rule.project_id,
        "of_name": rule.name,
        "enabled": rule.is_enabled,
        "of_conditions": attribute_conditions_form(rule.conditions),
        "of_items": list(rule.item_ids),
        "unauth": rule.is_satisfied_for_unauth,
        "now": now,
    }
