"""Purchases of several players in one call of the database: those that come while the ones before are under way.

Statements and the commit are most of what a purchase costs, and many share them. Each keeps its own outcome: where one
is refused, or would have to wait for a turn, nothing of the call is kept and each goes alone.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy import text

from haversack.database.engine import UNAVAILABLE, Database, Session

# Calls of one project under way at once: while one waits for its commit, another computes.
CALLS_MAX = 2
TOGETHER_MAX = 32

# The arrays of the function, in its order, each with the type of its elements. They are sent as text, most of which is
# made once for everybody who buys the same: encoding forty arrays element by element took half of a purchase.
EACH = {
    "players": "uuid",
    "turns": "bigint",
    "orders": "integer",
    "nows": "timestamptz",
    "expires": "timestamptz",
    "currency_types": "text",
    "currencies": "text",
    "amounts": "bigint",
    "amounts_before": "bigint",
    "externals": "text",
    "guests": "boolean",
    "sandboxes": "boolean",
    "countries": "text",
    "emails": "text",
    "locales": "text",
    "platforms": "text",
    "parameters": "text",
    "contents": "text",
    "lines": "text",
    "events": "text",
}
USES = {
    "use_of": "integer",
    "use_items": "integer",
    "use_quantities": "integer",
    "use_limits": "integer",
    "use_windows": "timestamptz",
}
CREDITS = {"credit_of": "integer", "credit_skus": "text", "credit_amounts": "bigint"}
ITEMS = {"item_of": "integer", "item_ids": "integer", "item_quantities": "integer"}
SINGLES = {"singles": "integer"}
STOCKS = {"stock_items": "integer", "stock_quantities": "integer"}
ROWS = {
    "row_of": "integer",
    "row_kinds": "text",
    "row_subjects": "text",
    "row_changes": "bigint",
    "row_details": "text",
}


def _arrays(types: Mapping[str, str]) -> str:
    return ", ".join(f"CAST(CAST(:{name} AS text) AS {kind}[])" for name, kind in types.items())


BUY_TOGETHER = text(
    f"SELECT buy_together(:project, :version, {_arrays(EACH)}, :bodies, {_arrays(USES)}, :payers,"
    f" {_arrays(CREDITS | ITEMS | SINGLES | STOCKS | ROWS)}) AS delivery_ids"
)


class Entries(NamedTuple):
    """What one purchase has in several arrays: so many elements in each, as text."""

    size: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What is bought, as numbers: the same for everybody who orders the same.

    content, lines: as elements of their arrays. uses: item, quantity, limit and window, one at most. credits, items,
    stocks: what they are of, and how many.
    """

    content: str
    lines: str
    uses: Entries
    credits: Entries
    items: Entries
    singles: Entries
    stocks: Entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One player's purchase. `values`: as text, in the order of EACH. `body`: of its webhook. `rows`: of the ledger."""

    project_id: int
    player_id: UUID
    is_paid: bool
    values: tuple[str, ...]
    body: bytes
    goods: Goods
    rows: Entries

    @property
    def is_alone(self) -> bool:
        """Those for limited stock wait for each other at its row; one without a trace has no place in the ledger."""
        return self.goods.stocks.size > 0 or not self.rows.size


class _Alone(Exception):
    """The purchase has to be made by itself."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    purchase: Purchase
    future: "asyncio.Future[int | None]"


_queues: WeakKeyDictionary[Database, dict[tuple[int, int], "_Queue"]] = WeakKeyDictionary()


class _Queue:
    """The purchases of one project that wait, and the calls under way. All want the same version of the webhook."""

    def __init__(self, database: Database, project_id: int, version: int) -> None:
        self._database = database
        self._project_id = project_id
        self._version = version
        self._waiting: list[_Waiting] = []
        self._calls: set[asyncio.Task[None] | None] = set()

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
                    if taken:
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
            if isinstance(error, UNAVAILABLE):
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
    queues = _queues.setdefault(db.database, {})
    key = (purchase.project_id, version)
    queue = queues.get(key)
    if queue is None:
        queue = queues[key] = _Queue(db.database, purchase.project_id, version)
    try:
        return await queue.buy(purchase)
    except _Alone:
        return await _buy_alone(db, purchase, version)


async def _buy_alone(db: Session, purchase: Purchase, version: int) -> int | None:
    return (await _call(db, purchase.project_id, version, [purchase]))[0]


async def _call(db: Session, project_id: int, version: int, purchases: Sequence[Purchase]) -> list[int | None]:
    found: list[int | None] | None = await db.fetch_value(BUY_TOGETHER, **values_of(project_id, version, purchases))
    return [None] * len(purchases) if found is None else found


def values_of(project_id: int, version: int, purchases: Sequence[Purchase]) -> dict[str, Any]:
    """The parameters of the function."""
    goods = [each.goods for each in purchases]
    return {
        "project": project_id,
        "version": version,
        **_columns(EACH, [each.values for each in purchases]),
        "bodies": [each.body for each in purchases],
        **_joined(USES, [each.uses for each in goods]),
        "payers": sum(each.is_paid for each in purchases),
        **_joined(CREDITS, [each.credits for each in goods]),
        **_joined(ITEMS, [each.items for each in goods]),
        **_columns(SINGLES, [each.singles.columns for each in goods if each.singles.size]),
        **_columns(STOCKS, [each.stocks.columns for each in goods if each.stocks.size]),
        **_joined(ROWS, [each.rows for each in purchases]),
    }


def _columns(names: Iterable[str], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    if not rows:
        return dict.fromkeys(names, "{}")
    return {name: f"{{{','.join(column)}}}" for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def _joined(names: Iterable[str], entries: Sequence[Entries]) -> dict[str, str]:
    """The arrays of several purchases; the first says whose each element is."""
    return _columns(
        names,
        [(",".join([str(of)] * each.size), *each.columns) for of, each in enumerate(entries, start=1) if each.size],
    )


def entries_of(rows: Sequence[Sequence[Any]]) -> Entries:
    """What one purchase has in several arrays, row by row."""
    return Entries(len(rows), tuple(",".join(map(element, column)) for column in zip(*rows, strict=True)))


def element(value: Any) -> str:
    """A value as an element of an array, whatever text it holds."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
