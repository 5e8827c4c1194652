"""Login operations that anyone may call: signing in, the token endpoint, public keys, checking tokens."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import Form, Query
from starlette.responses import Response

from haversack.clock import real_now
from haversack.errors import (
    ACCOUNT_NOT_CONFIRMED,
    CALL_UNAVAILABLE,
    CLIENT_NOT_AUTHENTICATED,
    CLIENT_NOT_FOUND,
    EMAIL_TAKEN,
    GRANT_INVALID,
    LOGIN,
    LOGIN_PARAMETERS_INVALID,
    LOGIN_PROJECT_NOT_FOUND,
    PLAYER_BANNED,
    PLAYER_NOT_FOUND,
    REDIRECT_NOT_REGISTERED,
    STATE_TOO_SHORT,
    TOKEN_INVALID,
    TOKENS_CANNOT_BE_SIGNED,
    USERNAME_TAKEN,
    WRONG_PASSWORD,
    Fault,
)
from haversack.http.area import Area, Repeat
from haversack.http.calls import PublicCall
from haversack.http.problems import invalid
from haversack.login.actions import sign_in, token_endpoint
from haversack.login.actions.issuing import get_login_project
from haversack.login.actions.sign_in import CodeRequest
from haversack.login.queries.projects import list_keys
from haversack.login.records import TokenSet
from haversack.login.wire.fields import ClientId, DeviceType, Payload, WithLogout
from haversack.login.wire.signing_in import (
    CodeQuery,
    CredentialsBody,
    DeviceBody,
    KeyView,
    LoginUrlView,
    RegistrationBody,
    RevocationForm,
    TokenBody,
    TokenForm,
    TokensView,
    TokenView,
    WebKeySetView,
)

area = Area("login", family=LOGIN, prefix="/api")

DESK_ERRORS = (
    STATE_TOO_SHORT,
    CLIENT_NOT_FOUND,
    CLIENT_NOT_AUTHENTICATED,
    REDIRECT_NOT_REGISTERED,
    CALL_UNAVAILABLE,
    TOKENS_CANNOT_BE_SIGNED,
    LOGIN_PROJECT_NOT_FOUND,
)
PASSWORD_ERRORS = (WRONG_PASSWORD, ACCOUNT_NOT_CONFIRMED, PLAYER_BANNED, PLAYER_NOT_FOUND)


@area.post(
    "/oauth2/token",
    errors=(
        CLIENT_NOT_AUTHENTICATED,
        GRANT_INVALID,
        CLIENT_NOT_FOUND,
        LOGIN_PROJECT_NOT_FOUND,
        TOKENS_CANNOT_BE_SIGNED,
        CALL_UNAVAILABLE,
    ),
    repeat=Repeat.NEVER,
)
async def generate_jwt(call: PublicCall, body: Annotated[TokenForm, Form()]) -> TokensView:
    """Change a code, a refresh token, a client's secret or another token for tokens."""
    client = await token_endpoint.authenticate_client(call, int(body.client_id), body.client_secret)
    tokens: TokenSet
    match body.grant_type:
        case "authorization_code":
            tokens = await token_endpoint.exchange_code(
                call,
                client,
                code=_required(body, "code"),
                redirect_uri=body.redirect_uri,
                code_verifier=body.code_verifier,
            )
        case "refresh_token":
            tokens = await token_endpoint.refresh(
                call, client, refresh_token=_required(body, "refresh_token"), redirect_uri=body.redirect_uri
            )
        case "client_credentials":
            tokens = await token_endpoint.grant_server_token(call, client)
        case "urn:ietf:params:oauth:grant-type:token_exchange":
            tokens = await token_endpoint.exchange_token(
                call, client, subject_token=_required(body, "subject_token"), scope=body.scope
            )
    return TokensView.of(tokens)


def _required(body: TokenForm, name: str) -> str:
    value: str | None = getattr(body, name)
    if not value:
        raise invalid(LOGIN.invalid, [Fault(name, f"is required for the grant type {body.grant_type}")])
    return value


@area.post("/oauth2/login/token", errors=(*DESK_ERRORS[1:], *PASSWORD_ERRORS), repeat=Repeat.NEVER)
async def jwt_auth_by_username_and_password(
    call: PublicCall,
    body: CredentialsBody,
    client_id: Annotated[ClientId, Query()],
    scope: Annotated[str, Query(max_length=255)] = "",
    redirect_uri: Annotated[str | None, Query(max_length=2048)] = None,
) -> TokensView:
    """Sign a player in by name and password and answer tokens at once."""
    request = CodeRequest(client_id=client_id, state=None, redirect_uri=redirect_uri, scope=scope)
    tokens = await sign_in.sign_in_for_tokens(call, request, username=body.username, password=body.password)
    return TokensView.of(tokens)


@area.post("/oauth2/login", errors=(*DESK_ERRORS, *PASSWORD_ERRORS), repeat=Repeat.NEVER)
async def oauth_20_auth_by_username_and_password(
    call: PublicCall, body: CredentialsBody, query: Annotated[CodeQuery, Query()]
) -> LoginUrlView:
    """Sign a player in by name and password and answer a code."""
    url = await sign_in.sign_in_for_code(call, query.request(), username=body.username, password=body.password)
    return LoginUrlView(login_url=url)


@area.post("/oauth2/user", statuses=(204,), errors=(*DESK_ERRORS, USERNAME_TAKEN, EMAIL_TAKEN), repeat=Repeat.NEVER)
async def oauth_20_register_new_user(
    call: PublicCall, body: RegistrationBody, query: Annotated[CodeQuery, Query()]
) -> LoginUrlView:
    """Register a player: 200 with a code, or 204 where the project wants accounts confirmed first."""
    url = await sign_in.register_player(
        call,
        query.request(),
        username=body.username,
        password=body.password,
        email=body.email,
        promo_email_agreement=bool(body.promo_email_agreement),
    )
    if url is None:
        # A second success without a body: the route hands responses on as they are.
        return cast(LoginUrlView, Response(status_code=204))
    return LoginUrlView(login_url=url)


@area.post(
    "/oauth2/login/device/{device_type}",
    errors=(*DESK_ERRORS, PLAYER_BANNED, PLAYER_NOT_FOUND),
    repeat=Repeat.NEVER,
)
async def oauth_20_auth_via_device_id(
    call: PublicCall, device_type: DeviceType, body: DeviceBody, query: Annotated[CodeQuery, Query()]
) -> LoginUrlView:
    """Sign the player of a device in, a new one at the first time, and answer a code."""
    url = await sign_in.sign_device_in_for_code(
        call, query.request(), device_type=device_type, device_id=body.device_id, device=body.device
    )
    return LoginUrlView(login_url=url)


@area.post(
    "/login/device/{device_type}",
    errors=(
        LOGIN_PROJECT_NOT_FOUND,
        CALL_UNAVAILABLE,
        TOKENS_CANNOT_BE_SIGNED,
        PLAYER_BANNED,
        PLAYER_NOT_FOUND,
    ),
    invalid=LOGIN_PARAMETERS_INVALID,
    repeat=Repeat.NEVER,
)
async def jwt_auth_via_device_id(
    call: PublicCall,
    device_type: DeviceType,
    body: DeviceBody,
    project_id: Annotated[UUID, Query(alias="projectId")],
    payload: Annotated[Payload | None, Query()] = None,
    with_logout: Annotated[WithLogout, Query()] = "0",
) -> TokenView:
    """Sign the player of a device in, a new one at the first time, and answer a token."""
    token = await sign_in.sign_device_in(
        call,
        project_id,
        device_type=device_type,
        device_id=body.device_id,
        device=body.device,
        payload=payload,
        with_logout=with_logout == "1",
    )
    return TokenView(token=token)


@area.post(
    "/oauth2/token/revoke",
    status=204,
    errors=(CLIENT_NOT_FOUND, CLIENT_NOT_AUTHENTICATED),
    repeat=Repeat.NEVER,
)
async def revoke_jwt(call: PublicCall, body: Annotated[RevocationForm, Form()]) -> None:
    """Make an access token, or a refresh token and all that follow it, worthless."""
    client_id = None if body.client_id is None else int(body.client_id)
    await token_endpoint.revoke(call, token=body.token, client_id=client_id, client_secret=body.client_secret)


KEY_ERRORS = (LOGIN_PROJECT_NOT_FOUND, TOKENS_CANNOT_BE_SIGNED)


@area.get("/projects/{project_id}/keys", errors=KEY_ERRORS, invalid=LOGIN_PARAMETERS_INVALID)
async def get_projects_keys(call: PublicCall, project_id: UUID) -> list[KeyView]:
    """Show the public keys of a login project, the signing one first; none where it signs with a secret."""
    await get_login_project(call.db, call.context.sealer, project_id)
    return [KeyView.of(key) for key in await list_keys(call.db, project_id, now=real_now())]


@area.get("/projects/{project_id}/.well-known/jwks.json", errors=KEY_ERRORS, invalid=LOGIN_PARAMETERS_INVALID)
async def get_projects_web_keys(call: PublicCall, project_id: UUID) -> WebKeySetView:
    """Show the public keys of a login project as a JWK Set that standard libraries read."""
    await get_login_project(call.db, call.context.sealer, project_id)
    return WebKeySetView.of(await list_keys(call.db, project_id, now=real_now()))


@area.post(
    "/token/validate",
    status=204,
    errors=(LOGIN_PARAMETERS_INVALID, LOGIN_PROJECT_NOT_FOUND, PLAYER_NOT_FOUND, TOKEN_INVALID),
    repeat=Repeat.NEVER,
)
async def validate_jwt(call: PublicCall, body: TokenBody) -> None:
    """Check the lifetime, project, signature and player of a player's token."""
    await token_endpoint.check_player_token(call, body.token)


@area.post(
    "/server/token/validate",
    status=204,
    errors=(LOGIN_PARAMETERS_INVALID, LOGIN_PROJECT_NOT_FOUND, TOKENS_CANNOT_BE_SIGNED, LOGIN.unauthorized),
    repeat=Repeat.NEVER,
)
async def validate_server_jwt(
    call: PublicCall, body: TokenBody, project_id: Annotated[UUID, Query(alias="projectId")]
) -> None:
    """Check a server's token of a login project."""
    project = await get_login_project(call.db, call.context.sealer, project_id)
    await token_endpoint.check_server_token(call, project, body.token)
