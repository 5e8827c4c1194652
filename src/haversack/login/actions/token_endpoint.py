"""The token endpoint: changing codes, refresh tokens and secrets for tokens; revoking and checking tokens."""

from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

from haversack.database.notifications import notify
from haversack.errors import (
    CLIENT_NOT_AUTHENTICATED,
    GRANT_INVALID,
    LOGIN,
    LOGIN_PARAMETERS_INVALID,
    LOGIN_PROJECT_NOT_FOUND,
    PLAYER_NOT_FOUND,
    TOKEN_INVALID,
    Fault,
)
from haversack.http.calls import Call
from haversack.http.problems import invalid
from haversack.login import rules
from haversack.login.actions.issuing import (
    get_client,
    get_login_project,
    issue_server_token,
    issue_token_set,
    plain_grant,
    refuse_outside,
    sign_player_token,
)
from haversack.login.queries import players as player_queries
from haversack.login.queries import tokens as queries
from haversack.login.records import Client, ClientKind, Grant, LoginProject, LoginType, Player, TokenSet
from haversack.login.signing import TokenMalformed, read_token
from haversack.login.tokens import LOGIN_CHANGED, TokenRefused, player_changed, project_changed
from haversack.projects.keys import hash_of, may_open


async def authenticate_client(call: Call, client_id: int, client_secret: str | None) -> Client:
    """The client, if it has shown the secret that it has."""
    client = await get_client(call.db, client_id)
    if not rules.is_secret_of(client, None if client_secret is None else hash_of(client_secret)):
        raise CLIENT_NOT_AUTHENTICATED(reason="the client_secret is missing or wrong")
    if client_secret is not None and not may_open(client_secret, is_development=call.context.settings.is_development):
        raise CLIENT_NOT_AUTHENTICATED(reason="secrets made for development open nothing on a production server")
    return client


def _check_signs_players_in(client: Client) -> None:
    if client.kind is ClientKind.SERVER:
        raise CLIENT_NOT_AUTHENTICATED(reason=f"client {client.client_id} is a server's and signs no players in")


async def exchange_code(
    call: Call, client: Client, *, code: str, redirect_uri: str | None, code_verifier: str | None
) -> TokenSet:
    """Change a code for tokens: once, by the client and the address that it was issued to."""
    _check_signs_players_in(client)
    project = await get_login_project(call.db, call.context.sealer, client.login_project_id)
    refuse_outside(project)
    now = call.now
    async with call.db.begin():
        grant = await queries.take_code(
            call.db,
            client.login_project_id,
            code_hash=hash_of(code),
            client_id=client.client_id,
            redirect_uri=redirect_uri or rules.DEFAULT_REDIRECT_URI,
            code_challenge=None if code_verifier is None else rules.challenge_of(code_verifier),
            now=now,
        )
        if grant is None:
            raise GRANT_INVALID(grant="code")
        player = await _player_of(call, grant, what="code")
        return await issue_token_set(call.db, call.context.sealer, project, player, grant, now=now)


async def refresh(call: Call, client: Client, *, refresh_token: str, redirect_uri: str | None) -> TokenSet:
    """Change a refresh token for new tokens. One that comes a second time was stolen or lost: its family ends."""
    _check_signs_players_in(client)
    project = await get_login_project(call.db, call.context.sealer, client.login_project_id)
    refuse_outside(project)
    now, token_hash = call.now, hash_of(refresh_token)
    async with call.db.begin():
        used = await queries.use_refresh_token(
            call.db,
            client.login_project_id,
            token_hash=token_hash,
            client_id=client.client_id,
            redirect_uri=redirect_uri,
            now=now,
        )
        if used is not None:
            grant, family_id = used
            player = await _player_of(call, grant, what="refresh_token")
            return await issue_token_set(
                call.db, call.context.sealer, project, player, grant, now=now, family_id=family_id
            )
        family = await queries.find_used_family(call.db, client.login_project_id, token_hash=token_hash)
        if family is not None:
            await queries.end_family(call.db, client.login_project_id, family)
    # Only after the commit: a refusal inside would undo the end of the family.
    raise GRANT_INVALID(grant="refresh_token")


async def _player_of(call: Call, grant: Grant, *, what: str) -> Player:
    player = await player_queries.find_player(call.db, grant.login_project_id, grant.player_id)
    if player is None or not player.is_active(call.now):
        raise GRANT_INVALID(grant=what)
    return player


async def grant_server_token(call: Call, client: Client) -> TokenSet:
    """A token for a server, for its secret."""
    if client.kind is not ClientKind.SERVER:
        raise CLIENT_NOT_AUTHENTICATED(reason=f"client {client.client_id} is not a server's")
    token = await issue_server_token(call.db, call.context.sealer, client, now=call.now)
    return TokenSet(token, rules.SERVER_TOKEN_SECONDS, "", "")


async def exchange_token(call: Call, client: Client, *, subject_token: str, scope: str) -> TokenSet:
    """Change a player's token for one of another scope, which lives no longer than the first."""
    _check_signs_players_in(client)
    project = await get_login_project(call.db, call.context.sealer, client.login_project_id)
    refuse_outside(project)
    try:
        identity = await call.context.tokens.verify_player(subject_token)
    except TokenRefused:
        raise GRANT_INVALID(grant="subject_token") from None
    if identity.login_project_id != client.login_project_id:
        raise GRANT_INVALID(grant="subject_token")
    now = call.now
    player = await player_queries.find_player(call.db, identity.login_project_id, identity.player_id)
    if player is None:
        raise GRANT_INVALID(grant="subject_token")
    claims = read_token(subject_token).claims
    grant = replace(
        plain_grant(player, login_type=_type_of(claims.get("type"), player)),
        client_id=client.client_id,
        scope=" ".join(rules.scopes_of(scope)),
    )
    life = min(identity.expires_at - now, timedelta(seconds=project.token_seconds))
    token = await sign_player_token(call.db, call.context.sealer, project, player, grant, now=now, life=life)
    return TokenSet(token, max(1, int(life.total_seconds())), "", grant.scope)


def _type_of(claimed: object, player: Player) -> LoginType:
    return LoginType(claimed) if isinstance(claimed, str) and claimed in set(LoginType) else player.login_type


# -- Revoking and checking ------------------------------------------------------------------------------------------


async def revoke(call: Call, *, token: str, client_id: int | None, client_secret: str | None) -> None:
    """Make a token worthless: an access token alone, a refresh token with its family. What is no token of ours, or
    is another client's, changes nothing, and is not told apart (RFC 7009, 2.2)."""
    client = None if client_id is None else await authenticate_client(call, client_id, client_secret)
    try:
        read_token(token)
    except TokenMalformed:
        await _revoke_refresh_token(call, token, client)
        return
    try:
        signed = await call.context.tokens.read_signed(token, now=call.now)
    except TokenRefused:
        return
    if client is not None and client.login_project_id != signed.login_project_id:
        return
    key = project_changed(signed.login_project_id)
    subject = signed.claims.get("sub")
    if isinstance(subject, str) and not signed.is_of_server:
        player_id = rules.outside_player_id(signed.login_project_id, subject)
        key = player_changed(signed.login_project_id, player_id)
    async with call.db.begin():
        await queries.revoke_token(
            call.db, signed.login_project_id, token_hash=signed.token_hash, expires_at=signed.expires_at
        )
        await notify(call.db, LOGIN_CHANGED, key)
    call.after_commit.append(lambda: call.context.notifications.publish_locally(LOGIN_CHANGED, key))


async def _revoke_refresh_token(call: Call, token: str, client: Client | None) -> None:
    found = await queries.find_refresh_token(call.db, hash_of(token))
    if found is None:
        return
    login_project_id, client_id, family_id = found
    if client is None or (client.login_project_id, client.client_id) == (login_project_id, client_id):
        await queries.end_family(call.db, login_project_id, family_id)


async def check_player_token(call: Call, token: str) -> None:
    """Refuse a player's token that opens nothing, with what is wrong about it."""
    try:
        await call.context.tokens.verify_player(token)
    except TokenRefused as error:
        _refuse_subject(error)
        raise TOKEN_INVALID(reason=str(error)) from None


async def check_server_token(call: Call, project: LoginProject, token: str) -> None:
    """Refuse a server's token that opens nothing in the login project."""
    try:
        identity = await call.context.tokens.verify_server(token)
    except TokenRefused as error:
        if error.is_malformed:
            _refuse_subject(error)
        raise LOGIN.unauthorized(reason=str(error)) from None
    if identity.login_project_id != project.login_project_id:
        raise LOGIN.unauthorized(reason="The token was issued for another login project.")


def _refuse_subject(error: TokenRefused) -> None:
    if error.is_malformed:
        _refuse_malformed(error)
    if error.subject == "project":
        raise LOGIN_PROJECT_NOT_FOUND() from None
    if error.subject == "player":
        raise PLAYER_NOT_FOUND() from None


def _refuse_malformed(error: TokenRefused) -> NoReturn:
    raise invalid(LOGIN_PARAMETERS_INVALID, [Fault("token", str(error))]) from None
