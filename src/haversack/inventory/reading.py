"""Answers what a player reads of balances and inventory: one statement, and texts that are held in memory.

Games read these at every start and after every purchase. What is the same for all players is encoded once for each
version of the catalog and language.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

import asyncpg
import orjson
from starlette.responses import Response
from starlette.types import Scope

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.pages import JSON, Header
from haversack.catalog.records import Attribute, AttributeLink, ItemKind, VirtualItemType
from haversack.catalog.selling import SellableItem, Shop, open_shop
from haversack.context import Context
from haversack.database.engine import Database, Session
from haversack.database.shared_reads import SharedReads
from haversack.http.area import HotAnswer
from haversack.http.browsers import ANY_ORIGIN, EXPOSED
from haversack.http.calls import BuyerCall
from haversack.http.known_queries import query_reader
from haversack.inventory.queries.owned import list_balances, list_ends, list_owned
from haversack.inventory.wire import InventoryQuery, TextQuery
from haversack.login.tokens import TokenRefused
from haversack.projects.records import Project
from haversack.text import reading

PERSONAL: Header = (b"cache-control", b"private, no-store")

Asked = TypeVar("Asked", bound=TextQuery)
Body: TypeAlias = Callable[[Context, Project, UUID, Asked], Awaitable[bytes]]


async def answer(call: BuyerCall, asked: Asked, body: Body[Asked]) -> Response:
    """The answer of the ordinary way."""
    encoded = await body(call.context, call.project, call.player_id, asked)
    return Response(encoded, media_type="application/json", headers={"cache-control": "private, no-store"})


def hot_answer(query: type[Asked], body: Body[Asked]) -> Callable[[Scope], Awaitable[HotAnswer | None] | None]:
    """Answers players with a Login token and a query that holds; everything else goes the ordinary way, which says
    what is wrong with it."""

    read_query = query_reader(query)

    def answer_hot(scope: Scope) -> Awaitable[HotAnswer | None] | None:
        context: Context = scope["app"].state.context
        number = scope["path_params"]["project_id"]
        asked = read_query(scope["query_string"])
        if asked is None or not number.isdecimal() or len(number) > 10:
            return None
        project = context.directory.remembered_project(int(number))
        if project is None:
            return None
        return _answer_player(context, project, scope, asked, body)

    return answer_hot


async def _answer_player(
    context: Context, project: Project, scope: Scope, asked: Asked, body: Body[Asked]
) -> HotAnswer | None:
    token = ""
    more: tuple[Header, ...] = ()
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() != "bearer":
                return None
        elif name == b"origin":
            more = (EXPOSED,)
    token = token.strip()
    if "." not in token:
        return None
    player = context.tokens.remembered_player(token)
    if player is None:
        try:
            player = await context.tokens.verify_player(token)
        except TokenRefused:
            return None
    if player.login_project_id != project.login_project_id:
        return None
    encoded = await body(context, project.for_player(player.player_id), player.player_id, asked)
    length: Header = (b"content-length", b"%d" % len(encoded))
    return 200, [JSON, length, PERSONAL, ANY_ORIGIN, *more], encoded


# -- Bodies ---------------------------------------------------------------------------------------------------------


async def balances_body(context: Context, project: Project, player_id: UUID, asked: TextQuery) -> bytes:
    """Every currency of the shop with what the player has of it, and those that are no longer sold but held."""
    amounts = await _reads_of(context.database).balances.read(project.project_id, player_id)
    pieces = _pieces(await open_shop(context.catalogs, project.project_id), asked.language)
    return b'{"items":[%s]}' % b",".join(
        b"%s%d}" % (head, amounts.get(sku, 0))
        for sku, (head, is_offered) in pieces.currencies().items()
        if is_offered or sku in amounts
    )


async def owned_body(context: Context, project: Project, player_id: UUID, asked: InventoryQuery) -> bytes:
    """A page of what the player has now."""
    rows = await _reads_of(context.database).pages.read(_Page(project, asked.limit, asked.offset), player_id)
    pieces = _pieces(await open_shop(context.catalogs, project.project_id), asked.language)
    found = []
    for _, item_id, quantity, instance_id, remaining_uses in rows[: asked.limit]:
        head = pieces.good(item_id)
        # Another process has just made the item: this one is about to hear of it.
        if head is None:
            continue
        if instance_id is None:
            found.append(b'%snull,"quantity":%d,"remaining_uses":1}' % (head, quantity))
        else:
            piece = instance_id.hex.encode()
            found.append(b'%s"%s","quantity":null,"remaining_uses":%d}' % (head, piece, remaining_uses))
    has_more = b"true" if len(rows) > asked.limit else b"false"
    return b'{"has_more":%s,"items":[%s]}' % (has_more, b",".join(found))


async def time_limited_body(context: Context, project: Project, player_id: UUID, asked: TextQuery) -> bytes:
    """The time-limited items that the player has or had, with their ends."""
    ends = await _reads_of(context.database).ends.read(project.project_id, player_id)
    pieces = _pieces(await open_shop(context.catalogs, project.project_id), asked.language)
    now = project.clock.now()
    found = []
    for item_id, end in ends.items():
        head = pieces.time_limited(item_id, has_end=end is not None)
        if head is not None:
            at = b"null" if end is None else b"%d" % int(end.timestamp())
            found.append(b'%s%s,"status":"%s"}' % (head, at, _status(end, now)))
    return b'{"items":[%s]}' % b",".join(found)


def _status(end: datetime | None, now: datetime) -> bytes:
    if end is None:
        return b"none"
    return b"active" if end > now else b"expired"


class _Page(NamedTuple):
    """A page of the inventories of a project's players, and one row more where there is one."""

    project: Project
    limit: int
    offset: int


async def _list_page(db: Session, page: _Page, player_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[asyncpg.Record]]:
    project, limit, offset = page
    return await list_owned(db, project.project_id, player_ids, limit=limit + 1, offset=offset, now=project.clock.now())


class _Reads:
    """The reads of one process."""

    def __init__(self, database: Database) -> None:
        self.balances: SharedReads[int, UUID, Mapping[str, int]] = SharedReads(database, list_balances, nothing={})
        self.ends: SharedReads[int, UUID, Mapping[int, datetime | None]] = SharedReads(database, list_ends, nothing={})
        self.pages: SharedReads[_Page, UUID, Sequence[asyncpg.Record]] = SharedReads(database, _list_page, nothing=())


def _reads_of(database: Database) -> _Reads:
    found = _known_reads.get(database)
    if found is None:
        found = _known_reads[database] = _Reads(database)
    return found


_known_reads: WeakKeyDictionary[Database, _Reads] = WeakKeyDictionary()


# -- What is the same for all players -------------------------------------------------------------------------------


@dataclass(slots=True)
class _Kept:
    """The parts of answers in one language that were made for one version of the catalog. They do not know it: it
    shall go when the next one comes."""

    goods: dict[int, bytes | None] = field(default_factory=dict)
    timed: dict[int, bytes | None] = field(default_factory=dict)
    currencies: dict[str, tuple[bytes, bool]] | None = None


@dataclass(frozen=True, slots=True)
class _Pieces:
    """The parts of answers for one request, made when they are first needed. Each lacks its last values, and the brace
    after them."""

    shop: Shop
    language: str
    kept: _Kept

    def currencies(self) -> dict[str, tuple[bytes, bool]]:
        """The head of each currency's entry, and whether the shop offers it, by SKU in the shop's order."""
        if self.kept.currencies is None:
            entries = [entry for entry in self.shop.catalog.ordered if entry.kind is ItemKind.VIRTUAL_CURRENCY]
            found = ((entry, self.shop.find_by_id(entry.item_id)) for entry in entries)
            self.kept.currencies = {
                entry.sku: (_head(self._opening(item, "virtual_currency"), "amount"), entry.is_enabled)
                for entry, item in found
                if item is not None
            }
        return self.kept.currencies

    def good(self, item_id: int) -> bytes | None:
        """The head of an inventory entry; None for what the catalog does not know."""
        goods = self.kept.goods
        if item_id not in goods:
            item = self.shop.find_by_id(item_id)
            goods[item_id] = None if item is None else self._good(item)
        return goods[item_id]

    def time_limited(self, item_id: int, *, has_end: bool) -> bytes | None:
        """The head of a time-limited entry; None for what is not limited in time, or unknown."""
        item = self.shop.find_by_id(item_id)
        is_limited = item is not None and item.details.used_up_as is VirtualItemType.NON_RENEWING_SUBSCRIPTION
        if item is None or not (has_end or is_limited):
            return None
        found = self.kept.timed.get(item_id)
        if found is None:
            value = {**self._opening(item, "virtual_good"), "virtual_item_type": item.details.used_up_as, "class": None}
            found = self.kept.timed[item_id] = _head(value, "expired_at")
        return found

    def _opening(self, item: SellableItem, type_: str) -> dict[str, Any]:
        return {
            "sku": item.sku,
            "name": reading(item.name, self.language),
            "description": reading(item.description, self.language) if item.description else None,
            "image_url": item.image_url or "",
            "type": type_,
        }

    def _good(self, item: SellableItem) -> bytes:
        catalog = self.shop.catalog
        groups = [catalog.groups[each] for each in catalog.groups_of.get(item.item_id, ()) if each in catalog.groups]
        value = {
            **self._opening(item, "virtual_good"),
            "virtual_item_type": item.details.used_up_as,
            "attributes": [
                self._attribute(catalog.attributes[link.attribute_id], link)
                for link in item.attributes
                if link.attribute_id in catalog.attributes
            ],
            "groups": [
                {"external_id": group.external_id, "name": reading(group.name, self.language)} for group in groups
            ],
        }
        return _head(value, "instance_id")

    def _attribute(self, attribute: Attribute, link: AttributeLink) -> dict[str, Any]:
        values = {value.value_id: value for value in attribute.values}
        chosen = [values[each] for each in link.value_ids if each in values]
        return {
            "external_id": attribute.external_id,
            "name": reading(attribute.name, self.language),
            "values": [
                {"external_id": value.external_id, "value": reading(value.value, self.language)} for value in chosen
            ],
        }


def _head(value: dict[str, Any], last: str) -> bytes:
    return orjson.dumps(value)[:-1] + b',"%s":' % last.encode()


def _pieces(shop: Shop, language: str) -> _Pieces:
    kept = _made.setdefault(shop.catalog, {})
    return _Pieces(shop, language, kept.setdefault(language, _Kept()))


_made: WeakKeyDictionary[Catalog, dict[str, _Kept]] = WeakKeyDictionary()
