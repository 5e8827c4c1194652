"""Answers of the client catalog, put together from encoded pieces: for everybody, or with a player's own parts."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson

from haversack.catalog.read_model import rules
from haversack.catalog.read_model.compiled import Catalog, ShelfView, is_listed
from haversack.catalog.read_model.filling import Filler
from haversack.catalog.read_model.pieces import (
    CUSTOM_ATTRIBUTES,
    Form,
    Piece,
    Reader,
    encode_piece,
)
from haversack.catalog.read_model.promoting import share_of
from haversack.catalog.read_model.records import Ask, Entry, Personal, Shelf, Stocks, Subject
from haversack.catalog.records import ItemKind
from haversack.http.browsers import ANY_ORIGIN
from haversack.text import reading

PIECES_BYTES_MAX = 48 * 2**20
PAGES_BYTES_MAX = 48 * 2**20
# What Python needs for an entry of a cache, beside its bytes.
OVERHEAD_BYTES = 400
# Items between two chances for others to run: about two milliseconds of encoding.
SLICE = 25
# How many states of its items a page remembers.
FILLED_MAX = 500


Header = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json")
# Whoever keeps an answer asks each time whether its tag still stands: what another player or country gets has another.
SHARED: Header = (b"cache-control", b"no-cache")


@dataclass(slots=True, eq=False, kw_only=True, weakref_slot=True)
class Page:
    """An answer for everybody who has not used up anything on it. It holds from `since` up to `until`, for one
    compiled catalog and one state of the stocks."""

    catalog: Catalog
    stocks: Stocks
    since: datetime
    until: datetime
    body: bytes
    etag: bytes
    headers: Sequence[Header]
    headers_not_modified: Sequence[Header]
    # A single item that those who are not signed in do not see.
    is_hidden: bool
    # Places of the view's items that those who are not signed in do not see.
    gone: Sequence[int]
    # What a player's own page is made of; nothing where it is the same for all.
    view: ShelfView | None
    entries: Sequence[Entry]
    pieces: Sequence[Piece]
    # The body in parts: an item's is at twice its place and one. Most are the pieces themselves.
    parts: Sequence[bytes]
    # Item -> its place on the page, for those that are not for every player the same.
    places: Mapping[int, int]
    # What an item was filled with for players with such a share in it: nothing else of it can differ.
    filled: dict[tuple[Any, ...], bytes]

    def holds(self, catalog: Catalog | None, stocks: Stocks, now: datetime) -> bool:
        """Whether it is still true."""
        return self.catalog is catalog and self.stocks is stocks and self.since <= now < self.until

    @property
    def size(self) -> int:
        """Bytes in memory, about. The pieces are shared with their own cache, and so is what needed no filling."""
        own = sum(map(len, self.parts[1::2])) - sum(len(piece[0]) for piece in self.pieces if len(piece) == 1)
        return len(self.body) + own + 200 * len(self.pieces) + OVERHEAD_BYTES


class ByteCache:
    """Values by key, the ones used longest ago forgotten when they are too many bytes."""

    def __init__(self, bytes_max: int) -> None:
        self._values: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._bytes_max = bytes_max
        self.bytes = 0

    def get(self, key: Any) -> Any:
        """The value, or None."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: Any, value: Any, size: int) -> None:
        """Keep a value of so many bytes."""
        old = self._values.pop(key, None)
        if old is not None:
            self.bytes -= old[1]
        self._values[key] = (value, size)
        self.bytes += size
        while self.bytes > self._bytes_max:
            _, (_, gone) = self._values.popitem(last=False)
            self.bytes -= gone


class PageMaker:
    """Makes pages of compiled catalogs. One for each process: all catalogs share what it may hold in memory."""

    def __init__(self) -> None:
        self._pieces = ByteCache(PIECES_BYTES_MAX)
        self._pages = ByteCache(PAGES_BYTES_MAX)

    def find_page(
        self, ask_key: tuple[object, ...], catalog: Catalog, stocks: Stocks, country: str, now: datetime
    ) -> Page | None:
        """The page, if it was made before and still holds."""
        page: Page | None = self._pages.get((catalog.project_id, country, ask_key))
        return page if page is not None and page.holds(catalog, stocks, now) else None

    async def make_page(self, ask: Ask, catalog: Catalog, stocks: Stocks, country: str, now: datetime) -> Page | None:
        """The page that everybody gets; None where a single read finds nothing."""
        made = await self._make(ask, catalog, stocks, country, now)
        if made is not None:
            self._pages.put((catalog.project_id, country, ask.key), made, made.size)
        return made

    async def body_for_player(
        self, ask: Ask, page: Page, personal: Personal, country: str, now: datetime
    ) -> bytes | None:
        """The body of a page as a player gets it to whom it is not as to everybody; None where the item is hidden from
        the player."""
        view = page.view
        if view is None:
            return page.body
        gone = _places_of(view, personal)
        if gone == page.gone and ask.subject is Subject.PAGE:
            return self._with_own_parts(ask, page, personal, country, now)
        filler = self._filler(ask, page.catalog, page.stocks, country, now, personal)
        if ask.subject is not Subject.PAGE:
            return None if gone else filler.fill(page.pieces[0])
        limit = len(view.entries) if ask.limit is None else ask.limit
        places, total = rules.slice_without(len(view.entries), gone, offset=ask.offset, limit=limit)
        entries = [view.entries[place] for place in places]
        parts = [filler.fill(piece) for piece in await self._pieces_of(ask, page.catalog, country, entries)]
        return b"".join(_parts_of(ask, parts, total))

    async def body_of_chosen(
        self,
        ask: Ask,
        catalog: Catalog,
        stocks: Stocks,
        chosen: Sequence[Entry],
        personal: Personal,
        country: str,
        now: datetime,
    ) -> bytes:
        """The body of a page of items that somebody else has chosen, in their order, as one player gets it."""
        shown = [entry for entry in chosen if entry.item_id not in personal.hidden]
        end = None if ask.limit is None else ask.offset + ask.limit
        filler = self._filler(ask, catalog, stocks, country, now, personal)
        pieces = await self._pieces_of(ask, catalog, country, shown[ask.offset : end])
        return b"".join(_parts_of(ask, [filler.fill(piece) for piece in pieces], len(shown)))

    def _with_own_parts(self, ask: Ask, page: Page, personal: Personal, country: str, now: datetime) -> bytes:
        """The page with the items filled anew that are not to the player as to everybody."""
        parts = list(page.parts)
        filler: Filler | None = None
        for item_id in personal.touched.intersection(page.places):
            place = page.places[item_id]
            entry = page.entries[place]
            key = (place, share_of(page.catalog, entry, personal))
            found = page.filled.get(key)
            if found is None:
                filler = filler or self._filler(ask, page.catalog, page.stocks, country, now, personal)
                found = filler.fill(page.pieces[place])
                # What holds other items shows their limits too, and a game the prices of its keys.
                is_alone = not entry.content and entry.kind is not ItemKind.GAME
                if is_alone and len(page.filled) < FILLED_MAX:
                    page.filled[key] = found
            parts[2 * place + 1] = found
        return b"".join(parts)

    async def _make(self, ask: Ask, catalog: Catalog, stocks: Stocks, country: str, now: datetime) -> Page | None:
        since, until = rules.interval_at(catalog.edges, now)
        if ask.subject is Subject.GROUPS:
            body = _groups_body(catalog, ask.language)
            return _page(catalog, stocks, since, until, body)
        if ask.subject is Subject.PAGE:
            view = catalog.view(
                ask.shelf,
                ask.group,
                country=country,
                now=now,
                with_inactive=ask.with_inactive,
                stocks=stocks,
            )
            if ask.skus:
                view = view.only(ask.skus)
            end = None if ask.limit is None else ask.offset + ask.limit
            entries: Sequence[Entry] = view.entries[ask.offset : end]
        else:
            entry = self._find_single(ask, catalog, stocks, country, now)
            if entry is None:
                return None
            places = {entry.item_id: 0} if entry.item_id in catalog.own_ids else {}
            view, entries = ShelfView((entry,), places), (entry,)
        everybody = catalog.for_everybody
        gone = _places_of(view, everybody)
        if gone and ask.subject is Subject.PAGE:
            limit = len(view.entries) if ask.limit is None else ask.limit
            shown, _ = rules.slice_without(len(view.entries), gone, offset=ask.offset, limit=limit)
            entries = [view.entries[place] for place in shown]
        filler = self._filler(ask, catalog, stocks, country, now, everybody)
        filler.since, filler.until = since, until
        pieces = await self._pieces_of(ask, catalog, country, entries)
        parts = [filler.fill(piece) for piece in pieces]
        if ask.subject is Subject.PAGE:
            parts = _parts_of(ask, parts, len(view.entries) - len(gone))
        page = _page(catalog, stocks, filler.since, filler.until, b"".join(parts))
        page.is_hidden = bool(gone) and ask.subject is not Subject.PAGE
        if view.places:
            page.view, page.entries, page.pieces, page.parts, page.gone = view, entries, pieces, parts, gone
            own = catalog.own_ids
            page.places = {entry.item_id: place for place, entry in enumerate(entries) if entry.item_id in own}
        return page

    def _find_single(self, ask: Ask, catalog: Catalog, stocks: Stocks, country: str, now: datetime) -> Entry | None:
        by_id = ask.subject is Subject.ITEM_BY_ID
        entry = catalog.entries.get(ask.item_id or 0) if by_id else catalog.by_sku.get(ask.sku or "")
        if entry is None or entry.kind not in ask.shelf.kinds or not is_listed(entry, catalog.entries):
            return None
        is_visible = catalog.is_visible(entry, country=country, now=now, with_inactive=ask.with_inactive, stocks=stocks)
        return entry if is_visible else None

    def _filler(
        self, ask: Ask, catalog: Catalog, stocks: Stocks, country: str, now: datetime, personal: Personal
    ) -> Filler:
        reader = _reader(ask, country)
        return Filler(
            catalog,
            stocks,
            now,
            country,
            personal,
            ask.group,
            ask.with_inactive,
            lambda entry: self._piece(catalog, entry, reader, Form.UNIT),
            now,
            now,
            reader.language,
        )

    async def _pieces_of(self, ask: Ask, catalog: Catalog, country: str, entries: Sequence[Entry]) -> list[Piece]:
        """The pieces of items, those that were not encoded before with chances for others to run between them."""
        reader = _reader(ask, country)
        form = Form.SHORT if ask.shelf is Shelf.DIRECTORY else Form.WHOLE
        found = []
        for number, entry in enumerate(entries, start=1):
            found.append(self._piece(catalog, entry, reader, form))
            if number % SLICE == 0:
                await asyncio.sleep(0)
        return found

    def _piece(self, catalog: Catalog, entry: Entry, reader: Reader, form: Form) -> Piece:
        currency = catalog.currency_of(reader.country)
        key = (catalog.stamps[entry.item_id], form, reader.language, reader.country, currency, reader.fields)
        piece: Piece | None = self._pieces.get(key)
        if piece is None:
            piece = encode_piece(catalog, entry, reader, form)
            size = sum(len(part) + 33 for part in piece if isinstance(part, bytes))
            self._pieces.put(key, piece, size + OVERHEAD_BYTES)
        return piece


def _places_of(view: ShelfView, personal: Personal) -> list[int]:
    """The places of what is hidden from a player, in order."""
    return sorted(view.places[item_id] for item_id in personal.hidden if item_id in view.places)


def _reader(ask: Ask, country: str) -> Reader:
    fields = ask.fields
    if ask.subject is not Subject.PAGE:
        fields |= {CUSTOM_ATTRIBUTES}
    return Reader(ask.language, country, fields)


def _parts_of(ask: Ask, items: Sequence[bytes], total: int) -> list[bytes]:
    """A body in parts: each item between what stands before and after it."""
    parts = [b","] * (2 * len(items) + 1)
    parts[1::2] = items
    if ask.limit is None:
        opening, closing = b'{"items":[', b"]}"
    else:
        has_more = b"true" if items and ask.offset + len(items) < total else b"false"
        opening = b'{"has_more":%b,"items":[' % has_more
        closing = b'],"total_items_count":%d}' % total
    if not items:
        return [opening + closing]
    parts[0], parts[-1] = opening, closing
    return parts


def _page(catalog: Catalog, stocks: Stocks, since: datetime, until: datetime, body: bytes) -> Page:
    etag = b'"%b"' % blake2b(body, digest_size=16).hexdigest().encode()
    kept = [(b"etag", etag), SHARED, ANY_ORIGIN]
    return Page(
        catalog=catalog,
        stocks=stocks,
        since=since,
        until=until,
        body=body,
        etag=etag,
        headers=[JSON, (b"content-length", b"%d" % len(body)), *kept],
        headers_not_modified=kept,
        is_hidden=False,
        gone=(),
        view=None,
        entries=(),
        pieces=(),
        parts=(),
        places={},
        filled={},
    )


def _groups_body(catalog: Catalog, language: str) -> bytes:
    return orjson.dumps({"groups": _groups_under(catalog, None, language, level=0)})


def _groups_under(catalog: Catalog, parent: int | None, language: str, *, level: int) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for group_id in catalog.forest.get(parent, ()):
        group = catalog.groups[group_id]
        found.append(
            {
                "external_id": group.external_id,
                "name": reading(group.name, language),
                "description": reading(group.description, language) if group.description else "",
                "image_url": group.image_url,
                "order": group.sort_order,
                "level": level,
                "children": _groups_under(catalog, group_id, language, level=level + 1),
                "parent_external_id": None if parent is None else catalog.groups[parent].external_id,
            }
        )
    return found
