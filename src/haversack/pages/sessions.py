"""Who is signed in on the pages: the player's token in a cookie that scripts cannot read, and forms that are ours."""

import hmac
import secrets
from itertools import takewhile
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from haversack.clock import real_now
from haversack.context import Context
from haversack.errors import PAGE_EXPIRED
from haversack.login.identities import PlayerIdentity
from haversack.login.signing import TOKEN_LENGTH_MAX
from haversack.login.tokens import TokenRefused

PLAYER_COOKIE = "haversack_player"
FORM_COOKIE = "haversack_form"
LOGIN_COOKIE = "haversack_login"
FORM_COOKIE_SECONDS = 12 * 3600
LOGIN_COOKIE_SECONDS = 365 * 24 * 3600
# Browsers drop a cookie of more than 4,096 bytes, name and attributes included. Tokens with many claims are longer.
PART_LENGTH_MAX = 3_800
PARTS_MAX = -(-TOKEN_LENGTH_MAX // PART_LENGTH_MAX)
PLAYER_COOKIES = (PLAYER_COOKIE, *(f"{PLAYER_COOKIE}_{number}" for number in range(2, PARTS_MAX + 1)))


async def find_player(context: Context, request: Request) -> PlayerIdentity | None:
    """The player of the cookie, or None where there is none or its token no longer opens anything."""
    token = "".join(takewhile(bool, (request.cookies.get(name, "") for name in PLAYER_COOKIES)))
    if not token:
        return None
    try:
        return await context.tokens.verify_player(token)
    except TokenRefused:
        return None


def sign_in(context: Context, request: Request, response: Response, token: str, player: PlayerIdentity) -> None:
    """Keep the player's token in the browser until it expires, in as many cookies as it takes."""
    seconds = max(0, int((player.expires_at - real_now()).total_seconds()))
    for place, name in enumerate(PLAYER_COOKIES):
        part = token[place * PART_LENGTH_MAX : (place + 1) * PART_LENGTH_MAX]
        if part:
            _set_cookie(context, response, name, part, seconds)
        elif name in request.cookies:
            _set_cookie(context, response, name, "", 0)
    _set_cookie(context, response, LOGIN_COOKIE, str(player.login_project_id), LOGIN_COOKIE_SECONDS)


def remember_login_project(context: Context, response: Response, login_project_id: UUID) -> None:
    """Keep whose players sign in from this browser."""
    _set_cookie(context, response, LOGIN_COOKIE, str(login_project_id), LOGIN_COOKIE_SECONDS)


def sign_out(context: Context, request: Request, response: Response) -> None:
    """Forget the player in this browser."""
    for name in PLAYER_COOKIES:
        if name == PLAYER_COOKIE or name in request.cookies:
            _set_cookie(context, response, name, "", 0)


def remembered_login_project(request: Request) -> UUID | None:
    """The login project that this browser's player signed in to before."""
    try:
        return UUID(request.cookies.get(LOGIN_COOKIE, ""))
    except ValueError:
        return None


class Form:
    """The token that goes with every form: only a page of ours, shown in this browser, can know it."""

    def __init__(self, context: Context, request: Request) -> None:
        self._context = context
        self._given = request.cookies.get(FORM_COOKIE, "")
        self._value = self._given or secrets.token_urlsafe(18)

    @property
    def token(self) -> str:
        """What the form carries in `csrf_token`."""
        return _form_token(self._context, self._value)

    def keep(self, response: Response) -> None:
        """Give the browser its half; the time that it is kept begins anew with each page."""
        _set_cookie(self._context, response, FORM_COOKIE, self._value, FORM_COOKIE_SECONDS)

    def check(self, token: str) -> None:
        """Refuse a form that no page of ours has made for this browser."""
        if not self._given or not hmac.compare_digest(self.token.encode(), token.encode()):
            raise PAGE_EXPIRED()


def _form_token(context: Context, value: str) -> str:
    return hmac.new(context.sealer.mac_key, b"haversack form " + value.encode(), "sha256").hexdigest()


def _set_cookie(context: Context, response: Response, name: str, value: str, seconds: int) -> None:
    is_secure = context.settings.public_url.startswith("https://")
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", secure=is_secure)
