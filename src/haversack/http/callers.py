"""The one place that decides who calls: Basic keys, player tokens, server tokens, host ids."""

from base64 import b64decode
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from starlette.requests import Request

from haversack.context import Context
from haversack.errors import PROJECT_NOT_FOUND, Family, Refusal
from haversack.http.calls import (
    AdminCall,
    BuyerCall,
    Call,
    GuestCall,
    HostCall,
    MerchantCall,
    PlayerCall,
    PublicCall,
    ServerCall,
    ShopperCall,
    StudioCall,
)
from haversack.login.identities import PlayerIdentity, ServerIdentity
from haversack.login.tokens import TokenRefused
from haversack.payments.holders import find_token_player
from haversack.projects.records import Project

INT32_MAX = 2**31 - 1
GUEST_ID_MIN, GUEST_ID_MAX = 8, 255
NEVER = datetime.max.replace(tzinfo=UTC)
OTHER_LOGIN = "The token is of another login project than this project's."


async def identify(kind: type[Call], request: Request, family: Family, request_id: str) -> Call:
    """The call of a request, or the family's 401. Nothing of the body has been read yet."""
    context: Context = request.app.state.context
    base: dict[str, Any] = {
        "context": context,
        "db": context.database.session(),
        "request_id": request_id,
        "request": request,
        "client_ip": request.client.host if request.client else "",
        "idempotency_key": request.headers.get("idempotency-key"),
    }
    if kind is PublicCall:
        return PublicCall(**base)
    if kind is GuestCall:
        project, guest = await _guest(context, request, family)
        project = project if guest is None else project.for_player(guest.player_id)
        return GuestCall(**base, project=project, player=guest)
    if kind is BuyerCall or kind is ShopperCall:
        project, buyer = await _buyer(context, request, family, takes_guests=kind is ShopperCall)
        return kind(**base, project=project.for_player(buyer.player_id), player=buyer)
    if kind is PlayerCall:
        return PlayerCall(**base, player=await _player(context, request, family))
    if kind is ServerCall:
        return ServerCall(**base, server=await _server(context, _server_token(request, family), family))
    if kind is HostCall:
        project, server = await _host(context, request, family)
        return HostCall(**base, project=project, server=server)
    if kind is AdminCall:
        project, key_id = await _admin(context, request, family)
        return AdminCall(**base, project=project, key_id=key_id)
    if kind is MerchantCall:
        merchant_id, key_id = await _merchant(context, request, family)
        return MerchantCall(**base, merchant_id=merchant_id, key_id=key_id)
    if kind is StudioCall:
        merchant_id, one_project, key_id = await _studio(context, request, family)
        return StudioCall(**base, merchant_id=merchant_id, project_id=one_project, key_id=key_id)
    raise AssertionError(f"nobody identifies {kind.__name__}")


def _refused(family: Family, reason: str) -> Refusal:
    return family.unauthorized(reason=reason)


def bearer_token(request: Request) -> str | None:
    """The token of `Authorization: Bearer …`, or None."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _server_token(request: Request, family: Family) -> str:
    # The Unity editor puts `Bearer ` before the token; both forms are taken.
    header = request.headers.get("x-server-authorization", "").strip()
    if header.lower().startswith("bearer "):
        header = header[7:].strip()
    if not header:
        raise _refused(family, "The header X-SERVER-AUTHORIZATION with a server token is required.")
    return header


async def _player(context: Context, request: Request, family: Family) -> PlayerIdentity:
    token = bearer_token(request)
    if token is None:
        raise _refused(family, "A player's token is required: Authorization: Bearer <user JWT>.")
    try:
        return await context.tokens.verify_player(token)
    except TokenRefused as error:
        raise _refused(family, str(error)) from None


async def _guest(context: Context, request: Request, family: Family) -> tuple[Project, PlayerIdentity | None]:
    """The project of the path, and the player where a token is sent. A token that opens nothing is refused all the
    same: its game thinks that its player is signed in. A back end with the project's key sees what anyone sees."""
    project_id = _path_number(request, "project_id")
    project = await context.directory.find_project(project_id) if project_id is not None else None
    if project is None:
        raise _project_not_found(request)
    if request.headers.get("authorization", "").strip().lower() in ("", "bearer"):
        return project, None
    if request.headers["authorization"].lower().startswith("basic "):
        # Servers that price their own pages send their key where no player is at hand.
        await _admin(context, request, family)
        return project, None
    return project, await _player_of_shop(context, request, project, family)


async def _player_of_shop(context: Context, request: Request, project: Project, family: Family) -> PlayerIdentity:
    """The player of a JWT of the project's login, or of a payment token of the project."""
    token = bearer_token(request)
    # A JWT has dots; a payment token is opaque and has none.
    if token is not None and "." not in token:
        holder = await find_token_player(context.database, project, token)
        if holder is None:
            raise _refused(family, "The token is unknown or has expired.")
        return holder
    player = await _player(context, request, family)
    if player.login_project_id != project.login_project_id:
        raise _refused(family, OTHER_LOGIN)
    return player


async def _buyer(
    context: Context, request: Request, family: Family, *, takes_guests: bool
) -> tuple[Project, PlayerIdentity]:
    project_id = _path_number(request, "project_id")
    project = await context.directory.find_project(project_id) if project_id is not None else None
    guest_id = request.headers.get("x-unauthorized-id", "").strip()
    if takes_guests and guest_id and bearer_token(request) is None:
        if project is None:
            raise _project_not_found(request)
        return project, _unauthorized_player(project, guest_id, request.headers.get("x-user", ""), family)
    if project is None:
        # Who calls is told first, so that nobody learns which projects exist.
        await _player(context, request, family)
        if takes_guests:
            raise _project_not_found(request)
        raise _refused(family, OTHER_LOGIN)
    return project, await _player_of_shop(context, request, project, family)


def _unauthorized_player(project: Project, guest_id: str, encoded_email: str, family: Family) -> PlayerIdentity:
    """The guest of a client that made up an id: its carts and orders are found by that id alone, so it is long."""
    if not GUEST_ID_MIN <= len(guest_id) <= GUEST_ID_MAX or not guest_id.isascii():
        raise _refused(family, f"x-unauthorized-id must have {GUEST_ID_MIN} to {GUEST_ID_MAX} characters.")
    try:
        email = b64decode(encoded_email, validate=True).decode() if encoded_email else None
    except ValueError:
        raise _refused(family, "x-user must hold an e-mail address in base64.") from None
    if email is not None and ("@" not in email or len(email) > 255 or "\x00" in email):
        raise _refused(family, "x-user must hold an e-mail address in base64.")
    return PlayerIdentity(
        login_project_id=project.login_project_id,
        # A namespace of their own: no subject of an outside issuer can be a guest.
        player_id=uuid5(uuid5(project.login_project_id, "guests"), guest_id),
        expires_at=NEVER,
        external_id=guest_id,
        email=email,
        is_guest=True,
    )


async def _server(context: Context, token: str, family: Family) -> ServerIdentity:
    try:
        return await context.tokens.verify_server(token)
    except TokenRefused as error:
        raise _refused(family, str(error)) from None


def _project_not_found(request: Request) -> Refusal:
    # As the path names it, though that may be no number, and long.
    return PROJECT_NOT_FOUND(project_id=str(request.path_params.get("project_id"))[:20])


def _path_number(request: Request, name: str) -> int | None:
    value = request.path_params.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 10 and int(value) <= INT32_MAX else None


async def _host(context: Context, request: Request, family: Family) -> tuple[Project, ServerIdentity]:
    """A distributor: the token, the host id and the path must speak of one project."""
    token = bearer_token(request)
    if token is None:
        raise _refused(family, "A server token is required: Authorization: Bearer <server JWT>.")
    server = await _server(context, token, family)
    header = request.headers.get("x-host-id", "")
    try:
        host_id = UUID(header)
    except ValueError:
        raise _refused(family, "The header X-HOST-ID must hold the host id of the project.") from None
    project_id = _path_number(request, "project_id")
    merchant_id = _path_number(request, "merchant_id")
    project = await context.directory.find_project(project_id) if project_id is not None else None
    is_known = await context.directory.is_host_id(project_id or 0, host_id)
    if (
        project is None
        or not is_known
        or project.merchant_id != merchant_id
        or server.merchant_id != merchant_id
        or server.login_project_id != project.login_project_id
    ):
        raise _refused(family, "The host id and token do not belong to this merchant and project.")
    return project, server


async def _admin(context: Context, request: Request, family: Family) -> tuple[Project, int]:
    """A studio's back end. An unknown project, a foreign one and a wrong key get one and the same answer."""
    username, key = _basic(request, family)
    found = await context.directory.find_key(key)
    project_id = _path_number(request, "project_id")
    project = await context.directory.find_project(project_id) if project_id is not None else None
    wrong = _refused(family, "Error in Authentication method occurred")
    if found is None or project is None or project.merchant_id != found.merchant_id:
        raise wrong
    if found.project_id not in (None, project.project_id):
        raise wrong
    # The key says whose it is. Back ends send either number with keys of either kind.
    if username not in (str(project.project_id), str(found.merchant_id)):
        raise wrong
    return project, found.key_id


async def _merchant(context: Context, request: Request, family: Family) -> tuple[int, int]:
    """A studio's back end, for its whole company. A project's key opens nothing here."""
    username, key = _basic(request, family)
    found = await context.directory.find_key(key)
    merchant_id = _path_number(request, "merchant_id")
    if (
        found is None
        or found.project_id is not None
        or found.merchant_id != merchant_id
        or username != str(merchant_id)
    ):
        raise _refused(family, "Error in Authentication method occurred")
    return found.merchant_id, found.key_id


async def _studio(context: Context, request: Request, family: Family) -> tuple[int, int | None, int]:
    """A studio's back end at a path that names its merchant alone: with a key of all its projects, or of one."""
    username, key = _basic(request, family)
    found = await context.directory.find_key(key)
    if found is None or found.merchant_id != _path_number(request, "merchant_id"):
        raise _refused(family, "Error in Authentication method occurred")
    if username not in {str(number) for number in (found.merchant_id, found.project_id) if number is not None}:
        raise _refused(family, "Error in Authentication method occurred")
    return found.merchant_id, found.project_id, found.key_id


def _basic(request: Request, family: Family) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise _refused(family, "Basic authentication with project_id or merchant_id and an API key is required.")
    try:
        username, _, key = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        raise _refused(family, "The Basic credentials are not valid base64.") from None
    return username, key
