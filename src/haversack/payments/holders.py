"""Who holds a payment token: it opens the page, and signs its player in for store calls."""

import hashlib
from uuid import UUID

from sqlalchemy import bindparam, select

from haversack.database.engine import Session
from haversack.login.identities import PlayerIdentity
from haversack.payments.tables import payment_tokens as tokens
from haversack.projects.records import Project

FIND_TOKEN_PLAYER = select(tokens.c.player_id, tokens.c.external_id, tokens.c.user_details, tokens.c.expires_at).where(
    tokens.c.project_id == bindparam("project"),
    tokens.c.token_hash == bindparam("of_hash"),
    tokens.c.expires_at > bindparam("now"),
)


def token_hash(token: str) -> bytes:
    """What is kept of a token: it is random enough that a plain hash hides it."""
    return hashlib.sha256(token.encode()).digest()


async def find_token_player(db: Session, project: Project, token: str) -> PlayerIdentity | None:
    """The player of a project's payment token; None for one that is unknown or has expired by the project's clock."""
    row = await db.fetch_one(
        FIND_TOKEN_PLAYER, project=project.project_id, of_hash=token_hash(token), now=project.clock.now()
    )
    if row is None:
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
