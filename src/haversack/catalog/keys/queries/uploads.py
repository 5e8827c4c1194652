"""Reads and writes of upload sessions.

While one is worked on, its `ended_at` is the moment at which it counts as broken off if nothing more is heard of it.
The database's clock decides, so that processes need not agree on the time.
"""

from datetime import timedelta
from uuid import UUID

import asyncpg
from sqlalchemy import Interval, and_, bindparam, func, insert, literal, select, update

from haversack.catalog.keys.records import Upload, UploadStatus
from haversack.catalog.tables import key_uploads as uploads
from haversack.database.engine import Session

_session = (uploads.c.project_id == bindparam("project"), uploads.c.session_id == bindparam("session"))
_running = (*_session, uploads.c.status == UploadStatus.PROCESSING.value)
_lease_end = func.now() + bindparam("lease", type_=Interval)
_is_overdue = and_(uploads.c.status == UploadStatus.PROCESSING.value, uploads.c.ended_at < func.now())

ADD_UPLOAD = insert(uploads).values(
    project_id=bindparam("project"),
    session_id=bindparam("session"),
    item_id=bindparam("item"),
    region_id=bindparam("region"),
    status=UploadStatus.PROCESSING.value,
    count_total=bindparam("total"),
    started_at=func.now(),
    ended_at=_lease_end,
)
FIND_UPLOAD = select(uploads, _is_overdue.label("is_overdue")).where(*_session)
COUNT_SLICE = (
    update(uploads)
    .where(*_running)
    .values(
        count_uploaded=uploads.c.count_uploaded + bindparam("uploaded"),
        count_skipped=uploads.c.count_skipped + bindparam("skipped"),
        ended_at=_lease_end,
    )
)
RENEW_LEASE = update(uploads).where(*_running).values(ended_at=_lease_end)
END_UPLOAD = (
    update(uploads)
    .where(*_running)
    .values(status=bindparam("new_status"), fault=bindparam("new_fault"), ended_at=func.now())
)
# Somebody may have heard of it in the meantime, so it is asked once more.
BREAK_OFF = (
    update(uploads)
    .where(*_session, _is_overdue)
    .values(status=UploadStatus.ERROR.value, fault=bindparam("new_fault"))
    .returning(uploads, literal(False).label("is_overdue"))
)


def _upload(row: asyncpg.Record) -> Upload:
    return Upload(
        project_id=row["project_id"],
        session_id=row["session_id"],
        item_id=row["item_id"],
        region_id=row["region_id"],
        status=UploadStatus(row["status"]),
        count_total=row["count_total"],
        count_uploaded=row["count_uploaded"],
        count_skipped=row["count_skipped"],
        fault=row["fault"],
        is_overdue=row["is_overdue"],
    )


async def add_upload(db: Session, upload: Upload, *, lease: timedelta) -> None:
    """Store a new session that counts as broken off after the lease, unless something is heard of it."""
    await db.execute(
        ADD_UPLOAD,
        project=upload.project_id,
        session=upload.session_id,
        item=upload.item_id,
        region=upload.region_id,
        total=upload.count_total,
        lease=lease,
    )


async def find_upload(db: Session, project_id: int, session_id: UUID) -> Upload | None:
    """A session, or None."""
    row = await db.fetch_one(FIND_UPLOAD, project=project_id, session=session_id)
    return None if row is None else _upload(row)


async def count_slice(db: Session, upload: Upload, *, uploaded: int, skipped: int, lease: timedelta) -> bool:
    """Add what a slice of the file has brought, and renew the lease; False if the session was broken off."""
    counted = await db.execute(
        COUNT_SLICE,
        project=upload.project_id,
        session=upload.session_id,
        uploaded=uploaded,
        skipped=skipped,
        lease=lease,
    )
    return counted == 1


async def renew_lease(db: Session, upload: Upload, *, lease: timedelta) -> bool:
    """Say that the session goes on; False if it was broken off."""
    kept = await db.execute(RENEW_LEASE, project=upload.project_id, session=upload.session_id, lease=lease)
    return kept == 1


async def end_upload(db: Session, upload: Upload, *, status: UploadStatus, fault: str | None) -> None:
    """End a session that goes on."""
    await db.execute(
        END_UPLOAD, project=upload.project_id, session=upload.session_id, new_status=status.value, new_fault=fault
    )


async def break_off(db: Session, upload: Upload, *, fault: str) -> Upload | None:
    """End a session of which nothing was heard any more; None if it goes on after all."""
    row = await db.fetch_one(BREAK_OFF, project=upload.project_id, session=upload.session_id, new_fault=fault)
    return None if row is None else _upload(row)
