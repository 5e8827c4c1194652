"""Changes of orders: paid, canceled, refunded, expired, taken by the game. One function moves an order, under its lock.

Whoever changes an order has the player's turn first (`queries.take_turn`), then the order's row, then what it holds.
Each change of state is told to the sockets that wait for it when its transaction commits.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from haversack.carts.actions import forget_bought
from haversack.catalog.selling import open_shop
from haversack.chains.offer.completing import complete_step
from haversack.chains.points import earn_points, points_source_of, take_back_points
from haversack.context import Context
from haversack.database.engine import DatabaseAway, Session
from haversack.errors import ORDER_NOT_FOUND, Refusal
from haversack.inventory.ledger import LedgerRow, write_ledger
from haversack.limits.reserving import lock_limited
from haversack.orders import holding, overviews, queries, rules
from haversack.orders.changes import OrderChange, tell_with_commit
from haversack.orders.codes import source_of
from haversack.orders.fulfilling import (
    REFERENCE,
    give,
    refund_source_of,
    take_back_given,
    tell_paid,
    tell_refunded,
)
from haversack.orders.records import Order, OrderState
from haversack.orders.rules import MoveNotAllowed, OrderNotPayable
from haversack.payments.records import Payment, Refund
from haversack.payments.refund_requests import ask_for_refund
from haversack.projects.queries import find_project
from haversack.projects.records import Project
from haversack.promotions.records import TakenUse
from haversack.promotions.uses import Use, UsesExhausted, count_uses, settle_uses, uncount_uses
from haversack.webhooks.records import FailureReason, SettledDelivery

__all__ = [
    "MoveNotAllowed",
    "OrderNotPayable",
    "cancel_order",
    "expire_due_orders",
    "name_stuck_orders",
    "pay_order",
    "record_delivery",
    "refund_order",
    "take_order",
]

log = logging.getLogger("haversack.orders")

EXPIRED_AT_ONCE_MAX = 200
COMMENT_LENGTH_MAX = 500
# A paid order that no game has taken for so long is named in the log. Webhooks are repeated for half a day.
STUCK_AFTER = timedelta(hours=13)


async def _moved(db: Session, before: Order, after: Order) -> Order:
    """Write down an order that has moved; the only way in which a stored order changes its state."""
    rules.check_move(before.state, after.state)
    await queries.save_state(db, after)
    changed = [line for line, old in zip(after.lines, before.lines, strict=True) if line != old]
    if changed:
        await queries.save_reserved(db, after, changed)
    if after.promotions != before.promotions:
        await queries.save_promotions(db, after)
    tell_with_commit(db, OrderChange.of(after))
    return after


async def _write_rows(db: Session, order: Order, rows: Sequence[LedgerRow], *, source: str, now: datetime) -> None:
    await write_ledger(
        db,
        project_id=order.project_id,
        player_id=order.player_id,
        source=source,
        rows=holding.merged_rows(rows),
        now=now,
    )


async def pay_order(
    db: Session, context: Context, project: Project, order_id: int, payment: Payment, *, now: datetime
) -> Order:
    """Count an order as paid by a payment, in the caller's transaction: what it holds is sold, its goods are given, the
    game is told. The order stands at `paid` until the game has taken it, at `done` where no game listens.

    Paying twice by one payment pays once. Raises OrderNotPayable, and the caller's transaction must be undone, where
    the money has to go back: the order is canceled, paid by another payment, or cannot be fulfilled any more.
    """
    assert db.in_transaction, "an order is paid in the transaction that records its payment"
    found = await queries.find_order(db, project.project_id, order_id)
    if found is None:
        raise ORDER_NOT_FOUND()
    await queries.take_turn(db, project.project_id, found.player_id)
    limited = sorted(rules.holds_limited(found))
    rival_ids = await queries.list_rivals(db, project.project_id, found.player_id, limited) if limited else []
    if found.chain_step is not None:
        rival_ids += await queries.list_of_step(db, project.project_id, found.player_id, found.chain_step)
    locked = await queries.lock_orders(db, project.project_id, sorted({order_id, *rival_ids}))
    order = locked.pop(order_id)
    if order.state in (OrderState.PAID, OrderState.DONE) and order.payment_id == payment.payment_id:
        return order
    rules.check_payable(order, payment)
    if locked:
        touched = {line.item_id for each in (order, *locked.values()) for line in each.lines}
        await lock_limited(db, project.project_id, sorted(touched))
    for rival in locked.values():
        await _end_unpaid(
            db, rival, OrderState.CANCELED, now=now, comment=f"Order {order_id} of the same item was paid."
        )
    try:
        return await _fulfil(db, context, project, order, payment, now=now)
    except Refusal as refusal:
        raise OrderNotPayable(refusal.message) from refusal


async def _fulfil(
    db: Session, context: Context, project: Project, order: Order, payment: Payment, *, now: datetime
) -> Order:
    rows: list[LedgerRow] = []
    before = order
    if order.state is OrderState.EXPIRED:
        order, rows = await _hold_again(db, context, order, now=now)
    sold = await holding.sell(db, order)
    await settle_uses(db, order.project_id, _uses_of(order))
    paid = replace(
        order,
        state=rules.move(order.state, OrderState.PAID),
        lines=rules.with_codes_owed(sold.lines, now=now),
        paid_at=now,
        ended_at=None,
        payment_id=payment.payment_id,
        comment=None,
    )
    await give(db, context, paid, project=project, now=now)
    await complete_step(db, paid, now=now)
    await _write_rows(db, paid, [*rows, *sold.rows], source=source_of(paid), now=now)
    told = await tell_paid(db, project, paid, payment, now=now)
    if order.cart_id is not None:
        await forget_bought(
            db, order.project_id, order.player_id, order.cart_id, rules.bought(order), rules.codes_used(order)
        )
    moved = await _moved(db, before, told)
    await earn_points(
        db,
        project_id=paid.project_id,
        player_id=paid.player_id,
        source=points_source_of(source_of(paid)),
        amounts=rules.value_points_of(paid),
        now=now,
    )
    return moved


async def _hold_again(db: Session, context: Context, order: Order, *, now: datetime) -> tuple[Order, list[LedgerRow]]:
    """An expired order has given back what it held: it lives again if all of that is still to be had."""
    shop = await open_shop(context.catalogs, order.project_id)
    holder = holding.Holder(
        shop=shop,
        project_id=order.project_id,
        order_id=order.order_id,
        player_id=order.player_id,
        country=order.country,
        now=now,
        ignores_limits=order.chain_step is not None,
    )
    held = await holding.hold(db, holder, order.lines)
    if held.faults:
        raise rules.refusal_of(held.faults)
    known = shop.catalog.promotions.by_id
    # A promotion that has ended since binds nobody any more: its price was promised.
    uses = [Use(known[each.promotion_id], each.code) for each in order.promotions if each.promotion_id in known]
    try:
        taken, use_rows = await count_uses(db, order.project_id, order.player_id, uses, now=now)
    except UsesExhausted as exhausted:
        raise OrderNotPayable(f"The order used a {exhausted.what}, and its uses have been taken.") from exhausted
    of = {each.promotion_id: each for each in taken}
    promotions = tuple(replace(each, use=of.get(each.promotion_id)) for each in order.promotions)
    return replace(order, lines=held.lines, promotions=promotions), [*held.rows, *use_rows]


def _uses_of(order: Order) -> list[TakenUse]:
    return [each.use for each in order.promotions if each.use is not None]


async def cancel_order(db: Session, project: Project, order_id: int, *, reason: str, now: datetime) -> Order:
    """Cancel an unpaid order, in the caller's transaction: it gives back what it holds. One that has ended already
    stays as it is; MoveNotAllowed for one that is paid."""
    order = await _lock_with_turn(db, project.project_id, order_id)
    if order.state in (OrderState.CANCELED, OrderState.EXPIRED):
        return order
    if order.state is not OrderState.NEW:
        raise MoveNotAllowed(f"order {order_id} is {order.state}: its money has to go back")
    return await _end_unpaid(db, order, OrderState.CANCELED, now=now, comment=reason)


async def _lock_with_turn(db: Session, project_id: int, order_id: int) -> Order:
    assert db.in_transaction, "a lock lasts as long as its transaction"
    found = await queries.get_order(db, project_id, order_id)
    await queries.take_turn(db, project_id, found.player_id)
    return await queries.lock_order(db, project_id, order_id)


async def _end_unpaid(db: Session, order: Order, to: OrderState, *, now: datetime, comment: str | None = None) -> Order:
    """End an unpaid order, which is locked; what it holds is given back here and nowhere else, so once."""
    given_back = await holding.give_back(db, order)
    use_rows = await uncount_uses(db, order.project_id, order.player_id, _uses_of(order))
    ended = replace(
        order,
        state=rules.move(order.state, to),
        lines=given_back.lines,
        promotions=tuple(replace(each, use=None) for each in order.promotions),
        ended_at=now,
        comment=comment,
    )
    await _write_rows(db, ended, [*given_back.rows, *use_rows], source=source_of(ended), now=now)
    return await _moved(db, order, ended)


async def refund_order(
    db: Session,
    context: Context,
    project: Project,
    order_id: int,
    payment: Payment,
    refund: Refund,
    *,
    now: datetime,
) -> Order:
    """Cancel a paid order because its money goes back, in the caller's transaction: what was given is taken back as far
    as the player still has it, limited units are for sale again, the game is told. One that is canceled already stays
    as it is; MoveNotAllowed for one that was never paid."""
    order = await _lock_with_turn(db, project.project_id, order_id)
    if order.state is OrderState.CANCELED:
        return order
    if order.state not in (OrderState.PAID, OrderState.DONE):
        raise MoveNotAllowed(f"order {order_id} is {order.state}: there is nothing to refund")
    returned = await holding.take_back_sold(db, order)
    await take_back_given(db, order, now=now)
    canceled = replace(
        order,
        state=rules.move(order.state, OrderState.CANCELED),
        lines=tuple(replace(line, codes_owed=0) for line in returned.lines),
        ended_at=now,
        comment=refund.reason,
    )
    await _write_rows(db, canceled, returned.rows, source=refund_source_of(order), now=now)
    await tell_refunded(db, project, canceled, payment, refund)
    moved = await _moved(db, order, canceled)
    await take_back_points(
        db,
        project_id=order.project_id,
        player_id=order.player_id,
        grant_source=points_source_of(source_of(order)),
        source=points_source_of(refund_source_of(order)),
        now=now,
    )
    return moved


async def expire_due_orders(context: Context, project_id: int | None = None) -> int:
    """End the unpaid orders of a project, or of all, whose time is over by their projects' clocks, each in a
    transaction of its own; how many. Two processes may do it at once."""
    expired = 0
    while True:
        due = await overviews.list_due(context.database.session(), limit=EXPIRED_AT_ONCE_MAX, project_id=project_id)
        faults = 0
        for each in due:
            try:
                expired += await _expire(context, each)
            except DatabaseAway:
                raise
            except Exception:
                # A fault of ours with one order must not keep the others from their end.
                log.exception("order %d of project %d cannot be ended", each.order_id, each.project_id)
                faults += 1
        if len(due) < EXPIRED_AT_ONCE_MAX or faults == len(due):
            return expired


async def _expire(context: Context, due: overviews.Due) -> bool:
    db = context.database.session()
    async with db.begin():
        order = await _lock_with_turn(db, due.project_id, due.order_id)
        # It may have been paid while we waited for it.
        if order.state is not OrderState.NEW or order.expires_at > due.now:
            return False
        await _end_unpaid(db, order, OrderState.EXPIRED, now=due.now, comment=None)
    return True


async def record_delivery(db: Session, delivery: SettledDelivery) -> None:
    """Move a paid order as the game has answered its `order_paid`, in the transaction that records the answer.

    Taken: done. Where nobody is left to tell, nobody has to take it: done too. Refused, or silence to the end of the
    schedule: the order stays paid, and a replay of the delivery settles it, unless the project wants its money to go
    back: then that is asked for.
    """
    assert delivery.reference is not None
    order_id = int(delivery.reference.removeprefix(f"{REFERENCE}:"))
    order = await _lock_with_turn(db, delivery.project_id, order_id)
    if order.state is not OrderState.PAID:
        return
    nobody = (FailureReason.NO_ENDPOINT, FailureReason.ENDPOINT_DISABLED)
    if delivery.state.is_accepted or delivery.state.reason in nobody:
        done = replace(order, state=rules.move(order.state, OrderState.DONE), ended_at=delivery.settled_at)
        await _moved(db, order, done)
        return
    await _keep_refusal(db, order, delivery)


async def take_order(db: Session, project_id: int, order_id: int, *, now: datetime) -> None:
    """Count a paid order as taken by the game, in the caller's transaction. One that stands elsewhere stays there."""
    order = await _lock_with_turn(db, project_id, order_id)
    if order.state is OrderState.PAID:
        await _moved(db, order, replace(order, state=rules.move(order.state, OrderState.DONE), ended_at=now))


async def _keep_refusal(db: Session, order: Order, delivery: SettledDelivery) -> None:
    message = delivery.state.message or "the webhook before it was refused"
    comment = f"The game has not taken it: {message}"[:COMMENT_LENGTH_MAX]
    await queries.save_state(db, replace(order, comment=comment))
    project = await find_project(db, order.project_id)
    assert project is not None, "an order has a project"
    if project.refunds_refused_orders and order.payment_id is not None:
        await ask_for_refund(db, project, order.payment_id, reason=comment, now=delivery.settled_at)


async def name_stuck_orders(context: Context) -> int:
    """Name in the log the orders that are paid and that no game has taken for long; how many there are."""
    stuck = await overviews.list_stuck(context.database.session(), age=STUCK_AFTER)
    for each in stuck:
        log.warning(
            "order %d of project %d was paid at %s and is not done: %s",
            each.order_id,
            each.project_id,
            each.paid_at.isoformat(timespec="seconds"),
            each.why,
        )
    return len(stuck)
