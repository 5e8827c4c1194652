"""What players own of some things, changed here under their locks and written back together.

A purchase takes the one-statement way (queries/giving.py). This is the way of all else: several players at once,
pieces, ends of time-limited items, taking away. The changes themselves are pure.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from haversack.database.engine import Session
from haversack.errors import ITEM_NOT_OWNED, OWNED_TOO_MANY
from haversack.inventory import ledger
from haversack.inventory.ledger import AccountRow, LedgerRow, write_accounts
from haversack.inventory.queries import holdings as queries
from haversack.inventory.queries.holdings import Balances, Items, Pieces
from haversack.inventory.records import Owned, Piece
from haversack.inventory.rules import OWNED_MAX

BALANCE_MAX = 2**63 - 1


@dataclass(slots=True)
class Holdings:
    """Balances by player and SKU; items by player and id, in number and in pieces; and the rows of the ledger that the
    changes make. What was not asked for when it was locked is a bug to touch."""

    balances: Balances
    items: Items
    pieces: Pieces
    rows: list[AccountRow] = field(default_factory=list)

    def _note(self, player_id: UUID, source: str, row: LedgerRow) -> None:
        if ledger.is_change(row):
            self.rows.append(AccountRow(player_id, source, row))

    def units(self, player_id: UUID, item_id: int) -> int:
        """How many of an item a player has, stacked and in pieces."""
        return self.items[player_id, item_id].quantity + len(self.pieces[player_id, item_id])

    def change_balance(self, player_id: UUID, sku: str, change: int, source: str) -> None:
        """Change a balance; ITEM_NOT_OWNED below nothing."""
        amount = self.balances[player_id, sku] + change
        if amount < 0:
            raise ITEM_NOT_OWNED()
        if amount > BALANCE_MAX:
            raise OWNED_TOO_MANY(sku=sku)
        self.balances[player_id, sku] = amount
        self._note(player_id, source, ledger.balance_row(sku, change))

    def change_quantity(self, player_id: UUID, item_id: int, change: int, source: str, *, sku: str = "") -> None:
        """Change the number of an item that stacks; ITEM_NOT_OWNED below nothing."""
        owned = self.items[player_id, item_id]
        quantity = owned.quantity + change
        if quantity < 0:
            raise ITEM_NOT_OWNED()
        if quantity > OWNED_MAX:
            raise OWNED_TOO_MANY(sku=sku)
        self.items[player_id, item_id] = Owned(quantity, owned.expires_at)
        self._note(player_id, source, ledger.item_row(item_id, change))

    def move_end(
        self, player_id: UUID, item_id: int, expires_at: datetime | None, source: str, *, now: datetime
    ) -> None:
        """Move the end of a time-limited item; None: it has none any more. The ledger has by how many seconds, from
        the end before, or from now where there is none."""
        owned = self.items[player_id, item_id]
        if owned.expires_at == expires_at:
            return
        moved = (expires_at or now) - (owned.expires_at or now)
        self.items[player_id, item_id] = Owned(owned.quantity, expires_at)
        self._note(player_id, source, ledger.expiry_row(item_id, round(moved.total_seconds()), expires_at))

    def add_pieces(self, player_id: UUID, item_id: int, new: Sequence[Piece], source: str) -> None:
        """Add pieces."""
        self.pieces[player_id, item_id] += new
        for piece in new:
            self._note(player_id, source, ledger.instance_row(piece.instance_id, item_id, piece.remaining_uses))

    def use_piece(self, player_id: UUID, item_id: int, instance_id: UUID, uses: int, source: str) -> int:
        """Take so many uses off a piece, or as many as it has, and return how many; 0 where it is gone. A piece
        without uses is gone."""
        pieces = self.pieces[player_id, item_id]
        place = next((place for place, piece in enumerate(pieces) if piece.instance_id == instance_id), None)
        if place is None:
            return 0
        taken = min(uses, pieces[place].remaining_uses)
        if taken == pieces[place].remaining_uses:
            del pieces[place]
        else:
            pieces[place] = Piece(instance_id, pieces[place].remaining_uses - taken)
        self._note(player_id, source, ledger.instance_row(instance_id, item_id, -taken))
        return taken

    def remove_units(self, player_id: UUID, item_id: int, quantity: int, source: str) -> None:
        """Take units away: what is stacked, then whole pieces, the newest first; ITEM_NOT_OWNED where there are
        fewer."""
        if self.units(player_id, item_id) < quantity:
            raise ITEM_NOT_OWNED()
        stacked = min(quantity, self.items[player_id, item_id].quantity)
        self.change_quantity(player_id, item_id, -stacked, source)
        pieces = self.pieces[player_id, item_id]
        for piece in reversed(pieces[len(pieces) - (quantity - stacked) :]):
            self.use_piece(player_id, item_id, piece.instance_id, piece.remaining_uses, source)

    def consume(self, player_id: UUID, item_id: int, quantity: int, source: str) -> None:
        """Use up so many: what is stacked, then uses of pieces, the oldest first; ITEM_NOT_OWNED where there are
        fewer."""
        stacked = min(quantity, self.items[player_id, item_id].quantity)
        left = quantity - stacked
        if left > sum(piece.remaining_uses for piece in self.pieces[player_id, item_id]):
            raise ITEM_NOT_OWNED()
        self.change_quantity(player_id, item_id, -stacked, source)
        for piece in list(self.pieces[player_id, item_id]):
            if left == 0:
                return
            left -= self.use_piece(player_id, item_id, piece.instance_id, left, source)


@dataclass(slots=True)
class LockedHoldings:
    """Holdings with what they were when they were locked."""

    project_id: int
    now: datetime
    after: Holdings
    before: Holdings

    async def save(self, db: Session) -> None:
        """Write back what has changed. The rows of the ledger are written by `write_rows`, after all other locks."""
        before, after = self.before, self.after
        await queries.save_balances(
            db,
            self.project_id,
            {key: amount for key, amount in after.balances.items() if amount != before.balances[key]},
        )
        await queries.save_items(
            db, self.project_id, {key: owned for key, owned in after.items.items() if owned != before.items[key]}
        )
        await queries.save_pieces(db, self.project_id, before.pieces, after.pieces, self.now)

    async def write_rows(self, db: Session) -> None:
        """Write the rows of the ledger."""
        await write_accounts(db, project_id=self.project_id, rows=self.after.rows, now=self.now)


async def lock_holdings(
    db: Session,
    project_id: int,
    *,
    currencies: Collection[tuple[UUID, str]],
    items: Collection[tuple[UUID, int]],
    now: datetime,
) -> LockedHoldings:
    """Lock what players own of some currencies and items, in the one order of locks."""
    assert db.in_transaction, "locks last as long as their transaction"
    balances = await queries.lock_balances(db, project_id, sorted(set(currencies)))
    owned, pieces = await queries.lock_items(db, project_id, sorted(set(items)), now)
    before = Holdings(dict(balances), dict(owned), {key: list(found) for key, found in pieces.items()})
    return LockedHoldings(project_id, now, Holdings(balances, owned, pieces), before)
