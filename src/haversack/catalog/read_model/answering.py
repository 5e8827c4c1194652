"""Answers requests for the client catalog from the process's memory, known ones without reading their address again."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Any
from weakref import ref

from starlette.responses import Response
from starlette.types import Scope

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.known_asks import KnownAsk
from haversack.catalog.read_model.pages import JSON, Header, Page
from haversack.catalog.read_model.personal import known_personal, with_partner, with_revealed
from haversack.catalog.read_model.queries import Knowing, told_by
from haversack.catalog.read_model.records import NOBODY, Ask, Personal, Subject
from haversack.context import Context
from haversack.errors import GROUP_NOT_FOUND, ITEM_ID_NOT_FOUND, ErrorKind
from haversack.http.area import HotAnswer
from haversack.http.browsers import ANY_ORIGIN
from haversack.http.calls import GuestCall
from haversack.http.hot_requests import hot_headers
from haversack.login.identities import PlayerIdentity
from haversack.login.tokens import TokenRefused
from haversack.personalization.partner_view import partner_view
from haversack.projects.records import Project
from haversack.promotions.codes.guessing import Guess
from haversack.promotions.use_queries import read_codes

_PERSONAL: Header = (b"cache-control", b"private, no-store")


def answer_hot(scope: Scope) -> HotAnswer | Awaitable[HotAnswer | None] | None:
    """The answer to an address that was asked before. What is refused goes the ordinary way, which says why."""
    context: Context = scope["app"].state.context
    live = context.catalogs
    known = live.asks.find(scope)
    if known is None:
        return None
    authorization, if_none_match, header, exposed = hot_headers(scope)
    project = context.directory.remembered_project(known.project_id)
    if project is None:
        return None
    country = header.decode("latin-1")
    if authorization:
        player = _remembered_player(context, project, authorization)
        if player is not None:
            project = project.for_player(player.player_id)
            place = _country_of(known.ask, player, country)
            return _answer(context, project, player, known, place, if_none_match, exposed)
        return _answer_player(context, project, known, authorization, country, if_none_match, exposed)
    held = live.find_ready(known.project_id)
    if held is not None and not header and not known.ask.with_geo:
        page = None if known.page is None else known.page()
        is_for_all = page is not None and not page.is_hidden and not page.catalog.is_partner_side
        if page is not None and is_for_all and page.holds(held.catalog, held.stocks, project.clock.now()):
            return _shared(page, if_none_match, exposed)
    return _answer(context, project, None, known, _country_of(known.ask, None, country), if_none_match, exposed)


async def _answer_player(
    context: Context,
    project: Project,
    known: KnownAsk,
    authorization: bytes,
    country: str,
    if_none_match: bytes,
    exposed: tuple[Header, ...],
) -> HotAnswer | None:
    player = await _find_player(context, project, authorization)
    if player is None:
        return None
    project = project.for_player(player.player_id)
    return await _answer(
        context, project, player, known, _country_of(known.ask, player, country), if_none_match, exposed
    )


async def answer(call: GuestCall, ask: Ask, *, unknown: ErrorKind = ITEM_ID_NOT_FOUND) -> Response:
    """The answer to an address that has just passed its checks. `unknown` is what a single read that finds nothing
    refuses with."""
    request = call.request
    known = KnownAsk(call.project_id, ask, ask.key)
    country = _country_of(ask, call.player, request.headers.get("x-user-country", ""))
    if_none_match = request.headers.get("if-none-match", "").encode("latin-1")
    found = await _answer(call.context, call.project, call.player, known, country, if_none_match)
    if found is None:
        values: dict[str, Any] = {"item_id": ask.item_id} if ask.subject is Subject.ITEM_BY_ID else {"sku": ask.sku}
        if "project_id" in unknown.placeholders:
            values["project_id"] = call.project_id
        raise unknown(**values)
    call.context.catalogs.asks.remember(request.scope, known)
    status, headers, body = found
    response = Response(body, status_code=status)
    # Those for browsers are put to every answer of the API.
    response.raw_headers = [header for header in headers if header != ANY_ORIGIN]
    return response


def _token_of(authorization: bytes) -> str | None:
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _remembered_player(context: Context, project: Project, authorization: bytes) -> PlayerIdentity | None:
    """The player, if the token was verified before and still holds."""
    token = _token_of(authorization)
    player = None if token is None else context.tokens.remembered_player(token)
    return player if player is not None and player.login_project_id == project.login_project_id else None


async def _find_player(context: Context, project: Project, authorization: bytes) -> PlayerIdentity | None:
    token = _token_of(authorization)
    if token is None:
        return None
    try:
        player = await context.tokens.verify_player(token)
    except TokenRefused:
        return None
    return player if player.login_project_id == project.login_project_id else None


def _country_of(ask: Ask, player: PlayerIdentity | None, header: str) -> str | None:
    """The query's country, else the token's, else the header's."""
    if ask.country is not None:
        return ask.country
    if player is not None and player.country is not None:
        return player.country
    return _code(header)


def _code(header: str) -> str | None:
    return header.upper() if len(header) == 2 and header.isascii() and header.isalpha() else None


async def _answer(
    context: Context,
    project: Project,
    player: PlayerIdentity | None,
    known: KnownAsk,
    country: str | None,
    if_none_match: bytes,
    exposed: tuple[Header, ...] = (),
) -> HotAnswer | None:
    """The answer; None where a single read finds nothing that this caller may see."""
    ask = known.ask
    live = context.catalogs
    held = live.find_ready(project.project_id) or await live.get(project.project_id)
    catalog, stocks = held.catalog, held.stocks
    assert catalog is not None
    now = project.clock.now()
    place = catalog.country_key(country)
    # The page that the address got last, where it is the one of this country.
    page = known.page() if known.page is not None and (country is None or country == ask.country) else None
    if page is None or not page.holds(catalog, stocks, now):
        page = live.pages.find_page(known.key, catalog, stocks, place, now)
    if page is None:
        if ask.group is not None and not catalog.knows_group(ask.group):
            raise GROUP_NOT_FOUND()
        page = await live.pages.make_page(ask, catalog, stocks, place, now)
    if page is None:
        return None
    if country is None or country == ask.country:
        known.page = ref(page)
    more = (*_geo(ask, country), *exposed) if ask.with_geo else exposed
    if page.view is not None and (player is not None or catalog.is_partner_side):
        personal = catalog.for_everybody
        if player is not None:
            personal = await read_personal(context, project, player, ask, catalog, country, now)
        elif catalog.is_partner_side:
            personal = await _as_partner_says(context, project, player, personal, catalog, country, ask, now)
        if personal.touched or personal.hidden != catalog.for_everybody.hidden:
            body = await live.pages.body_for_player(ask, page, personal, place, now)
            if body is None:
                return None
            length: Header = (b"content-length", b"%d" % len(body))
            return 200, [JSON, length, _PERSONAL, ANY_ORIGIN, *more], body
    return None if page.is_hidden else _shared(page, if_none_match, more)


async def read_personal(
    context: Context,
    project: Project,
    player: PlayerIdentity,
    ask: Ask,
    catalog: Catalog,
    country: str | None,
    now: datetime,
) -> Personal:
    """What the catalog is to a player, as all lists show it."""
    personal = await _personal(context, project, player, ask, catalog, now)
    if catalog.is_partner_side:
        personal = await _as_partner_says(context, project, player, personal, catalog, country, ask, now)
    return personal


async def _as_partner_says(
    context: Context,
    project: Project,
    player: PlayerIdentity | None,
    personal: Personal,
    catalog: Catalog,
    country: str | None,
    ask: Ask,
    now: datetime,
) -> Personal:
    """The same where the game says what is offered."""
    answer = await context.partner_catalog.read(project, player, country, None, ask.language)
    return with_partner(catalog, personal, partner_view(catalog, answer, now))


async def _personal(
    context: Context, project: Project, player: PlayerIdentity, ask: Ask, catalog: Catalog, now: datetime
) -> Personal:
    """What the catalog is to a player: one query, and one for a code that may reveal something."""
    knowing = Knowing(project.project_id, player.login_project_id if catalog.depends_on_player else None)
    packed = await context.catalogs.players.read(knowing, player.player_id)
    packed = told_by(packed, player.attributes) if catalog.depends_on_player else packed
    if not packed and not catalog.depends_on_player:
        return NOBODY
    personal = known_personal(catalog, packed, now)
    if ask.promo_code is None or not catalog.kept_back:
        return personal
    guess = Guess(context.database, project.project_id, player.player_id)
    # The catalog is no way to guess codes either: after too many it takes none for a while.
    if guess.wait is not None:
        return personal
    codes = await read_codes(context.database.session(), project.project_id, [ask.promo_code])
    if not codes.opened:
        guess.missed_once(ask.promo_code)
    return with_revealed(catalog, personal, codes, now)


def _shared(page: Page, if_none_match: bytes, more: tuple[Header, ...]) -> HotAnswer:
    if if_none_match and _fits(if_none_match, page.etag):
        return 304, [*page.headers_not_modified, *more], b""
    return 200, [*page.headers, *more], page.body


def _fits(if_none_match: bytes, etag: bytes) -> bool:
    """Whether the caller has these bytes. Any of several tags will do, weak or not."""
    if if_none_match == etag:
        return True
    tags = [tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")]
    return etag in tags or b"*" in tags


def _geo(ask: Ask, country: str | None) -> tuple[Header, ...]:
    language: Header = (b"x-user-locale-code", ask.language.encode())
    return (language,) if country is None else (language, (b"x-user-country-code", country.encode()))
