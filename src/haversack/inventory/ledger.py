"""The books: one row for each change of what players and the studio have, written in the transaction of the change.

The database numbers the rows of each account and chains them by their hashes (database/migrations, `chain_ledger`), and
it refuses to change or delete one. Writing locks the account's head until the transaction ends: write it last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Integer, Text, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql import UUID as UUID_COLUMN

from haversack.database.engine import Session
from haversack.inventory.tables import STUDIO_ACCOUNT, ledger

STUDIO = UUID(STUDIO_ACCOUNT)


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One change. `kind` and what `subject`, `change` and `detail` hold then: docs/decisions.md, "Inventory"."""

    kind: str
    subject: str
    change: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """A row with the account that it belongs to, and what it was written for."""

    player_id: UUID
    source: str
    row: LedgerRow


_rows = (
    func.unnest(
        bindparam("players", type_=ARRAY(UUID_COLUMN(as_uuid=True))),
        bindparam("kinds", type_=ARRAY(Text)),
        bindparam("subjects", type_=ARRAY(Text)),
        bindparam("changes", type_=ARRAY(BigInteger)),
        bindparam("details", type_=ARRAY(Text)),
        bindparam("sources", type_=ARRAY(Text)),
    )
    .table_valued(
        column("player_id", UUID_COLUMN(as_uuid=True)),
        column("kind", Text),
        column("subject", Text),
        column("change", BigInteger),
        column("detail", Text),
        column("source", Text),
        name="changes",
    )
    .render_derived()
)
WRITE_LEDGER = insert(ledger).from_select(
    ["project_id", "player_id", "kind", "subject", "change", "detail", "source", "changed_at"],
    select(
        bindparam("project", type_=Integer),
        _rows.c.player_id,
        _rows.c.kind,
        _rows.c.subject,
        _rows.c.change,
        _rows.c.detail,
        _rows.c.source,
        bindparam("now", type_=DateTime(timezone=True)),
    ),
)


async def write_ledger(
    db: Session, *, project_id: int, player_id: UUID, source: str, rows: Sequence[LedgerRow], now: datetime
) -> None:
    """Write the rows of one account, in their order. Rows that change nothing are left out."""
    await write_accounts(db, project_id=project_id, rows=[AccountRow(player_id, source, row) for row in rows], now=now)


async def write_accounts(db: Session, *, project_id: int, rows: Iterable[AccountRow], now: datetime) -> None:
    """Write the rows of several accounts, each account's in their order."""
    assert db.in_transaction, "a row of the ledger belongs to the transaction of its change"
    # Heads are locked in one order, whoever writes.
    changes = sorted((each for each in rows if is_change(each.row)), key=lambda each: each.player_id)
    if not changes:
        return
    await db.execute(
        WRITE_LEDGER,
        project=project_id,
        players=[each.player_id for each in changes],
        kinds=[each.row.kind for each in changes],
        subjects=[each.row.subject for each in changes],
        changes=[each.row.change for each in changes],
        details=[each.row.detail for each in changes],
        sources=[each.source for each in changes],
        now=now,
    )


def is_change(row: LedgerRow) -> bool:
    """Whether a row says anything: an end may go from "none" to now and back without having moved."""
    return row.change != 0 or row.kind == EXPIRY


BALANCE = "balance"
ITEM = "item"
INSTANCE = "instance"
EXPIRY = "expiry"
STOCK = "stock"
USES = "uses"
KEY = "key"
ENTITLEMENT = "entitlement"
PROMOTION = "promotion"
PROMOTION_CODE = "promotion_code"
PROMOTION_TOTAL = "promotion_total"
CHAIN = "chain"
POINTS = "points"


def balance_row(sku: str, change: int) -> LedgerRow:
    """A balance has changed."""
    return LedgerRow(BALANCE, sku, change)


def item_row(item_id: int, change: int) -> LedgerRow:
    """The number of an item that stacks has changed."""
    return LedgerRow(ITEM, str(item_id), change)


def instance_row(instance_id: UUID, item_id: int, change: int) -> LedgerRow:
    """The uses of a piece have changed."""
    return LedgerRow(INSTANCE, instance_id.hex, change, str(item_id))


def expiry_row(item_id: int, seconds: int, expires_at: datetime | None) -> LedgerRow:
    """The end of a time-limited item has moved; None: it has none any more."""
    return LedgerRow(EXPIRY, str(item_id), seconds, "" if expires_at is None else moment_text(expires_at))


def stock_row(item_id: int, column_name: str, change: int) -> LedgerRow:
    """Units of a limited stock were reserved or sold, or (a negative change) no longer are."""
    assert column_name in ("reserved", "sold"), "available follows from the total"
    return LedgerRow(STOCK, str(item_id), change, column_name)


def uses_row(item_id: int, window_start: datetime, change: int) -> LedgerRow:
    """A player's uses of a limit in a window have changed."""
    return LedgerRow(USES, str(item_id), change, moment_text(window_start))


def key_row(item_id: int, code_id: int, change: int) -> LedgerRow:
    """A code has left its pool for a player (-1), or is back (+1)."""
    return LedgerRow(KEY, str(item_id), change, str(code_id))


def entitlement_row(item_id: int, entitlement_id: int, change: int) -> LedgerRow:
    """A right to a game was given (+1) or taken away (-1)."""
    return LedgerRow(ENTITLEMENT, str(item_id), change, str(entitlement_id))


def promotion_row(promotion_id: int, window_start: datetime, change: int) -> LedgerRow:
    """A player's uses of a promotion in a window have changed."""
    return LedgerRow(PROMOTION, str(promotion_id), change, moment_text(window_start))


def promotion_code_row(promotion_id: int, code_no: int, change: int) -> LedgerRow:
    """Uses of a promotion's code have changed, those that are reserved among them. The code itself stays secret."""
    return LedgerRow(PROMOTION_CODE, str(promotion_id), change, str(code_no))


def promotion_total_row(promotion_id: int, change: int) -> LedgerRow:
    """Uses of a promotion by everybody have changed, those that are reserved among them."""
    return LedgerRow(PROMOTION_TOTAL, str(promotion_id), change)


def chain_row(chain_id: int, window_start: datetime, step_id: int) -> LedgerRow:
    """A player has taken a step of a chain in a window."""
    return LedgerRow(CHAIN, str(chain_id), 1, f"{moment_text(window_start)} {step_id}")


def points_row(value_point_id: int, window_start: datetime, clan: str, change: int) -> LedgerRow:
    """A player's value points in a window have changed: their own, or what they brought to a clan."""
    return LedgerRow(POINTS, str(value_point_id), change, f"{moment_text(window_start)} {clan}".rstrip())


def moment_text(moment: datetime) -> str:
    """A moment as rows hold it: ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat()
