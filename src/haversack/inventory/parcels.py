"""Giving several players several things in one transaction, whatever their kinds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from haversack.catalog.keys.queries.codes import take_sealed_codes
from haversack.catalog.keys.queries.entitlements import add_entitlement
from haversack.catalog.keys.records import CodeState, Mode
from haversack.catalog.read_model.rules import is_before_release
from haversack.catalog.records import VirtualItemType
from haversack.catalog.taxonomy.queries import list_regions
from haversack.database.engine import Session
from haversack.errors import KEYS_TOO_FEW, NON_CONSUMABLE_OWNED
from haversack.inventory.holdings import Holdings, LockedHoldings, lock_holdings
from haversack.inventory.ledger import AccountRow, entitlement_row, key_row
from haversack.inventory.queries import giving as queries
from haversack.inventory.records import CurrencyGrant, Granted, ItemGrant, KeyGrant, Piece
from haversack.inventory.rules import extended

# What a grant has given in effect, as its row keeps it.
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a player is given for one source, in lines that are told apart in the outcome. `note` is kept with it."""

    player_id: UUID
    source: str
    lines: tuple[tuple[Granted, ...], ...]
    note: Mapping[str, Any] | None = None

    @property
    def has_keys(self) -> bool:
        """Whether codes of keys are given."""
        return any(isinstance(given, KeyGrant) for line in self.lines for given in line)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a parcel gave: its entries, and for each line how many the player then has; 0 for a line of several things
    and for keys."""

    entries: tuple[Entry, ...]
    units: tuple[int, ...]


@dataclass(slots=True)
class _Giving:
    """The state of one run: what is locked, and what must wait until all locks of what players own are taken."""

    locked: LockedHoldings
    now: datetime
    keeps_owned: bool
    keys: list[tuple[UUID, str, KeyGrant, Entry]]

    @property
    def holdings(self) -> Holdings:
        return self.locked.after


async def give_parcels(
    db: Session, project_id: int, parcels: Sequence[Parcel], *, now: datetime, keeps_owned: bool = False
) -> dict[str, Outcome]:
    """Give parcels, all or nothing, and return by source what each gave; a source that was used before gives nothing
    and is missing.

    keeps_owned: what can be owned once and is owned stays so; otherwise NON_CONSUMABLE_OWNED. KEYS_TOO_FEW where a pool
    has no code left.
    """
    assert db.in_transaction, "a grant belongs to the transaction of what it is given for"
    used = await queries.claim_sources(db, project_id, {parcel.source for parcel in parcels})
    first = [parcel for parcel in parcels if parcel.source not in used]
    assert len({parcel.source for parcel in first}) == len(first), "each source is given for once"
    locked = await _lock(db, project_id, first, now)
    giving = _Giving(locked, now, keeps_owned, [])
    outcomes = {parcel.source: _put_in(giving, parcel) for parcel in first}
    await locked.save(db)
    await _give_keys(db, project_id, giving)
    for parcel in first:
        await queries.add_grant(
            db,
            project_id=project_id,
            source=parcel.source,
            player_id=parcel.player_id,
            content=outcomes[parcel.source].entries,
            now=now,
        )
    await locked.write_rows(db)
    return outcomes


async def _lock(db: Session, project_id: int, parcels: Sequence[Parcel], now: datetime) -> LockedHoldings:
    given = [(parcel.player_id, each) for parcel in parcels for line in parcel.lines for each in line]
    return await lock_holdings(
        db,
        project_id,
        currencies=[(player_id, each.sku) for player_id, each in given if isinstance(each, CurrencyGrant)],
        items=[(player_id, each.item_id) for player_id, each in given if isinstance(each, ItemGrant)],
        now=now,
    )


def _put_in(giving: _Giving, parcel: Parcel) -> Outcome:
    entries: list[Entry] = []
    units: list[int] = []
    for line in parcel.lines:
        for given in line:
            entries += _put(giving, parcel, given)
        units.append(_units_of(giving.holdings, parcel.player_id, line[0]) if len(line) == 1 else 0)
    if parcel.note is not None:
        entries.append({"kind": "note", "units": units, **parcel.note})
    return Outcome(tuple(entries), tuple(units))


def _units_of(holdings: Holdings, player_id: UUID, given: Granted) -> int:
    match given:
        case CurrencyGrant():
            return holdings.balances[player_id, given.sku]
        case ItemGrant():
            return holdings.units(player_id, given.item_id)
        case KeyGrant():
            return 0


def _put(giving: _Giving, parcel: Parcel, given: Granted) -> list[Entry]:
    """Give one thing, and return what was given in effect."""
    match given:
        case CurrencyGrant():
            giving.holdings.change_balance(parcel.player_id, given.sku, given.quantity, parcel.source)
            return [{"kind": "currency", "sku": given.sku, "quantity": given.quantity}]
        case ItemGrant():
            return _put_item(giving, parcel, given)
        case KeyGrant():
            entry: Entry = {"kind": "key", "item_id": given.item_id, "sku": given.sku, "quantity": given.quantity}
            giving.keys.append((parcel.player_id, parcel.source, given, entry))
            return [entry]


def _put_item(giving: _Giving, parcel: Parcel, given: ItemGrant) -> list[Entry]:
    holdings, player_id = giving.holdings, parcel.player_id
    entry: Entry = {"kind": "item", "item_id": given.item_id, "sku": given.sku, "quantity": given.quantity}
    match given.virtual_item_type:
        case VirtualItemType.CONSUMABLE if given.usages_count is not None:
            pieces = [Piece(uuid4(), given.usages_count) for _ in range(given.quantity)]
            holdings.add_pieces(player_id, given.item_id, pieces, parcel.source)
            return [{**entry, "kind": "pieces", "instance_ids": [piece.instance_id.hex for piece in pieces]}]
        case VirtualItemType.CONSUMABLE:
            holdings.change_quantity(player_id, given.item_id, given.quantity, parcel.source, sku=given.sku)
            return [entry]
        case VirtualItemType.NON_CONSUMABLE:
            if holdings.items[player_id, given.item_id].quantity:
                if giving.keeps_owned:
                    return []
                raise NON_CONSUMABLE_OWNED(sku=given.sku)
            holdings.change_quantity(player_id, given.item_id, 1, parcel.source)
            return [{**entry, "quantity": 1}]
        case VirtualItemType.NON_RENEWING_SUBSCRIPTION:
            return [_extend(giving, parcel, given, entry)]


def _extend(giving: _Giving, parcel: Parcel, given: ItemGrant, entry: Entry) -> Entry:
    """Move the end of a time-limited item. The count stays one."""
    holdings, player_id, now = giving.holdings, parcel.player_id, giving.now
    owned = holdings.items[player_id, given.item_id]
    if not owned.quantity:
        holdings.change_quantity(player_id, given.item_id, 1, parcel.source)
    if given.expiration is None:
        return {**entry, "quantity": 1 - owned.quantity}
    end = extended(owned.expires_at, given.expiration, given.quantity, now)
    holdings.move_end(player_id, given.item_id, end, parcel.source, now=now)
    seconds = (end - max(owned.expires_at or now, now)).total_seconds()
    return {**entry, "kind": "time", "seconds": seconds}


async def _give_keys(db: Session, project_id: int, giving: _Giving) -> None:
    """Take codes out of their pools and make the rights. Rights in one order, whatever the order of the parcels."""
    for player_id, source, given, entry in sorted(giving.keys, key=lambda key: (key[0], key[2].item_id)):
        codes: list[int] = []
        if not is_before_release(given.pre_order, giving.now):
            codes = await _take_codes(db, project_id, player_id, source, given, giving.now)
        entitlement_id = await add_entitlement(
            db,
            project_id,
            player_id,
            item_id=given.item_id,
            code_id=codes[0] if codes else None,
            mode=Mode.DEFAULT,
            source=source,
            now=giving.now,
        )
        entry |= {"code_ids": codes, "entitlement_id": entitlement_id}
        rows = [key_row(given.item_id, code_id, -1) for code_id in codes]
        if entitlement_id is not None:
            rows.append(entitlement_row(given.item_id, entitlement_id, 1))
        giving.holdings.rows += [AccountRow(player_id, source, row) for row in rows]


async def _take_codes(
    db: Session, project_id: int, player_id: UUID, source: str, given: KeyGrant, now: datetime
) -> list[int]:
    """The oldest codes that are valid in the country: of a region with it, else of no region."""
    regions: list[int | None] = [None]
    if given.country is not None or given.is_anywhere:
        known = await list_regions(db, project_id)
        fitting = (each.region_id for each in known if given.is_anywhere or given.country in each.countries)
        regions = [*fitting, None]
    taken: list[int] = []
    for region_id in regions:
        if len(taken) == given.quantity:
            break
        codes = await take_sealed_codes(
            db,
            project_id,
            given.item_id,
            region_id,
            quantity=given.quantity - len(taken),
            state=CodeState.USED,
            source=source,
            player_id=player_id,
            now=now,
        )
        taken += [code_id for code_id, _ in codes]
    if len(taken) < given.quantity:
        raise KEYS_TOO_FEW(quantity=given.quantity, sku=given.sku)
    return taken
