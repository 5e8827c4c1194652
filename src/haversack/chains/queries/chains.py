"""Reads and writes of chains with their steps. What has been deleted is in none of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import (
    ARRAY,
    Boolean,
    DateTime,
    Integer,
    Text,
    any_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from haversack.catalog.items.stored_forms import schedule_form, schedule_of
from haversack.chains.records import ByPoints, Chain, ChainKind, Step
from haversack.chains.stored_forms import opening_form, opening_of, rewards_form, rewards_of
from haversack.chains.tables import chain_steps as steps
from haversack.chains.tables import chains
from haversack.database.engine import Session
from haversack.personalization.stored_forms import attribute_conditions_form, attribute_conditions_of

_living = (chains.c.project_id == bindparam("project"), chains.c.deleted_at.is_(None))
_of_kind = chains.c.kind == bindparam("of_kind", type_=Text)
_only = bindparam("only_enabled", type_=Boolean)
_enabled_ones = or_(_only.is_(None), chains.c.is_enabled == _only)
_by_order = (chains.c.sort_order, chains.c.chain_id)

LIST_CHAINS = select(chains).where(*_living).order_by(*_by_order)
PAGE_OF_CHAINS = (
    select(chains)
    .where(*_living, _of_kind, _enabled_ones)
    .order_by(*_by_order)
    .limit(bindparam("most", type_=Integer))
    .offset(bindparam("skipped", type_=Integer))
)
COUNT_CHAINS = select(func.count()).select_from(chains).where(*_living, _of_kind, _enabled_ones)
FIND_CHAIN = select(chains).where(*_living, _of_kind, chains.c.chain_id == bindparam("id"))
LOCK_CHAIN = FIND_CHAIN.with_for_update()
LIST_OF_VALUE_POINTS = select(chains).where(
    *_living, chains.c.value_point_id == any_(bindparam("points", type_=ARRAY(Integer)))
)
LIST_STEPS = (
    select(steps)
    .where(steps.c.project_id == bindparam("project"), steps.c.chain_id == any_(bindparam("ids", type_=ARRAY(Integer))))
    .order_by(steps.c.chain_id, steps.c.step_number)
)

_values: dict[str, Any] = {
    "name": bindparam("of_name", type_=JSONB),
    "description": bindparam("of_description", type_=JSONB(none_as_null=True)),
    "long_description": bindparam("of_long_description", type_=JSONB(none_as_null=True)),
    "image_url": bindparam("of_image_url", type_=Text),
    "sort_order": bindparam("of_order"),
    "is_enabled": bindparam("enabled"),
    "starts_at": bindparam("starts"),
    "ends_at": bindparam("ends", type_=DateTime(timezone=True)),
    "is_always_visible": bindparam("always_visible"),
    "conditions": bindparam("of_conditions", type_=JSONB),
    "schedule": bindparam("of_schedule", type_=JSONB(none_as_null=True)),
    "began_at": bindparam("began"),
    "details": bindparam("of_details", type_=JSONB),
    "updated_at": bindparam("now"),
}
ADD_CHAIN = (
    insert(chains)
    .values(
        project_id=bindparam("project"),
        kind=bindparam("of_kind"),
        value_point_id=bindparam("value_point", type_=Integer),
        created_at=bindparam("now"),
        **_values,
    )
    .returning(chains.c.chain_id)
)
SAVE_CHAIN = update(chains).where(*_living, chains.c.chain_id == bindparam("id")).values(**_values)
DELETE_CHAIN = (
    update(chains)
    .where(*_living, chains.c.chain_id == bindparam("id"))
    .values(deleted_at=bindparam("now"), updated_at=bindparam("now"), is_enabled=False)
)
_step_values: dict[str, Any] = {
    "step_number": bindparam("of_number"),
    "name": bindparam("of_name", type_=JSONB(none_as_null=True)),
    "image_url": bindparam("of_image_url", type_=Text),
    "rewards": bindparam("of_rewards", type_=JSONB),
    "points": bindparam("of_points"),
    "is_free": bindparam("free"),
}
ADD_STEP = insert(steps).values(project_id=bindparam("project"), chain_id=bindparam("chain"), **_step_values)
SAVE_STEP = (
    update(steps)
    .where(
        steps.c.project_id == bindparam("project"),
        steps.c.chain_id == bindparam("chain"),
        steps.c.step_id == bindparam("id"),
    )
    .values(**_step_values)
)
DELETE_OTHER_STEPS = delete(steps).where(
    steps.c.project_id == bindparam("project"),
    steps.c.chain_id == bindparam("chain"),
    steps.c.step_id != func.all(bindparam("kept", type_=ARRAY(Integer))),
)


def _chain(row: asyncpg.Record, own_steps: Sequence[Step] = ()) -> Chain:
    return Chain(
        project_id=row["project_id"],
        chain_id=row["chain_id"],
        opening=opening_of(row["kind"], row["details"], row["value_point_id"]),
        name=row["name"],
        description=row["description"],
        long_description=row["long_description"],
        image_url=row["image_url"],
        sort_order=row["sort_order"],
        is_enabled=row["is_enabled"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        is_always_visible=row["is_always_visible"],
        conditions=attribute_conditions_of(row["conditions"]),
        schedule=None if row["schedule"] is None else schedule_of(row["schedule"]),
        began_at=row["began_at"],
        steps=tuple(own_steps),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _step(row: asyncpg.Record) -> Step:
    return Step(
        step_id=row["step_id"],
        number=row["step_number"],
        rewards=rewards_of(row["rewards"]),
        name=row["name"],
        image_url=row["image_url"],
        points=row["points"],
        is_free=row["is_free"],
    )


async def _with_steps(db: Session, project_id: int, rows: Sequence[asyncpg.Record]) -> list[Chain]:
    found: dict[int, list[Step]] = {row["chain_id"]: [] for row in rows}
    for row in await db.fetch_all(LIST_STEPS, project=project_id, ids=list(found)) if found else ():
        found[row["chain_id"]].append(_step(row))
    return [_chain(row, found[row["chain_id"]]) for row in rows]


# -- Reads ----------------------------------------------------------------------------------------------------------


async def list_chains(db: Session, project_id: int) -> list[Chain]:
    """Every chain of a project with its steps, whatever its kind, in order."""
    return await _with_steps(db, project_id, await db.fetch_all(LIST_CHAINS, project=project_id))


async def list_page_of_chains(
    db: Session, project_id: int, kind: ChainKind, *, limit: int, offset: int, is_enabled: bool | None = None
) -> list[Chain]:
    """A page of the chains of a kind with their steps; is_enabled: of those alone that are switched on, or off."""
    rows = await db.fetch_all(
        PAGE_OF_CHAINS,
        project=project_id,
        of_kind=kind.value,
        only_enabled=is_enabled,
        most=limit,
        skipped=offset,
    )
    return await _with_steps(db, project_id, rows)


async def count_chains(db: Session, project_id: int, kind: ChainKind, *, is_enabled: bool | None = None) -> int:
    """How many chains of a kind there are, or how many of them are switched on, or off."""
    return int(await db.fetch_value(COUNT_CHAINS, project=project_id, of_kind=kind.value, only_enabled=is_enabled))


async def find_chain(db: Session, project_id: int, kind: ChainKind, chain_id: int) -> Chain | None:
    """The chain of a kind and an id, with its steps."""
    row = await db.fetch_one(FIND_CHAIN, project=project_id, of_kind=kind.value, id=chain_id)
    return None if row is None else (await _with_steps(db, project_id, [row]))[0]


async def lock_chain(db: Session, project_id: int, kind: ChainKind, chain_id: int) -> Chain | None:
    """The same, held against other writers until the transaction ends."""
    row = await db.fetch_one(LOCK_CHAIN, project=project_id, of_kind=kind.value, id=chain_id)
    return None if row is None else (await _with_steps(db, project_id, [row]))[0]


async def list_chains_of_points(db: Session, project_id: int, value_point_ids: Sequence[int]) -> list[Chain]:
    """The chains that count one of the value points, without their steps."""
    rows = await db.fetch_all(LIST_OF_VALUE_POINTS, project=project_id, points=list(value_point_ids))
    return [_chain(row) for row in rows]


# -- Writes ---------------------------------------------------------------------------------------------------------


async def add_chain(db: Session, chain: Chain, *, now: datetime) -> int:
    """Write a new chain with its steps and return its id; the ids of the records are not looked at."""
    opening = chain.opening
    chain_id = await db.fetch_value(
        ADD_CHAIN,
        of_kind=chain.kind.value,
        value_point=opening.value_point_id if isinstance(opening, ByPoints) else None,
        **_parameters(chain, now),
    )
    await db.execute_many(ADD_STEP, [_step_parameters(chain.project_id, chain_id, step) for step in chain.steps])
    return int(chain_id)


async def save_chain(db: Session, chain: Chain, *, now: datetime) -> None:
    """Write all of a chain but its kind and value point. Its steps are brought to those given: by id some are changed,
    those of id 0 are new, and the others go."""
    await save_chain_alone(db, chain, now=now)
    known = [step for step in chain.steps if step.step_id]
    await db.execute(
        DELETE_OTHER_STEPS,
        project=chain.project_id,
        chain=chain.chain_id,
        kept=[step.step_id for step in known],
    )
    parameters = [{"id": step.step_id, **_step_parameters(chain.project_id, chain.chain_id, step)} for step in known]
    await db.execute_many(SAVE_STEP, parameters)
    new = [step for step in chain.steps if not step.step_id]
    await db.execute_many(ADD_STEP, [_step_parameters(chain.project_id, chain.chain_id, step) for step in new])


async def save_chain_alone(db: Session, chain: Chain, *, now: datetime) -> None:
    """Write the same without its steps."""
    await db.execute(SAVE_CHAIN, id=chain.chain_id, **_parameters(chain, now))


async def delete_chain(db: Session, project_id: int, chain_id: int, *, now: datetime) -> None:
    """Take a chain out of the project for good. What players have taken from it stays in the books."""
    await db.execute(DELETE_CHAIN, project=project_id, id=chain_id, now=now)


def _parameters(chain: Chain, now: datetime) -> dict[str, Any]:
    return {
        "project": chain.project_id,
        "of_name": dict(chain.name),
        "of_description": chain.description,
        "of_long_description": chain.long_description,
        "of_image_url": chain.image_url,
        "of_order": chain.sort_order,
        "enabled": chain.is_enabled,
        "starts": chain.starts_at,
        "ends": chain.ends_at,
        "always_visible": chain.is_always_visible,
        "of_conditions": attribute_conditions_form(chain.conditions),
        "of_schedule": None if chain.schedule is None else schedule_form(chain.schedule),
        "began": chain.began_at,
        "of_details": opening_form(chain.opening),
        "now": now,
    }


def _step_parameters(project_id: int, chain_id: int, step: Step) -> dict[str, Any]:
    return {
        "project": project_id,
        "chain": chain_id,
        "of_number": step.number,
        "of_name": step.name,
        "of_image_url": step.image_url,
        "of_rewards": rewards_form(step.rewards),
        "of_points": step.points,
        "free": step.is_free,
    }
