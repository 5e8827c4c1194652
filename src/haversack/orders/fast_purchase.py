"""Orders that are paid at once and need nothing but numbers, by one call of a function in the database.

The same rules as `checkout` has, and the same rows: most purchases for a virtual currency are of this kind, and
statement by statement they would come to half the rate. What needs more (keys, pieces with uses of their own, items
with an end, pre-orders, the Backpack) takes the general way, and so does what the function finds changed.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg
import orjson

from haversack.catalog.read_model.rules import is_before_release
from haversack.catalog.records import VirtualItemType
from haversack.catalog.selling import Shop
from haversack.database.engine import Session
from haversack.errors import (
    ITEM_UNAVAILABLE,
    NON_CONSUMABLE_OWNED,
    NOT_ENOUGH_CURRENCY,
    OWNED_TOO_MANY,
    USER_LIMIT_EXCEEDED,
    Refusal,
)
from haversack.inventory.ledger import balance_row, item_row, stock_row, uses_row
from haversack.inventory.records import CurrencyGrant, ItemGrant
from haversack.inventory.rules import OWNED_MAX
from haversack.limits.rules import item_window
from haversack.orders import queries, rules
from haversack.orders.buying_together import Entries, Goods, Purchase, buy_together, element, entries_of
from haversack.orders.records import Order, OrderLine, OrderState, Reserved
from haversack.orders.stored_forms import details_form
from haversack.projects.records import OrderDestination, Project
from haversack.webhooks.event_ids import new_event_id
from haversack.webhooks.events import body_of
from haversack.webhooks.order_events import OrderPaid

USED_UP, NOT_ENOUGH, OWNED, SOLD_OUT = "HV001", "HV002", "HV003", "HV004"
CHANGED, OTHER_VERSION = "HV900", "HV901"

# Which form of the webhook each project's endpoint wanted last; the function says where it wants another one by now.
_versions: dict[int, int] = {}


@dataclass(slots=True)
class Numbers:
    """What lines change where that is nothing but numbers, as the function takes it. It holds from `starts` on, up to
    `ends`: then a limit begins anew."""

    lines: tuple[OrderLine, ...]
    starts: datetime | None = None
    ends: datetime | None = None
    uses: list[tuple[int, int, int, datetime]] = field(default_factory=list)
    stocks: list[tuple[int, int]] = field(default_factory=list)
    amounts: list[tuple[str, int]] = field(default_factory=list)
    items: list[tuple[int, int]] = field(default_factory=list)
    singles: dict[int, str] = field(default_factory=dict)
    skus: dict[int, str] = field(default_factory=dict)
    goods: Goods | None = None
    # Of the ledger, by what was paid.
    rows: dict[tuple[str | None, Decimal | None], Entries] = field(default_factory=dict)

    def holds(self, now: datetime) -> bool:
        """Whether the limits' windows are still the same."""
        return (self.starts is None or self.starts <= now) and (self.ends is None or now < self.ends)


def numbers_of(lines: tuple[OrderLine, ...], shop: Shop, now: datetime) -> Numbers | None:
    """What lines change where that is nothing but numbers, else None."""
    found = Numbers(lines)
    reserved: dict[int, Reserved] = {}
    for line in lines:
        if is_before_release(line.pre_order, now):
            return None
        reserved[line.line_no] = _add_limits(found, line, shop, now)
    content = []
    for given in rules.granted_by(lines, country=None):
        match given:
            case CurrencyGrant():
                found.amounts.append((given.sku, given.quantity))
                content.append({"kind": "currency", "sku": given.sku, "quantity": given.quantity})
            case ItemGrant() if _is_number(given) and all(item_id != given.item_id for item_id, _ in found.items):
                if given.virtual_item_type is VirtualItemType.NON_CONSUMABLE:
                    found.singles[given.item_id] = given.sku
                found.items.append((given.item_id, given.quantity))
                content.append({"kind": "item", "item_id": given.item_id, "sku": given.sku, "quantity": given.quantity})
            case _:
                return None
    if len(found.uses) > 1:
        return None
    found.stocks.sort()
    found.lines = tuple(replace(line, reserved=reserved[line.line_no]) for line in lines)
    found.goods = _goods(found, content)
    return found


def _is_number(given: ItemGrant) -> bool:
    is_timed = given.virtual_item_type is VirtualItemType.NON_RENEWING_SUBSCRIPTION
    return not is_timed and given.usages_count is None and given.quantity <= OWNED_MAX


def _add_limits(found: Numbers, line: OrderLine, shop: Shop, now: datetime) -> Reserved:
    item = shop.find_by_id(line.item_id)
    limits = None if item is None else item.limits
    reserved = line.reserved
    if limits is None:
        return reserved
    found.skus[line.item_id] = line.sku
    if limits.per_user is not None and line.parent_line_no is None and not line.is_bonus:
        # A reset by hand within the window is found by the function, which then leaves it to the general way.
        window = item_window(limits, now, reset_at=None)
        found.uses.append((line.item_id, line.quantity, limits.per_user, window.start))
        found.starts = max(window.start, found.starts or window.start)
        if window.next is not None:
            found.ends = min(window.next, found.ends or window.next)
        reserved = replace(reserved, uses=line.quantity, uses_window=window.start)
    if limits.per_item is not None:
        found.stocks.append((line.item_id, line.quantity))
        reserved = replace(reserved, stock=line.quantity)
    return reserved


def _goods(found: Numbers, content: list[dict[str, Any]]) -> Goods:
    """What is the same for everybody who orders these lines."""
    return Goods(
        content=element(orjson.dumps(content).decode()),
        lines=element(orjson.dumps([_line_form(line) for line in found.lines]).decode()),
        uses=entries_of(found.uses),
        credits=entries_of(sorted(found.amounts)),
        items=entries_of(sorted(found.items)),
        singles=entries_of([(item_id,) for item_id in found.singles]),
        stocks=entries_of(found.stocks),
    )


def _ledger_entries(found: Numbers, order: Order) -> Entries:
    """The rows of the ledger."""
    paid = [] if not order.amount or order.currency is None else [balance_row(order.currency, -int(order.amount))]
    rows = (
        *(uses_row(item_id, window, quantity) for item_id, quantity, _, window in found.uses),
        *paid,
        *(balance_row(sku, amount) for sku, amount in found.amounts),
        *(item_row(item_id, quantity) for item_id, quantity in found.items),
        *(stock_row(item_id, "sold", quantity) for item_id, quantity in found.stocks),
    )
    return entries_of([(row.kind, row.subject, row.change, row.detail) for row in rows])


async def buy_at_once(db: Session, order: Order, numbers: Numbers, *, project: Project) -> Order | None:
    """Make, pay and finish an order that stands at its beginning (`new`, nothing held) of the lines that `numbers` was
    made of; None, and nothing changed, where it has to take the general way. Refuses as that does."""
    if order.destination is not OrderDestination.INVENTORY:
        return None
    for item_id, quantity in numbers.items:
        if quantity > 1 and item_id in numbers.singles:
            raise NON_CONSUMABLE_OWNED(sku=numbers.singles[item_id])
    paid_at = order.created_at
    rules.move(rules.move(order.state, OrderState.PAID), OrderState.DONE)
    done = replace(order, state=OrderState.DONE, lines=numbers.lines, paid_at=paid_at, ended_at=paid_at)
    while True:
        version = _versions.get(order.project_id, 1)
        try:
            delivery_id = await buy_together(db, _purchase(order, numbers, project, version), version=version)
        except asyncpg.NumericValueOutOfRangeError:
            raise OWNED_TOO_MANY(sku=order.lines[0].sku) from None
        except asyncpg.PostgresError as error:
            if error.sqlstate == CHANGED:
                return None
            if error.sqlstate == OTHER_VERSION:
                _versions[order.project_id] = int(error.detail or 1)
                continue
            refusal = _refusal(error, numbers, done)
            if refusal is None:
                raise
            raise refusal from None
        return done if delivery_id is None else replace(done, delivery_id=delivery_id)


def _refusal(error: asyncpg.PostgresError, numbers: Numbers, order: Order) -> Refusal | None:
    """What a refusal of the function means; None for what is none."""
    item_id = int(error.detail or 0) if error.sqlstate in (USED_UP, SOLD_OUT) else 0
    sku = numbers.skus.get(item_id, order.lines[0].sku)
    if error.sqlstate == NOT_ENOUGH:
        return NOT_ENOUGH_CURRENCY()
    if error.sqlstate == USED_UP:
        refusal = USER_LIMIT_EXCEEDED(sku=sku)
    elif error.sqlstate == OWNED:
        sku = next(iter(numbers.singles.values()), sku)
        refusal = NON_CONSUMABLE_OWNED(sku=sku)
    elif error.sqlstate == SOLD_OUT:
        quantity = next((quantity for item, quantity in numbers.stocks if item == item_id), 1)
        refusal = ITEM_UNAVAILABLE(sku=sku, reason=f"fewer than {quantity} of it are left")
    else:
        return None
    return rules.refusal_of([(sku, refusal)])


def _purchase(order: Order, numbers: Numbers, project: Project, version: int) -> Purchase:
    assert numbers.goods is not None
    goods, parameters = numbers.goods, order.custom_parameters
    price = (order.currency, order.amount)
    rows = numbers.rows.get(price)
    if rows is None:
        rows = numbers.rows[price] = _ledger_entries(numbers, order)
    return Purchase(
        project_id=order.project_id,
        player_id=order.player_id,
        is_paid=bool(order.amount),
        values=(
            str(order.player_id),
            str(queries.turn_of(order.project_id, order.player_id)),
            str(order.order_id),
            f'"{order.created_at}"',
            f'"{order.expires_at}"',
            order.currency_type.value,
            element(order.currency),
            element(_whole(order.amount)),
            element(_whole(order.amount_without_discount)),
            element(order.external_id),
            str(order.is_guest),
            str(order.is_sandbox),
            element(order.country),
            element(order.email),
            element(order.locale),
            element(order.platform),
            element(None if parameters is None else orjson.dumps(parameters).decode()),
            goods.content,
            goods.lines,
            new_event_id(),
        ),
        body=body_of(OrderPaid(order=order), project, version=version),
        goods=goods,
        rows=rows,
    )


def _whole(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount)


def _line_form(line: OrderLine) -> dict[str, Any]:
    return {
        "line_no": line.line_no,
        "parent_line_no": line.parent_line_no,
        "item_id": line.item_id,
        "sku": line.sku,
        "kind": line.kind.value,
        "quantity": line.quantity,
        "amount": _whole(line.amount),
        "amount_without_discount": _whole(line.amount_without_discount),
        "is_free": line.is_free,
        "is_bonus": line.is_bonus,
        "details": details_form(line),
        "stock_reserved": line.reserved.stock,
        "uses_reserved": line.reserved.uses,
        "uses_window": line.reserved.uses_window,
    }
