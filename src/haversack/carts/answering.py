"""Shows carts: from the catalog in memory and one statement, known addresses without reading them again."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID
from weakref import ref

from starlette.responses import Response
from starlette.types import Scope

from haversack.carts.actions import Owner
from haversack.carts.encoding import encode_cart
from haversack.carts.looking import Onlooker, Warned, look, onlooker
from haversack.carts.queries import remember_shown
from haversack.carts.reading import bytes_of, carts_of
from haversack.carts.records import Cart, FilledCart, StoredCart
from haversack.carts.rules import cart_key
from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.live import Held
from haversack.catalog.read_model.pages import ByteCache
from haversack.catalog.read_model.personal import known_personal
from haversack.catalog.read_model.queries import Knowing, list_players, told_by
from haversack.catalog.read_model.records import NOBODY, PackedUses
from haversack.context import Context
from haversack.http.area import HotAnswer
from haversack.http.browsers import ANY_ORIGIN
from haversack.http.calls import AdminCall, ShopperCall
from haversack.http.hot_requests import KnownAddresses, hot_headers
from haversack.login.identities import PlayerIdentity
from haversack.personalization.records import PartnerAnswer
from haversack.projects.records import Personalization, Project
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


class _Shown(NamedTuple):
    """A cart as its owner sees it, and the unit prices in it that its owner had not seen yet (`LookedCart.seen`)."""

    body: bytes
    seen: Mapping[int, Mapping[str, str]]


def _show(cart: Cart, eyes: Onlooker, more: Sequence[Warned] = ()) -> _Shown:
    looked = look(cart, eyes)
    return _Shown(encode_cart(looked, eyes, eyes.language, more), looked.seen)


class FillingShow:
    """Shows a cart that is being filled.

    Where that depends on nothing but memory, it is worked out while the database writes the cart, and once more where
    the cart has become another one.
    """

    def __init__(self, call: ShopperCall | AdminCall, held: Held, owner: Owner, language: str) -> None:
        self._call = call
        self._held = held
        self._owner = owner
        self._language = language
        self._knowing = _knowing(held, call.project)
        self._foreseen: tuple[FilledCart, _Shown] | None = None

    def foresee(self, filled: FilledCart, more: Sequence[Warned]) -> None:
        """Work out what `show` would give, if it can be told now."""
        is_game_asked = self._call.project.personalization is Personalization.PARTNER
        if not (filled.cart.promo_codes or is_game_asked or self._knowing.login_project_id is not None):
            self._foreseen = filled, _show(filled.cart, self._eyes(filled.uses), more)

    async def show(self, filled: FilledCart, more: Sequence[Warned] = ()) -> bytes:
        """The bytes of a `CartAnswer` for the cart as it is now; `more`: what is to be told of SKUs that are not in
        it."""
        expected, shown = self._foreseen or (None, None)
        if shown is None or expected != filled:
            shown = _show(filled.cart, await self._read_eyes(filled), more)
        if shown.seen:
            owner = self._owner
            await remember_shown(self._call.db, owner.project_id, owner.owner_id, filled.cart.cart_id, shown.seen)
        return shown.body

    async def _read_eyes(self, filled: FilledCart) -> Onlooker:
        db, owner, uses = self._call.db, self._owner, filled.uses
        if self._knowing.login_project_id is not None:
            uses = (await list_players(db, self._knowing, [owner.owner_id])).get(owner.owner_id, uses)
            uses = told_by(uses, () if owner.player is None else owner.player.attributes)
        codes = await read_codes(db, owner.project_id, filled.cart.promo_codes)
        partner = None
        if owner.player is not None:
            read_partner = self._call.context.partner_catalog.read_for
            partner = await read_partner(db, self._call.project, owner.player, owner.country, self._language)
        return self._eyes(uses, codes, partner)

    def _eyes(self, uses: PackedUses, codes: Codes = NO_CODES, partner: PartnerAnswer | None = None) -> Onlooker:
        owner = self._owner
        return _onlooker(
            self._held,
            uses,
            codes,
            partner,
            country=owner.country,
            currency=owner.currency,
            language=self._language,
            now=self._call.now,
        )


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
    project_id, owner_id = project.project_id, player.player_id
    key = cart_key(project_id, owner_id, ask.cart_id)
    live = context.catalogs
    held = live.find_ready(project_id) or await live.get(project_id)
    knowing = _knowing(held, project)
    stored = await carts_of(context.database).read(knowing, owner_id, key)
    if knowing.login_project_id is not None:
        stored = stored._replace(uses=told_by(stored.uses, player.attributes))
    codes = NO_CODES
    if stored.cart.promo_codes:
        codes = await read_codes(context.database.session(), project_id, stored.cart.promo_codes)
    partner = await context.partner_catalog.read_for(context.database.session(), project, player, country, ask.language)
    now = project.clock.now()
    place = (project_id, owner_id, key, ask.language, country, ask.currency)
    page: _Page | None = _pages.get(place)
    if page is None or not page.holds(stored, codes, partner, held, now):
        eyes = _onlooker(
            held, stored.uses, codes, partner, country=country, currency=ask.currency, language=ask.language, now=now
        )
        page = await _make_page(context, held, stored, codes, partner, (project_id, owner_id), eyes)
        if page.can_be_kept:
            _pages.put(place, page, len(page.body) + bytes_of(stored.cart) + OVERHEAD_BYTES)
    if if_none_match and page.etag in if_none_match.replace(b"W/", b""):
        return 304, [*page.headers[1:-1], *exposed], b""
    return 200, [*page.headers, *exposed], page.body


async def _make_page(
    context: Context,
    held: Held,
    stored: StoredCart,
    codes: Codes,
    partner: PartnerAnswer | None,
    owner: tuple[int, UUID],
    eyes: Onlooker,
) -> _Page:
    assert held.catalog is not None
    body, seen = _show(stored.cart, eyes)
    if seen:
        await remember_shown(context.database.session(), *owner, stored.cart.cart_id, seen)
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
        can_be_kept=not seen,
    )
