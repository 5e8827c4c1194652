"""What a studio's server does to players' inventories: gifts, purchases made elsewhere, taking away, setting.

One call changes many players, all or nothing. What players own is locked in one order before anything is changed, then
the operations follow each other as they were sent.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from haversack.catalog.keys.actions.codes import note_stock
from haversack.catalog.records import ItemKind, VirtualItemType
from haversack.catalog.selling import SellableItem, Shop, open_shop
from haversack.errors import ITEM_NOT_FOUND, OWNED_TOO_MANY, PURCHASED_ITEM_UNKNOWN, ErrorKind
from haversack.http.calls import AdminCall
from haversack.inventory.holdings import Holdings, LockedHoldings, lock_holdings
from haversack.inventory.parcels import Entry, Parcel, give_parcels
from haversack.inventory.queries import giving
from haversack.inventory.records import ItemGrant, Piece
from haversack.inventory.rules import PIECES_MAX, extended, unfold
from haversack.login.rules import outside_player_id

# What a server may give; the games and goods themselves are not in the inventory.
GIVEN_KINDS = (
    ItemKind.VIRTUAL_GOOD,
    ItemKind.VIRTUAL_CURRENCY,
    ItemKind.VIRTUAL_CURRENCY_PACKAGE,
    ItemKind.BUNDLE,
    ItemKind.GAME_KEY,
)
COUNTED_KINDS = (ItemKind.VIRTUAL_GOOD, ItemKind.VIRTUAL_CURRENCY)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A number of an item."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An operation: who, what, and what is kept with it. `purchase_id` is that of the platform where it was bought."""

    user_id: str
    items: tuple[Wanted, ...]
    note: dict[str, Any]
    purchase_id: str | None = None


async def reward(call: AdminCall, changes: Sequence[Change]) -> list[tuple[int, ...]]:
    """Give items, and return for each operation how many of each the player then has. What can be owned once and is
    owned stays as it is."""
    shop = await open_shop(call.context.catalogs, call.project_id)
    parcels = [
        _parcel(call, shop, change, source=f"reward:{call.request_id}:{place}", unknown=ITEM_NOT_FOUND)
        for place, change in enumerate(changes)
    ]
    async with call.db.begin():
        outcomes = await give_parcels(call.db, call.project_id, parcels, now=call.now, keeps_owned=True)
    _note_keys(call, parcels)
    return [outcomes[parcel.source].units for parcel in parcels]


async def report_purchases(call: AdminCall, changes: Sequence[Change]) -> list[tuple[int, ...]]:
    """Give what was bought elsewhere, once for each purchase of a player; a repeat gets the first answer again."""
    shop = await open_shop(call.context.catalogs, call.project_id)
    parcels = [
        _parcel(
            call,
            shop,
            change,
            source=f"purchase:{_player_of(call, change)}:{change.purchase_id}",
            unknown=PURCHASED_ITEM_UNKNOWN,
        )
        for change in changes
    ]
    first = {parcel.source: parcel for parcel in reversed(parcels)}
    async with call.db.begin():
        outcomes = await give_parcels(call.db, call.project_id, list(first.values()), now=call.now)
        earlier = await giving.list_contents(call.db, call.project_id, [each for each in first if each not in outcomes])
    _note_keys(call, parcels)
    answers = {source: outcome.units for source, outcome in outcomes.items()}
    answers |= {source: _units_noted(content) for source, content in earlier.items()}
    return [_padded(answers[parcel.source], len(parcel.lines)) for parcel in parcels]


def _units_noted(content: Sequence[Entry]) -> tuple[int, ...]:
    return tuple(next(entry["units"] for entry in content if entry["kind"] == "note"))


def _padded(units: tuple[int, ...], count: int) -> tuple[int, ...]:
    """A repeat that names other items than the first report gets as many numbers as it names."""
    return (*units, *(0,) * count)[:count]


def _parcel(call: AdminCall, shop: Shop, change: Change, *, source: str, unknown: ErrorKind) -> Parcel:
    lines = []
    for wanted in change.items:
        item = _get_item(call, shop, wanted.sku, GIVEN_KINDS, unknown)
        line = unfold(item, wanted.quantity, country=None)
        if any(isinstance(each, ItemGrant) and each.usages_count and each.quantity > PIECES_MAX for each in line):
            raise OWNED_TOO_MANY(sku=wanted.sku)
        lines.append(line)
    return Parcel(_player_of(call, change), source, tuple(lines), change.note)


def _note_keys(call: AdminCall, parcels: Sequence[Parcel]) -> None:
    if any(parcel.has_keys for parcel in parcels):
        note_stock(call, call.project_id)


def _player_of(call: AdminCall, change: Change) -> UUID:
    return outside_player_id(call.project.login_project_id, change.user_id)


def _get_item(call: AdminCall, shop: Shop, sku: str, kinds: Collection[ItemKind], unknown: ErrorKind) -> SellableItem:
    item = shop.find_by_sku(sku)
    if item is None or item.kind not in kinds:
        raise unknown(project_id=call.project_id, sku=sku)
    return item


async def revoke(call: AdminCall, changes: Sequence[Change]) -> list[tuple[int, ...]]:
    """Take items away, and return how many of each are left; ITEM_NOT_OWNED where a player has fewer."""
    return await _change(call, "revoke", changes, _revoke)


async def set_quantities(call: AdminCall, changes: Sequence[Change]) -> list[tuple[int, ...]]:
    """Set how many of each item players have, and return what they then have: of what is owned once at most one."""
    return await _change(call, "set", changes, _set)


@dataclass(frozen=True, slots=True)
class _One:
    """One item of one operation."""

    player_id: UUID
    item: SellableItem
    quantity: int
    source: str


async def _change(
    call: AdminCall, word: str, changes: Sequence[Change], apply: Callable[[LockedHoldings, _One], None]
) -> list[tuple[int, ...]]:
    shop = await open_shop(call.context.catalogs, call.project_id)
    work = [
        [
            _One(
                _player_of(call, change),
                _get_item(call, shop, wanted.sku, COUNTED_KINDS, ITEM_NOT_FOUND),
                wanted.quantity,
                f"{word}:{call.request_id}:{place}",
            )
            for wanted in change.items
        ]
        for place, change in enumerate(changes)
    ]
    every = [one for ones in work for one in ones]
    async with call.db.begin():
        locked = await lock_holdings(
            call.db,
            call.project_id,
            currencies=[(one.player_id, one.item.sku) for one in every if _is_currency(one.item)],
            items=[(one.player_id, one.item.item_id) for one in every if not _is_currency(one.item)],
            now=call.now,
        )
        units = []
        for ones in work:
            left = []
            for one in ones:
                apply(locked, one)
                left.append(_units(locked.after, one))
            units.append(tuple(left))
        await locked.save(call.db)
        for change, ones in zip(changes, work, strict=True):
            await giving.add_grant(
                call.db,
                project_id=call.project_id,
                source=ones[0].source,
                player_id=ones[0].player_id,
                content=[
                    *({"kind": word, "sku": one.item.sku, "quantity": one.quantity} for one in ones),
                    {"kind": "note", **change.note},
                ],
                now=call.now,
            )
        await locked.write_rows(call.db)
    return units


def _is_currency(item: SellableItem) -> bool:
    return item.kind is ItemKind.VIRTUAL_CURRENCY


def _units(holdings: Holdings, one: _One) -> int:
    if _is_currency(one.item):
        return holdings.balances[one.player_id, one.item.sku]
    return holdings.units(one.player_id, one.item.item_id)


def _revoke(locked: LockedHoldings, one: _One) -> None:
    holdings, player_id, item = locked.after, one.player_id, one.item
    if _is_currency(item):
        holdings.change_balance(player_id, item.sku, -one.quantity, one.source)
        return
    holdings.remove_units(player_id, item.item_id, one.quantity, one.source)
    if not holdings.units(player_id, item.item_id):
        holdings.move_end(player_id, item.item_id, None, one.source, now=locked.now)


def _set(locked: LockedHoldings, one: _One) -> None:
    holdings, player_id, item = locked.after, one.player_id, one.item
    if _is_currency(item):
        holdings.change_balance(player_id, item.sku, one.quantity - holdings.balances[player_id, item.sku], one.source)
        return
    item_id, kind = item.item_id, item.details.used_up_as
    is_counted = kind is VirtualItemType.CONSUMABLE
    wanted = one.quantity if is_counted else min(one.quantity, 1)
    surplus = holdings.units(player_id, item_id) - wanted
    if surplus > 0:
        holdings.remove_units(player_id, item_id, surplus, one.source)
    elif surplus < 0:
        _add(holdings, one, -surplus)
    if kind is VirtualItemType.NON_RENEWING_SUBSCRIPTION:
        expiration = item.details.expiration
        # From now on, whatever was left: an absolute number replaces the old one.
        end = extended(None, expiration, one.quantity, locked.now) if wanted and expiration is not None else None
        holdings.move_end(player_id, item_id, end, one.source, now=locked.now)


def _add(holdings: Holdings, one: _One, quantity: int) -> None:
    [given] = unfold(one.item, quantity, country=None)
    assert isinstance(given, ItemGrant), "what is set is a virtual item"
    if given.usages_count is None:
        holdings.change_quantity(one.player_id, given.item_id, quantity, one.source, sku=given.sku)
        return
    if quantity > PIECES_MAX:
        raise OWNED_TOO_MANY(sku=given.sku)
    pieces = [Piece(uuid4(), given.usages_count) for _ in range(quantity)]
    holdings.add_pieces(one.player_id, given.item_id, pieces, one.source)
