"""Who holds a payment token: it opens the page, and signs its player in for store calls."""

import hashlib
from collections.abc import Sequence
from uuid import UUID
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy import LargeBinary, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from haversack.database.engine import Database, Session
from haversack.database.shared_reads import SharedReads
from haversack.login.identities import PlayerIdentity
from haversack.payments.tables import payment_tokens as tokens
from haversack.projects.records import Project

LIST_TOKENS = select(
    tokens.c.token_hash, tokens.c.player_id, tokens.c.external_id, tokens.c.user_details, tokens.c.expires_at
).where(
    tokens.c.project_id == bindparam("project"),
    tokens.c.token_hash == any_(bindparam("hashes", type_=ARRAY(LargeBinary))),
)

# Tokens of a project, by their hashes.
TokenReads = SharedReads[int, bytes, asyncpg.Record | None]

_reads: WeakKeyDictionary[Database, TokenReads] = WeakKeyDictionary()


def token_hash(token: str) -> bytes:
    """What is kept of a token: it is random enough that a plain hash hides it."""
    return hashlib.sha256(token.encode()).digest()


def reads_of(database: Database) -> TokenReads:
    """The reads of payment tokens on a database, shared by who asks at once."""
    reads = _reads.get(database)
    if reads is None:
        reads = _reads[database] = SharedReads(database, _list_tokens, nothing=None)
    return reads


async def find_token_player(database: Database, project: Project, token: str) -> PlayerIdentity | None:
    """The player of a project's payment token; None for one that is unknown or has expired by the project's clock.
    Such tokens are not remembered: who asks at once is read for at once."""
    row = await reads_of(database).read(project.project_id, token_hash(token))
    if row is None or row["expires_at"] <= project.clock.now():
        return None
    country = row["user_details"].get("country") or {}
    player_id: UUID = row["player_id"]
    return PlayerIdentity(
        login_project_id=project.login_project_id,
        player_id=player_id,
        expires_at=row["expires_at"],
        country=country.get("value"),
        external_id=row["external_id"],
        email=row["user_details"].get("email"),
        attributes=tuple(sorted(row["user_details"].get("attributes", {}).items())),
    )


async def _list_tokens(db: Session, project_id: int, hashes: Sequence[bytes]) -> dict[bytes, asyncpg.Record | None]:
    rows = await db.fetch_all(LIST_TOKENS, project=project_id, hashes=list(hashes))
    return {row["token_hash"]: row for row in rows}
