"""How a payment begins: one at a time for a purchase, whatever else the player has open in other tabs."""

from haversack.clock import real_now
from haversack.context import Context
from haversack.database.engine import Session as Database
from haversack.orders.queries import lock_order
from haversack.orders.records import OrderState
from haversack.payments.completing import end_payment, record_charge
from haversack.payments.outcomes import Outcome, Pending, Refused, outcome_of, outcome_of_charge
from haversack.payments.providers import Charge, ChargeState, Provider, ProviderAway, ProviderRefused
from haversack.payments.providers.choosing import open_provider
from haversack.payments.queries.payments import add_payment, list_payments, lock_payment, save_payment
from haversack.payments.records import Payment, PaymentState
from haversack.payments.rules import METHOD_OF_KIND, OPEN, PAID, MethodKind, is_in_flight
from haversack.payments.sessions import Session
from haversack.payments.tokens import lock_token

NOT_REACHED = "The payment provider cannot be reached. Nothing was charged; try again."
REPLACED = "Another payment was begun for the same purchase."
NOT_PAYABLE = {
    OrderState.CANCELED: "This order was canceled. Start the purchase anew.",
    OrderState.EXPIRED: "This order has expired. Start the purchase anew.",
}
NOTHING_TO_PAY = "This order is paid."
ATTEMPTS_MAX = 3


async def start_payment(
    context: Context,
    session: Session,
    provider: Provider,
    kind: MethodKind,
    *,
    email: str | None,
    zip_code: str | None,
    goes_on: bool = False,
) -> Payment | Outcome:
    """A new payment, committed; or what there is instead of one.

    A payment that waits for the player (3-D Secure in another tab) is ended for the new one; one that is being worked
    on is not. goes_on: a charge that was never confirmed is taken up again.
    """
    db = context.database.session()
    last: Payment | None = None
    for _ in range(ATTEMPTS_MAX):
        async with db.begin():
            refused = await _lock_purchase(db, session)
            payments = await list_payments(db, session.token)
            if payments and payments[0].state in PAID:
                return outcome_of(payments[0])
            if refused is not None:
                return refused
            opened = [payment for payment in payments if payment.state in OPEN]
            if not opened:
                return await add_payment(
                    db,
                    session.token,
                    provider=provider.name,
                    method=METHOD_OF_KIND[kind].kind,
                    is_sandbox=session.is_sandbox,
                    currency=session.currency,
                    amount=session.total,
                    tax=session.tax,
                    tax_percent=session.tax_percent,
                    tax_name=session.tax_name,
                    country=session.country,
                    email=email or session.email,
                    zip_code=zip_code,
                    now=session.now,
                    real_now=real_now(),
                )
        for last in opened:
            outcome = await _clear(context, session, last, goes_on=goes_on)
            if outcome is not None:
                return outcome
    assert last is not None
    return Pending(last)


async def _lock_purchase(db: Database, session: Session) -> Refused | None:
    """Let payments of one purchase begin one after another; why none can begin."""
    if session.order is None:
        await lock_token(db, session.token)
        return None
    order = await lock_order(db, session.project.project_id, session.order.order_id)
    if order.state is OrderState.NEW:
        return None
    return Refused(NOT_PAYABLE.get(order.state, NOTHING_TO_PAY))


async def _clear(context: Context, session: Session, payment: Payment, *, goes_on: bool) -> Outcome | None:
    """Make way for a new payment, or say why the open one stays."""
    is_busy = is_in_flight(payment, real_now=real_now())
    if payment.state is PaymentState.CREATED:
        if is_busy:
            return Pending(payment)
        # Without a reference no money can have moved.
        await end_payment(context, payment, PaymentState.CANCELED, REPLACED)
        return None
    provider = await open_provider(context, session.project, payment.provider)
    if provider is None:
        return Pending(payment)
    try:
        charge = await provider.find(payment)
        fits = goes_on and payment.amount == session.total and charge.client_secret is not None
        if charge.state is ChargeState.OPEN and fits:
            return outcome_of_charge(payment, charge, provider)
        if charge.state is ChargeState.PENDING or (charge.state is ChargeState.OPEN and is_busy and not goes_on):
            return Pending(payment)
        if charge.state in (ChargeState.OPEN, ChargeState.CHALLENGE):
            charge = await provider.cancel(payment)
    except (ProviderAway, ProviderRefused):
        return Pending(payment)
    ended = await record_charge(context, session.project, payment, charge)
    return outcome_of(ended) if ended.state in PAID else None


async def create_charge(
    context: Context, provider: Provider, payment: Payment, *, saves_card: bool
) -> tuple[Payment, Charge] | Outcome:
    """Make the charge of a new payment and keep its reference; what stands in the way, where something does."""
    try:
        charge = await provider.create(payment, saves_card=saves_card)
    except ProviderAway:
        return outcome_of(await end_payment(context, payment, PaymentState.FAILED, NOT_REACHED))
    except ProviderRefused as error:
        return outcome_of(await end_payment(context, payment, PaymentState.FAILED, str(error)))
    db = context.database.session()
    async with db.begin():
        held = await lock_payment(db, payment.project_id, payment.payment_id)
        if held.state is not PaymentState.CREATED:
            # It was given up meanwhile; a charge that is never confirmed moves nothing.
            return outcome_of(held)
        kept = await save_payment(
            db, held, state=PaymentState.PROCESSING, reference=charge.reference, real_now=real_now()
        )
    return kept, charge
