"""The sweep: payments whose end nobody has seen, because a process died, an answer was lost or a provider is slow.

It asks the provider what became of each, finishes what was paid, ends what was not, gives refunds that were asked for,
and says in the log what it did. Several processes may sweep at once.
"""

import logging
from datetime import timedelta

from haversack.clock import real_now
from haversack.context import Context
from haversack.database.engine import DatabaseAway
from haversack.orders.queries import find_order
from haversack.orders.records import OrderState
from haversack.payments.completing import end_payment, look_again_later, record_charge
from haversack.payments.providers import CardEntry, Charge, ChargeState, Provider, ProviderAway, ProviderRefused
from haversack.payments.providers.choosing import open_provider
from haversack.payments.queries.falling_due import list_due
from haversack.payments.queries.payments import find_payment, list_open_payments, list_pending_refunds
from haversack.payments.records import Payment, PaymentState, Refund, RefundState
from haversack.payments.refunding import give_refund
from haversack.payments.rules import IN_FLIGHT, PAID, TOKEN_LIFE
from haversack.projects.records import Project

log = logging.getLogger("haversack.payments")

SWEEP_SECONDS = 10.0
LONGEST_PAUSE = timedelta(hours=1)
NOT_BEGUN = "The payment was broken off before it began. Nothing was charged."
NOT_CONFIRMED = "The payment was broken off before it was confirmed. Nothing was charged."
TOO_LATE = "The payment was not finished in time. Nothing was charged."


async def sweep_payments(context: Context) -> int:
    """Look after every payment and refund that nobody works on; how many came to their end."""
    db = context.database.session()
    now = real_now()
    ended = 0
    for payment in await list_open_payments(db, real_now=now, shortest=IN_FLIGHT, longest=LONGEST_PAUSE):
        try:
            ended += await look_after(context, await _project(context, payment.project_id), payment)
        except DatabaseAway:
            raise
        except Exception:
            # A fault of ours with one payment must not keep the others from their end.
            log.exception("payment %d of project %d cannot be looked after", payment.payment_id, payment.project_id)
            await look_again_later(context, payment)
    for project_id, refund in await list_pending_refunds(db, before=now - IN_FLIGHT):
        try:
            ended += await _give(context, await _project(context, project_id), refund)
        except DatabaseAway:
            raise
        except Exception:
            log.exception("refund %d of payment %d cannot be given", refund.refund_id, refund.payment_id)
    return ended


async def end_due_payments(context: Context, project: Project) -> int:
    """Look after the open payments of one project whose end has come by its clock; how many have ended."""
    db = context.database.session()
    ended = 0
    for payment_id in await list_due(db, project.project_id, now=project.clock.now()):
        payment = await find_payment(db, project.project_id, payment_id)
        assert payment is not None, "payments are never deleted"
        ended += await look_after(context, project, payment)
    return ended


async def _give(context: Context, project: Project, refund: Refund) -> bool:
    _, given = await give_refund(context, project, refund, payment_id=refund.payment_id)
    if given.state is RefundState.DONE:
        log.info("refund %d of payment %d was given", refund.refund_id, refund.payment_id)
    return given.state is not RefundState.PENDING


async def _project(context: Context, project_id: int) -> Project:
    project = await context.directory.find_project(project_id)
    assert project is not None, "a payment belongs to a project"
    return project


async def look_after(context: Context, project: Project, payment: Payment) -> bool:
    """Bring one open payment as far as it goes; whether it has ended."""
    if payment.state is PaymentState.CREATED:
        # Without a reference nothing was confirmed, so no money has moved.
        ended = await end_payment(context, payment, PaymentState.CANCELED, NOT_BEGUN)
    else:
        ended = await _ask_and_record(context, project, payment)
    if ended.state in (PaymentState.CREATED, PaymentState.PROCESSING):
        await look_again_later(context, payment)
        return False
    sentence = "was paid and not done: it is done now" if ended.state in PAID else f"ended as {ended.state}"
    log.warning("payment %d of project %d %s", payment.payment_id, payment.project_id, sentence)
    return True


async def _ask_and_record(context: Context, project: Project, payment: Payment) -> Payment:
    provider = await open_provider(context, project, payment.provider)
    if provider is None:
        log.warning("payment %d cannot be looked after: %s is not set up", payment.payment_id, payment.provider)
        return payment
    try:
        charge = await provider.find(payment)
        reason = await _why_to_end(context, project, payment, provider, charge)
        if reason is not None:
            charge = await provider.cancel(payment)
    except (ProviderAway, ProviderRefused) as error:
        log.warning("payment %d cannot be looked after: %s", payment.payment_id, error)
        return payment
    return await record_charge(context, project, payment, charge, reason=reason)


async def _why_to_end(
    context: Context, project: Project, payment: Payment, provider: Provider, charge: Charge
) -> str | None:
    """Why a charge that goes nowhere is to be ended; None where it may still come to something."""
    if charge.state not in (ChargeState.OPEN, ChargeState.CHALLENGE, ChargeState.PENDING):
        return None
    if charge.state is ChargeState.OPEN and provider.entry is CardEntry.OUR_PAGE:
        # The request that was to confirm it has died.
        return NOT_CONFIRMED
    if project.clock.now() - payment.created_at > TOKEN_LIFE:
        return TOO_LATE
    order = None
    if payment.order_id is not None:
        order = await find_order(context.database.session(), payment.project_id, payment.order_id)
    if order is not None and order.state is not OrderState.NEW:
        return TOO_LATE
    return None
