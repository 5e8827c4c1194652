"""Counts attempts at what could be guessed (passwords, linking codes, codes of games) before they are tried."""

from datetime import datetime, timedelta
from uuid import UUID

from haversack.database.engine import Session
from haversack.errors import ErrorKind
from haversack.login.queries import tokens as token_queries


async def count_attempt(
    db: Session,
    login_project_id: UUID,
    *,
    subject_hash: bytes,
    attempts_max: int,
    window: timedelta,
    too_many: ErrorKind,
    now: datetime,
) -> None:
    """Count an attempt; `too_many`, with the seconds to wait, where its window has had enough of them. `now` is the
    machine's time."""
    assert not db.in_transaction, "the count must stand whatever follows"
    attempts, ends_at = await token_queries.count_attempt(
        db, login_project_id, subject_hash=subject_hash, window=window, now=now
    )
    if attempts > attempts_max:
        seconds = max(1, int((ends_at - now).total_seconds()))
        raise too_many(seconds=seconds, retry_after=seconds)
