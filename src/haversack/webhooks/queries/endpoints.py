"""Reads and writes of webhook endpoints; secrets are sealed on the way in and opened on the way out."""

from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import LargeBinary, bindparam, case, func, null, select, update
from sqlalchemy.dialects.postgresql import insert

from haversack.database.engine import Session
from haversack.projects.tables import projects
from haversack.sealing import Sealer
from haversack.webhooks.records import Endpoint, Purpose
from haversack.webhooks.tables import webhook_endpoints as endpoints

_LANE = (endpoints.c.project_id == bindparam("project"), endpoints.c.purpose == bindparam("purpose_"))

FIND_ENDPOINT = select(endpoints).where(*_LANE)
LOCK_ENDPOINT = select(endpoints).where(*_LANE).with_for_update()
LIST_ENDPOINTS = select(endpoints).where(endpoints.c.project_id == bindparam("project")).order_by(endpoints.c.purpose)
# What publishing needs to know, without opening a secret.
LIST_VERSIONS = select(endpoints.c.purpose, endpoints.c.version).where(endpoints.c.project_id == bindparam("project"))

_NEW = insert(endpoints).from_select(
    ["project_id", "purpose", "url", "secret_sealed", "is_enabled", "version"],
    # From the project's row, so that an unknown project is seen as such.
    select(
        projects.c.project_id,
        bindparam("purpose", type_=endpoints.c.purpose.type),
        bindparam("url", type_=endpoints.c.url.type),
        bindparam("secret", type_=LargeBinary),
        bindparam("is_enabled", type_=endpoints.c.is_enabled.type),
        func.coalesce(bindparam("version", type_=endpoints.c.version.type), 1),
    ).where(projects.c.project_id == bindparam("project")),
)
SAVE_ENDPOINT = _NEW.on_conflict_do_update(
    index_elements=["project_id", "purpose"],
    set_={
        "url": _NEW.excluded.url,
        "secret_sealed": _NEW.excluded.secret_sealed,
        "is_enabled": _NEW.excluded.is_enabled,
        "version": func.coalesce(bindparam("version", type_=endpoints.c.version.type), endpoints.c.version),
        "previous_secret_sealed": case(
            (bindparam("rotates"), endpoints.c.secret_sealed), else_=endpoints.c.previous_secret_sealed
        ),
        "previous_valid_until": case(
            (bindparam("rotates"), bindparam("valid_until", type_=endpoints.c.previous_valid_until.type)),
            else_=endpoints.c.previous_valid_until,
        ),
        # Whoever saves the endpoint has looked at it: its failures so far are forgotten.
        "disabled_reason": null(),
        "failing_since": null(),
    },
).returning(endpoints.c.project_id)
MARK_FAILING = (
    update(endpoints).where(*_LANE, endpoints.c.failing_since.is_(None)).values(failing_since=bindparam("since"))
)
CLEAR_FAILING = update(endpoints).where(*_LANE, endpoints.c.failing_since.is_not(None)).values(failing_since=None)
DISABLE_ENDPOINT = (
    update(endpoints)
    .where(*_LANE, endpoints.c.is_enabled)
    .values(is_enabled=False, disabled_reason=bindparam("reason"))
)


def endpoint_of(row: asyncpg.Record, sealer: Sealer) -> Endpoint:
    """The endpoint of a row that holds the endpoints' columns."""
    previous: bytes | None = row["previous_secret_sealed"]
    return Endpoint(
        project_id=row["project_id"],
        purpose=Purpose(row["purpose"]),
        url=row["url"],
        is_enabled=row["is_enabled"],
        version=row["version"],
        secret=sealer.open(row["secret_sealed"]).decode(),
        previous_secret=None if previous is None else sealer.open(previous).decode(),
        previous_valid_until=row["previous_valid_until"],
        disabled_reason=row["disabled_reason"],
        failing_since=row["failing_since"],
    )


async def find_endpoint(db: Session, sealer: Sealer, project_id: int, purpose: Purpose) -> Endpoint | None:
    """The endpoint that is set for exactly this purpose, or None."""
    row = await db.fetch_one(FIND_ENDPOINT, project=project_id, purpose_=purpose)
    return None if row is None else endpoint_of(row, sealer)


async def find_target(db: Session, sealer: Sealer, project_id: int, purpose: Purpose) -> Endpoint | None:
    """The endpoint that events of this purpose go to: its own, or else the store's."""
    found = {row["purpose"]: row for row in await db.fetch_all(LIST_ENDPOINTS, project=project_id)}
    row = found.get(purpose) or found.get(Purpose.STORE)
    return None if row is None else endpoint_of(row, sealer)


async def lock_endpoint(db: Session, sealer: Sealer, project_id: int, purpose: Purpose) -> Endpoint | None:
    """The endpoint, held until the transaction ends, or None."""
    row = await db.fetch_one(LOCK_ENDPOINT, project=project_id, purpose_=purpose)
    return None if row is None else endpoint_of(row, sealer)


async def list_endpoints(db: Session, sealer: Sealer, project_id: int) -> list[Endpoint]:
    """The project's endpoints."""
    return [endpoint_of(row, sealer) for row in await db.fetch_all(LIST_ENDPOINTS, project=project_id)]


async def find_lane_and_version(db: Session, project_id: int, purpose: Purpose) -> tuple[Purpose, int]:
    """Whose lane an event of this purpose takes, and the version of the bodies that its endpoint wants."""
    versions = {row["purpose"]: int(row["version"]) for row in await db.fetch_all(LIST_VERSIONS, project=project_id)}
    taken = purpose if purpose in versions else Purpose.STORE
    return taken, versions.get(taken, 1)


async def save_endpoint(
    db: Session,
    sealer: Sealer,
    *,
    project_id: int,
    purpose: Purpose,
    url: str,
    secret: str,
    is_enabled: bool,
    version: int | None,
    previous_valid_until: datetime | None,
) -> bool:
    """Set an endpoint; `version` None keeps it. Whether the project exists.

    previous_valid_until: until when the secret stored so far signs as well; None: the secret does not change.
    """
    saved = await db.fetch_value(
        SAVE_ENDPOINT,
        project=project_id,
        purpose=purpose,
        url=url,
        secret=sealer.seal(secret.encode()),
        is_enabled=is_enabled,
        version=version,
        rotates=previous_valid_until is not None,
        valid_until=previous_valid_until,
    )
    return saved is not None


async def _change(db: Session, statement: Any, project_id: int, purpose: Purpose, **values: Any) -> bool:
    return await db.execute(statement, project=project_id, purpose_=purpose, **values) > 0


async def mark_failing(db: Session, project_id: int, purpose: Purpose, *, since: datetime) -> bool:
    """Remember when failures began, unless they had begun before."""
    return await _change(db, MARK_FAILING, project_id, purpose, since=since)


async def clear_failing(db: Session, project_id: int, purpose: Purpose) -> bool:
    """Forget earlier failures: the endpoint works."""
    return await _change(db, CLEAR_FAILING, project_id, purpose)


async def disable_endpoint(db: Session, project_id: int, purpose: Purpose, *, reason: str) -> bool:
    """Switch an endpoint off, until somebody saves it again. Whether it was on."""
    return await _change(db, DISABLE_ENDPOINT, project_id, purpose, reason=reason)
