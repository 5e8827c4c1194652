"""Reads and writes of merchants, projects and their keys."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Unpack
from uuid import UUID

import asyncpg
from sqlalchemy import (
    Boolean,
    Integer,
    Interval,
    LargeBinary,
    Text,
    and_,
    bindparam,
    cast,
    func,
    insert,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from haversack.clock import Clock
from haversack.clocks.tables import player_clocks
from haversack.database.engine import Session
from haversack.projects.records import (
    BackpackWebhooks,
    ChangedSettings,
    DeliveryMode,
    FoundHostId,
    FoundKey,
    OrderDestination,
    OrderWebhooks,
    Personalization,
    Project,
)
from haversack.projects.tables import api_keys, audit_entries, host_ids, merchants, projects

# {player: seconds}; null in nearly every project.
_offsets = (
    select(func.jsonb_object_agg(cast(player_clocks.c.player_id, Text), player_clocks.c.offset_seconds))
    .where(player_clocks.c.project_id == projects.c.project_id)
    .scalar_subquery()
    .label("player_offsets")
)
FIND_PROJECT = select(projects, _offsets).where(projects.c.project_id == bindparam("id"))
LIST_LOGIN_PROJECTS_PROJECTS = (
    select(projects, _offsets).where(projects.c.login_project_id == bindparam("id")).order_by(projects.c.project_id)
)
LIST_PROJECTS = select(projects, _offsets).order_by(projects.c.project_id)
LIST_PROJECT_IDS = (
    select(projects.c.project_id)
    .where(projects.c.merchant_id == bindparam("merchant"))
    .order_by(projects.c.project_id)
    .limit(bindparam("most"))
    .offset(bindparam("skipped"))
)
COUNT_PROJECTS = select(func.count()).select_from(projects).where(projects.c.merchant_id == bindparam("merchant"))
# One statement whether the key opens a project, a merchant or nothing: refusals cost what successes cost.
FIND_KEY = select(api_keys).where(
    api_keys.c.key_hash == bindparam("hash", type_=LargeBinary),
    or_(api_keys.c.expires_at.is_(null()), api_keys.c.expires_at > func.now()),
)
FIND_HOST_ID = select(host_ids).where(
    host_ids.c.project_id == bindparam("project"),
    host_ids.c.host_id_hash == bindparam("hash", type_=LargeBinary),
    or_(host_ids.c.expires_at.is_(null()), host_ids.c.expires_at > func.now()),
)
ADD_MERCHANT = (
    insert(merchants).values(name=bindparam("name"), created_at=func.now()).returning(merchants.c.merchant_id)
)
ADD_PROJECT = (
    insert(projects)
    .values(
        merchant_id=bindparam("merchant"),
        login_project_id=bindparam("login_project"),
        name=bindparam("name"),
        is_demo=bindparam("is_demo"),
        is_sandbox=bindparam("is_sandbox"),
        created_at=func.now(),
    )
    .returning(projects.c.project_id)
)
ADD_KEY = (
    insert(api_keys)
    .values(
        merchant_id=bindparam("merchant"),
        project_id=bindparam("project"),
        key_hash=bindparam("hash"),
        key_hint=bindparam("hint"),
        created_at=func.now(),
    )
    .returning(api_keys.c.key_id)
)
LIST_KEYS = (
    select(api_keys)
    .where(
        api_keys.c.merchant_id == bindparam("merchant"),
        or_(api_keys.c.project_id == bindparam("project"), api_keys.c.project_id.is_(null())),
    )
    .order_by(api_keys.c.key_id)
)
EXPIRE_KEYS = (
    update(api_keys)
    .where(
        and_(
            api_keys.c.merchant_id == bindparam("merchant"),
            api_keys.c.project_id.is_not_distinct_from(bindparam("project", type_=Integer)),
            or_(
                api_keys.c.expires_at.is_(null()),
                api_keys.c.expires_at > func.now() + bindparam("overlap", type_=Interval),
            ),
            api_keys.c.key_id != bindparam("kept"),
        )
    )
    .values(expires_at=func.now() + bindparam("overlap", type_=Interval))
)
ADD_HOST_ID = insert(host_ids).values(
    project_id=bindparam("project"), host_id_hash=bindparam("hash"), created_at=func.now()
)
EXPIRE_HOST_IDS = (
    update(host_ids)
    .where(
        host_ids.c.project_id == bindparam("project"),
        host_ids.c.host_id_hash != bindparam("kept", type_=LargeBinary),
        or_(
            host_ids.c.expires_at.is_(null()), host_ids.c.expires_at > func.now() + bindparam("overlap", type_=Interval)
        ),
    )
    .values(expires_at=func.now() + bindparam("overlap", type_=Interval))
)
SAVE_SETTINGS = (
    update(projects)
    .where(projects.c.project_id == bindparam("id"))
    .values(
        backpack_webhooks=func.coalesce(bindparam("backpack_webhooks", type_=Text), projects.c.backpack_webhooks),
        delivery_mode=func.coalesce(bindparam("delivery_mode", type_=Text), projects.c.delivery_mode),
        order_webhooks=func.coalesce(bindparam("order_webhooks", type_=Text), projects.c.order_webhooks),
        order_destination=func.coalesce(bindparam("order_destination", type_=Text), projects.c.order_destination),
        refunds_refused_orders=func.coalesce(
            bindparam("refunds_refused_orders", type_=Boolean), projects.c.refunds_refused_orders
        ),
        is_sandbox=func.coalesce(bindparam("is_sandbox", type_=Boolean), projects.c.is_sandbox),
        personalization=func.coalesce(bindparam("personalization", type_=Text), projects.c.personalization),
    )
)
SET_CLOCK = (
    update(projects)
    .where(projects.c.project_id == bindparam("id"))
    .values(clock_offset=bindparam("offset"), clock_frozen_at=bindparam("frozen_at"))
)
ADD_AUDIT_ENTRY = insert(audit_entries).values(
    project_id=bindparam("project"),
    happened_at=bindparam("now"),
    caller=bindparam("caller"),
    operation=bindparam("operation"),
    sentence=bindparam("sentence"),
    request_id=bindparam("request"),
    subject=bindparam("subject", type_=JSONB),
)
LOGIN_PROJECTS = select(projects.c.login_project_id).distinct().limit(bindparam("most"))
COUNT_TEST_KEYS = (
    select(func.count())
    .select_from(api_keys)
    .where(
        # The hint holds the key's kind; the underscores of LIKE would be any letter.
        api_keys.c.key_hint.contains("_test_", autoescape=True),
        or_(api_keys.c.expires_at.is_(null()), api_keys.c.expires_at > func.now()),
    )
)
DEMO_PROJECTS = select(projects.c.project_id).where(projects.c.is_demo).limit(1)


def _project(row: asyncpg.Record) -> Project:
    return Project(
        project_id=row["project_id"],
        merchant_id=row["merchant_id"],
        name=row["name"],
        login_project_id=row["login_project_id"],
        clock=Clock(offset=row["clock_offset"], frozen_at=row["clock_frozen_at"]),
        is_demo=row["is_demo"],
        is_sandbox=row["is_sandbox"],
        backpack_webhooks=BackpackWebhooks(row["backpack_webhooks"]),
        delivery_mode=DeliveryMode(row["delivery_mode"]),
        order_webhooks=OrderWebhooks(row["order_webhooks"]),
        order_destination=OrderDestination(row["order_destination"]),
        refunds_refused_orders=row["refunds_refused_orders"],
        personalization=Personalization(row["personalization"]),
        player_offsets={
            UUID(player): timedelta(seconds=seconds) for player, seconds in (row["player_offsets"] or {}).items()
        },
    )


async def find_project(db: Session, project_id: int) -> Project | None:
    """The project, or None."""
    row = await db.fetch_one(FIND_PROJECT, id=project_id)
    return None if row is None else _project(row)


async def list_projects(db: Session) -> list[Project]:
    """Every project, by id."""
    return [_project(row) for row in await db.fetch_all(LIST_PROJECTS)]


async def list_projects_of_login(db: Session, login_project_id: UUID) -> list[Project]:
    """The projects whose players are those of a login project."""
    return [_project(row) for row in await db.fetch_all(LIST_LOGIN_PROJECTS_PROJECTS, id=login_project_id)]


async def list_project_ids(db: Session, merchant_id: int, *, limit: int, offset: int) -> list[int]:
    """A page of a merchant's projects, the oldest first."""
    rows = await db.fetch_all(LIST_PROJECT_IDS, merchant=merchant_id, most=limit, skipped=offset)
    return [row["project_id"] for row in rows]


async def count_projects(db: Session, merchant_id: int) -> int:
    """How many projects a merchant has."""
    return int(await db.fetch_value(COUNT_PROJECTS, merchant=merchant_id))


async def find_key(db: Session, key_hash: bytes) -> FoundKey | None:
    """What an unexpired key opens, or None."""
    row = await db.fetch_one(FIND_KEY, hash=key_hash)
    if row is None:
        return None
    return FoundKey(row["merchant_id"], row["project_id"], row["key_id"], row["expires_at"])


async def find_host_id(db: Session, project_id: int, host_id_hash: bytes) -> FoundHostId | None:
    """The host id, if it was issued for this project and has not expired."""
    row = await db.fetch_one(FIND_HOST_ID, project=project_id, hash=host_id_hash)
    return None if row is None else FoundHostId(row["project_id"], row["expires_at"])


async def add_merchant(db: Session, name: str) -> int:
    """Make a merchant and return its id."""
    return int(await db.fetch_value(ADD_MERCHANT, name=name))


async def add_project(
    db: Session,
    *,
    merchant_id: int,
    login_project_id: UUID,
    name: str,
    is_demo: bool = False,
    is_sandbox: bool = False,
) -> int:
    """Make a project and return its id."""
    return int(
        await db.fetch_value(
            ADD_PROJECT,
            merchant=merchant_id,
            login_project=login_project_id,
            name=name,
            is_demo=is_demo,
            is_sandbox=is_sandbox,
        )
    )


async def add_key(db: Session, *, merchant_id: int, project_id: int | None, key_hash: bytes, hint: str) -> int:
    """Store a key's hash and return the key's id."""
    return int(await db.fetch_value(ADD_KEY, merchant=merchant_id, project=project_id, hash=key_hash, hint=hint))


async def list_keys(db: Session, *, merchant_id: int, project_id: int) -> list[asyncpg.Record]:
    """The keys that open a project: its own and its merchant's, without the keys themselves."""
    return await db.fetch_all(LIST_KEYS, merchant=merchant_id, project=project_id)


async def expire_keys(
    db: Session, *, merchant_id: int, project_id: int | None, kept_key_id: int, overlap: timedelta
) -> int:
    """Let every other key of the same kind end after the overlap, and return how many."""
    return await db.execute(EXPIRE_KEYS, merchant=merchant_id, project=project_id, kept=kept_key_id, overlap=overlap)


async def add_host_id(db: Session, *, project_id: int, host_id_hash: bytes) -> None:
    """Store a host id's hash."""
    await db.execute(ADD_HOST_ID, project=project_id, hash=host_id_hash)


async def expire_host_ids(db: Session, *, project_id: int, kept_hash: bytes, overlap: timedelta) -> int:
    """Let every other host id of the project end after the overlap."""
    return await db.execute(EXPIRE_HOST_IDS, project=project_id, kept=kept_hash, overlap=overlap)


async def save_settings(db: Session, project_id: int, **settings: Unpack[ChangedSettings]) -> int:
    """Change the given settings."""
    unchanged = dict.fromkeys(ChangedSettings.__annotations__)
    return await db.execute(SAVE_SETTINGS, id=project_id, **{**unchanged, **settings})


async def set_clock(db: Session, project_id: int, clock: Clock) -> None:
    """Move or freeze a project's clock."""
    await db.execute(SET_CLOCK, id=project_id, offset=clock.offset, frozen_at=clock.frozen_at)


async def add_audit_entry(
    db: Session,
    *,
    project_id: int,
    now: datetime,
    caller: str,
    operation: str,
    sentence: str,
    request_id: str,
    subject: Mapping[str, Any],
) -> None:
    """Record a change in the transaction that makes it."""
    await db.execute(
        ADD_AUDIT_ENTRY,
        project=project_id,
        now=now,
        caller=caller,
        operation=operation,
        sentence=sentence,
        request=request_id,
        subject=dict(subject),
    )


async def has_demo_project(db: Session) -> bool:
    """Whether a project with published demo keys exists."""
    return await db.fetch_value(DEMO_PROJECTS) is not None


async def count_test_keys(db: Session) -> int:
    """How many API keys were made for development and have not expired."""
    return int(await db.fetch_value(COUNT_TEST_KEYS))


async def list_login_projects(db: Session, *, limit: int) -> list[UUID]:
    """Some of the login projects whose players hold items here."""
    return [row["login_project_id"] for row in await db.fetch_all(LOGIN_PROJECTS, most=limit)]
