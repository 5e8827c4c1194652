"""Refunds: money goes back, the order is canceled with what it gave, or (in part) the player keeps what was bought.

A refund is asked for in one transaction, given by the provider outside of any, and recorded in another one. One that
stays in between is given by the sweep: providers give a refund of one number once.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

from haversack.clock import real_now
from haversack.context import Context
from haversack.database.engine import Session
from haversack.errors import REFUND_REFUSED
from haversack.orders.actions import refund_order
from haversack.orders.queries import find_order, take_turn
from haversack.orders.records import Order, OrderState
from haversack.payments.providers import ProviderAway, ProviderRefused, RefundAnswer, RefundAnswerState
from haversack.payments.providers.choosing import open_provider
from haversack.payments.queries.payments import (
    find_payment,
    list_refunds,
    lock_payment,
    lock_refund,
    save_payment,
    save_refund,
    touch_payment,
)
from haversack.payments.records import Payment, Refund, RefundState
from haversack.payments.refund_requests import add_refund_request
from haversack.payments.rules import check_refund, refundable, state_after_refunds
from haversack.payments.tokens import find_token_by_hash
from haversack.projects.queries import add_audit_entry
from haversack.projects.records import Project
from haversack.webhooks.actions import announce, publish
from haversack.webhooks.order_events import PaymentPartlyRefunded, PaymentRefunded
from haversack.webhooks.records import Purpose

log = logging.getLogger("haversack.payments")


async def refund_payment(
    context: Context,
    db: Session,
    project: Project,
    payment: Payment,
    *,
    amount: Decimal | None,
    code: int,
    reason: str,
    author: str,
    caller: str,
    request_id: str,
    when_asked: Callable[[], Awaitable[None]],
) -> tuple[Payment, RefundState]:
    """Refund a payment: all that is left of it (amount None), or a part. Pending: the provider has not answered, and
    the sweep goes on.

    when_asked: done in the transaction that asks for the refund, on `db`. From then on it is given, by us or the sweep.
    Raises PAYMENT_NOT_REFUNDABLE, REFUND_TOO_LARGE, PARTIAL_REFUND_CODE, and REFUND_REFUSED where the provider says no.
    """
    now = project.clock.now()
    is_partial = amount is not None
    async with db.begin():
        await take_turn(db, project.project_id, payment.player_id)
        held = await lock_payment(db, payment.project_id, payment.payment_id)
        wanted = refundable(held) if amount is None else amount
        check_refund(held, amount=wanted, code=code, is_partial=is_partial)
        refund = await add_refund_request(
            db, held, amount=wanted, code=code, reason=reason, author=author, is_partial=is_partial, now=now
        )
        await add_audit_entry(
            db,
            project_id=project.project_id,
            now=now,
            caller=caller,
            operation="partial_refund" if is_partial else "refund",
            sentence="payment refunded in part" if is_partial else "payment refunded",
            request_id=request_id,
            subject={"transaction_id": payment.payment_id, "amount": str(wanted), "currency": payment.currency},
        )
        await when_asked()
    after, given = await give_refund(context, project, refund, payment_id=payment.payment_id)
    if given.state is RefundState.FAILED:
        raise REFUND_REFUSED(payment_id=payment.payment_id, reason=given.failure or "")
    return after, given.state


async def give_refund(context: Context, project: Project, refund: Refund, *, payment_id: int) -> tuple[Payment, Refund]:
    """Have the provider give a refund that was asked for, and record what it says. May be repeated."""
    db = context.database.session()
    payment = await find_payment(db, project.project_id, payment_id)
    assert payment is not None, "a refund has a payment"
    answer = await _ask_provider(context, project, payment, refund)
    if answer is None:
        await touch_payment(db, payment, real_now=real_now())
        return payment, refund
    if answer.state is RefundAnswerState.REFUSED:
        return await _record_refused(context, payment, refund, answer)
    after = await _record_given(context, project, payment, refund, answer)
    announce(context, project.project_id)
    return after


async def _ask_provider(context: Context, project: Project, payment: Payment, refund: Refund) -> RefundAnswer | None:
    provider = await open_provider(context, project, payment.provider)
    if provider is None:
        log.warning(
            "refund %d of payment %d waits: %s is not set up", refund.refund_id, payment.payment_id, payment.provider
        )
        return None
    try:
        return await provider.refund(payment, refund)
    except ProviderAway as error:
        log.warning("refund %d of payment %d waits: %s", refund.refund_id, payment.payment_id, error)
        return None
    except ProviderRefused as error:
        return RefundAnswer(state=RefundAnswerState.REFUSED, reason=str(error))


async def _record_refused(
    context: Context, payment: Payment, refund: Refund, answer: RefundAnswer
) -> tuple[Payment, Refund]:
    db = context.database.session()
    async with db.begin():
        held = await lock_payment(db, payment.project_id, payment.payment_id)
        asked = await lock_refund(db, payment.project_id, refund.refund_id)
        if asked.state is not RefundState.PENDING:
            return held, asked
        held = await save_payment(
            db,
            held,
            state=held.state,
            failure=held.failure,
            refunded=held.refunded - asked.amount,
            real_now=real_now(),
        )
        await save_refund(db, payment.project_id, refund.refund_id, state=RefundState.FAILED, failure=answer.reason)
    log.warning(
        "refund %d of payment %d was refused by %s: %s",
        refund.refund_id,
        payment.payment_id,
        payment.provider,
        answer.reason,
    )
    return held, replace(asked, state=RefundState.FAILED, failure=answer.reason)


async def _record_given(
    context: Context, project: Project, payment: Payment, refund: Refund, answer: RefundAnswer
) -> tuple[Payment, Refund]:
    db = context.database.session()
    now = project.clock.now()
    async with db.begin():
        await take_turn(db, project.project_id, payment.player_id)
        held = await lock_payment(db, payment.project_id, payment.payment_id)
        asked = await lock_refund(db, payment.project_id, refund.refund_id)
        if asked.state is not RefundState.PENDING:
            return held, asked
        await save_refund(db, payment.project_id, refund.refund_id, state=RefundState.DONE, reference=answer.reference)
        refunds = await list_refunds(db, payment.project_id, payment.payment_id)
        given = sum((each.amount for each in refunds if each.state is RefundState.DONE), Decimal(0))
        held = await save_payment(
            db, held, state=state_after_refunds(held, given=given), failure=held.failure, real_now=real_now()
        )
        done = replace(asked, state=RefundState.DONE)
        order = None if held.order_id is None else await find_order(db, held.project_id, held.order_id)
        if order is None:
            await _tell(db, project, held, done, None)
        elif order.payment_id == held.payment_id:
            if done.is_partial:
                await _tell(db, project, held, done, order)
            elif order.state in (OrderState.PAID, OrderState.DONE):
                await refund_order(db, context, project, order.order_id, held, done, now=now)
        # Else the money was for an order that was never paid by it: the game has heard of neither.
    return held, done


async def _tell(db: Session, project: Project, payment: Payment, refund: Refund, order: Order | None) -> None:
    parameters = None
    if order is None and payment.token_hash is not None:
        token = await find_token_by_hash(db, payment.token_hash)
        parameters = None if token is None or token.custom_parameters is None else dict(token.custom_parameters)
    kind = PaymentPartlyRefunded if refund.is_partial else PaymentRefunded
    await publish(
        db,
        project,
        kind(payment=payment, refund=refund, order=order, custom_parameters=parameters),
        purpose=Purpose.STORE,
        player_key=str(payment.player_id),
    )
