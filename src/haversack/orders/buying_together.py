"""Purchases of several players in one call of the database: those that come while the ones before are under way.

Statements and the commit are most of what a purchase costs, and many share them. Each keeps its own outcome: where one
is refused, or would have to wait for a turn, nothing of the call is kept and each goes alone.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy import text

from haversack.database.engine import Database, Session
from haversack.inventory.ledger import LedgerRow

# Calls of one project under way at once: while one waits for its commit, another computes.
CALLS_MAX = 2
TOGETHER_MAX = 32

# What differs from one purchase to the next, in the order of the function's parameters.
EACH = (
    "players",
    "turns",
    "orders",
    "nows",
    "expires",
    "currency_types",
    "currencies",
    "amounts",
    "amounts_before",
    "externals",
    "guests",
    "sandboxes",
    "countries",
    "emails",
    "locales",
    "platforms",
    "parameters",
    "contents",
    "lines",
    "events",
    "bodies",
)
USES = ("use_of", "use_items", "use_quantities", "use_limits", "use_windows")
CREDITS = ("credit_of", "credit_skus", "credit_amounts")
ITEMS = ("item_of", "item_ids", "item_quantities")
STOCKS = ("stock_items", "stock_quantities")
ROWS = ("row_of", "row_kinds", "row_subjects", "row_changes", "row_details")
PARAMETERS = ("project", "version", *EACH, *USES, "payers", *CREDITS, *ITEMS, "singles", *STOCKS, *ROWS)
BUY_TOGETHER = text(f"SELECT buy_together({', '.join(f':{name}' for name in PARAMETERS)}) AS delivery_ids")

ALONE = "HV903"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What is bought, as numbers: the same for everybody who orders the same.

    uses: item, quantity, limit and window, one at most. credits, items, stocks: what they are of, and how many.
    rows: of the ledger, before and after the one of the payment.
    """

    content: str
    lines: str
    uses: tuple[tuple[int, int, int, datetime], ...]
    credits: tuple[tuple[str, int], ...]
    items: tuple[tuple[int, int], ...]
    singles: tuple[int, ...]
    stocks: tuple[tuple[int, int], ...]
    rows_before: tuple[LedgerRow, ...]
    rows_after: tuple[LedgerRow, ...]


NO_GOODS = Goods(
    content="[]", lines="[]", uses=(), credits=(), items=(), singles=(), stocks=(), rows_before=(), rows_after=()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One player's purchase. `values`: in the order of EACH. `rows`: all of its rows of the ledger."""

    project_id: int
    player_id: UUID
    is_paid: bool
    values: tuple[Any, ...]
    goods: Goods
    rows: tuple[LedgerRow, ...]

    @property
    def is_alone(self) -> bool:
        """Those for limited stock wait for each other at its row; one without a trace has no place in the ledger."""
        return bool(self.goods.stocks) or not self.rows


class _Alone(Exception):
    """The purchase has to be made by itself."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    purchase: Purchase
    future: "asyncio.Future[int | None]"


_waiting: WeakKeyDictionary[Database, dict[tuple[int, int], "_Queue"]] = WeakKeyDictionary()


class _Queue:
    """The purchases of one project that wait, and the calls under way. All want the same version of the webhook."""

    def __init__(self, database: Database, project_id: int, version: int) -> None:
        self._database = database
        self._project_id = project_id
        self._version = version
        self._waiting: list[_Waiting] = []
        self._calls: set[asyncio.Task[None] | None] = set()

    @property
    def is_idle(self) -> bool:
        return not self._waiting and not self._calls

    async def buy(self, purchase: Purchase) -> int | None:
        future: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(purchase, future))
        if len(self._calls) < CALLS_MAX:
            self._calls.add(asyncio.create_task(self._buy_waiting(), name="purchases together"))
        return await future

    async def _buy_waiting(self) -> None:
        try:
            while self._waiting:
                await self._buy_on_one_connection()
        finally:
            # Nothing is awaited after the last look: whoever comes now finds a place for a call.
            self._calls.discard(asyncio.current_task())

    async def _buy_on_one_connection(self) -> None:
        """Buy until nobody waits. An error is for those whom it was met for, or who wait for a connection."""
        db = self._database.session()
        taken: list[_Waiting] = []
        try:
            async with db.keep_connection():
                while self._waiting:
                    taken = self._take()
                    await self._buy(db, taken)
                    taken = []
        except Exception as error:
            for each in taken or self._take():
                if not each.future.done():
                    each.future.set_exception(error)

    def _take(self) -> list[_Waiting]:
        """One purchase of each player, in the order in which rows are locked. Whoever has gone buys nothing."""
        chosen: dict[UUID, _Waiting] = {}
        left = []
        for each in self._waiting:
            if each.future.done():
                continue
            if len(chosen) == TOGETHER_MAX or each.purchase.player_id in chosen:
                left.append(each)
            else:
                chosen[each.purchase.player_id] = each
        self._waiting = left
        return [chosen[player_id] for player_id in sorted(chosen)]

    async def _buy(self, db: Session, taken: Sequence[_Waiting]) -> None:
        try:
            delivery_ids = await _call(db, self._project_id, self._version, [each.purchase for each in taken])
        except asyncpg.PostgresError as error:
            if isinstance(error, asyncpg.PostgresConnectionError):
                raise
            for each in taken:
                if not each.future.done():
                    each.future.set_exception(error if len(taken) == 1 else _Alone())
            return
        for each, delivery_id in zip(taken, delivery_ids, strict=True):
            if not each.future.done():
                each.future.set_result(delivery_id)


async def buy_together(db: Session, purchase: Purchase, *, version: int) -> int | None:
    """Make a purchase, with others of the project where there are some. The id of the delivery that has to be sent;
    None where there is nobody to tell. Raises what the function in the database raises of this purchase."""
    if db.in_transaction:
        # A refusal must undo this purchase alone, not what else the transaction of the caller did.
        async with db.begin():
            return await _buy_alone(db, purchase, version)
    if purchase.is_alone:
        return await _buy_alone(db, purchase, version)
    queues = _waiting.setdefault(db.database, {})
    key = (purchase.project_id, version)
    queue = queues.get(key)
    if queue is None:
        queue = queues[key] = _Queue(db.database, purchase.project_id, version)
    try:
        return await queue.buy(purchase)
    except _Alone:
        return await _buy_alone(db, purchase, version)
    finally:
        if queue.is_idle and queues.get(key) is queue:
            del queues[key]


async def _buy_alone(db: Session, purchase: Purchase, version: int) -> int | None:
    return (await _call(db, purchase.project_id, version, [purchase]))[0]


async def _call(db: Session, project_id: int, version: int, purchases: Sequence[Purchase]) -> list[int | None]:
    found: list[int | None] | None = await db.fetch_value(BUY_TOGETHER, **values_of(project_id, version, purchases))
    return [None] * len(purchases) if found is None else found


def values_of(project_id: int, version: int, purchases: Sequence[Purchase]) -> dict[str, Any]:
    """The parameters of the function."""
    goods = [(of, each.goods) for of, each in enumerate(purchases, start=1)]
    rows = [(of, row) for of, each in enumerate(purchases, start=1) for row in each.rows]
    return {
        "project": project_id,
        "version": version,
        **_columns(EACH, [each.values for each in purchases]),
        **_columns(USES, [(of, *use) for of, each in goods for use in each.uses]),
        "payers": sum(each.is_paid for each in purchases),
        **_columns(CREDITS, [(of, *credit) for of, each in goods for credit in each.credits]),
        **_columns(ITEMS, [(of, *item) for of, each in goods for item in each.items]),
        "singles": [item_id for _, each in goods for item_id in each.singles],
        **_columns(STOCKS, [stock for _, each in goods for stock in each.stocks]),
        **_columns(ROWS, [(of, row.kind, row.subject, row.change, row.detail) for of, row in rows]),
    }


def _columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    if not rows:
        return dict.fromkeys(names, ())
    return dict(zip(names, zip(*rows, strict=True), strict=True))
