"""Signing tokens and handing out codes and refresh tokens."""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from haversack.clock import real_now
from haversack.database.engine import Session
from haversack.errors import (
    CALL_UNAVAILABLE,
    CLIENT_NOT_FOUND,
    LOGIN_PROJECT_NOT_FOUND,
    PLAYER_BANNED,
    PLAYER_UNKNOWN,
    TOKENS_CANNOT_BE_SIGNED,
    USERNAME_TAKEN,
)
from haversack.http.calls import AdminCall
from haversack.login import rules
from haversack.login.queries import players as player_queries
from haversack.login.queries import projects as project_queries
from haversack.login.queries import tokens as token_queries
from haversack.login.records import (
    Algorithm,
    Client,
    ClientKind,
    Grant,
    LoginProject,
    LoginType,
    NewPlayer,
    Player,
    TokenSet,
)
from haversack.login.signing import private_key, secret_key, sign
from haversack.projects.keys import hash_of
from haversack.sealing import SealBroken, Sealer

if TYPE_CHECKING:
    from haversack.context import Context

CLIENT_ID_MAX = 2**31 - 1
NO_CLIENT = 0


async def get_login_project(db: Session, sealer: Sealer, login_project_id: UUID) -> LoginProject:
    """The login project; refused where there is none, or where its secrets cannot be opened."""
    try:
        project = await project_queries.find_login_project(db, sealer, login_project_id)
    except SealBroken:
        raise TOKENS_CANNOT_BE_SIGNED() from None
    if project is None:
        raise LOGIN_PROJECT_NOT_FOUND()
    return project


async def get_client(db: Session, client_id: int) -> Client:
    """The client of a number; refused where there is none."""
    client = await project_queries.find_client(db, client_id) if 0 < client_id <= CLIENT_ID_MAX else None
    if client is None:
        raise CLIENT_NOT_FOUND(client_id=client_id)
    return client


def refuse_outside(project: LoginProject) -> None:
    """Refuse to sign players in where the project leaves that to another issuer."""
    if project.outside is not None:
        raise CALL_UNAVAILABLE()


def refuse_banned(player: Player, *, now: datetime) -> None:
    """Refuse a player who is kept out."""
    if player.ban is not None and player.ban.holds(now):
        raise PLAYER_BANNED(date_to=f"{player.ban.date_to:%Y-%m-%d %H:%M} UTC")


async def sign_player_token(
    db: Session,
    sealer: Sealer,
    project: LoginProject,
    player: Player,
    grant: Grant,
    *,
    now: datetime,
    life: timedelta | None = None,
) -> str:
    """A player's token, for as long as the project says or as `life` does."""
    claims = rules.player_claims(
        player,
        grant,
        merchant_id=project.merchant_id,
        token_id=uuid4(),
        now=now,
        life=life or timedelta(seconds=project.token_seconds),
    )
    return await _sign(db, sealer, project, claims)


async def issue_server_token(db: Session, sealer: Sealer, client: Client, *, now: datetime) -> str:
    """A token for a server client, for an hour."""
    assert client.kind is ClientKind.SERVER, "only server clients act for themselves"
    project = await get_login_project(db, sealer, client.login_project_id)
    claims = rules.server_claims(client, merchant_id=project.merchant_id, now=now)
    return await _sign(db, sealer, project, claims)


async def _sign(db: Session, sealer: Sealer, project: LoginProject, claims: dict[str, object]) -> str:
    if project.algorithm is Algorithm.HS256:
        return sign(claims, secret_key(project.secret), Algorithm.HS256, kid=None)
    found = await project_queries.find_signing_key(db, project.login_project_id)
    assert found is not None, "a project that signs with RS256 has a key"
    kid, sealed = found
    try:
        pem = sealer.open(sealed)
    except SealBroken:
        raise TOKENS_CANNOT_BE_SIGNED() from None
    return sign(claims, private_key(pem), Algorithm.RS256, kid=kid)


async def issue_code(db: Session, grant: Grant, *, code_challenge: str | None, now: datetime) -> str:
    """A code that the grant's client can change for tokens once, within ten minutes."""
    code = secrets.token_urlsafe(32)
    await token_queries.add_code(
        db,
        grant,
        code_hash=hash_of(code),
        code_challenge=code_challenge,
        expires_at=now + rules.CODE_LIFE,
    )
    return code


async def issue_token_set(
    db: Session,
    sealer: Sealer,
    project: LoginProject,
    player: Player,
    grant: Grant,
    *,
    now: datetime,
    family_id: UUID | None = None,
) -> TokenSet:
    """An access token, and a refresh token (of a family, if one goes on) where the scope asks for it."""
    access_token = await sign_player_token(db, sealer, project, player, grant, now=now)
    refresh_token = ""
    if rules.OFFLINE in rules.scopes_of(grant.scope):
        refresh_token = secrets.token_urlsafe(32)
        await token_queries.add_refresh_token(
            db,
            grant,
            token_hash=hash_of(refresh_token),
            family_id=family_id or uuid4(),
            expires_at=now + rules.REFRESH_TOKEN_LIFE,
        )
    return TokenSet(access_token, project.token_seconds, refresh_token, grant.scope)


def plain_grant(player: Player, *, login_type: LoginType, payload: str | None = None) -> Grant:
    """What a sign-in without a client gives: a token and nothing to change or refresh it with."""
    return Grant(
        login_project_id=player.login_project_id,
        client_id=NO_CLIENT,
        player_id=player.player_id,
        login_type=login_type,
        scope="",
        audience=None,
        payload=payload,
        redirect_uri=None,
    )


async def issue_player_token(
    context: "Context",
    login_project_id: UUID,
    player_id: UUID,
    *,
    username: str | None = None,
    scope: str = "",
    life: timedelta | None = None,
) -> str:
    """A player's token for tools, demos and tests; makes the account (of that name) where there is none."""
    now = real_now()
    db = context.database.session()
    project = await get_login_project(db, context.sealer, login_project_id)
    refuse_outside(project)
    player = await player_queries.find_player(db, login_project_id, player_id)
    if player is None:
        new = NewPlayer(player_id=player_id, login_type=LoginType.PASSWORD, username=username)
        is_new = await player_queries.add_player(db, login_project_id, new, now=now)
        player = await player_queries.find_player(db, login_project_id, player_id)
        if player is None:
            assert not is_new, "what was stored is there"
            raise USERNAME_TAKEN()
    grant = replace(plain_grant(player, login_type=player.login_type), scope=scope)
    return await sign_player_token(db, context.sealer, project, player, grant, now=now, life=life)


async def find_player_id(db: Session, login_project_id: UUID, external_id: str) -> UUID | None:
    """The player whom servers call by this id: a token's `sub`; None where the login project knows no such player.

    Where players come from an outside issuer they have no accounts here, so every subject is taken.
    """
    player_id = rules.outside_player_id(login_project_id, external_id)
    if await player_queries.find_player(db, login_project_id, player_id) is not None:
        return player_id
    return player_id if await project_queries.trusts_outside_issuer(db, login_project_id) else None


async def get_player_id(call: AdminCall, external_id: str) -> UUID:
    """The same of the project that a studio's call is about, or PLAYER_UNKNOWN."""
    player_id = await find_player_id(call.db, call.project.login_project_id, external_id)
    if player_id is None:
        raise PLAYER_UNKNOWN()
    return player_id
