"""Shows carts: from the catalog in memory and one statement, known addresses without reading them again."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple
from weakref import ref

import orjson
from starlette.responses import Response
from starlette.types import Scope

from haversack.carts.actions import Owner
from haversack.carts.encoding import encode_cart
from haversack.carts.looking import Onlooker, Warned, look, onlooker
from haversack.carts.queries import cart_of, remember_shown
from haversack.carts.reading import carts_of
from haversack.carts.records import NEVER_FILLED, Cart, FilledCart, StoredCart
from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.live import Held
from haversack.catalog.read_model.pages import ByteCache
from haversack.catalog.read_model.personal import known_personal
from haversack.catalog.read_model.queries import Knowing, list_players, told_by
from haversack.catalog.read_model.records import NOBODY, PackedUses
from haversack.context import Context
from haversack.database.engine import Session
from haversack.http.area import HotAnswer
from haversack.http.browsers import ANY_ORIGIN
from haversack.http.calls import AdminCall, ShopperCall
from haversack.http.hot_requests import KnownAddresses, hot_headers
from haversack.login.identities import PlayerIdentity
from haversack.personalization.records import PartnerAnswer
from haversack.projects.records import Project
from haversack.promotions.records import NO_CODES, Codes
from haversack.promotions.use_queries import read_codes

PAGES_BYTES_MAX = 24 * 2**20
OVERHEAD_BYTES = 1_500

Header = tuple[bytes, bytes]
_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"private, no-cache"),
    ANY_ORIGIN,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CartAsk:
    """Which cart is asked for, and how it is to be shown. None: the caller named none."""

    cart_id: str | None
    language: str
    country: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """An answer as one owner got it. It holds from `since` up to `until`, for one compiled catalog, one state of the
    stocks, and the cart, its codes and its owner as they were then."""

    # Weak, so that no page keeps an old version of a catalog in memory.
    catalog: "ref[Catalog]"
    stocks_stamp: int
    stored: StoredCart
    codes: Codes
    partner: PartnerAnswer | None
    since: datetime
    until: datetime
    body: bytes
    etag: bytes
    headers: tuple[Header, ...]
    can_be_kept: bool

    def holds(self, stored: StoredCart, codes: Codes, partner: PartnerAnswer | None, held: Held, now: datetime) -> bool:
        """Whether it is still true."""
        return (
            self.catalog() is held.catalog
            and self.stocks_stamp == held.stocks.stamp
            and self.stored == stored
            and self.codes == codes
            and self.partner is partner
            and self.since <= now < self.until
        )


# What carts looked like when they were read last: most are read more often than they change.
_pages = ByteCache(PAGES_BYTES_MAX)


class _Known(NamedTuple):
    project_id: int
    ask: CartAsk


_known: KnownAddresses[_Known] = KnownAddresses()


def answer_hot(scope: Scope) -> HotAnswer | Awaitable[HotAnswer | None] | None:
    """The answer to a player at an address that was asked before. All else goes the ordinary way."""
    known = _known.find(scope)
    if known is None:
        return None
    authorization, if_none_match, header, exposed = hot_headers(scope)
    context: Context = scope["app"].state.context
    project = context.directory.remembered_project(known.project_id)
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if project is None or scheme.lower() != "bearer":
        return None
    player = context.tokens.remembered_player(token.strip())
    if player is None or player.login_project_id != project.login_project_id:
        return None
    country = country_of(known.ask, player, header.decode("latin-1"))
    seen = project.for_player(player.player_id)
    return _answer(context, seen, player, known.ask, country, if_none_match, exposed)


async def answer(call: ShopperCall, ask: CartAsk) -> Response:
    """The answer to an address that has just passed its checks."""
    request = call.request
    country = country_of(ask, call.player, request.headers.get("x-user-country", ""))
    if_none_match = request.headers.get("if-none-match", "").encode("latin-1")
    found = await _answer(call.context, call.project, call.player, ask, country, if_none_match)
    _known.remember(request.scope, _Known(call.project_id, ask))
    status, headers, body = found
    response = Response(body, status_code=status)
    # Those for browsers are put to every answer of the API.
    response.raw_headers = [header for header in headers if header != ANY_ORIGIN]
    return response


def country_of(ask: CartAsk, player: PlayerIdentity | None, header: str) -> str | None:
    """The query's country, else the token's, else the header's, as the client catalog has it."""
    if ask.country is not None:
        return ask.country
    if player is not None and player.country is not None:
        return player.country
    return header.upper() if len(header) == 2 and header.isascii() and header.isalpha() else None


async def _show(
    db: Session, cart: Cart, eyes: Onlooker, owner: Owner, more: Sequence[Warned] = ()
) -> tuple[bytes, bool]:
    """A cart as its owner sees it now, and whether it shows prices that its owner had not seen yet. They are
    remembered."""
    looked = look(cart, eyes)
    if looked.seen:
        await remember_shown(db, owner.project_id, owner.owner_id, cart.cart_id, looked.seen)
    return encode_cart(looked, eyes, eyes.language, more), bool(looked.seen)


async def show_filled(
    call: ShopperCall | AdminCall, held: Held, filled: FilledCart, owner: Owner, language: str, more: Sequence[Warned]
) -> bytes:
    """A cart that was filled as its owner sees it now: the bytes of a `CartAnswer`."""
    uses, now = filled.uses, call.now
    knowing = _knowing(held, call.project)
    if knowing.login_project_id is not None:
        uses = (await list_players(call.db, knowing, [owner.owner_id])).get(owner.owner_id, uses)
        uses = told_by(uses, () if owner.player is None else owner.player.attributes)
    codes = await read_codes(call.db, owner.project_id, filled.cart.promo_codes)
    partner = None
    if owner.player is not None:
        read_partner = call.context.partner_catalog.read_for
        partner = await read_partner(call.db, call.project, owner.player, owner.country, language)
    eyes = _onlooker(
        held, uses, codes, partner, country=owner.country, currency=owner.currency, language=language, now=now
    )
    body, _ = await _show(call.db, filled.cart, eyes, owner, more)
    return body


def _knowing(held: Held, project: Project) -> Knowing:
    """How much of an owner a cart depends on."""
    assert held.catalog is not None
    is_whole = held.catalog.depends_on_player
    return Knowing(project.project_id, project.login_project_id if is_whole else None)


def _onlooker(
    held: Held,
    uses: PackedUses,
    codes: Codes,
    partner: PartnerAnswer | None,
    *,
    country: str | None,
    currency: str | None,
    language: str,
    now: datetime,
) -> Onlooker:
    assert held.catalog is not None
    personal = known_personal(held.catalog, uses, now) if uses or held.catalog.depends_on_player else NOBODY
    return onlooker(held, personal, codes, partner, country=country, currency=currency, language=language, now=now)


async def _answer(
    context: Context,
    project: Project,
    player: PlayerIdentity,
    ask: CartAsk,
    country: str | None,
    if_none_match: bytes,
    exposed: tuple[Header, ...] = (),
) -> HotAnswer:
    owner = Owner(project_id=project.project_id, owner_id=player.player_id, cart_id=ask.cart_id)
    key = owner.key
    live = context.catalogs
    held = live.find_ready(project.project_id) or await live.get(project.project_id)
    knowing = _knowing(held, project)
    stored = await carts_of(context.database).read(knowing, owner.owner_id, key)
    if knowing.login_project_id is not None:
        stored = stored._replace(uses=told_by(stored.uses, player.attributes))
    codes = NO_CODES
    if stored.promo_codes != NEVER_FILLED.promo_codes:
        given = [each["code"] for each in orjson.loads(stored.promo_codes)]
        codes = await read_codes(context.database.session(), owner.project_id, given)
    partner = await context.partner_catalog.read_for(context.database.session(), project, player, country, ask.language)
    now = project.clock.now()
    place = (owner.project_id, owner.owner_id, key, ask.language, country, ask.currency)
    page: _Page | None = _pages.get(place)
    if page is None or not page.holds(stored, codes, partner, held, now):
        eyes = _onlooker(
            held, stored.uses, codes, partner, country=country, currency=ask.currency, language=ask.language, now=now
        )
        page = await _make_page(context, held, stored, codes, partner, owner, key, eyes)
        if page.can_be_kept:
            _pages.put(place, page, len(page.body) + len(stored.lines) + OVERHEAD_BYTES)
    if if_none_match and page.etag in if_none_match.replace(b"W/", b""):
        return 304, [*page.headers[1:-1], *exposed], b""
    return 200, [*page.headers, *exposed], page.body


async def _make_page(
    context: Context,
    held: Held,
    stored: StoredCart,
    codes: Codes,
    partner: PartnerAnswer | None,
    owner: Owner,
    key: str,
    eyes: Onlooker,
) -> _Page:
    assert held.catalog is not None
    cart = cart_of(key, orjson.loads(stored.lines), orjson.loads(stored.promo_codes))
    body, has_news = await _show(context.database.session(), cart, eyes, owner)
    etag = b'"%b"' % blake2b(body, digest_size=16).hexdigest().encode()
    return _Page(
        catalog=ref(held.catalog),
        stocks_stamp=held.stocks.stamp,
        stored=stored,
        codes=codes,
        partner=partner,
        since=eyes.filler.since,
        until=eyes.filler.until,
        body=body,
        etag=etag,
        headers=(*_HEADERS, (b"etag", etag), (b"content-length", b"%d" % len(body))),
        can_be_kept=not has_news,
    )
