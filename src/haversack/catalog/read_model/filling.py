"""Fills the holes of encoded pieces: what is left, whether an item can be bought, which keys a game has now."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from haversack.catalog.read_model import rules
from haversack.catalog.read_model.compiled import Catalog, is_listed
from haversack.catalog.read_model.pieces import NESTING_MAX, Hole, HoleKind, Piece
from haversack.catalog.read_model.promoting import Promoted, Reading, promoted
from haversack.catalog.read_model.records import Entry, Personal, Stocks
from haversack.catalog.records import ItemKind, ItemLimits
from haversack.limits.records import Window
from haversack.text import FALLBACK

_FLAGS = (b"false", b"true")

# Gives the piece of a key as its game lists it.
UnitPiece = Callable[[Entry], Piece]


@dataclass(slots=True)
class Filler:
    """Fills pieces for one time, country and player, and notes how long what it has said holds."""

    catalog: Catalog
    stocks: Stocks
    now: datetime
    country: str
    personal: Personal
    group: str | None
    with_inactive: bool
    unit_piece: UnitPiece
    since: datetime
    until: datetime
    language: str = FALLBACK
    # What the line of a cart that is filled says of promotions; in the catalog each item stands for itself.
    of_line: bytes | None = None

    def fill(self, piece: Piece) -> bytes:
        """The piece as bytes."""
        if len(piece) == 1:
            return piece[0]  # type: ignore[return-value]
        return b"".join([self._filled(part) if isinstance(part, Hole) else part for part in piece])

    def _filled(self, hole: Hole) -> bytes:
        entry = self.catalog.entries[hole.item_id]
        match hole.kind:
            case HoleKind.LIMITS:
                return self._limits(entry)
            case HoleKind.CAN_BE_BOUGHT:
                return _FLAGS[self.can_be_bought(entry)]
            case HoleKind.HAS_KEYS:
                return _FLAGS[self._has_code(entry)]
            case HoleKind.IS_PRE_ORDER:
                return _FLAGS[rules.is_before_release(entry.pre_order, self.now)]
            case HoleKind.UNIT_ITEMS:
                return self._unit_items(entry)
            case HoleKind.PRICE:
                return self._promoted(entry).price
            case HoleKind.PROMOTIONS:
                return self._promoted(entry).promotions if self.of_line is None else self.of_line
            case HoleKind.PLACE_IN_GROUP:
                place = self.catalog.position_in(self.group, entry.item_id)
                return b"null" if place is None else b"%d" % place

    def _promoted(self, entry: Entry) -> Promoted:
        return promoted(self.catalog, entry, self.personal, Reading(self.language, self.country, self.now))

    def _limits(self, entry: Entry) -> bytes:
        limits = entry.limits
        assert limits is not None
        window = self.catalog.window_of(limits.schedule, self.now)
        if window.next is not None:
            self.since, self.until = max(self.since, window.start), min(self.until, window.next)
        before, after = self._texts_of(limits, window)
        if limits.per_user is not None:
            before = b"%b%d%b" % (before, self.personal.left.get(entry.item_id, limits.per_user), after)
        if limits.per_item is None:
            return before + b"null}"
        # Before the first sale there may be no counter yet.
        total, available = self.stocks.units.get(entry.item_id, (limits.per_item, limits.per_item))
        return b'%b{"total":%d,"available":%d}}' % (before, total, available)

    def _texts_of(self, limits: ItemLimits, window: Window) -> tuple[bytes, bytes]:
        """What stands before and after what is left to a player, up to the limit for everybody."""
        known = self.catalog.limit_texts.get(id(limits))
        if known is not None and known[0] is window:
            return known[1]
        texts = (b'{"per_user":null,"per_item":', b"")
        if limits.per_user is not None:
            schedule = b"null"
            if limits.schedule is not None and window.next is not None:
                schedule = b'{"interval_type":"%b","reset_next_date":%d}' % (
                    limits.schedule.interval_type.encode(),
                    int(window.next.timestamp()),
                )
            texts = (
                b'{"per_user":{"total":%d,"available":' % limits.per_user,
                b',"recurrent_schedule":%b,"limit_exceeded_visibility":"%b"},"per_item":'
                % (schedule, limits.limit_exceeded_visibility.encode()),
            )
        self.catalog.limit_texts[id(limits)] = (window, texts)
        return texts

    def can_be_bought(self, entry: Entry) -> bool:
        """Whether an item that is shown can be bought now by the one it is shown to."""
        if not entry.windows and not entry.content and entry.kind is not ItemKind.GAME_KEY:
            units = self.stocks.units.get(entry.item_id)
            return (units is None or units[1] > 0) and self.personal.left.get(entry.item_id, 1) > 0
        return rules.is_inside(entry.windows, self.now) and self._can_be_had(entry, depth=0)

    def _can_be_had(self, entry: Entry, *, depth: int) -> bool:
        """Whether it is there, and allowed to the player; so is all that a bundle holds."""
        if self.personal.left.get(entry.item_id, 1) == 0:
            return False
        units = self.stocks.units.get(entry.item_id)
        if units is not None and units[1] == 0:
            return False
        if entry.kind is ItemKind.GAME_KEY and not rules.is_key_deliverable(
            has_code=self._has_code(entry),
            is_pre_order=rules.is_before_release(entry.pre_order, self.now),
            pre_orders_left=self.stocks.pre_orders.get(entry.item_id),
        ):
            return False
        if depth <= NESTING_MAX:
            for content in entry.content:
                inner = self.catalog.entries.get(content.item_id)
                if inner is not None and inner.is_enabled and not self._can_be_had(inner, depth=depth + 1):
                    return False
        return True

    def _has_code(self, entry: Entry) -> bool:
        """Whether a code is left that the reader may get: of no region, or of one with the reader's country."""
        pools = self.stocks.codes.get(entry.item_id)
        if not pools:
            return False
        return None in pools or any(
            self.country in region.countries for region in self.catalog.taxonomy.regions if region.region_id in pools
        )

    def _unit_items(self, game: Entry) -> bytes:
        catalog = self.catalog
        shown = [
            entry
            for entry in catalog.keys_of.get(game.item_id, ())
            if is_listed(entry, catalog.entries)
            and entry.item_id not in self.personal.hidden
            and catalog.is_visible(
                entry, country=self.country, now=self.now, with_inactive=self.with_inactive, stocks=self.stocks
            )
        ]
        return b"[%b]" % b",".join(self.fill(self.unit_piece(entry)) for entry in shown)
