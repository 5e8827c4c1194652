"""Taking back what a grant gave: as much of it as is still there."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from haversack.catalog.keys.queries.entitlements import revoke_entitlement_by_id
from haversack.database.engine import Session
from haversack.inventory.holdings import Holdings, LockedHoldings, lock_holdings
from haversack.inventory.ledger import AccountRow, entitlement_row
from haversack.inventory.parcels import Entry
from haversack.inventory.queries import giving as queries

_GOODS = ("item", "pieces", "time")


async def take_entries(
    db: Session, project_id: int, player_id: UUID, *, entries: Sequence[Entry], source: str, now: datetime
) -> None:
    """Take away what the entries of a grant say, never more than there is. The row of `source`, which the caller has
    claimed, keeps what was taken, and under `missing` what was not there any more."""
    locked = await lock_holdings(
        db,
        project_id,
        currencies=[(player_id, entry["sku"]) for entry in entries if _kind_of(entry) == "currency"],
        items=[(player_id, entry["item_id"]) for entry in entries if _kind_of(entry) in _GOODS],
        now=now,
    )
    taken = [_take_out(locked.after, player_id, entry, source, now) for entry in entries if _kind_of(entry) != "key"]
    await locked.save(db)
    for entry in entries:
        if _kind_of(entry) == "key":
            taken.append(await _revoke(db, project_id, locked, player_id, entry, source))
    await queries.add_grant(db, project_id=project_id, source=source, player_id=player_id, content=taken, now=now)
    await locked.write_rows(db)


def _kind_of(entry: Entry) -> str:
    return str(entry.get("kind", "currency"))


def _take_out(holdings: Holdings, player_id: UUID, entry: Entry, source: str, now: datetime) -> Entry:
    match _kind_of(entry):
        case "currency":
            quantity = min(entry["quantity"], holdings.balances[player_id, entry["sku"]])
            holdings.change_balance(player_id, entry["sku"], -quantity, source)
            return {**entry, "quantity": quantity, "missing": entry["quantity"] - quantity}
        case "item":
            quantity = min(entry["quantity"], holdings.items[player_id, entry["item_id"]].quantity)
            holdings.change_quantity(player_id, entry["item_id"], -quantity, source)
            return {**entry, "quantity": quantity, "missing": entry["quantity"] - quantity}
        case "pieces":
            return _take_pieces(holdings, player_id, entry, source)
        case "time":
            return _shorten(holdings, player_id, entry, source, now)
    raise AssertionError(f"a grant has no entries of kind {entry['kind']}")


def _take_pieces(holdings: Holdings, player_id: UUID, entry: Entry, source: str) -> Entry:
    """Take the pieces, with what is left of their uses."""
    item_id = entry["item_id"]
    known = {piece.instance_id: piece for piece in holdings.pieces[player_id, item_id]}
    found = [known[UUID(hexed)] for hexed in entry["instance_ids"] if UUID(hexed) in known]
    for piece in found:
        holdings.use_piece(player_id, item_id, piece.instance_id, piece.remaining_uses, source)
    return {
        **entry,
        "quantity": len(found),
        "instance_ids": [piece.instance_id.hex for piece in found],
        "missing": entry["quantity"] - len(found),
    }


def _shorten(holdings: Holdings, player_id: UUID, entry: Entry, source: str, now: datetime) -> Entry:
    """Move the end of a time-limited item back by as much as the grant moved it. What would end by now is gone."""
    item_id = entry["item_id"]
    owned = holdings.items[player_id, item_id]
    if owned.expires_at is None or owned.expires_at <= now:
        return {**entry, "seconds": 0, "missing": entry["seconds"]}
    end = owned.expires_at - timedelta(seconds=entry["seconds"])
    if end > now:
        holdings.move_end(player_id, item_id, end, source, now=now)
        return {**entry, "missing": 0}
    seconds = (owned.expires_at - now).total_seconds()
    holdings.change_quantity(player_id, item_id, -owned.quantity, source)
    holdings.move_end(player_id, item_id, None, source, now=now)
    return {**entry, "seconds": seconds, "missing": entry["seconds"] - seconds}


async def _revoke(
    db: Session, project_id: int, locked: LockedHoldings, player_id: UUID, entry: Entry, source: str
) -> Entry:
    """Take the right to a game away. Its codes stay used: the player has seen them."""
    entitlement_id = entry["entitlement_id"]
    is_revoked = entitlement_id is not None and await revoke_entitlement_by_id(
        db, project_id, player_id, entitlement_id, now=locked.now
    )
    if is_revoked:
        row = entitlement_row(entry["item_id"], entitlement_id, -1)
        locked.after.rows.append(AccountRow(player_id, source, row))
    return {**entry, "missing": len(entry["code_ids"])}
