"""Reads and writes of login projects, their clients and signing keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Text, bindparam, func, insert, null, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from haversack.database.engine import Session
from haversack.login.records import Algorithm, Client, ClientKind, LoginProject, OutsideIssuer, PublicKey
from haversack.login.tables import login_clients, login_projects, signing_keys
from haversack.sealing import Sealer

_this_project = login_projects.c.login_project_id == bindparam("id")
FIND_LOGIN_PROJECT = select(login_projects).where(_this_project)
LOCK_LOGIN_PROJECT = FIND_LOGIN_PROJECT.with_for_update()
# The names of issuers are public, so one name may be trusted by several projects.
FIND_BY_ISSUER = (
    select(login_projects)
    .where(login_projects.c.outside_issuer == bindparam("issuer"))
    .order_by(login_projects.c.login_project_id)
    .limit(100)
)
ADD_LOGIN_PROJECT = insert(login_projects).values(
    login_project_id=bindparam("id"),
    merchant_id=bindparam("merchant"),
    name=bindparam("of_name"),
    algorithm=bindparam("of_algorithm"),
    hs256_secret_sealed=bindparam("secret"),
    token_seconds=bindparam("seconds"),
    requires_confirmation=bindparam("confirmation"),
    created_at=func.now(),
)
SET_ALGORITHM = update(login_projects).where(_this_project).values(algorithm=bindparam("new_algorithm"))
SET_TOKEN_SECONDS = update(login_projects).where(_this_project).values(token_seconds=bindparam("seconds"))
SET_CONFIRMATION = update(login_projects).where(_this_project).values(requires_confirmation=bindparam("is_required"))
SET_OUTSIDE = (
    update(login_projects)
    .where(_this_project)
    .values(
        outside_issuer=bindparam("issuer"),
        outside_audience=bindparam("audience"),
        outside_jwks_url=bindparam("jwks_url"),
        outside_secret_sealed=bindparam("secret"),
    )
)
ADD_CLIENT = (
    insert(login_clients)
    .values(
        login_project_id=bindparam("id"),
        kind=bindparam("of_kind"),
        name=bindparam("of_name"),
        secret_hash=bindparam("secret"),
        redirect_uris=bindparam("uris", type_=ARRAY(Text)),
        created_at=func.now(),
    )
    .returning(login_clients.c.client_id)
)
FIND_CLIENT = select(login_clients).where(login_clients.c.client_id == bindparam("client"))
TRUSTS_OUTSIDE = select(login_projects.c.outside_issuer.is_not(None)).where(_this_project)
FIND_SIGNING_KEY = select(signing_keys).where(
    signing_keys.c.login_project_id == bindparam("id"), signing_keys.c.verifies_until.is_(null())
)
# The Go SDK takes the first key whatever the `kid`: the one that signs comes first.
LIST_KEYS = (
    select(signing_keys)
    .where(
        signing_keys.c.login_project_id == bindparam("id"),
        or_(signing_keys.c.verifies_until.is_(null()), signing_keys.c.verifies_until > bindparam("now")),
    )
    .order_by(signing_keys.c.verifies_until.is_(null()).desc(), signing_keys.c.created_at.desc(), signing_keys.c.kid)
)
RETIRE_KEYS = (
    update(signing_keys)
    .where(signing_keys.c.login_project_id == bindparam("id"), signing_keys.c.verifies_until.is_(null()))
    .values(verifies_until=bindparam("until"))
)
ADD_KEY = insert(signing_keys)


def _login_project(row: asyncpg.Record, sealer: Sealer) -> LoginProject:
    outside = None
    if row["outside_issuer"] is not None:
        sealed = row["outside_secret_sealed"]
        outside = OutsideIssuer(
            issuer=row["outside_issuer"],
            audience=row["outside_audience"],
            jwks_url=row["outside_jwks_url"],
            secret=None if sealed is None else sealer.open(sealed),
        )
    return LoginProject(
        login_project_id=row["login_project_id"],
        merchant_id=row["merchant_id"],
        name=row["name"],
        algorithm=Algorithm(row["algorithm"]),
        secret=sealer.open(row["hs256_secret_sealed"]),
        token_seconds=row["token_seconds"],
        requires_confirmation=row["requires_confirmation"],
        outside=outside,
    )


def _client(row: asyncpg.Record) -> Client:
    return Client(
        login_project_id=row["login_project_id"],
        client_id=row["client_id"],
        kind=ClientKind(row["kind"]),
        secret_hash=row["secret_hash"],
        redirect_uris=tuple(row["redirect_uris"]),
    )


def _public_key(row: asyncpg.Record) -> PublicKey:
    return PublicKey(row["kid"], row["modulus"], row["exponent"], row["verifies_until"])


async def find_login_project(db: Session, sealer: Sealer, login_project_id: UUID) -> LoginProject | None:
    """The login project with its secrets opened, or None; SealBroken where they cannot be."""
    row = await db.fetch_one(FIND_LOGIN_PROJECT, id=login_project_id)
    return None if row is None else _login_project(row, sealer)


async def trusts_outside_issuer(db: Session, login_project_id: UUID) -> bool:
    """Whether the players of a login project come from an outside issuer."""
    return bool(await db.fetch_value(TRUSTS_OUTSIDE, id=login_project_id))


async def lock_login_project(db: Session, sealer: Sealer, login_project_id: UUID) -> LoginProject | None:
    """The login project, held against changes until the transaction ends."""
    row = await db.fetch_one(LOCK_LOGIN_PROJECT, id=login_project_id)
    return None if row is None else _login_project(row, sealer)


async def list_login_projects_of_issuer(db: Session, sealer: Sealer, issuer: str) -> list[LoginProject]:
    """The login projects that trust an outside issuer."""
    return [_login_project(row, sealer) for row in await db.fetch_all(FIND_BY_ISSUER, issuer=issuer)]


async def add_login_project(
    db: Session,
    *,
    login_project_id: UUID,
    merchant_id: int,
    name: str,
    algorithm: Algorithm,
    secret_sealed: bytes,
    token_seconds: int,
    requires_confirmation: bool,
) -> None:
    """Store a new login project."""
    await db.execute(
        ADD_LOGIN_PROJECT,
        id=login_project_id,
        merchant=merchant_id,
        of_name=name,
        of_algorithm=algorithm,
        secret=secret_sealed,
        seconds=token_seconds,
        confirmation=requires_confirmation,
    )


async def set_algorithm(db: Session, login_project_id: UUID, algorithm: Algorithm) -> None:
    """Sign with another algorithm from now on."""
    await db.execute(SET_ALGORITHM, id=login_project_id, new_algorithm=algorithm)


async def set_token_seconds(db: Session, login_project_id: UUID, seconds: int) -> None:
    """How long the tokens of players live from now on."""
    await db.execute(SET_TOKEN_SECONDS, id=login_project_id, seconds=seconds)


async def set_confirmation(db: Session, login_project_id: UUID, *, is_required: bool) -> None:
    """Whether accounts must be confirmed before their first sign-in."""
    await db.execute(SET_CONFIRMATION, id=login_project_id, is_required=is_required)


async def set_outside_issuer(
    db: Session,
    login_project_id: UUID,
    *,
    issuer: str | None,
    audience: str | None,
    jwks_url: str | None,
    secret_sealed: bytes | None,
) -> None:
    """Trust an outside issuer; all None: trust the project's own accounts again."""
    await db.execute(
        SET_OUTSIDE,
        id=login_project_id,
        issuer=issuer,
        audience=audience,
        jwks_url=jwks_url,
        secret=secret_sealed,
    )


async def add_client(
    db: Session,
    *,
    login_project_id: UUID,
    kind: ClientKind,
    name: str,
    secret_hash: bytes | None,
    redirect_uris: Sequence[str],
) -> int:
    """Store a client and return its number."""
    return int(
        await db.fetch_value(
            ADD_CLIENT,
            id=login_project_id,
            of_kind=kind,
            of_name=name,
            secret=secret_hash,
            uris=list(redirect_uris),
        )
    )


async def find_client(db: Session, client_id: int) -> Client | None:
    """The client of a number, or None."""
    row = await db.fetch_one(FIND_CLIENT, client=client_id)
    return None if row is None else _client(row)


async def find_signing_key(db: Session, login_project_id: UUID) -> tuple[str, bytes] | None:
    """`kid` and sealed private key of the key that signs, or None."""
    row = await db.fetch_one(FIND_SIGNING_KEY, id=login_project_id)
    return None if row is None else (row["kid"], row["private_key_sealed"])


async def list_keys(db: Session, login_project_id: UUID, *, now: datetime) -> list[PublicKey]:
    """The keys that verify at the moment, the signing one first."""
    return [_public_key(row) for row in await db.fetch_all(LIST_KEYS, id=login_project_id, now=now)]


async def retire_keys(db: Session, login_project_id: UUID, *, until: datetime) -> None:
    """Let the signing key only verify, and only until a moment."""
    await db.execute(RETIRE_KEYS, id=login_project_id, until=until)


async def add_signing_key(
    db: Session, login_project_id: UUID, key: PublicKey, *, private_key_sealed: bytes, now: datetime
) -> None:
    """Store the key that signs from now on."""
    values: dict[str, Any] = {
        "login_project_id": login_project_id,
        "kid": key.kid,
        "private_key_sealed": private_key_sealed,
        "modulus": key.modulus,
        "exponent": key.exponent,
        "created_at": now,
        "verifies_until": None,
    }
    await db.execute(ADD_KEY, **values)
