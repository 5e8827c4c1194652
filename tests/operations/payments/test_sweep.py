"""The sweep: late, lost and missing answers of a provider, and payments of processes that died."""

from datetime import timedelta
from decimal import Decimal

from haversack.clock import real_now
from haversack.context import Context
from haversack.orders.actions import expire_due_orders
from haversack.orders.records import OrderState
from haversack.payments import paying
from haversack.payments.outcomes import Declined, Done, Pending
from haversack.payments.providers import ChargeState, NewCard
from haversack.payments.providers.sandbox import Sandbox
from haversack.payments.queries.payments import list_refunds
from haversack.payments.records import Payment, PaymentState, RefundState
from haversack.payments.rules import MethodKind
from haversack.payments.starting import create_charge, start_payment
from haversack.payments.sweeping import sweep_payments
from make.orders import cancel, stored
from make.payments import (
    CHALLENGED,
    LATE,
    LOST_ANSWER,
    NEVER,
    SUCCESS,
    Purchase,
    card,
    leave_alone,
    move_clock,
    payment_with,
)
from make.projects import Studio


async def test_a_lost_answer_is_found(context: Context, studio: Studio, purchase: Purchase) -> None:
    assert isinstance(await purchase.pay(LOST_ANSWER), Pending)
    # Somebody may be working on it still.
    await sweep_payments(context)
    assert (await stored(studio, purchase.order_id)).state is OrderState.NEW
    await leave_alone(studio)
    await sweep_payments(context)
    assert (await purchase.payment()).state is PaymentState.DONE
    assert (await stored(studio, purchase.order_id)).state is OrderState.DONE


async def test_a_late_answer_is_found(context: Context, studio: Studio, purchase: Purchase) -> None:
    assert isinstance(await purchase.pay(LATE), Pending)
    await leave_alone(studio)
    await sweep_payments(context)
    assert (await purchase.payment()).state is PaymentState.PROCESSING
    await move_clock(studio, timedelta(seconds=11))
    await leave_alone(studio)
    await sweep_payments(context)
    assert (await purchase.payment()).state is PaymentState.DONE
    assert (await stored(studio, purchase.order_id)).state is OrderState.DONE


async def test_an_answer_that_never_comes(context: Context, studio: Studio, purchase: Purchase) -> None:
    pending = await purchase.pay(NEVER)
    assert isinstance(pending, Pending)
    await move_clock(studio, timedelta(hours=23))
    await leave_alone(studio)
    await sweep_payments(context)
    assert (await purchase.payment()).state is PaymentState.PROCESSING
    await move_clock(studio, timedelta(hours=2))
    await leave_alone(studio)
    await sweep_payments(context)
    ended = await payment_with(studio, pending.payment.payment_id)
    assert ended.state is PaymentState.CANCELED
    assert ended.failure is not None
    assert "not finished in time" in ended.failure


async def test_a_challenge_that_nobody_answers_ends_with_its_order(
    context: Context, studio: Studio, purchase: Purchase
) -> None:
    await purchase.pay(CHALLENGED)
    await leave_alone(studio)
    await sweep_payments(context)
    assert (await purchase.payment()).state is PaymentState.PROCESSING
    await cancel(studio, await stored(studio, purchase.order_id))
    await leave_alone(studio)
    await sweep_payments(context)
    assert (await purchase.payment()).state is PaymentState.CANCELED


async def begin(context: Context, purchase: Purchase) -> tuple[Sandbox, Payment]:
    """A payment whose process dies before it makes the charge."""
    session = await purchase.open()
    sandbox = Sandbox(context, session.project)
    payment = await start_payment(context, session, sandbox, MethodKind.CARD, email=None, zip_code=None)
    assert isinstance(payment, Payment)
    return sandbox, payment


async def test_a_payment_that_never_began(context: Context, studio: Studio, purchase: Purchase) -> None:
    _, payment = await begin(context, purchase)
    # As long as somebody may be working on it, it stands in the way of another one.
    assert isinstance(await purchase.pay(), Pending)
    await leave_alone(studio)
    await sweep_payments(context)
    ended = await payment_with(studio, payment.payment_id)
    assert (ended.state, ended.provider_reference) == (PaymentState.CANCELED, None)
    assert isinstance(await purchase.pay(), Done)


async def test_a_payment_that_never_began_gives_way(context: Context, studio: Studio, purchase: Purchase) -> None:
    _, payment = await begin(context, purchase)
    await leave_alone(studio)
    assert isinstance(await purchase.pay(), Done)
    assert (await payment_with(studio, payment.payment_id)).state is PaymentState.CANCELED


async def test_the_slow_process_of_a_payment_that_gave_way(
    context: Context, studio: Studio, purchase: Purchase
) -> None:
    """It was thought to be dead, and comes back: its charge is never confirmed."""
    sandbox, payment = await begin(context, purchase)
    await leave_alone(studio)
    assert isinstance(await purchase.pay(), Done)
    outcome = await create_charge(context, sandbox, payment, saves_card=False)
    assert isinstance(outcome, Declined)


async def test_a_charge_that_was_never_confirmed(context: Context, studio: Studio, purchase: Purchase) -> None:
    sandbox, payment = await begin(context, purchase)
    created = await create_charge(context, sandbox, payment, saves_card=False)
    assert isinstance(created, tuple)
    assert isinstance(await purchase.pay(), Pending)
    await leave_alone(studio)
    await sweep_payments(context)
    ended = await payment_with(studio, payment.payment_id)
    assert ended.state is PaymentState.CANCELED
    # Whoever comes back to confirm it finds it ended.
    charge = await sandbox.confirm(ended, NewCard(card(SUCCESS)))
    assert charge.state is ChargeState.CANCELED
    assert isinstance(await purchase.pay(), Done)


async def test_money_for_an_order_that_was_canceled_goes_back(
    context: Context, studio: Studio, purchase: Purchase
) -> None:
    assert isinstance(await purchase.pay(LOST_ANSWER), Pending)
    await cancel(studio, await stored(studio, purchase.order_id))
    outcome = await paying.refresh(context, await purchase.open())
    assert isinstance(outcome, Declined)
    assert "money goes back" in outcome.reason
    payment = await purchase.payment()
    assert (payment.state, payment.refunded) == (PaymentState.REFUNDED, Decimal("9.99"))
    [refund] = await list_refunds(context.database.session(), studio.project_id, payment.payment_id)
    assert (refund.state, refund.code, refund.amount) == (RefundState.DONE, 3, Decimal("9.99"))
    assert (await stored(studio, purchase.order_id)).state is OrderState.CANCELED
    # Asked again, nothing goes back twice.
    assert isinstance(await paying.refresh(context, await purchase.open()), Declined)
    assert (await purchase.payment()).refunded == Decimal("9.99")


async def test_an_order_that_expired_meanwhile_is_given_after_all(
    context: Context, studio: Studio, purchase: Purchase
) -> None:
    pending = await purchase.pay(LOST_ANSWER)
    assert isinstance(pending, Pending)
    await move_clock(studio, timedelta(hours=25))
    await expire_due_orders(context)
    assert (await stored(studio, purchase.order_id)).state is OrderState.EXPIRED
    await leave_alone(studio)
    await sweep_payments(context)
    assert (await payment_with(studio, pending.payment.payment_id)).state is PaymentState.DONE
    assert (await stored(studio, purchase.order_id)).state is OrderState.DONE


async def test_the_sweep_touches_what_it_cannot_end(context: Context, studio: Studio, purchase: Purchase) -> None:
    pending = await purchase.pay(NEVER)
    assert isinstance(pending, Pending)
    await leave_alone(studio)
    before = real_now()
    await sweep_payments(context)
    assert (await payment_with(studio, pending.payment.payment_id)).changed_at >= before
