"""Signing in: by password, by device, by a server's id; and registering."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from haversack.database.engine import Session
from haversack.errors import (
    ACCOUNT_NOT_CONFIRMED,
    CLIENT_NOT_AUTHENTICATED,
    EMAIL_TAKEN,
    LINKED_ELSEWHERE,
    LOGIN,
    LOGIN_PARAMETERS_INVALID,
    PHONE_TAKEN,
    PLAYER_NOT_FOUND,
    REDIRECT_NOT_REGISTERED,
    STATE_TOO_SHORT,
    USERNAME_TAKEN,
    WRONG_PASSWORD,
    Fault,
    Refusal,
)
from haversack.http.calls import Call, ServerCall
from haversack.http.problems import invalid
from haversack.login import passwords, rules
from haversack.login.actions.accounts import end_sessions
from haversack.login.actions.attempts import count_attempt
from haversack.login.actions.attributes import ChangedAttribute, save_attributes
from haversack.login.actions.issuing import (
    get_client,
    get_login_project,
    issue_code,
    issue_token_set,
    plain_grant,
    refuse_banned,
    refuse_outside,
    sign_player_token,
)
from haversack.login.actions.linking import link_platform_account
from haversack.login.queries import linked
from haversack.login.queries import players as queries
from haversack.login.queries import tokens as token_queries
from haversack.login.records import (
    Client,
    ClientKind,
    Grant,
    LoginProject,
    LoginType,
    NewPlayer,
    Player,
    TokenSet,
)
from haversack.projects.keys import hash_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRequest:
    """What a client asks a code with: the parameters of the OAuth 2.0 sign-in calls."""

    client_id: int
    state: str | None
    redirect_uri: str | None
    scope: str
    audience: str | None = None
    payload: str | None = None
    code_challenge: str | None = None


@dataclass(frozen=True, slots=True)
class _Desk:
    """A checked code request: where the player signs in and where the code goes."""

    client: Client
    project: LoginProject
    redirect_uri: str
    state: str
    request: CodeRequest

    def grant(self, player: Player, login_type: LoginType) -> Grant:
        return Grant(
            login_project_id=self.project.login_project_id,
            client_id=self.client.client_id,
            player_id=player.player_id,
            login_type=login_type,
            scope=" ".join(rules.scopes_of(self.request.scope)),
            audience=self.request.audience,
            payload=self.request.payload,
            redirect_uri=self.redirect_uri,
        )


async def _open_desk(call: Call, request: CodeRequest) -> _Desk:
    if request.state is None or len(request.state) < rules.STATE_LENGTH_MIN:
        raise STATE_TOO_SHORT()
    client = await get_client(call.db, request.client_id)
    if client.kind is ClientKind.SERVER:
        raise CLIENT_NOT_AUTHENTICATED(reason=f"client {client.client_id} is a server's and signs no players in")
    redirect_uri = rules.find_redirect_uri(client, request.redirect_uri)
    if redirect_uri is None:
        raise REDIRECT_NOT_REGISTERED(client_id=client.client_id)
    project = await get_login_project(call.db, call.context.sealer, client.login_project_id)
    refuse_outside(project)
    return _Desk(client, project, redirect_uri, request.state, request)


async def _close_desk(db: Session, desk: _Desk, player: Player, login_type: LoginType, *, now: datetime) -> str:
    challenge = desk.request.code_challenge
    code = await issue_code(db, desk.grant(player, login_type), code_challenge=challenge, now=now)
    return rules.login_url(desk.redirect_uri, code=code, state=desk.state)


# -- By password ----------------------------------------------------------------------------------------------------


async def check_password(db: Session, login_project_id: UUID, *, username: str, password: str, now: datetime) -> Player:
    """The player of a right password. Attempts are counted before they are tried, right ones forget the count."""
    subject = hashlib.sha256(f"password/{rules.name_key(username)}".encode()).digest()
    await count_attempt(
        db,
        login_project_id,
        subject_hash=subject,
        attempts_max=rules.PASSWORD_ATTEMPTS_MAX,
        window=rules.PASSWORD_WINDOW,
        too_many=LOGIN.too_many,
        now=now,
    )
    # Forms of pages may hold the NUL character, which cannot be asked for: nobody has such a name.
    found = None if "\x00" in username else await queries.find_player_by_name(db, login_project_id, username)
    player, password_hash = found or (None, None)
    is_right = await passwords.is_password(password, password_hash)
    if player is None or password_hash is None or not is_right:
        raise WRONG_PASSWORD()
    await token_queries.forget_attempts(db, login_project_id, subject_hash=subject)
    if not player.is_confirmed:
        raise ACCOUNT_NOT_CONFIRMED()
    refuse_banned(player, now=now)
    if passwords.is_outdated(password_hash):
        new_hash = await passwords.hash_password(password)
        await queries.rehash_password(db, login_project_id, player.player_id, old_hash=password_hash, new_hash=new_hash)
    return await _note_login(db, player, now=now)


async def _note_login(db: Session, player: Player, *, now: datetime) -> Player:
    noted = await queries.note_login(db, player.login_project_id, player.player_id, now=now)
    if noted is None:
        raise PLAYER_NOT_FOUND()
    return noted


async def sign_in_with_password(call: Call, login_project_id: UUID, *, username: str, password: str) -> str:
    """Sign a player in for a page of our own and return a token; refused with the errors of the sign-in calls."""
    project = await get_login_project(call.db, call.context.sealer, login_project_id)
    refuse_outside(project)
    now = call.now
    player = await check_password(call.db, login_project_id, username=username, password=password, now=now)
    grant = plain_grant(player, login_type=LoginType.PASSWORD)
    return await sign_player_token(call.db, call.context.sealer, project, player, grant, now=now)


async def sign_in_for_tokens(call: Call, request: CodeRequest, *, username: str, password: str) -> TokenSet:
    """Sign a player in and answer tokens at once; only clients that have no secret to show may ask this way."""
    client = await get_client(call.db, request.client_id)
    if client.kind is not ClientKind.PUBLIC:
        raise CLIENT_NOT_AUTHENTICATED(
            reason=f"client {client.client_id} has a secret: ask for a code, and show the secret with it"
        )
    redirect_uri = rules.find_redirect_uri(client, request.redirect_uri)
    if redirect_uri is None:
        raise REDIRECT_NOT_REGISTERED(client_id=client.client_id)
    project = await get_login_project(call.db, call.context.sealer, client.login_project_id)
    refuse_outside(project)
    now = call.now
    player = await check_password(call.db, client.login_project_id, username=username, password=password, now=now)
    desk = _Desk(client, project, redirect_uri, "", request)
    grant = desk.grant(player, LoginType.PASSWORD)
    return await issue_token_set(call.db, call.context.sealer, project, player, grant, now=now)


async def sign_in_for_code(call: Call, request: CodeRequest, *, username: str, password: str) -> str:
    """Sign a player in and answer the address of return with a code."""
    desk = await _open_desk(call, request)
    now = call.now
    player = await check_password(call.db, desk.project.login_project_id, username=username, password=password, now=now)
    return await _close_desk(call.db, desk, player, LoginType.PASSWORD, now=now)


# -- Registering ----------------------------------------------------------------------------------------------------


async def register_player(
    call: Call, request: CodeRequest, *, username: str, password: str, email: str, promo_email_agreement: bool
) -> str | None:
    """A new account: the address of return with a code, or None where the account must be confirmed first."""
    faults = rules.check_account_names(username=username, email=email)
    if faults:
        raise invalid(LOGIN.invalid, faults)
    desk = await _open_desk(call, request)
    login_project_id = desk.project.login_project_id
    new = NewPlayer(
        player_id=uuid4(),
        login_type=LoginType.PASSWORD,
        username=username,
        email=email,
        is_confirmed=not desk.project.requires_confirmation,
        promo_email_agreement=promo_email_agreement,
    )
    # Asked before the hash is made: names that are taken shall cost little.
    taken = await find_collision(call.db, login_project_id, new)
    if taken is not None:
        raise taken
    password_hash = await passwords.hash_password(password)
    now = call.now
    async with call.db.begin():
        await add_account(call.db, login_project_id, new, now=now)
        await queries.save_password(call.db, login_project_id, new.player_id, password_hash=password_hash, now=now)
        if not new.is_confirmed:
            return None
        player = await queries.note_login(call.db, login_project_id, new.player_id, now=now)
        assert player is not None, "the transaction has just made the player"
        return await _close_desk(call.db, desk, player, LoginType.PASSWORD, now=now)


async def register_player_of_server(
    call: ServerCall,
    login_project_id: UUID,
    *,
    email: str | None,
    phone_number: str | None,
    is_phone_verified: bool | None,
    external_account_id: str | None,
) -> UUID:
    """A new account that a server makes, without a password; its id."""
    if is_phone_verified is not None and phone_number is None:
        fault = Fault("phone_number_verified", "needs a phone_number")
        raise invalid(LOGIN_PARAMETERS_INVALID, [fault])
    faults = rules.check_account_names(username=None, email=email)
    if faults:
        raise invalid(LOGIN.invalid, faults)
    new = NewPlayer(
        player_id=uuid4(),
        login_type=LoginType.PHONE if email is None else LoginType.EMAIL,
        email=email,
        phone_number=phone_number,
        is_phone_verified=bool(is_phone_verified),
        external_account_id=external_account_id,
    )
    async with call.db.begin():
        await add_account(call.db, login_project_id, new, now=call.now)
    return new.player_id


async def add_account(db: Session, login_project_id: UUID, new: NewPlayer, *, now: datetime) -> None:
    """Store a new account, or refuse with the name that is taken."""
    if not await queries.add_player(db, login_project_id, new, now=now):
        refusal = await find_collision(db, login_project_id, new)
        assert refusal is not None, "a fresh player id is never taken, so one of the names is"
        raise refusal


async def find_collision(db: Session, login_project_id: UUID, new: NewPlayer) -> Refusal | None:
    """Why a new account cannot be: the first of its names that another account has."""
    found = await queries.list_collisions(db, login_project_id, new)

    def is_taken(column: str, value: str | None) -> bool:
        return value is not None and any(row[column] == value for row in found)

    if is_taken("username_key", None if new.username is None else rules.name_key(new.username)):
        return USERNAME_TAKEN()
    if is_taken("email_key", None if new.email is None else rules.name_key(new.email)):
        return EMAIL_TAKEN()
    if is_taken("phone_number", new.phone_number):
        return PHONE_TAKEN()
    if is_taken("external_account_id", new.external_account_id):
        return LINKED_ELSEWHERE(what="external_account_id", owner="another user")
    return None


# -- By device ------------------------------------------------------------------------------------------------------


async def _use_device(
    db: Session, login_project_id: UUID, *, device_type: str, device_id: str, device: str, now: datetime
) -> Player:
    """The player of a device; a new one at its first sign-in. Of simultaneous first ones one makes the player."""
    device_hash = hash_of(device_id)
    player_id = await linked.use_device(
        db, login_project_id, device_type=device_type, device_id_hash=device_hash, device=device, now=now
    )
    if player_id is None:
        player_id = uuid4()
        is_first = await linked.add_device(
            db,
            login_project_id,
            player_id,
            device_type=device_type,
            device_id_hash=device_hash,
            device=device,
            now=now,
        )
        if is_first:
            new = NewPlayer(player_id=player_id, login_type=LoginType.DEVICE)
            await queries.add_player(db, login_project_id, new, now=now)
        else:
            player_id = await linked.use_device(
                db,
                login_project_id,
                device_type=device_type,
                device_id_hash=device_hash,
                device=device,
                now=now,
            )
    player = None if player_id is None else await queries.note_login(db, login_project_id, player_id, now=now)
    if player is None:
        raise PLAYER_NOT_FOUND()
    refuse_banned(player, now=now)
    return player


async def sign_device_in_for_code(
    call: Call, request: CodeRequest, *, device_type: str, device_id: str, device: str
) -> str:
    """Sign the player of a device in and answer the address of return with a code."""
    desk = await _open_desk(call, request)
    now = call.now
    async with call.db.begin():
        player = await _use_device(
            call.db,
            desk.project.login_project_id,
            device_type=device_type,
            device_id=device_id,
            device=device,
            now=now,
        )
        return await _close_desk(call.db, desk, player, LoginType.DEVICE, now=now)


async def sign_device_in(
    call: Call,
    login_project_id: UUID,
    *,
    device_type: str,
    device_id: str,
    device: str,
    payload: str | None,
    with_logout: bool,
) -> str:
    """Sign the player of a device in and answer a token; `with_logout` ends the player's other sessions."""
    project = await get_login_project(call.db, call.context.sealer, login_project_id)
    refuse_outside(project)
    now = call.now
    async with call.db.begin():
        player = await _use_device(
            call.db, login_project_id, device_type=device_type, device_id=device_id, device=device, now=now
        )
        if with_logout:
            player = await end_sessions(call, player, now=now)
    grant = plain_grant(player, login_type=LoginType.DEVICE, payload=payload)
    return await sign_player_token(call.db, call.context.sealer, project, player, grant, now=now)


# -- By a server's id -----------------------------------------------------------------------------------------------


async def sign_custom_id_in(
    call: ServerCall,
    login_project_id: UUID,
    *,
    custom_id: str,
    payload: str | None,
    with_logout: bool,
    project_id: int,
    attributes: list[ChangedAttribute],
    platform_account: tuple[str, str] | None,
) -> str:
    """Sign the player of a server's id in, a new one at the first time, and answer a token. `platform_account`:
    platform and the player's id there, to be linked. `project_id`: whose attributes they are, 0 for no project's."""
    project = await get_login_project(call.db, call.context.sealer, login_project_id)
    refuse_outside(project)
    now = call.now
    async with call.db.begin():
        player = await _use_custom_id(call.db, login_project_id, custom_id, now=now)
        if attributes:
            await save_attributes(call.db, player, project_id, attributes, now=now)
        if platform_account is not None:
            platform, platform_user_id = platform_account
            await link_platform_account(
                call.db,
                login_project_id,
                player.player_id,
                platform=platform,
                account_id=platform_user_id,
            )
        if with_logout:
            player = await end_sessions(call, player, now=now)
    grant = plain_grant(player, login_type=LoginType.SERVER_CUSTOM_ID, payload=payload)
    return await sign_player_token(call.db, call.context.sealer, project, player, grant, now=now)


async def _use_custom_id(db: Session, login_project_id: UUID, custom_id: str, *, now: datetime) -> Player:
    player = await queries.find_player_by_custom_id(db, login_project_id, custom_id)
    if player is None:
        new = NewPlayer(player_id=uuid4(), login_type=LoginType.SERVER_CUSTOM_ID, server_custom_id=custom_id)
        # Waits for a simultaneous first sign-in, and then finds what that one has made.
        await queries.add_player(db, login_project_id, new, now=now)
        player = await queries.find_player_by_custom_id(db, login_project_id, custom_id)
    if player is None:
        raise PLAYER_NOT_FOUND()
    refuse_banned(player, now=now)
    return await _note_login(db, player, now=now)
