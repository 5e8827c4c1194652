"""Answers lists of chains from what the process holds and one statement, for all who ask at once."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from starlette.responses import Response
from starlette.types import Scope

from haversack.catalog.read_model.pages import ByteCache
from haversack.catalog.selling import open_shop
from haversack.chains.held import chains_of
from haversack.chains.pages import NOTHING, ChainsAsk, Encode, Plan, Reader, plan_page
from haversack.chains.queries.standing import Rows, list_rows, state_of
from haversack.chains.records import ChainKind
from haversack.context import Context
from haversack.database.engine import Database, Session
from haversack.database.shared_reads import SharedReads
from haversack.http.area import HotAnswer
from haversack.http.browsers import ANY_ORIGIN
from haversack.http.calls import GuestCall
from haversack.http.hot_requests import KnownAddresses, hot_headers
from haversack.login.identities import PlayerIdentity
from haversack.orders.answering import country_of
from haversack.personalization.attributes import read_attributes_together
from haversack.projects.records import Project

BODIES_BYTES_MAX = 24 * 2**20
OVERHEAD_BYTES = 300

Header = tuple[bytes, bytes]
_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"private, no-cache"),
    ANY_ORIGIN,
)

# What players have, by project and plan.
_Reads = SharedReads[tuple[int, Plan], UUID, Rows]

_reads: WeakKeyDictionary[Database, _Reads] = WeakKeyDictionary()

# Pages as players got them last, by their tags: most are read more often than they change.
_bodies = ByteCache(BODIES_BYTES_MAX)


class _Known(NamedTuple):
    project_id: int
    ask: ChainsAsk


class ChainLists:
    """The lists of a kind. `has_prices`: they differ by country; `tail`: what stands after the chains."""

    def __init__(self, kind: ChainKind, encode: Encode, *, has_prices: bool = False, tail: bytes = b"]}") -> None:
        self._kind = kind
        self._encode = encode
        self._has_prices = has_prices
        self._tail = tail
        self._known: KnownAddresses[_Known] = KnownAddresses()

    def answer_hot(self, scope: Scope) -> HotAnswer | Awaitable[HotAnswer | None] | None:
        """The answer at an address that was asked before. All else goes the ordinary way."""
        known = self._known.find(scope)
        if known is None:
            return None
        authorization, if_none_match, header, exposed = hot_headers(scope)
        context: Context = scope["app"].state.context
        project = context.directory.remembered_project(known.project_id)
        if project is None:
            return None
        player = None
        if authorization:
            scheme, _, token = authorization.decode("latin-1").partition(" ")
            player = context.tokens.remembered_player(token.strip()) if scheme.lower() == "bearer" else None
            if player is None or player.login_project_id != project.login_project_id:
                return None
            project = project.for_player(player.player_id)
        return self._answer(context, project, player, known.ask, header.decode("latin-1"), if_none_match, exposed)

    async def answer(self, call: GuestCall, ask: ChainsAsk) -> Response:
        """The answer at an address that has just passed its checks."""
        headers = call.request.headers
        country, if_none_match = headers.get("x-user-country", ""), headers.get("if-none-match", "").encode("latin-1")
        found = await self._answer(call.context, call.project, call.player, ask, country, if_none_match)
        self._known.remember(call.request.scope, _Known(call.project_id, ask))
        status, sent, body = found
        response = Response(body, status_code=status)
        # Those for browsers are put to every answer of the API.
        response.raw_headers = [each for each in sent if each != ANY_ORIGIN]
        return response

    async def _answer(
        self,
        context: Context,
        project: Project,
        player: PlayerIdentity | None,
        ask: ChainsAsk,
        header: str,
        if_none_match: bytes,
        exposed: Sequence[Header] = (),
    ) -> HotAnswer:
        database = context.database
        shop = await open_shop(context.catalogs, project.project_id)
        held = await chains_of(database.session(), shop)
        attributes = None
        if player is not None:
            needs_them = self._kind in held.personal_kinds
            attributes = await read_attributes_together(database, project.project_id, player) if needs_them else {}
        country = country_of(player, header) if self._has_prices else None
        reader = Reader(shop, held, attributes, ask.language, country, project.clock.now())
        plan = plan_page(self._kind, ask, reader, player, self._encode)
        rows: Rows = ()
        if player is not None and plan.chains:
            rows = await _read_rows(database, project.project_id, plan, player.player_id)
        etag = _tag_of(plan, rows, reader.now)
        if if_none_match and etag in if_none_match:
            return 304, [(b"etag", etag), *_HEADERS[1:], *exposed], b""
        body: bytes | None = _bodies.get(etag)
        if body is None:
            body = plan.fill(state_of(rows) if rows else NOTHING, reader, self._encode, self._tail)
            _bodies.put(etag, body, len(body) + OVERHEAD_BYTES)
        return 200, [*_HEADERS, (b"etag", etag), (b"content-length", b"%d" % len(body)), *exposed], body


async def _read_rows(database: Database, project_id: int, plan: Plan, player_id: UUID) -> Rows:
    reads = _reads.get(database)
    if reads is None:
        reads = _reads[database] = SharedReads(database, _list_rows, nothing=())
    return await reads.read((project_id, plan), player_id)


async def _list_rows(db: Session, key: tuple[int, Plan], players: Sequence[UUID]) -> dict[UUID, Rows]:
    project_id, plan = key
    return await list_rows(db, project_id, plan.asked, players)


def _tag_of(plan: Plan, rows: Rows, now: datetime) -> bytes:
    """A page follows from its plan and the player's rows; where a clock went back behind them, from the time too."""
    values = [tuple(row)[1:] for row in rows]
    is_ahead = any(isinstance(value, datetime) and value > now for row in values for value in row)
    told = repr((values, now if is_ahead else None)).encode()
    return b'"%b-%b"' % (plan.tag, blake2b(told, digest_size=12).hexdigest().encode())
