"""What orders hold until they end: taken at their creation, given back or sold once, each change in the ledger.

Everything is touched in one order, whoever does it: uses by item, stock by item, pre-orders by item, codes.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.rules import is_before_release
from haversack.catalog.records import ItemKind, ItemLimits
from haversack.catalog.selling import Shop
from haversack.database.engine import Session
from haversack.errors import CODES_TOO_FEW, ITEM_UNAVAILABLE, KEYS_TOO_FEW, USER_LIMIT_EXCEEDED, Refusal
from haversack.inventory.ledger import LedgerRow, stock_row, uses_row
from haversack.limits import reserving
from haversack.limits.queries import change_uses, release_stock, sell_reserved_stock
from haversack.limits.rules import item_window
from haversack.orders.records import NOTHING_RESERVED, Order, OrderLine, Reserved
from haversack.orders.rules import counts_against_limit

# Moves a quantity of an item of a project back; False if there is not so much.
Return: TypeAlias = Callable[[Session, int, int, int], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Held:
    """Lines with what they hold now, what that writes into the ledger, and why some could not get what they need."""

    lines: tuple[OrderLine, ...]
    rows: tuple[LedgerRow, ...]
    faults: tuple[tuple[str, Refusal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose order it is, and what its lines are sold from. ignores_limits: steps of chains are not limited."""

    shop: Shop
    project_id: int
    order_id: int
    player_id: UUID
    country: str | None
    now: datetime
    ignores_limits: bool = False


async def hold(db: Session, holder: Holder, lines: Sequence[OrderLine]) -> Held:
    """Hold what the lines need. With faults the caller's transaction must be undone."""
    work = _Holding(db, holder, lines)
    if not holder.ignores_limits:
        await work.hold_uses()
        await work.hold_stock()
    await work.hold_pre_orders()
    await work.hold_codes()
    return Held(
        lines=tuple(replace(line, reserved=work.reserved[line.line_no]) for line in lines),
        rows=tuple(work.rows),
        faults=tuple(work.faults),
    )


class _Holding:
    """The work of one `hold`: what has been held so far."""

    def __init__(self, db: Session, holder: Holder, lines: Sequence[OrderLine]) -> None:
        self._db = db
        self._holder = holder
        self._lines = sorted(lines, key=lambda line: (line.item_id, line.line_no))
        self.reserved: dict[int, Reserved] = {line.line_no: NOTHING_RESERVED for line in lines}
        self.rows: list[LedgerRow] = []
        self.faults: list[tuple[str, Refusal]] = []

    def _limits(self, line: OrderLine) -> ItemLimits | None:
        item = self._holder.shop.find_by_id(line.item_id)
        return None if item is None else item.limits

    def _refuse(self, line: OrderLine, refusal: Refusal) -> None:
        self.faults.append((line.sku, refusal))

    def _add(self, line: OrderLine, reserved: Reserved) -> None:
        self.reserved[line.line_no] = reserved

    async def hold_uses(self) -> None:
        """What counts against a player's limit of its item."""
        limited = [
            (line, limits)
            for line in self._lines
            if counts_against_limit(line) and (limits := self._limits(line)) is not None and limits.per_user is not None
        ]
        if not limited:
            return
        holder = self._holder
        resets = await reserving.list_resets_of(self._db, holder.project_id, [line.item_id for line, _ in limited])
        for line, limits in limited:
            assert limits.per_user is not None
            window = item_window(limits, holder.now, reset_at=resets.get(line.item_id))
            used = await change_uses(
                self._db,
                holder.project_id,
                holder.player_id,
                line.item_id,
                change=line.quantity,
                limit=limits.per_user,
                window_start=window.start,
            )
            if used is None:
                self._refuse(line, USER_LIMIT_EXCEEDED(sku=line.sku))
                continue
            self._add(line, replace(self.reserved[line.line_no], uses=line.quantity, uses_window=window.start))
            self.rows.append(uses_row(line.item_id, window.start, line.quantity))

    async def hold_stock(self) -> None:
        """Units of limited items, also of those inside of bundles: nothing is sold that is not there."""
        for line in self._lines:
            limits = self._limits(line)
            if limits is None or limits.per_item is None:
                continue
            is_held = await reserving.hold_stock(self._db, self._holder.project_id, line.item_id, line.quantity)
            if is_held is False:
                self._refuse(line, ITEM_UNAVAILABLE(sku=line.sku, reason=f"fewer than {line.quantity} of it are left"))
            elif is_held:
                self._add(line, replace(self.reserved[line.line_no], stock=line.quantity))
                self.rows.append(stock_row(line.item_id, "reserved", line.quantity))

    async def hold_pre_orders(self) -> None:
        """Pre-orders, as long as the item is not out and their number is limited."""
        for line in self._lines:
            if not is_before_release(line.pre_order, self._holder.now):
                continue
            is_held = await reserving.hold_pre_orders(self._db, self._holder.project_id, line.item_id, line.quantity)
            if is_held is False:
                is_key = line.kind is ItemKind.GAME_KEY
                reason = f"fewer than {line.quantity} pre-orders of it are left"
                refusal = (
                    KEYS_TOO_FEW(quantity=line.quantity, sku=line.sku)
                    if is_key
                    else ITEM_UNAVAILABLE(sku=line.sku, reason=reason)
                )
                self._refuse(line, refusal)
            elif is_held:
                self._add(line, replace(self.reserved[line.line_no], pre_orders=line.quantity))

    async def hold_codes(self) -> None:
        """Codes of keys that are out. Before its release a key is sold without a code."""
        holder = self._holder
        for line in self._lines:
            if line.kind is not ItemKind.GAME_KEY or is_before_release(line.pre_order, holder.now):
                continue
            taken = await reserving.hold_codes(
                self._db,
                holder.project_id,
                line.item_id,
                # A bonus is given wherever its buyer is.
                pools_of(holder.shop.catalog, holder.country, is_anywhere=line.is_bonus),
                quantity=line.quantity,
                source=f"order:{holder.order_id}",
                player_id=holder.player_id,
                now=holder.now,
            )
            if taken is None:
                self._refuse(line, CODES_TOO_FEW(quantity=line.quantity))
                continue
            codes = tuple((line.item_id, code_id) for code_id in taken)
            self._add(line, replace(self.reserved[line.line_no], codes=codes))


def pools_of(catalog: Catalog, country: str | None, *, is_anywhere: bool = False) -> list[int | None]:
    """Whose codes somebody in a country may get: those of the regions that have it, and those of no region.

    is_anywhere: those of all regions."""
    regions: list[int | None] = [
        region.region_id
        for region in catalog.taxonomy.regions
        if is_anywhere or (country is not None and country in region.countries)
    ]
    return [*regions, None]


async def give_back(db: Session, order: Order) -> Held:
    """Give back everything that an unpaid order holds."""
    return await _return(db, order, column="reserved", stock=release_stock, pre_orders=reserving.give_back_pre_orders)


async def take_back_sold(db: Session, order: Order) -> Held:
    """Put what a paid order has bought of limited things back for sale. Codes are not: their buyer has seen them."""
    return await _return(
        db, order, column="sold", stock=reserving.return_sold_stock, pre_orders=reserving.return_sold_pre_orders
    )


async def _return(db: Session, order: Order, *, column: str, stock: Return, pre_orders: Return) -> Held:
    rows: list[LedgerRow] = []
    holding = _holding(order)
    for line in holding:
        held = line.reserved
        if held.uses and held.uses_window is not None:
            is_back = await reserving.give_back_uses(
                db, order.project_id, order.player_id, line.item_id, held.uses, window_start=held.uses_window
            )
            if is_back:
                rows.append(uses_row(line.item_id, held.uses_window, -held.uses))
    for line in holding:
        if line.reserved.stock and await stock(db, order.project_id, line.item_id, line.reserved.stock):
            rows.append(stock_row(line.item_id, column, -line.reserved.stock))
    for line in holding:
        if line.reserved.pre_orders:
            await pre_orders(db, order.project_id, line.item_id, line.reserved.pre_orders)
    for line in holding:
        await free_codes(db, order, line)
    return Held(tuple(replace(line, reserved=NOTHING_RESERVED) for line in order.lines), tuple(rows), ())


async def free_codes(db: Session, order: Order, line: OrderLine) -> None:
    """Put the codes of a line back into their pools."""
    for item_id in {item_id for item_id, _ in line.reserved.codes}:
        await reserving.free_codes(
            db, order.project_id, item_id, [code for item, code in line.reserved.codes if item == item_id]
        )


async def sell(db: Session, order: Order) -> Held:
    """Count what an order's lines hold as sold; what a paid order holds is what it has bought.

    Uses of a limit are counted already. The codes go back into their pools for `grant`, which takes them again in the
    same transaction: nobody else can see them there.
    """
    rows: list[LedgerRow] = []
    holding = _holding(order)
    for line in holding:
        held = line.reserved.stock
        # A limit that the studio took off meanwhile, and with it the stock, holds nobody up.
        if held and await sell_reserved_stock(db, order.project_id, line.item_id, held):
            rows += (stock_row(line.item_id, "reserved", -held), stock_row(line.item_id, "sold", held))
    for line in holding:
        if line.reserved.pre_orders:
            await reserving.sell_held_pre_orders(db, order.project_id, line.item_id, line.reserved.pre_orders)
    for line in holding:
        await free_codes(db, order, line)
    kept = tuple(replace(line, reserved=replace(line.reserved, codes=())) for line in order.lines)
    return Held(kept, tuple(rows), ())


def _holding(order: Order) -> list[OrderLine]:
    lines = [line for line in order.lines if not line.reserved.is_nothing]
    return sorted(lines, key=lambda line: (line.item_id, line.line_no))


def merged_rows(rows: Iterable[LedgerRow]) -> list[LedgerRow]:
    """Rows of one thing as one row: what was held and sold in one transaction was never held for anybody to see."""
    totals: dict[tuple[str, str, str], int] = {}
    for row in rows:
        key = (row.kind, row.subject, row.detail)
        totals[key] = totals.get(key, 0) + row.change
    return [LedgerRow(kind, subject, change, detail) for (kind, subject, detail), change in totals.items() if change]
