"""Reads and writes of codes, refresh tokens, revocations and attempts."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    BigInteger,
    LargeBinary,
    Text,
    bindparam,
    case,
    delete,
    exists,
    func,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from haversack.database.engine import Session
from haversack.login.queries.players import ban_of
from haversack.login.records import Grant, LoginType, Standing
from haversack.login.tables import (
    authorization_codes,
    linking_codes,
    login_attempts,
    login_clients,
    players,
    refresh_tokens,
    revoked_tokens,
)

# Rows that time has made worthless go in bites, so that no sweep holds its locks for long.
PRUNED_AT_ONCE = 1_000

_revoked = exists().where(
    revoked_tokens.c.login_project_id == bindparam("login"),
    revoked_tokens.c.token_hash == bindparam("hash", type_=LargeBinary),
)
FIND_PLAYER_STANDING = select(
    _revoked.label("is_revoked"),
    players.c.token_generation,
    players.c.logged_out_at,
    players.c.banned_from,
    players.c.banned_until,
    players.c.ban_reason,
).where(players.c.login_project_id == bindparam("login"), players.c.player_id == bindparam("player"))
FIND_CLIENT_STANDING = select(_revoked.label("is_revoked")).where(
    login_clients.c.login_project_id == bindparam("login"),
    login_clients.c.client_id == bindparam("client", type_=BigInteger),
    login_clients.c.kind == "server",
)
ADD_CODE = insert(authorization_codes)
# One statement: of simultaneous attempts only one gets the row. A wrong client or verifier does not use the code up.
TAKE_CODE = (
    delete(authorization_codes)
    .where(
        authorization_codes.c.login_project_id == bindparam("login"),
        authorization_codes.c.code_hash == bindparam("hash", type_=LargeBinary),
        authorization_codes.c.client_id == bindparam("client"),
        or_(
            bindparam("uri", type_=Text).is_(null()),
            authorization_codes.c.redirect_uri == bindparam("uri", type_=Text),
        ),
        authorization_codes.c.code_challenge.is_not_distinct_from(bindparam("challenge", type_=Text)),
        authorization_codes.c.expires_at > bindparam("now"),
    )
    .returning(authorization_codes)
)
ADD_REFRESH_TOKEN = insert(refresh_tokens)
_this_refresh_token = (
    refresh_tokens.c.login_project_id == bindparam("login"),
    refresh_tokens.c.token_hash == bindparam("hash", type_=LargeBinary),
)
USE_REFRESH_TOKEN = (
    update(refresh_tokens)
    .where(
        *_this_refresh_token,
        refresh_tokens.c.client_id == bindparam("client"),
        or_(
            bindparam("uri", type_=Text).is_(null()),
            refresh_tokens.c.redirect_uri.is_(null()),
            refresh_tokens.c.redirect_uri == bindparam("uri", type_=Text),
        ),
        refresh_tokens.c.expires_at > bindparam("now"),
        refresh_tokens.c.used_at.is_(null()),
    )
    .values(used_at=bindparam("now"))
    .returning(refresh_tokens)
)
FIND_REFRESH_TOKEN = select(refresh_tokens).where(*_this_refresh_token)
END_FAMILY = delete(refresh_tokens).where(
    refresh_tokens.c.login_project_id == bindparam("login"), refresh_tokens.c.family_id == bindparam("family")
)
END_FAMILIES_OF_PLAYER = delete(refresh_tokens).where(
    refresh_tokens.c.login_project_id == bindparam("login"), refresh_tokens.c.player_id == bindparam("player")
)
END_CODES_OF_PLAYER = delete(authorization_codes).where(
    authorization_codes.c.login_project_id == bindparam("login"),
    authorization_codes.c.player_id == bindparam("player"),
)
FIND_ANY_REFRESH_TOKEN = (
    select(refresh_tokens.c.login_project_id, refresh_tokens.c.client_id, refresh_tokens.c.family_id)
    .where(refresh_tokens.c.token_hash == bindparam("hash", type_=LargeBinary))
    .limit(1)
)
REVOKE_TOKEN = (
    insert(revoked_tokens)
    .values(login_project_id=bindparam("login"), token_hash=bindparam("hash"), expires_at=bindparam("until"))
    .on_conflict_do_nothing()
)
DROP_LINKING_CODE = delete(linking_codes).where(
    linking_codes.c.login_project_id == bindparam("login"), linking_codes.c.player_id == bindparam("player")
)
_code = insert(linking_codes).values(
    login_project_id=bindparam("login"),
    code=bindparam("new_code"),
    player_id=bindparam("player"),
    expires_at=bindparam("until"),
)
# A number is free again when its time is over.
ADD_LINKING_CODE = _code.on_conflict_do_update(
    index_elements=["login_project_id", "code"],
    set_={"player_id": _code.excluded.player_id, "expires_at": _code.excluded.expires_at},
    where=linking_codes.c.expires_at <= bindparam("now"),
).returning(linking_codes.c.code)
TAKE_LINKING_CODE = (
    delete(linking_codes)
    .where(
        linking_codes.c.login_project_id == bindparam("login"),
        linking_codes.c.code == bindparam("of_code"),
        linking_codes.c.expires_at > bindparam("now"),
    )
    .returning(linking_codes.c.player_id)
)
_attempt = insert(login_attempts).values(
    login_project_id=bindparam("login"),
    subject_hash=bindparam("hash"),
    attempts=1,
    window_ends_at=bindparam("until"),
)
_is_over = login_attempts.c.window_ends_at <= bindparam("now")
COUNT_ATTEMPT = _attempt.on_conflict_do_update(
    index_elements=["login_project_id", "subject_hash"],
    set_={
        # The count stops where it says enough, far below what its column holds.
        "attempts": case((_is_over, 1), else_=func.least(login_attempts.c.attempts + 1, 1000)),
        "window_ends_at": case((_is_over, _attempt.excluded.window_ends_at), else_=login_attempts.c.window_ends_at),
    },
).returning(login_attempts.c.attempts, login_attempts.c.window_ends_at)
FORGET_ATTEMPTS = delete(login_attempts).where(
    login_attempts.c.login_project_id == bindparam("login"),
    login_attempts.c.subject_hash == bindparam("hash", type_=LargeBinary),
)
_EXPIRING = (
    (authorization_codes, "expires_at"),
    (refresh_tokens, "expires_at"),
    (revoked_tokens, "expires_at"),
    (linking_codes, "expires_at"),
    (login_attempts, "window_ends_at"),
)
PRUNE = tuple(
    delete(table).where(
        tuple_(*table.primary_key.columns).in_(
            select(*table.primary_key.columns)
            .where(table.c[column] < bindparam("before"))
            .limit(PRUNED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
    )
    for table, column in _EXPIRING
)


def _grant(row: asyncpg.Record) -> Grant:
    return Grant(
        login_project_id=row["login_project_id"],
        client_id=row["client_id"],
        player_id=row["player_id"],
        login_type=LoginType(row["login_type"]),
        scope=row["scope"],
        audience=row["audience"],
        payload=row["payload"],
        redirect_uri=row["redirect_uri"],
    )


def _values(grant: Grant) -> dict[str, Any]:
    """The columns of a grant, which codes and refresh tokens have alike."""
    return {
        "login_project_id": grant.login_project_id,
        "client_id": grant.client_id,
        "player_id": grant.player_id,
        "login_type": grant.login_type,
        "scope": grant.scope,
        "audience": grant.audience,
        "payload": grant.payload,
        "redirect_uri": grant.redirect_uri,
    }


async def find_player_standing(
    db: Session, login_project_id: UUID, player_id: UUID, *, token_hash: bytes
) -> Standing | None:
    """What decides over a player's token, or None where there is no such player."""
    row = await db.fetch_one(FIND_PLAYER_STANDING, login=login_project_id, player=player_id, hash=token_hash)
    if row is None:
        return None
    return Standing(row["is_revoked"], row["token_generation"], row["logged_out_at"], ban_of(row))


async def find_client_standing(
    db: Session, login_project_id: UUID, client_id: int, *, token_hash: bytes
) -> bool | None:
    """Whether a server's token was revoked, or None where there is no such server client."""
    found: bool | None = await db.fetch_value(
        FIND_CLIENT_STANDING, login=login_project_id, client=client_id, hash=token_hash
    )
    return found


async def add_code(
    db: Session, grant: Grant, *, code_hash: bytes, code_challenge: str | None, expires_at: datetime
) -> None:
    """Store an authorization code."""
    await db.execute(
        ADD_CODE,
        code_hash=code_hash,
        code_challenge=code_challenge,
        expires_at=expires_at,
        **_values(grant),
    )


async def take_code(
    db: Session,
    login_project_id: UUID,
    *,
    code_hash: bytes,
    client_id: int,
    redirect_uri: str | None,
    code_challenge: str | None,
    now: datetime,
) -> Grant | None:
    """Use a code up and return what it gives; None where it is unknown, used, expired or another client's."""
    row = await db.fetch_one(
        TAKE_CODE,
        login=login_project_id,
        hash=code_hash,
        client=client_id,
        uri=redirect_uri,
        challenge=code_challenge,
        now=now,
    )
    return None if row is None else _grant(row)


async def add_refresh_token(
    db: Session, grant: Grant, *, token_hash: bytes, family_id: UUID, expires_at: datetime
) -> None:
    """Store a refresh token of a family."""
    await db.execute(
        ADD_REFRESH_TOKEN,
        token_hash=token_hash,
        family_id=family_id,
        expires_at=expires_at,
        **_values(grant),
    )


async def use_refresh_token(
    db: Session,
    login_project_id: UUID,
    *,
    token_hash: bytes,
    client_id: int,
    redirect_uri: str | None,
    now: datetime,
) -> tuple[Grant, UUID] | None:
    """Use a refresh token up; what it gives and its family, or None where it gives nothing."""
    row = await db.fetch_one(
        USE_REFRESH_TOKEN,
        login=login_project_id,
        hash=token_hash,
        client=client_id,
        uri=redirect_uri,
        now=now,
    )
    return None if row is None else (_grant(row), row["family_id"])


async def find_used_family(db: Session, login_project_id: UUID, *, token_hash: bytes) -> UUID | None:
    """The family of a refresh token that was used before, or None."""
    row = await db.fetch_one(FIND_REFRESH_TOKEN, login=login_project_id, hash=token_hash)
    if row is None or row["used_at"] is None:
        return None
    family: UUID = row["family_id"]
    return family


async def end_family(db: Session, login_project_id: UUID, family_id: UUID) -> None:
    """Make every refresh token of a family worthless."""
    await db.execute(END_FAMILY, login=login_project_id, family=family_id)


async def end_families_of_player(db: Session, login_project_id: UUID, player_id: UUID) -> None:
    """Make every refresh token and unused code of a player worthless."""
    await db.execute(END_FAMILIES_OF_PLAYER, login=login_project_id, player=player_id)
    await db.execute(END_CODES_OF_PLAYER, login=login_project_id, player=player_id)


async def find_refresh_token(db: Session, token_hash: bytes) -> tuple[UUID, int, UUID] | None:
    """Login project, client and family of a refresh token, whoever shows it; it has 256 random bits."""
    row = await db.fetch_one(FIND_ANY_REFRESH_TOKEN, hash=token_hash)
    return None if row is None else (row["login_project_id"], row["client_id"], row["family_id"])


async def revoke_token(db: Session, login_project_id: UUID, *, token_hash: bytes, expires_at: datetime) -> None:
    """Remember that a token opens nothing any more."""
    await db.execute(REVOKE_TOKEN, login=login_project_id, hash=token_hash, until=expires_at)


async def drop_linking_code(db: Session, login_project_id: UUID, player_id: UUID) -> None:
    """Forget the player's earlier code."""
    await db.execute(DROP_LINKING_CODE, login=login_project_id, player=player_id)


async def add_linking_code(
    db: Session, login_project_id: UUID, player_id: UUID, *, code: str, expires_at: datetime, now: datetime
) -> bool:
    """Store a linking code of a player who has none; False where the number is in use."""
    row = await db.fetch_one(
        ADD_LINKING_CODE, login=login_project_id, player=player_id, new_code=code, until=expires_at, now=now
    )
    return row is not None


async def take_linking_code(db: Session, login_project_id: UUID, code: str, *, now: datetime) -> UUID | None:
    """Use a linking code up and return its player, or None."""
    found: UUID | None = await db.fetch_value(TAKE_LINKING_CODE, login=login_project_id, of_code=code, now=now)
    return found


async def count_attempt(
    db: Session, login_project_id: UUID, *, subject_hash: bytes, window: timedelta, now: datetime
) -> tuple[int, datetime]:
    """Count an attempt; how many there were in the window, and when it ends."""
    row = await db.fetch_one(COUNT_ATTEMPT, login=login_project_id, hash=subject_hash, until=now + window, now=now)
    assert row is not None
    return row["attempts"], row["window_ends_at"]


async def forget_attempts(db: Session, login_project_id: UUID, *, subject_hash: bytes) -> None:
    """Begin to count anew."""
    await db.execute(FORGET_ATTEMPTS, login=login_project_id, hash=subject_hash)


async def prune_expired(db: Session, *, before: datetime) -> int:
    """Remove some of what has expired in every table of this module, and return how many rows."""
    return sum([await db.execute(statement, before=before) for statement in PRUNE])
