"""What a provider says of a charge, written down: the payment moves, and in the same transaction its order is paid.

May be called as often as a provider repeats itself, by several processes at once: a payment is done once. Money that
came in for an order that cannot be fulfilled any more goes back, and the payment says so.
"""

import logging
from datetime import datetime

from haversack.clock import real_now
from haversack.context import Context
from haversack.database.engine import Session
from haversack.orders.actions import pay_order
from haversack.orders.queries import take_turn
from haversack.orders.rules import OrderNotPayable
from haversack.payments.providers import Charge, ChargeState
from haversack.payments.queries.cards import save_card
from haversack.payments.queries.payments import lock_payment, save_payment, touch_payment
from haversack.payments.records import Payment, PaymentState
from haversack.payments.refund_requests import INTEGRATION_ERROR, add_refund_request
from haversack.payments.refunding import give_refund
from haversack.payments.rules import PAID, may_move, move
from haversack.payments.tokens import find_token_by_hash
from haversack.projects.records import Project
from haversack.webhooks.actions import announce, publish
from haversack.webhooks.order_events import PaymentMade
from haversack.webhooks.records import Purpose

log = logging.getLogger("haversack.payments")

LOST = "The payment provider does not know this payment."
CANCELED = "The payment was canceled."
DECLINED = "The payment was declined."


async def record_charge(
    context: Context, project: Project, payment: Payment, charge: Charge, *, reason: str | None = None
) -> Payment:
    """Write down where a charge stands and return the payment as it is then.

    reason: why a charge was canceled, fit to be shown, where the provider has none.
    """
    match charge.state:
        case ChargeState.SUCCEEDED:
            return await _complete(context, project, payment, charge)
        case ChargeState.DECLINED:
            return await end_payment(context, payment, PaymentState.FAILED, charge.reason or DECLINED, charge=charge)
        case ChargeState.CANCELED:
            return await end_payment(context, payment, PaymentState.CANCELED, charge.reason or reason or CANCELED)
        case ChargeState.UNKNOWN:
            return await end_payment(context, payment, PaymentState.FAILED, LOST)
        case ChargeState.OPEN | ChargeState.CHALLENGE | ChargeState.PENDING:
            return payment


async def end_payment(
    context: Context, payment: Payment, state: PaymentState, reason: str, *, charge: Charge | None = None
) -> Payment:
    """Let a payment fail or be canceled, for a reason fit to be shown; one that has ended already stays as it is."""
    db = context.database.session()
    async with db.begin():
        held = await lock_payment(db, payment.project_id, payment.payment_id)
        if not may_move(held.state, state):
            return held
        return await save_payment(
            db,
            held,
            state=move(held.state, state),
            card=None if charge is None else charge.card,
            failure=reason,
            real_now=real_now(),
        )


async def _complete(context: Context, project: Project, payment: Payment, charge: Charge) -> Payment:
    try:
        done = await _pay(context, project, payment, charge)
    except OrderNotPayable as error:
        done = await _take_and_give_back(context, project, payment, charge, reason=error.reason)
    announce(context, project.project_id)
    return done


async def _pay(context: Context, project: Project, payment: Payment, charge: Charge) -> Payment:
    db = context.database.session()
    # What a player buys begins at the player's own time, by which it is shown and ends.
    now = project.for_player(payment.player_id).clock.now()
    async with db.begin():
        # The player's turn, then the payment, then the order: whoever locks the last two has the first.
        await take_turn(db, project.project_id, payment.player_id)
        held = await lock_payment(db, payment.project_id, payment.payment_id)
        if held.state in PAID:
            return held
        done = await _save_done(db, held, charge, now=now)
        if done.order_id is not None:
            await pay_order(db, context, project, done.order_id, done, now=now)
        else:
            await _tell_of_payment(db, project, done)
        if charge.saved_reference is not None and charge.card is not None:
            await save_card(
                db,
                context.sealer,
                project_id=done.project_id,
                player_id=done.player_id,
                provider=done.provider,
                card=charge.card,
                reference=charge.saved_reference,
                now=now,
            )
    return done


async def _save_done(
    db: Session, held: Payment, charge: Charge, *, now: datetime, failure: str | None = None
) -> Payment:
    # A notice may come before we have written the reference down ourselves.
    state = move(held.state, PaymentState.PROCESSING) if held.state is PaymentState.CREATED else held.state
    return await save_payment(
        db,
        held,
        state=move(state, PaymentState.DONE),
        reference=charge.reference,
        card=charge.card,
        failure=failure,
        paid_at=now,
        real_now=real_now(),
    )


async def _tell_of_payment(db: Session, project: Project, payment: Payment) -> None:
    """A purchase without an order: the game gives what was bought when it hears of the payment."""
    assert payment.token_hash is not None, "a payment without an order was made by a token"
    token = await find_token_by_hash(db, payment.token_hash)
    parameters = None if token is None or token.custom_parameters is None else dict(token.custom_parameters)
    await publish(
        db,
        project,
        PaymentMade(payment=payment, custom_parameters=parameters),
        purpose=Purpose.STORE,
        player_key=str(payment.player_id),
    )


async def _take_and_give_back(
    context: Context, project: Project, payment: Payment, charge: Charge, *, reason: str
) -> Payment:
    """Money came in for nothing: write that down together with the refund, which the sweep gives if we do not come to
    it."""
    db = context.database.session()
    now = project.clock.now()
    async with db.begin():
        await take_turn(db, project.project_id, payment.player_id)
        held = await lock_payment(db, payment.project_id, payment.payment_id)
        if held.state in PAID:
            return held
        shown = f"{reason} Your money goes back to you."
        done = await _save_done(db, held, charge, now=now, failure=shown)
        refund = await add_refund_request(
            db, done, amount=done.amount, code=INTEGRATION_ERROR, reason=reason, author="Haversack", now=now
        )
    log.warning(
        "payment %d of project %d was paid and order %s cannot be fulfilled (%s): it is refunded",
        payment.payment_id,
        payment.project_id,
        payment.order_id,
        reason,
    )
    refunded, _ = await give_refund(context, project, refund, payment_id=payment.payment_id)
    return refunded


async def look_again_later(context: Context, payment: Payment) -> None:
    """Let the sweep leave a payment alone for a while."""
    await touch_payment(context.database.session(), payment, real_now=real_now())
