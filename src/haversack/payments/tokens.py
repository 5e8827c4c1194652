"""Payment tokens: opaque names of a purchase that open the payment page and sign its player in for store calls."""

import secrets
import string
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from haversack.context import Context
from haversack.database.engine import Session
from haversack.orders.records import Order
from haversack.payments.holders import token_hash
from haversack.payments.records import PaymentToken
from haversack.payments.rules import TOKEN_LIFE
from haversack.payments.tables import payment_tokens as tokens
from haversack.projects.queries import list_projects
from haversack.projects.records import Project

# What SDKs expect: 190 bits of randomness, and nothing that an address would have to escape.
LENGTH = 32
# Of what a caller shows: far longer than any token of ours.
TOKEN_LENGTH_MAX = 512
ALPHABET = string.ascii_letters + string.digits
PRUNED_AT_ONCE_MAX = 1_000
# A refund of a purchase without an order names the custom parameters of its token.
KEPT_AFTER_EXPIRY = timedelta(days=180)

ADD_TOKEN = insert(tokens).values(
    project_id=bindparam("project"),
    token_hash=bindparam("of_hash"),
    order_id=bindparam("order"),
    player_id=bindparam("player"),
    external_id=bindparam("external"),
    is_sandbox=bindparam("sandbox"),
    user_details=bindparam("user"),
    purchase=bindparam("bought"),
    settings=bindparam("chosen"),
    custom_parameters=bindparam("parameters"),
    created_at=bindparam("now"),
    expires_at=bindparam("until"),
)
FIND_TOKEN = select(tokens).where(tokens.c.token_hash == bindparam("of_hash"))
FIND_TOKEN_OF_ORDER = (
    select(tokens)
    .where(tokens.c.project_id == bindparam("project"), tokens.c.order_id == bindparam("order"))
    .order_by(tokens.c.created_at.desc())
    .limit(1)
)
LOCK_TOKEN = (
    select(tokens.c.token_hash)
    .where(tokens.c.project_id == bindparam("project"), tokens.c.token_hash == bindparam("of_hash"))
    .with_for_update()
)
SAVE_USER = (
    update(tokens)
    .where(tokens.c.project_id == bindparam("project"), tokens.c.token_hash == bindparam("of_hash"))
    .values(user_details=bindparam("user"))
)
_EXPIRED = (
    select(tokens.c.token_hash)
    .where(tokens.c.project_id == bindparam("project"), tokens.c.expires_at < bindparam("before"))
    .limit(PRUNED_AT_ONCE_MAX)
)
FORGET_EXPIRED = delete(tokens).where(tokens.c.project_id == bindparam("project"), tokens.c.token_hash.in_(_EXPIRED))


async def issue_token(
    db: Session,
    project: Project,
    *,
    order: Order | None,
    player_id: UUID,
    external_id: str,
    is_sandbox: bool,
    user_details: Mapping[str, Any],
    purchase: Mapping[str, Any] | None,
    settings: Mapping[str, Any],
    custom_parameters: Mapping[str, Any] | None,
    now: datetime,
) -> str:
    """Make a token for an order, or (order None) for a purchase {amount, currency, description}; 24 hours long.

    user_details: {country: {value, allow_modify}, email, name, phone}, each where it is known. Only its hash is kept.
    """
    text = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    await db.execute(
        ADD_TOKEN,
        project=project.project_id,
        of_hash=token_hash(text),
        order=None if order is None else order.order_id,
        player=player_id,
        external=external_id,
        sandbox=is_sandbox,
        user=dict(user_details),
        bought=None if purchase is None else dict(purchase),
        chosen=dict(settings),
        parameters=None if custom_parameters is None else dict(custom_parameters),
        now=now,
        until=now + TOKEN_LIFE,
    )
    return text


async def find_token(db: Session, text: str) -> PaymentToken | None:
    """The token of a text, expired or not; None for one that was never given out."""
    if not text.isascii() or not text.isalnum() or len(text) != LENGTH:
        return None
    row = await db.fetch_one(FIND_TOKEN, of_hash=token_hash(text))
    return None if row is None else PaymentToken(**row)


async def find_token_by_hash(db: Session, of_hash: bytes) -> PaymentToken | None:
    """The token of a payment, as long as it is kept."""
    row = await db.fetch_one(FIND_TOKEN, of_hash=of_hash)
    return None if row is None else PaymentToken(**row)


async def find_token_of_order(db: Session, project_id: int, order_id: int) -> PaymentToken | None:
    """The newest token of an order, for what pays without the page."""
    row = await db.fetch_one(FIND_TOKEN_OF_ORDER, project=project_id, order=order_id)
    return None if row is None else PaymentToken(**row)


async def lock_token(db: Session, token: PaymentToken) -> None:
    """Let payments of one token without an order begin one after another."""
    await db.fetch_one(LOCK_TOKEN, project=token.project_id, of_hash=token.token_hash)


async def save_user_details(db: Session, token: PaymentToken, user_details: Mapping[str, Any]) -> None:
    """Keep what the player has changed on the page."""
    await db.execute(SAVE_USER, project=token.project_id, of_hash=token.token_hash, user=dict(user_details))


async def forget_expired_tokens(context: Context) -> int:
    """Delete the tokens that ended long ago by their projects' clocks; how many."""
    deleted = 0
    for project in await list_projects(context.database.session()):
        before = project.clock.now() - KEPT_AFTER_EXPIRY
        count = PRUNED_AT_ONCE_MAX
        while count == PRUNED_AT_ONCE_MAX:
            count = await context.database.session().execute(FORGET_EXPIRED, project=project.project_id, before=before)
            deleted += count
    return deleted
