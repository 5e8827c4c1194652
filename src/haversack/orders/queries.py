"""Reads and writes of orders. An order is found with its lines by one statement."""

import hashlib
from collections import deque
from collections.abc import Sequence
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy import (
    BigInteger,
    DateTime,
    Integer,
    Text,
    and_,
    any_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from haversack.database.engine import Database, Session
from haversack.errors import ORDER_NOT_FOUND
from haversack.inventory.tables import owned_items
from haversack.orders.records import ChainStep, CurrencyType, Order, OrderLine, OrderState
from haversack.orders.stored_forms import (
    chain_step_form,
    chain_step_of,
    codes_form,
    details_form,
    line_of,
    promotions_form,
    promotions_of,
)
from haversack.orders.tables import order_ids, order_lines, orders
from haversack.projects.records import OrderDestination

_MOMENT = DateTime(timezone=True)
# Order ids taken at once. Those that a process has not used when it ends are used by nobody.
IDS_TAKEN = 100

TAKE_IDS = select(order_ids.next_value().label("order_id")).select_from(
    func.generate_series(1, bindparam("n", type_=Integer))
)
_of_order = (orders.c.project_id == bindparam("project"), orders.c.order_id == bindparam("order"))
LIST_LINES = (
    select(order_lines)
    .where(
        order_lines.c.project_id == bindparam("project"),
        order_lines.c.order_id == any_(bindparam("order_ids", type_=ARRAY(Integer))),
    )
    .order_by(order_lines.c.order_id, order_lines.c.line_no)
)
FIND_ORDER = select(orders).where(*_of_order)
LOCK_ORDERS = (
    select(orders)
    .where(
        orders.c.project_id == bindparam("project"),
        orders.c.order_id == any_(bindparam("order_ids", type_=ARRAY(Integer))),
    )
    .order_by(orders.c.order_id)
    .with_for_update()
)
ADD_ORDER = insert(orders).values(
    {column.name: bindparam(f"of_{column.name}", type_=column.type) for column in orders.columns}
)
ADD_LINE = insert(order_lines).values(
    {column.name: bindparam(f"of_{column.name}", type_=column.type) for column in order_lines.columns}
)
SAVE_STATE = (
    update(orders)
    .where(*_of_order)
    .values(
        state=bindparam("to_state"),
        paid_at=bindparam("of_paid_at", type_=_MOMENT),
        ended_at=bindparam("of_ended_at", type_=_MOMENT),
        payment_id=bindparam("of_payment_id", type_=Integer),
        comment=bindparam("of_comment", type_=Text),
        delivery_id=bindparam("of_delivery_id", type_=BigInteger),
    )
)
SAVE_PROMOTIONS = update(orders).where(*_of_order).values(promotions=bindparam("of_promotions", type_=JSONB))
SAVE_RESERVED = (
    update(order_lines)
    .where(
        order_lines.c.project_id == bindparam("project"),
        order_lines.c.order_id == bindparam("order"),
        order_lines.c.line_no == bindparam("line"),
    )
    .values(
        stock_reserved=bindparam("of_stock", type_=Integer),
        uses_reserved=bindparam("of_uses", type_=Integer),
        uses_window=bindparam("of_window", type_=_MOMENT),
        pre_orders_reserved=bindparam("of_pre_orders", type_=Integer),
        codes_reserved=bindparam("of_codes", type_=JSONB),
        codes_owed=bindparam("of_owed", type_=Integer),
    )
)
_holds = or_(
    order_lines.c.stock_reserved > 0,
    order_lines.c.uses_reserved > 0,
    order_lines.c.pre_orders_reserved > 0,
    order_lines.c.codes_reserved.is_not(None),
)
_line_of_order = and_(order_lines.c.project_id == orders.c.project_id, order_lines.c.order_id == orders.c.order_id)
_unpaid_of_player = (
    orders.c.project_id == bindparam("project"),
    orders.c.player_id == bindparam("player"),
    # Written out, so that the planner knows that the partial index serves.
    orders.c.state == literal_column("'new'", Text),
)
LIST_RIVALS = (
    select(orders.c.order_id)
    .where(
        *_unpaid_of_player,
        exists().where(_line_of_order, order_lines.c.item_id == any_(bindparam("items", type_=ARRAY(Integer))), _holds),
    )
    .order_by(orders.c.order_id)
)
LIST_OF_STEP = (
    select(orders.c.order_id)
    .where(*_unpaid_of_player, orders.c.chain_step == bindparam("step", type_=JSONB))
    .order_by(orders.c.order_id)
)
# What only the player's own limit holds stands in nobody's way.
COUNT_HOLDING = (
    select(func.count())
    .select_from(orders)
    .where(
        *_unpaid_of_player,
        exists().where(
            _line_of_order,
            or_(
                order_lines.c.stock_reserved > 0,
                order_lines.c.pre_orders_reserved > 0,
                order_lines.c.codes_reserved.is_not(None),
            ),
        ),
    )
)
LIST_OWNED = select(owned_items.c.item_id).where(
    owned_items.c.project_id == bindparam("project"),
    owned_items.c.player_id == bindparam("player"),
    owned_items.c.item_id == any_(bindparam("items", type_=ARRAY(Integer))),
    owned_items.c.quantity > 0,
)
TAKE_TURN = select(func.pg_advisory_xact_lock(bindparam("turn", type_=BigInteger)))


_ids: WeakKeyDictionary[Database, deque[int]] = WeakKeyDictionary()


async def take_order_id(database: Database, db: Session) -> int:
    """A number that no order has. The process takes many at once."""
    held = _ids.setdefault(database, deque())
    if not held:
        held.extend(row["order_id"] for row in await db.fetch_all(TAKE_IDS, n=IDS_TAKEN))
    return held.popleft()


def order_of(row: Any, lines: Sequence[OrderLine]) -> Order:
    """The order of a row with the columns of `orders`."""
    return Order(
        project_id=row["project_id"],
        order_id=row["order_id"],
        player_id=row["player_id"],
        external_id=row["external_id"],
        is_guest=row["is_guest"],
        state=OrderState(row["state"]),
        is_sandbox=row["is_sandbox"],
        currency_type=CurrencyType(row["currency_type"]),
        currency=row["currency"],
        amount=row["amount"],
        amount_without_discount=row["amount_without_discount"],
        country=row["country"],
        email=row["email"],
        locale=row["locale"],
        platform=row["platform"],
        destination=OrderDestination(row["destination"]),
        cart_id=row["cart_id"],
        custom_parameters=row["custom_parameters"],
        payment_id=row["payment_id"],
        comment=row["comment"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        paid_at=row["paid_at"],
        ended_at=row["ended_at"],
        delivery_id=row["delivery_id"],
        lines=tuple(lines),
        promotions=promotions_of(row["promotions"]),
        chain_step=chain_step_of(row["chain_step"]),
    )


async def with_lines(db: Session, project_id: int, rows: Sequence[asyncpg.Record]) -> list[Order]:
    """The orders of rows of one project, with their lines."""
    if not rows:
        return []
    lines: dict[int, list[OrderLine]] = {row["order_id"]: [] for row in rows}
    for line in await db.fetch_all(LIST_LINES, project=project_id, order_ids=list(lines)):
        lines[line["order_id"]].append(line_of(line))
    return [order_of(row, lines[row["order_id"]]) for row in rows]


async def find_order(db: Session, project_id: int, order_id: int) -> Order | None:
    """An order with its lines, or None."""
    row = await db.fetch_one(FIND_ORDER, project=project_id, order=order_id)
    return None if row is None else (await with_lines(db, project_id, [row]))[0]


async def get_order(db: Session, project_id: int, order_id: int) -> Order:
    """An order with its lines, or ORDER_NOT_FOUND."""
    order = await find_order(db, project_id, order_id)
    if order is None:
        raise ORDER_NOT_FOUND()
    return order


async def lock_orders(db: Session, project_id: int, order_ids: Sequence[int]) -> dict[int, Order]:
    """Orders by their ids, locked in the order of their ids until the transaction ends."""
    assert db.in_transaction, "a lock lasts as long as its transaction"
    rows = await db.fetch_all(LOCK_ORDERS, project=project_id, order_ids=list(order_ids))
    return {order.order_id: order for order in await with_lines(db, project_id, rows)}


async def lock_order(db: Session, project_id: int, order_id: int) -> Order:
    """An order, locked until the transaction ends, or ORDER_NOT_FOUND."""
    found = await lock_orders(db, project_id, [order_id])
    if order_id not in found:
        raise ORDER_NOT_FOUND()
    return found[order_id]


async def list_rivals(db: Session, project_id: int, player_id: UUID, item_ids: Sequence[int]) -> list[int]:
    """The player's unpaid orders that hold something limited of these items, by id."""
    rows = await db.fetch_all(LIST_RIVALS, project=project_id, player=player_id, items=list(item_ids))
    return [row["order_id"] for row in rows]


async def list_of_step(db: Session, project_id: int, player_id: UUID, step: ChainStep) -> list[int]:
    """The player's unpaid orders of one step of a chain, by id."""
    rows = await db.fetch_all(LIST_OF_STEP, project=project_id, player=player_id, step=chain_step_form(step))
    return [row["order_id"] for row in rows]


async def count_holding(db: Session, project_id: int, player_id: UUID) -> int:
    """How many unpaid orders of a player hold what others want too."""
    return int(await db.fetch_value(COUNT_HOLDING, project=project_id, player=player_id))


def turn_of(project_id: int, player_id: UUID) -> int:
    """The number of a player's turn. That two players may share one by chance harms nothing."""
    digest = hashlib.blake2b(b"orders:%d:%b" % (project_id, player_id.bytes), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


async def take_turn(db: Session, project_id: int, player_id: UUID) -> None:
    """Wait until nothing else changes orders of the player, and let nothing else do so until the transaction ends.

    It comes before every lock on rows. So the orders of one player cannot get into each other's way, in whatever order
    they touch stock, balances and the ledger, and what they count stays true while they act on it.
    """
    assert db.in_transaction, "a turn lasts as long as its transaction"
    await db.execute(TAKE_TURN, turn=turn_of(project_id, player_id))


async def add_order(db: Session, order: Order) -> None:
    """Store an order with its lines."""
    await db.execute(ADD_ORDER, **{f"of_{name}": value for name, value in order_columns(order).items()})
    await db.execute_many(
        ADD_LINE,
        [{f"of_{name}": value for name, value in line_columns(order, line).items()} for line in order.lines],
    )


def order_columns(order: Order) -> dict[str, Any]:
    """The columns of an order's row."""
    return {
        "project_id": order.project_id,
        "order_id": order.order_id,
        "player_id": order.player_id,
        "external_id": order.external_id,
        "is_guest": order.is_guest,
        "state": order.state.value,
        "is_sandbox": order.is_sandbox,
        "currency_type": order.currency_type.value,
        "currency": order.currency,
        "amount": order.amount,
        "amount_without_discount": order.amount_without_discount,
        "country": order.country,
        "email": order.email,
        "locale": order.locale,
        "platform": order.platform,
        "destination": order.destination.value,
        "cart_id": order.cart_id,
        "custom_parameters": order.custom_parameters,
        "promotions": promotions_form(order.promotions),
        "payment_id": order.payment_id,
        "comment": order.comment,
        "created_at": order.created_at,
        "expires_at": order.expires_at,
        "paid_at": order.paid_at,
        "ended_at": order.ended_at,
        "delivery_id": order.delivery_id,
        "chain_step": chain_step_form(order.chain_step),
    }


def line_columns(order: Order, line: OrderLine) -> dict[str, Any]:
    """The columns of a line's row."""
    return {
        "project_id": order.project_id,
        "order_id": order.order_id,
        "line_no": line.line_no,
        "parent_line_no": line.parent_line_no,
        "item_id": line.item_id,
        "sku": line.sku,
        "kind": line.kind.value,
        "quantity": line.quantity,
        "amount": line.amount,
        "amount_without_discount": line.amount_without_discount,
        "is_free": line.is_free,
        "is_bonus": line.is_bonus,
        "details": details_form(line),
        "stock_reserved": line.reserved.stock,
        "uses_reserved": line.reserved.uses,
        "uses_window": line.reserved.uses_window,
        "pre_orders_reserved": line.reserved.pre_orders,
        "codes_reserved": codes_form(line.reserved),
        "codes_owed": line.codes_owed,
        "region_id": line.region_id,
    }


async def save_state(db: Session, order: Order) -> None:
    """Write down where an order stands: its state, its moments, payment, comment and delivery."""
    await db.execute(
        SAVE_STATE,
        project=order.project_id,
        order=order.order_id,
        to_state=order.state.value,
        of_paid_at=order.paid_at,
        of_ended_at=order.ended_at,
        of_payment_id=order.payment_id,
        of_comment=order.comment,
        of_delivery_id=order.delivery_id,
    )


async def save_promotions(db: Session, order: Order) -> None:
    """Write down the promotions of an order, with the uses that it holds."""
    await db.execute(
        SAVE_PROMOTIONS,
        project=order.project_id,
        order=order.order_id,
        of_promotions=promotions_form(order.promotions),
    )


async def save_reserved(db: Session, order: Order, lines: Sequence[OrderLine]) -> None:
    """Write down what lines hold and owe."""
    await db.execute_many(
        SAVE_RESERVED,
        [
            {
                "project": order.project_id,
                "order": order.order_id,
                "line": line.line_no,
                "of_stock": line.reserved.stock,
                "of_uses": line.reserved.uses,
                "of_window": line.reserved.uses_window,
                "of_pre_orders": line.reserved.pre_orders,
                "of_codes": codes_form(line.reserved),
                "of_owed": line.codes_owed,
            }
            for line in lines
        ],
    )


async def list_owned(db: Session, project_id: int, player_id: UUID, item_ids: Sequence[int]) -> frozenset[int]:
    """Which of the items a player owns."""
    rows = await db.fetch_all(LIST_OWNED, project=project_id, player=player_id, items=list(item_ids))
    return frozenset(row["item_id"] for row in rows)
